"""What a process may no longer do once a student's code runs in it; for Linux.

Each function acts on the calling process, and cannot be undone.
"""

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Iterator

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
    _cover("/dev/pts", "size=4k,mode=555")


def hide_proc() -> None:
    """Take /proc away: here it would show the processes outside."""
    _cover("/proc", "size=4k,mode=555")


def give_up_privileges() -> None:
    """Drop all capabilities, and have the kernel refuse what a notebook has no need of.

    That is new processes, tracing, mounting, memory that no limit counts, key rings, and sockets
    but for those of Unix: a network namespace does not hold back all kinds. Threads stay possible.
    This is a seccomp filter rather than RLIMIT_NPROC, which does not bind root.

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


# Per machine: its audit architecture, and the numbers of the calls that the filter knows.
_SYSCALLS = {
    "x86_64": (
        0xC000003E,
        {"clone": 56, "fork": 57, "vfork": 58, "ptrace": 101, "pivot_root": 155, "mount": 165}
        | {"umount2": 166, "unshare": 272, "setns": 308, "process_vm_readv": 310}
        | {"process_vm_writev": 311, "bpf": 321, "io_uring_setup": 425, "open_tree": 428}
        | {"move_mount": 429, "fsopen": 430, "fsmount": 432, "clone3": 435, "mount_setattr": 442}
        | {"socket": 41, "shmget": 29, "msgget": 68, "memfd_create": 319, "memfd_secret": 447}
        | {"add_key": 248, "request_key": 249, "keyctl": 250},
    ),
    "aarch64": (  # has neither fork nor vfork
        0xC00000B7,
        {"umount2": 39, "mount": 40, "pivot_root": 41, "unshare": 97, "ptrace": 117, "clone": 220}
        | {"setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280}
        | {"io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430}
        | {"fsmount": 432, "clone3": 435, "mount_setattr": 442}
        | {"socket": 198, "shmget": 194, "msgget": 186, "memfd_create": 279, "memfd_secret": 447}
        | {"add_key": 217, "request_key": 218, "keyctl": 219},
    ),
}


def _filter() -> Iterator[tuple[int, int, int, int]]:
    """Yield the filter's steps, in classic BPF: code, jump if true, jump if false, operand."""
    machine = platform.machine()
    if machine not in _SYSCALLS:
        raise OSError(f"no system-call table for {machine}")
    architecture, numbers = _SYSCALLS[machine]
    load, equal, at_least, has_bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, unknown, kill = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    clone_thread = 0x00010000
    family_unix = 1
    yield load, 0, 0, 4  # the architecture: another one would renumber the calls
    yield equal, 1, 0, architecture
    yield give, 0, 0, kill
    yield load, 0, 0, 0  # the system call's number
    yield at_least, 0, 1, 0x40000000  # the x32 calls, which alias the others
    yield give, 0, 0, unknown
    # glibc falls back to clone, whose flags a filter can see, when clone3 does not exist.
    yield equal, 0, 1, numbers["clone3"]
    yield give, 0, 0, unknown
    for name, number in numbers.items():
        if name not in ("clone", "clone3", "socket"):
            yield equal, 0, 1, number
            yield give, 0, 0, refuse
    yield equal, 0, 4, numbers["socket"]
    yield load, 0, 0, 16  # its family
    yield equal, 0, 1, family_unix
    yield give, 0, 0, allow
    yield give, 0, 0, refuse
    yield equal, 1, 0, numbers["clone"]
    yield give, 0, 0, allow
    yield load, 0, 0, 16  # clone's flags
    yield has_bits, 0, 1, clone_thread
    yield give, 0, 0, allow
    yield give, 0, 0, refuse


def _cover(path: str, options: str) -> None:
    """Mount an empty folder in memory over `path`."""
    _call("mount", b"tmpfs", path.encode(), b"tmpfs", 0, options.encode())


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
