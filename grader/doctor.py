"""`grader doctor`: what this machine offers for grading, what is missing, and how to get it."""

import os
import platform
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grader
from grader.course.configuration import NoCourse, find_course
from grader.course.lessons import Course
from grader.distribution import installed, requirements
from grader.terminal.words import counted

GIB = 2**30
OLDEST_PYTHON = (3, 11)
PROC_SYS = Path("/proc/sys")
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

_MARKS = {"ok": "✓", "limited": "!", "missing": "✗", "optional": "○"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    `state` is "ok"; "limited", where grading works but less well; "missing", where it does not; or
    "optional" for what grading does without. `fix` is what to type.
    """

    what: str
    state: str
    words: str
    fix: str = ""


def main(start: Path) -> int:
    """Print what this machine offers for the course at `start`; return 0 if a class can be graded.

    Else return 1.
    """
    found = list(findings(start))
    wide = max(len(finding.what) for finding in found)
    for finding in found:
        print(
            f"{_MARKS[finding.state]} {finding.what:<{wide}}  {finding.state:<8}  {finding.words}"
        )
        for line in finding.fix.splitlines():
            print(f"  {'':<{wide}}  {'':<8}  > {line}")
    missing = [finding.what for finding in found if finding.state == "missing"]
    if missing:
        print(f"\nNo class can be graded here yet: see {', '.join(missing)}.")
        return 1
    print("\nA class can be graded here.")
    return 0


def findings(start: Path) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield _system()
    yield _python()
    packages = _packages()
    yield packages
    if packages.state == "ok":
        yield _torch()
        course = None
        try:
            course = Course(find_course(start))
        except (NoCourse, ValueError) as problem:
            fix = "cd COURSE && grader doctor"
            yield Finding("course", "missing", str(problem), fix)
        else:
            yield _course(course)
        yield from _sandbox(course)
    yield _system_calls()
    yield _limits()
    yield _cores()
    yield _memory()
    yield _disk()
    yield _chromium()


def _system() -> Finding:
    words = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if sys.platform == "linux":
        return Finding("system", "ok", words)
    return Finding(
        "system",
        "missing",
        f"{words}; students' code is kept apart by the Linux kernel",
        "run the grader on Linux, in a container, or in WSL 2",
    )


def _python() -> Finding:
    words = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", "ok", words)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Finding(
        "python", "missing", f"{words}; {oldest} is needed", f"python{oldest} -m venv .venv"
    )


def _packages() -> Finding:
    needed = requirements("") | requirements("grader")
    lacking = {name: line for name, line in needed.items() if installed(name) is None}
    if not lacking:
        return Finding("packages", "ok", "all that the grader imports")
    return Finding(
        "packages",
        "missing",
        f"not installed: {', '.join(lacking)}",
        shlex.join(["python", "-m", "pip", "install", *lacking.values()]),
    )


def _torch() -> Finding:
    import torch

    where = "a GPU, which grading leaves alone" if torch.cuda.is_available() else "no GPU"
    return Finding(
        "torch",
        "ok",
        f"{torch.__version__}, {torch.get_num_threads()} threads ({where}); a submission gets one",
    )


def _course(course: Course) -> Finding:
    title = course.configuration.title
    if not course.names:
        words = f"{title}, in {course.root}, has no lesson yet"
        return Finding("course", "missing", words, "grader new-lesson 00_name")
    unbuilt = [name for name in course.names if not course.paths(name).recording.is_file()]
    if unbuilt:
        words = f"{title}, in {course.root}: not built yet: {', '.join(unbuilt)}"
        return Finding("course", "missing", words, "grader build")
    words = f"{title}, in {course.root}, with {counted(len(course.names), 'lesson')}"
    return Finding("course", "ok", words)


def _sandbox(course: Course | None) -> Iterator[Finding]:
    from grader.sandbox.bubblewrap import Sandbox, SandboxMissing, Shown, SolutionsSeen, require
    from grader.sandbox.limits import Limits
    from grader.sandbox.session import Session

    if shutil.which("bwrap") is None:
        yield Finding("bubblewrap", "missing", "the command bwrap", _install("bubblewrap"))
        return
    version = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False)
    yield Finding("bubblewrap", "ok", version.stdout.strip() or "of unknown version")
    try:
        require("bwrap", course.root if course else Path(os.devnull))
    except SolutionsSeen as problem:
        words = "students' code would see the course's solutions"
        yield Finding("folders", "missing", words, str(problem))
        return
    except SandboxMissing as problem:
        words = "the kernel does not let bubblewrap make a sandbox"
        yield Finding("namespaces", "missing", words, _allow_namespaces() or str(problem))
        return
    yield Finding("namespaces", "ok", "user, process, mount, network and IPC")
    if course is None or not course.names:
        return
    sandbox = Sandbox("bwrap", Limits(), Shown(course.root / course.package, course.names[0]))
    session = Session([], course.exercises(course.names[0]), sandbox)
    try:
        session.start()
    except RuntimeError as problem:
        last = str(problem).splitlines()[-1]
        words = f"the process that runs students' code does not start: {last}"
        yield Finding("worker", "missing", words)
        return
    finally:
        session.stop()
        sandbox.close()
    if sandbox.isolation == "warm":
        yield Finding("forks", "ok", "one warm process, forked for each submission")
    else:
        words = "cold: a fork cannot be sealed here, so each submission starts a process of its own"
        yield Finding("forks", "limited", f"{words}, which takes seconds more")
    if sandbox.memory_cgroup != "none":
        yield Finding("memory cgroup", "ok", sandbox.memory_cgroup)
    else:
        words = "none, so each limit on memory holds by itself, and nothing bounds their sum"
        fix = "systemd-run --user --scope -p Delegate=yes grader grade ..."
        yield Finding("memory cgroup", "optional", words, fix)


def _system_calls() -> Finding:
    if sys.platform != "linux":
        return Finding(
            "system calls", "missing", "only Linux filters them", "run the grader on Linux"
        )
    # In a process of its own, because it cannot be undone.
    trial = subprocess.run(
        [sys.executable, "-c", "from grader.sandbox.lockdown import *; give_up_privileges()"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(grader.__file__).parent.parent,
    )
    if trial.returncode == 0:
        return Finding("system calls", "ok", "filtered by seccomp, and privileges given up")
    words = (trial.stderr.strip().splitlines() or ["no reason given"])[-1]
    fix = "grade on a 64-bit Intel, AMD or ARM machine whose kernel has seccomp"
    return Finding("system calls", "missing", f"no seccomp filter: {words}", fix)


def _limits() -> Finding:
    from grader.sandbox.lockdown import MAX_DESCRIPTORS, MAX_FILE

    wanted = {
        "files open": (resource.RLIMIT_NOFILE, MAX_DESCRIPTORS),
        "file size": (resource.RLIMIT_FSIZE, MAX_FILE),
        "memory": (resource.RLIMIT_AS, 8 * GIB),  # what torch maps, and a submission's own
    }
    low = []
    for name, (kind, least) in wanted.items():
        highest = resource.getrlimit(kind)[1]
        if highest != resource.RLIM_INFINITY and highest < least:
            low.append(f"{name} {highest}, of {least}")
    if not low:
        return Finding("limits", "ok", "memory, processor time, file size and open files")
    words = f"this shell allows less than grading sets: {'; '.join(low)}"
    return Finding("limits", "missing", words, "ulimit -H -a  # then raise them in limits.conf")


def _cores() -> Finding:
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return Finding("cores", "ok", f"{usable}; as many submissions at a time")


def _memory() -> Finding:
    free = _free_memory()
    if free is None:
        return Finding("memory", "ok", "unknown here")
    words = f"{free / GIB:.1f} GiB free"
    if free >= 2 * GIB:
        return Finding("memory", "ok", words)
    return Finding(
        "memory", "limited", f"{words}; a submission may use 2", "grader grade --jobs 1 ..."
    )


def _free_memory() -> int | None:
    """Return the bytes that the machine, or the container around this process, has left."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    free = next((int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable:")), None)
    try:
        most = int((CGROUP / "memory.max").read_text())
        left = most - int((CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return left if free is None else min(free, left)


def _disk() -> Finding:
    places = {Path.cwd(): "here", Path(tempfile.gettempdir()): "for temporary files"}
    free = {place: shutil.disk_usage(place).free for place in places}
    words = ", ".join(f"{free[place] / GIB:.1f} GiB {name}" for place, name in places.items())
    if min(free.values()) >= GIB:
        return Finding("disk", "ok", f"free: {words}")
    return Finding(
        "disk",
        "limited",
        f"free: {words}; a class that comes as a zip is unpacked there",
        shlex.join(["df", "--human-readable", *map(str, places)]),
    )


def _chromium() -> Finding:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path:
        return Finding("Chromium", "ok", path)
    words = "not here; only the tests that open a notebook in a browser need it"
    return Finding("Chromium", "optional", words, _install("chromium"))


def _install(package: str) -> str:
    """Return what installs a system package here."""
    commands = {
        "apt-get": "sudo apt-get install {}",
        "dnf": "sudo dnf install {}",
        "pacman": "sudo pacman -S {}",
        "zypper": "sudo zypper install {}",
    }
    known = next((text for tool, text in commands.items() if shutil.which(tool)), None)
    return (known or "install {} with this system's package manager").format(package)


def _allow_namespaces() -> str:
    """Return what lets an ordinary user make namespaces here, or "" if the reason is not known."""
    switches = {
        "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
        "kernel/unprivileged_userns_clone": ("0", "1"),
        "user/max_user_namespaces": ("0", "15000"),
    }
    fixes = []
    for switch, (bad, good) in switches.items():
        try:
            value = (PROC_SYS / switch).read_text().strip()
        except OSError:
            continue
        if value == bad:
            fixes.append(f"sudo sysctl {switch.replace('/', '.')}={good}")
    if not fixes and any(map(os.path.exists, ("/.dockerenv", "/run/.containerenv"))):
        return "start the container with: docker run --security-opt seccomp=unconfined ..."
    return "\n".join(fixes)
