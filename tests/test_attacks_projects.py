"""Attacks on projects (`attacks.projects`), and repositories that are traps, earn nothing by it."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.projects import ATTACKS
from course import COURSE, SHOWN

from grader.grading.project import judge_repository
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.limits import Limits
from grader.submissions.repository import MAX_FILE, read_repository

ROWS = COURSE.exercises("project")
LIMITS = Limits(cell_seconds=10, call_seconds=5, submission_seconds=60, memory_mb=1024)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("bwrap", LIMITS, SHOWN)
    yield made
    made.close()


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_nothing_and_leaves_nothing(
    name: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    attack = ATTACKS[name]
    mark = tmp_path / "mark"
    for path, content in attack.files.items():
        file = tmp_path / "eve" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.replace(b"@MARK@", str(mark).encode()))
    repository = read_repository(str(tmp_path / "eve"))
    rows = {attack.row: ROWS[attack.row]}
    (result,) = judge_repository(COURSE, rows, repository, sandbox, b"secret")
    earned = {case.name for case in result.cases if case.passed}
    # Code that the judge reads may well define two classes: that is one case of the bundle's.
    if name == "code in the bundle that runs":
        assert len(earned) == 1
    else:
        assert result.points == 0, result
    assert not mark.exists()


def test_a_link_shows_nothing_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("the secret")
    eve = tmp_path / "eve"
    (eve / "model").mkdir(parents=True)
    (eve / "README.md").write_text("mine")
    (eve / "azure-pipelines.yml").symlink_to(tmp_path / "secret.key")
    (eve / "all").symlink_to("/")
    os.mkfifo(eve / "pipe")
    assert read_repository(str(eve)).files == {"README.md": b"mine"}


def test_a_zip_that_grows_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "eve.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(MAX_FILE + 1))
    problem = read_repository(str(tmp_path / "eve.zip")).problem
    assert problem is not None
    assert problem.status == "too_large"


def test_a_zip_that_climbs_writes_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "eve.zip", "w") as archive:
        archive.writestr("../../outside", "x")
        archive.writestr("/absolute", "x")
        archive.writestr("a/README.md", "mine")
    assert set(read_repository(str(tmp_path / "eve.zip")).files) == {"a/README.md"}


def test_there_are_enough_attacks_on_projects() -> None:
    assert len(ATTACKS) >= 10
    assert all(attack.tries for attack in ATTACKS.values())
