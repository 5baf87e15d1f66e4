"""Checks of characters and their numbers: `build_vocab`, `encode` and `decode`."""

import string
from collections.abc import Callable, Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Raised, Student
from grader.checks.vocabulary import (
    arguments_stay,
    described,
    kind,
    public_and_hidden,
    same_as_reference,
)

LESSON = "01_data"


@exercise(LESSON, "build_vocab", points=1)
def build_vocab(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    a, b, c = sorted(rng.permutation(list(string.ascii_lowercase))[:3].tolist())
    yield case(
        "each character once",
        lambda: sorted(student.build_vocab(b + a + c + a + c + a)),
        [a, b, c],
        hint="one entry for each different character, not for each word: set(text)",
    )
    yield case(
        "capitals, spaces and line ends count",
        lambda: sorted(student.build_vocab(f"{a.upper()}{b}  {a}.\n{b}\t")),
        sorted([a.upper(), a, b, " ", ".", "\n", "\t"]),
        hint="leave nothing out and change nothing: 'A' is not 'a', and '\\n' is a character too",
    )
    foreign = rng.permutation(list("éßøñжщλΩ中文—…“”€😀"))[:6].tolist()
    yield case(
        "characters of all alphabets count",
        lambda: sorted(student.build_vocab("".join([a, *foreign, b]))),
        sorted([a, *foreign, b]),
        hint="take the characters from the text, not from a list of those that you expect",
    )
    yield case(
        "a list",
        lambda: kind(student.build_vocab(a + b)),
        "list",
        hint="return a list of characters, not one string or a set",
    )
    yield from same_as_reference(
        student,
        reference,
        "in order",
        lambda notebook, text: notebook.build_vocab(text),
        lambda: ["".join(chr(int(code)) for code in rng.integers(32, 123, 60))],
        hint="sorted(...) puts them in order; a set alone comes in another order in every run",
    )


def _some_letters(rng: Rng, count: int) -> list[str]:
    """Return so many different characters, sorted: letters, a space and a line end."""
    return sorted(["\n", " ", *rng.permutation(list(string.ascii_letters))[: count - 2].tolist()])


@exercise(LESSON, "encode", points=2)
def encode(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    chars = _some_letters(rng, 12)
    places = rng.permutation(12)[:5].tolist()
    text = "".join(chars[place] for place in places)
    yield case(
        "an int64 tensor, a number for each character",
        lambda: described(student.encode(text, chars)),
        "int64 tensor (5,)",
        hint="put your list of numbers into torch.tensor(numbers, dtype=torch.int64): ids are "
        "int64 in the whole course. (After a KeyError: does places lead from the character to its "
        "place, {'a': 0, ...}, and not the other way round? Did you change the text?)",
        points=0.5,
    )
    yield case(
        "five letters",
        lambda: student.encode(text, chars),
        torch.tensor(places),
        hint="the number of a character is its place in chars, counted from 0, not among the "
        "characters of this text",
    )
    yield case(
        "spaces and line ends",
        lambda: student.encode(f" {text} \n", chars),
        torch.tensor([1, *places, 1, 0]),
        hint="spaces and line ends are characters like all others, also at both ends of the text",
    )
    order = rng.permutation(12).tolist()
    yield case(
        "chars in another order",
        lambda: student.encode("".join(chars[place] for place in order), chars[::-1]),
        11 - torch.tensor(order),
        hint="take chars as it is, whatever its order: do not sort it",
    )
    unknown = next(char for char in string.ascii_lowercase if char not in chars)
    known = (rng.permutation(6) < 3).tolist()
    texts = [text + (chars[0] if good else unknown) + text for good in known]
    yield case(
        "an unknown character is an error, a known one is not",
        lambda: [_raises(lambda: student.encode(text, chars)) for text in texts],
        [not good for good in known],
        hint=f"{unknown!r} is not in chars: let the look-up fail, places[char], instead of leaving "
        "it out or inventing a number for it",
    )
    yield case(
        "an empty text",
        lambda: student.encode("", chars),
        torch.zeros(0, dtype=torch.int64),
        hint="say dtype=torch.int64: from an empty list torch makes float32",
        points=0.5,
    )
    vocab = [chr(code) for code in (*range(32, 97), *range(913, 930))]
    yield from same_as_reference(
        student,
        reference,
        "a random text",
        lambda notebook, text: notebook.encode(text, vocab),
        lambda: ["".join(vocab[int(i)] for i in rng.integers(0, len(vocab), 50))],
        hint="the place of each character in chars, in the order of the text",
    )


def _raises(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except Raised as error:
        if error.kind in ("NotImplementedError", "NotDefined"):
            raise
        return True
    return False


@exercise(LESSON, "decode", points=1)
def decode(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    chars = _some_letters(rng, 9)
    letters = (2 + rng.permutation(7)[:4]).tolist()
    word = "".join(chars[place] for place in letters)
    yield case(
        "one string",
        lambda: student.decode(torch.tensor(letters), chars),
        word,
        hint="look up chars[i] for each number and join with an empty string: ''.join(...). (After "
        "KeyError: tensor(2): a loop over a tensor gives tensors, which a list takes as an index "
        "and a dictionary does not.)",
    )
    yield case(
        "spaces and line ends",
        lambda: student.decode(torch.tensor([1, *letters, 1, 0, 1, 0, 0]), chars),
        f" {word} \n \n\n",
        hint="return every character as it is; and as often as it comes; do not strip anything",
    )
    yield case(
        "a plain list of numbers",
        lambda: student.decode([*letters, *letters], chars),
        word + word,
        hint="ids may be a list too: a loop takes both, .tolist() only a tensor",
    )
    yield case(
        "chars in another order",
        lambda: student.decode(torch.tensor([8 - place for place in letters]), chars[::-1]),
        word,
        hint="take chars as it is, whatever its order: do not sort it",
    )
    short: list[Any] = [torch.zeros(0, dtype=torch.int64), [], letters]
    yield case(
        "nothing",
        lambda: [student.decode(ids, chars) for ids in short],
        ["", "", word],
        hint="nothing in, '' out",
        points=0.5,
    )
    yield arguments_stay(
        "the ids stay as they were",
        student,
        "decode",
        letters,
        chars,
        hint="ids.pop takes numbers out of the caller's own list: go through it with a loop",
        points=0.5,
    )

    def there_and_back() -> Iterator[Case]:
        text = "".join(chars[int(i)] for i in rng.integers(0, len(chars), 30))
        ids = reference.encode(text, chars)
        yield case(
            "there and back",
            lambda: student.decode(ids, chars),
            text,
            hint="decode undoes encode: the same characters in the same order",
        )

    yield from public_and_hidden(there_and_back)
