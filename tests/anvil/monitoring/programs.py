"""Programs of the test, each ended with it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

_END_SECONDS_MAX = 40.0


@asynccontextmanager
async def running(
    *words: str, log: Path, variables: Mapping[str, str] | None = None
) -> AsyncIterator[None]:
    """A program for the length of the block, told to end after it; all it says goes into `log`."""
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, **(variables or {})},
        )
        try:
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(_END_SECONDS_MAX):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
