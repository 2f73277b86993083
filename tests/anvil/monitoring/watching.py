"""Real Prometheus and Alertmanager over a fleet, with its rules, and a webhook that hears them."""

import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from monitoring.compile import HERE, groups
from tests.anvil.monitoring.programs import running

SPEED = 12
"""Times real time: a block a second. Rules have a twelfth of their patience: as many blocks."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Heard:
    """What the webhook was told: (receiver, alert, firing or resolved), as it came."""

    news: list[tuple[str, str, str]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        told = await request.json()
        for alert in told["alerts"]:
            self.alerts.append(alert)
            self.news.append(
                (request.match_info["receiver"], alert["labels"]["alertname"], alert["status"])
            )
        return web.Response()

    def pages(self) -> set[str]:
        return {
            name
            for receiver, name, status in self.news
            if (receiver, status) == ("pages", "firing")
        }


@asynccontextmanager
async def webhook() -> AsyncIterator[tuple[Heard, int]]:
    heard, port = Heard(), free_port()
    site = web.Application()
    site.add_routes([web.post("/{receiver}", heard.take)])
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield heard, port
    finally:
        await runner.cleanup()


@asynccontextmanager
async def watched(
    folder: Path, *, prometheus: str, alertmanager: Sequence[str], target: int
) -> AsyncIterator[Heard]:
    """Prometheus over the process whose pages are at port `target`, until the end of the block."""
    async with AsyncExitStack() as stack:
        heard, hook = await stack.enter_async_context(webhook())
        there, here = free_port(), free_port()
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(_alertmanager(hook)))
        (folder / "rules.yml").write_text(
            yaml.safe_dump({"groups": [_hurried(g) for g in groups()]})
        )
        (folder / "prometheus.yml").write_text(yaml.safe_dump(_prometheus(target, there)))
        await stack.enter_async_context(
            running(
                *alertmanager,
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/alertmanager",
                f"--web.listen-address=127.0.0.1:{there}",
                "--cluster.listen-address=",
                log=folder / "alertmanager.log",
            )
        )
        await stack.enter_async_context(
            running(
                prometheus,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/prometheus",
                f"--web.listen-address=127.0.0.1:{here}",
                log=folder / "prometheus.log",
            )
        )
        yield heard


def _hurried(group: dict[str, Any]) -> dict[str, Any]:
    rules = [
        {**rule, "for": _less(rule["for"])} if "for" in rule else rule for rule in group["rules"]
    ]
    return {**group, "rules": rules}


def _less(duration: str) -> str:
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()  # type: ignore[union-attr]
    return f"{int(number) * _SECONDS[unit] * 1000 // SPEED}ms"


def _prometheus(target: int, alertmanager: int) -> dict[str, Any]:
    """The example's configuration with this target, every second."""
    example = yaml.safe_load((HERE / "prometheus.yml").read_text())
    (job,) = example["scrape_configs"]
    targets = {"targets": [f"127.0.0.1:{target}"], "labels": {"workload": "all"}}
    return {
        **example,
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]
        },
        "scrape_configs": [{**job, "static_configs": [targets]}],
    }


def _alertmanager(hook: int) -> dict[str, Any]:
    """The example's routes and inhibitions, with less patience, to this webhook."""
    example: dict[str, Any] = yaml.safe_load((HERE / "alertmanager.yml").read_text())
    for route in (example["route"], *example["route"]["routes"]):
        route.update(group_wait="1s", group_interval="1s")
    for receiver in example["receivers"]:
        (configured,) = receiver["webhook_configs"]
        configured["url"] = f"http://127.0.0.1:{hook}/{receiver['name']}"
    return example
