"""A made-up crowd: positions of twelve markets, and the prices at which so many of them fall."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Final

from keepers.liquidation.assessment import judge
from keepers.liquidation.packing import packed, unpacked
from keepers.liquidation.positions import (
    FeedRow,
    Market,
    MarketParameters,
    Position,
    PositionKey,
)
from keepers.liquidation.standing import Terms
from keepers.liquidation.table import Table
from units import (
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Sequence,
    Wei,
)

MARKETS: Final = 12
CROSSING: Final = 100
PRICE: Final = 10**17
PARAMETERS: Final = MarketParameters(
    maintenance=Bps(2_000),
    liquidation_penalty=Bps(500),
    keeper_share=Bps(2_000),
    funding_rate_max=75 * 10**14,
    funding_interval=Seconds(28_800),
    funding_cap=Seconds(115_200),
    liquidation_price_age_max=Seconds(3_600),
)
INDEX: Final = FundingIndex(10**16)


def positions(count: int, seed: int = 1) -> Iterator[Position]:
    """Longs and shorts near one price, with 1.6x to 3x of leverage."""
    random = Random(seed)  # noqa: S311 - the same crowd in every run
    for _ in range(count):
        size = random.randint(10**17, 10**21)
        yield Position(
            key=PositionKey(id=PositionId(random.randbytes(16)), sequence=Sequence(1)),
            holder=random.randbytes(20),
            netuid=Netuid(random.randint(1, MARKETS)),
            is_long=random.random() < 0.5,  # noqa: PLR2004 - a coin
            margin=Wei(size * random.randint(3_333, 6_000) // 10_000),
            size=Wei(size),
            entry_price=PriceWei(PRICE * random.randint(950, 1_050) // 1_000),
            entry_index=FundingIndex(random.randint(0, INDEX)),
        )


@lru_cache(maxsize=1)
def table_of(count: int) -> Table:
    """The crowd in columns. Made once a process."""
    table = Table()
    table.fill(packed(position) for position in positions(count))
    return table


def markets_at(price: int, at: Head, index: FundingIndex = INDEX) -> dict[Netuid, Market]:
    """Every market at this price, which was read and pushed at block `at`."""
    row = FeedRow(
        price=PriceWei(price),
        source_block=at.number,
        source_time=at.time,
        suspended_at=BlockNumber(0),
        suspension=0,
    )
    return {
        Netuid(netuid): Market(
            netuid=Netuid(netuid),
            parameters=PARAMETERS,
            feed=row,
            long_open_interest=Wei(0),
            short_open_interest=Wei(0),
            index=index,
            last_accrual=at.time,
        )
        for netuid in range(1, MARKETS + 1)
    }


def terms_at(price: int) -> Mapping[Netuid, Terms]:
    """Every market at this price."""
    return {
        Netuid(netuid): Terms(
            netuid=Netuid(netuid),
            price=PriceWei(price),
            index=INDEX,
            parameters=PARAMETERS,
        )
        for netuid in range(1, MARKETS + 1)
    }


def crossing_terms(table: Table, count: int = CROSSING) -> Mapping[Netuid, Terms]:
    """The highest prices, found by halving, at which at least so many positions fall."""
    low, high = PRICE // 2, PRICE
    while high - low > PRICE // 10**6:
        middle = (low + high) // 2
        enough = len(table.scan(terms_at(middle))) >= count
        low, high = (middle, high) if enough else (low, middle)
    return terms_at(low)


def falling(records: list[bytes], terms: Mapping[Netuid, Terms]) -> int:
    """How many of these records exact integers find below maintenance."""
    held = (unpacked(record) for record in records)
    return sum(judge(each, terms[each.netuid]) is not None for each in held)
