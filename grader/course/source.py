"""A lesson's source, `solutions/NN_name.py`, as plain data.

The source is a percent script, as Jupytext and most editors read it. Each cell's marker line says
what the cell is:

    # %% [markdown] lesson="02_bigrams" title="Counting pairs" minutes=90 laptop_minutes=1 ...
    # %% tags=["setup"]                               imports
    # %% tags=["parameters"]                          preset = "laptop"
    # %% carry="encode decode"                        code of earlier lessons, filled in by build
    # %% [markdown] contract="count_bigrams"          what an exercise asks for
    # %% exercise="count_bigrams" minutes=5 level=2   the solved exercise
    # %% check="count_bigrams"                        check("count_bigrams")
    # %% [markdown] fold="Hint 1: which axis?"        folded text
    # %% tags=["demo"]                                skipped when grading
    # %% [markdown] slide="The causal mask"           a slide of the lesson's deck

A slide stands in no notebook: `Lesson.slides` has it, and `Lesson.cells` does not. Cells without a
key are prose or code as they stand. The first marker may also say what grading the lesson takes:
`imports="scipy.stats networkx"`, modules that the sandbox imports once for all students, and
`memory_mb=3000` where the default of `grader grade` is too little; and with `extras="ops"` which
extras of the course's package its setup cell installs.
"""

import ast
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from grader.course.definitions import definitions
from grader.course.regions import BEGIN, END, RegionError, stub

TAGS = ("setup", "parameters", "demo", "nbval-check-output")
MAX_LEVEL = 5

_MARKER = re.compile(r"# %%(?P<markdown> \[markdown\])?(?P<keys>(?: \w+=.*)?) *")
_LIKE_A_MARKER = re.compile(r"#\s*%%")
_NUMBER = (int, float)


@dataclass(frozen=True)
class _Role:
    """What a marker's key makes of its cell: a kind of cell, and the other keys with their types.

    All `keys` are required, and none that `may_have` holds.
    """

    name: str
    kind: str
    keys: dict[str, Any] = field(default_factory=dict)
    may_have: dict[str, Any] = field(default_factory=dict)


_ROLES = {
    "lesson": _Role(
        "header",
        "markdown",
        {"title": str, "minutes": _NUMBER, "laptop_minutes": _NUMBER, "gpu_minutes": _NUMBER},
        may_have={"imports": str, "memory_mb": int, "extras": str},
    ),
    "contract": _Role("contract", "markdown"),
    "fold": _Role("fold", "markdown"),
    "carry": _Role("carry", "code"),
    "exercise": _Role("exercise", "code", {"minutes": _NUMBER, "level": int}),
    "check": _Role("check", "code", may_have={"tags": list}),
    "slide": _Role("slide", "markdown", may_have={"picture": str}),
}
_PLAIN = {
    "markdown": _Role("prose", "markdown"),
    "code": _Role("code", "code", may_have={"tags": list}),
}


class LessonError(ValueError):
    """A lesson's source, or what it builds, is wrong; the message says where and what to change."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        super().__init__(f"{shown}:{line}: {message}")


@dataclass(frozen=True)
class SourceCell:
    """One cell of a lesson.

    `role` is header, contract, fold, slide or prose (Markdown), or setup, parameters, carry,
    exercise, check or code (Python). `name` is the exercise, a fold's summary, a slide's title, or
    the names to carry. `line` is that of the marker, from 1. `picture` says where a slide's picture
    is: "above", or nowhere.
    """

    role: str
    name: str
    text: str
    line: int
    tags: tuple[str, ...] = ()
    minutes: float = 0
    level: int = 0
    picture: str = ""

    @property
    def is_code(self) -> bool:
        """Whether this is Python rather than Markdown."""
        return self.role not in ("header", "contract", "fold", "prose", "slide")


@dataclass(frozen=True)
class Lesson:
    """A lesson; its times are in minutes.

    `imports` are modules that the sandbox imports once for all students, `memory_mb` is what an
    exercise without a limit of its own may use, in MiB, or None for the default. `extras` of the
    course's package are installed with it where it is missing. `slides` stand in no notebook.
    """

    name: str
    path: Path
    title: str
    minutes: float
    laptop_minutes: float
    gpu_minutes: float
    cells: tuple[SourceCell, ...]
    imports: tuple[str, ...] = ()
    memory_mb: int | None = None
    extras: tuple[str, ...] = ()
    slides: tuple[SourceCell, ...] = ()

    def exercises(self) -> dict[str, SourceCell]:
        """Return the exercise cells by name, in order."""
        return {cell.name: cell for cell in self.cells if cell.role == "exercise"}

    def error(self, line: int, message: str) -> LessonError:
        """Return an error that points to `line` of the source."""
        return LessonError(self.path, line, message)


def read(path: Path) -> Lesson:
    """Return the lesson at `path`; its carry cells are still empty.

    Raises
    ------
    LessonError
        If it is not well formed.
    """
    parts = split(path)
    if not parts or "lesson" not in parts[0][2]:
        raise LessonError(path, 1, 'the first cell begins # %% [markdown] lesson="..." title="..."')
    cells = tuple(_cell(path, *part) for part in parts)
    header = parts[0][2]
    if header["lesson"] != path.stem:
        raise LessonError(path, 1, f"the file is {path.stem} but says lesson={header['lesson']!r}")
    lesson = Lesson(
        path.stem,
        path,
        header["title"],
        header["minutes"],
        header["laptop_minutes"],
        header["gpu_minutes"],
        tuple(cell for cell in cells if cell.role != "slide"),
        tuple(header.get("imports", "").split()),
        header.get("memory_mb"),
        tuple(header.get("extras", "").split()),
        tuple(cell for cell in cells if cell.role == "slide"),
    )
    _require_gradable(lesson)
    _require_once(lesson)
    _require_exercises_whole(lesson)
    return lesson


def split(path: Path) -> list[tuple[int, str, dict[str, Any], str]]:
    """Return each cell's line, kind ("code" or "markdown"), keys and text.

    Raises
    ------
    LessonError
        If the file is not a percent script.
    """
    # Jupytext reads the same; importing it takes longer than all that most commands do.
    lines = path.read_text("utf-8").splitlines()
    starts = [position for position, line in enumerate(lines) if _LIKE_A_MARKER.match(line)]
    if any(line.strip() for line in lines[: starts[0] if starts else None]):
        raise LessonError(path, 1, "the file begins with a cell marker")
    cells = []
    for start, end in pairwise([*starts, len(lines)]):
        marker = _MARKER.fullmatch(lines[start])
        keys = _keys(marker["keys"]) if marker else None
        if marker is None or keys is None:
            message = (
                'a marker reads # %% [markdown] key="text" other=1, or a part of that; '
                "no other line begins with '# %%'"
            )
            raise LessonError(path, start + 1, message)
        text = "\n".join(lines[start + 1 : end])
        kind = "markdown" if marker["markdown"] else "code"
        if kind == "markdown":
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        cells.append((start + 1, kind, keys, text.strip("\n")))
    return cells


def _keys(text: str) -> dict[str, Any] | None:
    """Read `a="x" b=1` as a dictionary; None if that is not what it says."""
    try:
        # A comma between what is said, but none within quotes.
        between = re.compile(r'("(?:[^"\\]|\\.)*")|(?<=\S) (?=\w+=)')
        said = between.sub(lambda match: match[1] or ", ", text.strip())
        call = ast.parse(f"dict({said})", mode="eval").body
        assert isinstance(call, ast.Call)
        if call.args or any(keyword.arg is None for keyword in call.keywords):
            return None
        return {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError):
        return None


def require_python(path: Path, line: int, code: str) -> None:
    """Return if `code`, which stands below `line`, is plain Python.

    Raises
    ------
    LessonError
        If it is not.
    """
    try:
        ast.parse(code)
    except SyntaxError as error:
        message = f"this is not plain Python (IPython's % and ! do not work here): {error.msg}"
        raise LessonError(path, line + (error.lineno or 1), message) from None


def _cell(path: Path, line: int, kind: str, metadata: dict[str, Any], text: str) -> SourceCell:
    keys = [key for key in metadata if key in _ROLES]
    if len(keys) > 1:
        raise LessonError(path, line, f"a cell has one role, not {' and '.join(keys)}")
    key = keys[0] if keys else ""
    role = _ROLES[key] if key else _PLAIN.get(kind)
    if role is None or role.kind != kind:
        wanted = role.kind if role else "code or markdown"
        raise LessonError(path, line, f"this must be a {wanted} cell, not {kind}")
    _require_keys(path, line, role, metadata, key)
    tags = tuple(metadata.get("tags", ()))
    cell = SourceCell(
        role=next((tag for tag in tags if tag in ("setup", "parameters")), role.name),
        name=metadata.get(key, ""),
        text=text,
        line=line,
        tags=tags,
        minutes=metadata.get("minutes", 0),
        level=metadata.get("level", 0),
        picture=metadata.get("picture", ""),
    )
    if cell.is_code:
        require_python(path, line, text)
    if cell.role == "carry" and text.strip():
        raise LessonError(path, line, "a carry cell is empty: build fills it")
    if cell.picture not in ("", "above"):
        raise LessonError(path, line, f'picture={cell.picture!r}; a slide has picture="above"')
    if cell.role == "exercise" and not 1 <= cell.level <= MAX_LEVEL:
        raise LessonError(path, line, f"level={cell.level} is not from 1 to {MAX_LEVEL}")
    try:
        if cell.role == "exercise":
            stub(text, cell.name)
        elif BEGIN in text or END in text:
            raise RegionError(1, "only an exercise cell holds a solution")
    except RegionError as error:
        raise LessonError(path, line + error.line, str(error)) from None
    return cell


def _require_keys(
    path: Path, line: int, role: _Role, metadata: dict[str, Any], role_key: str
) -> None:
    required = ({role_key: str} if role_key else {}) | role.keys
    types = required | role.may_have
    for key, value in metadata.items():
        if key not in types:
            allowed = ", ".join(types) or "none"
            message = f"unknown key {key!r} in a {role.name} cell, which may have: {allowed}"
            raise LessonError(path, line, message)
        if not isinstance(value, types[key]):
            raise LessonError(path, line, f"{key}={value!r} is of the wrong type")
    for key in required:
        if key not in metadata:
            raise LessonError(path, line, f"the {role.name} cell needs {key}=...")
    for tag in metadata.get("tags", ()):
        if tag not in TAGS:
            raise LessonError(path, line, f"unknown tag {tag!r}; there are: {', '.join(TAGS)}")


def _require_gradable(lesson: Lesson) -> None:
    for module in lesson.imports:
        if not all(part.isidentifier() for part in module.split(".")):
            message = f'imports names modules with spaces between, not {module!r}: imports="a b.c"'
            raise lesson.error(1, message)
    for extra in lesson.extras:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", extra):
            message = f'extras names extras with spaces between, not {extra!r}: extras="a b"'
            raise lesson.error(1, message)
    if lesson.memory_mb is not None and not lesson.memory_mb > 0:
        raise lesson.error(1, f"memory_mb={lesson.memory_mb} must be above 0, in MiB")


def _require_once(lesson: Lesson) -> None:
    """Each special cell is there once and does its part; no exercise has two of a kind of cell."""
    for role in ("header", "setup", "parameters"):
        found = [cell for cell in lesson.cells if cell.role == role]
        if len(found) != 1:
            line = found[1].line if found else 1
            raise lesson.error(line, f"a lesson has one {role} cell, not {len(found)}")
        if role == "setup" and f'check.lesson("{lesson.name}")' not in found[0].text:
            raise lesson.error(found[0].line, f'the setup cell calls check.lesson("{lesson.name}")')
        if role == "parameters" and "preset" not in definitions(found[0].text):
            raise lesson.error(found[0].line, 'the parameters cell says preset = "laptop"')
    seen: set[tuple[str, str]] = set()
    for cell in lesson.cells:
        if cell.role not in ("exercise", "contract", "check"):
            continue
        if (cell.role, cell.name) in seen:
            raise lesson.error(cell.line, f"a second {cell.role} cell for {cell.name!r}")
        if not cell.name.isidentifier():
            raise lesson.error(cell.line, f"{cell.name!r} is not a Python name")
        if cell.role == "check" and cell.text.strip() != f'check("{cell.name}")':
            raise lesson.error(cell.line, f'the cell holds only check("{cell.name}")')
        seen.add((cell.role, cell.name))


def _require_exercises_whole(lesson: Lesson) -> None:
    lines = {(cell.role, cell.name): cell.line for cell in lesson.cells}
    for (role, name), line in lines.items():
        if role in ("contract", "check") and ("exercise", name) not in lines:
            raise lesson.error(line, f"a {role} cell for {name!r}, which is no exercise here")
    for name, cell in lesson.exercises().items():
        if lines.get(("contract", name), cell.line) >= cell.line:
            message = f'exercise {name!r} needs a contract="{name}" cell before it'
            raise lesson.error(cell.line, message)
        if lines.get(("check", name), cell.line) <= cell.line:
            message = f'exercise {name!r} needs a check="{name}" cell after it'
            raise lesson.error(cell.line, message)
