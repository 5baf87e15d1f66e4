"""A student's own GPT out of notebooks 05 to 07, as one `model.py` that stands alone.

What an exercise asks for is taken from the notebook of its lesson, with all that it needs there.
Where that does not pass the exercise's check, the course's own is taken: notebook 07 carries those
of lessons 05 and 06, and for `GPT` itself it is the model that ships with the course.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lmops import bundle, trial
from lmops.notebooks import Notebook, Statement, travels
from lmops.trial import PARTS

YOURS, COURSES = "the student's", "the course's"
LAST = "07_gpt"


@dataclass(frozen=True)
class Packed:
    """A `model.py`, whose each of its parts is, and why the course's was taken where it was."""

    source: str
    parts: dict[str, str]
    reasons: dict[str, str]


class _Unfit(Exception):
    """A part cannot be taken out of its notebook."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part, self.reason = part, reason


def pack(notebooks: Iterable[Notebook]) -> Packed:
    """Return the GPT of these notebooks, one for each lesson; runs it in a process of its own."""
    given = {notebook.lesson: notebook for notebook in notebooks}
    reasons: dict[str, str] = {}
    for part, lesson in PARTS.items():
        if lesson not in given:
            reasons[part] = f"no notebook of lesson {lesson} was given"
        elif not given[lesson].defining(part):
            unread = "; ".join(given[lesson].unread[:1])
            reasons[part] = f"{given[lesson].path.name} does not define it" + (
                f" ({unread})" if unread else ""
            )
    while "GPT" not in reasons:
        try:
            source, parts = _assemble(given, set(reasons))
            gpt, _ = _assemble(given, {*PARTS} - {"GPT"})
            found = trial.failure(source, gpt, [p for p, own in parts.items() if own == YOURS])
        except _Unfit as unfit:
            found = unfit.part, unfit.reason
        if found is None:
            used = {part: reason for part, reason in reasons.items() if part in parts}
            return Packed(source, parts, used)
        part, reason = found
        # The course's own is not right here either: somebody changed what notebook 07 carries.
        reasons["GPT" if part in reasons else part] = reason
    shipped = (bundle.SHIPPED / "model.py").read_text("utf-8")
    return Packed(shipped, {"GPT": COURSES}, {"GPT": reasons["GPT"]})


def _assemble(given: Mapping[str, Notebook], courses: set[str]) -> tuple[str, dict[str, str]]:
    """Return a `model.py` and whose its parts are; `courses` are not to be the student's."""
    taken: dict[str, dict[int, Statement]] = {lesson: {} for lesson in sorted(given)}
    imports: set[str] = set()
    homes: dict[str, str] = {}
    parts: dict[str, str] = {}
    # A name, the lesson that asks for it, and for which part.
    waiting = [("GPT", LAST, "GPT"), ("Config", LAST, "GPT")]
    while waiting:
        name, lesson, part = waiting.pop(0)
        if name in PARTS:
            part = name
            lesson = LAST if name in courses else PARTS[name]
        if homes.get(name) == lesson:
            continue
        if name in homes:
            raise _Unfit(part, f"`{name}` means one thing in it, another in lesson {homes[name]}")
        notebook = given[lesson]
        found = [(i, s) for i, s in enumerate(notebook.statements) if name in s.names]
        if not found and name in notebook.imports:
            statement = notebook.imports[name]
            if not travels(statement):
                raise _Unfit(part, f"it needs `{statement}`, which a model on its way has not")
            imports.add(statement)
            continue
        if not found:
            raise _Unfit(part, f"it needs `{name}`, which no cell of its notebook defines")
        homes[name] = lesson
        if name in PARTS:
            parts[name] = COURSES if name in courses else YOURS
        for index, statement_ in found:
            taken[lesson][index] = statement_
            waiting += [(needed, lesson, part) for needed in sorted(statement_.needs)]
    ordered = {part: parts[part] for part in PARTS if part in parts}
    return _write(taken, imports, ordered), ordered


def _write(
    taken: Mapping[str, Mapping[int, Statement]], imports: set[str], parts: Mapping[str, str]
) -> str:
    pieces = ['"""A GPT for characters, out of the notebooks of lessons 05 to 07."""']
    pieces.append("\n".join(sorted(imports)))
    for lesson, statements in taken.items():
        for count, index in enumerate(sorted(statements)):
            note = f"# From the notebook of lesson {lesson}\n" if count == 0 else ""
            pieces.append(note + statements[index].text)
    whose = "\n".join(f'    "{part}": "{owner}",' for part, owner in parts.items())
    pieces.append(f"PARTS = {{\n{whose}\n}}")
    return "\n\n\n".join(pieces) + "\n"
