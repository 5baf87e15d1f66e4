"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "09_scale",
    Question(
        "two ways to cut a text",
        hint="Divide the loss per token by the characters of a token.",
        explain="2.0 / 4 is 0.5 nats per character, less than 0.6. Per character, models can be "
        "compared however they cut the text.",
        wrong={
            "b": "0.6 is less than 2.0, but it is nats per another unit.",
            "c": "It can, once both are in the same unit.",
        },
    ),
    Question(
        "a text that moves",
        hint="Both are turned by 100 positions more. What is left of that in the angle between "
        "them?",
        explain="Only the distance counts, and it is 5 as before.",
        wrong={
            "a": "Both were turned by more, and by how much?",
            "c": "The score depends on something that stays as it was.",
        },
    ),
    Question(
        "a gain and a spread",
        hint="Reread how the table of the ablation is to be read.",
        explain="0.01 is less than chance alone makes. More seeds would tell.",
        wrong={
            "a": "With another seed it could as well have lost 0.01.",
            "b": "Nothing here speaks for harm, either.",
        },
    ),
    Question(
        "what Muon does",
        hint="Look again at the curve of the Newton-Schulz iteration.",
        explain="The directions stay, and all of them become about equally long. To divide each "
        "number by its usual size is what AdamW does.",
        wrong={
            "b": "It leaves none of them out: each direction stays.",
            "c": "AdamW does something like this, number by number.",
        },
    ),
    Question(
        "the E of a law",
        hint="Compare the last lines of the test of the law.",
        explain="E is what is left for infinitely large models with endless text, far away from "
        "the points. A law is good for a step or two.",
        wrong={
            "a": "For that, the law would have to hold for models of any size. Nobody has "
            "measured these.",
            "c": "It need not be 0: text with chance in it has a floor.",
        },
    ),
    Question(
        "leaving one out",
        hint="Reread the third hint of the speed run.",
        explain="In the table stands what came there. Where a context came only once, the counts "
        "would always be right in training, and hardly ever later.",
        wrong={
            "a": "It takes no less memory, and some more work.",
            "b": "It is about each position, whether its character is rare or not.",
        },
    ),
)
