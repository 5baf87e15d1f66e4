"""Checks of lesson 01: cleaning, splitting, characters and numbers, entropy, batches."""

import math
import string
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.compare import describe
from grader.checks.registry import exercise, probe
from grader.checks.student import Raised, Student

LESSON = "01_data"


def _kind(value: Any) -> str | None:
    """Return the name of the type of `value`, or None if there is no value."""
    return None if value is None else type(value).__name__


def _described(value: Any) -> str | None:
    """Return the kind and size of `value` in words, or None if there is no value."""
    return None if value is None else describe(value)


WORDS = ["fox", "owl", "bee", "carp", "crow", "mule", "newt", "toad", "wolf", "heron", "otter"]


@exercise(LESSON, "clean", points=3)
def clean(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    one, two, three, four = rng.permutation(WORDS)[:4].tolist()
    page = int(rng.integers(2, 1000))

    yield case(
        "clean text stays as it is",
        lambda: student.clean(f'The {one} sat.\n\n"Mine," {two} said.\n'),
        f'The {one} sat.\n\n"Mine," {two} said.\n',
        hint="text that is clean already must come back unchanged, with its empty lines and its "
        "last line end: split('\\n') and '\\n'.join keep it, splitlines() and strip() lose it",
        points=0.25,  # little, for it passes untouched
    )
    yield case(
        "no line end is added",
        lambda: student.clean(f"The {one} sat.\nThe {two}."),
        f"The {one} sat.\nThe {two}.",
        hint="text that ends without a line end must not gain one: '\\n'.join(lines) puts them "
        "between the lines, + '\\n' puts one behind the last line too",
        points=0.25,
    )
    yield case(
        "spaces between words stay",
        lambda: student.clean(f"a {one}  and a   {two}"),
        f"a {one}  and a   {two}",
        hint="several spaces between two words stay as many as they are: only those at the end of "
        "a line go. (split() without an argument loses them.)",
        points=0.25,
    )
    yield case(
        "Windows line ends",
        lambda: student.clean(f"{one}\r\n{two}\r\n\r\n{three}"),
        f"{one}\n{two}\n\n{three}",
        hint="replace the pair \\r\\n by one \\n; replacing \\r by \\n leaves two line ends",
    )
    yield case(
        "non-breaking spaces",
        lambda: student.clean(f"a\u00a0proud\u00a0{one}"),
        f"a proud {one}",
        hint="replace '\\u00a0' by an ordinary space ('\\xa0' is the same character)",
    )
    yield case(
        "curly double quotes",
        lambda: student.clean(f"\u201cMine,\u201d {one} said."),
        f'"Mine," {one} said.',
        hint='both double quotes, “ and ”, become a straight "',
    )
    yield case(
        "curly single quotes",
        lambda: student.clean(f"\u2018{one}\u2019, and it\u2019s not."),
        f"'{one}', and it's not.",
        hint="both single quotes, ‘ and ’, become a straight '; the second is an apostrophe too",
    )
    yield case(
        "spaces at the end of lines",
        lambda: student.clean(f"{one} \n{two}   \n  \n{three}"),
        f"{one}\n{two}\n\n{three}",
        hint="take the spaces off the end of every line, not only of the whole text: "
        "split into lines first",
    )
    yield case(
        "spaces at the end of the last line",
        lambda: student.clean(f"{one}\n{two}  "),
        f"{one}\n{two}",
        hint="the last line has no line end behind it, but its spaces go too: rstrip(' ') each "
        "line, where replacing ' \\n' misses the last one",
        points=0.5,
    )
    yield case(
        "spaces at the start of a line stay",
        lambda: student.clean(f"a {one}:\n    and its {two}"),
        f"a {one}:\n    and its {two}",
        hint="only the end of a line loses its spaces: rstrip, not strip",
        points=0.25,
    )
    yield case(
        "page marks",
        lambda: student.clean(f"[page {page}]\nthe {one}\n[page {page + 1}]\nsat down"),
        f"the {one}\nsat down",
        hint="a page mark goes with its line end: leave the line out, do not make it empty",
    )
    yield case(
        "a page mark with another number",
        lambda: student.clean(f"the {one}\n[page {two}]\nsat down"),
        f"the {one}\nsat down",
        hint="between '[page ' and ']' may stand anything, not digits alone",
        points=0.5,
    )
    yield case(
        "page marks below each other",
        lambda: student.clean(f"the {one}\n[page {page}]\n[page {page + 1}]\n\n[page]\n"),
        f"the {one}\n\n[page]\n",
        hint="each page mark goes, also when the line before or behind it is one; other lines stay",
        points=0.5,
    )
    mentions = (
        f"He opened [page {page}]\n[page 3] was {one}.\n  [page 5]\n[Page 6]\nsee [page 4] below"
    )
    yield case(
        "a line that only mentions a page stays",
        lambda: student.clean(mentions),
        mentions,
        hint="a page mark is a whole line: it starts with '[page ', with no space in front and "
        "with no capital, and it ends with ']'",
        points=0.25,
    )
    yield case(
        "a page mark with spaces of both kinds behind it",
        lambda: student.clean(f"the {one}\r\n[page {page}]\u00a0 \r\nsat\u00a0\r\ndown"),
        f"the {one}\nsat\ndown",
        hint="order matters: first the characters, then the spaces at the ends of lines, then the "
        "page marks",
    )
    yield case(
        "tabs and single carriage returns stay",
        lambda: student.clean(f"{one}\t\n{two}\r{three}\n"),
        f"{one}\t\n{two}\r{three}\n",
        hint="repair only what the table names: rstrip() takes tabs too, rstrip(' ') spaces alone; "
        "replace the pair \\r\\n, for a \\r on its own stays",
        points=0.25,
    )
    others = list("–—…«»„‚é`ß½\u2009\u200b\u000c")
    odd = "".join(f"{others[int(i)]}{four}" for i in rng.permutation(len(others)))
    yield case(
        "other characters stay",
        lambda: student.clean(odd),
        odd,
        hint="repair only what the table names: dashes, dots, accents, other quotes and other "
        "spaces stay as they are",
        points=0.25,
    )
    yield case(
        "an empty text",
        lambda: student.clean(""),
        "",
        hint="'' stays ''",
        points=0.25,
    )
    for hidden in (False, True):
        text = _wild_text(rng)
        yield case(
            "everything at once" + ", again" * hidden,
            lambda: student.clean(text),
            reference.clean(text),
            hint="all rules together",
            hidden=hidden,
        )


def _wild_text(rng: Rng) -> str:
    """Return twelve lines that need all repairs; no page mark ends the text without a line end."""
    parts = [*WORDS[:4], "\u201cno\u201d", "it\u2019s", "\u2018so\u2019", "[page 9]", "\u00a0", ""]
    ends = ["\r\n", "\n", " \r\n", "\u00a0\n", "\r\n\r\n", "\t\n"]
    lines = []
    for kind in rng.permutation(12):
        line = " ".join(parts[int(i)] for i in rng.integers(0, len(parts), 4))
        if kind < 3:
            line = f"[page {line}]"
        elif kind < 6:
            line = f"see {line}."
        lines.append(line + ends[int(rng.integers(0, len(ends)))])
    return "".join([*lines, "The end. "])


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
        lambda: [_kind(part) for part in student.split(stories)],
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
    yield case(
        "shuffled",
        lambda: sorted(sides(0.5)[0]) != list(range(round(0.5 * D))),
        True,
        hint="shuffle before you cut: the end of a collection is seldom like its beginning",
    )
    # Twenty splits, half to each side: about every second story parts from the one before it.
    yield case(
        "shuffled all through: how often neighbours part",
        lambda: sum(_partings(sides(0.5, number)) for number in range(20)) > 20 * (D - 1) / 4,
        True,
        hint="stories that stand beside each other stay together: shuffle the whole list, where "
        "turning it round or cutting a piece out leaves neighbours together",
    )
    yield case(
        "your list stays as it was",
        lambda: student.probe(list_after_split, stories),
        stories,
        hint="shuffle turned the caller's own list upside down: shuffle a copy, list(stories)",
        points=0.5,
    )
    yield case(
        "the same seed gives the same split",
        lambda: sides(0.5, seed) == sides(0.5, seed),
        True,
        hint="shuffle with random.Random(seed), which starts from the seed every time",
    )
    yield case(
        "another seed gives another split",
        lambda: sides(0.5, seed) == sides(0.5, seed + 1),
        False,
        hint="the shuffle has to start from the argument seed, not from a fixed number",
    )
    yield case(
        "the seed when none is given",
        lambda: sides(0.5) == sides(0.5, 0),
        True,
        hint="keep the first line: split(stories, fraction=0.9, seed=0)",
        points=0.5,
    )
    for hidden in (False, True):
        few = [*stories[: int(rng.integers(9, 17))], stories[0].upper(), stories[1] + " "]
        copies = [few[int(i)] for i in rng.integers(0, len(few), 30)]
        repeated = [[*few, *copies][int(i)] for i in rng.permutation(len(few) + 30)]
        cut = round(0.62 * len(few))
        again = ", again" * hidden
        yield case(
            "repeated stories: none on both sides" + again,
            lambda: sorted(_on_one_side(student.split(repeated, 0.5, seed))),
            sorted(few),
            hint="a repeated story went to both sides, or to none: keep one copy of each before "
            "you shuffle. (One that differs by a capital or a space is another story.)",
            hidden=hidden,
        )
        yield case(
            "repeated stories: each kept once" + again,
            lambda: sorted(_joined(student.split(repeated, 0.5, seed))),
            sorted(few),
            hint="each different story stands in the result exactly once: drop the copies "
            "everywhere",
            hidden=hidden,
        )
        yield case(
            "repeated stories: sizes" + again,
            lambda: _sizes(student.split(repeated, 0.62, seed)),
            [cut, len(few) - cut],
            hint="fraction is a share of the different stories: drop the copies first, then cut",
            hidden=hidden,
        )
    yield case(
        "the same split in another run of Python",
        lambda: _is_same(student.probe(splits_of_two_runs, stories), stories),
        True,
        hint="a set has another order in every run of Python: list(dict.fromkeys(stories)) drops "
        "copies and keeps the order",
    )


@probe
def list_after_split(namespace: dict[str, Any], stories: list[str]) -> list[str] | None:
    """Return the caller's list as `split` leaves it, or None if that gives nothing."""
    return None if namespace["split"](stories) is None else stories


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


def _is_same(splits: Any, stories: list[str]) -> bool:
    here, there = (_sides(parts, stories) for parts in splits)
    return here == there


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
        lambda: _kind(student.build_vocab(a + b)),
        "list",
        hint="return a list of characters, not one string or a set",
    )
    for hidden in (False, True):
        text = "".join(chr(int(code)) for code in rng.integers(32, 123, 60))
        yield case(
            "in order" + ", again" * hidden,
            lambda: student.build_vocab(text),
            reference.build_vocab(text),
            hint="sorted(...) puts them in order; a set alone comes in another order in every run",
            hidden=hidden,
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
        lambda: _described(student.encode(text, chars)),
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
    for hidden in (False, True):
        many = "".join(vocab[int(i)] for i in rng.integers(0, len(vocab), 50))
        yield case(
            "a random text" + ", again" * hidden,
            lambda: student.encode(many, vocab),
            reference.encode(many, vocab),
            hint="the place of each character in chars, in the order of the text",
            hidden=hidden,
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
    yield case(
        "the ids stay as they were",
        lambda: student.probe(ids_afterwards, student.decode, letters, chars),
        letters,
        hint="ids.pop takes numbers out of the caller's own list: go through it with a loop",
        points=0.5,
    )
    for hidden in (False, True):
        text = "".join(chars[int(i)] for i in rng.integers(0, len(chars), 30))
        ids = reference.encode(text, chars)
        yield case(
            "there and back" + ", again" * hidden,
            lambda: student.decode(ids, chars),
            text,
            hint="decode undoes encode: the same characters in the same order",
            hidden=hidden,
        )


@probe
def ids_afterwards(
    _: dict[str, Any], decode: Callable[..., str], ids: list[int], chars: list[str]
) -> list[int] | None:
    """Return the caller's list `ids` as `decode` leaves it, or None if that gives nothing."""
    return None if decode(ids, chars) is None else ids


@exercise(LESSON, "entropy", points=2)
def entropy(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 30))

    yield case(
        "one number",
        lambda: _one_number(student.entropy(torch.tensor([0.25, 0.75]))),
        "one number",
        hint="return one number, a float or a tensor of shape (): multiply, then add up with "
        ".sum(); math.log takes one number, a tensor has its own .log()",
        points=0.25,
    )
    yield case(
        "never negative",
        lambda: bool(student.entropy(torch.full((V,), 1 / V)) > 0),
        True,
        hint="the logarithm of a probability is negative; a minus sign makes it a surprise",
        points=0.25,
    )
    nats = math.log(V)
    yield case(
        "equally likely outcomes, in nats",
        lambda: student.entropy(torch.full((V,), 1 / V)),
        nats,
        hint=f"the sum of -p ln p. Of these {V} outcomes, {nats / V:.4g} is the mean of the terms: "
        f"they are weighed by p already, so add them up. {nats * V:.4g} is a sum without the "
        f"weights. {math.log2(V):.4g} is in bits, from log2. {V} is exp(entropy)",
    )
    p = rng.uniform(0.7, 0.95)
    yield case(
        "a bent coin",
        lambda: student.entropy(torch.tensor([p, 1 - p])),
        -p * math.log(p) - (1 - p) * math.log(1 - p),
        hint="weigh the surprise of each outcome, -log p, by its probability p",
    )
    gaps = torch.tensor([0.0, p, 0.0, 1 - p])[torch.from_numpy(rng.permutation(4))]
    yield case(
        "what never happens",
        lambda: student.entropy(gaps),
        -p * math.log(p) - (1 - p) * math.log(1 - p),
        hint="log(0) is -inf, and 0 times -inf is nan: leave out outcomes of probability 0",
    )
    rare = rng.uniform(0.0005, 0.002)
    yield case(
        "what seldom happens",
        lambda: student.entropy(torch.tensor([1 - rare, rare])),
        -(1 - rare) * math.log(1 - rare) - rare * math.log(rare),
        hint="every probability above 0 counts, however small: the mask is probs > 0",
    )
    yield case(
        "probs stays as it was",
        lambda: student.probe(probs_afterwards, student.entropy, gaps),
        gaps,
        hint="probs[probs == 0] = ... writes into the caller's own tensor: keep what you need "
        "under a new name, possible = probs[probs > 0]",
        points=0.5,
    )
    for hidden in (False, True):
        weights = torch.from_numpy(rng.random(65 if hidden else V))
        weights[int(rng.integers(len(weights)))] = 0
        probs = (weights / weights.sum()).float()
        yield case(
            "random probabilities, one of them zero" + ", again" * hidden,
            lambda: student.entropy(probs),
            reference.entropy(probs),
            hint="the sum of -p log p over all p above zero",
            hidden=hidden,
        )


def _one_number(value: Any) -> str | None:
    single = isinstance(value, int | float) or getattr(value, "shape", None) == ()
    return "one number" if single else _described(value)


@probe
def probs_afterwards(_: dict[str, Any], entropy: Callable[..., Any], probs: torch.Tensor) -> Any:
    """Return `probs` as the notebook's entropy leaves them, or None if that gives nothing."""
    return None if entropy(probs) is None else probs


@exercise(LESSON, "get_batch", points=3)
def get_batch(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # Every id occurs once, so that a window shows where it was cut. No id is its own place, and
    # what follows an id cannot be had by counting on from it.
    ids = torch.from_numpy(rng.choice(1_000_000, 10_000, replace=False) + 20_000)
    place = {number: at for at, number in enumerate(ids.tolist())}
    seed = int(rng.integers(0, 2**31))
    rows, length = (int(size) for size in 3 + rng.permutation(20)[:2])

    def ask(batch: int, context: int, count: int = 10_000) -> Any:
        student.seed(seed)
        return student.get_batch(ids[:count], batch, context)

    def starts(batch: Any) -> list[int]:
        return [place[number] for number in batch[0][:, 0].tolist()]

    def what_follows(left: Any, right: Any) -> str:
        """Compare each entry of `right` with what comes in `ids` after that of `left`."""
        for before, after in zip(left.flatten().tolist(), right.flatten().tolist(), strict=True):
            at = place[before] + 1
            if place.get(after, -1) != at:
                truth = ids[at].item() if at < len(ids) else "nothing"
                return f"after {before} comes {truth} in ids, you have {after}"
        return "what follows in ids"

    def neighbors(x: Any) -> str:
        return what_follows(x[:, :-1], x[:, 1:])

    for name, batch, context in (
        ("two tensors of shape (batch, context)", rows, length),
        ("a single row", 1, length),
        ("a context of one", rows, 1),
    ):
        yield case(
            name,
            lambda: [tuple(part.shape) for part in ask(batch, context)],
            [(batch, context)] * 2,
            hint="x and y have one row for each window, and keep their two dims: torch.stack puts "
            "windows under each other",
            points=0.5,
        )
    yield case(
        "the numbers are int64",
        lambda: [str(part.dtype).removeprefix("torch.") for part in ask(rows, length)],
        ["int64", "int64"],
        hint="x and y hold ids, which are int64 in the whole course",
        points=0.5,
    )
    yield case(
        "numbers from the text",
        lambda: bool(torch.isin(ask(rows, length)[0], ids).all()),
        True,
        hint="a window holds ids, ids[start : start + context], not their places",
    )
    yield case(
        "each row is one stretch of text",
        lambda: neighbors(ask(rows, length)[0]),
        "what follows in ids",
        hint="a row is a stretch of neighbours: draw one start for each row, not one for each "
        "character",
    )
    yield case(
        "y is one ahead of x",
        lambda: what_follows(*ask(rows, length)),
        "what follows in ids",
        hint="y is the same stretch of ids, begun one character later, from start + 1 on; the ids "
        "themselves do not count up, so x + 1 is something else",
    )
    yield case(
        "rows start at different places",
        lambda: len(set(starts(ask(64, 8)))) > 16,
        True,
        hint="draw a new random start for each of the batch rows",
    )
    # 9,992 places, 700 rows: a right solution draws no place twice with p < 1e-10.
    yield case(
        "two rows may start at the same place",
        lambda: len(set(starts(ask(700, 8)))) < 700,
        True,
        hint="draw each row's start on its own, with torch.randint: in a shuffled list of places "
        "none comes twice, and it runs out",
    )

    # 64 rows: in a right solution 31.5 rows on average, give or take 2.3, start later than the
    # row before them.
    yield case(
        "the rows stand in no order",
        lambda: 12 < sum(first < second for first, second in pairwise(starts(ask(64, 8)))) < 51,
        True,
        hint="leave the starts in the order in which they were drawn: once they are sorted, the "
        "first row is always from near the start of the text",
    )

    def two_calls() -> list[list[int]]:
        return [starts(student.get_batch(ids, 16, 4)) for _ in range(2)]

    yield case(
        "two calls differ",
        lambda: len({str(drawn) for drawn in two_calls()}),
        2,
        hint="a second call should draw new windows: set no seed inside get_batch",
    )
    # Eight places to start: a right solution misses one of them in 1,000 draws with p < 1e-56. In
    # 3,000 draws, one that comes half as often as it should is off by nine standard errors.
    yield case(
        "every start, from the first to the last",
        lambda: sorted(set(starts(ask(1_000, 4, count=12)))),
        list(range(8)),
        hint="the last y must end with the last id, so starts run from 0 to N - context - 1; "
        "torch.randint leaves its upper end out: torch.randint(N - context, (batch,))",
    )
    yield case(
        "all starts equally likely",
        lambda: _is_even(starts(ask(3_000, 4, count=12)), places=8),
        True,
        hint="some start comes too often or too seldom: draw from the N - context starts directly, "
        "with torch.randint, without rounding and without pushing the last ones back",
    )
    for count, hidden in ((length + 1, False), (length + 4, True)):
        short = ids[:count].tolist()
        yield case(
            "a text just long enough" if count == length + 1 else "another short text",
            lambda: [part.tolist() for part in ask(3, count - 1, count=count)],
            [[short[:-1]] * 3, [short[1:]] * 3],
            hint="context + 1 characters hold exactly one window",
            hidden=hidden,
        )


def _is_even(draws: list[int], places: int) -> bool:
    """Say whether each of `places` was drawn about equally often, within six standard errors."""
    mean = len(draws) / places
    error = math.sqrt(mean * (1 - 1 / places))
    return all(abs(draws.count(place) - mean) < 6 * error for place in range(places))


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
    yield case(
        "both lists stay as they were",
        lambda: student.probe(lists_after_card, train, validation),
        [train, validation],
        hint="train += validation lengthens the caller's own list; train + validation makes a new "
        "one",
        points=0.5,
    )
    for hidden in (False, True):
        tales = _tales(rng, 12)
        left, right = ([tales[int(i)] for i in rng.integers(0, 12, size)] for size in (9, 7))
        yield case(
            "random stories" + ", again" * hidden,
            lambda: student.data_card(left, right),
            reference.data_card(left, right),
            hint="all five entries, from the lists that were given",
            hidden=hidden,
        )


def _tales(rng: Rng, count: int) -> list[str]:
    """Return `count` different stories of a few characters each, with an alphabet of their own."""
    letters = rng.permutation(list(string.ascii_letters + " .,"))[: int(rng.integers(9, 30))]
    return [
        f"{number}" + "".join(rng.choice(letters, int(rng.integers(4, 20))).tolist())
        for number in rng.choice(10**4, count, replace=False)
    ]


@probe
def lists_after_card(
    namespace: dict[str, Any], train: list[str], validation: list[str]
) -> list[list[str]] | None:
    """Return the caller's two lists as `data_card` leaves them, or None if that gives nothing."""
    return None if namespace["data_card"](train, validation) is None else [train, validation]


QUESTIONS = (
    (
        "a loss below the floor",
        "reread 'How low can a model go?' and the parrot that follows it",
        "Nothing beats the source of the text. Below the floor, look for copies or a wrong sum.",
    ),
    (
        "clean first, or drop copies first",
        "reread 'Did the model see it before?': when are two strings equal?",
        "Copies that differ in one curly quote are different strings: clean, then drop copies.",
    ),
    (
        "two bits in nats",
        "reread 'How surprising is a letter?': a fair coin is one bit, or log(2) nats",
        "A bit is the smaller unit: one bit is log(2), about 0.693 nats; two are about 1.386.",
    ),
    (
        "the wrong letter frequencies",
        "reread 'What if the frequencies are wrong?'",
        "Cross-entropy is at least the text's own entropy, whatever frequencies you bring.",
    ),
    (
        "what y holds",
        "reread 'What does a model eat?': compare x and y side by side",
        "y is x, one character later: at each place, the character to be guessed.",
    ),
)


@exercise(
    LESSON,
    "quiz",
    points=len(QUESTIONS),
    names=tuple(f"answer_{number}" for number in range(1, len(QUESTIONS) + 1)),
    constant=True,
)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for number, (question, reread, why) in enumerate(QUESTIONS, start=1):
        answer = f"answer_{number}"
        yield case(
            f"question {number}: {question}",
            lambda: str(getattr(student, answer)).strip(" ().").lower(),
            getattr(reference, answer),
            hint=reread,
            explain=why,
            reveal=False,
        )
