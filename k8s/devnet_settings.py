"""What the devnet overlay needs to know of a devnet that is up, as lines for its settings.env.

    python k8s/devnet_settings.py build/devnet/devnet.network.toml HOST

HOST is where the cluster reaches the machine of the devnet. A devnet listens on its own machine
only: the relays that make it reachable are told on stderr.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

EVM_PORT, SUBTENSOR_PORT = 8545, 9944
_REQUESTS_PER_SECOND = 200.0


def settings(network: dict[str, Any], host: str) -> Iterator[str]:
    """The lines, for endpoints on `host`."""
    evm, subtensor = f"http://{host}:{EVM_PORT}", f"ws://{host}:{SUBTENSOR_PORT}"
    yield f"KEEPERS_EVM__ENDPOINTS={_endpoint(evm)}"
    yield f"KEEPERS_SUBTENSOR__ENDPOINTS={_endpoint(subtensor)}"
    yield f"KEEPERS_SUBTENSOR__GENESIS={network['subtensor']['genesis']}"
    for name, value in network["contracts"].items():
        if isinstance(value, str):
            yield f"KEEPERS_CONTRACTS__{name.upper()}={value}"
    for name, value in network["contracts"].get("code_hashes", {}).items():
        yield f"KEEPERS_CONTRACTS__CODE_HASHES__{name.upper()}={value}"
    yield f"KEEPERS_MARKETS={json.dumps(network['markets'])}"


def relays(network: dict[str, Any]) -> Iterator[str]:
    """Commands that make the devnet reachable from elsewhere, as long as they run."""
    pairs = ((EVM_PORT, network["evm"]), (SUBTENSOR_PORT, network["subtensor"]))
    for port, section in pairs:
        there = urlsplit(section["endpoints"][0]["url"])
        yield f"socat TCP-LISTEN:{port},fork,reuseaddr TCP:{there.hostname}:{there.port} &"


def _endpoint(url: str) -> str:
    return json.dumps(
        [{"operator": "devnet", "url": url, "requests_per_second": _REQUESTS_PER_SECOND}]
    )


def main() -> None:
    """Reads the file that `keepers devnet up` wrote."""
    file, host = sys.argv[1:]
    network = tomllib.loads(Path(file).read_text())
    sys.stdout.write("".join(f"{line}\n" for line in settings(network, host)))
    sys.stderr.write("".join(f"{line}\n" for line in relays(network)))


if __name__ == "__main__":
    main()
