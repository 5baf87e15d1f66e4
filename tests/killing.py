"""A command that is killed, at one step later each time: what the tests of kills share."""

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from warm import Forked

from lmops.home import Home

STEPS = ("open", "write", "fsync", "ftruncate", "replace", "close", "mkdir", "rename", "unlink")


def every_kill(tmp_path: Path, home: Home, *command: str) -> list[Home]:
    """Run a command again and again, killed at one step later each time; return what was left."""
    folder = tmp_path / "kills"
    shutil.copytree(home.folder, folder / "before")
    run = Forked(_killed, folder, command)
    with run.stdout:
        said = run.stdout.read()
    assert run.wait() == 0, said
    last, code = map(int, said.splitlines()[-1].split())
    assert code == 0, said
    assert last > 8
    return [Home(folder / f"home-{step}") for step in range(1, last + 1)]


def _killed(here: Path, command: tuple[str, ...]) -> None:
    """Kill it at each step in turn, until one runs to its end: print at which, and its code."""
    from lmops import registry

    def told_later(home: Home) -> None:
        sys.exit(0)

    registry.sync = told_later  # type: ignore[assignment]  # MLflow takes seconds
    # Once whole, elsewhere: what the command imports, every child below then has already.
    shutil.copytree(here / "before", here / "whole")
    _run(command, here / "whole")
    for kill_at in range(1, 200):
        home = here / f"home-{kill_at}"
        shutil.copytree(here / "before", home)
        child = os.fork()
        if not child:
            steps = itertools.count(1)
            for name in STEPS:
                setattr(os, name, _hooked(getattr(os, name), steps, kill_at))
            os._exit(_run(command, home))
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status):
            print(kill_at, os.WEXITSTATUS(status), flush=True)
            break


def _run(command: tuple[str, ...], home: Path) -> int:
    from lmops.cli import main

    try:
        main([*command, "--home", str(home)], standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _hooked(call: Callable[..., Any], steps: Iterator[int], kill_at: int) -> Callable[..., Any]:
    def step(*arguments: Any, **more: Any) -> Any:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **more)

    return step
