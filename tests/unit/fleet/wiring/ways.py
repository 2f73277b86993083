"""Where every setting that decides is to be found in a policy, and which have another reader."""

from collections.abc import Callable
from typing import Any

from fleet.settings import MarketSettings, Settings
from fleet.transactions.fees import FeeMode
from fleet.transactions.policy import Finality
from fleet.transactions.request import Lane
from fleet.wiring import node_policies, policies
from keepers.liquidation.sharding import Shard
from oracle.depth import WhenThin
from oracle.index import IndexPolicy
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
