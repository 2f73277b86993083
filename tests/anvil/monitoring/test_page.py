"""The oracle breaks, somebody is woken; it works again, and he hears that too."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.anvil.monitoring.programs import running
from tests.anvil.monitoring.relay import Relay, running_relay
from tests.anvil.monitoring.watching import SPEED, free_port, watched
from tests.monitoring.conftest import alertmanager, path_of

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

WELL_SECONDS = 15.0
WAIT_SECONDS_MAX = 240.0


async def eventually(is_so: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not is_so():  # noqa: ASYNC110 - other programs, whose doings are no events here
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"not within {WAIT_SECONDS_MAX:g} s: {what}")


async def is_working(port: int) -> bool:
    """Whether every bot works and a price was published."""
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/ready") as ready:
                if ready.status != 200:
                    return False
            async with session.get(f"http://127.0.0.1:{port}/metrics") as metrics:
                shown = await metrics.text()
    except aiohttp.ClientError:
        return False
    ages = [line for line in shown.splitlines() if line.startswith("megatao_feed_age_seconds{")]
    canary = "megatao_canary_timestamp_seconds 0.0" not in shown
    return bool(ages) and canary


@asynccontextmanager
async def fleet_on_a_devnet(folder: Path) -> AsyncIterator[tuple[Relay, int]]:
    """A working fleet, the relay between it and Subtensor, and the port of its metrics."""
    command, state, port = (
        (sys.executable, "-m", "fleet.cli.entry"),
        folder / "world.json",
        free_port(),
    )
    up = ("devnet", "up", "--state", str(state), "--speed", str(SPEED), "--traders", "20")
    async with running(*command, *up, log=folder / "devnet.log"):
        await eventually(state.exists, "a devnet")
        subtensor = urlsplit(json.loads(state.read_text())["subtensor_url"])
        assert subtensor.port is not None
        async with running_relay(subtensor.port) as (relay, relayed):
            endpoint = {"operator": "devnet", "url": f"ws://127.0.0.1:{relayed}"}
            variables = {
                "KEEPERS_SUBTENSOR__ENDPOINTS": json.dumps([endpoint]),
                "KEEPERS_TELEMETRY__LISTEN": f"127.0.0.1:{port}",
            }
            config = ("--config", str(folder / "world.network.toml"))
            fleet = running(*command, *config, "run", log=folder / "fleet.log", variables=variables)
            async with fleet:
                async with asyncio.timeout(WAIT_SECONDS_MAX):
                    while not await is_working(port):  # noqa: ASYNC110 - another program
                        await asyncio.sleep(0.5)
                yield relay, port


async def test_oracle__cut_off_from_its_source__pages_and_resolves(tmp_path: Path) -> None:
    async with fleet_on_a_devnet(tmp_path) as (relay, port):
        prometheus = path_of("prometheus")
        async with watched(
            tmp_path, prometheus=prometheus, alertmanager=alertmanager(), target=port
        ) as heard:
            watchdog = ("watchdog", "Watchdog", "firing")
            await eventually(lambda: watchdog in heard.news, "the watchdog is heard")
            await asyncio.sleep(WELL_SECONDS)
            assert heard.pages() == set()  # a fleet that is well wakes nobody

            relay.close()
            page = ("pages", "SourceStalled", "firing")
            await eventually(lambda: page in heard.news, "the page arrives")
            (told, *_) = [a for a in heard.alerts if a["labels"]["alertname"] == "SourceStalled"]
            assert told["annotations"]["runbook"] == "docs/runbooks/SourceStalled.md"
            assert "Nothing finalized was read" in told["annotations"]["summary"]

            relay.open()
            resolved = ("pages", "SourceStalled", "resolved")
            await eventually(lambda: resolved in heard.news, "and that it is over")
            assert "EveryMarketSuspended" not in heard.pages()  # what caused it says more
