"""Checks of lesson 00: what a language model is."""

from collections.abc import Iterator
from typing import Any

import torch

from lmcourse.checks import Case, Rng, case, exercise, integers, normal, probe
from lmcourse.student import Student

LESSON = "00_start"

Shape = tuple[int, ...]

SCRIPT = [
    ("i need ", "Why do you need {}?"),
    ("i am ", "How long have you been {}?"),
    ("because ", "Is that the real reason?"),
    ("my ", "Tell me more about your {}."),
]


@exercise(LESSON, "lazy_guess", points=1, constant=True)
def lazy_guess(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "it gives a string back",
        lambda: type(student.lazy_guess("Once upon a ti")).__name__,
        "str",
        hint="hand the guess back with return; print only shows it",
    )
    yield case(
        "of one character",
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


@exercise(LESSON, "respond", points=3)
def respond(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(message: str, script: list[tuple[str, str]] = SCRIPT) -> Any:
        return student.respond(message, script)

    yield case(
        "it gives a string back",
        lambda: type(ask("i need a holiday")).__name__,
        "str",
        hint="hand the answer back with return; print only shows it",
    )
    yield case(
        "the first rule",
        lambda: ask("i need a holiday"),
        "Why do you need a holiday?",
        hint="look for the key before you swap anything, cut the message there with partition, and "
        "swap only what comes after the key; that goes into {}",
    )
    yield case(
        "capital letters",
        lambda: ask("I NEED a Holiday"),
        "Why do you need a holiday?",
        hint="make the message lower case before you look for a key",
    )
    yield case(
        "a mark at the end",
        lambda: ask(" I need a holiday. "),
        "Why do you need a holiday?",
        hint="strip spaces and the marks . ! ? off both ends before you look for a key",
    )
    yield case(
        "a mark in the middle",
        lambda: ask("I need a bun. It is late."),
        "Why do you need a bun. it is late?",
        hint="strip takes marks off the two ends alone; replace takes them out of the middle too",
    )
    yield case(
        "a key further on",
        lambda: ask("They say I need a rest"),
        "Why do you need a rest?",
        hint="the key may stand anywhere in the message: ask `key in message`",
    )
    yield case(
        "a rule further down",
        lambda: ask("My hat is too big!"),
        "Tell me more about your hat is too big.",
        hint='try every rule: "Please go on." comes after the loop, not inside it',
    )
    yield case(
        "you and I change places",
        lambda: ask("I am afraid of you and your hen"),
        "How long have you been afraid of me and my hen?",
        hint="send the part after the key through swap",
    )
    yield case(
        "a key that comes twice",
        lambda: ask("I sold my hat and my hen."),
        "Tell me more about your hat and your hen.",
        hint="take all that comes after the first place of the key, as partition does; split cuts "
        "at the second one too",
    )
    yield case(
        "two rules fit",
        lambda: ask("My hen knows that I am late"),
        "How long have you been late?",
        hint="the first rule of the script that fits wins, wherever its key is: return at once",
    )
    yield case(
        "an answer without {}",
        lambda: ask("Because it rains"),
        "Is that the real reason?",
        hint="answer.format(...) works for an answer without {} too: it comes back as it is",
    )
    yield case(
        "no rule fits",
        lambda: ask("It rains"),
        "Please go on.",
        hint='when no key is in the message, return "Please go on."',
    )
    baker = [("bread", "Fresh{}!"), ("cake ", "We have cake {}.")]
    yield case(
        "another script",
        lambda: ask("No cake for me", baker),
        "We have cake for you.",
        hint="loop over the argument script, not over DOCTOR",
    )
    yield case(
        "a mark in front",
        lambda: ask("...my hat", [(".", "A dot."), ("my ", "Your {}?")]),
        "Your hat?",
        hint="strip the front of the message too, not only its end: strip, not rstrip",
    )
    animals = ["hen", "toad", "mole", "goose", "lynx", "quail"]
    first, second, third = rng.permutation(animals)[:3].tolist()
    zoo = [(f"{first} ", "A {}"), (f"{second} ", "B {}"), (f"{third} ", "C {}")]
    messages = [f"The {name} is my friend?!" for name in (second, third, "bear")]
    want = [reference.respond(message, zoo) for message in messages]
    yield case(
        "a fresh script",
        lambda: [ask(message, zoo) for message in messages],
        want,
        hint="read the contract once more, step by step",
        hidden=True,
    )


@exercise(LESSON, "batch_shapes", points=3)
def batch_shapes(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(first: Shape, second: Shape) -> Any:
        return student.batch_shapes(first, second)

    def list_or_tuple(shape: Any) -> Any:
        return tuple(shape) if isinstance(shape, list) else shape

    yield case(
        "equal shapes",
        lambda: list_or_tuple(ask((2, 3), (2, 3))),
        (2, 3),
        hint="equal sizes stay, in the same order; return the shape after the loop, not inside it",
    )
    yield case(
        "it gives a tuple",
        lambda: ask((2, 3), (2, 3)),
        (2, 3),
        hint="return a tuple; tuple(shape) makes one of a list",
    )
    yield case(
        "a 1 on the right stretches",
        lambda: ask((2, 3), (2, 1)),
        (2, 3),
        hint="where one of the two sizes is 1, the other one wins, on whichever side it stands",
    )
    yield case(
        "a 1 on each side",
        lambda: ask((4, 1), (1, 5)),
        (4, 5),
        hint="where one of the two sizes is 1, the other one wins, on whichever side it stands",
    )
    yield case(
        "a shorter shape",
        lambda: ask((4, 3), (3,)),
        (4, 3),
        hint="line the shapes up from the right: put 1s in front of the shorter one",
    )
    yield case(
        "a shorter shape on the left",
        lambda: ask((5,), (2, 3, 1)),
        (2, 3, 5),
        hint="line the shapes up from the right: put 1s in front of the shorter one",
    )
    yield case(
        "a single number",
        lambda: ask((2, 3), ()),
        (2, 3),
        hint="the shape () is as short as can be: it gets a 1 for every size of the other",
    )
    yield case(
        "sizes that do not fit",
        lambda: ask((2, 3), (2, 4)),
        None,
        hint="two different sizes of which neither is 1 do not fit: return None",
    )
    yield case(
        "a size that divides the other",
        lambda: ask((4,), (2,)),
        None,
        hint="only a 1 stretches: 2 and 4 do not fit, although 4 is twice 2",
    )
    yield case(
        "sizes that would fit from the left",
        lambda: ask((4, 3), (4,)),
        None,
        hint="line the shapes up from the right: 3 meets 4 here, and that does not fit",
    )
    pairs: list[tuple[Shape, Shape]] = []
    for _ in range(6):
        full = [int(size) for size in rng.integers(2, 6, 3)]
        first = tuple(size if rng.random() < 0.6 else 1 for size in full)
        second = tuple(size if rng.random() < 0.6 else 1 for size in full)
        pairs.append((first, second[int(rng.integers(0, 3)) :]))
    pairs.append(((2, 5, 3), (int(rng.integers(6, 9)), 3)))
    wants = [reference.batch_shapes(first, second) for first, second in pairs]
    yield case(
        "fresh shapes",
        lambda: [ask(first, second) for first, second in pairs],
        wants,
        hint="line up from the right, let 1s stretch, refuse what does not fit",
        hidden=True,
    )


@exercise(LESSON, "one_hot", points=2)
def one_hot(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    ids = torch.tensor([2, 0])
    yield case(
        "the shape is (N, V)",
        lambda: tuple(student.one_hot(ids, 3).shape),
        (2, 3),
        hint="one row for each id, one column for each of the V characters: make the ids a column "
        "first, so that (N, 1) meets (V,)",
    )
    yield case(
        "V columns, used or not",
        lambda: tuple(student.one_hot(ids, 5).shape),
        (2, 5),
        hint="there are V columns even if no id reaches that far: use V, not the largest id",
    )
    yield case(
        "the numbers are float32",
        lambda: str(student.one_hot(ids, 3).dtype).removeprefix("torch."),
        "float32",
        hint="True and False become float32 with .float(); put brackets around the comparison "
        "first: (this == that).float()",
    )
    yield case(
        "two rows by hand",
        lambda: student.one_hot(ids, 3),
        torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        hint="row i has its single 1 in column ids[i]; ids 0 means the first column",
    )
    repeated = torch.tensor([1, 1, 0, 1])
    yield case(
        "an id that comes back",
        lambda: student.one_hot(repeated, 2),
        torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]),
        hint="every place in ids gets a row of its own, in the order of ids",
    )
    many = integers(rng, 9, 12)
    want = reference.one_hot(many, 9)
    yield case(
        "fresh ids",
        lambda: student.one_hot(many, 9),
        want,
        hint="row i has its single 1 in column ids[i]",
        hidden=True,
    )


@probe
def logits_afterwards(namespace: dict[str, Any], softmax: Any, logits: torch.Tensor) -> Any:
    """Return `logits` as the notebook's softmax leaves them."""
    softmax(logits)
    return logits


@exercise(LESSON, "softmax", points=3, forbidden=("softmax", "log_softmax", "softmin"))
def softmax(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    quarters = torch.tensor([0.25, 0.75])
    yield case(
        "a row by hand",
        lambda: student.softmax(torch.tensor([1.0, 3.0]).log()),
        quarters,
        hint="exp of every logit, divided by the sum of the exps; dim=-1 works for one row too; "
        "and max(dim=-1) gives two things: take its .values",
    )
    rows = normal(rng, 2, 3)
    yield case(
        "each row sums to one",
        lambda: student.softmax(rows).sum(dim=-1),
        torch.ones(2),
        hint="add up along the last dimension, and keep it: sum(dim=-1, keepdim=True)",
    )
    square = normal(rng, 3, 3)
    yield case(
        "each row of a square too",
        lambda: student.softmax(square).sum(dim=-1),
        torch.ones(3),
        hint="without keepdim=True the sums are a row, and row i is divided by the wrong sums",
    )
    blocks = torch.tensor([[[1.0, 3.0]], [[3.0, 1.0]]]).log()
    yield case(
        "three dimensions",
        lambda: student.softmax(blocks),
        torch.tensor([[[0.25, 0.75]], [[0.75, 0.25]]]),
        hint="the last dimension is dim=-1, however many there are in front of it",
    )
    large = torch.tensor([1.0, 3.0]).log() + 1000
    small = torch.tensor([1.0, 3.0]).log() - 1000
    for name, logits in (("huge logits", large), ("very negative logits", small)):
        yield case(
            name,
            lambda: student.softmax(logits),
            quarters,
            hint="subtract the largest logit before exp: it changes no probability",
            atol=1e-4,  # float32 near 1000 holds four decimals
        )
    uneven = torch.tensor([[0.0, 0.0], [1000.0, 1000.0]])
    yield case(
        "rows of very different size",
        lambda: student.softmax(uneven),
        torch.full((2, 2), 0.5),
        hint="subtract from each row its own largest logit: max(dim=-1, keepdim=True).values",
    )
    masked = torch.tensor([0.0, float("-inf"), 0.0])
    yield case(
        "minus infinity",
        lambda: student.softmax(masked),
        torch.tensor([0.5, 0.0, 0.5]),
        hint="exp of minus infinity is 0 by itself; do not replace or skip such entries",
    )
    scores = torch.tensor([2.0, 1.0, -1.0])
    yield case(
        "its argument stays as it was",
        lambda: student.probe(logits_afterwards, student.softmax, scores),
        scores,
        hint="-= changes the caller's own tensor: write `logits - ...` and keep that under a name",
    )
    random = 5 * normal(rng, 2, 3, 4)
    want = reference.softmax(random)
    yield case(
        "fresh logits",
        lambda: student.softmax(random),
        want,
        hint="exp, then divide by the sum over the last dimension",
        hidden=True,
    )


@exercise(LESSON, "gather_logprobs", points=2)
def gather_logprobs(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    table = torch.tensor([[-0.1, -2.5, -4.0], [-1.5, -0.5, -1.7]])
    ids = torch.tensor([2, 0])
    square = normal(rng, 3, 3)
    yield case(
        "the shape is (N,)",
        lambda: tuple(student.gather_logprobs(square, torch.tensor([2, 0, 0])).shape),
        (3,),
        hint="one number for each row: [:, ids] takes all rows for each id, but you want pairs: "
        "the rows torch.arange(N) with ids",
    )
    yield case(
        "two rows by hand",
        lambda: student.gather_logprobs(table, ids),
        torch.tensor([-4.0, -1.5]),
        hint="from row i take column ids[i], as it is: row first, then column, and not the largest",
    )
    last = torch.tensor([2, 2])
    yield case(
        "the same column twice",
        lambda: student.gather_logprobs(table, last),
        torch.tensor([-4.0, -1.7]),
        hint="from row i take column ids[i], also when an id comes back",
    )
    many = normal(rng, 6, 6)
    picks = integers(rng, 6, 6)
    want = reference.gather_logprobs(many, picks)
    yield case(
        "as many rows as columns",
        lambda: student.gather_logprobs(many, picks),
        want,
        hint="row first, then column: logprobs[rows, columns]",
    )
    single = normal(rng, 1, 5)
    pick = integers(rng, 5, 1)
    want_single = reference.gather_logprobs(single, pick)
    yield case(
        "a single row",
        lambda: student.gather_logprobs(single, pick),
        want_single,
        hint="with one row, the shape is still (N,): (1,)",
        hidden=True,
    )


QUESTIONS = (
    (
        "answer_1",
        "what a language model gives",
        "reread the definition in 'What comes next?'",
        "A probability for every character that could come next. Picking one is a second step.",
    ),
    (
        "answer_2",
        "the loss of a confident model",
        "reread 'What will good mean?': the surprise of p is -ln p, and the loss is its mean",
        "The model paid 0 and then ln 10 = 2.30, which makes 1.15 on average.",
    ),
    (
        "answer_3",
        "why the floor is not zero",
        "reread the part on the floor: think of the name of the hero",
        "The names were drawn by chance, so even the program that draws them cannot foresee them.",
    ),
    (
        "answer_4",
        "broadcasting",
        "line the two shapes up from the right, and put 1s in front of the shorter one",
        "(8, 1) meets (1, 5): both 1s stretch.",
    ),
    (
        "answer_5",
        "a very low temperature",
        "move the temperature slider to the left and watch the bars",
        "Divided by a small number, the gaps between the scores grow until the largest takes all.",
    ),
    (
        "answer_6",
        "what sets ELIZA apart",
        "reread 'How did people get from rules to nets?': where does the knowledge come from?",
        "Every rule of ELIZA was written by a person. A model's numbers come from data.",
    ),
)


@exercise(
    LESSON, "quiz", points=3, names=tuple(question[0] for question in QUESTIONS), constant=True
)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for name, title, hint, explain in QUESTIONS:
        want = getattr(reference, name)
        yield case(
            title,
            lambda: str(getattr(student, name)).strip(" ().").lower(),
            want,
            hint=hint,
            explain=explain,
            reveal=False,
        )
