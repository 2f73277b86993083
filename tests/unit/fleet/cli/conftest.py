import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fleet.cli.main import app
from fleet.cli.session import Session
from fleet.settings import Settings, Workload, load, to_toml
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.fleet.cli.worlds import CODE

GENESIS = "0x" + "ab" * 32
DOCUMENT: dict[str, Any] = {
    "network": {"name": "devnet", "kind": "devnet", "chain_id": 964},
    "evm": {"endpoints": [{"operator": "anvil", "url": "http://127.0.0.1:8545"}]},
    "subtensor": {
        "genesis": GENESIS,
        "endpoints": [{"operator": "stand-in", "url": "ws://127.0.0.1:9944"}],
    },
    "contracts": {
        "exchange": "0x" + "11" * 20,
        "price_feed": "0x" + "22" * 20,
        "code_hashes": {"exchange": CODE},
    },
    "markets": [
        {"netuid": 8, "symbol": "VANTA", "registered_at": 5},
        {"netuid": 64, "symbol": "CHUTES", "registered_at": 5},
        {"netuid": 75, "symbol": "HIPPIUS", "enabled": False},
    ],
}


@dataclass
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Console:
    """A terminal without a human: runs `keepers …` against the simulated fleet."""

    def __init__(self, file: Path, fleet: SimulatedFleet) -> None:
        self.file = file
        self.fleet = fleet
        self.workloads: list[Workload | None] = []
        self.settings: list[Settings] = []

    def __call__(self, *arguments: str, config: bool = True) -> Ended:
        options = ["--config", str(self.file)] if config else []
        session = Session(assemble=self._assemble)
        result = CliRunner().invoke(app, [*options, *arguments], obj=session)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(code=result.exit_code, stdout=result.stdout, stderr=result.stderr)

    @asynccontextmanager
    async def _assemble(
        self, settings: Settings, workload: Workload | None
    ) -> AsyncIterator[SimulatedFleet]:
        self.workloads.append(workload)
        self.settings.append(settings)
        yield self.fleet


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "network.toml"
    file.write_text(to_toml(DOCUMENT))
    return file


@pytest.fixture
def fleet(config_file: Path) -> SimulatedFleet:
    return SimulatedFleet(load(config_file))


@pytest.fixture
def keepers(config_file: Path, fleet: SimulatedFleet) -> Console:
    return Console(config_file, fleet)
