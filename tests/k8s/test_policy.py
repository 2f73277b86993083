"""No manifest has what the policy refuses, and the policy refuses it."""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.k8s.policy import complaints
from tests.k8s.rendered import (
    EXTERNAL_SECRETS,
    OVERLAYS,
    SHARDS,
    Object,
    config_map,
    named,
    of_kind,
    pods,
)

MAINNET = "overlays/mainnet"
JOBS = {"doctor", "one-shot", "backup"}
CONTAINER = ("spec", "containers", 0)


@pytest.mark.parametrize("place", OVERLAYS)
def test_pods__of_every_overlay__break_no_rule(place: str) -> None:
    found = {name: complaints(pod, is_daemon=name not in JOBS) for name, pod in pods(place)}

    assert len(found) == (8 if place == SHARDS else 7)
    assert not any(found.values()), found


def at(value: Any, *path: str | int) -> Any:
    for step in path:
        value = value[step]
    return value


BREACHES: dict[str, Callable[[Object], object]] = {
    "privileged": lambda pod: at(pod, *CONTAINER, "securityContext").update(privileged=True),
    "allowPrivilegeEscalation": lambda pod: at(pod, *CONTAINER).pop("securityContext"),
    "readOnlyRootFilesystem": lambda pod: at(pod, *CONTAINER, "securityContext").update(
        readOnlyRootFilesystem=False
    ),
    "capabilities": lambda pod: at(pod, *CONTAINER, "securityContext").update(
        capabilities={"add": ["NET_ADMIN"]}
    ),
    "latest is not pinned": lambda pod: at(pod, *CONTAINER).update(image="keepers:latest"),
    "image keepers is not pinned": lambda pod: at(pod, *CONTAINER).update(image="keepers"),
    "no limits of memory": lambda pod: at(pod, *CONTAINER, "resources", "limits").pop("memory"),
    "no requests of cpu": lambda pod: at(pod, *CONTAINER, "resources").pop("requests"),
    "no livenessProbe": lambda pod: at(pod, *CONTAINER).pop("livenessProbe"),
    "no readinessProbe": lambda pod: at(pod, *CONTAINER).pop("readinessProbe"),
    "takes a secret into its environment": lambda pod: at(pod, *CONTAINER, "envFrom").append(
        {"secretRef": {"name": "key-feeder"}}
    ),
    "takes a secret into KEY": lambda pod: at(pod, *CONTAINER, "env").append(
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    ),
    "is a secret in the environment": lambda pod: at(pod, *CONTAINER, "env").append(
        {"name": "PGPASSWORD", "value": "x"}
    ),
    "may run as root": lambda pod: at(pod, "spec", "securityContext").update(runAsUser=0),
    "no seccomp profile": lambda pod: at(pod, "spec", "securityContext").pop("seccompProfile"),
    "gets a token": lambda pod: at(pod, "spec").pop("automountServiceAccountToken"),
    "default service account": lambda pod: at(pod, "spec").pop("serviceAccountName"),
    "host's hostNetwork": lambda pod: at(pod, "spec").update(hostNetwork=True),
    "is a hostPath": lambda pod: at(pod, "spec", "volumes").append(
        {"name": "host", "hostPath": {"path": "/"}}
    ),
    "open to every user": lambda pod: [
        each["secret"].pop("defaultMode") for each in at(pod, "spec", "volumes") if "secret" in each
    ],
    "has no limit": lambda pod: at(pod, "spec", "volumes").append({"name": "x", "emptyDir": {}}),
}


@pytest.mark.parametrize("says", BREACHES)
def test_policy__a_breach__is_refused_by_its_name(says: str) -> None:
    pod = deepcopy(dict(pods(MAINNET))["feeder"])
    BREACHES[says](pod)

    assert any(says in each for each in complaints(pod, is_daemon=True))


@pytest.mark.parametrize("place", OVERLAYS)
def test_namespace__of_an_overlay__is_restricted_and_holds_everything(place: str) -> None:
    (namespace,) = of_kind(place, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    names = {each["metadata"].get("namespace") for each in of_kind(place, "Deployment", "CronJob")}
    assert names == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("place", OVERLAYS)
def test_secrets__of_an_overlay__are_only_named(place: str) -> None:
    assert of_kind(place, "Secret") == []
    settings = config_map(place, "settings")["data"]
    assert not [key for key in settings if re.search(r"(KEY|PASSWORD|TOKEN|DSN)$", key)]


def test_external_secrets__example__has_every_secret_that_is_mounted() -> None:
    mounted = {
        volume["secret"]["secretName"]
        for _, pod in pods(EXTERNAL_SECRETS)
        for volume in pod["spec"]["volumes"]
        if "secret" in volume
    }
    made = {
        each["spec"]["target"]["name"]: {item["secretKey"] for item in each["spec"]["data"]}
        for each in of_kind(EXTERNAL_SECRETS, "ExternalSecret")
    }
    assert made.keys() == mounted
    assert {name for name, keys in made.items() if keys != {"key"}} == {"store", "notify"}


def test_network__first__denies_everything() -> None:
    spec = named(MAINNET, "NetworkPolicy", "deny-all")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_network__no_policy__reaches_the_metadata_service_or_opens_every_port() -> None:
    for policy in of_kind(MAINNET, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []) + policy["spec"].get("ingress", []):
            assert rule["ports"], policy["metadata"]["name"]
            for peer in rule.get("to", []) + rule.get("from", []):
                block = peer.get("ipBlock", {"except": ["169.254.0.0/16"]})
                assert "169.254.0.0/16" in block["except"]


def test_disruption__every_workload__keeps_one_of_two() -> None:
    budgets = {
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: each["spec"]
        for each in of_kind(MAINNET, "PodDisruptionBudget")
    }
    workloads = {each["metadata"]["name"]: each["spec"] for each in of_kind(MAINNET, "Deployment")}
    assert budgets.keys() == workloads.keys()
    assert all(budget["maxUnavailable"] == 1 for budget in budgets.values())
    assert {spec["replicas"] for spec in workloads.values()} == {2}


def keys(place: str) -> dict[str, set[str]]:
    """The Secrets of keys that each pod has."""
    return {
        name: {
            volume["secret"]["secretName"]
            for volume in pod["spec"]["volumes"]
            if volume.get("secret", {}).get("secretName", "").startswith("key-")
        }
        for name, pod in pods(place)
    }


def test_keys__of_every_pod__are_its_own_alone() -> None:
    assert keys(MAINNET) == {
        "feeder": {"key-feeder"},
        "liquidator": {"key-liquidator"},
        "funding": {"key-funding"},
        "warnings": set(),
        "doctor": {"key-operator"},
        "one-shot": {"key-operator"},
        "backup": set(),
    }


def test_shards__of_the_example__have_a_key_and_a_part_each_and_replace_the_whole() -> None:
    whole, found = dict(pods(MAINNET)), dict(pods(SHARDS))
    shards = sorted(found.keys() - whole.keys())
    assert whole.keys() - found.keys() == {"liquidator"}
    for nth, name in enumerate(shards):
        (container,) = found[name]["spec"]["containers"]
        assert container["args"][-1] == f"{nth}/{len(shards)}"
        assert keys(SHARDS)[name] == {f"key-liquidator-{nth}"}
    budgets = {each["metadata"]["name"] for each in of_kind(SHARDS, "PodDisruptionBudget")}
    assert budgets == {"feeder", "funding", "warnings", *shards}
