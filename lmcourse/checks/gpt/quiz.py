"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "07_gpt",
    Question(
        "a first loss far above ln V",
        hint="Reread 'How should it begin?': what is the loss of somebody who knows nothing?",
        explain="Guessing blindly costs ln V. Above it, the model is sure of something "
        "wrong: its logits are too large.",
        wrong={
            "a": "A model that knows nothing has one right loss, and 9.7 is far above it.",
            "c": "Before training, a larger one knows as little.",
        },
    ),
    Question(
        "what does not decay",
        hint="Which of the three has fewer than two dimensions?",
        explain="The weight of a norm is a vector that should be free to stay near 1. "
        "Matrices and embeddings decay.",
        wrong={
            "a": "An embedding is a matrix, and decays like others.",
            "c": "This is a plain matrix, which is what weight decay is for.",
        },
    ),
    Question(
        "what clipping does to a long gradient",
        hint="Put the numbers into limit / length.",
        explain="All gradients are multiplied by 1 / 5: the step is shorter, and goes the "
        "same way.",
        wrong={
            "a": "To cut each number by itself would turn the step into another direction.",
            "b": "The step is made.",
        },
    ),
    Question(
        "without the optimizer's state",
        hint="What does AdamW keep for each weight?",
        explain="Nothing fails, which is what makes it dangerous: the means begin at 0, and "
        "the weights go another way.",
        wrong={
            "a": "The model's own state is complete, so it loads.",
            "c": "The next step depends on what the optimizer remembers of the last ones.",
        },
    ),
    Question(
        "top-p where the model is sure",
        hint="Keep the first ones until they have 0.9 together. How many does that take?",
        explain="The first one alone has reached 0.9, and it stays.",
        wrong={
            "b": "One always stays, however sure the model is.",
            "c": "The 0.9 is counted from the most likely character on, and includes it.",
        },
    ),
    Question(
        "the cache and the window",
        hint="What goes into a key besides the character itself?",
        explain="The position embedding is part of what keys and values are made of. Another "
        "position, another key.",
        wrong={
            "b": "The window bounds its size, so memory is not the matter.",
            "c": "There are no queries in it: each is needed once.",
        },
    ),
)
