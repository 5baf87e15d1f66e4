"""Builds a course's notebooks, runs submissions, grades and reports."""

DISTRIBUTION = "lmcourse"
"""What pip installs the grader as."""
