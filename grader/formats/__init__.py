"""Files of other programs, as plain data: CSV and JUnit XML; and how any file is written."""
