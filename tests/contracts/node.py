"""A node of its own for the contracts' tests: anvil on a free port, spoken to synchronously.

Nothing costs a fee and any address may send: what is tested is the contracts, not the sending.
"""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devnet.anvil import find_anvil

GENESIS_BLOCK = 5_072_232
GENESIS_TIME = 1_741_305_600
BLOCK_SECONDS = 12
GAS_LIMIT = 75_000_000
READY_SECONDS_MAX = 60.0
PORT_ATTEMPTS = 3


class RpcError(Exception):
    """The node answered with an error; `data` is the revert data, or empty."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message")))
        data = error.get("data")
        self.data = data if isinstance(data, str) else ""


class Node:
    """JSON-RPC over one kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        assert self._connection.sock is not None
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._connection.close()

    def rpc(self, method: str, *params: object) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._connection.request("POST", "/", body, {"content-type": "application/json"})
        reply = json.loads(self._connection.getresponse().read())
        if "error" in reply:
            raise RpcError(reply["error"])
        return reply["result"]

    def snapshot(self) -> str:
        taken: str = self.rpc("evm_snapshot")
        return taken

    def revert(self, snapshot: str) -> None:
        assert self.rpc("evm_revert", snapshot), "the snapshot was already used"


@contextmanager
def running_node() -> Iterator[Node]:
    """Runs anvil for the length of the block; ends it by its pid."""
    process, node = _start()
    try:
        node.rpc("anvil_autoImpersonateAccount", True)
        yield node
        node.close()
    finally:
        _end(process)


def _start() -> tuple[subprocess.Popen[bytes], Node]:
    """Another process may take the free port first, hence several attempts."""
    for _ in range(PORT_ATTEMPTS):
        port = _free_port()
        process = subprocess.Popen(
            [str(find_anvil()), *_arguments(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        node = _ready(process, port)
        if node is not None:
            return process, node
        _end(process)
    raise AssertionError(f"anvil did not answer in {PORT_ATTEMPTS} attempts")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=60)


def _arguments(port: int) -> list[str]:
    options = {
        "--port": port,
        "--chain-id": 964,
        "--number": GENESIS_BLOCK,
        "--timestamp": GENESIS_TIME,
        "--order": "fifo",
        "--gas-limit": GAS_LIMIT,
        "--base-fee": 0,
        "--gas-price": 0,
        "--hardfork": "cancun",
        "--accounts": 1,
    }
    flat = [str(part) for pair in options.items() for part in pair]
    return [*flat, "--no-mining", "--quiet"]


def _ready(process: subprocess.Popen[bytes], port: int) -> Node | None:
    """The node once it answers; None when its process has ended instead, or is too late."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            node = Node(port)
            node.rpc("eth_chainId")
        except OSError:
            time.sleep(0.02)
        else:
            time.sleep(0.02)  # a stranger on our port may have answered
            return node if process.poll() is None else None
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
