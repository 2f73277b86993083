"""A process that submits one request and kills itself at a chosen moment; run as a script.

Arguments: the node's URL, the store's path, the moment.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from fleet.store.engine import open_database
from fleet.store.journal import StoredJournal
from fleet.transactions.attempt import Entry
from fleet.transactions.chain import Broadcast
from tests.anvil.fleet.ground import build_sender, journal_of, open_node, request

MOMENTS = ("before signing", "after signing", "after sending", "after all")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedJournal:
    """Dies when the row is durable."""

    def __init__(self, journal: StoredJournal, moment: str) -> None:
        self._journal = journal
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def enter(self, entry: Entry) -> Entry:
        if self._moment == "before signing":
            die()
        entry = await self._journal.enter(entry)
        if self._moment == "after signing":
            die()
        return entry


class DoomedChain:
    """Dies when the node has it and the answer is not yet read."""

    def __init__(self, url: str, moment: str) -> None:
        self._node = open_node(url)
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    async def send_raw(self, raw: bytes) -> Broadcast:
        answer = await self._node.send_raw(raw)
        if self._moment == "after sending":
            die()
        return answer


async def main(url: str, store: str, moment: str) -> None:
    database = await open_database(f"sqlite+aiosqlite:///{store}")
    chain: Any = DoomedChain(url, moment)
    journal: Any = DoomedJournal(await journal_of(database), moment)
    await build_sender(chain, journal).submit(request())
    die()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
