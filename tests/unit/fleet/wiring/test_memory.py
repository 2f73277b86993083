"""The database of a process: opened late and once, and tidied now and then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fleet.chain.failures import NodeUnavailable
from fleet.runtime.clock import SystemClock
from fleet.store.decisions import StoredDecisions
from fleet.store.engine import StoreError
from fleet.store.lease import Claim
from fleet.store.outbox import enqueue
from fleet.store.quotes import Quote, keep_quotes, read_quotes
from fleet.store.tables import payments
from fleet.telemetry.messages import Message
from fleet.transactions.attempt import State, reserved
from fleet.transactions.request import Lane, Record
from fleet.transactions.spending import Spend
from fleet.wiring import telling
from fleet.wiring.memory import DAY_S, TIDY_S, Memory, RememberedJournal, RememberedWarnings, Tidied
from fleet.wiring.tenure import Tenure
from keepers.warnings.observation import WarningState
from tests.unit.fleet.wiring.scripted_node import ScriptedEndpoint, node_behind
from tests.unit.fleet.wiring.simulated import Wall, request, settings
from units import Address, BlockHash, BlockNumber, Timestamp, Wei


@pytest.fixture
def node() -> ScriptedEndpoint:
    return ScriptedEndpoint()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keepers.sqlite3"


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def memory(node: ScriptedEndpoint, file: Path, wall: Wall, closing: AsyncExitStack) -> Memory:
    return memory_in(file, node, wall, closing)


def memory_in(
    file: Path, node: ScriptedEndpoint, wall: Wall, closing: AsyncExitStack, **kept: int
) -> Memory:
    store = {"sqlite_file": str(file), "retention": kept}
    return Memory(
        settings=settings(store=store), node=node_behind(node), clock=wall, closing=closing
    )


def tenure(memory: Memory, name: str = "all", account: str = "0x1") -> Tenure:
    return Tenure(
        opened=memory.database,
        claims=[Claim(name=name, account=Address(account))],
        ttl_s=15,
        clock=SystemClock(),
    )


def files_at(file: Path) -> list[str]:
    return sorted(each.name for each in file.parent.iterdir())


async def test_memory__nothing_kept_or_looked_up__opens_nothing(
    memory: Memory, file: Path, node: ScriptedEndpoint, closing: AsyncExitStack
) -> None:
    RememberedJournal(memory, tenure(memory))
    await closing.aclose()

    assert files_at(file) == []
    assert node.asked == []


async def test_database__wanted_by_several_at_once__is_opened_once(
    memory: Memory, node: ScriptedEndpoint
) -> None:
    async with asyncio.TaskGroup() as group:
        wanting = [group.create_task(memory.database()) for _ in range(5)]

    assert len({id(task.result()) for task in wanting}) == 1
    assert node.asked == ["eth_chainId", "eth_getBlockByNumber"]


async def test_database__no_node_answers__is_opened_when_one_does(
    memory: Memory, node: ScriptedEndpoint
) -> None:
    node.is_down()
    with pytest.raises(NodeUnavailable):
        await memory.database()

    node.outage = None
    assert await RememberedWarnings(memory, None).load() == WarningState()


async def test_database__of_another_world__is_refused_every_time(
    memory: Memory, node: ScriptedEndpoint, file: Path, wall: Wall, closing: AsyncExitStack
) -> None:
    await memory.database()
    node.world = 2
    store = {"sqlite_file": str(file)}
    other = Memory(
        settings=settings(store=store), node=node_behind(node), clock=wall, closing=closing
    )

    for _ in range(2):
        with pytest.raises(StoreError, match="belongs to chain 964, genesis 0x"):
            await other.database()


async def test_database__closed_with_the_process__leaves_a_whole_file(
    memory: Memory, file: Path, closing: AsyncExitStack
) -> None:
    await memory.database()
    assert "keepers.sqlite3-wal" in files_at(file)

    await closing.aclose()

    assert files_at(file) == ["keepers.sqlite3"]


async def test_archive__no_node_answers__what_was_kept_can_be_looked_up(
    memory: Memory, node: ScriptedEndpoint, file: Path, wall: Wall, closing: AsyncExitStack
) -> None:
    record = Record(time=Timestamp(7), write=lambda: "grounds")
    wanted = replace(request("push"), subjects=("aa",), record=record)
    await RememberedJournal(memory, tenure(memory)).enter(reserved(wanted, 7))

    node.is_down()
    later = memory_in(file, node, wall, closing)
    (found,) = await StoredDecisions(await later.archive()).about("aa", 1)
    assert found.record == "grounds"
    assert await later.archive() is await later.archive()


async def test_archive__no_file__is_refused_and_none_is_made(memory: Memory, file: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        await memory.archive()
    assert files_at(file) == []


async def test_journal__used__is_of_its_own_namespace(memory: Memory) -> None:
    mine = RememberedJournal(memory, tenure(memory, "feeder", "0x1"))
    others = RememberedJournal(memory, tenure(memory, "funding", "0x2"))

    entry = await mine.enter(reserved(request("push"), 7))
    await mine.save(entry)

    assert [each.nonce for each in await mine.unfinished()] == [7]
    assert await mine.next_nonce() == 8
    assert (await others.unfinished(), await others.next_nonce()) == ((), 0)


async def _deliver(memory: Memory, wall: Wall, id_: str) -> None:
    database = await memory.database()
    message = Message(
        id=id_,
        severity="inform",
        title="a title",
        body="a body",
        block=BlockNumber(1),
        created_at=Timestamp(1),
    )
    async with database.writing() as connection:
        await enqueue(connection, [message])
    notifier = telling.notifier(settings(), database)
    assert (await notifier.drain(wall.now())).still_open == 0


async def test_tidy__old_messages__are_forgotten_and_young_ones_are_not(
    memory: Memory, wall: Wall
) -> None:
    await _deliver(memory, wall, "old")
    wall.advance(Timestamp(wall.now() + 30 * DAY_S))
    await _deliver(memory, wall, "young")
    wall.advance(Timestamp(wall.now() + 1))

    assert await memory.tidy() == Tidied(messages=1, transactions=0, decisions=0, quotes=0)


async def test_tidy__old_transactions__are_forgotten_but_for_the_newest(
    file: Path, node: ScriptedEndpoint, wall: Wall, closing: AsyncExitStack
) -> None:
    memory = memory_in(file, node, wall, closing, nonces=2)
    journal = RememberedJournal(memory, tenure(memory))
    for nonce in range(5):
        entry = await journal.enter(reserved(request(f"work {nonce}"), nonce))
        await journal.save(replace(entry, state=State.RESERVED if nonce == 1 else State.FINAL))

    assert await memory.tidy() == Tidied(messages=0, transactions=2, decisions=0, quotes=0)
    assert [entry.nonce for entry in await journal.unfinished()] == [1]
    assert await journal.next_nonce() == 5


async def test_tidy__decisions__are_kept_for_the_days_of_the_policy(
    file: Path, node: ScriptedEndpoint, wall: Wall, closing: AsyncExitStack
) -> None:
    memory = memory_in(file, node, wall, closing, decisions_days=2)
    journal = RememberedJournal(memory, tenure(memory))
    for day in range(4):
        record = Record(time=Timestamp(day * DAY_S), write=lambda: "grounds")
        wanted = replace(request(f"work {day}"), subjects=("aa",), record=record)
        entry = await journal.enter(reserved(wanted, day))
        await journal.save(replace(entry, state=State.FINAL))

    assert await memory.tidy() == Tidied(messages=0, transactions=0, decisions=1, quotes=0)


async def _keep_quotes_of_days(memory: Memory, days: int) -> None:
    of_days = [
        Quote(
            block=BlockNumber(day),
            hash=BlockHash(f"0x{day:064x}"),
            time=Timestamp(day * DAY_S),
            prices={},
        )
        for day in range(days)
    ]
    await keep_quotes(await memory.database(), of_days)


async def test_tidy__quotes__are_kept_for_days_of_their_own(
    file: Path, node: ScriptedEndpoint, wall: Wall, closing: AsyncExitStack
) -> None:
    memory = memory_in(file, node, wall, closing, quotes_days=3, decisions_days=1)
    await _keep_quotes_of_days(memory, 9)
    assert await memory.tidy() == Tidied(messages=0, transactions=0, decisions=0, quotes=5)
    left = await read_quotes(await memory.database(), [BlockNumber(day) for day in range(9)])
    assert sorted(left) == [5, 6, 7, 8]


async def test_tidy__nothing_is_configured__quotes_are_kept_for_two_weeks(memory: Memory) -> None:
    await _keep_quotes_of_days(memory, 30)
    assert await memory.tidy() == Tidied(messages=0, transactions=0, decisions=0, quotes=15)


async def test_tidy__nothing_is_configured__decisions_stay_ninety_days_and_payments_for_ever(
    memory: Memory,
) -> None:
    journal = RememberedJournal(memory, tenure(memory))
    for nonce, day in enumerate((0, 1, 91)):
        at = Timestamp(day * DAY_S)
        record = Record(time=at, write=lambda: "grounds")
        wanted = replace(request(f"work {day}"), subjects=("aa",), record=record)
        entry = replace(await journal.enter(reserved(wanted, nonce)), state=State.FINAL)
        spend = Spend(nonce=nonce, lane=Lane.PRICE, fee=Wei(7), time=at, had_effect=True)
        await journal.conclude(entry, spend, None)

    done = await memory.tidy()
    assert done == Tidied(messages=0, transactions=0, decisions=1, quotes=0)
    async with (await memory.database()).reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(payments)) == 3


async def test_tidy__looked_lately__does_nothing_until_it_is_time(
    memory: Memory, wall: Wall
) -> None:
    assert await memory.tidy() is not None
    wall.advance(Timestamp(wall.now() + int(TIDY_S) - 1))
    assert await memory.tidy() is None
    wall.advance(Timestamp(wall.now() + 1))
    assert await memory.tidy() is not None


async def test_tidy__failed__is_tried_again(memory: Memory, node: ScriptedEndpoint) -> None:
    node.is_down()
    with pytest.raises(NodeUnavailable):
        await memory.tidy()

    node.outage = None
    assert await memory.tidy() is not None
