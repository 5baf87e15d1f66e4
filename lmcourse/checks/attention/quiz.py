"""The lesson's quiz."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student

QUESTIONS = (
    (
        "answer_1",
        "what softmax makes sum to one",
        "dim=-1 runs over the last axis: the keys.",
        "Each query takes a mixture of all values, and the shares of a mixture sum to 1.",
    ),
    (
        "answer_2",
        "without the square root",
        "Look at the top right of the picture with the twelve keys, and at the slopes below it.",
        "The scores have a spread of 16, so by chance one is far above the others, and p (1 - p) "
        "is almost 0 for all.",
    ),
    (
        "answer_3",
        "the mask after the softmax",
        "What did your is_causal say of it? Reread the folded text below the suspects.",
        "A weight of the past is exp(score) divided by a sum, and the future is in that sum.",
    ),
    (
        "answer_4",
        "a loss below the floor",
        "No model can be below the floor. Reread what a leak does to the loss.",
        "What is too good to be true is not true: the model sees what it should predict.",
    ),
    (
        "answer_5",
        "looking back twice as far",
        "Which of the costs in 'What does it cost?' have a T in them, and are they parameters?",
        "The three matrices stay as they are; each character is compared with twice as many keys.",
    ),
    (
        "answer_6",
        "the second letter, and the first",
        "What does the query look for at the first letter of the name, and what before it?",
        "The head finds what came after the same characters. Where any name can follow these, they "
        "do not say which one is due.",
    ),
)


@exercise(
    "05_attention", "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True
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
