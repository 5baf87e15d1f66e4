"""The grader as pip knows it: its name, its version, and what it needs."""

import re
from importlib.metadata import PackageNotFoundError, metadata, requires, version

NAME = "lmcourse"

_REQUIREMENT = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"""\s*extra == ["'](\w+)["']\s*""")


_NOT_INSTALLED = (
    "pip did not install the grader here; go to its folder and type: "
    "python -m pip install --editable '.[grader]'"
)


def release() -> str:
    """Return what pip is told to install this release of the grader: the tag of its repository.

    Raises
    ------
    ModuleNotFoundError
        If the grader runs from a folder in which pip did not install it.
    """
    try:
        known = metadata(NAME)
    except PackageNotFoundError:
        raise ModuleNotFoundError(_NOT_INSTALLED) from None
    urls = dict(url.split(", ", 1) for url in known.get_all("Project-URL", ()))
    return f"{NAME} @ git+{urls['Repository']}@v{known['Version']}"


def requirements(extra: str) -> dict[str, str]:
    """Return what the grader with one of its extras needs: pip's words for it, by name.

    Without an extra's name it is what the grader needs in any case.

    Raises
    ------
    ModuleNotFoundError
        If the grader runs from a folder in which pip did not install it.
    """
    try:
        lines = requires(NAME) or ()
    except PackageNotFoundError:
        raise ModuleNotFoundError(_NOT_INSTALLED) from None
    found = {}
    for line in lines:
        requirement, _, marker = line.partition(";")
        of = _EXTRA.fullmatch(marker)
        if (of[1] if of else "") == extra and (name := _REQUIREMENT.match(requirement)):
            found[name[0]] = requirement.strip()
    return found


def installed(name: str) -> str | None:
    """Return the version of a package that is installed here, or None if there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
