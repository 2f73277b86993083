"""The referee's books: amounts, funding, gaps, and logs that break the rules."""

from tests.unit.devnet.history import (
    FLEET,
    LAG,
    NETUID,
    START,
    TAO,
    TRADER,
    History,
    opened_at_one_tao,
    tape_of,
)
from units import Netuid, Timestamp


def test_referee__closed_whole__open_interest_and_funding_settled() -> None:
    history = opened_at_one_tao()
    history.blocks(20)
    history.accrue()
    books = history.referee.ledger.markets[NETUID]
    owed = -(-3 * TAO * (books.index_at(Timestamp(history.time)) - books.index) // TAO)
    history.close(funding_owed=owed)
    history.block(sender=TRADER)
    assert (books.long, books.short) == (0, 0)
    assert history.referee.ledger.funding_paid == owed > 0
    assert history.referee.ledger.breaches == []


def test_referee__penalty_one_wei_off__said() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.accrue()
    history.liquidate(penalty=1)
    history.block()
    assert any("penalty 1, expected" in line for line in history.referee.verdict.wrong_amounts)


def test_referee__bankrupt_position__bad_debt_counted_and_no_penalty() -> None:
    history = opened_at_one_tao()
    history.push(5 * 10**8)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.bad_debt_wei > 49 * TAO // 100
    assert history.referee.verdict.penalties_wei == 0
    assert history.referee.verdict.wrong_amounts == []


def test_referee__bad_debt_hidden__said() -> None:
    history = opened_at_one_tao()
    history.push(5 * 10**8)
    history.accrue()
    history.liquidate(badDebt=0)
    history.block()
    assert any("badDebt 0" in line for line in history.referee.verdict.wrong_amounts)


def test_referee__index_that_skips_ahead__breach() -> None:
    history = opened_at_one_tao()
    history.accrue(index=10**15)
    history.block()
    assert len(history.referee.ledger.breaches) == 1


def test_referee__settled_funding_off_by_a_wei__breach() -> None:
    history = opened_at_one_tao()
    history.blocks(20)
    history.accrue()
    books = history.referee.ledger.markets[NETUID]
    owed = -(-3 * TAO * (books.index_at(Timestamp(history.time)) - books.index) // TAO)
    history.close(funding_owed=owed - 1)
    history.block(sender=TRADER)
    assert len(history.referee.ledger.breaches) == 1


def test_referee__position_settled_twice__breach() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.accrue()
    history.liquidate()
    history.liquidate()
    history.block()
    assert any("never opened" in line for line in history.referee.ledger.breaches)


def test_referee__old_price_accepted__breach() -> None:
    history = opened_at_one_tao()
    history.push(10**9, source=START)
    history.block()
    assert len(history.referee.ledger.breaches) == 1


def test_referee__event_of_an_unlisted_market__breach() -> None:
    history = History(tape_of(10**9, 10**9))
    history.say("PricePushed", netuid=Netuid(7), price=1, sourceBlock=START, sourceTime=0)
    history.block()
    assert "not listed" in history.referee.ledger.breaches[0]


def test_referee__feed_stays_while_the_source_moves__gap_measured_in_bps_up() -> None:
    history = opened_at_one_tao(10**9, 2 * 10**9, 2 * 10**9)
    history.blocks(START + 10 + LAG - history.number)
    assert history.referee.verdict.gap_bps_max[NETUID] == 0
    history.block()
    assert history.referee.verdict.gap_bps_max[NETUID] == 5_000


def test_referee__suspended_market__gap_kept_apart_as_no_price_is_claimed() -> None:
    history = opened_at_one_tao(10**9, 2 * 10**9, 2 * 10**9)
    history.say("MarketSuspended", netuid=NETUID, reason=3)
    history.blocks(10)
    assert history.referee.verdict.gap_bps_max[NETUID] == 0
    assert history.referee.verdict.gap_bps_max_suspended[NETUID] == 5_000


def test_referee__no_accrual_within_the_interval__lag_in_seconds() -> None:
    history = History(tape_of(*(10**9,) * 300))
    history.blocks(2_400)
    assert history.referee.verdict.funding_lag_s_max == 0
    history.block()
    assert history.referee.verdict.funding_lag_s_max == 12


def test_referee__accruals__only_those_of_the_fleet_are_its_merit() -> None:
    history = opened_at_one_tao()
    history.accrue()
    history.block(sender=FLEET)
    assert history.referee.accruals_by_fleet == {NETUID: 1}
    assert history.referee.ledger.markets[NETUID].accruals == 2
