"""The real substrate-interface client while the stand-in is upgraded, lies, lags or goes down."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from substrateinterface.exceptions import StorageFunctionNotFound, SubstrateRequestException
from websocket import WebSocketException, WebSocketTimeoutException

from devnet.standin import MarketOverride, RuntimeProfile, SubtensorStandIn
from tests.subtensor.devnet.asking import (
    PRICE_ALL,
    asked,
    hash_of,
    identity_keys,
    prices_in,
    queried,
)
from units import BlockNumber, Netuid, Rao

pytestmark = pytest.mark.subtensor


async def test_upgrade__under_a_running_client__versions_by_block_and_values_unchanged(
    node: SubtensorStandIn, client: Any
) -> None:
    old = node.best
    upgrade = BlockNumber(old + 2)
    node.upgrade_at(upgrade, RuntimeProfile.synthetic(spec_version=9002, has_price_api=False))
    node.advance(BlockNumber(old + 5))
    for block, spec_version in ((old + 1, 9001), (upgrade, 9002), (old + 5, 9002)):
        version = await asked(client, "state_getRuntimeVersion", hash_of(node, block))
        assert version["specVersion"] == spec_version
    assert await queried(client, "SubtensorModule", "NetworksAdded", 64) is True
    assert client.runtime_version == 9002
    assert await asked(client, "state_call", PRICE_ALL, "0x", hash_of(node, old + 1))
    with pytest.raises(SubstrateRequestException, match="is not found"):
        await asked(client, "state_call", PRICE_ALL, "0x", hash_of(node, upgrade))


async def test_upgrade__that_loses_an_item__is_not_found_and_not_stored(
    node: SubtensorStandIn, client: Any
) -> None:
    [lost, kept] = [
        key.to_hex()
        for key in identity_keys(client, (Netuid(64),))
        if "Added" not in key.storage_function
    ]
    upgrade = BlockNumber(node.best + 1)
    without = RuntimeProfile.synthetic(spec_version=9002, without=("NetworkRegisteredAt",))
    node.upgrade_at(upgrade, without)
    node.advance(BlockNumber(upgrade + 1))
    [change_set] = await asked(client, "state_queryStorageAt", [lost, kept])
    assert change_set["changes"] == [[lost, None], [kept, "0x0100"]]
    with pytest.raises(StorageFunctionNotFound):
        await queried(client, "SubtensorModule", "NetworkRegisteredAt", 64)


async def test_upgrade__in_the_past__refused(node: SubtensorStandIn) -> None:
    with pytest.raises(ValueError, match="is in the past"):
        node.upgrade_at(node.best, RuntimeProfile.synthetic(spec_version=2))


async def test_override__liar_and_registered_again__seen_by_the_client(
    node: SubtensorStandIn, client: Any
) -> None:
    first = BlockNumber(node.best + 1)
    node.override(MarketOverride(netuid=Netuid(64), first=first, price=Rao(1), registered_at=first))
    node.advance(first)
    encoded = await asked(client, "state_call", PRICE_ALL, "0x", hash_of(node, first))
    assert prices_in(encoded)[64] == 1
    assert await queried(client, "SubtensorModule", "NetworkRegisteredAt", 64) == first


async def test_answers_delayed__longer_than_the_clients_timeout__time_out(
    node: SubtensorStandIn, connect: Callable[..., Any]
) -> None:
    impatient = await asyncio.to_thread(connect, node)
    impatient.websocket.settimeout(0.2)
    node.faults.answer_delay_s = 600.0
    with pytest.raises(WebSocketTimeoutException):
        await asked(impatient, "system_chain")
    node.faults.answer_delay_s = 0.0
    patient = await asyncio.to_thread(connect, node)
    assert await asked(patient, "system_chain") == "Bittensor"


async def test_connections_dropped__the_next_client_is_served(
    node: SubtensorStandIn, client: Any, connect: Callable[..., Any]
) -> None:
    node.drop_connections()
    with pytest.raises((OSError, ValueError, WebSocketException)):
        await asked(client, "system_chain")
    again = await asyncio.to_thread(connect, node)
    assert await asked(again, "system_chain") == "Bittensor"


async def test_node_down_and_up_again__same_address__serves(
    node: SubtensorStandIn, connect: Callable[..., Any]
) -> None:
    url = node.url
    await node.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(connect, node)
    await node.start()
    assert node.url == url
    assert await asked(await asyncio.to_thread(connect, node), "system_chain") == "Bittensor"
