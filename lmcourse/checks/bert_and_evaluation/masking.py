"""The checks of `mask_tokens`."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, described, holds
from lmcourse.checks.bert_and_evaluation.own_draws import (
    FIRST,
    MANY,
    MASK,
    PAD,
    START,
    masked,
    own_draws,
    share_of,
    words_alone,
)

LESSON = "08_bert_and_evaluation"


@probe
def reseeds(_: dict[str, Any], mask_tokens: Callable[..., Any]) -> str:
    """Say so if a call sets the seed of torch's generator."""
    before = torch.initial_seed()
    mask_tokens(torch.full((2, 8), FIRST), 20)
    return "" if torch.initial_seed() == before else "a call sets it"


@probe
def twice_from(
    _: dict[str, Any], mask_tokens: Callable[..., Any], seed: int, ids: torch.Tensor, V: int
) -> Any:
    """Return what two calls give, each right behind `torch.manual_seed(seed)`."""
    before, given = torch.get_rng_state(), []
    for _time in range(2):
        torch.manual_seed(seed)
        given.append(mask_tokens(ids, V))
    torch.set_rng_state(before)
    return None if given[0] is None else [list(pair) for pair in given]


@exercise(LESSON, "mask_tokens", points=3)
def mask_tokens(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(300, 900))
    small = integers(rng, V - FIRST, 3, 7) + FIRST

    def ask(ids: torch.Tensor, V: int, *share: float) -> Any:
        return student.probe(masked, student.mask_tokens, ids, V, *share)

    def parts(ids: torch.Tensor, V: int, *share: float) -> tuple[torch.Tensor, torch.Tensor]:
        given, chosen = ask(ids, V, *share)
        if chosen.dtype != torch.bool:
            raise ValueError("the second of the two is no bool tensor")
        return given, chosen

    yield case(
        "two tensors: which kinds",
        lambda: [described(part) for part in ask(small, V)],
        ["int64 tensor (3, 7)", "bool tensor (3, 7)"],
        hint="return given, chosen: ids of kind int64, and a bool tensor, both with the shape of "
        "ids. A comparison such as torch.rand(ids.shape) < share gives bools.",
        form=True,
    )
    sizes = [[int(rng.integers(20, 40))], [2, int(rng.integers(3, 9)), 5]]
    shaped = [integers(rng, V - FIRST, *size) + FIRST for size in sizes]
    yield case(
        "a single line, and two groups of lines: the shapes",
        lambda: [[list(part.shape) for part in ask(some, V)] for some in shaped],
        [[size, size] for size in sizes],
        hint="ids may have any shape. Ask for no B and T: ids.shape serves for all, as in "
        "torch.rand(ids.shape).",
        form=True,
    )
    yield arguments_stay(
        "ids afterwards: as they were",
        student,
        "mask_tokens",
        words_alone(rng, V, 200),
        V,
        hint="given[...] = MASK must not change the caller's tensor: begin with ids.clone().",
        points=0.5,
    )
    line = integers(rng, V - FIRST, 1, 800) + FIRST
    rows = line.repeat(50, 1)

    def alike() -> str:
        chosen = parts(rows, V, 0.5)[1]
        if len({str(row) for row in chosen.tolist()}) < 50:
            return "some rows are masked alike"
        counts = set(chosen.sum(dim=1).tolist())
        return f"each row has {counts.pop()} chosen" if len(counts) == 1 else ""

    # By chance: fewer than once in 10^50 tries.
    yield holds(
        "50 times the same line: whether its words are drawn apart",
        "each row is drawn apart",
        alike,
        hint="One draw for each position of each row: torch.rand(ids.shape). How many are chosen "
        "in a row is left to chance.",
        points=0.5,
    )
    ids = words_alone(rng, V)
    yield case(
        "the share of the words that are chosen",
        lambda: share_of(parts(ids, V)[1], ids >= 0),
        0.15,
        hint="Each word is chosen with probability share, 0.15 if nothing is said, by a draw of "
        "its own. Those that stay as they are and those that become another word are chosen "
        "too: the model has to say what stood there.",
        atol=0.01,
        rtol=0,
    )
    own = [float(low + rng.uniform(0, 0.1)) for low in rng.permutation([0.25, 0.45, 0.65])]
    yield case(
        "the share of the words that are chosen, for other shares",
        lambda: [share_of(parts(ids, V, share)[1], ids >= 0) for share in own],
        own,
        hint="share is the probability of each word to be chosen, whatever it is. Those that stay "
        "as they are and those that become another word are chosen too.",
        atol=0.016,
        rtol=0,
    )

    def fates() -> Iterator[Case]:
        V = int(rng.integers(300, 900))
        ids = words_alone(rng, V)
        share = float(rng.uniform(0.4, 0.6))
        yield case(
            "of the chosen: the shares of [mask], of the same word, and of another one",
            lambda: _fates(ids, *parts(ids, V, share)),
            [0.8, 0.1, 0.1],
            hint="Draw once more for each chosen word: below 0.8 it becomes MASK, from 0.8 to 0.9 "
            "it becomes a word drawn at random, and else it stays. The shares are of the chosen "
            "words, not of all.",
            atol=0.022,
            rtol=0,
            points=2,
        )

    yield from fates()
    yield holds(
        "positions that are not chosen",
        "stay as they were",
        lambda: _changed(ids, *parts(ids, V)),
        hint="Only the chosen positions change: chosen & (draw < 0.8), not draw < 0.8 alone.",
        points=0.5,
    )
    marks = integers(rng, V, 60, 120)
    marks[:, 0] = START
    marks[:, 90:] = PAD
    yield case(
        "[pad], [mask] and [start] in the ids: how many of them are chosen or changed",
        lambda: _touched(marks, *parts(marks, V, 0.5)),
        0,
        hint="Marks are no words: choose only where ids > START.",
    )
    half = float(rng.uniform(0.35, 0.65))
    yield case(
        "a line with marks: the share of its words that are chosen",
        lambda: share_of(parts(marks, V, half)[1], marks >= FIRST),
        half,
        hint="Each word is chosen with probability share, also where there are marks beside it.",
        atol=0.06,
        rtol=0,
    )

    few = int(rng.integers(20, 61))
    narrow = torch.full((50, MANY // 50), FIRST + int(rng.integers(few)))
    narrow[:, 0], narrow[:, -200:] = START, PAD

    def put_in() -> torch.Tensor:
        given, chosen = parts(narrow, FIRST + few, 0.9)
        return given[chosen & (given != narrow) & (given != MASK)]

    rest = sorted({*range(FIRST, FIRST + few)} - {int(narrow[0, 1])})
    yield case(
        "the same word everywhere: which others were put in at random",
        lambda: sorted(set(put_in().tolist())),
        rest,
        hint="torch.randint(START + 1, V, ids.shape) draws from all words, the first and the last "
        "too, whether they are in ids or not, and from no mark. Each position has a draw "
        "of its own.",
        points=1.5,
    )

    # Of each some 75 or more are put in: fewer than a third, or twice as many, once in 10^8 tries.
    def uneven() -> str:
        counts = torch.bincount(put_in(), minlength=FIRST + few)[torch.tensor(rest)]
        least, most, mean = int(counts.min()), int(counts.max()), float(counts.float().mean())
        even = least >= mean / 3 and most <= 2 * mean
        return "" if even else f"one was put in {least} times, another one {most} times"

    yield holds(
        "the same word everywhere: how often each other word was put in",
        "all alike",
        uneven,
        hint="All ids from START + 1 to V - 1 are equally likely, as torch.randint has it.",
        points=0.5,
    )
    again, seed = words_alone(rng, V, 4), int(rng.integers(10**6))
    yield holds(
        "two calls: whether they choose the same positions",
        "they differ",
        lambda: (
            "both choose the same" if torch.equal(parts(again, V)[1], parts(again, V)[1]) else ""
        ),
        hint="Every call draws anew. A seed inside the function makes all calls the same.",
        points=0.5,
    )
    yield holds(
        "the seed of torch's generator after a call",
        "as it was",
        lambda: student.probe(reseeds, student.mask_tokens),
        hint="Set no seed: who calls you has set one.",
        points=0.5,
    )
    yield holds(
        "two calls behind the same torch.manual_seed",
        "they give the same",
        lambda: _different(student.probe(twice_from, student.mask_tokens, seed, again, V)),
        hint="Draw with torch's generator, which torch.rand and torch.randint ask. Those of random "
        "and of numpy have seeds of their own.",
        points=0.5,
    )
    yield from own_draws(student, rng)
    for item in fates():
        yield case(
            "of the chosen, again",
            item.got,
            item.want,
            hint=item.hint,
            hidden=True,
            atol=item.atol,
            rtol=0,
        )


def _different(calls: list[list[torch.Tensor]]) -> str:
    same = all(torch.equal(one, other) for one, other in zip(*calls, strict=True))
    return "" if same else "they differ"


def _fates(ids: torch.Tensor, given: torch.Tensor, chosen: torch.Tensor) -> list[float]:
    return [
        share_of(given == MASK, chosen),
        share_of(given == ids, chosen),
        share_of((given != ids) & (given != MASK), chosen),
    ]


def _changed(ids: torch.Tensor, given: torch.Tensor, chosen: torch.Tensor) -> str:
    count = int(((given != ids) & ~chosen).sum())
    return f"{count} positions were changed that are not chosen" if count else ""


def _touched(ids: torch.Tensor, given: torch.Tensor, chosen: torch.Tensor) -> int:
    return int(((ids < FIRST) & (chosen | (given != ids))).sum())
