"""The fault proxy in front of a node of this test's own, through real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from devnet.faults.faults import (
    Boast,
    Cut,
    Fault,
    Lag,
    Limited,
    NoLogs,
    OtherChain,
    Silence,
    Stale,
    TooManyRequests,
    Truncated,
    Twice,
)
from devnet.faults.plan import Plan, Rule
from devnet.faults.proxy import FaultProxy, running_proxy

pytestmark = pytest.mark.loopback

TIP = 100
LOGS = [{"blockNumber": hex(number)} for number in (90, 95, 96, 100)]
MINED = {"0xold": 90, "0xnew": 99}


class LittleNode:
    """Answers a few methods and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.heads = asyncio.Queue[int]()
        self.is_asked = asyncio.Event()

    def methods(self) -> list[str]:
        return [call["method"] for call in self.asked]

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(call)
        self.is_asked.set()
        return {"jsonrpc": "2.0", "id": call["id"], "result": self._result(call)}

    def _result(self, call: dict[str, Any]) -> Any:
        match call["method"]:
            case "eth_chainId":
                return hex(964)
            case "eth_blockNumber":
                return hex(TIP)
            case "eth_getLogs":
                return LOGS if call["params"][0] else [{"data": "0x2a"}]
            case "eth_getTransactionReceipt" | "eth_getTransactionByHash" | "eth_getBlockByHash":
                number = hex(MINED[call["params"][0]])
                return {"blockNumber": number, "number": number, "blockHash": "0x" + "11" * 32}
            case "eth_sendRawTransaction":
                times = self.methods().count("eth_sendRawTransaction")
                return "taken" if times == 1 else "already known"
            case _:
                return call["params"]

    async def post(self, request: web.Request) -> web.Response:
        asked = await request.json()
        many = asked if isinstance(asked, list) else [asked]
        answers = [self.answer(call) for call in many]
        return web.json_response(answers if isinstance(asked, list) else answers[0])

    async def push(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_json(self.answer(json.loads(message.data)))
            while (number := await self.heads.get()) >= 0:
                head = {"method": "eth_subscription", "params": {"result": {"number": hex(number)}}}
                await socket.send_json(head)
            await socket.close()
        return socket


class Client:
    def __init__(self, session: aiohttp.ClientSession, proxy: FaultProxy) -> None:
        self.session = session
        self.proxy = proxy

    async def text(self, method: str, *params: object) -> str:
        call = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        async with self.session.post(self.proxy.rpc_url, json=call) as response:
            response.raise_for_status()
            return await response.text()

    async def ask(self, method: str, *params: object) -> Any:
        answer = json.loads(await self.text(method, *params))
        assert answer["id"] == 7
        return answer["result"] if "result" in answer else answer["error"]

    @asynccontextmanager
    async def asking(self, method: str, *params: object) -> AsyncIterator[None]:
        """The proxy has the question and has not answered it; at the end the client goes away."""
        asked = asyncio.ensure_future(self.ask(method, *params))
        async with asyncio.timeout(30):
            while not self.proxy.asked.get(method):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
            yield
        assert not asked.done()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked


@asynccontextmanager
async def served(*rules: Rule, seed: int = 0) -> AsyncIterator[tuple[LittleNode, Client]]:
    node = LittleNode()
    application = web.Application()
    application.router.add_post("/", node.post)
    application.router.add_get("/", node.push)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with running_proxy(url, Plan(rules=rules, seed=seed)) as proxy:
            timeout = aiohttp.ClientTimeout(total=60)
            async with aiohttp.ClientSession(timeout=timeout) as session:
                yield node, Client(session, proxy)
    finally:
        await runner.cleanup()


def always(fault: Fault, *methods: str) -> Rule:
    return Rule(fault=fault, methods=frozenset(methods))


async def test_no_plan__passed_on_and_counted() -> None:
    async with served() as (node, client):
        assert await client.ask("eth_chainId") == "0x3c4"
        assert await client.ask("eth_call", "a", "latest") == ["a", "latest"]
        assert node.methods() == ["eth_chainId", "eth_call"]
        assert client.proxy.asked == {"eth_chainId": 1, "eth_call": 1}


async def test_batch__one_member_is_refused__the_others_are_answered() -> None:
    async with served(always(Limited(), "eth_getLogs")) as (_, client):
        calls = [
            {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []},
            {"jsonrpc": "2.0", "id": 2, "method": "eth_getLogs", "params": []},
        ]
        async with client.session.post(client.proxy.rpc_url, json=calls) as response:
            first, second = await response.json()
        assert (first["id"], first["result"]) == (1, "0x3c4")
        assert (second["id"], second["error"]["code"]) == (2, -32005)


async def test_lag__client_has_given_up__the_node_gets_it_all_the_same() -> None:
    late = always(Lag(seconds=0.5, is_sent_late=True), "eth_sendRawTransaction")
    async with served(late) as (node, client):
        async with client.asking("eth_sendRawTransaction", "0x01"):
            assert node.asked == []
        async with asyncio.timeout(30):
            await node.is_asked.wait()
        assert node.methods() == ["eth_sendRawTransaction"]


async def test_lag_of_the_answer__the_node_has_it_meanwhile() -> None:
    async with served(always(Lag(seconds=0.5))) as (node, client):
        async with client.asking("eth_sendRawTransaction", "0x01"):
            await node.is_asked.wait()
        assert node.methods() == ["eth_sendRawTransaction"]


@pytest.mark.parametrize("is_forwarded", [True, False])
async def test_silence__never_answered__forwarded_or_not(is_forwarded: bool) -> None:
    async with served(always(Silence(is_forwarded=is_forwarded))) as (node, client):
        async with client.asking("eth_sendRawTransaction", "0x01"):
            if is_forwarded:
                await node.is_asked.wait()
            await asyncio.sleep(0.2)
        assert len(node.asked) == is_forwarded


async def test_twice__the_node_gets_two__the_later_answer_is_told() -> None:
    async with served(always(Twice(), "eth_sendRawTransaction")) as (node, client):
        assert await client.ask("eth_sendRawTransaction", "0x01") == "already known"
        assert len(node.asked) == 2


async def test_cut__half_the_answer_then_the_connection_breaks() -> None:
    async with served(always(Cut())) as (node, client):
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.ask("eth_sendRawTransaction", "0x01")
        assert node.methods() == ["eth_sendRawTransaction"]


async def test_truncated__an_answer_that_is_not_json() -> None:
    async with served(always(Truncated())) as (_, client):
        text = await client.text("eth_chainId")
        assert text
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


@pytest.mark.parametrize(("wait_s", "header"), [(30, "30"), (None, None)])
async def test_too_many_requests__says_how_long_when_it_says(
    wait_s: int | None, header: str | None
) -> None:
    async with served(always(TooManyRequests(retry_after_s=wait_s))) as (node, client):
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            await client.ask("eth_chainId")
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert refused.value.headers.get("Retry-After") == header
        assert node.asked == []


async def test_limited__the_code_and_the_delay_of_the_public_gateways() -> None:
    async with served(always(Limited(retry_after_s=3))) as (node, client):
        error = await client.ask("eth_chainId")
        assert error == {
            "code": -32005,
            "message": "storage work rate limit exceeded",
            "data": {"retry_after": 3},
        }
        assert node.asked == []


async def test_other_chain__only_the_chain_id_is_a_lie() -> None:
    async with served(always(OtherChain(chain_id=945), "eth_chainId")) as (_, client):
        assert await client.ask("eth_chainId") == hex(945)
        assert await client.ask("eth_blockNumber") == hex(TIP)


async def test_no_logs__an_empty_list() -> None:
    async with served(always(NoLogs(), "eth_getLogs")) as (_, client):
        assert await client.ask("eth_getLogs", {}) == []


async def test_stale__reads_of_the_tip__are_those_of_an_older_block() -> None:
    async with served(always(Stale(blocks=5))) as (_, client):
        older = hex(TIP - 5)
        assert await client.ask("eth_blockNumber") == older
        assert await client.ask("eth_getBlockByNumber", "latest", False) == [older, False]
        assert await client.ask("eth_call", {"to": "0x1"}, "latest") == [{"to": "0x1"}, older]
        assert await client.ask("eth_call", {"to": "0x1"}) == [{"to": "0x1"}, older]
        assert await client.ask("eth_getTransactionCount", "0x1", "pending") == ["0x1", "pending"]


async def test_stale__what_happened_since__is_not_there() -> None:
    async with served(always(Stale(blocks=5))) as (_, client):
        assert await client.ask("eth_getTransactionReceipt", "0xnew") is None
        assert (await client.ask("eth_getTransactionReceipt", "0xold"))["blockNumber"] == hex(90)
        assert (await client.ask("eth_getTransactionByHash", "0xnew"))["blockNumber"] is None
        assert await client.ask("eth_getBlockByNumber", hex(99), False) is None
        assert (await client.ask("eth_call", {}, hex(99)))["message"] == "header not found"
        assert await client.ask("eth_getBlockByNumber", hex(95), False) == [hex(95), False]
        found = await client.ask("eth_getLogs", {"fromBlock": hex(90), "toBlock": "latest"})
        assert [log["blockNumber"] for log in found] == [hex(90), hex(95)]
        refused = await client.ask("eth_getLogs", {"blockHash": "0xnew"})
        assert refused["message"] == "unknown block"
        assert await client.ask("eth_getLogs", {"blockHash": "0xold"}) == found


async def test_boast__how_far_it_is__is_more_and_all_else_is_true() -> None:
    async with served(always(Boast(blocks=10**9))) as (_, client):
        assert await client.ask("eth_blockNumber") == hex(TIP + 10**9)
        assert await client.ask("eth_getBlockByNumber", hex(95), False) == [hex(95), False]
        assert await client.ask("eth_getLogs", {}) == [{"data": "0x2a"}]


async def test_follow__another_plan__counts_start_again() -> None:
    async with served(always(NoLogs(), "eth_getLogs")) as (_, client):
        assert await client.ask("eth_getLogs", {}) == []
        assert client.proxy.struck == {"no logs": 1}
        client.proxy.follow(Plan())
        assert await client.ask("eth_getLogs", {}) == [{"data": "0x2a"}]
        assert (client.proxy.struck, client.proxy.asked) == ({}, {"eth_getLogs": 1})


async def heads_through(client: Client, node: LittleNode, *numbers: int) -> list[str]:
    """What arrives of these heads on a subscription before the connection ends."""
    async with client.session.ws_connect(client.proxy.ws_url) as socket:
        await socket.send_json({"id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
        for number in (*numbers, -1):
            node.heads.put_nowait(number)
        _, *seen = [message.data async for message in socket]
    return seen


def number_of(text: str) -> int:
    return int(json.loads(text)["params"]["result"]["number"], 16)


async def test_socket__no_plan__heads_in_order() -> None:
    async with served() as (node, client):
        assert [number_of(each) for each in await heads_through(client, node, 1, 2, 3)] == [1, 2, 3]


async def test_socket__a_head_is_lost__another_comes_twice() -> None:
    rules = (
        Rule(fault=Silence(is_forwarded=True), methods=frozenset({"eth_subscription"}), times=1),
        Rule(fault=Twice(), methods=frozenset({"eth_subscription"}), times=1),
    )
    async with served(*rules) as (node, client):
        assert [number_of(each) for each in await heads_through(client, node, 1, 2, 3)] == [2, 2, 3]


async def test_socket__cut__nothing_more_comes() -> None:
    rule = Rule(fault=Cut(), methods=frozenset({"eth_subscription"}), after=1)
    async with served(rule) as (node, client):
        assert [number_of(each) for each in await heads_through(client, node, 1, 2, 3)] == [1]


async def test_socket__truncated__not_json() -> None:
    async with served(always(Truncated(), "eth_subscription")) as (node, client):
        (text,) = await heads_through(client, node, 1)
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


async def test_socket__subscription_is_refused__the_node_never_hears_of_it() -> None:
    async with served(always(Limited(), "eth_subscribe")) as (node, client):
        async with client.session.ws_connect(client.proxy.ws_url) as socket:
            await socket.send_json({"id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
            assert (await socket.receive_json())["error"]["code"] == -32005
        assert node.asked == []


async def test_node_is_gone__bad_gateway() -> None:
    async with running_proxy("http://127.0.0.1:9") as proxy, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            await Client(session, proxy).ask("eth_chainId")
        assert refused.value.status == 502
