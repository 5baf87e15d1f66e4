"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "06_transformer",
    Question(
        "what heads cost",
        hint="Reread how the channels are cut, and the example at the end of the contract "
        "of MultiHeadAttention.",
        explain="64 channels are cut into 8 heads of 8. The four layers are (64, 64) however "
        "many heads there are: 4 · 64 · 64.",
        wrong={
            "a": "The heads share the 64 channels. They do not have 64 each.",
            "c": "You counted the part of one head alone.",
        },
    ),
    Question(
        "a forgotten transpose",
        hint="Look again at the last line of the cell with 0, 1, 2, 3 and 10, 11, 12, 13.",
        explain="reshape only cuts the line of numbers anew, so any shape with as many "
        "numbers will do, and nobody warns you.",
        wrong={
            "a": "There are as many numbers as the new shape asks for, so there is no error.",
            "b": "What is cut into rows of C then begins with several positions of one head.",
        },
    ),
    Question(
        "a shuffled past",
        hint="Run the cell again that shuffles nine characters. Which character stayed "
        "where it was?",
        explain="The last character is the same, and those before it are the same bag. In "
        "the other pairs another character is last, or the bag has one more.",
        wrong={
            "a": "The query is that of the last character, and these two end differently.",
            "c": "In the second one b counts twice in the mean.",
        },
    ),
    Question(
        "layers that replace",
        hint="Look at the last column of the table with the norm in front of each layer.",
        explain="Each layer hands on means of means, and nothing tells any longer which "
        "character stands where. With x + f(norm(x)) the character stays in the sum.",
        wrong={
            "a": "The gradients do get through. But look at what arrives at the top.",
            "b": "The norm in front of each layer sees to that.",
        },
    ),
    Question(
        "dropout in evaluation",
        hint="Reread the contract of dropout: what does it return if training is False?",
        explain="What stays is divided by 1 - p in training already, so that evaluation "
        "needs nothing.",
        wrong={
            "b": "What stays was divided in training already, so that nothing is left to do.",
            "c": "Then a fifth of the net would never be of use.",
        },
    ),
    Question(
        "a difference and its spread",
        hint="Reread how the table of the ablation is to be read.",
        explain="0.01 is less than the models with the same parts differ from seed to seed. "
        "It may be worth something, but this does not show it.",
        wrong={
            "a": "Other seeds may well say -0.01.",
            "b": "It does not show that either: X may well be worth 0.01.",
        },
    ),
)
