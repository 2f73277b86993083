"""Three nodes over real sockets, some of which misbehave."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import NodesDisagree, NodeUnavailable
from fleet.chain.node import Node
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.states import NodeState, StatePolicy
from units import Address, BlockNumber, TxHash

pytestmark = pytest.mark.loopback

ACCOUNT = Address("0x" + "11" * 20)
HASH = TxHash("0x" + "ab" * 32)
STATES = StatePolicy(recheck_s=0.2)


class Server:
    """A node that answers for a chain of 100 blocks, and misbehaves as it is told."""

    def __init__(self) -> None:
        self.chain_id = 964
        self.height = 100
        self.count = 7
        self.status = 200
        self.answers = asyncio.Event()
        self.answers.set()
        self.known: list[str] = []
        self.methods: list[str] = []

    async def reply(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.methods.append(asked["method"])
        await self.answers.wait()
        if self.status != 200:
            headers = {"Retry-After": "600"} if self.status == 429 else {}
            return web.Response(status=self.status, headers=headers)
        result = self._result(asked["method"], asked["params"])
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": result})

    def _result(self, method: str, params: list[Any]) -> Any:
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_syncing":
                return False
            case "eth_getTransactionCount":
                return hex(self.count)
            case "eth_sendRawTransaction":
                self.known.append(params[0])
                return HASH
            case "eth_getBlockByNumber":
                number = self.height if params[0] == "latest" else int(params[0], 16)
                return {
                    "number": hex(number),
                    "hash": f"0x{number:064x}",
                    "parentHash": f"0x{number - 1:064x}",
                    "timestamp": hex(12 * number),
                }
            case _:
                raise AssertionError(method)


@asynccontextmanager
async def served(servers: Sequence[Server], *, agreement: int = 2) -> AsyncIterator[Node]:
    async with AsyncExitStack() as closing:
        endpoints = []
        for name, server in zip("abc", servers, strict=False):
            application = web.Application()
            application.router.add_post("/", server.reply)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            await runner.setup()
            closing.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            endpoints.append(Endpoint(name=name, url=url, rate=None, timeout_s=60.0))
        policy = PoolPolicy(agreement=agreement, hedge_s=0.1, states=STATES)
        node = Node(Pool(endpoints, chain_id=964, policy=policy))
        closing.push_async_callback(node.close)
        yield node


async def count(node: Node) -> int:
    return await node.transaction_count(ACCOUNT, BlockNumber(90))


async def test_decide__one_hangs_one_lies_or_one_refuses__the_other_two_decide() -> None:
    servers = [Server(), Server(), Server()]
    async with served(servers) as node, asyncio.timeout(30):  # half of what it waits for one
        servers[0].answers.clear()
        assert await count(node) == 7
        servers[0].answers.set()
        servers[0].count = 99
        assert await count(node) == 7
        servers[0].status = 429
        assert await count(node) == 7


async def test_decide__two_lie_differently__nothing_is_decided() -> None:
    servers = [Server(), Server(), Server()]
    servers[0].count, servers[1].count = 98, 99
    async with served(servers) as node:
        with pytest.raises(NodesDisagree, match="a says answered 0x62"):
            await count(node)


async def test_refusal__too_many_requests__is_left_alone_for_as_long_as_it_says() -> None:
    servers = [Server(), Server(), Server()]
    servers[0].status = 429
    async with served(servers) as node:
        for _ in range(5):
            assert await count(node) == 7
        assert len(servers[0].methods) == 1
        servers[1].status = 429
        for _ in range(3):
            with pytest.raises(NodeUnavailable) as failure:
                await count(node)
        assert failure.value.retry_after_s > 500
        assert servers[1].methods.count("eth_getTransactionCount") <= 6


async def test_send__one_hangs__the_verdict_is_there_and_it_gets_the_transaction_too() -> None:
    servers = [Server(), Server(), Server()]
    async with served(servers) as node:
        await count(node)
        servers[0].answers.clear()
        async with asyncio.timeout(30):
            assert (await node.send_raw(b"\x01")).verdict == "accepted"
            assert servers[0].known == []
            servers[0].answers.set()
            while not all(server.known == ["0x01"] for server in servers):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


class Changes:
    """Wakes whoever waits for a node to change its state."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        self._changed.set()

    def requested(self, endpoint: str, result: str) -> None: ...

    def outvoted(self, endpoint: str) -> None: ...

    def waited(self, endpoint: str, seconds: float) -> None: ...

    async def until(self, node: Node, **states: NodeState) -> None:
        async with asyncio.timeout(30):
            while node.states() != states:
                await self._changed.wait()
                self._changed.clear()


async def test_watch__nodes_fall_behind_change_chain_and_come_back__states_follow() -> None:
    servers = [Server(), Server(), Server()]

    changes = Changes()
    alive = NodeState.ALIVE
    async with served(servers) as node, asyncio.TaskGroup() as tasks:
        node.listen(changes)
        watch = tasks.create_task(node.watch())
        await changes.until(node, a=alive, b=alive, c=alive)
        servers[0].height = 90
        servers[1].status = 500
        await changes.until(node, a=NodeState.LAGGING, b=NodeState.UNREACHABLE, c=alive)
        servers[1].chain_id = 1
        servers[0].height, servers[1].status = 101, 200
        await changes.until(node, a=alive, b=NodeState.WRONG_CHAIN, c=alive)
        servers[1].chain_id = 964
        await changes.until(node, a=alive, b=alive, c=alive)
        watch.cancel()
