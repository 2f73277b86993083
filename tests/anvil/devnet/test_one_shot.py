"""A real command by hand against a real world: it has its key to itself, or is refused."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from devnet.up import UpOptions, run
from fleet.runtime.process import this_process
from fleet.settings import Settings, load
from fleet.store.engine import Database, open_database
from fleet.store.lease import Claim, acquire, release
from fleet.store.tables import leases
from tests.anvil.devnet.test_up import appears, interrupt
from units import Address

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

SUSPEND = ("oracle", "suspend", "CHUTES", "--yes")


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[tuple[Settings, Address]]:
    """A devnet's settings, and the account of its operator."""
    options = UpOptions(state=folder / "world.json", speed=20.0, traders=1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(options, console=Console(file=StringIO())))
        await appears(options.state)
        state = json.loads(options.state.read_text())
        yield load(folder / "world.network.toml"), Address(state["keepers"][3]["address"])
        interrupt()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    database = await open_database(settings.store_address)
    try:
        yield database
    finally:
        await database.close()


async def keepers(folder: Path, *arguments: str) -> tuple[int | None, str]:
    """Exit status and the lines for people that say what went wrong."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fleet.cli.entry", "--config", str(folder / "world.network.toml")),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    words = stderr.decode().splitlines()
    return process.returncode, "\n".join(line for line in words if line.startswith("error"))


async def holders(database: Database) -> list[tuple[str, str, int]]:
    async with database.reading() as connection:
        found = await connection.execute(select(leases.c.name, leases.c.holder, leases.c.epoch))
        return [(row.name, row.holder, row.epoch) for row in found]


async def test_one_shot__somebody_has_the_key__is_refused_then_takes_it_and_gives_it_back(
    tmp_path: Path,
) -> None:
    async with standing(tmp_path) as (settings, operator), opened(settings) as database:
        claim = Claim(name="operator", account=operator)
        (lease,) = await acquire(database, claim, process=this_process(), ttl_s=60)

        code, error = await keepers(tmp_path, *SUSPEND)
        assert code == 1, error
        assert error.startswith(f"error: key {operator} is held for operator by process ")
        assert len(error.splitlines()) == 1
        dry = await keepers(tmp_path, *SUSPEND[:-1], "--dry-run")
        assert dry == (0, "")

        await release(database, lease)
        assert await keepers(tmp_path, *SUSPEND) == (0, "")
        assert await holders(database) == [("operator", "", 2)]


async def test_run__a_key_without_its_role__ends_with_the_call_that_the_admin_signs(
    tmp_path: Path,
) -> None:
    stranger = tmp_path / "stranger.key"
    stranger.write_text("0x" + "01" * 32)
    stranger.chmod(0o600)
    async with standing(tmp_path):
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("KEEPERS_KEYS__FUNDING__PRIVATE_KEY_FILE", str(stranger))
            code, error = await keepers(tmp_path, "run", "funding")

    assert code == 1, error
    assert error.startswith("error: the key of funding has no KEEPER_ROLE of Exchange: the admin")
    assert "Exchange.grantRole(KEEPER_ROLE, 0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1)" in error
    assert len(error.splitlines()) == 1
