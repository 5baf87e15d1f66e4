"""`lmops pipeline`: run a pipeline here, say what it would do, and approve where it may go."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from lmcourse.pipelines.runs import Reason
from lmops.commands.book import open_ledger, person_option
from lmops.commands.common import (
    No,
    Wrong,
    answer,
    examples,
    home_option,
    json_option,
    say,
)
from lmops.home import Home

if TYPE_CHECKING:
    from lmcourse.pipelines.model import Pipeline
    from lmcourse.pipelines.runs import Run
    from lmops.pipeline.checkout import Repository

SVG = click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw the run into this file."
)
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group(
    epilog=examples(
        "lmops pipeline run azure-pipelines.yml",
        "lmops pipeline simulate azure-pipelines.yml --scenario night.yml",
        "lmops pipeline approve production --by bob",
    )
)
def pipeline() -> None:
    """Run a pipeline on this machine, or say what it would do.

    The file is an azure-pipelines.yml, in a strict subset of Azure's language: what is not known is
    refused, with its line.
    """


@pipeline.command(
    epilog=examples(
        "lmops pipeline run azure-pipelines.yml",
        "lmops pipeline run azure-pipelines.yml --reason PullRequest --wait 30",
        "TOKEN=... lmops pipeline run azure-pipelines.yml --secret TOKEN",
    )
)
@FILE
@click.option(
    "--reason",
    type=click.Choice(get_args(Reason)),
    default="Manual",
    show_default=True,
    help="What starts it.",
)
@click.option("--branch", metavar="NAME", help="For which branch.  [default: the one here]")
@click.option("--by", metavar="NAME", help="Who asks.  [default: git's user.name]")
@click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE", help="Set one.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="Take a secret from the environment variable NAME.",
)
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Set one.")
@click.option(
    "--protect",
    "protected",
    multiple=True,
    default=["production"],
    show_default=True,
    metavar="ENVIRONMENT",
    help="Let nothing in that nobody has approved.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="MINUTES",
    help="How long to wait for an approval.",
)
@SVG
@json_option
@home_option
def run(
    file: Path,
    reason: Reason,
    branch: str | None,
    by: str | None,
    variables: tuple[str, ...],
    secrets: tuple[str, ...],
    parameters: tuple[str, ...],
    protected: tuple[str, ...],
    wait: float,
    svg: Path | None,
    as_json: bool,
    home: Home,
) -> None:
    """Run the pipeline in FILE for real: its scripts, with bash, one job after the other.

    Each job begins with an empty folder, into which its checkout brings the commit that is checked
    out here, and what is not committed yet. Ctrl-C (or SIGTERM) cancels the run: steps with
    always() still run. Exits with 0 if the run succeeded, with 1 if not.
    """
    from lmcourse.pipelines.azure import schedule
    from lmcourse.pipelines.errors import Refused
    from lmcourse.pipelines.runs import Start
    from lmops.ledger import BrokenLedger, Ledger
    from lmops.pipeline import checkout, workspace
    from lmops.pipeline.worker import Hands

    repository = _repository(file, home)
    chosen = _pairs("--parameter", parameters)
    read = _read(file, repository.templates(), repository.root, chosen)
    given = _pairs("--variable", variables)
    for name in secrets:
        if name not in os.environ:
            raise Wrong(f"There is no environment variable {name}. Type: {name}=... lmops ...")
        given[name] = os.environ[name]
    folders = workspace.make(home.pipelines)
    given = {**folders.variables(), "LMOPS_HOME": str(home.folder.resolve()), **given}
    branch = branch or repository.branch or "main"
    asked = by or checkout.person(repository.root) or "somebody"
    start = Start(
        reason,
        branch,
        by=asked,
        variables=given,
        secrets=frozenset(secrets),
        commit=repository.commit,
        number=folders.number,
    )
    if repository.changed:
        say.print(f"With what is not committed: {len(repository.changed)} files.")
    with (
        _as_ctrl_c(signal.SIGTERM),
        Hands(
            repository,
            start,
            folders,
            Ledger(home.ledger),
            lambda line: click.echo(line, err=True),
            frozenset(protected),
            wait * 60,
        ) as hands,
    ):
        try:
            ran = schedule.run(read, start, hands)
        except BrokenLedger as error:
            raise No(f"{error}\nTo see all that was touched: lmops audit") from error
        except Refused as error:
            raise Wrong(str(error)) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
    _told(
        ran, as_json, svg, hands.secrets.hide, {"number": folders.number, "log": str(folders.log)}
    )


@pipeline.command(
    epilog=examples(
        "lmops pipeline simulate azure-pipelines.yml",
        "lmops pipeline simulate azure-pipelines.yml --scenario gate-says-no.yml",
        "lmops pipeline simulate azure-pipelines.yml --scenario night.yml --json",
    )
)
@FILE
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What starts it, and how each command would end.  [default: a good day on main]",
)
@click.option(
    "--repository",
    default="ada/model",
    show_default=True,
    metavar="OWNER/NAME",
    help="Of a GitHub workflow: in which repository.",
)
@SVG
@json_option
def simulate(
    file: Path, scenario: Path | None, repository: str, svg: Path | None, as_json: bool
) -> None:
    """Say what the pipeline in FILE would do in a situation. Nothing of it is run.

    FILE can also be a workflow in .github/workflows/. Exits with 0 if the run would succeed, with 1
    if not.
    """
    from lmcourse.pipelines.azure.simulate import simulate as simulated
    from lmcourse.pipelines.errors import Refused
    from lmcourse.pipelines.github.reading import read_workflow
    from lmcourse.pipelines.github.simulate import simulate_workflow
    from lmcourse.pipelines.scenarios import good_day, read_scenario

    try:
        situation = read_scenario(_text(scenario), str(scenario)) if scenario else good_day()
        if file.resolve().parent.parts[-2:] == (".github", "workflows"):
            workflow = read_workflow(_text(file), str(file))
            ran = simulate_workflow(workflow, situation, repository)
        else:
            ran = simulated(_read(file, *_templates(file), {}), situation)
    except Refused as error:
        raise Wrong(str(error)) from error
    _told(ran, as_json, svg)


@pipeline.command(
    epilog=examples(
        "lmops pipeline approve production --by bob",
        "lmops pipeline approve production --by bob --reject",
    )
)
@click.argument("environment")
@person_option("Who says so; not whose change it is.")
@click.option("--reject", is_flag=True, help="Say that it may not.")
@json_option
@home_option
def approve(environment: str, by: str, reject: bool, as_json: bool, home: Home) -> None:
    """Say that the commit that is checked out here may go into ENVIRONMENT.

    It stands in the ledger from then on, and holds for this commit alone. Whose change it is
    cannot approve it.
    """
    from lmops.pipeline.approvals import APPROVE, REJECT, no_approval
    from lmops.state import fold

    repository = _repository(Path.cwd(), home)
    if repository.changed:
        raise No(
            f"{len(repository.changed)} files are not committed, such as {repository.changed[0]}, "
            "and an approval is for a commit. Type: git commit"
        )
    event = REJECT if reject else APPROVE
    with open_ledger(home) as ledger:
        if problem := no_approval(fold(ledger.entries), by, repository.authors):
            raise No(f"{problem}. Type: lmops pipeline approve {environment} --by SOMEBODY-ELSE")
        line = ledger.append(
            event, None, by, environment=environment, commit=repository.commit
        ).number
    data = {"environment": environment, "commit": repository.commit, "by": by, "line": line}
    word = "rejected" if reject else "approved"
    answer(
        as_json,
        {**data, "approved": not reject},
        f"{repository.commit[:12]} is {word} for {environment} by {by} (line {line} of the ledger)",
    )


# --- What they share ----------------------------------------------------------------------------


def _repository(near: Path, home: Home) -> "Repository":
    from lmops.pipeline.checkout import NoRepository, find

    try:
        return find(near.resolve(), home.folder)
    except NoRepository as error:
        raise Wrong(str(error)) from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path} cannot be read: {error}. Name a file that is there") from error


def _templates(file: Path) -> tuple[dict[str, str], Path]:
    """Return the YAML files of the repository in which a pipeline lies, and its top.

    Where there is no repository: those in and below the pipeline's own folder.
    """
    near = file.resolve().parent
    root = next((each for each in (near, *near.parents) if (each / ".git").exists()), near)
    paths = [path for depth in ("", "*/", "*/*/") for path in root.glob(f"{depth}*.yml")]
    return {
        path.relative_to(root).as_posix(): _text(path) for path in paths if path.is_file()
    }, root


def _read(file: Path, files: dict[str, str], root: Path, parameters: dict[str, str]) -> "Pipeline":
    from lmcourse.pipelines.azure.reading import read
    from lmcourse.pipelines.errors import Refused

    text = _text(file)
    try:
        name = file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        name = str(file)
    try:
        return read(text, name, files, parameters)
    except Refused as error:
        raise Wrong(str(error)) from error


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    wrong = [each for each in given if "=" not in each]
    if wrong:
        raise Wrong(f"{option} takes NAME=VALUE, and not {wrong[0]!r}")
    return dict(each.split("=", 1) for each in given)


@contextmanager
def _as_ctrl_c(number: signal.Signals) -> Iterator[None]:
    """Let a signal do what Ctrl-C does: nothing that was started is left behind."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _told(
    ran: "Run",
    as_json: bool,
    svg: Path | None,
    hide: Callable[[str], str] = str,
    more: dict[str, Any] | None = None,
) -> None:
    """Show a run, and end as it did."""
    from rich.console import Console

    from lmcourse.pipelines import picture
    from lmcourse.pipelines.runs import GOOD
    from lmops.pipeline import graph

    if svg:
        svg.write_text(hide(picture.draw(ran).svg), "utf-8")
    if as_json:
        click.echo(hide(json.dumps({**graph.data(ran), **(more or {})}, ensure_ascii=False)))
    else:
        out = Console(highlight=False)
        out.print(graph.graph(ran, out.width))
        for line in graph.account(ran):
            out.print(hide(line), markup=False, soft_wrap=True)
    if not ran.started:
        raise No(f"The pipeline does not start: {ran.why}")
    if ran.ended not in GOOD:
        was = "" if ran.ended == "failed" else "was "
        raise No(f"The run {was}{picture.WORDS[ran.ended]}.")
