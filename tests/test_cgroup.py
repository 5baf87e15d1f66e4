"""The memory cgroup of each worker: how it is found, and what it holds a worker to."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from course import COURSE, ROOT, SHOWN

from grader.checks.student import Lost, Student
from grader.grading.judge import judge
from grader.grading.run import make_task
from grader.grading.task import Rules, grade_submission
from grader.sandbox import bubblewrap, cgroup
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.cgroup import Cgroup, Cgroups, find_cgroups
from grader.sandbox.limits import Limits
from grader.sandbox.session import Session
from grader.submissions.cells import Cell
from grader.submissions.notebook import Submission

LESSON = "02_bigrams"
LIMITS = Limits(memory_mb=512, scratch_mb=8)

# --- Where it is, by what the kernel says -----------------------------------------------------

SECOND = "0::{path}\n"
FIRST = "5:cpu,cpuacct:/a\n4:memory:{path}\n1:name=systemd:/b\n0::/\n"
MOUNT = "31 23 0:28 {root} {mounted} rw,relatime shared:9 - {kind} cgroup rw{options}\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder where /proc and the cgroups are those of a kernel that a test makes up."""
    monkeypatch.setattr(cgroup, "PROC", tmp_path / "proc")
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def tell(kernel: Path, groups: str, *mounts: str) -> None:
    (kernel / "proc/self/cgroup").write_text(groups)
    (kernel / "proc/self/mountinfo").write_text("".join(mounts))


def second(kernel: Path, root: str = "/") -> str:
    return MOUNT.format(root=root, mounted=kernel / "cgroup", kind="cgroup2", options="")


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/user.slice/x.scope", "/", "user.slice/x.scope"),
        ("/", "/", "."),
        ("/docker/abc", "/docker/abc", "."),  # a container without a cgroup namespace
        ("/docker/abc/x", "/docker/abc", "x"),
        ("/x.scope/graders", "/", "x.scope"),  # moved there by another process of this grader
        ("/docker/other", "/docker/abc", None),
        ("/../elsewhere", "/", None),
    ],
)
def test_its_own_is_found_in_the_kernels_second_version(
    kernel: Path, path: str, root: str, found: str | None
) -> None:
    tell(kernel, SECOND.format(path=path), second(kernel, root))
    assert cgroup.own() == (found and Cgroups(kernel / "cgroup" / found, 2))


@pytest.mark.parametrize("inherits", ["0", "1"])
def test_its_own_is_found_in_the_kernels_first_version(kernel: Path, inherits: str) -> None:
    mounts = [
        MOUNT.format(root="/", mounted=kernel / name, kind="cgroup", options=f",{name}")
        for name in ("cpu", "memory")
    ]
    tell(kernel, FIRST.format(path="/grading"), *mounts, second(kernel))
    folder = kernel / "memory/grading"
    folder.mkdir(parents=True)
    (folder / "memory.use_hierarchy").write_text(f"{inherits}\n")
    # Where limits are not inherited, a worker's cgroup would be a way out of the grader's own.
    assert cgroup.own() == (Cgroups(folder, 1) if inherits == "1" else None)


def test_where_the_kernel_tells_nothing_there_is_none(kernel: Path) -> None:
    assert find_cgroups() is None
    tell(kernel, SECOND.format(path="/"))
    assert find_cgroups() is None
    tell(kernel, SECOND.format(path="/"), second(kernel))
    assert find_cgroups() is None


@pytest.fixture
def scope(kernel: Path) -> Path:
    """Return a cgroup of the second version that holds two processes and gives nothing on."""
    folder = kernel / "cgroup/x.scope"
    folder.mkdir(parents=True)
    tell(kernel, SECOND.format(path="/x.scope"), second(kernel))
    for name, text in (("controllers", "cpu memory"), ("subtree_control", ""), ("procs", "7\n8")):
        (folder / f"cgroup.{name}").write_text(f"{text}\n")
    return folder


def test_a_cgroup_that_somebody_else_keeps_is_left_alone(scope: Path) -> None:
    assert find_cgroups() is None
    assert sorted(path.name for path in scope.iterdir()) == [
        *("cgroup.controllers", "cgroup.procs", "cgroup.subtree_control")
    ]
    assert (scope / "cgroup.subtree_control").read_text() == "\n"


def test_the_processes_of_a_delegated_cgroup_make_room_for_the_workers(
    scope: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getxattr", lambda _, name: {"user.delegate": b"1"}[name])
    write, moved = Path.write_text, []

    def write_as_the_kernel(path: Path, text: str) -> int:
        if path.name == "cgroup.subtree_control" and moved != ["7", "8"]:
            raise OSError(errno.EBUSY, "there are processes in it")
        if path == scope / "graders/cgroup.procs":
            moved.append(text)
            return len(text)
        return write(path, text.removeprefix("+"))

    monkeypatch.setattr(Path, "write_text", write_as_the_kernel)
    cgroup._hand_down(scope)
    assert (scope / "cgroup.subtree_control").read_text() == "memory"
    moved.clear()
    cgroup._hand_down(scope)  # nothing is left to do
    assert moved == []


@pytest.mark.parametrize(
    ("version", "files", "killed"),
    [
        (2, {"memory.events": "low 0\noom 3\noom_kill 1\noom_group_kill 0\n"}, True),
        (2, {"memory.events": "low 0\noom 3\noom_kill 0\noom_group_kill 0\n"}, False),
        (2, {}, False),
        (1, {"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"}, True),
        (1, {"memory.oom_control": "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n"}, False),
        (1, {"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"}, False),  # before 4.13
    ],
)
def test_the_kernel_tells_whether_it_killed_the_worker(
    tmp_path: Path, version: int, files: dict[str, str], killed: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert Cgroup(tmp_path, version).killed == killed


def test_what_a_killed_grader_left_is_removed_and_no_more(
    kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kernel / "proc/41").mkdir()
    for name in ("grader-41-0", "grader-40-0", "grader-40-1/busy", "system.slice", "40-0"):
        (kernel / "cgroup" / name).mkdir(parents=True)
    Cgroups(kernel / "cgroup", 2).remove_left()
    left = {path.name for path in (kernel / "cgroup").iterdir()}
    assert left == {"grader-41-0", "grader-40-1", "system.slice", "40-0"}
    monkeypatch.setattr(cgroup, "_REMOVE_SECONDS", 0.01)
    Cgroup(kernel / "cgroup/grader-40-1", 2).remove()  # fails, and says nothing


def test_a_killed_graders_cgroup_is_in_nobodys_way_who_got_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "_names", iter([0, 1]))
    (tmp_path / f"grader-{os.getpid()}-0").mkdir()
    made = Cgroups(tmp_path, 2).make(100)
    assert made.folder.name == f"grader-{os.getpid()}-1"
    assert int((made.folder / "memory.max").read_text()) == (100 + cgroup.KEPT_MB) * 2**20


# --- What it holds a worker to ----------------------------------------------------------------

HOARD = "def take(mb): return len(bytearray(b'x') * (mb * 2**20))"


@pytest.fixture(scope="module")
def groups() -> Cgroups:
    """Return where workers' cgroups are made here; a test that needs one is skipped without."""
    found = find_cgroups()
    if found is None:
        pytest.skip("no memory cgroup can be made here; `grader doctor` says how to get one")
    return found


@pytest.fixture(scope="module", params=["warm", "cold"])
def made(request: pytest.FixtureRequest, groups: Cgroups) -> Iterator[Sandbox]:
    def refuse(*_: object) -> None:
        raise OSError("this kernel cannot seal a fork")

    with pytest.MonkeyPatch.context() as patch:
        if request.param == "cold":
            patch.setattr(bubblewrap, "_ForkServer", refuse)
        sandbox_made = Sandbox("bwrap", LIMITS, SHOWN)
    assert sandbox_made.isolation == request.param
    assert sandbox_made.memory_cgroup == "one per worker"
    yield sandbox_made
    sandbox_made.close()


def of_this_process(groups: Cgroups) -> list[Path]:
    return list(groups.folder.glob(f"grader-{os.getpid()}-*"))


def all_but(mb: int) -> int:
    """Return the `KEPT_MB` that leaves `mb` of all that `LIMITS` allow, so that the sum is less."""
    return mb - LIMITS.memory_mb - LIMITS.scratch_mb


@pytest.mark.sandbox
def test_a_worker_is_in_a_cgroup_of_its_own_that_ends_with_it(
    made: Sandbox, groups: Cgroups
) -> None:
    workers = [made.start(LESSON, LIMITS) for _ in range(2)]
    folders = of_this_process(groups)
    assert len(folders) == 2
    name = cgroup._LIMITS[groups.version][0]
    for worker, folder in zip(workers, sorted(folders, key=lambda path: path.name), strict=True):
        assert worker.socket.recv(100)
        inside = (folder / "cgroup.procs").read_text().split()
        commands = {Path(f"/proc/{number}/comm").read_text().strip() for number in inside}
        assert commands >= ({"bwrap"} if made.isolation == "cold" else {"python"}), commands
        assert int((folder / name).read_text()) == (512 + 8 + cgroup.KEPT_MB) * 2**20
    for worker in workers:
        worker.end()
    assert of_this_process(groups) == []


@pytest.mark.sandbox
def test_no_worker_keeps_more_than_its_cgroup_allows(
    made: Sandbox, groups: Cgroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "KEPT_MB", all_but(400))
    session = Session([Cell(1, HOARD)], COURSE.exercises(LESSON), made)
    student = Student(session.send)
    session.start()
    assert student.take(100) == 100 * 2**20
    with pytest.raises(Lost, match="more memory than there is") as lost:
        student.take(450)  # which RLIMIT_AS allows
    assert lost.value.status == "out_of_memory"
    session.start()
    assert Student(session.send).take(100) == 100 * 2**20
    session.stop()
    assert of_this_process(groups) == []


FILES_AND_PIPES = """
import os, socket
def take(mb):
    with open("/scratch/kept", "wb") as file:
        for _ in range(mb):
            file.write(bytes(2**20))
def fill():
    kept = 0
    while True:
        try:
            read, write = os.pipe()
        except OSError:
            return kept
        os.set_blocking(write, False)
        try:
            while True:
                kept += os.write(write, bytes(2**12))
        except BlockingIOError:
            pass
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("made", ["warm"], indirect=True)
@pytest.mark.parametrize(("call", "size", "left"), [("take", (60,), 45), ("fill", (), 6)])
def test_files_and_pipes_count_which_no_limit_on_mappings_does(
    made: Sandbox, monkeypatch: pytest.MonkeyPatch, call: str, size: tuple[int, ...], left: int
) -> None:
    monkeypatch.setattr(made, "limits", replace(LIMITS, scratch_mb=64))
    session = Session([Cell(1, FILES_AND_PIPES)], COURSE.exercises(LESSON), made)
    session.start()
    getattr(Student(session.send), call)(*size)
    session.stop()
    monkeypatch.setattr(cgroup, "KEPT_MB", left - 512 - 64)
    session.start()
    with pytest.raises(Lost) as lost:
        getattr(Student(session.send), call)(*size)
    assert lost.value.status == "out_of_memory"


TOO_MUCH = """
kept = bytearray(b"x") * (450 * 2**20)
def nll(table, ids): return 0.5
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("made", ["warm"], indirect=True)
def test_a_cell_that_is_killed_for_memory_says_so_in_the_grade(
    made: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "KEPT_MB", all_but(400))
    reference = {"nll": lambda table, ids: 0.5}
    (result,) = judge(
        COURSE.exercises(LESSON), [Cell(1, TOO_MUCH)], "x", reference, made, b"secret", only="nll"
    )
    assert (result.status, result.points) == ("out_of_memory", 0)
    assert result.message.startswith("cell 1: the notebook's process and its files took more")


@pytest.mark.sandbox
def test_a_worker_that_cannot_be_moved_in_does_not_run(
    made: Sandbox, groups: Cgroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not here")

    with monkeypatch.context() as patch:
        patch.setattr(Cgroup, "add", refuse)
        patch.setattr(Cgroup, "around", refuse)
        with pytest.raises(PermissionError, match="not here"):
            made.start(LESSON, LIMITS)
    assert of_this_process(groups) == []
    made.start(LESSON, LIMITS).end()


@pytest.mark.sandbox
def test_without_one_all_is_as_it_was_and_nothing_is_graded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ada.ipynb"
    file.write_bytes(Path(__file__).parents[1].joinpath(f"notebooks/{LESSON}.ipynb").read_bytes())
    told, prints = [], []
    rules = Rules(ROOT, "bwrap", LIMITS, b"secret")
    for finder in (find_cgroups, lambda: None):
        monkeypatch.setattr(bubblewrap, "find_cgroups", finder)
        task = make_task(COURSE, Submission("ada", file), LESSON, rules)
        made = Sandbox("bwrap", LIMITS, SHOWN)
        monkeypatch.setattr("grader.grading.task._sandbox", lambda *_, made=made: made)
        result, facts = grade_submission(task, rules)
        made.close()
        told.append(facts.pop("memory cgroup"))
        prints.append((task.fingerprint, replace(result, seconds=0), facts))
    assert told == ["one per worker" if find_cgroups() else "none", "none"]
    assert prints[0] == prints[1]
