from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.anvil.fleet.ground import Ground, opened


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with opened(tmp_path / "store.sqlite3") as fresh:
        yield fresh
