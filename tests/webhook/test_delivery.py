"""An alert on its way from a margin ratio to a real HTTP webhook, through every part in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from blockbuster import blockbuster_ctx

from fleet.store.engine import Database, open_database
from fleet.store.outbox import StoredOutbox
from fleet.store.warnings import StoredWarnings
from fleet.telemetry.channels import channels
from fleet.telemetry.messages import Message
from fleet.telemetry.notify import Notifier, NotifyPolicy
from fleet.telemetry.storms import Group
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.tiers import WarningPolicy
from tests.unit.keepers.warnings.scripted import World, head, risk
from units import BlockNumber, Bps, Timestamp

pytestmark = pytest.mark.loopback

NOW = Timestamp(1_700_000_000)
POLICY = NotifyPolicy()
FALL_ID = "0x00000000000000000000000000000001-1-2500-1"


@dataclass
class Webhook:
    """A receiver on a real port that keeps what it was sent."""

    port: int = 0
    status: int = 200
    hangs: bool = False
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/alerts"

    @property
    def ids(self) -> list[str]:
        return [body["message"].splitlines()[-1] for body in self.received]

    async def take(self, request: web.Request) -> web.Response:
        self.received.append(await request.json())
        if self.hangs:
            await asyncio.Event().wait()
        return web.Response(status=self.status)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    app = web.Application()
    app.router.add_post("/alerts", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.port = runner.addresses[0][1]
    yield hook
    await runner.cleanup()


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Database]:
    database = await open_database(f"sqlite+aiosqlite:///{file}")
    try:
        yield database
    finally:
        await database.close()


def notifier(outbox: StoredOutbox, hook: Webhook, timeout_s: float = 30) -> Notifier:
    urls = {"page": [hook.url], "notify": [hook.url]}
    served = channels(urls, source="devnet", timeout_s=timeout_s)
    return Notifier(outbox=outbox, channels=served, policy=POLICY)


async def fall(database: Database) -> None:
    """One position falls from 33 % to 24.31 %, another into the first tier only."""
    world = World(risks={1: [risk(1, 3300), risk(2, 4000)], 2: [risk(1, 2431), risk(2, 3400)]})
    bot = WarningsKeeper(
        risks=world, log=world, store=StoredWarnings(database), policy=WarningPolicy()
    )
    for block in (1, 2):
        await bot.step(head(block))


async def crash(database: Database, positions: int) -> None:
    """So many positions fall through 25 % in one block, each a little deeper than the next."""
    calm = [risk(1, 4_000, sequence=n) for n in range(1, positions + 1)]
    fallen = [replace(each, ratio_bps=Bps(2_499 - n % 400)) for n, each in enumerate(calm)]
    world = World(risks={1: calm, 2: fallen})
    bot = WarningsKeeper(
        risks=world, log=world, store=StoredWarnings(database), policy=WarningPolicy()
    )
    for block in (1, 2):
        await bot.step(head(block))


class PowerCutError(Exception):
    """The process ends here."""


class DiesBeforeMarking(StoredOutbox):
    """The process ends after the service took the message and before that is written down."""

    async def close(self, group: Group, channel: str, now: Timestamp) -> None:
        if channel == "log":
            await super().close(group, channel, now)
        else:
            raise PowerCutError


async def test_delivery__a_fall__arrives_once_with_its_id(tmp_path: Path, webhook: Webhook) -> None:
    async with opened(tmp_path / "store.db") as database:
        await fall(database)
        bot = notifier(StoredOutbox(database), webhook)

        first = await bot.drain(NOW)
        await bot.drain(NOW)

    (body,) = webhook.received
    assert first.still_open == 0
    assert body["title"] == "[devnet] Margin below 25 % in market 8"
    assert "fell below 25 %; margin ratio 24.31 % at block 2" in body["message"]
    assert body["type"] == "warning"
    assert webhook.ids == [f"notify {FALL_ID}"]


async def test_delivery__a_thousand_fall__one_message_with_the_worst_ten_and_a_count(
    tmp_path: Path, webhook: Webhook
) -> None:
    async with opened(tmp_path / "store.db") as database:
        await crash(database, 1_000)
        bot = notifier(StoredOutbox(database), webhook)
        await bot.drain(NOW)
        await bot.drain(Timestamp(NOW + 1))

    (body,) = webhook.received
    assert body["title"].startswith("[devnet] 1000 alerts at once, the worst: Margin below 25 %")
    lines = body["message"].splitlines()
    assert lines[10] == "and 990 more: all of them are in the log"
    assert all("margin ratio 21.00 %" in line or "margin ratio 21 %" in line for line in lines[:2])


async def test_delivery__process_dies_between_sending_and_marking__again_with_the_same_id(
    tmp_path: Path, webhook: Webhook
) -> None:
    async with opened(tmp_path / "store.db") as database:
        await fall(database)
        with pytest.raises(ExceptionGroup) as death:
            await notifier(DiesBeforeMarking(database), webhook).drain(NOW)
        assert death.group_contains(PowerCutError)
    assert len(webhook.received) == 1

    async with opened(tmp_path / "store.db") as database:
        after = await notifier(StoredOutbox(database), webhook).drain(NOW)

    assert webhook.ids == [f"notify {FALL_ID}"] * 2
    assert after.still_open == 0


async def test_delivery__service_refuses__again_after_a_pause(
    tmp_path: Path, webhook: Webhook
) -> None:
    webhook.status = 500
    async with opened(tmp_path / "store.db") as database:
        await fall(database)
        bot = notifier(StoredOutbox(database), webhook)

        refused = await bot.drain(NOW)
        webhook.status = 200
        await bot.drain(NOW)
        early = len(webhook.received)
        taken = await bot.drain(Timestamp(NOW + POLICY.retry_s_min))

    assert (refused.still_open, early, taken.still_open) == (1, 1, 0)
    assert webhook.ids == [f"notify {FALL_ID}"] * 2


async def test_delivery__service_hangs__given_up_for_now_within_the_time_limit(
    tmp_path: Path, webhook: Webhook
) -> None:
    webhook.hangs = True
    async with opened(tmp_path / "store.db") as database:
        await fall(database)
        bot = notifier(StoredOutbox(database), webhook, timeout_s=0.1)

        async with asyncio.timeout(30):
            result = await bot.drain(NOW)

    assert result.still_open == 1


async def test_delivery__from_the_fall_to_the_webhook__nothing_blocks_the_event_loop(
    tmp_path: Path, webhook: Webhook
) -> None:
    async with opened(tmp_path / "store.db") as database:
        bot = notifier(StoredOutbox(database), webhook)

        with blockbuster_ctx():
            await fall(database)
            result = await bot.drain(NOW)

    assert (result.still_open, len(webhook.received)) == (0, 1)


async def test_delivery__nobody_listens__stays_in_the_outbox(tmp_path: Path) -> None:
    async with opened(tmp_path / "store.db") as database:
        await fall(database)

        result = await notifier(StoredOutbox(database), Webhook(port=9)).drain(NOW)

    assert result.still_open == 1


async def test_send__a_message_quotes_an_address_with_a_password__arrives_without(
    webhook: Webhook,
) -> None:
    _, service = channels({"page": [webhook.url]}, source="devnet")
    quote = "wss://keeper:hunter2@node.example"
    await service.send(
        Message(
            id="one",
            severity="page",
            title=f"{quote} is away",
            body=f"can't reach {quote}",
            block=BlockNumber(1),
            created_at=NOW,
        )
    )
    said = str(webhook.received)
    assert said.count("node.example") == 2
    assert "hunter2" not in said
