"""Answers that a lesson's checks are tried with: known mistakes, and unusual right solutions.

They stand in `solutions/mistakes/NN_name.md`:

    ## normalise

    ### divides the columns
    > each row by its own sum

    ```diff
    -    return counts / counts.sum(dim=1, keepdim=True)
    +    return counts / counts.sum(dim=0)
    ```

    ### Right: row by row

    ```python
    def normalise(counts):
        return torch.stack([row / row.sum() for row in counts])
    ```

An answer is a difference from the solution of its exercise, or code of its own that runs after the
whole solved lesson, and so need define no more than what is other. A mistake quotes a part of the
hint that must reach the student.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from grader.course.source import LessonError, require_python

if TYPE_CHECKING:
    from markdown_it.token import Token

RIGHT = "Right: "
NEXT_PLACE = "@@"
"""The line between two places of one difference."""


@dataclass(frozen=True)
class Mistake:
    """A wrong solution of `exercise` that students really write.

    `code` replaces what the exercise's cell defines; `hint` is a part of the hint that must reach
    the student.
    """

    exercise: str
    name: str
    hint: str
    code: str


@dataclass(frozen=True)
class Right:
    """An unusual right solution of `exercise`, which must earn all its points.

    `code` replaces what the exercise's cell defines.
    """

    exercise: str
    name: str
    code: str


def read_answers(path: Path, solutions: Mapping[str, str]) -> list[Mistake | Right]:
    """Return the answers in a file, in its order.

    `solutions` holds the solved code of each exercise of the lesson.

    Raises
    ------
    LessonError
        If one is not well formed, belongs to no exercise, or is a difference from a solution that
        is no longer like that.
    FileNotFoundError
        If there is no such file.
    """
    exercise = ""
    found: list[Mistake | Right] = []
    for block in _blocks(path):
        if block.level == 2:
            exercise = block.title
            if exercise not in solutions:
                message = f"there is no exercise {exercise!r}; there are: {', '.join(solutions)}"
                raise LessonError(path, block.line, message)
        elif block.level == 3:
            found.append(_answer(path, block, exercise, solutions))
    return found


def changed(solution: str, difference: str) -> str:
    """Return `solution` with a difference made to it, whose lines begin with "-", "+" or " ".

    Raises
    ------
    ValueError
        If a place of the difference is not once in the solution, after the one before it.
    """
    lines, done = solution.splitlines(), 0
    for place in difference.split(f"\n{NEXT_PLACE}\n"):
        if odd := [line for line in place.splitlines() if line[:1] not in ("", "-", "+", " ")]:
            raise ValueError(f"a line of a difference begins with -, + or a space: {odd[0]!r}")
        old = [line[1:] for line in place.splitlines() if line[:1] != "+"]
        new = [line[1:] for line in place.splitlines() if line[:1] != "-"]
        starts = [
            start
            for start in range(done, len(lines) - len(old) + 1)
            if lines[start : start + len(old)] == old
        ]
        if len(starts) != 1 or not old:
            text = "\n".join(old) or "(nothing)"
            raise ValueError(
                f"the solution has this {len(starts)} times from line {done + 1} on, not once:\n"
                + text
            )
        lines[starts[0] : starts[0] + len(old)] = new
        done = starts[0] + len(new)
    return "\n".join(lines)


@dataclass
class _Block:
    """A heading and what stands below it, up to the next one."""

    level: int
    title: str
    line: int
    quotes: list[str]
    fences: "list[Token]"


def _blocks(path: Path) -> Iterator[_Block]:
    from markdown_it import MarkdownIt  # so that `grader doctor` can say that it is missing

    block: _Block | None = None
    tokens = MarkdownIt().parse(path.read_text("utf-8"))
    for opening, token in pairwise(tokens):
        if opening.type == "heading_open":
            if block:
                yield block
            assert opening.map
            block = _Block(int(opening.tag[1]), token.content, opening.map[0] + 1, [], [])
        elif block and token.type == "fence":
            block.fences.append(token)
        elif block and opening.type == "paragraph_open" and token.level == 2:  # within a quote
            block.quotes.append(token.content)
    if block:
        yield block


def _answer(
    path: Path, block: _Block, exercise: str, solutions: Mapping[str, str]
) -> Mistake | Right:
    is_right = block.title.startswith(RIGHT)
    kinds = [fence.info for fence in block.fences]
    if not exercise or kinds not in (["diff"], ["python"]) or len(block.quotes) != (not is_right):
        message = (
            "an answer stands below its exercise (## name). A mistake is a heading (### what is "
            "wrong), a quoted hint (> ...) and one block of ```diff or ```python; a right one "
            f"(### {RIGHT}what is unusual) has no hint"
        )
        raise LessonError(path, block.line, message)
    (fence,) = block.fences
    code = fence.content.rstrip("\n")
    if fence.info == "diff":
        try:
            code = changed(solutions[exercise], code)
        except ValueError as problem:
            raise LessonError(path, block.line, f"{block.title}: {problem}") from None
    require_python(path, block.line, code)
    if is_right:
        return Right(exercise, block.title.removeprefix(RIGHT), code)
    return Mistake(exercise, block.title, block.quotes[0].replace("\n", " "), code)
