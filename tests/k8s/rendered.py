"""The overlays as the renderer gives them, and what of them runs."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
KUBECTL = K8S / "renderer/node_modules/kubectl/kubectl"
EXTERNAL_SECRETS = "examples/external-secrets"
SHARDS = "examples/shards"
OVERLAYS = (
    "overlays/devnet",
    "overlays/testnet",
    "overlays/mainnet",
    EXTERNAL_SECRETS,
    SHARDS,
)

Object = dict[str, Any]


@cache
def objects(place: str) -> tuple[Object, ...]:
    """Every object of a kustomization."""
    assert KUBECTL.exists(), "make k8s/renderer/node_modules/ready"
    done = subprocess.run(
        [KUBECTL, "kustomize", K8S / place], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(place: str, *kinds: str) -> list[Object]:
    return [each for each in objects(place) if each["kind"] in kinds]


def named(place: str, kind: str, name: str) -> Object:
    (found,) = [each for each in of_kind(place, kind) if each["metadata"]["name"] == name]
    return found


def pods(place: str) -> Iterator[tuple[str, Object]]:
    """The pod template of everything that runs, by name."""
    for each in objects(place):
        match each["kind"]:
            case "Deployment":
                yield each["metadata"]["name"], each["spec"]["template"]
            case "CronJob":
                yield each["metadata"]["name"], each["spec"]["jobTemplate"]["spec"]["template"]
            case _:
                pass


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def config_map(place: str, prefix: str) -> Object:
    """The generated ConfigMap of that name, whose hash stands behind it."""
    found = [
        each
        for each in of_kind(place, "ConfigMap")
        if each["metadata"]["name"].startswith(f"{prefix}-")
    ]
    (one,) = found
    return one
