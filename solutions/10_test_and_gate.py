# %% [markdown] lesson="10_test_and_gate" title="Would you let it out?" minutes=190 laptop_minutes=2 gpu_minutes=2 extras="ops"
# The second part begins. You have a model; from here on other people will depend on it. Before it goes
# out, somebody must ask whether it should, and that somebody needs more than a feeling.
#
# After this lesson you can
#
# - **say** what a model is for, who depends on it, and what would be good enough, in numbers,
# - **test** data, before a model learns from it,
# - **test** a model whose right answers nobody knows, and say how good your tests are,
# - **tell** a better model from a lucky one,
# - **find** those for whom a better model is worse, and
# - **build** the gate that decides, and that says no when it does not know.
#
# You need lesson 01 (clean text, splits without leaks), lesson 05 (`is_causal`: a test for a leak) and
# lesson 07 (the GPT; your own one comes along if you have packed it).

# %% tags=["setup"]
import math
import random
import re
import sys
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from lmcourse import check, corpus, play, plots, table, timeline, zoo

check.lesson("10_test_and_gate")
torch.set_num_threads(1)

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="build_vocab encode decode split"

# %% [markdown]
# ## What are you responsible for?
#
# It is eight in the morning. You run a small service: a page on which children begin a fable, and a
# model goes on with it. One model is in service. During the night another one was trained, on newer
# data, and now it lies there. If it is better, it should take the place of the old one today.
#
# This is how such a day goes. Each lesson of this part adds to it, as the ladder grew in the first.

# %% tags=["demo"]
display(timeline.until("10_test_and_gate"))

# %% [markdown] slide="At eight a new model lies there: would you let it out?" picture="above"
# Children begin a fable, and a model goes on with it. Last night another one was trained.
#
# Notes: The second part follows one working day, and each lesson adds its hours. Bold is this
# lesson, grey is to come. One model is in service. If the new one is better, it should take its
# place today, and other people will depend on that decision.

# %% [markdown]
# *The picture: the hours of the day and what happens in them. Bold is this lesson, grey is to come.*
#
# **Predict first.** Six things that really happen to new models. Which of them would you notice if all
# you looked at was the validation loss?
#
# 1. A third of the validation stories got into the training data.
# 2. The model looks at the next character before it guesses it.
# 3. Dropout was left on.
# 4. The loss is lower by 0.002, by luck.
# 5. It has become worse for all stories about a treasure.
# 6. The loss could not be computed, and the file says NaN.

# %% [markdown] fold="Answer"
# - The first two make the loss *better*. You would celebrate.
# - With dropout the loss is a little worse. You would shrug.
# - The fourth looks like progress.
# - The fifth drowns in the mean.
# - And the sixth depends on how somebody wrote the comparison. You will see.
#
# Not one of them is shown by a look at one number. This lesson has a section for each.

# %% [markdown] slide="The loss alone would celebrate two faults of six"
# - leaked stories, a look ahead: *better*
# - dropout left on: a little worse
# - luck: better
# - one kind of story forgotten: the mean hides it
# - a loss that is NaN: no comparison sees it
#
# Notes: Let them go through the six faults before you show this: which would you notice if all you
# looked at was the validation loss? The last one is a loss that is no number. It may be let out by
# a careless comparison, as we shall see at ten o'clock.

# %% [markdown]
# Before anything is measured, say what it is measured *for*. A model has more people around it than the
# one who trains it; those with a stake in it are its **stakeholders**:
#
# | who | wants | so the model must |
# |---|---|---|
# | a child who writes | a story that goes on | know its language: a low loss on stories that it never saw |
# | a child who writes about treasure | the same | be good for every kind of story, not on average |
# | whoever runs the service | no surprises at noon | answer every text that is short enough, the same way each time |
# | whoever wrote the stories | not to be quoted whole | learn from them without learning them by heart |
# | whoever pays | no work for nothing | be changed only where the new one is better |
#
# The right column holds **requirements**: what must be so. A requirement becomes useful when it has a
# number that somebody can measure and a limit that somebody has agreed to. These numbers and limits
# together are the **objective**. It is written down *before* the night's results are seen. Who writes
# it afterwards will find, with the best intentions, that the result was what they wanted.
#
# This is ours. You will need every line of it at ten o'clock.

# %%
objective = {
    "leaked": {"at_most": 0},  # validation stories that the training data holds too
    "repeated": {"at_most": 0},  # training stories that came before
    "foreign": {"at_most": 0},  # characters that the model cannot read
    "shifted": {"at_most": 0},  # words that one side has and the other lacks
    "problems": {"at_most": 0},  # what the tests found
    "loss": {"at_most": 0.7},  # nats per character, on fables
    "change_high": {"at_most": 0.0},  # the new loss minus the old one, at worst
    "slices": {"at_most": 0.02},  # the same for each kind of story
}

# %% [markdown] slide="Say what is good enough before you see the results"
# ```python
# "repeated": {"at_most": 0},  # training stories that came before
# "problems": {"at_most": 0},  # what the tests found
# "loss": {"at_most": 0.7},  # nats per character, on fables
# ```
#
# The **objective**: requirements, with numbers and limits.
#
# Notes: Begin with the stakeholders, and ask what each of them wants. A requirement becomes useful
# when it has a number that somebody can measure and a limit that somebody has agreed to. Who writes
# it after the results are in will find, with the best intentions, that the result was what they
# wanted.

# %% [markdown]
# Now the model. The next cell takes *yours*, where you have packed it (`lmops pack`, which lesson 11
# explains). Where you have not, it takes a small one that comes with the course: lesson 07's GPT, trained
# at the preset `laptop`. And where the platform `lmops` is missing altogether, a table of pairs stands in.

# %% tags=["demo"]
stories = corpus.split_stories(corpus.load("fables"))
try:
    from lmops import bundle

    mine = bundle.load(bundle.mine())
    chars, gpt = mine.characters, mine.model()
    if not set("".join(stories)) <= set(chars):  # it was trained on another text
        stories = corpus.split_stories(corpus.load("shakespeare"))
    ours = zoo.Model(gpt, len(chars), mine.config["context"])
    print(f"version {mine.version}, a GPT that reads {ours.context} of {len(chars)} characters")
except ImportError as missing:
    print(f'{missing}: pip install "lmcourse[ops]" brings it; a table of pairs takes its place')
    print("(with a faint memory of all before, so that every character counts)")
    chars = build_vocab("".join(stories))
    ids = encode("".join(stories), chars)
    counts = torch.ones(len(chars), len(chars)).index_put_(
        (ids[:-1], ids[1:]), torch.ones(len(ids) - 1), accumulate=True
    )
    pairs = (counts / counts.sum(dim=1, keepdim=True)).log()
    ours = zoo.Model(lambda ids: pairs[ids] + 0.001 * pairs[ids].cumsum(dim=1), len(chars), 64)
if preset == "smoke":
    stories = stories[:300]
train, validation = split(stories)
validation_ids = encode(corpus.join(validation), chars)
print(f"{len(train):,} training stories, {len(validation):,} validation stories")

# %% [markdown]
# ## Is the data what you think it is?
#
# A model is a summary of its data. So the first tests of the day never look at a model. They are cheap,
# they take seconds, and they stop hours of training on the wrong thing. Breck and others (2017), who
# asked many teams at Google what they test, begin their list with the data for this reason.
#
# Each test is about one thing that has gone wrong before:
#
# - **Leaked.** A validation story that the training data holds too measures memory and not skill. You
#   met this in lesson 01; but there every copy was exact. Text that came in twice by two ways often
#   differs in capitals or line ends, and `==` does not see it.
# - **Repeated.** What stands in the training data ten times is learnt ten times, by heart.
# - **Foreign.** A character that the model has no number for. Mostly it comes from reading a file with the
#   wrong encoding.
# - **Shifted.** Training and validation do not come from the same world any more: one side is full of
#   something of which the other has nothing.

# %% tags=["demo", "nbval-check-output"]
print("café".encode().decode("latin-1"))  # written as UTF-8, read as something else
print(" ".join("An  OWL\n sat.".lower().split()))  # split() cuts at any white space

# %% [markdown]
# The first line shows what a wrong encoding does. The second is a way to write a story so that capitals and
# white space make no difference; call it the story's *plain form*.
#
# For the last test we need words. This small function is for you to use:


# %%
def words_of(story):
    """Return the set of the words in `story`, in small letters."""
    return set(re.findall("[a-z]+", story.lower()))


# %% tags=["demo", "nbval-check-output"]
print(sorted(words_of("An owl! The owl, of 3 bowls.")))

# %% [markdown]
# **Predict first.** Half of all stories have an owl. You draw 20 of them for validation. In how many of
# the 20 is there an owl: exactly 10?

# %% tags=["demo", "nbval-check-output"]
rng = random.Random(0)
owls = [sum(rng.random() < 0.5 for _ in range(20)) for _ in range(1000)]
print("in a thousand such draws: from", min(owls), "to", max(owls))
print("more than 5 away from 10, in", sum(abs(n - 10) > 5 for n in owls), "of 1000")

# %% [markdown]
# So two sides never agree exactly, even when nothing is wrong, and the test needs a *limit* that lets luck
# pass: five owls of 20 are a share of 0.25. The more stories, the closer the limit can be.

# %% [markdown] contract="check_data"
# `check_data(train, validation, characters, limit=0.25)` looks at two lists of stories, each with at least
# one, and returns a dictionary of four lists. Where nothing is wrong, all of them are empty.
#
# | key | the list holds |
# |---|---|
# | `"leaked"` | the places in `validation`, from 0, of stories that `train` holds too |
# | `"repeated"` | the places in `train` of stories that `train` held before, at a smaller place |
# | `"foreign"` | the characters that stand in either list and not in the string `characters`, each once |
# | `"shifted"` | the words whose shares differ by more than `limit` |
#
# Two stories are the same here if they have the same plain form: the same words, whatever the capitals and
# the white space between them. `foreign` looks at the stories as they are. Words are those of `words_of`. A word's *share* of a list is the number of its stories that hold the word, divided by the
# number of its stories; the difference may go either way. All four lists are sorted.
#
# For example, with `train = ["An owl.", "A fox!", "AN  owl."]`, `validation = ["a fox!", "A cat."]`,
# `characters` with all but the `!`, and `limit = 0.6`:
#
# `{"leaked": [0], "repeated": [2], "foreign": ["!"], "shifted": ["a", "an", "owl"]}`
#
# (The word `a` is in one of three stories and in two of two; `an` and `owl` are in two of three and in
# none.)


# %% exercise="check_data" minutes=25 level=3
def check_data(train, validation, characters, limit=0.25):
    """Return what is wrong with the data: leaked, repeated, foreign and shifted, as lists."""
    ### BEGIN SOLUTION
    plain_train = [" ".join(story.lower().split()) for story in train]
    plain_validation = [" ".join(story.lower().split()) for story in validation]
    known = set(plain_train)
    seen, repeated = set(), []
    for place, story in enumerate(plain_train):
        if story in seen:
            repeated.append(place)
        seen.add(story)
    holds = [
        Counter(word for story in side for word in words_of(story)) for side in (train, validation)
    ]
    return {
        "leaked": [place for place, story in enumerate(plain_validation) if story in known],
        "repeated": repeated,
        "foreign": sorted(set("".join(train + validation)) - set(characters)),
        "shifted": sorted(
            word
            for word in holds[0].keys() | holds[1].keys()
            if abs(holds[0][word] / len(train) - holds[1][word] / len(validation)) > limit
        ),
    }
    ### END SOLUTION


# %% check="check_data" tags=["nbval-check-output"]
check("check_data")

# %% [markdown] fold="Hint 1: the plain form"
# Make two new lists first, the plain forms of all stories of each side. For `leaked` you ask whether a plain
# form is in the set of those of the other side. For `repeated` go through train's with `enumerate`, and keep
# a set of what you have seen.

# %% [markdown] fold="Hint 2: foreign characters"
# `set("some text")` is the set of its characters, and `a - b` are those in the set `a` that are not in `b`.
# `"".join(train)` is one text.

# %% [markdown] fold="Hint 3: shifted words"
# A `Counter` that is fed with `words_of(story)` for each story counts *stories*, since a set holds each word
# once. One for each side. A `Counter` says 0 for what it never saw, so you can ask both for every word of
# either side.

# %% [markdown]
# Now a night's data as it really comes. Somebody added stories from a second source, and put the newest
# ones, which are all about one thing, into the validation list.

# %% tags=["demo", "nbval-check-output"]
if check.ready("check_data"):
    known_characters = "".join(chars)
    print(
        "as it was:",
        {k: len(v) for k, v in check_data(train, validation, known_characters).items()},
    )
    again = ["  ".join(story.lower().split(" ")) for story in train[:5]]
    newest = [story + "\nAll for a treasure in the café." for story in validation[5:25]]
    found = check_data(train + train[:3], again + newest, known_characters)
    print("this night:", {key: len(places) for key, places in found.items()})
    print(found["leaked"], found["foreign"], [word for word in found["shifted"] if len(word) > 3])

# %% tags=["demo"]
if check.ready("check_data", "found"):

    def share(word, side):
        return sum(word in words for words in side) / len(side)

    sides = [[words_of(story) for story in side] for side in (train, again + newest)]
    every = sorted(set().union(*sides[0], *sides[1]))
    xs, ys = ([share(word, side) for word in every] for side in sides)
    odd = [abs(x - y) > 0.25 for x, y in zip(xs, ys, strict=True)]
    figure, axes = plt.subplots(figsize=(5.5, 5.2))
    axes.plot([0, 1], [0, 1], color="#949494", linewidth=1)
    axes.fill_between([0, 1], [-0.25, 0.75], [0.25, 1.25], color="#949494", alpha=0.15)
    axes.scatter(xs, ys, s=14, color=["#d55e00" if is_odd else "#0072b2" for is_odd in odd])
    for word, x, y in zip(every, xs, ys, strict=True):
        if word == "treasure":
            axes.annotate(word, (x, y), xytext=(6, -3), textcoords="offset points")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set(xlabel="share of training stories", ylabel="share of validation stories")
    plots.show()
    print(f"{len(every):,} words, {sum(odd)} of them outside the band")

# %% [markdown]
# *The picture (you need not read how it is drawn): each dot is a word. In the band around the diagonal the two sides agree, up to luck. The dots
# far above it are what only the new validation stories talk about.*
#
# Nothing here says that the stories about treasure are *bad*. It says that a loss on them is not to be
# compared with yesterday's.

# %% [markdown] slide="Test the data before the model" picture="above"
# Each dot is a word. Far above the band: what only the new validation stories talk about.
#
# Notes: Tests of data take seconds and stop hours of training on the wrong thing. They look for
# what is leaked, repeated, foreign or shifted. Two sides never agree exactly even when nothing is
# wrong, so the test needs a limit that lets luck pass. Nothing here says that the stories about
# treasure are bad. It says that a loss on them is not to be compared with yesterday's.

# %% [markdown]
# ## How do you test what has no right answer?
#
# You have tested functions all along: `softmax([0, 0])` must be `[0.5, 0.5]`. What must the logits of a GPT
# be after `One war ago, a `? Nobody knows. If we knew, we would not have had to train it.
#
# But look at `is_causal` of lesson 05. It did not know the right output either. It knew how two outputs
# belong together: *change the future, and nothing happens before it*. Such tests are called
# **metamorphic** (Chen and others, 1998). Ribeiro and others (2020) sorted what can be asked of language
# models in this way, and found bugs in models that large companies sold. There are three kinds:
#
# | kind of test | asks | for example |
# |---|---|---|
# | **minimum functionality** | can it do the least? | it answers a text of one character; its loss is below guessing |
# | **invariance** | does nothing change that should not? | a text gets the same answer alone and in a batch |
# | **directional expectation** | does something change that should? | another first character, another answer |
#
# From here on, *a model* is anything that can be called, and that has two attributes:
#
# - `model(ids)` takes int64 ids of shape `(B, T)`, from 0 to `V - 1`, and returns float32 logits
#   `(B, T, V)`: at each place for the character that comes next;
# - `model.vocab_size` is `V`;
# - `model.context` is the longest `T` that it reads. A longer text is an error.
#
# So your tests know nothing of what is inside: a GPT, a table, a service at the other end of a wire. That
# is called **black-box** testing. You can try it on the *zoo*, which comes with the course: small models of
# six sound kinds and some broken ones, drawn afresh from a random generator each time.

# %% tags=["demo", "nbval-check-output"]
draw = np.random.default_rng(1)
animal = zoo.sound("attention", draw)
model, text = animal.model, animal.text  # text: ids (N,) of the language that it has learnt
print(f"reads up to {model.context} of {model.vocab_size} characters")
print(
    "logits", (*model(text[None, :3]).shape,), "loss on its text:", round(zoo.loss(model, text), 2)
)
print("the sound kinds:", ", ".join(zoo.SOUND))

# %% [markdown]
# A test is a function that does nothing if all is well, and raises an error if not. `assert` does just
# that: `assert condition, "what is wrong"`. Here are two tests, a function that runs a list of them and
# collects what they say, and two small helpers.


# %%
def random_ids(model, B, T):
    """Return ids (B, T) drawn at random from the characters of `model`."""
    return torch.randint(model.vocab_size, (B, T))


def same(a, b):
    """Whether two answers are equal, up to rounding: 0.0001."""
    return a.shape == b.shape and torch.allclose(a.float(), b.float(), rtol=0, atol=1e-4)


def test_it_answers(model, text):
    logits = model(text[None, : model.context])
    assert logits.dim() == 3, f"the logits have {logits.dim()} dimensions, not 3"


def test_it_says_the_same_twice(model, text):
    ids = random_ids(model, 3, model.context)
    assert same(model(ids), model(ids)), "asked twice, it answers differently"


def run_tests(tests, model, text):
    """Return what the tests find wrong with `model`, as sentences."""
    problems = []
    for test in tests:
        try:
            test(model, text)
        except Exception as problem:  # a failed assert, or an error in the model itself
            problems.append(f"{test.__name__}: {type(problem).__name__} {problem}")
    return problems


# %% tags=["demo", "nbval-check-output"]
first_tests = [test_it_answers, test_it_says_the_same_twice]
print(run_tests(first_tests, model, text))
for kind in ("leaves dropout on", "sees the next character"):
    animal = zoo.broken(kind, draw)
    print(f"{kind}:", run_tests(first_tests, animal.model, animal.text))

# %% [markdown] slide="No right answer, but a rule how two answers belong together"
# - Asked twice, it answers the same.
# - Change the future, and nothing before it changes.
# - Another first character, another answer.
#
# Such tests are called **metamorphic**.
#
# Notes: What must the logits of a GPT be? Nobody knows, or we would not have had to train it. But
# change the future, and nothing before it may change: that was the test of lesson 05. There are
# three kinds: can it do the least, does nothing change that should not, does something change that
# should. Such tests know nothing of what is inside the model.

# %% [markdown]
# The second animal looks at the very character that it should guess, and our two tests find nothing wrong.
# How good are they, then?
#
# There is a plain way to find out: break models on purpose, in all the ways that you know of, and count how
# many your tests catch. The broken ones are called **mutants**, the share that is caught is the **mutation
# score** (DeMillo and others, 1978). It tests the tests.
#
# **Predict first.** The zoo has 27 ways to be broken. How many do the two tests catch?


# %% tags=["demo"]
def mutation_score(suite, draws):
    """Return for each broken kind the share of `draws` models in which `suite` finds a problem."""
    rng = np.random.default_rng(7)
    caught = {}
    for kind in zoo.BROKEN:
        animals = [zoo.broken(kind, rng) for _ in range(draws)]
        caught[kind] = sum(bool(suite(each.model, each.text)) for each in animals) / draws
    return caught


def draw_scores(scores):
    """Draw a grid of dots, full where a suite catches a kind. (You need not read how.)"""
    latest = [*scores.values()][-1]
    kinds = sorted(latest, key=latest.get)  # what the latest suite misses stands on top
    figure, axes = plt.subplots(figsize=(6, 6.2))
    for column, caught in enumerate(scores.values()):
        shade = [caught[kind] for kind in kinds]
        rows = range(len(kinds))
        axes.scatter([column] * len(kinds), rows, 60, c=shade, cmap="Blues", vmin=0, vmax=1,
                     edgecolors="#222222", linewidths=0.5)  # fmt: skip
    axes.set_yticks(range(len(kinds)), kinds, size=8)
    axes.set_xticks(range(len(scores)), list(scores))
    axes.xaxis.tick_top()
    axes.set_xlim(-0.5, len(scores) - 0.5)
    axes.invert_yaxis()
    figure.tight_layout()
    plots.show()


torch.manual_seed(0)
draws = 2 if preset == "smoke" else 5
scores = {"two tests": mutation_score(lambda *asked: run_tests(first_tests, *asked), draws)}
draw_scores(scores)
score = sum(scores["two tests"].values())
print(f"mutation score: {score:.1f} of {len(zoo.BROKEN)}")

# %% [markdown]
# *The picture: a dot for each way of being broken, the darker the more of such models the two tests catch;
# what they miss stands on top.* Each white dot is a model that you would have let out.

# %% [markdown] slide="How good are your tests? Break models on purpose"
# A broken model is a **mutant**. The share that is caught is the **mutation score**.
#
# Two tests, in our run: **8** of **27**.
#
# Notes: One of the broken models looks at the very character that it should guess, and both tests
# pass it. So how good are tests? The idea of mutants is from DeMillo and others, 1978. The zoo of
# this lesson has 27 ways to be broken, and each model that no test catches is one that you would
# have let out.

# %% [markdown] contract="model_problems"
# `model_problems(model, text)` tests any model, and returns a list of sentences, one or more for each
# problem. For a sound model the list is empty. `text` holds ids, int64 `(N,)`, of the language that the
# model has learnt, `N` well above `context`. Neither what you say nor how you sort it is checked, only
# whether the list is empty.
#
# A model is sound if all of this holds, for any `B` from 1 on and any `T` from 1 to `context`:
#
# 1. It **answers** all ids from 0 to `V - 1`, without an error, with float32 logits of shape `(B, T, V)`,
#    all of them finite. They are logits, not probabilities.
# 2. The **same** question gets the same answer, whatever was asked before or in between. The ids that it
#    is given stay as they were.
# 3. Each text of a batch gets the answer that it gets **alone**.
# 4. What comes **later** changes nothing: not which characters follow, and not whether any do.
# 5. Every character **counts**: in a text of `context` characters, change any one of them, the first or
#    the last too, and the logits at the last place change.
# 6. It **knows** something: its mean loss on `text`, read in windows of `context` characters, is below
#    $\ln V$.
#
# Two answers that differ by up to 0.0001 are the same, by rounding. Where something differs in the zoo, it
# differs by more than 0.001. A broken model is broken in one way. Some sound models have a context
# of 1. A model may be asked 2,000 times at most, for up to 20,000 characters at a time.
#
# Your points are your mutation score, on models that you have not seen. But there are sound ones among
# them, some thirty: a suite that calls more than two of these broken earns nothing, since who cries wolf
# is not heard.
#
# For example, with a model that leaves dropout on, it may return
# `["test_it_says_the_same_twice: AssertionError asked twice, it answers differently"]`.


# %% exercise="model_problems" minutes=55 level=5
def model_problems(model, text):
    """Return what is wrong with `model`, as sentences; an empty list if it is sound."""
    ### BEGIN SOLUTION
    V, context = model.vocab_size, model.context

    def answers(model, text):
        for B, T in ((1, 1), (1, context), (3, 1), (3, context)):
            logits = model(random_ids(model, B, T))
            assert logits.shape == (B, T, V), f"logits {tuple(logits.shape)} for {B} texts of {T}"
            assert logits.dtype == torch.float32, f"logits are {logits.dtype}"
        logits = model(torch.arange(V)[:, None].repeat(1, context))  # every character, everywhere
        assert logits.isfinite().all(), "some logits are not finite"
        sums = logits.sum(dim=-1)
        assert logits.min() < 0 or not same(sums, torch.ones_like(sums)), "probabilities"

    def says_the_same_again(model, text):
        ids, others = random_ids(model, 3, context), random_ids(model, 3, context)
        kept = ids.clone()
        first = model(ids)
        assert torch.equal(ids, kept), "it changes the ids"
        model(others)
        assert same(model(kept), first), "asked again, it answers differently"

    def reads_each_text_alone(model, text):
        ids = random_ids(model, 3, context)
        together = model(ids)
        for b in range(3):
            assert same(model(ids[b : b + 1])[0], together[b]), f"text {b} depends on the others"

    def some_places():
        """All places, or as many as fit into one question."""
        return torch.randperm(context)[: 20_000 // context]

    def does_not_see_the_future(model, text):
        ids = random_ids(model, 1, context)
        whole = model(ids)[0]
        half = max(1, context // 2)
        assert same(model(ids[:, :half])[0], whole[:half]), f"a text cut to {half} reads otherwise"
        places = some_places()
        later = torch.arange(context) >= places[:, None]  # a row for each place: those from it on
        others = (ids + torch.randint(1, V, later.shape)) % V
        answers = model(torch.where(later, others, ids))
        rows = zip(places.tolist(), answers, strict=True)
        seen = [t for t, answer in rows if not same(answer[:t], whole[:t])]
        assert not seen, f"it sees the future from places {seen}"

    def sees_every_character(model, text):
        ids = random_ids(model, 1, context)
        places = some_places()
        changed = ids.repeat(len(places), 1)  # a row for each place, with another character there
        changed[torch.arange(len(places)), places] += 1
        before, after = model(ids)[0, -1], model(changed % V)[:, -1]
        rows = zip(places.tolist(), after, strict=True)
        blind = [t for t, answer in rows if same(answer, before)]
        assert not blind, f"it does not see the characters at {blind}"

    def knows_something(model, text):
        count = (len(text) - 1) // context
        x = text[: count * context].view(count, context)
        y = text[1 : count * context + 1].view(count, context)
        x, y = x[: 20_000 // context], y[: 20_000 // context]
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        assert loss < math.log(V), f"its loss is {loss:.2f}, guessing costs {math.log(V):.2f}"

    tests = [
        answers,
        says_the_same_again,
        reads_each_text_alone,
        does_not_see_the_future,
        sees_every_character,
        knows_something,
    ]
    return run_tests(tests, model, text)
    ### END SOLUTION


# %% check="model_problems" tags=["nbval-check-output"]
check("model_problems")

# %% [markdown] fold="Hint 1: where to begin"
# Write one small test for each of the six points, inside the function or above it, and return
# `run_tests([...], model, text)`. Begin with the first point, look at `check`, go on with the next. Each test
# draws its own ids with `random_ids`.

# %% [markdown] fold="Hint 2: answers, and the same"
# Shapes go wrong at the edges: ask for one text and for several, for one character and for `context`.
# `torch.arange(V)[:, None].repeat(1, context)` has every character at every place.
# `logits.isfinite().all()` is true if all are finite. For the second point keep a copy, `ids.clone()`, and
# ask something else in between.

# %% [markdown] fold="Hint 3: alone, and later"
# `ids[b : b + 1]` is text `b` as a batch of one. For the future it is enough to cut texts short: if the
# answers to `ids[:, :T]` are the first `T` of the answers to `ids`, for every `T`, then nothing that comes
# later has a part in them.

# %% [markdown] fold="Hint 4: every character counts"
# Take one text of `context` characters. For each place, make a copy with another character there:
# `(old + 1) % V` is always another one. Compare the logits at the last place with those before. Note that
# here it is a problem if they are the *same*. All copies can go into one batch, `ids.repeat(context, 1)`: one
# question in place of `context` of them, which for a large model is the difference between a second and a
# minute.

# %% [markdown] fold="Hint 5: it knows something"
# Cut `text` into rows of `context` characters, `x`, and the same one character further on, `y`. How many
# whole rows there are, `(len(text) - 1) // context` says. The loss is
# `cross_entropy(logits.flatten(0, 1), y.flatten())`. A long text need not be read whole.

# %% [markdown]
# And now your suite: first on the zoo, then on the model that this whole day is about.

# %% tags=["demo"]
if check.ready("model_problems"):
    torch.manual_seed(0)
    scores["yours"] = mutation_score(model_problems, draws)
    draw_scores(scores)
    print(f"mutation score: {sum(scores['yours'].values()):.1f} of {len(zoo.BROKEN)}")

# %% [markdown]
# *The picture: on the left the two tests from above, on the right your suite. A white dot on the right, on
# top, is what to write next.*

# %% [markdown] slide="A mutation score tests the tests" picture="above"
# Left two tests, right a whole suite. Each white dot is a model that you would have let out.
#
# Notes: Sound models of six kinds must pass as well, or a suite that always complains would win. A
# white dot on the right is what to write next. If a model ever gets past your tests and does harm,
# write the test that would have caught it before you repair the model. And remember what the score
# says: how well you know the ways of failing that you know.

# %% tags=["demo"]
if check.ready("model_problems"):
    torch.manual_seed(0)
    our_problems = model_problems(ours, validation_ids)
    print("problems of our own model:", our_problems)

# %% [markdown]
# Two remarks for later. If a model ever gets past your tests and does harm, write the test that would have
# caught it *before* you repair the model, and never take it out again: a **regression test**. And a mutation
# score says how well you know the ways of failing that you know. It says nothing about the others.
#
# **Something to play with.** Choose an animal, and read what your suite says about it. Can you tell from the
# sentences what is broken? If not, whoever reads them at night cannot either.

# %% tags=["demo"]
if check.ready("model_problems"):

    def visit(kind, seed):
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        animal = zoo.sound(kind, rng) if kind in zoo.SOUND else zoo.broken(kind, rng)
        print(f"V = {animal.model.vocab_size}, context = {animal.model.context}")
        for problem in model_problems(animal.model, animal.text) or ["no problem found"]:
            print("-", problem)

    play(visit, kind=[*zoo.BROKEN, *zoo.SOUND], seed=(0, 50))

# %% [markdown]
# ## Is it better, or was it luck?
#
# The tests pass, so the model works. Is it *better* than the one in service? We need both, and there is no
# last week here, so we make one: the model in service answers as ours does, but less surely, with all logits
# times 0.75.
#
# The loss of a story is the sum of the surprise of all its characters. (The function below cuts a story that
# is longer than the context into pieces. You need not read how.)


# %% tags=["demo"]
def story_nats(model, stories):
    """Return the loss of `model` on each story, its characters added up, in nats: (N,)."""
    pieces = []  # which story, and a piece of it
    for number, story in enumerate(stories):
        ids = encode("\n" + story, chars)
        for start in range(0, len(ids) - 1, model.context):
            pieces.append((number, ids[start : start + model.context + 1]))
    nats = torch.zeros(len(stories), dtype=torch.float64)
    for start in range(0, len(pieces), 16):
        numbers, rows = zip(*pieces[start : start + 16], strict=True)
        ids = pad_sequence(rows, batch_first=True)
        losses = cross_entropy(
            model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none"
        ).double()
        for number, row, its in zip(numbers, rows, losses, strict=True):
            nats[number] += its[: len(row) - 1].sum()
    return nats


service = zoo.Model(lambda ids: 0.75 * ours(ids), ours.vocab_size, ours.context)
judged = validation[: 20 if preset == "smoke" else 200]
lengths = torch.tensor([len(story) for story in judged])
nats = {"in service": story_nats(service, judged), "ours": story_nats(ours, judged)}
for name, each in nats.items():
    print(f"{name}: {each.sum() / lengths.sum():.3f} nats per character")

# %% [markdown]
# Now the lucky one. The next cell makes twenty "new" models from the one in service, by adding small random
# numbers to its logits. That is certainly no improvement. It tries all twenty on a few stories, and takes the
# best.
#
# **Predict first.** Will the best of twenty look better than the model in service?


# %% tags=["demo"]
def twin(seed):
    """Return the model in service with small random numbers added to what it says."""
    shift = 0.03 * torch.randn(
        ours.vocab_size, ours.vocab_size, generator=torch.Generator().manual_seed(seed)
    )
    return zoo.Model(lambda ids: service(ids) + shift[ids], ours.vocab_size, ours.context)


few = judged[: 4 if preset == "smoke" else 12]
on_few = {seed: story_nats(twin(seed), few).sum().item() for seed in range(20)}
lucky_seed = min(on_few, key=on_few.get)
nats["lucky twin"] = story_nats(twin(lucky_seed), judged)
for name, count in {"the few stories": len(few), "all the others": len(judged)}.items():
    part = slice(0, count) if count == len(few) else slice(len(few), count)
    change = (nats["lucky twin"][part] - nats["in service"][part]).sum() / lengths[part].sum()
    print(f"the lucky twin on {name}: {change:+.4f} nats per character")

# %% [markdown] slide="The best of twenty looks better than it is"
# Twenty copies of the model in service, with small random changes. The best one, in our run:
#
# - on the few stories that chose it: -0.0003
# - on all the others: +0.0000
#
# Notes: The numbers are nats per character, new minus old. Random changes are certainly no
# improvement, yet the best of many on little data looks like one. On stories that had no part in
# the choice the gain melts away. So stories that choose should not be those that judge.

# %% [markdown]
# Choose the best of many on little data, and it looks better than it is. On stories that had no part in the
# choice the gain melts away. It need not turn into a loss; but how would you know which it is?
#
# If you could draw two hundred *other* stories, you would get another difference. And others again, and
# another one. How far these differences lie apart tells you how much of yours is luck. But you have no other
# stories.
#
# Efron (1979) found a way that seems too simple to work. Draw the "other" stories *from those that you have*,
# with replacement: as many as there are, some twice, some not at all. Do that a thousand times. This is the
# **bootstrap**: as if you pulled yourself up by your own boots. The range that holds 95 in 100 of the
# differences is called a **95 % confidence interval**.
#
# Three things matter here:
#
# - **Draw stories, not characters.** The characters of a story depend on each other. A hard story is hard
#   all through. What is drawn must be what is independent.
# - **Draw pairs.** In each round both models are asked for the *same* drawn stories. That some stories are
#   harder than others then makes no difference, since it does so for both.
# - **Divide at the end.** The loss is in nats per character: all nats together divided by all characters
#   together. So the lengths of the drawn stories change from round to round, too.
#
# Randomness that a function makes for itself is hard to test. So here it is handed in: `draws` says, row by
# row, which stories each round takes. (`torch.randint(N, (1000, N))` makes it.)

# %% tags=["demo", "nbval-check-output"]
nats_of_four = torch.tensor([10.0, 20.0, 30.0, 40.0])
rounds = torch.tensor([[0, 0, 1, 3], [2, 2, 2, 2]])  # two rounds, each with four of four stories
print(nats_of_four[rounds])  # indexing with a (2, 4) tensor gives a (2, 4) tensor
hundred = torch.arange(101.0)
print(torch.quantile(hundred, 0.025), torch.quantile(hundred, 0.975))

# %% [markdown] contract="paired_bootstrap"
# `paired_bootstrap(old, new, chars, draws)` compares two models on the same `N` stories.
#
# - `old` and `new`, float tensors `(N,)`, hold the loss of each story in nats, all characters of the story
#   added up; `chars`, int64 `(N,)`, how many characters it has.
# - `draws`, int64 `(R, N)`, holds places from 0 to `N - 1`: row `r` is the stories of round `r`.
#
# It returns a dictionary of three floats, in nats per character:
#
# - `"difference"`: the new model's loss minus the old one's, over all stories as they are;
# - `"low"` and `"high"`: the quantiles 0.025 and 0.975, as `torch.quantile` gives them, of the same
#   difference over each round's stories.
#
# For example, `old = [10, 30]`, `new = [8, 31]` and `chars = [10, 30]` have the difference
# $(39 - 40) / 40 = -0.025$. A round with the draws `[0, 0]` has $(16 - 20) / 20 = -0.2$.


# %% exercise="paired_bootstrap" minutes=20 level=3
def paired_bootstrap(old, new, chars, draws):
    """Return how much the new model's loss differs, and the ends of its 95 % interval."""
    ### BEGIN SOLUTION
    change = new - old  # (N,) nats
    rounds = change[draws].sum(dim=1) / chars[draws].sum(dim=1)  # (R,) nats per character
    low, high = torch.quantile(rounds, torch.tensor([0.025, 0.975], dtype=rounds.dtype)).tolist()
    return {"difference": float(change.sum() / chars.sum()), "low": low, "high": high}
    ### END SOLUTION


# %% check="paired_bootstrap" tags=["nbval-check-output"]
check("paired_bootstrap")

# %% [markdown] fold="Hint 1: one round"
# For a single row `row` of `draws`: `(new[row].sum() - old[row].sum()) / chars[row].sum()`. A loop over the
# rows does it. Then `torch.quantile(torch.tensor(list_of_them), 0.025)`.

# %% [markdown] fold="Hint 2: all rounds at once"
# `new[draws]` has shape `(R, N)`: row `r` has the losses of round `r`. Sum along `dim=1`.

# %% tags=["demo"]
if check.ready("paired_bootstrap"):
    draws_of_stories = torch.randint(
        len(judged), (1000, len(judged)), generator=torch.Generator().manual_seed(0)
    )
    figure, both = plt.subplots(1, 2, figsize=(8.5, 3.4))  # each with a scale of its own
    pairs_of = zip(both, {"lucky twin": "#d55e00", "ours": "#0072b2"}.items(), strict=True)
    for axes, (name, color) in pairs_of:
        change = nats[name] - nats["in service"]
        rounds = change[draws_of_stories].sum(dim=1) / lengths[draws_of_stories].sum(dim=1)
        axes.hist(rounds.tolist(), bins=30, color=color, alpha=0.7)
        found = paired_bootstrap(nats["in service"], nats[name], lengths, draws_of_stories)
        print(name, {key: round(value, 4) for key, value in found.items()})
        axes.axvspan(found["low"], found["high"], color=color, alpha=0.15)
        axes.axvline(0, color="#222222", linestyle="--")
        axes.set(title=name, xlabel="new minus old (nats per character)", ylabel="rounds of 1,000")
        axes.locator_params(axis="x", nbins=5)
    figure.tight_layout()
    plots.show()

# %% [markdown]
# *The picture: what a thousand rounds give for each model, and shaded the middle 95 in 100 of them. (Look at
# the scales: the twin's is far smaller.) At the
# dashed line the models are equal. An interval that lies left of it says: better, and not by luck. One that
# holds the line says: these stories cannot tell.*
#
# So the objective asks for the interval's *upper* end, `change_high`: even if luck was on its side, the
# model should be no worse. (The interval counts as luck only which stories you happened to judge by. That you
# looked at twenty models is another kind of luck, and so the stories that choose should not be those that
# judge.)

# %% [markdown] slide="Drawing the same stories again tells luck from gain" picture="above"
# The **bootstrap**: left of the dashed line the new model is better, and not by luck.
#
# Notes: Draw as many stories as you have, with repetition, a thousand times. Draw stories and not
# characters, since what is drawn must be independent. Draw pairs, so that hard stories are hard for
# both. An interval that holds the line says: these stories cannot tell. The gate asks for the upper
# end, at worst.

# %% [markdown]
# ## Better for whom?
#
# A mean hides. Suppose that last night's data had hardly any stories with a treasure in them. The model gets
# better at everything else, and forgets those. Here is such a one: ours, which becomes unsure of everything
# once it has read the word `treasure`.
#
# **Predict first.** Only some of the stories have a treasure. Will the mean over all stories show it?


# %% tags=["demo"]
def forgetful(model, word):
    """Return `model`, but unsure of everything after `word`. (You need not read how.)"""
    code = encode(word, chars)

    def answer(ids):
        logits = model(ids)
        if ids.shape[1] < len(code):
            return logits  # too short to hold the word
        found = (ids.unfold(1, len(code), 1) == code).all(dim=2)
        read = torch.cat([found.new_zeros(len(ids), len(code) - 1), found], dim=1)
        return torch.where((read.cumsum(dim=1) > 0)[:, :, None], 0.2 * logits, logits)

    return zoo.Model(answer, model.vocab_size, model.context)


nats["no treasure"] = story_nats(forgetful(ours, "treasure"), judged)
print(f"{sum('treasure' in words_of(each) for each in judged)} of {len(judged)} have a treasure")
for name, each in nats.items():
    print(f"{name}: {each.sum() / lengths.sum():.4f}")

# %% [markdown]
# It is better than the model in service, by the mean. You would let it out, and the children who write about
# treasure would get rubbish.
#
# So cut the validation stories into **slices**, and judge each one: by subject, by length, by language, by
# who wrote them. Where the slices are groups of people, this is where unfairness becomes visible, and
# Buolamwini and Gebru (2018) is the paper to read. With many slices, some will look bad by luck. So leave out
# those that are too small to tell.

# %% [markdown] contract="slice_report"
# `slice_report(stories, old, new, chars, words, least=20)` returns a dictionary. For each of `words`, the
# slice is the stories that hold this word, by `words_of`. A slice with fewer than `least` stories, or with
# none, is left out. Under each other word stands a dictionary:
#
# | key | value |
# |---|---|
# | `"stories"` | how many stories the slice has, an int |
# | `"old"`, `"new"` | the loss of the old and the new model on the slice, in nats per character, floats |
# | `"change"` | new minus old |
#
# `stories` is a list of `N` strings, `old` and `new` are float tensors `(N,)` with each story's nats, `chars` is
# an int64 tensor `(N,)` with their lengths, `words` is a list of words in small letters.
#
# For example, with the stories `["An owl sat.", "An owl and a fox.", "A fox ran."]`, of which the first has
# 11 characters and 22 nats with the old model and 11 with the new one, and the second has 17 of each, the
# slice `owl` has 2 stories, `old` $39 / 28$, `new` 1.0 and `change` $-11 / 28$.


# %% exercise="slice_report" minutes=15 level=2
def slice_report(stories, old, new, chars, words, least=20):
    """Return for each word that enough stories hold: how many, and the losses on them."""
    ### BEGIN SOLUTION
    held = [words_of(story) for story in stories]
    report = {}
    for word in words:
        places = [place for place, its in enumerate(held) if word in its]
        if len(places) < max(least, 1):
            continue
        length = chars[places].sum().item()
        before, after = (nats[places].sum().item() / length for nats in (old, new))
        report[word] = {
            "stories": len(places),
            "old": before,
            "new": after,
            "change": after - before,
        }
    return report
    ### END SOLUTION


# %% check="slice_report" tags=["nbval-check-output"]
check("slice_report")

# %% [markdown] fold="Hint"
# For each word: a list of the places of the stories that hold it. A tensor can be indexed with that list,
# `old[places]`. Add up nats, add up characters, divide once, and make plain numbers of it with `.item()`.

# %% tags=["demo"]
slice_words = ["bet", "borrowed", "treasure", "sold", "map", "judge", "thursday", "sunday"]
least = 2 if preset == "smoke" else 15
if check.ready("slice_report"):
    report = slice_report(
        judged, nats["in service"], nats["no treasure"], lengths, slice_words, least
    )
    if report:
        names = sorted(report, key=lambda word: report[word]["change"])
        changes = [report[word]["change"] for word in names]
        figure, axes = plt.subplots(figsize=(7, 3.2))
        axes.barh(names, changes, color=["#d55e00" if each > 0 else "#0072b2" for each in changes])
        axes.axvline(0, color="#222222")
        axes.set(xlabel="new loss minus old loss (nats per character)", ylabel="stories with")
        plots.show()
        table({word: report[word] for word in names})

# %% [markdown]
# *The picture: left of the line the new model is better, right of it it is worse. By the mean it was better.
# The slice tells.* (A story belongs to several slices: one about a treasure may also speak of a map, and
# then the bar of `map` is drawn to the right as well.)
#
# A slice that was left out is in no report, so no gate can miss it: for those children nobody has looked.
# Who must look, judges by more stories, or makes the number of slices left out a metric of its own.

# %% [markdown] slide="Better on average, and worse for some" picture="above"
# A mean hides. **Slices** tell: here the new model has forgotten how stories about treasure go.
#
# Notes: By the mean this model is better than the one in service, so you would let it out. Where
# slices are groups of people, this is where unfairness becomes visible. Small slices look bad by
# luck, so those are left out. But a slice that is left out is in no report: for those children
# nobody has looked.

# %% [markdown]
# ## Who says no?
#
# Ten o'clock. All is measured, and somebody has to decide. If that is a person with a deadline, then there
# will be a morning on which 0.021 is nearly 0.02, and the tests were red yesterday too.
#
# So the decision is made by a function, the **gate**. It gets the metrics and the objective, and returns the
# reasons not to let the model out. No reason, and it passes. It has no opinion and no deadline. Whoever wants
# another decision must change the objective, and that is written down, with a name.
#
# There is one trap. What is the result of this line?

# %% tags=["demo", "nbval-check-output"]
measured = float("nan")  # a loss that went wrong
if measured > 0.8:
    print("too high: blocked")
else:
    print("let it out")

# %% [markdown]
# Every comparison with NaN is false. A measurement that has failed walks through this gate. So do a metric
# that is missing (`metrics.get("loss", 0)`), an objective that could not be read (`{}`), and a rule with a
# typing error (`"atmost"`), which nobody ever checks.
#
# A door that opens when the power fails is said to *fail open*; a fire door does. A bank's vault *fails closed*.
# A gate is a vault: **where it does not know, it says no.** Every reason to say no that you forget is a way
# through.

# %% [markdown] slide="NaN walks through an open door"
# ```python
# measured = float("nan")  # a loss that went wrong
# if measured > 0.8:
#     print("too high: blocked")
# else:
#     print("let it out")
# ```
#
# A gate **fails closed**: where it does not know, it says no.
#
# Notes: Every comparison with NaN is false. A missing metric walks through as well, and so do an
# empty objective and a rule with a typing error. A fire door fails open, a bank's vault fails
# closed, and a gate is a vault. Every reason to say no that you forget is a way through.

# %% [markdown] contract="gate"
# `gate(metrics, objective)` returns a list of sentences, the reasons why not; an empty list lets the model
# pass. It never raises an error, whatever stands in the two dictionaries, and leaves them as they are.
#
# `objective` says for each metric what must hold: `{"loss": {"at_most": 0.8}, "stories": {"at_least": 100}}`.
# An entry may have both rules. `metrics` has a value for each metric: `{"loss": 0.75, "stories": 200}`. What
# is equal to a limit passes. Metrics that the objective does not name are not looked at.
#
# A *number* is a finite `int` or `float`, not a `bool`: a text, `None`, a list, `True`, NaN and infinity are
# none, nor is an `int` that no `float` can reach, such as `10**400`.
#
# **One reason for each rule that does not hold**, with the metric's name in it. And it fails closed. There is
# also one reason for each metric of the objective
#
# - that is missing in `metrics`, or whose value is not a number;
# - whose entry is no dictionary or has no rule, a rule with another name, or a limit that is not a number.
#   Then its other rules are not looked at: one reason for the metric, with its name in it;
#
# and one reason for an objective that is empty.
#
# A metric may also be a dictionary of numbers, such as one for each slice:
# `{"slices": {"owl": 0.01, "fox": 0.3}}`. Then the rules hold for each of them, and each reason has the name of
# the slice in it as well. A dictionary that is empty is a reason; one within a dictionary is not a number.
#
# For example, `gate({"loss": float("nan")}, {"loss": {"at_most": 0.8}})` may return
# `["loss is nan, which is no number"]`.


# %% exercise="gate" minutes=30 level=4
def gate(metrics, objective):
    """Return the reasons not to let a model out; none, and it passes. Fails closed."""
    ### BEGIN SOLUTION

    def is_number(value):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return -1e300 < value < 1e300  # false for NaN, and for an int that no float reaches

    if not objective:
        return ["the objective asks for nothing"]
    reasons = []
    for name, rules in objective.items():
        known = isinstance(rules, dict) and set(rules) <= {"at_most", "at_least"}
        if not known or not rules:
            reasons.append(f"the rules for {name} are {rules}: at_most and at_least are known")
            continue
        if not all(is_number(limit) for limit in rules.values()):
            reasons.append(f"a limit of {name} is no number: {rules}")
            continue
        measured = metrics.get(name)
        if not isinstance(measured, dict):
            measured = {"": measured}
        if not measured:
            reasons.append(f"{name} holds nothing")
        for part, value in measured.items():
            title = f"{name} {part}".strip()
            if not is_number(value):
                reasons.append(f"{title} is {value}, which is no number")
                continue
            if value > rules.get("at_most", math.inf):
                reasons.append(f"{title} is {value:g}, above {rules['at_most']:g}")
            if value < rules.get("at_least", -math.inf):
                reasons.append(f"{title} is {value:g}, below {rules['at_least']:g}")
    return reasons
    ### END SOLUTION


# %% check="gate" tags=["nbval-check-output"]
check("gate")

# %% [markdown] fold="Hint 1: what is a number?"
# Write a small function that answers it, and use it for values and for limits: an `int` or a `float`, not a
# `bool`, and finite. `-1e300 < value < 1e300` is false for NaN and infinity. (`math.isfinite` does it too, but
# raises an error for `10**400`.)

# %% [markdown] fold="Hint 2: one way through"
# For each metric of the objective, in this order: are the rules fit to be used? Is there a value? Is it a
# number? Only then compare. After each reason, `continue` with the next metric.

# %% [markdown] fold="Hint 3: slices"
# Make the plain case a special one of the other: turn a value that is no dictionary into `{"": value}`, and
# then go through the dictionary in both cases.

# %% [markdown]
# Now the whole morning, for seven candidates: ours, the lucky twin, the one without treasure, one that sees the
# next character, one that was left with dropout on, one whose training data had leaked, and ours again with a
# loss that could not be computed. Each goes through all that you have written today; with a slow test suite
# this takes a minute or two, with a bar.

# %% tags=["demo"]
NEEDED = ("check_data", "model_problems", "paired_bootstrap", "slice_report", "gate")
if check.ready(*NEEDED, "our_problems"):  # (the code before the loop: you need not read how)

    def dropping(ids):
        logits = ours(ids)
        return logits * (torch.rand(logits.shape) > 0.1)

    def peeking(ids):
        logits = ours(ids).clone()
        logits[:, :-1].scatter_add_(2, ids[:, 1:, None], torch.full((*ids[:, 1:].shape, 1), 4.0))
        return logits

    def measures(model, its_nats, its_train):
        """Return what the objective asks for."""
        known_characters = "".join(chars)
        data = check_data(its_train, validation, known_characters)
        change = paired_bootstrap(nats["in service"], its_nats, lengths, draws_of_stories)
        slices = slice_report(judged, nats["in service"], its_nats, lengths, slice_words, least)
        return {
            **{name: len(data[name]) for name in ("leaked", "repeated", "foreign", "shifted")},
            "problems": len(tested[model]),
            "loss": float(its_nats.sum() / lengths.sum()),
            "change_high": change["high"],
            "slices": {word: row["change"] for word, row in slices.items()},
        }

    torch.manual_seed(0)
    without = forgetful(ours, "treasure")
    dropped, peeks = (zoo.Model(f, ours.vocab_size, ours.context) for f in (dropping, peeking))
    candidates = {
        "ours": (ours, nats["ours"], train),
        "lucky twin": (twin(lucky_seed), nats["lucky twin"], train),
        "no treasure": (without, nats["no treasure"], train),
        "sees the next": (peeks, story_nats(peeks, judged), train),
        "dropout left on": (dropped, story_nats(dropped, judged), train),
        "leaked": (ours, nats["ours"], train + [story.lower() for story in validation[:30]]),
        "loss is NaN": (ours, torch.nan * nats["ours"], train),
    }
    tested = {ours: our_problems}  # what the suite said of each model: it is asked once
    all_metrics = {}
    for name in tqdm(candidates, leave=False, file=sys.stdout):
        model, its_nats, its_train = candidates[name]
        if model not in tested:
            tested[model] = model_problems(model, validation_ids)
        all_metrics[name] = measures(model, its_nats, its_train)
    for name, metrics in all_metrics.items():
        reasons = gate(metrics, objective)
        print(f"{name}: {'let out' if not reasons else 'blocked'}")
        for reason in reasons:
            print("   -", reason)

# %% [markdown] slide="Of seven candidates, one may go on"
# Blocked, each with its reasons:
#
# - the lucky twin: not surely better
# - without treasure: worse on three slices
# - a look ahead, dropout: the tests
# - leaked: the data
# - NaN: no number
#
# Notes: Each candidate went through all tests of the morning, and the gate named its reasons. Read
# them as somebody who was not here: is it clear what to do next? As a command, the gate ends with
# an exit code, which is what a pipeline understands. Lesson 11 asks the next question: the gate
# said yes, but to what exactly?

# %% [markdown]
# Read the reasons as somebody who was not here. Is it clear what to do next?
#
# The same gate can stand in a pipeline, where nobody is awake. The platform's command takes your function out
# of your notebook: `lmops gate --with 10_test_and_gate.ipynb`. It ends with exit code 0 if there is no reason
# and 1 if there is one, and an exit code is what pipelines understand.
#
# **Something to play with.** How far must the objective give way until each candidate gets through? What
# would you have to be willing to sign?

# %% tags=["demo"]
if check.ready(*NEEDED, "all_metrics"):

    def give_way(candidate, change_high, slices, problems):
        softer = {
            "change_high": {"at_most": change_high},
            "slices": {"at_most": slices},
            "problems": {"at_most": problems},
        }
        for reason in gate(all_metrics[candidate], objective | softer) or ["let out"]:
            print("-", reason)

    play(
        give_way,
        candidate=["no treasure", *all_metrics],
        change_high=(0.0, 0.1, 0.005),
        slices=(0.02, 0.52, 0.02),
        problems=(0, 5),
    )

# %% [markdown]
# ## What was it worth?
#
# It is ten o'clock, and one model may go on.

# %% tags=["demo"]
display(timeline.until("10_test_and_gate"))

# %% [markdown] contract="quiz"
# Five questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. A test cuts a text short, and compares two answers of the model. What did its author have to know?
#    - (a) the right logits
#    - (b) how the two answers belong together
#    - (c) the model's weights
# 2. Your suite has a mutation score of 20 of 27. That means ...
#    - (a) The model is right in 74 of 100 cases.
#    - (b) Seven of your tests fail.
#    - (c) Seven known ways of being broken would go unseen.
# 3. The interval of new minus old goes from −0.004 to 0.002. So ...
#    - (a) these stories do not tell which one is better
#    - (b) the new one is better, by 0.001
#    - (c) the two models are the same
# 4. Why does the bootstrap ask both models for the *same* drawn stories?
#    - (a) It is faster.
#    - (b) So that what is hard about a story cancels out.
#    - (c) Otherwise the mean would be wrong.
# 5. A metric is missing in the file. The gate ...
#    - (a) takes yesterday's value
#    - (b) leaves this rule out and decides by the others
#    - (c) blocks

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "c"
answer_3 = "a"
answer_4 = "b"
answer_5 = "c"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - An objective is requirements with numbers, written down before the results are seen.
# - Data is tested first: leaked, repeated, foreign, shifted.
# - A model whose right answers nobody knows can still be tested: by how its answers belong together.
# - Mutants test the tests. Sound models among them keep the tests honest.
# - A difference comes with an interval. Draw stories, in pairs, and divide at the end.
# - A mean hides; slices show.
# - The gate fails closed.
#
# **Next**, lesson 11 asks which model it is that has just passed. A file called `model_final_2.pt` is not an
# answer.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy, monitor,
# update, feed back) this was *define*, *data* and *evaluate* again, as they are done every day, and with
# somebody else depending on it.
#
# ### References
#
# - B. Efron (1979). Bootstrap Methods: Another Look at the Jackknife. *The Annals of Statistics* 7(1).
# - R. A. DeMillo, R. J. Lipton, F. G. Sayward (1978). Hints on Test Data Selection: Help for the Practicing
#   Programmer. *Computer* 11(4). Mutants.
# - T. Y. Chen, S. C. Cheung, S. M. Yiu (1998). Metamorphic Testing: A New Approach for Generating Next Test
#   Cases. *Technical Report HKUST-CS98-01*.
# - E. Breck, S. Cai, E. Nielsen, M. Salib, D. Sculley (2017). The ML Test Score: A Rubric for ML Production
#   Readiness and Technical Debt Reduction. *IEEE Big Data*.
# - J. Buolamwini, T. Gebru (2018). Gender Shades: Intersectional Accuracy Disparities in Commercial Gender
#   Classification. *FAT\**.
# - M. T. Ribeiro, T. Wu, C. Guestrin, S. Singh (2020). Beyond Accuracy: Behavioral Testing of NLP Models with
#   CheckList. *ACL*.

# %%
check.summary()
