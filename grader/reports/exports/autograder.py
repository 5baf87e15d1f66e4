"""The zip that Gradescope wants of an autograder: the grader, the course, and two scripts.

Gradescope unpacks it as /autograder/source, runs setup.sh once to make the machine, and for each
submission run_autograder, which writes /autograder/results/results.json ("Autograder
Specifications").
"""

import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import grader
from grader.course.configuration import FILE as PROJECT_FILE
from grader.course.lessons import Course
from grader.distribution import NAME as GRADER
from grader.distribution import installed, requirements
from grader.formats.files import unfinished
from grader.gradebook.secret import FILE_NAME as SECRET_FILE
from grader.gradebook.secret import class_secret

_TIME = (2000, 1, 1, 0, 0, 0)  # so that the same course gives the same bytes
_NAME = re.compile(r"\s*([\w.-]+)")

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, as root, to make the machine that grades.
set -euo pipefail
cd "${{AUTOGRADER:-/autograder}}/source"
apt-get update -qq
apt-get install -qq --yes bubblewrap
# The Python that made this, else one that Ubuntu 22.04 has beside its own 3.10, else a later
# Ubuntu's only one.
for python in {python} python3.11 python3; do
    if apt-get install -qq --yes "$python" "$python-venv"; then break; fi
done
"$python" -m venv .venv
# Torch for the processor alone: a tenth of the gigabytes that it takes with CUDA.
.venv/bin/python -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu \\
    --requirement requirements.txt
"""
REQUIREMENTS = """\
# The versions that the class is graded with where this was made. If the machine's Python is too old
# for one of them, take its version away.
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
grader() {{ "${{PYTHON:-.venv/bin/python}}" -m grader.cli --course course "$@"; }}
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
    if lesson == course.configuration.project:
        raise ValueError(
            "Gradescope keeps no history of git, which the project's rubric reads. Grade the "
            f"project here: grader project REPO... --out {folder}; then: grader export gradescope "
            f"{folder} --lesson {lesson} --out DIR"
        )
    name = course.name_of(lesson)
    folder.mkdir(parents=True, exist_ok=True)
    secret = class_secret(folder)
    with (
        unfinished(out, 0o600) as part,  # it holds the solutions and the secret
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        setup = SETUP.format(python=f"python{sys.version_info.major}.{sys.version_info.minor}")
        _add(archive, "setup.sh", setup.encode(), 0o755)
        run = RUN.format(lesson=name, secret=SECRET_FILE)
        _add(archive, "run_autograder", run.encode(), 0o755)
        requirements = REQUIREMENTS + "".join(f"{line}\n" for line in _requirements(course, name))
        _add(archive, "requirements.txt", requirements.encode(), 0o644)
        _add(archive, SECRET_FILE, secret, 0o600)
        for place, path in _files(course):
            _add(archive, place, path.read_bytes(), 0o644)


def _requirements(course: Course, lesson: str) -> list[str]:
    """Return what pip is to install: what grader, course and lesson need, pinned where it can be.

    Raises
    ------
    ModuleNotFoundError
        If the grader runs from a folder in which pip did not install it.
    """
    needed = requirements("") | requirements("grader")
    project = tomllib.loads((course.root / PROJECT_FILE).read_text("utf-8")).get("project", {})
    optional = project.get("optional-dependencies", {})
    extras = [line for extra in course.lesson(lesson).extras for line in optional.get(extra, ())]
    for line in [*project.get("dependencies", ()), *extras]:
        if found := _NAME.match(line):
            needed.setdefault(found[1], line)
    needed.pop(GRADER, None)  # which is in the zip
    return sorted(_pinned(name, line) for name, line in needed.items())


def _pinned(name: str, line: str) -> str:
    """Return a requirement of the version that is installed here, if that is one of an index."""
    here = installed(name)
    if here is None or "@" in line or "[" in line:
        return line
    return f"{name}=={here.partition('+')[0]}"  # torch's "+cpu" is of one index alone


def _files(course: Course) -> Iterator[tuple[str, Path]]:
    """Yield each file that grading takes, after its place in the zip."""
    own = Path(grader.__file__).parent
    for path in _below(own):
        yield path.relative_to(own.parent).as_posix(), path
    sources = [course.paths(name).source for name in course.names]
    for path in [course.root / PROJECT_FILE, *_below(course.root / course.package), *sources]:
        yield f"course/{path.relative_to(course.root).as_posix()}", path


def _below(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return sorted(path for path in files if path.is_file())


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = mode << 16
    archive.writestr(entry, content)
