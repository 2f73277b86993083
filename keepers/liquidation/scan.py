"""Nominates, in float64 over columns, every position that may be below maintenance.

Floating point nominates, exact integers judge. Nomination errs on one side only: a position that
is liquidatable is always nominated. Pure.

The bound. For size S, margin M, entry price E, price P, entry index J, index I (both 1e18-scaled),
side s = ±1 and maintenance m, the exact test compares integers: with profit floored and funding
ceiled, the remaining margin lies in (R − 2, R], where R is the real-valued one. Divided by S, a
liquidatable position satisfies

    r < m/10⁴ + 2/S,    r = M/S + s(P/E − 1) − s(I − J)/10¹⁸.

Let u = 2⁻⁵³ be float64's unit roundoff and a = M/S, q = P/E, i = I/10¹⁸, j = J/10¹⁸, t = m/10⁴.
Python divides integers with one correct rounding, and turns them into floats with one, so the
columns carry relative errors of at most u. To first order in u the errors are

    a: u·a       q: 3u·q (two conversions, one division)       q − 1: u(q + 1) more
    i, j: u|i|, u|j|       i − j: u(|i| + |j|) more            t: u·t
    the two sums of r and the comparison r − t: each u times a sum of these magnitudes

so that together they stay below 8u·(a + q + 1 + |i| + |j| + t). Twice that covers the terms of
higher order and the rounding of the bound itself; 2/S is likewise taken 1.001 times. An overflow
or NaN compares false and therefore nominates.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.positions import Position
from keepers.liquidation.standing import Terms
from units import BPS_ONE, ONE, Netuid, PositionId

ERROR_ROUNDOFFS: Final = 16 * 2.0**-53
INTEGER_ROUNDING_WEI: Final = 2 * 1.001

_FIRST_CAPACITY: Final = 1_024
_COLUMNS: Final = 5  # margin / size, entry price, entry index / 1e18, rounding / size, side


class Columns:
    """Open positions as a struct of arrays, kept in step with a book's positions.

    Rows are dense: taking a position out moves the last row into its place.
    """

    def __init__(self) -> None:
        self._positions: Mapping[PositionId, Position] = {}
        self._rows: dict[PositionId, int] = {}
        self._ids: list[PositionId] = []
        self._markets: dict[Netuid, int] = {}
        self._market = np.zeros(_FIRST_CAPACITY, dtype=np.int32)
        self._numbers = np.zeros((_COLUMNS, _FIRST_CAPACITY), dtype=np.float64)

    def follow(self, positions: Mapping[PositionId, Position]) -> None:
        """Takes over a book's positions; only those that are other objects cost anything."""
        if positions is self._positions:
            return
        before, self._positions = self._positions, positions
        for gone in self._rows.keys() - positions.keys():
            self._drop(gone)
        self._put([p for key, p in positions.items() if before.get(key) is not p])

    def nominate(self, terms: Mapping[Netuid, Terms]) -> list[Position]:
        """Every position that is liquidatable at its market's terms, and hardly another."""
        count = len(self._ids)
        live, price, index, maintenance = self._gathered(terms, self._market[:count])
        margin, entry, entry_index, rounding, side = self._numbers[:, :count]
        with np.errstate(all="ignore"):
            ratio = price / entry
            remaining = margin + side * (ratio - 1) - side * (index - entry_index)
            magnitude = margin + ratio + 1 + np.abs(index) + np.abs(entry_index) + maintenance
            bound = ERROR_ROUNDOFFS * magnitude + rounding
            nominated = live & ~(remaining - maintenance > bound)
        return [self._positions[self._ids[row]] for row in np.flatnonzero(nominated)]

    def _gathered(
        self, terms: Mapping[Netuid, Terms], market: NDArray[np.int32]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """A market's live flag, price, index and maintenance, spread over the rows."""
        by_market = np.zeros((3, len(self._markets)), dtype=np.float64)
        live = np.zeros(len(self._markets), dtype=np.bool_)
        for netuid, slot in self._markets.items():
            if netuid in terms:
                at = terms[netuid]
                maintenance = at.parameters.maintenance / BPS_ONE
                by_market[:, slot] = float(at.price), at.index / ONE, maintenance
                live[slot] = True
        price, index, threshold = by_market[:, market]
        return live[market], price, index, threshold

    def _put(self, changed: Sequence[Position]) -> None:
        if not changed:
            return
        rows = [self._row(position.key.id) for position in changed]
        self._market[rows] = [
            self._markets.setdefault(position.netuid, len(self._markets)) for position in changed
        ]
        self._numbers[:, rows] = np.array([_numbers(position) for position in changed]).T

    def _row(self, key: PositionId) -> int:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._ids)
            self._ids.append(key)
            self._grow(len(self._ids))
        return row

    def _drop(self, key: PositionId) -> None:
        row, last = self._rows.pop(key), self._ids.pop()
        if key != last:
            moved = len(self._ids)
            self._ids[row], self._rows[last] = last, row
            self._market[row] = self._market[moved]
            self._numbers[:, row] = self._numbers[:, moved]

    def _grow(self, count: int) -> None:
        capacity = len(self._market)
        if count > capacity:
            self._market = np.concatenate([self._market, np.zeros_like(self._market)])
            self._numbers = np.concatenate([self._numbers, np.zeros_like(self._numbers)], axis=1)


def _numbers(position: Position) -> tuple[float, float, float, float, float]:
    return (
        position.margin / position.size,
        float(position.entry_price),
        position.entry_index / ONE,
        INTEGER_ROUNDING_WEI / position.size,
        1.0 if position.is_long else -1.0,
    )
