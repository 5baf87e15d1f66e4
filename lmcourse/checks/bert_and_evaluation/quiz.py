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
    ),
    Question(
        "what BERT cannot do",
        hint="To write, you need the probability of the next word from those before it.",
        explain="It was trained with both sides at hand. A text that is being written has one.",
    ),
    Question(
        "99 in 100",
        hint="How many are right if nobody looks at all?",
        explain="Who always says no is right 99 times in 100 too, and finds none: recall 0.",
    ),
    Question(
        "the area of one who tosses a coin",
        hint="Of two stories, one that is and one that is not: how often is the first in front?",
        explain="A coin puts the right one in front every second time, however rare it is.",
    ),
    Question(
        "sure, and often wrong",
        hint="What does the distance between confidence and accuracy say, and in which direction?",
        explain="Of 100 stories of which it is 95 per cent sure, 95 should be right, and 80 are: "
        "it is overconfident.",
    ),
    Question(
        "a slice of eight stories",
        hint="Look at how wide its interval is, and at how many slices you looked at.",
        explain="With eight stories chance alone makes such gaps, and among many slices some are "
        "always low. Get more stories of this kind before you say anything.",
    ),
)
