"""A large change in pieces, so that nobody else waits for the database while all of it is stored.

A million positions that are new are as many rows. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keepers.liquidation.positions import PositionKey
from keepers.warnings.alerts import Alert, AlertKind
from keepers.warnings.observation import WarningChange, WarningState

PORTION: Final = 2_000
"""Watches that are stored at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """Which watches make up each piece, and what people are told with it."""

    pieces: Sequence[Sequence[PositionKey]]
    collected: Mapping[int, Sequence[Alert]]
    alerts: Mapping[int, Sequence[Alert]]


def dealt(change: WarningChange) -> Dealt:
    """The change as it is to be cut up; of a million watches it takes seconds."""
    keys = list(change.watches)
    if len(keys) > PORTION:
        keys = _in_order(keys)
    pieces = [keys[at : at + PORTION] for at in range(0, len(keys), PORTION)] or [keys]
    told = {alert.key for alert in (*change.collected, *change.alerts)}
    place = {key: number for number, piece in enumerate(pieces) for key in piece if key in told}
    last = len(pieces) - 1
    return Dealt(
        pieces=pieces,
        collected=_by_piece(change.collected, place, last),
        alerts=_by_piece(change.alerts, place, last),
    )


def portions(state: WarningState, change: WarningChange, deal: Dealt) -> Iterator[WarningChange]:
    """The change in pieces, each to be stored as a whole: watches with what they make people told.

    The first has the digest with it, because what is collected after it is for the next one; only
    the last counts the block as processed. A block of which some pieces were stored is observed
    again, and then those watches are known.
    """
    last = len(deal.pieces) - 1
    for number, piece in enumerate(deal.pieces):
        part = replace(
            change,
            watches={key: change.watches[key] for key in piece},
            is_digest_sent=change.is_digest_sent and number == 0,
            collected=tuple(deal.collected.get(number, ())),
            alerts=tuple(deal.alerts.get(number, ())),
        )
        yield part if number == last else _unfinished(part, state)


def _in_order(keys: Sequence[PositionKey]) -> list[PositionKey]:
    """By id, as a database keeps them: a piece is then a few of its pages, not one a watch."""
    ids = np.frombuffer(b"".join(key.id for key in keys), dtype=">u8").reshape(-1, 2)
    order = np.argsort(ids[:, 0].astype(np.uint64), kind="stable")
    return [keys[at] for at in order.tolist()]


def _by_piece(
    alerts: Iterable[Alert], place: Mapping[PositionKey, int], last: int
) -> Mapping[int, list[Alert]]:
    """By the piece that they are told with: what is of no watch that moved with the last."""
    found: defaultdict[int, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.kind is AlertKind.DIGEST:
            found[0].append(alert)
        else:
            found[last if alert.key is None else place.get(alert.key, last)].append(alert)
    return found


def _unfinished(part: WarningChange, state: WarningState) -> WarningChange:
    """With nothing else changed than its watches and the digest."""
    return replace(
        part,
        head=state.head,
        departed=state.departed,
        gone=frozenset(),
        unknowns=state.unknowns,
    )
