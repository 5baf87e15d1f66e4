"""What a GitHub workflow's expressions may ask for before any job starts.

Source: GitHub's page "Contexts reference".
"""

from lmcourse.pipelines.expressions.github_values import Json
from lmcourse.pipelines.github.events import DEFAULT_BRANCH, NAMES
from lmcourse.pipelines.github.workflow import Workflow
from lmcourse.pipelines.runs import Start


def contexts(workflow: Workflow, start: Start, repository: str) -> dict[str, Json]:
    """Return the contexts github, vars, inputs and secrets.

    Those of a start's variables that are secret are `secrets`, the others `vars`, and inputs where
    they are asked for. What ended before a `workflow_run` succeeded, unless the start's variable
    "workflow_run.conclusion" says otherwise.
    """
    name = NAMES[start.reason]
    inputs = given_inputs(workflow, start) if name == "workflow_dispatch" else {}
    proposed = start.reason == "PullRequest"
    asked = {"push", "pull_request", "workflow_dispatch"}
    ref = start.ref if name in asked else f"refs/heads/{start.branch}"
    kind, _, short = ref.removeprefix("refs/").partition("/")
    github: dict[str, Json] = {
        "actor": start.by,
        "triggering_actor": start.by,
        "base_ref": start.target if proposed else "",
        "head_ref": start.branch if proposed else "",
        "event": event(workflow, start) | ({"inputs": inputs} if inputs else {}),
        "event_name": name,
        "ref": ref,
        "ref_name": short,
        "ref_type": "tag" if kind == "tags" else "branch",
        "repository": repository,
        "repository_owner": repository.partition("/")[0],
        "run_id": str(start.number),
        "run_number": str(start.number),
        "run_attempt": "1",
        "server_url": "https://github.com",
        "sha": start.commit,
        "token": "***",
        "workflow": workflow.name,
        "workspace": "/home/runner/work",
    }
    public: dict[str, Json] = {}
    hidden: dict[str, Json] = {"GITHUB_TOKEN": "***"}
    for variable, value in start.variables.items():
        (hidden if variable in start.secrets else public)[variable] = value
    return {"github": github, "vars": public, "inputs": inputs, "secrets": hidden}


def event(workflow: Workflow, start: Start) -> dict[str, Json]:
    """Return `github.event`, as far as workflows ask for it."""
    found: dict[str, Json] = {"repository": {"default_branch": DEFAULT_BRANCH}}
    if start.reason == "PullRequest":
        found["number"] = float(start.number)
        found["pull_request"] = {
            "number": float(start.number),
            "draft": start.draft,
            "head": {"ref": start.branch, "sha": start.commit},
            "base": {"ref": start.target},
            "user": {"login": start.by},
        }
    if start.reason == "ResourceTrigger":
        found["workflow_run"] = {
            "name": start.pipeline,
            "conclusion": start.variables.get("workflow_run.conclusion", "success"),
            "head_branch": start.branch,
            "head_sha": start.commit,
        }
    if start.reason == "Schedule":
        scheduled = workflow.event("schedule")
        found["schedule"] = scheduled.crons[0] if scheduled and scheduled.crons else ""
    return found


def given_inputs(workflow: Workflow, start: Start) -> dict[str, Json]:
    """Return what the person gave who started the workflow by hand, or else the defaults."""
    asked = workflow.event("workflow_dispatch")
    found: dict[str, Json] = {}
    for one in asked.inputs if asked else ():
        value = start.variables.get(one.name, one.default)
        found[one.name] = value == "true" if one.kind == "boolean" else value
    return found
