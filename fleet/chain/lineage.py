"""The recent blocks as a chain by parent hash, and what a new head does to it. Pure.

Nodes signal no reorganisation: it shows only in a parent that is not the block known there.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from units import BlockNumber, Head


@dataclass(frozen=True, slots=True)
class Advance:
    """The chain grew by these blocks, ascending; more than one: some were missed and fetched."""

    branch: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class Reorg:
    """Blocks were replaced: `left` are no longer on the chain, `branch` stands on `ancestor`."""

    ancestor: Head
    left: tuple[Head, ...]
    branch: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class Leap:
    """All begins anew at this head: the link to what was known is lost, or nothing was known."""

    head: Head
    known: Head | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The newest head was none of the chain, or is no longer: `by` is the newest from now on."""

    head: Head
    by: Head


Change = Advance | Reorg | Leap | Withdrawal
"""What a new head did to the chain."""


class Lineage:
    """The last `blocks_max` blocks, each the parent of the next."""

    def __init__(self, blocks_max: int = 256) -> None:
        self._blocks_max = blocks_max
        self._blocks: dict[BlockNumber, Head] = {}
        self._is_broken = False

    @property
    def newest(self) -> Head | None:
        """The last block of the chain."""
        return next(reversed(self._blocks.values()), None)

    def forget(self) -> None:
        """Whatever is joined next begins anew."""
        self._is_broken = True

    def missing(self, branch: Sequence[Head]) -> BlockNumber | None:
        """The block to be fetched before this branch can be joined; None when none is.

        Args:
            branch: ascending, each the parent of the next.
        """
        below = BlockNumber(branch[0].number - 1)
        return None if self._is_joined(branch) or self._is_lost(branch) else below

    def join(self, branch: Sequence[Head]) -> Change | None:
        """Takes over a branch that misses nothing; None when its head is the newest already."""
        if self._is_lost(branch):
            known, self._blocks, self._is_broken = self.newest, {}, False
            self._append(branch[-1:])
            return Leap(branch[-1], known)
        left = tuple(each for each in self._blocks.values() if each.number >= branch[0].number)
        if left[: len(branch)] == tuple(branch):
            return None
        ancestor = self._blocks[BlockNumber(branch[0].number - 1)]
        for each in left:
            del self._blocks[each.number]
        self._append(branch)
        return Reorg(ancestor, left, tuple(branch)) if left else Advance(tuple(branch))

    def _is_joined(self, branch: Sequence[Head]) -> bool:
        known = self._blocks.get(BlockNumber(branch[0].number - 1))
        return known is not None and known.hash == branch[0].parent_hash

    def _is_lost(self, branch: Sequence[Head]) -> bool:
        """Does it begin before all that is known, or is it longer than what is remembered?"""
        oldest = next(iter(self._blocks), None)
        is_before = oldest is None or branch[0].number <= oldest
        return (
            self._is_broken or is_before or branch[-1].number - branch[0].number >= self._blocks_max
        )

    def _append(self, branch: Sequence[Head]) -> None:
        self._blocks.update({each.number: each for each in branch})
        excess = max(0, len(self._blocks) - self._blocks_max)
        self._blocks = dict(itertools.islice(self._blocks.items(), excess, None))
