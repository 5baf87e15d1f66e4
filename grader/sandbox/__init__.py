"""From cells to answers: where a student's code runs, and the line to it."""
