# %% [markdown] lesson="06_transformer" title="A block, part by part" minutes=140 laptop_minutes=3 gpu_minutes=3
# In lesson 05 one head learnt where to look. The models that people chat with have many heads in many
# layers, and a few more parts without which so many layers would not learn. Together these parts are
# a **block**, and a stack of blocks is a **transformer**. In this lesson you build each part. Then you
# take each one away again, and measure what it was worth.
#
# After this lesson you can
#
# - **split** attention into heads that ask different things at once,
# - **tell** a model where each character stands,
# - **explain** what the residual stream and layer norm do for a deep stack,
# - **assemble** a block, and say what each part of it costs,
# - **measure** what each part is worth, and say when a measurement cannot tell.
#
# You need lesson 05 (attention, the causal mask, `nn.Module` and `nn.Linear`) and lesson 04 (the hidden
# layer, the learning rate and its schedule, overfitting).

# %% tags=["setup"]
import copy
import math
import random
import re
import statistics
import sys
import time

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from lmcourse import check, corpus, device, play, plots, rungs, table

check.lesson("06_transformer")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="build_vocab encode decode split get_batch sample_next lr_schedule evaluate_loss windows causal_mask evaluate"

# %% [markdown]
# These are your functions from the lessons before. The next cell makes the same text as in lesson
# 05.
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
print(f"V = {V} characters, {len(train_ids):,} of them to learn from")


# %% [markdown]
# ## Can one head look at two positions?
#
# Near the end of a fable, the next word may depend on *who* the story is about, and on *what* was
# lost. These are two positions in the past. A head has one row of weights for each position, and the
# weights sum to 1, so it would have to share them out between the two.
#
# **Predict first.** A head gives the name the score 10 and the thing the score 8, and all else far
# less. What weight does each of the two get?

# %% tags=["demo", "nbval-check-output"]
for thing in (10.0, 9.5, 9.0, 8.0, 6.0):
    weights = torch.tensor([10.0, thing]).softmax(dim=0)
    print(f"scores 10 and {thing:<4}   weights {weights[0]:.2f} and {weights[1]:.2f}")

# %% tags=["demo"]
gap = torch.linspace(0, 6, 61)
figure, axes = plt.subplots(figsize=(6.5, 3))
axes.plot(gap, gap.sigmoid(), color="#0072b2", label="weight of the name")
axes.plot(gap, 1 - gap.sigmoid(), "--", color="#d55e00", label="weight of the thing")
axes.set(xlabel="score of the name minus score of the thing", ylabel="attention weight")
axes.legend(loc="center right")
plots.show()

# %% [markdown]
# *The picture: only where the two scores are nearly the same do both positions get a fair share. A
# difference of 4, and one of them has nearly everything.*
#
# So one head can look at two positions, but only if it wants both for the same reason and just as much.
# And then it gets a blend: half of one, half of the other, in one sum.
#
# The way out: **ask several questions at once**. Give each question a head of its own, with its own
# queries, keys and values. Is that more work? Hardly, if each head is narrower. Say there are `C`
# channels and `H` heads. Then each head gets `d = C / H` channels, and all heads together compute as
# much as one wide head did.
#
# The code has a trick. Each head would need its own small matrix for the queries. Put these matrices
# side by side, and you have one matrix of shape `(C, C)`. So compute the queries of all heads in one
# product, and *cut the result* into heads: the first `d` channels are head 0, the next `d` are head 1,
# and so on. The same goes for keys and values.
#
# ```
#   x                         (B, T, C)
#     query, key, value       (B, T, C)       each of them: all heads in one product
#     cut the channels        (B, T, H, d)    reshape
#     heads beside the batch  (B, H, T, d)    transpose(1, 2)
#     attention               (B, H, T, d)    each head for itself
#     and back                (B, T, H, d)    transpose(1, 2)
#     side by side            (B, T, C)       reshape
#     project                 (B, T, C)       mixes what the heads have found
# ```
#
# Attention works on the last two axes, and whatever axes stand in front of them are done side by side.
# So a head is treated like one more text of the batch. For that its axis must come *before* `T`.
#
# **Predict first.** In the next cell each number tells where it is from: 12 is position 1, channel 2.
# There are `H = 2` heads, with `d = 2` channels each. Which of the two tries has the right numbers in
# head 0?

# %% [markdown] slide="One head can hardly look at two positions" picture="above"
# A head's weights sum to 1. Unless both scores are nearly equal, one position takes nearly
# everything.
#
# Notes: The next word may depend on who the story is about and on what was lost. Before you show
# the picture, ask: with scores 10 and 8, what weight does each place get? It is 0.88 and 0.12. Even
# a fair share is a blend, one half of each in a single sum.

# %% drawing="heads"

# %% tags=["demo", "nbval-check-output"]
x = torch.tensor([[[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]])  # (B=1, T=3, C=4)
print("reshape straight to (B, H, T, d):", x.reshape(1, 2, 3, 2)[0, 0].tolist())
heads = x.reshape(1, 3, 2, 2).transpose(1, 2)  # (B, T, H, d), then (B, H, T, d)
print("reshape, then transpose:         ", heads[0, 0].tolist())
print("back:                 ", heads.transpose(1, 2).reshape(1, 3, 4)[0].tolist())
print("back, no transpose:   ", heads.reshape(1, 3, 4)[0].tolist())

# %% [markdown] fold="Answer"
# The second. Head 0 shall have channels 0 and 1 *of every position*: 0 and 1, 10 and 11, 20 and 21.
# `reshape` only reads the numbers line by line and cuts the line anew. The first try has cut the line
# into two halves, so its head 0 holds everything of position 0, and a half of position 1. There is no
# error message, as the shapes are right. On the way back the same trap waits: see the last line.

# %% [markdown]
# One more thing. What you wrote in lesson 05 is in torch, too:
# `F.scaled_dot_product_attention(query, key, value, is_causal=True)`. It is written in C++, faster,
# and needs less memory. `is_causal=True` is the mask, and it takes any axes in front.

# %% [markdown] slide="Heads are one wide attention, cut into narrow ones" picture="above"
# Each of `H` heads has `d = C / H` channels and a question of its own. Not one parameter more.
#
# Notes: One product computes the queries of all heads, then the result is cut. Reshaping alone is
# not enough: it reads the numbers line by line, so head 0 would get all channels of the first
# positions. The transpose puts the heads beside the batch, where attention treats each of them like
# one more text.

# %% [markdown] contract="MultiHeadAttention"
# `MultiHeadAttention(channels, heads, dropout=0.0)` is a module. `channels` is a multiple of `heads`.
#
# - It has four layers, `query`, `key`, `value` and `project`. Each is an `nn.Linear` from `channels` to
#   `channels`, without a bias, and begins as torch draws it.
# - It takes a float tensor of shape `(B, T, channels)` and returns one of the same shape, by the steps
#   drawn above. Head `h` has the channels from `h * d` up to, not including, `(h + 1) * d`, where `d` is
#   `channels / heads`. Its scores are divided by the square root of `d` (torch's function does it). It is
#   causal.
# - `dropout` is explained further down, and its checks come last. Until then do what it says here: `p` is
#   there already. Hand `dropout_p=p` to torch's attention function, and put the very last result, behind
#   `project`, through `F.dropout(..., p)`. As long as `p` is 0, neither does anything.
# - Gradients travel back through every step, to the weights and to `x`.
#
# For example, `MultiHeadAttention(8, 2)` has 4 · 8 · 8 = 256 parameters and two heads of 4 channels.


# %% exercise="MultiHeadAttention" minutes=25 level=4
class MultiHeadAttention(nn.Module):
    """Several heads side by side, each with a question of its own: (B, T, C) to (B, T, C)."""

    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        ### BEGIN SOLUTION
        self.query = nn.Linear(channels, channels, bias=False)
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.project = nn.Linear(channels, channels, bias=False)
        ### END SOLUTION

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        ### BEGIN SOLUTION
        B, T, C = x.shape
        apart = (B, T, self.heads, C // self.heads)
        query = self.query(x).reshape(apart).transpose(1, 2)  # (B, heads, T, d)
        key = self.key(x).reshape(apart).transpose(1, 2)
        value = self.value(x).reshape(apart).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True)
        together = found.transpose(1, 2).reshape(B, T, C)
        return F.dropout(self.project(together), p)
        ### END SOLUTION


# %% check="MultiHeadAttention"
check("MultiHeadAttention")

# %% [markdown] fold="Hint 1: the layers"
# `nn.Linear(m, n, bias=False)` makes a layer from `m` channels to `n`. Keep each of the four in `self`
# under its name, as you did in lesson 05, so that `.parameters()` finds it.

# %% [markdown] fold="Hint 2: the sizes"
# `x.shape` has three sizes: give them the names `B`, `T` and `C`. The number of heads is `self.heads`,
# and `d` is `C // self.heads`. (`//` divides to a whole number; `/` would give 4.0, which is no size.)

# %% [markdown] fold="Hint 3: the way in"
# Let `q = self.query(x)`. Reshape it to the four sizes `(B, T, heads, d)`, and then swap axes 1 and 2.
# The same two steps for the key and for the value.

# %% [markdown] fold="Hint 4: the way back"
# Attention gives `(B, heads, T, d)`. Swap axes 1 and 2 again *before* you reshape to `(B, T, C)`. Then
# comes `self.project`, and `F.dropout` around it.

# %% [markdown]
# ## Does it know what came first?
#
# *The dog chased the fox.* *The fox chased the dog.* The same words, another order, another story.
#
# **Predict first.** Take the last position of a text, and shuffle all characters before it. How much
# will change in what attention gives to that last position?

# %% tags=["demo", "nbval-check-output"]
if check.ready("MultiHeadAttention"):
    torch.manual_seed(0)
    attention = MultiHeadAttention(16, 4)
    x = torch.randn(1, 10, 16)  # ten positions
    shuffled = x[:, [3, 7, 1, 8, 0, 5, 2, 6, 4, 9]]  # the first nine in another order
    change = (attention(x) - attention(shuffled))[0, -1].abs().max()
    print(f"largest change at the last position: {change:.5f}")

# %% [markdown] fold="Why nothing?"
# A weight depends on *what* stands in a position, and not on *where* that position is. And a sum does
# not care in which order its terms come. To a layer of attention the past is a bag of characters.

# %% [markdown] slide="A layer of attention sees a bag"
# Shuffle all characters but the last:
#
# ```python
# change = (attention(x) - attention(shuffled))[0, -1].abs().max()
# ```
#
# The change: **0.00000**.
#
# Notes: The dog chased the fox, the fox chased the dog. Ask how much will change at the last
# position when all before it is shuffled. A weight depends on what stands in a position, not on
# where it is, and a sum does not care about the order of its terms. With a second layer there is a
# clue, though a roundabout one: through the mask each position sees a bag of its own.

# %% [markdown]
# That was one layer.
#
# **Predict first.** Put a second layer on top of it. Does the last position notice the order now?

# %% tags=["demo", "nbval-check-output"]
if check.ready("MultiHeadAttention", "shuffled"):
    second = MultiHeadAttention(16, 4)
    change = (second(attention(x)) - second(attention(shuffled)))[0, -1].abs().max()
    print(f"two layers, the last position changes: {change > 0.001}")

# %% [markdown] fold="Why?"
# Because of the mask. Each position sees a bag of its own, of those before it, and a character that
# has moved forward sees a smaller one. What the first layer writes down there is different, and the
# second layer reads it.

# %% [markdown]
# So a stack of layers has a clue to the order, though a roundabout one. Models that are told nothing
# of positions do find it out in a long training (Haviv and others, 2022). Ours will be told.
#
# The MLP of lesson 04 knew the order, since each position of its context had weights of its own.
# Attention has the same weights for every position, and that is what lets it look back hundreds of
# characters. So the position must come in another way: **write it into the numbers**. Add to the
# embedding of a character a row of `C` numbers that tells where it stands.
#
# Which row? The number of the position itself, 0, 1, 2, 3, ..., would grow beyond all the other
# numbers. Vaswani and others (2017) read the position off a set of **clocks**. Each clock has one
# hand. The hand of the first clock turns by 1 radian at each position, so it is round after about
# 6. Each further clock is slower by the same factor, and the last one, with 64 channels, takes
# 47,000 positions for one round. Hours, minutes and seconds tell every moment of a day apart, and
# no number among them is large. The name for it is **sinusoidal encoding**.
#
# A hand is described by two numbers: how far its tip is to the right and how far up, which are the sine
# and the cosine of its angle. With `C` channels there are `C / 2` clocks. Clock `i` has the channels
# `2i` and `2i + 1`, and at position `t` they hold
#
# $$\sin(t \cdot r_i) \quad\text{and}\quad \cos(t \cdot r_i), \qquad r_i = 10000^{-2i/C}.$$
#
# Here are some tools for it.

# %% tags=["demo", "nbval-check-output"]
print(torch.arange(0, 8, 2))  # the even numbers below 8
print(100 ** (-torch.arange(0, 3) / 2))  # a power for each number of a tensor
print(torch.arange(3).reshape(3, 1) * torch.tensor([1.0, 0.1]))  # (3, 1) times (2,) is (3, 2)
row = torch.zeros(6)
row[1::2] = 7  # places 1, 3, 5: from place 1 on, every second one
print(row)

# %% [markdown] contract="positional_encoding"
# `positional_encoding(T, channels)` returns a tensor of shape `(T, channels)`: in row `t` the
# numbers for position `t`, counted from 0, by the formula above. `channels` is even. Sines stand in
# the even columns, and each cosine in the odd column behind its sine. The numbers are of kind
# float32, as all weights of a net are. (`nn.Linear` refuses float64.) They are not learnt: the
# tensor's `requires_grad` is `False`.
#
# For example, with `channels = 4` the two clocks have $r_0 = 1$ and $r_1 = 10000^{-2/4} = 0.01$, and
# `positional_encoding(3, 4)` is, rounded:
#
# ```
# [[0.000,  1.000, 0.000, 1.000],
#  [0.841,  0.540, 0.010, 1.000],
#  [0.909, -0.416, 0.020, 1.000]]
# ```


# %% exercise="positional_encoding" minutes=12 level=3
def positional_encoding(T, channels):
    """Return the hands of `channels / 2` clocks at T positions: (T, channels)."""
    ### BEGIN SOLUTION
    rates = 10000 ** (-torch.arange(0, channels, 2) / channels)  # (channels / 2,)
    angles = torch.arange(T).reshape(T, 1) * rates  # (T, channels / 2)
    encoding = torch.zeros(T, channels)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles.cos()
    return encoding
    ### END SOLUTION


# %% check="positional_encoding" tags=["nbval-check-output"]
check("positional_encoding")

# %% [markdown] fold="Hint 1: the rates"
# The exponents are $-2i/C$ for i = 0, 1, 2, ... The numbers $2i$ are the even numbers below `channels`,
# and the first tool makes them. The second tool takes a power for each.

# %% [markdown] fold="Hint 2: the angles"
# Every position times every rate: a column of shape `(T, 1)` times a row of shape `(channels / 2,)`
# gives a table of shape `(T, channels / 2)`. `.sin()` and `.cos()` of that table are all you need.

# %% [markdown] fold="Hint 3: the columns"
# Begin with zeros of shape `(T, channels)`. `table[:, 0::2]` are its even columns, `table[:, 1::2]` its
# odd ones. You can write into them with `=`.

# %% [markdown]
# What does it look like?

# %% tags=["demo"]
if check.ready("positional_encoding"):
    encoding = positional_encoding(64, 32)
    alike = encoding @ encoding.T  # (64, 64) the dot product of every two positions
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=(3, 2))
    image = left.imshow(encoding.T, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    left.set(xlabel="position", ylabel="channel", title="what is added")
    figure.colorbar(image, ax=left)
    for t, color in ((10, "#d55e00"), (30, "#0072b2"), (50, "#009e73")):
        right.plot(alike[t], color=color, label=f"with position {t}")
    right.set(xlabel="position", ylabel="dot product", title="how alike two positions are")
    right.set_ylim(top=19)
    right.legend(loc="upper center", ncols=3, fontsize=8, columnspacing=1, handlelength=1)
    figure.tight_layout()
    plots.show()
    print("Left: fast clocks at the top, slow ones below. Right: each line has its peak at itself.")

# %% [markdown]
# *Left: each column is the row of numbers that one position gets. The upper channels swing quickly, the
# lower ones hardly move. Right: the dot product of one position with all others.* It is largest with
# itself, and on the whole smaller for positions farther away. Attention compares by dot products, so it
# can now tell near from far.
#
# **Predict first.** Look at the three lines on the right. They seem to be the same line, shifted. Are
# they?

# %% [markdown] slide="So write the position into the numbers" picture="above"
# **Sinusoidal encoding**: many clocks, fast and slow. Sine and cosine of each hand are added to the
# embedding. Near positions get rows that are alike.
#
# Notes: Left, each column is what one position gets: fast clocks at the top, slow ones below.
# Right, the dot product of one position with all others has its peak at itself. A step of k
# positions turns each hand by the same angle wherever it starts, so only the distance counts. This
# is the positional encoding of Vaswani and others, 2017.

# %% tags=["demo", "nbval-check-output"]
if check.ready("positional_encoding"):
    encoding = positional_encoding(64, 32)
    for k in (1, 3, 10):
        dots = [f"{encoding[t] @ encoding[t + k]:.3f}" for t in (0, 20, 40)]
        print(f"{k:>2} apart, from position 0, 20 and 40 on: {dots}")

# %% [markdown] fold="Why?"
# Yes. A step of `k` positions turns each hand by the same angle, `k` times its rate, *wherever it
# starts*. So how alike two positions are depends on their distance only. It also means that one
# matrix, which turns the hands, leads from every position to the one `k` before it. `query` and `key`
# can learn such a matrix, and then a head can say "the character before this one" for every position at
# once.

# %% [markdown]
# The order counts now:

# %% tags=["demo", "nbval-check-output"]
if check.ready("MultiHeadAttention", "positional_encoding", "shuffled"):
    positions = positional_encoding(10, 16)
    change = (attention(x + positions) - attention(shuffled + positions))[0, -1].abs().max()
    print(f"the order makes a difference: {change > 0.01}")

# %% [markdown]
# ## Why not simply stack ten of them?
#
# One layer of attention gathers from the past. A second one could gather from what was gathered. So
# stack more layers. But in lesson 03 you saw how gradients travel back: **along a path, multiply**.
# With twelve layers that is a product of twelve factors or more.
#
# **Predict first.** Say each layer makes the gradients three times smaller. What is left of them after
# twelve layers?

# %% [markdown] fold="Answer"
# 3 to the power of 12 is 531,441: less than two millionths of the gradient arrive. This is the problem
# of **vanishing gradients** (Hochreiter, 1991; Bengio, Simard and Frasconi, 1994).

# %% [markdown]
# The next cell stacks twelve of your attention layers, puts logits on top, and goes back from the
# loss. It does so in four ways. Each layer *replaces* what came in, or it *adds* to it. And the
# weights begin as torch draws them, or by fan-in, as in lesson 04. (Torch draws them smaller, by
# the factor √3.)
#
# It looks at two things at each height: how large the gradients are, and how alike the positions of a
# text are. For that, take the rows of two positions, bring both to length 1, and take their dot
# product: 1 means that they point the same way.

# %% tags=["demo"]
if check.ready("MultiHeadAttention", "positional_encoding"):
    torch.manual_seed(0)
    small = [MultiHeadAttention(64, 4) for _ in range(12)]  # as torch draws them
    large = copy.deepcopy(small)
    with torch.no_grad():
        for layer in large:
            for weight in layer.parameters():
                weight *= math.sqrt(3)  # now by fan-in
    logits_layer = nn.Linear(64, V)
    ids = train_ids[:513].cpu()
    start = torch.randn(V, 64)[ids[:-1].reshape(8, 64)] + positional_encoding(64, 64)

    def alike(x):
        """Return the mean dot product of two positions of a text, brought to length 1."""
        B, T = x.shape[:2]
        unit = F.normalize(x.detach(), dim=-1)
        dots = unit @ unit.transpose(1, 2)  # (B, T, T), each position with itself: 1
        return ((dots.sum() - B * T) / (B * T * (T - 1))).item()

    def climb(layers, adds, norm):
        """Return, after 0, 1, ..., 12 layers: the gradients' size, the stream's deviation, how alike."""
        heights = [start.clone().requires_grad_()]
        for layer in layers:
            x = heights[-1]
            heights.append(x + layer(norm(x)) if adds else layer(norm(x)))
            heights[-1].retain_grad()  # let torch keep the gradients of this one, too
        loss = cross_entropy(logits_layer(heights[-1]).reshape(-1, V), ids[1:])
        loss.backward()
        return {
            "gradients": [x.grad.norm().item() for x in heights],
            "std": [x.std().item() for x in heights],
            "alike": [alike(x) for x in heights],
        }

    def climb_all(norm):
        """Climb the four stacks, and print what came out."""
        facts = {
            "replaces, torch's start": climb(small, False, norm),
            "replaces, fan-in": climb(large, False, norm),
            "adds, torch's start": climb(small, True, norm),
            "adds, fan-in": climb(large, True, norm),
        }
        rows = {}
        for name, fact in facts.items():
            ratio = fact["gradients"][0] / fact["gradients"][-1]
            stds = {f"std at {n}": f"{fact['std'][n]:.2g}" for n in (0, 6, 12)}
            rows[name] = {
                "gradients 0 / 12": f"{ratio:.2g}",
                **stds,
                "alike at 12": fact["alike"][-1],
            }
        table(rows)
        return facts

    facts = climb_all(norm=nn.Identity())  # a module that does nothing
    figure, sides = plt.subplots(1, 2, figsize=(11, 3.6))
    for name, fact in facts.items():
        color = "#d55e00" if name.startswith("replaces") else "#0072b2"
        style = "s--" if name.endswith("fan-in") else "o-"
        for axes, what in zip(sides, ("gradients", "alike"), strict=True):
            axes.plot(range(13), fact[what], style, color=color, markersize=4, label=name)
    sides[0].set(yscale="log", ylabel="size of the gradients (log scale)")
    sides[1].set(ylim=(0, 1.04), ylabel="how alike two positions are")
    for axes in sides:
        axes.set_xlabel("after how many layers")
    sides[0].legend(fontsize=8)
    figure.tight_layout()
    plots.show()

# %% [markdown]
# *The picture: four stacks of twelve layers. Left, the gradients: they begin at the top of the stack,
# on the right, and travel down to the left. Right, how alike the positions are, on the way up.* The
# table has the ends of these lines: the gradients at the bottom, divided by those at the top; how
# large the numbers are after 0, 6 and 12 layers; how alike the positions are at the top.
#
# Look at the two lines for *replaces* (orange). With torch's start the gradients fade: `value` and
# `project` each make them smaller by about √3, together by 3. A larger start cures that. But neither
# start cures what the right side shows: **the positions become all alike**. A layer that replaces
# hands on a mean of the past, the next layer a mean of such means. In the end nothing in a position
# tells which character stands there. This is called **rank collapse**. Dong, Cordonnier and Loukas
# (2021) proved it for any weights that are not huge: with attention alone it goes faster than by a
# constant factor from layer to layer.
#
# The cure is to **add**: $x + f(x)$ in place of $f(x)$. What was there stays in the sum. And the
# slope of $x + f(x)$ is $1 + f'(x)$. Multiply out twelve such factors: one of the paths has nothing
# but ones, so on it the gradients pass every layer untouched. Kaiming He and others (2016) found it
# for pictures, and trained nets of more than a hundred layers. It is called a **residual
# connection**.
#
# Think of `x` as a **stream** that runs from the embeddings up to the logits (Elhage and others,
# 2021). No layer replaces it. Each one *reads* from it, works something out, and *adds* it. So the
# whole model is the embedding plus a sum of contributions.
#
# But look at the last row of the table. Each layer there reads a stream that has grown, and so adds
# still more to it. What was there first is drowned, so the positions become alike after all, and at
# the bottom the gradients are huge.

# %% [markdown] slide="Where layers replace, all positions become alike" picture="above"
# Twelve layers of attention. Orange: each layer replaces what came in. Blue: it adds.
#
# Notes: Left are the gradients, which begin on the right at the top of the stack and travel down. A
# larger start keeps them from vanishing, but no start cures the right side. A mean of the past,
# then a mean of such means: in the end nothing in a position tells which character stands there.
# This is called rank collapse.

# %% [markdown] slide="Add, and gradients find an open path"
# $$x + f(x)$$
#
# The derivative: **1**, plus that of $f$.
#
# This is a **residual connection**. What runs through is the *stream*: layers read from it, and add
# to it.
#
# Notes: Multiply out twelve such factors, and one of the paths has nothing but ones. Kaiming He and
# others found it for pictures in 2016. The whole model becomes the embedding plus a sum of
# contributions. There is a price: in the table's last row the stream gets louder from layer to
# layer.

# %% [markdown]
# ## How loud is the stream?
#
# In the last row the numbers grow from layer to layer: the stream gets *louder*. Look at what
# attention does when all of its input is multiplied by some factor.
#
# **Predict first.** `x` becomes 4 times as large. What happens to the scores, and what to the weights?

# %% tags=["demo"]
if check.ready("MultiHeadAttention", "start"):

    def largest_weight(x):
        """Return the largest weight of the last position, averaged over texts and heads."""
        q = small[0].query(x)[:, -1:].reshape(8, 1, 4, 16).transpose(1, 2)  # (8, 4, 1, 16)
        k = small[0].key(x).reshape(8, 64, 4, 16).transpose(1, 2)  # (8, 4, 64, 16)
        scores = q @ k.transpose(-2, -1) / math.sqrt(16)  # (8, 4, 1, 64)
        return scores.softmax(dim=-1).max(dim=-1).values.mean().item()

    factors = [2 ** (power / 2) for power in range(11)]
    norm = nn.LayerNorm(64)  # you will write it in a moment
    lines = {
        "as it comes": [largest_weight(factor * start) for factor in factors],
        "through layer norm first": [largest_weight(norm(factor * start)) for factor in factors],
    }
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for (name, line), color in zip(lines.items(), ("#d55e00", "#0072b2"), strict=True):
        axes.plot(factors, line, "o-", color=color, label=name)
    axes.set(xscale="log", ylim=(0, 1.03), xlabel="x is multiplied by (log scale)")
    axes.set(ylabel="largest of 64 weights")
    axes.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    axes.minorticks_off()
    axes.legend()
    plots.show()
    for name, line in lines.items():
        print(f"{name}: from {line[0]:.2f} to {line[-1]:.2f}")

# %% [markdown] fold="Answer"
# A score is a query times a key, and both of them grow, so scores become 16 times as large. Softmax
# of large scores is nearly one-hot: all the weight goes to one position. There softmax is flat, so its
# gradients are nearly 0, and the head can no longer learn to look elsewhere.

# %% [markdown]
# *The picture: the largest of the 64 weights, for louder and louder input. As it comes, the attention
# runs to a single position. Through layer norm nothing changes at all.*
#
# **Layer norm** (Ba, Kiros and Hinton, 2016) turns the volume to the same level, whatever comes in. It
# works on each position by itself. Take the `C` numbers of one position. Subtract their mean, and
# divide by their standard deviation:
#
# $$y = \frac{x - \text{mean}}{\sqrt{\text{variance} + \varepsilon}} \cdot \text{weight} + \text{bias}$$
#
# - The variance is the mean of $(x - \text{mean})^2$ over the `C` channels.
# - $\varepsilon$ is tiny, 0.00001. Where all channels are equal, it saves us from dividing by 0.
# - `weight` and `bias` have one number for each channel, and they are learnt. They begin as ones and
#   zeros, so at first they do nothing. Later they let the net choose how loud each channel should be.
#   (A tensor of your own is learnt only inside an `nn.Parameter`, as in `Line` of lesson 05.)
#
# A trap: torch's `var` divides by `C - 1`, as one does to estimate the variance of a population from a
# sample. Here is no sample, so divide by `C`: `correction=0`.
#
# **Predict first.** What do the two lines print, for the numbers 1 and 3?

# %% [markdown] slide="Loud input: all weight on one position" picture="above"
# **Layer norm** brings each position to mean 0 and standard deviation 1, whatever comes in.
#
# Notes: Multiply x by 4 and the scores grow by 16, since both queries and keys grow. Softmax of
# large scores is nearly one-hot, and there it is flat, so hardly any gradient gets through. With
# layer norm in front nothing changes at all. It works on each position by itself: over the whole
# text it would leak the future.

# %% tags=["demo", "nbval-check-output"]
pair = torch.tensor([1.0, 3.0])
print(pair.var())
print(pair.var(correction=0))

# %% [markdown] contract="LayerNorm"
# `LayerNorm(channels, eps=1e-5)` is a module with two parameters of shape `(channels,)`: `weight`,
# ones at first, and `bias`, zeros at first. It takes a float tensor of shape `(..., channels)`,
# with any number of axes in front, and returns a new one of the same shape, by the formula above;
# `x` stays as it is. `eps` is $\varepsilon$, under the root. Each position is normalised by itself,
# over its channels, which are the last axis, in training and in evaluation alike. Gradients travel back
# through every step: mean and variance depend on `x` as well.
#
# For example, `LayerNorm(4)(torch.tensor([1.0, 2.0, 3.0, 4.0]))` is
# `[-1.342, -0.447, 0.447, 1.342]`: the mean is 2.5, the variance 1.25.
#
# Write it yourself: torch's `layer_norm` is refused here, and so are its other norms, such as
# `group_norm`.


# %% exercise="LayerNorm" minutes=12 level=3
class LayerNorm(nn.Module):
    """Bring each position's channels to mean 0 and deviation 1: (..., C) to (..., C)."""

    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        mean = x.mean(dim=-1, keepdim=True)  # (..., 1)
        variance = x.var(dim=-1, correction=0, keepdim=True)  # (..., 1)
        return (x - mean) / torch.sqrt(variance + self.eps) * self.weight + self.bias
        ### END SOLUTION


# %% check="LayerNorm" tags=["nbval-check-output"]
check("LayerNorm")

# %% [markdown] fold="Hint 1: the parameters"
# Two lines, `nn.Parameter(...)` around a tensor of ones and around a tensor of zeros, both of shape
# `(channels,)`.

# %% [markdown] fold="Hint 2: which axis?"
# The channels are the last axis, whatever stands in front: `dim=-1`. With `keepdim=True` the result has
# the shape `(..., 1)` and stretches over the channels again, as in lesson 00.

# %% [markdown] fold="Hint 3: the formula"
# First the difference to the mean. Divide it by `torch.sqrt(...)` of variance plus `self.eps`, both
# under the root. Last of all `self.weight` and `self.bias`.

# %% [markdown]
# `nn.LayerNorm` is the same thing, with the same names, but faster. From here on you may take it.
#
# Why not normalise over the whole text, or over the batch? Then what a position gives would depend on
# characters that come after it, or on other texts that happen to be in the batch. The first would leak
# the future.
#
# And where does it go? Into the branch, not on the stream: $x + f(\text{norm}(x))$. The layer reads
# a normalised copy, and the stream itself runs through unchanged. The same four stacks once more,
# with the norm in front of each layer:

# %% tags=["demo"]
if check.ready("MultiHeadAttention", "LayerNorm", "climb_all"):
    climb_all(norm=LayerNorm(64))

# %% [markdown]
# Now the gradients get through all four, whatever the start. But where layers *replace*, the positions
# are still all alike. So a deep stack wants both: the norm and the sum.
#
# Vaswani and others (2017) put the norm on the stream, behind the sum. With the norm in front
# (*pre-norm*) gradients keep the path that leads through no layer at all, and most models do it so
# today (Xiong and others, 2020).

# %% [markdown] slide="A deep stack wants norm and sum"
# $$x + f(\text{norm}(x))$$
#
# The branch reads a normalised copy. The stream itself runs through untouched.
#
# Notes: With the norm in front of each layer the gradients get through in all four stacks. But
# where layers replace, the positions are still all alike. Norm in front is called pre-norm, and
# most models since do it so.

# %% [markdown]
# ## Who works out what was found?
#
# Attention fetches. It takes weighted means of what stands in other positions, and a mean is a rather
# dull thing: nothing in it bends. If a head has fetched "the hero is Mila" and another one "we are
# after *said*", somebody must still work out what follows from both. That is what the hidden layer of
# lesson 04 is good at. So the second half of a block is a small MLP, at **each position by itself**,
# with the same weights everywhere: the **feed-forward** layer. Attention moves things between
# positions, the feed-forward layer works on them where they are.
#
# In the middle it is four times as wide as the stream: room for many small questions at once. The bend
# is called **GELU** (Hendrycks and Gimpel, 2016).

# %% tags=["demo"]
z = torch.linspace(-4, 4, 161)
figure, axes = plt.subplots(figsize=(6.5, 3))
axes.plot(z, F.gelu(z), color="#0072b2", label="GELU")
axes.plot(z, F.relu(z), ":", color="#222222", label="ReLU: 0 or z, whichever is larger")
axes.plot(z, z.tanh(), "--", color="#d55e00", label="tanh, of lesson 04")
axes.set(xlabel="z", ylabel="what comes out", ylim=(-1.3, 4))
axes.legend()
plots.show()
some = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])
print("GELU at -3, -1, 0, 1 and 3:", [round(y, 3) for y in F.gelu(some).tolist()])

# %% [markdown]
# *The picture: GELU lets large numbers through as they are, and stops negative ones, with a smooth
# corner between.* It is `z` times the probability that a standard normal number is below `z`.
# Unlike tanh it is not flat on the right, so gradients get through. You need not write it: take
# `F.gelu(z)` as it is. (Its option `approximate="tanh"` is a near relative, and not the same.)
#
# `nn.Linear` works on the last axis, and does the same at every position. So you need no reshape here.

# %% [markdown] contract="FeedForward"
# `FeedForward(channels, dropout=0.0)` is a module with two layers: `expand`, an `nn.Linear` from
# `channels` to `4 * channels`, and `shrink`, an `nn.Linear` back to `channels`. Both have a bias, and begin as
# torch draws them. It takes `(B, T, channels)` and returns the same shape: expand, GELU, shrink. There is no GELU at the end.
#
# As before, `p` is there, and the very last result goes through `F.dropout(..., p)`. Gradients travel
# back through every step.
#
# For example, `FeedForward(8)` has 8 · 32 + 32 parameters in `expand`, 32 · 8 + 8 in `shrink`, together
# 552.


# %% exercise="FeedForward" minutes=6 level=2
class FeedForward(nn.Module):
    """A hidden layer at each position by itself: (B, T, C) to (B, T, C)."""

    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.dropout = dropout
        ### BEGIN SOLUTION
        self.expand = nn.Linear(channels, 4 * channels)
        self.shrink = nn.Linear(4 * channels, channels)
        ### END SOLUTION

    def forward(self, x):
        p = self.dropout if self.training else 0.0
        ### BEGIN SOLUTION
        hidden = F.gelu(self.expand(x))  # (B, T, 4 * C)
        return F.dropout(self.shrink(hidden), p)
        ### END SOLUTION


# %% check="FeedForward"
check("FeedForward")

# %% [markdown] fold="Hint"
# Two layers in `__init__`, kept in `self`. In `forward` they are called like functions: the first on
# `x`, GELU on that, the second on that. Then `F.dropout`.

# %% [markdown]
# Who hears of whom? Change one position, and see where something changes in each of the two halves.
#
# **Predict first.** Of six positions, number 2 is changed. Which positions notice, in attention and in
# the feed-forward layer?

# %% tags=["demo", "nbval-check-output"]
if check.ready("MultiHeadAttention", "FeedForward"):
    torch.manual_seed(0)
    x = torch.randn(1, 6, 8)
    changed = x.clone()
    changed[0, 2] += 1
    for part in (MultiHeadAttention(8, 2), FeedForward(8)):
        moved = (part(x) - part(changed))[0].abs().amax(dim=-1) > 1e-6  # (6,)
        print(f"{type(part).__name__:<19}", moved.nonzero().flatten().tolist())

# %% [markdown] slide="Attention fetches, feed-forward thinks"
# ```python
# changed[0, 2] += 1
# for part in (MultiHeadAttention(8, 2), FeedForward(8)):
# ```
#
# Who notices? Attention: positions **2, 3, 4, 5**. Feed-forward: position **2** alone.
#
# Notes: Attention takes weighted means, and nothing in a mean bends. If one head has found the hero
# and another the thing that was lost, somebody must work out what follows. That is the small MLP at
# each position by itself, four times as wide in the middle. Together the two make a block.

# %% [markdown]
# ## What if it learns by heart?
#
# A stack of blocks has many numbers, and a text that is read again and again can be learnt by
# heart. Lesson 04 had four remedies: more text, stopping early, a smaller net, weight decay. Here
# is a fifth.
#
# **Dropout** (Srivastava and others, 2014): in each training step, set some of the numbers inside the
# net to 0, drawn by chance, each with probability `p`. No part of the net can then rely on one other
# part being there, so what it learns must be spread out, and secret signs for single stories do not
# hold. When the net is *used*, all numbers are there.
#
# This is the reason for the switch that you met in lesson 04: `model.train()` and `model.eval()`. It is
# also what the line with `p` does in your modules: `self.training` says how the switch stands.
#
# One thing needs care.
#
# **Predict first.** Eight numbers, all 1, are added up. In training each is dropped with probability
# 0.5. What is their sum on average, in training? And in evaluation?

# %% tags=["demo"]
torch.manual_seed(0)
kept = (torch.rand(2000, 100) >= 0.5).float()  # 2,000 draws for 100 ones; 1 means it stays
figure, axes = plt.subplots(figsize=(7, 3))
look = {"color": "#949494", "bins": range(0, 161, 2)}
axes.hist(kept.sum(dim=1).numpy(), **look, label="training, dropped with p = 0.5")
look["color"] = "#0072b2"
axes.hist(2 * kept.sum(dim=1).numpy(), **look, alpha=0.7, label="the same, and the rest doubled")
axes.axvline(100, color="#222222", linestyle="--", label="evaluation: nothing dropped")
axes.set(xlabel="sum of 100 ones", ylabel="draws (of 2,000)", ylim=(0, 520))
axes.legend(loc="upper left")
plots.show()
print(f"means: {kept.sum(dim=1).mean():.1f} and {2 * kept.sum(dim=1).mean():.1f}")

# %% [markdown] fold="Answer"
# 4 in training and 8 in evaluation. The next layer has learnt to live with 4, and would suddenly get
# 8. So in training what stays is made larger to make up for what is gone: it is divided by the share
# that stays, `1 - p`. Then the mean is the same on both sides.

# %% [markdown]
# *The picture: the sum of 100 ones. Dropping half of them brings it to about 50 (grey). Doubling what
# stays brings it back to where it is in evaluation (blue, dashed), with some noise.*

# %% [markdown] contract="dropout"
# `dropout(x, p, training=True)` takes a float tensor with one axis or more, and a probability `p`, 0
# or more and below 1. It returns a tensor of the same shape; `x` itself stays as it is.
#
# - In training, each number becomes 0 with probability `p`, drawn for each number on its own and anew
#   in every call. (So how many become 0 is left to chance as well.) What stays is divided by `1 - p`.
# - If `training` is `False`, it returns `x` as it is.
# - Gradients travel back to `x` through what stays.
#
# For example, `dropout(torch.ones(4), 0.25)` may be `[1.333, 0, 1.333, 1.333]`. `torch.rand(shape)`, or
# `torch.rand_like(x)`, draws numbers between 0 and 1. Set no seed. Torch's own dropout is refused here.


# %% exercise="dropout" minutes=7 level=2
def dropout(x, p, training=True):
    """Return `x` with each number set to 0 with probability `p`, and the others made up for it."""
    ### BEGIN SOLUTION
    if not training:
        return x
    stays = torch.rand_like(x) >= p  # True with probability 1 - p
    return x * stays / (1 - p)
    ### END SOLUTION


# %% check="dropout" tags=["nbval-check-output"]
check("dropout")

# %% [markdown] fold="Hint 1: which ones?"
# `torch.rand_like(x)` has the shape of `x`, and each of its numbers is below `p` with probability `p`.
# Compare, and you have `True` or `False` for each number of `x`.

# %% [markdown] fold="Hint 2: the rest"
# A tensor of `True` and `False` can be multiplied: they count as 1 and 0. Then divide by what the
# contract says. And before all that: `if not training`.

# %% [markdown]
# `F.dropout(x, p)` does what yours does, and in your modules `p` is 0 in evaluation. Two places have
# it: the attention weights, so that a head sometimes has to do without the position it likes best, and
# the end of each half of a block.
#
# In this lesson `p` stays 0. The models below are small and read the training text a few times at
# most, so there is little learnt by heart to fight. It is the one part that this lesson does not
# try. (You can, as lesson 04 tried its remedies: on 20 stories.)

# %% [markdown]
# ## What is a block?
#
# You have all the parts. A block has two halves, and each half reads a normalised copy of the stream
# and adds what it has found:

# %% drawing="block"

# %% [markdown] slide="A block reads twice, and adds twice" picture="above"
# Each half reads a normalised copy of the stream, and adds to it what it has found.
#
# Notes: Attention fetches from other positions, feed-forward works out what follows, each behind a
# norm of its own. What came in runs straight through to the end. Ask which half has more
# parameters: feed-forward has two thirds of them.

# %% [markdown] contract="Block"
# `Block(channels, heads, dropout=0.0)` is a module with four parts:
#
# | name | what |
# |---|---|
# | `norm1` | `nn.LayerNorm(channels)`, or yours |
# | `attention` | your `MultiHeadAttention`, with these heads and this dropout |
# | `norm2` | a second layer norm of its own |
# | `feed_forward` | your `FeedForward`, with this dropout |
#
# All four begin as they are made. It takes `(B, T, channels)` and returns the same shape, as in the
# drawing; `x` itself stays as it is. First the half with attention. The half with `feed_forward` then
# reads the stream to which attention has already added. The two parts drop by themselves, so the block
# drops nothing. Gradients travel back through both halves and along the stream.
#
# For example, if `project` and `shrink` are all zeros, their bias too, then both halves add nothing,
# and the block returns exactly what came in.


# %% exercise="Block" minutes=8 level=3
class Block(nn.Module):
    """Attention, then feed-forward, each added to the stream: (B, T, C) to (B, T, C)."""

    def __init__(self, channels, heads, dropout=0.0):
        super().__init__()
        ### BEGIN SOLUTION
        self.norm1 = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels, heads, dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, dropout)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))
        ### END SOLUTION


# %% check="Block" tags=["nbval-check-output"]
check("Block")

# %% [markdown] fold="Hint 1: the parts"
# Four lines in `__init__`. Mind what each of them takes: a norm takes `channels`, attention takes
# `channels`, `heads` and `dropout`, the feed-forward layer takes `channels` and `dropout`.

# %% [markdown] fold="Hint 2: the two lines"
# Each half is one line: the new stream is the old stream, plus the part applied to the norm of the
# stream. In the second line, use the stream that the first line has made.

# %% [markdown]
# What does it cost? A product with a weight of shape `(m, n)` takes `2 * m * n` FLOPs for each token:
# `m * n` times a multiplication and an addition. In attention there are two more products: queries with
# keys, and weights with values. Each position meets up to `T` others with `C` channels, so that is
# $2 \cdot 2 \cdot T \cdot C$. Norms and additions hardly count.
#
# **Predict first.** Which part of a block has the most parameters?


# %%
def size_of(module):
    """Return how many numbers `module` has to learn."""
    return sum(parameter.numel() for parameter in module.parameters())


# %% tags=["demo", "nbval-check-output"]
if check.ready("MultiHeadAttention", "FeedForward", "Block"):
    C, T = 64, 128
    block = Block(C, heads=4)
    facts = {
        "norm1": {"FLOPs per token": 0},
        "attention": {"FLOPs per token": 4 * 2 * C * C + 2 * 2 * T * C},
        "norm2": {"FLOPs per token": 0},
        "feed_forward": {"FLOPs per token": 2 * 2 * C * 4 * C},
    }
    parts = {name: {"parameters": size_of(getattr(block, name)), **facts[name]} for name in facts}
    table(parts)
    print(f"{parts['feed_forward']['parameters'] / size_of(block):.0%} of the parameters think,")
    print(f"{parts['attention']['parameters'] / size_of(block):.0%} fetch")
    print("one head in place of four:", size_of(Block(C, heads=1)) == size_of(block))

# %% [markdown]
# The last line: more heads take not one parameter more. Their number only decides how the channels
# are cut. They are not quite free, though. Each head has a table of `T` by `T` weights of its own to
# compute, and fewer channels to compare by.
#
# In FLOPs the two halves are equal here. Half of attention's are its two products without weights,
# and these grow with `T`. In longer windows attention costs more than thinking, in shorter ones
# less.

# %% [markdown]
# ## What is each part worth?
#
# So many parts. Are all of them needed? There is a way to find out: **take one away, train again, and
# see what is lost.** This is called an *ablation*. You find such a table in most papers about models,
# and now you make one of your own.
#
# First a whole model. The stream begins as embedding plus position, runs through the blocks, is
# normalised once more, and a last layer makes logits of it. (`nn.Embedding` is the table of lesson 04.
# `nn.Sequential` calls one module after the other. A *buffer* is a tensor that belongs to the model but
# is not learnt.)


# %%
class LanguageModel(nn.Module):
    """Characters in, a stack of `blocks`, logits of the next character out: (B, T) to (B, T, V)."""

    def __init__(self, vocabulary, channels, context, blocks):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, channels)
        self.register_buffer("positions", positional_encoding(context, channels).clone())
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, vocabulary, bias=False)
        for part in self.modules():
            if isinstance(part, nn.Linear):  # by fan-in, as in lesson 04
                nn.init.normal_(part.weight, std=part.in_features**-0.5)

    def forward(self, ids):
        x = self.embedding(ids) + self.positions[: ids.shape[1]]  # (B, T, C)
        return self.head(self.norm(self.blocks(x)))


def fit(model, steps, batch, context, peak, bar):
    """Train `model` on `steps` batches of windows of the training text, and move the bar."""
    optimizer = torch.optim.Adam(model.parameters(), lr=peak, fused=True)  # fused: faster
    schedule = torch.optim.lr_scheduler.LambdaLR(  # multiplies the rate by what your schedule says
        optimizer, lambda step: lr_schedule(step, steps, peak=1.0, warmup=steps // 10)
    )
    for _ in range(steps):
        x, y = get_batch(train_ids, batch, context)
        loss = cross_entropy(model(x).reshape(-1, V), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.update()


# %% [markdown]
# (The training is that of lesson 05: Adam, with your schedule. The judge is that of lesson 05, too:
# the windows overlap by half, and only their second halves count, so that the model has seen
# something before each character that counts.)
#
# Now the parts to take away. Each of these is your block with one thing missing.


# %% tags=["demo"]
class WithoutResidual(Block):
    """Each half replaces the stream."""

    def forward(self, x):
        return self.feed_forward(self.norm2(self.attention(self.norm1(x))))


class WithoutNorm(Block):
    """Each half reads the stream as loud as it is."""

    def __init__(self, channels, heads):
        super().__init__(channels, heads)
        self.norm1 = self.norm2 = nn.Identity()


class WithoutFeedForward(Block):
    """The first half only."""

    def __init__(self, channels, heads):
        super().__init__(channels, heads)
        del self.norm2, self.feed_forward

    def forward(self, x):
        return x + self.attention(self.norm1(x))


def small_model(variant, blocks=2):
    """Return a new small model, whole or with one part missing."""
    kinds = {
        "without residual": WithoutResidual,
        "without layer norm": WithoutNorm,
        "without feed-forward": WithoutFeedForward,
    }
    kind = kinds.get(variant, Block)
    heads = 1 if variant == "one head" else 4
    stack = [kind(64, heads) for _ in range(blocks)]
    model = LanguageModel(V, channels=64, context=64, blocks=stack)
    if variant == "without layer norm":
        model.norm = nn.Identity()
    if variant == "without position":
        model.positions.zero_()
    return model.to(where)


variants = [
    "full block",
    "without residual",
    "without layer norm",
    "without position",
    "one head",
    "without feed-forward",
]

# %% [markdown]
# To be fair, everything else must be the same: the number of steps, the batches, the learning rate, the
# text that judges. And there is luck. A model begins with random numbers and reads random batches, so
# train each of them **three times, with three seeds**. How far the three lie apart tells how much of a
# difference is luck. And the same seed means the same batches for all variants. So compare seed by
# seed: the luck of the batches is in both losses, and goes out of their *difference*.
#
# **Predict first.** Put the five parts in an order: which one will be missed most, which one least? Write
# it down, and then run the cell. It trains 18 models and takes one or two minutes.

# %% tags=["demo"]
seeds = 3
if check.ready("MultiHeadAttention", "positional_encoding", "FeedForward", "Block"):
    steps = 10 if preset == "smoke" else 350
    judged = validation_ids[: 3_000 if preset == "smoke" else 15_000]  # the text that judges
    results = {variant: [] for variant in variants}
    total = len(variants) * seeds * steps
    with tqdm(total=total, leave=False, mininterval=1, file=sys.stdout) as bar:
        for variant in variants:
            for seed in range(seeds):
                bar.set_description(f"{variant}, seed {seed}", refresh=False)
                torch.manual_seed(seed)
                model = small_model(variant)
                torch.manual_seed(seed)  # the same batches for every variant
                fit(model, steps, batch=8, context=64, peak=0.015, bar=bar)
                results[variant].append(evaluate(model, judged, T=64))

    def middle(numbers):
        return sum(numbers) / len(numbers)

    def half_range(numbers):
        return (max(numbers) - min(numbers)) / 2

    full = results["full block"]
    table(
        {
            variant: {
                "parameters": size_of(small_model(variant)),
                "loss": middle(losses),
                "±": half_range(losses),
                "lost": middle(losses) - middle(full),
            }
            for variant, losses in results.items()
        }
    )
    if preset == "smoke":
        print("(smoke: after so few steps these numbers mean nothing)")

# %% [markdown]
# The table: `loss` is the mean over the three seeds, in nats per character; `±` is half of the distance
# between the best and the worst of the three; `lost` is how much worse than the full block, also the
# mean over three. One row is not like the others: without feed-forward the model has far fewer
# parameters. So a part of what it loses may be plain size.
#
# **A difference that luck can make is no result.** With other seeds it might turn round. There are
# three differences for each variant, one for each seed. Their standard deviation, divided by √3, is
# the *standard error* of their mean. A standard error that comes from three numbers only is itself
# uncertain, so the mean should be more than 4.3 times as large. (That is the limit of Student's test
# for three pairs: without any true difference, chance gets beyond it once in twenty times. And five
# comparisons give chance five tries.)

# %% tags=["demo"]
if check.ready("results"):
    order = sorted(variants, key=lambda variant: middle(results[variant]))
    figure, axes = plt.subplots(figsize=(7.5, 3.2))
    for row, variant in enumerate(reversed(order)):
        losses = results[variant]
        color = "#0072b2" if variant == "full block" else "#222222"
        reach = [[middle(losses) - min(losses)], [max(losses) - middle(losses)]]
        bar = {"fmt": "|", "color": color, "capsize": 5, "markersize": 14}
        axes.errorbar(middle(losses), row, xerr=reach, **bar)
        axes.plot(losses, [row] * seeds, "o", color=color, markersize=4, alpha=0.5)
    axes.axvline(middle(full), linestyle=":", color="#0072b2")
    axes.set_yticks(range(len(order)), reversed(order))
    axes.set_xlabel("loss on validation text (nats per character)")
    plots.show()
    verdicts = {}
    for variant in [name for name in order if name != "full block"]:
        differences = [loss - whole for loss, whole in zip(results[variant], full, strict=True)]
        lost = middle(differences)
        error = statistics.stdev(differences) / math.sqrt(seeds)
        verdict = "worse than whole" if lost > 0 else "BETTER than whole"
        if abs(lost) <= 4.3 * error:
            verdict = "luck can do that, so we cannot tell"
        verdicts[variant] = f"{lost:+.3f}, standard error {error:.3f}: {verdict}"
        print(f"{variant}: {verdicts[variant]}")
    print(f"Missed most: {order[-1].removeprefix('without ')}.")

# %% [markdown]
# *The picture: the loss of each variant. A dot for each seed, a bar from the best to the worst of them, a
# tick at their mean. The dotted line is the full block.*
#
# Two old models on the same text help to read the losses. (An `nn.Embedding` whose rows are
# logarithms of probabilities is a bigram model.)

# %% [markdown] slide="Take a part away: what is lost?" picture="above"
# An **ablation**: same steps, same batches, three seeds each. Compare seed by seed. In our run the
# sum is missed most.
#
# Notes: Have everybody write down an order before you show it. A difference that luck can make is
# no result, and the notebook says which ones that is true of. And look at layer norm: in this short
# run with two blocks the model did without it. So is it useless? The next slide asks at other
# learning rates.

# %% tags=["demo"]
if check.ready("results"):
    unigram = (torch.bincount(train_ids, minlength=V) + 1) / (len(train_ids) + V)  # (V,)
    pairs = torch.bincount(train_ids[:-1] * V + train_ids[1:], minlength=V * V).reshape(V, V) + 1
    bigram = pairs / pairs.sum(dim=1, keepdim=True)  # (V, V)
    for name, probs in {"unigram": unigram.repeat(V, 1), "bigram": bigram}.items():
        print(f"{name}: {evaluate(nn.Embedding.from_pretrained(probs.log()), judged, T=64):.3f}")

# %% [markdown] fold="How to read it"
# - A variant at the loss of the *unigram* has learnt how frequent each letter is, and nothing about
#   what came before. That is what a stack does in which all positions are alike.
# - A variant a little better than the *bigram* knows the current character, and of the rest of the past
#   not much. Without positions the rest is nearly a bag. Without feed-forward a model may know what
#   stands where, but nothing works out what follows from it.
# - *One head* in place of four has the same number of parameters and of FLOPs. If the two cannot be told
#   apart, heads may still be worth something later. They are for fetching several things at once, and a
#   small model after a few hundred steps may not have come to that.
# - *Without layer norm* may come out ahead of the full block. Then the norm costs something here, and this
#   table does not say why. What it buys is in the next section.

# %% [markdown]
# How was your order?
#
# What you measured is what each part is worth **here**: two blocks, 64 channels, a few hundred
# steps, one learning rate, this text. An ablation at another size or another rate can come out
# differently, and papers that leave out how far the seeds lie apart should make you suspicious.

# %% [markdown]
# ## What does layer norm buy?
#
# A part may be worth little at one learning rate and everything at another, little in a low stack
# and much in a higher one. So try more rates, and a stack of four blocks: whole ones, and some
# without layer norm. And two blocks without layer norm, to compare with. The trainings are short:
# 100 steps, ten of them to warm up.
#
# **Predict first.** At which end of the scale will the norm matter most: at small rates or at large
# ones?

# %% tags=["demo"]
if check.ready("MultiHeadAttention", "positional_encoding", "FeedForward", "Block"):
    rates = [0.003, 0.01, 0.03, 0.1]
    steps = 10 if preset == "smoke" else 100
    short = validation_ids[: 2_000 if preset == "smoke" else 8_000]
    stacks = {
        "full block, 4 blocks": "#0072b2",
        "without layer norm, 4 blocks": "#d55e00",
        "without layer norm, 2 blocks": "#222222",
    }
    curves = {name: [] for name in stacks}
    total = len(stacks) * len(rates) * steps
    with tqdm(total=total, leave=False, mininterval=1, file=sys.stdout) as bar:
        for name, losses in curves.items():
            variant, blocks = name.split(", ")
            for rate in rates:
                bar.set_description(f"{name}, rate {rate}", refresh=False)
                torch.manual_seed(0)
                model = small_model(variant, blocks=int(blocks[0]))
                fit(model, steps, batch=8, context=32, peak=rate, bar=bar)
                losses.append(evaluate(model, short, T=32))
    guessing = math.log(V)
    figure, axes = plt.subplots(figsize=(7, 3.4))
    for name, color in stacks.items():
        # What is far worse than guessing is drawn at the upper edge.
        axes.plot(rates, [min(loss, 6.0) for loss in curves[name]], "o-", color=color, label=name)
    axes.axhline(guessing, linestyle=":", color="#222222", label="ln V: guessing blindly")
    axes.set(xscale="log", xlabel="peak of the learning rate (log scale)")
    axes.set(ylabel="loss (nats per character)", ylim=(1.9, 6.2))
    axes.set_xticks(rates, [str(rate) for rate in rates])
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=8)
    plots.show()
    for name, losses in curves.items():
        over = [
            f"{rate} ({loss:,.3g})"
            for rate, loss in zip(rates, losses, strict=True)
            if loss > guessing
        ]
        print(f"{name}: worse than guessing at {', '.join(over) or 'none of the rates'}")
    if preset == "smoke":
        print("(smoke: after so few steps these numbers mean nothing)")

# %% [markdown]
# *The picture: the loss after a short training, at each learning rate. Whatever is worse than 6 is drawn
# at the upper edge.*
#
# With the preset `laptop` you see an **edge** without the norm: beyond it the loss is not a little
# higher, but beyond all measure. (Only so is one seed for each point enough.) In the higher stack
# the edge comes earlier. Whole blocks have none at these rates: the norm makes the net
# **forgiving**.
#
# The runs are short, and so is their warm-up. In longer ones the edge may be elsewhere.

# %% [markdown] slide="Layer norm makes the net forgiving" picture="above"
# Without it there is an edge: beyond some learning rate the loss explodes. The higher stack meets
# it earlier.
#
# Notes: Whatever is worse than 6 is drawn at the upper edge. In our run four blocks without the
# norm were lost from a learning rate of 0.03 on, two blocks at 0.1, and whole blocks at none of
# these rates. A part may be worth little in one setting and everything in another, so an ablation
# speaks for its own size and rate only.

# %% [markdown]
# ## How far does a stack of blocks get?
#
# Now one model in earnest: longer windows and many more steps. It takes about a minute; the bar shows how
# far it is.
#
# It starts from less than the models before. The MLP, and also the head of lesson 05, were given nine
# characters at each position, side by side. This one gets a single character and its position. What
# stands just before, it has to fetch by itself.
#
# **Predict first.** The 10-gram of lesson 02 has a loss of about 0.64 on the fables. Will two blocks
# reach it in a minute?

# %% tags=["demo"]
size = {"channels": 64, "heads": 4, "blocks": 2, "context": 128}
budget = {"steps": 4200, "batch": 8, "peak": 0.015}
if preset == "smoke":
    budget["steps"] = 10
if preset == "gpu":
    size = {"channels": 192, "heads": 6, "blocks": 4, "context": 256}
    budget = {"steps": 3000, "batch": 64, "peak": 0.003}
if check.ready("MultiHeadAttention", "positional_encoding", "FeedForward", "Block"):
    torch.manual_seed(0)
    stack = [Block(size["channels"], size["heads"]) for _ in range(size["blocks"])]
    transformer = LanguageModel(V, size["channels"], size["context"], stack).to(where)
    with tqdm(total=budget["steps"], leave=False, mininterval=1, file=sys.stdout) as bar:
        fit(transformer, context=size["context"], bar=bar, **budget)
    started = time.perf_counter()
    block_loss = evaluate(transformer, validation_ids, size["context"])
    # The windows overlap by half, so it reads each character twice.
    block_speed = 2 * len(validation_ids) / (time.perf_counter() - started)
    read = budget["steps"] * budget["batch"] * size["context"]
    print(
        f"{size_of(transformer):,} parameters; it has read {read / len(train_ids):.1f} times the text"
    )
    print(f"over the whole validation text: {block_loss:.3f} nats per character")

# %% [markdown]
# Read what it writes. Which words are misspelt? And does a story keep to the hero that it began
# with?

# %% tags=["demo"]
if check.ready("transformer"):

    @torch.no_grad()
    def write(text, length):
        """Return `text` and what the model writes behind it, `length` characters in all."""
        while len(text) < length:
            ids = encode(text[-size["context"] :], chars).to(where)
            logits = transformer(ids.reshape(1, -1))[0, -1]  # (V,) behind the last character
            text += chars[sample_next(logits.softmax(dim=0).cpu())]
        return text

    torch.manual_seed(6)
    written = write("\n", 100 if preset == "smoke" else 600)
    print(written)
    known = set(re.findall(r"[A-Za-z]+", train_text))
    words = re.findall(r"[A-Za-z]+", written[: written.rfind(" ")])  # the last one may be cut off
    strange = [word for word in words if word not in known]
    print(
        f"\n{len(strange)} of {len(words)} words are not in the training text:", ", ".join(strange)
    )

# %% [markdown]
# **Something to play with: which head to look at.** Each row of the map is a character that reads,
# each column one that it looks at; the darker, the more weight. Go through the blocks and the
# heads. A dark diagonal is a head that always looks at the same distance. A dark column is a
# character that many later ones look at. Which do you find, and which characters have dark columns?

# %% tags=["demo"]
if check.ready("transformer"):

    @torch.no_grad()
    def head_weights(ids, block, head):
        """Return where a head looks, while the model reads `ids` (T,): (T, T), a row per reader."""
        x = transformer.embedding(ids) + transformer.positions[: len(ids)]
        x = transformer.blocks[:block](x.reshape(1, len(ids), -1))  # the blocks below
        layer = transformer.blocks[block].attention
        x = transformer.blocks[block].norm1(x)
        d = size["channels"] // size["heads"]
        mine = slice(head * d, (head + 1) * d)  # this head's channels
        scores = layer.query(x)[0, :, mine] @ layer.key(x)[0, :, mine].T / math.sqrt(d)
        hidden = ~causal_mask(len(ids)).to(where)
        return scores.masked_fill(hidden, -math.inf).softmax(dim=-1).cpu()

    text = random.Random(5).choice(validation)[:44]

    def look(block, head):
        weights = head_weights(encode(text, chars).to(where), block, head)
        picture = plots.attention_map(weights, text, text)
        picture.set_size_inches(9, 7.4)
        picture.axes[0].set_title(f"block {block}, head {head}")
        picture.axes[0].tick_params(labelsize=10)
        display(picture)

    play(look, block=(0, size["blocks"] - 1), head=(0, size["heads"] - 1))

# %% [markdown]
# The same in numbers, for every head: how much weight goes to the character itself, and to the ones just
# before it, and how far back a head looks on average.

# %% tags=["demo"]
if check.ready("transformer"):
    ids = validation_ids[: size["context"]]
    T = len(ids)
    back = (torch.arange(T).reshape(T, 1) - torch.arange(T)).clamp(min=0)  # (T, T) how far back
    habits = {}
    for block in range(size["blocks"]):
        for head in range(size["heads"]):
            weights = head_weights(ids, block, head)
            habits[f"block {block}, head {head}"] = {
                "itself": weights.diagonal().mean().item(),
                "1 back": weights.diagonal(-1).mean().item(),
                "2 back": weights.diagonal(-2).mean().item(),
                "mean distance": (weights * back).sum(dim=1).mean().item(),
            }
    table(habits)

    def most(what):
        return max(habits, key=lambda name: habits[name][what])

    near = min(habits, key=lambda name: habits[name]["mean distance"])
    print(f"\nnearest: {near}; farthest: {most('mean distance')};")
    print(f"most at the character just before: {most('1 back')}")

# %% [markdown]
# A head whose weight is nearly all at *1 back* or *2 back* would be the head that says "the
# character before this one", wherever it stands. In the section about positions you saw why there
# can be one. Which of yours come near to it? And are they all in one block?

# %% [markdown]
# ## Every model so far
#
# The table of facts first. FLOPs per token, forward, with `L` blocks: each has $24 C^2$ in its products
# with weights ($8 C^2$ in attention, $16 C^2$ in the feed-forward layer) and $4TC$ in the attention
# itself; then the logits, $2CV$. Training takes three times as many.

# %% tags=["demo"]
if check.ready("block_loss"):
    C, T, L = size["channels"], size["context"], size["blocks"]
    losses = rungs.before("06_transformer") if preset == "laptop" else {}
    facts = {
        "block": {
            "parameters": size_of(transformer),
            "FLOPs per token": L * (24 * C**2 + 4 * T * C) + 2 * C * V,
            "tokens per second": block_speed,
            "loss": block_loss,
        }
    }
    if "one head" in losses:
        facts["one head"] = {"loss": losses["one head"]}
    table(facts)
    if losses:  # of the preset laptop
        better = sorted(name for name, loss in losses.items() if loss <= block_loss)
        print("\nStill ahead of the blocks:", ", ".join(better) or "none of the models before")

# %% tags=["demo"]
if check.ready("block_loss"):
    losses["block"] = block_loss
    is_fables = corpus.log_prob(validation[0]) > -math.inf
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown]
# *The picture: the rungs of the lessons before, as measured when this course was built (at the preset
# `laptop`). The one named `block` is yours; the best of all is in bold.* All of these losses are per
# character of the validation text. Your blocks had at least `T / 2` characters before each one that
# counts.

# %% [markdown] slide="Two blocks pass every model before" picture="above"
# In our run: **0.600** nats per character, the single head of lesson 05 **0.654**.
#
# Notes: It starts from less than the models before: one character and its position, where the MLP
# and the single head were given nine characters side by side. What stands just before, it has to
# fetch by itself. What it writes is nearly words, but a story does not keep to its hero. Lesson 07
# puts blocks together to a whole GPT.

# %% [markdown] fold="What the blocks have, and the models before had not"
# The 10-gram knows phrases of ten characters by heart, but a phrase that it never saw tells it
# nothing about one that is like it. The MLP of lesson 04 knows what is like what, but sees nine
# characters. The head of lesson 05 could look back as far as it likes, but there was one, and what
# it found it could only hand to an MLP. Here eight heads look back, and each half of a block works
# on what those before it have put into the stream. Lesson 07 gives the same blocks more of
# everything.

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. How many channels has each head of `MultiHeadAttention(64, 8)`, and how many parameters has the whole
#    module?
#    - (a) 64 channels, 131,072 parameters
#    - (b) 8 channels, 16,384 parameters
#    - (c) 8 channels, 2,048 parameters
# 2. You forget `transpose(1, 2)` on the way back, and reshape `(B, H, T, d)` to `(B, T, C)`. What happens?
#    - (a) Torch raises an error, as the shapes do not fit.
#    - (b) Only the order of the heads changes.
#    - (c) The shape is right, but positions are mixed up.
# 3. A model has one block and no positions. After which two texts is its prediction the same?
#    - (a) `abc` and `acb`
#    - (b) `abc` and `bac`
#    - (c) `abc` and `abbc`
# 4. Twelve attention layers, each with a norm in front, so that the gradients get through. But each of
#    them *replaces* what came in. What is still wrong?
#    - (a) Nothing: the gradients were all that mattered.
#    - (b) The numbers become larger with every layer.
#    - (c) At the top all positions hold nearly the same.
# 5. A model was trained with dropout, `p = 0.2`. What does `model.eval()` change?
#    - (a) Nothing is dropped, and nothing is divided by 0.8.
#    - (b) Nothing is dropped, but everything is still divided by 0.8.
#    - (c) The same fifth is dropped each time.
# 6. In an ablation over three seeds the full model has the loss 1.80 ± 0.02, and without part X it has
#    1.81 ± 0.03. What have you found?
#    - (a) Part X is worth 0.01.
#    - (b) Part X is useless.
#    - (c) Nothing about X: the difference is no larger than what luck does.

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "c"
answer_3 = "b"
answer_4 = "c"
answer_5 = "a"
answer_6 = "c"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - Heads are one wide attention cut into narrow ones. Each asks its own question, for not one parameter
#   more.
# - One layer of attention sees a bag. Positions are numbers that are added to the embeddings.
# - Layers add to a residual stream. Where they replace it, the positions become all alike.
# - Layer norm sets the volume of what a layer reads, so that many starts and learning rates work.
# - Attention fetches from other positions, the feed-forward layer works out what follows.
# - Dropout is for training only, and makes up for what it takes.
# - What a part is worth, you find by taking it away, with several seeds, and by comparing seed by seed.
#
# **Next**, lesson 07 puts a stack of blocks to real work: a proper start, AdamW, a training that can be
# stopped and resumed, and a generator that does not compute everything anew for each character.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy, monitor,
# update, feed back) this was *choose* and *evaluate*. Which parts a model has is a choice, and an
# ablation is how to justify it.
#
# ### References
#
# - Y. Bengio, P. Simard, P. Frasconi (1994). Learning Long-Term Dependencies with Gradient Descent Is
#   Difficult. *IEEE Transactions on Neural Networks* 5(2). Vanishing gradients.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov (2014). Dropout: A Simple Way
#   to Prevent Neural Networks from Overfitting. *Journal of Machine Learning Research* 15.
# - K. He, X. Zhang, S. Ren, J. Sun (2016). Deep Residual Learning for Image Recognition. *CVPR*.
# - J. L. Ba, J. R. Kiros, G. E. Hinton (2016). Layer Normalization. arXiv:1607.06450.
# - D. Hendrycks, K. Gimpel (2016). Gaussian Error Linear Units (GELUs). arXiv:1606.08415.
# - A. Vaswani and others (2017). Attention Is All You Need. *NeurIPS*. The transformer.
# - R. Xiong and others (2020). On Layer Normalization in the Transformer Architecture. *ICML*. Why the
#   norm moved into the branch.
# - Y. Dong, J.-B. Cordonnier, A. Loukas (2021). Attention Is Not All You Need: Pure Attention Loses
#   Rank Doubly Exponentially with Depth. *ICML*.
# - A. Haviv and others (2022). Transformer Language Models without Positional Encodings Still Learn
#   Positional Information. *Findings of EMNLP*.
# - N. Elhage and others (2021). A Mathematical Framework for Transformer Circuits. *Transformer Circuits
#   Thread*. The residual stream.

# %%
check.summary()
