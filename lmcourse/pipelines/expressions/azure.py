"""Azure's expressions: read, evaluated, and where they stand in a text.

An expression stands in `${{ }}` (done before a run starts), in `$[ ]` (a variable's value, done
when the run gets there), and alone as a condition. `$(name)` is no expression but a macro: the text
of a variable, put in just before a step runs.

Source: Microsoft's pages "Expressions", "Conditions" and "Define variables" (Azure Pipelines).

All are bounded, since they come from people whom nobody knows: an expression in length and depth,
and every string in what it may grow to. There are no loops in the language, so that an expression
takes no more steps than it has parts.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.functions import FUNCTIONS, MAX_TEXT, Wrong, bounded
from lmcourse.pipelines.expressions.syntax import (
    MAX_DEPTH,
    STATUS,
    Call,
    Index,
    Literal,
    Name,
    Node,
    Parser,
)
from lmcourse.pipelines.expressions.values import (
    NotConvertible,
    Value,
    kind,
    show,
    to_boolean,
    to_integer,
    to_text,
)

MAX_SHOWN = 400
"""Characters of an expression with values in it that are shown to people."""

GOOD = frozenset({"succeeded", "succeededwithissues"})


@dataclass(frozen=True)
class Status:
    """What the status functions answer from.

    `job` is `Agent.JobStatus` in a step's condition, and None in a job's or stage's. `results` are
    then the results of all dependencies, direct and indirect: "Succeeded", "SucceededWithIssues",
    "Failed", "Canceled" or "Skipped", in any case.
    """

    canceled: bool = False
    job: str | None = None
    results: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """What an expression may ask for: contexts by name, and whether status functions and counters.

    `status` is None where the status functions are not known: everywhere but in conditions.
    `counter(prefix, seed)` is None everywhere but in a variable's value.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    status: Status | None = None
    counter: Callable[[str, int], int] | None = None


class Filtered(list[Value]):
    """What `*` gives: asked for a key, it asks each of its items."""


class Evaluation:
    """Evaluates one expression once, and keeps what each part of it was."""

    def __init__(self, parser: Parser, scope: Scope):
        self.parser, self.scope = parser, scope
        self.known: dict[int, Value] = {}

    def value(self, node: Node) -> Value:
        """Return the value of `node`."""
        match node:
            case Literal(value):
                found = value
            case Name(name):
                found = self.scope.values[name]
            case Index(base, key):
                found = look_up(self.value(base), None if key is None else self.value(key), node)
            case Call():
                found = self.call(node)
        self.known[id(node)] = found
        return found

    def call(self, node: Call) -> Value:
        """Return what a function answers."""
        arguments = [partial(self.value, part) for part in node.arguments]
        try:
            if node.name in STATUS and self.scope.status:
                names = [to_text(one()) for one in arguments]
                return status(node.name, names, self.scope.status)
            if node.name == "counter" and self.scope.counter:
                seed = to_integer(arguments[1]())
                return self.scope.counter(to_text(arguments[0]()), seed)
            return FUNCTIONS[node.name].call(arguments)
        except (Wrong, NotConvertible) as error:
            self.parser.refuse(f"`{node.name}` fails: {error}")

    def shown(self, node: Node) -> str:
        """Return `node` with values in place of names; `...` stands where none was needed."""
        if isinstance(node, Literal):
            return show(node.value)
        if id(node) not in self.known:
            return "..."
        if isinstance(node, Call) and node.name not in STATUS:
            return f"{node.name}({', '.join(map(self.shown, node.arguments))})"
        return show(self.known[id(node)])


def look_up(base: Value, key: Value, node: Index) -> Value:
    """Return what `base` has under `key`; null where it has nothing, or is no collection."""
    if isinstance(base, Filtered):
        found = (look_up(one, key, node) for one in base)
        if node.key is None:
            return Filtered(one for many in found if isinstance(many, Filtered) for one in many)
        return Filtered(one for one in found if one is not None)
    if isinstance(base, Mapping):
        if node.key is None:
            return Filtered(base.values())
        if kind(key) in {"array", "object"}:
            return None
        text = to_text(key)
        if text in base:
            return base[text]
        return next((one for name, one in base.items() if name.lower() == text.lower()), None)
    if isinstance(base, Sequence) and not isinstance(base, str):
        if node.key is None:
            return Filtered(base)
        try:
            place = to_integer(key)
        except NotConvertible:
            return None
        return base[place] if 0 <= place < len(base) else None
    return Filtered() if node.key is None else None


def status(name: str, jobs: Sequence[str], status: Status) -> bool:
    """Return what the status function `name` answers of `jobs`, or of all dependencies.

    Of a run that is being canceled none holds but `always` and `canceled`, and of a job that is
    asked by a wrong name none does: Microsoft's own code says so (`GraphCondition`). Here a wrong
    name is refused.
    """
    if name == "always":
        return True
    if name == "canceled" or status.canceled:
        return name == "canceled" and status.canceled
    if status.job is not None:
        if jobs:
            raise Wrong("in a step it takes no names: it asks how the step's own job stands")
        found = [status.job.lower()]
    else:
        results = {job.lower(): result.lower() for job, result in status.results.items()}
        for job in jobs:
            if job.lower() not in results:
                known = ", ".join(status.results) or "nothing"
                raise Wrong(f"{show(job)} is none that is waited for (`dependsOn`): {known}")
        found = [results[job.lower()] for job in jobs] if jobs else list(results.values())
    if name != "succeeded" and "failed" in found:
        return True
    return name != "failed" and all(one in GOOD for one in found)


def parser_of(text: str, scope: Scope, file: str, line: int) -> Parser:
    """Return what reads `text` where `scope` holds."""
    more = (*(STATUS if scope.status else ()), *(("counter",) if scope.counter else ()))
    return Parser(text, scope.values, more, (file, line))


def check(text: str, scope: Scope, file: str, line: int) -> None:
    """Raise `Refused` where `text` is no expression; its scope's values need not be known yet."""
    parser_of(text, scope, file, line).whole()


def evaluate(text: str, scope: Scope, file: str, line: int) -> Value:
    """Return the value of the expression `text`; raise `Refused`."""
    return explain(text, scope, file, line)[0]


def explain(text: str, scope: Scope, file: str, line: int) -> tuple[Value, str]:
    """Return the value of an expression, and the expression with values in place of names.

    `and(succeeded(), eq(variables['x'], 'a'))` becomes, say, `and(True, eq('b', 'a'))`.
    """
    parser = parser_of(text, scope, file, line)
    node = parser.whole()
    evaluation = Evaluation(parser, scope)
    return evaluation.value(node), readable(evaluation.shown(node))


def readable(text: str) -> str:
    """Return `text`, or the beginning of it that a person reads."""
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def holds(text: str, scope: Scope, file: str, line: int) -> bool:
    """Return whether the condition `text` holds; raise `Refused`."""
    return to_boolean(evaluate(text, scope, file, line))


def pieces(text: str, file: str, line: int) -> list[tuple[bool, str]]:
    """Return `text` in pieces: (True, an expression that stood in `${{ }}`) or (False, text)."""
    found: list[tuple[bool, str]] = []
    last = 0
    while (start := text.find("${{", last)) >= 0:
        # A string may have }} in it.
        inner = re.compile(r"(?:'[^']*'|[^'}]|\}(?!\}))*").match(text, start + 3)
        end = inner.end() if inner else start + 3
        if not text.startswith("}}", end):
            raise Refused(file, line, "a `${{` has no `}}` that belongs to it")
        found += [(False, text[last:start]), (True, text[start + 3 : end].strip())]
        last = end + 2
    return [one for one in [*found, (False, text[last:])] if one[1] or one[0]]


def expand_template(text: str, scope: Scope, file: str, line: int) -> Value:
    """Return `text` with each `${{ }}` evaluated: a value of any kind where it is one alone."""
    found = pieces(text, file, line)
    if len(found) == 1 and found[0][0]:
        return evaluate(found[0][1], scope, file, line)
    parts: list[str] = []
    for is_expression, piece in found:
        value = evaluate(piece, scope, file, line) if is_expression else piece
        if kind(value) in {"array", "object"}:
            sentence = (
                f"`${{{{ {piece} }}}}` is an {kind(value)} and cannot stand within a text; "
                f"convertToJson() makes a text of it"
            )
            raise Refused(file, line, sentence)
        parts.append(to_text(value))
    return _bounded("".join(parts), file, line)


def runtime(text: str, file: str, line: int) -> str | None:
    """Return the expression in a value `$[ ]`; None where there is none; raise `Refused`."""
    stripped = text.strip()
    if stripped.startswith("$[") and stripped.endswith("]"):
        return stripped[2:-1].strip()
    if "$[" in stripped:
        sentence = "`$[ ]` is the whole value of a variable; within a text, `$(name)` can stand"
        raise Refused(file, line, sentence)
    return None


MACRO = re.compile(r"\$\(([^()]+)\)")


def expand_macros(text: str, variables: Mapping[str, str], file: str, line: int) -> str:
    """Return `text` with variables in place of `$(name)`; one that is unknown stays as it is.

    What is put in is not looked at again; `resolve` has done that to the variables.
    """
    known = {name.lower(): value for name, value in variables.items()}
    parts: list[str] = []
    length = last = 0
    for macro in MACRO.finditer(text):
        value = known.get(macro[1].lower(), macro[0])
        parts += [text[last : macro.start()], value]
        last = macro.end()
        length += len(value)
        if length > MAX_TEXT:
            break
    return _bounded("".join([*parts, text[last:]]), file, line)


def resolve(variables: Mapping[str, str], file: str, line: int) -> dict[str, str]:
    """Return `variables` with the macros in their values expanded.

    What leads into a circle stays as it is, and so does what is more than 50 deep: so it is on
    Microsoft's agent (`VariablesL0.cs` in the history of actions/runner).
    """
    known = {name.lower(): value for name, value in variables.items()}
    asked = {
        name: {one for macro in MACRO.finditer(value) if (one := macro[1].lower()) in known}
        for name, value in known.items()
    }
    users: dict[str, list[str]] = {name: [] for name in known}
    for name, others in asked.items():
        for other in others:
            users[other].append(name)
    waiting = {name: len(others) for name, others in asked.items()}
    ready = [name for name, count in waiting.items() if not count]
    depth: dict[str, int] = {}
    while ready:
        name = ready.pop()
        found = {one: known[one] for one in asked[name]}
        depth[name] = 1 + max((depth[one] for one in found), default=-1)
        if depth[name] < MAX_DEPTH:
            known[name] = expand_macros(known[name], found, file, line)
        for user in users[name]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return {name: known[name.lower()] for name in variables}


def _bounded(text: str, file: str, line: int) -> str:
    try:
        return bounded(text)
    except Wrong as error:
        raise Refused(file, line, f"{error}") from None
