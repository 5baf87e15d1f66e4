"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz
from lmcourse.checks.pipelines.drawing import LESSON

quiz(
    LESSON,
    Question(
        "a condition without succeeded()",
        hint="Who says then that what came before must have succeeded?",
        explain="A condition of your own takes the place of succeeded(): leave that out, and the "
        "stage runs after a failure.",
        wrong={
            "a": "A condition of one's own takes the place of the usual one.",
            "b": "People are asked by an environment's approvals, not by a condition.",
        },
    ),
    Question(
        "a pull request from a fork",
        hint="Who wrote the code that runs there?",
        explain="Its code is a stranger's, and so it gets no secret, no token that writes, and no "
        "machine that can deploy.",
        wrong={
            "b": "Then a stranger's code could read your secrets.",
            "c": "Then nobody could see whether a stranger's change works.",
        },
    ),
    Question(
        "what OIDC saves",
        hint="What can be stolen from the settings of the repository afterwards?",
        explain="Nothing is kept: each run shows who it is, and gets a key that lasts for minutes.",
        wrong={
            "a": "If anything, there is one more request.",
            "c": "The cloud is told which repository may, and which branch.",
        },
    ),
    Question(
        "applied twice",
        hint="Compare what should be with what is, the second time.",
        explain="What is as it should be takes no step: applying is idempotent.",
        wrong={
            "a": "It replaces only what differs from what should be.",
            "c": "To find everything as it should be is no error.",
        },
    ),
    Question(
        "a secret in an old commit",
        hint="Who has a copy of the history, and can you reach them all?",
        explain="Copies are out of reach: only a key that is worth nothing any more is harmless.",
        wrong={
            "a": "The old commit still has it.",
            "b": "That takes a while, and the key is good until then.",
        },
    ),
)
