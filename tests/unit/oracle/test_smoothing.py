"""The mean of a market's last blocks, each price by how long it stood."""

from hypothesis import given
from hypothesis import strategies as st

from oracle.feeder import FeederPolicy
from oracle.guard import Accept
from oracle.publication import Unread
from oracle.quotes import NoPrice, NoPriceReason, Price
from oracle.smoothing import Smoothing
from tests.unit.oracle.simulated import OTHER, SN, TAO, time_of, world
from units import RAO_IN_PRICE_WEI, BlockNumber, Netuid, Rao

ZERO = NoPrice(netuid=SN, reason=NoPriceReason.ZERO_PRICE)


def accepted(block: int, rao: int) -> Accept:
    return Accept(
        price=Price(netuid=SN, rao=Rao(rao), block=BlockNumber(block), time=time_of(block))
    )


def means(blocks: int, *seen: tuple[int, int] | NoPrice) -> list[int | None]:
    smoothing = Smoothing({SN: blocks})
    found: list[int | None] = []
    for each in seen:
        known = each if isinstance(each, NoPrice) else accepted(*each)
        said = smoothing.applied(SN, known)
        found.append(said.price.rao if isinstance(said, Accept) else None)
    return found


def test_applied__every_block_read__is_the_mean_of_the_last() -> None:
    assert means(3, (1, 10), (2, 20), (3, 30), (4, 40), (5, 100)) == [10, 15, 20, 30, 56]


def test_applied__blocks_skipped__a_price_counts_until_the_next() -> None:
    # Of blocks 2 to 5: 10, 10, 10, 50.
    assert means(4, (1, 10), (5, 50)) == [10, 20]
    # Of blocks 97 to 100: 20, 20, 20, 60.
    assert means(4, (1, 10), (90, 20), (100, 60))[-1] == 30


def test_applied__the_same_block_again__counts_once() -> None:
    assert means(3, (1, 10), (2, 40), (2, 40), (2, 40)) == [10, 25, 25, 25]


def test_applied__after_a_break__begins_anew() -> None:
    assert means(10, (1, 10), ZERO, (3, 90)) == [10, None, 90]


def test_applied__nothing_was_read_this_time__is_no_break() -> None:
    smoothing = Smoothing({SN: 2})
    smoothing.applied(SN, accepted(1, 10))
    assert smoothing.applied(SN, Unread()) == Unread()
    assert smoothing.applied(SN, accepted(2, 30)) == accepted(2, 20)


def test_applied__a_market_that_is_not_smoothed__is_as_it_was() -> None:
    for blocks in ({}, {SN: 0}, {SN: 1}, {OTHER: 9}):
        smoothing = Smoothing(blocks)
        smoothing.applied(SN, accepted(1, 10))
        assert smoothing.applied(SN, accepted(2, 30)) == accepted(2, 30)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 10**12)), min_size=1, max_size=40),
    st.integers(2, 30),
)
def test_applied__any_history__is_the_plain_mean_over_single_blocks(
    steps: list[tuple[int, int]], blocks: int
) -> None:
    smoothing, block, said = Smoothing({SN: blocks}), 0, None
    by_block: list[int] = []
    for gap, rao in steps:
        by_block += [by_block[-1] if by_block else rao] * (gap - 1 if by_block else 0) + [rao]
        block += gap
        said = smoothing.applied(SN, accepted(block, rao))
    assert isinstance(said, Accept)
    last = by_block[-blocks:]
    assert said.price.rao == sum(last) // len(last)


async def test_feeder__a_jump_that_has_stood__passes_whole_and_a_drift_is_smoothed() -> None:
    def moving(_: Netuid, block: int) -> Rao:
        drift = min(max(block - 150, 0), 20) * TAO // 1_000
        return Rao((2 * TAO if block >= 120 else TAO) + drift)

    smooth = world(moving, policy=FeederPolicy(smoothing_blocks={SN: 10}))
    await smooth.run(to=160)
    pushed = [update.price // RAO_IN_PRICE_WEI for _, update in smooth.feed.accepted]
    assert pushed[:2] == [TAO, 2 * TAO]
    assert 2 * TAO < pushed[-1] < moving(SN, 158)
