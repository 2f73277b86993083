"""One request at a time a position, and urgent work that is in nobody's way."""

import asyncio
from typing import Any

import pytest

from fleet.transactions.request import (
    AlreadyInFlight,
    Expired,
    Final,
    Lane,
    Refused,
    Reverted,
    Submitted,
)
from fleet.transactions.testing import Silence
from fleet.transactions.testing.answers import Rehearsal
from tests.unit.fleet.transactions.world import GWEI, World
from units import BlockNumber, Wei


async def test_submit__subject_in_flight__refused_by_name_until_it_is_in_a_block() -> None:
    world = World()
    await world.submit("a", subjects=("p", "q"))
    assert world.sender.busy(("q", "r")) == frozenset({"q"})
    refused = await world.submit("b", subjects=("q", "r"))
    assert isinstance(refused, Refused)
    assert refused.busy == frozenset({"q"})
    await world.mine()
    assert world.sender.busy(("q",)) == frozenset()
    assert isinstance(await world.submit("b", subjects=("q", "r")), Submitted)


async def test_submit__subject_of_a_withdrawn_request__free_at_once() -> None:
    world = World()
    await world.submit("a", subjects=("p",), valid_until=BlockNumber(1))
    await world.stall(1)
    assert isinstance(await world.submit("b", subjects=("p",)), Submitted)


async def test_submit__expired_or_reverted_before__may_be_asked_for_anew() -> None:
    world = World()
    world.chain.succeeds = lambda data: data != b"reverts"
    await world.submit("late", subjects=("p",), valid_until=BlockNumber(1))
    await world.submit("reverts", subjects=("q",))
    await world.stall(1)
    told = {each.request.idempotency_key: each.outcome for each in await world.conclude()}
    assert [type(told[key]) for key in ("late", "reverts")] == [Expired, Reverted]
    world.chain.succeeds = lambda _: True
    for key, subject in (("late", "p"), ("reverts", "q")):
        assert isinstance(await world.submit(key, subjects=(subject,)), Submitted)
    assert [type(each.outcome) for each in await world.conclude()] == [Final, Final]


async def test_submit__gave_way_to_a_price__is_asked_for_anew_and_lands() -> None:
    world = World()
    limit = Wei(100_000 * 12 * GWEI)
    await world.submit("tidy", lane=Lane.HOUSEKEEPING, spend_limit=limit, subjects=("p",))
    world.chain.base_fee = 30 * GWEI
    world.chain.mine(limit=0)
    await world.submit("price", lane=Lane.PRICE)
    again = await world.submit("tidy", lane=Lane.HOUSEKEEPING, subjects=("p",))
    assert isinstance(again, AlreadyInFlight), "its outcome is not known yet"
    await world.conclude()
    world.chain.base_fee = 10 * GWEI
    world.chain.mine(limit=0)
    again = await world.submit("tidy", lane=Lane.HOUSEKEEPING, subjects=("p",))
    assert isinstance(again, Submitted)
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)
    assert world.payloads() == [b"price", b"tidy"]


async def test_submit__urgent_behind_cheaper_housekeeping__that_offers_as_much_at_once() -> None:
    world = World()
    await world.submit("tidy", lane=Lane.HOUSEKEEPING)
    await world.stall(1)
    world.chain.base_fee = 30 * GWEI
    world.chain.mine(limit=0)  # a block that the sender has not heard of
    await world.sender.settle(world.chain.blocks[-1].head)
    await world.submit("price", lane=Lane.PRICE)
    assert world.chain.pool[0].fee >= world.chain.pool[1].fee
    await world.mine()
    assert world.payloads() == [b"tidy", b"price"]


async def test_submit__urgent_behind_housekeeping_that_may_not_pay_as_much__gives_way() -> None:
    world = World()
    limit = Wei(100_000 * 12 * GWEI)
    await world.submit("tidy", lane=Lane.HOUSEKEEPING, spend_limit=limit)
    world.chain.base_fee = 30 * GWEI
    world.chain.mine(limit=0)
    await world.submit("first price", lane=Lane.PRICE)
    settled = await world.conclude()
    told = {each.request.idempotency_key: type(each.outcome) for each in settled}
    assert told == {"tidy": Expired, "first price": Final}
    assert world.payloads() == [b"first price"]


async def test_submit__urgent_behind_housekeeping_that_the_pool_forgot__sent_again_at_once() -> (
    None
):
    world = World()
    world.chain.is_deaf = True
    await world.submit("tidy", lane=Lane.HOUSEKEEPING)
    world.chain.is_deaf = False
    await world.submit("price", lane=Lane.PRICE)
    await world.mine()
    assert world.payloads() == [b"tidy", b"price"]


@pytest.mark.parametrize("calls", [9, 10, 11])
async def test_submit__housekeeping_can_not_be_moved_just_now__the_urgent_one_is_out_all_the_same(
    calls: int,
) -> None:
    world = World()
    await world.submit("tidy", lane=Lane.HOUSEKEEPING)
    world.chain.base_fee = 30 * GWEI
    world.chain.mine(limit=0)
    # enter, simulate, send, know, release, quote, enter, send; then → save, send, save of the other
    world.fuse.set(calls, Silence(), is_after=False)
    assert isinstance(await world.submit("price", lane=Lane.PRICE), Submitted)
    assert world.sender.status is None, "the fuse has blown"
    await world.sender.settle(world.chain.mine(limit=0))
    assert world.chain.pool[0].fee >= world.chain.pool[1].fee
    await world.mine()
    assert world.payloads() == [b"tidy", b"price"]


@pytest.mark.parametrize("lane", [Lane.FUNDING, Lane.HOUSEKEEPING])
async def test_submit__housekeeping_waits_for_its_simulation__a_price_does_not_wait_behind_it(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    await world.sender.recover()
    has_come, goes_on, simulate = asyncio.Event(), asyncio.Event(), world.chain.simulate

    async def held(**call: Any) -> Rehearsal:
        if call["data"] == b"tidy":
            has_come.set()
            await goes_on.wait()
        return await simulate(**call)

    monkeypatch.setattr(world.chain, "simulate", held)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tidy = tasks.create_task(world.submit("tidy", lane=lane))
        await has_come.wait()
        assert isinstance(await world.submit("price", lane=Lane.PRICE), Submitted)
        assert not tidy.done()
        goes_on.set()
    assert isinstance(tidy.result(), Submitted)
    await world.mine()
    assert world.payloads() == [b"price", b"tidy"]
