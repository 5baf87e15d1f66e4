"""A student's own model out of their notebooks computes what it did there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from course import COURSE

from grader.author.render import fill, render_student
from grader.course.regions import without_markers
from lmops import bundle, notebooks, trial
from lmops.cli import main
from lmops.notebooks import Notebook
from lmops.pack import COURSES, YOURS, pack
from lmops.soundness import weight_shapes
from lmops.trial import PARTS, SMALL

LESSONS = ("05_attention", "06_transformer", "07_gpt")


def filled(name: str, answers: Mapping[str, str | None] | None = None) -> dict[str, Any]:
    """Return a student's notebook as JSON: solved, but for the `answers` given."""
    lesson = COURSE.lesson(name)
    found: dict[str, Any] = json.loads(
        json.dumps(fill(render_student(COURSE, name), lesson, answers))
    )
    return found


def write(folder: Path, notebook: dict[str, Any], name: str) -> Path:
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def read(folder: Path, answers: Mapping[str, Mapping[str, str | None]]) -> list[Notebook]:
    """Return the three notebooks, solved but for the `answers` of a lesson."""
    return [
        notebooks.read(write(folder, filled(name, answers.get(name)), name)) for name in LESSONS
    ]


def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    shapes = weight_shapes(SMALL)
    return {name: 0.4 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def logits(module: Any) -> torch.Tensor:
    model = bundle.with_weights(module.GPT(module.Config(**SMALL)), weights())
    with torch.no_grad():
        found: torch.Tensor = model(torch.arange(8).remainder(11).view(1, 8))
    return found


def run_notebook(notebook: dict[str, Any]) -> Any:
    """Run lesson 07's notebook up to its GPT, and return its names as a module's."""
    sources = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "demo" not in cell["metadata"].get("tags", []):
            sources.append(notebooks._python("".join(cell["source"])))
            if "class GPT" in sources[-1]:
                break
    return bundle.run("\n".join(sources), "notebook")


@pytest.mark.lesson
def test_the_packed_model_computes_what_the_notebook_does(tmp_path: Path) -> None:
    packed = pack(read(tmp_path, {}))
    assert set(packed.parts.values()) == {YOURS}
    assert packed.reasons == {}
    in_notebook = logits(run_notebook(filled("07_gpt")))
    assert torch.equal(logits(bundle.run(packed.source, "packed")), in_notebook)
    shipped = bundle.run((bundle.SHIPPED / "model.py").read_text("utf-8"), "shipped")
    assert torch.allclose(logits(shipped), in_notebook, atol=1e-5)


def variants() -> list[dict[str, dict[str, str | None]]]:
    """Return answers to all parts, so many that each right variant of each part is in one."""
    known: dict[str, dict[str, list[str]]] = {name: {} for name in LESSONS}
    for name in LESSONS:
        exercises = COURSE.lesson(name).exercises()
        for right in COURSE.rights(name):
            if right.exercise in PARTS:
                solution = without_markers(exercises[right.exercise].text)
                code = f"{solution}\n\n\n{right.code}"
                known[name].setdefault(right.exercise, []).append(code)
    count = max(len(codes) for lesson in known.values() for codes in lesson.values())
    return [
        {
            name: {exercise: codes[number % len(codes)] for exercise, codes in lesson.items()}
            for name, lesson in known.items()
        }
        for number in range(count)
    ]


@pytest.mark.lesson
@pytest.mark.parametrize("number", range(len(variants())))
def test_unusual_right_solutions_are_packed_as_they_are(tmp_path: Path, number: int) -> None:
    answers = variants()[number]
    packed = pack(read(tmp_path, answers))
    assert set(packed.parts.values()) == {YOURS}, packed.reasons
    in_notebook = logits(run_notebook(filled("07_gpt", answers["07_gpt"])))
    found = logits(bundle.run(packed.source, "packed"))
    assert torch.allclose(found, in_notebook, rtol=1e-4, atol=1e-5)


def from_colab(notebook: dict[str, Any], lesson: str) -> dict[str, Any]:
    """Return the notebook as Colab gives it back, and as people leave it."""
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        changed = {
            "cell_type": cell["cell_type"],
            "source": "".join(cell["source"]).splitlines(keepends=True),
            "metadata": {"id": f"aB{number}", "colab": {"base_uri": "https://localhost:8080/"}},
        }
        if cell["cell_type"] == "code":
            output = {"output_type": "stream", "name": "stdout", "text": ["class GPT:\n"]}
            changed |= {"execution_count": number, "outputs": [output]}
        cells.append(changed)
    own = [
        "%pip install einops\n!nvidia-smi\n",
        "%%time\nscratch = 1\n",
        "from google.colab import drive\ndrive.mount('/content/drive')\n",
        "x = torch.zeros(3)\nC = 12\nB, T = 2, 3\ndef half(:\n",
        "x = torch.zeros(3)\nC = 12\nB, T = 2, 3\nGPT?\n",
    ]
    cells += [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in own]
    return {
        "cells": cells,
        "metadata": {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 0,
    }


@pytest.mark.lesson
def test_notebooks_come_back_from_colab(tmp_path: Path) -> None:
    paths = []
    for name in LESSONS:
        changed = from_colab(filled(name), name)
        paths.append(write(tmp_path, changed, f"Kopie von {name} (1)"))
    out = tmp_path / "model"
    ran = CliRunner().invoke(main, ["pack", *map(str, paths), "--out", str(out), "--json"])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert set(found["parts"].values()) == {YOURS}, found
    assert "code cell" in ran.stderr  # the one that is no Python
    assert bundle.verify(out) == []
    assert "| `Block` | the student's |" in (out / "CARD.md").read_text("utf-8")


STUB = (
    "class FeedForward(nn.Module):\n    def __init__(self, channels, dropout=0.0):\n        ...\n"
)


@pytest.mark.lesson
def test_a_part_that_is_wrong_is_the_courses_and_the_card_says_so(tmp_path: Path) -> None:
    wrong = without_markers(COURSE.lesson("06_transformer").exercises()["FeedForward"].text)
    answers = {"06_transformer": {"FeedForward": wrong.replace("F.gelu", "F.relu")}}
    packed = pack(read(tmp_path, answers))
    assert [part for part, whose in packed.parts.items() if whose == COURSES] == ["FeedForward"]
    assert "F.relu" not in packed.source
    assert set(packed.reasons) == {"FeedForward"}
    in_notebook = logits(run_notebook(filled("07_gpt")))
    assert torch.equal(logits(bundle.run(packed.source, "packed")), in_notebook)


@pytest.mark.lesson
def test_an_endless_part_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 4)
    endless = "def positional_encoding(T, channels):\n    while True:\n        pass\n"
    packed = pack(read(tmp_path, {"06_transformer": {"positional_encoding": endless}}))
    assert packed.parts["positional_encoding"] == COURSES
    assert packed.parts["GPT"] == YOURS
    assert "longer than 4 seconds" in packed.reasons["positional_encoding"]


@pytest.mark.lesson
def test_untouched_notebooks_give_the_shipped_model(tmp_path: Path) -> None:
    for name in LESSONS:
        released = json.loads(json.dumps(render_student(COURSE, name)))
        write(tmp_path, released, name)
    out = tmp_path / "model"
    paths = sorted(map(str, tmp_path.glob("*.ipynb")))
    ran = CliRunner().invoke(main, ["pack", *paths, "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "GPT is the course's, since it is not written yet" in ran.stdout
    assert (out / "model.py").read_bytes() == (bundle.SHIPPED / "model.py").read_bytes()
    assert "It has not been trained yet" in (out / "CARD.md").read_text("utf-8")


def test_what_a_part_needs_goes_with_it_and_nothing_else(tmp_path: Path) -> None:
    cells = [
        "import math\nimport torch\nfrom torch import nn\nfrom lmcourse import check\n",
        'check.lesson("07_gpt")\n',
        "SCALE = 2  # mine\nx = math.inf\ntable = {}\n",
        "def helper(x):\n    # doubles\n    return SCALE * x\n",
        "class Config: ...\n",
        "class GPT(nn.Module):\n    def forward(self, x):\n        return helper(x)\n",
        "class GPT(GPT):\n    def again(self):\n        return [x for x in range(3)]\n",
        "GPT.extra = lambda self: self\n",
    ]
    notebook = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    found = notebooks.read(write(tmp_path, notebook, "07"))
    from lmops.pack import _assemble

    source, parts = _assemble({"07_gpt": found}, set(PARTS) - {"GPT"})
    assert parts == {"GPT": YOURS}
    for needed in ("SCALE = 2", "# doubles", "class GPT(GPT)", "GPT.extra", "from torch import nn"):
        assert needed in source
    for other in ("table", "math", "lmcourse", "check"):
        assert other not in source


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("no JSON", "is no notebook"),
        ('{"cells": 3}', "is no notebook"),
        ('{"cells": []}', "does not say which lesson it is"),
    ],
)
def test_what_is_no_notebook_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "07_gpt.ipynb"
    if text is not None:
        path.write_text(text)
    ran = CliRunner().invoke(main, ["pack", str(path)])
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert "Name your notebooks of lessons 05, 06 and 07" in ran.stderr


def test_the_shipped_model_answers_no_exercise() -> None:
    from grader.checks.registry import exercises
    from grader.checks.selfcheck import self_check

    namespace = vars(bundle.run((bundle.SHIPPED / "model.py").read_text("utf-8"), "pasted"))
    for part, lesson in PARTS.items():
        outcome = self_check(exercises("lmcourse", lesson)[part], namespace)
        assert outcome.share < (0.25 if part == "GPT" else 1e-9), part
