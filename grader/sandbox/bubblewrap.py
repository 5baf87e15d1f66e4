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
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grader
from grader.sandbox.cgroup import Cgroup, find_cgroups
from grader.sandbox.limits import Limits
from grader.sandbox.lockdown import SCRATCH

FONTS = f"{SCRATCH}/matplotlib"
START_SECONDS = 60.0
MAX_STDERR = 16 * 2**10
_PIPE_BYTES = 2**16
_LIBRARIES = ("lib", "lib64")
_WORKERS_OWN = (
    "__init__.py",
    "checks",
    *(
        f"sandbox/{name}.py"
        for name in ("__init__", "forkserver", "lockdown", "syscalls", "worker")
    ),
)
"""What of the grader a worker has."""

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

_SHOWN_HELP = """\
Students' code could read the solutions: it must see its Python, and {folder},
which is part of that, holds the course, {course}. Keep them apart:
move the course elsewhere, or install the grader into a Python with a folder of its own,
which this makes, and which may lie in the course:
    python3 -m venv .venv"""


class SandboxMissing(OSError):
    """No sandbox can be made here; the message says what to type."""


class SolutionsSeen(SandboxMissing):
    """A sandbox could be made, but the course lies in what students' code sees there."""


@dataclass(frozen=True)
class Shown:
    """What of a course a student's code sees: its package, and what its lessons want imported.

    `package` is the folder. `lesson` is the name of one, any. Packages in `hides`, by their dotted
    names, are covered where this Python has them, and those within `package` there too.
    """

    package: Path
    lesson: str
    modules: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()


def require(mode: str, course: Path) -> None:
    """Return if this machine can run `mode` for the course in that folder.

    Raises
    ------
    SandboxMissing
        If it cannot.
    """
    if sys.platform == "win32":
        raise SandboxMissing("The grader runs on Linux and macOS. On Windows, run it in WSL 2.")
    if mode == "none":
        return
    for folder in _shown():
        if _inside(str(course.resolve()), os.path.realpath(folder)):
            raise SolutionsSeen(_SHOWN_HELP.format(folder=folder, course=course.resolve()))
    trial = subprocess.run(
        [*_isolation(), "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False
    )
    if trial.returncode:
        raise SandboxMissing(_USERNS_HELP.format(problem=trial.stderr.strip()))


class Stderr:
    """The judge's end of the pipe that is a worker's stderr: keeps the last `MAX_STDERR` bytes.

    The pipe is of fixed size, and a worker that filled it waits until the judge reads. So whoever
    waits for the worker must wait for this too, and call `read` when there is something.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._last = b""

    @property
    def descriptor(self) -> int | None:
        """What to wait for, or None when there is nothing more to come."""
        return self._descriptor

    @property
    def text(self) -> str:
        """What came, as text that a terminal can show: the untrusted words of untrusted code."""
        lines = self._last.decode(errors="replace").replace("\r", "\n")
        return "".join(
            sign if sign.isprintable() or sign in "\n\t" else ascii(sign)[1:-1] for sign in lines
        )

    def read(self) -> None:
        """Take at most one pipe's content of what there is, without waiting."""
        if self._descriptor is None:
            return
        try:
            part = os.read(self._descriptor, _PIPE_BYTES)
        except BlockingIOError:
            return
        self._last = (self._last + part)[-MAX_STDERR:]
        if not part:
            self.close()

    def close(self) -> None:
        """Let go of the pipe; `text` stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True)
class Process:
    """A worker's process, the judge's end of its socket and stderr, and its cgroup if any.

    `number` is the process's, or that of the sandbox around it.
    """

    socket: socket.socket
    stderr: Stderr
    kill: Callable[[], None]
    number: int
    cgroup: Cgroup | None = None

    @property
    def is_out_of_memory(self) -> bool:
        """Whether it was killed because all that it kept was more than it may have."""
        return self.cgroup is not None and self.cgroup.killed

    @property
    def processor_seconds(self) -> float:
        """How much processor time it has taken, all threads together.

        Raises
        ------
        OSError
            If the process has ended.
        """
        return _processor_seconds(self.number)

    def end(self) -> None:
        """Kill the process and all that it started, and wait for their end."""
        self.kill()
        with self.socket, contextlib.suppress(OSError):
            self.socket.settimeout(START_SECONDS)
            while self.socket.recv(2**16):  # ends when nobody holds the other end any more
                pass
        self.stderr.read()
        self.stderr.close()
        if self.cgroup is not None:
            self.cgroup.remove()


class Sandbox:
    """Starts workers for the lessons of a course.

    `isolation` says how: "warm" (forks of one warm parent in bubblewrap, sealed off from each
    other), "cold" (one bubblewrap each, where the kernel cannot seal a fork) or "none". `limits`
    are those of the class, before any exercise's own.

    Raises
    ------
    SandboxMissing
        If this machine cannot run `mode`.
    """

    def __init__(self, mode: str, limits: Limits, shown: Shown) -> None:
        require(mode, shown.package.parent)
        self.limits = limits
        self._shown = shown
        self._server: _ForkServer | None = None
        self.isolation = "none"
        self._cgroups = find_cgroups() if mode == "bwrap" else None
        if mode == "bwrap":
            try:
                self._server = _ForkServer(shown)
                self._start(shown.lesson, limits).end()
                self.isolation = "warm"
            except OSError:
                self.close()
                self.isolation = "cold"

    @property
    def warm_parent(self) -> int | None:
        """The number of the warm parent's process, or None if it is not running."""
        return self._server.process_id if self._server is not None else None

    @property
    def memory_cgroup(self) -> str:
        """Whether workers have memory cgroups, in words."""
        return "none" if self._cgroups is None else "one per worker"

    def start(self, lesson: str, limits: Limits) -> Process:
        """Start a worker for `lesson`, which can never use more than `limits` allow."""
        try:
            return self._start(lesson, limits)
        except OSError:
            if self._server is None:
                raise
            # The warm parent itself was killed, say for lack of memory.
            self._server.close()
            self._server = _ForkServer(self._shown)
            return self._start(lesson, limits)

    def _start(self, lesson: str, limits: Limits) -> Process:
        cgroup = None
        if self._cgroups is not None:
            cgroup = self._cgroups.make(limits.memory_mb + limits.scratch_mb)
        try:
            if self._server is not None:
                return self._server.fork(lesson, limits, cgroup)
            return self._start_cold(lesson, limits, cgroup)
        except BaseException:
            if cgroup is not None:
                cgroup.remove()
            raise

    def _start_cold(self, lesson: str, limits: Limits, cgroup: Cgroup | None) -> Process:
        shown = self._shown
        arguments = [shown.package.name, lesson, str(limits.memory_mb), str(_cpu_seconds(limits))]
        arguments += shown.modules
        wrapped = _bubblewrapped(shown, limits.scratch_mb) if self.isolation == "cold" else []
        if cgroup is not None:
            wrapped = cgroup.around(wrapped)
        ours, theirs = socket.socketpair()
        said, says = os.pipe()
        with theirs, _closing(says):
            process = _start(shown, "grader.sandbox.worker", wrapped, theirs, says, arguments)
        return Process(ours, Stderr(said), lambda: _end(process), process.pid, cgroup)

    def close(self) -> None:
        """End the warm parent, if there is one."""
        if self._server is not None:
            self._server.close()
            self._server = None


class _ForkServer:
    """The judge's end of `grader.sandbox.forkserver`."""

    def __init__(self, shown: Shown) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        wrapped = _bubblewrapped(shown, scratch_mb=1, nested=True)
        arguments = [shown.package.name, *shown.modules]
        with theirs:
            self._process = _start(
                shown, "grader.sandbox.forkserver", wrapped, theirs, subprocess.DEVNULL, arguments
            )
        if not self._control.recv(64):
            self.close()
            raise OSError("the warm parent did not start")

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process.poll() is None else None

    def fork(self, lesson: str, limits: Limits, cgroup: Cgroup | None) -> Process:
        request = {
            "lesson": lesson,
            "memory_mb": limits.memory_mb,
            "cpu_seconds": _cpu_seconds(limits),
            "scratch_mb": limits.scratch_mb,
        }
        ours, theirs = socket.socketpair()
        said, says = os.pipe()
        stderr = Stderr(said)
        try:
            with theirs, _closing(says):
                ends = [theirs.fileno(), says]
                socket.send_fds(self._control, [json.dumps(request).encode()], ends)
            answer, handles, _, _ = socket.recv_fds(self._control, 4096, 1)
            if not handles:
                raise OSError(answer.decode(errors="replace") or "the warm parent is gone")
        except OSError:
            ours.close()
            stderr.close()
            raise
        try:
            number = _process_id(handles[0])
            if cgroup is not None:  # before the first request, and so before any student's code
                cgroup.add(number)
        except OSError:
            Process(ours, stderr, lambda: _end_by_handle(handles[0]), 0, cgroup).end()
            raise
        return Process(ours, stderr, lambda: _end_by_handle(handles[0]), number, cgroup)

    def close(self) -> None:
        self._control.close()
        _end(self._process)


def _cpu_seconds(limits: Limits) -> int:
    return math.ceil(limits.submission_seconds)


def _start(
    shown: Shown,
    module: str,
    wrapped: list[str],
    theirs: socket.socket,
    stderr: int,
    arguments: list[str],
) -> "subprocess.Popen[bytes]":
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "GRADER_WORKER": "1",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    if wrapped:
        environment |= {"HOME": SCRATCH, "TMPDIR": SCRATCH, "PYTHONPATH": "/course"}
        environment["MPLCONFIGDIR"] = FONTS
        if site.ENABLE_USER_SITE:  # which Python would look for in HOME
            environment["PYTHONUSERBASE"] = site.getuserbase()
    else:
        folders = os.pathsep.join(
            map(str, (shown.package.parent, Path(grader.__file__).parents[1]))
        )
        environment |= {"HOME": os.devnull, "PYTHONPATH": folders}
    return subprocess.Popen(
        [*wrapped, sys.executable, "-m", module, str(theirs.fileno()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env=environment,
        pass_fds=[theirs.fileno()],
        start_new_session=True,  # a Ctrl-C is for the judge alone
    )


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _end(process: "subprocess.Popen[bytes]") -> None:
    # In bubblewrap this is the sandbox's first process, and all that lives there ends with it.
    process.kill()
    process.wait()


def _process_id(handle: int) -> int:
    """Return the number of the process of a pidfd, as it is known here.

    Raises
    ------
    OSError
        If the process has ended.
    """
    lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
    number = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
    if number <= 0:
        raise ProcessLookupError("the worker has ended")
    return number


def _processor_seconds(number: int) -> float:
    """Return the processor time of a process and of those that it started and that still run.

    Where there is no /proc to tell, as on macOS, it is the time on the wall.
    """
    own = Path(f"/proc/{number}")
    if not Path("/proc/self/stat").exists():
        return time.monotonic()
    fields = own.joinpath("stat").read_text().rpartition(")")[2].split()  # those after the name
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = " ".join(each.read_text() for each in own.glob("task/*/children")).split()
    return seconds + sum(_processor_seconds(int(child)) for child in children)


def _end_by_handle(handle: int) -> None:
    """Kill the process of a pidfd, which is the first of its namespace, and wait for its end."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    select.select([handle], [], [])
    os.close(handle)


def _isolation() -> list[str]:
    bwrap = shutil.which("bwrap")  # a worker's own PATH may not lead there
    if bwrap is None:
        raise SandboxMissing(_INSTALL_HELP.format(problem="it is not installed"))
    return [
        *(bwrap, "--unshare-all", "--unshare-user", "--new-session", "--die-with-parent"),
        *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox", "--cap-drop", "ALL"),
    ]


def _bubblewrapped(shown: Shown, scratch_mb: int, *, nested: bool = False) -> list[str]:
    """Return the start of a command line that runs the rest in bubblewrap.

    `nested` lets what runs there make namespaces of its own.
    """
    import matplotlib

    command = _isolation()
    if not nested:
        command.append("--disable-userns")
    for path in ("/etc/ld.so.cache", "/etc/alternatives"):
        command += ["--ro-bind-try", path, path]
    for path in ("/bin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    # No /dev/zero: mapped, it is memory that outlives the mapping, and that no limit counts.
    command += ["--proc", "/proc", "--size", "4096", "--tmpfs", "/dev"]
    for device in ("/dev/null", "/dev/random", "/dev/urandom"):
        command += ["--dev-bind", device, device]
    command += ["--remount-ro", "/dev"]
    command += ["--size", str(scratch_mb * 2**20), "--tmpfs", SCRATCH, "--dir", FONTS]
    for folder in _shown():
        command += ["--ro-bind", folder, folder]
    if not any(_inside(folder, "/tmp") for folder in _shown()):  # noqa: S108
        command += ["--symlink", SCRATCH, "/tmp"]  # noqa: S108
    # The course is bound apart from its folder, which holds the solutions.
    package = shown.package.name
    command += ["--ro-bind", str(shown.package), f"/course/{package}"]
    # Recordings hold the answers to the public inputs and to the quiz.
    hidden = (f"{package}/recordings", *(name.replace(".", "/") for name in shown.hides))
    ours = [f"/course/{part}" for part in hidden if part.startswith(f"{package}/")]
    for covered in (*ours, *_copies(hidden)):
        command += ["--size", "4096", "--tmpfs", covered, "--remount-ro", covered]
    for part in _WORKERS_OWN:
        own = Path(grader.__file__).parent / part
        command += ["--ro-bind", str(own), f"/course/grader/{part}"]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", str(fonts), f"{FONTS}/{fonts.name}"]
    return [*command, "--chdir", SCRATCH, "--remount-ro", "/", "--"]


def _shown() -> list[str]:
    """Return the folders of this machine that students' code sees: this Python's, and /usr."""
    return ["/usr", *_interpreter()]


@cache
def _copies(parts: tuple[str, ...]) -> list[str]:
    """Return where this Python has these folders of packages, beside the course that is used.

    A package that was installed by copying it has them, in this environment or in one within.
    """
    found = []
    waiting = [Path(folder) for folder in _shown()]
    while waiting:
        folder = waiting.pop()
        if folder.name.endswith("-packages"):
            found += [str(folder / part) for part in parts if (folder / part).is_dir()]
            continue
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            waiting += [
                Path(entry.path)
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and _may_have_packages(folder, entry.name)
            ]
    return found


def _may_have_packages(folder: Path, name: str) -> bool:
    """Return whether the folder of this `name` in `folder` can hold a Python's packages.

    They lie in lib/python3.12/site-packages and the like, of an environment in any folder.
    """
    if folder.name in _LIBRARIES:
        return name.startswith("python")
    if folder.parent.name in _LIBRARIES:
        return name.endswith("-packages")
    return name not in ("share", "include", "bin", "sbin")


def _interpreter() -> list[str]:
    """Return the folders of this Python, none of which lies inside another."""
    executable = Path(sys.executable)
    folders = {sys.prefix, sys.base_prefix, *site.getsitepackages()}
    # Those of another environment too, which a .pth file names, or of the user.
    folders |= {folder for folder in sys.path if folder.endswith("-packages")}
    while executable.is_symlink():  # a venv's python may be a chain of links
        executable = executable.parent / os.readlink(executable)
        folders.add(str(executable.parent.parent))
    real = sorted(
        folder for folder in folders if os.path.isdir(folder) and not _inside(folder, "/usr")
    )
    return [folder for folder in real if not any(_inside(folder, o) for o in real if o != folder)]


def _inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
