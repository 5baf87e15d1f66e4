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
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from lmcourse import check, corpus, device, play, plots, rungs, table

check.lesson("09_scale")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="build_vocab encode decode split get_batch evaluate_loss windows judge positional_encoding count_parameters clip_gradients"

# %% [markdown]
# These are your parts from the lessons before. The text is the one that you know.

# %% tags=["demo", "nbval-check-output"]
stories = corpus.split_stories(corpus.load("shakespeare" if preset == "gpu" else "fables"))
if preset == "smoke":
    stories = stories[:300]
training, validation = split(stories)
train_text, validation_text = corpus.join(training), corpus.join(validation)
chars = build_vocab(train_text + validation_text)
V = len(chars)
train_ids, validation_ids = encode(train_text, chars), encode(validation_text, chars)
where = device() if preset == "gpu" else torch.device("cpu")  # which chip trains
print(f"V = {V} characters, {len(train_ids):,} of them to learn from")

# %% [markdown]
# ## Why one character at a time?

# %% [markdown] contract="train_bpe"
# `train_bpe(ids, merges)` learns byte-pair encoding from a list of bytes.
#
# - `ids` is a list of ints from 0 to 255, and `merges` says how many pairs to learn at most.
# - It returns the list of the pairs that were merged, in order, each a tuple of two ints. The pair at
#   place `k` of this list makes the new token `256 + k`.
# - Each time, it takes the pair of neighbours that occurs most often. Every two neighbours count, also
#   those that overlap: `[7, 7, 7]` has the pair `(7, 7)` twice. Of pairs that occur equally often it
#   takes the smallest, as Python compares tuples.
# - Then it goes through the tokens from left to right and puts the new token in place of the pair:
#   `[7, 7, 7]` becomes `[256, 7]`.
# - It stops early when no pair occurs at least twice.
# - The caller's list stays as it is.
#
# For example, `train_bpe(list(b"aaabdaaabac"), 3)` returns `[(97, 97), (97, 98), (256, 257)]`.


# %% exercise="train_bpe" minutes=25 level=3
def train_bpe(ids, merges):
    """Return the pairs that byte-pair encoding merges in `ids`, a list of bytes, at most `merges`."""
    ### BEGIN SOLUTION
    pairs = []
    for new in range(256, 256 + merges):
        counts = Counter(zip(ids, ids[1:]))
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

# %% [markdown] contract="apply_rope"
# `apply_rope(x, start=0)` takes queries or keys, float32 of shape `(..., T, d)` with `d` even, and returns
# them turned, in a new tensor of the same shape. The first of the `T` characters stands at place `start`.
#
# Channels `i` and `i + d/2` are the two coordinates of a point, for `i` from 0 to `d/2 - 1`. At place `t`
# it is turned by the angle $\varphi = t \cdot 10000^{-2i/d}$ radians:
#
# $$(a, b) \rightarrow (a \cos\varphi - b \sin\varphi,\; a \sin\varphi + b \cos\varphi)$$
#
# What you make must be on `x.device`. For example, with `d = 2` the point `(1, 0)` at place 2 becomes
# `(cos 2, sin 2) = (-0.416, 0.909)`.


# %% exercise="apply_rope" minutes=20 level=3
def apply_rope(x, start=0):
    """Return `x` (..., T, d) with each pair of channels turned by its place, from `start` on."""
    ### BEGIN SOLUTION
    T, d = x.shape[-2:]
    rates = 10000.0 ** (-torch.arange(0, d, 2, device=x.device) / d)  # (d / 2,)
    places = torch.arange(start, start + T, device=x.device)
    angles = places[:, None] * rates  # (T, d / 2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x.chunk(2, dim=-1)  # (..., T, d / 2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
    ### END SOLUTION


# %% check="apply_rope" tags=["nbval-check-output"]
check("apply_rope")

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
    places: str = "rotary"  # or "clocks"
    qk_norm: bool = True
    hidden: str = "relu2"  # or "gelu" or "swiglu"
    zero: bool = True  # whether what adds to the stream begins at 0


class Attention(nn.Module):
    """Causal attention with rotary places and normalised queries and keys, as the config says."""

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
        if self.config.places == "rotary":
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
        if config.places == "clocks":
            self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList([NewBlock(config) for _ in range(config.layers)])
        self.norm = RMSNorm(C) if config.norm == "rms" else nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.initialise()

    def initialise(self):
        """Draw the starting values: as in lesson 07, or with zeros in what adds and in the head."""
        spread = 1 / math.sqrt(self.config.channels)
        for name, parameter in self.named_parameters():
            adds = name.endswith(("project.weight", "shrink.weight"))
            if self.config.zero and (adds or name == "head.weight"):
                nn.init.zeros_(parameter)
            elif adds:
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * self.config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
        if self.position_embedding is not None:
            clocks = positional_encoding(self.config.context, self.config.channels)
            with torch.no_grad():
                self.position_embedding.weight.copy_(2 * spread * clocks)

    def forward(self, ids):
        """Return the logits (B, T, V) of what follows each of the characters `ids` (B, T)."""
        x = self.token_embedding(ids)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# %% [markdown] contract="newton_schulz"
# `newton_schulz(G, steps=5)` takes a matrix `G`, float32 of shape `(n, m)`, and returns a new one of the
# same shape.
#
# 1. `X` is `G` divided by its length (the root of the sum of all its squares) plus `1e-7`.
# 2. If there are more rows than columns, turn `X` on its side: work with its transpose.
# 3. Do this `steps` times, with `A` $= X X^\top$:
#    $$X \leftarrow 3.4445\, X - 4.7750\, A X + 2.0315\, A A X$$
# 4. Turn it back, if it was turned.
#
# The caller's `G` stays as it is. For example, `[[3.]]` becomes `[[0.701]]` with `steps=1`.


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

# %%
class Muon(torch.optim.Optimizer):
    """Moves each matrix along its mean slope, with all singular values brought near 1."""

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

# %% [markdown] contract="fit_scaling_law"
# `fit_scaling_law(sizes, tokens, losses)` takes three float64 tensors of shape `(n,)`: of each of `n`
# trainings the number of parameters $N$, the number of characters read $D$, and the loss reached. It
# returns a dictionary of five floats, `"E"`, `"A"`, `"alpha"`, `"B"` and `"beta"`, for the law
#
# $$L = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta}$$
#
# whose squared errors have the smallest sum. Look for `alpha` and `beta` among 0.05, 0.06, 0.07, ..., 1.20
# (or finer). For any two exponents the best `E`, `A` and `B` are those of a linear regression.
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
            place = np.arange(len(row)) + np.repeat(begins[at] - (many.cumsum() - many), many)
            seen = np.zeros((N, self.V))
            seen[row, chars_after[place]] = counts[place]
            if came is not None:
                seen[rows, came[rows]] -= 1
            total = seen.sum(axis=1, keepdims=True)
            kept = np.maximum(seen - self.discount, 0)
            lent = self.discount * (seen > 0).sum(axis=1, keepdims=True)  # to the shorter context
            probs = np.where(total > 0, (kept + lent * probs) / np.maximum(total, 1), probs)
        return probs

# %% [markdown] contract="speedrun"
# `speedrun(text, vocab, seconds)` learns a language from nothing but `text`, in `seconds` seconds of
# processor time, and returns a function.
#
# - `text` is a string of stories, each of which ends with a line break; the language is one that nobody
#   knows. `vocab` is the list of its characters.
# - `time.process_time()` tells how much processor time has gone by. You have `seconds` of it, for all that
#   `speedrun` does; half a second more is forgiven.
# - The function that you return, say `predict(beginnings)`, takes a list of `N` strings, each the beginning
#   of one more story of that language, perhaps empty. It returns a float tensor of shape `(N, V)`: for
#   each of them the probabilities of the characters of `vocab` to come next, in that order, each row with a
#   sum of 1. It has ten seconds for some 400 beginnings.
#
# What counts is the loss: the mean of $-\ln p$ of what comes. The text is made when it is graded, from
# words and letters that are drawn anew. The points go by what counting reaches on the same text: that of
# pairs, of triples, and of the lesson's `NGrams` with `n = 5`. To get all of them, be better than these.


# %% exercise="speedrun" minutes=60 level=5
def speedrun(text, vocab, seconds):
    """Learn the language of `text` in `seconds`; return what tells how a story goes on."""
    ### BEGIN SOLUTION
    begun = time.process_time()
    V, T, batch, n = len(vocab), 96, 6, 5
    number = {char: i for i, char in enumerate(vocab)}
    ids = np.array([number[char] for char in "\n" * n + text])
    counted = NGrams(ids, V, n)
    model = NewGPT(Modern(V, T, layers=1, channels=64))
    trust = nn.Parameter(torch.ones(()))  # in what was counted
    both = [*optimizers(model, 1e-2, 0.03), torch.optim.AdamW([trust], lr=1e-2, weight_decay=0.0)]
    rates = [group["lr"] for optimizer in both for group in optimizer.param_groups]
    step = 0
    while (spent := (time.process_time() - begun) / seconds) < 1:
        places = np.random.randint(n, len(ids) - T, (batch, 1)) + np.arange(T)  # (B, T)
        came = ids[places + 1].ravel()
        before = ids[places.reshape(-1, 1) + np.arange(2 - n, 1)]  # (B * T, n - 1)
        prior = torch.from_numpy(np.log(counted.probs(before, came))).float()
        logits = model(torch.from_numpy(ids[places])).flatten(0, 1) + trust * prior
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
            prior = np.log(counted.probs(np.array([seen[1 - n :]])))
            logits = model(torch.tensor([seen[n - 1 :]]))[0, -1]
            rows.append((logits + trust * torch.from_numpy(prior[0]).float()).softmax(dim=0))
        return torch.stack(rows)

    return predict
    ### END SOLUTION


# %% check="speedrun" tags=["nbval-check-output"]
check("speedrun")

# %% [markdown] contract="quiz"
# Questions.
#
# 1. TODO

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %%
check.summary()
