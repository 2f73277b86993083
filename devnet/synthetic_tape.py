"""A made-up price tape: twelve markets, a seed, and three shocks put where one can find them.

Integers and a hash alone make it, so that a seed gives the same tape on every machine. The walk is
shaped like recorded Alpha prices of spring 2025: mostly still (tens of parts per million a row),
with trades of thousands now and then. Knows no files but through `Tape`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from devnet.tape import Tape, TapeRow
from units import BLOCK_TIME, BlockNumber, Netuid, Rao, Timestamp

_PPM = 10**6
_STILL_PPM = 50
_TRADE_ONE_IN = 6
_WORDS = 6  # their sum is close enough to a bell; its standard deviation is 1/√2 of a word's range

FIRST_BLOCK = BlockNumber(5_000_000)
FIRST_TIME = Timestamp(1_735_689_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticMarket:
    """One market's start (RAO per Alpha) and the standard deviation of a trade."""

    netuid: Netuid
    start: Rao
    trade_ppm: int


def _market(netuid: int, start: int, trade_ppm: int) -> SyntheticMarket:
    return SyntheticMarket(netuid=Netuid(netuid), start=Rao(start), trade_ppm=trade_ppm)


MARKETS = (
    _market(64, 202_000_000, 4_000),
    _market(51, 93_000_000, 4_000),
    _market(62, 2_400_000, 9_000),
    _market(4, 204_000_000, 3_500),
    _market(8, 195_000_000, 3_000),
    _market(120, 15_000_000, 6_000),
    _market(3, 44_000_000, 7_000),
    _market(44, 12_000_000, 8_000),
    _market(9, 26_000_000, 5_000),
    _market(56, 31_000_000, 9_000),
    _market(75, 7_800_000, 9_000),
    _market(34, 111_000_000, 5_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shocks:
    """What happens besides the walk; rows count from 0.

    Crash: from the row before `crash_row` to it the price falls by exactly `crash_percent`, to
    stay. Spike: at `spike_row` alone the price is `spike_factor` times what it should be. Grind:
    over the rows from `grind_first` up to `grind_end` the price loses `grind_ppm` a row.
    """

    crash_netuid: Netuid = Netuid(34)  # noqa: RUF009 - NewTypes are immutable
    crash_row: int
    crash_percent: int = 45
    spike_netuid: Netuid = Netuid(75)  # noqa: RUF009
    spike_row: int
    spike_factor: int = 8
    grind_netuid: Netuid = Netuid(120)  # noqa: RUF009
    grind_first: int
    grind_end: int
    grind_ppm: int

    @classmethod
    def within(cls, rows: int) -> Self:
        """Spike after a third, crash in the middle; the grind takes 35 % over the middle half."""
        grind_rows = max(1, rows // 2)
        return cls(
            spike_row=rows // 3,
            crash_row=rows // 2,
            grind_first=rows // 4,
            grind_end=rows // 4 + grind_rows,
            grind_ppm=430_000 // grind_rows,  # −ln(0.65) is 0.43
        )


def synthetic_tape(
    seed: int,
    *,
    rows: int = 720,
    spacing: int = 10,
    first_block: BlockNumber = FIRST_BLOCK,
    first_time: Timestamp = FIRST_TIME,
    shocks: Shocks | None = None,
) -> Tape:
    """A tape of `rows` rows, `spacing` blocks apart (by default a day, a row every two minutes)."""
    happening = shocks or Shocks.within(rows)
    walks = [_walk(market, seed, rows, happening) for market in MARKETS]
    return Tape.of_rows(
        (
            TapeRow(
                block=BlockNumber(first_block + row * spacing),
                time=Timestamp(first_time + row * spacing * BLOCK_TIME),
                prices={
                    market.netuid: price for market, price in zip(MARKETS, prices, strict=True)
                },
            )
            for row, prices in enumerate(zip(*walks, strict=True))
        ),
        name=f"synthetic tape of seed {seed}",
    )


def _walk(market: SyntheticMarket, seed: int, rows: int, shocks: Shocks) -> Iterator[Rao]:
    price: int = market.start
    for row in range(rows):
        if row:
            price = max(1, price * (_PPM + _move_ppm(market, seed, row, shocks)) // _PPM)
        is_spike = market.netuid == shocks.spike_netuid and row == shocks.spike_row
        yield Rao(price * shocks.spike_factor if is_spike else price)


def _move_ppm(market: SyntheticMarket, seed: int, row: int, shocks: Shocks) -> int:
    """How far the price moves from the row before to this one."""
    if market.netuid == shocks.crash_netuid and row == shocks.crash_row:
        return -shocks.crash_percent * _PPM // 100
    is_grinding = shocks.grind_first <= row < shocks.grind_end
    drift = shocks.grind_ppm if market.netuid == shocks.grind_netuid and is_grinding else 0
    return _noise_ppm(market, seed, row) - drift


def _noise_ppm(market: SyntheticMarket, seed: int, row: int) -> int:
    """A little always, a trade sometimes: bell-shaped and symmetrical."""
    drawn = hashlib.blake2b(f"{seed}/{market.netuid}/{row}".encode(), digest_size=16).digest()
    words = [int.from_bytes(drawn[at : at + 2], "little") for at in range(0, 16, 2)]
    still = words[6] * (2 * _STILL_PPM + 1) // 2**16 - _STILL_PPM
    if words[7] % _TRADE_ONE_IN:
        return still
    bell = sum(words[:_WORDS]) - _WORDS * 2**15
    # A word is uniform over 2^16: the sum of six has a standard deviation of 2^16 / √2.
    return still + bell * market.trade_ppm * 14_142 // (10_000 * 2**16)
