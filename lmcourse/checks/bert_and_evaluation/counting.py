"""The checks of `precision_recall_f1`."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from grader.checks.case import Case, Rng, case, integers
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import arguments_stay, described, kinds_in, public_and_hidden

LESSON = "08_bert_and_evaluation"
KEYS = ["confusion", "f1", "macro", "micro", "precision", "recall"]


def counted(truth: torch.Tensor, guess: torch.Tensor, classes: int) -> dict[str, Any]:
    """Return what `precision_recall_f1` should, by counting one class after the other."""
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    for true, guessed in zip(truth.tolist(), guess.tolist(), strict=True):
        confusion[true, guessed] += 1
    right = [int(confusion[k, k]) for k in range(classes)]
    precision = [_ratio(right[k], int(confusion[:, k].sum())) for k in range(classes)]
    recall = [_ratio(right[k], int(confusion[k].sum())) for k in range(classes)]
    both = [int(confusion[:, k].sum() + confusion[k].sum()) for k in range(classes)]
    f1 = [_ratio(2 * right[k], both[k]) for k in range(classes)]
    return {
        "confusion": confusion,
        "precision": torch.tensor(precision),
        "recall": torch.tensor(recall),
        "f1": torch.tensor(f1),
        "micro": sum(right) / len(truth),
        "macro": sum(f1) / classes,
    }


def _ratio(above: int, below: int) -> float:
    return above / below if below else 0.0


HINTS = {
    "confusion": "confusion[t, g] counts the stories of class t that were said to be g: the row is "
    "the truth, the column the guess. It has a row and a column for each of the classes, whether "
    "it occurs or not.",
    "precision": "Of what was said to be class k, how much is? The diagonal divided by the sums of "
    "the columns, dim=0.",
    "recall": "Of what is class k, how much was found? The diagonal divided by the sums of the "
    "rows, dim=1.",
    "f1": "F1 is 2 · precision · recall / (precision + recall), class by class: not their plain "
    "mean.",
    "micro": "Micro counts all classes together: the sum of the diagonal divided by the number of "
    "stories.",
    "macro": "Macro is the plain mean of the classes' F1, each class counting alike, large or "
    "small.",
}


@exercise(LESSON, "precision_recall_f1", points=3)
def precision_recall_f1(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def part(name: str, *arguments: Any) -> Any:
        given = student.precision_recall_f1(*arguments)
        return given[name] if isinstance(given, dict) else given

    truth, guess = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([0, 0, 1, 1, 2, 2])
    yield case(
        "a dictionary of six",
        lambda: sorted(student.precision_recall_f1(truth, guess, 3)),
        KEYS,
        hint="The keys are confusion, precision, recall, f1, micro and macro.",
        form=True,
    )
    yield case(
        "which kinds are in it",
        lambda: student.probe(kinds_in, student.precision_recall_f1, truth, guess, 3),
        ["Tensor", "float"],
        hint="Four tensors, and micro and macro as plain numbers: .item() or float(...).",
        form=True,
    )
    yield case(
        "of which kind the confusion matrix is",
        lambda: described(part("confusion", truth, guess, 3)),
        "int64 tensor (3, 3)",
        hint="It counts, so its kind is int64: torch.bincount gives that.",
        form=True,
    )
    yield arguments_stay(
        "truth and guess stay as they were",
        student,
        "precision_recall_f1",
        truth,
        guess,
        3,
        hint="Change neither of the two tensors.",
        points=0.25,
    )

    def draw(classes: int, stories: int) -> list[Any]:
        truth = integers(rng, classes, stories)
        truth[: stories // 2] = integers(rng, 2, stories // 2)  # two classes have more than others
        slip = integers(rng, 100, stories) < int(rng.integers(30, 60))
        guess = torch.where(slip, integers(rng, classes, stories), truth)
        return [truth, guess, classes]

    def many() -> Iterator[Case]:
        arguments = draw(int(rng.integers(3, 6)), int(rng.integers(60, 200)))
        want = counted(*arguments)
        for name in ("confusion", "precision", "recall", "f1", "micro", "macro"):
            yield case(
                f"many stories: {name}",
                partial(part, name, *arguments),
                want[name],
                hint=HINTS[name],
            )

    yield from public_and_hidden(many)

    def absent() -> Iterator[Case]:
        """Two classes that no story has: one that is never said either, and one that is."""
        truth, guess, classes = draw(int(rng.integers(3, 6)), int(rng.integers(40, 90)))
        guess = guess.clone()
        guess[:3] = classes
        want = counted(truth, guess, classes + 2)
        for name in ("confusion", "precision", "recall", "f1", "macro"):
            yield case(
                f"classes that no story has: {name}",
                partial(part, name, truth, guess, classes + 2),
                want[name],
                hint="Where there is nothing to divide by, the number is 0, and not nan: divide by "
                "max(1, ...), as .clamp(min=1) does. The classes count in the mean all the same, "
                "and have a row and a column: say how many there are, minlength= or zeros(classes, "
                "classes).",
            )

    yield from public_and_hidden(absent)
    stories = int(rng.integers(5, 20))
    lost = [torch.zeros(stories, dtype=torch.int64), torch.ones(stories, dtype=torch.int64), 2]
    yield case(
        "nothing right: F1",
        lambda: part("f1", *lost),
        torch.zeros(2),
        hint="Where precision and recall are both 0, F1 is 0 and not nan.",
        points=0.5,
    )
