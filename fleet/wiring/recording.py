"""What steps came to, as numbers for the metrics. Pure translation; decides nothing."""

from collections.abc import Callable
from typing import Any

from fleet.telemetry.metrics import Metrics
from fleet.transactions.request import Mined, Reverted, Settled
from fleet.wiring.bots import SettledOutcomes
from keepers.funding.keeper import FundingOutcome
from keepers.liquidation.keeper import LiquidationsHeld, LiquidationsSubmitted
from keepers.liquidation.outcomes import LiquidationSkipped
from keepers.liquidation.positions import PositionLiquidated, PricePushed
from keepers.liquidation.reconciliation import Mismatched, Reconciled
from keepers.submission import Sent
from keepers.warnings.keeper import WarningsOutcome
from oracle.alpha import change, to_price_wei
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.feeder import Sent as FeedSent
from oracle.guard import Accept, Withhold
from oracle.plan import FeedPlan, MarketPlan
from protocol.events import book_event, liquidation_event
from units import Head


class Recorder:
    """Takes every step's result; kinds without numbers are passed over."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._kinds: dict[type, Callable[[Any], None]] = {
            FeedOutcome: self._fed,
            LiquidationsSubmitted: self._liquidated,
            LiquidationsHeld: lambda _: metrics.liquidations.unplanned(),
            FundingOutcome: self._accrued,
            WarningsOutcome: self._warned,
            SettledOutcomes: self._settled,
        }

    def record(self, result: object) -> None:
        """One step's result."""
        for kind, take in self._kinds.items():
            if isinstance(result, kind):
                take(result)

    def _fed(self, outcome: FeedOutcome) -> None:
        plan, push, feeder = outcome.plan, outcome.push, self._metrics.feeder
        if not isinstance(plan, FeedPlan):
            return
        if plan.source is not None:
            number = plan.source.number
            self._metrics.chain.source(number=number, head_number=plan.head.number)
        for market in plan.markets:
            self._market(market, plan.head)
        if push is not None and isinstance(push.submission, FeedSent):
            publication = push.publication
            feeder.pushed(
                tuple(update.netuid for update in publication.updates),
                liquidations=len(publication.liquidations),
                risk_unknown=push.risk_unknown,
            )

    def _market(self, market: MarketPlan, head: Head) -> None:
        row, known = market.row, market.known
        deviation = None
        if row.price and isinstance(known, Accept | Withhold):
            deviation = abs(change(row.price, to_price_wei(known.price.rao)))
        self._metrics.feeder.market(
            market.netuid,
            age_s=head.time - row.source_time if row.price else None,
            deviation_bps=deviation,
            is_suspended=row.suspension is not SuspensionReason.NONE,
        )
        decision = type(market.decision).__name__.lower()
        self._metrics.feeder.decided(decision, str(market.decision.reason))

    def _liquidated(self, outcome: LiquidationsSubmitted) -> None:
        plan, liquidations = outcome.plan, self._metrics.liquidations
        liquidations.planned(
            candidates=len(plan.candidates),
            deferred=len(plan.deferred),
            unknown={reason.value: count for reason, count in plan.unknown.items()},
        )
        if isinstance(outcome.reconciliation, Reconciled | Mismatched):
            is_equal = isinstance(outcome.reconciliation, Reconciled)
            liquidations.reconciled(is_equal=is_equal)

    def _accrued(self, outcome: FundingOutcome) -> None:
        for market in outcome.plan.due:
            self._metrics.funding.lag(market.netuid, lag_s=market.lag)
        if outcome.submission is not None:
            forfeited: dict[int, int] = {m.netuid: m.forfeited for m in outcome.plan.due}
            is_sent = isinstance(outcome.submission, Sent)
            self._metrics.funding.submitted(forfeited, is_sent=is_sent)

    def _warned(self, outcome: WarningsOutcome) -> None:
        standings, warnings = outcome.standings, self._metrics.warnings
        if standings is not None:
            warnings.standings(
                above=standings.above,
                below={int(tier): count for tier, count in standings.below.items()},
                unknown=standings.unknown,
            )
        for alert in (*outcome.alerts, *outcome.collected):
            warnings.alerted(alert.severity.value, alert.kind.value)

    def _settled(self, outcomes: SettledOutcomes) -> None:
        head, transactions = outcomes.head, self._metrics.transactions
        self._metrics.chain.head(number=head.number, timestamp=head.time)
        transactions.in_flight({lane.name.lower(): n for lane, n in outcomes.in_flight.items()})
        if outcomes.key is not None:
            key = outcomes.key
            transactions.key(key.address, balance_wei=key.balance, nonce_gap=key.nonce_gap)
        for each in outcomes.settled:
            self._transaction(each)

    def _transaction(self, settled: Settled) -> None:
        lane, outcome = settled.request.lane.name.lower(), settled.outcome
        name, take = type(outcome).__name__.lower(), self._metrics.transactions.settled
        if isinstance(outcome, Mined | Reverted):
            take(lane, name, fee_wei=outcome.fee, gas=outcome.gas_used)
        else:
            take(lane, name)
        if isinstance(outcome, Mined):
            self._receipt(outcome)

    def _receipt(self, mined: Mined) -> None:
        events = [book_event(log) for log in mined.logs]
        pushed = {e.netuid: e.source_block for e in events if isinstance(e, PricePushed)}
        for event in map(liquidation_event, mined.logs):
            if isinstance(event, PositionLiquidated):
                source = pushed.get(event.netuid)
                self._metrics.liquidations.liquidated(
                    event.netuid,
                    bad_debt_wei=event.bad_debt,
                    source_delay_blocks=None if source is None else mined.block - source,
                )
            elif isinstance(event, LiquidationSkipped):
                self._metrics.liquidations.skipped(event.reason.value)
