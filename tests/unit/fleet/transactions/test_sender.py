"""The sender against a simulated chain, one fear at a time."""

import asyncio

import pytest

from fleet.transactions.attempt import State
from fleet.transactions.chain import Verdict
from fleet.transactions.fees import FeePolicy
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.rehearsal import EverythingCounts
from fleet.transactions.request import (
    AlreadyInFlight,
    Expired,
    Final,
    Lane,
    Outcome,
    Refused,
    Reverted,
    Submitted,
    Superseded,
    TransactionRequest,
)
from fleet.transactions.spending import SpendPolicy
from fleet.transactions.testing import (
    Silence,
)
from tests.unit.fleet.transactions.world import GWEI, Killed, World
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


async def test_settle__still_waiting__the_journal_learns_what_the_node_said() -> None:
    world = World()
    await world.submit()
    assert world.states() == [State.SIGNED]
    await world.stall(1)
    assert world.states() == [State.SEEN]


async def test_settle__pool_forgot_it__sent_again() -> None:
    world = World()
    await world.submit()
    world.chain.pool.clear()
    await world.stall(1)
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)


async def test_settle__stuck__same_payload_with_a_higher_fee_after_three_blocks() -> None:
    world = World()
    await world.submit()
    first = world.chain.pool[0].fee
    await world.stall(2)
    assert world.chain.pool[0].fee == first
    await world.stall(1)
    assert world.chain.pool[0].fee * 8 >= first * 9
    await world.mine()
    assert world.payloads() == [b"work"]


async def test_settle__base_fee_above_the_offer__offers_more_at_the_next_head() -> None:
    world = World()
    await world.submit()
    world.chain.base_fee = 20 * GWEI
    await world.mine()
    assert world.chain.pool[0].fee >= 20 * GWEI
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)


async def test_settle__fee_ceiling_reached__stays_below_it_and_still_leaves_room_to_cancel() -> (
    None
):
    policy = SenderPolicy(fees=FeePolicy(ceiling=20 * GWEI))
    world = World(policy)
    await world.submit(valid_until=BlockNumber(40))
    await world.stall(39)
    assert world.chain.pool[0].fee <= policy.fees.payload_ceiling
    assert world.chain.pool[0].data == b"work"
    await world.stall(1)
    assert world.chain.pool[0].data == b"", "replaced by nothing"
    assert world.chain.pool[0].fee <= 20 * GWEI


async def test_settle__deadline_passed__nonce_used_by_nothing_and_the_next_one_goes_on() -> None:
    world = World()
    await world.submit("late", valid_until=BlockNumber(2))
    await world.submit("next")
    world.chain.base_fee = 11 * GWEI
    await world.stall(2)
    settled = await world.conclude()
    assert {each.request.idempotency_key: type(each.outcome) for each in settled} == {
        "late": Expired,
        "next": Final,
    }
    assert world.payloads() == [b"next"]


async def test_settle__reverted_on_chain__says_why() -> None:
    world = World()
    world.chain.succeeds = lambda _: False
    await world.submit()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Reverted)
    assert settled.outcome.reason == "decoded no"


async def test_settle__all_gas_used__says_so() -> None:
    world = World()
    world.chain.succeeds = lambda _: False
    await world.submit(gas_limit=21_000)
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Reverted)
    assert "out of gas" in settled.outcome.reason


async def test_settle__stranger_took_the_nonce_of_one_in_flight__superseded_once_final() -> None:
    world = World()
    await world.submit()
    world.chain.intrude(0)
    assert await world.mine(2) == (), "a reorganisation could still give it back"
    settled = await world.mine(2)
    assert [type(each.outcome) for each in settled] == [Superseded]
    assert isinstance(await world.submit(), Submitted)
    await world.mine()
    assert world.payloads() == [b"work"]


async def test_settle__node_can_not_name_the_stranger__superseded_only_after_long() -> None:
    world = World(SenderPolicy(mystery_blocks=20))
    world.chain.forgets_state = True
    await world.submit()
    world.chain.intrude(0)
    assert await world.mine(20) == ()
    (settled,) = await world.mine()
    assert isinstance(settled.outcome, Superseded)


async def test_settle__stranger_s_block_is_not_final__not_superseded_however_long() -> None:
    world = World(SenderPolicy(mystery_blocks=5))
    world.chain.forgets_state = True
    world.chain.finality_lag = 100
    await world.submit()
    world.chain.intrude(0)
    assert await world.mine(30) == ()


async def test_settle__receipts_come_late__not_taken_for_a_stranger() -> None:
    world = World()
    world.chain.index_lag = 6
    await world.submit()
    assert await world.mine(5) == ()
    (settled,) = await world.mine(2)
    assert isinstance(settled.outcome, Final)


async def test_settle__reorganised_away__brought_back_and_not_told_twice() -> None:
    world = World()
    await world.submit()
    assert await world.mine() == ()
    head = world.chain.reorganise(1, is_lossy=True)
    assert world.payloads() == []
    assert await world.sender.settle(head) == ()
    assert world.states() == [State.SEEN]
    (settled,) = await world.mine(4)
    assert isinstance(settled.outcome, Final)
    assert world.states() == [State.FINAL]
    assert world.payloads() == [b"work"]


async def test_settle__reorganised_into_another_block__follows_it() -> None:
    world = World()
    await world.submit()
    await world.mine()
    head = world.chain.reorganise(1, is_lossy=False)
    assert await world.sender.settle(head) == ()
    inclusion = world.journal.entries[1].inclusion
    assert inclusion is not None
    assert inclusion.block_hash == world.chain.blocks[inclusion.block].head.hash


async def test_recover__mined_and_not_final__is_watched_on() -> None:
    world = World()
    await world.submit()
    await world.mine()
    world.another_process()
    await world.sender.recover()
    assert world.states() == [State.MINED]
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    await world.mine()
    assert world.payloads() == [b"work"]


async def test_settle__expired_one_reorganised_away__its_payload_stays_away() -> None:
    world = World()
    await world.submit(valid_until=BlockNumber(1))
    await world.stall(1)
    await world.mine()
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    (settled,) = await world.mine(5)
    assert isinstance(settled.outcome, Expired)
    assert world.payloads() == []
    assert world.states() == [State.FINAL]


async def test_settle__no_finalized_block__final_after_confirmations() -> None:
    world = World(SenderPolicy(confirmations=4))
    world.chain.finality_lag = None
    await world.submit()
    await world.mine(4)
    assert world.states() == [State.MINED]
    await world.mine()
    assert world.states() == [State.FINAL]


async def test_settle__stranger_below_ours_reorganised_away__the_hole_is_filled() -> None:
    world = World()
    await world.sender.recover()
    world.chain.intrude(0)
    await world.mine()
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 1
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    settled = await world.mine(8)
    told = {each.request.idempotency_key: type(each.outcome) for each in settled}
    assert told == {"work": Final, "nonce 0": Expired}
    assert world.states() == [State.RELEASED, State.FINAL, State.FINAL]


async def test_settle__outcome_not_written_and_then_reorganised__not_told_before_it_is_true() -> (
    None
):
    world = World()
    await world.submit()
    head = world.chain.mine()
    world.fuse.set(3, Silence(), is_after=False)  # count, receipt, → save
    with pytest.raises(Silence):
        await world.sender.settle(head)
    assert await world.sender.settle(world.chain.reorganise(1, is_lossy=True)) == ()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)
    assert settled.outcome.block == world.chain.blocks[-3].head.number


async def test_settle__a_read_fails_half_way__no_outcome_is_lost() -> None:
    world = World()
    await world.submit("a")
    await world.submit("b")
    head = world.chain.mine()
    world.fuse.set(4, Silence(), is_after=False)  # after the first receipt and its journal entry
    with pytest.raises(Silence):
        await world.sender.settle(head)
    settled = await world.conclude()
    assert [each.request.idempotency_key for each in settled] == ["a", "b"]


async def test_recover__killed_between_journal_and_broadcast__the_new_process_sends_it() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(4, Killed(), is_after=False)  # simulate, quote, enter, → send
    with pytest.raises(Killed):
        await world.submit()
    assert world.states() == [State.SIGNED]
    assert world.chain.sent == []
    await world.another_process().recover()
    assert world.states() == [State.SEEN]
    assert isinstance(await world.submit(), AlreadyInFlight)
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)


async def test_recover__killed_before_the_journal_has_it__the_nonce_is_free() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(3, Killed(), is_after=False)  # simulate, quote, → enter
    with pytest.raises(Killed):
        await world.submit()
    assert world.states() == []
    await world.another_process().recover()
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 0


async def test_recover__killed_after_broadcast__not_sent_under_a_second_nonce() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(4, Killed(), is_after=True)
    with pytest.raises(Killed):
        await world.submit()
    assert len(world.chain.pool) == 1
    world.another_process()
    assert isinstance(await world.submit(), AlreadyInFlight)
    await world.mine(4)
    assert world.payloads() == [b"work"]


async def test_recover__expired_while_down__replaced_by_nothing_instead_of_sent() -> None:
    world = World()
    world.chain.is_deaf = True
    await world.submit(valid_until=BlockNumber(3))
    for _ in range(5):
        world.chain.mine()
    world.chain.is_deaf = False
    world.chain.sent.clear()
    await world.another_process().recover()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Expired)
    assert not any(b'"data": "776f726b"' in raw for raw in world.chain.sent)


async def test_recover__mined_while_down__told_by_the_next_settle_and_only_there() -> None:
    world = World()
    await world.submit()
    world.chain.mine()
    await world.another_process().recover()
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)
    assert await world.mine(3) == ()
    world.another_process()
    assert await world.mine(3) == ()


async def test_recover__journal_lost__goes_on_from_the_chain_s_count() -> None:
    world = World()
    await world.submit("a")
    await world.submit("b")
    await world.mine()
    world.journal.entries.clear()
    world.another_process()
    assert isinstance(await world.submit("c"), Refused), "it may be taken back"
    await world.mine(2)
    submitted = await world.submit("c")
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 2


async def test_recover__journal_lost_with_one_in_the_pool__waits_for_it() -> None:
    world = World()
    await world.submit("a")
    world.journal.entries.clear()
    world.another_process()
    assert isinstance(await world.submit("b"), Refused)
    await world.mine(3)
    assert isinstance(await world.submit("b"), Submitted)


async def test_submit__cancelled_in_the_middle__the_journal_is_read_again() -> None:
    world = World()
    await world.sender.recover()
    world.fuse.set(4, asyncio.CancelledError(), is_after=False)
    with pytest.raises(asyncio.CancelledError):
        await world.submit()
    assert isinstance(await world.submit(), AlreadyInFlight)
    await world.mine(2)
    assert world.payloads() == [b"work"]


async def test_status__one_waiting__tells_how_long_and_why() -> None:
    world = World()
    assert world.sender.status is None
    await world.submit()
    world.chain.pool.clear()
    world.chain.is_poor = True
    await world.stall(2)
    status = world.sender.status
    assert status is not None
    assert status.in_flight == {Lane.LIQUIDATION: 1}
    assert (status.next_nonce, status.oldest, status.is_held) == (1, 0, False)
    assert status.problem == "insufficient funds"


async def test_settle__journal_fails_after_it_wrote__the_outcome_is_told_all_the_same() -> None:
    world = World()
    await world.submit()
    await world.mine(2)
    head = world.chain.mine()
    world.fuse.set(3, Silence(), is_after=True)  # finalized, receipt, → save
    with pytest.raises(Silence):
        await world.sender.settle(head)
    assert world.states() == [State.FINAL]
    assert isinstance(await world.submit(), AlreadyInFlight), "the caller has not heard of it"
    (settled,) = await world.mine()
    assert isinstance(settled.outcome, Final)
    assert await world.mine(4) == ()


async def test_settle__node_lies_idle_for_long__nothing_is_asked() -> None:
    world = World()
    await world.mine()
    world.fuse.set(1, Silence(), is_after=False)
    assert await world.mine(5) == ()


# --- what a reorganisation or a restart leaves in doubt -------------------------------------------


async def test_settle__reorganised_away_and_without_a_point_since__withdrawn() -> None:
    world = World()
    await world.submit()
    await world.mine()
    head = world.chain.reorganise(1, is_lossy=True)
    world.chain.rehearses = lambda _: False
    await world.sender.settle(head)
    assert world.chain.pool[0].data == b"", "replaced by nothing"
    world.chain.rehearses = lambda _: True
    (settled,) = await world.mine(4)
    assert isinstance(settled.outcome, Expired)
    assert "withdrawn" in settled.outcome.reason
    assert world.payloads() == []


async def test_settle__reorganised_away_after_its_last_block__expired() -> None:
    world = World()
    await world.submit(valid_until=BlockNumber(2))
    await world.mine()
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    (settled,) = await world.mine(4)
    assert settled.outcome == Expired()
    assert world.payloads() == []


async def test_settle__reorganised_away_and_no_simulation_to_be_had__not_sent_until_there_is() -> (
    None
):
    world = World()
    await world.submit()
    await world.mine()
    world.chain.is_dark = True
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    await world.mine(2)
    assert world.payloads() == []
    world.chain.is_dark = False
    await world.mine(2)
    assert world.payloads() == [b"work"]


async def test_recover__what_was_open_has_no_point_any_more__withdrawn() -> None:
    world = World()
    world.chain.is_deaf = True
    await world.submit()
    world.chain.is_deaf = False
    world.chain.mine()
    world.chain.rehearses = lambda _: False
    world.another_process()
    (settled,) = await world.conclude(2)
    assert isinstance(settled.outcome, Expired)
    assert world.payloads() == []


# --- one at a time over one subject ---------------------------------------------------------------


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


# --- urgent work and what stands before it --------------------------------------------------------


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


# --- what a lane may spend ------------------------------------------------------------------------


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
    world.journal.spends.clear()
    world.journal.stopped.clear()
    assert isinstance(await world.submit("c"), Submitted), "without a restart"


# --- an older journal -----------------------------------------------------------------------------


async def test_recover__older_journal_put_back__held_until_final_and_the_unknown_superseded() -> (
    None
):
    world = World()
    await world.submit("known")
    backup = dict(world.journal.entries)
    world.chain.pool.clear()
    world.chain.intrude(0)
    world.chain.intrude(1)
    world.chain.mine()
    world.journal.entries = backup
    world.another_process()
    assert isinstance(await world.submit("new"), Refused)
    settled = await world.mine(2)
    assert [type(each.outcome) for each in settled] == [Superseded]
    submitted = await world.submit("new")
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 2
