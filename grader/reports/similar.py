"""`grader similar`: pairs of submissions that are too alike to have been written apart.

Winnowing (Schleimer, Wilkerson and Aiken, 2003, "Winnowing: local algorithms for document
fingerprinting", SIGMOD), as in MOSS: of every few tokens in a row one fingerprint is chosen, so
that every copied passage of some length leaves one, wherever it stands. A student's own names count
as one and the same, so renaming hides nothing. Only the cells that define an exercise's names
count, the released notebook's own code does not, and a passage counts the less the more students
wrote it.

A pair in the list is a reason to read the two, not a proof of anything.
"""

import hashlib
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Name, String

from grader.course.lessons import Course
from grader.course.regions import stub
from grader.gradebook.copies import copy_path
from grader.gradebook.store import Gradebook
from grader.gradebook.tables import FILE_NAME
from grader.submissions.cells import defined_names
from grader.submissions.collect import collect
from grader.submissions.notebook import Notebook, read
from grader.terminal.words import counted

GRAM = 10
"""Tokens in a row that make a fingerprint; shorter passages are alike by chance."""
WINDOW = 4
"""Fingerprints in a row of which one is chosen: what is alike for 13 tokens is always found."""
COMMON = 10
"""Students beyond whom a passage is just how this is written (as MOSS does by default)."""
LEAST = 8.0
"""Rare fingerprints that two submissions share at least; about 30 tokens that few others wrote."""
ALIKE = 0.5
"""Share of the rare fingerprints of the one that has fewer, from which a pair is listed."""
LISTED = 50
MAX_LINE = 2_000
"""Characters of one line of code that are looked at."""


@dataclass(frozen=True)
class Work:
    """What one student wrote in the exercises of one lesson: source by exercise."""

    student: str
    lesson: str
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Pair:
    """Two submissions that are too alike.

    `share` is the part of what is rare in the shorter one that is also in the other, from 0 to 1.
    `rare` is how many fingerprints that makes, each weighed by its rarity. `exercises` are those
    where they are, most of them first.
    """

    lesson: str
    students: tuple[str, str]
    share: float
    rare: float
    exercises: tuple[str, ...]


def main(course: Course, path: Path) -> int:
    """Print the pairs in a gradebook's folder, or in submissions as `grader grade` takes them."""
    works = list(_kept(course, path) if (path / FILE_NAME).is_file() else _handed_in(course, path))
    pairs = similar_pairs(course, works)
    print(f"{counted(len(works), 'submission')}, {counted(len(pairs), 'pair')} too alike")
    if (path / FILE_NAME).is_file():
        project = course.configuration.project
        left = sum(result.lesson == project for result in Gradebook.open(path).results())
        if project and left:
            print(f"{counted(left, 'project')} not compared: this looks at notebooks alone")
    width = max((len(student) for pair in pairs[:LISTED] for student in pair.students), default=0)
    for pair in pairs[:LISTED]:
        one, other = pair.students
        where = ", ".join(pair.exercises)
        print(f"{pair.share:5.0%}  {pair.lesson}  {one:{width}}  {other:{width}}  {where}")
    if len(pairs) > LISTED:
        print(f"... and {len(pairs) - LISTED} more")
    return 0


def similar_pairs(course: Course, works: Iterable[Work]) -> list[Pair]:
    """Return the pairs of submissions to the same lesson that are too alike, the most first."""
    by_lesson = defaultdict(list)
    for work in works:
        by_lesson[work.lesson].append(work)
    pairs = [
        pair
        for lesson, part in by_lesson.items()
        if len(part) > 1
        for pair in _pairs(course, lesson, part)
    ]
    return sorted(pairs, key=lambda pair: (-pair.rare * pair.share, pair.lesson, pair.students))


def _pairs(course: Course, lesson: str, works: list[Work]) -> Iterator[Pair]:
    released = _released(course, lesson)
    # Each student's fingerprints, and the exercise that each is in.
    prints = {
        work.student: {
            mark: exercise
            for exercise, source in work.sources.items()
            for mark in winnow(grams(source))
            if mark not in released
        }
        for work in works
    }
    having: dict[int, list[str]] = defaultdict(list)
    for student in sorted(prints):
        for mark in prints[student]:
            having[mark].append(student)
    weights = {
        mark: _weight(len(students), len(prints))
        for mark, students in having.items()
        if len(students) <= COMMON
    }
    totals = {
        student: sum(weights.get(mark, 0.0) for mark in marks) for student, marks in prints.items()
    }
    shared: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for mark in sorted(weights):
        for one, other in combinations(having[mark], 2):
            shared[one, other][prints[one][mark]] += weights[mark]
    for (one, other), by_exercise in shared.items():
        rare = sum(by_exercise.values())
        share = rare / min(totals[one], totals[other])
        if rare >= LEAST and share >= ALIKE:
            where = sorted(by_exercise, key=lambda name: (-by_exercise[name], name))
            yield Pair(lesson, (one, other), share, rare, tuple(where))


def _weight(having: int, students: int) -> float:
    """Return 1 for a passage that two students or one wrote, and almost 0 for one of them all."""
    return math.log((students + 1) / max(having, 2)) / math.log((students + 1) / 2)


def winnow(marks: list[int]) -> set[int]:
    """Return the least of every `WINDOW` fingerprints in a row; of fewer, the least."""
    last = max(len(marks) - WINDOW + 1, 1)
    return {min(marks[i : i + WINDOW]) for i in range(last)} if marks else set()


def grams(source: str) -> list[int]:
    """Return the fingerprint of every `GRAM` tokens in a row."""
    words = tokens(source)
    return [
        int.from_bytes(
            hashlib.blake2b(" ".join(words[i : i + GRAM]).encode(), digest_size=8).digest()
        )
        for i in range(len(words) - GRAM + 1)
    ]


def tokens(source: str) -> list[str]:
    """Return code without spaces, comments and docstrings, its strings and own names made one.

    The names of built-in functions and what stands after a dot keep their text: they are the
    library's, and a student cannot rename them.
    """
    words: list[str] = []
    # The lexer takes quadratic time for blank lines and for long ones.
    lines = [line[:MAX_LINE] for line in source.splitlines() if not line.isspace()]
    for kind, text in _LEXER.get_tokens("\n".join(filter(None, lines))):
        if kind in Comment or kind in String.Doc or not text.strip():
            continue
        if kind in String:
            if words[-1:] != ["S"]:
                words.append("S")
        elif kind in Name and kind not in Name.Builtin and words[-1:] != ["."]:
            words.append("V")
        else:
            words.append(text)
    return words


_LEXER = PythonLexer()


def _released(course: Course, lesson: str) -> frozenset[int]:
    """Return the fingerprints of the released notebook's own code."""
    return frozenset(
        mark
        for cell in course.lesson(lesson).cells
        if cell.is_code
        for mark in grams(stub(cell.text, cell.name) if cell.role == "exercise" else cell.text)
    )


# --- Where the submissions are ----------------------------------------------------------------


def _kept(course: Course, folder: Path) -> Iterator[Work]:
    """Yield the work in the copies that a gradebook's folder keeps."""
    for result in Gradebook.open(folder).results():
        found = read(copy_path(folder, result.student, result.lesson), course.names)
        if isinstance(found, Notebook) and result.status == "graded":
            yield work(course, result.student, result.lesson, found)


def _handed_in(course: Course, submissions: Path) -> Iterator[Work]:
    with tempfile.TemporaryDirectory() as scratch:
        for submission in collect(submissions, Path(scratch), course.names).submissions:
            found = submission.read(course.names)
            if isinstance(found, Notebook) and found.lesson is not None:
                yield work(course, submission.student, found.lesson, found)


def work(course: Course, student: str, lesson: str, notebook: Notebook) -> Work:
    """Return what a student wrote in the cells that define an exercise's names."""
    defined = [(cell.source, defined_names(cell.source)) for cell in notebook.cells]
    sources = {
        exercise.name: "\n".join(text for text, names in defined if names & set(exercise.names))
        for exercise in course.exercises(lesson).values()
    }
    return Work(student, lesson, sources)
