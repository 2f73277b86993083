"""Positions of one market on one side, each in the stretch in which it was last found. Mutable.

Says who may have left that stretch, without a look at anybody else. Nobody is missed: floating
point only nominates, and errs on one side; exact integers judge whoever is nominated.

Two lines a row. For size S, margin M, entry price E, entry index j, index i and side s = ±1, let R
be the remaining margin over the reals, M + s·S·(P/E − 1) − s·S·(i − j). The exact one, r, has its
profit floored and its funding ceiled, so that R − 2 < r ≤ R. The ratio is ⌊10⁴·r/S⌋ basis points,
which is below a whole number of them, t, exactly when r < S·t/10⁴. A position leaves its stretch
from `low` up to `high` by one of

    a fall,  r < S·low/10⁴, so that   R < S·low/10⁴ + 2;
    a rise,  r ≥ S·high/10⁴, so that  R ≥ S·high/10⁴.

The fall is `lines.py`'s, for a maintenance margin of `low`: P < B + E·x for a long, P > B + E·x for
a short. There the maintenance margin is in the abscissa, one for all rows. Here each row has its
own, so that it is put into the level: t/10⁴ added to x for a long is −t/10⁴ added to j, for a short
the opposite, and 10¹⁸/10⁴ is whole, so that `level_of` makes the level of exact integers. The
abscissa is the index alone, and the sum i + t/10⁴, which `lines.py` rounds, is not formed.

The rise is, for a long, P/E ≥ 1 − M/S − j + t/10⁴ + i: P ≥ B' + E·i. That is the line of a short
with margin M' = 2 − M in the same place, 1 + M'/S − 2/S = 1 − M/S, and lies on the side on which
that short falls, P ≥ the line being nominated with P > the line, because `Lineup` leaves out only
what is strictly on the other side. A short that rises mirrors it: P ≤ B' + E·i with B' of a long
with margin 2 − M. `level_of` rounds each outward, towards nominating.

What is left are the roundings of E, i and P, the product and the sums, which are those of
`lines.py`, with its abscissa for ours: `Lineup` has its tolerance for them. A row is in neither
lineup where its stretch has no line on that side.
"""

from collections.abc import Iterator
from typing import Final

from keepers.liquidation.lines import INTEGER_ROUNDING_WEI, level_of
from keepers.liquidation.lineup import Lineup, Sorting
from keepers.liquidation.positions import Position, PositionKey
from keepers.liquidation.standing import Terms
from keepers.warnings.stretches import Stretch, Stretches
from units import BPS_ONE, ONE, Bps, FundingIndex, Netuid, PositionId

_INDEX_PER_BPS: Final = ONE // BPS_ONE


class Flank:
    """Rows of positions; a row is used again when its position has left."""

    def __init__(self, lines: Stretches, netuid: Netuid, *, is_long: bool) -> None:
        self._lines = lines
        self.netuid = netuid
        self._falls = Lineup(is_long=is_long)
        self._rises = Lineup(is_long=not is_long)
        self._keys: list[PositionKey] = []
        self._stretches = bytearray()
        self._free: list[int] = []
        self.counts = [0] * (len(lines.lines) + 1)

    def stretch(self, row: int) -> Stretch:
        """Where its position was found."""
        return self._stretches[row]

    def put(self, position: Position, stretch: Stretch) -> int:
        """Takes in a position that is not here; returns its row."""
        row = self._free.pop() if self._free else self._new_row(position.key)
        self._keys[row], self._stretches[row] = position.key, stretch
        self.counts[stretch] += 1
        low, high = self._lines.low(stretch), self._lines.high(stretch)
        slope = float(position.entry_price)
        if low is not None:
            self._falls.write(row, fall_level(position, low), slope)
        if high is not None:
            self._rises.write(row, rise_level(position, high), slope)
        return row

    def drop(self, row: int) -> None:
        """The position of that row is here no more."""
        self.counts[self._stretches[row]] -= 1
        self._falls.free(row)
        self._rises.free(row)
        self._free.append(row)

    def leavers(self, terms: Terms) -> Iterator[PositionId]:
        """Whoever is in another stretch at these terms, and hardly anybody else; some twice."""
        price, at = float(terms.price), abscissa(terms.index)
        for lineup in (self._falls, self._rises):
            for row in lineup.nominate(price, at):
                yield self._keys[row].id

    def sortings(self, index: FundingIndex) -> Iterator[Sorting]:
        """What is to be sorted before terms with this or a similar index are asked about."""
        for lineup in (self._falls, self._rises):
            sorting = lineup.sorting(abscissa(index))
            if sorting is not None:
                yield sorting

    def _new_row(self, key: PositionKey) -> int:
        self._keys.append(key)
        self._stretches.append(0)
        self._falls.add_row()
        return self._rises.add_row()


def abscissa(index: FundingIndex) -> float:
    """Where the lines of a flank are asked."""
    return index / ONE


def fall_level(position: Position, line: Bps) -> float:
    """The level of the line beyond which the ratio is below so many basis points."""
    return level_of(
        is_long=position.is_long,
        margin=position.margin,
        size=position.size,
        entry_price=position.entry_price,
        entry_index=_moved_index(position, line),
    )


def rise_level(position: Position, line: Bps) -> float:
    """The level of the line beyond which the ratio is at least so many basis points."""
    return level_of(
        is_long=not position.is_long,
        margin=INTEGER_ROUNDING_WEI - position.margin,
        size=position.size,
        entry_price=position.entry_price,
        entry_index=_moved_index(position, line),
    )


def _moved_index(position: Position, line: Bps) -> int:
    moved = line * _INDEX_PER_BPS
    return position.entry_index - moved if position.is_long else position.entry_index + moved
