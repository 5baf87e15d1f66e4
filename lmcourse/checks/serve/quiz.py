"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "12_serve",
    Question(
        "why keys are stored as hashes",
        hint="Who could read the file of keys, and what could they do with it then?",
        explain="A hash cannot be turned back: who reads the file cannot ask in others' names.",
        wrong={
            "a": "Room is no matter: a key is a few dozen characters long.",
            "c": "Speed is no matter: think of somebody who copies the file.",
        },
    ),
    Question(
        "401 or 403",
        hint="Does the service know who it is?",
        explain="It knows who asks, and that they may not: 403.",
        wrong={
            "a": "401 says: I do not know who you are.",
            "b": "429 says: too many requests.",
        },
    ),
    Question(
        "Little's law",
        hint="L = λW: requests a second times seconds each.",
        explain="20 a second, each there for 0.5 s: 10 at any moment.",
        wrong={
            "b": "You divided. If each stayed for a shorter time, would there be more inside, "
            "or fewer?",
            "c": "The law asks for a rate and a time, and for nothing inside.",
        },
    ),
    Question(
        "why the mean hides it",
        hint="Of a hundred who wait, how many does the 95th percentile leave out?",
        explain="The few slow ones hardly move the mean; p99 is about them.",
        wrong={
            "a": "The median is 50 ms, as if nothing were wrong.",
            "c": "The fastest one says nothing about those who wait.",
        },
    ),
    Question(
        "what continuous batching saves",
        hint="Look at the slots of those who are done before the others.",
        explain="Who waits has the slot with the next step, and no row computes for nobody.",
        wrong={
            "b": "The weights are in memory once, either way.",
            "c": "A single step takes as long as before.",
        },
    ),
)
