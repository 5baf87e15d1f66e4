"""The quiz of lesson 04."""

from grader.checks.vocabulary import Question, quiz

LESSON = "04_mlp"

quiz(
    LESSON,
    Question(
        "what a transpose before reshape does",
        hint="Look again at the three lines printed in 'How does a context become numbers?'",
        explain="reshape reads the numbers in the order of the axes, so with T first it reads the "
        "first character of every context before the second one of any.",
        wrong={
            "a": "The same numbers, but `transpose` has changed the order in which they are read.",
            "b": "There are as many numbers as the shape asks for, so there is no error.",
        },
    ),
    Question(
        "what tanh is for",
        hint="Reread the answer below 'What have we gained by the second matrix?'",
        explain="Two matrix products in a row are one matrix product. A bend between them makes "
        "two layers more than one.",
        wrong={
            "a": "Without it something is lost that no number of steps brings back.",
            "c": "The embeddings are looked up before tanh has anything to do.",
        },
    ),
    Question(
        "a first loss of 27",
        hint="What would a net say that knows nothing? Compare with ln 64, about 4.16.",
        explain="Far above ln V means large logits: the net is sure of itself, and wrong, before "
        "it has seen anything.",
        wrong={
            "b": "No step has been made yet, so the rate has had no part in it.",
            "c": "A good one begins far lower.",
        },
    ),
    Question(
        "a peak that may be higher",
        hint="Reread what stands below the picture with the ten short trainings.",
        explain="While the rate is high the net finds its way; as it falls, the noise of single "
        "batches is averaged out.",
        wrong={
            "a": "The size of a mini-batch has nothing to do with the rate.",
            "c": "It does: with too high a rate it flies up.",
        },
    ),
    Question(
        "losses that drift apart",
        hint="Reread the list of remedies below the picture with the 20 stories.",
        explain="That is overfitting. Stop early: the best parameters were those of the lowest "
        "validation loss.",
        wrong={
            "a": "From here on each step makes it worse on new text.",
            "c": "A larger net can learn even more by heart.",
        },
    ),
    Question(
        "why the digits come together",
        hint="Reread what stands below the two maps.",
        explain="Characters after which the same comes get the same gradients, and so they move to "
        "the same place.",
        wrong={
            "a": "The order of that list means nothing to the net: a character is the number "
            "of a row.",
            "c": "They began at random places.",
        },
    ),
)
