"""What lesson 07 saved becomes a bundle with the same weights; nothing in it is run."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from course import COURSE

from grader.author.render import fill, render_student
from lmops import bundle, text, train
from lmops.cli import main
from lmops.commands import pack as command
from lmops.pack import COURSES, Packed

SOURCE = (bundle.SHIPPED / "model.py").read_text("utf-8")
CONFIG = train.RECIPES["smoke"].config(64)


@pytest.fixture(autouse=True)
def _no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the notebooks be packed already: what they become, test_ops_pack.py shows."""
    packed = Packed(SOURCE, {"GPT": COURSES}, {"GPT": "this is a test"})
    monkeypatch.setattr("lmops.pack.pack", lambda notebooks: packed)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "07_gpt.ipynb"
    solved = fill(render_student(COURSE, "07_gpt"), COURSE.lesson("07_gpt"))
    path.write_text(json.dumps(solved), "utf-8")
    return path


def save(notebook: Path, path: Path) -> Any:
    """Save a GPT as the notebook's own `save` does, and return it."""
    namespace: dict[str, Any] = {}
    wanted = ("def causal_mask", "class GPT", "def configure_optimizer", "def save")
    imports = (
        "import math, os, torch\nfrom dataclasses import asdict, dataclass\nfrom torch import nn\n"
        "from torch.nn import functional as F\nimport random\n"
    )
    exec(imports, namespace)
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and any(part in source for part in wanted):
            exec(source, namespace)
    torch.manual_seed(4)
    model = namespace["GPT"](namespace["Config"](**CONFIG))
    namespace["save"](str(path), model, namespace["configure_optimizer"](model, 1e-3), 7)
    return model


def run(notebook: Path, weights: Path, out: Path) -> Result:
    arguments = ["pack", str(notebook), "--weights", str(weights), "--out", str(out), "--json"]
    return CliRunner().invoke(main, arguments)


def test_a_checkpoint_of_lesson_07_gives_its_weights(notebook: Path, tmp_path: Path) -> None:
    model = save(notebook, tmp_path / "gpt.pt")
    ran = run(notebook, tmp_path / "gpt.pt", tmp_path / "model")
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["trained"] is True
    found = bundle.load(tmp_path / "model")
    ids = torch.tensor([found.encode("One day")])
    with torch.no_grad():
        assert torch.allclose(found.model()(ids), model(ids), atol=1e-5)
    data = text.load()
    judged = text.evaluate(model, data.validation, CONFIG["context"])
    assert found.metrics == {
        "corpus": "fables",
        "validation_loss": pytest.approx(judged, abs=1e-4),
        "floor": data.floor,
        "steps": 7,
    }


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.path, "yes"))


def test_a_checkpoint_that_would_run_code_is_refused(notebook: Path, tmp_path: Path) -> None:
    evil = {"config": CONFIG, "model": {}, "step": 1, "more": Evil(tmp_path / "ran")}
    torch.save(evil, tmp_path / "gpt.pt")
    ran = run(notebook, tmp_path / "gpt.pt", tmp_path / "model")
    assert ran.exit_code == 2
    assert "no checkpoint that torch reads safely" in ran.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"no checkpoint", "no checkpoint that torch reads safely"),
        ({"model": {}}, "is not what lesson 07's save"),
        ({"config": CONFIG, "model": {}, "step": 1}, "does not hold the weights of this GPT"),
        ({"config": {**CONFIG, "vocab_size": 12}, "model": {}, "step": 1}, "with 12 characters"),
    ],
)
def test_what_is_no_checkpoint_is_said(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, said: str
) -> None:
    monkeypatch.setattr("lmcourse.corpus.shakespeare", lambda: "To be, or not to be\n\n" * 9)
    path = tmp_path / "gpt.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    ran = run(notebook, path, tmp_path / "model")
    assert ran.exit_code == 2, ran.output
    assert said in ran.stderr


def test_two_notebooks_of_a_lesson_are_one_too_many(notebook: Path, tmp_path: Path) -> None:
    other = tmp_path / "old.ipynb"
    other.write_bytes(notebook.read_bytes())
    ran = CliRunner().invoke(main, ["pack", str(notebook), str(other)])
    assert ran.exit_code == 2
    assert "are both of lesson 07_gpt. Name the one to take" in ran.stderr


def test_it_looks_where_notebooks_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main, ["pack"])
    assert ran.exit_code == 2
    assert "lmops pack FOLDER/05_attention.ipynb" in ran.stderr
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "07_gpt.ipynb").touch()
    assert command._found() == [Path("notebooks/07_gpt.ipynb")]


def test_a_model_of_shakespeare_is_judged_by_shakespeare(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = "\n\n".join(f"To be, or not to be, {number}" for number in range(200)) + "\n\n"
    monkeypatch.setattr("lmcourse.corpus.shakespeare", lambda: play)
    config = CONFIG | {"vocab_size": len(set(play)), "context": 16}
    model = train.fresh(SOURCE, config, 0)
    kept = {"config": config, "model": model.state_dict(), "step": 5}
    torch.save(kept, tmp_path / "gpt-gpu.pt")
    ran = run(notebook, tmp_path / "gpt-gpu.pt", tmp_path / "model")
    assert ran.exit_code == 0, ran.output
    found = bundle.load(tmp_path / "model")
    assert found.characters == sorted(set(play))
    assert found.metrics["corpus"] == "shakespeare"
    assert "floor" not in found.metrics
    card = (tmp_path / "model" / "CARD.md").read_text("utf-8")
    assert "Tiny Shakespeare" in card
    assert "the least that any model" not in card
