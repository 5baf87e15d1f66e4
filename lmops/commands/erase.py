"""`lmops erase`: take one person out of all that is kept of what people sent."""

import contextlib
import hashlib
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from lmops.commands.book import (
    no_training_beside,
    open_ledger,
    person_option,
    refuse_without_right,
)
from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option
from lmops.home import Home
from lmops.roles import same_person
from lmops.state import fold


@click.command(
    epilog=examples(
        "lmops erase anna --by stewart",
        "lmops erase anna --text 'Anna Karenina' --text anna@example.com --by stewart",
        "lmops erase b3kq7x2m --by stewart      # by the id of a key",
    )
)
@click.argument("person")
@click.option(
    "--text",
    "words",
    multiple=True,
    metavar="TEXT",
    help="What names the person in what others sent; those lines go, too. At least 5 letters.",
)
@person_option("Who does it: a steward, once there are roles.")
@json_option
@home_option
def erase(person: str, words: tuple[str, ...], by: str, as_json: bool, home: Home) -> None:
    """Erase PERSON, to whom a key was given by that name.

    Gone are then their lines in logs and feedback, rotated and packed ones too, what was to be
    learnt from them, trainings that were not finished, and their keys.

    The ledger has the proof: how many lines of each file, its hash before and after. Models that
    learnt from the person are listed, and are to be trained again. What somebody did to a version
    stays told. Exits with 1 if something that the person sent is still there.
    """
    from lmops import erase as erasure
    from lmops import liked
    from lmops.service.keys import Keys

    if any(len("".join(each.split())) < 5 for each in words):
        raise Wrong("--text takes at least 5 letters, or half of all lines would go")
    with no_training_beside(home), contextlib.closing(Keys(home.keys)) as kept:
        with open_ledger(home) as ledger:
            refuse_without_right(fold(ledger.entries), by, "erase")
            held = [key.id for key in kept.all() if same_person(key.name, person)]
            known = {key.id for key in kept.all()} | liked.erased_keys(ledger.entries)
            keys = sorted({*held, *({person} & known)})
            if not keys:
                raise Wrong(f"No key was given to {person}. To see who has one: lmops keys list")
            erasure.sweep(home)
            if odd := erasure.unreadable(home):
                raise No(f"Nobody can say who is in {', '.join(odd)}. Delete or unpack them first")
            for key in keys:
                kept.revoke(key)
            # From this line on the service writes nothing of theirs, also of what is under way.
            begun = ledger.append("erase", None, by, keys=keys).number
        paths = [*_files(home)]
        cleaned = [one for path in paths if (one := erasure.clean(path, keys, words, home))]
        stories = sum(one.removed for one in cleaned if one.file.startswith("data/"))
        trainings = erasure.forget_trainings(home) if stories else 0
        try:
            kept.forget(keys)
        except sqlite3.Error as error:
            raise No(f"{home.keys}: {error}. Is another command at work? Type it again") from error
        left = erasure.left(home, keys, words)
        with open_ledger(home) as ledger:
            again = erasure.taught(ledger.entries, fold(ledger.entries), keys)
            proof: dict[str, Any] = {
                "begun": begun,
                "keys": keys,
                "lines": sum(one.removed for one in cleaned),
                "files": [asdict(one) for one in cleaned],
                "stories": stories,
                "trainings": trainings,
                "searched": len(paths),
                "left": left,
                "train_again": again,
            }
            line = ledger.append("erased", None, by, **proof).number
    answer(
        as_json,
        {**proof, "line": line},
        f"{proof['lines']} lines of {len(cleaned)} file{'s' * (len(cleaned) != 1)} are gone, "
        f"{stories} of them training data",
        *(f"{one.file}: {one.before[:12]} -> {_short(one.after)}" for one in cleaned),
        *(f"learnt from it, to be trained again: {one['version']}" for one in again),
        f"the proof: line {line} of the ledger",
    )
    if left:
        raise No(f"Something is still in: {', '.join(left)}. Delete it there, and type it again")
    if again:
        click.echo("Next: lmops retrain --if-due --by NAME; then lmops retire VERSION", err=True)


def _short(digest: str) -> str:
    """Return the beginning of a file's hash, and say so where it is that of an empty file."""
    return digest[:12] + (" (empty)" if digest == hashlib.sha256().hexdigest() else "")


def _files(home: Home) -> list[Path]:
    from lmops import traffic

    return [*traffic.files(home.logs), *traffic.files(home.data)]
