"""How long positions stand below maintenance, and which were left alone. Pure.

Late by n: n = block of the liquidation − first block at whose end the position was below
maintenance; 0 when it never ended a block there. Left alone: still below max(2, ⌈gas of all
candidates ranked before it ÷ gas share a block⌉) blocks later, in a market not suspended.
Later than its rank: 0 blocks for whom a price brought down and who fits in the push, 1 more after
downtime, at most ⌈gas ranked before it ÷ gas share⌉ for the rest.

A suspended market has no price to liquidate at, so the clock of "left alone" starts anew when the
suspension ends. Lateness keeps counting, and says how many of its blocks were suspended.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from devnet.audit.margin import HoldingKey
from devnet.audit.stakes import expected_bad_debt
from units import BlockNumber, Netuid, Wei

BLOCKS_ALLOWED_MIN = 2
IDS_A_PUSH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How fast liquidations can get in: gas of one, and gas a block that they may use.

    Positions smaller than `dust` come after all others. Of the others is expected, beside their bad
    debt, `shortfall_ppm` millionths of their notional.
    """

    gas_each: int
    gas_share: int
    dust: Wei = Wei(0)
    shortfall_ppm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """A position below maintenance at the end of a block, with `left` wei of margin.

    `source_block` is that of the price that was pushed in this very block, or None: then funding
    or its opening brought it here. `may_wait`: nobody could take it along with that price, which
    is the first one after downtime, or the position is of this very block.
    """

    key: HoldingKey
    netuid: Netuid
    left: int
    size: Wei
    source_block: BlockNumber | None
    may_wait: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How late a liquidation was, in blocks; `source_block` is that of the price behind it.

    `blocks_allowed` is what its rank allows.
    """

    blocks: int
    blocks_suspended: int
    source_block: BlockNumber | None
    blocks_allowed: int = 0

    @property
    def is_later_than_its_rank(self) -> bool:
        """Whether a price brought it down and it had to wait for nobody."""
        waited = self.blocks - self.blocks_suspended
        return self.source_block is not None and waited > self.blocks_allowed


@dataclass(slots=True, kw_only=True)
class _Streak:
    """An unbroken run of blocks below maintenance."""

    first: BlockNumber
    source_block: BlockNumber | None
    suspended: int = 0
    answerable_since: BlockNumber | None = None
    allowed: int = BLOCKS_ALLOWED_MIN
    late_allowed: int = 0


class BelowMaintenance:
    """Follows every position that ends blocks below maintenance."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._streaks: dict[HoldingKey, _Streak] = {}
        self._taken: list[Below] = []
        self.left_alone: dict[HoldingKey, BlockNumber] = {}

    def end_block(
        self, number: BlockNumber, below: Sequence[Below], suspended: AbstractSet[Netuid]
    ) -> None:
        """Takes in who is below at the end of a block; whoever is missing is so no more."""
        self._streaks = {one.key: self._streak(one, number) for one in below}
        answerable = [one for one in below if one.netuid not in suspended]
        for one in below:
            if one.netuid in suspended:
                streak = self._streaks[one.key]
                streak.suspended += 1
                streak.answerable_since = None
        for rank, one in enumerate(sorted(answerable, key=self._urgency)):
            self._clock(one.key, number, rank)
        for rank, one in enumerate(sorted([*answerable, *self._taken], key=self._urgency)):
            self._allow(one, number, rank)
        self._taken = []

    def _allow(self, one: Below, number: BlockNumber, rank: int) -> None:
        """It may be as late as its rank explains, also among those who fell after it."""
        streak = self._streaks.get(one.key)
        if streak is not None:
            waited = number - streak.first - streak.suspended
            allowed = waited + self._late_allowed(rank) + one.may_wait
            streak.late_allowed = max(streak.late_allowed, allowed)

    def taken(self, one: Below, number: BlockNumber) -> Lateness:
        """How late its liquidation in block `number` is."""
        self._taken.append(one)
        streak = self._streaks.pop(one.key, None)
        if streak is None:
            return Lateness(blocks=0, blocks_suspended=0, source_block=one.source_block)
        return Lateness(
            blocks=number - streak.first,
            blocks_suspended=streak.suspended,
            source_block=streak.source_block,
            blocks_allowed=streak.late_allowed,
        )

    def _late_allowed(self, rank: int) -> int:
        gas_before, share = rank * self._capacity.gas_each, self._capacity.gas_share
        if rank < IDS_A_PUSH and gas_before + self._capacity.gas_each <= share:
            return 0
        return max(1, -(-gas_before // share))

    def _streak(self, one: Below, number: BlockNumber) -> _Streak:
        known = self._streaks.get(one.key)
        return known or _Streak(first=number, source_block=one.source_block)

    def _urgency(self, one: Below) -> tuple[bool, int, int, HoldingKey]:
        """Dust last, else the largest expected bad debt first, then the largest size."""
        expected = expected_bad_debt(one.left, one.size, self._capacity.shortfall_ppm)
        return (one.size < self._capacity.dust, -expected, -one.size, one.key)

    def _clock(self, key: HoldingKey, number: BlockNumber, rank: int) -> None:
        streak = self._streaks[key]
        if streak.answerable_since is None:
            gas_before = rank * self._capacity.gas_each
            streak.answerable_since = number
            streak.allowed = max(BLOCKS_ALLOWED_MIN, -(-gas_before // self._capacity.gas_share))
        if number - streak.answerable_since >= streak.allowed:
            self.left_alone.setdefault(key, number)
