"""The lesson's quiz."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student

QUESTIONS = (
    (
        "answer_1",
        "what heads cost",
        "Reread how the channels are cut, and the example at the end of the contract of "
        "MultiHeadAttention.",
        "64 channels are cut into 8 heads of 8. The four layers are (64, 64) however many heads "
        "there are: 4 · 64 · 64.",
    ),
    (
        "answer_2",
        "a forgotten transpose",
        "Look again at the last line of the cell with 0, 1, 2, 3 and 10, 11, 12, 13.",
        "reshape only cuts the line of numbers anew, so any shape with as many numbers will do, "
        "and nobody warns you.",
    ),
    (
        "answer_3",
        "a shuffled past",
        "Run the cell again that shuffles nine characters. Which character stayed where it was?",
        "The last character is the same, and those before it are the same bag. In the other pairs "
        "another character is last, or the bag has one more.",
    ),
    (
        "answer_4",
        "layers that replace",
        "Look at the last column of the table with the norm in front of each layer.",
        "Each layer hands on means of means, and nothing tells any longer which character stands "
        "where. With x + f(norm(x)) the character stays in the sum.",
    ),
    (
        "answer_5",
        "dropout in evaluation",
        "Reread the contract of dropout: what does it return if training is False?",
        "What stays is divided by 1 - p in training already, so that evaluation needs nothing.",
    ),
    (
        "answer_6",
        "a difference and its spread",
        "Reread how the table of the ablation is to be read.",
        "0.01 is less than the models with the same parts differ from seed to seed. It may be "
        "worth something, but this does not show it.",
    ),
)


@exercise(
    "06_transformer", "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True
)
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
