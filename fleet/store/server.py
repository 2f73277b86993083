"""PostgreSQL: how it is reached, and what each of its sessions is told.

Whoever holds a lock here may be a process that was stopped or cut off, so the server itself ends
what stands still in the middle of a transaction. Knows no table.
"""

import ssl
from typing import Any

import asyncpg
from sqlalchemy import URL, ExceptionContext, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

DRIVER = "postgresql+asyncpg"

ANSWER_S = 6.0
"""Longest wait for one answer; after that the server counts as away."""

MIGRATION_S = 900.0
"""The same while tables are changed, by this process or another that it waits for."""

_NOT_NOW = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)

_SESSION = {
    "application_name": "keepers",
    "synchronous_commit": "on",  # a signed transaction must survive a power cut
    "idle_in_transaction_session_timeout": "3000",  # milliseconds
}

ONE_VIEW = "REPEATABLE READ"
"""The isolation of who only reads."""

ONE_WRITER = text("SELECT pg_advisory_xact_lock(5642964)")
"""Held to the end of a transaction, it makes the store one with a single writer, as SQLite is."""


class StoreAway(SQLAlchemyError):  # noqa: N818 - named after what happened
    """The server did not answer, or not in time; it may be back soon. One line."""


def open_server(url: URL, *, answer_s: float = ANSWER_S) -> AsyncEngine:
    """An engine for the server; nothing is connected yet.

    An answer may take `answer_s`, also one that waits for another's lock.

    Isolation is READ COMMITTED: who reads and then writes holds a lock for it, so that no
    transaction fails because another one was quicker. Parameters stay out of errors: signed
    transactions are among them.
    """
    address, how_encrypted = encryption(url.set(drivername=DRIVER))
    where = url.render_as_string(hide_password=True)

    async def connect(**how: Any) -> Any:
        try:
            return await asyncpg.connect(**how)
        except _NOT_NOW as error:
            raise _away(where, error) from error

    engine = create_async_engine(
        address,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        pool_timeout=ANSWER_S,
        connect_args={
            "async_creator_fn": connect,
            "timeout": ANSWER_S,
            "command_timeout": answer_s,
            "server_settings": _SESSION | _patience(answer_s),
            **how_encrypted,
        },
    )
    event.listen(engine.sync_engine, "handle_error", lambda context: _judge(context, where))
    return engine


def _patience(answer_s: float) -> dict[str, str]:
    """The server gives up before its client does, so that the client hears why."""
    return {
        "lock_timeout": str(int(1_000 * (answer_s - 1.0))),
        "statement_timeout": str(int(1_000 * (answer_s - 0.5))),
    }


def _judge(context: ExceptionContext, where: str) -> StoreAway | None:
    """One kind of error for all ways in which a server does not answer; drops its connection.

    Whoever is cancelled while it is asked is cancelled: the server has nothing to do with it.
    """
    found = context.original_exception
    if not isinstance(found, Exception):
        return None
    if not context.is_disconnect and not isinstance(found, (OSError, TimeoutError)):
        return None
    context.is_disconnect = True
    return _away(where, found)


def _away(where: str, error: BaseException) -> StoreAway:
    return StoreAway(f"the store {where} does not answer: {str(error) or type(error).__name__}")


def encryption(url: URL) -> tuple[URL, dict[str, Any]]:
    """What PostgreSQL's own tools read in an address, as this driver wants it."""
    mode, authority = url.query.get("sslmode"), url.query.get("sslrootcert")
    plain = url.difference_update_query(["sslmode", "sslrootcert"])
    if authority is None:
        return plain, {} if mode is None else {"ssl": mode}
    context = ssl.create_default_context(cafile=str(authority))
    context.check_hostname = mode == "verify-full"
    return plain, {"ssl": context}
