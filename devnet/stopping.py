"""Ctrl-C and SIGTERM as an event: the world finishes its block and then ends."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """An event that the first signal sets; a second one has its ordinary effect."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        _restore(loop)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        yield stop
    finally:
        _restore(loop)


def _restore(loop: asyncio.AbstractEventLoop) -> None:
    for number in _SIGNALS:
        loop.remove_signal_handler(number)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits, but not beyond the stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            await stop.wait()
