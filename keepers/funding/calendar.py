"""When funding is due: a pure function of head time and the chain's rows.

The exchange accrues continuously; a keeper's call matters because time beyond the cap is
forfeited and because no market may stand longer than one interval without an accrual. A
suspended market and a paused exchange accrue like any other: the index needs no price.

Pure. Knows neither the clock on the wall nor how an accrual is sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from units import BLOCK_TIME, BlockNumber, Head, Netuid, Seconds, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPolicy:
    """What the operator may change about funding.

    Attributes:
        lead: Seconds of head time before the end of an interval from which an accrual is due.
            60: five blocks to be mined in before the interval is over.
        in_flight_blocks: Blocks for which a sent accrual whose outcome nobody told is waited for
            before it is sent again. 25: twice what a transaction needs that is resent with a
            higher fee.
        reread: Seconds after which the rows are read again although nothing was due, so that a
            new market or a changed interval is noticed.
        markets_max: Markets in one transaction. 256: more than there are subnets.
    """

    lead: Seconds = Seconds(60)
    in_flight_blocks: int = 25
    reread: Seconds = Seconds(600)
    markets_max: int = 256

    def __post_init__(self) -> None:
        if self.lead < BLOCK_TIME:
            raise ValueError(f"the lead must be at least one block of {BLOCK_TIME} s")
        if min(self.in_flight_blocks, self.reread, self.markets_max) < 1:
            raise ValueError("in_flight_blocks, reread and markets_max must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRow:
    """What the chain says of one market's funding. An unlisted market's other fields are zero."""

    netuid: Netuid
    is_listed: bool
    last_accrual: Timestamp
    interval: Seconds
    cap: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingSnapshot:
    """The rows of every market of the fleet, read at one block."""

    head: Head
    rows: tuple[FundingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMarket:
    """A market to accrue now, in seconds of head time.

    Attributes:
        elapsed: Since the last accrual.
        lag: By how much the market stands longer than one interval; 0 when in time.
        forfeited: What is lost because it is beyond the cap: nobody pays or receives it.
    """

    netuid: Netuid
    last_accrual: Timestamp
    elapsed: Seconds
    lag: Seconds
    forfeited: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """An accrual on its way: of which `last_accrual`, sent at which block, as part of which work.

    `due_key` names the work, as `due_key()` gives it.
    """

    last_accrual: Timestamp
    sent_at: BlockNumber
    due_key: str


def due_at(row: FundingRow, policy: FundingPolicy) -> Timestamp:
    """The head time from which an accrual of this market is due."""
    return Timestamp(row.last_accrual + max(row.interval - policy.lead, 0))


def due(now: Timestamp, rows: Iterable[FundingRow], policy: FundingPolicy) -> tuple[DueMarket, ...]:
    """The listed markets that are due at `now`, the longest overdue first."""
    markets = [
        DueMarket(
            netuid=row.netuid,
            last_accrual=row.last_accrual,
            elapsed=Seconds(now - row.last_accrual),
            lag=lag(now, row),
            forfeited=Seconds(max(now - row.last_accrual - row.cap, 0)),
        )
        for row in rows
        if row.is_listed and now >= due_at(row, policy)
    ]
    return tuple(sorted(markets, key=lambda market: (-market.lag, -market.elapsed, market.netuid)))


def lag(now: Timestamp, row: FundingRow) -> Seconds:
    """By how much a market stands longer than one interval without an accrual."""
    return Seconds(max(now - row.last_accrual - row.interval, 0))


def next_due(rows: Iterable[FundingRow], policy: FundingPolicy) -> Timestamp | None:
    """When the first listed market is due; None when none is listed."""
    return min((due_at(row, policy) for row in rows if row.is_listed), default=None)


def still_in_flight(
    flights: Mapping[Netuid, Flight], snapshot: FundingSnapshot, policy: FundingPolicy
) -> dict[Netuid, Flight]:
    """The flights that neither landed (their market's `last_accrual` moved) nor took too long."""
    last_accruals = {row.netuid: row.last_accrual for row in snapshot.rows}
    return {
        netuid: flight
        for netuid, flight in flights.items()
        if last_accruals.get(netuid) == flight.last_accrual
        and abs(snapshot.head.number - flight.sent_at) < policy.in_flight_blocks
    }


def due_key(markets: Iterable[DueMarket]) -> str:
    """Names the work: the same markets with the same last accruals have the same key."""
    work = ",".join(f"{m.netuid}:{m.last_accrual}" for m in sorted(markets, key=_by_netuid))
    return f"funding-{sha256(work.encode()).hexdigest()[:32]}"


def _by_netuid(market: DueMarket) -> Netuid:
    return market.netuid
