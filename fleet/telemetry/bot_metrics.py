"""Numbers about the bots' own work: prices, liquidations, funding, warnings."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from fleet.telemetry.instruments import UNKNOWN, Bounded, Instruments, or_unknown, ratio, tao

_DELAY_BLOCKS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 50, 100)
_DELAY_SECONDS = (12, 24, 36, 48, 60, 72, 96, 120, 180, 240, 300, 600, 1200)


class FeederMetrics:
    """The price feed as the feeder sees it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "feed")
        market = ("netuid",)
        self._age = make.gauge(
            "age_seconds", "Chain time since the source block of the published price.", market
        )
        self._deviation = make.gauge(
            "deviation_ratio", "Published price against the source's, unsigned.", market
        )
        self._suspended = make.gauge("suspended", "1 while a market is suspended.", market)
        self._pushes = make.counter("pushes", "Publications sent, by what they carried.", ("with",))
        self._updates = make.counter("updates", "Prices sent.", market)
        self._bought = make.counter(
            "pushes_bought",
            "Prices within the band, pushed for the bad debt that was expected without.",
            market,
        )
        self._alone = make.counter(
            "pushes_without_risk", "Pushes that went alone because risk was unknown.", ("reason",)
        )
        self._decisions = make.counter(
            "decisions", "What was decided for a market, and why.", ("decision", "reason")
        )
        self._band = make.gauge("band_ratio", "A move of this size is published.", market)
        self._heartbeat = make.gauge(
            "heartbeat_seconds", "A price this long on chain is published again."
        )
        self._age_max = make.gauge(
            "trading_age_seconds_max", "Age of a price beyond which the exchange lets no trade in."
        )
        self._reason, self._unknown = Bounded(), Bounded()

    def policy(self, *, heartbeat_s: int, trading_age_s_max: int) -> None:
        """What the operator has set: rules and dashboards measure by it."""
        self._heartbeat.set(heartbeat_s)
        self._age_max.set(trading_age_s_max)

    def market(
        self,
        netuid: int,
        *,
        age_s: int | None,
        deviation_bps: int | None,
        is_suspended: bool,
        band_bps: int | None,
    ) -> None:
        """One market's row; what is not known is None.

        Args:
            netuid: the market.
            age_s: chain time since the source block of the published price.
            deviation_bps: published price against the price that was read, without sign.
            is_suspended: on chain.
            band_bps: a move of this size is published, wider where its pool is thin.
        """
        self._age.labels(netuid).set(or_unknown(age_s))
        deviation = None if deviation_bps is None else ratio(deviation_bps)
        self._deviation.labels(netuid).set(or_unknown(deviation))
        self._band.labels(netuid).set(or_unknown(None if band_bps is None else ratio(band_bps)))
        self._suspended.labels(netuid).set(is_suspended)

    def decided(self, decision: str, reason: str) -> None:
        """What was decided for one market."""
        self._decisions.labels(decision, self._reason(reason)).inc()

    def pushed(
        self, netuids: tuple[int, ...], *, liquidations: int, risk_unknown: str | None
    ) -> None:
        """A publication was sent; `risk_unknown` says why it went without looking at positions."""
        self._pushes.labels("liquidations" if liquidations else "prices").inc()
        for netuid in netuids:
            self._updates.labels(netuid).inc()
        if risk_unknown is not None:
            self._alone.labels(self._unknown(risk_unknown)).inc()

    def bought(self, netuid: int) -> None:
        """A price within the band was sent because of who falls at it."""
        self._bought.labels(netuid).inc()


class LiquidationMetrics:
    """Who was below maintenance and what became of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "")
        self._candidates = make.gauge("liquidation_candidates", "Positions below maintenance.")
        self._oldest = make.gauge(
            "liquidation_oldest_blocks", "Blocks that the longest is below maintenance for."
        )
        self._late = make.counter(
            "liquidations_late", "Positions left alone below maintenance, once each."
        )
        self._canary = make.gauge(
            "canary_timestamp_seconds", "Block at which made-up positions were last found."
        )
        self._canary_missed = make.counter(
            "canary_missed", "Looks at which made-up positions were not found."
        )
        self._deferred = make.gauge(
            "liquidation_deferred", "Candidates for whom the block had no room."
        )
        self._waiting = make.gauge(
            "liquidation_waiting",
            "Candidates who wait until another price confirms the one they fell at.",
        )
        self._unknown = make.gauge(
            "positions_unjudged", "Open positions of markets that can't be judged.", ("reason",)
        )
        self._skipped = make.counter(
            "liquidations_skipped", "Positions asked for that the contract left.", ("reason",)
        )
        self._done = make.counter("liquidations", "Positions liquidated by the fleet.", ("netuid",))
        self._bad_debt = make.counter("bad_debt_tao", "Bad debt of those liquidations.")
        self._delay = make.histogram(
            "liquidation_source_delay_blocks",
            "Blocks from the source block of the price to the liquidation.",
            _DELAY_BLOCKS,
        )
        self._delay_s = make.histogram(
            "liquidation_source_delay_seconds",
            "Chain time from the source block of the price to the liquidation.",
            _DELAY_SECONDS,
        )
        self._reconciliations = make.counter(
            "reconciliations", "Comparisons of the book with the chain.", ("result",)
        )
        self._compared = make.gauge(
            "book_compared_share", "How much of the book the walk in progress has compared, 0 to 1."
        )
        self._refereed = make.counter(
            "nominations_refereed", "Looks at every position, to check who is nominated."
        )
        self._missed = make.counter(
            "nominations_missed", "Positions below maintenance that only such a look found."
        )
        self._reasons: set[str] = set()
        self._reason = Bounded()
        self.unplanned()  # until somebody has looked, and for ever in a process that never does

    def refereed(self, *, missed: int) -> None:
        """Every position was looked at; so many that fell had not been nominated."""
        self._refereed.inc()
        self._missed.inc(missed)

    def canary(self, *, is_found: bool, at: int) -> None:
        """Made-up positions were looked for at a block of that timestamp."""
        if is_found:
            self._canary.set(at)
        else:
            self._canary_missed.inc()

    def planned(
        self,
        *,
        candidates: int,
        deferred: int,
        unknown: Mapping[str, int],
        waiting: int = 0,
        oldest_blocks: int = 0,
        late: int = 0,
    ) -> None:
        """What stood at one block.

        Args:
            candidates: below maintenance.
            deferred: of them, for whom the block has no room.
            unknown: positions that can't be judged, by reason.
            waiting: of them, who wait until another price confirms the one they fell at.
            oldest_blocks: for how long the longest has been below maintenance.
            late: candidates that were left alone by this block, and not by the one before.
        """
        self._candidates.set(candidates)
        self._deferred.set(deferred)
        self._waiting.set(waiting)
        self._oldest.set(oldest_blocks)
        self._late.inc(late)
        self._reasons |= set(unknown)
        for reason in self._reasons:
            self._unknown.labels(reason).set(unknown.get(reason, 0))

    def unplanned(self) -> None:
        """Nothing is known at this block: not "no candidates"."""
        self._candidates.set(UNKNOWN)
        self._deferred.set(UNKNOWN)
        self._waiting.set(UNKNOWN)
        self._oldest.set(UNKNOWN)

    def liquidated(
        self,
        netuid: int,
        *,
        bad_debt_wei: int,
        source_delay_blocks: int | None,
        source_delay_s: int | None = None,
    ) -> None:
        """A position was liquidated, so many blocks after the source block of its price.

        The delay is None where the price was not pushed by the same transaction, and that in
        seconds also where nobody saw when the block of the liquidation was.
        """
        self._done.labels(netuid).inc()
        self._bad_debt.inc(tao(bad_debt_wei))
        if source_delay_blocks is not None:
            self._delay.observe(source_delay_blocks)
        if source_delay_s is not None:
            self._delay_s.observe(source_delay_s)

    def skipped(self, reason: str) -> None:
        """The contract left a position as it was, or its transaction never got that far."""
        self._skipped.labels(self._reason(reason)).inc()

    def reconciled(self, *, is_equal: bool, share: float) -> None:
        """The book was compared with the chain's own views, so much of it in this walk."""
        self._compared.set(share)
        self._reconciliations.labels("equal" if is_equal else "different").inc()


class FundingMetrics:
    """How late the accrual of each market is."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "funding")
        self._lag = make.gauge(
            "lag_seconds", "Chain time beyond one interval without an accrual.", ("netuid",)
        )
        self._forfeited = make.counter(
            "forfeited_seconds", "Chain time beyond the cap: nobody paid for it.", ("netuid",)
        )
        self._accruals = make.counter("accruals", "Accruals handed over to be sent.", ("result",))

    def lag(self, netuid: int, *, lag_s: int | None) -> None:
        """How late a market is; None when its row could not be read."""
        self._lag.labels(netuid).set(or_unknown(lag_s))

    def submitted(self, forfeited_s: Mapping[int, int], *, is_sent: bool) -> None:
        """A transaction for these markets was sent or not; seconds forfeited by market."""
        self._accruals.labels("sent" if is_sent else "not_sent").inc(len(forfeited_s))
        if is_sent:
            for netuid, seconds in forfeited_s.items():
                self._forfeited.labels(netuid).inc(seconds)


class WarningsMetrics:
    """Positions by tier, and the alerts on their way to people."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "")
        self._positions = make.gauge(
            "positions", "Open positions by the deepest tier they are below.", ("tier",)
        )
        self._alerts = make.counter("alerts", "Alerts raised.", ("severity", "kind"))
        self._outbox = make.gauge("outbox_messages", "Messages that some channel still lacks.")
        self._deliveries = make.counter(
            "notifications", "Attempts to deliver, by channel.", ("channel", "result")
        )

    def standings(self, *, above: int, below: Mapping[int, int], unknown: int) -> None:
        """Open positions: above every tier, below a tier (bps → number), of unknown risk."""
        self._each({"above": above, "unknown": unknown})
        self._each({str(tier): count for tier, count in below.items()})

    def blind(self, tiers_bps: tuple[int, ...]) -> None:
        """Nothing could be read: every number is unknown."""
        self._each(dict.fromkeys(("above", "unknown", *map(str, tiers_bps)), UNKNOWN))

    def alerted(self, severity: str, kind: str) -> None:
        """An alert was raised."""
        self._alerts.labels(severity, kind).inc()

    def delivered(
        self, *, delivered: Mapping[str, int], failed: Mapping[str, int], still_open: int
    ) -> None:
        """A round of delivery, by channel."""
        for result, counts in (("delivered", delivered), ("failed", failed)):
            for channel, count in counts.items():
                self._deliveries.labels(channel, result).inc(count)
        self._outbox.set(still_open)

    def _each(self, counts: Mapping[str, float]) -> None:
        for tier, count in counts.items():
            self._positions.labels(tier).set(count)
