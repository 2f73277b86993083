"""The price feed: what it takes, and how a market is suspended and resumed."""

from collections.abc import Iterable
from dataclasses import replace
from enum import IntEnum

from keepers.liquidation.positions import (
    FeedRow,
    MarketResumed,
    MarketSuspended,
    PricePushed,
)
from keepers.liquidation.standing import ADMIN_CLEARED
from oracle.feed import SuspensionReason, Update
from replay.exchange.state import Exchange, Moment
from units import BlockNumber, Netuid

PUSH_AGE_MAX_BLOCKS = 25
"""The oldest price, in blocks behind its own, that a push may carry; the contract's constant."""


class PushOutcome(IntEnum):
    """What became of one update, as the contract numbers it."""

    ACCEPTED = 0
    NOT_NEWER = 1
    FUTURE_BLOCK = 2
    TOO_OLD = 3
    FUTURE_TIME = 4
    ZERO_PRICE = 5
    SUSPENDED = 6


def push(exchange: Exchange, updates: Iterable[Update], at: Moment) -> tuple[PushOutcome, ...]:
    """Writes each update that passes the rules; an accepted one ends a suspension."""
    return tuple([_push(exchange, update, at) for update in updates])


def suspend(
    exchange: Exchange, netuids: Iterable[Netuid], reason: SuspensionReason, at: Moment
) -> None:
    """A reporter says that these prices are not known, from this block on."""
    for netuid in netuids:
        row = exchange.markets[netuid].feed
        if _stands(row, reason):
            continue
        _write(exchange, netuid, replace(row, suspended_at=at.number, suspension=int(reason)))
        exchange.events.append(MarketSuspended(netuid=netuid, at=at.number, suspension=int(reason)))


def resume(exchange: Exchange, netuids: Iterable[Netuid]) -> None:
    """A reporter ends suspensions that are not the admin's to end, without a new price."""
    for netuid in netuids:
        row = exchange.markets[netuid].feed
        if row.suspension and row.suspension not in ADMIN_CLEARED:
            _write(exchange, netuid, replace(row, suspended_at=BlockNumber(0), suspension=0))
            exchange.events.append(MarketResumed(netuid=netuid))


def _stands(row: FeedRow, reason: SuspensionReason) -> bool:
    """Whether what stands stays: it is locked, the same, or a human's word against a bot's."""
    if row.suspension in ADMIN_CLEARED or row.suspension == reason:
        return True
    return row.suspension == SuspensionReason.OPERATOR and reason not in ADMIN_CLEARED


def _push(exchange: Exchange, update: Update, at: Moment) -> PushOutcome:
    row = exchange.markets[update.netuid].feed
    outcome = _judged(update, row, at)
    if outcome is not PushOutcome.ACCEPTED:
        return outcome
    if row.suspension:
        exchange.events.append(MarketResumed(netuid=update.netuid))
    pushed = FeedRow(
        price=update.price,
        source_block=update.source_block,
        source_time=update.source_time,
        suspended_at=BlockNumber(0),
        suspension=0,
    )
    _write(exchange, update.netuid, pushed)
    exchange.events.append(
        PricePushed(
            netuid=update.netuid,
            price=update.price,
            source_block=update.source_block,
            source_time=update.source_time,
        )
    )
    return outcome


def _judged(update: Update, row: FeedRow, at: Moment) -> PushOutcome:
    rules = (
        (update.source_block <= row.source_block, PushOutcome.NOT_NEWER),
        (update.source_block > at.number, PushOutcome.FUTURE_BLOCK),
        (at.number - update.source_block > PUSH_AGE_MAX_BLOCKS, PushOutcome.TOO_OLD),
        (update.source_time > at.time, PushOutcome.FUTURE_TIME),
        (update.price == 0, PushOutcome.ZERO_PRICE),
        (row.suspension in ADMIN_CLEARED, PushOutcome.SUSPENDED),
        (update.source_block < row.suspended_at, PushOutcome.SUSPENDED),
    )
    return next((outcome for applies, outcome in rules if applies), PushOutcome.ACCEPTED)


def _write(exchange: Exchange, netuid: Netuid, row: FeedRow) -> None:
    exchange.markets[netuid] = replace(exchange.markets[netuid], feed=row)
