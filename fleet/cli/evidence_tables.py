"""A decision to liquidate, and what came of it, as lines and rows that people read. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_never

from fleet.cli.position_tables import position_text
from fleet.cli.words import fixed, percent, price_text, tao
from fleet.settings import Settings
from fleet.transactions.attempt import Ending, State
from fleet.wiring.evidence import Explanation
from fleet.wiring.facts import Unread
from keepers.liquidation.margin import ratio_bps
from keepers.liquidation.outcomes import Liquidated, LiquidationOutcome, NotAttempted, Skipped
from keepers.liquidation.records import LiquidationRecord
from keepers.liquidation.reports import Report
from keepers.liquidation.selection import Candidate
from units import Netuid, Timestamp

JUDGED_COLUMNS = (
    "position",
    "market",
    "side",
    "size",
    "margin",
    "entry",
    "price",
    "margin left",
    "ratio",
)
ATTEMPT_COLUMNS = ("transaction", "carries", "offered gwei", "signed at block")
_RAO_DIGITS = 9


def heading(found: Explanation) -> str:
    """When, by whom and by which rule."""
    by, when = found.decided_by, _utc(found.decided_at)
    if isinstance(found.record, Unread):
        return f"decided by {by}, {when}"
    grounds = found.record.judgement.grounds
    return (
        f"decided at block {grounds.head.number} ({when}) by {by}: {found.record.rule};"
        f" positions as of block {grounds.book.number}, to land at {_utc(grounds.lands_at)}"
    )


def price_lines(record: LiquidationRecord, only: bytes | None, settings: Settings) -> Iterator[str]:
    """A line a market: the price and index that its positions were judged at, and from where."""
    told: set[Netuid] = set()
    for candidate in _chosen(record, only):
        netuid = candidate.position.netuid
        if netuid not in told:
            told.add(netuid)
            yield f"  {settings.symbol(netuid)}: {_price(record, candidate)}"


def judged_rows(
    record: LiquidationRecord, only: bytes | None, settings: Settings
) -> Iterator[tuple[str, ...]]:
    """A row a position, as in JUDGED_COLUMNS."""
    for candidate in _chosen(record, only):
        position = candidate.position
        yield (
            position_text(position.key),
            settings.symbol(position.netuid),
            "long" if position.is_long else "short",
            tao(position.size),
            tao(position.margin),
            price_text(position.entry_price),
            price_text(candidate.price),
            _rao(candidate.remaining),
            percent(ratio_bps(position, candidate.remaining)),
        )


def outcome_lines(
    found: Explanation, record: LiquidationRecord, only: bytes | None
) -> Iterator[str]:
    """A line a position: what became of it."""
    outcomes = {result.key: result.outcome for result in found.results()}
    for candidate in _chosen(record, only):
        key, trader = candidate.position.key, candidate.position.trader
        yield f"{position_text(key)} of {trader}: {outcome_text(outcomes.get(key))}"


def attempt_rows(found: Explanation) -> Iterator[tuple[str, ...]]:
    """A row for every set of bytes that was signed, as in ATTEMPT_COLUMNS."""
    for each in found.attempts:
        carries = "the liquidation" if each.kind == "payload" else "nothing: gives it up"
        offered = fixed(each.fee.max_fee, decimals=9, shown=2)
        yield each.tx_hash, carries, offered, str(each.block)


def state_line(found: Explanation) -> str:
    """How far the transaction has come."""
    mined = found.inclusion
    if found.state is State.RELEASED:
        return "it was not sent: no node took it"
    if found.ending is Ending.SUPERSEDED:
        return f"nonce {found.nonce} was used by a transaction from elsewhere"
    if mined is None:
        return f"it is in no block yet ({found.state})"
    if found.ending is None:
        return f"{mined.tx_hash} is in block {mined.block}, which is not final yet"
    return f"{mined.tx_hash} is final in block {mined.block}: {_end(found)}"


def outcome_text(outcome: LiquidationOutcome | None) -> str:
    """What became of one position."""
    match outcome:
        case None:
            return "not known yet"
        case Liquidated(event=event):
            left = f"{_rao(event.remaining)} left at {price_text(event.price)}"
            taken = f"penalty {_rao(event.penalty)}, keeper {_rao(event.keeper_share)}"
            return f"liquidated: {left}, {taken}, bad debt {_rao(event.bad_debt)}"
        case Skipped(reason=reason):
            return f"left: {reason.value}"
        case NotAttempted(detail=detail):
            return f"not attempted: {detail}"
        case never:
            assert_never(never)


def _end(found: Explanation) -> str:
    report = found.report
    if report is None:
        return f"{found.ending}"
    if isinstance(report, Unread):
        return f"{found.ending}, and its report cannot be read: {report.reason}"
    return report.lost or _cost(report)


def _cost(report: Report) -> str:
    fee = 0 if report.fee is None else report.fee
    return f"succeeded, {report.gas_used} gas, {tao(fee)} TAO"


def _price(record: LiquidationRecord, candidate: Candidate) -> str:
    netuid = candidate.position.netuid
    market, origin = record.judgement.grounds.markets.get(netuid), record.origins.get(netuid)
    if origin is not None:
        source = f"pushed with it, read at Subtensor block {origin.block}"
    elif netuid in record.judgement.grounds.pushed or market is None:
        source = "of an unknown block"
    else:
        source = f"in the feed, of Subtensor block {market.feed.source_block}"
    maintenance = "–" if market is None else percent(market.parameters.maintenance)
    index = fixed(candidate.index, decimals=18, shown=_RAO_DIGITS)
    return (
        f"price {price_text(candidate.price)}, {source};"
        f" funding index {index}; maintenance {maintenance}"
    )


def _chosen(record: LiquidationRecord, only: bytes | None) -> Iterator[Candidate]:
    for candidate in record.judgement.candidates:
        if only is None or candidate.position.key.id == only:
            yield candidate


def _rao(amount: int) -> str:
    """Wei as TAO to the RAO: a small margin is what it is about."""
    return fixed(amount, decimals=18, shown=_RAO_DIGITS)


def _utc(time: Timestamp) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
