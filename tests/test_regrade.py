"""`grader grade --exercise`: one exercise again, and what the gradebook then holds and says."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from course import COURSE, LESSON

from grader.author.render import fill
from grader.checks import registry
from grader.checks.case import Case, Rng, case
from grader.checks.student import Student
from grader.cli import main
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.grading import grade
from grader.grading.task import Rules, Task, not_graded, verdict

STUDENTS = ("ada", "ben", "cyd")
EXERCISE = "nll"


class Course02:
    """A lesson whose checks give every student the same share, and how to grade a class in it."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.out = root / "out"
        self.submissions = root / "class"
        self.submissions.mkdir()
        for student in STUDENTS:
            self.hand_in(student)
        self.calls: list[tuple[str, str | None]] = []
        self.fails: set[str] = set()
        patch.setattr("grader.grading.run.grade_submission", self._grade)
        patch.setattr("grader.grading.run.lesson_version", lambda *_: f"the lesson at {self.share}")
        patch.setattr(grade, "executor", lambda *_: self.executor(1))
        self.share = 0.5
        self.executor: type[Executor] = ThreadPoolExecutor

    def hand_in(self, student: str, text: str = "") -> None:
        source = f'check.lesson("{LESSON}")  # {student} {text}'
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="only")])
        nbformat.write(book, self.submissions / f"{student}.ipynb")

    def grade(self, *more: str) -> int:
        self.calls.clear()
        command = ["grade", str(self.submissions), "--out", str(self.out), "--sandbox", "none"]
        return main([*command, "--lesson", "02", *more])

    def regrade(self) -> int:
        return self.grade("--exercise", EXERCISE)

    def results(self) -> dict[str, SubmissionResult]:
        return {result.student: result for result in Gradebook.open(self.out).results()}

    def points(self) -> dict[str, set[float]]:
        """Return the shares of the exercise, and of the others, that the gradebook holds."""
        shares: dict[str, set[float]] = {"nll": set(), "others": set()}
        for result in self.results().values():
            for one in result.exercises:
                shares[one.name if one.name == EXERCISE else "others"].add(
                    one.points / one.max_points
                )
        return shares

    def _grade(self, task: Task, rules: Rules) -> tuple[SubmissionResult, dict[str, str]]:
        self.calls.append((task.student, task.exercise))
        if task.student in self.fails:
            raise RuntimeError("a fault")
        status, message = verdict(task)
        found = [
            ExerciseResult(one.name, "partial", one.points * self.share, one.points)
            for one in COURSE.exercises(LESSON).values()
            if task.exercise in (None, one.name)
        ]
        made = replace(
            not_graded(COURSE, task), fingerprint=task.fingerprint, status=status, message=message
        )
        return replace(made, exercises=found), {"made at": str(self.share)}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course02:
    return Course02(tmp_path, monkeypatch)


def test_one_exercise_is_graded_again_and_the_others_stay(
    course: Course02, capsys: pytest.CaptureFixture[str]
) -> None:
    course.grade()
    before = course.results()
    capsys.readouterr()
    course.share = 1.0
    assert course.regrade() == 0
    assert course.calls == [(student, EXERCISE) for student in STUDENTS]
    assert course.points() == {"nll": {1.0}, "others": {0.5}}
    for student, result in course.results().items():
        others = [e for e in result.exercises if e.name != EXERCISE]
        assert others == [e for e in before[student].exercises if e.name != EXERCISE]
        assert replace(result, exercises=[]) == replace(before[student], exercises=[])
        assert [e.name for e in result.exercises] == list(COURSE.exercises(LESSON))
    told = capsys.readouterr().out
    assert "nll of 02_bigrams: 3 graded again" in told
    assert [line.split() for line in told.splitlines()[1:5]] == [
        ["student", "before", "after"],
        *([student, "1", "2"] for student in STUDENTS),
    ]
    assert "Scores: 3 changed, 0 did not." in told


def test_scores_that_did_not_change_are_counted_and_nobody_is_named(
    course: Course02, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    course.grade()
    capsys.readouterr()
    monkeypatch.setattr(
        "grader.grading.run.lesson_version", lambda *_: "another text, the same checks"
    )
    course.regrade()
    told = capsys.readouterr().out
    assert "3 graded again" in told
    assert "Scores: 0 changed, 3 did not." in told
    assert "ada" not in told


def test_what_is_up_to_date_is_not_graded_again_and_its_change_is_still_told(
    course: Course02, capsys: pytest.CaptureFixture[str]
) -> None:
    course.grade()
    course.regrade()
    assert course.calls == []
    assert "0 graded again, 0 could not be, 3 up to date" in capsys.readouterr().out
    course.share = 1.0
    course.regrade()
    first = capsys.readouterr().out
    course.regrade()
    assert course.calls == []
    assert capsys.readouterr().out.splitlines()[1:] == first.splitlines()[1:]


def test_the_next_whole_run_grades_all_that_is_out_of_date(course: Course02) -> None:
    course.grade()
    course.share = 1.0
    course.regrade()
    course.grade()
    assert course.calls == [(student, None) for student in STUDENTS]
    assert course.points() == {"nll": {1.0}, "others": {1.0}}
    course.grade()
    assert course.calls == []


def test_a_lesson_that_becomes_again_what_it_was_does_not_hide_what_was_graded_in_between(
    course: Course02,
) -> None:
    course.grade()
    course.share = 1.0
    course.regrade()
    course.share = 0.5
    course.grade()
    assert course.calls == [(student, None) for student in STUDENTS]
    assert course.points() == {"nll": {0.5}, "others": {0.5}}


def test_what_was_graded_again_by_the_lesson_as_it_was_is_up_to_date(course: Course02) -> None:
    course.grade()
    course.share = 1.0
    course.regrade()
    course.share = 0.5
    course.regrade()
    assert course.points() == {"nll": {0.5}, "others": {0.5}}
    course.grade()
    assert course.calls == []


def test_what_the_gradebook_does_not_have_as_it_is_now_is_left_out(
    course: Course02, capsys: pytest.CaptureFixture[str]
) -> None:
    (course.submissions / "torn.ipynb").write_text("{")
    course.grade()
    capsys.readouterr()
    course.hand_in("ben", "another try")
    course.hand_in("dan")
    course.share = 1.0
    course.regrade()
    assert [student for student, _ in course.calls] == ["ada", "cyd"]
    assert "dan" not in course.results()
    assert {e.points / e.max_points for e in course.results()["ben"].exercises} == {0.5}
    told = capsys.readouterr().out
    assert "2 graded again, 0 could not be, 0 up to date, 3 left out" in told
    assert "New, or not what the gradebook has: ben, dan; grade them without --exercise." in told


def test_the_manifest_says_what_was_graded_again_and_how(course: Course02) -> None:
    def entries() -> tuple[dict[str, Any], dict[str, Any]]:
        manifest = json.loads((course.out / "manifest.json").read_text("utf-8"))
        return manifest["runs"], {one["student"]: one for one in manifest["submissions"]}

    course.grade()
    runs, before = entries()
    assert "regraded" not in before["ada"]
    course.share = 1.0
    course.hand_in("ben", "another try")
    course.regrade()
    runs, after = entries()
    again = after["ada"]["regraded"]
    assert list(again) == [EXERCISE]
    assert again[EXERCISE]["lesson_sha256"] == "the lesson at 1.0"
    assert runs[again[EXERCISE]["run"]] == {"made at": "1.0"}
    assert runs[after["ada"]["run"]] == {"made at": "0.5"}
    assert after["ada"]["lesson_sha256"] == "the lesson at 0.5"
    assert after["ada"]["result_sha256"] != before["ada"]["result_sha256"]
    assert after["ben"] == before["ben"]


def test_where_the_grader_fails_the_score_stays(
    course: Course02, capsys: pytest.CaptureFixture[str]
) -> None:
    course.grade()
    before = course.results()
    course.share = 1.0
    course.fails = {"ben"}
    assert course.regrade() == 1
    assert course.results()["ben"] == before["ben"]
    assert "2 graded again, 1 could not be" in capsys.readouterr().out
    course.fails = set()
    assert course.regrade() == 0
    assert course.calls == [("ben", EXERCISE)]
    assert "Scores: 3 changed, 0 did not." in capsys.readouterr().out


def test_a_run_that_is_stopped_goes_on_and_says_the_same_in_the_end(
    course: Course02, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(ThreadPoolExecutor):
        def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> "Future[Any]":
            future = super().submit(function, *arguments, **keywords)
            future.result()
            if arguments[0].student == "ben":
                raise KeyboardInterrupt
            return future

    course.grade()
    course.share = 1.0
    course.executor = Interrupted
    assert course.regrade() == 130
    manifest = json.loads((course.out / "manifest.json").read_text("utf-8"))
    assert ["regraded" in one for one in manifest["submissions"]] == [True, False, False]
    capsys.readouterr()
    course.executor = ThreadPoolExecutor
    assert course.regrade() == 0
    assert [student for student, _ in course.calls] == ["ben", "cyd"]
    told = capsys.readouterr().out
    assert "2 graded again, 0 could not be, 1 up to date" in told
    assert "Scores: 3 changed, 0 did not." in told


def test_an_exercise_that_is_new_in_the_lesson_joins_the_others(
    course: Course02, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = dict(registry._REGISTRY["lmcourse"][LESSON])
    monkeypatch.setitem(
        registry._REGISTRY, LESSON, {k: v for k, v in every.items() if k != EXERCISE}
    )
    course.grade()
    monkeypatch.setitem(registry._REGISTRY["lmcourse"], LESSON, every)
    course.share = 1.0
    course.regrade()
    assert sorted(e.name for e in course.results()["ada"].exercises) == sorted(every)
    assert course.points() == {"nll": {1.0}, "others": {0.5}}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--exercise", "nll"], "add: --lesson 02_bigrams"),
        (["--exercise", "quiz"], "add: --lesson 00_start or"),
        (["--exercise", "none"], "add: --lesson NN"),
        (["--exercise", "none", "--lesson", "02"], "it has: count_bigrams, normalise,"),
        (["--exercise", "nll", "--lesson", "02"], "make one with: grader grade"),
        (["--lesson", "99"], "there is no lesson '99'; there are: 00_start"),
        (["--lesson", ""], "there is no lesson ''"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_with_what_to_type(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["grade", str(tmp_path), "--out", str(tmp_path / "out"), "--sandbox", "none"]
    assert main([*command, *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- Several versions -------------------------------------------------------------------------


def test_a_class_graded_by_two_versions_of_a_lesson_says_so_until_it_is_one(
    course: Course02, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> tuple[str, list[str], str]:
        assert main(["report", str(course.out)]) == 0
        page = (course.out / "report" / "index.html").read_text("utf-8")
        manifest = json.loads((course.out / "manifest.json").read_text("utf-8"))
        return capsys.readouterr().out, manifest["notices"], page

    course.grade()
    printed, notices, page = told()
    assert notices == []
    assert "several versions" not in printed + page
    (course.submissions / "cyd.ipynb").rename(course.submissions.parent / "cyd.ipynb")
    course.share = 1.0
    course.grade()
    printed, (notice,), page = told()
    assert "2 by version the less, 1 by version the less" in notice
    assert "grader grade SUBMISSIONS --out DIR --lesson 02_bigrams" in notice
    assert notice in printed
    assert notice in page
    (course.submissions.parent / "cyd.ipynb").rename(course.submissions / "cyd.ipynb")
    course.grade()
    printed, notices, page = told()
    assert notices == []
    assert "several versions" not in printed + page


def test_an_exercise_graded_again_by_another_version_makes_two(course: Course02) -> None:
    course.grade()
    course.share = 1.0
    course.regrade()
    counts = Gradebook.open(course.out).versions()
    assert counts == {LESSON: {"the lesson at 0.5": 3, "the lesson at 1.0": 3}}
    course.grade()
    assert Gradebook.open(course.out).versions() == {LESSON: {"the lesson at 1.0": 3}}


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_class_without_its_secret_is_not_graded_with_another(
    course: Course02, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    course.grade()
    secret = course.out / SECRET_FILE
    kept = secret.read_bytes()
    if harm == "missing":
        secret.unlink()
    else:
        secret.write_bytes(kept[:-1])
    before = course.results()
    course.share = 1.0
    capsys.readouterr()
    assert course.grade() == 2
    told = capsys.readouterr().err
    assert f"{secret} is {harm}" in told
    assert "Put it back from a copy" in told
    assert "grader grade SUBMISSIONS --out NEW" in told
    assert course.calls == []
    assert course.results() == before
    secret.write_bytes(kept)
    assert course.grade() == 0
    assert len(course.calls) == len(STUDENTS)


def test_a_run_that_stopped_before_anything_was_graded_may_make_a_secret(course: Course02) -> None:
    Gradebook(course.out)
    assert course.grade() == 0
    assert (course.out / SECRET_FILE).is_file()


def test_help_says_what_the_secret_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["grade", "--help"])
    told = capsys.readouterr().out
    assert "secret.key" in told
    assert "Keep it" in told
    assert "cp grades/secret.key again && grader grade submissions --out again" in told


# --- In the sandbox ---------------------------------------------------------------------------


def stricter(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case("what nobody returns", lambda: student.nll("no", "table"), "x", hint="there is none")


@pytest.mark.sandbox
def test_a_check_that_was_mended_changes_the_scores_that_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = COURSE.lesson(LESSON)
    released = nbformat.read(COURSE.paths(LESSON).student, as_version=4)
    for student, replacements in {"ada": {}, "ben": {"nll": None}}.items():
        folder = tmp_path / "class" / student
        folder.mkdir(parents=True)
        nbformat.write(fill(released, lesson, replacements), folder / f"{LESSON}.ipynb")
    # The processes of a pool would not see the stricter check.
    monkeypatch.setattr(grade, "executor", lambda *_: ThreadPoolExecutor(1))
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--lesson", "02"]
    assert main(command) == 0
    mended = replace(COURSE.exercises(LESSON)["nll"], check=stricter)
    monkeypatch.setitem(registry._REGISTRY["lmcourse"][LESSON], "nll", mended)
    monkeypatch.setattr("grader.grading.run.lesson_version", lambda *_: "mended")
    capsys.readouterr()
    assert main([*command, "--exercise", "nll"]) == 0
    told = capsys.readouterr().out
    assert ["ada", "2", "0"] in [line.split() for line in told.splitlines()]
    assert "Scores: 1 changed, 1 did not." in told
    ada, ben = Gradebook.open(tmp_path / "out").results()
    assert {e.name: e.status for e in ada.exercises if e.status != "passed"} == {"nll": "error"}
    assert {e.name: e.status for e in ben.exercises}["nll"] == "missing"
