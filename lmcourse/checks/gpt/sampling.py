"""The checks of drawing the next character."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import kind_of, public_and_hidden


@probe
def drawn(
    _: dict[str, Any],
    sample: Callable[..., int],
    logits: torch.Tensor,
    times: int,
    choice: dict[str, float],
) -> torch.Tensor | None:
    """Return how often each place came in `times` draws: (V,) shares that sum to one.

    None if nothing came.
    """
    places = [sample(logits.clone(), **choice) for _ in range(times)]
    if all(place is None for place in places):
        return None
    return torch.bincount(torch.tensor(places), minlength=len(logits)) / times


@probe
def drawn_again(
    _: dict[str, Any], sample: Callable[..., int], logits: torch.Tensor, seed: int
) -> list[list[int]]:
    """Return 40 draws, and 40 more after the same `torch.manual_seed`."""
    runs = []
    with torch.random.fork_rng(devices=[]):
        for _run in range(2):
            torch.default_generator.manual_seed(seed)
            runs.append([int(sample(logits.clone())) for _ in range(40)])
    return runs


@probe
def logits_afterwards(
    _: dict[str, Any],
    sample: Callable[..., int],
    logits: torch.Tensor,
    choices: list[dict[str, float]],
) -> list[torch.Tensor] | None:
    """Return what is left of `logits` after a draw, for each choice; None if none gave a place."""
    left = [logits.clone() for _ in choices]
    places = [sample(own, **choice) for own, choice in zip(left, choices, strict=True)]
    return None if all(place is None for place in places) else left


@exercise("07_gpt", "sample_token", points=3)
def sample_token(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def shares(logits: torch.Tensor, times: int, **choice: float) -> torch.Tensor:
        came: torch.Tensor = student.probe(drawn, student.sample_token, logits, times, choice)
        return came

    def odd(probs: list[float], want: list[float], times: int, **choice: float) -> list[str]:
        return _odd_shares(shares(_logits(probs), times, **choice), want, times)

    def kept(logits: torch.Tensor, times: int, **choice: float) -> list[int]:
        # What may come is missing in all draws less than once in 10^9 tries: in 80 draws if its
        # probability is above 0.23, and in 40 if nothing else may come.
        return shares(logits, times, **choice).nonzero().flatten().tolist()

    def mixed(probs: list[float], *more: list[float]) -> list[list[float]]:
        """Return the lists in one new order, with the first number at another place than 0."""
        order = np.insert(rng.permutation(len(probs) - 1) + 1, int(rng.integers(1, len(probs))), 0)
        return [[row[i] for i in order] for row in (probs, *more)]

    yield case(
        "only one character to choose from",
        lambda: student.sample_token(torch.tensor([0.3])),
        0,
        hint="The result is a plain int, a place from 0 to V - 1: .item() makes one of a tensor.",
    )
    yield case(
        "the kind of what comes back",
        lambda: student.probe(kind_of, student.sample_token, normal(rng, 4)),
        "int",
        hint="The result is a plain int: .item() makes one of a tensor.",
        form=True,
    )
    (certain,) = mixed([1.0, *[1e-20] * 8])
    yield case(
        "which places come in 20 draws, where one has nearly all the probability",
        lambda: kept(_logits(certain), 20),
        [certain.index(1.0)],
        hint="logits become probabilities by softmax, once. What has no probability never comes: "
        "add nothing to the probabilities. (If you sort, place j of the sorted ones is not place j "
        "of the logits: look it up.)",
    )
    alike = sorted(rng.choice(30, 4, replace=False).tolist())
    four = _logits([0.25 if place in alike else 1e-20 for place in range(30)])
    yield case(
        "which places come in 80 draws, where four are equally likely",
        lambda: kept(four, 80),
        alike,
        hint="Let chance choose, anew in each call: torch.multinomial draws from probabilities. "
        "No argmax, which always takes the same one, and no seed inside.",
    )
    (sure,) = mixed([0.9, *[0.01] * 10])
    yield case(
        "400 draws, one of 90 and ten of 1 per cent: what comes far too often or too rarely",
        lambda: odd(sure, sure, 400),
        [],
        hint="Each place must come as often as its probability says, the rare ones too: logits "
        "become probabilities by softmax. Leave nothing out, and round nothing.",
    )
    seed = int(rng.integers(10_000))
    yield case(
        "whether the same draws come again after the same torch.manual_seed",
        lambda: len({*map(tuple, student.probe(drawn_again, student.sample_token, four, seed))}),
        1,
        hint="Draw with torch's own generator (torch.multinomial, torch.rand), so that "
        "torch.manual_seed makes the text come again. Python's random and numpy have others.",
    )
    huge = torch.tensor(mixed([200.0, 199.0, *[0.0] * 7])[0])
    yield case(
        "which places come in 80 draws, where two logits are 200 and 199, the others 0",
        lambda: kept(huge, 80),
        sorted(huge.topk(2).indices.tolist()),
        hint="exp of a large number is infinite: torch.softmax takes the largest logit away first.",
    )
    three = [0.4, 0.35, 0.25, *[1e-20] * 5]
    plain, cold = mixed(three, _powered(three, 4))
    yield case(
        "600 draws at temperature 0.25: 40, 35 and 25 per cent become 58, 34 and 9",
        lambda: odd(plain, cold, 600, temperature=0.25),
        [],
        hint="Divide the logits by the temperature, before the softmax. A temperature below 1 "
        "makes the likely ones still likelier. (Multiplied, it does the opposite; on "
        "probabilities, it does something else.)",
    )
    uneven = [0.9, 0.07, 0.03, *[1e-20] * 5]
    likely, warm = mixed(uneven, _powered(uneven, 0.5))
    yield case(
        "800 draws at temperature 2: 90, 7 and 3 per cent become 68, 19 and 13",
        lambda: odd(likely, warm, 800, temperature=2.0),
        [],
        hint="A temperature above 1 makes the likely ones less likely: divide the logits by the "
        "temperature itself, whatever it is.",
    )
    six = [0.28, 0.24, 0.2, 0.14, 0.1, 0.04]
    unsure = [mixed(six)[0] for _ in range(3)]
    likeliest = [[probs.index(prob) for prob in six] for probs in unsure]
    yield case(
        "top_k = 1, in three places of a text: only the most likely one",
        lambda: [kept(_logits(probs), 15, top_k=1) for probs in unsure],
        [places[:1] for places in likeliest],
        hint="top_k = 1 leaves one place, the most likely: with it, every draw gives the argmax. "
        "After a sort, place j of the sorted ones is not place j of the logits: look it up. What "
        "is left out gets probability 0, which is a logit of minus infinity and not of 0.",
    )
    yield case(
        "top_k = 3, in two places: the three most likely",
        lambda: [kept(_logits(probs), 80, top_k=3) for probs in unsure[:2]],
        [sorted(places[:3]) for places in likeliest[:2]],
        hint="top_k counts how many stay: exactly k, not k - 1 and not k + 1.",
    )
    flat, two = mixed([0.3, 0.1, *[0.6 / 7] * 7], [0.75, 0.25, *[0.0] * 7])
    yield case(
        "700 draws with top_k = 2 of 30, 10 and seven times 9 per cent: 75 and 25 are left",
        lambda: odd(flat, two, 700, top_k=2),
        [],
        hint="What stays keeps its proportions: 30 to 10. Draw from the probabilities of those "
        "that are left.",
    )
    yield case(
        "top_k = 50, of three",
        lambda: kept(_logits([0.4, 0.3, 0.3]), 80, top_k=50),
        [0, 1, 2],
        hint="A top_k above V leaves everything. torch.topk wants at most V: min(top_k, V).",
    )
    yield case(
        "top_k = 2, where four are equally likely: what is wrong with those that come",
        lambda: _odd_among(kept(four, 80, top_k=2), alike),
        [],
        hint="At least top_k stay, also where logits are equal: to leave only what is ABOVE some "
        "logit may leave fewer. (All the equal ones may stay.)",
    )
    yield case(
        "top_p = 0.2, in three places: always at least one",
        lambda: [kept(_logits(probs), 20, top_p=0.2) for probs in unsure],
        [places[:1] for places in likeliest],
        hint="The most likely one stays, even if it alone has more than top_p, and the others get "
        "probability 0, which is a logit of minus infinity and not of 0. Leave out a place "
        "if the mass of those BEFORE it has reached top_p: before the first there is 0.",
    )
    yield case(
        "top_p = 0.6, in two places: 28 + 24 + 20 per cent are the first to reach it",
        lambda: [kept(_logits(probs), 80, top_p=0.6) for probs in unsure[:2]],
        [sorted(places[:3]) for places in likeliest[:2]],
        hint="The one with which the sum reaches top_p stays too: 28 + 24 is not yet 60 per cent. "
        "Keep the smallest set whose mass is at least top_p.",
    )
    yield case(
        "top_p = 0.4, where four are equally likely: what is wrong with those that come",
        lambda: _odd_among(kept(four, 80, top_p=0.4), alike),
        [],
        hint="25 per cent are not yet 40, so at least two stay, also where logits are equal. (All "
        "the equal ones may stay.)",
    )
    yield case(
        "top_k = 3 and top_p = 0.75 of 40, 30, 20 and 10 per cent",
        lambda: kept(_logits([0.4, 0.3, 0.2, 0.1]), 80, top_k=3, top_p=0.75),
        [0, 1],
        hint="top_k first. What it leaves is scaled to a sum of 1 (40 + 30 of 90 per cent are 78 "
        "per cent), and top_p looks at that.",
    )
    yield case(
        "temperature 0.5 and top_p = 0.6 of 50, 35 and 15 per cent",
        lambda: kept(_logits([0.5, 0.35, 0.15]), 60, temperature=0.5, top_p=0.6),
        [0],
        hint="The temperature comes first: top_p looks at the probabilities that it made.",
    )
    yield case(
        "700 draws with top_p = 0.35 of the same: 75 and 25 per cent are left",
        lambda: odd(flat, two, 700, top_p=0.35),
        [],
        hint="What top_p leaves keeps its proportions, too: 30 to 10. Draw from the probabilities "
        "of those that are left.",
    )
    some = normal(rng, 6)
    choices: list[dict[str, float]] = [{"temperature": 0.5}, {}, {"top_k": 3}, {"top_p": 0.6}]
    choices.append({"temperature": 0.5, "top_k": 3, "top_p": 0.7})
    yield case(
        "the logits afterwards: as they were, with any choice",
        lambda: student.probe(logits_afterwards, student.sample_token, some, choices),
        [some] * len(choices),
        hint="logits /= temperature, or logits[...] = -inf, change the caller's own tensor: work "
        "on a new one, also where the temperature is 1 and nothing is divided.",
    )

    def two_together() -> Iterator[Case]:
        wild = [normal(rng, 9) for _ in range(3)]
        ways: list[dict[str, float]] = [
            {"temperature": float(rng.uniform(0.5, 2)), "top_k": int(rng.integers(2, 6))},
            {"top_k": int(rng.integers(3, 8)), "top_p": float(rng.uniform(0.3, 0.9))},
            {"temperature": float(rng.uniform(0.5, 2)), "top_p": float(rng.uniform(0.3, 0.9))},
        ]

        def together() -> list[str]:
            pairs = zip(wild, ways, strict=True)
            return [
                word
                for logits, way in pairs
                for word in _odd_shares(shares(logits, 100, **way), _left(logits, **way), 100)
            ]

        yield case(
            "two of the three choices together: what comes far too often or too rarely",
            together,
            [],
            hint="Temperature, softmax, top_k, then top_p of what top_k left; and the draw.",
        )

    yield from public_and_hidden(two_together)


def _logits(probs: list[float]) -> torch.Tensor:
    # The same number on every logit changes no probability.
    return torch.tensor(probs).log() + 1.5


def _powered(probs: list[float], power: float) -> list[float]:
    """Return these probabilities to some power, scaled to a sum of 1."""
    powers = [p**power if p else 0.0 for p in probs]
    return [p / sum(powers) for p in powers]


def _odd_shares(shares: torch.Tensor, probs: list[float], times: int) -> list[str]:
    """Return in words which places came far too often or too rarely: a few of them.

    After n draws the share of a place of probability p is s, or further away from p, with a chance
    of at most exp(-n KL(s, p)) (Chernoff's bound). What is named here comes less than once in 10^11
    tries.
    """
    if not abs(float(shares.sum()) - 1) < 1e-3:
        return [f"{times} draws have shares that sum to {float(shares.sum()):.3g}"]
    found = []
    for place, share in enumerate(shares.tolist()):
        p = probs[place] if place < len(probs) else 0.0
        if times * _divergence(share, p) > 26:
            found.append(f"place {place}: {share:.0%}, not about {p:.0%}")
    return found[:3]


def _divergence(share: float, p: float) -> float:
    """Return KL(share, p) of two coins in nats."""
    pairs = ((share, p), (1 - share, 1 - p))
    if any(s > 0 and not q > 0 for s, q in pairs):
        return math.inf
    return sum(s * math.log(s / q) for s, q in pairs if s > 0)


def _odd_among(came: list[int], alike: list[int]) -> list[str]:
    """Say what is wrong if not two or more of those that are `alike` came, and no others."""
    found = [f"place {place} is not one of the likeliest" for place in came if place not in alike]
    return found[:3] or ["only one of the four came"] * (len(came) < 2)


def _left(
    logits: torch.Tensor, temperature: float = 1.0, top_k: float = 9, top_p: float = 1.0
) -> list[float]:
    """Return with what probability each place is drawn, worked out one by one."""
    probs = (logits.double() / temperature).softmax(dim=0).tolist()
    order = sorted(range(len(probs)), key=lambda place: -probs[place])[: int(top_k)]
    whole = sum(probs[place] for place in order)
    left, mass = [0.0] * len(probs), 0.0
    for place in order:
        if mass < top_p * whole:
            left[place] = probs[place]
        mass += probs[place]
    return [prob / sum(left) for prob in left]
