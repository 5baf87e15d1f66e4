"""The course that the tests go through: this one."""

from pathlib import Path

from grader.course.lessons import Course
from grader.sandbox.bubblewrap import Shown

ROOT = Path(__file__).parents[1]
COURSE = Course(ROOT)
SHOWN = Shown(ROOT / COURSE.package, COURSE.names[0])
LESSON = "02_bigrams"
"""The one that most tests of grading are about."""
