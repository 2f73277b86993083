"""One block against everything the warnings remember: what changes, and what people are told.

Every change of a block is one value, so that it can be stored in one transaction together with
the alerts it raises. What is not known moves nothing: an unknown position neither recovers nor
leaves, and a block that could not be read does not count as processed. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.positions import BlockEvents, PositionKey, PositionLiquidated
from keepers.warnings.alerts import (
    Alert,
    DigestEntry,
    Severity,
    blocks_missed_alert,
    book_unknown_alert,
    digest_alert,
    fall_alert,
    liquidation_alert,
    market_unknown_alert,
)
from keepers.warnings.observer import Observer
from keepers.warnings.outlook import UNKNOWN, Outlook, Volatility, outlook
from keepers.warnings.survey import Survey
from keepers.warnings.tiers import WarningPolicy, Watch
from units import BlockNumber, Head, Netuid


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownWatch:
    """Since which block risk is unknown, and whether people were told."""

    since: BlockNumber
    is_alerted: bool = False


Unknowns = Mapping[Netuid | None, UnknownWatch]
"""By market; None stands for the whole book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningState:
    """All that the warnings remember. `head` is the last block processed; None at first.

    `departed` are watched positions that are no longer open, and the block that showed it: a
    reorganisation may bring them back, and what was told of them must be known then.
    """

    head: Head | None = None
    watches: dict[PositionKey, Watch] = field(default_factory=dict)
    departed: Mapping[PositionKey, BlockNumber] = field(default_factory=dict)
    unknowns: Unknowns = field(default_factory=dict)
    digest: tuple[DigestEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningChange:
    """What one block changes, to be stored as a whole or not at all.

    Attributes:
        head: The last block processed after it; None when none ever was.
        watches: Positions whose watch is new or moved.
        departed: Replaces what was there; need not be stored, a restart only waits anew.
        gone: Positions to forget: no longer open, and no reorganisation brings them back.
        unknowns: Replaces what was there.
        is_digest_sent: Whether the entries collected so far went into one of `alerts`.
        collected: Alerts that wait for the next digest.
        alerts: To tell people now.
    """

    head: Head | None
    watches: Mapping[PositionKey, Watch]
    departed: Mapping[PositionKey, BlockNumber]
    gone: frozenset[PositionKey]
    unknowns: Unknowns
    is_digest_sent: bool
    collected: tuple[Alert, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocksRead:
    """The events of the blocks since the last processed one.

    `missed` are the first and last block before them that are out of reach, if any.
    """

    blocks: Sequence[BlockEvents]
    missed: tuple[BlockNumber, BlockNumber] | None = None


def observe_block(
    state: WarningState,
    survey: Survey,
    read: BlocksRead,
    policy: WarningPolicy,
    volatility: Volatility,
) -> WarningChange:
    """What the risks and liquidations of one block change."""
    watches, falls = _falls(state, survey, policy, volatility)
    unknowns, unknown_alerts = _unknown_markets(state, survey, policy)
    digest = _digest(state, survey.head, policy)
    liquidated = _liquidations(read, survey.head, policy)
    raised = (*liquidated, *falls, *unknown_alerts)
    told = tuple(alert for alert in raised if alert.severity is not Severity.DIGEST)
    departed, gone = _departures(state, survey, policy)
    return WarningChange(
        head=survey.head,
        watches=watches,
        departed=departed,
        gone=gone,
        unknowns=unknowns,
        is_digest_sent=bool(digest),
        collected=_not_waiting(state, [a for a in raised if a.severity is Severity.DIGEST]),
        alerts=(*told, *digest),
    )


def _not_waiting(state: WarningState, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Those that do not wait for a digest already; the usual block has none to compare."""
    waiting = {entry.alert_id for entry in state.digest} if alerts else set()
    return tuple(alert for alert in alerts if alert.id not in waiting)


def observe_blindness(
    state: WarningState, head: Head, reason: str, policy: WarningPolicy
) -> WarningChange:
    """At `head` nothing could be read: only the count of blocks without an answer moves on."""
    watch = state.unknowns.get(None, UnknownWatch(since=head.number))
    is_due = _is_due(watch, head, policy)
    severity = policy.book_unknown_severity
    alert = book_unknown_alert(reason, watch.since, severity, head)
    noted = replace(watch, is_alerted=watch.is_alerted or is_due)
    return WarningChange(
        head=state.head,
        watches={},
        departed=state.departed,
        gone=frozenset(),
        unknowns={**state.unknowns, None: noted},
        is_digest_sent=False,
        collected=(),
        alerts=(alert,) if is_due else (),
    )


def applied(state: WarningState, change: WarningChange) -> WarningState:
    """The state after a change. It takes over the watches of the state before, which is no more.

    A million of them are not copied for the few that moved.
    """
    kept = () if change.is_digest_sent else state.digest
    collected = [
        DigestEntry(alert_id=alert.id, line=alert.text, time=alert.time)
        for alert in change.collected
    ]
    for key in change.gone:
        state.watches.pop(key, None)
    state.watches.update(change.watches)
    return WarningState(
        head=change.head,
        watches=state.watches,
        departed=change.departed,
        unknowns=change.unknowns,
        digest=(*kept, *collected) if collected else kept,
    )


def _departures(
    state: WarningState, survey: Survey, policy: WarningPolicy
) -> tuple[dict[PositionKey, BlockNumber], frozenset[PositionKey]]:
    """The watched positions that are not open now: those since when, and those to forget."""
    block = survey.head.number
    since = {key: state.departed.get(key, block) for key in _not_open(state, survey)}
    gone = frozenset(key for key, at in since.items() if block - at >= policy.reorg_blocks)
    return {key: at for key, at in since.items() if key not in gone}, gone


def _not_open(state: WarningState, survey: Survey) -> set[PositionKey]:
    """The watched positions that are not open now."""
    seen = {risk.position.key for risk in survey.risks}
    if survey.closed is None:
        return state.watches.keys() - seen
    closed = {key for key in survey.closed if key in state.watches}
    return (closed | state.departed.keys()) - seen


def _falls(
    state: WarningState, survey: Survey, policy: WarningPolicy, volatility: Volatility
) -> tuple[dict[PositionKey, Watch], list[Alert]]:
    """The watches that moved, and an alert for every fall, in the order of the positions' keys."""
    moved: dict[PositionKey, Watch] = {}
    observer = Observer(survey.head.number, policy)
    alerts: list[tuple[PositionKey, Alert]] = []
    for risk in survey.risks:
        key = risk.position.key
        before = state.watches.get(key)
        after, fall = observer.observed(before, risk.ratio_bps)
        if after is not before and after is not None:
            moved[key] = after
        if fall is not None:
            lasts = _outlook(risk, survey, volatility)
            alerts.append((key, fall_alert(risk, fall, survey.head, lasts)))
    return moved, [alert for _, alert in sorted(alerts, key=itemgetter(0))]


def _outlook(risk: PositionRisk, survey: Survey, volatility: Volatility) -> Outlook:
    netuid = risk.position.netuid
    market = survey.markets.get(netuid)
    return UNKNOWN if market is None else outlook(risk, market, volatility.get(netuid))


def _unknown_markets(
    state: WarningState, survey: Survey, policy: WarningPolicy
) -> tuple[dict[Netuid | None, UnknownWatch], list[Alert]]:
    """Markets with open positions of unknown risk; one whose risk is known again is forgotten."""
    watches: dict[Netuid | None, UnknownWatch] = {}
    alerts: list[Alert] = []
    for netuid, unknown in sorted(survey.unknown.items()):
        watch = state.unknowns.get(netuid, UnknownWatch(since=survey.head.number))
        is_due = _is_due(watch, survey.head, policy)
        watches[netuid] = replace(watch, is_alerted=watch.is_alerted or is_due)
        if is_due:
            alert = market_unknown_alert(
                netuid,
                positions=unknown.positions,
                reason=str(unknown.reason),
                since=watch.since,
                severity=policy.market_unknown_severity,
                head=survey.head,
            )
            alerts.append(alert)
    return watches, alerts


def _is_due(watch: UnknownWatch, head: Head, policy: WarningPolicy) -> bool:
    return not watch.is_alerted and head.number - watch.since >= policy.unknown_blocks


def _liquidations(read: BlocksRead, head: Head, policy: WarningPolicy) -> list[Alert]:
    alerts: list[Alert] = []
    if read.missed is not None:
        alerts.append(blocks_missed_alert(*read.missed, head, policy.blocks_missed_severity))
    severity = policy.liquidation_severity
    for block in read.blocks:
        liquidated = (e for e in block.events if isinstance(e, PositionLiquidated))
        alerts += [liquidation_alert(event, block.number, head, severity) for event in liquidated]
    return alerts


def _digest(state: WarningState, head: Head, policy: WarningPolicy) -> tuple[Alert, ...]:
    """The digest of an interval of chain time, at the first block after it; none when empty."""
    if not state.digest:
        return ()
    window = state.digest[0].time // policy.digest_interval
    if head.time // policy.digest_interval <= window:
        return ()
    return (digest_alert(state.digest, window, policy.digest_lines_max, head),)
