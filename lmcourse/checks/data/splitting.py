"""Checks of `split`."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, holds, kind, public_and_hidden

LESSON = "01_data"


@exercise(LESSON, "split", points=4)
def split(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    D = int(rng.integers(30, 60))
    stories = [f"Story {number}." for number in rng.choice(10**6, D, replace=False)]
    seed = int(rng.integers(1, 10**6))
    k = int(rng.integers(D // 2, D - 3))

    def sides(*args: Any) -> list[list[int]]:
        return _sides(student.split(stories, *args), stories)

    yield case(
        "two lists",
        lambda: [kind(part) for part in student.split(stories)],
        ["list", "list"],
        hint="return train, validation: two lists of stories; and shuffle changes a list in place "
        "and returns None, so keep the list, not what shuffle returns",
        points=0.5,
    )
    yield case(
        "their sizes",
        lambda: [
            _sizes(student.split(stories, fraction=part / D)) for part in (k - 0.3, k, k + 0.3)
        ],
        [[k, D - k]] * 3,
        hint="train comes first and gets round(fraction * number of stories): round, not int, "
        "which drops what is behind the point",
    )
    yield case(
        "all for one side",
        lambda: [_sizes(student.split(stories, fraction=part)) for part in (1.0, 0.0)],
        [[D, 0], [0, D]],
        hint="count the cut from the front, [:cut] and [cut:]: counted from the end, a side of "
        "none is [-0:], which is the whole list",
        points=0.5,
    )
    yield case(
        "the fraction when none is given",
        lambda: _sizes(student.split(stories)),
        [round(0.9 * D), D - round(0.9 * D)],
        hint="keep the first line: split(stories, fraction=0.9, seed=0)",
        points=0.5,
    )
    yield case(
        "nothing lost",
        lambda: sorted(_joined(student.split(stories))),
        sorted(stories),
        hint="every story belongs to one of the two sides",
    )
    yield holds(
        "shuffled",
        "train has stories from all over the list",
        lambda: _unshuffled(sides(0.5)[0]),
        hint="shuffle before you cut: the end of a collection is seldom like its beginning",
    )

    # Half to each side: about every second story parts from the one before it.
    def neighbours_together() -> str:
        parted = sum(_partings(sides(0.5, number)) for number in range(20)) / (20 * (D - 1))
        return "" if parted > 0.25 else f"in twenty splits {parted:.0%} of them part"

    yield holds(
        "shuffled all through: how often neighbours part",
        "about half of them part",
        neighbours_together,
        hint="stories that stand beside each other stay together: shuffle the whole list, where "
        "turning it round or cutting a piece out leaves neighbours together",
    )
    yield arguments_stay(
        "your list stays as it was",
        student,
        "split",
        stories,
        hint="shuffle turned the caller's own list upside down: shuffle a copy, list(stories)",
        points=0.5,
    )
    yield holds(
        "the same seed gives the same split",
        "twice the same",
        lambda: _apart(sides(0.5, seed), sides(0.5, seed)),
        hint="shuffle with random.Random(seed), which starts from the seed every time",
    )
    yield holds(
        "another seed gives another split",
        "two different splits",
        lambda: "" if _apart(sides(0.5, seed), sides(0.5, seed + 1)) else "the same split twice",
        hint="the shuffle has to start from the argument seed, not from a fixed number",
    )
    yield holds(
        "the seed when none is given",
        "the same as with seed 0",
        lambda: _apart(sides(0.5), sides(0.5, 0)),
        hint="keep the first line: split(stories, fraction=0.9, seed=0)",
        points=0.5,
    )

    def repeated_stories() -> Iterator[Case]:
        few = [*stories[: int(rng.integers(9, 17))], stories[0].upper(), stories[1] + " "]
        copies = [few[int(i)] for i in rng.integers(0, len(few), 30)]
        repeated = [[*few, *copies][int(i)] for i in rng.permutation(len(few) + 30)]
        cut = round(0.62 * len(few))
        yield case(
            "repeated stories: none on both sides",
            lambda: sorted(_on_one_side(student.split(repeated, 0.5, seed))),
            sorted(few),
            hint="a repeated story went to both sides, or to none: keep one copy of each before "
            "you shuffle. (One that differs by a capital or a space is another story.)",
        )
        yield case(
            "repeated stories: each kept once",
            lambda: sorted(_joined(student.split(repeated, 0.5, seed))),
            sorted(few),
            hint="each different story stands in the result exactly once: drop the copies "
            "everywhere",
        )
        yield case(
            "repeated stories: sizes",
            lambda: _sizes(student.split(repeated, 0.62, seed)),
            [cut, len(few) - cut],
            hint="fraction is a share of the different stories: drop the copies first, then cut",
        )

    yield from public_and_hidden(repeated_stories)

    def two_runs() -> str:
        runs = student.probe(splits_of_two_runs, stories)
        return _apart(*(_sides(parts, stories) for parts in runs))

    yield holds(
        "the same split in another run of Python",
        "twice the same",
        two_runs,
        hint="a set has another order in every run of Python: list(dict.fromkeys(stories)) drops "
        "copies and keeps the order",
    )


@probe
def splits_of_two_runs(namespace: dict[str, Any], stories: list[str]) -> list[Any] | None:
    """Return what `split` gives, and what it gives when strings hash to other numbers.

    Where it gives nothing, so does this.
    """
    here, there = stories, [_ElsewhereHashed(story) for story in stories]
    splits = [namespace["split"](seen) for seen in (here, there)]
    return None if None in splits else splits


class _ElsewhereHashed(str):
    """A string as another run of Python sees it: equal, but with another hash."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash("another run: " + self)


def _sizes(parts: Any) -> list[int]:
    return [len(part) for part in parts]


def _joined(parts: Any) -> list[str]:
    train, validation = parts
    return [*train, *validation]


def _on_one_side(parts: Any) -> set[str]:
    train, validation = parts
    return set(train) ^ set(validation)


def _sides(parts: Any, stories: list[str]) -> list[list[int]]:
    """Return where in `stories` those of train and of validation stand.

    Raises
    ------
    ValueError
        If a side holds a story that is not in `stories`, or train holds none.
    """
    train, validation = parts
    if not train:
        raise ValueError("train holds no story")
    return [[stories.index(story) for story in side] for side in (train, validation)]


def _partings(sides: list[list[int]]) -> int:
    """Return how many stories stand on another side than the one before them in the list."""
    train = set(sides[0])
    return sum((place in train) != (place - 1 in train) for place in range(1, sum(map(len, sides))))


def _unshuffled(train: list[int]) -> str:
    """Say so if train, as places in the list of stories, is the beginning of that list."""
    first = sorted(train) == list(range(len(train)))
    return f"train has the first {len(train)} stories of the list" if first else ""


def _apart(one: list[list[int]], other: list[list[int]]) -> str:
    """Say how two splits, as places in the list of stories, differ, or "" if they do not."""
    if one == other:
        return ""
    moved = len({*one[0]} ^ {*other[0]})
    return f"{moved} stories change sides" if moved else "the same sides, in another order"
