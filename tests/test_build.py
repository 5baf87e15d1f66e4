"""Building lessons: a toy course in all its ways of going wrong, and the real lessons as built."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import toy
from course import COURSE, ROOT
from nbformat import NotebookNode

from grader.author.build import build, check_built, main
from grader.author.execute import execute, record
from grader.author.render import TAG, fill, render_solved, render_student
from grader.checks.recording import Replay
from grader.checks.registry import exercises
from grader.checks.run import PUBLIC_SEED, run
from grader.checks.student import Host, Student
from grader.course.lessons import Course
from grader.course.source import LessonError

STUDENT, SOLVED = f"notebooks/{toy.NAME}.ipynb", f"solutions/{toy.NAME}.ipynb"
RECORDING = f"lmcourse/recordings/{toy.NAME}.json"
SOURCE = f"solutions/{toy.NAME}.py"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    toy.write(root)
    with toy.registered(root):
        assert build(root, [toy.NAME]) == [toy.NAME]
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the built toy course, to change."""
    root = tmp_path / "course"
    shutil.copytree(built, root)
    with toy.registered(root):
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
    found = [one for one in notebook.cells if one.id.startswith(f"{toy.NAME}-{role}")]
    assert found, [one.id for one in notebook.cells]
    return found[0]


def contents(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


# ---------------------------------------------------------------------- what the notebooks hold


def test_header_says_title_times_and_where_to_open(student: NotebookNode) -> None:
    text = cell(student, "header").source
    assert text.startswith("# 01. Twice as much\n")
    assert (
        f"colab.research.google.com/github/owner/course/blob/{TAG}/notebooks/01_toy.ipynb" in text
    )
    assert "About 20 minutes of your time" in text
    assert "1 minute on a laptop's CPU, or 0.5 minutes on a Colab GPU" in text
    assert text.endswith("You will be able to **double** numbers.")


def test_setup_installs_the_course_where_it_is_missing(student: NotebookNode) -> None:
    lines = cell(student, "setup").source.splitlines()
    assert lines[:4] == [
        "try:",
        "    import lmcourse",
        "except ImportError:",
        f'    %pip install -q "lmcourse @ git+https://github.com/owner/course@{TAG}"',
    ]
    assert 'check.lesson("01_toy")' in lines
    assert cell(student, "parameters").metadata.tags == ["parameters"]


def test_student_gets_stubs(student: NotebookNode) -> None:
    assert cell(student, "exercise-double").source == (
        'def double(x):\n    """Return x, twice as large."""\n'
        '    raise NotImplementedError("double is not started")'
    )
    assert cell(student, "exercise-quiz").source == (
        "# 1. Twice two is (a) four (b) five?\nanswer_1 = ...\nanswer_2 = ..."
    )


def test_student_gets_no_solution_and_no_output(built: Path, student: NotebookNode) -> None:
    text = (built / STUDENT).read_text("utf-8")
    assert "added = x + x" not in text
    assert "SOLUTION" not in text
    assert all(one.outputs == [] for one in student.cells if one.cell_type == "code")


def test_solved_notebook_keeps_outputs_but_no_times(solved: NotebookNode) -> None:
    demo = next(one for one in solved.cells if "demo" in one.metadata.get("tags", ()))
    assert demo.outputs[0].text == "twice three is 6.0 and one more is 7.0\n"
    assert "double: right" in cell(solved, "check-double").outputs[0].data["text/plain"]
    assert all("execution" not in one.metadata for one in solved.cells)
    assert solved.metadata.language_info == {"name": "python"}


def test_contract_names_the_exercise_and_what_it_is_worth(student: NotebookNode) -> None:
    lines = cell(student, "contract-double").source.splitlines()
    assert lines[0] == "### Exercise 1 · `double` ●●○○○"
    assert lines[2] == "*2 points · about 5 minutes · level 2 of 5*"
    assert "1 point ·" in cell(student, "contract-quiz").source


def test_fold_is_folded(student: NotebookNode) -> None:
    text = cell(student, "fold").source
    assert text.startswith("<details>\n<summary>Hint 1: &lt;which&gt; sign?</summary>\n\nLook")
    assert text.endswith("\n\n</details>")


def test_carried_code_is_collapsed_and_says_where_it_is_from(student: NotebookNode) -> None:
    carried = cell(student, "carry")
    assert carried.source.startswith("#@title From earlier lessons: shift, STEP\n# From lesson 00_")
    assert "moved = x + STEP" in carried.source
    assert "### " not in carried.source
    assert carried.metadata.jupyter.source_hidden is True
    assert carried.metadata.cellView == "form"


def test_exercises_and_checks_have_nbgrader_metadata(student: NotebookNode) -> None:
    both = {"schema_version": 3, "task": False, "cell_type": "code"}
    assert cell(student, "exercise-double").metadata.nbgrader == {
        "grade_id": "double",
        "solution": True,
        "grade": False,
        "locked": False,
        **both,
    }
    assert cell(student, "check-double").metadata.nbgrader == {
        "grade_id": "check-double",
        "solution": False,
        "grade": True,
        "locked": True,
        "points": 2,
        **both,
    }
    graded = [one for one in student.cells if "nbgrader" in one.metadata]
    assert len(graded) == 4


def test_slides_begin_at_questions_and_exercises(student: NotebookNode) -> None:
    def slide(role: str) -> str:
        return cell(student, role).metadata.slideshow.slide_type

    assert [slide("header"), slide("prose"), slide("contract-double")] == [
        "slide",
        "slide",
        "subslide",
    ]
    assert {slide("setup"), slide("carry"), slide("check-double")} == {"skip"}


def test_cells_that_are_alike_have_different_ids(course: Path) -> None:
    text = (course / SOURCE).read_text("utf-8")
    (course / SOURCE).write_text(text + "\n# %%\n1\n\n# %%\n1\n", "utf-8")
    rendered = render_student(Course(course), toy.NAME, "")
    ids = [one.id for one in rendered.cells]
    assert rendered.cells[-1].source == rendered.cells[-2].source
    assert len(set(ids)) == len(ids)


def test_an_id_depends_on_its_own_cell_alone(course: Path, student: NotebookNode) -> None:
    edit(course / SOURCE, "# Nobody knows yet.", "# We shall see.")
    again = render_student(Course(course), toy.NAME, "")
    changed = [
        new.source for new, old in zip(again.cells, student.cells, strict=True) if new.id != old.id
    ]
    assert changed == ["## What is twice three?\n\nWe shall see."]


@pytest.mark.lesson
def test_untouched_notebook_runs_from_top_to_bottom(course: Path, student: NotebookNode) -> None:
    executed = execute(student, Course(course).lesson(toy.NAME), course, lambda _: None)
    assert "double: not started" in cell(executed, "check-double").outputs[0].data["text/plain"]


# --------------------------------------------------------------------------------- recordings


def recorded_outcome(root: Path, code: str) -> str:
    """Return the status of `double` as `code` defines it, against the built recording."""
    namespace: dict[str, object] = {}
    exec(code, namespace)
    double = exercises(toy.NAME)["double"]
    entries = json.loads((root / RECORDING).read_text("utf-8"))["exercises"]["double"]
    student = Student(Host(namespace, {}).send)
    reference = Student(Replay([tuple(entry) for entry in entries]).send)
    return run(double, student, reference, seed=PUBLIC_SEED, hidden=False).status


def test_recording_answers_for_the_solved_lesson(course: Path) -> None:
    assert recorded_outcome(course, "def double(x): return 2 * x") == "passed"
    assert recorded_outcome(course, "def double(x): return x * x") == "failed"


def test_recording_has_an_answer_a_line(built: Path) -> None:
    lines = (built / RECORDING).read_text("utf-8").splitlines()
    recorded = json.loads("\n".join(lines))
    entries = [entry for log in recorded["exercises"].values() for entry in log]
    assert recorded["lesson"] == toy.NAME
    assert sum(line.startswith('["') for line in lines) == len(entries) > 4


def test_solution_that_fails_its_own_check_is_no_build(course: Path) -> None:
    edit(course / "lmcourse/checks/toy.py", "reference.double(x)", "2.5 * x")
    with pytest.raises(LessonError, match="double does not pass its own check: case '1 numbers'"):
        record(Course(course).lesson(toy.NAME))


# ------------------------------------------------------------------------------------ the ladder


def test_a_lesson_knows_the_losses_that_earlier_ladders_showed(course: Path) -> None:
    assert build(course) == ["00_first", toy.NAME]  # the second was built without them
    recording = json.loads((course / "lmcourse/recordings/00_first.json").read_text("utf-8"))
    assert recording["losses"] == {"uniform": 2.5}
    solved = nbformat.read(course / SOLVED, 4)
    demo = next(one for one in solved.cells if "demo" in one.metadata.get("tags", ()))
    assert demo.outputs[1].data["text/plain"] == "{'uniform': 2.5}"
    edit(course / "solutions/00_first.py", "2.5000001", "2.75")
    assert build(course) == ["00_first", toy.NAME]
    assert check_built(course) == []


# ------------------------------------------------------------------------------- what is stale


def test_nothing_is_built_twice(course: Path) -> None:
    before = contents(course)
    assert build(course, [toy.NAME]) == []
    assert contents(course) == before


def test_check_names_what_was_never_built(course: Path) -> None:
    problems = check_built(course)
    assert len(problems) == 3
    assert all("00_first" in problem for problem in problems)
    assert problems[0] == (
        "notebooks/00_first.ipynb is not what solutions/00_first.py says; "
        "type: grader build 00_first"
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        (SOURCE, "Nobody knows", "We know", {STUDENT, SOLVED, RECORDING}),
        ("lmcourse/checks/toy.py", "(1, 5)", "(1, 6)", {STUDENT, SOLVED, RECORDING}),
        ("solutions/00_first.py", "moved = x", "moved = 0 + x", {STUDENT, SOLVED, RECORDING}),
        ("solutions/00_first.py", "One more.", "Two more.", set()),
        (STUDENT, "is not started", "is not begun", {STUDENT}),
        (
            STUDENT,
            '"execution_count": null,\n   "id": "01_toy-setup"',
            '"execution_count": 1,\n   "id": "01_toy-setup"',
            {STUDENT},
        ),
        (SOLVED, "added = x + x", "added = x * 2", {SOLVED}),
        (SOLVED, "twice three is 6.0", "twice three is 7.0", set()),
        ("pyproject.toml", "owner/course", "owner/other", {STUDENT, SOLVED}),
    ],
)
def test_check_finds_what_is_not_what_its_source_says(
    course: Path, file: str, old: str, new: str, stale: set[str]
) -> None:
    edit(course / file, old, new)
    problems = check_built(course, [toy.NAME])
    assert {problem.split()[0] for problem in problems} == stale


@pytest.mark.parametrize("file", [STUDENT, SOLVED, RECORDING])
@pytest.mark.parametrize("text", ["", "[1]", "{}", None])
def test_check_finds_broken_and_missing_files(course: Path, file: str, text: str | None) -> None:
    if text is None:
        (course / file).unlink()
    else:
        (course / file).write_text(text)
    assert [problem.split()[0] for problem in check_built(course, [toy.NAME])] == [file]


def test_check_finds_files_without_a_source(course: Path) -> None:
    shutil.copy(course / STUDENT, course / "notebooks/09_gone.ipynb")
    assert "notebooks/09_gone.ipynb has no source solutions/09_gone.py; delete it" in check_built(
        course
    )


def test_what_a_lesson_gives_can_be_carried_too(course: Path) -> None:
    edit(course / SOURCE, 'carry="shift STEP"', 'carry="shift STEP shift_back"')
    carried = next(cell for cell in Course(course).lesson(toy.NAME).cells if cell.role == "carry")
    assert "return x - STEP" in carried.text


def test_check_finds_checks_without_a_lesson(course: Path) -> None:
    (course / "solutions/00_first.py").rename(course / "solutions/first.py")
    edit(course / SOURCE, '# %% carry="shift STEP"\n', "")
    problems = check_built(course)
    assert (
        "lmcourse/checks has exercises of 00_first, but solutions/00_first.py is missing"
        in problems
    )


def test_check_reports_a_bad_source_and_goes_on(course: Path) -> None:
    edit(course / "solutions/00_first.py", 'check="shift"', 'chekc="shift"')
    edit(course / STUDENT, "is not started", "is not begun")
    problems = check_built(course)
    assert any("unknown key 'chekc'" in problem for problem in problems)


def test_command_fails_for_a_stale_file(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("grader.author.build.ROOT", course)
    assert main([toy.NAME], check=True) == 0
    edit(course / STUDENT, "is not started", "is not begun")
    assert main([toy.NAME], check=True) == 1
    assert f"{STUDENT} is not what" in capsys.readouterr().out


# ------------------------------------------------------------------------ lessons that do not run


def test_error_in_a_cell_is_shown_with_its_line(course: Path) -> None:
    edit(course / SOURCE, "three = torch.tensor(3.0)", "three = torch.tensor(3.0)\nthree.no_such()")
    before = contents(course)
    line = (course / SOURCE).read_text("utf-8").splitlines().index("three.no_such()") + 1
    with pytest.raises(LessonError, match=rf"01_toy.py:{line}: AttributeError: .*no_such"):
        build(course, [toy.NAME])
    assert contents(course) == before


def test_error_in_a_demo_leaves_the_built_files_alone(course: Path) -> None:
    edit(course / SOURCE, 'if check.ready("double"):', 'print(1 / 0)\nif check.ready("double"):')
    before = contents(course)
    with pytest.raises(LessonError) as raised:
        build(course, [toy.NAME])
    line = (course / SOURCE).read_text("utf-8").splitlines().index('# %% tags=["demo"]') + 1
    assert f"01_toy.py:{line}: cell 11" in str(raised.value)
    assert "print(1 / 0)" in str(raised.value)
    assert "ZeroDivisionError" in str(raised.value)
    assert contents(course) == before


# ----------------------------------------------------------------------------------- bad markup


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('check="double"', 'chekc="double"', "unknown key 'chekc'"),
        ('tags=["demo"]', 'tags=["dmeo"]', "unknown tag 'dmeo'"),
        (
            'contract="double"',
            'contract="duoble"',
            "contract cell for 'duoble', which is no exercise",
        ),
        ('# %% check="quiz"\ncheck("quiz")\n', "", "'quiz' needs a check=\"quiz\" cell after it"),
        ('check("quiz")', 'check("double")', 'the cell holds only check("quiz")'),
        (
            '[markdown] contract="quiz"',
            "[markdown]",
            "'quiz' needs a contract=\"quiz\" cell before it",
        ),
        ('check="quiz"', 'check="double"', "a second check cell for 'double'"),
        ('exercise="quiz"', 'exercise="double"', "a second exercise cell for 'double'"),
        (" level=2", "", "the exercise cell needs level=..."),
        (" level=2", " level=6", "level=6 is not from 1 to 5"),
        (" level=2", ' level="2"', "level='2' is of the wrong type"),
        ("    return added\n    ### END SOLUTION", "    return added", "has no '### END SOLUTION'"),
        ("    ### BEGIN SOLUTION\n", "", "expected '### BEGIN SOLUTION' here"),
        ('answer_1 = "a"', "print(1)", "holds only assignments"),
        ('answer_1 = "a"', "if True:\n    answer_1 = 3", "holds only assignments"),
        (
            "three = torch",
            "### BEGIN SOLUTION\n### END SOLUTION\nthree = torch",
            "only an exercise",
        ),
        ("three = torch", "%time three = torch", "not plain Python"),
        (
            'carry="shift STEP"',
            'carry="shift slide"',
            "no earlier lesson defines slide",
        ),
        ('carry="shift STEP"', 'carry="double"', "no earlier lesson defines double"),
        ('carry="shift STEP"', 'carry="shift shift"', "carry names each definition once"),
        ('lesson="01_toy"', 'lesson="02_toy"', "the file is 01_toy but says lesson='02_toy'"),
        ('# %% tags=["setup"]', "# %%", "a lesson has one setup cell, not 0"),
        ('check.lesson("01_toy")', 'check.lesson("00_first")', "the setup cell calls"),
        ('preset = "laptop"', 'perset = "laptop"', "the parameters cell says preset"),
        ("# %% [markdown] fold=", "# %% fold=", "this must be a markdown cell"),
        ("# %%\nthree", "# %% a name\nthree", "a marker reads # %% [markdown] key="),
        ("# Nobody", "# %%Nobody", "no other line begins with '# %%'"),
        ("minutes=5 level=2", "minutes=five level=2", "a marker reads"),
        (
            "minutes=5 level=2",
            "minutes=5 level=2 color=3",
            "unknown key 'color' in a exercise cell",
        ),
    ],
)
def test_bad_markup_is_named(course: Path, old: str, new: str, message: str) -> None:
    edit(course / SOURCE, old, new)
    with pytest.raises(LessonError) as raised:
        Course(course).lesson(toy.NAME)
    assert message in str(raised.value)
    assert "01_toy.py:" in str(raised.value)


def test_error_names_the_line_of_the_marker(course: Path) -> None:
    edit(course / SOURCE, 'check="double" tags', 'chekc="double" tags')
    lines = (course / SOURCE).read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "chekc" in text)
    with pytest.raises(LessonError, match=rf"01_toy\.py:{line}: "):
        Course(course).lesson(toy.NAME)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (SOURCE, '"double"', '"twice"', "no check is registered for exercise 'twice'"),
        (
            "lmcourse/checks/toy.py",
            '"quiz"',
            '"exam"',
            "no check is registered for exercise 'quiz'",
        ),
        (SOURCE, "def double", "def twice", "the check of 'double' asks for double"),
        (
            "lmcourse/checks/toy.py",
            '@exercise("01_toy", "quiz"',
            'exercise("01_toy", "more", points=1)(double)\n\n\n@exercise("01_toy", "quiz"',
            "the lesson's exercises are double, quiz, but lmcourse/checks registers double, more",
        ),
        ("lmcourse/checks/toy.py", '"01_toy", "double"', '"07_toy", "double"', "no check is"),
    ],
)
def test_lesson_and_checks_must_agree(
    course: Path, file: str, old: str, new: str, message: str
) -> None:
    text = (course / file).read_text("utf-8")
    (course / file).write_text(text.replace(old, new), "utf-8")
    with pytest.raises(LessonError, match=message):
        render_student(Course(course), toy.NAME, "")


def test_unknown_lesson_is_answered_with_those_that_are(course: Path) -> None:
    with pytest.raises(KeyError, match="there are: 00_first, 01_toy"):
        build(course, ["02_toy"])


@pytest.mark.parametrize("place", ["Look for a sign", "Nobody knows", "three = torch.tensor(3.0)"])
def test_a_line_of_a_solution_elsewhere_is_an_error(course: Path, place: str) -> None:
    edit(course / SOURCE, place, f"{place} # added = x + x  # a sum")
    with pytest.raises(LessonError, match="lines of a solution"):
        render_student(Course(course), toy.NAME, "")
    render_solved(Course(course), toy.NAME, "")


def test_no_lessons_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there are no lessons in"):
        Course(tmp_path)


# ------------------------------------------------------------------------------------ filling in


def test_fill_solves_the_students_notebook(course: Path, student: NotebookNode) -> None:
    lesson = Course(course).lesson(toy.NAME)
    before = nbformat.writes(student)
    filled = fill(student, lesson)
    assert "added = x + x" in cell(filled, "exercise-double").source
    assert cell(filled, "exercise-quiz").source.endswith('answer_1 = "a"\nanswer_2 = "none"')
    assert "SOLUTION" not in nbformat.writes(filled)
    assert nbformat.writes(student) == before


def test_fill_takes_other_code_and_leaves_exercises_out(
    course: Path, student: NotebookNode
) -> None:
    lesson = Course(course).lesson(toy.NAME)
    filled = fill(student, lesson, {"double": "double = abs", "quiz": None})
    assert cell(filled, "exercise-double").source == "double = abs"
    assert cell(filled, "exercise-quiz") == cell(student, "exercise-quiz")
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
            assert folder == "solutions" or one.outputs == []
