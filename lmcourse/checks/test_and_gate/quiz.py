"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "10_test_and_gate",
    Question(
        "what a metamorphic test needs",
        hint="Did you know what the right logits are when you cut a text short?",
        explain="Nobody knows the right logits. What is known is how two answers belong together.",
        wrong={
            "a": "Nobody knows the right logits, and the test does without.",
            "c": "The test only calls the model.",
        },
    ),
    Question(
        "a suite with a mutation score of 20 of 27",
        hint="A mutant is a model that somebody broke on purpose.",
        explain="Seven ways of being broken would pass unseen. That says what to write next.",
        wrong={
            "a": "A mutation score tells of the tests, not of the model.",
            "b": "A test that fails on a broken model has done its work.",
        },
    ),
    Question(
        "an interval on both sides of 0",
        hint="Which differences does the interval allow?",
        explain="A small loss and a small gain are both in it: these stories do not decide.",
        wrong={
            "b": "-0.001 is the middle of the interval, and 0.002 is in it as well.",
            "c": "Not to know which is better is not to know that they are the same.",
        },
    ),
    Question(
        "why in pairs",
        hint="Some stories are hard for every model. Where does that go in a difference?",
        explain="What is hard for both cancels out in the difference, story by story, and the "
        "interval becomes narrow.",
        wrong={
            "a": "It takes as long either way: each loss is worked out once.",
            "c": "The mean would be right either way.",
        },
    ),
    Question(
        "a metric that is missing",
        hint="What does the gate know about the model then?",
        explain="To fail closed is to say no where one does not know. A gate that says yes there "
        "opens whenever a measurement breaks.",
        wrong={
            "a": "Yesterday's value is about yesterday's model.",
            "b": "Then a measurement that breaks opens the gate.",
        },
    ),
)
