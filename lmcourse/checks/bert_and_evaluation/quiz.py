"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz

quiz(
    "08_bert_and_evaluation",
    Question(
        "why some chosen words are not hidden",
        hint="Reread 'What shall it learn from?': what would the model do with a word that is "
        "never to be predicted?",
        explain="Were every chosen word a [mask], all the others would need no understanding: and "
        "later, without masks, the model would meet nothing else.",
        wrong={
            "a": "A word that stays takes as much computing as any.",
            "c": "A low loss is not the aim here: it would be lowest if all words stayed.",
        },
    ),
    Question(
        "what BERT cannot do",
        hint="To write, you need the probability of the next word from those before it.",
        explain="It was trained with both sides at hand. A text that is being written has one.",
        wrong={
            "b": "That is what it does best, with a small head for the classes.",
            "c": "It does learn so: it fills gaps, and the text itself is the answer.",
        },
    ),
    Question(
        "99 in 100",
        hint="How many are right if nobody looks at all?",
        explain="Who always says no is right 99 times in 100 too, and finds none: recall 0.",
        wrong={
            "a": "0.99 is the share of all letters that it judges rightly. Recall asks about "
            "the frauds only.",
            "b": "0.01 is the share of frauds among the letters. How many of them does it find?",
        },
    ),
    Question(
        "the area of one who tosses a coin",
        hint="Of two stories, one that is and one that is not: how often is the first in front?",
        explain="A coin puts the right one in front every second time, however rare it is.",
        wrong={
            "a": "0.05 is how rare the class is. The area does not depend on it.",
            "c": "0.95 is the accuracy of one who always says no.",
        },
    ),
    Question(
        "sure, and often wrong",
        hint="What does the distance between confidence and accuracy say, and in which direction?",
        explain="Of 100 stories of which it is 95 per cent sure, 95 should be right, and 80 are: "
        "it is overconfident.",
        wrong={
            "b": "Then it would be right more often than it says.",
            "c": "Then it would be right 95 times in 100.",
        },
    ),
    Question(
        "a slice of eight stories",
        hint="Look at how wide its interval is, and at how many slices you looked at.",
        explain="With eight stories chance alone makes such gaps, and among many slices some are "
        "always low. Get more stories of this kind before you say anything.",
        wrong={
            "a": "That may be so, but these eight do not show it.",
            "c": "They matter just then: a good mean can hide a bad slice.",
        },
    ),
)
