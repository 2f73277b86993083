"""A fleet over simulated chains: the real bots, with ports that remember what they were given.

Everything that is sent is mined at once unless a test says otherwise.
"""

from collections.abc import AsyncIterator, Sequence

from fleet.chain.failures import NodeUnavailable
from fleet.cli.ports import Evidence
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, LoopPolicy
from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings
from fleet.transactions.request import Lane, Settled
from fleet.wiring.facts import BotName, VaultView
from keepers.funding.calendar import FundingPolicy
from keepers.funding.keeper import FundingKeeper
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.keeper import LiquidationKeeper, LiquidationPolicy
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.selection import SelectionPolicy
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.lookout import Lookout
from keepers.warnings.tiers import WarningPolicy
from oracle.feeder import Feeder, FeederPolicy
from tests.unit.fleet.cli.outlets import Feed, Funding, Journal, Liquidations, Source, Switch
from tests.unit.fleet.cli.worlds import TAO, Code, Examined, Kept, Safe
from tests.unit.fleet.runtime.streams import Heads, Witness
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from tests.unit.keepers.warnings.scripted import Disk
from tests.unit.oracle.simulated import SimulatedRisk
from units import Address, Head, Netuid, Rao, Wei


class SimulatedFleet:
    """`fleet.cli.ports.Assembly` over simulated chains."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.journal = Journal()
        self.exchange = SimulatedExchange()
        self.source = Source(price_at=self._price, markets=(Netuid(8), Netuid(64)))
        self.prices = {8: 10**8, 64: 10**8}
        self.feed = Feed(number=100)
        self.feed.journal = self.journal
        self.switch = Switch(self.journal)
        self.follower = BookFollower(log=self.exchange, policy=FollowerPolicy())
        self.risk = RiskEngine(follower=self.follower, policy=RiskPolicy(answer_s_max=None))
        self.liquidation_policy = LiquidationPolicy(selection=SelectionPolicy(), gas=REFERENCE_GAS)
        self.liquidations = Liquidations(self.journal)
        self.liquidator = LiquidationKeeper(
            risk=self.risk,
            follower=self.follower,
            liquidations=self.liquidations,
            policy=self.liquidation_policy,
        )
        self.funding_rows = Funding(self.journal, self.exchange)
        self.funding = FundingKeeper(
            markets=self.funding_rows, accruals=self.funding_rows, policy=FundingPolicy()
        )
        self.disk = Disk()
        self.kept = Kept()
        self.evidence: Evidence = self.kept
        self.code = Code()
        self.inspector = Examined(settings)
        self.undelivered = 0
        self.stopped: dict[str, dict[Lane, str]] = {}
        self.backups = Safe()
        self.outage: str | None = None
        self.key_is_taken: Exception | None = None
        self.is_opening_paused = False
        self.started: frozenset[BotName] | None = None

    def _price(self, netuid: Netuid, block: int) -> Rao | None:
        return Rao(self.prices[netuid]) if netuid in self.prices else None

    async def stopped_lanes(self) -> dict[str, dict[Lane, str]]:
        return self.stopped

    async def reset_lane(self, name: str, lane: Lane) -> None:
        del self.stopped[name][lane]
        self.stopped = {of: lanes for of, lanes in self.stopped.items() if lanes}

    @property
    def account(self) -> Address | None:
        return self.journal.account

    async def read_tiers(self) -> None:
        """It warns by the beta's."""

    @property
    def warnings(self) -> WarningsKeeper:
        policy = WarningPolicy()
        risks = Lookout(self.risk, policy)
        return WarningsKeeper(risks=risks, log=self.exchange, store=self.disk, policy=policy)

    def feeder(self, markets: Sequence[Netuid]) -> Feeder:
        pins = {
            market.netuid: market.registered_at
            for market in self.settings.markets
            if market.registered_at is not None
        }
        return Feeder(
            source=self.source,
            feed=self.feed,
            risk=SimulatedRisk(),
            markets=markets,
            pins=pins,
            policy=FeederPolicy(),
        )

    async def head(self) -> Head:
        if self.outage is not None:
            raise NodeUnavailable(self.outage)
        return self.exchange.tip.head

    def node_states(self) -> dict[str, str | None]:
        return {"anvil": "alive"}

    async def claim_key(self) -> None:
        if self.key_is_taken is not None:
            raise self.key_is_taken

    async def balance(self) -> Wei | None:
        return None if self.account is None else Wei(5 * TAO)

    async def vault(self) -> VaultView:
        return VaultView(
            reserves=Wei(1_000 * TAO),
            insurance=Wei(TAO),
            claims=Wei(0),
            bad_debt=Wei(0),
            is_opening_paused=self.is_opening_paused,
        )

    async def outcomes(self) -> AsyncIterator[Settled]:
        for settled in self.journal.settled:
            yield settled

    async def deliver(self) -> int:
        return self.undelivered

    def supervisor(self, bots: frozenset[BotName]) -> Supervisor:
        """One bot whose heads have ended: the daemon starts, and has nothing left to do."""
        self.started = bots
        heads, clock = Heads(), SystemClock()
        heads.close()

        async def step(_: Head) -> None:
            """Never called."""

        return Supervisor(
            bots=[Bot(name="bot", wakes=heads.wakes, step=step)],
            policy=LoopPolicy(),
            clock=clock,
            health=Health(clock=clock, age_s_max=180),
            observer=Witness(),
            grace_s=1,
        )
