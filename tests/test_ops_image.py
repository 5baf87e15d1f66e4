"""The image of the service: what is in it, and that it runs as nobody and writes to one folder.

It is built from a copy of the repository in which things lie that must not get into it. All of it
takes some minutes the first time, and is run by `make image`.
"""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest
from course import ROOT
from images import Container, Image, built, pip_settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML
from serving import PROMPT, small_bundle

from lmops import bundle as bundles

pytestmark = [pytest.mark.image, pytest.mark.sandbox]

CANARY = "canary-8c1f0b"
"""Stands in every file that must not get into the image."""
MEGABYTE = 10**6


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository, with a student's model, and secrets beside it."""
    folder = tmp_path_factory.mktemp("context")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    small_bundle(folder / "my_model", seed=1)
    for name in (
        ".env",
        ".git/config",
        ".lmops/keys.db",
        ".lmops/logs/2026-11-21.jsonl",
        "id_rsa",
        "key.txt",
        "lmcourse/.env",
        "notebooks/mine.ipynb",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CANARY)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)  # as under a careful umask
    return folder


@pytest.fixture(scope="module")
def image(context: Path) -> Iterator[Image]:
    if os.getuid():
        pytest.skip("only root can build an image without a daemon: sudo make image")
    with built(context, MODEL="my_model") as image:
        print(f"built in {image.seconds:.0f} s, {image.bytes / MEGABYTE:.0f} MB")
        yield image


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for parent in folder.parents[:3]:
        parent.chmod(0o755)  # a volume can be reached by who owns it
    return folder


@pytest.fixture(scope="module")
def key(image: Image, data: Path) -> str:
    """Return a key, as `docker run IMAGE keys add me` prints it."""
    with image.run(data, "keys", "add", "me") as container:
        out, err = container.process.communicate(timeout=120)
        assert container.process.returncode == 0, err
    return out.strip()


@pytest.fixture(scope="module")
def running(image: Image, data: Path, key: str) -> Iterator[Container]:
    with image.run(data) as container:
        container.wait_until_ready()
        yield container


def text_of(answer: tuple[int, dict[str, str], str]) -> str:
    status, _, body = answer
    assert status == 200, body
    text: str = json.loads(body)["choices"][0]["text"]
    return text


ASKED = {"model": "lm", "prompt": PROMPT, "max_tokens": 20, "temperature": 0}


# It runs


def test_it_answers_with_the_model_that_was_copied_into_it(
    running: Container, key: str, context: Path
) -> None:
    status, headers, body = running.ask("/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ok", "reasons": []})
    assert headers["x-model-version"] == bundles.load(context / "my_model").version
    answer = running.ask("/v1/completions", ASKED, key)
    assert len(text_of(answer)) == 20
    assert running.ask("/v1/completions", ASKED, "lm_no_key")[0] == 401


def test_it_runs_as_nobody_with_no_rights(running: Container) -> None:
    status = running.status()
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}
    assert status["Groups"] == ""
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


def test_it_writes_to_one_folder_alone(running: Container, data: Path) -> None:
    for folder in ("/", "/app/lmops", "/model", "/opt/lmops/bin", "/usr", "/etc", "/root"):
        assert running.exec("touch", f"{folder}/x").returncode, folder
    assert running.exec("touch", "/tmp/x").returncode == 0
    written = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    days = {name for name in written if re.fullmatch(r"\.lmops/logs/\d{4}-\d\d-\d\d\.jsonl", name)}
    assert days
    assert {name for name in written - days} <= {
        f".lmops/keys.db{end}" for end in ("", "-wal", "-shm")
    }


def test_without_a_read_only_root_it_could_write_no_more(image: Image, data: Path) -> None:
    """Nothing in the image belongs to its user, or is anybody's to write, but for /data."""
    loose = []
    for path in image.root.rglob("*"):
        facts = path.lstat()
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
            continue  # a link, or a device such as /dev/null
        sticky = facts.st_mode & 0o1002 == 0o1002  # /tmp and its like
        if facts.st_uid == image.uid or (facts.st_mode & 0o002 and not sticky):
            loose.append("/" + str(path.relative_to(image.root)))
    assert loose == ["/data"]


@pytest.fixture(params=["Dockerfile", "compose.yaml"])
def health_check(request: pytest.FixtureRequest, image: Image) -> list[str]:
    """Return the command of a health check."""
    if request.param == "Dockerfile":
        test = image.config["Healthcheck"]["Test"]
    else:
        compose = YAML(typ="safe").load(ROOT / "deploy/compose.yaml")
        test = compose["services"]["lmops"]["healthcheck"]["test"]
    assert test[0] == "CMD"
    return list(test[1:])


def test_a_health_check_says_no_when_the_service_does_not_answer(
    running: Container, health_check: list[str]
) -> None:
    assert running.exec(*health_check).returncode == 0
    running.signal(signal.SIGSTOP)
    try:
        assert running.exec(*health_check).returncode == 1
    finally:
        running.signal(signal.SIGCONT)
    assert running.exec(*health_check).returncode == 0


def test_a_volume_takes_the_models_place(
    image: Image, data: Path, key: str, tmp_path: Path
) -> None:
    other = small_bundle(tmp_path / "other", seed=2)
    readable(other.folder)
    with image.run(data, volumes={"/model": other.folder}) as container:
        container.wait_until_ready()
        assert container.ask("/healthz")[1]["x-model-version"] == other.version


def test_it_ends_when_it_is_told_to(image: Image, data: Path, key: str) -> None:
    """As the first process of a container, which has no signal handlers of the kernel's."""
    with image.run(data) as container:
        container.wait_until_ready()
        container.signal(signal.SIGTERM)
        out, err = container.process.communicate(timeout=60)
    assert container.process.returncode == 0, err
    assert out.startswith("Serving ")


# It fits the manifests


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    path = ROOT / "deploy/kubernetes/base/deployment.yaml"
    pod: dict[str, Any] = YAML(typ="safe").load(path)["spec"]["template"]["spec"]
    return pod


def test_the_init_container_brings_the_keys(
    image: Image, deployment: dict[str, Any], data: Path, key: str, tmp_path: Path
) -> None:
    (init,) = deployment["initContainers"]
    secret, pod = tmp_path / "keys", tmp_path / "pod"
    secret.mkdir()
    pod.mkdir()
    shutil.copyfile(data / ".lmops/keys.db", secret / "keys.db")
    readable(secret)
    # /keys is no folder of the image: Kubernetes makes the places of volumes, bubblewrap cannot.
    command = [word.replace("/keys/", "/mnt/") for word in init["command"]]
    with image.run(pod, *command[1:], entrypoint=command[:1], volumes={"/mnt": secret}) as init_run:
        _, err = init_run.process.communicate(timeout=60)
        assert init_run.process.returncode == 0, err
    with image.run(pod) as container:
        container.wait_until_ready()
        assert text_of(container.ask("/v1/completions", ASKED, key))


def test_it_needs_less_memory_than_it_requests(
    running: Container, key: str, deployment: dict[str, Any]
) -> None:
    text_of(running.ask("/v1/completions", ASKED | {"max_tokens": 200}, key))
    peak = int(running.status()["VmHWM"].removesuffix(" kB")) / 1024
    (container,) = deployment["containers"]
    requested = container["resources"]["requests"]["memory"]
    print(f"needs {peak:.0f} MiB at its peak")
    assert 50 < peak < int(requested.removesuffix("Mi")), f"{peak:.0f} MiB, {requested} requested"


# What is in it


def readable(folder: Path) -> None:
    """Have everybody read a folder, and find the way to it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for parent in folder.parents[:4]:
        parent.chmod(0o755)


def installed(image: Image) -> dict[str, Distribution]:
    (packages,) = image.root.glob("opt/lmops/lib/python3*/site-packages")
    return {canonicalize_name(one.name): one for one in distributions(path=[str(packages)])}


def test_it_holds_what_the_service_needs_and_nothing_else(image: Image) -> None:
    found = installed(image)
    lines = (ROOT / "deploy/requirements.txt").read_text().splitlines()
    needed, waiting = set(), [line for line in lines if line and not line.startswith("#")]
    assert waiting == sorted(waiting)
    while waiting:
        one = Requirement(waiting.pop())
        name = canonicalize_name(one.name)
        if name not in needed and (one.marker is None or one.marker.evaluate({"extra": ""})):
            needed.add(name)
            waiting += found[name].requires or []
    assert set(found) == needed
    assert found["torch"].version.endswith("+cpu")


def test_its_versions_are_those_that_the_tests_ran_with(image: Image) -> None:
    pins = [
        Requirement(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    pinned = {canonicalize_name(one.name): one.specifier for one in pins}
    assert {
        name for name, one in installed(image).items() if one.version not in pinned[name]
    } == set()


def test_everything_that_was_asked_for_is_imported(running: Container) -> None:
    """None of the requirements is there for nothing."""
    maps = Path(f"/proc/{running.pid}/maps").read_text()
    assert "/torch/lib/" in maps
    lines = (ROOT / "deploy/requirements.txt").read_text().splitlines()
    names = {line.replace("-", "_") for line in lines if line and not line.startswith("#")}
    imports = "import sys, lmops.commands.serve, lmops.service.server; print(*sys.modules)"
    loaded = running.exec("python", "-c", imports).stdout.split()
    assert names - set(loaded) == set()


TOOLS = ("cc", "gcc", "g++", "c++", "clang", "ld", "as", "make", "git", "curl", "wget")


def test_there_is_no_compiler_and_no_installer(image: Image) -> None:
    there = {
        path.name
        for folder in ("usr/bin", "usr/local/bin", "opt/lmops/bin")
        for path in (image.root / folder).glob("*")
    }
    assert there & {*TOOLS, "pip", "pip3"} == set()
    assert not list(image.root.glob("opt/lmops/lib/python3*/site-packages/pip*"))
    wheels = {path.parent.name for path in image.root.rglob("*.whl")}
    assert wheels <= {"python-wheels", "_bundled"}  # those of Python's own venv module


def test_the_only_folders_beside_debians_are_its_own(image: Image) -> None:
    assert [path.name for path in (image.root / "opt").iterdir()] == ["lmops"]
    app = {str(path.relative_to(image.root / "app")) for path in (image.root / "app").rglob("*.py")}
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "lmops").rglob("*.py")}
    assert app == {"lmcourse/__init__.py", "lmcourse/small_model/model.py"} | ours
    assert not list((image.root / "root").rglob("*/*"))
    assert [path for path in (image.root / "tmp").iterdir()] == []


def holding(image: Image, *texts: str) -> list[str]:
    """Return the files that hold one of these texts, and "" if the image's own description does."""
    said = json.dumps(image.told)
    found = [""] if any(text in said for text in texts) else []
    for path in image.root.rglob("*"):
        facts = path.lstat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size < MEGABYTE:
            content = path.read_bytes()
            if any(text.encode() in content for text in texts):
                found.append(str(path.relative_to(image.root)))
    return found


def test_no_secret_got_into_it(image: Image) -> None:
    """Neither of those that lay beside the course, nor how this machine reaches its packages."""
    known = "Take a finished model through its life, from the notebooks"
    assert "app/lmops/cli.py" in holding(image, known)
    assert "" in holding(image, image.config["WorkingDir"])
    addresses = re.findall(r"\w+://(\S+)", pip_settings()[0])
    assert holding(image, CANARY, "BEGIN OPENSSH PRIVATE" + " KEY", *addresses) == []
    assert not (image.root / "etc/pip.conf").exists()
    assert not list(image.root.glob("run/secrets/*"))


def test_it_is_no_larger_than_torch_makes_it(image: Image) -> None:
    assert image.bytes < 1_100 * MEGABYTE, f"{image.bytes / MEGABYTE:.0f} MB"
