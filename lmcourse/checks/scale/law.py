"""The checks of fitting a scaling law."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, public_and_hidden

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


def _sweep(
    rng: Rng, count_of_sizes: int = 5, budgets: int = 3
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sizes and the characters read of a sweep, in random order."""
    sizes = 1e4 * 2.0 ** torch.arange(count_of_sizes).double() * float(rng.uniform(0.8, 1.25))
    tokens = 1e5 * 2.0 ** torch.arange(budgets).double() * float(rng.uniform(0.8, 1.25))
    both = torch.cartesian_prod(sizes, tokens)[torch.from_numpy(rng.permutation(15))]
    return both[:, 0].contiguous(), both[:, 1].contiguous()


@exercise("09_scale", "fit_scaling_law", points=4, call_seconds=30)
def fit_scaling_law(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    law = _drawn(rng)
    sizes, tokens = _sweep(rng)
    exact = losses_by(law, sizes, tokens)
    yield case(
        "what the result has",
        lambda: sorted(student.fit_scaling_law(sizes, tokens, exact)),
        sorted(NAMES),
        hint='A dictionary with "E", "A", "alpha", "B" and "beta".',
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
            "losses that follow a law exactly: the law's losses at the very points",
            lambda: losses_by(fitted(), sizes, tokens),
            exact,
            hint="Try every pair of exponents, alpha and beta apart. For each, the columns 1 (for "
            "E, which is part of the law), N^(−alpha) and D^(−beta) are those of a linear "
            "regression: torch.linalg.lstsq gives E, A and B. Take the pair with the smallest sum "
            "of squares. (If you measure N and D in other units, change A and B back.)",
            atol=2e-3,
        )
        yield case(
            "the exponents of that law",
            lambda: [float(fitted()[name]) for name in ("alpha", "beta")],
            [law["alpha"], law["beta"]],
            hint="alpha belongs to the sizes N, beta to the characters D. Try every pair of "
            "exponents, alpha and beta apart, from 0.05 to 1.20 in steps of 0.01.",
            atol=0.011,
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
        noise = torch.from_numpy(rng.normal(0, 0.01, len(exact)))
        noisy = exact + noise
        best = _squares(reference.fit_scaling_law(sizes, tokens, noisy), sizes, tokens, noisy)

        def worse() -> str:
            mine = _squares(student.fit_scaling_law(sizes, tokens, noisy), sizes, tokens, noisy)
            if mine <= 1.02 * best + 1e-9:
                return ""
            return f"the sum of squares is {mine:.3g}, and can be {best:.3g}"

        yield holds(
            "losses with noise: the sum of the squared errors",
            "as small as it gets, to 2 %",
            worse,
            hint="The squares are those of the losses themselves, not of their logarithms, and all "
            "three of E, A and B come from the regression, whatever their signs.",
            points=2.0,
        )

    yield from public_and_hidden(fits)


def _squares(law: Any, sizes: torch.Tensor, tokens: torch.Tensor, losses: torch.Tensor) -> float:
    return float(((losses_by(law, sizes, tokens) - losses) ** 2).sum())
