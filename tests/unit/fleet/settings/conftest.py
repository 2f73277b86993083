import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.settings import SettingsError, load, to_toml

GENESIS = "0x" + "ab" * 32
DOCUMENT: dict[str, Any] = {
    "network": {"name": "devnet", "kind": "devnet", "chain_id": 964},
    "evm": {"endpoints": [{"operator": "anvil", "url": "http://127.0.0.1:8545"}]},
    "subtensor": {
        "genesis": GENESIS,
        "endpoints": [{"operator": "stand-in", "url": "ws://127.0.0.1:9944"}],
    },
    "contracts": {"exchange": "0x" + "11" * 20, "price_feed": "0x" + "22" * 20},
    "markets": [{"netuid": 3, "symbol": "TEMPLAR"}, {"netuid": 64, "symbol": "CHUTES"}],
}


@pytest.fixture(autouse=True)
def _no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KEEPERS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def written(content: dict[str, Any]) -> Path:
        file = tmp_path / "network.toml"
        file.write_text(to_toml(content))
        return file

    return written


@pytest.fixture
def problems(write: Callable[[dict[str, Any]], Path]) -> Callable[[dict[str, Any]], list[str]]:
    """What loading says, a line a problem, the file's path left out."""

    def said(content: dict[str, Any]) -> list[str]:
        file = write(content)
        try:
            load(file)
        except SettingsError as error:
            return [line.replace(f"{file}: ", "") for line in str(error).splitlines()]
        return []

    return said
