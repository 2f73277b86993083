"""What is looked at now and then over a run, for charts: so many columns, whatever its length."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from keepers.liquidation.positions import Market
from replay.records import Spent, VaultRecord, Work
from replay.watch import MarginWatch
from units import ONE, BlockNumber, Head, Netuid

COLUMNS = 120

RATIO_EDGES = (0.0, 0.10, 0.20, 0.25, 0.35, 0.50, 0.75, 1.0)
"""Where the rows of the heat of margin ratios begin; below the first is below nothing."""


class Observed(Protocol):
    """What is sampled."""

    @property
    def watch(self) -> MarginWatch:
        """Every position's ratio."""
        ...

    @property
    def markets(self) -> dict[Netuid, Market]:
        """Every market."""
        ...


@dataclass(slots=True, kw_only=True)
class Column:
    """One look. `ratios` counts positions by stretch between `RATIO_EDGES`; amounts in TAO."""

    time: int
    ratios: Sequence[int]
    positions: int
    indices: dict[Netuid, float]
    open_interest: tuple[float, float]
    gas: dict[Work, int]
    reserves: float
    insurance: float


@dataclass(slots=True)
class Samples:
    """Columns so far."""

    netuids: Sequence[Netuid]
    start: BlockNumber
    blocks: int
    columns: list[Column] = field(default_factory=list)
    _gas: Counter[Work] = field(default_factory=Counter)

    @property
    def every(self) -> int:
        """Blocks from one column to the next."""
        return max(self.blocks // COLUMNS, 1)

    def is_due(self, number: BlockNumber) -> bool:
        """Whether a column is taken at the end of that block; the last block always has one."""
        return (self.start + self.blocks - number) % self.every == 0

    def take(
        self, seen: Observed, head: Head, spent: Iterable[Spent], vault: VaultRecord | None
    ) -> None:
        """The end of a block."""
        for each in spent:
            self._gas[each.work] += each.gas
        if vault is None:
            return
        markets = seen.markets
        cells = np.searchsorted(RATIO_EDGES, seen.watch.open_ratios(), "right")
        counts = np.bincount(cells, minlength=len(RATIO_EDGES) + 1)
        self.columns.append(
            Column(
                time=head.time,
                ratios=counts.tolist(),
                positions=len(seen.watch),
                indices={netuid: market.index / ONE for netuid, market in markets.items()},
                open_interest=(
                    sum(market.long_open_interest for market in markets.values()) / ONE,
                    sum(market.short_open_interest for market in markets.values()) / ONE,
                ),
                gas=dict(self._gas),
                reserves=vault.reserves / ONE,
                insurance=vault.insurance / ONE,
            )
        )
        self._gas = Counter()
