"""What one step came to, as the few fields of its canonical log line. Pure."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from fleet.transactions.request import Mined, Settled
from fleet.wiring.bots import SettledOutcomes
from keepers.funding.keeper import FundingOutcome, FundingUnread, NotYetDue
from keepers.liquidation.keeper import LiquidationsHeld, LiquidationsSubmitted
from keepers.submission import NotSent, Sent
from keepers.warnings.keeper import WarningsOutcome
from oracle.feeder import FeedOutcome
from oracle.feeder import NotSent as FeedNotSent
from oracle.feeder import Sent as FeedSent
from oracle.plan import FeedPlan


def line(outcome: object) -> dict[str, Any]:
    """The fields that tell an operator what a step did; an unknown kind is named by its type."""
    for kind, describe in _KINDS.items():
        if isinstance(outcome, kind):
            return describe(outcome)
    return {"outcome": type(outcome).__name__}


def is_quiet(outcome: object) -> bool:
    """Whether a step found nothing to do, which is worth a line only to who looks closely."""
    match outcome:
        case FeedOutcome(plan=FeedPlan(alerts=()), push=None, suspensions=()):
            return True
        case LiquidationsSubmitted(plan=plan, reconciliation=None):
            return not plan.candidates
        case SettledOutcomes(settled=()) | NotYetDue() | FundingOutcome(submission=None):
            return True
        case WarningsOutcome(alerts=(), collected=(), blindness=None):
            return True
        case _:
            return False


def _feed(outcome: FeedOutcome) -> dict[str, Any]:
    plan, push = outcome.plan, outcome.push
    if not isinstance(plan, FeedPlan):
        return {"held": plan.reason}
    found: dict[str, Any] = {
        "head": plan.head.number,
        "source_block": plan.source.number if plan.source else None,
        "decisions": dict(Counter(type(m.decision).__name__.lower() for m in plan.markets)),
    }
    if push is not None:
        publication = push.publication
        found["pushed"] = {str(u.netuid): str(u.price) for u in publication.updates}
        found["liquidations"] = len(publication.liquidations)
        found["risk_unknown"] = push.risk_unknown
        found |= _submission(push.submission)
    if outcome.suspensions:
        found["suspended"] = {s.reason.name.lower(): list(s.netuids) for s in outcome.suspensions}
    return found | ({"alerts": list(plan.alerts)} if plan.alerts else {})


def _liquidations(outcome: LiquidationsSubmitted) -> dict[str, Any]:
    plan = outcome.plan
    return {
        "candidates": len(plan.candidates),
        "in_flight": len(plan.in_flight),
        "deferred": len(plan.deferred),
        "unknown": {reason.value: count for reason, count in plan.unknown.items()},
        "batches": [
            {"positions": len(sent.batch.keys), **_submission(sent.submission)}
            for sent in outcome.batches
        ],
        "reconciliation": type(outcome.reconciliation).__name__ if outcome.reconciliation else None,
    }


def _funding(outcome: FundingOutcome) -> dict[str, Any]:
    plan, submission = outcome.plan, outcome.submission
    found: dict[str, Any] = {
        "due": [market.netuid for market in plan.due],
        "lag_s_max": max((market.lag for market in plan.due), default=0),
        "forfeited_s_max": max((market.forfeited for market in plan.due), default=0),
    }
    return found if submission is None else found | _submission(submission)


def _warnings(outcome: WarningsOutcome) -> dict[str, Any]:
    counts = Counter(alert.severity.value for alert in outcome.alerts)
    return {
        "alerts": dict(counts),
        "collected": len(outcome.collected),
        "blindness": outcome.blindness,
    }


def _settled(settled: Settled) -> dict[str, Any]:
    outcome, request = settled.outcome, settled.request
    found = {"purpose": request.purpose, "tx": settled.tx_hash, "became": type(outcome).__name__}
    if isinstance(outcome, Mined):
        return found | {"block": outcome.block, "gas": outcome.gas_used, "fee_wei": outcome.fee}
    return found | ({"reason": outcome.reason} if hasattr(outcome, "reason") else {})


def _submission(submission: Sent | NotSent | FeedSent | FeedNotSent) -> dict[str, Any]:
    if isinstance(submission, Sent | FeedSent):
        return {"tx": submission.tx_hash}
    return {"not_sent": submission.reason}


_KINDS: dict[type, Callable[[Any], dict[str, Any]]] = {
    FeedOutcome: _feed,
    LiquidationsSubmitted: _liquidations,
    LiquidationsHeld: lambda held: {"held": held.reason},
    FundingOutcome: _funding,
    FundingUnread: lambda unread: {"held": unread.reason},
    NotYetDue: lambda waiting: {"next_due": waiting.next_due},
    WarningsOutcome: _warnings,
    SettledOutcomes: lambda found: {"settled": [_settled(each) for each in found.settled]},
}
