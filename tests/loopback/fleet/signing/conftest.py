from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves an application on loopback until the test ends; its address."""
    async with AsyncExitStack() as closing:

        async def start(app: web.Application) -> str:
            server = TestServer(app)
            await server.start_server()
            closing.push_async_callback(server.close)
            return str(server.make_url("")).rstrip("/")

        yield start
