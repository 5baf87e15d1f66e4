"""Build deploy/Dockerfile with buildah, and run it with bubblewrap as its configuration says.

No Docker is needed, and no registry: the base is Debian with its Python, made once by debootstrap
and kept outside the repository.
"""

import ast
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

SUITE = "bookworm"  # Debian 12, which has Python 3.11
BASE = f"localhost/base:{SUITE}"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lmcourse-image"
BUILDAH = (
    "buildah",
    f"--root={CACHE / 'storage'}",
    f"--runroot={CACHE / 'run'}",
)


def buildah(*words: object) -> str:
    """Run a command of buildah's and return what it says. Raises what it says if it fails."""
    ran = subprocess.run(
        [*BUILDAH, *map(str, words)],
        env=os.environ | {"BUILDAH_ISOLATION": "chroot"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"buildah {words[0]} failed:\n{ran.stderr[-4000:]}")
    return ran.stdout.strip()


def base() -> str:
    """Return the base image's name. Makes it if it is not there, in two minutes."""
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return BASE
    if not shutil.which("debootstrap"):
        pytest.skip("debootstrap is not installed; type: make image")
    folder = CACHE / "base"
    shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
    packages = "--include=ca-certificates,python3,python3-venv"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", packages, SUITE, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"debootstrap cannot make a base image here: {made.stdout[-300:]}")
    for leftover in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / leftover)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, folder, "/")
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    buildah("config", "--env", f"PATH={path}", container)
    buildah("commit", "--quiet", "--rm", container, BASE)
    shutil.rmtree(folder)
    return BASE


def try_it_out() -> None:
    """Skip the test where a container cannot run, such as within another one, and say why."""
    container = buildah("from", BASE)
    try:
        buildah("run", container, "true")
    except RuntimeError as error:
        pytest.skip(f"no container can run here: {error}")
    finally:
        buildah("rm", container)


def pip_settings() -> tuple[str, set[Path]]:
    """Return how this machine's pip reaches packages, as a pip.conf, and the files that it names.

    All of pip's settings come together here, those of the environment last: they win.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    settings, files = {}, set()
    for line in sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = words = str(ast.literal_eval(value)).split()
        for word in words:
            path = Path(urlsplit(word).path)
            if path.is_absolute() and path.exists() and not word.startswith("http"):
                # An index of files links to files beside it.
                files.add(path.parent if word.startswith("file:") else path)
    lines = [name + " = " + "\n    ".join(words) + "\n" for name, words in settings.items()]
    return "[global]\n" + "".join(lines), files


@dataclass(frozen=True)
class Image:
    """An image that was built: its files, as a folder, and what it says of itself."""

    root: Path
    told: Mapping[str, Any]
    """How it is run (`config`), and how it came to be (`history`)."""
    bytes: int
    seconds: float

    @property
    def config(self) -> Mapping[str, Any]:
        """How it is run."""
        config: Mapping[str, Any] = self.told["config"]
        return config

    @property
    def uid(self) -> int:
        """Who it runs as."""
        return int(self.config["User"].partition(":")[0])

    @contextlib.contextmanager
    def run(
        self,
        data: Path,
        *arguments: str,
        entrypoint: Sequence[str] | None = None,
        volumes: Mapping[str, Path] | None = None,
    ) -> Iterator["Container"]:
        """Run it as `docker run --read-only` would: nobody's rights, no network, one volume.

        `arguments` take the place of its command. Who waits for it to end, does so in `process`.
        """
        os.chown(data, self.uid, self.uid)
        told, tell = os.pipe()
        words = ["bwrap", "--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev"]
        words += ["--perms", "1777", "--tmpfs", "/tmp", "--bind", str(data), "/data"]
        for where, folder in (volumes or {}).items():
            words += ["--ro-bind", str(folder), where]
        words += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--as-pid-1"]
        words += ["--chdir", self.config["WorkingDir"], "--info-fd", str(tell)]
        for one in ("SETUID", "SETGID", "SETPCAP"):
            words += ["--cap-add", f"CAP_{one}"]
        words += self._as_user()
        words += entrypoint or self.config["Entrypoint"]
        process = subprocess.Popen(
            [*words, *(arguments or self.config["Cmd"])],
            env=self._environment(),
            pass_fds=[tell],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(tell)
        with os.fdopen(told) as info:
            pid = json.load(info)["child-pid"]
        try:
            yield Container(self, process, pid)
        finally:
            if process.poll() is None:
                # Not bubblewrap, but who is the first process within: all others end with it.
                os.kill(pid, signal.SIGKILL)
            process.communicate()

    def _environment(self) -> dict[str, str]:
        return dict(one.split("=", 1) for one in self.config["Env"])

    def _as_user(self) -> list[str]:
        """Return what makes a command the user's, with no rights to lose."""
        return [
            "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.uid}",
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ]


@dataclass
class Container:
    """A running image, asked from within, since it has no way out."""

    image: Image
    process: "subprocess.Popen[str]"
    pid: int
    _namespaces: Sequence[str] = field(default=("--mount", "--net", "--pid", "--ipc", "--uts"))

    def exec(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, as the image's user: what `docker exec` and health checks do."""
        where = ["nsenter", f"--target={self.pid}", *self._namespaces, "--root", "--wd"]
        return subprocess.run(
            [*where, *self.image._as_user(), *command],
            env=self.image._environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, path: str, body: Any = None, key: str = "") -> tuple[int, dict[str, str], str]:
        """Send a request to its port, over its own loopback. Return status, headers, body."""
        asked = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--net", sys.executable, "-c", ASK],
            input=json.dumps({"path": path, "body": body, "key": key}),
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode:
            raise ConnectionError(asked.stderr[-400:])
        status, headers, text = json.loads(asked.stdout)
        return status, headers, text

    def wait_until_ready(self) -> None:
        """Wait for it to say that it may be asked. Fails with what it says if it ends instead."""
        end = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, self.process.communicate()
            with contextlib.suppress(ConnectionError):
                if self.ask("/readyz")[0] == 200:
                    return
            assert time.monotonic() < end, "it never became ready"
            time.sleep(0.2)

    def status(self) -> dict[str, str]:
        """Return what the kernel says of its first process."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}

    def signal(self, number: signal.Signals) -> None:
        """Send its first process a signal."""
        os.kill(self.pid, number)


ASK = """
import json, sys, urllib.error, urllib.request
asked = json.load(sys.stdin)
body = asked["body"] and json.dumps(asked["body"]).encode()
headers = {"authorization": "Bearer " + asked["key"], "content-type": "application/json"}
request = urllib.request.Request("http://127.0.0.1:8000" + asked["path"], body, headers)
try:
    answer = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(json.dumps([answer.status, dict(answer.headers), answer.read().decode()]))
"""


@contextlib.contextmanager
def built(context: Path, **arguments: str) -> Iterator[Image]:
    """Build the Dockerfile in `context`, and take the image away in the end."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the images here are one run's at a time
        named = {"BASE": base(), **arguments}
        try_it_out()
        with _built(context, named) as image:
            yield image


@contextlib.contextmanager
def _built(context: Path, arguments: Mapping[str, str]) -> Iterator[Image]:
    text, files = pip_settings()
    secret = CACHE / "pip.conf"
    secret.touch(mode=0o600)
    secret.write_text(text)
    name = f"localhost/lmops:{os.getpid()}"
    begun = time.monotonic()
    try:
        buildah(
            "build",
            "--format=docker",  # OCI's has no place for a health check
            "--quiet",
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            f"--secret=id=pip,src={secret}",
            *(f"--volume={path}:{path}:ro" for path in sorted(files)),
            f"--file={context / 'deploy/Dockerfile'}",
            f"--tag={name}",
            context,
        )
        seconds = time.monotonic() - begun
        said = json.loads(buildah("inspect", "--type=image", name))
        layers = json.loads(said["Manifest"])["layers"]
        container = buildah("from", name)
        root = Path(buildah("mount", container))
        told = json.loads(said["Config"])
        yield Image(root, told, sum(layer["size"] for layer in layers), seconds)
    finally:
        secret.unlink()
        for leftover in buildah("containers", "--quiet").splitlines():
            buildah("rm", leftover)
        for leftover in buildah("images", "--quiet", "--no-trunc", "--all").splitlines():
            if leftover not in kept():
                buildah("rmi", "--force", leftover)


def kept() -> list[str]:
    """Return the ids of the images that stay for the next time."""
    return buildah("images", "--quiet", "--no-trunc", BASE).splitlines()
