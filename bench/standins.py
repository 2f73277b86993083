"""Subtensor stand-ins in a process of their own, so that their work is nobody's figure.

`python -m bench.standins COUNT` prints their addresses, then obeys one command a line: `advance`,
`upgrade` (to a runtime that takes as long to decode as mainnet's, at the next block), `asked`.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from devnet.standin import RuntimeProfile, SubtensorStandIn
from devnet.tape import Tape, TapeRow
from units import BLOCK_TIME, BlockHash, BlockNumber, Netuid, Rao, Timestamp

MARKETS: Final = tuple(Netuid(netuid) for netuid in range(1, 13))
UPGRADED: Final = 9_002
_FIRST: Final = BlockNumber(5_000_000)
_START: Final = BlockNumber(_FIRST + 10)
_BLOCKS: Final = 100_000
_PADDING: Final = 300


@dataclass(frozen=True)
class StandIns:
    """The other process, as this one sees it."""

    process: asyncio.subprocess.Process
    urls: tuple[str, ...]
    genesis: BlockHash

    async def tell(self, command: str) -> Any:
        """One command and its answer."""
        assert self.process.stdin is not None, "it is a pipe"
        assert self.process.stdout is not None, "it is a pipe"
        self.process.stdin.write(command.encode() + b"\n")
        return json.loads(await self.process.stdout.readline())


@asynccontextmanager
async def standing_in(count: int) -> AsyncIterator[StandIns]:
    """So many nodes of one chain, until the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.standins", str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None, "it is a pipe"
        said = json.loads(await process.stdout.readline())
        yield StandIns(
            process=process, urls=tuple(said["urls"]), genesis=BlockHash(said["genesis"])
        )
    finally:
        process.kill()
        await process.wait()


def _tape() -> Tape:
    rows = range(0, _BLOCKS, 10)
    return Tape.of_rows(
        [
            TapeRow(
                block=BlockNumber(_FIRST + row),
                time=Timestamp(1_741_300_000 + row * BLOCK_TIME),
                prices={netuid: Rao(100_000_000 + netuid * 1_000 + row) for netuid in MARKETS},
            )
            for row in rows
        ]
    )


async def _serve(count: int) -> None:
    tape = _tape()
    async with AsyncExitStack() as closing:
        nodes = [
            await closing.enter_async_context(SubtensorStandIn(tape, start=_START))
            for _ in range(count)
        ]
        _say({"urls": [node.url for node in nodes], "genesis": nodes[0].genesis})
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(_obey(line.strip(), nodes))


def _obey(command: str, nodes: list[SubtensorStandIn]) -> Any:
    match command:
        case "advance":
            for node in nodes:
                node.advance(BlockNumber(node.best + 1))
            return nodes[0].finalized
        case "upgrade":
            runtime = RuntimeProfile.synthetic(spec_version=UPGRADED, padding=_PADDING)
            for node in nodes:
                node.upgrade_at(BlockNumber(node.best + 1), runtime)
            return UPGRADED
        case _:
            return sum(sum(node.asked.values()) for node in nodes)


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
