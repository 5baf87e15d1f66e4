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
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from typing import NoReturn, TypeAlias

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.functions import FUNCTIONS, MAX_TEXT, Wrong, bounded
from lmcourse.pipelines.values import (
    MAX_DIGITS,
    MAX_PART,
    NotConvertible,
    Value,
    Version,
    kind,
    show,
    to_boolean,
    to_integer,
    to_text,
)

MAX_LENGTH = 2000
"""Characters of an expression. The services take 21,000; whoever writes one reads it too."""
MAX_DEPTH = 50
"""How deep its parts may be nested: as deep as the services take."""
MAX_SHOWN = 400
"""Characters of an expression with values in it that are shown to people."""

GOOD = frozenset({"succeeded", "succeededwithissues"})
STATUS = ("always", "canceled", "failed", "succeeded", "succeededOrFailed")
GITHUBS = {
    "success": "succeeded()",
    "failure": "failed()",
    "cancelled": "canceled()",
    "tojson": "convertToJson(...)",
    "fromjson": "a parameter of type object",
    "hashfiles": "the key of a Cache@2 task",
}
"""Functions of GitHub's language, and what there is instead."""
GITHUBS_CONTEXTS = frozenset({"github", "env", "needs", "secrets", "inputs", "matrix", "vars"})


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


@dataclass(frozen=True)
class Literal:
    """A value as written."""

    value: Value


@dataclass(frozen=True)
class Name:
    """A context, such as `variables`."""

    name: str


@dataclass(frozen=True)
class Index:
    """`base.key` or `base[key]`; `key` is None for `*`."""

    base: "Node"
    key: "Node | None"


@dataclass(frozen=True)
class Call:
    """A function, by the name that the documentation writes, and its arguments."""

    name: str
    arguments: tuple["Node", ...]


Node: TypeAlias = Literal | Name | Index | Call


class Filtered(list[Value]):
    """What `*` gives: asked for a key, it asks each of its items."""


TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>'(?:[^']|'')*')
  | (?P<number>-?\.?[0-9][A-Za-z0-9_.]*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>[()\[\],.*])
    """,
    re.VERBOSE,
)

OPERAND = r"'[^']*'|\w[\w.]*(?:\['[^']*'\])*(?:\([^()]*\))?"
"""What stands beside an operator, as far as a hint needs to know."""


class Parser:
    """Reads one expression; refuses whatever is not one."""

    def __init__(self, text: str, scope: Scope, file: str, line: int):
        self.text, self.scope, self.file, self.line = text, scope, file, line
        self.names = {name.lower(): name for name in FUNCTIONS}
        if scope.status:
            self.names |= {name.lower(): name for name in STATUS}
        if scope.counter:
            self.names["counter"] = "counter"
        if len(text) > MAX_LENGTH:
            self.refuse(f"it is longer than {MAX_LENGTH:,} characters")
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                self.refuse(self.strange(at))
            if found.lastgroup and found.lastgroup != "space":
                self.tokens.append((found.lastgroup, found.group()))
            at = found.end()
        self.at = 0

    def refuse(self, sentence: str) -> NoReturn:
        """Raise `Refused` with the expression in front."""
        short = " ".join(self.text.split())
        short = short if len(short) <= 80 else short[:77] + "..."
        raise Refused(self.file, self.line, f"in the expression `{short}`, {sentence}")

    def strange(self, at: int) -> str:
        """Return why there is no token at `at`, and what to write instead."""
        rest = self.text[at:]
        for sign, function in {
            "==": "eq",
            "!=": "ne",
            "&&": "and",
            "||": "or",
            "<=": "le",
            ">=": "ge",
            "<": "lt",
            ">": "gt",
            "!": "not",
        }.items():
            if rest.startswith(sign):
                left = re.search(rf"({OPERAND})\s*$", self.text[:at])
                right = re.match(rf"\s*({OPERAND})", rest[len(sign) :])
                sides = [one[1] if one else "..." for one in (left, right)]
                shown = f"{function}({', '.join(sides if function != 'not' else sides[1:])})"
                return f"`{sign}` is GitHub's language; Azure's has functions: `{shown}`"
        if rest.startswith('"'):
            return "a string stands in single quotes: 'main'"
        if rest.startswith("'"):
            return "a string has no end; a ' inside of a string is written twice: 'it''s'"
        if rest.startswith("-"):
            return "a name with `-` in it is asked for by index: `variables['my-name']`"
        if rest.startswith("$"):
            return "a variable is asked for by its context, `variables['name']`, not by a macro"
        return f"`{rest[0]}` means nothing"

    def peek(self) -> tuple[str, str]:
        """Return the next token: its kind and text."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, sign: str) -> bool:
        """Go past the sign `sign`; return whether it was there."""
        found = self.peek() == ("sign", sign)
        self.at += found
        return found

    def whole(self) -> Node:
        """Return the whole text's expression."""
        if not self.tokens:
            self.refuse("there is nothing; a condition that always holds is `true`")
        node = self.part(1)
        if self.at < len(self.tokens):
            before = " ".join(text for _, text in self.tokens[: self.at][-1:])
            self.refuse(f"`{self.peek()[1]}` stands after `{before}`, where the expression is over")
        return node

    def part(self, depth: int) -> Node:
        """Return a value, a name or a call, and what is asked of it."""
        if depth > MAX_DEPTH:
            self.refuse(f"parts are nested more than {MAX_DEPTH} deep")
        sort, text = self.peek()
        self.at += 1
        if sort == "string":
            return Literal(text[1:-1].replace("''", "'"))
        if sort == "number":
            return Literal(self.number(text))
        if sort != "name":
            self.refuse("it ends too early" if sort == "end" else f"`{text}` is out of place")
        node: Node
        if self.peek() == ("sign", "("):
            node = self.call(text, depth)
        elif text.lower() in {"true", "false"}:
            return Literal(text.lower() == "true")
        else:
            node = self.context(text)
        while self.peek() in {("sign", "."), ("sign", "[")}:
            depth += 1
            if depth > MAX_DEPTH:
                self.refuse(f"parts are nested more than {MAX_DEPTH} deep")
            node = Index(node, self.key(depth))
        return node

    def number(self, text: str) -> Value:
        """Return a number or version."""
        if re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,10}){2,3}", text):
            parts = tuple(map(int, text.split(".")))
            if max(parts) <= MAX_PART:
                return Version(parts)
        elif re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)", text):
            if sum(map(str.isdigit, text)) <= MAX_DIGITS:
                return Decimal(text)
            self.refuse(f"`{text}` has more than {MAX_DIGITS} digits")
        self.refuse(f"`{text}` is neither a number nor a version; a string is quoted: '{text}'")

    def call(self, text: str, depth: int) -> Node:
        """Return the call of the function `text`, whose parenthesis comes next."""
        name = self.names.get(text.lower())
        if name is None:
            self.refuse(self.unknown_function(text))
        self.at += 1
        arguments: list[Node] = []
        while not self.take(")"):
            if arguments and not self.take(","):
                if self.peek()[0] == "end":
                    self.refuse(f"the parenthesis of `{name}(` is not closed")
                self.refuse(f"a comma is missing before `{self.peek()[1]}`")
            if self.peek()[0] == "end":
                self.refuse(f"the parenthesis of `{name}(` is not closed")
            arguments.append(self.part(depth + 1))
        least, most = (0, 0) if name in {"always", "canceled"} else (0, None)
        if name == "counter":
            least, most = 2, 2
        if name in FUNCTIONS:
            least, most = FUNCTIONS[name].least, FUNCTIONS[name].most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            wanted = f"{least}" if least == most else f"{least} or more"
            self.refuse(f"`{name}` takes {wanted} arguments, and here are {len(arguments)}")
        return Call(name, tuple(arguments))

    def unknown_function(self, text: str) -> str:
        """Return what is said of a function that is not known here."""
        low = text.lower()
        if low in GITHUBS:
            return f"`{text}` is GitHub's language; Azure's has {GITHUBS[low]}"
        if low in {name.lower() for name in STATUS}:
            return f"`{text}()` is known in a `condition:` alone"
        if low == "counter":
            return "`counter` is known in the value of a variable alone: `$[counter('x', 1)]`"
        near = get_close_matches(low, self.names, 1)
        hint = f"did you mean `{self.names[near[0]]}`?" if near else "there is no such function"
        return f"`{text}` is not known; {hint}"

    def context(self, text: str) -> Node:
        """Return the context `text`."""
        for name in self.scope.values:
            if name.lower() == text.lower():
                return Name(name)
        low = text.lower()
        if low == "null":
            self.refuse("null cannot be written; compare with the empty string, ''")
        if low in self.names:
            self.refuse(f"`{text}` is a function: write `{self.names[low]}(...)`")
        if low in GITHUBS_CONTEXTS:
            self.refuse(f"`{text}` is GitHub's language; Azure's has `variables['name']`")
        if low == "parameters":
            self.refuse("parameters are known before the run alone: `${{ parameters.name }}`")
        known = {name.lower(): name for name in self.scope.values}
        near = get_close_matches(low, known, 1)
        hint = f"did you mean `{known[near[0]]}`?" if near else f"a string is quoted: '{text}'"
        self.refuse(f"`{text}` is not known here; {hint}")

    def key(self, depth: int) -> Node | None:
        """Return what is asked for behind `.` or within `[ ]`; None for `*`."""
        if self.take("."):
            if self.take("*"):
                return None
            sort, text = self.peek()
            if sort != "name":
                self.refuse("behind a `.` stands a name of letters, digits and `_`, or `*`")
            self.at += 1
            return Literal(text)
        self.at += 1
        star = self.take("*")
        found = None if star else self.part(depth + 1)
        if not self.take("]"):
            self.refuse("a `[` is not closed")
        return found


class Evaluation:
    """Evaluates one expression once, and keeps what each part of it was."""

    def __init__(self, parser: Parser):
        self.parser, self.scope = parser, parser.scope
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


def check(text: str, scope: Scope, file: str, line: int) -> None:
    """Raise `Refused` where `text` is no expression; its scope's values need not be known yet."""
    Parser(text, scope, file, line).whole()


def evaluate(text: str, scope: Scope, file: str, line: int) -> Value:
    """Return the value of the expression `text`; raise `Refused`."""
    return explain(text, scope, file, line)[0]


def explain(text: str, scope: Scope, file: str, line: int) -> tuple[Value, str]:
    """Return the value of an expression, and the expression with values in place of names.

    `and(succeeded(), eq(variables['x'], 'a'))` becomes, say, `and(True, eq('b', 'a'))`.
    """
    parser = Parser(text, scope, file, line)
    node = parser.whole()
    evaluation = Evaluation(parser)
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


MACRO = re.compile(r"\$\(([^()\s][^()]*)\)")


def expand_macros(text: str, variables: Mapping[str, str], file: str, line: int) -> str:
    """Return `text` with variables in place of `$(name)`; one that is unknown stays as it is.

    What is put in is not looked at again; `resolve` has done that to the variables.
    """
    known = {name.lower(): value for name, value in variables.items()}
    parts: list[str] = []
    length = last = 0
    for macro in MACRO.finditer(text):
        value = known.get(macro[1].strip().lower(), macro[0])
        parts += [text[last : macro.start()], value]
        last = macro.end()
        length += len(value)
        if length > MAX_TEXT:
            break
    return _bounded("".join([*parts, text[last:]]), file, line)


def resolve(variables: Mapping[str, str], file: str, line: int) -> dict[str, str]:
    """Return `variables` with the macros in their values expanded; those in a circle stay."""
    known = {name.lower(): value for name, value in variables.items()}
    done: dict[str, str] = {}

    def value(name: str, above: frozenset[str]) -> str:
        if name not in done:
            names = {one[1].strip().lower() for one in MACRO.finditer(known[name])}
            inner = above | {name}
            usable = sorted(one for one in names if one in known and one not in inner)
            if len(inner) > MAX_DEPTH:
                raise Refused(file, line, f"variables refer to another over {MAX_DEPTH} times")
            found = {one: value(one, inner) for one in usable}
            done[name] = expand_macros(known[name], found, file, line)
        return done[name]

    return {name: value(name.lower(), frozenset()) for name in variables}


def _bounded(text: str, file: str, line: int) -> str:
    try:
        return bounded(text)
    except Wrong as error:
        raise Refused(file, line, f"{error}") from None
