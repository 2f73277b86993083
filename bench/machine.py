"""What was measured on: without this no figure means anything."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from devnet.anvil import find_anvil

_LIBRARIES = ("web3", "eth-account", "coincurve", "aiohttp", "SQLAlchemy", "aiosqlite")
_CPU = Path("/proc/cpuinfo")


def machine_facts() -> dict[str, Any]:
    """Processor, system, versions, and how busy the machine is with other things."""
    load = os.getloadavg()
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "anvil": _anvil_version(),
        "load_before": [round(each, 1) for each in load],
    }


def _processor() -> str:
    if _CPU.exists():
        for line in _CPU.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _anvil_version() -> str:
    said = subprocess.run(  # noqa: S603 - the binary that the devnet runs
        [str(find_anvil()), "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.splitlines()[0]
