"""What several checks of this lesson share: words that are drawn, and many questions at once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from grader.checks.case import Rng
from grader.checks.paste import each_of, shown_as
from grader.checks.registry import probe

LESSON = "14_release_and_watch"

Asked = TypeVar("Asked")

SMALL = "abcdefghijklmnopqrstuvwxyz"


def word(rng: Rng, length: int = 7) -> str:
    return "".join(SMALL[place] for place in rng.integers(0, len(SMALL), length))


def plain(value: Any) -> Any:
    """Return `value` with its tuples as lists: either will do as an answer."""
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def mixed(rng: Rng, questions: Sequence[Asked]) -> list[Asked]:
    """Return the questions in an order that is drawn: who counts them does not know the answer."""
    return [questions[place] for place in rng.permutation(len(questions))]


def pairs(rows: Iterable[Sequence[float]]) -> list[tuple[float, ...]]:
    """Return a list of pairs as the contracts promise it: of tuples."""
    return [tuple(row) for row in rows]


@probe
@shown_as(each_of)
def answers(_: dict[str, Any], function: Callable[..., Any], asked: list[Any]) -> Any:
    """Return what `function` says of each list of arguments in `asked`, tuples as lists."""
    return [plain(function(*arguments)) for arguments in asked]


@probe
@shown_as(lambda function, arguments: f"{function}(*{arguments})")
def answer_and_left(_: dict[str, Any], function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Return what `function` says, and its arguments as it leaves them; None for None."""
    answer = plain(function(*arguments))
    return None if answer is None else [answer, arguments]
