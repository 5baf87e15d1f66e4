# %% [markdown] lesson="03_gradients" title="Going downhill" minutes=140 laptop_minutes=1 gpu_minutes=1
# In lesson 02 you counted, and had a model. Most models cannot be had by counting. They begin with
# numbers that know nothing, and these are pushed, again and again, a little way in the direction in
# which the loss falls. In this lesson you build all of that machinery, and let it find a model that
# you know already: the bigram.
#
# After this lesson you can
#
# - **build** the bigram as a net with one layer, and write its loss so that no number overflows,
# - **derive** the slope of that loss by hand, and check it in two other ways,
# - **write** a tiny autograd, the machine that finds slopes in any expression,
# - **train** a net by gradient descent, and choose how long its steps should be,
# - **explain** why it must find your counts again.
#
# You need lesson 00 (softmax, one-hot, picking pairs) and lesson 02 (counting, `normalise`, loss).
# You need to know what the slope of a curve is. All other mathematics is here.

# %% tags=["setup"]
import math
import random
import time

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from lmcourse import check, corpus, play, plots, rungs, table

check.lesson("03_gradients")
torch.set_num_threads(1)  # one steady core; two only fight when anything else runs

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% carry="one_hot softmax split build_vocab encode decode count_bigrams normalise sample_next generate nll"

# %% [markdown]
# These are your functions from lessons 00 to 02. The next cell makes the same text as there, counts
# its pairs, and adds 1 to each count, as Laplace did. `counted` is the table to be found again.

# %% tags=["demo", "nbval-check-output"]
stories = corpus.split_stories(corpus.load("shakespeare" if preset == "gpu" else "fables"))
if preset == "smoke":
    stories = stories[:300]
train, validation = split(stories)
train_text, validation_text = corpus.join(train), corpus.join(validation)
chars = build_vocab(train_text + validation_text)
V = len(chars)
train_ids, validation_ids = encode(train_text, chars), encode(validation_text, chars)
counts = count_bigrams(train_ids, V)
counted = normalise(counts, alpha=1)
print(f"V = {V} characters, {len(train_ids):,} of them to learn from")
print(f"the counted bigram's loss on validation text: {nll(counted, validation_ids):.3f}")

# %% [markdown]
# ## Can a net be a table?
#
# Here is the smallest net for our task. It takes a character as a one-hot row: a 1 in the place of
# that character, 0 everywhere else. It has one matrix `W` of shape `(V, V)`, full of numbers that are
# called **weights** or **parameters**. And it multiplies the two.
#
# In Python `@` is the *matrix product*. To get one row of the result, take one row on the left, weigh
# the rows of `W` by its numbers, and add them up.
#
# **Predict first.** What is `hot @ W` in the next cell?

# %% tags=["demo", "nbval-check-output"]
W = torch.tensor([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0], [20.0, 21.0, 22.0]])
ids = torch.tensor([2, 0, 2])
hot = one_hot(ids, 3)  # (3, 3) one row for each id
print(hot)

# %% [markdown] fold="Answer"
# The weights on the left are all 0 but one, and that one is 1. So the sum is just one row of `W`: row
# 2, then row 0, then row 2 again. To multiply by a one-hot row is to look up a row. `W[ids]` does the
# same without all the multiplying by 0.

# %% tags=["demo", "nbval-check-output"]
print(hot @ W)
print(torch.equal(hot @ W, W[ids]))

# %% [markdown]
# So the net has a row of numbers for each character, as your table has. But these may be any numbers
# at all, also negative ones: they are logits, and softmax makes probabilities of them.
#
# Is there a `W` with which this net is as good as your counted table? Softmax takes $e^x$, and the
# logarithm undoes that. So write the logarithms of the counted probabilities into `W`:

# %% tags=["demo"]
W = counted.log()
print("the probabilities are the counted ones:", torch.allclose(softmax(W), counted))
shown = chars.index("t")
steps = {
    "one-hot": one_hot(torch.tensor([shown]), V)[0],
    "its row of W\n(logits)": W[shown],
    "softmax\n(probabilities)": softmax(W[shown]),
}
names = [char.replace(" ", "␣").replace("\n", "⏎").replace("$", r"\$") for char in chars]
figure, all_axes = plt.subplots(3, 1, figsize=(10, 4.5), sharex=True)
for axes, (name, numbers) in zip(all_axes, steps.items(), strict=True):
    axes.bar(range(V), numbers, color="#0072b2")
    axes.axhline(0, color="#222222", linewidth=0.5)
    axes.set_ylabel(name)
axes.set_xticks(range(V), names, fontsize=8)
axes.set_xlabel("character")
plt.show()

# %% [markdown] slide="The smallest net: look up a row, then softmax" picture="above"
# A one-hot row times `W` is one row of `W`: the logits.
#
# Notes: The net at work on a t. A single 1 goes in, and out comes one logit for each character
# that could follow. With the logarithms of the counts in W the net is exactly the table of lesson
# 02. The question of this lesson is whether it gets there without counting, told only how bad it
# is.

# %% [markdown]
# *The picture: the net at work on a `t`. A single 1 goes in. Out comes one logit for each character
# that could follow, and softmax turns them into probabilities: most of all for `h`. The many logits of
# the same height, far down, are those of characters that never came after `t`. (`␣` is the space, `⏎`
# the newline.)*
#
# So the net *can* be as good as counting. The question of this lesson is whether it can get there
# **without counting**: starting from a `W` that knows nothing, and told only how bad it is.

# %% [markdown]
# ## How bad is it?
#
# You know the measure: the mean of $-\ln p$ over the characters that came. For a net it is called
# **cross-entropy**. In lesson 00 you computed it in steps: softmax, logarithm, pick, mean.
#
# **Predict first.** A net has two characters and the logits `[200, 0]`. It is very sure of the first,
# and then the second one comes. How large is its surprise? And what do those steps give?

# %% tags=["demo", "nbval-check-output"]
sure = torch.tensor([200.0, 0.0])
print(softmax(sure))
print(-softmax(sure).log())

# %% [markdown] slide="Take the logarithm before anything is lost"
# ```python
# sure = torch.tensor([200.0, 0.0])
# print(softmax(sure))
# print(-softmax(sure).log())
# ```
#
# The surprise should be 200. It comes out infinite, and from infinity no step leads back.
#
# Notes: The probability of the second character is e to the minus 200, which a float32 does not
# hold. So it becomes 0, and the logarithm is infinite. Write the logarithm of softmax out with the
# rule for quotients, and take the largest logit out of the sum. Then nothing can overflow.

# %% [markdown] fold="Answer"
# The probability of the second one is $e^{-200}$, about $10^{-87}$. Its surprise is 200: bad, but a
# number like any other. A float32 cannot hold $10^{-87}$, though. It becomes 0, and minus the
# logarithm of 0 is infinite. From infinity no step leads back. (The `-0.` for the first one is just 0,
# as minus the logarithm of 1 comes out.)

# %% [markdown]
# The way out is to take the logarithm *before* anything is lost. With $m$ for the largest logit of
# the row,
#
# $$\ln \frac{e^{x_j}}{\sum_k e^{x_k}} = x_j - \ln \sum_k e^{x_k} = x_j - m - \ln \sum_k e^{x_k - m}.$$
#
# The first step is a rule of logarithms: $\ln(a/b) = \ln a - \ln b$. For the second, write every
# $e^{x_k}$ as $e^m e^{x_k - m}$. Take $e^m$ out of the sum, and its logarithm is $m$. Now the largest
# term of the sum is $e^0 = 1$. So the sum cannot overflow, and it is at least 1: its logarithm is never
# taken of 0.

# %% [markdown] contract="cross_entropy"
# `cross_entropy(logits, targets)` takes logits, a float tensor of shape `(B, V)`, and `targets`, int64
# of shape `(B,)`: the characters that came. It returns the mean over the `B` rows of $-\ln p$ of the
# target, in nats. `B` stands for *batch*.
#
# - For `logits = [[0, 0, 0, 0]]` it is $\ln 4 = 1.386$, whatever came. For
#   `logits = [[0.0, 1.0986]]`, where 1.0986 is $\ln 3$, the probabilities are 1/4 and 3/4: with
#   `targets = [1]` it is 0.288.
# - It must be **stable**: with `[[200, 0]]` and `targets = [1]` it is 200.
# - The result is a tensor of shape `()`, made with tensor operations all the way. (No `.item()`: soon
#   torch will have to find its way back through it.) `logits` and `targets` stay as they were.
# - Work it out by hand. Torch's `cross_entropy`, `nll_loss`, `log_softmax` and `logsumexp` are refused.


# %% exercise="cross_entropy" minutes=15 level=3
def cross_entropy(logits, targets):
    """Return the mean surprise at `targets` (B,), given logits (B, V): a tensor (), in nats."""
    ### BEGIN SOLUTION
    shifted = logits - logits.max(dim=1, keepdim=True).values  # (B, V), the largest is 0
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()  # (B, V)
    return -logprobs[torch.arange(len(targets)), targets].mean()
    ### END SOLUTION


# %% check="cross_entropy" tags=["nbval-check-output"]
check("cross_entropy")

# %% [markdown] fold="Hint 1: in which order?"
# Make the shifted logits first: each row minus its own largest one (`.max(...).values`, as in your
# softmax). From these take the logarithm of the row's sum of exps. That gives all the log
# probabilities, of shape `(B, V)`. Pick, mean, minus.

# %% [markdown] fold="Hint 2: which shapes?"
# Both the largest ones and the sums belong beside their own rows: `dim=1, keepdim=True`, shape
# `(B, 1)`.

# %% [markdown] fold="Hint 3: the pick"
# Rows and columns in pairs, as in `gather_logprobs` of lesson 00: `logprobs[torch.arange(B), targets]`
# has shape `(B,)`, and `B` is `len(targets)`.

# %% [markdown]
# Now the loss of our net on a whole text. The text asks `N - 1` questions: after its first character,
# what comes? After its second? Each character but the last is an input, and its target is the
# character to the right of it.

# %% [markdown] contract="text_loss"
# `text_loss(logits, ids)` takes the net's table of logits, shape `(V, V)`: row `i` holds the logits of
# what comes after `i`. And it takes a text, `ids`, int64 of shape `(N,)` with `N` at least 2. It
# returns the net's cross-entropy over the `N - 1` pairs of neighbours: a tensor of shape `()`, through
# which torch can find its way back.
#
# For example, the text `[0, 2, 1]` has the inputs `[0, 2]` and the targets `[2, 1]`. If all logits are
# 0, every text has the loss $\ln V$. Use your `cross_entropy`.


# %% exercise="text_loss" minutes=4 level=1
def text_loss(logits, ids):
    """Return the loss of the bigram net `logits` (V, V) on the text `ids` (N,): a tensor ()."""
    ### BEGIN SOLUTION
    return cross_entropy(logits[ids[:-1]], ids[1:])
    ### END SOLUTION


# %% check="text_loss" tags=["nbval-check-output"]
check("text_loss")

# %% [markdown] fold="Hint"
# `ids[:-1]` are the inputs, `ids[1:]` the targets. Look up one row of `logits` for each input, as
# `W[ids]` did above, and hand these rows and the targets to `cross_entropy`.

# %% tags=["demo", "nbval-check-output"]
if check.ready("cross_entropy", "text_loss"):
    print(f"W = 0:                  {text_loss(torch.zeros(V, V), validation_ids):.3f}")
    print(f"ln V:                   {math.log(V):.3f}")
    print(f"W = counted.log():      {text_loss(counted.log(), validation_ids):.3f}")
    print(f"counted, by lesson 02:  {nll(counted, validation_ids):.3f}")

# %% [markdown]
# The first two lines are where we start, the last two where we want to go. In between lie `V * V`
# logits, and each has to find its place.

# %% [markdown]
# ## Which way is down?
#
# A small case first. Say the text has a `t` ten times, and then comes: six times `h`, three times `o`,
# once a space. A net with three logits shall learn that. `small_loss` is its loss on those ten.

# %% tags=["demo"]
few = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])  # 0 for h, 1 for o, 2 for the space


def small_loss(logits):
    """Return the loss of three logits (3,) on what came after the ten t's."""
    return cross_entropy(logits.expand(10, 3), few)  # the same three logits for each of the ten


# %% [markdown]
# All three logits are 0 to begin with. Turn the one of `h` up and down, leave the others, and watch
# the loss.

# %% tags=["demo"]
if check.ready("cross_entropy"):
    turned = torch.linspace(-2, 5, 71)
    curve = [small_loss(torch.tensor([x, 0, 0])) for x in turned]
    start, push = small_loss(torch.zeros(3)), 0.01
    slope = (small_loss(torch.tensor([push, 0, 0])) - start) / push
    figure, axes = plt.subplots(figsize=(6.5, 3.4))
    axes.plot(turned, curve, color="#0072b2", label="the loss")
    near = torch.tensor([-1.5, 1.5])
    axes.plot(near, start + slope * near, "--", color="#d55e00", label="its slope at 0")
    axes.plot(0, start, "o", color="#d55e00")
    axes.set(xlabel="logit of h (the other two are 0)", ylabel="loss (nats per character)")
    axes.legend()
    plt.show()
    print(f"At 0 the loss is {start:.3f} and its slope {slope:.3f}: to the right is down.")

# %% [markdown] slide="The slope where you stand is enough" picture="above"
# Push a little, see how the loss changes, divide: a **finite difference**.
#
# Notes: The loss lies in a valley over this one logit. You need not see the whole valley to know
# which way is down. A negative slope means that pushing the logit up makes the loss smaller. Ask
# which of the three logits of the example go up.

# %% [markdown]
# *The picture: the loss lies in a valley over the logit of `h`. At 0 the curve falls to the right, with
# the dashed slope.* You need not see the whole valley to know which way is down. The slope where you
# stand is enough.
#
# How was the slope found? Push the logit a little, see how much the loss changes, and divide by the
# push. That is called a **finite difference**. Do it for each of the three:
#
# **Predict first.** All three probabilities are 1/3 now. Which of the logits should go up, which down?
# A negative slope means: pushing this one up makes the loss smaller.

# %% tags=["demo", "nbval-check-output"]
if check.ready("cross_entropy"):
    for k, name in enumerate(["h", "o", "space"]):
        pushed = torch.zeros(3)
        pushed[k] = 0.01
        slope = (small_loss(pushed) - small_loss(torch.zeros(3))) / 0.01
        print(f"slope for {name:<5}  {slope:6.2f}")
    print("1/3 - 6/10 =", f"{1 / 3 - 6 / 10:.2f}")

# %% [markdown] fold="Why?"
# `h` came six times in ten, but has the probability 1/3: up with it. The space came once in ten: down.
# And `o` came three times in ten, a little less than 1/3: a little down. The slopes are the
# probabilities minus the shares that were counted. (A push of 0.01 is not endlessly small, so the last
# digit may be off.)

# %% [markdown]
# All the slopes together are called the **gradient**. Here is why it has this form. For one row with
# the target $y$ the loss is
#
# $$-\ln p_y = \ln \sum_k e^{x_k} \; - \; x_y.$$
#
# How does it change with one logit $x_j$? Only one term of the sum contains $x_j$. That is $e^{x_j}$,
# and its slope is $e^{x_j}$ itself: this is the slope of the sum. The slope of $\ln u$ is $1/u$ times
# the slope of $u$. (Take this rule on trust now: you meet it again below.) So the first part has the
# slope $e^{x_j} / \sum_k e^{x_k}$, which is the probability $p_j$. The second part, $-x_y$, has the
# slope $-1$ where $j$ is the target, and 0 elsewhere. Together:
#
# $$\text{gradient of one row} = \text{softmax} - \text{one-hot of the target}.$$
#
# *What the model said, minus what came.* The loss is the mean over `B` rows, so each row counts for
# $1/B$ of it, and its slopes are divided by $B$.

# %% [markdown] slide="What the model said, minus what came"
# $$\text{gradient of one row} = \text{softmax} - \text{one-hot}$$
#
# One formula for all slopes. And check it: push each logit and look.
#
# Notes: Derive it at the board: the surprise is ln of the sum of exponentials, minus the target's
# logit. Only one term of the sum contains a given logit. Do not trust algebra, check it: finite
# differences know nothing of the derivation, and they agree to five digits.

# %% [markdown] contract="grad_logits"
# `grad_logits(logits, targets)` takes the same two tensors as `cross_entropy` and returns the gradient
# of that loss: a float tensor of shape `(B, V)`, with the slope for each logit. It is as stable as the
# loss, also with logits of hundreds. `logits` and `targets` stay as they were.
#
# For example, with `logits = [[0, 0], [0, 0]]` and `targets = [0, 1]` both rows of probabilities are
# `[0.5, 0.5]`, and the result is `[[-0.25, 0.25], [0.25, -0.25]]`.
#
# You have `softmax` and `one_hot`. Torch's own ways to find gradients (`backward`, `grad`, `jacfwd`) are
# refused here: this one is by hand.


# %% exercise="grad_logits" minutes=6 level=2
def grad_logits(logits, targets):
    """Return the slopes of cross_entropy(logits, targets) for each logit: (B, V)."""
    ### BEGIN SOLUTION
    B, V = logits.shape
    return (softmax(logits) - one_hot(targets, V)) / B
    ### END SOLUTION


# %% check="grad_logits" tags=["nbval-check-output"]
check("grad_logits")

# %% [markdown] fold="Hint 1: the two parts"
# `softmax(logits)` has shape `(B, V)`. `one_hot(targets, V)` has the same shape, and `V` is the number
# of columns, `logits.shape[1]`.

# %% [markdown] fold="Hint 2: the mean"
# Divide by the number of rows, `len(logits)`, and not by the number of all entries.

# %% [markdown]
# Do not trust algebra, check it. Finite differences know nothing of our derivation. With float64,
# which holds 16 digits, and a push to both sides they are very exact.

# %% tags=["demo", "nbval-check-output"]
if check.ready("cross_entropy", "grad_logits"):
    torch.manual_seed(0)
    logits = torch.randn(4, 5, dtype=torch.float64)
    targets = torch.tensor([0, 3, 3, 4])
    by_hand = grad_logits(logits, targets)
    by_pushing = torch.zeros(4, 5, dtype=torch.float64)
    for i in range(4):
        for j in range(5):
            push = torch.zeros(4, 5, dtype=torch.float64)
            push[i, j] = 0.0001
            rise = cross_entropy(logits + push, targets) - cross_entropy(logits - push, targets)
            by_pushing[i, j] = rise / 0.0002
    print("row 0, by hand:     ", [round(x, 5) for x in by_hand[0].tolist()])
    print("row 0, by pushing:  ", [round(x, 5) for x in by_pushing[0].tolist()])
    print("all alike:", torch.allclose(by_hand, by_pushing, atol=1e-6))

# %% [markdown]
# Now the real text. In a net with `W = 0`, what do all the pairs that begin with a `t` want from its
# row of logits?

# %% tags=["demo"]
if check.ready("grad_logits"):
    after_t = train_ids[1:][train_ids[:-1] == chars.index("t")]  # what came after each t
    slopes = grad_logits(torch.zeros(len(after_t), V), after_t).sum(dim=0)  # (V,) all together
    order = slopes.abs().argsort(descending=True)[:14]
    figure, axes = plt.subplots(figsize=(8, 3))
    colours = ["#0072b2" if slopes[j] < 0 else "#d55e00" for j in order]
    axes.bar(range(len(order)), slopes[order], color=colours)
    axes.axhline(0, color="#222222", linewidth=0.5)
    axes.set_xticks(range(len(order)), [names[j] for j in order])
    axes.set(xlabel="logit in the row of t (the 14 steepest)", ylabel="slope (nats per unit)")
    plt.show()
    shares = counts[chars.index("t")] / counts[chars.index("t")].sum()
    same = torch.allclose(slopes, softmax(torch.zeros(V)) - shares, atol=1e-4)
    print(f"The steepest is {chars[order[0]]!r}, {slopes[order[0]]:.3f}: up with it.")
    print("All slopes are softmax minus the counted shares:", same)

# %% [markdown] slide="What pulls at the net is softmax minus the counts" picture="above"
# The row of `t` at the start. Blue wants up, orange wants down.
#
# Notes: In each pair the target is a one-hot row, and the mean of all these rows is the row of
# counted shares. So the net never counts, and yet what pulls at it is, all together, softmax minus
# the counts. Orange bars of the same height are characters that never came: nothing pulls them up.

# %% [markdown]
# *The picture: negative slopes are logits that want to go up, positive ones want down. Those that
# often came after `t` want up. Orange bars of the same height are characters that never came: nothing
# pulls them up.* And keep the last line in mind. In each pair the target is a one-hot
# row, and the *mean of all those one-hot rows is the row of counted shares*. The net never counts.
# But what pulls at it is, all together, softmax minus the counts.

# %% [markdown]
# ## Who finds the slopes of a large net?
#
# Finite differences find any slope. But they need the loss twice for each parameter: pushed up, and
# pushed down. Our net has `V * V` parameters; one that chats has billions.
#
# Algebra gave us all slopes at once. But it has to be done anew for each new net, and one slip ruins
# it.
#
# There is a third way: **let the computer do the algebra, while it computes.** It is called
# *automatic differentiation*, or autograd. Seppo Linnainmaa described it in 1970, in his master's
# thesis. Nearly every net of today is trained with it. It rests on one idea, so let us look at that idea in
# the smallest example:
#
# ```
#   a = 2
#   b = 3
#   c = a * b          6
#   result = c + a     8
# ```
#
# **Predict first.** Push `a` up by 0.001. By how much does the result change? How many times the push
# is that?

# %% tags=["demo", "nbval-check-output"]
a, b, push = 2, 3, 0.001
before = a * b + a
after = (a + push) * b + (a + push)
print(f"{(after - before) / push:.3f}")

# %% [markdown] slide="Along a path multiply, where paths meet add"
# ```python
# a, b, push = 2, 3, 0.001
# before = a * b + a
# after = (a + push) * b + (a + push)
# print(f"{(after - before) / push:.3f}")
# ```
#
# Notes: The answer is 4: the push takes two ways. Through the product it becomes three times as
# large, and straight into the sum it stays as it is. These two rules are the chain rule. Each
# operation needs to know only its own slopes, so the computer can do the algebra while it
# computes. Linnainmaa, 1970.

# %% [markdown] fold="Why 4?"
# The push takes two ways to the result. Through `c`: it becomes 3 times as large there, as `c` is
# `a * 3`. And `c` goes into the result as it is. And straight: `a` is added to the result, as it is.
# That makes 3 + 1.

# %% [markdown]
# Write the slope of each single operation beside its arrow:
#
# ```
#    a = 2 ───────── 1 ─────────┐
#      │                        ├──> result = c + a = 8
#      └── 3 ──┐                │
#              ├──> c = 6 ─ 1 ──┘
#    b = 3 ─ 2 ┘
# ```
#
# Each operation needs to know only its own slopes. In `c = a * b`, a push of `a` is multiplied by `b`,
# and a push of `b` by `a`. In `c + a`, each push goes through as it is: slope 1. Then there are two
# rules, and these are the *chain rule* of mathematics:
#
# > **Along a path, multiply** the slopes. Where **several paths** meet, **add**.
#
# For `a` that is 1 + 3 · 1 = 4, and for `b` it is 2 · 1 = 2.
#
# In a large net there are far too many paths to walk each one: every layer multiplies their number. So
# we begin at the result and go back, one operation at a time. Each number keeps its slope so far in a place called
# `grad`: how much the *result* changes per push of this number. The result's own `grad` is 1. Then
# each number, when its turn comes, gives something to the numbers that it was made of, its
# **parents**:
#
# > to the parent's `grad` is **added**: the slope on the arrow × my own `grad`.
#
# This goes through each arrow once, however many paths there are.

# %% [markdown]
# For this you need a kind of number that Python does not have. A **class** describes a new kind of
# thing. `Value(2.0)` makes one: Python calls the function `__init__` of the class, with the new thing
# as `self` and 2.0 as `data`, and `self.data = data` keeps the number in it. A function of a class is
# called a **method**: in `a.exp()`, `self` is `a`. Names with two underscores on each side are called
# by Python itself: `__repr__` when a Value is printed, `__add__` for a `+`.

# %% [markdown] contract="backward_add_mul"
# `Value` is a number that remembers what it was made of. Every operation returns a new `Value` with
# three things: the number, `data`; its `parents`, a tuple of Values, `self` first; and `slopes`, plain
# numbers, one for each parent, in the same order. (Lists do as well.) The Values that it was made of
# stay as they are. `exp` and `log` show how: the slope of $e^x$ is $e^x$ itself, and the slope of $\ln x$ is $1/x$.
#
# Write three methods:
#
# - `__add__(self, other)` is what Python calls for `self + other`. It returns the sum of two Values.
# - `__mul__(self, other)` is what it calls for `self * other`. It returns their product.
# - `pass_back(self)` gives to each parent what comes to it through `self`, by the rule above. Its own
#   `grad` stays. A Value without parents gives nothing.
#
# For example, with `a = Value(2.0)`, `b = Value(3.0)` and `c = a * b`: `c.data` is 6, `c.parents` is
# `(a, b)`, `c.slopes` is `(3.0, 2.0)`. Set `c.grad = 10.0` and call `c.pass_back()`: now `a.grad` is
# 30 and `b.grad` is 20. The same number may come in twice, as in `a * a`: it gets both parts.


# %% exercise="backward_add_mul" minutes=18 level=3
class Value:
    """A number that remembers what it was made of.

    `parents` are the Values that it was made of, and `slopes` say how much it changes per push of
    each of them. `grad` is how much the result changes per push of this number.
    """

    def __init__(self, data, parents=(), slopes=()):
        self.data = data
        self.parents = parents
        self.slopes = slopes
        self.grad = 0.0

    def __repr__(self):
        return f"Value({self.data:.3f}, grad={self.grad:.3f})"

    def exp(self):
        result = math.exp(self.data)
        return Value(result, parents=(self,), slopes=(result,))

    def log(self):
        return Value(math.log(self.data), parents=(self,), slopes=(1 / self.data,))

    def __add__(self, other):
        ### BEGIN SOLUTION
        return Value(self.data + other.data, parents=(self, other), slopes=(1.0, 1.0))
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        product = self.data * other.data
        return Value(product, parents=(self, other), slopes=(other.data, self.data))
        ### END SOLUTION

    def pass_back(self):
        """Add to each parent's `grad` what comes to it through this number."""
        ### BEGIN SOLUTION
        for parent, slope in zip(self.parents, self.slopes, strict=True):
            parent.grad += slope * self.grad
        ### END SOLUTION


# %% check="backward_add_mul" tags=["nbval-check-output"]
check("backward_add_mul")

# %% [markdown] fold="Hint 1: what is made"
# Both operations look like the one line of `log`, with two parents, `(self, other)`. The numbers to
# compute with are `self.data` and `other.data`.

# %% [markdown] fold="Hint 2: which slopes?"
# How much does `a + b` change when you push `a`? By the same amount: slope 1. How much does `a * b`
# change when you push `a`? `b` times as much. So each of the two gets the *other* one's number.

# %% [markdown] fold="Hint 3: passing back"
# `zip(self.parents, self.slopes)` gives each parent with its slope. In the loop, add `slope * self.grad`
# to `parent.grad`. Add it, with `+=`: something may stand there already.

# %% [markdown]
# Now who calls `pass_back`, and when? In the example the result goes first. Then `c`. Look what
# happens if the order is wrong.
#
# **Predict first.** Here `d` is made of `c`, and the result of `c` and `d`. Both give something to `c`.
# When is it `c`'s turn?
#
# ```
#   c = a * b
#   d = c * c
#   result = c + d
# ```

# %% [markdown] fold="Answer"
# After the result *and* after `d`. Before that, `c.grad` is not complete, and `c` would pass on too
# little. Going to the result's parents in the order in which they stand, first `c`, then `d`, is wrong.

# %% tags=["demo", "nbval-check-output"]
if check.ready("Value"):
    for turns in ("result c d", "result d c"):
        a, b = Value(2.0), Value(3.0)
        c = a * b
        d = c * c
        result = c + d
        result.grad = 1.0
        made = {"result": result, "c": c, "d": d}
        for name in turns.split():
            made[name].pass_back()
        print(f"in the order {turns}: {a}, {b}")
    print(f"by pushing a: {((2.001 * 3 + (2.001 * 3) ** 2) - (6 + 6**2)) / 0.001:.1f}")

# %% [markdown] slide="Whose turn is it? A number waits for all that it went into"
# ```python
# a, b = Value(2.0), Value(3.0)
# c = a * b
# d = c * c
# result = c + d
# ```
#
# First the result, then `d`, then `c`.
#
# Notes: Both d and the result give something to c. If c passes on before d has given its part, the
# slopes come out too small: 3 in place of 39. An order in which each number comes after all that
# was made of it is a topological order, gone through backward. Like taking off clothes.

# %% [markdown]
# So: **a number's turn comes when everything that was made of it has had its turn.** An order in which
# all parents come before what is made of them is called a *topological order*. Go through it backward.
#
# How do you find such an order? Like putting on clothes: to put on a shoe, first put on the sock, if it
# is not on yet; then the shoe. To list a Value, first list its parents, if they are not listed yet;
# then the Value itself. "To list the parents" is the same task again, so let the function call itself.
# This is called *recursion*. `put_on("shoes")` calls `put_on("socks")`, and on they go, as socks need
# nothing. Then it calls `put_on("trousers")`, which first calls `put_on("pants")`. Pants, trousers, and
# last the shoes.

# %% tags=["demo", "nbval-check-output"]
needs = {"shoes": ["socks", "trousers"], "trousers": ["pants"], "coat": ["shirt", "trousers"]}


def get_dressed(things):
    """Return `things` and all that they need, each thing once, in the order to put them on."""
    dressed = []

    def put_on(thing):
        if thing not in dressed:
            for other in needs.get(thing, []):
                put_on(other)
            dressed.append(thing)

    for thing in things:
        put_on(thing)
    return dressed


dressed = get_dressed(["shoes", "coat"])
print("on: ", dressed)
print("off:", list(reversed(dressed)))

# %% [markdown]
# The second line is the order for taking them off, and it is the one you need: nothing comes off before
# what was put on over it.

# %% [markdown] contract="backward"
# `backward(result)` takes the Value at the end of an expression. It sets `result.grad = 1.0`. Then it
# calls `pass_back()` of every Value from which the result was made, and of the result, **once each**,
# and never before everything that was made of that Value has passed back.
#
# It finds the Values through `.parents`; a Value without parents has `()` there, and need not be
# called. Two different Values may have the same number. Before the call, all `grad` are 0, and some of
# the Values may have been part of another result. An expression has at most a few hundred Values.
#
# After `backward(result)` in the example with `c` and `d`, `a.grad` is 39 and `b.grad` is 26.


# %% exercise="backward" minutes=22 level=4
def backward(result):
    """Set `grad` of every Value that `result` was made of: the slope of the result for it."""
    ### BEGIN SOLUTION
    order = []  # parents before what was made of them

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    result.grad = 1.0  # push the result, and the result moves by as much
    for value in reversed(order):
        value.pass_back()
    ### END SOLUTION


# %% check="backward" tags=["nbval-check-output"]
check("backward")

# %% [markdown] fold="Hint 1: the parts"
# Three parts. Make a list `order`, with parents before what is made of them. Set `result.grad` to 1.
# Go through the list backward and call `pass_back()` of each.

# %% [markdown] fold="Hint 2: the order"
# It is `put_on` with other names: `order` in place of `dressed`, `value.parents` in place of
# `needs.get(thing, [])`. Define list and function inside `backward`, and call the function once, for
# `result`. (`value not in order` asks for this very Value. Another one with the same number does not
# count.)

# %% [markdown]
# Your autograd is complete: a few lines that find the slopes of any expression made of sums, products,
# $e^x$ and $\ln$. That is enough for a cross-entropy. Take three logits, 2, 1 and -1, and say the
# second character came. No softmax formula is used here, only single operations.

# %% tags=["demo", "nbval-check-output"]
if check.ready("Value", "backward", "grad_logits"):
    x0, x1, x2 = Value(2.0), Value(1.0), Value(-1.0)
    e0, e1, e2 = x0.exp(), x1.exp(), x2.exp()
    e01 = e0 + e1
    total = e01 + e2
    log_total = total.log()
    minus_x1 = x1 * Value(-1.0)
    surprise = log_total + minus_x1  # ln of the sum of exps, minus the target's logit
    backward(surprise)
    print(f"surprise {surprise.data:.4f}")
    print("your autograd:", [round(x.grad, 4) for x in (x0, x1, x2)])
    by_hand = grad_logits(torch.tensor([[2.0, 1.0, -1.0]]), torch.tensor([1]))
    print("your algebra: ", [round(slope, 4) for slope in by_hand[0].tolist()])

# %% [markdown]
# The machine has never heard of "softmax minus one-hot", and found it. Here is what it went through.
# (The cell only draws: you may skip its code.)

# %% tags=["demo"]
if check.ready("surprise"):
    places = [  # each Value, its name, and where it stands in the picture
        (x0, "x0", 0, 3),
        (x1, "x1", 0, 2),
        (x2, "x2", 0, 1),
        (e0, "exp", 1, 3),
        (e1, "exp", 1, 2),
        (e2, "exp", 1, 1),
        (e01, "+", 2, 2.5),
        (total, "+", 3, 2),
        (log_total, "log", 4, 2),
        (minus_x1, "× -1", 4, 0.2),
        (surprise, "surprise", 5, 1.1),
    ]
    spots = {value: (x, y) for value, _, x, y in places}
    centre = {"ha": "center", "va": "center"}
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "#0072b2"}
    label = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    figure, axes = plt.subplots(figsize=(11, 4))
    for value, name, x, y in places:
        text = f"{name}\n{value.data:.2f}\ngrad {value.grad:.2f}"
        axes.text(x, y, text, bbox=box, zorder=3, **centre)
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            if parent in spots:  # the constant -1 is left out
                left, low = spots[parent]
                axes.plot([left, x], [low, y], color="#949494")
                middle = 0.45 * left + 0.55 * x, 0.45 * low + 0.55 * y
                axes.text(*middle, f"{slope:.2f}", color="#a04000", bbox=label, **centre)
    axes.set(xlim=(-0.4, 5.4), ylim=(-0.4, 3.6))
    axes.axis("off")
    plt.show()
    print("x1 has two ways to the surprise: through exp, and through × -1. Its slopes add up.")

# %% [markdown] slide="Autograd finds softmax minus one-hot by itself" picture="above"
# Numbers flow to the right, slopes to the left.
#
# Notes: This is the student's own autograd on one cross-entropy with three logits. Take any box:
# its grad is the sum, over the lines to its right, of slope times the grad there. The machine has
# never heard of softmax. Torch does the same with tensors.

# %% [markdown]
# *The picture: numbers flow from left to right, slopes from right to left. In each box: the operation,
# its number, its `grad`. On each line, in orange: the slope of that single operation. Take any box: its
# `grad` is the sum, over the lines to its right, of slope times the `grad` there.*
#
# Torch does the same, with tensors in place of numbers. Tell it with `requires_grad=True` for which
# tensors you want slopes. From then on it takes notes, as your Values do. `loss.backward()` goes back
# through them and leaves the slopes in `.grad`.

# %% tags=["demo", "nbval-check-output"]
if check.ready("cross_entropy", "grad_logits"):
    torch.manual_seed(0)
    logits = torch.randn(4, 5, requires_grad=True)
    targets = torch.tensor([0, 3, 3, 4])
    loss = cross_entropy(logits, targets)
    loss.backward()
    print("the same as your algebra:", torch.allclose(logits.grad, grad_logits(logits, targets)))

# %% [markdown]
# It does not matter how long the computation is: going back takes about twice as much work as going
# forward did. For our net the comparison is this:

# %% tags=["demo", "nbval-check-output"]
print(f"by pushing:   {2 * V * V:,} times the work of one loss, for the {V * V:,} slopes of W")
print("by autograd:  about 3 times the work of one loss, for any number of slopes")

# %% [markdown] slide="Why every net is trained with it"
# The 4,096 slopes of `W` cost
#
# - by pushing: **8,192** times the work of one loss
# - by autograd: about **3** times, for any number of slopes
#
# Notes: Going back takes about twice the work of going forward, however long the computation is.
# With billions of parameters, pushing is out of the question. One trap: torch adds to grad, since
# a number may have several ways to the result. So clear it after each step.

# %% [markdown]
# One more thing, and it is the one that people forget most often.
#
# **Predict first.** The next cell asks for the slope of $3w$ twice. The slope is 3. What does it print?

# %% tags=["demo", "nbval-check-output"]
w = torch.tensor(2.0, requires_grad=True)
for _ in range(2):
    loss = 3 * w
    loss.backward()
    print(w.grad)

# %% [markdown] fold="Why?"
# Torch *adds* to `.grad`, as your `pass_back` does with `+=`, because a number may have several ways
# to the result. It cannot know that the second loss is a new one. So after each use **you** have to
# clear the gradient: `w.grad = None`.

# %% [markdown]
# ## How far should a step go?
#
# You know the way down. Now take a step: move each parameter against its slope,
#
# $$w \leftarrow w - \text{lr} \cdot \text{slope}.$$
#
# `lr` is the **learning rate**: a number, chosen by you, that says how far to go. Where the slope is
# steep, the step is long; where it is flat, short. Step after step, this is **gradient descent**.
# Augustin-Louis Cauchy thought of it in 1847, for the equations of orbits in the sky.
#
# In torch, there are two traps on the way. The first:

# %% tags=["demo", "nbval-check-output"]
w = torch.tensor([1.0, 2.0], requires_grad=True)
kept = w  # a second name for the same tensor: the net's name for it, say
with torch.no_grad():  # in here torch takes no notes
    w = w - 0.5  # a NEW tensor; the name w now means that one
print(kept, w)

w = kept
with torch.no_grad():
    w -= 0.5  # changes the tensor itself, whatever its names are
print(kept, w)

# %% [markdown]
# A step must change the tensor itself, **in place**, with `-=`: the net holds that tensor, and would
# never learn of a new one. The second trap: the step is not part of the loss, so torch must not take
# notes of it. It has to happen under `torch.no_grad()`. Without that, the line `w -= 0.5` is an error.

# %% [markdown] contract="sgd_step"
# `sgd_step(parameters, lr)` takes a list of tensors that require gradients, each with its slopes in
# `.grad`. It moves each of them **in place** by `lr` times its slopes, downhill, and then **clears**
# its gradient: `.grad` becomes `None` (or a tensor of zeros). It still requires gradients,
# and torch takes notes afterwards if it did so before.
#
# `lr` is a number, or a tensor that stretches over the parameter by broadcasting.
#
# For example, a parameter `[1.0, 2.0]` with `.grad` `[0.5, -1.0]` becomes `[0.95, 2.1]` with
# `lr = 0.1`.


# %% exercise="sgd_step" minutes=8 level=2
def sgd_step(parameters, lr):
    """Move each tensor of `parameters` downhill by `lr` times its gradient, and clear that."""
    ### BEGIN SOLUTION
    with torch.no_grad():  # the step itself is no part of any loss
        for parameter in parameters:
            parameter -= lr * parameter.grad
            parameter.grad = None
    ### END SOLUTION


# %% check="sgd_step" tags=["nbval-check-output"]
check("sgd_step")

# %% [markdown] fold="Hint 1: the shape of it"
# `with torch.no_grad():`, and in it a loop over the parameters. In the loop two lines: the step, and
# the clearing. In that order.

# %% [markdown] fold="Hint 2: the step"
# `parameter -= ...`, and on the right `lr` times what stands in `parameter.grad`. With
# `parameter = parameter - ...` the name `parameter` would mean a new tensor, and the old one stays as
# it was.

# %% [markdown]
# Back to the ten `t`, with their three logits. Only differences between logits matter, so leave that of
# the space at 0. Two are left, those of `h` and `o`, and two can be drawn on a map.
#
# **Predict first.** Three learning rates: 0.3, 3 and 9. What will 40 steps with each of them look like?
# (Most of the code draws. The walk itself is in `walk`.)

# %% tags=["demo"]
if check.ready("cross_entropy", "sgd_step"):
    h_axis, o_axis = torch.linspace(-2.5, 4.5, 71), torch.linspace(-2.5, 4, 66)
    heights = [[small_loss(torch.tensor([h, o, 0])).item() for h in h_axis] for o in o_axis]
    lowest = small_loss(torch.tensor([math.log(6), math.log(3), 0])).item()
    levels = [lowest + 0.01 * 1.6**k for k in range(14)]  # closer together near the bottom

    def walk(lr, steps):
        """Return the places (h, o) that gradient descent goes through, and the last loss."""
        pair = torch.tensor([-1.5, 3.0], requires_grad=True)
        path = [pair.tolist()]
        while len(path) <= steps:
            loss = small_loss(torch.cat([pair, torch.zeros(1)]))
            loss.backward()
            sgd_step([pair], lr)
            path.append(pair.tolist())
        return path, small_loss(torch.cat([pair.detach(), torch.zeros(1)]))

    def draw_walk(axes, lr, steps):
        """Draw the map of the loss and the walk on it; return the last loss."""
        path, last = walk(lr, steps)
        axes.contour(h_axis, o_axis, heights, levels, colors="#949494", linewidths=0.8)
        axes.plot(*zip(*path, strict=True), "o-", color="#0072b2", markersize=3, linewidth=1)
        axes.plot(math.log(6), math.log(3), "*", color="#d55e00", markersize=14)
        axes.set(xlim=(-2.5, 4.5), ylim=(-2.5, 4), xlabel="logit of h", ylabel="logit of o")
        axes.set_title(f"lr = {lr:.3g}, {steps} steps: loss {last:.3f}", fontsize=10)
        return last

    figure, all_axes = plt.subplots(1, 3, figsize=(12, 3.8))
    ends = [draw_walk(axes, lr, 40) for axes, lr in zip(all_axes, (0.3, 3, 9), strict=True)]
    figure.tight_layout()
    plt.show()
    for lr, last in zip((0.3, 3, 9), ends, strict=True):
        print(f"lr = {lr}: loss {last:.3f} after 40 steps")
    print(f"at the star, the lowest place: {lowest:.3f}")

# %% [markdown] slide="The learning rate: creep, arrive, or jump" picture="above"
# $w \leftarrow w - \text{lr} \cdot \text{slope}$, again and again.
#
# Notes: The loss as a map: each grey line joins places of equal loss. Too small a rate does not
# arrive, and too large a rate jumps over the valley and back. The star is at ln 6 and ln 3: the
# logits at the lowest place are the logarithms of the counts. Cauchy, 1847.

# %% [markdown]
# *The picture: the loss as a map; each grey line joins places of equal loss. The walk begins at the top
# left, the star is the lowest place. Left: too small a rate creeps and does not arrive. Middle: a good
# one arrives. Right: too large a rate jumps over the valley, lands on the other side, and jumps
# again.* With such a rate the loss does not fall, however long you wait.
#
# Where is the star? At $\ln 6$ and $\ln 3$: with the third logit at 0 the probabilities are 6, 3 and 1
# tenths. The logits at the lowest place are **the logarithms of the counts**.
#
# **Something to play with.** Choose the power of ten of the learning rate, and the number of steps.
# Which rate gets nearest to the star in 10 steps? From which rate on does it never arrive?

# %% tags=["demo"]
if check.ready("cross_entropy", "sgd_step"):

    def descend(power, steps):
        last = draw_walk(plt.figure(figsize=(5.5, 4.5)).gca(), 10**power, steps)
        plt.show()
        print(f"learning rate {10**power:.3g}, {steps} steps: loss {last:.4f}")

    play(descend, power=(-1.0, 1.0, 0.1), steps=(1, 60))

# %% [markdown] fold="Answer"
# In 10 steps, the power 0.6 gets nearest: a rate of 4. From the power 0.7 on, a rate of 5, the walk
# never arrives, however many steps you give it: it jumps to and fro across the star.

# %% [markdown]
# ## Does it find the counts again?
#
# Now the whole net. The loop is always the same, for this net and for the largest: compute the loss,
# go back, take a step; many times.
#
# One thing is special here. Each step wants the loss on the whole text: a row of logits for each of its
# pairs, about a million. But there are only `V * V` *different* pairs. So count how often each of them
# is asked, and compute its surprise once:


# %%
def table_loss(logits, counts):
    """Return the mean surprise over all counted pairs, (V, V) each: a tensor (), in nats."""
    logprobs = logits - logits.logsumexp(dim=1, keepdim=True)  # (V, V) ln softmax, stable
    return -(counts * logprobs).sum() / counts.sum()


# %% [markdown]
# (`logsumexp` is torch's name for what you did in `cross_entropy`: the logarithm of the sum of exps,
# with the largest taken out.) It is the same number as `text_loss`, up to rounding:

# %% tags=["demo", "nbval-check-output"]
if check.ready("cross_entropy", "text_loss"):
    validation_counts = count_bigrams(validation_ids, V)
    for name, logits in {"W = 0": torch.zeros(V, V), "W = counted.log()": counted.log()}.items():
        by_pairs = text_loss(logits, validation_ids)
        by_table = table_loss(logits, validation_counts)
        print(f"{name:<18} text_loss {by_pairs:.3f}, table_loss {by_table:.3f}")

# %% [markdown] contract="train_bigram"
# `train_bigram(counts, steps, lr)` trains the net from nothing. `counts` is a float tensor of shape
# `(V, V)`. Begin with logits that are all 0, of shape `(V, V)`. Then do `steps` times: compute
# `table_loss(logits, counts)`, go back, and step with your `sgd_step`. It wants a list of tensors: here a
# list of one. (`lr` may be a tensor that stretches; just hand it on.) `steps` may be 0, and `counts`
# stays as it was.
#
# Return two things: the logits, cut off from torch's notes with `.detach()`, and the list of the
# `steps` losses, plain floats (`.item()`), each as it was *before* its step.
#
# For example, `train_bigram(torch.tensor([[3.0, 1.0], [1.0, 1.0]]), 1, 1.0)` returns
# `[[0.167, -0.167], [0, 0]]` and `[0.693]`, which is $\ln 2$.


# %% exercise="train_bigram" minutes=12 level=3
def train_bigram(counts, steps, lr):
    """Return logits (V, V), trained on `counts` (V, V) from zeros, and the loss before each step."""
    ### BEGIN SOLUTION
    logits = torch.zeros(counts.shape, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = table_loss(logits, counts)
        loss.backward()  # leaves the slopes in logits.grad
        sgd_step([logits], lr)
        losses.append(loss.item())
    return logits.detach(), losses
    ### END SOLUTION


# %% check="train_bigram" tags=["nbval-check-output"]
check("train_bigram")

# %% [markdown] fold="Hint 1: before the loop"
# `torch.zeros(counts.shape, requires_grad=True)` are the logits, and `[]` is the list. Both are made
# once, before the loop. The loss belongs into the loop: it is a new one in every step.

# %% [markdown] fold="Hint 2: in the loop"
# Four lines: the loss; going back, with its `.backward()`; your `sgd_step`, which wants a list of
# parameters, here a list of one; and the loss as a plain float, appended to `losses`.

# %% [markdown]
# To begin with: which learning rate? Try three. (We train on `counts + 1`, as Laplace would. So the
# net reads the same text as the counted table did: the training text, and each pair once more.)

# %% tags=["demo"]
smoothed = counts + 1
share = smoothed.sum(dim=1, keepdim=True) / smoothed.sum()  # (V, 1) of all pairs, each row's share
if check.ready("train_bigram", "sgd_step"):
    curves = {}
    for lr in (1, 30, 300):
        _, descent = train_bigram(smoothed, 300, lr)
        curves[f"lr = {lr}"] = (range(300), descent)
    display(plots.loss_curves(curves))
    for name, (_, descent) in curves.items():
        print(f"{name}: {descent[0]:.3f} at first, {descent[-1]:.3f} in the last step")

# %% [markdown] slide="The loop is the same for every net" picture="above"
# Compute the loss, go back, take a step.
#
# Notes: Now the whole net with its 4,096 parameters. A rate of 1 creeps, 300 jumps up and down,
# and 30 falls quickly at first and then ever more slowly. This loop is also that of the largest
# models; only the net gets larger.

# %% [markdown]
# *The picture: the loss on the training pairs. A rate of 1 is too small and creeps. A rate of 300 is
# too large: the loss jumps up and down and gets nowhere. With 30 it falls quickly at first, and then
# ever more slowly.* Give that one ten times as many steps:

# %% tags=["demo"]
if check.ready("cross_entropy", "text_loss", "sgd_step", "train_bigram"):
    one_rate, one_rate_losses = train_bigram(smoothed, 3000, 30)
    counted_loss = nll(counted, validation_ids)
    print(f"counted:   {counted_loss:.4f} nats per character on validation text")
    print(f"one rate:  {text_loss(one_rate, validation_ids):.4f}")

# %% [markdown]
# Near, but not there. Who is late? Each row of the net is a little model of its own, so ask each row
# how far its probabilities $p$ still are from the counted ones, $q$. The measure is how much loss the
# row could still save, $\sum_j q_j (\ln q_j - \ln p_j)$, in nats.
#
# **Predict first.** Which rows are late: those of frequent characters, or those of rare ones?

# %% tags=["demo"]
if check.ready("one_rate"):

    def late(logits):
        """Return for each row how much loss it could still save: (V,), in nats."""
        saved = (counted * (counted.log() - softmax(logits).log())).sum(dim=1)
        return saved.clamp(min=1e-6)  # what is less is rounding

    often = counts.sum(dim=1)  # (V,) how often each character was the first of a pair
    kinds = (counts > 0).sum(dim=1)  # (V,) how many different characters came after it
    figure, axes = plt.subplots(figsize=(7, 3.6))
    axes.plot(often, late(one_rate), "o", color="#d55e00", label="one rate, 3,000 steps")
    axes.set(xscale="log", yscale="log", ylabel="loss to be saved\n(nats, log scale)")
    axes.set_xlabel("how often the row's character came (log scale)")
    axes.legend()
    plt.show()
    order = late(one_rate).argsort().tolist()
    for name, some in {"latest": order[:-5:-1], "earliest": order[:4]}.items():
        print(f"{name}:")
        for i in some:
            print(f"  {chars[i]!r} came {often[i]:,.0f} times; different ones after it: {kinds[i]}")

# %% [markdown]
# *The picture: each dot is a row. By and large, the further to the left, where characters are rare, the
# more is left to save.*

# %% [markdown] fold="Why?"
# By and large, the rare ones. The loss is a mean over all pairs. If only one pair in ten thousand
# begins with this character, then only one in ten thousand pulls at its row: the row's gradient is its
# *share* of the pairs times (softmax − counted). So each step moves it that much less.
#
# How often is not all. In the fables `(` and `)` come equally often, and one of them is among the
# latest, the other among the earliest. Many different characters come after `(`. After `)` comes a space
# or a newline, about half and half: there is little to learn. After `q` there is even less.

# %% [markdown]
# A larger rate for all would help the rare rows and make the frequent ones jump. So give **each row
# its own rate**: divide by the row's share of the pairs. Rows share no parameters, so one row's rate
# does not disturb the others. And the rate has the shape `(V, 1)`, so it stretches over the table by
# broadcasting: your `sgd_step` can do it already.
#
# (Lesson 07 has a method that finds a good rate for every single parameter by itself: Adam.)

# %% tags=["demo"]
if check.ready("one_rate"):
    own_rates, own_rates_losses = train_bigram(smoothed, 3000, 3 / share)
    print(f"counted:    {counted_loss:.4f} nats per character on validation text")
    print(f"one rate:   {text_loss(one_rate, validation_ids):.4f}")
    print(f"own rates:  {text_loss(own_rates, validation_ids):.4f}")
    lowest = table_loss(counted.log(), smoothed).item()  # the counted table, on the same pairs
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8))
    for name, logits, descent, color in (
        ("one rate", one_rate, one_rate_losses, "#d55e00"),
        ("a rate for each row", own_rates, own_rates_losses, "#0072b2"),
    ):
        left.plot(range(1, 3001), torch.tensor(descent) - lowest, color=color, label=name)
        right.plot(often, late(logits), "o", color=color, label=name)
        near = sum(loss > lowest + 0.01 for loss in descent)
        print(f"{name}: {near:,} steps until the training loss is within 0.01 of the lowest.")
        print(f"  After 3,000 steps the latest row could still save {late(logits).max():.4f} nats.")
    left.set(xscale="log", yscale="log", xlabel="step (log scale)")
    left.set_ylabel("training loss above that of\nthe counts (nats, log scale)")
    left.legend(loc="lower left")
    right.set(xscale="log", yscale="log", ylabel="loss to be saved\n(nats, log scale)")
    right.set_xlabel("how often the row's character came (log scale)")
    figure.tight_layout()
    plt.show()

# %% [markdown] slide="Rare characters come last" picture="above"
# A row's gradient is its **share** of the pairs. So give each row its own rate.
#
# Notes: The loss is a mean over all pairs. If one pair in ten thousand begins with a character,
# then so little pulls at its row. One rate for all is too small for some and too large for others.
# Dividing by the share mends that here; Adam, in lesson 07, finds a rate for each parameter by
# itself.

# %% [markdown]
# *Left: how far the training loss is above the lowest one there is. With one rate for all it takes
# several times as many steps to come as near. Right: the rows after 3,000 steps. With rates of their own
# the rare rows have arrived. (The dots at the very bottom: below a millionth it is rounding.) Now the
# frequent rows are last. They hold the rarest pairs, and the logits of these must go furthest down.*
#
# More steps, then. (One rate for all would arrive, too, but later.)

# %% tags=["demo"]
if check.ready("train_bigram", "text_loss", "one_rate"):
    learnt, _ = train_bigram(smoothed, 15_000, 3 / share)
    learnt_loss = text_loss(learnt, validation_ids).item()
    by_gradient = softmax(learnt)
    figure, axes = plt.subplots(figsize=(5, 4.4))
    axes.plot(counted.flatten(), by_gradient.flatten(), ".", color="#0072b2", markersize=3)
    axes.plot([1e-6, 1], [1e-6, 1], "--", color="#949494", linewidth=1)
    axes.set(xscale="log", yscale="log", title=f"all {V * V:,} probabilities")
    axes.set(xlabel="counted (log scale)", ylabel="by gradient (log scale)")
    plt.show()
    print(f"counted:      {counted_loss:.4f} nats per character on validation text")
    print(f"by gradient:  {learnt_loss:.4f}")
    print(f"No probability differs by more than {(by_gradient - counted).abs().max():.5f}.")

# %% [markdown] slide="It finds the counts again" picture="above"
# Counted: **2.3991**. By gradient: **2.3992**.
#
# Notes: Each dot is a pair of characters, and on the dashed line both tables agree. Those below
# are pairs that never came and are still on their way down. It was no luck: where the slopes are
# zero the table is the counted one, and the loss is one single bowl. With the nets to come that is
# no longer so.

# %% [markdown]
# *The picture: each dot is a pair; on the dashed line both tables agree. If any are off it, then the
# very smallest, of pairs that never came. They are still on their way down: the loss hardly feels them,
# so they hurry least.*
#
# There it is: gradient descent found what you had counted, and all it was ever told was how the loss
# changes. (If you would like to see the last digits agree too, give it more steps.)
#
# They write the same, too:

# %% tags=["demo"]
if check.ready("learnt"):
    for name, probs in {"counted": counted, "by gradient": softmax(learnt)}.items():
        torch.manual_seed(3)
        print(f"--- {name}\n{decode(generate(probs, chars.index('T'), 160), chars)}\n")

# %% [markdown]
# ## Why did it have to?
#
# Was that luck? On its way down, the net could have come to a hollow that is not the lowest place. Two
# facts say that it could not.
#
# **First: where the slopes are zero, the table is the counted one.** Take all pairs that begin with the
# same character $i$. Each pulls at row $i$ with softmax minus one-hot. The softmax is the same for all
# of them, and the mean of their one-hot rows is the row of counted shares. So
#
# $$\text{gradient of row } i = \text{share}_i \cdot (\text{softmax}_i - \text{counted}_i),$$
#
# and it is zero only if the two are equal. What the model says after a character, on average, is then
# exactly what came. Does the formula hold? Ask autograd, at a random place:

# %% tags=["demo", "nbval-check-output"]
torch.manual_seed(0)
anywhere = torch.randn(V, V, requires_grad=True)
table_loss(anywhere, smoothed).backward()
formula = share * (softmax(anywhere.detach()) - counted)
print("the formula holds:", torch.allclose(anywhere.grad, formula, atol=1e-6))

for name, start in {"W = 0": torch.zeros(V, V), "W = counted.log()": counted.log()}.items():
    start.requires_grad_()
    table_loss(start, smoothed).backward()
    print(f"largest slope at {name:<18} {start.grad.abs().max():.5f}")

# %% [markdown]
# **Second: there is only one valley.** Cut through the loss in any direction, and you see one bowl: it
# never bends downward. A loss like this is called **convex**. On it, every place where the slopes are
# zero is a lowest place. Look along a few random directions, straight through the place that was found:

# %% tags=["demo"]
if check.ready("learnt"):
    along = torch.arange(-20, 21) / 5
    torch.manual_seed(1)
    figure, axes = plt.subplots(figsize=(6.5, 3.4))
    bends, bottoms = [], []
    for _ in range(5):
        direction = torch.randn(V, V)
        cut = torch.stack([table_loss(learnt + far * direction, smoothed) for far in along])
        axes.plot(along, cut, color="#0072b2", alpha=0.6)
        bends.append((cut[:-2] - 2 * cut[1:-1] + cut[2:]).min())  # below 0: bends downward
        bottoms.append(along[cut.argmin()].item())
    axes.axvline(0, linestyle=":", color="#949494")
    axes.set(xlabel="how far along the direction", ylabel="loss (nats per character)")
    axes.set_title("five cuts through the place that was found", fontsize=10)
    plt.show()
    print("The cuts are lowest at:", [round(bottom, 1) for bottom in bottoms])
    print("Does one of them bend downward anywhere?", bool(min(bends) < -1e-5))

# %% [markdown] fold="Why is it convex? (for those who like to prove things)"
# Go along a straight line: $x_k + s\,d_k$, where $s$ says how far. The part $-x_y$ of the loss is
# straight, so it does not bend at all. The other part, $\ln \sum_k e^{x_k + s d_k}$, has the slope
# $\sum_k p_k d_k$, the mean of the $d_k$ under the probabilities. Take the slope of that once more,
# and you get $\sum_k p_k d_k^2 - (\sum_k p_k d_k)^2$: their *variance*. And a variance is never
# negative. So along every line the curve bends upward or goes straight, and a mean of such curves does
# the same.

# %% [markdown]
# (One kind of freedom is left: add the same number to a whole row of logits, and softmax does not
# notice. So the lowest place is a flat valley floor of many `W`, all with the same probabilities.)
#
# **Do not get used to it.** With a second layer the loss is no longer convex, and descent may end in
# different places. It works well all the same, and nobody can fully say why. But here, where it can be
# proved, you have seen that the machinery does what it should.
#
# And if nothing is added to the counts? Then a pair that never came has the counted probability 0, and
# its logit has infinitely far to walk.

# %% tags=["demo"]
if check.ready("train_bigram", "sgd_step"):
    first = counts.sum(dim=1).argmax()  # the most frequent character
    frequent = counts.sum(dim=0) * (counts[first] == 0)  # and of those that never follow it
    second = frequent.argmax()  # the most frequent
    shares = counts.sum(dim=1, keepdim=True).clamp(min=1) / counts.sum()
    print(f"{chars[first]!r} was never followed by {chars[second]!r}: counted probability 0")
    for steps in (10, 100, 1000, 10_000):
        logits, _ = train_bigram(counts, steps, 3 / shares)
        print(f"after {steps:>6,} steps: {softmax(logits)[first, second]:.6f}")

# %% [markdown]
# It shrinks and shrinks, and is never 0. **To stop is to smooth**: a net that has not arrived yet leaves
# something for what it has not seen. Lesson 04 makes use of that.

# %% [markdown]
# ## Must every step read all of the text?
#
# Here a table of counts held the whole text. No other net has such a table, and a step over a million
# characters is slow. So how good is a gradient that has read only a few pairs, drawn at random? Compare
# its *direction* with that of all pairs: 1 is the same direction, 0 has nothing to do with it.

# %% tags=["demo"]
if check.ready("cross_entropy", "one_rate"):
    for name, logits in {"W = 0": torch.zeros(V, V), "near the bottom": one_rate}.items():
        W = logits.clone().requires_grad_()
        table_loss(W, counts).backward()
        everything = W.grad.flatten()
        print(f"{name}:")
        dice = random.Random(0)
        for size in (10, 100, 1000, 10_000):
            drawn = torch.tensor(dice.sample(range(len(train_ids) - 1), size))  # places in the text
            W.grad = None
            cross_entropy(W[train_ids[drawn]], train_ids[drawn + 1]).backward()
            direction = torch.cosine_similarity(W.grad.flatten(), everything, dim=0)
            print(f"{size:>8,} pairs: {direction:.3f}")

# %% [markdown]
# At the beginning, where all pairs agree, a thousand of a million point nearly the right way, for a
# thousandth of the work. So take many rough steps rather than a few perfect ones. Near the bottom the
# chance in the draw is larger than the slope that is left. Herbert Robbins and Sutton Monro showed in
# 1951 that one still arrives, if the steps become shorter in the end. This is *stochastic* gradient
# descent, by chance that is, and the **s** in `sgd_step`. From lesson 04 on we train like this.

# %% [markdown]
# ## What does it cost?
#
# How much work is a prediction? One counts the multiplications and additions of floating-point numbers,
# called **FLOPs**. A matrix product with a weight of shape `(m, n)` multiplies and adds once for each
# weight: `2 * m * n` FLOPs for each token. (A *token* is one step of the text, here a character.) Going
# back costs about twice as much again, so training costs three times the forward pass. What else there
# is, such as softmax, is little beside the products, and one leaves it out.
#
# Our net can do without its only product, by looking the row up. To have a number to compare later
# nets with, let it multiply.

# %% tags=["demo"]
if check.ready("cross_entropy", "learnt"):

    def speed(function):
        """Return how many tokens of the validation text `function` reads in a second."""
        started = time.perf_counter()
        for _ in range(5):
            function()
        return 5 * (len(validation_ids) - 1) / (time.perf_counter() - started)

    def multiplying():
        cross_entropy(one_hot(validation_ids[:-1], V) @ learnt, validation_ids[1:])

    table(
        {
            "bigram, counted": {
                "parameters": V * V,
                "FLOPs per token": 0,
                "tokens per second": speed(lambda: nll(counted, validation_ids)),
                "loss": counted_loss,
            },
            "bigram, by gradient": {
                "parameters": V * V,
                "FLOPs per token": 2 * V * V,
                "tokens per second": speed(multiplying),
                "loss": learnt_loss,
            },
        }
    )

# %% [markdown]
# The same loss, and the net is many times slower: for each token it multiplies by a whole row of zeros
# and a single 1, and takes a softmax. The counted table looks one number up.

# %% [markdown]
# ## Every model so far
#
# The rungs of lessons 01 and 02, as measured when this course was built, and the new one. Blue is the
# best so far, still lesson 02's. The new bar is level with `bigram`: that was the aim.

# %% tags=["demo"]
if check.ready("learnt"):
    losses = rungs.before("03_gradients") if preset == "laptop" else {}
    losses["bigram, by gradient"] = learnt_loss
    is_fables = corpus.log_prob(validation[0]) > -math.inf
    floor, floor_error = corpus.floor(validation) if is_fables else (None, 0.0)
    display(plots.ladder(losses, floor, floor_error))

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. A net has four characters, and all four logits are 0. The third character comes. What is the slope
#    of the loss for the third logit?
#    - (a) 0.25
#    - (b) -0.75
#    - (c) -1
# 2. Why does `cross_entropy` not simply take the logarithm of the softmax?
#    - (a) The logarithm is slow.
#    - (b) A tiny probability is rounded to 0, and its logarithm is infinite.
#    - (c) The result would be in bits.
# 3. In your autograd, why is it `parent.grad += ...` and not `parent.grad = ...`?
#    - (a) A number may have several ways to the result, and their slopes add up.
#    - (b) To make the steps longer.
#    - (c) Because slopes are never negative.
# 4. You train, and the loss jumps up and down without falling. What do you try first?
#    - (a) more steps
#    - (b) a larger learning rate
#    - (c) a smaller learning rate
# 5. With one learning rate for all, the rows of rare characters were late. Why?
#    - (a) Their slopes are divided by all the pairs of the text, and few of the pairs are theirs.
#    - (b) Their logits are too large.
#    - (c) Rare characters are harder to predict.
# 6. At the lowest place all slopes are zero. What does this say about the bigram net?
#    - (a) Its loss is 0.
#    - (b) It predicts every next character correctly.
#    - (c) After each character, its probabilities are the counted shares.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "b"
answer_3 = "a"
answer_4 = "c"
answer_5 = "a"
answer_6 = "c"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - A bigram is a net with one layer: a one-hot row times `W`, which looks up a row of logits.
# - Cross-entropy is the mean surprise. Take the logarithm before softmax can round to 0.
# - Its gradient is softmax minus one-hot, divided by `B`: what the model said minus what came.
# - Autograd writes down the slope of each operation on the way forward. On the way back it multiplies
#   along paths and adds where they meet. Gradients add up, until you clear them.
# - A step goes against the slope, by the learning rate: too small creeps, too large jumps.
# - At the lowest place the table is the counted one, and as the loss is convex, descent gets there.
#
# **Next**, lesson 04 puts this machinery to work where nobody can count any more: a net that sees
# several characters, and finds out by itself which of them are alike.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *train*, the step that makes a model out of data. It comes back
# whenever a model is updated with new data.
#
# ### References
#
# - A.-L. Cauchy (1847). Méthode générale pour la résolution des systèmes d'équations simultanées.
#   *Comptes rendus de l'Académie des sciences* 25. Steepest descent, in three pages.
# - H. Robbins, S. Monro (1951). A Stochastic Approximation Method. *The Annals of Mathematical
#   Statistics* 22(3).
# - S. Linnainmaa (1976). Taylor expansion of the accumulated rounding error. *BIT* 16(2). From his
#   master's thesis of 1970, in Finnish: autograd as you wrote it.
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by back-propagating
#   errors. *Nature* 323. It made the method known for nets.
# - A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind (2018). Automatic differentiation in
#   machine learning: a survey. *Journal of Machine Learning Research* 18(153).

# %%
check.summary()
