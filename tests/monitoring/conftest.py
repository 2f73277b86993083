import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / "monitoring" / "tools" / "usr" / "bin"


def path_of(name: str) -> str:
    """The path of promtool, prometheus or prometheus-alertmanager; `make test` has brought them."""
    unpacked = UNPACKED / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    assert found is not None, f"{name} is missing: make monitoring/tools/ready"
    return found


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    return path_of
