"""How long prices were held, and how soon the market was closed for it. Pure.

Counted from what the referee itself would have held: no word of the fleet goes in.
"""

from collections import Counter
from dataclasses import dataclass, field

from units import BlockNumber, Netuid, PriceWei


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hold:
    """One that lasts: since which source block, known at which head, against what."""

    since: BlockNumber
    head: BlockNumber
    before: PriceWei
    is_closed: bool = False


@dataclass(slots=True)
class Holds:
    """Holds by how many blocks they took.

    Attributes:
        shocks: of prices that stood, until they could be believed.
        returned: of prices that came back.
        closed_after: from the head at which a price had first to be held to the block in which
            the market's suspension landed; those of markets that were closed already are not in it.
    """

    shocks: Counter[int] = field(default_factory=Counter)
    returned: Counter[int] = field(default_factory=Counter)
    closed_after: Counter[int] = field(default_factory=Counter)
    _open: dict[Netuid, _Hold] = field(default_factory=dict)

    def begun(
        self, netuid: Netuid, *, known: BlockNumber, head: BlockNumber, before: PriceWei
    ) -> None:
        """The price of source block `known` must be held, as whoever acts at `head` knows."""
        self._open.setdefault(netuid, _Hold(since=known, head=head, before=before))

    def reference(self, netuid: Netuid) -> PriceWei | None:
        """What was believed before the hold that lasts; None where none does."""
        hold = self._open.get(netuid)
        return None if hold is None else hold.before

    def ended(self, netuid: Netuid, *, known: BlockNumber, has_stood: bool) -> None:
        """The price of source block `known` may be believed again."""
        hold = self._open.pop(netuid)
        (self.shocks if has_stood else self.returned)[known - hold.since] += 1

    def suspended(self, netuid: Netuid, block: BlockNumber) -> None:
        """A suspension has landed."""
        hold = self._open.get(netuid)
        if hold is not None and not hold.is_closed:
            self.closed_after[block - hold.head] += 1
            self._open[netuid] = _Hold(
                since=hold.since, head=hold.head, before=hold.before, is_closed=True
            )
