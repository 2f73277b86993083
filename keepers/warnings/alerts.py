"""What people are told: the values, their stable ids and their words.

An id is made only of what names the event (position, tier, episode, block), so that telling the
same event twice, after a crash or a replay, can be recognised by whoever receives it. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from keepers.liquidation.assessment import PositionRisk
from keepers.liquidation.positions import Position, PositionKey, PositionLiquidated
from keepers.warnings.outlook import UNKNOWN, Outlook
from units import ONE, RAO_IN_PRICE_WEI, Address, BlockNumber, Bps, Head, Netuid, Timestamp


class Severity(StrEnum):
    """How an alert reaches people, most urgent first."""

    PAGE = "page"
    NOTIFY = "notify"
    INFORM = "inform"
    DIGEST = "digest"


class AlertKind(StrEnum):
    """What an alert is about."""

    FELL = "fell through a tier"
    FOUND = "found below a tier"
    LIQUIDATED = "liquidated"
    MARKET_UNKNOWN = "risk of a market unknown"
    BOOK_UNKNOWN = "risk of every market unknown"
    BLOCKS_MISSED = "liquidations of some blocks unread"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell people, once.

    Attributes:
        id: The same for the same event, whenever and however often it is noticed.
        tier_bps: The deepest tier reached; None when no tier is concerned.
        skipped_tiers: The tiers fallen through on the way to it, highest first.
        ratio_bps: The margin ratio at `block`, floored; None when unknown.
        title: A few words; `text` is the whole in one line (a digest: one line a position).
    """

    id: str
    kind: AlertKind
    severity: Severity
    block: BlockNumber
    time: Timestamp
    title: str
    text: str
    key: PositionKey | None = None
    trader: Address | None = None
    netuid: Netuid | None = None
    tier_bps: Bps | None = None
    skipped_tiers: tuple[Bps, ...] = ()
    ratio_bps: Bps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestEntry:
    """An alert that waits for the next digest, reduced to what the digest shows."""

    alert_id: str
    line: str
    time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """The tiers a position fell through and was not yet alerted for, deepest last.

    `episode` counts how often the deepest one was armed; `is_found` when the position was below
    it already as it was first seen.
    """

    tiers: tuple[Bps, ...]
    severity: Severity
    episode: int
    is_found: bool

    @property
    def deepest(self) -> Bps:
        """The tier that the alert is named after."""
        return self.tiers[-1]


def fall_alert(risk: PositionRisk, fall: Fall, head: Head, outlook: Outlook = UNKNOWN) -> Alert:
    """One alert for one fall, however many tiers it went through."""
    position = risk.position
    skipped = fall.tiers[:-1]
    how = "was found below" if fall.is_found else "fell below"
    through = f", through {' and '.join(percent(tier) for tier in skipped)}" if skipped else ""
    return Alert(
        id=f"{_name(position.key)}-{fall.deepest}-{fall.episode}",
        kind=AlertKind.FOUND if fall.is_found else AlertKind.FELL,
        severity=fall.severity,
        block=head.number,
        time=head.time,
        title=f"Margin below {percent(fall.deepest)} in market {position.netuid}",
        text=f"{_described(position)} {how} {percent(fall.deepest)}{through}; "
        f"{_now(risk)} at block {head.number}{_liquidation(risk)}{_lasts(outlook)}",
        key=position.key,
        trader=position.trader,
        netuid=position.netuid,
        tier_bps=fall.deepest,
        skipped_tiers=skipped,
        ratio_bps=risk.ratio_bps,
    )


def liquidation_alert(
    event: PositionLiquidated, block: BlockNumber, head: Head, severity: Severity
) -> Alert:
    """A position was liquidated in `block`, as read at `head`."""
    debt = f", bad debt {tao(event.bad_debt)} TAO" if event.bad_debt else ""
    return Alert(
        id=f"{_name(event.key)}-liquidated",
        kind=AlertKind.LIQUIDATED,
        severity=severity,
        block=block,
        time=head.time,
        title=f"Liquidation in market {event.netuid}",
        text=f"Position {_name(event.key)} of {event.trader} in market {event.netuid} was "
        f"liquidated in block {block} at {tao(event.price)} TAO, remaining margin "
        f"{tao(event.remaining)} TAO, penalty {tao(event.penalty)} TAO{debt}",
        key=event.key,
        trader=event.trader,
        netuid=event.netuid,
    )


def market_unknown_alert(
    netuid: Netuid,
    *,
    positions: int,
    reason: str,
    since: BlockNumber,
    severity: Severity,
    head: Head,
) -> Alert:
    """Nothing is known of a market's positions since block `since`: one alert for all of them."""
    return Alert(
        id=f"market-{netuid}-unknown-{since}",
        kind=AlertKind.MARKET_UNKNOWN,
        severity=severity,
        block=head.number,
        time=head.time,
        title=f"Risk of market {netuid} unknown",
        text=f"The risk of {positions} open positions in market {netuid} is unknown since block "
        f"{since}: {reason}",
        netuid=netuid,
    )


def book_unknown_alert(reason: str, since: BlockNumber, severity: Severity, head: Head) -> Alert:
    """Nothing is known of any position since block `since`."""
    return Alert(
        id=f"risk-unknown-{since}",
        kind=AlertKind.BOOK_UNKNOWN,
        severity=severity,
        block=head.number,
        time=head.time,
        title="Risk of every market unknown",
        text=f"The risk of every position is unknown since block {since}: {reason}",
    )


def blocks_missed_alert(
    first: BlockNumber, last: BlockNumber, head: Head, severity: Severity
) -> Alert:
    """The logs of blocks `first` to `last` are out of the node's reach."""
    return Alert(
        id=f"missed-{first}-{last}",
        kind=AlertKind.BLOCKS_MISSED,
        severity=severity,
        block=head.number,
        time=head.time,
        title="Liquidations of some blocks were not read",
        text=f"Liquidations in blocks {first} to {last} are not reported: after this downtime "
        "the node may no longer keep their logs",
    )


def digest_alert(entries: Sequence[DigestEntry], window: int, lines_max: int, head: Head) -> Alert:
    """One message for all `entries` (not empty) of one interval; the oldest `lines_max` in full."""
    lines = [entry.line for entry in entries[:lines_max]]
    if len(entries) > lines_max:
        lines.append(f"and {len(entries) - lines_max} more")
    return Alert(
        id=f"digest-{window}-{entries[0].alert_id}",
        kind=AlertKind.DIGEST,
        severity=Severity.DIGEST,
        block=head.number,
        time=head.time,
        title=f"{len(entries)} margin warning{'' if len(entries) == 1 else 's'}",
        text="\n".join(lines),
    )


def percent(ratio: Bps) -> str:
    """Basis points as a percentage, exact: 2431 is 24.31 %, 2500 is 25 %."""
    whole, hundredths = divmod(abs(ratio), 100)
    sign = "-" if ratio < 0 else ""
    return f"{sign}{whole}.{hundredths:02d} %" if hundredths else f"{sign}{whole} %"


def tao(wei: int) -> str:
    """Wei as TAO for people, cut off at a RAO (1e-9 TAO)."""
    whole, rest = divmod(abs(wei), ONE)
    decimals = f"{rest // RAO_IN_PRICE_WEI:09d}".rstrip("0")
    text = f"{whole}.{decimals}" if decimals else str(whole)
    return f"-{text}" if wei < 0 and text != "0" else text


def duration(seconds: int) -> str:
    """Seconds for people: 90 s, 12 min, 5 h, 3 d."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _name(key: PositionKey) -> str:
    return f"0x{key.id.hex()}-{key.sequence}"


def _described(position: Position) -> str:
    side = "Long" if position.is_long else "Short"
    return f"{side} position {_name(position.key)} of {position.trader} in market {position.netuid}"


def _now(risk: PositionRisk) -> str:
    if risk.ratio_bps is None:
        return f"unknown now ({risk.unknown})"
    return f"margin ratio {percent(risk.ratio_bps)}"


def _lasts(outlook: Outlook) -> str:
    said = []
    if outlook.by_funding is not None:
        said.append(f"by funding alone in {duration(outlook.by_funding)}")
    if outlook.by_moves is not None:
        said.append(
            f"within one standard deviation of recent moves in {duration(outlook.by_moves)}"
        )
    return f" ({', '.join(said)})" if said else ""


def _liquidation(risk: PositionRisk) -> str:
    if risk.liquidation_price is None:
        return ""
    return f", liquidated at {tao(risk.liquidation_price)} TAO"
