"""The proxy itself: HTTP and WebSocket on one port, in front of one node.

Without a plan it passes everything on, byte for byte, and only counts.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, assert_never, get_args

import aiohttp
from aiohttp import web

from devnet.faults.faults import (
    Cut,
    Fault,
    InAnswer,
    InTransport,
    Lag,
    Silence,
    TooManyRequests,
    Truncated,
    Twice,
)
from devnet.faults.plan import Plan, Schedule
from devnet.faults.sockets import relay
from devnet.faults.upstream import Call, Upstream

_NOTHING = Plan()
_BODY_BYTES_MAX = 32 * 2**20
_SHUTDOWN_SECONDS = 0.1


class FaultProxy:
    """Takes requests for one node and lets the plan's faults befall them.

    `plan` may be replaced at any time; the counts start again with it.
    """

    def __init__(self, *, session: aiohttp.ClientSession, target: str, plan: Plan) -> None:
        self._session = session
        self._target = target
        self._upstream = Upstream(session, target)
        self._schedule = Schedule(plan)
        self._closing = asyncio.Event()
        self.port = 0

    @property
    def rpc_url(self) -> str:
        """Where it takes JSON-RPC over HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Where it takes JSON-RPC and subscriptions over WebSocket."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def asked(self) -> Counter[str]:
        """Requests under the present plan, by method."""
        return self._schedule.asked

    @property
    def struck(self) -> Counter[str]:
        """Faults under the present plan, by kind."""
        return self._schedule.struck

    def follow(self, plan: Plan) -> None:
        """Another plan from now on."""
        self._schedule = Schedule(plan)

    def stop_waiting(self) -> None:
        """Lets go of those who were never to be answered."""
        self._closing.set()

    async def post(self, request: web.Request) -> web.StreamResponse:
        """One HTTP request: a call or a batch; status 502 while the node is gone."""
        try:
            return await self._post(request, await request.read())
        except aiohttp.ClientConnectionError:
            return web.Response(status=502)

    async def _post(self, request: web.Request, body: bytes) -> web.StreamResponse:
        asked = json.loads(body)
        calls: list[Call] = asked if isinstance(asked, list) else [asked]
        faults = [self._schedule.next(str(call.get("method"))) for call in calls]
        on_the_way = next(
            (each for each in faults if isinstance(each, get_args(InTransport))), None
        )
        if on_the_way is not None:
            return await self._carry_badly(request, body, on_the_way)
        if all(each is None for each in faults):
            return _response(await self._upstream.forward(body))
        answers = await self._answers(calls, faults)
        return _response(json.dumps(answers if isinstance(asked, list) else answers[0]).encode())

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket, for as long as both ends keep it."""
        target = self._target.replace("http", "ws", 1)
        return await relay(request, self._session, target, self._strike)

    def _strike(self, method: str) -> Fault | None:
        """By the plan of the moment: a socket outlives plans."""
        return self._schedule.next(method)

    async def _answers(
        self, calls: Sequence[Call], faults: Sequence[Fault | None]
    ) -> list[dict[str, Any]]:
        found = []
        for call, fault in zip(calls, faults, strict=True):
            lie = fault if isinstance(fault, get_args(InAnswer)) else None
            found.append(await self._upstream.answer(call, lie))
        return found

    async def _carry_badly(
        self, request: web.Request, body: bytes, fault: InTransport
    ) -> web.StreamResponse:
        match fault:
            case Lag():
                return await self._late(body, fault)
            case Silence():
                return await self._never(body, fault)
            case Twice():
                await self._upstream.forward(body)
                return _response(await self._upstream.forward(body))
            case Cut():
                return await _cut_off(request, await self._upstream.forward(body))
            case Truncated():
                whole = await self._upstream.forward(body)
                return _response(whole[: len(whole) // 2])
            case TooManyRequests():
                return _too_many(fault)
            case _:
                assert_never(fault)

    async def _late(self, body: bytes, fault: Lag) -> web.Response:
        if fault.is_sent_late:
            await asyncio.sleep(fault.seconds)
            return _response(await self._upstream.forward(body))
        answer = await self._upstream.forward(body)
        await asyncio.sleep(fault.seconds)
        return _response(answer)

    async def _never(self, body: bytes, fault: Silence) -> web.Response:
        if fault.is_forwarded:
            await self._upstream.forward(body)
        await self._closing.wait()
        return web.Response(status=503)


@contextlib.asynccontextmanager
async def running_proxy(
    target: str, plan: Plan = _NOTHING, *, port: int = 0
) -> AsyncIterator[FaultProxy]:
    """A proxy in front of `target` (an http:// URL); on a free port unless one is named."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        proxy = FaultProxy(session=session, target=target, plan=plan)
        application = web.Application(client_max_size=_BODY_BYTES_MAX)
        application.router.add_post("/", proxy.post)
        application.router.add_get("/", proxy.connect)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            proxy.port = runner.addresses[0][1]
            yield proxy
        finally:
            proxy.stop_waiting()
            await runner.cleanup()


def _response(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _too_many(fault: TooManyRequests) -> web.Response:
    wait = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return web.Response(status=429, headers=wait)


async def _cut_off(request: web.Request, answer: bytes) -> web.StreamResponse:
    """Promises the whole answer, sends half and hangs up."""
    response = web.StreamResponse()
    response.content_type, response.content_length = "application/json", len(answer)
    await response.prepare(request)
    await response.write(answer[: len(answer) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response
