# %% [markdown] lesson="04_mlp" title="Letters with a meaning" minutes=120 laptop_minutes=2 gpu_minutes=2
# A table of counts cannot see that two contexts are alike. In this lesson you build a net that can:
# it gives each character a place in space, and learns which of them belong together. On the way you
# meet everything that training a net is about, from the first random number to the moment to stop.
#
# After this lesson you can
#
# - **build** a net that reads several characters at once, with embeddings and a hidden layer,
# - **start** it well, and see from the very first loss whether you did,
# - **choose** a learning rate by experiment, and let it rise and fall,
# - **judge** a net on all of a text, and tell underfitting from overfitting,
# - **look** at what it has learnt about the characters.
#
# You need lesson 02 (back-off, overfitting) and lesson 03. There you built autograd:
# `loss.backward()` leaves in each parameter's `.grad` the slope of the loss, and your `sgd_step`
# goes one step downhill. That is all the machinery that this lesson needs. Only the net is new.

# %% tags=["setup"]
import math
import random
import string
import sys
import time
from collections import Counter

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from torch.nn.functional import cross_entropy  # yours of lesson 03, written in C++
from tqdm import trange

from lmcourse import check, corpus, device, play, plots, rungs, table

check.lesson("04_mlp")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="softmax build_vocab encode decode split sample_next count_ngrams ngram_backoff sgd_step"

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
pace = 0.04 if preset == "smoke" else 1  # smoke: a few steps of each training, to see that it runs
print(f"V = {V} characters, {len(train_ids):,} of them to learn from")

# %% [markdown]
# ## What is a table blind to?
#
# One of the stories to learn from:

# %% tags=["demo", "nbval-check-output"]
print(random.Random(5).choice(train))

# %% [markdown]
# The fables are full of numbers. After three digits comes a space. You knew that before you had
# read a single fable. How does a table learn it?
#
# **Predict first.** An n-gram table has a row for each context of three digits: for `338`, for
# `746`, and so on. (The fables use the digits 3 to 9 only, so there are 7 * 7 * 7 of them.) The
# training text has about a million characters. How often has each of these rows been seen?

# %% tags=["demo", "nbval-check-output"]
kind = "3456789" if is_fables else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # Shakespeare has no numbers
after = {}
for i in range(3, len(train_text)):
    context = train_text[i - 3 : i]
    if all(char in kind for char in context):
        after.setdefault(context, Counter())[train_text[i]] += 1
often = sorted(sum(row.values()) for row in after.values())
print(f"{len(kind) ** 3:,} such contexts are possible, {len(after):,} were seen")
print(f"half of those were seen {often[len(often) // 2]} times or less")
total = Counter()
for row in after.values():
    total.update(row)
print("all of them together:", total.most_common(3))

# %% [markdown] slide="A table cannot see that two contexts are alike"
# After three digits comes a space.
#
# - **343** contexts of three digits are possible
# - half were seen **9** times or less
#
# Each row has to find it out alone.
#
# Notes: All rows say the same, but the table does not know that 338 and 746 are alike. A context
# that never came has nothing to go by. This was the end of lesson 02: counting cannot carry over
# what it knows to what is similar.

# %% [markdown]
# All the rows say the same. But the table does not know that they are alike, so each of them has to
# find it out alone, from the few times that it was seen. And a context that never came (there are
# few such here, and ever more in longer contexts) has nothing to go by. It can only back off to a
# shorter one, and forget what it saw further back.
#
# So this was the end of lesson 02: **counting cannot carry over what it knows to what is similar.**
#
# Yoshua Bengio and his colleagues found a way out in 2003. Give each character a *place*: a short
# list of numbers, like the coordinates of a town on a map. Let the net compute with the places
# only, and compute *smoothly*: near places give nearly the same answer. If `3` and `7` are
# neighbours on the map, then whatever the net learns after `338`, it has half learnt after `378`
# too.
#
# Where do the places come from? Nobody has to know them. They are parameters like all others, and
# the loss moves them to where they are useful. They are called **embeddings**.

# %% [markdown] slide="Give each character a place"
# Near places give nearly the same answer.
#
# So what the net learns after `338` it has half learnt after `378` too.
#
# Notes: Bengio and others, 2003. A place is a short list of numbers, like the coordinates of a
# town on a map. The net computes with the places only, and smoothly. Nobody has to know the
# places: they are parameters, and the loss moves them to where they are useful. They are called
# embeddings.

# %% [markdown]
# ## How does a context become numbers?
#
# Two steps. First: to predict a character, take the `T` characters before it. `T` is the length of
# the context, and every character of the text has such a row, also the first ones: we put newlines
# before the start of the text. (Stories end with newlines, so it looks as if a story had just
# ended.)
#
# This function makes all the rows. `unfold` slides a window over the text, one character at a time.


# %%
def contexts_of(ids, T, padding):
    """Return the T characters before each character of `ids` (N,): (N, T), with padding in front."""
    padded = torch.cat([torch.full((T,), padding, device=ids.device), ids])
    return padded.unfold(0, T, 1)[:-1]  # the last window has nothing behind it to predict


# %% tags=["demo", "nbval-check-output"]
newline = chars.index("\n")
small_text = "The plum"
for row, char in zip(contexts_of(encode(small_text, chars), 4, newline), small_text, strict=True):
    print(repr(decode(row, chars)), "->", repr(char))

# %% [markdown]
# The row is the input, and the character to its right is the target. Targets are the text itself.
#
# Second: look up each character's place. Lesson 03 showed that `table[ids]` picks rows of a table,
# one for each id. It works for ids of any shape: each id is replaced by a row of `C` numbers. `C`
# is the number of *channels*, the length of an embedding.
#
# **Predict first.** In the next cell, `ids` has the shape `(2, 3)` and the table has 2 columns.
# What is the shape of `table[ids]`?

# %% tags=["demo", "nbval-check-output"]
places = torch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])  # (4, 2) four characters
ids = torch.tensor([[0, 1, 2], [3, 3, 0]])  # (2, 3) two contexts of three
print(places[ids].shape)
print(places[ids])

# %% [markdown]
# A layer of a net is a matrix product and wants *one row per context*, with all its numbers in it.
# So the `T` embeddings of a context have to stand side by side, in the order of the text: the
# embedding of the first character, then that of the second, and so on. That row has `T * C`
# numbers.
#
# `reshape` does this, and it is worth knowing exactly what it does. It never moves a number. It
# reads them row after row, as you read a page, and cuts the long line anew. (`transpose(0, 1)`, in
# the last line, swaps the first two axes.)

# %% tags=["demo", "nbval-check-output"]
numbers = torch.arange(12).reshape(2, 3, 2)
print(numbers.tolist())
print(numbers.reshape(2, 6).tolist())  # each of the 2 keeps its own 6 numbers
print(numbers.transpose(0, 1).reshape(2, 6).tolist())  # the axes in another order: all mixed up

# %% [markdown] slide="Look up, then side by side"
# ```python
# places = torch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])
# ids = torch.tensor([[0, 1, 2], [3, 3, 0]])
# print(places[ids].shape)
# ```
#
# `reshape` never moves a number. A transpose before it mixes all up.
#
# Notes: The shape is two contexts by three characters by two channels. A layer wants one row per
# context, so the embeddings stand side by side in the order of the text. Reshape reads row after
# row, as one reads a page, and cuts the long line anew.

# %% [markdown] contract="embed_context"
# `embed_context(table, contexts)` takes a table of embeddings, a float tensor of shape `(V, C)`,
# and `contexts`, int64 of shape `(B, T)`. It returns a float tensor of shape `(B, T * C)`: in each
# row the `T` embeddings of that context, side by side, in the order of the text. The table is to be
# learnt, so make the rows with tensor operations, through which torch can find its way back.
#
# For example, with the `places` above and the context `[3, 0]`, the row is
# `[3.0, 3.1, 0.0, 0.1]`.


# %% exercise="embed_context" minutes=6 level=1
def embed_context(table, contexts):
    """Return the embeddings of each context side by side: (V, C) and (B, T) give (B, T * C)."""
    ### BEGIN SOLUTION
    B = len(contexts)
    return table[contexts].reshape(B, -1)  # (B, T, C) becomes (B, T * C)
    ### END SOLUTION


# %% check="embed_context" tags=["nbval-check-output"]
check("embed_context")

# %% [markdown] fold="Hint 1: the look-up"
# `table[contexts]` has the shape `(B, T, C)`: for each context, for each of its characters, `C`
# numbers. They are in the right order already.

# %% [markdown] fold="Hint 2: side by side"
# Keep the first axis, and let the other two become one: `.reshape(B, T * C)`. The sizes come from
# the arguments: `B, T = contexts.shape` takes the shape apart, and `C` is `table.shape[1]`. Or let
# `-1` stand for `T * C`: it means "whatever is left". Any transpose on the way would mix things up.

# %% [markdown]
# ## What does the net do with them?
#
# A first matrix, `W1`, makes `H` numbers of the `T * C`, and a second one, `W2`, makes of those the
# `V` logits that we want. The `H` numbers in the middle are called the **hidden layer**, since they
# stand neither for something that goes in nor for something that comes out. To each product a
# **bias** is added, one number for each column, which stays the same whatever the context.
#
# **Predict first.** What have we gained by the second matrix? That is, can
# `(x @ W1 + b1) @ W2 + b2` say anything that `x @ W + b` could not? (The last two lines of the cell
# put `tanh` in between, a bend that you will meet in a moment.)

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
x = torch.randn(5, 6)
W1, b1, W2, b2 = torch.randn(6, 8), torch.randn(8), torch.randn(8, 3), torch.randn(3)
two_layers = (x @ W1 + b1) @ W2 + b2
one_layer = x @ (W1 @ W2) + (b1 @ W2 + b2)
print("the same:", torch.allclose(two_layers, one_layer, atol=1e-4))
bent = torch.tanh(x @ W1 + b1) @ W2 + b2
print("the same with tanh:", torch.allclose(bent, one_layer, atol=1e-4))

# %% [markdown] fold="Answer"
# Nothing at all. Two products in a row are one product, with the matrix `W1 @ W2`. Something that
# is not straight has to stand between them, and any bend will do.

# %% [markdown]
# The bend here is `tanh`, as in the net of 2003. It leaves small numbers nearly as they are, and
# pushes large ones towards 1 or -1. So each hidden number is like a question about the context, "is
# this near the end of a number?", and its answer lies between a sure no and a sure yes.

# %% tags=["demo"]
z = torch.linspace(-5, 5, 201)
figure, axes = plt.subplots(figsize=(6.5, 3))
axes.plot(z, torch.tanh(z), color="#0072b2", label="tanh(z)")
axes.plot(z, 1 - torch.tanh(z) ** 2, "--", color="#d55e00", label="its slope, 1 - tanh(z)²")
axes.axhline(0, color="#222222", linewidth=0.5)
axes.set(xlabel="z", ylabel="tanh and its slope")
axes.legend(loc="lower right")
plt.show()
print(
    f"At 0 the slope is 1. At 2 it is {1 - math.tanh(2) ** 2:.3f}, at 4 {1 - math.tanh(4) ** 2:.4f}."
)

# %% [markdown] slide="Without a bend, two layers are one" picture="above"
# Two matrix products in a row are one product. **tanh** stands between them.
#
# Notes: Ask first what is gained by the second matrix: nothing at all. Tanh leaves small numbers
# nearly as they are and pushes large ones towards 1 or minus 1. Keep the dashed line in mind: far
# out the slope is almost 0, and a push there changes nothing any more.

# %% [markdown]
# *The picture: tanh is an S between -1 and 1. Its slope, dashed, is largest in the middle and
# almost 0 on both sides.* Keep that in mind: far out, a push at `z` changes nothing any more.
#
# The whole net, with the shapes:
#
# ```
#   contexts            (B, T)       ids of the last T characters
#      │  look up in the embedding (V, C), side by side
#   row                 (B, T*C)
#      │  @ W1 (T*C, H)  + b1 (H,)
#   z                   (B, H)
#      │  tanh
#   hidden              (B, H)
#      │  @ W2 (H, V)  + b2 (V,)
#   logits              (B, V)       softmax makes probabilities of them
# ```
#
# It is called a *multilayer perceptron*, **MLP** for short.

# %% [markdown] contract="mlp_forward"
# `mlp_forward(parameters, contexts)` computes the net. `parameters` is a dictionary of float
# tensors:
#
# | key | shape |
# |---|---|
# | `"embedding"` | `(V, C)` |
# | `"W1"` | `(T * C, H)` |
# | `"b1"` | `(H,)` |
# | `"W2"` | `(H, V)` |
# | `"b2"` | `(V,)` |
#
# `contexts` is int64 of shape `(B, T)`. Return the logits, a float tensor of shape `(B, V)`. There
# is one tanh, in the middle. The logits are plain numbers of any size: no tanh and no softmax at
# the end. Torch must be able to find its way back from them to all five tensors.
#
# For example, if all parameters are 0 but `b2`, then each row of the result is `b2`.


# %% exercise="mlp_forward" minutes=7 level=2
def mlp_forward(parameters, contexts):
    """Return the logits (B, V) of the net for `contexts` (B, T)."""
    ### BEGIN SOLUTION
    row = embed_context(parameters["embedding"], contexts)  # (B, T * C)
    hidden = torch.tanh(row @ parameters["W1"] + parameters["b1"])  # (B, H)
    return hidden @ parameters["W2"] + parameters["b2"]  # (B, V)
    ### END SOLUTION


# %% check="mlp_forward" tags=["nbval-check-output"]
check("mlp_forward")

# %% [markdown] fold="Hint 1: three lines"
# One line for each arrow of the drawing: the row, with your `embed_context`; the hidden layer, with
# `torch.tanh(... @ ... + ...)`; the logits, `... @ ... + ...`.

# %% [markdown] fold="Hint 2: where do the biases go?"
# `b1` is added before tanh, `b2` at the very end. Both have one number for each column, so
# broadcasting adds them to every row.

# %% [markdown]
# How large is such a net? This function makes one, with numbers drawn at random. `scale` says how
# large they are: it is a function, and `scale(m, n)` shall return a tensor of shape `(m, n)`. (In
# `make_mlp(T, C, H, torch.randn)` there are no brackets behind `torch.randn`: you hand over the
# function itself, and `make_mlp` calls it.) The biases begin as zeros.


# %%
def make_mlp(T, C, H, scale, last=1.0):
    """Return parameters of a net for contexts of T; `scale(m, n)` draws W1 and, times `last`, W2."""
    parameters = {
        "embedding": torch.randn(V, C),
        "W1": scale(T * C, H),
        "b1": torch.zeros(H),
        "W2": last * scale(H, V),
        "b2": torch.zeros(V),
    }
    return {name: tensor.to(where).requires_grad_() for name, tensor in parameters.items()}


def size_of(parameters):
    """Return how many numbers the net has to learn."""
    return sum(tensor.numel() for tensor in parameters.values())


# %% tags=["demo", "nbval-check-output"]
T, C, H = 8, 16, 128
naive = make_mlp(T, C, H, torch.randn)
for name, tensor in naive.items():
    print(f"{name:<10} {tuple(tensor.shape)!s:<12} {tensor.numel():>7,}")
print(f"together                {size_of(naive):>7,}")
print(f"a table with a row for each context of {T} would have {V**T * V:.0e}")

# %% [markdown] slide="A whole net in few numbers"
# Eight characters of context:
#
# - the net: **25,792** numbers
# - a table with a row for each context: $2 \cdot 10^{16}$
#
# Notes: Embedding, first matrix and bias, tanh, second matrix and bias: a multilayer perceptron.
# Draw the shapes at the board. The hidden numbers are like questions about the context, such as
# whether this is near the end of a number.

# %% [markdown]
# ## What should it say before it has learnt anything?
#
# It knows nothing, so all characters should be about equally likely, and you know the loss of that:
# $\ln V$. It is the one loss that you can tell before you have trained. So look at it first.
#
# **Predict first.** Every number of `naive` was drawn by `torch.randn`: about 0, most of them
# between -2 and 2. Will its first loss be near $\ln V$?

# %% tags=["demo"]
train_contexts = contexts_of(train_ids, T, newline)
some = slice(0, 2000)
if check.ready("embed_context", "mlp_forward"):
    first_loss = cross_entropy(mlp_forward(naive, train_contexts[some]), train_ids[some])
    print(f"naive net: {first_loss.item():.1f} nats per character; ln V: {math.log(V):.2f}")

# %% [markdown] slide="Look at the very first loss"
# It knows nothing, so it should pay $\ln V$: **4.16**.
#
# Drawn at random without care, it pays **26.2**.
#
# Notes: This is the one loss that you can tell before you have trained. Far above means that the
# net is very sure of itself, and wrong. It is a cheap test that finds many mistakes, so make it a
# habit with every model.

# %% [markdown]
# Far above. The net is very sure of itself, and wrong. To be worse than blind guessing takes large
# logits, and there is a second harm, which you do not see in the loss. Look at the hidden layer.


# %% tags=["demo"]
def show_hidden(nets, contexts):
    """Draw how the numbers before tanh and the hidden ones are spread, for each of `nets`."""
    figure, all_axes = plt.subplots(1, 2, figsize=(10, 3.2))
    for (name, net), color in zip(nets.items(), ("#d55e00", "#0072b2"), strict=False):
        with torch.no_grad():
            before = embed_context(net["embedding"], contexts) @ net["W1"] + net["b1"]  # (B, H)
        style = {"bins": 60, "density": True, "color": color, "alpha": 0.6, "label": name}
        all_axes[0].hist(before.flatten().cpu().numpy(), range=(-30, 30), **style)
        all_axes[1].hist(before.tanh().flatten().cpu().numpy(), range=(-1, 1), **style)
        flat = (before.tanh().abs() > 0.97).float().mean()
        print(f"{name}: spread before tanh {before.std():.1f};", end=" ")
        print(f"{flat:.0%} of the hidden numbers are beyond 0.97, where tanh is flat")
    all_axes[0].set(xlabel="before tanh", ylabel="share (density)")
    all_axes[1].set(xlabel="hidden number, after tanh", ylabel="share (density)")
    all_axes[0].legend()
    figure.tight_layout()
    plt.show()


if check.ready("embed_context"):
    show_hidden({"naive": naive}, train_contexts[some])

# %% [markdown]
# *Left: the numbers before tanh are spread far beyond ±2. Right: so tanh pushes most of them to -1
# or 1.* There it is flat: the slope on the way back is multiplied by almost 0, and little of the
# loss gets through to `W1` and the embeddings. Such hidden numbers are called **saturated**, and a
# saturated net learns slowly.
#
# Why are they so large? Each one is a sum of `T * C` products. With random signs, the terms cancel
# in part, but not wholly. How does the spread of a sum grow with the number of its terms?
#
# **Predict first.** The sum of 4 such products has a spread (standard deviation) of 2. And of 100?

# %% tags=["demo"]
torch.manual_seed(0)
for terms in (1, 4, 16, 100, 400):
    sums = torch.randn(3000, terms) @ torch.randn(terms, 100)
    print(f"{terms:>3} terms: spread {sums.std():5.1f}")

# %% [markdown] fold="Answer"
# 10, the square root of 100. What adds up is the *variance*, the square of the spread: 100 terms
# have 100 times the variance, so 10 times the spread. (At least if the terms have nothing to do
# with each other, and here they have not.)

# %% [markdown]
# That tells you the cure as well. The number of terms is called **fan-in**: how many numbers go
# into each sum. Divide the random weights by its square root, and the sums keep the spread of what
# went in, however wide the layer is.
#
# One thing is left: tanh itself makes numbers smaller. A factor called **gain** makes up for that,
# and for tanh one takes 5/3. Xavier Glorot and Yoshua Bengio (2010) saw how much depends on this,
# and Kaiming He and colleagues (2015) worked it out for other bends. Lesson 06 comes back to it, as
# with many layers on top of each other it decides whether a net learns at all.

# %% [markdown] contract="kaiming_init"
# `kaiming_init(fan_in, fan_out, gain=5/3)` returns a float32 tensor of shape `(fan_in, fan_out)`:
# weights for a layer into which `fan_in` numbers go and from which `fan_out` come out. Each weight
# is drawn on its own from the *normal* distribution with mean 0 and standard deviation `gain`
# divided by the square root of `fan_in`. The tensor requires no gradients yet.
#
# For example, `kaiming_init(100, 5)` has the shape `(100, 5)`, and about two thirds of its numbers
# lie between -1/6 and 1/6, as $5/3 / \sqrt{100} = 1/6$. `torch.randn(m, n)` draws from the normal
# distribution with standard deviation 1; a number multiplied by $s$ has a spread $s$ times as
# large. Every call draws anew, so set no seed.


# %% exercise="kaiming_init" minutes=5 level=2
def kaiming_init(fan_in, fan_out, gain=5 / 3):
    """Return random weights (fan_in, fan_out) that keep the spread of what goes through them."""
    ### BEGIN SOLUTION
    return torch.randn(fan_in, fan_out) * gain / math.sqrt(fan_in)
    ### END SOLUTION


# %% check="kaiming_init"
check("kaiming_init")

# %% [markdown] fold="Hint"
# One line: `torch.randn(fan_in, fan_out)`, times the gain, divided by `math.sqrt(fan_in)`.

# %% tags=["demo"]
if check.ready("embed_context", "mlp_forward", "kaiming_init"):
    torch.manual_seed(0)
    scaled = make_mlp(T, C, H, kaiming_init)
    ready = make_mlp(T, C, H, kaiming_init, last=0.1)
    show_hidden({"naive": naive, "scaled": scaled}, train_contexts[some])
    for name, net in {"naive": naive, "scaled": scaled, "and W2 small": ready}.items():
        loss = cross_entropy(mlp_forward(net, train_contexts[some]), train_ids[some])
        print(f"first loss, {name:<13} {loss.item():6.2f}")
    print(f"ln V                     {math.log(V):6.2f}")

# %% [markdown] slide="Divide by the square root of the number of terms" picture="above"
# A sum of 100 terms spreads 10 times as far, and tanh is flat out there.
#
# Notes: In orange the naive net: 85 per cent of its hidden numbers are where tanh is flat, so
# little of the loss gets back through them. What adds up is the variance. So divide the random
# weights by the square root of the fan-in. Glorot and Bengio, 2010; He and others, 2015.

# %% [markdown]
# *The picture: in blue, the scaled net. Its hidden numbers fill the whole range between -1 and 1,
# and far fewer of them are on the flat part.* The spread before tanh is the one that we asked for:
# the gain, 5/3, times the spread of the embeddings, which is about 1.
#
# The first loss is no longer far above $\ln V$, but it is still above, since the logits of a random
# net differ. Nothing comes after the last layer that would need numbers of a certain spread. So we
# make `W2` ten times smaller (`last=0.1`), and the net begins with almost equal logits.

# %% [markdown]
# ## How does it learn?
#
# As in lesson 03: loss, backward, step. A gradient over the whole text would take long, and 03
# showed that a part of it points nearly the same way. So draw a small part at random for each step,
# a **mini-batch**: here 256 places of the text, each with its context and its target.


# %%
def draw_batch(contexts, targets, batch=256):
    """Return `batch` contexts (batch, T), and their targets (batch,), drawn at random."""
    picks = torch.randint(len(targets), (batch,), device=targets.device)
    return contexts[picks], targets[picks]


# %% [markdown]
# It is lesson 03 again, for a larger net: the loss of these 256, and its slopes for every
# parameter, also for the embeddings. `parameters.values()` are the tensors of the dictionary.

# %% [markdown] contract="train_step"
# `train_step(parameters, contexts, targets, lr)` does one step of gradient descent on one
# mini-batch. `parameters` is the dictionary for `mlp_forward`, and its tensors require gradients.
# `contexts` is int64 of shape `(B, T)`, `targets` int64 of shape `(B,)`.
#
# - The loss is the mean cross-entropy of the net's logits with the targets.
# - Every one of the five tensors moves, **in place**, by `lr` times its slope, downhill. `sgd_step`
#   does this with a list of tensors.
# - Each call uses the slopes of its own batch only: none may be left over from the call before.
# - It returns the loss as it was **before** the step, a plain number (`.item()`).
#
# For example, if all parameters are 0, it returns $\ln V$, and only `b2` can move: for the
# character that came most often in the batch it goes up most.


# %% exercise="train_step" minutes=7 level=2
def train_step(parameters, contexts, targets, lr):
    """Change `parameters` by one step downhill on this batch; return the loss before it."""
    ### BEGIN SOLUTION
    loss = cross_entropy(mlp_forward(parameters, contexts), targets)
    loss.backward()  # leaves the slopes in the five tensors
    sgd_step(list(parameters.values()), lr)  # moves them and clears the slopes
    return loss.item()
    ### END SOLUTION


# %% check="train_step" tags=["nbval-check-output"]
check("train_step")

# %% [markdown] fold="Hint 1: four lines"
# The loss, `cross_entropy(logits, targets)`, where the logits come from `mlp_forward`. The way
# back. The step. The return. In lesson 03, the loop of `train_bigram` had the same lines.

# %% [markdown] fold="Hint 2: the step"
# `sgd_step(list(parameters.values()), lr)` moves every tensor and clears its gradient. The loss
# that you have in your hand is still the one from before.

# %% [markdown]
# Does the start matter? Train three nets of the kinds above for a few hundred steps each, on the
# same batches.
#
# **Predict first.** The naive net begins with a far higher loss, and a loss falls quickly where it
# is high. Will it have caught up after 600 steps?

# %% tags=["demo"]
if check.ready("mlp_forward", "kaiming_init", "train_step"):
    figure, axes = plt.subplots(figsize=(7, 3.6))
    starts = {
        "naive": make_mlp(T, C, H, torch.randn),
        "scaled": make_mlp(T, C, H, kaiming_init),
        "scaled, W2 small": make_mlp(T, C, H, kaiming_init, last=0.1),
    }
    for (name, net), color in zip(starts.items(), ("#d55e00", "#949494", "#0072b2"), strict=True):
        torch.manual_seed(0)
        descent = [
            train_step(net, *draw_batch(train_contexts, train_ids), lr=0.3)
            for _ in range(int(600 * pace))
        ]
        axes.plot(descent, color=color, label=name)
        last = descent[-50:]
        print(
            f"{name:<17} first {descent[0]:5.2f}, mean of the last 50: {sum(last) / len(last):.2f}"
        )
    axes.axhline(math.log(V), linestyle=":", color="#222222", label="ln V: guessing blindly")
    axes.set(
        yscale="log", xlabel="step", ylabel="loss of the batch\n(nats per character, log scale)"
    )
    axes.set_yticks([2, 3, 5, 10, 20, 40], ["2", "3", "5", "10", "20", "40"])
    axes.minorticks_off()
    axes.legend(loc="upper right")
    plt.show()

# %% [markdown] slide="A bad start is hard to notice later" picture="above"
# Three starts, the same batches.
#
# Notes: The naive net spends its time becoming as good as guessing. The other two hardly differ
# after a while. Its loss falls too, and without the comparison one never learns how low it could
# be. A good start costs one line.

# %% [markdown]
# *The picture: the loss of each batch, for the three nets. The naive one (orange) spends its time
# becoming as good as guessing.* The two others hardly differ after a while. A good start costs one
# line, and a bad one is hard to notice later: the loss falls, and you never learn how low it could
# be.

# %% [markdown]
# ## How good is it on all of a text?
#
# The loss of a batch is a rough guess, different for each batch. For the ladder we need the loss
# over *every* character of the validation text. At once they would take too much memory, so go
# through them piece by piece, and put the pieces together.
#
# **Predict first.** The first piece has 4 characters and a mean loss of 1, the last one a single
# character with a loss of 6. What is the mean loss of all five?

# %% tags=["demo", "nbval-check-output"]
pieces = torch.tensor([1.0, 1.0, 1.0, 1.0]), torch.tensor([6.0])
print("mean of the two means:", torch.stack([piece.mean() for piece in pieces]).mean())
print("mean of all:", torch.cat(pieces).mean())
print("sums, then divided:", sum(piece.sum() for piece in pieces) / 5)

# %% [markdown] slide="The mean of means is not the mean"
# ```python
# pieces = torch.tensor([1.0, 1.0, 1.0, 1.0]), torch.tensor([6.0])
# print("mean of all:", torch.cat(pieces).mean())
# ```
#
# Mean of the two means: 3.5. Mean of all: 2.
#
# Notes: The whole validation text goes through the net in pieces, and the last piece is smaller.
# So add up sums, and divide by the number of characters at the end. Two more habits: take no notes
# while judging, and switch the model to evaluation.

# %% [markdown]
# The mean of means lets the small last piece count too much. Add up *sums* and divide by the number
# of characters at the end. `cross_entropy(..., reduction="sum")` gives the sum in place of the
# mean.
#
# Later models answer for many places at once: of a batch of `W` windows with `T` characters each,
# they give logits of shape `(W, T, V)`. One function shall serve them all. `cross_entropy` wants
# one row of logits per target, so put all rows below each other:

# %% tags=["demo", "nbval-check-output"]
logits, wanted = torch.zeros(2, 3, 5), torch.tensor([[0, 1, 2], [3, 4, 0]])
print(logits.reshape(-1, 5).shape, wanted.reshape(-1).shape)
print(f"{cross_entropy(logits.reshape(-1, 5), wanted.reshape(-1), reduction='sum'):.3f}")
print(f"{6 * math.log(5):.3f}")
print(logits.shape[-1], wanted.numel())  # the last size; how many numbers there are

# %% [markdown]
# Two more things belong to judging.
#
# **No notes.** Nobody goes back through these losses. Under `torch.no_grad()` torch takes no notes,
# which saves memory and time.
#
# **The right mode.** Later models are objects of torch's class `torch.nn.Module`, and some of their
# parts behave differently while training. *Dropout* is one: in training only, it sets numbers to 0
# by chance, and makes the others larger, so that the sum stays about the same (lesson 06). Such a
# model has a switch: `model.eval()`, `model.train()`, and `model.training` tells which it is.
#
# `isinstance(part, torch.nn.Module)` asks whether `part` is an object of that class.

# %% tags=["demo"]
part = torch.nn.Dropout(0.5)
print(isinstance(part, torch.nn.Module), part.training)
print("training:  ", part(torch.ones(8)).tolist())
part.eval()
print("evaluating:", part(torch.ones(8)).tolist())
part.train()
print(part.training)

# %% [markdown]
# Your net of this lesson is no Module but a function and a dictionary. `lambda` makes a small
# function on the spot that needs nothing but the contexts: `lambda contexts:
# mlp_forward(parameters, contexts)`.

# %% [markdown] contract="evaluate_loss"
# `evaluate_loss(model, inputs, targets, batch=256)` returns the mean cross-entropy over **all** of
# `targets`, a plain number.
#
# - `model` is a function, or a `torch.nn.Module`. `model(inputs[i:j])` gives the logits for
#   `targets[i:j]`, with one more axis of size `V` at the end. `targets` has the shape `(N,)` for
#   the MLP, and `(W, T)` for later models. `inputs` has as many rows as `targets`.
# - Give the model at most `batch` rows at a time, all of them in the end, each once. The last piece
#   may be smaller, and then counts less.
# - The model works without gradients. Afterwards torch takes notes if it did so before.
# - If the model is a `torch.nn.Module`, it is in evaluation mode meanwhile, with all the parts that
#   it is made of. Afterwards model and parts are in the mode in which the model was before.
#
# For example, with a model whose logits are all 0 the result is $\ln V$, whatever the targets.


# %% exercise="evaluate_loss" minutes=20 level=3
def evaluate_loss(model, inputs, targets, batch=256):
    """Return the mean cross-entropy of `model` over all `targets`, `batch` rows at a time."""
    ### BEGIN SOLUTION
    was_training = isinstance(model, torch.nn.Module) and model.training
    if was_training:
        model.eval()
    total = 0.0
    with torch.no_grad():  # nobody will go back through this
        for i in range(0, len(targets), batch):  # from piece to piece
            logits = model(inputs[i : i + batch])
            wanted = targets[i : i + batch].reshape(-1)
            rows = logits.reshape(len(wanted), -1)  # one row of V for each target
            total += cross_entropy(rows, wanted, reduction="sum").item()
    if was_training:
        model.train()  # as it was before
    return total / targets.numel()
    ### END SOLUTION


# %% check="evaluate_loss" tags=["nbval-check-output"]
check("evaluate_loss")

# %% [markdown] fold="Hint 1: the loop"
# `for i in range(0, len(targets), batch):` jumps from piece to piece, and `inputs[i : i + batch]`
# is a piece. At the end of the text a slice simply stops where the text does. In the loop, add the
# sum of the piece to a total. After the loop, divide once by `targets.numel()`.

# %% [markdown] fold="Hint 2: the mode"
# Before the loop, note whether there is anything to switch. There is if the model is a
# `torch.nn.Module`, which `isinstance` says as in the cell above, *and* its `training` is true. Then
# call `model.eval()` before the loop, and `model.train()` after it. If not, there is nothing to do.
# A plain function has no `training`, so ask `isinstance` first: `and` does not look at its right side
# if the left one is false.

# %% [markdown] fold="Hint 3: the rows"
# `logits.reshape(-1, logits.shape[-1])` and `targets[i : i + batch].reshape(-1)`: that changes
# nothing for logits of shape `(B, V)`, and lays out those of shape `(W, T, V)`.

# %% [markdown]
# ## How long should a step be?
#
# In lesson 03, a small learning rate crept, and a large one jumped. There you saw it on a map. For
# a net with thousands of parameters there is no map, but there is a cheap experiment (Leslie Smith,
# 2017). Begin with a tiny rate, make it a little larger at *every* step, and watch the loss. It
# stays where it is while the rate is too small. It falls while the rate is good. When the rate is
# too large, it flies up.
#
# **Predict first.** Over how many powers of ten will a rate be of any use?

# %% tags=["demo"]
if check.ready("mlp_forward", "kaiming_init", "train_step"):
    torch.manual_seed(0)
    net = make_mlp(T, C, H, kaiming_init, last=0.1)
    rates = [10 ** (-3 + 5 * k / 300) for k in range(300)]  # from 0.001 to nearly 100
    tested = [train_step(net, *draw_batch(train_contexts, train_ids), lr) for lr in rates]
    smooth = [
        sum(tested[max(0, k - 4) : k + 5]) / len(tested[max(0, k - 4) : k + 5]) for k in range(300)
    ]
    lowest = smooth.index(min(smooth))
    figure, axes = plt.subplots(figsize=(7, 3.6))
    axes.plot(rates, tested, color="#949494", linewidth=0.8, label="loss of each batch")
    axes.plot(rates, smooth, color="#0072b2", label="mean of 9 neighbours")
    axes.plot(rates[lowest], smooth[lowest], "o", color="#0072b2")
    axes.axhline(math.log(V), linestyle=":", color="#222222", label="ln V: guessing blindly")
    axes.set(xscale="log", xlabel="learning rate (log scale)", ylabel="loss (nats per character)")
    axes.set_ylim(1.5, 8)
    axes.legend(loc="upper left")
    plt.show()
    print(f"The loss is lowest at a rate of about {rates[lowest]:.2g}.")
    print(f"At 0.01 it is {smooth[60]:.2f}, at 1 {smooth[180]:.2f}, at 10 {smooth[240]:.2f}.")
    useful = [rate for rate, loss in zip(rates, smooth, strict=True) if loss < math.log(V) - 0.5]
    print(f"It is at least 0.5 below ln V from {useful[0]:.2g} to {useful[-1]:.2g}:", end=" ")
    print(f"over {math.log10(useful[-1] / useful[0]):.1f} powers of ten.")

# %% [markdown] slide="Find the learning rate by an experiment" picture="above"
# Raise it a little at **every** step, and watch the loss.
#
# Notes: Smith, 2017. While the rate is too small nothing happens, then the loss falls, and then it
# flies up. The edge is sharp on the side of the large rates. It takes a few seconds and gives a
# first guess.

# %% [markdown]
# *The picture: below 0.01 hardly anything happens. Then the loss falls. From about 1 to 4 it gains
# nothing more, then it flies up, and soon it is worse than guessing.* So of the five powers of ten
# that we tried, less than half is of use, and the edge is sharp on the side of the large rates. That
# is a first guess for a few seconds of work; the finer choice comes below.
#
# But why one rate for all steps? Two places ask for another one.
#
# **At the start** the net is far from anything sensible, and its slopes change quickly. A large
# step can throw it into a place from which it hardly gets back. So begin small and raise the rate
# over the first steps: **warm-up** (Goyal and colleagues, 2017). **At the end** every step follows
# the noise of its own batch and overshoots, and the loss stops falling. Robbins and Monro proved in
# 1951 that a descent by noisy slopes arrives if the steps become smaller and smaller. A straight
# line down to zero is simple and works well.

# %% [markdown] contract="lr_schedule"
# `lr_schedule(step, steps, peak, warmup)` returns the learning rate for one step, a plain number.
# Steps are counted from 0 to `steps - 1`. All but `peak` are ints, and `warmup` is less than
# `steps`.
#
# - While `step < warmup`, the rate rises on a straight line: `peak * (step + 1) / warmup`. So the
#   first step is not lost, and the last step of the warm-up has the full `peak`.
# - From then on it falls on a straight line: `peak * (steps - step) / (steps - warmup)`. So it
#   begins with `peak`, and the last step has the smallest rate, just above 0.
#
# For example, with `steps = 6`, `peak = 1.0` and `warmup = 2` the six rates are 0.5, 1, 1, 0.75,
# 0.5, 0.25. With `warmup = 0` it falls from the first step on.


# %% exercise="lr_schedule" minutes=3 level=1
def lr_schedule(step, steps, peak, warmup):
    """Return the learning rate for `step` (from 0) of `steps`: up to `peak`, then down to zero."""
    ### BEGIN SOLUTION
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - step) / (steps - warmup)
    ### END SOLUTION


# %% check="lr_schedule" tags=["nbval-check-output"]
check("lr_schedule")

# %% [markdown] fold="Hint"
# An `if` with the two formulas of the contract. With `warmup = 0` the first one is never reached,
# so nothing is divided by 0.

# %% [markdown]
# Now everything is there for a real training. `fit` below is the loop that we use from here on.
# `rate` is a function that says the learning rate of each step. Every `watch` steps the loss is
# measured, on the beginning of the training text and of the validation text, and the parameters are
# copied wherever the validation loss is the lowest so far. You will see soon what `decay` is for.
#
# (`W1` has `T * C` rows, so their number divided by `C` is `T`. The `lambda` is the one from above,
# the net as a function of the contexts alone.)


# %%
def fit(parameters, ids, steps, rate, watch, decay=0.0):
    """Train `parameters` on the text `ids`; return the curves, and the best parameters on the way.

    `curves` has the steps and the losses for "training" and "validation": name to two lists.
    """
    T = len(parameters["W1"]) // parameters["embedding"].shape[1]
    contexts = contexts_of(ids, T, newline)
    judged = {
        "training": (contexts[:10_000], ids[:10_000]),
        "validation": (contexts_of(validation_ids, T, newline)[:10_000], validation_ids[:10_000]),
    }
    curves = {name: ([], []) for name in judged}
    for step in trange(steps + 1, leave=False, mininterval=1, file=sys.stdout):
        if step % watch == 0 or step == steps:
            for name, (inputs, targets) in judged.items():
                loss = evaluate_loss(lambda some: mlp_forward(parameters, some), inputs, targets)
                curves[name][0].append(step)
                curves[name][1].append(loss)
            if curves["validation"][1][-1] == min(curves["validation"][1]):
                best = {name: tensor.detach().clone() for name, tensor in parameters.items()}
        if step < steps:
            train_step(parameters, *draw_batch(contexts, ids), rate(step))
            with torch.no_grad():
                for name in ("W1", "W2"):
                    parameters[name] *= 1 - decay * rate(step)
    return curves, best


# %% [markdown]
# What is the schedule worth? Ten short trainings: five peaks, each once as one rate for all steps,
# and once with the schedule. All have the same start and the same batches.
#
# **Predict first.** With the schedule nearly all steps are smaller than the peak. Will the best
# peak be larger or smaller than the best single rate?

# %% tags=["demo"]
needed = "mlp_forward", "kaiming_init", "train_step", "evaluate_loss", "lr_schedule"
if check.ready(*needed):

    def short_training(peak, falling):
        """Return the validation loss after a short training with that peak."""
        steps = int(700 * pace)

        def rate(step):
            return lr_schedule(step, steps, peak, warmup=steps // 20) if falling else peak

        torch.manual_seed(0)
        net = make_mlp(T, C, H, kaiming_init, last=0.1)
        curves, _ = fit(net, train_ids, steps, rate, watch=steps)
        return curves["validation"][1][-1]

    peaks = (0.5, 1, 2, 4, 8)
    ends = {
        "one rate for all steps": [short_training(peak, falling=False) for peak in peaks],
        "up, then down to zero": [short_training(peak, falling=True) for peak in peaks],
    }
    figure, axes = plt.subplots(figsize=(7, 3.6))
    for (name, losses), color in zip(ends.items(), ("#949494", "#0072b2"), strict=True):
        best = losses.index(min(losses))
        axes.plot(peaks, losses, "o-", color=color, label=name)
        print(f"{name}: lowest with {peaks[best]:g}. All of them:", end=" ")
        print(", ".join(f"{loss:.2f} ({p:g})" for p, loss in zip(peaks, losses, strict=True)))
    axes.set(xscale="log", xlabel="rate, or its peak (log scale)")
    axes.set(ylabel="loss at the end\n(nats per character)")
    axes.set_xticks(peaks, [f"{peak:g}" for peak in peaks])
    axes.set_ylim(top=1.5 * max(ends["up, then down to zero"]))
    axes.minorticks_off()
    axes.legend(loc="upper left")
    plt.show()

# %% [markdown] slide="Up at first, then down to zero" picture="above"
# **Warm-up**, then a straight line. It bears a higher peak, and ends lower.
#
# Notes: At the start the slopes change quickly, so begin small. At the end each step follows the
# noise of its own batch, so make the steps smaller and smaller; Robbins and Monro, 1951. The large
# rates find the way, and the small ones let the net settle.

# %% [markdown]
# *The picture: the loss at the end of each training, over its rate. (Where a line leaves the
# picture, read the loss in the list.)* With a small peak the schedule loses: its steps are smaller
# still. But it bears a higher peak, and with that it ends lower. The large rates find the way
# quickly but overshoot; the small ones at the end let the net settle. (Do not take the best peak
# over to another net. Test again.)

# %% [markdown]
# ## When has a net learnt too much?
#
# In lesson 02 a table with long contexts knew the training text by heart and did badly on new text.
# Can that happen to a net? It has no rows to store a text in, only the few numbers counted above.
#
# Three trainings. The first has all stories to learn from. The second has only the first 20 of
# them, and goes through them again and again. The third has all stories, but its hidden layer has
# only 4 numbers.
#
# **Predict first.** What will the training loss and the validation loss do, in each of the three?

# %% tags=["demo"]
if check.ready(*needed):
    steps, watch = int(1600 * pace), int(200 * pace)

    def up_and_down(step):
        return lr_schedule(step, steps, peak=1.0, warmup=steps // 20)

    few_ids = encode(corpus.join(train[:20]), chars).to(where)
    trainings = {  # the text to learn from, and the size of the hidden layer
        "all stories": (train_ids, H),
        "20 stories": (few_ids, H),
        "all stories, H = 4": (train_ids, 4),
    }
    fits, curves = {}, {}
    for name, (ids, hidden) in trainings.items():
        torch.manual_seed(0)
        net = make_mlp(T, C, hidden, kaiming_init, last=0.1)
        fits[name] = fit(net, ids, steps, up_and_down, watch)[0]
        for which, curve in fits[name].items():
            curves[f"{which}, {name}"] = curve
    display(plots.loss_curves(curves))
    for name, fitted in fits.items():
        training, judged = fitted["training"][1], fitted["validation"][1]
        print(
            f"{name}: training {training[-1]:.2f}, validation {judged[-1]:.2f} at the end;", end=" "
        )
        print(f"lowest validation {min(judged):.2f} at step {watch * judged.index(min(judged)):,}")

# %% [markdown] slide="Underfitting and overfitting" picture="above"
# Too small: both losses are high. Too little text: training falls, validation **rises**.
#
# Notes: Three trainings: all stories, twenty stories, and a net with four hidden numbers. With
# twenty stories the validation loss is lowest early and then climbs. More text helps most. Where
# there is none, stop early, make the net smaller, or let the weights decay.

# %% [markdown]
# *The picture: training losses are dashed, a dot marks the lowest place of each curve. All stories:
# both losses fall together. 20 stories: the training loss falls and falls, and the validation loss
# turns and rises. Four hidden numbers: both lie together, but high.*
#
# - The second one is **overfitting**: the net learns what is true of these 20 stories alone.
# - The third is **underfitting**: the net is too small for what there is to learn, and more text
#   would hardly help it.
#
# The two losses *together* tell which it is. If they lie apart and drift further apart, the net
# learns too much by heart; if they lie together and high, it is too small, or has not been trained
# for long enough.
#
# What helps against overfitting? The best remedy is the first of the three: **more text**. When
# there is no more:
#
# - **Stop early** (Lutz Prechelt, 1998). Keep the parameters from the dot, not from the end. That
#   is what the second result of `fit` is.
# - Take a **smaller net**.
# - **Weight decay**: after each step, make `W1` and `W2` a tiny bit smaller: multiply them by
#   `1 - decay * lr`. What the slopes ask for again and again stays. What only a few places of the
#   text ask for fades away. It is to a net what smoothing is to a table. (`fit` leaves the biases
#   alone, and the embeddings: a rare character's place would fade between two visits.)
#
# How much are they worth, for the 20 stories?

# %% tags=["demo"]
if check.ready(*needed, "fits"):
    curves = {"validation, 20 stories as they were": fits["20 stories"]["validation"]}
    for name, hidden, decay in (("smaller net, H = 16", 16, 0.0), ("weight decay", H, 0.004)):
        torch.manual_seed(0)
        net = make_mlp(T, C, hidden, kaiming_init, last=0.1)
        fitted, _ = fit(net, few_ids, steps, up_and_down, watch, decay)
        curves[f"validation, {name}"] = fitted["validation"]
    curves["validation, all stories"] = fits["all stories"]["validation"]
    display(plots.loss_curves(curves))
    for name, (_, losses) in sorted(curves.items(), key=lambda curve: min(curve[1][1])):
        print(f"{name}: {losses[-1]:.2f} at the end, {min(losses):.2f} if stopped early")

# %% [markdown]
# *The picture: validation losses of three trainings on the same 20 stories, and of the one on all
# stories. The list has the best first.* With the laptop preset each remedy helps, weight decay most.
# (It is strong here, as 20 stories are little text; with all of them a far weaker one will do.) But
# none of them comes near to what all the stories gave. Remedies are good, text is better.

# %% [markdown]
# ## How far does it get?
#
# Now in earnest. A context of 9 characters, as many as the 10-gram of lesson 02 sees. More
# channels, a wider hidden layer, more steps, a tiny weight decay. It takes about half a minute;
# the bar shows how far it is.
#
# **Predict first.** On the fables, the best table of lesson 02 was a 10-gram, with about a million
# counts. Will the net beat it, with fewer numbers?

# %% tags=["demo"]
big = {"T": 9, "C": 32, "H": 512}
if check.ready(*needed):
    steps = int(10_000 * pace) if preset != "gpu" else 30_000
    torch.manual_seed(0)
    mlp = make_mlp(big["T"], big["C"], big["H"], kaiming_init, last=0.1)
    print(f"{size_of(mlp):,} parameters; each step reads 256 characters")
    mlp_curves, mlp = fit(
        mlp,
        train_ids,
        steps,
        lambda step: lr_schedule(step, steps, peak=2.0, warmup=steps // 20),
        watch=steps // 10,
        decay=1e-4,
    )
    display(plots.loss_curves({name: (at[1:], ys[1:]) for name, (at, ys) in mlp_curves.items()}))
    validation_contexts = contexts_of(validation_ids, big["T"], newline)
    mlp_loss = evaluate_loss(
        lambda contexts: mlp_forward(mlp, contexts), validation_contexts, validation_ids
    )
    print(f"over the whole validation text: {mlp_loss:.3f} nats per character")
    gaps = [
        v - t for t, v in zip(mlp_curves["training"][1], mlp_curves["validation"][1], strict=True)
    ]
    print(f"validation above training: {gaps[1]:.2f} after a tenth, {gaps[-1]:.2f} at the end")

# %% [markdown]
# *The picture: from the first measurement on, both losses fall to the end.* The training loss is a
# little ahead all the way, but the gap does not widen, and the validation loss still falls. So this
# net does not overfit yet, and more steps would help. (The parameters are the best ones that
# `fit` saw. It chose them by a part of the very text that judges them, among a few copies only, so
# it hardly matters.)
#
# Let us read what it writes. To write with an MLP, give it the last `T` characters, draw one, put
# it behind, and so on.


# %%
def next_probs(parameters, text):
    """Return the net's probability of each next character after `text`: (V,)."""
    T = len(parameters["W1"]) // parameters["embedding"].shape[1]
    context = encode(("\n" * T + text)[-T:], chars).reshape(1, T)
    with torch.no_grad():
        return softmax(mlp_forward(parameters, context.to(parameters["W1"].device))[0].cpu())


def mlp_write(parameters, text, length, temperature=1.0):
    """Return `text` and what the net writes behind it, `length` characters in all."""
    while len(text) < length:
        probs = softmax(next_probs(parameters, text).log() / temperature)
        text += chars[sample_next(probs)]
    return text


# %% tags=["demo"]
if check.ready("mlp_forward", "mlp"):
    torch.manual_seed(3)
    print(mlp_write(mlp, "", 600))

# %% [markdown]
# Many words are right, others could be words. But nothing lasts longer than the 9 characters that
# the net sees. Look for a bracket that closes though nobody opened it, and for who is in the story.

# %% [markdown]
# ## What has it learnt about the characters?
#
# The embeddings began as random numbers. Where are they now? With 32 channels you cannot look at
# them. So train a small net whose embeddings have only **two** channels, and draw them as what they
# are: places on a map. It sees 3 characters, and the training takes seconds.
#
# **Predict first.** Nobody tells the net what a vowel is. Which characters will it put close
# together?


# %% tags=["demo"]
def draw_map(axes, embedding, title):
    """Draw each character at its place; vowels, digits and capitals have colours of their own."""
    colors = {"aeiou": "#d55e00", string.digits: "#009e73", string.ascii_uppercase: "#0072b2"}
    colors[string.ascii_lowercase] = "#222222"  # the vowels have theirs already
    for char, (x, y) in zip(chars, embedding.tolist(), strict=True):
        color = next((color for group, color in colors.items() if char in group), "#949494")
        shown = {" ": "␣", "\n": "⏎", "$": r"\$"}.get(char, char)
        axes.text(x, y, shown, color=color, ha="center", va="center", fontsize=11)
    axes.set(title=title, xlabel="first channel", ylabel="second channel")
    low, high = embedding.min().item() - 0.4, embedding.max().item() + 0.4
    axes.set(xlim=(low, high), ylim=(low, high))


if check.ready(*needed):
    steps = int(3000 * pace)
    torch.manual_seed(1)
    flat_net = make_mlp(3, 2, 128, kaiming_init, last=0.1)
    before = flat_net["embedding"].detach().clone().cpu()
    fit(
        flat_net,
        train_ids,
        steps,
        lambda step: lr_schedule(step, steps, peak=1.0, warmup=steps // 20),
        watch=steps,
    )
    learnt = flat_net["embedding"].detach().cpu()
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.2))
    draw_map(left, before, "before training")
    draw_map(right, learnt, "after training")
    figure.tight_layout()
    plt.show()

    for name, group in {"vowels": "aeiou", "digits": string.digits}.items():
        its = [i for i, char in enumerate(chars) if char in group]
        if len(its) > 1:  # Shakespeare has no digits to speak of
            for when, places in {"before": before, "after": learnt}.items():
                inside, anywhere = torch.pdist(places[its]).mean(), torch.pdist(places).mean()
                print(
                    f"{when} training, two {name} are {inside:.2f} apart, any two characters",
                    end=" ",
                )
                print(f"{anywhere:.2f}: {inside / anywhere:.2f} times as far")

# %% [markdown] slide="It was never told what a digit is" picture="above"
# The embeddings, before and after training.
#
# Notes: The digits have moved to nearly the same place, since the same comes after all of them.
# Vowels have come nearer to each other too. Nobody gave these places: the loss moved them to where
# they are useful. So what is learnt after one digit holds for all.

# %% [markdown]
# *The two maps: each character stands at its two numbers. Left at random, right after training.
# Orange: vowels. Green: digits. Blue: capitals. Black: the other small letters.* The digits lie
# nearly on one spot. And compared with any two characters, the vowels are nearer to each other than
# before.
#
# After a digit come the same things whichever digit it is, so the same slopes pulled at all of them:
# **the embedding is a summary of what a character does.** Words can get embeddings in the same way.
# Then it becomes a map of meanings.

# %% [markdown]
# ## Does it carry over what it knows?
#
# This was the promise. Compare the net with the best table of lesson 02, the 10-gram with a `borrow`
# of 16. Both see 9 characters. First over the whole validation text, then only where a digit stands
# in the last 7 characters (for Shakespeare: a capital letter).
#
# **Predict first.** Who is ahead in each of the two? (The cell has no bar. It takes a few seconds,
# or half a minute on a slow machine: Python looks up one character after the other in the table.)

# %% tags=["demo"]
if check.ready("mlp_forward", "mlp", "count_ngrams", "ngram_backoff"):
    ngrams = count_ngrams(train_text, 10)
    started = time.perf_counter()
    ngram_p = torch.tensor(
        [
            ngram_backoff(ngrams, validation_text[max(0, i - 9) : i], char, V, borrow=16)
            for i, char in enumerate(validation_text)
        ]
    )
    ngram_speed = len(validation_text) / (time.perf_counter() - started)
    ngram_loss = -ngram_p.log().mean().item()
    started = time.perf_counter()
    with torch.no_grad():
        logits = [mlp_forward(mlp, part) for part in validation_contexts.split(256)]
    probs = softmax(torch.cat(logits).cpu())  # (N, V)
    mlp_speed = len(validation_text) / (time.perf_counter() - started)
    mlp_p = probs[torch.arange(len(probs)), validation_ids.cpu()]  # (N,) of what really came

    is_kind = torch.tensor([char in kind for char in chars])
    near = is_kind[validation_contexts[:, -7:].cpu()].any(dim=1)  # (N,) is one in the last 7?
    groups = {"everywhere": torch.ones_like(near), "near a digit": near, "elsewhere": ~near}
    if not is_fables:
        groups = {name.replace("digit", "capital"): group for name, group in groups.items()}
    print("                        share   10-gram     MLP")
    for name, group in groups.items():
        by_table, by_net = -ngram_p[group].log().mean(), -mlp_p[group].log().mean()
        print(f"{name:<20} {group.float().mean():8.1%}  {by_table:8.3f} {by_net:7.3f}")
    directions = torch.nn.functional.normalize(mlp["embedding"].cpu(), dim=1)  # all of length 1
    one = chars.index(kind[1])
    alike = (directions @ directions[one]).argsort(descending=True)[1:6].tolist()
    print(f"In this net, the places nearest to {chars[one]}:", " ".join(chars[i] for i in alike))

# %% [markdown]
# There is the promise. **Where characters are alike, the net is clearly ahead**: the table has to
# learn each number anew, and to the net all digits are neighbours. (All this with the laptop preset.
# The few steps of smoke are not enough.)
#
# And over the whole text? On the fables the table stays ahead. Let us be honest about it. The fables
# are made of phrases that come back letter by letter, and to learn phrases by heart is what a table
# does best. It stores several times as many numbers, too, as you see in the table of facts below.
# The net's loss was still falling when its training ended. If you have the time, give it more steps.
#
# Do the two know the same? If not, their mean should be better than either. Mix the probabilities,
# half and half:

# %% tags=["demo"]
if check.ready("ngram_p"):
    mixed = (mlp_p + ngram_p) / 2
    for name, p in {"10-gram": ngram_p, "MLP": mlp_p, "half and half": mixed}.items():
        print(f"{name:<14} {-p.log().mean():.3f} nats per character")

# %% [markdown]
# (If `p` and `q` are probabilities that sum to 1, so is their mean. It is one model, judged like
# any other.) Bengio and his colleagues did the same in 2003: they mixed their net with a table of
# three words, and it helped every time. The two make different mistakes. Lesson 08 comes back to
# mixing models.

# %% [markdown]
# **Something to play with.** Write a beginning, and set the temperature of lesson 00. Then try
# contexts that the net has never seen: a number with five digits, a name that does not exist. Change
# a character more than 9 places back, and nothing changes: that far the net cannot see.

# %% tags=["demo"]
if check.ready("mlp_forward", "mlp"):

    def go_on(text, temperature):
        if strange := sorted(set(text) - set(chars)):
            print("Left out, as the net has no place for them:", *strange)
        text = "".join(char for char in text if char in chars)
        display(plots.next_token_bars(next_probs(mlp, text), chars, context=text, top=8))
        torch.manual_seed(1)
        print(mlp_write(mlp, text, len(text) + 200, temperature))

    play(go_on, text="The fox counted to 38", temperature=(0.25, 1.75, 0.25))

# %% [markdown]
# ## What does it cost?
#
# As in lesson 03: a product with a weight of shape `(m, n)` costs `2 * m * n` FLOPs for each token,
# which is a character here. Looking up an embedding costs nothing. So reading a character takes
#
# $$2 \cdot TC \cdot H + 2 \cdot H \cdot V$$
#
# FLOPs, and training three times as many: once forward, and about twice as much back.

# %% tags=["demo"]
if check.ready("ngram_p"):
    wide = big["T"] * big["C"]
    flops = 2 * wide * big["H"] + 2 * big["H"] * V
    table(
        {
            "10-gram, borrow 16": {
                "parameters": sum(len(row) for row in ngrams.values()),  # counts that it stores
                "FLOPs per token": "",
                "tokens per second": ngram_speed,
                "loss": ngram_loss,
            },
            "MLP": {
                "parameters": size_of(mlp),
                "FLOPs per token": flops,
                "tokens per second": mlp_speed,
                "loss": mlp_loss,
            },
        }
    )
    read = 256 * mlp_curves["training"][0][-1]
    print(f"Training read {read:,} characters, with repeats: {3 * flops * read:.1e} FLOPs.")

# %% [markdown]
# (A table has no parameters to learn, so the first row counts the numbers that it stores. And do not
# make much of the speeds: the table is read by a loop in Python, the net runs in torch's C++.)
#
# ## Every model so far
#
# The rungs of the lessons before, as measured when this course was built, and the new one.

# %% tags=["demo"]
if check.ready("mlp_loss", "ngram_loss"):
    losses = rungs.before("04_mlp") if preset == "laptop" else {}
    losses |= {"10-gram, borrow 16": ngram_loss, "MLP": mlp_loss}
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown] slide="Counting is still ahead, by a little" picture="above"
# The net has 182,848 numbers, the 10-gram over a million.
#
# Notes: Near a digit the net is better, elsewhere the 10-gram is. Mixed half and half they are
# better than either, so they know different things. But both forget all that is more than nine
# characters back. That is what the next lesson is for.

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. `table[contexts]` has the shape `(B, T, C)`. What does `.transpose(0, 1).reshape(B, T * C)` give?
#    - (a) the same as `.reshape(B, T * C)`
#    - (b) an error
#    - (c) the right shape, but rows in which the contexts are mixed up
# 2. What would the net lose without tanh?
#    - (a) nothing but speed
#    - (b) the hidden layer: it could say no more than a net with one layer
#    - (c) its embeddings
# 3. Your net has 64 characters to choose from. Its very first loss is 27. What do you look at?
#    - (a) the size of the random numbers it starts with
#    - (b) the learning rate
#    - (c) nothing: every net begins like that
# 4. Why does a higher peak do better if the rate then falls to zero?
#    - (a) The mini-batches become larger.
#    - (b) Large steps find the way quickly but overshoot, and the small ones at the end settle.
#    - (c) The loss does not depend on the rate.
# 5. Training loss 0.4 and falling, validation loss 1.9 and rising. What do you do?
#    - (a) go on training
#    - (b) take the parameters from where the validation loss was lowest
#    - (c) take a larger net
# 6. Why do the digits come to stand together on the map?
#    - (a) They stand together in the list of characters.
#    - (b) What comes next depends on "a digit", hardly on which one: the same slopes pull at all.
#    - (c) They began close together.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "c"
answer_2 = "b"
answer_3 = "a"
answer_4 = "b"
answer_5 = "b"
answer_6 = "b"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - An embedding is a table of places, one for each character, and its numbers are learnt.
#   Characters that do the same end up near each other, and what is learnt about one holds for its
#   neighbours.
# - Between two layers there must be a bend, or they are one layer.
# - A net that starts well says about $\ln V$ at first. Divide random weights by the square root of
#   fan-in.
# - Train on mini-batches. Choose the peak of the learning rate by a test, warm up, and let it fall
#   to zero.
# - Judge on all of the text: sums first, one division at the end, no gradients, evaluation mode.
# - Training and validation loss drift apart: overfitting. Together and high: underfitting. Keep the
#   parameters from the best place, not from the last.
#
# **Next**, lesson 05. This net reads a fixed window, and has separate weights for each place in it.
# A name from hundreds of characters back will never be inside. In lesson 05 the net decides by
# itself, for each character, where to look: attention.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *features*, *train*, *evaluate* and *optimise*. The
# embeddings are features that nobody had to think of. The learning-rate test and early stopping
# come back with every model that you will ever train.
#
# ### References
#
# - H. Robbins, S. Monro (1951). A Stochastic Approximation Method. *The Annals of Mathematical
#   Statistics* 22(3).
# - L. Prechelt (1998). Early Stopping - But When? In *Neural Networks: Tricks of the Trade*,
#   Springer.
# - Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin (2003). A Neural Probabilistic Language Model.
#   *Journal of Machine Learning Research* 3. The net of this lesson, for words.
# - X. Glorot, Y. Bengio (2010). Understanding the difficulty of training deep feedforward neural
#   networks. *AISTATS*.
# - K. He, X. Zhang, S. Ren, J. Sun (2015). Delving Deep into Rectifiers: Surpassing Human-Level
#   Performance on ImageNet Classification. *ICCV*.
# - L. N. Smith (2017). Cyclical Learning Rates for Training Neural Networks. *WACV*. The rate test.
# - P. Goyal and others (2017). Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour.
#   arXiv:1706.02677. Warm-up.

# %%
check.summary()
