"""A repository's history: read by git, and nothing of the repository's own is run."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from course import COURSE

from grader.checks.registry import exercises
from grader.checks.results import CaseResult
from grader.checks.run import run
from grader.checks.student import Host, Student
from grader.grading.project import Held
from grader.submissions.archives import Unusable
from grader.submissions.history import read_history
from grader.submissions.repository import read_repository

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


def commit(folder: Path, file: str, text: str, message: str) -> None:
    (folder / file).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", message)


def begun(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    for name in ("tests", "gate", "service", "pipeline"):
        commit(folder, f"{name}.txt", "one line\n", f"Begin with the {name}")
    git(folder, "switch", "--quiet", "--create", "idea")
    commit(folder, "gate.txt", "one line\nand another\n", "Let the gate say all its reasons")
    git(folder, "switch", "--quiet", "main")
    message = "Merge the gate's reasons\n\nReviewed-by: Grace <grace@example.org>"
    git(folder, "merge", "--quiet", "--no-ff", "--message", message, "idea")
    return folder


def cases(place: Path) -> dict[str, CaseResult]:
    row = exercises(COURSE.package, "project")["history"]
    held = Student(Held(read_repository(str(place))).send)
    outcome = run(row, held, Student(Host({}, {}).send), seed=1, hidden=True)
    return {case.name: case for case in outcome.cases}


def wrong(place: Path) -> dict[str, str]:
    return {name: case.came for name, case in cases(place).items() if not case.passed}


def test_a_history_as_it_should_be_and_its_bare_twin(tmp_path: Path) -> None:
    ada = begun(tmp_path / "ada")
    assert wrong(ada) == {}
    git(tmp_path, "clone", "--quiet", "--bare", "ada", "bo.git")
    bare = read_repository(f"file://{tmp_path / 'bo.git'}")
    assert bare.files == read_repository(str(ada)).files
    assert wrong(tmp_path / "bo.git") == {}
    with zipfile.ZipFile(tmp_path / "eve.zip", "w") as archive:
        for path in ada.rglob("*"):
            archive.write(path, path.relative_to(tmp_path))
    assert wrong(tmp_path / "eve.zip") == {}


def test_each_fault_is_seen(tmp_path: Path) -> None:
    ada = begun(tmp_path / "ada")
    key = "lm_" + "a1b2c3d4e5f6g7h8"
    commit(ada, "keys.txt", f"++ b/{key}\n", "Keep the key where it is easy to find")
    commit(ada, "keys.txt", "\n", "wip")
    commit(ada, "data.txt", "line\n" * 401, "Add the data that was drawn today")
    git(ada, "switch", "--quiet", "--create", "other", "HEAD~1")
    commit(ada, "more.txt", "more\n", "Say what else there is to say")
    git(
        ada,
        "merge",
        "--quiet",
        "--no-ff",
        "--message",
        "Merge, as ada may\n\nReviewed-by: Ada",
        "main",
    )
    assert set(wrong(ada)) == {
        "the commits' size",
        "the commits' first lines",
        "what the commits add",
        "the merges",
    }


def test_without_history_there_is_nothing_to_earn(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "README.md").write_text("no git here\n")
    assert len(wrong(tmp_path / "ada")) == 5


def test_nothing_of_the_repository_is_run(tmp_path: Path) -> None:
    ada = begun(tmp_path / "ada")
    mark = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(0o755)
    (ada / ".gitattributes").write_text("* diff=trap filter=trap\n")
    commit(ada, "trap.txt", "trap\n", "Lay all the traps that there are")
    keys = (
        *("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "gpg.program"),
        *("diff.external", "diff.trap.textconv", "diff.trap.command"),
        *("filter.trap.clean", "filter.trap.smudge", "uploadpack.packObjectsHook"),
    )
    for key in keys:
        git(ada, "config", key, str(trap))
    git(ada, "config", "log.showSignature", "true")
    git(ada, "config", "alias.log", f"!{trap}")
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction"):
        (ada / ".git" / "hooks").mkdir(exist_ok=True)
        (ada / ".git" / "hooks" / hook).symlink_to(trap)
    mark.unlink(missing_ok=True)  # git itself may have been caught while these were written
    repository = read_repository(str(ada))
    assert read_history(repository.git)[0].message == "Lay all the traps that there are"
    git_files = set(repository.git)
    assert not {name for name in git_files if name.startswith(("config", "hooks", "info"))}
    assert not mark.exists()


def test_objects_of_others_are_not_borrowed(tmp_path: Path) -> None:
    begun(tmp_path / "ada")
    git(tmp_path, "clone", "--quiet", "--shared", "ada", "eve")
    with pytest.raises(Unusable, match="git fsck"):
        read_history(read_repository(str(tmp_path / "eve")).git)


def test_a_link_in_the_git_folder_leads_nowhere(tmp_path: Path) -> None:
    ada = begun(tmp_path / "ada")
    eve = tmp_path / "eve"
    eve.mkdir()
    (eve / "a.txt").write_text("a")
    (eve / ".git").symlink_to(ada / ".git")
    assert read_repository(str(eve)).git == {}


def test_a_damaged_history_is_said(tmp_path: Path) -> None:
    ada = begun(tmp_path / "ada")
    (ada / ".git" / "HEAD").write_text("ref: refs/heads/../../../etc/passwd\n")
    with pytest.raises(Unusable, match="git fsck"):
        read_history(read_repository(str(ada)).git)


def test_empty_commits_are_no_history(tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    ada.mkdir()
    git(ada, "init", "--quiet", "--initial-branch", "main")
    commit(ada, "a.txt", "one line\n", "Begin with one line of text")
    for number in range(5):
        git(ada, "commit", "--quiet", "--allow-empty", "--message", f"Do nothing for time {number}")
    assert "1 commit with changes" in wrong(ada)["the commits"]


@pytest.mark.parametrize(
    ("person", "message", "is_reviewed"),
    [
        ("Ada", "Merge pull request #1 from ada/idea", False),
        ("Grace", "Merge pull request #1 from ada/idea", True),
        ("Ada", "Merge the idea\n\nReviewed-by: Grace <grace@example.org>", True),
        ("Ada", "Merge the idea\n\nReviewed-by: ada", False),
        ("Ada", "Merge the idea\n\nSelf-review: ran the gate on both models", True),
        ("Ada", "Merge the idea\n\nSelf-review: fine", False),
    ],
)
def test_who_reviewed_a_merge(tmp_path: Path, person: str, message: str, is_reviewed: bool) -> None:
    ada = begun(tmp_path / "ada")
    git(ada, "reset", "--quiet", "--hard", "HEAD^1")
    git(ada, "merge", "--quiet", "--no-ff", "--message", message, "idea")
    git(ada, "commit", "--amend", "--no-edit", "--quiet", "--author", f"{person} <a@b.c>")
    assert ("the merges" not in wrong(ada)) == is_reviewed
