"""Settings that are each well-formed and cannot stand together.

Pure. A rule names the sections it compares and runs when those could be read, so that one
broken section does not hide the contradictions of the others.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from fleet.settings.fields import is_loopback
from fleet.settings.markets import ExchangeSettings, MarketSettings
from fleet.settings.network import (
    EvmSettings,
    NetworkKind,
    NetworkSettings,
)
from fleet.settings.places import Witnesses
from fleet.settings.policies import (
    LiquidationSettings,
    OracleSettings,
    WarningsSettings,
)
from fleet.settings.process import KeysSettings, LockstepSettings, RuntimeSettings, Workload
from fleet.settings.subtensor import SubtensorSettings
from fleet.settings.transactions import TransactionSettings
from keepers.liquidation.gas import GasModel
from units import BLOCK_TIME, BPS_ONE

Contradiction = tuple[str, str]
"""The key in dotted form, and what is wrong."""

MAINNET_CHAIN_ID = 964


def _heartbeats(
    oracle: OracleSettings, markets: tuple[MarketSettings, ...], exchange: ExchangeSettings
) -> Iterator[Contradiction]:
    late_s = (exchange.push_age_blocks_max + oracle.standby_blocks) * BLOCK_TIME
    for key, heartbeat_s in _everywhere("heartbeat_s", oracle, markets):
        oldest = heartbeat_s + late_s
        if oldest > exchange.trading_price_age_s_max:
            yield (
                key,
                (
                    f"{heartbeat_s} s and a push {exchange.push_age_blocks_max} blocks old"
                    f" make a price of {oldest} s: exchange.trading_price_age_s_max is"
                    f" {exchange.trading_price_age_s_max}"
                ),
            )


def _everywhere(
    field: str, oracle: OracleSettings, markets: tuple[MarketSettings, ...]
) -> Iterator[tuple[str, int]]:
    """What is set for all markets, and for those that have their own."""
    yield f"oracle.{field}", getattr(oracle, field)
    for index, market in enumerate(markets):
        own = getattr(market, field)
        if own is not None:
            yield f"markets[{index}].{field}", own


def _stall(oracle: OracleSettings, exchange: ExchangeSettings) -> Iterator[Contradiction]:
    if oracle.stall_blocks > exchange.push_age_blocks_max:
        yield (
            "oracle.stall_blocks",
            (
                f"{oracle.stall_blocks} is more than exchange.push_age_blocks_max"
                f" {exchange.push_age_blocks_max}: prices between the two are too old to push and"
                " would not be called a stall"
            ),
        )


def _deviations(
    oracle: OracleSettings, markets: tuple[MarketSettings, ...], exchange: ExchangeSettings
) -> Iterator[Contradiction]:
    fee = exchange.open_fee_bps + exchange.close_fee_bps
    bands = [*_everywhere("deviation_bps", oracle, markets)]
    bands.append(("oracle.thin_deviation_bps", oracle.thin_deviation_bps))
    for key, deviation_bps in bands:
        if deviation_bps >= fee:
            yield (
                key,
                (
                    f"{deviation_bps} is not below a round trip's fee of {fee} bps:"
                    " trading against the band would pay"
                ),
            )


def _quiet(oracle: OracleSettings) -> Iterator[Contradiction]:
    if oracle.quiet_blocks > oracle.stall_blocks:
        stall = f"oracle.stall_blocks {oracle.stall_blocks}"
        yield "oracle.quiet_blocks", f"{oracle.quiet_blocks} is more than {stall}: nobody would ask"
    if oracle.buried_blocks is not None and oracle.buried_blocks >= oracle.stall_blocks:
        stall = f"oracle.stall_blocks {oracle.stall_blocks}"
        yield (
            "oracle.buried_blocks",
            f"{oracle.buried_blocks} is not below {stall}",
        )


def _tiers(warnings: WarningsSettings, exchange: ExchangeSettings) -> Iterator[Contradiction]:
    tiers = warnings.tiers_bps or ()
    if any(upper <= lower for upper, lower in pairwise(tiers)):
        yield "warnings.tiers_bps", "must descend strictly, the earliest warning first"
    if tiers and tiers[-1] != exchange.maintenance_bps:
        yield (
            "warnings.tiers_bps",
            f"the last tier {tiers[-1]} is not exchange.maintenance_bps {exchange.maintenance_bps}",
        )
    severities = warnings.tier_severities
    if tiers and severities is not None and len(severities) != len(tiers):
        yield (
            "warnings.tier_severities",
            f"has {len(severities)} for {len(tiers)} tiers in warnings.tiers_bps",
        )
    if warnings.reorg_blocks > warnings.log_blocks_max:
        yield "warnings.reorg_blocks", "is more than warnings.log_blocks_max"


def _gas_share(liquidation: LiquidationSettings) -> Iterator[Contradiction]:
    """A plan without room for one position would defer all of them, block after block."""
    share = liquidation.block_gas_limit * liquidation.gas_share_bps // BPS_ONE
    needed = GasModel(**liquidation.gas.model_dump()).limit(ids=1)
    if share < needed:
        yield (
            "liquidation.gas_share_bps",
            (
                f"{liquidation.gas_share_bps} bps of {liquidation.block_gas_limit} are {share} gas,"
                f" and one liquidation needs {needed}: nothing would be liquidated"
            ),
        )


def _markets(markets: tuple[MarketSettings, ...]) -> Iterator[Contradiction]:
    for field in ("netuid", "symbol"):
        seen: dict[object, int] = {}
        for index, market in enumerate(markets):
            value = getattr(market, field)
            if value in seen:
                yield f"markets[{index}].{field}", f"{value} is also markets[{seen[value]}]"
            seen.setdefault(value, index)
    if not any(market.enabled for market in markets):
        yield "markets", "not one is enabled"


def _lockstep(
    lockstep: LockstepSettings, network: NetworkSettings, evm: EvmSettings
) -> Iterator[Contradiction]:
    if lockstep.url is None:
        return
    if network.kind is not NetworkKind.DEVNET:
        yield "lockstep.url", f"only a devnet runs in lock-step, network.kind is {network.kind}"
    if not is_loopback(lockstep.url):
        yield "lockstep.url", "must be on this machine"
    if not all(node.url is not None and is_loopback(node.url) for node in evm.endpoints):
        yield "lockstep.url", "the nodes in evm.endpoints must be on this machine too"


def _chain(network: NetworkSettings) -> Iterator[Contradiction]:
    if network.kind is NetworkKind.MAINNET and network.chain_id != MAINNET_CHAIN_ID:
        yield "network.chain_id", f"mainnet is {MAINNET_CHAIN_ID}, not {network.chain_id}"


def _reconnects(subtensor: SubtensorSettings) -> Iterator[Contradiction]:
    if subtensor.reconnect_s_min > subtensor.reconnect_s_max:
        yield "subtensor.reconnect_s_min", "is longer than subtensor.reconnect_s_max"


def _agreement_of(section: str) -> Callable[[Witnesses], Iterator[Contradiction]]:
    def agreement(asked: Witnesses) -> Iterator[Contradiction]:
        names, needed, operators = asked.names, asked.agreement, asked.operators
        for index, name in enumerate(names):
            if name in names[:index]:
                key = f"{section}.endpoints[{index}].operator"
                yield key, f"{name!r} is what another is called"
        yield from _two_operators_at_one_address(section, asked)
        if needed is not None and needed > operators:
            had = f"{section}.endpoints has {operators} different operators"
            yield f"{section}.agreement", f"{needed} must agree and {had}"
        elif needed is not None and 2 * needed <= operators:
            text = f"{needed} is not more than half of {operators} operators"
            yield f"{section}.agreement", f"{text}: two answers could both be agreed on"

    return agreement


def _two_operators_at_one_address(section: str, asked: Witnesses) -> Iterator[Contradiction]:
    """They would be two witnesses, and are one node."""
    operators: dict[str, str] = {}
    for index, endpoint in enumerate(asked.endpoints):
        address = (endpoint.url or "").rstrip("/").lower()
        other = operators.setdefault(address, endpoint.operator)
        if address and other != endpoint.operator:
            yield f"{section}.endpoints[{index}].url", f"is the address that {other!r} has"


def _lags(evm: EvmSettings) -> Iterator[Contradiction]:
    if evm.lag_blocks_max >= evm.sync_blocks_max:
        yield "evm.lag_blocks_max", f"is not below evm.sync_blocks_max {evm.sync_blocks_max}"


def _horizon(
    liquidation: LiquidationSettings, warnings: WarningsSettings, evm: EvmSettings
) -> Iterator[Contradiction]:
    reaches = {
        "liquidation.rebuild_gap_blocks": liquidation.rebuild_gap_blocks,
        "warnings.log_blocks_max": warnings.log_blocks_max,
    }
    for key, blocks in reaches.items():
        if blocks > evm.log_horizon_blocks:
            horizon = f"evm.log_horizon_blocks {evm.log_horizon_blocks}"
            yield key, f"{blocks} is beyond {horizon}: logs from there may come back empty"


def _fees(transactions: TransactionSettings) -> Iterator[Contradiction]:
    bumped = transactions.fee_floor_gwei * (100 + transactions.bump_percent)
    if bumped > 100 * transactions.fee_ceiling_gwei:
        yield (
            "transactions.fee_floor_gwei",
            "raised once by transactions.bump_percent is above transactions.fee_ceiling_gwei",
        )


def _backoff(runtime: RuntimeSettings) -> Iterator[Contradiction]:
    if runtime.backoff_s_min > runtime.backoff_s_max:
        yield "runtime.backoff_s_min", "is longer than runtime.backoff_s_max"


def _keys(keys: KeysSettings) -> Iterator[Contradiction]:
    owners: dict[str, Workload] = {}
    for workload in Workload:
        key = keys.of(workload)
        if key is None:
            continue
        place = key.place
        if place in owners:
            yield (
                f"keys.{workload}",
                f"{place} is also the key of {owners[place]}: one key, one job",
            )
        owners.setdefault(place, workload)


_RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Contradiction]]], ...] = (
    (("network",), _chain),
    (("markets",), _markets),
    (("oracle", "markets", "exchange"), _heartbeats),
    (("oracle", "exchange"), _stall),
    (("oracle",), _quiet),
    (("oracle", "markets", "exchange"), _deviations),
    (("warnings", "exchange"), _tiers),
    (("lockstep", "network", "evm"), _lockstep),
    (("subtensor",), _reconnects),
    (("subtensor",), _agreement_of("subtensor")),
    (("evm",), _agreement_of("evm")),
    (("evm",), _lags),
    (("liquidation",), _gas_share),
    (("liquidation", "warnings", "evm"), _horizon),
    (("transactions",), _fees),
    (("runtime",), _backoff),
    (("keys",), _keys),
)


def contradictions(sections: Mapping[str, Any]) -> tuple[Contradiction, ...]:
    """Applies every rule whose sections are all there.

    Args:
        sections: the sections that could be read, by name.
    """
    return tuple(
        found
        for names, rule in _RULES
        if all(name in sections for name in names)
        for found in rule(*(sections[name] for name in names))
    )
