"""`lmops expire-logs`: delete the service's logs after some days, and say so in the ledger."""

from datetime import UTC, date, datetime

import click

from lmops.commands.book import open_ledger
from lmops.commands.common import No, answer, examples, home_option, json_option
from lmops.home import Home
from lmops.privacy import ClockWentBack, due, expire


@click.command(epilog=examples("lmops expire-logs --days 30"))
@click.option("--days", type=click.IntRange(0), default=30, show_default=True, metavar="N")
@json_option
@home_option
def expire_logs(days: int, as_json: bool, home: Home) -> None:
    """Delete the request logs of all days that are more than N days ago.

    With them go the stories of those days that were to be learnt from.
    """
    today = datetime.now(UTC).date()
    with open_ledger(home) as ledger:
        newest = max((entry.time[:10] for entry in ledger.entries), default="")
        if newest and date.fromisoformat(newest) > today:
            raise No(
                f"The ledger has a line of {newest}, which is after today, {today}: the clock went "
                "back, so no log was deleted. Set the clock."
            )
        try:
            folders = (home.logs, home.data)
            old = [path for folder in folders for path in due(folder, days, today)]
            names = [str(path.relative_to(home.folder)) for path in old]
        except ClockWentBack as error:
            raise No(str(error)) from error
        if names:
            # Said first: a log may outlive this line if the process is killed, but goes the next
            # time; it cannot go unsaid.
            ledger.append("expire-logs", None, "lmops", days=days, files=names)
            for folder in folders:
                expire(folder, days, today)
    answer(as_json, {"days": days, "deleted": names}, f"{len(names)} days' logs deleted", *names)
