"""The files in deploy/: valid by their schemas, and fitting each other and the service."""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import kubernetes_validate
import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from course import ROOT
from manifests import ONE_EACH, Document, Facts, problems
from ruamel.yaml import YAML

import lmcourse
from lmops.commands.serve import serve
from lmops.service.app import create_app
from lmops.service.limits import Limits
from lmops.service.server import FLUSH_SECONDS

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes/base"
ENVIRONMENTS = ("staging", "production")
VERSIONS = ("1.32", "1.37")
"""Of Kubernetes: one that is about to end, and the newest that the schemas know."""


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def render(folder: Path) -> list[Document]:
    """Return what an overlay comes to, as Kubernetes would be given it."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed: the overlays cannot be rendered")
    made = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    return list(YAML(typ="safe").load_all(made.stdout))


@cache
def rendered(environment: str) -> list[Document]:
    """Return the manifests of an environment."""
    return render(DEPLOY / "kubernetes/overlays" / environment)


def instructions(name: str) -> list[str]:
    """Return what follows an instruction in the Dockerfile, wherever it stands."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


@pytest.fixture(scope="module")
def facts() -> Facts:
    app = create_app(MagicMock(), Path())
    return Facts(
        uid=int(instructions("USER")[-1].partition(":")[0]),
        port=int(instructions("EXPOSE")[-1]),
        paths=frozenset(getattr(route, "path", "") for route in app.routes),
        writes=frozenset({instructions("WORKDIR")[-1], "/tmp"}),
        stop_seconds=Limits().drain_seconds + FLUSH_SECONDS,
    )


# Kubernetes


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_manifest_is_valid(environment: str, version: str) -> None:
    for document in rendered(environment):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(
    "path", sorted({*BASE.glob("*.yaml")} - {BASE / "kustomization.yaml"}), ids=lambda p: p.name
)
def test_every_manifest_of_the_base_is_valid_as_it_stands(path: Path) -> None:
    """So they are looked at also where there is no kubectl."""
    kubernetes_validate.validate(load(path), VERSIONS[-1], strict=True)
    assert path.name in load(BASE / "kustomization.yaml")["resources"]


def test_an_invalid_manifest_is_found() -> None:
    broken = load(BASE / "deployment.yaml")
    broken["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_manifests_fit_each_other_and_the_image(environment: str, facts: Facts) -> None:
    assert problems(rendered(environment), facts) == []


def pod(documents: dict[str, Document]) -> Any:
    return documents["Deployment"]["spec"]["template"]["spec"]


def server(documents: dict[str, Document]) -> Any:
    return pod(documents)["containers"][0]


BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "no autoscaler": ("one of each", lambda d: d.pop("HorizontalPodAutoscaler")),
    "another namespace": (
        "is not in the namespace",
        lambda d: d["Service"]["metadata"].update(namespace="default"),
    ),
    "a namespace that allows all": (
        "pod security",
        lambda d: d["Namespace"]["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
    ),
    "no version": (
        "has no label with its version",
        lambda d: d["Service"]["metadata"]["labels"].pop("app.kubernetes.io/version"),
    ),
    "latest": ("no fixed version", lambda d: server(d).update(image="ghcr.io/a/lmops:latest")),
    "no tag": ("no fixed version", lambda d: server(d).update(image="ghcr.io/a/lmops")),
    "a tag of a port": ("no fixed version", lambda d: server(d).update(image="host:5000/lmops")),
    "another version": ("and the label says", lambda d: server(d).update(image="lmops:v9.9.9")),
    "a token": ("hands out", lambda d: d["ServiceAccount"].pop("automountServiceAccountToken")),
    "a token in the pod": ("token of the", lambda d: pod(d).pop("automountServiceAccountToken")),
    "another account": (
        "another service account",
        lambda d: pod(d).update(serviceAccountName="default"),
    ),
    "a selector of others": (
        "which the pods are not",
        lambda d: d["Service"].update(
            spec=d["Service"]["spec"] | {"selector": {"app.kubernetes.io/name": "web"}}
        ),
    ),
    "a policy for others": (
        "NetworkPolicy: selects",
        lambda d: d["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].update(app="x"),
    ),
    "a budget for others": (
        "PodDisruptionBudget: selects",
        lambda d: d["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].update(app="x"),
    ),
    "selected by version": (
        "so that the next one is lost",
        lambda d: d["Service"]["spec"]["selector"].update(
            {
                "app.kubernetes.io/version": d["Deployment"]["spec"]["template"]["metadata"][
                    "labels"
                ]["app.kubernetes.io/version"]
            }
        ),
    ),
    "a port that is not there": (
        "which no container has",
        lambda d: d["Service"]["spec"]["ports"][0].update(targetPort="web"),
    ),
    "another target": (
        "scales what is not there",
        lambda d: d["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"].update(name="web"),
    ),
    "root": ("may run as root", lambda d: pod(d)["securityContext"].update(runAsNonRoot=False)),
    "another user": (
        "another user than the image",
        lambda d: pod(d)["securityContext"].update(runAsUser=1000),
    ),
    "no seccomp": ("system call", lambda d: pod(d)["securityContext"].pop("seccompProfile")),
    "the node's network": ("shares the node's", lambda d: pod(d).update(hostNetwork=True)),
    "the node's folder": (
        "is a folder of the node",
        lambda d: pod(d)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    ),
    "an endless volume": (
        "can fill the node's disk",
        lambda d: pod(d)["volumes"][1].update(emptyDir={}),
    ),
    "a privileged init container": (
        "keys: may gain rights",
        lambda d: pod(d)["initContainers"][0]["securityContext"].update(
            allowPrivilegeEscalation=True
        ),
    ),
    "a root to write to": (
        "may write to its image",
        lambda d: server(d)["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    "capabilities": (
        "keeps rights",
        lambda d: server(d)["securityContext"].update(
            capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}
        ),
    ),
    "no limit": ("how much memory", lambda d: server(d)["resources"]["limits"].pop("memory")),
    "no request": ("how much cpu", lambda d: server(d)["resources"]["requests"].pop("cpu")),
    "too small a limit": (
        "requests more memory",
        lambda d: server(d)["resources"]["limits"].update(memory="256Mi"),
    ),
    "no such volume": (
        "which is no volume",
        lambda d: server(d)["volumeMounts"][0].update(name="x"),
    ),
    "a secret to write": (
        "the secret keys to write",
        lambda d: pod(d)["initContainers"][0]["volumeMounts"][0].pop("readOnly"),
    ),
    "a secret written out": (
        "has API_KEY written out",
        lambda d: server(d).update(env=[{"name": "API_KEY", "value": "lm_x"}]),
    ),
    "another port": (
        "at which the image listens",
        lambda d: server(d)["ports"][0].update(containerPort=80),
    ),
    "no readiness": ("readinessProbe: does not", lambda d: server(d).pop("readinessProbe")),
    "a restart where there is no room": (
        "livenessProbe: does not ask /healthz",
        lambda d: server(d)["livenessProbe"]["httpGet"].update(path="/readyz"),
    ),
    "no time to start": ("startupProbe: does not", lambda d: server(d).pop("startupProbe")),
    "nowhere to write": ("may write to", lambda d: server(d)["volumeMounts"].pop()),
    "no pause": ("before the load balancer", lambda d: server(d).pop("lifecycle")),
    "no time to stop": (
        "is killed before",
        lambda d: pod(d).update(terminationGracePeriodSeconds=35),
    ),
    "a way out": (
        "lets the service call others",
        lambda d: d["NetworkPolicy"]["spec"].update(egress=[{}]),
    ),
    "one direction": (
        "leaves a direction open",
        lambda d: d["NetworkPolicy"]["spec"].update(policyTypes=["Ingress"]),
    ),
    "every port": (
        "at every port",
        lambda d: d["NetworkPolicy"]["spec"]["ingress"][0].pop("ports"),
    ),
    "every pod": (
        "whole namespaces",
        lambda d: d["NetworkPolicy"]["spec"]["ingress"][0]["from"].append(
            {"namespaceSelector": {}}
        ),
    ),
    "two who scale": (
        "which the autoscaler does",
        lambda d: d["Deployment"]["spec"].update(replicas=3),
    ),
    "no room to scale": (
        "cannot scale",
        lambda d: d["HorizontalPodAutoscaler"]["spec"].update(maxReplicas=1),
    ),
    "a budget that blocks": (
        "lets no node be emptied",
        lambda d: d["PodDisruptionBudget"]["spec"].update(maxUnavailable=0),
    ),
    "a gap": (
        "before the new one is ready",
        lambda d: d["Deployment"]["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_environment_is_found(name: str, facts: Facts) -> None:
    said, break_it = BROKEN[name]
    documents = {one["kind"]: one for one in copy.deepcopy(rendered("staging"))}
    break_it(documents)
    found = problems(list(documents.values()), facts)
    assert any(said in one for one in found), found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_overlay_names_the_release(environment: str) -> None:
    """Its image and its label are one version, which a release raises with the package's."""
    overlay = load(DEPLOY / "kubernetes/overlays" / environment / "kustomization.yaml")
    (image,) = overlay["images"]
    labels = overlay["labels"][0]["pairs"]
    assert image["newTag"] == labels["app.kubernetes.io/version"] == f"v{lmcourse.__version__}"
    assert labels["environment"] == environment


def test_a_digest_takes_the_place_of_the_tag(facts: Facts, tmp_path: Path) -> None:
    """As `kustomize edit set image` writes it, once an image was pushed and has one."""
    shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    folder = tmp_path / "kubernetes/overlays/production"
    overlay = load(folder / "kustomization.yaml")
    del overlay["images"][0]["newTag"]
    overlay["images"][0]["digest"] = digest = f"sha256:{'0' * 64}"
    YAML(typ="safe").dump(overlay, folder / "kustomization.yaml")
    documents = render(folder)
    assert problems(documents, facts) == []
    template = pod({one["kind"]: one for one in documents})
    images = {one["image"] for one in template["initContainers"] + template["containers"]}
    assert images == {f"ghcr.io/lmcourse/lmops@{digest}"}


def test_staging_and_production_differ_in_size_alone() -> None:
    """What was tried in staging is what goes to production."""
    plain = {}
    for environment in ENVIRONMENTS:
        documents = {one["kind"]: one for one in copy.deepcopy(rendered(environment))}
        scaler = documents["HorizontalPodAutoscaler"]["spec"]
        assert scaler.pop("minReplicas") == {"staging": 1, "production": 2}[environment]
        del scaler["maxReplicas"]
        for one in pod(documents)["topologySpreadConstraints"]:
            del one["whenUnsatisfiable"]
        plain[environment] = str([documents[kind] for kind in ONE_EACH]).replace(environment, "E")
    assert plain["staging"] == plain["production"]


def test_no_secret_lies_in_the_manifests() -> None:
    for path in (DEPLOY / "kubernetes").rglob("*.yaml"):
        for document in YAML(typ="safe").load_all(path):
            assert document["kind"] != "Secret", path


# The image and compose


def test_the_images_command_is_one_that_serve_understands() -> None:

    entrypoint, command = (
        json.loads(instructions("ENTRYPOINT")[-1]),
        json.loads(instructions("CMD")[-1]),
    )
    assert (entrypoint, command[0]) == (["lmops"], "serve")
    context = serve.make_context("serve", command[1:])
    assert str(context.params["bundle"]) == "/model"
    assert context.params["port"] == int(instructions("EXPOSE")[-1])
    assert context.params["host"] == "0.0.0.0"


def test_compose_is_valid_and_fits_the_image(facts: Facts, tmp_path: Path) -> None:
    path = DEPLOY / "compose.yaml"
    checked = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.compose-spec", str(path)]
    )
    assert checked.exit_code == 0, checked.output
    services = load(path)["services"]
    for one in services.values():
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in one["ports"])
        assert set(one["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
        here = [volume.split(":")[0] for volume in one["volumes"] if volume.startswith(".")]
        assert [file for file in here if not (DEPLOY / file).exists()] == []
    service = services["lmops"]
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert set(service["build"]["args"]) <= {arg.partition("=")[0] for arg in instructions("ARG")}
    assert service["user"].split(":") == [str(facts.uid)] * 2
    assert service["read_only"] is True
    writable = {one.split(":")[1] for one in service["volumes"]}
    writable |= {one.split(":")[0] for one in service["tmpfs"]}
    assert writable == facts.writes
    assert {one.rpartition(":")[2] for one in service["ports"]} == {str(facts.port)}
    assert f"127.0.0.1:{facts.port}/readyz" in service["healthcheck"]["test"][-1]
    assert int(service["stop_grace_period"].removesuffix("s")) > facts.stop_seconds
    broken = tmp_path / "compose.yaml"
    broken.write_text(path.read_text().replace("read_only", "readonly"))
    refused = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.compose-spec", str(broken)]
    )
    assert refused.exit_code == 1
