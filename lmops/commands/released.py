"""What the commands share that release: an environment, its controller, and how it is said."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lmops.commands.book import as_name, sync_registry
from lmops.commands.common import No, Wrong, answer, say
from lmops.home import Home
from lmops.ledger import BrokenLedger, Ledger
from lmops.roles import PLATFORM

if TYPE_CHECKING:
    from lmops.release.controller import Controller
    from lmops.release.journal import Environment, Rollout

Function = TypeVar("Function", bound=Callable[..., Any])

PORTS = {"staging": 8081, "production": 8080}

environment_choice = click.Choice(tuple(PORTS))


def releaser_option(function: Function) -> Function:
    """Add `--by` to a command that a pipeline types as well, as its argument `by`."""
    option = click.option(
        "--by",
        metavar="NAME",
        callback=_as_name,
        help="Whose word it is.  [default: the platform's own]",
    )
    return option(function)


def _as_name(context: click.Context, parameter: click.Parameter, name: str | None) -> str:
    return PLATFORM if name is None else as_name(context, parameter, name)


def environment_of(home: Home, name: str) -> "Environment":
    """Return what an environment should be, by the ledger."""
    from lmops.release.journal import read

    return read(Ledger(home.ledger).entries(), name)


@contextmanager
def told() -> Iterator[None]:
    """Say in a command's words what stands in the way of a release."""
    from lmops.release.controller import NoRollout
    from lmops.release.fleet import NoReplica
    from lmops.release.proxy import NoProxy

    try:
        yield
    except NoRollout as error:
        raise No(str(error)) from error
    except BrokenLedger as error:
        raise No(f"{error}\nTo see all that was touched: lmops audit") from error
    except NoProxy as error:
        raise Wrong(str(error)) from error
    except NoReplica as error:
        raise Wrong(
            f"{error}\nIf its files are sound (lmops audit), type again what you typed: it goes on"
        ) from error


@contextmanager
def controlling(home: Home, name: str, notebook: Path | None = None) -> Iterator["Controller"]:
    """Give the controller of an environment, once no other one is at work there."""
    from lmops.release.controller import Controller
    from lmops.release.decision import decide
    from lmops.release.readings import Losses, Readings
    from lmops.release.site import Site

    site = Site(home, name)
    decision = hashlib.sha256(notebook.read_bytes()).hexdigest() if notebook else "lmops"
    controller = Controller(
        Ledger(home.ledger),
        site,
        name,
        Readings(home, site.counts, Losses(home.models)),
        _own(notebook) if notebook else decide,
        decision=decision,
        tell=lambda line: say.print(line, markup=False),
    )
    with told():
        with site.alone(wait=False) as free:
            if free:
                yield controller
                return
        say.print(f"Another command is at work in {name}; waiting for it.")
        with site.alone():
            yield controller


def _own(path: Path) -> Any:
    """Return the decision in a student's notebook."""
    from lmops import notebooks
    from lmops.own import NoFunction
    from lmops.release.decision import own_decision

    try:
        return own_decision(notebooks.read(path))
    except (notebooks.NoNotebook, NoFunction) as error:
        raise Wrong(f"{error}. Name your notebook of lesson 14.") from error


def tell_outcome(
    home: Home, name: str, version: str, ended: "Rollout | None", as_json: bool
) -> None:
    """Say how a rollout of `version` ended; None where there was nothing to do."""
    now = environment_of(home, name)
    if ended and ended.outcome == "promote" and name == "production":
        sync_registry(home)
    answer(
        as_json,
        {
            "environment": name,
            "version": version,
            "outcome": ended.outcome if ended else None,
            "reasons": ended.reasons if ended else [],
            "live": now.version,
            "url": f"http://{now.bind}",
        },
        *(f"- {reason}" for reason in (ended.reasons if ended else [])),
        f"{name} answers with {now.version or 'nothing'} at http://{now.bind}/v1",
    )
