"""A course: its folder, its lessons, what they carry from each other, their checks and answers."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from grader.course.answers import Mistake, Right, read_answers
from grader.course.configuration import read_configuration
from grader.course.definitions import definitions
from grader.course.regions import without_markers
from grader.course.source import Lesson, SourceCell, read

if TYPE_CHECKING:
    from grader.checks.registry import Exercise


class ModuleMissing(ModuleNotFoundError):
    """A lesson imports what is not installed here; the message says what to type."""


@dataclass(frozen=True)
class Paths:
    """Where a lesson's files are; `checks` is a module, or the folder of one in parts."""

    source: Path
    answers: Path
    checks: Path
    student: Path
    solved: Path
    recording: Path


class Course:
    """The course in the folder `root`; each lesson is read once.

    `configuration` is what the folder says of itself, `names` are those of the lessons, in order.
    The package is imported from that folder, wherever else it may be installed.

    Raises
    ------
    NoCourse
        If the folder is none.
    ValueError
        If its configuration is wrong, or the package was imported from elsewhere before.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.configuration = read_configuration(self.root)
        self.package = self.configuration.package
        sources = (self.root / self.configuration.solutions).glob("[0-9][0-9]_*.py")
        self.names = sorted(path.stem for path in sources)
        self._lessons: dict[str, Lesson] = {}
        _import_from(self.root, self.package)

    @property
    def graded(self) -> list[str]:
        """The names under which there are grades: those of the lessons, and the project's."""
        return [*self.names, *filter(None, [self.configuration.project])]

    def paths(self, name: str) -> Paths:
        """Return where the files of lesson `name` are: "02_bigrams" has checks/bigrams.py."""
        solutions = self.root / self.configuration.solutions
        package = self.root / self.package
        module = package / "checks" / name.partition("_")[2]
        return Paths(
            source=solutions / f"{name}.py",
            answers=solutions / "mistakes" / f"{name}.md",
            checks=module if module.is_dir() else module.with_suffix(".py"),
            student=self.root / self.configuration.notebooks / f"{name}.ipynb",
            solved=solutions / f"{name}.ipynb",
            recording=package / "recordings" / f"{name}.json",
        )

    def name_of(self, text: str) -> str:
        """Return the lesson whose name or number `text` is: "2" and "02" mean "02_bigrams".

        Raises
        ------
        KeyError
            If there is no such lesson; the message lists those that there are.
        """
        if (found := fitting(text, self.names)) is None:
            raise self._unknown(text)
        return found

    def graded_as(self, text: str) -> str:
        """Return the name in `graded` that `text` means, as `name_of` does.

        Raises
        ------
        KeyError
            If there is none.
        """
        return text if text == self.configuration.project else self.name_of(text)

    def exercises(self, name: str) -> "dict[str, Exercise]":
        """Return the exercises of lesson `name`, in order, as its checks register them.

        One without a memory limit of its own has the lesson's, if that has one.

        Raises
        ------
        KeyError
            If there is no such lesson.
        LessonError
            If its source is not well formed.
        """
        from grader.checks.registry import exercises  # with torch

        known = exercises(self.package, name)
        memory = self.lesson(name).memory_mb if name in self.names else None
        if memory is None:
            return known
        return {
            each.name: replace(each, limits={"memory_mb": memory} | each.limits)
            for each in known.values()
        }

    def lesson(self, name: str) -> Lesson:
        """Return lesson `name`, its carried code and what shows its drawings filled in.

        Raises
        ------
        LessonError
            If the source is not well formed.
        KeyError
            If there is no such lesson.
        """
        if name not in self.names:
            raise self._unknown(name)
        if name not in self._lessons:
            lesson = read(self.paths(name).source)
            filled = {"carry": self._carried, "drawing": self._drawn}
            cells = tuple(
                replace(cell, text=filled[cell.role](lesson, cell)) if cell.role in filled else cell
                for cell in lesson.cells
            )
            self._lessons[name] = replace(lesson, cells=cells)
        return self._lessons[name]

    def imports(self) -> tuple[str, ...]:
        """Return the modules that its lessons want imported once, those that are installed here.

        Raises
        ------
        LessonError
            If a lesson's source is not well formed.
        """
        wanted = {module for name in self.names for module in self.lesson(name).imports}
        return tuple(module for module in sorted(wanted) if _installed(module))

    def require(self, name: str) -> None:
        """Return if all that lesson `name` wants imported is installed here.

        Raises
        ------
        LessonError
            If the lesson's source is not well formed.
        ModuleMissing
            If it is not.
        """
        for module in self.lesson(name).imports:
            if not _installed(module):
                package = module.partition(".")[0]
                raise ModuleMissing(
                    f"lesson {name} says imports={module!r}, and there is no {package} here. "
                    f"Install it: {sys.executable} -m pip install {package}"
                )

    def mistakes(self, name: str) -> list[Mistake]:
        """Return the known mistakes of lesson `name`.

        Raises as `grader.course.answers.read_answers` does.
        """
        return [answer for answer in self.answers(name) if isinstance(answer, Mistake)]

    def rights(self, name: str) -> list[Right]:
        """Return the unusual right solutions of lesson `name`.

        Raises as `grader.course.answers.read_answers` does.
        """
        return [answer for answer in self.answers(name) if isinstance(answer, Right)]

    def answers(self, name: str) -> list[Mistake | Right]:
        """Return the known answers of lesson `name`, in the order of their file.

        Raises as `grader.course.answers.read_answers` does.
        """
        cells = self.lesson(name).exercises()
        solutions = {exercise: without_markers(cell.text) for exercise, cell in cells.items()}
        return read_answers(self.paths(name).answers, solutions)

    def _unknown(self, name: str) -> KeyError:
        there_are = f"there are: {', '.join(self.names)}" if self.names else "there are none yet"
        return KeyError(f"there is no lesson {name!r}; {there_are}")

    def _drawn(self, lesson: Lesson, cell: SourceCell) -> str:
        package = self.root / self.package / "drawings"
        if not (package.is_dir() or package.with_suffix(".py").is_file()):
            module = package.with_suffix(".py").relative_to(self.root)
            raise lesson.error(cell.line, f"a drawing comes of {module}, which is not there")
        return f"from {self.package} import drawings\n\ndrawings.{cell.name}()"

    def _carried(self, lesson: Lesson, cell: SourceCell) -> str:
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


def fitting(text: str, names: Iterable[str]) -> str | None:
    """Return which of the lessons `names` is meant by its name or number, if one is."""
    text = text.strip()
    number = text.zfill(2) if text.isdecimal() else None
    found = [name for name in names if text == name or number == name.partition("_")[0]]
    return found[0] if len(found) == 1 else None


def registered(course: Course, name: str) -> "dict[str, Exercise]":
    """Return the exercises of lesson `name`, after a look whether lesson and checks agree.

    Raises
    ------
    LessonError
        If they do not agree on the names or their order, or the checks stand elsewhere.
    """
    from grader.checks.registry import home

    lesson = course.lesson(name)
    expected = course.paths(name).checks.relative_to(course.root)
    try:
        known = course.exercises(name)
    except KeyError:
        message = f'no check has @exercise("{name}", ...); write one in {expected}'
        raise lesson.error(1, message) from None
    if (module := home(known)) != ".".join(expected.with_suffix("").parts):
        message = f"the lesson's checks stand in {expected}, not in {module.replace('.', '/')}"
        raise lesson.error(1, message)
    cells = lesson.exercises()
    for exercise, cell in cells.items():
        if exercise not in known:
            raise lesson.error(cell.line, f"no check is registered for exercise {exercise!r}")
        defined = definitions(cell.text)
        if lost := [needed for needed in known[exercise].names if needed not in defined]:
            message = (
                f"the check of {exercise!r} asks for {', '.join(lost)}, which is not defined here"
            )
            raise lesson.error(cell.line, message)
    if list(known) != list(cells):
        message = (
            f"the lesson's exercises are {', '.join(cells)}, "
            f"but {expected} registers {', '.join(known)}"
        )
        raise lesson.error(1, message)
    return known


class _Finder(MetaPathFinder):
    """Finds a course's package in the course's folder, wherever else one of its name may be.

    It finds nothing else there: a clone of the grader's own repository has a grader too, which is
    not to be mixed with the one that runs.
    """

    def __init__(self, root: Path, package: str) -> None:
        self._root = root
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the package is, and None for all other modules."""
        if fullname != self.package:
            return None
        return PathFinder.find_spec(fullname, [str(self._root)], target)


def _import_from(root: Path, package: str) -> None:
    """Have `package` imported from the folder `root`."""
    others = [
        finder
        for finder in sys.meta_path
        if not (isinstance(finder, _Finder) and finder.package == package)
    ]
    sys.meta_path[:] = [_Finder(root, package), *others]
    importlib.invalidate_caches()
    loaded = sys.modules.get(package)
    if loaded is not None and loaded.__file__ is not None:
        home = Path(loaded.__file__).resolve().parents[1]
        if home != root:
            raise ValueError(f"{package} was imported from {home} before, and not from {root}")


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None
