"""Bad debt that somebody was slow for, and what the fleet's own caution cost."""

from devnet.audit.avoidable import BadDebtSplit
from tests.unit.devnet.history import History, opened_at_one_tao

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
