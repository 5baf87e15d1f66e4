"""Variables: as they are written, and what they are while a pipeline runs."""

from collections.abc import Mapping, Sequence

from lmcourse.pipelines.errors import Refused
from lmcourse.pipelines.expressions.azure import Scope, evaluate, runtime
from lmcourse.pipelines.expressions.values import kind, to_text
from lmcourse.pipelines.fields import boolean, listing, needed, refuse, table, text
from lmcourse.pipelines.model import Variable
from lmcourse.pipelines.runs import Start
from lmcourse.pipelines.source import Node, Scalar, Table, short

MOST = 200
"""Variables in one place."""
LONGEST = 20_000
"""Characters of a variable's value."""

_ELSEWHERE = {"group": "there are no variable groups: a secret is given when the run is queued"}


def read_variables(node: Node | None) -> tuple[Variable, ...]:
    """Return the variables of a mapping, or of a list of `name` and `value`."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return ()
    read = []
    if isinstance(node, Table):
        for key, value in node.items:
            found = text(value, f"the variable {short(key.text)}")
            read.append(Variable(key.text, found, value.file, value.line))
    else:
        for item in listing(node, "variables"):
            known = ("name", "value", "readonly")
            entry = table(item, "a variable", known, _ELSEWHERE)
            name = needed(entry.get("name"), "the variable's `name`", item)
            if "value" not in entry:
                raise refuse(item, f"the variable {short(name)} has no `value`")
            value = entry["value"]
            found = text(value, f"the variable {short(name)}")
            readonly = boolean(entry.get("readonly"), "readonly", "false") == "true"
            read.append(Variable(name, found, value.file, value.line, readonly))
    if len(read) > MOST:
        raise refuse(node, f"there are more than {MOST} variables in one place")
    for one in read:
        runtime(one.value, one.file, one.line)
        if len(one.value) > LONGEST:
            sentence = f"the variable {short(one.name)} has more than {LONGEST} characters"
            raise Refused(one.file, one.line, sentence)
        if not one.name.strip() or len(one.name) > 200:
            raise Refused(one.file, one.line, "a variable's name is from 1 to 200 characters long")
    return tuple(read)


def predefined(start: Start, name: str) -> dict[str, str]:
    """Return the variables that each run has; those given with `start` go before them."""
    given = {
        "Agent.OS": "Linux",
        "Agent.TempDirectory": "/agent/_temp",
        "Build.ArtifactStagingDirectory": "/agent/1/a",
        "Build.BuildId": str(start.number),
        "Build.BuildNumber": str(start.number),
        "Build.DefinitionName": name,
        "Build.Reason": start.reason,
        "Build.Repository.Name": "project",
        "Build.RequestedFor": start.by,
        "Build.SourceBranch": start.ref,
        "Build.SourceBranchName": start.ref.rpartition("/")[2],
        "Build.SourcesDirectory": "/agent/1/s",
        "Build.SourceVersion": start.commit,
        "Pipeline.Workspace": "/agent/1",
        "System.DefaultWorkingDirectory": "/agent/1/s",
    }
    if start.reason == "PullRequest":
        given |= {
            "System.PullRequest.PullRequestNumber": str(start.number),
            "System.PullRequest.SourceBranch": f"refs/heads/{start.branch}",
            "System.PullRequest.TargetBranch": f"refs/heads/{start.target}",
        }
    return merged(given, start.variables)


def merged(base: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return `base` with `added` put over it; names differ by more than case."""
    low = {name.lower() for name in added}
    return {name: value for name, value in base.items() if name.lower() not in low} | dict(added)


def defined(
    variables: Sequence[Variable], known: Mapping[str, str], scope: Scope
) -> dict[str, str]:
    """Return `known` with `variables` over it, whose runtime expressions are evaluated in `scope`.

    `scope` says all but `variables`: those are the ones that are known when a line's turn comes.
    Macros stay: they are expanded when a step runs, with the variables that hold there.
    """
    found = dict(known)
    for one in variables:
        expression = runtime(one.value, one.file, one.line)
        value = one.value
        if expression is not None:
            seen = Scope({**scope.values, "variables": found}, None, scope.counter)
            result = evaluate(expression, seen, one.file, one.line)
            if kind(result) in {"array", "object"}:
                sentence = f"the variable {short(one.name)} would be an {kind(result)}, not text"
                raise Refused(one.file, one.line, sentence)
            value = to_text(result)
        if len(value) > LONGEST:
            sentence = f"the variable {short(one.name)} grows beyond {LONGEST} characters"
            raise Refused(one.file, one.line, sentence)
        found = merged(found, {one.name: value})
    return found
