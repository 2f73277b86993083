"""Serves /live, /ready and /metrics over HTTP; off unless an address is configured.

/live fails when a loop hangs (restart the process), /ready when a bot has not succeeded lately
(do not rely on it). Knows health and a metrics registry, no bot.
"""

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from fleet.runtime.health import Health, Verdict
from fleet.runtime.service import Service


class ListenError(Exception):
    """The address cannot be listened on; the text is one line for an operator."""


def application(health: Health, registry: CollectorRegistry) -> web.Application:
    """The three pages."""

    async def live(_: web.Request) -> web.Response:
        return _answer(health.alive())

    async def ready(_: web.Request) -> web.Response:
        return _answer(health.ready())

    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    pages = web.Application()
    pages.add_routes([web.get("/live", live), web.get("/ready", ready)])
    pages.add_routes([web.get("/metrics", metrics)])
    return pages


def server(*, listen: str, health: Health, registry: CollectorRegistry) -> Service:
    """A service that answers at `listen` (host:port) as long as it runs.

    The service raises ListenError when the address is taken or not this machine's.
    """

    async def serve() -> None:
        host, _, port = listen.rpartition(":")
        runner = web.AppRunner(application(health, registry), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
            await asyncio.Event().wait()
        except OSError as error:
            raise ListenError(f"cannot listen on {listen}: {error.strerror}") from error
        finally:
            await runner.cleanup()

    return serve


def _answer(verdict: Verdict) -> web.Response:
    body = {"ok": verdict.is_well, "bots": dict(verdict.bots)}
    return web.json_response(body, status=200 if verdict.is_well else 503)
