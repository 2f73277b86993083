"""What the real substrate-interface client reads of the stand-in."""

import asyncio
from typing import Any

import pytest
from substrateinterface.exceptions import StorageFunctionNotFound, SubstrateRequestException

from devnet import scale
from devnet.standin import SubtensorStandIn
from tests.subtensor.devnet.asking import (
    PRICE_ALL,
    asked,
    hash_of,
    identity_keys,
    prices_in,
    queried,
)
from units import BlockNumber, Netuid

pytestmark = pytest.mark.subtensor


async def test_init_runtime__synthetic_metadata__decoded(client: Any) -> None:
    assert client.runtime_version == 9001
    assert await asked(client, "system_chain") == "Bittensor"
    assert (await asked(client, "system_properties"))["tokenSymbol"] == "TAO"
    assert [pallet.name for pallet in client.metadata.pallets] == [
        "System",
        "Timestamp",
        "SubtensorModule",
        "Swap",
    ]


async def test_query__every_item__decodes_to_what_the_tape_says(
    node: SubtensorStandIn, client: Any
) -> None:
    tape, best = node.node.tape, node.best
    price = tape.row_at(best).prices[Netuid(64)]
    module = "SubtensorModule"
    assert await queried(client, "System", "Number") == best
    assert await queried(client, "Timestamp", "Now") == tape.time_at(best) * 1000
    assert await queried(client, module, "TotalNetworks") == 13
    assert await queried(client, module, "NetworksAdded", 64) is True
    registered_at = tape.registered_at(Netuid(64))
    assert await queried(client, module, "NetworkRegisteredAt", 64) == registered_at
    assert await queried(client, module, "SubnetMechanism", 64) == 1
    assert await queried(client, module, "SubnetMechanism", 0) == 0
    tao = await queried(client, module, "SubnetTAO", 64)
    alpha = await queried(client, module, "SubnetAlphaIn", 64)
    assert tao * 10**9 // alpha == price
    moving = await queried(client, module, "SubnetMovingPrice", 64)
    assert moving["bits"] == price * 2**32 // 10**9
    assert await queried(client, "Swap", "SwapBalancer", 64) == {"quote": 5 * 10**17}
    assert await queried(client, "Swap", "PalSwapInitialized", 64) is True


async def test_query__unknown_netuid__reads_defaults_and_not_an_error(client: Any) -> None:
    assert await queried(client, "SubtensorModule", "NetworksAdded", 999) is False
    assert await queried(client, "SubtensorModule", "SubnetTAO", 999) == 0
    assert await queried(client, "SubtensorModule", "FirstEmissionBlockNumber", 999) is None
    assert await queried(client, "Swap", "SwapBalancer", 999) == {"quote": 5 * 10**17}
    assert await queried(client, "Swap", "FeeRate", 64) == 33


async def test_query__item_the_runtime_does_not_have__is_not_found(client: Any) -> None:
    with pytest.raises(StorageFunctionNotFound):
        await queried(client, "Swap", "AlphaSqrtPrice", 64)


async def test_query_multi__all_markets__one_answer_per_key(
    node: SubtensorStandIn, client: Any
) -> None:
    tape = node.node.tape
    keys = identity_keys(client, tape.netuids)
    answers = await asyncio.to_thread(client.query_multi, keys, hash_of(node, node.finalized))
    values = [value.value for _, value in answers]
    assert values == [
        value for netuid in tape.netuids for value in (True, tape.registered_at(netuid), 1)
    ]


async def test_query_storage_at__raw_keys__answered_at_that_block(
    node: SubtensorStandIn, client: Any
) -> None:
    keys = [key.to_hex() for key in identity_keys(client, (Netuid(64), Netuid(999)))]
    at = hash_of(node, node.finalized)
    [change_set] = await asked(client, "state_queryStorageAt", keys, at)
    assert change_set["block"] == at
    assert [key for key, _ in change_set["changes"]] == keys
    registered_at = node.node.tape.registered_at(Netuid(64)) or 0
    assert [value for _, value in change_set["changes"]] == [
        "0x01",
        "0x" + registered_at.to_bytes(8, "little").hex(),
        "0x0100",
        None,
        None,
        None,
    ]


async def test_query_map__networks_added__pages_through_all(client: Any) -> None:
    answers = await asyncio.to_thread(
        lambda: list(client.query_map("SubtensorModule", "NetworksAdded", page_size=5))
    )
    assert {key.value for key, _ in answers} == {0, 3, 4, 8, 9, 34, 44, 51, 56, 62, 64, 75, 120}


async def test_state_call__prices_of_all__are_the_tapes_at_that_block(
    node: SubtensorStandIn, client: Any
) -> None:
    for block in (node.best, node.finalized, node.best - 100):
        encoded = await asked(client, "state_call", PRICE_ALL, "0x", hash_of(node, block))
        row = node.node.tape.row_at(BlockNumber(block))
        assert prices_in(encoded) == {Netuid(0): 10**9} | dict(row.prices)


async def test_state_call__one_price_without_0x__is_that_subnets(
    node: SubtensorStandIn, client: Any
) -> None:
    encoded = await asked(client, "state_call", "SwapRuntimeApi_current_alpha_price", "4000", None)
    price = node.node.tape.row_at(node.best).prices[Netuid(64)]
    assert bytes.fromhex(encoded[2:]) == price.to_bytes(8, "little")


async def test_state_call__unknown_api__is_a_nodes_error_and_the_client_lives(client: Any) -> None:
    with pytest.raises(SubstrateRequestException, match="Exported method Swap_x is not found"):
        await asked(client, "state_call", "Swap_x", "0x", None)
    assert await asked(client, "system_health") == {
        "peers": 8,
        "isSyncing": False,
        "shouldHavePeers": True,
    }


async def test_state_call__metadata__is_what_get_metadata_says(client: Any) -> None:
    opaque = await asked(client, "state_call", "Metadata_metadata", "0x", None)
    plain = await asked(client, "state_getMetadata")
    assert bytes.fromhex(opaque[2:]) == scale.byte_string(bytes.fromhex(plain[2:]))
    assert await asked(client, "state_call", "Metadata_metadata_versions", "0x") == "0x040e000000"
    at_15 = await asked(client, "state_call", "Metadata_metadata_at_version", "0x0f000000")
    assert at_15 == "0x00"


async def test_unknown_method__is_method_not_found_and_the_client_lives(client: Any) -> None:
    with pytest.raises(SubstrateRequestException, match="-32601"):
        await asked(client, "author_submitExtrinsic", "0x00")
    assert await asked(client, "system_chain") == "Bittensor"
