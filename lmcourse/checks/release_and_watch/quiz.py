"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz
from lmcourse.checks.release_and_watch.asking import LESSON

quiz(
    LESSON,
    Question(
        "looking after every request",
        hint="Each look is another chance to be wrong.",
        explain="Peeking: with enough looks it happens nearly always.",
        wrong={
            "a": "5 % is for one look.",
            "c": "Even one look is wrong in 5 % of all cases.",
        },
    ),
    Question(
        "a split that is off",
        hint="How likely is such a split by chance, and what else could make it?",
        explain="A sample ratio mismatch: whoever is missing is not missing by chance, and the "
        "ratings of the others say nothing.",
        wrong={
            "a": "Perhaps those who did not like B are the ones that are missing.",
            "b": "With more users it stays as crooked: of the next ones some will be missing, too.",
        },
    ),
    Question(
        "two p99",
        hint="What if machine 2 answers one request a day?",
        explain="Percentiles cannot be averaged; histograms can be added up.",
        wrong={
            "b": "The mean of two percentiles is no percentile.",
            "c": "That would hold if machine 2 answered all requests.",
        },
    ),
    Question(
        "the short window",
        hint="How long is an hour's window red after the fault is mended?",
        explain="The long window makes sure, and the short one ends it.",
        wrong={
            "a": "Both windows have to be above the limit, so a second one makes the alert see "
            "less.",
            "c": "A second window saves no numbers.",
        },
    ),
    Question(
        "up and down",
        hint="Who pays for one too few, and who for one too many?",
        explain="Too few hurts users now; too many costs a little money for a while.",
        wrong={
            "b": "It does take time, and that is a reason not to put it off.",
            "c": "It counts both ways, and is made to wait on one.",
        },
    ),
)
