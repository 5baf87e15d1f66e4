"""Checks of contexts of any length: `count_ngrams` and `ngram_backoff`."""

import string
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import kinds_in, same_as_reference

LESSON = "02_bigrams"

NgramCounts = dict[str, dict[str, int]]


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
        form=True,
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

    def counts_and_contexts() -> tuple[NgramCounts, list[tuple[str, str]], int]:
        text = _letters(rng, "abcd", 90)
        deep = reference.count_ngrams(text, 5)
        starts = [int(start) for start in rng.integers(0, 80, 6)]
        asked = [(text[start : start + k], text[start + 4]) for k, start in enumerate(starts)]
        asked += [("x" + text[7:9], "a"), (text[7:9] + "x", "b"), (text[30:34], "z"), ("dcba", "d")]
        return deep, asked, int(rng.integers(5, 30))

    yield from same_as_reference(
        student,
        reference,
        "contexts of many lengths, some never seen",
        lambda notebook, counts, asked, V: [
            ask(counts, context, char, V, borrow, of=notebook) for context, char in asked
        ],
        counts_and_contexts,
        hint="p = (count + borrow * p of the shorter context) / (sum of the counts + borrow)",
    )
