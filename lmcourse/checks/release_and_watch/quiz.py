"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz
from lmcourse.checks.release_and_watch.asking import LESSON

quiz(
    LESSON,
    Question(
        "looking after every request",
        hint="Each look is another chance to be wrong.",
        explain="Peeking: with enough looks it happens nearly always.",
    ),
    Question(
        "a split that is off",
        hint="How likely is such a split by chance, and what else could make it?",
        explain="A sample ratio mismatch: whoever is missing is not missing by chance, and the "
        "ratings of the others say nothing.",
    ),
    Question(
        "two p99",
        hint="What if machine 2 answers one request a day?",
        explain="Percentiles cannot be averaged; histograms can be added up.",
    ),
    Question(
        "the short window",
        hint="How long is an hour's window red after the fault is mended?",
        explain="The long window makes sure, and the short one ends it.",
    ),
    Question(
        "up and down",
        hint="Who pays for one too few, and who for one too many?",
        explain="Too few hurts users now; too many costs a little money for a while.",
    ),
)
