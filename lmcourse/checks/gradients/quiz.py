"""The quiz of lesson 03."""

from grader.checks.vocabulary import Question, quiz

LESSON = "03_gradients"

quiz(
    LESSON,
    Question(
        "the slope for the character that came",
        hint="Softmax minus one-hot, at the target. What is the softmax of four equal logits?",
        explain="0.25 - 1 = -0.75: pushing the target's logit up makes the loss fall.",
        wrong={
            "a": "0.25 is the probability, and the slope for each of the three that did not come.",
            "c": "-1 is the one-hot part alone.",
        },
    ),
    Question(
        "why not the logarithm of a softmax",
        hint="Look again at the logits [200, 0] in 'How bad is it?'",
        explain="A float32 has no number between 0 and about 10^-45: what is smaller becomes 0.",
        wrong={
            "a": "A logarithm takes next to no time.",
            "c": "`log` is the natural logarithm, so the result is in nats either way.",
        },
    ),
    Question(
        "why slopes are added",
        hint="Look at a in the small picture with a, b and c: how many ways lead to the result?",
        explain="Along a path slopes multiply, and where paths meet they add: += keeps what came "
        "before.",
        wrong={
            "b": "How long a step is, the learning rate says, and only later.",
            "c": "Slopes are often negative, and += adds those as well.",
        },
    ),
    Question(
        "a loss that jumps",
        hint="Look at the three maps again: which of the three walks jumps?",
        explain="Too long a step lands on the other side of the valley. More steps only jump more "
        "often.",
        wrong={
            "a": "More steps of the same length go on jumping.",
            "b": "Longer steps jump further.",
        },
    ),
    Question(
        "rows that are late",
        hint="Reread what stands folded below the picture of the late rows.",
        explain="The loss is a mean over all pairs, so a row's gradient carries its share of the "
        "pairs.",
        wrong={
            "b": "How large a logit is does not matter here: late rows make short steps.",
            "c": "How hard they are to predict says where the loss ends, not how soon it gets "
            "there.",
        },
    ),
    Question(
        "what a zero gradient means",
        hint="Reread the first of the two facts in 'Why did it have to?'",
        explain="Softmax minus the counted shares is zero. The text still surprises: the loss is "
        "not 0.",
        wrong={
            "a": "A loss of 0 takes a text without any surprise.",
            "b": "Who sees one character only cannot know which of several comes next.",
        },
    ),
)
