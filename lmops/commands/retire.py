"""`lmops retire`: take a version out of service for good."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lmops.commands.book import open_ledger, person_option, refuse_without_right, sync_registry
from lmops.commands.common import No, Wrong, answer, examples, home_option, json_option, say
from lmops.home import Home
from lmops.state import CHAMPION, State, fold, no_retirement

if TYPE_CHECKING:
    import httpx

    from lmops.bundle import Bundle


@click.command(
    epilog=examples(
        "lmops retire 3f2a9c01d4e5b678 --reason 'a better one took its place' --by ann",
        "lmops retire 3f2a9c01d4e5b678 --reason 'it learnt from what was erased' --key lm_... \\",
        "  --service http://127.0.0.1:8000 --service http://127.0.0.1:8001 --by ann",
    )
)
@click.argument("version")
@click.option("--reason", required=True, metavar="TEXT", help="Why it goes; its card will say so.")
@click.option(
    "--successor",
    metavar="VERSION",
    help="What to ask in its place.  [default: the champion, if there is one]",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="URL",
    help="A service that may have it loaded; it is drained. Can be given more than once.",
)
@click.option(
    "--key",
    envvar="LMOPS_KEY",
    metavar="KEY",
    help="A key with the scope admin, for those services.  [default: $LMOPS_KEY]",
)
@click.option(
    "--drain-seconds",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="How long answers that it has begun may take.",
)
@person_option("Who takes it out of service.")
@json_option
@home_option
def retire(
    version: str,
    reason: str,
    successor: str | None,
    services: tuple[str, ...],
    key: str | None,
    drain_seconds: float,
    by: str,
    as_json: bool,
    home: Home,
) -> None:
    """Retire VERSION: it ends what it has begun, and is asked no more.

    The services answer 410 to who asks for it, with its successor. Its card is closed and archived
    with all but its weights, which are deleted. What is done cannot be undone. If the command is
    stopped, type it again.
    """
    from lmops import retire as ends

    with open_ledger(home) as ledger:
        state = fold(ledger.entries)
        refuse_without_right(state, by, "retire")
        known = state.versions.get(version)
        if known and known.retired:
            successor = known.retired.successor
        else:
            successor = successor or state.aliases.get(CHAMPION)
            _refuse(state, version, successor)
    if services and successor is None:
        raise Wrong(
            "There is no version that the services could load. Name one: --successor VERSION"
        )
    if services and key is None:
        raise Wrong(
            "Name a key with the scope admin: --key lm_... (lmops keys add me --scope admin)"
        )
    for url in services:
        _drain(url, version, str(successor), str(key), drain_seconds)
    with open_ledger(home) as ledger:
        state = fold(ledger.entries)
        if not state.versions[version].retired:
            _refuse(state, version, successor)
            today = datetime.now(UTC).date().isoformat()
            found = _load(home.models / version)
            card = (found.folder / "CARD.md").read_text("utf-8")
            closed = ends.closed_card(card, by, today, reason, successor)
            digest = ends.keep(ends.archived(found, closed), home.archive)
            ledger.append(
                "retire",
                version,
                by,
                reason=reason,
                successor=successor,
                archive=digest,
                drained=list(services),
            )
        ends.dispose(home, version)
    ended = sync_registry(home).versions[version].retired
    assert ended
    answer(
        as_json,
        {"version": version, **vars(ended)},
        f"{version} is retired; who asks for it is sent to {ended.successor or 'no other'}",
        f"what is left of it: {home.archive / ended.archive}.tar",
    )


def _refuse(state: State, version: str, successor: str | None) -> None:
    if problem := no_retirement(state, version, successor):
        raise No(f"{version} is not retired: {problem}")


def _load(folder: Path) -> "Bundle":
    from lmops.bundle import BrokenBundle, load

    try:
        return load(folder)
    except BrokenBundle as error:
        raise No(f"{error}\nTo see all that was touched: lmops audit") from error


def _drain(url: str, version: str, successor: str, key: str, seconds: float) -> None:
    """Have a service load the successor if it has the version, and wait until that is at rest."""
    import httpx

    end = time.monotonic() + seconds
    headers = {"authorization": f"Bearer {key}"}
    try:
        with (
            httpx.Client(base_url=url, headers=headers, timeout=30) as client,
            say.status(f"Waiting for {url} to end what it has begun"),
        ):
            loaded = client.get("/healthz").headers.get("x-model-version")
            wanted = successor if loaded == version else loaded
            while version in _load_there(client, str(wanted)):
                if time.monotonic() > end:
                    raise No(
                        f"{url} still writes with {version} after {seconds:g} seconds. "
                        "Type it again, or give it longer: --drain-seconds"
                    )
                time.sleep(0.2)
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise No(f"{url} cannot be asked: {error!r}. Does it run?") from error


def _load_there(client: "httpx.Client", version: str) -> list[str]:
    """Have a service load a version, and return those that it only ends."""
    answered = client.post("/v1/model", json={"version": version})
    if answered.status_code != 200:
        said = answered.json()["error"]["message"]
        raise No(f"{client.base_url} does not load {version}: {said}")
    ending: list[str] = answered.json()["ending"]
    return ending
