"""The referee's arithmetic against exact fractions, straight from the written formulas."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from devnet.audit.margin import (
    Holding,
    HoldingKey,
    Terms,
    funding_owed,
    index_after,
    is_below,
    penalty_of,
    profit,
    remaining,
)
from units import (
    Bps,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Sequence,
    Timestamp,
    Wei,
)

TERMS = Terms(
    maintenance=Bps(2_000),
    penalty=Bps(500),
    keeper_share=Bps(2_000),
    funding_rate_max=75 * 10**14,
    funding_interval=Seconds(28_800),
    funding_cap=Seconds(115_200),
    trading_age=Seconds(900),
    liquidation_age=Seconds(3_600),
)
INDEXES = st.integers(-(10**17), 10**17)
PRICES = st.integers(1, 10**20)
OPEN_INTEREST = st.integers(0, 10**24)

holdings = st.builds(
    Holding,
    key=st.just(HoldingKey(id=PositionId(bytes(16)), sequence=Sequence(1))),
    trader=st.just(""),
    netuid=st.just(Netuid(64)),
    is_long=st.booleans(),
    margin=st.integers(1, 10**22),
    size=st.integers(1, 10**22),
    entry_price=PRICES,
    entry_index=INDEXES,
)


@given(holding=holdings, price=PRICES, index=INDEXES)
def test_remaining__any_position__is_the_written_formula(
    holding: Holding, price: int, index: int
) -> None:
    sign = 1 if holding.is_long else -1
    move = Fraction(price - holding.entry_price, holding.entry_price)
    owed = Fraction(sign * holding.size * (index - holding.entry_index), 10**18)
    expected = holding.margin + floor(sign * holding.size * move) - ceil(owed)
    assert remaining(holding, PriceWei(price), FundingIndex(index)) == expected


@given(holding=holdings, price=PRICES)
def test_profit__long_and_short_of_one_size__never_more_than_nothing(
    holding: Holding, price: int
) -> None:
    other = Holding(
        key=holding.key,
        trader="",
        netuid=holding.netuid,
        is_long=not holding.is_long,
        margin=holding.margin,
        size=holding.size,
        entry_price=holding.entry_price,
        entry_index=holding.entry_index,
    )
    assert profit(holding, PriceWei(price)) + profit(other, PriceWei(price)) in (0, -1)


@given(holding=holdings, index=INDEXES, share=st.fractions(0, 1))
def test_funding_owed__settled_in_two_parts__costs_at_most_a_wei_more(
    holding: Holding, index: int, share: Fraction
) -> None:
    part = int(holding.size * share)
    whole = funding_owed(holding, FundingIndex(index))
    parts = funding_owed(holding, FundingIndex(index), part) + funding_owed(
        holding, FundingIndex(index), holding.size - part
    )
    assert parts - whole in (0, 1)


@given(left=st.integers(-(10**20), 10**20), size=st.integers(1, 10**20))
def test_is_below__any_remaining__is_the_exact_ratio(left: int, size: int) -> None:
    assert is_below(left, size, TERMS) == (Fraction(left, size) < Fraction(20, 100))


@given(left=st.integers(-(10**20), 10**20))
def test_penalty__any_remaining__five_percent_of_what_is_there(left: int) -> None:
    assert penalty_of(left, TERMS) == floor(Fraction(5, 100) * max(left, 0))


@given(index=INDEXES, elapsed=st.integers(0, 10**6), long=OPEN_INTEREST, short=OPEN_INTEREST)
def test_index_after__any_time__is_the_written_formula(
    index: int, elapsed: int, long: int, short: int
) -> None:
    skew = Fraction(long - short, long + short) if long + short else Fraction(0)
    intervals = Fraction(min(elapsed, 115_200), 28_800)
    expected = index + floor(skew * Fraction(75, 10_000) * intervals * 10**18)
    assert (
        index_after(
            index=FundingIndex(index),
            since=Timestamp(5),
            now=Timestamp(5 + elapsed),
            long=Wei(long),
            short=Wei(short),
            terms=TERMS,
        )
        == expected
    )
