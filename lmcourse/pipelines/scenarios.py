"""A situation that a pipeline is simulated in, also as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from lmcourse.pipelines.fields import (
    boolean,
    closest,
    needed,
    number,
    pairs,
    refuse,
    table,
    text,
    texts,
)
from lmcourse.pipelines.runs import Answer, Approval, Reason, Start
from lmcourse.pipelines.source import Listing, Node, Scalar, Table, called, parse, short

_START = (
    "reason",
    "branch",
    "target",
    "by",
    "variables",
    "secrets",
    "paths",
    "tag",
    "draft",
    "pipeline",
    "commit",
    "number",
    "changed",
)
_KEYS = ("name", *_START, "outcomes", "outputs", "minutes", "approvals", "cancel")


@dataclass(frozen=True)
class Scenario:
    """A situation.

    `outcomes`: words from a command's beginning -> its exit status, or one for each time it is
    called (the last one holds on). The longest that fits counts; `python -m` in front of a command
    does not. A command that none fits succeeds. `outputs`: the same words -> lines that the command
    writes, logging commands `##vso[...]` mostly. `minutes`: the same words -> how long it takes.
    `approvals`: environments that need one -> what comes; an environment that is not named needs
    none. `cancel`: the words of the command during which a person cancels the run. A task can stand
    in place of a command's words, by its name such as "Cache@2".
    """

    start: Start = field(default_factory=Start)
    outcomes: Mapping[str, int | Sequence[int]] = field(default_factory=dict)
    outputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    minutes: Mapping[str, float] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    cancel: str = ""
    name: str = ""


def read_scenario(written: str, file: str) -> Scenario:
    """Return the scenario that a file describes; its keys are `Scenario`'s and `Start`'s.

    Raises `Refused`.

        reason: PullRequest
        branch: idea
        outcomes: {lmops gate: 1, make smoke: [0, 1]}
        approvals: {production: {answer: given, by: grace}}
    """
    root = parse(written, file)
    found = table(root, "a scenario", _KEYS)
    paths = texts(found["paths"], "paths") if "paths" in found else None
    usual = Start()
    start = Start(
        reason=_reason(found.get("reason"), usual.reason),
        branch=text(found.get("branch"), "branch", usual.branch),
        target=text(found.get("target"), "target", usual.target),
        by=text(found.get("by"), "by", usual.by),
        variables=pairs(found.get("variables"), "variables"),
        secrets=frozenset(texts(found.get("secrets"), "secrets")),
        paths=paths,
        tag=text(found.get("tag"), "tag"),
        draft=boolean(found.get("draft"), "draft", "false") == "true",
        pipeline=text(found.get("pipeline"), "pipeline"),
        commit=text(found.get("commit"), "commit", usual.commit),
        number=int(number(found.get("number"), "number", "1", 10**8)),
        changed=boolean(found.get("changed"), "changed", "true") == "true",
    )
    return Scenario(
        start=start,
        outcomes={key.text: _statuses(one) for key, one in _items(found.get("outcomes"))},
        outputs={key.text: texts(one, "outputs") for key, one in _items(found.get("outputs"))},
        minutes={
            key.text: float(number(one, "minutes", "0", 10**6))
            for key, one in _items(found.get("minutes"))
        },
        approvals={key.text: _approval(one) for key, one in _items(found.get("approvals"))},
        cancel=text(found.get("cancel"), "cancel"),
        name=text(found.get("name"), "name"),
    )


def _items(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    if node is None:
        return ()
    if not isinstance(node, Table):
        raise refuse(node, f"this has to be a mapping, `words: value`, and this is {called(node)}")
    return node.items


def _reason(node: Node | None, default: Reason) -> Reason:
    written = text(node, "reason", default)
    for one in get_args(Reason):
        if one.lower() == written.lower():
            found: Reason = one
            return found
    assert node is not None
    sentence = f"a run's reason is not `{short(written)}`{closest(written, get_args(Reason))}"
    raise refuse(node, sentence)


def _statuses(node: Node) -> int | tuple[int, ...]:
    if isinstance(node, Listing):
        return tuple(int(number(one, "an exit status", "0", 255)) for one in node.items)
    return int(number(node, "an exit status", "0", 255))


def _approval(node: Node) -> Approval:
    if isinstance(node, Scalar):
        return Approval(_answer(node))
    found = table(node, "an approval", ("answer", "by"))
    if "answer" not in found:
        raise refuse(node, "an approval needs `answer`")
    return Approval(_answer(found["answer"]), text(found.get("by"), "by"))


def _answer(node: Node) -> Answer:
    written = needed(node, "answer", node)
    for one in get_args(Answer):
        if one == written.lower():
            found: Answer = one
            return found
    known = get_args(Answer)
    raise refuse(node, f"an approval's answer is not `{short(written)}`{closest(written, known)}")


def good_day() -> Scenario:
    """Return a push to main on which each command succeeds and a colleague approves."""
    return Scenario(
        start=Start("IndividualCI", branch="main", by="ada"),
        approvals={"production": Approval("given", "bob")},
        name="a good day on main",
    )
