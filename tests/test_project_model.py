"""The row of the model: what it has learnt counts, and not only how its files look."""

import hashlib
import json

import pytest
import torch
from course import COURSE
from safetensors.torch import load, save

from grader.checks.run import run
from grader.checks.student import Host, Student
from grader.grading.project import Held
from grader.submissions.repository import Repository
from lmcourse.checks.project.bundle import FOLDER, LOSS, PATHS
from lmops import bundle
from lmops.gate import SHIPPED, read_objective


def files(*, learnt: bool) -> dict[str, bytes]:
    found = {path: (bundle.SHIPPED / path.removeprefix("model/")).read_bytes() for path in PATHS}
    if not learnt:
        name = "model.safetensors"
        weights = load(found[f"{FOLDER}/{name}"])
        content = save({key: torch.zeros_like(value) for key, value in weights.items()})
        manifest = json.loads(found[f"{FOLDER}/manifest.json"])
        sha256 = hashlib.sha256(content).hexdigest()
        manifest["files"][name] = {"sha256": sha256, "bytes": len(content)}
        found |= {f"{FOLDER}/{name}": content}
        found |= {f"{FOLDER}/manifest.json": json.dumps(manifest).encode()}
    return found


@pytest.mark.parametrize("learnt", [True, False])
def test_a_model_that_has_learnt_nothing_is_worth_half(learnt: bool) -> None:
    row = COURSE.exercises("project")["bundle"]
    held = Student(Held(Repository(files(learnt=learnt), {}, "")).send)
    outcome = run(row, held, Student(Host({}, {}).send), seed=3, hidden=True)
    wrong = [case.name for case in outcome.cases if not case.passed]
    assert wrong == ([] if learnt else ["what it has learnt"])
    assert outcome.share == (1 if learnt else 0.5)


def test_the_judge_asks_for_what_the_gate_asks_for() -> None:
    assert read_objective(SHIPPED)["loss"] == {"at_most": LOSS}
