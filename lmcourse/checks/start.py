"""Checks of lesson 00: what a language model is."""

from collections.abc import Iterator
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers, normal
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import (
    Question,
    arguments_stay,
    described,
    quiz,
    same_as_reference,
)

LESSON = "00_start"

Script = list[tuple[str, str]]
Shape = tuple[int, ...]


def _tensor(value: Any) -> str | None:
    """Return "tensor", or in words what `value` is instead, or None if there is no value."""
    return "tensor" if isinstance(value, torch.Tensor) else described(value)


@exercise(LESSON, "lazy_guess", points=1, constant=True)
def lazy_guess(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "one character",
        lambda: len(student.lazy_guess("Once upon a ti")),
        1,
        hint='a space is one character between two quotes: " "',
    )
    yield case(
        "which is the space",
        lambda: student.lazy_guess("Once upon a ti"),
        " ",
        hint="right or wrong, always guess the most frequent character: the space",
    )
    yield case(
        "whatever the text",
        lambda: [student.lazy_guess(text) for text in ("", "The proud hen", "7 plums ")],
        [" ", " ", " "],
        hint="the lazy guesser does not look at the text: the same answer every time",
    )


SCRIPT = [
    ("i need ", "Why do you need {}?"),
    ("i am ", "How long have you been {}?"),
    ("because ", "Is that the real reason?"),
    ("my ", "Tell me more about your {}."),
]
THINGS = ["hat", "bun", "pie", "lute", "lamp", "drum", "cart", "bell", "boot", "spoon", "candle"]
ANIMALS = ["hen", "toad", "mole", "goose", "lynx", "quail", "otter", "heron", "badger", "weasel"]
MOODS = ["tired", "late", "cold", "hungry", "clever", "lazy", "proud", "merry"]


@exercise(LESSON, "respond", points=3)
def respond(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    thing, other, third = rng.permutation(THINGS)[:3].tolist()
    animal, neighbor = rng.permutation(ANIMALS)[:2].tolist()
    mood = str(rng.choice(MOODS))

    def ask(message: str, script: Script = SCRIPT) -> Any:
        return student.respond(message, script)

    yield case(
        "a script of one rule",
        lambda: ask(f"{thing} or bed", [(thing, f"A {animal}!")]),
        f"A {animal}!",
        hint="go through the rules of the argument script, not of DOCTOR, and return the answer of "
        "the one whose key is in the message",
    )
    yield case(
        "what comes after the key",
        lambda: ask(f"because of a {thing}", [("because of ", "Really for {}?")]),
        f"Really for a {thing}?",
        hint="cut the message at the key, with partition, and put only what comes after the key, "
        "not the whole message, into the answer: answer.format(...)",
    )
    yield case(
        "the first rule",
        lambda: ask(f"i need a {thing}"),
        f"Why do you need a {thing}?",
        hint="look for the key before you swap anything, and swap only what comes after the key, "
        "not the rule's answer",
    )
    yield case(
        "capital letters",
        lambda: ask(f"I NEED a {thing.title()}"),
        f"Why do you need a {thing}?",
        hint="make the message lower case before you look for a key, and go on with that one",
    )
    one, two, three = rng.permutation([".", "!", "?"]).tolist()
    yield case(
        "marks at the end",
        lambda: ask(f" I need a {thing}{one} {two}{three} "),
        f"Why do you need a {thing}?",
        hint='strip spaces and the marks . ! ? off both ends, in any order: .strip(" .!?")',
    )
    yield case(
        "a comma at the end",
        lambda: ask(f"I need a {thing},"),
        f"Why do you need a {thing},?",
        hint="strip spaces and the marks . ! ? alone: any other mark stays",
    )
    yield case(
        "a mark in the middle",
        lambda: ask(f"I need a {thing}. It is {mood}."),
        f"Why do you need a {thing}. it is {mood}?",
        hint="strip takes marks off the two ends alone; replace takes them out of the middle too",
    )
    yield case(
        "a key further on",
        lambda: ask(f"They say I need a {thing}"),
        f"Why do you need a {thing}?",
        hint="the key may stand anywhere in the message: ask `key in message`. What stands before "
        "it is left out",
    )
    yield case(
        "a rule further down",
        lambda: ask(f"My {thing} is too big!"),
        f"Tell me more about your {thing} is too big.",
        hint='try every rule: "Please go on." comes after the loop, not inside it',
    )
    yield case(
        "a key inside a word",
        lambda: ask(f"Tommy is {mood}"),
        f"Tell me more about your is {mood}.",
        hint="the program knows nothing of words: ask `key in message`",
    )
    yield case(
        "no rule fits",
        lambda: [ask(f"My {animal}"), ask(f"The {animal} is {mood}"), ask(f"A {thing}", [])],
        [f"Tell me more about your {animal}.", "Please go on.", "Please go on."],
        hint='when no key is in the message, return "Please go on."',
    )
    yield case(
        "the space of a key",
        lambda: [ask(f"A mystery of my {thing}"), ask(f"A {thing} of mystery"), ask("It is my !")],
        [f"Tell me more about your {thing}.", "Please go on.", "Please go on."],
        hint='a key\'s space is part of it: "my " is not in "a mystery", nor in "it is my", '
        "once its end is stripped. Tidy the message first, and leave the key as it is",
    )
    yield case(
        "you and I change places",
        lambda: ask(f"I am afraid of you and your {animal}"),
        f"How long have you been afraid of me and my {animal}?",
        hint="send the part after the key through swap",
    )
    yield case(
        "a key that comes twice",
        lambda: ask(f"I sold my {thing} and my {animal}."),
        f"Tell me more about your {thing} and your {animal}.",
        hint="take all that comes after the first place of the key, as partition does; split cuts "
        "at the second one too",
    )
    yield case(
        "two rules fit",
        lambda: [
            ask(f"My {animal} knows that I am {mood}", script) for script in (SCRIPT, SCRIPT[::-1])
        ],
        [
            f"How long have you been {mood}?",
            f"Tell me more about your {animal} knows that you are {mood}.",
        ],
        hint="the first rule of the script that fits wins, wherever its key is and however long: "
        "return at once",
    )
    yield case(
        "an answer without {}",
        lambda: ask(f"Because it rains, {mood} {animal}", [("because ", f"A {thing}?")]),
        f"A {thing}?",
        hint="answer.format(...) works for an answer without {} too: it comes back as it is",
    )
    yield case(
        "spaces in front",
        lambda: ask(f"  My {thing} or my {other}", [(" my ", "Your {}?")]),
        f"Your {other}?",
        hint="strip the front of the message too, not only its end: strip, not rstrip",
    )
    yield case(
        "a key with a mark in it",
        lambda: ask(f"Not my {thing}", [("no. ", "No."), ("my ", "Your {}?")]),
        f"Your {thing}?",
        hint="a key is plain text: ask `key in message`; for re.search a dot is any character",
    )
    yield arguments_stay(
        "the script stays as it was",
        student,
        "respond",
        f"I am {mood}",
        SCRIPT,
        hint="pop and remove take rules out of the caller's own script, and the next message "
        "misses them: go through it with a `for` loop",
        points=0.5,
    )

    def script_and_messages() -> tuple[Script, list[str]]:
        first, second, last = rng.permutation(ANIMALS)[:3].tolist()
        zoo = [(f"{first} ", f"A {third} {{}}"), (f"{second} ", "B {}"), (f"{last} ", "C {}")]
        names = rng.permutation([second, last, "bear"]).tolist()
        return zoo, [f"The {name} is my {neighbor}?!" for name in names]

    yield from same_as_reference(
        student,
        reference,
        "a fresh script and three messages",
        lambda notebook, script, messages: [notebook.respond(each, script) for each in messages],
        script_and_messages,
        hint="read the contract once more, step by step",
    )


@exercise(LESSON, "batch_shapes", points=3)
def batch_shapes(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    a, b, c, d = rng.permutation([5, 6, 7, 8, 9, 11])[:4].tolist()  # none divides another

    def ask(*pairs: tuple[Shape, Shape]) -> list[Any]:
        return [student.batch_shapes(first, second) for first, second in pairs]

    yield case(
        "equal shapes",
        lambda: [
            tuple(shape) if isinstance(shape, list) else shape
            for shape in ask(((a, b), (a, b)), ((c, b, a), (c, b, a)))
        ],
        [(a, b), (c, b, a)],
        hint="equal sizes stay, as many and in the same order; return the shape after the loop, "
        "not inside it",
    )
    yield case(
        "it gives a tuple",
        lambda: ask(((a, b), (a, b))),
        [(a, b)],
        hint="return a tuple; tuple(shape) makes one of a list",
    )
    yield case(
        "a 1 stretches",
        lambda: ask(((a, b), (a, 1)), ((a, 1), (a, b)), ((a, 1), (1, b))),
        [(a, b), (a, b), (a, b)],
        hint="where one of the two sizes is 1, the other one wins, on whichever side it stands",
    )
    yield case(
        "a 1 meets a 1",
        lambda: ask(((1, a), (1, a)), ((1, a), (1, 1)), ((b, 1), (1, 1)), ((1, 1), (1, 1))),
        [(1, a), (1, a), (b, 1), (1, 1)],
        hint="two 1s are equal sizes: they make a 1, in front too, and none is left out",
    )
    yield case(
        "a shorter shape",
        lambda: ask(((a, b), (b,)), ((c,), (a, b, 1)), ((a, b, c, d), (c, d))),
        [(a, b), (a, b, c), (a, b, c, d)],
        hint="line the shapes up from the right: put 1s in front of the shorter one, whichever it "
        "is, until both are equally long",
    )
    yield case(
        "single numbers",
        lambda: ask(((a, b), ()), ((), (c,)), ((), ())),
        [(a, b), (c,), ()],
        hint="the shape () is as short as can be: it gets a 1 for every size of the other. Two of "
        "them fit, and make ()",
    )
    yield case(
        "sizes that do not fit",
        lambda: ask(((a, b), (a, c)), ((a, b), (1, b)), ((a, b), (c, b)), ((a, b, c), (d, c))),
        [None, (a, b), None, None],
        hint="two different sizes of which neither is 1 do not fit: return None, whichever their "
        "place",
    )
    yield case(
        "a size that divides the other",
        lambda: ask(((2 * a,), (a,)), ((a,), (3 * a,)), ((1,), (3 * a,))),
        [None, None, (3 * a,)],
        hint=f"only a 1 stretches: {a} and {2 * a} do not fit, although {2 * a} is twice {a}",
    )
    yield case(
        "sizes that would fit from the left",
        lambda: ask(((a, b), (a,)), ((a, b), (b,))),
        [None, (a, b)],
        hint="line the shapes up from the right: there the first two do not fit",
    )
    yield from same_as_reference(
        student,
        reference,
        "eight fresh pairs",
        lambda notebook, *pairs: [notebook.batch_shapes(first, second) for first, second in pairs],
        lambda: _pairs_of_shapes(rng),
        hint="line up from the right, let 1s stretch, refuse what does not fit",
    )


def _pairs_of_shapes(rng: Rng) -> list[tuple[Shape, Shape]]:
    """Return eight pairs of shapes, of which two do not fit, in any order."""
    pairs: list[tuple[Shape, Shape]] = []
    for number in range(8):
        full = [int(size) for size in rng.integers(2, 6, 3)]
        first = tuple(size if rng.random() < 0.6 else 1 for size in full)
        second = [size if rng.random() < 0.6 else 1 for size in full]
        if number < 2:  # a larger size meets one that is not 1
            first, second[number + 1] = tuple(full), 6
        short = tuple(second[int(rng.integers(0, 3)) if number > 1 else 1 :])
        pairs.append((first, short) if rng.random() < 0.5 else (short, first))
    return [pairs[i] for i in rng.permutation(8)]


@exercise(LESSON, "one_hot", points=2)
def one_hot(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 14))
    last = torch.tensor([V - 1])
    ids = torch.cat([torch.from_numpy(rng.permutation(V - 1)[:2]), last])  # all different
    yield case(
        "it gives a tensor",
        lambda: _tensor(student.one_hot(last, V)),
        "tensor",
        hint="return a tensor: torch.tensor(rows) makes one of a list of rows",
        points=0.25,
    )
    yield case(
        "the shape is (N, V)",
        lambda: tuple(student.one_hot(ids, V).shape),
        (3, V),
        hint="one row for each id, one column for each of the V characters: make the ids a column "
        "first, so that (N, 1) meets (V,)",
        form=True,
    )
    yield case(
        "V columns, used or not",
        lambda: tuple(student.one_hot(ids, V + 2).shape),
        (3, V + 2),
        hint="there are V columns even if no id reaches that far: use V, not the largest id",
    )
    yield case(
        "a single id",
        lambda: tuple(student.one_hot(last, V).shape),
        (1, V),
        hint="one id makes a table of one row, (1, V): do not squeeze it",
    )
    yield case(
        "the numbers are float32",
        lambda: str(student.one_hot(ids, V).dtype).removeprefix("torch."),
        "float32",
        hint="True and False become float32 with .float(); put brackets around the comparison "
        "first: (this == that).float()",
    )
    yield case(
        "three rows by hand",
        lambda: student.one_hot(ids, V),
        _rows_with_a_1(ids, V),
        hint="row i has its single 1 in column ids[i]; ids 0 means the first column",
    )
    repeated = ids[[0, 0, 2, 0, 1]]
    yield case(
        "an id that comes back",
        lambda: student.one_hot(repeated, V),
        _rows_with_a_1(repeated, V),
        hint="every place in ids gets a row of its own, in the order of ids",
    )
    yield arguments_stay(
        "the ids stay as they were",
        student,
        "one_hot",
        repeated,
        V,
        hint="a name that ends in _, such as unsqueeze_, changes the caller's own tensor: "
        "ids.unsqueeze(1) makes a new one",
        points=0.5,
    )
    yield from same_as_reference(
        student,
        reference,
        "fresh ids",
        lambda notebook, ids: notebook.one_hot(ids, V),
        lambda: [integers(rng, V, int(rng.integers(12, 20)))],
        hint="row i has its single 1 in column ids[i]",
    )


def _rows_with_a_1(ids: torch.Tensor, V: int) -> torch.Tensor:
    rows = torch.zeros(len(ids), V)
    for row, place in zip(rows, ids.tolist(), strict=True):
        row[place] = 1.0
    return rows


@exercise(LESSON, "softmax", points=3, forbidden=("softmax", "log_softmax", "softmin"))
def softmax(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(4, 12))

    def distributions(*shape: int) -> torch.Tensor:
        """Return probabilities, none of them tiny: (*shape, V)."""
        weights = torch.from_numpy(rng.uniform(1, 9, (*shape, V)))
        return (weights / weights.sum(dim=-1, keepdim=True)).float()

    yield case(
        "the shape of one row",
        lambda: tuple(student.softmax(normal(rng, V)).shape),
        (V,),
        hint="dim=-1 is the last dim of a single row too, dim=1 is not; and max(dim=-1) gives two "
        "things: take its .values",
        form=True,
    )
    probs = distributions()
    yield case(
        "a row by hand",
        lambda: student.softmax(probs.log() + 1.5),
        probs,
        hint="exp of every logit, divided by the sum of the exps: the scores here are logarithms, "
        "all raised by 1.5",
    )
    two = distributions(2)
    yield case(
        "two rows",
        lambda: student.softmax(two.log()),
        two,
        hint="each row is divided by its own sum: add up along the last dimension, and keep it: "
        "sum(dim=-1, keepdim=True)",
    )
    square = distributions(V)
    yield case(
        "as many rows as columns",
        lambda: student.softmax(square.log()),
        square,
        hint="without keepdim=True the sums are a row, and row i is divided by the wrong sums",
    )
    blocks = distributions(2, 3)
    yield case(
        "three dimensions",
        lambda: student.softmax(blocks.log()),
        blocks,
        hint="the last dimension is dim=-1, however many there are in front of it",
    )
    for name, shift in (("huge logits", 1000), ("very negative logits", -1000)):
        yield case(
            name,
            lambda: student.softmax(probs.log() + shift),
            probs,
            hint="subtract the largest logit before exp: it changes no probability",
            atol=1e-4,  # float32 near 1000 holds four decimals
        )
    best = int(rng.integers(V))
    alone = torch.zeros(V)
    alone[best] = 1000.0
    yield case(
        "one logit far above the others",
        lambda: student.softmax(alone),
        alone / 1000,
        hint="subtract the largest logit of the row, not its mean: then no exp is above 1",
    )
    yield case(
        "rows of very different size",
        lambda: student.softmax(two.log() + torch.tensor([[0.0], [1000.0]])),
        two,
        hint="subtract from each row its own largest logit: max(dim=-1, keepdim=True).values",
        atol=1e-4,
    )
    masked = probs.clone()
    masked[best] = 0
    yield case(
        "minus infinity",
        lambda: student.softmax(masked.log()),
        masked / masked.sum(),
        hint="exp of minus infinity is 0 by itself; do not replace or skip such entries",
    )
    yield arguments_stay(
        "its argument stays as it was",
        student,
        "softmax",
        normal(rng, 2, V),
        hint="-= changes the caller's own tensor: write `logits - ...` and keep that under a name",
    )
    yield from same_as_reference(
        student,
        reference,
        "fresh logits",
        lambda notebook, logits: notebook.softmax(logits),
        lambda: [5 * normal(rng, 2, int(rng.integers(3, 6)), 4)],
        hint="exp, then divide by the sum over the last dimension",
    )


@exercise(LESSON, "gather_logprobs", points=2)
def gather_logprobs(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(4, 12))
    square = normal(rng, V, V)
    yield case(
        "it gives a tensor",
        lambda: _tensor(student.gather_logprobs(square, integers(rng, V, V))),
        "tensor",
        hint="return a tensor: torch.tensor(numbers) makes one of a list of numbers, torch.stack "
        "one of a list of tensors",
        points=0.25,
    )
    yield case(
        "the shape is (N,)",
        lambda: tuple(student.gather_logprobs(square, integers(rng, V, V)).shape),
        (V,),
        hint="one number for each row: [:, ids] takes all rows for each id, but you want pairs: "
        "the rows torch.arange(N) with ids",
        form=True,
    )
    table = -torch.from_numpy(rng.permutation(2 * V) + 1).reshape(2, V) / 4
    lowest = table.argmin(dim=1)
    yield case(
        "two rows by hand",
        lambda: student.gather_logprobs(table, lowest),
        torch.stack([table[0].min(), table[1].min()]),
        hint="from row i take column ids[i], as it is: row first, then column, and not the largest",
    )
    last = torch.tensor([V - 1, V - 1])
    yield case(
        "the same column twice",
        lambda: student.gather_logprobs(table, last),
        torch.stack([table[0, -1], table[1, -1]]),
        hint="from row i take column ids[i], also when an id comes back",
    )
    yield case(
        "a single row",
        lambda: student.gather_logprobs(table[:1], last[:1]),
        table[0, -1:],
        hint="with one row, the shape is still (N,): (1,), not ()",
    )
    impossible = table.clone()
    impossible[[0, 1], [V - 1, 0]] = -torch.inf
    yield case(
        "minus infinity in a row",
        lambda: student.gather_logprobs(impossible, last),
        torch.stack([impossible[0, -1], impossible[1, -1]]),
        hint="pick the number and compute nothing with the others: 0 times minus infinity is nan",
        points=0.5,
    )
    yield arguments_stay(
        "its arguments stay as they were",
        student,
        "gather_logprobs",
        table,
        last,
        hint="-= and names that end in _ change the caller's own tensor",
        points=0.5,
    )
    picks = integers(rng, V, V)
    yield case(
        "as many rows as columns",
        lambda: student.gather_logprobs(square, picks),
        reference.gather_logprobs(square, picks),
        hint="row first, then column: logprobs[rows, columns]",
    )
    yield from same_as_reference(
        student,
        reference,
        "more rows than columns",
        lambda notebook, logprobs, ids: notebook.gather_logprobs(logprobs, ids),
        lambda: (normal(rng, 3 * V, V), integers(rng, V, 3 * V)),
        hint="row first, then column: logprobs[rows, columns]",
    )


quiz(
    LESSON,
    Question(
        "what a language model gives",
        hint="Reread the definition in 'What comes next?'.",
        explain="A probability for every character that could come next. Picking one is a second "
        "step.",
        wrong={
            "a": "An m is likely, but other letters may come: think of a tiger.",
            "c": "It looks one character ahead. A story comes of asking it again and again.",
            "d": "It does not judge what is there. It says something about what comes next.",
        },
    ),
    Question(
        "the loss of a confident model",
        hint="Reread 'What will good mean?': the surprise of p is -ln p, and the loss is its mean.",
        explain="The model paid 0 and then ln 10 = 2.30, which makes 1.15 on average.",
        wrong={
            "a": "That is the mean of the two probabilities. Take the surprise of each first.",
            "c": "That is the surprise of both together. The loss is a mean.",
            "d": "10 is one divided by the probability. The surprise is its logarithm.",
        },
    ),
    Question(
        "why the floor is not zero",
        hint="Reread the part on the floor: think of the name of the hero.",
        explain="The names were drawn by chance, so even the program that draws them cannot "
        "foresee them.",
        wrong={
            "a": "Rounding is far too small for that: it is in the seventh digit.",
            "b": "The floor is what is left however long one trains.",
            "c": "Stories without a single mistake have this floor as well.",
        },
    ),
    Question(
        "broadcasting",
        hint="Line the two shapes up from the right, and put 1s in front of the shorter one.",
        explain="(8, 1) meets (1, 5): both 1s stretch.",
        wrong={
            "b": "Shapes are compared from the right, so the 5 stays last.",
            "c": "The 1 does not stay: it stretches to what stands opposite.",
            "d": "They fit: a 1 goes with any size, and so does a missing dimension.",
        },
    ),
    Question(
        "a very low temperature",
        hint="Move the temperature slider to the left and watch the bars.",
        explain="Divided by a small number, the gaps between the scores grow until the largest "
        "takes all.",
        wrong={
            "a": "That is what happens when the temperature is very high.",
            "b": "That cannot be: they sum to 1 at any temperature.",
            "d": "At 1 nothing changes. What does a division by less than 1 do to the gaps "
            "between scores?",
        },
    ),
    Question(
        "what sets ELIZA apart",
        hint="Reread 'How did people get from rules to nets?': where does the knowledge come from?",
        explain="Every rule of ELIZA was written by a person. A model's numbers come from data.",
        wrong={
            "b": "ELIZA has no probabilities. It is the models of the coming lessons that have "
            "them.",
            "c": "It answers whatever it is told.",
            "d": "ELIZA looks for words and phrases. The first models of this course work on "
            "characters.",
        },
    ),
)
