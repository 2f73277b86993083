from collections.abc import Sequence

import pytest

from fleet.store.engine import Database, open_database
from fleet.store.outbox import StoredOutbox, enqueue, prune_outbox
from fleet.telemetry.messages import Message, Pending
from fleet.telemetry.storms import Group
from units import BlockNumber, Timestamp

NOW = Timestamp(1_700_000_000)
LATER = Timestamp(NOW + 100)
ALL = frozenset({"page", "notify", "inform", "digest"})


def message(id_: str, severity: str = "notify") -> Message:
    return Message(
        id=id_,
        severity=severity,
        title="title",
        body="two\nlines",
        block=BlockNumber(7),
        created_at=NOW,
    )


async def add(database: Database, *messages: Message) -> frozenset[str]:
    async with database.writing() as connection:
        return await enqueue(connection, messages)


async def waiting(
    outbox: StoredOutbox, channel: str = "one", now: Timestamp = NOW, limit: int = 10
) -> Sequence[str]:
    return [found.message.id for found in await outbox.pending(channel, ALL, now, limit)]


async def test_enqueue__known_id__left_alone_and_not_reported_new(database: Database) -> None:
    first = await add(database, message("a"))
    second = await add(database, message("a"), message("b"), message("b"))

    assert (sorted(first), sorted(second)) == (["a"], ["b"])
    assert await waiting(StoredOutbox(database)) == ["a", "b"]


async def test_enqueue__more_than_one_statement_may_ask_for__all_found(database: Database) -> None:
    many = [message(str(n)) for n in range(1200)]
    await add(database, *many)

    assert await add(database, *many, message("new")) == {"new"}


def group(*ids: str, attempts: int = 0) -> Group:
    return tuple(Pending(message=message(id_), attempts=attempts) for id_ in ids)


async def test_close__a_storm__all_of_it_in_one_write(database: Database) -> None:
    many = [str(n) for n in range(1200)]
    await add(database, *map(message, many), message("new"))
    outbox = StoredOutbox(database)

    await outbox.postpone(group(*many), "one", NOW)
    await outbox.close(group(*many, attempts=1), "one", NOW)

    assert await waiting(outbox, limit=2_000) == ["new"]


async def test_pending__order__most_urgent_then_oldest(database: Database) -> None:
    await add(database, message("a", "digest"), message("b"), message("c", "page"), message("d"))
    outbox = StoredOutbox(database)

    assert await waiting(outbox) == ["c", "b", "d", "a"]
    assert await waiting(outbox, limit=2) == ["c", "b"]


async def test_pending__message__comes_back_as_it_went_in(database: Database) -> None:
    await add(database, message("a", "page"))

    (pending,) = await StoredOutbox(database).pending("one", frozenset({"page"}), NOW, 1)

    assert (pending.message, pending.attempts) == (message("a", "page"), 0)


async def test_close__one_channel__the_other_still_waits(database: Database) -> None:
    await add(database, message("a"))
    outbox = StoredOutbox(database)

    await outbox.close(group("a"), "one", NOW)

    assert (await waiting(outbox, "one"), await waiting(outbox, "two")) == ([], ["a"])


async def test_postpone__until_then__not_pending_and_attempts_counted(database: Database) -> None:
    await add(database, message("a"))
    outbox = StoredOutbox(database)
    await outbox.postpone(group("a"), "one", LATER)
    await outbox.postpone(group("a", attempts=1), "one", LATER)

    (pending,) = await outbox.pending("one", ALL, LATER, 1)

    assert await waiting(outbox, now=Timestamp(LATER - 1)) == []
    assert pending.attempts == 2


async def test_settle__every_channel_done__settled_and_forgotten_when_old(
    database: Database,
) -> None:
    await add(database, message("a"), message("b"))
    outbox = StoredOutbox(database)
    served = {"notify": frozenset({"one", "two"})}
    await outbox.close(group("a"), "one", NOW)
    await outbox.close(group("a"), "two", NOW)
    await outbox.close(group("b"), "one", NOW)

    assert await outbox.settle(served, NOW) == 1
    assert await waiting(outbox, "three") == ["b"]
    assert await prune_outbox(database, NOW) == 0
    assert await prune_outbox(database, LATER) == 1
    assert await add(database, message("a"), message("b")) == {"a"}


async def test_close__survives_a_reopening(store_url: str) -> None:
    first = await open_database(store_url)
    await add(first, message("a"), message("b"))
    await StoredOutbox(first).close(group("a"), "one", NOW)
    await first.close()

    second = await open_database(store_url)
    left = await waiting(StoredOutbox(second))
    await second.close()

    assert left == ["b"]


@pytest.mark.parametrize("severities", [frozenset({"page"}), frozenset[str]()])
async def test_pending__other_severities__not_for_this_channel(
    database: Database, severities: frozenset[str]
) -> None:
    await add(database, message("a", "notify"))

    assert await StoredOutbox(database).pending("one", severities, NOW, 10) == ()
