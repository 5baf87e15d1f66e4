"""What a student installs: JupyterLab, and none of the menus that are for who makes courses."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from course import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTENSION = re.compile(r"share/jupyter/(labextensions/.*)/package\.json$")


def installed(*requirements: str) -> set[str]:
    """Return the packages that come with these requirements, as far as they are installed here."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        for extra in ("", *one.extras):
            if (name, extra) in found:
                continue
            found.add((name, extra))
            waiting += [
                inner
                for inner in map(Requirement, needs(name, extra))
                if inner.marker is None or inner.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in found}


def needs(name: str, extra: str) -> list[str]:
    """Return the requirements of a package, ours read from pyproject.toml."""
    if name == PROJECT["name"]:
        extras = PROJECT["optional-dependencies"]
        return list(extras[extra] if extra else PROJECT["dependencies"])
    try:
        return list(distribution(name).requires or ())
    except PackageNotFoundError:  # for another machine
        return []


def extensions(names: set[str]) -> set[str]:
    """Return the extensions of JupyterLab that these packages bring."""
    found = set()
    for name in names - {PROJECT["name"]}:
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:
            continue
        found |= {match[1] for file in files if (match := EXTENSION.search(file.as_posix()))}
    return found


def test_a_student_has_jupyterlab_and_the_course_and_no_menu_of_nbgrader() -> None:
    names = installed("lmcourse[student]")
    assert names >= {"jupyterlab", "ipywidgets", "torch", "nbclient", "fastapi", "latex2mathml"}
    assert "nbgrader" not in names
    assert not [name for name in extensions(names) if "nbgrader" in name]


def test_that_menu_would_be_found() -> None:
    names = installed("lmcourse[dev]")
    assert "nbgrader" in names
    assert [name for name in extensions(names) if "nbgrader" in name]


def test_conda_and_the_readme_install_no_more_than_that() -> None:
    conda = YAML(typ="safe").load(ROOT / "environment.yml")["dependencies"]
    lines = [line for line in conda if isinstance(line, str)]
    assert "nbgrader" not in installed(*(line for line in lines if "pytorch" not in line))
    (by_pip,) = (line["pip"] for line in conda if isinstance(line, dict))
    assert by_pip == ["--editable ."]
    readme = Path(ROOT / "README.md").read_text("utf-8")
    for title in ("Ship it", "For students"):
        section = readme.partition(f"## {title}\n")[2].partition("\n## ")[0]
        assert re.findall(r"^make setup.*?(?:  |$)", section, re.MULTILINE)[0].split() == [
            *("make", "setup", "EXTRAS=student")
        ]
