"""The int8 model: smaller, hardly worse, and NumPy alone runs it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from course import ROOT
from ops import CONFIG, asked, lmops, tiny_bundle

from lmops import bundle, edge, edge_run, evaluate

BOUND = 0.002  # nats a character that int8 may cost; the objective's own bound is 0.01

ALONE = """
import runpy, sys
sys.modules |= dict.fromkeys(["torch", "lmops", "lmcourse"])  # whoever imports one fails
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> edge.EdgeBundle:
    """Return the course's small model as an edge bundle."""
    return edge.write(tmp_path_factory.mktemp("edge") / "small", bundle.load(bundle.SHIPPED))


@pytest.fixture
def tiny(tmp_path: Path) -> edge.EdgeBundle:
    return edge.write(tmp_path / "edge", tiny_bundle(tmp_path / "full"))


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a bundle's `run.py` where there is no torch, and nothing of this project."""
    command = [sys.executable, "-c", ALONE, str(folder / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


# --- Beside the full model ----------------------------------------------------------------------


@pytest.fixture
def objective(tmp_path: Path) -> Path:
    """Return a file with the bound. How fast a model writes depends on the machine."""
    path = tmp_path / "objective.yaml"
    path.write_text(f"loss_over_champion: {{at_most: {BOUND}}}\n")
    return path


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a measured model write a few characters only, of which these tests ask nothing."""
    monkeypatch.setattr(evaluate, "WRITTEN", 8)


@pytest.mark.usefixtures("brief")
def test_int8_is_a_quarter_of_the_size_and_costs_next_to_nothing(
    tmp_path: Path, objective: Path
) -> None:
    rest = "--objective", objective, "--stories", 20
    answer = asked("quantize", bundle.SHIPPED, "--out", tmp_path / "edge", *rest)
    full, int8 = answer["full"], answer["int8"]
    assert answer["of"] == bundle.load(bundle.SHIPPED).version != answer["version"]
    assert answer["reasons"] == []
    assert int8["bytes"] < 0.3 * full["bytes"]
    assert int8["bytes"] == sum(path.stat().st_size for path in (tmp_path / "edge").iterdir())
    assert abs(int8["loss"] - full["loss"]) < int8["loss_over_champion"] < BOUND
    assert int8["loss"] != full["loss"]  # another model was measured
    assert int8["characters_per_second"] > 0
    page = (ROOT / "deploy/README.md").read_text("utf-8")
    sizes = " | ".join(f"{each['bytes'] / 1e6:.2f} MB" for each in (full, int8))
    assert f"| the bundle, all files | {sizes} |" in page


@pytest.mark.usefixtures("brief")
def test_a_model_that_loses_too_much_may_not_go_on(
    tmp_path: Path, objective: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crude(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Keep 7 of the 255 levels."""
        kept = quantize(weights)
        return {
            name: (one / 42.0).round().mul(42).to(torch.int8) if one.dtype == torch.int8 else one
            for name, one in kept.items()
        }

    quantize = edge.quantize
    monkeypatch.setattr(edge, "quantize", crude)
    rest = "--objective", objective, "--stories", 10, "--json"
    ran = lmops("quantize", bundle.SHIPPED, "--out", tmp_path / "edge", *rest)
    assert ran.exit_code == 1
    assert any(why.startswith("loss_over_champion: ") for why in json.loads(ran.stdout)["reasons"])
    assert "may not go on" in ran.stderr


def test_a_row_is_at_most_half_a_step_away_and_a_row_of_zeros_stays_one() -> None:
    weight = torch.randn(40, 30, generator=torch.Generator().manual_seed(0)) * torch.logspace(
        -6, 6, 40
    ).view(-1, 1)
    weight[7] = 0
    kept = edge.quantize({"w": weight, "bias": weight[0]})
    assert kept["w"].dtype == torch.int8
    assert torch.equal(kept["bias"], weight[0])
    back = kept["w"] * kept["w.scale"]
    assert (back - weight).abs().le(weight.abs().amax(1, keepdim=True) / 253).all()
    assert not back[7].any()


# --- What it runs with --------------------------------------------------------------------------


def test_numpy_computes_what_torch_computes() -> None:
    full = bundle.load(bundle.SHIPPED)
    weights = {name: weight.numpy() for name, weight in full.weights.items()}
    ids = torch.randint(64, (3, 200), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        wanted = full.model()(ids).numpy()
    np.testing.assert_allclose(edge_run.Model(full.config, weights)(ids.numpy()), wanted, atol=1e-4)
    x = torch.linspace(-9, 9, 9001)
    exact = torch.nn.functional.gelu(x.double()).numpy()
    np.testing.assert_allclose(edge_run.gelu(x.numpy()), exact, atol=2e-6)


def test_it_writes_without_torch_and_what_the_same_model_writes_here(
    small: edge.EdgeBundle,
) -> None:
    ran = alone(small.folder, "Once upon", "--characters", "40", "--temperature", "0")
    assert ran.stderr == ""
    weights = {name: weight.numpy() for name, weight in small.weights.items()}
    model = edge_run.Model(small.config, weights)
    ids = list(edge_run.write(model, small.encode("Once upon"), 40, 0, None))
    assert ran.stdout == f"Once upon{small.decode(ids)}\n"


def test_with_a_seed_the_same_comes_again_behind_more_than_a_context(
    tiny: edge.EdgeBundle,
) -> None:
    first, second, other = (
        alone(tiny.folder, "Once", "--characters", "30", "--seed", seed).stdout for seed in "112"
    )
    assert len(first) == 35 > tiny.config["context"]
    assert first == second != other


@pytest.mark.parametrize("text", ["", "Once ☃"])
def test_a_text_that_it_cannot_read_is_wrong_usage(tiny: edge.EdgeBundle, text: str) -> None:
    ran = alone(tiny.folder, text)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "the text must have one character at least, of these: '" in ran.stderr


# --- The bundle ---------------------------------------------------------------------------------


def test_the_same_model_has_the_same_version_again(tiny: edge.EdgeBundle, tmp_path: Path) -> None:
    again = edge.write(tmp_path / "again", bundle.load(tmp_path / "full"))
    assert (again.version, again.of) == (tiny.version, tiny.of)
    other = edge.write(tmp_path / "other", tiny_bundle(tmp_path / "second", seed=1))
    assert other.version != tiny.version


@pytest.mark.parametrize("name", edge_run.FILES)
def test_a_flipped_byte_is_noticed_here_and_where_it_runs(tiny: edge.EdgeBundle, name: str) -> None:
    path = tiny.folder / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1 if name != "run.py" else ord("\n") ^ ord(" ")  # so that it still runs
    path.write_bytes(content)
    with pytest.raises(bundle.BrokenBundle, match="another SHA-256"):
        edge.load(tiny.folder)
    ran = alone(tiny.folder, "Once")
    assert ran.returncode == 1
    assert f"{name} has another SHA-256" in ran.stderr
    assert "Copy it here again" in ran.stderr


def _without(manifest: dict[str, Any]) -> None:
    del manifest["files"]["config.json"]


def _renamed(manifest: dict[str, Any]) -> None:
    manifest["version"] = "0" * 16


def _listed(manifest: dict[str, Any]) -> None:
    manifest["files"] = [*manifest["files"]]


def _of_another_kind(manifest: dict[str, Any]) -> None:
    manifest["format"] = 1


@pytest.mark.parametrize("change", [_without, _renamed, _listed, _of_another_kind])
def test_a_manifest_that_lies_is_noticed(tiny: edge.EdgeBundle, change: Any) -> None:
    path = tiny.folder / bundle.MANIFEST
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(bundle.BrokenBundle):
        edge.load(tiny.folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", json.dumps(CONFIG | {"layers": 2}).encode()),
        ("config.json", b"[]"),
        ("model.safetensors", b"PK\x03\x04 a pickle"),
    ],
)
def test_files_that_do_not_fit_together_are_noticed(
    tiny: edge.EdgeBundle, name: str, content: bytes
) -> None:
    """Even if the manifest says so."""
    (tiny.folder / name).write_bytes(content)
    digests = {
        each: hashlib.sha256((tiny.folder / each).read_bytes()).hexdigest()
        for each in edge_run.FILES
    }
    manifest = json.loads((tiny.folder / bundle.MANIFEST).read_bytes())
    manifest["files"] = {each: {"sha256": digest} for each, digest in digests.items()}
    manifest["version"] = bundle.content_version(digests)
    (tiny.folder / bundle.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(bundle.BrokenBundle):
        edge.load(tiny.folder)


def test_a_full_model_is_not_written_over(tmp_path: Path) -> None:
    full = tiny_bundle(tmp_path / "full")
    ran = lmops("quantize", full.folder, "--out", full.folder)
    assert ran.exit_code == 2
    assert "holds a full model. Name another folder" in ran.stderr
    assert bundle.verify(full.folder) == []
