import os
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


def alertmanager() -> list[str]:
    """The words that start Alertmanager.

    It finds its templates in /usr/share alone: one that was unpacked and not installed gets its own
    /usr/share, which nobody else sees.
    """
    program = path_of("prometheus-alertmanager")
    if UNPACKED not in Path(program).parents:
        return [program]
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    own = 'mount --bind "$0" /usr/share && exec "$@"'
    return [*alone, "sh", "-c", own, str(UNPACKED.parent / "share"), program]


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    return path_of
