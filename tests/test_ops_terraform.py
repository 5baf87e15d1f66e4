"""Terraform: the stand-in applied for real, and the rest held against the provider's schema."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure_stand_in import misfits, rewrite
from course import ROOT
from terraform import SCHEMA, problems, read

from lmops.home import Home
from lmops.service.keys import Keys

SOURCE = ROOT / "deploy/terraform"
ENVIRONMENTS = ("staging", "production")
DIGEST = "lmops@sha256:" + 64 * "a"

GIVEN = {"registry": '{id="r",server="s"}', "image": DIGEST, "revision": "v1"}

TERRAFORM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(
    TERRAFORM is None, reason="no terraform on the PATH: https://developer.hashicorp.com/terraform"
)


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Terraform in a folder, whatever else is set on this machine."""
    return subprocess.run(
        [str(TERRAFORM), f"-chdir={folder}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "CHECKPOINT_DISABLE": "1", "HOME": str(folder)},
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of all configurations: Terraform writes beside them."""
    kept = shutil.ignore_patterns(".terraform*", "*.tfstate*", "plan")
    return Path(shutil.copytree(SOURCE, tmp_path / "terraform", ignore=kept))


# --- Executed: the stand-in, and what decides ---------------------------------------------------


class StandIn:
    """The configuration in local/, and the folder that it is applied to."""

    def __init__(self, copy: Path, target: Path) -> None:
        self.folder, self.target = copy / "local", target
        target.mkdir()
        assert terraform(self.folder, "init").returncode == 0

    def _run(self, command: str, *options: str, **values: str) -> tuple[int, str]:
        given = {"folder": str(self.target), "image": DIGEST} | values
        flags = [f"-var={name}={value}" for name, value in given.items()]
        ran = terraform(self.folder, command, "-no-color", *options, *flags)
        return ran.returncode, ran.stdout + ran.stderr

    def planned(self, **values: str) -> bool:
        """Return whether a plan finds something to do."""
        code, said = self._run("plan", "-detailed-exitcode", **values)
        assert code in (0, 2), said
        return code == 2

    def apply(self, *options: str, **values: str) -> dict[str, int]:
        """Apply, and return how many resources were added, changed and destroyed."""
        code, said = self._run("apply", "-auto-approve", *options, **values)
        assert code == 0, said
        counts = re.search(r"(\d+) added, (\d+) changed, (\d+) destroyed", said)
        assert counts, said
        return dict(zip(("added", "changed", "destroyed"), map(int, counts.groups()), strict=True))

    def traffic(self) -> dict[str, int]:
        """Return the shares that were applied: percent by label."""
        found = json.loads((self.target / "traffic.json").read_text("utf-8"))
        return {one["label"]: one["percent"] for one in found}


@pytest.fixture
def local(copy: Path, tmp_path: Path) -> StandIn:
    return StandIn(copy, tmp_path / "azure")


NOTHING = {"added": 0, "changed": 0, "destroyed": 0}


@needs_terraform
def test_applied_twice_it_changes_nothing_the_second_time(local: StandIn) -> None:
    assert local.planned(revision="v1")
    assert not (local.target / "traffic.json").exists()  # a plan does nothing
    assert local.apply(revision="v1") == NOTHING | {"added": 2}
    assert local.traffic() == {"stable": 100}
    assert not local.planned(revision="v1")
    assert local.apply(revision="v1") == NOTHING


@needs_terraform
def test_a_canary_comes_grows_goes_back_and_is_promoted(local: StandIn) -> None:
    local.apply(revision="v1")
    new = {"revision": "v2", "stable_revision": "v1"}
    assert local.apply(**new, canary_percent="0")["added"] == 2
    assert local.traffic() == {"stable": 100, "canary": 0}
    for percent in ("10", "0", "50"):  # the revision itself is left alone
        assert local.apply(**new, canary_percent=percent) == NOTHING | {"added": 1, "destroyed": 1}
        assert local.traffic() == {"stable": 100 - int(percent), "canary": int(percent)}
    local.apply(**new, canary_percent="100")
    assert local.traffic() == {"stable": 100}
    assert not local.planned(**new, canary_percent="100")


@needs_terraform
def test_what_was_destroyed_is_gone_and_comes_again(local: StandIn) -> None:
    local.apply(revision="v1")
    assert local.apply("-destroy", revision="v1") == NOTHING | {"destroyed": 2}
    assert not (local.target / "traffic.json").exists()
    assert local.planned(revision="v1")


@needs_terraform
def test_the_release_module_passes_its_own_tests_and_they_can_fail(copy: Path) -> None:
    module = copy / "modules/release"
    assert terraform(module, "init").returncode == 0
    ran = terraform(module, "test", "-no-color")
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"Success! (\d+) passed, 0 failed", ran.stdout)
    path = module / "main.tf"
    path.write_text(path.read_text("utf-8").replace("100 - var.canary_percent", "100"), "utf-8")
    assert terraform(module, "test").returncode == 1


@needs_terraform
def test_files_are_formatted(copy: Path) -> None:
    assert terraform(copy, "fmt", "-check", "-recursive", "-diff").stdout == ""
    (copy / "local/outputs.tf").write_text('output   "a" {}\n', "utf-8")
    assert terraform(copy, "fmt", "-check", "-recursive").returncode == 3


# --- Executed: the configurations for Azure, on stand-ins for its resources ---------------------


class Cloud:
    """A configuration for Azure, whose resources stand as `terraform_data`."""

    def __init__(self, copy: Path, configuration: str, *flags: str) -> None:
        rewrite(copy)
        self.folder, self.flags = copy / configuration, flags
        ran = terraform(self.folder, "init")
        assert ran.returncode == 0, ran.stderr

    def apply(self, **values: str) -> dict[str, int]:
        """Apply, and return how many resources were added, changed and destroyed."""
        given = [*self.flags, *(f"-var={name}={value}" for name, value in values.items())]
        ran = terraform(self.folder, "apply", "-no-color", "-auto-approve", *given)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        counts = re.search(r"(\d+) added, (\d+) changed, (\d+) destroyed", ran.stdout)
        assert counts
        return dict(zip(("added", "changed", "destroyed"), map(int, counts.groups()), strict=True))

    def resources(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each resource's kind, and the values that were applied."""
        state = json.loads(terraform(self.folder, "show", "-json").stdout)["values"]["root_module"]
        for module in (state, *state.get("child_modules", [])):
            for one in module["resources"]:
                kind, _, _ = one["name"].rpartition("__")
                if not kind.startswith("data__"):
                    yield kind, one["values"]["output"]

    def one(self, kind: str) -> dict[str, Any]:
        """Return what was applied of the one resource of a kind."""
        (found,) = (values for name, values in self.resources() if name == kind)
        return found


@pytest.fixture(params=ENVIRONMENTS)
def environment(copy: Path, request: pytest.FixtureRequest) -> Cloud:
    given = {name: value for name, value in GIVEN.items() if name != "revision"}
    flags = [f"-var={name}={value}" for name, value in given.items()]
    return Cloud(copy, "environment", f"-var-file={request.param}.tfvars", *flags)


@needs_terraform
def test_an_environment_is_applied_and_the_second_time_nothing_changes(environment: Cloud) -> None:
    assert environment.apply(revision="v1")["added"] == sum(1 for _ in environment.resources()) + 1
    assert environment.apply(revision="v1") == NOTHING
    for kind, values in environment.resources():
        assert not [*misfits(SCHEMA["resources"][kind]["arguments"], values, kind)]
    names = [values["name"] for kind, values in environment.resources() if "name" in values]
    assert len({*names}) == len(names)
    app, vault = environment.one("azurerm_container_app"), environment.one("azurerm_key_vault")
    assert len(vault["name"]) <= 24
    assert len(app["name"]) <= 32
    (container,) = app["template"][0]["container"]
    assert container["image"] == f"s/{DIGEST}"
    assert app["secret"][0]["key_vault_secret_id"] == f"{vault['vault_uri']}secrets/keys"


@needs_terraform
def test_a_release_changes_the_app_alone(environment: Cloud) -> None:
    environment.apply(revision="v1")
    new = {"revision": "v2", "stable_revision": "v1"}
    for percent in (0, 10, 100, 0):
        changed = environment.apply(**new, canary_percent=str(percent))
        assert changed == NOTHING | {"changed": 1}
        app = environment.one("azurerm_container_app")
        weights = app["ingress"][0]["traffic_weight"]
        assert sum(one["percentage"] for one in weights) == 100
        assert [one["latest_revision"] for one in weights] == [*[False] * (percent < 100), True]
        assert {one["label"]: one["percentage"] for one in weights}.get("canary", 100) == percent
        assert app["template"][0]["revision_suffix"] == "v2"


@needs_terraform
def test_what_is_shared_is_applied_and_only_pipelines_are_trusted(copy: Path) -> None:
    shared = Cloud(copy, "shared", "-var-file=shared.tfvars")
    assert shared.apply()["added"] == len([*shared.resources()])
    assert shared.apply() == NOTHING
    for kind, values in shared.resources():
        assert not [*misfits(SCHEMA["resources"][kind]["arguments"], values, kind)]
    trusted = shared.one("azurerm_federated_identity_credential")
    assert trusted["subject"] == "repo:lmcourse/lmcourse:ref:refs/heads/main"
    assert re.fullmatch(r"[a-z0-9]{5,50}", shared.one("azurerm_container_registry")["name"])


@needs_terraform
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("traffic_weight.value.percent", '"a tenth"'),
        ("[var.identity.id]", "var.identity.id"),
        ("var.replicas.min", '["1"]'),
    ],
)
def test_a_value_of_another_type_is_found(copy: Path, old: str, new: str) -> None:
    path = copy / "modules/service/main.tf"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    flags = [f"-var={name}={value}" for name, value in GIVEN.items()]
    cloud = Cloud(copy, "environment", "-var-file=staging.tfvars", *flags)
    cloud.apply()
    kind = "azurerm_container_app"
    assert [*misfits(SCHEMA["resources"][kind]["arguments"], cloud.one(kind), kind)]


# --- Executed: what the variables let through ---------------------------------------------------


@pytest.fixture
def variables(copy: Path, tmp_path: Path) -> Path:
    """Return a folder with an environment's variables alone, which need no provider."""
    folder = tmp_path / "variables"
    folder.mkdir()
    for path in (copy / "environment").glob("*.tfvars"):
        shutil.copy(path, folder)
    shutil.copy(copy / "environment/variables.tf", folder)
    assert terraform(folder, "init").returncode == 0
    return folder


@needs_terraform
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environments_values_are_let_through(variables: Path, environment: str) -> None:
    flags = [f"-var={name}={value}" for name, value in GIVEN.items()]
    ran = terraform(variables, "plan", f"-var-file={environment}.tfvars", *flags)
    assert ran.returncode == 0, ran.stderr


@needs_terraform
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("image", "lmops:latest", "named by its digest"),
        ("image", "lmops@sha256:abc", "named by its digest"),
        ("environment", "prod", "staging or production"),
        ("name", "LM course", "3 to 12 small letters"),
        ("name", "averylongname", "3 to 12 small letters"),
        ("location", "West Europe", "as Azure's command line does"),
        ("replicas", "{min=1,max=5}", "two replicas at least"),
        ("replicas", "{min=5,max=2}", "0 <= min <= max <= 30"),
        ("retention_days", "7", "for 30 to 730 days"),
        ("deployers", '{a={issuer="https://x",subject="repo:a/b:*"}}', "no wildcards"),
        ("deployers", '{a={issuer="http://x",subject="repo:a/b"}}', "an https:// address"),
        ("registry", "{}", 'attributes "id" and "server" are required'),
    ],
)
def test_a_value_that_would_fail_later_fails_at_once(
    variables: Path, name: str, value: str, said: str
) -> None:
    flags = [f"-var={one}={given}" for one, given in (GIVEN | {name: value}).items()]
    ran = terraform(variables, "plan", "-no-color", "-var-file=production.tfvars", *flags)
    assert ran.returncode == 1
    assert said in re.sub(r"[\s│]+", " ", ran.stderr)


# --- Validated: against the provider's schema ---------------------------------------------------


def test_the_files_hold_what_they_must() -> None:
    assert problems(SOURCE) == []
    assert len(SCHEMA["resources"]) == len(
        {kind for path in SOURCE.rglob("main.tf") for kind, _ in read(path.parent).resources}
        - {"terraform_data"}
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        ("modules/service/main.tf", "revision_mode ", "revision_modus ", "has no revision_modus"),
        ("modules/service/main.tf", "revision_mode ", "revision_modus ", "needs revision_mode"),
        ("modules/service/main.tf", "concurrent_requests", "requests", "needs concurrent_requests"),
        ("modules/service/main.tf", "percentage ", "percent ", "traffic_weight: has no percent"),
        ("modules/service/main.tf", "var.traffic", "var.trafic", "var.trafic is nowhere"),
        ("modules/service/main.tf", "var.traffic", "[]", "var.traffic is used nowhere"),
        ("modules/service/main.tf", "local.image", "local.img", "local.img is nowhere"),
        ("modules/service/outputs.tf", "default_domain", "domain", "has nothing called domain"),
        ("modules/vault/main.tf", '"azurerm_key_vault"', '"azurerm_vault"', "nobody knows"),
        ("modules/vault/outputs.tf", "key_vault.this", "key_vault.that", "that is nowhere"),
        ("modules/vault/outputs.tf", "description", "# description", "output id has no desc"),
        ("modules/vault/variables.tf", "description", "# description", "name has no description"),
        ("modules/vault/versions.tf", '"4.55.0"', '"~> 4.55"', "azurerm is not pinned"),
        ("modules/vault/versions.tf", '"4.55.0"', '"4.54.0"', "the schema is 4.55.0's"),
        ("modules/vault/versions.tf", "required_version", "# needs", "which Terraform it needs"),
        ("environment/main.tf", "module.vault.uri", "module.vault.url", "url is no output"),
        ("environment/main.tf", "module.vault.uri", "module.safe.uri", "module.safe is nowhere"),
        ("environment/main.tf", "tenant_id           =", "tenant =", "vault: needs tenant_id"),
        ("environment/main.tf", "tenant_id           =", "tenant =", "vault: has no tenant"),
        ("environment/main.tf", ".tenant_id", ".tenants", "has nothing called tenants"),
        ("environment/main.tf", "modules/vault", "modules/safe", "there is none at"),
        ("environment/main.tf", "module.observability.connection_string", '"Key=1"', "written out"),
        ("shared/outputs.tf", ".login_server", ".admin_password", "admin_password is read"),
    ],
)
def test_what_is_wrong_is_found(copy: Path, path: str, old: str, new: str, found: str) -> None:
    text = (copy / path).read_text("utf-8")
    assert old in text
    (copy / path).write_text(text.replace(old, new, 1), "utf-8")
    assert any(found in problem for problem in problems(copy)), problems(copy)


def test_environments_differ_in_their_values_alone() -> None:
    def lines(name: str) -> list[str]:
        text = (SOURCE / f"environment/{name}.tfvars").read_text("utf-8")
        return text.replace(name, "ENVIRONMENT").splitlines()

    pairs = zip(*map(lines, ENVIRONMENTS), strict=True)
    assert [one.split()[0] for one, other in pairs if one != other] == ["replicas"]


def test_nobody_signs_in_with_a_secret_and_a_pipeline_gives_no_roles() -> None:
    text = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.tf*"))
    assert not re.search(r"client_secret|azuread_application_password|admin_enabled += true", text)
    roles = [
        role["role"]
        for path in (SOURCE / "environment", SOURCE / "shared")
        for body in read(path).modules.values()
        for role in body.get("roles", {}).values()
    ]
    assert sorted(roles) == [
        "AcrPull",
        "AcrPush",
        "Contributor",
        "Key Vault Secrets User",
        "Monitoring Metrics Publisher",
        "Reader",
    ]


def test_the_service_is_asked_where_it_answers() -> None:
    """What the container says of itself holds of the service."""
    from lmops.service.engine import Engine  # slow to import
    from lmops.service.limits import Limits

    app = read(SOURCE / "modules/service").resources["azurerm_container_app", "this"]
    (template,) = app["template"]
    (container,) = template["container"]
    probes: dict[str, Any] = {
        name: container[f"{name}_probe"][0]["path"] for name in ("startup", "readiness", "liveness")
    }
    assert probes == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    assert template["termination_grace_period_seconds"] > Limits().drain_seconds
    (rule,) = template["http_scale_rule"]
    assert int(rule["concurrent_requests"]) == Engine.__init__.__defaults__[0]  # type: ignore[index]


def test_the_keys_come_out_of_the_vault_as_they_went_in(tmp_path: Path) -> None:
    """What the init container types, typed here. A secret is a text; the keys are a database."""
    home = Home(tmp_path / "mine")
    keys = Keys(home.keys)
    _, token = keys.add("ann", {"complete"}, days=1)
    keys.close()
    secret, data = tmp_path / "keys", tmp_path / "data"
    secret.mkdir()
    readme = (SOURCE / "README.md").read_text("utf-8")
    (line,) = re.findall(r"^    (base64 .*\.lmops/keys\.db) >keys\.txt$", readme, re.MULTILINE)
    packed = subprocess.check_output(line.replace(".lmops", str(home.folder)), shell=True)
    (secret / "keys").write_bytes(packed)

    app = read(SOURCE / "modules/service").resources["azurerm_container_app", "this"]
    (container,) = app["template"][0]["init_container"]
    mounts = {one["name"]: one["path"] for one in container["volume_mounts"]}
    assert mounts == {"keys": "/keys", "data": "/data"}
    *shell, script = container["command"]
    for name, path in (("/keys", secret), ("/data", data)):
        script = re.sub(rf"(?<=[ >]){name}(?=/)", str(path), script)
    subprocess.run([*shell, script], check=True)
    there = Home(data / ".lmops")
    assert there.keys.stat().st_mode & 0o777 == 0o600
    assert Keys(there.keys).authenticate(token).name == "ann"


@needs_terraform
@pytest.mark.parametrize("configuration", ["shared", "environment"])
def test_terraform_itself_finds_it_valid_where_the_provider_can_be_had(
    copy: Path, configuration: str
) -> None:
    folder = copy / configuration
    ran = terraform(folder, "init", "-backend=false", "-no-color")
    if "registry.terraform.io" in ran.stderr and "could not connect" in re.sub(
        r"[\s│]+", " ", ran.stderr
    ):
        pytest.skip("registry.terraform.io, which has the provider, cannot be reached")
    assert ran.returncode == 0, ran.stderr
    checked = terraform(folder, "validate", "-no-color")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_readme_names_what_there_is() -> None:
    text = (SOURCE / "README.md").read_text("utf-8")
    folders = re.findall(r"-chdir=(\S+)|cd (deploy/\S+)|^\| `(\w+)/`", text, re.MULTILINE)
    named = ["".join(one) for one in folders]
    assert {"shared", "environment", "modules", "local"} <= {*named}
    for name in named:
        assert (ROOT / name).is_dir() or (SOURCE / name).is_dir(), name
    assert {
        (SOURCE / "environment" / name).is_file()
        for name in re.findall(r"file=(\S+\.tfvars)", text)
    } == {True}
    declared = {*read(SOURCE / "environment").variables, *read(SOURCE / "local").variables}
    assert {*re.findall(r"-var '?(\w+)=", text)} <= declared
