"""A real process to stop and to kill."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CODE = """
from fleet.runtime.process import this_process
print(this_process().mark, flush=True)
input()
"""


@contextmanager
def mortal() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process and its mark; buried at the end."""
    command = [sys.executable, "-c", _CODE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
