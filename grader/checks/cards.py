"""How an exercise's outcome is shown in the notebook: text for terminals, HTML for notebooks.

What is not right yet gets a card with the first thing to fix, and the other cases folded away;
what is right, and what was not started, a line. Notebooks are read on light and dark pages, and
front ends drop style sheets. So styles stand in the elements, words have the page's own colours,
and a colour comes with its own background: `COLOURS` has them all.
"""

import inspect
import re
from difflib import SequenceMatcher
from html import escape
from itertools import zip_longest

from grader.checks.registry import Exercise
from grader.checks.results import CaseResult, details
from grader.checks.run import Outcome

MARKS = {True: "✓", False: "✗"}
START = (
    "Put your code in place of `raise NotImplementedError(...)`, or of the dots, "
    "run that cell, and check again."
)

COLOURS = {
    "right": "color:#ffffff;background:#1b6e2c",
    "wrong": "color:#ffffff;background:#b3261e",
    "waiting": "color:#ffffff;background:#4a5568",
    "differs": "color:#1a1a1a;background:#ffd54f",
}
EDGES = {"right": "#43a047", "wrong": "#e8554e", "waiting": "#7f8a9c"}
"""Of a card's left side: 3:1 on every page, light or dark."""

NAMED = 3
"""So many of the other cases that failed are named in a line."""

MOST_TOKENS = 2_000
"""So many parts of two texts are compared to mark what differs."""

_CODE = (
    "margin:.15em 0 .5em;padding:0;background:transparent;color:inherit;border:0;"
    "font-family:monospace;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)
_IMPORT = re.compile(r"^from \S+ import (\w+)$", re.MULTILINE)
_TOKEN = re.compile(r"[\w.+-]+|\s+|.", re.DOTALL)


def outcome_text(exercise: Exercise, outcome: Outcome) -> str:
    """Return the outcome as plain text for a terminal."""
    lines = [_headline(exercise, outcome)]
    fix = outcome.first_failure
    if outcome.status == "missing":
        lines.append(f"  {START}")
    elif fix is None:
        lines += [f"  {outcome.message}"] if outcome.message else []
        lines += [f"  {case.name}: {case.explain}" for case in outcome.cases if case.explain]
    else:
        lines.append(f"  The first thing to fix: {fix.name}")
        width = max(len(name) for name, _ in details(fix))
        for name, text in details(fix):
            first, *more = text.splitlines()
            lines.append(f"    {name:<{width}}  {first}")
            lines += [f"    {'':<{width}}  {line}" for line in more]
        lines += [f"  {others}"] if (others := _others(outcome)) else []
        lines += [f"  {outcome.message}"] if outcome.message not in ("", fix.message) else []
    return "\n".join(lines)


def outcome_html(exercise: Exercise, outcome: Outcome) -> str:
    """Return the outcome as HTML; marks and words carry what colour repeats."""
    fix = outcome.first_failure
    parts = [_title(exercise, outcome)]
    if outcome.status == "missing":
        parts.append(f"<div>{_prose(START)}</div>")
    elif fix is None:
        parts += [f"<div>{escape(outcome.message)}</div>"] if outcome.message else []
        parts += [_learnt(case) for case in outcome.cases if case.explain]
        parts.append(_folded(outcome))
    else:
        parts.append(f"<div><b>The first thing to fix: {escape(fix.name)}</b></div>")
        parts += _fix(exercise, fix)
        if outcome.message not in ("", fix.message):
            parts.append(f"<div>{escape(outcome.message)}</div>")
        parts.append(_folded(outcome))
    style = f"border-left:4px solid {EDGES[_kind(outcome)]};padding:.2em 0 .2em .8em;margin:.3em 0"
    return f'<div style="{style}">{"".join(parts)}</div>'


def summary_text(rows: list[tuple[Exercise, Outcome]]) -> str:
    """Return the points per exercise, the total as a bar, and what is left, as plain text."""
    earned, total, left = _totals(rows)
    filled = round(20 * earned / total)
    lines = [f"[{'█' * filled}{'░' * (20 - filled)}] {_points(earned)} of {total:g} points"]
    width = max(len(exercise.name) for exercise, _ in rows)
    for exercise, outcome in rows:
        points = f"{_points(outcome.share * exercise.points)}/{exercise.points:g}"
        lines.append(f"  {_mark(outcome)} {exercise.name:<{width}}  {points:>5}  {_word(outcome)}")
    lines.append(f"Left to do: {', '.join(left)}." if left else "All done.")
    return "\n".join(lines)


def summary_html(rows: list[tuple[Exercise, Outcome]]) -> str:
    """Return what `summary_text` says, as HTML."""
    earned, total, left = _totals(rows)
    label = f"{_points(earned)} of {total:g} points"
    bar = f'<progress max="{total:g}" value="{earned:g}" aria-label="{label}"></progress>'
    body = "".join(
        f'<tr><td style="text-align:left">{_mark(outcome)} {escape(exercise.name)}</td>'
        f"<td>{_points(outcome.share * exercise.points)} / {exercise.points:g}</td>"
        f'<td style="text-align:left">{_word(outcome)}</td></tr>'
        for exercise, outcome in rows
    )
    tail = f"Left to do: {escape(', '.join(left))}." if left else "All done."
    return f"<p>{bar} <b>{label}</b></p><table><tbody>{body}</tbody></table><p>{tail}</p>"


# ------------------------------------------------------------------------------------------- words


def _headline(exercise: Exercise, outcome: Outcome) -> str:
    return f"{_mark(outcome)} {exercise.name}: {_word(outcome)}{_worth(exercise, outcome)}"


def _worth(exercise: Exercise, outcome: Outcome) -> str:
    if outcome.status == "missing":
        return ""
    points = f" ({_points(outcome.share * exercise.points)} of {exercise.points:g} points)"
    number = len(outcome.cases)
    cases = "1 case" if number == 1 else f"{number} cases"
    return f"{points}, {cases} passed" if outcome.status == "passed" else points


def _others(outcome: Outcome) -> str:
    """Return a line on the cases beside the first thing to fix, "" if there are none."""
    others = [case for case in outcome.cases if case is not outcome.first_failure]
    wrong = [case.name for case in others if not case.passed]
    right = len(others) - len(wrong)
    names = [*wrong[:NAMED], *["…"] * (len(wrong) > NAMED)]
    said = [f"{right} right"] * bool(right)
    said += [f"{len(wrong)} not right yet ({'; '.join(names)})"] * bool(wrong)
    cases = "1 other case" if len(others) == 1 else f"{len(others)} other cases"
    return f"and {cases}: {', '.join(said)}" if others else ""


def _totals(rows: list[tuple[Exercise, Outcome]]) -> tuple[float, float, list[str]]:
    earned = sum(outcome.share * exercise.points for exercise, outcome in rows)
    total = sum(exercise.points for exercise, _ in rows)
    left = [exercise.name for exercise, outcome in rows if outcome.status != "passed"]
    return earned, total, left


def _points(number: float) -> str:
    return f"{round(number, 2):g}"


def _kind(outcome: Outcome) -> str:
    return {"missing": "waiting", "passed": "right"}.get(outcome.status, "wrong")


def _mark(outcome: Outcome) -> str:
    return "○" if outcome.status == "missing" else MARKS[outcome.status == "passed"]


def _word(outcome: Outcome) -> str:
    words = {"passed": "right", "missing": "not started", "partial": "partly right"}
    words |= {"forbidden": "not written by hand"}
    return words.get(outcome.status, "not right yet")


# -------------------------------------------------------------------------------------------- HTML


def _title(exercise: Exercise, outcome: Outcome) -> str:
    chip = _chip(_kind(outcome), f"{_mark(outcome)} {_word(outcome)}")
    return f"<div>{chip} <b>{escape(exercise.name)}</b>{escape(_worth(exercise, outcome))}</div>"


def _chip(kind: str, words: str) -> str:
    style = f"{COLOURS[kind]};border-radius:3px;padding:0 .4em;white-space:nowrap"
    return f'<span style="{style}">{escape(words)}</span>'


def _fix(exercise: Exercise, fix: CaseResult) -> list[str]:
    known = dict(details(fix))
    html = {name: escape(text) for name, text in known.items()}
    if known.get("got") == fix.came and "expected" in known:
        html["expected"], html["got"] = differing(fix.expected, fix.came)
    parts = []
    for name, text in known.items():
        if name in ("hint", "difference", "your answer"):
            parts.append(f"<div><b>{name}</b> {_prose(text)}</div>")
        else:
            parts.append(f'<div><b>{name}</b><pre style="{_CODE}">{html[name]}</pre></div>')
        if name == "call":
            parts.append(_lines_of_probe(exercise, text))
    return parts


def _lines_of_probe(exercise: Exercise, call: str) -> str:
    """Return the lines of the probe that `call` imports, folded; nothing for any other call."""
    found = _IMPORT.search(call)
    probe = exercise.probes.get(found[1]) if found else None
    if probe is None:
        return ""
    title = f'<summary style="cursor:pointer">what {escape(probe.__name__)} does</summary>'
    lines = escape(inspect.getsource(probe).partition("\n")[2])  # without @probe
    return f'<details>{title}<pre style="{_CODE}">{lines}</pre></details>'


def _learnt(case: CaseResult) -> str:
    return f"<div>{MARKS[True]} <b>{escape(case.name)}</b>: {_prose(case.explain)}</div>"


def _folded(outcome: Outcome) -> str:
    others = [case for case in outcome.cases if case is not outcome.first_failure]
    if not others:
        return ""
    title = _others(outcome)
    if outcome.status == "passed":
        title = "the case" if len(others) == 1 else f"the {len(others)} cases"
    elif wrong := sum(not case.passed for case in others):
        right = len(others) - wrong
        title = f"and {len(others)} more: {right} right, {wrong} not right yet"
    rows = "".join(f"<li>{_case(case)}</li>" for case in others)
    items = f'<ul style="list-style:none;margin:.2em 0;padding-left:.6em">{rows}</ul>'
    return f'<details><summary style="cursor:pointer">{escape(title)}</summary>{items}</details>'


def _case(case: CaseResult) -> str:
    chip = _chip("right" if case.passed else "wrong", MARKS[case.passed])
    words = "" if case.passed else " (not right yet)"
    why = f": {_prose(case.explain)}" if case.explain else ""
    # A right answer needs no second look; the long values are those of the first failure alone.
    can_be_pasted = case.call and not case.passed and "given[" not in case.call
    call = f'<pre style="{_CODE}">{escape(case.call)}</pre>' if can_be_pasted else ""
    return f"{chip} {escape(case.name)}{words}{why}{call}"


def _prose(text: str) -> str:
    """Return a sentence as HTML, with what stands in backticks as code."""
    style = "font-family:monospace;background:transparent;color:inherit"
    return re.sub(r"`([^`]+)`", rf'<code style="{style}">\1</code>', escape(text))


def differing(expected: str, got: str) -> tuple[str, str]:
    """Return both texts as HTML, with the parts that differ marked."""
    ours, theirs = _TOKEN.findall(expected), _TOKEN.findall(got)
    if not ours or not theirs or len(ours) + len(theirs) > MOST_TOKENS:
        return escape(expected), escape(got)
    if len(ours) == len(theirs):  # two tensors of one shape, number by number
        places = [i for i, (a, b) in enumerate(zip_longest(ours, theirs)) if a != b]
        return _marked(ours, places), _marked(theirs, places)
    here: list[int] = []
    there: list[int] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, ours, theirs, False).get_opcodes():
        if kind != "equal":
            here += range(i1, i2)
            there += range(j1, j2)
    return _marked(ours, here), _marked(theirs, there)


def _marked(tokens: list[str], places: list[int]) -> str:
    style = f"{COLOURS['differs']};font-weight:bold;text-decoration:underline"
    wrong = set(places)
    return "".join(
        f'<mark style="{style}">{escape(token)}</mark>' if i in wrong else escape(token)
        for i, token in enumerate(tokens)
    )
