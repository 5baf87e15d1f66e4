"""What the commands share that read or write the ledger: whose word it is, and how it is opened."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from lmops.commands.common import No, say
from lmops.home import Home
from lmops.ledger import BrokenLedger, Ledger, Writer
from lmops.roles import PLATFORM, same_person
from lmops.state import State, fold, no_right

Function = TypeVar("Function", bound=Callable[..., Any])


def person_option(what: str) -> Callable[[Function], Function]:
    """Return an option `--by NAME` of a command, which is `what`."""
    return click.option("--by", required=True, metavar="NAME", callback=as_name, help=what)


def as_name(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """Return a person's name that was typed, which must be one."""
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > 64:
        raise click.BadParameter("a name has 1 to 64 characters, all of which can be seen")
    if same_person(name, PLATFORM):
        raise click.BadParameter(f"{PLATFORM} is the platform's own name; give a person's")
    return name


@contextmanager
def open_ledger(home: Home) -> Iterator[Writer]:
    """Give the ledger, locked: what was read in it holds until something is written to it."""
    try:
        with Ledger(home.ledger).writing() as writer:
            yield writer
    except BrokenLedger as error:
        raise _broken(error) from error


@contextmanager
def no_training_beside(home: Home) -> Iterator[None]:
    """Hold the one place in which a retraining runs; end the command if another one is there."""
    home.trainings.mkdir(parents=True, exist_ok=True)
    with (home.trainings / "retrain.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it is closed, or kill -9
        except BlockingIOError:
            raise No("A retraining is under way. Type it again after its end") from None
        yield


def refuse_without_right(state: State, by: str, event: str) -> None:
    """End the command unless `by` may do this."""
    if problem := no_right(state, by, event):
        raise No(problem)


def read_state(home: Home) -> State:
    """Return what holds, by the ledger."""
    try:
        return fold(Ledger(home.ledger).entries())
    except BrokenLedger as error:
        raise _broken(error) from error


def _broken(error: BrokenLedger) -> No:
    return No(f"{error}\nTo see all that was touched: lmops audit")


def sync_registry(home: Home) -> State:
    """Bring MLflow to where the ledger is. Should it not go along, what was done is done."""
    from lmops import registry

    try:
        with say.status("telling MLflow"):
            return registry.sync(home)
    except registry.OutOfStep as error:
        say.print(
            f"The ledger has it, but {error}.\nTo make MLflow anew: lmops registry rebuild",
            markup=False,
        )
        return read_state(home)
