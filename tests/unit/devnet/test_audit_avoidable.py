"""Bad debt that somebody was slow for, and what the fleet's own caution cost."""

from dataclasses import replace

import pytest

from devnet.audit.avoidable import BadDebtSplit
from devnet.audit.feed import _may_buy
from devnet.audit.stakes import Stakes
from tests.unit.devnet.history import NETUID, PROMISE, START, History, opened_at_one_tao, tape_of
from units import BlockNumber, Seconds, Wei

TAO = 10**18
FALLING = tuple(int(rao * 10**7) for rao in (91, 83, 76, 69, 63))
"""Each row less than the guard's limit of 10 % below the one before."""


def split(history: History) -> BadDebtSplit:
    return history.referee.verdict.bad_debt


def at_row(history: History, row: int) -> None:
    """Until the block in which the first price of a row can land."""
    history.blocks(1_000 + 10 * row + 2 - history.number)


def taken_at(history: History, rao: int) -> None:
    history.push(rao)
    history.accrue()
    history.liquidate()
    history.block()


def test_split__taken_at_the_first_price_below_maintenance__nothing_was_avoidable() -> None:
    history = opened_at_one_tao(10**9, *FALLING)
    at_row(history, 1)
    history.push(FALLING[0])
    at_row(history, 2)
    taken_at(history, FALLING[1])
    assert history.referee.verdict.liquidations == 1
    assert split(history) == BadDebtSplit()


def test_split__published_rows_later__what_the_first_allowed_price_would_have_saved() -> None:
    history = opened_at_one_tao(10**9, *FALLING)
    at_row(history, 5)
    taken_at(history, FALLING[4])
    bad_debt = history.referee.verdict.bad_debt_wei
    assert bad_debt > TAO // 10
    assert split(history) == BadDebtSplit(avoidable=bad_debt)


def test_split__jump_that_stood_before_it_was_published__the_gap_took_it() -> None:
    history = opened_at_one_tao(10**9, 5 * 10**8, 5 * 10**8, 5 * 10**8)
    at_row(history, 2)
    history.block()
    taken_at(history, 5 * 10**8)
    assert history.referee.verdict.bad_debt_wei > TAO // 3
    assert split(history) == BadDebtSplit()


def test_split__price_fell_on_while_the_guard_held__costs_of_the_guard() -> None:
    history = opened_at_one_tao(10**9, 85 * 10**7, 6 * 10**8, 6 * 10**8, 6 * 10**8)
    at_row(history, 3)
    history.block()
    taken_at(history, 6 * 10**8)
    bad_debt = history.referee.verdict.bad_debt_wei
    assert bad_debt > TAO // 10
    assert split(history) == BadDebtSplit(by_guard=bad_debt)


def test_split__healthy_at_an_earlier_low_and_funding_owed_since__the_gap_took_it() -> None:
    rows = tuple(int(rao * 10**7) for rao in (100, 91, 87, 95, 100, 50, 50, 50))
    history = opened_at_one_tao(*rows)
    for row in (1, 2, 3, 4):
        at_row(history, row)
        history.push(rows[row])
    history.accrue(index=10**16)  # at 0.87 it would leave 19.3 %, without it 20.3 % were left
    at_row(history, 6)
    history.block()
    taken_at(history, rows[5])
    assert history.referee.verdict.bad_debt_wei > TAO // 3
    assert split(history) == BadDebtSplit()


# --- a price within the band ---------------------------------------------------------------------

EDGE = 10**9 * 13 // 15  # where a long of 3x opened at 1 TAO is at 20 %
STAKES = Stakes(pushes_hour_max=6, shortfall_ppm=20, dust=Wei(TAO), push_gas=75_000)


def creeping(stakes: Stakes, *, heartbeat_s: int = 6_000) -> History:
    """Published just above the edge; the source goes just below it, and later to ruin."""
    promise = replace(PROMISE, stakes=stakes, heartbeat_s=Seconds(heartbeat_s))
    tape = tape_of(*FALLEN)
    history = History(tape, promise=promise)
    history.push(10**9, source=START)
    history.open(margin=100 * TAO)
    history.block()
    return history


FALLEN = (10**9, 935 * 10**6, EDGE + 3 * 10**5, EDGE - 10**5, 8 * 10**8, 72 * 10**7, 65 * 10**7)


@pytest.mark.parametrize(
    ("stakes", "is_avoidable"),
    [
        (STAKES, True),
        (replace(STAKES, pushes_hour_max=0), False),
        (replace(STAKES, dust=Wei(301 * TAO)), False),
        (replace(STAKES, push_gas=10**10), False),
    ],
)
def test_allowed__within_the_band__only_where_so_much_is_at_stake(
    stakes: Stakes, is_avoidable: bool
) -> None:
    history = creeping(stakes)
    for row in (1, 2):
        at_row(history, row)
        history.push(FALLEN[row])
    at_row(history, 4)
    noted = history.referee.feed.allowed._by_market[NETUID]
    within = [one for one in noted if one.price == FALLEN[3] * 10**9]
    assert bool(within) == is_avoidable


def test_allowed__published_a_heartbeat_ago__any_price_may_be_published() -> None:
    history = creeping(replace(STAKES, pushes_hour_max=0), heartbeat_s=120)
    for row in (1, 2):
        at_row(history, row)
        history.push(FALLEN[row])
    at_row(history, 4)
    noted = history.referee.feed.allowed._by_market[NETUID]
    blocks = [one.block for one in noted if one.price == FALLEN[3] * 10**9]
    assert blocks[0] == START + 20 + 2 + 1 + 11


def test_allowed__what_went_along_with_another_market__was_not_bought() -> None:
    history = creeping(replace(STAKES, pushes_hour_max=1))
    history.promise = replace(history.promise, early_percent=1)
    history.referee.feed._promises = {NETUID: history.promise}
    for row in (1, 2, 3):
        at_row(history, row)
        history.push(FALLEN[row])
    at_row(history, 4)
    assert history.referee.feed._watches[NETUID].bought == []


def test_allowed__bought_as_often_as_agreed__no_more_within_the_hour() -> None:
    history = creeping(replace(STAKES, pushes_hour_max=1))
    for row in (1, 2, 3):
        at_row(history, row)
        history.push(FALLEN[row])
    at_row(history, 4)
    watch = history.referee.feed._watches[NETUID]
    assert len(watch.bought) == 1
    assert not _may_buy(watch, BlockNumber(watch.bought[0] + 299), history.promise)
    assert _may_buy(watch, BlockNumber(watch.bought[0] + 300), history.promise)
