"""How far back a node remembers logs. Pure.

A node that has pruned a block answers "no logs" for it instead of refusing, so an empty answer is
believed only as far back as the node is known, or configured, to remember. What it is known by is a
landmark: a block that holds one of our events. Depths are blocks behind the head: the horizon moves
with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from units import BlockNumber

SETTLED_BLOCKS = 32
"""A landmark must be this deep: a younger one may have been reorganised away."""


class Reach(StrEnum):
    """May an empty answer from so far back be believed?"""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What is known of one node's memory; depths in blocks.

    `assumed`: what the configuration says; None: everything. `proven`: it had a landmark there.
    `refuted`: it had lost one there, at `refuted_at` (monotonic seconds); believed for a while, as
    the address may lead to another node by then.
    """

    assumed: int | None
    proven: int = 0
    refuted: int | None = None
    refuted_at: float = 0.0

    @property
    def is_pruned(self) -> bool:
        """Does it remember less than the configuration says?"""
        return self.refuted is not None and (self.assumed is None or self.refuted <= self.assumed)

    def reach(self, depth: int) -> Reach:
        """Does it remember a block so far behind the head?"""
        if depth <= self.proven:
            return Reach.YES
        if self.lacks(depth):
            return Reach.NO
        if self.is_pruned and depth > SETTLED_BLOCKS:
            return Reach.NO  # the configuration has been wrong about it before
        if self.assumed is None or depth <= self.assumed:
            return Reach.YES
        return Reach.UNKNOWN

    def lacks(self, depth: int) -> bool:
        """Has it been seen to have forgotten what is so deep?"""
        return self.refuted is not None and depth >= self.refuted

    def shown(self, depth: int, *, has_logs: bool, now: float) -> "Horizon":
        """With the answer for a landmark so deep."""
        if has_logs:
            is_cured = self.refuted is not None and self.refuted <= depth
            refuted = None if is_cured else self.refuted
            return replace(self, proven=max(self.proven, depth), refuted=refuted)
        refuted = depth if self.refuted is None else min(depth, self.refuted)
        return replace(self, proven=min(self.proven, depth - 1), refuted=refuted, refuted_at=now)

    def at(self, now: float, *, forget_s: float) -> "Horizon":
        """With what is too old to be held against it left out."""
        is_old = self.refuted is not None and now - self.refuted_at >= forget_s
        return replace(self, refuted=None) if is_old else self


class Landmarks:
    """Blocks known to hold logs of some contracts, the newest few and the oldest."""

    def __init__(self, known: Iterable[BlockNumber] = (), blocks_max: int = 64) -> None:
        self._blocks_max = blocks_max
        self._blocks = sorted(set(known))

    def note(self, blocks: Iterable[BlockNumber]) -> None:
        """These hold logs too. When there are too many, every other one is forgotten."""
        self._blocks = sorted({*self._blocks, *blocks})
        while len(self._blocks) > self._blocks_max:
            self._blocks = [*self._blocks[::2], self._blocks[-1]]

    def at_or_before(self, first: BlockNumber, head: BlockNumber) -> BlockNumber | None:
        """The newest that is at or before `first` and deep enough to stay."""
        latest = min(first, head - SETTLED_BLOCKS)
        return next((each for each in reversed(self._blocks) if each <= latest), None)
