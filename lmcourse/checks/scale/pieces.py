"""The checks of byte-pair encoding."""

from collections.abc import Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, kind_of, kinds_in, public_and_hidden

Pairs = list[tuple[int, int]]

BANANA = list(b"aaabdaaabac")


def _text(rng: Rng, words: int = 60) -> list[int]:
    """Return bytes of a text of a few words over and over; some letters take two bytes."""
    letters = [*"abcdefgh", "é", "ß"]
    known = ["".join(rng.choice(letters, size=rng.integers(1, 6))) for _ in range(12)]
    return list(" ".join(rng.choice(known, size=words)).encode())


def _any_bytes(rng: Rng, size: int) -> list[int]:
    return [int(byte) for byte in rng.integers(0, 256, size)]


def _few_bytes(rng: Rng, size: int) -> list[int]:
    """Return bytes of only three kinds, so that equal ones often stand side by side."""
    kinds = rng.integers(0, 256, 3)
    return [int(byte) for byte in rng.choice(kinds, size)]


def _pairs(given: Any) -> Pairs:
    return [(int(left), int(right)) for left, right in given]


@exercise("09_scale", "train_bpe", points=3, names=("train_bpe", "merge"))
def train_bpe(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the first pair of aaabdaaabac",
        lambda: _pairs(student.train_bpe(BANANA, 1)),
        [(97, 97)],
        hint="Count all neighbours, zip(ids, ids[1:]), and take the pair that occurs most often. "
        "Return a list with one pair of two ints for each merge, not the counts.",
    )
    yield case(
        "what merge([7, 1, 2, 7, 1, 1], (7, 1), 300) gives",
        lambda: student.merge([7, 1, 2, 7, 1, 1], (7, 1), 300),
        [300, 2, 300, 1],
        hint="Go from left to right. Where a token and the one behind it are the pair, the new "
        "token stands for both, and you go on two positions further; else keep the one token.",
    )
    yield case(
        "what merge gives where the pair overlaps itself",
        lambda: [student.merge([7] * size, (7, 7), 256) for size in range(6)],
        [[], [7], [256], [256, 7], [256, 256], [256, 256, 7]],
        hint="From left to right: of three in a row the first two are merged, and the third is "
        "left. A list may also be empty, and its last token must not be lost.",
    )
    yield case(
        "the kind of what comes back, and what kind of thing stands for a pair",
        lambda: [
            student.probe(kind_of, student.train_bpe, BANANA, 3),
            student.probe(kinds_in, student.train_bpe, BANANA, 3),
        ],
        ["list", ["tuple"]],
        hint="A list with a tuple for each merge, [(97, 97), (97, 98), ...]: no lists in it, and "
        "no dictionary.",
        form=True,
    )
    yield case(
        "three pairs of aaabdaaabac",
        lambda: _pairs(student.train_bpe(BANANA, 3)),
        [(97, 97), (97, 98), (256, 257)],
        hint="After each merge count again, in the new list: the pair at position k of the result "
        "makes the token 256 + k, which can itself be part of a pair. Of pairs that are equally "
        "frequent take the smallest: (97, 98) before (256, 97).",
    )
    yield case(
        "a tie, where the larger pair comes first in the text",
        lambda: _pairs(student.train_bpe([9, 8, 1, 9, 8, 2, 3, 4, 5, 3, 4], 1)),
        [(3, 4)],
        hint="Of pairs that occur equally often take the smallest one, as Python compares tuples, "
        "not the one that comes first: min over (-count, pair).",
    )
    yield case(
        "a run of three: its pair counts twice",
        lambda: _pairs(student.train_bpe([9, 9, 9, 1, 2], 4)),
        [(9, 9)],
        hint="Every two neighbours count, those that overlap too: 9, 9, 9 has the pair (9, 9) "
        "twice. Then stop: no other pair occurs twice.",
    )
    yield case(
        "texts in which no pair occurs twice",
        lambda: [_pairs(student.train_bpe(ids, 5)) for ids in ([], [5], [5, 6, 7, 8])],
        [[], [], []],
        hint="Stop as soon as the most frequent pair occurs only once, or when there is none at "
        "all, as in a list of no token or one.",
    )
    yield case(
        "the pairs of aaabdaaabac for merges = 0 and merges = 1",
        lambda: [_pairs(student.train_bpe(BANANA, merges)) for merges in (0, 1)],
        [[], [(97, 97)]],
        hint="With merges = 0 nothing is learnt: ask whether there are enough pairs before you "
        "take another one, not after it.",
    )
    ids = _text(rng)
    yield arguments_stay(
        "the list that was given to merge: as it was",
        student,
        "merge",
        ids,
        reference.train_bpe(ids, 1)[0],
        256,
        hint="merge makes a new list: what it is given is the caller's, and is needed again.",
    )
    yield arguments_stay(
        "the list that was given: as it was",
        student,
        "train_bpe",
        ids,
        5,
        hint="The list is the caller's own: make new ones, and do not write into it.",
    )

    def random_texts() -> Iterator[Case]:
        merges = int(rng.integers(20, 40))
        for name, text in {
            "words": _text(rng),
            "bytes of three kinds": _few_bytes(rng, 200),
        }.items():
            want = _pairs(reference.train_bpe(text, merges))
            yield case(
                f"{name}, drawn at random, with many merges",
                lambda text=text: _pairs(student.train_bpe(text, merges)),  # type: ignore[misc]
                want,
                hint="Each time: count all neighbours of the list as it is now, take the most "
                "frequent pair (the smallest of several), put the next new token in its place from "
                "left to right. After `merges` pairs it is done.",
                points=2.0,
            )

    yield from public_and_hidden(random_texts)


@exercise("09_scale", "bpe_encode", points=3, names=("bpe_encode", "bpe_decode"))
def bpe_encode(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    pairs: Pairs = [(97, 97), (97, 98), (256, 257)]
    yield case(
        "aaab with three pairs",
        lambda: list(student.bpe_encode(list(b"aaab"), pairs)),
        [258],
        hint="For each pair of the list in turn, merge it all through the tokens. The pair at "
        "position k makes the token 256 + k.",
    )
    yield case(
        "abc, where bc was learnt before ab",
        lambda: list(student.bpe_encode(list(b"abcab"), [(98, 99), (97, 98)])),
        [97, 256, 257],
        hint="The merges come in the order in which they were learnt, each all through the list: "
        "not from left to right whatever fits first, and not the longest piece.",
    )
    yield case(
        "bytes that no pair fits",
        lambda: [list(student.bpe_encode(ids, pairs)) for ids in ([], [200], [255, 0, 128])],
        [[], [200], [255, 0, 128]],
        hint="A byte that belongs to no pair stays as it is, and an empty list is empty.",
    )
    yield case(
        "the bytes of the tokens 258 and 99",
        lambda: list(student.bpe_decode([258, 99], pairs)),
        [97, 97, 97, 98, 99],
        hint="A token below 256 is the byte itself. The token 256 + k stands for the two tokens of "
        "pair k, which may stand for several bytes each, down to the bytes, all in one flat list.",
    )
    text = _text(rng)
    learnt = _pairs(reference.train_bpe(text, 25))
    yield arguments_stay(
        "the lists that were given: as they were",
        student,
        "bpe_encode",
        text,
        learnt,
        hint="Begin with a copy, tokens = list(ids): the lists are the caller's own.",
    )
    tokens = [int(token) for token in rng.integers(0, 256 + len(learnt), 30)]
    yield arguments_stay(
        "the tokens and pairs that were given to bpe_decode: as they were",
        student,
        "bpe_decode",
        tokens,
        learnt,
        hint="The lists are the caller's own: do not append to them or take out of them.",
    )
    yield case(
        "the kinds of both results, and of what is in them",
        lambda: [
            student.probe(of, function, given, learnt)
            for function, given in ((student.bpe_encode, text), (student.bpe_decode, tokens))
            for of in (kind_of, kinds_in)
        ],
        ["list", ["int"]] * 2,
        hint="Both return a flat list of plain ints: no lists in it, no bytes and no tensors.",
        form=True,
    )

    def others() -> Iterator[Case]:
        # As many pairs as before, and other ones.
        learnt = _pairs(reference.train_bpe(_text(rng), 25))
        other = _text(rng) + _any_bytes(rng, 20)
        yield case(
            "a text, with pairs from another one",
            lambda: list(student.bpe_encode(other, learnt)),
            list(reference.bpe_encode(other, learnt)),
            hint="For k, pair in enumerate(pairs): merge the pair all through the tokens, from "
            "left to right. It makes the token 256 + k, also where pairs before it did not occur.",
            points=2.0,
        )
        few = _few_bytes(rng, 120)
        own = _pairs(reference.train_bpe(few, 15))
        again = [int(byte) for byte in rng.permutation(few)]
        yield case(
            "bytes of three kinds, in another order",
            lambda: list(student.bpe_encode(again, own)),
            list(reference.bpe_encode(again, own)),
            hint="Where a pair overlaps itself, the left one is merged: 7, 7, 7 becomes 256, 7.",
            points=2.0,
        )
        anything = _any_bytes(rng, 80)
        yield case(
            "there and back, with bytes that are no text",
            lambda: [
                list(student.bpe_decode(list(student.bpe_encode(ids, learnt)), learnt))
                for ids in (anything, other)
            ],
            [anything, other],
            hint="bpe_decode undoes bpe_encode for any bytes, in their order.",
        )
        drawn = [int(token) for token in rng.integers(0, 256 + len(learnt), 40)]
        yield case(
            "the bytes of any tokens",
            lambda: list(student.bpe_decode(drawn, learnt)),
            list(reference.bpe_decode(drawn, learnt)),
            hint="Each token becomes its own bytes, one after the other. They need not be a text.",
        )

    yield from public_and_hidden(others)
