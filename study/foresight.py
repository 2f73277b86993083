"""What somebody takes from the vault who sees every source price one block before it is there.

He opens in the block before a row of the tape when that row alone would pay for both fees and both
slippage steps, and closes where the feed has caught up: in the block of the first push of that row
or of a later one. One position a market at a time, its notional the unit. A row stands for ten
blocks here and moves all at once, so this is more than a chain that moves every block gives him.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.columns import Column
from study.following import Standing
from study.publishing import Landed
from units import BPS_ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a trade costs: fees in bps of the notional, slippage in bps of the price.

    `is_bounded`: a fill is the worse, for the trader, of feed and the chain's own price, as on the
    reference exchange; else the feed's alone.
    """

    open_fee: int = 10
    close_fee: int = 10
    slippage: int = 10
    is_bounded: bool = True

    @property
    def fees(self) -> int:
        """Of opening and closing."""
        return self.open_fee + self.close_fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How often it was worth it, and what was taken in all, in bps of the notional."""

    trades: int
    bps: float


def foreseen(column: Column, found: Standing, landed: Sequence[Landed], terms: Terms) -> Taken:
    """What one market gives to foresight."""
    pushes = [each for each in landed if each.price]
    sources = [each.source for each in pushes]
    first, free_at, trades, bps = column.blocks[0], 0, 0, 0.0
    for row in _moving(column, found, terms):
        block, rao = column.blocks[row], column.prices[row]
        opens = block - 1 - first
        if opens < free_at:
            continue
        side = _worth(found, opens, float(rao), terms)
        at = bisect_left(sources, block) if side else len(sources)
        if at == len(sources):
            continue
        closes = min(pushes[at].block - first, len(found.source) - 1)
        bps += _gain(side, _fill(found, opens, side, terms), _fill(found, closes, -side, terms))
        bps -= terms.fees
        free_at, trades = closes + 1, trades + 1
    return Taken(trades=trades, bps=bps)


def _moving(column: Column, found: Standing, terms: Terms) -> list[int]:
    """The rows that are off the feed by what a trade costs in fees, in a market that is open."""
    opens = np.asarray(column.blocks[1:]) - 1 - column.blocks[0]
    prices = np.asarray(column.prices[1:], dtype=np.float64)
    feed = found.feed[opens]
    is_traded = found.is_open[opens] & (prices > 0) & (feed > 0)
    off = np.abs(prices / np.where(is_traded, feed, 1.0) - 1) * BPS_ONE
    return [int(row) + 1 for row in np.nonzero(is_traded & (off > terms.fees))[0]]


def _worth(found: Standing, opens: int, expected: float, terms: Terms) -> int:
    """Which side pays if the price is `expected` at the end: 1, −1 or 0."""
    costs = terms.fees + terms.slippage
    for side in (1, -1):
        if _gain(side, _fill(found, opens, side, terms), expected) > costs:
            return side
    return 0


def _fill(found: Standing, at: int, side: int, terms: Terms) -> float:
    """The price at which somebody buys (1) or sells (−1)."""
    feed, source = float(found.feed[at]), float(found.source[at])
    worse = max if side > 0 else min
    price = worse(feed, source) if terms.is_bounded and source else feed
    return price * (1 + side * terms.slippage / BPS_ONE)


def _gain(side: int, opened: float, closed: float) -> float:
    return side * (closed / opened - 1) * BPS_ONE
