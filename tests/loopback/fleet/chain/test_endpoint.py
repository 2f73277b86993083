"""An endpoint against a real HTTP server that misbehaves in every way a proxy can."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from fleet.chain import endpoint as endpoint_module
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    AskedToWait,
    CallReverted,
    ChainError,
    NodeUnavailable,
    RateUsedUp,
    RequestRejected,
    StateUnavailable,
)
from fleet.chain.replies import Asked
from fleet.chain.throttle import Rate, Urgency

pytestmark = pytest.mark.loopback

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(reply: Reply, **changes: Any) -> AsyncIterator[Endpoint]:
    """An endpoint whose server replies like this; the key is in the path."""
    application = web.Application()
    application.router.add_post("/secret-key", reply)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    options: dict[str, Any] = {"rate": None, "timeout_s": 20.0} | changes
    endpoint = Endpoint(name="local", url=f"http://127.0.0.1:{port}/secret-key", **options)
    try:
        yield endpoint
    finally:
        await endpoint.close()
        await runner.cleanup()


def rpc(**answer: object) -> Reply:
    async def reply(request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **answer})

    return reply


def http(status: int, body: str = "", **headers: str) -> Reply:
    async def reply(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    return reply


async def failure_of(reply: Reply, method: str = "eth_call", **changes: Any) -> ChainError:
    async with served(reply, **changes) as endpoint:
        with pytest.raises(ChainError) as failure:
            await endpoint.request(method, [], Urgency.DECIDING)
    assert "secret-key" not in str(failure.value), "the URL may hold a key"
    return failure.value


async def test_request__result__as_it_came() -> None:
    async with served(rpc(result={"a": [1]})) as endpoint:
        assert await endpoint.request("eth_call", [], Urgency.DECIDING) == {"a": [1]}


async def test_request__many__one_connection_is_kept() -> None:
    peers: set[object] = set()

    async def reply(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.json_response({"jsonrpc": "2.0", "id": 1, "result": "0x1"})

    async with served(reply) as endpoint:
        for _ in range(5):
            await endpoint.request("eth_blockNumber", [], Urgency.DECIDING)
    assert len(peers) == 1


async def test_request__web3_on_top__shares_the_connection() -> None:
    async with served(rpc(result="0x3c4")) as endpoint:
        assert await endpoint.web3.eth.chain_id == 964


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (http(429, **{"Retry-After": "7"}), 7.0),
        (http(429), 12.0),
        (http(429, **{"Retry-After": "0"}), 12.0),
        (http(429, **{"Retry-After": "99999999"}), 3_600.0),
        (http(429, **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 12.0),
        (
            http(
                429,
                Date="Wed, 21 Oct 2026 07:28:00 GMT",
                **{"Retry-After": "Wed, 21 Oct 2026 07:28:40 GMT"},
            ),
            40.0,
        ),
        (http(503, **{"Retry-After": "9"}), 9.0),
        (rpc(error={"code": -32005, "message": "limit", "data": {"retry_after": 3}}), 3.0),
        (rpc(error={"code": -32004, "message": "storage work rate limit exceeded"}), 12.0),
        (http(429, **{"Retry-After": "Wed, 21 Oct 99999999999 07:28:00 GMT"}), 12.0),
        (rpc(error={"code": -32005, "message": "limit", "data": {"retry_after": 10**400}}), 12.0),
        (http(503), 0.0),
    ],
)
async def test_request__asked_to_stay_away__says_for_how_long(reply: Reply, seconds: float) -> None:
    failure = await failure_of(reply)
    assert isinstance(failure, NodeUnavailable)
    assert failure.retry_after_s == seconds
    assert isinstance(failure, AskedToWait) is (seconds > 0)


async def test_request__sending_is_asked_to_stay_away__too() -> None:
    limited = rpc(error={"code": -32005, "message": "limit"})
    failure = await failure_of(limited, "eth_sendRawTransaction")
    assert isinstance(failure, NodeUnavailable)


@pytest.mark.parametrize(
    "reply",
    [
        http(200, "<html>"),
        http(200, ""),
        http(200, "[]"),
        http(200, '"x"'),
        http(200, "[" * 200_000),
        http(200, "1" * 10_000),
        http(404),
    ],
    ids=["html", "empty", "a list", "a text", "nested without end", "endless digits", "404"],
)
async def test_request__no_json_rpc__unavailable(reply: Reply) -> None:
    assert isinstance(await failure_of(reply), NodeUnavailable)


async def test_request__a_body_without_end__given_up_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint_module, "BODY_BYTES_MAX", 100_000)

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 10_000)
        return response

    assert isinstance(await failure_of(reply), NodeUnavailable)


async def test_request__hangs__given_up_in_time() -> None:
    async def reply(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with asyncio.timeout(30):
        failure = await failure_of(reply, timeout_s=0.1)
    assert "no answer in 0.1 s" in str(failure)


async def test_request__body_trickles__given_up_in_time() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    async with asyncio.timeout(30):
        assert isinstance(await failure_of(reply, timeout_s=0.2), NodeUnavailable)


async def test_request__nobody_listens__unavailable() -> None:
    async with served(rpc(result=1)) as gone:
        url = gone._provider._url
    endpoint = Endpoint(name="local", url=url, rate=None, timeout_s=20.0)
    with pytest.raises(NodeUnavailable, match="local: cannot connect: Connection refused"):
        await endpoint.request("eth_call", [], Urgency.DECIDING)
    await endpoint.close()


async def test_request__connection_dropped_in_flight__unavailable() -> None:
    async def reply(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert isinstance(await failure_of(reply), NodeUnavailable)


async def test_request__revert__its_data() -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0xdeadbeef"}
    failure = await failure_of(rpc(error=error))
    assert isinstance(failure, CallReverted)
    assert failure.data == bytes.fromhex("deadbeef")


async def test_request__no_state_of_that_block__its_own_type() -> None:
    failure = await failure_of(rpc(error={"code": -32000, "message": "header not found"}))
    assert isinstance(failure, StateUnavailable)


async def test_request__refused__code_and_words() -> None:
    failure = await failure_of(rpc(error={"code": -32601, "message": "no such method"}))
    assert isinstance(failure, RequestRejected)
    assert (failure.code, failure.message) == (-32601, "no such method")


async def test_request__sending_is_refused__never_read_as_a_revert() -> None:
    error = {"code": -32000, "message": "execution reverted"}
    failure = await failure_of(rpc(error=error), "eth_sendRawTransaction")
    assert isinstance(failure, RequestRejected)


async def test_request__rate_is_used_up__unavailable_without_asking() -> None:
    asked = 0

    async def reply(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(text=json.dumps({"jsonrpc": "2.0", "id": 1, "result": 1}))

    rate = Rate(requests=1, period_s=600)
    async with served(reply, rate=rate, timeout_s=1.0) as endpoint:
        await endpoint.request("eth_call", [], Urgency.DECIDING)
        with pytest.raises(RateUsedUp, match="rate is used up"):
            await endpoint.request("eth_call", [], Urgency.DECIDING)
    assert asked == 1


COUNTS: list[Asked] = [("eth_getTransactionCount", [tag]) for tag in ("a", "b", "c")]


def batching(seen: list[Any], *, change: Callable[[list[Any]], Any] = lambda each: each) -> Reply:
    """Answers a list with a list in reverse order, and notes every body."""

    async def reply(request: web.Request) -> web.Response:
        asked = await request.json()
        seen.append(asked)
        if isinstance(asked, dict):
            return web.json_response({"id": asked["id"], "result": asked["params"][0]})
        answers = [{"id": each["id"], "result": each["params"][0]} for each in reversed(asked)]
        return web.json_response(change(answers))

    return reply


async def test_batch__node_takes_it__one_exchange_and_answers_in_order() -> None:
    seen: list[Any] = []
    async with served(batching(seen), batch_max=10) as endpoint:
        assert await endpoint.batch(COUNTS, Urgency.SENDING) == ["a", "b", "c"]
    assert len(seen) == 1


async def test_batch__more_than_allowed__several_exchanges() -> None:
    seen: list[Any] = []
    async with served(batching(seen), batch_max=2) as endpoint:
        assert await endpoint.batch(COUNTS, Urgency.SENDING) == ["a", "b", "c"]
    assert [len(each) if isinstance(each, list) else 1 for each in seen] == [2, 1]


@pytest.mark.parametrize("batch_max", [0, 1])
async def test_batch__not_allowed__one_by_one(batch_max: int) -> None:
    seen: list[Any] = []
    async with served(batching(seen), batch_max=batch_max) as endpoint:
        assert await endpoint.batch(COUNTS, Urgency.SENDING) == ["a", "b", "c"]
    assert all(isinstance(each, dict) for each in seen)


@pytest.mark.parametrize(
    "refusal", [{"id": None, "error": {"code": -32600, "message": "batch not supported"}}, 413]
)
async def test_batch__node_refuses_it__one_by_one_from_then_on(refusal: Any) -> None:
    seen: list[Any] = []
    plain = batching(seen)

    async def reply(request: web.Request) -> web.StreamResponse:
        if not (await request.text()).startswith("["):
            return await plain(request)
        seen.append("a batch")
        if isinstance(refusal, int):
            return web.Response(status=refusal)
        return web.json_response(refusal)

    async with served(reply, batch_max=10) as endpoint:
        assert await endpoint.batch(COUNTS, Urgency.SENDING) == ["a", "b", "c"]
        assert await endpoint.batch(COUNTS, Urgency.SENDING) == ["a", "b", "c"]
    assert seen.count("a batch") == 1


LIMITED = json.dumps({"id": None, "error": {"code": -32005, "message": "limit"}})


@pytest.mark.parametrize("reply", [http(429), http(200, LIMITED)])
async def test_batch__asked_to_wait__is_not_taken_for_a_node_without_batches(reply: Reply) -> None:
    async with served(reply, batch_max=10) as endpoint:
        with pytest.raises(AskedToWait):
            await endpoint.batch(COUNTS, Urgency.SENDING)
        assert endpoint._batch_max == 10


async def test_batch__an_answer_is_missing__nothing_is_believed() -> None:
    async with served(batching([], change=lambda each: each[:2]), batch_max=10) as endpoint:
        with pytest.raises(NodeUnavailable, match="missing"):
            await endpoint.batch(COUNTS, Urgency.SENDING)


async def test_batch__one_of_them_fails__fails_as_it_would_alone() -> None:
    def change(answers: list[Any]) -> list[Any]:
        failed = {"id": 1, "error": {"code": -32000, "message": "header not found"}}
        return [answers[0], failed, answers[2]]

    async with served(batching([], change=change), batch_max=10) as endpoint:
        with pytest.raises(StateUnavailable):
            await endpoint.batch(COUNTS, Urgency.SENDING)


async def test_batch__more_than_the_rate__waits_for_its_turn_or_says_so() -> None:
    rate = Rate(requests=2, period_s=600)
    async with served(batching([]), batch_max=10, rate=rate, timeout_s=0.1) as endpoint:
        with pytest.raises(RateUsedUp):
            await endpoint.batch(COUNTS, Urgency.SENDING)


async def test_request__after_the_end__fails_and_opens_nothing() -> None:
    async with served(http(200, json.dumps({"id": 1, "result": "0x1"}))) as endpoint:
        await endpoint.request("eth_chainId", [], Urgency.SENDING)
        await endpoint.close()
        with pytest.raises(NodeUnavailable):
            await endpoint.request("eth_chainId", [], Urgency.SENDING)
        assert endpoint._provider._session is None
