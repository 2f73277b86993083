"""The stand-in's WebSocket itself: frames, batches, subscriptions, lock-step."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from devnet.standin import LateParticipantError, RuntimeProfile, SubtensorStandIn
from devnet.standin.session import Topic
from units import BlockNumber

pytestmark = pytest.mark.subtensor


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(text: bytes) -> bytes:
    """One text frame of less than 126 bytes from a client, under an all-zero mask."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


class Wire:
    """A bare client: calls and notifications, whatever order they come in."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = count(1)
        self._told: list[dict[str, Any]] = []

    async def ask(self, method: str, *positional: Any, **named: Any) -> dict[str, Any]:
        request_id = next(self._ids)
        params = named or list(positional)
        request = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        await self.connection.send(json.dumps(request).encode())
        while (message := await self._received()).get("id") != request_id:
            self._told.append(message)
        return message

    async def result(self, method: str, *positional: Any, **named: Any) -> Any:
        return (await self.ask(method, *positional, **named))["result"]

    async def told(self) -> dict[str, Any]:
        message = self._told.pop(0) if self._told else await self._received()
        params: dict[str, Any] = message["params"]
        return {"method": message["method"], **params}

    async def head(self) -> int:
        return int((await self.told())["result"]["number"], 16)

    async def _received(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            message: dict[str, Any] = json.loads(await self.connection.recv())
            return message


@asynccontextmanager
async def wire(node: SubtensorStandIn) -> AsyncIterator[Wire]:
    async with connect(node.url) as connection:
        yield Wire(connection)


def next_block(node: SubtensorStandIn) -> BlockNumber:
    return BlockNumber(node.best + 1)


async def test_frames__binary_and_text__answered_alike(node: SubtensorStandIn) -> None:
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "system_chain"})
    async with connect(node.url) as connection:
        await connection.send(request)
        as_text = await connection.recv()
        await connection.send(request.encode())
        assert await connection.recv() == as_text


async def test_batch__answered_in_one_message(node: SubtensorStandIn) -> None:
    batch = [{"jsonrpc": "2.0", "id": n, "method": "chain_getBlockHash"} for n in range(3)]
    async with connect(node.url) as connection:
        await connection.send(json.dumps(batch))
        answers = json.loads(await connection.recv())
    assert [answer["id"] for answer in answers] == [0, 1, 2]


async def test_garbage__on_the_wire__answered_and_the_connection_lives(
    node: SubtensorStandIn,
) -> None:
    async with connect(node.url) as connection:
        for garbage in (b"\xff\x00", "{", "[" * 10_000, "7", '{"id": 1}'):
            await connection.send(garbage)
            assert "error" in json.loads(await connection.recv())
        await connection.send('{"id": 1, "method": "system_chain"}')
        assert json.loads(await connection.recv())["result"] == "Bittensor"


async def test_rpc_methods__lists_what_is_answered(node: SubtensorStandIn) -> None:
    async with wire(node) as client:
        methods = (await client.result("rpc_methods"))["methods"]
        assert {
            "state_getStorageAt",
            "state_getKeysPaged",
            "chain_subscribeFinalizedHeads",
            "chain_unsubscribeFinalizedHeads",
            "state_subscribeRuntimeVersion",
            "devnet_join",
        } <= set(methods)
        for method in methods:
            assert (await client.ask(method)).get("error", {}).get("code") != -32601


@pytest.mark.parametrize("kind", ["New", "All"])
async def test_heads__best__every_block_as_soon_as_it_is_there(
    node: SubtensorStandIn, kind: str
) -> None:
    async with wire(node) as client:
        subscription = await client.result(f"chain_subscribe{kind}Heads")
        assert await client.head() == node.best
        node.import_block(next_block(node))
        assert await client.head() == node.best
        assert await client.result(f"chain_unsubscribe{kind}Heads", subscription) is True
        assert await client.result(f"chain_unsubscribe{kind}Heads", subscription) is False
        node.import_block(next_block(node))
        assert await client.result("system_chain") == "Bittensor"
        assert client._told == []


async def test_heads__finalized__not_told_of_a_block_that_is_only_best(
    node: SubtensorStandIn,
) -> None:
    async with wire(node) as client:
        await client.result("chain_subscribeFinalizedHeads")
        assert await client.head() == node.finalized
        node.import_block(next_block(node))
        node.finalize(BlockNumber(node.best - 1))
        assert await client.head() == node.best - 1


async def test_unsubscribe__of_another_kind__is_false_and_keeps_it(node: SubtensorStandIn) -> None:
    async with wire(node) as client:
        subscription = await client.result("chain_subscribeFinalizedHeads")
        assert await client.result("chain_unsubscribeNewHeads", subscription) is False
        await client.head()
        node.advance(next_block(node))
        assert await client.head() == node.finalized


async def test_runtime_version__subscribed__present_one_and_every_upgrade(
    node: SubtensorStandIn,
) -> None:
    upgrade = BlockNumber(node.best + 2)
    node.upgrade_at(upgrade, RuntimeProfile.synthetic(spec_version=9002))
    async with wire(node) as client:
        await client.result("state_subscribeRuntimeVersion")
        assert (await client.told())["result"]["specVersion"] == 9001
        node.advance(next_block(node))
        node.advance(upgrade)
        assert (await client.told())["result"]["specVersion"] == 9002


async def test_advance__back__refused(node: SubtensorStandIn) -> None:
    with pytest.raises(ValueError, match="can't go back"):
        node.advance(BlockNumber(node.best - 1))


async def test_drop_connections__client__sees_no_close_frame(node: SubtensorStandIn) -> None:
    async with connect(node.url) as connection:
        waiting = asyncio.ensure_future(connection.recv())
        await asyncio.sleep(0.02)
        node.drop_connections()
        with pytest.raises(ConnectionClosedError, match="no close frame"):
            await waiting


async def finishing(client: Wire, log: list[str]) -> None:
    """A head bot: finishes whatever it is released for."""
    told = await client.told()
    assert told["method"] == "devnet_released"
    name, block = told["name"], told["block"]
    log.append(f"{name} {block}")
    assert await client.result("devnet_finished", name=name, block=block) is True


async def feeding(client: Wire, log: list[str]) -> None:
    """The finalized bot: deals with the next finalized head."""
    block = await client.head()
    log.append(f"feeder {block}")
    assert await client.result("devnet_finished", name="feeder", block=block) is True


async def test_lock_step__heads_and_a_finalized__one_after_the_other(
    node: SubtensorStandIn,
) -> None:
    log: list[str] = []
    async with wire(node) as bots, wire(node) as source:
        await bots.result("devnet_join", name="liquidator", kind="head", order=20)
        await bots.result("devnet_join", name="transactions", kind="head", order=0)
        await source.result("devnet_join", "feeder", "finalized", 10)
        await source.result("chain_subscribeFinalizedHeads")
        assert await source.head() == node.finalized
        block = next_block(node)
        async with asyncio.TaskGroup() as group:
            release = group.create_task(node.release(block))
            await finishing(bots, log)
            assert not release.done()
            await feeding(source, log)
            await finishing(bots, log)
        assert log == [f"transactions {block}", f"feeder {block - 2}", f"liquidator {block}"]


async def test_lock_step__finalized_head__is_not_shown_before_its_turn(
    node: SubtensorStandIn,
) -> None:
    async with wire(node) as bots, wire(node) as source:
        await bots.result("devnet_join", name="transactions", kind="head", order=0)
        await source.result("devnet_join", name="feeder", kind="finalized", order=10)
        await source.result("chain_subscribeFinalizedHeads")
        before = await source.head()
        async with asyncio.TaskGroup() as group:
            group.create_task(node.release(next_block(node)))
            await bots.told()
            assert await source.result("system_chain") == "Bittensor"
            assert source._told == []
            assert node.finalized == before
            await bots.result("devnet_finished", name="transactions", block=node.best)
            await feeding(source, [])


async def test_lock_step__connection_closed__is_gone_with_all_its_names(
    node: SubtensorStandIn,
) -> None:
    async with wire(node) as bots:
        await bots.result("devnet_join", name="a", kind="head", order=1)
        await bots.result("devnet_join", name="b", kind="head", order=2)
        assert len(node.lock_step.participants) == 2
        async with asyncio.TaskGroup() as group:
            group.create_task(node.release(next_block(node)))
            await bots.told()
            await bots.connection.close()
    assert not node.lock_step.participants


async def test_lock_step__nobody_joined__release_publishes_and_returns(
    node: SubtensorStandIn,
) -> None:
    async with wire(node) as client:
        await client.result("chain_subscribeFinalizedHeads")
        await client.head()
        await node.release(next_block(node))
        assert await client.head() == node.best - 2


async def test_lock_step__late__error_names_who(node: SubtensorStandIn) -> None:
    node.lock_step._turn_s_max = 0.05
    async with wire(node) as bots:
        await bots.result("devnet_join", name="funding", kind="head", order=30)
        with pytest.raises(LateParticipantError, match="funding did not finish block"):
            await node.release(next_block(node))


async def test_lock_step__name_taken_or_not_joined__refused(node: SubtensorStandIn) -> None:
    async with wire(node) as first, wire(node) as second:
        await first.result("devnet_join", name="feeder", kind="finalized", order=10)
        taken = await second.ask("devnet_join", name="feeder", kind="finalized", order=10)
        assert taken["error"] == {"code": -32602, "message": "feeder has joined already"}
        foreign = await second.ask("devnet_finished", name="feeder", block=1)
        assert "has not joined on this connection" in foreign["error"]["message"]


async def test_reader_that_never_reads__does_not_hold_up_the_others(
    node: SubtensorStandIn,
) -> None:
    async with connect(node.url) as sleeping, wire(node) as client:
        await sleeping.send('{"id": 1, "method": "chain_subscribeNewHeads"}')
        await client.result("chain_subscribeNewHeads")
        await client.head()
        for _ in range(500):
            node.import_block(next_block(node))
        heads = [await client.head() for _ in range(500)]
        sleeping.transport.abort()  # a polite close would wait for the unread heads
        assert heads[-1] == node.best


@asynccontextmanager
async def never_reading(node: SubtensorStandIn) -> AsyncIterator[None]:
    """A client that takes the first head that it subscribed to and then never another byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rsplit(":")[-1]))
    try:
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(masked(b'{"id": 1, "method": "chain_subscribeNewHeads"}'))
        await reader.readuntil(b"chain_newHead")
        yield
    finally:
        writer.transport.abort()


def publish_more_than_sockets_hold(node: SubtensorStandIn) -> None:
    for _ in range(30_000):
        node._publish(Topic.BEST)


async def test_reader_that_never_reads__past_the_limit__is_cut_off(
    node: SubtensorStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devnet.standin.server._UNREAD_BYTES_MAX", 10_000)
    async with never_reading(node):
        assert len(node._connections) == 1
        publish_more_than_sockets_hold(node)
        async with asyncio.timeout(30):
            while node._connections:  # noqa: ASYNC110 - nobody tells of an end
                await asyncio.sleep(0.01)


async def test_stop__with_a_reader_that_never_reads__does_not_hang(
    node: SubtensorStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devnet.standin.server._UNREAD_BYTES_MAX", 10**9)
    async with never_reading(node):
        publish_more_than_sockets_hold(node)
        async with asyncio.timeout(60):
            await node.stop()


async def test_chain_name__another__is_another_chain(node: SubtensorStandIn) -> None:
    other = SubtensorStandIn(node.node.tape, start=node.best, chain_name="Other")
    same = SubtensorStandIn(node.node.tape, start=node.best)
    assert same.genesis == node.genesis != other.genesis
    assert same.node.chain.hash_of(node.best) == node.node.chain.hash_of(node.best)
