import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from course import ROOT

from grader import doctor
from grader.sandbox import bubblewrap, session
from grader.sandbox.bubblewrap import SandboxMissing

REQUIRE = bubblewrap.require


@pytest.fixture
def machine(monkeypatch):
    """A machine that has all, whatever this one has; what the test takes away is missing."""
    version = SimpleNamespace(returncode=0, stdout="bubblewrap 0.8.0\n", stderr="")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: version)
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor, "_free_memory", lambda: 8 * doctor.GIB)
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=50 * doctor.GIB)
    )
    monkeypatch.setattr(
        doctor.resource, "getrlimit", lambda _: (doctor.resource.RLIM_INFINITY,) * 2
    )
    monkeypatch.setattr(bubblewrap, "require", lambda *_: None)
    give(monkeypatch)
    return monkeypatch


def give(monkeypatch, isolation="warm", memory_cgroup="one per worker", start=lambda: None):
    """Have this machine make sandboxes of that kind."""
    made = SimpleNamespace(isolation=isolation, memory_cgroup=memory_cgroup, close=lambda: None)
    monkeypatch.setattr(bubblewrap, "Sandbox", lambda *_: made)
    worker = SimpleNamespace(start=start, stop=lambda: None)
    monkeypatch.setattr(session, "Session", lambda *_: worker)


def lacking(monkeypatch, *names):
    monkeypatch.setattr(
        doctor.shutil, "which", lambda name: None if name in names else f"/usr/bin/{name}"
    )


def look(capsys):
    """Return the exit status and each line of the table by what it is about."""
    status = doctor.main(ROOT)
    said = capsys.readouterr().out
    found = {finding.what: finding for finding in doctor.findings(ROOT)}
    for finding in found.values():
        assert finding.words in said
        assert all(line in said for line in finding.fix.splitlines())
    return status, found, said


def test_a_machine_that_has_all(machine, capsys):
    status, found, said = look(capsys)
    assert status == 0
    assert {finding.state for finding in found.values()} == {"ok"}
    assert list(found) == [
        *("system", "python", "packages", "torch", "course", "bubblewrap", "namespaces", "forks"),
        *("memory cgroup", "system calls", "limits", "cores", "memory", "disk", "Chromium"),
    ]
    assert said.endswith("A class can be graded here.\n")
    assert all(line.startswith("✓") for line in said.split("\n\n")[0].splitlines())


@pytest.mark.parametrize(
    ("tools", "command"),
    [
        (("dnf", "pacman", "zypper"), "sudo apt-get install bubblewrap"),
        (("apt-get", "pacman", "zypper"), "sudo dnf install bubblewrap"),
        (("apt-get", "dnf", "zypper"), "sudo pacman -S bubblewrap"),
        (("apt-get", "dnf", "pacman"), "sudo zypper install bubblewrap"),
        (("apt-get", "dnf", "pacman", "zypper"), "install bubblewrap with this system's"),
    ],
)
def test_without_bubblewrap(machine, capsys, tools, command):
    lacking(machine, "bwrap", *tools)
    status, found, said = look(capsys)
    assert status == 1
    assert found["bubblewrap"].state == "missing"
    assert f"> {command}" in said
    assert "No class can be graded here yet: see bubblewrap." in said


@pytest.mark.parametrize(
    ("switch", "value", "command"),
    [
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
    ],
)
def test_without_namespaces(machine, capsys, tmp_path, switch, value, command):
    def refuse(*_):
        raise SandboxMissing("what bubblewrap said")

    machine.setattr(bubblewrap, "require", refuse)
    machine.setattr(doctor, "PROC_SYS", tmp_path)
    (tmp_path / switch).parent.mkdir()
    (tmp_path / switch).write_text(f"{value}\n")
    status, found, _ = look(capsys)
    assert status == 1
    assert found["namespaces"].state == "missing"
    assert found["namespaces"].fix == command


def test_where_nothing_says_why_there_are_no_namespaces(machine, tmp_path, capsys):
    def refuse(*_):
        raise SandboxMissing("what bubblewrap said")

    machine.setattr(bubblewrap, "require", refuse)
    machine.setattr(doctor, "PROC_SYS", tmp_path)
    machine.setattr(doctor.os.path, "exists", lambda _: False)
    assert look(capsys)[1]["namespaces"].fix == "what bubblewrap said"
    machine.setattr(doctor.os.path, "exists", lambda _: True)
    assert "docker run" in look(capsys)[1]["namespaces"].fix


def test_a_worker_that_does_not_start(machine, capsys):
    def fail():
        raise RuntimeError("it did not start\nTraceback\nModuleNotFoundError: No module named 'm'")

    give(machine, start=fail)
    status, found, _ = look(capsys)
    assert status == 1
    assert found["worker"].words.endswith(
        "does not start: ModuleNotFoundError: No module named 'm'"
    )


def test_a_course_that_students_code_would_see(machine, capsys):
    shown = str(ROOT.parent)
    machine.setattr(bubblewrap, "require", REQUIRE)
    machine.setattr(bubblewrap, "_shown", lambda: [shown])
    status, found, said = look(capsys)
    assert status == 1
    assert found["folders"].words == "students' code would see the course's solutions"
    assert f"and {shown}," in said
    assert f"holds the course, {ROOT}. Keep them apart" in said


def test_cold_forks_are_slower_not_missing(machine, capsys):
    give(machine, isolation="cold")
    status, found, said = look(capsys)
    assert status == 0
    assert found["forks"].state == "limited"
    assert "! forks" in said


def test_grading_does_without_a_memory_cgroup(machine, capsys):
    give(machine, memory_cgroup="none")
    status, found, said = look(capsys)
    assert status == 0
    assert found["memory cgroup"].state == "optional"
    assert "> systemd-run --user --scope -p Delegate=yes grader grade" in said


def test_without_a_package(machine, capsys):
    found = doctor.installed
    lacking = ("torch", "nbclient")
    machine.setattr(doctor, "installed", lambda name: None if name in lacking else found(name))
    status, found, said = look(capsys)
    assert status == 1
    assert found["packages"].words == "not installed: torch, nbclient"
    assert "> python -m pip install 'torch>=2.6' 'nbclient>=0.10'" in said
    assert "torch" not in found


def test_without_seccomp(machine, capsys):
    refused = SimpleNamespace(returncode=1, stdout="", stderr="Traceback\nOSError: prctl: no")
    machine.setattr(doctor.subprocess, "run", lambda *_, **__: refused)
    status, found, _ = look(capsys)
    assert status == 1
    assert "OSError: prctl: no" in found["system calls"].words


def test_low_limits(machine, capsys):
    machine.setattr(doctor.resource, "getrlimit", lambda _: (64, 64))
    status, found, said = look(capsys)
    assert status == 1
    assert "files open 64, of 256" in found["limits"].words
    assert "see limits." in said


def test_little_memory_and_disk_are_no_reason_to_stop(machine, capsys):
    machine.setattr(doctor, "_free_memory", lambda: doctor.GIB)
    machine.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    status, found, said = look(capsys)
    assert status == 0
    assert found["memory"].state == found["disk"].state == "limited"
    assert "--jobs 1" in said


def test_chromium_is_not_needed(machine, capsys):
    lacking(machine, *doctor.CHROMIUM)
    status, found, said = look(capsys)
    assert status == 0
    assert found["Chromium"].state == "optional"
    assert "> sudo apt-get install chromium" in said


def test_another_system(machine, capsys):
    machine.setattr(doctor.sys, "platform", "darwin")
    status, found, _ = look(capsys)
    assert status == 1
    assert found["system"].state == "missing"


def test_memory_is_what_the_container_has_left(monkeypatch, tmp_path):
    for name, text in {
        "proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 4194304 kB\n",
        "group/memory.max": "3000\n",
        "group/memory.current": "1000\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(doctor, "MEMINFO", tmp_path / "proc/meminfo")
    monkeypatch.setattr(doctor, "CGROUP", tmp_path / "group")
    assert doctor._free_memory() == 2000
    (tmp_path / "group/memory.max").write_text("max\n")
    assert doctor._free_memory() == 4 * doctor.GIB
    (tmp_path / "proc/meminfo").unlink()
    assert doctor._free_memory() is None


@pytest.mark.sandbox
def test_it_agrees_with_this_machine():
    assert shutil.which("bwrap")
    run = [
        sys.executable,
        "-c",
        "from grader.doctor import main; from pathlib import Path; raise SystemExit(main(Path()))",
    ]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert "✓ bubblewrap" in done.stdout
    try:
        bubblewrap.require("bwrap", ROOT)
    except SandboxMissing:
        assert done.returncode == 1
    else:
        assert done.returncode == 0, done.stdout
