"""The checks of the Kubernetes manifests: what a cluster would do, in situations that are drawn."""

import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds
from lmcourse.checks.pipelines.drawing import LESSON, once
from lmcourse.checks.pipelines.manifests import (
    Manifests,
    Odd,
    amount,
    at,
    read,
    share_of,
    the,
    whole,
)

Look = Callable[[Manifests], str]


def container(manifests: Manifests) -> dict[str, Any]:
    """Return the one container of the pods."""
    several = at(the(manifests, "Deployment"), "spec.template.spec.containers")
    if not isinstance(several, list) or len(several) != 1 or not isinstance(several[0], dict):
        raise Odd("spec.template.spec.containers is a list of one container")
    return several[0]


def pods(manifests: Manifests) -> int:
    """Return how many pods there are when nothing is to be done: the autoscaler decides that."""
    scaler = manifests.get("HorizontalPodAutoscaler")
    path, of = "spec.minReplicas", scaler
    if scaler is None:
        path, of = "spec.replicas", the(manifests, "Deployment")
    count = at(of, path)
    return 1 if count is None else whole(count, path.removeprefix("spec."))


def selects(labels: Any, manifests: Manifests, what: str) -> None:
    """Raise if `labels` do not choose the deployment's pods."""
    own = at(the(manifests, "Deployment"), "spec.template.metadata.labels")
    if not isinstance(labels, dict) or not labels or not isinstance(own, dict):
        raise Odd(f"{what} has no labels to choose pods by, or the pods have none")
    if not labels.items() <= own.items():
        raise Odd(f"{what} chooses pods with {labels}, and the pods have {own}")


def port_of(port: Any, manifests: Manifests, what: str) -> None:
    """Raise if the container does not listen at `port`, a number or the name of one."""
    several = container(manifests).get("ports")
    ports = [each for each in several or [] if isinstance(each, dict)]
    known = [each.get("containerPort") for each in ports] + [each.get("name") for each in ports]
    if port is None or port not in known:
        raise Odd(f"{what} asks at port {port!r}, and the container listens at {known[:1]}")


def probe_of(name: str, manifests: Manifests) -> dict[str, Any]:
    probe = container(manifests).get(name)
    if not isinstance(probe, dict):
        raise Odd(f"there is no {name}")
    get = probe.get("httpGet")
    if not isinstance(get, dict):
        raise Odd(f"{name} has no httpGet")
    if get.get("path") != "/health":
        raise Odd(f"{name} asks for {get.get('path')!r}, and the service answers at /health")
    port_of(get.get("port"), manifests, name)
    return probe


def reached(manifests: Manifests) -> str:
    service, deployment = the(manifests, "Service"), the(manifests, "Deployment")
    selects(at(deployment, "spec.selector.matchLabels"), manifests, "the Deployment")
    selects(at(service, "spec.selector"), manifests, "the Service")
    ports = at(service, "spec.ports")
    if not isinstance(ports, list) or not ports or not isinstance(ports[0], dict):
        return "the Service has no ports"
    port_of(ports[0].get("targetPort", ports[0].get("port")), manifests, "the Service")
    return ""


def same_image(manifests: Manifests) -> str:
    image = container(manifests).get("image")
    if not isinstance(image, str):
        return "the container has no image"
    tag = image.rpartition("/")[2].partition(":")[2]
    if "@sha256:" not in image and (not re.search(r"\d", tag) or tag == "latest"):
        return f"{image} may be another image on the next node"
    return ""


def hangs(manifests: Manifests) -> str:
    probe_of("livenessProbe", manifests)
    return ""


def loads(seconds: int) -> Look:
    """Return the look at a pod that reads its model for so many seconds before it answers."""

    def look(manifests: Manifests) -> str:
        probe_of("readinessProbe", manifests)
        live = probe_of("livenessProbe", manifests)
        patience = _patience(live)
        if "startupProbe" in container(manifests):
            patience = _patience(probe_of("startupProbe", manifests))
        if patience < seconds:
            return f"after {patience} s it is killed, before it has read its model; and again"
        return ""

    return look


def _patience(probe: dict[str, Any]) -> int:
    """Return after how many seconds without an answer the probe gives up."""
    defaults = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3}
    delay, period, times = (whole(probe.get(n, d), n) for n, d in defaults.items())
    return delay + period * times


def leaks(manifests: Manifests) -> str:
    resources = container(manifests).get("resources")
    limit = amount(at(resources, "limits.memory"), "limits.memory")
    wanted = amount(at(resources, "requests.memory"), "requests.memory")
    cpu = amount(at(resources, "requests.cpu"), "requests.cpu")
    if (most := at(resources, "limits.cpu")) is not None and amount(most, "limits.cpu") < cpu:
        return "it asks for more cpu than it may have: no pod starts"
    if wanted < 64 * 2**20:
        return (
            f"requests.memory is {wanted / 2**20:.3g} MiB: it is put where the model does not fit "
            "(64Mi is 64 MiB; 64m is 64 thousandths of a byte)"
        )
    if wanted > limit:
        return "it asks for more memory than it may have: no pod starts"
    if limit < 64 * 2**20:
        return f"limits.memory is {limit / 2**20:.3g} MiB: the model does not fit"
    return ""


def no_root(manifests: Manifests) -> str:
    own = container(manifests).get("securityContext") or {}
    of_pod = at(the(manifests, "Deployment"), "spec.template.spec.securityContext") or {}
    if not isinstance(own, dict) or not isinstance(of_pod, dict):
        return "a securityContext is a mapping"
    both = {**of_pod, **own}
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        return "runAsNonRoot is not true: an image that runs as root starts"
    if own.get("allowPrivilegeEscalation") is not False:
        return "allowPrivilegeEscalation is not false: by sudo and its like it becomes root"
    if own.get("readOnlyRootFilesystem") is not True:
        return "readOnlyRootFilesystem is not true: whoever gets in can change the program"
    if own.get("privileged") not in (None, False):
        return "privileged is true: whoever gets in owns the machine"
    if at(own, "capabilities.add") not in (None, [], ["NET_BIND_SERVICE"]):
        return f"capabilities: add gives back {own['capabilities']['add']}: no service needs them"
    if at(own, "capabilities.drop") != ["ALL"]:
        return "capabilities: drop is not [ALL]: it keeps rights that no service needs"
    return ""


def autoscaled(current: int, load: int) -> Look:
    """Return the look at the autoscaler when a pod works at `load` times what it should."""

    def look(manifests: Manifests) -> str:
        scaler = the(manifests, "HorizontalPodAutoscaler")
        target = at(scaler, "spec.scaleTargetRef") or {}
        name = at(the(manifests, "Deployment"), "metadata.name")
        if (target.get("kind"), target.get("name")) != ("Deployment", name):
            return f"it scales {target.get('kind')} {target.get('name')}, not Deployment {name}"
        metrics = at(scaler, "spec.metrics")
        metric = metrics[0] if isinstance(metrics, list) and metrics else None
        if at(metric, "resource.name") != "cpu":
            return "spec.metrics does not begin with the resource cpu"
        goal = whole(at(metric, "resource.target.averageUtilization"), "averageUtilization")
        amount(at(container(manifests).get("resources"), "requests.cpu"), "requests.cpu")
        if not 0 < goal < 100:
            return f"averageUtilization {goal} is reached when it is too late, or never"
        most = whole(at(scaler, "spec.maxReplicas"), "maxReplicas")
        least = whole(at(scaler, "spec.minReplicas") or 1, "minReplicas")
        wanted = max(least, min(most, math.ceil(current * load)))  # load: measured over wanted
        if wanted <= current:
            return f"{current} pods work at {load} times their load, and it leaves {wanted}"
        return ""

    return look


def floor_of_pods(manifests: Manifests) -> str:
    least = at(the(manifests, "HorizontalPodAutoscaler"), "spec.minReplicas")
    count = 1 if least is None else whole(least, "minReplicas")
    if count < 2:
        return f"the autoscaler leaves {count} pod at night: when it goes, nobody answers"
    return ""


def drained(manifests: Manifests) -> str:
    budget = the(manifests, "PodDisruptionBudget")
    selects(at(budget, "spec.selector.matchLabels"), manifests, "the PodDisruptionBudget")
    count = pods(manifests)
    least, most = at(budget, "spec.minAvailable"), at(budget, "spec.maxUnavailable")
    if (least is None) == (most is None):
        return "it has one of minAvailable and maxUnavailable"
    if least is not None:
        may_go = count - share_of(least, count, "minAvailable", round_up=True)
    else:
        may_go = share_of(most, count, "maxUnavailable", round_up=True)
    if may_go < 1:
        return f"of {count} pods none may go: the node waits forever, and is never mended"
    if may_go >= count:
        return f"all {count} pods may go at once"
    return ""


def updated(manifests: Manifests) -> str:
    count = pods(manifests)
    strategy = at(the(manifests, "Deployment"), "spec.strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return f"{strategy['type']}: all stop before the first new one starts"
    rolling = strategy.get("rollingUpdate") or {}
    gone = share_of(rolling.get("maxUnavailable", "25%"), count, "maxUnavailable", round_up=False)
    more = share_of(rolling.get("maxSurge", "25%"), count, "maxSurge", round_up=True)
    if gone > 0:
        return f"{gone} of {count} pods are missing meanwhile"
    if more < 1:
        return "no pod may go and none may come: it never begins"
    return ""


@exercise(LESSON, "MANIFESTS", points=3, constant=True)
def manifests(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    text = once(student, "MANIFESTS")

    @cache
    def resources() -> Manifests | Odd:
        try:
            return read(text())
        except Odd as problem:
            return problem

    def situation(name: str, want: str, look: Look, hint: str) -> Case:
        def seen() -> str:
            found = resources()
            if isinstance(found, Odd):
                return str(found)
            try:
                container(found)  # without one nothing is right, whatever else is said
                return look(found)
            except Odd as problem:
                return str(problem)
            except AttributeError:  # a list, or a text, where a mapping should stand
                return "a part of it is not a mapping where one is wanted"

        return holds(name, want, seen, hint=hint)

    yield situation(
        "a request comes in",
        "the Service finds the pods, at their port",
        reached,
        "The same labels at three places: the Service's selector, the Deployment's "
        "selector.matchLabels, and its template's labels; targetPort is the containerPort.",
    )
    yield situation(
        "a second pod is started on another node",
        "it is the same image",
        same_image,
        "image: with a version, such as model:1.4.2, or a digest; latest is another one tomorrow.",
    )
    yield situation(
        "a pod hangs",
        "it is started again",
        hangs,
        "livenessProbe with httpGet: path /health, and the container's port.",
    )
    yield situation(
        "a pod is started, and reads its model for a while",
        "no request goes there, and it is given the time",
        loads(int(rng.integers(35, 60))),
        "readinessProbe decides who gets requests. And the time to start: a startupProbe with "
        "periodSeconds times failureThreshold of 60 s or more, or initialDelaySeconds.",
    )
    yield situation(
        "a pod takes more and more memory",
        "it ends before the node does",
        leaks,
        "resources: requests (cpu and memory) are what it is promised, limits (memory) what it "
        "may take at most: 512Mi, 1Gi. cpu is counted in cores, 500m is half of one.",
    )
    yield situation(
        "somebody breaks into a pod",
        "there is little to be had",
        no_root,
        "securityContext of the container: runAsNonRoot: true, allowPrivilegeEscalation: false, "
        "readOnlyRootFilesystem: true, capabilities: drop: [ALL]; and nothing given back, neither "
        "by privileged nor by add.",
    )
    pods_now, load = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    yield situation(
        "several times as many requests",
        "more pods",
        autoscaled(pods_now, load),
        "HorizontalPodAutoscaler: scaleTargetRef names the Deployment; a metric of type Resource "
        "for cpu with averageUtilization such as 70; maxReplicas well above minReplicas. "
        "Utilisation is a share of requests.cpu.",
    )
    yield situation(
        "four in the morning: hardly a request, and one pod ends",
        "another one answers",
        floor_of_pods,
        "minReplicas of 2 or more; without it it is 1. replicas only says how many there are until "
        "the autoscaler decides.",
    )
    yield situation(
        "a node is emptied to be mended",
        "some pods go, and not all at once",
        drained,
        "PodDisruptionBudget: the pods' labels, and maxUnavailable: 1, or minAvailable below the "
        "number of pods.",
    )
    yield situation(
        "a new version is rolled out",
        "never fewer pods than before",
        updated,
        "strategy: rollingUpdate with maxUnavailable: 0 and maxSurge: 1.",
    )
