"""What both rows of pipelines ask: the reactions in situations, of which some are doors.

Who passes by a door lets anything out to all users: by the gate, or with nobody's approval.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from grader.checks.case import Case, case
from grader.checks.student import Student
from lmcourse.checks.pipelines.situations import Situation, Trial

DOORS = {"gate": 8, "night gate": 8, "missing": 6, "rejected": 6}
"""How much the situations weigh in which something must not get through; all others weigh 1.

A third of a row is for the gate, and a quarter for the approval.
"""


def reactions(
    repository: Student,
    trial: Trial,
    every: Sequence[Situation],
    file: str,
    hints: Mapping[str, str],
) -> Iterator[Case]:
    """Yield a case for each situation that the pipeline in `file` is tried in."""
    for each in every:
        asked = partial(lambda each: trial.reaction(repository.read(file), each), each)
        weight = DOORS.get(each.key, 1)
        yield case(each.name, asked, each.right(), hint=hints[each.key], points=weight)
