"""The stand-in's blocks and subscriptions as the real substrate-interface client sees them."""

import asyncio
import threading
from queue import Queue
from typing import Any

import pytest
from substrateinterface.exceptions import SubstrateRequestException

from devnet import scale
from devnet.standin import SubtensorStandIn
from tests.subtensor.devnet.asking import PRICE_ALL, asked, hash_of
from units import BlockNumber

pytestmark = pytest.mark.subtensor

_PATIENCE_S = 60


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
        return await asyncio.to_thread(self.heads.get, timeout=_PATIENCE_S)

    async def join(self) -> bool:
        await asyncio.to_thread(self._thread.join, _PATIENCE_S)
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
