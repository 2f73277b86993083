"""The stand-in as the real substrate-interface client sees it."""

import asyncio
import threading
from collections.abc import Callable
from queue import Queue
from typing import Any

import pytest
from substrateinterface.exceptions import StorageFunctionNotFound, SubstrateRequestException
from substrateinterface.storage import StorageKey
from websocket import WebSocketException, WebSocketTimeoutException

from devnet import scale
from devnet.standin import MarketOverride, RuntimeProfile, SubtensorStandIn
from units import BlockNumber, Netuid, Rao

pytestmark = pytest.mark.subtensor

PRICE_ALL = "SwapRuntimeApi_current_alpha_price_all"


async def asked(client: Any, method: str, *params: Any) -> Any:
    response = await asyncio.to_thread(client.rpc_request, method, list(params))
    return response["result"]


def hash_of(node: SubtensorStandIn, block: int) -> str:
    return node.node.chain.hash_of(BlockNumber(block))


def hash_of_header(header: dict[str, Any]) -> str:
    """The block hash from the header as JSON gives it, as a client has to compute it."""
    encoded = (
        bytes.fromhex(header["parentHash"][2:])
        + scale.compact(int(header["number"], 16))
        + bytes.fromhex(header["stateRoot"][2:])
        + bytes.fromhex(header["extrinsicsRoot"][2:])
        + scale.vector(bytes.fromhex(log[2:]) for log in header["digest"]["logs"])
    )
    return "0x" + scale.blake2b_256(encoded).hex()


def prices_in(encoded: str) -> dict[int, int]:
    data = bytes.fromhex(encoded[2:])
    assert data[0] & 0b11 == 0
    assert len(data) == 1 + 10 * (data[0] >> 2)
    cut = [data[at : at + 10] for at in range(1, len(data), 10)]
    return {int.from_bytes(one[:2], "little"): int.from_bytes(one[2:], "little") for one in cut}


async def queried(client: Any, pallet: str, item: str, *key: int, at: str | None = None) -> Any:
    answer = await asyncio.to_thread(client.query, pallet, item, list(key), at)
    return answer.value


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


async def test_block_hash__of_any_header__is_computed_from_it(
    node: SubtensorStandIn, client: Any
) -> None:
    for block in (0, node.best, node.best - 250):
        block_hash = await asked(client, "chain_getBlockHash", block)
        header = await asked(client, "chain_getHeader", block_hash)
        assert hash_of_header(header) == block_hash
        assert int(header["number"], 16) == block
    assert await asked(client, "chain_getBlockHash", 0) == node.genesis
    assert await asked(client, "chain_getBlockHash", node.best + 1) is None
    assert await asked(client, "chain_getHeader", "0x" + "00" * 32) is None
    assert await asked(client, "chain_getHead") == hash_of(node, node.best)
    assert await asked(client, "chain_getFinalizedHead") == hash_of(node, node.best - 2)


async def test_block_header__with_its_digest__decoded_by_the_client(
    node: SubtensorStandIn, client: Any
) -> None:
    answer = await asyncio.to_thread(client.get_block_header, hash_of(node, node.best))
    logs = [log.value for log in answer["header"]["digest"]["logs"]]
    assert [next(iter(log)) for log in logs] == ["PreRuntime", "Seal"]
    block = await asyncio.to_thread(client.get_block, hash_of(node, node.best))
    assert block["extrinsics"] == []


class Subscriber:
    """The client's blocking subscription in its own thread, as a source has to run it."""

    def __init__(self, client: Any, *, heads_max: int) -> None:
        self.heads: Queue[dict[str, Any]] = Queue()
        self._thread = threading.Thread(target=self._run, args=(client, heads_max), daemon=True)
        self._thread.start()

    async def next_head(self) -> dict[str, Any]:
        return await asyncio.to_thread(self.heads.get, timeout=5)

    async def join(self) -> bool:
        await asyncio.to_thread(self._thread.join, 5)
        return not self._thread.is_alive()

    def _run(self, client: Any, heads_max: int) -> None:
        def received(message: dict[str, Any], update: int, subscription: str) -> bool | None:
            self.heads.put(message["params"]["result"])
            if update + 1 < heads_max:
                return None
            client.rpc_request("chain_unsubscribeFinalizedHeads", [subscription])
            return True

        client.rpc_request("chain_subscribeFinalizedHeads", [], result_handler=received)


async def test_finalized_heads__subscribed__present_one_first_then_each_block(
    node: SubtensorStandIn, client: Any
) -> None:
    subscriber = Subscriber(client, heads_max=4)
    first = await subscriber.next_head()
    assert int(first["number"], 16) == node.finalized
    for _ in range(3):
        node.advance(BlockNumber(node.best + 1))
        head = await subscriber.next_head()
        assert int(head["number"], 16) == node.finalized
        assert hash_of_header(head) == hash_of(node, node.finalized)
    assert await subscriber.join()
    assert await asked(client, "system_chain") == "Bittensor"


async def test_finalized_heads__several_final_together__the_last_alone_is_told(
    node: SubtensorStandIn, client: Any
) -> None:
    subscriber = Subscriber(client, heads_max=2)
    await subscriber.next_head()
    node.advance(BlockNumber(node.best + 5))
    head = await subscriber.next_head()
    assert int(head["number"], 16) == node.best - 2
    assert await subscriber.join()


async def test_finalized_heads__finality_withheld__nothing_then_all_at_once(
    node: SubtensorStandIn, client: Any
) -> None:
    subscriber = Subscriber(client, heads_max=2)
    await subscriber.next_head()
    before = node.finalized
    node.faults.is_finality_withheld = True
    node.advance(BlockNumber(node.best + 3))
    assert node.finalized == before
    node.faults.is_finality_withheld = False
    node.advance(BlockNumber(node.best + 1))
    assert int((await subscriber.next_head())["number"], 16) == before + 4
    assert await subscriber.join()


async def test_subscribe_block_headers__the_clients_own_way__ends_when_the_handler_says(
    node: SubtensorStandIn, client: Any
) -> None:
    numbers: list[int] = []

    def received(head: dict[str, Any], _: int, __: str) -> bool | None:
        numbers.append(head["header"]["number"])
        return True if len(numbers) == 2 else None

    async with asyncio.TaskGroup() as group:
        subscription = group.create_task(
            asyncio.to_thread(client.subscribe_block_headers, received, finalized_only=True)
        )
        while not subscription.done():
            await asyncio.sleep(0.02)
            node.advance(BlockNumber(node.best + 1))
    assert numbers[1] == numbers[0] + 1


async def test_old_block__state_discarded__header_known_and_state_refused(
    node: SubtensorStandIn, client: Any
) -> None:
    old = hash_of(node, node.best)
    node.advance(BlockNumber(node.best + 301))
    gone = f"4003.*State already discarded for {old}"
    for method, params in (
        ("state_getStorageAt", ["0x00", old]),
        ("state_queryStorageAt", [["0x00"], old]),
        ("state_call", [PRICE_ALL, "0x", old]),
        ("state_getRuntimeVersion", [old]),
        ("state_getMetadata", [old]),
    ):
        with pytest.raises(SubstrateRequestException, match=gone):
            await asked(client, method, *params)
    assert (await asked(client, "chain_getHeader", old))["number"] == hex(node.best - 301)
    kept = hash_of(node, node.best - 300)
    assert await asked(client, "state_call", PRICE_ALL, "0x", kept)


async def test_unknown_block__state__refused_as_not_in_the_database(client: Any) -> None:
    with pytest.raises(SubstrateRequestException, match=r"4003.*Header was not found"):
        await asked(client, "state_call", PRICE_ALL, "0x", "0x" + "ab" * 32)


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
    impatient = await asyncio.to_thread(connect, node, timeout_s=0.2)
    node.faults.answer_delay_s = 1.0
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
