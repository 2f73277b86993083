import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.funding.calendar import (
    Flight,
    FundingPolicy,
    FundingRow,
    FundingSnapshot,
    due,
    due_key,
    lag,
    next_due,
    still_in_flight,
)
from units import BlockHash, BlockNumber, Head, Netuid, Seconds, Timestamp

POLICY = FundingPolicy()
HOUR = 3600
START = 1_700_000_000


def row(
    netuid: int = 8, last: int = START, *, listed: bool = True, interval: int = 8 * HOUR
) -> FundingRow:
    return FundingRow(
        netuid=Netuid(netuid),
        is_listed=listed,
        last_accrual=Timestamp(last),
        interval=Seconds(interval),
        cap=Seconds(4 * interval),
    )


def at(time: int, number: int = 1000) -> Head:
    block = BlockHash(f"0x{number:064x}")
    return Head(number=BlockNumber(number), hash=block, parent_hash=block, time=Timestamp(time))


@pytest.mark.parametrize(
    ("elapsed", "is_due"),
    [(8 * HOUR - 61, False), (8 * HOUR - 60, True), (8 * HOUR, True), (90 * HOUR, True)],
)
def test_due__around_a_minute_before_the_interval_ends__due_from_then_on(
    elapsed: int, is_due: bool
) -> None:
    assert bool(due(Timestamp(START + elapsed), [row()], POLICY)) is is_due


def test_due__after_two_days_of_downtime__says_the_lag_and_what_is_forfeited() -> None:
    (market,) = due(Timestamp(START + 48 * HOUR), [row()], POLICY)

    assert (market.elapsed, market.lag, market.forfeited) == (48 * HOUR, 40 * HOUR, 16 * HOUR)


def test_due__exactly_at_the_cap__nothing_is_forfeited() -> None:
    (market,) = due(Timestamp(START + 32 * HOUR), [row()], POLICY)

    assert market.forfeited == 0


def test_due__unlisted_market__never() -> None:
    unlisted = FundingRow(
        netuid=Netuid(9),
        is_listed=False,
        last_accrual=Timestamp(0),
        interval=Seconds(0),
        cap=Seconds(0),
    )

    assert due(Timestamp(START), [unlisted], POLICY) == ()
    assert next_due([unlisted], POLICY) is None


def test_due__several__the_longest_overdue_first() -> None:
    rows = [row(1, START), row(2, START - HOUR), row(3, START + 9 * HOUR)]

    markets = due(Timestamp(START + 10 * HOUR), rows, POLICY)

    assert [market.netuid for market in markets] == [2, 1]


def test_due__interval_shorter_than_the_lead__due_at_once() -> None:
    assert due(Timestamp(START), [row(interval=30)], POLICY)


def test_due_key__same_work_in_another_order__same_key() -> None:
    one, two = due(Timestamp(START + 9 * HOUR), [row(1), row(2)], POLICY)
    (moved,) = due(Timestamp(START + 9 * HOUR), [row(1, START + 1)], POLICY)

    assert due_key([one, two]) == due_key([two, one])
    assert len({due_key([one]), due_key([two]), due_key([one, two]), due_key([moved])}) == 4


@pytest.mark.parametrize(
    ("last", "number", "flies"),
    [(START, 1024, True), (START, 1025, False), (START + 12, 1001, False), (START, 9, False)],
    ids=["waited for", "took too long", "landed", "sent at a block that was made up"],
)
def test_still_in_flight__until_it_lands_or_takes_too_long(
    last: int, number: int, flies: bool
) -> None:
    flight = Flight(last_accrual=Timestamp(START), sent_at=BlockNumber(1000), due_key="funding-1")
    snapshot = FundingSnapshot(head=at(START, number), rows=(row(8, last),))

    flying = still_in_flight({Netuid(8): flight}, snapshot, POLICY)

    assert (Netuid(8) in flying) is flies


@settings(deadline=None)
@given(
    now=st.integers(0, 10**6),
    last=st.integers(0, 10**6),
    interval=st.integers(1, 10**5),
)
def test_due__any_row__agrees_with_next_due_and_lag(now: int, last: int, interval: int) -> None:
    one = row(last=last, interval=interval)
    when = next_due([one], POLICY)
    markets = due(Timestamp(now), [one], POLICY)

    assert when is not None
    assert bool(markets) is (now >= when)
    assert all(m.lag == lag(Timestamp(now), one) and m.forfeited <= m.lag for m in markets)
    assert markets or lag(Timestamp(now), one) == 0


def test_policy__lead_below_a_block__refused() -> None:
    with pytest.raises(ValueError, match="at least one block"):
        FundingPolicy(lead=Seconds(11))
