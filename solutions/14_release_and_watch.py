# %% [markdown] lesson="14_release_and_watch" title="How do you know?" minutes=200 laptop_minutes=1 gpu_minutes=1 extras="ops"
# Half past two. The pipeline has brought a new model as far as the door. All tests are green, the gate
# said yes, somebody approved it. And still nobody knows how it does with real people. So a few of them get
# it first, and you watch. But how few, and what do you watch, and when do you know?
#
# After this lesson you can
#
# - **split** users, so that each always gets the same version,
# - **stop** a bad release early, without stopping good ones,
# - **compare** two versions by what people say of them, without fooling yourself,
# - **read** counters and histograms as Prometheus does,
# - **call** somebody when it matters, and only then, and
# - **scale** a service with its load, without trembling.
#
# You need lesson 10 (uncertainty), lesson 12 (the service) and lesson 13 (the pipeline that calls this).

# %% tags=["setup"]
import bisect
import hashlib
import json
import math
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, fmean, variance

import numpy as np
from IPython.display import display

from lmcourse import check, play, plots, timeline
from lmcourse.waiting import wait_bar

check.lesson("14_release_and_watch")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# ## Who gets the new one?
#
# There are four ways to bring a new version to its users:
#
# | strategy | who gets the new one | what it costs | good for |
# |---|---|---|---|
# | **rolling** | one copy after the other is exchanged | nothing | small changes; both answer for a while |
# | **blue-green** | nobody, then everybody, at one blow | twice the machines for an hour | a quick way back |
# | **canary** | one user in twenty, then more | time, and watching | finding out whether it is *worse* |
# | **A/B test** | half of them, for days | time, and many users | finding out whether it is *better* |
#
# The canary is named after the bird that miners took along: it fell off its perch before they did. Our
# service keeps two colours, blue and green: one is live, the other one gets the new version. A proxy stands
# before both and decides for each request where it goes.
#
# How should it decide? By a die for each *request*, half of somebody's afternoon would go to one version
# and half to the other: a conversation that changes its voice. And nobody could say which version a user
# liked. So it is decided for each *user*, and it has to stay.
#
# **Predict first.** A list of who gets the new version would do, but there are a million users and ten
# proxies, which know nothing of each other. How can all ten decide alike, without a list?

# %% [markdown] fold="Answer"
# By arithmetic on the user's name: a **hash** looks like chance, and gives the same number for the same
# name everywhere. Take that number as the user's place in a long row; whoever stands in the first 5 % of
# the row gets the new version.

# %% [markdown] slide="A canary asks: is it worse? A/B asks: is it better?"
# - **Rolling**: one copy after the other
# - **Blue-green**: everybody at one blow, and a quick way back
# - **Canary**: one user in twenty, then more
# - **A/B test**: half of them, for days
#
# Notes: The pipeline has brought a new model as far as the door. All tests are green, the gate said
# yes, somebody approved it, and still nobody knows how it does with real people. The canary is
# named after the bird that miners took along: it fell off its perch before they did.

# %% [markdown] slide="Split users by arithmetic, and nobody needs a list"
# A **hash** of user and experiment looks like chance, and gives every proxy the same answer.
#
# Who is in stays in when the share grows.
#
# Notes: With a die for each request, half of somebody's afternoon would go to either version, and
# nobody could say which one they liked. There are a million users and ten proxies that know nothing
# of each other. In the demo the real HAProxy does it, and is told the share through a socket while
# it runs.

# %% [markdown] contract="assign"
# `assign(user, experiment, share)` returns True if this user gets the new version, and otherwise False.
#
# `user` and `experiment` are texts, `share` is a number from 0 to 1, and it may be as small as 0.001. It
# should be so that
#
# - whoever asks again, also tomorrow in another process on another machine, gets the same answer,
# - of many users that share gets True: nobody for 0, everybody for 1,
# - whoever is in stays in when the share grows,
# - who is in one experiment says nothing about who is in another.
#
# How you do it is up to you. Python's `hash()` is another one in each process, on purpose.


# %% exercise="assign" minutes=15 level=2
def assign(user, experiment, share):
    """Return whether `user` gets the new version in `experiment`."""
    ### BEGIN SOLUTION
    digest = hashlib.sha256(f"{experiment}/{user}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
    ### END SOLUTION


# %% check="assign" tags=["nbval-check-output"]
check("assign")

# %% [markdown] fold="Hint 1: a number that stays"
# `hashlib.sha256(text.encode())` is the same everywhere. Its `.digest()` is 32 bytes, and
# `int.from_bytes(some, "big")` makes a number of some of them.

# %% [markdown] fold="Hint 2: what goes into the text?"
# The user, so that it stays; the experiment, so that each draws anew. Not the share: whoever is in with 5 %
# would have to draw again at 10 %.

# %% [markdown] fold="Hint 3: from a number to an answer"
# With 8 bytes there are `2**64` places. Which of them are in?

# %% [markdown]
# ### For real
#
# The real thing is HAProxy, which the platform puts before its replicas. It computes a user's place by
# itself, and is told the share through a socket while it runs: nothing is loaded anew, and no connection
# is dropped. The next cell starts it, if it is installed, before two small services that say which colour
# they are, and asks for 400 users.


# %% tags=["demo"]
def colour_service(colour):
    """Start a service that answers with its colour; return it."""

    class Says(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(colour.encode())

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Says)
    server.handle_error = lambda *words: None  # HAProxy looks at its health, and hangs up early
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def split_by_haproxy(shares):
    """Return who of 400 users got green at each share, as real answers say."""
    from lmops.release.proxy import NoProxy, Proxy, Split, find

    try:
        find()
    except NoProxy as missing:
        raise RuntimeError(missing) from None
    services = {colour: colour_service(colour) for colour in ("blue", "green")}
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as free:
        port = free.server_port
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(Path(folder))
        proxy.start(f"127.0.0.1:{port}", Split("blue", "green", 0, "lesson"))
        try:
            for colour, service in services.items():
                proxy.use(colour, 1, service.server_port)
            while sum(server.up for server in proxy.servers().values()) < 2:
                time.sleep(0.05)
            got = []
            for share in shares:
                proxy.set_split(Split("blue", "green", round(1000 * share), "lesson"))
                green = set()
                for user in range(400):
                    line = HTTPConnection("127.0.0.1", port, timeout=5)
                    line.request("GET", "/", headers={"x-user": f"user {user}"})
                    if line.getresponse().read() == b"green":
                        green.add(user)
                    line.close()
                got.append(green)
            return got
        finally:
            proxy.stop()
            for service in services.values():
                service.shutdown()


shares = (0.05, 0.1, 0.25, 0.5)
try:
    by_proxy = split_by_haproxy(shares)
except (ImportError, OSError, RuntimeError) as missing:
    print(f"HAProxy does not run here: {missing}")
    print("The solved notebook shows what it answered where it did.")
else:
    for share, green in zip(shares, by_proxy, strict=True):
        print(f"{share:4.0%} asked for, {len(green) / 400:6.1%} of the users got green")
    print("whoever was in stayed in:", all(a <= b for a, b in pairwise(by_proxy)))

# %% [markdown]
# ## When do you know?
#
# The canary has its first users. After each request you know a little more: did it fail, was it slow, how
# well does the model guess what people write? You look again and again, and want to stop it as soon as you
# know that it is worse.
#
# The test that everybody knows compares two rates: their difference, divided by its standard error; beyond
# 1.96 it is "significant", which happens by chance in 5 % of all cases. If you look *once*.
#
# **Predict first.** The new version is exactly as good as the old one. You look after every 10 requests of
# 2,000, and stop as soon as the test says "significant". In how many of a hundred such releases do you stop
# a good version?


# %% tags=["demo"]
def errors_of(rng, rate, releases, looks, each):
    """Return how many of the requests so far failed, (releases, looks)."""
    return rng.binomial(each, rate, (releases, looks)).cumsum(axis=1)


rng = np.random.default_rng(14)
releases, looks, each = (200 if preset == "smoke" else 1000), 200, 10
requests = each * np.arange(1, looks + 1)
failed = [errors_of(rng, 0.02, releases, looks, each) for _ in range(2)]


def noise_of(failed):
    """Return the variance of the difference of two rates: p (1 - p) / n of each, for 0 and 1 only.

    It is as if one error and one good answer had been seen besides.
    """
    rates = [(f + 1) / (requests + 2) for f in failed]
    return sum(p * (1 - p) / requests for p in rates)


difference = (failed[1] - failed[0]) / requests
z = difference / np.sqrt(noise_of(failed))
alarms = (np.abs(z) > 1.96)[:, 1:]  # from 20 requests on
print(f"looking once, at the end: {alarms[:, -1].mean():.1%}")
print(f"looking all the time:     {alarms.any(axis=1).mean():.1%}")

# %% [markdown] fold="Answer"
# About every fourth release. Each look is another chance to be wrong, and it adds up; with enough looks it
# happens nearly always (Armitage, McPherson and Rowe, 1969). This is called **peeking**.

# %% [markdown] slide="Peeking stops one good release in four"
# Two equal versions, a test made to err in 5 % of cases. Releases stopped in our run:
#
# - looking once: 4.2 %
# - looking all the time: 25.3 %
#
# Notes: You look again and again, since you want to stop a bad one as soon as you know. Each look
# is another chance to be wrong, and it adds up. With enough looks it happens nearly always.
# Armitage, McPherson and Rowe showed it in 1969.

# %% [markdown]
# So what can you do, if you want to look all the time? Draw wider bounds: such that the truth lies within
# them *at all times at once*, except for a few of all releases. That is a **confidence sequence**. One is
# Robbins' normal mixture (1970), which with an estimated variance is used by those who run tests on the
# web (Johari and others, 2022). The difference lies within
#
# $$d \pm \sqrt{\,2v\left(1 + \frac{v}{s^2}\right)\left(\ln\frac{1}{2\alpha} +
# \frac{1}{2}\ln\left(1 + \frac{s^2}{v}\right)\right)}$$
#
# where $d$ is the difference of the two means, the canary's less the other one's, and $v$ is the variance of
# that difference: each arm's own variance divided by its number of requests, added up. Each of the two
# bounds is ever wrong with probability $\alpha$ at most; with 0.025, the two together are in 5 % of all
# releases. $s$ only says for which size of difference the
# bounds should be tightest. It is *asymptotic*, which means that of a handful of requests it promises
# nothing: so we wait for some.
#
# An arm without any error so far has a variance of 0, and would seem to be *sure* to make none. So we
# reckon as if one 0 and one 1 had been seen besides (Laplace's rule): the mean becomes
# $(\mathrm{sum} + 1)/(n + 2)$, the mean of the squares $(\mathrm{squares} + 1)/(n + 2)$, and the variance is
# the second less the square of the first. For $d$ itself the plain means are taken.


# %% tags=["demo"]
def half_width(noise, alpha, scale):
    """Return how far the bounds are from the difference."""
    inside = np.log(1 / (2 * alpha)) + np.log1p(scale**2 / noise) / 2
    return np.sqrt(2 * noise * (1 + noise / scale**2) * inside)


width = half_width(noise_of(failed), 0.025, 0.02)  # for each of two bounds: 5 % in all
held = ~(np.abs(difference) > width)[:, 1:].any(axis=1)
# Of those that hold, the one in which the z-test is furthest off.
shown = int(np.argmax(held * np.abs(z[:, 20:]).max(axis=1)))
with plots.drawing(7.5, 3.4) as (picture, axes):
    axes.axhline(0, color="#222222", lw=0.8)
    axes.plot(requests, 100 * difference[shown], color="#222222", label="difference so far")
    for spread, colour, name in (
        (1.96 * np.sqrt(noise_of(failed)), "#d55e00", "z-test, 1.96 standard errors"),
        (width, "#0072b2", "confidence sequence"),
    ):
        for sign in (-1, 1):
            axes.plot(
                requests,
                100 * (difference + sign * spread)[shown],
                color=colour,
                label=name if sign > 0 else None,
            )
    axes.set(xlabel="requests of each arm", ylabel="more errors (% of requests)", ylim=(-8, 8))
    axes.legend(loc="upper right", fontsize=8)
    axes.set_title("A canary that is exactly as good")
picture.alt = (
    "The difference in errors of two equal versions over 2,000 requests, with two pairs of bounds: "
    "those of the z-test exclude 0 for a while, the wider ones of the confidence sequence never do."
)
display(picture)
print(f"releases in which the confidence sequence ever excludes 0: {1 - held.mean():.1%}")

# %% [markdown] slide="Whoever looks all the time needs wider bounds" picture="above"
# A **confidence sequence** holds the truth at all times at once. The truth here is 0.
#
# Notes: The black line is the difference so far. The orange bounds leave the 0 outside for a while,
# and there the peeker stops a good release. The blue ones are wider and hold: that is the price for
# the right to look whenever you like. Robbins' normal mixture, 1970.

# %% [markdown]
# *The picture: the black line is the difference so far; the truth is 0. The orange bounds leave the 0
# outside for a while: there the peeker stops a good release. The blue bounds are wider and hold.* That is
# the price: somewhat wider bounds, for the right to look whenever you like.
#
# ### The decision
#
# Both arms are described by three numbers for each measure: the count of values, their sum, and the sum of
# their squares. They are enough for mean and variance, and can be added up as requests come. Of all
# measures, **more is worse**:
#
# | measure | a value is |
# |---|---|
# | `errors` | 1 for an answer with a code of 500 or above, otherwise 0 |
# | `slow` | 1 for an answer that took longer than a second, otherwise 0 |
# | `loss` | nats per character of the version on what it was sent |
#
# Who watches three measures has three chances of a false alarm. Give each a third of $\alpha$, and the sum
# is $\alpha$ at most (Bonferroni).

# %% [markdown] contract="canary_decision"
# `canary_decision(control, canary, rules)` says what becomes of the canary: `"rollback"`, `"promote"` or
# `"continue"`. It is asked again and again, while both arms grow.
#
# `control` and `canary` are dictionaries such as `{"errors": [812, 9, 9], "loss": [300, 391.2, 540.7]}`:
# count, sum and sum of squares. `rules` is
# `{"alpha": 0.05, "at_least": 20, "limits": {"errors": 0.02, "slow": 0.05, "loss": 0.1}}`. What counts are
# the measures in `limits`, whatever they are called; others are not looked at.
#
# - A measure says nothing yet where one of the arms lacks it, has fewer than `at_least` values of it, or
#   has a NaN in it.
# - `"rollback"` as soon as the canary is shown to be worse in one measure, by however little.
# - `"promote"` if it is shown in *all* of them that it is worse by less than the limit. With a limit of 0 it
#   has to be shown to be better.
# - Otherwise `"continue"`. Where both could be said, it is rollback.
#
# *Shown* means: however often it is asked, an equally good canary comes back with probability `alpha` at
# most, over all measures together, of which each has an equal share, and one that is worse by a limit is
# promoted with probability `alpha` at most. Yours should need at most twice the requests that it takes with
# the bounds above, each measure at `alpha` divided by the number of limits and with $s$ equal to the limit
# (0.1 for a limit of 0). Other ways that keep the promise will do as well. The check asks yours where it
# changes its mind, look by look, and reckons the probabilities exactly; then it tries some hundred simulated
# rollouts.
#
# For example, with the rules above, 400 requests each, and 4 errors against 200 it is `"rollback"`; with 4
# against 4 it is `"continue"`, since 400 do not yet exclude two per cent more. There the variance of either
# arm, `[400, 4, 4]`, is 0.01228 and $v$ is 6.14e-05, and with $s$ 0.02 and a third of 0.05 for $\alpha$ the
# bounds are -0.0250 and 0.0250.


# %% exercise="canary_decision" minutes=35 level=4
def bounds(one, other, alpha, scale):
    """Return the lower and the upper bound of how much more the mean of `other` is."""
    ### BEGIN SOLUTION
    noise = 0
    for count, total, squares in (one, other):
        noise += ((squares + 1) / (count + 2) - ((total + 1) / (count + 2)) ** 2) / count
    apart = other[1] / other[0] - one[1] / one[0]
    prior = scale**2
    inside = math.log(1 / (2 * alpha)) + math.log1p(prior / noise) / 2
    wide = math.sqrt(2 * noise * (1 + noise / prior) * inside)
    return apart - wide, apart + wide
    ### END SOLUTION


def canary_decision(control, canary, rules):
    """Return what becomes of the canary: "rollback", "promote" or "continue"."""
    ### BEGIN SOLUTION
    limits = rules["limits"]
    said = []
    for name, limit in limits.items():
        one, other = control.get(name), canary.get(name)
        if one is None or other is None or min(one[0], other[0]) < rules["at_least"]:
            said.append("continue")
            continue
        low, high = bounds(one, other, rules["alpha"] / len(limits), limit or 0.1)
        said.append("rollback" if low > 0 else "promote" if high < limit else "continue")
    for answer in ("rollback", "continue"):
        if answer in said:
            return answer
    return "promote"
    ### END SOLUTION


# %% check="canary_decision" tags=["nbval-check-output"]
check("canary_decision")

# %% [markdown] fold="Hint 1: two functions"
# `bounds` is the formula above, line by line: first $v$, from count, sum and squares of both arms; then
# $d$; then the width. `canary_decision` asks it for each measure in `limits`.

# %% [markdown] fold="Hint 2: from bounds to a word"
# The lower bound above 0: worse, surely. The upper bound below the limit: not much worse, surely. Collect
# one word for each measure, and look at the words at the end.

# %% [markdown] fold="Hint 3: NaN"
# Every comparison with NaN is False. Write the two conditions so that False leads to "continue".

# %% [markdown]
# Let it decide. A thousand releases would take a while in plain Python; a hundred show it.


# %% tags=["demo"]
RULES = {"alpha": 0.05, "at_least": 20, "limits": {"errors": 0.02}}


def release(rng, old, new, most=3000, step=20):
    """Play one release; return the decision, and after how many requests of the canary."""
    bad = [0, 0]
    for seen in range(step, most + 1, step):
        bad = [bad[0] + rng.binomial(step, old), bad[1] + rng.binomial(step, new)]
        control, canary = ({"errors": [seen, float(b), float(b)]} for b in bad)
        said = canary_decision(control, canary, RULES)
        if said != "continue":
            return said, seen
    return "continue", most


def some_releases(new_errors_percent):
    """Play releases of a canary with so many errors; the old version has 1 %."""
    rng = np.random.default_rng(0)
    ended = [release(rng, 0.01, new_errors_percent / 100) for _ in range(100)]
    with plots.drawing(7.5, 2.6) as (picture, axes):
        words = ("promote", "rollback", "continue")
        for word, colour in zip(words, ("#009e73", "#d55e00", "#949494"), strict=True):
            after = [seen for said, seen in ended if said == word]
            bins = np.arange(0, 3100, 100)
            axes.hist(after, bins=bins, color=colour, label=f"{word}: {len(after)}")
        axes.set(xlabel="requests of the canary until it was decided", ylabel="releases of 100")
        axes.legend()
        axes.set_title(f"errors: 1 % before, {new_errors_percent:g} % now")
    counts = ", ".join(f"{w} {sum(said == w for said, _ in ended)}" for w in words)
    picture.alt = f"How 100 releases end with {new_errors_percent:g} % errors: {counts}."
    display(picture)


if check.ready("canary_decision"):
    play(some_releases, new_errors_percent=[5, 1, 2, 3, 10, 50])

# %% [markdown]
# *The picture: how many of a hundred releases end in which way, and when. With 5 % of errors it takes
# hundreds of requests; with 50 % (choose it) a few dozen. The closer the truth is to the limit, the longer
# it takes.*
#
# Your function can stop your own model. The platform's controller asks it after each look, and takes
# whatever is no answer for a rollback:
#
# ```
# lmops rollout VERSION --to production --with 14_release_and_watch.ipynb
# ```
#
# It gives the canary 5 % of the users, then 10, 25 and 50 %, and writes each step with its reasons into the
# ledger *before* it takes it. So it may be killed at any moment, and goes on.

# %% [markdown] slide="Close to the limit it takes longer" picture="above"
# A hundred releases with 5 % of errors: how they end, and when. None was promoted, in our run.
#
# Notes: With half of all answers wrong a few dozen requests are enough, with 5 in 100 it takes
# hundreds. Who watches three measures has three chances of a false alarm, so each gets a third. The
# same function can stop your own model: the platform's controller asks it, and takes whatever is no
# answer for a rollback.

# %% [markdown]
# ## Do they like it better?
#
# Not worse is not yet better. Whether people *like* the new version only they can say: our service has a
# thumb up and a thumb down. In an **A/B test** half of the users get either version for some days, and then
# their ratings are compared, once, at an end that was fixed *before*. That makes the plain test right
# again: one look, 5 %.
#
# Three things go wrong more often than the arithmetic.
#
# **Who is counted?** Users were split, not ratings. Somebody who rates two hundred answers is one person
# with one taste, not two hundred witnesses. So first each user becomes one number, their share of thumbs
# up, and the users are compared. The unit that was split is the unit that is analysed.
#
# **Did the split work?** If half of the users should be in B, and it is 4,700 of 10,000, something is broken:
# B is so slow that people leave before they rate, or a robot is in A. Then no number of this test means
# anything, however good it looks. This is a **sample ratio mismatch**, and firms that run thousands of
# tests find it in some 6 of 100 (Fabijan and others, 2019).
#
# **When is it over?** When as many users are there as were planned. Not when it looks good.
#
# **Predict first.** A few users rate a great deal. A and B are the *same* version. If all ratings are
# thrown together, and the plain test is asked once, at the end: how often does it find a difference?


# %% tags=["demo"]
def same_version(rng, users):
    """Return the ratings of users who all got the same version; some of them rate a great deal."""
    tastes, counts = rng.beta(2, 2, users), 1 + rng.geometric(0.5, users) ** 2
    return [
        rng.binomial(1, taste, count).tolist() for taste, count in zip(tastes, counts, strict=True)
    ]


def z_of(one, other):
    """Return the difference of two means in standard errors."""
    return (np.mean(other) - np.mean(one)) / math.sqrt(
        np.var(one) / len(one) + np.var(other) / len(other)
    )


rng = np.random.default_rng(3)
by_rating, by_user = [], []
for _ in range(50 if preset == "smoke" else 300):
    a, b = same_version(rng, 200), same_version(rng, 200)
    by_rating.append(z_of(np.concatenate(a), np.concatenate(b)))
    by_user.append(z_of([np.mean(user) for user in a], [np.mean(user) for user in b]))
for name, found in (("each rating counts", by_rating), ("each user counts", by_user)):
    print(f"{name:20} {np.mean(np.abs(found) > 1.96):.0%} of tests find a difference")

# %% [markdown] fold="Answer"
# Several times as often as 5 %, as the cell above counts. The ratings of one user resemble each other, so
# there is far less evidence in them than their number says.

# %% [markdown] slide="What was split is what is counted"
# Two arms with the *same* version, in our run a difference is found in
#
# - **46 %** of tests, if each rating counts
# - **7 %** of tests, if each user counts
#
# Notes: Somebody who rates two hundred answers is one person with one taste, not two hundred
# witnesses. So first each user becomes one number. Look at the split too: with 4,700 of 10,000
# users in B, something is broken, and no number of that test means anything. And it is over when as
# many users are there as were planned.

# %% [markdown] contract="ab_test"
# `ab_test(a, b, plan)` compares two versions by their users' ratings.
#
# `a` and `b` are lists with an entry for each user: the list of that user's ratings, 1 for up, 0 for down;
# at least one each, and at least two users in each arm. `plan` is
# `{"share": 0.5, "users": 800, "alpha": 0.05}`: which share of the users was to get B, how many users of
# both arms together to wait for, and how often a test of two equal versions may find a difference.
#
# It returns a dictionary:
#
# | key | is |
# |---|---|
# | `"effect"` | the mean of B's users less that of A's; each user is one number, their share of ups |
# | `"low"`, `"high"` | effect ∓ z standard errors. The standard error is the square root of the sum, over both arms, of variance / users, with sample variances (divided by n − 1); z is such that a standard normal number lies between −z and z with probability 1 − alpha |
# | `"verdict"` | `"broken"`, if the number of users in B is more than four standard deviations off its expectation (of n users it has n · share, and the variance n · share · (1 − share)); otherwise `"wait"`, if there are fewer users than planned; otherwise `"b"` if low is above 0, `"a"` if high is below 0, and `"no difference"` |
#
# For example, `ab_test([[0, 1], [0], [1, 0]], [[1], [1, 1, 0, 1]], {"share": 0.5, "users": 4, "alpha":
# 0.05})` has the effect 0.5417, the bounds 0.1331 and 0.9502, and the verdict `"b"`.


# %% exercise="ab_test" minutes=20 level=3
def ab_test(a, b, plan):
    """Return effect, bounds and verdict of a test of A against B."""
    ### BEGIN SOLUTION
    one, other = ([fmean(user) for user in arm] for arm in (a, b))
    effect = fmean(other) - fmean(one)
    error = math.sqrt(variance(one) / len(one) + variance(other) / len(other))
    z = NormalDist().inv_cdf(1 - plan["alpha"] / 2)
    low, high = effect - z * error, effect + z * error
    users, share = len(a) + len(b), plan["share"]
    if abs(len(b) - users * share) > 4 * math.sqrt(users * share * (1 - share)):
        verdict = "broken"
    elif users < plan["users"]:
        verdict = "wait"
    else:
        verdict = "b" if low > 0 else "a" if high < 0 else "no difference"
    return {"effect": effect, "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION


# %% check="ab_test" tags=["nbval-check-output"]
check("ab_test")

# %% [markdown] fold="Hint 1: the users first"
# Before anything else turn each list of ratings into its mean. From then on an arm is a list of numbers, one
# for each user.

# %% [markdown] fold="Hint 2: z"
# `NormalDist().inv_cdf(p)` is the number below which a standard normal one lies with probability p. Half of
# alpha lies on either side.

# %% [markdown] fold="Hint 3: in which order?"
# A broken test says nothing, whatever its size. One that is not full yet says nothing of who wins.

# %% [markdown]
# How many users are enough? For a difference $\delta$ in a share that is about $p$ now, with alpha 5 % and so
# that it is found in 80 % of all cases, each arm needs some $16\,p(1-p)/\delta^2$ (the 16 is
# $2 \cdot (1.96 + 0.84)^2$, rounded up). Half the difference takes four times the users:

# %% tags=["demo", "nbval-check-output"]
for percent in (10, 5, 2, 1):
    print(f"to see {percent:2} points: {16 * 0.25 / (percent / 100) ** 2:7,.0f} users in each arm")

# %% [markdown] slide="Half the difference takes four times the users"
# | to see a difference of | users in each arm |
# |---|---|
# | 10 points | 400 |
# | 5 points | 1,600 |
# | 2 points | 10,000 |
# | 1 point | 40,000 |
#
# Notes: The rule of thumb is 16 times p times 1 minus p, divided by the square of the difference.
# Alpha is 5 per cent, and a real difference is found in 80 of 100 cases. So ask before the test
# which difference would matter to anybody.

# %% [markdown]
# ## What is going on right now?
#
# An A/B test takes days. The rest of the lesson is about minutes. What a running service tells of itself
# has two kinds, and each answers another question:
#
# | | is | answers |
# |---|---|---|
# | **metrics** | numbers, every few seconds | is something wrong? |
# | **logs** | a line for each event (lesson 12) | what happened to this request? |
#
# Our metrics go to **Prometheus** (after Google's Borgmon; 2012): it asks each service for them, at
# `/metrics`, and keeps them with their time.
#
# Its simplest number is a **counter**: "requests since I started". It only grows, so nothing is lost if a
# reading is missed. Except that it begins at 0 again when the service is started anew. So nobody wants to
# see the counter itself, but how fast it grows: its **rate**.
#
# **Predict first.** Read every 15 seconds: 100, 130, 160, 5, 35. How many requests were there, from the first
# reading to the last?

# %% [markdown] fold="Answer"
# 30 + 30 + 5 + 30 = 95, at least. From 160 to 5 the service was started anew: the counter fell to 0, and then
# came 5. What came between 160 and the end of the old process nobody has seen.

# %% [markdown] slide="A rate knows that counters begin anew"
# Read every 15 seconds: 100, 130, 160, 5, 35.
#
# 30 + 30 + 5 + 30 = **95** requests, at least.
#
# Notes: A counter only grows, so nothing is lost if a reading is missed. But it begins at 0 when
# the service is started anew. What came between 160 and the end of the old process nobody has seen.
# Your function and the real Prometheus agree on such numbers: the notebook has its tool promtool
# check that.

# %% [markdown]
# One more question is how far the readings reach. Asked for the rate of the last minute, you have readings
# that begin a few seconds after its beginning, and end a few seconds before its end. Prometheus
# *extrapolates*: it goes on at both ends, up to the edge if that is near, and otherwise by half a step. And
# never so far back that the counter would have been below 0.

# %% [markdown] contract="rate"
# `rate(samples, start, end)` returns how many times a second a counter was raised, as Prometheus reckons it.
#
# `samples` is a list of pairs (seconds, value), in the order of time; values are 0 or more. Only those count
# that lie after `start`, and at `end` or before. If they are fewer than two, it returns None.
#
# 1. The **rise** is the sum of all steps from one sample to the next. Where the value falls, the counter
#    began anew at 0, and the step is the new value.
# 2. The **step in time** is the seconds from the first sample to the last, divided by the number of steps.
# 3. **Before** the first sample, the rise goes on for the seconds from `start` to it; if these are 1.1 steps
#    in time or more, for half a step instead. But no longer than it would take to come down to 0: that is
#    (seconds from first to last) · (first value) / rise, if there was a rise.
# 4. **After** the last one, it goes on for the seconds to `end`; if these are 1.1 steps or more, for half a
#    step.
# 5. The rise grows in the ratio of the longer time (first to last, and both extensions) to the time from
#    first to last. Divided by `end - start`, it is the rate.
#
# For example, `rate([(10, 100), (20, 130), (30, 5), (40, 35)], 5, 45)` is 2.1667: the rise is 65 in 30
# seconds, which become 40. And `rate([(100, 8), (110, 18), (120, 28)], 60, 125)` is 0.4615: the start is four
# steps off, so there it goes on for half a step, 5 seconds, and not the 8 down to 0; 20 in 20 seconds become
# 30 in 30, in a window of 65.


# %% exercise="rate" minutes=20 level=3
def rate(samples, start, end):
    """Return how fast a counter grows, per second, or None."""
    ### BEGIN SOLUTION
    inside = [(when, value) for when, value in samples if start < when <= end]
    if len(inside) < 2:
        return None
    rise = sum(new - old if new >= old else new for (_, old), (_, new) in pairwise(inside))
    (first, begun), (last, _) = inside[0], inside[-1]
    seconds = last - first
    step = seconds / (len(inside) - 1)
    before, after = (gap if gap < 1.1 * step else step / 2 for gap in (first - start, end - last))
    if rise > 0:
        before = min(before, seconds * begun / rise)
    return rise * (before + seconds + after) / seconds / (end - start)
    ### END SOLUTION


# %% check="rate" tags=["nbval-check-output"]
check("rate")

# %% [markdown] fold="Hint 1: the steps"
# `itertools.pairwise` gives each sample with the next one. `new - old`, but if `new < old` it is `new`.

# %% [markdown] fold="Hint 2: check it by hand"
# In the example the first sample is 5 seconds after the start, the last one 5 before the end, and the step is
# 10: both ends are near. Down to 0 it would be 30 · 100 / 65 seconds, which is longer than 5. So 65 · 40 / 30,
# divided by 40.

# %% [markdown]
# ## How slow is slow?
#
# The service takes 0.3 seconds "on average". Is that good? Here are a thousand answers:

# %% tags=["demo"]
rng = np.random.default_rng(5)
quick, stuck = rng.lognormal(math.log(0.12), 0.35, 930), rng.uniform(1.5, 4.0, 70)
seconds = np.concatenate([quick, stuck])
with plots.drawing(7.5, 2.8) as (picture, axes):
    axes.hist(seconds, bins=np.linspace(0, 4, 100), color="#56b4e9")
    told = {
        "mean": seconds.mean(),
        "p50": np.quantile(seconds, 0.5),
        "p95": np.quantile(seconds, 0.95),
        "p99": np.quantile(seconds, 0.99),
    }
    colours = ("#d55e00", "#009e73", "#0072b2", "#222222")
    for (name, value), colour in zip(told.items(), colours, strict=True):
        axes.axvline(value, color=colour, label=f"{name} {value:.2f} s")
    axes.set(xlabel="time to answer (s)", ylabel="answers", yscale="log")
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
picture.alt = "How long a thousand answers took. " + ", ".join(
    f"{name} {value:.2f} s" for name, value in told.items()
)
display(picture)
near = np.mean((seconds > 0.8 * told["mean"]) & (seconds < 1.2 * told["mean"]))
print(f"answers that take about as long as the mean says: {near:.0%}")

# %% [markdown]
# *The picture: nearly all answers come at once, and 7 in 100 take seconds. The mean lies between them, and
# is like neither. p50 is what half of them stay below, p99 what 99 % stay below: the last one sees the slow ones.*
# And whoever asks fifty times a day gets one of those nearly every day. So one looks at **percentiles**,
# never at means.
#
# A mean of many machines is easily made from their means. A percentile is not: the mean of two p99 is the
# p99 of nothing. So a service does not report percentiles. It reports a **histogram**: counters for "at most
# 0.1 s", "at most 0.25 s" and so on up to "at most infinity", each of which contains the ones before. Such
# counters can be added up over machines, and the percentile is made at the end, from the sum.

# %% [markdown] slide="Hardly anybody waits the mean time" picture="above"
# Nearly all answers come at once, and 7 in 100 take seconds.
#
# Look at **percentiles**: p50, p95, p99.
#
# Notes: Half of the answers stay below p50, 99 in 100 below p99. Who asks fifty times a day meets a
# slow one nearly every day. The mean of two p99 is the p99 of nothing, so a service reports a
# histogram: counters that can be added up over machines. The percentile is made at the end, from
# the sum.

# %% [markdown] contract="histogram_quantile"
# `histogram_quantile(q, buckets)` returns about which value a share `q` of the observations stays below, `q`
# above 0 and at most 1, as Prometheus reckons it.
#
# `buckets` is a list of pairs (upper bound, count of all observations up to this bound), in any order. The
# highest bound must be `math.inf`; otherwise, or with fewer than two buckets or no observation at all, the
# answer is `math.nan`.
#
# 1. Sort by bound. Where a count is below the one before it (they were not all read at the same moment), it
#    is raised to that (itself raised, if need be).
# 2. The **rank** is `q` times the count of the last bucket. The **bucket** is the first whose count is `rank`
#    or more.
# 3. If it is the one up to infinity, the answer is the highest finite bound: more is not known.
# 4. If it is the lowest one, and its bound is 0 or below, the answer is that bound.
# 5. Otherwise its observations are taken to be spread evenly between the bound before (0 for the lowest
#    bucket) and its own, and the answer is where the rank lies among them.
#
# For example, `histogram_quantile(0.9, [(0.1, 50), (0.5, 80), (1.0, 100), (math.inf, 100)])` is 0.75: rank 90 is
# halfway between 80 and 100.


# %% exercise="histogram_quantile" minutes=20 level=3
def histogram_quantile(q, buckets):
    """Return the quantile `q` of what was counted in buckets."""
    ### BEGIN SOLUTION
    bounds, counts = [], []
    for upper, count in sorted(buckets):
        bounds.append(upper)
        counts.append(max(count, counts[-1]) if counts else count)
    if len(counts) < 2 or bounds[-1] != math.inf or counts[-1] == 0:
        return math.nan
    rank = q * counts[-1]
    i = bisect.bisect_left(counts, rank)
    if bounds[i] == math.inf:
        return bounds[i - 1]
    if i == 0:
        return bounds[0] if bounds[0] <= 0 else bounds[0] * rank / counts[0]
    part = (rank - counts[i - 1]) / (counts[i] - counts[i - 1])
    return bounds[i - 1] + (bounds[i] - bounds[i - 1]) * part
    ### END SOLUTION


# %% check="histogram_quantile" tags=["nbval-check-output"]
check("histogram_quantile")

# %% [markdown] fold="Hint 1: find the bucket"
# Go through the counts from below, and stop at the first that is not smaller than the rank.

# %% [markdown] fold="Hint 2: within the bucket"
# Of the observations *in* this bucket (its count less the one before) the rank is number
# `rank - count before`. That share of the way from the lower to the upper bound is the answer.

# %% [markdown]
# The answer can be no finer than the buckets. Choose them where your promise is:

# %% tags=["demo", "nbval-check-output"]
if check.ready("histogram_quantile"):

    def counted(values, edges):
        """Return buckets of `values`, each with all up to its bound."""
        return [(edge, int(np.sum(values <= edge))) for edge in (*edges, math.inf)]

    for edges in ((0.1, 0.25, 0.5, 1, 2.5, 5), (0.1, 10), (0.1, 0.25, 0.5, 1)):
        guess = histogram_quantile(0.99, counted(seconds, edges))
        print(f"p99 with bounds {edges}: {guess:.2f} s; really {told['p99']:.2f} s")

# %% [markdown]
# ### For real
#
# Are these the numbers of the real Prometheus? Its own tool `promtool` plays series against queries. The next
# cell has it reckon both of your functions again, if it is installed.


# %% tags=["demo"]
def by_promtool(series, query, at, value):
    """Return what the real Prometheus says to `value` for a query at `at` seconds."""
    tests = {
        "evaluation_interval": "10s",
        "tests": [
            {
                "interval": "10s",
                "input_series": series,
                "promql_expr_test": [
                    {
                        "expr": f"abs({query} - {value!r}) < bool 1e-9",
                        "eval_time": f"{at}s",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                ],
            }
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tests.yml")  # JSON is YAML as well
        file.write_text(json.dumps(tests))
        ran = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True)
    return "and Prometheus agrees" if ran.returncode == 0 else ran.stdout + ran.stderr


if shutil.which("promtool") is None:
    print("promtool is not installed (sudo apt-get install prometheus): nothing to compare with.")
elif check.ready("rate", "histogram_quantile"):
    values = [3, 40, 95, 130, 12, 60, 90]
    mine = rate([(10 * i, value) for i, value in enumerate(values)], 4, 64)
    series = [{"series": "asked", "values": " ".join(map(str, values))}]
    print("rate:", mine, by_promtool(series, "rate(asked[60s])", 64, mine))
    buckets = {"0.1": 31, "0.25": 55, "1": 78, "+Inf": 80}
    mine = histogram_quantile(0.95, [(float(edge), count) for edge, count in buckets.items()])
    series = [
        {"series": f'took_bucket{{le="{edge}"}}', "values": str(count)}
        for edge, count in buckets.items()
    ]
    query = "histogram_quantile(0.95, took_bucket)"
    print("histogram_quantile:", mine, by_promtool(series, query, 0, mine))

# %% [markdown]
# ## When is somebody called?
#
# A red number that nobody looks at is worth nothing; so a machine looks, and calls. And one who is called
# each night for nothing soon sleeps on. An alert should come soon, come seldom, and mean something.
#
# It begins with a promise, the **objective**: of all requests, 99 % are answered without a fault of ours, over
# thirty days. So 1 % may fail. That is the **error budget**: it may be spent. How fast it is being spent is the
# **burn rate**: the share of errors, divided by 1 %. At 1 the budget lasts just thirty days, which are 720
# hours; at 14.4 = 0.02 · 720, two per cent of it are gone in an hour. That is worth waking somebody (Beyer and others, 2018).
#
# Over which time? A long window is sure but slow to end: an hour after the fault was mended it would still be
# red. A short one ends soon but trembles. So one takes both: **both** must be burning.
#
# And two more brakes. `for`: it must hold for some minutes before anybody is called. `keep`: once it fires, it
# goes on until it has been quiet for some minutes, so that it does not call, say all's well, and call again.
# The general word for it is *hysteresis*.

# %% [markdown] contract="should_fire"
# `should_fire(minutes, rule)` returns the state of an alert after each minute: a list of `"inactive"`,
# `"pending"` and `"firing"`, as long as `minutes`.
#
# `minutes` is a list of pairs (requests, errors), one for each minute. `rule` is
# `{"objective": 0.99, "burn": 14.4, "long": 60, "short": 5, "for": 2, "keep": 3}`; the last four are in minutes.
#
# - The **burn rate** over a window of `w` minutes is the share of errors among all requests of the last `w`
#   minutes (this one included; at the beginning there are fewer), divided by 1 − objective. Without a request
#   it is 0.
# - It **burns** in a minute if the burn rates over `long` and over `short` both lie above `burn`.
# - If it burns, and has done so since the minute `m` without a break, it is `"firing"` once `for` minutes or
#   more have passed since `m`, and `"pending"` until then. With `for` 0 it fires at once.
# - What is firing ends in the first minute with `keep` or more quiet minutes before it: with 3 it still fires
#   in the three minutes after the last burning one, and is inactive in the fourth... unless it burns again
#   in between: then it just goes on firing. With `keep` 0 it is inactive in the first quiet minute.
# - What is pending and does not burn is inactive at once.
#
# For example, with `rule` from above but `long` 2, `short` 1, `for` 1 and `keep` 1, and with
# `[(10, 0), (10, 9), (10, 9), (10, 0), (10, 0)]`, it is
# `["inactive", "pending", "firing", "firing", "inactive"]`.


# %% exercise="should_fire" minutes=25 level=3
def should_fire(minutes, rule):
    """Return the alert's state after each minute."""

    ### BEGIN SOLUTION
    def burn(now, window):
        last = minutes[max(0, now + 1 - window) : now + 1]
        requests, errors = (sum(each) for each in zip(*last, strict=True))
        return errors / requests / (1 - rule["objective"]) if requests else 0.0

    states, since, quiet, firing = [], None, None, False
    for now in range(len(minutes)):
        if all(burn(now, rule[window]) > rule["burn"] for window in ("long", "short")):
            since, quiet = now if since is None else since, None
            firing = firing or now - since >= rule["for"]
        else:
            since, quiet = None, now if quiet is None else quiet
            firing = firing and now - quiet < rule["keep"]
        states.append("firing" if firing else "inactive" if since is None else "pending")
    return states
    ### END SOLUTION


# %% check="should_fire" tags=["nbval-check-output"]
check("should_fire")

# %% [markdown] fold="Hint 1: two questions"
# For each minute: does it burn? That depends on `minutes` alone: write it as a function of the minute and the
# window. What becomes of the state? That depends on three things that you remember: since when it burns,
# since when it is quiet, and whether it is firing.

# %% [markdown] fold="Hint 2: when it burns"
# Forget the quiet time. Note the minute if it began to burn just now. It fires if it fired before, or if
# `for` minutes have passed since.

# %% [markdown] fold="Hint 3: when it does not"
# Forget the burning time. Note the minute if it became quiet just now. It still fires if it fired before, and
# fewer than `keep` minutes have passed since.


# %% tags=["demo"]
def an_hour(fault_minutes, wait_minutes):
    """Draw burn rates and the alert's state around a fault."""
    rng = np.random.default_rng(1)
    asked = rng.poisson(60, 180)
    share = np.full(180, 0.004)
    share[60 : 60 + fault_minutes] = 0.35
    minutes = [(int(n), int(k)) for n, k in zip(asked, rng.binomial(asked, share), strict=True)]
    rule = {
        "objective": 0.99,
        "burn": 14.4,
        "long": 60,
        "short": 5,
        "for": wait_minutes,
        "keep": 3,
    }
    states = should_fire(minutes, rule)
    totals = np.cumsum([(0, 0), *minutes], axis=0)
    with plots.drawing(7.5, 3.2) as (picture, axes):
        for window, colour in ((60, "#0072b2"), (5, "#e69f00")):
            now = np.arange(1, 181)
            n, k = (totals[now] - totals[np.maximum(now - window, 0)]).T
            axes.plot(now, k / n / 0.01, color=colour, label=f"over {window} minutes")
        axes.axhline(14.4, color="#222222", ls="--", lw=0.8, label="14.4")
        for state, colour in (("pending", "#cc79a7"), ("firing", "#d55e00")):
            found = [i for i, each in enumerate(states) if each == state]
            axes.scatter(found, [-2] * len(found), color=colour, s=14, marker="s", label=state)
        axes.set(xlabel="minute", ylabel="burn rate")
        axes.legend(fontsize=8)
    fired = states.count("firing")
    picture.alt = (
        f"Burn rates over 60 and 5 minutes around a fault of {fault_minutes} minutes: the short one "
        f"rises and falls at once, the long one slowly. The alert fires for {fired} minutes."
    )
    display(picture)


if check.ready("should_fire"):
    play(an_hour, fault_minutes=[40, 2, 10, 25], wait_minutes=[2, 0, 10])

# %% [markdown] slide="Two windows: one sure, one quick" picture="above"
# An alert fires while *both* burn the **error budget** too fast.
#
# Notes: The promise is 99 per cent, so 1 per cent may fail: that is the budget. The fault begins in
# minute 60. The short window jumps at once, the long one needs longer to be sure, and takes most of
# an hour to come down. So the short one ends the alert. An alert should come soon, come seldom, and
# mean something.

# %% [markdown]
# *The picture: the fault begins in minute 60. The orange line, over five minutes, jumps at once; the blue one,
# over an hour, needs longer to be sure. The alert (the squares below) fires while both are above the dashed
# line, and ends with the orange one, while the blue one takes most of an hour to come down.*
#
# ### For real
#
# The platform's rules are written in Prometheus' language, in `lmops/watch/rules.yml`. Prometheus holds them
# against the numbers each second; what fires goes to **Alertmanager**, which calls whoever is on duty. The
# next cell starts both, if they are installed, and has them watch a service that is not there. It takes about
# ten seconds, with a bar.

# %% tags=["demo"]
try:
    from lmops.watch.servers import Missing, NotStarted, Servers
    from lmops.watch.webhook import Webhook
except ImportError as missing:
    print(f"This needs {missing.name}: pip install 'lmcourse[ops]', and run this cell again.")
else:

    def first_alert():
        """Start both, and return the first alert and after how many seconds it came."""
        heard = queue.Queue()
        with tempfile.TemporaryDirectory() as folder, Webhook(heard.put) as webhook:
            begun = time.monotonic()
            with Servers(["http://127.0.0.1:9"], Path(folder), webhook.url):
                return heard.get(timeout=30), time.monotonic() - begun

    try:
        with wait_bar("the first alert", 10):
            alert, seconds_until = first_alert()
    except (Missing, NotStarted, OSError, queue.Empty) as missing:
        print(f"They do not run here: {missing}")
        print("The solved notebook shows how it went where they did.")
    else:
        print(f"{alert.status} after {seconds_until:.1f} s: {alert.name}, {alert.summary}")
        print("next:", alert.next)

# %% [markdown] slide="An alert that does not say what to do is a riddle"
# *ServiceDown, 127.0.0.1:9 does not answer*
#
# *next: look at its log; lmops rollback --to production if it is the new version*
#
# Notes: Prometheus and Alertmanager really run in the demo, and watch a service that is not there.
# Who is called each night for nothing soon sleeps on. Think of the one who reads this at three in
# the morning, and write the next step into the rule.

# %% [markdown]
# Each of these alerts says what to do next. One that does not is a riddle at three in the morning.
#
# ## How many should there be?
#
# At four in the afternoon twice as many people ask as at noon. One copy of the service gets 50 requests at a
# time and is good for 24. So there should be more copies, or **replicas**; and fewer at night, since each
# costs money. Kubernetes' rule for it (the *horizontal pod autoscaler*) is one line:
#
# $$\mathrm{wanted} = \left\lceil \mathrm{replicas} \cdot
# \frac{\mathrm{load\ of\ each}}{\mathrm{target}} \right\rceil$$
#
# and the rest is about not trembling. Nothing is changed for a deviation of a tenth or less. And it goes up
# at once, but down only if that was wanted for a while without a break: a copy that was ended a minute too
# early has to load its model again.

# %% [markdown] contract="desired_replicas"
# `desired_replicas(replicas, load, earlier, rule)` returns a pair of whole numbers: how many replicas there
# should be now, and what was wanted by the load alone, to be remembered.
#
# `replicas`, 1 or more, is how many there are, `load` the mean load of each. `rule` is
# `{"target": 24, "tolerance": 0.1, "least": 1, "most": 8, "window": 300}`. `earlier` is a list of pairs
# (seconds ago, wanted): what this function said earlier, as the second number.
#
# 1. **Wanted** is `replicas` if load divided by target is off 1 by the tolerance or less. Otherwise it is
#    replicas times load divided by target, rounded up.
# 2. If `load` is None, nothing could be measured: wanted is `replicas`.
# 3. **Down**: if wanted is below `replicas`, there should be the smaller of `replicas` and the largest of what
#    is wanted now and what was wanted less than `window` seconds ago. **Up**: otherwise, what is wanted now.
# 4. At the end `least` and `most` hold, for the first number alone.
#
# For example, with `rule` from above, `desired_replicas(4, 36, [], rule)` is `(6, 6)`;
# `desired_replicas(6, 4, [(60, 5), (400, 7)], rule)` is `(5, 1)`.


# %% exercise="desired_replicas" minutes=15 level=3
def desired_replicas(replicas, load, earlier, rule):
    """Return how many replicas there should be, and what was wanted by the load alone."""
    ### BEGIN SOLUTION
    wanted = replicas
    if load is not None and abs(load / rule["target"] - 1) > rule["tolerance"]:
        wanted = math.ceil(replicas * load / rule["target"])
    floor = max([wanted, *(before for ago, before in earlier if ago < rule["window"])])
    number = wanted if wanted >= replicas else min(floor, replicas)
    return max(rule["least"], min(rule["most"], number)), wanted
    ### END SOLUTION


# %% check="desired_replicas" tags=["nbval-check-output"]
check("desired_replicas")

# %% [markdown] fold="Hint 1: three steps"
# First what is wanted. Then, only if that is fewer than there are, how far down one may go. Then the limits.

# %% [markdown] fold="Hint 2: the window"
# `max([wanted, *others])`, where the others are those of `earlier` that are young enough. It may be more than
# there are now: that is no reason to go up.


# %% tags=["demo"]
def an_afternoon(window_seconds):
    """Draw load and replicas of an afternoon; the replicas are asked for each 30 seconds."""
    rng = np.random.default_rng(4)
    times = np.arange(0, 3 * 3600, 30)
    asked = (
        60 + 50 * np.sin(times / 3600 * 2) + 30 * rng.standard_normal(len(times)) * (times > 3600)
    )
    asked = np.maximum(asked, 2)
    rule = {"target": 24, "tolerance": 0.1, "least": 1, "most": 8, "window": window_seconds}
    said, counts, replicas = [], [], 3
    for now, waiting in zip(times, asked, strict=True):
        earlier = [(int(now - then), wanted) for then, wanted in said]
        replicas, wanted = desired_replicas(replicas, float(waiting / replicas), earlier, rule)
        said.append((now, wanted))
        counts.append(replicas)
    changes = sum(a != b for a, b in pairwise(counts))
    with plots.drawing(7.5, 2.8) as (picture, axes):
        axes.plot(times / 60, asked / 24, color="#949494", lw=0.8, label="load / target")
        axes.step(times / 60, counts, where="post", color="#0072b2", label="replicas")
        axes.set(xlabel="minute", ylabel="replicas")
        axes.legend()
        axes.set_title(f"{changes} changes with a window of {window_seconds} s")
    picture.alt = f"Load and replicas over three hours: {changes} changes in all."
    display(picture)


if check.ready("desired_replicas"):
    for window in (0, 300):
        an_afternoon(window)

# %% [markdown] slide="Up at once, down slowly" picture="above"
# The same afternoon with a window of some minutes: replicas follow the peaks without trembling. In
# our run **17** changes in place of **153**.
#
# Notes: The rule is one line: replicas times load over target, rounded up. Without the window,
# copies are started and ended all the time, and the first of the two pictures in the notebook shows
# it. A copy that was ended a minute too early has to load its model again.

# %% [markdown]
# *The pictures: the same afternoon twice. Above, without a window, copies are started and ended all the time;
# below they follow the peaks.*
#
# The platform does that by the length of the queue: `lmops scale production --least 1 --most 4`.
#
# ## And the model?
#
# All that holds for any service. A model is one that can answer at once, with code 200, and be wrong. So what
# is kept of it says more: how often it was asked, by whom (by key, not by name), which version answered, how
# surprised the model was by what people sent (its loss on it), which share of the answers were liked, what it
# cost, and what an answer that somebody liked cost: the number for which all of it is done. `lmops watch --page
# how.html` makes one page of it from the ledger and the log. Here are a few of its numbers, of a small log
# that is made up; a million tokens are said to cost 0.10:

# %% tags=["demo"]
try:
    from lmops.home import Home
    from lmops.watch.use import uses

    rng = np.random.default_rng(6)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, ".lmops")
        logs = Home(home).logs
        logs.mkdir(parents=True)
        lines = []
        for number in range(300):
            version = "3f2a9c01d4e5b678" if rng.random() < 0.9 else "77aa01bc23de45f0"
            lines.append(
                {
                    "time": f"2026-11-22T14:{number // 5:02}:00+00:00",
                    "event": "request",
                    "id": f"c{number}",
                    "path": "/v1/completions",
                    "code": 200 if rng.random() < 0.98 else 500,
                    "version": version,
                    "key": f"k{rng.integers(3)}",
                    "ms": float(rng.lognormal(5, 0.6)),
                    "prompt": "Once upon a time",
                    "prompt_tokens": 16,
                    "completion_tokens": 64,
                }
            )
        (logs / "2026-11-22.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for version, use in uses(logs).versions.items():
            print(
                f"{version}: {use.requests} requests, {use.failed} failed, {len(use.by_key)} keys, "
                f"p95 {use.percentile(0.95):.0f} ms, at a cost of {use.cost(0.1):.5f}"
            )
except ImportError as missing:
    print(f"This needs {missing.name}: pip install 'lmcourse[ops]', and run this cell again.")

# %% [markdown] slide="A model can answer at once, with code 200, and be wrong"
# So more is kept of it: which version answered, how surprised it was, which answers were liked, and
# what a liked one cost.
#
# Notes: All before this holds for any service. The last number is the one for which all of it is
# done. It is half past three, and if something breaks now, somebody is called who knows what to do.
# Lesson 15: all is green, and slowly the world outside becomes another one.

# %% [markdown]
# ## Where are we?
#
# It is half past three. The canary was stopped, or everybody has it; and if something breaks now, somebody
# is called who knows what to do.

# %% tags=["demo"]
display(timeline.until("14_release_and_watch"))

# %% [markdown] contract="quiz"
# Five questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. You look at a z-test after every request, and stop when it says "significant". With two equal versions
#    you stop wrongly
#    - (a) in 5 % of all cases
#    - (b) in far more
#    - (c) never
# 2. In an A/B test with a planned share of 50 %, 4,700 of 10,000 users are in B. B is liked much better. You
#    - (a) give everybody B
#    - (b) wait for more users
#    - (c) look for what is broken
# 3. The p99 of machine 1 is 2 s, that of machine 2 is 4 s. The p99 of all requests
#    - (a) cannot be told from that
#    - (b) is 3 s
#    - (c) is 4 s
# 4. An alert asks for a burn rate over an hour *and* over five minutes. The short window is there so that
#    - (a) small faults are seen too
#    - (b) it ends soon after the fault does
#    - (c) fewer numbers have to be kept
# 5. Why is down-scaling delayed, and up-scaling not?
#    - (a) too few replicas harm users at once, too many only cost money
#    - (b) starting takes no time
#    - (c) Kubernetes cannot count backwards

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
# - Users are split, not requests, by a hash of user and experiment: no list, and everybody agrees.
# - Looking all the time needs bounds that hold all the time. Peeking at a test made for one look does not.
# - A canary asks "is it worse?", and an A/B test "is it better?". What was split is what is counted.
# - A counter may begin anew; a rate knows that. Percentiles come from histograms that were added up.
# - An alert is a promise, a budget, two windows and two brakes; and it says what to do next.
# - Up at once, down slowly.
#
# **Next**, lesson 15: everything is green, and has been for weeks. And slowly, outside, the world becomes
# another one.
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy, monitor,
# update, feed back) this was *deploy*, and *monitor*.
#
# ### References
#
# - P. Armitage, C. K. McPherson, B. C. Rowe (1969). Repeated Significance Tests on Accumulating Data.
#   *Journal of the Royal Statistical Society A* 132(2).
# - H. Robbins (1970). Statistical Methods Related to the Law of the Iterated Logarithm. *Annals of
#   Mathematical Statistics* 41(5).
# - R. Johari, P. Koomen, L. Pekelis, D. Walsh (2022). Always Valid Inference: Continuous Monitoring of A/B
#   Tests. *Operations Research* 70(3).
# - I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas (2024). Time-uniform Central Limit Theory
#   and Asymptotic Confidence Sequences. *Annals of Statistics* 52(6).
# - A. Fabijan and others (2019). Diagnosing Sample Ratio Mismatch in Online Controlled Experiments. *KDD*.
# - R. Kohavi, D. Tang, Y. Xu (2020). *Trustworthy Online Controlled Experiments*. Cambridge.
# - B. Beyer and others (2018). *The Site Reliability Workbook*, chapter 5. O'Reilly.
# - J. Dean, L. A. Barroso (2013). The Tail at Scale. *Communications of the ACM* 56(2).

# %%
check.summary()
