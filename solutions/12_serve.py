# %% [markdown] lesson="12_serve" title="Opening the door" minutes=230 laptop_minutes=1 gpu_minutes=1 imports="fastapi" extras="ops"
# Your model is tested, packed and registered. At midday it opens its door, and people whom you have
# never met ask it things. Who may, and how much? And what happens when they all come at once?
#
# After this lesson you can
#
# - **tell** who is asking by a key that you never stored, and how much they may still ask,
# - **keep** what is none of your business out of the log,
# - **answer** over HTTP, all at once or character by character, and stop when nobody listens,
# - **serve** many at once with one model, and say how long they will wait,
# - **swap** the model for another one without one failed request.
#
# You need lesson 07 (writing, one character after the other), lesson 10 (what the model must do) and
# lesson 11 (the bundle and its version). New here is `async`: the first section shows what you need
# of it.

# %% tags=["setup"]
import asyncio
import hashlib
import hmac
import json
import math
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from collections import Counter, deque
from contextlib import aclosing, contextmanager

import matplotlib.pyplot as plt
import numpy as np
import torch
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmcourse import check, play, plots, timeline
from lmcourse.waiting import wait_bar

check.lesson("12_serve")
torch.set_num_threads(1)  # a service counts in cores; this one has one

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# This is the model that goes into service: your own, if `lmops pack` has put it into the folder
# `my_model` here, and otherwise a small GPT of lesson 07 that comes with the course.

# %% tags=["demo"]
from lmops import bundle

mine = bundle.load(bundle.mine())
net, characters, version = mine.model(), mine.characters, mine.version
place = {char: i for i, char in enumerate(characters)}
size = sum(parameter.numel() for parameter in net.parameters())
print("whose:", "yours, from my_model/" if mine.folder.name == "my_model" else "the course's")
print(f"version {version}, {size:,} parameters, {len(characters)} characters")


# %% tags=["demo"]
@torch.inference_mode()
def next_ids(net, rows, temperature=0.8):
    """Return the next character of each of `rows`, lists of ids of any lengths, in one step."""
    rows = [row[-128:] for row in rows]  # the window of lesson 07, cut short for speed
    width = max(map(len, rows))
    batch = torch.tensor([row + [0] * (width - len(row)) for row in rows])  # filled up to one width
    logits = net(batch)[torch.arange(len(rows)), torch.tensor([len(row) - 1 for row in rows])]
    return torch.multinomial((logits / max(temperature, 1e-3)).softmax(dim=-1), 1)[:, 0].tolist()


class Plain:
    """The model as this lesson asks for it: `stream` gives one character after the other."""

    def __init__(self, net, name):
        self.net, self.name = net, name

    async def stream(self, prompt, max_tokens, temperature):
        ids = [place[char] for char in prompt if char in place] or [place["\n"]]
        for _ in range(max_tokens):
            ids += next_ids(self.net, [ids], temperature)
            await asyncio.sleep(0)  # let others have their turn
            yield characters[ids[-1]]


async def hear(pieces):
    """Return all that comes, put together."""
    return "".join([piece async for piece in pieces])


torch.manual_seed(12)
print(await hear(Plain(net, version).stream("The fox ", 60, 0.8)))

# %% [markdown]
# ## What happens when somebody asks?
#
# A **service** is a program that never ends: it waits for questions and answers them. Over the web
# they come as HTTP (Fielding and others, 1999), which is plain text. Somebody writes
#
# ```
# POST /v1/completions HTTP/1.1
# authorization: Bearer lm_3f81c2aa_9Qm...          who is asking
# content-type: application/json
#
# {"prompt": "The fox ", "max_tokens": 60}
# ```
#
# and you answer with a *status*, headers, and a body:
#
# ```
# HTTP/1.1 200 OK
# content-type: application/json
#
# {"model": "a41c...", "choices": [{"text": "ran home", ...}], ...}
# ```
#
# The status is a number that machines act upon. Its first digit says whose turn it is: 2 is done, 4
# is the client's fault (asking again in the same way is of no use), 5 is yours. You will send these:
#
# | status | says | what a good client does |
# |---|---|---|
# | 200 | here it is | |
# | 401 | I do not know you | look for its key |
# | 403 | I know you, and you may not | ask a person |
# | 404, 405 | there is no such place, or not this way | look at its own code |
# | 413 | that is too long | send less |
# | 422 | I can read it, and it makes no sense | look at its own code |
# | 429 | too much, too fast | wait as long as `Retry-After` says |
# | 500, 503 | I am broken, or closed | wait, and try again a few times |
#
# The shape of question and answer is not yours: it is OpenAI's completions API. Many servers speak it
# today, and so the programs that people already have will work with your model.
#
# How does one program talk to many at once? While it waits for one client's next line, it turns to
# another. In Python a function that may be left for a while is written `async def`, and the places
# where it may be left are marked `await`.
#
# **Predict first.** Two clerks write three words each; after each word they look up (`await`). What
# does the next cell print?


# %% tags=["demo", "nbval-check-output"]
async def clerk(name):
    for number in range(3):
        print(name, number, end="   ")
        await asyncio.sleep(0)  # "I look up: is there anything else to do?"


await asyncio.gather(clerk("ana"), clerk("bo"))
print()

# %% [markdown] fold="Why?"
# They take turns, though only one of them works at a time: each `await` lets the other one go on. And
# there is the danger. A clerk who never looks up (a long computation without an `await`) makes
# everybody wait.

# %% [markdown] slide="Whoever waits lets another one work"
# ```python
# for number in range(3):
#     print(name, number, end="   ")
# ```
#
# Two clerks, and an `await` after each word:
#
# `ana 0   bo 0   ana 1   bo 1   ana 2   bo 2`
#
# Notes: A service is a program that never ends, and talks to many at once. Only one clerk works at
# a time, and each await lets the other one go on. There is the danger too: a long computation
# without an await makes everybody wait.

# %% [markdown]
# An `async def` with a `yield` in it gives its values one after the other, and `async for` takes them:
# `stream` above is one. Remember one thing about it, since it will be worth points. When nobody takes
# the next value, it stands still at its `yield`, with all that it holds. To end it somebody has to say
# `await it.aclose()`.

# %% [markdown]
# ## Who is asking?
#
# You give each client a long random word, a **key**, and they send it with each request, behind the
# word *Bearer*: who bears it may come in. So it must be long enough not to be guessed, and it must not
# lie about.
#
# **Predict first.** A key has 32 letters from A to Z, a to z and 0 to 9, and somebody tries a
# billion of them each second. How long does it take to try half of them?

# %% tags=["demo", "nbval-check-output"]
years = 62**32 / 2 / 1e9 / (365 * 24 * 3600)
print(f"{years:.0e} years; the universe is 1e+10 years old")

# %% [markdown]
# So nobody guesses it. They steal it: from the client's code on GitHub, or from *your* file of keys.
# Against the second there is a remedy. Do not keep the keys! Keep only what a **hash function** makes
# of them (lesson 11): from the hash nobody finds the key, but when a key comes, you hash it and
# compare.
#
# (Passwords need a *slow* hash, such as bcrypt, since people choose words that can be guessed, a
# billion a second. A key of 32 random letters cannot be guessed, so a fast one will do, and a slow one
# would only give strangers a way to keep your machine busy.)
#
# How do you compare? `==` stops at the first letter that differs. So it takes a little longer the more
# letters are right, and who measures well enough finds a secret letter by letter (Kocher, 1996). Look,
# with words that are long enough to see it:


# %% [markdown] slide="Keep the hash, never the key"
# ```python
# years = 62**32 / 2 / 1e9 / (365 * 24 * 3600)
# ```
#
# **4e+40** years to guess a key. So nobody guesses it: they steal it, from a client or from *your*
# file of keys.
#
# Notes: From the hash nobody finds the key, but when a key comes, you hash it and compare.
# Passwords need a slow hash, since people choose words that can be guessed. A key of 32 random
# letters cannot, and a slow hash would only give strangers a way to keep your machine busy.


# %% tags=["demo"]
def seconds(compare, secret, guess, times):
    """Return how much processor time a comparison takes: the best of several, in seconds."""
    best = math.inf
    for _ in range(9):
        begun = time.process_time()
        for _ in range(times):
            compare(secret, guess)
        best = min(best, (time.process_time() - begun) / times)
    return best


ways = {"guess == secret": str.__eq__, "hmac.compare_digest(guess, secret)": hmac.compare_digest}
secret, shares = "k" * 1_000_000, [0, 0.25, 0.5, 0.75, 1]
guesses = [("k" * int(share * 1e6)).ljust(1_000_000, "x") for share in shares]
with plots.drawing(7.0, 3.0) as (picture, axes):
    for (name, compare), color in zip(ways.items(), ("#d55e00", "#0072b2"), strict=True):
        times = [seconds(compare, secret, guess, 20) for guess in guesses]
        axes.plot(shares, [each / max(times) for each in times], "o-", color=color, label=name)
    axes.set(xlabel="share of the letters that are right, from the front", ylim=(0, 1.1))
    axes.set_ylabel("time, as a share of\nits own longest")
    axes.legend(loc="lower right")
picture.alt = (
    "Time of a comparison by the share of right letters, each line divided by its own longest: "
    "that of == rises from near 0 to 1, that of compare_digest stays near 1."
)
display(picture)
digest = hashlib.sha256(b"lm_").hexdigest()
for name, compare in ways.items():
    spent = 1e6 * seconds(compare, digest, digest[:-1] + "x", 5000)
    print(f"{name}, for the 64 digits of a hash: {spent:.2f} µs")

# %% [markdown]
# *The picture, in which each line is divided by its own longest time: the more letters are right, the
# longer `==` takes; `hmac.compare_digest` takes as long for all.* For a million letters that is far more
# than `==` needs, since it never stops early. But the hashes that you compare have 64 digits, and there
# both take well under a microsecond, as the two lines say. So nobody argues about whether it is
# needed here.
#
# Our keys look like `lm_3f81c2aa_9QmX...`: a mark by which scanners find lost keys, an **id**, and the
# secret. The id is no secret. It finds the record, as a user name does; so you compare with one hash,
# and not with all.

# %% [markdown] contract="authenticate"
# `authenticate(header, keys, now, scope)` says who is asking, and whether they may. It returns a pair
# `(status, name)`.
#
# - `header` is the text of the request's Authorization header, or None if there is none. A good one is
#   two words: `Bearer`, in capitals or small letters, and a key, `lm_ID_SECRET`. Neither ID nor SECRET
#   has a `_` in it.
# - `keys` is a dictionary from ids to records such as `{"name": "ana", "hash": "9f2c...", "scopes":
#   ["complete"], "expires": 1800000000}`. The hash is SHA-256 of the *whole* key, as 64 hex digits. From
#   the second `expires` on the key is worth nothing; None means that it has no end.
# - `now` is the time in seconds. It is handed in, so that it can be tested.
# - `scope` is what they want to do, such as `"complete"`.
#
# | the answer | when |
# |---|---|
# | `(200, name)` | the key is right, not over, and has the scope |
# | `(403, name)` | the key is right and not over, and has not the scope |
# | `(401, None)` | all else, whatever letters of whatever language the header holds |
#
# Compare the hashes with `hmac.compare_digest`. The table stays as it is.
#
# For example, with the right key and a record whose scopes are `["feedback"]`,
# `authenticate("Bearer lm_...", keys, 0, "complete")` is `(403, "ana")`. Without the header it is
# `(401, None)`.


# %% exercise="authenticate" minutes=20 level=3
def authenticate(header, keys, now, scope):
    """Return (200, name), (403, name) or (401, None) for a request with this header."""
    ### BEGIN SOLUTION
    words = (header or "").split()
    if len(words) != 2 or words[0].lower() != "bearer":
        return 401, None
    key = words[1]
    record = keys.get(key.split("_")[1]) if key.count("_") == 2 else None
    if record is None:
        return 401, None
    came = hashlib.sha256(key.encode()).hexdigest()
    if not hmac.compare_digest(came, record["hash"]):
        return 401, None
    if record["expires"] is not None and now >= record["expires"]:
        return 401, None
    return (200 if scope in record["scopes"] else 403), record["name"]
    ### END SOLUTION


# %% check="authenticate" tags=["nbval-check-output"]
check("authenticate")

# %% [markdown] fold="Hint 1: the order"
# Go from the outside in, and return `401, None` as soon as something is wrong: two words, the first of
# them bearer; a key of three parts; a record for its id; the hash; the end. What is left is known, and
# the scope decides between 200 and 403.

# %% [markdown] fold="Hint 2: without an error"
# `(header or "")` is a text whatever came. `.split()` gives its words. A key with too few underscores
# has no part number 1: count the underscores first. `keys.get(...)` gives None where nothing is.

# %% [markdown] fold="Hint 3: hash and compare"
# `hashlib.sha256(key.encode()).hexdigest()` makes 64 letters of any text. Hand these and
# `record["hash"]` to `hmac.compare_digest`: it wants text of ASCII letters, which hashes are, and which
# a key that a stranger sends need not be.

# %% [markdown]
# Make a key. It is shown this once, and then only its hash is left.

# %% tags=["demo"]
if check.ready("authenticate"):

    def new_key(name, scopes, expires=None):
        """Return a new key, and what to keep of it."""
        number = secrets.token_hex(4)
        key = f"lm_{number}_{secrets.token_urlsafe(24).replace('_', 'x')}"
        hashed = hashlib.sha256(key.encode()).hexdigest()
        return key, {number: {"name": name, "hash": hashed, "scopes": scopes, "expires": expires}}

    ana, keys = new_key("ana", ["complete"])
    print("for ana, once:", ana)
    print("what we keep: ", keys)
    for what, header in (
        ("her key:", f"Bearer {ana}"),
        ("one letter short:", f"Bearer {ana[:-1]}"),
        ("no header:", None),
    ):
        print(what.ljust(18), authenticate(header, keys, time.time(), "complete"))

# %% [markdown]
# ## How much may they ask?
#
# You know who it is. Now they send ten thousand requests in a second: by mistake, most often, from a
# loop that nobody looks at. Everybody else waits. So each client gets a *rate*: so many characters a
# second in the long run.
#
# People do not ask evenly, though. They come, ask ten things, and go. A good limit lets such a burst
# through and stops the loop.
#
# The usual way is a bucket. It holds `capacity` tokens, and begins full. Each second `per_second`
# tokens run in, until it is full. Who asks takes out what the request costs; if there is too little,
# they are refused, and told how long to wait. This is a **token bucket** (Turner, 1986). Nothing
# runs in the background: at each request you work out what has come in since the last one.
#
# **Predict first.** `capacity` is 100 and `per_second` is 10. Somebody asks for 20 once every second,
# without an end. How many requests get through at first, and how many later?

# %% [markdown] fold="Answer"
# Each second 10 come in and 20 go out, so the burst lasts some nine or ten requests. From then on every
# second one is refused. The picture below shows it.

# %% [markdown]
# What about clocks? `time.time()` is the time of day, and it can go back: when the machine's clock is
# set, or when a second is put in. `time.monotonic()` never does on one machine. But your class should
# not care which one it is handed, and a clock that goes back must give nobody a present. So the time
# is an argument.

# %% [markdown] contract="TokenBucket"
# Write the class `TokenBucket`.
#
# **`TokenBucket(capacity, per_second, now)`** is a bucket that holds at most `capacity` tokens and is
# full at the time `now`, in seconds. `per_second`, above 0, is how many run in.
#
# **`take(cost, now)`** returns 0.0 and takes `cost` tokens out, if there are as many. Otherwise it takes
# nothing, and returns in how many seconds there will be as many if nobody else takes any. For a cost
# above `capacity` that is `math.inf`.
#
# If `now` is before the latest time that the bucket has seen, nothing runs in. No stretch of time
# counts twice.
#
# For example, with `bucket = TokenBucket(10, 2, now=100)`, `bucket.take(8, 100)` is 0.0, and then
# `bucket.take(5, 101)` is 0.5: there are 4 tokens, and the fifth takes half a second.


# %% exercise="TokenBucket" minutes=15 level=3
class TokenBucket:
    """Lets a burst through, and in the long run so much a second."""

    def __init__(self, capacity, per_second, now):
        ### BEGIN SOLUTION
        self.capacity, self.per_second = capacity, per_second
        self.tokens, self.latest = capacity, now
        ### END SOLUTION

    def take(self, cost, now):
        """Take `cost` tokens and return 0.0, or return how many seconds to wait for them."""
        ### BEGIN SOLUTION
        came = max(0.0, now - self.latest) * self.per_second
        self.tokens = min(self.capacity, self.tokens + came)
        self.latest = max(self.latest, now)
        if cost > self.capacity:
            return math.inf
        if cost <= self.tokens:
            self.tokens -= cost
            return 0.0
        return (cost - self.tokens) / self.per_second
        ### END SOLUTION


# %% check="TokenBucket" tags=["nbval-check-output"]
check("TokenBucket")

# %% [markdown] fold="Hint 1: what to keep"
# Four numbers: the two sizes, how many tokens there are, and the latest time that was seen.

# %% [markdown] fold="Hint 2: take, in order"
# First what has come in: seconds since the latest time, but at least 0, times the rate; added, but not
# above the capacity. Then move the latest time on, never back. Only then look whether there are enough.

# %% tags=["demo"]
if check.ready("TokenBucket"):
    bucket = TokenBucket(100, 10, now=0)
    moments, levels, through, refused = [], [], [], []
    for second in range(40):
        wait = bucket.take(20, second)
        (refused if wait else through).append(second)
        moments.append(second)
        levels.append(bucket.tokens if hasattr(bucket, "tokens") else math.nan)
    with plots.drawing(7.0, 3.0) as (picture, axes):
        axes.step(moments, levels, where="post", color="#949494", label="tokens in the bucket")
        axes.plot(through, [105] * len(through), "|", ms=12, color="#0072b2", label="let through")
        axes.plot(refused, [112] * len(refused), "x", color="#d55e00", label="refused")
        axes.set(xlabel="time (s)", ylabel="tokens", ylim=(0, 120))
        axes.legend(loc="center right")
    picture.alt = (
        f"Tokens in the bucket over 40 seconds: they fall; {len(through)} requests are let through, "
        f"the first refused at second {min(refused, default=0)}, then nearly every second one."
    )
    display(picture)
    print(
        f"let through: {len(through)} of 40, in the first ten seconds {sum(t < 10 for t in through)}"
    )

# %% [markdown]
# *The picture: each request that costs 20 lowers the bucket; when it is nearly empty, every second one
# is refused (the crosses).*

# %% [markdown] slide="A bucket lets a burst through, and stops the loop" picture="above"
# A **token bucket**: a request takes tokens out, and so many run in each second.
#
# Notes: People do not ask evenly: they come, ask ten things, and go. Each request here costs 20,
# and 10 run in each second. When the bucket is nearly empty, every second request is refused, and
# told how long to wait. Nothing runs in the background, and a clock that goes back must give nobody
# a present.

# %% [markdown]
# ## What may you remember?
#
# You will want a **log**: a line for each request, to find out tomorrow what went wrong today. Read one
# that was kept without a thought:
#
# ```
# 12:04:11 POST /v1/completions 200 key=lm_3f81c2aa_9QmX... prompt="My name is Ana Ruiz,
#          call me on (030) 555-0199 or write to ana.ruiz@mill.example"
# ```
#
# Whoever reads this file may ask in Ana's name, and ring her up. Logs are copied, sent to other firms,
# and kept for years. And once it is written, it is hard to delete. The law in Europe (GDPR, 2016, article 5)
# says what is wise anyway: keep no more than you need, and no longer. So what is personal is taken out
# *before* anything is written. This is called **redaction**.
#
# Here are the parts of a pattern that you need for it:
#
# | pattern | means |
# |---|---|
# | `\d`, `\w`, `\s`, `\b` | a digit; a letter, digit or `_`; a space or line break; the edge of a word |
# | `[A-Z.]` | one of these |
# | `a+`, `a{0,2}`, `a{6,}` | one or more; up to two; six or more |
# | `(?:ab)+` | `ab` once or more; brackets that only hold together |
# | `(ab)` | brackets that remember: `\1` in the replacement is what they held |
# | `(?i:ab)` | in capitals or small letters |

# %% tags=["demo", "nbval-check-output"]
print(re.sub(r"(\b(?i:call)\s+)\d+", r"\1[...]", "Call 17, then CALL  4; recall 3"))
same = ["５５５", "555"]  # two ways to write it
print(same[0] == same[1], [unicodedata.normalize("NFKC", text) for text in same])

# %% [markdown]
# The last line shows a trap. The same sign may have several codes, and people type what their keyboard
# gives. The normal form NFKC makes one of them.
#
# **Predict first.** You replace numbers first and addresses second. What becomes of
# `17051998@mill.example`?

# %% [markdown] fold="Answer"
# `[number]@mill.example`, in which no pattern sees an address any more. The order is part of the rule:
# what may hold the others comes first.

# %% [markdown] contract="redact"
# `redact(text)` returns `text` in its normal form NFKC, with these replaced, in this order:
#
# | what | is | becomes |
# |---|---|---|
# | keys | `lm_` at the edge of a word, and one or more of letters, digits and `_` | `[key]` |
# | addresses | one or more of `A-Z a-z 0-9 . _ % + -`, then `@`, then letters, digits and `-`, with a point and such a part behind it once or more often | `[email]` |
# | numbers | 7 digits or more; between two of them stand at most two of space, `-`, `.`, `/`, `(`, `)`; a `+`, a `(` or `+(` right before goes with it | `[number]` |
# | names | one to three words that begin with a capital `[A-ZÀ-Þ]`, with one space or hyphen between them, right after `my name is`, `I am` or `I'm` | `[name]`, the words before it stay |
#
# `my name is`, `I am` and `I'm` are words of their own, in capitals or not. Wherever there is a space in
# them, and behind them, there may be several. Nothing else changes.
#
# For example, `redact("I am Ana Ruiz (ana@mill.example), call 030/555 0199.")` is
# `"I am [name] ([email]), call [number]."`


# %% exercise="redact" minutes=25 level=3
def redact(text):
    """Return `text` without keys, addresses, long numbers and the names that people give."""
    ### BEGIN SOLUTION
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\blm_\w+", "[key]", text)
    text = re.sub(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "[email]", text)
    text = re.sub(r"\+?\(?\d(?:[ \-./()]{0,2}\d){6,}", "[number]", text)
    name = r"[A-ZÀ-Þ]\w*(?:[ -][A-ZÀ-Þ]\w*){0,2}"
    return re.sub(rf"(\b(?i:my\s+name\s+is|i\s+am|i'm)\s+){name}", r"\1[name]", text)
    ### END SOLUTION


# %% check="redact" tags=["nbval-check-output"]
check("redact")

# %% [markdown] fold="Hint 1: one after the other"
# `text = re.sub(pattern, replacement, text)` four times, after `unicodedata.normalize("NFKC", text)`.
# Write patterns as `r"..."`, so that Python leaves the backslashes alone.

# %% [markdown] fold="Hint 2: seven digits and more"
# A digit, and then six or more times "up to two signs and a digit": `\d(?:...\d){6,}`. Inside square
# brackets a hyphen stands at the beginning or end, or has a backslash before it.

# %% [markdown] fold="Hint 3: names"
# The words before the name are in brackets that remember, and come back by `\1`. Only these may be in
# any case: `(?i:...)` holds for what is inside it. A name's first word, and then up to two times "a
# space or hyphen, and such a word".

# %% [markdown]
# Now break it. Which of these gets through, and which should not have been touched?

# %% tags=["demo", "nbval-check-output"]
if check.ready("redact"):
    for text in (
        "I'm Ana, ring (030) 555-0199",
        "ana at mill dot example",
        "Ana Ruiz sends her regards",
        "I am King of the hill",
        "the fox counted 1,000,000 stars",
        "on 2026-11-21 at 12",
    ):
        print(f"{text:34}  {redact(text)}")

# %% [markdown]
# Rules miss what nobody thought of, and they hide what was harmless. So redaction is the second line
# of defence. The first is not to write the text at all: most questions about yesterday are answered by
# the time, the status, the key's *id*, and how long prompt and answer were.

# %% [markdown] slide="Rules miss what nobody thought of"
# - *I'm Ana, ring (030) 555-0199*: taken out
# - *Ana Ruiz sends her regards*: untouched
# - *on 2026-11-21 at 12*: taken for a number
#
# The first defence is not to write the text at all.
#
# Notes: Logs are copied, sent to other firms, and kept for years. Redaction takes out what is
# personal before anything is written, and it is the second line of defence only. Most questions
# about yesterday are answered by the time, the status, the key's id, and how long prompt and answer
# were.

# %% [markdown]
# ## Why wait for the end?
#
# Your model writes one character after the other. If you send them all at once, the client looks at
# nothing until the last one. If you send each as it comes, the first is there at once, and who has
# read enough can leave.
#
# HTTP can do that: the body comes in pieces, and the answer ends when you say so. **Server-sent
# events** are a way to write such pieces: each is a line that begins with `data: `, and an empty line
# behind it. OpenAI's API puts JSON there, and ends with the word `[DONE]`:
#
# ```
# data: {"model": "a41c...", "choices": [{"index": 0, "text": "r", "finish_reason": null}]}
#
# data: {"model": "a41c...", "choices": [{"index": 0, "text": "a", "finish_reason": null}]}
#
# data: [DONE]
#
# ```
#
# Two things go wrong here more often than all others. The first is a client that *leaves*. The server
# then closes your generator. But yours stands in a loop over the model's, and nobody closes that one:


# %% tags=["demo", "nbval-check-output"]
async def model_writes():
    try:
        for char in "abcdef":
            yield char
    finally:
        print("(the model has stopped)")


async def hand_on(pieces):
    async for piece in pieces:
        yield piece.upper()


pieces = model_writes()
events = hand_on(pieces)
print(await anext(events), await anext(events))
await events.aclose()  # the client leaves
print("the client has left")
await pieces.aclose()

# %% [markdown]
# The model stopped only because the last line told it to. In a loaded service nobody does, and half
# of the machine writes for people who have gone. `aclosing(it)` is for the head of an `async with`: it
# closes `it` when the block ends, in whatever way.


# %% tags=["demo", "nbval-check-output"]
async def hand_on_and_close(source):
    async with aclosing(source):
        async for char in source:
            yield char.upper()


events = hand_on_and_close(model_writes())
print(await anext(events), await anext(events))
await events.aclose()  # the client leaves
print("the client has left")

# %% [markdown]
# Now the model has stopped before the client is out of the door.
#
# The second is a model that fails in the middle. Status 200 has been sent, so it is too late for a 500.
# All you can do is to send an event that says so, and to leave `[DONE]` out: who sees no `[DONE]`
# knows that something is missing.

# %% [markdown] slide="A client leaves: the model must stop"
# ```python
# async def hand_on_and_close(source):
#     async with aclosing(source):
#         async for char in source:
#             yield char.upper()
# ```
#
# Without `aclosing`, half of the machine may write for people who have gone.
#
# Notes: The server closes your generator when the client leaves. But yours stands in a loop over
# the model's, and nobody closes that one. The other thing that goes wrong is a model that fails in
# the middle. Status 200 has been sent, so all you can do is say so in the stream, and leave the
# word DONE out.

# %% [markdown] contract="stream"
# `stream(pieces, name)` is an async generator. `pieces` is an async generator of texts, and `name` is
# the model's. It yields events, each a `str`:
#
# - for each piece, as soon as it is there, `data: `, then JSON, then two line breaks. The JSON is
#   `{"model": name, "choices": [{"index": 0, "text": piece, "finish_reason": None}]}`;
# - at the end `data: [DONE]` and two line breaks;
# - if `pieces` raises an `Exception`, of whatever kind, in place of that end one event with
#   `{"error": {"message": "..."}}`, and then nothing more. The message is in your own words: nothing
#   of what the exception says, and not what it is called.
#
# However it ends, also when somebody closes it half-way, `pieces` is closed then.
#
# For example, the first event for the piece `"\n"` of the model `"m"` is
# `'data: {"model": "m", "choices": [{"index": 0, "text": "\\n", "finish_reason": null}]}\n\n'`.


# %% exercise="stream" minutes=20 level=3
async def stream(pieces, name):
    """Yield the server-sent events for the texts that `pieces` gives, and close it in any case."""
    ### BEGIN SOLUTION
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                choice = {"index": 0, "text": piece, "finish_reason": None}
                yield f"data: {json.dumps({'model': name, 'choices': [choice]})}\n\n"
        except Exception:
            error = {"message": "The model failed; what came so far is not whole."}
            yield f"data: {json.dumps({'error': error})}\n\n"
            return
    yield "data: [DONE]\n\n"
    ### END SOLUTION


# %% check="stream" tags=["nbval-check-output"]
check("stream")

# %% [markdown] fold="Hint 1: an event"
# `json.dumps(...)` of a dictionary is one line, whatever is in it: a line break becomes `\n`, two
# characters. Before it `data: `, behind it `"\n\n"`.

# %% [markdown] fold="Hint 2: the frame"
# An `async with` of `aclosing` around it all; within it `try:` with the loop, and an `except` for
# `Exception` with the last event and a `return`. Not `except BaseException`, and no bare `except:`. When somebody
# closes your generator, Python raises a `GeneratorExit` at its `yield`, which must go on.

# %% tags=["demo"]
if check.ready("stream"):
    torch.manual_seed(3)
    async for event in stream(Plain(net, version).stream("The fox ", 4, 0.8), version):
        print(event, end="")

# %% [markdown]
# ## The door itself
#
# Now put it together. **FastAPI** (Ramírez, 2018) does the plain part of it: it reads HTTP, finds the
# function for a path, and makes an answer of what that returns.

# %% tags=["demo", "nbval-check-output"]
toy = FastAPI()


@toy.get("/hello")
async def hello():
    return {"hello": "world"}


@toy.get("/count")
async def count_to_three():
    async def numbers():
        for number in "123":
            yield number + " "

    return StreamingResponse(numbers(), media_type="text/plain")


@toy.post("/bytes")
async def how_many(request: Request):
    size = 0
    async for some in request.stream():  # the body, as it comes: a few bytes at a time
        size += len(some)
    return {"bytes": size}


async def ask(app, method, path, headers, body=b""):
    """Ask an app as a server does, without a network: return status and body."""
    came = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        came.append(message)

    names = [(key.encode(), value.encode()) for key, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": names, "query_string": b""}
    scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
    await app(scope, receive, send)
    return came[0]["status"], b"".join(part.get("body", b"") for part in came[1:]).decode()


print(await ask(toy, "GET", "/hello", {}))
print(await ask(toy, "GET", "/helo", {}))
print(await ask(toy, "GET", "/count", {}))
print(await ask(toy, "POST", "/bytes", {}, b"The fox ran home"))

# %% [markdown]
# What a function returns becomes the body, as JSON. A `StreamingResponse` sends what an async generator
# yields, piece by piece, and closes that generator when the client leaves. And a function that has an
# argument `request: Request` reads the body itself, with `request.stream()`.
#
# `ask` is how a server talks to an app: it calls it with what is known of the request, a function that
# gives the body piece by piece, and a function that takes the answer. This is **ASGI** (2019). Your
# service is tested through it, thousands of times a minute, with no network at all.
#
# A body that came from a stranger must be looked at before it is used. The class `Completion` says
# what is allowed, and **pydantic** does the looking.

# %%
MAX_BODY = 10_000  # bytes: a longer question is refused


class Completion(BaseModel):
    """What may be asked; what is not given has the value that stands here."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)  # "7" is no number, and NaN none

    prompt: str = Field(min_length=1, max_length=2000)
    max_tokens: int = Field(default=16, ge=1, le=256)
    temperature: float = Field(default=1.0, ge=0, le=2)
    stream: bool = False


def completion(name, prompt, text):
    """Return the answer as OpenAI's API has it; we count characters, which are our tokens."""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": "length"}
    usage = {
        "prompt_tokens": len(prompt),
        "completion_tokens": len(text),
        "total_tokens": len(prompt) + len(text),
    }
    return {"object": "text_completion", "model": name, "choices": [choice], "usage": usage}


def refusal(status, message, retry_after=None):
    """Return an answer that says no, and why; after `retry_after` seconds it may be yes."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": {"message": message}}, status, headers)


# %% tags=["demo", "nbval-check-output"]
for body in (b'{"prompt": "The fox"}', b'{"prompt": "The fox", "max_tokens": 9999}', b'{"promp'):
    try:
        print(Completion.model_validate_json(body))
    except ValidationError as error:
        print("no:", error.errors()[0]["msg"])

# %% [markdown]
# In which order do you look? Whatever is cheap for you, and dear for a stranger, comes first. Who has
# no key should not make you read a long body. And what a client is charged comes last, when all else is
# right.
#
# **Predict first.** A request says `content-length: 30`, and then sends a gigabyte. Whom do you
# believe?

# %% [markdown] fold="Answer"
# What comes. The length is the client's word; and with `transfer-encoding: chunked` there is none at
# all. Count the bytes as you read them, and stop.

# %% [markdown] slide="First what is cheap for you and dear for a stranger"
# 1. Who is it?
# 2. How long is it? Count what comes: the length is the client's word.
# 3. Does it make sense?
# 4. Last of all, charge it.
#
# Notes: Who has no key should not make you read a long body. A request may say that it has 30 bytes
# and then send a gigabyte. And nobody is charged for a question that was refused. The shape of
# question and answer is OpenAI's completions API, so programs that people already have can ask your
# model.

# %% [markdown] contract="create_app"
# `create_app(model, who, allow)` returns a FastAPI app. It is handed
#
# - `model`, with `model.name`, which may change at any time, when the model is swapped, and with
#   `model.stream(prompt, max_tokens, temperature)`, which gives an async generator of pieces of text;
# - `who(header)`, which takes the Authorization header or None, and returns `(status, name)`, as
#   `authenticate` does;
# - `allow(name, cost)`, which returns 0.0, or the seconds to wait, as a bucket does.
#
# **`POST /v1/completions`** looks at these in turn:
#
# 1. If `who` gives another status than 200, the answer has that status. The body is not read.
# 2. If the body has more than `MAX_BODY` bytes, 413, without reading on, whatever `content-length` says.
# 3. If it is not a `Completion`, 422.
# 4. `allow(name, max_tokens)` is asked, once. Above 0: 429, with the header `Retry-After` in whole
#    seconds, rounded up. For `math.inf` there is no time to come back at: 429 without `Retry-After`.
# 5. The answer: `completion(name, prompt, text)` with all that the model gave; or, with
#    `"stream": true`, the events of `stream`, of the media type `text/event-stream`. When the client of a
#    stream leaves, the model stops. (Where nothing is streamed, nobody tells your function that the
#    client has gone, and the model writes to the end.) The name is what `model.name` was before the first
#    piece: read it once for each request.
#
# What your refusals say in words is up to you. If the model fails where nothing is streamed, let the
# error out: FastAPI makes a 500 of it, which says nothing of what went wrong.
#
# **`GET /healthz`** answers `{"status": "ok"}`, without a key. All other paths and methods are FastAPI's
# own 404 and 405.
#
# For example, a body of `{"prompt": "The fox", "max_tokens": 300}` with a good key is 422, since
# `Completion` allows 256.


# %% exercise="create_app" minutes=40 level=4
def create_app(model, who, allow):
    """Return the service: an app that lets `model` answer whom `who` and `allow` let in."""
    app = FastAPI()
    ### BEGIN SOLUTION

    @app.post("/v1/completions")
    async def complete(request: Request):
        status, name = who(request.headers.get("authorization"))
        if status != 200:
            return refusal(status, "This key is not known, or may not do this.")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return refusal(413, f"A request has at most {MAX_BODY:,} bytes.")
        try:
            asked = Completion.model_validate_json(bytes(body))
        except ValidationError as error:
            return refusal(422, f"{error.error_count()} values are not as they should be.")
        wait = allow(name, asked.max_tokens)
        if wait > 0:
            seconds = None if wait == math.inf else math.ceil(wait)
            return refusal(429, "Too much, too fast.", retry_after=seconds)
        called = model.name  # now: after a swap it is another's
        pieces = model.stream(asked.prompt, asked.max_tokens, asked.temperature)
        if asked.stream:
            return StreamingResponse(stream(pieces, called), media_type="text/event-stream")
        text = "".join([piece async for piece in pieces])
        return completion(called, asked.prompt, text)

    @app.get("/healthz")
    async def healthz():
        return {"status": "ok"}

    ### END SOLUTION
    return app


# %% check="create_app" tags=["nbval-check-output"]
check("create_app")

# %% [markdown] fold="Hint 1: the function"
# `@app.post(...)`, with the path, above an `async def` with one argument, `request: Request`. Let FastAPI
# not read the body for you: an argument `asked: Completion` would have it read, whole, before your first
# line runs.

# %% [markdown] fold="Hint 2: who, and the body"
# `request.headers.get("authorization")` is the header or None. `async for part in request.stream()`
# gives the body in pieces of bytes: add them to a `bytearray()`, and look at its length each time.

# %% [markdown] fold="Hint 3: the answer"
# `Completion.model_validate_json(bytes(body))` in a `try`. The pieces of the model go either through
# `stream(...)` into a `StreamingResponse`, or through `async for` into a list that you join. A dictionary
# that is returned becomes JSON. Before either, put `model.name` into a variable.

# %% [markdown]
# Open the door, on a real network: **uvicorn** is the server that speaks HTTP, and the client is
# OpenAI's own, which knows nothing of us but the address.


# %% tags=["demo"]
import openai
import uvicorn


def opened(app):
    """Serve `app` from a thread, on a free port of this machine; return the server and its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}/v1"


if check.ready("authenticate", "TokenBucket", "redact", "stream", "create_app"):
    buckets = {}

    def who(header):
        return authenticate(header, keys, time.time(), "complete")

    def allow(name, cost):
        bucket = buckets.setdefault(name, TokenBucket(300, 10, time.monotonic()))
        return bucket.take(cost, time.monotonic())

    server, address = opened(create_app(Plain(net, version), who, allow))
    client = openai.OpenAI(api_key=ana, base_url=address, max_retries=0)
    answer = client.completions.create(model=version, prompt="The fox ", max_tokens=60)
    print("at once:  ", repr(answer.choices[0].text), answer.usage.total_tokens, "characters")
    print("streamed: ", end="")
    for event in client.completions.create(
        model=version, prompt="I am Ana. ", max_tokens=60, stream=True
    ):
        print(event.choices[0].text.replace("\n", "⏎"), end="")
    print()
    for name, key, length in (
        ("a wrong key", ana + "x", 60),
        ("too long", ana, 999),
        ("too much", ana, 250),
    ):
        try:
            other = openai.OpenAI(api_key=key, base_url=address, max_retries=0)
            other.completions.create(model=version, prompt="A", max_tokens=length)
        except openai.APIStatusError as error:
            wait = error.response.headers.get("retry-after")
            print(f"{name}: {error.status_code}", f"wait {wait} s" if wait else "")
    line = {"who": who(f"Bearer {ana}")[1], "status": 200, "prompt": redact("I am Ana. ")}
    print("in the log:", json.dumps(line))
    server.should_exit = True

# %% [markdown]
# Each line of that went over a socket. The client is an ordinary one: `max_retries=0` only tells it to
# show a 429 rather than to wait and ask again, which it does by itself otherwise.

# %% [markdown]
# ## How long will they wait?
#
# One client is served. What if requests come at random, 10 a second, and each takes 80 ms? The model is
# busy for 0.8 of the time: its **load** is 80 %. So there is time to spare.
#
# **Predict first.** An answer takes 80 ms when nobody else is there. How long does it take on average
# at a load of 80 %? And at 95 %?


# %% tags=["demo", "nbval-check-output"]
def latencies(load, service=0.08, requests=100_000, seed=0):
    """Return how long each request takes, waiting and service, in seconds; they come at random."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(service / load, requests)  # seconds from one to the next
    waits = np.zeros(requests)
    for n in range(1, requests):  # who comes next waits for what is left of the last one's time
        waits[n] = max(0.0, waits[n - 1] + service - gaps[n])
    return waits + service


count = 20_000 if preset == "smoke" else 100_000
for load in (0.2, 0.5, 0.8, 0.95):
    took = 1000 * latencies(load, requests=count)
    p50, p95, p99 = np.percentile(took, [50, 95, 99])
    print(
        f"load {load:.0%}: mean {took.mean():4.0f} ms, p50 {p50:4.0f}, p95 {p95:5.0f}, p99 {p99:5.0f}"
    )

# %% [markdown]
# Nobody comes at a good time: they come in bunches, and each bunch has to be worked off in the little
# time that is left over. Here p95 is the time within which 95 of 100 requests are answered, the 95th
# **percentile**; p50 is the median. The mean hides the slow ones, and those are the ones that people
# remember. One page that makes 20 requests meets a p95 in most cases: $1 - 0.95^{20}$ is 64 %. So a
# promise about a service is made in percentiles (Dean and Barroso, 2013).

# %% tags=["demo"]
loads = np.linspace(0.05, 0.97, 20)
rows = [np.percentile(1000 * latencies(x, requests=count // 5), [50, 95, 99]) for x in loads]
with plots.drawing(7.0, 3.6) as (picture, axes):
    for each, name, color in zip(
        np.transpose(rows), ("p50", "p95", "p99"), ("#0072b2", "#e69f00", "#d55e00"), strict=True
    ):
        axes.plot(loads, each, "o-", color=color, label=name)
    axes.axhline(80, color="#949494", linestyle=":", label="nobody else there")
    axes.set(xlabel="load (share of the time that the model is busy)", ylabel="latency (ms)")
    axes.legend()
picture.alt = (
    "p50, p95 and p99 of the latency by load: flat for long, and straight up near a load of 1; "
    f"at {loads[-1]:.0%} p99 is {rows[-1][2]:,.0f} ms."
)
display(picture)

# %% [markdown]
# *The picture: flat for long, and then straight up: a hockey stick.* This is why a service that is
# "only 90 % busy" is in trouble, and why a queue needs an end: beyond a load of 1 it grows for ever.
#
# There is one law that holds for every queue, however it works inside. **Little's law** (1961):
#
# $$L = \lambda W$$
#
# On average there are $L$ requests inside, if $\lambda$ come each second and each stays for $W$ seconds. Count
# both sides apart:

# %% [markdown] slide="At a load of 80 per cent the wait has already begun" picture="above"
# An answer takes 80 ms alone. At a load of 80 %, in our simulation: **244** ms on average, 99 of
# 100 within **900**.
#
# Notes: Nobody comes at a good time. They come in bunches, and each bunch has to be worked off in
# the little time that is left over. The curve is a hockey stick: flat for long, and then straight
# up. The mean hides the slow ones, and people remember those, so a promise about a service is made
# in percentiles.

# %% tags=["demo", "nbval-check-output"]
for load in (0.5, 0.9):
    took = latencies(load, requests=count)
    came = np.cumsum(np.random.default_rng(0).exponential(0.08 / load, count))  # the same gaps
    moments = np.linspace(came[count // 10], came[-1], 20_000)
    inside = (
        np.searchsorted(came, moments) - np.searchsorted(np.sort(came + took), moments)
    ).mean()
    rate = count / came[-1]
    print(
        f"load {load:.0%}: inside {inside:.1f}; {rate:.1f} a second times {took.mean():.2f} s "
        f"= {rate * took.mean():.1f}"
    )

# %% [markdown]
# With it you can reckon on the back of an envelope. 32 people write with your model, each answer takes
# 0.4 seconds: that is 80 answers a second, whatever happens inside. If your machine can only do 40,
# then each of the 32 will wait 0.8 seconds, and no setting in the world changes that. Only faster
# work does.

# %% [markdown] slide="No setting in the world beats Little's law"
# $$L = \lambda W$$
#
# 32 people, 0.4 seconds an answer: 80 answers a second. If the machine can do 40, each waits 0.8
# seconds.
#
# Notes: On average there are L requests inside if lambda come each second and each stays for W
# seconds. It holds for every queue, however it works inside: Little, 1961. The notebook counts both
# sides apart, and they agree. Only faster work helps.

# %% [markdown]
# ## Can it answer many at once?
#
# Your model is asked for one character at a time. How much longer does it take to ask for the next
# character of 32 texts at once? That depends on how much it has to read for each of them: the whole
# text, or, with the cache of lesson 07, only the one new character.
#
# **Predict first.** In which of the two cases do 32 texts take much less than 32 times as long as one?

# %% tags=["demo"]
widths = [1, 2, 4, 8, 16, 32]
torch.manual_seed(0)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
for length, name, color in ((64, "64 characters each", "#d55e00"), (1, "one each", "#0072b2")):
    per_step = []
    for width in widths:
        rows = torch.randint(len(characters), (width, length)).tolist()
        times = []
        for _ in range(3 if preset == "smoke" else 15):
            begun = time.process_time()  # what the processor did for us alone
            next_ids(net, rows)
            times.append(time.process_time() - begun)
        per_step.append(min(times))
    left.plot(widths, [t / per_step[0] for t in per_step], "o-", color=color, label=name)
    speeds = [width / t for width, t in zip(widths, per_step, strict=True)]
    right.plot(widths, speeds, "o-", color=color, label=name)
    print(f"{name}: 32 texts take {per_step[-1] / per_step[0]:.1f} times as long as one")
left.plot(widths, widths, ":", color="#949494", label="as many times as texts")
left.set(xlabel="texts in one step", ylabel="time of a step\n(times that of one text)")
left.set(xscale="log", yscale="log")
right.set(xlabel="texts in one step", ylabel="new characters a second")
left.legend()
figure.tight_layout()
plots.show()

# %% [markdown] slide="A cache makes each text cheap, a batch shares the rest" picture="above"
# Read 64 characters of each text, and little is gained. Read one of each, and many texts cost
# hardly more than one.
#
# Notes: With one character each, most of a step is the calling of a few hundred functions, done
# once for all. On large models it is the weights that are fetched from memory once for all. So the
# cache of lesson 07 and the batch belong together.

# %% [markdown]
# *The picture, with log scales: to read 64 characters of each text is so much work that 32 texts take
# many times as long as one, and little is gained. To read one of each is little work: most of a step is
# the calling of a few hundred functions, which is done once for all.* On large models it is the weights
# that are fetched from the memory once for all. So the cache and the batch belong together: the cache
# makes each text cheap, and the batch shares what is left.
#
# So collect requests, and answer them together. But they do not come at the same time, and one wants 5
# characters while another wants 200.
#
# **Predict first.** Four requests want 20, 2, 3 and 4 characters, and there are two slots. You fill
# both slots, wait until both are done, and fill them again. How many steps does that take? How many
# would do?

# %% [markdown] fold="Answer"
# 20 steps for the first two, and 4 for the others: 24. The second slot stands idle for 18 of the first
# 20, and the last request waits all that time for its 4 characters. If the next one comes in as soon as
# a slot is free, the second slot writes 2, 3 and 4, and all three are done after 9 steps. The whole
# takes 20.

# %% [markdown]
# To decide anew *at each step* who is in the batch is called **continuous batching** (Yu and others,
# 2022). It is what vLLM (Kwon and others, 2023) and its like do. The part that decides, the scheduler,
# does not touch the model at all: it says what to compute, and is told what came out. So it can be
# tested without one.

# %% [markdown] contract="Batcher"
# Write the class `Batcher`. It runs at most `slots` requests at a time; the others wait in a queue.
#
# **`Batcher(slots)`** makes one with nobody in it.
#
# **`add(ids, max_tokens)`** puts a request at the end of the queue: a list of ids, at least one, and how
# many more are wanted, at least 1. It returns a *ticket*, an int that no other request has.
#
# **`rows()`** begins a step. While there is a free slot and somebody waits, the first of the queue
# starts to run. It returns a list with one list for each running request, in any order: its ids, and
# behind them what has been written for it. With nobody there it returns `[]`.
#
# **`take(new)`** ends the step. `new` is a list with one id for each row of the last `rows()`, in the same
# order. Each goes behind its request's text. It returns a list of `(ticket, id, done)`, one for each row;
# `done` is True if it was the last that this request wanted. Who is done frees their slot.
#
# **`leave(ticket)`** is called between two steps when a client has gone: the request runs or waits no
# more. For one that is done or has left before, it does nothing.
#
# The lists that `add` is given and that `rows()` gave stay as they are, whatever comes after.
#
# For example, with one slot, after `a = b.add([7], 1)` and `c = b.add([5, 6], 2)`, `b.rows()` is `[[7]]`
# and `b.take([9])` is `[(a, 9, True)]`. The next `b.rows()` is `[[5, 6]]`.


# %% exercise="Batcher" minutes=35 level=4
class Batcher:
    """Says at each step which requests run side by side."""

    def __init__(self, slots):
        ### BEGIN SOLUTION
        self.slots = slots
        self.tickets = 0
        self.queue = deque()  # tickets that wait
        self.running = []  # tickets that run, in the order of the rows
        self.texts = {}  # by ticket: the ids so far, and how many are still wanted
        ### END SOLUTION

    def add(self, ids, max_tokens):
        """Let a request wait for its turn; return its ticket."""
        ### BEGIN SOLUTION
        self.tickets += 1
        self.texts[self.tickets] = [list(ids), max_tokens]
        self.queue.append(self.tickets)
        return self.tickets
        ### END SOLUTION

    def rows(self):
        """Fill the free slots, and return what each running request has so far."""
        ### BEGIN SOLUTION
        while self.queue and len(self.running) < self.slots:
            self.running.append(self.queue.popleft())
        return [list(self.texts[ticket][0]) for ticket in self.running]
        ### END SOLUTION

    def take(self, new):
        """Put one new id behind each row; return (ticket, id, done) for each."""
        ### BEGIN SOLUTION
        told = []
        for ticket, token in zip(self.running, new, strict=True):
            self.texts[ticket][0].append(token)
            self.texts[ticket][1] -= 1
            told.append((ticket, token, self.texts[ticket][1] == 0))
        for ticket, _, done in told:
            if done:
                self.leave(ticket)
        return told
        ### END SOLUTION

    def leave(self, ticket):
        """Forget a request, whether it runs, waits, or is gone already."""
        ### BEGIN SOLUTION
        if self.texts.pop(ticket, None) is not None:
            (self.running if ticket in self.running else self.queue).remove(ticket)
        ### END SOLUTION


# %% check="Batcher" tags=["nbval-check-output"]
check("Batcher")

# %% [markdown] fold="Hint 1: what to keep"
# A queue of those who wait (`deque()`, with `append` and `popleft`), a list of those who run, and a
# dictionary from tickets to their ids and how many more they want. A counter gives the tickets.

# %% [markdown] fold="Hint 2: a step"
# `rows` first moves tickets from the queue to the running ones, while there is room, and then makes the
# lists. `take` goes through the running ones and `new` together, with `zip`.

# %% [markdown] fold="Hint 3: leaving"
# Who is done goes the same way as who leaves. Do not take anything out of a list while you go through
# it: note who is done, and take them out after the loop.

# %% [markdown]
# Watch it. Each line is a request, each square a step in which it runs.


# %% tags=["demo"]
if check.ready("Batcher"):
    rng = np.random.default_rng(4)
    wanted = [int(n) for n in rng.choice([3, 4, 6, 8, 24], 14)]
    comes = sorted(int(n) for n in rng.integers(0, 20, 14))

    def run(batcher, patient):
        """Return the steps in which each request ran; who is patient lets nobody in meanwhile."""
        waiting, ran, tickets, inside, step = list(zip(comes, wanted, strict=True)), {}, {}, 0, 0
        while waiting or inside:
            if not (patient and inside):
                here = [request for request in waiting if request[0] <= step]
                here = here[:4] if patient else here
                waiting = waiting[len(here) :]
                for _, length in here:
                    tickets[batcher.add([0], length)] = len(tickets)
                inside += len(here)
            for ticket, _, done in batcher.take([0] * len(batcher.rows())):  # the model says 0
                ran.setdefault(tickets[ticket], []).append(step)
                inside -= done
            step += 1
        return ran, step

    figure, pictures = plt.subplots(1, 2, figsize=(10, 3.4), sharex=True, sharey=True)
    for axes, patient, name in zip(
        pictures, (True, False), ("wait for the whole batch", "continuous"), strict=True
    ):
        ran, steps = run(Batcher(4), patient)
        for number, at in ran.items():
            axes.barh(number, comes[number] - at[0], left=at[0], color="#dddddd")
            axes.barh(number, len(at), left=at[0], color="#0072b2")
        finished = np.array([at[-1] + 1 - comes[n] for n, at in ran.items()])
        axes.set(title=name, xlabel="step", ylabel="request")
        print(
            f"{name}: {steps} steps; latency p50 {np.median(finished):.0f}, "
            f"p95 {np.percentile(finished, 95):.0f} steps"
        )
    plots.show()

# %% [markdown]
# *The picture: blue is running, grey is waiting; four slots. On the left a slot that is done early
# stands idle until the longest is done. On the right the next one has it at once.*

# %% [markdown] slide="Each step decides who is in the batch" picture="above"
# **Continuous batching**: a slot that is free is filled at once. In our run **64** steps in place
# of **89**.
#
# Notes: Blue is running, grey is waiting. On the left a slot that is done early stands idle until
# the longest is done. Yu and others had the idea in 2022, and vLLM and its like do it. The
# scheduler never touches the model, so it can be tested without one.

# %% [markdown]
# ## How does the new model get in?
#
# Tomorrow there is a better model. You could stop the service, and start it with the new one: some
# seconds, and every answer that was half-way is lost. Or you swap it in the running service. Then at
# each moment there may be two models: the new one for all who come, and the old one for those who have
# begun. An answer whose first half is one model's and whose second half is another's is an answer of
# neither.
#
# **Predict first.** When may the old model be thrown away? Who could know?

# %% [markdown] fold="Answer"
# When its last request has ended: well, or by an error, or because the client left. Nobody knows when
# that is, unless somebody counts. So count up when a request begins, and down when it ends, in
# `finally`, since it may end in any way.

# %% [markdown] slide="Who began with a model ends with it"
# Half one model's answer and half another's is an answer of neither.
#
# The old model is closed when its last request has ended. So count: up at the start, down at the
# end, however it ends.
#
# Notes: You could stop the service and start it with the new model, and every answer that was
# half-way would be lost. In a swap there are two models for a moment. Nobody knows when the old
# one's last request ends unless somebody counts, also when there is an error or the client leaves.

# %% [markdown]
# In Python "count up, and down in any way" is what `with` is for. The decorator `contextmanager` makes
# one of a function with a single `yield`: what stands before it happens at the beginning of the block,
# what stands behind it at the end. If the block raises, the error comes out of the `yield`.


# %% tags=["demo", "nbval-check-output"]
@contextmanager
def counted(name):
    print(name, "begins")
    try:
        yield name.upper()
    finally:
        print(name, "ends")


try:
    with counted("ana") as who_is_it:
        print(who_is_it)
        raise ValueError("the client left")
except ValueError as error:
    print("still raised:", error)

# %% [markdown] contract="HotSwap"
# Write the class `HotSwap`. Models are objects with a method `close()`, which frees their memory.
#
# **`HotSwap(model)`** begins with this model as the current one.
#
# **`use()`** gives a context manager: `with service.use() as model:` gives the model that is current
# when the block begins, which may be later than the call of `use()`. An error in the block goes on to
# the outside, of whatever kind: also a `GeneratorExit` or a `CancelledError`, which are no `Exception`s.
#
# **`swap(load)`** calls `load()` once, which returns the new model, and makes that the current one. It does
# not wait for anybody. If `load()` raises, nothing changes, and the error goes on.
#
# A model that is not the current one any more, and that nobody uses, is closed at once: by `swap`, or by
# the end of the last block that used it. No model is closed twice; none is closed while it is current
# or used. `load()` may return the model that is current, or one that was current before and is still
# used; that is then the current one.
#
# For example, `with s.use() as a:` is under way when `s.swap(lambda: B)` is called. A second
# `with s.use() as b:` gives `B`. When the first block ends, its model is closed.


# %% exercise="HotSwap" minutes=20 level=3
class HotSwap:
    """Changes the model under those who use it: who has begun ends with the one they had."""

    def __init__(self, model):
        ### BEGIN SOLUTION
        self.current = model
        self.users = Counter()  # how many use each model
        ### END SOLUTION

    @contextmanager
    def use(self):
        """Give the model that is current now, until the end of the block."""
        ### BEGIN SOLUTION
        model = self.current
        self.users[model] += 1
        try:
            yield model
        finally:
            self.users[model] -= 1
            self.close_if_idle(model)
        ### END SOLUTION

    def swap(self, load):
        """Make what `load()` returns the current model, and close the old one when it is idle."""
        ### BEGIN SOLUTION
        new = load()  # if this raises, nothing has changed
        old, self.current = self.current, new
        self.close_if_idle(old)

    def close_if_idle(self, model):
        """Close `model` if it is not current, and nobody uses it."""
        if model is not self.current and self.users[model] == 0:
            del self.users[model]
            model.close()
        ### END SOLUTION


# %% check="HotSwap" tags=["nbval-check-output"]
check("HotSwap")

# %% [markdown] fold="Hint 1: what to count"
# One number for each model: how many blocks are under way with it. A `Counter` begins at 0 for
# everything. In `use`, remember the model in a variable of your own: the current one may be another
# when the block ends.

# %% [markdown] fold="Hint 2: when to close"
# The same question is asked at two places, at the end of a block and in `swap`: is this model no longer
# the current one, and does nobody use it? Write it once, and call it from both.

# %% [markdown]
# Now all of it at once: your batcher, your swap, and thirty clients. The first part is a model behind
# your batcher. One task does the steps, `work`; it puts each new id into the letter box of its ticket,
# a queue, from which `stream` takes it.


# %% tags=["demo"]
class Desk:
    """A model behind a batcher: one task does the steps, and each client takes what is theirs."""

    def __init__(self, net, name, slots=16):
        self.net, self.name, self.closed = net, name, False
        self.batcher, self.mail = Batcher(slots), {}
        self.task = asyncio.create_task(self.work())

    async def work(self):
        while not self.closed:
            rows = self.batcher.rows()
            if rows:
                for ticket, token, done in self.batcher.take(next_ids(self.net, rows)):
                    self.mail[ticket].put_nowait((token, done))
            await asyncio.sleep(0 if rows else 0.001)

    async def stream(self, prompt, max_tokens, temperature):
        ids = [place[char] for char in prompt if char in place] or [place["\n"]]
        ticket = self.batcher.add(ids, max_tokens)
        self.mail[ticket] = asyncio.Queue()
        try:
            done = False
            while not done:
                token, done = await self.mail[ticket].get()
                yield characters[token]
        finally:
            self.batcher.leave(ticket)
            del self.mail[ticket]

    def close(self):
        self.closed = True


# %% [markdown]
# The second part stands between the service and the desks: it has a name and a `stream`, as every model
# here, and each stream is a block of your `HotSwap`.


# %% tags=["demo"]
class Swapped:
    """What `create_app` asks for, with the model that a `HotSwap` has just then."""

    def __init__(self, models):
        self.models = models

    @property
    def name(self):
        with self.models.use() as model:
            return model.name

    async def stream(self, prompt, max_tokens, temperature):
        with self.models.use() as model:
            async with aclosing(model.stream(prompt, max_tokens, temperature)) as pieces:
                async for piece in pieces:
                    yield piece


# %% [markdown]
# The third part is the load: thirty clients, each of whom asks again as soon as the answer is there,
# until the time is over. Half-way something is called; for us it will be the swap.


# %% tags=["demo"]
async def client(app, number, until, seen):
    """Ask again and again until it is time; note status, begin and end of each request."""
    body = json.dumps({"prompt": f"Story {number}. ", "max_tokens": 8 + number % 9}).encode()
    while (begun := time.perf_counter()) < until:
        status, _ = await ask(app, "POST", "/v1/completions", {}, body)
        seen.append((status, begun, time.perf_counter()))


async def under_load(model, seconds, half_way):
    """Let thirty clients ask for so many seconds, and call `half_way` then; return what they saw."""
    app = create_app(model, lambda header: (200, "load"), lambda name, cost: 0.0)
    seen, end = [], time.perf_counter() + seconds
    clients = asyncio.gather(*(client(app, number, end, seen) for number in range(30)))
    await asyncio.sleep(seconds / 2)
    half_way()
    await asyncio.wait_for(clients, seconds + 30)
    return seen


# %% [markdown]
# Last, the numbers; and then it runs twice: each request by itself, and batched with a swap in the
# middle. That is six seconds each, with a bar.


# %% tags=["demo"]
def tell(name, seen):
    """Print what a load of requests saw."""
    took = np.array([end - start for _, start, end in seen])
    p50, p95, p99 = 1000 * np.percentile(took, [50, 95, 99])
    begun = [start for _, start, _ in seen]  # when nobody begins any more, the load is over
    rate = len(seen) / (max(begun) - min(begun))
    failed = sum(status != 200 for status, *_ in seen)
    print(f"{name}: {rate:.0f} requests a second, failed: {failed}")
    print(f"    p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")
    print(f"    Little's law: {rate * took.mean():.0f} inside")


if check.ready("stream", "create_app", "Batcher", "HotSwap"):
    seconds_of_load = 1 if preset == "smoke" else 6
    results = {}
    with wait_bar("each by itself", seconds_of_load):
        results["each by itself"] = await under_load(
            Plain(net, version), seconds_of_load, lambda: None
        )
    old, new = Desk(net, version), Desk(net, "the new one")
    models = HotSwap(old)
    with wait_bar("batched, and swapped", seconds_of_load):
        results["batched, and swapped"] = await under_load(
            Swapped(models), seconds_of_load, lambda: models.swap(lambda: new)
        )
    for name, seen in results.items():
        tell(name, seen)
    print("closed: the old model", old.closed, "and the new one", new.closed)
    new.close()

# %% tags=["demo"]
if check.ready("results"):
    with plots.drawing(7.0, 3.4) as (picture, axes):
        for (name, seen), color in zip(results.items(), ("#d55e00", "#0072b2"), strict=True):
            start = min(begun for _, begun, _ in seen)
            axes.plot(
                [begun - start for _, begun, _ in seen],
                [1000 * (e - b) for _, b, e in seen],
                ".",
                ms=4,
                alpha=0.5,
                color=color,
                label=name,
            )
        axes.axvline(seconds_of_load / 2, color="#949494", linestyle=":", label="the swap")
        axes.set(xlabel="when the request came (s)", ylabel="latency (ms)", ylim=(0, None))
        axes.legend()
    picture.alt = "The latency of each request by when it came, in two clouds: " + "; ".join(
        f"{name}, {len(seen)} requests" for name, seen in results.items()
    )
    display(picture)

# %% [markdown]
# *The picture: each point is a request. The batched service answers more of them, each sooner. At the
# dotted line they take longer for a moment, since two models work side by side; and none fails. That is
# what a good swap looks like.* "Little's law" is the rate at
# which requests begin times their mean latency: 30 clients, of whom each always has one request inside.
# It comes out a little higher, since those who are inside at the end count whole.

# %% [markdown] slide="A good swap: slower for a moment, and nobody fails" picture="above"
# Thirty clients, each asking again as soon as the answer is there. Failed requests in our run:
# **0**.
#
# Notes: Each point is a request. The batched service answers more of them, each sooner. At the
# dotted line two models work side by side. The service is open now, by hand. Lesson 13 asks who
# does all this at three in the morning.

# %% [markdown]
# **Something to play with.** How many clients can one service bear? Move the load, and the spread of how
# long answers are: what do long answers do to those who ask for short ones?


# %% tags=["demo"]
def wait_with(load, spread):
    """Draw the latencies at a load, where answers have other lengths: 0 all alike, 2 very unlike."""
    rng = np.random.default_rng(1)
    n = 5_000
    lengths = rng.lognormal(0, spread, n) if spread else np.ones(n)
    lengths *= 0.08 / lengths.mean()
    gaps, waits = rng.exponential(0.08 / load, n), np.zeros(n)
    for i in range(1, n):
        waits[i] = max(0.0, waits[i - 1] + lengths[i - 1] - gaps[i])
    took = 1000 * (waits + lengths)
    _, axes = plt.subplots(figsize=(7, 2.8))
    axes.hist(np.minimum(took, 3000), 60, color="#0072b2")
    for share, color in ((50, "#949494"), (95, "#e69f00"), (99, "#d55e00")):
        value = np.percentile(took, share)
        axes.axvline(min(value, 3000), color=color, label=f"p{share}: {value:,.0f} ms")
    axes.set(xlabel="latency (ms; 3,000 and more in the last bar)", ylabel="requests")
    axes.legend()
    plots.show()


play(wait_with, load=(0.1, 0.98, 0.02), spread=(0.0, 2.0, 0.25))

# %% [markdown]
# ## What does the real one do beside?
#
# `lmops serve` is the platform's service. It is made of the same parts: keys by id and hash, a bucket
# for each key, a batcher, events, a swap, and a log that is redacted before it is written. Beside that
# it has what takes many lines and little thought: TLS, time limits, request ids, metrics, and an end
# that lets those under way finish. Its batcher works on a key-value cache, as in lesson 07.
#
# The next cell starts it as you would in a terminal, on your model. Sixteen clients ask at once, and then
# it is told to end. Most of its five to ten seconds is the start; there is a bar.

# %% tags=["demo"]
import openai

command = [sys.executable, "-m", "lmops.cli"]
with tempfile.TemporaryDirectory() as home, wait_bar("lmops serve", 6):
    added = subprocess.run(
        [*command, "keys", "add", "ana", "--scope", "complete", "--home", home, "--json"],
        capture_output=True,
        check=True,
    )
    serving = subprocess.Popen(
        [*command, "serve", "--port", "0", "--home", home, "--json"], stdout=subprocess.PIPE
    )
    address = json.loads(serving.stdout.readline())["url"] + "/v1"

    async def one(client, number):
        begun = time.perf_counter()
        answer = await client.completions.create(
            model=version, prompt="The fox ", max_tokens=100, seed=number
        )
        return time.perf_counter() - begun, answer.choices[0].text

    async with openai.AsyncOpenAI(
        api_key=json.loads(added.stdout)["key"], base_url=address, max_retries=0
    ) as platform:
        answers = await asyncio.gather(*(one(platform, number) for number in range(16)))
    serving.terminate()
    ended = serving.wait(30)
print("its exit code when it is told to end:", ended)
p50, p95 = 1000 * np.percentile([took for took, _ in answers], [50, 95])
print(f"16 answers of 100 characters at once: p50 {p50:.0f} ms, p95 {p95:.0f} ms")
print(repr(answers[0][1]))

# %% [markdown]
# ## Where are we?
#
# It is half past twelve. The service is open, and the first thousand requests have come.

# %% tags=["demo"]
display(timeline.until("12_serve"))

# %% [markdown] contract="quiz"
# Five questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. Why do you keep the hash of a key, and not the key?
#    - (a) It takes less room.
#    - (b) Who reads your table cannot ask in others' names.
#    - (c) Hashes are compared faster.
# 2. A key is right, but its scopes are only `["feedback"]`, and it asks for a completion. The status is
#    - (a) 401
#    - (b) 429
#    - (c) 403
# 3. 20 requests come each second, and each stays for half a second. How many are inside, on average?
#    - (a) 10
#    - (b) 40
#    - (c) It depends on how the service works inside.
# 4. Of 100 requests 98 take 50 ms, and two take 5 seconds. Which number shows it best?
#    - (a) the median
#    - (b) p99
#    - (c) the fastest one
# 5. What does continuous batching save, against waiting for the whole batch?
#    - (a) the steps of slots whose request is done
#    - (b) the memory of the weights
#    - (c) the time of a single step

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "b"
answer_2 = "c"
answer_3 = "a"
answer_4 = "b"
answer_5 = "a"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - A key is kept as its hash, found by its id, compared in constant time. 401: who are you? 403: not
#   you.
# - A token bucket lets a burst through and stops a loop. The clock is an argument, and may go back.
# - What is personal is taken out before a line is written; better still, it is not written at all.
# - A stream sends each piece as it comes. Whoever leaves a stream must stop the model, and an error in
#   the middle has no status any more.
# - What is cheap to refuse is refused first. Count what comes; believe no length.
# - Latency rises straight up near full load, and is told in percentiles. $L = \lambda W$ holds for all.
# - Continuous batching decides at each step who runs. A swap counts who still uses the old model.
#
# **Next**, lesson 13: who pulls the lever at night? All that you did by hand this morning (test, gate,
# pack, register, serve) becomes a pipeline that does it, and that stops when it should.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *deploy*, and the beginning of *monitor*: what a service logs and
# counts is all that you will know of it.
#
# ### References
#
# - J. D. C. Little (1961). A Proof for the Queuing Formula: L = λW. *Operations Research* 9(3).
# - J. S. Turner (1986). New Directions in Communications (or Which Way to the Information Age?). *IEEE
#   Communications Magazine* 24(10). The leaky bucket.
# - P. C. Kocher (1996). Timing Attacks on Implementations of Diffie-Hellman, RSA, DSS, and Other
#   Systems. *CRYPTO*.
# - J. Dean, L. A. Barroso (2013). The Tail at Scale. *Communications of the ACM* 56(2).
# - G.-I. Yu and others (2022). Orca: A Distributed Serving System for Transformer-Based Generative
#   Models. *OSDI*. Continuous batching.
# - W. Kwon and others (2023). Efficient Memory Management for Large Language Model Serving with
#   PagedAttention. *SOSP*. This is vLLM.

# %%
check.summary()
