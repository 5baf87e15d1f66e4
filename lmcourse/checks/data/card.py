"""Checks of `data_card`."""

import string
from collections.abc import Iterator

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, same_as_reference

LESSON = "01_data"


CARD = ("training stories", "validation stories", "characters", "alphabet", "leaked")


@exercise(LESSON, "data_card", points=2)
def data_card(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    old, new = _tales(rng, int(rng.integers(9, 14))), _tales(rng, int(rng.integers(3, 8)))
    leaks = int(rng.integers(1, 5))
    train, validation = old, [*new, *old[:leaks]]
    yield case(
        "the five entries",
        lambda: sorted(student.data_card(train, validation)),
        sorted(CARD),
        hint="return a dictionary with exactly the five keys of the contract",
        points=0.5,
    )
    wants = {
        "training stories": (len(train), "the number of stories in train: len(train)"),
        "validation stories": (
            len(validation),
            "the number of stories in validation: len(validation)",
        ),
        "characters": (
            sum(len(story) for story in [*train, *validation]),
            "the characters of the stories on both sides: sum the len of each",
        ),
        "alphabet": (
            len(set("".join([*train, *validation]))),
            "the different characters of both sides together",
        ),
        "leaked": (
            leaks / len(validation),
            "the share, from 0 to 1, of the validation stories that train holds too: count them, "
            "then divide by the number of validation stories",
        ),
    }
    for key, (want, hint) in wants.items():
        yield case(key, lambda: student.data_card(train, validation)[key], want, hint=hint)
    longer = [*train, old[0], old[0]]
    yield case(
        "a story that train holds three times",
        lambda: [student.data_card(longer, validation)[key] for key in CARD],
        [
            len(longer),
            len(validation),
            wants["characters"][0] + 2 * len(old[0]),
            wants["alphabet"][0],
            leaks / len(validation),
        ],
        hint="count the stories of a list, not the different ones: what comes twice counts twice, "
        "as a story and with its characters",
    )
    twice = [*validation, old[0]]
    yield case(
        "a story that validation holds twice",
        lambda: student.data_card(train, twice)["leaked"],
        (leaks + 1) / len(twice),
        hint="count validation stories, not different ones: a story that comes twice counts twice, "
        "above the line and below",
    )
    piece = [*validation, old[0][:-1]]
    yield case(
        "a story that is only a piece of another",
        lambda: student.data_card(train, piece)["leaked"],
        leaks / len(piece),
        hint="a story has leaked if train holds the whole of it as one story: ask "
        "`story in train`, where train is a list or a set, not one long string",
        points=0.5,
    )
    ends = [[f" {story}\n" for story in side] for side in (train, validation)]
    yield case(
        "spaces and line ends at the ends of stories",
        lambda: student.data_card(*ends)["characters"],
        wants["characters"][0] + 2 * (len(train) + len(validation)),
        hint="a space or a line end of a story is a character too: strip nothing",
        points=0.5,
    )
    yield arguments_stay(
        "both lists stay as they were",
        student,
        "data_card",
        train,
        validation,
        hint="train += validation lengthens the caller's own list; train + validation makes a new "
        "one",
        points=0.5,
    )

    def two_lists() -> tuple[list[str], ...]:
        tales = _tales(rng, 12)
        return tuple([tales[int(i)] for i in rng.integers(0, 12, size)] for size in (9, 7))

    yield from same_as_reference(
        student,
        reference,
        "random stories",
        lambda notebook, train, validation: notebook.data_card(train, validation),
        two_lists,
        hint="all five entries, from the lists that were given",
    )


def _tales(rng: Rng, count: int) -> list[str]:
    """Return `count` different stories of a few characters each, with an alphabet of their own."""
    letters = rng.permutation(list(string.ascii_letters + " .,"))[: int(rng.integers(9, 30))]
    return [
        f"{number}" + "".join(rng.choice(letters, int(rng.integers(4, 20))).tolist())
        for number in rng.choice(10**4, count, replace=False)
    ]
