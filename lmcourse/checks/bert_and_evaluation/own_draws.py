"""The checks of `mask_tokens` that ask whether each word has draws of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds

PAD, MASK, START = 0, 1, 2
FIRST = 3
"""The first id that is a word's."""

# Bounds on shares are six standard errors or more: one right solution in 10^8 is outside.
MANY = 60_000
CALLS = 200
"""So many calls show what is the same in each of them."""


@probe
def masked(
    _: dict[str, Any], mask_tokens: Callable[..., Any], ids: torch.Tensor, V: int, *share: float
) -> Any:
    """Return what `mask_tokens` gives, as a list."""
    given = mask_tokens(ids, V, *share)
    return None if given is None else list(given)


@probe
def many_calls(
    _: dict[str, Any], mask_tokens: Callable[..., Any], ids: torch.Tensor, V: int, share: float
) -> Any:
    """Return what `CALLS` calls give: two tensors (CALLS, *ids.shape)."""
    given = [mask_tokens(ids, V, share) for _ in range(CALLS)]
    if any(pair is None for pair in given):
        return None
    return [torch.stack(list(part)) for part in zip(*given, strict=True)]


def words_alone(rng: Rng, V: int, rows: int = 50) -> torch.Tensor:
    """Return ids (rows, MANY / rows) of words alone."""
    return integers(rng, V - FIRST, rows, MANY // rows) + FIRST


def share_of(some: torch.Tensor, of: torch.Tensor) -> float:
    """Return the share of `some` among the positions of `of`; -1 where there are none."""
    return float(some[of].float().mean()) if bool(of.any()) else -1.0


def own_draws(student: Student, rng: Rng) -> Iterator[Case]:
    """Yield the cases that each word has draws of its own: for being chosen, its fate, its word."""
    V = int(rng.integers(300, 900))
    ids = words_alone(rng, V, 60)[:, :400]  # 24,000
    share = float(rng.uniform(0.3, 0.7))

    def ask(share: float) -> list[torch.Tensor]:
        given: list[torch.Tensor] = student.probe(masked, student.mask_tokens, ids, V, share)
        return given

    yield case(
        "of the words to the right of a chosen one, and below it: the share that is chosen",
        lambda: [share_of(after, before) for before, after in _neighbours(ask(share)[1])],
        [share, share],
        hint="Whether a word is chosen depends on no other word: a draw for each position.",
        atol=0.05,
        rtol=0,
    )

    def fates_agree() -> list[float]:
        given, chosen = ask(0.9)
        pairs = zip(_neighbours(chosen), _neighbours(given == MASK), strict=True)
        return [share_of(one == other, a & b) for (a, b), (one, other) in pairs]

    yield case(
        "of the chosen neighbours, in a line and below each other: both [mask], or neither",
        fates_agree,
        [0.68, 0.68],  # 0.8 * 0.8 + 0.2 * 0.2
        hint="What becomes of a chosen word depends on no other word: fate = "
        "torch.rand(ids.shape), and not one draw for a whole line or column.",
        atol=0.05,
        rtol=0,
    )

    # Of some 190 pairs, fewer than one in 300 by chance: so many once in 10^20 tries.
    def same_words() -> str:
        given, chosen = ask(0.9)
        words = torch.where(chosen & (given != ids) & (given != MASK), given, PAD)
        for one, other in _neighbours(words):
            both = (one != PAD) & (other != PAD)
            if int((one == other)[both].sum()) > 0.2 * int(both.sum()):
                return "many neighbours became the same word"
        return ""

    yield holds(
        "neighbours that both became another word",
        "become different ones",
        same_words,
        hint="The words at random are drawn for each position too: torch.randint(START + 1, V, "
        "ids.shape).",
        points=0.5,
    )

    short = words_alone(rng, V, 3)[:, :20]
    often = float(rng.uniform(0.35, 0.65))

    def called(ids: torch.Tensor, share: float) -> list[torch.Tensor]:
        given: list[torch.Tensor] = student.probe(many_calls, student.mask_tokens, ids, V, share)
        return given

    # The spread's square is 1, give or take 0.1: below 0.4 or above 2 once in 10^12 tries.
    def counts_spread() -> str:
        chosen = called(short, often)[1].flatten(1).sum(dim=1)
        return _odd(chosen, torch.full(chosen.shape, short.numel()), often, "chosen")

    yield holds(
        f"{CALLS} calls with the same ids: how many are chosen in each",
        "left to chance",
        counts_spread,
        hint="Each word has a draw of its own. How many are chosen in all comes by chance, and is "
        "not worked out first.",
        points=0.5,
    )

    def masks_spread() -> str:
        given, chosen = called(short, often)
        masks = ((given == MASK) & chosen).flatten(1).sum(dim=1)
        return _odd(masks, chosen.flatten(1).sum(dim=1), 0.8, "masked")

    yield holds(
        f"{CALLS} calls with the same ids: how many of the chosen become [mask]",
        "left to chance",
        masks_spread,
        hint="Each chosen word has a draw of its own, and becomes MASK with probability 0.8. How "
        "many do so comes by chance.",
        points=0.5,
    )
    nothing, words = float(rng.uniform(0.35, 0.65)), int(rng.integers(2, 7))
    line = words_alone(rng, V, 1)[:, :words]
    yield case(
        f"{CALLS} calls with a line of a few words: the share of those in which none is chosen",
        lambda: (
            float((~called(line, 1 - nothing ** (1 / words))[1]).flatten(1).all(1).sum()) / CALLS
        ),
        nothing,
        hint="In a short line it may well be that nothing is chosen: leave it so.",
        atol=0.2,  # more once in 10^6 tries (Hoeffding, 1963)
        rtol=0,
        points=0.5,
    )


def _neighbours(grid: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the positions of `grid` (R, C) and those to their right; and those below."""
    return [(grid[:, :-1], grid[:, 1:]), (grid[:-1], grid[1:])]


def _odd(counts: torch.Tensor, of: torch.Tensor, share: float, what: str) -> str:
    """Say so unless `counts` are spread as if each of `of` had been drawn by itself."""
    spread = ((counts - share * of) ** 2 / (share * (1 - share) * of.clamp(min=1))).mean()
    if 0.4 <= float(spread) <= 2:
        return ""
    much = "more" if spread > 1 else "less"
    return f"how many are {what} varies {much} than by draws of their own"
