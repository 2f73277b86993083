"""The book's file: whole or not there, whatever happens while it is written."""

from pathlib import Path

import pytest

from fleet.store.checkpoint import CheckpointFile
from keepers.liquidation.book import Book, open_book
from keepers.liquidation.checkpoint import Stamp
from keepers.liquidation.keeping import NoCheckpoint
from tests.unit.keepers.liquidation.examples import TRADER
from tests.unit.keepers.liquidation.following import opens
from tests.unit.keepers.liquidation.simulated import SimulatedExchange

STAMP = Stamp(chain_id=964, exchange=TRADER)


def book_of(count: int) -> Book:
    exchange = SimulatedExchange()
    for number in range(1, count + 1):
        exchange.grow(opens(number))
    return open_book(exchange.tip.snapshot())


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_load__nothing_was_saved__says_so(tmp_path: Path) -> None:
    found = await CheckpointFile(tmp_path / "book", STAMP).load()
    assert found == NoCheckpoint(reason="none was saved yet")


async def test_load__saved_twice__is_the_later_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "book", STAMP)
    await file.save(book_of(2))
    await file.save(book_of(3))
    assert await file.load() == book_of(3)
    assert names_in(tmp_path) == ["book"]


async def test_load__damaged__is_no_checkpoint(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "book", STAMP)
    await file.save(book_of(2))
    (tmp_path / "book").write_bytes((tmp_path / "book").read_bytes()[:-1])
    found = await file.load()
    assert isinstance(found, NoCheckpoint)
    assert "damaged" in found.reason


async def test_save__its_folder_is_gone__is_no_error_of_the_bot(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "gone" / "book", STAMP)
    await file.save(book_of(1))
    assert isinstance(await file.load(), NoCheckpoint)


async def test_save__cannot_take_the_place__leaves_nothing_half_written(tmp_path: Path) -> None:
    taken = tmp_path / "book"
    taken.mkdir()
    await CheckpointFile(taken, STAMP).save(book_of(1))
    assert names_in(tmp_path) == ["book"]


@pytest.mark.parametrize("other", [Stamp(chain_id=945, exchange=TRADER)])
async def test_load__of_another_chain__is_no_checkpoint(tmp_path: Path, other: Stamp) -> None:
    await CheckpointFile(tmp_path / "book", STAMP).save(book_of(1))
    assert isinstance(await CheckpointFile(tmp_path / "book", other).load(), NoCheckpoint)
