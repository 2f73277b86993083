"""The way of one process to its database, which can be cut without either end being told.

A frozen wire passes nothing on and closes nothing, also not what is connected meanwhile: a
partition.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

_CHUNK = 1 << 16


class Wire:
    """Passes bytes on, both ways, as long as it flows."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0

    def freeze(self) -> None:
        """From now on nothing gets through."""
        self._flowing.clear()

    def thaw(self) -> None:
        """What waits gets through, late as it is."""
        self._flowing.set()

    async def serve(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        """One connection, to its end."""
        with contextlib.suppress(ConnectionError):
            await self._flowing.wait()
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(from_client, to_server))
                both.create_task(self._pump(from_server, to_client))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(_CHUNK):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass  # the other end is gone, which is what closing tells this one
        finally:
            sink.close()


@contextlib.asynccontextmanager
async def running_wire(port: int) -> AsyncIterator[Wire]:
    """A wire to a port of this machine."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.thaw()
        server.close()
