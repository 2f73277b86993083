"""Quotes wait for company, and never for the price."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from fleet.store.engine import Database
from fleet.store.quotes import Said, read_quotes
from fleet.wiring import quoting
from fleet.wiring.quoting import Quotebook
from oracle.feeder import FeedOutcome
from oracle.plan import FeedPlan
from oracle.quotes import Quote as SourceQuote
from oracle.quotes import Standing
from tests.unit.fleet.store.conftest import database, postgres, store_url  # noqa: F401 - fixtures
from tests.unit.oracle.simulated import SN, TAO, SimulatedSubtensor, source_head, world
from units import BlockHash, BlockNumber, Netuid, PositionId, Rao


def flat(netuid: Netuid, block: int) -> Rao | None:
    return Rao(TAO)


class Store:
    """Opens the database, or fails as one that is locked."""

    def __init__(self, opened: Database) -> None:
        self.database = opened
        self.is_locked = False

    async def open(self) -> Database:
        if self.is_locked:
            raise OperationalError("insert", None, Exception("database is locked"))
        return self.database

    async def blocks(self, *numbers: int) -> list[int]:
        return sorted(await read_quotes(self.database, [BlockNumber(n) for n in numbers]))


@pytest.fixture
def store(database: Database) -> Store:  # noqa: F811 - the fixture
    return Store(database)


async def steps(*blocks: int, falling: tuple[PositionId, ...] = ()) -> list[FeedOutcome]:
    ran = world(flat)
    ran.risk.falling = falling
    return [await ran.feeder.step(source_head(number)) for number in blocks]


async def test_note__enough_blocks__are_written_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quoting, "WRITTEN_AT", 3)
    book = Quotebook(opened=store.open)
    first, second, third = await steps(95, 96, 97)
    await book.note(first)
    await book.note(second)
    assert await store.blocks(95, 96, 97) == []
    await book.note(third)
    assert await store.blocks(95, 96, 97) == [95, 96, 97]
    found = await read_quotes(store.database, [BlockNumber(96)])
    assert found[BlockNumber(96)].prices == {SN: TAO}
    assert found[BlockNumber(96)].hash == source_head(96).hash


async def test_note__somebody_is_liquidated__is_written_at_once(store: Store) -> None:
    book = Quotebook(opened=store.open)
    alone, along = await steps(95, 96, falling=(PositionId(bytes(16)),))
    await book.note(alone)
    assert await store.blocks(95) == []
    assert along.push is not None
    assert along.push.publication.liquidations
    await book.note(along)
    assert await store.blocks(95, 96) == [95, 96]


async def test_note__store_takes_nothing__the_step_goes_on_and_the_quotes_follow(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quoting, "WRITTEN_AT", 1)
    book = Quotebook(opened=store.open)
    first, second = await steps(95, 96)
    store.is_locked = True
    await book.note(first)
    store.is_locked = False
    await book.note(second)
    assert await store.blocks(95, 96) == [95, 96]


async def test_note__nothing_was_read__is_nothing(store: Store) -> None:
    silent = world(flat)
    assert isinstance(silent.source, SimulatedSubtensor)
    silent.source.outage = "down"
    book = Quotebook(opened=store.open)
    outcome = await silent.feeder.step(source_head(95))
    await book.note(outcome)
    assert quoting.quote_of(outcome) is None


async def test_quote_of__endpoints_that_said_something_else__are_kept_with_what_they_said(
    store: Store,
) -> None:
    (outcome,) = await steps(95)
    assert isinstance(outcome.plan, FeedPlan)
    quotes = (
        SourceQuote(endpoint="a", operator="a", standing=Standing.AGREES, prices={SN: TAO}),
        SourceQuote(
            endpoint="b",
            operator="b",
            standing=Standing.DISAGREES,
            hash=BlockHash("0xab"),
            prices={SN: Rao(7), Netuid(99): Rao(8)},
        ),
        SourceQuote(endpoint="c", operator="c", standing=Standing.UNREACHABLE),
    )
    found = quoting.quote_of(replace(outcome, plan=replace(outcome.plan, quotes=quotes)))
    assert found is not None
    assert found.said == {
        "a": Said(standing="agrees"),
        "b": Said(standing="disagrees", hash=BlockHash("0xab"), prices={SN: Rao(7)}),
        "c": Said(standing="unreachable"),
    }
    assert found.verdicts == {SN: "accepted"}
