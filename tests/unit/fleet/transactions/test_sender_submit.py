"""Handing work to the sender, on a simulated chain, one fear at a time."""

import asyncio
from typing import Any

import pytest

from fleet.transactions.attempt import State
from fleet.transactions.chain import Verdict
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Final,
    Lane,
    Refused,
    Submitted,
)
from fleet.transactions.testing import Silence
from fleet.transactions.testing.answers import Rehearsal
from fleet.transactions.testing.memory import KEY
from tests.unit.fleet.transactions.world import EXCHANGE, GWEI, World
from units import BlockNumber, Wei


async def test_submit__all_well__journaled_sent_mined_final() -> None:
    world = World()
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 0
    assert world.states() == [State.SIGNED], "which counts as sent"
    assert await world.mine() == ()
    assert world.states() == [State.MINED]
    assert [each.tx_hash for each in world.sender.inclusions()] == [submitted.tx_hash]
    (settled,) = await world.mine(2)
    assert isinstance(settled.outcome, Final)
    assert settled.tx_hash == submitted.tx_hash
    assert await world.mine(3) == ()
    assert world.states() == [State.FINAL]
    assert world.sender.inclusions() == ()
    assert world.payloads() == [b"work"]


async def test_submit__same_work_in_flight__is_not_sent_twice() -> None:
    world = World()
    first = await world.submit()
    again = await world.submit()
    assert isinstance(first, Submitted)
    assert again == AlreadyInFlight(tx_hash=first.tx_hash)
    await world.mine()
    assert isinstance(await world.submit(), AlreadyInFlight), "it may still be taken back"
    await world.mine(2)
    assert isinstance(await world.submit(), Submitted), "after its outcome the key is free"


async def test_submit__at_the_same_time__nonces_in_order_and_the_same_key_once() -> None:
    world = World()
    world.chain.is_slow = True
    await world.sender.recover()
    async with asyncio.TaskGroup() as tasks:
        sent = [tasks.create_task(world.submit(key)) for key in ("a", "b", "a", "c")]
    results = [task.result() for task in sent]
    assert [each.nonce for each in results if isinstance(each, Submitted)] == [0, 1, 2]
    assert sum(isinstance(each, AlreadyInFlight) for each in results) == 1
    await world.mine()
    assert world.payloads() == [b"a", b"b", b"c"]


async def test_submit__simulation_reverts__refused_with_the_decoded_reason_and_no_nonce() -> None:
    world = World()
    world.chain.rehearses = lambda _: False
    assert await world.submit() == Refused(reason="decoded no")
    assert world.journal.entries == {}
    assert world.chain.sent == []
    world.chain.rehearses = lambda _: True
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 0


@pytest.mark.parametrize("decided_at", [None, BlockNumber(3)])
async def test_submit__simulated__whole_and_at_the_block_of_the_decision(
    decided_at: BlockNumber | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    await world.mine(5)
    await world.sender.recover()
    asked: list[dict[str, Any]] = []
    simulate = world.chain.simulate

    async def noted(**call: Any) -> Rehearsal:
        asked.append(call)
        return await simulate(**call)

    monkeypatch.setattr(world.chain, "simulate", noted)
    await world.submit(value=Wei(7), decided_at=decided_at)
    whole = {"sender": KEY, "to": EXCHANGE, "data": b"work", "value": 7, "gas": 100_000}
    assert asked == [whole | {"block": decided_at or world.chain.blocks[-1].head.number}]


async def test_submit__would_revert_at_the_block_of_the_decision__refused_whatever_came_since() -> (
    None
):
    world = World()
    await world.mine(5)
    world.chain.succeeds = lambda _: False  # at a block of old; the latest says otherwise
    assert isinstance(await world.submit(decided_at=BlockNumber(3)), Refused)


async def test_submit__simulation_is_done_before_anything_is_signed__nothing_is_signed() -> None:
    world = World()
    await world.sender.recover()
    world.chain.rehearses = lambda _: False
    world.chain.is_slow_to_quote = True  # the fee is quoted after the simulation
    world.fuse.set(3, Silence(), is_after=False)  # quote, simulate, → enter
    assert await world.submit() == Refused(reason="decoded no")


async def test_submit__last_block_has_passed__refused() -> None:
    world = World()
    await world.mine(5)
    refused = await world.submit(valid_until=BlockNumber(5))
    assert isinstance(refused, Refused)
    assert "passed" in refused.reason


async def test_submit__lane_is_full__refused_and_other_lanes_go_on() -> None:
    lanes = {Lane.PRICE: 2, Lane.LIQUIDATION: 1, Lane.FUNDING: 1, Lane.HOUSEKEEPING: 1}
    world = World(SenderPolicy(lane_in_flight_max=lanes))
    assert isinstance(await world.submit("a"), Submitted)
    assert isinstance(await world.submit("b"), Refused)
    assert isinstance(await world.submit("c", lane=Lane.PRICE), Submitted)
    assert isinstance(await world.submit("d", lane=Lane.FUNDING), Submitted)
    assert isinstance(await world.submit("e", lane=Lane.PRICE), Submitted)
    assert isinstance(await world.submit("f", lane=Lane.PRICE), Refused)
    await world.mine()
    assert isinstance(await world.submit("f", lane=Lane.PRICE), Submitted), "those are in a block"


async def test_submit__insufficient_funds__refused_and_the_nonce_is_free_again() -> None:
    world = World()
    world.chain.is_poor = True
    refused = await world.submit()
    assert isinstance(refused, Refused)
    assert "insufficient funds" in refused.reason
    assert world.states() == [State.RELEASED]
    world.chain.is_poor = False
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 0


async def test_submit__base_fee_rose_since_the_quote__offers_more_at_once() -> None:
    world = World()
    await world.submit("a")  # the quote of this head is known from now on
    world.chain.base_fee = 15 * GWEI
    assert isinstance(await world.submit("b"), Submitted)
    assert world.chain.pool[1].fee >= 15 * GWEI


async def test_submit__gas_above_the_spend_limit__refused_before_a_nonce_is_taken() -> None:
    world = World()
    refused = await world.submit(spend_limit=Wei(100_000 * 9 * GWEI))
    assert isinstance(refused, Refused)
    assert world.journal.entries == {}


async def test_submit__answer_lost_on_the_way__kept_and_never_sent_under_another_nonce() -> None:
    world = World()
    world.chain.loses_answers = True
    assert isinstance(await world.submit(), Submitted)
    await world.stall(1)
    assert world.states() == [State.BROADCAST]
    world.chain.loses_answers = False
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)
    assert len(world.payloads()) == 1


@pytest.mark.parametrize(
    "lie",
    ["insufficient funds", "invalid", "nonce too low", "replacement underpriced", "fee too low"],
)
async def test_submit__gateway_took_it_and_answers_with_another_node_s_no__not_sent_again(
    lie: Verdict,
) -> None:
    world = World()
    world.chain.lies = lie
    assert isinstance(await world.submit(), Submitted)
    world.chain.lies = None
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)
    assert world.payloads() == [b"work"]
    assert len(world.chain.sent) == 1


async def test_submit__never_arrived__sent_again_at_the_next_head() -> None:
    world = World()
    world.chain.is_deaf = True
    assert isinstance(await world.submit(), Submitted)
    world.chain.is_deaf = False
    (settled,) = await world.conclude(2)
    assert isinstance(settled.outcome, Final)


async def test_submit__stranger_mined_with_our_key__next_nonce_is_tried() -> None:
    world = World()
    await world.sender.recover()
    world.chain.intrude(0)
    world.chain.mine()
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 1


async def test_submit__stranger_waits_in_the_pool__held_until_it_is_mined() -> None:
    world = World()
    world.chain.intrude(0)
    refused = await world.submit()
    assert isinstance(refused, Refused)
    assert "does not know" in refused.reason
    await world.mine()
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 1


async def test_submit__stranger_came_into_the_pool_since__released_and_held() -> None:
    world = World()
    await world.sender.recover()
    world.chain.intrude(0)
    assert isinstance(await world.submit(), Refused)
    assert world.states() == [State.RELEASED]
    await world.mine()
    assert isinstance(await world.submit(), Submitted)


async def test_submit__cancelled_in_the_middle__the_journal_is_read_again() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(4, asyncio.CancelledError(), is_after=False)
    with pytest.raises(asyncio.CancelledError):
        await world.submit()
    assert isinstance(await world.submit(), AlreadyInFlight)
    await world.mine(2)
    assert world.payloads() == [b"work"]


async def test_gas_price__before_anything_was_read__is_refused_then_what_it_would_offer() -> None:
    world = World()
    assert isinstance(await world.sender.gas_price(), Refused)
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    price = await world.sender.gas_price()
    assert not isinstance(price, Refused)
    assert price >= SenderPolicy().fees.floor
