"""Prices by market and block."""

from tests.unit.oracle.simulated import TAO, PriceAt
from units import Netuid, Rao


def flat(_netuid: Netuid, _block: int) -> Rao:
    return TAO


def rising(_netuid: Netuid, block: int) -> Rao:
    """A price that is due in every block."""
    return Rao(TAO + block * 2 * TAO // 1_000)


def stepping(*steps: tuple[int, int]) -> PriceAt:
    """A price from each block on."""

    def price(_netuid: Netuid, at: int) -> Rao:
        return Rao([rao for block, rao in ((0, TAO), *steps) if block <= at][-1])

    return price
