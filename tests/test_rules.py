"""`grader try`: each rule that a lesson does not keep is told, with what to do."""

from pathlib import Path

import pytest
from authored import grader, new_course

from grader.author.new import FIRST
from grader.author.rules import Rule, Trial, problems_of_source, recorded
from grader.course.answers import Mistake, Right
from grader.course.lessons import Course
from grader.course.solved import solved_namespace

SOURCE = f"solutions/{FIRST}.py"
ANSWERS = f"solutions/mistakes/{FIRST}.md"

Told = dict[Rule, str]


def broken(tmp_path: Path, path: str, old: str, new: str) -> Told:
    """Return what is told of a new course whose file at `path` was changed."""
    package = f"changed_{tmp_path.name}"
    path = path.replace("PACKAGE", package.lower())
    course = new_course(tmp_path / package, {path: [(old, new)]})
    return dict(problems_of_source(course, FIRST))


# --- What the source says ---------------------------------------------------------------------


def test_a_source_that_is_not_well_formed_is_told(tmp_path: Path) -> None:
    told = broken(tmp_path, SOURCE, 'contract="spread"', 'contract="spraed"')
    assert set(told) == {Rule.SOURCE}
    assert "00_start.py:25: a contract cell for 'spraed', which is no exercise" in told[Rule.SOURCE]


def test_checks_that_do_not_fit_are_told(tmp_path: Path) -> None:
    told = broken(tmp_path, "PACKAGE/checks/start.py", '"spread", points', '"spraed", points')
    assert set(told) == {Rule.CHECKS}
    assert "no check is registered for exercise 'spread'" in told[Rule.CHECKS]


def test_checks_that_do_not_load_are_told(tmp_path: Path) -> None:
    told = broken(tmp_path, "PACKAGE/checks/start.py", "import Iterator", "import Iterating")
    assert set(told) == {Rule.CHECKS}
    assert "a check does not load: ImportError" in told[Rule.CHECKS]


def test_a_line_of_a_solution_elsewhere_is_told(tmp_path: Path) -> None:
    told = broken(tmp_path, SOURCE, "Python has a", "`return max(numbers) - min(numbers)`: a")
    assert set(told) == {Rule.LEAK}


def test_slides_that_are_too_few_or_say_too_much_are_told(tmp_path: Path) -> None:
    slide = '# %% [markdown] slide="A range"\n# From the smallest to the largest.\n\n'
    told = broken(tmp_path, SOURCE, '# %% tags=["setup"]', f'{slide}# %% tags=["setup"]')
    assert set(told) == {Rule.SLIDES}
    assert "8 to 14 slides make a deck, and there are 1" in told[Rule.SLIDES]
    assert "slide 'A range': no notes; end the cell with" in told[Rule.SLIDES]


def test_answers_that_are_not_well_formed_are_told(tmp_path: Path) -> None:
    told = broken(tmp_path, ANSWERS, "-    return max(numbers)", "-    return max(number)")
    assert set(told) == {Rule.READABLE}
    assert "forgets the smallest: the solution has this 0 times" in told[Rule.READABLE]


def test_too_few_answers_are_told(tmp_path: Path) -> None:
    package = f"few_{tmp_path.name}"
    course = new_course(tmp_path / package)
    (course.root / ANSWERS).write_text("# None\n", "utf-8")
    assert dict(problems_of_source(course, FIRST)) == {
        Rule.ANSWERS: "spread has 0 mistakes, and needs 3\n"
        "spread has 0 right solutions, and needs 2\n"
        "quiz has 0 mistakes, and needs 1"
    }
    (course.root / ANSWERS).unlink()
    assert "00_start.md is missing" in dict(problems_of_source(course, FIRST))[Rule.READABLE]


def test_too_few_compared_outputs_are_told(tmp_path: Path) -> None:
    told = broken(tmp_path, SOURCE, ', "nbval-check-output"', "")
    assert set(told) == {Rule.OUTPUTS}
    assert told[Rule.OUTPUTS].startswith('4 are: add tags=["nbval-check-output"]')


def test_a_lesson_without_a_summary_is_told(tmp_path: Path) -> None:
    told = broken(tmp_path, SOURCE, "check.summary()\n", "print(1)\n")
    assert set(told) == {Rule.SUMMARY}


def test_a_missing_row_is_told(tmp_path: Path) -> None:
    told = broken(tmp_path, "README.md", "](notebooks/00_start.ipynb)", "](notebooks/00.ipynb)")
    assert set(told) == {Rule.ROW}
    assert "| [00 Start](notebooks/00_start.ipynb) |" in told[Rule.ROW]


def test_a_course_may_have_no_readme(tmp_path: Path) -> None:
    course = new_course(tmp_path / "without_readme")
    (course.root / "README.md").unlink()
    assert list(problems_of_source(course, FIRST)) == []


# --- The checks, tried with answers -----------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Give a course in which only a hidden case has lists of other lengths than 2, 3 and 8."""
    checks = "tried_course/checks/start.py"
    changes = {
        checks: [
            (
                "    yield from same_as_reference(",
                "    yield from list(same_as_reference(",
            ),
            ('however many there are.",\n    )\n', 'however many there are.",\n    ))[1:]\n'),
        ]
    }
    return new_course(tmp_path_factory.mktemp("rules") / "tried_course", changes)


@pytest.fixture(scope="module")
def trial(course: Course) -> Trial:
    solved = solved_namespace(course.lesson(FIRST))
    recordings, problems = recorded(course.exercises(FIRST), solved)
    assert problems == {}
    return Trial(course.lesson(FIRST), solved, recordings, {"spread": [], "quiz": []})


def said_of(course: Course, trial: Trial, hint: str, code: str) -> str:
    mistake = Mistake("spread", "a mistake", hint, code)
    return trial.problem_of_mistake(course.exercises(FIRST)["spread"], mistake)


DIFFERS = "The largest is 5 and the smallest is 1"


def test_a_mistake_that_draws_its_hint_is_no_problem(course: Course, trial: Trial) -> None:
    assert said_of(course, trial, DIFFERS, "spread = max") == ""


@pytest.mark.parametrize(
    ("hint", "code", "told"),
    [
        ("", "spread = lambda numbers: max(numbers) - min(numbers)", "it passes. Add a case"),
        (
            "",
            "spread = lambda n: max(n) - min(n) + (len(n) not in (2, 3, 8))",
            "only the hidden case 'numbers at random, again' catches it: in the notebook it passes",
        ),
        (
            "another hint",
            "spread = max",
            f"the first case that fails, '2, 5 and 1, by hand', says '{DIFFERS}",
        ),
        (DIFFERS, "spread = numbers", "its code does not run: NameError"),
        (
            DIFFERS,
            "def spread(numbers):\n    raise NotImplementedError",
            "it counts as not started",
        ),
        (
            DIFFERS,
            "spread = lambda n: 0.0 if n == [2.0, 5.0, 1.0] else max(n) - min(n)",
            "",
        ),
    ],
)
def test_what_is_wrong_with_a_mistake_is_told(
    hint: str, code: str, told: str, course: Course, trial: Trial
) -> None:
    said = said_of(course, trial, hint, code)
    assert said.startswith(told)
    assert bool(said) == bool(told)


def test_a_right_solution_that_is_refused_is_told(course: Course, trial: Trial) -> None:
    spread = course.exercises(FIRST)["spread"]
    right = Right("spread", "in whole numbers", "spread = lambda n: round(max(n) - min(n))")
    said = trial.problem_of_right(spread, right)
    assert "it fails in the notebook: case 'the list stays as it was'" in said
    assert "Ask for nothing that the contract does not promise" in said
    only_graded = "spread = lambda n: max(n) - min(n) if len(n) in (2, 3, 8) else None"
    said = trial.problem_of_right(spread, Right("spread", "for some", only_graded))
    assert "it fails when it is graded with seed 0: hidden case 'numbers at random" in said


def test_the_solution_passes_and_a_stub_is_worth_nothing(course: Course, trial: Trial) -> None:
    for exercise in course.exercises(FIRST).values():
        assert trial.problem_of_solution(exercise) == ""
        assert trial.problem_of_stub(exercise) == ""


# --- The command ------------------------------------------------------------------------------


@pytest.mark.lesson
def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {
        SOURCE: [("check.summary()\n", "print(1)\n"), ("    print(", "    print(undefined, ")],
        ANSWERS: [("> wherever in the list", "> wherever else")],
    }
    course = new_course(tmp_path / "wrong_course", changes)
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in course.root.rglob("*") if path.is_file()}
    assert grader(course, "try", FIRST) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = [line for line in lines if line.startswith("✗")]
    assert wrong == [f"✗ {rule.value}" for rule in (Rule.SUMMARY, Rule.MISTAKE, Rule.FILLED_IN)]
    told = lines[lines.index(f"✗ {Rule.MISTAKE.value}") + 1]
    assert told.startswith("    spread, 'takes the ends of the list': the first case that fails,")
    assert any("NameError: name 'undefined' is not defined" in line for line in lines)
    assert lines[-1].startswith("00_start keeps 13 of 16 rules")
    after = {path: path.stat().st_mtime_ns for path in course.root.rglob("*") if path.is_file()}
    assert {path for path in after if "__pycache__" not in path.parts} == set(before)
    assert before.items() <= after.items()


def test_what_cannot_be_tried_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = new_course(tmp_path / "unread_course")
    (course.root / SOURCE).write_text("print(1)\n", "utf-8")
    assert grader(course, "try", "0") == 1
    told = capsys.readouterr().out
    assert told.count("○") == len(Rule) - 1
    assert "the file begins with a cell marker" in told
