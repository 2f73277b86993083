"""All Alpha together, averaged over days."""

from hypothesis import given
from hypothesis import strategies as st

from oracle.depth import DepthPolicy
from oracle.feeder import FeederPolicy
from oracle.index import Average, IndexPolicy, Indices, averaged, begun, total
from oracle.judge import JudgePolicy
from oracle.markets import PerMarket
from oracle.quotes import NoPrice, NoPriceReason, Price
from tests.unit.oracle.simulated import (
    EMPTY_ROW,
    OTHER,
    REGISTERED_AT,
    SN,
    TAO,
    reading,
    world,
)
from units import RAO_IN_PRICE_WEI, BlockNumber, Netuid, PriceWei, Rao

ALL = Netuid(999)
WEEK = IndexPolicy()
ROOT = Netuid(0)
PRICES = {ROOT: TAO, SN: Rao(TAO // 4), OTHER: Rao(TAO // 2), Netuid(3): Rao(3 * TAO)}


def test_total__everything_but_the_root() -> None:
    assert total(PRICES, WEEK) == 3 * TAO + 3 * TAO // 4


def test_total__as_the_chain_s_own_sum__leaves_out_from_one_tao_on() -> None:
    as_chain = IndexPolicy(price_max=TAO)
    assert total(PRICES, as_chain) == 3 * TAO // 4
    assert total({SN: TAO, OTHER: Rao(TAO - 1)}, as_chain) == TAO - 1


def test_averaged__the_first__is_the_sum_itself() -> None:
    assert averaged(None, TAO, BlockNumber(9), WEEK).rao == TAO


def test_averaged__one_block__weighs_two_of_the_span_and_one_more() -> None:
    before = Average(scaled=TAO * 10**9, block=BlockNumber(9))
    after = averaged(before, Rao(2 * TAO), BlockNumber(10), WEEK)
    assert after.scaled - before.scaled == 2 * TAO * 10**9 // 50_401


def test_averaged__a_week_at_another_level__is_most_of_the_way_there() -> None:
    found = Average(scaled=TAO * 10**9, block=BlockNumber(0))
    for block in range(1, 50_401):
        found = averaged(found, Rao(2 * TAO), BlockNumber(block), WEEK)
    assert 1.864 < found.rao / TAO < 1.866  # 1 - e^-2


def test_averaged__the_same_block_again__changes_nothing() -> None:
    before = Average(scaled=TAO * 10**9, block=BlockNumber(9))
    assert averaged(before, Rao(5 * TAO), BlockNumber(9), WEEK) == before


@given(st.integers(1, 2**63), st.integers(1, 2**63), st.integers(1, 10**6))
def test_averaged__any_gap__stays_between_the_two(old: int, new: int, gap: int) -> None:
    before = Average(scaled=old * 10**9, block=BlockNumber(0))
    found = averaged(before, Rao(new), BlockNumber(gap), WEEK)
    assert min(old, new) <= found.rao <= max(old, new)


def test_indices__after_a_start__go_on_from_the_feed_s_row() -> None:
    row = EMPTY_ROW.__class__(
        price=PriceWei(2 * TAO * RAO_IN_PRICE_WEI),
        source_block=BlockNumber(99),
        source_time=EMPTY_ROW.source_time,
        landed_time=None,
        suspended_at=BlockNumber(0),
        suspension=EMPTY_ROW.suspension,
    )
    assert begun(row.price, row.source_block).rao == 2 * TAO
    (priced,) = Indices({ALL: WEEK}).priced(reading(100, {SN: TAO}), {ALL: row}).values()
    assert isinstance(priced, Price)
    assert 2 * TAO - 40_000 < priced.rao < 2 * TAO


def test_indices__no_price_api_or_nothing_to_sum__have_no_price() -> None:
    for prices, reason in (
        (None, NoPriceReason.NO_PRICE_API),
        ({ROOT: TAO}, NoPriceReason.ZERO_PRICE),
    ):
        found = Indices({ALL: WEEK}).priced(reading(100, prices), {ALL: EMPTY_ROW})
        assert found == {ALL: NoPrice(netuid=ALL, reason=reason)}


async def test_feeder__an_index_market__is_published_without_a_pin() -> None:
    floor = PerMarket(DepthPolicy(floor=Rao(TAO)))
    policy = FeederPolicy(judge=JudgePolicy(indices={ALL: WEEK}, depth=floor))
    both = world(
        lambda netuid, _: None if netuid == ALL else TAO,
        markets=(SN, ALL),
        policy=policy,
        pins={SN: REGISTERED_AT},
    )
    await both.run(to=105)
    assert both.feed.prices(ALL) == [TAO * RAO_IN_PRICE_WEI]
    assert both.feed.suspended == []
