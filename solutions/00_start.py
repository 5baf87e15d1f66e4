# %% [markdown] lesson="00_start" title="What a language model is" minutes=90 laptop_minutes=1 gpu_minutes=1
# By the end of this lesson you can
#
# - **say** what a language model is, what it is for, and what makes one good,
# - **write** a small ELIZA, a chat program made of rules, and show where rules run out,
# - **predict** the shape of what you compute with tensors, the boxes of numbers that every model is made of,
# - **turn** scores into probabilities, and probabilities into a loss.
#
# You need Python: functions, strings, lists, loops. You need no machine learning and no torch. Of mathematics you need $e^x$ and the logarithm, and it is fine if you have half forgotten them.

# %% tags=["setup"]
import math
import random
import re
from collections import Counter

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from lmcourse import check, corpus, play, plots

check.lesson("00_start")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# (`preset` says how much a notebook computes: `"smoke"` is a quick test, `"laptop"` is right for any computer, `"gpu"` is for a computer with a graphics card. Leave it as it is.)
#
# ## What comes next?
#
# The whole course works on one small library of fables. Here is the first of them. It is short: read it.

# %% tags=["nbval-check-output"]
text = corpus.load("fables")
stories = corpus.split_stories(text)
V = len(set(text))  # V for vocabulary: how many different characters there are

print(f"{len(stories):,} stories, {len(text):,} characters, {V} different ones")
print()
print(stories[0])

# %% [markdown]
# If the fables seem odd to you: a program wrote them, with many lists of words and a great many throws of dice. Later in this lesson that turns out to be very useful.
#
# Now a game. Here are twelve other fables, each cut off somewhere. **What is the next character?** Write your guesses into `my_guesses`, one character for each line, over the question marks. A space is a character too, and `/` stands for the start of a new line. Then run the cell again to see how you did. (You need not understand its code.)

# %%
my_guesses = "????????????"

dice = random.Random(1)
hits = 0
for number, letter in enumerate(my_guesses, start=1):
    story = stories[number].replace("\n", "/")
    place = dice.randrange(60, len(story))
    before, truth = story[place - 50 : place], story[place]
    if letter == "?":
        print(f"{number:2}  {before}_")
    else:
        hits += letter == truth
        print(f"{number:2}  {before}[{truth}]  {'right' if letter == truth else 'no'}")
print(f"{hits} right")

# %% [markdown]
# Some places were sure: in the middle of a word there is often one way to go on. Others were open: where a new word begins, many things may come. And in between you could say "probably an *e*, but perhaps an *a*".
#
# So a good guesser does not name one character. It says how likely *each* character is. That is all there is to it:
#
# > A **language model** is a program that reads a text so far and gives each character that could come next a probability.
#
# Those are `V` numbers, none below 0, and together they make 1.
#
# (Large models guess pieces of words, called *tokens*, in place of single characters. Nothing else changes. You build such pieces yourself in lesson 09.)
#
# **What is it for?** Guess a character, write it down, guess again: the model *writes*. Give it the start of an e-mail: it *completes*. Let it choose between "recognise speech" and "wreck a nice beach", which sound alike: it helps to *understand speech*. Put a question in front, and the likely way to go on is an answer: with some further training you have an *assistant*. All of these are one skill, guessing what comes next, used in different ways.

# %% [markdown] slide="A language model says how likely each next character is"
# It reads `Once upon a ti` and gives **every** character a probability: `V` numbers, none below 0,
# which together make 1.
#
# Notes: Play the game from the notebook first: cut a story off and let people call out the next
# character. Some places are sure, others are open. So a good guesser does not name one character,
# but says how likely each of them is. Writing, completing and answering all follow from that one
# skill.

# %% [markdown]
# ## How does a check work?
#
# Time to write something. Your first exercise takes one line, so that you can see how exercises work here.
#
# *Predict first:* you may name only one character, and always the same one. Which should it be?

# %% [markdown] fold="Answer: which character?"
# The one that is most frequent. In most texts that is not a letter at all: it is the space. The next cell counts all characters and shows the first five.

# %% tags=["nbval-check-output"]
for letter, times in Counter(text).most_common(5):
    print(repr(letter), f"makes up {times / len(text):5.1%} of the text")

# %% [markdown] contract="lazy_guess"
# Write the laziest guesser there is. Whatever text it gets, it guesses that a space comes next.
#
# `lazy_guess("Once upon a ti")` returns `" "`, a string that holds one space.
#
# Try this order, to see what a check can say:
#
# 1. Change nothing. Run the next two cells. The check says *not started*.
# 2. Replace the line `raise NotImplementedError(...)` by `return "e"`, and run both cells again. Now you get a table. Every row is one thing that was tried. The first wrong row says how what came differs from what was expected, and gives a **hint**.
# 3. Return the space. All rows are right, and you have your first point.


# %% exercise="lazy_guess" minutes=3 level=1
def lazy_guess(text):
    """Return the character that probably comes after `text`: always a space."""
    ### BEGIN SOLUTION
    return " "
    ### END SOLUTION


# %% check="lazy_guess" tags=["nbval-check-output"]
check("lazy_guess")

# %% [markdown]
# You may run a check as often as you like. It costs nothing and is not recorded. When your course is graded, the same checks run once more, with other numbers and a few extra cases: so write code that follows the contract, not code that fits the examples.
#
# Where you are stuck, open the hints below an exercise one at a time: the first one nudges, the last one nearly tells.

# %% [markdown]
# ## Can rules do it?
#
# The first famous program that talked was **ELIZA**, by Joseph Weizenbaum, published in 1966. It played a doctor who mostly asks questions back. People who knew that it was a program still told it their worries: Weizenbaum wrote that his secretary, who had watched him build it, asked him to leave the room while she talked to it.
#
# ELIZA has no model of anything. It has a **script**: a list of rules, each with a *key* to look for and an *answer* to give. Where the answer has `{}`, it puts what the message says after the key. The script is data, the program only reads it. With another script, the same program is somebody else.

# %%
DOCTOR = [  # rules: (key, answer)
    ("i need ", "Why do you need {}?"),
    ("i am ", "How long have you been {}?"),
    ("i never ", "Do you really never {}?"),
    ("i only ", "Why do you only {}?"),
    ("i could ", "What would it mean to you to {}?"),
    ("because ", "Is that the real reason?"),
    ("my ", "Tell me more about your {}."),
    ("you ", "We were talking about you, not about me."),
]

SWAPS = {"i": "you", "me": "you", "am": "are", "my": "your", "you": "me", "your": "my"}


def swap(words):
    """Let "I" and "you" change places: "you and my hat" gives "me and your hat"."""
    return " ".join(SWAPS.get(word, word) for word in words.split())


# %% [markdown] slide="ELIZA was rules, written by hand"
# ```python
# DOCTOR = [  # rules: (key, answer)
#     ("i need ", "Why do you need {}?"),
#     ("i am ", "How long have you been {}?"),
#     ("because ", "Is that the real reason?"),
#     ("my ", "Tell me more about your {}."),
# ]
# ```
#
# Find the first key in the message. Fill what follows it into the answer.
#
# Notes: Joseph Weizenbaum, 1966. The program played a doctor who mostly asks questions back, and
# people told it their worries. It has no model of anything: the script is data, and another script
# makes it somebody else. Ask what it says to "Mummy is late": tell me more about your is late.

# %% [markdown]
# `SWAPS.get(word, word)` looks a word up, and gives the word itself back if it is not in there. These are all the other tools that you need:

# %% tags=["nbval-check-output"]
print("  I am TIRED.  ".lower())  # no capital letters
print("  Oh! I am TIRED!  ".strip(" .!?"))  # none of these four characters at either end
print("my " in "where is my hat")  # is it in there?
print("where is my hat".partition("my "))  # cut in three: before, key, after
print("Tell me more about your {}.".format("hat"))  # fill the hole, if there is one
print(swap("afraid of you and my hen"))

# %% [markdown] contract="respond"
# Write ELIZA. `respond(message, script)` returns the answer to `message`, in these steps:
#
# 1. Make the message lower case, and strip spaces and the marks `.` `!` `?` off both ends (not out of the middle).
# 2. Go through the rules of `script` in order. The **first** rule whose key, with its spaces, is in the message wins.
# 3. Take all that comes after the key (after the first one, if it is there twice), let *I* and *you* change places with `swap`, and put it into the rule's answer.
# 4. If no key is in the message, the answer is `"Please go on."`
#
# The list `script` itself stays as it is.
#
# For example, with the script `DOCTOR`:
#
# | message | answer |
# |---|---|
# | `"I am afraid of my hen."` | `"How long have you been afraid of your hen?"` |
# | `"It rains."` | `"Please go on."` |


# %% exercise="respond" minutes=12 level=2
def respond(message, script=DOCTOR):
    """Answer `message` by the first rule (key, answer) of `script` whose key it holds."""
    ### BEGIN SOLUTION
    message = message.lower().strip(" .!?")
    for key, answer in script:
        if key in message:
            _, _, after = message.partition(key)
            return answer.format(swap(after))
    return "Please go on."
    ### END SOLUTION


# %% check="respond" tags=["nbval-check-output"]
check("respond")

# %% [markdown] fold="Hint 1: the shape of it"
# Tidy the message first. Then one `for` loop over the script, with one `if` inside. `return` inside the loop ends the search: that is how the first rule wins.

# %% [markdown] fold="Hint 2: the loop"
# A loop `for key, answer in ...` gives you the two parts of each rule. `in` asks whether the key occurs. What to say when no rule fits stands after the loop, one step to the left.

# %% [markdown] fold="Hint 3: the answer"
# `partition` cuts the message in three parts: catch them in three names, such as `before, found, after`. You need the third one. Swap it, and fill it in with `answer.format(...)`.

# %% [markdown]
# **Something to play with.** Talk to it: the box takes any text, and the menu changes the script. Then write a script of your own, a pirate or your cat, and call `respond("...", MY_SCRIPT)` in a new cell.

# %% tags=["demo"]
if check.ready("respond"):
    BAKER = [
        ("bread", "Fresh bread in ten minutes."),
        ("i am ", "Have a bun, if you are {}."),
        ("my ", "Bring your {}. It will fit into the oven."),
    ]
    scripts = {"doctor": DOCTOR, "baker": BAKER}

    def talk(message, who):
        print("you:", message)
        print(f"{who}:", respond(message, scripts[who]))

    play(talk, message="I am tired of my hat.", who=["doctor", "baker"])

# %% [markdown]
# *Predict first:* what does the doctor say to "Mummy is late."?

# %% [markdown] fold="Answer: what does it say?"
# "Tell me more about your is late." The key `"my "` is in *mummy is*. The program has no idea of words: it compares characters.

# %% [markdown]
# Now let it talk with the creatures in the fables, who say strange things. How often does it know what to say?

# %% tags=["demo", "nbval-check-output"]
if check.ready("respond"):
    spoken = re.findall(r'"([^"\n]+),"', " ".join(stories[:300]))  # what is said ends with ,"

    def fits(message, script):
        return respond(message, script) not in (None, "Please go on.")

    for rule in DOCTOR:
        heard = [message for message in spoken if fits(message, [rule])]
        print(f'"{rule[0]}" is in {len(heard)} of the {len(spoken)} things that they say')
        if heard:
            print(f"    {heard[0]}\n    {respond(heard[0], [rule])}")

# %% [markdown]
# Is that much? And does each new rule help? (The next cell draws a picture. You need not read the code of pictures, here and later.)

# %% tags=["demo"]
if check.ready("respond"):
    shares = []
    for n in range(len(DOCTOR) + 1):  # with the first n rules
        known = sum(fits(message, DOCTOR[:n]) for message in spoken)
        shares.append(100 * known / len(spoken))
    plt.figure(figsize=(6, 3))
    plt.plot(shares, marker="o")
    plt.ylim(0, 100)
    plt.xlabel("number of rules in the script")
    plt.ylabel("of all that is said,\nsome rule fits (%)")
    plt.grid(alpha=0.3)
    plt.show()
    idle = sum(shares[n] == shares[n + 1] for n in range(len(DOCTOR)))
    print(f"{idle} of the {len(DOCTOR)} rules add nothing.")
    print(f"The last one lifts the share from {shares[-2]:.0f} % to {shares[-1]:.0f} %.")

# %% [markdown] slide="Each rule is work, and some rules add nothing" picture="above"
# Of all that is said in the fables, the share that some rule fits.
#
# Notes: Where the line is flat, a rule added nothing. The last rule lifts the share most, and it
# has no hole to fill: its answer is always the same. Three things are wrong with rules. Language
# has no end of cases, it is a matter of more or less likely, and no number says whether a new rule
# made the program better.

# %% [markdown]
# *The picture, once `respond` works: rule by rule, the share of what is said that some rule fits. Where the line is flat, a rule adds nothing.* Look at the last rule: it has no hole to fill, so its answer is always the same.

# %% [markdown]
# Some answers are funny, a few almost clever. For all the rest you would need one more rule, and one more. Three things are wrong with that, and no number of rules mends them:
#
# - Language has no end of cases, and people have to write every rule by hand.
# - Rules say yes or no. Language is a matter of more or less likely.
# - No number says whether a new rule made the program better. (The picture counts how often a rule fits, not whether the answer is any good.)
#
# ## How did people get from rules to nets?
#
# So people turned it round: do not write down what is likely, **count it** in a lot of text. And when counting ran out, because most sentences have never been written before, they let a **neural net** find out what is alike. This is the way that the course takes too.
#
# | year | who | idea | here |
# |---|---|---|---|
# | 1948 | Shannon | measures how well a text can be guessed, and writes with counts | lessons 01, 02 |
# | 1966 | Weizenbaum | ELIZA: rules written by hand | you just did |
# | 2003 | Bengio and others | a net that guesses the next word | lesson 04 |
# | 2017 | Vaswani and others | the transformer: attention finds what matters in the past | lessons 05, 06 |
#
# In every row but Weizenbaum's, what the program knows was not written by a person. It is a heap of numbers, and those numbers come from data.

# %% [markdown] slide="So people turned it round: count what is likely"
# | | | |
# |---|---|---|
# | 1948 | Shannon | counts |
# | 1966 | Weizenbaum | rules |
# | 2003 | Bengio and others | a net |
# | 2017 | Vaswani and others | attention |
#
# Notes: Do not write down what is likely: count it in a lot of text. Counting runs out too, since
# most sentences have never been written before. Then a neural net finds out what is alike. In
# every row but Weizenbaum's, what the program knows was not written by a person: it is a heap of
# numbers that come from data.

# %% [markdown]
# ## What will "good" mean?
#
# The third complaint about rules was that no number says whether they got better. A language model has such a number, and the whole course turns on it.
#
# Let the model read a text. At each place it gives probabilities, and then we look which character really comes. If that one had the probability $p$, the model pays
#
# $$\text{surprise} = -\ln p$$
#
# where $\ln$ is the natural logarithm, `math.log` in Python. Surprise is counted in **nats**. Here is what the model pays:

# %% tags=["nbval-check-output"]
for p in [1, 0.9, 0.5, 0.1, 0.01, 0.0001]:
    surprise = math.log(1 / p)  # the same as -math.log(p)
    print(f"the character that came had the probability {p:<7} surprise {surprise:.2f} nats")

# %% tags=["demo"]
ps = torch.arange(1, 1001) / 1000
plt.figure(figsize=(6, 3))
plt.plot(ps, -ps.log())
plt.xlabel("probability p of the character that came")
plt.ylabel("surprise (nats)")
plt.grid(alpha=0.3)
plt.show()

# %% [markdown] slide="Surprise: what the model pays for what came" picture="above"
# $$\text{surprise} = -\ln p$$
#
# Notes: The model gave the character that really came the probability p. To be sure and right is
# free, and to be unsure costs a little. To call something impossible that then comes costs without
# limit. The unit is the nat, since the logarithm is the natural one.

# %% [markdown]
# *The picture: surprise falls from far up, near p = 0, to nothing at p = 1.* To be sure and right is free. To be unsure costs a little. To call something impossible that then comes costs without limit.
#
# Does it pay to boast? Think of a place where one of two characters comes, each half the time. Say what you believe, 0.5 for each. Or bet on one of them: 0.9 for it, 0.1 for the other.

# %% tags=["nbval-check-output"]
for said in [0.5, 0.9]:
    if_right, if_wrong = math.log(1 / said), math.log(1 / (1 - said))
    average = (if_right + if_wrong) / 2  # each comes half the time
    print(f"say {said}: pay {if_right:.2f} or {if_wrong:.2f}, on average {average:.2f} nats")

# %% [markdown] slide="It does not pay to boast"
# One of two characters comes, each half the time.
#
# - Say **0.5** for each: pay 0.69 nats.
# - Bet **0.9** on one: pay 0.11 or 2.30, on average **1.20**.
#
# Notes: Whatever the chances are, a model does best when it says what it really believes. That is
# why this number can be trusted as a target. The loss of a model is its mean surprise over all
# characters of a text, in nats per character. Lower is better.

# %% [markdown]
# It does not pay. Whatever the chances are, a model does best when it says what it really believes.
#
# The **loss** of a model is its mean surprise over all characters of a text, in nats per character. **Lower is better.** That is the measure of this course.
#
# Why a logarithm, and not simply the probability of the whole text? That would be all the little probabilities multiplied together, one for each character. Look what becomes of it:

# %% tags=["nbval-check-output"]
story = stories[0]
print("a story has", len(story), "characters")
print("the product:", (1 / V) ** len(story))
print(f"the sum of logarithms: {len(story) * math.log(1 / V):.1f}")

# %% [markdown]
# The product is so small that the computer writes 0. The logarithm of a product is the sum of the logarithms, and a sum of ordinary numbers is easy to handle.
#
# *Predict first:* a model knows nothing at all. It gives each of the `V` characters the same probability. What is its loss?

# %% [markdown] fold="Answer: the loss of knowing nothing"
# Each character has the probability $1/V$, whichever comes. The surprise is always $-\ln(1/V) = \ln V$, so that is the loss. We call this model *uniform*. It is the top of the ladder that we will climb down.

# %% tags=["nbval-check-output"]
uniform = math.log(V)
print(f"ln {V} = {uniform:.3f} nats per character")

# %% [markdown]
# And the bottom of the ladder? Could a perfect model reach 0? No: where a story throws dice for a name or a number, nobody can know it before it is written. With most texts, nobody knows how low one can get.
#
# With our fables we do know. They come out of a program, and we have the program: it can say exactly how likely each story was. A model cannot beat the source itself, not in the long run. What the source pays is the **floor**.

# %% tags=["nbval-check-output"]
sample = stories[: 20 if preset == "smoke" else 200]
lengths = [len(corpus.join([story])) for story in sample]  # with the blank line that follows
surprises = [-corpus.log_prob(story) / n for story, n in zip(sample, lengths, strict=True)]
floor, floor_error = corpus.floor(sample)
every = corpus.entropy_rate()  # computed from the rules of the source, without any story

print(f"the first story:           {surprises[0]:.3f} nats per character")
print(f"all {len(sample)} stories together:  {floor:.3f}, give or take {floor_error:.3f}")
print(f"all stories there can be:  {every:.3f}")
print(f"as if each character that came had the probability {math.exp(-every):.2f}")

# %% tags=["demo"]
plt.figure(figsize=(6, 3))
plt.hist(surprises, bins=20)
plt.axvline(floor, color="black", linestyle="--")
plt.xlabel("what the source pays for a story (nats per character)")
plt.ylabel("number of stories")
plt.title("dashed: all of them together, the floor")
plt.show()

# %% [markdown] slide="Even the source is surprised by its own stories" picture="above"
# Names and numbers are thrown with dice. Nobody can know them before they are written.
#
# Notes: Each story of the sample is in the picture once. Those on the left were lucky: they hold
# fewer surprises than most. The floor is the mean over all characters of all stories.

# %% [markdown]
# *The picture: each story of the sample once.* Stories left of the dashed line were lucky: they hold fewer surprises than most. The floor is the mean over all characters of all stories, and a model can get below it only on a lucky choice of stories, not in the long run.
#
# Now there is a ladder: *uniform* at the top, the floor at the bottom. Each lesson adds a rung. Here it is, still empty in the middle:

# %% tags=["demo"]
display(plots.ladder({"uniform": uniform}, floor, floor_error))

# %% [markdown] slide="One ladder for the whole course" picture="above"
# **Top**: know nothing, pay $\ln V$. **Bottom**: what the source of the text pays itself.
#
# Notes: Each lesson adds a rung between the two. With most texts nobody knows the floor. With our
# fables we do, since a program wrote them and can say how likely each story was. No model gets
# below it, but on a lucky choice of stories.

# %% [markdown]
# *The picture: one bar for each model, shorter is better. No bar can get left of the dashed line, the floor. New bars will come in below.* ("Validation text" is text that no model has learnt from. You set it aside in lesson 01. *Uniform* pays the same on any text, and the floor is the one that you just computed.)
#
# One warning before we build. The loss says how well a model guesses text. It does not say whether the text is true, kind or of use to anybody. "Good" has more sides, and each gets its place in this course:
#
# - it guesses **new** text well, not only the text that it learnt from (lesson 01),
# - it does well what people want it for (lesson 08),
# - it is fast enough to train and to use (lessons 09 and 12),
# - it is safe, fair and private, and stays so (lessons 10 to 15).

# %% [markdown]
# ## What is a tensor?
#
# A model computes with numbers, so characters become numbers first: each gets the place where it stands in a list of characters. Such a number is an **id**. Ids start at 0, as all counting in Python does.

# %% tags=["nbval-check-output"]
alphabet = "abcdefghijklmnopqrstuvwxyz"
soup = torch.tensor([alphabet.index(letter) for letter in "soup"])

print(soup)
print(soup.dtype)
print(soup.shape)

# %% [markdown]
# `soup` is a **tensor**: a box of numbers, all of one kind, in rows and columns. Torch is the library that computes with tensors, and it does so fast, because it handles the whole box at once: no loops.
#
# Two things describe the box:
#
# - `dtype`, the kind of number. Ids are `int64`, whole numbers. Probabilities are `float32`, numbers with a decimal point. `.float()` turns any kind into `float32`.
# - `shape`, the sizes. `(4,)` is a row of four; torch prints it as `torch.Size([4])`, which is a tuple too. `(2, 3)` is a table of two rows and three columns. `(8, 2, 3)` is a stack of eight such tables. `()` is a single number.

# %% tags=["nbval-check-output"]
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

print(table.shape, table.dtype)
print(table[0])  # row 0
print(table[0, 2])  # row 0, column 2
print(table[:, 1])  # all rows, column 1
print(torch.arange(5))  # count: 0, 1, 2, 3, 4
print(torch.zeros(2, 3))  # zeros of the shape (2, 3)
print(table > 2.5)  # a question to every number at once
print((table > 2.5).float())  # True becomes 1, False becomes 0

# %% [markdown] slide="A tensor is a box of numbers, with a dtype and a shape"
# ```python
# table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
# print(table.shape, table.dtype)
# print(table[0])  # row 0
# print(table[0, 2])  # row 0, column 2
# print(table[:, 1])  # all rows, column 1
# ```
#
# Notes: Have people say each shape before you show it: two by three, three, none, two. A plain
# index takes its dim away. The dtype of ids is int64, that of probabilities float32.

# %% [markdown]
# A model reads many pieces of text at once: a **batch**. Here is one of shape `(4, 16)`: 4 pieces, each with 16 characters, cut from the first story. (The ids here are those that Python itself uses: `ord("a")` is 97.)

# %% tags=["demo"]
batch = torch.tensor([ord(letter) for letter in stories[0][:64]]).reshape(4, 16)
plt.figure(figsize=(9, 2.6))
for i in range(4):
    for j in range(16):
        plt.text(j, i, f"{chr(batch[i, j])}\n{batch[i, j]}", ha="center", va="center")
plt.axis((-0.5, 15.5, 3.5, -0.5))
plt.xticks(range(16))
plt.yticks(range(4))
plt.xlabel("place in the piece (dim=1)")
plt.ylabel("piece (dim=0)")
plt.show()

# %% [markdown] slide="A batch is a table of ids" picture="above"
# Four pieces of text, sixteen characters each: shape `(4, 16)`.
#
# Notes: Models read many pieces at once. Dims are counted from 0. Summing along one takes it away,
# unless keepdim=True asks that it stays with the size 1. Minus one is the last dim, however many
# there are.

# %% [markdown]
# *The picture: a batch is a table of ids, here with the characters that they stand for.*
#
# The directions of a tensor are called *dims* and are counted from 0. To add something up, you say along which one. **That dim then disappears**, unless you ask with `keepdim=True` that it stays, with the size 1. And `dim=-1` is the last one, however many there are.
#
# *Predict first:* `table` has the shape `(2, 3)`. What are the shapes of these? Write your six answers down.
#
# ```python
# table.sum()
# table.sum(dim=0)
# table.sum(dim=1)
# table.sum(dim=-1, keepdim=True)
# table[:, 1]
# table.unsqueeze(1)      # puts in a new dim of size 1, at place 1
# ```

# %% [markdown] fold="Answer: six shapes"
# `()`, `(3,)`, `(2,)`, `(2, 1)`, `(2,)`, `(2, 1, 3)`. A plain `[:, 1]` takes one column out, so that dim disappears too. The next cell shows them.

# %% tags=["nbval-check-output"]
print(tuple(table.sum().shape), table.sum())
print(tuple(table.sum(dim=0).shape), table.sum(dim=0))
print(tuple(table.sum(dim=1).shape), table.sum(dim=1))
print(tuple(table.sum(dim=-1, keepdim=True).shape), table.sum(dim=-1, keepdim=True).tolist())
print(tuple(table[:, 1].shape), table[:, 1])
print(tuple(table.unsqueeze(1).shape), table.unsqueeze(1).tolist())

# %% [markdown]
# ## What if two shapes differ?
#
# `table + table` adds number to number. But `table * 10` works too, although `10` is no table. Torch **stretches** what is too small, as if it had been copied. This is called *broadcasting*, and it replaces most loops.
#
# A column of shape `(3, 1)` and a row of shape `(5,)` make a multiplication table:

# %% tags=["nbval-check-output"]
column = torch.arange(1, 4).unsqueeze(1)  # (3, 1)
row = torch.arange(1, 6)  # (5,)
print(column * row)  # (3, 5)
print(column == row)  # (3, 5) too: is this row's number equal to this column's number?

# %% tags=["demo"]
boxes = {
    "column (3, 1)": column,
    "row (5,) or (1, 5)": row.unsqueeze(0),
    "product (3, 5)": column * row,
}
figure, axes = plt.subplots(1, 3, figsize=(9, 1.6))
for axis, (title, box) in zip(axes, boxes.items(), strict=True):
    shades = [["#cccccc"] * 5 for _ in range(3)]
    for i in range(box.shape[0]):
        shades[i][: box.shape[1]] = ["white"] * box.shape[1]
    axis.table(box.expand(3, 5).tolist(), shades, cellLoc="center", bbox=(0, 0, 1, 1))
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown] slide="Broadcasting: what is too small is stretched" picture="above"
# Line the shapes up **from the right**. Equal sizes stay, and a 1 stretches.
#
# Notes: White numbers are really there, grey ones are copies that torch pretends to make. Two
# different sizes of which neither is 1 do not fit, and torch stops with an error. It then speaks
# of a non-singleton dimension.

# %% [markdown]
# *The picture: numbers on white are really there, those on grey are the copies that broadcasting pretends to make.*
#
# The rule has three parts:
#
# 1. **Line the shapes up from the right.** The shorter one gets 1s in front until both are equally long.
# 2. Go through the sizes in pairs. **Equal** sizes stay. If one of the two is **1**, it stretches to the other.
# 3. Two different sizes of which neither is 1 **do not fit**: torch stops with an error. (It then speaks of a *non-singleton dimension*: one whose size is not 1.)
#
# ```
#    (4, 3)          (8, 1)          (2, 3)
#       (3,)            (5,)            (2,)
#    ------          ------          ------
#    (4, 3)          (8, 5)          do not fit: 3 meets 2
# ```
#
# *Predict first:* let `x` be a tensor of `float32` numbers, a row for each piece of text. You want to subtract from each row its own mean. Does `x - x.mean(dim=1)` do that, for `x` of shape `(4, 16)`? And for `(16, 16)`?

# %% [markdown] fold="Answer: a trap"
# The mean has the shape `(4,)`. Lined up from the right, 16 meets 4: torch stops with an error, and that is lucky. For `(16, 16)` it fits, and there is no error. But the 16 means now lie along the columns: column `j` gets the mean of row `j` subtracted. Wrong numbers, without a word. With `keepdim=True` the mean is `(16, 1)`, and each row gets its own. This is one of the most common mistakes with tensors. The next cell shows it: once a row has lost its own mean, its mean must be 0.

# %% tags=["nbval-check-output"]
torch.manual_seed(1)  # the same random numbers each time the cell runs
x = torch.rand(4, 16)  # random numbers between 0 and 1
try:  # so that the error does not stop the notebook
    x - x.mean(dim=1)
except RuntimeError as error:
    print("(4, 16):", error)

x = torch.rand(16, 16)
for name, rest in {
    "without": x - x.mean(dim=1),
    "with": x - x.mean(dim=1, keepdim=True),
}.items():
    right = (rest.mean(dim=1).abs() < 0.00001).sum()  # 0 but for rounding
    print(f"(16, 16) {name} keepdim: {right} of 16 rows have the mean 0")

# %% [markdown] slide="The trap: it fits, and it is wrong"
# ```python
# "without": x - x.mean(dim=1),
# "with": x - x.mean(dim=1, keepdim=True),
# ```
#
# For `(4, 16)` the first line is an error. For `(16, 16)` it is a wrong answer.
#
# Notes: The means have the shape (16,). Lined up from the right they lie along the columns, so
# column j loses the mean of row j. There is no error and no warning. This is one of the most
# common mistakes with tensors, so say keepdim=True whenever a sum goes back to its own rows.

# %% [markdown] contract="batch_shapes"
# Whenever a batch meets another tensor, you want to know the shape of what comes out. So teach the rule to Python. `batch_shapes(first, second)` takes two shapes, as tuples, and returns the shape that they make together, as a tuple, or `None` if they do not fit.
#
# | call | returns |
# |---|---|
# | `batch_shapes((8, 1), (5,))` | `(8, 5)` |
# | `batch_shapes((2, 3), ())` | `(2, 3)` |
# | `batch_shapes((), ())` | `()` |
# | `batch_shapes((2, 3), (2,))` | `None` |
#
# Sizes are 1 or more. Plain Python is enough. These are the tools:

# %% tags=["nbval-check-output"]
print((1,) * 2 + (7,))  # two 1s, then a 7
print(max(3, 1))  # the larger one
for one, other in zip((8, 1), (1, 5), strict=True):  # side by side; strict: equally long
    print(one, other, one == other, 1 in (one, other))
print(tuple([8, 5]))  # a list becomes a tuple


# %% exercise="batch_shapes" minutes=15 level=3
def batch_shapes(first, second):
    """Return the shape (a tuple) that tensors of shapes `first` and `second` make, or None."""
    ### BEGIN SOLUTION
    length = max(len(first), len(second))
    first = (1,) * (length - len(first)) + first
    second = (1,) * (length - len(second)) + second
    shape = []
    for one, other in zip(first, second, strict=True):
        if one != other and 1 not in (one, other):
            return None
        shape.append(max(one, other))
    return tuple(shape)
    ### END SOLUTION


# %% check="batch_shapes" tags=["nbval-check-output"]
check("batch_shapes")

# %% [markdown] fold="Hint 1: equally long"
# First make both tuples equally long. `(1,) * k + second` puts `k` ones in front of `second`. How many are missing? The longer length, less its own length. For the longer one that is 0, and `(1,) * 0` is empty: so you may do it to both.

# %% [markdown] fold="Hint 2: pair by pair"
# Start with an empty list. In a loop `for one, other in zip(first, second)`, stop with `return None` if the two differ and neither is 1. Otherwise the larger of the two is the new size: append it.

# %% [markdown] fold="Hint 3: the end"
# `len(first)` and `len(second)` say how long they are; `max` of the two is how long both have to be. After the loop, make a tuple of your list and return it.

# %% [markdown]
# Now something to use broadcasting for. How does a net take in the letter *c*, which is id 2? Not as the number 2: then *c* would be twice as much as *b*, which makes no sense. Give each character a switch of its own instead, all off but one. This is called **one-hot**.
#
# With the four characters `abcd`, the word *cab* is
#
# ```
#             a  b  c  d
#  c  id 2    0  0  1  0
#  a  id 0    1  0  0  0
#  b  id 1    0  1  0  0
# ```

# %% [markdown] contract="one_hot"
# `one_hot(ids, V)` takes `N` ids, an `int64` tensor of shape `(N,)` with entries from 0 to `V - 1`. It returns a `float32` tensor of shape `(N, V)`: in row `i` there is a 1 in column `ids[i]`, and 0 everywhere else. `ids` itself stays as it is.
#
# `one_hot(torch.tensor([2, 0, 1]), 4)` is the table above. Can you do it without a loop? You have seen all that it takes.


# %% exercise="one_hot" minutes=8 level=2
def one_hot(ids, V):
    """Return a float32 tensor (N, V) with a 1 in row i, column ids[i]; `ids` is int64 (N,)."""
    ### BEGIN SOLUTION
    columns = torch.arange(V)  # (V,)
    return (ids.unsqueeze(1) == columns).float()  # (N, 1) against (V,): (N, V)
    ### END SOLUTION


# %% check="one_hot" tags=["nbval-check-output"]
check("one_hot")

# %% [markdown] fold="Hint 1: a table of questions"
# Think of `column == row`, below the multiplication table: a column of numbers against a row of numbers gave a whole table of answers. Here, ask at each place of the table: *is this row's id equal to this column's number?*

# %% [markdown] fold="Hint 2: which shapes"
# The ids as a column: `ids.unsqueeze(1)`, of shape `(N, 1)`. The numbers of the columns: `torch.arange(V)`, of shape `(V,)`. Compare the two with `==`.

# %% [markdown] fold="Hint 3: the kind of number"
# The comparison gives `True` and `False`. Put brackets around it, and `.float()` behind.

# %% tags=["demo"]
if check.ready("one_hot"):
    word = "onion"
    hot = one_hot(torch.tensor([alphabet.index(letter) for letter in word]), 26)
    plt.figure(figsize=(8, 2))
    plt.imshow(hot, cmap="Blues", vmax=1.3)
    plt.xticks(range(26), list(alphabet))
    plt.yticks(range(len(word)), list(word))
    plt.xlabel("column: one for each character (V = 26)")
    plt.ylabel("row: one for each id")
    plt.show()

# %% [markdown]
# *The picture, once `one_hot` works:* one dark square in each row of *onion*. Equal letters have equal rows.

# %% [markdown]
# ## How do scores become probabilities?
#
# Inside, a net does not think in probabilities. It gives each character a **score**, any number at all, also called a *logit*. To make probabilities of scores, they must become positive, and together make 1. For one row, that is quickly done:

# %% tags=["nbval-check-output"]
logits = torch.tensor([2.0, 1.0, -1.0])
positive = logits.exp()  # e to the power of each: never below 0, and larger scores stay larger
print(positive)
print(positive / positive.sum())

# %% [markdown] slide="Softmax makes probabilities of scores"
# ```python
# logits = torch.tensor([2.0, 1.0, -1.0])
# positive = logits.exp()
# print(positive / positive.sum())
# ```
#
# Only differences matter. So how do you save it from $e^{1000}$?
#
# Notes: A net gives each character a score, any number at all, called a logit. To make
# probabilities of them they must become positive and sum to one. With the scores 1000 and 1001
# these lines give nan. Let people find out what may be subtracted from all scores without any
# change: that is a part of the exercise.

# %% [markdown]
# This is **softmax**. $e^x$ makes every number positive, and dividing by the sum makes the total 1.
#
# *Predict first:* what do these lines give for the scores `[1000, 1001]`? And what should they give?

# %% [markdown] fold="Answer: nan"
# The computer cannot write $e^{1000}$: it becomes `inf`, infinity. And infinity divided by infinity is `nan`, *not a number*. They should give the same as for `[0, 1]`, because only the differences matter. Subtract the same $c$ from all scores: as $e^{x-c} = e^x / e^c$, every number is divided by the same $e^c$, and so is their sum. What you get when you divide the one by the other stays as it was. So subtract the largest score first. Then the largest is 0, and $e^0 = 1$ is harmless.

# %% tags=["nbval-check-output"]
huge = torch.tensor([1000.0, 1001.0])
print(huge.exp())
print(huge.exp() / huge.exp().sum())

# %% [markdown]
# One more tool. `max` with a `dim` gives two things, the largest values and where they stand, so you ask for `.values`:

# %% tags=["nbval-check-output"]
scores = torch.tensor([[3.0, 1.0, 2.0], [10.0, 30.0, 20.0]])
print(scores.max(dim=-1, keepdim=True).values)  # (2, 1): the largest of each row
print(scores.max(dim=-1).indices)  # (2,): in which column it stands

# %% [markdown] contract="softmax"
# `softmax(logits)` takes a float tensor of shape `(..., V)`: any number of dims, the scores in the last one. It returns $e^{\text{score}}$ divided by the sum of $e^{\text{score}}$ over its row (the last dim): a tensor of the same shape, where no number is below 0 and each row sums to 1.
#
# - `softmax(torch.tensor([[0.0, 0.0], [0.0, 1.0986]]))` is about `[[0.5, 0.5], [0.25, 0.75]]`, as 1.0986 is about $\ln 3$.
# - It must be **stable**: `softmax(torch.tensor([1000.0, 1001.0]))` is about `[0.2689, 0.7311]`, and never `nan`. Each row has a largest score of its own.
# - A score of minus infinity means *impossible*: its probability is 0.
# - `logits` itself stays as it was: make new tensors, do not change it in place (as `-=` does).
#
# (Torch has a softmax too. Write your own: you will meet it again in every lesson.)


# %% exercise="softmax" minutes=8 level=3
def softmax(logits):
    """Return the probabilities, of the same shape (..., V), along the last dim; stable."""
    ### BEGIN SOLUTION
    largest = logits.max(dim=-1, keepdim=True).values  # (..., 1)
    positive = (logits - largest).exp()  # (..., V)
    return positive / positive.sum(dim=-1, keepdim=True)
    ### END SOLUTION


# %% check="softmax" tags=["nbval-check-output"]
check("softmax")

# %% [markdown] fold="Hint 1: three steps"
# Subtract each row's largest score. Take `exp`. Divide each row by its own sum. Every step works on the whole tensor at once.

# %% [markdown] fold="Hint 2: along which dim"
# Always `dim=-1`, the last one, and always `keepdim=True`, so that the result has the shape `(..., 1)` and stretches back over its own row.

# %% [markdown] fold="Hint 3: nearly the code"
# The largest score of each row is what the cell above the exercise prints, for `scores` in place of `logits`. Keep it under a name, subtract it, and call `.exp()` on what is left. Then divide that by its own `.sum(dim=-1, keepdim=True)`.

# %% [markdown]
# **Something else to play with.** Divide the scores by a number before the softmax. This number is called the **temperature**. Say a model has read "The goose was very pro" and gave these made-up scores to five characters.
#
# The slider starts at temperature 1, where nothing is changed. It moves the power of ten: -1 is temperature 0.1, and 2 is temperature 100.
#
# *Predict first:* what happens to the bars at a temperature near 0? And at a very high one?

# %% tags=["demo"]
if check.ready("softmax"):

    def heat(power):
        temperature = 10**power
        print(f"temperature {temperature:.2f}")
        candidates = ["u", "m", "f", "v", "q"]
        scores = torch.tensor([4.0, 2.5, 2.0, 1.5, -1.0])
        probs = softmax(scores / temperature)
        picture = plots.next_token_bars(probs, candidates, context="The goose was very pro")
        picture.axes[0].set_xlim(0, 1)  # the same scale wherever the slider stands
        display(picture)

    play(heat, power=(-2.0, 2.0, 0.1))  # temperatures from 0.01 to 100

# %% [markdown] fold="Answer: cold and hot"
# Near 0 the gaps between the scores become huge, and the best character takes everything: always the same choice. At a very high temperature the gaps all but vanish, and the bars become equally long: any character will do. In between, a model that writes is neither boring nor mad. You set this yourself in lesson 07.

# %% [markdown]
# ## How do we score a whole text at once?
#
# A model reads `N` characters and gives `N` rows of `V` probabilities. We take their logarithms. From each row we need **one** number: the one in the column of the character that really came. Its negative is the surprise.
#
# *Predict first:* `table` is still
#
# ```
#   [[1, 2, 3],
#    [4, 5, 6]]
# ```
#
# Now `table[[0, 1], [2, 0]]` has two lists in the brackets. Is the result a table of 2 by 2, or two numbers?

# %% [markdown] fold="Answer: pairs"
# Two numbers. The lists are read in pairs: row 0 with column 2, row 1 with column 0. But `table[:, [2, 0]]` is a table of 2 by 2: the colon takes *all* rows, and from each both columns.

# %% tags=["nbval-check-output"]
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

print(table[[0, 1], [2, 0]])  # pairs: (row 0, column 2) and (row 1, column 0)
print(table[:, [2, 0]])  # all rows, and from each both columns
print(torch.arange(len(table)))  # the numbers of all rows

# %% [markdown] contract="gather_logprobs"
# `gather_logprobs(logprobs, ids)` takes a float tensor of shape `(N, V)`, with the logarithms of the probabilities in each row, and `ids`, an `int64` tensor of shape `(N,)`. It returns a tensor of shape `(N,)`, also for `N = 1`: from row `i` the number in column `ids[i]`. A row may also hold minus infinity, the logarithm of 0. Both arguments stay as they are.
#
# With `logprobs = [[-0.1, -2.5, -4.0], [-1.5, -0.5, -1.7]]` and `ids = [2, 0]` the result is `[-4.0, -1.5]`.


# %% exercise="gather_logprobs" minutes=5 level=2
def gather_logprobs(logprobs, ids):
    """Return, from each row i of `logprobs` (N, V), the entry in column ids[i]: shape (N,)."""
    ### BEGIN SOLUTION
    rows = torch.arange(len(ids))  # (N,)
    return logprobs[rows, ids]
    ### END SOLUTION


# %% check="gather_logprobs" tags=["nbval-check-output"]
check("gather_logprobs")

# %% [markdown] fold="Hint 1: pairs again"
# It is `table[[0, 1], [2, 0]]` with tensors in place of the lists. The second one is `ids`. What is the first one?

# %% [markdown] fold="Hint 2: the rows"
# You want every row once, in order: 0, 1, 2, up to `N - 1`. That is `torch.arange(len(ids))`.

# %% [markdown]
# Now you have all the parts, so put them together. Three made-up models read the word *soup*. The first one knows nothing. The second knows what comes, and is fairly sure. The third is just as sure, and wrong: it always expects the next letter of the alphabet.

# %% tags=["demo", "nbval-check-output"]
if check.ready("one_hot", "softmax", "gather_logprobs"):
    models = {
        "knows nothing": torch.zeros(4, 26),
        "knows it": 5 * one_hot(soup, 26),
        "sure and wrong": 5 * one_hot(soup + 1, 26),
    }
    for name, logits in models.items():
        surprise = -gather_logprobs(softmax(logits).log(), soup)
        print(f"{name:<15} {surprise.mean():.3f} nats per character")
    print(f"{'ln 26':<15} {math.log(26):.3f}")

# %% tags=["demo"]
if check.ready("one_hot", "softmax", "gather_logprobs"):
    plt.figure(figsize=(8, 1.8))
    plt.imshow(softmax(models["sure and wrong"]), cmap="Blues", vmin=0, vmax=1.3)
    plt.plot(soup, torch.arange(4), "s", markersize=16, fillstyle="none", color="black")
    plt.xticks(range(26), list(alphabet))
    plt.yticks(range(4), list("soup"))
    plt.xlabel("column: the character that could come")
    plt.ylabel("what came")
    plt.show()

# %% [markdown] slide="Sure and wrong is worse than knowing nothing" picture="above"
# Logits, softmax, logarithm, pick, mean: that is the score of every model in this course.
#
# Notes: The rows are those of a model that always expects the next letter of the alphabet. Dark is
# likely, and the frames are what really came. It pays more than the model that knows nothing,
# which pays ln 26. Only where the logits come from changes from here on.

# %% [markdown]
# *The picture, once the three exercises work:* the rows of the third model. Dark is likely. The frames are what `gather_logprobs` picks: the characters that really came, always one step beside the dark square.

# %% [markdown]
# The first number is $\ln 26$: the uniform loss again, now with `V = 26`. And look at the other two: it pays to be sure only if you are right. To be sure and wrong is worse than to know nothing.
#
# These few lines are how every model of this course is scored: logits, softmax, logarithm, pick, mean. Only where the logits come from will change.

# %% [markdown] contract="quiz"
# Six questions. Give each answer as one letter in quotes and nothing else, such as `answer_1 = "a"`.
#
# **1.** What does a language model give, when it has read "Once upon a ti"?
#
# - (a) the letter *m*
# - (b) a probability for each character
# - (c) the rest of the story
# - (d) a grade for the text so far
#
# **2.** A model reads two characters. To the first it had given the probability 1, to the second 1/10. What is its loss on this text, in nats per character?
#
# - (a) 0.55
# - (b) 1.15
# - (c) 2.30
# - (d) 10
#
# **3.** Why is the floor of the fables not 0?
#
# - (a) Computers round.
# - (b) No model is trained for long enough.
# - (c) The stories hold mistakes.
# - (d) Some things in a story are drawn by chance.
#
# **4.** `x` has the shape `(8, 1)` and `y` has the shape `(5,)`. What is the shape of `x + y`?
#
# - (a) `(8, 5)`
# - (b) `(5, 8)`
# - (c) `(8, 1)`
# - (d) They do not fit.
#
# **5.** The temperature goes towards 0. What do the probabilities do?
#
# - (a) They all become equal.
# - (b) They all become 0.
# - (c) The largest goes to 1, the others to 0.
# - (d) Nothing changes.
#
# **6.** What sets ELIZA apart from the models of the coming lessons?
#
# - (a) What it knows was written by people, not taken from data.
# - (b) It gives each of its answers a probability.
# - (c) It cannot answer questions.
# - (d) It works on characters.

# %% exercise="quiz" minutes=6 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "b"
answer_3 = "d"
answer_4 = "a"
answer_5 = "c"
answer_6 = "a"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you know now
#
# - A language model gives each character that could come next a probability. Writing, completing and answering follow from that.
# - Nobody can write enough rules by hand. So the numbers inside a model come from data.
# - The loss is the mean surprise, $-\ln p$, in nats per character. *Uniform* pays $\ln V$. The source pays the floor. A useful model stands in between; a sure and wrong one can be worse than uniform.
# - Tensors have a dtype and a shape. Shapes line up from the right, and 1s stretch. With `keepdim=True` a sum stays beside its own rows.
# - Logits, softmax, logarithm, pick, mean: that is the score of any model.
#
# **Where this step sits.** In the life of a model this was the first step, *define*: what the model is to do, and the number that tells whether it does.
#
# **Next: 01, the data.** Before anything can learn from the fables, they have to be looked at, cleaned, and split so that no model can cheat. You also find out how far one gets by just knowing how frequent each letter is: the first rung below *uniform*.
#
# **To read on**
#
# - C. E. Shannon (1948), *A mathematical theory of communication*. Bell System Technical Journal 27.
# - C. E. Shannon (1951), *Prediction and entropy of printed English*. Bell System Technical Journal 30. The game at the top of this lesson is his.
# - J. Weizenbaum (1966), *ELIZA: a computer program for the study of natural language communication between man and machine*. Communications of the ACM 9(1). The story of his secretary is in his book *Computer power and human reason* (1976).
# - Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin (2003), *A neural probabilistic language model*. Journal of Machine Learning Research 3.
# - A. Vaswani and others (2017), *Attention is all you need*. NeurIPS.

# %%
check.summary()
