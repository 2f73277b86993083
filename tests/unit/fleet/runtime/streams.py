"""Heads fed by hand, and a witness of what the loops say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fleet.runtime.loop import describe
from fleet.runtime.wakes import Closed, Inbox
from units import BlockHash, BlockNumber, Head, Timestamp


def head(number: int) -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number:064x}"),
        parent_hash=BlockHash(f"0x{number - 1:064x}"),
        time=Timestamp(12 * number),
    )


async def until_idle() -> None:
    """Lets every task run until all of them wait for something."""
    for _ in range(30):
        await asyncio.sleep(0)


class Heads:
    """A stream that tests feed by hand; every opening of it is counted."""

    def __init__(self) -> None:
        self._inbox: Inbox[Head] = Inbox()
        self.openings = 0
        self.failures: list[Exception] = []

    async def arrive(self, number: int) -> None:
        self._inbox.put(head(number))
        await until_idle()

    def close(self) -> None:
        self._inbox.close()

    async def end(self) -> None:
        self.close()
        await until_idle()

    async def wakes(self) -> AsyncIterator[Head]:
        self.openings += 1
        if self.failures:
            raise self.failures.pop()
        while not isinstance(wake := await self._inbox.take(), Closed):
            yield wake


@dataclass
class Witness:
    """Remembers what the loops told it."""

    seen: list[tuple[Any, ...]] = field(default_factory=list)

    def succeeded(self, name: str, wake: Head, result: object, seconds: float) -> None:
        self.seen.append(("succeeded", name, wake.number, result))

    def failed(self, name: str, wake: Head | None, error: Exception, failures: int) -> None:
        self.seen.append(("failed", name, wake and wake.number, describe(error), failures))
