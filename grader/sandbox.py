"""Where a student's code runs: bubblewrap, or by explicit wish nothing at all."""

import contextlib
import json
import math
import os
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lmcourse
from grader.limits import Limits
from grader.lockdown import SCRATCH
from grader.places import lessons

FONTS = f"{SCRATCH}/matplotlib"
START_SECONDS = 60.0

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


class SandboxMissing(OSError):
    """No sandbox can be made here; the message says what to type."""


def require(mode: str) -> None:
    """Return if this machine can run `mode`.

    Raises
    ------
    SandboxMissing
        If it cannot.
    """
    if sys.platform == "win32":
        raise SandboxMissing("The grader runs on Linux and macOS. On Windows, run it in WSL 2.")
    if mode == "none":
        return
    if shutil.which("bwrap") is None:
        raise SandboxMissing(_INSTALL_HELP.format(problem="it is not installed"))
    trial = subprocess.run(
        [*_isolation(), "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False
    )
    if trial.returncode:
        raise SandboxMissing(_USERNS_HELP.format(problem=trial.stderr.strip()))


@dataclass(frozen=True)
class Process:
    """A worker's process, and the judge's end of its socket."""

    socket: socket.socket
    kill: Callable[[], None]

    def end(self) -> None:
        """Kill the process and all that it started, and wait for their end."""
        self.kill()
        with self.socket, contextlib.suppress(OSError):
            self.socket.settimeout(START_SECONDS)
            while self.socket.recv(2**16):  # ends when nobody holds the other end any more
                pass


class Sandbox:
    """Starts workers.

    `isolation` says how: "warm" (forks of one warm parent in bubblewrap, sealed off from each
    other), "cold" (one bubblewrap each, where the kernel cannot seal a fork) or "none". `limits`
    are those of the class, before any exercise's own.

    Raises
    ------
    SandboxMissing
        If this machine cannot run `mode`.
    """

    def __init__(self, mode: str, limits: Limits) -> None:
        require(mode)
        self.limits = limits
        self._server: _ForkServer | None = None
        self.isolation = "none"
        if mode == "bwrap":
            try:
                self._server = _ForkServer()
                self._server.fork(lessons()[0], limits).end()
                self.isolation = "warm"
            except OSError:
                self.close()
                self.isolation = "cold"

    @property
    def warm_parent(self) -> int | None:
        """The number of the warm parent's process, or None if there is none that lives."""
        return self._server.process_id if self._server is not None else None

    def start(self, lesson: str, limits: Limits) -> Process:
        """Start a worker for `lesson`, which can never use more than `limits` allow."""
        if self._server is not None:
            try:
                return self._server.fork(lesson, limits)
            except OSError:  # the warm parent itself was killed, say for lack of memory
                self._server.close()
                self._server = _ForkServer()
                return self._server.fork(lesson, limits)
        ours, theirs = socket.socketpair()
        arguments = [lesson, str(limits.memory_mb), str(_cpu_seconds(limits))]
        wrapped = _bubblewrapped(limits.scratch_mb) if self.isolation == "cold" else []
        process = _start("grader.worker", wrapped, theirs, arguments)
        return Process(ours, lambda: _end(process))

    def close(self) -> None:
        """End the warm parent, if there is one."""
        if self._server is not None:
            self._server.close()
            self._server = None


class _ForkServer:
    """The judge's end of `grader.forkserver`."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        wrapped = _bubblewrapped(scratch_mb=1, nested=True)
        self._process = _start("grader.forkserver", wrapped, theirs, [])
        if not self._control.recv(64):
            self.close()
            raise OSError("the warm parent did not start")

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process.poll() is None else None

    def fork(self, lesson: str, limits: Limits) -> Process:
        request = {
            "lesson": lesson,
            "memory_mb": limits.memory_mb,
            "cpu_seconds": _cpu_seconds(limits),
            "scratch_mb": limits.scratch_mb,
        }
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
            answer, handles, _, _ = socket.recv_fds(self._control, 4096, 1)
            if not handles:
                raise OSError(answer.decode(errors="replace") or "the warm parent is gone")
        except OSError:
            ours.close()
            raise
        return Process(ours, lambda: _end_by_handle(handles[0]))

    def close(self) -> None:
        self._control.close()
        _end(self._process)


def _cpu_seconds(limits: Limits) -> int:
    return math.ceil(limits.submission_seconds)


def _start(
    module: str, wrapped: list[str], theirs: socket.socket, arguments: list[str]
) -> "subprocess.Popen[bytes]":
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "LMCOURSE_WORKER": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    if wrapped:
        environment |= {"HOME": SCRATCH, "TMPDIR": SCRATCH, "PYTHONPATH": "/course"}
        environment["MPLCONFIGDIR"] = FONTS
    else:
        package = Path(lmcourse.__file__).parent.parent
        environment |= {"HOME": os.devnull, "PYTHONPATH": str(package)}
    with theirs:
        return subprocess.Popen(
            [*wrapped, sys.executable, "-m", module, str(theirs.fileno()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # a Ctrl-C is for the judge alone
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    # In bubblewrap this is the sandbox's first process, and all that lives there ends with it.
    process.kill()
    process.wait()


def _end_by_handle(handle: int) -> None:
    """Kill the process of a pidfd, which is the first of its namespace, and wait for its end."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    select.select([handle], [], [])
    os.close(handle)


def _isolation() -> list[str]:
    return [
        *("bwrap", "--unshare-all", "--unshare-user", "--new-session", "--die-with-parent"),
        *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox", "--cap-drop", "ALL"),
    ]


def _bubblewrapped(scratch_mb: int, *, nested: bool = False) -> list[str]:
    """Return the start of a command line that runs the rest in bubblewrap.

    `nested` lets what runs there make namespaces of its own.
    """
    import matplotlib

    command = _isolation()
    if not nested:
        command.append("--disable-userns")
    for path in ("/usr", "/etc/ld.so.cache", "/etc/alternatives"):
        command += ["--ro-bind-try", path, path]
    for path in ("/bin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    command += ["--size", str(scratch_mb * 2**20), "--tmpfs", SCRATCH, "--dir", FONTS]
    directories = _interpreter()
    for directory in directories:
        command += ["--ro-bind", directory, directory]
    if not any(_inside(directory, "/tmp") for directory in directories):
        command += ["--symlink", SCRATCH, "/tmp"]
    # The course is bound apart from its checkout, which holds the solutions.
    package, here = Path(lmcourse.__file__).parent, Path(__file__).parent
    command += ["--ro-bind", str(package), "/course/lmcourse"]
    # They hold the answers to the public inputs and to the quiz.
    recordings = "/course/lmcourse/recordings"
    command += ["--size", "4096", "--tmpfs", recordings, "--remount-ro", recordings]
    for name in ("__init__.py", "forkserver.py", "lockdown.py", "worker.py"):
        command += ["--ro-bind", str(here / name), f"/course/grader/{name}"]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", str(fonts), f"{FONTS}/{fonts.name}"]
    return [*command, "--chdir", SCRATCH, "--remount-ro", "/", "--"]


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
