"""`grader project`: a class's repositories into the gradebook, as `grader grade` does notebooks."""

import shlex
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from grader.course.configuration import NoCourse
from grader.course.lessons import Course
from grader.gradebook.secret import class_secret
from grader.gradebook.store import Gradebook, SubmissionResult
from grader.grading.grade import (
    add_absent,
    finish,
    gradebook_in,
    of_student,
    remove_absent,
    show,
)
from grader.grading.project import (
    ProjectTask,
    files_of_rows,
    grade_project,
    project_version,
)
from grader.grading.run import Run, facts_that_decide, fingerprint
from grader.grading.task import Rules, Task
from grader.sandbox.bubblewrap import require
from grader.sandbox.limits import Limits
from grader.submissions.collect import Collected, is_archive, owner_of
from grader.submissions.notebook import Notebook, Problem, Submission
from grader.submissions.repository import Repository, is_zip, place_of, projects_in, read_repository
from grader.submissions.roster import read_roster
from grader.terminal.words import listed


class Projects(Run):
    """Grades repositories; each is read when its turn comes, and not before."""

    ahead = 32
    """Fewer than notebooks: a repository may be large."""

    def __init__(
        self, course: Course, gradebook: Gradebook, out: Path, rules: Rules, name: str
    ) -> None:
        super().__init__(course, gradebook, out, rules, name)
        self._name = name
        self._version = project_version(course, name)
        self._wanted = frozenset(f for files in files_of_rows(course).values() for f in files)

    def _task(self, submission: Submission) -> ProjectTask:
        repository, found = self._read(submission)
        file = submission.path.name
        decides = [found.sha256, file, self._version, facts_that_decide(self._rules)]
        return ProjectTask(
            submission.student,
            file,
            found,
            self._name,
            self._version,
            fingerprint(decides),
            repository=repository,
        )

    def _read(self, submission: Submission) -> tuple[Repository | None, Notebook | Problem]:
        """Return a repository, and what the gradebook says of it; no repository but a problem."""
        if submission.problem is not None:
            return None, submission.problem
        repository = read_repository(str(submission.path), self._wanted)
        if problem := repository.problem:
            return None, Problem(problem.status, str(problem), repository.sha256)
        notes = [*repository.notes, _uncommitted(repository.lying, self._wanted)]
        note = " ".join(filter(None, notes))
        return repository, Notebook((), self._name, repository.sha256, note)

    def _judge(self) -> Callable[[Any, Rules], tuple[SubmissionResult, dict[str, str]]]:
        return grade_project

    def _require(self, task: Task) -> None:
        """Ask for nothing: what the rubric imports is the course's own."""

    def _keep(self, submission: Submission, task: Task) -> None:
        """Keep nothing: the feedback shows rows, and no files."""


def main(
    course: Course,
    repositories: list[str],
    out: Path,
    *,
    mode: str,
    limits: Limits | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    student: str | None = None,
    roster: Path | None = None,
    dry_run: bool = False,
) -> int:
    """Grade each of the `repositories` into the gradebook in `out`; what is unchanged is kept.

    The options are those of `grader.grading.grade.main`. Returns 1 if the grader itself failed on
    one of them, else 0.

    Raises
    ------
    FileNotFoundError, ValueError
        If the course has no project, there is no such repository or student, or two have one name.
    OSError
        If no sandbox can be made, or the gradebook cannot be written.
    """
    name = course.configuration.project
    if not name:
        raise NoCourse(
            f"the course in {course.root} has no project: its pyproject.toml says which module of "
            'its checks has the rubric, as [tool.grader] project = "project"'
        )
    if scheduler is None and not dry_run:
        require(mode, course.root)
    collected = _collect(repositories, course)
    with gradebook_in(out, dry_run=dry_run) as (gradebook, kept):
        rules = Rules(course.root, mode, limits or Limits(), class_secret(kept))
        if roster is not None:
            add_absent(collected, read_roster(roster), name)
        for remark in collected.remarks:
            print(f"Note: {remark}.")
        handed_in = of_student(student, collected.submissions)
        run = Projects(course, gradebook, out, rules, name)
        if dry_run:
            show(run.plan(handed_in))
            return 0
        if roster is not None:
            remove_absent(gradebook, name, {one.student for one in collected.submissions})
        return finish(run, handed_in, gradebook, out, jobs=jobs, scheduler=scheduler)


def _uncommitted(lying: Mapping[str, bool], wanted: Collection[str]) -> str:
    """Return a sentence about files of the rubric that are not as they were committed."""
    names = [name for name in lying if name in wanted]
    if not names:
        return ""
    return (
        f"What is committed was graded. Not committed, or changed since: {listed(names)}. Type: "
        "git add . && git commit, and hand it in again."
    )


def _collect(repositories: list[str], course: Course) -> Collected:
    """Return what was handed in, each by another student; what is nobody's is remarked on."""
    wanted = frozenset(f for files in files_of_rows(course).values() for f in files)
    places = [place_of(each) for each in repositories]
    if len(places) == 1 and (inside := projects_in(places[0], wanted)):
        (place,) = places
        every = shlex.quote(str(place.with_suffix("") if place.is_file() else place)) + "/*"
        first = (
            f"unpack it (unzip {shlex.quote(str(place))} -d {every[:-2]}), and then "
            * place.is_file()
        )
        raise ValueError(
            f"{place} holds several projects: {listed(inside)}. A place is one student's; {first}"
            f"name each: grader project {every} --out DIR"
        )
    collected = Collected([])
    newest: dict[str, tuple[int, Path]] = {}
    strays = []
    for place in places:
        owner = owner_of(place)
        if place.is_file() and not (owner.from_platform or is_zip(place) or is_archive(place)):
            strays.append(place.name)
            continue
        upload, before = newest.get(owner.student, (0, None))
        if before is None or owner.upload > upload:
            newest[owner.student] = (owner.upload, place)
        if before is not None and owner.upload == upload:
            raise ValueError(
                f"two repositories are called {owner.student}, and a student has one: {before} and "
                f"{place}. Rename one: its name is the student's"
            )
    if strays:
        collected.remarks.append(f"left out, as no folder or zip: {listed(strays)}")
    if not newest:
        raise ValueError(
            f"there is no project in {listed(repositories)}. Name folders, zips or git "
            "repositories, one for each student: grader project REPO... --out DIR"
        )
    collected.submissions = [Submission(student, at) for student, (_, at) in newest.items()]
    return collected
