"""What a workflow may do, and whether that is the least it needs.

Source: GitHub's pages "Workflow syntax" (`permissions`), "OpenID Connect" and "Secure use".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lmcourse.pipelines.expressions.azure import pieces
from lmcourse.pipelines.expressions.github import CONTEXTS, parse, parts_of
from lmcourse.pipelines.github.workflow import (
    EVERYTHING,
    SCOPES,
    Workflow,
    WorkflowJob,
    WorkflowStep,
)

LOGINS = (
    "azure/login",
    "aws-actions/configure-aws-credentials",
    "google-github-actions/auth",
    "hashicorp/vault-action",
    "pypa/gh-action-pypi-publish",
)
"""Actions that log in with a token of OpenID Connect."""
PASSWORDS = frozenset({
    "creds", "client-secret", "aws-secret-access-key", "credentials_json", "token", "password",
})  # fmt: skip
"""Inputs by which they log in with a password instead."""
SIGNS = ("actions/attest", "actions/attest-build-provenance", "actions/deploy-pages")
"""Other actions that need such a token."""
FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
WORST: Mapping[str, str] = {one: it for one, it in EVERYTHING.items() if one != "id-token"}
"""What the token may do where nobody says: a repository's settings decide, and this is the most."""
STRANGERS = re.compile(
    r"github\.(head_ref|event\.(.*\.)?(title|body|message|label|ref|name|email|default_branch))"
)
"""What a stranger writes: it must not stand in a script, where it would be run."""


@dataclass(frozen=True)
class Finding:
    """Something that should not be so: where, and a sentence."""

    file: str
    line: int
    sentence: str


def rights(workflow: Workflow, job: WorkflowJob) -> Mapping[str, str]:
    """Return what the token of `job` may read and write; what is not named, it may not.

    A job's `permissions` replace the workflow's; where neither is there, the worst is taken.
    """
    if job.permissions is not None:
        return job.permissions
    return WORST if workflow.permissions is None else workflow.permissions


def action(step: WorkflowStep) -> str:
    """Return a step's action without its version, in lower case; empty for a script."""
    return step.uses.partition("@")[0].lower()


def logs_in(job: WorkflowJob) -> bool:
    """Whether a step of `job` needs a token of OpenID Connect."""
    return any(
        (action(step) in LOGINS and not PASSWORDS & set(step.inputs)) or action(step) in SIGNS
        for step in job.steps
    )


def loose(workflow: Workflow) -> Iterator[Finding]:
    """Yield each right that is more than least: undeclared, for all jobs at once, or unneeded."""
    for job in workflow.jobs:
        had = rights(workflow, job)
        line = job.permissions_line or workflow.permissions_line or job.line
        if had is WORST:
            sentence = f"nobody says what {job.name} may do, so that it may write everything; add "
            yield Finding(job.file, job.line, sentence + "`permissions: {}` at the top")
            continue
        if set(had) >= set(SCOPES) - {"id-token"}:
            sentence = f"{job.name} may read or write everything; name what it needs"
            yield Finding(job.file, line, sentence)
            continue
        if had.get("id-token") and not logs_in(job):
            sentence = f"{job.name} may have a token (`id-token: write`) and logs in nowhere"
            yield Finding(job.file, line, sentence)
        if logs_in(job) and not had.get("id-token"):
            sentence = f"{job.name} logs in without a password and lacks `id-token: write`"
            yield Finding(job.file, line, sentence)
    writing = {scope for scope, right in (workflow.permissions or {}).items() if right == "write"}
    if writing and len(workflow.jobs) > 1:
        names = ", ".join(sorted(writing))
        sentence = f"every job may write ({names}); say so in the one job that has to"
        yield Finding(workflow.file, workflow.permissions_line, sentence)


def unpinned(workflow: Workflow) -> Iterator[Finding]:
    """Yield each action that is not pinned to the full hash of a commit."""
    for job in workflow.jobs:
        for step in job.steps:
            if not step.uses or step.uses.startswith("./"):
                continue
            version = step.uses.rpartition("@")[2].removeprefix("sha256:")
            if not FULL_HASH.fullmatch(version):
                sentence = (
                    f"`{step.uses}` can be changed by whoever owns it: "
                    f"pin it to a commit's full hash, with the version in a comment behind it"
                )
                yield Finding(step.file, step.line, sentence)


def injected(workflow: Workflow) -> Iterator[Finding]:
    """Yield each script into which a stranger can write: a pull request's title, say."""
    for job in workflow.jobs:
        for step in job.steps:
            for is_expression, piece in pieces(step.run, step.file, step.line):
                if is_expression and STRANGERS.fullmatch(piece.replace(" ", "").lower()):
                    sentence = (
                        f"`${{{{ {piece} }}}}` puts a stranger's text into a script, which runs "
                        f'it; put it into `env` and write "$NAME"'
                    )
                    yield Finding(step.file, step.line, sentence)


def passwords(workflow: Workflow) -> Iterator[Finding]:
    """Yield each login with a password that is kept as a secret, where OpenID Connect would do."""
    for job in workflow.jobs:
        for step in job.steps:
            kept = sorted(PASSWORDS & set(step.inputs)) if action(step) in LOGINS else []
            if kept:
                sentence = (
                    f"`{action(step)}` logs in with a password (`{kept[0]}`) that can be stolen; "
                    f"with `id-token: write` it needs none"
                )
                yield Finding(step.file, step.line, sentence)


def secrets(step: WorkflowStep) -> frozenset[str]:
    """Return the names of the secrets that `step` asks for."""
    found = set()
    for text in (step.run, *step.env.values(), *step.inputs.values()):
        for is_expression, piece in pieces(text, step.file, step.line):
            if is_expression:
                for part in parts_of(parse(piece, CONTEXTS, False, (step.file, step.line))):
                    if part.sort == "index" and part.parts[0].value == "secrets":
                        found.add(str(part.parts[1].value))
    return frozenset(found)
