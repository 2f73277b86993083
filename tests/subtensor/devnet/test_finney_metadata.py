"""Mainnet's own runtimes, served by the stand-in and read by the real client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from substrateinterface.exceptions import StorageFunctionNotFound, SubstrateRequestException

from devnet.standin import RuntimeProfile, SubtensorStandIn
from devnet.synthetic_tape import synthetic_tape
from units import BlockNumber, Netuid

pytestmark = [pytest.mark.subtensor, pytest.mark.shared]

PRICE_ALL = "SwapRuntimeApi_current_alpha_price_all"


@pytest.fixture
async def node_343(finney_343: RuntimeProfile) -> AsyncIterator[SubtensorStandIn]:
    tape = synthetic_tape(1, rows=60)
    start = BlockNumber(tape.first_block + 100)
    async with SubtensorStandIn(tape, start=start, runtime=finney_343) as node:
        yield node


@pytest.fixture
async def node_424(finney_424: RuntimeProfile) -> AsyncIterator[SubtensorStandIn]:
    tape = synthetic_tape(1, rows=60)
    start = BlockNumber(tape.first_block + 100)
    async with SubtensorStandIn(tape, start=start, runtime=finney_424) as node:
        yield node


async def values(client: Any, *names: tuple[str, str, list[int]]) -> list[Any]:
    def read() -> list[Any]:
        return [client.query(pallet, item, key).value for pallet, item, key in names]

    return await asyncio.to_thread(read)


IDENTITY: tuple[tuple[str, str, list[int]], ...] = (
    ("Timestamp", "Now", []),
    ("SubtensorModule", "NetworksAdded", [64]),
    ("SubtensorModule", "NetworkRegisteredAt", [64]),
    ("SubtensorModule", "SubnetMechanism", [64]),
    ("SubtensorModule", "NetworksAdded", [999]),
)


def identity(node: SubtensorStandIn) -> list[Any]:
    tape = node.node.tape
    return [tape.time_at(node.best) * 1000, True, tape.registered_at(Netuid(64)), 1, False]


async def test_finney_343__swap_v3__storage_fits_its_metadata_and_has_no_price_api(
    node_343: SubtensorStandIn, connect: Callable[..., Any]
) -> None:
    client = await asyncio.to_thread(connect, node_343)
    assert await values(client, *IDENTITY) == identity(node_343)
    [sqrt_price] = await values(client, ("Swap", "AlphaSqrtPrice", [64]))
    price = node_343.node.tape.row_at(node_343.best).prices[Netuid(64)]
    squared = sqrt_price["bits"] ** 2 * 10**9 // 2**128
    assert squared in (price - 1, price)
    with pytest.raises(SubstrateRequestException, match="is not found"):
        await asyncio.to_thread(client.rpc_request, "state_call", [PRICE_ALL, "0x"])


async def test_finney_424__balancer__storage_fits_its_metadata_and_prices_are_served(
    node_424: SubtensorStandIn, connect: Callable[..., Any]
) -> None:
    client = await asyncio.to_thread(connect, node_424)
    assert await values(client, *IDENTITY) == identity(node_424)
    [balancer] = await values(client, ("Swap", "SwapBalancer", [64]))
    assert balancer == {"quote": 5 * 10**17}
    with pytest.raises(StorageFunctionNotFound):
        await values(client, ("Swap", "AlphaSqrtPrice", [64]))
    answer = await asyncio.to_thread(client.rpc_request, "state_call", [PRICE_ALL, "0x"])
    assert answer["result"].startswith("0x34" + "0000" + (10**9).to_bytes(8, "little").hex())


async def test_upgrade__343_to_424_under_a_running_client__identity_is_read_on(
    node_343: SubtensorStandIn, finney_424: RuntimeProfile, connect: Callable[..., Any]
) -> None:
    client = await asyncio.to_thread(connect, node_343)
    await values(client, ("Swap", "AlphaSqrtPrice", [64]))
    assert client.runtime_version == 343
    upgrade = BlockNumber(node_343.best + 1)
    node_343.upgrade_at(upgrade, finney_424)
    # The client takes a block's runtime from its parent, as blocks execute.
    node_343.advance(BlockNumber(upgrade + 1))
    assert await values(client, *IDENTITY) == identity(node_343)
    assert client.runtime_version == 424
    with pytest.raises(StorageFunctionNotFound):
        await values(client, ("Swap", "AlphaSqrtPrice", [64]))
