"""Liquidation prices as lines in the funding index, in float64 with an error on one side. Pure.

The line. For size S, margin M, entry price E, price P, entry index J, index I (both 1e18-scaled)
and maintenance m, the exact test compares integers: with profit floored and funding ceiled, the
remaining margin lies in (R − 2, R], where R is the real-valued one. With i = I/10¹⁸, j = J/10¹⁸,
t = m/10⁴, a liquidatable position therefore satisfies, for side s = ±1,

    M/S + s(P/E − 1) − s(i − j) < t + 2/S,

that is, E being positive,

    long:    P < B + E·x    with  B = E·(1 − M/S − j + 2/S),  x = i + t
    short:   P > B + E·x    with  B = E·(1 + M/S − j − 2/S),  x = i − t.

B is the *level* of a position, E its *slope*, x the *abscissa* of a market's side: index and
maintenance are both in it, so that neither moves a level.

The bound. Let u = 2⁻⁵³ be float64's unit roundoff. B is one division of exact integers, which
Python rounds once, and then one float further out, so a level never errs inward. E, x and P carry
one rounding each. Then B + E·x, computed, errs by at most u(4·|E·x| + |B|) to first order, and the
comparison with P by 2u·P more. `tolerance` is 16u times the same magnitudes at their largest in
the whole bucket, which covers these, the terms of higher order and its own rounding, and, for the
index of `ladder.py`, the widening: there the key B + E·x₀ errs by u(3·|E·x₀| + |B|), Δ = x − x₀ by
u(|x| + |x₀|), its product with the extreme slope by 2u·|E·Δ|, x itself by u·|E·x|, and the two
differences that form the threshold by 2u(P + |E·Δ|): together below 9u of the magnitudes.
An overflow or NaN nominates.
"""

from dataclasses import dataclass
from math import inf, nextafter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.standing import Terms
from units import BPS_ONE, ONE

ERROR_ROUNDOFFS: Final = 16 * 2.0**-53
INTEGER_ROUNDING_WEI: Final = 2


def level_of(*, is_long: bool, margin: int, size: int, entry_price: int, entry_index: int) -> float:
    """Where the position's line meets x = 0, in price wei, rounded so as to nominate."""
    if is_long:
        above = (size - margin + INTEGER_ROUNDING_WEI) * ONE - entry_index * size
        return nextafter(entry_price * above / (size * ONE), inf)
    above = (size + margin - INTEGER_ROUNDING_WEI) * ONE - entry_index * size
    return nextafter(entry_price * above / (size * ONE), -inf)


def abscissa(terms: Terms, *, is_long: bool) -> float:
    """The market's x for one side: its index, moved by the maintenance margin."""
    maintenance = terms.parameters.maintenance * ONE
    moved = terms.index * BPS_ONE + (maintenance if is_long else -maintenance)
    return moved / (BPS_ONE * ONE)


@dataclass(slots=True)
class Extent:
    """The largest magnitudes of a set of lines: what its bounds are made of."""

    slope_min: float = inf
    slope_max: float = 0.0
    level_max: float = 0.0

    def include(self, level: float, slope: float) -> None:
        """Grows to hold one more line."""
        self.slope_min = min(self.slope_min, slope)
        self.slope_max = max(self.slope_max, slope)
        self.level_max = max(self.level_max, abs(level))

    def tolerance(self, price: float, reach: float) -> float:
        """What a comparison with `price` may be wrong by; `reach` is |x|, or |x| + |x₀|."""
        return ERROR_ROUNDOFFS * (self.slope_max * reach + self.level_max + price)


def extent_of(level: NDArray[np.float64], slope: NDArray[np.float64]) -> Extent:
    """The extent of these lines."""
    if not len(level):
        return Extent()
    return Extent(
        slope_min=float(slope.min()),
        slope_max=float(slope.max()),
        level_max=float(np.abs(level).max()),
    )
