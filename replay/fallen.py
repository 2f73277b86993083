"""Every liquidation: how late, what it cost whom, and whether it had to be. By the referee's words.

The judging is `devnet/audit`'s: bad debt that was avoidable or the price of caution, positions that
were healthy or fell for a spike alone.
"""

from dataclasses import dataclass, field
from typing import Any

from devnet.audit.feed import FeedWatch
from devnet.audit.ledger import MarketBooks, Taken
from devnet.audit.margin import Holding, HoldingKey
from devnet.audit.referee import first_source_below
from devnet.audit.spikes import price_before_spike
from devnet.audit.verdict import Verdict
from devnet.tape import Tape
from keepers.liquidation.positions import Position, PositionLiquidated
from units import BlockNumber, Bps, Head, Netuid, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """One liquidation. Amounts in wei; `late` in blocks, `late_suspended` of them suspended."""

    block: BlockNumber
    time: Timestamp
    netuid: Netuid
    position: str
    is_long: bool
    size: int
    price: int
    remaining: int
    penalty: int
    keeper_share: int
    bad_debt: int
    late: int
    late_suspended: int


@dataclass(slots=True, kw_only=True)
class Fallen:
    """All of them, and the verdict over them."""

    tape: Tape
    feed: FeedWatch
    limits: dict[Netuid, Bps]
    falls: list[Fall] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def take(
        self,
        event: PositionLiquidated,
        position: Position,
        market: MarketBooks,
        *,
        opened_in: BlockNumber,
        late: tuple[int, int],
        head: Head,
    ) -> None:
        """One liquidation; `late` counts its blocks and those that were suspended."""
        taken = _taken(event, position, market, opened_in, head)
        self.falls.append(_fall(event, position, late, head))
        spike = price_before_spike(
            self.tape, position.netuid, taken.source_block, self.limits[position.netuid]
        )
        self.verdict.judge(taken, spike)
        self.verdict.late_blocks[late[0]] += 1
        self.verdict.late_blocks_unsuspended[late[0] - late[1]] += 1
        if event.bad_debt:
            first = first_source_below(self.tape, taken)
            self.feed.split_bad_debt(self.verdict.bad_debt, taken, first)


def _fall(event: PositionLiquidated, position: Position, late: tuple[int, int], head: Head) -> Fall:
    return Fall(
        block=head.number,
        time=head.time,
        netuid=position.netuid,
        position=f"0x{position.key.id.hex()}#{position.key.sequence}",
        is_long=position.is_long,
        size=position.size,
        price=event.price,
        remaining=event.remaining,
        penalty=event.penalty,
        keeper_share=event.keeper_share,
        bad_debt=event.bad_debt,
        late=late[0],
        late_suspended=late[1],
    )


def holding_of(position: Position) -> Holding:
    """A position in the referee's words."""
    return Holding(
        key=HoldingKey(id=position.key.id, sequence=position.key.sequence),
        trader=position.trader,
        netuid=position.netuid,
        is_long=position.is_long,
        margin=position.margin,
        size=position.size,
        entry_price=position.entry_price,
        entry_index=position.entry_index,
    )


def _taken(
    event: PositionLiquidated,
    position: Position,
    market: MarketBooks,
    opened_in: BlockNumber,
    head: Head,
) -> Taken:
    said: dict[str, Any] = {
        "price": event.price,
        "index": event.index,
        "remaining": event.remaining,
        "penalty": event.penalty,
        "keeperShare": event.keeper_share,
        "badDebt": event.bad_debt,
    }
    return Taken(
        holding=holding_of(position),
        opened_in=opened_in,
        block=head.number,
        price=market.price,
        source_block=market.source_block,
        pushed_in=market.pushed_in,
        index=event.index,
        terms=market.terms,
        event=said,
    )
