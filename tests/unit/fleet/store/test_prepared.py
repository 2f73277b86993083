"""Inserts compiled once, beside the same inserts as SQLAlchemy does them."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from fleet.store.prepared import PreparedInsert

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(20), nullable=False, unique=True),
    Column("raw", LargeBinary),
    Column("of", Integer),
)
PREPARED = PreparedInsert(insert(TABLE))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        yield connection
    engine.dispose()


def written(connection: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.id))]


def test_run__a_row_with_a_column_left_out__is_what_sqlalchemy_writes(
    connection: Connection,
) -> None:
    row = {"name": "it's", "raw": b"\x00'\xff"}
    connection.execute(insert(TABLE).values(row | {"name": "other"}))
    PREPARED.run(connection, row)
    first, second = written(connection)
    assert first[2:] == second[2:] == (b"\x00'\xff", None)
    assert second[1] == "it's"


def test_run__it_returns_something__is_there(connection: Connection) -> None:
    returning = PreparedInsert(insert(TABLE).returning(TABLE.c.id))
    found = [returning.run(connection, {"name": each}).scalars().all() for each in "ab"]
    assert found == [[1], [2]]


def test_run_all__many_and_none__are_all_written(connection: Connection) -> None:
    PREPARED.run_all(connection, [])
    PREPARED.run_all(connection, [{"name": each, "of": ord(each)} for each in "xyz"])
    assert [(name, of) for _, name, _, of in written(connection)] == [
        ("x", 120),
        ("y", 121),
        ("z", 122),
    ]


def test_run__a_rule_of_the_table_is_broken__is_refused_as_ever(connection: Connection) -> None:
    PREPARED.run(connection, {"name": "one"})
    for row in ({"name": "one"}, {"name": None}):
        with pytest.raises(IntegrityError):
            PREPARED.run(connection, row)


def test_run__constants_of_the_statement__are_part_of_it(connection: Connection) -> None:
    columns = [TABLE.c.name, TABLE.c.of]
    source = select(TABLE.c.name + "'", TABLE.c.of + 5).where(TABLE.c.name == "one")
    PREPARED.run(connection, {"name": "one", "of": 7})
    copied = PreparedInsert(insert(TABLE).from_select(columns, source, include_defaults=False))
    copied.run(connection, {})
    assert [row[1:] for row in written(connection)] == [("one", None, 7), ("one'", None, 12)]
