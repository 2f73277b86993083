"""Every setting reaches the policy that decides by it; none is forgotten, none swapped."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from fleet.settings import MarketSettings, OracleSettings, Settings, Workload
from fleet.transactions.fees import FeeMode
from fleet.transactions.policy import Finality
from fleet.transactions.request import Lane
from fleet.wiring import node_policies, policies
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.sharding import Shard
from keepers.warnings.alerts import Severity
from oracle.depth import WhenThin
from oracle.feeder import FeederPolicy
from oracle.index import IndexPolicy
from tests.unit.fleet.wiring.simulated import DOCUMENT, LOCKSTEP, settings
from units import Bps, Netuid

Way = tuple[Any, Callable[[Settings], object], object]
"""A new value of a setting, where it is to be found in a policy, and what is to stand there."""

TIERS = (Bps(3_500), Bps(2_500), Bps(2_000))
GWEI = 10**9


def same(value: object, where: Callable[[Settings], object]) -> Way:
    return value, where, value


def told(event: str) -> Callable[[Settings], object]:
    return lambda s: getattr(policies.warnings(s, TIERS), f"{event}_severity")


def _index(found: Settings) -> IndexPolicy:
    """Of an index market beside the others."""
    markets = (*found.markets, MarketSettings(netuid=Netuid(999), symbol="ALL", is_index=True))
    return policies.feeder(found.model_copy(update={"markets": markets})).judge.indices[Netuid(999)]


WAYS: dict[str, tuple[Way, ...]] = {
    "oracle.deviation_bps": (same(7, lambda s: policies.feeder(s).publication.common.deviation),),
    "oracle.heartbeat_s": (same(420, lambda s: policies.feeder(s).publication.common.heartbeat_s),),
    "oracle.in_flight_blocks": (
        same(5, lambda s: policies.feeder(s).publication.common.in_flight_blocks),
    ),
    "oracle.buried_blocks": (same(6, lambda s: policies.feeder(s).judge.buried_blocks),),
    "oracle.stall_blocks": (same(12, lambda s: policies.feeder(s).judge.stall_blocks),),
    "oracle.catch_up_blocks_max": (
        same(9, lambda s: policies.feeder(s).judge.catch_up_blocks_max),
    ),
    "oracle.jump_limit_bps": (
        same(444, lambda s: policies.feeder(s).judge.guard.common.jump_limit),
        same(444, lambda s: policies.feeder(s).judge.guard.of(Netuid(8)).jump_limit),
    ),
    "oracle.jump_confirm_blocks": (
        same(13, lambda s: policies.feeder(s).judge.guard.common.confirm_blocks),
    ),
    "oracle.jump_restart_blocks": (
        same(33, lambda s: policies.feeder(s).judge.guard.common.restart_blocks),
    ),
    "oracle.cross_check_markets_max": (same(12, lambda s: policies.cross_check(s).markets_max),),
    "oracle.standby_blocks": (same(5, lambda s: policies.feeder(s).standby_blocks),),
    "oracle.smoothing_blocks": (
        (25, lambda s: policies.feeder(s).smoothing_blocks[Netuid(8)], 25),
    ),
    "oracle.index_span_blocks": ((100, lambda s: _index(s).span_blocks, 100),),
    "oracle.index_price_max_tao": ((1, lambda s: _index(s).price_max, 10**9),),
    "oracle.depth_floor_tao": (
        (500, lambda s: policies.feeder(s).judge.depth.common.floor, 500 * 10**9),
    ),
    "oracle.when_thin": (
        ("widen", lambda s: policies.feeder(s).judge.depth.common.when_thin, WhenThin.WIDEN),
    ),
    "oracle.thin_deviation_bps": (
        same(15, lambda s: policies.feeder(s).judge.depth.common.deviation),
    ),
    "oracle.early_percent": (
        same(60, lambda s: policies.feeder(s).publication.common.early_percent),
        same(60, lambda s: policies.feeder(s).publication.of(Netuid(8)).early_percent),
    ),
    "oracle.risk_budget_ms": (
        same(350, lambda s: policies.feeder(s).risk_budget_ms),
        (350, lambda s: policies.risk(s).answer_s_max, 0.35),
    ),
    "oracle.risk_pushes_hour_max": (same(9, lambda s: policies.feeder(s).worth.pushes_hour_max),),
    "oracle.risk_shortfall_ppm": (same(77, lambda s: policies.risk(s).stakes.shortfall_ppm),),
    "liquidation.dust_tao": ((3, lambda s: policies.risk(s).stakes.dust, 3 * 10**18),),
    "exchange.push_age_blocks_max": (
        same(24, lambda s: policies.feeder(s).publication.common.push_age_blocks_max),
        same(24, lambda s: policies.sending(s).push_age_blocks_max),
    ),
    "liquidation.ids_max": (
        same(123, lambda s: policies.liquidation(s).selection.ids_max),
        same(123, lambda s: policies.sending(s).ids_max),
    ),
    "liquidation.block_gas_limit": (
        same(60_000_000, lambda s: policies.liquidation(s).selection.block_gas_limit),
        (60_000_000, lambda s: policies.sending(s).gas_limit_max, 30_000_000),
    ),
    "liquidation.gas_share_bps": (
        same(2_500, lambda s: policies.liquidation(s).selection.gas_share),
        (2_500, lambda s: policies.sending(s).gas_limit_max, 75_000_000 // 4),
    ),
    "liquidation.gas.intercept": (
        same(50_001, lambda s: policies.liquidation(s).gas.intercept),
        same(50_001, lambda s: policies.sending(s).gas.intercept),
    ),
    "liquidation.gas.liquidation_intercept": (
        same(50_002, lambda s: policies.liquidation(s).gas.liquidation_intercept),
        same(50_002, lambda s: policies.sending(s).gas.liquidation_intercept),
    ),
    "liquidation.gas.id_slope": (
        same(50_003, lambda s: policies.liquidation(s).gas.id_slope),
        same(50_003, lambda s: policies.sending(s).gas.id_slope),
    ),
    "liquidation.gas.update_slope": (
        same(50_004, lambda s: policies.liquidation(s).gas.update_slope),
        same(50_004, lambda s: policies.sending(s).gas.update_slope),
    ),
    "liquidation.in_flight_blocks": (
        same(17, lambda s: policies.liquidation(s).in_flight_blocks),
        same(17, lambda s: policies.sending(s).work_blocks),
    ),
    "liquidation.reconcile_blocks": (same(77, lambda s: policies.liquidation(s).reconcile_blocks),),
    "liquidation.shard": (("2/5", policies.shard, Shard(index=2, of=5)),),
    "liquidation.rebuild_gap_blocks": (
        same(99, lambda s: policies.follower(s).rebuild_gap_blocks),
    ),
    "funding.lead_s": (same(48, lambda s: policies.funding(s).lead),),
    "funding.in_flight_blocks": (same(19, lambda s: policies.funding(s).in_flight_blocks),),
    "funding.reread_s": (same(240, lambda s: policies.funding(s).reread),),
    "funding.markets_max": (same(11, lambda s: policies.funding(s).markets_max),),
    "warnings.tiers_bps": (
        (
            [4_000, 2_200],
            lambda s: [tier.ratio_bps for tier in policies.warnings(s, TIERS).tiers],
            [4_000, 2_200],
        ),
    ),
    "warnings.tier_severities": (
        (
            ["inform", "inform", "page"],
            lambda s: [tier.severity for tier in policies.warnings(s, TIERS).tiers],
            ["inform", "inform", "page"],
        ),
    ),
    "warnings.liquidation_severity": (same("digest", told("liquidation")),),
    "warnings.market_unknown_severity": (same("digest", told("market_unknown")),),
    "warnings.book_unknown_severity": (same("digest", told("book_unknown")),),
    "warnings.blocks_missed_severity": (same("digest", told("blocks_missed")),),
    "warnings.recovery_bps": (same(111, lambda s: policies.warnings(s, TIERS).recovery_bps),),
    "warnings.page_blocks": (same(4, lambda s: policies.warnings(s, TIERS).tiers[-1].blocks),),
    "warnings.unknown_blocks": (same(31, lambda s: policies.warnings(s, TIERS).unknown_blocks),),
    "warnings.digest_s": (same(3_600, lambda s: policies.warnings(s, TIERS).digest_interval),),
    "warnings.digest_lines_max": (
        same(21, lambda s: policies.warnings(s, TIERS).digest_lines_max),
    ),
    "warnings.log_blocks_max": (same(150, lambda s: policies.warnings(s, TIERS).log_blocks_max),),
    "warnings.reorg_blocks": (same(18, lambda s: policies.warnings(s, TIERS).reorg_blocks),),
    "transactions.mode": (("eip1559", lambda s: policies.sender(s).fees.mode, FeeMode.EIP1559),),
    "transactions.fee_floor_gwei": ((12, lambda s: policies.sender(s).fees.floor, 12 * GWEI),),
    "transactions.fee_ceiling_gwei": (
        (150, lambda s: policies.sender(s).fees.ceiling, 150 * GWEI),
    ),
    "transactions.headroom_percent": (
        same(25, lambda s: policies.sender(s).fees.headroom_percent),
    ),
    "transactions.bump_percent": (same(15, lambda s: policies.sender(s).fees.bump_percent),),
    "transactions.tip_gwei": ((2, lambda s: policies.sender(s).fees.tip, 2 * GWEI),),
    "transactions.stuck_blocks": (same(4, lambda s: policies.sender(s).stuck_blocks),),
    "transactions.confirmations": (same(20, lambda s: policies.sender(s).confirmations),),
    "transactions.finality": (("depth", lambda s: policies.sender(s).finality, Finality.DEPTH),),
    "transactions.spend.price_wasted_tao": (
        (7, lambda s: policies.sender(s).spending.without_effect_max[Lane.PRICE], 7 * 10**18),
    ),
    "transactions.spend.price_tao": (
        (7, lambda s: policies.sender(s).spending.with_effect_max[Lane.PRICE], 7 * 10**18),
    ),
    "transactions.spend.liquidation_wasted_tao": (
        (7, lambda s: policies.sender(s).spending.without_effect_max[Lane.LIQUIDATION], 7 * 10**18),
    ),
    "transactions.spend.liquidation_tao": (
        (7, lambda s: policies.sender(s).spending.with_effect_max[Lane.LIQUIDATION], 7 * 10**18),
    ),
    "transactions.spend.funding_wasted_tao": (
        (7, lambda s: policies.sender(s).spending.without_effect_max[Lane.FUNDING], 7 * 10**18),
    ),
    "transactions.spend.funding_tao": (
        (7, lambda s: policies.sender(s).spending.with_effect_max[Lane.FUNDING], 7 * 10**18),
    ),
    "transactions.spend.housekeeping_wasted_tao": (
        (
            7,
            lambda s: policies.sender(s).spending.without_effect_max[Lane.HOUSEKEEPING],
            7 * 10**18,
        ),
    ),
    "transactions.spend.housekeeping_tao": (
        (7, lambda s: policies.sender(s).spending.with_effect_max[Lane.HOUSEKEEPING], 7 * 10**18),
    ),
    "transactions.attempts_max": (same(5, lambda s: policies.sender(s).attempts_max),),
    "transactions.hold_blocks_max": (same(30, lambda s: policies.sender(s).hold_blocks_max),),
    "transactions.mystery_blocks": (same(250, lambda s: policies.sender(s).mystery_blocks),),
    "evm.lag_blocks_max": (same(7, lambda s: node_policies.pool(s).states.lag_blocks_max),),
    "evm.sync_blocks_max": (same(40, lambda s: node_policies.pool(s).states.sync_blocks_max),),
    "evm.failures_max": (same(5, lambda s: node_policies.pool(s).states.failures_max),),
    "evm.recheck_s": (same(20.0, lambda s: node_policies.pool(s).states.recheck_s),),
    "evm.hedge_s": (same(2.0, lambda s: node_policies.pool(s).hedge_s),),
    "evm.poll_s": (same(3.5, lambda s: node_policies.heads(s).poll_s),),
    "evm.subscription_silence_s": (same(25.0, lambda s: node_policies.heads(s).silence_s_max),),
    "evm.subscription_redial_s": (same(70.0, lambda s: node_policies.heads(s).sockets.redial_s),),
    "evm.log_horizon_blocks": (same(260, lambda s: node_policies.logs(s).horizon_blocks),),
    "evm.log_range_blocks_max": (same(55, lambda s: node_policies.logs(s).range_blocks_max),),
    "subtensor.ask_timeout_s": (same(3.0, lambda s: policies.source(s).request_s_max),),
    "subtensor.subscribe_timeout_s": (same(90.0, lambda s: policies.source(s).heads_gap_s_max),),
    "subtensor.straggler_s": (same(0.25, lambda s: policies.quorum(s).straggler_s),),
    "subtensor.reconnect_s_min": (same(0.7, lambda s: policies.source(s).backoff_s_first),),
    "subtensor.reconnect_s_max": (same(20.0, lambda s: policies.source(s).backoff_s_max),),
}

READ_ELSEWHERE = {
    "evm.endpoints": "connections.open_node",
    "evm.agreement": "Witnesses.must_agree",
    "evm.genesis": "connections.open_node",
    "evm.batch_max": "connections.open_node",
    "evm.known_event_block": "connections.open_node",
    "evm.subscriptions": "connections.open_rhythm",
    "evm.ws_url": "connections.open_rhythm",
    "evm.timeout_s": "connections.open_node",
    "evm.reserved_share_percent": "connections.open_node",
    "evm.head_stall_s": "connections.open_rhythm, keepers doctor",
    "subtensor.endpoints": "connections.open_source",
    "subtensor.agreement": "Witnesses.must_agree",
    "oracle.quiet_blocks": "connections.open_rhythm",
    "subtensor.genesis": "connections.subtensor_endpoint",
    "transactions.balance_low_tao": "keepers doctor",
    "transactions.drill_mtao_hour": "fleet.wiring.daemon",
    "exchange.trading_price_age_s_max": "contradictions, keepers doctor",
    "exchange.open_fee_bps": "contradictions, keepers doctor",
    "exchange.close_fee_bps": "contradictions, keepers doctor",
    "exchange.maintenance_bps": "contradictions, keepers doctor",
    "exchange.funding_interval_s": "keepers doctor",
}
"""Settings that no policy is made of, and who reads them."""

SECTIONS = (
    "evm",
    "subtensor",
    "exchange",
    "oracle",
    "liquidation",
    "funding",
    "warnings",
    "transactions",
)


def keys(model: type[BaseModel], path: str) -> Iterator[str]:
    """The dotted keys of a section and of the sections in it."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{path}.{name}")
        else:
            yield f"{path}.{name}"


def with_value(key: str, value: object) -> Settings:
    section, *path, name = key.split(".")
    changed: dict[str, Any] = {name: value}
    for part in reversed(path):
        changed = {part: changed}
    return settings(**{section: DOCUMENT.get(section, {}) | changed})


def test_settings__of_every_section_that_decides__have_a_way_into_a_policy_or_a_reader() -> None:
    fields = Settings.model_fields
    found = [
        key
        for section in SECTIONS
        for key in keys(fields[section].annotation, section)  # type: ignore[arg-type] # sections are models
    ]

    assert sorted(found) == sorted([*WAYS, *READ_ELSEWHERE])


@pytest.mark.parametrize("key", WAYS)
def test_setting__changed__is_found_in_its_policy(key: str) -> None:
    for value, where, expected in WAYS[key]:
        assert where(settings()) != expected, "the default would pass for the change"
        assert where(with_value(key, value)) == expected


@pytest.mark.parametrize("key", WAYS)
def test_setting__changed__leaves_the_places_of_all_others_alone(key: str) -> None:
    plain, changed = settings(), with_value(key, WAYS[key][0][0])
    touched = {
        other
        for other, ways in WAYS.items()
        if any(where(plain) != where(changed) for _, where, _ in ways)
    }

    shared = {"liquidation.block_gas_limit", "liquidation.gas_share_bps", "warnings.page_blocks"}
    shared |= {"warnings.tier_severities"}
    assert key in touched
    assert touched - {key} <= shared


OWN: dict[str, tuple[int | str, Callable[[FeederPolicy, Netuid], int | str]]] = {
    "deviation_bps": (15, lambda p, n: p.publication.of(n).deviation),
    "heartbeat_s": (300, lambda p, n: p.publication.of(n).heartbeat_s),
    "jump_limit_bps": (900, lambda p, n: p.judge.guard.of(n).jump_limit),
    "jump_confirm_blocks": (21, lambda p, n: p.judge.guard.of(n).confirm_blocks),
    "jump_restart_blocks": (0, lambda p, n: p.judge.guard.of(n).restart_blocks),
    "smoothing_blocks": (9, lambda p, n: p.smoothing_blocks[n]),
    "depth_floor_tao": (70, lambda p, n: p.judge.depth.of(n).floor // 10**9),
    "when_thin": ("suspend", lambda p, n: p.judge.depth.of(n).when_thin.value),
}


@pytest.mark.parametrize("key", OWN)
def test_feeder__a_market_s_own_setting__goes_before_the_common_one(key: str) -> None:
    value, where = OWN[key]
    own = [{"netuid": 8, "symbol": "A", key: value}, {"netuid": 64, "symbol": "B"}]
    found = policies.feeder(settings(markets=own))

    assert where(found, Netuid(8)) == value
    assert where(found, Netuid(64)) == where(policies.feeder(settings()), Netuid(64)) != value


def test_feeder__every_setting_a_market_may_have_of_its_own__is_tried_here() -> None:
    assert set(OWN) == MarketSettings.model_fields.keys() & OracleSettings.model_fields.keys()


@pytest.mark.parametrize(
    ("allowed", "requests", "period_s"),
    [(1.0, 1, 1.0), (2.9, 2, 1.0), (20.0, 20, 1.0), (0.5, 1, 2.0), (0.1, 1, 10.0)],
)
def test_rate__any_allowance__is_never_exceeded(
    allowed: float, requests: int, period_s: float
) -> None:
    own = {"operator": "node", "url": "http://127.0.0.1:1", "requests_per_second": allowed}
    endpoint = settings(evm={"endpoints": [own]}).evm.endpoints[0]

    found = node_policies.rate(endpoint, 30)

    assert found is not None
    assert (found.requests, found.period_s, found.reserved_percent) == (requests, period_s, 30)
    assert found.requests / found.period_s <= allowed


def test_rate__no_limit__is_none() -> None:
    assert node_policies.rate(settings().evm.endpoints[0], 50) is None


def test_warnings__tiers_of_the_exchange__rise_in_severity() -> None:
    found = policies.warnings(settings(), TIERS).tiers

    assert [(tier.ratio_bps, tier.severity, tier.blocks) for tier in found] == [
        (3_500, Severity.DIGEST, 1),
        (2_500, Severity.NOTIFY, 1),
        (2_000, Severity.PAGE, 2),
    ]
    assert [tier.is_silent_when_found for tier in found] == [True, False, False]


def test_tiers__of_use__stand() -> None:
    assert policies.usable_tiers(TIERS, settings()) == TIERS
    unread = Unreadable(reason="warning tiers: down")
    assert policies.usable_tiers(unread, settings()) is unread


@pytest.mark.parametrize(
    ("tiers", "said"),
    [((), "none"), ((2_000,), "2000"), ((2_000, 2_500), "2000, 2500"), ((3, 3), "3, 3")],
)
def test_tiers__nobody_can_warn_by__are_refused_with_a_way_out(
    tiers: tuple[int, ...], said: str
) -> None:
    found = policies.usable_tiers(tuple(map(Bps, tiers)), settings())

    reason = f"the exchange's warning tiers are {said}: set warnings.tiers_bps"
    assert found == Unreadable(reason=reason)


def test_tiers__more_or_fewer_than_the_severities__are_refused() -> None:
    own = with_value("warnings.tier_severities", ["inform", "page"])

    assert policies.usable_tiers(TIERS, own) == Unreadable(
        reason="warnings.tier_severities has 2 for the exchange's 3 tiers"
    )


def test_lockstep__all_time_is_the_chain_s() -> None:
    plain, in_step = settings(), settings(lockstep=LOCKSTEP)

    assert [policies.is_lockstep(s) for s in (plain, in_step)] == [False, True]
    assert policies.risk(in_step).answer_s_max is None
    assert policies.source(plain).upgrade_wait_s_max == 0
    assert policies.source(in_step).upgrade_wait_s_max == 40


@pytest.mark.parametrize("shard", ["4/4", "0/0", "1", "-1/4", "1/4/4", "a/b", ""])
def test_shard__what_is_none__is_refused_at_the_start(shard: str) -> None:
    with pytest.raises(ValueError, match="is no shard"):
        settings(liquidation={"shard": shard})


def test_workload_name__of_a_shard__is_the_liquidator_s_alone() -> None:
    whole, part = settings(), settings(liquidation={"shard": "3/4"})
    assert policies.workload_name(whole, Workload.LIQUIDATOR) == "liquidator"
    assert policies.workload_name(part, Workload.LIQUIDATOR) == "liquidator-3"
    assert policies.workload_name(part, Workload.FEEDER) == "feeder"
    assert policies.workload_name(part, Workload.OPERATOR) == "operator"
