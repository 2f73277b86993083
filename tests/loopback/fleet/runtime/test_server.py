"""/live, /ready, /status and /metrics over HTTP."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from fleet.runtime.clock import ChainClock
from fleet.runtime.health import Health
from fleet.runtime.server import ListenError, server
from fleet.telemetry.instruments import Bounded
from fleet.telemetry.redaction import redact
from units import Timestamp

pytestmark = pytest.mark.loopback

Answer = tuple[int, str]

SECRET = "wss://keeper:hunter2@node.example/v1/0123456789abcdef0123456789abcdef"


class Pages:
    """The pages of a process with one bot."""

    def __init__(self) -> None:
        self.clock = ChainClock(Timestamp(1_000))
        self.health = Health(clock=self.clock, age_s_max=180)
        self.health.register("feeder")
        self.registry = CollectorRegistry()
        self.listen = f"127.0.0.1:{_free_port()}"

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        serve = server(
            listen=self.listen,
            health=self.health,
            registry=self.registry,
            redact=redact,
            status=lambda: {"role": "standby", "store": SECRET},
        )
        async with asyncio.TaskGroup() as group:
            service = group.create_task(serve())
            yield
            service.cancel()

    async def get(self, path: str) -> Answer:
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://{self.listen}{path}") as response:
                        return response.status, await response.text()
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_ready__follows_the_bots_successes() -> None:
    pages = Pages()
    async with pages.served():
        status, text = await pages.get("/ready")
        assert (status, "no success yet" in text) == (503, True)
        assert (await pages.get("/live"))[0] == 200

        pages.health.began("feeder")
        pages.health.succeeded("feeder")
        assert (await pages.get("/ready"))[0] == 200

        pages.health.began("feeder")
        pages.clock.advance(Timestamp(1_200))
        assert (await pages.get("/ready"))[0] == 503
        status, text = await pages.get("/live")
        assert (status, "in one step for 200 s" in text) == (503, True)


async def test_metrics__are_what_the_registry_holds() -> None:
    pages = Pages()
    Counter("megatao_steps", "Steps.", registry=pages.registry).inc(3)
    async with pages.served():
        status, text = await pages.get("/metrics")

    assert status == 200
    assert "megatao_steps_total 3.0" in text


@pytest.mark.parametrize("path", ["/ready", "/live", "/status", "/metrics"])
async def test_pages__a_failure_quotes_an_address_with_a_password__is_answered_without(
    path: str,
) -> None:
    pages = Pages()
    refused = Counter("megatao_refused", "Why.", ["reason"], registry=pages.registry)
    refused.labels(Bounded()(f"can't reach {SECRET}")).inc()
    pages.health.began("feeder")
    pages.health.failed("feeder", f"NodeUnavailable: {SECRET} refused")
    async with pages.served():
        _, text = await pages.get(path)
    assert "feeder" in text or "node.example" in text
    assert "hunter2" not in text
    assert "0123456789abcdef" not in text


async def test_serve__address_taken__says_which() -> None:
    pages = Pages()
    async with pages.served():
        await pages.get("/live")
        second = server(
            listen=pages.listen, health=pages.health, registry=pages.registry, redact=redact
        )
        with pytest.raises(ListenError, match=f"cannot listen on {pages.listen}: "):
            await second()


async def test_status__is_one_document_and_always_there() -> None:
    pages = Pages()
    async with pages.served():
        status, text = await pages.get("/status")
        assert status == 200
        found = json.loads(text)
        assert (found["role"], found["ready"], found["live"]) == ("standby", False, True)
        pages.health.began("feeder")
        pages.health.succeeded("feeder")
        _, text = await pages.get("/status")
        assert json.loads(text)["ready"] is True
