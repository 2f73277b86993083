"""Warnings as the warnings bot gives them: its own state machine, asked when it can answer anew."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from keepers.liquidation.positions import PositionKey
from keepers.warnings.alerts import Fall
from keepers.warnings.tiers import WarningPolicy, Watch, observe, observe_unknown
from replay.watch import MarginWatch
from units import BlockNumber, Bps, Netuid


@dataclass(slots=True, kw_only=True)
class Warned:
    """Every fall below a tier. `by_tier` counts falls by their deepest tier.

    `first` is the block of the first warning of every open position that had one, `leads` the
    blocks from it to the liquidation, None for those that fell without one.
    """

    policy: WarningPolicy
    by_tier: Counter[Bps] = field(default_factory=Counter)
    first: dict[PositionKey, BlockNumber] = field(default_factory=dict)
    leads: list[int | None] = field(default_factory=list)
    _watches: dict[PositionKey, Watch] = field(default_factory=dict)
    _known: dict[Netuid, bool] = field(default_factory=dict)

    def end_block(self, number: BlockNumber, watch: MarginWatch, known: dict[Netuid, bool]) -> None:
        """Takes in the end of a block; `known` says of which markets the risk is known."""
        for netuid, is_known in known.items():
            if not is_known and self._known.get(netuid, True):
                self._lost_sight(netuid, number, watch)
        self._known = dict(known)
        self._look(number, watch, list(known.values()))

    def liquidated(self, key: PositionKey, number: BlockNumber) -> None:
        """A position was liquidated in that block."""
        warned = self.first.get(key)
        self.leads.append(None if warned is None else number - warned)
        self.gone(key)

    def gone(self, key: PositionKey) -> None:
        """A position is no more."""
        self._watches.pop(key, None)
        self.first.pop(key, None)

    def _look(self, number: BlockNumber, watch: MarginWatch, known: Sequence[bool]) -> None:
        for seen in watch.looked_at(known):
            key = seen.position.key
            before = self._watches.get(key)
            after, fall = observe(before, seen.ratio, number, self.policy)
            self._watches[key] = after
            self._note(key, fall, number)
            if after is before and not _is_counting(after):
                watch.settle(key)

    def _lost_sight(self, netuid: Netuid, number: BlockNumber, watch: MarginWatch) -> None:
        for position in watch.unsettle(netuid):
            before = self._watches.get(position.key)
            if before is not None:
                self._watches[position.key], fall = observe_unknown(before, self.policy)
                self._note(position.key, fall, number)

    def _note(self, key: PositionKey, fall: Fall | None, number: BlockNumber) -> None:
        if fall is not None:
            self.by_tier[fall.tiers[-1]] += 1
            self.first.setdefault(key, number)


def _is_counting(watch: Watch) -> bool:
    """Whether a tier waits for more blocks below it: then the next block alone may say more."""
    return any(tier.below_since is not None for tier in watch)
