"""The fleet's ports on the exchange in process: read at once, sent into the next block."""

from collections.abc import Sequence

from keepers.funding.calendar import FundingRow, FundingSnapshot
from keepers.funding.keeper import FundingUnread
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.moves import BlockMoves, as_moves
from keepers.liquidation.positions import BlockEvents, BookOutline, BookSnapshot, Position
from keepers.liquidation.selection import LiquidationBatch
from keepers.submission import NotSent, Sent
from oracle.feed import FeedRowView, SuspensionReason
from oracle.plan import Publication
from oracle.ports import FeedState
from oracle.ports import Sent as FeedSent
from oracle.quotes import Unavailable
from protocol.sending import SendingPolicy, parts_of
from replay.actions import Accrue, Action, Liquidate, Push, Suspend
from replay.exchange import Exchange
from replay.source import block_hash
from units import BlockHash, BlockNumber, Head, Netuid, PositionId, Timestamp, TxHash, Wei

_SENT = TxHash("0x" + "00" * 32)


class ModelChain:
    """Chain 964 as the fleet sees it: the exchange at the end of block `head`, and its events.

    `outbox` is what was sent for the next block, in order. `landed` says when each market's last
    push landed.
    """

    def __init__(
        self, *, exchange: Exchange, head: Head, sending: SendingPolicy, push_cost: Wei
    ) -> None:
        self.exchange = exchange
        self.now = head
        self.outbox: list[Action] = []
        self.landed: dict[Netuid, Timestamp] = {}
        self._sending = sending
        self._push_cost = push_cost
        self._busy: set[PositionId] = set()
        self._blocks: list[BlockEvents] = []

    def seal(self, block: BlockEvents, head: Head) -> None:
        """A block was made: its events can be read, and what it held is in no pool any more.

        Events are kept until somebody has read beyond them.
        """
        self.now = head
        if block.events:
            self._blocks.append(block)
        self.outbox, self._busy = [], set()

    # oracle.feeder.Feed

    async def rows(self, netuids: Sequence[Netuid]) -> FeedState | Unavailable:
        """See the port."""
        return FeedState(head=self.now, rows={netuid: self._row(netuid) for netuid in netuids})

    async def submit(self, publication: Publication) -> FeedSent:
        """See the port."""
        first, *others = parts_of(publication, self._sending, has_router=True)
        for ids in (first, *others):
            free = self._free(ids)
            if free or ids is first:
                self.outbox.append(Push(updates=publication.updates, ids=free))
                self._busy.update(free)
        return FeedSent(tx_hash=_SENT)

    async def push_cost(self) -> Wei | Unavailable:
        """See the port."""
        return self._push_cost

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> FeedSent:
        """See the port."""
        del head
        self.outbox.append(Suspend(netuids=tuple(netuids), reason=reason))
        return FeedSent(tx_hash=_SENT)

    # keepers.liquidation.follower.ExchangeLog

    async def head(self) -> Head | Unreadable:
        """See the port."""
        return self.now

    async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
        """See the port."""
        if at.number != self.now.number:
            return Unreadable(reason=f"block {at.number} is not the head")
        return BookSnapshot(
            head=at,
            markets=tuple(self.exchange.markets.values()),
            positions=tuple(self.exchange.positions.values()),
        )

    async def moves(self, first: BlockNumber, last: Head) -> tuple[BlockMoves, ...] | Unreadable:
        """See the port."""
        self._blocks = [block for block in self._blocks if block.number >= first]
        return as_moves(block for block in self._blocks if block.number <= last.number)

    async def block_hash(self, number: BlockNumber) -> BlockHash | Unreadable | None:
        """See the port."""
        return block_hash(number) if number <= self.now.number else None

    async def held(self, ids: Sequence[PositionId], at: Head) -> tuple[Position, ...] | Unreadable:
        """See the port."""
        del at
        return tuple(
            self.exchange.positions[each] for each in ids if each in self.exchange.positions
        )

    async def outline(self, at: Head) -> BookOutline | Unreadable:
        """See the port."""
        del at
        markets = tuple(self.exchange.markets.values())
        return BookOutline(markets=markets, positions=len(self.exchange.positions))

    def _row(self, netuid: Netuid) -> FeedRowView:
        row = self.exchange.markets[netuid].feed
        return FeedRowView(
            price=row.price,
            source_block=row.source_block,
            source_time=row.source_time,
            landed_time=self.landed.get(netuid),
            suspended_at=row.suspended_at,
            suspension=SuspensionReason(row.suspension),
        )

    def _free(self, ids: Sequence[PositionId]) -> tuple[PositionId, ...]:
        return tuple(each for each in ids if each not in self._busy)

    # what is sent by the keepers

    def liquidate(self, batch: LiquidationBatch) -> Sent | NotSent:
        """A batch, without those that a transaction of this block works on already."""
        free = self._free(batch.ids)
        if not free:
            return NotSent(reason="all of its positions are in flight")
        self.outbox.append(Liquidate(ids=free, keys=batch.keys))
        self._busy.update(free)
        return Sent(tx_hash=_SENT)

    def accrue(self, netuids: tuple[Netuid, ...]) -> None:
        """An accrual."""
        self.outbox.append(Accrue(netuids=netuids))


class ModelLiquidations:
    """`keepers.liquidation.keeper.Liquidations` on the exchange in process."""

    def __init__(self, chain: ModelChain) -> None:
        self._chain = chain

    async def submit(self, batch: LiquidationBatch, judgement: Judgement) -> Sent | NotSent:
        """See the port."""
        del judgement
        return self._chain.liquidate(batch)


class ModelFunding:
    """`FundingMarkets` and `Accruals` of the funding keeper on the exchange in process."""

    def __init__(self, chain: ModelChain, markets: Sequence[Netuid]) -> None:
        self._chain = chain
        self._markets = tuple(markets)

    async def read(self) -> FundingSnapshot | FundingUnread:
        """See the port."""
        return FundingSnapshot(
            head=self._chain.now, rows=tuple(self._row(netuid) for netuid in self._markets)
        )

    async def submit(self, netuids: tuple[Netuid, ...], due_key: str) -> Sent:
        """See the port."""
        del due_key
        self._chain.accrue(netuids)
        return Sent(tx_hash=_SENT)

    def _row(self, netuid: Netuid) -> FundingRow:
        market = self._chain.exchange.markets[netuid]
        return FundingRow(
            netuid=netuid,
            is_listed=True,
            last_accrual=market.last_accrual,
            interval=market.parameters.funding_interval,
            cap=market.parameters.funding_cap,
        )
