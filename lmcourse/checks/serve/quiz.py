"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "12_serve",
    Question(
        "why keys are stored as hashes",
        hint="Who could read the file of keys, and what could they do with it then?",
        explain="A hash cannot be turned back: who reads the file cannot ask in others' names.",
    ),
    Question(
        "401 or 403",
        hint="Does the service know who it is?",
        explain="It knows who asks, and that they may not: 403.",
    ),
    Question(
        "Little's law",
        hint="L = λW: requests a second times seconds each.",
        explain="20 a second, each there for 0.5 s: 10 at any moment.",
    ),
    Question(
        "why the mean hides it",
        hint="Of a hundred who wait, how many does the 95th percentile leave out?",
        explain="The few slow ones hardly move the mean; p99 is about them.",
    ),
    Question(
        "what continuous batching saves",
        hint="Look at the slots of those who are done before the others.",
        explain="Who waits has the slot with the next step, and no row computes for nobody.",
    ),
)
