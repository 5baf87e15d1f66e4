"""What lesson 11's functions write is what the platform reads, and the other way round."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from course import COURSE

from grader.author.execute import solved_namespace
from lmops import bundle
from lmops.ledger import Ledger

SHIPPED = Path(bundle.lmcourse.__file__ or "").parent / "small_model"


@pytest.fixture(scope="module")
def solved() -> dict[str, Any]:
    return solved_namespace(COURSE.lesson("11_package_and_register"))


def test_a_bundle_that_a_student_wrote_is_sound_and_answers_alike(
    solved: dict[str, Any], tmp_path: Path
) -> None:
    shipped = bundle.load(SHIPPED)
    model = shipped.model()
    facts = shipped.config, shipped.characters, shipped.metrics, shipped.source, "# A card\n"
    version = solved["write_bundle"](tmp_path / "mine", model.state_dict(), *facts)
    read = bundle.load(tmp_path / "mine")
    assert read.version == version
    ids = torch.tensor([shipped.encode("One war ago, a penguin")])
    with torch.no_grad():
        assert torch.equal(read.model()(ids), model(ids))


def test_the_platforms_bundle_is_sound_to_the_student(solved: dict[str, Any]) -> None:
    version = bundle.load(SHIPPED).version
    assert solved["verify_bundle"](SHIPPED, version) == []
    files = {name: (SHIPPED / name).read_bytes() for name in bundle.FILES}
    assert solved["content_version"](files) == version


def test_a_ledger_that_a_student_wrote_is_sound_to_the_platform(
    solved: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    for event in ("registered", "gated", "approved"):
        last = solved["append"](path, event, "a41f", "ada", "2026-03-02T11:00", note="é\n")
    (tmp_path / "ledger.head").write_text(f"{last['number']} {last['hash']}\n")
    assert Ledger(path).verify() == []
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace("ada", "eve"), lines[2]]) + "\n")
    assert [problem.split(":")[0] for problem in Ledger(path).verify()] == ["line 2"]
    assert solved["verify_chain"](path) == 2


def test_the_platforms_ledger_is_sound_to_the_student(
    solved: dict[str, Any], tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for event in ("registered", "gated", "approved"):
        entry = ledger.append(event, "a41f", "ada", passed=True)
    assert solved["verify_chain"](ledger.path, entry.hash) == 0
    assert solved["verify_chain"](ledger.path, "0" * 64) == 4
    entries = [json.loads(line) for line in ledger.path.read_text().splitlines()]
    with pytest.raises(PermissionError, match="not approved"):
        solved["promote"](entries, "a41f", "ben")
