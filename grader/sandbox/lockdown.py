"""What a process may no longer do once a student's code runs in it; for Linux.

Each function acts on the calling process, and cannot be undone.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Iterator

from grader.sandbox.syscalls import ALLOWED, ARCHITECTURES, REFUSED

SCRATCH = "/scratch"
"""The one folder in the sandbox that can be written."""

MAX_FILE = 64 * 2**20
MAX_DESCRIPTORS = 256

NEW_MOUNTS, NEW_NAMES, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USERS, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITIES_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def limit_resources(memory_mb: int, cpu_seconds: int) -> None:
    """Bound what this process may use from here on; `memory_mb` comes on top of what it has."""
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    for kind, value in (
        (resource.RLIMIT_AS, used + memory_mb * 2**20),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, MAX_FILE),
        (resource.RLIMIT_NOFILE, MAX_DESCRIPTORS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def hide() -> None:
    """Let no process of the same user read this one's memory, descriptors or environment."""
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def show() -> None:
    """Undo `hide`, as a fork must before it may write its own user map."""
    _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)


def seal(scratch_mb: int) -> None:
    """Give this process and the next one that it forks their own namespaces and scratch folder.

    Siblings that were forked from the same process can then neither see, signal, trace nor write to
    each other. The next fork is the first process of its namespace: all others end with it.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    user, group = os.getuid(), os.getgid()
    show()
    _call("unshare", NEW_USERS | NEW_PIDS | NEW_MOUNTS | NEW_IPC | NEW_NETWORK | NEW_NAMES)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    _cover(SCRATCH, f"size={scratch_mb}m,nr_inodes=10k,mode=700")


def hide_proc() -> None:
    """Take /proc away: here it would show the processes outside."""
    _cover("/proc", "size=4k,mode=555")


def give_up_privileges() -> None:
    """Drop all capabilities, and have the kernel refuse what a notebook has no need of.

    Whatever system call is not in `grader.sandbox.syscalls` is refused: new processes, sockets,
    tracing, mounting, keys, and all that keeps memory which no limit counts. Threads stay possible.
    This is a seccomp filter rather than RLIMIT_NPROC, which does not bind root; it binds the
    threads that this one starts, so it must be the only one.

    Raises
    ------
    OSError
        If the kernel or the processor cannot do that.
    """
    header = struct.pack("Ii", _CAPABILITIES_VERSION_3, 0)
    _call("capset", header, bytes(24))
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    steps = list(_filter())
    packed = b"".join(struct.pack("HBBI", *step) for step in steps)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    program = Program(len(steps), packed)
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


# By call: which argument counts, the values of it that are let through, and the answer to others.
_F_COMMANDS = (0, 1, 2, 3, 4, 1030)  # dup, flags, close on exec: no locks, leases, signals, sizes
_TERMINAL_QUESTIONS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # what isatty and such ask
_THREAD_NAMES = (15, 16)
_FAMILY_UNIX = 1
_BY_ARGUMENT = {
    "fcntl": (1, _F_COMMANDS, errno.EPERM),
    "ioctl": (1, _TERMINAL_QUESTIONS, errno.ENOTTY),
    "prctl": (0, _THREAD_NAMES, errno.EINVAL),
    "socketpair": (0, (_FAMILY_UNIX,), errno.EPERM),
}
_CLONE_THREAD = 0x00010000
_SHARED_WITHOUT_FILE = 0x21  # MAP_SHARED | MAP_ANONYMOUS

_Step = tuple[int, int, int, int]


def _filter() -> Iterator[_Step]:
    """Yield the filter's steps, in classic BPF: code, jump if true, jump if false, operand."""
    machine = platform.machine()
    if machine not in ALLOWED:
        raise OSError(f"no system-call table for {machine}")
    load, equal, has_bits, mask, give = 0x20, 0x15, 0x45, 0x54, 0x06
    allow, answer, kill = 0x7FFF0000, 0x00050000, 0x80000000
    the_call, the_architecture = 0, 4

    def argument(number: int) -> int:
        return 16 + 8 * number

    def case(number: int, steps: list[_Step]) -> Iterator[_Step]:
        """Yield `steps`, the last of which gives a verdict, for the call of this number."""
        yield equal, 0, len(steps), number
        yield from steps

    yield load, 0, 0, the_architecture  # another one would renumber the calls
    yield equal, 1, 0, ARCHITECTURES[machine]
    yield give, 0, 0, kill
    yield load, 0, 0, the_call
    for name, number in ALLOWED[machine].items():
        if name in _BY_ARGUMENT:
            position, values, otherwise = _BY_ARGUMENT[name]
            steps: list[_Step] = [(load, 0, 0, argument(position))]
            for value in values:
                steps += [(equal, 0, 1, value), (give, 0, 0, allow)]
            yield from case(number, [*steps, (give, 0, 0, answer | otherwise)])
        elif name == "clone":
            steps = [(load, 0, 0, argument(0)), (has_bits, 0, 1, _CLONE_THREAD)]
            steps += [(give, 0, 0, allow), (give, 0, 0, answer | errno.EPERM)]
            yield from case(number, steps)
        elif name == "mmap":
            steps = [(load, 0, 0, argument(3)), (mask, 0, 0, _SHARED_WITHOUT_FILE)]
            steps += [(equal, 1, 0, _SHARED_WITHOUT_FILE), (give, 0, 0, allow)]
            yield from case(number, [*steps, (give, 0, 0, answer | errno.EPERM)])
        else:
            yield from case(number, [(give, 0, 0, allow)])
    for number in REFUSED[machine].values():
        yield from case(number, [(give, 0, 0, answer | errno.EPERM)])
    # So glibc falls back from clone3, whose flags a filter cannot see, to clone.
    yield give, 0, 0, answer | errno.ENOSYS


def _cover(path: str, options: str) -> None:
    """Mount an empty folder in memory over `path`."""
    _call("mount", b"tmpfs", path.encode(), b"tmpfs", 0, options.encode())


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
