"""A netuid handed on to another project: closed on chain, and opened again by two people.

Real commands, one after the other, against a real world whose tape loses the subnet for a while.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from devnet.rpc import NodeClient
from devnet.tape import Tape, TapeRow
from devnet.up import UpOptions, run
from devnet.world import SET_UP_BLOCKS
from tests.anvil.devnet.test_up import appears, interrupt
from units import BlockNumber, Netuid, Rao, Timestamp

pytestmark = [pytest.mark.anvil, pytest.mark.slow, pytest.mark.timeout(900)]

CHUTES, LIUM = Netuid(64), Netuid(51)
FIRST, ROWS = 5_000_000, 3_000
GONE_FROM, GONE_FOR = 60, 10
PRICE = Rao(10**8)


def tape() -> Tape:
    """CHUTES is gone for ten blocks; what comes back has the same price and is another subnet."""
    gone = range(GONE_FROM, GONE_FROM + GONE_FOR)
    return Tape.of_rows(
        TapeRow(
            block=BlockNumber(FIRST + row),
            time=Timestamp(1_750_000_000 + 12 * row),
            prices={LIUM: PRICE} if row in gone else {CHUTES: PRICE, LIUM: PRICE},
        )
        for row in range(ROWS)
    )


class Devnet:
    """A devnet, and the commands that an operator types against it."""

    def __init__(self, folder: Path, node: NodeClient, admin: str) -> None:
        self.config = folder / "world.network.toml"
        self._node = node
        self._admin = admin

    async def keepers(self, *arguments: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "fleet.cli.entry", "--config", str(self.config)),
            *(*arguments, "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        stdout, _ = await process.communicate()
        document: dict[str, Any] = json.loads(stdout)
        return document

    async def reaches(self, block: int) -> None:
        while int(await self._node.call("eth_blockNumber"), 16) < block:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)

    async def suspension(self) -> str:
        shown = await self.keepers("oracle", "show", "CHUTES")
        (market,) = shown["plan"]["markets"]
        return str(market["row"]["suspension"])

    async def pushed(self) -> dict[str, Any]:
        said = await self.keepers("oracle", "push", "CHUTES", "--yes")
        (market,) = said["plan"]["markets"]
        decision: dict[str, Any] = market["decision"]
        return decision

    async def signs(self, call: dict[str, Any]) -> None:
        """The admin signs what was printed."""
        await self._node.call("anvil_impersonateAccount", self._admin)
        request = {"from": self._admin, "to": call["to"], "data": call["data"]}
        fee = {"gas": hex(200_000), "gasPrice": hex(10**11)}  # what anvil quotes is below the floor
        sent = await self._node.call("eth_sendTransaction", request | fee)
        while (receipt := await self._node.call("eth_getTransactionReceipt", sent)) is None:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)
        assert receipt["status"] == "0x1"


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Devnet]:
    file = folder / "tape.csv"
    tape().write(file)
    options = UpOptions(state=folder / "world.json", tape=file, speed=20.0, traders=1)
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        tasks.create_task(run(options, console=Console(file=StringIO())))
        await appears(options.state)
        state = json.loads(options.state.read_text())
        node = NodeClient(session=session, url=state["rpc_url"])
        yield Devnet(folder, node, state["deployer"]["address"])
        interrupt()


async def test_identity__handed_on__closed_until_a_command_and_the_admin_open_it(
    tmp_path: Path,
) -> None:
    async with standing(tmp_path) as devnet:
        first = await devnet.pushed()
        assert (first["kind"], first["update"]["price"]) == ("Publish", 10**17)

        await devnet.reaches(FIRST + SET_UP_BLOCKS + GONE_FROM + GONE_FOR + 10)
        closed = await devnet.pushed()
        assert (closed["kind"], closed["reason"]) == ("Suspend", "identity")
        again = await devnet.pushed()
        assert (again["kind"], again["reason"]) == (
            "Hold",
            "suspended for its identity: only the admin resumes it",
        )

        accepted = await devnet.keepers("oracle", "accept-pin", "CHUTES", "--yes")
        assert accepted["registered_at"] == FIRST + GONE_FROM + GONE_FOR
        pinned = await devnet.pushed()
        assert pinned["kind"] == "Hold", "the pin alone opens nothing"

        await devnet.signs(accepted["admin"])
        opened = await devnet.pushed()
        assert (opened["kind"], opened.get("update", {}).get("price")) == ("Publish", 10**17), (
            opened
        )
        assert await devnet.suspension() == "none"
