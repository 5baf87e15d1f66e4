"""The checks of `card_facts`, `model_card` and `card_lies`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import (
    LESSON,
    TIED,
    Facts,
    facts,
    word,
    worthless_alone,
)

NAMES = ("parameters", "layers", "context", "loss", "worst slice")
HEADINGS = ("Intended use", "Data", "Limits")


@probe
def facts_of_tied(
    _: dict[str, Any], card_facts: Callable[..., Any], weights: Any, config: Any, metrics: Any
) -> Any:
    """Return the facts of a model whose head is the token embedding itself, as in lesson 07."""
    return card_facts(weights | {TIED: weights["token_embedding.weight"]}, config, metrics)


@probe
def card_refused(
    _: dict[str, Any], model_card: Callable[..., Any], name: str, facts: Any, words: Any
) -> str:
    """Return what `model_card` raises, or the card, where it should refuse."""
    try:
        return str(model_card(name, facts, words))
    except ValueError as error:
        return f"ValueError: {error}"


@exercise(LESSON, "model_card", points=4, names=("card_facts", "model_card", "card_lies"))
def model_card(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def truth(of: Facts) -> dict[str, str]:
        told: dict[str, str] = reference.card_facts(of.weights, of.config, of.metrics)
        return told

    def about() -> Iterator[Case]:
        of = _of(rng)
        true = truth(of)

        def told() -> Any:
            return student.card_facts(of.weights, of.config, of.metrics)

        yield case(
            "the number of parameters",
            lambda: told()["parameters"],
            true["parameters"],
            hint="Add up `weight.numel()` over all weights, whatever else has head in its name, "
            'and write it with commas between the thousands: f"{count:,}".',
        )
        yield case(
            "the number of parameters where head.weight is among the weights",
            lambda: student.probe(
                facts_of_tied, student.card_facts, of.weights, of.config, of.metrics
            )["parameters"],
            true["parameters"],
            hint="head.weight is the token embedding again: the same numbers, counted once. Only "
            "this one name is: others that have head in them count.",
        )
        yield case(
            "layers and context",
            lambda: [told()[name] for name in ("layers", "context")],
            [true[name] for name in ("layers", "context")],
            hint='From the config, as texts: "2", and "256 characters".',
            points=0.5,
        )
        even = replace(of, metrics=_evened(rng))
        plain = truth(even)

        def told_evenly(name: str) -> Any:
            return student.card_facts(even.weights, even.config, even.metrics)[name]

        yield case(
            "the loss; another one, of one decimal",
            lambda: [told()["loss"], told_evenly("loss")],
            [true["loss"], plain["loss"]],
            hint='metrics["validation_loss"] with three decimals and its unit: '
            'f"{loss:.3f} nats per character". `round(0.5, 3)` is 0.5; `:.3f` gives 0.500.',
        )
        yield case(
            "the worst slice; another one, of one decimal",
            lambda: [told()["worst slice"], told_evenly("worst slice")],
            [true["worst slice"], plain["worst slice"]],
            hint='metrics["slices"] maps a name to a loss. The worst is the one whose loss is the '
            'highest: `max(slices, key=slices.get)`. Then f"{name}, {slices[name]:.3f}".',
        )

    yield case(
        "the names of the facts, in their order",
        lambda: (
            list(student.card_facts(first.weights, first.config, first.metrics))
            if (first := _of(rng))
            else []
        ),
        list(NAMES),
        hint="A dictionary with these five names, in this order, and a text for each.",
        form=True,
        points=0.5,
    )
    yield from public_and_hidden(about)

    def cards() -> Iterator[Case]:
        of, name = _of(rng), word(rng)
        true, words = truth(of), {heading: _sentence(rng) for heading in HEADINGS}
        shuffled = {heading: words[heading] for heading in ("Limits", "Intended use", "Data")}

        def card() -> str:
            return str(student.model_card(name, true, shuffled))

        def lines() -> list[str]:
            return [line.strip() for line in card().splitlines() if line.strip()]

        def top() -> list[str]:
            """Return the first line, and from the table's first one on as many as it has."""
            first, *rest = [line.rstrip() for line in card().strip().splitlines()]
            begin = next((place for place, line in enumerate(rest) if line), 0)
            return [first, *rest[begin : begin + 2 + len(true)]]

        yield case(
            "the name, and the table of the facts",
            top,
            [
                f"# {name}",
                "| fact | value |",
                "|---|---|",
                *(f"| {fact} | {value} |" for fact, value in true.items()),
            ],
            hint="First `# ` and the name, then the two lines with which the table begins, as in "
            'the contract, then a row for each fact, in its order: f"| {fact} | {value} |". An '
            "empty line ends a table, so there is none in it.",
        )
        yield case(
            "what people wrote",
            lambda: lines()[3 + len(true) :],
            [line for heading in HEADINGS for line in (f"## {heading}", words[heading])],
            hint="For each of HEADINGS, in that order: `## ` and the heading, then the words that "
            "belong to it.",
        )
        missing = str(rng.choice(HEADINGS))
        blank = str(rng.choice(["", " ", "\n"]))
        gone = {heading: text for heading, text in words.items() if heading != missing}

        def refused(words: dict[str, str]) -> str:
            said = student.probe(card_refused, student.model_card, name, true, words)
            if not said.startswith("ValueError"):
                return "it wrote a card"
            return "" if missing in said else f"it raised {said}"

        wanted = "ValueError, with the heading in it"
        yield worthless_alone(
            holds(
                "a card whose words are not all there",
                wanted,
                lambda: refused(gone) or refused(words | {missing: blank}),
                hint="A card without its limits looks finished, and is not. `raise "
                'ValueError(f"the '
                'card says nothing about {heading}")` where a heading is missing in '
                "`words`, or its "
                'text is blank: `not words.get(heading, "").strip()`.',
            )
        )

    yield from public_and_hidden(cards)

    def lies() -> Iterator[Case]:
        of = _of(rng)
        true, other = truth(of), truth(_of(rng))
        words = {heading: _sentence(rng) for heading in HEADINGS}
        honest = reference.model_card(word(rng), true, words)
        wrong = [0, *sorted((1 + rng.permutation(4)[: int(rng.integers(1, 4))]).tolist())]
        changed = [NAMES[i] for i in wrong if other[NAMES[i]] != true[NAMES[i]]]
        lying = honest
        for name in changed:
            lying = lying.replace(f"| {name} | {true[name]} |", f"| {name} | {other[name]} |")
        lost = str(rng.choice(NAMES))
        short = honest.replace(f"| {lost} | {true[lost]} |\n", "")
        twice = str(rng.choice([name for name in NAMES if true[name] != other[name]]))
        lie, row = f"| {twice} | {other[twice]} |", f"| {twice} | {true[twice]} |"
        hidden = f"{honest}\n<!--\n{lie}\n-->\n"
        before = honest.replace(row, f"{lie}\n{row}")
        longer = str(rng.choice(NAMES))
        inside = honest.replace(f"| {longer} | {true[longer]} |", f"| {longer} | 9{true[longer]} |")
        yield worthless_alone(
            case(
                "an honest card",
                lambda: student.card_lies(honest, true),
                [],
                hint='Each fact has its row in the card, f"| {fact} | {value} |": no lie, so the '
                "empty list.",
                points=0.5,
            )
        )
        yield case(
            "a card with other numbers in some rows",
            lambda: student.card_lies(lying, true),
            changed,
            hint="Return the names of the facts whose row says something else, in the order of "
            "the facts, and not of the alphabet.",
        )
        yield case(
            "a card that says nothing of a fact",
            lambda: student.card_lies(short, true),
            [lost],
            hint="What is left out is missed by nobody who reads the card: a fact without a row is "
            "a lie as well.",
        )
        yield case(
            "a card with a digit more",
            lambda: student.card_lies(inside, true),
            [longer],
            hint="Compare the whole row. A number that is somewhere in the card is not enough: 14 "
            "is also in 914.",
        )
        yield case(
            "a card with the truth in one row, and something else in another",
            lambda: [student.card_lies(card, true) for card in (hidden, before)],
            [[twice], [twice]],
            hint="Look at all rows that begin with the fact's name: there must be one, and it must "
            "be true. (The false one may be the last, or the first.)",
        )
        longer_name = f"{twice} {word(rng)}"
        more = true | {longer_name: word(rng)}
        both = reference.model_card(word(rng), more, words)
        yield worthless_alone(
            case(
                "a card with a fact whose name begins as that of another",
                lambda: student.card_lies(both, more),
                [],
                hint='The row of a fact begins with f"| {name} |", the second bar included: else '
                '"loss" has the rows of "loss at night" too.',
                points=0.5,
            )
        )

    yield from public_and_hidden(lies)


def _of(rng: Rng) -> Facts:
    """Return facts with sizes and slices that differ much from draw to draw."""
    of = facts(rng)
    of.config["context"] = int(rng.integers(10, 5000))
    of.config["layers"] = int(rng.integers(1, 90))
    of.weights["norm.bias"] = torch.zeros(int(rng.integers(1000, 9000)))
    of.metrics["validation_loss"] = float(rng.uniform(0.4, 20))
    of.metrics["slices"] = {word(rng): float(rng.uniform(0.4, 20)) for _ in range(5)}
    return of


def _evened(rng: Rng) -> dict[str, Any]:
    """Return metrics of one decimal each, of which the last is not nought."""
    tenths = [10 * int(rng.integers(1, 900)) + int(rng.integers(1, 10)) for _ in range(4)]
    slices = {word(rng): tenth / 10 for tenth in tenths[1:]}
    return {"validation_loss": tenths[0] / 10, "slices": slices}


def _sentence(rng: Rng) -> str:
    return " ".join(word(rng, 5) for _ in range(4)).capitalize() + "."
