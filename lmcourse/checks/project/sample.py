"""What a sample class makes of a project that has every part: six of them, perfect to hostile."""

from lmcourse.checks.pipelines import azure, github
from lmcourse.checks.project import model_tests, service

Files = dict[str, bytes]
Steps = list[tuple[str, Files]]
"""Messages of commits, and the files that come with each; with none, it is a merge."""

LATER = (azure.FILE, github.FILE, "objective.yaml", "deploy/compose.yaml")
"""What comes after the first commit, one by one."""
WEIGHTS = "model/model.safetensors"

_ENDLESS = b"""\
import os, signal

while True:
    os.kill(os.getppid(), signal.SIGKILL) if os.getppid() > 1 else None
"""
_SNOOPING = b"""\
from pathlib import Path


def create_app(model, who, allow):
    print([path.read_bytes() for path in Path("/").rglob("secret.key")])
    raise SystemExit(0)
"""
_LAUGHS = b"a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n"


def class_of(files: Files) -> dict[str, Steps]:
    """Return the commits of each student's repository.

    Raises
    ------
    KeyError
        If a part is missing; its argument is the file.
    ValueError
        If one is only begun.
    """
    for name in (*LATER, WEIGHTS, model_tests.FILE, service.FILE, "README.md"):
        if name not in files:
            raise KeyError(name)
    for name in (azure.FILE, github.FILE, model_tests.FILE, service.FILE):
        if b"# TODO: " in files[name]:
            raise ValueError(f"{name} still says TODO; name a project that has every part")
    deaf = files[azure.FILE].replace(b"make gate", b"make gate || true")
    wolf = b"def model_problems(model, text):\n    return ['it may be broken']\n"
    return {
        "perfect": _told(files),
        "deaf-gate": _told(files | {azure.FILE: deaf}),
        "cries-wolf": _told(files | {model_tests.FILE: wolf}),
        "one-commit": [("all of it", files | {"keys.txt": b"lm_" + b"a1b2c3d4e5f6g7h8"})],
        "just-begun": [("Begin with a README", {"README.md": files["README.md"]})],
        "hostile": _told(
            files
            | {
                azure.FILE: _LAUGHS,
                model_tests.FILE: _ENDLESS,
                service.FILE: _SNOOPING,
                WEIGHTS: b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR.",
            }
        ),
    }


def _told(files: Files) -> Steps:
    """Return a history of small commits, the last of which somebody has reviewed."""
    first = {name: content for name, content in files.items() if name not in LATER}
    steps = [("Begin with what the lessons gave", first)]
    steps += [
        (f"Add {name.rpartition('/')[2]} as the lesson has it", {name: files[name]})
        for name in LATER
    ]
    return [*steps, ("Merge what comes after the beginning\n\nReviewed-by: Grace", {})]
