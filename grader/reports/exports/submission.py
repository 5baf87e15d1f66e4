"""One submission as JSON, as Gradescope and GitHub Classroom read it."""

from typing import Any

from grader.checks.results import details
from grader.formats.junit import clean
from grader.formats.spreadsheet import points
from grader.gradebook.scores import ExerciseScore, FinalScore
from grader.reports.pages import EXERCISE_STATUSES, SUBMISSION_STATUSES, first_to_fix

# In words of GitHub Classroom's; all other statuses are errors.
_GITHUB_STATUSES = {"passed": "pass", "partial": "fail", "failed": "fail", "missing": "fail"}


def gradescope(score: FinalScore) -> dict[str, Any]:
    """Return Gradescope's `results.json` ("Autograder Specifications", Output format).

    A test is an exercise. What was asked only when grading follows as tests without points, which
    a student sees once the grades are published, as name and outcome alone.
    """
    result = score.result
    tests: list[dict[str, Any]] = []
    for number, exercise in enumerate(score.exercises, 1):
        name, status = exercise.result.name, exercise.result.status
        tests.append(
            {
                "name": name,
                "number": str(number),
                "score": exercise.points,
                "max_score": exercise.result.max_points,
                "status": "passed" if status == "passed" else "failed",
                "output": feedback(exercise),
                "output_format": "text",
                "tags": [status],
                "visibility": "visible",
            }
        )
        hidden = [case for case in exercise.result.cases if case.hidden]
        tests += [
            {
                "name": f"{name}: {clean(case.name)}",
                "number": f"{number}.{place}",
                "status": "passed" if case.passed else "failed",
                "output": "Asked only when grading.",
                "output_format": "text",
                "visibility": "after_published",
            }
            for place, case in enumerate(hidden, 1)
        ]
    return {
        "score": round(score.points, 4),
        "execution_time": result.seconds,
        "output": outcome(score),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {
            "student": result.student,
            "lesson": result.lesson,
            "file": clean(result.file),
            "status": result.status,
        },
        "tests": tests,
    }


def github_points(score: FinalScore) -> dict[str, float]:
    """Return what GitHub Classroom reads from the notice titled "Autograding report"."""
    return {"totalPoints": round(score.points, 4), "maxPoints": round(score.max_points, 4)}


def github(score: FinalScore) -> dict[str, Any]:
    """Return a runner's results (version 3) for `autograding-grading-reporter`.

    The reporter adds up the tests' scores, so what being late costs is a test of its own.
    """
    graded = score.result.status == "graded"
    tests = [
        _github_test(
            exercise.result.name,
            _GITHUB_STATUSES.get(exercise.result.status, "error") if graded else "error",
            exercise.points,
            feedback(exercise) if graded else outcome(score),
        )
        for exercise in score.exercises
    ]
    if score.late:
        tests.append(_github_test("handed in late", "fail", -score.penalty, outcome(score)))
    statuses = [test["status"] for test in tests]
    return {
        "version": 3,
        "status": next((word for word in ("error", "fail") if word in statuses), "pass"),
        "max_score": round(score.max_points, 4),
        "tests": tests,
    }


def _github_test(name: str, status: str, score: float, message: str) -> dict[str, Any]:
    return {
        "name": name,
        "status": status,
        "score": score,
        "message": message,
        "test_code": "",
        "filename": "",
        "line_no": 0,
        "execution_time": "0s",
    }


def outcome(score: FinalScore) -> str:
    """Return what became of a submission as a whole, to its student."""
    result = score.result
    lines = [result.message, score.comment]
    if result.status != "graded":
        status = SUBMISSION_STATUSES[result.status]
        lines[0] = f"Not graded: {status.word}. {result.message or status.sentence}"
    if score.late:
        lines.append(
            f"Handed in late: {points(score.penalty)} of {points(score.earned)} points are off."
        )
    return clean("\n".join(filter(None, lines)))


def feedback(exercise: ExerciseScore) -> str:
    """Return how an exercise went, and the first thing to fix, as plain text."""
    result = exercise.result
    status = EXERCISE_STATUSES[result.status]
    lines = [f"{status.mark} {status.word}. {status.sentence}", exercise.comment, result.message]
    fix = first_to_fix(result.cases)
    if fix and result.status != "missing":
        lines.append(f"The first thing to fix: {fix.name}")
        for name, text in details(fix):
            lines.append(f"  {name}: " + text.replace("\n", "\n    "))
    return clean("\n".join(filter(None, lines)))
