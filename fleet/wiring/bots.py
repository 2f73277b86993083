"""The bots as loops: what wakes each, what its step is, and what counts as success."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.chain.node import Node
from fleet.runtime.loop import Bot
from fleet.runtime.wakes import Alarm
from fleet.transactions.request import Lane, Settled
from fleet.transactions.sender import Sender
from fleet.wiring.facts import BotName
from fleet.wiring.rhythm import FeederWake, Order, Rhythm
from keepers.funding.keeper import FundingKeeper, FundingUnread
from keepers.liquidation.keeper import LiquidationKeeper, LiquidationsHeld
from keepers.liquidation.upkeep import BookKept, BookUpkeep
from keepers.warnings.keeper import WarningsKeeper, WarningsOutcome
from oracle.feeder import Feeder, FeedOutcome
from oracle.plan import NotPlanned
from protocol.ports import Liquidations
from units import Address, Head, Wei

TRANSACTIONS = "transactions"
BOOK = "book"

KEY_BLOCKS = 25
"""Every so many blocks, five minutes, the key's balance is looked at."""


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

    `warnings` makes its bot when it is first wanted: it needs the exchange's tiers.
    """

    node: Node
    sender: Sender | None
    liquidations: Liquidations
    feeder: Feeder
    liquidator: LiquidationKeeper
    upkeep: BookUpkeep
    funding: FundingKeeper
    warnings: Callable[[], WarningsKeeper]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """The key that pays: its balance, and how far its nonces are ahead of the chain."""

    address: Address
    balance: Wei
    nonce_gap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledOutcomes:
    """What became known of transactions at one block, and what is still on its way by lane."""

    head: Head
    settled: tuple[Settled, ...]
    in_flight: Mapping[Lane, int]
    key: KeyState | None = None


def bots(
    names: Iterable[BotName], crew: Crew, rhythm: Rhythm, alarms: Alarms
) -> Iterator[Bot[Any]]:
    """The named bots, and before them the one that looks after their transactions."""
    if crew.sender is not None:
        yield _transactions(crew, crew.sender, rhythm)
    makers: dict[BotName, Callable[[Crew, Rhythm, Alarms], Bot[Any]]] = {
        BotName.FEEDER: _feeder,
        BotName.LIQUIDATOR: _liquidator,
        BotName.FUNDING: _funding,
        BotName.WARNINGS: _warnings,
    }
    chosen = frozenset(names)
    if BotName.LIQUIDATOR not in chosen and chosen & {BotName.FEEDER, BotName.WARNINGS}:
        yield _upkeep(crew, rhythm)
    yield from (make(crew, rhythm, alarms) for name, make in makers.items() if name in chosen)


async def settle(crew: Crew, sender: Sender, head: Head) -> SettledOutcomes:
    """Looks after what is in flight, and tells the liquidator what became of its batches."""
    settled = await sender.settle(head)
    for each in settled:
        crew.liquidator.record(crew.liquidations.results(each))
    status = sender.status
    in_flight = {} if status is None else status.in_flight
    return SettledOutcomes(head=head, settled=settled, in_flight=in_flight)


async def key_state(sender: Sender, node: Node) -> KeyState | None:
    """How the key stands; None before the journal was read. Raises ChainError."""
    status = sender.status
    if status is None:
        return None
    used = await node.transaction_count(sender.account)
    return KeyState(
        address=sender.account,
        balance=await node.balance(sender.account),
        nonce_gap=status.next_nonce - used,
    )


def _transactions(crew: Crew, sender: Sender, rhythm: Rhythm) -> Bot[Head]:
    async def step(head: Head) -> SettledOutcomes:
        outcomes = await settle(crew, sender, head)
        if head.number % KEY_BLOCKS:
            return outcomes
        return replace(outcomes, key=await key_state(sender, crew.node))

    return Bot(
        name=TRANSACTIONS,
        wakes=lambda: rhythm.heads(TRANSACTIONS, Order.TRANSACTIONS),
        step=step,
        barrier=rhythm.barrier,
    )


def _upkeep(crew: Crew, rhythm: Rhythm) -> Bot[Head]:
    """Keeps the book at the head where no liquidator of this process does."""
    return Bot(
        name=BOOK,
        wakes=lambda: rhythm.heads(BOOK, Order.BOOK),
        step=crew.upkeep.step,
        is_success=lambda result: isinstance(result, BookKept),
        barrier=rhythm.barrier,
    )


def _feeder(crew: Crew, rhythm: Rhythm, alarms: Alarms) -> Bot[FeederWake]:
    def is_success(outcome: FeedOutcome) -> bool:
        return not isinstance(outcome.plan, NotPlanned)

    async def step(wake: FeederWake) -> FeedOutcome:
        return await crew.feeder.step(wake.finalized)

    return Bot(
        name=BotName.FEEDER,
        wakes=lambda: rhythm.finalized(BotName.FEEDER, Order.FEEDER),
        step=step,
        is_success=is_success,
        alarm=alarms.heartbeat,
        barrier=rhythm.barrier,
    )


def _liquidator(crew: Crew, rhythm: Rhythm, alarms: Alarms) -> Bot[Head]:
    return Bot(
        name=BotName.LIQUIDATOR,
        wakes=lambda: rhythm.heads(BotName.LIQUIDATOR, Order.LIQUIDATOR),
        step=crew.liquidator.step,
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
    keeper = crew.warnings()

    def is_success(outcome: WarningsOutcome) -> bool:
        return outcome.blindness is None

    return Bot(
        name=BotName.WARNINGS,
        wakes=lambda: rhythm.heads(BotName.WARNINGS, Order.WARNINGS),
        step=keeper.step,
        is_success=is_success,
        barrier=rhythm.barrier,
    )
