"""Two chains at one height: Subtensor with prices that a test writes, and the price feed's rules.

The feed follows contracts/src/PriceFeed.sol: what it skips, what a suspension lets through. Time
is the block's, twelve seconds apart; nothing here reads a clock.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from oracle.falls import OverBudget
from oracle.feed import FeedRowView, SuspensionReason, Update
from oracle.feeder import Feeder, FeederPolicy
from oracle.plan import Publication
from oracle.ports import FeedState, NotSent, Sent
from oracle.quotes import Identity, Reading, SourceBlock, SourceHead, Unavailable
from units import (
    BLOCK_TIME,
    BlockHash,
    BlockNumber,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Rao,
    Timestamp,
    TxHash,
    Wei,
)

TAO = Rao(10**9)
GENESIS_TIME = 1_700_000_000
REGISTERED_AT = BlockNumber(5)
SN = Netuid(64)
OTHER = Netuid(8)
FINALITY_LAG = 2
ADMIN_ONLY = (SuspensionReason.GUARDIAN, SuspensionReason.IDENTITY)
EMPTY_ROW = FeedRowView(
    price=PriceWei(0),
    source_block=BlockNumber(0),
    source_time=Timestamp(0),
    landed_time=None,
    suspended_at=BlockNumber(0),
    suspension=SuspensionReason.NONE,
)
ORDINARY = Identity(exists=True, registered_at=REGISTERED_AT, mechanism=1)

PriceAt = Callable[[Netuid, int], Rao | None]


def time_of(block: int) -> Timestamp:
    return Timestamp(GENESIS_TIME + block * BLOCK_TIME)


def head(number: int) -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number:064x}"),
        parent_hash=BlockHash(f"0x{number - 1:064x}"),
        time=time_of(number),
    )


def source_head(number: int) -> SourceHead:
    return SourceHead(number=BlockNumber(number), hash=BlockHash(f"0xff{number:062x}"))


def reading(
    number: int,
    prices: Mapping[Netuid, Rao] | None,
    identities: Mapping[Netuid, Identity] | None = None,
    *,
    detail: str = "",
) -> Reading:
    known = prices if prices is not None else {}
    block = source_head(number)
    return Reading(
        block=SourceBlock(
            number=block.number, hash=block.hash, time=time_of(number), spec_version=424
        ),
        prices=prices,
        identities=dict.fromkeys(known, ORDINARY) if identities is None else identities,
        detail=detail,
    )


@dataclass
class SimulatedSubtensor:
    """Finalized blocks whose prices `price_at(netuid, block)` gives; None: the subnet is gone."""

    price_at: PriceAt
    markets: tuple[Netuid, ...] = (SN,)
    outage: str | None = None
    announces: int | None = None
    best: int | None = None
    identities: dict[Netuid, Identity] = field(default_factory=dict)
    reads: list[int] = field(default_factory=list)

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        if self.outage is not None:
            return Unavailable(detail=self.outage)
        self.reads.append(number)
        found = {netuid: self.price_at(netuid, number) for netuid in self.markets}
        gone = replace(ORDINARY, exists=False)
        identities = {
            netuid: self.identities.get(netuid, gone if price is None else ORDINARY)
            for netuid, price in found.items()
        }
        prices = {netuid: price for netuid, price in found.items() if price is not None}
        return reading(number, prices, identities)

    async def buried(self, depth: int) -> Reading | Unavailable:
        if self.best is None:
            return Unavailable(detail="no best block")
        said = await self.read(BlockNumber(self.best - depth))
        return replace(said, is_final=False) if isinstance(said, Reading) else said

    async def finalized(self) -> SourceHead | Unavailable:
        if self.announces is None:
            return Unavailable(detail="no answer")
        return source_head(self.announces)


@dataclass
class SimulatedFeed:
    """The price feed. What is sent waits `delay` blocks, then lands in order."""

    number: int
    delay: int = 1
    is_unreadable: bool = False
    refusal: str | None = None
    knows_landing: bool = True
    loses_next: int = 0
    cost: Wei | None = Wei(1_000)
    cost_s: float = 0.0
    costs_asked: int = 0
    stored: dict[Netuid, FeedRowView] = field(default_factory=dict)
    publications: list[Publication] = field(default_factory=list)
    suspensions_sent: int = 0
    accepted: list[tuple[int, Update]] = field(default_factory=list)
    suspended: list[tuple[int, Netuid, SuspensionReason]] = field(default_factory=list)
    _coming: list[tuple[int, Callable[[], None]]] = field(default_factory=list)

    async def rows(self, netuids: Sequence[Netuid]) -> FeedState | Unavailable:
        if self.is_unreadable:
            return Unavailable(detail="the node is away")
        rows = {netuid: self.row(netuid) for netuid in netuids}
        return FeedState(head=head(self.number), rows=rows)

    async def submit(self, publication: Publication) -> Sent | NotSent:
        self.publications.append(publication)
        return self._send(lambda: self._land_push(publication.updates))

    async def push_cost(self) -> Wei | Unavailable:
        self.costs_asked += 1
        await asyncio.sleep(self.cost_s)
        return Unavailable(detail="no fee") if self.cost is None else self.cost

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Sent | NotSent:
        self.suspensions_sent += 1
        return self._send(lambda: self.land_suspension(netuids, reason))

    def row(self, netuid: Netuid) -> FeedRowView:
        row = self.stored.get(netuid, EMPTY_ROW)
        return row if self.knows_landing else replace(row, landed_time=None)

    def advance_to(self, number: int) -> None:
        while self.number < number:
            self.number += 1
            due = [land for when, land in self._coming if when <= self.number]
            self._coming = [each for each in self._coming if each[0] > self.number]
            for land in due:
                land()

    def land_suspension(self, netuids: Sequence[Netuid], reason: SuspensionReason) -> None:
        for netuid in netuids:
            row = self.stored.get(netuid, EMPTY_ROW)
            if row.suspension in ADMIN_ONLY or (
                row.suspension is SuspensionReason.OPERATOR and reason not in ADMIN_ONLY
            ):
                continue
            if row.suspension is not reason:
                at = BlockNumber(self.number)
                self.stored[netuid] = replace(row, suspended_at=at, suspension=reason)
                self.suspended.append((self.number, netuid, reason))

    def clear_suspension(self, netuid: Netuid) -> None:
        """The admin does."""
        self.stored[netuid] = replace(
            self.stored[netuid], suspended_at=BlockNumber(0), suspension=SuspensionReason.NONE
        )

    def prices(self, netuid: Netuid) -> list[PriceWei]:
        return [update.price for _, update in self.accepted if update.netuid == netuid]

    def _send(self, land: Callable[[], None]) -> Sent | NotSent:
        if self.refusal is not None:
            return NotSent(reason=self.refusal)
        if self.loses_next:
            self.loses_next -= 1
        else:
            self._coming.append((self.number + self.delay, land))
        return Sent(tx_hash=TxHash("0x" + "00" * 32))

    def _land_push(self, updates: Sequence[Update]) -> None:
        for update in updates:
            row = self.stored.get(update.netuid, EMPTY_ROW)
            is_fresh = row.source_block < update.source_block <= self.number
            is_young = self.number - update.source_block <= 25
            is_open = row.suspension not in ADMIN_ONLY and update.source_block >= row.suspended_at
            if not (is_fresh and is_young and is_open and update.price > 0):
                raise AssertionError(f"the feed skips {update} at {self.number}: {row}")
            self.stored[update.netuid] = FeedRowView(
                price=update.price,
                source_block=update.source_block,
                source_time=update.source_time,
                landed_time=time_of(self.number),
                suspended_at=BlockNumber(0),
                suspension=SuspensionReason.NONE,
            )
            self.accepted.append((self.number, update))


@dataclass(frozen=True)
class Fallen:
    """`oracle.plan.Falling`: everybody is in every market that is pushed."""

    ids: tuple[PositionId, ...]
    at_stake: Mapping[Netuid, Wei] = field(default_factory=dict)

    def within(self, netuids: Collection[Netuid]) -> "Fallen":
        return replace(self, ids=self.ids if netuids else ())


@dataclass
class SimulatedRisk:
    """Says who falls; `unknown` is why it can't.

    `only_at`: nobody falls but at this price. `at_stake`: what it says is at stake.
    """

    falling: tuple[PositionId, ...] = ()
    unknown: str | None = None
    only_at: PriceWei | None = None
    at_stake: dict[Netuid, Wei] = field(default_factory=dict)
    asked: list[Mapping[Netuid, PriceWei]] = field(default_factory=list)

    async def liquidatable_at(
        self, prices: Mapping[Netuid, PriceWei], head: Head
    ) -> Fallen | OverBudget:
        self.asked.append(prices)
        if self.unknown is not None:
            return OverBudget(reason=self.unknown)
        falls = self.only_at is None or self.only_at in prices.values()
        return Fallen(self.falling if falls else (), at_stake=self.at_stake)


@dataclass
class World:
    """Both chains and a feeder between them; `run` goes from block to block."""

    source: SimulatedSubtensor
    feed: SimulatedFeed
    feeder: Feeder
    risk: SimulatedRisk

    async def run(self, *, to: int, every: int = 1) -> None:
        """Chain 964 advances to `to`; the feeder is woken by every `every`-th finalized head."""
        for number in range(self.feed.number + 1, to + 1):
            self.feed.advance_to(number)
            if (number - FINALITY_LAG) % every == 0:
                await self.feeder.step(source_head(number - FINALITY_LAG))


def world(
    price_at: PriceAt,
    *,
    markets: tuple[Netuid, ...] = (SN,),
    start: int = 100,
    policy: FeederPolicy | None = None,
    pins: Mapping[Netuid, BlockNumber] | None = None,
) -> World:
    source = SimulatedSubtensor(price_at=price_at, markets=markets)
    feed = SimulatedFeed(number=start)
    risk = SimulatedRisk()
    feeder = restarted(source, feed, risk, markets=markets, policy=policy, pins=pins)
    return World(source=source, feed=feed, feeder=feeder, risk=risk)


def restarted(
    source: SimulatedSubtensor,
    feed: SimulatedFeed,
    risk: SimulatedRisk,
    *,
    markets: tuple[Netuid, ...] = (SN,),
    policy: FeederPolicy | None = None,
    pins: Mapping[Netuid, BlockNumber] | None = None,
) -> Feeder:
    return Feeder(
        source=source,
        feed=feed,
        risk=risk,
        markets=markets,
        pins=dict.fromkeys(markets, REGISTERED_AT) if pins is None else pins,
        policy=policy or FeederPolicy(),
    )
