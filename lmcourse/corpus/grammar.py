"""A small probabilistic grammar: one tree, and the questions it can answer exactly.

A grammar is a tree of six kinds of node. `sample` walks it to make a text; `log_prob` walks it
along a given text; `expected` walks it once and adds up entropy and length in closed form;
`forget` makes the same grammar without long memory. The words live elsewhere.

Entropy is meant in the sense of Shannon (1948), "A Mathematical Theory of Communication".
"""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import NamedTuple


@dataclass(frozen=True, eq=False)
class Seq:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several options, each with an integer weight (all 1 when none are given)."""

    options: tuple[Node, ...]
    weights: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.weights) not in (0, len(self.options)) or min(self.weights, default=1) < 1:
            raise ValueError("A Choice takes one positive weight for each option, or none at all.")

    @cached_property
    def cumulative(self) -> tuple[int, ...]:
        """The weights, added up from the left."""
        return tuple(accumulate(self.weights or (1,) * len(self.options)))

    @cached_property
    def log_probs(self) -> tuple[float, ...]:
        """The natural logarithm of each option's probability."""
        weights = self.weights or (1,) * len(self.options)
        return tuple(math.log(weight / sum(weights)) for weight in weights)


@dataclass(frozen=True, eq=False)
class Let:
    """Draw one of `values`, all equally likely, call it `name`, and go on with `body`.

    Nothing is written: a `Recall` or a `Case` inside the body uses the value. Outside the body
    the name means nothing.
    """

    name: str
    values: tuple[str, ...]
    body: Node


@dataclass(frozen=True, eq=False)
class Recall:
    """Write the value of a variable, or what `form` says for it (an article, a moral)."""

    name: str
    form: Mapping[str, str] | None = None

    def text(self, value: str) -> str:
        """Return what is written for `value`."""
        return value if self.form is None else self.form[value]


@dataclass(frozen=True, eq=False)
class Case:
    """Go on with the branch that belongs to the value of a variable."""

    name: str
    branches: Mapping[str, Node]


Node = str | Seq | Choice | Let | Recall | Case


# ------------------------------------------------------------------------------------ writing


def template(source: str, parts: Mapping[str, Node]) -> Node:
    """Read a sentence with `[one|or|other]` choices and `{named}` parts into a tree.

    Choices may hold parts and further choices; each option is equally likely.

    Raises
    ------
    ValueError
        If a name is not among `parts`, or a bracket is left open or never opened.
    """
    tokens = re.findall(r"\{[^}]*\}|[\[\]|]|[^\[\]|{]+", source)
    stack: list[list[list[Node]]] = [[[]]]  # open choices > their options > the parts of each
    for token in tokens:
        if token == "[":
            stack.append([[]])
        elif token == "|" and len(stack) > 1:
            stack[-1].append([])
        elif token == "]" and len(stack) > 1:
            options = stack.pop()
            stack[-1][-1].append(Choice(tuple(map(_seq, options))))
        elif token in "[]|":
            raise ValueError(f"{token!r} outside of [brackets] in {source!r}")
        elif token[0] == "{":
            if token[1:-1] not in parts:
                raise ValueError(f"no part is called {token} in {source!r}")
            stack[-1][-1].append(parts[token[1:-1]])
        else:
            stack[-1][-1].append(token)
    if len(stack) > 1:
        raise ValueError(f"'[' without its ']' in {source!r}")
    return _seq(stack[0][0])


def _seq(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Seq(tuple(parts))


# ----------------------------------------------------------------------------------- sampling


def sample(node: Node, rng: Random) -> str:
    """Make one text.

    Uses nothing of `rng` but `random()`, the one method whose sequence Python promises never to
    change for a given seed.
    """
    out: list[str] = []
    _sample(node, rng, {}, out)
    return "".join(out)


def _sample(node: Node, rng: Random, values: dict[str, str], out: list[str]) -> None:
    match node:
        case str():
            out.append(node)
        case Seq(parts):
            for part in parts:
                _sample(part, rng, values, out)
        case Choice(options):
            pick = bisect(node.cumulative, int(rng.random() * node.cumulative[-1]))
            _sample(options[pick], rng, values, out)
        case Recall(name):
            out.append(node.text(values[name]))
        case Let(name, candidates, body):
            value = candidates[int(rng.random() * len(candidates))]
            _sample(body, rng, {**values, name: value}, out)
        case Case(name, branches):
            _sample(branches[values[name]], rng, values, out)


# -------------------------------------------------------------------------------- probability

# A place in a half-read text: characters read so far, and the variables known by now. A
# variable becomes known where the text first shows it, not where it is drawn: before that,
# every value would have to be tried.
_Known = tuple[tuple[str, str], ...]
_States = dict[tuple[int, _Known], float]
_Scope = Mapping[str, tuple[str, ...]]


def log_prob(node: Node, text: str) -> float:
    """Return the natural logarithm of the probability that the grammar makes exactly `text`.

    Sums over all derivations of the text; `-inf` if there is none. Derivations that have read
    equally far and know the same are merged, so the work grows with the text, not with the
    number of derivations.
    """
    return _read(node, text, 0, (), {}).get((len(text), ()), -math.inf)


def _read(node: Node, text: str, start: int, known: _Known, scope: _Scope) -> _States:
    """Return every state that `node` can lead to from one state, with its log probability."""
    states: _States = {}
    match node:
        case str():
            if text.startswith(node, start):
                states[start + len(node), known] = 0.0
        case Choice(options):
            for option, log_p in zip(options, node.log_probs, strict=True):
                if isinstance(option, str) and not text.startswith(option, start):
                    continue
                _merge(states, _read(option, text, start, known, scope), log_p)
        case Seq(parts):
            states[start, known] = 0.0
            for part in parts:
                after: _States = {}
                for (position, values), log_p in states.items():
                    _merge(after, _read(part, text, position, values, scope), log_p)
                states = after
                if not states:
                    break
        case Recall(name):
            for value, values, log_p in _candidates(name, known, scope):
                written = node.text(value)
                if text.startswith(written, start):
                    states[start + len(written), values] = log_p
        case Case(name, branches):
            for value, values, log_p in _candidates(name, known, scope):
                _merge(states, _read(branches[value], text, start, values, scope), log_p)
        case Let(name, candidates, body):
            hidden = tuple(pair for pair in known if pair[0] == name)
            known = tuple(pair for pair in known if pair[0] != name)
            inner = _read(body, text, start, known, {**scope, name: candidates})
            for (position, values), log_p in inner.items():
                kept = tuple(pair for pair in values if pair[0] != name) + hidden
                _merge(states, {(position, kept): log_p}, 0.0)
    return states


def _candidates(name: str, known: _Known, scope: _Scope) -> list[tuple[str, _Known, float]]:
    for other, value in known:
        if other == name:
            return [(value, known, 0.0)]
    values = scope[name]
    log_p = -math.log(len(values))
    return [(value, (*known, (name, value)), log_p) for value in values]


def _merge(states: _States, more: _States, log_p: float) -> None:
    """Add the states of `more`, each made less likely by `log_p`, to `states` in place."""
    for state, log_q in more.items():
        new = log_p + log_q
        if state in states:
            low, high = sorted((states[state], new))
            new = high + math.log1p(math.exp(low - high))
        states[state] = new


# ------------------------------------------------------------------------------- expectations


class Expected(NamedTuple):
    """What a text of a grammar amounts to on average."""

    nats: float  # entropy
    chars: float  # length


def expected(node: Node) -> Expected:
    """Return the exact entropy and mean length of a text, without sampling.

    Both are sums over the tree: a `Choice` adds its own entropy to the mean of its options', a
    `Let` adds that of its draw, a `Recall` adds only letters. This is exact because nothing but
    a `Case` depends on a variable, and there the branches are weighted by the variable's
    distribution. The sum is the entropy of the derivation, hence that of the text if no text
    has two derivations; an ambiguous grammar has less.
    """
    return _expected(node, {})


def _expected(node: Node, scope: _Scope) -> Expected:
    match node:
        case str():
            return Expected(0.0, len(node))
        case Seq(parts):
            sums = [_expected(part, scope) for part in parts]
            return Expected(sum(s.nats for s in sums), sum(s.chars for s in sums))
        case Choice(options):
            nats = chars = 0.0
            for option, log_p in zip(options, node.log_probs, strict=True):
                inner = _expected(option, scope)
                nats += math.exp(log_p) * (inner.nats - log_p)
                chars += math.exp(log_p) * inner.chars
            return Expected(nats, chars)
        case Recall(name):
            lengths = [len(node.text(value)) for value in scope[name]]
            return Expected(0.0, sum(lengths) / len(lengths))
        case Let(name, values, body):
            inner = _expected(body, {**scope, name: values})
            return Expected(inner.nats + math.log(len(values)), inner.chars)
        case Case(name, branches):
            sums = [_expected(branches[v], {**scope, name: (v,)}) for v in scope[name]]
            return Expected(
                sum(s.nats for s in sums) / len(sums), sum(s.chars for s in sums) / len(sums)
            )


# ----------------------------------------------------------------------------------- no memory

_Distance = dict[str, int]


def forget(node: Node, window: int) -> Node:
    """Return the same grammar with every distant recall drawn afresh.

    A recall is distant if, in every text of the grammar, its variable was shown before and the
    last `window` characters in front of the recall show nothing of it. Such a recall is replaced
    by a new draw from the variable's distribution; one that is only sometimes distant is kept.
    (Kept recalls go on showing the first draw. A copy of the newest one would cost as little.)
    """
    return _forget(node, window, {}, {})[0]


def _forget(node: Node, window: int, scope: _Scope, since: _Distance) -> tuple[Node, _Distance]:
    """Rewrite `node`; `since` holds, per variable already shown, the fewest characters since."""
    match node:
        case str():
            return node, _add(since, len(node))
        case Seq(parts):
            new_parts = []
            for part in parts:
                new, since = _forget(part, window, scope, since)
                new_parts.append(new)
            return Seq(tuple(new_parts)), since
        case Choice(options, weights):
            # Of the plain words only the shortest matters: there may be a hundred.
            lengths = [len(option) for option in options if isinstance(option, str)]
            paths = [_add(since, min(lengths))] if lengths else []
            news: list[Node] = []
            for option in options:
                if not isinstance(option, str):
                    option, after = _forget(option, window, scope, since)
                    paths.append(after)
                news.append(option)
            return Choice(tuple(news), weights), _least(paths)
        case Recall(name):
            texts = [node.text(value) for value in scope[name]]
            distant = since.get(name, -1) >= window
            after = {**_add(since, min(map(len, texts))), name: 0}
            if not distant:
                return node, after
            distinct = tuple(dict.fromkeys(texts))
            return Choice(distinct, tuple(map(texts.count, distinct))), after
        case Let(name, values, body):
            outside = {other: d for other, d in since.items() if other != name}
            new, after = _forget(body, window, {**scope, name: values}, outside)
            after.pop(name, None)
            return Let(name, values, new), after
        case Case(name, branches):
            pairs = [
                _forget(branches[v], window, {**scope, name: (v,)}, {**since, name: 0})
                for v in scope[name]
            ]
            branch_trees = dict(zip(scope[name], (new for new, _ in pairs), strict=True))
            return Case(name, branch_trees), {**_least([s for _, s in pairs]), name: 0}


def _add(since: _Distance, chars: int) -> _Distance:
    return {name: distance + chars for name, distance in since.items()}


def _least(paths: list[_Distance]) -> _Distance:
    """Return the least distances over several paths, for the variables shown on all of them."""
    shared = set.intersection(*(set(path) for path in paths))
    return {name: min(path[name] for path in paths) for name in shared}
