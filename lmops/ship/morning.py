"""The morning: a model is made, held against its objective, and two versions go out after it."""

from collections.abc import Callable
from math import log

from torch import Tensor

from lmops import bundle
from lmops.ship.day import Day, Over, Told, short
from lmops.ship.front import Behind, Front
from lmops.ship.users import USERS, Users

STORIES = 40
"""So many validation stories the gate reads: enough to tell these versions apart."""


def pack(day: Day) -> Told:
    """Make one model of the notebooks."""
    made = day.do("pack", *day.packed, "--out", day.model)
    parts = made["parts"]
    own = sorted(part for part, whose in parts.items() if whose != "the course's")
    whose = f"{', '.join(own)} yours" if own else "all of it the course's"
    return Told(
        "08:00",
        "Packed",
        whose,
        lines=[
            f"Out of {', '.join(path.name for path in day.packed)} comes one model, "
            f"{short(made['version'])}. Each part was tried by its exercise's check: {whose}.",
        ],
    )


def train(day: Day) -> Told:
    """Train it, in seconds; and keep what it was before for the gate to see."""
    bundle_of(day, "untrained", lambda weights: weights)
    made = day.do("train", day.model, "--preset", "smoke")
    facts = made["metrics"]
    day.versions["first"] = made["version"]
    return Told(
        "08:20",
        "Trained",
        f"{facts['validation_loss']:.2f} nats per character",
        lines=[
            f"{facts['steps']} steps, {facts['tokens']:,} characters, {facts['seconds']:g} "
            f"seconds: {facts['validation_loss']:.3f} nats per character on the validation text. "
            "It is a small one, to see that all works; 'lmops train --preset laptop' makes one "
            "that writes fables.",
        ],
    )


def gate(day: Day) -> Told:
    """Hold the untrained one and the trained one against the objective."""
    guessing = log(len(bundle.load(day.model).characters))
    day.objective.write_text(
        "# Better than guessing: each character as likely as any other.\n"
        f"loss: {{at_most: {guessing:.3f}}}\n",
        "utf-8",
    )
    asked = [(each, judged(day, each)) for each in (day.folder / "untrained", day.model)]
    said = [reasons for _, reasons in asked]
    day.lax = not said[0]
    if said[1]:
        raise Over(f"the gate ({day.whose('10')}) stops the trained model: {'; '.join(said[1])}")
    lines = [
        f"The objective of the day: at most {guessing:.3f} nats per character, which is what "
        f"guessing costs. The gate that is asked is {day.whose('10')}.",
        f"Untrained, the model is stopped: {'; '.join(said[0])}."
        if said[0]
        else "Untrained, the model passes: this gate lets through what has learnt nothing.",
        "Trained, it passes.",
    ]
    return Told(
        "08:40",
        "At the gate",
        "the untrained one is stopped" if said[0] else "the untrained one passes!",
        good=bool(said[0]),
        lines=lines,
    )


def register(day: Day) -> Told:
    """Register it; who did may not approve it, somebody else does."""
    version = day.versions["first"]
    day.do("register", day.model, "--by", "ann")
    alone = day.ask("approve", version, "--by", "ann")
    day.do("approve", version, "--by", "bob")
    return Told(
        "09:00",
        "Approved",
        "by four eyes",
        good=bool(alone.code),
        lines=[
            f"ann registers {short(version)}. She tries to approve it herself: "
            f"{alone.said.strip().removeprefix('Error: ')}",
            "bob approves it.",
        ],
    )


def release(day: Day, front: Front, users: Users) -> Told:
    """Bring it to its users."""
    version = day.versions["first"]
    front.release(version)
    users.port = front.port
    users.wait_for(version, 100)
    return Told(
        "09:30",
        "In production",
        "the first users",
        lines=[
            f"{short(version)} answers behind HAProxy. Three people have a key, and behind them "
            f"{USERS} users ask without a break until the evening.",
        ],
    )


def bad_canary(day: Day, front: Behind, users: Users) -> Told:
    """Somebody makes it smaller, and too coarse; the canary finds out."""
    lax = day.lax
    name = "untrained" if lax else "coarse"
    if not lax:
        bundle_of(day, "coarse", lambda weights: (4 * weights).round() / 4)
        if reasons := judged(day, day.folder / "coarse"):
            return Told(
                "10:30",
                "A coarse one",
                "stopped at the gate",
                lines=[f"The gate ({day.whose('10')}) stops it: {'; '.join(reasons)}."],
            )
    version = day.versions["coarse"] = approved(day, name)
    since = users.second
    ended = front.canary(version)
    back = ended.answer["outcome"] == "rollback"
    share = users.answered(version, since)
    what = (
        "The untrained model, which the gate let through, goes to a quarter of the users."
        if lax
        else "To save memory somebody rounds all weights to quarters. That passes the gate, which "
        "knows nothing of what users write. It goes to a quarter of them."
    )
    return Told(
        "10:30",
        "A bad canary",
        "taken back" if back else "promoted!",
        good=back,
        lines=[
            what,
            f"The decision is {day.whose('14')}: {ended.answer['outcome']}, since "
            f"{'; '.join(ended.answer['reasons'])}.",
            f"{short(version)} gave {share} answers"
            + (f"; {short(day.versions['first'])} never left." if back else "."),
        ],
        picture=users.since(since),
    )


def good_canary(day: Day, front: Behind, users: Users) -> Told:
    """The same with care: weights of 16 bits; the canary is shown to be as good."""
    version = half(day)
    since = users.second
    ended = front.canary(version)
    good = ended.answer["outcome"] == "promote"
    if not good:
        day.versions["half"] = ended.answer["live"]
    users.wait_for(ended.answer["live"], 30)
    return Told(
        "11:30",
        "A good canary",
        "promoted" if good else "taken back!",
        good=good,
        lines=[
            "The same with care: each weight is rounded to 16 bits (bfloat16).",
            f"The decision is {day.whose('14')}: {ended.answer['outcome']}, since "
            f"{'; '.join(ended.answer['reasons'])}.",
        ],
        picture=users.since(since),
    )


def half(day: Day) -> str:
    """Register the first version with weights of 16 bits; return its version."""
    bundle_of(day, "half", lambda weights: weights.bfloat16().float())
    if reasons := judged(day, day.folder / "half"):
        raise Over(f"the gate ({day.whose('10')}) stops a sound one: {'; '.join(reasons)}")
    version = day.versions["half"] = approved(day, "half")
    return version


def judged(day: Day, folder: object) -> list[str]:
    """Have the gate judge a bundle; return what is against it."""
    typed = day.ask(
        "gate", folder, "--objective", day.objective, "--stories", STORIES, *day.using("10")
    )
    reasons: list[str] = typed.answer["reasons"]
    return reasons


def approved(day: Day, name: str) -> str:
    """Register a bundle of the day and have it approved; return its version."""
    version: str = day.do("register", day.folder / name, "--by", "ann")["version"]
    day.do("approve", version, "--by", "bob")
    return version


def bundle_of(day: Day, name: str, change: Callable[[Tensor], Tensor]) -> None:
    """Write a bundle that is the model of now with its weights changed."""
    made = bundle.load(day.model)
    bundle.write(
        day.folder / name,
        weights={key: change(weights) for key, weights in made.weights.items()},
        config=made.config,
        characters=made.characters,
        metrics=made.metrics,
        source=made.source,
    )
