"""The first price after a break takes nobody, whoever pushes it; the next one does."""

import pytest

from keepers.liquidation.confirmation import pushes_since_break
from keepers.liquidation.positions import FeedRow
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.simulated import Action, Block
from tests.unit.keepers.liquidation.test_keeper import CRASH, World, crash, key
from units import BlockNumber, Netuid, PriceWei, Seconds, Timestamp

GUARDIAN, IDENTITY, NO_PRICE, JUMP, STALL, OPERATOR = range(1, 7)
BREAKS = (GUARDIAN, IDENTITY, NO_PRICE, STALL, OPERATOR)
SILENCE = Seconds(900)


def row(source: int, suspension: int = 0, *, time: int | None = None) -> FeedRow:
    return FeedRow(
        price=PriceWei(TAO),
        source_block=BlockNumber(source),
        source_time=Timestamp(12 * source if time is None else time),
        suspended_at=BlockNumber(source + 3 if suspension else 0),
        suspension=suspension,
    )


def first(*rows: FeedRow) -> bool:
    """Whether at most one price has been pushed since a break."""
    pushes = pushes_since_break(rows, SILENCE)
    return pushes is not None and pushes < 2


def test_pushes__rows_that_follow_each_other__are_all_confirmed() -> None:
    assert not first(row(1))
    assert not first(row(1), row(1), row(2), row(50))


@pytest.mark.parametrize("reason", BREAKS)
def test_pushes__suspended_for_anything_but_a_jump__until_the_second_push(
    reason: int,
) -> None:
    broken = (row(1), row(1, reason), row(1, reason))
    assert first(*broken, row(9))
    assert first(*broken, row(9), row(9), row(9))
    assert not first(*broken, row(9), row(10))
    assert not first(*broken, row(9), row(10), row(11))


def test_pushes__held_by_the_guard__is_no_break_however_long() -> None:
    assert not first(row(1), row(1, JUMP), row(900))
    assert first(row(1), row(1, JUMP), row(1, STALL), row(900))


def test_pushes__resumed_by_hand_without_a_price__the_old_price_confirms_nothing() -> None:
    assert first(row(1), row(1, OPERATOR), row(1))
    assert first(row(1), row(1, OPERATOR), row(1), row(9))
    assert not first(row(1), row(1, OPERATOR), row(1), row(9), row(10))


@pytest.mark.parametrize(("seconds", "is_break"), [(900, False), (901, True)])
def test_pushes__nobody_pushed_for_longer_than_a_feeder_that_works(
    seconds: int, is_break: bool
) -> None:
    late = row(90, time=12 + seconds)
    assert first(row(1), late) == is_break
    assert not first(row(1), late, row(91, time=24 + seconds))


# --- the liquidator -------------------------------------------------------------------------------


def suspending(reason: int) -> Action:
    return lambda block: block.suspend(8, reason)


def resuming(block: Block) -> None:
    block.resume(8)


@pytest.mark.parametrize("reason", BREAKS)
async def test_step__market_has_come_back__nobody_is_taken_before_a_second_price(
    reason: int,
) -> None:
    world = World()
    await world.step()
    await world.step(suspending(reason))
    for actions in ((crash,), (), ()):
        submitted = await world.step(*actions)
        assert len(submitted.plan.candidates) == 3, "below maintenance all the while"
        assert submitted.plan.waiting == (key(3), key(2), key(1))
        assert world.mempool.sent == []
    submitted = await world.step(crash)
    assert submitted.plan.waiting == ()
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__the_second_price_says_otherwise__nobody_is_taken() -> None:
    world = World()
    await world.step()
    await world.step(suspending(STALL))
    await world.step(crash)
    submitted = await world.step(lambda block: block.push(8, TAO // 10))
    assert submitted.plan.candidates == ()
    assert world.mempool.sent == []


async def test_step__held_by_the_guard__is_taken_at_once() -> None:
    world = World()
    await world.step()
    await world.step(suspending(JUMP))
    await world.step(crash)
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__resumed_by_hand__the_price_of_before_has_a_block_to_be_corrected() -> None:
    world = World()
    await world.step()
    await world.step(crash, suspending(OPERATOR))
    submitted = await world.step(resuming)
    assert len(submitted.plan.waiting) == 3
    assert world.mempool.sent == []
    await world.step()
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__resumed_by_hand_and_the_price_was_old__nobody_is_taken() -> None:
    world = World()
    await world.step()
    await world.step(crash, suspending(OPERATOR))
    await world.step(resuming)
    submitted = await world.step(lambda block: block.push(8, TAO // 10))
    assert submitted.plan.candidates == ()
    assert world.mempool.sent == []


async def test_step__fell_by_funding_after_the_market_came_back__does_not_wait() -> None:
    """The next price may be a heartbeat away, and this one was not wrong about anybody."""
    world = World(count=1)
    await world.step()
    await world.step(suspending(STALL))
    await world.step(lambda block: block.push(8, TAO // 10 * 13 // 15 + TAO // 200_000))
    for _ in range(60):
        submitted = await world.step()
        if submitted.plan.candidates:
            break
    assert submitted.plan.waiting == ()
    assert world.mempool.sent == [[1]]


async def test_step__reorganised_to_where_there_was_no_break__is_taken() -> None:
    world = World()
    await world.step()
    before = world.exchange.tip
    await world.step(suspending(STALL))
    await world.step(crash)
    assert world.mempool.sent == []
    world.exchange.grow(on=before, salt="other")
    await world.step(crash)
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__one_market_has_come_back__the_others_go_on() -> None:
    world = World()
    await world.step(lambda block: block.open(64, True, 90 * TAO, 9))
    await world.step(suspending(NO_PRICE))
    submitted = await world.step(crash, lambda block: block.push(64, CRASH))
    assert submitted.plan.waiting == (key(3), key(2), key(1))
    assert world.mempool.sent == [[9]]


async def test_step__the_feeder_of_this_process_has_not_confirmed__waits_for_it() -> None:
    world = World()
    told = {Netuid(8)}
    world.keeper.heed(lambda: told)
    await world.step()
    await world.step(crash)
    assert world.mempool.sent == []
    told.clear()
    await world.step()
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__the_feeder_is_elsewhere__its_push_has_a_block_to_take_them() -> None:
    world = World()
    world.keeper.heed(None)
    await world.step()
    submitted = await world.step(crash)
    assert submitted.plan.waiting == (key(3), key(2), key(1))
    await world.step()
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__the_feeder_is_elsewhere_and_takes_it_back__nobody_is_taken() -> None:
    world = World()
    world.keeper.heed(None)
    await world.step()
    await world.step(crash)
    await world.step(lambda block: block.push(8, TAO // 10))
    await world.step()
    assert world.mempool.sent == []


async def test_step__the_feeder_is_elsewhere__who_fell_before_its_newest_push_is_taken() -> None:
    world = World()
    world.keeper.heed(None)
    await world.step()
    await world.step(crash)
    await world.step(lambda block: block.push(8, CRASH - 1))
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__driven_by_funding__is_taken_though_the_feeder_is_elsewhere() -> None:
    world = World(count=1)
    world.keeper.heed(None)
    await world.step(lambda block: block.push(8, TAO // 10 * 13 // 15 + TAO // 10**5))
    for _ in range(2_400):
        world.exchange.grow()
        if world.mempool.sent:
            break
        await world.step()
    assert world.mempool.sent == [[1]]


async def test_step__several_price_steps_in_one_block__its_end_decides() -> None:
    world = World()
    await world.step()
    submitted = await world.step(crash, lambda block: block.push(8, TAO // 10))
    assert submitted.plan.candidates == ()
    await world.step(lambda block: block.push(8, TAO // 10 + 1), crash)
    assert world.mempool.sent == [[3, 2, 1]]


async def test_step__waiting_for_a_second_price__is_not_late() -> None:
    world = World()
    await world.step()
    await world.step(suspending(STALL))
    for actions in ((crash,), (), (), ()):
        plan = (await world.step(*actions)).plan
        assert plan.lateness.oldest(plan.head.number) == 0
        assert not plan.lateness.late
