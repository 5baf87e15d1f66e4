"""The checks of the Newton-Schulz iteration."""

from collections.abc import Iterator

import torch

from grader.checks.case import Case, Rng, case, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import apart, arguments_stay, public_and_hidden

FACTORS = (3.4445, -4.7750, 2.0315)


def _want(G: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Return what has to come back, by what it does to each singular value."""
    left, values, right = torch.linalg.svd(G.double(), full_matrices=False)
    values = values / (values.norm() + 1e-7)
    for _ in range(steps):
        values = sum(
            factor * values**power for factor, power in zip(FACTORS, (1, 3, 5), strict=True)
        )
    result: torch.Tensor = (left * values @ right).float()
    return result


@exercise("09_scale", "newton_schulz", points=3, forbidden=("svd", "eigh", "eig", "qr"))
def newton_schulz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    square = normal(rng, 4, 4)
    yield case(
        "the shapes of what comes out, for (4, 4), (2, 5) and (5, 2)",
        lambda: [
            list(student.newton_schulz(G).shape)
            for G in (square, normal(rng, 2, 5), normal(rng, 5, 2))
        ],
        [[4, 4], [2, 5], [5, 2]],
        hint="What comes out has the shape of G: what was turned on its side is turned back.",
        form=True,
    )
    yield case(
        "the kind of its numbers",
        lambda: str(student.newton_schulz(square).dtype),
        "torch.float32",
        hint="float32, as G is.",
        form=True,
    )
    yield case(
        "no step at all: G divided by its length",
        lambda: student.newton_schulz(square, 0),
        square / square.norm(),
        hint="The length is the root of the sum of all squares, G.norm(), of the whole matrix and "
        "not of each row. With steps=0 nothing else is done. All of it is float32: after "
        ".bfloat16(), which Muon's published code has, two or three digits are left.",
    )
    yield case(
        "[[3]], in one step",
        lambda: student.newton_schulz(torch.tensor([[3.0]]), 1),
        torch.tensor([[0.701]]),
        hint="[[3]] divided by its length is [[1]], and 3.4445 − 4.7750 + 2.0315 is 0.701. Mind "
        "the minus sign in the middle.",
    )
    diagonal = torch.diag(torch.tensor([3.0, 4.0]))
    yield case(
        "a diagonal matrix, in one step",
        lambda: student.newton_schulz(diagonal, 1),
        _want(diagonal, 1),
        hint="Divided by 5 it has 0.6 and 0.8 on its diagonal. Each of them, x, becomes "
        "3.4445 x − 4.7750 x³ + 2.0315 x⁵: A X has the third powers, and A A X the fifth ones. All "
        "products are of matrices, @ and not *.",
    )
    yield case(
        "a matrix of zeros",
        lambda: student.newton_schulz(torch.zeros(2, 3)),
        torch.zeros(2, 3),
        hint="Add 1e-7 to the length before you divide: 0 / 0 is no number.",
    )
    tiny = torch.tensor([[3e-7, 4e-7]])
    yield case(
        "no step, and a matrix of the length 5e-7",
        lambda: student.newton_schulz(tiny, 0),
        tiny / 6e-7,
        hint="1e-7 is added to every length: 5e-7 becomes 6e-7. It is no lower bound.",
        atol=1e-3,
    )
    yield arguments_stay(
        "G afterwards: as it was",
        student,
        "newton_schulz",
        square,
        hint="G /= ... changes the caller's own matrix, the gradient. Make a new one.",
    )

    def drawn() -> Iterator[Case]:
        few, many = int(rng.integers(3, 7)), int(rng.integers(9, 20))
        wide, steps = normal(rng, few, many), int(rng.integers(2, 4))
        rule = (
            "In each step A = X @ X.T with the X of this step, and the new X is "
            "3.4445 X − 4.7750 A X + 2.0315 A A X. All products are of matrices, @ and not *."
        )
        yield case(
            "a wide matrix, in a few steps",
            lambda: student.newton_schulz(wide, steps),
            _want(wide, steps),
            hint=rule,
            atol=2e-3,
        )
        square = normal(rng, few, few)
        yield case(
            "a square matrix, in a few steps",
            lambda: student.newton_schulz(square, steps),
            _want(square, steps),
            hint="With as many rows as columns the shapes do not tell X @ X.T from X.T @ X, or A @ "
            "X from X @ A. " + rule,
            atol=2e-3,
        )
        tall = normal(rng, many, few)
        yield case(
            "a tall matrix, in five steps",
            lambda: student.newton_schulz(tall),
            _want(tall),
            hint="Keep the signature, steps=5. "
            + rule
            + " With more rows than columns work with the "
            "transpose, and turn the result back.",
            points=2.0,
            atol=5e-3,
        )
        factor = float(rng.uniform(20, 90))
        yield case(
            "how far the result moves when G is that many times as large",
            lambda: apart(student.newton_schulz(factor * wide), student.newton_schulz(wide)),
            0.0,
            hint="Divide by the length first, so that it does not matter how large G is.",
            atol=5e-3,
        )

    yield from public_and_hidden(drawn)
