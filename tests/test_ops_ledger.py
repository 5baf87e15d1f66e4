"""A ledger keeps what it was told through kills, full disks and many writers, or says where not."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lmops.ledger import START, BrokenLedger, Entry, Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "home" / "ledger.jsonl")


def written(ledger: Ledger, lines: int = 6) -> Ledger:
    for number in range(1, lines + 1):
        ledger.append("register", f"v{number}", "Ann", step=number, loss=0.1 * number)
    return ledger


# --- What is written is what is read ------------------------------------------------------------


def test_lines_are_kept_in_order_and_each_names_the_one_before(ledger: Ledger) -> None:
    told = [
        ledger.append("register", "v1", "Ann", tags={"a": [1, 2.5, None]}),
        ledger.append("approve", "v1", "Zoë", note='a "line"\nof two\u2028or three'),
        ledger.append("expire-logs", None, "night"),
    ]
    assert ledger.entries() == told
    assert [entry.previous for entry in told] == [START, told[0].hash, told[1].hash]
    assert len(ledger.path.read_bytes().splitlines()) == 3
    assert ledger.verify() == []


def test_a_ledger_that_is_not_there_has_no_lines(ledger: Ledger) -> None:
    assert ledger.entries() == []
    assert ledger.verify() == []
    assert not ledger.path.parent.exists()


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2}])
def test_what_json_cannot_say_is_refused_and_nothing_is_written(
    ledger: Ledger, value: object
) -> None:
    written(ledger, 1)
    with pytest.raises((ValueError, TypeError)):
        ledger.append("register", "v2", "Ann", value=value)
    with pytest.raises(ValueError, match="wrong type in by"):
        ledger.append("register", "v2", None)  # type: ignore[arg-type]
    assert len(ledger.entries()) == 1


# --- Tampering ---------------------------------------------------------------------------------


def rehashed(line: str, **changes: Any) -> str:
    """Change a line and give it the hash that belongs to it, as a clever forger would."""
    entry = replace(Entry(**json.loads(line)), **changes)
    return replace(entry, hash=entry.digest()).text()


def changed(lines: list[str]) -> list[str]:
    lines[2] = lines[2].replace('"Ann"', '"Bob"')
    return lines


def forged(lines: list[str]) -> list[str]:
    lines[2] = rehashed(lines[2], by="Bob")
    return lines


def taken_out(lines: list[str]) -> list[str]:
    return lines[:2] + lines[3:]


def two_taken_out(lines: list[str]) -> list[str]:
    return lines[:2] + lines[4:]


def exchanged(lines: list[str]) -> list[str]:
    lines[2], lines[3] = lines[3], lines[2]
    return lines


def doubled(lines: list[str]) -> list[str]:
    return [*lines[:3], *lines[2:]]


def first_taken_out(lines: list[str]) -> list[str]:
    return lines[1:]


def cut_off(lines: list[str]) -> list[str]:
    return lines[:4]


def all_gone(lines: list[str]) -> list[str]:
    return []


def emptied_line(lines: list[str]) -> list[str]:
    lines[2] = ""
    return lines


def respaced(lines: list[str]) -> list[str]:
    lines[2] = lines[2].replace(": ", ":")
    return lines


def key_twice(lines: list[str]) -> list[str]:
    lines[2] = '{"by": "Bob", ' + lines[2][1:]
    return lines


def not_a_number(lines: list[str]) -> list[str]:
    lines[2] = lines[2].replace('"loss": 0.3', '"loss": NaN')
    return lines


def more_fields(lines: list[str]) -> list[str]:
    lines[2] = '{"also": 1, ' + lines[2][1:]
    return lines


def too_deep(lines: list[str]) -> list[str]:
    lines[2] = "[" * 100_000
    return lines


def anew_from_the_middle(lines: list[str]) -> list[str]:
    lines[2] = rehashed(lines[2], by="Bob")
    for place in range(3, len(lines)):
        lines[place] = rehashed(lines[place], previous=json.loads(lines[place - 1])["hash"])
    return lines


def grown_past_the_head(lines: list[str]) -> list[str]:
    for number in (7, 8):
        last = Entry(**json.loads(lines[-1]))
        lines.append(rehashed(lines[-1], number=number, previous=last.hash, version="bad"))
    return lines


@pytest.mark.parametrize(
    ("forge", "found"),
    [
        (changed, ["line 3: was changed"]),
        (forged, ["line 4: does not follow line 3: that one was written anew"]),
        (taken_out, ["line 3: says that it is number 4: number 3 was taken out"]),
        (two_taken_out, ["line 3: says that it is number 5: number 3 to 4 was taken out"]),
        (
            exchanged,
            ["line 3: says that it is number 4", "line 4: says that it is number 3", "line 5"],
        ),
        (doubled, ["line 4: says that it is number 3: it was moved or put in"]),
        (first_taken_out, ["line 1: says that it is number 2: number 1 was taken out"]),
        (cut_off, ["line 5 and all to line 6 were cut off the end"]),
        (all_gone, ["line 1 and all to line 6 were cut off the end"]),
        (emptied_line, ["line 3: is not JSON"]),
        (respaced, ["line 3: is not written as the ledger writes it"]),
        (key_twice, ["line 3: is not written as the ledger writes it"]),
        (not_a_number, ["line 3: is not JSON"]),
        (more_fields, ["line 3: does not have the fields"]),
        (too_deep, ["line 3: is not JSON"]),
        (anew_from_the_middle, ["line 6 is not the one that was written: the chain up to it"]),
        (grown_past_the_head, ["line 7 and all after it were put in past the head"]),
    ],
)
def test_a_rewritten_ledger_is_found_with_the_line_that_was_touched(
    ledger: Ledger, forge: Callable[[list[str]], list[str]], found: list[str]
) -> None:
    lines = written(ledger).path.read_text().splitlines()
    ledger.path.write_text("".join(line + "\n" for line in forge(lines)))
    problems = ledger.verify()
    assert len(problems) == len(found)
    for problem, beginning in zip(problems, found, strict=True):
        assert problem.startswith(beginning)
    before = ledger.path.read_bytes()
    with pytest.raises(BrokenLedger, match="is not what was written"):
        ledger.append("register", "v7", "Ann")
    with pytest.raises(BrokenLedger):
        ledger.entries()
    assert ledger.path.read_bytes() == before


def test_every_single_flipped_bit_is_found(ledger: Ledger) -> None:
    content = written(ledger, 3).path.read_bytes()
    for place in range(len(content)):
        for bit in (0, 5):
            forged = bytearray(content)
            forged[place] ^= 1 << bit
            ledger.path.write_bytes(forged)
            assert ledger.verify(), (place, bit)


@pytest.mark.parametrize(
    "head", ["", "x\n", "6 abc\n", "0 " + "0" * 64, "9" * 5000 + " " + "0" * 64]
)
def test_a_head_that_says_nothing_is_found(ledger: Ledger, head: str) -> None:
    written(ledger).head_path.write_text(head)
    assert len(ledger.verify()) == 1


def test_a_head_that_is_gone_is_found(ledger: Ledger) -> None:
    written(ledger).head_path.unlink()
    assert ledger.verify() == ["the head file is gone; line 6 may not be the last that was written"]


# --- A torn line is no tampering ----------------------------------------------------------------


def test_a_torn_last_line_is_taken_off_by_the_next(ledger: Ledger) -> None:
    before = written(ledger).entries()
    for part in (b"{", b'{"by": "Ann", "details"', before[0].text().encode()):
        with ledger.path.open("ab") as stream:
            stream.write(part)
        assert ledger.verify() == []
        assert ledger.entries() == before
        before.append(ledger.append("register", "next", "Ann"))
        assert ledger.entries() == before


def test_a_line_that_was_told_and_then_torn_is_tampering(ledger: Ledger) -> None:
    content = written(ledger).path.read_bytes()
    for cut in (1, 20):
        ledger.path.write_bytes(content[:-cut])
        assert ledger.verify() == ["line 6 and all to line 6 were cut off the end"]


def test_a_full_disk_leaves_the_old_truth(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written(ledger).path.read_bytes()

    def full(descriptor: int, data: bytes, write: Callable[..., int] = os.write) -> int:
        if len(data) < 30:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            ledger.append("register", "v7", "Ann")
    assert ledger.path.read_bytes() == before
    assert ledger.append("register", "v7", "Ann").number == 7


# --- kill -9 -----------------------------------------------------------------------------------

KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from lmops.ledger import Ledger

steps, kill_at, torn = itertools.count(1), int(sys.argv[2]), sys.argv[3] == "torn"

def hooked(name, call):
    def step(*arguments, **more):
        if next(steps) == kill_at:
            if torn and name == "write":
                call(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **more)
    return step

for name in ("open", "write", "fsync", "ftruncate", "replace", "close"):
    setattr(os, name, hooked(name, getattr(os, name)))
Ledger(Path(sys.argv[1])).append("register", "killed", "Ann")
print("told", flush=True)
"""


def append_and_be_killed(ledger: Ledger, step: int, how: str) -> bool:
    """Return whether it was told that the line is in the ledger, before the kill."""
    command = [sys.executable, "-c", KILLED, str(ledger.path), str(step), how]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode in (0, -9), run.stderr
    return "told" in run.stdout


@pytest.mark.parametrize("how", ["whole", "torn"])
@pytest.mark.parametrize("lines", [0, 3])
def test_kill_9_at_every_step_leaves_the_old_or_the_new_truth(
    ledger: Ledger, lines: int, how: str
) -> None:
    told = written(ledger, lines).entries() if lines else []
    seen = set()
    for step in range(1, 100):
        done = append_and_be_killed(ledger, step, how)
        assert ledger.verify() == []
        after = ledger.entries()
        assert after[: len(told)] == told
        assert [entry.version for entry in after[len(told) :]] in ([], ["killed"])
        seen.add(len(after) - len(told))
        assert not done or len(after) == len(told) + 1
        if done:
            break
        told = after
    assert step > 8
    assert seen == {0, 1}
    told = [*after, ledger.append("register", "next", "Ann")]
    assert ledger.entries() == told


# --- Many writers ------------------------------------------------------------------------------

MANY = """
import sys
from pathlib import Path
from lmops.ledger import Ledger
for n in range(20):
    print(Ledger(Path(sys.argv[1])).append("register", f"{sys.argv[2]}-{n}", "Ann").number)
"""


def test_three_processes_at_once_lose_no_line(ledger: Ledger) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", MANY, ledger.path, name], stdout=subprocess.PIPE)
        for name in "abc"
    ]
    told = [int(line) for writer in writers for line in writer.communicate()[0].split()]
    assert sorted(told) == list(range(1, 61))
    entries = ledger.entries()
    for name in "abc":
        own = [entry.version for entry in entries if str(entry.version).startswith(name)]
        assert own == [f"{name}-{n}" for n in range(20)]
