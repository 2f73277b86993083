"""How fast a book is had again: from logs, and from a checkpoint. Processor time of this thread."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any, Final

import numpy as np
from hexbytes import HexBytes
from numpy.typing import NDArray
from web3 import Web3

from bench.crowd import MARKETS, PRICE, markets_at, table_of
from bench.figure import Benchmark, Figure, Scale, Series
from keepers.liquidation.book import Book, follow, open_book
from keepers.liquidation.checkpoint import Stamp, freezing, sealed, thawed
from keepers.liquidation.positions import BookSnapshot
from keepers.liquidation.rows import Rows, rows_of
from keepers.liquidation.steps import finished
from keepers.liquidation.table import Table
from keepers.liquidation.versions import Positions
from protocol.abi import entry, topic
from protocol.columns import record_layout
from protocol.events import RawLog, block_events
from protocol.moves import reading
from protocol.reading import PAGE_IDS
from protocol.views import position_rows
from protocol.words import WORD, uint
from units import (
    Address,
    BlockHash,
    BlockNumber,
    FundingIndex,
    Head,
    Timestamp,
)

_FIRST: Final = 1_000
_REPEATS: Final = 5
_LOGS_A_BLOCK: Final = 100
_LOGS_EACH: Final = 100  # logs for each transaction of the scale: 20,000 at the standard
_BASELINE_SHARE: Final = 40  # web3 decodes one log in so many
STAMP: Final = Stamp(chain_id=964, exchange=Address("0x" + "00" * 20))


class WrongBookError(Exception):
    """What was read is not what was written: its speed is no figure."""


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Logs, then a checkpoint, run by run."""
    logs = stream(scale.transactions * _LOGS_EACH)
    runs: list[tuple[float, float, float, float]] = []
    table = table_of(scale.positions)
    for _ in range(scale.runs):
        runs.append((_folded(logs, table), _by_web3(logs), *_restored(table)))
        tick()
    ours, theirs, restore, rebuild = (Series(runs=each) for each in zip(*runs, strict=True))
    return (
        Figure(
            name=f"logs decoded and folded into a book of {scale.positions:,}",
            unit="events/s",
            fleet=ours,
            baseline=theirs,
            baseline_is="web3.py's process_log, which folds nothing",
        ),
        Figure(
            name=f"restore of {scale.positions:,} positions from a checkpoint",
            unit="s",
            fleet=restore,
            baseline=rebuild,
            baseline_is="the book from the answers of the views, once a node has given them",
        ),
    )


def _folded(logs: Sequence[RawLog], table: Table) -> float:
    before, seconds = crowded_book(table), []
    head = head_of(int(logs[-1]["blockNumber"], 16))
    for _ in range(_REPEATS):
        began = thread_time()
        book = follow(before, finished(reading(logs)), head)
        seconds.append(thread_time() - began)
        assert before.positions.table is table, "asked for, it is as it was"
    if book.positions != follow(before, block_events(logs), head).positions:
        raise WrongBookError("the events one by one give another book")
    assert before.positions.table is table, "asked for, it is as it was"
    return len(logs) / median(seconds)


def _by_web3(logs: Sequence[RawLog]) -> float:
    events = [entry("Exchange", "event", name) for name in ("PositionOpened", "PositionClosed")]
    contract = Web3().eth.contract(abi=events)
    readers: dict[str, Any] = {
        topic("Exchange", "PositionOpened"): contract.events.PositionOpened(),
        topic("Exchange", "PositionClosed"): contract.events.PositionClosed(),
    }
    received = [_as_web3(log) for log in logs[::_BASELINE_SHARE]]
    began = thread_time()
    for log in received:
        readers[log["topics"][0].to_0x_hex()].process_log(log)
    return len(received) / (thread_time() - began)


def _restored(table: Table) -> tuple[float, float]:
    book = crowded_book(table)
    with TemporaryDirectory(prefix="keepers-bench-") as folder:
        file = Path(folder) / "book"
        with file.open("wb") as written:
            written.writelines(sealed(finished(freezing(book, STAMP))))
        began = thread_time()
        found = thawed(file.read_bytes(), STAMP)
        restore = thread_time() - began
    if len(found.positions) != len(book.positions):
        raise WrongBookError(f"{len(found.positions)} positions of {len(book.positions)}")
    return restore, _rebuilt(book)


def _rebuilt(book: Book) -> float:
    """From what a node answers for each thousand positions to a book that answers."""
    seconds, pages = 0.0, list[NDArray[np.uint8]]()
    every = rows_of(book.positions.table.records())
    for start in range(0, len(every), PAGE_IDS):
        answer = _answered(every[start : start + PAGE_IDS])
        began = thread_time()
        pages.append(position_rows(answer).records)
        seconds += thread_time() - began
    began = thread_time()
    markets = tuple(book.markets.values())
    rows = Rows(np.concatenate(pages))
    again = open_book(BookSnapshot(head=book.head, markets=markets, positions=rows))
    seconds += thread_time() - began
    if len(again.positions) != len(book.positions):
        raise WrongBookError(f"{len(again.positions)} positions of {len(book.positions)}")
    return seconds


def _answered(records: NDArray[np.uint8]) -> bytes:
    """What `positionsById` returns for positions whose entry index is not negative."""
    layout = record_layout(holder=2, market=3, sequence=1)
    words = np.zeros((len(records), layout.words * WORD), dtype=np.uint8)
    words[:, layout.order] = records
    return uint(WORD) + uint(len(records)) + words.tobytes()


def stream(count: int) -> list[RawLog]:
    """Positions opened and closed at random, a hundred events a block."""
    random = Random(2)  # noqa: S311 - the same stream in every run, and no id of the crowd's
    open_ids: list[tuple[bytes, int]] = []
    logs: list[RawLog] = []
    for number in range(count):
        block = _FIRST + 1 + number // _LOGS_A_BLOCK
        if random.random() < 0.5 or not open_ids:  # noqa: PLR2004 - a coin
            position_id, market = random.randbytes(16), random.randint(1, MARKETS)
            open_ids.append((position_id, market))
            size = random.randint(10**17, 10**20)
            words = (1, random.randint(0, 1), size // 3, size, PRICE, 0, 0)
            logs.append(_log(block, "PositionOpened", position_id, market, words))
        else:
            position_id, market = open_ids.pop(random.randrange(len(open_ids)))
            words = (1, PRICE, 0, 0, 0, 0, 0)
            logs.append(_log(block, "PositionClosed", position_id, market, words))
    return logs


def _log(block: int, event: str, position_id: bytes, market: int, words: Sequence[int]) -> RawLog:
    trader = bytes(12) + position_id + bytes(4)
    topics = [position_id + bytes(16), trader, uint(market)]
    return {
        "address": STAMP.exchange,
        "blockNumber": hex(block),
        "blockHash": _hash(block),
        "transactionHash": _hash(block),
        "transactionIndex": "0x0",
        "logIndex": "0x0",
        "topics": [topic("Exchange", event), *(f"0x{each.hex()}" for each in topics)],
        "data": f"0x{b''.join(map(uint, words)).hex()}",
    }


def _as_web3(log: RawLog) -> dict[str, Any]:
    """The log as web3's middleware hands it to a caller."""
    numbers = {key: int(log[key], 16) for key in ("blockNumber", "transactionIndex", "logIndex")}
    hashes = {key: HexBytes(log[key]) for key in ("blockHash", "transactionHash", "data")}
    return {**log, **numbers, **hashes, "topics": [HexBytes(each) for each in log["topics"]]}


def crowded_book(table: Table) -> Book:
    """A book of whom the table holds, before the stream."""
    return Book(
        head=head_of(_FIRST),
        positions=Positions(table),
        markets=markets_at(PRICE, head_of(_FIRST), FundingIndex(0)),
    )


def _hash(block: int) -> BlockHash:
    return BlockHash(f"0x{block:064x}")


def head_of(block: int) -> Head:
    """A block of the stream."""
    return Head(
        number=BlockNumber(block),
        hash=_hash(block),
        parent_hash=_hash(block - 1),
        time=Timestamp(12 * block),
    )


RESTART = Benchmark(name="restart", measure=measure)
