"""`grader new-course` and `grader new-lesson`: a skeleton that builds and keeps every rule.

The skeleton's files are the templates in `skeleton/`. Nothing that is there is overwritten.
"""

import keyword
import re
import shlex
import sys
from importlib.machinery import PathFinder
from importlib.resources import files
from pathlib import Path
from string import Template

from grader.author.rules import README, readme_badge, readme_target
from grader.course.configuration import FILE
from grader.course.lessons import Course, fitting
from grader.distribution import release

FIRST = "00_start"
"""The lesson that a new course begins with."""

_NAME = re.compile(r"\d\d_[a-z][a-z0-9_]*")


def new_course(folder: Path) -> int:
    """Write a course with one lesson to `folder`, and say so; return 0.

    Raises
    ------
    FileExistsError
        If there is something in `folder`.
    ValueError
        If its name cannot be that of the course's package.
    """
    root = folder.resolve()
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise FileExistsError(
            f"{folder} is there already, and nothing is overwritten; name a new folder: "
            "grader new-course DIR. A lesson is added to a course with: "
            f"grader --course {shlex.quote(str(folder))} new-lesson NN_name"
        )
    package = _package(root.name)
    words = {"package": package, "title": _title(package), "grader": release()}
    _write(
        {
            root / FILE: _filled("pyproject.toml", words),
            root / README: _filled("README.md", words),
            root / package / "__init__.py": _filled("package.py", words),
            root / package / "checks" / "__init__.py": _filled("checks.py", words),
        }
    )
    _add_lesson(Course(root), FIRST)
    print(f"A course with one lesson, {FIRST}, is in {folder}.")
    print(f"Write your repository's address into {folder / FILE}.")
    print(f"Next: cd {shlex.quote(str(folder))} && grader build && grader try {FIRST[:2]}")
    return 0


def new_lesson(course: Course, name: str) -> int:
    """Write lesson `name` into the course, and say so; return 0.

    Raises
    ------
    FileExistsError
        If one of its files, its number or its name is there already.
    ValueError
        If `name` is not like 02_bigrams.
    """
    _require_free(course, name)
    written, row = _add_lesson(course, name)
    print("\n".join(str(path.relative_to(course.root)) for path in written))
    if row in (readme := _readme(course)):
        print(f"{README}: {row}")
    elif readme:
        print(f"Add to {README}:\n{row}")
    print(f"Next: change them as you like, and type: grader try {name[:2]}")
    return 0


def _add_lesson(course: Course, name: str) -> tuple[list[Path], str]:
    """Write lesson `name`, and its row into the README's table; return the files and the row."""
    title = _title(name.partition("_")[2])
    words = {"name": name, "title": title, "package": course.package}
    paths = course.paths(name)
    texts = {
        paths.source: _filled("lesson.py", words),
        paths.checks: _filled("lesson_checks.py", words),
        paths.answers: _filled("lesson_answers.md", words),
    }
    _write(texts)
    link = f"[{name[:2]} {title}]({readme_target(course, name)})"
    row = f"| {link} | what you build in it | {readme_badge(course, name)} |"
    _add_row(course, name, row)
    return list(texts), row


def _add_row(course: Course, name: str, row: str) -> None:
    """Add `row` to the README's table of lessons, in the place of lesson `name`, if it has one."""
    lines = _readme(course).splitlines()
    place = next((i + 2 for i, line in enumerate(lines) if re.match(r"\| *lesson *\|", line)), None)
    if place is None:
        return
    earlier = [readme_target(course, one) for one in course.names if one < name]
    while place < len(lines) and any(f"]({target})" in lines[place] for target in earlier):
        place += 1
    lines.insert(place, row)
    (course.root / README).write_text("\n".join(lines) + "\n", "utf-8")


def _readme(course: Course) -> str:
    readme = course.root / README
    return readme.read_text("utf-8") if readme.is_file() else ""


def _require_free(course: Course, name: str) -> None:
    number, _, rest = name.partition("_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(rest):
        free = next(n for n in range(100) if fitting(f"{n:02}", course.names) is None)
        raise ValueError(
            f"{name!r} is no name for a lesson: two digits, an underline, and a name in small "
            f"letters that Python could import, such as: grader new-lesson {free:02}_name"
        )
    if taken := fitting(number, course.names):
        free = next(n for n in range(100) if fitting(f"{n:02}", course.names) is None)
        raise FileExistsError(
            f"number {number} is that of {taken}; the next free one: "
            f"grader new-lesson {free:02}_{rest}"
        )
    for path in vars(course.paths(name)).values():
        if path.exists():
            raise FileExistsError(
                f"{path.relative_to(course.root)} is there already, and nothing is overwritten; "
                f"choose another name: grader new-lesson {number}_NAME"
            )


def _package(folder: str) -> str:
    package = re.sub(r"\W+", "_", folder).strip("_").lower()
    if not package.isidentifier() or not package.isascii() or keyword.iskeyword(package):
        raise ValueError(
            f"the course's package is called as its folder, and Python cannot import {folder!r}: "
            "begin with a letter, as in: grader new-course my_course"
        )
    found = PathFinder.find_spec(package)
    if package in sys.stdlib_module_names or (found is not None and found.origin is not None):
        raise ValueError(
            f"the course's package is called as its folder, and Python has a {package} already; "
            f"choose another name: grader new-course {package}_course"
        )
    return package


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _filled(template: str, words: dict[str, str]) -> str:
    skeleton = files("grader.author") / "skeleton" / f"{template}.template"
    return Template(skeleton.read_text("utf-8")).substitute(words)


def _write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
