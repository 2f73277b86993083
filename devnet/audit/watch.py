"""The referee at work on a running world: begins with its books, looks at every block, sums up.

Knows the views and how often to ask them; judges nothing itself.
"""

from collections.abc import Mapping
from typing import Any, Self

from devnet.audit.invariants import Auditor, ExchangeReads
from devnet.audit.ledger import Ledger, MarketBooks
from devnet.audit.margin import Holding, Terms
from devnet.audit.referee import LogReader, Referee, RefereePolicy
from devnet.audit.spikes import SourcePrices
from devnet.audit.told import Told
from devnet.chain import SealedBlock
from units import Bps, Head, Netuid, Seconds, Timestamp

TOTALS_EVERY_BLOCKS = 50
MARGINS_EVERY_BLOCKS = 25
MARGINS_SAMPLE = 40


class AuditError(Exception):
    """The referee can't begin here."""


class Audit:
    """Feeds the referee and compares its books with the exchange now and then."""

    def __init__(self, auditor: Auditor) -> None:
        self.auditor = auditor
        self.referee = auditor.referee

    @classmethod
    async def begin(
        cls,
        *,
        head: Head,
        views: ExchangeReads,
        tape: SourcePrices,
        contracts: Mapping[str, LogReader],
        policy: RefereePolicy,
        traders: tuple[str, ...],
    ) -> Self:
        """Books as of `head`, before the first position.

        Raises:
            AuditError: there are positions already.
        """
        if await views.position_ids(head.number):
            raise AuditError(f"block {head.number} has positions: the referee came too late")
        markets = await views.markets(head.number)
        ledger = Ledger(markets={netuid: _books(netuid, view) for netuid, view in markets.items()})
        referee = Referee(ledger=ledger, tape=tape, contracts=contracts, policy=policy)
        return cls(Auditor(views=views, referee=referee, traders=traders))

    async def watch(self, block: SealedBlock) -> None:
        """Takes in a block that was just sealed."""
        self.referee.observe(block)
        if self.referee.ledger.terms_changed:
            await self._read_terms(block.head)
        if block.head.number % TOTALS_EVERY_BLOCKS == 0:
            await self.auditor.check_totals(block.head)
        if self._is_time_for_margins(block.head.number):
            await self.auditor.check_margins(block.head, self._sample(block.head.number))

    async def finish(self, head: Head) -> None:
        """Checks everything once more, at the last block observed."""
        await self.auditor.check_totals(head)
        await self.auditor.check_positions(head)
        await self.auditor.check_margins(head, tuple(self.referee.ledger.holdings.values()))
        self.auditor.check_verdict()

    def hear(self, told: Told) -> None:
        """Compares what happened with what people were told; after everything was delivered."""
        self.referee.tiers.settle(told, self.referee.duties)

    def _is_time_for_margins(self, number: int) -> bool:
        """Now and then, and as soon as anybody has a position: it may not be there for long."""
        if number % MARGINS_EVERY_BLOCKS == 0:
            return True
        return bool(self.referee.ledger.holdings) and not self.auditor.has_checked_margins

    def _sample(self, number: int) -> tuple[Holding, ...]:
        """Others every time, all of them in turn."""
        held = tuple(self.referee.ledger.holdings.values())
        if len(held) <= MARGINS_SAMPLE:
            return held
        first = number // MARGINS_EVERY_BLOCKS * MARGINS_SAMPLE % len(held)
        return (held + held)[first : first + MARGINS_SAMPLE]

    async def _read_terms(self, head: Head) -> None:
        for netuid, view in (await self.auditor.views.markets(head.number)).items():
            self.referee.ledger.markets[netuid].terms = _terms(view["parameters"])
        self.referee.ledger.terms_changed = False


def _books(netuid: Netuid, view: dict[str, Any]) -> MarketBooks:
    return MarketBooks(
        netuid=netuid,
        terms=_terms(view["parameters"]),
        last_accrual=Timestamp(view["lastAccrual"]),
    )


def _terms(parameters: dict[str, Any]) -> Terms:
    return Terms(
        maintenance=Bps(parameters["maintenanceBps"]),
        penalty=Bps(parameters["penaltyBps"]),
        keeper_share=Bps(parameters["keeperShareBps"]),
        funding_rate_max=parameters["fundingRateMax"],
        funding_interval=Seconds(parameters["fundingInterval"]),
        funding_cap=Seconds(parameters["fundingCap"]),
        trading_age=Seconds(parameters["tradingAgeMax"]),
        liquidation_age=Seconds(parameters["liquidationAgeMax"]),
    )
