"""From what was handed in to the cells of each student's notebook."""
