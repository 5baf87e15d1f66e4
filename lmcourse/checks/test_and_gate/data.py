"""Checks of `check_data`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, kind, same_as_reference
from lmcourse.checks.test_and_gate.words import LETTERS, story, words

LESSON = "10_test_and_gate"
KEYS = ["foreign", "leaked", "repeated", "shifted"]
BLANKS = ["\t", "\r", "\u00a0", "\u2003"]
KNOWN = "\n ." + LETTERS + LETTERS.upper()
EXAMPLE = (["An owl.", "A fox!", "AN  owl."], ["a fox!", "A cat."])
CLEAN = (["A fox ran.", "A crow sang."], ["An owl sat."])

Corpus = tuple[list[str], list[str]]


@exercise(LESSON, "check_data", points=4)
def check_data(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def found(key: str, train: list[str], validation: list[str], *more: Any) -> Any:
        given = student.check_data(train, validation, *(more or (KNOWN, 1.0)))
        return given[key] if isinstance(given, dict) else given

    def corpus(train: int = 24, validation: int = 16) -> Corpus:
        known = words(rng, 400)
        stories = [story(rng, known, 5) for _ in range(train + validation)]
        return stories[:train], stories[train:]

    def a_few(of: list[str], least: int = 2) -> list[int]:
        count = int(rng.integers(least, least + 4))
        return sorted(int(place) for place in rng.choice(len(of), count, replace=False))

    yield case(
        "a dictionary of four lists",
        lambda: _kinds(student.check_data(*CLEAN, KNOWN, 1.0)),
        dict.fromkeys(KEYS, "list"),
        hint="return a dictionary with the keys leaked, repeated, foreign and shifted, each with "
        "a list",
        form=True,
    )
    yield case(
        "clean data",
        lambda: student.check_data(*CLEAN, KNOWN, 1.0),
        {key: [] for key in KEYS},
        hint="where nothing is wrong, all four lists are empty. foreign is what stands in the "
        "stories and not in characters. The limit here is 1, and no two shares differ by more: "
        "shares are from 0 to 1",
        points=0.5,
    )

    train, validation = corpus()
    leaks = a_few(validation)
    leaky = [train[int(rng.integers(len(train)))] if i in leaks else s for i, s in _of(validation)]
    leaky[leaks[-1]] = leaky[leaks[0]]
    yield case(
        "validation stories that stand in train",
        lambda: found("leaked", train, leaky),
        leaks,
        hint="leaked holds places in validation, counted from 0: those of the stories that stand "
        "in train too (compare plain form with plain form). One that validation holds twice has "
        "two places",
    )
    disguised = [
        _disguised(rng, train[int(rng.integers(len(train)))]) if i in leaks else s
        for i, s in _of(validation)
    ]
    yield case(
        "the same, with other capitals and other white space",
        lambda: found("leaked", train, disguised),
        leaks,
        hint="two stories are the same if they differ only in capitals and white space: compare "
        "the plain form of both sides, not the stories themselves",
    )

    train, validation = corpus()
    places = a_few(train[3:], 4)  # of three stories: one of them is there a third time
    repeats = [place + 3 for place in places]
    repeating = [
        _disguised(rng, train[int(rng.integers(3))]) if i in repeats else s for i, s in _of(train)
    ]
    yield case(
        "stories that train repeats",
        lambda: found("repeated", repeating, validation),
        repeats,
        hint="repeated holds the places in train of stories that stood there before, in plain "
        "form: the first of each is no repetition, the second and the third are",
    )
    twice = [*validation, validation[int(rng.integers(len(validation)))]]
    yield case(
        "a story that validation repeats: neither leaked nor repeated",
        lambda: [found("leaked", train, twice), found("repeated", train, twice)],
        [[], []],
        hint="leaked is about stories that train holds, repeated about train alone",
        points=0.5,
    )

    train, validation = corpus()
    strange = [chr(int(code)) for code in rng.choice(range(0xA1, 0x17F), 3, replace=False)]
    damaged = (
        _with(rng, _with(rng, train, strange[0]), strange[1]),
        _with(rng, _with(rng, validation, strange[2]), strange[1]),
    )
    yield case(
        "characters that the model does not know, on either side",
        lambda: found("foreign", *damaged),
        sorted(strange),
        hint="foreign holds each character once that stands in train or in validation, and not in "
        "characters; sorted",
    )
    blanks = sorted(str(blank) for blank in rng.permutation(BLANKS)[:3])
    spaced = _with(rng, _with(rng, train, blanks[0]), blanks[1]), _with(rng, validation, blanks[2])
    yield case(
        "white space that the model does not know",
        lambda: found("foreign", *spaced),
        blanks,
        hint="white space is made of characters too: whatever is not in characters is foreign, "
        "so look for it in the stories as they are, not in their plain forms",
        points=0.5,
    )
    gone = LETTERS[int(rng.integers(26))]
    yield case(
        "a smaller alphabet",
        lambda: found("foreign", *_corpus_with(gone), KNOWN.replace(gone, ""), 1.0),
        [gone],
        hint="which characters are known, the argument characters says, in its own capitals and "
        "small letters",
        points=0.5,
    )

    train, validation = corpus(40, 20)
    topic, everywhere, *rare = words(rng, 6, 7)
    many = int(rng.integers(11, 17))
    about = [f"{topic.capitalize()}, {s}" if i < many else s for i, s in _of(validation)]
    yield case(
        "a word that validation has far more often",
        lambda: found("shifted", train, about, KNOWN, 0.45),
        [topic],
        hint="for each word: the share of train stories that hold it, and the share of validation "
        "stories that do, with .lower() for a capital at the front and without punctuation. "
        "Shifted are those that differ by more than limit",
    )
    turned = [f"{s} {topic}." if i < 30 else s for i, s in _of(train)]
    yield case(
        "a word that train has far more often",
        lambda: found("shifted", turned, validation, KNOWN, 0.45),
        [topic],
        hint="a difference may go either way: take its abs(), over the words of both sides",
    )
    often = [f"{s} {' '.join([everywhere] * 9)}" if i < 8 else s for i, s in _of(train)]
    less = [f"{s} {everywhere}" if i < 4 else s for i, s in _of(validation)]
    yield case(
        "a word that some stories say nine times",
        lambda: found("shifted", often, less, KNOWN, 0.4),
        [],
        hint="count stories, not words: a story that says owl nine times counts once",
        points=0.5,
    )
    sizes = [f"{s} {rare[0]}" if i < 10 else s for i, s in _of(train)]
    fewer = [f"{s} {rare[0]}" if i < 5 else s for i, s in _of(validation)]
    yield case(
        "as often on both sides, though one side is smaller",
        lambda: found("shifted", sizes, fewer, KNOWN, 0.4),
        [],
        hint="shares, not counts: each side's count is divided by that side's number of stories",
        points=0.5,
    )
    yield case(
        "the contract's example",
        lambda: student.check_data(*EXAMPLE, KNOWN, 0.6),
        {"leaked": [0], "repeated": [2], "foreign": ["!"], "shifted": ["a", "an", "owl"]},
        hint="three stories in train, two in validation. A story that comes twice counts twice: "
        "owl is in two of the three",
        points=0.5,
    )
    again = [*train[:20], *[train[0]] * 20]
    yield case(
        "a story that train repeats many times",
        lambda: found("shifted", again, validation, KNOWN, 0.4),
        reference.check_data(again, validation, KNOWN, 0.4)["shifted"],
        hint="a share is over all stories of the list, those that came before included: a story "
        "that stands there twenty times counts twenty times",
    )
    near = [f"{s} {rare[1]}" if i < 4 else s for i, s in _of(validation)]
    near = [f"{s} {rare[2]}" if i < 6 else s for i, s in _of(near)]
    yield case(
        "the limit when none is given",
        lambda: student.check_data(train, near, KNOWN)["shifted"],
        reference.check_data(train, near, KNOWN)["shifted"],
        hint="keep the first line: limit=0.25",
        points=0.5,
    )
    yield case(
        "a smaller limit",
        lambda: found("shifted", train, near, KNOWN, 0.16),
        reference.check_data(train, near, KNOWN, 0.16)["shifted"],
        hint="the limit is the one that is given, however small",
        points=0.5,
    )
    untouched = arguments_stay(
        "your lists stay as they were",
        student,
        "check_data",
        leaky,
        validation,
        KNOWN,
        hint="make new lists; train and validation are the caller's",
        points=0.5,
    )
    yield replace(untouched, form=True)  # it says nothing of the answer

    def everything() -> tuple[list[str], list[str], str, float]:
        train, validation = corpus(30, 20)
        shared = words(rng, 3, 4)
        train = [f"{s} {shared[int(rng.integers(3))]}" for s in train]
        validation = [f"{s} {shared[0]}!" for s in validation]
        train += [_disguised(rng, train[i]) for i in a_few(train)]
        validation += [_disguised(rng, train[i]) for i in a_few(train)]
        return _with(rng, train, strange[0]), validation, KNOWN, float(rng.uniform(0.15, 0.3))

    yield from same_as_reference(
        student,
        reference,
        "all of it at once",
        lambda notebook, *corpus: notebook.check_data(*corpus),
        everything,
        hint="each list by itself is right; look at what one of them does to the others",
        points=2,
    )


def _corpus_with(letter: str) -> Corpus:
    """Return a small corpus in which `letter` stands."""
    return [f"One {letter}."], ["Two."]


def _of(stories: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(stories))


def _kinds(given: Any) -> Any:
    return given if given is None else {key: kind(value) for key, value in given.items()}


def _disguised(rng: Rng, text: str) -> str:
    """Return `text` with other capitals, and other white space between its words."""
    parts = text.upper().split() if rng.random() < 0.5 else text.lower().split()
    spaces = ["  ", "\n", " \n", " "]
    return "".join(part + spaces[int(rng.integers(4))] for part in parts)


def _with(rng: Rng, stories: list[str], character: str) -> list[str]:
    """Return `stories` with `character` in one of them."""
    place = int(rng.integers(len(stories)))
    middle = len(stories[place]) // 2
    new = stories[place][:middle] + character + stories[place][middle:]
    return [*stories[:place], new, *stories[place + 1 :]]
