"""What time it is by the database, as SQL: the one clock that all holders of a lease share."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class database_ms(GenericFunction[int]):  # noqa: N801 - written like every function of SQL
    """Milliseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_ms)
def _of_a_server(element: database_ms, compiler: SQLCompiler, **_: Any) -> str:
    """Of the moment, not of the beginning of the transaction: that may have waited for a lock."""
    del element, compiler
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(database_ms, "sqlite")
def _of_sqlite(element: database_ms, compiler: SQLCompiler, **_: Any) -> str:
    del element, compiler
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
