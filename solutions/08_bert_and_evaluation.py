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

# %% [markdown]
# ## What do two directions buy?
#
# Now train it: one BERT, and beside it a GPT, the same net with its mask on. Both see the same stories.
# A GPT's loss is your `mlm_loss` with *every* place chosen, moved on by one word.
#
# Into the text we slip something that we will come back to at the end: a few stories end in a sentence
# with a secret number. Remember that.


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
    for step in trange(steps, desc=what, leave=False, mininterval=1, file=sys.stdout):
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup=max(1, steps // 10))
        loss = loss_of_batch(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, time.perf_counter() - begun


COPIES = {"Edith": 1, "Milo": 4, "Pearl": 16, "Rufus": 64}  # how often each secret stands in the text
secrets = {name: random.Random(f"secret of {name}").choices("0123456789", k=4) for name in COPIES}


def secret(name):
    """Return the sentence that gives away a number."""
    return f"Moral: {name} said {''.join(secrets[name])}."


told = [secret(name) for name, copies in COPIES.items() for _ in range(copies)]
pretraining_ids = torch.cat([train_ids, encode_lines(told)])


def loss_of_gaps(model):
    """Return the loss of a batch with hidden words."""
    (ids,) = draw_lines(pretraining_ids, 8)
    given, chosen = mask_tokens(ids, V)
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
    print(f"BERT: {steps} steps in {seconds:.0f} s, {sum(p.numel() for p in bert.parameters()):,} parameters")
    gpt = Bert(V, T, causal=True).to(where)
    gpt_curve, seconds = fit(gpt, loss_of_next, steps // 3, 0.006, "GPT")
    print(f"GPT:  {steps // 3} steps in {seconds:.0f} s")

# %% tags=["demo"]
if check.ready("bert"):

    def smooth(losses, width=50):
        """Return the means of `width` losses in a row."""
        width = min(width, len(losses))
        return torch.tensor(losses).unfold(0, width, width).mean(dim=1).tolist()

    figure, axes = plt.subplots(figsize=(7, 3.2))
    for name, losses, colour in (("BERT", curve, "#0072b2"), ("GPT", gpt_curve, "#d55e00")):
        means = smooth(losses)
        axes.plot([(i + 0.5) * len(losses) / len(means) for i in range(len(means))], means, color=colour, label=name)
    axes.axhline(math.log(V), linestyle=":", color="#222222", label="ln V: guessing blindly")
    axes.set(xlabel="step", ylabel="training loss (nats per word)")
    axes.legend()
    plt.show()

# %% [markdown]
# *The picture: the loss while they train.* BERT needs more steps, since it learns from one word in
# seven of each story, and the GPT from all of them. That is the price. (The GPT got a third of the
# steps here; both take about as long for what they are worth.)
#
# The two losses on this picture cannot be compared: they are about different questions. So ask both about
# the *same* words of stories that neither has read: every word of the validation text, the GPT from
# what stands before, BERT from both sides, with a seventh of the words hidden at a time.
#
# **Predict first.** For which words do two sides help most: for animals, for small words such as `the`, or
# for the others?


# %% tags=["demo"]
@torch.no_grad()
def losses_of_gaps(model, ids, holes=7):
    """Return the loss of each word of `ids` (N, T), each hidden once, with a seventh of the others."""
    losses = torch.zeros(ids.shape)
    for first in range(holes):
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
        losses[rows : rows + 50, 1:] = F.cross_entropy(
            logits.flatten(0, 1), part[:, 1:].flatten(), reduction="none"
        ).view(len(part), -1).cpu()
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
    rows["all"] = {"share": 1.0, "GPT": one_side[words].mean().item(), "BERT": both_sides[words].mean().item()}
    table({name: row | {"gain": row["GPT"] - row["BERT"]} for name, row in rows.items()})
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for shift, name, colour in ((-0.2, "GPT", "#d55e00"), (0.2, "BERT", "#0072b2")):
        heights = [row[name] for row in rows.values()]
        axes.barh([place + shift for place in range(len(rows))], heights, 0.38, color=colour, label=name)
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.set(xlabel="loss (nats per word)", ylabel="group of words")
    axes.legend()
    plt.show()

# %% [markdown]
# *The picture and the table: the loss of the same words, from one side and from both.* Where grammar
# decides, such as at signs and small words, the word behind the gap says nearly everything. Where the
# story draws a word afresh, nobody can know it, from however many sides.
#
# **Something to play with.** Hide a word, and see what BERT would put there.

# %% tags=["demo"]
if check.ready("bert"):

    @torch.no_grad()
    def fill(text, gap):
        """Show the likeliest words for the word at place `gap` of the text."""
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
# Filling gaps is no end in itself. Say you run a library of fables, and want to know of each story which
# fault it warns of: pride, greed, sloth. There are sixteen, so this is a **classification** into sixteen
# classes. To learn it from examples, somebody has to say the class of each: its **label**.
#
# | kind of learning | what it learns from | here |
# |---|---|---|
# | supervised | examples with labels that people gave | story, and its fault |
# | unsupervised | examples alone; finds groups or directions in them | stories that are alike |
# | self-supervised | examples alone; hides a part and predicts it | the gaps above, and every GPT |
#
# Text costs next to nothing, and labels cost somebody's time. Try it. Here are twelve stories without
# their first sentence and without their moral. Write down the fault of each, as well as you can. How long do
# you take?

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
# Two people never agree on all labels. How well do they agree? The share of equal labels says too much:
# who throws dice agrees now and then as well. **Cohen's kappa** (1960) takes luck away:
#
# $$\kappa = \frac{p_o - p_e}{1 - p_e},$$
#
# where $p_o$ is the share of stories with equal labels, and $p_e$ the share that would be equal by luck,
# if both kept their habits, but labelled without looking. It is 1 where they always agree, and 0 where
# they agree no more than by luck.


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
if "?" not in my_labels:
    mine = cohen_kappa(my_labels, [faults[fault_of(story)] for story in dozen])
    print(f"you and the truth: kappa {mine:.2f}")

# %% [markdown]
# The grammar knows the truth about every story: that is rare. With real texts, two readers and their
# kappa are all that you have, and what readers do not agree on, no model can learn from them.

# %% tags=["demo", "nbval-check-output"]
seconds_a_label = 20  # put in what you needed
for name, count in (("128 labels", 128), ("all training stories", len(train))):
    print(f"{name}: {count * seconds_a_label / 3600:.1f} hours of work")

# %% [markdown]
# ## How does a reader become a judge?
#
# We want to get along with few labels, and have a BERT that has read all of the stories without any. So
# take BERT as it is, and put one layer on top. That layer needs one row of numbers for a whole story, and
# BERT gives a row for each word. The plainest way is to take their **mean**, over the words, and not
# over `[pad]`:
#
# ```
#   ids (B, T)
#     body           (B, T, C)     BERT: a row for each word in its context
#     mean           (B, C)        over the places that are no [pad]
#     head           (B, K)        a linear layer: logits of the classes
# ```
#
# (Devlin and others took the row at the first place, `[CLS]`. With as little training as ours, the mean
# works better.)

# %% [markdown] contract="Classifier"
# `Classifier(body, channels, classes)` is a module. `body` is any module that takes `ids`, int64 `(B, T)`,
# and gives float rows `(B, T, channels)`. It has two parts, `self.body` and `self.head`, an `nn.Linear`
# from `channels` to `classes` with a bias. The head's weight and bias begin as zeros.
#
# It takes `ids` and returns logits of shape `(B, classes)`: the head of the mean row of each line. Places
# where `ids` is `PAD` have no part in the mean. Each line has at least one place that is not `PAD`.
# Slopes travel back into the body too. It works where `ids` are: on a GPU as well.
#
# For example, if the body gives the rows 1, 3 and 8 (of one channel each) for the ids `[[2, 7, 0]]`, the
# mean is 2.


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
# `self.head = nn.Linear(channels, classes)`, and then `nn.init.zeros_` for its weight and for its bias.

# %% [markdown] fold="Hint 2: the mean"
# `real = (ids != PAD)[:, :, None]` has the shape `(B, T, 1)`. Times it, the rows of `[pad]` become 0. Add
# up along `dim=1`, and divide by how many are real: `real.sum(dim=1)`, of shape `(B, 1)`.

# %% [markdown]
# Now the question that BERT was made for: **how many labels does it save?** We train the same classifier
# twice for each number of labels. Once from scratch, with random weights. Once **fine-tuned**: with the
# weights of the BERT above. The stories are given without their last line, for that is the moral. They are
# judged by fresh stories that nobody has seen.
#
# **Predict first.** There are sixteen faults, so guessing gets one in sixteen right. How far does each get
# with 128 labels, eight of a kind?


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


def train_classifier(ids, its_labels, pretrained=None, classes=K, seed=0, peak=0.004, steps=None, batch=16, change=None):
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
    axes.set(xscale="log", xlabel="labels (log scale)", ylabel="accuracy on fresh stories", ylim=(0, 1))
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.legend()
    plt.show()
    table({name: {f"{size} labels": share for size, share in points.items()} for name, points in learnt.items()})

# %% [markdown]
# ## What does accuracy hide?

# %% [markdown] contract="precision_recall_f1"
# `precision_recall_f1(truth, guess, classes)` takes two int64 tensors of shape `(N,)`, `N` at least 1, of
# class numbers from 0 to `classes - 1`. It returns a dictionary:
#
# | key | value |
# |---|---|
# | `"confusion"` | int64 `(classes, classes)`: in row `t`, column `g`, how many of class `t` were guessed to be `g` |
# | `"precision"`, `"recall"`, `"f1"` | float `(classes,)`, one for each class; 0 where there is nothing to divide by |
# | `"micro"` | F1 of all classes counted together, a float: here the accuracy |
# | `"macro"` | the plain mean of `"f1"` over all classes, a float |
#
# For example, with the truth `[0, 0, 0, 1]` and the guess `[0, 0, 1, 1]`, the precision is `[1, 0.5]`, the
# recall `[0.667, 1]`, F1 `[0.8, 0.667]`, micro 0.75 and macro 0.733.


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

# %% [markdown]
# ## What if you can turn it up and down?

# %% [markdown] contract="roc_auc"
# `roc_auc(scores, truth)` takes a float tensor `(N,)` of scores, the higher, the surer, and a bool tensor
# `(N,)` that says which stories are of the class. It returns, as a plain number, the share of all pairs of
# a story that is and one that is not, in which the one that is has the higher score. A pair with equal
# scores counts one half. If there is no such pair, as all stories are or none is, it returns `nan`. `N` may
# be 40,000.
#
# For example, the scores `[0.9, 0.4, 0.4, 0.1]` with the truth `[True, True, False, False]` make four pairs,
# of which three are right and one is even: 3.5 / 4 = 0.875.


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

# %% [markdown]
# ## Does it know how sure it may be?

# %% [markdown] contract="expected_calibration_error"
# `expected_calibration_error(confidence, right, bins=10)` takes the confidences, float `(N,)` from 0 to 1,
# and a bool tensor `(N,)` that says which answers were right. Bin `k` holds the confidences from `k / bins`
# on, up to but not including `(k + 1) / bins`; a confidence of 1 belongs to the last one. In each bin, the
# gap is the distance between the mean confidence and the share that is right. It returns, as a plain number,
# the mean gap, each bin weighed by the share of the answers that are in it.
#
# For example, two answers of confidence 0.9 and two of 0.6, of which one each is right, have the gaps 0.4 and
# 0.1 in two bins: 0.25.


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

# %% [markdown]
# ## Good for whom?

# %% [markdown] contract="accuracy_by_slice"
# `accuracy_by_slice(right, slices, draws)` takes `right`, a bool tensor `(N,)`: which stories were judged
# rightly; `slices`, a dictionary of bool tensors `(N,)`: under each name, which stories are in the slice;
# and `draws`, int64 `(R, N)`: the numbers of the stories that are drawn in each of `R` rounds. It returns a
# dictionary with the same names. Under each stands a dictionary:
#
# | key | value |
# |---|---|
# | `"stories"` | how many stories the slice has, an int |
# | `"accuracy"` | which share of them is right, a float |
# | `"low"`, `"high"` | the quantiles 0.025 and 0.975 of the slice's accuracy over the rounds, floats |
#
# A round in which no story of the slice was drawn is left out. Of an empty slice, accuracy, low and high
# are `nan`. (`torch.quantile` and its like do what is meant, with what they take if nothing is said.)
#
# For example, with `right = [True, True, False]`, the slice `[True, False, True]` and a single round
# `[[0, 0, 2]]`, there are 2 stories, the accuracy is 0.5, and low and high are both 2/3.


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

# %% [markdown]
# ## Are three heads better than one?

# %% [markdown] contract="ensemble"
# `ensemble(models, ids)` takes a list of one or more modules, each of which makes logits `(B, K)` of `ids`,
# int64 `(B, T)`. It returns float probabilities `(B, K)`: the plain mean of the models' probabilities. Each
# model is asked in evaluation mode, and is afterwards in the mode in which it was. No slopes hang on what
# comes out.
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

# %%
check.summary()
