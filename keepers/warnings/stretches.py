"""The stretches into which the lines that a policy compares ratios with cut all margin ratios.

A line is a tier, or where a tier is armed again. All that a position's watch makes of a ratio it
makes of comparisons with lines (`tiers.py`), so that within one stretch every ratio comes to the
same. Pure.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from keepers.warnings.tiers import WarningPolicy
from units import Bps

Stretch = int
"""How many lines a ratio has reached: stretch k is from line k − 1 up to but not at line k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """How the open positions stand, for people and metrics.

    `below` counts each position once, at the deepest tier it is below; `above` are above all.
    """

    above: int
    below: Mapping[Bps, int]
    unknown: int


@dataclass(frozen=True, slots=True)
class Stretches:
    """`lines`: ratios in ascending order."""

    lines: tuple[Bps, ...]

    def of(self, ratio: Bps) -> Stretch:
        """The stretch of a floored ratio."""
        return bisect_right(self.lines, ratio)

    def low(self, stretch: Stretch) -> Bps | None:
        """A ratio below it has left the stretch; None: there is no lower one."""
        return self.lines[stretch - 1] if stretch else None

    def high(self, stretch: Stretch) -> Bps | None:
        """A ratio at it or above has left the stretch; None: there is no higher one."""
        return self.lines[stretch] if stretch < len(self.lines) else None


def stretches(policy: WarningPolicy) -> Stretches:
    """The stretches of a policy."""
    tiers = [tier.ratio_bps for tier in policy.tiers]
    return Stretches(tuple(sorted({*tiers, *(Bps(t + policy.recovery_bps) for t in tiers)})))


def standings(known: Mapping[Stretch, int], unknown: int, policy: WarningPolicy) -> Standings:
    """Counts by the deepest tier, of counts by stretch of the positions whose ratio is known."""
    lines, below = stretches(policy), dict.fromkeys(sorted(t.ratio_bps for t in policy.tiers), 0)
    above = 0
    for stretch, count in known.items():
        high = lines.high(stretch)
        deepest = None if high is None else next((tier for tier in below if tier >= high), None)
        if deepest is None:
            above += count
        else:
            below[deepest] += count
    return Standings(above=above, below=below, unknown=unknown)
