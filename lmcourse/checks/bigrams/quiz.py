"""The quiz of lesson 02."""

from grader.checks.vocabulary import Question, quiz

LESSON = "02_bigrams"

quiz(
    LESSON,
    Question(
        "which way round the table reads",
        hint="Reread the contract of count_bigrams: which character is the row?",
        explain="The row is what you have, the column what may come next. Each row is a "
        "distribution.",
        wrong={
            "a": "Then all of the table would sum to 1. In yours, what sums to 1?",
            "c": "That is `table[j, i]`.",
        },
    ),
    Question(
        "from nats to perplexity",
        hint="Reread how perplexity follows from the loss: it is exp(loss).",
        explain="exp(ln 8) = 8: as unsure as a fair die with eight faces.",
        wrong={
            "a": "2.08 is a number of nats, a logarithm. It counts no characters.",
            "c": "That would be a loss of ln V, for any V.",
        },
    ),
    Question(
        "a very large alpha",
        hint="Look at the right end of the picture of alpha, and at (count + alpha) / (sum + V "
        "alpha).",
        explain="The counts drown: every character gets about 1 / V, and the loss goes to ln V.",
        wrong={
            "a": "The counts decide where `alpha` is small.",
            "b": "`alpha` is the same for all characters, whether they are frequent or not.",
        },
    ),
    Question(
        "drawing or taking the most likely",
        hint="Look again at the text written without chance.",
        explain="The same row always gave the same character, so the first one that came back "
        "closed a circle. Drawing keeps the variety of the text that was counted.",
        wrong={
            "b": "Without any smoothing the most likely character would still be the same one.",
            "c": "With more text another character may be the most likely one, but again it is "
            "only one.",
        },
    ),
    Question(
        "a context that was never seen",
        hint="Put a count of 0 and a sum of 0 into the formula of ngram_backoff.",
        explain="0 + borrow * p, divided by 0 + borrow: what is left is p, the shorter context's "
        "answer.",
        wrong={
            "a": "A 0 would make the loss infinite. Back-off is there so that this does not "
            "happen.",
            "b": "That is what `alpha` gives for a context that was never seen. Back-off knows "
            "better.",
        },
    ),
    Question(
        "training and validation drift apart",
        hint="Reread 'Why does counting run out?', and look at the picture of what was never seen.",
        explain="The longer a context, the rarer it comes again: what was learnt by heart helps "
        "less.",
        wrong={
            "a": "They are losses on two texts, and need not go together.",
            "c": "Then it would be harder for each n, and not only from some n on.",
        },
    ),
)
