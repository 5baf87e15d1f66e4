"""The checks of `erase`: a person who reappears through the log, the cache or the training data."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import public_and_hidden
from lmcourse.checks.live_and_retire.drawing import LESSON, all_stays, answers, codes

Home = dict[str, list[dict[str, Any]]]

WORDS = ("fox", "raven", "lion", "mouse", "crane", "wolf", "goat", "frog", "stork", "hare", "owl")


@exercise(LESSON, "erase", points=3)
def erase(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def text() -> str:
        return " ".join(str(word) for word in rng.choice(WORDS, 3))

    def among_others(home: Home) -> Home:
        """Return the home with what others left there, in an order that is drawn."""
        made: Home = {name: list(lines) for name, lines in home.items()}
        asks, tales = codes(rng, 9, 7), codes(rng, 9, 7)
        for _ in range(int(rng.integers(0, 9))):
            (key,) = codes(rng, 1, 7)
            made["log"].append({"request": asks.pop(), "key": key, "prompt": text()})
            made["feedback"].append({"request": asks[0], "key": key, "rating": "up"})
            made["cache"].append({"prompt": text(), "text": text(), "keys": [key]})
            made["stories"].append({"story": tales.pop(), "key": key, "text": text()})
        for name in ("log", "feedback", "cache", "stories"):
            made[name] = [made[name][place] for place in rng.permutation(len(made[name]))]
        return made

    def empty() -> Home:
        return {"log": [], "feedback": [], "cache": [], "stories": [], "models": []}

    def tried(name: str, *questions: tuple[list[str], Home], hint: str) -> Case:
        """Return the case that each answer is right: all of the home, and the list of models."""
        asked = [[keys, among_others(home)] for keys, home in questions]
        want = reference.probe(answers, reference.erase, asked)
        return case(name, lambda: student.probe(answers, student.erase, asked), want, hint=hint)

    def cases() -> Iterator[Case]:
        mine, also, other = codes(rng, 3, 6)
        asks = codes(rng, 6, 6)
        tales, versions = codes(rng, 6, 5), codes(rng, 5)

        def line(place: int, key: str) -> dict[str, Any]:
            return {"request": asks[place], "key": key, "prompt": text()}

        def thumb(place: int, key: str) -> dict[str, Any]:
            return {"request": asks[place], "key": key, "rating": "up"}

        def story(place: int, key: str | None) -> dict[str, Any]:
            return {"story": tales[place], "key": key, "text": text()}

        def model(place: int, learnt: list[int], parent: int | None = None) -> dict[str, Any]:
            return {
                "version": versions[place],
                "stories": [tales[each] for each in learnt],
                "from": None if parent is None else versions[parent],
            }

        log = empty() | {"log": [line(0, mine), line(1, other), line(2, mine), line(3, other)]}
        yield tried(
            "the log",
            ([mine], log),
            ([also], log),
            hint="Return a pair: a home of the same five lists without what is the person's, all "
            "else as it was and in its order, and the list of models to train again, here [].",
        )
        yield tried(
            "somebody with two keys",
            ([mine, also], empty() | {"log": [line(0, mine), line(1, other), line(2, also)]}),
            hint="`keys` is a list: all keys that the person ever had.",
        )
        rated = log | {"feedback": [thumb(1, mine), thumb(1, other), thumb(3, other)]}
        yield tried(
            "what they thought of answers",
            ([mine], rated),
            hint="Feedback has a key, too: that of who gave it.",
        )
        about = log | {"feedback": [thumb(0, other), thumb(3, other), thumb(2, also)]}
        yield tried(
            "what others thought of answers to them",
            ([mine], about),
            hint="Feedback about one of their requests speaks of them, whoever gave it. Which "
            "requests were theirs? The log knows: ask it before you clean it.",
        )
        kept = empty() | {
            "cache": [
                {"prompt": text(), "text": text(), "keys": [other]},
                {"prompt": text(), "text": text(), "keys": [other, mine]},
                {"prompt": text(), "text": text(), "keys": [mine]},
                {"prompt": text(), "text": text(), "keys": []},
            ]
        }
        yield tried(
            "the cache, with no line in the log any more",
            ([mine], kept),
            hint="An answer in the cache has the keys of all who got it. It goes if one of them is "
            "the person's: the prompt is theirs as well.",
        )
        data = empty() | {
            "stories": [story(0, None), story(1, mine), story(2, other), story(3, also)]
        }
        yield tried(
            "the training data",
            ([mine], data),
            ([also, mine], data),
            hint="Stories that users liked are learnt from next time: those with the person's key "
            "go. The corpus has None for a key, and stays.",
        )
        models = [model(0, [0]), model(1, [0, 1]), model(2, [0, 2]), model(3, [2, 3, 1])]
        yield tried(
            "which models learnt from them",
            ([mine], data | {"models": models}),
            ([other], data | {"models": models}),
            hint="Weights cannot be searched for a person. A model that learnt from one of the "
            "stories that went is to be trained again: name it, in the order of home's list. "
            "It stays in home.",
        )
        line_of = [model(0, [0]), model(1, [1], 0), model(2, [0], 1), model(3, [2], 2)]
        yield tried(
            "models that were trained on from those",
            ([mine], data | {"models": line_of}),
            ([mine], data | {"models": line_of[::-1]}),
            ([other], data | {"models": line_of}),
            hint='Whatever was trained on "from" such a model has its weights in it, and so on: go '
            "on until no more are found. A child may stand before its parent in the list.",
        )
        yield tried(
            "everything, a year later",
            *((both, year(rng, [*both, other])) for both in ([mine, also], [mine])),
            hint="Five places: log, feedback (by key and by request), cache, stories, models (with "
            "all that came from them).",
        )

    yield from public_and_hidden(cases)
    mine, other, stranger = codes(rng, 3, 6)
    (request,) = codes(rng, 1, 6)
    line = {"request": request, "key": mine, "prompt": text()}
    theirs = {"request": request, "key": other, "rating": "down"}
    home = empty() | {"log": [line], "feedback": [theirs]}
    yield all_stays(
        "what it was handed, afterwards",
        student,
        rng,
        "erase",
        ([[mine], home], [empty(), []]),
        ([[stranger], home], [home, []]),
        hint="Build new lists, and leave those that were handed in: if all is not well, somebody "
        "has to compare.",
    )


def year(rng: Rng, keys: list[str]) -> Home:
    """Return a home in which several people left their traces."""
    everybody = [*keys, *codes(rng, 3, 6)]
    asks, tales, versions = codes(rng, 14, 6), codes(rng, 10, 5), codes(rng, 8)

    def who() -> str:
        return str(rng.choice(everybody))

    def text() -> str:
        return " ".join(str(word) for word in rng.choice(WORDS, 3))

    models: list[dict[str, Any]] = []
    for version in versions:
        parents: list[str | None] = [None, None, *(model["version"] for model in models[-3:])]
        parent = parents[int(rng.integers(len(parents)))]
        learnt = [str(tale) for tale in rng.permutation(tales)[: int(rng.integers(1, 3))]]
        models.append({"version": version, "stories": learnt, "from": parent})
    return {
        "log": [{"request": ask, "key": who(), "prompt": text()} for ask in asks],
        "feedback": [
            {"request": str(rng.choice(asks)), "key": who(), "rating": "up"} for _ in range(12)
        ],
        "cache": [
            {
                "prompt": text(),
                "text": text(),
                "keys": [str(key) for key in rng.permutation(everybody)[: int(rng.integers(3))]],
            }
            for _ in range(12)
        ],
        "stories": [
            {"story": tale, "key": None if rng.random() < 0.4 else who(), "text": text()}
            for tale in tales
        ],
        "models": [models[place] for place in rng.permutation(len(models))],
    }
