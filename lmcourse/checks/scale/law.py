"""The checks of fitting a scaling law."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, kind, public_and_hidden

NAMES = ("E", "A", "alpha", "B", "beta")
Law = dict[str, float]


def losses_by(law: Any, sizes: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return what a law says of trainings: E + A / N^alpha + B / D^beta."""
    E, A, alpha, B, beta = (float(law[name]) for name in NAMES)
    return E + A * sizes ** (-alpha) + B * tokens ** (-beta)


def _drawn(rng: Rng) -> Law:
    alpha, beta = (round(float(rng.uniform(0.2, 0.8)), 2) for _ in range(2))
    return {
        "E": float(rng.uniform(0.3, 2.0)),
        "A": float(rng.uniform(0.5, 1.5)) * 1e4**alpha,
        "alpha": alpha,
        "B": float(rng.uniform(0.5, 1.5)) * 1e5**beta,
        "beta": beta,
    }


def _sweep(rng: Rng) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sizes and the characters read of a sweep, in random order: 16 to 28 trainings."""
    count, budgets = int(rng.integers(4, 8)), 4
    sizes = 1e4 * 2.0 ** torch.arange(count).double() * float(rng.uniform(0.8, 1.25))
    tokens = 1e5 * 2.0 ** torch.arange(budgets).double() * float(rng.uniform(0.8, 1.25))
    order = torch.from_numpy(rng.permutation(count * budgets))
    both = torch.cartesian_prod(sizes, tokens)[order]
    return both[:, 0].contiguous(), both[:, 1].contiguous()


@exercise("09_scale", "fit_scaling_law", points=4, call_seconds=30, exercise_seconds=120)
def fit_scaling_law(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    law = _drawn(rng)
    sizes, tokens = _sweep(rng)
    exact = losses_by(law, sizes, tokens)

    @cache
    def first() -> Any:
        return student.fit_scaling_law(sizes, tokens, exact)

    yield case(
        "what the result has",
        lambda: sorted(first()),
        sorted(NAMES),
        hint='A dictionary with "E", "A", "alpha", "B" and "beta", for any number of trainings: '
        "len(sizes).",
        form=True,
    )
    yield case(
        "the kinds of what is in it",
        lambda: sorted({str(kind(value)) for value in first().values()}),
        ["float"],
        hint="Five plain floats: .item() makes one of a tensor with a single number in it.",
        form=True,
    )
    yield arguments_stay(
        "the tensors that were given: as they were",
        student,
        "fit_scaling_law",
        sizes,
        tokens,
        exact,
        hint="sizes /= ... changes the caller's own tensor. Make a new one.",
    )

    def fits() -> Iterator[Case]:
        law = _drawn(rng)
        sizes, tokens = _sweep(rng)
        exact = losses_by(law, sizes, tokens)

        @cache
        def fitted() -> Any:
            return student.fit_scaling_law(sizes, tokens, exact)

        yield case(
            "losses that follow a law exactly: its exponents",
            lambda: [float(fitted()[name]) for name in ("alpha", "beta")],
            [law["alpha"], law["beta"]],
            hint="alpha belongs to the sizes N, beta to the characters D. Try every pair of "
            "exponents, alpha and beta apart, from 0.05 to 1.20 in steps of 0.01. For each, the "
            "columns 1 (for E, which is part of the law), N^(−alpha) and D^(−beta) are those of a "
            "linear regression: torch.linalg.lstsq gives E, A and B. Take the pair with the "
            "smallest sum of squares.",
            atol=0.011,
        )
        yield case(
            "the losses of that law at the very points",
            lambda: losses_by(fitted(), sizes, tokens),
            exact,
            hint="If the exponents are right: E, A and B are those of the regression for this very "
            "pair. Where you measure N and D in other units, as in N / N[0], change A and B back: "
            "A · N[0]^alpha, and B alike.",
            atol=2e-3,
        )
        larger = torch.tensor([4e5, 1e6], dtype=torch.float64)
        longer = torch.tensor([2e6, 1e7], dtype=torch.float64)
        yield case(
            "what the law says of two much larger trainings",
            lambda: losses_by(fitted(), larger, longer),
            losses_by(law, larger, longer),
            hint="E is part of the law, and has to be found as well: without it the loss would "
            "fall to 0. All numbers in float64.",
            atol=0.01,
        )

        def least(name: str, losses: torch.Tensor, hint: str, points: float = 1.0) -> Case:
            best = _squares(reference.fit_scaling_law(sizes, tokens, losses), sizes, tokens, losses)

            def worse() -> str:
                found = student.fit_scaling_law(sizes, tokens, losses)
                for exponent in ("alpha", "beta"):
                    if not 0.0499 <= float(found[exponent]) <= 1.2001:
                        return f"{exponent} is {float(found[exponent]):.3g}, outside of the grid"
                mine = _squares(found, sizes, tokens, losses)
                if mine <= 1.02 * best + 1e-11:
                    return ""
                return f"the sum of squares is {mine:.3g}, and can be {best:.3g}"

            title = f"{name}: the sum of the squared errors"
            want = "as small as it gets, to 2 %"
            return holds(title, want, worse, hint=hint, points=points)

        noise = torch.from_numpy(rng.normal(0, 0.01, len(exact)))
        yield least(
            "losses with noise",
            exact + noise,
            hint="The squares are those of the losses themselves, not of their logarithms, and all "
            "three of E, A and B come from the regression, whatever their signs.",
            points=2.0,
        )
        below = {"E": -float(rng.uniform(3, 5)), "alpha": 0.3, "A": 14 * 1e4**0.3}
        yield least(
            "losses whose law has an E below 0",
            losses_by(law | below, sizes, tokens) + noise / 10,
            hint="Take E, A and B as the regression gives them, also where one is below 0: that "
            "no loss can be so low is for you to see, not for the fit.",
        )
        ends = {"alpha": 0.05, "A": 9 * 1e4**0.05, "beta": 1.5, "B": 1e5**1.5}
        yield least(
            "losses that the ends of the grid fit best, alpha at one and beta at the other",
            losses_by(ends | {"E": -float(rng.uniform(5.5, 6.5))}, sizes, tokens),
            hint="Try the ends themselves, 0.05 and 1.20: torch.arange(0.05, 1.20, 0.01) leaves "
            "the last one out. And nothing beyond them.",
        )

    yield from public_and_hidden(fits)


def _squares(law: Any, sizes: torch.Tensor, tokens: torch.Tensor, losses: torch.Tensor) -> float:
    return float(((losses_by(law, sizes, tokens) - losses) ** 2).sum())
