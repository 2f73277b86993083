"""The price a market is published at when it is smoothed: the mean of its last blocks. Pure.

Time-weighted over blocks: a price counts for every block from its own to the next one read, the
newest for one. Integers; the mean is floored, and of positive prices positive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from oracle.guard import Accept
from oracle.publication import Knowledge, Unread
from oracle.quotes import Price
from units import BlockNumber, Netuid, Rao


@dataclass(frozen=True, slots=True)
class Window:
    """Prices with the blocks they are of, oldest first, without a break between them."""

    points: tuple[tuple[BlockNumber, Rao], ...] = ()

    def with_price(self, price: Price, blocks: int) -> Self:
        """With one more; a block that is not newer than the last takes its place."""
        kept = [point for point in self.points if point[0] < price.block]
        kept.append((price.block, price.rao))
        first = price.block - blocks + 1
        while len(kept) > 1 and kept[1][0] <= first:
            del kept[0]
        return type(self)(tuple(kept))

    def mean(self, blocks: int) -> Rao:
        """Over the last `blocks` blocks, or over as many as there are."""
        newest = self.points[-1][0]
        first = max(newest - blocks + 1, self.points[0][0])
        ends = [*(block for block, _ in self.points[1:]), newest + 1]
        total = sum(
            rao * (end - max(block, first))
            for (block, rao), end in zip(self.points, ends, strict=True)
        )
        return Rao(total // (newest + 1 - first))


@dataclass(slots=True)
class Smoothing:
    """The windows of all markets; `blocks` says how long each market's is, 0 and 1: none."""

    blocks: Mapping[Netuid, int] = field(default_factory=dict)
    _windows: dict[Netuid, Window] = field(default_factory=dict)

    def applied(self, netuid: Netuid, known: Knowledge) -> Knowledge:
        """What is to be published of what is known.

        A price that is held or missing is a break, and after one the mean begins anew: a jump that
        has stood passes whole.
        """
        blocks = self.blocks.get(netuid, 0)
        if blocks <= 1 or isinstance(known, Unread):
            return known
        if not isinstance(known, Accept):
            self._windows.pop(netuid, None)
            return known
        before = self._windows.get(netuid, Window())
        window = self._windows[netuid] = before.with_price(known.price, blocks)
        return Accept(price=replace(known.price, rao=window.mean(blocks)))
