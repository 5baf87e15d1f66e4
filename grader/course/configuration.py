"""A course's configuration: what the pyproject.toml of its folder says.

    [project.urls]
    Repository = "https://github.com/lmcourse/lmcourse"

    [tool.grader]
    package = "lmcourse"            what its notebooks import; it has `checks` and `recordings`
    title = "Build a language model"
    revision = "v0.1.0"             the branch or tag that notebooks are opened and installed from

and where that is not the default:

    notebooks = "notebooks"         the folder of what students open
    solutions = "solutions"         the folder of the lessons' sources
    subdirectory = "examples/one"   the course's folder in the repository, if that is not its root
    ladder = "07_gpt"               the lesson whose last ladder is the README's picture
    shows = ["plots"]               modules of the package that show, and so decide no grade
    hides = ["lmops", "lmcourse.engine"]    packages, beside it or parts of it, that no submission
                                    may see when it is graded; the judge imports them all the same
    project = "project"             the module of its checks that says what a project is worth
"""

import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"


class NoCourse(OSError):
    """There is no course where one was looked for; the message says what to type."""


@dataclass(frozen=True)
class Configuration:
    """What is said above."""

    repository: str
    package: str
    title: str
    revision: str
    notebooks: str = "notebooks"
    solutions: str = "solutions"
    subdirectory: str = ""
    ladder: str = ""
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    project: str = ""

    def install(self, extras: Sequence[str] = ()) -> str:
        """Return what pip is told, where the course's package, with `extras`, is missing."""
        place = f"#subdirectory={self.subdirectory}" if self.subdirectory else ""
        wanted = f"{self.package}[{','.join(extras)}]" if extras else self.package
        return f"{wanted} @ git+{self.repository}@{self.revision}{place}"

    def page(self, file: str) -> str:
        """Return the address of the course's `file` in its repository, below https://github.com."""
        repository = self.repository.removeprefix("https://github.com/")
        folder = f"{self.subdirectory}/" if self.subdirectory else ""
        return f"{repository}/blob/{self.revision}/{folder}{file}"


def find_course(start: Path) -> Path:
    """Return the folder of the course in `start`, or in the nearest folder above it.

    Raises
    ------
    NoCourse
        If there is none.
    ValueError
        If a pyproject.toml on the way is not TOML.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if "grader" in _read(folder / FILE).get("tool", {}):
            return folder
    raise NoCourse(
        f"there is no course in {start} or above it: no {FILE} there has a table [tool.grader]. Go "
        "to the course's folder, or name it, as in: grader --course DIR build"
    )


def read_configuration(root: Path) -> Configuration:
    """Return the configuration of the course in the folder `root`.

    Raises
    ------
    NoCourse
        If there is no course.
    ValueError
        If a key is missing, unknown, or not of its kind.
    """
    file = root / FILE
    content = _read(file)
    if "grader" not in content.get("tool", {}):
        raise NoCourse(f"{root} is no course: {file} has no table [tool.grader]")
    table = dict(content["tool"]["grader"])
    if "repository" in table:
        raise ValueError(f"{file}: the repository stands in [project.urls], as Repository")
    if "Repository" in (urls := content.get("project", {}).get("urls", {})):
        table["repository"] = urls["Repository"]
    known = {field.name: field for field in fields(Configuration)}
    if unknown := ", ".join(sorted(set(table) - set(known))):
        rest = ", ".join(name for name in known if name != "repository")
        raise ValueError(f"{file}: [tool.grader] knows no {unknown}; it knows {rest}")
    for name, field in known.items():
        where = "[project.urls] Repository" if name == "repository" else f"[tool.grader] {name}"
        if name not in table:
            if field.default is MISSING:
                raise ValueError(f"{file} lacks {where}")
        elif name in ("shows", "hides"):
            if not isinstance(table[name], list) or not all(type(m) is str for m in table[name]):
                raise ValueError(f"{file}: {where} must be a list of names")
            table[name] = tuple(table[name])
        elif not isinstance(table[name], str) or not table[name]:
            raise ValueError(f"{file}: {where} must be a text")
    if not table["package"].isidentifier():
        raise ValueError(f"{file}: [tool.grader] package must be the name of a package in {root}")
    for name in table.get("hides", ()):
        own = name.startswith(f"{table['package']}.")
        if own and not root.joinpath(*name.split(".")).is_dir():
            raise ValueError(f"{file}: [tool.grader] hides {name}, which is no package in {root}")
    return Configuration(**table)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:  # not UTF-8, or no TOML
        raise ValueError(f"{file} cannot be read: {error}") from None
