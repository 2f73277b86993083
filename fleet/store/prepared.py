"""Inserts that are compiled once, for what is on every transaction's way out.

SQLAlchemy takes several times as long for one as SQLite does, and meanwhile nothing else of the
process runs. A server is waited for much longer than either: there it is done as ever.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Insert, ReturningInsert

Row = dict[str, Any]
"""Values by the names of columns; NULL where a column is left out."""


class PreparedInsert:
    """One insert whose values need no conversion: text, integers, bytes and NULL."""

    def __init__(self, statement: Insert | ReturningInsert[Any]) -> None:
        self._statement = statement
        compiled = statement.compile(dialect=sqlite.dialect())
        self._text = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._constants = dict(compiled.params)

    def run(self, connection: Connection, row: Row) -> CursorResult[Any]:
        """Inserts one row. Raises what `Connection.execute` raises."""
        if connection.dialect.name != sqlite.dialect.name:
            return connection.execute(self._statement, row)
        return connection.exec_driver_sql(self._text, self._values(row))

    def run_all(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Inserts as many as there are. Raises what `Connection.execute` raises."""
        if not rows:
            return
        if connection.dialect.name != sqlite.dialect.name:
            connection.execute(self._statement, rows)
        else:
            connection.exec_driver_sql(self._text, [self._values(row) for row in rows])

    def _values(self, row: Row) -> tuple[Any, ...]:
        values = self._constants | row
        return tuple(values[name] for name in self._names)
