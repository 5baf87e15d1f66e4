"""Write the platform's reference: what its commands say of themselves, and its docstrings.

`lmops/__init__.py` lists the parts, from the top down. Each line there gets a page.
"""

import importlib
import inspect
import pkgutil
import re
import typing
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from files import write
from pydantic import BaseModel
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature

import lmops
from lmops.cli import main

FOLDER = "reference"
"""Of the pages, below that of conf.py."""

_PART = re.compile(r"^    (?P<names>\w+(?:, \w+)*)  +(?P<what>.*)$", re.M)
WIDTH = 96
"""Characters of a line of help."""
_ON_COMMANDS = {"cli", "commands"}
"""Parts on the page of the commands."""
LONGEST = 100
"""Characters of a constant's value that are shown."""
_SAID_SHORTER = {
    r"<(factory|function [\w.]*<lambda>)>": "...",
    r"<(?:built-in )?function (\w+)>": r"\1",
    r"ndarray\[tuple\[\S*Any, \.\.\.\], \S*dtype\[[^]]*\]\]": "ndarray",
}
"""What a signature has that is no Python, or says little at length, and what stands there."""
_COLON = "\ue000"
"""Stands for a colon while Napoleon reads."""
_PARAMETER = re.compile(
    r"^:param (?P<name>\S+):(?P<more>.*(?:\n +.*)*)\n:type (?P=name): (?P<told>.*)$", re.M
)
_MODULE = """\
```{{eval-rst}}
.. automodule:: {name}
```
"""


def parts() -> dict[str, str]:
    """Return what each line of the platform's map names, such as "bundle, ledger", and says."""
    assert lmops.__doc__ is not None
    return {row["names"]: row["what"] for row in _PART.finditer(lmops.__doc__)}


def modules(part: str) -> list[str]:
    """Return the module `part` of the platform, and those within it."""
    package = importlib.import_module(f"lmops.{part}")
    within = pkgutil.iter_modules(getattr(package, "__path__", []), f"{package.__name__}.")
    return [package.__name__, *(each.name for each in within)]


def commands() -> str:
    """Return the page of the commands: their help, in the order of a model's life."""
    context = main.make_context("lmops", ["pack"], terminal_width=WIDTH)
    page = ["# Commands", "What `--help` says.", _help(context)]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        page += [f"## lmops {name}", _help(inner)]
        if isinstance(command, click.Group):
            for verb in command.list_commands(inner):
                found = command.get_command(inner, verb)
                assert found is not None
                page.append(_help(click.Context(found, info_name=verb, parent=inner)))
    return "\n\n".join(page) + "\n"


def _help(context: click.Context) -> str:
    return f"```text\n{context.get_help()}\n```"


def _page(names: str, what: str) -> str:
    found = [module for part in names.split(", ") for module in modules(part)]
    sections = [f"## {module}\n\n{_MODULE.format(name=module)}" for module in found]
    return "\n".join([f"# {names}\n", f"{what[0].upper()}{what[1:]}.\n", *sections])


def _write_pages(app: Sphinx) -> None:
    folder = Path(app.srcdir, FOLDER)
    write(folder / "commands.md", commands())
    rows = ["| part | what |", "|---|---|", f"| [commands]({FOLDER}/commands.md) | what you type |"]
    pages = ["commands"]
    for names, what in parts().items():
        if names in _ON_COMMANDS:
            continue
        page = names.replace(", ", "_")
        write(folder / f"{page}.md", _page(names, what))
        rows.append(f"| [{names}]({FOLDER}/{page}.md) | {what} |")
        pages.append(page)
    contents = ["```{toctree}", ":hidden:", "", *(f"{FOLDER}/{page}" for page in pages), "```"]
    write(folder / "parts.txt", "\n".join([*rows, "", *contents]) + "\n")


def _set_apart(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Have what is indented in a module's docstring, such as a list of files, shown as it is."""
    if what != "module":
        return
    shown: list[str] = []
    within = False
    for line in lines:
        indented = line.startswith("    ")
        if indented and not within:
            shown += ["", "::", ""]
        elif within and line and not indented:
            shown.append("")
        within = indented or (within and not line)
        shown.append(line)
    lines[:] = shown


def _skip(
    app: Sphinx, what: str, name: str, thing: Any, skipped: bool, options: Any
) -> bool | None:
    """Leave out a field of a named tuple: the signature has it, and Python's text says nothing."""
    alias = (getattr(thing, "__doc__", None) or "").startswith("Alias for field number")
    return True if alias else None


def _before_napoleon(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Keep Napoleon from taking a sentence with a colon for a value's type and what it is."""
    if what in ("data", "attribute", "property") and lines:
        lines[0] = lines[0].replace(":", _COLON)


def _after_napoleon(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Have what stands behind a parameter's name told, and not taken for its type."""
    text = "\n".join(lines).replace(_COLON, ":")
    lines[:] = _PARAMETER.sub(r":param \g<name>: \g<told>\g<more>", text).split("\n")


def _shorten(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    """Return a signature that is short, and Python: Sphinx shows no other one well."""
    if not signature:
        return None
    if getattr(thing, "_is_protocol", False):
        return "", ""  # nobody makes one
    if isinstance(thing, type) and issubclass(thing, BaseModel):
        # Each field's bounds are in the API's own page.
        hints = typing.get_type_hints(thing)
        whole = inspect.signature(thing)
        fields = [
            it.replace(annotation=hints.get(it.name, it.annotation))
            for it in whole.parameters.values()
        ]
        short = whole.replace(parameters=fields, return_annotation=inspect.Signature.empty)
        signature = stringify_signature(short, unqualified_typehints=True)
    for pattern, instead in _SAID_SHORTER.items():
        signature = re.sub(pattern, instead, signature)
        returned = re.sub(pattern, instead, returned or "")
    return signature, returned


def _without_values(app: Sphinx, doctree: nodes.document) -> None:
    """Leave out a value that is long, or a folder of the machine that makes the site."""
    here = str(Path(app.srcdir).parent)
    for value in list(doctree.findall(addnodes.desc_annotation)):
        text = value.astext()
        if here in text or (text.startswith(" = ") and len(text) > LONGEST):
            value.parent.remove(value)


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the pages written before Sphinx looks for its sources."""
    app.connect("builder-inited", _write_pages)
    app.connect("doctree-read", _without_values)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("autodoc-process-docstring", _set_apart)
    app.connect("autodoc-process-docstring", _before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", _after_napoleon, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
