"""`lmops ship`: one model's whole life in a few minutes, and a page that tells it."""

import io
import json
import sys
import tempfile
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from lmops.commands.common import No, Wrong, answer, examples, json_option
from lmops.home import Home

if TYPE_CHECKING:
    from lmops.ship.day import Typed

PACKED = ("05", "06", "07")
OWN = {"10": "gate", "14": "canary_decision", "15": "drift_detector"}


@click.command(
    epilog=examples(
        "lmops ship",
        "lmops ship --with 10_test_and_gate.ipynb --with 15_live_and_retire.ipynb",
        "lmops ship --page day.html --home day",
    )
)
@click.option(
    "--with",
    "notebooks",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="NOTEBOOK",
    help="Yours: of lessons 05 to 07 for the model; of 10, 14 and 15 for your own gate, "
    "canary_decision and drift_detector. Can be given more than once.",
)
@click.option(
    "--page",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("ship.html"),
    show_default=True,
    metavar="FILE",
    help="Where the page goes that tells the day.",
)
@click.option(
    "--home",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="An empty folder in which to keep ledger, models and logs.  [default: none is kept]",
)
@json_option
@click.pass_context
def ship(
    context: click.Context,
    notebooks: tuple[Path, ...],
    file: Path,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Live through a model's whole life, and write a page that tells it hour by hour.

    Packed, trained, gated, registered, approved, released behind HAProxy to users who never stop
    asking; a bad canary and a good one, an alert, drift, a retraining, an erasure, a retirement; at
    the end the books are read. All by the commands that a person would type, which the page shows.

    Where HAProxy or Prometheus is not installed, its chapters are told from a recording. Exits with
    1 if the day did not go as everybody hoped.
    """
    from lmops.ship import story, tale
    from lmops.ship.day import Day

    given = _by_lesson(notebooks)
    packed = [given[lesson] for lesson in PACKED if lesson in given] or _here()
    if not file.absolute().parent.is_dir():
        raise Wrong(f"{file.parent} is no folder. Name another place for the page: --page FILE")
    root = context.find_root().command
    say = Console(file=sys.stderr, highlight=False)  # this one: what commands say is kept apart
    with ExitStack() as open_:
        place = folder or Path(
            open_.enter_context(tempfile.TemporaryDirectory(prefix="lmops-ship-"))
        )
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            raise Wrong(f"{place} is not empty. Name another folder: --home DIR")
        status = open_.enter_context(say.status("The day begins ..."))
        day = Day(
            home=Home(place / ".lmops"),
            folder=place,
            type_=lambda words: _typed(root, words),
            packed=packed,
            own={lesson: given[lesson] for lesson in OWN if lesson in given},
            tell=lambda line: status.update(line) if line.startswith("lmops") else say.print(line),
        )
        told = story.live(day)
    file.write_text(tale.page_of(told, datetime.now(UTC)), "utf-8")
    bad = [each.title for each in told if not each.good]
    answer(
        as_json,
        {"page": str(file), "chapters": [vars(each) for each in told], "bad": bad},
        *sorted({f"Told from a recording: {each.missing}" for each in told if each.missing}),
        f"The day is told in {file}",
    )
    if bad:
        raise No(f"Not as everybody hoped: {', '.join(bad)}")


def _typed(root: click.Command, words: list[str]) -> "Typed":
    """Type a command, in this process: each of them anew would wait seconds for torch."""
    from lmops.ship.day import Typed

    out, said = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(said):
        try:
            code = root.main(words, prog_name="lmops", standalone_mode=False) or 0
        except click.ClickException as error:
            code = error.exit_code
            error.show(said)
        except click.exceptions.Exit as error:
            code = error.exit_code
    lines = out.getvalue().splitlines()
    return Typed(code, json.loads(lines[0]) if lines else {}, said.getvalue())


def _by_lesson(notebooks: tuple[Path, ...]) -> dict[str, Path]:
    from lmops import notebooks as books
    from lmops.own import NoFunction, own

    found: dict[str, Path] = {}
    for path in notebooks:
        try:
            read = books.read(path)
            lesson = read.lesson[:2]
            if lesson in OWN:
                own(read, OWN[lesson])
        except (books.NoNotebook, NoFunction) as error:
            raise Wrong(f"{error}. Name a notebook in which it is written.") from error
        if lesson not in (*PACKED, *OWN):
            taken = ", ".join((*PACKED, *OWN))
            raise Wrong(f"{path} is of lesson {lesson}; what is taken are lessons {taken}.")
        if lesson in found:
            raise Wrong(f"{found[lesson]} and {path} are both of lesson {lesson}. Name one.")
        found[lesson] = path
    return found


def _here() -> list[Path]:
    """Return the notebooks of the model that lie where one would look for them."""
    for folder in (Path(), Path("notebooks")):
        if found := sorted(folder.glob("0[567]_*.ipynb")):
            return found
    raise Wrong(
        "There is no 05_*.ipynb, 06_*.ipynb or 07_*.ipynb here or in notebooks/. Type where they "
        "are: lmops ship --with FOLDER/07_gpt.ipynb"
    )
