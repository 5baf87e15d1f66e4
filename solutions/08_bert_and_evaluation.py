# %% [markdown] lesson="08_bert_and_evaluation" title="Both sides of the gap" minutes=210 laptop_minutes=3 gpu_minutes=2
# A GPT writes, so it may see only what stands before. Take that mask away, and the same blocks become
# another kind of model: one that reads. In this lesson you train it to fill gaps, put a classifier on
# top, and then measure what it can do, as engineers measure: not with one number.
#
# After this lesson you can
#
# - **train** a small BERT by hiding words,
# - **classify** texts with it, and say what labels cost and what pre-training saves,
# - **measure** a classifier: precision, recall, F1, ROC and AUC, calibration, results by slice,
# - **tune** and **combine** models, and say how much of the gain is luck,
# - **tell** what a language model's loss does not tell: what it knows by heart, and whom it serves badly.
#
# You need lesson 04 (training, validation, overfitting), lesson 06 (the block) and lesson 07 (how a GPT
# is put together and trained).

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
from torch.nn import functional as F
from tqdm import trange

from lmcourse import check, corpus, device, play, plots, rungs, table
from lmcourse.corpus.words import MILD_KINDS, TRAITS, WILD_KINDS

check.lesson("08_bert_and_evaluation")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="split lr_schedule causal_mask positional_encoding MultiHeadAttention FeedForward Block"

# %% [markdown]
# These are your parts from the lessons before. The text is always the fables this time: their grammar
# knows the truth about each story, and we will need it.
#
# One thing is new. To fill gaps between letters is too easy: who sees `kettl` and `e` knows the rest.
# So a token is now a **whole word**, a digit, a punctuation mark or a line's end. (Real models take
# pieces of words. How these are found is a matter for lesson 09.)

# %%
PAD, MASK, START = 0, 1, 2  # three marks; the ids of words begin behind them, at 3
MARKS = ["[pad]", "[mask]", "[start]"]


def words_of(text):
    """Return the words, digits, punctuation marks and line ends of a text."""
    return re.findall(r"[A-Za-z]+|\d|[^\w\s]|\n", text)


# %% tags=["demo", "nbval-check-output"]
stories = corpus.fables()
train, validation = split(stories)
if preset == "smoke":
    train, validation = train[:300], validation[:60]
vocabulary = MARKS + sorted({word for story in stories for word in words_of(story)})
V = len(vocabulary)
id_of = {word: number for number, word in enumerate(vocabulary)}
T = 1 + max(len(words_of(story)) for story in stories)  # places, with one for [start]
where = device() if preset == "gpu" else torch.device("cpu")  # which chip computes


def encode_lines(texts):
    """Return the ids of each text, with [start] in front and [pad] behind: (N, T)."""
    lines = [[START, *(id_of[word] for word in words_of(text))] for text in texts]
    return torch.tensor([line + [PAD] * (T - len(line)) for line in lines])


train_ids, validation_ids = encode_lines(train), encode_lines(validation)
print(f"{len(train):,} stories to learn from, V = {V:,} words and marks, T = {T} places")
print(f"of the places, {(train_ids == PAD).float().mean():.0%} are [pad]")
print("the first words:", [vocabulary[number] for number in train_ids[0, :9].tolist()])

# %% [markdown]
# ## What if it may look both ways?
#
# Here is the beginning of a fable with a gap.
#
# **Predict first.** Which word is it? First read only up to the gap, with your hand on the rest.
#
# > There was once a wombat called Gustav, so ____ that he told the sun where to set. "Let me tell you
# > what you like," he observed.

# %% [markdown] fold="Answer"
# *Bossy.* From the left it could be any of sixteen traits. What he did, and what he says, stands on the
# right. A GPT cannot use it, however large it is: the mask forbids it, because a GPT is trained to
# *write*, and what is yet to be written cannot be read.

# %% [markdown]
# So what is the mask worth to somebody who need not write? Devlin and others (2018) took it away and
# called the result **BERT**: *bidirectional encoder representations from transformers*. The blocks are
# the same. Only the table of who may look where is another one.

# %% tags=["demo"]
line = torch.tensor([START, 10, 11, 12, 13, 14, PAD, PAD])
real = line != PAD
figure, both = plt.subplots(1, 2, figsize=(7, 3.2))
for axes, name, seen in (
    (both[0], "GPT: what came before", causal_mask(8) & real),
    (both[1], "BERT: all but [pad]", real.expand(8, 8)),
):
    axes.imshow(seen, cmap=plots.FADING, vmin=0, vmax=2)
    names = ["[start]", "once", "a", "[mask]", "named", "Leo", "[pad]", "[pad]"]
    axes.set_xticks(range(8), names, rotation=90)
    axes.set_yticks(range(8), names)
    axes.set(xlabel="the word that is looked at", ylabel="the word that looks")
    axes.set_title(name, loc="left")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The picture: who may look where; blue is allowed. Left, as in lesson 05, nobody sees what comes later.
# Right, everybody sees every word.* Lines of different lengths are filled up with a mark, `[pad]`, so
# that they fit into one tensor. It stands for nothing, so nobody may look at it.
#
# Here is the model. It is a GPT with two changes: attention is told who may be seen, and what comes out
# is the stream behind the last norm, `(B, T, C)`, a row of numbers for each word in its context. These
# rows are called **embeddings** too, as they can be used for anything. The head, which makes logits of
# them, stands ready beside.
#
# There is also a third, small change: each key starts equal to its query. Then a place looks first at
# places that are like it, which by the clocks of lesson 06 are the ones nearby. Like the push of
# lesson 05, it saves us some minutes of training. All is learnt from there.


# %%
class BothWays(MultiHeadAttention):
    """Your attention of lesson 06, told by `seen` which places may be looked at."""

    def forward(self, x, seen):
        B, T, C = x.shape
        p = self.dropout if self.training else 0.0
        query, key, value = (
            part(x).view(B, T, self.heads, -1).transpose(1, 2)  # (B, heads, T, d)
            for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=p)
        return F.dropout(self.project(mixed.transpose(1, 2).flatten(2)), p)


class BertBlock(Block):
    """Your block, with that attention."""

    def __init__(self, channels, heads, dropout=0.0):
        super().__init__(channels, heads, dropout)
        self.attention = BothWays(channels, heads, dropout)

    def forward(self, x, seen):
        x = x + self.attention(self.norm1(x), seen)
        return x + self.feed_forward(self.norm2(x))


class Bert(nn.Module):
    """Words in, a row of numbers for each word in its context out: (B, T) to (B, T, C)."""

    def __init__(self, words, context, channels=64, heads=4, layers=2, dropout=0.0, causal=False):
        super().__init__()
        self.causal = causal  # with its mask on, it is a GPT
        self.token_embedding = nn.Embedding(words, channels)
        self.position_embedding = nn.Embedding(context, channels)
        blocks = [BertBlock(channels, heads, dropout) for _ in range(layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, words, bias=False)
        self.head.weight = self.token_embedding.weight
        spread = channels**-0.5
        for name, parameter in self.named_parameters():  # as in lesson 07
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=spread)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        with torch.no_grad():
            self.position_embedding.weight.copy_(
                2 * spread * positional_encoding(context, channels)
            )
            for block in blocks:  # the third change
                block.attention.key.weight.copy_(block.attention.query.weight)

    def forward(self, ids):
        seen = (ids != PAD)[:, None, None, :]  # (B, 1, 1, T): the same for all heads and places
        if self.causal:
            seen = seen & causal_mask(ids.shape[1]).to(ids.device)  # (B, 1, T, T)
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, seen)
        return self.norm(x)


# %% [markdown]
# ## What shall it learn from?
#
# A GPT learns by predicting the next word at every place. This model sees the next word. There would be
# nothing to predict.
#
# So **hide some words**, and ask for these. It is the game of the gap above, and nobody has to write
# down an answer: the text is its own. That is called **self-supervised** learning, and this kind of it
# **masked language modelling**.
#
# **Predict first.** How many words should be hidden? What goes wrong with one in a hundred? With nine in
# ten?

# %% [markdown] fold="Answer"
# With one in a hundred the model reads a whole story for a single answer to learn from. With nine in ten
# there is nothing left to answer from. Devlin and others hid 15 in 100, and for small models that still
# is a good choice.

# %% [markdown]
# There is one more twist. Say the model learns with `[mask]` at all the places that it is asked about.
# Then it need not understand any *other* place: those are never asked about. And once it is trained,
# nobody will give it masks. So of the words that are chosen, BERT hides
#
# - 80 in 100, by `[mask]`,
# - 10 in 100 are replaced by some other word, drawn at random,
# - 10 in 100 stay as they are,
#
# and the model is asked about all of them. Now any word might be wrong, so it has to check them all.
#
# These tools help:

# %% tags=["demo", "nbval-check-output"]
some = torch.tensor([[5, 6, 7], [8, 9, 0]])
where_large = (some > 5) & (some < 9)  # both must hold: & between bool tensors
print(where_large)
print(torch.where(where_large, 1, some))  # 1 where it is True, and what stood there elsewhere
print(torch.rand(some.shape).shape, torch.randint(3, 9, some.shape).shape)  # draws, 3 to 8

# %% [markdown] contract="mask_tokens"
# `mask_tokens(ids, V, share=0.15)` takes `ids`, int64 of any shape such as `(B, T)`. It returns two
# tensors of that shape:
#
# - `given`, int64: what the model gets to read,
# - `chosen`, bool: `True` at the places that it is asked about.
#
# Each word is chosen with probability `share`, by a draw of its own. The marks `PAD`, `MASK` and `START`
# (all ids up to `START`) are never chosen. Of the chosen words, each becomes `MASK` with probability
# 0.8; with 0.1 it becomes a word drawn at random, all ids from `START + 1` to `V - 1` alike; and with
# 0.1 it stays. (A word drawn at random may be the old one by chance. That does no harm.) Draw with
# torch's generator and set no seed. `ids` stays as it is.
#
# For example, with `ids = [[2, 17, 30, 4, 0]]`, `given` may be `[[2, 17, 1, 4, 0]]` and `chosen`
# `[[False, False, True, False, False]]`.


# %% exercise="mask_tokens" minutes=15 level=3
def mask_tokens(ids, V, share=0.15):
    """Return what the model gets to read in place of `ids`, and which places it is asked about."""
    ### BEGIN SOLUTION
    chosen = (torch.rand(ids.shape, device=ids.device) < share) & (ids > START)
    fate = torch.rand(ids.shape, device=ids.device)
    drawn = torch.randint(START + 1, V, ids.shape, device=ids.device)
    given = torch.where(chosen & (fate < 0.8), MASK, ids)
    given = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), drawn, given)
    return given, chosen
    ### END SOLUTION


# %% check="mask_tokens" tags=["nbval-check-output"]
check("mask_tokens")

# %% [markdown] fold="Hint 1: which are chosen"
# `torch.rand(ids.shape) < share` is `True` with probability `share`, at each place by itself. Join it by
# `&` with `ids > START`.

# %% [markdown] fold="Hint 2: what becomes of them"
# Draw a second time, `fate = torch.rand(ids.shape)`. A chosen place whose fate is below 0.8 is hidden;
# from 0.8 to 0.9 it gets a word at random; from 0.9 on it stays. `torch.where` twice, once for each.

# %% [markdown] fold="Hint 3: words at random"
# `torch.randint(low, high, ids.shape)` draws from `low` up to, not including, `high`. The first word is
# `START + 1`.

# %% [markdown]
# What does the model get to read?

# %% tags=["demo"]
if check.ready("mask_tokens"):
    torch.manual_seed(0)
    given, chosen = mask_tokens(train_ids[:1], V)
    shown = [
        f"[{vocabulary[new]}|{vocabulary[old]}]" if hit else vocabulary[old]
        for old, new, hit in zip(
            train_ids[0].tolist(), given[0].tolist(), chosen[0].tolist(), strict=True
        )
        if old != PAD
    ]
    print(" ".join(shown).replace("[[mask]", "[____"))
    print(f"\n{chosen.sum()} of {(train_ids[0] != PAD).sum()} places are asked about")

# %% [markdown]
# *In brackets: what the model reads, and behind the line what it should say.*
#
# The loss is the cross-entropy that you know, but **only at the chosen places**. At the others the
# answer stands in the question. And there is something to save: the head makes `V` logits for a place,
# and that is much work. So pick the chosen rows out of `x` *before* the head.

# %% tags=["demo", "nbval-check-output"]
x = torch.arange(12.0).reshape(2, 3, 2)  # (B, T, C)
chosen = torch.tensor([[False, True, False], [True, False, True]])
print(x[chosen])  # the rows at which it is True, one after the other: (3, C)

# %% [markdown] contract="mlm_loss"
# `mlm_loss(x, head, ids, chosen)` takes what the model says, `x`, float of shape `(B, T, C)`; the `head`,
# which makes logits `(N, V)` of rows `(N, C)`; the words that really stood there, `ids`, int64 `(B, T)`;
# and `chosen`, bool `(B, T)`. It returns the mean cross-entropy over the chosen places, in nats per
# word: a tensor of shape `()`, through which slopes travel back to `x` and to the head. The head is
# asked at the chosen places only. Where no place is chosen, the loss is a tensor with the value 0.
#
# For example, if the head's logits are all alike, the loss is $\ln V$, whatever is chosen.


# %% exercise="mlm_loss" minutes=8 level=2
def mlm_loss(x, head, ids, chosen):
    """Return the mean loss at the `chosen` places, in nats per word."""
    ### BEGIN SOLUTION
    total = F.cross_entropy(head(x[chosen]), ids[chosen], reduction="sum")
    return total / max(1, int(chosen.sum()))
    ### END SOLUTION


# %% check="mlm_loss" tags=["nbval-check-output"]
check("mlm_loss")

# %% [markdown] fold="Hint 1: the rows"
# `x[chosen]` has the shape `(N, C)`, `ids[chosen]` the shape `(N,)`. `F.cross_entropy(logits, targets)`
# takes logits `(N, V)` and targets `(N,)`.

# %% [markdown] fold="Hint 2: nothing chosen"
# The mean of no numbers is `nan`. `F.cross_entropy(..., reduction="sum")` of no rows is 0, and 0 divided
# by `max(1, ...)` is 0.

# %%
check.summary()
