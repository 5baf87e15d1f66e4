"""`lmops roles`: who may do what."""

import click
from rich.console import Console
from rich.table import Table

from lmops.commands.book import as_name, open_ledger, person_option, read_state
from lmops.commands.common import No, answer, examples, home_option, json_option
from lmops.home import Home
from lmops.roles import ROLES
from lmops.state import State, fold, no_change_of_role


@click.group(
    epilog=examples(
        "lmops roles grant ann admin --by ann    # the first grant; from now on the table holds",
        "lmops roles grant bob reviewer --by ann",
        "lmops roles withdraw bob reviewer --by ann",
        "lmops roles list",
    )
)
def roles() -> None:
    """Say who may register, approve, promote, retire and erase.

    As long as nobody was granted a role, everybody may do everything; but never approve what they
    registered themselves.
    """


@roles.command(epilog=examples("lmops roles grant bob reviewer --by ann"))
@click.argument("person", callback=as_name)
@click.argument("role", type=click.Choice(list(ROLES)))
@person_option("Which admin grants it.")
@json_option
@home_option
def grant(person: str, role: str, by: str, as_json: bool, home: Home) -> None:
    """Give PERSON a ROLE."""
    _change("grant", person, role, by, as_json, home)


@roles.command(epilog=examples("lmops roles withdraw bob reviewer --by ann"))
@click.argument("person", callback=as_name)
@click.argument("role", type=click.Choice(list(ROLES)))
@person_option("Which admin withdraws it.")
@json_option
@home_option
def withdraw(person: str, role: str, by: str, as_json: bool, home: Home) -> None:
    """Take a ROLE from PERSON.

    What they approved as a reviewer and was never champion has to be approved again by somebody
    who may.
    """
    _change("withdraw", person, role, by, as_json, home)


def _change(event: str, person: str, role: str, by: str, as_json: bool, home: Home) -> None:
    with open_ledger(home) as ledger:
        state = fold(ledger.entries)
        if problem := no_change_of_role(state, event, person, role, by):
            raise No(problem)
        if event == "withdraw" or not state.has_role(person, role):
            ledger.append(event, None, by, person=person, role=role)
        after = fold(ledger.entries)
    again = [
        name for name, one in state.versions.items()
        if one.approved_by and not after.versions[name].approved_by
    ]  # fmt: skip
    answer(
        as_json,
        {"person": person, "role": role, "roles": _held(after, person), "approve_again": again},
        f"{person} is now: {', '.join(_held(after, person)) or 'without a role'}",
        *(f"to be approved again: lmops approve {name} --by NAME" for name in again),
    )


def _held(state: State, person: str) -> list[str]:
    return [role for role in ROLES if state.has_role(person, role)]


@roles.command(name="list", epilog=examples("lmops roles list"))
@json_option
@home_option
def list_(as_json: bool, home: Home) -> None:
    """Show what each role may do, and who has it."""
    state = read_state(home)
    if as_json:
        rows = {
            role: {"may": sorted(events), "persons": list(state.roles.get(role, {}).values())}
            for role, events in ROLES.items()
        }
        answer(True, {"roles": rows, "open": not state.roles})
        return
    table = Table("role", "may", "who", box=None)
    for role, events in ROLES.items():
        who = ", ".join(state.roles.get(role, {}).values()) or "-"
        table.add_row(role, ", ".join(sorted(events)), who)
    Console(highlight=False).print(table)
    if not state.roles:
        click.echo("Nobody has a role, so all may. Type: lmops roles grant NAME admin --by NAME")
