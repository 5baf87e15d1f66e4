"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz
from lmcourse.checks.live_and_retire.drawing import LESSON

quiz(
    LESSON,
    Question(
        "the questions are the same, the right answers are not",
        hint="Which of these can see what the right answer is?",
        explain="Drift of concept: the inputs look as ever, so only feedback or fresh labels "
        "show it.",
        wrong={
            "a": "It is about the questions, and those are the same.",
            "c": "This is about the questions as well: it says how well they fit what the "
            "model has read.",
        },
    ),
    Question(
        "a look every hour",
        hint="How many looks is that in a week, and how many of a hundred alarm falsely?",
        explain="168 looks at a rate of 0.01: one or two false alarms a week, all without drift.",
        wrong={
            "b": "With a rate above 0 it alarms now and then for nothing.",
            "c": "A hundred alarms would be more than one in every two looks.",
        },
    ),
    Question(
        "erased from the data",
        hint="Can you search weights for a person?",
        explain="A model keeps traces of what it learnt from: it is trained again without that, "
        "and the old one retired.",
        wrong={
            "a": "Its weights were made from them, and are what they were.",
            "b": "At a start it loads the same weights.",
        },
    ),
    Question(
        "fair on average",
        hint="Who is hidden by an average?",
        explain="A slice that is served worse is hidden by the mean: look at each slice, with its "
        "interval.",
        wrong={
            "a": "It is better for most, and worse for some. Who says that this is all right?",
            "c": "It can: a mean hides those who are few.",
        },
    ),
    Question(
        "it sounds true",
        hint="What was the model trained to do?",
        explain="It was trained to write what is likely, not what is true: so say who wrote it, "
        "and let a person answer for what is published.",
        wrong={
            "a": "Nobody need have written it: each word was likely after those before.",
            "b": "The model wrote it because it found it likely, so its loss on it is low.",
        },
    ),
)
