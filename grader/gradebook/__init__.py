"""What was decided, and what instructors add to it."""
