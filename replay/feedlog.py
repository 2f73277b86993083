"""How the feed followed the source: pushes, distance, suspensions; and what might have been pushed.

What the operator's rules allowed is followed by the referee's own second writing of the guard
(`devnet/audit/feed.py`), so that a fleet that is slow is not excused by itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from devnet.audit.duties import DutyRecord
from devnet.audit.feed import FeedWatch, Promise
from devnet.audit.ledger import NO_BLOCK, MarketBooks
from devnet.audit.margin import Terms
from devnet.tape import Tape
from keepers.liquidation.positions import MarketResumed, MarketSuspended, PricePushed
from replay.setup import finalized_at
from units import (
    BPS_ONE,
    RAO_IN_PRICE_WEI,
    BlockNumber,
    FundingIndex,
    Head,
    Netuid,
    PriceWei,
    Timestamp,
)

FeedEvent = PricePushed | MarketSuspended | MarketResumed

_TAO = 1e18


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A suspension: from one block's time to another's (None: to the end), and its reason."""

    reason: int
    first: Timestamp
    last: Timestamp | None


@dataclass(slots=True, kw_only=True)
class MarketLog:
    """One market's feed: prices in TAO by Unix seconds, and what was counted.

    `error_sum` is in basis points over `blocks` open blocks, against the source price of the very
    block.
    """

    source: list[tuple[float, float]] = field(default_factory=list)
    feed: list[tuple[float, float]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    pushes: int = 0
    blocks: int = 0
    blocks_suspended: int = 0
    error_sum: float = 0.0
    error_max: float = 0.0


class FeedLog:
    """Follows every market's feed beside the tape."""

    def __init__(
        self,
        *,
        tape: Tape,
        promises: Mapping[Netuid, Promise],
        pins: Mapping[Netuid, BlockNumber | None],
        terms: Terms,
    ) -> None:
        self.duties = DutyRecord()
        self.allowed = FeedWatch(tape=tape, pins=pins, promises=promises, record=self.duties)
        self.books = {
            netuid: MarketBooks(netuid=netuid, terms=terms, last_accrual=Timestamp(0))
            for netuid in pins
        }
        self.markets = {netuid: MarketLog() for netuid in pins}
        self.suspensions: Counter[int] = Counter()
        self._tape = tape
        self._row = NO_BLOCK
        self._source = np.zeros(len(pins))
        self._feed = np.zeros(len(pins))
        self._is_open = np.zeros(len(pins), dtype=bool)
        self._errors = np.zeros(len(pins))
        self._sums, self._max = np.zeros(len(pins)), np.zeros(len(pins))
        self._counts = np.zeros(len(pins), dtype=np.int64)
        self._blocks = 0

    def begin_block(
        self,
        head: Head,
        is_worth: Callable[[Netuid, PriceWei], bool],
        index_of: Callable[[Netuid], FundingIndex],
    ) -> None:
        """Before anything that happened in the block; what the referee's watch asks."""
        known = finalized_at(head.number - 1)
        self.allowed.begin_block(known, head.number, is_worth, index_of)

    def event(self, event: FeedEvent, head: Head) -> None:
        """One event of the feed."""
        book, log = self.books[event.netuid], self.markets[event.netuid]
        match event:
            case PricePushed():
                before = book.price
                book.price, book.source_block = event.price, event.source_block
                book.source_time, book.pushed_in = event.source_time, head.number
                log.pushes += 1
                log.feed.append((float(head.time), event.price / _TAO))
                self.allowed.pushed(book, before, head.number)
            case MarketSuspended(suspension=reason):
                self._end_span(log, head)
                log.spans.append(Span(reason=reason, first=head.time, last=None))
                self.suspensions[reason] += 1
                book.suspended_at = head.number
            case MarketResumed():
                self._end_span(log, head)
                book.suspended_at = NO_BLOCK
        self._row = NO_BLOCK

    def end_block(self, head: Head) -> None:
        """After everything that happened in the block."""
        for book in self.books.values():
            self.allowed.end_block(book, head)
        row = self._tape.row_at(head.number)
        if row.block != self._row:
            self._row = row.block
            self._measure(row.prices, head)
        self._blocks += 1
        self._sums += self._errors
        self._counts += self._is_open
        np.maximum(self._max, self._errors, out=self._max)

    def finish(self) -> None:
        """Writes what was counted into the markets' logs."""
        for at, log in enumerate(self.markets.values()):
            log.blocks = int(self._counts[at])
            log.blocks_suspended = self._blocks - log.blocks
            log.error_sum, log.error_max = float(self._sums[at]), float(self._max[at])

    def _measure(self, prices: Mapping[Netuid, int], head: Head) -> None:
        for at, (netuid, book) in enumerate(self.books.items()):
            source = prices.get(netuid, 0)
            log = self.markets[netuid]
            if source and (not log.source or log.source[-1][1] != source / RAO_IN_PRICE_WEI):
                log.source.append((float(head.time), source / RAO_IN_PRICE_WEI))
            self._source[at], self._feed[at] = source * float(RAO_IN_PRICE_WEI), book.price
            self._is_open[at] = bool(source and book.price and not book.suspended_at)
        known = np.where(self._source > 0, self._source, 1.0)
        distance = np.abs(self._feed - self._source) * BPS_ONE / known
        self._errors = np.where(self._is_open, distance, 0.0)

    @staticmethod
    def _end_span(log: MarketLog, head: Head) -> None:
        if log.spans and log.spans[-1].last is None:
            span = log.spans[-1]
            log.spans[-1] = Span(reason=span.reason, first=span.first, last=head.time)
