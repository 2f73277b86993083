"""Whether people were told what they had to be told, and nothing else. Pure.

A lower bound, derived without the fleet's state machine: whoever ends a block between the last
tier and the one before it has fallen through that one; whoever ends two blocks in a row below the
last tier has fallen through it. Each owes at least one alert as deep. And no alert names a tier
that the position has never been below. The first tier only reaches a digest, and is not owed here.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from devnet.audit.duties import Duty, DutyRecord
from devnet.audit.ledger import name_of
from devnet.audit.margin import HoldingKey
from units import BPS_ONE, BlockNumber, Bps


class Told(Protocol):
    """What has arrived where alerts go, by the names of `name_of`."""

    @property
    def deepest(self) -> Mapping[str, int]:
        """The deepest tier in bps that each position was reported below."""
        ...

    @property
    def liquidated(self) -> AbstractSet[str]:
        """The positions reported liquidated."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A position of a market with a usable price at the end of a block: margin left, and size."""

    key: HoldingKey
    left: int
    size: int

    def is_below(self, tier: int) -> bool:
        """Whether its margin ratio is less than `tier` bps."""
        return self.left * BPS_ONE < self.size * tier


@dataclass(slots=True)
class TierWatch:
    """What positions have been through. `tiers` in bps, highest first, at least two.

    `owed` is the tier that an alert must name at least; `lowest` the least ratio seen, in bps.
    """

    tiers: tuple[Bps, ...]
    owed: dict[HoldingKey, int] = field(default_factory=dict)
    lowest: dict[HoldingKey, int] = field(default_factory=dict)
    liquidated: set[HoldingKey] = field(default_factory=set)
    _below_last: dict[HoldingKey, BlockNumber] = field(default_factory=dict)

    def end_block(self, number: BlockNumber, stands: Iterable[Stand]) -> None:
        """Takes in how every position stands at the end of a block."""
        *_, notify, page = self.tiers
        before, self._below_last = self._below_last, {}
        for stand in stands:
            self._see(stand)
            if stand.is_below(page):
                self._below_last[stand.key] = number
                if stand.key in before:
                    self._owe(stand.key, page)
            elif stand.is_below(notify):
                self._owe(stand.key, notify)

    def settle(self, told: Told, record: DutyRecord) -> None:
        """Compares what happened with what was told, once everything has been delivered."""
        for key, tier in self.owed.items():
            said = told.deepest.get(name_of(key))
            if said is None or said > tier:
                record.note(
                    Duty.EVERYTHING_TOLD,
                    f"{name_of(key)} was below {tier} bps, and the deepest alert says {said}",
                )
        taken = {name_of(key) for key in self.liquidated}
        for name in sorted(taken - told.liquidated):
            record.note(Duty.EVERYTHING_TOLD, f"{name} was liquidated without a word")
        for name in sorted(told.liquidated - taken):
            record.note(Duty.TOLD_IS_TRUE, f"{name} was not liquidated, whatever was told")
        self._check_truth(told, record)

    def _check_truth(self, told: Told, record: DutyRecord) -> None:
        lowest = {name_of(key): ratio for key, ratio in self.lowest.items()}
        for name, tier in told.deepest.items():
            if lowest.get(name, BPS_ONE) >= tier:
                record.note(
                    Duty.TOLD_IS_TRUE,
                    f"{name} was told to be below {tier} bps, its lowest was {lowest.get(name)}",
                )

    def _see(self, stand: Stand) -> None:
        ratio = stand.left * BPS_ONE // stand.size
        self.lowest[stand.key] = min(ratio, self.lowest.get(stand.key, ratio))

    def _owe(self, key: HoldingKey, tier: int) -> None:
        self.owed[key] = min(tier, self.owed.get(key, tier))
