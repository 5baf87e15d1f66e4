"""The evening: a person is taken out, what learnt from them ends, and the ledger is read."""

from lmops.ship.afternoon import due, out
from lmops.ship.day import Day, Told, short
from lmops.ship.front import Front
from lmops.ship.users import Users


def erase(day: Day, front: Front, users: Users) -> Told:
    """Erase anna; what learnt from her is trained again without her."""
    since = users.second
    proof = day.do("erase", "anna", "--by", "stewart")
    again = [one["version"] for one in proof["train_again"]]
    lines = [
        f"anna wants to be forgotten. {proof['lines']} lines of {len(proof['files'])} files are "
        f"gone, {proof['stories']} of them training data; her key opens nothing any more. The "
        "ledger has each file's hash before and after, and no name.",
    ]
    refused, _ = users.status("anna", "lm")
    lines.append(f"She asks once more, and gets {refused}.")
    if again:
        made = due(day)
        version = day.versions["clean"] = made["version"]
        out(day, front, users, version)
        lines.append(
            f"{', '.join(map(short, again))} learnt from her. So a training is due "
            f"({'; '.join(made['reasons'])}), and {short(version)} takes over, which never saw it."
        )
    return Told(
        "17:00",
        "A person is erased",
        f"{proof['lines']} lines gone",
        good=not proof["left"] and refused == 401,
        lines=lines,
        picture=users.since(since),
    )


def retire(day: Day, users: Users) -> Told:
    """Retire what learnt from her, or else the first version."""
    clean = "clean" in day.versions
    version = day.versions["retrained"] if clean else day.versions["first"]
    reason = "it learnt from somebody who was erased" if clean else "a better one took its place"
    ended = day.do("retire", version, "--reason", reason, "--by", "ann")
    code, said = users.status("ben", version)
    return Told(
        "18:00",
        "A version is retired",
        f"asked for, it answers {code}",
        good=code == 410,
        lines=[
            f"{short(version)} ends: {reason}. Its weights are deleted; its card is closed and "
            f"kept in the archive, under the hash {ended['archive'][:12]}.",
            f"Who asks for it by name gets {code}: {said['error']['message']}",
        ],
    )


def audit(day: Day) -> Told:
    """Read the ledger from its first line to its last."""
    found = day.ask("audit").answer
    return Told(
        "19:00",
        "The books are read",
        "all is as it was written" if found["sound"] else "something is not!",
        good=bool(found["sound"]),
        lines=[
            f"{found['lines']} lines, {found['versions']} versions. "
            + (
                "Each line names the hash of the one before; every bundle, the archive and MLflow "
                "say the same."
                if found["sound"]
                else "; ".join(found["problems"])
            ),
            f"The last line's hash, worth keeping elsewhere: {found['head']}",
        ],
    )
