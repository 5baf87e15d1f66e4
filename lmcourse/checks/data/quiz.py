"""The quiz of lesson 01."""

from grader.checks.vocabulary import Question, quiz

LESSON = "01_data"


quiz(
    LESSON,
    Question(
        "question 1: a loss below the floor",
        hint="reread 'How low can a model go?' and the parrot that follows it",
        explain="Nothing beats the source of the text. Below the floor, look for copies or a wrong "
        "sum.",
    ),
    Question(
        "question 2: clean first, or drop copies first",
        hint="reread 'Did the model see it before?': when are two strings equal?",
        explain="Copies that differ in one curly quote are different strings: clean, then drop "
        "copies.",
    ),
    Question(
        "question 3: two bits in nats",
        hint="reread 'How surprising is a letter?': a fair coin is one bit, or log(2) nats",
        explain="A bit is the smaller unit: one bit is log(2), about 0.693 nats; two are about "
        "1.386.",
    ),
    Question(
        "question 4: the wrong letter frequencies",
        hint="reread 'What if the frequencies are wrong?'",
        explain="Cross-entropy is at least the text's own entropy, whatever frequencies you bring.",
    ),
    Question(
        "question 5: what y holds",
        hint="reread 'What does a model eat?': compare x and y side by side",
        explain="y is x, one character later: at each place, the character to be guessed.",
    ),
)
