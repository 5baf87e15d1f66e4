"""A command that is killed, at one step later each time: what the tests of kills share."""

import shutil
import subprocess
import sys
from pathlib import Path

from lmops.home import Home

KILLED = """
import itertools, json, os, shutil, signal, sys
from pathlib import Path
import torch
from lmops import registry
from lmops.cli import main

torch.set_num_threads(1)
here, argv = Path(sys.argv[1]), sys.argv[2:]
registry.sync = lambda home: sys.exit(0)  # MLflow is told later
STEPS = ("open", "write", "fsync", "ftruncate", "replace", "close", "mkdir", "rename", "unlink")

def run(home):
    try:
        main([*argv, "--home", str(home)], standalone_mode=False)
    except SystemExit as end:
        return end.code or 0
    return 0

def hooked(call, steps, kill_at):
    def step(*arguments, **more):
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **more)
    return step

# Once whole, elsewhere: what the command imports, every child below then has already.
shutil.copytree(here / "before", here / "whole")
run(here / "whole")
for kill_at in range(1, 200):
    home = here / f"home-{kill_at}"
    shutil.copytree(here / "before", home)
    child = os.fork()
    if not child:
        steps = itertools.count(1)
        for name in STEPS:
            setattr(os, name, hooked(getattr(os, name), steps, kill_at))
        os._exit(run(home))
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status):
        print(kill_at, os.WEXITSTATUS(status))
        break
"""


def every_kill(tmp_path: Path, home: Home, *command: str) -> list[Home]:
    """Run a command again and again, killed at one step later each time; return what was left."""
    folder = tmp_path / "kills"
    shutil.copytree(home.folder, folder / "before")
    script = [sys.executable, "-c", KILLED, str(folder), *command]
    run = subprocess.run(script, capture_output=True, text=True, check=True)
    last, code = map(int, run.stdout.splitlines()[-1].split())
    assert code == 0, run.stderr
    assert last > 8
    return [Home(folder / f"home-{step}") for step in range(1, last + 1)]
