"""Where a student's code runs: bubblewrap, or by explicit wish nothing at all."""

import os
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib

import lmcourse

MODES = ("bwrap", "none")

_INSTALL_HELP = """\
Grading runs students' code inside bubblewrap (the command 'bwrap'), and {problem}.
  Debian, Ubuntu:  sudo apt-get install bubblewrap
  Fedora:          sudo dnf install bubblewrap
  macOS, Windows:  run the grader in a Linux machine, a container or WSL 2
To run students' code with no sandbox at all, ask for it: --sandbox none"""

_USERNS_HELP = """\
bubblewrap is here but cannot make a sandbox: {problem}
  Ubuntu 24.04 and later restrict user namespaces. Allow them until the next start with:
      sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0
  In a container, start that one with user namespaces allowed, such as:
      docker run --security-opt seccomp=unconfined ...
To run students' code with no sandbox at all, ask for it: --sandbox none"""


class SandboxMissing(RuntimeError):
    """No sandbox can be made here; the message says what to type."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds of wall time, MiB of memory and of scratch files."""

    cell_seconds: float = 20.0
    call_seconds: float = 10.0
    submission_seconds: float = 120.0
    memory_mb: int = 2048
    scratch_mb: int = 64


def require(mode: str) -> None:
    """Return if this machine can run `mode`.

    Raises
    ------
    SandboxMissing
        If it cannot.
    """
    if mode == "none":
        return
    if shutil.which("bwrap") is None:
        raise SandboxMissing(_INSTALL_HELP.format(problem="it is not installed"))
    trial = subprocess.run(
        [*_isolation(), "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False
    )
    if trial.returncode:
        raise SandboxMissing(_USERNS_HELP.format(problem=trial.stderr.strip()))


def start_worker(mode: str, lesson: str, limits: Limits) -> "subprocess.Popen[bytes]":
    """Start a worker for `lesson`, with pipes to its standard input and output."""
    arguments = [lesson, str(limits.memory_mb), str(int(limits.submission_seconds))]
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "LMCOURSE_WORKER": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    if mode == "none":
        package = Path(lmcourse.__file__).parent.parent
        command = [sys.executable, "-m", "grader.worker", *arguments]
        environment |= {"HOME": os.devnull, "PYTHONPATH": str(package)}
    else:
        command = _bubblewrapped(environment, limits.scratch_mb)
        command += [sys.executable, "-m", "grader.worker", *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # a Ctrl-C is for the judge alone
    )


def _isolation() -> list[str]:
    return [
        *("bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--new-session"),
        *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox"),
        *("--cap-drop", "ALL", "--die-with-parent"),
    ]


def _bubblewrapped(environment: dict[str, str], scratch_mb: int) -> list[str]:
    command = [*_isolation(), "--clearenv"]
    for path in ("/usr", "/etc/ld.so.cache", "/etc/alternatives"):
        command += ["--ro-bind-try", path, path]
    for path in ("/bin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(scratch_mb * 2**20)]
    command += ["--tmpfs", "/tmp", "--dir", "/tmp/matplotlib"]
    for directory in _interpreter():
        command += ["--ro-bind", directory, directory]
    # The course is bound apart from its checkout, which holds the solutions.
    package, here = Path(lmcourse.__file__).parent, Path(__file__).parent
    command += ["--ro-bind", str(package), "/course/lmcourse"]
    for name in ("__init__.py", "worker.py"):
        command += ["--ro-bind", str(here / name), f"/course/grader/{name}"]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", str(fonts), f"/tmp/matplotlib/{fonts.name}"]
    environment = environment | {
        "HOME": "/tmp",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "PYTHONPATH": "/course",
    }
    for name, value in environment.items():
        command += ["--setenv", name, value]
    return [*command, "--chdir", "/tmp", "--remount-ro", "/", "--"]


def _interpreter() -> list[str]:
    """Return the folders of this Python, none of which lies inside another."""
    executable = Path(sys.executable)
    folders = {sys.prefix, sys.base_prefix, *site.getsitepackages()}
    while executable.is_symlink():  # a venv's python may be a chain of links
        executable = executable.parent / os.readlink(executable)
        folders.add(str(executable.parent.parent))
    real = sorted(
        folder for folder in folders if os.path.isdir(folder) and not _inside(folder, "/usr")
    )
    return [folder for folder in real if not any(_inside(folder, o) for o in real if o != folder)]


def _inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
