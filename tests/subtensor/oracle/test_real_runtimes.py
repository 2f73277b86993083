"""The metadata of mainnet, and the upgrade from one runtime to the next under a running client."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devnet.standin import RuntimeProfile, SubtensorStandIn
from oracle.aggregation import aggregate
from oracle.quotes import Price, Reading
from oracle.sources.policy import SourcePolicy
from oracle.sources.runtime import StorageLayout, decode_layout
from tests.subtensor.oracle.nodes import nodes_of, quorum_of
from tests.subtensor.oracle.test_subtensor import (
    OTHER,
    SN,
    START,
    endpoint,
    head_of,
    made_up,
    pins,
)
from units import BlockNumber

pytestmark = [pytest.mark.subtensor, pytest.mark.shared]

DATA = Path(__file__).parents[4] / "shared/data"
OLD, NEW = "finney-343-v14.scale", "finney-424-v14-derived.scale"


def profile(name: str, *, has_price_api: bool) -> RuntimeProfile:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the metadata of mainnet is not there: {path}")
    spec_version = int(name.split("-")[1])
    return RuntimeProfile.real(
        path.read_bytes(), spec_version=spec_version, has_price_api=has_price_api
    )


@pytest.mark.parametrize("name", [OLD, NEW])
async def test_decode_layout__a_runtime_of_mainnet__stores_identities_as_is_known(
    name: str,
) -> None:
    metadata = profile(name, has_price_api=True).metadata
    layout = await decode_layout(1, "0x" + metadata.hex())
    assert isinstance(layout, StorageLayout)
    sizes = {item: layout.items[item].size for item in layout.items}
    assert sizes == {
        "NetworksAdded": 1,
        "NetworkRegisteredAt": 8,
        "SubnetMechanism": 2,
        "SubnetTAO": 8,
        "SubnetAlphaIn": 8,
    }


async def test_read__upgraded_under_load__prices_never_stop_and_identities_come_back() -> None:
    old, new = profile(OLD, has_price_api=False), profile(NEW, has_price_api=True)
    slowest, without_identity, laggard = 0.0, 0, 0.0
    async with (
        SubtensorStandIn(made_up(2_000), start=START, runtime=old) as node,
        endpoint(node) as source,
    ):
        node.upgrade_at(BlockNumber(START + 10), new)
        said = await source.read(head_of(node, START))
        assert isinstance(said, Reading)
        assert said.prices is None
        assert said.block.spec_version == 343
        assert said.identities is not None

        async def lag() -> None:
            nonlocal laggard
            while True:
                began = time.monotonic()
                await asyncio.sleep(0.005)
                laggard = max(laggard, time.monotonic() - began - 0.005)

        measuring = asyncio.ensure_future(lag())
        for number in range(START + 1, START + 1_500):
            node.advance(BlockNumber(number))
            began = time.monotonic()
            said = await source.read(head_of(node, node.finalized))
            slowest = max(slowest, time.monotonic() - began)
            assert isinstance(said, Reading)
            assert (said.prices is None) == (node.finalized < START + 10)
            without_identity += said.identities is None
            if said.block.spec_version == 424 and said.identities is not None:
                break
            await asyncio.sleep(0.005)
        measuring.cancel()
        priced = aggregate(said, (SN, OTHER), pins(node))
        assert all(isinstance(each, Price) for each in priced.values())
    assert without_identity > 0
    # Decoding takes a second or more: it must not have happened in this process.
    assert slowest < 0.5
    assert laggard < 0.5


async def test_read__three_endpoints_are_upgraded_under_load__agree_all_the_while() -> None:
    old, new = profile(OLD, has_price_api=False), profile(NEW, has_price_api=True)
    async with (
        nodes_of(lambda: made_up(2_000), 3, start=START, runtime=old) as nodes,
        quorum_of(nodes, agreement=2, markets=(SN, OTHER), policy=SourcePolicy()) as source,
        watched_lag() as lag,
    ):
        await source.finalized()
        assert isinstance(await source.read(BlockNumber(START - 2)), Reading)
        for node in nodes.all:
            node.upgrade_at(BlockNumber(START + 10), new)
        lag.clear()
        for number in range(START + 1, START + 1_500):
            nodes.advance(number)
            await source.finalized()
            said = await source.read(BlockNumber(number - 2))
            assert isinstance(said, Reading)
            assert (said.prices is None) == (number - 2 < START + 10)
            if said.block.spec_version == 424 and said.identities is not None:
                break
            await asyncio.sleep(0.005)
        assert isinstance(said, Reading)
        assert said.block.spec_version == 424
        assert said.identities is not None
        assert said.depths is not None
    print(f"longest lag of the event loop: {1_000 * max(lag):.1f} ms")  # noqa: T201 - for -rP
    # Decoding takes seconds, for three endpoints too: it must not have happened in this process.
    assert max(lag) < 0.5


@asynccontextmanager
async def watched_lag() -> AsyncIterator[list[float]]:
    """How late a task was each time that wanted to run every 5 ms, in seconds."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            lags.append(time.monotonic() - began - 0.005)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        yield lags
        watching.cancel()


async def test_read__an_item_is_missing_in_the_new_runtime__prices_go_on_without_identities() -> (
    None
):
    new = profile(NEW, has_price_api=True)
    # The same length, so that the metadata stays well-formed.
    renamed = new.metadata.replace(b"NetworkRegisteredAt", b"NetworkRegisteredOn")
    runtime = RuntimeProfile.real(renamed, spec_version=425, has_price_api=True)
    async with (
        SubtensorStandIn(made_up(), start=START, runtime=runtime) as node,
        endpoint(node) as source,
    ):
        said = await source.read(head_of(node, START))
        assert isinstance(said, Reading)
        assert said.identities is None
        assert "NetworkRegisteredAt" in said.detail
        assert isinstance(aggregate(said, (SN,), pins(node))[SN], Price)
