"""The ledger as a page: who did what to which version, whether the chain holds, what was erased."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from lmops.ledger import Entry
from lmops.page import Section, Table, bars, page
from lmops.roles import PLATFORM, ROLES
from lmops.state import State

Cell = str | int | float | Markup

MOST = 160
"""Characters that are shown of what a line says."""


def audit_page(
    entries: Sequence[Entry], state: State, problems: Sequence[str], made: datetime
) -> str:
    """Return the page as HTML: all lines of a ledger, what holds after them, and what is wrong."""
    verdict = (
        f"{len(problems)} things are not as they were written."
        if problems
        else "All is as it was written: the chain holds from the first line to the last."
    )
    sections = [
        _soundness(entries, problems),
        _versions(state),
        _people(entries, state),
        _erasures(entries),
        _lines(entries),
    ]
    return page("Who did what to which version", verdict, sections, made)


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _soundness(entries: Sequence[Entry], problems: Sequence[str]) -> Section:
    head = entries[-1].hash if entries else "none"
    return Section(
        "Is everything still what was written down?",
        "Each line names the hash of the one before, so none can be changed, taken out or put in "
        "unseen. Keep the last hash somewhere else: only with it a ledger is found out that was "
        "written anew from the beginning.",
        [
            Markup("<p>lines: {}; last hash: {}</p>").format(len(entries), _code(head)),
            Table(["what is wrong"], [[each] for each in problems], empty="✓ Nothing is wrong."),
        ],
    )


def _versions(state: State) -> Section:
    rows: list[list[Cell]] = [
        [
            _code(one.version),
            "retired" if one.retired else ", ".join(state.names(one.version)) or "-",
            one.registered_by,
            one.verdict or "not asked",
            one.approved_by or "nobody",
            _code(one.lineage["parent"]) if "parent" in one.lineage else "-",
            f"{one.retired.by}: {one.retired.reason}" if one.retired else "-",
        ]
        for one in state.versions.values()
    ]
    head = ["version", "is", "registered by", "gate", "approved by", "parent", "retired by"]
    return Section(
        "Versions",
        "Who registered a version never approves it.",
        [Table(head, rows, empty="No version is registered.")],
    )


def _people(entries: Sequence[Entry], state: State) -> Section:
    did = Counter(entry.by for entry in entries if entry.by != PLATFORM)
    rows: list[list[Cell]] = [
        [role, ", ".join(sorted(events)), ", ".join(state.roles.get(role, {}).values()) or "nobody"]
        for role, events in ROLES.items()
    ]
    alt = "Lines of the ledger by each person"
    parts: list[Table | Markup] = [Table(["role", "may", "who"], rows)]
    if did:
        parts.append(bars(did.most_common(), alt=alt))
    ruled = "From the first grant on this table holds."
    return Section("Who may do what, and who did", ruled if state.roles else (
        "Nobody was granted a role yet, so everybody may; but never approve what is their own."
    ), parts)  # fmt: skip


def _erasures(entries: Sequence[Entry]) -> Section:
    rows: list[list[Cell]] = [
        [
            entry.time[:16].replace("T", " "),
            entry.by,
            file["file"],
            file["removed"],
            file["lines"],
            _code(file["before"][:12]),
            _code(file["after"][:12]),
        ]
        for entry in entries
        if entry.event == "erased"
        for file in entry.details.get("files", ())
    ]
    again = {
        one["version"]
        for entry in entries
        if entry.event == "erased"
        for one in entry.details.get("train_again", ())
    }
    head = ["when (UTC)", "by", "file", "lines gone", "of", "SHA-256 before", "after"]
    learnt = f" Learnt from what was erased: {', '.join(sorted(again))}." if again else ""
    return Section(
        "Who was erased, and the proof",
        f"No name stands here: keys that lead to nobody any more.{learnt}",
        [Table(head, rows, empty="Nobody was erased.")],
    )


def _lines(entries: Sequence[Entry]) -> Section:
    rows: list[list[Cell]] = [
        [
            entry.number,
            entry.time[:19].replace("T", " "),
            entry.by,
            entry.event,
            _code(entry.version) if entry.version else "-",
            _code(entry.hash[:12]),
            said(entry),
        ]
        for entry in entries
    ]
    head = ["line", "when (UTC)", "who", "did", "to", "hash", "in detail"]
    return Section("Line by line", "", [Table(head, rows, empty="The ledger has no line yet.")])


def said(entry: Entry) -> str:
    """Return what a line says beside who, what and when, in short."""
    details = entry.details
    match entry.event:
        case "gate":
            reasons = details.get("reasons") or ["passed"]
            text = "; ".join(map(str, reasons))
        case "register":
            lineage = details.get("lineage") or {}
            text = ", ".join(f"{name} {str(lineage[name])[:23]}" for name in sorted(lineage))
        case "promote":
            text = f"as {details.get('alias')}"
        case "grant" | "withdraw":
            text = f"{details.get('role')}: {details.get('person')}"
        case "retire":
            text = f"{details.get('reason')}; then {details.get('successor')}"
        case "retrain":
            text = "; ".join(map(str, details.get("reasons", ())))
        case "erased":
            text = f"{details.get('lines')} lines of {len(details.get('files', ()))} files"
        case _:
            text = ", ".join(f"{name}: {_short(value)}" for name, value in details.items())
    return text if len(text) <= MOST else f"{text[:MOST]} ..."


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
