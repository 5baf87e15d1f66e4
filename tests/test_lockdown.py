"""The system-call filter: what it lets through, on each kind of processor."""

import errno
import platform
import re
from pathlib import Path

import pytest

from grader.sandbox import lockdown
from grader.sandbox.syscalls import ALLOWED, ARCHITECTURES, REFUSED

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
THREAD, CHILD = 0x003D0F00, 17  # as glibc asks for them


def verdict(number: int, *arguments: int, architecture: int) -> int:
    """Run the filter as the kernel does, on what it gives of a system call."""
    words = {0: number, 4: architecture}
    for position in range(6):
        argument = arguments[position] if position < len(arguments) else 0
        words[16 + 8 * position], words[20 + 8 * position] = argument & 0xFFFFFFFF, argument >> 32
    steps = list(lockdown._filter())
    assert len(steps) <= 4096
    at = value = 0
    while True:
        code, if_true, if_false, operand = steps[at]
        assert max(if_true, if_false) <= 255
        at += 1
        match code:
            case 0x20:
                value = words[operand]
            case 0x54:
                value &= operand
            case 0x15:
                at += if_true if value == operand else if_false
            case 0x45:
                at += if_true if value & operand else if_false
            case _:
                assert code == 0x06
                return operand


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    return str(request.param)


def test_the_filter_lets_through_what_is_listed_and_nothing_else(machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    allowed = ALLOWED[machine]
    asked = {
        "clone": [(THREAD,)],
        "fcntl": [(5, 3), (5, 4, 0x800)],
        "ioctl": [(1, 0x5401)],
        "mmap": [(0, 4096, 3, 0x22, -1 & 2**64 - 1), (0, 4096, 1, 0x01, 5)],
        "prctl": [(15,)],
        "socketpair": [(1, 1)],
    }
    for name, number in allowed.items():
        for arguments in asked.get(name, [(0,)]):
            assert verdict(number, *arguments, architecture=architecture) == ALLOW, name
    for number in REFUSED[machine].values():
        assert verdict(number, architecture=architecture) == REFUSE
    known = {*allowed.values(), *REFUSED[machine].values()}
    for number in {*range(600), 0x40000000, 0x40000000 | allowed["read"], 2**32 - 1} - known:
        assert verdict(number, architecture=architecture) == UNKNOWN


def test_some_calls_are_refused_by_what_they_ask(machine: str) -> None:
    architecture, number = ARCHITECTURES[machine], ALLOWED[machine]
    for name, arguments, answer in (
        ("clone", (CHILD,), errno.EPERM),
        ("clone", (THREAD & ~0x00010000,), errno.EPERM),
        ("fcntl", (5, 6), errno.EPERM),  # lock
        ("fcntl", (5, 1031, 2**20), errno.EPERM),  # a larger pipe
        ("fcntl", (5, 8, 1), errno.EPERM),  # send signals
        ("ioctl", (0, 0x5412), errno.ENOTTY),  # type into a terminal
        ("mmap", (0, 4096, 3, 0x21), errno.EPERM),
        ("mmap", (0, 4096, 3, 0x23), errno.EPERM),
        ("prctl", (4, 1), errno.EINVAL),  # be seen by one's siblings
        ("socketpair", (2, 1), errno.EPERM),
    ):
        found = verdict(number[name], *arguments, architecture=architecture)
        assert found == 0x00050000 | answer, (name, arguments)


def test_the_calls_of_another_architecture_end_the_process(machine: str) -> None:
    (other,) = set(ARCHITECTURES.values()) - {ARCHITECTURES[machine]}
    for architecture in (other, 0x40000003):  # the latter: 32 bits, by int 0x80
        assert verdict(ALLOWED[machine]["read"], architecture=architecture) == KILL


def test_an_unknown_machine_is_an_error_and_no_open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "sparc")
    with pytest.raises(OSError, match="sparc"):
        list(lockdown._filter())


@pytest.mark.parametrize("machine_name", HEADERS)
def test_the_numbers_are_those_of_the_kernels_own_headers(machine_name: str) -> None:
    if not HEADERS[machine_name].exists():
        pytest.skip(f"{HEADERS[machine_name]} is not here: package linux-libc-dev")
    text = HEADERS[machine_name].read_text()
    numbers = dict[str, int]()
    for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text):
        numbers.setdefault(name, int(number))
    for table in (ALLOWED, REFUSED):
        for name, number in table[machine_name].items():
            assert numbers[name] == number
        assert table[machine_name].keys() == (table["x86_64"] | table["aarch64"]).keys() & numbers
