"""The two helpers beside the manifests: a command as a Job, and a devnet for a cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.settings import load
from tests.k8s.rendered import K8S, KUBECTL, ROOT, named

FAKE = """#!/usr/bin/env bash
# kubectl without a cluster: it has the CronJob, notes what is created, and patches for real
case "$*" in
  *"create job"*) name=$5; python3 "$HERE/job.py" "$name" ;;
  patch*) exec "$REAL" "$@" ;;
  *"create -f -"*) cat > "$HERE/created.json" ;;
  *) echo "$*" >> "$HERE/asked" ;;
esac
"""
MAKE_JOB = """import json, os, sys
cronjob = json.load(open(os.environ["HERE"] + "/cronjob.json"))
spec = cronjob["spec"]["jobTemplate"]["spec"]
meta = {"name": sys.argv[1]}
print(json.dumps({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}))
"""


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """Variables under which kubectl is the fake one."""
    (tmp_path / "cronjob.json").write_text(
        json.dumps(named("overlays/mainnet", "CronJob", "one-shot"))
    )
    (tmp_path / "job.py").write_text(MAKE_JOB)
    fake = tmp_path / "kubectl"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HERE": str(tmp_path), "REAL": str(KUBECTL)}


def test_one_shot__a_command__becomes_a_job_of_the_suspended_pattern(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    words = ["megatao-mainnet", "liquidate", "--all", "--yes"]
    subprocess.run([K8S / "one-shot", *words], env=cluster, check=True, capture_output=True)

    job = json.loads((tmp_path / "created.json").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert job["kind"] == "Job"
    assert [*container["command"], *container["args"]] == [
        *("/usr/bin/tini", "--", "keepers"),
        *words[1:],
    ]
    assert container["env"][0]["name"] == "KEEPERS_KEYS__OPERATOR__PRIVATE_KEY_FILE"
    assert f"logs --follow job/{job['metadata']['name']}" in (tmp_path / "asked").read_text()


def test_one_shot__of_the_pattern_of_backups__has_them_and_no_key(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "cronjob.json").write_text(
        json.dumps(named("overlays/mainnet", "CronJob", "backup"))
    )
    words = ["megatao-mainnet", "store", "restore", "/var/backups/keepers/x.sqlite3", "--yes"]
    environment = {**cluster, "PATTERN": "backup"}
    subprocess.run([K8S / "one-shot", *words], env=environment, check=True, capture_output=True)

    job = json.loads((tmp_path / "created.json").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == words[1:]
    assert "env" not in container
    assert "/var/backups/keepers" in [each["mountPath"] for each in container["volumeMounts"]]


def test_one_shot__without_a_command__says_how(cluster: dict[str, str]) -> None:
    done = subprocess.run(
        [K8S / "one-shot"], env=cluster, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "k8s/one-shot NAMESPACE COMMAND" in done.stderr


DEVNET = """
[network]
name = "devnet"
kind = "devnet"
chain_id = 964
[evm]
endpoints = [{operator = "devnet", url = "http://127.0.0.1:40001"}]
ws_url = "ws://127.0.0.1:40001"
[subtensor]
endpoints = [{operator = "devnet", url = "ws://127.0.0.1:40002"}]
genesis = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"
[contracts]
exchange = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
price_feed = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
keeper_router = "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"
[contracts.code_hashes]
exchange = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"
[[markets]]
netuid = 64
symbol = "CHUTES"
registered_at = 4999000
"""


def test_devnet__settings_of_one_that_is_up__complete_the_overlay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = tmp_path / "devnet.network.toml"
    up.write_text(DEVNET)
    done = subprocess.run(
        [sys.executable, K8S / "devnet_settings.py", up, "devnet.example"],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)
    settings = load(ROOT / "config/networks/devnet.toml")

    assert settings.evm.endpoints[0].url == "http://devnet.example:8545"
    assert settings.subtensor.endpoints[0].url == "ws://devnet.example:9944"
    assert settings.markets[0].registered_at == 4999000
    assert settings.contracts.code_hashes.exchange is not None
    assert "TCP-LISTEN:8545,fork,reuseaddr TCP:127.0.0.1:40001" in done.stderr


def test_devnet__its_policy__lets_the_relays_through() -> None:
    spec = named("overlays/devnet", "NetworkPolicy", "chain")["spec"]
    ports = {each["port"] for rule in spec["egress"] for each in rule["ports"]}
    assert ports == {8545, 9944}
