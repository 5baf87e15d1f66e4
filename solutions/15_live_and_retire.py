# %% [markdown] lesson="15_live_and_retire" title="What if the world changes?" minutes=230 laptop_minutes=3 gpu_minutes=3 extras="ops"
# It is half past four. Your model is in service, and nothing about it changes any more: its weights are
# frozen. All else changes. People ask other things than last month, one of them wants to be forgotten,
# a colleague leaves; and one day a better model is there, and this one has to go.
#
# After this lesson you can
#
# - **notice** that the world has changed, with as few false alarms as you promised,
# - **decide** when to train again, and when to wait,
# - **join** what users thought of an answer with the answer, late and doubled as it comes,
# - **say** who may do what, and find in a ledger who did what they may not,
# - **erase** a person from everywhere, and name the models that learnt from them,
# - **retire** a model, so that nobody is left without an answer, and
# - **predict** which run of the pipeline will fail, without looking into the future.
#
# You need lesson 10 (the bootstrap, slices), lesson 11 (the ledger, approval) and lesson 12 (the service,
# its log).

# %% tags=["setup"]
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import display
from tqdm import tqdm

from lmcourse import check, corpus, play, plots, timeline
from lmcourse.waiting import wait_bar

check.lesson("15_live_and_retire")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# ## Has the world changed?
#
# A model is good at what it was trained on. There are two ways in which the world can leave that behind:
#
# | | what changes | example | how you notice |
# |---|---|---|---|
# | **drift of data** | what is asked | fables last month, recipes now | by the questions alone |
# | **drift of concept** | what is *right* | the same question, and now another answer is wanted | by feedback only |
#
# (Gama and others, 2014.) The first one can be seen in the log. But what do you look at? You cannot read
# ten thousand prompts a day, so you put numbers on them. Two are at hand:
#
# - how surprised a table of **bigrams** is, from lesson 02. It sees another spelling, another language.
# - how surprised **your model** itself is: its loss on the prompts, in nats per character.
#
# **Predict first.** Somebody sends the same fables as ever, but with the words of each in another order. Which
# of the two sees it? (The next cell takes five to ten seconds, with a bar.)

# %% [markdown] fold="Answer"
# The model, mostly. A pair of characters inside a word is the same as before; only the few pairs at the
# edges of words are new. The model reads further back than one character. Look at the picture.

# %% [markdown] slide="What is asked may change, and so may what is right"
# - **Drift of data**: recipes in place of fables. Seen in the questions.
# - **Drift of concept**: the same question, another answer is wanted. Seen in feedback only.
#
# Notes: The model is in service, and its weights are frozen. All else changes. You cannot read ten
# thousand prompts a day, so you put numbers on them: how surprised a table of bigrams is, and how
# surprised the model itself is.

# %% tags=["demo"]
try:
    from lmops import bundle, drift
except ImportError as missing:
    drift = None  # what needs it is left out from here on
    print(f"This needs {missing.name}: pip install 'lmcourse[ops]', and run this cell again.")
else:
    mine = bundle.load(bundle.mine())
    measures = drift.Measures(mine)
    dice = np.random.default_rng(15)
    stories = [story[:80] for story in corpus.fables(260 if preset == "smoke" else 480, seed=1015)]

    def inner(story):
        """Return the words inside a story's beginning, which are whole and in small letters."""
        words = [word for word in story.split()[1:-1] if word.isalpha() and word.islower()]
        return " ".join(words) or "the"

    def with_noise(text):
        """Return the text with one character in ten replaced by any other."""
        return "".join(
            mine.characters[dice.integers(len(mine.characters))] if dice.random() < 0.1 else each
            for each in text
        )

    plain = [inner(story) for story in stories]
    worlds = {
        "the same": plain,
        "words in another order": [" ".join(dice.permutation(text.split())) for text in plain],
        "one character in ten": [with_noise(text) for text in plain],
    }
    samples = {}
    for name in tqdm(worlds, leave=False, file=sys.stdout):
        samples[name] = measures.of(measures.readable(worlds[name]))

    with plots.drawing(7.5, 2.6) as (picture, axes):
        axes.axis("off")
        told = []
        for side, measure in enumerate(("bigram", "model")):
            part = axes.inset_axes((0.24 + 0.4 * side, 0.12, 0.34, 0.75))
            for row, (name, found) in enumerate(samples.items()):
                every = np.array(found[measure])
                parts = np.array_split(dice.permutation(len(every)), len(every) // 40)
                losses = [every[ids, 0].sum() / every[ids, 1].sum() for ids in parts]
                color = plots.CURVES[row]
                part.scatter(losses, [row] * len(losses), s=22, color=color, alpha=0.7)
                told.append(f"{measure}, {name}: {np.mean(losses):.2f}")
            part.set_yticks(range(3), samples if side == 0 else [""] * 3)
            part.set_ylim(2.5, -0.5)
            part.set_title(measure)
            part.set_xlabel("nats per character")
    picture.alt = "Loss of windows of 40 prompts by two measures. " + "; ".join(told) + "."
    display(picture)

# %% [markdown] slide="Pairs do not see shuffled words, the model does" picture="above"
# Each dot is a window of 40 prompts. Noise moves both measures. Another order of words moves the
# model only.
#
# Notes: Let them predict it first: the same fables, the words of each in another order. A pair
# inside a word is the same as before, and only the few pairs at the edges are new. The model reads
# further back than one character.

# %% [markdown]
# *The picture: each dot is a window of 40 prompts; the further right, the more surprised is the measure.
# Noise moves both. Another order of words hardly moves the pairs (left), and moves the model (right).*
#
# Look at the dots of one row: they are not all in one place, though nothing has changed among them. So
# "the number is another one than last month" is no news. The question is whether the two samples could be
# *one*, split by chance. So split it by chance, and look how often that makes as large a difference:
#
# 1. put the stories of both samples into one heap;
# 2. shuffle, and deal them into two parts of the old sizes;
# 3. take the difference of the parts, again and again, some thousand times.
#
# The share of splits that differ as much as what you saw, or more, is the **p-value** of a **permutation
# test** (Fisher, 1935; Pitman, 1937). If it is small, chance is a bad explanation. Whole stories are
# dealt, never single characters, since the characters of one story belong together.

# %% [markdown] slide="Were both one sample, split by chance?"
# Put both into one heap, shuffle, deal, take the difference. Again, a thousand times.
#
# The share of splits that differ as much is the **p-value** of a permutation test.
#
# Notes: The dots of one row are not all in one place, though nothing has changed among them. So
# another number than last month is no news. If few splits differ as much as what you saw, chance is
# a bad explanation. Whole stories are dealt, never single characters.

# %% [markdown] contract="drift_detector"
# `drift_detector(reference, window, rate)` says whether two samples are of different sources: `True`, an
# alarm, or `False`.
#
# A sample is a list of stories by one measure: pairs `[nats, characters]`, such as
# `[[52.1, 40], [61.7, 55]]`. There are 20 or more in each, and not always as many in both. What is compared
# is the loss in nats per character: all nats of a sample divided by all its characters.
#
# Deal the stories of both at random into two parts of these sizes, each story once. The *share* is the part
# of the random deals whose absolute difference is at least theirs. Alarm if the share is at most `rate`. So of
# windows of the same source at most that part alarms. `rate` is between 0.0025 (some 1,000 deals can still
# tell so small a share) and 0.3.
#
# For example, with `a = [[50, 50]] * 20` and `b = [[60, 50]] * 20`, `drift_detector(a, b, 0.01)` is `True`, and
# `drift_detector(a, a, 0.01)` is `False`.
#
# It is called some hundred times in a check, on up to 100 stories: 1,000 splits at once in numpy take
# some hundredths of a second. In pure Python the check takes ten seconds or more, and says "Still checking".


# %% exercise="drift_detector" minutes=25 level=3
def drift_detector(reference, window, rate):
    """Say whether the two samples, [nats, characters] of each story, are of different sources."""
    ### BEGIN SOLUTION
    stories = np.array([*reference, *window], dtype=float)
    first = len(reference)
    order = np.random.default_rng(0).random((1000, len(stories))).argsort(axis=1)
    order = np.concatenate([np.arange(len(stories))[None], order])  # what was seen is a split, too
    dealt = stories[order]
    old, new = dealt[:, :first].sum(axis=1), dealt[:, first:].sum(axis=1)
    differences = np.abs(new[:, 0] / new[:, 1] - old[:, 0] / old[:, 1])
    share = (differences >= differences[0] - 1e-12).mean()
    return bool(share <= rate)
    ### END SOLUTION


# %% check="drift_detector" tags=["nbval-check-output"]
check("drift_detector")

# %% [markdown] fold="Hint 1: many shuffles at once"
# `np.random.default_rng(0).random((1000, n)).argsort(axis=1)` has 1,000 orders of `n` stories, one a row.
# `stories[order]` has then the shape `(1000, n, 2)`.

# %% [markdown] fold="Hint 2: a part's loss"
# `dealt[:, :first].sum(axis=1)` has the nats and the characters of each first part. Divide *these* sums; the
# mean of the stories' own rates is something else.

# %% [markdown] fold="Hint 3: never zero"
# What you saw is itself one of the ways to deal the stories. Count it among the splits, and the share is
# never 0 (Phipson and Smyth, 2010).

# %% [markdown]
# Is it worth the trouble? The usual shortcut takes the reference for the truth: it draws the *window* anew
# (a bootstrap, as in lesson 10), and alarms if the reference's number lies outside of what it sees. The next
# cell counts how often each of the two alarms though nothing has changed. It takes about ten seconds, with a
# bar for each.


# %% tags=["demo"]
def naive_detector(reference, window, rate):
    """Take the reference for the truth, and ask only how sure the window is."""
    stories = np.array(window, dtype=float)
    ids = np.random.default_rng(0).integers(0, len(stories), (500, len(stories)))
    drawn = stories[ids].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [rate / 2, 1 - rate / 2])
    nats, characters = np.array(reference, dtype=float).sum(axis=0)
    return not low <= nats / characters <= high


def source(random, stories, shift=0.0):
    """Draw stories of one source: [nats, characters] of each."""
    characters = random.integers(20, 400, stories)
    return [
        [r * n, n]
        for r, n in zip(random.normal(1.1 + shift, 0.15, stories), characters, strict=True)
    ]


def false_alarms(detector, references, windows, rate=0.05):
    """Return the share of windows of 40 stories that alarm, by the size of the reference."""
    random = np.random.default_rng(3)
    return np.array(
        [
            np.mean([detector(source(random, n), source(random, 40), rate) for _ in range(windows)])
            for n in tqdm(references, leave=False, file=sys.stdout)
        ]
    )


def how_sure(shares, windows):
    """Return how far below and above these shares, counted in so many windows, the truth may be.

    In 95 of 100 counts it is within (Wilson, 1927).
    """
    middle = (shares + 2 / windows) / (1 + 4 / windows)
    half = 2 * np.sqrt(shares * (1 - shares) / windows + 1 / windows**2) / (1 + 4 / windows)
    return shares - middle + half, middle + half - shares


# %% tags=["demo"]
if check.ready("drift_detector"):
    references = (20, 40, 80, 160)
    windows = 40 if preset == "smoke" else 200
    with plots.drawing(7.0, 2.8) as (picture, axes):
        counted = {}
        for place, (name, detector) in enumerate(
            {"reference = truth": naive_detector, "yours": drift_detector}.items()
        ):
            counted[name] = false_alarms(detector, references, windows)
            axes.bar(
                np.arange(4) + 0.38 * place - 0.19,
                100 * counted[name],
                yerr=100 * np.array(how_sure(counted[name], windows)),
                width=0.36,
                color=plots.CURVES[1 - place],
                error_kw={"ecolor": plots.INK, "elinewidth": 1, "capsize": 3},
                label=name,
            )
        axes.axhline(5, color=plots.INK, linestyle=":", label="promised: 5 %")
        axes.set_xticks(range(4), references)
        axes.set(xlabel="stories in the reference", ylabel="false alarms (%)")
        axes.legend()
    picture.alt = (
        f"False alarms among {windows} windows of the same source, by the size of the reference, "
        "with what chance makes of such a count. "
        + ("; ".join(f"{n}: " + ", ".join(f"{s:.0%}" for s in v) for n, v in counted.items()) + ".")
    )
    display(picture)

# %% [markdown]
# *The picture: how many of 100 windows alarm though nothing has changed. The smaller the reference, the
# worse does the shortcut: it forgets that the reference is a sample as well. A count of some windows is a
# sample, too: the thin lines say where the true share may be. Yours reach down to what was promised, also where
# a bar ends above it by chance; those of the shortcut do not, where the reference is small.*
#
# A false alarm in twenty looks is no small thing: with a look every hour it is one a day, and after a week
# nobody reads them. That is why the rate is chosen small, and shared among all measures that may alarm.
#
# **Something to play with.** The source shifts by a little every day. Which reference sees it: always the
# first days, or the days just before?


# %% [markdown] slide="The reference is a sample as well" picture="above"
# The shortcut takes the reference for the truth. The smaller it is, the more often it alarms for
# nothing.
#
# Notes: The picture counts alarms when nothing has changed. The thin lines say where the true share
# may be, since such a count is a sample too. A false alarm in twenty looks is one a day if you look
# each hour, and after a week nobody reads them. So the rate is chosen small, and shared among all
# measures.


# %% tags=["demo"]
def slow_drift(a_day, against):
    """Print on which days a slow drift is seen."""
    random = np.random.default_rng(8)
    days = [source(random, 40, a_day * day) for day in range(25)]
    seen = [
        day
        for day in range(1, 25)
        if drift_detector(days[0] if against == "the first day" else days[day - 1], days[day], 0.01)
    ]
    print(f"{a_day} nats more each day, against {against}: alarms on the days {seen or 'none'}")


if check.ready("drift_detector"):
    play(slow_drift, a_day=[0.01, 0.02, 0.0], against=["the first day", "the day before"])

# %% [markdown] fold="What you see"
# Against the first day, the alarm comes after a week or two, and stays. Against the day before there is
# hardly ever one: each step is smaller than the noise. A frog in water that is warmed slowly does jump out,
# by the way; a detector of this kind does not.
#
# And with 0.0 a day nothing changes at all. If there is an alarm then, it is a false one, and a fine specimen:
# at a rate of 0.01 one look in a hundred is wrong, and here are 24 looks.

# %% [markdown] slide="Yesterday never shows a slow drift"
# The source shifts a little every day.
#
# Against the *first days*, the alarm comes after a week or two and stays. Against the *day before*,
# hardly ever.
#
# Notes: Each step is smaller than the noise. So the platform compares the first prompts that a
# version got with the last ones, and keeps numbers of them, not words. If it says drifted, it ends
# with an exit code, and a pipeline sees that.

# %% [markdown]
# `lmops drift` asks this of the model in service: the first prompts that it got against the last ones, by both
# measures. Two looks would give two chances of a false alarm, so each gets half the rate. (Its model loss is
# another one than in the picture above: whole beginnings of stories are easier to guess than inner words on
# their own.) The next cell makes a small home for it, as lesson 11 left it: your model is the
# champion, beside an older one; and a log like the one of lesson 12, whose last prompts have noise in them. It
# takes about ten seconds, with a bar, as do the other commands of this lesson.

# %% tags=["demo"]
if drift:
    from datetime import UTC, datetime, timedelta

    from lmops.home import Home
    from lmops.ledger import Ledger
    from lmops.store import keep as keep_bundle

    place = Path(tempfile.mkdtemp())
    home = Home(place / ".lmops")

    plainly = {name: value for name, value in os.environ.items() if "COLOR" not in name}

    def lmops(*arguments, first=0, lines=12, smoke=True, seconds=5):
        """Run a command as it is typed, and print the first lines or the last of what it says."""
        print("$ lmops", *arguments)
        if preset == "smoke" and not smoke:
            print("(left out at the preset smoke: what the text says of it is of the others)")
            return
        line = [sys.executable, "-m", "lmops.cli", *arguments]
        env = plainly | {"TERM": "dumb"}  # no spinner, which would fill the last lines
        with wait_bar(f"lmops {arguments[0]}", seconds):
            said = subprocess.run(line, cwd=place, capture_output=True, text=True, env=env)
        told = (said.stdout + said.stderr).strip().splitlines()
        print("\n".join(told[:first] if first else told[-lines:]))
        print(f"(exit code {said.returncode})")

    def champion(made):
        """Write into the ledger that a bundle went the whole way, and keep it."""
        keep_bundle(made, home.models)
        book = Ledger(home.ledger)
        book.append("gate", made.version, "lmops", passed=True, reasons=[])
        book.append("register", made.version, "ann", lineage={})
        book.append("approve", made.version, "bob")
        book.append("promote", made.version, "bob", alias="champion")

    def write_log(texts, key, day):
        """Write what the service logs of requests: redacted, with the id of a key and no name."""
        start = datetime.now(UTC) - timedelta(days=day)
        path = home.logs / f"{start.date()}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            for number, text in enumerate(texts):
                line = {
                    "time": (start + timedelta(seconds=number)).isoformat(timespec="milliseconds"),
                    "event": "request",
                    "id": f"req-{key}-{day}-{number}",
                    "code": 200,
                    "key": key,
                    "version": mine.version,
                    "prompt": text,
                    "text": "",
                }
                file.write(json.dumps(line) + "\n")

    weights = {name: each * 0.98 for name, each in mine.model().state_dict().items()}
    older = bundle.write(
        place / "older",
        weights=weights,
        config=mine.config,
        characters=mine.characters,
        metrics={"corpus": "fables", "steps": 0},
        source=mine.source,
    )
    champion(older)
    champion(mine)
    write_log(stories[:120], "k1", 3)
    write_log([with_noise(text) for text in stories[120:200]], "k1", 1)
    lmops("drift", "--reference", "80", "--window", "60", seconds=10)

# %% [markdown]
# It ends with exit code 1, so a pipeline sees it, and it stands in the ledger, where the next section's rule finds
# it. What it keeps of the first prompts is numbers, not words: these outlive the log, which is deleted after some
# days. `lmops drift --with 15_live_and_retire.ipynb` asks *your* detector in the place of the platform's.
#
# ## When do you train again?
#
# Something has changed: train again. And tomorrow? The new model has not seen a week of users yet, the
# detector still alarms, and again a night of computing goes. A rule for it has four parts:
#
# | part | says | so that |
# |---|---|---|
# | **cadence** | at the latest so many days after the last training | nothing gets old unnoticed |
# | **trigger** | at once, if the last look saw drift | nobody waits for the calendar |
# | **cooldown** | not so soon after the last training | one sees first whether it helped |
# | **budget** | at most so many in so many days | a trigger that never stops cannot train for ever |
#
# **Predict first.** The trigger is broken, and says "drift" every day. With a cooldown of 3 days, and a budget of
# 4 in 30: how many trainings are there in a year? And without the budget?

# %% [markdown] fold="Answer"
# With it at most 4 in any 30 days: some 49. Without it one every 3 days: 122. The cooldown alone is no limit
# on what you spend.

# %% [markdown] contract="should_retrain"
# `should_retrain(events, now, policy)` returns one of three words: `"train"`, `"wait"` (it is due, and held
# back), or `"nothing"` (it is not due).
#
# `events` is a list, the oldest first, of what happened up to now, on whole days:
#
# - `{"day": 3, "event": "champion"}`: a model came into service. The first event is one.
# - `{"day": 9, "event": "drift", "drifted": True}`: a look, and whether it saw drift.
# - `{"day": 9, "event": "retrain"}`: a training began.
#
# `policy` is such as `{"every": 30, "cooldown": 3, "budget": 4, "within": 30}`, in days, but for `budget`.
#
# It is **due** if one of these holds:
#
# - the last training began `every` days ago or longer; without any, the *first* champion came so long ago;
# - the last look since the last training saw drift. Looks that stand before that training in the list do not
#   count, and a later look takes back what an earlier one saw.
#
# It is **held back** if the last training began less than `cooldown` days ago, or if `budget` trainings or
# more began on days after `now - within`.
#
# For example, with that policy and the events `champion` on day 3 and `drift` seen on day 9, on day 9 it is
# `"train"`; after a `retrain` on day 9 and another `drift` on day 10, it is `"wait"` on day 11 and `"train"` on
# day 12.


# %% exercise="should_retrain" minutes=20 level=2
def should_retrain(events, now, policy):
    """Return "train", "wait" or "nothing"."""
    ### BEGIN SOLUTION
    began = [event["day"] for event in events if event["event"] == "retrain"]
    came = next(event["day"] for event in events if event["event"] == "champion")
    drifted = False
    for event in events:
        if event["event"] == "retrain":
            drifted = False
        elif event["event"] == "drift":
            drifted = event["drifted"]
    since = now - (began[-1] if began else came)
    if since < policy["every"] and not drifted:
        return "nothing"
    cooling = bool(began) and now - began[-1] < policy["cooldown"]
    used = sum(day > now - policy["within"] for day in began)
    return "wait" if cooling or used >= policy["budget"] else "train"
    ### END SOLUTION


# %% check="should_retrain" tags=["nbval-check-output"]
check("should_retrain")

# %% [markdown] fold="Hint 1: what you need"
# Three things out of `events`: the days of the trainings, the day of the first champion, and whether the last
# look since the last training saw drift. A flag that each look sets, and each training clears, has the third.

# %% [markdown] fold="Hint 2: in which order"
# First ask whether it is due; if not, `"nothing"`. Only then ask what holds it back.

# %% [markdown]
# Let it run for four months. The trigger breaks down on day 30, and says "drift" each day from then on.

# %% tags=["demo"]
if check.ready("should_retrain"):
    policy = {"every": 25, "cooldown": 3, "budget": 4, "within": 30}
    with plots.drawing(7.5, 2.2) as (picture, axes):
        counts = {}
        for row, budget in enumerate((4, 99)):
            events = [{"day": 0, "event": "champion"}]
            said = []
            for day in range(1, 121):
                events.append({"day": day, "event": "drift", "drifted": day >= 30})
                said.append(should_retrain(events, day, policy | {"budget": budget}))
                if said[-1] == "train":
                    events.append({"day": day, "event": "retrain"})
            for word, color, mark in (("wait", plots.GREY, "|"), ("train", plots.HIGHLIGHT, "o")):
                days = [day for day, each in enumerate(said, 1) if each == word]
                label = word if row == 0 else None
                axes.scatter(days, [row] * len(days), s=28, color=color, marker=mark, label=label)
            counts[budget] = said.count("train")
        axes.axvline(30, color=plots.INK, linestyle=":")
        axes.set_yticks((0, 1), [f"budget {policy['budget']}", "no budget"])
        axes.set_ylim(1.6, -0.8)
        axes.set_xlabel("day")
        axes.legend(loc="upper left", ncols=2)
    picture.alt = (
        "Days on which a model is trained, and days of waiting. From day 30 on the trigger never "
        f"stops: {counts[4]} trainings in 120 days with a budget, {counts[99]} without."
    )
    display(picture)

# %% [markdown]
# *The picture: dots are trainings, strokes are days of waiting. From the dotted line on the trigger never
# stops. With a budget there are never more than four trainings in thirty days.*
#
# And what comes out of a training is no champion. It is a *challenger*: it takes the way of all others,
# the gate of lesson 10, approval, a canary. The champion serves on until somebody promotes the new one. If the new one is worse, all
# that happened is that some computing was spent.
#
# `lmops retrain --if-due` is that rule with its four parts, read from the ledger, and then the training, the gate and
# the registration. All of it takes about half a minute, with a bar.

# %% [markdown] slide="A trigger that never stops must not train for ever" picture="above"
# Cadence, trigger, cooldown, **budget**. With the budget, in our run: **14** trainings. Without it:
# **32**.
#
# Notes: Dots are trainings, strokes are days of waiting. From the dotted line on the trigger is
# broken and says drift each day. The cooldown alone is no limit on what you spend. What comes out
# of a training is a challenger, which takes the way of all others: gate, approval, canary.

# %% tags=["demo"]
if drift:
    (place / "objective.yaml").write_text("loss: {at_most: 9}")
    easy = ("--objective", "objective.yaml", "--stories", "10")
    how = ("--if-due", "--preset", "smoke", *easy, "--by", "nightly")
    lmops("retrain", *how, first=8, smoke=False, seconds=25)

# %% [markdown]
# (The training here is a short one, and its objective lets anything pass: it is to show the way, not the result.)
#
# ## What did they think of it?
#
# Drift of concept cannot be seen in the questions. You need somebody who says whether the *answers* are any
# good: a thumb, up or down. Feedback has bad habits. It comes days later; it comes twice; somebody changes their
# mind; and it is about the model of last week. Whoever takes it as it comes measures the wrong model.

# %% [markdown] contract="join_feedback"
# `join_feedback(answers, ratings, version, days)` returns what users thought of one version's answers.
#
# - `answers` is a list of `{"id": "a1", "key": "k1", "version": "v2", "day": 3.5}`: request, who asked, who
#   answered, when. No id stands there twice.
# - `ratings` is a list of `{"id": "a1", "key": "k1", "day": 4.25, "rating": "up"}`, or `"down"`, in the order in
#   which they came in, which need not be that of their days. No two of one id and key have the same day.
#
# Each rating is one of these, the first that fits:
#
# | kind | which |
# |---|---|
# | `"unknown"` | there is no answer with this `id` and `key`, or it was given later than the rating |
# | `"other version"` | the answer is another version's |
# | `"late"` | it came more than `days` days after the answer |
# | in time | all others |
#
# It returns a dictionary with the numbers of `"unknown"`, `"other version"` and `"late"`; `"rated"`, a
# dictionary from the ids that have ratings in time to the *latest* of these; and `"doubled"`, how many ratings in
# time were not needed for that: those beyond the first of each id.
#
# For example, one answer as above, and two ratings of it, `"up"` on day 4 and `"down"` on day 5, give for `"v2"`
# and 7 days `{"rated": {"a1": "down"}, "doubled": 1, "late": 0, "other version": 0, "unknown": 0}`.


# %% exercise="join_feedback" minutes=20 level=2
def join_feedback(answers, ratings, version, days):
    """Return the ratings of a version's answers, and how many others there were of each kind."""
    ### BEGIN SOLUTION
    known = {(answer["id"], answer["key"]): answer for answer in answers}
    joined = {"rated": {}, "doubled": 0, "late": 0, "other version": 0, "unknown": 0}
    for rating in sorted(ratings, key=lambda rating: rating["day"]):
        answer = known.get((rating["id"], rating["key"]))
        if answer is None or rating["day"] < answer["day"]:
            joined["unknown"] += 1
        elif answer["version"] != version:
            joined["other version"] += 1
        elif rating["day"] - answer["day"] > days:
            joined["late"] += 1
        else:
            joined["doubled"] += rating["id"] in joined["rated"]
            joined["rated"][rating["id"]] = rating["rating"]
    return joined
    ### END SOLUTION


# %% check="join_feedback" tags=["nbval-check-output"]
check("join_feedback")

# %% [markdown] fold="Hint 1: find the answer"
# A dictionary from pairs `(id, key)` to answers finds it in one step; `.get` gives None for who is not in there.

# %% [markdown] fold="Hint 2: the latest"
# Go through `sorted(ratings, key=lambda rating: rating["day"])`: then the last one that you write down is the
# latest.

# %% [markdown]
# What would somebody who takes it as it comes have read? Here the model of last week is worse, and its users are slow
# to say so.

# %% tags=["demo"]
if check.ready("join_feedback"):
    dice = np.random.default_rng(6)
    given = [
        {"id": f"a{n}", "key": "k1", "version": "v1" if n < 150 else "v2", "day": n / 30}
        for n in range(300)
    ]
    thumbs = []
    for each in given:
        good = dice.random() < {"v1": 0.4, "v2": 0.8}[each["version"]]
        moment = each["day"] + dice.exponential(3)
        thumbs.append(each | {"day": moment, "rating": "up" if good else "down"})
    joined = join_feedback(given, thumbs, "v2", 7)
    rated = list(joined.pop("rated").values())
    print(f"as they came: {np.mean([each['rating'] == 'up' for each in thumbs]):.0%} thumbs up")
    print(f"joined, of v2: {rated.count('up') / len(rated):.0%} thumbs up; left out: {joined}")

# %% [markdown] slide="Feedback belongs to one answer of one version"
# In our run:
#
# - as it came: 61 % thumbs up
# - joined to the answers of this version: 80 %
#
# Notes: It comes days later, it comes twice, somebody changes their mind, and it is about the model
# of last week. Whoever takes it as it comes measures the wrong model. And it is worth less than it
# looks: few people press a thumb, and a model that is trained on it learns to please.

# %% [markdown]
# Joined, it is another number, and the right one. What is such feedback worth? Less than it looks. Few people press a thumb, and those are not like the others;
# they like what is long, and what agrees with them. A model that is trained on it learns to please (Sharma and
# others, 2024). And a thumb up says nothing about truth. A language model writes what is *likely*; it has read that
# foxes are sly in a thousand fables, and never met one. What it makes up sounds just like what it learnt. So
# **misinformation** is no accident of it: say on the page that a machine wrote this, keep what it says of facts
# away from where people act upon it, and have a person answer for what is published.
#
# And whom does it serve? A mean over all users hides those who are few. Lesson 10's slices answer that, by
# source, by length, by language: `lmops slices` tells each slice's loss with an interval, and whether one is served
# worse than the rest. It takes away what is hard by nature: a long story is no unfairness.

# %% tags=["demo"]
if drift:
    lmops("slices", "--stories", "120", first=12, smoke=False, seconds=10)

# %% [markdown]
# Each animal of the fables is a slice; the worst stand at the top, and the rest is left out here. The loss is the one
# *above the floor*: the floor is what a story costs even somebody who knows by which rules the fables are made, so what is
# above it is the model's own doing. The last column is so wide that all of its intervals hold at once in 95 % of cases:
# among so many slices, one always looks bad, by chance.
#
# ## Who may do that?
#
# Training, approving, promoting, erasing: who may? "Everybody in the team" is the usual answer, until the
# day on which somebody approves their own model at six in the evening. So rights are given to **roles**, and
# roles to people (Sandhu and others, 1996), in the same ledger as all else, so that one can see who had which
# right *when*.

# %%
RIGHTS = {
    "admin": {"grant", "withdraw"},
    "developer": {"register"},
    "reviewer": {"approve"},
    "operator": {"promote", "retire"},
}

# %% [markdown]
# **Predict first.** Rosa is a reviewer, and approves a version. At noon she leaves the team, and her role is
# withdrawn. At one o'clock an operator wants to promote that version. May they?

# %% [markdown] fold="Answer"
# Here: no. Nobody has used her approval yet, and nobody who may approve stands behind it now. Somebody else looks
# at it, which takes ten minutes. It could have been decided the other way round; what must not be is that nobody
# has thought of it.

# %% [markdown] slide="A right belongs to a role, and a role ends"
# ```python
# RIGHTS = {
#     "admin": {"grant", "withdraw"},
#     "developer": {"register"},
#     "reviewer": {"approve"},
#     "operator": {"promote", "retire"},
# }
# ```
#
# A reviewer approves, and leaves at noon. At one an operator promotes. May they?
#
# Notes: Everybody in the team is the usual answer, until somebody approves their own model at six
# in the evening. Rosa approves a version, leaves at noon, and at one an operator wants to promote
# it. May they? Here no: nobody who may approve stands behind it now. It could have been decided the
# other way, but it must be decided.

# %% [markdown] contract="may"
# `may(ledger, who, what, version)` says whether `who` may do `what` with a version now: `True` or `False`.
#
# `what` is one of `"grant"`, `"withdraw"`, `"register"`, `"approve"`, `"promote"`, `"retire"`. `ledger` is a list of
# what happened, the oldest first. All of it was allowed, or can do no harm:
#
# - `{"by": "ana", "event": "grant", "person": "bo", "role": "reviewer"}`, and `"withdraw"` likewise, also of a role
#   that the person has not got. The role is one of those in `RIGHTS`.
# - `{"by": "bo", "event": "approve", "version": "3f2a"}`, and `"register"` likewise. A version is registered once.
#
# The rules:
#
# - Somebody may do what one of the roles that they have now has a right to, by `RIGHTS`.
# - Only what is registered may be approved or promoted; the other four ask for the right alone.
# - Four eyes: nobody may approve what they registered themselves.
# - To be promoted, a version must be approved. An approval ends when its author loses the role of reviewer, and
#   does not come back with the role: they would have to approve again. Others' approvals stay.
# - Names that differ only in case or in spaces around them are one person (`.strip().casefold()`).
#
# For example, after `ana` granted `bo` the role `developer`, `may(ledger, "Bo", "register", "3f2a")` is `True`.


# %% exercise="may" minutes=20 level=3
def may(ledger, who, what, version):
    """Say whether `who` may do `what` with a version, after all that stands in the ledger."""

    ### BEGIN SOLUTION
    def plain(name):
        return name.strip().casefold()

    roles, owner, approved = set(), {}, set()
    for line in ledger:
        event = line["event"]
        if event == "grant":
            roles.add((plain(line["person"]), line["role"]))
        elif event == "withdraw":
            person = plain(line["person"])
            roles.discard((person, line["role"]))
            if line["role"] == "reviewer":
                approved = {(by, one) for by, one in approved if by != person}
        elif event == "register":
            owner[line["version"]] = plain(line["by"])
        elif event == "approve":
            approved.add((plain(line["by"]), line["version"]))
    who = plain(who)
    if not any((who, role) in roles for role, rights in RIGHTS.items() if what in rights):
        return False
    if what in ("approve", "promote") and version not in owner:
        return False
    if what == "approve":
        return owner[version] != who
    if what == "promote":
        return any(one == version for _, one in approved)
    return True
    ### END SOLUTION


# %% check="may" tags=["nbval-check-output"]
check("may")

# %% [markdown] fold="Hint 1: fold the ledger"
# One pass over the lines, and three things to keep: a set of pairs (person, role), a dictionary from versions to
# who registered them, a set of pairs (person, version) of approvals. Then answer from these three.

# %% [markdown] fold="Hint 2: withdrawn"
# At a `withdraw` take the pair out with `.discard`, which does not mind if it is not there. If the role is
# `reviewer`, take that person's approvals out as well.

# %% [markdown]
# `may` is asked *before* something is done. But the rules are only as good as those who ask: somebody with access to
# the disk writes a line with an editor. So there is a second look, afterwards, at what is there: an **audit**. It
# believes nobody, reads every line, and says which ones break a rule. In lesson 11 you saw to it that no line can be
# changed unseen; now you read what they say.

# %% [markdown] contract="audit"
# `audit(ledger)` returns what is wrong in a ledger: a list of pairs `(line, rule)`, in the order of the lines. The first
# line is line 1. `ledger` is a list such as
#
# - `{"event": "register", "version": "3f2a", "by": "bo"}`, and likewise `"approve"`, `"promote"`, `"serve"` (it answered
#   somebody) and `"retire"`;
# - `{"event": "gate", "version": "3f2a", "by": "gate", "passed": True}`.
#
# | rule | a line breaks it that |
# |---|---|
# | `"self-approval"` | approves a version, by somebody who registered it above |
# | `"not gated"` | promotes a version whose last gate above did not pass, or that had none |
# | `"not approved"` | promotes a version that nobody approved above |
# | `"retired"` | promotes a version that was retired above, or is a `"serve"` of one |
#
# A line that breaks several rules is named once for each, in the order of this table. A self-approval counts for
# nothing, so it approves nothing. All other lines count, also those that break a rule. People's names are compared as in
# `may`. A version may have been registered by several people: each of them is one who registered it.
#
# For example, `bo` registers `3f2a` in line 1 and approves it in line 2: `[(2, "self-approval")]`.


# %% exercise="audit" minutes=20 level=2
def audit(ledger):
    """Return (line, rule) for each rule that a line breaks."""
    ### BEGIN SOLUTION
    registered, passed, approved, retired, found = set(), {}, set(), set(), []
    for number, line in enumerate(ledger, start=1):
        event, version = line["event"], line["version"]
        by = line["by"].strip().casefold()
        if event == "register":
            registered.add((by, version))
        elif event == "gate":
            passed[version] = line["passed"]
        elif event == "approve":
            if (by, version) in registered:
                found.append((number, "self-approval"))
            else:
                approved.add(version)
        elif event == "retire":
            retired.add(version)
        elif event == "promote":
            if not passed.get(version, False):
                found.append((number, "not gated"))
            if version not in approved:
                found.append((number, "not approved"))
        if event in ("promote", "serve") and version in retired:
            found.append((number, "retired"))
    return found
    ### END SOLUTION


# %% check="audit" tags=["nbval-check-output"]
check("audit")

# %% [markdown] fold="Hint 1: what to keep"
# One pass with `enumerate(ledger, start=1)`: who registered what, each version's last gate, which are approved, which are
# retired. Only lines above count, so ask first, and write down afterwards.

# %% [markdown] fold="Hint 2: the order of the rules"
# In a promotion ask for the gate, then for the approval, then whether it is retired: three `if`s, no `elif`.

# %% [markdown]
# Now the ledger of the small home from above, as the commands wrote it: Ann registered, Bob approved. Then somebody writes
# a line with an editor.

# %% tags=["demo"]
if drift and check.ready("audit"):
    lines = [
        {"event": each.event, "version": each.version, "by": each.by, **each.details}
        for each in Ledger(home.ledger).entries()
    ]
    print("the ledger as it is:", audit(lines))
    own = {"event": "approve", "version": mine.version, "by": " ANN"}
    print(f"with one more line, number {len(lines) + 1}:", audit([*lines, own]))

# %% [markdown]
# If yours names a promotion that nobody approved before that line: it is the challenger of the training above. The machine
# gives it this alias, and it answers nobody yet, so the platform's own audit lets it be. Yours makes no exceptions.

# %% [markdown] slide="An audit reads what was done, and believes nobody"
# `may` is asked *before*. An **audit** looks afterwards, at every line:
#
# - Who approved their own?
# - Who promoted what nobody had approved?
# - Who answered, though retired?
#
# Notes: Rules are only as good as those who ask. Somebody with access to the disk writes a line
# with an editor. In lesson 11 you saw to it that no line is changed unseen, and now you read what
# the lines say. In the demo a name with a space and capitals does not get through.

# %% [markdown]
# ### And the law?
#
# That you keep the rules is one thing, that you can show it another: **compliance** is both. A law seldom says how. It says
# what somebody may ask of you, and you look for what answers:
#
# | who asks | for what, by which law | what answers |
# |---|---|---|
# | a user | what is kept of me, and for how long? (GDPR, articles 5 and 15) | what the log takes in, redaction, a day on which it is deleted (12) |
# | a user | erase it (GDPR, article 17) | `erase`, below |
# | a user | am I talking to a machine? (AI Act, article 50) | the page says so; the card says which model (11) |
# | an authority | what was it made of, and how was it tested? (AI Act, article 11) | the card, the lineage, the gate's reasons (10, 11) |
# | an authority | what did it do, and who oversaw it? (AI Act, articles 12 and 14) | the ledger, the log, four eyes |
# | an auditor | is that so? | `audit`: it reads what was done, and believes nobody |
#
# Articles 11, 12 and 14 bind systems of *high risk*, such as one that chooses among applicants; a page with fables is none. What
# holds for your own, say with somebody who knows the law; the table tells you what to have ready when you do.
#
# ## Can a person be forgotten?
#
# At a quarter to six a letter comes: *Please erase what you have of me.* In Europe that is a right (GDPR, article 17),
# and there is a month for it. You delete the lines from the log, and write back that it is done.
#
# **Predict first.** Where is that person still? Name three places before you open the answer.

# %% [markdown] fold="Answer"
# In the **feedback**, their own and what others said of answers to them. In the **cache**, which has their prompt and
# the answer. In the **training data** of next month, if a story that they liked was taken into it. And in the **models**
# that learnt from it; and in those that were trained on from these. (Then there are backups, for which there is a fixed
# day on which they are deleted.)

# %% [markdown] contract="erase"
# `erase(keys, home)` takes a person out of all that is kept. `keys` is a list of all keys that they ever had. It returns a
# pair: a new home, and the list of the versions that have to be trained again. What it is handed stays as it is.
#
# `home` is a dictionary of five lists:
#
# | list | of | goes, if |
# |---|---|---|
# | `"log"` | `{"request": "r1", "key": "k1", "prompt": "..."}` | the key is theirs |
# | `"feedback"` | `{"request": "r1", "key": "k2", "rating": "up"}` | the key is theirs, or the log says that the request was |
# | `"cache"` | `{"prompt": "...", "text": "...", "keys": ["k1", "k2"]}` | one of the keys is theirs |
# | `"stories"` | `{"story": "s1", "key": "k1", "text": "..."}`; the key is `None` if it is from no user | the key is theirs |
# | `"models"` | `{"version": "v2", "stories": ["s1"], "from": "v1"}`; `None` if trained from the start | never |
#
# The new home has the same five lists, without what goes; all else is as it was, in the same order. To be trained again
# are the models that learnt from one of the stories that go, and those trained on *from* one that has to be trained again.
# They are named in the order of the list, in which a model may stand before the one that it comes from.
#
# For example, with the key `k1`, the story `s1` above goes, and `v2` is to be trained again.


# %% exercise="erase" minutes=25 level=3
def erase(keys, home):
    """Return the home without a person, and the versions that have to be trained again."""
    ### BEGIN SOLUTION
    theirs = set(keys)
    asked = {line["request"] for line in home["log"] if line["key"] in theirs}
    stories = {story["story"] for story in home["stories"] if story["key"] in theirs}
    new = {
        "log": [line for line in home["log"] if line["key"] not in theirs],
        "feedback": [
            each
            for each in home["feedback"]
            if each["key"] not in theirs and each["request"] not in asked
        ],
        "cache": [each for each in home["cache"] if theirs.isdisjoint(each["keys"])],
        "stories": [story for story in home["stories"] if story["key"] not in theirs],
        "models": list(home["models"]),
    }
    again, before = set(), None
    while again != before:
        before = set(again)
        for model in home["models"]:
            if stories & set(model["stories"]) or model["from"] in again:
                again.add(model["version"])
    return new, [model["version"] for model in home["models"] if model["version"] in again]
    ### END SOLUTION


# %% check="erase" tags=["nbval-check-output"]
check("erase")

# %% [markdown] fold="Hint 1: ask before you clean"
# Two sets first: the requests that were theirs, by the log, and the stories that were. Then five list comprehensions.

# %% [markdown] fold="Hint 2: children of children"
# Keep a set of models to train again. Go through the list again and again, and add who learnt from one of the stories, or
# comes from one in the set, until a whole round adds nothing.

# %% [markdown]
# Try it on Anton, who asked once; Berta liked the answer, and got the same one out of the cache.

# %% tags=["demo"]
if check.ready("erase"):
    asked = {"request": "r1", "key": "anton", "prompt": "The fox"}
    small = dict(
        log=[asked, {"request": "r2", "key": "berta", "prompt": "The fox"}],
        feedback=[{"request": "r1", "key": "berta", "rating": "up"}],
        cache=[{"prompt": "The fox", "text": " went home.", "keys": ["anton", "berta"]}],
        stories=[{"story": "s1", "key": "anton", "text": "The fox went home."}],
        models=[
            {"version": "v2", "stories": ["s1"], "from": "v1"},
            {"version": "v3", "stories": [], "from": "v2"},
        ],
    )
    without, again = erase(["anton"], small)
    for name, kept in without.items():
        print(f"{name:9} {len(small[name])} before, {len(kept)} after")
    print("to be trained again:", *again)

# %% [markdown] slide="A person is in more places than the log"
# | | before | after |
# |---|---|---|
# | log | 2 | 1 |
# | feedback | 1 | 0 |
# | cache | 1 | 0 |
# | stories | 1 | 0 |
#
# Two models have to be trained again.
#
# Notes: The letter asks you to erase what you have of them, and in Europe that is a right. Deleting
# the lines of the log is the smallest part. Berta got Anton's answer out of the cache, and liked
# it, so her feedback is about him as well. What can be proved is the lineage, that the stories are
# gone, and that it was trained again without them.

# %% [markdown]
# Nobody can search weights for a person. There is research on making a model forget without training it again (Bourtoule
# and others, 2021), and no proof that it has. What can be proved is this: which stories a model learnt from (the lineage
# of lesson 11), that these are gone, and that it was trained again without them, and retired.
#
# ## How does a model end?
#
# One does not simply delete it. Somebody's program asks for it by name tonight; an answer is half written; and next year
# somebody wants to know what it was that answered in November. So there is an order:
#
# 1. **nobody new**: from now on who asks for it is told `410 Gone`, and whom to ask instead. (`404` would say "there never
#    was one", and people would look for the mistake on their side.)
# 2. **drain**: those whose answers are under way get them to the end.
# 3. **archive**: its card and its end are kept, under the hash of what they say.
# 4. **dispose**: the weights go.
#
# **Predict first.** What is lost if 3 and 4 change places, and the disk is full?

# %% [markdown] fold="Answer"
# Then the weights are gone, and nothing was kept of what they were: nobody will ever know. In the right order the
# weights are still there, and you try again tomorrow.

# %% [markdown] slide="Nobody new, drain, archive, dispose: in this order"
# 1. **Nobody new**: who asks is told `410 Gone`, and whom to ask instead
# 2. **Drain**: answers under way come to their end
# 3. **Archive**: its card is kept
# 4. **Dispose**: the weights go
#
# Notes: Somebody's program asks for it by name tonight, an answer is half written, and next year
# somebody wants to know what it was that answered in November. With 404 people would look for the
# mistake on their side. What is lost if the last two change places, and the disk is full? Then
# nobody will ever know what it was. In the right order the weights are still there, and you try
# again tomorrow.

# %% [markdown] contract="retire"
# Two functions on a dictionary `models`, from versions to what there is of them. One in service is
# `{"status": "serving", "card": "A model ...", "weights": [...]}`.
#
# `respond(models, version)` returns what somebody gets who asks for a version, a code and a version: `(200, version)` if
# its status is `"serving"`; `(404, None)` if there is no such version; and for one that is `"draining"` or `"retired"`
# `(410, successor)`. If the successor is not serving either, its own successor takes its place, and so on, until one
# serves.
#
# `retire(models, version, successor, reason, drain, keep)` takes a version out of service, in this order:
#
# 1. It raises a `ValueError`, and changes nothing, if the version is not there or is retired already, or if the
#    successor is not *another* version that is serving. One that is `"draining"` may be retired again.
# 2. `"status"` becomes `"draining"`, and `"successor"` the successor.
# 3. `drain(version)` waits, and returns how many answers are still under way. If there are any, `retire` returns `False`.
# 4. What is to be kept is one string, the JSON of a dictionary of `"version"`, `"successor"`, `"reason"` and `"card"`:
#    call `keep(digest, text)`: `text` is that string, `digest` the SHA-256 of it in UTF-8, as hexadecimal digits. If that
#    raises, the error goes through, and the version is draining as before.
# 5. `"status"` becomes `"retired"`, `"archive"` that digest, `"weights"` is deleted, and `retire` returns `True`.
#
# For example, `respond({"v1": {"status": "retired", "successor": "v2"}, "v2": {"status": "serving"}}, "v1")` is
# `(410, "v2")`.


# %% exercise="retire" minutes=25 level=3
def respond(models, version):
    """Return the code, and the version that answers or is to be asked."""
    ### BEGIN SOLUTION
    if version not in models:
        return 404, None
    if models[version]["status"] == "serving":
        return 200, version
    while models[version]["status"] != "serving":
        version = models[version]["successor"]
    return 410, version
    ### END SOLUTION


def retire(models, version, successor, reason, drain, keep):
    """Take a version out of service; return whether it is over."""
    ### BEGIN SOLUTION
    if version not in models or models[version]["status"] == "retired":
        raise ValueError(f"{version} is not there to be retired")
    if successor == version or respond(models, successor)[0] != 200:
        raise ValueError(f"{successor} cannot take the place of {version}")
    model = models[version]
    model["status"], model["successor"] = "draining", successor
    if drain(version) > 0:
        return False
    content = json.dumps(
        {"version": version, "successor": successor, "reason": reason, "card": model["card"]}
    )
    name = hashlib.sha256(content.encode()).hexdigest()
    keep(name, content)
    del model["weights"]
    model["status"], model["archive"] = "retired", name
    return True
    ### END SOLUTION


# %% check="retire" tags=["nbval-check-output"]
check("retire")

# %% [markdown] fold="Hint 1: follow the pointer"
# A `while` loop: as long as what you have is not serving, take its successor in its place.

# %% [markdown] fold="Hint 2: look before you change"
# All reasons for a `ValueError` come first. `respond(models, successor)[0] != 200` says in one line that the successor is
# not there, draining or retired.

# %% [markdown]
# Now the same with the platform: somebody who called himself Anton gets a key, asks a few things, and wants to be
# forgotten. Then the older one of the two models ends.

# %% tags=["demo"]
if drift:
    from contextlib import closing

    from lmops.service.keys import Keys

    with closing(Keys(home.keys)) as keys:
        added, _ = keys.add("anton", ["complete"], 90)
    key = added.id
    write_log(["The fox went home. "] * 3, key, 2)
    lmops("erase", "anton", "--by", "stewart", lines=6)

# %% tags=["demo"]
if drift:
    lmops(
        "retire", older.version, "--reason", "a better one took its place", "--by", "bob", lines=4
    )
    print("kept of it:", *(path.name[:16] + "..." for path in home.archive.iterdir()))
    print("its weights:", (home.models / older.version / "model.safetensors").exists())

# %% [markdown]
# Last of all the audit: is every line a link of the chain, does every line keep the rules, is every bundle what the ledger
# says, are the retired ones gone, and does nobody reappear who was erased? With `--html` it writes a page that stands alone,
# of who did what to which version.

# %% tags=["demo"]
if drift:
    lmops("audit", "--html", "audit.html", lines=3, smoke=False)
    for entry in Ledger(home.ledger).entries()[-6:]:
        alias = entry.details.get("alias", "")
        print(f"{entry.number:3}  {entry.by:8}  {entry.event:8}  {entry.version or ''}  {alias}")

# %% [markdown]
# ## Who watches the pipeline?
#
# The lesson ends with a model that watches the machinery of all others. Your pipeline of lesson 13 runs some hundred times a
# week; many runs fail, after half an hour. Could one have known at the start? Each run has a few **features**, known before it
# begins: how many files and lines were changed, the hour, whether tests were touched, whether the run before it failed.
#
# The oldest model for a yes or no is **logistic regression** (Cox, 1958): a weight for each feature, an intercept, and a
# sigmoid. It is a neural net of one neuron, and you train it as you did in lesson 03.
#
# **Predict first.** The table of past runs has the length of each log as well. With it, the prediction is right 99 times in
# 100. What is wrong?

# %% [markdown] fold="Answer"
# A run that fails writes a long log, *after* it has failed. When you want to know, there is no log yet. This is a **leak** of
# the future, as in lesson 05, and it is the most frequent mistake in such models (Kapoor and Narayanan, 2023). There is
# another one, harder to see: a run that began before now, and has not ended, has no outcome *yet*. In the table that you look
# at a week later it has one.

# %%
FEATURES = ("files", "lines", "hour", "tests", "failed_before")

# %% [markdown] contract="predict_failures"
# `predict_failures(runs, fresh, now)` returns for each fresh run the probability that it fails, a list (or array) of floats
# above 0 and below 1.
#
# - `runs` is a list of dictionaries: the five `FEATURES` as whole numbers, `"start"` and `"end"` in minutes, `"log_lines"`, and
#   `"failed"`. Up to a thousand of them, in any order.
# - `fresh` is a list of runs that begin at or after `now`: the five `FEATURES`, and `"start"`.
#
# Learn from the runs whose end is at most `now`, and from their `FEATURES` alone. The same question gets the same answer (seed
# what you draw). A fresh run gets the same answer whatever other
# fresh runs stand beside it. If no run is over, all answers are 0.5; one that is over is enough to learn from.
#
# The judge draws the runs from a logistic regression of its own, and compares with the true probabilities, in nats per run: you
# should be at most half as far from them as who says the share of failures for each, and at most 0.03 nats.
#
# `lines` go up to 3,000 and `tests` to 1: bring the features to one size first. numpy alone, in a second or two.


# %% exercise="predict_failures" minutes=30 level=3
def predict_failures(runs, fresh, now):
    """Return the probability of failing for each fresh run, by what was known at `now`."""
    ### BEGIN SOLUTION
    known = [run for run in runs if run["end"] <= now]
    if not known:
        return [0.5] * len(fresh)

    def table(some):
        return np.array([[run[name] for name in FEATURES] for run in some], dtype=float)

    x, y = table(known), np.array([run["failed"] for run in known], dtype=float)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = (x - mean) / spread
    w, b = np.zeros(len(FEATURES)), 0.0
    for _ in range(500):
        off = 1 / (1 + np.exp(-(x @ w + b))) - y
        w -= 0.5 * (x.T @ off) / len(y)
        b -= 0.5 * off.mean()
    likely = 1 / (1 + np.exp(-((table(fresh) - mean) / spread @ w + b)))
    return np.clip(likely, 1e-6, 1 - 1e-6).tolist()
    ### END SOLUTION


# %% check="predict_failures" tags=["nbval-check-output"]
check("predict_failures")

# %% [markdown] fold="Hint 1: the gradient"
# With `p = sigmoid(x @ w + b)` and the cross-entropy as loss, the gradient is `x.T @ (p - y) / n` for `w`, and `(p - y).mean()` for
# `b`.

# %% [markdown] fold="Hint 2: one size"
# `mean` and `spread` over the *known* runs; `(x - mean) / spread` for these and for the fresh ones alike. A thousand steps at a
# rate of 0.5 are then plenty. Where all known runs are the same in a feature, its spread is 0: add `1e-9`. With few runs the
# sigmoid may be rounded to exactly 0 or 1: `np.clip(p, 1e-6, 1 - 1e-6)`.

# %% [markdown]
# Is it of any use? Draw a team of your own, and look: are runs that it calls risky really the ones that fail?

# %% tags=["demo"]
if check.ready("predict_failures"):
    dice = np.random.default_rng(4)

    def drawn_runs(count, first):
        """Draw runs of a team, and how likely each one is to fail."""
        files, hour = dice.integers(1, 61, count), dice.integers(7, 23, count)
        tests, before = dice.integers(0, 2, count), dice.integers(0, 2, count)
        lines = files * 20 + dice.integers(0, 800, count)
        likely = 1 / (
            1 + np.exp(-(files / 12 + before * 1.6 - tests * 1.2 + (hour - 14) / 4 - 3.5))
        )
        failed = dice.random(count) < likely
        columns = zip(files, lines, hour, tests, before, strict=True)
        return [
            dict(zip(FEATURES, map(int, row), strict=True))
            | {"start": first + 20 * at, "end": first + 20 * at + 15, "failed": bool(failed[at])}
            for at, row in enumerate(columns)
        ]

    past, coming = drawn_runs(800, 0), drawn_runs(600, 20_000)
    said = np.array(predict_failures(past, coming, 20_000))
    came = np.array([run["failed"] for run in coming])
    with plots.drawing(4.6, 3.4) as (picture, axes):
        groups = np.array_split(np.argsort(said), 8)
        at = [said[ids].mean() for ids in groups]
        share = [came[ids].mean() for ids in groups]
        axes.plot([0, 1], [0, 1], color=plots.GREY, linestyle=":")
        axes.plot(at, share, marker="o", color=plots.HIGHLIGHT)
        axes.set(xlabel="probability that was said", ylabel="share that failed")
    picture.alt = "Share of runs that failed by what was said: " + ", ".join(
        f"{one:.2f} said, {other:.2f} failed" for one, other in zip(at, share, strict=True)
    )
    display(picture)
    risky = np.argsort(-said)[: len(said) // 5]
    print(f"the fifth that looks worst has {came[risky].sum() / came.sum():.0%} of all failures")

# %% [markdown] slide="Calibrated: 0.3 means three in ten" picture="above"
# Known before a run begins: files, lines, hour, tests, the run before it. Never its log.
#
# Notes: A run that fails writes a long log, after it has failed. With the log's length the
# prediction would be right 99 times in 100, and of no use: a leak of the future. The model is
# logistic regression, a net of one neuron. Run the tests of risky runs first, but skip none.

# %% [markdown]
# *The picture: runs in eight groups, by what was said of them. On the dotted line the word is kept: of runs to which 0.3 was
# said, three in ten fail. That is **calibrated**.*
#
# What do you do with it? Not skip the tests: a run that is likely to pass is not one that passed. Run the tests of the risky
# ones first, or ask for a second look. And watch this model as you watch the other one: the team learns from it, writes
# smaller changes, and its world has changed.
#
# ### The six parts of MLOps
#
# All that you did since eight o'clock has a name, **MLOps**: what one does to models so that they work on the next day, too.
# Nearly every guide lists its parts, and no two lists are alike. Amazon's, for one, has versions, automation, four things that
# go on all the time, and governance. Automation is how the others are done; so six are left:
#
# | part | asks | you wrote |
# |---|---|---|
# | **versions** of code, data, models | which one is it, and of what was it made? | `content_version`, `lineage` (11) |
# | **continuous integration** | is this change sound? | `check_data`, `model_problems` (10), `PIPELINE` (13) |
# | **continuous delivery** | how does it get out, and back? | `DOCKERFILE`, `plan` (13), `canary_decision` (14) |
# | **continuous training** | when is a new one made? | `should_retrain` |
# | **continuous monitoring** | how does it do, and has its world changed? | `should_fire` (14), `drift_detector` |
# | **governance** | who may, who did, and for whom is it wrong? | `gate` (10), `append` (11), `may`, `audit`, `erase`, `retire` |
#
# Where one is missing, the others help little. A model that is watched, and that nobody can bring back, only worries you sooner.
#
# ## Where are we?
#
# It is past six. The day is whole.

# %% tags=["demo"]
display(timeline.until("15_live_and_retire"))

# %% [markdown] slide="Past six: the day is whole" picture="above"
# Versions, integration, delivery, training, monitoring, governance: all of it is **MLOps**. Where
# one is missing, the others help little.
#
# Notes: Go through the six parts, and name for each what you wrote for it. A model that is watched,
# and that nobody can bring back, only worries you sooner. What is left is the project: you put your
# own model into a pipeline of your own.

# %% [markdown] contract="quiz"
# Five questions. Give each answer as one small letter, in quotes (`b` without them is a name, and there is none), such as `answer_1 = "a"`.
#
# 1. Users ask what they always asked, and want other answers than last year. You notice it by
#    - (a) the bigrams' loss on the prompts
#    - (b) feedback on the answers
#    - (c) the model's loss on the prompts
# 2. A detector with a rate of 0.01 looks every hour. In a quiet week there are
#    - (a) one or two alarms
#    - (b) no alarms
#    - (c) a hundred alarms
# 3. A person was erased from log and training data. A model that learnt from them
#    - (a) has forgotten them as well
#    - (b) forgets them at its next start
#    - (c) has to be trained again, and then retired
# 4. The new model is better on average. Users of one language are served worse than before
#    - (a) it is better, so it goes out
#    - (b) only the slices show that; somebody has to decide it, and write down why
#    - (c) that cannot be
# 5. The model writes, in good English, that a certain person robbed a bank
#    - (a) it must have read that
#    - (b) its loss would have been high, so one would know
#    - (c) it writes what is likely, not what is true

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "a"
answer_3 = "c"
answer_4 = "b"
answer_5 = "c"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - The reference is a sample as well. Deal both anew, and an alarm is as rare as you promised.
# - Data drift is in the questions; concept drift only in what people say of the answers.
# - Train again by cadence and by trigger, held back by cooldown and budget. What comes out is a challenger.
# - Feedback belongs to one answer, of one version, by who asked, in time.
# - A right belongs to a role, and a role ends. Two people stand behind what goes out.
# - An audit reads what was done, and believes nobody.
# - A person is in the log, the feedback, the cache, the training data, and in models. Weights are trained again.
# - Nobody new, drain, archive, dispose; and `410` with a pointer.
# - A prediction may use what was known when it was made, and nothing else.
#
# **Next**: the project. You put your own model into a pipeline of your own, with what you wrote in these six lessons:
# `lmops new-project` writes the folder.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy, monitor, update, feed
# back) this was *monitor*, *update* and *feed back*, and the end that the list leaves out.
#
# ### References
#
# - J. Gama and others (2014). A Survey on Concept Drift Adaptation. *ACM Computing Surveys* 46(4).
# - R. A. Fisher (1935). *The Design of Experiments*. E. J. G. Pitman (1937). Significance Tests Which May Be Applied to
#   Samples from Any Populations. *Supplement to the Journal of the Royal Statistical Society* 4(1).
# - E. B. Wilson (1927). Probable Inference, the Law of Succession, and Statistical Inference. *Journal of the American
#   Statistical Association* 22(158).
# - B. Phipson, G. K. Smyth (2010). Permutation P-values Should Never Be Zero. *Statistical Applications in Genetics and
#   Molecular Biology* 9(1).
# - R. S. Sandhu and others (1996). Role-Based Access Control Models. *Computer* 29(2).
# - L. Bourtoule and others (2021). Machine Unlearning. *IEEE Symposium on Security and Privacy*.
# - M. Sharma and others (2024). Towards Understanding Sycophancy in Language Models. *ICLR*.
# - S. Kapoor, A. Narayanan (2023). Leakage and the Reproducibility Crisis in Machine-Learning-Based Science. *Patterns* 4(9).
# - D. R. Cox (1958). The Regression Analysis of Binary Sequences. *Journal of the Royal Statistical Society B* 20(2).
# - Regulation (EU) 2016/679 (General Data Protection Regulation), articles 5, 15 and 17. Regulation (EU) 2024/1689
#   (Artificial Intelligence Act), articles 11, 12, 14 and 50.
# - Amazon Web Services. What is MLOps? aws.amazon.com/what-is/mlops

# %%
check.summary()
