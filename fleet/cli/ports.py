"""What the commands need of the fleet, declared by them and built by wiring.

Knows the bots' plans, which the commands show, and no chain, contract or database.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings, Workload
from fleet.transactions.request import Included, Lane, Settled, Submission
from fleet.wiring.code_judgement import CodeFacts
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
from keepers.funding.keeper import FundingKeeper
from keepers.liquidation.keeper import LiquidationKeeper, LiquidationPolicy
from keepers.liquidation.risk import RiskEngine
from keepers.warnings.keeper import WarningsKeeper
from oracle.feed import SuspensionReason
from oracle.feeder import Feeder
from oracle.ports import Feed, PriceSource
from units import Address, Head, Netuid, PositionId, TxHash, Wei


class MarketSwitch(Protocol):
    """Suspending and resuming markets by hand."""

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Submission:
        """Say on chain that these prices are not known."""
        ...

    async def resume(self, netuids: Sequence[Netuid], head: Head) -> Submission:
        """End suspensions without a new price; those of guardian and identity are the admin's."""
        ...


class Inspector(Protocol):
    """Gathers the facts. Nothing here raises for an endpoint that is down."""

    async def nodes(self) -> Mapping[str, NodeFacts | Unread]:
        """Every configured EVM endpoint by its name, each asked by itself."""
        ...

    async def sources(self) -> Mapping[str, SourceFacts | Unread]:
        """Every configured Subtensor endpoint by its operator, each asked by itself."""
        ...

    async def contracts(self) -> tuple[ContractFacts, ...] | Unread:
        """exchange, price_feed and, where there is one, keeper_router, in this order."""
        ...

    async def accounts(self) -> tuple[AccountFacts, ...] | Unread:
        """Every workload's key that is configured; none is a dry run."""
        ...

    async def roles(self) -> tuple[RoleFacts, ...] | Unread:
        """Every role that a configured key or the router needs."""
        ...

    async def markets(self) -> tuple[MarketFacts, ...] | Unread:
        """Every enabled market."""
        ...

    def clearing(self, netuids: Sequence[Netuid]) -> AdminCall:
        """The call by which the admin ends suspensions that nobody else can end."""
        ...


class AcceptedCode(Protocol):
    """The contracts' code, now and as it was accepted. Raises ChainError, StoreError."""

    async def facts(self) -> tuple[CodeFacts, ...]:
        """Every contract, compared now."""
        ...

    async def accept(self, facts: Iterable[CodeFacts]) -> None:
        """From now on the code that these found is the accepted one."""
        ...


class Backups(Protocol):
    """The store as one file and back. Raises StoreError."""

    async def write(self, file: Path) -> Mapping[str, int]:
        """Writes the whole store into a file; how many rows of each table."""
        ...

    async def restore(self, file: Path) -> Mapping[str, int]:
        """Fills the empty store from such a file; the same."""
        ...


class Evidence(Protocol):
    """What was decided and what came of it, as the store has it. Raises StoreError."""

    async def about(self, position: PositionId) -> tuple[Explanation, ...]:
        """Every decision to liquidate it that is kept, the newest first."""
        ...

    async def behind(self, tx_hash: TxHash) -> tuple[Explanation, ...]:
        """The decision that a transaction was signed for; () when it liquidates nobody."""
        ...


class Assembly(Protocol):
    """The fleet as wiring put it together for one workload.

    Every read raises what its room raises when nobody answers (`fleet.chain.failures.ChainError`);
    acting ports answer NotSent or Refused without a key.
    """

    @property
    def settings(self) -> Settings:
        """What it was built from."""
        ...

    @property
    def account(self) -> Address | None:
        """The account that signs; None without a key: everything is a dry run."""
        ...

    @property
    def source(self) -> PriceSource:
        """Finalized prices of Subtensor, as enough operators agree on them."""
        ...

    @property
    def feed(self) -> Feed:
        """The price feed on chain 964."""
        ...

    @property
    def switch(self) -> MarketSwitch:
        """Suspending and resuming by hand."""
        ...

    @property
    def liquidator(self) -> LiquidationKeeper:
        """The liquidator."""
        ...

    @property
    def liquidation_policy(self) -> LiquidationPolicy:
        """The liquidator's limits, to cut a chosen few positions into batches."""
        ...

    @property
    def risk(self) -> RiskEngine:
        """Who stands how, from the one book of the process."""
        ...

    @property
    def funding(self) -> FundingKeeper:
        """The funding bot."""
        ...

    @property
    def warnings(self) -> WarningsKeeper:
        """The warnings bot, once `read_tiers` was called; raises ChainError without tiers."""
        ...

    async def read_tiers(self) -> object:
        """Asks for the tiers to warn at."""
        ...

    @property
    def backups(self) -> Backups:
        """The store as one file and back."""
        ...

    @property
    def evidence(self) -> Evidence:
        """Why positions were liquidated."""
        ...

    @property
    def code(self) -> AcceptedCode:
        """Whether the contracts are those that somebody has looked at."""
        ...

    @property
    def inspector(self) -> Inspector:
        """What `keepers doctor` looks at."""
        ...

    def node_states(self) -> Mapping[str, str | None]:
        """The state of each EVM endpoint as far as this process has asked; None: not yet."""
        ...

    def feeder(self, markets: Sequence[Netuid]) -> Feeder:
        """A feeder of these markets only."""
        ...

    async def head(self) -> Head:
        """The latest block of chain 964."""
        ...

    async def claim_key(self) -> None:
        """Makes this process the one that sends with its key; nothing without one.

        Raises LeaseTaken when another process has it, StoreError.
        """
        ...

    async def balance(self) -> Wei | None:
        """The signing account's balance; None without a key."""
        ...

    async def vault(self) -> VaultView:
        """What stands behind the traders' claims."""
        ...

    def outcomes(self) -> AsyncIterator[Included | Settled]:
        """What becomes of everything that was sent, as it becomes known; ends when all is."""
        ...

    async def stopped_lanes(self) -> dict[str, dict[Lane, str]]:
        """Lanes that spent too much and wait for an operator, with the reason, by whose they are.

        Raises StoreError.
        """
        ...

    async def reset_lane(self, name: str, lane: Lane) -> None:
        """Lets a stopped lane go on; `name` as `stopped_lanes` has it. Raises StoreError."""
        ...

    async def deliver(self) -> int:
        """Delivers the alerts that wait in the outbox; how many are left undelivered."""
        ...

    def supervisor(self, bots: frozenset[BotName]) -> Supervisor:
        """The daemon of these bots, with schedule, health server, lock-step and drain."""
        ...


Assemble = Callable[[Settings, Workload | None], AbstractAsyncContextManager[Assembly]]
"""Builds the fleet with a workload's key (None: without one) and closes everything at the end."""
