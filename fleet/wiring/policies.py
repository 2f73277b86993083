"""What an operator has decided, in the words of the rooms that decide by it. Pure."""

import math
from collections.abc import Sequence
from itertools import pairwise

from fleet.settings import (
    NetworkKind,
    OracleSettings,
    Settings,
    SpendSettings,
    WarningsSettings,
    Workload,
)
from fleet.transactions.fees import FeeMode, FeePolicy
from fleet.transactions.policy import Finality, SenderPolicy
from fleet.transactions.request import Lane
from fleet.transactions.spending import SpendPolicy
from keepers.funding.calendar import FundingPolicy
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import FollowerPolicy
from keepers.liquidation.gas import GasModel
from keepers.liquidation.keeper import LiquidationPolicy
from keepers.liquidation.risk import RiskPolicy
from keepers.liquidation.selection import SelectionPolicy
from keepers.liquidation.sharding import Shard, read_shard
from keepers.liquidation.stakes import StakePolicy
from keepers.warnings.alerts import Severity
from keepers.warnings.tiers import WarningPolicy
from keepers.warnings.tiers import tiers as tiered
from oracle.crosscheck import CrossCheckPolicy
from oracle.depth import DepthPolicy, WhenThin
from oracle.due import PublicationPolicy
from oracle.feeder import FeederPolicy
from oracle.freshness import FreshnessPolicy
from oracle.guard import GuardPolicy
from oracle.index import IndexPolicy
from oracle.judge import JudgePolicy
from oracle.markets import PerMarket
from oracle.sources.policy import SourcePolicy
from oracle.sources.quorum import QuorumPolicy
from oracle.worth import WorthPolicy
from protocol.sending import SendingPolicy
from units import ONE, RAO_IN_PRICE_WEI, Bps, Netuid, Rao, Wei

GWEI = 10**9


def feeder(settings: Settings) -> FeederPolicy:
    """When a price is published, held or withdrawn."""
    oracle = settings.oracle
    own = {market.netuid: settings.oracle_of(market) for market in settings.enabled_markets}
    push_age = settings.exchange.push_age_blocks_max
    return FeederPolicy(
        publication=PerMarket(
            _publication(oracle, push_age),
            {netuid: _publication(each, push_age) for netuid, each in own.items()},
        ),
        worth=WorthPolicy(pushes_hour_max=oracle.risk_pushes_hour_max),
        judge=JudgePolicy(
            guard=PerMarket(_guard(oracle), {netuid: _guard(each) for netuid, each in own.items()}),
            depth=PerMarket(_depth(oracle), {netuid: _depth(each) for netuid, each in own.items()}),
            indices=dict.fromkeys(_indices(settings), _index(oracle)),
            stall_blocks=oracle.stall_blocks,
            catch_up_blocks_max=oracle.catch_up_blocks_max,
            buried_blocks=oracle.buried_blocks,
        ),
        risk_budget_ms=oracle.risk_budget_ms,
        standby_blocks=oracle.standby_blocks,
        smoothing_blocks={netuid: each.smoothing_blocks for netuid, each in own.items()},
    )


def _publication(oracle: OracleSettings, push_age_blocks_max: int) -> PublicationPolicy:
    return PublicationPolicy(
        deviation=oracle.deviation_bps,
        heartbeat_s=oracle.heartbeat_s,
        early_percent=oracle.early_percent,
        push_age_blocks_max=push_age_blocks_max,
        in_flight_blocks=oracle.in_flight_blocks,
    )


def cross_check(settings: Settings) -> CrossCheckPolicy:
    """How many prices are held against the chain's own."""
    return CrossCheckPolicy(
        markets_max=settings.oracle.cross_check_markets_max, left_out=_indices(settings)
    )


def _indices(settings: Settings) -> frozenset[Netuid]:
    return frozenset(market.netuid for market in settings.enabled_markets if market.is_index)


def _index(oracle: OracleSettings) -> IndexPolicy:
    limit = oracle.index_price_max_tao * RAO_IN_PRICE_WEI
    return IndexPolicy(span_blocks=oracle.index_span_blocks, price_max=Rao(limit) or None)


def _depth(oracle: OracleSettings) -> DepthPolicy:
    return DepthPolicy(
        floor=Rao(oracle.depth_floor_tao * RAO_IN_PRICE_WEI),
        when_thin=WhenThin(oracle.when_thin),
        deviation=oracle.thin_deviation_bps,
    )


def _guard(oracle: OracleSettings) -> GuardPolicy:
    return GuardPolicy(
        jump_limit=oracle.jump_limit_bps,
        confirm_blocks=oracle.jump_confirm_blocks,
        restart_blocks=oracle.jump_restart_blocks,
    )


def source(settings: Settings) -> SourcePolicy:
    """How patient the readers of Subtensor are; in lock-step a new runtime is always waited for."""
    subtensor = settings.subtensor
    wait = subtensor.ask_timeout_s * 10 if is_lockstep(settings) else 0.0
    return SourcePolicy(
        request_s_max=subtensor.ask_timeout_s,
        heads_gap_s_max=subtensor.subscribe_timeout_s,
        backoff_s_first=subtensor.reconnect_s_min,
        backoff_s_max=subtensor.reconnect_s_max,
        upgrade_wait_s_max=wait,
    )


def quorum(settings: Settings) -> QuorumPolicy:
    """How many operators must say the same of a block of Subtensor."""
    subtensor = settings.subtensor
    return QuorumPolicy(
        agreement=subtensor.must_agree,
        straggler_s=subtensor.straggler_s,
        patience_s=subtensor.ask_timeout_s,
    )


def freshness(settings: Settings) -> FreshnessPolicy:
    """When the clocks are apart; a devnet lives in the time of its prices, not of the wall."""
    if settings.network.kind is NetworkKind.DEVNET:
        return FreshnessPolicy(old_s_max=math.inf, ahead_s_max=math.inf)
    return FreshnessPolicy()


def risk(settings: Settings) -> RiskPolicy:
    """How long a push waits for the book; in lock-step all time is the chain's."""
    seconds = settings.oracle.risk_budget_ms / 1000
    published = feeder(settings).publication
    return RiskPolicy(
        answer_s_max=None if is_lockstep(settings) else seconds,
        silence_s_max=max(
            each.silence_s_max for each in (published.common, *published.own.values())
        ),
        stakes=StakePolicy(
            shortfall_ppm=settings.oracle.risk_shortfall_ppm,
            dust=Wei(settings.liquidation.dust_tao * ONE),
        ),
    )


def follower(settings: Settings) -> FollowerPolicy:
    """When the book is rebuilt instead of followed."""
    return FollowerPolicy(rebuild_gap_blocks=settings.liquidation.rebuild_gap_blocks)


def gas(settings: Settings) -> GasModel:
    """What transactions need."""
    return GasModel(**settings.liquidation.gas.model_dump())


def selection(settings: Settings) -> SelectionPolicy:
    """How much of a block liquidations may take."""
    limits = settings.liquidation
    return SelectionPolicy(
        ids_max=limits.ids_max,
        block_gas_limit=limits.block_gas_limit,
        gas_share=limits.gas_share_bps,
    )


def liquidation(settings: Settings) -> LiquidationPolicy:
    """Which positions are taken, and how many at a time."""
    return LiquidationPolicy(
        selection=selection(settings),
        gas=gas(settings),
        in_flight_blocks=settings.liquidation.in_flight_blocks,
        reconcile_blocks=settings.liquidation.reconcile_blocks,
    )


def shard(settings: Settings) -> Shard | None:
    """Which positions a liquidator that runs alone takes; None: all."""
    found = settings.liquidation.shard
    return None if found is None else read_shard(found)


def workload_name(settings: Settings, workload: Workload) -> str:
    """Under which name it holds its lease, its journal and its book: each shard has its own."""
    own = shard(settings) if workload is Workload.LIQUIDATOR else None
    return workload.value if own is None else f"{workload.value}-{own.index}"


def sending(settings: Settings) -> SendingPolicy:
    """Limits of what one transaction carries."""
    return SendingPolicy(
        gas=gas(settings),
        push_age_blocks_max=settings.exchange.push_age_blocks_max,
        work_blocks=settings.liquidation.in_flight_blocks,
        ids_max=settings.liquidation.ids_max,
        gas_limit_max=selection(settings).gas_max,
    )


def funding(settings: Settings) -> FundingPolicy:
    """When an accrual is due."""
    return FundingPolicy(
        lead=settings.funding.lead_s,
        in_flight_blocks=settings.funding.in_flight_blocks,
        reread=settings.funding.reread_s,
        markets_max=settings.funding.markets_max,
    )


def warnings(settings: Settings, tiers: Sequence[Bps]) -> WarningPolicy:
    """Which margin ratios raise which alert; `tiers` from the highest down.

    The first is collected and silent where a position opens inside it, the last pages.
    """
    own = settings.warnings
    return WarningPolicy(
        tiers=tiered(own.tiers_bps or tiers, own.page_blocks, _severities(own)),
        liquidation_severity=Severity(own.liquidation_severity),
        blocks_missed_severity=Severity(own.blocks_missed_severity),
        market_unknown_severity=Severity(own.market_unknown_severity),
        book_unknown_severity=Severity(own.book_unknown_severity),
        recovery_bps=own.recovery_bps,
        unknown_blocks=own.unknown_blocks,
        digest_interval=own.digest_s,
        digest_lines_max=own.digest_lines_max,
        log_blocks_max=own.log_blocks_max,
        reorg_blocks=own.reorg_blocks,
    )


def _severities(own: WarningsSettings) -> tuple[Severity, ...] | None:
    told = own.tier_severities
    return None if told is None else tuple(map(Severity, told))


def usable_tiers(
    found: tuple[Bps, ...] | Unreadable, settings: Settings
) -> tuple[Bps, ...] | Unreadable:
    """What the exchange has set, if one can warn by it: at least two, from the highest down."""
    if isinstance(found, Unreadable):
        return found
    told = settings.warnings.tier_severities
    if told is not None and len(told) != len(found):
        what = f"warnings.tier_severities has {len(told)} for the exchange's {len(found)} tiers"
        return Unreadable(reason=what)
    if len(found) > 1 and all(upper > lower for upper, lower in pairwise(found)):
        return found
    said = ", ".join(map(str, found)) or "none"
    return Unreadable(reason=f"the exchange's warning tiers are {said}: set warnings.tiers_bps")


def sender(settings: Settings) -> SenderPolicy:
    """How transactions are priced, resent and given up."""
    how = settings.transactions
    return SenderPolicy(
        fees=FeePolicy(
            mode=FeeMode(how.mode),
            floor=how.fee_floor_gwei * GWEI,
            ceiling=how.fee_ceiling_gwei * GWEI,
            headroom_percent=how.headroom_percent,
            bump_percent=how.bump_percent,
            tip=how.tip_gwei * GWEI,
        ),
        stuck_blocks=how.stuck_blocks,
        confirmations=how.confirmations,
        spending=_spending(how.spend),
        finality=Finality(how.finality),
        attempts_max=how.attempts_max,
        hold_blocks_max=how.hold_blocks_max,
        mystery_blocks=how.mystery_blocks,
    )


def _spending(limits: SpendSettings) -> SpendPolicy:
    def of_lanes(suffix: str) -> dict[Lane, Wei]:
        found = ((lane, getattr(limits, f"{lane.name.lower()}_{suffix}")) for lane in Lane)
        return {lane: Wei(tao * ONE) for lane, tao in found}

    return SpendPolicy(without_effect_max=of_lanes("wasted_tao"), with_effect_max=of_lanes("tao"))


def is_lockstep(settings: Settings) -> bool:
    """Whether a devnet seals its blocks only when the bots have finished."""
    return settings.lockstep.url is not None
