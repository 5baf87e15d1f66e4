"""What all commands share: options, what is said where, and how a command ends.

On stdout stands the answer: lines for people, or with `--json` one JSON object. All else, progress
too, goes to stderr. The exit code is 0 when it is done, 1 when the answer is no (`No`), and 2 when
the command or its input is wrong (`Wrong`).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from lmops.home import Home

Function = TypeVar("Function", bound=Callable[..., Any])

say = Console(stderr=True, highlight=False)
"""Where messages and progress go."""


class No(click.ClickException):
    """The answer is no: a gate that blocks, a bundle that is not sound."""

    exit_code = 1


class Wrong(click.ClickException):
    """The command cannot be done with what it was given. Says what to type instead."""

    exit_code = 2


def examples(*lines: str) -> str:
    r"""Return the end of a command's help: `lines`, each a command that can be typed."""
    return "\b\nexamples:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(function: Function) -> Function:
    """Add `--json` to a command, as its argument `as_json`."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    return option(function)


def _as_home(context: click.Context, parameter: click.Parameter, folder: Path) -> Home:
    return Home(folder)


def home_option(function: Function) -> Function:
    """Add `--home` to a command, as its argument `home`."""
    option = click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(".lmops"),
        show_default=True,
        envvar="LMOPS_HOME",
        show_envvar=True,
        metavar="DIR",
        callback=_as_home,
        help="Where ledger, registry and models are kept.",
    )
    return option(function)


def answer(as_json: bool, data: dict[str, Any], *lines: str) -> None:
    """Print what a command found: `data` as one JSON object, or `lines` for people."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)
