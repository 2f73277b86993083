"""What one step came to, as the few fields of its canonical log line. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any, assert_never

from fleet.telemetry.notify import Round
from fleet.transactions.request import Expired, Final, Included, Reverted, Settled
from fleet.wiring.memory import Tidied
from fleet.wiring.settling import SettledOutcomes
from keepers.funding.keeper import FundingOutcome, FundingUnread, NotYetDue
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.keeper import LiquidationsHeld, LiquidationsSubmitted
from keepers.liquidation.outcomes import LiquidationCallFailed, LiquidationSkipped
from keepers.liquidation.positions import PositionLiquidated
from keepers.liquidation.reconciliation import Mismatched, PageReconciled, Reconciled
from keepers.liquidation.upkeep import BookKept, Reconciliation
from keepers.submission import NotSent, Sent
from keepers.warnings.keeper import WarningsOutcome
from oracle.feeder import FeedOutcome, Suspended
from oracle.plan import FeedPlan
from oracle.ports import NotSent as FeedNotSent
from oracle.ports import Sent as FeedSent
from protocol.events import liquidation_event


def line(outcome: object) -> dict[str, Any]:
    """The fields that tell an operator what a step did; an unknown kind is named by its type."""
    for kind, describe in _KINDS.items():
        if isinstance(outcome, kind):
            return describe(outcome)
    return {"outcome": type(outcome).__name__}


def is_quiet(outcome: object) -> bool:
    """Whether a step found nothing to do, which is worth a line only to who looks closely.

    What it may complain of beside that is `complaints`: news only when it changes.
    """
    match outcome:
        case LiquidationsSubmitted(plan=plan, reconciliation=None | PageReconciled()):
            return not plan.candidates
        case SettledOutcomes(included=(), settled=(), stopped=stopped):
            return not stopped
        case Round(delivered=delivered, failed=failed):
            return not any((*delivered.values(), *failed.values()))
        case (
            FeedOutcome(plan=FeedPlan(), push=None, suspensions=())
            | NotYetDue()
            | FundingOutcome(submission=None)
            | WarningsOutcome(alerts=(), collected=(), blindness=None)
            | BookKept(reconciliation=None | PageReconciled())
            | Tidied(messages=0, transactions=0, decisions=0, quotes=0)
            | None
        ):
            return True
        case _:
            return False


def complaints(outcome: object) -> tuple[str, ...] | None:
    """What lasts until somebody acts, as a step tells it every time; None: it could not look."""
    match outcome:
        case FeedOutcome(plan=FeedPlan(alerts=alerts)):
            return alerts
        case _:
            return None


def _feed(outcome: FeedOutcome) -> dict[str, Any]:
    plan, push = outcome.plan, outcome.push
    if not isinstance(plan, FeedPlan):
        return {"held": plan.reason}
    found: dict[str, Any] = {
        "head": plan.head.number,
        "source_block": plan.source.number if plan.source else None,
        "decisions": dict(Counter(type(m.decision).__name__.lower() for m in plan.markets)),
    }
    thin = [market.netuid for market in plan.markets if market.is_thin]
    if thin:
        found["thin"] = thin
    if push is not None:
        publication = push.publication
        found["pushed"] = {str(u.netuid): str(u.price) for u in publication.updates}
        found["liquidations"] = len(publication.liquidations)
        found["risk_unknown"] = push.risk_unknown
        found |= _submission(push.submission)
    if outcome.suspensions:
        found |= _suspensions(outcome.suspensions)
    return found | ({"alerts": list(plan.alerts)} if plan.alerts else {})


def _suspensions(suspensions: Sequence[Suspended]) -> dict[str, Any]:
    said = (each.submission for each in suspensions)
    refused = [each.reason for each in said if isinstance(each, FeedNotSent)]
    asked = {each.reason.name.lower(): list(each.netuids) for each in suspensions}
    return {"suspended": asked} | ({"not_suspended": "; ".join(refused)} if refused else {})


def _liquidations(outcome: LiquidationsSubmitted) -> dict[str, Any]:
    plan = outcome.plan
    return {
        "candidates": len(plan.candidates),
        "in_flight": len(plan.in_flight),
        "deferred": len(plan.deferred),
        "waiting": len(plan.waiting),
        "unknown": {reason.value: count for reason, count in plan.unknown.items()},
        "batches": [
            {"positions": len(sent.batch.keys), **_submission(sent.submission)}
            for sent in outcome.batches
        ],
        **_reconciliation(outcome.reconciliation),
    }


def _book(outcome: BookKept) -> dict[str, Any]:
    return {"positions": outcome.positions, **_reconciliation(outcome.reconciliation)}


def _reconciliation(found: Reconciliation | None) -> dict[str, Any]:
    """A mismatch in full length would fill a page: how much differs, and the first of it."""
    match found:
        case Mismatched(differences=differences):
            return {
                "reconciliation": "different",
                "differences": len(differences),
                "first_difference": differences[0],
            }
        case Unreadable(reason=reason):
            return {"reconciliation": "unread", "unread": reason}
        case Reconciled():
            return {"reconciliation": "equal"}
        case PageReconciled(compared=compared, of=of):
            return {"reconciliation": "equal so far", "compared": compared, "of": of}
        case None:
            return {}
        case never:
            assert_never(never)


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


def settled_line(settled: Settled) -> dict[str, Any]:
    """What became of one transaction."""
    outcome, request = settled.outcome, settled.request
    found: dict[str, Any] = {"purpose": request.purpose, "tx": settled.tx_hash}
    found["became"] = type(outcome).__name__
    if isinstance(outcome, Final | Reverted):
        found |= {"block": outcome.block, "gas": outcome.gas_used, "fee_wei": outcome.fee}
    if isinstance(outcome, Final):
        found |= _liquidation_outcomes(outcome)
    if isinstance(outcome, Reverted | Expired):
        found["reason"] = outcome.reason
    return found


def _stopped(found: SettledOutcomes) -> dict[str, Any]:
    """Lanes that wait for an operator are told with every block, until somebody has looked."""
    stopped = {lane.name.lower(): why for lane, why in found.stopped.items()}
    return {"stopped": stopped} if stopped else {}


def news_line(news: Included | Settled) -> dict[str, Any]:
    """What is known of one transaction, final or not."""
    if isinstance(news, Settled):
        return settled_line(news)
    found = {"purpose": news.request.purpose, "tx": news.tx_hash, "block": news.block}
    return found | {"became": "Included" if news.succeeded else "Included, reverted"}


def _liquidation_outcomes(mined: Final) -> dict[str, Any]:
    """Each position's outcome, liquidated or left and why; nothing where none was asked for."""
    liquidated: list[str] = []
    left: dict[str, list[str]] = defaultdict(list)
    found: dict[str, Any] = {}
    for event in map(liquidation_event, mined.logs):
        match event:
            case PositionLiquidated(key=key):
                liquidated.append(f"0x{key.id.hex()}-{key.sequence}")
            case LiquidationSkipped(id=position_id, reason=reason):
                left[reason.value].append(f"0x{position_id.hex()}")
            case LiquidationCallFailed(detail=detail):
                found["call_failed"] = detail
            case None:
                continue
    found |= {"liquidated": liquidated} if liquidated else {}
    return found | ({"left": dict(left)} if left else {})


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
    BookKept: _book,
    Unreadable: lambda unreadable: {"held": unreadable.reason},
    Round: lambda done: {
        "delivered": dict(done.delivered),
        "failed": dict(done.failed),
        "still_open": done.still_open,
    },
    NoneType: lambda _: {},
    Tidied: lambda tidied: {
        "messages": tidied.messages,
        "transactions": tidied.transactions,
        "decisions": tidied.decisions,
        "quotes": tidied.quotes,
    },
    SettledOutcomes: lambda found: {
        "included": [news_line(each) for each in found.included],
        "settled": [settled_line(each) for each in found.settled],
        **_stopped(found),
    },
}
