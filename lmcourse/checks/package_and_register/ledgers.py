"""The checks of `append` and `verify_chain`."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.package_and_register.bundles import LESSON, word, worthless_alone

START = "0" * 64
FIELDS = ("number", "time", "event", "version", "by", "details", "previous", "hash")

Entry = dict[str, Any]
Asked = tuple[str, str | None, str, str, dict[str, Any]]
"""What `append` is given: event, version, by, when, details."""
Ledger = tuple[list[str], str | None]
"""The lines of a ledger, and the head that is asked for."""
NO_TEXT = "\ufffd"
"""Stands for a byte in a line that is no UTF-8."""


# ---------------------------------------------------------------------- beside the student's code


@probe
def lines_appended(
    _: dict[str, Any],
    append: Callable[..., Any],
    before: list[str],
    asked: list[Asked],
    as_text: bool = False,
) -> Any:
    """Append to a ledger that has these lines; return its text then, and what was returned.

    With `as_text` its path is a string.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ledger.jsonl"
        if before:
            path.write_bytes("".join(f"{line}\n" for line in before).encode())
        given = []
        for event, version, by, when, details in asked:
            place = str(path) if as_text else path
            given.append(append(place, event, version, by, when, **details))
        if not path.exists():
            return None if None in given else ["", given]
        return [path.read_bytes().decode(), given]


@probe
def lines_in_two(_: dict[str, Any], append: Callable[..., Any], asked: list[Asked]) -> Any:
    """Append to two ledgers in turn; return the texts of both."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / name for name in ("one.jsonl", "two.jsonl")]
        for place, (event, version, by, when, details) in enumerate(asked):
            append(paths[place % 2], event, version, by, when, **details)
        return [path.read_bytes().decode() if path.exists() else "" for path in paths]


@probe
def lines_between(_: dict[str, Any], append: Callable[..., Any], asked: list[Asked]) -> Any:
    """Append to one ledger, to which somebody else appends every second line; return its text."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ledger.jsonl"
        for place, (event, version, by, when, details) in enumerate(asked):
            if place % 2:
                last = json.loads(path.read_bytes().splitlines()[-1])
                with open(path, "ab") as ledger:
                    ledger.write(line_of(entry_of(asked[place], last)).encode() + b"\n")
            else:
                append(path, event, version, by, when, **details)
        return path.read_bytes().decode() if path.exists() else ""


@probe
def append_refused(
    _: dict[str, Any], append: Callable[..., Any], before: list[str], asked: Asked
) -> Any:
    """Append what JSON cannot say; return what was raised, and the ledger's text then."""
    event, version, by, when, details = asked
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ledger.jsonl"
        path.write_bytes("".join(f"{line}\n" for line in before).encode())
        raised = "nothing"
        try:
            append(path, event, version, by, when, **details)
        except ValueError:
            raised = "ValueError"
        return [raised, path.read_bytes().decode()]


@probe
def chains_verified(
    _: dict[str, Any], verify_chain: Callable[..., Any], ledgers: list[Ledger]
) -> Any:
    """Return what `verify_chain` says of each of these ledgers."""
    said = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, (lines, head) in enumerate(ledgers):
            path = Path(scratch) / f"{number}.jsonl"
            text = "".join(f"{line}\n" for line in lines)
            path.write_bytes(text.encode().replace(NO_TEXT.encode(), b"\xff"))
            place = str(path) if number % 2 else path
            said.append(verify_chain(place) if head is None else verify_chain(place, head))
    return None if all(number is None for number in said) else said


# ------------------------------------------------------------------------------ the judge's ledgers


def line_of(entry: Entry) -> str:
    return json.dumps(entry, sort_keys=True)


def hashed(entry: Entry) -> Entry:
    """Return the entry with the hash that belongs to it."""
    body = {name: part for name, part in entry.items() if name != "hash"}
    return body | {"hash": hashlib.sha256(line_of(body).encode()).hexdigest()}


def asked_of(rng: Rng) -> Asked:
    version = None if rng.random() < 0.2 else f"{rng.integers(2**62):016x}"
    event = str(rng.choice(["registered", "gated", "approved", "promoted"]))
    when = f"2026-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}T{rng.integers(24):02}:15:00"
    details = {word(rng): float(rng.integers(1000)) / 8, "note": f"{word(rng)}\n„{word(rng)}“"}
    return event, version, f"{word(rng)} é", when, details


def entry_of(asked: Asked, last: Entry | None) -> Entry:
    event, version, by, when, details = asked
    return hashed(
        {
            "number": last["number"] + 1 if last else 1,
            "time": when,
            "event": event,
            "version": version,
            "by": by,
            "details": details,
            "previous": last["hash"] if last else START,
        }
    )


def chain(rng: Rng, count: int) -> list[Entry]:
    entries: list[Entry] = []
    for _ in range(count):
        entries.append(entry_of(asked_of(rng), entries[-1] if entries else None))
    return entries


def rechained(entries: list[Entry], start: int) -> list[Entry]:
    """Return the entries with numbers, links and hashes worked out anew, from place `start` on."""
    made = entries[:start]
    for entry in entries[start:]:
        last = made[-1] if made else None
        links = {"number": len(made) + 1, "previous": last["hash"] if last else START}
        made.append(hashed(entry | links))
    return made


Touch = Callable[[Rng, list[Entry]], tuple[list[str], int]]
"""From a sound chain to the lines of a touched one, and the first that does not hold."""
Head = Callable[[Rng, list[Entry]], str | None]
"""From the entries of a chain, before it is touched, to the head that is asked for."""


def _other(rng: Rng, entry: Entry) -> Entry:
    way = str(rng.choice(["by", "version", "time", "details"]))
    new = {word(rng): True} if way == "details" else word(rng)
    return entry | {way: new}


def _lines(entries: list[Entry]) -> list[str]:
    return [line_of(entry) for entry in entries]


def sound(_: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    return _lines(entries), 0


def change(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    place = int(rng.integers(len(entries)))
    return _lines([*entries[:place], _other(rng, entries[place]), *entries[place + 1 :]]), place + 1


def rehash(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    place = int(rng.integers(len(entries) - 1))
    changed = hashed(_other(rng, entries[place]))
    return _lines([*entries[:place], changed, *entries[place + 1 :]]), place + 2


def take_out(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    place = int(rng.integers(len(entries) - 1))
    return _lines(entries[:place] + entries[place + 1 :]), place + 1


def behead(_: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    return _lines(entries[1:]), 1


def exchange(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    place = int(rng.integers(len(entries) - 1))
    swapped = [entries[place + 1], entries[place]]
    return _lines([*entries[:place], *swapped, *entries[place + 2 :]]), place + 1


def repeat_one(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    place = int(rng.integers(len(entries)))
    return _lines([*entries[: place + 1], *entries[place:]]), place + 2


def garble(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Put something in the place of a line that is no JSON."""
    place, lines = int(rng.integers(len(entries))), _lines(entries)
    lines[place] = word(rng) if rng.random() < 0.5 else lines[place][: int(rng.integers(10, 60))]
    return lines, place + 1


def wrap(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Put a list in the place of an entry."""
    place, lines = int(rng.integers(len(entries))), _lines(entries)
    lines[place] = f"[{lines[place]}]"
    return lines, place + 1


def strip(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Take the hash, or what it is of the line before, out of an entry."""
    place, lines = int(rng.integers(len(entries))), _lines(entries)
    rest = dict(entries[place])
    del rest[str(rng.choice(["hash", "previous"]))]
    lines[place] = line_of(rest)
    return lines, place + 1


def rewrite(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Change a line in the middle, and make all hashes after it anew: a sound chain again."""
    place = int(rng.integers(len(entries) - 1))
    made = [*entries[:place], _other(rng, entries[place]), *entries[place + 1 :]]
    return _lines(rechained(made, place)), len(entries) + 1


def cut(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    kept = int(rng.integers(0, len(entries)))
    return _lines(entries[:kept]), kept + 1


def start_anew(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Begin a second chain in the middle, whose first line names START."""
    place = int(rng.integers(1, len(entries)))
    made = [*entries[:place], hashed(entries[place] | {"previous": START})]
    for entry in entries[place + 1 :]:
        made.append(hashed(entry | {"previous": made[-1]["hash"]}))
    return _lines(made), place + 1


def blank(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Put an empty line in."""
    place = int(rng.integers(len(entries)))
    return [*_lines(entries[:place]), "", *_lines(entries[place:])], place + 1


def no_text(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Put a byte into a line that is no UTF-8."""
    place, lines = int(rng.integers(len(entries))), _lines(entries)
    at = lines[place].index(entries[place]["by"][:7])
    lines[place] = lines[place][:at] + NO_TEXT + lines[place][at:]
    return lines, place + 1


def remade(change: Callable[[Rng, Entry], Entry]) -> Touch:
    """Return what changes one entry, and makes the hashes from there on anew."""

    def touch(rng: Rng, entries: list[Entry]) -> tuple[list[str], int]:
        place = int(rng.integers(len(entries)))
        made = [*entries[:place], hashed(change(rng, entries[place]))]
        for entry in entries[place + 1 :]:
            made.append(hashed(entry | {"previous": made[-1]["hash"]}))
        return _lines(made), place + 1

    return touch


def _lose(rng: Rng, entry: Entry) -> Entry:
    lost = str(rng.choice(["number", "time", "event", "version", "by", "details"]))
    return {name: part for name, part in entry.items() if name != lost}


MISSHAPEN = (
    remade(lambda rng, entry: entry | {"number": entry["number"] + int(rng.integers(1, 9))}),
    remade(_lose),
    remade(lambda rng, entry: entry | {word(rng): word(rng)}),
    remade(lambda rng, entry: entry | {"details": list(entry["details"].items())}),
)


def nothing_left(_: Rng, __: list[Entry]) -> tuple[list[str], int]:
    return [], 1


def beyond(_: Rng, entries: list[Entry]) -> tuple[list[str], int]:
    """Leave all as it is; the head that is asked for is another."""
    return _lines(entries), len(entries) + 1


def no_head(_: Rng, __: list[Entry]) -> str | None:
    return None


def last_head(_: Rng, entries: list[Entry]) -> str | None:
    return str(entries[-1]["hash"])


def earlier_head(rng: Rng, entries: list[Entry]) -> str | None:
    return str(entries[int(rng.integers(len(entries) - 1))]["hash"])


def short_head(rng: Rng, entries: list[Entry]) -> str | None:
    return str(entries[-1]["hash"][: int(rng.integers(8, 40))])


# ------------------------------------------------------------------------------------- the checks


@exercise(LESSON, "append", points=5, names=("append", "verify_chain"))
def append(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def added(asked: list[Asked]) -> list[Entry]:
        """Return what the lines of a new ledger say, each a dictionary, {} where it is not one."""
        text = student.probe(lines_appended, student.append, [], asked)[0]
        return [_read(line) for line in text.splitlines()]

    first = asked_of(rng)
    yield case(
        "what a first line has",
        lambda: sorted((added([first]) or [{}])[0]),
        sorted(FIELDS),
        hint="One line of JSON with these eight entries, and a newline behind it: "
        '`file.write(json.dumps(entry, sort_keys=True) + "\\n")`, in a file that was opened with '
        '"a".',
        form=True,
        points=0.5,
    )

    def lines() -> Iterator[Case]:
        before = chain(rng, int(rng.integers(3, 9)))
        old, asked = _lines(before), [asked_of(rng) for _ in range(3)]
        wanted: list[Entry] = list(before)
        for one in asked:
            wanted.append(entry_of(one, wanted[-1]))
        new = wanted[len(before) :]

        @cache
        def came() -> tuple[list[str], Any]:
            """Return the lines of the file afterwards, and what was returned."""
            text, given = student.probe(lines_appended, student.append, old, asked)
            return text.splitlines(), given

        def parts(*names: str) -> Any:
            return [[_read(line).get(name) for name in names] for line in came()[0][len(old) :]]

        yield case(
            "what three new lines say",
            lambda: parts("event", "version", "by", "time", "details"),
            [[e[name] for name in ("event", "version", "by", "time", "details")] for e in new],
            hint='"time" is `when`, "details" the dictionary of what else was given, `**details`; '
            "the others have their own names. Of each call, one line.",
        )
        yield worthless_alone(
            case(
                "the old lines, after that",
                lambda: came()[0][: len(old)],
                old,
                hint='Add to the end and touch nothing else: open(path, "a").',
            )
        )
        yield case(
            "their numbers",
            lambda: parts("number"),
            [[entry["number"]] for entry in new],
            hint="The first line of a ledger has the number 1, and each one more than the line "
            "before it in the file, whoever wrote that.",
            points=0.5,
        )

        def unlinked() -> str:
            entries = [_read(line) for line in came()[0]]
            for before, entry in list(pairwise(entries))[len(old) - 1 :]:
                if entry.get("previous") != before.get("hash"):
                    return f"line {entry.get('number')} names another"
            return "" if len(entries) == len(old) + len(asked) else "there are not three new lines"

        yield holds(
            "what they say of the line before",
            "each names its hash",
            unlinked,
            hint='"previous" is the "hash" of the last line that is in the file; a first line has '
            "64 zeros there. Read the file each time: another process may have written to it.",
        )
        yield case(
            "their hashes",
            lambda: parts("hash"),
            [[entry["hash"]] for entry in new],
            hint="The SHA-256, 64 hex digits, of the text `json.dumps(entry, sort_keys=True)` "
            'while "hash" is not in it yet, "previous" and all others are.',
            points=2,
        )
        yield case(
            "the lines themselves",
            lambda: came()[0][len(old) :],
            _lines(new),
            hint="`json.dumps(entry, sort_keys=True)` and a newline, with nothing else set, so "
            "that every program writes an entry alike.",
            points=0.5,
        )
        yield case(
            "what append returns",
            lambda: came()[1],
            new,
            hint="Return the entry, as it was written, with its hash.",
            points=0.5,
        )
        each = [asked_of(rng) for _ in range(6)]
        two = [_lines(_chained(each[place::2])) for place in (0, 1)]
        yield case(
            "two ledgers that are written in turn",
            lambda: [t.splitlines() for t in student.probe(lines_in_two, student.append, each)],
            two,
            hint="What the last line was stands in the file at `path`, and not in a variable: "
            "there may be other ledgers.",
        )
        turns = [asked_of(rng) for _ in range(5)]
        yield case(
            "a ledger to which somebody else adds a line between your calls",
            lambda: student.probe(lines_between, student.append, turns).splitlines(),
            _lines(_chained(turns)),
            hint="Read the file at each call, also where you have seen it before: another process "
            "may have written to it since.",
        )
        yield case(
            "a path that is a string",
            lambda: student.probe(lines_appended, student.append, old, asked, True)[0].splitlines(),
            _lines(wanted),
            hint="`path = Path(path)` at the beginning makes a path of a string, and leaves a path "
            "as it is. (So does it in verify_chain.)",
            points=0.5,
        )
        event, version, by, when, details = asked_of(rng)
        bad: Asked = event, version, by, when, details | {"loss": float("nan")}

        def refused() -> str:
            raised, text = student.probe(append_refused, student.append, old, bad)
            if raised != "ValueError":
                return f"it raised {raised}"
            return "" if text.splitlines() == old else "it raised, and the file had changed"

        yield worthless_alone(
            holds(
                "details with NaN in them",
                "ValueError, and the ledger stays as it was",
                refused,
                hint="`json.dumps(..., allow_nan=False)` raises ValueError. Make the "
                "whole line before "
                "you open the file for it.",
                points=0.5,
            )
        )

    yield from public_and_hidden(lines)

    def about(
        name: str,
        *touches: Touch,
        hint: str,
        heads: tuple[Head, ...] = (),
        points: float = 1.0,
    ) -> Case:
        """Return the case that finds the line in ledgers that were touched, among sound ones.

        `heads` says which head is asked for with each of them; the sound ones have their own.
        """
        ledgers, wanted = [], []
        trials = [*zip(touches, heads or [no_head] * len(touches), strict=True)]
        unhurt = last_head if heads else no_head
        for touch, head in (*trials, *trials[:2], (sound, unhurt), (sound, unhurt)):
            entries = chain(rng, int(rng.integers(4, 12)))
            touched, line = touch(rng, entries)
            ledgers.append((touched, head(rng, entries)))
            wanted.append(line)
        order = rng.permutation(len(ledgers)).tolist()
        return case(
            name,
            lambda: student.probe(
                chains_verified, student.verify_chain, [ledgers[i] for i in order]
            ),
            [wanted[i] for i in order],
            hint=f"(One number for each ledger.) {hint}",
            points=points,
        )

    def touched() -> Iterator[Case]:
        yield about(
            "a line was changed",
            change,
            hint="A line holds if its hash is the one that you work out from the rest of it. "
            "Return the number of the first line that does not hold, counted from 1, or 0.",
        )
        yield about(
            "a line was changed, and its hash made anew",
            rehash,
            hint='Each line must also name the line before: its "previous" is that line\'s hash. '
            "The changed line holds then, and the one after it does not.",
        )
        yield about(
            "a line was taken out, or exchanged with the next, or put in twice",
            take_out,
            behead,
            exchange,
            repeat_one,
            hint="The first line's \"previous\" is 64 zeros, and each other's the hash of the line "
            "just before it in the file.",
        )
        yield about(
            "a line that is no entry",
            garble,
            wrap,
            strip,
            hint="A line that is no JSON, no dictionary, or lacks an entry does not hold. No "
            "exception: catch what `json.loads` and `entry[...]` may raise.",
        )
        yield about(
            "an empty line, or a byte that is no UTF-8",
            blank,
            no_text,
            hint="An empty line is no entry: do not skip it. And read the file as bytes, or with "
            '`errors="replace"`, so that a byte that is no UTF-8 spoils its line and no more.',
        )
        yield about(
            "a second chain that begins in the middle",
            start_anew,
            start_anew,
            hint="64 zeros belong to the first line alone. Further down they would let anybody "
            "begin a history of their own.",
            points=0.5,
        )
        yield about(
            "lines whose hash is right, and which are no entries as in the table",
            *MISSHAPEN,
            hint="A line also needs its own number, just these eight keys, and a dictionary of "
            "details: who makes the hashes anew can put anything else in.",
        )
        yield about(
            "the end was cut off",
            cut,
            nothing_left,
            heads=(last_head, last_head),
            hint="What is left of a chain is sound in itself. With `head`, the last line's hash "
            "must be `head`; if all lines hold and it is not, return one more than there are. "
            "(With no line at all, 64 zeros stand for the last hash.)",
        )
        yield about(
            "everything from some line on was made anew",
            rewrite,
            heads=(last_head,),
            hint="Such a chain is sound in itself. Only its last hash is another than the `head` "
            "that was kept elsewhere: then return one more than there are lines.",
        )
        yield about(
            "a head that is that of an earlier line, or only the beginning of the last hash",
            beyond,
            beyond,
            heads=(earlier_head, short_head),
            hint="`head` must be the hash of the *last* line, all 64 digits of it. One that stands "
            "further up is the head of an older ledger, not of this one.",
        )
        yield about(
            "made anew without a head to compare with, and lines that were changed",
            lambda rng, entries: (rewrite(rng, entries)[0], 0),
            change,
            hint="Without `head` nothing can tell a chain that was made anew from a sound one: 0.",
            points=0.5,
        )

    yield from public_and_hidden(touched)


def _chained(asked: list[Asked]) -> list[Entry]:
    entries: list[Entry] = []
    for one in asked:
        entries.append(entry_of(one, entries[-1] if entries else None))
    return entries


def _read(line: str) -> Entry:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}
