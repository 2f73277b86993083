"""Small tapes with everything in them that a market can do."""

import random

from devnet.tape import Tape, TapeRow
from units import BLOCK_TIME, BlockNumber, Netuid, Rao, Timestamp

FIRST = 1_000
GENESIS_TIME = 1_700_000_000  # as tests/unit/oracle/simulated.py has it, so that a head is one
SN, OTHER = Netuid(64), Netuid(8)
TAO = 10**9


def tape_of(prices: dict[Netuid, list[int]], *, spacing: int = 10) -> Tape:
    """Rows from block FIRST on; 0 is an empty pool's price."""
    rows = len(next(iter(prices.values())))
    return Tape.of_rows(
        TapeRow(
            block=BlockNumber(FIRST + spacing * row),
            time=Timestamp(GENESIS_TIME + BLOCK_TIME * (FIRST + spacing * row)),
            prices={netuid: Rao(column[row]) for netuid, column in prices.items()},
        )
        for row in range(rows)
    )


def wild(rows: int, seed: int) -> list[int]:
    """Mostly calm, with jumps that stand, spikes that return, and an empty pool now and then."""
    draw = random.Random(seed)
    price, column = TAO, []
    for _ in range(rows):
        price += price * draw.choice((0, 0, 4, -4, 9, -9, 30, -30)) // 10_000
        jump = draw.random()
        if jump < 0.04:
            price = price * draw.choice((80, 125)) // 100
        column.append(0 if jump > 0.98 else price * 2 if jump > 0.94 else price)
    return column
