"""`grader stats`: success, discrimination, and the mistakes that were recognised."""

from pathlib import Path

import pytest
from course import COURSE

from grader.checks.results import CaseResult
from grader.course.answers import Mistake
from grader.gradebook.adjustments import merge
from grader.gradebook.scores import ExerciseScore, FinalScore, final_scores
from grader.gradebook.store import ExerciseResult, Gradebook, SubmissionResult
from grader.reports.stats import exercise_stats, lesson_mistakes, main, table

LESSON = "02_bigrams"


def exercise(
    name: str, points: float, *cases: CaseResult, status: str = "", message: str = ""
) -> ExerciseResult:
    status = status or ("passed" if points == 2 else "failed")
    return ExerciseResult(name, status, points, 2.0, message, list(cases))


def score(student: str, *exercises: ExerciseResult, status: str = "graded") -> FinalScore:
    result = SubmissionResult(student, LESSON, "", "", status, "", 1.5, list(exercises))
    return FinalScore(result, tuple(ExerciseScore(one) for one in exercises))


def failing(hint: str, **values: str) -> CaseResult:
    return CaseResult("by hand", False, 1.0, hint=hint, **values)


def failures(*exercises: ExerciseResult) -> list[tuple[str, bool, int]]:
    mistakes = [
        Mistake("nll", "forgets the minus sign", "minus", ""),
        Mistake("nll", "adds instead of averaging", "the mean", ""),
        Mistake("nll", "drops the last pair", "the last pair", ""),
        Mistake("quiz", "reads the columns", "row", ""),
    ]
    (one,) = exercise_stats([score(str(i), e) for i, e in enumerate(exercises)], mistakes)
    return [(failure.what, failure.known, failure.count) for failure in one.failures]


def test_success_is_the_share_of_the_points() -> None:
    rows = [score("a", exercise("nll", 2)), score("b", exercise("nll", 0.5)), score("c")]
    (one,) = exercise_stats([*rows, score("d", exercise("nll", 0), status="empty")])
    assert (one.name, one.success, one.passed, one.asked) == ("nll", 0.625, 1, 2)


def test_discrimination_is_the_correlation_with_all_other_exercises() -> None:
    rows = [
        score(str(i), exercise("easy", easy), exercise("hard", hard), exercise("odd", odd))
        for i, (easy, hard, odd) in enumerate([(2, 2, 0), (2, 1, 2), (2, 0, 1), (0, 0, 2)])
    ]
    easy, hard, odd = exercise_stats(rows)
    # By hand: (2, 2, 2, 0) against (2, 3, 1, 2), and (2, 1, 0, 0) against (2, 4, 3, 2), whose
    # products of deviations sum to -0.25, and squares to 2.75 each.
    assert easy.discrimination == pytest.approx(0)
    assert hard.discrimination == pytest.approx(-0.25 / 2.75)
    assert odd.discrimination is not None
    assert odd.discrimination < -0.5


def test_a_right_or_wrong_exercise_that_the_best_get_right_tells_apart_fully() -> None:
    rows = [
        score(str(i), exercise("a", points), exercise("b", points))
        for i, points in enumerate([0, 0, 2, 2])
    ]
    assert [one.discrimination for one in exercise_stats(rows)] == pytest.approx([1, 1])


@pytest.mark.parametrize(
    "points",
    [
        [(2, 1), (2, 2), (2, 0)],  # everybody right
        [(2, 1), (0, 1), (1, 1)],  # the others all the same
        [(2, 1), (0, 0)],  # too few
    ],
)
def test_where_nothing_differs_there_is_no_discrimination(
    points: list[tuple[float, float]],
) -> None:
    rows = [score(str(i), exercise("a", a), exercise("b", b)) for i, (a, b) in enumerate(points)]
    stats = exercise_stats(rows)
    assert stats[0].discrimination is None
    assert table(stats)[1].endswith("-")


def test_a_known_mistake_is_recognised_by_its_hint() -> None:
    wrong = exercise("nll", 0, failing("put a minus before the log"), failing("another"))
    other = exercise("nll", 1, CaseResult("first", True, 1.0), failing("take the mean"))
    assert failures(wrong, wrong, other, exercise("nll", 2)) == [
        ("forgets the minus sign", True, 2),
        ("adds instead of averaging", True, 1),
    ]


def test_where_mistakes_share_a_hint_the_case_is_said() -> None:
    assert failures(exercise("nll", 0, failing("the mean, and the last pair too"))) == [
        ("by hand", False, 1)
    ]


def test_a_hint_that_is_no_known_mistakes_is_said_by_its_case() -> None:
    assert failures(exercise("nll", 0, failing("read each row"))) == [("by hand", False, 1)]
    hidden = CaseResult("large", False, 1.0, hidden=True)
    assert failures(exercise("nll", 0, hidden)) == [("large", False, 1)]


def test_an_error_is_not_taken_for_the_mistake_that_has_its_hint() -> None:
    raised = failing("put a minus", came="NameError", line="cell 3, line 1: x")
    cell = exercise("nll", 0, status="error", message="cell 3: SyntaxError: expected ':'")
    late = exercise("nll", 0, failing("put a minus"), status="timeout")
    assert failures(exercise("nll", 0, raised), cell, late) == [
        ("NameError in: by hand", False, 1),
        ("SyntaxError", False, 1),
        ("timeout", False, 1),
    ]


def test_what_was_not_started_went_not_wrong() -> None:
    assert failures(exercise("nll", 0, failing("put a minus"), status="missing")) == []


def test_a_made_up_kind_of_error_cannot_write_on_the_terminal() -> None:
    raised = failing("", came="\x1b[2J" + "x" * 999 + "Error", line="cell 3, line 1: x")
    (row,) = failures(exercise("nll", 0, raised))
    assert row[0] == "x" * 40 + "Error in: by hand"


def test_the_courses_own_mistakes_are_known() -> None:
    assert lesson_mistakes(COURSE, LESSON) == COURSE.mistakes(LESSON)
    assert lesson_mistakes(COURSE, "99_nowhere") == []


def test_the_table_of_a_gradebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gradebook = Gradebook(tmp_path)
    # The only known mistake of its exercise that has this hint.
    mistakes = lesson_mistakes(COURSE, LESSON)
    mistake = next(m for m in mistakes if [m.hint in n.hint for n in mistakes].count(True) == 1)
    for student, points in [("ada", 2.0), ("ben", 2.0), ("cleo", 0.0)]:
        wrong = [] if points else [failing(f"Look: {mistake.hint}.")]
        result = score(
            student, exercise(mistake.exercise, points, *wrong), exercise("quiz", points)
        )
        gradebook.write(result.result)
    assert main(COURSE, tmp_path) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    assert first == f"{LESSON}: 3 submissions, 3 graded, median 1.5 s each"
    assert header.split() == ["exercise", "earned", "passed", "discrimination"]
    assert rows[0].split() == [mistake.exercise, "67%", "2", "of", "3", "1.00"]
    assert rows[1].split(maxsplit=1) == ["1", f"{mistake.name} (a known mistake)"]


def test_manual_points_count(tmp_path: Path) -> None:
    gradebook = Gradebook(tmp_path)
    gradebook.write(score("ada", exercise("normalise", 0.0)).result)
    file = tmp_path / "manual.csv"
    file.write_text(f"student,lesson,exercise,points,comment\nada,{LESSON},normalise,2,\n")
    merge(COURSE, tmp_path, [file])
    (one,) = exercise_stats(final_scores(tmp_path))
    assert (one.success, one.passed) == (1, 1)


def test_an_empty_gradebook_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Gradebook(tmp_path)
    assert main(COURSE, tmp_path) == 0
    assert "nothing of any lesson" in capsys.readouterr().out
