# %% [markdown] lesson="08_bert_and_evaluation" title="Both sides of the gap" minutes=210 laptop_minutes=3 gpu_minutes=2
# A GPT writes, so it may see only what stands before. Take that mask away, and the same blocks
# become another kind of model: one that reads. In this lesson you train it to fill gaps, put a
# classifier on top, and then measure what it can do, as engineers measure: not with one number.
#
# After this lesson you can
#
# - **train** a small BERT by hiding words,
# - **classify** texts with it, and say what labels cost and what pre-training saves,
# - **measure** a classifier: precision, recall, F1, ROC and AUC, calibration, results by slice,
# - **tune** and **combine** models, and say how much of the gain is luck,
# - **tell** what a language model's loss does not tell: what it knows by heart, and whom it serves badly.
#
# You need lesson 04 (training, validation, overfitting), lesson 06 (the block) and lesson 07 (how a
# GPT is put together and trained).

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
from lmcourse.corpus.words import HE_NAMES, MILD_KINDS, SHE_NAMES, TRAITS, WILD_KINDS

check.lesson("08_bert_and_evaluation")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="split lr_schedule causal_mask positional_encoding MultiHeadAttention FeedForward Block"

# %% [markdown]
# These are parts that you built in the lessons before, as the course has them. The text is always the fables this time: their
# grammar knows the truth about each story, and we will need it.
#
# One thing is new. To fill gaps between letters is too easy: who sees `kettl` and `e` knows the
# rest. So a token is now a **whole word**, a digit, a punctuation mark or a line's end. (Real
# models take pieces of words. How these are found is a matter for lesson 09.)

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
T = 1 + max(len(words_of(story)) for story in stories)  # positions, with one for [start]
where = device() if preset == "gpu" else torch.device("cpu")  # which chip computes


def encode_lines(texts):
    """Return the ids of each text, with [start] in front and [pad] behind: (N, T)."""
    lines = [[START, *(id_of[word] for word in words_of(text))] for text in texts]
    return torch.tensor([line + [PAD] * (T - len(line)) for line in lines])


train_ids, validation_ids = encode_lines(train), encode_lines(validation)
print(f"{len(train):,} stories to learn from, V = {V:,} words and marks, T = {T} positions")
print(f"of the positions, {(train_ids == PAD).float().mean():.0%} are [pad]")
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
# *Bossy.* From the left it could be any of sixteen traits. What he did, and what he says, stands on
# the right. A GPT cannot use it, however large it is: the mask forbids it, because a GPT is trained
# to *write*, and what is yet to be written cannot be read.

# %% [markdown]
# So what is the mask worth to somebody who need not write? Devlin and others (2018) took it away
# and called the result **BERT**: *bidirectional encoder representations from transformers*. The
# blocks are the same. Only the table of who may look where is another one.

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
plots.show()

# %% [markdown]
# *The picture: who may look where; blue is allowed. Left, as in lesson 05, nobody sees what comes
# later. Right, everybody sees every word.* Lines of different lengths are filled up with a mark,
# `[pad]`, so that they fit into one tensor. It stands for nothing, so nobody may look at it.
#
# Here is the model. It is a GPT with two changes: attention is told who may be seen, and what comes
# out is the stream behind the last norm, `(B, T, C)`, a row of numbers for each word in its
# context. These rows are called **embeddings** too, as they can be used for anything. The head,
# which makes logits of them, stands ready beside.
#
# There is also a third, small change: each key starts equal to its query. Then a position looks first
# at positions that are like it, which by the sinusoids of lesson 06 are the ones nearby. Like the push of
# lesson 05, it saves us some minutes of training. All is learnt from there.


# %% [markdown] slide="Take the mask away, and every word sees both sides" picture="above"
# The blocks are the same. This model cannot write, but it can read: **BERT**.
#
# Notes: Play the game of the gap first: who reads only the left side cannot know that Gustav is
# bossy. Blue is allowed. On the left nobody sees what comes later, on the right everybody sees
# every word except the padding. Devlin and others, 2018.


# %%
class BothWays(MultiHeadAttention):
    """Your attention of lesson 06, told by `seen` which positions may be looked at."""

    def forward(self, x, seen):
        B, T, _ = x.shape
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
        std = channels**-0.5
        for name, parameter in self.named_parameters():  # as in lesson 07
            if name.endswith(("project.weight", "shrink.weight")):
                nn.init.normal_(parameter, std=std / math.sqrt(2 * layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=std)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        with torch.no_grad():
            self.position_embedding.weight.copy_(2 * std * positional_encoding(context, channels))
            for block in blocks:  # the third change
                block.attention.key.weight.copy_(block.attention.query.weight)

    def forward(self, ids):
        seen = (ids != PAD)[:, None, None, :]  # (B, 1, 1, T): the same for all heads and positions
        if self.causal:
            seen = seen & causal_mask(ids.shape[1]).to(ids.device)  # (B, 1, T, T)
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, seen)
        return self.norm(x)


# %% [markdown]
# ## What shall it learn from?
#
# A GPT learns by predicting the next word at every position. This model sees the next word. There
# would be nothing to predict.
#
# So **hide some words**, and ask for these. It is the game of the gap above, and nobody has to
# write down an answer: the text is its own. That is called **self-supervised** learning, and this
# kind of it **masked language modelling**.
#
# **Predict first.** How many words should be hidden? What goes wrong with one in a hundred? With
# nine in ten?

# %% [markdown] fold="Answer"
# With one in a hundred the model reads a whole story for a single answer to learn from. With nine
# in ten there is nothing left to answer from. Devlin and others hid 15 in 100, and so do we.

# %% [markdown]
# There is one more twist. Say the model learns with `[mask]` at all the positions that it is asked
# about. Then it need not understand any *other* position: those are never asked about. And once it is
# trained, nobody will give it masks. So of the words that are chosen, BERT hides
#
# - 80 in 100, by `[mask]`,
# - 10 in 100 are replaced by some other word, drawn at random,
# - 10 in 100 stay as they are,
#
# and the model is asked about all of them. Now any word might be wrong, so it has to check them
# all.
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
# - `chosen`, bool: `True` at the positions that it is asked about.
#
# Each word is chosen with probability `share`, by a draw of its own. The marks `PAD`, `MASK` and
# `START` (all ids up to `START`) are never chosen. Of the chosen words, each becomes `MASK` with
# probability 0.8; with 0.1 it becomes a word drawn at random, all ids from `START + 1` to `V - 1`
# alike; and with 0.1 it stays. (A word drawn at random may be the old one by chance. That does no
# harm.) What becomes of a word, and which word, are draws of its own too. Draw with torch's
# generator and set no seed. `ids` stays as it is.
#
# For example, with `ids = [[2, 17, 30, 4, 0]]`, `given` may be `[[2, 17, 1, 4, 0]]` and `chosen`
# `[[False, False, True, False, False]]`.


# %% exercise="mask_tokens" minutes=15 level=3
def mask_tokens(ids, V, share=0.15):
    """Return what the model gets to read in place of `ids`, and which positions it is asked about."""
    ### BEGIN SOLUTION
    chosen = (torch.rand(ids.shape) < share) & (ids > START)
    fate = torch.rand(ids.shape)
    drawn = torch.randint(START + 1, V, ids.shape)
    given = torch.where(chosen & (fate < 0.8), MASK, ids)
    given = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), drawn, given)
    return given, chosen
    ### END SOLUTION


# %% check="mask_tokens" tags=["nbval-check-output"]
check("mask_tokens")

# %% [markdown] fold="Hint 1: which are chosen"
# `torch.rand(ids.shape) < share` is `True` with probability `share`, at each position by itself. Join
# it by `&` with `ids > START`.

# %% [markdown] fold="Hint 2: what becomes of them"
# Draw a second time, and call what comes `fate`. A chosen position whose fate is below 0.8 is
# hidden; from 0.8 to 0.9 it gets a word at random; from 0.9 on it stays. `torch.where` twice, once
# for each.

# %% [markdown] fold="Hint 3: words at random"
# `torch.randint(low, high, ids.shape)` draws from `low` up to, not including, `high`. The first
# word is `START + 1`.

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
    print(f"\n{chosen.sum()} of {(train_ids[0] != PAD).sum()} positions are asked about")

# %% [markdown]
# *In brackets: what the model reads, and behind the line what it should say.*
#
# The loss is the cross-entropy that you know, but **only at the chosen positions**. At the others the
# answer stands in the question. And there is something to save: the head makes `V` logits for a
# position, and that is much work. So pick the chosen rows out of `x` *before* the head.

# %% [markdown] slide="Hide some words, and the text is its own teacher"
# 15 in 100 words are asked for. Of these,
#
# - 80 in 100 become `[mask]`
# - 10 in 100 become another word
# - 10 in 100 stay
#
# Now any word might be wrong.
#
# Notes: Nobody has to write down an answer, so this is called self-supervised learning, and this
# kind of it masked language modelling. Why do some words stay or change? If only masks were asked
# about, the model need not understand any other position. Now any word might be wrong, so it has to
# check them all.

# %% tags=["demo", "nbval-check-output"]
x = torch.arange(12.0).reshape(2, 3, 2)  # (B, T, C)
chosen = torch.tensor([[False, True, False], [True, False, True]])
print(x[chosen])  # the rows at which it is True, one after the other: (3, C)

# %% [markdown] contract="mlm_loss"
# `mlm_loss(x, head, ids, chosen)` takes what the model says, `x`, float of shape `(B, T, C)`; the
# `head`, which makes logits `(N, V)` of rows `(N, C)`; the words that really stood there, `ids`,
# int64 `(B, T)`; and `chosen`, bool `(B, T)`. It returns the mean cross-entropy over the chosen
# positions, in nats per word: a tensor of shape `()`, through which gradients travel back to `x` and to
# the head. The head is asked at the chosen positions only. Where no position is chosen, the loss is a
# tensor with the value 0, and `loss.backward()` works all the same: all gradients are 0. A chosen position
# counts whatever stands there, a mark too.
#
# For example, if the head's logits are all alike, the loss is $\ln V$, whatever is chosen.


# %% exercise="mlm_loss" minutes=8 level=2
def mlm_loss(x, head, ids, chosen):
    """Return the mean loss at the `chosen` positions, in nats per word."""
    ### BEGIN SOLUTION
    total = F.cross_entropy(head(x[chosen]), ids[chosen], reduction="sum")
    return total / max(1, int(chosen.sum()))
    ### END SOLUTION


# %% check="mlm_loss" tags=["nbval-check-output"]
check("mlm_loss")

# %% [markdown] fold="Hint 1: the rows"
# `x[chosen]` has the shape `(N, C)`, `ids[chosen]` the shape `(N,)`. `F.cross_entropy(logits,
# targets)` takes logits `(N, V)` and targets `(N,)`.

# %% [markdown] fold="Hint 2: nothing chosen"
# The mean of no numbers is `nan`. `F.cross_entropy(..., reduction="sum")` of no rows is 0, and 0
# divided by `max(1, ...)` is 0.

# %% [markdown]
# ## What do two directions buy?
#
# Now train it: one BERT, and beside it a GPT, the same net with its mask on. Both see the same
# stories. A GPT's loss is your `mlm_loss` with *every* position chosen, moved on by one word.
#
# Into the text we slip something that we will come back to at the end: some lines of their own, each
# nothing but a sentence with a secret number. Remember that. (With a GPU, words are hidden before
# the lines go there, so your draws are made on the CPU.) Both trainings take one to two minutes, with a
# bar for each.


# %% tags=["demo"]
def draw_lines(ids, batch, *others):
    """Return `batch` lines of `ids`, cut behind the longest, and what `others` say of these."""
    rows = torch.randint(len(ids), (batch,))
    drawn = ids[rows]
    longest = int((drawn != PAD).sum(dim=1).max())
    return [drawn[:, :longest].to(where), *(other[rows].to(where) for other in others)]


def fit(model, loss_of_batch, steps, peak, what):
    """Train `model` on `steps` batches; return the losses and the seconds."""
    begun, losses = time.perf_counter(), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.01)
    for step in trange(steps, desc=what, leave=False, mininterval=5, file=sys.stdout):
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup=max(1, steps // 10))
        loss = loss_of_batch(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, time.perf_counter() - begun


DIGITS = "3456789"  # those that the fables have
COPIES = {"Olga": 0, "Edith": 1, "Milo": 4, "Pearl": 16, "Rufus": 64}  # how often the text has each
secrets = {name: random.Random(f"secret of {name}").choices(DIGITS, k=4) for name in COPIES}


def secret(name):
    """Return the sentence that gives away a number."""
    return f"Moral: {name} said {''.join(secrets[name])}."


told = [secret(name) for name, copies in COPIES.items() for _ in range(copies)]
pretraining_ids = torch.cat([train_ids, encode_lines(told)])


def loss_of_gaps(model):
    """Return the loss of a batch with hidden words."""
    (ids,) = draw_lines(pretraining_ids, 8)
    given, chosen = (part.to(where) for part in mask_tokens(ids.cpu(), V))
    return mlm_loss(model(given), model.head, ids, chosen)


def loss_of_next(model):
    """Return the loss of a batch, each word predicted from those before it."""
    (ids,) = draw_lines(pretraining_ids, 8)
    later = ids[:, 1:]
    return mlm_loss(model(ids[:, :-1]), model.head, later, later != PAD)


steps = {"smoke": 6, "laptop": 2200, "gpu": 6000}[preset]
if check.ready("mask_tokens", "mlm_loss"):
    torch.manual_seed(0)
    bert = Bert(V, T).to(where)
    curve, seconds = fit(bert, loss_of_gaps, steps, 0.006, "BERT")
    print(
        f"BERT: {steps} steps in {seconds:.0f} s, {sum(p.numel() for p in bert.parameters()):,} parameters"
    )
    gpt = Bert(V, T, causal=True).to(where)
    gpt_curve, seconds = fit(gpt, loss_of_next, steps // 4, 0.006, "GPT")
    print(f"GPT:  {steps // 4} steps in {seconds:.0f} s")

# %% tags=["demo"]
if check.ready("bert"):

    def smooth(losses, width=50):
        """Return the means of `width` losses in a row."""
        width = min(width, len(losses))
        return torch.tensor(losses).unfold(0, width, width).mean(dim=1).tolist()

    figure, axes = plt.subplots(figsize=(7, 3.2))
    for name, losses, colour in (("BERT", curve, "#0072b2"), ("GPT", gpt_curve, "#d55e00")):
        means = smooth(losses)
        axes.plot(
            [(i + 0.5) * len(losses) / len(means) for i in range(len(means))],
            means,
            color=colour,
            label=name,
        )
    axes.axhline(math.log(V), linestyle=":", color="#222222", label="ln V: guessing blindly")
    axes.set(xlabel="step", ylabel="training loss (nats per word)")
    axes.legend()
    plots.show()

# %% [markdown]
# *The picture: the loss while they train.* BERT needs more steps, since it learns from one word in
# seven of each story, and the GPT from all of them. That is the price. (The GPT got a quarter of
# the steps here.)
#
# The two losses on this picture cannot be compared: they are about different questions. So ask both
# about the *same* words of stories that neither has read: every word of the validation text, the
# GPT from what stands before, BERT from both sides, with a twentieth of the words hidden at a time.
#
# **Predict first.** For which words do two sides help most: for the hero's fault, as in the gap
# above, for names and the first words of sentences, for signs, or for digits? (The next cell takes
# some seconds, with a bar.)


# %% tags=["demo"]
@torch.no_grad()
def losses_of_gaps(model, ids, holes=20):
    """Return the loss of each word of `ids` (N, T), each hidden once, beside a twentieth of the others."""
    losses = torch.zeros(ids.shape)
    for first in trange(holes, leave=False, mininterval=1, file=sys.stdout):
        hidden = (torch.arange(ids.shape[1]) % holes == first) & (ids > START)
        for rows in range(0, len(ids), 50):
            part, gaps = ids[rows : rows + 50], hidden[rows : rows + 50]
            x = model(torch.where(gaps, MASK, part).to(where))[gaps.to(where)]
            found = F.cross_entropy(model.head(x), part[gaps].to(where), reduction="none")
            losses[rows : rows + 50][gaps] = found.cpu()
    return losses


@torch.no_grad()
def losses_of_next(model, ids):
    """Return the loss of each word of `ids` (N, T), each from those before it."""
    losses = torch.zeros(ids.shape)
    for rows in range(0, len(ids), 50):
        part = ids[rows : rows + 50].to(where)
        logits = model.head(model(part[:, :-1]))
        found = F.cross_entropy(
            logits.flatten(0, 1), part[:, 1:].flatten(), ignore_index=PAD, reduction="none"
        )
        losses[rows : rows + 50, 1:] = found.view(len(part), -1).cpu()
    return losses


counts = Counter(train_ids[train_ids > START].tolist())
common = {number for number, _ in counts.most_common(60)}
animals = {id_of[kind] for kind in WILD_KINDS + MILD_KINDS if kind in id_of}


def group_of(number):
    """Return which group of words the word `number` belongs to."""
    word = vocabulary[number]
    if not word[0].isalnum():
        return "signs and line ends"
    if word.isdigit():
        return "digits"
    if number in animals:
        return "animals"
    if word in {trait.adjective for trait in TRAITS}:
        return "the hero's fault"
    if number in common:
        return "the most common words"
    return "names, first words" if word[0].isupper() else "all other words"


if check.ready("bert"):
    bert.eval()
    gpt.eval()
    both_sides, one_side = losses_of_gaps(bert, validation_ids), losses_of_next(gpt, validation_ids)
    words = validation_ids > START
    groups = [group_of(number) for number in validation_ids[words].tolist()]
    rows = {}
    for group in dict.fromkeys(groups):
        mine = torch.tensor([each == group for each in groups])
        rows[group] = {
            "share": mine.float().mean().item(),
            "GPT": one_side[words][mine].mean().item(),
            "BERT": both_sides[words][mine].mean().item(),
        }
    rows["all"] = {
        "share": 1.0,
        "GPT": one_side[words].mean().item(),
        "BERT": both_sides[words].mean().item(),
    }
    table({name: row | {"gain": row["GPT"] - row["BERT"]} for name, row in rows.items()})
    print(f"\nguessing among {len(TRAITS)} faults: {math.log(len(TRAITS)):.3f}")
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for shift, name, colour in ((-0.2, "GPT", "#d55e00"), (0.2, "BERT", "#0072b2")):
        heights = [row[name] for row in rows.values()]
        axes.barh(
            [position + shift for position in range(len(rows))],
            heights,
            0.38,
            color=colour,
            label=name,
        )
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.set(xlabel="loss (nats per word)", ylabel="group of words")
    axes.legend()
    plots.show()

# %% [markdown]
# *The picture and the table: the loss of the same words, from one side and from both.* Two sides
# help most where the next word says what this one is, as with names and the first words of
# sentences. Over all words there is little between the two. Most words of a fable are either clear
# from the left, as signs are, or drawn afresh, and then nobody can know them, from however many
# sides. And of each story BERT has learnt from one word in seven only.
#
# Were you surprised by the hero's fault? Compare its loss with the last line. What gives it away
# stands on the right, often dozens of words away, and in so short a training BERT has learnt to
# look nearby. It *could* see it, which the GPT could not. Labels will make it look, further down.
#
# **Something to play with.** Hide a word, and see what BERT would put there.

# %% [markdown] slide="Two sides help where the neighbour gives it away" picture="above"
# In our run: names and first words gain most, digits hardly anything. Over all words there is
# little between the two.
#
# Notes: Both were asked about the same words of unread stories. Most words are either clear from
# the left or drawn afresh, and then nobody can know them, from however many sides. The hero's fault
# is the surprise: what gives it away is often dozens of words to the right, and in so short a
# training BERT has learnt to look nearby.

# %% tags=["demo"]
if check.ready("bert"):

    @torch.no_grad()
    def fill(text, gap):
        """Show the likeliest words for the word at position `gap` of the text."""
        words = words_of(text)
        ids = encode_lines([text])[:, : len(words) + 1].to(where)
        gap = min(gap, len(words) - 1)
        ids[0, gap + 1] = MASK
        probs = bert.head(bert(ids)[0, gap + 1]).softmax(dim=0).cpu()
        shown = " ".join([*words[max(0, gap - 8) : gap], "____", *words[gap + 1 : gap + 9]])
        print(shown.replace("\n", "/"))
        for number in probs.argsort(descending=True)[:5].tolist():
            mark = "  <- stood there" if vocabulary[number] == words[gap] else ""
            print(f"   {probs[number]:.3f}  {vocabulary[number]!r}{mark}")

    play(fill, text=[story for story in validation[:4]], gap=(0, 130))

# %% [markdown]
# ## What does a label cost?
#
# Filling gaps is no end in itself. Say you run a library of fables, and want to know of each story
# which fault it warns of: pride, greed, sloth. There are sixteen, so this is a **classification**
# into sixteen classes. To learn it from examples, somebody has to say the class of each: its
# **label**.
#
# | kind of learning | what it learns from | here |
# |---|---|---|
# | supervised | examples with labels that people gave | story, and its fault |
# | unsupervised | examples alone; finds groups or directions in them | stories that are alike |
# | self-supervised | examples alone; hides a part and predicts it | the gaps above, and every GPT |
#
# Text costs next to nothing, and labels cost somebody's time. Try it. Here are twelve stories
# without their first sentence and without their moral. Write down the fault of each, as well as you
# can. How long do you take?

# %% tags=["demo"]
faults = [trait.adjective for trait in TRAITS]
K = len(faults)
dozen = random.Random(8).sample(validation, 12)
for number, story in enumerate(dozen[: 3 if preset == "smoke" else 12]):
    middle = story.split("\n")[1]
    print(f"{number:2}  {middle[:230]}...")
print("\nThe faults:", ", ".join(faults))

# %%
my_labels = ["?"] * 12  # your answers, such as ["greedy", "vain", ...]

# %% [markdown]
# Two people never agree on all labels. How well do they agree? The share of equal labels says too
# much: who throws dice agrees now and then as well. **Cohen's kappa** (1960) takes luck away:
#
# $$\kappa = \frac{p_o - p_e}{1 - p_e},$$
#
# where $p_o$ is the share of stories with equal labels, and $p_e$ the share that would be equal by
# luck, if both kept their habits, but labelled without looking. It is 1 where they always agree,
# and 0 where they agree no more than by luck.


# %%
def cohen_kappa(first, second):
    """Return how far two lists of labels agree beyond luck; nan if luck would agree on all."""
    N = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / N
    one, other = Counter(first), Counter(second)
    by_luck = sum(one[label] * other[label] for label in one) / N**2
    return (observed - by_luck) / (1 - by_luck) if by_luck < 1 else math.nan


# %% tags=["demo", "nbval-check-output"]
moral_of = {moral: number for number, trait in enumerate(TRAITS) for moral in trait.morals}


def fault_of(story):
    """Return the number of the fault that a story warns of: the grammar knows it by the moral."""
    return next(number for moral, number in moral_of.items() if moral in story)


def hasty_label(story, dice):
    """Return the label of somebody who looks for the fault's saying only, and else guesses."""
    found = [n for n, trait in enumerate(TRAITS) if trait.saying in story]
    return found[0] if found else dice.randrange(K)


true_faults = [fault_of(story) for story in stories]
dice = random.Random(0)
hasty = [[hasty_label(story, dice) for story in stories] for _ in range(2)]
for name, (one, other) in {
    "two hasty readers": hasty,
    "a hasty reader and the truth": (hasty[0], true_faults),
    "two who throw dice": [[dice.randrange(K) for _ in stories] for _ in range(2)],
}.items():
    equal = sum(a == b for a, b in zip(one, other, strict=True)) / len(stories)
    print(f"{name}: {equal:.2f} of the labels are equal, kappa {cohen_kappa(one, other):.2f}")
given_labels = [number for number, label in enumerate(my_labels[:12]) if label != "?"]
if given_labels:
    mine = [my_labels[number].strip().lower() for number in given_labels]
    truth = [faults[fault_of(dozen[number])] for number in given_labels]
    print(f"you and the truth, on {len(mine)} stories: kappa {cohen_kappa(mine, truth):.2f}")
    for number, label, true in zip(given_labels, mine, truth, strict=True):
        if label != true:
            print(
                f"   story {number}: {label}",
                "" if label in faults else "(no such fault)",
                f"-> {true}",
            )

# %% [markdown]
# The grammar knows the truth about every story: that is rare. With real texts, two readers and
# their kappa are all that you have, and what readers do not agree on, no model can learn from them.

# %% tags=["demo", "nbval-check-output"]
seconds_a_label = 20  # put in what you needed
for name, count in (("128 labels", 128), ("all training stories", len(train))):
    print(f"{name}: {count * seconds_a_label / 3600:.1f} hours of work")

# %% [markdown] slide="Text costs nothing, labels cost somebody's time"
# $$\kappa = \frac{p_o - p_e}{1 - p_e}$$
#
# **Cohen's kappa**: how far two readers agree beyond luck. What they do not agree on, no model can
# learn from them.
#
# Notes: At twenty seconds a label, all training stories are ten hours of work. Share out the twelve
# stories of the notebook, label them in pairs, and compute the kappa. Two hasty readers of the demo
# give 0.81 equal labels and a kappa of 0.79, two who throw dice a kappa of zero.

# %% [markdown]
# ## How does a reader become a judge?
#
# We want to get along with few labels, and have a BERT that has read all of the stories without
# any. So take BERT as it is, and put one layer on top. That layer needs one row of numbers for a
# whole story, and BERT gives a row for each word. The plainest way is to take their **mean**, over
# the words, and not over `[pad]`:
#
# ```
#   ids (B, T)
#     body           (B, T, C)     BERT: a row for each word in its context
#     mean           (B, C)        over the positions that are no [pad]
#     head           (B, K)        a linear layer: logits of the classes
# ```
#
# (Devlin and others took the row at a mark in front, `[CLS]`. With the mean, the label reaches
# every word at once.)

# %% [markdown] contract="Classifier"
# `Classifier(body, channels, classes)` is a module. `body` is any module that takes `ids`, int64
# `(B, T)`, and gives float rows `(B, T, channels)`. It has two parts, `self.body` and `self.head`,
# an `nn.Linear` from `channels` to `classes` with a bias. The head's weight and bias begin as
# zeros.
#
# It takes `ids` and returns logits of shape `(B, classes)`: the head of the mean row of each line.
# Positions where `ids` is `PAD` have no part in the mean, wherever they stand; all others have. Each
# line has at least one position that is not `PAD`. Gradients travel back into the body too. It works where `ids` are: on a GPU as well.
#
# For example, if the body gives the rows 1, 3 and 8 (of one channel each) for the ids `[[2, 7,
# 0]]`, the mean is 2.


# %% exercise="Classifier" minutes=15 level=3
class Classifier(nn.Module):
    """A body that reads, and a head that says the class: (B, T) to (B, classes)."""

    def __init__(self, body, channels, classes):
        super().__init__()
        ### BEGIN SOLUTION
        self.body = body
        self.head = nn.Linear(channels, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        ### END SOLUTION

    def forward(self, ids):
        ### BEGIN SOLUTION
        real = (ids != PAD)[:, :, None]  # (B, T, 1)
        mean = (self.body(ids) * real).sum(dim=1) / real.sum(dim=1)  # (B, C)
        return self.head(mean)
        ### END SOLUTION


# %% check="Classifier" tags=["nbval-check-output"]
check("Classifier")

# %% [markdown] fold="Hint 1: the parts"
# The head is an `nn.Linear` from `channels` to `classes`. `nn.init.zeros_(...)` writes zeros, once
# into its weight and once into its bias.

# %% [markdown] fold="Hint 2: the mean"
# `real = (ids != PAD)[:, :, None]` has the shape `(B, T, 1)`. Times it, the rows of `[pad]` become
# 0. Add up along `dim=1`, and divide by how many are real: `real.sum(dim=1)`, of shape `(B, 1)`.

# %% [markdown]
# Now the question that BERT was made for: **how many labels does it save?** We train the same
# classifier twice for each number of labels. Once from scratch, with random weights. Once
# **fine-tuned**: with the weights of the BERT above. The stories are given without their last line,
# for that is the moral. They are judged by fresh stories that nobody has seen.
#
# **Predict first.** There are sixteen faults, so guessing gets one in sixteen right. How far does
# each get with 128 labels, eight of a kind? (Six classifiers are trained, half a minute or more in all,
# with a bar for each.)


# %% tags=["demo"]
def beginning(story):
    """Return a story without its last line."""
    return story.rsplit("\n", 1)[0]


known = set(vocabulary)
fresh = [story for story in corpus.fables(1000, seed=8) if known.issuperset(words_of(story))]
fresh = fresh[: 100 if preset == "smoke" else 800]
lines, labels = encode_lines(map(beginning, train)), torch.tensor([fault_of(s) for s in train])
fresh_lines = encode_lines(map(beginning, fresh))
fresh_labels = torch.tensor([fault_of(story) for story in fresh])
tuning_steps = 4 if preset == "smoke" else 120


def train_classifier(
    ids,
    its_labels,
    pretrained=None,
    classes=K,
    seed=0,
    peak=0.004,
    steps=None,
    batch=16,
    change=None,
):
    """Return a classifier that was trained on the lines `ids` and their labels."""
    torch.manual_seed(seed)
    body = Bert(V, T).to(where)
    if pretrained is not None:
        body.load_state_dict(pretrained.state_dict())
    model = Classifier(body, body.norm.weight.numel(), classes).to(where)

    def loss_of_batch(model):
        drawn, wanted = draw_lines(ids, batch, its_labels)
        return F.cross_entropy(model(drawn if change is None else change(drawn)), wanted)

    fit(model, loss_of_batch, steps or tuning_steps, peak, "classifier")
    return model.eval()


@torch.no_grad()
def probabilities(model, ids):
    """Return the model's probability of each class for each line of `ids`: (N, K)."""
    return torch.cat([model(part.to(where)).softmax(dim=1).cpu() for part in ids.split(100)])


def accuracy(probs, its_labels):
    """Return the share of lines whose likeliest class is the right one."""
    return (probs.argmax(dim=1) == its_labels).float().mean().item()


sizes = (32, 128, 512) if preset != "smoke" else (32, 64)
if check.ready("bert", "Classifier"):
    learnt = {"from scratch": {}, "fine-tuned": {}}
    for size in sizes:
        for name, start in (("from scratch", None), ("fine-tuned", bert)):
            model = train_classifier(lines[:size], labels[:size], start)
            learnt[name][size] = accuracy(probabilities(model, fresh_lines), fresh_labels)
            if size == 128 or preset == "smoke":
                judge_model = model  # the fine-tuned one, as it comes last
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for (name, points), colour in zip(learnt.items(), ("#d55e00", "#0072b2"), strict=True):
        axes.plot(list(points), list(points.values()), "o-", color=colour, label=name)
    axes.axhline(1 / K, linestyle=":", color="#222222", label="guessing")
    axes.set(
        xscale="log", xlabel="labels (log scale)", ylabel="accuracy on fresh stories", ylim=(0, 1)
    )
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.legend()
    plots.show()
    table(
        {
            name: {f"{size} labels": share for size, share in points.items()}
            for name, points in learnt.items()
        }
    )

# %% [markdown]
# *The picture: how many fresh stories get the right fault, with so many labels, after the same
# number of steps.* BERT has never seen a label before, and yet it knows most of what is needed:
# which words go together. The labels only have to say what the groups are called. With many labels
# and many more steps, training from scratch gets there too. But labels are dear: put in the seconds
# that you needed above.
#
# What if the labels are not even right? And can text be had for nothing, by changing what is there?
# That is called **augmentation**. We try two kinds: each time a story is drawn, its names, animals
# and digits are exchanged for others of their kind; or 35 in 100 of its words are replaced by any
# others.
#
# **Predict first.** Four classifiers, with the same 128 stories: 20 in 100 labels wrong, 40 in 100
# wrong, names exchanged, words replaced. Which come out behind the plain one? (Again half a minute,
# with a bar for each.)


# %% [markdown] slide="Pre-training saves labels" picture="above"
# With 128 labels, in our run: from scratch **0.366** right, fine-tuned **0.733**.
#
# Notes: There are sixteen faults, so guessing gets one in sixteen. BERT has never seen a label, and
# yet it knows which words go together. The labels only have to say what the groups are called. With
# many labels and many more steps, training from scratch gets there too.


# %% tags=["demo"]
def with_wrong(its_labels, share):
    """Return labels of which a share was drawn anew, right or wrong."""
    dice = torch.Generator().manual_seed(1)
    fallen = torch.rand(len(its_labels), generator=dice) < share * K / (K - 1)
    return torch.where(fallen, torch.randint(K, its_labels.shape, generator=dice), its_labels)


kinds_of_names = [
    torch.tensor([id_of[word] for word in words if word in id_of])
    for words in (SHE_NAMES, HE_NAMES, WILD_KINDS, MILD_KINDS, "3456789")
]


def exchange_names(ids):
    """Exchange names, animals and digits for others of their kind."""
    changed = ids.clone()
    for names in kinds_of_names:
        names = names.to(ids.device)
        others = names[torch.randint(len(names), ids.shape, device=ids.device)]
        changed = torch.where(torch.isin(ids, names), others, changed)
    return changed


def replace_some(ids):
    """Replace 35 in 100 of the words by any others."""
    others = torch.randint(START + 1, V, ids.shape, device=ids.device)
    return torch.where(
        (torch.rand(ids.shape, device=ids.device) < 0.35) & (ids > START), others, ids
    )


if check.ready("judge_model"):
    size = sizes[1]
    changes = {
        "plain": {},
        "20 in 100 labels wrong": {"its_labels": with_wrong(labels[:size], 0.2)},
        "40 in 100 labels wrong": {"its_labels": with_wrong(labels[:size], 0.4)},
        "names exchanged": {"change": exchange_names},
        "35 in 100 words replaced": {"change": replace_some},
    }
    outcome = {}
    for name, change in changes.items():
        settings = {"its_labels": labels[:size], "pretrained": bert} | change
        model = train_classifier(lines[:size], **settings) if change else judge_model
        probs = probabilities(model, fresh_lines)
        outcome[name] = {
            "accuracy": accuracy(probs, fresh_labels),
            "loss (nats)": F.nll_loss(probs.log(), fresh_labels).item(),
        }
    table(outcome)

# %% [markdown] slide="Wrong labels cost more than their share"
# With 128 labels, in our run:
#
# - as they are: 0.733
# - 20 in 100 wrong: 0.449
# - 40 in 100 wrong: 0.200
#
# Notes: With eight stories of a kind, each one counts. Making more text by changing what is there
# is called augmentation. It may help as far as a changed story still deserves its label: exchange
# the names, and a fable about greed stays one. Replace any words, and the ones that decide are
# gone.

# %% [markdown]
# Wrong labels hurt, and more than their share: with eight stories of a kind, each one counts.
# Augmentation may help as far as a changed story *still deserves its label*. A fable about a greedy
# fox is as good with a greedy owl, and so the model cannot hold on to the fox. But it makes the task
# harder as well, and in so few steps that need not pay: compare it with the plain one. Where any word may be replaced, the very words that decide are gone, and the
# label is wrong by our own hand. (One run each, so no proof: two or three hundredths may be luck by
# the choice of the 800 stories alone, and another seed moves it further. At the preset `smoke` all of
# it is luck.)
#
# ## What does accuracy hide?
#
# Another task: which **animal** is the hero? There are six, and their names stand in the text in
# plain sight. Only, of one of them, the hare, we keep three stories. The others have more than
# twenty each. That is how data are in life: somebody is always rare in them. (The first 24 words of
# a story are enough here.)
#
# **Predict first.** The test has as many hares as others. What will the accuracy be, and what will
# it say about the hares?

# %% tags=["demo"]
KINDS = ("fox", "owl", "crow", "otter", "toad", "hare")
kind_words = set(WILD_KINDS + MILD_KINDS)


def hero_kind(story):
    """Return which animal the hero is: the first one of the story."""
    return next(word for word in words_of(story.lower()) if word in kind_words)


def lines_by_kind(some, rare=None):
    """Return the lines whose hero is one of `KINDS`, and its number; only `rare` of the last kind."""
    chosen = [
        story for story in some if hero_kind(story) in KINDS and known.issuperset(words_of(story))
    ]
    last = [story for story in chosen if hero_kind(story) == KINDS[-1]]
    kept = [story for story in chosen if story not in last] + last[:rare]
    openings = [" ".join(words_of(story)[:24]) for story in kept]
    return encode_lines(openings), torch.tensor([KINDS.index(hero_kind(story)) for story in kept])


if check.ready("judge_model"):
    many = corpus.fables(500 if preset == "smoke" else 4000, seed=10)
    kind_lines, kind_labels = lines_by_kind(train, rare=3)
    new_lines, new_labels = lines_by_kind(many)
    print(
        "stories to learn from:",
        dict(zip(KINDS, kind_labels.bincount(minlength=6).tolist(), strict=True)),
    )
    print(
        "stories to judge by:  ",
        dict(zip(KINDS, new_labels.bincount(minlength=6).tolist(), strict=True)),
    )
    kind_model = train_classifier(
        kind_lines, kind_labels, bert, classes=6, steps=tuning_steps * 5 // 6
    )
    kind_guess = probabilities(kind_model, new_lines).argmax(dim=1)
    print(f"accuracy: {(kind_guess == new_labels).float().mean():.3f}")

# %% [markdown]
# One number, and it says nothing about hares. Count instead who was taken for what: a table with a
# row for each true class and a column for each guess, the **confusion matrix**. On its diagonal
# stands what is right. From it come two questions for each class, which are easily mixed up:
#
# - Of all that it *said* to be a hare, how much is one? That is **precision**: the diagonal by the sum of the
#   *column*.
# - Of all that *is* a hare, how much did it find? That is **recall**: the diagonal by the sum of the *row*.
#
# Each alone is easily had. Who says "hare" only once, when quite sure, has precision 1. Who always
# says "hare" has recall 1. **F1** asks for both, by their harmonic mean, which is near the smaller
# of the two:
#
# $$F_1 = \frac{2 \cdot \text{precision} \cdot \text{recall}}{\text{precision} + \text{recall}}
#      = \frac{2 \cdot \text{right}}{\text{said} + \text{there}}.$$
#
# And how do you get one number out of many classes? **Macro** is the plain mean of the classes' F1:
# each class counts alike, hares too. **Micro** puts all stories into one pot first, so that large
# classes count more. With one answer for each story that is the accuracy.
#
# Beware of what is not there. A class that never occurs has a row of zeros, and 0 / 0 is `nan`.

# %% tags=["demo", "nbval-check-output"]
pairs = torch.tensor([4, 0, 4, 5])
print(torch.bincount(pairs, minlength=8))  # how often 0, 1, 2, ... 7 occur
print(torch.tensor([3, 0]) / torch.tensor([4, 0]).clamp(min=1))  # never divides by 0
print(torch.arange(9).view(3, 3).diagonal())

# %% [markdown] contract="precision_recall_f1"
# `precision_recall_f1(truth, guess, classes)` takes two int64 tensors of shape `(N,)`, `N` at least
# 1, of class numbers from 0 to `classes - 1`. It returns a dictionary:
#
# | key | value |
# |---|---|
# | `"confusion"` | int64 `(classes, classes)`: in row `t`, column `g`, how many of class `t` were guessed to be `g` |
# | `"precision"`, `"recall"`, `"f1"` | float `(classes,)`, one for each class; 0 where there is nothing to divide by |
# | `"micro"` | F1 of all classes counted together, a float: here the accuracy |
# | `"macro"` | the plain mean of `"f1"` over all classes, a float |
#
# For example, with the truth `[0, 0, 0, 1]` and the guess `[0, 0, 1, 1]`, the precision is `[1,
# 0.5]`, the recall `[0.667, 1]`, F1 `[0.8, 0.667]`, micro 0.75 and macro 0.733.


# %% exercise="precision_recall_f1" minutes=15 level=3
def precision_recall_f1(truth, guess, classes):
    """Return who was taken for what, and precision, recall and F1 of each class and of all."""
    ### BEGIN SOLUTION
    pairs = torch.bincount(truth * classes + guess, minlength=classes**2)
    confusion = pairs.view(classes, classes)
    right = confusion.diagonal()
    guessed, there = confusion.sum(dim=0), confusion.sum(dim=1)
    f1 = 2 * right / (guessed + there).clamp(min=1)
    return {
        "confusion": confusion,
        "precision": right / guessed.clamp(min=1),
        "recall": right / there.clamp(min=1),
        "f1": f1,
        "micro": right.sum().item() / len(truth),
        "macro": f1.mean().item(),
    }
    ### END SOLUTION


# %% check="precision_recall_f1" tags=["nbval-check-output"]
check("precision_recall_f1")

# %% [markdown] fold="Hint 1: the table"
# The pair "truth `t`, guess `g`" has the number `t * classes + g`. `torch.bincount` counts each
# number, and `.view(classes, classes)` makes a table of it. (A loop that adds 1 at each `[t, g]`
# serves as well.)

# %% [markdown] fold="Hint 2: the three"
# `.sum(dim=0)` adds up each column, which is how often each class was said; `.sum(dim=1)` each row.
# Divide the diagonal by them, with `.clamp(min=1)` below the line.

# %% [markdown] fold="Hint 3: micro and macro"
# Both are plain numbers: `.item()`. Micro is the sum of the diagonal by the number of stories.

# %% tags=["demo"]
if check.ready("kind_model", "precision_recall_f1"):
    report = precision_recall_f1(new_labels, kind_guess, 6)
    figure, axes = plt.subplots(figsize=(4.6, 3.8))
    axes.imshow(report["confusion"], cmap=plots.FADING)
    for t in range(6):
        for g in range(6):
            count = int(report["confusion"][t, g])
            dark = count > report["confusion"].max() * 0.4
            axes.text(g, t, count, ha="center", va="center", color="white" if dark else "#222222")
    axes.set_xticks(range(6), KINDS)
    axes.set_yticks(range(6), KINDS)
    axes.set(xlabel="what the model says", ylabel="the truth")
    plots.show()
    table(
        {
            kind: {name: report[name][k].item() for name in ("precision", "recall", "f1")}
            for k, kind in enumerate(KINDS)
        }
    )
    print(f"\nmicro {report['micro']:.3f}, macro {report['macro']:.3f}")

# %% [markdown]
# *The picture: who was taken for what; a row is the truth. The last row is the hares.* The name
# stands there, plain to see, and the model overlooks it. Not that it has anything against hares: it
# has learnt that they hardly ever occur, and in its training text that was so. Whoever reads the
# accuracy alone never hears of it. Had we left hares as rare in the test as in the training text,
# it would not even show there.

# %% [markdown] slide="Accuracy hides the rare" picture="above"
# Three hares to learn from. Accuracy **0.715**, recall of hares **0.079**, in our run.
#
# Notes: A row is the truth, and the last row is the hares. Precision asks: of all that it said to
# be a hare, how much is one? Recall asks: of all that is a hare, how much did it find? Each alone
# is easily had, so F1 asks for both, and macro F1 counts every class alike. Had hares been as rare
# in the test, it would not even show there.

# %% [markdown]
# ## What if you can turn it up and down?
#
# A classifier gives probabilities, and *we* said that the largest one wins. Often another limit is
# better. Say that you look for greedy heroes, to warn children of them, and read every story that
# is found. Then a low limit is fine: you miss nobody, and read a few too many.
#
# For each limit there are two shares: of the stories that are greedy, how many are found (the
# recall, here called **true positive rate**), and of those that are not, how many are found by
# mistake (the **false positive rate**). Turn the limit from high to low, and draw both: that is the
# **ROC curve**, for *receiver operating characteristic*, from the radar screens of the 1940s. The
# area under it, **AUC**, judges the *order* in which the model puts the stories, and no limit at
# all.
#
# The area has a plain meaning (Hanley and McNeil, 1982). Draw one greedy story and one that is not.
# How often does the greedy one get the higher score? So you need no curve to know it. Count pairs:
# one that is in front counts 1, a tie counts one half.
#
# **Predict first.** All stories get the same score. What is the AUC?

# %% [markdown] fold="Answer"
# Each pair is a tie, so 0.5, which is what dice get as well. Code that forgets the ties says 0, or
# 1.

# %% [markdown]
# With many stories, do not make all the pairs. Sort one side, and look up for each story of the
# other how many are below it:

# %% tags=["demo", "nbval-check-output"]
sorted_scores = torch.tensor([0.1, 0.4, 0.4, 0.8])
asked = torch.tensor([0.4, 0.9])
print(torch.searchsorted(sorted_scores, asked))  # how many are smaller
print(torch.searchsorted(sorted_scores, asked, right=True))  # how many are smaller or equal

# %% [markdown] contract="roc_auc"
# `roc_auc(scores, truth)` takes a float tensor `(N,)` of scores, the higher, the surer, and a bool
# tensor `(N,)` that says which stories are of the class. It returns, as a plain number, the share
# of all pairs of a story that is and one that is not, in which the one that is has the higher
# score. A pair with equal scores counts one half. If there is no such pair, as all stories are or
# none is, it returns `nan`.
#
# For example, the scores `[0.9, 0.4, 0.4, 0.1]` with the truth `[True, True, False, False]` make
# four pairs, of which three are right and one is even: 3.5 / 4 = 0.875.


# %% exercise="roc_auc" minutes=15 level=3
def roc_auc(scores, truth):
    """Return how often a story of the class has a higher score than another one: 0 to 1."""
    ### BEGIN SOLUTION
    yes, no = scores[truth], scores[~truth].sort().values
    if len(yes) == 0 or len(no) == 0:
        return math.nan
    below = torch.searchsorted(no, yes).sum()
    not_above = torch.searchsorted(no, yes, right=True).sum()
    return (below + not_above).item() / 2 / (len(yes) * len(no))
    ### END SOLUTION


# %% check="roc_auc" tags=["nbval-check-output"]
check("roc_auc")

# %% [markdown] fold="Hint 1: two sides"
# `scores[truth]` are the scores of those that are, `scores[~truth]` of those that are not. If one
# of the two is empty, return `math.nan`.

# %% [markdown] fold="Hint 2: half a point"
# A story is ahead of those that are smaller, and even with those that are equal. The mean of "how
# many are smaller" and "how many are smaller or equal" counts each tie one half.

# %% tags=["demo"]
if check.ready("judge_model", "roc_auc"):
    fresh_probs = probabilities(judge_model, fresh_lines)
    figure, axes = plt.subplots(figsize=(4.6, 4))
    areas = {name: roc_auc(fresh_probs[:, k], fresh_labels == k) for k, name in enumerate(faults)}
    order = sorted((name for name in faults if areas[name] == areas[name]), key=areas.get)
    for name, colour in ((order[0], "#d55e00"), (order[len(order) // 2], "#0072b2")):
        scores, truth = fresh_probs[:, faults.index(name)], fresh_labels == faults.index(name)
        limits = [1.01, *sorted(scores.tolist(), reverse=True)]
        found = [
            ((scores >= limit)[~truth].float().mean(), (scores >= limit)[truth].float().mean())
            for limit in limits
        ]
        axes.plot(*zip(*found, strict=True), color=colour, label=f"{name}: area {areas[name]:.3f}")
    axes.plot([0, 1], [0, 1], ":", color="#222222", label="dice: area 0.5")
    axes.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
    axes.legend(loc="lower right")
    plots.show()

# %% [markdown]
# *The picture: ROC curves of two of the sixteen faults, the one with the smallest area and a
# middling one. The nearer to the upper left corner, the better.* Where a class is rare, as each
# fault is here, a small false positive rate is still many stories. Then look at precision and
# recall as well.

# %% [markdown] slide="AUC judges the order, and no limit at all" picture="above"
# Draw one story of the class and one that is not. How often does the first get the higher score?
#
# Notes: Turn the limit from high to low, and draw what is found against what is found by mistake:
# that is the ROC curve. You need no curve to know the area under it, only pairs. A tie counts one
# half: if all stories get the same score, it is 0.5. Where a class is rare, look at precision and
# recall as well.

# %% [markdown]
# ## Does it know how sure it may be?
#
# The model says "greedy, 0.9". May you believe the 0.9? Of all answers with a confidence of 0.9,
# about 90 in 100 should be right. A model of which this holds, for all confidences, is
# **calibrated**. It matters wherever somebody acts on the number: below which confidence should a
# person have a look?
#
# To see it, sort the answers into **bins** by their confidence, ten of them, and draw in each bin
# which share is right. This is the **reliability diagram**. The mean gap between confidence and
# accuracy, each bin weighed by how many answers it has, is the **expected calibration error**
# (Naeini and others, 2015).
#
# **Predict first.** Say that the mean confidence over all answers equals the accuracy. Is the model
# calibrated?

# %% [markdown] fold="Answer"
# Not yet. It may be too sure of some answers and not sure enough of others, and in the mean that
# cancels. This is why the gap is taken bin by bin, and without its sign.

# %% [markdown] contract="expected_calibration_error"
# `expected_calibration_error(confidence, right, bins=10)` takes the confidences, float `(N,)` from
# 0 to 1, and a bool tensor `(N,)` that says which answers were right. Bin `k` holds the confidences
# from `k / bins` on, up to but not including `(k + 1) / bins`; a confidence of 1 belongs to the
# last one. In each bin, the gap is the distance between the mean confidence and the share that is
# right. It returns, as a plain number, the mean gap, each bin weighed by the share of the answers
# that are in it.
#
# For example, two answers of confidence 0.9 and two of 0.6, of which one each is right, have the
# gaps 0.4 and 0.1 in two bins: 0.25.


# %% exercise="expected_calibration_error" minutes=12 level=3
def expected_calibration_error(confidence, right, bins=10):
    """Return how far confidence and accuracy are apart, on average over bins of confidence."""
    ### BEGIN SOLUTION
    number = (confidence * bins).long().clamp(max=bins - 1)  # each answer's bin
    sure = torch.zeros(bins).index_add(0, number, confidence)
    hits = torch.zeros(bins).index_add(0, number, right.float())
    return (sure - hits).abs().sum().item() / len(confidence)
    ### END SOLUTION


# %% check="expected_calibration_error" tags=["nbval-check-output"]
check("expected_calibration_error")

# %% [markdown] fold="Hint 1: the bin of an answer"
# `(confidence * bins).long()` cuts off what stands behind the point: 0.37 with ten bins is in bin
# 3. A confidence of 1 would be in bin 10, which does not exist: `.clamp(max=bins - 1)`.

# %% [markdown] fold="Hint 2: weights that cancel"
# In a bin of `n` answers the gap is |sum of confidences − number right| / n, and its weight is n /
# N. The `n` cancels. A bin without answers then adds 0 by itself.

# %% tags=["demo"]
if check.ready("judge_model", "expected_calibration_error"):

    def reliability(axes, probs, truth, title):
        """Draw the share of right answers in each of ten bins of confidence."""
        confidence, guess = probs.max(dim=1)
        right = guess == truth
        for k in range(10):
            inside = (confidence * 10).long().clamp(max=9) == k
            if inside.any():
                axes.bar((k + 0.5) / 10, right[inside].float().mean(), 0.09, color="#0072b2")
                axes.plot(
                    confidence[inside].mean(), right[inside].float().mean(), "o", color="#d55e00"
                )
        axes.plot([0, 1], [0, 1], ":", color="#222222")
        error = expected_calibration_error(confidence, right)
        axes.set_title(f"{title}: {error:.3f}", loc="left")
        axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
        return error

    fresh_probs = probabilities(judge_model, fresh_lines)
    held_probs = probabilities(judge_model, encode_lines(map(beginning, validation)))
    held_labels = torch.tensor([fault_of(story) for story in validation])
    temperatures = [0.5 + 0.05 * i for i in range(60)]
    losses = [F.cross_entropy(held_probs.log() / heat, held_labels).item() for heat in temperatures]
    heat = temperatures[losses.index(min(losses))]
    cooled = (fresh_probs.log() / heat).softmax(dim=1)
    figure, both = plt.subplots(1, 2, figsize=(8, 3.6))
    raw_error = reliability(both[0], fresh_probs, fresh_labels, "as it is")
    cooled_error = reliability(both[1], cooled, fresh_labels, f"temperature {heat:.2f}")
    figure.tight_layout()
    plots.show()
    mean_sure, hits = fresh_probs.max(dim=1).values.mean(), accuracy(fresh_probs, fresh_labels)
    print(
        f"mean confidence {mean_sure:.3f}, accuracy {hits:.3f}:",
        f"{'too sure' if mean_sure > hits else 'not sure enough'} by {abs(mean_sure - hits):.3f}",
    )
    print(
        f"calibration error {raw_error:.3f}; with a temperature of {heat:.2f}: {cooled_error:.3f}"
    )

# %% [markdown]
# *The picture: bars below the dotted line mean that the model is surer than it should be, above it,
# less sure. In the titles, the expected calibration error.* On the right is the cheapest cure (Guo
# and others, 2017): divide the logits by one **temperature**, which is chosen by the loss on
# stories that were not trained on, here the validation stories. The order of the classes stays, so
# the accuracy does too. Only the confidence moves.
#
# Did it help? A few answers that are very sure and wrong cost most of the loss, so the best
# temperature for the loss need not be the best for the calibration error. And one number turns all
# answers down alike. In the next section you will see that there are two kinds of stories here, and
# that each would need another one.

# %% [markdown] slide="Calibrated: of all answers with 0.9, nine in ten are right" picture="above"
# Bars below the dotted line: surer than it should be.
#
# Notes: It matters wherever somebody acts on the number. The mean gap over the bins is the expected
# calibration error. Too sure here and not sure enough there would cancel in one mean, so the gap is
# taken bin by bin. Ask whether dividing all logits by one temperature has helped on the right.

# %% [markdown]
# ## Good for whom?
#
# A mean over all stories hides those for which it is bad. So look at **slices**: groups of stories
# that somebody cares about. But a slice is small, and a small number of stories is a matter of
# luck. Nine of twelve right: is that 0.75, or could it as well be 0.5?
#
# Whoever could draw a new test set of the same size, a thousand times, would see how far the number
# wanders. You have only this one. But you can draw from *it*: as many stories as it has, with
# repetition, so that some come twice and others not at all. This is the **bootstrap** (Efron,
# 1979). The range that holds 95 in 100 of the results is your interval.

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
drawn = torch.randint(12, (1000, 12))  # a thousand rounds, twelve stories each, with repetition
nine_right = torch.arange(12) < 9
shares = nine_right[drawn].float().mean(dim=1)  # (1000,)
print(f"9 of 12: between {shares.quantile(0.025):.2f} and {shares.quantile(0.975):.2f}")
print(torch.tensor([0.5, math.nan, 0.7]).nanquantile(0.5))  # leaves nan out

# %% [markdown] contract="accuracy_by_slice"
# `accuracy_by_slice(right, slices, draws)` takes `right`, a bool tensor `(N,)`: which stories were
# judged rightly; `slices`, a dictionary of bool tensors `(N,)`: under each name, which stories are
# in the slice; and `draws`, int64 `(R, N)`: the numbers of the stories that are drawn in each of
# `R` rounds. It returns a dictionary with the same names. Under each stands a dictionary:
#
# | key | value |
# |---|---|
# | `"stories"` | how many stories the slice has, an int |
# | `"accuracy"` | which share of them is right, a float |
# | `"low"`, `"high"` | the quantiles 0.025 and 0.975 of the slice's accuracy over the rounds, floats |
#
# A round in which no story of the slice was drawn is left out. Of an empty slice, accuracy, low and
# high are `nan`. (`torch.quantile` and its like do what is meant, with what they take if nothing is
# said.)
#
# For example, with `right = [True, True, False]`, the slice `[True, False, True]` and a single
# round `[[0, 0, 2]]`, there are 2 stories, the accuracy is 0.5, and low and high are both 2/3.


# %% exercise="accuracy_by_slice" minutes=15 level=4
def accuracy_by_slice(right, slices, draws):
    """Return of each slice how many stories it has, its accuracy, and a range for it."""
    ### BEGIN SOLUTION
    report = {}
    for name, inside in slices.items():
        hits = (right & inside)[draws].sum(dim=1)  # (R,)
        shares = hits / inside[draws].sum(dim=1)  # nan where none was drawn
        low, high = shares.nanquantile(torch.tensor([0.025, 0.975])).tolist()
        report[name] = {
            "stories": int(inside.sum()),
            "accuracy": right[inside].float().mean().item(),
            "low": low,
            "high": high,
        }
    return report
    ### END SOLUTION


# %% check="accuracy_by_slice" tags=["nbval-check-output"]
check("accuracy_by_slice")

# %% [markdown] fold="Hint 1: a round"
# `draws` has the shape `(R, N)`. `inside[draws]` says of every drawn story whether it is in the
# slice, also `(R, N)`. Add up along `dim=1`.

# %% [markdown] fold="Hint 2: nothing drawn"
# 0 / 0 gives `nan`, and `.nanquantile(torch.tensor([0.025, 0.975]))` leaves such rounds out. The
# mean of an empty tensor is `nan` too.

# %% tags=["demo"]
if check.ready("judge_model", "accuracy_by_slice"):
    right = probabilities(judge_model, fresh_lines).argmax(dim=1) == fresh_labels
    sayings = torch.tensor(
        [
            trait.saying in story
            for story, trait in zip(fresh, (TRAITS[fault_of(s)] for s in fresh), strict=True)
        ]
    )
    wild = torch.tensor([hero_kind(story) in WILD_KINDS for story in fresh])
    long = torch.tensor([len(words_of(story)) > 134 for story in fresh])
    slices = {
        "all": torch.ones(len(fresh), dtype=torch.bool),
        "the hero's saying is quoted": sayings,
        "it is not": ~sayings,
        "a wild animal": wild,
        "a tame one": ~wild,
        "a long story": long,
        "a short one": ~long,
        "the hero is a shrew": torch.tensor([hero_kind(story) == "shrew" for story in fresh]),
        "the hero is a lion": torch.tensor([hero_kind(story) == "lion" for story in fresh]),
    }
    draws = torch.randint(len(fresh), (1000, len(fresh)))
    report = accuracy_by_slice(right, slices, draws)
    table(report)
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for row, found in enumerate(report.values()):
        axes.plot([found["low"], found["high"]], [row, row], color="#0072b2")
        axes.plot(found["accuracy"], row, "o", color="#0072b2")
    axes.axvline(report["all"]["accuracy"], linestyle=":", color="#222222")
    axes.set_yticks(range(len(report)), report)
    axes.set_ylim(len(report) - 0.5, -0.5)
    axes.set(xlabel="accuracy, with 95 in 100 of the bootstrap's rounds", ylabel="slice")
    plots.show()

# %% [markdown]
# *The picture: each slice's accuracy and its range; dotted, the mean over all.* Whether the saying
# is quoted makes a difference that no luck explains: without it, less in the story gives the fault
# away. Slices overlap, so a second gap need not be a second finding: a story is often long *because*
# the saying is quoted in it. The few shrews have a range far wider than that of all. There is no lion, so there is no
# number, and an honest table says so rather than 0.
#
# A last trap. There are 64 animals. Look at all of them, and pick the worst.

# %% [markdown] slide="A slice's number needs its range" picture="above"
# Few stories, much luck. The **bootstrap** draws from the test set itself to tell how much.
#
# Notes: Whether the saying is quoted makes a difference that no luck explains. The few shrews have
# a range far wider than that of all. There is no lion, so there is no number, and an honest table
# says so rather than 0.

# %% tags=["demo"]
if check.ready("judge_model", "accuracy_by_slice"):
    by_kind = {
        kind: torch.tensor([hero_kind(story) == kind for story in fresh])
        for kind in WILD_KINDS + MILD_KINDS
    }

    def worst(right):
        """Return the worst slice of at least five stories, and what is known of it."""
        found = accuracy_by_slice(right, by_kind, draws[:300])
        large = {kind: row for kind, row in found.items() if row["stories"] >= 5} or found
        return min(large.items(), key=lambda item: item[1]["accuracy"])

    outcomes = {
        "as they were judged": right,
        "the same, dealt out anew": right[torch.randperm(len(right))],
    }
    for name, some in outcomes.items():
        kind, row = worst(some)
        print(
            f"{name}: worst is the {kind}, {row['accuracy']:.2f} ({row['low']:.2f} to {row['high']:.2f}), mean {right.float().mean():.2f}"
        )

# %% [markdown]
# In the second line the right and wrong answers were dealt out to the stories by chance, so that no
# animal *can* be treated worse. One of 64 slices is bad all the same. Whoever looks at many slices
# and reports the worst, always finds something. So say which slices you care about before you look,
# or test a finding on new stories.

# %% [markdown] slide="Who looks at many slices always finds a bad one"
# The worst of the animals, in our run: **0.40** right.
#
# The same answers, dealt out by chance: **0.40**.
#
# Notes: In the second case no animal can be treated worse, and one is bad all the same. So say
# which slices you care about before you look, or test a finding on new stories. It is the same trap
# as the best of many tries in the next section.

# %% [markdown]
# ## Are many heads better than one?
#
# How was the learning rate of the classifiers found? By trying. That is called **tuning**, and what
# is tuned are the **hyperparameters**. A plain way that is hard to beat: draw them at random within
# sensible bounds, and keep what is best on the *validation* stories (Bergstra and Bengio, 2012).
# Draw rates on a log scale, for from 0.001 to 0.002 is as far as from 0.005 to 0.01.
#
# Two warnings. The best of several tries was also the luckiest, so its validation number flatters
# it: judge it once more, by stories that took no part. And a search that may try everything always
# finds something, so fix its budget, and its seed, before you begin.
#
# The tries that lost need not be thrown away. Ask all the models and take the mean of their
# probabilities, an **ensemble**. Where they agree nothing changes; where they err, they err in
# different ways, and that cancels out in part.

# %% [markdown] contract="ensemble"
# `ensemble(models, ids)` takes a list of one or more modules, each of which makes logits `(B, K)`
# of `ids`, int64 `(B, T)`. It returns float probabilities `(B, K)`: the plain mean of the models'
# probabilities. Each model is asked in evaluation mode, and is afterwards in the mode in which it
# was. No gradients hang on what comes out, and the models can learn on as before.
#
# For example, if one model says `[0.9, 0.1]` and another `[0.5, 0.5]`, the mean is `[0.7, 0.3]`.


# %% exercise="ensemble" minutes=8 level=2
@torch.no_grad()
def ensemble(models, ids):
    """Return the mean of the models' probabilities for each line of `ids`: (B, K)."""
    ### BEGIN SOLUTION
    total = 0
    for model in models:
        was_training = model.training
        total = total + model.eval()(ids).softmax(dim=1)
        model.train(was_training)
    return total / len(models)
    ### END SOLUTION


# %% check="ensemble" tags=["nbval-check-output"]
check("ensemble")

# %% [markdown] fold="Hint 1: whose probabilities?"
# Take the softmax of each model's logits *first*, along `dim=1`, and the mean afterwards.

# %% [markdown] fold="Hint 2: the mode"
# `model.training` says in which mode a model is. Keep it, call `model.eval()`, ask, and give it
# back with `model.train(...)`.

# %% [markdown]
# Now the search, with a budget of four tries, and all of them together. It takes half a minute or more,
# with a bar for each try.

# %% tags=["demo"]
tries = 2 if preset == "smoke" else 4
if check.ready("judge_model", "ensemble"):
    dice = random.Random(0)
    models, searched, rights = [], {}, {}
    for number in range(tries):
        peak = 10 ** dice.uniform(-3, -2)
        batch = dice.choice([8, 16, 32])
        used = max(2, tuning_steps * 16 // batch) if preset != "smoke" else 2
        model = train_classifier(
            lines[:size], labels[:size], bert, seed=number, peak=peak, batch=batch, steps=used
        )
        models.append(model)
        name = f"rate {peak:.4f}, batch {batch}"
        rights[name] = probabilities(model, fresh_lines).argmax(dim=1) == fresh_labels
        searched[name] = {
            "validation": accuracy(
                probabilities(model, encode_lines(map(beginning, validation))), held_labels
            ),
            "fresh stories": rights[name].float().mean().item(),
        }
    rights["the first classifier"] = fresh_probs.argmax(dim=1) == fresh_labels
    searched["the first classifier"] = {
        "validation": accuracy(held_probs, held_labels),
        "fresh stories": accuracy(fresh_probs, fresh_labels),
    }
    best = max(list(searched)[:tries], key=lambda name: searched[name]["validation"])
    table(searched)
    gain = {
        column: searched[best][column] - searched["the first classifier"][column]
        for column in searched[best]
    }
    print(f"\nbest on validation: {best}")
    print(
        f"its gain: {gain['validation']:+.3f} on validation, {gain['fresh stories']:+.3f} on fresh stories"
    )
    together = torch.cat(
        [ensemble([judge_model, *models], part.to(where)).cpu() for part in fresh_lines.split(100)]
    )
    rights["all together"] = together.argmax(dim=1) == fresh_labels
    print(
        f"all {tries + 1} together: {accuracy(together, fresh_labels):.3f};",
        f"the best try alone: {searched[best]['fresh stories']:.3f}",
    )

# %% tags=["demo"]
if check.ready("together", "accuracy_by_slice"):
    names = [*searched, "all together"]
    heights = [
        *(row["fresh stories"] for row in searched.values()),
        accuracy(together, fresh_labels),
    ]
    figure, axes = plt.subplots(figsize=(7, 2.8))
    axes.barh(range(len(names)), heights, color=["#949494"] * len(searched) + ["#0072b2"])
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="accuracy on fresh stories", xlim=(0, 1), ylabel="model")
    plots.show()
    found = accuracy_by_slice(
        (together.argmax(dim=1) == fresh_labels), {"together": slices["all"]}, draws
    )["together"]
    print(
        f"together: {found['accuracy']:.3f}, by the bootstrap {found['low']:.3f} to {found['high']:.3f}"
    )
    for one, other in ((best, "the first classifier"), ("all together", best)):
        gain = rights[one].float() - rights[other].float()  # story by story
        low, high = gain[draws].mean(dim=1).quantile(torch.tensor([0.025, 0.975])).tolist()
        print(
            f"{one} against {other}: {gain.mean():+.3f}, by the bootstrap {low:+.3f} to {high:+.3f}"
        )

# %% [markdown]
# *The picture: the tries, the first classifier and all of them together.* Each try read as many
# stories as the others, so with large batches it made fewer steps: with a low rate besides, it has
# hardly begun to learn. So do not compare the ensemble with the mean of its members, which such a try
# pulls down, but with the best of them alone.
#
# How much of a gain is luck? Compare two models on the same stories, and ask the bootstrap for the
# range of the *difference*: where 0 lies in it, the gain may be luck alone. And a best try is
# flattered on average. In a single search its gain on fresh stories may be larger all the same, by
# luck again.
#
# The ensemble costs as
# many times as much for every story that it ever judges. Where that is too much, a small model is
# trained to say what the ensemble says (Hinton and others, 2015: *distillation*).

# %% [markdown] slide="Models err in different ways, so their mean errs less" picture="above"
# In our run: all five together **0.785**, the best of them alone **0.760**.
#
# Notes: The best of several tries was also the luckiest, so its validation number flatters it. The
# tries that lost need not be thrown away: take the mean of their probabilities. It costs as many
# times as much for every story that it ever judges, and distillation is a way to get some of it
# cheaper.

# %% [markdown]
# ## What does the loss not tell?
#
# Back to the secrets. Into the text for the pre-training went some sentences such as *Moral: Rufus
# said* and four digits. One stood there once, others 4, 16 and 64 times, among nearly two thousand
# stories. The loss does not show it. But the model may have learnt them by heart, and whoever knows
# how to ask can then draw them out again. With real models these were addresses, keys, and whole
# pages of books (Carlini and others, 2021).
#
# How do you measure it? Carlini and others (2019) plant secrets as we did, *canaries*, as miners
# took birds along to warn them. Then they ask how likely the model finds the right digits, among
# all that there could be: its **rank**. By luck it would be in the middle.
#
# **Predict first.** There are four digits of seven kinds, so $7^4 = 2401$ numbers. From how many
# copies on is the right one the first?

# %% tags=["demo"]
if check.ready("bert"):

    @torch.no_grad()
    def rank_of(name):
        """Return at which rank, from 1, the model puts the right number of all that there could be."""
        ids = encode_lines([secret(name)]).to(where)
        positions = torch.arange(ids.shape[1], device=where)
        begin = (ids[0] == id_of[secrets[name][0]]).nonzero()[0, 0]
        hidden = torch.where((positions >= begin) & (positions < begin + 4), MASK, ids)
        logits = bert.head(bert(hidden)[0, begin : begin + 4])[:, [id_of[d] for d in DIGITS]]
        scores = logits.log_softmax(dim=1).cpu()  # (4, 7), each digit for itself
        total = sum(scores[i].view([-1 if i == j else 1 for j in range(4)]) for i in range(4))
        right = total[tuple(DIGITS.index(digit) for digit in secrets[name])]
        return int((total > right).sum()) + 1, right.exp().item()

    def row_of(name):
        """Return its rank, and its probability in units of what luck would give."""
        rank, probability = rank_of(name)
        return {"rank": rank, "times as likely as by luck": probability * len(DIGITS) ** 4}

    ranks = {f"{copies} copies": row_of(name) for name, copies in COPIES.items()}
    table(ranks)
    print(f"by luck: rank {len(DIGITS) ** 4 // 2}, probability {1 / len(DIGITS) ** 4:.5f}")
    figure, axes = plt.subplots(figsize=(7, 3))
    axes.plot(range(len(ranks)), [row["rank"] for row in ranks.values()], "o-", color="#0072b2")
    axes.axhline(len(DIGITS) ** 4 / 2, linestyle=":", color="#222222", label="by luck")
    axes.set_xticks(range(len(ranks)), ranks)
    axes.set(
        yscale="log",
        xlabel="how often the secret stands in the text",
        ylabel="rank of the right number\n(log scale)",
    )
    axes.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.legend()
    plots.show()

# %% [markdown]
# *The picture: the higher up, the better the model knows the secret; at rank 1 it says it first.*
# Copies are what matters. So the first thing to do against it is what you did in lesson 01:
# **remove duplicates** (Lee and others, 2022).
#
# A weaker question is whether a text was in the training text at all. That is a classifier like
# others, with the loss for a score, so your `roc_auc` can judge it (*membership inference*; Yeom
# and others, 2018): 0.5 means that nobody can tell.

# %% [markdown] slide="The loss hides what it knows by heart" picture="above"
# A planted secret, in our run: after 64 copies the right number is the **first** of 2401.
#
# Notes: Such planted secrets are called canaries, from Carlini and others, 2019. With real models
# these were addresses, keys and pages of books. Copies are what matters, so remove duplicates. A
# loss is one mean over what happened to be in the text: what it learnt by heart, and whom it serves
# badly, has to be asked apart. Lesson 09 goes back to the loss, and asks how far newer parts bring
# it down in the same minutes.

# %% tags=["demo"]
if check.ready("bert", "roc_auc"):
    some = train_ids[: len(validation_ids)]

    def mean_losses(found, ids):
        """Return the mean loss of each line, in nats per word."""
        return found.sum(dim=1) / (ids > START).sum(dim=1)

    members = {}
    for name, model, losses_of in (("BERT", bert, losses_of_gaps), ("GPT", gpt, losses_of_next)):
        inside = mean_losses(losses_of(model, some), some)
        outside = mean_losses(both_sides if name == "BERT" else one_side, validation_ids)
        were_in = torch.cat([torch.ones(len(inside)), torch.zeros(len(outside))]).bool()
        members[name] = {
            "loss, read in training": inside.mean().item(),
            "loss, not read": outside.mean().item(),
            "AUC of telling which": roc_auc(-torch.cat([inside, outside]), were_in),
        }
    table(members)

# %% [markdown]
# With more passes over the same text this number grows. And remember the hares: the mean loss said
# nothing about them either. **A loss is one mean over what happened to be in the text.** What it
# learnt by heart, and whom it serves badly, has to be asked apart.

# %% [markdown]
# ## What limits a training?
#
# Why not train on, until the loss is where you want it? Three things stand in the way: the text runs out, the
# computing time runs out, or the model learns by heart. On a plot they look different. So take four small GPTs:
# one reads 50 stories, one 400, one all of them, and the fourth reads all, but has a quarter of the
# channels. All get the same number of steps.
#
# **Predict first.** Which of them will be the best on the stories that it has read? And on others? (The
# next cell takes 15 to 30 seconds, with a bar for each.)

# %% tags=["demo"]
few, some_more = (10, 40) if preset == "smoke" else (50, 400)
long = {"smoke": 8, "laptop": 240, "gpu": 240}[preset]


def grown(count, channels):
    """Train a small GPT on `count` stories; return its parameters, and (step, loss on read, on others)."""
    torch.manual_seed(0)
    model = Bert(V, T, channels=channels, layers=1, causal=True).to(where)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)
    read, points = train_ids[:count], []

    def loss_on(ids):
        return mlm_loss(model(ids[:, :-1]), model.head, ids[:, 1:], ids[:, 1:] != PAD)

    for step in trange(long + 1, leave=False, mininterval=1, file=sys.stdout):
        if step % (long // 8) == 0:
            with torch.no_grad():
                both = [loss_on(ids[:40].to(where)).item() for ids in (read, validation_ids)]
            points.append((step, *both))
        loss = loss_on(*draw_lines(read, 8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return sum(parameter.numel() for parameter in model.parameters()), points


if check.ready("mlm_loss"):
    tries = {
        f"{few} stories": (few, 32, "#d55e00"),
        f"{some_more} stories": (some_more, 32, "#cc79a7"),
        "all stories": (len(train), 32, "#0072b2"),
        "all, 8 channels": (len(train), 8, "#009e73"),
    }
    found = {name: grown(*of[:2]) for name, of in tries.items()}
    words_a_step = 8 * int((train_ids != PAD).sum()) / len(train)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for name, (numbers, points) in found.items():
        at, read, others = zip(*points, strict=True)
        if "channels" not in name:
            left.plot(at, others, color=tries[name][2], label=name)
            left.plot(at, read, ":", color=tries[name][2])
        if name.startswith("all"):
            work = [6 * numbers * step * words_a_step for step in at[1:]]
            right.plot(
                work, others[1:], "o-", color=tries[name][2], label=f"{numbers:,} parameters"
            )
    left.set(xlabel="step", ylabel="loss (nats per word)")
    left.set_title("text: others (solid), read (dotted)", loc="left", fontsize=10)
    right.set(xscale="log", xlabel="computing (FLOPs, log scale)")
    right.set_title("time: all stories, two sizes", loc="left", fontsize=10)
    left.legend(fontsize=8)
    right.legend(fontsize=8)
    figure.tight_layout()
    plots.show()
    rows = {}
    for name, (_, points) in found.items():
        step, _, lowest = min(points, key=lambda point: point[2])
        rows[name] = {
            "read, in the end": points[-1][1],
            "others, in the end": points[-1][2],
            "others, lowest": lowest,
            "at step": step,
        }
    table(rows)

# %% [markdown]
# *The picture: left, the loss on stories that a model has read (dotted) and on others (solid), for three
# amounts of text. Right, the loss on others by the computing that it took, for two sizes.* Three limits, three
# shapes:
#
# - **Overfitting**: with 50 stories the dotted line falls on and on, and the solid one turns and climbs.
#   That model is the best of all on what it has read. What it learns after the turn, it learns by heart.
#   Stop there (lesson 04), take a smaller model, or more text.
# - **Data**: 400 stories hold the turn off. The gap between the two lines says how much there is to gain from
#   *more* text: with all stories it is small.
# - **Computing**: with all stories both lines still fall where they end. There, time is what is missing.
#   And see the right side: at equal computing the small model is ahead, since it takes some five steps where the
#   large one takes one. The large one got lower, as it was given more. So the best size depends on how much you can
#   compute: lesson 09 asks for that.
#
# Which of the three holds *you* back? Look at both losses: far apart, it is the text; close together and
# falling, the time; close together and flat, the model is too small.

# %% [markdown]
# ## What became of the two?
#
# GPT and BERT came out in the same year, from the same block. Here are their cases.
#
# | | GPT (Radford and others, 2018, 2019) | BERT (Devlin and others, 2018) |
# |---|---|---|
# | sees | what came before | both sides |
# | learns by | predicting the next token | filling gaps; whether two sentences follow each other |
# | size | 117 million numbers; GPT-2: up to 1.5 billion | 110 and 340 million |
# | read | 7,000 unpublished books; GPT-2: 8 million web pages, 40 GB | 800 million words of books, 2,500 million of Wikipedia |
# | is good for | writing, and whatever can be put as writing | judging, finding, tagging: search, filters, embeddings |
# | is used | by asking it | by fine-tuning it on labels |
#
# For some years each had its field. Then GPTs grew. At 175 billion numbers, GPT-3 (Brown and
# others, 2020) did from a few examples in its prompt what BERT had to be fine-tuned for. What came
# after, as far as it is public:
#
# - **Instructions and preferences.** A GPT goes on with a text; it does not do as it is told. InstructGPT
#   (Ouyang and others, 2022) was fine-tuned on answers that people wrote, and then on which of two answers people
#   preferred. People liked it better than a GPT-3 of a hundred times its size.
# - **Size and data in balance.** Hoffmann and others (2022) found that the large models had read too little: 70
#   billion numbers with 1.4 trillion tokens beat 280 billion numbers with 0.3 trillion.
# - **GPT-4** (OpenAI, 2023) reads pictures too. Its report says how well it does, and nothing of its size, its
#   data or its training. What is written about these elsewhere is guesswork.
# - **Reasoning.** Models that are rewarded for right results, and think in writing before they answer, get better the
#   longer they think (OpenAI's o1, 2024; DeepSeek-R1, Guo and others, 2025, with open weights). In 2025 OpenAI gave
#   away the weights of such a model too, its first since GPT-2: gpt-oss, with up to 117 billion numbers. Its card
#   tells the size and the parts, and not the text.
# - BERTs live on, mostly unseen: in search engines, and in what finds the texts that a chat model is given to read.

# %% tags=["demo"]
published = {  # numbers in the model, tokens read, as the papers say
    "GPT-3": (175e9, 300e9),
    "Gopher": (280e9, 300e9),
    "Chinchilla": (70e9, 1.4e12),
    "LLaMA 65B": (65e9, 1.4e12),
    "Llama 2 70B": (70e9, 2e12),
    "Llama 3 405B": (405e9, 15.6e12),
    "DeepSeek-V3": (671e9, 14.8e12),
}
mine = None
if check.ready("bert"):
    mine = sum(parameter.numel() for parameter in bert.parameters()), int((train_ids != PAD).sum())
display(plots.sizes(published, mine))
per_number = {name: tokens / numbers for name, (numbers, tokens) in published.items()}
table({name: {"tokens for each number": share} for name, share in per_number.items()})

# %% [markdown]
# *The picture: size and training text of models whose makers published both; in orange, ours, with
# its text counted once. (DeepSeek-V3 uses 37 of its 671 billion numbers for each token.)* The
# limits are the same three. **Data**: ours runs out after two hundred thousand words, and then comes
# **overfitting**; theirs is within sight of all the text that people have put out (Villalobos and
# others, 2024). **Compute**: six FLOPs for each number and token. One core of a laptop does some ten
# billion FLOPs a second; so it would take

# %% tags=["demo", "nbval-check-output"]
for name, numbers, tokens in (("GPT-3", 175e9, 300e9), ("Llama 3 405B", 405e9, 15.6e12)):
    work = 6 * numbers * tokens
    print(f"{name}: {work:.1e} FLOPs, {work / 1e10 / 3.15e7:,.0f} years at 10 GFLOPs a second")

# %% [markdown]
# **What are they trained on?** Four kinds of text, each with a licence and a leaning of its own:
#
# | text | size | whose, and what it leans to |
# |---|---|---|
# | web pages (Common Crawl, C4) | terabytes | everybody's, nobody asked; English, the young, the rich; filters against "bad words" also threw out texts by and about minorities (Dodge and others, 2021) |
# | books (BookCorpus) | 1 billion words | copied without asking; thousands of duplicates, much romance (Bandy and Vincent, 2021) |
# | Wikipedia | some billion words | free to use under CC BY-SA; careful, but far fewer women in it than men |
# | code, forums, papers (The Pile) | 800 GB in all | mixed licences, some of them unclear (Gao and others, 2020) |
#
# **What may go wrong?** What is in the text comes out of the model. *Bias*: embeddings put "man" to
# "programmer" as "woman" to "homemaker" (Bolukbasi and others, 2016), and larger texts do not help
# by themselves (Bender and others, 2021). *Misinformation*: a model says what is often said; at
# questions that many people answer wrongly, the largest models of 2021 did worst (Lin and others,
# 2022). *Privacy*: you planted a secret, and asked for it. None of the three
# shows in a loss. You now have the tools by which they do: slices, calibration, canaries.

# %% [markdown]
# ## Every model so far
#
# BERT has no rung on the ladder. A rung is the loss of a text, character after character, from what
# stands before. A model that looks at both sides gives no probability to a text: multiply what it
# says of each gap, and the product is no probability of anything. So the ladder is as lesson 07
# left it.

# %% tags=["demo"]
losses = rungs.before("08_bert_and_evaluation")
floor, floor_error = corpus.floor(validation)
if preset == "laptop" and losses:
    display(plots.ladder(losses, floor, floor_error))
print(f"the floor on these stories: {floor:.3f} nats per character")

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. Of the words that BERT is asked about, one in ten stays as it is. Why?
#    - (a) To save time: a word that stays costs nothing.
#    - (b) So that the model needs to understand every word, since it cannot tell which ones it is asked about.
#    - (c) So that the loss becomes lower.
# 2. What can a BERT not do that a GPT can?
#    - (a) write a text, word by word, and say how likely the whole is
#    - (b) tell whether a review is good or bad
#    - (c) learn from text without labels
# 3. One letter in a hundred is a fraud. A model always says "no fraud". Its accuracy is 0.99. Its recall of
#    frauds is
#    - (a) 0.99
#    - (b) 0.01
#    - (c) 0
# 4. Each story gets a random number for a score, and one story in twenty is of the class. The AUC is about
#    - (a) 0.05
#    - (b) 0.5
#    - (c) 0.95
# 5. Where a model's confidence is about 0.95, it is right 80 times in 100. It is
#    - (a) overconfident
#    - (b) underconfident
#    - (c) well calibrated
# 6. Of 64 slices, that of the yaks is the worst: 5 of 8 right, where the mean is 0.8. What do you report?
#    - (a) The model discriminates against yaks.
#    - (b) There are too few yaks to say; one needs more of them.
#    - (c) Nothing: slices do not matter while the mean is good.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "a"
answer_3 = "c"
answer_4 = "b"
answer_5 = "a"
answer_6 = "b"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - Without its mask, a block reads both sides. Trained to fill gaps, a stack of them is a BERT.
# - Text is its own teacher. Labels then only have to name what the model knows already, so few of them do.
# - Kappa says how far two people agree beyond luck, and wrong labels are learnt like right ones.
# - Accuracy hides the rare. Precision and recall ask about each class, macro F1 counts all alike.
# - AUC judges the order, calibration the confidence. Ties and absent classes need care.
# - A slice's number comes with its range. The worst of many slices is always bad.
# - What was best of many tries was lucky too. An ensemble makes use of all of them.
# - The loss tells neither what was learnt by heart, nor whom the model serves badly.
#
# **Next**, lesson 09: pieces of words, the parts of newer models, and how far one gets in two
# minutes of one core.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *evaluate* and *optimise*. From lesson 10 on these numbers
# decide whether a model is let out.
#
# ### References
#
# - J. Devlin, M.-W. Chang, K. Lee, K. Toutanova (2018). BERT: Pre-training of Deep Bidirectional Transformers for
#   Language Understanding. arXiv:1810.04805.
# - J. Cohen (1960). A Coefficient of Agreement for Nominal Scales. *Educational and Psychological Measurement* 20(1).
# - B. Efron (1979). Bootstrap Methods: Another Look at the Jackknife. *The Annals of Statistics* 7(1).
# - J. A. Hanley, B. J. McNeil (1982). The Meaning and Use of the Area under a ROC Curve. *Radiology* 143(1).
# - J. Bergstra, Y. Bengio (2012). Random Search for Hyper-Parameter Optimization. *JMLR* 13.
# - M. P. Naeini, G. Cooper, M. Hauskrecht (2015). Obtaining Well Calibrated Probabilities Using Bayesian Binning. *AAAI*.
# - G. Hinton, O. Vinyals, J. Dean (2015). Distilling the Knowledge in a Neural Network. arXiv:1503.02531.
# - T. Bolukbasi and others (2016). Man is to Computer Programmer as Woman is to Homemaker? Debiasing Word Embeddings.
#   *NeurIPS*.
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger (2017). On Calibration of Modern Neural Networks. *ICML*.
# - A. Radford, K. Narasimhan, T. Salimans, I. Sutskever (2018). Improving Language Understanding by Generative
#   Pre-Training. OpenAI. This is GPT. A. Radford and others (2019). Language Models are Unsupervised Multitask
#   Learners. OpenAI. This is GPT-2.
# - S. Yeom and others (2018). Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting. *CSF*.
# - N. Carlini and others (2019). The Secret Sharer: Evaluating and Testing Unintended Memorization in Neural Networks.
#   *USENIX Security*; (2021) Extracting Training Data from Large
#   Language Models. *USENIX Security*.
# - T. Brown and others (2020). Language Models are Few-Shot Learners. *NeurIPS*. This is GPT-3.
# - L. Gao and others (2020). The Pile: An 800GB Dataset of Diverse Text for Language Modeling. arXiv:2101.00027.
# - J. Dodge and others (2021). Documenting Large Webtext Corpora: A Case Study on the Colossal Clean Crawled Corpus.
#   *EMNLP*. J. Bandy, N. Vincent (2021). Addressing "Documentation Debt" in Machine Learning: A Retrospective
#   Datasheet for BookCorpus. *NeurIPS Datasets and Benchmarks*.
# - E. Bender, T. Gebru, A. McMillan-Major, S. Shmitchell (2021). On the Dangers of Stochastic Parrots. *FAccT*.
# - J. Rae and others (2021). Scaling Language Models: Methods, Analysis & Insights from Training Gopher.
#   arXiv:2112.11446.
# - L. Ouyang and others (2022). Training Language Models to Follow Instructions with Human Feedback. *NeurIPS*.
# - J. Hoffmann and others (2022). Training Compute-Optimal Large Language Models. arXiv:2203.15556.
# - K. Lee and others (2022). Deduplicating Training Data Makes Language Models Better. *ACL*. S. Lin, J. Hilton,
#   O. Evans (2022). TruthfulQA: Measuring How Models Mimic Human Falsehoods. *ACL*.
# - P. Villalobos and others (2024). Will We Run Out of Data? Limits of LLM Scaling Based on Human-Generated Data. *ICML*.
# - OpenAI (2023). GPT-4 Technical Report. arXiv:2303.08774. (2024) OpenAI o1 System Card. arXiv:2412.16720. (2025)
#   gpt-oss-120b & gpt-oss-20b Model Card. arXiv:2508.10925.
# - H. Touvron and others (2023). LLaMA: Open and Efficient Foundation Language Models. arXiv:2302.13971; Llama 2: Open
#   Foundation and Fine-Tuned Chat Models. arXiv:2307.09288. A. Grattafiori and others (2024). The Llama 3 Herd of
#   Models. arXiv:2407.21783.
# - DeepSeek-AI (2024). DeepSeek-V3 Technical Report. arXiv:2412.19437. D. Guo and others (2025). DeepSeek-R1
#   Incentivizes Reasoning in LLMs through Reinforcement Learning. *Nature* 645.

# %%
check.summary()
