"""What no manifest may have, as functions from an object to complaints. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from tests.k8s.rendered import Object, containers

_SECRET_WORDS = re.compile(r"(PASSWORD|TOKEN|PRIVATE_KEY|SECRET|DSN|URLS?)$")
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_VOLUMES = frozenset({"configMap", "secret", "emptyDir", "persistentVolumeClaim"})


def complaints(pod: Object, *, is_daemon: bool) -> list[str]:
    """Everything that is wrong with a pod template, a line each."""
    found = list(_of_pod(pod["spec"]))
    for container in containers(pod):
        found += [f"{container['name']}: {each}" for each in _of_container(container)]
        if is_daemon:
            found += [
                f"{container['name']}: no {each}" for each in _PROBES if each not in container
            ]
    return found


def _of_pod(spec: dict[str, Any]) -> Iterator[str]:
    context = spec.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "may run as root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if spec.get("automountServiceAccountToken") is not False:
        yield "gets a token of the cluster"
    if spec.get("serviceAccountName", "default") == "default":
        yield "runs as the default service account"
    if spec.get("enableServiceLinks") is not False:
        yield "gets variables of services"
    yield from (
        f"shares the host's {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)
    )
    for volume in spec.get("volumes", ()):
        yield from _of_volume(volume)


def _of_volume(volume: dict[str, Any]) -> Iterator[str]:
    kinds = volume.keys() - {"name"}
    if not kinds <= _VOLUMES:
        yield f"volume {volume['name']} is a {', '.join(kinds)}"
    if volume.get("secret", {"defaultMode": 0o440}).get("defaultMode", 0o644) & 0o007:
        yield f"secret {volume['name']} is open to every user"
    if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
        yield f"volume {volume['name']} has no limit"


def _of_container(container: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("privileged"):
        yield "privileged"
    yield from (f"{key} is not {to}" for key, to in _RESTRICTED.items() if context.get(key) != to)
    _, colon, tag = container["image"].rpartition(":")
    if "@sha256:" not in container["image"] and (not colon or tag in {"", "latest"}):
        yield f"image {container['image']} is not pinned"
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        yield from (
            f"no {kind} of {each}"
            for each in ("cpu", "memory")
            if each not in resources.get(kind, {})
        )
    yield from _of_environment(container)


def _of_environment(container: dict[str, Any]) -> Iterator[str]:
    for source in container.get("envFrom", ()):
        if "secretRef" in source:
            yield "takes a secret into its environment"
    for variable in container.get("env", ()):
        if "secretKeyRef" in variable.get("valueFrom", {}):
            yield f"takes a secret into {variable['name']}"
        if "value" in variable and _SECRET_WORDS.search(variable["name"]):
            yield f"{variable['name']} is a secret in the environment"
