"""What steps came to, as numbers for the metrics. Pure translation; decides nothing.

What a step could not find out is shown as unknown, never as the last number.
"""

from collections.abc import Callable
from typing import Any

from fleet.telemetry.metrics import Metrics
from fleet.telemetry.notify import Round
from fleet.transactions.attempt import State
from fleet.transactions.request import Final, Included, Lane, Reverted, Settled
from fleet.wiring.block_times import BlockTimes
from fleet.wiring.settling import SettledOutcomes
from keepers.funding.keeper import FundingOutcome, FundingUnread
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.keeper import LiquidationsHeld, LiquidationsSubmitted
from keepers.liquidation.outcomes import LiquidationCallFailed, LiquidationSkipped
from keepers.liquidation.positions import PositionLiquidated, PricePushed
from keepers.liquidation.reconciliation import Mismatched, PageReconciled, Reconciled
from keepers.liquidation.upkeep import BookKept, Reconciliation
from keepers.submission import NotSent, Sent
from keepers.warnings.keeper import WarningsOutcome
from oracle.alpha import change, to_price_wei
from oracle.due import PublishReason
from oracle.feed import SuspensionReason
from oracle.feeder import FeedOutcome
from oracle.guard import Accept, Withhold
from oracle.plan import FeedPlan, MarketPlan
from oracle.ports import NotSent as FeedNotSent
from oracle.ports import Sent as FeedSent
from protocol.events import book_event, liquidation_event
from units import Head

CALL_FAILED = "the call into the exchange failed"

_UNSETTLED = tuple(state for state in State if state not in {State.FINAL, State.RELEASED})


class Recorder:
    """Takes every step's result; kinds without numbers are passed over."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._suspended: dict[int, bool] = {}
        self._funded: frozenset[int] = frozenset()
        self._tiers: tuple[int, ...] = ()
        self._times = BlockTimes()
        self._kinds: dict[type, Callable[[Any], None]] = {
            FeedOutcome: self._fed,
            LiquidationsSubmitted: self._liquidated,
            LiquidationsHeld: lambda _: metrics.liquidations.unplanned(),
            BookKept: lambda kept: self._reconciled(kept.reconciliation),
            FundingOutcome: self._accrued,
            FundingUnread: lambda _: self._funding_unread(),
            WarningsOutcome: self._warned,
            SettledOutcomes: self._settled,
            Round: self._told,
        }

    def record(self, result: object) -> None:
        """One step's result."""
        for kind, take in self._kinds.items():
            if isinstance(result, kind):
                take(result)

    def _fed(self, outcome: FeedOutcome) -> None:
        plan = outcome.plan
        if not isinstance(plan, FeedPlan):
            self._feed_unread()
            return
        if plan.source is not None:
            number = plan.source.number
            self._metrics.chain.source(number=number, head_number=plan.head.number)
        for market in plan.markets:
            self._market(market, plan.head)
        for suspended in outcome.suspensions:
            self._submitted(Lane.PRICE, suspended.submission)
        if outcome.push is not None:
            self._submitted(Lane.PRICE, outcome.push.submission)
            self._pushed(outcome)

    def _pushed(self, outcome: FeedOutcome) -> None:
        push = outcome.push
        if push is None or not isinstance(push.submission, FeedSent):
            return
        publication = push.publication
        self._metrics.feeder.pushed(
            tuple(update.netuid for update in publication.updates),
            liquidations=len(publication.liquidations),
            risk_unknown=push.risk_unknown,
        )
        if isinstance(outcome.plan, FeedPlan):
            for each in outcome.plan.due:
                if each.reason is PublishReason.AT_STAKE:
                    self._metrics.feeder.bought(each.update.netuid)

    def _market(self, market: MarketPlan, head: Head) -> None:
        row, known = market.row, market.known
        deviation = None
        if row.price and isinstance(known, Accept | Withhold):
            deviation = abs(change(row.price, to_price_wei(known.price.rao)))
        self._suspended[market.netuid] = row.suspension is not SuspensionReason.NONE
        self._metrics.feeder.market(
            market.netuid,
            age_s=head.time - row.source_time if row.price else None,
            deviation_bps=deviation,
            is_suspended=self._suspended[market.netuid],
            band_bps=market.band,
        )
        decision = type(market.decision).__name__.lower()
        self._metrics.feeder.decided(decision, str(market.decision.reason))

    def _feed_unread(self) -> None:
        """Nobody knows how old the published prices are; a suspension lasts until it is lifted."""
        for netuid, is_suspended in self._suspended.items():
            self._metrics.feeder.market(
                netuid,
                age_s=None,
                deviation_bps=None,
                is_suspended=is_suspended,
                band_bps=None,
            )

    def _liquidated(self, outcome: LiquidationsSubmitted) -> None:
        plan = outcome.plan
        self._metrics.liquidations.planned(
            candidates=len(plan.candidates),
            deferred=len(plan.deferred),
            unknown={reason.value: count for reason, count in plan.unknown.items()},
            waiting=len(plan.waiting),
            oldest_blocks=plan.lateness.oldest(plan.head.number),
            late=len(plan.lateness.new),
        )
        if plan.canary is not None:
            self._metrics.liquidations.canary(is_found=plan.canary, at=plan.head.time)
        if plan.missed is not None:
            self._metrics.liquidations.refereed(missed=plan.missed)
        for each in outcome.batches:
            self._submitted(Lane.LIQUIDATION, each.submission)
        self._reconciled(outcome.reconciliation)

    def _reconciled(self, found: Reconciliation | None) -> None:
        match found:
            case Reconciled() | PageReconciled():
                share = found.compared / found.of if isinstance(found, PageReconciled) else 1.0
                self._metrics.liquidations.reconciled(is_equal=True, share=share)
            case Mismatched():
                self._metrics.liquidations.reconciled(is_equal=False, share=1.0)
            case Unreadable() | None:
                pass

    def _accrued(self, outcome: FundingOutcome) -> None:
        plan, submission = outcome.plan, outcome.submission
        self._funded = frozenset(plan.lags)
        for netuid, lag in plan.lags.items():
            self._metrics.funding.lag(netuid, lag_s=lag)
        if submission is not None:
            self._submitted(Lane.FUNDING, submission)
            forfeited: dict[int, int] = {m.netuid: m.forfeited for m in plan.due}
            self._metrics.funding.submitted(forfeited, is_sent=isinstance(submission, Sent))

    def _funding_unread(self) -> None:
        for netuid in self._funded:
            self._metrics.funding.lag(netuid, lag_s=None)

    def _warned(self, outcome: WarningsOutcome) -> None:
        standings, warnings = outcome.standings, self._metrics.warnings
        if standings is None:
            warnings.blind(self._tiers)
        else:
            self._tiers = tuple(standings.below)
            warnings.standings(
                above=standings.above,
                below={int(tier): count for tier, count in standings.below.items()},
                unknown=standings.unknown,
            )
        for alert in (*outcome.alerts, *outcome.collected):
            warnings.alerted(alert.severity.value, alert.kind.value)

    def _told(self, done: Round) -> None:
        self._metrics.warnings.delivered(
            delivered=done.delivered, failed=done.failed, still_open=done.still_open
        )

    def _settled(self, outcomes: SettledOutcomes) -> None:
        transactions, key = self._metrics.transactions, outcomes.key
        self._times.note(outcomes.head)
        transactions.in_flight({lane.name.lower(): n for lane, n in outcomes.in_flight.items()})
        for state in _UNSETTLED:
            transactions.unsettled(state.value, outcomes.unsettled.get(state, 0))
        for lane, day in outcomes.day.items():
            transactions.spent(
                lane.name.lower(),
                with_effect_wei=day.with_effect,
                without_effect_wei=day.without_effect,
                is_stopped=lane in outcomes.stopped,
            )
        if key is not None:
            transactions.key(key.address, balance_wei=key.balance, nonce_gap=key.nonce_gap)
        for included in outcomes.included:
            self._included(included)
        for each in outcomes.settled:
            self._transaction(each)

    def _included(self, news: Included) -> None:
        request = news.request
        if request.decided_at is not None:
            waited = news.block - request.decided_at
            self._metrics.transactions.included(request.lane.name.lower(), waited)

    def _submitted(self, lane: Lane, said: Sent | NotSent | FeedSent | FeedNotSent) -> None:
        if isinstance(said, NotSent | FeedNotSent):
            self._metrics.transactions.refused(lane.name.lower(), said.reason)

    def _transaction(self, settled: Settled) -> None:
        lane, outcome = settled.request.lane.name.lower(), settled.outcome
        name, take = type(outcome).__name__.lower(), self._metrics.transactions.settled
        if isinstance(outcome, Final | Reverted):
            take(lane, name, fee_wei=outcome.fee, gas=outcome.gas_used)
        else:
            take(lane, name)
        if isinstance(outcome, Final):
            self._receipt(outcome)

    def _receipt(self, mined: Final) -> None:
        events = [book_event(log) for log in mined.logs]
        pushed = {e.netuid: e for e in events if isinstance(e, PricePushed)}
        for event in map(liquidation_event, mined.logs):
            match event:
                case PositionLiquidated():
                    self._fallen(event, pushed.get(event.netuid), mined)
                case LiquidationSkipped(reason=reason):
                    self._metrics.liquidations.skipped(reason.value)
                case LiquidationCallFailed():
                    self._metrics.liquidations.skipped(CALL_FAILED)
                case None:
                    continue

    def _fallen(self, event: PositionLiquidated, push: PricePushed | None, mined: Final) -> None:
        delay_blocks = delay_s = None
        if push is not None:
            delay_blocks, mined_at = mined.block - push.source_block, self._times.of(mined.block)
            delay_s = None if mined_at is None else mined_at - push.source_time
        self._metrics.liquidations.liquidated(
            event.netuid,
            bad_debt_wei=event.bad_debt,
            source_delay_blocks=delay_blocks,
            source_delay_s=delay_s,
        )
