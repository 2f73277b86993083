"""Finished SQL, handed to SQLite's driver itself.

SQLAlchemy's way there takes longer than the statement does, and meanwhile nothing else of the
process runs. What fails arrives as SQLAlchemy's errors all the same. Knows no table.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Values: TypeAlias = tuple[Any, ...]
"""By their places in a statement."""


def drive(connection: Connection, text: str, values: Values = ()) -> tuple[Sequence[Any], int]:
    """One statement: the rows it returned, and how many it wrote (-1: it is none that writes).

    Raises what `Connection.execute` raises. Begins nothing.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text, values)
        return cursor.fetchall(), cursor.rowcount
    except sqlite3.Error as error:
        raise _wrapped(connection, text, error) from error
    finally:
        cursor.close()


def drive_all(connection: Connection, text: str, rows: Sequence[Values]) -> None:
    """The same statement for each of the rows; it must return nothing."""
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(text, rows)
    except sqlite3.Error as error:
        raise _wrapped(connection, text, error) from error
    finally:
        cursor.close()


def _wrapped(connection: Connection, text: str, error: sqlite3.Error) -> Exception:
    """Without the values, as everywhere in the store: signed transactions are among them."""
    dialect = connection.dialect
    return DBAPIError.instance(
        text, None, error, sqlite3.Error, hide_parameters=True, dialect=dialect
    )
