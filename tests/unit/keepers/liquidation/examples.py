"""Markets, positions and heads as the liquidation tests like them."""

from collections.abc import Mapping
from hashlib import sha256

from keepers.liquidation.assessment import judge
from keepers.liquidation.evidence import Grounds, Judgement
from keepers.liquidation.packing import packed
from keepers.liquidation.positions import (
    FeedRow,
    Market,
    MarketParameters,
    Position,
    PositionKey,
    PositionLiquidated,
)
from keepers.liquidation.selection import rank
from keepers.liquidation.standing import Terms
from keepers.liquidation.versions import Positions
from units import (
    Address,
    BlockHash,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Timestamp,
    Wei,
)
from units import (
    Sequence as Opening,
)

TAO = 10**18
GENESIS = 1_000
GENESIS_TIME = 1_760_000_000
TRADER = Address("0x00000000000000000000000000000000000000AA")
PARAMETERS = MarketParameters(
    maintenance=Bps(2_000),
    liquidation_penalty=Bps(500),
    keeper_share=Bps(2_000),
    funding_rate_max=75 * 10**14,
    funding_interval=Seconds(28_800),
    funding_cap=Seconds(115_200),
    liquidation_price_age_max=Seconds(3_600),
)


def market(netuid: int, *, price: int = TAO // 10, at: int = GENESIS) -> Market:
    """A listed market without positions, priced at block `at`."""
    row = FeedRow(
        price=PriceWei(price),
        source_block=BlockNumber(at),
        source_time=block_time(at),
        suspended_at=BlockNumber(0),
        suspension=0,
    )
    return Market(
        netuid=Netuid(netuid),
        parameters=PARAMETERS,
        feed=row,
        long_open_interest=Wei(0),
        short_open_interest=Wei(0),
        index=FundingIndex(0),
        last_accrual=block_time(at),
    )


def position(
    number: int = 1,
    *,
    netuid: int = 8,
    sequence: int = 1,
    is_long: bool = True,
    margin: int = TAO,
    size: int = 3 * TAO,
    entry_price: int = TAO // 10,
    entry_index: int = 0,
    holder: bytes = bytes.fromhex(TRADER[2:]),
) -> Position:
    """A position with id `number`."""
    return Position(
        key=PositionKey(id=PositionId(number.to_bytes(16, "big")), sequence=Opening(sequence)),
        holder=holder,
        netuid=Netuid(netuid),
        is_long=is_long,
        margin=Wei(margin),
        size=Wei(size),
        entry_price=PriceWei(entry_price),
        entry_index=FundingIndex(entry_index),
    )


def changed(positions: Positions, changes: Mapping[PositionId, Position | None]) -> Positions:
    """The version in which these are open, and those that are None are not."""
    return positions.with_records(
        {key: None if to is None else packed(to) for key, to in changes.items()}
    )


def sort_ladders(positions: Positions, terms: Mapping[Netuid, Terms]) -> None:
    """At once, what the upkeep has another thread do."""
    for sorting in positions.table.sortings(terms):
        sorting.take(sorting.order())


def block_time(number: int) -> Timestamp:
    return Timestamp(GENESIS_TIME + 12 * (number - GENESIS))


def head_at(number: int, parent: BlockHash | None = None, salt: str = "") -> Head:
    """A head whose hash follows from its height, parent and salt."""
    parent_hash = parent or BlockHash("0x" + "00" * 32)
    digest = sha256(f"{number}{parent_hash}{salt}".encode()).hexdigest()
    return Head(
        number=BlockNumber(number),
        hash=BlockHash("0x" + digest),
        parent_hash=parent_hash,
        time=block_time(number),
    )


def judgement(*positions: Position, price: int = TAO // 20, pushed: bool = True) -> Judgement:
    """On these positions of market 8 after a fall to `price`, which is pushed or in the feed."""
    head = head_at(GENESIS)
    at = market(8, price=TAO // 10 if pushed else price)
    grounds = Grounds(
        head=head,
        book=head,
        markets={at.netuid: at},
        pushed={at.netuid: PriceWei(price)} if pushed else {},
    )
    (terms,) = grounds.standings([at.netuid])
    assert isinstance(terms, Terms)
    found = (judge(each, terms) for each in positions)
    return Judgement(grounds=grounds, candidates=rank(each for each in found if each is not None))


def liquidated(chosen: Position, *, price: int = TAO // 20) -> PositionLiquidated:
    return PositionLiquidated(
        key=chosen.key,
        trader=chosen.trader,
        netuid=chosen.netuid,
        price=PriceWei(price),
        index=FundingIndex(0),
        remaining=0,
        penalty=Wei(0),
        keeper_share=Wei(0),
        bad_debt=Wei(0),
    )
