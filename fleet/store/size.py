"""How much disk the store takes, as its database says."""

from sqlalchemy import text

from fleet.store.engine import Database

_QUERIES = {
    "sqlite": text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"),
    "postgresql": text("SELECT pg_database_size(current_database())"),
}


async def read_size(database: Database) -> int:
    """Bytes, without SQLite's log of changes, which is emptied by itself."""
    async with database.reading() as connection:
        return int(await connection.scalar(_QUERIES[connection.dialect.name]) or 0)
