"""Our margin arithmetic against the contract's own view, over any state that can be stored."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keepers.liquidation.assessment import judge
from keepers.liquidation.margin import (
    is_liquidatable,
    liquidation_price,
    project_index,
    ratio_bps,
    remaining_margin,
)
from keepers.liquidation.positions import (
    FeedRow,
    Market,
    MarketParameters,
    Position,
    PositionKey,
)
from keepers.liquidation.standing import Terms, UnknownReason, feed_standing
from keepers.liquidation.versions import Positions
from tests.anvil.keepers.stored import (
    Layout,
    find_layout,
    stored_market,
    stored_positions,
    stored_row,
    view,
)
from tests.contracts.node import Node
from tests.contracts.world import ALICE, World, market
from units import (
    BPS_ONE,
    BlockNumber,
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

pytestmark = pytest.mark.anvil

NETUID = Netuid(8)
SIZE_MAX = 2**96 - 1
NOW = Timestamp(1_800_000_000)
ONE_RAO, MILLION_TAO = 10**9, 10**24
LIQUIDATED, HEALTHY, STALE, SUSPENDED = 0, 1, 3, 4

prices = st.one_of(st.integers(1, 10**6), st.integers(ONE_RAO, MILLION_TAO))
indices = st.integers(-(10**21), 10**21)
sizes = st.one_of(st.integers(1, 10**4), st.integers(10**17, 10**22), st.integers(1, SIZE_MAX))
interests = st.one_of(st.just(0), st.integers(0, 10**24), st.integers(0, 2**100))
parameters = st.builds(
    MarketParameters,
    maintenance=st.builds(Bps, st.integers(0, 5_000)),
    liquidation_penalty=st.just(Bps(500)),
    keeper_share=st.just(Bps(2_000)),
    funding_rate_max=st.integers(0, 10**17),
    funding_interval=st.builds(Seconds, st.integers(1, 10**5)),
    funding_cap=st.builds(Seconds, st.integers(1, 10**6)),
    liquidation_price_age_max=st.builds(Seconds, st.integers(0, 10_000)),
)
rows = st.builds(
    FeedRow,
    price=st.builds(PriceWei, prices),
    source_block=st.just(BlockNumber(1)),
    source_time=st.builds(lambda age: Timestamp(NOW - age), st.integers(0, 12_000)),
    suspended_at=st.just(BlockNumber(1)),
    suspension=st.sampled_from([0, 0, 0, 0, 1, 4]),
)
markets = st.builds(
    Market,
    netuid=st.just(NETUID),
    parameters=parameters,
    feed=rows,
    long_open_interest=st.builds(Wei, interests),
    short_open_interest=st.builds(Wei, interests),
    index=st.builds(FundingIndex, indices),
    last_accrual=st.builds(lambda ago: Timestamp(NOW - ago), st.integers(0, 2 * 10**6)),
)
positions = st.builds(
    Position,
    key=st.builds(
        PositionKey,
        id=st.builds(PositionId, st.binary(min_size=16, max_size=16)),
        sequence=st.builds(Sequence, st.integers(1, 2**32 - 1)),
    ),
    holder=st.just(bytes.fromhex(ALICE[2:])),
    netuid=st.just(NETUID),
    is_long=st.booleans(),
    margin=st.builds(Wei, sizes),
    size=st.builds(Wei, sizes),
    entry_price=st.builds(PriceWei, prices),
    entry_index=st.builds(FundingIndex, indices),
)
books = st.lists(
    st.tuples(positions, st.sampled_from([None, -1, 0, 1])),
    min_size=1,
    max_size=40,
    unique_by=lambda drawn: drawn[0].key.id,
)
on_anvil = settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def layout(node: Node, deployed: World) -> Layout:
    snapshot = node.snapshot()
    found = find_layout(replace(deployed), NETUID)
    node.revert(snapshot)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The contract's views over a state that is only imagined."""

    world: World
    layout: Layout

    def margins(self, held: Market, positions: list[Position]) -> list[dict[str, Any]]:
        over = {
            "exchange": stored_market(self.layout, held) | stored_positions(self.layout, positions),
            "feed": stored_row(self.layout, held.netuid, held.feed),
        }
        ids = [one.key.id for one in positions]
        return list(view(self.world, "marginRatios", ids, over=over, time=NOW))

    def market(self, held: Market) -> dict[str, Any]:
        over = {
            "exchange": stored_market(self.layout, held),
            "feed": stored_row(self.layout, held.netuid, held.feed),
        }
        (found,) = view(self.world, "markets", [market(held.netuid)], over=over, time=NOW)
        return dict(found)


@pytest.fixture(scope="module")
def chain(deployed: World, layout: Layout) -> Chain:
    return Chain(world=deployed, layout=layout)


@on_anvil
@given(held=markets)
def test_project_index__any_market__is_the_view_s(chain: Chain, held: Market) -> None:
    seen = chain.market(held)
    assert seen["index"] == held.index
    assert seen["lastAccrual"] == held.last_accrual
    assert project_index(held, NOW) == seen["indexNow"]


@on_anvil
@given(held=markets, drawn=books)
def test_remaining_margin__any_positions_half_of_them_within_a_wei_of_the_boundary__is_the_view_s(
    chain: Chain, held: Market, drawn: list[tuple[Position, int | None]]
) -> None:
    index = project_index(held, NOW)
    placed = [_placed(one, held, index, beyond) for one, beyond in drawn]
    nominated = set(_nominated(held, index, placed))
    for one, seen in zip(placed, chain.margins(held, placed), strict=True):
        remaining = remaining_margin(one, held.feed.price, index)
        assert remaining == seen["remaining"]
        assert ratio_bps(one, remaining) == seen["ratioBps"]
        assert (one.size, one.key.sequence) == (seen["size"], seen["sequence"])
        assert is_liquidatable(one, held.parameters, remaining) == seen["liquidatable"]
        assert seen["wouldBe"] == _would_be(one, held)
        assert one.key in nominated or not seen["liquidatable"]


@on_anvil
@given(held=markets, one=positions)
def test_liquidation_price__any_position__is_where_the_view_turns(
    chain: Chain, held: Market, one: Position
) -> None:
    boundary = liquidation_price(one, held.parameters, project_index(held, NOW))
    assume(boundary is None or boundary < 2**128 - 1)
    safe = (boundary or 0) + 1 if one.is_long else (boundary or 0) - 1
    assert safe == 0 or not _liquidatable_at(chain, held, one, safe)
    assert boundary is None or _liquidatable_at(chain, held, one, boundary)


def _liquidatable_at(chain: Chain, held: Market, one: Position, price: int) -> bool:
    priced = replace(held, feed=replace(held.feed, price=PriceWei(price)))
    (seen,) = chain.margins(priced, [one])
    return bool(seen["liquidatable"])


def _placed(one: Position, held: Market, index: FundingIndex, beyond: int | None) -> Position:
    """The position with its margin moved until remaining is `beyond` wei above the highest that
    is liquidatable, where a stored margin can do that."""
    if beyond is None:
        return one
    highest = -(-one.size * held.parameters.maintenance // BPS_ONE) - 1
    margin = one.margin + highest + beyond - remaining_margin(one, held.feed.price, index)
    return replace(one, margin=Wei(margin)) if 0 <= margin <= SIZE_MAX else one


def _nominated(held: Market, index: FundingIndex, placed: list[Position]) -> list[PositionKey]:
    terms = Terms(
        netuid=held.netuid, price=held.feed.price, index=index, parameters=held.parameters
    )
    return [one.key for one in Positions.of(placed).nominate({held.netuid: terms})]


def _would_be(one: Position, held: Market) -> int:
    """What we expect `liquidate` to answer."""
    standing = feed_standing(held, NOW)
    if isinstance(standing, Terms):
        return HEALTHY if judge(one, standing) is None else LIQUIDATED
    return SUSPENDED if standing.reason is UnknownReason.SUSPENDED else STALE
