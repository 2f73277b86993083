"""Returning spikes on the tape: prices that must never have liquidated anybody. Pure.

A returning spike is a jump above the market's guard limit that is back within the limit of the
price before it at the next source row.
"""

from collections.abc import Mapping
from typing import Protocol

from units import BPS_ONE, RAO_IN_PRICE_WEI, BlockNumber, Bps, Netuid, PriceWei, Rao


class PriceRow(Protocol):
    """A row of the tape."""

    @property
    def block(self) -> BlockNumber:
        """The block in which it was taken."""
        ...

    @property
    def prices(self) -> Mapping[Netuid, Rao]:
        """RAO per Alpha of every subnet that existed."""
        ...


class SourcePrices(Protocol):
    """The tape: prices by block; a row holds until the next."""

    @property
    def first_block(self) -> BlockNumber:
        """The first block with prices."""
        ...

    @property
    def last_block(self) -> BlockNumber:
        """The last block with prices."""
        ...

    def row_at(self, block: BlockNumber) -> PriceRow:
        """The row that holds at a block between the first and the last."""
        ...

    def registered_at(self, netuid: Netuid, at: BlockNumber | None = None) -> BlockNumber | None:
        """When the subnet that a netuid means at block `at` was registered; None: there is none."""
        ...


def price_before_spike(
    tape: SourcePrices, netuid: Netuid, block: BlockNumber, limit: Bps
) -> PriceWei | None:
    """The price before the returning spike that holds at `block`; None when none does."""
    row = tape.row_at(block)
    following = _next_row(tape, row)
    if row.block == tape.first_block or following is None:
        return None
    before = tape.row_at(BlockNumber(row.block - 1)).prices.get(netuid)
    spike, after = row.prices.get(netuid), following.prices.get(netuid)
    if before is None or spike is None or after is None:
        return None
    if _is_within(spike, before, limit) or not _is_within(after, before, limit):
        return None
    return PriceWei(before * RAO_IN_PRICE_WEI)


def _next_row(tape: SourcePrices, row: PriceRow) -> PriceRow | None:
    for block in range(row.block + 1, tape.last_block + 1):
        following = tape.row_at(BlockNumber(block))
        if following.block != row.block:
            return following
    return None


def _is_within(price: Rao, reference: Rao, limit: Bps) -> bool:
    return abs(price - reference) * BPS_ONE <= limit * reference
