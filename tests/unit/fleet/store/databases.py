"""The one server of a test session, empty again for each test."""

import asyncio

import asyncpg

from devnet.postgres import Postgres


def emptied_url(server: Postgres) -> str:
    asyncio.run(_empty(server))
    return server.socket_url()


async def _empty(server: Postgres) -> None:
    connection = await asyncpg.connect(server.socket_url())
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
