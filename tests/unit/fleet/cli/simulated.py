"""A fleet over simulated chains: the real bots, with ports that remember what they were given.

Everything that is sent is mined at once unless a test says otherwise.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.chain.failures import NodeUnavailable
from fleet.cli.ports import Evidence
from fleet.runtime.clock import SystemClock
from fleet.runtime.health import Health
from fleet.runtime.loop import Bot, LoopPolicy
from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings
from fleet.store.engine import StoreError
from fleet.transactions.request import (
    Final,
    Lane,
    Outcome,
    Refused,
    Settled,
    Submission,
    Submitted,
    TransactionRequest,
)
from fleet.wiring.code_judgement import CodeFacts, CodeVerdict
from fleet.wiring.evidence import Explanation
from fleet.wiring.facts import (
    AccountFacts,
    AdminCall,
    BotName,
    ContractFacts,
    MarketFacts,
    NodeFacts,
    RoleFacts,
    SourceFacts,
    Unread,
    VaultView,
)
from keepers import submission as keepers_words
from keepers.funding.calendar import FundingPolicy, FundingRow, FundingSnapshot
from keepers.funding.keeper import FundingKeeper, FundingUnread
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.gas import REFERENCE_GAS
from keepers.liquidation.keeper import LiquidationKeeper, LiquidationPolicy
from keepers.liquidation.risk import RiskEngine, RiskPolicy
from keepers.liquidation.selection import LiquidationBatch, SelectionPolicy
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.tiers import WarningPolicy
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder, FeederPolicy
from oracle.plan import Publication
from oracle.ports import NotSent, Sent
from oracle.quotes import SourceHead, Unavailable
from tests.unit.fleet.runtime.streams import Heads, Witness
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from tests.unit.keepers.warnings.scripted import Disk
from tests.unit.oracle.simulated import (
    SimulatedFeed,
    SimulatedRisk,
    SimulatedSubtensor,
    source_head,
)
from units import (
    Address,
    BlockHash,
    BlockNumber,
    Bps,
    Head,
    Netuid,
    PositionId,
    Rao,
    Seconds,
    Timestamp,
    TxHash,
    Wei,
)

KEEPER = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
ADMIN = Address("0x00000000000000000000000000000000000000Ad")
CODE = BlockHash("0x" + "c0" * 32)
TAO = 10**18
HASH = TxHash("0x" + "ab" * 32)


class Journal:
    """What was sent, by its purpose; `outcome` is what becomes of all of it."""

    def __init__(self) -> None:
        self.account: Address | None = KEEPER
        self.refusal: str | None = None
        self.outcome: Outcome = Final(
            block=BlockNumber(7), gas_used=100_000, fee=Wei(10**15), logs=()
        )
        self.purposes: list[str] = []
        self.settled: list[Settled] = []

    def send(self, purpose: str) -> Submission:
        if self.account is None:
            return Refused(reason="no key is configured: dry run")
        if self.refusal is not None:
            return Refused(reason=self.refusal)
        self.purposes.append(purpose)
        request = TransactionRequest(
            to=ADMIN,
            data=b"",
            gas_limit=1,
            lane=Lane.PRICE,
            idempotency_key=purpose,
            valid_until=BlockNumber(9),
            purpose=purpose,
        )
        self.settled.append(Settled(request=request, tx_hash=HASH, outcome=self.outcome))
        return Submitted(tx_hash=HASH, nonce=len(self.purposes))


class Source(SimulatedSubtensor):
    """Subtensor whose newest finalized head can be asked for."""

    finalized_at = 98

    async def finalized(self) -> SourceHead | Unavailable:
        if self.outage is not None:
            return Unavailable(detail=self.outage)
        return source_head(self.finalized_at)


class Feed(SimulatedFeed):
    """The price feed, sent to through the journal."""

    journal: Journal

    async def submit(self, publication: Publication) -> Sent | NotSent:
        said = self.journal.send(f"push {[update.netuid for update in publication.updates]}")
        if isinstance(said, Refused):
            return NotSent(reason=said.reason)
        await super().submit(publication)
        return Sent(tx_hash=HASH)

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Sent | NotSent:
        said = self.journal.send(f"suspend {list(netuids)} {reason.name}")
        return NotSent(reason=said.reason) if isinstance(said, Refused) else Sent(tx_hash=HASH)


@dataclass
class Switch:
    """Suspending and resuming by hand."""

    journal: Journal

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Submission:
        return self.journal.send(f"suspend {list(netuids)} {reason.name}")

    async def resume(self, netuids: Sequence[Netuid], head: Head) -> Submission:
        return self.journal.send(f"resume {list(netuids)}")


@dataclass
class Funding:
    """Rows of funding: seconds since the last accrual, by market."""

    journal: Journal
    exchange: SimulatedExchange
    elapsed: dict[int, int] = field(default_factory=lambda: {8: 600, 64: 600})
    outage: str | None = None

    async def read(self) -> FundingSnapshot | FundingUnread:
        if self.outage is not None:
            return FundingUnread(reason=self.outage)
        head = self.exchange.tip.head
        rows = tuple(
            FundingRow(
                netuid=Netuid(netuid),
                is_listed=True,
                last_accrual=Timestamp(head.time - elapsed),
                interval=Seconds(28_800),
                cap=Seconds(115_200),
            )
            for netuid, elapsed in self.elapsed.items()
        )
        return FundingSnapshot(head=head, rows=rows)

    async def submit(
        self, netuids: tuple[Netuid, ...], due_key: str
    ) -> keepers_words.Sent | keepers_words.NotSent:
        return _for_keepers(self.journal.send(f"accrue {list(netuids)}"))


@dataclass
class Liquidations:
    """Where batches go."""

    journal: Journal
    batches: list[LiquidationBatch] = field(default_factory=list)

    async def submit(
        self, batch: LiquidationBatch, judgement: Judgement
    ) -> keepers_words.Sent | keepers_words.NotSent:
        self.batches.append(batch)
        numbers = [int.from_bytes(key.id, "big") for key in batch.keys]
        return _for_keepers(self.journal.send(f"liquidate {numbers}"))


def _for_keepers(said: Submission) -> keepers_words.Sent | keepers_words.NotSent:
    if isinstance(said, Refused):
        return keepers_words.NotSent(reason=said.reason)
    return keepers_words.Sent(tx_hash=said.tx_hash)


class Examined:
    """A world in order; a test spoils one fact after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.node: NodeFacts | Unread = NodeFacts(
            chain_id=964,
            head=BlockNumber(100),
            head_time=Timestamp(1_760_000_000),
            read_at=Timestamp(1_760_000_004),
        )
        self.source: SourceFacts | Unread = SourceFacts(
            genesis=BlockHash("0x" + "ab" * 32),
            spec_version=424,
            finalized=BlockNumber(98),
            has_price_api=True,
            has_identities=True,
        )
        self.code_hash: BlockHash | None = CODE
        self.balance = Wei(5 * TAO)
        self.is_granted = True
        self.registered_at: BlockNumber | Unread | None = BlockNumber(5)
        self.open_fee = Bps(10)
        self.is_listed = True
        self.unreadable: str | None = None
        self.remedy = ""

    async def nodes(self) -> Mapping[str, NodeFacts | Unread]:
        return {"anvil": self.node}

    def clearing(self, netuids: Sequence[Netuid]) -> AdminCall:
        to = Address(self.settings.contracts.price_feed)
        return AdminCall(to=to, data=bytes(netuids), text=f"resume({list(netuids)})")

    async def sources(self) -> Mapping[str, SourceFacts | Unread]:
        return {"stand-in": self.source}

    async def contracts(self) -> tuple[ContractFacts, ...] | Unread:
        exchange = Address(self.settings.contracts.exchange)
        contract = ContractFacts(name="exchange", address=exchange, code_hash=self.code_hash)
        return self._unread() or (contract,)

    async def accounts(self) -> tuple[AccountFacts, ...] | Unread:
        account = AccountFacts(workload="operator", address=KEEPER, balance=self.balance)
        return self._unread() or (account,)

    async def roles(self) -> tuple[RoleFacts, ...] | Unread:
        grant = AdminCall(to=ADMIN, data=b"\x2f\x2f\xf1\x5d", text="grantRole(KEEPER_ROLE, …)")
        role = RoleFacts(
            role="KEEPER_ROLE",
            contract="exchange",
            account=KEEPER,
            needed_for="to liquidate",
            is_granted=self.is_granted,
            grant=grant,
        )
        return self._unread() or (role,)

    async def markets(self) -> tuple[MarketFacts, ...] | Unread:
        market = MarketFacts(
            netuid=Netuid(8),
            is_listed=self.is_listed,
            registered_at=self.registered_at,
            trading_price_age=Seconds(900),
            open_fee=self.open_fee,
            close_fee=Bps(10),
            maintenance=Bps(2_000),
            funding_interval=Seconds(28_800),
        )
        return self._unread() or (market,)

    def _unread(self) -> Unread | None:
        if self.unreadable is None:
            return None
        return Unread(reason=self.unreadable, remedy=self.remedy)


@dataclass
class Kept:
    """What was decided, the newest first."""

    decisions: list[Explanation] = field(default_factory=list)

    async def about(self, position: PositionId) -> tuple[Explanation, ...]:
        return tuple(each for each in self.decisions if position.hex() in each.subjects)

    async def behind(self, tx_hash: TxHash) -> tuple[Explanation, ...]:
        return tuple(
            each
            for each in self.decisions
            if tx_hash in [attempt.tx_hash for attempt in each.attempts]
        )


@dataclass
class Code:
    """Contracts whose code a test changes."""

    found: tuple[CodeFacts, ...] = ()

    async def facts(self) -> tuple[CodeFacts, ...]:
        return self.found

    async def accept(self, facts: Iterable[CodeFacts]) -> None:
        new = {each.name for each in facts}
        self.found = tuple(
            replace(each, accepted=each.found, verdict=CodeVerdict.ACCEPTED)
            if each.name in new
            else each
            for each in self.found
        )


class Safe:
    """Where one backup is kept."""

    def __init__(self) -> None:
        self.kept: Path | None = None

    async def write(self, file: Path) -> Mapping[str, int]:
        self.kept = file
        return {"journal_entries": 3, "outbox": 2}

    async def restore(self, file: Path) -> Mapping[str, int]:
        if self.kept is not None:
            raise StoreError("the store is in use: restore into an empty one")
        return await self.write(file)


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
        return WarningsKeeper(
            risks=self.risk, log=self.exchange, store=self.disk, policy=WarningPolicy()
        )

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
