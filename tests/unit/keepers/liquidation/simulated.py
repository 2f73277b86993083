"""An exchange on a chain that forks, for the book's tests: state by block, events, a faulty node.

It knows the rules of accrual and open interest on its own: open interest is summed up from the
positions at every block, never moved by an event.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.moves import BlockMoves, as_moves
from keepers.liquidation.positions import (
    BlockEvents,
    BookEvent,
    BookOutline,
    BookSnapshot,
    FeedRow,
    FundingAccrued,
    Market,
    MarketResumed,
    MarketSuspended,
    ParametersChanged,
    Position,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PricePushed,
)
from tests.unit.keepers.liquidation.examples import (
    GENESIS,
    block_time,
    head_at,
    liquidated,
    market,
    position,
)
from units import (
    BlockHash,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Wei,
)


class Block:
    """One block while it is made and afterwards: what happened, and the state at its end."""

    def __init__(
        self,
        head: Head,
        markets: dict[Netuid, Market],
        positions: dict[PositionId, Position],
        openings: dict[PositionId, int],
    ) -> None:
        self.head = head
        self.markets = dict(markets)
        self.positions = dict(positions)
        self.openings = dict(openings)
        self.events: list[BookEvent] = []

    def open(self, netuid: int, is_long: bool, size: int, number: int) -> None:
        position_id = PositionId(number.to_bytes(16, "big"))
        if position_id in self.positions or Netuid(netuid) not in self.markets:
            return
        self.accrue(netuid)
        self.openings[position_id] = self.openings.get(position_id, 0) + 1
        at = self.markets[Netuid(netuid)]
        opened = position(
            number,
            netuid=netuid,
            sequence=self.openings[position_id],
            is_long=is_long,
            margin=size // 3,
            size=size,
            entry_price=max(at.feed.price, 1),
            entry_index=at.index,
        )
        self.positions[position_id] = opened
        self.events.append(PositionOpened(position=opened))
        self._sum(netuid)

    def reduce(self, chosen: Position) -> None:
        self.accrue(chosen.netuid)
        after = replace(chosen, margin=Wei(chosen.margin // 2), size=Wei(-(-chosen.size // 2)))
        self.positions[chosen.key.id] = after
        self.events.append(PositionChanged(key=chosen.key, margin=after.margin, size=after.size))
        self._sum(chosen.netuid)

    def close(self, chosen: Position) -> None:
        self.accrue(chosen.netuid)
        del self.positions[chosen.key.id]
        self.events.append(PositionClosed(key=chosen.key))
        self._sum(chosen.netuid)

    def liquidate(self, chosen: Position) -> None:
        self.accrue(chosen.netuid)
        del self.positions[chosen.key.id]
        self.events.append(liquidated(chosen))
        self._sum(chosen.netuid)

    def accrue(self, netuid: int) -> None:
        at = self.markets[Netuid(netuid)]
        elapsed = min(self.head.time - at.last_accrual, at.parameters.funding_cap)
        if elapsed == 0:
            return
        long, short = at.long_open_interest, at.short_open_interest
        rate = at.parameters.funding_rate_max * elapsed
        interval = at.parameters.funding_interval
        step = ((long - short) * rate) // ((long + short) * interval) if long + short else 0
        index = FundingIndex(at.index + step)
        self.markets[at.netuid] = replace(at, index=index, last_accrual=self.head.time)
        self.events.append(FundingAccrued(netuid=at.netuid, index=index, until=self.head.time))

    def push(self, netuid: int, price: int) -> None:
        row = FeedRow(
            price=PriceWei(price),
            source_block=BlockNumber(self.head.number - 2),
            source_time=block_time(self.head.number - 2),
            suspended_at=BlockNumber(0),
            suspension=0,
        )
        self._feed(netuid, row)
        self.events.append(
            PricePushed(
                netuid=Netuid(netuid),
                price=row.price,
                source_block=row.source_block,
                source_time=row.source_time,
            )
        )

    def suspend(self, netuid: int, suspension: int) -> None:
        at = self.markets[Netuid(netuid)]
        row = replace(at.feed, suspended_at=self.head.number, suspension=suspension)
        self._feed(netuid, row)
        event = MarketSuspended(netuid=Netuid(netuid), at=self.head.number, suspension=suspension)
        self.events.append(event)

    def resume(self, netuid: int) -> None:
        at = self.markets[Netuid(netuid)]
        self._feed(netuid, replace(at.feed, suspended_at=BlockNumber(0), suspension=0))
        self.events.append(MarketResumed(netuid=Netuid(netuid)))

    def set_maintenance(self, netuid: int, maintenance: int) -> None:
        self.accrue(netuid)
        at = self.markets[Netuid(netuid)]
        parameters = replace(at.parameters, maintenance=Bps(maintenance))
        self.markets[at.netuid] = replace(at, parameters=parameters)
        self.events.append(ParametersChanged(netuid=at.netuid))

    def snapshot(self) -> BookSnapshot:
        return BookSnapshot(
            head=self.head,
            markets=tuple(self.markets.values()),
            positions=tuple(self.positions.values()),
        )

    def _feed(self, netuid: int, row: FeedRow) -> None:
        self.markets[Netuid(netuid)] = replace(self.markets[Netuid(netuid)], feed=row)

    def _sum(self, netuid: int) -> None:
        at = self.markets[Netuid(netuid)]
        held = [p for p in self.positions.values() if p.netuid == at.netuid]
        self.markets[at.netuid] = replace(
            at,
            long_open_interest=Wei(sum(p.size for p in held if p.is_long)),
            short_open_interest=Wei(sum(p.size for p in held if not p.is_long)),
        )


Action = Callable[[Block], None]


@dataclass
class SimulatedExchange:
    """The port, over a tree of blocks. Faults are attributes that a test sets.

    `horizon`: logs older than this many blocks below the tip read empty, as on a pruned node.
    `hidden`: blocks whose logs never show. `down`: methods that answer Unreadable.
    """

    netuids: Sequence[int] = (8, 64)
    horizon: int = 10**9
    hidden: set[BlockHash] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        markets = {Netuid(n): market(n) for n in self.netuids}
        first = Block(head_at(GENESIS), markets, {}, {})
        self.blocks = {first.head.hash: first}
        self.tip = first

    def grow(
        self, *actions: Action, on: Block | None = None, salt: str = "", is_tip: bool = True
    ) -> Block:
        parent = on or self.tip
        head = head_at(parent.head.number + 1, parent.head.hash, salt)
        block = Block(head, parent.markets, parent.positions, parent.openings)
        for action in actions:
            action(block)
        self.blocks[head.hash] = block
        if is_tip:
            self.tip = block
        return block

    def grow_many(self, count: int) -> Block:
        for _ in range(count):
            self.grow()
        return self.tip

    async def head(self) -> Head | Unreadable:
        return self._unreadable("head") or self.tip.head

    async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
        if at.hash not in self.blocks:
            return Unreadable(reason="unknown block")
        return self._unreadable("snapshot") or self.blocks[at.hash].snapshot()

    async def moves(self, first: BlockNumber, last: Head) -> tuple[BlockMoves, ...] | Unreadable:
        return self._unreadable("moves") or as_moves(self._shown(first, last))

    async def events(self, first: BlockNumber, last: Head) -> tuple[BlockEvents, ...] | Unreadable:
        return self._unreadable("events") or tuple(self._shown(first, last))

    def _shown(self, first: BlockNumber, last: Head) -> list[BlockEvents]:
        shown = [
            block
            for block in self.branch()
            if first <= block.head.number <= last.number
            and block.head.number > self.tip.head.number - self.horizon
            and block.head.hash not in self.hidden
            and block.events
        ]
        return as_events(shown)

    async def block_hash(self, number: BlockNumber) -> BlockHash | Unreadable | None:
        here = next((b for b in self.branch() if b.head.number == number), None)
        return self._unreadable("block_hash") or (here.head.hash if here else None)

    async def held(self, ids: Sequence[PositionId], at: Head) -> tuple[Position, ...] | Unreadable:
        block = self.blocks[at.hash]
        found = tuple(block.positions[each] for each in ids if each in block.positions)
        return self._unreadable("held") or found

    async def outline(self, at: Head) -> BookOutline | Unreadable:
        block = self.blocks[at.hash]
        markets = tuple(block.markets.values())
        return self._unreadable("outline") or BookOutline(
            markets=markets, positions=len(block.positions)
        )

    def branch(self, tip: Block | None = None) -> list[Block]:
        """From the first block to the tip."""
        path = [tip or self.tip]
        while path[-1].head.parent_hash in self.blocks:
            path.append(self.blocks[path[-1].head.parent_hash])
        return path[::-1]

    def _unreadable(self, method: str) -> Unreadable | None:
        self.asked.append(method)
        return Unreadable(reason=f"{method} is down") if method in self.down else None


def as_events(blocks: Iterable[Block]) -> list[BlockEvents]:
    return [
        BlockEvents(number=b.head.number, hash=b.head.hash, events=tuple(b.events)) for b in blocks
    ]
