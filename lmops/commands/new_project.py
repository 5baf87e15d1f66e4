"""`lmops new-project`: a repository of your own, out of your model and your notebooks."""

import shlex
from pathlib import Path

import click

from lmops.commands.common import Wrong, answer, examples, json_option, say


@click.command(
    name="new-project",
    epilog=examples(
        "lmops new-project my_project",
        "lmops new-project my_project notebooks/1[0-5]*.ipynb --model my_model",
        "lmops new-project my_project --update",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("notebooks", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    default=Path("my_model"),
    show_default=True,
    metavar="BUNDLE",
    help="The model to ship, as lmops pack wrote it.",
)
@click.option(
    "--update", is_flag=True, help="Fill in what still says TODO in DIR, and leave all else alone."
)
@json_option
def new_project(
    folder: Path, notebooks: tuple[Path, ...], model: Path, update: bool, as_json: bool
) -> None:
    """Write the repository of the project into DIR, a new folder.

    It holds your model, and what your NOTEBOOKS of lessons 10 to 15 say; without any, those here or
    in notebooks/. What is not written there yet is left to do, and README.md lists it.
    """
    from lmops import bundle
    from lmops import new_project as projects
    from lmops.notebooks import NoNotebook, read

    try:
        packed = bundle.load(model)
    except bundle.BrokenBundle as error:
        raise Wrong(f"{error}\nType first: lmops pack") from error
    try:
        given = [read(path) for path in notebooks or _found()]
    except NoNotebook as error:
        raise Wrong(f"{error}. Name your notebooks of lessons 10 to 15.") from error
    try:
        made = projects.update(folder, given) if update else projects.make(folder, packed, given)
    except FileExistsError:
        raise Wrong(
            f"{shlex.quote(str(folder))} is there already. Name a new folder; or, to fill in what "
            "still says TODO, add --update."
        ) from None
    except projects.NoProject as error:
        raise Wrong(str(error)) from None
    for name, what in made.todo.items():
        say.print(f"to do: {name}: {what}", markup=False)
    answer(
        as_json,
        {
            "folder": str(folder),
            "version": packed.version,
            "own": list(made.own),
            "todo": dict(made.todo),
        },
        f"{folder}, with version {packed.version}; yours: {', '.join(made.own) or 'nothing yet'}",
        f"Next: cd {shlex.quote(str(folder))} && git init --initial-branch main"
        if not update
        else f"Next: cd {shlex.quote(str(folder))} && git diff",
    )


def _found() -> list[Path]:
    """Return the notebooks that lie where one would look for them, if any do."""
    return sorted(Path().glob("1[0-5]_*.ipynb")) or sorted(Path("notebooks").glob("1[0-5]_*.ipynb"))
