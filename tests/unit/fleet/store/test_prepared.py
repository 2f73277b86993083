"""Statements made once do what SQLAlchemy's own do, on both databases."""

from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    exists,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from fleet.store.engine import Database
from fleet.store.prepared import Prepared

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(20), nullable=False, unique=True),
    Column("raw", LargeBinary),
    Column("of", Integer),
    Column("is_odd", Boolean),
    Column("more", JSON),
)
NAMED = TABLE.c.name == bindparam("named")
ROW = {"id": 1, "name": "it's", "raw": b"\x00'\xff", "of": 2**31 - 1}
OTHER = {"id": 2, "name": "€", "raw": None, "of": None}
INSERT = Prepared(insert(TABLE), columns=tuple(ROW))
SELECT = Prepared(select(TABLE.c.raw, TABLE.c.of).where(NAMED))


@pytest.fixture
async def things(database: Database) -> Database:
    await database.write(TABLE.metadata.create_all)
    return database


def written(connection: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.id))]


async def test_run__insert__is_read_back_and_a_column_left_out_is_null(things: Database) -> None:
    assert await things.write(lambda connection: INSERT.run(connection, ROW)) == 1
    assert await things.write(written) == [(1, "it's", b"\x00'\xff", 2**31 - 1, None, None)]


async def test_run_all__many_and_none__are_all_written(things: Database) -> None:
    await things.write(lambda connection: INSERT.run_all(connection, []))
    assert await things.write(written) == []
    await things.write(lambda connection: INSERT.run_all(connection, [ROW, OTHER]))
    assert [row[1] for row in await things.write(written)] == ["it's", "€"]


async def test_rows__select__gives_values_as_they_were_written(things: Database) -> None:
    def work(connection: Connection) -> list[tuple[Any, ...]]:
        INSERT.run_all(connection, [ROW, OTHER])
        names = ("it's", "€", "nobody")
        return [tuple(row) for name in names for row in SELECT.rows(connection, {"named": name})]

    assert await things.write(work) == [(b"\x00'\xff", 2**31 - 1), (None, None)]


async def test_rows__insert_that_returns__gives_what_it_wrote(things: Database) -> None:
    returning = Prepared(insert(TABLE).returning(TABLE.c.id, TABLE.c.raw), columns=tuple(ROW))
    (found,) = await things.write(lambda connection: returning.rows(connection, ROW))
    assert tuple(found) == (1, b"\x00'\xff")


async def test_run__update_and_delete__write_the_rows_of_their_condition_and_count_them(
    things: Database,
) -> None:
    change = Prepared(update(TABLE).where(NAMED), columns=("of", "is_odd"))
    drop = Prepared(delete(TABLE).where(NAMED))

    def work(connection: Connection) -> list[int]:
        INSERT.run_all(connection, [ROW, OTHER])
        new = {"of": 7, "is_odd": True}
        changed = [change.run(connection, new | {"named": name}) for name in ("it's", "x")]
        return changed + [drop.run(connection, {"named": name}) for name in ("€", "x")]

    assert await things.write(work) == [1, 0, 1, 0]
    assert await things.write(written) == [(1, "it's", b"\x00'\xff", 7, True, None)]


async def test_run__constants_of_the_statement__are_part_of_it(things: Database) -> None:
    there = exists(select(TABLE.c.id).where(TABLE.c.name == "€", TABLE.c.id == 2))
    change = Prepared(update(TABLE).where(NAMED, there), columns=("of",))

    def work(connection: Connection) -> list[int]:
        INSERT.run(connection, ROW)
        before = change.run(connection, {"of": 5, "named": "it's"})
        INSERT.run(connection, OTHER)
        return [before, change.run(connection, {"of": 5, "named": "it's"})]

    assert await things.write(work) == [0, 1]


async def test_run__a_rule_of_the_table_is_broken__is_refused_as_ever_and_nothing_stays(
    things: Database,
) -> None:
    for bad in (OTHER | {"name": "it's"}, OTHER | {"name": None}):

        def once(connection: Connection, row: dict[str, Any] = bad) -> None:
            INSERT.run(connection, ROW)
            INSERT.run(connection, row)

        def together(connection: Connection, row: dict[str, Any] = bad) -> None:
            INSERT.run_all(connection, [ROW, row])

        for work in (once, together):
            with pytest.raises(IntegrityError) as refused:
                await things.write(work)
            assert "it's" not in str(refused.value), "signed transactions are among the values"
            assert await things.write(written) == []


async def test_run__no_such_table__is_what_sqlalchemy_raises(database: Database) -> None:
    errors: list[BaseException] = []
    for work in (
        lambda connection: SELECT.rows(connection, {"named": "x"}),
        lambda connection: connection.execute(select(TABLE.c.raw)).all(),
    ):
        with pytest.raises(Exception, match="things") as found:
            await database.write(work)
        errors.append(found.value)
    assert type(errors[0]) is type(errors[1])


async def test_run__a_value_missing_or_too_many__is_refused_before_anything_is_asked(
    things: Database,
) -> None:
    def wrong(connection: Connection) -> None:
        for row in ({}, {"named": "x", "nmaed": "x"}):
            with pytest.raises(ValueError, match=r"named|nmaed"):
                SELECT.rows(connection, row)
        with pytest.raises(ValueError, match="raw"):
            INSERT.run_all(connection, [ROW, {"id": 2, "name": "b", "of": 1}])

    await things.write(wrong)
    assert await things.write(written) == []


@pytest.mark.parametrize(
    "statement",
    [select(TABLE.c.is_odd), select(TABLE.c.more), insert(TABLE)],
    ids=["a truth that would be read as a number", "JSON read", "JSON written"],
)
def test_prepared__values_that_are_converted_on_their_way__are_refused(statement: Any) -> None:
    with pytest.raises(TypeError, match="converted"):
        Prepared(statement)


def test_run__outside_a_transaction__begins_one_as_sqlalchemy_does() -> None:
    engine = create_engine("sqlite://", isolation_level=None)
    with engine.connect() as connection:
        TABLE.metadata.create_all(connection)
        connection.commit()
        assert not connection.in_transaction()
        INSERT.run(connection, ROW)
        assert connection.in_transaction()
        connection.rollback()
    engine.dispose()
