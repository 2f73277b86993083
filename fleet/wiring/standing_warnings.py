"""A daemon's warnings bot: one keeper, as long as the exchange's tiers stay what they are.

The tiers are read again whenever the book was rebuilt: a change of them is one of the reasons for
which it is, and behind any other one a change may have gone unseen.
"""

from collections.abc import Awaitable, Callable

from keepers.liquidation.exchange_log import Unreadable
from keepers.warnings.keeper import WarningsKeeper
from units import Bps

Tiers = tuple[Bps, ...] | Unreadable


class StandingWarnings:
    """Gives the keeper of the tiers that hold; its memory is the store's, so it can be replaced.

    Args:
        read: the tiers that hold now.
        made: a keeper of the tiers read last; raises ChainError where they were unreadable.
        rebuilds: how often the book was rebuilt so far.
    """

    def __init__(
        self,
        *,
        read: Callable[[], Awaitable[Tiers]],
        made: Callable[[], WarningsKeeper],
        rebuilds: Callable[[], int],
    ) -> None:
        self._read = read
        self._made = made
        self._rebuilds = rebuilds
        self._standing: tuple[WarningsKeeper, Tiers] | None = None
        self._read_at: int | None = None

    async def keeper(self) -> WarningsKeeper:
        """The keeper; raises ChainError as long as the tiers are unreadable."""
        rebuilds, standing = self._rebuilds(), self._standing
        if standing is not None and rebuilds == self._read_at:
            return standing[0]
        tiers = await self._read()
        if standing is None or tiers != standing[1]:
            standing = self._made(), tiers
        self._standing, self._read_at = standing, rebuilds
        return standing[0]
