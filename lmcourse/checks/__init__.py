"""The checks of the lessons, a module or a folder each."""

from grader.checks.selfcheck import SelfCheck

check = SelfCheck("lmcourse")
