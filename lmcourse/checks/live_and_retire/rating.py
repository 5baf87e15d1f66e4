"""The checks of `join_feedback`: late, doubled, about another version, from somebody else."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON, all_stays, asked, codes

Line = dict[str, Any]

DAYS = 7


@exercise(LESSON, "join_feedback", points=3)
def join_feedback(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def tried(name: str, *questions: tuple[list[Line], list[Line], str, int], hint: str) -> Case:
        return asked(name, student, reference, rng, "join_feedback", *questions, hint=hint)

    def thumbs(count: int) -> list[str]:
        return [str(each) for each in rng.choice(["up", "down"], count)]

    def other(thumb: str) -> str:
        return "down" if thumb == "up" else "up"

    def cases() -> Iterator[Case]:
        version, older = codes(rng, 2)
        ids, keys = codes(rng, 4), codes(rng, 3, 6)
        start = int(rng.integers(1, 300))

        def answer(place: int, key: int = 0, day: float = 0.0, of: str = version) -> Line:
            return {"id": ids[place], "key": keys[key], "version": of, "day": start + day}

        def rate(place: int, thumb: str, day: float, key: int = 0) -> Line:
            return {"id": ids[place], "key": keys[key], "day": start + day, "rating": thumb}

        one, two = thumbs(2)
        three = [answer(0), answer(1, key=1, day=0.5), answer(2, day=1)]
        yield tried(
            "two of three answers are rated",
            (three, [rate(2, one, 1.5), rate(0, two, 3)], version, DAYS),
            (three, [], version, DAYS),
            hint='"rated" has the id of each answer that was rated, and its rating; beside it '
            'stand the four counts, "late", "doubled", "other version" and "unknown", which are '
            "there also when they are 0.",
        )
        yield tried(
            "late",
            (three, [rate(0, one, DAYS), rate(2, one, DAYS + 1.25)], version, DAYS),
            (three, [rate(1, two, DAYS + 0.25, key=1), rate(2, one, DAYS + 0.75)], version, DAYS),
            (three, [rate(0, one, DAYS), rate(2, one, DAYS + 1.25)], version, DAYS - 1),
            hint="Late is what came more than `days` days after ITS answer; exactly `days` days is "
            "in time.",
        )
        yield tried(
            "somebody who changes their mind",
            (three, [rate(0, one, 1), rate(0, other(one), 2)], version, DAYS),
            (three, [rate(0, other(one), 3), rate(0, one, 1), rate(0, one, 2)], version, DAYS),
            hint="The rating with the latest day counts, whatever the order in which they came; "
            'each one more is "doubled".',
        )
        yield tried(
            "once in time, once too late",
            (three, [rate(0, one, 1), rate(0, other(one), DAYS + 1)], version, DAYS),
            (three, [rate(0, other(one), DAYS + 2), rate(0, one, 4)], version, DAYS),
            hint="What is late changes nothing: it is counted as late, not as doubled, and the "
            "rating in time stays.",
        )
        both = [answer(0), answer(1, of=older)]
        yield tried(
            "about another version",
            (both, [rate(0, one, 1), rate(1, one, 1)], version, DAYS),
            (both, [rate(0, one, 1), rate(1, one, 1)], older, DAYS),
            hint="An answer of another version says nothing of this one: count it, and leave it "
            "out.",
        )
        yield tried(
            "late, and about another version",
            (both, [rate(1, one, DAYS + 3), rate(1, one, 2)], version, DAYS),
            hint='The table goes from the top: first "unknown", then "other version", then "late".',
        )
        yield tried(
            "of an answer that nobody knows, and of somebody else's",
            (three, [rate(3, one, 1), rate(0, one, 1, key=1)], version, DAYS),
            (three, [rate(0, one, 1, key=2), rate(0, other(one), 2)], version, DAYS),
            hint="Only who asked may rate: a rating finds its answer by `id` AND `key`. What finds "
            'none is "unknown".',
        )
        yield tried(
            "before the answer was given",
            (three, [rate(2, one, 0.5), rate(0, two, 0)], version, DAYS),
            hint='Nobody can rate what is not there yet: "unknown". The same moment is in time.',
        )
        yield tried(
            "a week",
            *(week(rng, version, older) for _ in range(3)),
            hint="Take one of the ratings that differ, and go down the table by hand.",
        )

    yield from public_and_hidden(cases)
    asked_of = list(week(rng, *codes(rng, 2)))
    yield all_stays(
        "what it was handed, afterwards",
        student,
        rng,
        "join_feedback",
        (asked_of, reference.join_feedback(*asked_of)),
        hint="sorted(...) makes a new list; .sort() changes the caller's.",
    )


def week(rng: Rng, version: str, older: str) -> tuple[list[Line], list[Line], str, int]:
    """Return answers of two versions and ratings of all kinds, in the order in which they came."""
    ids, keys = codes(rng, 14), codes(rng, 4, 6)
    answers = [
        {
            "id": name,
            "key": str(rng.choice(keys)),
            "version": str(rng.choice([version, version, version, older])),
            "day": round(float(rng.uniform(0, 5)), 2),
        }
        for name in ids[:12]
    ]
    ratings = []
    for moment in rng.permutation(60)[:30]:
        name = str(rng.choice(ids))
        mine = next((each["key"] for each in answers if each["id"] == name), keys[0])
        key = str(mine) if rng.random() < 0.85 else str(rng.choice(keys))
        # No two at the same moment, and none at the edge.
        day = round(float(moment) / 5 + 0.0011, 4)
        ratings.append({"id": name, "key": key, "day": day, "rating": str(rng.choice(THUMBS))})
    return answers, ratings, version, DAYS


THUMBS = ("up", "down")
