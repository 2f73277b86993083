"""How far the feed was from its source, block by block, in NumPy: for people, not for decisions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.columns import Column
from study.publishing import Landed
from units import BPS_ONE, RAO_IN_PRICE_WEI, PriceWei

Prices = NDArray[np.float64]
"""RAO by block, from the tape's first to its last; 0 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Distance of the published price from the source's of the same block, in bps of the latter.

    `mean` and `worst` while the market was open, `worst_suspended` while it was closed on purpose.
    """

    mean: float
    worst: float
    worst_suspended: float
    open_blocks: int
    suspended_blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Source and feed side by side. `feed` keeps the last price while `is_open` says no."""

    source: Prices
    feed: Prices
    is_open: NDArray[np.bool_]


def source_prices(column: Column) -> Prices:
    """The source's price at every block."""
    ends = [column.end(row) for row in range(len(column.blocks))]
    spans = np.subtract(ends, column.blocks)
    return np.repeat(np.asarray(column.prices, dtype=np.float64), spans)


def standing(column: Column, source: Prices, landed: Sequence[Landed]) -> Standing:
    """One market's feed beside its source."""
    first = column.blocks[0]
    edges = np.asarray([min(each.block - first, len(source)) for each in landed], dtype=np.int64)
    spans = np.diff(np.append(edges, len(source)))
    start = int(edges[0]) if len(edges) else len(source)
    feed = np.concatenate([np.zeros(start), np.repeat(_kept(landed), spans)])
    is_open = np.repeat(np.asarray([bool(each.price) for each in landed], dtype=np.bool_), spans)
    return Standing(
        source=source,
        feed=feed,
        is_open=np.concatenate([np.zeros(start, dtype=np.bool_), is_open]),
    )


def following(found: Standing) -> Following:
    """One market's distance."""
    known = (found.source > 0) & (found.feed > 0)
    safe = np.where(known, found.source, 1.0)
    off = np.where(known, np.abs(found.feed / safe - 1.0) * BPS_ONE, 0.0)
    is_open, is_held = known & found.is_open, known & ~found.is_open
    return Following(
        mean=float(off[is_open].mean()) if is_open.any() else 0.0,
        worst=float(off[is_open].max(initial=0.0)),
        worst_suspended=float(off[is_held].max(initial=0.0)),
        open_blocks=int(is_open.sum()),
        suspended_blocks=int(is_held.sum()),
    )


def _kept(landed: Sequence[Landed]) -> Prices:
    """Prices in RAO, where a suspension keeps the one before it."""
    kept: list[float] = []
    price: PriceWei = PriceWei(0)
    for each in landed:
        price = each.price or price
        kept.append(price / RAO_IN_PRICE_WEI)
    return np.asarray(kept, dtype=np.float64)
