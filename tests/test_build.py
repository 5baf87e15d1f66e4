"""Building lessons: the second course in all its ways of going wrong, and the real lessons."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from course import COURSE, ROOT
from example import PACKAGE, copy, example
from nbformat import NotebookNode

from grader.author.build import build, check_built, main
from grader.author.execute import execute, record
from grader.author.render import fill, render_solved, render_student
from grader.checks.recording import Replay
from grader.checks.run import PUBLIC_SEED, run
from grader.checks.student import Host, Student
from grader.course.lessons import Course
from grader.course.source import LessonError

FIRST, NAME = "00_arrays", "01_line"
STUDENT, SOLVED = f"notebooks/{NAME}.ipynb", f"solutions/{NAME}.ipynb"
RECORDING = f"{PACKAGE}/recordings/{NAME}.json"
SOURCE, FIRST_SOURCE = f"solutions/{NAME}.py", f"solutions/{FIRST}.py"
CHECKS, FIRST_CHECKS = f"{PACKAGE}/checks/line.py", f"{PACKAGE}/checks/arrays.py"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second course, built again where what every notebook imports has changed since."""
    root = copy(tmp_path_factory.mktemp("built") / "course")
    with example(root) as course:
        build(course)
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, to change."""
    root = Path(shutil.copytree(built, tmp_path / "course"))
    with example(root):
        yield root


@pytest.fixture
def student(built: Path) -> NotebookNode:
    return nbformat.read(built / STUDENT, 4)


@pytest.fixture
def solved(built: Path) -> NotebookNode:
    return nbformat.read(built / SOLVED, 4)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), "utf-8")


def cell(notebook: NotebookNode, role: str) -> NotebookNode:
    lesson = notebook.metadata.grader.lesson
    found = [one for one in notebook.cells if one.id.startswith(f"{lesson}-{role}")]
    assert found, [one.id for one in notebook.cells]
    return found[0]


def contents(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


# ---------------------------------------------------------------------- what the notebooks hold


def test_header_says_title_times_and_where_to_open(course: Path) -> None:
    edit(course / SOURCE, "gpu_minutes=1", "gpu_minutes=0.5")
    text = cell(render_student(Course(course), NAME), "header").source
    assert text.startswith("# 01. A line, step by step\n")
    place = "github/lmcourse/lmcourse/blob/v0.1.0/examples/numpy_basics/notebooks/01_line.ipynb"
    assert f"(https://colab.research.google.com/{place})" in text
    assert "About 40 minutes of your time" in text
    assert "1 minute on a laptop's CPU, or 0.5 minutes on a Colab GPU" in text
    assert text.endswith("You need lesson 00, and from school that the slope of $e^2$ is $2e$.")


@pytest.mark.parametrize(
    ("place", "install", "page"),
    [
        ("", "@v0.1.0", "blob/v0.1.0/notebooks/01_line.ipynb"),
        (
            'subdirectory = "deep/er"\n',
            "@v0.1.0#subdirectory=deep/er",
            "blob/v0.1.0/deep/er/notebooks/01_line.ipynb",
        ),
    ],
)
def test_setup_installs_the_course_from_where_its_notebooks_are_opened(
    course: Path, place: str, install: str, page: str
) -> None:
    edit(course / "pyproject.toml", 'subdirectory = "examples/numpy_basics"\n', place)
    notebook = render_student(Course(course), NAME)
    lines = cell(notebook, "setup").source.splitlines()
    assert lines[:4] == [
        "try:",
        "    import numpy_basics",
        "except ImportError:",
        f'    %pip install -q "numpy_basics @ git+https://github.com/lmcourse/lmcourse{install}"',
    ]
    assert 'check.lesson("01_line")' in lines
    assert f"/lmcourse/lmcourse/{page})" in cell(notebook, "header").source
    assert cell(notebook, "parameters").metadata.tags == ["parameters"]


@pytest.mark.parametrize(
    ("keys", "imports", "install"),
    [
        ('extras="ops"', [], "numpy_basics[ops]"),
        (
            'extras="ops scale" imports="wave xml.dom"',
            ["wave", "xml.dom"],
            "numpy_basics[ops,scale]",
        ),
        ('imports="wave"', [], "numpy_basics"),
    ],
)
def test_setup_installs_the_extras_that_a_lesson_needs_and_tries_what_they_bring(
    course: Path, keys: str, imports: list[str], install: str
) -> None:
    edit(course / SOURCE, "gpu_minutes=1", f"gpu_minutes=1 {keys}")
    lines = cell(render_student(Course(course), NAME), "setup").source.splitlines()
    assert lines[: 4 + len(imports)] == [
        "try:",
        "    import numpy_basics",
        *(f"    import {module}" for module in imports),
        "except ImportError:",
        f'    %pip install -q "{install} @ git+https://github.com/lmcourse/lmcourse@v0.1.0'
        '#subdirectory=examples/numpy_basics"',
    ]


def test_student_gets_stubs(student: NotebookNode, course: Path) -> None:
    first, *_, last = cell(student, "exercise-gradients").source.splitlines()
    assert first == "def gradients(w, b, x, y):"
    assert last == '    raise NotImplementedError("gradients is not started")'
    quiz = cell(render_student(Course(course), FIRST), "exercise-quiz")
    assert quiz.source == "answer_1 = ...\nanswer_2 = ...\nanswer_3 = ..."


def test_student_gets_no_solution_and_no_output(built: Path, student: NotebookNode) -> None:
    text = (built / STUDENT).read_text("utf-8")
    assert "error = w * x + b - y" not in text
    assert "SOLUTION" not in text
    assert all(one.outputs == [] for one in student.cells if one.cell_type == "code")


def test_solved_notebook_keeps_outputs_but_no_times(solved: NotebookNode) -> None:
    *_, demo = (one for one in solved.cells if "demo" in one.metadata.get("tags", ()))
    assert demo.outputs[0].text.startswith("after   0 steps the loss is")
    assert "fit: right" in cell(solved, "check-fit").outputs[0].data["text/plain"]
    assert all("execution" not in one.metadata for one in solved.cells)
    assert solved.metadata.language_info == {"name": "python"}


def test_contract_names_the_exercise_and_what_it_is_worth(
    student: NotebookNode, course: Path
) -> None:
    lines = cell(student, "contract-gradients").source.splitlines()
    assert lines[0] == "### Exercise 1 · `gradients` ●●○○○"
    assert lines[2] == "*2 points · about 10 minutes · level 2 of 5*"
    assert "1 point ·" in cell(render_student(Course(course), FIRST), "contract-quiz").source


def test_fold_is_folded(course: Path) -> None:
    edit(course / SOURCE, 'fold="Hint: the loop"', 'fold="Hint 1: <which> loop?"')
    folds = [
        one.source
        for one in render_student(Course(course), NAME).cells
        if "<details>" in one.source
    ]
    assert folds[1].startswith("<details>\n<summary>Hint 1: &lt;which&gt; loop?</summary>\n\nThree")
    assert folds[1].endswith("\n\n</details>")


def test_carried_code_is_collapsed_and_says_where_it_is_from(student: NotebookNode) -> None:
    carried = cell(student, "carry")
    assert carried.source.startswith(
        "#@title From earlier lessons: standardise\n# From lesson 00_arrays\n\n\ndef standardise"
    )
    assert "spread = centred.std(axis=0)" in carried.source
    assert "### " not in carried.source
    assert carried.metadata.jupyter.source_hidden is True
    assert carried.metadata.cellView == "form"


def test_exercises_and_checks_have_nbgrader_metadata(student: NotebookNode) -> None:
    both = {"schema_version": 3, "task": False, "cell_type": "code"}
    assert cell(student, "exercise-gradients").metadata.nbgrader == {
        "grade_id": "gradients",
        "solution": True,
        "grade": False,
        "locked": False,
        **both,
    }
    assert cell(student, "check-gradients").metadata.nbgrader == {
        "grade_id": "check-gradients",
        "solution": False,
        "grade": True,
        "locked": True,
        "points": 2,
        **both,
    }
    graded = [one for one in student.cells if "nbgrader" in one.metadata]
    assert len(graded) == 4


def test_cells_that_are_alike_have_different_ids(course: Path) -> None:
    text = (course / SOURCE).read_text("utf-8")
    (course / SOURCE).write_text(text + "\n# %%\n1\n\n# %%\n1\n", "utf-8")
    rendered = render_student(Course(course), NAME)
    ids = [one.id for one in rendered.cells]
    assert rendered.cells[-1].source == rendered.cells[-2].source
    assert len(set(ids)) == len(ids)


def test_an_id_depends_on_its_own_cell_alone(course: Path, student: NotebookNode) -> None:
    edit(course / SOURCE, "# *Predict first:* what happens", "# *Guess:* what happens")
    again = render_student(Course(course), NAME)
    changed = [
        new.source for new, old in zip(again.cells, student.cells, strict=True) if new.id != old.id
    ]
    assert changed == ["*Guess:* what happens at rate 1.1?"]


@pytest.mark.lesson
def test_untouched_notebook_runs_from_top_to_bottom(course: Path, student: NotebookNode) -> None:
    executed = execute(student, Course(course).lesson(NAME), course, lambda _: None)
    shown = cell(executed, "check-gradients").outputs[0].data["text/plain"]
    assert "gradients: not started" in shown


# --------------------------------------------------------------------------------- recordings


def recorded_outcome(root: Path, code: str) -> str:
    """Return the status of `fahrenheit` as `code` defines it, against the built recording."""
    namespace: dict[str, object] = {}
    exec(code, namespace)
    course = Course(root)
    exercise = course.exercises(FIRST)["fahrenheit"]
    entries = json.loads(course.paths(FIRST).recording.read_text("utf-8"))["exercises"]
    student = Student(Host(namespace, exercise.probes).send)
    reference = Student(Replay([tuple(entry) for entry in entries["fahrenheit"]]).send)
    return run(exercise, student, reference, seed=PUBLIC_SEED, hidden=False).status


def test_recording_answers_for_the_solved_lesson(course: Path) -> None:
    assert (
        recorded_outcome(course, "def fahrenheit(celsius): return 1.8 * celsius + 32") == "passed"
    )
    assert recorded_outcome(course, "def fahrenheit(celsius): return None") == "partial"


def test_recording_has_an_answer_a_line(built: Path) -> None:
    lines = (built / RECORDING).read_text("utf-8").splitlines()
    recorded = json.loads("\n".join(lines))
    entries = [entry for log in recorded["exercises"].values() for entry in log]
    assert recorded["lesson"] == NAME
    assert sum(line.startswith('["') for line in lines) == len(entries) > 4


def test_solution_that_fails_its_own_check_is_no_build(course: Path) -> None:
    edit(course / CHECKS, "(-12.0, -6.0)", "(-12.0, 6.0)")
    told = "gradients does not pass its own check: case 'one point by hand'"
    with pytest.raises(LessonError, match=told):
        record(Course(course), NAME)


# ------------------------------------------------------------------------------------ the ladder

LADDER = """
# %% tags=["demo"]
from IPython.display import display

display({"text/plain": "a ladder"}, raw=True, metadata={"losses": {"blind": 2.5}})
"""
BEFORE = """
# %% tags=["demo"]
from grader.checks import recording

recording.losses("numpy_basics", "00_arrays")
"""


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_a_lesson_knows_the_losses_that_earlier_ladders_showed(course: Path) -> None:
    append(course / FIRST_SOURCE, LADDER)
    append(course / SOURCE, BEFORE)
    assert build(Course(course)) == [FIRST, NAME]
    recording = json.loads(Course(course).paths(FIRST).recording.read_text("utf-8"))
    assert recording["losses"] == {"blind": 2.5}
    solved = nbformat.read(course / SOLVED, 4)
    assert solved.cells[-1].outputs[0].data["text/plain"] == "{'blind': 2.5}"
    assert check_built(Course(course)) == []


# ------------------------------------------------------------------------------- what is stale


def test_nothing_is_built_twice(course: Path) -> None:
    before = contents(course)
    assert build(Course(course)) == []
    assert contents(course) == before


def test_other_words_are_built_and_nothing_runs_again(course: Path) -> None:
    append(course / SOURCE, '\n# %% tags=["demo"]\nimport uuid\n\nprint(uuid.uuid4())\n')
    build(Course(course), [NAME])
    (first,) = nbformat.read(course / SOLVED, 4).cells[-1].outputs
    append(course / SOURCE, "\n# %% [markdown]\n# That was chance.\n")
    edit(course / SOURCE, "what happens at rate", "what comes at rate")
    assert build(Course(course)) == [NAME]
    solved = nbformat.read(course / SOLVED, 4)
    assert solved.cells[-2].outputs == [first]
    assert solved.cells[-1].source == "That was chance."
    assert "what comes at rate" in (course / STUDENT).read_text("utf-8")
    assert check_built(Course(course)) == []
    edit(course / SOURCE, "print(uuid.uuid4())", "print(uuid.uuid4().hex)")
    assert build(Course(course)) == [NAME]
    assert nbformat.read(course / SOLVED, 4).cells[-2].outputs != [first]


def test_check_names_what_was_never_built(course: Path) -> None:
    for path in ("notebooks", "solutions"):
        (course / path / f"{FIRST}.ipynb").unlink()
    Course(course).paths(FIRST).recording.unlink()
    problems = check_built(Course(course))
    assert len(problems) == 3
    assert all(FIRST in problem for problem in problems)
    assert problems[0] == (
        "notebooks/00_arrays.ipynb is not what solutions/00_arrays.py says; "
        "type: grader build 00_arrays"
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        (SOURCE, "what happens at rate", "what comes at rate", {STUDENT, SOLVED}),
        (SOURCE, "error = w * x + b - y", "error = b + w * x - y", {SOLVED, RECORDING}),
        (CHECKS, '"many points"', '"a lot"', {SOLVED, RECORDING}),
        (FIRST_SOURCE, "return centred /", "return 1 * centred /", {STUDENT, SOLVED, RECORDING}),
        (FIRST_SOURCE, "How warm was", "How cold was", set()),
        (STUDENT, "fit is not started", "fit is not begun", {STUDENT}),
        (
            STUDENT,
            '"execution_count": null,\n   "id": "01_line-setup"',
            '"execution_count": 1,\n   "id": "01_line-setup"',
            {STUDENT},
        ),
        (SOLVED, "error = w * x + b - y", "error = b + w * x - y", {SOLVED}),
        (SOLVED, "after   0 steps the loss is", "after   1 steps the loss is", {SOLVED}),
        ("pyproject.toml", 'com/lmcourse/lmcourse"', 'com/owner/other"', {STUDENT, SOLVED}),
    ],
)
def test_check_finds_what_is_not_what_its_source_says(
    course: Path, file: str, old: str, new: str, stale: set[str]
) -> None:
    edit(course / file, old, new)
    problems = check_built(Course(course), [NAME])
    assert {problem.split()[0] for problem in problems} == stale


@pytest.mark.parametrize("file", [STUDENT, SOLVED, RECORDING])
@pytest.mark.parametrize("text", ["", "[1]", "{}", None])
def test_check_finds_broken_and_missing_files(course: Path, file: str, text: str | None) -> None:
    if text is None:
        (course / file).unlink()
    else:
        (course / file).write_text(text)
    problems = check_built(Course(course), [NAME])
    assert [problem.split()[0] for problem in problems] == [file]


def test_check_finds_files_without_a_source(course: Path) -> None:
    shutil.copy(course / STUDENT, course / "notebooks/09_gone.ipynb")
    problems = check_built(Course(course))
    assert "notebooks/09_gone.ipynb has no source solutions/09_gone.py; delete it" in problems


def test_what_a_lesson_gives_can_be_carried_too(course: Path) -> None:
    append(course / FIRST_SOURCE, "\n# %%\ndef given(x):\n    return x - 7\n")
    edit(course / SOURCE, 'carry="standardise"', 'carry="standardise given"')
    carried = next(cell for cell in Course(course).lesson(NAME).cells if cell.role == "carry")
    assert "return x - 7" in carried.text


def test_check_finds_checks_without_a_lesson(course: Path) -> None:
    (course / FIRST_SOURCE).rename(course / "solutions/arrays.py")
    edit(course / SOURCE, '# %% carry="standardise"\n', "")
    problems = check_built(Course(course))
    told = "numpy_basics.checks has exercises of 00_arrays, but solutions/00_arrays.py is missing"
    assert told in problems


def test_check_reports_a_bad_source_and_goes_on(course: Path) -> None:
    edit(course / FIRST_SOURCE, 'check="quiz"', 'chekc="quiz"')
    edit(course / SOURCE, '# %% carry="standardise"\n', "")
    problems = check_built(Course(course))
    assert any("unknown key 'chekc'" in problem for problem in problems)
    assert any(problem.startswith(STUDENT) for problem in problems)


def test_command_fails_for_a_stale_file(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Course(course), [NAME], check=True) == 0
    edit(course / STUDENT, "fit is not started", "fit is not begun")
    assert main(Course(course), [NAME], check=True) == 1
    assert f"{STUDENT} is not what" in capsys.readouterr().out


# ------------------------------------------------------------------------ lessons that do not run


def test_error_in_a_cell_is_shown_with_its_line(course: Path) -> None:
    edit(course / SOURCE, "hours = rng.uniform", "rng.no_such()\nhours = rng.uniform")
    before = contents(course)
    line = (course / SOURCE).read_text("utf-8").splitlines().index("rng.no_such()") + 1
    with pytest.raises(LessonError, match=rf"01_line.py:{line}: AttributeError: .*no_such"):
        build(Course(course), [NAME])
    assert contents(course) == before


def test_error_in_a_demo_leaves_the_built_files_alone(course: Path) -> None:
    edit(course / SOURCE, "    ends = np.array", "    print(1 / 0)\n    ends = np.array")
    before = contents(course)
    with pytest.raises(LessonError) as raised:
        build(Course(course), [NAME])
    line = (course / SOURCE).read_text("utf-8").splitlines().index('# %% tags=["demo"]') + 1
    assert f"01_line.py:{line}: cell 19" in str(raised.value)
    assert "print(1 / 0)" in str(raised.value)
    assert "ZeroDivisionError" in str(raised.value)
    assert contents(course) == before


# ----------------------------------------------------------------------------------- bad markup


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('check="fit"', 'chekc="fit"', "unknown key 'chekc'"),
        ('# %% tags=["demo"]', '# %% tags=["dmeo"]', "unknown tag 'dmeo'"),
        ('contract="fit"', 'contract="fti"', "contract cell for 'fti', which is no exercise"),
        (
            '# %% check="fit" tags=["nbval-check-output"]\ncheck("fit")\n',
            "",
            "'fit' needs a check=\"fit\" cell after it",
        ),
        ('\ncheck("fit")', '\ncheck("gradients")', 'the cell holds only check("fit")'),
        (
            '[markdown] contract="fit"',
            "[markdown]",
            "'fit' needs a contract=\"fit\" cell before it",
        ),
        ('check="fit"', 'check="gradients"', "a second check cell for 'gradients'"),
        ('exercise="fit"', 'exercise="gradients"', "a second exercise cell for 'gradients'"),
        (" level=2", "", "the exercise cell needs level=..."),
        (" level=2", " level=6", "level=6 is not from 1 to 5"),
        (" level=2", ' level="2"', "level='2' is of the wrong type"),
        ("    return w, b\n    ### END SOLUTION", "    return w, b", "has no '### END SOLUTION'"),
        ("    ### BEGIN SOLUTION\n    w, b", "    w, b", "expected '### BEGIN SOLUTION' here"),
        (
            "rng = np.random",
            "### BEGIN SOLUTION\n### END SOLUTION\nrng = np.random",
            "only an exercise",
        ),
        ("rng = np.random", "%time rng = np.random", "not plain Python"),
        ('carry="standardise"', 'carry="standardize"', "no earlier lesson defines standardize"),
        ('carry="standardise"', 'carry="fit"', "no earlier lesson defines fit"),
        ('"standardise"\n', '"standardise standardise"\n', "carry names each definition once"),
        ('lesson="01_line"', 'lesson="02_line"', "the file is 01_line but says lesson='02_line'"),
        ('# %% tags=["setup"]', "# %%", "a lesson has one setup cell, not 0"),
        ('check.lesson("01_line")', 'check.lesson("00_arrays")', "the setup cell calls"),
        ('preset = "laptop"', 'perset = "laptop"', "the parameters cell says preset"),
        ('# %% [markdown] fold="Hint: the', '# %% fold="Hint: the', "this must be a markdown cell"),
        ("# %%\nrng", "# %% a name\nrng", "a marker reads # %% [markdown] key="),
        ("# Here are sixty", "# %%Here are sixty", "no other line begins with '# %%'"),
        ("minutes=10 level=2", "minutes=ten level=2", "a marker reads"),
        (
            "minutes=10 level=2",
            "minutes=10 level=2 color=3",
            "unknown key 'color' in a exercise cell",
        ),
    ],
)
def test_bad_markup_is_named(course: Path, old: str, new: str, message: str) -> None:
    edit(course / SOURCE, old, new)
    with pytest.raises(LessonError) as raised:
        Course(course).lesson(NAME)
    assert message in str(raised.value)
    assert "01_line.py:" in str(raised.value)


@pytest.mark.parametrize("wrong", ["print(1)", "if True:\n    answer_1 = 3"])
def test_a_solution_at_the_top_level_is_assignments(course: Path, wrong: str) -> None:
    edit(course / FIRST_SOURCE, 'answer_1 = "b"', wrong)
    with pytest.raises(LessonError, match="holds only assignments"):
        Course(course).lesson(FIRST)


def test_error_names_the_line_of_the_marker(course: Path) -> None:
    edit(course / SOURCE, 'check="fit"', 'chekc="fit"')
    lines = (course / SOURCE).read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "chekc" in text)
    with pytest.raises(LessonError, match=rf"01_line\.py:{line}: "):
        Course(course).lesson(NAME)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (SOURCE, '"fit"', '"line"', "no check is registered for exercise 'line'"),
        (CHECKS, '"fit"', '"line"', "no check is registered for exercise 'fit'"),
        (SOURCE, "def fit", "def line", "the check of 'fit' asks for fit"),
        (
            CHECKS,
            '@exercise(LESSON, "fit"',
            'exercise(LESSON, "more", points=1)(gradients)\n\n\n@exercise(LESSON, "fit"',
            "the lesson's exercises are gradients, fit, but numpy_basics/checks/line.py registers "
            "gradients, more, fit",
        ),
        (CHECKS, 'LESSON = "01_line"', 'LESSON = "07_line"', "no check has @exercise"),
        (
            CHECKS,
            'LESSON = "01_line"',
            'LESSON = "00_arrays"',
            'no check has @exercise\\("01_line", ...\\); write one in numpy_basics/checks/line.py',
        ),
    ],
)
def test_lesson_and_checks_must_agree(
    course: Path, file: str, old: str, new: str, message: str
) -> None:
    text = (course / file).read_text("utf-8")
    (course / file).write_text(text.replace(old, new), "utf-8")
    with pytest.raises(LessonError, match=message):
        render_student(Course(course), NAME)


def test_checks_stand_in_the_lessons_own_module(course: Path) -> None:
    (course / CHECKS).rename(course / PACKAGE / "checks" / "other.py")
    told = (
        "the lesson's checks stand in numpy_basics/checks/line.py, not in numpy_basics/checks/oth"
    )
    with pytest.raises(LessonError, match=told):
        render_student(Course(course), NAME)


def test_unknown_lesson_is_answered_with_those_that_are(course: Path) -> None:
    with pytest.raises(KeyError, match="there are: 00_arrays, 01_line"):
        build(Course(course), ["02_toy"])


@pytest.mark.parametrize("place", ["Three lines in a", "Here are sixty", "rng = np.random"])
def test_a_line_of_a_solution_elsewhere_is_an_error(course: Path, place: str) -> None:
    edit(course / SOURCE, place, f"error = w * x + b - y; {place}")
    with pytest.raises(LessonError, match="lines of a solution"):
        render_student(Course(course), NAME)
    render_solved(Course(course), NAME)


# ------------------------------------------------------------------------------------ filling in


def test_fill_solves_the_students_notebook(course: Path, student: NotebookNode) -> None:
    lesson = Course(course).lesson(NAME)
    before = nbformat.writes(student)
    filled = fill(student, lesson)
    assert "error = w * x + b - y" in cell(filled, "exercise-gradients").source
    assert "SOLUTION" not in nbformat.writes(filled)
    assert nbformat.writes(student) == before


def test_fill_takes_other_code_and_leaves_exercises_out(
    course: Path, student: NotebookNode
) -> None:
    lesson = Course(course).lesson(NAME)
    filled = fill(student, lesson, {"gradients": "gradients = abs", "fit": None})
    assert cell(filled, "exercise-gradients").source == "gradients = abs"
    assert cell(filled, "exercise-fit") == cell(student, "exercise-fit")
    with pytest.raises(KeyError, match="no exercise 'triple'"):
        fill(student, lesson, {"triple": ""})


# ------------------------------------------------------------------------------ the real lessons


@pytest.mark.parametrize("folder", ["notebooks", "solutions"])
@pytest.mark.parametrize("name", COURSE.names)
def test_real_notebook_is_valid(name: str, folder: str) -> None:
    notebook = nbformat.read(ROOT / folder / f"{name}.ipynb", 4)
    nbformat.validate(notebook)
    ids = [one.id for one in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert notebook.metadata.kernelspec.name == "python3"
    for one in notebook.cells:
        if one.cell_type == "code":
            assert (one.execution_count is None) == (folder == "notebooks" or not one.source)
            drawn = one.source.startswith("#@title Drawing: ")
            assert folder == "solutions" or bool(one.outputs) == drawn


@pytest.mark.parametrize("name", COURSE.names)
def test_what_a_real_notebook_shows_is_no_warning_of_the_machine(name: str) -> None:
    """Missing fonts, a spinner's dots, folders that are gone: these stay where they were seen."""
    notebook = nbformat.read(ROOT / "solutions" / f"{name}.ipynb", 4)
    outputs = [output for one in notebook.cells for output in one.get("outputs", [])]
    assert outputs
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    printed = "".join(output.get("text", "") for output in outputs)
    assert "\x1b[" not in printed
    assert f"{tempfile.gettempdir()}{os.sep}" not in printed
