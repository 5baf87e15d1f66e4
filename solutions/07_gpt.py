# %% [markdown] lesson="07_gpt" title="The whole model" minutes=215 laptop_minutes=5 gpu_minutes=25
# You have every part: embeddings, attention, the block. Now you put them together to a GPT, train it
# on your own machine, stop it and go on, and let it write.
#
# After this lesson you can
#
# - **assemble** a GPT, and start it so that it can learn,
# - **count** its numbers and its work, and those of GPT-2,
# - **train** it as large models are trained: AdamW, warm-up and decay, clipping, half precision,
# - **stop** the training at any moment, and go on as if nothing had happened,
# - **write** with it: temperature, top-k, top-p, and a cache that makes it fast.
#
# You need lesson 04 (the learning rate and its schedule, validation), lesson 05 (attention, the
# causal mask) and lesson 06 (the block).

# %% tags=["setup"]
import math
import os
import random
import re
import sys
import time
from dataclasses import asdict, dataclass

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from lmcourse import check, corpus, device, drawings, play, plots, rungs, table

check.lesson("07_gpt")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="build_vocab encode decode split get_batch lr_schedule evaluate_loss windows evaluate causal_mask positional_encoding MultiHeadAttention FeedForward Block"

# %% [markdown]
# These are your parts from the lessons before. The text is the one that you know, and one thing is new.
#
# Every lesson so far has chosen something by the **validation text**: how large `borrow` is, how wide a
# net, how long to train. None of them has learnt from that text, and yet each choice suits it a little
# better than it suits other text. This lesson chooses once more by it: which of ten states of a
# model on its way is the best. So we put a third text aside now, the **test text**. Nothing is chosen by it, and it is read once,
# when all choices are made. Fables never run out: these are as many new ones, from the same grammar. Of
# Shakespeare there is no more than we have (preset `gpu`), so half of the validation text is kept back.

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
# ## What is missing around the blocks?
#
# A block takes numbers of shape `(B, T, C)` and gives numbers of the same shape. It cannot read
# characters, and it cannot name the next one. So a GPT is a pile of blocks with something in front
# and something behind:
#
# ```
# ids (B, T)              which characters
#   │  token_embedding       a row of C numbers for each character of the vocabulary
#   │  + position_embedding  a row of C numbers for each position, 0 to context - 1
# x (B, T, C)             the residual stream
#   │  blocks[0], blocks[1], ...  each one adds to it
#   │  norm                  one last LayerNorm
#   │  head                  a linear layer from C to V
# logits (B, T, V)        how likely each character is to come next, at every position
# ```
#
# GPT stands for *generative pre-trained transformer* (Radford and others, 2018), and this is the
# arrangement of GPT-2 (2019). In the first GPT the norms stood behind the halves of each block, as in the
# transformer of 2017, and there was none at the end. (Both compute GELU by the `tanh` formula that
# lesson 06 mentions.)
#
# Look at the first part and at the last one. The token embedding has a row for each character: what that
# character means when it is *read*. The head has a row for each character too: what `x` must look like for that
# character to be *written*. Both are matrices of shape `(V, C)`. Press and Wolf (2017) asked why there should
# be two. With a single matrix for both, the model has less to learn, and in their experiments it got better.
# This is called **tying**. (Many of today's large models have two again: next to billions of numbers in the
# blocks, the second one hardly counts.) In torch you tie two layers by giving one of them the other's
# parameter:

# %% drawing="gpt"

# %% [markdown] slide="A GPT is a pile of blocks between two tables" picture="above"
# Ids come in, the stream runs through all blocks, and logits go out: one row for each position.
#
# Notes: A block takes numbers and gives numbers of the same shape. It can neither read characters
# nor name the next one, so it needs something in front and something behind. This is the model of
# Radford and others, 2018 and 2019. Nothing else is in it.

# %% tags=["demo", "nbval-check-output"]
read = nn.Embedding(4, 3)  # a table with 4 rows of 3 numbers; read(ids) looks rows up
write = nn.Linear(3, 4, bias=False)  # its weight has the same shape
write.weight = read.weight  # from here on these are one and the same
with torch.no_grad():
    read.weight[2, 0] = 7.0
print("the other one has it too:", write.weight[2, 0].item())

# %% [markdown] slide="One matrix both reads and writes"
# ```python
# read.weight[2, 0] = 7.0
# print("the other one has it too:", write.weight[2, 0].item())
# ```
#
# It prints **7.0**. This is **tying**: embedding and head are one matrix, so there is less to learn.
#
# Notes: The embedding has a row for what each character means when it is read, the head a row for
# what the stream must look like for that character to be written. Press and Wolf asked in 2017 why
# there should be two. Once one of them was given the other's parameter, whatever changes in one
# changes in the other.

# %% [markdown]
# The blocks need a place that torch can look into.
#
# **Predict first.** How many names does the next cell print?

# %% tags=["demo", "nbval-check-output"]
holder = nn.Module()
holder.seen = nn.ModuleList([nn.Linear(2, 2, bias=False) for _ in range(3)])
holder.unseen = [nn.Linear(2, 2, bias=False) for _ in range(3)]
print([name for name, parameter in holder.named_parameters()])

# %% [markdown] fold="Answer"
# Three. What stands in the plain list has no name, so no optimizer would train it and no file
# would keep it. The names are made of the attributes' names, with points between them. By these names
# a saved model finds its way back.

# %% [markdown]
# ## How should it begin?
#
# Every matrix begins with numbers drawn at random. Does it matter how large they are?
#
# **Predict first.** A model has learnt nothing yet. What should its loss be, with `V` characters?

# %% [markdown] fold="Answer"
# $\ln V$, the loss of guessing blindly. Less cannot be had without learning. And much more means that
# the model is *sure of something wrong*, which it has to unlearn before it learns anything.

# %% [markdown]
# A logit is the product of `x`, which the last norm brings to a standard deviation of 1, with a row of the
# head's matrix. Torch draws an `nn.Embedding` with a standard deviation (`std`) of 1. Try some others:

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
C = 96
x = torch.randn(5000, C)  # as the last norm gives it
came = torch.randint(64, (5000,))
for std in (1.0, 1 / math.sqrt(C), 0.02):
    head = std * torch.randn(64, C)  # a row for each of 64 characters
    logits = x @ head.T
    loss = cross_entropy(logits, came)
    print(f"head of std {std:.2f}: logits of std {logits.std():.1f}, loss {loss:.1f}")
print(f"guessing blindly, ln 64: {math.log(64):.1f}")

# %% [markdown]
# A logit is a sum of `C` products, so it is $\sqrt C$ times as large as the numbers in the row. You know
# that from lesson 04, and also the remedy: $1/\sqrt C$. We take it for all matrices. In the head it costs
# half a nat at the beginning, which a few steps make up for. (GPT-2 took 0.02. With its 768 to 1,600
# channels, $1/\sqrt C$ is not much more.)
#
# There is a second thing. The stream runs past all the blocks, and each block adds to it twice: once
# from the attention's `project`, once from the feed-forward's `shrink`. What becomes of a sum of many
# random numbers?

# %% [markdown] slide="An untrained model should guess blindly"
# ```python
# logits = x @ head.T
# loss = cross_entropy(logits, came)
# ```
#
# Standard deviation of the head's numbers, and the loss:
#
# - 1.00: **23.4**
# - 0.10: **4.7**
# - 0.02: **4.2**, as much as guessing blindly
#
# Notes: Ask for the loss of a model that has learnt nothing. Less than the logarithm of V cannot be
# had without learning, and much more means that the model is sure of something wrong, which it has
# to unlearn first. A logit is a sum of C products, so it is larger than the numbers in it by the
# square root of C.

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
for n in (1, 4, 16, 64):
    added = torch.randn(10_000, n).sum(dim=1)
    print(f"{n:2} numbers of std 1 added up: std {added.std():.1f}")

# %% [markdown]
# It grows with the square root of how many there are. With `layers` blocks that is
# $\sqrt{2 \cdot \text{layers}}$. To have the stream end up alike however deep the model is, GPT-2
# begins with those two matrices smaller by just this factor.
#
# And a third. Rows of the position embedding that are drawn at random know no order: position 17 is as
# unlike position 18 as it is unlike position 200. The sinusoidal encoding of lesson 06, your
# `positional_encoding`, knows what is near, and one position back is the same turn everywhere. GPT-2 draws
# its rows at random, with a standard deviation of 0.01, and reads enough text to find their order by
# itself. You will read much less. So begin with the sinusoids, twice as high as the standard deviation of
# the matrices (the 2 was found by trying), and let the training change them as it likes.

# %% [markdown] contract="GPT"
# `Config` is given: six numbers that say how large a GPT is. Write the class `GPT`, in three parts.
#
# **`__init__(self, config)`** makes these parts, under these names:
#
# | attribute | what |
# |---|---|
# | `token_embedding` | `nn.Embedding`, `vocab_size` rows of `channels` |
# | `position_embedding` | `nn.Embedding`, `context` rows of `channels` |
# | `blocks` | `nn.ModuleList` of `layers` different `Block(channels, heads, dropout)` |
# | `norm` | `nn.LayerNorm(channels)` (yours of lesson 06, in C++) |
# | `head` | `nn.Linear` from `channels` to `vocab_size`, no bias, tied to `token_embedding` |
#
# Its state dict has the names of these parameters and no others: if you register a buffer of your own,
# then with `persistent=False`.
#
# **`init_weights(self)`** writes the starting values, with $s = 1/\sqrt{\text{channels}}$:
#
# | parameter | starts as |
# |---|---|
# | `position_embedding.weight` | `positional_encoding(context, channels)` times $2s$ |
# | matrices whose names end in `project.weight` or `shrink.weight` | normal, mean 0, standard deviation $s / \sqrt{2 \cdot \text{layers}}$ |
# | all other matrices | normal, mean 0, standard deviation $s$ |
# | all biases | 0 |
# | the weights of the norms | 1, as torch makes them |
#
# **`forward(self, ids)`** takes `ids`, int64 of shape `(B, T)`, with `T` at most `context`. It returns
# logits of shape `(B, T, vocab_size)`: at each position for the character that comes after it. The first
# character stands at position 0, however many there are. Dropout is inside the blocks, nowhere else. A GPU
# may train this model later: tensors that you make here must be on `ids.device`.
#
# For example, `GPT(Config(11, context=8, layers=2, heads=2, channels=8))` takes ids of shape `(3, 5)`
# and gives logits of shape `(3, 5, 11)`. Before training, its loss is a little above $\ln 11$.


# %% exercise="GPT" minutes=40 level=4
@dataclass
class Config:
    """How large a GPT is: the numbers that its shapes are made of."""

    vocab_size: int
    context: int = 64
    layers: int = 4
    heads: int = 4
    channels: int = 128
    dropout: float = 0.0


class GPT(nn.Module):
    """Tells at each position which character comes next, from all those before it."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        ### BEGIN SOLUTION
        C = config.channels
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.context, C)
        self.blocks = nn.ModuleList(
            [Block(C, config.heads, config.dropout) for _ in range(config.layers)]
        )
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight
        ### END SOLUTION
        self.init_weights()

    def init_weights(self):
        """Draw the starting values of all parameters."""
        ### BEGIN SOLUTION
        config = self.config
        std = 1 / math.sqrt(config.channels)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):  # these add to the stream
                nn.init.normal_(parameter, std=std / math.sqrt(2 * config.layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=std)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)  # no shift to begin with
        sinusoids = positional_encoding(config.context, config.channels)
        with torch.no_grad():  # a start, not a step
            self.position_embedding.weight.copy_(2 * std * sinusoids)
        ### END SOLUTION

    def forward(self, ids):
        """Return the logits (B, T, V) of what follows each of the characters `ids` (B, T)."""
        ### BEGIN SOLUTION
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(positions)  # (B, T, C) + (T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))
        ### END SOLUTION


# %% check="GPT" tags=["nbval-check-output"]
check("GPT")

# %% [markdown] fold="Hint 1: the parts"
# Six lines, one for each row of the table, and one for tying. For the blocks, a list comprehension
# inside `nn.ModuleList([...])` makes a new block each time round. (`[block] * layers` would be the
# same block several times.)

# %% [markdown] fold="Hint 2: the starting values"
# Go through `self.named_parameters()`: it gives each parameter with its name, a tied one once. A matrix
# is a parameter with `parameter.dim() == 2`. The functions `nn.init.normal_(parameter, std=...)` and
# `nn.init.zeros_(parameter)` write into it. `name.endswith(...)` tells you which one it is. The sinusoids
# come last, in `with torch.no_grad():`, by `self.position_embedding.weight.copy_(...)`.

# %% [markdown] fold="Hint 3: the way through"
# The positions are `torch.arange(T)`; give it `device=ids.device` too, so that it works on a GPU. Look up
# both embeddings and add them: `(B, T, C) + (T, C)` broadcasts. Then `x = block(x)` for each block in
# turn, and at last the norm and the head.

# %% [markdown]
# Two measurements. First, does an untrained model guess nearly blindly? Then the stream: how large are its
# numbers after each block of a deep model, with the smaller `project` and `shrink`, and without?

# %% tags=["demo"]
if check.ready("GPT"):
    torch.manual_seed(0)
    x, y = get_batch(train_ids, 32, 64)
    with torch.no_grad():
        loss = cross_entropy(GPT(Config(V))(x).flatten(0, 1), y.flatten())
    print(f"loss of an untrained GPT: {loss:.2f}; ln V: {math.log(V):.2f}")

    def stream(model, ids):
        """Return the standard deviation of the stream before the first block and after each one."""
        x = model.token_embedding(ids) + model.position_embedding(torch.arange(ids.shape[1]))
        stds = [x.std().item()]
        for block in model.blocks:
            x = block(x)
            stds.append(x.std().item())
        return stds

    deep = GPT(Config(V, layers=24, channels=64))
    with torch.no_grad():
        curves = {"project and shrink smaller": stream(deep, x)}
        for name, parameter in deep.named_parameters():
            if name.endswith(("project.weight", "shrink.weight")):
                parameter *= math.sqrt(2 * 24)
        curves["all matrices alike"] = stream(deep, x)
    figure, axes = plt.subplots(figsize=(7, 3.4))
    for (name, curve), color in zip(curves.items(), ("#0072b2", "#d55e00"), strict=True):
        axes.plot(curve, "o-", color=color, label=name)
    axes.set(xlabel="blocks passed", ylabel="standard deviation\nof the stream")
    axes.set_ylim(bottom=0)
    axes.legend()
    plots.show()
    for name, curve in curves.items():
        print(f"{name}: {curve[0]:.3f} at the start, {curve[-1]:.3f} after 24 blocks")
    smaller, alike = curves.values()
    print(f"all 24 smaller ones add {smaller[-1] - smaller[0]:.2f},", end=" ")
    print(f"the first of the others alone {alike[1] - alike[0]:.2f}")

# %% [markdown]
# *The picture: with all matrices alike the stream grows from block to block, and the deeper the model,
# the larger it gets. With the smaller ones it grows as well, but all 24 blocks together add less than a
# single one of the others (the last line of the output).* The untrained model guesses nearly blindly: about
# half a nat above $\ln V$, as with the head alone. (How much it is in one model is chance: twelve seeds gave
# 0.0 to 0.9.)

# %% [markdown] slide="The stream must not grow with depth" picture="above"
# Each block adds to the stream twice. GPT-2 starts these matrices smaller by the factor
# $\sqrt{2 \cdot \text{layers}}$.
#
# Notes: The sum of n random numbers has a standard deviation that grows with the square root of n.
# With all matrices alike the stream grows from block to block. With the smaller ones, all 24 blocks
# together add less than a single one of the others.

# %% [markdown]
# ## How large is that?
#
# People tell models apart by how many numbers they have learnt: "a model with 124 million parameters".
#
# **Predict first.** Count your GPT with `V = 64`, `C = 96`, a context of 256 and 2 layers by hand. Each
# block has four matrices of `C` by `C` in its attention and two of `C` by `4C` in its feed-forward.
# Roughly how many numbers is that? Is it more than the embeddings have?

# %% [markdown] contract="count_parameters"
# `count_parameters(model)` takes any `nn.Module` and returns an `int`: how many numbers all its
# parameters have together, also those that are frozen (`requires_grad=False`). A parameter that two
# layers share counts once. Tensors that are no parameters do not count. Do not read the numbers
# themselves: the next cell counts models that have no memory for them, on torch's device `meta`.
#
# For example, it is 16 for `nn.Linear(3, 4)`: 12 weights and 4 biases.


# %% exercise="count_parameters" minutes=4 level=1
def count_parameters(model):
    """Return how many numbers `model` has to learn; shared ones count once."""
    ### BEGIN SOLUTION
    return sum(parameter.numel() for parameter in model.parameters())
    ### END SOLUTION


# %% check="count_parameters" tags=["nbval-check-output"]
check("count_parameters")

# %% [markdown] fold="Hint"
# `model.parameters()` gives every parameter once, also a tied one. `.numel()` says how many numbers
# are in a tensor. (`model.state_dict()` is not what you want here: it lists a tied matrix under both
# of its names.)

# %% tags=["demo", "nbval-check-output"]
if check.ready("GPT", "count_parameters"):
    model = GPT(Config(64, context=256, layers=2, heads=2, channels=96))
    print(f"all together:        {count_parameters(model):>8,}")
    print(f"the blocks:          {count_parameters(model.blocks):>8,}")
    print(f"  as 12 C² a layer:  {2 * 12 * 96**2:>8,}")
    print(f"token embedding:     {count_parameters(model.token_embedding):>8,}, the head's too")
    print(f"position embedding:  {count_parameters(model.position_embedding):>8,}")

# %% [markdown]
# Remember $12\,C^2$ for each layer. What else is in the blocks, biases and norms, hardly counts.
#
# GPT-2 is this very model, only larger. OpenAI published four sizes of it, the smallest with 12
# layers, 12 heads, 768 channels, a context of 1,024 and a vocabulary of 50,257 pieces of words. (Where
# such pieces come from is a matter for lesson 09.) You need no large machine to build it: on torch's
# *meta* device a tensor has a shape, but no numbers.

# %% tags=["demo", "nbval-check-output"]
if check.ready("GPT", "count_parameters"):
    sizes = {"small": (12, 12, 768), "medium": (24, 16, 1024), "large": (36, 20, 1280)}
    sizes["XL"] = (48, 25, 1600)
    for name, (layers, heads, C) in sizes.items():
        with torch.device("meta"):
            shape = GPT(Config(50_257, context=1024, layers=layers, heads=heads, channels=C))
        ours = count_parameters(shape)
        theirs = ours + layers * 4 * C  # GPT-2's attention has biases: 4 vectors of C a layer
        print(f"GPT-2 {name:<6}  ours {ours:>13,}   with GPT-2's biases {theirs:>13,}")

# %% [markdown]
# 124,439,808 is the number of GPT-2 small's published weights. Yours has a few less: GPT-2 adds a bias
# in each of `query`, `key`, `value` and `project`, which your attention leaves out, as many newer
# models do. All other shapes are the same, matrix for matrix.
#
# How much *work* is such a model? Lesson 06 counted it for a block: 2 FLOPs for each number of each
# matrix, so $2 \cdot 12\,C^2$ a layer, and $2 \cdot 2\,T C$ more for the scores and the sums over `T`
# positions. The head adds $2\,V C$. Training costs three times that. If the matrices have `N` numbers, and
# looking back is little work beside them, it takes about $6 N$ FLOPs for each token (Kaplan and others,
# 2020). A *token* is what the model reads at one position: a character here, a piece of a word in GPT-2.


# %% [markdown] slide="GPT-2 is this very model, only larger"
# Some $12\,C^2$ numbers a layer, and about 6 FLOPs of training for each number and token.
#
# - yours: 253,824 numbers
# - GPT-2 small: 124,439,808
#
# Notes: You need no large machine to build it: on torch's meta device a tensor has a shape, but no
# numbers. Our attention leaves out the biases that GPT-2 has. With these added the count is that of
# the published weights, to the last digit.


# %%
def flops_per_token(config):
    """Return the FLOPs to read one token with a full context, forward only."""
    C, T = config.channels, config.context
    layer = 2 * 12 * C**2 + 2 * 2 * T * C
    return config.layers * layer + 2 * C * config.vocab_size


# %% tags=["demo", "nbval-check-output"]
configs = {
    "this lesson's, for a laptop": Config(64, context=256, layers=2, heads=2, channels=96),
    "GPT-2 small": Config(50_257, context=1024, layers=12, heads=12, channels=768),
}
for name, config in configs.items():
    attention = config.layers * 4 * config.context * config.channels
    work = flops_per_token(config)
    N = config.layers * 12 * config.channels**2 + config.vocab_size * config.channels
    print(f"{name}: {work:,} FLOPs a token, {attention / work:.0%} of them for looking back;")
    print(f"   so training takes {3 * work / N:.1f} N")

# %% [markdown]
# *The second lines: with so few channels and so long a context, looking back is no small matter, and the
# rule of $6 N$ asks too little. The wider a model is, the better it holds.*

# %% [markdown]
# ## Which character shall it be?
#
# The model gives logits. In lesson 02 you drew from the probabilities as they were, and you have met
# the **temperature**: divide the logits by it before the softmax. Below 1 the likely characters gain,
# above 1 all become more alike.
#
# There is one more problem. Think of 64 characters, of which 60 are wrong here, each with a
# probability of only 0.2 per cent. Together these are 12 per cent: one character in eight would be
# rubbish. And the model then has to go on from its own rubbish. So cut the tail off:
#
# - **top-k** (Fan and others, 2018): keep the `k` most likely ones.
# - **top-p**, or **nucleus sampling** (Holtzman and others, 2019): sort by probability, and keep the first ones
#   until they have `p` of the probability together. Where the model is sure, that may be a single one; where it
#   is not, it is many.
#
# **Predict first.** In the picture, the same model is in two places: sure in the upper row, unsure in
# the lower one. How many of the eight letters will top-p leave in each row?

# %% tags=["demo"]
letters = list("etaoinsh")
places = {
    "sure": torch.tensor([7.0, 4.5, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0]),
    "unsure": torch.tensor([3.0, 2.9, 2.6, 2.4, 2.3, 1.9, 0.9, 0.5]),
}
figure, rows = plt.subplots(2, 5, figsize=(11, 4), sharex=True, sharey=True)
for row, (name, logits) in zip(rows, places.items(), strict=True):
    plain = torch.softmax(logits, dim=0)
    mass_before = plain.cumsum(0) - plain
    panels = {
        "as it is": plain,
        "temperature 0.5": torch.softmax(logits / 0.5, dim=0),
        "temperature 2": torch.softmax(logits / 2, dim=0),
        "top-k, k = 3": plain * (torch.arange(8) < 3),
        "top-p, p = 0.9": plain * (mass_before < 0.9),
    }
    for axes, (title, probs) in zip(row, panels.items(), strict=True):
        axes.bar(letters, probs / probs.sum(), color="#0072b2")
        axes.set_title(f"{title}: {(probs > 0).sum()} left", fontsize=9)
    row[0].set_ylabel(f"{name}\nprobability")
figure.tight_layout()
plots.show()

# %% [markdown]
# *The picture: temperature makes the bars steeper or flatter and keeps all of them. Top-k leaves three
# in both rows. Top-p leaves two where the model is sure, and six where it is not.*

# %% [markdown] slide="Temperature bends the odds, top-k and top-p cut the tail" picture="above"
# Top-k leaves three in both rows. Top-p leaves few where the model is sure, and more where it is
# not.
#
# Notes: Sixty wrong characters of 0.2 per cent each make 12 per cent together: one in eight would
# be rubbish, and the model has to go on from it. So the tail is cut off. Top-k is from Fan and
# others, 2018. Top-p, or nucleus sampling, is from Holtzman and others, 2019.

# %% drawing="sampling"

# %% [markdown] contract="sample_token"
# `sample_token(logits, temperature=1.0, top_k=None, top_p=None)` takes logits of shape `(V,)` and
# returns one place, an `int` from 0 to `V - 1`, drawn like this:
#
# 1. Divide the logits by `temperature`, a number above 0. Softmax makes probabilities of them.
# 2. If `top_k` is given: only the `top_k` most likely places may be drawn. (If it is larger than `V`,
#    all of them may.)
# 3. If `top_p` is given, a number above 0 and below 1: of what step 2 left, scaled to a sum of 1, only
#    the most likely ones may be drawn, as few as have a sum of at least `top_p`. At least one always
#    stays.
# 4. Draw one of those that are left, in proportion to their probabilities, with torch's random generator:
#    after `torch.manual_seed(0)` the same draws come again.
#
# For example, take the probabilities 0.5, 0.3, 0.15 and 0.05, as logits. With `top_k=3` place 3 never
# comes. With `top_p=0.6` places 0 and 1 may come, as 0.5 alone is below 0.6; with `top_p=0.4` only
# place 0. The caller's `logits` stay as they are. Where equal logits stand at the edge, some of them
# may stay or all, but never fewer than steps 2 and 3 ask for.


# %% exercise="sample_token" minutes=20 level=3
def sample_token(logits, temperature=1.0, top_k=None, top_p=None):
    """Return a place drawn from the likeliest ones by softmax(logits / temperature)."""
    ### BEGIN SOLUTION
    probs, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
    if top_k is not None:
        probs[top_k:] = 0.0
    if top_p is not None:
        probs = probs / probs.sum()
        before = probs.cumsum(dim=0) - probs  # what the likelier ones have together
        probs[before >= top_p] = 0.0
    return order[torch.multinomial(probs, num_samples=1)].item()
    ### END SOLUTION


# %% check="sample_token" tags=["nbval-check-output"]
check("sample_token")

# %% [markdown] fold="Hint 1: sort first"
# `probs, order = probs.sort(descending=True)` gives the probabilities from large to small, and in
# `order` the place where each of them stood. Now "the most likely ones" are simply the first ones. At
# the end you draw a place among the sorted ones, and `order[...]` says which place it was before.

# %% [markdown] fold="Hint 2: leaving out"
# Set the probability of what may not be drawn to 0. `torch.multinomial` wants no sum of 1, only
# proportions, and never draws a 0. With sorted probabilities, top-k is one slice.

# %% [markdown] fold="Hint 3: top-p"
# `probs.cumsum(dim=0)` adds up from the first to each one. Subtract `probs`, and you have the mass of
# all those *before* each one. It is 0 for the first. A place goes if that mass has already reached
# `top_p`.

# %% [markdown]
# And this is how the model writes: read the text so far, draw a character, put it behind, and begin again. It
# is an autoregressive model, as the bigram was. A GPT cannot read more than
# `context` characters. So the cell below reads a **window**: once it is longer than the context, its older half
# is forgotten.


# %%
@torch.no_grad()
def generate(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    """Return the list `ids` and `length` more ids behind it, drawn one after the other."""
    was_training = model.training
    model.eval()  # no dropout while it writes
    written, window = list(ids), list(ids)
    for _ in range(length):
        if len(window) > model.config.context:
            window = window[-(model.config.context // 2) :]
        read = torch.tensor([window], device=model.head.weight.device)  # (1, T)
        new = sample_token(model(read)[0, -1], temperature, top_k, top_p)
        written.append(new)
        window.append(new)
    model.train(was_training)
    return written


# %% [markdown]
# What does a GPT write that has learnt nothing?

# %% tags=["demo"]
if check.ready("GPT", "sample_token"):
    torch.manual_seed(0)
    untrained = GPT(Config(V, layers=2, heads=2, channels=32))
    start = encode("One ", chars).tolist()
    print(repr(decode(generate(untrained, start, 80), chars)))

# %% [markdown]
# ## What is a good step?
#
# In lesson 03 a step was the learning rate times the gradient, for each weight. So a weight with large
# gradients takes long steps, and one with small ones hardly moves. In a deep model gradients can differ by
# factors of thousands from layer to layer, and no single learning rate is right for all of them.
#
# **AdamW** (Loshchilov and Hutter, 2019; Adam: Kingma and Ba, 2015) keeps two numbers for each weight
# $w$ with gradient $g$: a running mean of the gradient, $m$, and one of its square, $v$.
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2$$
#
# $$w \leftarrow w - \text{lr} \cdot \left( \frac{\hat m}{\sqrt{\hat v} + \varepsilon} + \lambda w \right)$$
#
# Here $\hat m = m / (1 - \beta_1^n)$ and $\hat v = v / (1 - \beta_2^n)$ after $n$ steps: both began at
# 0, and this makes up for it. The $\varepsilon$ is tiny, so that nothing is divided by 0. $\beta_1$ and
# $\beta_2$, just below 1, say how slowly the means forget. The fraction is the mean gradient, measured by
# how large gradients of this weight usually are. If $g$ always points the same way it is near 1 or −1,
# whether $g$ is huge or tiny; if $g$ keeps changing its sign it is near 0. So every weight moves by
# about `lr` a step at most. The last term is **weight decay**: each step pulls $w$ a little towards 0,
# by $\text{lr} \cdot \lambda w$. A weight must keep earning its size.
#
# **Predict first.** Two weights are 1, their gradients are 100 and 0.01. Both take one step with a
# learning rate of 0.1. Where do they go, with plain gradient descent and with AdamW?

# %% tags=["demo", "nbval-check-output"]
for name, kind in {"plain": torch.optim.SGD, "AdamW": torch.optim.AdamW}.items():
    w = nn.Parameter(torch.tensor([1.0, 1.0]))
    w.grad = torch.tensor([100.0, 0.01])
    kind([w], lr=0.1, weight_decay=0.0).step()
    print(f"{name}: from [1, 1] to {[round(x, 3) for x in w.tolist()]}")

# %% [markdown] slide="AdamW steps by the learning rate, whatever the gradient"
# ```python
# w.grad = torch.tensor([100.0, 0.01])
# kind([w], lr=0.1, weight_decay=0.0).step()
# ```
#
# From [1, 1]: plain descent to **[-9.0, 0.999]**, AdamW to **[0.9, 0.9]**.
#
# Notes: In a deep model gradients differ by factors of thousands, and no single learning rate suits
# them all. AdamW divides a running mean of the gradient by how large that weight's gradients
# usually are. In the first steps that rests on one or two of them and says little, which is one
# reason why the training warms up. Matrices decay, biases and norms do not.

# %% [markdown]
# It is also a reason why the training **warms up**. In the first steps $\hat v$ rests on one or two gradients
# and says little, but the steps have full length all the same (Liu and others, 2020). It is not the only
# one: just after the start the loss also bends most sharply, so that long steps overshoot (Gilmer and
# others, 2022). All agree on the remedy. Begin with a small learning rate; your `lr_schedule` does.
#
# What should decay? The matrices: they multiply, and a matrix with large numbers makes a model that
# is too sure of itself. A bias only shifts, and the weight of a norm should be free to be 1. So by
# custom these are left out.

# %% [markdown] contract="configure_optimizer"
# `configure_optimizer(model, lr, weight_decay=0.1)` returns a `torch.optim.AdamW` for all parameters of
# `model`, frozen ones too (they stay frozen), with learning rate `lr` and `betas=(0.9, 0.99)`. Parameters with two or
# more dimensions (matrices, embeddings too) decay by `weight_decay`. All others (biases, norms) do not
# decay. Each parameter is in it once, a shared one too.
#
# `fused=True` is optional: the same steps in a faster way, all numbers of a parameter in one go.
#
# AdamW takes a list of groups in place of a list of parameters. A group is a dictionary with its
# `"params"` and whatever differs, such as
# `[{"params": [a, b], "weight_decay": 0.1}, {"params": [c], "weight_decay": 0.0}]`.


# %% exercise="configure_optimizer" minutes=8 level=2
def configure_optimizer(model, lr, weight_decay=0.1):
    """Return an AdamW that decays matrices and leaves biases and norms alone."""
    ### BEGIN SOLUTION
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    others = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=True)
    ### END SOLUTION


# %% check="configure_optimizer" tags=["nbval-check-output"]
check("configure_optimizer")

# %% [markdown] fold="Hint"
# Two list comprehensions over `model.parameters()`, one with `parameter.dim() >= 2`, one with the rest.
# Go by the dimensions and not by names: `norm.weight` is called a weight, but has one dimension.

# %% [markdown]
# ## How few bits are enough?
#
# A float32 number has 32 bits. Half as many would take half the memory, and newer GPUs multiply such
# numbers many times as fast. There are two kinds with 16 bits. **float16** spends few bits on the
# size of a number and more on its digits; **bfloat16** has the sizes of float32, and very few digits.

# %% tags=["demo", "nbval-check-output"]
for kind in (torch.float32, torch.float16, torch.bfloat16):
    numbers = torch.finfo(kind)
    name = str(kind).removeprefix("torch.")
    print(f"{name:<8}  largest {numbers.max:.2g}, next after 1: 1 + {numbers.eps:.2g}", end="")
    print(f", 1e-8 becomes {torch.tensor(1e-8).to(kind).item():.2g}")

# %% [markdown]
# **Predict first.** A weight is 1.0, and a step would add 0.001 to it. After 1,000 such steps, what is
# it in float32? And in bfloat16?

# %% tags=["demo", "nbval-check-output"]
for kind in (torch.float32, torch.bfloat16):
    weight = torch.tensor(1.0, dtype=kind)
    for _ in range(1000):
        weight = weight + torch.tensor(0.001, dtype=kind)
    print(f"{str(kind).removeprefix('torch.'):<8} {weight.item():.3f}")

# %% [markdown] fold="What happened"
# After 1.0 the next bfloat16 number is 1.0078. A step of 0.001 is lost in the rounding, every time, so
# the weight never moves.

# %% [markdown]
# So the precision is **mixed** (Micikevicius and others, 2018): the weights, and all that AdamW keeps,
# stay in float32. Only the large matrix products are done with copies in 16 bits, where rounding does
# no harm, since it goes up as often as down. In torch this is one line, `torch.autocast`. Everything
# that is computed inside it picks its precision:

# %% [markdown] slide="In 16 bits a small step may be no step"
# ```python
# weight = torch.tensor(1.0, dtype=kind)
# for _ in range(1000):
#     weight = weight + torch.tensor(0.001, dtype=kind)
# ```
#
# float32 ends at **2.000**, bfloat16 at **1.000**. So precision is *mixed*.
#
# Notes: After 1.0 the next bfloat16 number is 1.0078, so a step of 0.001 is lost in the rounding,
# every time. Weights and what AdamW keeps stay in float32, and only the large products are done
# with 16-bit copies. With float16 the loss is scaled up as well. Then the order is: unscale, clip,
# step.

# %% tags=["demo", "nbval-check-output"]
layer, rows = nn.Linear(8, 8), torch.randn(4, 8)
with torch.autocast("cpu", dtype=torch.bfloat16):
    print("a matrix product:", layer(rows).dtype)
    print("a cross-entropy: ", cross_entropy(layer(rows), torch.tensor([0, 1, 2, 3])).dtype)
print("the weight:      ", layer.weight.dtype)

# %% [markdown]
# With float16 there is one more trap. Gradients are often tiny, and a float16 far below 0.00000006 is
# simply 0. The remedy: multiply the loss by a large number, say 65,536, before going backward.
# Then all gradients are that much larger, and survive. Before the step they are divided by it again,
# which is called *unscaling*. bfloat16 can hold tiny numbers, and needs none of this.
#
# Now to something that happens in any precision. Once in a while a batch is odd, and its gradient is a
# hundred times as long as usual. In plain gradient descent one such step can throw away an hour of
# training. And with AdamW?
#
# **Predict first.** A weight's gradient is 1 at every step, but for step 100, where it is 100. How far does
# AdamW move the weight in that step, compared with the steps before? And how long does it take to get over
# it?

# %% tags=["demo"]
weight = nn.Parameter(torch.zeros(()))
optimizer = torch.optim.AdamW([weight], lr=1.0, betas=(0.9, 0.99), weight_decay=0.0)
moved = []
for step in range(500):
    weight.grad = torch.tensor(100.0 if step == 100 else 1.0)
    before = weight.item()
    optimizer.step()
    moved.append(before - weight.item())
figure, axes = plt.subplots(figsize=(7, 2.8))
axes.plot(moved, color="#0072b2")
axes.axvline(100, color="#d55e00", linestyle="--", label="the odd gradient")
axes.set(xlabel="step", ylabel="length of the step\n(learning rates)", ylim=(0, 1.2))
axes.legend()
plots.show()
short = sum(length < 0.5 for length in moved[101:])
print(f"step 99: {moved[99]:.2f}, step 100: {moved[100]:.2f}", end="; ")
print(f"then {short} steps are less than half as long as usual")

# %% [markdown]
# *The picture: how far each step moves the weight.* In the odd step itself AdamW goes no farther than
# usual, since it divides by $\sqrt{\hat v}$, and the odd gradient is in $\hat v$ already. But $v$ remembers
# it. Until it has forgotten, all further steps are far too short: hundreds of them are lost to one batch.
#
# So **clip** the gradient (Pascanu and others, 2013): take all gradients of the model as one long vector,
# and if that is longer than some limit, shorten it. The direction stays, and $v$ never sees the length.
#
# **Predict first.** The loss was scaled by 65,536. Which comes first, unscaling or clipping?

# %% [markdown] fold="Answer"
# Unscaling. Before it every gradient is 65,536 times too long, so every one would be clipped. After
# unscaling, nothing but the direction would be left, 65,536 times too short.

# %% [markdown] contract="clip_gradients"
# `clip_gradients(parameters, limit, scale=1.0)` changes the gradients of `parameters`, these alone, and
# returns one `float`.
#
# 1. Divide every gradient by `scale`.
# 2. Find the length of all gradients together: the square root of the sum of all their squares. This is
#    what the function returns.
# 3. If it is above `limit`, multiply every gradient by `limit / length`.
#
# `parameters` may be any iterable, also `model.parameters()`, which can be gone through only once. A
# parameter whose `grad` is `None` is passed over; at least one has a gradient. The new gradients end
# up in `parameter.grad`: `parameter.grad *= 0.5` or `parameter.grad = ...`.
#
# For example, with the gradients `[3, 0]` and `[4]` and `limit = 1` it returns 5.0 and leaves
# `[0.6, 0]` and `[0.8]`.


# %% exercise="clip_gradients" minutes=12 level=2
@torch.no_grad()
def clip_gradients(parameters, limit, scale=1.0):
    """Unscale all gradients and shorten them to `limit` together; return their length before."""
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient /= scale
    length = float(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    if length > limit:
        for gradient in gradients:
            gradient *= limit / length
    return length
    ### END SOLUTION


# %% check="clip_gradients" tags=["nbval-check-output"]
check("clip_gradients")

# %% [markdown] fold="Hint 1: a list"
# Begin with a list of all the gradients that are not `None`. You will go through it three times.

# %% [markdown] fold="Hint 2: one length"
# `(gradient**2).sum()` for each one, all of them added up, and then the root. (Or: `.norm()` is the
# length of a tensor, and the length of all the lengths is the length of the whole.)

# %% [markdown]
# Torch has the last two steps ready as `nn.utils.clip_grad_norm_`. Now you know what it does.

# %% [markdown]
# ## What is one step of training?
#
# You have all the parts of it. In their order:
#
# 1. Draw a batch: `x` and, one character further, `y`.
# 2. Let the model read `x`. The loss is the mean cross-entropy with `y` over all `B * T` positions.
# 3. Clear the old gradients, and go backward.
# 4. Clip.
# 5. Set the learning rate of this step, and let the optimizer step.
#
# `cross_entropy` wants logits of shape `(N, V)` and targets of shape `(N,)`. For logits of shape
# `(B, T, V)`, `logits.flatten(0, 1)` joins the first two dimensions to one.
#
# The learning rate stands in the optimizer's groups. For each `group` in `optimizer.param_groups` it is
# `group["lr"]`, and you may write to it.

# %% [markdown] contract="train"
# `train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None)` does the
# steps from number `start` to number `steps - 1`, and returns a list with the loss of each, as floats.
#
# - `ids` is the training text, int64 of shape `(N,)`. Each step draws its own batch of `batch` windows
#   with `get_batch`, as long as `model.config.context`, when it begins. Nothing else is drawn, and no
#   seed is set.
# - Step number `step` has the learning rate `lr_schedule(step, steps, peak, warmup)`, in all groups.
# - The gradients of all parameters are clipped to the length `clip` together, by `clip_gradients`.
# - Each step clears the gradients that are there, also those from before the first one.
# - The loss of a step is that of its batch before the weights move. The model reads each window of the
#   batch once, all together or in parts.
# - At the end of each step, if `on_step` is given, call `on_step(step, loss)`, with the float: others can draw a
#   progress bar there, or save the model. What it raises goes through to the caller. `KeyboardInterrupt`
#   does so too: that is what Python raises when somebody presses stop.
# - It puts the model in training mode, and leaves it there.
#
# For example, `train(model, optimizer, ids, steps=100, batch=8, peak=1e-3, warmup=10)` returns 100
# losses. With `start=60` in addition it returns 40, and its first learning rate is that of step 60.


# %% exercise="train" minutes=25 level=4
def train(model, optimizer, ids, steps, batch, peak, warmup, start=0, clip=1.0, on_step=None):
    """Train `model` on the text `ids` (N,), from step `start` to `steps`; return the losses."""
    ### BEGIN SOLUTION
    model.train()  # with dropout
    losses = []
    for step in range(start, steps):  # as the schedule counts
        x, y = get_batch(ids, batch, model.config.context)  # (B, T) each
        logits = model(x)  # (B, T, V)
        loss = cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()  # or they would add up
        loss.backward()
        clip_gradients(model.parameters(), clip)  # all together
        for group in optimizer.param_groups:
            group["lr"] = lr_schedule(step, steps, peak, warmup)
        optimizer.step()  # all weights move
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
    return losses
    ### END SOLUTION


# %% check="train" tags=["nbval-check-output"]
check("train")

# %% [markdown] fold="Hint 1: the frame"
# Before the loop: `model.train()` and an empty list. The loop: `for step in range(start, steps):`. In it
# the five steps from above, each one or two lines. Then the loss goes into the list as a float
# (`.item()`), and `on_step` is called.

# %% [markdown] fold="Hint 2: backward"
# `optimizer.zero_grad()` clears the gradients; without it `backward()` adds to the old ones. After
# `backward()` comes `clip_gradients(model.parameters(), clip)`, and after that `optimizer.step()`.

# %% [markdown]
# Does it learn? Before you spend minutes on a training, spend seconds on this: take **one batch** and
# train on nothing else. A model with so many numbers must be able to learn a few lines by heart. If it
# cannot, something is broken, and you need not wait to find out.

# %% tags=["demo"]
if check.ready("GPT", "configure_optimizer", "clip_gradients", "train"):
    torch.manual_seed(0)
    model = GPT(Config(V, context=64, layers=2, heads=4, channels=64))
    one_window = train_ids[:65]  # a text of context + 1 characters has a single window
    optimizer = configure_optimizer(model, 3e-3)
    by_heart = train(model, optimizer, one_window, steps=60, batch=1, peak=3e-3, warmup=5)
    for step in (0, 10, 20, 30, 40, 50, 59):
        print(f"step {step:2}: loss {by_heart[step]:.3f}")

# %% [markdown]
# These are the shapes and the recipes for all that comes now, the hyperparameters. The one for a GPU is
# nanoGPT's large model for Shakespeare. And `small` is for a text of your own: a `GPT(Config(V, **small))`
# that you `train` with `**small_recipe` and 3,000 steps is ready within a few minutes.

# %%
shapes = {
    "smoke": {"context": 64, "layers": 2, "heads": 2, "channels": 32},
    "laptop": {"context": 256, "layers": 2, "heads": 2, "channels": 96},
    "gpu": {"context": 256, "layers": 6, "heads": 6, "channels": 384, "dropout": 0.2},
}
recipes = {
    "smoke": {"steps": 30, "batch": 4, "peak": 3e-3, "warmup": 5},
    "laptop": {"steps": 6500, "batch": 4, "peak": 8e-3, "warmup": 200},
    "gpu": {"steps": 5000, "batch": 64, "peak": 1e-3, "warmup": 100},
}
small = {"context": 64, "layers": 3, "heads": 8, "channels": 128}
small_recipe = {"batch": 12, "peak": 4.5e-3, "warmup": 100}


# %% [markdown]
# ## Was the beginning worth the trouble?
#
# You can measure it now. Three models of the same shape, with a context of 128, begin differently, and train
# for the same 600 steps: nearly as GPT-2 began, with 0.02 for the matrices and 0.01 for random positions; with
# $1/\sqrt C$ and random positions; and yours.
#
# **Predict first.** Which of the two matters more here, the standard deviation or the positions?

# %% tags=["demo"]
if check.ready("GPT", "configure_optimizer", "clip_gradients", "train"):
    beginner = Config(V, **shapes["smoke" if preset == "smoke" else "laptop"] | {"context": 128})
    std = 1 / math.sqrt(beginner.channels)

    def begin_with(positions, matrices):
        """Return a GPT whose positions, and other matrices, begin with these standard deviations."""
        torch.manual_seed(0)
        model = GPT(beginner)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 2:
                    parameter *= matrices / std
            if positions is not None:
                model.position_embedding.weight.normal_(std=positions)
        return model

    beginnings = {
        "0.02, random positions": begin_with(0.01, 0.02),
        # A sine of height h has a standard deviation of h/√2: these are as large as the sinusoids.
        "1/√C, random positions": begin_with(math.sqrt(2) * std, std),
        "1/√C, sinusoids": begin_with(None, std),
    }
    recipe = {"steps": 10 if preset == "smoke" else 600, "batch": 4, "peak": 8e-3, "warmup": 50}
    progress = tqdm(
        total=len(beginnings) * recipe["steps"], mininterval=1, leave=False, file=sys.stdout
    )
    found = {}
    for name, model in beginnings.items():
        optimizer = configure_optimizer(model, recipe["peak"])
        train(model, optimizer, train_ids, **recipe, on_step=lambda step, loss: progress.update())
        found[name] = evaluate(model, validation_ids, beginner.context)
    progress.close()
    for name, loss in found.items():
        print(f"{name}: {loss:.3f}")

# %% [markdown]
# The standard deviation, in this short run: with 0.02, a fifth of $1/\sqrt C$, the model has hardly got beyond
# the bigram's 2.40. The sinusoids help too. (One seed each, so do not build on small differences. All this is
# said of the fables at the preset `laptop`.)

# %% [markdown] slide="A good start is worth many steps"
# Three models of the same shape, after the same 600 steps:
#
# - 0.02, random positions: hardly beyond a bigram
# - $1/\sqrt C$, random positions: better
# - $1/\sqrt C$, sinusoids: best
#
# Notes: Let them guess first which matters more, the standard deviation or the positions. GPT-2
# could afford random positions, since it read enough text to find their order. One seed each, so do
# not build on small differences. The losses stand below the notebook's cell.

# %% [markdown]
# ## What if somebody stops it?
#
# A large model trains for weeks. Machines fail, programs are stopped, and free GPUs are taken away. So a
# training saves a **checkpoint** now and then: a file from which it can go on.
#
# "Go on" has a strict meaning. The training that was stopped must end with *the same numbers, bit for
# bit*, as one that was not. Otherwise you could never tell a bug from bad luck.
#
# **Predict first.** The weights must be in the file, of course. What else decides how the training goes
# on? There are three more things.

# %% [markdown] fold="Answer"
# - What the optimizer keeps: $m$ and $v$ for each weight. With zeros in their place the next steps are
#   different ones.
# - The number of the step: the learning rate depends on it.
# - The state of the random generator: it decides which batches come next, and what dropout drops.

# %% [markdown]
# Torch can hand out each of these, and take it back:
#
# | what | out | in |
# |---|---|---|
# | weights | `model.state_dict()` | `model.load_state_dict(...)` |
# | optimizer | `optimizer.state_dict()` | `optimizer.load_state_dict(...)` |
# | random generator | `torch.get_rng_state()` | `torch.set_rng_state(...)` |
#
# `torch.save(anything, path)` writes a dictionary of such things to a file, and
# `torch.load(path, weights_only=True)` reads it. Always write `weights_only=True`: without it a file can
# run any code it likes on your machine (before torch 2.6 that was what happened if you said nothing).
# With it, only tensors, numbers, strings, lists and dictionaries are let through. (Even this gate had a
# hole, up to torch 2.5: CVE-2025-32434. For weights that you pass on to others there is a format that can
# hold nothing but numbers, *safetensors*. Lesson 11 uses it.) So the config has to
# become a dictionary first, with `asdict(config)`. And from a dictionary, `Config(**dictionary)` makes a
# config again.
#
# One more question. What if the machine stops *while* it writes the file? Then half a checkpoint
# stands where the last good one was, and both are lost. So never write over a good file. Write the new
# one beside it, and when that is complete, put it in the old one's place with
# `os.replace(new_path, path)`. The operating system does this in a single move: at every moment there
# is a whole file under that name, the old one or the new one. That is called **atomic**. (It protects from
# a program that is stopped. When the power fails, the disk may not yet have written what it was told:
# whoever must survive that calls `os.fsync` on the new file first.)

# %% [markdown] contract="save"
# **`save(path, model, optimizer, step)`** writes a checkpoint to the file `path`, a string. It is a
# dictionary with these keys:
#
# | key | value |
# |---|---|
# | `"config"` | `model.config` as a dictionary |
# | `"model"` | the model's state dict |
# | `"optimizer"` | the optimizer's state dict |
# | `"step"` | `step`, the number of steps that are done |
# | `"random"` | the state of torch's random generator |
#
# It writes to another file in the same folder first, such as `path + ".part"`, and then puts that in
# place with `os.replace`. If it is interrupted before that, the file at `path` is what it was before,
# and what stopped it (`KeyboardInterrupt`, or the error of a full disk) goes through to the caller.
# Saving changes nothing, gradients neither: a training goes on after it as it would have without.
#
# **`load(path, model, optimizer)`** reads such a file with `weights_only=True`, gives back what is in it
# to `model`, `optimizer` and the random generator, and returns the step.


# %% exercise="save" minutes=15 level=3
def save(path, model, optimizer, step):
    """Write all that is needed to go on after `step` steps to the file `path`, or nothing."""
    ### BEGIN SOLUTION
    checkpoint = {
        "config": asdict(model.config),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(checkpoint, path + ".part")
    os.replace(path + ".part", path)
    ### END SOLUTION


def load(path, model, optimizer):
    """Put everything back as `save` found it; return the number of steps that were done."""
    ### BEGIN SOLUTION
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    torch.set_rng_state(checkpoint["random"])
    return checkpoint["step"]
    ### END SOLUTION


# %% check="save" tags=["nbval-check-output"]
check("save")

# %% [markdown] fold="Hint 1: save"
# One dictionary with five entries, all from the tables above. Then `torch.save(dictionary, other_path)`
# and `os.replace(other_path, path)`.

# %% [markdown] fold="Hint 2: load"
# `checkpoint = torch.load(path, weights_only=True)` gives the dictionary. Three of its entries go back
# to where they came from, the step is returned. (`map_location="cpu"` lets you open on a laptop what
# was saved on a GPU.)

# %% [markdown]
# Now the proof. One model trains for 6 steps. A second one begins the same, somebody presses stop after
# step 3, and a third one, with other numbers in it, loads what was saved and does the rest.

# %% tags=["demo", "nbval-check-output"]
if check.ready("GPT", "configure_optimizer", "clip_gradients", "train", "save", "load"):
    tiny = Config(V, context=16, layers=2, heads=2, channels=16, dropout=0.2)
    setup = {"ids": train_ids, "steps": 6, "batch": 4, "peak": 1e-2, "warmup": 2}

    def fresh(seed):
        torch.manual_seed(seed)
        model = GPT(tiny)
        return model, configure_optimizer(model, 1e-2)

    straight, optimizer = fresh(1)
    losses = train(straight, optimizer, **setup)

    stopped, optimizer = fresh(1)

    def press_stop(step, loss):
        if step == 2:
            save("stopped.pt", stopped, optimizer, step + 1)
            raise KeyboardInterrupt  # what the stop button raises

    try:
        train(stopped, optimizer, **setup, on_step=press_stop)
    except KeyboardInterrupt:
        print("stopped after step 3")

    resumed, optimizer = fresh(2)
    step = load("stopped.pt", resumed, optimizer)
    rest = train(resumed, optimizer, **setup, start=step)
    pairs = zip(straight.parameters(), resumed.parameters(), strict=True)
    print("losses of steps 4 to 6 the same:", losses[3:] == rest)
    print("all weights the same, bit for bit:", all(torch.equal(a, b) for a, b in pairs))

# %% [markdown]
# (Bit for bit holds on one and the same machine, with the CPU. A GPU has random generators of its own,
# and adds up in an order that may change from run to run.)

# %% [markdown] slide="Resumed must mean: the same bits"
# A **checkpoint** holds
#
# - the weights
# - what the optimizer keeps
# - the number of the step
# - the state of the random generator
#
# Notes: Machines fail, and free GPUs are taken away. If going on gave other numbers, you could
# never tell a bug from bad luck. In the demo a run that was stopped after step 3 ends with the same
# weights as one that was not. The file is written beside the old one, then put in its place in one
# move, which is called atomic: at every moment there is a whole file under that name.

# %% [markdown]
# ## How good does it get?
#
# The whole training, with the shape and the recipe of your preset. On a newer GPU the model is also
# compiled (`torch.compile` makes one program of all its steps), and its products are done in bfloat16:


# %%
def speed_up(model):
    """Return `model` as it trains fastest here: on a newer NVIDIA GPU compiled, and in bfloat16."""
    if not model.head.weight.is_cuda or torch.cuda.get_device_capability() < (8, 0):
        return model
    compiled = torch.compile(model)
    forward = torch.autocast("cuda", dtype=torch.bfloat16)(compiled.forward)
    compiled.forward = lambda ids: forward(ids).float()  # the loss wants all its digits
    return compiled


losses_seen, judged = {}, {}  # after so many steps: the loss of the batch, and on validation text


# %% [markdown]
# The next cell trains. While it runs, a bar shows how far it is, how many tokens it reads in a second
# (our tokens are characters), how much time is left, and the loss. Ten times on the way it judges the
# model by the whole validation text, saves a checkpoint, and lets the model write a line. It also
# keeps the model that was best on the validation text, which need not be the last one.
#
# **Try the stop button.** Then run the cell again: it goes on from the last checkpoint.

# %% tags=["demo"]
if check.ready(
    "GPT", "sample_token", "configure_optimizer", "clip_gradients", "train", "save", "load"
):
    config, recipe = Config(V, **shapes[preset]), recipes[preset]
    torch.manual_seed(0)
    gpt = GPT(config).to(where)
    optimizer = configure_optimizer(gpt, recipe["peak"])
    judge_ids = validation_ids.to(where)
    opening = encode("\n\nOne ", chars).tolist()
    last, best = f"gpt-{preset}.pt", f"gpt-{preset}-best.pt"
    begun = 0
    whole = os.path.exists(last) and os.path.exists(best)
    if whole and torch.load(last, weights_only=True)["config"] == asdict(config):
        step = load(best, gpt, optimizer)
        judged[step] = evaluate(gpt, judge_ids, config.context)
        begun = load(last, gpt, optimizer)
        judged[begun] = evaluate(gpt, judge_ids, config.context)
        print(f"Going on after step {begun:,} of {last}. (To begin anew, delete that file.)")
    else:
        losses_seen.clear()
        judged.clear()

    def watch(step, loss):
        """Move the bar; now and then judge the model, save it, and let it write."""
        done = step + 1
        losses_seen[done] = loss
        bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        bar.update(recipe["batch"] * config.context)
        if done % (recipe["steps"] // 10) == 0:
            judged[done] = evaluate(gpt, judge_ids, config.context)
            if judged[done] == min(judged.values()):
                save(best, gpt, optimizer, done)
            save(last, gpt, optimizer, done)
            with torch.random.fork_rng():  # looking must not change what the training draws
                line = decode(generate(gpt, opening, 60, top_p=0.95), chars).strip()
            bar.write(f"step {done:,}: validation {judged[done]:.3f}   {line!r}")

    characters = recipe["batch"] * config.context  # in one step
    bar = tqdm(
        total=recipe["steps"] * characters,
        initial=begun * characters,
        unit=" tokens",
        unit_scale=True,
        mininterval=1,
        leave=False,
        file=sys.stdout,
    )
    clock = time.perf_counter()
    try:
        with bar:
            train(
                speed_up(gpt),
                optimizer,
                train_ids.to(where),
                **recipe,
                start=begun,
                on_step=watch,
            )
    except KeyboardInterrupt:
        saved = max([begun, *judged])
        goes_on = f"goes on after step {saved:,}, the last checkpoint" if saved else "begins anew"
        stopped_after = round(bar.n / characters)
        print(f"Stopped after step {stopped_after:,}. Run this cell again: it {goes_on}.")
    minutes = (time.perf_counter() - clock) / 60
    ran = round(bar.n / characters) - begun
    print(f"{ran:,} steps in {minutes:.1f} minutes, on {where.type}")

# %% [markdown]
# Read the lines from the first to the last. With the preset `laptop` they turn from syllables and short
# words to names, to phrases; after the few steps of `smoke` there are only letters. Now the best model is loaded
# again, and judged.

# %% tags=["demo"]
if not judged:
    print("This cell waits for the training above: let it run until it has saved once.")
else:
    load(best, gpt, optimizer)
    clock = time.perf_counter()
    gpt_loss = evaluate(gpt, judge_ids, config.context)
    read = 2 * len(judge_ids)  # in windows that overlap by half
    reading_speed = read / (time.perf_counter() - clock)
    figure, axes = plt.subplots(figsize=(7, 3.6))
    steps, seen = list(losses_seen), torch.tensor(list(losses_seen.values()))
    group = max(1, len(seen) // 100)  # the mean of so many steps is one point
    means = seen[: len(seen) // group * group].reshape(-1, group).mean(dim=1)
    axes.plot(steps[group - 1 :: group], means, color="#949494", label="training, mean of 1%")
    axes.plot(list(judged), list(judged.values()), "o-", color="#0072b2", label="validation")
    axes.set(xlabel="step", ylabel="loss (nats per character)")
    axes.set_ylim(bottom=0)
    axes.legend()
    plots.show()
    work = 3 * flops_per_token(config) * max(judged) * characters
    print(f"{max(judged):,} of {recipe['steps']:,} steps: {work:.2g} floating-point operations")
    known = evaluate(gpt, train_ids[: len(judge_ids)].to(where), config.context)
    print(f"on as much of the training text: {known:.3f} nats per character")
    best_step = min(judged, key=judged.get)
    print(f"on the validation text:          {gpt_loss:.3f}, best after step {best_step:,}")

# %% [markdown]
# *The picture: the loss while it trains. In a run of thousands of steps there is a bend near the start, at
# the loss of a bigram: there the model knows which character follows which, and finds out how to look
# back.* The grey line is the loss of the batches, also at the first
# positions of their windows, where little can be known; so it cannot tell whether the model learns its text by
# heart. The last two numbers can: they are measured alike, on text that it has read and on text that it has
# not.

# %% [markdown] slide="First it counts pairs, then it learns to look back" picture="above"
# The small bend at the upper left is at the loss of a bigram, 2.4.
#
# Notes: At the bend the model knows which character follows which, and finds out how to look back.
# The grey line cannot tell whether it learns by heart: the batches also ask at the first positions
# of a window, where little can be known. Two numbers measured alike can: the loss on text that it
# has read, and on text that it has not.

# %% [markdown]
# ## Why is writing slow?
#
# To write one character, `generate` has the model read the whole window. To write the next one, it reads
# the same window again, with one character more. Nearly all of that work was done before.
#
# **Predict first.** Character 7 stands at its position, and a character 8 comes behind it. Which of these
# change for character 7: its embedding, its query, its key, its value, what comes out of its blocks?

# %% [markdown] fold="Answer"
# None. The model is causal: no position sees what comes after it. So all that was computed for the first 7
# characters stays right, for ever. And of all that, the new character needs only the keys and the
# values: its own query looks at them. The old queries have done their work.

# %% [markdown]
# So keep the keys and the values of each block: the **key-value cache**. Then each new character goes
# through the model alone. It makes one query, one key and one value in each block; key and value go
# into the cache, behind the others.
#
# Three things need care. The new character's *position* is the number of characters before it, so the
# cache has to know how many these are. Its *mask* is a row of the causal mask that lets it see them
# all. (`is_causal=True` would take the first query for the first position, and let it see one key. Give
# `F.scaled_dot_product_attention` the rows that you need, as `attn_mask`.) And when the window is
# cut, the characters that stay get other positions. Their position embeddings are others then, and so
# are all keys and values: the cache is worth nothing, and the window has to be read anew. Cutting it
# to one half each time makes this rare. (With the rotary positions of lesson 09 it looks different.)

# %% drawing="cache"

# %% [markdown]
# **Something to play with.** Go from step to step, and compare what is computed on the left and on the
# right.


# %% tags=["demo"]
def read_on(step):
    display(drawings.cache(step))


play(read_on, step=(1, 7))

# %% [markdown] contract="generate_cached"
# `empty_cache(model)` is given. A cache is a list with one pair `(keys, values)` for each block, each
# of shape `(heads, S, C // heads)`, where `S` is the number of characters read so far. Write two
# functions.
#
# **`next_logits(model, ids, cache)`** reads the new characters `ids`, int64 of shape `(n,)`, behind the
# `S` characters of the cache, and returns the logits after the last of them, shape `(V,)`. It puts the
# new keys and values into the list `cache`, so that `cache[i]` is a pair with `S + n` positions. There is
# one text only, and so no dimension `B`. The model is in evaluation mode, and `S + n` is at most
# `context`. What you make here must be on `ids.device`, and in `generate_cached` where the model is.
#
# **`generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None)`** returns what
# `generate` returns, with the same window: the list `ids` and `length` new ids. With the same seed
# it writes the same text, as it also calls `sample_token` once for each new character. But
# `next_logits` reads each character only once, until the window is cut. Then it begins with an empty
# cache and reads the window that is left. The model is in evaluation mode while it writes, and
# afterwards in the mode in which it was. The caller's list `ids` stays as it is.
#
# For example, with a context of 8, 3 characters to begin with and 5 to write, `next_logits` reads 3
# characters first, and then 1 at a time.


# %% exercise="generate_cached" minutes=50 level=5
def empty_cache(model):
    """Return a cache without characters: for each block keys and values (heads, 0, C // heads)."""
    config = model.config
    nothing = model.head.weight.new_zeros(config.heads, 0, config.channels // config.heads)
    return [(nothing, nothing) for _ in range(config.layers)]


def next_logits(model, ids, cache):
    """Read the characters `ids` (n,) behind those of `cache`; return the logits after them (V,)."""
    ### BEGIN SOLUTION
    past, new = cache[0][0].shape[1], len(ids)
    positions = torch.arange(past, past + new, device=ids.device)
    mask = causal_mask(past + new)[past:].to(ids.device)  # (n, S + n)
    x = model.token_embedding(ids) + model.position_embedding(positions)  # (n, C)
    for i, block in enumerate(model.blocks):
        attention = block.attention
        normed = block.norm1(x)
        query, key, value = (
            part(normed).view(new, model.config.heads, -1).transpose(0, 1)  # (heads, n, d)
            for part in (attention.query, attention.key, attention.value)
        )
        key = torch.cat([cache[i][0], key], dim=1)  # (heads, S + n, d)
        value = torch.cat([cache[i][1], value], dim=1)
        cache[i] = key, value
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + attention.project(mixed.transpose(0, 1).flatten(1))  # (n, C)
        x = x + block.feed_forward(block.norm2(x))
    return model.head(model.norm(x[-1]))
    ### END SOLUTION


@torch.no_grad()
def generate_cached(model, ids, length, temperature=1.0, top_k=None, top_p=None):
    """Return what `generate` returns, and let the model read each character only once."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    written, window, unread = list(ids), list(ids), list(ids)
    cache = empty_cache(model)
    for _ in range(length):
        if len(window) > model.config.context:  # all positions change
            window = unread = window[-(model.config.context // 2) :]
            cache = empty_cache(model)
        read = torch.tensor(unread, device=model.head.weight.device)
        new = sample_token(next_logits(model, read, cache), temperature, top_k, top_p)
        unread = [new]
        window = [*window, new]
        written.append(new)
    model.train(was_training)
    return written
    ### END SOLUTION


# %% check="generate_cached" tags=["nbval-check-output"]
check("generate_cached")

# %% [markdown] fold="Hint 1: the positions and the mask"
# `past = cache[0][0].shape[1]` is the number of characters before. The new ones stand at the positions
# `past`, `past + 1`, ... Of the rows of `causal_mask(past + n)`, the last `n` are those of the new
# characters: `[past:]`.

# %% [markdown] fold="Hint 2: one block"
# Look at `forward` of your `Block` and of your `MultiHeadAttention`, and write down what they do, with
# `block.norm1`, `block.attention.query` and so on. Without `B`, `query(...)` has shape `(n, C)`;
# `.view(n, heads, -1).transpose(0, 1)` makes `(heads, n, d)` of it. Between the keys and the scores
# comes the new step: `torch.cat([old, new], dim=1)`. `F.scaled_dot_product_attention` takes the mask as
# `attn_mask`.

# %% [markdown] fold="Hint 3: the way back"
# `(heads, n, d)` becomes `(n, C)` by `.transpose(0, 1).flatten(1)`. Then `block.attention.project`, and
# add it to `x`. The feed-forward as it is. At the end only the last row of `x` matters.

# %% [markdown] fold="Hint 4: generate_cached"
# Copy `generate`. Keep a list `unread` of what the model has not read yet: all of `ids` at first, the
# one new id later, and the whole window after a cut, together with a new `empty_cache(model)`.

# %% [markdown]
# Is it the same text? And how much faster?

# %% tags=["demo"]
if check.ready("GPT", "sample_token", "next_logits", "generate_cached", "gpt_loss"):
    length = config.context - len(opening)  # a full window, without a cut
    seconds, texts = {}, {}
    for name, generator in {"plain": generate, "cached": generate_cached}.items():
        torch.manual_seed(0)
        begun = time.perf_counter()
        texts[name] = generator(gpt, opening, length, top_p=0.95)
        seconds[name] = time.perf_counter() - begun
    print("the same text:", texts["plain"] == texts["cached"])
    for name, each in seconds.items():
        print(f"{name:<6}  {length} characters in {each:.2f} s, {length / each:,.0f} a second")
    print(f"the cache makes it {seconds['plain'] / seconds['cached']:.1f} times as fast")

# %% [markdown]
# The longer the text, the more it saves: without the cache, all work for the next character grows with
# the text. With it, only looking back still does, since the new query meets all the keys. (The window of
# the preset `smoke` is so short that there is hardly anything to save, and the cache may even be slower.)
# What it costs is memory, $2 \cdot \text{layers} \cdot T \cdot C$ numbers. For GPT-2 small and a full
# context these are 19 million. For large models that talk to many people at once, this memory is what is
# scarce (Pope and others, 2022). So in most newer ones several queries share one key and one value:
# *grouped queries* (Ainslie and others, 2023).
#
# How daring should it be? Here it writes 1,000 characters (60 at `smoke`) in each of five ways, which takes
# some seconds, with a bar. Count how many of the words are words of the training text.
#
# **Predict first.** Which way invents the most words? What does top-p save?

# %% [markdown] slide="Keep keys and values, and read only what is new" picture="above"
# No position sees what comes after it. What was computed for the past stays right.
#
# Notes: This is the key-value cache: the same text, and faster. Without it all work for the next
# character grows with the text. With it, the new character goes through the model alone, and makes
# one query, one key and one value in each block. The price is memory, and for large models that
# talk to many people at once, this memory is what is scarce. Lesson 12 builds a server.

# %% tags=["demo"]
if check.ready("GPT", "sample_token", "next_logits", "generate_cached", "gpt_loss"):
    known_words = set(re.findall("[a-z]+", train_text.lower()))
    ways = {
        "temperature 0.3": {"temperature": 0.3},
        "temperature 1": {},
        "temperature 1.5": {"temperature": 1.5},
        "temperature 1.5, top-p 0.8": {"temperature": 1.5, "top_p": 0.8},
        "temperature 1.5, top-k 5": {"temperature": 1.5, "top_k": 5},
    }
    length = 60 if preset == "smoke" else 1000
    for name, way in tqdm(list(ways.items()), leave=False, file=sys.stdout):
        torch.manual_seed(0)
        text = decode(generate_cached(gpt, opening, length, **way), chars)
        words = re.findall("[a-z]+", text.lower())[:-1] or [""]  # the last one may be cut off
        share = sum(word in known_words for word in words) / len(words)
        ways[name] = {"known words": share, "different words": len(set(words)) / len(words)}
    table(ways)

# %% [markdown]
# Few different words mean that it repeats itself; few known ones, that it invents. The words between
# are not the only thing that can go wrong, so read it too.
#
# **Something to play with.** Let it write. With `top_k = 1` there is no chance at all: does it run in
# circles, as the bigram did?

# %% tags=["demo"]
if check.ready("GPT", "sample_token", "next_logits", "generate_cached", "gpt_loss"):

    def tell(opening, temperature, top_k, top_p, seed):
        torch.manual_seed(seed)
        start = encode("\n\n" + opening, chars).tolist()
        written = generate_cached(gpt, start, 500, temperature, top_k, top_p)
        print(decode(written, chars).strip())

    play(
        tell,
        opening=["One ", *(story[:20] for story in random.Random(0).sample(validation, 3))],
        temperature=(0.1, 1.9, 0.1),
        top_k=[None, 1, 5, 20],
        top_p=[0.95, None, 0.8, 0.5],
        seed=(0, 100),
    )

# %% [markdown]
# ## What was it worth?
#
# Every model so far, on the same validation text.

# %% tags=["demo"]
if check.ready("gpt_loss"):
    losses = rungs.before("07_gpt") if preset == "laptop" else {"uniform": math.log(V)}
    losses["GPT"] = gpt_loss
    is_fables = corpus.log_prob(validation[0]) > -math.inf
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown] slide="The GPT leaves counting far behind" picture="above"
# In our run: **0.514** nats per character.
#
# Notes: It is the first net that is far ahead of the 10-gram. What is left down to the floor? It
# sees 256 characters at most, and has read the text for a few epochs only. Much was chosen by the
# validation text, so the number to publish is that of the test text, which chose nothing and is
# read once. Lesson 08 takes the mask away and asks how to measure what a model is good for.

# %% [markdown]
# (Said of the fables, at the preset `laptop`.) The GPT is the first net that is far ahead of the 10-gram. What
# is left down to the floor? It sees 256 characters at most, and in lesson 05 you counted how far away the words
# are that come back. It has also read the text only a few times, that is, trained for a few epochs. Lesson
# 09 will get more out of the same minutes.
#
# But all of these losses come from the validation text, and much was chosen by it: the shape, the rates
# and the number of steps of this lesson's recipe, and just now the checkpoint. The best of many tries is
# good, and it is lucky as well. On the text that it was chosen by it keeps its luck, on another one it
# does not. So now, once, the test text. Two texts are never equally hard. Each text of fables has a floor,
# which takes account of that: so compare the distances to the floor. (Nobody knows the floor of
# Shakespeare, so there part of the difference is the text's own.)
#
# **Predict first.** How much farther from its floor will the GPT be on the test text?

# %% tags=["demo"]
if check.ready("gpt_loss"):
    test_loss = evaluate(gpt, encode(test_text, chars).to(where), config.context)
    floors = None
    if is_fables:
        floors = {"validation": (floor, floor_error), "test": corpus.floor(test)}
    display(plots.held_out({"validation": gpt_loss, "test": test_loss}, floors))

# %% [markdown]
# *The picture: the loss of the same GPT on the text that it was chosen by, and on one that had no say. The
# dashed lines are the floors, where they are known.* Few choices among models that are so alike bring
# little luck. So expect a small difference here, and one that chance alone could make. After thousands of
# choices, or with a public test set by which a whole field picks its ideas, it can be large.
#
# The number to publish is the one from the test text. And mind what happens when you do not like it,
# change the recipe and come back: then it has become a second validation text. (The same text must not
# stand in the training data either. Large models have read most of the internet, and with it many of
# the questions by which they are examined, often nearly word for word. This is called
# **contamination**, and removing near-duplicates before the split, as in lesson 01, is the remedy.)
#
# And the facts. `FLOPs per token` is for reading one token with a full context, as above; training takes
# three times that.

# %% tags=["demo"]
if check.ready("count_parameters", "gpt_loss"):
    facts = {
        "GPT": {
            "parameters": count_parameters(gpt),
            "FLOPs per token": flops_per_token(config),
            "tokens per second": reading_speed,
            "loss": gpt_loss,
        },
        "GPT-2 small": {
            "parameters": 124_439_808,
            "FLOPs per token": flops_per_token(configs["GPT-2 small"]),
        },
    }
    table(facts)

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. A GPT for 64 characters was just made. Its first loss is 9.7. What does that tell you?
#    - (a) Nothing: before training, any loss is as good as another.
#    - (b) Its starting values make it sure of something wrong; it should be near $\ln 64 = 4.2$.
#    - (c) It is too small for 64 characters.
# 2. Which of these should weight decay leave alone?
#    - (a) the token embedding
#    - (b) the weight of a LayerNorm
#    - (c) `feed_forward.expand.weight`
# 3. The gradients of a model have the length 5 together, and the limit is 1. Clipping ...
#    - (a) cuts each number to the range from −1 to 1
#    - (b) skips this step
#    - (c) divides every gradient by 5
# 4. You resume a training. All is in the checkpoint but the optimizer's state. What happens?
#    - (a) `load_state_dict` of the model fails.
#    - (b) It goes on, but not as it would have: AdamW's running means begin at 0 again.
#    - (c) The same as with it: the weights are all that counts.
# 5. The most likely character has a probability of 0.97. How many can `top_p=0.9` draw from?
#    - (a) one
#    - (b) none
#    - (c) those that together have 0.9 of the other 0.03
# 6. Why is the cache thrown away when the window is cut?
#    - (a) The characters that stay have new positions, and so other keys and values.
#    - (b) It has grown too large for the memory.
#    - (c) The queries in it are too old.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "b"
answer_3 = "c"
answer_4 = "b"
answer_5 = "a"
answer_6 = "a"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - A GPT is a pile of blocks between an embedding and a head, which share one matrix.
# - It should begin by guessing nearly blindly, with a loss not far above $\ln V$, and with a stream
#   that ends up alike however many blocks there are.
# - $12\,C^2$ numbers a layer; 2 FLOPs forward and 6 in training for each number and each token, and
#   looking back comes on top.
# - AdamW divides each weight's mean gradient by how large its gradients usually are. Matrices decay.
# - Weights stay in float32 while the products are done in 16 bits. Unscale, then clip, then step.
# - A checkpoint holds model, optimizer, step and random state, and is put in its place in one move.
# - Temperature, top-k and top-p decide how daring the writing is. A cache of keys and values makes it
#   fast.
# - What was chosen by the validation text is judged, once, by a text that chose nothing.
#
# Most models of today are still this one, with some parts exchanged: RMSNorm in place of LayerNorm, SwiGLU in
# place of the GELU layer, rotary positions (RoPE) in place of learnt ones, grouped queries, and a head that
# is not tied. Lesson 09 builds the first three.
#
# **Next**, lesson 08 takes the mask away: a model that sees both sides cannot write, but it can fill
# gaps and judge. And it asks how to measure what a model is good for.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *train*, as it is done for large models too, and a first piece
# of *deploy*: a checkpoint that others can load, and writing that is fast enough to be used.
#
# ### References
#
# - A. Radford, K. Narasimhan, T. Salimans, I. Sutskever (2018). Improving Language Understanding by
#   Generative Pre-Training.
# - A. Radford and others (2019). Language Models are Unsupervised Multitask Learners. This is GPT-2.
# - O. Press, L. Wolf (2017). Using the Output Embedding to Improve Language Models. *EACL*.
# - D. P. Kingma, J. Ba (2015). Adam: A Method for Stochastic Optimization. *ICLR*.
# - I. Loshchilov, F. Hutter (2019). Decoupled Weight Decay Regularization. *ICLR* (first put out in
#   2017). This is AdamW.
# - R. Pascanu, T. Mikolov, Y. Bengio (2013). On the Difficulty of Training Recurrent Neural Networks.
#   *ICML*. Clipping.
# - L. Liu and others (2020). On the Variance of the Adaptive Learning Rate and Beyond. *ICLR*.
# - J. Gilmer and others (2022). A Loss Curvature Perspective on Training Instabilities of Deep Learning
#   Models. *ICLR*. Both on warming up.
# - P. Micikevicius and others (2018). Mixed Precision Training. *ICLR*.
# - A. Fan, M. Lewis, Y. Dauphin (2018). Hierarchical Neural Story Generation. *ACL*. Top-k.
# - A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi (2020). The Curious Case of Neural Text
#   Degeneration. *ICLR* (first put out in 2019). Top-p.
# - J. Kaplan and others (2020). Scaling Laws for Neural Language Models.
# - R. Pope and others (2022). Efficiently Scaling Transformer Inference.
# - J. Ainslie and others (2023). GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
#   Checkpoints. *EMNLP*.

# %%
check.summary()
