import math

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fleet.telemetry.instruments import OTHER, Bounded
from fleet.telemetry.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="0.1.0", network="devnet")


def read(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"megatao_{name}", labels)


def _exercise(metrics: Metrics) -> None:
    metrics.loops.track("feeder", lambda: 3.0)
    metrics.loops.stepped("feeder", result="FeedOutcome", seconds=0.2)
    metrics.loops.failed("feeder")
    metrics.chain.head_age(lambda: 4.0)
    metrics.chain.head(number=100, timestamp=1_700_000_000)
    metrics.chain.source(number=97, head_number=100)
    metrics.chain.waited("one", 0.2)
    metrics.chain.requested("one", "ok")
    metrics.transactions.settled("price", "mined", fee_wei=10**16, gas=34_000)
    metrics.transactions.included("price", 2)
    metrics.transactions.refused("price", "fee above the ceiling")
    metrics.transactions.in_flight({"price": 2})
    metrics.transactions.policy(balance_tao_min=1, drill_tao_hour=0.2)
    metrics.transactions.key("0xAa", balance_wei=25 * 10**17, nonce_gap=2)
    metrics.feeder.policy(heartbeat_s=600, trading_age_s_max=900)
    metrics.feeder.market(8, age_s=36, deviation_bps=12, is_suspended=True, band_bps=10)
    metrics.feeder.decided("hold", "the published price is close and young enough")
    metrics.feeder.pushed((8, 64), liquidations=0, risk_unknown="no book within 0.2 s")
    metrics.liquidations.planned(candidates=3, deferred=1, unknown={"the market is suspended": 2})
    metrics.liquidations.liquidated(
        8, bad_debt_wei=10**15, source_delay_blocks=4, source_delay_s=50
    )
    metrics.liquidations.canary(is_found=True, at=1_700_000_000)
    metrics.liquidations.canary(is_found=False, at=1_700_000_300)
    metrics.liquidations.skipped("already closed or liquidated")
    metrics.liquidations.reconciled(is_equal=True, share=0.5)
    metrics.funding.lag(8, lag_s=60)
    metrics.funding.submitted({8: 7_200}, is_sent=True)
    metrics.warnings.standings(above=10, below={3500: 4, 2500: 1}, unknown=2)
    metrics.warnings.alerted("page", "fell through a tier")
    metrics.warnings.delivered(delivered={"log": 2}, failed={"log": 0}, still_open=1)


def test_metrics__everything_recorded__stands_in_base_units(metrics: Metrics) -> None:
    _exercise(metrics)

    assert read(metrics, "build_info", version="0.1.0", network="devnet") == 1
    assert read(metrics, "loop_age_seconds", bot="feeder") == 3
    assert read(metrics, "steps_total", bot="feeder", result="failed") == 1
    assert read(metrics, "head_age_seconds") == 4
    assert read(metrics, "source_lag_blocks") == 3
    assert read(metrics, "throttle_wait_seconds_sum", endpoint="one") == 0.2
    assert read(metrics, "transaction_fees_tao_total", lane="price") == 0.01
    assert read(metrics, "key_balance_tao", key="0xAa") == 2.5
    assert read(metrics, "key_gas_hours", key="0xAa") == 12.5
    assert read(metrics, "nonce_gap", key="0xAa") == 2
    assert read(metrics, "feed_band_ratio", netuid="8") == 0.001
    assert read(metrics, "canary_timestamp_seconds") == 1_700_000_000
    assert read(metrics, "canary_missed_total") == 1
    assert read(metrics, "liquidation_source_delay_seconds_sum") == 50
    assert read(metrics, "feed_deviation_ratio", netuid="8") == 0.0012
    assert read(metrics, "feed_suspended", netuid="8") == 1
    assert read(metrics, "feed_pushes_without_risk_total", reason="no book within 0.2 s") == 1
    assert read(metrics, "liquidation_source_delay_blocks_bucket", le="3.0") == 0
    assert read(metrics, "liquidation_source_delay_blocks_bucket", le="4.0") == 1
    assert read(metrics, "bad_debt_tao_total") == 0.001
    assert read(metrics, "funding_lag_seconds", netuid="8") == 60
    assert read(metrics, "funding_forfeited_seconds_total", netuid="8") == 7_200
    assert read(metrics, "positions", tier="2500") == 1
    assert read(metrics, "alerts_total", severity="page", kind="fell through a tier") == 1
    assert read(metrics, "outbox_messages") == 1


def test_metrics__exposition__prefixed_described_and_parsable(metrics: Metrics) -> None:
    _exercise(metrics)

    families = list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))

    assert len(families) > 30
    assert all(family.name.startswith("megatao_") and family.documentation for family in families)


def test_metrics__two_fleets_in_one_process__do_not_share_and_use_no_global(
    metrics: Metrics,
) -> None:
    _exercise(metrics)
    other = Metrics(version="0.1.0", network="devnet")

    assert read(other, "head_block") == 0
    assert not any(name.startswith("megatao") for name in REGISTRY._names_to_collectors)


def test_feeder__no_price__unknown_and_not_zero(metrics: Metrics) -> None:
    metrics.feeder.market(8, age_s=None, deviation_bps=None, is_suspended=False, band_bps=None)

    assert math.isnan(read(metrics, "feed_age_seconds", netuid="8") or 0)
    assert math.isnan(read(metrics, "feed_deviation_ratio", netuid="8") or 0)


def test_liquidations__nothing_known__candidates_unknown_and_not_zero(metrics: Metrics) -> None:
    metrics.liquidations.planned(candidates=0, deferred=0, unknown={})
    assert read(metrics, "liquidation_candidates") == 0

    metrics.liquidations.unplanned()

    assert math.isnan(read(metrics, "liquidation_candidates") or 0)


def test_warnings__blind__every_number_unknown(metrics: Metrics) -> None:
    metrics.warnings.standings(above=1, below={3500: 2}, unknown=0)
    metrics.warnings.blind((3500,))

    values = [read(metrics, "positions", tier=tier) for tier in ("above", "unknown", "3500")]

    assert all(value is not None and math.isnan(value) for value in values)


def test_liquidations__reason_gone__its_count_falls_to_zero(metrics: Metrics) -> None:
    metrics.liquidations.planned(candidates=0, deferred=0, unknown={"stale": 3})
    metrics.liquidations.planned(candidates=0, deferred=0, unknown={})

    assert read(metrics, "positions_unjudged", reason="stale") == 0


def test_transactions__lane_empty__its_count_falls_to_zero(metrics: Metrics) -> None:
    metrics.transactions.in_flight({"price": 2, "funding": 1})
    metrics.transactions.in_flight({"funding": 1})

    assert read(metrics, "transactions_in_flight", lane="price") == 0


def test_funding__not_sent__nothing_counts_as_forfeited(metrics: Metrics) -> None:
    metrics.funding.submitted({8: 7_200}, is_sent=False)

    assert read(metrics, "funding_forfeited_seconds_total", netuid="8") is None
    assert read(metrics, "funding_accruals_total", result="not_sent") == 1


def test_refused__endless_different_reasons__bounded_series(metrics: Metrics) -> None:
    for number in range(1_000):
        metrics.transactions.refused("price", f"execution reverted: {number}")

    samples = [
        sample
        for family in metrics.registry.collect()
        if family.name == "megatao_transactions_refused"
        for sample in family.samples
        if sample.name.endswith("_total")
    ]
    assert len(samples) == 65
    assert read(metrics, "transactions_refused_total", lane="price", reason=OTHER) == 936


def test_bounded__known_value__admitted_for_ever() -> None:
    bounded = Bounded(values_max=1)

    assert [bounded("a"), bounded("b"), bounded("a")] == ["a", OTHER, "a"]


def test_bounded__long_text__cut() -> None:
    assert len(Bounded()("x" * 500)) == 80
