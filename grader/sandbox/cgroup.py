"""A memory cgroup for each worker, where the kernel lets the grader make one; for Linux.

`RLIMIT_AS` bounds what a process maps. A cgroup bounds all that it keeps: what it maps, its files
in memory, its pipes, and what the kernel needs for it. Where none can be had, nothing is different.
"""

import contextlib
import errno
import os
import subprocess
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

KEPT_MB = 512
"""What a worker may have on top of its limits: Python and torch, page tables, pipes."""

PROC = Path("/proc")
_PREFIX = "grader-"
_GRADERS = "graders"
_TRIES = 20
_REMOVE_SECONDS = 1.0
# By version of the kernel's interface: where the limit goes, and the one that keeps swap out of it.
_LIMITS = {
    1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    2: ("memory.max", "memory.swap.max"),
}
_KILLS = {1: "memory.oom_control", 2: "memory.events"}
_names = count()


@dataclass(frozen=True)
class Cgroup:
    """The cgroup of one worker: a folder, by one of the kernel's two versions of the interface."""

    folder: Path
    version: int

    def add(self, process_id: int) -> None:
        """Move a process in; what it takes from now on is counted here."""
        (self.folder / "cgroup.procs").write_text(str(process_id))

    def around(self, command: list[str]) -> list[str]:
        """Return the command line that moves itself in and becomes `command`, all in here."""
        enter = 'echo 0 >"$0" && exec "$@"'
        return ["/bin/sh", "-c", enter, str(self.folder / "cgroup.procs"), *command]

    @property
    def killed(self) -> bool:
        """Whether the kernel killed a process in here for lack of memory."""
        try:
            lines = (self.folder / _KILLS[self.version]).read_text().splitlines()
        except OSError:
            return False
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines)

    def remove(self) -> None:
        """Remove this cgroup, whose processes have ended; the next grader does if this fails."""
        end = time.monotonic() + _REMOVE_SECONDS
        while time.monotonic() < end:
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:  # the kernel is not done with the last process
                time.sleep(0.002)
            else:
                return


@dataclass(frozen=True)
class Cgroups:
    """The cgroup in which those of the workers are made: this process's own, whose limits hold."""

    folder: Path
    version: int

    def make(self, limit_mb: int) -> Cgroup:
        """Make one that may take `limit_mb` MiB, `KEPT_MB` more, and no swap.

        Raises
        ------
        OSError
            If the kernel refuses.
        """
        made = None
        while made is None:
            folder = self.folder / f"{_PREFIX}{os.getpid()}-{next(_names)}"
            with contextlib.suppress(FileExistsError):  # left by a killed grader of this number
                folder.mkdir()
                made = Cgroup(folder, self.version)
        size = (limit_mb + KEPT_MB) * 2**20
        limit, with_swap = (made.folder / name for name in _LIMITS[self.version])
        try:
            limit.write_text(str(size))
            if with_swap.exists():
                with_swap.write_text(str(size if self.version == 1 else 0))
        except OSError:
            made.remove()
            raise
        return made

    def remove_left(self) -> None:
        """Remove what graders that were killed have left, unless a process is in it."""
        for folder in self.folder.glob(f"{_PREFIX}*-*"):
            grader = folder.name.removeprefix(_PREFIX).partition("-")[0]
            if not (PROC / grader).exists():
                with contextlib.suppress(OSError):
                    folder.rmdir()


def find_cgroups() -> Cgroups | None:
    """Return where the workers' cgroups can be made, having tried it, or None."""
    try:
        found = own()
        if found is None:
            return None
        if found.version == 2:
            _hand_down(found.folder)
        found.remove_left()
        trial = found.make(0)
        try:
            subprocess.run(trial.around(["/bin/true"]), check=True, stderr=subprocess.DEVNULL)
        finally:
            trial.remove()
    except (OSError, subprocess.SubprocessError):
        return None
    return found


def own() -> Cgroups | None:
    """Return this process's own memory cgroup, or None if it sees none.

    Raises
    ------
    OSError
        If there is no /proc that would say so.
    """
    paths = {}
    for line in (PROC / "self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    # A controller is in one of the two versions at a time; "" stands for the second.
    controller, version = ("memory", 1) if "memory" in paths else ("", 2)
    for line in (PROC / "self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mounted = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind != {1: "cgroup", 2: "cgroup2"}[version] or controller not in paths:
            continue
        if version == 1 and controller not in options.split(","):
            continue
        if os.path.commonpath([root, paths[controller]]) != root or "/.." in paths[controller]:
            continue  # it is not in what is mounted here
        folder = Path(mounted, os.path.relpath(paths[controller], root))
        if version == 1:
            inherits = (folder / "memory.use_hierarchy").read_text().strip() == "1"
            return Cgroups(folder, 1) if inherits else None
        return Cgroups(folder.parent if folder.name == _GRADERS else folder, 2)
    return None


def _hand_down(folder: Path) -> None:
    """Let cgroups in `folder` have limits on memory, which takes that no process is in itself.

    Its processes, this one among them, move into a cgroup beside those of the workers. That is done
    only where it was left to us: by systemd (`Delegate=yes`), or as the root of a container.

    Raises
    ------
    OSError
        If it cannot be done.
    """
    control = folder / "cgroup.subtree_control"
    if "memory" in control.read_text().split():
        return
    if "memory" not in (folder / "cgroup.controllers").read_text().split():
        raise OSError("no memory controller")
    if not _is_delegated(folder):
        raise OSError("somebody else keeps this cgroup")
    graders = Cgroup(folder / _GRADERS, 2)
    graders.folder.mkdir(exist_ok=True)
    for _ in range(_TRIES):  # some process may just be starting another
        try:
            control.write_text("+memory")
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return
        for process_id in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                graders.add(int(process_id))
    raise OSError("its processes could not be moved")


def _is_delegated(folder: Path) -> bool:
    if os.path.ismount(folder):
        return True
    try:
        return os.getxattr(folder, "user.delegate") == b"1"
    except OSError:
        return False
