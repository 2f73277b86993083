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
from oracle.sources.runtime import StorageLayout, decode_layout
from tests.subtensor.oracle.nodes import nodes_of, quorum_of
from tests.subtensor.oracle.test_subtensor import (
    OTHER,
    POLICY,
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

TURN_S_MAX = 0.5
"""Decoding is a second's work or more: it must not have happened in this thread."""


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
    without_identity = 0
    async with (
        SubtensorStandIn(made_up(2_000), start=START, runtime=old) as node,
        endpoint(node) as source,
        watched_turns() as turns,
    ):
        node.upgrade_at(BlockNumber(START + 10), new)
        said = await source.read(head_of(node, START))
        assert isinstance(said, Reading)
        assert said.prices is None
        assert said.block.spec_version == 343
        assert said.identities is not None
        turns.clear()
        async for number in blocks():
            node.advance(number)
            said = await source.read(head_of(node, node.finalized))
            assert isinstance(said, Reading)
            assert (said.prices is None) == (node.finalized < START + 10)
            without_identity += said.identities is None
            if said.block.spec_version == 424 and said.identities is not None:
                break
        priced = aggregate(said, (SN, OTHER), pins(node))
        assert all(isinstance(each, Price) for each in priced.values())
    assert without_identity > 0  # no read has waited for the decoding
    assert max(turns) < TURN_S_MAX


async def test_read__three_endpoints_are_upgraded_under_load__agree_all_the_while() -> None:
    old, new = profile(OLD, has_price_api=False), profile(NEW, has_price_api=True)
    async with (
        nodes_of(lambda: made_up(2_000), 3, start=START, runtime=old) as nodes,
        quorum_of(nodes, agreement=2, markets=(SN, OTHER), policy=POLICY) as source,
        watched_turns() as turns,
    ):
        await source.finalized()
        assert isinstance(await source.read(BlockNumber(START - 2)), Reading)
        for node in nodes.all:
            node.upgrade_at(BlockNumber(START + 10), new)
        turns.clear()
        async for number in blocks():
            nodes.advance(number)
            await source.finalized()
            said = await source.read(BlockNumber(number - 2))
            assert isinstance(said, Reading)
            assert (said.prices is None) == (number - 2 < START + 10)
            if said.block.spec_version == 424 and said.identities is not None:
                break
        assert isinstance(said, Reading)
        assert said.block.spec_version == 424
        assert said.identities is not None
        assert said.depths is not None
    print(f"longest turn of the event loop: {1_000 * max(turns):.1f} ms")  # noqa: T201 - for -rP
    assert max(turns) < TURN_S_MAX


async def blocks() -> AsyncIterator[BlockNumber]:
    """One after the other: first as fast as they are taken, then with time to decode between."""
    for number in range(1, 1_500):
        yield BlockNumber(START + number)
        await asyncio.sleep(0.005 if number < 500 else 0.1)


@asynccontextmanager
async def watched_turns() -> AsyncIterator[list[float]]:
    """How long others kept the event loop each time, in seconds of this thread's own work.

    Not of the clock on the wall, which counts what other processes do with the machine as well.
    """
    turns: list[float] = []

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.005)
            turns.append(time.thread_time() - began)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        yield turns
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
