"""The figures of a run: summary.json. Amounts in wei, times in seconds or blocks. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from devnet.demo.summary import tier_name, trades
from devnet.tape_file import iso
from devnet.traders import TradeCounts
from oracle.feed import SuspensionReason
from replay.feedlog import MarketLog
from replay.observer import Observer
from replay.records import VaultRecord
from replay.warned import Warned

_FINDINGS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, beside what was observed.

    `taken_by_arbitrageurs`: what they have more than they put in, 0 where there was none.
    """

    engine: str
    population: str
    words: tuple[str, ...]
    seconds: float
    vault: VaultRecord
    counts: TradeCounts
    arbitrageurs: int
    taken_by_arbitrageurs: int


def summarize(seen: Observer, ended: Ended) -> dict[str, Any]:
    """The content of summary.json."""
    setup = seen.setup
    replay = setup.replay
    return {
        "engine": ended.engine,
        "tape": replay.tape.name,
        "start": iso(replay.tape.time_at(setup.start)),
        "blocks": setup.blocks,
        "tape_holes": [
            {"row": hole.row, "until_block": hole.until, "blocks": hole.blocks}
            for hole in replay.holes
        ],
        "population": ended.population,
        "traders": len(setup.minds),
        "seed": setup.seed,
        "set": list(ended.words),
        "wall_clock_s": round(ended.seconds, 1),
        "trades": trades(ended.counts),
        "positions_opened": seen.opened,
        "feed": _feed(seen),
        "gas": _gas(seen),
        "liquidations": _liquidations(seen),
        "bad_debt": _bad_debt(seen),
        "penalties": _penalties(seen),
        "arbitrageurs": {
            "count": ended.arbitrageurs,
            "took_wei": ended.taken_by_arbitrageurs,
        },
        "warnings": _warnings(seen.warned),
        "funding": _funding(seen),
        "vault": _vault(seen, ended.vault),
        "duties_neglected": {
            duty.value: lines[:_FINDINGS_MAX]
            for duty, lines in seen.feed.duties.neglected.items()
            if lines
        },
    }


def _feed(seen: Observer) -> dict[str, Any]:
    logs = seen.feed.markets
    symbols = {market.netuid: market.symbol for market in seen.setup.settings.markets}
    blocks = sum(log.blocks for log in logs.values())
    total = sum(log.error_sum for log in logs.values())
    return {
        "pushes": sum(log.pushes for log in logs.values()),
        **_error(blocks, total, max(log.error_max for log in logs.values())),
        "suspensions": {
            SuspensionReason(reason).name.lower(): count
            for reason, count in sorted(seen.feed.suspensions.items())
        },
        "markets": {
            str(netuid): {"symbol": symbols[netuid], **_market(log)} for netuid, log in logs.items()
        },
    }


def _market(log: MarketLog) -> dict[str, Any]:
    return {
        "pushes": log.pushes,
        **_error(log.blocks, log.error_sum, log.error_max),
        "blocks_suspended": log.blocks_suspended,
        "suspensions": len(log.spans),
    }


def _error(blocks: int, total: float, most: float) -> dict[str, float | None]:
    """Of so many open blocks; none of a market that never was open."""
    return {
        "tracking_error_bps_mean": round(total / blocks, 3) if blocks else None,
        "tracking_error_bps_max": round(most, 1) if blocks else None,
    }


def _gas(seen: Observer) -> dict[str, Any]:
    kinds = {work.value: asdict(gas) for work, gas in seen.gas.items()}
    return {
        "transactions": sum(gas.transactions for gas in seen.gas.values()),
        "gas": sum(gas.gas for gas in seen.gas.values()),
        "fees_wei": sum(gas.fees for gas in seen.gas.values()),
        "by_work": kinds,
    }


def _liquidations(seen: Observer) -> dict[str, Any]:
    verdict = seen.fallen.verdict
    return {
        "count": verdict.liquidations,
        "late_blocks": _histogram(verdict.late_blocks),
        "late_blocks_without_suspension": _histogram(verdict.late_blocks_unsuspended),
        "late_blocks_mean": _mean(verdict.late_blocks),
        "healthy_touched": len(verdict.healthy_touched),
        "wrong_amounts": verdict.wrong_amounts[:_FINDINGS_MAX],
    }


def _bad_debt(seen: Observer) -> dict[str, Any]:
    verdict = seen.fallen.verdict
    split = verdict.bad_debt
    known = split.avoidable + split.by_guard + split.by_band
    return {
        "wei": verdict.bad_debt_wei,
        "avoidable_wei": split.avoidable,
        "by_guard_wei": split.by_guard,
        "by_band_wei": split.by_band,
        "unavoidable_wei": verdict.bad_debt_wei - known,
    }


def _penalties(seen: Observer) -> dict[str, int]:
    falls = seen.fallen.falls
    keeper = sum(fall.keeper_share for fall in falls)
    return {
        "keeper_wei": keeper,
        "insurance_wei": sum(fall.penalty for fall in falls) - keeper,
    }


def _warnings(warned: Warned) -> dict[str, Any]:
    leads = [lead for lead in warned.leads if lead is not None]
    return {
        "by_tier": {
            tier_name(tier): count for tier, count in sorted(warned.by_tier.items(), reverse=True)
        },
        "liquidated_after_a_warning": len(leads),
        "liquidated_without_one": len(warned.leads) - len(leads),
        "lead_blocks_median": median(leads) if leads else None,
        "lead_blocks_min": min(leads, default=None),
    }


def _funding(seen: Observer) -> dict[str, Any]:
    return {
        "accruals": seen.funding.accruals,
        "lag_s_max": max(seen.funding.lag_max.values(), default=0),
    }


def _vault(seen: Observer, vault: VaultRecord) -> dict[str, Any]:
    beta = seen.setup.beta
    return {
        **{f"{name}_wei": value for name, value in asdict(vault).items()},
        "loss_wei": beta.reserves - vault.reserves,
        "insurance_loss_wei": beta.insurance - vault.insurance,
    }


def _histogram(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(blocks): count for blocks, count in sorted(counts.items())}


def _mean(counts: Counter[int]) -> float | None:
    total = counts.total()
    return round(sum(n * count for n, count in counts.items()) / total, 3) if total else None
