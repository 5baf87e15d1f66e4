# %% [markdown] lesson="05_attention" title="Looking back" minutes=135 laptop_minutes=3 gpu_minutes=2
# The net of lesson 04 sees nine characters and forgets all that came before. In this lesson it
# learns to look back as far as it likes, and to choose for itself where to look. This is called
# *attention*. In a large language model most of the parameters stand elsewhere, in layers like the
# MLP's, but nothing gets from one position of the text to another without attention.
#
# After this lesson you can
#
# - **mix** the whole past of a text into each position, with one matrix product,
# - **compute** attention: queries, keys and values, and the square root that they need,
# - **build** a head, the part of a model that attends,
# - **test** whether a model peeks into the future,
# - **measure** what looking back is worth, where in a story, and see what is looked at.
#
# You need lesson 00 (softmax, broadcasting), lesson 03 (what `@` does) and lesson 04 (the net, and
# why a sum of many products is divided by a square root).

# %% tags=["setup"]
import math
import random
import re
import sys
import time
from collections import Counter

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from torch import nn
from torch.nn.functional import cross_entropy  # yours of lesson 03, written in C++
from tqdm import trange

from lmcourse import check, corpus, device, play, plots, rungs, table

check.lesson("05_attention")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="build_vocab encode split sgd_step embed_context mlp_forward kaiming_init lr_schedule train_step evaluate_loss"

# %% [markdown]
# These are your functions from the lessons before. The next cell makes the same text as there.
#
# (As before: a cell that draws a picture is often long. You may run it without reading its code.)

# %% tags=["demo", "nbval-check-output"]
stories = corpus.split_stories(corpus.load("shakespeare" if preset == "gpu" else "fables"))
if preset == "smoke":
    stories = stories[:300]
train, validation = split(stories)
train_text, validation_text = corpus.join(train), corpus.join(validation)
chars = build_vocab(train_text + validation_text)
V = len(chars)
where = device() if preset == "gpu" else torch.device("cpu")  # which chip computes
train_ids = encode(train_text, chars).to(where)
validation_ids = encode(validation_text, chars).to(where)
is_fables = corpus.log_prob(validation[0]) > -math.inf
print(f"V = {V} characters, {len(train_ids):,} of them to learn from")

# %% [markdown]
# ## How far back is the answer?
#
# Read a fable (or, with the preset `gpu`, a piece of Shakespeare). Some words in it stood there
# before, and they are rare in other fables: a name, a thing, a day. Here they are in brackets, if
# they come back after 64 characters or more.

# %% tags=["demo", "nbval-check-output"]
# Whole fables to look at. (Shakespeare has no fables, so there we take pieces of 600 characters.)
passages = validation
if not is_fables:
    passages = [validation_text[i : i + 600] for i in range(0, len(validation_text) - 600, 600)]


def words_of(text):
    """Return each word of `text`, in small letters, with the position where it begins."""
    return [(found.group().lower(), found.start()) for found in re.finditer(r"\w+", text)]


frequent = Counter(word for story in train for word in {word for word, _ in words_of(story)})


def words_that_come_back(text, far=64):
    """Return (begin, end, distance) of each rare word that stood in `text` before, `far` back."""
    found, latest = [], {}
    for word, begin in words_of(text):
        distance = begin - latest.get(word, begin)
        if distance >= far and frequent[word] < len(train) / 10:
            found.append((begin, begin + len(word), distance))
        latest[word] = begin
    return found


shown = random.Random(4).choice(passages)
for begin, end, _ in reversed(words_that_come_back(shown)):
    shown = f"{shown[:begin]}[{shown[begin:end]}]{shown[end:]}"
print(shown)

# %% [markdown]
# **Predict first.** You are about to write one of these words. How many characters back does it
# stand, in the middle case? And how much of the text are these words?

# %% tags=["demo"]
returns = [word for text in passages for word in words_that_come_back(text)]
distances = sorted(distance for _, _, distance in returns)
figure, axes = plt.subplots(figsize=(7, 3))
axes.hist(distances, bins=range(0, 660, 20), color="#0072b2")
axes.axvline(9, color="#d55e00", linestyle="--", label="the 9 characters that the MLP sees")
axes.set(xlabel="characters since the word stood there last", ylabel="words")
axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
plots.show()

# %% [markdown] slide="What comes back stands far behind" picture="above"
# Rare words of a fable: half come back after **221** characters or more.
#
# Notes: Names, places and numbers are drawn near the start and come back lines later. The dashed
# line is as far as the net of lesson 04 sees, so it misses all of them. A longer context would not
# do: with rows for each place, what it learnt about a name 300 back is of no use for one 301 back.

# %% tags=["demo", "nbval-check-output"]
letters = sum(end - begin for begin, end, _ in returns)
print(f"{len(returns):,} words come back, half of them after", end=" ")
print(f"{distances[len(distances) // 2]} characters or more, at most {distances[-1]}")
print(f"they are {letters / sum(map(len, passages)):.0%} of all characters")
if is_fables:
    least = corpus.memory_value(9)
    print(f"who sees only 9 characters loses at least {least:.3f} nats per character by it")

# %% [markdown]
# *The picture: how far back these words stood last. The dashed line on the left is as far as the
# MLP sees.* We counted words from 64 characters back on, so it sees none of them; many are several
# times as far away. (What is lost with 9 characters is computed from the grammar that wrote the
# fables, as in lesson 01. Of Shakespeare nobody knows it.)
#
# Why not give the MLP a longer context? With 500 characters, `W1` would have to grow from 288 rows
# to 16,000. And it has rows of its own for each position: what it learnt about a name 300 characters
# back would be of no use for a name 301 back. We need something that does the same at every
# distance.

# %% [markdown]
# ## What is the simplest way to take in all of the past?
#
# Take the mean. However long the past is, its mean is one row of numbers, and no distance needs
# weights of its own.
#
# From here on we work on all **positions** of a text at once: where its characters stand, counted
# from 0. A tensor `x` of shape `(B, T, C)` holds `B` texts, each with `T` positions, and at each
# position a row of `C` numbers, the channels. Nothing from one text may get into another.

# %% tags=["demo", "nbval-check-output"]
x = torch.tensor([[[2.0, 0.0], [4.0, 6.0], [6.0, 0.0]]])  # (1, 3, 2): one text, three positions
for t in range(3):
    print(f"position {t}: the mean of positions 0 to {t} is", x[0, : t + 1].mean(dim=0).tolist())

# %% [markdown]
# Now the same without a loop. A mean is a sum with weights: the mean of three rows takes a third of
# each. So write down, for each position, how much it takes of each position, one row of weights for
# each position. The matrix product does the rest: "take one row on the left, weigh the rows on the
# right by its numbers, and add them up".

# %% tags=["demo", "nbval-check-output"]
weights = torch.tensor([[1, 0, 0], [1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]])
print(weights @ x)  # (3, 3) @ (1, 3, 2) = (1, 3, 2): the same weights for each text

# %% [markdown] slide="The mean of the past is one matrix product"
# ```python
# weights = torch.tensor([[1, 0, 0], [1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]])
# print(weights @ x)
# ```
#
# Row: who looks. Column: who is looked at. Each row sums to 1.
#
# Notes: The zeros on the upper right say that no place takes anything from the future: the model
# has to predict the character at place t + 1 from what it knows at place t. All of attention is
# such a table. Only the numbers in it will get better.

# %% [markdown]
# Look at those weights for a while. Row `t` belongs to the position that looks, column `s` to the
# position that is looked at. Each row sums to 1. On the upper right there are zeros: **no position
# takes anything from the future.** For the model will have to predict the character at position
# `t + 1` from what it knows at position `t`. If it could look there, there would be nothing to
# predict.
#
# All of attention is such a table. Only the numbers in it will get better.
#
# First the zeros. Which positions may be looked at is said by a table of `True` and `False`, a
# **mask**. These tools help:

# %% tags=["demo", "nbval-check-output"]
print(torch.arange(6).reshape(2, 3).tril())  # keeps the lower left, up to the diagonal
print(torch.ones(2, 3, dtype=torch.bool))  # in a table of kind bool, 1 is True
print(torch.arange(3)[:, None] - torch.arange(4))  # (3, 1) and (4,): row number minus column number

# %% [markdown] contract="causal_mask"
# `causal_mask(T)` returns a bool tensor of shape `(T, T)`. Row `t`, column `s` is `True` where
# position `t` may look at position `s`: at itself and at every position before it, so where `s` is
# at most `t`. `T` may be as large as a text: this lesson asks for 1,024 positions, too.
#
# For example, `causal_mask(3)` is
#
# ```
# [[True,  False, False],
#  [True,  True,  False],
#  [True,  True,  True ]]
# ```


# %% exercise="causal_mask" minutes=4 level=1
def causal_mask(T):
    """Return a (T, T) bool tensor, True where position t (row) may look at position s (column)."""
    ### BEGIN SOLUTION
    return torch.ones(T, T, dtype=torch.bool).tril()
    ### END SOLUTION


# %% check="causal_mask" tags=["nbval-check-output"]
check("causal_mask")

# %% [markdown] fold="Hint"
# Two of the lines above together: a `(T, T)` table full of `True`, of which `.tril()` keeps the
# lower left. Or compare: the row number `torch.arange(T)[:, None]` is to be at least the column
# number `torch.arange(T)`.

# %% [markdown]
# From a mask to weights it is not far. `mask.float()` makes 1 of `True` and 0 of `False`. Then each
# row has to sum to 1, and you have done that before, with counts: in `normalise` of lesson 02.

# %% [markdown] contract="masked_mean"
# `masked_mean(x)` takes a float tensor of shape `(B, T, C)` and returns a new one of the same shape;
# `x` stays as it is. At position `t` of each text stands the mean of the rows at positions 0 to `t`,
# position `t` included.
#
# One matrix product does it: weights of shape `(T, T)`, made from your `causal_mask`, times `x`.
# (`mean` and `cumsum` are refused here, also within a function that yours calls, since they hide the
# weights.)
#
# For example, `x = [[[2.], [4.], [9.]]]`, of shape `(1, 3, 1)`, becomes `[[[2.], [3.], [5.]]]`.


# %% exercise="masked_mean" minutes=8 level=2
def masked_mean(x):
    """Return the mean of all rows up to each position: (B, T, C) gives (B, T, C)."""
    ### BEGIN SOLUTION
    may_look = causal_mask(x.shape[1]).float()  # (T, T)
    weights = may_look / may_look.sum(dim=1, keepdim=True)  # row t: 1 / (t + 1), then zeros
    return weights @ x
    ### END SOLUTION


# %% check="masked_mean" tags=["nbval-check-output"]
check("masked_mean")

# %% [markdown] fold="Hint 1: the weights"
# `T` is `x.shape[1]`. `causal_mask(T).float()` has the zeros in the right places already. Divide
# each row by its own sum: `.sum(dim=1, keepdim=True)`.

# %% [markdown] fold="Hint 2: the product"
# `weights @ x`, in this order: a row of weights on the left, the rows of `x` on the right. Torch
# repeats the weights for each of the `B` texts.

# %% [markdown]
# One can even see the weights. If the rows of `x` are one-hot, then what comes out at each position
# *is* its row of weights. (`torch.eye(T)` has the one-hot rows of all `T` positions below each
# other.)

# %% tags=["demo"]
if check.ready("causal_mask", "masked_mean"):
    text = "A fox\nsaid"
    means = masked_mean(torch.eye(len(text))[None])[0]  # (T, T)
    display(plots.attention_map(means, text, text))

# %% [markdown] slide="A mean holds everything, and nothing can be found" picture="above"
# Each row spreads the same amount over its past.
#
# Notes: At position 300, the first letter of a name is one part in 301, like all other letters. And a
# mean does not know the order: the same letters shuffled give the same mean. So who should decide
# where to look? The text itself.

# %% [markdown]
# *The picture: one row for each position that looks, one column for each position that is looked at.
# Each row spreads the same amount over its past, so the rows get paler downwards.*
#
# **Predict first.** In a fable, a name stands at positions 30 to 35. You are at position 300, and it
# comes back. How much of your mean comes from its first letter? Could you read the name out of it?

# %% [markdown] fold="Answer"
# One part in 301, like all other letters. And a mean does not know in which order things stood: a
# story with the same letters shuffled has the same mean. Everything is in it, and nothing can be
# found again.

# %% [markdown]
# ## Who should decide where to look?
#
# The text itself. A position that has just read `called R` should look at other positions than one
# that has just read `at 7:4`. So let each position *ask*, and let each position *answer*:
#
# - Each position sends out a **query**: a row of `d` numbers that says what it is looking for. "I
#   have just read `R`."
# - Each position puts up a **key**: a row of `d` numbers that says what can be found there. "The one
#   before me was `R`."
# - Each position holds a **value**: a row of `e` numbers to take away. "Here stands an `o`."
#
# How well a query fits a key is said by one number, the **score**. Multiply the numbers of the two
# rows, place by place, and add up: the *dot product*. It is large if both are large in the same
# places, and negative if they point in opposite directions.
#
# Softmax makes weights of the scores, and with these weights the values are added up.
#
# **Predict first.** One position asks, three positions answer. Which of the values 10, 20 and 30
# will the result be close to?

# %% [markdown] slide="Each place asks, and each place answers"
# - **query**: "I have just read `R`."
# - **key**: "The one before me was `R`."
# - **value**: "Here stands an `o`."
#
# Notes: How well a query fits a key is one number, the dot product: the score. Softmax makes
# weights of the scores, and with these the values are added up. It is like a dictionary whose keys
# need not be equal but may be alike. Bahdanau and others, 2014; Vaswani and others, 2017.

# %% tags=["demo", "nbval-check-output"]
query = torch.tensor([[2.0, 0.0]])  # (1, 2): one position asks
key = torch.tensor([[0.0, 3.0], [2.0, 0.0], [-2.0, 0.0]])  # (3, 2): three answer
value = torch.tensor([[10.0], [20.0], [30.0]])  # (3, 1): and have something to give
scores = query @ key.T  # (1, 2) @ (2, 3): each query with each key
weights = torch.softmax(scores, dim=-1)  # yours of lesson 00, written in C++
print("scores ", scores)
print("weights", weights.round(decimals=3))
print("result ", (weights @ value).round(decimals=2))

# %% [markdown] slide="The keys that fit decide what comes out"
# ```python
# query = torch.tensor([[2.0, 0.0]])
# key = torch.tensor([[0.0, 3.0], [2.0, 0.0], [-2.0, 0.0]])
# value = torch.tensor([[10.0], [20.0], [30.0]])
# scores = query @ key.T
# weights = torch.softmax(scores, dim=-1)
# ```
#
# Close to which value?
#
# Notes: The scores are 0, 4 and minus 4, and the result is 19.82. The second key points where the
# query points. The third one points the other way and is as good as gone. Everything is smooth, so
# training can move all three.

# %% [markdown]
# The second key points where the query points, so the result is close to its value, 20. The third
# one points the other way and is as good as gone.
#
# A Python dictionary does something similar: you give a key, and get the value that is stored under
# it. But there the keys must be equal, and here they may be alike. You get a mixture of all values,
# mostly of those whose keys fit. This idea comes from Dzmitry Bahdanau and colleagues (2014), who
# let a translating net look back at the sentence that it translates. In 2017 Ashish Vaswani and
# colleagues built a model of little else and called the article *Attention Is All You Need*.
#
# **And with whole batches?** `key.T` turns a table over. With axes in front, turn over only the
# last two: `.transpose(-2, -1)`. Negative numbers count the axes from the end.

# %% tags=["demo", "nbval-check-output"]
queries, keys = torch.ones(8, 5, 4), torch.ones(8, 3, 4)  # 8 texts, 5 queries, 3 keys, d = 4
print(keys.transpose(-2, -1).shape)
print((queries @ keys.transpose(-2, -1)).shape)  # for each text a table: 5 queries, 3 keys
print(torch.softmax(queries @ keys.transpose(-2, -1), dim=-1).sum(dim=-1).shape)  # all are 1

# %% [markdown]
# `dim=-1` means: over the last axis, that is over the keys. Each query shares out its attention
# among the keys, so each *row* has to sum to 1.

# %% [markdown]
# ## Why divide by a square root?
#
# One more thing has to be done to the scores. A score is a sum of `d` products. Say the numbers of
# queries and keys have a standard deviation of 1, as good nets keep them.
#
# **Predict first.** What is the standard deviation of a score for `d = 1`, `d = 16`, `d = 256`?
# (Lesson 04 knew.) And what does softmax make of scores that lie so far apart?

# %% tags=["demo"]
torch.manual_seed(16)
sizes = (1, 16, 256)
figure, all_axes = plt.subplots(2, 3, figsize=(9, 4.4), sharex=True, sharey=True)
for column, d in enumerate(sizes):
    q, k = torch.randn(1, d), torch.randn(12, d)  # one query, twelve keys
    scores = (q @ k.T)[0]  # (12,)
    for row, (name, used) in enumerate(
        {"as they are": scores, "divided by √d": scores / math.sqrt(d)}.items()
    ):
        axes = all_axes[row, column]
        axes.bar(range(12), torch.softmax(used, dim=-1), color=("#d55e00", "#0072b2")[row])
        axes.set_title(f"d = {d}, {name}", fontsize=10)
        axes.set_ylim(0, 1)
        axes.set_xticks(range(0, 12, 2))
        if column == 0:
            axes.set_ylabel("weight")
        if row == 1:
            axes.set_xlabel("key")
figure.tight_layout()
plots.show()

# %% [markdown] slide="Divide by the square root" picture="above"
# A sum of $d$ products spreads by $\sqrt{d}$. Then softmax picks a single position.
#
# Notes: This is lesson 04 again: the variance adds up. With d = 256 the largest weight is 0.93
# before any training, and where softmax is that sure its slope is nearly 0. Divided by the square
# root, it stays low whatever d is.

# %% tags=["demo"]
q, k = torch.randn(2000, 256), torch.randn(2000, 12, 256)  # 2,000 queries with 12 keys each
rows = {}
for d in sizes:
    scores = (k[..., :d] @ q[:, :d, None])[..., 0]  # (2000, 12)
    for name, used in {"as they are": scores, "divided by √d": scores / math.sqrt(d)}.items():
        p = torch.softmax(used, dim=-1)
        rows[f"d = {d:3}, {name}"] = {
            "standard deviation of the scores": used.std().item(),
            "largest weight": p.max(dim=-1).values.mean().item(),
            "slope p (1 - p)": (p * (1 - p)).mean().item(),
        }
table(rows)

# %% [markdown]
# *The picture: twelve random keys share the attention of one random query. Top: the larger `d`, the
# more one key takes it all, by pure chance. Bottom: divided by $\sqrt{d}$, they share it at every
# `d`. One query proves little, so the table takes the mean over 2,000.*
#
# A sum of `d` products has a standard deviation of $\sqrt{d}$. With `d = 256` the scores lie about
# 16 apart, and $e^{16}$ is nine million. One key gets everything before anything has been learnt.
# And it is hard to unlearn: the slope of a weight $p$ with respect to its own score is $p\,(1-p)$,
# the last column, and that is almost 0 when $p$ is close to 0 or to 1. It is the saturated tanh of
# lesson 04 again.
#
# The cure is the one from there: divide by the square root of the number of terms. Not by `d`
# itself: then the scores of `d = 256` would have a standard deviation of 1/16, all weights would be
# nearly alike, and we would be back at the mean.

# %% [markdown]
# ## And the future?
#
# Now the mask comes in again. Here are three positions with equal scores, so that without a mask
# each weight is a third. There are two ways to keep out the future: set *weights* to 0, or set
# *scores* to minus infinity. `masked_fill(mask, number)` writes the number where the mask is `True`,
# and `~mask` turns `True` and `False` round.
#
# **Predict first.** What do the rows sum to, the one way and the other?

# %% tags=["demo", "nbval-check-output"]
may_look = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
scores = torch.zeros(3, 3)
print("weights set to 0:")
print(torch.softmax(scores, dim=-1).masked_fill(~may_look, 0.0))
print("scores set to minus infinity:")
hidden_scores = scores.masked_fill(~may_look, -math.inf)
print(hidden_scores)
print(torch.softmax(hidden_scores, dim=-1))

# %% [markdown] slide="Hide scores, not weights"
# ```python
# print(torch.softmax(scores, dim=-1).masked_fill(~may_look, 0.0))
# hidden_scores = scores.masked_fill(~may_look, -math.inf)
# print(torch.softmax(hidden_scores, dim=-1))
# ```
#
# In the first line the rows no longer sum to 1.
#
# Notes: It is even worse: softmax divides by a sum over all places, so the scores of the future
# still have a say in every weight. With minus infinity what is hidden is gone before the sum is
# taken.

# %% [markdown] fold="Answer"
# The first way leaves a third for position 0, where there should be all. The rows do not sum to 1
# any more. It is even worse: softmax divides by a sum over *all* positions, so the scores of the
# future still have a say in every weight. One can mend it, by dividing each row by what is left of
# its sum: then the sum over all positions cancels. But where a score of the future is a hundred
# above the others, it has got everything, and 0 is left to divide by. The second way needs no
# mending: $e^{-\infty} = 0$, so what is hidden is gone before the sum is taken.

# %% [markdown]
# Everything together, with $Q$ for the queries, $K$ for the keys and $V$ for the values (only here;
# in the code `V` stays the number of characters):
#
# $$\text{attention}(Q, K, V) = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$

# %% [markdown] slide="Attention, in one line"
# $$\text{attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$
#
# Three matrices make queries, keys and values of what stands at a place. Together: a **head**.
#
# Notes: Take the line apart from the inside: scores, square root, mask, softmax, mean of the
# values. Who asks for nothing gets all scores equal, and so the mean of before. Training has to
# find out what to ask for, what to show, and what to give.

# %% [markdown] contract="scaled_dot_product_attention"
# `scaled_dot_product_attention(query, key, value, mask=None)` computes this formula, with a mask if
# there is one.
#
# | | shape | |
# |---|---|---|
# | `query` | `(..., T, d)` | `T` positions that look |
# | `key` | `(..., S, d)` | `S` positions that are looked at |
# | `value` | `(..., S, e)` | what is found there |
# | `mask` | `(T, S)`, bool, or `None` | `True` where row `t` may look at column `s` |
# | returned | `(..., T, e)` | |
#
# - The dots stand for any number of axes in front (none, or `B`, or more). All three tensors have
#   the same ones.
# - Divide the scores by $\sqrt{d}$, where `d` is the length of a query, `query.shape[-1]`.
# - Where the mask is `False`, the weight is 0, and the weights of each query sum to 1 nevertheless.
#   The mask leaves each query at least one key. Without a mask every query looks at all keys.
# - Scores may be as large as several hundred, hidden ones too, and there `exp` overflows.
#   (`torch.softmax` copes.)
# - All that you are given stays as it was.
#
# For example, take one query `[2, 0, 0, 0]`, two keys `[2, 0, 0, 0]` and `[0, 0, 0, 0]`, and the
# values `[10]` and `[20]`. The products are 4 and 0, divided by $\sqrt{4}$ they are 2 and 0.
# Softmax makes 0.881 and 0.119 of them, and the result is `[[11.19]]`. With the mask `[[False,
# True]]` it is `[[20.]]`.
#
# (Torch has a function of this name. It is refused here, but you may use `torch.softmax`.)


# %% exercise="scaled_dot_product_attention" minutes=15 level=3
def scaled_dot_product_attention(query, key, value, mask=None):
    """Return the mixture of values for each query: (..., T, d), (..., S, d), (..., S, e)."""
    ### BEGIN SOLUTION
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, dim=-1) @ value  # (..., T, e)
    ### END SOLUTION


# %% check="scaled_dot_product_attention" tags=["nbval-check-output"]
check("scaled_dot_product_attention")

# %% [markdown] fold="Hint 1: the order"
# Four steps: the scores; the mask, `if mask is not None`; softmax; the product with `value`.
# Nothing comes after that.

# %% [markdown] fold="Hint 2: the scores"
# `query @ key.transpose(-2, -1)` has the shape `(..., T, S)`. Divide by
# `math.sqrt(query.shape[-1])`.

# %% [markdown] fold="Hint 3: the mask"
# `scores.masked_fill(~mask, -math.inf)`, before the softmax. It makes a new tensor, so give that a
# name, or it is thrown away. Then `torch.softmax(scores, dim=-1)`.

# %% [markdown]
# Two tests of your own. The first: does torch's own function give the same? The second: what comes
# out if all queries are 0?
#
# **Predict first** the second. What are the scores then, and what are the weights?

# %% tags=["demo", "nbval-check-output"]
if check.ready("causal_mask", "masked_mean", "scaled_dot_product_attention"):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 6, 4), torch.randn(2, 6, 4), torch.randn(2, 6, 3)
    mine = scaled_dot_product_attention(q, k, v, causal_mask(6))
    torchs = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    print("the same as torch's:", torch.allclose(mine, torchs, atol=1e-5))
    indifferent = scaled_dot_product_attention(torch.zeros(2, 6, 4), k, v, causal_mask(6))
    print(
        "queries of 0 give the masked mean:", torch.allclose(indifferent, masked_mean(v), atol=1e-5)
    )

# %% [markdown]
# Who asks for nothing gets all scores equal, and so the mean. Your `masked_mean` is attention
# without a question.

# %% [markdown]
# ## Where do queries, keys and values come from?
#
# From what stands at the position, by a matrix each. If `x` has a row of `C` numbers for each
# position, then `x @ Wq` are the queries, `x @ Wk` the keys and `x @ Wv` the values, at all
# positions at once. The three matrices are parameters. Training has to find out what to ask for,
# what to show, and what to give. The three together with the formula are called a **head**.

# %% drawing="attention"

# %% [markdown]
# In lesson 04 the parameters stood in a dictionary. With more parts that becomes a mess, so from
# here on we use torch's way: a *class* for each part of a model. You know the pieces from lesson
# 03, where `Value` was a class: `__init__` runs when an object is made, and `self` is the object. A
# part of a model is a `nn.Module`, and this is all there is to it:


# %% tags=["demo", "nbval-check-output"]
class Line(nn.Module):
    """Computes x @ W + b."""

    def __init__(self, channels, outputs):
        super().__init__()  # always first: from here on the Module takes note of its parameters
        self.W = nn.Parameter(torch.ones(channels, outputs))  # a tensor that is to be learnt
        self.b = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ self.W + self.b


line = Line(3, 2)
print([(name, tuple(parameter.shape)) for name, parameter in line.named_parameters()])
print(line(torch.ones(4, 5, 3)).shape)  # calling it runs forward

# %% [markdown]
# For exactly this torch has a ready part, `nn.Linear`. With `bias=False` it has no `b`. Two things
# to know: it draws its own random numbers to begin with, and it keeps its matrix *turned over*.

# %% tags=["demo", "nbval-check-output"]
layer = nn.Linear(3, 2, bias=False)  # 3 numbers go in, 2 come out
print([(name, tuple(parameter.shape)) for name, parameter in layer.named_parameters()])
some = torch.ones(4, 5, 3)
print(layer(some).shape, torch.allclose(layer(some), some @ layer.weight.T))

# %% [markdown] contract="Head"
# `Head(channels, head_size)` is a `nn.Module`, one head of causal attention.
#
# - It has three parts, the attributes `query`, `key` and `value`. Each is a
#   `nn.Linear(channels, head_size, bias=False)`.
# - Called with a float tensor `x` of shape `(B, T, channels)`, it makes queries, keys and values of
#   `x`, and returns your `scaled_dot_product_attention` of them, shape `(B, T, head_size)`.
# - It is causal: use your `causal_mask`, so that each position looks at itself and at positions
#   before it.
# - `T` may be another one with each call, and above 1,000.
# - The gradient of a loss reaches all three weights, and `x`.
#
# For example, `Head(6, 4)` has three weights of shape `(4, 6)`, and makes a `(2, 9, 4)` of a `(2,
# 9, 6)`. With one position only, `T = 1`, there is nothing to choose, and the result is the value of
# `x`.
#
# (A mask has to be on the same chip as what it masks. Write `causal_mask(...).to(x.device)`: on a
# laptop that changes nothing, on a graphics card it moves the mask there.)


# %% exercise="Head" minutes=8 level=3
class Head(nn.Module):
    """One head of causal attention: (B, T, channels) gives (B, T, head_size)."""

    def __init__(self, channels, head_size):
        super().__init__()
        ### BEGIN SOLUTION
        self.query = nn.Linear(channels, head_size, bias=False)
        self.key = nn.Linear(channels, head_size, bias=False)
        self.value = nn.Linear(channels, head_size, bias=False)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        mask = causal_mask(x.shape[1]).to(x.device)
        return scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), mask)
        ### END SOLUTION


# %% check="Head" tags=["nbval-check-output"]
check("Head")

# %% [markdown] fold="Hint 1: the parts"
# In `__init__`, three lines that begin with `self.query =`, `self.key =`, `self.value =`. Behind
# each stands what the contract says. Replace only the line with `raise`, and leave
# `super().__init__()` where it is.

# %% [markdown] fold="Hint 2: forward"
# `self.query(x)` are the queries of all positions, and in the same way you get keys and values. The
# mask is `causal_mask(x.shape[1])`. Pass all four to your `scaled_dot_product_attention`, in its
# order, and return the result.

# %% [markdown]
# ## How do you know that it does not peek?
#
# A bug that attention invites is a *leak*: somewhere, something from the future gets in. Suppose
# that a model can see, at position `t`, the character at position `t + 1`.
#
# **Predict first.** What happens to its loss in training? And to the texts that it writes?

# %% [markdown] fold="Answer"
# The loss becomes wonderful, close to 0, on validation text too. It need only copy. But when it
# writes, there is no future to copy from, and it has learnt nothing else. So a leak does not show
# as something bad. It shows as something too good.

# %% [markdown]
# You could read the code again, but leaks come in many forms. A test is better, and it takes no
# knowledge of the inside at all: **touch the future, and watch the past.** Change `x` from some
# position on. Whatever comes out *before* that position must be what it was.
#
# For that you need to copy a tensor, draw random numbers of the same shape, and compare:

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
x = torch.zeros(1, 4, 2)  # one text, four positions, two channels
changed = x.clone()  # a copy; changed = x would be the same tensor under two names
changed[:, 3:] = torch.randn_like(changed[:, 3:])  # random numbers from position 3 on, all channels
print("something changed:", not torch.equal(x, changed))
print("before position 3 nothing changed:", torch.equal(x[:, :3], changed[:, :3]))
print(0.1 + 0.2 == 0.3, 0.1 + 0.2)
print(torch.allclose(torch.zeros(3), torch.full((3,), 1e-6), atol=1e-4))

# %% [markdown]
# The line before the last is a warning. Computers round, so `0.1 + 0.2` is not exactly `0.3`. A
# large sum may even come out a bit different in its last digit the second time. So ask whether
# numbers are *close*, not whether they are equal: `torch.allclose(a, b, atol=1e-4)` is true if they
# differ by no more than about 0.0001.

# %% [markdown] contract="is_causal"
# `is_causal(function, x)` returns `True` if nothing in the future changes the past, and `False` if
# there is a leak.
#
# - `function` takes a float tensor `(B, T, C)` and returns one of shape `(B, T, D)`, for example a
#   `Head`. It is made for tensors of the shape of `x`, so give it no others.
# - What comes out at position `t` may depend on `x` at positions 0 to `t`. If a change of `x` at a
#   later position changes it, there is a leak.
# - A leak may be anywhere: only from the last position to the first one, only at one position in the
#   middle, only from or to one channel, only in one text. So try **every** position, and compare
#   everything before it.
# - Change `x` to **random** numbers, another one for each text, position and channel. The same
#   number for all channels is not enough: some functions look only at differences between channels.
# - The function may round: differences of up to 0.0001 are no leak, however many there are. A larger
#   one is a leak, if only a single number differs.
# - `x` itself stays as it was.
#
# For example, `is_causal(masked_mean, torch.randn(2, 6, 4))` is `True`. For the mean over all
# positions, `lambda x: x.mean(dim=1, keepdim=True).expand(x.shape)`, it is `False`.


# %% exercise="is_causal" minutes=18 level=4
def is_causal(function, x):
    """Return whether a change of `x` (B, T, C) never changes what comes out before it."""
    ### BEGIN SOLUTION
    before = function(x)
    for t in range(1, x.shape[1]):
        touched = x.clone()
        touched[:, t:] = torch.randn_like(touched[:, t:])
        after = function(touched)
        if not torch.allclose(before[:, :t], after[:, :t], atol=1e-4):
            return False
    return True
    ### END SOLUTION


# %% check="is_causal" tags=["nbval-check-output"]
check("is_causal")

# %% [markdown] fold="Hint 1: the plan"
# Call `function(x)` once and keep the result. Then, for each position `t` from 1 to `T - 1`: make a
# changed copy of `x`, call the function again, and compare the two results before position `t`. As
# soon as they differ, return `False`. Return `True` after the loop, when all positions have been
# tried.

# %% [markdown] fold="Hint 2: the copy"
# The cell above has the two lines: `changed = x.clone()`, and then `changed[:, t:] = ...` with
# random numbers. Make a fresh copy for each `t`.

# %% [markdown] fold="Hint 3: the comparison"
# `torch.allclose(before[:, :t], after[:, :t], atol=1e-4)`: all texts, the positions before `t`, all
# channels. Position `t` itself has been changed, so of course it differs.

# %% [markdown]
# Let it judge some suspects. One of them masks *after* the softmax, by setting weights to 0.
#
# **Predict first.** No weight of the future is left there. Is it causal?

# %% tags=["demo", "nbval-check-output"]
if check.ready("causal_mask", "masked_mean", "scaled_dot_product_attention", "Head", "is_causal"):
    torch.manual_seed(0)
    x = torch.randn(2, 6, 4)

    def mask_too_late(x):
        weights = torch.softmax(x @ x.transpose(-2, -1) / 2, dim=-1)
        return weights.masked_fill(~causal_mask(x.shape[1]), 0.0) @ x

    suspects = {
        "masked_mean": masked_mean,
        "your Head": Head(4, 3),
        "attention without a mask": lambda x: scaled_dot_product_attention(x, x, x),
        "the mask after the softmax": mask_too_late,
        "the position before, everywhere": lambda x: torch.roll(x, 1, dims=1),
    }
    for name, suspect in suspects.items():
        print(f"{name:<32} {'causal' if is_causal(suspect, x) else 'LEAKS'}")

# %% [markdown] slide="A leak does not look bad, it looks too good"
# Touch the **future**, and watch the **past**. What comes out before must stay as it was.
#
# Notes: A model that sees the next character has a wonderful loss, on validation text too, and
# writes nonsense, since there is no future to copy from. Reading the code finds few leaks. This
# test needs no knowledge of the inside. Among its suspects the mask after the softmax leaks, and
# so does roll, at the first place.

# %% [markdown] fold="Why do the last two leak?"
# Softmax divides by a sum over all positions. With the mask after it, the future is still in that
# sum: if a future score grows, all weights of the past shrink. (Divided by its own sum again, each
# row would be right, and this suspect causal.) And `torch.roll` moves everything by one position,
# but what falls out at the end comes in again at the front: position 0 sees the last one. Would you
# have found that by reading?

# %% [markdown]
# Autograd can draw where. Ask, for each position of the result, which positions of `x` it would move
# with: that is a gradient, and it needs no touching.
#
# **Predict first.** Draw it as a table, a row for each position of the result. Where may a causal
# function have anything at all? And which table has a single dark field in the wrong half?


# %% tags=["demo"]
def influence(function, x):
    """Return how much the result at each position moves with `x` at each position: (T, T)."""
    moves = torch.autograd.functional.jacobian(lambda some: function(some)[0].sum(dim=-1), x[:1])
    return moves.abs().sum(dim=(1, 3))  # of (T, 1, T, C)


if check.ready("causal_mask", "masked_mean", "scaled_dot_product_attention", "Head", "is_causal"):
    figure, all_axes = plt.subplots(1, len(suspects), figsize=(13, 3.1), sharey=True)
    for axes, (name, suspect) in zip(all_axes, suspects.items(), strict=True):
        dark = influence(suspect, x) > 1e-6
        axes.imshow(dark, cmap="Blues", vmin=0, vmax=1.3)
        axes.plot([-0.5, 5.5], [-0.5, 5.5], color="#d55e00")  # right of it is the future
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("position of x")
        print(f"{name}: fields right of the diagonal: {int(dark.triu(1).sum())}")
    all_axes[0].set_ylabel("position of the result")
    figure.tight_layout()
    plots.show()

# %% [markdown]
# *The picture: a field is dark where the result at that row moves with `x` at that column. Right of
# the orange diagonal is the future, and whatever is dark there is a leak.* Your test found the same
# by touching, and works for functions, too, through which no gradient can go.

# %% [markdown]
# ## What should a head be given to read?
#
# Now to our fables. Say the text is at `... waffle. R`, and far back stands `a donkey called
# Roland`. A head could help: find the position that came after an `R`, and bring back what stands
# there, an `o`. After the `o` it should find the position that came after `Ro`, and bring back the
# `l`. In this way it can copy a whole name that it has never seen before.
#
# **Predict first.** What must each position know, so that this can work? Look at what the query, the
# key and the value need.

# %% [markdown] fold="Answer"
# The query needs the latest characters: "I have just read `Ro`." The key needs the characters
# *before* its position: "The ones before me were `Ro`." The value needs the character at its
# position, `l`. So each position must know its own character and several before it. With the
# embedding of a single character at each position, a head could not do it.

# %% [markdown]
# Here lesson 04 comes in. Its input was the embeddings of the last 9 characters, side by side. Give
# each position of the text such a row, and call it `x`: `x` at position `t` holds the characters at
# positions `t - 8` to `t`. The query can take out the later ones of them, the key the earlier ones,
# the value the very last one. Three matrices are enough for that.
#
# The net of lesson 04 makes its prediction from `x` at one position alone. With a head, it gets `x`
# and what the head brings, side by side:
#
# ```
#   ids                 (B, T)            all positions of a text at once
#      │  the last n characters at each position, look up, side by side
#   x                   (B, T, n*C) ──────────┐
#      │                                     head: looks back over all positions
#      │                                      │
#   side by side        (B, T, n*C + head_size)
#      │  @ W1 + b1, tanh                     from here on as in lesson 04
#   hidden              (B, T, H)
#      │  @ W2 + b2
#   logits              (B, T, V)             one prediction for each position
# ```
#
# For what the head brings, `W1` needs more rows. They begin as zeros. So at first the net with a
# head says exactly what the net without one says, and whatever difference there is later has come
# from looking back.


# %%
def last_characters(ids, n):
    """Return at each position of `ids` (B, T) the n characters that end there: (B, T, n)."""
    newline = chars.index("\n")  # before the beginning, as in lesson 04
    before = torch.full((len(ids), n - 1), newline, device=ids.device)
    return torch.cat([before, ids], dim=1).unfold(1, n, 1)


class Reader(nn.Module):
    """The net of lesson 04, `mlp`, at every position of a text. With a head, it looks back as well."""

    def __init__(self, mlp, head_size=0, kind=Head):
        super().__init__()
        rows, H = mlp["W1"].shape
        self.n = rows // mlp["embedding"].shape[1]
        self.embedding = nn.Parameter(mlp["embedding"].detach().clone())
        self.head = kind(rows, head_size) if head_size else None
        more_rows = torch.zeros(head_size, H, device=mlp["W1"].device)
        self.W1 = nn.Parameter(torch.cat([mlp["W1"].detach(), more_rows]))
        self.b1 = nn.Parameter(mlp["b1"].detach().clone())
        self.W2 = nn.Parameter(mlp["W2"].detach().clone())
        self.b2 = nn.Parameter(mlp["b2"].detach().clone())

    def positions(self, ids):
        """Return the embeddings of the last n characters at each position: (B, T, n * C)."""
        B, T = ids.shape
        contexts = last_characters(ids, self.n).reshape(B * T, self.n)
        return embed_context(self.embedding, contexts).reshape(B, T, -1)

    def forward(self, ids):
        x = self.positions(ids)
        if self.head is not None:
            x = torch.cat([x, self.head(x)], dim=-1)  # side by side
        return torch.tanh(x @ self.W1 + self.b1) @ self.W2 + self.b2


# %% [markdown] slide="What must each position know?"
# ```python
# x = self.positions(ids)
# if self.head is not None:
#     x = torch.cat([x, self.head(x)], dim=-1)
# return torch.tanh(x @ self.W1 + self.b1) @ self.W2 + self.b2
# ```
#
# The net of lesson 04, and beside it what the head brings.
#
# Notes: To copy a name, the query needs the latest characters, the key those before its own
# position, and the value the one at it. So each position gets a row with its last nine characters. What the
# head brings starts with weights of zero, so whatever difference there is later comes from looking
# back.

# %% [markdown]
# Such a model answers for all `T` positions at once, and position `t` has seen everything from the
# beginning of its window on. So a text is not cut into contexts any more, one for each character,
# but into **windows** of `T` characters, one after the other. Each window is used `T` times over.

# %% [markdown] contract="windows"
# `windows(ids, T)` cuts a text into windows that do not overlap. `ids` is int64 of shape `(N,)`,
# with `N` above `T`. It returns two tensors, `x` and `y`, both int64 of shape `(W, T)`:
#
# - row 0 of `x` holds the first `T` characters, row 1 the next `T`, and so on;
# - `y` holds at each position the character that comes *next* in the text: everything is one to the
#   right.
#
# A window that is not complete, because its `x` or its `y` would reach beyond the text, is left
# out, and with it the rest of the text. All others are there. `ids` stays as it was.
#
# For example, with `ids` from 0 to 7 (`N = 8`) and `T = 3` there are two windows: `x = [[0, 1, 2],
# [3, 4, 5]]` and `y = [[1, 2, 3], [4, 5, 6]]`. With `N = 6` there is only one, since for the second
# one the last target is missing.


# %% exercise="windows" minutes=10 level=2
def windows(ids, T):
    """Return the windows of `ids` (N,) and what comes next at each position: x, y, both (W, T)."""
    ### BEGIN SOLUTION
    W = (len(ids) - 1) // T  # the last character is a target only
    x = ids[: W * T].reshape(W, T)
    y = ids[1 : W * T + 1].reshape(W, T)
    return x, y
    ### END SOLUTION


# %% check="windows" tags=["nbval-check-output"]
check("windows")

# %% [markdown] fold="Hint 1: how many?"
# Each window needs `T` characters, and one more character must stand behind the last one. So
# `W = (len(ids) - 1) // T`, where `//` divides and rounds down.

# %% [markdown] fold="Hint 2: cutting"
# `ids[: W * T].reshape(W, T)` reads the characters in order and begins a new row after every `T`.
# For `y` take a piece of the same length that begins one later.

# %% [markdown]
# ## Does it learn to look back?
#
# One thing first. In large models, heads that copy in this way appear by themselves. Catherine
# Olsson and colleagues (2022) found them in every model that they trained with two layers or more,
# and called them **induction heads**. In models of one layer they found none, for it takes two steps:
# each position must first be told what stands *before* it, which is the work of a layer, and only
# then can another one look for it. Ours has one layer, and gets the first step as a present: each
# position knows its last nine characters. But those models read billions of tokens, and we have a
# minute and a million characters.
#
# So we give a push: we set the rule for matching by hand, as a start. The query is what the position
# has just read. The key is the same, moved by one character: what stood *before* the position. And the
# value is the character at the position itself:
#
# ```
#   a donkey called R o b i n lived there.  . . .  The donkey called R ?
#                     │                                              │
#                     ├ key:   "before me: called R"                 └ query: "just read: called R"
#                     └ value: "o"
# ```
#
# **Predict first.** The numbers in the matrix that makes the query are drawn at random, and the key's
# are the same ones. Nothing was learnt yet. Why should equal characters find each other through that?

# %% [markdown] fold="Answer"
# Because it is *one* matrix for both. A random matrix keeps dot products as they are on average, only
# blurred. So the score is about the dot product of the embeddings themselves, and that is largest where
# they are equal.

# %% [markdown]
# Training may change all of that, and what to make of the value it has to learn from nothing. (Asher
# Trockman and Zico Kolter showed in 2023 how much attention gains from a good start when there is little
# data.)


# %%
def push(head, C):
    """Start `head` so that it looks for positions after the same characters, and brings these."""
    with torch.no_grad():
        rows, head_size = head.query.weight.T.shape
        query = kaiming_init(rows, head_size).T.clone()  # (head_size, n * C), as a Linear keeps it
        query[:, :C] = 0  # the oldest character has no place to move to
        head.query.weight.copy_(query)
        head.key.weight.copy_(query.roll(-C, dims=1))  # all weights one character earlier
        head.value.weight[:, :-C] = 0  # of the value only the latest character
        head.value.weight[:, -C:] = kaiming_init(C, head_size, gain=1).T


# %% [markdown]
# The plan: train the net of lesson 04 once more, as there. Then go on with three models that begin as
# that net, with the same number of steps, the same rates and the same windows:
#
# | | what it sees |
# |---|---|
# | MLP, trained further | its nine characters |
# | one head | all that came before, too |
# | a head that sees its own position only | its nine characters |
#
# Why the third? A head also brings parameters of its own, about half as many again. The third has as
# many. But a single weight is 1 by softmax, so what is left of that head is its value.
#
# **Predict first.** How much of what the head gains will be mere size: nearly all, half, or nearly
# nothing?
#
# For the net itself, here is the loop of lesson 04 again, in short. For the three, each batch has
# windows of 384 characters that begin anywhere in the text, and in place of `sgd_step` we use
# `torch.optim.Adam`: a better sgd, which chooses the length of the step for each number by itself.
# Lesson 07 takes it apart.


# %%
def train_mlp(steps, T=9, C=32, H=512):
    """Return the parameters of lesson 04's net, trained as there: batches of 256 contexts."""
    mlp = {
        "embedding": torch.randn(V, C),
        "W1": kaiming_init(T * C, H),
        "b1": torch.zeros(H),
        "W2": 0.1 * kaiming_init(H, V),
        "b2": torch.zeros(V),
    }
    mlp = {name: tensor.to(where).requires_grad_() for name, tensor in mlp.items()}
    contexts = last_characters(train_ids[None], T)[0]  # (N, T)
    for step in trange(steps, leave=False, mininterval=1, file=sys.stdout):
        rate = lr_schedule(step, steps, peak=2.0, warmup=steps // 20)
        picks = torch.randint(len(train_ids) - 1, (256,), device=where)
        train_step(mlp, contexts[picks], train_ids[picks + 1], rate)
        with torch.no_grad():
            for name in ("W1", "W2"):
                mlp[name] *= 1 - 1e-4 * rate  # weight decay
    return mlp


def train_further(model, steps, batch, T=384, peak=0.002):
    """Train `model` on windows of T characters that begin anywhere in the training text."""
    optimizer = torch.optim.Adam(model.parameters(), lr=peak)
    schedule = torch.optim.lr_scheduler.LambdaLR(  # multiplies the rate by what your schedule says
        optimizer, lambda step: lr_schedule(step, steps, peak=1.0, warmup=steps // 20)
    )
    for _ in trange(steps, leave=False, mininterval=1, file=sys.stdout):
        starts = torch.randint(len(train_ids) - T, (batch, 1), device=where)
        positions = starts + torch.arange(T, device=where)  # (batch, T)
        logits = model(train_ids[positions])  # (batch, T, V)
        loss = cross_entropy(logits.flatten(0, 1), train_ids[positions + 1].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


# %% [markdown]
# How to judge them? A window often begins in the middle of a story, and at its first positions a model
# has not seen what it needs. So judge the second half of each window only, and let the windows overlap:
#
# ```
#   window 1   ........████████                        . only read
#   window 2           ........████████                █ judged
#   window 3                   ........████████
# ```
#
# With windows of 1,024 characters **each prediction has at least 512 characters before it**, for all
# models alike. And each character is judged once, but for the first 513 and a rest at the end, so the
# losses can be compared with those of the lessons before. (These windows are longer than those of the
# training. A head does not mind: none of its weights belongs to a certain position or distance.)


# %%
def evaluate(model, ids, T):
    """Return the loss on the text `ids`: the second halves of windows of T that overlap by half."""
    half = T // 2
    cuts = windows(ids, T), windows(ids[half:], T)
    inputs, targets = (torch.cat(parts) for parts in zip(*cuts, strict=True))  # (W, T) each
    was_training = model.training
    model.eval()
    loss = evaluate_loss(  # about 4,096 characters at a time
        lambda x: model(x)[:, half:], inputs, targets[:, half:], batch=max(1, 4096 // T)
    )
    model.train(was_training)
    return loss


# %% [markdown]
# All of it takes about two minutes; there are four trainings, with a bar for each. (What
# is said below about the results is said of the preset `laptop`. With `smoke` the models have
# hardly begun to learn, and with `gpu` they read another text.)
#
# **Predict first.** Where in a fable will the head help most: at the beginning, in the middle, at
# the end?


# %% tags=["demo"]
class OwnPosition(Head):
    """A head that looks at its own position only, with weight 1."""

    def forward(self, x):
        return self.value(x)


judged_T = 1024
mlp_steps, steps, batch = {
    "smoke": (100, 20, 2),
    "laptop": (10_000, 1200, 2),
    "gpu": (20_000, 5000, 16),
}[preset]
pushed = True  # whether the head gets its push

if check.ready("causal_mask", "scaled_dot_product_attention", "Head", "windows"):
    torch.manual_seed(0)
    mlp = train_mlp(mlp_steps)
    models, speeds = {}, {}
    losses_now = {"MLP": evaluate(Reader(mlp), validation_ids, judged_T)}
    print(f"MLP: {losses_now['MLP']:.3f}")
    for name, head_size in {"MLP, trained further": 0, "one head": 64}.items():
        torch.manual_seed(0)
        model = models[name] = Reader(mlp, head_size).to(where)
        if head_size and pushed:
            push(model.head, C=mlp["embedding"].shape[1])
        torch.manual_seed(1)  # the same windows for both
        train_further(model, steps, batch)
        started = time.perf_counter()
        losses_now[name] = evaluate(model, validation_ids, judged_T)
        read = 2 * len(validation_ids)  # in windows that overlap by half
        speeds[name] = read / (time.perf_counter() - started)
        print(f"{name}: {losses_now[name]:.3f}")
    torch.manual_seed(0)
    blind = Reader(mlp, 64, kind=OwnPosition).to(where)
    if pushed:
        push(blind.head, C=mlp["embedding"].shape[1])
    torch.manual_seed(1)
    train_further(blind, steps, batch)
    blind_loss = evaluate(blind, validation_ids, judged_T)
    print(f"a head that sees its own position only: {blind_loss:.3f}")
    gained = losses_now["MLP, trained further"] - losses_now["one head"]
    by_size = losses_now["MLP, trained further"] - blind_loss
    print(f"gained by the head: {gained:.3f} nats per character, {by_size:.3f} of it by mere size")

# %% [markdown]
# The first line is about what lesson 04 found for this net. The further steps alone made it better,
# so the head has to be compared with the second line. And how much of its gain is size? The fourth line
# tells: a head as large that cannot look back gains next to nothing. The rest, looking back has gained.
#
# But how, and where? For each character of the validation stories, take the loss of both models.
# Then sort the characters in two ways: by their position in the story, and by what they are. The
# first letter of a word that comes back, the second one, and so on; and all the others.


# %% tags=["demo"]
def losses_along(model, text):
    """Return the loss of each character of `text` but the first, in nats: (len(text) - 1,)."""
    ids = encode(text, chars).to(where)
    with torch.no_grad():
        logits = model(ids[None, :-1])[0]  # one text, all positions
    return cross_entropy(logits, ids[1:], reduction="none").cpu()


groups = ["others", "1st letter", "1st, as then", "2nd letter", "3rd letter", "later ones"]
if check.ready("models"):
    kinds = []  # for each character but the first of each story: its place among `groups`
    for text in passages:
        kind = torch.zeros(len(text), dtype=torch.int64)
        for begin, end, distance in words_that_come_back(text):
            kind[begin:end] = torch.arange(2, end - begin + 2).clamp(max=5)
            then = begin - distance  # where the word stood last
            if text[begin - 4 : begin] != text[then - 4 : then]:
                kind[begin] = 1
        kinds.append(kind[1:])
    kinds = torch.cat(kinds)
    positions = torch.cat([torch.arange(1, len(text)) for text in passages])
    along = {
        name: torch.cat([losses_along(model, text) for text in passages])
        for name, model in models.items()
    }
    bins = [k for k in range(0, 640, 64) if (positions // 64 == k // 64).sum() > 1000]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4))
    middle.sharey(left)  # the same scale, so that they can be compared
    for (name, loss), color in zip(along.items(), ("#949494", "#0072b2"), strict=True):
        for axes, wanted in ((left, kinds >= 0), (middle, kinds > 0)):
            curve = [loss[wanted & (positions // 64 == k // 64)].mean() for k in bins]
            axes.plot([k + 32 for k in bins], curve, "o-", color=color, label=name)
    shares = [(kinds[positions // 64 == k // 64] > 0).float().mean() for k in bins]
    right.plot([k + 32 for k in bins], shares, "o-", color="#d55e00")
    left.set_title("all characters", loc="left")
    middle.set_title("words that come back", loc="left")
    right.set_title("how much of the text these are", loc="left")
    for axes in (left, middle, right):
        axes.set_xlabel("position in the story (characters)")
        axes.set_xlim(0, 640)
    for axes in (left, middle):
        axes.set_ylabel("loss (nats per character)")
        axes.legend()
    right.set_ylabel("share of all characters")
    figure.tight_layout()
    plots.show()

# %% [markdown] slide="Where looking back helps" picture="above"
# Nothing at the start of a story. Then at the letters of what comes **back**.
#
# Notes: The two models have the same start, the same steps and the same batches; one has a head.
# Their losses are compared along the story. A head gains 0.025 nats per character, most of it in
# words that stood there before.

# %% [markdown]
# *Left: the loss at each position of the story, for both models. Middle: the same for the characters
# of words that come back, and for no others. Right: how much of the text such characters are.*
#
# At the beginning no word has come back yet, and the two models are alike. **A word that comes back
# gains about as much early as late**, as the middle picture shows: the head does not mind how much
# text stands before it. What changes is how many such words there are. The fables return to their
# names and things after about 400 characters, and there the gap on the left is widest. At the very
# end it is narrower again.
#
# And which letters gain? First letters have two rows in the next table. *As then* means that the
# four characters before the word are the same as where it stood last, as with `flute`, if it is a
# `noisy flute` both times. The row *1st letter* holds all others.
#
# **Predict first.** Which row will have the largest gap?

# %% tags=["demo"]
if check.ready("along"):

    def compare(some):
        """Return the mean losses of the characters that `some` marks, and their gap."""
        share = some.float().mean().item()
        row = {name: loss[some].mean().item() for name, loss in along.items()}
        gap = row["MLP, trained further"] - row["one head"]
        return {"share": share, **row, "gap": gap, "share * gap": share * gap}

    rows = {group: compare(kinds == k) for k, group in enumerate(groups)}
    table(rows | {"all": compare(kinds >= 0)})
    if is_fables:
        print(f"\nwho sees only 9 characters loses at least {least:.3f} nats per character by it")

# %% [markdown]
# On all other characters the two models hardly differ. In words that come back, **it takes
# something to look for**. A first letter after other characters than then gains next to nothing.
# After the same ones it gains more than any other letter. Otherwise the gain begins with the second
# letter, and then it shrinks: the more letters of a word are there, the better the MLP can guess
# the rest as well.
#
# The last column says what each row adds to the whole gap, the one in the row *all*. That is larger
# than the gap in the windows, where other stories stand before each one, with names of their own:
# here each story is read alone. And it is less than half of what the last line says, so there is
# more to be had by looking back.

# %% [markdown]
# ## What does it look at?
#
# We can watch it. The weights of a head come out if the values are one-hot, as with the mean above.
# Take the first story in which a name comes back after 200 characters or more, for the first time.
# Stand on the *first letter* of that name, where the second one has to be predicted.
#
# **Predict first.** Which positions of the story will be dark?


# %% tags=["demo"]
def looks(model, text):
    """Return how much each position of `text` looks at each position: (T, T)."""
    with torch.no_grad():
        x = model.positions(encode(text, chars).to(where)[None])
        query, key = model.head.query(x)[0], model.head.key(x)[0]
        one_hot = torch.eye(len(text), device=where)
        mask = causal_mask(len(text)).to(where)
        return scaled_dot_product_attention(query, key, one_hot, mask).cpu()


def next_probs(model, text):
    """Return the model's probability of each next character after `text`: (V,)."""
    with torch.no_grad():
        return torch.softmax(model(encode(text, chars).to(where)[None])[0, -1], dim=-1).cpu()


def name_that_comes_back(far=200):
    """Return the first story in which a name comes back from `far`, and where it does."""
    for text in passages:
        for begin, end, distance in words_that_come_back(text):
            is_first = text[:begin].count(text[begin:end]) == 1
            if distance >= far and text[begin].isupper() and is_first:
                return text, begin
    return passages[0], len(passages[0]) // 2


if check.ready("models"):
    story, begin = name_that_comes_back()
    attention = looks(models["one head"], story)
    display(
        plots.attention_map(
            attention[begin : begin + 1, : begin + 1], story[begin], story[: begin + 1]
        )
    )
    print(f"{story[begin - 20 : begin + 1]!r} goes on with {story[begin + 1]!r}. The head looks at")
    for position in attention[begin].argsort(descending=True)[:3].tolist():
        came_after = story[max(0, position - 10) : position]
        print(f"   {attention[begin, position]:.2f}  {story[position]!r} after {came_after!r}")
    for name, model in models.items():
        p = next_probs(model, story[: begin + 1])[chars.index(story[begin + 1])]
        print(f"{name}: the probability of {story[begin + 1]!r} is {p:.3f}")

# %% [markdown] slide="It looks at the place that came after the same letters" picture="above"
# After `waffle. R` the head looks at the `o` behind `called R`.
#
# Notes: With a weight of 0.88 it finds the place, and the probability of the o goes from 0.21 to
# 0.51. Such heads are called induction heads, and large models grow them by themselves; Olsson and
# others, 2022. Here it got a push at the start, since we have a minute and a million characters.

# %% [markdown]
# *The picture: the story up to the first letter of the name, each character on a field that is the
# darker, the more the head looks at it.* It looks at the name, where that stood the first time: at
# the letter *behind* the same first letter. That is the letter it brings back, and the last lines
# say what it is worth.
#
# It knows nothing of names. The rule is the one that we gave it, "look for positions after the same
# characters", and that serves any word that comes back. What to do with the letter that it finds
# was left to training.
#
# Now go back by one character, to the position *before* the name, where its first letter has to be
# predicted.

# %% tags=["demo"]
if check.ready("attention"):
    before = begin - 1
    scale = attention[begin].max().item()  # as dark as above
    display(
        plots.attention_map(
            attention[before : before + 1, :begin], story[before], story[:begin], scale
        )
    )
    print(f"the largest weight is {attention[before].max():.2f}")
    for name, model in models.items():
        p = next_probs(model, story[:begin])[chars.index(story[begin])]
        print(f"{name}: the probability of {story[begin]!r} is {p:.3f}")

# %% [markdown]
# Here it finds no good place. Both pictures have the same scale: where the one above is dark,
# this one is pale. And the head is as much at a loss as the MLP. Other
# characters stand before the name than where it stood last, as in the table's row *1st letter*, so
# they do not tell which name is due. To know that, one would have to ask another question than "Who
# came after the same characters?", such as "Who is this story about?". **One head asks one kind of
# question.** So the next lesson takes several, and puts them on top of each other.

# %% [markdown] fold="Something to try: without the push"
# Set `pushed = False` above, and run that cell and those below again. In our trials such a head
# learnt nothing about words that come back in this time: there the two models stayed together,
# letter for letter. It takes far more text and steps, as Olsson and colleagues saw.

# %% [markdown]
# **Something to play with.** Move along the story and watch where each position looks. Go through a
# whole name, letter by letter. Find a position that looks at several positions at once, and one that
# looks at itself. What does it look at inside a number, or just after a full stop?

# %% tags=["demo"]
if check.ready("attention"):

    def look_from(position):
        past = story[: position + 1]
        display(
            plots.attention_map(attention[position : position + 1, : position + 1], past[-1], past)
        )
        likely = next_probs(models["one head"], past)
        display(plots.next_token_bars(likely, chars, context=past, top=4))

    play(look_from, position=(0, len(story) - 1))

# %% [markdown]
# ## What does it cost?
#
# As before, a product with a weight of shape `(m, n)` costs `2 * m * n` FLOPs for each token, here
# a character. For the MLP that is `W1` and `W2`. The head adds
#
# - three products with its own weights, for query, key and value: `3 * 2 * (n * C) * head_size`,
# - more rows in `W1`: `2 * head_size * H`,
# - and the attention itself. Each character is compared with `T` keys, `2 * T * head_size`, and
#   adds up `T` values, another `2 * T * head_size`. No parameters belong to that.
#
# (We count all `T` positions, also those that the mask then hides, since the computer multiplies
# them as well.)

# %% tags=["demo"]
if check.ready("models"):
    facts = {}
    for name, model in models.items():
        wide, H = mlp["W1"].shape
        d = len(model.W1) - wide  # the size of the head, 0 without one
        flops = 2 * (wide + d) * H + 2 * H * V  # W1 and W2
        flops += 3 * 2 * wide * d + 2 * 2 * judged_T * d  # the head's weights; scores and sums
        facts[name] = {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "FLOPs per token": flops,
            "tokens per second": speeds[name],
            "loss": losses_now[name],
        }
    table(facts)
    print()
    others = flops - 2 * 2 * judged_T * d  # of the head's FLOPs, those that T does not change
    table(
        {
            f"T = {T:5,}": {"scores and sums": 2 * 2 * T * d, "all the rest": others}
            for T in (256, 1024, 8192)
        }
    )

# %% [markdown]
# The parameters do not depend on how far the head looks. Of the work, only the scores and sums do:
# with a text twice as long they cost twice as much *per character*, so four times as much in all.
# At 256 characters that is a small part of the work, at 8,192 most of it. This is the price of
# attention, and much clever work has gone into lowering it.
#
# ## Every model so far
#
# With the preset `laptop` these are the rungs of the lessons before, as measured when this course was
# built, else the MLP alone; and two new ones: the MLP after the further steps, and the same with a
# head.

# %% tags=["demo"]
if check.ready("models"):
    losses = rungs.before("05_attention") if preset == "laptop" else {"MLP": losses_now["MLP"]}
    losses |= {name: losses_now[name] for name in models}
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown] slide="One head, on the ladder" picture="above"
# One head asks one question at a time. Lesson 06 has many.
#
# Notes: The 10-gram is still a bit ahead: it has counted over a million contexts by heart. What
# attention costs grows with the square of the length, since each place looks at all others. More
# heads, more layers, and what holds them together come next.

# %% [markdown]
# The best rung is in bold. With the fables, at the preset `laptop`, that is still the 10-gram of
# lesson 02: it knows their phrases by heart. But a name that stood 300 characters back is beyond
# it, however much text it counts.
#
# ## What does it write?
#
# A loss is one number. So let both models write: draw a character from what the model says, put it
# behind the text, and ask again. At first a single name. Both get the story from above, up to the
# first letter of the name that comes back, and finish that, many times.
#
# **Predict first.** Which names will the one write, and which the other?


# %% tags=["demo"]
def tell(model, text, steps):
    """Return `text` and one more character for each of `steps`, drawn as the model thinks likely."""
    for _ in steps:
        text += chars[torch.multinomial(next_probs(model, text[-judged_T:]), 1).item()]
    return text


if check.ready("attention"):
    first_word = re.compile(r".\w*", re.DOTALL)  # a character, and the letters behind it
    due = first_word.match(story[begin:]).group()
    print(f"The story has {due!r}. Written in its place:")
    for name, model in models.items():
        torch.manual_seed(3)
        written = Counter()
        for _ in range(20 if preset == "smoke" else 100):
            told = tell(model, story[: begin + 1], range(len(due) - 1))
            written[first_word.match(told[begin:]).group()] += 1
        frequent_ones = ", ".join(f"{word} {count}" for word, count in written.most_common(4))
        print(
            f"{name}: {due} {written[due]} of {written.total()} times. Most often: {frequent_ones}"
        )

# %% [markdown]
# The MLP writes names that are frequent in all fables. So does the head, but several times as often
# as the MLP it writes the one that stood in *this* story, letter after letter.
#
# And now a whole story.
#
# **Predict first.** Both spell alike. Will the hero keep the name, with a head and without one?

# %% tags=["demo"]
if check.ready("models"):
    length = 60 if preset == "smoke" else 500
    start = passages[0][: passages[0].index(" ", 80)]  # a hero and perhaps a thing, by then
    for name, model in models.items():
        torch.manual_seed(3)
        steps_shown = trange(length, leave=False, mininterval=1, file=sys.stdout)
        told = tell(model, "\n\n" + start, steps_shown).strip()
        print(f"--- {name}\n{told}\n")

# %% [markdown]
# Look for the hero's name. A head can finish it when its first letter is there, but nothing tells it
# that the hero is due: so the hero may be gone for good, or come back by chance. And the plot is beyond
# both of them.

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. `weights` has the shape `(T, S)`: queries in the rows, keys in the columns. Softmax makes sure
#    that ...
#    - (a) each column sums to 1: a key shares itself out among the queries
#    - (b) each row sums to 1: a query shares out its attention among the keys
#    - (c) the whole table sums to 1
# 2. You forget to divide by $\sqrt{d}$, and `d` is 256. What happens before training?
#    - (a) All weights are nearly the same.
#    - (b) Nearly all the weight is on one key, by chance, and the gradients are almost 0.
#    - (c) Nothing, as softmax does not mind.
# 3. Somebody computes the softmax first, then sets the weights of the future to 0, and leaves it at
#    that. Is it causal?
#    - (a) Yes, as the future has weight 0.
#    - (b) Yes, if the rows are divided by their number of positions.
#    - (c) No: the future's scores are in the sum that softmax divided by.
# 4. Your new model has a validation loss of 0.02 on text whose floor is 0.25. What do you do first?
#    - (a) Test it for leaks.
#    - (b) Train it for longer.
#    - (c) Publish it.
# 5. You let the head look back over 2,048 characters in place of 1,024. What grows?
#    - (a) the number of its parameters
#    - (b) the work for each character
#    - (c) both
# 6. In the pictures above, the head found the second letter of the name, but not the first. Why?
#    - (a) First letters are capitals, which are rare.
#    - (b) The first letter stood too far back.
#    - (c) After one letter there is something to look for. Before it, nothing nearby tells which
#      name is due.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "b"
answer_3 = "c"
answer_4 = "a"
answer_5 = "b"
answer_6 = "c"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - A table of weights, one row for each position that looks, mixes the past into each position by
#   one matrix product. Each row sums to 1, and the future has weight 0.
# - Attention computes that table from the text: query times key, divided by $\sqrt{d}$, masked,
#   softmax. Then it mixes the values.
# - Masking means minus infinity *before* the softmax. Weights that are set to 0 after it no longer
#   sum to 1, and still depend on the future.
# - A head is three matrices and that formula. It has no weights for distances, so it looks back as
#   far as you let it.
# - Leaks look like success. Touch the future, watch the past, at every position.
# - With a push at the start, one head learnt to copy what had stood in the story before, hundreds
#   of characters back. The same net without a head, trained for as long, could not.
#
# **Next**, lesson 06. One head asks one kind of question, once. There you take several heads, tell
# them where they stand, and build them into a block that can be stacked: each layer looks at what
# the layer below has found out.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *choose* and *evaluate*. You chose the kind of model by
# asking what the data need, and you evaluated it where that need is, not only on average. The test
# for leaks belongs to every model that you will ever change.
#
# ### References
#
# - D. Bahdanau, K. Cho, Y. Bengio (2014). Neural Machine Translation by Jointly Learning to Align
#   and Translate. arXiv:1409.0473. Where attention began.
# - A. Graves, G. Wayne, I. Danihelka (2014). Neural Turing Machines. arXiv:1410.5401. Looking
#   things up in a memory by likeness, in the same year.
# - D. P. Kingma, J. Ba (2014). Adam: A Method for Stochastic Optimization. arXiv:1412.6980.
# - A. Vaswani and others (2017). Attention Is All You Need. *NeurIPS*. Queries, keys, values, and
#   the square root.
# - C. Olsson and others (2022). In-context Learning and Induction Heads. *Transformer Circuits
#   Thread*; arXiv:2209.11895. The heads that copy.
# - A. Trockman, J. Z. Kolter (2023). Mimetic Initialization of Self-Attention Layers. *ICML*;
#   arXiv:2305.09828. Beginning near a good place.

# %%
check.summary()
