"""The zip that Gradescope wants of an autograder: the course, and the two scripts that it runs.

Gradescope unpacks it as /autograder/source, runs setup.sh once to make the machine, and for each
submission run_autograder, which writes /autograder/results/results.json ("Autograder
Specifications").
"""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from grader.course.lessons import Course
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.secret import class_secret

_TIME = (2000, 1, 1, 0, 0, 0)  # so that the same course gives the same bytes
_PARTS = (
    *("grader/**/*", "lmcourse/**/*", ".ci/*", "solutions/[0-9][0-9]_*.py"),
    *("Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "LICENSE-prose"),
)

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, as root, to make the machine that grades.
set -euo pipefail
cd "${AUTOGRADER:-/autograder}/source"
apt-get update -qq
# Ubuntu 22.04 has Python 3.11 beside its own 3.10; later ones have only one, which is newer.
apt-get install -qq --yes bubblewrap make python3.11 python3.11-venv ||
    apt-get install -qq --yes bubblewrap make python3 python3-venv
make setup EXTRAS=grader
"""
RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for each submission.
set -euo pipefail
# Where no sandbox can be made there, no submission is graded, and the output says so.
# With "none" it is graded, but a student's code can then read the solutions and forge its grade.
SANDBOX=bwrap

root=${{AUTOGRADER:-/autograder}}
cd "$root/source"
grader() {{ "${{PYTHON:-.venv/bin/python}}" -m grader.cli "$@"; }}
rm -rf "$root/class" "$root/grades"
mkdir -p "$root/class" "$root/grades" "$root/results"
cp -r "$root/submission" "$root/class/student"
cp {secret} "$root/grades/{secret}"
grader grade "$root/class" --out "$root/grades" --lesson {lesson} --sandbox "$SANDBOX"
grader export gradescope "$root/grades" --lesson {lesson} --out "$root/results/results.json"
"""


def write(course: Course, folder: Path, out: Path, lesson: str | None) -> None:
    """Write the autograder of `lesson` as the zip `out`.

    It asks each submission with the inputs that the class whose gradebook is in `folder` has, since
    it holds a copy of that class's secret; a new one is made where there is none.

    Raises
    ------
    KeyError, ValueError
        If no lesson is named, or there is none of that name.
    OSError
        If the secret is damaged, or something cannot be written.
    """
    if lesson is None:
        raise ValueError("an autograder is for one lesson; name it with --lesson")
    name = course.name_of(lesson)
    folder.mkdir(parents=True, exist_ok=True)
    secret = class_secret(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f"{out.name}.part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "setup.sh", SETUP.encode(), 0o755)
        run = RUN.format(lesson=name, secret=SECRET_FILE)
        _add(archive, "run_autograder", run.encode(), 0o755)
        _add(archive, SECRET_FILE, secret, 0o600)
        for path in _files(course):
            mode = 0o755 if os.access(path, os.X_OK) else 0o644
            _add(archive, path.relative_to(course.root).as_posix(), path.read_bytes(), mode)
    unfinished.chmod(0o600)  # it holds the solutions and the secret
    os.replace(unfinished, out)


def _files(course: Course) -> Iterator[Path]:
    for pattern in _PARTS:
        for path in sorted(course.root.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = mode << 16
    archive.writestr(entry, content)
