"""What came of a drill: summary.json, and whether it was a success. Pure.

A drill has failed when a position was left alone, a healthy one touched, one liquidated later than
its rank explains, an invariant broken or never checked, or a duty neglected. Everything else is
reported and judged by the reader.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devnet.audit.duties import Duty
from devnet.audit.invariants import Invariant
from devnet.audit.ledger import name_of
from devnet.audit.watch import Audit
from devnet.demo.webhook import Inbox
from devnet.parameters import MARKETS
from devnet.tape import Hole
from devnet.traders import TradeCounts
from units import BPS_ONE, Netuid

_FINDINGS_EACH_MAX = 20

_TRADED = {
    "traded_better_than_source_wei": "at a price better than the source's by more than the band",
    "traded_while_suspended_wei": "in a market that was suspended",
}
"""What must be nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What was drilled, for the head of the summary.

    `seconds` is wall-clock time, `warnings_collected` what the fleet has put aside for digests.
    """

    tape: str
    start: str
    hours: int
    blocks: int
    holes: tuple[Hole, ...]
    traders: int
    seed: int
    seconds: float
    warnings_collected: int


def summarize(drill: Drill, audit: Audit, inbox: Inbox, counts: TradeCounts) -> dict[str, Any]:
    """The content of summary.json."""
    verdict, below = audit.referee.verdict, audit.referee.below
    record = audit.auditor.record
    return {
        "tape": drill.tape,
        "start": drill.start,
        "hours": drill.hours,
        "blocks": drill.blocks,
        "tape_holes": [
            {"row": hole.row, "until_block": hole.until, "blocks": hole.blocks}
            for hole in drill.holes
        ],
        "seed": drill.seed,
        "wall_clock_s": round(drill.seconds, 1),
        "traders": {"count": drill.traders, **trades(counts)},
        "positions_opened": len(audit.referee.ledger.opened_in),
        "markets": {str(netuid): _market(audit, netuid) for netuid in audit.referee.ledger.markets},
        "alerts": _alerts(inbox, drill.warnings_collected),
        "liquidations": verdict.liquidations,
        "liquidations_driven_by_funding": verdict.driven_by_funding,
        "penalties_wei": verdict.penalties_wei,
        "bad_debt_wei": verdict.bad_debt_wei,
        "bad_debt_avoidable_wei": verdict.bad_debt.avoidable,
        "bad_debt_by_guard_wei": verdict.bad_debt.by_guard,
        "bad_debt_by_band_wei": verdict.bad_debt.by_band,
        "traded_wei": audit.referee.trades.value,
        "traded_better_than_source_wei": audit.referee.trades.better,
        "traded_while_suspended_wei": audit.referee.trades.held,
        "shocks_held_blocks": _histogram(audit.referee.feed.holds.shocks),
        "returned_held_blocks": _histogram(audit.referee.feed.holds.returned),
        "held_to_suspended_blocks": _histogram(audit.referee.feed.holds.closed_after),
        "left_alone": len(below.left_alone),
        "healthy_touched": len(verdict.healthy_touched),
        "later_than_ranked": len(verdict.later_than_ranked),
        "late_blocks": _histogram(verdict.late_blocks),
        "late_blocks_without_suspension": _histogram(verdict.late_blocks_unsuspended),
        "source_to_liquidation_blocks": _histogram(verdict.source_blocks),
        "first_source_to_liquidation_blocks": _histogram(verdict.first_source_blocks),
        "funding_lag_s_max": verdict.funding_lag_s_max,
        "fleet_transactions": audit.referee.transactions_by_fleet,
        "invariants": {invariant.value: record.holds(invariant) for invariant in Invariant},
        "duties": {duty.value: audit.referee.duties.is_done(duty) for duty in Duty},
        "findings": list(_findings(audit)),
    }


def failures(summary: Mapping[str, Any]) -> list[str]:
    """Why the drill has failed; empty when it has not."""
    broken = [name for name, holds in summary["invariants"].items() if not holds]
    found = [f"invariant broken or unchecked: {', '.join(broken)}"] if broken else []
    if summary["left_alone"]:
        found.append(f"{summary['left_alone']} positions left alone")
    if summary["healthy_touched"]:
        found.append(f"{summary['healthy_touched']} healthy positions touched")
    if summary["later_than_ranked"]:
        found.append(f"{summary['later_than_ranked']} liquidated later than their rank explains")
    if summary["bad_debt_avoidable_wei"]:
        found.append(f"{summary['bad_debt_avoidable_wei']} wei of bad debt were avoidable")
    for key, said in _TRADED.items():
        if summary[key]:
            found.append(f"{summary[key]} wei were traded {said}")
    neglected = [name for name, is_done in summary["duties"].items() if not is_done]
    if neglected:
        found.append(f"duty neglected: {', '.join(neglected)}")
    return found


def _market(audit: Audit, netuid: Netuid) -> dict[str, Any]:
    books, verdict = audit.referee.ledger.markets[netuid], audit.referee.verdict
    return {
        "symbol": MARKETS[netuid],
        "pushes": books.pushes,
        "gap_bps_max": verdict.gap_bps_max.get(netuid),
        "gap_bps_max_while_suspended": verdict.gap_bps_max_suspended.get(netuid),
        "accruals": audit.referee.accruals_by_fleet[netuid],
        "suspensions": books.suspensions,
        "is_suspended_at_the_end": books.suspended_at > 0,
    }


def _alerts(inbox: Inbox, collected: int) -> dict[str, Any]:
    return {
        "by_deepest_tier": {
            tier_name(tier): count for tier, count in sorted(inbox.falls.items(), reverse=True)
        },
        "waiting_for_the_next_digest": collected - inbox.digested,
        "by_severity": dict(sorted(inbox.severities.items())),
        "deliveries": inbox.deliveries,
        "unreadable": inbox.unreadable,
    }


def trades(counts: TradeCounts) -> dict[str, Any]:
    """What became of the traders' wishes."""
    return {
        "succeeded": dict(sorted(counts.succeeded.items())),
        "reverted": dict(sorted(counts.reverted.items())),
        "declined_before_sending": dict(sorted(counts.declined.items())),
        "rejected_by_the_node": dict(sorted(counts.rejected.items())),
    }


def _findings(audit: Audit) -> Iterator[str]:
    """Every single thing that was wrong, for whoever has to find out why."""
    for key, block in audit.referee.below.left_alone.items():
        yield f"left alone at block {block}: {name_of(key)}"
    yield from audit.referee.verdict.healthy_touched
    yield from audit.referee.verdict.later_than_ranked[:_FINDINGS_EACH_MAX]
    for invariant, breach in audit.auditor.record.breaches.items():
        yield f"{invariant.value}: {breach}"
    for duty, times in audit.referee.duties.neglected.items():
        yield from (f"{duty.value}: {what}" for what in times[:_FINDINGS_EACH_MAX])
        if len(times) > _FINDINGS_EACH_MAX:
            yield f"{duty.value}: {len(times) - _FINDINGS_EACH_MAX} times more"


def _histogram(counts: Counter[int]) -> dict[str, int]:
    return {str(blocks): count for blocks, count in sorted(counts.items())}


def tier_name(tier_bps: int) -> str:
    """2500 as "25%"."""
    return f"{100 * tier_bps / BPS_ONE:g}%"
