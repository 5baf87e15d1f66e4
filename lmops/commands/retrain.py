"""`lmops retrain`: train the champion's code again, when it is time or something has changed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lmops.commands.book import (
    no_training_beside,
    open_ledger,
    person_option,
    read_state,
    refuse_without_right,
    sync_registry,
)
from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option, say
from lmops.commands.gate import Verdict, judge, judging_options
from lmops.commands.register import enter
from lmops.home import Home
from lmops.state import CHALLENGER, CHAMPION, fold, no_promotion

if TYPE_CHECKING:
    from lmops.bundle import Bundle
    from lmops.ledger import Entry
    from lmops.retrain import Policy


@click.command(
    epilog=examples(
        "lmops retrain --if-due --by nightly",
        "lmops retrain --if-due --every 7 --cooldown 0.5 --budget 8 --by nightly",
        "lmops retrain --preset smoke --objective objective.yaml --by ann",
    )
)
@click.option("--if-due", is_flag=True, help="Only if cadence or a trigger asks for it.")
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Cadence: due so long after the last training.",
)
@click.option(
    "--cooldown",
    type=click.FloatRange(min=0),
    default=1,
    show_default=True,
    metavar="DAYS",
    help="With --if-due, never sooner than so long after the last training.",
)
@click.option(
    "--budget",
    type=click.IntRange(0),
    default=4,
    show_default=True,
    metavar="N",
    help="At most so many trainings within 30 days.",
)
@click.option(
    "--preset",
    type=click.Choice(["smoke", "laptop"]),
    default="laptop",
    show_default=True,
    help="Seconds, to see that all works; or about five minutes of one core.",
)
@judging_options
@person_option("Who answers for it; somebody else has to approve it.")
@json_option
@home_option
def retrain(
    if_due: bool,
    every: float,
    cooldown: float,
    budget: int,
    preset: str,
    objective: Path | None,
    notebook: Path | None,
    stories: int | None,
    by: str,
    as_json: bool,
    home: Home,
) -> None:
    """Train the champion's code again, from the start, with the answers that users liked beside.

    Due is it by cadence, or when `lmops drift` saw a change or answers are disliked since the last
    training. The champion serves on. What the gate lets through is the challenger from then on, and
    waits for somebody's approval. If the command is stopped, type it again.
    """
    from lmops.bundle import load
    from lmops.retrain import Policy

    policy = Policy(every=every, cooldown=cooldown, budget=budget)
    champion = read_state(home).aliases.get(CHAMPION)
    if champion is None:
        raise Wrong("There is no champion to train again. Type: lmops promote VERSION --by NAME")
    old = load(home.models / champion)
    with no_training_beside(home):
        begun, told = _begin(old, policy, preset, by, if_due, home)
        if begun is None:
            _not_now(as_json, told, if_due)
            return
        say.print(f"{champion} serves on; training begins (line {begun.number} of the ledger).")
        made, said, learnt = _train(old, begun, objective, notebook, stories, by, home)
    told |= {
        "version": made.version,
        "passed": not said.reasons,
        "against": said.reasons,
        "liked": learnt,
    }
    sync_registry(home)
    if said.reasons:
        answer(as_json, told, *(f"- {each}" for each in said.reasons))
        raise No(f"{made.version} may not go on, by {said.by}. {champion} serves on.")
    answer(
        as_json,
        told,
        f"{made.version} is the {CHALLENGER}; {champion} serves on",
        f"Next, by somebody else than {by}: lmops approve {made.version} --by NAME",
    )


def _begin(
    old: "Bundle", policy: "Policy", preset: str, by: str, if_due: bool, home: Home
) -> "tuple[Entry | None, dict[str, Any]]":
    """Return the line that begins a training, or None if there is to be none; and why."""
    from lmops import liked, traffic
    from lmops import retrain as trainings

    now = datetime.now(UTC)
    with open_ledger(home) as ledger:
        refuse_without_right(fold(ledger.entries), by, "retrain")
        joined = traffic.join(traffic.answered(home.logs), traffic.ratings(home.logs), old.version)
        feedback = {"rated": len(joined.rated), "down": joined.down, **joined.left_out}
        told: dict[str, Any] = {"champion": old.version, "feedback": feedback}
        begun = trainings.unfinished(ledger.entries)
        if begun and begun.version == old.version:  # it was killed
            return begun, told | {"due": True, "reasons": begun.details["reasons"]}
        decision = trainings.decide(ledger.entries, old.version, joined, policy, now)
        if not if_due:
            held_back = trainings.over_budget(ledger.entries, policy, now)
            decision = trainings.Decision([f"{by} asked for it"], held_back)
        told |= {"due": decision.due, **vars(decision)}
        if not decision.due:
            return None, told
        erased = liked.erased_keys(ledger.entries)
        new = liked.collect(home.data, joined, old.characters, erased)
        facts = {"reasons": decision.reasons, "preset": preset, "new": new, "feedback": feedback}
        return ledger.append("retrain", old.version, by, **facts), told


def _train(
    old: "Bundle",
    begun: "Entry",
    objective: Path | None,
    notebook: Path | None,
    stories: int | None,
    by: str,
    home: Home,
) -> "tuple[Bundle, Verdict, int]":
    """Train, judge and register; return what was made, what the gate said, how many were liked."""
    from lmops import liked
    from lmops import retrain as trainings
    from lmops.train import RECIPES, Diverged

    some = liked.read(home.data)
    recipe = RECIPES[begun.details["preset"]]

    def tell(step: int, loss: float) -> None:
        say.print(f"step {step:,} of {recipe.steps:,}: {loss:.3f} nats per character")

    try:
        made = trainings.train(old, recipe, some, begun.number, home.trainings, tell)
    except Diverged as error:
        _end(home, begun, None, by, failed=str(error))
        raise No(f"The training failed: {error}. {old.version} serves on.") from error
    said = judge(made, objective, notebook, stories, home)
    enter(made, by, old.version, home)
    learnt = {"stories": [one.id for one in some], "keys": sorted({one.key for one in some})}
    _end(home, begun, made.version, by, **learnt)
    shutil.rmtree(trainings.place(home.trainings, some))
    return made, said, len(some)


def _not_now(as_json: bool, told: dict[str, Any], if_due: bool) -> None:
    held_back = [f"held back by its {each}" for each in told["held_back"]]
    answer(as_json, told, *(held_back or ["no training is due"]))
    if not if_due:
        raise No(f"No training: {'; '.join(told['held_back'])}. To allow more: --budget N")


def _end(home: Home, begun: "Entry", version: str | None, by: str, **details: Any) -> None:
    """Write down how a training ended, and have what passed the gate be the challenger."""
    with open_ledger(home) as ledger:
        ledger.append("retrained", version, by, begun=begun.number, **details)
        state = fold(ledger.entries)
        if version and no_promotion(state, version, CHALLENGER) is None:
            ledger.append("promote", version, "lmops", alias=CHALLENGER)
