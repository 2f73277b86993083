"""Questions to the stand-in by the real client, and what its answers say."""

import asyncio
from typing import Any

from substrateinterface.storage import StorageKey

from devnet.standin import SubtensorStandIn
from units import BlockNumber, Netuid

PRICE_ALL = "SwapRuntimeApi_current_alpha_price_all"


async def asked(client: Any, method: str, *params: Any) -> Any:
    response = await asyncio.to_thread(client.rpc_request, method, list(params))
    return response["result"]


def hash_of(node: SubtensorStandIn, block: int) -> str:
    return node.node.chain.hash_of(BlockNumber(block))


def identity_keys(client: Any, netuids: tuple[Netuid, ...]) -> list[StorageKey]:
    items = ("NetworksAdded", "NetworkRegisteredAt", "SubnetMechanism")
    return [
        StorageKey.create_from_storage_function(
            "SubtensorModule",
            item,
            [netuid],
            runtime_config=client.runtime_config,
            metadata=client.metadata,
        )
        for netuid in netuids
        for item in items
    ]


def prices_in(encoded: str) -> dict[int, int]:
    data = bytes.fromhex(encoded[2:])
    assert data[0] & 0b11 == 0
    assert len(data) == 1 + 10 * (data[0] >> 2)
    cut = [data[at : at + 10] for at in range(1, len(data), 10)]
    return {int.from_bytes(one[:2], "little"): int.from_bytes(one[2:], "little") for one in cut}


async def queried(client: Any, pallet: str, item: str, *key: int, at: str | None = None) -> Any:
    answer = await asyncio.to_thread(client.query, pallet, item, list(key), at)
    return answer.value
