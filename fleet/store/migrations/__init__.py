"""How a store of older tables becomes one of today's: one history for every database.

A version is a module in `versions/`, named by its number; Alembic applies them in their order,
inside the caller's transaction. Stores from before the history say their version in `stamp.schema`,
which every version keeps at its own number, so that an old program refuses what it does not know.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from fleet.store.tables import SCHEMA

FIRST = 5
"""The version at which the history begins."""

_FOLDER = Path(__file__).parent
_VERSION_TABLE = "alembic_version"
_RECORDED = text("SELECT version_num FROM alembic_version")
_OLD = text("SELECT schema FROM stamp")


class VersionError(Exception):
    """The store's tables are not this program's; the text goes on from "the store X "."""


def bring_up_to_date(connection: Connection) -> None:
    """Makes the tables of a new store, or changes those of an older one, as a whole.

    Must be called with the write lock, so that of two processes only one does it.

    Raises:
        VersionError: the store is newer than this program, or older than the history.
    """
    tables = inspect(connection)
    is_recorded = tables.has_table(_VERSION_TABLE)
    is_new = not is_recorded and not tables.has_table("stamp")
    found = 0 if is_new else _version_of(connection, is_recorded=is_recorded)
    if found == SCHEMA and is_recorded:
        return
    if not is_new:
        _refuse(found)
    _apply(connection, adopted=None if is_new or is_recorded else found)


def _version_of(connection: Connection, *, is_recorded: bool) -> int:
    found = connection.scalar(_RECORDED if is_recorded else _OLD)
    if found is None:
        raise VersionError("has tables of an older program and nothing in them: remove it")
    return int(found)


def _refuse(found: int) -> None:
    if found > SCHEMA:
        raise VersionError(
            f"was written with tables of version {found} by a newer program,"
            f" this one knows {SCHEMA}"
        )
    if found < FIRST:
        raise VersionError(
            f"was written with tables of version {found}, this program goes on from {FIRST}"
        )


def _apply(connection: Connection, *, adopted: int | None) -> None:
    """All versions that are missing; `adopted` is that of a store from before the history."""
    from alembic import command  # noqa: PLC0415 - a tenth of a second that few starts need
    from alembic.config import Config  # noqa: PLC0415 - likewise

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    if adopted is not None:
        command.stamp(config, str(adopted))
    command.upgrade(config, "head")
