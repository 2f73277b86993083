import subprocess
import sys
from pathlib import Path

import pytest

from fleet.store.engine import StoreError
from fleet.store.lease import lease
from units import Address

FIRST = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
SECOND = Address("0x00000000000000000000000000000000000000Ad")

HOLDER = """
import sys
from pathlib import Path
from fleet.store.lease import lease
with lease(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lease__held_by_another_process__is_refused_until_that_is_killed(tmp_path: Path) -> None:
    store = tmp_path / "keepers.sqlite3"
    command = [sys.executable, "-c", HOLDER, str(store), FIRST]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        with (
            pytest.raises(StoreError, match=f"{FIRST} is at work in process {holder.pid} "),
            lease(store, FIRST),
        ):
            pytest.fail("two hold one key")
        with lease(store, SECOND):
            pass
        holder.kill()

    with lease(store, FIRST):
        pass


def test_lease__no_such_folder__says_where(tmp_path: Path) -> None:
    store = tmp_path / "none" / "keepers.sqlite3"

    with pytest.raises(StoreError, match=r"cannot be opened: .*No such file"), lease(store, FIRST):
        pytest.fail("there is no folder to hold anything in")
