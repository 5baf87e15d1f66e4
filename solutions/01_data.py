# %% [markdown] lesson="01_data" title="From wild text to fair numbers" minutes=110 laptop_minutes=1 gpu_minutes=1
# A language model knows nothing but the text it was shown. Whatever is wrong with that text is wrong
# with the model, and a mistake made here fools every later lesson without a word.
#
# After this lesson you can
#
# - **clean** text by a contract instead of by eye,
# - **split** it so that the test stays fair,
# - **turn** characters into numbers and back,
# - **measure** how surprising a text is, and how well any model can do on it at best,
# - **cut** the text into the pieces that every later model learns from.
#
# You need lesson 00 (tensors, shapes, indexing with a tensor) and plain Python: strings, lists,
# dictionaries, functions.

# %% tags=["setup"]
import html
import math
import random
import re
from collections import Counter
from functools import cache

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from lmcourse import check, corpus, play, plots

check.lesson("01_data")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# ## What is in the box?
#
# You know the **fables** from lesson 00: a program draws an animal, a flaw, a neighbour and a
# quarrel, and makes sentences of them. We can have as much of this text as we like, nobody's rights
# are touched, and the floor is known.
#
# With `preset = "gpu"` you get a text from the real world instead: a million characters of
# Shakespeare, in short pieces that end at an empty line. We call those pieces "stories" too.

# %%
text = corpus.load("shakespeare" if preset == "gpu" else "fables")
stories = corpus.split_stories(text)
if preset == "smoke":
    stories = stories[:300]
text = corpus.join(stories)

print(f"{len(text):,} characters in {len(stories):,} stories. The first one:\n")
print(stories[0])

# %% [markdown]
# Read two or three more: `print(stories[7])`. Nobody can judge a model of a text without having read
# in it.
#
# *Predict first:* the space is the most frequent character, you saw that in lesson 00. Which five come
# next? And how often does the rarest character occur: ten times, a hundred, a thousand?

# %% [markdown] fold="What to expect"
# In English at large the order is close to `e`, `t`, `a`, `o`, `i`. Our stock of words is small, so it
# need not be quite that here. The rarest are capitals, digits or punctuation marks.

# %% tags=["nbval-check-output"]
frequencies = Counter(text)  # a dictionary: character -> how often it occurs
print(f"{len(frequencies)} different characters")
print("most frequent:", frequencies.most_common(6))
print("rarest:       ", frequencies.most_common()[-6:])

# %% tags=["demo"]
figure, axes = plt.subplots(figsize=(11, 3.2))
names = [character for character, _ in frequencies.most_common()]
counts = [frequencies[name] for name in names]
shown = {" ": "␣", "\n": "⏎", "$": r"\$"}
axes.bar(range(len(names)), counts, color="#0072b2")
axes.set_xticks(range(len(names)), [shown.get(name, name) for name in names])
axes.set(yscale="log", xlabel="character (␣ space, ⏎ line end)", ylabel="how often (log scale)")
plt.show()
print(f"From {counts[0]:,} times {names[0]!r} down to {counts[-1]:,} times {names[-1]!r}.")

# %% [markdown] slide="Some characters are seldom seen" picture="above"
# A model can learn little about those on the right, however clever it is.
#
# Notes: Before you show it, ask which five characters come after the space. The scale is
# logarithmic: the most frequent character is some three thousand times as frequent as the rarest.
# And tell people to read a few stories. Nobody can judge a model of a text without having read in
# it.

# %% [markdown]
# Look at the right end. A model can learn little about a character that it seldom sees, however clever
# the model is.

# %% [markdown]
# ## Why does text never arrive clean?
#
# Our fables are tidy, because a tidy program wrote them. Text from web pages, e-books and scans is
# not. The next cell does to our text what the wild does to every text, and shows a piece around the
# end of a page. You need not read how.


# %%
def from_the_wild(text, seed=0):
    """Return `text` as a word processor, a web page and a scanner would have left it."""
    rng = random.Random(seed)
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = re.sub(r'"([^"]*)"', "“\\1”", line).replace("'", "’")
        line = "".join("\u00a0" if c == " " and rng.random() < 0.02 else c for c in line)
        lines.append(line + " " * rng.choice([0, 0, 0, 2]))
        if number % 20 == 0:
            lines.append(f"[page {number // 20}]")
    return "\r\n".join(lines)


wild = from_the_wild(text)
pieces = (wild[mark.start() - 140 : mark.start() + 50] for mark in re.finditer(r"\[page", wild))
telling = next(piece for piece in pieces if re.search("“.*”|’", piece) and "\u00a0" in piece)
for line in telling.splitlines(keepends=True):
    print(repr(line))

# %% [markdown]
# `repr` shows a string with its invisible characters. `\r\n` is a line end as Windows writes it.
# `\xa0` is a *non-breaking space*, which looks like a space and is none. The quotes are curly, as a
# word processor sets them. And the scanner has left the number of the page.
#
# *Predict first:* but for the page marks, all this looks much like the old text on a page. How many
# different characters does it have: more, fewer, or the same number? And how many of our stories can
# you still find in it, character for character?

# %% [markdown] fold="What to expect"
# More: every kind of quote, space and line end counts. A model would have to learn each of them
# separately, from fewer examples. And next to no story is still there in one piece: each holds line
# ends or quotes, and Python compares strings character by character. (Shakespeare's shortest pieces,
# a single line, may survive.)

# %% tags=["nbval-check-output"]
print(f"different characters: {len(set(text))} before, {len(set(wild))} now")
print("new ones:", sorted(set(wild) - set(text)))
print("gone:    ", sorted(set(text) - set(wild)))
print(f"stories still found: {sum(story in wild for story in stories[:200])} of the first 200")

# %% [markdown] slide="Text in the wild looks the same and is not"
# Curly quotes, Windows line ends, invisible spaces, page marks:
#
# - **64** different characters before, **72** now
# - stories still found: **0** of 200
#
# Notes: Most of this cannot be seen on a page, and all of it hurts. A model has to learn every
# kind of quote and space by itself, from fewer examples. And since Python compares strings
# character by character, not one story is still there in one piece.

# %% [markdown]
# (New digits? They come from the page marks: the old text has only some of the ten.)
#
# Most of this cannot be seen on a page, and all of it hurts. A few methods of Python strings are
# enough for the repair. Here they are at work:

# %%
messy = "one  \ntwo; three\n[page 4]\nfour"
print(repr(messy.replace(";", ",")))  # every ; becomes a ,
print(messy.split("\n"))  # cut at every line end
print("\n".join(["one", "two", ""]).split("\n"))  # join undoes split, and split undoes join
print(repr("  one  ".rstrip(" ")))  # spaces off the right end only
print("[page 4]".startswith("[page "), "[page 4]".endswith("]"))

# %% [markdown] contract="clean"
# `clean(text)` returns the text with these repairs, and nothing else changed:
#
# | in the wild | clean |
# |---|---|
# | Windows line end, the pair `"\r\n"` | `"\n"` |
# | non-breaking space `"\u00a0"` (the same character as `"\xa0"`) | an ordinary space |
# | curly quotes `“` and `”` | `"` |
# | curly quotes `‘` and `’` | `'` |
# | spaces at the end of a line, non-breaking ones too | gone, on the last line too; all others stay |
# | a *page mark*: a line that starts with `[page ` and ends with `]` | the whole line gone, with its line end |
#
# For example, `clean("“Mine,”\u00a0he said.  \r\n[page 7]\r\nThe end.\r\n")` is
# `'"Mine," he said.\nThe end.\n'`. Between `[page ` and `]` may stand anything, and spaces of both
# kinds may follow; a line end always does. A line that only mentions a page, such as
# `see [page 7] below`, stays. So does a tab, a dash, a `"\r"` without `"\n"`, or any other character.
# Text that is already clean comes back as it was.


# %% exercise="clean" minutes=15 level=2
def clean(text):
    """Return `text` with plain line ends, spaces and quotes, and without page marks."""
    ### BEGIN SOLUTION
    repairs = {"\r\n": "\n", "\u00a0": " ", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for wild, plain in repairs.items():
        text = text.replace(wild, plain)
    lines = [line.rstrip(" ") for line in text.split("\n")]
    kept = [line for line in lines if not (line.startswith("[page ") and line.endswith("]"))]
    return "\n".join(kept)
    ### END SOLUTION


# %% check="clean" tags=["nbval-check-output"]
check("clean")

# %% [markdown] fold="Hint 1: in which order?"
# First the characters (line ends, spaces, quotes), on the whole text. Then cut it into lines, take
# the spaces off each line's end, leave out the page marks, and join the rest again. In another order
# a non-breaking space could hide at the end of a line, where nobody looks for it any more.

# %% [markdown] fold="Hint 2: the characters"
# Strings never change; `replace` returns a new one. So each line must read
# `text = text.replace("\u00a0", " ")`. Six of them do, or a loop over a dictionary
# `{"\r\n": "\n", ...}`.

# %% [markdown] fold="Hint 3: the lines"
# ```python
# lines = []
# for line in text.split("\n"):
#     line = line.rstrip(" ")
#     if ...:  # not a page mark
#         lines.append(line)
# return "\n".join(lines)
# ```

# %% [markdown]
# Does it repair the whole wild text? You can ask for the most: not one character may differ from the
# original.

# %% tags=["demo", "nbval-check-output"]
if check.ready("clean"):
    original = clean(text) if preset == "gpu" else text  # some lines of Shakespeare end in a space
    print("the same as the original:", clean(wild) == original)

# %% [markdown] slide="Cleaning is a function with a contract"
# A contract, a function and a test.
#
# "I looked at it and fixed a few things" cannot be repeated next month, when new text comes in.
#
# Notes: The contract says what is repaired, and that nothing else changes. The order matters:
# characters first, then the ends of lines, or a non-breaking space hides where nobody looks for it
# any more. Here the strongest test is there too, since we know the original.

# %% [markdown]
# A contract, a function and a test: that is what cleaning means from now on. "I looked at it and
# fixed a few things" cannot be repeated next month, when new text comes in.

# %% [markdown]
# ## Did the model see it before?
#
# A model is judged by text that it has not seen: the **validation** stories. All others are for
# learning: the **training** stories. If a validation story stands among the training stories too,
# the model can answer from memory. The test then measures memory, and you take it for skill. This is
# called **leakage** (Kaufman and others, 2012).
#
# It happens quietly. Text is collected from several places, and places copy from each other. Say
# half of our stories came in twice. Here is what most people write first. (`random.Random(seed)` draws
# the same numbers every time, so the same seed gives the same order.)


# %%
def naive_split(stories, fraction=0.9, seed=0):
    """Shuffle and cut, without a thought about copies."""
    shuffled = list(stories)  # a copy, so that the caller's list stays as it is
    random.Random(seed).shuffle(shuffled)  # in place: it changes the list and returns None
    cut = round(fraction * len(shuffled))
    return shuffled[:cut], shuffled[cut:]


def leaked(train, validation):
    """Return the share of validation stories, from 0 to 1, that stand in train too."""
    seen = set(train)  # `in` is quick for a set, slow for a long list
    return sum(story in seen for story in validation) / len(validation)  # True counts as 1


def with_copies(stories, share, seed=0):
    """Return `stories` and, behind them, a random share of them a second time."""
    return stories + random.Random(seed).sample(stories, round(share * len(stories)))


# %% [markdown]
# *Predict first:* half of the stories have a copy; 90 % of the collection is for training. What
# share of the validation stories does the training side hold too?

# %% [markdown] fold="The answer, by a short sum"
# Of 100 stories and 50 copies, 100 of the 150 entries belong to a pair: two thirds. The other one of
# the pair lies on the training side with a chance of about 0.9. Two thirds times 0.9 is 0.6; by chance
# it is more or less, above all with few stories. (Pieces of Shakespeare repeat a little even without
# our copies.)

# %% tags=["nbval-check-output"]
collection = with_copies(stories, share=0.5)
naive_train, naive_validation = naive_split(collection)
print(f"leaked: {leaked(naive_train, naive_validation):.3f} of the validation stories")

# %% [markdown] slide="Copies turn a test into a memory test"
# ```python
# random.Random(seed).shuffle(shuffled)
# cut = round(fraction * len(shuffled))
# return shuffled[:cut], shuffled[cut:]
# ```
#
# Half of the stories came in twice: **0.590** of the validation stories leaked.
#
# Notes: This is what most people write first. Do the sum at the board: of 150 entries 100 belong
# to a pair, and the other one of the pair lies on the training side nine times in ten. Two thirds
# times 0.9 is 0.6. This is called leakage; Kaufman and others, 2012.

# %% [markdown]
# More than half of this "test" is a memory test. Your turn. One more tool: how do you drop copies
# and keep the order?

# %% tags=["nbval-check-output"]
fruit = ["plum", "fig", "plum", "pear", "fig"]
print(list(dict.fromkeys(fruit)))  # a dictionary keeps each key once, in the order of arrival

# %% [markdown]
# `set(fruit)` drops copies too. But the order of a set of strings changes whenever Python starts
# again: shuffled with the same seed, it still gives another split tomorrow.

# %% [markdown] contract="split"
# `split(stories, fraction=0.9, seed=0)` returns two lists, `train` and `validation`, in this order:
#
# - each *different* story stands in exactly one of the lists, once, also if `stories` repeats it
#   (a story that differs in one character, a capital or a space, is another story);
# - `train` holds `round(fraction * D)` of the `D` different stories, `validation` the rest;
# - which story goes where is random, but the same `seed` gives the same split, in every run of
#   Python, and another seed gives another one;
# - the list `stories` itself stays as it is.
#
# For example, `split(["a", "b", "a", "c", "d", "a"], fraction=0.5)` has 4 different stories; it may
# return `(["d", "a"], ["b", "c"])`.


# %% exercise="split" minutes=8 level=2
def split(stories, fraction=0.9, seed=0):
    """Return training and validation stories, with no story on both sides."""
    ### BEGIN SOLUTION
    different = list(dict.fromkeys(stories))
    random.Random(seed).shuffle(different)
    cut = round(fraction * len(different))
    return different[:cut], different[cut:]
    ### END SOLUTION


# %% check="split" tags=["nbval-check-output"]
check("split")

# %% [markdown] fold="Hint 1: what changes?"
# `naive_split` above is right in all points but one. Which line can drop the copies, before the
# shuffle?

# %% [markdown] fold="Hint 2: the line"
# `list(dict.fromkeys(stories))` is a new list with one of each. Shuffle that one in place of
# `list(stories)`, and count its length for the cut.

# %% [markdown]
# From here on, these are the two sides. (A later cell that waits for `train` waits for this one.)

# %% tags=["demo", "nbval-check-output"]
sides = split(stories) if check.ready("split") else None
if sides and all(sides):  # both sides hold something
    train, validation = sides
    print(f"{len(train):,} training stories, {len(validation):,} validation stories")

# %% tags=["demo"]
if check.ready("train"):
    shares = [0, 0.25, 0.5, 0.75, 1]
    collections = [with_copies(stories, share) for share in shares]
    naive = [leaked(*naive_split(each)) for each in collections]  # *: both lists of the pair
    yours = [leaked(*split(each)) for each in collections]
    figure, axes = plt.subplots(figsize=(6, 3.2))
    axes.plot(shares, naive, "s--", color="#d55e00", label="shuffle and cut")
    axes.plot(shares, yours, "o-", color="#0072b2", label="your split")
    axes.set(xlabel="share of stories that have a copy", ylim=(-0.05, 1.05))
    axes.set_ylabel("leaked share of\nthe validation stories")
    axes.legend()
    plt.show()
    print(f"Shuffle and cut leaks up to {max(naive):.0%}; your split at most {max(yours):.0%}.")

# %% [markdown] slide="One line makes the difference" picture="above"
# Clean first, then drop copies, then split. In this order.
#
# Notes: The orange line is shuffle and cut, the blue one drops copies first. Near copies are other
# strings, so clean before you compare. Two more leaks no function can see: a story that is cut in
# the middle, and a hundred models of which the luckiest is kept.

# %% [markdown]
# Three more ways for a test to leak, none of which your function can see:
#
# - **Near copies.** The same story with one curly quote is another string. So clean first, then drop
#   copies, then split. (Web text is full of near copies, in the tests too: Lee and others, 2022.)
# - **Cut in the middle.** Cutting the whole text at 90 % of its characters puts one story on both
#   sides, half here and half there.
# - **Looking too often.** Whoever tries a hundred models and keeps the one with the best validation
#   loss has used up the test. Lesson 04 returns to this.

# %% [markdown]
# ## How does a letter become a number?
#
# In lesson 00 an id was the place of a letter in the alphabet. A real text has more than small letters,
# so it brings its own alphabet: the list of all its characters, the **vocabulary**. We sort the list,
# so that everybody gets the same ids.

# %% [markdown] contract="build_vocab"
# `build_vocab(text)` returns the list of the different characters of `text`, sorted. For example,
# `build_vocab("a cab")` is `[" ", "a", "b", "c"]`. Capitals, spaces and line ends are characters like
# all others.


# %% exercise="build_vocab" minutes=2 level=1
def build_vocab(text):
    """Return the sorted list of the different characters of `text`."""
    ### BEGIN SOLUTION
    return sorted(set(text))
    ### END SOLUTION


# %% check="build_vocab" tags=["nbval-check-output"]
check("build_vocab")

# %% [markdown] fold="Hint"
# `set(...)` takes a string apart into its different characters. `sorted(...)` makes a sorted list of
# a set.

# %% [markdown]
# Now text to numbers. Searching the whole list for each of a million characters is slow. Turn it into a
# dictionary once, then every look-up is quick:

# %%
vowels = ["a", "e", "i", "o", "u"]
places = {char: place for place, char in enumerate(vowels)}
print(places)
print(places["i"])
print(torch.tensor([places["i"], places["a"]], dtype=torch.int64))  # a list as an int64 tensor

# %% [markdown] slide="A character is its place in the vocabulary"
# ```python
# vowels = ["a", "e", "i", "o", "u"]
# places = {char: place for place, char in enumerate(vowels)}
# print(places["i"])
# ```
#
# And `places["x"]`? It should stop.
#
# Notes: The vocabulary is the sorted list of all characters, so that everybody gets the same ids.
# Ask what should happen with a character that is not in it. Skipped, it is gone for good. Called
# 0, it turns into an a. Both spoil the data and nobody is told, so an error on the first day is
# cheap.

# %% [markdown]
# *Predict first:* what does `places["x"]` do? And what *should* happen when a text holds a character
# that the vocabulary does not have: skip it, call it 0, or stop?

# %% [markdown] fold="Answer: stop"
# `places["x"]` raises a `KeyError`, and that is right. Skipped, the character is gone for good. Called
# 0, it turns into an `a`. Both spoil the data, and nobody is told. An error on the first day is cheap.

# %% [markdown] contract="encode"
# `encode(text, chars)` returns an int64 tensor of shape `(N,)`: for each of the `N` characters of
# `text` its place in the list `chars`, which holds each character once, in any order.
#
# For example, `encode("cab", ["a", "b", "c"])` is `tensor([2, 0, 1])`. A character that is not in
# `chars` is an error; any exception will do. An empty text gives an int64 tensor of shape `(0,)`.


# %% exercise="encode" minutes=8 level=2
def encode(text, chars):
    """Return the places in `chars` of the characters of `text`: (N,) int64."""
    ### BEGIN SOLUTION
    places = {char: place for place, char in enumerate(chars)}
    return torch.tensor([places[char] for char in text], dtype=torch.int64)
    ### END SOLUTION


# %% check="encode" tags=["nbval-check-output"]
check("encode")

# %% [markdown] fold="Hint 1: two steps"
# Make the dictionary `places` from `chars`, as with the vowels. Then make a list with
# `places[char]` for each `char` of the text.

# %% [markdown] fold="Hint 2: the tensor"
# `torch.tensor(numbers, dtype=torch.int64)` makes the tensor. Without `dtype`, torch makes float32
# of an empty list, because it sees no integer in it.

# %% [markdown] contract="decode"
# `decode(ids, chars)` is the way back: it returns one string. `ids` is a tensor of shape `(N,)` or a
# list of `N` integers; `N` may be 0. For example, `decode(torch.tensor([2, 0, 1]), ["a", "b", "c"])`
# is `"cab"`, and so is `decode([2, 0, 1], ["a", "b", "c"])`. Both arguments stay as they are.


# %% exercise="decode" minutes=3 level=1
def decode(ids, chars):
    """Return the text whose characters have the places `ids` in `chars`."""
    ### BEGIN SOLUTION
    return "".join(chars[i] for i in ids)
    ### END SOLUTION


# %% check="decode" tags=["nbval-check-output"]
check("decode")

# %% [markdown] fold="Hint"
# A loop over a tensor gives tensors of one number. A list accepts such a tensor as an index, so
# `chars[i]` works for both kinds of `ids`. A dictionary does not: it raises `KeyError: tensor(2)`.
# `"".join(...)` glues the characters together.

# %% tags=["demo", "nbval-check-output"]
if check.ready("build_vocab", "encode", "decode", "train"):
    chars = build_vocab(text)
    V = len(chars)
    train_ids = encode(corpus.join(train), chars)  # (N,)
    validation_ids = encode(corpus.join(validation), chars)
    print(f"V = {V} characters; {len(train_ids):,} + {len(validation_ids):,} numbers")
    print("The first ones:", train_ids[:12])
    print("and back:      ", repr(decode(train_ids[:12], chars)))

# %% [markdown]
# One detail: the vocabulary comes from *all* of the text, validation included. Is that leakage? The
# model learns from it that a character exists, but not where it stands. That is a choice we make, so
# that no character is ever unknown, and it goes on the data card at the end. Frequencies are another
# matter: those we count on the training side only.

# %% [markdown]
# ## How surprising is a letter?
#
# In lesson 00, a model that gave the probability $p$ to the character that came paid its **surprise**,
#
# $$-\ln p \;\text{ nats.}$$
#
# The idea is Claude Shannon's (1948). He mostly used another unit: take the logarithm to base 2, and
# surprise comes in **bits**. A fair coin surprises by one bit, and so does the answer to a good
# yes-or-no question. One bit is $\ln 2$ nats: divide nats by $\ln 2$ to get bits.

# %% tags=["nbval-check-output"]
for p in (1 / 2, 1 / 4, 1 / 100):
    nats = -math.log(p)
    print(f"p = {p:<5} surprise {nats:.3f} nats = {nats / math.log(2):.3f} bits")

# %% [markdown]
# In this course a loss is in nats per character, unless we say bits.
#
# How much surprise is there to *expect*, before anything comes? Each outcome has its surprise; weigh
# it by how often it happens, and add up. This is the **entropy** of a list of probabilities:
#
# $$H(p) = -\sum_i p_i \ln p_i.$$
#
# *Predict first:* which coin has more entropy, a fair one, or one that shows heads 9 times out of 10?

# %% [markdown] fold="Answer: which coin?"
# The fair one. The bent coin surprises strongly when it shows tails, but that is rare; most of the
# time it does what everyone expects. The whole curve comes below.

# %% [markdown]
# There is one trap. An outcome with $p = 0$ never happens, so it adds nothing. The computer sees it
# otherwise:

# %% tags=["nbval-check-output"]
probs = torch.tensor([0.5, 0.0, 0.5])
print(probs * probs.log())  # 0 times minus infinity is "not a number"
print(probs[probs > 0])  # a mask keeps those above zero

# %% [markdown] contract="entropy"
# `entropy(probs)` takes a tensor of shape `(V,)`, probabilities that sum to one, and returns their
# entropy in nats: a float, or a tensor of shape `()`. Outcomes with probability 0 add nothing.
# `probs` itself stays as it is.
#
# For example, `entropy(torch.tensor([0.5, 0.5]))` is 0.6931 (that is $\ln 2$, one bit), and
# `entropy(torch.tensor([0.0, 1.0]))` is 0.


# %% exercise="entropy" minutes=6 level=2
def entropy(probs):
    """Return the entropy in nats of `probs`: (V,), summing to one."""
    ### BEGIN SOLUTION
    possible = probs[probs > 0]
    return -(possible * possible.log()).sum().item()
    ### END SOLUTION


# %% check="entropy" tags=["nbval-check-output"]
check("entropy")

# %% [markdown] fold="Hint 1: which numbers?"
# First keep the probabilities above zero, with the mask. Call the result `possible`.

# %% [markdown] fold="Hint 2: the sum"
# `possible.log()` is the natural logarithm of each. Multiply, add up with `.sum()`, turn the sign.
# `.item()` makes a plain number of a tensor that holds one.

# %% tags=["demo"]
if check.ready("entropy"):
    heads = torch.linspace(0, 1, 101)
    nats = [entropy(torch.stack([p, 1 - p])) for p in heads]
    figure, axes = plt.subplots(figsize=(6, 3.2))
    axes.plot(heads, nats, color="#0072b2")
    axes.set(xlabel="probability of heads", ylabel="entropy (nats)")
    bits = axes.secondary_yaxis(
        "right", functions=(lambda n: n / math.log(2), lambda b: b * math.log(2))
    )
    bits.set_ylabel("entropy (bits)")
    plt.show()
    print(f"A coin: highest, {max(nats):.3f} nats or 1 bit, when it is fair; 0 when it is certain.")

# %% [markdown] slide="Entropy is the surprise that one expects" picture="above"
# $$H(p) = -\sum_i p_i \ln p_i$$
#
# Notes: Weigh each outcome's surprise by how often it happens, and add up. The fair coin has the
# most, one bit. The bent coin surprises strongly when it shows tails, but that is rare. What never
# happens adds nothing, but the computer needs to be told: 0 times minus infinity is nan.

# %% [markdown]
# ## How far do letter frequencies get you?
#
# The laziest model thinks all `V` characters equally likely, everywhere: the **uniform** model. The
# next one knows how often each character occurs, and nothing else: the **unigram** model. We count
# on the training side. We also add 1 to every count, so that a character that training never showed
# is unlikely, but not impossible: $-\ln 0$ would be infinite. (Lesson 02 asks what that 1 does.)

# %% tags=["demo", "nbval-check-output"]
if check.ready("encode", "train_ids"):
    counts = torch.bincount(train_ids, minlength=V)  # (V,) how often each number occurs
    unigram = (counts + 1) / (counts + 1).sum()  # (V,)
    uniform = torch.full((V,), 1 / V)
    for char in " ez":
        i = chars.index(char)
        print(f"probability of {char!r}: uniform {uniform[i]:.4f}, unigram {unigram[i]:.4f}")

# %% [markdown]
# What counts is what a model pays on text that it has not seen: the mean of $-\ln q$ over the
# characters that come, where $q$ is what the model gave them. You know this number as the **loss**. Its
# other name is **cross-entropy**. One line computes it, for `v[ids]` is a tensor with `v[i]` for each
# `i` in `ids`.
#
# *Predict first:* *uniform* pays $\ln V$. How much of that do letter frequencies save: a tenth, a
# quarter, a half?

# %% [markdown] fold="What to expect"
# A quarter at most, which is less than most people hope. The space and the frequent letters become
# cheaper, but the rare ones become dearer than before, and knowing how frequent a letter is does not
# say where it stands.

# %% tags=["demo", "nbval-check-output"]
if check.ready("unigram"):
    losses = {
        "uniform": -uniform.log()[validation_ids].mean().item(),
        "unigram": -unigram.log()[validation_ids].mean().item(),
    }
    for name, loss in losses.items():
        print(f"{name}: {loss:.3f} nats = {loss / math.log(2):.3f} bits per character")
    print(f"saved: {1 - losses['unigram'] / losses['uniform']:.0%}")

# %% [markdown] slide="Letter frequencies save a quarter"
# - **uniform**: 4.159 nats per character
# - **unigram**: 3.153
#
# Cross-entropy, the loss, is the mean of $-\ln q$ over what really comes.
#
# Notes: Let people guess first: a tenth, a quarter, a half? Less than most hope, since knowing how
# frequent a letter is does not say where it stands. We count on the training side, and add 1 to
# each count, so that nothing is impossible.

# %% [markdown]
# And the entropy of a model? It is what the model *itself* expects to pay.

# %% tags=["demo", "nbval-check-output"]
if check.ready("entropy", "losses"):
    for name, probs in (("uniform", uniform), ("unigram", unigram)):
        print(f"{name} expects {entropy(probs):.3f} nats and pays {losses[name]:.3f}")

# %% [markdown]
# For the uniform model both are $\ln V$: it finds everything equally surprising. For the unigram model
# they nearly agree: letters are about as frequent in the validation stories as in the training
# stories, so it meets what it expects.
#
# ### What if the frequencies are wrong?
#
# *Predict first:* suppose you mix up two characters, and give `e` the probability of `z` and the
# other way round. Can the loss on the validation text go down?

# %% [markdown] fold="The answer"
# Not here: on both sides `e` is far more frequent than `z`, so the loss goes up a lot. (Swap two
# characters that are about equally frequent, and chance may give you a tiny gain.) There is a limit,
# though. Of all models that say the same at every place, the one with the validation text's *own*
# frequencies has the lowest loss, and that loss is their entropy. Below it no such model can get.

# %% tags=["demo", "nbval-check-output"]
if check.ready("entropy", "losses"):
    wrong = unigram.clone()
    e, z = chars.index("e"), chars.index("z")
    wrong[e], wrong[z] = unigram[z], unigram[e]
    mixed_up = -wrong.log()[validation_ids].mean().item()
    own = torch.bincount(validation_ids, minlength=V) / len(validation_ids)
    print(f"entropy of the validation text's own frequencies: {entropy(own):.4f}")
    print(f"loss with the frequencies from training:          {losses['unigram']:.4f}")
    print(f"loss with e and z mixed up:                       {mixed_up:.4f}")

# %% [markdown] slide="A loss has two parts"
# The surprise that is **in the text**, and what **wrong beliefs** add to it.
#
# Letter frequencies: 3.153. With *e* and *z* mixed up: 3.566.
#
# Notes: Of all models that say the same at every place, the one with the text's own frequencies is
# best, and its loss is their entropy. The unigram has nearly reached that, so better frequencies
# do not help any more. To get lower, a model has to look at what came before.

# %% [markdown]
# So a loss has two parts: the surprise that is in the text itself, and what wrong beliefs add to it.
# For models that say the same at every place, the first part is the first number above, and *unigram*
# has nearly reached it. Better frequencies will not help any more.
#
# A model that looks at the characters before can do better, because the surprise that is left *given
# the past* is smaller. How small can it get?

# %% [markdown]
# ## How low can a model go?
#
# Even the best model cannot foresee which animal the program draws next. For Shakespeare nobody knows
# where the limit is; for everyday English Shannon (1951) put it between 0.6 and 1.3 bits per letter. For the fables
# we know it exactly, because we have the grammar: `corpus.log_prob(story)` is the logarithm of the
# probability that it writes exactly this story.
#
# *Predict first:* someone thinks of one of our fables. How many yes-or-no questions do you need to
# find out which, if you know the grammar and ask well? As many as the story has characters? Half?

# %% [markdown] fold="What to expect"
# A good question halves what is possible and so gives one bit. The number of questions is about the
# story's surprise in bits: far fewer than one for each character. Most characters follow from those
# before.

# %% tags=["nbval-check-output"]
nats = -corpus.log_prob(stories[0])
is_fables = math.isfinite(nats)  # or the grammar cannot have written it
if is_fables:
    bits = nats / math.log(2)
    print(f"{bits:.0f} questions for the {len(stories[0])} characters of the first story")
else:
    print("This text is not by our grammar: nobody knows its floor.")

# %% [markdown]
# Now the same for all validation stories together. This is the **floor** of every ladder in the
# course. On other stories it would be a little higher or lower; the error says by about how much. And
# the grammar knows the mean over all the fables that it could ever write.

# %% tags=["demo", "nbval-check-output"]
floor, floor_error = None, 0.0
if check.ready("train") and is_fables:
    floor, floor_error = corpus.floor(validation)
    print(f"validation stories: {floor:.3f} nats, plus or minus {floor_error:.3f}")
    print(f"                    {floor / math.log(2):.3f} bits per character")
    rate = corpus.entropy_rate()
    print(f"all fables:         {rate:.3f} nats = {rate / math.log(2):.3f} bits per character")

# %% [markdown]
# What does it take to get there? A long memory, for one thing: a name, an animal, a thing and a place
# are drawn near the start of every fable and come back lines later. A model that sees only the last 32
# characters must guess them again. The grammar tells what that costs:

# %% tags=["nbval-check-output"]
memory = corpus.memory_value(32)
print(f"memory beyond 32 characters is worth {memory:.3f} nats per character,")
print(f"or {memory / corpus.entropy_rate():.0%} of the floor itself")

# %% [markdown] slide="The floor is known, and it takes a long memory"
# - The grammar itself pays **0.254** nats per character.
# - Whoever sees only the last 32 characters pays at least **0.082** more.
#
# Notes: For everyday English Shannon put it between 0.6 and 1.3 bits per letter; for our fables we
# know it exactly. A name, an animal and a place are drawn near the start of each fable and come
# back lines later. That is what attention is for, in lesson 05.

# %% [markdown]
# A model of the fables with so short a memory stays at least that far above the floor. (At least,
# because the sum lets it know where in the plot it is; a real one must guess that too.) Lesson 05 adds
# a part for looking far back: attention.

# %% [markdown]
# ### The parrot
#
# Back to leakage, now with a loss. The parrot is a model that knows letter frequencies, and has its
# training stories by heart. It bets half of its probability on a story from training, word for word,
# any of them; the other half goes to letters drawn by their frequencies. Every story was collected
# twice. Let the parrot sit two tests: the one made by shuffle and cut, and yours.
#
# *Predict first:* say the parrot knows 3,600 stories by heart, and meets one of them, 500 characters
# long. What is its loss there?

# %% [markdown] fold="Answer: next to nothing"
# The parrot gives such a story the probability $\frac12 \cdot \frac1{3600}$. That is a surprise of
# $\ln 7200$, about 9 nats, for the *whole story*: less than 0.02 nats per character.

# %% tags=["demo", "nbval-check-output"]
if check.ready("unigram"):

    def parrot(train, validation):
        """Return the parrot's loss by kind of story and on all, in nats per character."""
        seen = set(train)
        nats, characters = Counter(), Counter()
        for story in validation:
            kind = "leaked" if story in seen else "new"
            ids = encode(story + corpus.END, chars)
            letters = -unigram.log()[ids].sum().item()
            nats[kind] += math.log(2) + (math.log(len(train)) if story in seen else letters)
            characters[kind] += len(ids)
        loss = {kind: nats[kind] / characters[kind] for kind in sorted(nats)}
        return {**loss, "all": sum(nats.values()) / sum(characters.values())}

    collection = with_copies(stories, share=1)
    for name, how in (("shuffle and cut", naive_split), ("your split", split)):
        result = parrot(*how(collection))
        print(f"{name + ':':<17}", ", ".join(f"{k} {loss:.3f}" for k, loss in result.items()))

# %% [markdown] slide="A loss that is too good is a bug report"
# The parrot has its training stories by heart, and knows letter frequencies.
#
# - Shuffle and cut: **0.382**
# - Your split: **3.155**
#
# Notes: Same bird, same text. On a leaked story it pays about nine nats for the whole story, which
# is less than 0.02 per character. That is far below the floor, where no honest model can be. Where
# the floor is unknown, nothing warns you.

# %% [markdown]
# The same bird, the same text. The first test calls it a fine model, the second one shows that it has
# learnt nothing but letter frequencies. And on the leaked fables its loss is far *below* the floor,
# where no honest model can be. **A loss that is too good is a bug report.** Where the floor is
# unknown, nothing warns you.

# %% [markdown]
# ## What does a model eat?
#
# From lesson 03 on, models learn by guessing: here are a few characters, what comes next? They do it
# for many pieces at once, a **batch**. Each piece, `x`, is `context` characters long. The right
# answers, `y`, are the same stretch of text, one character later. So one piece gives `context`
# questions: after its first character, after its first two, and so on.
#
# Three tools, on a text of ten numbers:

# %% tags=["nbval-check-output"]
ten = torch.arange(10) * 11
print(ten[3 : 3 + 4])  # four numbers from place 3 on
print(torch.stack([ten[0:4], ten[3:7]]))  # stack: rows under each other, here (2, 4)
torch.manual_seed(0)
print(torch.randint(6, (8,)))  # eight random whole numbers from 0 to 5: 6 is left out

# %% [markdown]
# *Predict first:* the text has 10 characters, `x` has 4. At how many places can `x` start?

# %% [markdown] fold="The answer"
# At six: 0 to 5. The last start is 5, not 6: `x` would still fit at 6, but `y`, one character
# further, would not. In general there are `N - context` starts.

# %% [markdown] contract="get_batch"
# `get_batch(ids, batch, context)` takes an int64 tensor of shape `(N,)` and returns two tensors, `x`
# and `y`, in a tuple or a list; both are int64 of shape `(batch, context)`.
#
# Each row of `x` is a stretch of `context` neighbours in `ids` that begins at a random place; every
# place from 0 to `N - context - 1` is equally likely. The same row of `y` is the stretch that begins
# one later. Each row's place is drawn on its own, and anew in every call; two rows may begin at the
# same one.
#
# For example, with `ids = torch.tensor([7, 8, 9, 5, 6])`, `get_batch(ids, 2, 3)` may return
# `x = [[8, 9, 5], [7, 8, 9]]` and `y = [[9, 5, 6], [8, 9, 5]]`.


# %% exercise="get_batch" minutes=15 level=3
def get_batch(ids, batch, context):
    """Return x and y, random stretches of `ids` and what follows: (batch, context) each."""
    ### BEGIN SOLUTION
    starts = torch.randint(len(ids) - context, (batch,)).tolist()
    x = torch.stack([ids[start : start + context] for start in starts])
    y = torch.stack([ids[start + 1 : start + 1 + context] for start in starts])
    return x, y
    ### END SOLUTION


# %% check="get_batch" tags=["nbval-check-output"]
check("get_batch")

# %% [markdown] fold="Hint 1: three lines"
# Draw `batch` starts. Make `x` by stacking `ids[start : start + context]` for each start. Make `y`
# likewise, from the same starts, one further.

# %% [markdown] fold="Hint 2: the starts"
# `torch.randint(high, (batch,))` draws from 0 to `high - 1`, and there are `N - context` starts. So
# `high` is `len(ids) - context`. With `.tolist()` behind it you get plain integers.

# %% tags=["demo", "nbval-check-output"]
if check.ready("encode", "get_batch", "train_ids"):
    torch.manual_seed(1)
    x, y = get_batch(train_ids, batch=4, context=16)
    print(f"{'x':<26}y")
    for row_x, row_y in zip(x, y, strict=True):
        print(f"{decode(row_x, chars)!r:<26}{decode(row_y, chars)!r}")
    print("\nThe first row, step by step:")
    for end in range(1, 6):
        before, after = decode(x[0, :end], chars), decode(y[0, end - 1 : end], chars)
        print(f"  after {before!r:<9} comes {after!r}")

# %% [markdown] slide="What a model eats: a stretch, and the same one shifted"
# ```python
# print(ten[3 : 3 + 4])
# print(torch.stack([ten[0:4], ten[3:7]]))
# ```
#
# `x` is a piece of text, `y` the same piece one character later.
#
# Notes: That is all that a language model ever learns from. One piece of length 16 holds sixteen
# questions: what comes after its first character, after its first two, and so on. Ask how many
# starts there are in a text of ten characters with four in x: six, not seven, since y goes one
# further.

# %% [markdown]
# That is all a language model ever learns from: rows of numbers, and the same rows shifted by one.

# %% [markdown]
# ## What should the next person know?
#
# Data without a description is a trap for whoever comes next, often yourself in half a year. A
# **data card** (Gebru and others, 2021) says on one page what the data is, how it was made, what it is
# good for, and what not. The numbers on it are computed, never typed. That way they stay true.

# %% [markdown] contract="data_card"
# `data_card(train, validation)` takes two lists of stories and returns a dictionary with five
# entries:
#
# | key | value |
# |---|---|
# | `"training stories"` | how many stand in `train`; one that comes twice counts twice, here and below |
# | `"validation stories"` | how many stand in `validation` |
# | `"characters"` | the characters of all stories of both lists, added up (without the two line ends that `corpus.join` puts behind each) |
# | `"alphabet"` | how many different characters both lists hold together |
# | `"leaked"` | the share, from 0 to 1, of validation stories that stand in `train` too |
#
# For example, `data_card(["a fox", "a bee"], ["a bee", "an owl"])` is `{"training stories": 2,
# "validation stories": 2, "characters": 21, "alphabet": 10, "leaked": 0.5}`. Both lists stay as they
# are. You may use what the lesson has defined above. Then write two sentences of your own; nobody checks those.


# %% exercise="data_card" minutes=7 level=2
def data_card(train, validation):
    """Return the computed entries of a data card."""
    ### BEGIN SOLUTION
    together = "".join(train + validation)
    return {
        "training stories": len(train),
        "validation stories": len(validation),
        "characters": len(together),
        "alphabet": len(set(together)),
        "leaked": leaked(train, validation),
    }
    ### END SOLUTION


# Your own words. Where does the text come from? What will a model of it not be able to do?
### BEGIN SOLUTION
comes_from = "Written by a small random grammar that the course brings along; no real author."
not_good_for = "Facts, real English, dialogue, anything but practice: it knows one kind of story."
### END SOLUTION

# %% check="data_card" tags=["nbval-check-output"]
check("data_card")

# %% [markdown] fold="Hint"
# `"".join(train + validation)` is one long string of all stories. How long is it, and how many
# different characters does it have? For the last entry there is a function under *Did the model see
# it before?*.

# %% tags=["demo"]
if check.ready("data_card", "losses"):
    card = {
        "name": "fables" if is_fables else "Tiny Shakespeare",
        "comes from": "(yours to write)" if comes_from is ... else comes_from,
        "not good for": "(yours to write)" if not_good_for is ... else not_good_for,
        **data_card(train, validation),
        "vocabulary": "from both sides, so that no character is unknown",
        "unigram loss": f"{losses['unigram']:.3f} nats per character",
        "floor": "unknown" if floor is None else f"{floor:.3f} nats per character",
    }
    for key, value in card.items():
        print(f"{key:>18}: {value:,}" if isinstance(value, int) else f"{key:>18}: {value}")

# %% [markdown]
# ## Play: where is the surprise?
#
# Below, a model colours each character of a validation story by its surprise: the darker, the more
# surprising. At `context = 0` it knows letter frequencies. At 1 it also knows which character came
# before, at 5 the last five; it only counts what followed them in the training stories. (How this
# counting works is lesson 02.)
#
# Here is the same story twice, at 0 and at 4. (You need not read the code.)
#
# *Predict first:* which characters of a word go pale first? And what stays dark?

# %% [markdown] fold="What to expect"
# The ends of words go pale: after a few characters there is often one way to go on. Dark is where the
# word turns away from what was expected, often at its first to third letter. Some of the dark is the
# model's own fault: where it has seen the characters before only once or twice, it is too sure. The
# rest is the floor.

# %% tags=["demo"]
if check.ready("train_ids"):
    train_text = corpus.join(train)

    @cache
    def stretches(n):
        """Count all stretches of n characters in the training text."""
        return Counter(train_text[i : i + n] for i in range(len(train_text) - n + 1))

    def surprise(char, before, context):
        """Return the surprise, in nats, of `char` after `before` for a model that counts."""
        p = 1 / V
        for n in range(min(context, len(before)) + 1):  # a longer memory corrects a shorter one
            last = before[len(before) - n :]
            p = (stretches(n + 1)[last + char] + 5 * p) / (stretches(n)[last] + 5)
        return -math.log(p)

    def colours(story, context):
        """Colour the start of a validation story by the surprise of each character."""
        told = validation[story][:400]
        nats = [surprise(char, corpus.END + told[:i], context) for i, char in enumerate(told)]
        title = f"context {context}: {sum(nats) / len(nats):.2f} nats per character here"
        page = ""
        for char, each in zip(told, nats, strict=True):
            shown = "⏎<br>" if char == "\n" else html.escape(char)
            page += f'<span style="background:rgba(213,94,0,{min(each / 6, 1):.2f})">{shown}</span>'
        style = "background:white;color:black;padding:8px;font-family:monospace;line-height:1.6"
        page = f'<p>{title}</p><div style="{style}">{page}</div>'
        darkest = sorted(sorted(range(len(told)), key=nats.__getitem__)[-4:])
        ends = ", ".join(repr(told[max(i - 12, 0) : i + 1]) for i in darkest)
        display({"text/plain": f"{title}; most where {ends} end", "text/html": page}, raw=True)

    colours(3, context=0)
    colours(3, context=4)

# %% [markdown]
# Other stories, other contexts:

# %% tags=["demo"]
if check.ready("train_ids"):
    play(colours, story=(0, min(29, len(validation) - 1)), context=(0, 5))

# %% [markdown]
# ## Every model so far
#
# This picture stands at the end of every lesson and grows by a few bars each time: all models on the
# same validation stories, worst at the top. The dashed line is the floor.

# %% tags=["demo"]
if check.ready("losses"):
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown] slide="Every model so far" picture="above"
# All that lies between the lowest bar and the floor is what this course is about.
#
# Notes: This picture stands at the end of every lesson. It is always the same validation stories,
# so that the bars can be compared. Data and measure are fixed before the first model is trained.

# %% [markdown]
# All that lies between the lowest bar and the floor is what this course is about.

# %% [markdown] contract="quiz"
# Five questions, one letter each: `answer_1 = "a"`.
#
# 1. A colleague's model has a validation loss below the floor. What do you do first?
#    - (a) Publish: it has found structure that the grammar's authors overlooked.
#    - (b) Look for validation stories in the training text, and for an error in the sum.
#    - (c) Train longer, the loss may go lower still.
# 2. In which order do you prepare text that may hold copies?
#    - (a) Split, drop copies on each side, then clean.
#    - (b) Drop copies, clean, then split.
#    - (c) Clean, drop copies, then split.
# 3. A model has a loss of 2 bits per character. What is that in nats?
#    - (a) about 1.39
#    - (b) about 2.89
#    - (c) 2: it is the same, with another name
# 4. You score the fables with letter frequencies counted on Shakespeare. Compared with the entropy of
#    the fables' own letter frequencies, the loss is ...
#    - (a) lower, for Shakespeare is the better writer.
#    - (b) the same, both are English.
#    - (c) higher.
# 5. `x` holds the characters `"fabl"`, cut from `"fables"`. What does `y` hold?
#    - (a) `"able"`
#    - (b) `"es"`
#    - (c) `"e"`

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "c"
answer_3 = "a"
answer_4 = "c"
answer_5 = "a"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - Text in the wild is dirty. Cleaning is a function with a contract, so that it can be repeated.
# - Copies on both sides turn a test into a memory test. Clean, drop copies, split, in this order.
# - A character is a number: its place in the vocabulary. `decode` undoes `encode`.
# - Surprise is $-\ln p$. Entropy is its mean under the model's own probabilities, cross-entropy its
#   mean over the text that really comes: the loss, in nats per character.
# - The fables have a floor. A loss below it is a bug.
# - `get_batch` cuts the pieces that all later models learn from.
#
# **Next**, lesson 02 looks at one character of context: which character follows which? You will count
# pairs, let them write, and climb down a good part of the ladder.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *data*, and the first half of *features* and *evaluate*: what
# the model sees, and what it will be measured by. Both are fixed before the first model is trained.
#
# ### References
#
# - C. E. Shannon (1948). A Mathematical Theory of Communication. *Bell System Technical Journal* 27.
# - C. E. Shannon (1951). Prediction and Entropy of Printed English. *Bell System Technical Journal* 30.
# - S. Kaufman, S. Rosset, C. Perlich, O. Stitelman (2012). Leakage in Data Mining: Formulation,
#   Detection, and Avoidance. *ACM Transactions on Knowledge Discovery from Data* 6(4).
# - K. Lee and others (2022). Deduplicating Training Data Makes Language Models Better. *ACL*.
# - T. Gebru and others (2021). Datasheets for Datasets. *Communications of the ACM* 64(12).
# - A. Karpathy (2015). The Unreasonable Effectiveness of Recurrent Neural Networks. The text that we
#   call Tiny Shakespeare comes from there.

# %%
check.summary()
