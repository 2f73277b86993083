"""Which numbers a step's outcome leaves behind."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from prometheus_client import generate_latest

from fleet.telemetry.metrics import Metrics
from fleet.wiring.recording import CALL_FAILED, Recorder
from fleet.wiring.settling import SettledOutcomes
from keepers.liquidation.keeper import LiquidationsSubmitted
from keepers.liquidation.lateness import Lateness
from keepers.liquidation.outcomes import SkipReason
from keepers.liquidation.positions import PositionKey
from tests.unit.fleet.wiring.outcomes import EVERY, FEEDS, GONE, HEAD, HELD, REFUSAL, feed_plan
from tests.unit.fleet.wiring.simulated import KEY, mined, settled
from units import BlockNumber, PositionId, Sequence

ID = bytes(15) + b"\x07"
MARKET = (64).to_bytes(32, "big")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="0.1.0", network="devnet")


@pytest.fixture
def recorder(metrics: Metrics) -> Recorder:
    return Recorder(metrics)


Read = Callable[..., float | None]


@pytest.fixture
def read(metrics: Metrics) -> Read:
    """A sample; its labels may be words of Python as well, with an underscore behind."""

    def sample(name: str, **labels: str) -> float | None:
        plain = {label.rstrip("_"): value for label, value in labels.items()}
        return metrics.registry.get_sample_value(f"megatao_{name}", plain)

    return sample


def recorded(metrics: Metrics) -> Mapping[str, float]:
    """Everything that is shown, without what the process and the clock put there."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in metrics.registry.collect()
        if not family.name.startswith(("megatao_process", "megatao_build"))
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def log(signature: str, indexed: tuple[bytes, ...], types: str, *values: Any) -> dict[str, Any]:
    """A log as a node gives it."""
    topics = [keccak(text=signature), *(each.rjust(32, b"\0") for each in indexed)]
    data = encode(types.split(), values)
    return {"topics": ["0x" + each.hex() for each in topics], "data": "0x" + data.hex()}


def left_padded_id() -> bytes:
    return ID.ljust(32, b"\0")


PUSHED = log(
    "PricePushed(uint16,uint128,uint40,uint40)",
    (MARKET,),
    "uint256 uint256 uint256",
    10**17,
    95,
    1_700_000_000,
)
LIQUIDATED = log(
    "PositionLiquidated(bytes16,address,address,uint64,uint256,int256,int256,"
    "uint256,uint256,uint256,address)",
    (left_padded_id(), b"\xaa" * 20, MARKET),
    "uint256 uint256 int256 int256 uint256 uint256 uint256 address",
    1,
    10**17,
    0,
    -(10**17),
    0,
    0,
    10**17,
    KEY,
)
SKIPPED = log("LiquidationSkipped(bytes16,uint8)", (left_padded_id(),), "uint256", 1)
FAILED = log("LiquidationCallFailed(bytes)", (), "bytes", b"")


@pytest.mark.parametrize("name", EVERY)
def test_record__any_outcome__is_taken_and_can_be_shown(
    recorder: Recorder, metrics: Metrics, name: str
) -> None:
    recorder.record(EVERY[name])

    assert generate_latest(metrics.registry)


def test_record__all_outcomes_one_after_the_other__are_taken_in_any_state(
    recorder: Recorder,
) -> None:
    for outcome in (*EVERY.values(), *reversed(EVERY.values())):
        recorder.record(outcome)


def test_record__unknown_kind__leaves_everything_as_it_was(
    recorder: Recorder, metrics: Metrics
) -> None:
    before = recorded(metrics)
    recorder.record(object())
    assert recorded(metrics) == before


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        (
            "quiet feed",
            {
                "source_block[]": 98,
                "source_lag_blocks[]": 2,
                "feed_age_seconds[('netuid', '8')]": 120,
                "feed_deviation_ratio[('netuid', '8')]": 0.01,
                "feed_suspended[('netuid', '8')]": 0,
                "feed_band_ratio[('netuid', '8')]": 0.001,
                "feed_decisions_total[('decision', 'hold'), ('reason', 'the published price is"
                " close and young enough')]": 1,
            },
        ),
        (
            "push",
            {
                "feed_pushes_total[('with', 'prices')]": 1,
                "feed_updates_total[('netuid', '8')]": 1,
                "feed_decisions_total[('decision', 'publish'), ('reason', 'the price has"
                " moved')]": 1,
            },
        ),
        ("push with liquidations", {"feed_pushes_total[('with', 'liquidations')]": 1}),
        ("push alone", {"feed_pushes_without_risk_total[('reason', 'no book')]": 1}),
        (
            "refused push",
            {f"transactions_refused_total[('lane', 'price'), ('reason', '{REFUSAL}')]": 1},
        ),
        ("suspension", {"feed_suspended[('netuid', '64')]": 1}),
        (
            "refused suspension",
            {f"transactions_refused_total[('lane', 'price'), ('reason', '{REFUSAL}')]": 1},
        ),
        (
            "liquidations",
            {
                "liquidation_candidates[]": 3,
                "liquidation_deferred[]": 1,
                "nominations_refereed_total[]": 1,
                "nominations_missed_total[]": 2,
                "positions_unjudged[('reason', 'the market is suspended')]": 4,
                "reconciliations_total[('result', 'equal')]": 1,
            },
        ),
        (
            "refused liquidations",
            {
                f"transactions_refused_total[('lane', 'liquidation'), ('reason', '{REFUSAL}')]": 1,
                "reconciliations_total[('result', 'different')]": 1,
            },
        ),
        (
            "equal book",
            {"reconciliations_total[('result', 'equal')]": 1, "book_compared_share[]": 1.0},
        ),
        (
            "a page of the book",
            {"reconciliations_total[('result', 'equal')]": 1, "book_compared_share[]": 0.25},
        ),
        ("different book", {"reconciliations_total[('result', 'different')]": 1}),
        (
            "funding",
            {
                "funding_lag_seconds[('netuid', '8')]": 1_200,
                "funding_lag_seconds[('netuid', '64')]": 30,
                "funding_accruals_total[('result', 'sent')]": 1,
                "funding_forfeited_seconds_total[('netuid', '8')]": 7,
            },
        ),
        (
            "refused funding",
            {
                "funding_accruals_total[('result', 'not_sent')]": 1,
                f"transactions_refused_total[('lane', 'funding'), ('reason', '{REFUSAL}')]": 1,
            },
        ),
        (
            "warnings",
            {
                "positions[('tier', 'above')]": 3,
                "positions[('tier', '2000')]": 1,
                "positions[('tier', '2500')]": 2,
                "positions[('tier', '3500')]": 4,
                "positions[('tier', 'unknown')]": 5,
                "alerts_total[('kind', 'fell through a tier'), ('severity', 'page')]": 1,
                "alerts_total[('kind', 'found below a tier'), ('severity', 'digest')]": 1,
            },
        ),
        (
            "key",
            {
                f"key_balance_tao[('key', '{KEY}')]": 2.5,
                f"nonce_gap[('key', '{KEY}')]": 2,
                "transactions_unsettled[('state', 'broadcast')]": 2,
                "transactions_unsettled[('state', 'mined')]": 0,
            },
        ),
        (
            "settled",
            {
                "transactions_total[('lane', 'price'), ('outcome', 'final')]": 1,
                "transactions_total[('lane', 'price'), ('outcome', 'superseded')]": 1,
                "transactions_total[('lane', 'funding'), ('outcome', 'reverted')]": 1,
                "transactions_total[('lane', 'liquidation'), ('outcome', 'expired')]": 1,
                "transaction_fees_tao_total[('lane', 'funding')]": 0.001,
                "transaction_gas_total[('lane', 'funding')]": 50_000,
                "transaction_gas_total[('lane', 'price')]": 100_000,
                "transaction_gas_total[('lane', 'liquidation')]": 0,
            },
        ),
        (
            "round",
            {
                "notifications_total[('channel', 'log'), ('result', 'delivered')]": 2,
                "notifications_total[('channel', 'tgram-1'), ('result', 'failed')]": 1,
                "outbox_messages[]": 1,
            },
        ),
    ],
)
def test_record__outcome__shows_its_numbers(
    recorder: Recorder, metrics: Metrics, name: str, samples: dict[str, float]
) -> None:
    recorder.record(EVERY[name])

    shown = recorded(metrics)
    found = {
        key: shown.get(f"megatao_{key.replace('[]', '')}{'[]' * ('[]' in key)}") for key in samples
    }
    assert found == samples


@pytest.mark.parametrize("name", ["push", "liquidations", "funding", "equal book"])
def test_record__what_was_sent__is_not_counted_as_refused(
    recorder: Recorder, metrics: Metrics, name: str
) -> None:
    recorder.record(EVERY[name])

    assert not any("transactions_refused" in sample for sample in recorded(metrics))


def test_feed__unread_after_it_was_read__is_unknown_and_a_suspension_stays(
    recorder: Recorder, read: Read
) -> None:
    recorder.record(replace(FEEDS["quiet feed"], plan=feed_plan(HELD, GONE)))
    recorder.record(EVERY["unread feed"])

    for netuid in ("8", "64"):
        assert math.isnan(read("feed_age_seconds", netuid=netuid) or 0)
        assert math.isnan(read("feed_deviation_ratio", netuid=netuid) or 0)
    assert read("feed_suspended", netuid="8") == 0
    assert read("feed_suspended", netuid="64") == 1


def test_feed__a_market_without_a_price_on_chain__has_no_age(
    recorder: Recorder, read: Read
) -> None:
    recorder.record(EVERY["unread source"])

    assert math.isnan(read("feed_age_seconds", netuid="8") or 0)
    assert read("source_block") == 0  # none was read, so none is shown as read


def test_liquidations__held__are_unknown_and_not_none(recorder: Recorder, read: Read) -> None:
    recorder.record(EVERY["liquidations"])
    recorder.record(EVERY["held liquidations"])

    assert math.isnan(read("liquidation_candidates") or 0)
    assert math.isnan(read("liquidation_deferred") or 0)
    assert math.isnan(read("liquidation_oldest_blocks") or 0)


def test_liquidations__canary_and_left_alone__are_shown(recorder: Recorder, read: Read) -> None:
    submitted = EVERY["liquidations"]
    assert isinstance(submitted, LiquidationsSubmitted)
    key = PositionKey(id=PositionId(ID), sequence=Sequence(1))
    lateness = Lateness(since={key: BlockNumber(HEAD.number - 3)}, new=frozenset({key}))
    plan = replace(submitted.plan, canary=True, lateness=lateness)
    recorder.record(replace(submitted, plan=plan))
    recorder.record(replace(submitted, plan=replace(plan, canary=False)))
    recorder.record(submitted)

    assert read("canary_timestamp_seconds") == HEAD.time
    assert read("canary_missed_total") == 1
    assert read("liquidations_late_total") == 2
    assert read("liquidation_oldest_blocks") == 0


def test_funding__accrued__the_lag_falls_back(recorder: Recorder, read: Read) -> None:
    recorder.record(EVERY["funding"])
    recorder.record(EVERY["quiet funding"])

    assert read("funding_lag_seconds", netuid="8") == 0


def test_funding__unread__the_lag_is_unknown(recorder: Recorder, read: Read) -> None:
    recorder.record(EVERY["unread funding"])
    assert read("funding_lag_seconds", netuid="8") is None

    recorder.record(EVERY["funding"])
    recorder.record(EVERY["unread funding"])
    for netuid in ("8", "64"):
        assert math.isnan(read("funding_lag_seconds", netuid=netuid) or 0)


def test_warnings__blind__every_tier_is_unknown(recorder: Recorder, read: Read) -> None:
    recorder.record(EVERY["warnings"])
    recorder.record(EVERY["blind warnings"])

    for tier in ("above", "unknown", "2000", "2500", "3500"):
        assert math.isnan(read("positions", tier=tier) or 0)


@pytest.mark.parametrize("name", ["transactions_in_flight", "transactions_unsettled"])
def test_on_their_way__nothing_left__falls_to_zero(
    name: str, recorder: Recorder, metrics: Metrics
) -> None:
    recorder.record(EVERY["key"])
    assert any(v for k, v in recorded(metrics).items() if name in k)
    recorder.record(EVERY["nothing settled"])

    open_now = {k: v for k, v in recorded(metrics).items() if name in k}
    assert open_now
    assert set(open_now.values()) == {0}


def receipt(*logs: dict[str, Any]) -> SettledOutcomes:
    done = settled("push", mined(100, logs))
    return SettledOutcomes(head=HEAD, settled=(done,), in_flight={})


def test_receipt__liquidated_by_a_push__counts_the_delay_from_the_source(
    recorder: Recorder, read: Read
) -> None:
    recorder.record(receipt(PUSHED, LIQUIDATED))

    assert read("liquidations_total", netuid="64") == 1
    assert read("bad_debt_tao_total") == 0.1
    assert read("liquidation_source_delay_blocks_sum") == 5
    assert read("liquidation_source_delay_blocks_count") == 1
    assert read("liquidation_source_delay_seconds_sum") == HEAD.time - 1_700_000_000


def test_receipt__in_a_block_that_nobody_saw__has_no_delay_in_seconds(
    recorder: Recorder, read: Read
) -> None:
    later = replace(HEAD, number=BlockNumber(HEAD.number + 2))
    recorder.record(replace(receipt(PUSHED, LIQUIDATED), head=later))

    assert read("liquidation_source_delay_blocks_count") == 1
    assert read("liquidation_source_delay_seconds_count") == 0


def test_receipt__liquidated_without_a_push__has_no_delay(recorder: Recorder, read: Read) -> None:
    recorder.record(receipt(LIQUIDATED))

    assert read("liquidations_total", netuid="64") == 1
    assert read("liquidation_source_delay_blocks_count") == 0


def test_receipt__skipped_or_failed__is_counted_with_its_reason(
    recorder: Recorder, read: Read
) -> None:
    recorder.record(receipt(SKIPPED, FAILED))

    assert read("liquidations_skipped_total", reason=SkipReason.HEALTHY.value) == 1
    assert read("liquidations_skipped_total", reason=CALL_FAILED) == 1
