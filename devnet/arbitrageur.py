"""A trader who sees the source's price one block early, and takes what the feed leaves to take.

What it sends at block n is filled in n + 1, at the worse of feed and chain price there; it knows
already what the chain will say in n + 2. Pure but for what it remembers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from devnet.trader import Close, Deposit, Mind, Open, Stage, Wish
from units import BPS_ONE, Rao, Wei

EDGE_BPS_MIN = 45
"""A move must be worth more than both fees (20 bps), two slippage steps (20), and something."""

HELD_BLOCKS_MIN = 6
"""Until the feed can have followed: two blocks of finality, one to decide, one to land, and air."""

HELD_BLOCKS_MAX = 50
_DEPOSITS = 3  # margins, so that a loss or two end nothing

PriceAt = Callable[[int], Rao | None]
"""The source's price at a block counted from the start; None where there is none or no tape."""


@dataclass(slots=True, kw_only=True)
class Arbitrageur(Mind):
    """Always awake, always in one market; which side it takes is the move's."""

    price_at: PriceAt

    def wish(self, now: int) -> Wish | None:
        """See `Mind`."""
        if now < self.not_before:
            return None
        match self.stage:
            case Stage.AWAY:
                return self._funding() if now >= self.plan.arrives else None
            case Stage.FUNDED | Stage.FLAT:
                return self._entry(now)
            case Stage.HOLDING:
                return self._exit(now)
            case Stage.GONE:
                return None

    def wakes(self, now: int) -> int | None:
        """See `Mind`: once it is there it looks at every block."""
        if self.stage is Stage.GONE:
            return None
        first = self.plan.arrives if self.stage is Stage.AWAY else now
        return max(now, first, self.not_before)

    def _funding(self) -> Deposit:
        return Deposit(amount=Wei(self.plan.margin * _DEPOSITS))

    def _entry(self, now: int) -> Open | None:
        edge = self._edge(now)
        if abs(edge) < EDGE_BPS_MIN:
            return None
        return Open(plan=replace(self.plan, is_long=edge > 0))

    def _exit(self, now: int) -> Close | None:
        held = now - self.since
        if held < HELD_BLOCKS_MIN:
            return None
        if abs(self._edge(now)) >= EDGE_BPS_MIN and held < HELD_BLOCKS_MAX:
            return None
        return Close(position=self.position, size=Wei(0))

    def _edge(self, now: int) -> int:
        """The move, in signed basis points, that nobody else sees yet."""
        filled, seen = self.price_at(now + 1), self.price_at(now + 2)
        return (seen - filled) * BPS_ONE // filled if filled and seen else 0
