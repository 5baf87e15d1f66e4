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
    ),
    Question(
        "a pull request from a fork",
        hint="Who wrote the code that runs there?",
        explain="Its code is a stranger's, and so it gets no secret, no token that writes, and no "
        "machine that can deploy.",
    ),
    Question(
        "what OIDC saves",
        hint="What can be stolen from the settings of the repository afterwards?",
        explain="Nothing is kept: each run shows who it is, and gets a key that lasts for minutes.",
    ),
    Question(
        "applied twice",
        hint="Compare what should be with what is, the second time.",
        explain="What is as it should be takes no step: applying is idempotent.",
    ),
    Question(
        "a secret in an old commit",
        hint="Who has a copy of the history, and can you reach them all?",
        explain="Copies are out of reach: only a key that is worth nothing any more is harmless.",
    ),
)
