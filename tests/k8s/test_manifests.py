"""Every overlay renders, and every object is what the cluster takes, to the last key."""

import json
import os
import shlex
import tomllib
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from typer.core import TyperCommand
from typer.testing import CliRunner

from fleet.cli.main import app
from fleet.settings import Settings, load
from fleet.settings.problems import SettingsError
from fleet.settings.process import RuntimeSettings
from tests.k8s.rendered import (
    K8S,
    OVERLAYS,
    ROOT,
    Object,
    config_map,
    containers,
    named,
    objects,
    of_kind,
    pods,
)

VERSIONS = ("1.31", "1.34")
"""The oldest and the newest Kubernetes that the manifests are written for."""

SCHEMAS = {file.stem: json.loads(file.read_text()) for file in (K8S / "schemas").glob("*.json")}
MAINNET = "overlays/mainnet"


def validate(thing: Object, version: str) -> None:
    """Raises jsonschema.ValidationError for a key too many or a value that does not fit."""
    schema = SCHEMAS.get(thing["kind"].lower())
    if schema is None:
        kubernetes_validate.validate(thing, version, strict=True)
    else:
        jsonschema.validate(thing, schema)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", OVERLAYS)
def test_objects__of_every_overlay__validate_strictly(place: str, version: str) -> None:
    assert len(objects(place)) > 20
    for each in objects(place):
        validate(each, version)


@pytest.mark.parametrize("kind", ["Deployment", "PrometheusRule", "ServiceMonitor"])
def test_validation__a_key_that_does_not_exist__is_refused(kind: str) -> None:
    broken = json.loads(json.dumps(of_kind(MAINNET, kind)[0]))
    broken["spec"]["replica"] = 1
    with pytest.raises(jsonschema.ValidationError):
        validate(broken, VERSIONS[-1])


def test_schemas__each__belongs_to_an_object() -> None:
    kinds = {each["kind"].lower() for place in OVERLAYS for each in objects(place)}
    assert SCHEMAS.keys() <= kinds


def test_images__of_every_pod__are_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = {each["image"] for _, pod in pods(MAINNET) for each in containers(pod)}
    assert images == {f"megatao-keepers:{version}"}


@pytest.mark.parametrize("place", OVERLAYS)
def test_arguments__of_every_container__are_a_command(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TyperCommand, "invoke", lambda *_: None, raising=False)
    for name, pod in pods(place):
        for container in containers(pod):
            words = container["args"]
            if "command" in container:  # a shell, which calls the command with a name it makes up
                (line,) = [each for each in words[0].splitlines() if each.startswith("keepers")]
                words = shlex.split(line)[1:]
            ended = CliRunner().invoke(app, words)
            assert ended.exit_code == 0, f"{name}: {ended.output}"


def environment(place: str, pod: Object) -> dict[str, str]:
    """The variables of a pod's container."""
    (container,) = containers(pod)
    settings = config_map(place, "settings")
    names = [each["configMapRef"]["name"] for each in container["envFrom"]]
    assert names == [settings["metadata"]["name"]]
    own = {each["name"]: each["value"] for each in container.get("env", ())}
    return {**settings["data"], **own}


def configured(place: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What a workload's process would read; raises SettingsError as it would end."""
    pod = dict(pods(place))[name]
    for variable in [each for each in os.environ if each.startswith("KEEPERS_")]:
        monkeypatch.delenv(variable)
    variables = environment(place, pod)
    assert variables.pop("KEEPERS_CONFIG_FILE") == "/etc/keepers/network.toml"
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] == "config"]
    (item,) = volume["configMap"]["items"]
    assert item["path"] == "network.toml"
    file = folder / "network.toml"
    file.write_text(config_map(place, "networks")["data"][item["key"]])
    return load(file)


@pytest.mark.parametrize("name", ["feeder", "liquidator", "funding", "one-shot"])
def test_settings__on_mainnet__have_the_key_of_the_workload_and_a_shared_store(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configured(MAINNET, name, tmp_path, monkeypatch)

    assert settings.network.name == "mainnet"
    workloads = [key for key, found in settings.keys if found is not None]
    assert workloads == [{"one-shot": "operator"}.get(name, name)]
    assert settings.store.url_file == Path("/run/secrets/store/url")


def test_settings__of_warnings__have_no_key_and_know_whom_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configured(MAINNET, "warnings", tmp_path, monkeypatch)
    assert [key for key, found in settings.keys if found is not None] == []
    assert settings.telemetry.notify_urls_file == Path("/run/secrets/notify/urls")


@pytest.mark.parametrize(
    ("place", "missing"),
    [
        ("overlays/testnet", {"contracts", "markets"}),
        (
            "overlays/devnet",
            {
                "evm.endpoints",
                "subtensor.endpoints",
                "subtensor.genesis",
                "contracts",
                "markets",
            },
        ),
    ],
)
def test_settings__of_a_network_without_an_exchange__name_all_that_the_operator_adds(
    place: str, missing: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as refusal:
        configured(place, "feeder", tmp_path, monkeypatch)
    assert {problem.where.rpartition(": ")[2] for problem in refusal.value.problems} == missing


@pytest.mark.parametrize("place", OVERLAYS)
def test_files__that_settings_name__are_mounted(place: str) -> None:
    for name, pod in pods(place):
        (container,) = containers(pod)
        mounts = [each["mountPath"] for each in container["volumeMounts"]]
        files = [v for k, v in environment(place, pod).items() if k.endswith("_FILE")]
        for file in files:
            assert any(file.startswith(f"{mount}/") for mount in mounts), f"{name}: {file}"


def test_grace__of_every_pod__is_longer_than_the_drain() -> None:
    drain_s = int(config_map(MAINNET, "settings")["data"]["KEEPERS_RUNTIME__GRACE_S"])
    assert drain_s == RuntimeSettings().grace_s
    for name, pod in pods(MAINNET):
        assert pod["spec"]["terminationGracePeriodSeconds"] >= drain_s + 15, name


def test_probes__of_a_workload__ask_the_port_that_it_listens_on() -> None:
    port = config_map(MAINNET, "settings")["data"]["KEEPERS_TELEMETRY__LISTEN"].rpartition(":")[2]
    for deployment in of_kind(MAINNET, "Deployment"):
        (container,) = containers(deployment["spec"]["template"])
        assert container["ports"] == [{"name": "telemetry", "containerPort": int(port)}]
        paths = {
            probe: container[f"{probe}Probe"]["httpGet"]
            for probe in ("startup", "liveness", "readiness")
        }
        assert {each["port"] for each in paths.values()} == {"telemetry"}
        assert paths["liveness"]["path"] == paths["startup"]["path"] == "/live"
        assert paths["readiness"]["path"] == "/ready"


def test_monitoring__selects_the_pods_that_serve_and_is_let_in() -> None:
    service = named(MAINNET, "Service", "telemetry")
    policy = named(MAINNET, "NetworkPolicy", "telemetry")
    monitor = named(MAINNET, "ServiceMonitor", "keepers")
    selected = policy["spec"]["podSelector"]["matchLabels"]
    for deployment in of_kind(MAINNET, "Deployment"):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert selected.items() <= labels.items()
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()


def test_rules__in_the_cluster__are_the_plain_ones() -> None:
    rules = named(MAINNET, "PrometheusRule", "keepers")["spec"]
    assert rules == yaml.safe_load((ROOT / "monitoring/prometheus-rules.yaml").read_text())
