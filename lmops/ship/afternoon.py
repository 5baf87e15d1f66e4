"""The afternoon: a machine fails and somebody is called; and users begin to write differently."""

import tempfile
import time
from pathlib import Path
from typing import Any

from lmcourse import corpus
from lmops.ship.day import Day, Over, Told, short
from lmops.ship.front import Front
from lmops.ship.users import Users
from lmops.watch.servers import Missing, NotStarted, Servers, require
from lmops.watch.webhook import Alert, Webhook

PATIENCE = 60.0
"""Seconds in which an alert must come, or be over."""
REFERENCE, WINDOW = 120, 60
"""Prompts of before, and of now."""
LIKED = 4


def missing() -> str | None:
    """Return what is to be typed where Prometheus or Alertmanager is not installed."""
    try:
        require()
    except Missing as error:
        return str(error)
    return None


def prompts() -> list[str]:
    """Return what users write: beginnings of fables."""
    stories = corpus.split_stories(corpus.load("fables"))[-400:]
    return [story[:48].replace("\n", " ") for story in stories]


def hurried(text: str) -> str:
    """Return a text as somebody writes it who is in a hurry: without its vowels."""
    return "".join(each for each in text if each not in "aeiou")


def alert(day: Day, front: Front, users: Users) -> Told:
    """Kill what is live: an alert fires; start it again: it is over."""
    try:
        return _alert(day, front, users)
    except NotStarted as error:
        raise Over(str(error)) from error


def _alert(day: Day, front: Front, users: Users) -> Told:
    version = day.versions["half"]
    heard: list[tuple[float, Alert]] = []

    def hear(one: Alert) -> None:
        heard.append((users.second, one))

    def wait(status: str) -> float:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for second, one in heard:
                if (one.name, one.status) == ("ServiceDown", status):
                    return second
            time.sleep(0.05)
        raise Over(f"ServiceDown is not {status} after {PATIENCE:.0f} seconds")

    with (
        tempfile.TemporaryDirectory(prefix="lmops-ship-") as folder,
        Webhook(hear) as webhook,
        Servers(front.urls(), Path(folder), webhook.url) as servers,
    ):
        time.sleep(3)  # three readings in which all is well
        since = users.second
        front.kill()
        day.commands.append("kill -9 (the replica)")
        fired = wait("firing")
        front.mend(version)
        servers.watch(front.urls())
        resolved = wait("resolved")
        users.wait_for(version, 60)
    failed = sum(each.code != 200 for each in users.got if each.second >= since)
    called = next(one for _, one in heard if one.status == "firing" and one.name == "ServiceDown")
    picture = users.since(since)
    picture["marks"] = [["fires", fired - since], ["over", resolved - since]]
    return Told(
        "13:00",
        "A replica dies",
        f"called after {fired - since:.0f} s",
        lines=[
            f"The only replica is killed. {fired - since:.1f} seconds later somebody is called: "
            f"{called.name}: {called.summary}. What to do stands beside it: {called.next}.",
            f"carl types the rollout again, which starts what is not there. {resolved - since:.1f} "
            f"seconds after the fault the alert is over. {failed} requests failed in between: with "
            "one replica nobody else could answer.",
        ],
        picture=picture,
    )


def drift(day: Day, users: Users) -> Told:
    """Users begin to write in a hurry; that is noticed."""
    version = day.versions["half"]
    users.wait_for(version, REFERENCE + 2 * WINDOW)  # the log comes a moment after the answers
    before = _look(day)
    users.prompts = [hurried(each) for each in users.prompts]
    users.wait_for(version, 2 * WINDOW)
    rated = users.rate("anna", "up", LIKED) + users.rate("ben", "up", LIKED)
    now = _look(day)
    findings = now["findings"]
    return Told(
        "14:30",
        "Users write differently",
        "noticed" if now["drifted"] else "not noticed!",
        good=bool(now["drifted"]) and not before["drifted"],
        lines=[
            f"The detector is {day.whose('15')}. At first it says "
            f"{'that something has changed' if before['drifted'] else 'that nothing has changed'}.",
            f"Then all write in a hurry: '{users.prompts[0]}'. It says that "
            f"{'something has changed' if now['drifted'] else 'nothing has changed'}.",
            f"{rated} answers were liked; the next training has them beside the fables.",
        ],
        picture={
            "kind": "bars",
            "unit": " nats",
            "rows": [
                row
                for each in findings
                for row in (
                    [f"{each['measure']}, before", each["reference"]],
                    [f"{each['measure']}, now", each["window"]],
                )
            ],
        },
    )


def _look(day: Day) -> dict[str, Any]:
    sizes = ("--reference", REFERENCE, "--window", WINDOW)
    return day.ask("drift", *sizes, *day.using("15")).answer


def retrain(day: Day, front: Front, users: Users) -> Told:
    """What was noticed makes a training due; the champion serves on meanwhile."""
    since = users.second
    made = due(day)
    if not made["due"]:
        day.versions["retrained"] = day.versions["half"]
        return Told(
            "15:30", "No retraining", "nothing is due!", good=False,
            lines=["Nobody noticed that anything has changed, so nothing is due."],
        )  # fmt: skip
    version = day.versions["retrained"] = made["version"]
    out(day, front, users, version)
    return Told(
        "15:30",
        "Trained again",
        "a challenger takes over",
        lines=[
            f"Due, because of {'; '.join(made['reasons'])}. {short(day.versions['half'])} serves "
            f"on while {short(version)} learns, from {made['liked']} liked answers as well.",
            "The gate lets it through, bob approves it, and it goes to everybody at once "
            "(blue-green), since the day is short.",
        ],
        picture=users.since(since),
    )


def due(day: Day) -> dict[str, Any]:
    """Train again if it is due."""
    gate = ("--objective", day.objective, "--stories", 40, *day.using("10"))
    smoke = ("--preset", "smoke", "--cooldown", 0)
    return day.do("retrain", "--if-due", *smoke, *gate, "--by", "nightly")


def out(day: Day, front: Front, users: Users, version: str) -> None:
    """Have a version approved and bring it to everybody."""
    day.do("approve", version, "--by", "bob")
    front.release(version)
    users.wait_for(version, 60)
