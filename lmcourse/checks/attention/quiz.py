"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "05_attention",
    Question(
        "what softmax makes sum to one",
        hint="dim=-1 runs over the last axis: the keys.",
        explain="Each query takes a mixture of all values, and the shares of a mixture sum to 1.",
        wrong={
            "a": "A key has nothing to share out: many queries may look at one key with weight 1.",
            "c": "Then a query of a long text would have hardly anything to share out.",
        },
    ),
    Question(
        "without the square root",
        hint="Look at the top right of the picture with the twelve keys, and at the "
        "last column of the table below it.",
        explain="The scores have a standard deviation of 16, so by chance one is far above the "
        "others, and p (1 - p) is almost 0 for all.",
        wrong={
            "a": "That is what happens when the scores are too small.",
            "c": "It does mind: softmax of twice the scores is not the same.",
        },
    ),
    Question(
        "the mask after the softmax",
        hint="What did your is_causal say of it? Reread the folded text below the suspects.",
        explain="A weight of the past is exp(score) divided by a sum, and the future is in "
        "that sum.",
        wrong={
            "a": "The future's own weight is 0. But what were the other weights divided by?",
            "b": "The number of positions does not undo the division that softmax has made.",
        },
    ),
    Question(
        "a loss below the floor",
        hint="No model can be below the floor. Reread what a leak does to the loss.",
        explain="What is too good to be true is not true: the model sees what it should predict.",
        wrong={
            "b": "It is lower than is possible already.",
            "c": "The first reader would ask how it can foresee what was drawn by chance.",
        },
    ),
    Question(
        "looking back twice as far",
        hint="Which of the costs in 'What does it cost?' have a T in them, and are they "
        "parameters?",
        explain="The three matrices stay as they are; each character is compared with twice "
        "as many keys.",
        wrong={
            "a": "A matrix of the head has a side for each number of `x`, and none for each "
            "position.",
            "c": "Only one of the two depends on T.",
        },
    ),
    Question(
        "the second letter, and the first",
        hint="What does the query look for at the first letter of the name, and what before it?",
        explain="The head finds what came after the same characters. Where any name can "
        "follow these, they do not say which one is due.",
        wrong={
            "a": "Rare characters are found like all others, if the same ones stand before them.",
            "b": "The first letter stood as far back as the second one.",
        },
    ),
)
