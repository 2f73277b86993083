"""Whether the feed follows the source: a feeder that stands still, guesses, hurries or hides."""

from dataclasses import replace

from devnet.audit.duties import Duty
from devnet.audit.feed import BLOCKS_ALLOWED
from tests.unit.devnet.history import LAG, NETUID, PROMISE, START, TRADER, History, tape_of

TAO_IN_RAO = 10**9


def neglected(history: History, duty: Duty) -> list[str]:
    return history.referee.duties.neglected[duty]


def all_neglected(history: History) -> dict[Duty, list[str]]:
    return {duty: found for duty, found in history.referee.duties.neglected.items() if found}


def priced(*raos: int) -> History:
    """One push at the first price, of the first block that is final."""
    history = History(tape_of(*raos))
    history.blocks(LAG)
    history.push(raos[0])
    history.block()
    return history


def test_feed__price_that_never_comes__said_once_after_the_allowance() -> None:
    history = History(tape_of(*(TAO_IN_RAO,) * 10))
    history.blocks(LAG + BLOCKS_ALLOWED)
    assert all_neglected(history) == {}
    history.blocks(20)
    (found,) = neglected(history, Duty.FEED_FOLLOWS)
    assert "market 64 is open, its feed says 0" in found


def test_feed__source_moves_by_the_band_and_nothing_is_pushed__neglected() -> None:
    history = priced(TAO_IN_RAO, TAO_IN_RAO + TAO_IN_RAO // 1_000)
    history.blocks(16)
    assert len(neglected(history, Duty.FEED_FOLLOWS)) == 1


def test_feed__source_moves_by_less_than_the_band__no_push_needed() -> None:
    history = priced(TAO_IN_RAO, TAO_IN_RAO + TAO_IN_RAO // 1_000 - 1)
    history.blocks(16)
    assert all_neglected(history) == {}


def test_feed__pushed_within_the_allowance__done() -> None:
    moved = TAO_IN_RAO + TAO_IN_RAO // 100
    history = priced(TAO_IN_RAO, moved, moved)
    history.blocks(START + 10 + LAG + BLOCKS_ALLOWED - history.number)
    history.push(moved, source=START + 10)
    history.blocks(5)
    assert all_neglected(history) == {}


def test_feed__no_heartbeat_for_longer_than_trading_allows__neglected() -> None:
    history = priced(*(TAO_IN_RAO,) * 10)
    history.blocks(START + 75 + BLOCKS_ALLOWED - history.number)
    assert all_neglected(history) == {}
    history.block()
    assert len(neglected(history, Duty.FEED_FOLLOWS)) == 1


def test_feed__price_that_the_source_never_had__said_with_both() -> None:
    history = priced(*(TAO_IN_RAO,) * 3)
    history.push(TAO_IN_RAO + 1, source=START + 1)
    history.block()
    (found,) = neglected(history, Duty.PRICES_ARE_THE_SOURCES)
    assert f"given {TAO_IN_RAO + 1}000000000 as of block {START + 1}" in found


def test_feed__jump_pushed_at_once__has_not_stood() -> None:
    history = priced(TAO_IN_RAO, TAO_IN_RAO // 2, TAO_IN_RAO // 2)
    history.blocks(START + 10 + LAG - history.number)
    history.push(TAO_IN_RAO // 2)
    history.block()
    (found,) = neglected(history, Duty.JUMPS_STOOD)
    assert "has not stood for 11 blocks" in found


def test_feed__jump_pushed_after_ten_blocks__one_too_early() -> None:
    history = priced(TAO_IN_RAO, *(TAO_IN_RAO // 2,) * 3)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(START + 19 + LAG - history.number)
    history.say("MarketResumed", netuid=NETUID)
    history.push(TAO_IN_RAO // 2)
    history.block()
    assert len(neglected(history, Duty.JUMPS_STOOD)) == 1


def test_feed__jump_suspended_and_pushed_after_eleven_blocks__done() -> None:
    history = priced(TAO_IN_RAO, *(TAO_IN_RAO // 2,) * 3)
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(10)
    history.say("MarketResumed", netuid=NETUID)
    history.push(TAO_IN_RAO // 2)
    history.blocks(5)
    assert all_neglected(history) == {}


def returned(held_blocks: int) -> History:
    """A spike of one row, suspended; pushed again so many blocks after it was first known."""
    history = priced(TAO_IN_RAO, TAO_IN_RAO * 8, *(TAO_IN_RAO,) * 3)
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(held_blocks)
    history.say("MarketResumed", netuid=NETUID)
    history.push(TAO_IN_RAO)
    history.blocks(1)
    return history


def test_feed__return_from_a_spike_pushed_at_once__may_be_the_spike_itself() -> None:
    for held_blocks in (10, 19):
        assert len(neglected(returned(held_blocks), Duty.JUMPS_STOOD)) == 1


def test_feed__return_from_a_spike_pushed_once_it_has_stood__done() -> None:
    assert all_neglected(returned(20)) == {}


def test_feed__source_trembles_around_what_is_believed__every_return_may_be_pushed() -> None:
    history = History(tape_of(TAO_IN_RAO, *(TAO_IN_RAO * step // 100 for step in (111, 105, 112))))
    history.blocks(LAG)
    history.push(TAO_IN_RAO)
    history.block()
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(20)
    history.say("MarketResumed", netuid=NETUID)
    history.push(TAO_IN_RAO * 112 // 100)  # calm after 105, which was believed and never pushed
    history.block()
    assert neglected(history, Duty.JUMPS_STOOD) == []


def test_feed__price_of_a_block_that_is_not_final__said() -> None:
    history = priced(*(TAO_IN_RAO,) * 3)
    history.push(TAO_IN_RAO, source=history.number)
    history.block()
    (found,) = neglected(history, Duty.PRICES_ARE_THE_SOURCES)
    assert "not final" in found


def test_feed__jump_neither_pushed_nor_suspended__neglected() -> None:
    history = priced(TAO_IN_RAO, *(TAO_IN_RAO // 2,) * 3)
    history.blocks(START + 10 + LAG + BLOCKS_ALLOWED - history.number)
    assert all_neglected(history) == {}
    history.block()
    assert len(neglected(history, Duty.FEED_FOLLOWS)) == 1


def test_feed__suspended_although_the_price_stands__neglected() -> None:
    history = priced(*(TAO_IN_RAO,) * 10)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(40)
    (found,) = neglected(history, Duty.SUSPENSIONS_END)
    assert "market 64 is suspended since block" in found


def test_feed__suspended_as_long_as_every_row_jumps__has_its_reason() -> None:
    history = priced(*(int(TAO_IN_RAO * 0.85**row) for row in range(10)))
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(80)
    assert all_neglected(history) == {}


def stairs(restart_blocks: int, pushed_row: int) -> History:
    """Down 15 % a row; the price of a row is pushed with the first block that it can be."""
    raos = [int(TAO_IN_RAO * 0.85**row) for row in range(10)]
    history = History(tape_of(*raos), promise=replace(PROMISE, restart_blocks=restart_blocks))
    history.blocks(LAG)
    history.push(raos[0])
    history.block()
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(10 * (pushed_row - 1))
    history.say("MarketResumed", netuid=NETUID)
    history.push(raos[pushed_row])
    history.block()
    return history


def test_feed__a_staircase_that_need_only_stay_beyond__may_be_pushed_after_eleven_blocks() -> None:
    assert neglected(stairs(0, 2), Duty.JUMPS_STOOD) == []
    assert len(neglected(stairs(7_200, 2), Duty.JUMPS_STOOD)) == 1


def test_feed__a_staircase_that_must_stand_still_for_33_blocks__may_be_pushed_after_them() -> None:
    # The hold begins at block 10; the step at 40 restarts the count, that at 50 does not any more.
    assert len(neglected(stairs(33, 4), Duty.JUMPS_STOOD)) == 1
    assert neglected(stairs(33, 5), Duty.JUMPS_STOOD) == []


def test_feed__price_gone_and_market_open__neglected() -> None:
    history = priced(TAO_IN_RAO, 0, 0, 0)
    history.blocks(START + 10 + LAG + 1 + BLOCKS_ALLOWED - history.number)
    assert len(neglected(history, Duty.NO_PRICE_NO_TRADE)) == 1


def test_feed__price_gone_and_market_suspended__done_for_as_long_as_it_takes() -> None:
    history = priced(TAO_IN_RAO, *(0,) * 9)
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=3)
    history.blocks(60)
    assert all_neglected(history) == {}


def test_duties__transaction_of_the_fleet_reverts__said_and_that_of_a_trader_is_not() -> None:
    history = priced(*(TAO_IN_RAO,) * 3)
    history.block(sender=TRADER, succeeded=False)
    assert all_neglected(history) == {}
    history.block(succeeded=False)
    assert len(neglected(history, Duty.TRANSACTIONS_SUCCEED)) == 1


def test_duties__no_accrual_for_longer_than_an_interval__said_once_for_every_time() -> None:
    history = History(tape_of(*(TAO_IN_RAO,) * 245))
    history.blocks(2_400)
    assert neglected(history, Duty.FUNDING_IN_TIME) == []
    history.blocks(2)
    assert len(neglected(history, Duty.FUNDING_IN_TIME)) == 1
    history.accrue()
    history.block()
    assert len(neglected(history, Duty.FUNDING_IN_TIME)) == 1
