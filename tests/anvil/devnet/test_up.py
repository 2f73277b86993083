"""`devnet up` as a whole: what it writes while it is up, and what is left when it is down."""

import asyncio
import json
import os
import signal
import stat
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from devnet.accounts import account_of
from devnet.failure import DevnetError
from devnet.rpc import NodeClient, NodeGoneError
from devnet.up import UpOptions, run
from fleet.settings import Workload, load

pytestmark = pytest.mark.anvil

UP_SECONDS_MAX = 120.0
FIELDS = {
    "rpc_url",
    "chain_id",
    "subtensor_url",
    "exchange",
    "price_feed",
    "keeper_router",
    "deployer",
    "keeper",
    "keepers",
    "traders",
}


async def appears(path: Path) -> None:
    async with asyncio.timeout(UP_SECONDS_MAX):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - a file has no event to wait for
            await asyncio.sleep(0.02)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def test_up__until_sigterm__state_serves_and_then_is_gone(tmp_path: Path) -> None:
    options = UpOptions(state=tmp_path / "world.json", speed=200.0, traders=10)
    said = StringIO()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(options, console=Console(file=said, width=200)))
        await appears(options.state)
        state = json.loads(options.state.read_text())
        settings = load(tmp_path / "world.network.toml")
        async with aiohttp.ClientSession() as session:
            node = NodeClient(session=session, url=state["rpc_url"])
            chain_id = int(await node.call("eth_chainId"), 16)
            later = int(await node.call("eth_blockNumber"), 16) + 5
            async with asyncio.timeout(60):  # in real time it would be another minute
                while int(await node.call("eth_blockNumber"), 16) < later:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            interrupt()
    assert chain_id == state["chain_id"] == 964
    assert settings.contracts.exchange == state["exchange"]
    assert settings.lockstep.url is None
    assert len(state["traders"]) == 10
    assert set(state) == FIELDS
    accounts = [state["deployer"], state["keeper"], *state["keepers"], *state["traders"]]
    for account in accounts:
        assert set(account) == {"address", "private_key"}
        assert account_of(account["private_key"]).address == account["address"]
    assert not options.state.exists()
    assert "devnet is down after block" in said.getvalue()


async def test_up__key_files__private_and_of_the_accounts_in_the_state(tmp_path: Path) -> None:
    options = UpOptions(state=tmp_path / "world.json", speed=200.0, traders=1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(options, console=Console(file=StringIO())))
        await appears(options.state)
        state = json.loads(options.state.read_text())
        settings = load(tmp_path / "world.network.toml")
        interrupt()
    in_order = (state["keeper"], *state["keepers"])
    workloads = ("all", "feeder", "liquidator", "funding", "operator")
    addresses = {
        workload: account["address"] for workload, account in zip(workloads, in_order, strict=True)
    }
    for workload in map(Workload, workloads):
        key = settings.keys.of(workload)
        assert key is not None
        assert key.private_key_file is not None
        assert stat.S_IMODE(key.private_key_file.stat().st_mode) == 0o600
        assert account_of(key.private_key_file.read_text()).address == addresses[workload.value]


async def test_up__lock_step_without_a_fleet__stands_still(tmp_path: Path) -> None:
    options = UpOptions(state=tmp_path / "world.json", speed=None, traders=1)
    said = StringIO()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(options, console=Console(file=said)))
        await appears(options.state)
        state = json.loads(options.state.read_text())
        settings = load(tmp_path / "world.network.toml")
        async with aiohttp.ClientSession() as session:
            node = NodeClient(session=session, url=state["rpc_url"])
            first = await node.call("eth_blockNumber")
            await asyncio.sleep(0.3)
            assert await node.call("eth_blockNumber") == first
        interrupt()
    assert settings.lockstep.url == state["subtensor_url"]
    assert "waiting" in said.getvalue()


async def test_up__down_again__node_is_gone(tmp_path: Path) -> None:
    options = UpOptions(state=tmp_path / "world.json", speed=200.0, traders=1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(options, console=Console(file=StringIO())))
        await appears(options.state)
        url = json.loads(options.state.read_text())["rpc_url"]
        interrupt()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NodeGoneError):
            await NodeClient(session=session, url=url).call("eth_chainId")


async def test_up__speed_of_nothing__refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DevnetError, match="speed 0 is not above 0"):
        await run(UpOptions(state=tmp_path / "world.json", speed=0.0))


async def test_up__missing_tape__refused_in_one_line(tmp_path: Path) -> None:
    options = UpOptions(state=tmp_path / "world.json", tape=tmp_path / "none.csv")
    with pytest.raises(DevnetError, match=r"none\.csv: No such file"):
        await run(options)
