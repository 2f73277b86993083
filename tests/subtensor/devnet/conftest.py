"""A stand-in on a loopback socket, and the real substrate-interface client in a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from substrateinterface import SubstrateInterface

from devnet.standin import RuntimeProfile, SubtensorStandIn
from devnet.synthetic_tape import synthetic_tape

SHARED = Path(__file__).parents[4] / "shared" / "data"
START_ROW = 40


@pytest.fixture
async def node() -> AsyncIterator[SubtensorStandIn]:
    """A node of the synthetic runtime in the middle of a synthetic tape."""
    tape = synthetic_tape(1, rows=200)
    start = list(tape.rows())[START_ROW].block
    async with SubtensorStandIn(tape, start=start, turn_s_max=60) as started:
        yield started


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Any]]:
    """Opens real clients and closes them at the end; call it in a thread, it blocks."""
    closing = ExitStack()

    def opened(node: SubtensorStandIn, *, timeout_s: float = 60.0) -> Any:
        client = SubstrateInterface(
            url=node.url, auto_discover=False, ss58_format=42, ws_options={"timeout": timeout_s}
        )
        closing.callback(client.close)
        return client

    yield opened
    await asyncio.to_thread(closing.close)


@pytest.fixture
async def client(node: SubtensorStandIn, connect: Callable[..., Any]) -> Any:
    """A real client of `node`, its runtime decoded."""
    opened = await asyncio.to_thread(connect, node)
    await asyncio.to_thread(opened.init_runtime)
    return opened


def _profile(name: str, *, spec_version: int, has_price_api: bool) -> RuntimeProfile:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is absent")
    return RuntimeProfile.real(
        path.read_bytes(), spec_version=spec_version, has_price_api=has_price_api
    )


@pytest.fixture
def finney_343() -> RuntimeProfile:
    """Mainnet's runtime of 2025, before the price API."""
    return _profile("finney-343-v14.scale", spec_version=343, has_price_api=False)


@pytest.fixture
def finney_424() -> RuntimeProfile:
    """Mainnet's runtime of 2026, with it."""
    return _profile("finney-424-v14-derived.scale", spec_version=424, has_price_api=True)
