"""A large change in pieces, so that nobody else waits for the database while all of it is stored.

A million positions that are new are as many rows. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from keepers.liquidation.positions import PositionKey
from keepers.warnings.alerts import Alert, AlertKind
from keepers.warnings.observation import WarningChange, WarningState

PORTION: Final = 1_000
"""Watches that are stored at once."""


def portions(state: WarningState, change: WarningChange) -> Iterator[WarningChange]:
    """The change in pieces, each to be stored as a whole: watches with what they make people told.

    The first has the digest with it, because what is collected after it is for the next one; only
    the last counts the block as processed. A block of which some pieces were stored is observed
    again, and then those watches are known.
    """
    keys = list(change.watches)
    pieces = [keys[at : at + PORTION] for at in range(0, len(keys), PORTION)] or [keys]
    told = change.alerts or change.collected  # the usual million of watches are silent
    place = {key: number for number, piece in enumerate(pieces) for key in piece} if told else {}
    last = len(pieces) - 1
    collected, alerts = _dealt(change.collected, place, last), _dealt(change.alerts, place, last)
    for number, piece in enumerate(pieces):
        part = replace(
            change,
            watches={key: change.watches[key] for key in piece},
            is_digest_sent=change.is_digest_sent and number == 0,
            collected=tuple(collected[number]),
            alerts=tuple(alerts[number]),
        )
        yield part if number == last else _unfinished(part, state)


def _dealt(
    alerts: Iterable[Alert], place: Mapping[PositionKey, int], last: int
) -> Mapping[int, list[Alert]]:
    """By the piece that they are told with: what is of no watch that moved with the last."""
    dealt: defaultdict[int, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.kind is AlertKind.DIGEST:
            dealt[0].append(alert)
        else:
            dealt[last if alert.key is None else place.get(alert.key, last)].append(alert)
    return dealt


def _unfinished(part: WarningChange, state: WarningState) -> WarningChange:
    """With nothing else changed than its watches and the digest."""
    return replace(
        part,
        head=state.head,
        departed=state.departed,
        gone=frozenset(),
        unknowns=state.unknowns,
    )
