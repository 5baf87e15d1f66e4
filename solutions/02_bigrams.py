# %% [markdown] lesson="02_bigrams" title="Counting pairs" minutes=100 laptop_minutes=1 gpu_minutes=1
# A language model gives each character that could come next a probability. In this lesson you build
# your first real one, and all it does is count.
#
# After this lesson you can
#
# - **count** which character follows which, and read the counts as a picture,
# - **turn** counts into probabilities, also for pairs that never came,
# - **write** new text by drawing one character after the other,
# - **score** a model on text that it has not seen: likelihood, loss, perplexity,
# - **show** what longer contexts buy, and where counting runs out.
#
# You need lesson 00 (shapes, `keepdim`, picking pairs with two lists of indices) and lesson 01
# (training and validation stories, `encode`, surprise and loss).

# %% tags=["setup"]
import math
import random
from collections import Counter
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from lmcourse import check, corpus, play, plots

check.lesson("02_bigrams")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="softmax build_vocab encode decode split"

# %% [markdown]
# The cell above holds functions that do the same as yours from lessons 00 and 01. The next one makes
# the same training and validation text as there.
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
train_ids, validation_ids = encode(train_text, chars), encode(validation_text, chars)
print(f"{len(train_text):,} characters to learn from, {len(validation_text):,} to be judged by")
print(f"V = {V} different ones")

# %% [markdown]
# ## What does one character say about the next?
#
# In 1913 Andrey Markov took the first 20,000 letters of *Eugene Onegin*, Pushkin's novel in verse,
# and marked each one as a vowel or a consonant. He counted 8,638 vowels: 43 in a hundred. Then he
# looked at the *pairs* of neighbours. If letters did not care what stands before them, 43 in a
# hundred would be vowels there too, after a vowel as well as after a consonant.
#
# **Predict first.** How many in a hundred letters are vowels right after a vowel? And right after a
# consonant?

# %% [markdown] fold="What Markov found"
# After a vowel, 1,104 of 8,638: 13 in a hundred. After a consonant, 7,534 of 11,362: 66 in a
# hundred. The letters hang together like the links of a chain. A sequence in which the next step
# depends on where you are now is called a *Markov chain* today.

# %% [markdown]
# He counted by hand. You have `pairwise`, which pairs each thing with its neighbour, and `Counter`,
# which counts things.

# %% tags=["demo", "nbval-check-output"]
print(list(pairwise("plum")))
letters = [char for char in train_text.lower() if char.isalpha()]
kinds = ["vowel" if letter in "aeiou" else "consonant" for letter in letters]
pairs = Counter(pairwise(kinds))
for first in ("vowel", "consonant"):
    share = pairs[first, "vowel"] / (pairs[first, "vowel"] + pairs[first, "consonant"])
    print(f"our text, after a {first}: {100 * share:.0f} in a hundred are vowels")

# %% [markdown] slide="One character says something about the next"
# Markov, 1913, 20,000 letters of *Eugene Onegin*. Of a hundred letters are vowels:
#
# - anywhere: **43**
# - after a vowel: **13**
# - after a consonant: **66**
#
# Notes: Ask before you show the last two numbers. He counted by hand. If letters did not care what
# stands before them, it would be 43 in both cases. A sequence in which the next step depends on
# where you are now is called a Markov chain today.

# %% [markdown]
# So one character says something about the next. Let us ask every character, not just two kinds.
# The answers go into a table: one row for each first character, one column for each second one. For
# the word *banana* it looks like this:
#
# ```
#            second
#             a  b  n
#  first  a   0  0  2      an, an
#         b   1  0  0      ba
#         n   2  0  0      na, na
# ```
#
# Six characters make five pairs. In general `N` characters make `N - 1` pairs.
#
# There are two good ways to fill such a table. The first is a loop over the pairs that adds 1 in the
# right place, `table[first, second] += 1`. On a whole book it takes a few seconds. The second is
# fast. `torch.bincount`, which you met in lesson 01, counts how often each number occurs in a tensor.
# A pair is two numbers, so you have to make one of them first.

# %% tags=["demo", "nbval-check-output"]
ids = torch.tensor([4, 0, 4, 4, 2])
print(torch.bincount(ids, minlength=6))  # how often there is a 0, a 1, ..., a 5
print(ids[:-1], ids[1:])  # without the last, without the first: neighbours at the same place
print(torch.arange(6).reshape(2, 3))  # a table of 2 by 3 whose places are numbered row by row

# %% [markdown]
# In that last table of 3 columns, row 1 and column 2 is place number `1 * 3 + 2`.
#
# **Predict first.** A third way looks even shorter: name all places at once, as in lesson 00, and
# add 1 to them. Place (1, 2) is named twice here. What will stand in it?

# %% tags=["demo", "nbval-check-output"]
small = torch.zeros(2, 3)
small[[1, 1, 0], [2, 2, 0]] += 1
print(small)

# %% [markdown] slide="A shortcut that does not count"
# ```python
# small = torch.zeros(2, 3)
# small[[1, 1, 0], [2, 2, 0]] += 1
# print(small)
# ```
#
# What stands in row 1, column 2?
#
# Notes: It is 1, not 2. Torch reads all the places, adds 1 to each, and writes them back, so the
# same place is written twice with a 1. There is no error message. A loop counts right but slowly.
# Making one number of each pair and calling bincount is fast: that is the exercise.

# %% [markdown] fold="Why?"
# Only 1. Torch reads all the places, adds 1 to each, and writes them back. The same place is written
# twice, both times with a 1. So this way does not count, and there is no error message.

# %% [markdown] contract="count_bigrams"
# `count_bigrams(ids, V)` takes a text as an int64 tensor `ids` of shape `(N,)`, with entries from 0
# to `V - 1`. It returns a float32 tensor of shape `(V, V)`: row `i`, column `j` holds how often `j`
# came right after `i`.
#
# For example, with `ids = torch.tensor([1, 0, 2, 0, 2, 0])` (*banana*) and `V = 3` it is the table
# above. The table has `V` rows and columns even if the text does not use every character. A text of
# one character has no pairs, so it gives zeros only. `ids` itself stays as it is.


# %% exercise="count_bigrams" minutes=8 level=2
def count_bigrams(ids, V):
    """Return how often each character follows each other: (V, V) float32, row = first."""
    ### BEGIN SOLUTION
    places = ids[:-1] * V + ids[1:]  # (N - 1,) the place of each pair, row by row
    return torch.bincount(places, minlength=V * V).reshape(V, V).float()
    ### END SOLUTION


# %% check="count_bigrams" tags=["nbval-check-output"]
check("count_bigrams")

# %% [markdown] fold="Hint 1: with a loop"
# Start with `counts = torch.zeros(V, V)`. Go through `pairwise(ids.tolist())`; each step gives you
# `first` and `second`. Add 1 in row `first`, column `second`. (`.tolist()` makes plain numbers of a
# tensor. A loop over the tensor itself takes several times as long.)

# %% [markdown] fold="Hint 2: without a loop"
# `ids[:-1]` are all the first characters, `ids[1:]` all the second ones. The place number of a pair is
# `first * V + second`, and that works for the whole tensors at once.

# %% [markdown] fold="Hint 3: the end of it"
# `torch.bincount(places, minlength=V * V)` has shape `(V * V,)`. Give it the shape of a table with
# `.reshape(V, V)`, and make it float32 with `.float()`.

# %% [markdown]
# ## What does the table look like?
#
# **Predict first.** Think of the row of `q`: how many of its squares will have a colour? And think of
# the column of the space, `␣`: which small letters will be white there?

# %% [markdown] fold="What to look for"
# In the row of `q` hardly more than one square: `u`. In the column of the space nearly all the small
# letters have a colour, since on a log scale even a rare pair shows; the darkest is `e`. The white
# ones tell more: hardly a word ends with these letters. The cell below the picture lists them.

# %% tags=["demo"]
if check.ready("count_bigrams"):
    counts = count_bigrams(train_ids, V)
    display(plots.bigram_heatmap(counts, chars))

# %% [markdown] slide="This table is the whole model" picture="above"
# Row: the character. Column: the one that follows.
#
# Notes: The darker, the more often, on a log scale; white pairs never came. Find the row of q:
# hardly more than one square. Find the column of the space: the white ones are letters with which
# hardly a word ends. The diagonal has what comes twice in a row. The model knows nothing else.

# %% [markdown]
# *The picture: each row is a first character, each column the one that follows; the darker, the more
# often. The scale is a log scale: each step along it is ten times as many. White pairs never came.*
# Take a minute with it. After what do capitals come? What comes after a newline, `⏎`? Which letters
# come twice in a row? (Those stand on the diagonal, from the top left to the bottom right.)
#
# That picture is the whole model. It knows nothing else.

# %% tags=["demo", "nbval-check-output"]
if check.ready("counts"):
    print(f"{V} x {V} = {V * V:,} pairs; {(counts == 0).sum() / V**2:.0%} of them never came")
    for first in "qeT.":
        row = counts[chars.index(first)]
        best = row.argsort(descending=True)[:5].tolist()  # the places of the 5 largest
        print(
            f"after {first!r}:",
            ", ".join(f"{chars[i]!r} {row[i]:,.0f}" for i in best if row[i] > 0),
        )
    before_space = counts[:, chars.index(" ")].tolist()
    never = [char for char, times in zip(chars, before_space, strict=True) if times == 0]
    print("small letters that no space follows:", [char for char in never if char.islower()])

# %% [markdown]
# ## What about pairs that never came?
#
# Divide each row by its sum, and you have probabilities: of all the characters that came after a `t`,
# so many in a hundred were an `h`. But a pair that never came would get the probability 0. If it then
# comes after all, the surprise is $-\ln 0$, which is infinite, and the model is ruined by one pair.
#
# **Predict first.** You read a sentence to the model that was not in its stories. Will there be a
# pair in it that a million characters did not have?

# %% tags=["demo", "nbval-check-output"]
if check.ready("counts"):
    sentence = "The quiz vexed a zany fjord."
    new = [a + b for a, b in pairwise(sentence) if counts[chars.index(a), chars.index(b)] == 0]
    print("never seen:", new)

# %% [markdown]
# "Never seen" is not the same as "impossible". The oldest remedy goes back to Laplace (1774): act as
# if everything had been seen once more than it was. Add 1 to every count, then divide. More
# generally, add some number `alpha`, which need not be 1. With $n_{ij}$ for the count of the pair,
#
# $$p(j \mid i) = \frac{n_{ij} + \alpha}{\sum_k (n_{ik} + \alpha)}.$$
#
# Read the left side as "the probability of $j$, given $i$". This is called **smoothing**: a little is
# taken from what was seen and given to what was not.

# %% [markdown] contract="normalise"
# `normalise(counts, alpha=1.0)` takes counts of shape `(V, V)`, float32 as `count_bigrams` gives them,
# and returns a new float32 tensor of shape `(V, V)`. It adds `alpha` to every count, and then divides each row by its own new sum, so
# that every row sums to 1. The tensor `counts` itself stays as it was.
#
# For example, with `counts = [[1, 3], [0, 0]]` and `alpha = 1` the first row becomes
# `[2/6, 4/6]`, and the second row, about which nothing is known, `[1/2, 1/2]`. (With `alpha = 0` you
# will only get tables without an empty row.)


# %% exercise="normalise" minutes=6 level=2
def normalise(counts, alpha=1.0):
    """Return the probabilities of the next character: (V, V), each row sums to one."""
    ### BEGIN SOLUTION
    smoothed = counts + alpha
    return smoothed / smoothed.sum(dim=1, keepdim=True)  # (V, V) / (V, 1)
    ### END SOLUTION


# %% check="normalise" tags=["nbval-check-output"]
check("normalise")

# %% [markdown] fold="Hint 1: which sums?"
# `table.sum(dim=1)` adds up along each row. You want each row divided by its own sum: lesson 00 shows
# why that takes `keepdim=True`.

# %% [markdown] fold="Hint 2: nearly the code"
# Two lines. First make a new tensor that is larger by `alpha` in every place. Then divide it by its
# own row sums, and not by those of `counts`.

# %% [markdown]
# What has the smoothing done to the row of `q`, which knew exactly what comes next?

# %% tags=["demo"]
if check.ready("normalise", "counts"):
    table = normalise(counts)
    display(plots.next_token_bars(table[chars.index("q")], chars, context="q", top=6))

# %% [markdown] slide="Smoothing: leave something for what never came" picture="above"
# One pair with probability 0 makes the loss infinite. So add `alpha` to every count.
#
# Notes: 81 per cent of all pairs never came, and a new sentence soon has one of them. Laplace
# added 1, in 1774. The picture shows the price: after q the model is still nearly sure, but each
# other character has the same small share now.

# %% [markdown]
# *The picture: after `q` the model is still nearly sure, but each of the other characters now has the
# same small share.* That is the price. How high should it be? We come back to this once we can
# measure it.

# %% [markdown]
# ## Can counts write?
#
# A model that gives probabilities can write: draw a character by its probability, put it down, and
# go on from there. Claude Shannon (1948) did it with letter pairs of English, without a computer. He
# opened a book at a random place, read on until he met the letter he had, and took the one behind
# it. Then he opened the book again. It gave
#
# > ON IE ANTSOUTINYS ARE T INCTORE ST BE S DEAMY ACHIN D ILONASIVE TUCOOWE AT TEASONARE FUSO TIZIN
# > ANDY TOBE SEACE CTISBE
#
# The same with our book:

# %% tags=["demo", "nbval-check-output"]
rng = random.Random(1948)
written = "T"
while len(written) < 100:
    opened = rng.randrange(len(train_text) // 2)  # not too near the end of the book
    found = train_text.index(written[-1], opened)  # read on until the letter comes
    written += train_text[found + 1]  # and take the one behind it
print(written)

# %% [markdown] slide="Counts can write"
# ```python
# opened = rng.randrange(len(train_text) // 2)
# found = train_text.index(written[-1], opened)
# written += train_text[found + 1]
# ```
#
# Shannon, 1948: open a book, find the letter, take the one behind it.
#
# Notes: He did it by hand, with a book. The table saves the reading, since a row knows how often
# each character stands behind this one. Read a line of it aloud: pieces that one can pronounce,
# now and then a word, no sense. Each character fits the one before it, and nothing more was asked.

# %% [markdown]
# Your table saves you the reading: its row knows how often each character stands behind this one.
# `torch.multinomial` draws by such a row. It takes probabilities and gives places, each as often as
# its probability says.

# %% tags=["demo"]
torch.manual_seed(0)  # the same numbers for everybody
probs = torch.tensor([0.7, 0.2, 0.1])
draws = torch.multinomial(probs, num_samples=20, replacement=True)
print(draws)  # 20 draws; replacement: the same place may come again
print(torch.multinomial(probs, num_samples=1).shape)  # one draw is a tensor of one number
print(draws[0].item(), type(draws[0].item()))  # .item() makes a plain number of it

# %% [markdown] contract="sample_next"
# `sample_next(probs)` takes probabilities of shape `(V,)` that sum to 1. It draws one place by these
# probabilities and returns it as a plain `int`, from 0 to `V - 1`.
#
# For example, `sample_next(torch.tensor([0.7, 0.0, 0.3]))` is 0 in about 7 calls of 10, 2 in the
# others, and never 1.


# %% exercise="sample_next" minutes=4 level=1
def sample_next(probs):
    """Return the place, an int, of a character drawn by its probability; `probs` is (V,)."""
    ### BEGIN SOLUTION
    return torch.multinomial(probs, num_samples=1).item()
    ### END SOLUTION


# %% check="sample_next" tags=["nbval-check-output"]
check("sample_next")

# %% [markdown] fold="Hint"
# One draw with `torch.multinomial`, and `.item()` behind it. You need no seed: every call should draw
# anew.

# %% [markdown] contract="generate"
# `generate(table, start, length)` takes probabilities of shape `(V, V)`, such as `normalise` gives,
# the place `start` of the first character, and `length`, 1 or more. It returns a list of `length`
# ints. The first one is `start`. Each further one is drawn from the row of the one before it.
#
# For example, if 0 is always followed by 1, and 1 always by 0, then `generate(table, 0, 4)` is
# `[0, 1, 0, 1]`, and `generate(table, 0, 1)` is `[0]`. Two calls should draw two different texts, so
# set no seed inside. And `length` may be thousands: use a loop.


# %% exercise="generate" minutes=7 level=2
def generate(table, start, length):
    """Return `length` places: `start`, and then each drawn from the row of the one before."""
    ### BEGIN SOLUTION
    ids = [start]
    while len(ids) < length:
        ids.append(sample_next(table[ids[-1]]))
    return ids
    ### END SOLUTION


# %% check="generate" tags=["nbval-check-output"]
check("generate")

# %% [markdown] fold="Hint 1: the shape of it"
# Begin with a list that holds `start` and nothing else. Append one character at a time, `while` the
# list is shorter than `length`.

# %% [markdown] fold="Hint 2: the step"
# If your list is called `ids`, then `ids[-1]` is its last entry, and `table[ids[-1]]` is the row of
# that character. Give the row to `sample_next`.

# %% [markdown]
# Four writers: one draws from all characters alike, one by how frequent they are, one from your
# table. The fourth uses your table too, but leaves nothing to chance: it always takes the most likely
# character.
#
# **Predict first.** What will the fourth one write?

# %% tags=["demo"]
if check.ready("sample_next", "generate", "table"):
    frequencies = counts.sum(dim=0) / counts.sum()  # (V,) how often each character comes second
    writers = {
        "uniform": torch.full((V, V), 1 / V),
        "unigram": frequencies.expand(V, V),  # every row the same
        "bigram": table,
        "bigram, always the most likely": (table == table.max(dim=1, keepdim=True).values).float(),
    }
    for name, probs in writers.items():
        torch.manual_seed(3)
        written = decode(generate(probs, chars.index("T"), 160), chars)
        print(f"--- {name}\n{written}\n")

# %% [markdown] slide="To write, draw"
# **Always the most likely**: `The the the the the the the`
#
# **Drawn**: `Thouredgik. Dudllispibal. veshelon`
#
# Notes: Ask first what the one writes that always takes the most likely character. It runs in a
# circle, since after the same character it always writes the same one. Text that people write is
# not a string of most likely characters. The temperature stands in between.

# %% [markdown] fold="What happened to the fourth"
# It ran in a circle. After the same character it always writes the same one, so as soon as one comes
# back, all the rest repeats. Text that people write is not a string of most likely characters. To
# write like them, a model has to draw.

# %% [markdown]
# The third writes as Shannon's book did: pieces that you can pronounce, now and then a word, no sense.
# Each character fits the one before it, and nothing more was asked.

# %% [markdown]
# **Something to play with.** Between drawing and always taking the most likely there is a slider: the
# *temperature* of lesson 00. Take the logarithm of the probabilities, divide it by the temperature,
# and put it through softmax. At 1 nothing changes. Also choose whose row you see.

# %% tags=["demo"]
if check.ready("sample_next", "generate", "table"):

    def write(after, temperature):
        heated = softmax(table.log() / temperature)
        display(plots.next_token_bars(heated[chars.index(after)], chars, context=after, top=8))
        torch.manual_seed(1)
        print(decode(generate(heated, chars.index(after), 200), chars))

    play(write, after=list("eqtaTBw"), temperature=(0.1, 2.0, 0.1))

# %% [markdown]
# ## How good is a table?
#
# A text that looks funny is no measure. Let the model *read* instead, as in lesson 01: text that it
# has not seen, one character after the other. The probability that it gives to the whole text is the
# product of all the probabilities on the way. This is called the **likelihood** of the model.

# %% tags=["demo", "nbval-check-output"]
if check.ready("table"):
    start = validation_ids[:81]
    p = table[start[:-1], start[1:]]  # (80,) row and column in pairs, as in lesson 00
    print("the first probabilities:", [round(x, 3) for x in p[:6].tolist()])
    print(f"product of the first 20: {p[:20].prod():.3g}, of all 80: {p.prod():.3g}")

# %% [markdown] slide="The loss is what reading costs"
# $$-\frac{1}{N-1} \sum_{t=1}^{N-1} \ln p(x_{t+1} \mid x_t)$$
#
# The mean over text that the model has not seen.
#
# Notes: The probability of a whole text is a product, and after eighty characters a float32 holds
# 0. So take logarithms, then the mean, then turn the sign. It is called the mean negative log-
# likelihood, and it is the loss that you know.

# %% [markdown]
# You know this from lesson 00: soon the product is too small for a float32. So take the logarithm of
# each probability: the product becomes a sum. Take the mean, so that long texts and short ones can be
# compared. And turn the sign, so that it is a surprise. That is the loss that you know, with a long
# name: the mean **negative log-likelihood**, `nll`.
#
# $$\text{nll} = -\frac{1}{N-1} \sum_{t=1}^{N-1} \ln p(x_{t+1} \mid x_t)$$

# %% [markdown] contract="nll"
# `nll(table, ids)` takes probabilities of shape `(V, V)`, all above 0, and a text `ids`, int64 of
# shape `(N,)` with `N` at least 2. It returns one number, a float or a tensor of shape `()`: the mean
# over the `N - 1` pairs of $-\ln$ `table[first, second]`, in nats per character. Both
# arguments stay as they are.
#
# For example, with `table = [[0.25, 0.75], [0.5, 0.5]]` and `ids = [0, 1, 1]` the pairs have the
# probabilities 0.75 and 0.5. Their surprises are 0.288 and 0.693, so the result is 0.490.
#
# A loop over the pairs will do, but then the pictures below take half a minute. Picking all the pairs
# at once, as in the cell above, takes a second.


# %% exercise="nll" minutes=6 level=2
def nll(table, ids):
    """Return the mean surprise over the N - 1 pairs of `ids` (N,), in nats per character."""
    ### BEGIN SOLUTION
    p = table[ids[:-1], ids[1:]]  # (N - 1,)
    return -p.log().mean().item()
    ### END SOLUTION


# %% check="nll" tags=["nbval-check-output"]
check("nll")

# %% [markdown] fold="Hint 1: the probabilities"
# The cell with the product has the line that you need: two tensors of the same length in the
# brackets, one with the rows, one with the columns.

# %% [markdown] fold="Hint 2: the rest"
# `.log()` of each, then `.mean()`, and a minus sign in front.

# %% [markdown]
# One more way to say the same. $e^{\text{loss}}$ is called the **perplexity**: among how many equally
# likely characters would one be as unsure as this model is?
#
# **Predict first.** What is the perplexity of the uniform model?

# %% [markdown] fold="Answer"
# Its loss is $\ln V$, and $e^{\ln V}$ is $V$. It is as unsure as can be.

# %% tags=["demo", "nbval-check-output"]
if check.ready("normalise", "nll", "table"):
    losses = {
        "uniform": nll(torch.full((V, V), 1 / V), validation_ids),
        "unigram": nll(normalise(counts.sum(dim=0).expand(V, V)), validation_ids),
        "bigram": nll(table, validation_ids),
    }
    for name, loss in losses.items():
        print(f"{name:<8} {loss:.3f} nats per character, perplexity {math.exp(loss):5.1f}")
    print(f"the bigram on its own training text: {nll(table, train_ids):.3f}")

# %% [markdown] slide="One character of memory is worth a lot"
# | | nats per character | perplexity |
# |---|---|---|
# | uniform | 4.159 | 64.0 |
# | unigram | 3.153 | 23.4 |
# | bigram | 2.399 | 11.0 |
#
# Notes: Perplexity is e to the loss: among how many equally likely characters would one be as
# unsure? On its own training text the bigram pays 2.397, hardly less. A table of pairs is too
# small to learn a million characters by heart.

# %% [markdown]
# Knowing one character is worth a good deal. And on the training text the bigram does hardly better
# than on new text: a table of pairs is too small to learn a million characters by heart.
#
# Now the question from above: how much smoothing? The answer should not be a matter of taste. Try
# many values of `alpha`, and let the validation text decide. To see more, do it twice: with all of
# the training text, and with its first 3,000 characters only.
#
# **Predict first.** For which of the two is a larger `alpha` good? And which `alpha` would those 3,000
# characters choose for themselves?

# %% tags=["demo"]
if check.ready("count_bigrams", "normalise", "nll", "table"):
    few = train_ids[:3000]
    few_counts = count_bigrams(few, V)
    alphas = [10 ** (power / 4) for power in range(-16, 17)]
    curves = {
        "3,000 characters": [nll(normalise(few_counts, a), validation_ids) for a in alphas],
        "all training text": [nll(normalise(counts, a), validation_ids) for a in alphas],
    }
    own = [nll(normalise(few_counts, a), few) for a in alphas]
    figure, axes = plt.subplots(figsize=(7, 3.6))
    for (name, curve), color in zip(curves.items(), ("#d55e00", "#0072b2"), strict=True):
        axes.plot(alphas, curve, color=color, label=f"validation text; counted on {name}")
        axes.plot(alphas[curve.index(min(curve))], min(curve), "o", color=color)
    axes.plot(alphas, own, "--", color="#d55e00", label="those 3,000 characters themselves")
    axes.axhline(math.log(V), linestyle=":", color="#949494", label="ln V: guessing blindly")
    axes.set(xscale="log", xlabel="alpha, added to every count (log scale)")
    axes.set(ylabel="loss (nats per character)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    plt.show()
    left_end = " or less: the list begins there"
    for (name, curve), known in zip(curves.items(), (few_counts, counts), strict=True):
        best = curve.index(min(curve))
        fresh = (known[validation_ids[:-1], validation_ids[1:]] == 0).sum()
        print(f"Counted on {name}: loss {curve[best]:.3f} with alpha", end=" ")
        print(f"{alphas[best]:.2g}{left_end * (best == 0)}.")
        print(f"   {fresh:,} of {len(validation_ids) - 1:,} validation pairs were never counted.")
    best = own.index(min(own))
    print(f"Those 3,000 characters prefer alpha {alphas[best]:.2g}{left_end * (best == 0)}.")

# %% [markdown] slide="Choose on text that was not learnt from" picture="above"
# How much smoothing? Let validation text decide.
#
# Notes: Follow the two orange lines, which are those of only 3,000 characters. New text wants some
# smoothing. The characters that were counted want none, since a model never pays on itself for
# what it has not seen. That dashed line is what one sees if one chooses on the training text.

# %% [markdown]
# *The picture: the dots are the lowest places. To the right the counts drown in what was added, and
# every line climbs towards $\ln V$.* Follow the two lines of the 3,000 characters. New text wants some
# smoothing. The characters that were counted (dashed) want none: on itself, a model never pays for
# what it has not seen.
#
# Remember the dashed line. **Whatever can be chosen, choose it on text that was not learnt from.**
#
# And counted on all the training text? There hardly a pair of the validation text is new, if any, so
# smoothing has nothing to do and `alpha` hardly matters until it is large. Both solid lines choose far
# less than Laplace's 1. But that choice is good for text like the validation text, and for no other.
# Read your model the zany fjord again:

# %% tags=["demo", "nbval-check-output"]
if check.ready("normalise", "nll", "sentence"):
    for a in (0.0001, 0.01, 1.0):
        loss = nll(normalise(counts, a), encode(sentence, chars))
        print(f"alpha {a:<6} {loss:.2f} nats per character")
    print(f"guessing blindly, ln V: {math.log(V):.2f}")

# %% [markdown]
# The smaller `alpha`, the more each new pair costs. What is right for smoothing depends on what the
# model will have to read, and a validation text can only speak for its own kind.

# %% [markdown]
# ## What do more characters buy?
#
# After an `e`, almost anything can come. After `the` it is another matter. So let the model see more
# than one character: the last `n - 1`, its **context**. With the next character these are `n`
# neighbours, an *n-gram*. The bigram is `n = 2`; `n = 1` is the unigram, which sees nothing.
#
# A table needs one row for each possible context, and there are `V` to the power of `n - 1`:

# %% tags=["demo", "nbval-check-output"]
for n in (1, 2, 3, 4, 5, 6):
    print(f"n = {n}, context of length {n - 1}: {V ** (n - 1):>13,} possible")

# %% [markdown] slide="More context, and many more rows"
# A table needs a row for each possible context:
#
# | n = 2 | n = 4 | n = 6 |
# |---|---|---|
# | 64 | 262,144 | 1,073,741,824 |
#
# So keep those that occur, and **back off** to shorter ones.
#
# Notes: After an e almost anything can come, and after the it is another matter. But a table needs
# a row for each possible context. A dictionary holds only those that occurred. Where a context is
# rare or new, mix in what the shorter one says.

# %% [markdown]
# Nobody can store the last ones, and most of those rows would be empty. So keep only the contexts
# that occur, in a dictionary. Its keys are strings, and under each of them is a `Counter` of what came
# next. These are the tools:

# %% tags=["demo", "nbval-check-output"]
word = "banana"
print(word[5 - 2 : 5], "->", word[5])  # the 2 characters before place 5, and the one there
print(repr(word[0 - 1 : 0]))  # before place 0 there is nothing, and Python gives an empty string

notes = {}
for following in "aas":
    if "an" not in notes:  # notes["an"] would be a KeyError the first time
        notes["an"] = Counter()
    notes["an"][following] += 1
print(notes)
print(notes["an"]["a"], notes["an"]["z"])  # a Counter answers 0 for what it has not seen
print(sum(notes["an"].values()))  # all its counts together

# %% [markdown]
# Mind the second line. It asks for one character before place 0 and gets `""`, without an error. To
# count that would count place 0 under `""` a second time.
#
# We count contexts of *all* lengths up to `n - 1` at once, as you will need the short ones too.

# %% [markdown] contract="count_ngrams"
# `count_ngrams(text, n)` takes a string and `n`, 1 or more, and returns a dictionary, call it
# `counts`. Its keys are contexts: strings of 0 to `n - 1` characters. Under each context stands a
# `Counter`, and `counts[context][char]` is how often `char` came right after `context`. Only what
# occurred is counted, so a context after which nothing came is no key.
#
# In other words: for every place `i` of the text, and for every length `k` from 0 to `n - 1`, count
# `text[i]` once under the `k` characters before it. Near the start, where there are fewer than `k`
# characters before place `i`, leave that `k` out.
#
# For example, `count_ngrams("abab", 2)` is
# `{"": {"a": 2, "b": 2}, "a": {"b": 2}, "b": {"a": 1}}`, where each inner one is a `Counter`: for
# what never came it answers 0, which a plain dictionary does not.


# %% exercise="count_ngrams" minutes=13 level=3
def count_ngrams(text, n):
    """Return what follows each context of 0 to n - 1 characters: {context: Counter}."""
    ### BEGIN SOLUTION
    counts = {}
    for i, char in enumerate(text):
        for k in range(min(i, n - 1) + 1):
            context = text[i - k : i]
            if context not in counts:
                counts[context] = Counter()
            counts[context][char] += 1
    return counts
    ### END SOLUTION


# %% check="count_ngrams" tags=["nbval-check-output"]
check("count_ngrams")

# %% [markdown] fold="Hint 1: two loops"
# The outer one goes over the places, `for i in range(len(text)):`. The inner one goes over the
# lengths, `for k in range(n):`. In the middle stand lines like those with `notes` above.

# %% [markdown] fold="Hint 2: near the start"
# Count only `if k <= i`. Without that, `text[i - k : i]` begins at a negative place. Python reads this
# from the end of the text, so the slice is mostly empty, and the first characters are counted under
# `""` once more for each `k` that does not fit.

# %% [markdown] fold="Hint 3: in the middle"
# The key is `text[i - k : i]`. If it is new, give it an empty `Counter()`. Then add 1 to the count of
# `text[i]` under it.

# %% tags=["demo", "nbval-check-output"]
longest = 10  # the largest n that we shall try
if check.ready("count_ngrams"):
    ngrams = count_ngrams(train_text, longest)
    print(f"{len(ngrams):,} contexts of up to {longest - 1} characters")
    for context in ("h", "th", " th", " the"):
        print(f"after {context!r}:", ngrams[context].most_common(4))

# %% [markdown]
# The longer the context, the clearer the answer.

# %% [markdown]
# ## What if a context is new?
#
# Your model has counted contexts of 9 characters. Now it reads 9 that it never saw together, and knows
# nothing. And if it saw them once? Then it knows one character that followed, which is not much
# better.
#
# But it knows more about the last 8 of them, and still more about the last 7. So **back off** to a
# shorter context (Katz, 1987). Here is a simple way that does it in one formula. To what was counted
# after the context, add a few made-up characters, `borrow` of them, and share them out as the
# *shorter context* would:
#
# $$p(c \mid \text{context}) = \frac{n(\text{context}, c) + \text{borrow} \cdot p(c \mid \text{shorter})}{n(\text{context}) + \text{borrow}}$$
#
# - $n(\text{context}, c)$ is how often $c$ came after the context, $n(\text{context})$ how often
#   anything did.
# - The *shorter* context is the same one without its **first** character, which is farthest away.
# - What is shorter than the empty context? There we share out evenly: $p = 1/V$.
#
# A context that was seen a thousand times hardly notices `borrow = 1`. One that was seen once listens
# to itself and to the shorter one half and half. So we do not switch from one to the other: the
# shorter context is asked every time, also when the long one was seen. (Books call this
# *interpolation*.)
#
# It is the smoothing that you know, but with a better guess than "all alike" for what was not seen.
# MacKay and Peto (1995) derive it. (Mind that `alpha` was added to every single count. `borrow` is
# the whole amount that is added to a context.)
#
# **Predict first.** What does the formula give for a context that was never seen at all?

# %% [markdown] fold="Answer"
# Both counts are 0, so `borrow` cancels, and $p(c \mid \text{shorter})$ is left: the shorter context
# decides alone.

# %% [markdown]
# Are these still probabilities? Add the formula up over all $c$. Above the line the counts give
# $n(\text{context})$, and the probabilities of the shorter context sum to 1, which gives
# $\text{borrow}$. The same stands below the line, so the sum is 1. This matters: if a model's
# "probabilities" sum to more, its loss means nothing.

# %% [markdown] contract="ngram_backoff"
# `ngram_backoff(counts, context, char, V, borrow=1.0)` returns the probability of the character
# `char` after the string `context`, by the formula above, as a number.
#
# - `counts` is what `count_ngrams` returns. Leave it as it is.
# - `context` may have any length, also 0, and also more than the longest key of `counts`. A context
#   that is no key of `counts` was never seen.
# - `V` is the number of different characters.
#
# For example, with `V = 4`, `borrow = 2` and `counts = count_ngrams("baaa", 2)`, which is
# `{"": Counter({"a": 3, "b": 1}), "b": Counter({"a": 1}), "a": Counter({"a": 2})}`:
#
# | context | probability of `"a"` |
# |---|---|
# | `""` | (3 + 2 · 1/4) / (4 + 2) = 0.583 |
# | `"b"` | (1 + 2 · 0.583) / (1 + 2) = 0.722 |
# | `"x"` | (0 + 2 · 0.583) / (0 + 2) = 0.583 |
# | `"xb"` | never seen, so as for `"b"`: 0.722 |


# %% exercise="ngram_backoff" minutes=20 level=4
def ngram_backoff(counts, context, char, V, borrow=1.0):
    """Return the probability of `char` after `context`, shared with all shorter contexts."""
    ### BEGIN SOLUTION
    p = ngram_backoff(counts, context[1:], char, V, borrow) if context else 1 / V
    if context in counts:
        seen = counts[context]
        p = (seen[char] + borrow * p) / (sum(seen.values()) + borrow)
    return p
    ### END SOLUTION


# %% check="ngram_backoff" tags=["nbval-check-output"]
check("ngram_backoff")

# %% [markdown] fold="Hint 1: from short to long"
# Start with `p = 1 / V`. Then take the contexts from the empty one to the whole one, and put `p` of
# the shorter one into the formula each time to get the next `p`. For the context `"abc"` these are
# `""`, `"c"`, `"bc"`, `"abc"`.

# %% [markdown] fold="Hint 2: those contexts"
# `context[len(context):]` is the empty string, and `context[0:]` is the whole one. So
# `for cut in range(len(context), -1, -1):` counts down to 0, and `context[cut:]` are the contexts in
# the right order.

# %% [markdown] fold="Hint 3: one step"
# If `context[cut:]` is not in `counts`, then `p` stays what it is. If it is, take its `Counter`, call
# it `seen`: above the line stands `seen[char] + borrow * p`, and below it
# `sum(seen.values()) + borrow`.

# %% [markdown] fold="Another way: let the function call itself"
# The formula uses itself, for a shorter context. A Python function may do that too: this is called
# *recursion*. It must end somewhere: with the empty context, where the shorter probability is `1 / V`.
# Otherwise the shorter probability is `ngram_backoff(counts, context[1:], char, V, borrow)`. Pass
# `borrow` on, or the shorter contexts borrow 1 whatever you asked for.

# %% [markdown]
# To score and to write with it we need three small functions. They use yours and nothing new, so here
# they are.


# %%
def ngram_loss(counts, text, n, borrow=1.0):
    """Return the mean surprise of the n-gram model on `text`, in nats per character."""
    surprise = 0.0
    for i in range(len(text)):
        context = text[max(0, i - n + 1) : i]
        surprise -= math.log(ngram_backoff(counts, context, text[i], V, borrow))
    return surprise / len(text)


def ngram_probs(counts, context, n):
    """Return the n-gram model's probability of each next character: (V,)."""
    context = context[max(0, len(context) - n + 1) :]
    return torch.tensor([ngram_backoff(counts, context, char, V) for char in chars])


def ngram_write(counts, start, n, length):
    """Return `start` and what the n-gram model writes behind it, `length` characters in all."""
    text = start
    while len(text) < length:
        text += chars[sample_next(ngram_probs(counts, text, n))]
    return text


# %% [markdown]
# First see what it writes.

# %% tags=["demo"]
if check.ready("sample_next", "ngram_backoff", "ngrams"):
    for n, length in ((1, 160), (2, 160), (3, 160), (4, 160), (6, 160), (8, 600)):
        torch.manual_seed(3)
        print(f"--- n = {n}\n{ngram_write(ngrams, 'The ', n, length)}\n")

# %% [markdown]
# From letters to words to whole phrases, by counting alone. But read the last one as a story. Where
# does one sentence turn into another? And who is still there a few lines later?

# %% [markdown]
# ## Why does counting run out?
#
# If more context is better, why not take 20 characters, or 200?
#
# **Predict first.** Let `n` grow from 1 to 10, with `borrow = 1`. What does the loss on the training
# text do? And the loss on the validation text?

# %% tags=["demo", "nbval-check-output"]
if check.ready("ngram_backoff", "ngrams"):
    sizes = range(1, longest + 1)
    part = train_text[: len(validation_text) // 2]  # enough of it to see how the loss goes
    training_curve = [ngram_loss(ngrams, part, n) for n in sizes]
    validation_curve = [ngram_loss(ngrams, validation_text, n) for n in sizes]
    print(" n   training   validation")
    for n, on_train, on_validation in zip(sizes, training_curve, validation_curve, strict=True):
        print(f"{n:2}   {on_train:8.3f}   {on_validation:10.3f}")

# %% [markdown]
# (The line `n = 2` is your bigram again, but with `borrow` in place of `alpha`, scored from the very
# first character on, and on a part of the training text: hence the small differences.)
#
# Two more curves belong beside these. How well would we do *without* backing off, with 1 added to
# every count as in the bigram table? And how well with only a tenth of the training text?

# %% tags=["demo"]
if check.ready("count_ngrams", "ngram_backoff", "validation_curve"):

    def add_one_loss(counts, text, n):
        """Return the loss of the n-gram model that adds 1 to every count and never backs off."""
        surprise = 0.0
        for i in range(len(text)):
            seen = counts.get(text[max(0, i - n + 1) : i], {})
            surprise -= math.log((seen.get(text[i], 0) + 1) / (sum(seen.values()) + V))
        return surprise / len(text)

    some_ngrams = count_ngrams(train_text[: len(train_text) // 10], longest)
    curves = {
        "validation, no back-off": [add_one_loss(ngrams, validation_text, n) for n in sizes],
        "validation, a tenth of the training text": [
            ngram_loss(some_ngrams, validation_text, n) for n in sizes
        ],
        "validation": validation_curve,
        "training": training_curve,
    }
    styles = {"color": ["#949494", "#d55e00", "#0072b2", "#0072b2"], "line": [":", "-", "-", "--"]}
    figure, axes = plt.subplots(figsize=(7, 4))
    for (name, curve), color, line in zip(
        curves.items(), styles["color"], styles["line"], strict=True
    ):
        axes.plot(sizes, curve, line, color=color, label=name)
        axes.plot(sizes[curve.index(min(curve))], min(curve), "o", color=color)
    axes.set(xlabel="n (the context is n - 1 characters)", ylabel="loss (nats per character)")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    plt.show()
    for name, curve in curves.items():
        print(f"{name}: lowest at n = {sizes[curve.index(min(curve))]}, {min(curve):.3f}")

# %% [markdown] slide="Overfitting: training goes down, validation goes up" picture="above"
# The longer the context, the more the model knows **by heart**.
#
# Notes: The dots are the lowest places. The training loss falls and falls, while the validation
# losses turn round. With a tenth of the text they turn earlier and lie higher. You meet this again
# in lesson 04, and fight it there.

# %% [markdown]
# *The picture: the dots are the lowest places. The training loss falls and falls; the validation
# losses fall, come to a lowest place, and rise again. With a tenth of the text that place comes
# earlier, and it lies higher.* The longer the contexts, the more of the training text the model knows
# by heart, and that is of no use on new text.
#
# Training loss down, validation loss up: this is called **overfitting**. You will meet it again, and
# fight it, in lesson 04.
#
# Why does it happen? Look at the contexts themselves. How many are possible, and how many does our
# text have? And how many of those in the validation text has the model seen before?

# %% tags=["demo"]
lengths = [1, 2, 4, 8, 16, 32]
different, rare, new = [], [], []
for k in lengths:
    seen = Counter(train_text[i - k : i] for i in range(k, len(train_text)))
    asked = [seen.get(validation_text[i - k : i], 0) for i in range(k, len(validation_text))]
    different.append(len(seen))
    rare.append(100 * sum(times <= 3 for times in asked) / len(asked))
    new.append(100 * sum(times == 0 for times in asked) / len(asked))
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
left.plot(lengths, [V**k for k in lengths], "o--", color="#949494", label="possible")
left.plot(lengths, different, "o-", color="#0072b2", label="in the training text")
left.set(xscale="log", yscale="log", ylabel="different contexts (log scale)")
right.plot(lengths, rare, "o--", color="#949494", label="seen three times or less")
right.plot(lengths, new, "o-", color="#0072b2", label="never seen")
right.set(xscale="log", ylim=(0, 100), ylabel="contexts of the validation\ntext (per cent)")
for axes in (left, right):
    axes.set_xticks(lengths, [str(k) for k in lengths])
    axes.minorticks_off()
    axes.set_xlabel("length of the context (characters)")
    axes.legend()
figure.tight_layout()
plt.show()
for k, possible, number, share in zip(
    lengths, [V**k for k in lengths], different, new, strict=True
):
    print(f"{k:2} long: {possible:<9.4g} possible, {number:>7,} in training; {share:3.0f}% new")

# %% [markdown] slide="Why counting runs out" picture="above"
# Each character multiplies what is possible. The text does not grow with it.
#
# Notes: At 16 characters more than half of the contexts in the validation text were never seen, at
# 32 nearly all. And a table cannot see that two contexts are alike: the sly fox and the shy fox
# are two different rows. A neural net can, and that is why we build one.

# %% [markdown]
# *Left: each further character multiplies what is possible by V, but the text does not grow with it.
# Right: so the longer the context, the rarer it is that the model has seen it before, or has seen it
# often enough to learn from it.*

# %% [markdown]
# ## How far should a rare context be trusted?
#
# A context that was seen once says: only this character can follow. With `borrow = 1` you believe it
# half. A larger `borrow` listens more to the shorter contexts, which were seen more often.
#
# **Predict first.** With a larger `borrow`, will the best `n` become smaller or larger?

# %% tags=["demo", "nbval-check-output"]
if check.ready("ngram_backoff", "validation_curve"):
    some = (6, 8, 10)
    tuned = {(n, 1): validation_curve[n - 1] for n in some}  # the loss for each n and borrow
    for borrow in (4, 16, 64):
        for n in some:
            tuned[n, borrow] = ngram_loss(ngrams, validation_text, n, borrow)
    for borrow in (1, 4, 16, 64):
        row = [f"n = {n}: {tuned[n, borrow]:.3f}" for n in some]
        print(f"borrow {borrow:2}   " + "   ".join(row))
    best_n, best_borrow = min(tuned, key=tuned.get)
    print(f"lowest at n = {best_n}, borrow = {best_borrow}")

# %% [markdown]
# Larger: who trusts rare contexts less can afford longer ones. That `n = 8` does harm was thus not the
# whole truth; it did harm *with that `borrow`*. So choose both together, on text that was not learnt
# from, as you did with `alpha`. (If the best `n` is the largest in the list, a still longer one may do
# a little better, and take much more memory. There are also better ways than one `borrow` for all
# contexts: Chen and Goodman, 1999, compare many.)
#
# But a better `borrow` does not take away why counting runs out. To a table, two contexts that differ
# in one letter are simply two different rows. It cannot see that `the sly fox` and `the shy fox` are
# much alike, so it has to learn everything about each of them separately. **Counting cannot carry over
# what it knows to what is similar.** A neural net can, and that is why we build one.
#
# And how far back would we have to look? In the fables a name from the first line comes back in the
# last, hundreds of characters later. No table will ever reach that far.

# %% [markdown]
# **Something to play with.** Type any text, choose `n`, and see what the model expects next. Find a
# text where `n = 2` and `n = 10` disagree. Find one where `n = 10` is very sure, and change a letter
# far back: beyond the last 9 characters, nothing changes.

# %% tags=["demo"]
if check.ready("sample_next", "ngram_backoff", "ngrams"):

    def go_on(text, n):
        display(plots.next_token_bars(ngram_probs(ngrams, text, n), chars, context=text, top=8))
        torch.manual_seed(1)
        print(ngram_write(ngrams, text, n, len(text) + 150))

    play(go_on, text="Everyone knew the", n=(1, longest))

# %% [markdown]
# ## Every model so far
#
# All on the same validation text, in nats per character. The last n-gram is the one that you chose
# above, and the models to come have to beat it.
#
# (To be honest: `n` and `borrow` were chosen on the very text that now judges them, so that rung is a
# little too good. With so few choices and so much text it is very little. To be strict, keep a third
# text, the *test text*, that has no part in any choice.)

# %% tags=["demo"]
if check.ready("losses", "validation_curve", "tuned"):
    losses["4-gram with back-off"] = validation_curve[3]
    losses[f"{best_n}-gram, borrow {best_borrow}"] = tuned[best_n, best_borrow]
    is_fables = corpus.log_prob(validation[0]) > -math.inf
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown] slide="The bar to beat, by counting alone" picture="above"
# Every later model has to get past the last one.
#
# Notes: The last n-gram is the one that was chosen with its borrow, the trust in rare contexts.
# Those two were chosen on the very text that judges them here, so the bar is a little too good.
# The models to come have to beat it.

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. `table` comes from `normalise`. What is `table[i, j]`?
#    - (a) the probability that `i` comes right before `j`, among all pairs of the text
#    - (b) the probability that `j` comes next, after `i`
#    - (c) the probability that `i` comes next, after `j`
# 2. A model's loss is $\ln 8$, about 2.08 nats per character. It is as unsure as somebody who chooses
#    blindly among ...
#    - (a) 2.08 characters
#    - (b) 8 characters
#    - (c) `V` characters
# 3. You let `alpha` in `normalise` grow without end. Every row of the table goes to ...
#    - (a) the counts
#    - (b) the frequencies of the letters
#    - (c) $1/V$ everywhere
# 4. Why did the writer who always took the most likely character run in a circle?
#    - (a) The same character always led to the same next one.
#    - (b) The table had been smoothed too much.
#    - (c) It had been trained on too little text.
# 5. An 8-gram with your back-off meets a context that it never saw. It says ...
#    - (a) 0 for every character
#    - (b) $1/V$ for every character
#    - (c) what it would say after the same context without its first character
# 6. With `borrow = 1`, from some `n` on the validation loss rises, while the training loss goes on
#    falling. Why?
#    - (a) There is a bug: they must rise and fall together.
#    - (b) The model knows more of the training text by heart, and that is of no use on new text.
#    - (c) The validation text is harder than the training text.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "b"
answer_3 = "c"
answer_4 = "a"
answer_5 = "c"
answer_6 = "b"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - A bigram model is a table of counts, each row divided by its sum. To train it is to count.
# - Smoothing leaves something for what was never seen. How much is decided on validation text.
# - To write, draw from the row of the last character. Always taking the most likely one runs in
#   circles.
# - The loss is the mean of $-\ln p$ over the pairs. Its exponential is the perplexity.
# - Longer contexts help, as long as they were seen. Backing off to shorter ones helps to bear it when
#   they were seldom seen or never. How much to trust them is decided on validation text, too.
# - Counting runs out: the longer a context, the rarer it comes again, and a table cannot tell which
#   contexts are alike.
#
# **Next**, lesson 03 builds the same bigram a second time, as a tiny neural net: it starts from
# nothing, goes downhill on the loss, and finds your counts again. It is a long way round to the same
# place, but that way leads on where counting ends.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *choose*, *train* and *evaluate* for the simplest model there
# is. Any model that you build later should first be compared with one like this.
#
# ### References
#
# - P.-S. Laplace (1774). Mémoire sur la probabilité des causes par les événements. English in
#   *Statistical Science* 1(3), 1986.
# - A. A. Markov (1913). An Example of Statistical Investigation of the Text *Eugene Onegin* Concerning
#   the Connection of Samples in Chains. English in *Science in Context* 19(4), 2006.
# - C. E. Shannon (1948). A Mathematical Theory of Communication. *Bell System Technical Journal* 27.
# - S. M. Katz (1987). Estimation of Probabilities from Sparse Data for the Language Model Component of
#   a Speech Recognizer. *IEEE Transactions on Acoustics, Speech, and Signal Processing* 35(3).
# - D. J. C. MacKay, L. C. B. Peto (1995). A Hierarchical Dirichlet Language Model. *Natural Language
#   Engineering* 1(3). The back-off of this lesson, with one strength for all contexts.
# - S. F. Chen, J. Goodman (1999). An Empirical Study of Smoothing Techniques for Language Modeling.
#   *Computer Speech & Language* 13(4). A careful comparison of the many ways to smooth.

# %%
check.summary()
