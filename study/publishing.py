"""What the feeder would have pushed, and in which transactions.

A price of source block b is decided on at head b + 2, two blocks of finality, and lands one later.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from oracle.alpha import has_moved_by
from oracle.due import PublicationPolicy
from oracle.markets import PerMarket
from study.guarding import UNKNOWN, Guarded
from units import BLOCK_TIME, BlockNumber, Netuid, PriceWei

FINALITY_BLOCKS = 2
LANDING_BLOCKS = FINALITY_BLOCKS + 1

PUSH_GAS, UPDATE_GAS = 24_500, 11_150
"""What a push of the reference exchange uses, and every price in it: 35,651 with one, 69,100 with
four, of a demo's receipts; a market's first price costs a fresh slot more, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """One market's price in the feed from block `block` on; UNKNOWN: suspended."""

    block: BlockNumber
    source: BlockNumber
    price: PriceWei


@dataclass(slots=True, kw_only=True)
class Published:
    """Every market's rows of the feed in time, and how many prices each push carried."""

    feeds: dict[Netuid, list[Landed]]
    pushes: list[int] = field(default_factory=list)
    suspensions: int = 0

    @property
    def gas(self) -> int:
        """What all pushes used; suspensions are the same under every band."""
        return sum(PUSH_GAS + UPDATE_GAS * size for size in self.pushes)


class _Market:
    """One market's row of the feed as the feeder sees it, and what was read last."""

    def __init__(self, netuid: Netuid, policy: PublicationPolicy) -> None:
        self.netuid = netuid
        self.known = UNKNOWN
        self.published = UNKNOWN
        self.is_suspended = False
        self.landed = 0
        self._policy = policy
        self._early = policy.early
        self._heartbeat_blocks = -(-policy.heartbeat_s // BLOCK_TIME)
        self._early_blocks = -(-self._early.heartbeat_s // BLOCK_TIME)

    @property
    def is_open(self) -> bool:
        return bool(self.known and self.published) and not self.is_suspended

    @property
    def heartbeat_at(self) -> int:
        """The source block that is read when the published price has become too old."""
        return self.landed + self._heartbeat_blocks - FINALITY_BLOCKS

    def rides(self, at: int) -> bool:
        """Whether it would go along; whatever is due would."""
        if not self.is_open:
            return bool(self.known)
        moved = has_moved_by(self.published, self.known, self._early.deviation)
        return moved or at >= self.landed + self._early_blocks - FINALITY_BLOCKS

    def is_due(self, at: int) -> bool:
        """Whether it is due, of one that rides."""
        if not self.is_open or at >= self.heartbeat_at:
            return True
        return has_moved_by(self.published, self.known, self._policy.deviation)


class _Feeder:
    """Steps from one source block that matters to the next."""

    def __init__(self, markets: Sequence[_Market]) -> None:
        self._markets = markets
        self._by_netuid = {market.netuid: market for market in markets}
        self.found = Published(feeds={market.netuid: [] for market in markets})

    def beat_until(self, block: int) -> None:
        """Heartbeats that are due before `block`."""
        while (at := self._next_heartbeat()) is not None and at < block:
            self._push(at)

    def read(self, block: int, changes: Iterable[tuple[Netuid, PriceWei]]) -> None:
        """Other prices at a source block; UNKNOWN is said on chain."""
        for netuid, price in changes:
            market = self._by_netuid[netuid]
            market.known = price
            if not price and not market.is_suspended:
                market.is_suspended = True
                self.found.suspensions += 1
                self._land(market, block, UNKNOWN)
        self._push(block)

    def _next_heartbeat(self) -> int | None:
        beats = [market.heartbeat_at for market in self._markets if market.is_open]
        return min(beats, default=None)

    def _push(self, at: int) -> None:
        riding = [market for market in self._markets if market.rides(at)]
        if not any(market.is_due(at) for market in riding):
            return
        for market in riding:
            market.published, market.is_suspended = market.known, False
            market.landed = at + LANDING_BLOCKS
            self._land(market, at, market.known)
        self.found.pushes.append(len(riding))

    def _land(self, market: _Market, source: int, price: PriceWei) -> None:
        block = BlockNumber(source + LANDING_BLOCKS)
        landed = Landed(block=block, source=BlockNumber(source), price=price)
        self.found.feeds[market.netuid].append(landed)


def published(
    guards: Sequence[Guarded], policies: PerMarket[PublicationPolicy], last_block: BlockNumber
) -> Published:
    """What would have gone on chain until `last_block` of the source."""
    changes: defaultdict[BlockNumber, list[tuple[Netuid, PriceWei]]] = defaultdict(list)
    for guard in guards:
        for block, price in guard.believed:
            changes[block].append((guard.netuid, price))
    feeder = _Feeder([_Market(each.netuid, policies.of(each.netuid)) for each in guards])
    for block in sorted(changes):
        feeder.beat_until(block)
        feeder.read(block, changes[block])
    feeder.beat_until(last_block + 1)
    return feeder.found
