"""The lessons of a checkout: what they carry from each other, their checks, known mistakes."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader.course.answers import Mistake, Right, read_answers
from grader.course.places import checks_path, lesson_names, lessons
from grader.course.regions import without_markers
from grader.course.source import Cell, Lesson, definitions, read

if TYPE_CHECKING:
    from grader.checks.registry import Exercise


class Course:
    """The lessons below `root`, each read once.

    `names` are those of the lessons, in order.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = lesson_names(root)
        self._lessons: dict[str, Lesson] = {}
        if not self.names:
            raise FileNotFoundError(
                f"there are no lessons in {root / 'solutions'}; "
                "work in a clone of the repository, installed with: pip install -e '.[grader]'"
            )

    def lesson(self, name: str) -> Lesson:
        """Return lesson `name`, its carried code filled in.

        Raises
        ------
        LessonError
            If the source is not well formed.
        KeyError
            If there is no such lesson.
        """
        if name not in self.names:
            raise KeyError(f"there is no lesson {name!r}; there are: {', '.join(self.names)}")
        if name not in self._lessons:
            lesson = read(self.root / "solutions" / f"{name}.py")
            cells = tuple(
                replace(cell, text=self._carried(lesson, cell)) if cell.role == "carry" else cell
                for cell in lesson.cells
            )
            self._lessons[name] = replace(lesson, cells=cells)
        return self._lessons[name]

    def mistakes(self, name: str) -> list[Mistake]:
        """Return the known mistakes of lesson `name`.

        Raises as `grader.course.answers.read_answers` does.
        """
        return [answer for answer in self._answers(name) if isinstance(answer, Mistake)]

    def rights(self, name: str) -> list[Right]:
        """Return the unusual right solutions of lesson `name`.

        Raises as `grader.course.answers.read_answers` does.
        """
        return [answer for answer in self._answers(name) if isinstance(answer, Right)]

    def _answers(self, name: str) -> list[Mistake | Right]:
        cells = self.lesson(name).exercises()
        solutions = {exercise: without_markers(cell.text) for exercise, cell in cells.items()}
        return read_answers(self.root / "solutions" / "mistakes" / f"{name}.md", solutions)

    def _carried(self, lesson: Lesson, cell: Cell) -> str:
        missing = cell.name.split()
        if not missing or len(set(missing)) < len(missing):
            raise lesson.error(cell.line, "carry names each definition once, with spaces between")
        blocks: list[str] = []
        # From the latest lesson back: a name that was defined again means what it came to mean.
        for earlier in reversed(self.names[: self.names.index(lesson.name)]):
            known: dict[str, str] = {}
            for given in self.lesson(earlier).cells if missing else ():
                if given.role == "exercise" or (given.role == "code" and "demo" not in given.tags):
                    known |= definitions(without_markers(given.text))
            parts = dict.fromkeys(text for name, text in known.items() if name in missing)
            if parts:
                blocks.insert(0, "\n\n\n".join([f"# From lesson {earlier}", *parts]))
            missing = [name for name in missing if name not in known]
        if missing:
            names = ", ".join(missing)
            raise lesson.error(cell.line, f"no earlier lesson defines {names}")
        return "\n\n\n".join(blocks)


def lesson_named(text: str) -> str:
    """Return the lesson whose name or number `text` is: "2" and "02" mean "02_bigrams".

    Raises
    ------
    KeyError
        If there is no such lesson; the message lists those that there are.
    """
    if (found := fitting(text, lessons())) is None:
        raise KeyError(f"there is no lesson {text!r}; there are: {', '.join(lessons())}")
    return found


def fitting(text: str, names: Iterable[str]) -> str | None:
    """Return which of the lessons `names` is meant by its name or number, if one is."""
    text = text.strip()
    number = text.zfill(2) if text.isdecimal() else None
    found = [name for name in names if text == name or number == name.partition("_")[0]]
    return found[0] if len(found) == 1 else None


def registered(lesson: Lesson) -> "dict[str, Exercise]":
    """Return the exercises of `lesson` as its check module registers them.

    Raises
    ------
    LessonError
        If the lesson and its check module do not agree on the names or their order, or that module
        has another name than the lesson.
    """
    from grader.checks.registry import check_module, exercises

    home = checks_path(Path(), lesson.name)
    try:
        known = exercises(lesson.name)
    except KeyError:
        message = f'no check has @exercise("{lesson.name}", ...); write one in {home}'
        raise lesson.error(1, message) from None
    if (module := check_module(lesson.name).__name__.rpartition(".")[2]) != home.stem:
        message = f"the lesson's checks stand in {home}, not in {home.with_stem(module)}"
        raise lesson.error(1, message)
    cells = lesson.exercises()
    for name, cell in cells.items():
        if name not in known:
            raise lesson.error(cell.line, f"no check is registered for exercise {name!r}")
        defined = definitions(cell.text)
        if lost := [needed for needed in known[name].names if needed not in defined]:
            message = f"the check of {name!r} asks for {', '.join(lost)}, which is not defined here"
            raise lesson.error(cell.line, message)
    if list(known) != list(cells):
        message = (
            f"the lesson's exercises are {', '.join(cells)}, "
            f"but lmcourse/checks registers {', '.join(known)}"
        )
        raise lesson.error(1, message)
    return known
