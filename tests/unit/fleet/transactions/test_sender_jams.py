"""What could hold a key for ever, or keep urgent work waiting, and what costs it while it lasts."""

from contextlib import suppress

from fleet.chain.failures import ChainError
from fleet.transactions.attempt import State
from fleet.transactions.fees import FeeMode, FeePolicy
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import Expired, Final, Lane, Refused, Submitted
from fleet.transactions.spending import SpendPolicy
from tests.unit.fleet.transactions.world import GWEI, World
from units import BlockNumber, Wei

# --- strangers and holes --------------------------------------------------------------------------


async def test_settle__stranger_lies_in_the_pool_for_ever__replaced_by_nothing_and_let_go() -> None:
    world = World(SenderPolicy(hold_blocks_max=10))
    world.chain.intrude(0, fee=GWEI)
    world.chain.intrude(1, fee=GWEI)
    assert isinstance(await world.submit(), Refused)
    await world.mine(9)
    assert isinstance(await world.submit(), Refused)
    assert world.chain.sent == [], "it might be mined yet"
    await world.mine(2)
    submitted = await world.submit()
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 2
    settled = await world.conclude()
    told = {each.request.idempotency_key: type(each.outcome) for each in settled}
    assert told == {"nonce 0": Expired, "nonce 1": Expired, "work": Final}


async def test_settle__stranger_of_a_lost_journal_lies_in_the_pool__held_no_longer_than_that() -> (
    None
):
    world = World(SenderPolicy(hold_blocks_max=10))
    await world.submit("a")
    await world.mine()
    world.chain.base_fee = 9 * GWEI
    await world.submit("b")
    world.journal.entries.clear()
    world.chain.base_fee = 50 * GWEI
    world.another_process()
    await world.mine(14)
    assert isinstance(await world.submit("c"), Submitted)
    assert world.payloads() == [b"a"]


async def test_settle__hole_below_one_that_is_bumped_all_the_time__filled_all_the_same() -> None:
    world = World()
    await world.sender.recover()
    world.chain.intrude(0)
    await world.mine()
    await world.submit()
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    for _ in range(4):
        world.chain.base_fee = world.chain.base_fee * 9 // 8 * 9 // 8
        await world.mine()
    assert 0 in world.chain.pool, "the hole is filled"
    await world.mine(2)
    assert world.payloads() == [b"work"]


# --- no simulation to be had ----------------------------------------------------------------------


async def test_settle__doubtful_and_dark_when_its_last_block_passes__withdrawn_all_the_same() -> (
    None
):
    world = World()
    world.chain.is_deaf = True
    await world.submit(valid_until=BlockNumber(4))
    world.chain.is_deaf, world.chain.is_dark = False, True
    world.another_process()
    await world.mine(3)
    assert world.chain.pool == {}
    assert world.payloads() == []
    await world.mine(1)
    assert world.chain.pool[0].data == b"", "no simulation is needed for that"


async def test_submit__urgent_behind_doubtful_housekeeping__simulated_before_it_is_sent_again() -> (
    None
):
    world = World()
    await world.submit("tidy", lane=Lane.HOUSEKEEPING)
    await world.mine()
    world.chain.is_dark = True
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    world.chain.pool.clear()
    world.chain.is_dark = False
    world.chain.rehearses = lambda data: data != b"tidy"
    await world.submit("price", lane=Lane.PRICE)
    await world.mine()
    assert world.payloads() == [b"price"]


async def test_settle__reorganised_away_while_another_works_on_the_same__withdrawn() -> None:
    world = World()
    await world.submit("a", subjects=("p",))
    await world.mine()
    assert isinstance(await world.submit("b", subjects=("p",)), Submitted)
    world.chain.pool.clear()
    await world.sender.settle(world.chain.reorganise(1, is_lossy=True))
    settled = await world.conclude()
    told = {each.request.idempotency_key: type(each.outcome) for each in settled}
    assert told == {"a": Expired, "b": Final}


# --- urgent work ----------------------------------------------------------------------------------


async def test_settle__housekeeping_can_not_pay_any_more_with_a_price_behind_it__gives_way() -> (
    None
):
    world = World()
    limit = Wei(100_000 * 12 * GWEI)
    await world.submit("tidy", lane=Lane.HOUSEKEEPING, spend_limit=limit)
    await world.submit("price", lane=Lane.PRICE)
    world.chain.base_fee = 13 * GWEI
    settled = await world.mine(1) + await world.conclude()
    told = {each.request.idempotency_key: type(each.outcome) for each in settled}
    assert told == {"tidy": Expired, "price": Final}


async def test_settle__housekeeping_can_not_pay_and_nothing_waits__kept() -> None:
    world = World()
    limit = Wei(100_000 * 12 * GWEI)
    await world.submit("tidy", lane=Lane.HOUSEKEEPING, spend_limit=limit)
    world.chain.base_fee = 13 * GWEI
    await world.mine(4)
    world.chain.base_fee = 10 * GWEI
    await world.mine()
    assert world.payloads() == [b"tidy"]


async def test_settle__twenty_full_blocks_with_a_whole_price_lane__all_land_in_order() -> None:
    world = World()
    keys = [f"price {number}" for number in range(32)]
    for key in keys:
        assert isinstance(await world.submit(key, lane=Lane.PRICE), Submitted)
    assert isinstance(await world.submit("one more", lane=Lane.PRICE), Refused)
    for _ in range(20):
        world.chain.base_fee = world.chain.base_fee * 9 // 8
        await world.stall(1)
    assert 100 * GWEI < world.chain.base_fee < 110 * GWEI
    assert await world.mine() == ()
    assert world.payloads() == [key.encode() for key in keys], "the first block with room has all"
    settled = await world.mine(2)
    assert {type(each.outcome) for each in settled} == {Final}
    most = max(len(entry.attempts) for entry in world.journal.entries.values())
    assert most <= 21, "at most one more offer a block"
    status = world.sender.status
    assert status is not None
    assert status.stopped == {}


async def test_settle__fee_mode_changed_between_processes__replacement_is_still_one() -> None:
    world = World()
    await world.submit()
    world.policy = SenderPolicy(fees=FeePolicy(mode=FeeMode.EIP1559))
    world.another_process()
    await world.stall(4)
    first, *_, newest = world.journal.entries[1].attempts
    assert newest.fee.tip is not None
    assert newest.fee.tip * 100 >= first.fee.max_fee * 110, "a legacy offer is all tip to a pool"


# --- finality stands still ------------------------------------------------------------------------


async def test_submit__lane_wastes_while_finality_stands_still__stopped_before_it_is_final() -> (
    None
):
    limits = SpendPolicy(
        without_effect_max=dict.fromkeys(Lane, Wei(300_000 * GWEI)),
        with_effect_max=dict.fromkeys(Lane, Wei(10**18)),
    )
    world = World(SenderPolicy(spending=limits))
    world.chain.finality_lag = 300
    world.chain.succeeds = lambda data: not data.startswith(b"reverts")
    for number in range(2):
        assert isinstance(await world.submit(f"reverts {number}"), Submitted)
        await world.mine()
    assert isinstance(await world.submit("c"), Refused)
    assert isinstance(await world.submit("price", lane=Lane.PRICE), Submitted)
    world.another_process()
    assert isinstance(await world.submit("c"), Refused), "read again from their receipts"
    await world.sender.settle(world.chain.reorganise(2, is_lossy=True))
    assert isinstance(await world.submit("c"), Refused), "an operator looks, whatever became of it"
    world.journal.reset(Lane.LIQUIDATION)
    assert isinstance(await world.submit("c"), Submitted)


async def test_settle__finality_stands_still_for_300_blocks__everything_ends_when_it_goes_on() -> (
    None
):
    world = World()
    world.chain.finality_lag = 10**6
    for number in range(300):
        assert isinstance(await world.submit(f"work {number}"), Submitted)
        assert await world.mine() == ()
    status = world.sender.status
    assert status is not None
    assert (status.unsettled, status.in_flight) == ({State.MINED: 300}, {})
    world.chain.finality_lag = 2
    settled = await world.mine(3)
    assert len(settled) == 300
    assert len(set(world.payloads())) == len(world.payloads()) == 300


async def test_settle__nodes_take_turns_and_one_lags__a_stuck_one_is_found_all_the_same() -> None:
    world = World()
    await world.submit("mined")
    await world.submit("stuck")
    world.chain.mine(limit=1)
    world.chain.other_lag = 2
    for _ in range(3 * world.policy.stuck_blocks):
        await world.sender.settle(world.chain.mine(limit=0))
    stuck = world.journal.entries[2]
    assert len(stuck.attempts) > 1, "more is offered"


async def test_settle__no_node_has_the_head_s_block__waits_for_the_next_and_says_so() -> None:
    world = World()
    await world.submit()
    world.chain.other_lag = 1
    sent = len(world.chain.sent)
    for _ in range(2):  # every second read is the lagging node's
        await world.sender.settle(world.chain.mine(limit=0))
        status = world.sender.status
        assert status is not None
        if status.problem is not None:
            assert status.problem == f"no node has block {world.chain.blocks[-1].head.number} yet"
            assert len(world.chain.sent) == sent
            return
    raise AssertionError("the lagging node was not asked")


async def test_settle__the_first_head_was_made_up__a_stuck_one_is_found_all_the_same() -> None:
    world = World()
    await world.submit("stuck")
    world.another_process()
    world.chain.boast = BlockNumber(10**9)
    with suppress(ChainError):
        await world.sender.recover()
    world.chain.boast = None
    await world.stall(3 * world.policy.stuck_blocks)
    assert len(world.journal.entries[1].attempts) > 1, "more is offered"
