"""Long work on the event loop: in steps, between which everybody else has a turn."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

_Result = TypeVar("_Result")


async def in_turns(work: Generator[None, None, _Result]) -> _Result:
    """The result of work that pauses after every few milliseconds. Raises what it raises."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: _Result = done.value
            return result
        await asyncio.sleep(0)
