"""A chain for senders who do the same: each has a key of its own and money."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from devnet.accounts import Account, seeded_account
from devnet.anvil import Genesis, running_anvil
from devnet.base_fee import BASE_FEE_FLOOR
from devnet.chaos.tally import deploy_tally, read_tally
from devnet.rpc import NodeClient, Request
from units import BLOCK_TIME, Address, BlockNumber, Timestamp

_GENESIS = Genesis(block=BlockNumber(5_072_232), time=Timestamp(1_741_305_600))
_BALANCE = 10**24
FOREVER = BlockNumber(2**40)
"""A last block that never comes."""
PLAIN_FIRST = 1_000_000
"""Pieces from this number on are the baseline's, below it the fleet's."""
BARE_FIRST = 2_000_000
"""And from this one on those of a sender without anything around it."""


class WorkMissingError(Exception):
    """The work that was timed was not done, or done twice."""


@dataclass(slots=True)
class Ground:
    """A node, and the levers of the one who owns it."""

    url: str
    lever: NodeClient
    fleet: Account
    plain: Account
    bare: Account
    time: Timestamp = _GENESIS.time
    _sealed: asyncio.Event = field(default_factory=asyncio.Event)

    async def seal(self) -> None:
        """One block at the base fee's floor, with all that the pool has."""
        self.time = Timestamp(self.time + BLOCK_TIME)
        await self.lever.batch(
            [
                Request(method="anvil_setNextBlockBaseFeePerGas", params=(hex(BASE_FEE_FLOOR),)),
                Request(method="evm_setNextBlockTimestamp", params=(self.time,)),
                Request(method="evm_mine"),
            ]
        )

        sealed, self._sealed = self._sealed, asyncio.Event()
        sealed.set()

    async def next_block(self) -> None:
        """Returns when somebody else has sealed one."""
        await self._sealed.wait()

    async def sent(self, account: Address) -> int:
        """Transactions of an account in blocks."""
        return int(await self.lever.call("eth_getTransactionCount", account, "latest"), 16)

    async def check_done(self, count: int, firsts: Sequence[int] = (0, PLAIN_FIRST)) -> None:
        """Did the first `count` pieces of each take effect exactly once?

        Raises:
            WorkMissingError: they did not, and what was measured is worth nothing.
        """
        for first in firsts:
            counts = await read_tally(self.lever, range(first, first + count))
            if counts != [1] * count:
                raise WorkMissingError(f"{counts.count(1)} of {count} pieces from {first} are done")


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Ground]:
    """A fresh chain."""
    async with running_anvil(_GENESIS) as anvil, aiohttp.ClientSession() as session:
        lever = NodeClient(session=session, url=anvil.rpc_url)
        ground = Ground(
            url=anvil.rpc_url,
            lever=lever,
            fleet=seeded_account(seed=1, role="bench fleet"),
            plain=seeded_account(seed=1, role="bench plain"),
            bare=seeded_account(seed=1, role="bench bare"),
        )
        await deploy_tally(lever)
        for account in (ground.fleet, ground.plain, ground.bare):
            await lever.call("anvil_setBalance", account.address, hex(_BALANCE))
        await ground.seal()
        yield ground
