"""What a lane may spend, on a simulated chain."""

import asyncio

import pytest

from fleet.transactions.attempt import State
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.rehearsal import EverythingCounts
from fleet.transactions.request import (
    Lane,
    Outcome,
    Refused,
    Submitted,
    TransactionRequest,
)
from fleet.transactions.spending import SpendPolicy, Spent
from fleet.transactions.testing.answers import Answer
from tests.unit.fleet.transactions.world import GWEI, World
from units import BlockNumber, Wei

SKIPPED = frozenset({b"skipped"})


class Skips(EverythingCounts):
    """A judge for whom some payloads do nothing on chain; the simulation can't tell."""

    def had_effect(self, request: TransactionRequest, logs: object) -> bool:
        return request.data not in SKIPPED


class Reports(EverythingCounts):
    """A judge who says of everything what it was and how it ended."""

    def report(self, request: TransactionRequest, outcome: Outcome) -> str | None:
        return f"{request.idempotency_key}: {type(outcome).__name__}"


async def test_settle__final__what_the_judge_reports_goes_into_the_journal_with_it() -> None:
    world = World()
    world.judge = Reports()
    world.another_process()
    await world.submit("a")
    await world.mine()
    (entry,) = world.journal.entries.values()
    assert entry.report is None  # a reorganisation may still undo it
    await world.conclude()
    (entry,) = world.journal.entries.values()
    assert (entry.state, entry.report) == (State.FINAL, "a: Final")


def watched() -> World:
    """A world whose liquidation lane may waste one transaction, not two."""
    world = World(
        SenderPolicy(
            spending=SpendPolicy(
                without_effect_max=dict.fromkeys(Lane, Wei(300_000 * GWEI)),
                with_effect_max=dict.fromkeys(Lane, Wei(10**18)),
            )
        )
    )
    world.judge = Skips()
    world.another_process()
    return world


async def test_submit__lane_spends_without_effect__stopped_and_the_others_go_on() -> None:
    world = watched()
    for key in ("a", "b"):
        assert isinstance(await world.submit(key, data=b"skipped"), Submitted)
        await world.conclude()
    refused = await world.submit("c")
    assert isinstance(refused, Refused)
    assert "keepers spend reset" in refused.reason
    assert isinstance(await world.submit("price", lane=Lane.PRICE), Submitted)
    status = world.sender.status
    assert status is not None
    assert list(status.stopped) == [Lane.LIQUIDATION]


async def test_submit__reverted_and_expired__count_as_without_effect() -> None:
    world = watched()
    world.chain.succeeds = lambda data: data != b"reverts"
    await world.submit("a", data=b"reverts")
    await world.conclude()
    await world.submit("b", valid_until=BlockNumber(world.chain.blocks[-1].head.number + 1))
    await world.stall(1)
    await world.conclude()
    assert isinstance(await world.submit("c"), Refused)


class Overtaken(EverythingCounts):
    """A judge for whom every payload has been done by others."""

    def pointless(self, request: TransactionRequest, result: bytes) -> str | None:
        return "every one of its entries would be skipped"


async def test_submit__others_have_done_it__is_moot_and_what_reverts_is_not() -> None:
    world = World()
    world.judge = Overtaken()
    world.another_process()
    world.chain.rehearses = lambda data: data != b"reverts"
    moot = await world.submit("a")
    assert isinstance(moot, Refused)
    assert moot.is_moot
    reverting = await world.submit("b", data=b"reverts")
    assert isinstance(reverting, Refused)
    assert not reverting.is_moot


async def test_submit__spends_with_effect__goes_on() -> None:
    world = watched()
    for key in ("a", "b", "c", "d"):
        assert isinstance(await world.submit(key), Submitted)
        await world.conclude()


async def test_recover__lane_was_stopped__stays_stopped_until_it_is_reset() -> None:
    world = watched()
    for key in ("a", "b"):
        await world.submit(key, data=b"skipped")
        await world.conclude()
    world.another_process()
    assert isinstance(await world.submit("c"), Refused)
    world.journal.reset(Lane.LIQUIDATION)
    assert isinstance(await world.submit("c"), Submitted), "without a restart"


async def test_submit__wasted_in_blocks_that_are_not_final__stopped_until_it_is_reset() -> None:
    """Finality stands still: neither does a lane go on wasting, nor does it wait for finality."""
    world = watched()
    world.chain.finality_lag = 100
    for key in ("a", "b"):
        assert isinstance(await world.submit(key, data=b"skipped"), Submitted)
        await world.mine()
    assert isinstance(await world.submit("c"), Refused)
    assert list(world.journal.stopped) == [Lane.LIQUIDATION], "for whoever resets it"
    world.another_process()
    assert isinstance(await world.submit("c"), Refused), "it lasts"
    world.journal.reset(Lane.LIQUIDATION)
    assert isinstance(await world.submit("c"), Submitted)
    world.chain.finality_lag = 0
    await world.mine(2)
    assert isinstance(await world.submit("d"), Submitted), "what was forgiven is final now"
    await world.submit("e", data=b"skipped")
    await world.submit("f", data=b"skipped")
    await world.mine(2)
    assert isinstance(await world.submit("g"), Refused), "what came after counts"


async def test_status__finality_stands_still__half_is_told_before_the_ceiling_stops_the_lane() -> (
    None
):
    world = World(
        SenderPolicy(
            spending=SpendPolicy(
                without_effect_max=dict.fromkeys(Lane, Wei(10**18)),
                with_effect_max=dict.fromkeys(Lane, Wei(4 * 21_000 * 12 * GWEI)),
            )
        )
    )
    world.chain.finality_lag = 100
    stopped_at = half_at = None
    for number in range(6):
        if isinstance(await world.submit(f"{number}"), Refused):
            stopped_at = number
            break
        await world.mine()
        status = world.sender.status
        assert status is not None
        if half_at is None and Lane.LIQUIDATION in status.half_spent:
            half_at = number
            assert status.stopped == {}
            assert 2 * status.day[Lane.LIQUIDATION].with_effect > 4 * 21_000 * 12 * GWEI
    assert (half_at, stopped_at) == (2, 5)


async def test_status__another_process__what_a_lane_spent_days_ago_is_not_of_its_last_day() -> None:
    world = watched()
    await world.submit("old", lane=Lane.FUNDING)
    await world.conclude()
    world.chain.clock_offset = 3 * 86_400
    await world.submit("new", lane=Lane.PRICE)
    await world.conclude()
    before = world.sender.status
    world.another_process()
    await world.sender.recover()
    after = world.sender.status
    assert before is not None
    assert after is not None
    assert before.day[Lane.FUNDING] == after.day[Lane.FUNDING] == Spent()
    assert before.day[Lane.PRICE] == after.day[Lane.PRICE] != Spent()


async def test_submit__lane_is_stopped_while_one_waits_for_its_turn__that_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = watched()
    for key in ("a", "b"):
        await world.submit(key, data=b"skipped")
    head = world.chain.mine()
    has_come, goes_on, send = asyncio.Event(), asyncio.Event(), world.chain.send_raw

    async def held(raw: bytes) -> Answer:
        has_come.set()
        await goes_on.wait()
        return await send(raw)

    monkeypatch.setattr(world.chain, "send_raw", held)
    async with asyncio.TaskGroup() as tasks:
        price = tasks.create_task(world.submit("price", lane=Lane.PRICE))
        await has_come.wait()
        waiting = tasks.create_task(world.submit("c"))
        for _ in range(10):  # it is let in, and waits
            await asyncio.sleep(0)
        await world.sender.settle(head)
        goes_on.set()
    assert isinstance(price.result(), Submitted)
    assert isinstance(waiting.result(), Refused)
