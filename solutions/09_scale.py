# %% [markdown] lesson="09_scale" title="More from the same minutes" minutes=200 laptop_minutes=6 gpu_minutes=15
# Your GPT of lesson 07 is the model of 2019. Since then nearly every part of it was exchanged for a better
# one, and people have learnt to tell in advance what a larger model will be worth. In this lesson you
# build these parts, measure what each gains, and then race: the lowest loss in a few seconds of one
# processor core.
#
# After this lesson you can
#
# - **cut** any text into pieces that a model learns from faster than from characters,
# - **build** the parts of a newer model, and say what each of them fixes,
# - **measure** them one by one, at equal computing time,
# - **predict** what a larger model will reach, from small ones, and test the prediction,
# - **beat** a net with plain counting where that is stronger, and say where and why.
#
# You need lesson 02 (n-grams), lesson 06 (the block) and lesson 07 (the GPT, AdamW, the learning rate
# with warm-up and decay).

# %% tags=["setup"]
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import cross_entropy
from tqdm import tqdm, trange

from lmcourse import check, corpus, device, play, plots, rungs, table
from lmcourse.waiting import wait_bar

check.lesson("09_scale")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="build_vocab encode decode split get_batch evaluate_loss windows evaluate positional_encoding count_parameters clip_gradients"

# %% [markdown]
# These are your parts from the lessons before. The text is the one that you know, with a test text kept back
# as in lesson 07: it is read once, at the end.

# %% tags=["demo", "nbval-check-output"]
stories = corpus.split_stories(corpus.load("shakespeare" if preset == "gpu" else "fables"))
if preset == "smoke":
    stories = stories[:300]
training, validation = split(stories)
validation, test = corpus.keep_for_test(validation)
train_text, validation_text = corpus.join(training), corpus.join(validation)
test_text = corpus.join(test)
chars = build_vocab(train_text + validation_text + test_text)
V = len(chars)
train_ids, validation_ids = encode(train_text, chars), encode(validation_text, chars)
where = device() if preset == "gpu" else torch.device("cpu")  # which chip trains
print(f"V = {V} characters, {len(train_ids):,} of them to learn from")

# %% [markdown]
# ## Why one character at a time?
#
# Your models read characters. It is simple, and wasteful: in the middle of a word the next character
# is often nearly certain, and the model does as much work for it as for any other. A context of 256
# characters is some fifty words.
#
# What about whole words? Then the vocabulary has no end, and a word that the training text did not have
# cannot even be written down. What about the bytes of the file? There are only 256, and they can hold
# any text: in UTF-8, all but the signs of plain English take two to four bytes each.
#
# **Predict first.** How many bytes are `q`, `é` and a fox?

# %% tags=["demo", "nbval-check-output"]
for char in "qé🦊":
    print(char, list(char.encode()))

# %% [markdown]
# Between the two lies **byte-pair encoding** (BPE). Philip Gage invented it in 1994 to make files
# smaller, Rico Sennrich and others took it up for translation in 2016, and since GPT-2 nearly every
# large model reads with it. Begin with bytes. Find the two neighbours that occur together most often,
# and give this pair a token of its own. Look again, now at the new list. After some thousand rounds,
# frequent words are a single token, and rare ones a few pieces. And nothing is ever unknown, as all
# bytes are tokens too.
#
# **Predict first.** In the fables, which pair will be the first?

# %% [markdown] fold="Answer"
# Not two letters. The most frequent neighbours are often the end of a word and the space behind it, or
# a comma and its space. See what your own code finds, below.

# %% [markdown] contract="train_bpe"
# Write two functions. **`train_bpe(ids, merges)`** learns byte-pair encoding from a list of bytes.
#
# - `ids` is a list of ints from 0 to 255, and `merges` says how many pairs to learn at most.
# - It returns the list of the pairs that were merged, in order, each a tuple of two ints. The pair at
#   position `k` of this list makes the new token `256 + k`.
# - Each time, it takes the pair of neighbours that occurs most often. Every two neighbours count, also
#   those that overlap: `[7, 7, 7]` has the pair `(7, 7)` twice. Of pairs that occur equally often it
#   takes the smallest, as Python compares tuples.
# - It stops early when no pair occurs at least twice.
# - Then it goes through the tokens from left to right and puts the new token in place of the pair:
#   `[7, 7, 7]` becomes `[256, 7]`.
# - It stops at once when `merges` is 0.
#
# **`merge(ids, pair, new)`** is that last step alone, and the next exercise needs it too: it returns a new
# list, `ids` from left to right with the token `new` in place of each `pair`, a tuple of two ints.
#
# The caller's lists stay as they are. For example, `train_bpe(list(b"aaabdaaabac"), 3)` returns
# `[(97, 97), (97, 98), (256, 257)]`, and `merge([7, 7, 7], (7, 7), 256)` returns `[256, 7]`.


# %% exercise="train_bpe" minutes=25 level=3
def train_bpe(ids, merges):
    """Return the pairs that byte-pair encoding merges in `ids`, a list of bytes, at most `merges`."""
    ### BEGIN SOLUTION
    pairs = []
    for new in range(256, 256 + merges):
        counts = Counter(pairwise(ids))
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        pairs.append(best)
        ids = merge(ids, best, new)
    return pairs
    ### END SOLUTION


def merge(ids, pair, new):
    """Return the list `ids` with the token `new` in place of each `pair`, from left to right."""
    ### BEGIN SOLUTION
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged
    ### END SOLUTION


# %% check="train_bpe" tags=["nbval-check-output"]
check("train_bpe")

# %% [markdown] fold="Hint 1: counting"
# `zip(ids, ids[1:])` gives all neighbours, and `Counter(...)` counts them. `min(counts, key=...)` goes
# through the pairs. With the key `(-counts[pair], pair)` the most frequent comes first, and of several
# the smallest.

# %% [markdown] fold="Hint 2: merge"
# A `while` with a position `i`: if `ids[i]` and `ids[i + 1]` are the pair, append the new token and go two
# further, else append `ids[i]` and go one further. Take care at the last token, which has none behind it.

# %% [markdown]
# Here it learns from the first part of the fables. The picture shows how many characters a token
# stands for, on average, the more pairs are merged.

# %% tags=["demo"]
sample, most = {"smoke": (4_000, 40), "laptop": (50_000, 300), "gpu": (50_000, 300)}[preset]
if check.ready("train_bpe", "merge"):
    sample_bytes = list(train_text[:sample].encode())
    held = list(validation_text[: sample // 2].encode())
    pairs = train_bpe(sample_bytes, most)
    print(f"{len(sample_bytes):,} bytes, {len(pairs)} pairs; the first: {bytes(pairs[0])}")
    sizes, gains, tokens = [], [], held
    for merges in range(0, most + 1, most // 10):
        for k in range(max(0, merges - most // 10), merges):
            tokens = merge(tokens, pairs[k], 256 + k)
        sizes.append(256 + merges)
        gains.append(len(held) / len(tokens))
    figure, axes = plt.subplots(figsize=(6.5, 3.2))
    axes.plot(sizes, gains, "o-", color="#0072b2")
    axes.set(xlabel="tokens in the vocabulary", ylabel="characters per token\n(validation text)")
    axes.set_ylim(bottom=0)
    plots.show()
    print(f"{sizes[-1]} tokens: {gains[-1]:.2f} characters each")

# %% [markdown]
# *The picture: the first merges gain most. Each later one needs a rarer pair, and the curve bends.*
#
# The pairs are learnt once. Then any text can be cut by them.

# %% [markdown] slide="Frequent pairs become pieces of words" picture="above"
# **Byte-pair encoding**: find the two neighbours that occur together most, give them a token, and
# look again.
#
# Notes: Characters waste work, and whole words have no end. Bytes can hold any text, so nothing is
# ever unknown. The first merges gain most, and each later one needs a rarer pair. Ask which pair
# comes first in the fables: it is not two letters, but an e and a space.

# %% [markdown] contract="bpe_encode"
# Write two functions.
#
# **`bpe_encode(ids, pairs)`** takes a list of bytes and the pairs that `train_bpe` learnt, perhaps from
# another text, and returns the list of tokens: it makes the merges in the order in which they were
# learnt, each from left to right, all through the list.
#
# **`bpe_decode(tokens, pairs)`** goes the other way: it returns the list of bytes that the tokens stand
# for.
#
# The caller's lists stay as they are. For example, with `pairs = [(97, 97), (97, 98), (256, 257)]`,
# `bpe_encode(list(b"aaab"), pairs)` returns `[258]`, and `bpe_decode([258, 99], pairs)` returns
# `[97, 97, 97, 98, 99]`.


# %% exercise="bpe_encode" minutes=20 level=3
def bpe_encode(ids, pairs):
    """Return the tokens of `ids`, a list of bytes, by the merges `pairs`."""
    ### BEGIN SOLUTION
    tokens = list(ids)
    for k, pair in enumerate(pairs):
        tokens = merge(tokens, pair, 256 + k)
    return tokens
    ### END SOLUTION


def bpe_decode(tokens, pairs):
    """Return the list of bytes that `tokens` stand for."""
    ### BEGIN SOLUTION
    pieces = [[byte] for byte in range(256)]  # the bytes of each token
    for left, right in pairs:
        pieces.append(pieces[left] + pieces[right])
    return [byte for token in tokens for byte in pieces[token]]
    ### END SOLUTION


# %% check="bpe_encode" tags=["nbval-check-output"]
check("bpe_encode")

# %% [markdown] fold="Hint 1: encoding"
# You have `merge`. Call it once for each pair, in order, with the token `256 + k`, and begin with a copy
# of the list.

# %% [markdown] fold="Hint 2: decoding"
# Make a list `pieces` of what each token stands for: first the 256 bytes, each a list of one. Then for
# each pair append the piece of its left part plus that of its right part. Both are there already, as a
# pair is made of older tokens alone.

# %% tags=["demo", "nbval-check-output"]
if check.ready("train_bpe", "bpe_encode", "bpe_decode"):
    by_hand = train_bpe(list(b"the cat sat on the mat, the cat ate the rat"), 12)
    for text in ("the rat sat", "théâtre 🦊"):
        tokens = bpe_encode(list(text.encode()), by_hand)
        back = bytes(bpe_decode(tokens, by_hand)).decode()
        print(
            f"{text!r}: {len(text.encode())} bytes, {len(tokens)} tokens, and back: {back == text}"
        )

# %% [markdown]
# And what are the tokens that the fables gave?

# %% tags=["demo"]
if check.ready("train_bpe", "bpe_encode", "bpe_decode"):
    texts = [
        bytes(bpe_decode([256 + k], pairs)).decode(errors="replace") for k in range(len(pairs))
    ]
    print("the first ten:", texts[:10])
    print("the longest:  ", sorted(texts, key=len)[-6:])

# %% [markdown]
# **Something to play with.** How does the number of merges change what the tokens are? Try a word that no
# fable has.

# %% tags=["demo"]
if check.ready("train_bpe", "bpe_encode", "bpe_decode"):

    def cut(text, merges):
        tokens = bpe_encode(list(text.encode()), pairs[:merges])
        parts = [bytes(bpe_decode([token], pairs)).decode(errors="replace") for token in tokens]
        print("|".join(parts))
        print(f"{len(text)} characters, {len(tokens)} tokens")

    play(
        cut,
        text=[
            random.Random(0).choice(validation)[:70],
            "The quick brown fox jumps over the lazy dog.",
        ],
        merges=(0, most, most // 10),
    )

# %% [markdown]
# One warning. A loss "per token" of one model says nothing beside the loss per token of another that
# cuts in another way: longer tokens are harder to guess, but there are fewer of them. Divide by the
# characters, not by the tokens. (Papers divide by bytes, which every text has, and take logarithms to base 2:
# **bits per byte**. In text that is all English letters a character is a byte, and one nat is 1.44 bits.) Here
# nothing but *how often each token occurs* is used to predict:

# %% tags=["demo"]
if check.ready("train_bpe", "bpe_encode", "bpe_decode"):
    rows = {}
    for merges in (0, most // 10, most // 3, most):
        seen = Counter(bpe_encode(sample_bytes, pairs[:merges]))
        total, kinds = sum(seen.values()), 256 + merges
        asked = bpe_encode(held, pairs[:merges])
        surprise = -sum(math.log((seen[token] + 0.1) / (total + 0.1 * kinds)) for token in asked)
        rows[f"{merges} merges"] = {
            "nats per token": surprise / len(asked),
            "nats per character": surprise / len(held),
        }
    table(rows)

# %% [markdown] slide="Worse per token, better per character"
# How often each token occurs, used to predict:
#
# - no merges: 3.160 nats per token and per character
# - 300 merges: 5.414 nats per token, 2.489 per character
#
# Notes: Longer tokens are harder to guess, but there are fewer of them. So a loss per token of one
# model says nothing beside that of a model that cuts in another way. Divide by the characters. Then
# one sees that part of what a model had to learn is in the tokens now.

# %% [markdown]
# Per token it gets worse, per character better: part of what a model had to learn is in the tokens
# now. The rest of this lesson stays with characters all the same, since your ladder does, and since our
# text is so small that many tokens would hardly occur.
#
# ## What was exchanged since GPT-2?
#
# Open the description of any newer model, such as Llama, Qwen or Gemma, and you find a block that looks
# like yours, with other parts in it:
#
# ```
#                      GPT-2, lesson 07             newer
# x (B, T, C)
#  │  where?           a position is added to x     queries and keys are turned (rotary)
#  ├─ norm             LayerNorm                    RMSNorm
#  │  attention        scores of any size           queries and keys normalised (QK-norm)
#  +─ project          begins small                 begins at 0
#  ├─ norm             LayerNorm                    RMSNorm
#  │  feed-forward     GELU                         a gate (SwiGLU), or squared ReLU
#  +─ shrink           begins small                 begins at 0
#  │
#     step             AdamW                        Muon for the matrices
# ```
#
# Each line mends something. We go through them, and then *measure* which of them matter here.
#
# ### A simpler norm
#
# LayerNorm subtracts the mean of the channels, divides by their standard deviation, and has a weight and a
# bias for each. Biao Zhang and Rico Sennrich asked in 2019 whether the mean matters. What keeps a deep stack
# steady is that the numbers keep their *size*. So leave out the mean and the bias, and divide by the **root
# mean square**.

# %% [markdown] contract="RMSNorm"
# Write the class `RMSNorm(channels, eps=1e-6)`, an `nn.Module`. It has one parameter, `weight`, of shape
# `(channels,)`, which begins as ones. `forward(x)` takes `x` of shape `(..., channels)` and returns a new
# tensor of the same shape: each position divided by its root mean square,
# $\sqrt{\text{mean}(x^2) + \text{eps}}$, and then multiplied by `weight`. The mean is over the channels.
#
# Write it out: torch's own `rms_norm` and its relatives are refused here.
#
# For example, `[3, 4]` has a mean square of 12.5, and becomes `[0.849, 1.131]`.


# %% exercise="RMSNorm" minutes=8 level=2
class RMSNorm(nn.Module):
    """Divides each position by the root mean square of its channels: (..., C) -> (..., C)."""

    def __init__(self, channels, eps=1e-6):
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps
        ### END SOLUTION

    def forward(self, x):
        """Return `x` with a root mean square of 1 at each position, times the weight."""
        ### BEGIN SOLUTION
        square = (x**2).mean(dim=-1, keepdim=True)  # (..., 1)
        return x * torch.rsqrt(square + self.eps) * self.weight
        ### END SOLUTION


# %% check="RMSNorm" tags=["nbval-check-output"]
check("RMSNorm")

# %% [markdown] fold="Hint"
# As in your LayerNorm of lesson 06, without `x - mean` and without the bias: the mean of `x**2` over
# `dim=-1` with `keepdim=True`, plus `self.eps`, and then `torch.rsqrt`, which is one over the root.

# %% [markdown]
# What does leaving out the mean change?
#
# **Predict first.** Add 5 to all channels of a position. What does LayerNorm say, and what does RMSNorm?

# %% tags=["demo", "nbval-check-output"]
if check.ready("RMSNorm"):
    x = torch.tensor([[1.0, -1.0, 2.0, -2.0]])
    for name, norm in {"LayerNorm": nn.LayerNorm(4), "RMSNorm": RMSNorm(4)}.items():
        with torch.no_grad():
            plain, moved = (norm(each)[0].tolist() for each in (x, x + 5))
        print(
            name, [round(each, 2) for each in plain], "and +5:", [round(each, 2) for each in moved]
        )

# %% [markdown] slide="RMSNorm keeps size, lets the mean go"
# ```python
# x = torch.tensor([[1.0, -1.0, 2.0, -2.0]])
# ```
#
# LayerNorm and RMSNorm agree on it. Add 5 to all: LayerNorm says what it said before, RMSNorm does
# not.
#
# Notes: What keeps a deep stack steady is that the numbers keep their size. So Zhang and Sennrich
# left out the mean and the bias in 2019. The 5 shows in RMSNorm and pushes the rest aside. In a
# trained model the mean is small, and nobody misses its removal.

# %% [markdown]
# LayerNorm does not see the 5 at all. With RMSNorm it shows, and pushes the rest aside. In a trained
# model the mean is small, and nobody misses its removal.
#
# ### Where does the position come in?
#
# In lessons 06 and 07, each position had its own row of sinusoids, added to the embedding. So what a character
# *is* and where it *stands* share the same channels, and each head has to take them apart again. And what
# it mostly wants to know is not the position but the **distance**: is that three characters back?
#
# Jianlin Su and others had the idea in 2021: **rotary positions** (RoPE). Add nothing to the stream. But
# before query and key meet, turn both, each by an angle in proportion to its own position. Their product
# hangs on the angle *between* them. So where both stand cancels out, and the distance is left.
#
# **Predict first.** A query and a key are two-dimensional, and are turned by 0.5 radians for each position.
# The query stands at 7, the key at 4. What is left of the two angles in their score? And if they stand
# at 107 and 104?

# %% [markdown] fold="Answer"
# The query is turned by 3.5, the key by 2.0 radians. In their product only the difference is left,
# 1.5 radians, the same as that of 53.5 and 52.0.

# %% [markdown] contract="apply_rope"
# `apply_rope(x, start=0)` takes queries or keys, float32 of shape `(..., T, d)` with `d` even, and returns
# them turned, in a new tensor of the same shape. The first of the `T` characters stands at position `start`.
#
# Channels `i` and `i + d/2` are the two coordinates of a point, for `i` from 0 to `d/2 - 1`. At position `t`
# it is turned by the angle $\varphi = t \cdot 10000^{-2i/d}$ radians:
#
# $$(a, b) \rightarrow (a \cos\varphi - b \sin\varphi,\; a \sin\varphi + b \cos\varphi)$$
#
# What you make must be on `x.device`. For example, with `d = 2` the point `(1, 0)` at position 2 becomes
# `(cos 2, sin 2) = (-0.416, 0.909)`.


# %% exercise="apply_rope" minutes=20 level=3
def apply_rope(x, start=0):
    """Return `x` (..., T, d) with each pair of channels turned by its position, from `start` on."""
    ### BEGIN SOLUTION
    T, d = x.shape[-2:]
    rates = 10000.0 ** (-torch.arange(0, d, 2, device=x.device) / d)  # (d / 2,)
    positions = torch.arange(start, start + T, device=x.device)
    angles = positions[:, None] * rates  # (T, d / 2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, dim=-1)  # (..., T, d / 2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
    ### END SOLUTION


# %% check="apply_rope" tags=["nbval-check-output"]
check("apply_rope")

# %% [markdown] fold="Hint 1: the angles"
# `torch.arange(0, d, 2)` are the numbers $2i$. A rate for each pair, shape `(d/2,)`, a position for each
# character, shape `(T, 1)`: their product is the table of angles, `(T, d/2)`.

# %% [markdown] fold="Hint 2: turning"
# `a, b = x.chunk(2, dim=-1)` cuts the channels into the first and the second half. Both new halves are
# made of the old `a` and `b`. `torch.cat([..., ...], dim=-1)` joins them.

# %% [markdown]
# The picture shows the score of one query with one key, for all distances. On the left positions are added,
# as in lesson 07, on the right they are turned. Each line stands for another position of the query.

# %% tags=["demo"]
if check.ready("apply_rope"):
    torch.manual_seed(0)
    d, far = 32, 60
    query, key = torch.randn(1, d), torch.randn(1, d)
    sinusoids = positional_encoding(400, d)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    for at, color in zip((60, 150, 300), ("#0072b2", "#d55e00", "#009e73"), strict=True):
        back = range(far)
        added = [((query + sinusoids[at]) @ (key + sinusoids[at - by]).T).item() for by in back]
        turned = [(apply_rope(query, at) @ apply_rope(key, at - by).T).item() for by in back]
        panels[0].plot(added, color=color, label=f"query at position {at}")
        panels[1].plot(turned, color=color, linewidth=5 - at / 70, alpha=0.8)
    for axes, title in zip(panels, ("positions added", "positions turned (rotary)"), strict=True):
        axes.set(title=title, xlabel="distance of the key (characters)")
    panels[0].set_ylabel("score")
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    plots.show()

# %% [markdown]
# *The picture: with added positions the score also hangs on where the query stands, so there are three lines.
# With turned ones all three lie on top of each other: the distance alone counts.*
#
# This also answers what lesson 07 left open. There, the cache of keys was worth nothing once the window
# was cut, as all positions changed. A turned key keeps its position, and only distances matter: the oldest keys
# can be thrown away one by one. (What a deep layer once read from them is still in the others, which in
# practice does no harm.)
#
# ### Four small things
#
# **QK-norm** (Henry and others, 2020). Scores are products of queries and keys, and nothing bounds them.
# If they grow, the softmax puts all weight on one position, and its gradient vanishes. So normalise queries and
# keys before they are turned.
#
# **Squared ReLU** (So and others, 2021): $\max(0, x)^2$ in place of GELU. It is exactly 0 for half of its
# inputs, and cheap. Most large models have a **gate** instead, SwiGLU (Shazeer, 2020): two matrices read
# `x`, and one of them says how much of the other comes through.
#
# **Zeros at the start.** If `project`, `shrink` and the head begin as zeros, every block begins by adding
# nothing, and the first loss is exactly $\ln V$. The first step moves the head alone, the second one also
# the embedding, the last norm, and `project` and `shrink` of all blocks at once. From the third on everything
# learns.

# %% [markdown] slide="Turn queries and keys, and distance alone counts" picture="above"
# **Rotary positions**: nothing is added to the stream. Each query and key is turned by an angle in
# proportion to its position.
#
# Notes: With added positions the score also hangs on where the query stands, so there are three lines
# on the left. With turned ones all three lie on top of each other. In the product of a query and a
# key only the difference of their angles is left. It also keeps the cache of keys valid when old
# ones are thrown away. Su and others, 2021.

# %% tags=["demo", "nbval-check-output"]
inputs = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
for name, bend in {"GELU": F.gelu, "squared ReLU": lambda x: F.relu(x) ** 2}.items():
    print(f"{name}: {(bend(inputs) == 0).float().mean():.0%} of its outputs are exactly 0")
long = 40 * torch.randn(2, 64, generator=torch.Generator().manual_seed(1))
for name, rows in {"as they are": long, "normalised": F.rms_norm(long, (64,))}.items():
    score = rows[0] @ rows[1] / 8
    print(f"the score of a long query and key, {name}: {score:.1f}")

# %% [markdown]
# All of it in one class, with a switch for each part, so that you can measure it. With all switches the
# other way, this is your GPT of lesson 07, but for a head of its own and a feed-forward without biases.


# %%
@dataclass
class Modern:
    """The shape of a newer GPT, and which of its parts are new."""

    vocab_size: int
    context: int = 64
    layers: int = 2
    heads: int = 4
    channels: int = 64
    norm: str = "rms"  # or "layer"
    positions: str = "rotary"  # or "sinusoids"
    qk_norm: bool = True
    hidden: str = "relu2"  # or "gelu" or "swiglu"
    zero: bool = True  # whether what adds to the stream begins at 0


class Attention(nn.Module):
    """Causal attention with rotary positions and normalised queries and keys, as the config says."""

    def __init__(self, config):
        super().__init__()
        C = config.channels
        self.config = config
        self.query, self.key, self.value, self.project = (
            nn.Linear(C, C, bias=False) for _ in range(4)
        )

    def forward(self, x):
        B, T, C = x.shape
        d = C // self.config.heads
        query, key, value = (
            part(x).view(B, T, -1, d).transpose(1, 2)  # (B, H, T, d)
            for part in (self.query, self.key, self.value)
        )
        if self.config.qk_norm:
            query, key = F.rms_norm(query, (d,)), F.rms_norm(key, (d,))
        if self.config.positions == "rotary":
            query, key = apply_rope(query), apply_rope(key)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.project(mixed.transpose(1, 2).reshape(B, T, C))


class Hidden(nn.Module):
    """The feed-forward part, with GELU, squared ReLU or a gate (SwiGLU)."""

    def __init__(self, config):
        super().__init__()
        C = config.channels
        self.kind = config.hidden
        width = 8 * C // 3 if self.kind == "swiglu" else 4 * C  # as many numbers in all
        self.expand = nn.Linear(C, width, bias=False)
        self.gate = nn.Linear(C, width, bias=False) if self.kind == "swiglu" else None
        self.shrink = nn.Linear(width, C, bias=False)

    def forward(self, x):
        hidden = self.expand(x)
        if self.kind == "swiglu":
            hidden = hidden * F.silu(self.gate(x))
        elif self.kind == "relu2":
            hidden = F.relu(hidden) ** 2
        else:
            hidden = F.gelu(hidden)
        return self.shrink(hidden)


class NewBlock(nn.Module):
    """A block of a newer GPT: (B, T, C) -> (B, T, C)."""

    def __init__(self, config):
        super().__init__()
        norm = RMSNorm if config.norm == "rms" else nn.LayerNorm
        self.norm1, self.norm2 = norm(config.channels), norm(config.channels)
        self.attention, self.feed_forward = Attention(config), Hidden(config)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class NewGPT(nn.Module):
    """ids (B, T) -> logits (B, T, V), as lesson 07's GPT, with the parts that the config names."""

    def __init__(self, config):
        super().__init__()
        self.config, C = config, config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = None
        if config.positions == "sinusoids":
            self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList([NewBlock(config) for _ in range(config.layers)])
        self.norm = RMSNorm(C) if config.norm == "rms" else nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.init_weights()

    def init_weights(self):
        """Draw the starting values: as in lesson 07, or with zeros in what adds and in the head."""
        std = 1 / math.sqrt(self.config.channels)
        for name, parameter in self.named_parameters():
            adds = name.endswith(("project.weight", "shrink.weight"))
            if self.config.zero and (adds or name == "head.weight"):
                nn.init.zeros_(parameter)
            elif adds:
                nn.init.normal_(parameter, std=std / math.sqrt(2 * self.config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=std)
        if self.position_embedding is not None:
            sinusoids = positional_encoding(self.config.context, self.config.channels)
            with torch.no_grad():
                self.position_embedding.weight.copy_(2 * std * sinusoids)

    def forward(self, ids):
        """Return the logits (B, T, V) of what follows each of the characters `ids` (B, T)."""
        x = self.token_embedding(ids)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% tags=["demo", "nbval-check-output"]
if check.ready("RMSNorm", "apply_rope"):
    torch.manual_seed(0)
    ids = torch.randint(64, (4, 32))
    for zero in (False, True):
        with torch.no_grad():
            logits = NewGPT(Modern(64, zero=zero))(ids[:, :-1])
            first = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        print(f"zeros at the start: {zero}, first loss within 0.0001 of ln V:", end=" ")
        print(abs(first.item() - math.log(64)) < 1e-4)

# %% [markdown]
# ### What is a good step for a matrix?
#
# AdamW looks at each number by itself. But a matrix is more than its numbers: it is a map, with
# directions that it stretches much and others that it stretches little. These stretches are its
# **singular values**. What do they look like in a gradient?
#
# **Predict first.** A gradient of shape `(64, 64)` has 64 singular values. How many of them make up nine
# tenths of its length?

# %% tags=["demo"]
if check.ready("RMSNorm", "apply_rope"):
    torch.manual_seed(0)
    model = NewGPT(Modern(V, zero=False))
    x, y = get_batch(train_ids, 16, 64)
    cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
    gradient = model.blocks[1].attention.value.weight.grad
    values = torch.linalg.svdvals(gradient)
    share = (values**2).cumsum(0) / (values**2).sum()
    enough = int((share < 0.81).sum()) + 1  # a length of 0.9 is a square of 0.81
    print(f"{enough} of {len(values)} singular values make up 0.9 of the gradient's length")

# %% [markdown] slide="A gradient has few strong directions"
# In our run **1** of **64** singular values makes up nine tenths of its length.
#
# A step along it learns a few directions over and over. **Muon** makes all of them equally long.
#
# Notes: AdamW looks at each number by itself. But a matrix is a map, with directions that it
# stretches much and others that it stretches little. A step along this gradient learns a few
# directions over and over, and the others hardly ever. Muon, by Keller Jordan, 2024, makes all of
# them equally long.

# %% [markdown]
# One direction, or a few, carry nearly all of it. A step along this gradient learns these few over and over, and
# the others hardly ever. Keller Jordan's **Muon** (2024) makes all of them equally long: it keeps the
# directions of the gradient's running mean and sets each singular value to about 1. To find singular
# values takes long. But there is a trick with nothing but matrix products. Take an odd polynomial of $X$,
# such as $aX + b\,XX^\top X + c\,XX^\top XX^\top X$. It does to each singular value $\sigma$ just what
# $a\sigma + b\sigma^3 + c\sigma^5$ does to a number. So choose $a$, $b$ and $c$ such that this curve,
# applied again and again, brings anything between 0 and 1 near 1. That is a **Newton-Schulz iteration**.

# %% tags=["demo"]
start = torch.linspace(0, 1, 400)
figure, axes = plt.subplots(figsize=(6.5, 3.2))
now = start.clone()
for step, color in zip(
    range(1, 6), ("#cccccc", "#aaaaaa", "#888888", "#d55e00", "#0072b2"), strict=True
):
    now = 3.4445 * now - 4.7750 * now**3 + 2.0315 * now**5
    axes.plot(start, now, color=color, label=f"after {step}")
axes.axhline(1, color="#333333", linestyle=":")
axes.set(xlabel="singular value at the start", ylabel="and after so many steps")
axes.legend(fontsize=8)
plots.show()
low = start[(now > 0.65) & (start > 0)].min()
print(f"after 5 steps all from {low:.3f} on are between {now[start >= low].min():.2f} and", end=" ")
print(f"{now[start >= low].max():.2f}")

# %% [markdown]
# *The picture: the curve climbs steeply, so that even a small singular value is near 1 after five steps.
# It never settles on 1 exactly. That is the price of its steepness, and Muon does not mind.*

# %% [markdown] slide="Five steps make all directions count" picture="above"
# The **Newton-Schulz iteration**: what the polynomial does to a matrix, it does to each singular
# value.
#
# Notes: Finding singular values takes long, but products are cheap. The curve climbs steeply, so
# that even a small singular value is near 1 after five steps. It never settles on 1 exactly: that
# is the price of its steepness, and Muon does not mind. It is for the matrices in the blocks, while
# embeddings, head and norms stay with AdamW.

# %% [markdown] contract="newton_schulz"
# `newton_schulz(G, steps=5)` takes a matrix `G`, float32 of shape `(n, m)`, and returns a new one of the
# same shape.
#
# 1. `X` is `G` divided by its length (the root of the sum of all its squares) plus `1e-7`.
# 2. If there are more rows than columns, turn `X` on its side: work with its transpose.
# 3. Do this `steps` times, with `A` $= X X^\top$:
#
#    $$X \leftarrow 3.4445\, X - 4.7750\, A X + 2.0315\, A A X$$
# 4. Turn it back, if it was turned.
#
# All of it is done in float32, and the caller's `G` stays as it is. Write the steps out: torch's own `svd`
# and its relatives (`eigh`, `eig`, `qr`) are refused here. For example, `[[3.]]` becomes `[[0.701]]` with
# `steps=1`.


# %% exercise="newton_schulz" minutes=15 level=3
def newton_schulz(G, steps=5):
    """Return `G` (n, m) with all its singular values brought near 1."""
    ### BEGIN SOLUTION
    X = G / (G.norm() + 1e-7)
    turned = G.shape[0] > G.shape[1]
    if turned:
        X = X.T
    for _ in range(steps):
        A = X @ X.T  # as small as it gets
        X = 3.4445 * X + (2.0315 * A @ A - 4.7750 * A) @ X
    return X.T if turned else X
    ### END SOLUTION


# %% check="newton_schulz" tags=["nbval-check-output"]
check("newton_schulz")

# %% [markdown] fold="Hint 1: the frame"
# `G.norm()` is the length of the whole matrix. `G.shape[0] > G.shape[1]` says whether to turn it, and
# `X.T` does. Then a loop with two lines.

# %% [markdown] fold="Hint 2: the step"
# `A = X @ X.T`, and then `X = 3.4445 * X - 4.7750 * A @ X + 2.0315 * A @ A @ X`.

# %% [markdown]
# Around it stands Muon, which is short. Its steps have the same length whatever the gradient, so its
# learning rate says how far a matrix moves. It is for the matrices in the blocks. AdamW keeps the norms,
# which are no matrices, and embeddings and head, for which Jordan found it better.


# %%
class Muon(torch.optim.Optimizer):
    """Moves each matrix along its mean gradient, with all singular values brought near 1."""

    def __init__(self, matrices, lr, momentum=0.95):
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for matrix in group["params"]:
                mean = self.state[matrix].setdefault("mean", torch.zeros_like(matrix))
                mean.lerp_(matrix.grad, 1 - group["momentum"])
                ahead = matrix.grad.lerp(mean, group["momentum"])  # as Nesterov looks ahead
                rows, columns = matrix.shape
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                matrix.sub_(rate * newton_schulz(ahead))


def optimizers(model, rate, muon_rate=None):
    """Return AdamW for all of `model`; with `muon_rate`, Muon for the matrices of its blocks."""
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2] if muon_rate else []
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    made = [torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0)]
    return [*made, Muon(matrices, muon_rate)] if matrices else made


# %% [markdown]
# ## What is each of them worth?
#
# A part can gain in two ways: each step learns more, or it costs less time. So give every model the same
# *processor time*, not the same number of steps. `time.process_time()` counts only what this program
# used, whatever else your machine does. (On a GPU we take the clock on the wall.) The learning rate falls
# to 0 as the time runs out.


# %%
def seconds_now():
    """Return the time that counts: of the processor, or on the wall where a GPU works."""
    if where.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize() if where.type == "cuda" else None
    return time.perf_counter()


def fit(model, ids, budget, batch=8, rate=6e-3, muon_rate=None, steps=None):
    """Train for `budget` seconds, or for so many `steps`; return how many steps were done."""
    begun, done = seconds_now(), 0
    both = optimizers(model, rate, muon_rate)
    groups = [group for optimizer in both for group in optimizer.param_groups]
    rates = [group["lr"] for group in groups]
    model.train()
    while True:
        share = done / steps if steps else (seconds_now() - begun) / budget
        if share >= 1:
            return done
        x, y = get_batch(ids, batch, model.config.context)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        for optimizer in both:
            optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), 1.0)
        for group, highest in zip(groups, rates, strict=True):
            group["lr"] = highest * min(1.0, (done + 1) / 30) * (1 - share)
        for optimizer in both:
            optimizer.step()
        done += 1


# %% [markdown]
# Now the **ablation**: the parts of lesson 07, each new part alone, and all of them. The first and the
# last with three seeds, to see what chance does: 13 trainings of six seconds each at `laptop`, with a bar.
# (`smoke` takes one seed, and so few steps that its gains say nothing.)
#
# **Predict first.** Which one part gains most? Which gains nothing?

# %% tags=["demo"]
budget, seeds = {"smoke": (0.25, 1), "laptop": (6.0, 3), "gpu": (20.0, 3)}[preset]
if check.ready("RMSNorm", "apply_rope", "newton_schulz"):
    old = Modern(
        *(V, 128, 2, 4, 96),
        norm="layer",
        positions="sinusoids",
        qk_norm=False,
        hidden="gelu",
        zero=False,
    )
    new = Modern(V, 128, 2, 4, 96)
    tried = {
        "lesson 07": (old, None),
        "+ RMSNorm": (replace(old, norm="rms"), None),
        "+ rotary": (replace(old, positions="rotary"), None),
        "+ QK-norm": (replace(old, qk_norm=True), None),
        "+ squared ReLU": (replace(old, hidden="relu2"), None),
        "+ SwiGLU": (replace(old, hidden="swiglu"), None),
        "+ zeros": (replace(old, zero=True), None),
        "+ Muon": (old, 0.02),
        "all": (new, 0.02),
    }
    train_there, judged_there = (
        train_ids.to(where),
        validation_ids[: 3_000 if preset == "smoke" else 25_000].to(where),
    )
    results = {}
    fit(NewGPT(old).to(where), train_there, math.inf, steps=2)  # until all of torch is loaded
    runs = [
        (name, s) for name in tried for s in range(seeds if name in ("lesson 07", "all") else 1)
    ]
    for name, seed in tqdm(runs, file=sys.stdout, leave=False):
        config, muon_rate = tried[name]
        torch.manual_seed(seed)
        model = NewGPT(config).to(where)
        done = fit(model, train_there, budget, muon_rate=muon_rate)
        results.setdefault(name, []).append((evaluate(model, judged_there, 128), done))
    losses = {name: [loss for loss, _ in found] for name, found in results.items()}
    base = sum(losses["lesson 07"]) / len(losses["lesson 07"])
    rows = {}
    for name, found in results.items():
        mean = sum(losses[name]) / len(found)
        rows[name] = {"loss": mean, "gain": base - mean, "steps": found[0][1]}
        rows[name]["spread"] = float(np.std(losses[name], ddof=1)) if len(found) > 1 else ""
    table(rows)
    figure, axes = plt.subplots(figsize=(7, 3.4))
    names = list(rows)[::-1]
    axes.barh(names, [rows[name]["gain"] for name in names], color="#0072b2")
    axes.axvline(0, color="#333333", linewidth=1)
    axes.set(xlabel=f"gain over lesson 07's parts after {budget:g} s (nats per character)")
    figure.tight_layout()
    plots.show()

# %% [markdown] slide="At equal time, rotary gains most here" picture="above"
# Each part alone, then all. Every model gets the same processor time. Mind how far the seeds lie
# apart.
#
# Notes: A part gains in two ways: each step learns more, or it costs less time. So the budget is
# processor time and not steps. Less than two or three standard deviations over the seeds is chance,
# and one seed each is little. What gains in a few seconds mostly makes a model learn sooner. What
# keeps it steady, such as QK-norm, earns its place in trainings of weeks.

# %% [markdown]
# *The picture: a bar for each part alone, and for all of them at the end.* Read it with the standard deviation
# over the seeds in mind. A difference of less than two or three of them may be chance, and one seed each is
# little. A bar to the left of 0 is a part that costs more than it brings in so few steps (at `laptop` the
# projections that begin at zero). Nor do gains add up: compare the last bar with the others. What gains in a
# few seconds is mostly what makes a model learn *sooner*. Parts that keep a model steady, such as QK-norm,
# earn their place in trainings of weeks. And no part is new for ever: the two columns that began all this,
# GPT-2 and newer, will look odd in a few years. What stays is how to find out.
#
# ## What if one core is not enough?
#
# Four ways to more speed, and what they are worth depends on the machine. **Half precision** you know from
# lesson 07. **`torch.compile`** turns the model's many small operations into one program, which takes time
# to make, and needs a compiler. Here is what both do on yours. (The first compilation on a machine may take a
# minute or two; there is a bar.)

# %% tags=["demo"]
if check.ready("RMSNorm", "apply_rope"):
    torch.manual_seed(0)
    model = NewGPT(Modern(V, 128, 2, 4, 96)).to(where)
    x, y = (part.to(where) for part in get_batch(train_ids, 8, 128))

    def seconds_per_step(run, steps):
        for _ in range(2):  # the first ones are slower
            cross_entropy(run(x).float().flatten(0, 1), y.flatten()).backward()
        begun = seconds_now()
        for _ in range(steps):
            cross_entropy(run(x).float().flatten(0, 1), y.flatten()).backward()
        return (seconds_now() - begun) / steps

    steps = 2 if preset == "smoke" else 15
    ways = {"plain": model}
    ways["bfloat16"] = torch.autocast(where.type, dtype=torch.bfloat16)(model.forward)
    if preset != "smoke":
        ways["compiled"] = torch.compile(model)
    plain_step = None
    for name, run in ways.items():
        begun = time.perf_counter()
        try:
            with wait_bar(name, 60 if name == "compiled" else 2):
                each = seconds_per_step(run, steps)
        except Exception as problem:  # no compiler, or a processor that cannot
            print(f"{name}: not on this machine ({type(problem).__name__})")
            continue
        plain_step = plain_step or each
        whole = time.perf_counter() - begun
        print(
            f"{name}: {plain_step / each:.2f} times as fast, ready and measured after {whole:.0f} s"
        )

# %% [markdown]
# On a processor you will mostly see numbers about 1, or below. On a GPU both are worth a lot: it has units
# for 16 bits that do nothing else, and it waits for each small operation to be sent.
#
# **Gradient accumulation**: a batch that does not fit into the memory is read in parts. `backward()` adds
# up the gradients, and the step comes after the last part. Each part's loss is weighted by its share.

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
layer = nn.Linear(32, 64)
inputs, wanted = torch.randn(24, 32), torch.randint(64, (24,))
gradients = []
for parts in (1, 4):
    layer.zero_grad()
    for rows, right in zip(inputs.chunk(parts), wanted.chunk(parts), strict=True):
        (cross_entropy(layer(rows), right) / parts).backward()
    gradients.append(layer.weight.grad.clone())
print(
    "one batch of 24, or four of 6: the same gradients to 1e-6:",
    torch.allclose(*gradients, atol=1e-6),
)

# %% [markdown]
# **Data-parallel training** does the same on several machines or GPUs at a time. Each process has a copy of
# the model and reads its own part of the batch. Then all of them send each other their gradients, take the
# mean, and make the same step, so that the copies stay alike. In torch that is
# `DistributedDataParallel`, and the command `torchrun` starts the processes. It works with two processes on
# your processor too, and the next cells do it. That takes 10 to 20 seconds, with a bar.


# %%
TWO_PROCESSES = """
import json, os, torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy

torch.set_num_threads(1)
world = int(os.environ.get("WORLD_SIZE", "1"))
rank = int(os.environ.get("RANK", "0"))
torch.manual_seed(0)  # the same model everywhere
model = nn.Sequential(nn.Embedding(50, 32), nn.Flatten(), nn.Linear(8 * 32, 64), nn.Tanh(),
                      nn.Linear(64, 50))
if world > 1:
    dist.init_process_group("gloo")
    model = nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
losses = []
for step in range(40):
    generator = torch.Generator().manual_seed(step)  # the same batch everywhere
    ids = torch.randint(50, (16, 8), generator=generator)
    mine = ids[rank::world]  # of which each reads its own part
    loss = cross_entropy(model(mine), mine[:, -1])
    optimizer.zero_grad()
    loss.backward()  # here the processes talk
    optimizer.step()
    shared = loss.detach().clone()
    if world > 1:
        dist.all_reduce(shared)
    losses.append(shared.item() / world)
if rank == 0:
    print(json.dumps(losses))
if world > 1:
    dist.destroy_process_group()
"""


def run_with(processes):
    """Return the losses of the training above, by so many processes."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "train.py")
        script.write_text(TWO_PROCESSES)
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *(torchrun if processes > 1 else []), str(script)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


# %% tags=["demo"]
if preset == "smoke":
    print("(Starting three programs takes too long for the preset smoke.)")
else:
    try:
        with wait_bar("one process, then two", 15):
            alone, together = run_with(1), run_with(2)
        gap = max(abs(a - b) for a, b in zip(alone, together, strict=True))
        print(f"loss from {alone[0]:.3f} to {alone[-1]:.3f} in {len(alone)} steps")
        print(f"one process and two are apart by at most {gap:.1e}")
    except (OSError, subprocess.SubprocessError) as problem:
        print(f"torchrun does not work on this machine ({type(problem).__name__}), so no figures.")

# %% [markdown] slide="Many machines make the step of one"
# ```python
# (cross_entropy(layer(rows), right) / parts).backward()
# ```
#
# Gradients add up. So a batch may be read in parts, one after the other, or on several GPUs at a
# time.
#
# Notes: The first is called gradient accumulation, the second data-parallel training. There each
# process has a copy of the model and its own part of the batch, and all of them take the mean of
# their gradients. In the demo one process and two end with the same losses, up to rounding. Half
# precision and compiling are worth a lot on a GPU and little on a laptop's processor.

# %% [markdown]
# ## How large should the model be?
#
# Suppose you may train once, for a million. How large a model, on how much text? You cannot try. But you
# can train small ones, and look whether there is a *law*. Joel Hestness and others (2017) and Jared Kaplan
# and others (2020) found that losses fall as powers of the size and of the text. Jordan Hoffmann and others
# (2022, the "Chinchilla" paper) wrote it like this, for a model of $N$ parameters that has read $D$ tokens:
#
# $$L(N, D) = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta}$$
#
# $E$ is what no model can get below: the entropy of the text. The second part is what a model loses by being
# small, the third by having read little. We do the same, with five sizes and three budgets. These 15
# trainings take a minute or two, with a bar.

# %% tags=["demo"]
widths = (16, 24, 32, 48, 64)
read_steps = {"smoke": (3, 5, 8), "laptop": (100, 200, 400), "gpu": (400, 800, 1600)}[preset]
per_step = 8 * 64  # characters in a step


def small_run(channels, steps):
    """Train a small model for some steps; return its size, the characters read, and its loss."""
    torch.manual_seed(0)
    model = NewGPT(Modern(V, 64, 2, 4, channels)).to(where)
    fit(model, train_ids.to(where), math.inf, batch=8, muon_rate=0.02, steps=steps)
    loss = evaluate(model, validation_ids[: 3_000 if preset == "smoke" else 25_000].to(where), 64)
    return count_parameters(model), steps * per_step, loss


if check.ready("RMSNorm", "apply_rope", "newton_schulz"):
    plan = [(channels, steps) for channels in widths for steps in read_steps]
    sweep = [small_run(*each) for each in tqdm(plan, file=sys.stdout, leave=False)]
    figure, axes = plt.subplots(figsize=(6.5, 3.4))
    for steps, color in zip(read_steps, ("#56b4e9", "#0072b2", "#d55e00"), strict=True):
        line = [run for run in sweep if run[1] == steps * per_step]
        label = f"{steps * per_step:,} characters"
        axes.plot([r[0] for r in line], [r[2] for r in line], "o-", color=color, label=label)
    axes.set(xscale="log", xlabel="parameters", ylabel="loss (nats per character)")
    axes.legend(fontsize=8)
    plots.show()

# %% [markdown]
# *The picture: each line is a budget of text. More text lowers the whole line. A larger model gains, but less
# and less, if it reads no more.*
#
# Now fit the law. Two of its five numbers are exponents, and they make it hard. But if you *knew* the
# exponents, the rest would be a plain linear regression: the loss is $E$ times 1, plus $A$ times a column
# of $N^{-\alpha}$, plus $B$ times a column of $D^{-\beta}$. So try all exponents on a grid, and solve the
# regression for each.

# %% [markdown] slide="More text lowers the whole line" picture="above"
# A **scaling law**: the loss is a floor, plus what it costs to be small, plus what it costs to have
# read little.
#
# Notes: Suppose you may train once, for a million: how large a model, on how much text? You cannot
# try, but you can train small ones and look for a law. Each line here is a budget of text, and
# along it models grow. Hoffmann and others, 2022, found that the large models of the time had read
# too little. The notebook has the formula: two powers, one of the size and one of the text.

# %% [markdown] contract="fit_scaling_law"
# `fit_scaling_law(sizes, tokens, losses)` takes three float64 tensors of shape `(n,)`: of each of `n`
# trainings the number of parameters $N$, the number of characters read $D$, and the loss reached. It
# returns a dictionary of five plain floats, `"E"`, `"A"`, `"alpha"`, `"B"` and `"beta"`, for the law
#
# $$L = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta}$$
#
# whose squared errors have the smallest sum. Look for `alpha` and `beta` among 0.05, 0.06, 0.07, ..., 1.20
# (or finer), both ends included. For any two exponents the best `E`, `A` and `B` are those of a linear
# regression, also where one of them is below 0.
#
# The result should be good to 2 % of the smallest sum of squares that this grid has.


# %% exercise="fit_scaling_law" minutes=30 level=4
def fit_scaling_law(sizes, tokens, losses):
    """Return E, A, alpha, B and beta of the law that fits `losses` (n,) best, by least squares."""
    ### BEGIN SOLUTION
    exponents = torch.arange(0.05, 1.205, 0.01, dtype=torch.float64)
    alpha, beta = (each.flatten() for each in torch.meshgrid(exponents, exponents, indexing="ij"))
    # Measured by the first training, no number is huge or tiny.
    N, D = sizes / sizes[0], tokens / tokens[0]
    ones = torch.ones(len(alpha), len(N), dtype=torch.float64)
    columns = torch.stack([ones, N ** -alpha[:, None], D ** -beta[:, None]], dim=2)  # (G, n, 3)
    wanted = losses.expand(len(alpha), -1)[..., None]
    found = torch.linalg.lstsq(columns, wanted).solution  # (G, 3, 1)
    errors = ((columns @ found - wanted) ** 2).sum(dim=(1, 2))
    best = errors.argmin()
    E, A, B = found[best, :, 0].tolist()
    a, b = alpha[best].item(), beta[best].item()
    return {
        "E": E,
        "A": A * sizes[0].item() ** a,
        "alpha": a,
        "B": B * tokens[0].item() ** b,
        "beta": b,
    }
    ### END SOLUTION


# %% check="fit_scaling_law" tags=["nbval-check-output"]
check("fit_scaling_law")

# %% [markdown] fold="Hint 1: one pair of exponents"
# `columns = torch.stack([ones, N ** -alpha, D ** -beta], dim=1)` has shape `(n, 3)`, and
# `torch.linalg.lstsq(columns, losses[:, None]).solution` gives `E`, `A` and `B`. The sum of squares is that
# of `columns @ solution - losses`.

# %% [markdown] fold="Hint 2: tiny numbers"
# With $N$ of some ten thousands, $N^{-1.2}$ is tiny beside 1, and a regression can lose its digits. Measure $N$
# and $D$ in units of the first training, `sizes / sizes[0]`. At the end change `A` and `B` back:
# $A' (N / N_0)^{-\alpha} = A' N_0^{\alpha} \cdot N^{-\alpha}$.

# %% [markdown] fold="Hint 3: all at once"
# There are 116 times 116 pairs of exponents. Two `for` loops take a few seconds. `lstsq` also takes a pile
# of problems, of shapes `(G, n, 3)` and `(G, n, 1)`.

# %% [markdown]
# Fit it to the sweep. How far off is the fit at its own points? And then the test that counts: predict a run
# that is larger *and* longer than all of them, before you train it. (That run and the 16 fits take about a
# minute, with a bar for each.)

# %% tags=["demo"]
if check.ready("RMSNorm", "apply_rope", "newton_schulz", "fit_scaling_law"):
    columns = torch.tensor(sweep, dtype=torch.float64)

    def says(law, N, D):
        return law["E"] + law["A"] * N ** -law["alpha"] + law["B"] * D ** -law["beta"]

    law = fit_scaling_law(*columns.T.contiguous())
    error = (says(law, columns[:, 0], columns[:, 1]) - columns[:, 2]).square().mean().sqrt()
    print({name: round(value, 3) for name, value in law.items()})
    print(f"typical error at the 15 points: {error:.3f}")
    # How sure is that? Leave out each training in turn, fit again, and predict again.
    wide, long = 96, 2 * read_steps[-1]
    with wait_bar("the larger run", 30):
        N, D, reached = small_run(wide, long)
    guesses = []
    for left_out in trange(len(sweep), file=sys.stdout, leave=False):
        rest = torch.cat([columns[:left_out], columns[left_out + 1 :]])
        guesses.append(says(fit_scaling_law(*rest.T.contiguous()), N, D))
    print(f"{N:,} parameters, {D:,} characters")
    print(
        f"predicted: {says(law, N, D):.3f}, with one left out {min(guesses):.3f} to {max(guesses):.3f}"
    )
    print(f"reached:   {reached:.3f}")
    if law_floor := (corpus.floor(validation).mean if preset == "laptop" else None):
        print(f"E by the fit: {law['E']:.3f}; the true floor: {law_floor:.3f}")

# %% [markdown] slide="Test a law with a run that it has not seen"
# A larger and longer run, in our notebook: predicted **1.362**, reached **0.916**.
#
# The fit's floor is **-9.126**. The true one is **0.254**.
#
# Notes: The fit is smooth, and no law. Three signs say so: exponents at the very end of what was
# tried, an E below 0, and a prediction that moves far when one training is left out. Our runs are
# so short that most models are still learning to spell. What is learnt late, and then at once, is
# no power law.

# %% [markdown]
# Compare the last lines. Before you believe a fit, look for three signs that it found no law: exponents
# at the very end of what you tried, 0.05 or 1.20; an $E$ below 0, which no loss can reach; a prediction
# that moves far when a single training is left out. Do you see one of them? Our trainings are so short
# that most of the models are still learning to spell. What is learnt late, and then at once, is no power
# law. (Two other sweeps of this length found none either, both over whole words in place of characters: one as
# here, one with a learning rate that is the higher the narrower the model. There the small models come to their
# end, and the large ones are still on their way.) Hoffmann's runs were thousands of times as long. Even such a
# law is good for a step or two beyond what was measured, and its $E$, which is far outside of that, need not be
# the floor: the fables are the rare text whose floor is *known*. Nobody knows the $E$ of English.
#
# What did Hoffmann and others do with it? For a fixed amount of computing, about $6ND$ FLOPs, they looked for
# the best $N$. Kaplan and others (2020) had advised to spend most of it on size. Hoffmann and others
# found that text should grow as fast as the model, to about 20 tokens for each parameter. Larger models than
# had been usual at the time had read too little: their own, of 70 billion parameters and 1.4 trillion tokens,
# beat one of 280 billion that had read 300 billion.
#
# ## An honest question
#
# In lesson 02 you counted, and a table of counts was ready in a moment. Then came six lessons of nets. How
# much did they gain over counting, for the same time? You have not been told yet. It is time.
#
# The counts here are a little better than those of lesson 02. From each count a fixed **discount** of 0.75 is
# taken, and what it frees is lent to the shorter context. That is *interpolated absolute discounting* (Ney,
# Essen and Kneser, 1994). The class also counts all lengths at once, with sorted numbers in place of
# dictionaries.


# %%
class NGrams:
    """The counted n-grams of a text, with absolute discounting: what comes next, by what came."""

    def __init__(self, ids, V, n, discount=0.75):
        self.V, self.n, self.discount = V, n, discount
        ids = np.asarray(ids)
        code, self.tables = np.zeros(len(ids), np.int64), []
        for length in range(n):  # of the context
            if length:  # one character further back, as one more digit of a number
                code = code[1:] + ids[:-length] * V ** (length - 1)
            pairs, counts = np.unique(code * V + ids[length:], return_counts=True)
            contexts, begins = np.unique(pairs // V, return_index=True)
            self.tables.append((contexts, np.append(begins, len(pairs)), pairs % V, counts))

    def probs(self, before, came=None):
        """Return the probabilities (N, V) of what follows `before` (N, n - 1); -1: nothing stood there.

        With `came` (N,), what came there is taken out of the counts first, once: for the text that was
        counted, so that nobody is told what he is to guess.
        """
        N, every = len(before), np.arange(len(before))
        probs = np.full((N, self.V), 1 / self.V)
        code, known = np.zeros(N, np.int64), np.ones(N, bool)
        for length, (contexts, begins, chars_after, counts) in enumerate(self.tables):
            if length:
                known = known & (before[:, -length] >= 0)
                code = code + before[:, -length] * self.V ** (length - 1)
            at = np.searchsorted(contexts, code).clip(max=len(contexts) - 1)
            rows = every[known & (contexts[at] == code)]
            at = at[rows]
            many = begins[at + 1] - begins[at]  # how many different characters came
            row = np.repeat(rows, many)
            position = np.arange(len(row)) + np.repeat(begins[at] - (many.cumsum() - many), many)
            seen = np.zeros((N, self.V))
            seen[row, chars_after[position]] = counts[position]
            if came is not None:
                seen[rows, came[rows]] -= 1
            total = seen.sum(axis=1, keepdims=True)
            kept = np.maximum(seen - self.discount, 0)
            lent = self.discount * (seen > 0).sum(axis=1, keepdims=True)  # to the shorter context
            probs = np.where(total > 0, (kept + lent * probs) / np.maximum(total, 1), probs)
        return probs


# %% [markdown]
# And here is the net: all new parts, as large as lesson 07's GPT at your preset. It trains once for each
# point of the picture, each time twice as long, with a bar for each: two minutes in all at `laptop`, seconds
# at `smoke`.
#
# **Predict first.** After how many seconds is the net ahead of a 10-gram?

# %% tags=["demo"]
budget = {"smoke": 1.0, "laptop": 60.0, "gpu": 180.0}[preset]
parts = {"smoke": 2, "laptop": 4, "gpu": 6}[preset]
T = 64 if preset == "smoke" else 256
asked = 3_000 if preset == "smoke" else 25_000  # characters of the validation text
if check.ready("RMSNorm", "apply_rope", "newton_schulz"):
    ids, held_ids = train_ids.numpy(), validation_ids[: asked + 1].numpy()

    def surprises_by_counts(n):
        """Return the surprise (asked,) of each character by n-grams, and the seconds to count."""
        begun = time.process_time()
        counts = NGrams(ids, V, n)
        spent = time.process_time() - begun
        padded = np.concatenate([np.full(n, -1), held_ids])
        before = np.stack(
            [padded[n - back + 1 : n - back + 1 + asked] for back in range(n - 1, 0, -1)], 1
        )
        return -np.log(counts.probs(before)[np.arange(asked), held_ids[1:]]), spent

    counted = {n: surprises_by_counts(n) for n in (2, 3, 5, 7, 10)}
    skip = T // 2  # the net is judged where it has seen so much, and the counts with it
    for n, (surprise, spent) in counted.items():
        print(f"{n:2}-gram: counted in {spent:.2f} s, loss {surprise[skip:].mean():.3f}")

    torch.manual_seed(0)
    shape = {"smoke": (64, 2, 2, 32), "laptop": (256, 2, 4, 96), "gpu": (256, 6, 6, 384)}[preset]
    modern = NewGPT(Modern(V, *shape)).to(where)
    batch = 64 if preset == "gpu" else 4
    curve = {}
    # Each point is a training of its own, to the end of its schedule; the last one is kept.
    for budget_now in [budget * 2.0**-k for k in range(parts - 1, -1, -1)]:
        torch.manual_seed(0)
        modern = NewGPT(Modern(V, *shape)).to(where)
        with wait_bar("net", math.ceil(budget_now)):
            fit(modern, train_ids.to(where), budget_now, batch=batch, muon_rate=0.02)
        curve[budget_now] = evaluate(modern, validation_ids[: asked + 1].to(where), T)
        print(f"net: {budget_now:6.1f} s, loss {curve[budget_now]:.3f}", flush=True)
    modern_loss = evaluate(modern, validation_ids.to(where), T)

# %% tags=["demo"]
if check.ready("RMSNorm", "apply_rope", "newton_schulz"):
    figure, axes = plt.subplots(figsize=(7, 3.6))
    axes.plot(list(curve), list(curve.values()), "o-", color="#0072b2", label="net")
    for n, (surprise, spent) in counted.items():
        axes.plot([spent], [surprise[skip:].mean()], "s", color="#d55e00")
        look = {"va": "center", "xytext": (7, 0), "textcoords": "offset points"}
        if n == 7:  # the 10-gram is beside it
            look |= {"ha": "center", "xytext": (0, -13)}
        axes.annotate(f"{n}-gram", (spent, surprise[skip:].mean()), **look)
    axes.set(xscale="log", xlabel="seconds", ylabel="loss (nats per character)")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(bottom=0)
    axes.legend()
    plots.show()

# %% [markdown]
# *The picture: squares are counts, ready within seconds. The line is the net, each point a training of its
# own that ended there.* There is a stretch of time in which counting is far ahead, and at `smoke` that is all
# of it. A table needs to see a pattern only once, and in the fables, a million characters at `laptop`, the same
# patterns come back again and again.
#
# This is no oddity of the fables. On Shakespeare a 5-gram, counted in half a second, beats a GPT that has
# trained for two minutes with a well-known configuration: `make bench` in the course's repository measures
# it, beside what both can do together: a net with counts and two without, their probabilities averaged,
# take one core in ten minutes to a loss for which that project's larger configuration wants a GPU.
#
# So where is the net ahead? Ask it character by character.

# %% [markdown] slide="For a while, counting is far ahead" picture="above"
# A 7-gram, counted in less than a second, in our run: **0.685** nats per character.
#
# Notes: Squares are counts, the line is the net, and each point is a training of its own that ended
# there. Our text has a million characters, and a table needs to see a pattern once. It is no oddity
# of the fables: on Shakespeare a 5-gram beats a GPT that has trained for two minutes. Say so before
# you praise a net.

# %% tags=["demo"]
if check.ready("RMSNorm", "apply_rope", "newton_schulz"):
    half = T // 2
    with torch.no_grad():
        modern.eval()
        read = validation_ids[: asked + 1].to(where)
        by_net, at = [], []
        for offset in (0, half):
            x, y = windows(read[offset:], T)
            found = [
                cross_entropy(modern(rows).transpose(1, 2), right, reduction="none")[:, half:]
                for rows, right in zip(x.split(8), y.split(8), strict=True)
            ]
            by_net.append(torch.cat(found).flatten().cpu().numpy())
            starts = offset + np.arange(len(x)) * T
            at.append((starts[:, None] + np.arange(half, T)).ravel())
    by_net, at = np.concatenate(by_net), np.concatenate(at)  # the surprise of character at + 1
    best_n = min(counted, key=lambda n: counted[n][0][skip:].mean())
    by_counts = counted[best_n][0][at]
    text = validation_text[: asked + 1]
    begins, returns, inside = [], [], []
    seen, word_start = set(), 0
    kinds = np.full(asked + 1, "", dtype=object)
    for i, char in enumerate(text):
        if not char.isalpha():
            word = text[word_start:i].lower()
            back = word in seen and len(word) > 3
            if i > word_start:
                kinds[word_start] = (
                    "first letter, word came before" if back else "first letter, new"
                )
                kinds[word_start + 1 : i] = "later letters"
                seen.add(word)
            kinds[i] = "space and signs"
            word_start = i + 1
            if text[i - 1 : i + 1] == "\n\n":
                seen = set()  # another story
    rows = {}
    for kind in (
        "first letter, new",
        "first letter, word came before",
        "later letters",
        "space and signs",
    ):
        which = kinds[at + 1] == kind
        rows[kind] = {
            f"{best_n}-gram": float(by_counts[which].mean()),
            "net": float(by_net[which].mean()),
            "characters": int(which.sum()),
        }
    table(rows)
    # Both together: how much to trust each is found on the first half, and used on the second.
    p_net, p_counts = np.exp(-by_net), np.exp(-by_counts)
    order = np.argsort(at)
    first, second = np.array_split(order, 2)

    def mixed(share, part):
        return -np.log(share * p_net[part] + (1 - share) * p_counts[part]).mean()

    share = min(np.linspace(0, 1, 51), key=lambda each: mixed(each, first))
    print(
        f"on the second half: counts {by_counts[second].mean():.3f}, net {by_net[second].mean():.3f},"
    )
    print(f"both, with {share:.0%} for the net: {mixed(share, second):.3f}")

# %% [markdown] slide="Counts spell, the net remembers"
# Later letters of a word: the counts are ahead.
#
# First letter of a word that came before: the net is. A weighted mean of both beats either.
#
# Notes: The rows of the table tell where each is at home. Counts know spelling as well as anybody.
# They do not look back far enough to see a word that came before in the story, and the net does.
# Two models that err in different places are better together.

# %% [markdown]
# The rows tell where each is at home. Later letters are spelling, and counts know spelling as well as
# anybody. The first letter of a word that *came before* in the story is memory: the counts do not look so
# far back, and the net does.
#
# And see the last line. Two models that err in different places are better together, even by so simple a
# thing as a weighted mean. The next question is what you make of that.
#
# ## The speed run
#
# Since 2024 people have raced to train a GPT-2 as fast as can be (Keller Jordan and others, *modded-nanogpt*).
# Each record had to be reproduced by others, on the same machine, with the same loss as the goal. In the
# first year the time fell to less than a tenth. Muon comes from there, and so do several of the parts above.
#
# Here is your own, small race: a language that nobody has ever seen, three seconds of one core, and any method
# that you like. Net, counts, both, or something of your own.
#
# How do you grade a race in which the runner brings his own stopwatch? The judge makes the text at that
# moment, from letters and words that are drawn by lot, so that nothing can be prepared. It asks for the next
# character after the beginnings of *other* stories, and never sends what comes. It knows the language, and so
# it knows exactly how likely each next character is. Whatever your function answers, the judge itself works out
# the loss.

# %% [markdown] contract="speedrun"
# `speedrun(text, vocab, seconds)` learns a language from nothing but `text`, in `seconds` seconds of
# processor time, and returns a function.
#
# - `text` is a string of stories, each of which ends with a line break; the language is one that nobody
#   knows. `vocab` is the list of its characters, in any order.
# - `time.process_time()` tells how much processor time has gone by. You have `seconds` of it, for all that
#   `speedrun` does; two seconds more are forgiven.
# - The function that you return, say `predict(beginnings)`, takes a list of `N` strings, each the beginning
#   of one more story of that language, perhaps empty. It returns a float tensor of shape `(N, V)`: for
#   each of them the probabilities of the characters of `vocab` to come next, in that order, each row with a
#   sum of 1. It has ten seconds for some 400 beginnings.
#
# What counts is the loss: the mean of $-\ln p$ of what comes. The text is made when it is graded, from
# words and letters that are drawn anew. The points go by what counting reaches on the same text: that of
# pairs, of triples, and of the lesson's `NGrams` with `n = 5`. To get all of them, be as good as these; 0.04
# nats are forgiven. How much *better* you can be is the race. (Your class may have a leaderboard: there each
# entry has 120 seconds, for three languages, and ten more to predict. So let `seconds` decide how much you do.)


# %% exercise="speedrun" minutes=60 level=5
def speedrun(text, vocab, seconds):
    """Learn the language of `text` in `seconds`; return what tells how a story goes on."""
    ### BEGIN SOLUTION
    begun = time.process_time()
    V, T, batch, n = len(vocab), 96, 6, 9
    number = {char: i for i, char in enumerate(vocab)}
    ids = np.array([number[char] for char in "\n" * n + text])
    kinds = [NGrams(ids, V, length) for length in (4, 6, n)]

    def prior(before, came=None):
        logs = [np.log(kind.probs(before[:, 1 - kind.n :], came)) for kind in kinds]
        return torch.from_numpy(np.stack(logs)).float()  # (3, N, V)

    model = NewGPT(Modern(V, T, layers=1, channels=64))
    trust = nn.Parameter(torch.full((3, 1, 1), 1 / 3))  # in each length
    both = [*optimizers(model, 1e-2, 0.03), torch.optim.AdamW([trust], lr=1e-2, weight_decay=0.0)]
    rates = [group["lr"] for optimizer in both for group in optimizer.param_groups]
    step = 0
    while (spent := (time.process_time() - begun) / seconds) < 1:
        positions = np.random.randint(n, len(ids) - T, (batch, 1)) + np.arange(T)  # (B, T)
        came = ids[positions + 1].ravel()
        before = ids[positions.reshape(-1, 1) + np.arange(2 - n, 1)]  # (B * T, n - 1)
        logits = model(torch.from_numpy(ids[positions])).flatten(0, 1)
        logits = logits + (trust * prior(before, came)).sum(dim=0)
        loss = cross_entropy(logits, torch.from_numpy(came))
        for optimizer in both:
            optimizer.zero_grad()
        loss.backward()
        groups = [group for optimizer in both for group in optimizer.param_groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * min(1, (step + 1) / 20) * (1 - spent)
        for optimizer in both:
            optimizer.step()
        step += 1

    @torch.no_grad()
    def predict(beginnings):
        rows = []
        for beginning in beginnings:
            seen = [number[char] for char in "\n" * n + beginning]
            logits = model(torch.tensor([seen[n - 1 :]]))[:, -1]  # (1, V)
            logits = logits + (trust * prior(np.array([seen[1 - n :]]))).sum(dim=0)
            rows.append(logits[0].softmax(dim=0))
        return torch.stack(rows)

    return predict
    ### END SOLUTION


# %% check="speedrun" tags=["nbval-check-output"]
check("speedrun")

# %% [markdown] fold="Hint 1: begin with counts"
# `NGrams(ids, V, 5)`, and a `predict` that turns each beginning into its last four numbers and calls
# `probs`. That takes a tenth of a second, and is the yardstick of the last case. `"\n" * 5 + beginning`
# makes a beginning long enough, and the stories before end with a line break anyway. (Then put the same in
# front of the text.)

# %% [markdown] fold="Hint 2: what counting cannot know"
# Stories use words again that came in them before. A net with a context of a whole story can find that out,
# but has no time to learn spelling as well. So let it *add to* what was counted: its logits, plus the
# logarithms of the counted probabilities. A head that begins with zeros then begins exactly as good as the
# counts. (Nor need there be one length alone: the mean of the logarithms of several is better than each.)

# %% [markdown] fold="Hint 3: a trap"
# In the text that was counted, the counts know the answer: what came there is in the table. A net that
# trains on top would learn to trust them far too much. That is what `came` of `NGrams.probs` is for: it
# leaves each position's own character out.

# %% [markdown] fold="Hint 4: the time"
# Note `time.process_time()` in your first line, and look at it again before each step. What share of the
# `seconds` is gone also gives a schedule for the learning rate, down to 0 at the end. Small is fast: one
# layer of 64 channels makes a step in some milliseconds.

# %% [markdown] slide="The judge holds the watch, the text and the truth"
# The **speed run**: three seconds of one core, and any method you like.
#
# - The language is drawn by lot at that moment.
# - What comes next is never sent.
# - The judge itself works out the loss.
#
# Notes: How do you grade a race in which the runner brings the stopwatch? Letters and words are
# drawn by lot at that moment, so nothing can be prepared. The judge asks for the next character and
# never sends what comes, and works out the loss itself. Here ends the first part. From lesson 10
# on, other people depend on the model.

# %% [markdown]
# ## What was it worth?
#
# Every model so far, on the same validation text, if your preset is `laptop` (at others the earlier ones were
# not trained on your text). Mind the time, too: the modern one had far less of it there than the GPT of lesson
# 07. With as much, where would it be? You have all that you need to find out.

# %% tags=["demo"]
if check.ready("RMSNorm", "apply_rope", "newton_schulz"):
    losses = rungs.before("09_scale") if preset == "laptop" else {"uniform": math.log(V)}
    losses["modern GPT"] = modern_loss
    is_fables = corpus.log_prob(validation[0]) > -math.inf
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))
    print(f"modern GPT: {modern_loss:.3f} after {budget:g} s of processor time")

# %% [markdown]
# The parts, the rates and the trust in counts were all chosen by the validation text, many more times than
# anything in lesson 07. So look at the test text as well, once, and compare the distances to the floor.

# %% tags=["demo"]
if check.ready("modern_loss"):
    test_loss = evaluate(modern, encode(test_text, chars).to(where), T)
    floors = None
    if is_fables:
        floors = {"validation": (floor, floor_error), "test": corpus.floor(test)}
    display(plots.held_out({"validation": modern_loss, "test": test_loss}, floors))

# %% [markdown]
# If it is farther above its floor there, that is what our choosing had made of the validation text; a few
# thousandths either way may also be chance. It is the test text's number that says what the model is worth.

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_2 = "a"`.
#
# 1. Model A loses 2.0 nats per token, and its tokens have 4 characters on average. Model B loses 0.6 nats
#    per character. Which predicts the text better?
#    - (a) A
#    - (b) B
#    - (c) That cannot be compared.
# 2. With rotary positions a query at position 20 and a key at position 15 have the score 3.0. Now 100
#    characters are put in front of the text. What is the score of the same two?
#    - (a) smaller, as both were turned by more
#    - (b) 3.0
#    - (c) any number
# 3. In an ablation with one seed, a new part gains 0.01. Models with the same parts differ by about 0.02 from
#    seed to seed. What do you know?
#    - (a) The part is worth 0.01.
#    - (b) The part does harm.
#    - (c) Not whether it gains anything.
# 4. What does Muon do to a gradient's singular values?
#    - (a) It brings all of them near 1.
#    - (b) It leaves out the small ones.
#    - (c) It divides each by how large it usually is.
# 5. A law is fitted to models of 10,000 to 100,000 parameters. Its $E$ is 0.9. What does that say?
#    - (a) No model can get below 0.9 on this text.
#    - (b) Little: it lies far outside of what was measured.
#    - (c) The fit is wrong, as $E$ has to be 0.
# 6. A net trains on top of counted n-grams, on the very text that was counted. Why is each position's own
#    character left out of the counts?
#    - (a) It saves memory.
#    - (b) Rare characters would be counted too often.
#    - (c) Else the counts would know what is to be guessed, and the net would trust them too much.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "a"
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
# - Byte-pair encoding: pieces that no text is too strange for. Compare losses per character, never per token.
# - RMSNorm, rotary positions, QK-norm, squared ReLU or a gate, zeros at the start, Muon: each mends something,
#   and each was measured at equal time, with its spread.
# - Half precision and compiling are worth much on a GPU. Accumulated and data-parallel gradients are those of
#   the whole batch.
# - A scaling law predicts a step or two ahead. Test it with a run that it has not seen.
# - On a small text, counting is strong, and ready at once. A net is ahead where memory counts. Both together
#   are better than either.
#
# **Next**, in lesson 10, your model leaves the laboratory: you test it before anybody else may use it.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy, monitor,
# update, feed back) this was *choose* and *optimise*: which parts, which size, how much text, and whether a
# plain method would do.
#
# ### References
#
# - P. Gage (1994). A New Algorithm for Data Compression. *C Users Journal*.
# - R. Sennrich, B. Haddow, A. Birch (2016). Neural Machine Translation of Rare Words with Subword Units. *ACL*.
# - B. Zhang, R. Sennrich (2019). Root Mean Square Layer Normalization. *NeurIPS*.
# - J. Su and others (2021). RoFormer: Enhanced Transformer with Rotary Position Embedding.
# - A. Henry and others (2020). Query-Key Normalization for Transformers. *Findings of EMNLP*.
# - N. Shazeer (2020). GLU Variants Improve Transformer.
# - D. So and others (2021). Primer: Searching for Efficient Transformers for Language Modeling. *NeurIPS*.
# - K. Jordan and others (2024). Muon: An Optimizer for Hidden Layers in Neural Networks.
# - J. Hestness and others (2017). Deep Learning Scaling is Predictable, Empirically.
# - J. Kaplan and others (2020). Scaling Laws for Neural Language Models.
# - J. Hoffmann and others (2022). Training Compute-Optimal Large Language Models. arXiv:2203.15556.
# - H. Ney, U. Essen, R. Kneser (1994). On Structuring Probabilistic Dependences in Stochastic Language
#   Modelling. *Computer Speech and Language*.

# %%
check.summary()
