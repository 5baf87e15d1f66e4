"""Try a packed model in a process of its own: its parts by their checks, and the whole.

    python -m lmops.trial FOLDER SECONDS PART...

reads model.py and gpt.py there, and writes a JSON line to `findings` before each part is tried, and
one after it. The last line that is there tells what a process that hangs or dies was busy with.
"""

import json
import math
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from lmcourse.checks import check
from lmops import bundle
from lmops.soundness import weight_shapes

PARTS = {
    "causal_mask": "05_attention",
    "positional_encoding": "06_transformer",
    "MultiHeadAttention": "06_transformer",
    "LayerNorm": "06_transformer",
    "FeedForward": "06_transformer",
    "dropout": "06_transformer",
    "Block": "06_transformer",
    "GPT": "07_gpt",
}
"""The exercises that a GPT is made of, each after those that it may need, and their lessons."""

FILES = ("model", "gpt")
SECONDS = 20
"""The processor time that one part may take: on a busy machine none is given up sooner."""

PATIENCE = 300.0
"""The time that all of them may take: a part may also sleep."""

SMALL: dict[str, Any] = {
    "vocab_size": 11,
    "context": 8,
    "layers": 2,
    "heads": 2,
    "channels": 12,
    "dropout": 0.0,
}


def failure(source: str, gpt: str, parts: list[str]) -> tuple[str, str] | None:
    """Return the first of `parts` that is not right in this `model.py`, and why; None if all are.

    `GPT` is checked in the source `gpt`: with the course's other parts, as in its notebook. That
    the whole of `source` computes what lesson 07's GPT does counts as a matter of `GPT` too.
    """
    with tempfile.TemporaryDirectory() as folder:
        findings = Path(folder, "findings")
        findings.write_text("", "utf-8")
        Path(folder, "model.py").write_text(source, "utf-8")
        Path(folder, "gpt.py").write_text(gpt, "utf-8")
        command = [sys.executable, "-m", "lmops.trial", folder, str(SECONDS), *parts]
        reason = "it stopped the trial"
        try:
            ran = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
            if ran.returncode == -signal.SIGXCPU:
                reason = f"its trial took longer than {SECONDS} seconds"
        except subprocess.TimeoutExpired:
            reason = f"its trial took longer than {PATIENCE:.0f} seconds"
        found = [json.loads(line) for line in findings.read_text("utf-8").splitlines()]
    if not found:
        return "GPT", "the packed file cannot be run"
    last = found[-1]
    if last.get("done"):
        return None
    return last["part"], last.get("reason", reason)


def main(folder: str, seconds: str, *parts: str) -> None:
    """Try `parts` of the files in `folder`, and then the whole; `seconds` for each."""

    def note(part: str, **found: Any) -> None:
        with Path(folder, "findings").open("a", encoding="utf-8") as file:
            print(json.dumps({"part": part, **found}), file=file)
        soon = math.ceil(time.process_time()) + int(seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (soon, resource.getrlimit(resource.RLIMIT_CPU)[1]))

    part = "GPT"
    note(part)
    try:
        modules = [bundle.run(Path(folder, f"{n}.py").read_text("utf-8"), n) for n in FILES]
        for part in parts:
            note(part)
            reason = _check(vars(modules[part == "GPT"]), part)
            if reason:
                note(part, reason=reason)
                return
        part = "GPT"
        note(part)
        reason = _misfit(modules[0])
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    note(part, **({"reason": reason} if reason else {"done": True}))


def _check(namespace: dict[str, Any], part: str) -> str:
    """Return why the public check of `part` fails, or nothing."""
    check.lesson(PARTS[part])
    asked = {"check": check, "part": part}
    if not eval("check.ready(part)", namespace, asked):  # noqa: S307
        return "it is not written yet"
    try:
        eval("check(part)", namespace, asked)  # noqa: S307
    except Exception as error:
        return str(error).removeprefix(f"{part}: ")
    return ""


def _misfit(module: Any) -> str:
    """Return in what this model and the shipped one differ with the same weights, or nothing."""
    shipped = bundle.run((bundle.SHIPPED / "model.py").read_text("utf-8"), "shipped")
    torch.manual_seed(0)
    weights = {name: 0.4 * torch.randn(shape) for name, shape in weight_shapes(SMALL).items()}
    ids = torch.randint(SMALL["vocab_size"], (3, SMALL["context"]))
    logits = []
    for each in (module, shipped):
        model = bundle.with_weights(each.GPT(each.Config(**SMALL)), weights)
        with torch.no_grad():
            logits.append(model(ids))
    if torch.allclose(logits[0], logits[1], rtol=1e-3, atol=1e-4):
        return ""
    return "with the same weights, its logits are not those of lesson 07's GPT"


if __name__ == "__main__":
    main(*sys.argv[1:])
