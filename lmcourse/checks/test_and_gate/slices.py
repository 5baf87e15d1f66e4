"""Checks of `slice_report`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, kind, same_as_reference
from lmcourse.checks.test_and_gate.words import story, words

LESSON = "10_test_and_gate"


@exercise(LESSON, "slice_report", points=3)
def slice_report(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    stories = ["An owl sat.", "An owl and a fox.", "A fox ran."]
    old, new = torch.tensor([22.0, 17.0, 5.0]), torch.tensor([11.0, 17.0, 10.0])
    chars = torch.tensor([11, 17, 10])
    both = {
        "owl": {"stories": 2, "old": 39 / 28, "new": 1.0, "change": -11 / 28},
        "fox": {"stories": 2, "old": 22 / 27, "new": 1.0, "change": 5 / 27},
    }
    yield case(
        "three stories, two words",
        lambda: student.slice_report(stories, old, new, chars, ["owl", "fox"], 1),
        both,
        hint="for each word: how many stories hold it; all their nats together divided by all "
        "their characters together, with the old model and with the new one; and new minus old. "
        "least is 1 here, not 20; and by words_of the story 'An owl and a fox.' holds fox, though "
        "a full stop follows",
    )
    yield case(
        "plain numbers",
        lambda: student.probe(
            kinds_in_a_row, student.slice_report, stories, old, new, chars, ["owl"], 1
        ),
        {"stories": "int", "old": "float", "new": "float", "change": "float"},
        hint="a tensor of one number is not a number yet: .item() makes one of it. How many "
        "stories there are is an int, such as len(...)",
        points=0.5,
    )
    yield case(
        "a word that no story holds",
        lambda: student.slice_report(stories, old, new, chars, ["owl", "crow"], 1),
        {"owl": both["owl"]},
        hint="what has fewer stories than least is left out, and 0 stories would be a division "
        "by 0",
        points=0.5,
    )

    yield case(
        "a word that no story holds, and a least of 0",
        lambda: student.slice_report(stories, old, new, chars, ["crow", "owl"], 0),
        {"owl": both["owl"]},
        hint="a slice without a story is left out, whatever least is: 0 / 0 is NaN in torch",
        points=0.5,
    )

    def draw(many: int = 40) -> list[Any]:
        known = words(rng, 12)
        told = [story(rng, known, int(rng.integers(2, 5))) for _ in range(many)]
        lengths = torch.tensor([len(each) for each in told])
        losses = [torch.from_numpy(rng.uniform(0.5, 1.5, many)) * lengths for _ in range(2)]
        asked = [known[int(i)] for i in rng.permutation(12)[:6]]
        return [told, *losses, lengths, asked]

    hidden_word = words(rng, 1, 5)[0]
    longer = [f"{hidden_word}s were here.", f"The {hidden_word} came.", f"{hidden_word.upper()}!"]
    nats = [torch.from_numpy(rng.uniform(5, 30, 3)) for _ in range(2)]
    sizes = torch.tensor([len(each) for each in longer])
    yield case(
        "a word within another word, and a word in capitals",
        lambda: student.slice_report(longer, *nats, sizes, [hidden_word], 1),
        reference.slice_report(longer, *nats, sizes, [hidden_word], 1),
        hint='a slice is made by whole words, in any capitals: words_of(story). "owl" in story '
        'is true for "bowl" and "owls" too',
    )
    told, before, after, lengths, asked = draw()
    counts = {word: sum(word in each.lower() for each in told) for word in asked}
    least = sorted(counts.values())[3]
    full = reference.slice_report(told, before, after, lengths, asked, least)
    yield case(
        "slices with as many stories as least, and with fewer",
        lambda: student.slice_report(told, before, after, lengths, asked, least),
        full,
        hint="at least so many: a slice with exactly least stories stays, one with fewer goes",
    )
    nearly, enough = words(rng, 2, 7)
    many = draw(60)
    for place in range(60):
        many[0][place] += f" {nearly}" * (place < 19) + f" {enough}" * (place < 20)
    many[4] += [nearly, enough]
    usual = reference.slice_report(*many)
    yield case(
        "the least when none is given",
        lambda: sorted(student.slice_report(*many)),
        sorted(usual),
        hint="keep the first line: least=20",
        points=0.5,
    )
    untouched = arguments_stay(
        "what you are given stays as it was",
        student,
        "slice_report",
        *many,
        hint="make new lists and tensors; these are the caller's",
        points=0.5,
    )
    yield replace(untouched, form=True)  # it says nothing of the answer
    yield from same_as_reference(
        student,
        reference,
        "stories at random",
        lambda notebook, *arguments: notebook.slice_report(*arguments),
        lambda: [*draw(60), 2],
        hint="a mean of the stories' own losses counts a short story as much as a long one: add up "
        "nats, add up characters, and divide once",
        points=2,
    )


@probe
def kinds_in_a_row(_: dict[str, Any], function: Callable[..., Any], *args: Any) -> Any:
    """Return the kind of each value in the one row of the report that `function` gives."""
    report = function(*args)
    if report is None:
        return None
    (row,) = report.values()
    return {key: kind(value) for key, value in row.items()}
