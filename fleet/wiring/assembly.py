"""The fleet of one workload, put together: what every command and the daemon work with."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Protocol

from fleet.chain.failures import NodeUnavailable
from fleet.chain.node import Node
from fleet.runtime.clock import Clock, SystemClock
from fleet.runtime.service import Service
from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings, Workload
from fleet.store.spending import reset, stopped_lanes
from fleet.telemetry.metrics import Metrics
from fleet.telemetry.notify import Notifier
from fleet.transactions.request import Included, Lane, Settled
from fleet.wiring import admission, connections, daemon, policies, silence, spending, telling
from fleet.wiring.backups import Backups
from fleet.wiring.book_watch import BookWatch
from fleet.wiring.bots import Crew
from fleet.wiring.chain_changes import ChainChanges
from fleet.wiring.code_watch import CodeWatch, Gate
from fleet.wiring.ending import Ending
from fleet.wiring.evidence import Evidence
from fleet.wiring.facts import BotName, VaultView
from fleet.wiring.feed_watch import watching
from fleet.wiring.inspection import WorldInspector
from fleet.wiring.memory import Memory, RememberedWarnings
from fleet.wiring.node_lines import NodeNumbers
from fleet.wiring.quoting import Quotebook
from fleet.wiring.settling import Settles
from fleet.wiring.source_watch import Subtensor, show
from fleet.wiring.speaking import VERSION
from fleet.wiring.standing import measuring
from fleet.wiring.standing_warnings import StandingWarnings
from fleet.wiring.tenure import Tenure
from keepers.funding.keeper import FundingKeeper
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower
from keepers.liquidation.keeper import LiquidationKeeper
from keepers.liquidation.risk import RiskEngine
from keepers.liquidation.upkeep import BookUpkeep
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.lookout import Lookout
from oracle.crosscheck import CrossCheck
from oracle.falls import Deadline
from oracle.feeder import Feeder
from protocol.alpha import AlphaPrices
from protocol.ports import Accruals, Liquidations, PriceFeed
from protocol.reading import ExchangeReader
from protocol.sending import DryRun, ExchangeWriter
from protocol.sending import Sender as Submits
from units import Address, Bps, Head, Netuid, Wei

_NOBODY = Address("0x0000000000000000000000000000000000000000")
"""The beneficiary of a dry run, which sends nothing."""


class Sends(Settles, Submits, Protocol):
    """One key's sender; `fleet.transactions.sender.Sender` is one."""


class Assembly:
    """One workload's fleet. Built by `fleet.wiring.opening`; see `fleet.cli.ports.Assembly`."""

    def __init__(
        self,
        *,
        settings: Settings,
        node: Node,
        source: Subtensor,
        memory: Memory,
        sender: Sends | None,
        workload: Workload | None = None,
        tenure: Tenure | None = None,
    ) -> None:
        self.settings = settings
        self.node = node
        self.source = source
        self.sender = sender
        self.account: Address | None = None if sender is None else sender.account
        self._workload = workload
        self._name = "nobody" if workload is None else policies.workload_name(settings, workload)
        self._memory = memory
        self._tenure = tenure
        self._clock: Clock = SystemClock()
        self._telling = telling.Telling(opened=self._open_notifier, clock=self._clock)
        self._tiers: tuple[Bps, ...] | Unreadable = Unreadable(reason="warning tiers: not read yet")
        deployment = connections.deployment(settings)
        self._markets = connections.market_netuids(settings)
        self.reader = ExchangeReader(chain=node, deployment=deployment, markets=self._markets)
        self.code = CodeWatch(
            node=node, contracts=settings.contracts, opened=memory.database, clock=self._clock
        )
        self.switch = ExchangeWriter(
            sender=DryRun() if sender is None else Gate(sender, self.code),
            deployment=deployment,
            beneficiary=self.account or _NOBODY,
            policy=policies.sending(settings),
        )
        self.feed = PriceFeed(reader=self.reader, writer=self.switch)
        self.liquidations = Liquidations(writer=self.switch)
        self.follower = BookFollower(log=self.reader, policy=policies.follower(settings))
        self.risk = RiskEngine(follower=self.follower, policy=policies.risk(settings))
        self.liquidation_policy = policies.liquidation(settings)
        self.liquidator = LiquidationKeeper(
            risk=self.risk,
            follower=self.follower,
            liquidations=self.liquidations,
            policy=self.liquidation_policy,
        )
        self.funding = FundingKeeper(
            markets=self.reader,
            accruals=Accruals(reader=self.reader, writer=self.switch),
            policy=policies.funding(settings),
        )
        self.evidence = Evidence(memory.archive)
        self.backups = Backups(settings=settings, archive=memory.archive)
        self.inspector = WorldInspector(
            settings=settings, node=node, source=source, deployment=deployment, clock=self._clock
        )

    @property
    def warnings(self) -> WarningsKeeper:
        """The warnings bot.

        Raises:
            NodeUnavailable: the exchange's warning tiers could not be read.
        """
        if isinstance(self._tiers, Unreadable):
            raise NodeUnavailable(self._tiers.reason)
        policy = policies.warnings(self.settings, self._tiers)
        return WarningsKeeper(
            risks=Lookout(self.risk, policy),
            log=self.reader,
            store=RememberedWarnings(self._memory, self._tenure),
            policy=policy,
        )

    def feeder(self, markets: Sequence[Netuid]) -> Feeder:
        """A feeder of these markets."""
        in_step = policies.is_lockstep(self.settings)
        deadline: Deadline = (lambda _: nullcontext()) if in_step else asyncio.timeout
        return Feeder(
            source=self.source,
            feed=self.feed,
            risk=self.risk,
            markets=markets,
            pins=connections.pins(self.settings),
            policy=policies.feeder(self.settings),
            deadline=deadline,
            cross_check=CrossCheck(
                chain=AlphaPrices(self.node),
                policy=policies.cross_check(self.settings),
                deadline=deadline,
            ),
        )

    def node_states(self) -> dict[str, str | None]:
        """The state of each EVM endpoint as far as it was asked; None: not yet."""
        return {name: state and state.value for name, state in self.node.states().items()}

    async def head(self) -> Head:
        """The latest block of chain 964; raises ChainError."""
        return await self.node.head()

    async def claim_key(self) -> None:
        """Makes this process the one that sends with its key; nothing without one.

        Raises LeaseTaken, StoreError.
        """
        if self._tenure is not None and self.account is not None:
            await self._tenure.lease()

    async def balance(self) -> Wei | None:
        """The signing account's balance; None without a key."""
        return None if self.account is None else await self.node.balance(self.account)

    async def vault(self) -> VaultView:
        """What stands behind the traders' claims; raises ChainError."""
        found = await self.reader.vault()
        return VaultView(
            reserves=found.reserves,
            insurance=found.insurance,
            claims=found.claims,
            bad_debt=found.bad_debt,
            is_opening_paused=found.is_opening_paused,
        )

    async def outcomes(self) -> AsyncIterator[Included | Settled]:
        """What becomes of everything that was sent; ends when all of it is final."""
        async for each in self._ending(self._crew()).outcomes():
            yield each

    async def deliver(self) -> int:
        """Delivers the alerts that wait; how many are left undelivered."""
        return await self._telling.rest()

    async def stopped_lanes(self) -> dict[str, dict[Lane, str]]:
        """Lanes that spent too much, by workload and key, with the reason; raises StoreError."""
        return await stopped_lanes(await self._memory.database())

    async def reset_lane(self, name: str, lane: Lane) -> None:
        """Lets a stopped lane go on, with a clean slate; `name` as `stopped_lanes` has it."""
        await reset(await self._memory.database(), name, lane)

    def supervisor(self, bots: frozenset[BotName]) -> Supervisor:
        """The daemon of these bots."""
        clock, crew = self._clock, self._crew()
        self.follower.keep(connections.open_checkpoint(self.settings, self._name))
        if bots == {BotName.LIQUIDATOR}:
            self.liquidator.keep_to(policies.shard(self.settings))
        metrics = Metrics(version=VERSION, network=self.settings.network.name)
        self.node.listen(NodeNumbers(metrics.chain))
        show(self.source, self.settings.subtensor, metrics.chain)
        return daemon.supervisor(
            bots,
            settings=self.settings,
            crew=crew,
            rhythm=connections.open_rhythm(
                self.settings,
                node=self.node,
                source=self.source,
                clock=clock,
                changes=ChainChanges(metrics.chain),
            ),
            clock=clock,
            metrics=metrics,
            services=(
                *connections.node_services(self.settings, self.node, clock),
                *silence.services(self.settings, self.source, self._memory.database, clock),
                *admission.services(self.inspector, self._workload, self.account, clock),
                *self._measured(bots, metrics),
            ),
            drain=partial(self._ending(crew).drain, tells=BotName.WARNINGS in bots),
            tenure=self._tenure if self._needs_lease(bots) else None,
        )

    def _measured(self, bots: frozenset[BotName], metrics: Metrics) -> tuple[Service, ...]:
        if policies.is_lockstep(self.settings) or not self._needs_lease(bots):
            return ()
        return (measuring(self._memory.database, metrics.store, self._clock),)

    def _needs_lease(self, bots: frozenset[BotName]) -> bool:
        """Whoever sends or tells does it alone."""
        return self.account is not None or BotName.WARNINGS in bots

    async def read_tiers(self) -> tuple[Bps, ...] | Unreadable:
        """Asks the exchange for its warning tiers, unless the settings have their own."""
        own = self.settings.warnings.tiers_bps
        self._tiers = own or policies.usable_tiers(await self.reader.warning_tiers(), self.settings)
        return self._tiers

    def _rebuilds(self) -> int:
        return sum(self.follower.counts.rebuilds.values())

    def _crew(self) -> Crew:
        return Crew(
            node=self.node,
            sender=self.sender,
            liquidations=self.liquidations,
            feeder=self.feeder(self._markets),
            liquidator=self.liquidator,
            upkeep=BookUpkeep(
                follower=self.follower,
                reconcile_blocks=self.liquidation_policy.reconcile_blocks,
            ),
            funding=self.funding,
            warnings=StandingWarnings(
                read=self.read_tiers, made=lambda: self.warnings, rebuilds=self._rebuilds
            ).keeper,
            watch_key=spending.watching(self._name, self.code, self._memory.database),
            watch_feed=watching(
                connections.pins(self.settings), self.source, self._memory.database
            ),
            watch_book=BookWatch(self._name, self.follower, self._memory.database).look,
            keep_quotes=Quotebook(opened=self._memory.database).note,
            tell=self._telling.round,
            tidy=self._memory.tidy,
        )

    def _ending(self, crew: Crew) -> Ending:
        return Ending(
            sender=self.sender,
            node=self.node,
            record=crew.record,
            telling=self._telling,
            clock=self._clock,
            poll_s=self.settings.evm.poll_s,
            waits=not policies.is_lockstep(self.settings),
        )

    async def _open_notifier(self) -> Notifier:
        return telling.notifier(self.settings, await self._memory.database())
