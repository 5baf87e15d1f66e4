"""Which version is which, by the ledger: four eyes, kills, many hands at once, and MLflow."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from killing import every_kill
from ops import asked, lmops, tiny_bundle

from lmops import registry
from lmops.home import Home
from lmops.ledger import Ledger
from lmops.roles import same_person
from lmops.state import fold
from lmops.store import keep, problems


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database as it is made, which takes seconds, for all tests once."""
    path = tmp_path_factory.mktemp("mlflow") / "registry.db"
    registry._client(path, make=True)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_registry: Path) -> Home:
    monkeypatch.chdir(tmp_path)
    home = Home(Path(".lmops"))
    home.folder.mkdir()
    shutil.copy(empty_registry, home.registry)
    return home


def let_through(home: Home, version: str, passed: bool = True) -> None:
    """Have the ledger say what the gate said, as `lmops gate` does."""
    reasons = [] if passed else ["loss: 9 is above 1"]
    Ledger(home.ledger).append("gate", version, "lmops", passed=passed, reasons=reasons)


def register(seed: int, by: str = "ann", *more: object) -> str:
    folder = Path(f"model-{seed}")
    if not folder.exists():
        tiny_bundle(folder, seed)
    version: str = asked("register", folder, "--by", by, *more)["version"]
    return version


def raised(home: Home, seed: int) -> str:
    """Return a version that was gated, registered, approved and promoted."""
    version = register(seed)
    let_through(home, version)
    asked("approve", version, "--by", "bob")
    asked("promote", version, "--by", "bob")
    return version


# --- The life of a version ----------------------------------------------------------------------


def test_a_version_is_registered_gated_approved_and_promoted(home: Home) -> None:
    first = raised(home, 1)
    second = register(2)
    let_through(home, second)
    asked("promote", second, "--as", "challenger", "--by", "cy")
    listed = asked("models")
    assert [one["version"] for one in listed["models"]] == [first, second]
    assert listed["aliases"] == {"champion": first, "challenger": second}
    assert listed["models"][1]["lineage"]["parent"] == first
    assert re.fullmatch("fables sha256:[0-9a-f]{64}", listed["models"][0]["lineage"]["data"])
    asked("approve", second, "--by", "bob")
    assert asked("promote", second, "--by", "bob")["before"] == first
    assert asked("models")["aliases"] == {"champion": second}
    assert asked("promote", first, "--by", "bob")["before"] == second  # and back
    assert asked("audit")["sound"] is True
    assert [entry.event for entry in Ledger(home.ledger).entries()] == [
        "register", "gate", "approve", "promote",
        "register", "gate", "promote", "approve", "promote", "promote",
    ]  # fmt: skip


def test_what_is_done_already_is_not_written_again(home: Home) -> None:
    version = raised(home, 1)
    lines = home.ledger.read_bytes()
    assert register(1, "eve") == version
    asked("approve", version, "--by", "cy")
    asked("promote", version, "--by", "cy")
    assert home.ledger.read_bytes() == lines


@pytest.mark.parametrize("by", ["ann", "Ann", " ANN ", "a n n", "ａｎｎ"])
def test_nobody_approves_what_they_registered(home: Home, by: str) -> None:
    version = register(1)
    let_through(home, version)
    result = lmops("approve", version, "--by", by)
    assert result.exit_code == 1
    assert "somebody else has to approve it" in result.stderr
    assert f"lmops approve {version} --by SOMEBODY-ELSE" in result.stderr


@pytest.mark.parametrize("by", ["", "  ", "a\nb\x07", "x" * 65, "a\u202eb"])
def test_a_name_can_be_seen(home: Home, by: str) -> None:
    assert lmops("register", "--by", by).exit_code == 2


def test_same_person() -> None:
    assert same_person("Ann Lee", "annlee")
    assert not same_person("ann", "anna")


def refusals(home: Home) -> list[tuple[tuple[str, ...], str]]:
    bare, blocked, passed = register(1), register(2), register(3)
    let_through(home, blocked)
    let_through(home, blocked, passed=False)  # the last word counts
    let_through(home, passed)
    return [
        (("promote", bare), f"no gate was asked. Type: lmops gate {bare}"),
        (("promote", bare, "--as", "challenger"), f"Type: lmops gate {bare}"),
        (("promote", blocked), "the gate said no: loss: 9 is above 1"),
        (("promote", passed), f"Type: lmops approve {passed} --by NAME"),
        (("promote", "feed"), "Type: lmops register BUNDLE --by NAME (registered are:"),
        (("approve", bare), f"Type: lmops gate {bare}"),
        (("approve", blocked), "the gate said no"),
        (("approve", "feed"), "it is not registered"),
        (("register", "nowhere"), "Pack it again: lmops pack"),
    ]


def test_what_is_not_allowed_is_refused_with_what_to_type(home: Home) -> None:
    for arguments, said in refusals(home):
        before = home.ledger.read_bytes()
        result = lmops(*arguments, "--by", "bob")
        assert result.exit_code == 1, arguments
        assert said in result.stderr
        assert home.ledger.read_bytes() == before
    assert lmops("register", "model-1", "--by", "bob", "--parent", "feed").exit_code == 2


def test_a_line_that_breaks_a_rule_counts_for_nothing_and_is_named(home: Home) -> None:
    version = register(1)
    ledger = Ledger(home.ledger)
    ledger.append("promote", version, "eve", alias="champion")
    ledger.append("gate", version, "eve", passed="true")  # no True
    ledger.append("approve", version, "ann")
    ledger.append("promote", version, "eve", alias=["champion"])
    ledger.append("register", None, "eve")
    ledger.append("register", version, "eve", lineage=7)
    ledger.append("register", "v2", "eve", lineage=7)
    state = fold(ledger.entries())
    assert state.aliases == {}
    assert state.versions[version].registered_by == "ann"
    assert [re.match(r"line (\d)", problem)[1] for problem in state.irregular] == list("245678")  # type: ignore[index]
    assert lmops("audit").exit_code == 1


# --- Kills and many hands -----------------------------------------------------------------------


def test_kill_9_at_every_step_of_registering_leaves_the_old_or_the_new_truth(
    tmp_path: Path, home: Home
) -> None:
    old = register(1)
    new = tiny_bundle(Path("model-2"), 2).version
    again = tiny_bundle(tmp_path / "again", 2)
    seen = set()
    for left in every_kill(tmp_path, home, "register", "model-2", "--by", "ann"):
        state = fold(Ledger(left.ledger).entries())
        versions = list(state.versions)
        assert versions in ([old], [old, new])
        seen.add(len(versions))
        # What the ledger has is there, whole; and what is more was never told to anybody.
        assert [
            p for p in problems(left.models, versions) if "no line of the ledger" not in p
        ] == []
        keep_again = left.folder / "again"
        shutil.copytree(left.models, keep_again)
        keep(again, keep_again)
        assert problems(keep_again, [old, new]) == []
        shutil.rmtree(keep_again)
    assert seen == {1, 2}


def test_kill_9_at_every_step_of_promoting_leaves_the_old_or_the_new_champion(
    tmp_path: Path, home: Home
) -> None:
    old, new = raised(home, 1), register(2)
    let_through(home, new)
    asked("approve", new, "--by", "bob")
    champions = []
    for left in every_kill(tmp_path, home, "promote", new, "--by", "bob"):
        ledger = Ledger(left.ledger)
        assert ledger.verify() == []
        champions.append(fold(ledger.entries()).aliases["champion"])
    assert champions == sorted(champions, key=[old, new].index)
    assert set(champions) == {old, new}


def test_three_processes_register_at_once(tmp_path: Path, home: Home) -> None:
    made = [tiny_bundle(Path(f"model-{seed}"), seed).version for seed in (1, 2, 3)]
    command = [sys.executable, "-m", "lmops.cli", "register", "--json", "--by"]
    running = [
        subprocess.Popen([*command, name, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name, folder in (("ann", "model-1"), ("bob", "model-2"), ("cy", "model-3"))
    ]
    said = [one.communicate() for one in running]
    assert [one.returncode for one in running] == [0, 0, 0], said
    told = [json.loads(answer) for answer, _ in said]
    assert [answer["version"] for answer in told] == made
    assert sorted(answer["line"] for answer in told) == [1, 2, 3]
    state = fold(Ledger(home.ledger).entries())
    assert sorted(state.versions) == sorted(made)
    assert registry.differences(home, state) == []
    assert problems(home.models, made) == []


# --- MLflow ------------------------------------------------------------------------------------


def shown(home: Home) -> tuple[list[tuple[str, dict[str, str]]], dict[str, str]]:
    """Return what MLflow itself says: versions with tags, and aliases."""
    client = registry._client(home.registry, make=False)
    versions = [(one.version, dict(one.tags)) for one in registry._versions(client)]
    return versions, registry._aliases(client)


def test_mlflow_and_ledger_agree_and_mlflow_can_be_made_anew(home: Home) -> None:
    first = raised(home, 1)
    second = register(2)
    let_through(home, second)
    asked("promote", second, "--as", "challenger", "--by", "bob")
    before = shown(home)
    assert [tags["version"] for _, tags in before[0]] == [first, second]
    assert before[0][0][1]["approved_by"] == "bob"
    assert before[0][1][1]["gate"] == "passed"
    assert before[1] == {"champion": "1", "challenger": "2"}
    assert registry.differences(home, fold(Ledger(home.ledger).entries())) == []
    home.registry.unlink()
    assert "MLflow's database is not there" in lmops("audit").stdout
    assert asked("registry", "rebuild")["versions"] == [first, second]
    assert shown(home) == before
    asked("registry", "rebuild")
    assert shown(home) == before


def test_mlflow_that_a_kill_left_behind_is_brought_along_by_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = raised(home, 1)
    ledger = Ledger(home.ledger)
    behind = home.registry.read_bytes()
    new = register(2)
    let_through(home, new)
    asked("approve", new, "--by", "bob")
    asked("promote", new, "--by", "bob")
    wanted = shown(home)
    from mlflow import MlflowClient

    writes = [
        "create_model_version", "set_model_version_tag", "delete_model_version_tag",
        "set_registered_model_alias", "delete_registered_model_alias",
    ]  # fmt: skip

    class Killed(BaseException):
        pass

    for last in range(20):
        home.registry.write_bytes(behind)
        left = iter(range(last))
        with monkeypatch.context() as patch:
            for name in writes:
                patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name), left, Killed))
            try:
                registry.sync(home)
            except Killed:
                done = False
            else:
                done = True
        registry.sync(home)
        assert shown(home) == wanted
        assert registry.differences(home, fold(ledger.entries())) == []
        if done:
            break
    assert 1 < last < 19
    assert version != new


def dying(call: Callable[..., Any], left: Any, error: type[BaseException]) -> Callable[..., Any]:
    def write(*arguments: Any, **more: Any) -> Any:
        if next(left, None) is None:
            raise error
        return call(*arguments, **more)

    return write


def test_what_was_changed_in_mlflow_is_found_and_not_followed(home: Home) -> None:
    first, second = raised(home, 1), register(2)
    client = registry._client(home.registry, make=False)
    client.set_registered_model_alias(registry.NAME, "champion", "2")
    client.set_model_version_tag(registry.NAME, "2", "approved_by", "eve")
    client.create_model_version(registry.NAME, "somewhere")
    found = lmops("audit")
    assert found.exit_code == 1
    assert f"champion is {second} in MLflow, and {first} by the ledger" in found.stdout
    assert "has approved_by eve, and not None" in found.stdout
    assert "MLflow has 3 versions, the ledger 2" in found.stdout
    result = lmops("promote", first, "--by", "bob")
    assert "lmops registry rebuild" in result.stderr
    asked("registry", "rebuild")
    assert asked("audit")["sound"] is True


@pytest.mark.parametrize("content", [b"", b"no database" * 100])
def test_an_mlflow_that_cannot_be_read_stops_nothing_and_is_made_anew(
    home: Home, content: bytes
) -> None:
    first = register(1)
    home.registry.write_bytes(content)
    let_through(home, first)
    result = lmops("approve", first, "--by", "bob")
    assert result.exit_code == 0
    assert f"{first} is approved by bob" in result.stdout
    if content:
        assert "The ledger has it, but MLflow cannot read its database" in result.stderr
        assert "MLflow cannot read its database" in lmops("audit").stdout
    asked("registry", "rebuild")
    assert asked("audit")["sound"] is True


def test_mlflow_asks_no_network_and_says_nothing(home: Home) -> None:
    version = register(1)
    script = (
        "import socket, sys\n"
        "def no(*_): raise OSError('no network here')\n"
        "socket.socket.connect = socket.getaddrinfo = no\n"
        "from lmops.cli import main\n"
        "main(['registry', 'rebuild', '--json'])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["versions"] == [version]
    assert run.stderr.strip() in ("", "MLflow makes its database; this takes a few seconds")
    assert sorted(path.name for path in Path().iterdir()) == [".lmops", "model-1"]


# --- lmops audit --------------------------------------------------------------------------------


def test_a_byte_that_is_flipped_in_a_kept_bundle_is_found(home: Home) -> None:
    version = raised(home, 1)
    weights = home.models / version / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    result = lmops("audit")
    assert result.exit_code == 1
    assert f"models/{version}: model.safetensors" in result.stdout


def test_bundles_that_are_gone_added_or_exchanged_are_found(home: Home) -> None:
    first, second = register(1), register(2)
    (home.models / first).rename(home.models / "away")
    assert problems(home.models, [first, second]) == [
        f"models/{first}: there is no folder {home.models / first}",
        "models/away: no line of the ledger registers it",
    ]
    shutil.copytree(home.models / second, home.models / first)
    assert "is another version than its folder's name says" in lmops("audit").stdout


def test_a_changed_line_is_named_and_nothing_goes_on(home: Home) -> None:
    version = raised(home, 1)
    home.ledger.write_text(home.ledger.read_text().replace('"by": "bob"', '"by": "eve"', 1))
    result = lmops("audit", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0].startswith("line 3: was changed")
    for command in (
        ["models"], ["register", "model-1", "--by", "ann"], ["approve", version, "--by", "cy"],
        ["promote", version, "--by", "cy"], ["registry", "rebuild"], ["expire-logs"],
    ):  # fmt: skip
        refused = lmops(*command)
        assert refused.exit_code == 1, command
        assert "lmops audit" in refused.stderr


def test_a_ledger_written_anew_with_its_head_is_found_by_mlflow_and_by_a_kept_hash(
    home: Home,
) -> None:
    raised(home, 1)
    kept = asked("audit")["head"]
    assert asked("audit", "--head", kept[:16])["sound"] is True
    entries = Ledger(home.ledger).entries()
    home.ledger.unlink()
    home.ledger.with_suffix(".head").unlink()
    for entry in entries:
        by = "eve" if entry.event == "approve" else entry.by
        Ledger(home.ledger).append(entry.event, entry.version, by, **entry.details)
    assert Ledger(home.ledger).verify() == []
    result = lmops("audit")
    assert result.exit_code == 1
    assert "has approved_by bob, and not eve" in result.stdout
    assert f"line 1 registers {entries[0].version}; MLflow" in result.stdout
    asked("registry", "rebuild")  # the forger has thought of MLflow as well
    assert asked("audit")["sound"] is True
    assert "no line has the hash" in lmops("audit", "--head", kept).stdout


# --- lmops expire-logs --------------------------------------------------------------------------


def test_old_logs_go_and_the_ledger_says_which(home: Home) -> None:
    home.logs.mkdir()
    for name in ("requests-2020-01-01.jsonl", "requests-2020-01-02.jsonl"):
        (home.logs / name).write_text("{}\n")
    deleted = ["logs/requests-2020-01-01.jsonl", "logs/requests-2020-01-02.jsonl"]
    assert asked("expire-logs", "--days", 30)["deleted"] == deleted
    assert asked("expire-logs", "--days", 30)["deleted"] == []
    (entry,) = Ledger(home.ledger).entries()
    assert (entry.event, entry.details) == ("expire-logs", {"days": 30, "files": deleted})
    (home.logs / "requests-2999-01-01.jsonl").write_text("{}\n")
    (home.logs / "requests-2020-01-01.jsonl").write_text("{}\n")
    result = lmops("expire-logs")
    assert result.exit_code == 1
    assert "the clock went back" in result.stderr
    assert (home.logs / "requests-2020-01-01.jsonl").exists()


def test_no_log_goes_where_the_ledger_is_of_a_later_day(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.logs.mkdir()
    log = home.logs / "2020-01-01.jsonl"
    log.write_text("{}\n")

    class Later:
        @staticmethod
        def now(zone: Any) -> Any:
            from datetime import datetime

            return datetime(2999, 1, 1, tzinfo=zone)

    with monkeypatch.context() as patch:
        patch.setattr("lmops.ledger.datetime", Later)
        Ledger(home.ledger).append("register", "v", "ann")
    result = lmops("expire-logs")
    assert result.exit_code == 1
    assert "the clock went back" in result.stderr
    assert log.exists()


def test_each_command_shows_examples() -> None:
    for command in ("register", "approve", "promote", "models", "audit", "registry", "expire-logs"):
        assert "examples:\n    lmops" in lmops(command, "--help").stdout
