"""Where every position's margin ratio stands at the end of every block: looked at, not decided on.

float64 says in which stretch between the lines that matter (warning tiers, what arms them again,
maintenance) a ratio lies. A ratio is floored basis points, so that it is below a line exactly when
its real value is; where float64 stands within `TOLERANCE` of a line, exact integers say. Between
two lines nothing that is decided by comparing with lines can change, and so nobody is looked at
twice. With ratio r, margin share m, side s = ±1, price P, entry E, index I and entry index J

    r = m + s(P/E − 1) − s(I − J) = (m − s + sJ) + (s/E)·P − s·I.

All terms are below 100 for any position of an exchange, so that r errs by less than 10⁻¹² where
the wei that integers round away are less than 10⁻¹⁶ of a size.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.margin import ratio_bps, remaining_margin
from keepers.liquidation.positions import Position, PositionKey
from units import BPS_ONE, ONE, Bps, FundingIndex, Netuid, PriceWei

TOLERANCE = 1e-9

NEAR = 0.02
"""So far above maintenance a ratio is near: a price that moves by one percent brings nobody down
from farther. What that is in a ratio is P/E times it, and P/E is below 2 for any position near."""

_UNKNOWN = -1
_FIRST_ROWS = 256


@dataclass(frozen=True, slots=True)
class Seen:
    """A position that has come into another stretch, or that is asked for again."""

    position: Position
    ratio: Bps


class MarginWatch:
    """Open positions as columns, a row each; a row is used again when its position is gone."""

    def __init__(self, netuids: Sequence[Netuid], lines: Sequence[Bps], maintenance: Bps) -> None:
        self._markets = {netuid: at for at, netuid in enumerate(netuids)}
        self._lines = np.array(sorted({*lines, maintenance}), dtype=np.float64) / BPS_ONE
        self._below = int(np.searchsorted(self._lines, maintenance / BPS_ONE))
        self._reach = maintenance / BPS_ONE + NEAR
        self._is_near, self._is_anybody_near = np.zeros(0, dtype=bool), False
        self._prices = np.zeros(len(netuids))
        self._indices = np.zeros(len(netuids))
        self._exact: list[tuple[PriceWei, FundingIndex]] = [(PriceWei(0), FundingIndex(0))] * len(
            netuids
        )
        self._positions: dict[int, Position] = {}
        self._rows: dict[PositionKey, int] = {}
        self._free: list[int] = []
        self._used = 0
        self._market = self._settled = self._since = self._suspended = np.zeros(0, dtype=np.int64)
        self._constant = self._by_price = self._by_index = np.zeros(0)
        self._is_open = self._doubtful = np.zeros(0, dtype=bool)
        self._cells = self._market
        self._resize(_FIRST_ROWS)
        self.ratios = self._constant[:0]

    def __len__(self) -> int:
        return len(self._rows)

    def position(self, key: PositionKey) -> Position:
        """An open position."""
        return self._positions[self._rows[key]]

    def add(self, position: Position) -> None:
        """A position was opened."""
        if not self._free and self._used == len(self._market):
            self._resize(2 * self._used)
        row = self._free.pop() if self._free else self._used
        self._used = max(self._used, row + 1)
        self._rows[position.key] = row
        self._since[row] = _UNKNOWN
        self._suspended[row] = 0
        self._write(row, position)

    def change(self, position: Position) -> None:
        """A position has another margin and size."""
        self._write(self._rows[position.key], position)

    def remove(self, key: PositionKey) -> Position:
        """A position is gone; returns it as it last was."""
        row = self._rows.pop(key)
        self._is_open[row] = False
        self._free.append(row)
        return self._positions.pop(row)

    def below_since(self, key: PositionKey) -> tuple[int | None, int]:
        """The first block of the unbroken run at whose ends a position was below maintenance.

        None: it was not at the end of the last block. And how many of them were suspended.
        """
        row = self._rows[key]
        since = int(self._since[row])
        return (None if since == _UNKNOWN else since), int(self._suspended[row])

    def end_block(
        self,
        number: int,
        terms: Mapping[Netuid, tuple[PriceWei, FundingIndex]],
        suspended: Sequence[bool],
    ) -> None:
        """Takes in where every market stands at the end of a block; price 0: never had one."""
        for netuid, (price, index) in terms.items():
            at = self._markets[netuid]
            self._exact[at] = price, index
            self._prices[at], self._indices[at] = price, index / ONE
        used = self._used
        market = self._market[:used]
        self.ratios = (
            self._constant[:used]
            + self._by_price[:used] * self._prices[market]
            - self._by_index[:used] * self._indices[market]
        )
        self._cells = np.searchsorted(self._lines, self.ratios, "right")
        self._doubtful = self._is_open[:used] & (
            np.searchsorted(self._lines, self.ratios - TOLERANCE, "right")
            != np.searchsorted(self._lines, self.ratios + TOLERANCE, "right")
        )
        self._is_near = self._is_open[:used] & (self.ratios < self._reach)
        self._is_anybody_near = bool(self._is_near.any())
        self._count_below(number, market, np.asarray(suspended, dtype=bool))

    def looked_at(self, known: Sequence[bool]) -> Iterator[Seen]:
        """Positions of markets with a known risk that are in another stretch than when settled."""
        used = self._used
        is_known = np.asarray(known, dtype=bool)[self._market[:used]]
        moved = self._doubtful | (self._cells != self._settled[:used])
        for row in np.flatnonzero(moved & self._is_open[:used] & is_known).tolist():
            self._settled[row] = _UNKNOWN
            yield Seen(position=self._positions[row], ratio=self._ratio(row))

    def settle(self, key: PositionKey) -> None:
        """Whoever looked needs not look again before the position is in another stretch."""
        row = self._rows[key]
        self._settled[row] = self._cells[row]

    def unsettle(self, netuid: Netuid) -> Iterator[Position]:
        """Everybody in a market is to be looked at again; returns them."""
        used, at = self._used, self._markets[netuid]
        for row in np.flatnonzero(self._is_open[:used] & (self._market[:used] == at)).tolist():
            self._settled[row] = _UNKNOWN
            yield self._positions[row]

    def lowest(self) -> float:
        """The lowest ratio of all open positions at the end of the last block; ∞ without any."""
        return float(np.min(self.open_ratios(), initial=np.inf))

    def near(self, netuid: Netuid) -> Iterator[Position]:
        """Whoever in a market was near maintenance, or below, at the end of the last block."""
        if self._is_anybody_near:
            in_market = self._market[: len(self._is_near)] == self._markets[netuid]
            still_open = self._is_open[: len(self._is_near)]
            for row in np.flatnonzero(self._is_near & in_market & still_open).tolist():
                yield self._positions[row]

    def everybody(self, netuid: Netuid) -> Iterator[Position]:
        """Every open position of a market."""
        at = self._markets[netuid]
        return (each for row, each in self._positions.items() if self._market[row] == at)

    def open_ratios(self) -> NDArray[np.float64]:
        """The ratios of all open positions at the end of the last block."""
        found: NDArray[np.float64] = self.ratios[self._is_open[: len(self.ratios)]]
        return found

    def _count_below(
        self, number: int, market: NDArray[np.int64], suspended: NDArray[np.bool_]
    ) -> None:
        used = self._used
        below = (self._cells <= self._below) & self._is_open[:used] & (self._prices[market] > 0)
        for row in np.flatnonzero(self._doubtful).tolist():
            line = round(float(self._lines[self._below]) * BPS_ONE)
            below[row] = self._ratio(row) < line and self._prices[market[row]] > 0
        since = self._since[:used]
        self._since[:used] = np.where(below, np.where(since == _UNKNOWN, number, since), _UNKNOWN)
        counted = self._suspended[:used] + suspended[market]
        self._suspended[:used] = np.where(below, counted, 0)

    def _ratio(self, row: int) -> Bps:
        position = self._positions[row]
        price, index = self._exact[int(self._market[row])]
        return ratio_bps(position, remaining_margin(position, price, index))

    def _write(self, row: int, position: Position) -> None:
        side = 1.0 if position.is_long else -1.0
        share = position.margin / position.size
        self._positions[row] = position
        self._market[row] = self._markets[position.netuid]
        self._constant[row] = share - side + side * (position.entry_index / ONE)
        self._by_price[row] = side / position.entry_price
        self._by_index[row] = side
        self._settled[row] = _UNKNOWN
        self._is_open[row] = True

    def _resize(self, rows: int) -> None:
        self._market = _grown(self._market, rows)
        self._constant = _grown(self._constant, rows)
        self._by_price = _grown(self._by_price, rows)
        self._by_index = _grown(self._by_index, rows)
        self._settled = _grown(self._settled, rows)
        self._since = _grown(self._since, rows)
        self._suspended = _grown(self._suspended, rows)
        self._is_open = _grown(self._is_open, rows)


def _grown(column: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.concatenate([column, np.zeros(rows - len(column), dtype=column.dtype)])
