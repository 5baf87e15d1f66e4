"""What must hold in all manifests of an environment together, and no schema says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

UNITS = {"": 1, "m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
ONE_EACH = (
    "Deployment",
    "HorizontalPodAutoscaler",
    "Namespace",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
)


@dataclass(frozen=True)
class Facts:
    """What the image and the service in it are."""

    uid: int
    port: int
    paths: frozenset[str]
    writes: frozenset[str]
    stop_seconds: float
    """How long the service takes to end, at most, once it is told to."""


def quantity(text: str | int) -> float:
    """Return a quantity of Kubernetes ("500m", "1Gi") as a number."""
    found = re.fullmatch(r"(\d+)([A-Za-z]*)", str(text))
    assert found, text
    return int(found[1]) * UNITS[found[2]]


def problems(documents: list[Document], facts: Facts) -> list[str]:
    """Return what is wrong with an environment's manifests."""
    kinds = sorted(one["kind"] for one in documents)
    if kinds != sorted(ONE_EACH):
        return [f"there should be one of each of {', '.join(ONE_EACH)}, not {', '.join(kinds)}"]
    by_kind = {one["kind"]: one for one in documents}
    return [
        *_names(by_kind),
        *_selectors(by_kind),
        *_pod(by_kind["Deployment"]["spec"]["template"]["spec"], facts),
        *_network(by_kind["NetworkPolicy"]["spec"]),
        *_scaling(by_kind),
    ]


def _names(by_kind: Mapping[str, Document]) -> Iterator[str]:
    home = by_kind["Namespace"]["metadata"]["name"]
    for kind, one in by_kind.items():
        if kind != "Namespace" and one["metadata"].get("namespace") != home:
            yield f"{kind}: is not in the namespace {home}"
        if not one["metadata"]["labels"].get("app.kubernetes.io/version"):
            yield f"{kind}: has no label with its version"
    enforced = by_kind["Namespace"]["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
    if enforced != "restricted":
        yield "Namespace: does not enforce the restricted pod security standard"
    template = by_kind["Deployment"]["spec"]["template"]
    version = template["metadata"]["labels"].get("app.kubernetes.io/version")
    account = by_kind["ServiceAccount"]
    if template["spec"].get("serviceAccountName") != account["metadata"]["name"]:
        yield "Deployment: runs as another service account than the one that is there"
    if account.get("automountServiceAccountToken") is not False:
        yield "ServiceAccount: hands out a token"
    for container in _containers(template["spec"]):
        name, _, tag = container["image"].rpartition(":")
        digest = "@sha256:" in container["image"]
        if not name or "/" in tag or tag == "latest":
            yield f"{container['name']}: its image has no fixed version"
        elif not digest and tag != version:
            yield f"{container['name']}: its image is {tag}, and the label says {version}"


def _selectors(by_kind: Mapping[str, Document]) -> Iterator[str]:
    template = by_kind["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    spread = template["spec"].get("topologySpreadConstraints", [])
    selectors = {
        "Deployment": by_kind["Deployment"]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": by_kind["NetworkPolicy"]["spec"]["podSelector"].get("matchLabels"),
        "PodDisruptionBudget": by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        "Service": by_kind["Service"]["spec"]["selector"],
        **{f"spread {n}": one["labelSelector"]["matchLabels"] for n, one in enumerate(spread)},
    }
    for name, selector in selectors.items():
        if not selector or not selector.items() <= labels:
            yield f"{name}: selects {selector}, which the pods are not"
        elif "app.kubernetes.io/version" in selector:
            yield f"{name}: selects by version, so that the next one is lost"
    (target,) = {port["targetPort"] for port in by_kind["Service"]["spec"]["ports"]}
    ports = [port for one in template["spec"]["containers"] for port in one["ports"]]
    if target not in [port["name"] for port in ports]:
        yield f"Service: sends to the port {target}, which no container has"
    scaled = by_kind["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    if (scaled["kind"], scaled["name"]) != (
        "Deployment",
        by_kind["Deployment"]["metadata"]["name"],
    ):
        yield "HorizontalPodAutoscaler: scales what is not there"


def _containers(pod: Document) -> list[Document]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def _pod(pod: Document, facts: Facts) -> Iterator[str]:
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True:
        yield "pod: may run as root"
    if {security.get("runAsUser"), security.get("runAsGroup")} != {facts.uid}:
        yield f"pod: runs as another user than the image, which is {facts.uid}"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "pod: may make every system call"
    if pod.get("automountServiceAccountToken") is not False:
        yield "pod: is given a token of the cluster's"
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"pod: {name} shares the node's"
    volumes = {one["name"]: one for one in pod.get("volumes", [])}
    for name, volume in volumes.items():
        if "hostPath" in volume:
            yield f"volume {name}: is a folder of the node"
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {name}: can fill the node's disk"
    for container in _containers(pod):
        yield from (f"{container['name']}: {one}" for one in _container(container, volumes))
    (server,) = pod["containers"]
    yield from (f"{server['name']}: {one}" for one in _server(server, pod, facts))


def _container(container: Document, volumes: Mapping[str, Document]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "may gain rights"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "may write to its image"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps rights of root's"
    resources = container.get("resources", {})
    for name in ("cpu", "memory"):
        limit = resources.get("limits", {}).get(name)
        request = resources.get("requests", {}).get(name)
        if limit is None or request is None:
            yield f"does not say how much {name} it needs, and may take at most"
        elif quantity(request) > quantity(limit):
            yield f"requests more {name} than it may take"
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"mounts {mount['name']}, which is no volume"
        elif "secret" in volumes[mount["name"]] and not mount.get("readOnly"):
            yield f"mounts the secret {mount['name']} to write"
    for variable in container.get("env", []):
        if "value" in variable and re.search(r"(?i)key|token|secret|password", variable["name"]):
            yield f"has {variable['name']} written out"


def _server(server: Document, pod: Document, facts: Facts) -> Iterator[str]:
    ports = {one["name"]: one["containerPort"] for one in server["ports"]}
    if facts.port not in ports.values():
        yield f"does not name the port {facts.port}, at which the image listens"
    probes = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    for name, path in probes.items():
        asked = server.get(name, {}).get("httpGet", {})
        if asked.get("path") != path or path not in facts.paths:
            yield f"{name}: does not ask {path}"
        if asked.get("port") not in ports:
            yield f"{name}: asks a port that is not there"
    writable = {mount["mountPath"] for mount in server["volumeMounts"] if not mount.get("readOnly")}
    if writable != facts.writes:
        yield f"may write to {sorted(writable)}, and writes to {sorted(facts.writes)}"
    sleep = server.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    if sleep[:1] != ["sleep"]:
        yield "is told to stop before the load balancer knows it"
    elif pod.get("terminationGracePeriodSeconds", 30) < int(sleep[1]) + facts.stop_seconds:
        yield f"is killed before its {facts.stop_seconds:g} s to stop are over"


def _network(policy: Document) -> Iterator[str]:
    if set(policy.get("policyTypes", [])) != {"Ingress", "Egress"}:
        yield "NetworkPolicy: leaves a direction open"
    if policy.get("egress"):
        yield "NetworkPolicy: lets the service call others"
    for rule in policy.get("ingress", []):
        if not rule.get("ports"):
            yield "NetworkPolicy: lets callers in at every port"
        if not rule.get("from") or not all(one.get("podSelector") for one in rule["from"]):
            yield "NetworkPolicy: lets in whole namespaces"


def _scaling(by_kind: Mapping[str, Document]) -> Iterator[str]:
    scaler = by_kind["HorizontalPodAutoscaler"]["spec"]
    if "replicas" in by_kind["Deployment"]["spec"]:
        yield "Deployment: sets the number of replicas, which the autoscaler does"
    if not 1 <= scaler["minReplicas"] < scaler["maxReplicas"]:
        yield "HorizontalPodAutoscaler: cannot scale"
    budget = by_kind["PodDisruptionBudget"]["spec"]
    if budget.get("minAvailable", 0) >= scaler["minReplicas"] or budget.get("maxUnavailable") == 0:
        yield "PodDisruptionBudget: lets no node be emptied"
    rolling = by_kind["Deployment"]["spec"]["strategy"].get("rollingUpdate", {})
    if rolling.get("maxUnavailable") != 0:
        yield "Deployment: takes an old one away before the new one is ready"
