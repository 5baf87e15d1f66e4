"""Checks of lesson 02: counting pairs, and contexts of any length."""

import math
import string
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import (
    answer_and_arguments,
    described,
    kind,
    kind_of,
    one_number,
    repeat,
)

LESSON = "02_bigrams"

NgramCounts = dict[str, dict[str, int]]


# ------------------------------------------------------------------------------ count_bigrams


@exercise(LESSON, "count_bigrams", points=2)
def count_bigrams(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # Every character, then the last one again: V pairs, all different.
    V = int(rng.integers(4, 20))
    each = torch.tensor([*rng.permutation(V - 1).tolist(), V - 1, V - 1])
    yield case(
        "the kind of the table: float32, V rows and V columns",
        lambda: described(student.count_bigrams(each, V)),
        f"float32 tensor ({V}, {V})",
        hint="The table is (V, V) and float32: .float() makes it so.",
        points=0.5,
    )
    yield case(
        "the sum of the table: how many pairs there are",
        lambda: float(student.count_bigrams(each, V).sum()),
        float(V),
        hint="N characters make N - 1 pairs: the first has nothing before it, the last pair "
        "counts too, and the end does not wrap round to the start. All counts start at 0.",
    )
    yield case(
        "each pair in its place",
        lambda: student.count_bigrams(each, V),
        _table_of_pairs(each, V),
        hint="The row is the first character of the pair, the column the second.",
    )
    one, other = rng.permutation(V)[:2].tolist()
    often = torch.tensor([one, other] * 3 + [one] * int(rng.integers(3, 6)) + [V - 1, V - 1])
    yield case(
        "pairs that come several times",
        lambda: student.count_bigrams(often, V),
        _table_of_pairs(often, V),
        hint="A pair that comes three times counts three. counts[rows, columns] += 1 with whole "
        "tensors of indices adds only once; use torch.bincount, or a loop.",
    )
    yield case(
        "characters that the text does not use",
        lambda: student.count_bigrams(each, V + 2),
        _table_of_pairs(each, V + 2),
        hint="The table has V rows and V columns whatever the text holds: with torch.bincount, "
        "give minlength=V * V.",
    )
    yield case(
        "a text of one character",
        lambda: student.count_bigrams(each[:1], V),
        torch.zeros(V, V),
        hint="One character makes no pair: every count is 0.",
    )
    yield case(
        "the ids stay as they were",
        lambda: student.probe(answer_and_arguments, student.count_bigrams, often, V),
        [_table_of_pairs(often, V), often, V],
        hint="ids[:-1] is a part of the caller's own tensor, so *= or += on it changes the text: "
        "first * V makes a new tensor.",
        points=0.5,
    )
    # 3,000 characters, nine tenths of them the same: more pairs than small kinds of number hold.
    same = torch.where(torch.from_numpy(rng.random(3000)) < 0.9, one, other)
    yield case(
        "a pair that comes more than 2,000 times",
        lambda: student.count_bigrams(same, V),
        reference.count_bigrams(same, V),
        hint="Count in int64 or float32: smaller kinds of number, such as uint8 and float16, do "
        "not reach that far.",
        points=0.5,
    )
    for length, hidden in ((60, False), (2000, True)):
        ids = integers(rng, V, length)
        yield case(
            f"{length:,} characters at random",
            lambda: student.count_bigrams(ids, V),
            reference.count_bigrams(ids, V),
            hint="Row = first character, column = second, one count for each of the N - 1 pairs.",
            hidden=hidden,
        )


def _table_of_pairs(ids: torch.Tensor, V: int) -> torch.Tensor:
    pairs = list(pairwise(ids.tolist()))
    return torch.tensor([[float(pairs.count((i, j))) for j in range(V)] for i in range(V)])


# ---------------------------------------------------------------------------------- normalise


@exercise(LESSON, "normalise", points=2)
def normalise(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(3, 15))
    counts = integers(rng, 9, V, V).float() + 1
    yield case(
        "the kind of the table: float32, V rows and V columns",
        lambda: described(student.normalise(counts, 1.0)),
        f"float32 tensor ({V}, {V})",
        hint="As many rows and columns as counts has, of float32. (An error about sizes? "
        "counts.sum(dim=1, keepdim=True) has shape (V, 1).)",
        points=0.5,
    )
    yield case(
        "by hand, alpha = 0",
        lambda: student.normalise(counts, 0.0),
        torch.stack([row / row.sum() for row in counts]),
        hint="Divide each row by the sum of that row: counts.sum(dim=1, keepdim=True) has shape "
        "(V, 1). Without keepdim, or along dim=0, the wrong numbers meet. alpha = 0 adds nothing.",
    )
    gap = counts.clone()
    gap[int(rng.integers(V))] = 0
    smoothed = torch.stack([(row + 1) / (row.sum() + V) for row in gap])
    yield case(
        "by hand, alpha = 1, with a row that was never seen",
        lambda: student.normalise(gap, 1.0),
        smoothed,
        hint="Add alpha to every count first, and only then divide by the sum of the new row.",
    )
    yield case(
        "alpha is 1 when it is not given",
        lambda: student.normalise(gap),
        smoothed,
        hint="Keep the signature: normalise(counts, alpha=1.0).",
    )
    yield case(
        "the counts stay as they were",
        lambda: student.probe(answer_and_arguments, student.normalise, gap, 1.0),
        [smoothed, gap, 1.0],
        hint="counts += alpha changes the caller's own table. counts + alpha makes a new one.",
    )
    for name, size, high, hidden in (
        ("a random table, mostly zeros", 5, 9, False),
        ("a large table, mostly zeros", 40, 400, True),
    ):
        sparse = integers(rng, high, size, size).float() * (integers(rng, 3, size, size) == 0)
        alpha = float(rng.uniform(0.01, 0.5))
        yield case(
            name,
            lambda: student.normalise(sparse, alpha),
            reference.normalise(sparse, alpha),
            hint="(count + alpha) / (sum of the row + V * alpha)",
            hidden=hidden,
        )


# -------------------------------------------------------------------- sample_next and generate


@probe
def kinds_in(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> list[str]:
    """Return what kinds of things are in the list, or under the keys, that `function` gives."""
    given = function(*args)
    parts = given.values() if hasattr(given, "values") else given
    return sorted({str(kind(part)) for part in parts})


def _shares(drawn: list[int], V: int) -> torch.Tensor:
    """Return how often each of V characters was drawn, as shares that sum to one."""
    ids = torch.as_tensor(drawn)
    return torch.stack([(ids == i).float().mean() for i in range(V)])


@exercise(LESSON, "sample_next", points=1)
def sample_next(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 20))
    only = int(rng.integers(V))
    certain = torch.zeros(V)
    certain[only] = 1.0
    yield case(
        "all the probability on one character",
        lambda: student.sample_next(certain),
        only,
        hint="The result is a plain int, counted from 0. torch.multinomial returns a tensor with "
        "one entry; .item() takes the number out of it. A character of probability 0 never comes.",
    )
    yield case(
        "the kind of what comes back: a plain int",
        lambda: student.probe(kind_of, student.sample_next, certain),
        "int",
        hint="A tensor of shape () looks like a number; .item() makes a plain number of it.",
        points=0.5,
    )
    yield case(
        "50 draws, all the probability on one character",
        lambda: sorted(
            set(torch.tensor(student.probe(repeat, student.sample_next, 50, certain)).tolist())
        ),
        [only],
        hint="A character of probability 0 never comes. Draw by `probs` as they are: they are "
        "probabilities already, so no softmax.",
    )
    # 2,000 draws: a share is off by 0.011 on average at most, so 0.07 is more than six times that.
    weights = torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0]) * torch.from_numpy(rng.uniform(0.8, 1.2, 5))
    probs = (weights / weights.sum()).float()[torch.from_numpy(rng.permutation(5))]
    yield case(
        "2,000 draws: how often each character comes",
        lambda: _shares(student.probe(repeat, student.sample_next, 2000, probs), 5),
        probs,
        hint="Each character must come as often as its probability says. Taking the most likely "
        "one every time (argmax) is not sampling, and a fixed seed inside the function makes "
        "every draw the same.",
        atol=0.07,
    )
    # 2,000 draws again: a share is off by 0.0047 on average at most, a sixth of 0.028.
    seldom = float(rng.uniform(0.032, 0.045))
    rare = torch.tensor(rng.permutation([seldom, 1 - seldom]).tolist())
    yield case(
        "2,000 draws: how often a rare character comes",
        lambda: _shares(student.probe(repeat, student.sample_next, 2000, rare), 2),
        rare,
        hint="A rare character comes too, as seldom as its probability says: do not round the "
        "probabilities, and leave none out.",
        points=0.5,
        atol=0.028,
    )


@exercise(LESSON, "generate", points=2)
def generate(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    circle, order = _ring(rng, 5)
    yield case(
        "a text of length 1",
        lambda: student.generate(circle, order[0], 1),
        order[:1],
        hint="The result is a list, its first entry is `start`, and `length` counts that entry "
        "too: with length 1 there is nothing more.",
    )
    length = int(rng.integers(6, 20))
    yield case(
        "the length of a longer text",
        lambda: len(student.generate(circle, order[0], length)),
        length,
        hint="The list has `length` entries in all, the first one included.",
        points=0.5,
    )
    yield case(
        "a table that leaves no choice",
        lambda: student.generate(circle, order[0], 7),
        [*order, *order[:2]],
        hint="Each step looks at the row of the latest character: table[ids[-1]].",
    )
    yield case(
        "the kind of the entries: plain ints",
        lambda: student.probe(kinds_in, student.generate, circle, order[0], 5),
        ["int"],
        hint="The list holds plain numbers, as sample_next gives them, and no tensors.",
        points=0.5,
    )
    # Each row is used 450 times or more: a share is off by 0.023 at most, far less than 0.15.
    lopsided = torch.tensor([rng.permutation([0.65, 0.2, 0.15]).tolist() for _ in range(3)])
    start = int(rng.integers(3))
    yield case(
        "3,000 characters: the shares of what follows each one",
        lambda: _followers(student.generate(lopsided, start, 3000), 3),
        lopsided,
        hint="Draw each next character with sample_next. Always taking the most likely one "
        "(argmax) writes the same few characters for ever. (RecursionError? A function that calls "
        "itself does so too often for thousands of characters: use a loop.)",
        atol=0.15,
    )
    # The same 60 characters twice by chance: less than once in 10^10 tries.
    yield case(
        "two texts of 60 characters: how many different ones",
        lambda: len(
            {str(ids) for ids in student.probe(repeat, student.generate, 2, lopsided, start, 60)}
        ),
        2,
        hint="A seed inside the function makes all its texts the same: leave torch.manual_seed to "
        "those who call it.",
        points=0.5,
    )
    for name, V, hidden in (("a larger table", 12, False), ("a larger table still", 17, True)):
        ring, order = _ring(rng, V)
        length = int(rng.integers(20, 40))
        yield case(
            name,
            lambda: student.generate(ring, order[3], length),
            reference.generate(ring, order[3], length),
            hint="Each step looks at the row of the latest character.",
            hidden=hidden,
        )


def _ring(rng: Rng, V: int) -> tuple[torch.Tensor, list[int]]:
    """Return a table in which each character has one that follows, and their order."""
    order = rng.permutation(V).tolist()
    table = torch.zeros(V, V)
    table[order, [*order[1:], order[0]]] = 1.0
    return table, order


def _followers(ids: list[int], V: int) -> torch.Tensor:
    """Return for each character the shares of the characters that follow it, as (V, V)."""
    rows: list[list[int]] = [[] for _ in range(V)]
    for first, second in pairwise(ids):
        rows[first].append(second)
    return torch.stack([_shares(row, V) for row in rows])


# ---------------------------------------------------------------------------------------- nll


@exercise(LESSON, "nll", points=2)
def nll(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    V = int(rng.integers(5, 12))
    uniform = torch.full((V, V), 1 / V)
    ids = integers(rng, V, 9)
    yield case(
        "the kind of what comes back: one number",
        lambda: one_number(student.nll(uniform, ids)),
        "one number",
        hint="The result is one number, the mean: a float or a tensor of shape (). (p.log() takes "
        "the logarithms of a whole tensor, math.log that of one number.)",
        points=0.5,
    )
    nats = math.log(V)
    yield case(
        "nine characters, all equally likely: ln V",
        lambda: student.nll(uniform, ids),
        nats,
        hint="The mean of -ln p over the 8 pairs. Mind the minus sign: a loss is above 0. "
        f"{8 * nats:.4g} is the sum of the pairs, {8 / 9 * nats:.4g} that sum divided by N. "
        f"{math.log2(V):.4g} is in bits, from log2. {V} is the perplexity, exp(loss).",
    )
    table = torch.from_numpy(rng.permutation(V * V) + 1.0).reshape(V, V)
    table = (table / table.sum(dim=1, keepdim=True)).float()
    a, b, c = rng.permutation(V)[:3].tolist()

    def surprise(first: int, second: int) -> float:
        return -math.log(float(table[first, second]))

    yield case(
        "texts of two characters",
        lambda: [float(student.nll(table, torch.tensor(pair))) for pair in ([a, b], [c, a])],
        [surprise(a, b), surprise(c, a)],
        hint="Two characters make one pair, so the last pair counts: table[first, second], where "
        "the row is the first of them, the column the second.",
    )
    x, y = surprise(a, b), surprise(b, c)
    blend = -math.log((math.exp(-x) + math.exp(-y)) / 2)
    yield case(
        "a text of three characters",
        lambda: student.nll(table, torch.tensor([a, b, c])),
        (x + y) / 2,
        hint=f"Its two pairs have the surprises {x:.4g} and {y:.4g}, and their mean is asked for. "
        f"{blend:.4g} is -ln of the mean probability: take the logarithms first. And "
        "table[rows, columns] takes pairs, where table[rows][:, columns] takes every row with "
        "every column.",
    )
    yield case(
        "a pair that comes three times",
        lambda: student.nll(table, torch.tensor([a, b, a, b, a, b])),
        (3 * x + 2 * surprise(b, a)) / 5,
        hint="Each pair counts as often as it comes, and every pair of neighbours does.",
        points=0.5,
    )
    three = torch.tensor([a, b, c])
    yield case(
        "its arguments stay as they were",
        lambda: student.probe(answer_and_arguments, student.nll, table, three),
        [(x + y) / 2, table, three],
        hint="A name that ends in _, such as log_, changes the caller's own table: log() makes a "
        "new tensor.",
        points=0.5,
    )
    for name, length, hidden in (
        ("20 characters at random", 20, False),
        ("2,000 characters at random", 2000, False),
        ("1,000 characters at random", 1000, True),
    ):
        text = integers(rng, V, length)
        yield case(
            name,
            lambda: student.nll(table, text),
            reference.nll(table, text),
            hint="The mean of -ln table[first, second] over all neighbouring pairs."
            if length == 20
            else "The product of so many probabilities is too small for a float32: it becomes 0. "
            "Take the logarithm of each, and then the mean.",
            hidden=hidden,
        )


# --------------------------------------------------------------- count_ngrams and ngram_backoff


@exercise(LESSON, "count_ngrams", points=2)
def count_ngrams(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    a, b, c = rng.permutation(list(string.ascii_lowercase))[:3].tolist()
    n = int(rng.integers(3, 12))
    long = _letters(rng, a + b + c, 20)
    yield case(
        "the lengths of the contexts",
        lambda: sorted({len(context) for context in student.count_ngrams(long, n)}),
        list(range(n)),
        hint="n counts the next character too, so the contexts have 0 to n - 1 characters: all of "
        "these lengths, the empty context '' as well. (KeyError: ''? Give a new context an empty "
        "Counter first, and count after that.)",
    )
    yield case(
        "two of one character and one of another, n = 1",
        lambda: student.count_ngrams(a + a + b, 1),
        {"": {a: 2, b: 1}},
        hint="With n = 1 there is only the empty context '', and under it every character of the "
        "text is counted.",
    )
    yield case(
        "the kind of what stands under each context: a Counter",
        lambda: student.probe(kinds_in, student.count_ngrams, a + b + a + b, 2),
        ["Counter"],
        hint="Give each new context a Counter(). It answers 0 for what never came, where a plain "
        "dictionary gives a KeyError.",
        points=0.5,
    )
    yield case(
        "what is counted",
        lambda: {
            (char, times > 0)
            for row in student.count_ngrams(a + b + a + c, 3).values()
            for char, times in row.items()
        },
        {(char, True) for char in (a, b, c)},
        hint="Under each context single characters are counted, text[i], the one right after the "
        "context; and only those that came, so that no count is 0.",
        points=0.5,
    )
    yield case(
        "a text like 'abab', n = 2",
        lambda: student.count_ngrams(a + b + a + b, 2),
        {"": {a: 2, b: 2}, a: {b: 2}, b: {a: 1}},
        hint="Near the start there are fewer than k characters before position i: skip those k. "
        "A slice such as text[-1:0] is no error in Python, it is the empty string.",
    )
    yield case(
        "a text like 'abac', whose end is new, n = 2",
        lambda: student.count_ngrams(a + b + a + c, 2),
        {"": {a: 2, b: 1, c: 1}, a: {b: 1, c: 1}, b: {a: 1}},
        hint="Only what occurred is counted: nothing came after the last character, so it is no "
        "context here, not even one with an empty Counter.",
    )
    yield case(
        "a text like 'banana', n = 3",
        lambda: student.count_ngrams(b + a + c + a + c + a, 3),
        {
            "": {b: 1, a: 3, c: 2},
            b: {a: 1},
            a: {c: 2},
            c: {a: 2},
            b + a: {c: 1},
            a + c: {a: 2},
            c + a: {c: 1},
        },
        hint="A context is the k characters just before position i, text[i - k : i], in the order "
        "of the text; what is counted under it is text[i].",
    )
    yield case(
        "a text shorter than n",
        lambda: student.count_ngrams(a + b, 5),
        {"": {a: 1, b: 1}, a: {b: 1}},
        hint="Contexts that are longer than the text do not occur: the others are counted all the "
        "same.",
    )
    for length, size, hidden in ((40, 4, False), (60, 6, True)):
        text = " " + _letters(rng, "aAb c\n", length - 2) + "\n"
        yield case(
            f"{length} characters at random, n = {size}",
            lambda: student.count_ngrams(text, size),
            reference.count_ngrams(text, size),
            hint="For every position i and every k from 0 to n - 1 with k <= i: one count for "
            "text[i] under text[i - k : i]. Spaces, capitals and line ends are "
            "characters too.",
            hidden=hidden,
        )


def _letters(rng: Rng, chars: str, length: int) -> str:
    return "".join(chars[i] for i in rng.integers(0, len(chars), length))


@probe
def with_counters(
    _: dict[str, Any], backoff: Callable[..., float], counts: NgramCounts, *args: Any
) -> float:
    """Call `backoff` on `counts` as count_ngrams returns them: plain dicts travel as such."""
    return backoff({context: Counter(row) for context, row in counts.items()}, *args)


@probe
def counts_after_backoff(
    _: dict[str, Any], backoff: Callable[..., float], counts: NgramCounts, *args: Any
) -> NgramCounts | None:
    """Return what is left of `counts` after `backoff`, or None if that gives nothing."""
    counters = {context: Counter(row) for context, row in counts.items()}
    if backoff(counters, *args) is None:
        return None
    return {context: dict(row) for context, row in counters.items()}


@exercise(LESSON, "ngram_backoff", points=3)
def ngram_backoff(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(counts: NgramCounts, *args: Any, of: Student = student) -> Any:
        return of.probe(with_counters, of.ngram_backoff, counts, *args)

    a, b, c = rng.permutation(list(string.ascii_lowercase))[:3].tolist()
    V, borrow = int(rng.integers(3, 12)), int(rng.integers(2, 8)) + 0.5
    # A text like 'baaa': after '' comes a three times and b once, after b comes a, once.
    counts = reference.count_ngrams(b + a + a + a, 2)
    alone = (3 + borrow / V) / (4 + borrow)
    yield case(
        "the empty context",
        lambda: ask(counts, "", a, V, borrow),
        alone,
        hint="The empty context has counts too. And even a context that was seen borrows: "
        "borrow * 1/V is added above, borrow is added below. Here "
        f"(3 + {borrow} / {V}) / (4 + {borrow}). "
        "(If the function calls itself, that must end at the empty context, with 1/V.)",
    )
    after_b = (1 + borrow * alone) / (1 + borrow)
    plain = (1 + borrow * (3 + 1 / V) / 5) / (1 + borrow)
    yield case(
        "a context that was seen once",
        lambda: ask(counts, b, a, V, borrow),
        after_b,
        hint=f"What is borrowed is shared out as the shorter context says: here '' gives {a!r} "
        f"{alone:.4g}. {(1 + borrow / V) / (1 + borrow):.4g} comes from 1/V in its place. 1 comes "
        "from skipping it: do not skip it when the context was seen. "
        f"{plain:.4g} comes from a function that calls itself and does not pass borrow on. (If "
        "you count down with context[-k:], mind that context[-0:] is the whole string.)",
    )
    yield case(
        "a context that was never seen",
        lambda: ask(counts, c, a, V, borrow),
        alone,
        hint="A context that was never seen has nothing to say: the answer is that of the shorter "
        f"context, here of ''. And counts[{c!r}] fails: ask first if it is in counts. ({{}} in its "
        f"place has no {a!r} either; an empty Counter() answers 0.)",
    )
    yield case(
        "characters that never came",
        lambda: [ask(counts, a, b, V, borrow), ask(counts, "", c, V, borrow)],
        [borrow * (1 + borrow / V) / (4 + borrow) / (2 + borrow), borrow / V / (4 + borrow)],
        hint="A character that never came after the context, or never at all, has the count 0: "
        "above the line stands 0 + borrow * p, and below it what always stands there.",
    )
    # A text like 'babaa': after '' comes a three times and b twice; after b, a twice; after ab, a.
    wider = reference.count_ngrams(b + a + b + a + a, 3)
    below = (2 + borrow * (3 + borrow / V) / (5 + borrow)) / (2 + borrow)
    yield case(
        "two characters of context",
        lambda: ask(wider, a + b, a, V, borrow),
        (1 + borrow * below) / (1 + borrow),
        hint=f"To shorten a context drop its oldest character, the first: context[1:]. {a + b!r} "
        f"becomes {b!r}, then ''.",
    )
    yield case(
        "longer contexts that were never seen",
        lambda: [ask(counts, context, a, V, borrow) for context in (c + b, b + c, c + c + b)],
        [after_b, alone, after_b],
        hint="Go on to shorter contexts, each without its first character, until one was seen: "
        f"{c + b!r} says what {b!r} says, and {b + c!r} what '' says.",
    )
    yield case(
        "the counts afterwards: as they were",
        lambda: student.probe(
            counts_after_backoff, student.ngram_backoff, counts, c + b, c, V, borrow
        ),
        counts,
        hint="Asking must not change the counts. counts.setdefault writes a new context into them, "
        "seen[char] = ... or += a new character; counts.get and seen[char] only look.",
    )
    yield case(
        "borrow is 1 when it is not given",
        lambda: ask(counts, "", a, V),
        (3 + 1 / V) / (4 + 1),
        hint="Keep the signature: ngram_backoff(counts, context, char, V, borrow=1.0).",
        points=0.5,
    )
    text = _letters(rng, "abc", 80)
    random = reference.count_ngrams(text, 3)
    yield case(
        "the sum of the probabilities of all characters: one",
        lambda: sum(ask(random, text[:2], char, 3, borrow) for char in "abc"),
        1.0,
        hint="What is added above over all characters must be what is added below.",
        points=0.5,
    )
    deep = reference.count_ngrams(text, 6)
    yield case(
        "a context of five characters that was seen",
        lambda: ask(deep, text[20:25], text[25], 4, borrow),
        ask(deep, text[20:25], text[25], 4, borrow, of=reference),
        hint="All of the context counts, and each shorter one: five characters, four, three, two, "
        "one, none.",
    )
    for hidden in (False, True):
        text = _letters(rng, "abcd", 90)
        deep = reference.count_ngrams(text, 5)
        starts = [int(start) for start in rng.integers(0, 80, 6)]
        asked = [(text[start : start + k], text[start + 4]) for k, start in enumerate(starts)]
        asked += [("x" + text[7:9], "a"), (text[7:9] + "x", "b"), (text[30:34], "z"), ("dcba", "d")]
        V = int(rng.integers(5, 30))
        yield case(
            "contexts of many lengths, some never seen" + ", again" * hidden,
            lambda: [ask(deep, context, char, V, borrow) for context, char in asked],
            [ask(deep, context, char, V, borrow, of=reference) for context, char in asked],
            hint="p = (count + borrow * p of the shorter context) / (sum of the counts + borrow)",
            hidden=hidden,
        )


# --------------------------------------------------------------------------------------- quiz

QUESTIONS = (
    (
        "answer_1",
        "which way round the table reads",
        "Reread the contract of count_bigrams: which character is the row?",
        "The row is what you have, the column what may come next. Each row is a distribution.",
    ),
    (
        "answer_2",
        "from nats to perplexity",
        "Reread how perplexity follows from the loss: it is exp(loss).",
        "exp(ln 8) = 8: as unsure as a fair die with eight faces.",
    ),
    (
        "answer_3",
        "a very large alpha",
        "Look at the right end of the picture of alpha, and at (count + alpha) / (sum + V alpha).",
        "The counts drown: every character gets about 1 / V, and the loss goes to ln V.",
    ),
    (
        "answer_4",
        "drawing or taking the most likely",
        "Look again at the text written without chance.",
        "The same row always gave the same character, so the first one that came back closed a "
        "circle. Drawing keeps the variety of the text that was counted.",
    ),
    (
        "answer_5",
        "a context that was never seen",
        "Put a count of 0 and a sum of 0 into the formula of ngram_backoff.",
        "0 + borrow * p, divided by 0 + borrow: what is left is p, the shorter context's answer.",
    ),
    (
        "answer_6",
        "training and validation drift apart",
        "Reread 'Why does counting run out?', and look at the picture of what was never seen.",
        "The longer a context, the rarer it comes again: what was learnt by heart helps less.",
    ),
)


@exercise(LESSON, "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True)
def quiz(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    for name, title, hint, explain in QUESTIONS:
        yield case(
            title,
            lambda: str(getattr(student, name)).strip(" ().").lower(),
            getattr(reference, name),
            hint=hint,
            explain=explain,
            reveal=False,
        )
