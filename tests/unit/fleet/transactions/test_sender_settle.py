"""What becomes of what was sent, head after head, on a simulated chain."""

import pytest

from fleet.transactions.attempt import State
from fleet.transactions.fees import FeePolicy
from fleet.transactions.policy import Finality, SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Expired,
    Final,
    Lane,
    Reverted,
    Submitted,
    Superseded,
)
from fleet.transactions.testing import (
    Silence,
)
from tests.unit.fleet.transactions.world import GWEI, World
from units import BlockNumber


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


async def test_settle__a_node_calls_a_block_final_that_nobody_has__told_no_sooner() -> None:
    world = World()
    await world.submit()
    world.chain.boast = BlockNumber(10**9)
    assert await world.mine() == ()
    world.chain.boast = None
    (settled,) = await world.conclude()
    assert isinstance(settled.outcome, Final)


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


async def test_settle__policy_believes_depth__whatever_the_node_calls_final() -> None:
    world = World(SenderPolicy(finality=Finality.DEPTH, confirmations=4))
    world.chain.finality_lag = 0
    await world.submit()
    assert await world.mine(4) == ()
    (settled,) = await world.mine()
    assert isinstance(settled.outcome, Final)


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
