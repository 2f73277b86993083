"""What a real Sentry would receive: real envelopes over a real socket, and what is not in them."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sentry_sdk
import structlog
from aiohttp import web

from fleet.chain.failures import NodeUnavailable
from fleet.telemetry import errors
from fleet.telemetry.errors import ErrorPolicy
from fleet.telemetry.metrics import Metrics
from fleet.wiring.observer import Observer, fatal_reported
from tests.unit.fleet.runtime.streams import head

pytestmark = pytest.mark.loopback

KEY = "0x" + "4c" * 32
TRADER = "0x7f40FDAd45E2d8045eCEa9FD313cCa3fE9958e77"


@dataclass
class Sentry:
    """Receives envelopes and keeps their events."""

    port: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self.port}/1"

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        text = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
        self.raw.append(text)
        lines = [json.loads(line) for line in text.splitlines()]
        self.events += [
            payload
            for kind, payload in zip(lines[1::2], lines[2::2], strict=True)
            if kind["type"] == "event"
        ]
        self.arrived.set()
        return web.json_response({"id": "0"})

    async def received(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(self.events) < count:
                await self.arrived.wait()
                self.arrived.clear()
        return self.events


@pytest.fixture
async def sentry() -> AsyncIterator[Sentry]:
    found = Sentry()
    app = web.Application()
    app.router.add_post("/api/1/envelope/", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    policy = ErrorPolicy(dsn=found.dsn, environment="devnet", release="keepers@0.1.0")
    assert errors.start(policy)
    yield found
    await asyncio.to_thread(sentry_sdk.get_client().close)
    await runner.cleanup()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


@pytest.fixture
def observer() -> Observer:
    return Observer(Metrics(version="1", network="devnet"))


class BookBrokenError(Exception):
    """An invariant that does not hold."""


def broken(block: int) -> BookBrokenError:
    try:
        _break(block)
    except BookBrokenError as error:
        return error
    raise AssertionError


def _break(block: int) -> None:
    private_key = KEY  # noqa: F841 - a local that must not leave the process
    raise BookBrokenError(
        f"block {block}: {TRADER} is twice in the book; read from"
        f" https://user:hunter2@node.example/v1/abcdef0123456789abcdef, private_key={KEY}"
    )


async def test_a_broken_invariant__arrives_with_its_bot_and_without_a_secret(
    sentry: Sentry, observer: Observer
) -> None:
    observer.failed("liquidator", head(7), broken(7), 1)

    (event,) = await sentry.received(1)
    assert event["tags"]["bot"] == "liquidator"
    assert event["exception"]["values"][-1]["type"] == "BookBrokenError"
    assert "block 7: 0x*** is twice in the book" in event["exception"]["values"][-1]["value"]
    for hidden in ("hunter2", "node.example", "abcdef0123456789", KEY, TRADER, "private_key = "):
        assert hidden not in sentry.raw[0], hidden


async def test_others_that_are_away__are_no_report(sentry: Sentry, observer: Observer) -> None:
    observer.failed("liquidator", head(7), NodeUnavailable("no answer in 5 s"), 1)
    observer.failed("liquidator", head(8), TimeoutError(), 1)
    observer.failed("liquidator", head(9), broken(9), 2)
    observer.failed("liquidator", head(10), broken(10), 1)

    events = await sentry.received(1)
    await asyncio.to_thread(errors.stop, 5)
    assert len(events) == 1


async def test_the_same_defect_in_many_blocks__is_one_group_and_one_group_a_bot(
    sentry: Sentry, observer: Observer
) -> None:
    for block in range(3):
        observer.failed("liquidator", head(block), broken(block), 1)
    observer.failed("warnings", head(9), broken(9), 1)

    events = await sentry.received(4)
    groups = {tuple(event["fingerprint"]) for event in events}
    assert len(groups) == 2
    assert {group[1] for group in groups} == {"liquidator", "warnings"}


async def test_what_a_process_dies_of__is_reported_whatever_it_is(sentry: Sentry) -> None:
    with pytest.raises(ExceptionGroup), fatal_reported():
        raise ExceptionGroup("bots", [NodeUnavailable("gone"), broken(1)])

    events = await sentry.received(2)
    assert [event["tags"]["kind"] for event in events] == ["fatal", "fatal"]


async def test_a_sentry_that_is_away__costs_nothing(observer: Observer) -> None:
    dsn = "http://publickey@127.0.0.1:1/1"
    errors.start(ErrorPolicy(dsn=dsn, environment="devnet", release="1"))

    observer.failed("liquidator", head(7), broken(7), 1)

    await asyncio.to_thread(sentry_sdk.get_client().close, 1)
