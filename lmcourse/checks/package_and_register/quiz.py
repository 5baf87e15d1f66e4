"""The lesson's quiz."""

from grader.checks.vocabulary import Question, quiz
from lmcourse.checks.package_and_register.bundles import LESSON

quiz(
    LESSON,
    Question(
        "what a content version does that a number does not",
        hint="Two people pack on the same afternoon. Who of them has version 7?",
        explain="The name is worked out from the bytes: nobody has to hand it out, and whoever "
        "has the bytes can work it out again.",
        wrong={
            "a": "Most numbers are shorter than a hash.",
            "c": "Hashes have no order: a later one may be smaller.",
        },
    ),
    Question(
        "a pickle that comes by mail",
        hint="When did the sentence appear in 'What is in the file?': at loading, or at use?",
        explain="Loading is already running. weights_only=True refuses it, and safetensors has "
        "nothing in it that could run.",
        wrong={
            "b": "That is too late: it has run by then.",
            "c": "A colleague's machine can be broken into as well.",
        },
    ),
    Question(
        "what a sound bundle proves",
        hint="Remember the forged one: its manifest was written anew.",
        explain="The manifest says that nothing was lost on the way. That it is the right one, "
        "only a version that you have from elsewhere can say.",
        wrong={
            "a": "A forged bundle fits its own manifest, too.",
            "b": "It has not asked the model anything.",
        },
    ),
    Question(
        "an old line of the ledger is changed",
        hint="In the picture, which boxes turned red once the hashes were worked out anew?",
        explain="Each line holds the hash of the one before it, so one change takes a new hash in "
        "every line after it, and the last one is known elsewhere.",
        wrong={
            "a": "Then line 4 still holds the hash that line 3 had before.",
            "c": "Lines 1 and 2 hold nothing of line 3.",
        },
    ),
    Question(
        "a story has to go",
        hint="Do you need what it was made from, or what was made from it?",
        explain="What came of it: the data sets that hold it, and all that was trained on those.",
        wrong={
            "a": "The lineage says what one model was made from. Others may have read the "
            "story, too.",
            "c": "A newer model does not make the older ones forget.",
        },
    ),
)
