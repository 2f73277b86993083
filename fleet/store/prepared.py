"""Statements that are made once: those that every transaction's life is written with.

To make one takes SQLAlchemy several times as long as SQLite takes to do it, and meanwhile nothing
else of the process runs. A server is waited for much longer than either: there SQLAlchemy does
them as ever, and is only spared the making.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, Select, String, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Delete, Insert, ReturningInsert, Update
from sqlalchemy.types import TypeEngine

from fleet.store.driver import Values, drive, drive_all

Row: TypeAlias = dict[str, Any]
"""Values by the names of columns and parameters: of all that a statement has, and no others."""

Statement: TypeAlias = Select[Any] | Insert | ReturningInsert[Any] | Update | Delete

_SQLITE = sqlite.dialect()
_READ_AS_WRITTEN = frozenset({Integer, BigInteger, String, Text, LargeBinary})
_WRITTEN_AS_GIVEN = _READ_AS_WRITTEN | {Boolean}


class Prepared:
    """One statement, its values named by `bindparam`, and by columns where it inserts or updates.

    `columns` are those that it writes; None: all of the table.

    A parameter of an update must not be named as a column: SQLAlchemy takes that for a new value.
    Raises TypeError for values that would have to be converted on their way.
    """

    def __init__(self, statement: Statement, *, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        compiled = statement.compile(dialect=_SQLITE, column_keys=columns)
        binds = compiled.binds
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._asked = frozenset(name for name in self._names if binds[name].required)
        self._constants = {n: v for n, v in compiled.params.items() if n not in self._asked}
        _refuse_others([binds[name].type for name in self._names], _WRITTEN_AS_GIVEN)
        _refuse_others([each.type for each in statement.exported_columns], _READ_AS_WRITTEN)

    def rows(self, connection: Connection, row: Row) -> Sequence[Sequence[Any]]:
        """What it returns. Raises what `Connection.execute` raises."""
        self._check(row)
        if connection.dialect.name != _SQLITE.name:
            return connection.execute(self._statement, row).all()
        return drive(_begun(connection), self._text, self._values(row))[0]

    def run(self, connection: Connection, row: Row) -> int:
        """Writes; returns how many rows. Raises what `Connection.execute` raises."""
        self._check(row)
        if connection.dialect.name != _SQLITE.name:
            return connection.execute(self._statement, row).rowcount
        return drive(_begun(connection), self._text, self._values(row))[1]

    def run_all(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Writes as many as there are. Raises what `Connection.execute` raises."""
        for row in rows:
            self._check(row)
        if not rows:
            return
        if connection.dialect.name != _SQLITE.name:
            connection.execute(self._statement, rows)
        else:
            drive_all(_begun(connection), self._text, [self._values(row) for row in rows])

    def _check(self, row: Row) -> None:
        """Else what was left out would be NULL, and a condition on it never true."""
        if row.keys() != self._asked:
            wrong = ", ".join(sorted(row.keys() ^ self._asked))
            raise ValueError(f"too many values or too few: {wrong}")

    def _values(self, row: Row) -> Values:
        values = self._constants | row
        return tuple([values[name] for name in self._names])


def _refuse_others(types: Sequence[TypeEngine[Any]], known: frozenset[type]) -> None:
    for each in types:
        if type(each) not in known:
            raise TypeError(f"{each!r} is converted between Python and SQLite")


def _begun(connection: Connection) -> Connection:
    """SQLAlchemy begins a transaction with whatever is executed first; the driver does not."""
    if not connection.in_transaction():
        connection.begin()
    return connection
