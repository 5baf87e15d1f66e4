"""The rules that a lesson keeps, each told as what is wrong and what to do.

What a lesson says of itself is looked at (`problems_of_source`); its checks are tried with the
solution, with nothing, with known mistakes and with unusual right solutions (`Trial`); and its
notebook runs, filled in and untouched (`problem_of_notebook`). A rule that is kept has no problem,
which is "" where there can be only one. `grader try` says all of it, and so do the tests.
"""

import contextlib
import copy
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from nbformat import NotebookNode

from grader.author import deck
from grader.author.execute import answers, execute, reason, with_recording
from grader.author.render import colab_badge, fill, render_student
from grader.checks.recording import Entry, Recorder, Replay
from grader.checks.registry import Exercise
from grader.checks.run import FIXED_SHARE, PUBLIC_SEED, Outcome, run
from grader.checks.student import Host, Student
from grader.course.answers import Mistake, Right
from grader.course.lessons import Course, registered
from grader.course.regions import stub
from grader.course.source import Lesson, LessonError

MISTAKES, RIGHTS = 3, 2
"""So many answers of a kind has each exercise at least, and a quiz one mistake."""
QUIZ = "quiz"
COMPARED = 5
README = "README.md"
SEEDS = range(3)
"""With these, beside the public one, what is right must pass."""
FEW = SEEDS[:1]
"""With these, beside the public one, what is wrong must not: there are a thousand of them."""


class Rule(Enum):
    """What must hold, in the order in which it is looked at."""

    SOURCE = "the source is well formed"
    CHECKS = "the source and its checks agree"
    LEAK = "no line of a solution stands elsewhere in the notebook"
    SLIDES = "its slides, if it has any, are short and give nothing away"
    READABLE = "its known answers are well formed"
    ANSWERS = (
        f"each exercise has {MISTAKES} mistakes and {RIGHTS} right solutions, a quiz a mistake"
    )
    OUTPUTS = f"at least {COMPARED} outputs are compared"
    SUMMARY = "check.summary() is the last cell"
    ROW = f"{README}, if there is one, has its row"
    SOLUTION = "each solution passes, whatever the seed"
    STUB = "what is not started earns nothing"
    HEART = f"at most {FIXED_SHARE:.0%} of an exercise can be learnt by heart"
    MISTAKE = "each known mistake fails and draws its hint"
    RIGHT = "each unusual right solution passes, whatever the seed"
    FILLED_IN = "the notebook runs when it is filled in"
    UNTOUCHED = "the notebook runs untouched"


Broken = tuple[Rule, str]
"""A rule that is not kept, and what is wrong."""

# ------------------------------------------------------------------------- what the source says


def problems_of_source(course: Course, name: str) -> Iterator[Broken]:
    """Yield what is wrong with the source of lesson `name`, its known answers, and the README."""
    try:
        lesson = course.lesson(name)
    except LessonError as problem:
        yield Rule.SOURCE, str(problem)
        return
    try:
        registered(course, name)
    except LessonError as problem:
        yield Rule.CHECKS, str(problem)
    except (ImportError, SyntaxError, TypeError, ValueError, NameError) as problem:
        yield Rule.CHECKS, f"a check does not load: {type(problem).__name__}: {problem}"
    else:
        try:
            render_student(course, name)
        except LessonError as problem:
            yield Rule.LEAK, str(problem)
        else:
            if wrong := "\n".join(str(problem) for problem in deck.problems(course, name)):
                yield Rule.SLIDES, wrong
    try:
        known = course.answers(name)
    except LessonError as problem:
        yield Rule.READABLE, str(problem)
    except FileNotFoundError:
        file = course.paths(name).answers.relative_to(course.root)
        yield Rule.READABLE, f"{file} is missing; write there what the checks must tell apart"
    else:
        if short := problem_of_answers(lesson, known):
            yield Rule.ANSWERS, short
    for rule, look in (
        (Rule.OUTPUTS, problem_of_outputs),
        (Rule.SUMMARY, problem_of_summary),
        (Rule.ROW, problem_of_row),
    ):
        if found := look(course, name):
            yield rule, found


def problem_of_answers(lesson: Lesson, answers: Sequence[Mistake | Right]) -> str:
    """Return which exercises of `lesson` have too few of the known `answers`."""
    exercises = lesson.exercises()
    short = []
    for exercise in exercises:
        known = [type(answer) for answer in answers if answer.exercise == exercise]
        for kind, least, words in (
            (Mistake, 1 if exercise == QUIZ else MISTAKES, "mistakes"),
            (Right, 0 if exercise == QUIZ else RIGHTS, "right solutions"),
        ):
            if known.count(kind) < least:
                short.append(f"{exercise} has {known.count(kind)} {words}, and needs {least}")
    return "\n".join(short)


def problem_of_outputs(course: Course, name: str) -> str:
    """Return how many outputs of lesson `name` are compared when it runs again, if too few."""
    compared = sum("nbval-check-output" in cell.tags for cell in course.lesson(name).cells)
    if compared >= COMPARED:
        return ""
    return (
        f'{compared} are: add tags=["nbval-check-output"] to cells whose output is the same on '
        "every machine, such as a check's or rounded numbers"
    )


def problem_of_summary(course: Course, name: str) -> str:
    """Return what to do where lesson `name` does not end with the student's points."""
    code = [cell for cell in course.lesson(name).cells if cell.is_code]
    if code[-1].text.strip() == "check.summary()":
        return ""
    return f"end {course.paths(name).source.name} with a code cell that is check.summary()"


def problem_of_row(course: Course, name: str) -> str:
    """Return the row about lesson `name` that the README lacks; a course may have no README."""
    readme = course.root / README
    needed = (f"]({readme_target(course, name)})", readme_badge(course, name))
    if not readme.is_file() or all(part in readme.read_text("utf-8") for part in needed):
        return ""
    title = f"{name[:2]} {course.lesson(name).title}"
    return f"add it: | [{title}{needed[0]} | what you build in it | {needed[1]} |"


def readme_target(course: Course, name: str) -> str:
    """Return what the README's row links to: the notebook of lesson `name`."""
    return f"{course.configuration.notebooks}/{name}.ipynb"


def readme_badge(course: Course, name: str) -> str:
    """Return the badge of the README's row, which opens the notebook of lesson `name`."""
    return colab_badge(course.configuration, course.configuration.notebooks, name)


# ------------------------------------------------------------------ the checks, tried with answers


class Trial:
    """The checks of a lesson's exercises, to be tried with answers.

    Parameters
    ----------
    lesson : the lesson
    solved : the namespace of its solved notebook
    recordings : the recorded answers to each exercise's check
    fixed : by exercise, the cases whose right answer the seed does not change
    """

    def __init__(
        self,
        lesson: Lesson,
        solved: dict[str, Any],
        recordings: Mapping[str, list[Entry]],
        fixed: Mapping[str, Sequence[str]],
    ) -> None:
        self._lesson = lesson
        self._solved = solved
        self._recordings = recordings
        self._fixed = fixed
        self._references: dict[tuple[str, int], list[Entry]] = {}

    def problem_of_solution(self, exercise: Exercise) -> str:
        """Return what is wrong where the solution should be right."""
        return self._unfair(exercise, "")

    def problem_of_right(self, exercise: Exercise, right: Right) -> str:
        """Return what is wrong where an unusual right solution should be right."""
        return self._with(right.code)[1] or self._unfair(exercise, right.code)

    def problem_of_stub(self, exercise: Exercise) -> str:
        """Return what an exercise is worth that was not started, if anything."""
        cell = self._lesson.exercises()[exercise.name]
        namespace, problem = self._with(stub(cell.text, cell.name))
        if problem:
            return problem
        for outcome in (self.checked(exercise, namespace), self.graded(exercise, namespace, 1)):
            if outcome.status != "missing" or outcome.share:
                return (
                    f"it is {outcome.status}, with {outcome.share:.0%} of the points: each case "
                    "asks for what the student writes, within the case's function"
                )
        return ""

    def problem_of_mistake(self, exercise: Exercise, mistake: Mistake) -> str:
        """Return why a mistake passes, or draws another hint than it should."""
        _, problem = self._with(mistake.code)
        if problem:
            return problem
        outcome = self._drawn(exercise, mistake)
        graded = [
            self.graded(exercise, self._with(mistake.code)[0], seed, until_wrong=True)
            for seed in FEW
        ]
        caught = [each.first_failure for each in graded if each.share < 1]
        if outcome.status == "passed":
            if caught and caught[0]:
                return (
                    f"only the hidden case {caught[0].name!r} catches it: in the notebook it "
                    "passes and draws no hint. Ask in a public case for what that one asks"
                )
            return "it passes. Add a case that tells it from the solution"
        if outcome.status == "missing":
            return "it counts as not started. Let it return something, or raise another error"
        failure = outcome.first_failure
        said = failure.hint if failure else outcome.message
        if mistake.hint not in said:
            what = f"the first case that fails, {failure.name!r}, says" if failure else "it draws"
            return (
                f"{what} {said!r}, and not {mistake.hint!r}. Quote what it says if that helps a "
                "student who made this mistake; else put a case before it that shows this one"
            )
        if len(caught) < len(FEW):
            return (
                "it earns all points with some seeds. Draw inputs for which it is always wrong, "
                "or add a case"
            )
        return ""

    def _drawn(self, exercise: Exercise, mistake: Mistake) -> Outcome:
        """Return what `check` says of a mistake, no further than to the hint that it should draw.

        What comes after that takes half of the time. It changes the hint only where a call is
        forbidden, or where the one that gave nothing gives something yet.
        """
        if not exercise.forbidden:
            namespace, _ = self._with(mistake.code)
            outcome = self.checked(exercise, namespace, until_wrong=True)
            failure = outcome.first_failure
            if failure and mistake.hint in failure.hint and outcome.status != "missing":
                return outcome
        return self.checked(exercise, self._with(mistake.code)[0])

    def checked(
        self, exercise: Exercise, namespace: dict[str, Any], *, until_wrong: bool = False
    ) -> Outcome:
        """Return what `check` says in the notebook."""
        reference = Student(Replay(self._recordings[exercise.name]).send)
        return self._run(
            exercise, namespace, reference, seed=PUBLIC_SEED, hidden=False, until_wrong=until_wrong
        )

    def graded(
        self,
        exercise: Exercise,
        namespace: dict[str, Any],
        seed: int,
        *,
        until_wrong: bool = False,
    ) -> Outcome:
        """Return what grading finds with the inputs of a `seed`."""
        key = exercise.name, seed
        if key not in self._references:
            # Asked once: all answers are compared with the same.
            recorder = Recorder(Host(self._solved, exercise.probes).send)
            self._run(exercise, self._solved, Student(recorder.send), seed=seed, hidden=True)
            self._references[key] = recorder.entries
        reference = Student(Replay(self._references[key]).send)
        return self._run(
            exercise, namespace, reference, seed=seed, hidden=True, until_wrong=until_wrong
        )

    def _run(
        self, exercise: Exercise, namespace: dict[str, Any], reference: Student, **how: Any
    ) -> Outcome:
        student = Student(Host(namespace, exercise.probes).send)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return run(exercise, student, reference, fixed=self._fixed[exercise.name], **how)
        except RuntimeError as problem:
            why = f"{problem} (No question to the reference may depend on the student's answers.)"
            return Outcome("failed", 0.0, message=why)

    def _with(self, code: str) -> tuple[dict[str, Any], str]:
        """Return the solved namespace after `code` ran there too, and what is wrong with that.

        A probe may set a name in the namespace, and what `code` defines must see it: it is the
        same dictionary that its functions have as their globals, and so a new one for each run.
        """
        namespace = dict(self._solved)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, namespace)  # noqa: S102
        except Exception as error:
            return namespace, f"its code does not run: {type(error).__name__}: {error}"
        return namespace, ""

    def _unfair(self, exercise: Exercise, code: str) -> str:
        outcome = self.checked(exercise, self._with(code)[0])
        if outcome.status != "passed":
            return f"it fails in the notebook: {reason(outcome)}. {_FAIR}"
        for seed in SEEDS:
            outcome = self.graded(exercise, self._with(code)[0], seed)
            if outcome.status != "passed":
                return f"it fails when it is graded with seed {seed}: {reason(outcome)}. {_FAIR}"
        return ""


_FAIR = "Ask for nothing that the contract does not promise, within a tolerance that always holds"


def recorded(
    exercises: Mapping[str, Exercise], solved: dict[str, Any]
) -> tuple[dict[str, list[Entry]], dict[str, str]]:
    """Return the solved notebook's answers to each check, and why an exercise has none."""
    recordings, problems = {}, {}
    for name, exercise in exercises.items():
        try:
            recordings[name] = answers(exercise, solved)
        except ValueError as problem:
            problems[name] = str(problem)
    return recordings, problems


# ------------------------------------------------------------------------------------ the notebook


def problem_of_notebook(
    course: Course, name: str, recordings: Mapping[str, list[Entry]], *, filled_in: bool
) -> str:
    """Return why the student's notebook does not run as it should, filled in or untouched.

    It runs with the preset "smoke", in an empty folder, and with the `recordings`. Nothing in the
    course's folder changes.
    """
    lesson = course.lesson(name)
    nothing_fixed: dict[str, list[str]] = {exercise: [] for exercise in recordings}
    content = {"losses": {}, "fixed": nothing_fixed, "exercises": recordings}
    try:
        notebook = render_student(course, name)
        if filled_in:
            notebook = fill(notebook, lesson)
        with with_recording(course, name, json.dumps(content)) as root:
            executed = execute(_at_smoke(notebook), lesson, root, lambda _: None)
    except LessonError as problem:
        return str(problem)
    shown = _shown(executed)
    if filled_in:
        expected = [f"✓ {exercise}: right" for exercise in recordings] + ["All done."]
        unexpected = []
    else:
        expected = [f"○ {exercise}: not started" for exercise in recordings]
        unexpected = ["✓"]
    lost = [repr(words) for words in expected if words not in shown]
    lost += [f"no {words!r}" for words in unexpected if words in shown]
    return f"it should show {', '.join(lost)}" if lost else ""


def _at_smoke(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook that computes as little as it can."""
    quick = copy.deepcopy(notebook)
    for cell in quick.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source += '\npreset = "smoke"'
    return quick


def _shown(notebook: NotebookNode) -> str:
    """Return all that the cells show as plain text."""
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
