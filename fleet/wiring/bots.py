"""The bots as loops: what wakes each, what its step is, and what counts as success."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.runtime.clock import Clock
from fleet.runtime.loop import Bot
from fleet.runtime.wakes import Alarm
from fleet.telemetry.notify import Round
from fleet.transactions.request import Final, Included, Settled
from fleet.transactions.sender import SenderStatus
from fleet.wiring.facts import BotName
from fleet.wiring.memory import Tidied
from fleet.wiring.rhythm import FeederWake, Order, Rhythm, Tick
from fleet.wiring.settling import KeyReads, KeyWatch, SettledOutcomes, Settles, settle
from fleet.wiring.telling import ROUND_S, ROUND_S_MAX
from keepers.funding.keeper import FundingKeeper, FundingUnread
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.keeper import (
    LiquidationKeeper,
    LiquidationsHeld,
    LiquidationsSubmitted,
)
from keepers.liquidation.upkeep import BookKept, BookUpkeep
from keepers.warnings.keeper import WarningsKeeper, WarningsOutcome
from oracle.feeder import Feeder, FeedOutcome
from oracle.plan import FeedPlan
from protocol.ports import Liquidations
from units import Head

TRANSACTIONS = "transactions"
BOOK = "book"
NOTIFICATIONS = "notifications"
MEMORY = "memory"

MEMORY_S = 3_600.0
"""Longest pause between two looks after the memory, where no schedule rings for it: lock-step."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What the schedule rings."""

    heartbeat: Alarm = field(default_factory=Alarm)
    funding: Alarm = field(default_factory=Alarm)
    reconciliation: Alarm = field(default_factory=Alarm)
    retention: Alarm = field(default_factory=Alarm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Everybody who may be woken. Without a sender nothing was sent, so nothing is settled.

    `warnings` gives its one keeper, and raises ChainError while the exchange's tiers can't be read.
    `watch_key` raises an alert when a lane was stopped for what it spent, or the contracts changed.
    `watch_feed` raises one for what the feeder can't mend itself, `keep_quotes` keeps what it read.
    `watch_book` raises one when the book was not the chain's.
    `tell` delivers one round of alerts, `tidy` forgets what is done with.
    """

    node: KeyReads
    sender: Settles | None
    liquidations: Liquidations
    feeder: Feeder
    liquidator: LiquidationKeeper
    upkeep: BookUpkeep
    funding: FundingKeeper
    warnings: Callable[[], Awaitable[WarningsKeeper]]
    watch_key: Callable[[SenderStatus | None, Head], Awaitable[None]]
    watch_feed: Callable[[FeedOutcome], Awaitable[None]]
    watch_book: Callable[[Head], Awaitable[None]]
    keep_quotes: Callable[[FeedOutcome], Awaitable[None]]
    tell: Callable[[], Awaitable[Round]]
    tidy: Callable[[], Awaitable[Tidied | None]]

    def record(self, news: Included | Settled) -> None:
        """Tells the liquidator what became of its batches, and funding what came to nothing."""
        self.liquidator.record(self.liquidations.results(news))
        if isinstance(news, Settled) and not isinstance(news.outcome, Final):
            self.funding.lost(news.request.idempotency_key)


def bots(
    names: Iterable[BotName],
    crew: Crew,
    rhythm: Rhythm,
    alarms: Alarms,
    clock: Clock,
    *,
    stands_by: bool = False,
) -> Iterator[Bot[Any]]:
    """The named bots, and around them those that look after what all of them need.

    A process that `stands_by` until its turn comes keeps its book meanwhile, whoever does later.
    Alerts are delivered where they are raised: two processes on one outbox would tell all twice.
    """
    chosen = frozenset(names)
    if crew.sender is not None:
        yield _transactions(crew, crew.sender, rhythm)
    keeps_book = BotName.LIQUIDATOR in chosen and not stands_by
    if chosen - {BotName.FUNDING} and not keeps_book:
        yield _upkeep(crew, rhythm)
    makers: dict[BotName, Callable[[Crew, Rhythm, Alarms], Bot[Any]]] = {
        BotName.FEEDER: _feeder,
        BotName.LIQUIDATOR: _liquidator,
        BotName.FUNDING: _funding,
        BotName.WARNINGS: _warnings,
    }
    yield from (make(crew, rhythm, alarms) for name, make in makers.items() if name in chosen)
    if BotName.WARNINGS in chosen:
        yield _notifications(crew, rhythm, clock)
    if BotName.WARNINGS in chosen or crew.sender is not None:
        yield _memory(crew, rhythm, alarms, clock)


def _transactions(crew: Crew, sender: Settles, rhythm: Rhythm) -> Bot[Head]:
    watch = KeyWatch(sender=sender, node=crew.node)

    async def step(head: Head) -> SettledOutcomes:
        outcomes = await settle(sender, head, crew.record)
        await crew.watch_key(sender.status, head)
        return replace(outcomes, key=await watch.look(head))

    return Bot(
        name=TRANSACTIONS,
        wakes=lambda: rhythm.heads(TRANSACTIONS, Order.TRANSACTIONS),
        step=step,
        barrier=rhythm.barrier,
    )


def _upkeep(crew: Crew, rhythm: Rhythm) -> Bot[Head]:
    """Keeps the book at the head where no liquidator of this process does, or not yet."""

    async def step(head: Head) -> BookKept | Unreadable:
        kept = await crew.upkeep.step(head)
        await crew.watch_book(head)
        return kept

    return Bot(
        name=BOOK,
        wakes=lambda: rhythm.heads(BOOK, Order.BOOK),
        step=step,
        is_success=lambda result: isinstance(result, BookKept),
        barrier=rhythm.barrier,
        acts=False,
    )


def _feeder(crew: Crew, rhythm: Rhythm, alarms: Alarms) -> Bot[FeederWake]:
    def is_success(outcome: FeedOutcome) -> bool:
        """A feeder that reads no price or gets none out does not do what it is for.

        Without a key it is to send nothing.
        """
        if not isinstance(outcome.plan, FeedPlan) or outcome.plan.source is None:
            return False
        return crew.sender is None or outcome.undone is None

    async def step(wake: FeederWake) -> FeedOutcome:
        outcome = await crew.feeder.step(wake.finalized)
        await crew.watch_feed(outcome)
        if crew.sender is not None:  # a dry run keeps nothing
            await crew.keep_quotes(outcome)
        return outcome

    return Bot(
        name=BotName.FEEDER,
        wakes=lambda: rhythm.finalized(BotName.FEEDER, Order.FEEDER),
        step=step,
        is_success=is_success,
        why_not=_why_unfed,
        alarm=alarms.heartbeat,
        barrier=rhythm.barrier,
    )


def _why_unfed(outcome: FeedOutcome) -> str:
    if not isinstance(outcome.plan, FeedPlan):
        return outcome.plan.reason
    if outcome.undone is not None:
        return f"not sent: {outcome.undone}"
    return f"no price was read: {'; '.join(outcome.plan.alerts)}"


def _liquidator(crew: Crew, rhythm: Rhythm, alarms: Alarms) -> Bot[Head]:
    async def step(head: Head) -> LiquidationsSubmitted | LiquidationsHeld:
        outcome = await crew.liquidator.step(head)
        await crew.watch_book(head)
        return outcome

    return Bot(
        name=BotName.LIQUIDATOR,
        wakes=lambda: rhythm.heads(BotName.LIQUIDATOR, Order.LIQUIDATOR),
        step=step,
        is_success=lambda result: not isinstance(result, LiquidationsHeld),
        alarm=alarms.reconciliation,
        barrier=rhythm.barrier,
    )


def _funding(crew: Crew, rhythm: Rhythm, alarms: Alarms) -> Bot[Head]:
    alarms.funding.listen(crew.funding.wake)
    return Bot(
        name=BotName.FUNDING,
        wakes=lambda: rhythm.heads(BotName.FUNDING, Order.FUNDING),
        step=crew.funding.step,
        is_success=lambda result: not isinstance(result, FundingUnread),
        alarm=alarms.funding,
        barrier=rhythm.barrier,
    )


def _warnings(crew: Crew, rhythm: Rhythm, alarms: Alarms) -> Bot[Head]:
    del alarms

    def is_success(outcome: WarningsOutcome) -> bool:
        return outcome.blindness is None

    async def step(head: Head) -> WarningsOutcome:
        return await (await crew.warnings()).step(head)

    return Bot(
        name=BotName.WARNINGS,
        wakes=lambda: rhythm.heads(BotName.WARNINGS, Order.WARNINGS),
        step=step,
        is_success=is_success,
        barrier=rhythm.barrier,
    )


def _notifications(crew: Crew, rhythm: Rhythm, clock: Clock) -> Bot[Tick]:
    failures = 0

    async def step(_: Tick) -> Round:
        nonlocal failures
        failures += 1
        done = await crew.tell()
        failures = 0
        return done

    def pause_s() -> float:
        """Longer with each failure: a tick ends the loop's own pause."""
        return float(min(ROUND_S * 2 ** min(failures, 8), ROUND_S_MAX))

    return Bot(name=NOTIFICATIONS, wakes=lambda: rhythm.ticks(clock, pause_s), step=step)


def _memory(crew: Crew, rhythm: Rhythm, alarms: Alarms, clock: Clock) -> Bot[Tick]:
    """At once, then when the schedule rings; what there is to do is the memory's business."""

    async def step(_: Tick) -> Tidied | None:
        return await crew.tidy()

    return Bot(
        name=MEMORY,
        wakes=lambda: rhythm.ticks(clock, lambda: MEMORY_S),
        step=step,
        alarm=alarms.retention,
    )
