"""Who traded at a wrong price, and how soon the market was closed for one."""

from dataclasses import replace

import pytest

from devnet.audit.trades import Trade, Trades, trade_of
from devnet.demo.summary import failures
from tests.unit.devnet.history import LAG, NETUID, PROMISE, START, TAO, History, tape_of
from units import Bps, PriceWei, Wei

RAO = 10**9
BAND = Bps(10)
VALUE = Wei(7)


def judged(price: int, *, is_buy: bool, is_suspended: bool = False) -> Trades:
    trades = Trades()
    trade = Trade(value=VALUE, price=PriceWei(price), is_buy=is_buy)
    trades.judge(trade, source=PriceWei(10_000), band=BAND, is_suspended=is_suspended)
    return trades


@pytest.mark.parametrize(
    ("price", "is_buy", "better"),
    [
        (9_990, True, 0),
        (9_989, True, VALUE),
        (10_500, True, 0),
        (10_010, False, 0),
        (10_011, False, VALUE),
        (9_500, False, 0),
    ],
)
def test_judge__better_for_the_trader_by_more_than_the_band__is_counted(
    price: int, is_buy: bool, better: int
) -> None:
    assert judged(price, is_buy=is_buy) == Trades(value=VALUE, better=better)


def test_judge__in_a_suspended_market__is_counted() -> None:
    found = judged(10_000, is_buy=True, is_suspended=True)
    assert found == Trades(value=VALUE, held=VALUE)


def test_judge__a_source_without_a_price__is_no_measure() -> None:
    trades = Trades()
    trade = Trade(value=VALUE, price=PriceWei(1), is_buy=True)
    trades.judge(trade, source=PriceWei(0), band=BAND, is_suspended=False)
    assert trades.better == 0


def test_trade_of__other_events_and_unknown_positions__is_none() -> None:
    assert trade_of("PricePushed", {}, None) is None
    assert trade_of("PositionClosed", {"closePrice": 1}, None) is None


def priced(*raos: int) -> History:
    history = History(tape_of(*raos), promise=replace(PROMISE, guard_limit=Bps(300)))
    history.blocks(LAG + 1)
    history.push(raos[0])
    history.block()
    return history


def test_referee__a_long_closed_above_its_source__is_value_at_a_better_price() -> None:
    history = priced(*(RAO,) * 10)
    history.open()
    history.block()
    history.close(funding_owed=0, price=2 * TAO)
    history.block()
    trades = history.referee.trades
    assert (trades.value, trades.better, trades.held) == (6 * TAO, 3 * TAO, 0)


def test_referee__opened_after_the_suspension_landed__is_value_in_a_held_market() -> None:
    history = priced(*(RAO,) * 10)
    history.open(1)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.open(2)
    history.block()
    assert history.referee.trades.held == 3 * TAO


def test_referee__a_shock_and_a_spike__how_long_each_was_held_and_how_soon_closed() -> None:
    history = priced(RAO, RAO // 2, RAO // 2, RAO, *(RAO // 2,) * 3)
    history.blocks(START + 10 + LAG - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(15)
    history.say("MarketResumed", netuid=NETUID)
    history.push(RAO // 2)
    history.blocks(START + 30 + LAG + 2 - history.number)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(25)
    holds = history.referee.feed.holds
    assert (holds.shocks, holds.returned) == ({10: 1}, {20: 1})
    assert holds.closed_after == {1: 1, 3: 1}


def test_failures__value_that_should_not_have_been_traded__fails_the_drill() -> None:
    fine = {
        "invariants": {},
        "left_alone": 0,
        "healthy_touched": 0,
        "later_than_ranked": 0,
        "bad_debt_avoidable_wei": 0,
        "duties": {},
        "traded_better_than_source_wei": 0,
        "traded_while_suspended_wei": 0,
    }
    assert failures(fine) == []
    (found,) = failures(fine | {"traded_while_suspended_wei": 5})
    assert found == "5 wei were traded in a market that was suspended"
    (found,) = failures(fine | {"traded_better_than_source_wei": 5})
    assert "better than the source's" in found
