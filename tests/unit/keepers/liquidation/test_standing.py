from dataclasses import replace

import pytest

from keepers.liquidation.positions import Market
from keepers.liquidation.standing import (
    Terms,
    Unknown,
    UnknownReason,
    feed_standing,
    pushed_standing,
)
from tests.unit.keepers.liquidation.examples import GENESIS, GENESIS_TIME, PARAMETERS, TAO, market
from units import BlockNumber, FundingIndex, PriceWei, Timestamp, Wei

AGE_MAX = PARAMETERS.liquidation_price_age_max
GUARDIAN, IDENTITY, NO_PRICE, JUMP, STALL, OPERATOR = range(1, 7)
PUSHED = PriceWei(TAO // 20)


def at(seconds: int) -> Timestamp:
    return Timestamp(GENESIS_TIME + seconds)


def suspended(suspension: int, block: int = GENESIS) -> Market:
    row = replace(market(8).feed, suspension=suspension, suspended_at=BlockNumber(block))
    return replace(market(8), feed=row)


def reason(standing: Terms | Unknown) -> UnknownReason | None:
    return standing.reason if isinstance(standing, Unknown) else None


def test_feed_standing__fresh_price__is_judged_at_it_and_the_projected_index() -> None:
    held = replace(market(8), long_open_interest=Wei(TAO))
    standing = feed_standing(held, at(28_800 // 8))
    assert standing == Terms(
        netuid=held.netuid,
        price=held.feed.price,
        index=FundingIndex(PARAMETERS.funding_rate_max // 8),
        parameters=PARAMETERS,
    )


def test_feed_standing__price_at_the_age_limit__is_judged_and_a_second_later_unknown() -> None:
    assert reason(feed_standing(market(8), at(AGE_MAX))) is None
    assert reason(feed_standing(market(8), at(AGE_MAX + 1))) is UnknownReason.STALE


def test_feed_standing__never_priced__is_unknown() -> None:
    bare = replace(market(8), feed=replace(market(8).feed, price=PriceWei(0)))
    assert reason(feed_standing(bare, at(0))) is UnknownReason.NEVER_PRICED


@pytest.mark.parametrize("suspension", range(1, 7))
def test_feed_standing__suspended_for_any_reason__is_unknown(suspension: int) -> None:
    assert reason(feed_standing(suspended(suspension), at(0))) is UnknownReason.SUSPENDED


@pytest.mark.parametrize("suspension", [NO_PRICE, JUMP, STALL, OPERATOR])
def test_pushed_standing__suspension_the_push_ends__is_judged_at_the_pushed_price(
    suspension: int,
) -> None:
    for source_block in (None, BlockNumber(GENESIS)):
        standing = pushed_standing(suspended(suspension), PUSHED, source_block, at(0))
        assert isinstance(standing, Terms)
        assert standing.price == PUSHED


def test_pushed_standing__source_block_before_the_suspension__is_unknown() -> None:
    standing = pushed_standing(suspended(JUMP), PUSHED, BlockNumber(GENESIS - 1), at(0))
    assert reason(standing) is UnknownReason.SUSPENDED


@pytest.mark.parametrize("suspension", [GUARDIAN, IDENTITY])
def test_pushed_standing__suspension_only_the_admin_ends__is_unknown(suspension: int) -> None:
    standing = pushed_standing(suspended(suspension), PUSHED, BlockNumber(GENESIS + 9), at(0))
    assert reason(standing) is UnknownReason.SUSPENDED


def test_pushed_standing__feed_stale_or_never_priced__is_judged_at_the_pushed_price() -> None:
    bare = replace(market(8), feed=replace(market(8).feed, price=PriceWei(0)))
    assert isinstance(pushed_standing(bare, PUSHED, None, at(10 * AGE_MAX)), Terms)
