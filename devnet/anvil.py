"""The node process: anvil as chain 964, started on a free port and ended by its pid.

Knows how anvil is found, started and told apart from a dead one; nothing of what is deployed on it.
The figures it imitates are those of docs on chain 964: gas limit, base fee, order of arrival,
`finalized` two blocks behind, state of old blocks gone.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import aiohttp

from devnet.base_fee import BASE_FEE_FLOOR, GAS_LIMIT
from devnet.rpc import NodeClient, NodeGoneError
from units import BlockNumber, Timestamp

CHAIN_ID = 964
STATE_BLOCKS_KEPT = 310
"""Public nodes keep about 300 blocks of state; older calls fail here as they do there."""

_READY_SECONDS_MAX = 60.0
_POLL_SECONDS = 0.02
_STOP_SECONDS_MAX = 20.0
_PORT_ATTEMPTS = 5
_PORT_TAKEN = "Address already in use"
_TETHER = Path(__file__).parent / "tether.py"
_NODE_MODULES = Path(__file__).parent / "node" / "node_modules" / "@foundry-rs"


class AnvilError(Exception):
    """anvil could not be found or started, or died; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """Where the chain begins."""

    block: BlockNumber
    time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Anvil:
    """A node that answers. HTTP and WebSocket share the port."""

    pid: int
    port: int

    @property
    def rpc_url(self) -> str:
        """Where it takes JSON-RPC over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Where it takes JSON-RPC and subscriptions over WebSocket."""
        return f"ws://127.0.0.1:{self.port}"


def find_anvil() -> Path:
    """The anvil of PATH, else the one that npm put beside this module.

    Raises:
        AnvilError: there is neither.
    """
    on_path = shutil.which("anvil")
    if on_path is not None:
        return Path(on_path)
    for binary in sorted(_NODE_MODULES.glob("anvil-*/bin/anvil*")):
        return binary
    raise AnvilError("anvil is neither on PATH nor in devnet/node: run `npm ci` there")


@contextlib.asynccontextmanager
async def running_anvil(genesis: Genesis) -> AsyncIterator[Anvil]:
    """Runs anvil for the length of the block.

    Raises:
        AnvilError: it is not installed, or ended before it answered; its own words are included.
    """
    binary = find_anvil()
    with TemporaryFile() as stderr:
        process, port = await _start(binary, genesis, stderr)
        try:
            yield Anvil(pid=process.pid, port=port)
        finally:
            await _stop(process)


async def _start(
    binary: Path, genesis: Genesis, stderr: IO[bytes]
) -> tuple[asyncio.subprocess.Process, int]:
    """Another process may take the free port first, hence several attempts."""
    for _ in range(_PORT_ATTEMPTS):
        port = _free_port()
        process = await asyncio.create_subprocess_exec(
            *_tethered(binary),
            *_arguments(genesis, port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,  # Ctrl-C reaches the world first, which then stops its node
        )
        if await _answers(process, port):
            return process, port
        words = _words(stderr)
        if _PORT_TAKEN not in words:
            raise AnvilError(f"anvil did not start: {words or 'it said nothing'}")
    raise AnvilError(f"anvil found no free port in {_PORT_ATTEMPTS} attempts")


def _tethered(binary: Path) -> list[str]:
    """The program, under its own pid, and gone with this process whatever ends it."""
    return [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), "-", str(binary)]


def _arguments(genesis: Genesis, port: int) -> list[str]:
    options = {
        "--port": port,
        "--chain-id": CHAIN_ID,
        "--number": genesis.block,
        "--timestamp": genesis.time,
        "--order": "fifo",
        "--gas-limit": GAS_LIMIT,
        "--base-fee": BASE_FEE_FLOOR,
        "--slots-in-an-epoch": 1,
        "--prune-history": STATE_BLOCKS_KEPT,
        "--hardfork": "cancun",
        "--accounts": 1,
        "--balance": 10_000_000,
    }
    flat = [str(part) for pair in options.items() for part in pair]
    return [*flat, "--no-mining", "--quiet"]


async def _answers(process: asyncio.subprocess.Process, port: int) -> bool:
    """Polls until the node answers (True) or its process ends (False)."""
    try:
        async with asyncio.timeout(_READY_SECONDS_MAX), aiohttp.ClientSession() as session:
            node = NodeClient(session=session, url=f"http://127.0.0.1:{port}")
            while process.returncode is None:
                with contextlib.suppress(NodeGoneError):
                    await node.call("eth_chainId")
                    await asyncio.sleep(_POLL_SECONDS)  # a stranger on our port may have answered
                    return process.returncode is None
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        await _stop(process)
        raise AnvilError(f"anvil did not answer within {_READY_SECONDS_MAX:.0f} s") from None
    return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _words(stderr: IO[bytes]) -> str:
    """What anvil said on stderr, as one line."""
    stderr.seek(0)
    return " ".join(stderr.read().decode(errors="replace").split())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
