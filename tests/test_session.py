"""What a student's code can do in the worker, and what it cannot."""

import contextlib
import importlib
import os
import re
import shutil
import site
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from course import COURSE, ROOT, SHOWN

from grader.checks.student import Lost, Raised, Student
from grader.sandbox import bubblewrap
from grader.sandbox.bubblewrap import Sandbox, SandboxMissing
from grader.sandbox.limits import Limits
from grader.sandbox.session import Session, _Worker
from grader.submissions.cells import Cell

LESSON = "02_bigrams"
LIMITS = Limits(cell_seconds=4, call_seconds=4, submission_seconds=60, memory_mb=512, scratch_mb=8)

Start = Callable[..., Session]

pytestmark = pytest.mark.sandbox


BOTH = pytest.mark.parametrize("isolation", ["warm", "cold"], indirect=True, scope="module")
"""For what differs where no fork can be sealed; a worker takes seconds to start there."""


@pytest.fixture(scope="module")
def isolation(request: pytest.FixtureRequest) -> str:
    """How workers are kept apart: as forks of a warm parent, or in a bubblewrap each."""
    return str(getattr(request, "param", "warm"))


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Sandbox]]:
    """The sandboxes that there are, by isolation."""
    sandboxes: dict[str, Sandbox] = {}
    yield sandboxes
    for each in sandboxes.values():
        each.close()


@pytest.fixture(scope="module")
def shared_sandbox(isolation: str, made: dict[str, Sandbox]) -> Sandbox:
    if isolation not in made:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRADER_TEST_SECRET", "secret")
            made[isolation] = make_sandbox(isolation, LIMITS)
    return made[isolation]


def make_sandbox(isolation: str, limits: Limits) -> Sandbox:
    with pytest.MonkeyPatch.context() as patch:
        if isolation == "cold":
            patch.setattr(bubblewrap, "_ForkServer", refuse)
        made = Sandbox("bwrap", limits, SHOWN)
    assert made.isolation == isolation
    return made


def refuse(*_: object) -> None:
    raise OSError("this kernel cannot seal a fork")


@pytest.fixture
def start(shared_sandbox: Sandbox) -> Iterator[Start]:
    """Return a function that starts a sandboxed session of the given cells."""
    sessions: list[Session] = []

    def starter(*sources: str, limits: Limits = LIMITS) -> Session:
        cells = [Cell(number, source) for number, source in enumerate(sources, 1)]
        shared_sandbox.limits = limits  # which a session looks at when it is made
        sessions.append(Session(cells, COURSE.exercises(LESSON), shared_sandbox))
        sessions[-1].start()
        return sessions[-1]

    yield starter
    for session in sessions:
        session.stop()
    shared_sandbox.limits = LIMITS


def test_cells_share_a_namespace_and_survive_each_others_errors(start: Start) -> None:
    session = start("x = 1", "x = 2\nraise ValueError('half way')", "y = x + 1", "def (")
    assert Student(session.send).y == 3
    assert session.problems[2].status == "error"
    assert "ValueError: half way" in session.problems[2].message
    assert "cell 2, line 2" in session.problems[2].message
    assert "SyntaxError" in session.problems[4].message


def test_ipython_syntax_does_no_harm_and_needs_no_network(start: Start) -> None:
    session = start(
        "%matplotlib inline\n%pip install left-pad\n!pip install left-pad\nfiles = !ls",
        "%%time\nx = 1",
        "%%bash\nrm -rf /",
        "%time y = 2",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\ndisplay(plt.gcf())",
        "get_ipython().run_line_magic('load_ext', 'autoreload')\nx?",
        "import asyncio\nawait asyncio.sleep(0)\nz = 3",
        "import sys\nprint('to stderr', file=sys.stderr)",
        "In [1]: w = 4",
    )
    student = Student(session.send)
    assert session.problems == {}
    assert (student.w, student.x, student.y, student.z) == (4, 1, 2, 3)


def test_dataclasses_and_classes_work_as_in_a_notebook(start: Start) -> None:
    source = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Config:
    layers: int = 2
"""
    assert Student(start(source).send).Config().layers == 2


SYSTEM = {"bin", "course", "dev", "etc", "lib", "lib32", "lib64", "proc", "scratch", "tmp", "usr"}
# This Python may live anywhere, even in the checkout: the way there is all that shows of it.
PYTHONS = {Path(folder).parts[1] for folder in bubblewrap._interpreter()}
CHECKOUT = str(Path(__file__).parents[1])

TRIES = {
    "sees no files of the machine": (
        f"import os; return sorted(set(os.listdir('/')) - set({sorted(SYSTEM | PYTHONS)!r}))",
        [],
    ),
    "sees nothing of the checkout but its Python": (
        f"import os; return [d for d in ('solutions', 'notebooks', 'tests', 'grader', '.git')"
        f" if os.path.exists(os.path.join({CHECKOUT!r}, d))]",
        [],
    ),
    "sees none of the grader but the worker": (
        "import os; return [sorted(set(os.listdir(f'/course/grader/{d}')) - {'__pycache__'})"
        " for d in ('', 'sandbox')]",
        [
            ["__init__.py", "checks", "sandbox"],
            ["__init__.py", "forkserver.py", "lockdown.py", "syscalls.py", "worker.py"],
        ],
    ),
    "sees no solutions": (
        "import os; return [f for d in ('/course', '/scratch', '.')"
        " for _, _, files in os.walk(d) for f in files if f.startswith('02_bigrams.') "
        " and not f.endswith('.json')]",
        [],
    ),
    "sees no other processes": (
        "import os; return len([p for p in os.listdir('/proc') if p.isdigit()]) <= 2",
        True,
    ),
    "has no environment of the judge": (
        "import os; return 'GRADER_TEST_SECRET' in os.environ",
        False,
    ),
    "has no capabilities": (
        "import ctypes, struct; sets = ctypes.create_string_buffer(24)\n"
        "    ctypes.CDLL(None).capget(struct.pack('Ii', 0x20080522, 0), sets)\n"
        "    return sets.raw == bytes(24)",
        True,
    ),
    "has one descriptor beyond the standard ones": (
        "import os\n"
        "    def is_open(n):\n"
        "        try: os.fstat(n)\n"
        "        except OSError: return False\n"
        "        return True\n"
        "    return sum(map(is_open, range(3, 200)))",
        1,
    ),
    "has a scratch folder that is empty but for its settings": (
        "import os; return sorted(set(os.listdir('/scratch')) - {'matplotlib'})",
        [],
    ),
    "is one thread, which the filter is set for": (
        "import os; task = '/proc/self/task'\n"
        "    return len(os.listdir(task)) if os.path.exists(task) else 1",
        1,
    ),
    "is the first of its processes, or the second": (
        "import os; return os.getpid() <= 2",
        True,
    ),
}


@BOTH
@pytest.mark.parametrize("name", TRIES)
def test_the_sandbox(looking: Student, name: str) -> None:
    assert getattr(looking, f"try_{list(TRIES).index(name)}")() == TRIES[name][1]


FORBIDDEN = {
    "fork": "import os; os.fork()",
    "spawn": "import subprocess; subprocess.run(['/usr/bin/env'])",
    "posix_spawn": "import os; os.posix_spawn('/usr/bin/env', ['env'], {})",
    "multiprocessing": "import multiprocessing as m; m.Process(target=print).start()",
    "write the course": "open('/course/lmcourse/check.py', 'w')",
    "write where others could read": "open('/dev/shm/x', 'w')",
    "write devices": "open('/dev/x', 'w')",
    "take a cover away": (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        "    if libc.umount2(b'/scratch', 2): raise OSError(ctypes.get_errno(), 'refused')"
    ),
    "write the root": "open('/new', 'w')",
    "fill the disk": (
        "import tempfile; f = tempfile.TemporaryFile(dir='/scratch')\n"
        "    for _ in range(99): f.write(b'0' * 2**20)"
    ),
    "network": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)",
    "loopback": "import socket; socket.create_connection(('127.0.0.1', 22), timeout=2)",
    "names": "import socket; socket.getaddrinfo('example.org', 80)",
    "memory": "return len(bytearray(2**31))",
    "kill": "import os; os.kill(-1, 9); raise OSError('nothing there to kill')",
    "trace": (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        "    if libc.ptrace(16, 1, 0, 0): raise OSError(ctypes.get_errno(), 'refused')"
    ),
    "raise the limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "a namespace of one's own": (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        "    if libc.unshare(0x10000000): raise OSError(ctypes.get_errno(), 'refused')"
    ),
}


@BOTH
@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_refused_is_an_error_in_the_students_code(looking: Student, name: str) -> None:
    with pytest.raises(Raised):
        getattr(looking, f"attempt_{list(FORBIDDEN).index(name)}")()


@pytest.fixture(scope="module")
def looking(shared_sandbox: Sandbox) -> Iterator[Student]:
    """Give the code of `TRIES` and `FORBIDDEN`, in one worker: none of it changes anything."""
    tries = [body for body, _ in TRIES.values()]
    sources = [f"def try_{number}():\n    {body}" for number, body in enumerate(tries)]
    sources += [
        f"def attempt_{number}():\n    {body}" for number, body in enumerate(FORBIDDEN.values())
    ]
    cells = [Cell(number, source) for number, source in enumerate(sources, 1)]
    shared_sandbox.limits = replace(LIMITS, submission_seconds=600, exercise_seconds=600)
    session = Session(cells, COURSE.exercises(LESSON), shared_sandbox)
    shared_sandbox.limits = LIMITS
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_TEST_SECRET", "secret")
        session.start()
    assert session.problems == {}
    yield Student(session.send)
    session.stop()


IS_OPEN = """
def is_open(number):
    import os
    try: os.fstat(number)
    except OSError: return False
    return True
"""
LETHAL = {
    "an endless loop": ("while True: pass", "timeout"),
    "exit": ("import os; os._exit(0)", "crashed"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "crashed"),
    "closed pipes": ("import os; os.closerange(3, 100)", "crashed"),
    "junk in the pipes": (
        "import os\n    for n in range(3, 64):\n"
        "        try: os.write(n, b'\\xff' * 64)\n        except OSError: pass",
        "crashed",
    ),
    "a long reply, byte by byte": (
        "import os\n    line = next(n for n in range(3, 256) if is_open(n))\n"
        "    os.write(line, (2**26).to_bytes(4, 'little'))\n"
        "    while True: os.write(line, b'0')",
        "timeout",
    ),
}


@pytest.mark.parametrize(
    ("isolation", "name"),
    [*(("warm", name) for name in LETHAL), ("cold", "an endless loop"), ("cold", "exit")],
    indirect=["isolation"],
    scope="module",
)
def test_a_call_that_takes_the_worker_with_it_is_lost_alone(start: Start, name: str) -> None:
    body, status = LETHAL[name]
    limits = Limits(call_seconds=1.5)
    source = f"{IS_OPEN}\ndef fine(): return 1\ndef attempt():\n    {body}"
    session = start(source, limits=limits)
    student = Student(session.send)
    assert student.fine() == 1
    with pytest.raises(Lost) as lost:
        student.attempt()
    assert lost.value.status == status
    with pytest.raises(Lost):
        student.fine()
    session.start()
    assert student.fine() == 1


def test_a_cell_that_never_ends_is_left_out_the_next_time(start: Start) -> None:
    limits = Limits(cell_seconds=1.5)
    session = start("x = 1", "while True: pass", "y = 2", limits=limits)
    student = Student(session.send)
    assert (student.x, student.y) == (1, 2)
    assert session.problems[2].status == "timeout"


def test_the_submissions_time_bounds_everything(start: Start) -> None:
    cells = [f"import time; time.sleep(0.5); x{n} = {n}" for n in range(20)]
    started = time.monotonic()
    with pytest.raises(Lost, match="used up"):
        start(*cells, limits=Limits(submission_seconds=3))
    assert time.monotonic() - started < 30


def test_an_exercises_time_is_that_of_all_its_calls_and_ends_no_other(start: Start) -> None:
    session = start("import time\ndef wait(): time.sleep(0.3)\ndef fine(): return 1")
    student = Student(session.send)
    session.start({"exercise_seconds": 1.0})
    with pytest.raises(Lost, match="the whole exercise took longer than 1 s"):
        assert [student.wait() for _ in range(9)]
    session.start()
    assert student.fine() == 1


ALLOCATE = "def take(mb): return len(bytearray(mb * 2**20))"


@BOTH
def test_an_exercise_with_less_memory_has_less_and_the_next_one_does_not(start: Start) -> None:
    raising = "import resource\ndef more(): resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))"
    session = start(ALLOCATE, raising)
    student = Student(session.send)
    session.start({"memory_mb": 100})
    with pytest.raises(Raised, match="MemoryError"):
        student.take(200)
    with pytest.raises(Raised, match="not allowed to raise"):
        student.more()
    session.start()
    assert Student(session.send).take(200) == 200 * 2**20


def test_a_cell_that_has_not_enough_memory_for_one_exercise_runs_for_another(start: Start) -> None:
    session = start(ALLOCATE, "x = take(200)", "while True: pass")
    student = Student(session.send)
    session.start({"memory_mb": 100})
    assert session.problems[2].status == "out_of_memory"
    session.start({"memory_mb": 400})
    assert student.x == 200 * 2**20
    assert session.problems.keys() == {3}  # which took its time, and is not tried again


@BOTH
def test_signals_are_no_way_out(start: Start) -> None:
    source = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
def attempt():
    while True:
        try: time.sleep(1)
        except BaseException: pass
"""
    session = start(source, limits=Limits(call_seconds=1))
    with pytest.raises(Lost):
        Student(session.send).attempt()


@BOTH
def test_nothing_of_a_stopped_worker_lives_on(start: Start) -> None:
    name = f"lives-on-{os.getpid()}"
    rename = f"import ctypes; ctypes.CDLL(None).prctl(15, b'{name[:15]}', 0, 0, 0)"
    session = start(
        f"{rename}\nimport threading as t, time\nt.Thread(target=time.sleep, args=[99]).start()"
    )
    assert name[:15] in running()
    session.stop()
    deadline = time.monotonic() + 10
    while name[:15] in running() and time.monotonic() < deadline:
        time.sleep(0.05)  # closing its socket is not the last thing that a dying process does
    assert name[:15] not in running()


def running() -> set[str]:
    """Return the names of all processes on this machine that are not dead."""
    names = set()
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            status = dict(line.split(":", 1) for line in path.read_text().splitlines())
            if "Z" not in status["State"]:
                names.add(status["Name"].strip())
    return names


@BOTH
def test_siblings_share_nothing(start: Start) -> None:
    first = start("open('/scratch/left', 'w').write('for the next')")
    second = start(
        "import os\ndef look(): return sorted(set(os.listdir('/scratch')) - {'matplotlib'})"
    )
    assert first.problems == {}
    assert Student(second.send).look() == []


def test_asyncio_and_threads_work_as_in_a_notebook(start: Start) -> None:
    session = start(
        "import asyncio\nx = await asyncio.wait_for(asyncio.to_thread(abs, -1), 5)",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(3) as pool: y = sum(pool.map(abs, range(-9, 0)))",
        "import torch\ntorch.set_num_threads(2)\na = torch.ones(300, 300)\nz = (a @ a).sum()",
    )
    student = Student(session.send)
    assert session.problems == {}
    assert (student.x, student.y, student.z.item()) == (1, 45, 300.0**3)


def test_files_in_the_scratch_folder_can_be_all_that_files_can(start: Start) -> None:
    session = start(
        "import os, shutil, tempfile\nfrom pathlib import Path\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    file = Path(folder, 'a', 'b')\n    file.parent.mkdir()\n"
        "    file.write_text('x' * 9999)\n"
        "    shutil.copy2(file, folder)\n    shutil.move(file, Path(folder, 'c'))\n"
        "    os.utime(Path(folder, 'c'))\n    os.truncate(Path(folder, 'c'), 9)\n"
        "    shutil.make_archive(Path(folder, 'z'), 'zip', folder)\n"
        "    found = sorted(os.listdir(folder))",
        "import numpy as np, torch\n"
        "torch.save({'a': torch.ones(3)}, 'm.pt')\na = torch.load('m.pt', mmap=True)['a']\n"
        "np.save('n.npy', np.ones(3))\nnp.load('n.npy', mmap_mode='r+')[0] = 2\n"
        "b = np.load('n.npy')[0]",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('$x^2$')\n"
        "for kind in ('png', 'svg', 'pdf'): plt.savefig(f'x.{kind}')",
    )
    student = Student(session.send)
    assert session.problems == {}
    assert student.found == ["a", "b", "c", "z.zip"]
    assert (student.a.tolist(), float(student.b)) == ([1.0, 1.0, 1.0], 2.0)


def test_a_warm_parent_that_was_killed_is_started_again() -> None:
    made = make_sandbox("warm", LIMITS)
    assert made._server is not None
    made._server._process.kill()
    session = Session([Cell(1, "x = 1")], COURSE.exercises(LESSON), made)
    session.start()
    assert Student(session.send).x == 1
    session.stop()
    made.close()


def test_prints_are_free(start: Start) -> None:
    assert Student(start("def say():\n    print('x' * 10**6)\n    return 1").send).say() == 1


@BOTH
def test_the_judge_has_the_last_of_what_went_to_stderr(start: Start) -> None:
    session = start(
        "import os, sys\nprint('printed', file=sys.stderr)",
        "os.write(2, b'\\xffcaf\\xc3\\xa9 \\x1b[2J\\n')",
        "def more(text): sys.stderr.write(text)",
        "import warnings\nwarnings.warn('careful')",
    )
    Student(session.send).more("last\r")
    session.stop()
    assert session.stderr.startswith("printed\n\ufffdcafé \\x1b[2J\n")
    assert "UserWarning: careful" in session.stderr
    assert session.stderr.endswith("last\n")


def test_stderr_of_all_workers_of_a_submission_is_kept_and_bounded(start: Start) -> None:
    session = start(
        "import os\ndef say(text): os.write(2, text.encode())\ndef leave(): os._exit(0)"
    )
    student = Student(session.send)
    student.say("first\n")
    with pytest.raises(Lost):
        student.leave()
    session.start()
    student.say("second\n")
    assert "first\n" in session.stderr
    student.say("x" * 2**17)  # more than a pipe holds
    session.stop()
    assert session.stderr == "x" * bubblewrap.MAX_STDERR


def test_a_worker_that_floods_stderr_neither_stops_nor_outlasts_the_judge(start: Start) -> None:
    flood = (
        "import os, threading\nflood = lambda: [os.write(2, b'x' * 2**16) for _ in iter(int, 1)]\n"
        "def in_a_thread(): threading.Thread(target=flood, daemon=True).start()\n"
        "def close(): os.close(2)"
    )
    session = start(flood + "\ndef fine(): return 1", limits=Limits(call_seconds=1.5))
    student = Student(session.send)
    student.in_a_thread()
    assert [student.fine() for _ in range(20)] == [1] * 20
    with pytest.raises(Lost, match=r"longer than 1\.5 s"):
        student.flood()
    session.start()
    student = Student(session.send)
    student.close()
    assert student.fine() == 1


def test_a_crash_says_where_it_was(start: Start) -> None:
    session = start("import ctypes\ndef crash():\n    ctypes.string_at(0)")
    with pytest.raises(Lost):
        Student(session.send).crash()
    assert "Segmentation fault" in session.stderr
    assert '"<cell 1>", line 3 in crash' in session.stderr


@BOTH
def test_a_worker_that_cannot_start_says_why(shared_sandbox: Sandbox) -> None:
    worker = _Worker(shared_sandbox.start("99_nothing", LIMITS))
    with pytest.raises(RuntimeError, match=r"did not start[\s\S]*there is no lesson '99_nothing'"):
        worker.wait_until_ready()
    worker.stop()


@BOTH
def test_recordings_and_what_is_hidden_are_covered_wherever_python_has_them(
    isolation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = "lib/python3.12/site-packages", "envs/course/lib64/python3/dist-packages"
    packages = [tmp_path / "python" / place / "lmcourse" for place in places]
    for package in packages:
        shutil.copytree(ROOT / "lmcourse", package)
        shutil.copytree(ROOT / "lmops", package.parent / "lmops")
    shown = [*bubblewrap._shown(), str(tmp_path / "python")]
    monkeypatch.setattr(bubblewrap, "_shown", lambda: shown)
    bubblewrap._copies.cache_clear()
    try:
        made = make_sandbox(isolation, LIMITS)
        session = Session([Cell(1, "from os import listdir")], COURSE.exercises(LESSON), made)
        session.start()
        listdir = Student(session.send).listdir
        parts = "lmcourse/checks", "lmcourse/recordings", "lmcourse/pipelines", "lmops"
        found = [[listdir(f"{p.parent}/{part}") for part in parts] for p in packages]
        session.stop()
        made.close()
    finally:
        bubblewrap._copies.cache_clear()
    for checks, *hidden in found:
        assert "start.py" in checks
        assert hidden == [[], [], []]


@BOTH
def test_a_part_of_the_course_that_is_hidden_is_there_for_the_judge_alone(start: Start) -> None:
    assert "lmcourse.pipelines" in SHOWN.hides
    session = start(
        "import importlib, os, sys\nimport lmcourse\n"
        "def here(): return os.listdir('/course/lmcourse/pipelines')\n"
        "def known(): return [name for name in sys.modules if 'lmcourse.pipelines' in name]\n"
        "def get(name): return str(importlib.import_module(name))"
    )
    student = Student(session.send)
    assert student.here() == student.known() == []
    with pytest.raises(Raised, match=r"No module named 'lmcourse\.pipelines\.azure'"):
        student.get("lmcourse.pipelines.azure.schedule")
    assert "checks" in student.get("lmcourse.checks.pipelines")
    assert importlib.import_module("lmcourse.pipelines.azure.schedule").run


def test_an_environment_that_is_the_checkout_is_refused(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    venv.create(checkout, symlinks=True)
    for package in ("grader", "lmcourse"):
        shutil.copytree(ROOT / package, checkout / package)
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (packages,) = checkout.glob("lib/python*/site-packages")
    (packages / "paths.pth").write_text("\n".join(site.getsitepackages()))
    (tmp_path / "class").mkdir()
    grade = ["grader.cli", "grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [checkout / "bin" / "python", "-m", *grade],
        cwd=checkout,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.search(r"could read the solutions[^$]*python3 -m venv \.venv", done.stderr)
    assert str(checkout) in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_checkout_within_what_students_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    above = str(ROOT.parent)
    monkeypatch.setattr(bubblewrap, "_shown", lambda: ["/usr", above])
    with pytest.raises(SandboxMissing, match="move the course elsewhere"):
        bubblewrap.require("bwrap", ROOT)
    bubblewrap.require("none", ROOT)


def test_a_machine_without_bubblewrap_is_told_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda _: None)
    with pytest.raises(SandboxMissing, match="sudo apt-get install bubblewrap"):
        bubblewrap.require("bwrap", ROOT)


def test_a_machine_that_forbids_namespaces_is_told_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SandboxMissing, match=r"uid map: Permission denied[\s\S]*apparmor"):
        bubblewrap.require("bwrap", ROOT)


HUGE_PAGES = """
from pathlib import Path
from grader.sandbox.forkserver import _take_huge_pages
kept = [object() for _ in range(500_000)]
_take_huge_pages()
lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("AnonHugePages")))
"""


@pytest.mark.skipif("not Path('/sys/kernel/mm/transparent_hugepage').exists()")
@pytest.mark.skipif("tuple(map(int, os.uname().release.split('.')[:2])) < (6, 1)")
def test_the_warm_parents_memory_is_in_huge_pages_where_the_kernel_can() -> None:
    ran = subprocess.run([sys.executable, "-c", HUGE_PAGES], capture_output=True, check=True)
    assert int(ran.stdout) > 0
