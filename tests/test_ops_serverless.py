"""The service as an Azure Function: called as Azure's worker calls it, with its request objects."""

import asyncio
import base64
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from course import ROOT
from ops import tiny_bundle

from lmops.bundle import Bundle
from lmops.home import Home
from lmops.service.keys import Keys

func = pytest.importorskip("azure.functions", reason="pip install azure-functions")
SERVERLESS = ROOT / "deploy/serverless"


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def packed(model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that is deployed."""
    folder = tmp_path_factory.mktemp("function") / "packed"
    module(SERVERLESS / "package.py").package(folder, model.folder)
    return folder


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return a key, and the file with it as it travels."""
    home = Home(tmp_path_factory.mktemp("keys"))
    keys = Keys(home.keys)
    _, token = keys.add("ann", {"complete"}, days=1)
    keys.close()
    return token, base64.b64encode(home.keys.read_bytes()).decode()


@pytest.fixture
def function(
    packed: Path, key: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    monkeypatch.setenv("LMOPS_HOME", str(tmp_path))
    monkeypatch.setenv("LMOPS_KEYS", key[1])
    loaded = module(packed / "function_app.py")
    yield loaded
    loaded.log.__exit__()


def ask(function: ModuleType, *requests: Any) -> list[Any]:
    """Send requests at once, to the function that the app registered, on one loop as a worker."""
    (registered,) = function.app.get_functions()
    handler: Callable[..., Any] = registered.get_user_function()

    async def all_of_them() -> list[Any]:
        context = _Context()
        first = await handler(request("GET", "/readyz"), context)
        assert first.status_code == 200
        answers = await asyncio.gather(*(handler(each, context) for each in requests))
        await function.app.middleware.notify_shutdown()
        function.app.startup_task_done = False  # it ended here, not when it is thrown away
        return list(answers)

    return asyncio.run(all_of_them())


class _Context:
    function_directory = "/"
    function_name = "http_app_func"
    invocation_id = "1"
    thread_local_storage = trace_context = retry_context = None


def request(method: str, path: str, key: str | None = None, body: Any = None) -> Any:
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return func.HttpRequest(
        method=method,
        url=f"https://lm.azurewebsites.net{path}",
        headers=headers,
        body=b"" if body is None else json.dumps(body).encode(),
    )


def completion(key: str | None, **more: Any) -> Any:
    body = {"model": "lm", "prompt": "Once", "max_tokens": 9, "temperature": 0} | more
    return request("POST", "/v1/completions", key, body)


def greedy(bundle: Bundle, prompt: str, length: int) -> str:
    model, ids = bundle.model(), bundle.encode(prompt)
    with torch.no_grad():
        for _ in range(length):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return bundle.decode(ids[len(prompt) :])


def test_it_answers_as_the_service_does(
    function: ModuleType, key: tuple[str, str], model: Bundle
) -> None:
    token, _ = key
    many = [completion(token) for _ in range(6)]
    listed, *answers = ask(function, request("GET", "/v1/models", token), *many)
    assert [one["id"] for one in json.loads(listed.get_body())["data"]] == [model.version, "lm"]
    for answer in answers:
        assert (answer.status_code, answer.headers["x-model-version"]) == (200, model.version)
        told = json.loads(answer.get_body())
        assert told["choices"][0]["text"] == greedy(model, "Once", 9)


def test_who_has_no_key_is_not_let_in(function: ModuleType, key: tuple[str, str]) -> None:
    wrong = key[0][:-1] + ("a" if key[0][-1] != "a" else "b")
    nobody, stranger, lost = ask(
        function, completion(None), completion(wrong), request("GET", "/nothing")
    )
    assert [answer.status_code for answer in (nobody, stranger, lost)] == [401, 401, 404]
    assert json.loads(stranger.get_body())["error"]["code"] == "invalid_api_key"


def test_a_stream_comes_whole(function: ModuleType, key: tuple[str, str], model: Bundle) -> None:
    (answer,) = ask(function, completion(key[0], stream=True))
    assert answer.status_code == 200
    *events, end = answer.get_body().decode().strip().split("\n\n")
    assert end == "data: [DONE]"
    pieces = [json.loads(event.removeprefix("data: "))["choices"][0]["text"] for event in events]
    assert "".join(pieces) == greedy(model, "Once", 9)


def test_its_requests_stand_in_the_log(
    function: ModuleType, key: tuple[str, str], tmp_path: Path
) -> None:
    ask(function, completion(key[0]))
    function.log.__exit__()
    (path,) = (tmp_path / "logs").iterdir()
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["path"] for line in lines if line["event"] == "request"] == [
        "/readyz",
        "/v1/completions",
    ]


def test_keys_that_are_none_stop_it_at_the_start(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMOPS_HOME", str(tmp_path))
    for odd in ("lm_abc_secret", base64.b64encode(b"no database").decode()):
        monkeypatch.setenv("LMOPS_KEYS", odd)
        with pytest.raises(SystemExit, match=r"base64 --wrap 0 \.lmops/keys\.db"):
            module(packed / "function_app.py")
    assert not (tmp_path / "keys.db").exists()


def test_every_path_reaches_it_and_no_function_key_is_asked_for(
    function: ModuleType, packed: Path
) -> None:
    (registered,) = function.app.get_functions()
    bindings = {one["type"]: one for one in json.loads(str(registered))["bindings"]}
    trigger = bindings["httpTrigger"]
    assert (trigger["route"], trigger["authLevel"]) == ("/{*route}", "ANONYMOUS")
    host = json.loads((packed / "host.json").read_bytes())
    assert host["extensions"]["http"]["routePrefix"] == ""


def test_what_is_deployed_stands_alone(packed: Path, tmp_path: Path) -> None:
    """It runs with nothing of the repository on the path, and with no more than it asks for."""
    code = (
        "import sys, json, importlib.metadata as m\nimport function_app\n"
        "own = {n: sys.modules[n].__file__ for n in sys.modules if n in ('lmops', 'lmcourse')}\n"
        "top = {n.partition('.')[0] for n in sys.modules}\n"
        "of = m.packages_distributions()\n"
        "print(json.dumps([own, sorted({d for n in top for d in of.get(n, [])})]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=packed,
        env={"PATH": "/usr/bin", "LMOPS_HOME": str(tmp_path), "PYTHONPATH": str(packed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    own, loaded = json.loads(ran.stdout)
    assert {Path(path).parents[1] for path in own.values()} == {packed}
    lines = (packed / "requirements.txt").read_text("utf-8").splitlines()
    asked = {line.partition(">")[0] for line in lines if line[0] not in "#-"}
    assert asked <= {*loaded, "prometheus-client"}
    assert not {"uvicorn", "click", "rich", "openai", "matplotlib"} & {*loaded}


def test_packing_says_what_is_wrong(packed: Path) -> None:
    ran = subprocess.run(
        [sys.executable, SERVERLESS / "package.py", packed],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "is there. Remove it, or name another" in ran.stderr
