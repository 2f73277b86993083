"""What bots do in these tests, and what stands around them."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fleet.runtime.loop import Loop
from fleet.runtime.supervisor import Supervisor
from tests.unit.fleet.runtime.streams import until_idle
from units import BlockNumber, Head


class WrongKeyError(Exception):
    """Trying again cannot cure it."""


class Log:
    """A barrier that remembers who finished what."""

    def __init__(self) -> None:
        self.finishes: list[tuple[str, int]] = []

    async def finished(self, name: str, block: BlockNumber) -> None:
        self.finishes.append((name, block))


class Steps:
    """A step that does as it is told, in order, and succeeds when it is told nothing."""

    def __init__(self, *orders: Exception | object) -> None:
        self._orders = list(orders)
        self.blocks: list[int] = []

    async def step(self, wake: Head) -> object:
        self.blocks.append(wake.number)
        order = self._orders.pop(0) if self._orders else "done"
        if isinstance(order, Exception):
            raise order
        return order


class Turnstile:
    """A gate that a test opens and closes."""

    def __init__(self) -> None:
        self._is_open = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._is_open.is_set()

    async def opened(self) -> None:
        await self._is_open.wait()

    async def open(self) -> None:
        self._is_open.set()
        await until_idle()


class Journal:
    """What was sent, and the wait for its outcome."""

    def __init__(self) -> None:
        self.is_drained = False
        self.settled = asyncio.Event()
        self.settled.set()

    async def drain(self) -> None:
        await self.settled.wait()
        self.is_drained = True


Run = Callable[..., AbstractAsyncContextManager[Loop[Head]]]
Make = Callable[..., Supervisor]


async def nothing(_: Head) -> str:
    return "done"
