"""Checks of lesson 01: cleaning, splitting, characters and numbers, entropy, batches."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from lmcourse.checks import Case, Rng, case, exercise, probe
from lmcourse.compare import describe
from lmcourse.student import Raised, Student

LESSON = "01_data"


@exercise(LESSON, "clean", points=3)
def clean(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "clean text stays as it is",
        lambda: student.clean('The fox sat.\n\n"Mine," he said.\n'),
        'The fox sat.\n\n"Mine," he said.\n',
        hint="text that is clean already must come back unchanged, its last line end included: "
        "split('\\n') and '\\n'.join keep it, splitlines() and strip() lose it",
        points=0.25,  # little, for it passes untouched
    )
    yield case(
        "no line end is added",
        lambda: student.clean("The fox sat.\nThe end."),
        "The fox sat.\nThe end.",
        hint="text that ends without a line end must not gain one: '\\n'.join(lines) puts them "
        "between the lines, + '\\n' puts one behind the last line too",
        points=0.25,
    )
    yield case(
        "Windows line ends",
        lambda: student.clean("one\r\ntwo\r\n\r\nthree"),
        "one\ntwo\n\nthree",
        hint="replace the pair \\r\\n by one \\n; replacing \\r by \\n leaves two line ends",
    )
    yield case(
        "non-breaking spaces",
        lambda: student.clean("a\u00a0proud\u00a0fox"),
        "a proud fox",
        hint="replace '\\u00a0' by an ordinary space ('\\xa0' is the same character)",
    )
    yield case(
        "curly double quotes",
        lambda: student.clean("\u201cMine,\u201d he said."),
        '"Mine," he said.',
        hint='both double quotes, “ and ”, become a straight "',
    )
    yield case(
        "curly single quotes",
        lambda: student.clean("\u2018Mine\u2019, and it\u2019s not."),
        "'Mine', and it's not.",
        hint="both single quotes, ‘ and ’, become a straight '; the second is an apostrophe too",
    )
    yield case(
        "spaces at the end of lines",
        lambda: student.clean("one \ntwo   \n  \nthree"),
        "one\ntwo\n\nthree",
        hint="take the spaces off the end of every line, not only of the whole text: "
        "split into lines first",
    )
    yield case(
        "spaces at the start of a line stay",
        lambda: student.clean("a verse:\n    and its second line"),
        "a verse:\n    and its second line",
        hint="only the end of a line loses its spaces: rstrip, not strip",
        points=0.25,
    )
    yield case(
        "page marks",
        lambda: student.clean("the fox\n[page 12]\nsat down"),
        "the fox\nsat down",
        hint="a page mark goes with its line end: leave the line out, do not make it empty",
    )
    yield case(
        "a page mark with another number",
        lambda: student.clean("the fox\n[page iv]\nsat down"),
        "the fox\nsat down",
        hint="between '[page ' and ']' may stand anything, not digits alone",
        points=0.5,
    )
    yield case(
        "a line that only mentions a page stays",
        lambda: student.clean("He opened [page 12]\n[page 3] was torn.\nsee [page 4] below"),
        "He opened [page 12]\n[page 3] was torn.\nsee [page 4] below",
        hint="a page mark is a whole line: it starts with '[page ' and it ends with ']'",
        points=0.25,
    )
    yield case(
        "a page mark with spaces of both kinds behind it",
        lambda: student.clean("the fox\r\n[page 12]\u00a0 \r\nsat\u00a0\r\ndown"),
        "the fox\nsat\ndown",
        hint="order matters: first the characters, then the spaces at the ends of lines, then the "
        "page marks",
    )
    yield case(
        "nothing else changes",
        lambda: student.clean("one\t\ntwo\rthree\n"),
        "one\t\ntwo\rthree\n",
        hint="repair only what the table names: rstrip() takes tabs too, rstrip(' ') spaces alone; "
        "replace the pair \\r\\n, for a \\r on its own stays",
        points=0.25,
    )
    for number in (1, 2):
        text = _wild_text(rng)
        want = reference.clean(text)
        yield case(
            f"everything at once, {number}",
            lambda: student.clean(text),
            want,
            hint="all rules together",
            hidden=True,
        )
    yield case(
        "an empty text",
        lambda: student.clean(""),
        "",
        hint="'' stays ''",
        points=0.5,
        hidden=True,
    )


def _wild_text(rng: Rng) -> str:
    parts = (
        "fox",
        "\u201cno\u201d",
        "it\u2019s",
        "\u2018so\u2019",
        "[page 9]",
        "page",
        "\u00a0",
        " ",
        "",
    )
    ends = ("\r\n", "\n", " \r\n", "\u00a0\n", "\r\n[page 31]\r\n", "\r\n\r\n")
    out = []
    for _ in range(12):
        words = [parts[int(i)] for i in rng.integers(0, len(parts), 4)]
        out.append(" ".join(words) + "." + ends[int(rng.integers(0, len(ends)))])
    return "".join(out)


@exercise(LESSON, "split", points=4)
def split(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    stories = [f"Story {number}." for number in rng.permutation(40)]
    seed = int(rng.integers(1, 10**6))
    yield case(
        "two lists",
        lambda: [type(part).__name__ for part in student.split(stories)],
        ["list", "list"],
        hint="return train, validation: two lists of stories; and shuffle changes a list in place "
        "and returns None, so keep the list, not what shuffle returns",
        points=0.5,
    )
    yield case(
        "their sizes",
        lambda: _sizes(student.split(stories, fraction=0.67)),
        [27, 13],
        hint="train comes first and gets round(fraction * number of stories): round, not int, "
        "which drops what is behind the point",
    )
    yield case(
        "nothing lost",
        lambda: sorted(_joined(student.split(stories))),
        sorted(stories),
        hint="every story belongs to one of the two sides",
    )
    yield case(
        "shuffled",
        lambda: _is_shuffled(student.split(stories, fraction=0.5), stories),
        True,
        hint="shuffle before you cut: the end of a collection is seldom like its beginning",
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
        lambda: _is_same([student.split(stories, seed=seed) for _ in range(2)]),
        True,
        hint="shuffle with random.Random(seed), which starts from the seed every time",
    )
    yield case(
        "another seed gives another split",
        lambda: student.split(stories, 0.5, seed) == student.split(stories, 0.5, seed + 1),
        False,
        hint="the shuffle has to start from the argument seed, not from a fixed number",
    )
    repeated = [stories[int(i)] for i in rng.permutation(40) % 16]
    yield case(
        "repeated stories: none on both sides",
        lambda: len(_on_one_side(student.split(repeated, 0.5, seed))),
        16,
        hint="a repeated story went to both sides: keep one copy of each before you shuffle",
    )
    yield case(
        "repeated stories: each kept once",
        lambda: sorted(_joined(student.split(repeated, 0.5, seed))),
        sorted(set(repeated)),
        hint="each different story stands in the result exactly once: drop the copies everywhere",
    )
    yield case(
        "repeated stories: sizes",
        lambda: _sizes(student.split(repeated, 0.75, seed)),
        [12, 4],
        hint="fraction is a share of the different stories: drop the copies first, then cut",
    )
    yield case(
        "the same split in another run of Python",
        lambda: student.probe(same_in_another_run, stories),
        True,
        hint="a set has another order in every run of Python: list(dict.fromkeys(stories)) drops "
        "copies and keeps the order",
    )
    many = [f"Tale {number}." for number in rng.integers(0, 30, 90)]
    different = len(set(many))
    yield case(
        "many copies",
        lambda: _sizes(student.split(many, 0.8, seed)),
        [round(0.8 * different), different - round(0.8 * different)],
        hint="sizes, nothing lost, nothing shared",
        hidden=True,
    )


@probe
def list_after_split(namespace: dict[str, Any], stories: list[str]) -> list[str]:
    """Return the caller's list as `split` leaves it."""
    namespace["split"](stories)
    return stories


@probe
def same_in_another_run(namespace: dict[str, Any], stories: list[str]) -> bool:
    """Say whether `split` gives the same when strings hash to other numbers."""
    here = namespace["split"](stories)
    there = namespace["split"]([_ElsewhereHashed(story) for story in stories])
    return _is_same([here, there])


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


def _is_shuffled(parts: Any, stories: list[str]) -> bool:
    train = parts[0]
    return len(train) > 0 and sorted(train) != sorted(stories[: len(train)])


def _is_same(splits: list[Any]) -> bool:
    first, second = ([list(part) for part in parts] for parts in splits)
    return len(first[0]) > 0 and first == second


@exercise(LESSON, "build_vocab", points=1)
def build_vocab(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "each character once",
        lambda: sorted(student.build_vocab("banana")),
        ["a", "b", "n"],
        hint="one entry for each different character, not for each word: set(text)",
    )
    yield case(
        "capitals, spaces and line ends count",
        lambda: sorted(student.build_vocab("An ant.\nA bee.")),
        ["\n", " ", ".", "A", "a", "b", "e", "n", "t"],
        hint="leave nothing out and change nothing: 'A' is not 'a', and '\\n' is a character too",
    )
    yield case(
        "a list",
        lambda: type(student.build_vocab("banana")).__name__,
        "list",
        hint="return a list of characters, not one string or a set",
    )
    alphabet = [chr(code) for code in range(32, 123)]
    yield case(
        "in order",
        lambda: student.build_vocab("".join(reversed(alphabet))),
        alphabet,
        hint="sorted(...) puts them in order; a set alone comes in another order in every run",
    )
    text = "".join(chr(32 + int(code)) for code in rng.integers(0, 90, 60))
    yield case(
        "a random text",
        lambda: student.build_vocab(text),
        reference.build_vocab(text),
        hint="all different characters, sorted",
        hidden=True,
    )


@exercise(LESSON, "encode", points=2)
def encode(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    chars = ["a", "b", "c"]
    yield case(
        "a tensor comes back",
        lambda: isinstance(student.encode("cab", chars), torch.Tensor),
        True,
        hint="put your list of numbers into torch.tensor(...); after a KeyError: does places lead "
        "from the character to its place, {'a': 0, ...}, and not the other way round?",
    )
    yield case(
        "three letters",
        lambda: student.encode("cab", chars),
        torch.tensor([2, 0, 1]),
        hint="the number of a character is its place in chars, counted from 0",
    )
    yield case(
        "the numbers are int64",
        lambda: str(student.encode("cab", chars).dtype).removeprefix("torch."),
        "int64",
        hint="ids are int64 in the whole course: torch.tensor(numbers, dtype=torch.int64)",
    )
    yield case(
        "not every character occurs",
        lambda: student.encode("cc\n", ["\n", "a", "b", "c"]),
        torch.tensor([3, 3, 0]),
        hint="look the place up in chars, not among the characters of this text",
    )
    yield case(
        "an unknown character is an error",
        lambda: _raises(lambda: student.encode("abx", chars)),
        True,
        hint="'x' is not in chars: let the look-up fail, places[char], instead of inventing a "
        "number for it",
    )
    yield case(
        "an empty text",
        lambda: student.encode("", chars),
        torch.zeros(0, dtype=torch.int64),
        hint="say dtype=torch.int64: from an empty list torch makes float32",
    )
    vocab = [chr(code) for code in range(32, 97)]
    text = "".join(vocab[int(i)] for i in rng.integers(0, len(vocab), 50))
    yield case(
        "a random text",
        lambda: student.encode(text, vocab),
        reference.encode(text, vocab),
        hint="the place of each character in chars, in the order of the text",
        hidden=True,
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
    chars = ["\n", " ", "a", "b", "c"]
    yield case(
        "one string",
        lambda: student.decode(torch.tensor([4, 2, 3]), chars),
        "cab",
        hint="look up chars[i] for each number and join with an empty string: ''.join(...)",
    )
    yield case(
        "spaces and line ends",
        lambda: student.decode(torch.tensor([1, 2, 1, 3, 0, 0]), chars),
        " a b\n\n",
        hint="return every character as it is; do not strip anything",
    )
    yield case(
        "a plain list of numbers",
        lambda: student.decode([2, 2, 4], chars),
        "aac",
        hint="ids may be a list too: a loop takes both, .tolist() only a tensor",
    )
    text = "".join(chars[int(i)] for i in rng.integers(0, len(chars), 30))
    ids = reference.encode(text, chars)
    yield case(
        "there and back",
        lambda: student.decode(ids, chars),
        text,
        hint="decode undoes encode: the same characters in the same order",
    )
    yield case(
        "an empty text",
        lambda: student.decode(torch.zeros(0, dtype=torch.int64), chars),
        "",
        hint="nothing in, '' out",
        hidden=True,
    )


@exercise(LESSON, "entropy", points=2)
def entropy(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "one number",
        lambda: _kind(student.entropy(torch.tensor([0.25, 0.75]))),
        "one number",
        hint="return one number: multiply, then add up with .sum(); math.log takes one number, "
        "a tensor has its own .log()",
        points=0.25,
    )
    yield case(
        "never negative",
        lambda: bool(student.entropy(torch.full((4,), 0.25)) > 0),
        True,
        hint="the logarithm of a probability is negative; a minus sign makes it a surprise",
    )
    yield case(
        "four sides against two",
        lambda: student.entropy(torch.full((4,), 0.25)) / student.entropy(torch.full((2,), 0.5)),
        2.0,
        hint="add the terms up: the mean over V outcomes divides by V, but the probabilities "
        "weigh them already",
    )
    yield case(
        "a fair coin, in nats",
        lambda: student.entropy(torch.tensor([0.5, 0.5])),
        math.log(2),
        hint="nats come from the natural logarithm, log; log2 gives bits",
    )
    yield case(
        "a bent coin",
        lambda: student.entropy(torch.tensor([0.9, 0.1])),
        -0.9 * math.log(0.9) - 0.1 * math.log(0.1),
        hint="weigh the surprise of each outcome, -log p, by its probability p",
    )
    yield case(
        "what never happens",
        lambda: student.entropy(torch.tensor([0.0, 0.5, 0.5, 0.0])),
        math.log(2),
        hint="log(0) is -inf, and 0 times -inf is nan: leave out outcomes of probability 0",
    )
    yield case(
        "what seldom happens",
        lambda: student.entropy(torch.tensor([0.999, 0.001])),
        -0.999 * math.log(0.999) - 0.001 * math.log(0.001),
        hint="every probability above 0 counts, however small: the mask is probs > 0",
    )
    for V in (int(rng.integers(5, 12)), 65):
        weights = torch.from_numpy(rng.random(V))
        weights[int(rng.integers(0, V))] = 0
        probs = (weights / weights.sum()).float()
        yield case(
            f"{V} random probabilities, one of them zero",
            lambda: student.entropy(probs),
            reference.entropy(probs),
            hint="the sum of -p log p over all p above zero",
            hidden=V == 65,
        )


def _kind(value: Any) -> str:
    single = isinstance(value, int | float) or getattr(value, "shape", None) == ()
    return "one number" if single else describe(value)


@exercise(LESSON, "get_batch", points=3)
def get_batch(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # Every id occurs once, so that a window shows where it was cut. No id is its own place, and
    # what follows an id cannot be had by counting on from it.
    ids = torch.from_numpy(rng.permutation(10_000) + 20_000)
    place = {number: at for at, number in enumerate(ids.tolist())}
    seed = int(rng.integers(0, 2**31))

    def ask(batch: int, context: int, count: int = 10_000) -> Any:
        student.seed(seed)
        return student.get_batch(ids[:count], batch, context)

    def starts(batch: Any) -> list[int]:
        return [place.get(number, -1) for number in batch[0][:, 0].tolist()]

    def what_follows(left: Any, right: Any) -> str:
        """Compare each entry of `right` with what comes in `ids` after that of `left`."""
        for before, after in zip(left.flatten().tolist(), right.flatten().tolist(), strict=True):
            at = place.get(before, -1) + 1
            if place.get(after, -1) != at:
                truth = ids[at].item() if 0 < at < len(ids) else "nothing"
                return f"after {before} comes {truth} in ids, you have {after}"
        return "what follows in ids"

    def neighbours(x: Any) -> str:
        return what_follows(x[:, :-1], x[:, 1:])

    yield case(
        "two tensors of shape (batch, context)",
        lambda: [tuple(part.shape) for part in ask(4, 8)],
        [(4, 8), (4, 8)],
        hint="x and y have one row for each window: torch.stack puts windows under each other",
    )
    yield case(
        "numbers from the text",
        lambda: bool(torch.isin(ask(4, 8)[0], ids).all()),
        True,
        hint="a window holds ids, ids[start : start + context], not their places",
    )
    yield case(
        "each row is one stretch of text",
        lambda: neighbours(ask(4, 8)[0]),
        "what follows in ids",
        hint="a row is a stretch of neighbours: draw one start for each row, not one for each "
        "character",
    )
    yield case(
        "y is one ahead of x",
        lambda: what_follows(*ask(4, 8)),
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
    yield case(
        "two calls differ",
        lambda: _two_calls_differ(student, ids),
        True,
        hint="a second call should draw new windows: set no seed inside get_batch",
    )
    # Eight places to start: a right solution misses one of them in 1,000 draws with p < 1e-56.
    yield case(
        "every start, from the first to the last",
        lambda: sorted(set(starts(ask(1_000, 4, count=12)))),
        list(range(8)),
        hint="the last y must end with the last id, so starts run from 0 to N - context - 1; "
        "torch.randint leaves its upper end out: torch.randint(N - context, (batch,))",
    )
    yield case(
        "all starts equally likely",
        lambda: _is_even(starts(ask(1_000, 4, count=12)), places=8),
        True,
        hint="some start comes too often: draw from the N - context starts directly, without "
        "pushing the last ones back into the text",
    )
    short = ids[:6].tolist()
    yield case(
        "a text just long enough",
        lambda: [part.tolist() for part in ask(2, 5, count=6)],
        [[short[:5]] * 2, [short[1:]] * 2],
        hint="context + 1 characters hold exactly one window",
        hidden=True,
    )


def _is_even(draws: list[int], places: int) -> bool:
    """Say whether each of `places` was drawn about equally often, within six standard errors."""
    mean = len(draws) / places
    error = math.sqrt(mean * (1 - 1 / places))
    return all(abs(draws.count(place) - mean) < 6 * error for place in range(places))


def _two_calls_differ(student: Student, ids: torch.Tensor) -> bool:
    x, _ = student.get_batch(ids, 16, 4)
    again, _ = student.get_batch(ids, 16, 4)
    return not torch.equal(x, again)


CARD = ("training stories", "validation stories", "characters", "alphabet", "leaked")


@exercise(LESSON, "data_card", points=2)
def data_card(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    train, validation = ["a fox", "an owl", "a bee"], ["an owl", "a carp!"]
    yield case(
        "the five entries",
        lambda: sorted(student.data_card(train, validation)),
        sorted(CARD),
        hint="return a dictionary with exactly the five keys of the contract",
    )
    wants = {
        "training stories": (3, "the number of stories in train: len(train)"),
        "validation stories": (2, "the number of stories in validation: len(validation)"),
        "characters": (29, "the characters of the stories on both sides: sum the len of each"),
        "alphabet": (14, "the different characters of both sides together"),
        "leaked": (
            0.5,
            "the share, from 0 to 1, of the validation stories that train holds too: count them, "
            "then divide by the number of validation stories",
        ),
    }
    for key, (want, hint) in wants.items():
        yield case(key, lambda: student.data_card(train, validation)[key], want, hint=hint)
    twice = ["a fox", "a fox", "an owl"]
    yield case(
        "a story that validation holds twice",
        lambda: student.data_card(["a fox"], twice)["leaked"],
        2 / 3,
        hint="count validation stories, not different ones: a story that comes twice counts twice, "
        "above the line and below",
    )
    yield case(
        "both lists stay as they were",
        lambda: student.probe(lists_after_card, train, validation),
        [train, validation],
        hint="train += validation lengthens the caller's own list; train + validation makes a new "
        "one",
        points=0.5,
    )
    words = [f"tale {number}" for number in range(12)]
    left = [words[int(i)] for i in rng.permutation(12)[:9]]
    right = [words[int(i)] for i in rng.permutation(12)[:7]]
    yield case(
        "random stories",
        lambda: student.data_card(left, right),
        reference.data_card(left, right),
        hint="all five entries, from the lists that were given",
        hidden=True,
    )


@probe
def lists_after_card(
    namespace: dict[str, Any], train: list[str], validation: list[str]
) -> list[list[str]]:
    """Return the caller's two lists as `data_card` leaves them."""
    namespace["data_card"](train, validation)
    return [train, validation]


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
