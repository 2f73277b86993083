"""Every test of the store runs on both databases; PostgreSQL over a file, which is no network."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devnet.postgres import Postgres, running_postgres
from fleet.store.engine import Database, open_database
from tests.unit.fleet.store.databases import emptied_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of this process."""
    with running_postgres(on_loopback=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    return emptied_url(request.getfixturevalue("postgres"))


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    opened = await open_database(store_url)
    yield opened
    await opened.close()
