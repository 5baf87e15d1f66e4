"""Build the course's notebooks, run submissions in a sandbox, grade them and report."""
