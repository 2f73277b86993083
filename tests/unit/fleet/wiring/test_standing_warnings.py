"""Which tiers a daemon warns by, and what makes it look for others."""

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.wiring.standing_warnings import StandingWarnings, Tiers
from keepers.liquidation.exchange_log import Unreadable
from keepers.warnings.keeper import WarningsKeeper
from tests.unit.keepers.warnings.scripted import Disk, World, keeper
from units import Bps

LOOSE, TIGHT = (Bps(3_500), Bps(2_000)), (Bps(4_000), Bps(3_000))
UNREAD = Unreadable(reason="the node does not answer")


class Exchange:
    """Tiers that the admin sets, and a book that is rebuilt."""

    def __init__(self) -> None:
        self.tiers: Tiers = LOOSE
        self.rebuilds = 0
        self.reads = 0
        self.standing = StandingWarnings(
            read=self._read, made=self._made, rebuilds=lambda: self.rebuilds
        )

    async def _read(self) -> Tiers:
        self.reads += 1
        return self.tiers

    def _made(self) -> WarningsKeeper:
        if isinstance(self.tiers, Unreadable):
            raise NodeUnavailable(self.tiers.reason)
        return keeper(World(), Disk())


async def test_keeper__nothing_happens__is_one_and_reads_once() -> None:
    exchange = Exchange()
    assert await exchange.standing.keeper() is await exchange.standing.keeper()
    assert exchange.reads == 1


async def test_keeper__book_rebuilt_and_tiers_as_before__keeps_its_memory() -> None:
    exchange = Exchange()
    first = await exchange.standing.keeper()
    exchange.rebuilds += 1
    assert await exchange.standing.keeper() is first
    assert await exchange.standing.keeper() is first
    assert exchange.reads == 2


async def test_keeper__tiers_changed_on_the_exchange__is_another() -> None:
    exchange = Exchange()
    first = await exchange.standing.keeper()
    exchange.tiers = TIGHT
    exchange.rebuilds += 1
    second = await exchange.standing.keeper()
    assert second is not first
    assert await exchange.standing.keeper() is second


async def test_keeper__tiers_unreadable__fails_until_they_are_read() -> None:
    exchange = Exchange()
    first = await exchange.standing.keeper()
    exchange.tiers, exchange.rebuilds = UNREAD, 1
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            await exchange.standing.keeper()
    exchange.tiers = LOOSE
    assert await exchange.standing.keeper() is first
