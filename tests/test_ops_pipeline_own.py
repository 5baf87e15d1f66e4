"""The project's own azure-pipelines.yml, run for real: its scans, its gate, its ledger.

What takes minutes or another machine (tests, a training, HAProxy) is a stand-in on the PATH that
writes down that it was called; all else is what stands in the file.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from course import ROOT
from ops import asked, lmops
from pipelines_here import Place, git

from lmops.bundle import load
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.state import CHALLENGER, fold

BIN = Path(sys.executable).parent
TOOLS = ("detect-secrets-hook", "hadolint", "pip-audit", "ruff")
HAS_TOOLS = all((BIN / tool).exists() for tool in TOOLS)

MAKE = """#!/bin/sh
echo "make $*" >>"$CALLS"
case $1 in
security | secrets | image-lint | static | audit)
    exec "{make}" --assume-old={venv}/ready "$@" VENV={venv} AUDIT="$AUDIT" ;;
lesson-names) exec "{make}" --no-print-directory "$@" ;;
model-version) exec "{python}" .ci/model_version.py "${{2#MODEL=}}" ;;
coverage) exit "${{COVERAGE:-0}}" ;;
html | site) mkdir -p "build/$1" ;;
esac
"""
LMOPS = """#!/bin/sh
echo "lmops $*" >>"$CALLS"
case $1 in
train) echo "trained"; exit "${{TRAIN:-0}}" ;;
gate | register | promote) exec "{python}" -m lmops.cli "$@" ;;
esac
"""


class Project(Place):
    """A cut of the project: its pipeline, Makefile and model, with two lessons and one module."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        super().__init__(folder, monkeypatch)
        self.calls = folder / "calls"
        for name in ("azure-pipelines.yml", "Makefile", "pyproject.toml", ".gitignore"):
            shutil.copy(ROOT / name, self.root)
        for name in ("pipelines", ".ci", "lmcourse/small_model"):
            shutil.copytree(ROOT / name, self.root / name)
        (self.root / "solutions").mkdir()
        for name in ("01_text.py", "02_bigrams.py"):
            (self.root / "solutions" / name).write_text("", "utf-8")
        self.commit(**{
            "constraints__txt": "torch==2.13.0\nnumpy==2.4.6\n",
            "deploy/Dockerfile": "FROM debian:12.5-slim\nUSER 65532\n",
            "a_module__py": '"""Nothing."""\n',
        })  # fmt: skip
        venv, programs = folder / "venv", folder / "programs"
        (venv / "bin").mkdir(parents=True)
        programs.mkdir()
        for tool in (*TOOLS, "python"):
            (venv / "bin" / tool).symlink_to(BIN / tool)
        real = {"make": shutil.which("make"), "python": sys.executable, "venv": venv}
        pythons = {f"python3.{minor}": "#!/bin/sh\n" for minor in (11, 12, 13)}
        scripts = {"make": MAKE.format(**real), "lmops": LMOPS.format(**real), **pythons}
        for name, text in scripts.items():
            (programs / name).write_text(text, "utf-8")
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("CALLS", str(self.calls))
        monkeypatch.setenv("AUDIT", "--version")

    def called(self) -> list[str]:
        """Return the commands that were called, in order of time."""
        return self.calls.read_text("utf-8").splitlines()

    def results(self, *options: object) -> dict[str, str]:
        """Run the pipeline on main; return the stages' results."""
        answer = self.ran(*options)
        self.answer: dict[str, Any] = answer
        return {stage["name"]: stage["result"] for stage in answer["stages"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return Project(tmp_path, monkeypatch)


def without_scans(project: Project) -> None:
    """Let `make security` be another stand-in: what it does is tested below."""
    programs = Path(os.environ["PATH"].split(os.pathsep)[0])
    text = (programs / "make").read_text("utf-8").replace("security | secrets", "secrets")
    (programs / "make").write_text(text, "utf-8")


def test_a_model_goes_through_the_real_gate_into_the_real_ledger_and_out(project: Project) -> None:
    without_scans(project)
    lmops("pipeline", "approve", "production", "--by", "Bob", "--home", project.home)
    results = project.results("--by", "Ada")
    assert results == {
        "Validate": "succeeded",
        "Lessons": "succeeded",
        "Site": "succeeded",
        "Train": "succeeded",
        "Gate": "succeeded",
        "Register": "succeeded",
        "Staging": "succeeded",
        "Canary": "succeeded",
        "Production": "succeeded",
        "Rollback": "skipped",
    }
    version = load(ROOT / "lmcourse/small_model").version
    state = fold(Ledger(Home(project.home).ledger).entries())
    assert state.versions[version].registered_by == "Ada"
    assert state.versions[version].passed
    assert state.aliases == {CHALLENGER: version}
    lessons = [leg["name"] for leg in project.answer["stages"][1]["jobs"]]
    assert lessons == ["Names", "Lesson.lesson_01_text", "Lesson.lesson_02_bigrams"]
    assert project.called()[-8:] == [
        "make setup",
        f"lmops rollout {version} --to staging --strategy blue-green --by Ada",
        "make smoke-test SERVICE=http://127.0.0.1:8081",
        "make setup",
        f"lmops rollout {version} --to production --strategy canary --by Ada",
        "make setup",
        f"lmops rollout {version} --to production --strategy blue-green --by Ada",
        "make smoke-test SERVICE=http://127.0.0.1:8080",
    ]
    assert asked("audit", "--home", project.home)["sound"]


def test_the_gate_stops_a_model_that_is_not_what_its_manifest_says(project: Project) -> None:
    without_scans(project)
    weights = project.root / "lmcourse/small_model/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1  # a byte flips on the way
    weights.write_bytes(content)
    git(project.root, "commit", "--quiet", "--all", "-m", "A byte flips")
    results = project.results("--by", "Ada")
    assert results["Train"] == "succeeded"
    assert results["Gate"] == "failed"
    assert {results[name] for name in ("Register", "Staging", "Canary", "Production")} == {
        "skipped"
    }
    assert not [call for call in project.called() if call.startswith("lmops register")]


def test_a_failing_test_stops_the_training(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_scans(project)
    monkeypatch.setenv("COVERAGE", "1")
    results = project.results()
    assert results["Validate"] == "failed"
    assert results["Train"] == "skipped"
    assert not [call for call in project.called() if call.startswith("lmops")]
    assert project.called().count("make coverage") == 3


# Scans


@pytest.fixture
def holes() -> Iterator[dict[str, Any]]:
    """Serve a stand-in of OSV; return what it knows: a package's name to its known holes."""
    known: dict[str, Any] = {}

    class OSV(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked_for = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = known.get(asked_for["package"]["name"], {})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), OSV)
    Thread(target=server.serve_forever, daemon=True).start()
    known["address"] = f"http://127.0.0.1:{server.server_port}/v1/query"
    yield known
    server.shutdown()
    server.server_close()


HOLE = {
    "vulns": [
        {
            "id": "PYSEC-0000-1",
            "summary": "It lets everybody in.",
            "affected": [
                {
                    "package": {"name": "numpy", "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
                    "versions": ["2.4.6"],
                }
            ],
        }
    ]
}
PLANTED = {
    "nothing": ({}, "succeeded", ""),
    # Put together here, so that no scan finds it in this file.
    "a key of a cloud": (
        {"settings__py": f'"""Settings."""\n\nKEY = "{"AKIA" + "QWERTYUIOPASDFGH"}"\n'},
        "failed",
        "AWS Access Key",
    ),
    "a private key in a notebook": (
        {"notebooks/a.ipynb": json.dumps({"source": ["-----BEGIN RSA PRIVATE" + " KEY-----"]})},
        "failed",
        "Private Key",
    ),
    "an image that is another one every day": (
        {"deploy/Dockerfile": "FROM debian:latest\nRUN sudo apt-get install curl\n"},
        "failed",
        "DL3007",
    ),
    "a line that runs what it is sent": (
        {"a_module__py": '"""Something."""\n\neval(input())\n'},
        "failed",
        "S307",
    ),
}


@pytest.mark.skipif(not HAS_TOOLS, reason="needs the extra [security]: make setup")
@pytest.mark.parametrize("planted", PLANTED)
def test_a_scan_that_finds_something_blocks(
    project: Project, planted: str, holes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    files, result, word = PLANTED[planted]
    monkeypatch.setenv("TRAIN", "1")  # what comes after is tested above
    monkeypatch.setenv("AUDIT", f"--vulnerability-service osv --osv-url {holes['address']}")
    project.commit(**files)
    results = project.results("--branch", "main")
    assert results["Validate"] == result, project.log(project.answer)
    assert word in project.log(project.answer)
    trained = [call for call in project.called() if call.startswith("lmops train")]
    assert bool(trained) == (result == "succeeded")


def audit(project: Project, options: str) -> "subprocess.CompletedProcess[str]":
    """Type `make audit` in the project."""
    environment = os.environ | {"AUDIT": options, "CALLS": os.devnull}
    command = ["make", "audit"]
    return subprocess.run(
        command, cwd=project.root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not HAS_TOOLS, reason="needs the extra [security]: make setup")
def test_a_known_hole_blocks_and_so_does_a_service_that_does_not_answer(
    project: Project, holes: dict[str, Any]
) -> None:
    options = "--vulnerability-service osv --timeout 5 --osv-url "
    sound = audit(project, options + holes["address"])
    assert sound.returncode == 0, sound.stderr
    assert "No known vulnerabilities found" in sound.stderr
    holes["numpy"] = HOLE
    found = audit(project, options + holes["address"])
    assert found.returncode != 0
    assert "PYSEC-0000-1" in found.stdout
    nobody = audit(project, options + "http://127.0.0.1:9/v1/query")
    assert nobody.returncode != 0
    assert "No known vulnerabilities found" not in nobody.stderr
