"""A road to a node that can be closed: what goes over it is dropped, and nobody gets on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK = 1 << 16


class Relay:
    """Passes bytes between whoever connects and one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_open = True
        self._writers: set[asyncio.StreamWriter] = set()

    def close(self) -> None:
        """Cuts what is connected, and hangs up on whoever comes."""
        self._is_open = False
        for writer in self._writers:
            writer.close()

    def open(self) -> None:
        """Lets the next one through."""
        self._is_open = True

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One who came."""
        if not self._is_open:
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, there_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(reader, there_writer))
                both.create_task(_pass_on(there_reader, writer))
        finally:
            self._writers -= {writer, there_writer}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def running_relay(port: int) -> AsyncIterator[tuple[Relay, int]]:
    """A relay to `port`, and the port that it has itself."""
    relay = Relay(port)
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    try:
        yield relay, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        relay.close()  # nobody waits for the server: it would wait for those who hang on
