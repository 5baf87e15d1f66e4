"""The dashboard: one page of the versions, how they are used, and what they learnt from."""

from collections.abc import Mapping
from datetime import datetime

from markupsafe import Markup

from lmops import page
from lmops.page import Section, Table
from lmops.state import State
from lmops.watch.use import Use, Uses

HOURS = 24
"""How many hours the page shows, at most."""


def dashboard(
    state: State,
    metrics: Mapping[str, Mapping[str, object]],
    uses: Uses,
    losses: Mapping[str, float],
    price: float,
    now: datetime,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    state : what the ledger says
    metrics : what each version's bundle says of itself
    uses : what the log says
    losses : of each version the loss of what it was sent, in nats per character
    price : what a million tokens cost, in any currency
    now : when the page is written, UTC
    """
    champion = state.aliases.get("champion")
    requests = sum(use.requests for use in uses.versions.values())
    count = len(state.versions)
    lead = f"{count} version{'s' * (count != 1)}, {requests:,} requests. " + (
        f"{champion} answers." if champion else "No version is champion."
    )
    return page.page(
        "How the model does",
        lead,
        [
            Section(
                "Versions",
                "Loss is in nats per character. What is sent is short, and so harder to guess than "
                "the validation text: compare its loss with that of other versions and other days.",
                [_versions(state, metrics, losses)],
            ),
            Section("Requests", _refused(uses), [_hours(uses), _requests(uses)]),
            Section(
                "Who asks",
                "A key stands for whoever was given it. Nobody's name is in the log.",
                [_keys(uses)],
            ),
            Section(
                "Is it worth it?",
                f"The cost is {price:g} for a million tokens, read or written. What it earns is an "
                "answer that somebody liked.",
                [_worth(uses, price)],
            ),
            Section("What they learnt from", "", [_data(state, metrics)]),
        ],
        now,
    )


def _versions(
    state: State, metrics: Mapping[str, Mapping[str, object]], losses: Mapping[str, float]
) -> Table:
    rows = []
    for version, known in state.versions.items():
        measured = metrics.get(version, {}).get("validation_loss")
        rows.append(
            (
                version,
                ", ".join(state.names(version)) or ("retired" if known.retired else ""),
                known.registered_at[:10],
                known.verdict or "not asked",
                known.approved_by or "nobody",
                f"{measured:.3f}" if isinstance(measured, float) else "unknown",
                f"{losses[version]:.3f}" if version in losses else "nothing sent",
            )
        )
    head = (
        "version",
        "is",
        "registered",
        "gate",
        "approved by",
        "validation loss",
        "loss of what is sent",
    )
    return Table(head, rows, "No version is registered. Type: lmops register --by NAME")


def _refused(uses: Uses) -> str:
    if not uses.refused:
        return "No request was turned away."
    said = ", ".join(f"{count} with {code}" for code, count in sorted(uses.refused.items()))
    return f"Turned away before a model was asked: {said}."


def _hours(uses: Uses) -> Markup:
    last = list(uses.by_hour.items())[-HOURS:]
    alt = "; ".join(f"{hour}: {count} requests" for hour, count in last) or "no requests"
    return page.bars([(hour, float(count)) for hour, count in last], alt=alt)


def _requests(uses: Uses) -> Table:
    head = ("version", "requests", "failed", "half within (ms)", "95 % within (ms)", "99 % (ms)")
    rows = [
        (
            version,
            use.requests,
            use.failed,
            round(use.percentile(0.5), 1),
            round(use.percentile(0.95), 1),
            round(use.percentile(0.99), 1),
        )
        for version, use in uses.versions.items()
    ]
    return Table(head, rows, "Nobody has asked yet.")


def _keys(uses: Uses) -> Table:
    rows = [
        (key, version, count)
        for version, use in uses.versions.items()
        for key, count in use.by_key.most_common()
    ]
    return Table(("key", "version", "requests"), rows, "Nobody has asked yet.")


def _worth(uses: Uses, price: float) -> Table:
    head = (
        "version",
        "tokens read",
        "tokens written",
        "cost",
        "liked",
        "rated",
        "cost of a liked one",
    )
    rows = [
        (
            version,
            use.tokens_read,
            use.tokens_written,
            round(use.cost(price), 4),
            use.liked,
            use.rated,
            _each(use, price),
        )
        for version, use in uses.versions.items()
    ]
    return Table(head, rows, "Nobody has asked yet.")


def _each(use: Use, price: float) -> str:
    return f"{use.cost(price) / use.liked:.6f}" if use.liked else "none was liked"


def _data(state: State, metrics: Mapping[str, Mapping[str, object]]) -> Table:
    rows = [
        (
            version,
            str(metrics.get(version, {}).get("corpus", "unknown")),
            str(metrics.get(version, {}).get("tokens", "unknown")),
            ", ".join(f"{name} {value[:16]}" for name, value in known.lineage.items()),
        )
        for version, known in state.versions.items()
    ]
    return Table(("version", "corpus", "characters", "lineage"), rows, "No version is registered.")
