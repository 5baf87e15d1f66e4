"""The `lmops` command."""

from importlib import import_module

import click

COMMANDS = (
    "pack",
    "train",
    "gate",
    "slices",
    "register",
    "approve",
    "promote",
    "roles",
    "quantize",
    "keys",
    "serve",
    "models",
    "watch",
    "drift",
    "retrain",
    "erase",
    "retire",
    "audit",
    "registry",
    "expire-logs",
)
"""The commands in the order of a model's life. Each is a click command of its own name in
`lmops/commands/<name>.py`, with `_` where the name has `-`."""


class _Life(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names in the order of a model's life."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command `name`, or None if there is none."""
        if name not in COMMANDS:
            return None
        module = name.replace("-", "_")
        command: click.Command = getattr(import_module(f"lmops.commands.{module}"), module)
        return command


@click.group(
    cls=_Life,
    epilog="'lmops COMMAND --help' shows a command's options and examples.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="lmcourse", prog_name="lmops", message="%(prog)s %(version)s")
def main() -> None:
    """Take a finished model through its life, from the notebooks to its retirement."""


if __name__ == "__main__":
    main()
