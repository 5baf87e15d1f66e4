"""Submissions that attack the grader (`attacks`) earn nothing by it, and harm nobody."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import nbformat
import pytest
import torch
from attacks import FAMILIES
from course import COURSE, SHOWN
from nbformat.v4 import new_code_cell

from grader.author.execute import solved_namespace
from grader.author.render import fill
from grader.checks.run import PUBLIC_SEED, run
from grader.checks.student import Host, Lost, Raised, Student
from grader.gradebook.store import ExerciseResult
from grader.grading.judge import judge
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.sandbox.session import Session
from grader.submissions.cells import Cell

LESSON = "02_bigrams"
LIMITS = Limits(cell_seconds=6, call_seconds=6, submission_seconds=30, memory_mb=256, scratch_mb=16)
SHORT = replace(LIMITS, cell_seconds=2, call_seconds=1, submission_seconds=12)
STATUSES = {"passed", "partial", "failed", "error", "timeout", "out_of_memory", "crashed"}
STATUSES |= {"missing", "forbidden"}
STOLEN = f"GRADER_TEST_STOLEN_{os.getpid()}"  # each process of tests has its own
RIGHT = """\
def nll(table, ids):
    return -table[ids[:-1], ids[1:]].log().mean().item()
"""
ATTACKS = {
    f"{family}: {name}": attack
    for family, attacks in FAMILIES.items()
    for name, attack in attacks.items()
}

# What keeps workers apart where no fork can be sealed is bubblewrap alone. Starting that takes
# seconds, so only those attacks meet it that it must stop, no two that it stops alike, and one
# after the other in the same worker while that lives.
ON_ISOLATION = (
    *("snooping: a file outside", "snooping: a file of this checkout", "snooping: the environment"),
    *("snooping: the parent's environment", "snooping: the parent's memory"),
    *("snooping: open descriptors", "snooping: the last submission's files"),
    *("snooping: the last submission's door", "snooping: a key that was left"),
    *("snooping: the loopback", "snooping: a Unix socket", "snooping: an abstract socket"),
    *(
        "process: kill the parent",
        "process: a fork bomb by system call",
        "process: another program",
    ),
    *("process: higher limits", "process: deaf to signals"),
    *("resources: memory of torch", "resources: shared memory", "resources: files in memory"),
    *("resources: disk", "resources: descriptors"),
)

EXERCISES = COURSE.exercises(LESSON)
HONEST = {name: EXERCISES[name] for name in ("nll", "quiz")}
TOTAL = sum(exercise.points for exercise in EXERCISES.values())

Cells = Callable[..., list[Cell]]


@dataclass(frozen=True)
class Bait:
    """What lies outside of the sandbox, and offers a right nll to who gets there."""

    folder: Path
    port: int
    visitors: list[str]

    def put_into(self, code: str) -> str:
        for word, text in (
            ("PORT", str(self.port)),
            ("FOLDER", str(self.folder)),
            ("STOLEN", STOLEN),
        ):
            code = code.replace(f"@{word}@", text)
        return code


@pytest.fixture(scope="module")
def bait(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bait]:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "canary").write_text(RIGHT)
    doors = [socket.create_server(("127.0.0.1", 0))]
    for name in (str(folder / "door"), f"\0{STOLEN}"):
        door = socket.socket(socket.AF_UNIX)
        door.bind(name)
        door.listen()
        doors.append(door)
    visitors: list[str] = []

    def serve(door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = door.accept()
                visitors.append(str(door))
                with visitor:
                    visitor.sendall(RIGHT.encode())

    for door in doors:
        threading.Thread(target=serve, args=[door], daemon=True).start()
    with subprocess.Popen(["sleep", "600"], env={STOLEN: RIGHT}) as neighbour:
        yield Bait(folder, doors[0].getsockname()[1], visitors)
        neighbour.kill()
    for door in doors:
        door.close()


@pytest.fixture(scope="module")
def sandbox(bait: Bait) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STOLEN, RIGHT)
        made = Sandbox("bwrap", LIMITS, SHOWN)
        assert made.isolation == "warm"
        yield made
        made.close()


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson(LESSON))


@pytest.fixture(scope="module")
def cells() -> Cells:
    """Return a function that makes the cells of a submission, as `Attack` describes them."""
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)

    def make(solved: tuple[str, ...], code: Mapping[str, str] = {}, first: str = "") -> list[Cell]:
        stubs = dict.fromkeys(set(lesson.exercises()) - set(solved))
        book = fill(released, lesson, {**stubs, **code})
        place = next(i for i, cell in enumerate(book.cells) if "check.lesson(" in cell.source)
        if first:
            book.cells.insert(place + 1, new_code_cell(first))
        code_cells = [cell for cell in book.cells if cell.cell_type == "code"]
        return [
            Cell(number, cell.source)
            for number, cell in enumerate(code_cells, 1)
            if "demo" not in cell.metadata.get("tags", ())
        ]

    return make


@contextlib.contextmanager
def short(sandbox: Sandbox) -> Iterator[None]:
    """Give attacks less time than honest work: most of them take all that there is."""
    sandbox.limits = SHORT
    yield
    sandbox.limits = LIMITS


def points(results: list[ExerciseResult]) -> float:
    return sum(result.points for result in results)


def descendants() -> set[int]:
    """Return the processes that come from this one, however far, and are not dead."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(path.parent.name)] = int(parent)
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_nothing_and_harms_nobody(
    name: str, sandbox: Sandbox, reference: dict[str, Any], cells: Cells, bait: Bait
) -> None:
    attack = ATTACKS[name]
    before = descendants()

    def grade(submission: list[Cell]) -> list[ExerciseResult]:
        baited = [Cell(cell.number, bait.put_into(cell.source)) for cell in submission]
        return judge(COURSE.exercises(LESSON), baited, name, reference, sandbox, b"secret")

    with short(sandbox):
        if attack.before:
            grade(cells((), first=attack.before))
        results = grade(cells(attack.solved, attack.code, attack.first))
    assert points(results) == sum(EXERCISES[solved].points for solved in attack.solved), results
    assert [result.name for result in results] == list(EXERCISES)
    assert {result.status for result in results} <= STATUSES
    assert {r.name for r in results if r.name in attack.solved and r.status != "passed"} == set()

    assert_unharmed(bait, before)
    honest = judge(HONEST, cells(tuple(HONEST)), name, reference, sandbox, b"secret")
    assert [r.name for r in honest if r.status == "passed"] == list(HONEST)


def assert_unharmed(bait: Bait, before: set[int]) -> None:
    """Check that the bait is untouched, and that there are the same processes as `before`."""
    assert_bait_untouched(bait)
    deadline = time.monotonic() + 10
    while descendants() != before and time.monotonic() < deadline:
        time.sleep(0.01)  # a killed process takes a moment to go
    assert descendants() == before


def assert_bait_untouched(bait: Bait) -> None:
    assert (bait.folder / "canary").read_text() == RIGHT
    assert sorted(os.listdir(bait.folder)) == ["canary", "door"]
    assert bait.visitors == []


# Runs an attack as a notebook of its own would, beside the others.
TRIED = """
def tried(first, code, table, ids):
    names = {"__name__": "__main__", "torch": __import__("torch")}
    exec(first, names)
    exec(code, names)
    return names["nll"](table, ids)
"""


@pytest.fixture(scope="module")
def cold(bait: Bait) -> Iterator[Session]:
    """Give a worker of a machine whose kernel cannot seal a fork; another had left things there."""
    befores = [ATTACKS[name].before for name in ON_ISOLATION if ATTACKS[name].before]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STOLEN, RIGHT)
        patch.setattr("grader.sandbox.bubblewrap._ForkServer", Mock(side_effect=OSError))
        made = Sandbox("bwrap", replace(SHORT, submission_seconds=600), SHOWN)
        assert made.isolation == "cold"
        left = [Cell(number, bait.put_into(code)) for number, code in enumerate(befores, 1)]
        earlier, session = (Session(each, EXERCISES, made) for each in (left, [Cell(1, TRIED)]))
        earlier.start()
        earlier.stop()
        session.start()
        assert session.problems == {}
        yield session
        session.stop()


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ON_ISOLATION)
def test_an_attack_on_the_isolation_fails_without_a_warm_parent_too(
    name: str, cold: Session, reference: dict[str, Any], bait: Bait
) -> None:
    attack = ATTACKS[name]
    table = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    ids = torch.tensor([0, 1, 1, 0, 1])
    cold.start()
    before = descendants()
    first, code = bait.put_into(attack.first), bait.put_into(attack.code["nll"])
    got = None
    with contextlib.suppress(Raised, Lost):
        got = Student(cold.send).tried(first, code, table, ids)
    right = pytest.approx(reference["nll"](table, ids), abs=0.01)
    assert got != right
    cold.start()  # another worker, if that one was lost
    assert Student(cold.send).tried("", RIGHT, table, ids) == right
    assert_bait_untouched(bait)
    deadline = time.monotonic() + 10
    while len(descendants()) != len(before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(descendants()) == len(before)


@pytest.mark.sandbox
def test_after_all_attacks_an_honest_submission_is_graded_as_ever(
    sandbox: Sandbox, reference: dict[str, Any], cells: Cells
) -> None:
    results = judge(
        COURSE.exercises(LESSON), cells(tuple(EXERCISES)), "x", reference, sandbox, b"secret"
    )
    assert points(results) == TOTAL


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("the public seed", 0.75),
        ("the seed of the questions", 0.75),
        ("the check run on oneself", 0.4),  # the reference's answers are not in the check
    ],
)
def test_a_cheat_would_win_if_it_knew_the_seed(
    name: str, share: float, reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.checks.run.notebook_seed", lambda seed: seed)
    attack, exercise = FAMILIES["cheating"][name], EXERCISES["count_bigrams"]
    namespace = {"torch": torch}
    exec(attack.first + attack.code["count_bigrams"], namespace)
    student, solved = (
        Student(Host(names, exercise.probes).send) for names in (namespace, dict(reference))
    )
    assert run(exercise, student, solved, seed=PUBLIC_SEED, hidden=True).share >= share


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 50
    assert all(attack.tries and (attack.first or attack.code) for attack in ATTACKS.values())


@pytest.mark.parametrize(
    "name",
    ["a file outside", "the parent's environment", "the loopback", "a Unix socket"],
)
def test_the_bait_can_be_taken_where_there_is_no_sandbox(name: str, bait: Bait) -> None:
    namespace: dict[str, Any] = {}
    exec(bait.put_into(FAMILIES["snooping"][name].code["nll"]), namespace)
    assert "nll" in namespace
    bait.visitors.clear()


@pytest.mark.sandbox
def test_what_is_offered_outside_is_worth_stealing(
    sandbox: Sandbox, reference: dict[str, Any], cells: Cells
) -> None:
    results = judge(
        COURSE.exercises(LESSON), cells((), {"nll": RIGHT}), "x", reference, sandbox, b"secret"
    )
    assert points(results) == EXERCISES["nll"].points
