"""The checks of cutting a text into windows."""

from collections.abc import Iterator

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, public_and_hidden


@exercise("05_attention", "windows", points=1)
def windows(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ids = torch.arange(8)
    yield case(
        "x and y for N = 8, T = 3: how many axes each has",
        lambda: [len(part.shape) for part in student.windows(ids, 3)],
        [2, 2],
        hint="Return two tensors, x and y, both (W, T). (An error about slice indices? W has "
        "to be a whole number: / gives 2.333 here, // rounds it down.)",
    )
    yield case(
        "the kinds of the numbers in x and in y",
        lambda: [str(part.dtype) for part in student.windows(ids, 3)],
        ["torch.int64"] * 2,
        hint="x and y hold characters of `ids`, int64 as they are there.",
        form=True,
    )
    yield case(
        "the shapes of x and y for N = 8, T = 3",
        lambda: [list(part.shape) for part in student.windows(ids, 3)],
        [[2, 3], [2, 3]],
        hint="W = (N - 1) // T = 7 // 3 = 2. One window too few? Both are complete here, as their "
        "last target is id 6. Too many? The windows do not overlap, so each character stands in x "
        "once at most.",
        form=True,
    )
    yield case(
        "x for the numbers 0 to 7, T = 3",
        lambda: student.windows(ids, 3)[0],
        torch.tensor([[0, 1, 2], [3, 4, 5]]),
        hint="Each row holds T characters in the order of the text, and the next row goes on where "
        "it ended.",
    )
    yield case(
        "y for the numbers 0 to 7, T = 3",
        lambda: student.windows(ids, 3)[1],
        torch.tensor([[1, 2, 3], [4, 5, 6]]),
        hint="y holds what comes next in the *text*: at the end of a window that is the first "
        "character of the next one. Cut ids[1:] in the same way as ids.",
    )
    yield case(
        "N = 7, T = 3: both windows fit just so",
        lambda: student.windows(torch.arange(7), 3)[1],
        torch.tensor([[1, 2, 3], [4, 5, 6]]),
        hint="The last character is still the target of the second window. The number of windows "
        "is (N - 1) // T.",
    )
    yield case(
        "N = 6, T = 3: one window",
        lambda: [list(part.shape) for part in student.windows(torch.arange(6), 3)],
        [[1, 3], [1, 3]],
        hint="x has six characters for two windows, but the last target is missing, so the second "
        "one is left out in both: W is (N - 1) // T.",
    )
    yield arguments_stay(
        "ids afterwards: as they were",
        student,
        "windows",
        integers(rng, 60, 3 * int(rng.integers(4, 9)) + 2),
        3,
        hint="ids[...] = ... and methods that end in _, such as resize_, change the caller's text. "
        "Cut pieces out of it: ids[: W * T].",
    )

    def left_over() -> Iterator[Case]:
        single = integers(rng, 60, int(rng.integers(5, 12)))
        yield case(
            "T = 1: a window for each character but the last",
            lambda: list(student.windows(single, 1)),
            [single[:-1, None], single[1:, None]],
            hint="W is N - 1 here, and both are (W, 1).",
        )
        T = int(rng.integers(4, 12))
        for name, rest in (
            ("all windows fit just so", 0),
            ("some characters are left over", int(rng.integers(1, T - 1))),
            ("the last target is missing", T - 1),
        ):
            some = integers(rng, 5000, T * int(rng.integers(6, 30)) + 1 + rest)
            yield case(
                f"random characters, {name}",
                lambda: list(student.windows(some, T)),
                list(reference.windows(some, T)),
                hint="x: the first W * T characters, row by row, with W = (N - 1) // T. y: the "
                "same, begun one later.",
            )

    yield from public_and_hidden(left_over)
