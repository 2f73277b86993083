"""A tape market by market."""

from collections.abc import Mapping
from dataclasses import dataclass

from devnet.tape import Tape
from units import BlockNumber, Netuid, Rao, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One market's rows; a price holds until the next row, 0 where there is none."""

    netuid: Netuid
    blocks: tuple[BlockNumber, ...]
    times: tuple[Timestamp, ...]
    prices: tuple[Rao, ...]
    last_block: BlockNumber

    def end(self, row: int) -> BlockNumber:
        """The first block after a row."""
        is_last = row + 1 == len(self.blocks)
        return BlockNumber(self.last_block + 1) if is_last else self.blocks[row + 1]

    def moved(self, row: int) -> tuple[Rao, Rao] | None:
        """The prices of the row before and of this row; None where one has none."""
        if row == 0 or row >= len(self.prices):
            return None
        before, here = self.prices[row - 1], self.prices[row]
        return (before, here) if before and here else None


def columns(tape: Tape) -> Mapping[Netuid, Column]:
    """The markets of a tape that had a price at all, in its order."""
    rows = list(tape.rows())
    blocks, times = tuple(row.block for row in rows), tuple(row.time for row in rows)
    prices = {n: tuple(row.prices.get(n, Rao(0)) for row in rows) for n in tape.netuids}
    return {
        netuid: Column(
            netuid=netuid,
            blocks=blocks,
            times=times,
            prices=column,
            last_block=tape.last_block,
        )
        for netuid, column in prices.items()
        if any(column)
    }
