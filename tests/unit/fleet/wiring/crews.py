"""A crew over simulated chains, and a rhythm that remembers who asked for what."""

from collections.abc import AsyncIterator, Sequence

from fleet.runtime.barrier import Barrier, NoBarrier
from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from fleet.settings import Settings
from fleet.telemetry.notify import Round
from fleet.transactions.sender import SenderStatus
from fleet.wiring import policies
from fleet.wiring.bots import Crew
from fleet.wiring.memory import Tidied
from fleet.wiring.rhythm import FeederWake, Order, PauseS, Tick, ticks
from fleet.wiring.settling import Settles
from keepers.liquidation.keeper import LiquidationKeeper, LiquidationPolicy
from keepers.liquidation.upkeep import BookUpkeep
from keepers.warnings.keeper import WarningsKeeper
from oracle.feeder import FeedOutcome
from protocol.deployment import Deployment
from protocol.ports import Liquidations
from protocol.sending import DryRun, ExchangeWriter
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.fleet.wiring.simulated import EXCHANGE, KEY, Blocks, Chain, Finalized, Post
from units import Address, Head


class Beat:
    """A rhythm whose heads a test gives; it remembers who asked, and in which order they go."""

    barrier: Barrier = NoBarrier()
    services: Sequence[Service] = ()

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.finals = Finalized()
        self.asked: list[tuple[str, Order]] = []

    def head_age_s(self) -> float:
        return 7.0

    def heads(self, name: str, order: Order) -> AsyncIterator[Head]:
        self.asked.append((name, order))
        return self.blocks.heads()

    async def finalized(self, name: str, order: Order) -> AsyncIterator[FeederWake]:
        self.asked.append((name, order))
        async for head in self.finals.heads():
            yield FeederWake(number=head.number, finalized=head)

    def ticks(self, clock: Clock, pause_s: PauseS) -> AsyncIterator[Tick]:
        return ticks(clock, pause_s, is_over=lambda: False)


class Company:
    """Everybody who may be woken, over one simulated world; faults are attributes."""

    def __init__(self, settings: Settings, post: Post | None = None) -> None:
        self.fleet = SimulatedFleet(settings)
        self.node = Chain()
        self.post = post
        self.tell_failure: Exception | None = None
        self.tiers_failure: Exception | None = None
        self.rounds = 0
        self.tidied = 0
        self.feeds: list[FeedOutcome] = []
        self.books: list[int] = []
        self.quoted: list[FeedOutcome] = []
        self.watched: list[tuple[SenderStatus | None, int]] = []
        deployment = Deployment(
            exchange=EXCHANGE, price_feed=Address("0x" + "22" * 20), keeper_router=None
        )
        self.liquidations = Liquidations(
            writer=ExchangeWriter(
                sender=post or DryRun(),
                deployment=deployment,
                beneficiary=KEY,
                policy=policies.sending(settings),
            )
        )

    def crew(self) -> Crew:
        fleet, sender = self.fleet, self.post
        policy: LiquidationPolicy = fleet.liquidation_policy
        typed: Settles | None = sender
        return Crew(
            node=self.node,
            sender=typed,
            liquidations=self.liquidations,
            feeder=fleet.feeder(tuple(market.netuid for market in fleet.settings.enabled_markets)),
            liquidator=LiquidationKeeper(
                risk=fleet.risk,
                follower=fleet.follower,
                liquidations=self.liquidations,
                policy=policy,
            ),
            upkeep=BookUpkeep(follower=fleet.follower, reconcile_blocks=policy.reconcile_blocks),
            funding=fleet.funding,
            warnings=self._warnings,
            watch_key=self._watch_spending,
            watch_feed=self._watch_feed,
            watch_book=self._watch_book,
            keep_quotes=self._keep_quotes,
            tell=self._tell,
            tidy=self._tidy,
        )

    async def _warnings(self) -> WarningsKeeper:
        if self.tiers_failure is not None:
            raise self.tiers_failure
        return self.fleet.warnings

    async def _watch_spending(self, status: SenderStatus | None, head: Head) -> None:
        self.watched.append((status, head.number))

    async def _watch_feed(self, outcome: FeedOutcome) -> None:
        self.feeds.append(outcome)

    async def _watch_book(self, head: Head) -> None:
        self.books.append(head.number)

    async def _keep_quotes(self, outcome: FeedOutcome) -> None:
        self.quoted.append(outcome)

    async def _tell(self) -> Round:
        self.rounds += 1
        if self.tell_failure is not None:
            raise self.tell_failure
        return Round(delivered={"log": 1}, failed={}, still_open=0)

    async def _tidy(self) -> Tidied | None:
        self.tidied += 1
        return None
