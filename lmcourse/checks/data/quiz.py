"""The quiz of lesson 01."""

from grader.checks.vocabulary import Question, quiz

LESSON = "01_data"


quiz(
    LESSON,
    Question(
        "question 1: a loss below the floor",
        hint="Reread 'How low can a model go?' and the parrot that follows it.",
        explain="Nothing beats the source of the text. Below the floor, look for copies or a wrong "
        "sum.",
        wrong={
            "a": "No structure can help: the floor holds for the program that wrote the text, "
            "which knows all of it.",
            "c": "It is too low to be true already. A lower one would be worse news.",
        },
    ),
    Question(
        "question 2: clean first, or drop copies first",
        hint="Reread 'Did the model see it before?': when are two strings equal?",
        explain="Copies that differ in one curly quote are different strings: clean, then drop "
        "copies.",
        wrong={
            "a": "Then a story may be on one side of the cut, and its copy on the other.",
            "b": "Before the cleaning two copies may differ in a space or a quotation mark.",
        },
    ),
    Question(
        "question 3: two bits in nats",
        hint="Reread 'How surprising is a letter?': a fair coin is one bit, or log(2) nats.",
        explain="A bit is the smaller unit: one bit is log(2), about 0.693 nats; two are about "
        "1.386.",
        wrong={
            "b": "You divided by log(2). A nat is more than a bit, so the number gets smaller.",
            "c": "They are two units, like miles and kilometres.",
        },
    ),
    Question(
        "question 4: the wrong letter frequencies",
        hint="Reread 'What if the frequencies are wrong?'.",
        explain="Cross-entropy is at least the text's own entropy, whatever frequencies you bring.",
        wrong={
            "a": "Good writing is no help: what counts is how often each letter stands in this "
            "text.",
            "b": "Both are English, but the letters are not equally frequent in both.",
        },
    ),
    Question(
        "question 5: what y holds",
        hint="Reread 'What does a model eat?': compare x and y side by side.",
        explain="y is x, one character later: at each place, the character to be guessed.",
        wrong={
            "b": "That is the rest of the text. There is one target for each character of `x`.",
            "c": "That is the target of the last character alone. Each character of `x` has one.",
        },
    ),
)
