"""The checks of the lessons, a module each."""

from grader.checks.selfcheck import SelfCheck

check = SelfCheck("numpy_basics")
