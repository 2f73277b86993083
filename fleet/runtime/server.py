"""Serves /live, /ready, /status and /metrics over HTTP; off unless an address is configured.

/live fails when a loop does not turn (restart the process), /ready when a bot has not succeeded
lately (do not rely on it). Knows health and a metrics registry, no bot.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from fleet.runtime.health import Health, Verdict
from fleet.runtime.service import Service

Status = Callable[[], Mapping[str, object]]

Redact = Callable[[Any], Any]
"""Takes the secrets out of what is about to be answered: a failure's words may hold some."""


def _nothing_more() -> Mapping[str, object]:
    return {}


class ListenError(Exception):
    """The address cannot be listened on; the text is one line for an operator."""


def application(
    health: Health, registry: CollectorRegistry, redact: Redact, status: Status = _nothing_more
) -> web.Application:
    """The four pages; what /metrics shows is the registry's own."""

    async def live(_: web.Request) -> web.Response:
        return _answer(health.alive(), redact)

    async def ready(_: web.Request) -> web.Response:
        return _answer(health.ready(), redact)

    async def standing(_: web.Request) -> web.Response:
        ready = health.ready()
        known = {"ready": ready.is_well, "live": health.alive().is_well, "bots": dict(ready.bots)}
        return web.json_response(redact({**status(), **known}))

    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    pages = web.Application()
    pages.add_routes([web.get("/live", live), web.get("/ready", ready)])
    pages.add_routes([web.get("/status", standing), web.get("/metrics", metrics)])
    return pages


def server(
    *,
    listen: str,
    health: Health,
    registry: CollectorRegistry,
    redact: Redact,
    status: Status = _nothing_more,
) -> Service:
    """A service that answers at `listen` (host:port) as long as it runs.

    `status`: what else there is to say of the process, as JSON has it.
    The service raises ListenError when the address is taken or not this machine's.
    """

    async def serve() -> None:
        host, _, port = listen.rpartition(":")
        runner = web.AppRunner(application(health, registry, redact, status), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
            await asyncio.Event().wait()
        except OSError as error:
            raise ListenError(f"cannot listen on {listen}: {error.strerror}") from error
        finally:
            await runner.cleanup()

    return serve


def _answer(verdict: Verdict, redact: Redact) -> web.Response:
    body = redact({"ok": verdict.is_well, "bots": dict(verdict.bots)})
    return web.json_response(body, status=200 if verdict.is_well else 503)
