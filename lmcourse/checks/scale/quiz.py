"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "09_scale",
    Question(
        "two ways to cut a text",
        hint="Divide the loss per token by the characters of a token.",
        explain="2.0 / 4 is 0.5 nats per character, less than 0.6. Per character, models can be "
        "compared however they cut the text.",
    ),
    Question(
        "a text that moves",
        hint="Both are turned by 100 positions more. What is left of that in the angle between "
        "them?",
        explain="Only the distance counts, and it is 5 as before.",
    ),
    Question(
        "a gain and a spread",
        hint="Reread how the table of the ablation is to be read.",
        explain="0.01 is less than chance alone makes. More seeds would tell.",
    ),
    Question(
        "what Muon does",
        hint="Look again at the curve of the Newton-Schulz iteration.",
        explain="The directions stay, and all of them become about equally long. To divide each "
        "number by its usual size is what AdamW does.",
    ),
    Question(
        "the E of a law",
        hint="Compare the last lines of the test of the law.",
        explain="E is what is left for infinitely large models with endless text, far away from "
        "the points. A law is good for a step or two.",
    ),
    Question(
        "leaving one out",
        hint="Reread the third hint of the speed run.",
        explain="In the table stands what came there. Where a context came only once, the counts "
        "would always be right in training, and hardly ever later.",
    ),
)
