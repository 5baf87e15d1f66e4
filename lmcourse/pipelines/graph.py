"""What waits for what: stages of a pipeline, jobs of a stage. No one twice, and no circle."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.fields import closest
from lmcourse.pipelines.source import short


class Waits(Protocol):
    """A stage or a job."""

    @property
    def name(self) -> str:
        """By which others wait for it."""
        ...

    @property
    def file(self) -> str:
        """Where it stands."""
        ...

    @property
    def line(self) -> int:
        """Where it stands in the file."""
        ...

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The names of those it waits for."""
        ...


MOST = 200
"""Stages of a pipeline, or jobs of a stage."""


def check(nodes: Sequence[Waits], what: str) -> None:
    """Refuse a name that is there twice, a dependency that is not there, and a circle."""
    seen: dict[str, Waits] = {}
    if len(nodes) > MOST:
        raise Refused(nodes[0].file, nodes[0].line, f"there are more than {MOST} {what}s")
    for node in nodes:
        low = node.name.lower()
        if low in seen:
            sentence = f"two {what}s are named {node.name}: see line {seen[low].line}"
            raise Refused(node.file, node.line, sentence)
        seen[low] = node
    for node in nodes:
        for other in node.depends_on:
            if other.lower() not in seen:
                near = closest(other, [one.name for one in nodes if one is not node])
                sentence = f"{node.name} depends on `{short(other)}`, and there is no such {what}"
                raise Refused(node.file, node.line, sentence + near)
    order = ordered(nodes)
    stuck = [node for node in nodes if node.name.lower() not in order]
    if stuck:
        names = " -> ".join(_circle(stuck[0], seen, order))
        raise Refused(stuck[0].file, stuck[0].line, f"{what}s wait for each other: {names}")


def ordered(nodes: Sequence[Waits]) -> dict[str, frozenset[str]]:
    """Return names, in lower case, in an order in which they can run, with all they wait for.

    The first of the file goes first; those in a circle are left out.
    """
    done: dict[str, frozenset[str]] = {}
    left = list(nodes)
    while left:
        ready = next((n for n in left if all(one.lower() in done for one in n.depends_on)), None)
        if ready is None:
            break
        direct = {one.lower() for one in ready.depends_on}
        done[ready.name.lower()] = frozenset(direct.union(*(done[one] for one in direct)))
        left.remove(ready)
    return done


def _circle(start: Waits, nodes: Mapping[str, Waits], fine: Mapping[str, object]) -> list[str]:
    path: list[str] = []
    node = start
    while node.name not in path:
        path.append(node.name)
        node = nodes[next(one.lower() for one in node.depends_on if one.lower() not in fine)]
    return [*path[path.index(node.name) :], node.name]
