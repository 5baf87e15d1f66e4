"""Checks of `entropy`."""

import math
from collections.abc import Iterator

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, one_number, same_as_reference

LESSON = "01_data"


@exercise(LESSON, "entropy", points=2)
def entropy(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 30))

    yield case(
        "one number",
        lambda: one_number(student.entropy(torch.tensor([0.25, 0.75]))),
        "one number",
        hint="return one number, a float or a tensor of shape (): multiply, then add up with "
        ".sum(); math.log takes one number, a tensor has its own .log()",
        points=0.25,
    )

    def below_0() -> str:
        entropy = student.entropy(torch.full((V,), 1 / V))
        return "" if entropy > 0 else f"{float(entropy):.4g}"

    yield holds(
        "never negative",
        "above 0",
        below_0,
        hint="the logarithm of a probability is negative; a minus sign makes it a surprise",
        points=0.25,
    )
    nats = math.log(V)
    yield case(
        "equally likely outcomes, in nats",
        lambda: student.entropy(torch.full((V,), 1 / V)),
        nats,
        hint=f"the sum of -p ln p. Of these {V} outcomes, {nats / V:.4g} is the mean of the terms: "
        f"they are weighed by p already, so add them up. {nats * V:.4g} is a sum without the "
        f"weights. {math.log2(V):.4g} is in bits, from log2. {V} is exp(entropy)",
    )
    p = rng.uniform(0.7, 0.95)
    yield case(
        "a bent coin",
        lambda: student.entropy(torch.tensor([p, 1 - p])),
        -p * math.log(p) - (1 - p) * math.log(1 - p),
        hint="weigh the surprise of each outcome, -log p, by its probability p",
    )
    gaps = torch.tensor([0.0, p, 0.0, 1 - p])[torch.from_numpy(rng.permutation(4))]
    yield case(
        "what never happens",
        lambda: student.entropy(gaps),
        -p * math.log(p) - (1 - p) * math.log(1 - p),
        hint="log(0) is -inf, and 0 times -inf is nan: leave out outcomes of probability 0",
    )
    rare = rng.uniform(0.0005, 0.002)
    yield case(
        "what seldom happens",
        lambda: student.entropy(torch.tensor([1 - rare, rare])),
        -(1 - rare) * math.log(1 - rare) - rare * math.log(rare),
        hint="every probability above 0 counts, however small: the mask is probs > 0",
    )
    yield arguments_stay(
        "probs stays as it was",
        student,
        "entropy",
        gaps,
        hint="probs[probs == 0] = ... writes into the caller's own tensor: keep what you need "
        "under a new name, possible = probs[probs > 0]",
        points=0.5,
    )

    def probabilities() -> list[torch.Tensor]:
        weights = torch.from_numpy(rng.random(65))
        weights[int(rng.integers(len(weights)))] = 0
        return [(weights / weights.sum()).float()]

    yield from same_as_reference(
        student,
        reference,
        "random probabilities, one of them zero",
        lambda notebook, probs: notebook.entropy(probs),
        probabilities,
        hint="the sum of -p log p over all p above zero",
    )
