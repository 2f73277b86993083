"""Liquidators that share the positions: a key, a lease and a book's file each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fleet.runtime.process import this_process
from fleet.settings import Workload
from fleet.store.checkpoint import CheckpointFile
from fleet.store.engine import Database, open_database
from fleet.store.lease import LeaseTaken, acquire
from fleet.transactions.signer import LocalSigner
from fleet.wiring import policies
from fleet.wiring.connections import open_checkpoint
from fleet.wiring.facts import BotName
from fleet.wiring.opening import _claims
from keepers.liquidation.sharding import Shard
from tests.unit.fleet.wiring.simulated import settings
from tests.unit.fleet.wiring.test_assembly import Start, start

__all__ = ["start"]

KEYS = [LocalSigner("0x" + f"{number:064x}") for number in (1, 2)]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


async def lead(database: Database, shard: str, signer: LocalSigner) -> str:
    claims = _claims(settings(liquidation={"shard": shard}), Workload.LIQUIDATOR, signer)
    (lease,) = await acquire(database, *claims, process=this_process(), ttl_s=60)
    return lease.name


async def test_lease__of_two_shards__are_two_with_a_key_each(database: Database) -> None:
    assert await lead(database, "0/2", KEYS[0]) == "liquidator-0"
    assert await lead(database, "1/2", KEYS[1]) == "liquidator-1"


async def test_lease__two_shards_with_one_key__the_second_is_refused(database: Database) -> None:
    await lead(database, "0/2", KEYS[0])
    with pytest.raises(LeaseTaken):
        await lead(database, "1/2", KEYS[0])


async def test_supervisor__liquidator_alone__keeps_to_its_shard(start: Start) -> None:
    process = start(liquidation={"shard": "1/4"})
    process.assembly.supervisor(frozenset({BotName.LIQUIDATOR}))
    assert process.assembly.liquidator._shard == Shard(index=1, of=4)


async def test_supervisor__any_bots__keep_their_book_beside_the_store(
    start: Start, tmp_path: Path
) -> None:
    process = start()
    assert process.assembly.follower._checkpoints is None
    process.assembly.supervisor(frozenset({BotName.LIQUIDATOR}))
    kept = process.assembly.follower._checkpoints
    assert isinstance(kept, CheckpointFile)
    assert kept._path == tmp_path / "keepers.sqlite3.nobody.book", "nobody has the key here"


def test_open_checkpoint__of_each_shard__is_a_file_of_its_own(tmp_path: Path) -> None:
    for index in (0, 1):
        wanted = settings(
            liquidation={"shard": f"{index}/2"}, store={"sqlite_file": str(tmp_path / "store")}
        )
        name = policies.workload_name(wanted, Workload.LIQUIDATOR)
        assert open_checkpoint(wanted, name)._path == tmp_path / f"store.liquidator-{index}.book"


async def test_supervisor__all_in_one_process__takes_everybody(start: Start) -> None:
    process = start(liquidation={"shard": "1/4"})
    process.assembly.supervisor(frozenset(BotName))
    assert process.assembly.liquidator._shard is None
