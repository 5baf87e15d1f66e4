"""From answers to results."""
