"""Two real daemons on one PostgreSQL: one works, one is ready to, and the database goes away."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from devnet.leadership.wire import Wire, running_wire
from devnet.postgres import running_postgres
from devnet.up import UpOptions, run
from tests.anvil.devnet.test_up import appears, interrupt

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

_PATIENCE_S = 180.0
"""For what a process does on a machine that is busy with others."""

WITHIN_S = 60.0
"""For what takes less than 15 s where nobody else is at work."""
Status = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """`keepers run`, and what its pages say."""

    process: asyncio.subprocess.Process
    port: int
    log: Path
    session: aiohttp.ClientSession

    async def page(self, path: str) -> tuple[int, Status]:
        try:
            async with self.session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientConnectionError:
            return 0, {}

    async def says(self, what: Callable[[Status], bool], within_s: float = _PATIENCE_S) -> Status:
        async with asyncio.timeout(within_s):
            while True:
                assert self.process.returncode is None, self.log.read_text()[-3_000:]
                _, found = await self.page("/status")
                if found and what(found):
                    return found
                await asyncio.sleep(0.1)

    async def ends(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(_PATIENCE_S):
            return await self.process.wait()


class Fleet:
    """A world, a database behind a wire, and daemons."""

    def __init__(self, folder: Path, wire: Wire, closing: AsyncExitStack) -> None:
        self.folder = folder
        self.wire = wire
        self._closing = closing
        self._count = 0

    def command(self, *arguments: str) -> list[str]:
        config = str(self.folder / "fleet.toml")
        return [sys.executable, "-m", "fleet.cli.entry", "--config", config, *arguments]

    async def daemon(self, session: aiohttp.ClientSession) -> Daemon:
        self._count += 1
        port, log = _free_port(), self.folder / f"daemon-{self._count}.log"
        environment = os.environ | {"KEEPERS_TELEMETRY__LISTEN": f"127.0.0.1:{port}"}
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *self.command("run"), stdout=out, stderr=out, env=environment
            )
        self._closing.push_async_callback(_bury, process)
        return Daemon(process=process, port=port, log=log, session=session)

    async def by_hand(self, *arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()


async def _bury(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Fleet]:
    """A devnet whose fleet keeps its store on a server, and whose operator's key stands by."""
    options = UpOptions(state=folder / "world.json", speed=20.0, traders=20)
    async with AsyncExitStack() as closing, asyncio.TaskGroup() as tasks:
        server = closing.enter_context(running_postgres())
        wire = await closing.enter_async_context(running_wire(server.port))
        tasks.create_task(run(options, console=Console(file=StringIO())))
        await appears(options.state)
        address = folder / "store.url"
        address.write_text(server.url(port=wire.port))
        address.chmod(0o600)
        written = (folder / "world.network.toml").read_text()
        text = written.replace('sqlite_file = "world.sqlite3"', 'url_file = "store.url"')
        text = text.replace("[keys.operator]", "[keys.standby]")
        assert text.count("store.url") == text.count("keys.standby") == 1
        (folder / "fleet.toml").write_text(text)
        async with AsyncExitStack() as daemons:
            yield Fleet(folder, wire, daemons)
        interrupt()


def is_leader(status: Status) -> bool:
    return bool(status["role"] == "leader" and status["may_decide"])


def is_warm(status: Status) -> bool:
    return bool(status["role"] == "standby" and status["ready"])


async def test_two_daemons_on_a_server__killed_told_to_end_and_cut_off__somebody_works(
    tmp_path: Path,
) -> None:
    async with aiohttp.ClientSession() as session, standing(tmp_path) as fleet:
        first = await fleet.daemon(session)
        status = await first.says(is_leader)
        assert status["epochs"] == {"all": 1, "warnings": 1}
        second = await fleet.daemon(session)
        status = await second.says(is_warm)
        assert status["bots"]["book"] == "working"
        assert status["bots"]["feeder"] == "standing by"
        assert (await second.page("/ready"))[0] == 200

        assert await first.ends(signal.SIGKILL) == -signal.SIGKILL
        status = await second.says(is_leader, WITHIN_S)
        assert status["epochs"] == {"all": 2, "warnings": 2}
        third = await fleet.daemon(session)
        await third.says(is_warm)

        assert await second.ends(signal.SIGTERM) == 0
        assert "lease_given_back" in second.log.read_text()
        await third.says(is_leader, WITHIN_S)
        await third.says(lambda found: bool(found["ready"]))

        fleet.wire.freeze()
        await third.says(lambda found: not found["may_decide"], WITHIN_S)
        await third.says(lambda found: not found["ready"])
        file = str(tmp_path / "standby.sqlite3")
        code, said = await fleet.by_hand(
            *("--break-glass", file, "oracle", "suspend", "CHUTES", "--yes")
        )
        assert code == 0, said
        assert "suspend markets 64: operator: done in block" in said
        fleet.wire.thaw()
        await third.says(is_leader, WITHIN_S)
        assert await third.ends(signal.SIGTERM) == 0
