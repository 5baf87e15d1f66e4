"""Checks of lesson 02: counting pairs, and contexts of any length."""

import math
import numbers
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch

from lmcourse.checks import Case, Rng, case, exercise, integers, probe
from lmcourse.student import Student

LESSON = "02_bigrams"

NgramCounts = dict[str, dict[str, int]]


# ------------------------------------------------------------------------------ count_bigrams


@exercise(LESSON, "count_bigrams", points=2)
def count_bigrams(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    distinct = torch.tensor([0, 2, 2, 1])
    yield case(
        "the sum of the table for [0, 2, 2, 1]: three pairs",
        lambda: float(student.count_bigrams(distinct, 3).sum()),
        3.0,
        hint="N characters make N - 1 pairs: the first has nothing before it, the last pair "
        "counts too, and the end does not wrap round to the start.",
    )
    yield case(
        "the same pairs, each in its place",
        lambda: student.count_bigrams(distinct, 3),
        torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
        hint="The row is the first character of the pair, the column the second; the table is "
        "(V, V) and float32.",
    )
    yield case(
        "a pair that comes three times",
        lambda: student.count_bigrams(torch.tensor([1, 1, 1, 1, 0, 1]), 2),
        torch.tensor([[0.0, 1.0], [1.0, 3.0]]),
        hint="A pair that comes three times counts three. counts[rows, columns] += 1 with whole "
        "tensors of indices adds only once; use torch.bincount, or a loop.",
    )
    yield case(
        "characters that the text does not use",
        lambda: student.count_bigrams(torch.tensor([0, 1, 0]), 4),
        torch.tensor([[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4]),
        hint="The table has V rows and V columns whatever the text holds: with torch.bincount, "
        "give minlength=V * V.",
    )
    yield case(
        "a text of one character",
        lambda: student.count_bigrams(torch.tensor([1]), 2),
        torch.zeros(2, 2),
        hint="One character makes no pair: every count is 0.",
    )
    ids = integers(rng, 7, 60)
    yield case(
        "60 characters at random",
        lambda: student.count_bigrams(ids, 7),
        reference.count_bigrams(ids, 7),
        hint="Row = first character, column = second, one count for each of the N - 1 pairs.",
    )
    long = integers(rng, 30, 2000)
    yield case(
        "2,000 characters at random",
        lambda: student.count_bigrams(long, 30),
        reference.count_bigrams(long, 30),
        hint="Row = first character, column = second, one count for each of the N - 1 pairs.",
        hidden=True,
    )


# ---------------------------------------------------------------------------------- normalise


@probe
def counts_afterwards(
    _: dict[str, Any], normalise: Callable[..., torch.Tensor], counts: torch.Tensor
) -> torch.Tensor:
    """Return what is left of `counts` after `normalise` has used it."""
    normalise(counts, 1.0)
    return counts


@exercise(LESSON, "normalise", points=2)
def normalise(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    counts = torch.tensor([[1.0, 3.0], [1.0, 1.0]])
    yield case(
        "by hand, alpha = 0",
        lambda: student.normalise(counts, 0.0),
        torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
        hint="Divide each row by the sum of that row: counts.sum(dim=1, keepdim=True) has shape "
        "(V, 1). Without keepdim, or along dim=0, the wrong numbers meet. alpha = 0 adds nothing.",
    )
    gap = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    yield case(
        "by hand, alpha = 1, with a row that was never seen",
        lambda: student.normalise(gap, 1.0),
        torch.tensor([[1 / 3, 2 / 3], [0.5, 0.5]]),
        hint="Add alpha to every count first, and only then divide by the sum of the new row.",
    )
    yield case(
        "alpha is 1 when it is not given",
        lambda: student.normalise(gap),
        torch.tensor([[1 / 3, 2 / 3], [0.5, 0.5]]),
        hint="Keep the signature: normalise(counts, alpha=1.0).",
    )
    yield case(
        "the counts stay as they were",
        lambda: student.probe(counts_afterwards, student.normalise, gap),
        gap,
        hint="counts += alpha changes the caller's own table. counts + alpha makes a new one.",
    )
    random = integers(rng, 9, 5, 5).float()
    yield case(
        "the sum of each row is one",
        lambda: student.normalise(random, 0.5).sum(dim=1),
        torch.ones(5),
        hint="After the division each row is a probability distribution.",
    )
    yield case(
        "a random table, alpha = 0.3",
        lambda: student.normalise(random, 0.3),
        reference.normalise(random, 0.3),
        hint="(count + alpha) / (sum of the row + V * alpha)",
    )
    wide = integers(rng, 400, 40, 40).float() * (integers(rng, 3, 40, 40) == 0)
    yield case(
        "a large table, mostly zeros",
        lambda: student.normalise(wide, 0.01),
        reference.normalise(wide, 0.01),
        hint="(count + alpha) / (sum of the row + V * alpha)",
        hidden=True,
    )


# -------------------------------------------------------------------- sample_next and generate


@probe
def repeat(_: dict[str, Any], function: Callable[..., Any], times: int, *args: Any) -> list[Any]:
    """Return what `times` calls of `function` gave."""
    return [function(*args) for _ in range(times)]


@probe
def kind_of(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> str:
    """Return what kind of thing `function` gives: the name of its type."""
    return _kind(function(*args))


@probe
def kinds_in(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> list[str]:
    """Return what kinds of things are in the list, or under the keys, that `function` gives."""
    given = function(*args)
    return sorted({_kind(part) for part in (given.values() if hasattr(given, "values") else given)})


def _kind(value: Any) -> str:
    # numpy's whole numbers serve as well as Python's.
    return "int" if isinstance(value, numbers.Integral) else type(value).__name__


def _shares(drawn: list[int], V: int) -> torch.Tensor:
    """Return how often each of V characters was drawn, as shares that sum to one."""
    ids = torch.as_tensor(drawn)
    return torch.stack([(ids == i).float().mean() for i in range(V)])


@exercise(LESSON, "sample_next", points=1)
def sample_next(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "only one character to choose from",
        lambda: student.sample_next(torch.tensor([1.0])),
        0,
        hint="The result is a plain int, counted from 0. torch.multinomial returns a tensor with "
        "one entry; .item() takes the number out of it.",
    )
    yield case(
        "the kind of what comes back: a plain int",
        lambda: student.probe(kind_of, student.sample_next, torch.tensor([1.0])),
        "int",
        hint="A tensor of shape () looks like a number; .item() makes a plain number of it.",
    )
    certain = torch.tensor([0.0, 0.0, 1.0, 0.0])
    yield case(
        "50 draws, all the probability on character 2",
        lambda: sorted(
            set(torch.tensor(student.probe(repeat, student.sample_next, 50, certain)).tolist())
        ),
        [2],
        hint="A character of probability 0 never comes. Draw by `probs` as they are: they are "
        "probabilities already, so no softmax.",
    )
    # 2,000 draws: a share is off by 0.011 on average at most, so 0.07 is more than six times that.
    probs = torch.tensor(rng.permutation([0.6, 0.3, 0.1, 0.0]).tolist())
    yield case(
        "2,000 draws: how often each character comes",
        lambda: _shares(student.probe(repeat, student.sample_next, 2000, probs), 4),
        probs,
        hint="Each character must come as often as its probability says. Taking the most likely "
        "one every time (argmax) is not sampling, and a fixed seed inside the function makes "
        "every draw the same.",
        atol=0.07,
    )


@exercise(LESSON, "generate", points=2)
def generate(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    # After 0 always comes 1, after 1 comes 2, after 2 comes 0.
    circle = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    yield case(
        "a text of length 1",
        lambda: student.generate(circle, 2, 1),
        [2],
        hint="The result is a list, its first entry is `start`, and `length` counts that entry "
        "too: with length 1 there is nothing more.",
    )
    yield case(
        "a table that leaves no choice",
        lambda: student.generate(circle, 0, 5),
        [0, 1, 2, 0, 1],
        hint="Each step looks at the row of the latest character: table[ids[-1]].",
    )
    yield case(
        "the kind of the entries: plain ints",
        lambda: student.probe(kinds_in, student.generate, circle, 0, 5),
        ["int"],
        hint="The list holds plain numbers, as sample_next gives them, and no tensors.",
    )
    lopsided = torch.tensor([[0.2, 0.6, 0.2], [0.2, 0.2, 0.6], [0.6, 0.2, 0.2]])
    # Each row is used about 1,000 times: a share is off by about 0.015, far less than 0.12.
    yield case(
        "3,000 characters: the shares of what follows each one",
        lambda: _followers(student.generate(lopsided, 0, 3000), 3),
        lopsided,
        hint="Draw each next character with sample_next. Always taking the most likely one "
        "(argmax) writes the same few characters for ever.",
        atol=0.12,
    )
    # The same 60 characters twice by chance: less than once in 10^20 tries.
    yield case(
        "two texts of 60 characters: how many different ones",
        lambda: len(
            {str(ids) for ids in student.probe(repeat, student.generate, 2, lopsided, 0, 60)}
        ),
        2,
        hint="A seed inside the function makes all its texts the same: leave torch.manual_seed to "
        "those who call it.",
    )
    order = rng.permutation(12)
    ring = torch.zeros(12, 12)
    ring[order, [*order[1:], order[0]]] = 1.0
    start = int(rng.integers(12))
    yield case(
        "a larger table",
        lambda: student.generate(ring, start, 30),
        reference.generate(ring, start, 30),
        hint="Each step looks at the row of the latest character.",
        hidden=True,
    )


def _followers(ids: list[int], V: int) -> torch.Tensor:
    """Return for each character the shares of the characters that follow it, as (V, V)."""
    rows: list[list[int]] = [[] for _ in range(V)]
    for first, second in pairwise(ids):
        rows[first].append(second)
    return torch.stack([_shares(row, V) for row in rows])


# ---------------------------------------------------------------------------------------- nll


@exercise(LESSON, "nll", points=2)
def nll(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "a text that could not be otherwise: one number, 0",
        lambda: student.nll(torch.tensor([[1.0]]), torch.tensor([0, 0, 0])),
        0.0,
        hint="The result is one number, the mean. (p.log() takes the logarithms of a whole tensor, "
        "math.log that of one number.) And the surprise at a probability of 1 is 0: the result is "
        "the loss, not the perplexity exp(loss).",
    )
    uniform = torch.full((4, 4), 0.25)
    three, nine = integers(rng, 4, 3), integers(rng, 4, 9)
    yield case(
        "whether the loss is above 0",
        lambda: bool(student.nll(uniform, three) > 0),
        True,
        hint="Mind the minus sign: the logarithm of a probability is negative, the surprise is "
        "minus that.",
    )
    yield case(
        "the loss of 9 characters less that of 3, all equally likely: no difference",
        lambda: float(student.nll(uniform, nine)) - float(student.nll(uniform, three)),
        0.0,
        hint="Take the mean over the N - 1 pairs: not the sum, and not divided by N.",
    )
    yield case(
        "four characters, all equally likely: ln 4 = 1.386",
        lambda: student.nll(uniform, nine),
        math.log(4),
        hint="Use the natural logarithm, torch.log: the result is in nats. torch.log2 gives bits. "
        "And take no exp at the end: that is the perplexity.",
    )
    mirrored = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    yield case(
        "one likely pair, one unlikely pair",
        lambda: student.nll(mirrored, torch.tensor([0, 0, 1])),
        -(math.log(0.9) + math.log(0.1)) / 2,
        hint="Take the logarithm of each pair's probability first and the mean afterwards. Every "
        "pair counts, the last one too.",
    )
    yield case(
        "the direction of a pair",
        lambda: student.nll(torch.tensor([[0.2, 0.8], [0.5, 0.5]]), torch.tensor([0, 1, 1])),
        -(math.log(0.8) + math.log(0.5)) / 2,
        hint="The row is the first character of the pair, the column the second.",
    )
    many = integers(rng, 4, 2000)
    yield case(
        "2,000 characters, all equally likely: ln 4 again",
        lambda: student.nll(uniform, many),
        math.log(4),
        hint="The product of so many probabilities is too small for a float32: it becomes 0. Take "
        "the logarithm of each, and then the mean.",
    )
    rows = torch.from_numpy(rng.dirichlet([1.0] * 6, 6)).float()
    ids = integers(rng, 6, 40)
    yield case(
        "a random table and text",
        lambda: student.nll(rows, ids),
        reference.nll(rows, ids),
        hint="The mean of -ln table[first, second] over all neighbouring pairs.",
    )
    long = integers(rng, 6, 1000)
    yield case(
        "1,000 characters",
        lambda: student.nll(rows, long),
        reference.nll(rows, long),
        hint="The mean of -ln table[first, second] over all neighbouring pairs.",
        hidden=True,
    )


# --------------------------------------------------------------- count_ngrams and ngram_backoff


@exercise(LESSON, "count_ngrams", points=2)
def count_ngrams(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    yield case(
        "the lengths of the contexts of 'abcabd', n = 3",
        lambda: sorted({len(context) for context in student.count_ngrams("abcabd", 3)}),
        [0, 1, 2],
        hint="n counts the next character too, so the contexts have 0 to n - 1 characters: all of "
        "these lengths, the empty context '' as well. (KeyError: ''? Give a new context an empty "
        "Counter first, and count after that.)",
    )
    yield case(
        "'aab', n = 1",
        lambda: student.count_ngrams("aab", 1),
        {"": {"a": 2, "b": 1}},
        hint="With n = 1 there is only the empty context '', and under it every character of the "
        "text is counted.",
    )
    yield case(
        "the kind of what stands under each context: a Counter",
        lambda: student.probe(kinds_in, student.count_ngrams, "abab", 2),
        ["Counter"],
        hint="Give each new context a Counter(). It answers 0 for what never came, where a plain "
        "dictionary gives a KeyError.",
    )
    yield case(
        "'abab', n = 2",
        lambda: student.count_ngrams("abab", 2),
        {"": {"a": 2, "b": 2}, "a": {"b": 2}, "b": {"a": 1}},
        hint="Near the start there are fewer than k characters before position i: skip those k. "
        "A slice such as text[-1:0] is no error in Python, it is the empty string.",
    )
    yield case(
        "'banana', n = 3",
        lambda: student.count_ngrams("banana", 3),
        {
            "": {"b": 1, "a": 3, "n": 2},
            "b": {"a": 1},
            "a": {"n": 2},
            "n": {"a": 2},
            "ba": {"n": 1},
            "an": {"a": 2},
            "na": {"n": 1},
        },
        hint="A context is the k characters just before position i, text[i - k : i], in the order "
        "of the text; what is counted under it is text[i].",
    )
    text = _letters(rng, "ab c", 40)
    yield case(
        "40 characters at random, n = 4",
        lambda: student.count_ngrams(text, 4),
        reference.count_ngrams(text, 4),
        hint="For every position i and every k from 0 to n - 1 with k <= i: one count for text[i] "
        "under text[i - k : i].",
    )
    other = _letters(rng, "abcde", 60)
    yield case(
        "60 characters at random, n = 6",
        lambda: student.count_ngrams(other, 6),
        reference.count_ngrams(other, 6),
        hint="For every position i and every k from 0 to n - 1 with k <= i: one count for text[i] "
        "under text[i - k : i].",
        hidden=True,
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
) -> NgramCounts:
    """Return what is left of `counts` after `backoff` has used them."""
    counters = {context: Counter(row) for context, row in counts.items()}
    backoff(counters, *args)
    return {context: dict(row) for context, row in counters.items()}


@exercise(LESSON, "ngram_backoff", points=3)
def ngram_backoff(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def ask(counts: NgramCounts, *args: Any, of: Student = student) -> Any:
        return of.probe(with_counters, of.ngram_backoff, counts, *args)

    counts: NgramCounts = {"": {"a": 3, "b": 1}, "b": {"a": 1}}
    yield case(
        "the empty context",
        lambda: ask(counts, "", "a", 4, 2.0),
        (3 + 2 * 0.25) / (4 + 2),
        hint="The empty context has counts too. And even a context that was seen borrows: "
        "borrow * 1/V is added above, borrow is added below. Here (3 + 2 * 0.25) / (4 + 2). "
        "(If the function calls itself, that must end at the empty context, with 1/V.)",
    )
    yield case(
        "a context that was seen once",
        lambda: ask(counts, "b", "a", 4, 2.0),
        (1 + 2 * 3.5 / 6) / (1 + 2),
        hint="What is borrowed is shared out as the shorter context says: here '' gives 'a' "
        "3.5 / 6, not 1/V. Do not skip it when the context was seen. (If the function calls "
        "itself, pass borrow on. If you count down with context[-k:], mind that context[-0:] is "
        "the whole string, not the empty one.)",
    )
    yield case(
        "a context that was never seen",
        lambda: ask(counts, "x", "a", 4, 2.0),
        3.5 / 6,
        hint="A context that was never seen has nothing to say: the answer is that of the shorter "
        "context, here of ''. And counts['x'] fails: ask first if 'x' is in counts. ({} in its "
        "place has no 'a' either; an empty Counter() answers 0.)",
    )
    yield case(
        "the counts afterwards: as they were",
        lambda: student.probe(
            counts_after_backoff, student.ngram_backoff, counts, "xb", "a", 4, 2.0
        ),
        counts,
        hint="Asking must not change the counts. counts.setdefault writes a new context into them; "
        "counts.get only looks.",
    )
    wider: NgramCounts = counts | {"a": {"b": 2}, "ab": {"a": 5}}
    after_b = (1 + 2 * 3.5 / 6) / (1 + 2)
    yield case(
        "two characters of context",
        lambda: ask(wider, "ab", "a", 4, 2.0),
        (5 + 2 * after_b) / (5 + 2),
        hint="To shorten a context drop its oldest character, the first: context[1:]. 'ab' "
        "becomes 'b', then ''.",
    )
    random = _random_counts(rng, "abc")
    yield case(
        "the sum of the probabilities of all characters: one",
        lambda: sum(ask(random, "ab", char, 3, 1.5) for char in "abc"),
        1.0,
        hint="What is added above over all characters must be what is added below.",
    )
    some = [("", "c"), ("a", "d"), ("cb", "b"), ("ca", "a"), ("bab", "c"), ("xc", "a"), ("cx", "b")]
    yield case(
        "random counts, seven contexts and characters, borrow = 0.7",
        lambda: [ask(random, context, char, 5, 0.7) for context, char in some],
        [ask(random, context, char, 5, 0.7, of=reference) for context, char in some],
        hint="p = (count + borrow * p of the shorter context) / (sum of the counts + borrow)",
    )
    deep = _random_counts(rng, "abcd")
    asked = [("dcba", "a"), ("aaaa", "b"), ("bd", "e"), ("xbd", "a"), ("axd", "a")]
    yield case(
        "longer contexts, some never seen",
        lambda: [ask(deep, context, char, 9, 3.0) for context, char in asked],
        [ask(deep, context, char, 9, 3.0, of=reference) for context, char in asked],
        hint="p = (count + borrow * p of the shorter context) / (sum of the counts + borrow)",
        hidden=True,
    )


def _random_counts(rng: Rng, chars: str) -> NgramCounts:
    """Return counts, 1 to 4, of what followed most contexts of up to two of `chars`."""
    counts: NgramCounts = {"": {char: int(rng.integers(1, 5)) for char in chars}}
    for context in (*chars, *(first + second for first in chars for second in chars)):
        row = {char: int(rng.integers(0, 5)) for char in chars if rng.random() < 0.6}
        if row := {char: times for char, times in row.items() if times}:
            counts[context] = row
    return counts


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
