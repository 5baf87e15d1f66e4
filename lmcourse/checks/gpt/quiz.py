"""The lesson's quiz."""

from collections.abc import Iterator

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise
from grader.checks.student import Student

QUESTIONS = (
    (
        "answer_1",
        "a first loss far above ln V",
        "Reread 'How should it begin?': what is the loss of somebody who knows nothing?",
        "Guessing blindly costs ln V. Above it, the model is sure of something wrong: its logits "
        "are too large.",
    ),
    (
        "answer_2",
        "what does not decay",
        "Which of the three has fewer than two dimensions?",
        "The weight of a norm is a vector that should be free to stay near 1. Matrices and "
        "embeddings decay.",
    ),
    (
        "answer_3",
        "what clipping does to a long gradient",
        "Put the numbers into limit / length.",
        "All gradients are multiplied by 1 / 5: the step is shorter, and goes the same way.",
    ),
    (
        "answer_4",
        "without the optimizer's state",
        "What does AdamW keep for each weight?",
        "Nothing fails, which is what makes it dangerous: the means begin at 0, and the weights "
        "go another way.",
    ),
    (
        "answer_5",
        "top-p where the model is sure",
        "Keep the first ones until they have 0.9 together. How many does that take?",
        "The first one alone has reached 0.9, and it stays.",
    ),
    (
        "answer_6",
        "the cache and the window",
        "What goes into a key besides the character itself?",
        "The position embedding is part of what keys and values are made of. Another place, "
        "another key.",
    ),
)


@exercise("07_gpt", "quiz", points=6, names=tuple(name for name, *_ in QUESTIONS), constant=True)
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
