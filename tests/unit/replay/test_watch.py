"""Looking only at positions that have come into another stretch sees what looking at all would."""

from collections import Counter
from dataclasses import replace
from random import Random

from keepers.liquidation.margin import is_liquidatable, ratio_bps, remaining_margin
from keepers.liquidation.positions import Position, PositionKey
from keepers.warnings.alerts import Severity
from keepers.warnings.tiers import WarningPolicy, Watch, observe, observe_unknown, tiers
from replay.warned import Warned
from replay.watch import MarginWatch
from tests.unit.keepers.liquidation.examples import PARAMETERS
from units import (
    ONE,
    BlockNumber,
    Bps,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Sequence,
    Wei,
)

NETUIDS = (Netuid(64), Netuid(51))
PRICE = 2 * 10**17
POLICY = WarningPolicy(tiers=tiers([Bps(3_500), Bps(2_500), Bps(2_000)], page_blocks=2))
LINES = [Bps(r) for tier in POLICY.tiers for r in (tier.ratio_bps, tier.ratio_bps + 200)]


class Both:
    """The watch and the keepers' own observation of every position, block by block."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.number = 100
        self.prices = dict.fromkeys(NETUIDS, PriceWei(PRICE))
        self.indices = dict.fromkeys(NETUIDS, FundingIndex(0))
        self.known = dict.fromkeys(NETUIDS, True)
        self.positions: dict[PositionKey, Position] = {}
        self.watch = MarginWatch(NETUIDS, LINES, Bps(2_000))
        self.warned = Warned(policy=POLICY)
        self.watches: dict[PositionKey, Watch] = {}
        self.falls: Counter[Bps] = Counter()
        self.below: dict[PositionKey, int] = {}
        self.opened = 0

    def block(self) -> None:
        self.number += 1
        self._happen()
        terms = {netuid: (self.prices[netuid], self.indices[netuid]) for netuid in NETUIDS}
        number = BlockNumber(self.number)
        self.watch.end_block(number, terms, [not self.known[n] for n in NETUIDS])
        self.warned.end_block(number, self.watch, self.known)
        self._look_at_all()

    def _happen(self) -> None:
        for netuid in NETUIDS:
            self.indices[netuid] = FundingIndex(
                self.indices[netuid] + self.random.randint(-(10**13), 10**13)
            )
            if self.random.random() < 0.3:
                moved = self.prices[netuid] * self.random.randint(9_600, 10_400) // 10_000
                self.prices[netuid] = PriceWei(moved)
            if self.random.random() < 0.05:
                self.known[netuid] = not self.known[netuid]
        for _ in range(self.random.choice((0, 0, 1, 3))):
            self._open()
        if self.positions and self.random.random() < 0.2:
            self._end(self.random.choice([*self.positions]))

    def _open(self) -> None:
        self.opened += 1
        netuid = self.random.choice(NETUIDS)
        margin = self.random.randint(10**16, 10**19)
        position = Position(
            key=PositionKey(id=PositionId(self.opened.to_bytes(16, "big")), sequence=Sequence(1)),
            holder=bytes(20),
            netuid=netuid,
            is_long=self.random.random() < 0.5,
            margin=Wei(margin),
            size=Wei(margin * self.random.randint(10, 30) // 10),
            entry_price=self.prices[netuid],
            entry_index=self.indices[netuid],
        )
        self.positions[position.key] = position
        self.watch.add(position)

    def _end(self, key: PositionKey) -> None:
        position = self.positions.pop(key)
        if self.random.random() < 0.3:
            smaller = replace(
                position, margin=Wei(position.margin // 2), size=Wei(position.size // 2)
            )
            self.positions[key] = smaller
            self.watch.change(smaller)
            return
        assert self.watch.remove(key) == position
        self.warned.gone(key)

    def _look_at_all(self) -> None:
        """As the warnings bot does, with the arithmetic of the contract."""
        for key in [key for key in self.watches if key not in self.positions]:
            del self.watches[key]
        for key, position in self.positions.items():
            self._look_at(key, position)
        self.below = {
            key: self.below.get(key, self.number)
            for key, position in self.positions.items()
            if is_liquidatable(position, PARAMETERS, self.remaining(position))
        }

    def _look_at(self, key: PositionKey, position: Position) -> None:
        before = self.watches.get(key)
        if self.known[position.netuid]:
            ratio = ratio_bps(position, self.remaining(position))
            self.watches[key], fall = observe(before, ratio, BlockNumber(self.number), POLICY)
        elif before is not None:
            self.watches[key], fall = observe_unknown(before, POLICY)
        else:
            return
        if fall is not None:
            self.falls[fall.tiers[-1]] += 1

    def remaining(self, position: Position) -> int:
        return remaining_margin(
            position, self.prices[position.netuid], self.indices[position.netuid]
        )


def test_watch__random_blocks__says_who_is_below_since_when_and_warns_alike() -> None:
    warned = Counter[Bps]()
    for seed in range(6):
        both = Both(seed)
        for _ in range(250):
            both.block()
            found = {key: both.watch.below_since(key)[0] for key in both.positions}
            since = {key: at for key, at in found.items() if at is not None}
            assert since == both.below, f"seed {seed}, block {both.number}"
            assert both.warned.by_tier == both.falls, f"seed {seed}, block {both.number}"
        warned += both.falls
    assert {*warned} == {tier.ratio_bps for tier in POLICY.tiers}
    assert Severity.PAGE in {tier.severity for tier in POLICY.tiers}


def test_watch__a_ratio_on_the_line__is_judged_in_integers() -> None:
    for wei, is_below in ((0, False), (-1, True)):
        watch = MarginWatch(NETUIDS, LINES, Bps(2_000))
        size = 3 * ONE
        position = Position(
            key=PositionKey(id=PositionId(bytes(16)), sequence=Sequence(1)),
            holder=bytes(20),
            netuid=NETUIDS[0],
            is_long=True,
            margin=Wei(size * 2_000 // 10_000 + wei),
            size=Wei(size),
            entry_price=PriceWei(PRICE),
            entry_index=FundingIndex(0),
        )
        watch.add(position)
        terms = dict.fromkeys(NETUIDS, (PriceWei(PRICE), FundingIndex(0)))

        watch.end_block(7, terms, [False, False])

        assert (watch.below_since(position.key)[0] == 7) == is_below
        (seen,) = watch.looked_at([True, True])
        assert seen.ratio == (1_999 if is_below else 2_000)
        assert watch.lowest() < 0.2 + 1e-9
        assert list(watch.near(NETUIDS[0])) == [position]
        assert list(watch.near(NETUIDS[1])) == []
