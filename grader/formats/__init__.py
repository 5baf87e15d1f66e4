"""Files of other programs, as plain data: CSV and JUnit XML."""
