"""One process a key: a lock beside the store, which the operating system frees with the process.

Two senders of one key would give the same nonces away twice. A lock cannot outlive its holder, so
nothing has to be cleared after a crash. It reaches as far as the store does: one machine.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fleet.store.engine import StoreError
from units import Address


@contextmanager
def lease(store: Path, account: Address) -> Iterator[None]:
    """Holds the key of `account` for this process.

    Args:
        store: the SQLite file whose journal the key's transactions are in.
        account: whose key it is, whatever file it came from and whatever it is used for.

    Raises:
        StoreError: another process holds it, or the lock file cannot be made.
    """
    file = store.with_name(f"{store.name}.{account.lower()}.lock")
    try:
        held = file.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the store {store} cannot be opened: {file}: {error.strerror}") from None
    with held:
        _lock(held, file, account)
        yield


def _lock(held: IO[str], file: Path, account: Address) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
    except BlockingIOError:
        held.seek(0)
        holder = held.read() or "unknown"
        raise StoreError(
            f"the key of {account} is at work in process {holder} ({file}):"
            " stop that, or use a key of its own"
        ) from None
    except OSError as error:
        raise StoreError(f"{file} cannot be locked: {error.strerror}") from None
