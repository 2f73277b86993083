"""The store as one file and back, for which no node needs to answer."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fleet.settings import Settings
from fleet.store.backup import back_up, restore
from fleet.store.engine import Database, open_database
from units import Address


class Backups:
    """Implements `fleet.cli.ports.Backups`.

    Args:
        settings: say where the store is.
        archive: opens one that was used, and is this exchange's.
    """

    def __init__(self, *, settings: Settings, archive: Callable[[], Awaitable[Database]]) -> None:
        self._settings = settings
        self._archive = archive

    async def write(self, file: Path) -> Mapping[str, int]:
        """Writes the whole store into a file; how many rows of each table. Raises StoreError."""
        return (await back_up(await self._archive(), file)).rows

    async def restore(self, file: Path) -> Mapping[str, int]:
        """Fills the empty store from such a file; the same. Raises StoreError."""
        database = await open_database(self._settings.store_address)
        try:
            world = self._settings
            copied = await restore(
                database,
                file,
                chain_id=world.network.chain_id,
                exchange=Address(world.contracts.exchange),
            )
            return copied.rows
        finally:
            await database.close()
