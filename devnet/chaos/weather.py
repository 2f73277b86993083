"""The chain under the run: a block every fraction of a second, fee spikes, a leaky pool.

Every spike is over after some blocks, and what the pool lost may be sent again: nothing here makes
a request impossible that has time.
"""

import asyncio
from dataclasses import dataclass
from random import Random

from devnet.accounts import seeded_account
from devnet.base_fee import BASE_FEE_FLOOR
from devnet.rpc import NodeClient, Request
from units import Address, Timestamp

BLOCK_SECONDS = 0.15
_CHAIN_SECONDS = 1
"""A run of many blocks stays within the day of chain time for which spending is remembered."""
_SPIKE = 6 * BASE_FEE_FLOOR
_SPIKE_CHANCE = 0.04
_SPIKE_BLOCKS_MAX = 4
_LEAK_CHANCE = 0.1


@dataclass(slots=True)
class Weather:
    """Seals blocks until cancelled; the counts say what it has done."""

    node: NodeClient
    chance: Random
    sender: Address
    time: Timestamp
    blocks: int = 0
    spikes: int = 0
    dropped: int = 0
    _spike_blocks: int = 0

    async def run(self) -> None:
        """Goes on until cancelled."""
        while True:
            await asyncio.sleep(BLOCK_SECONDS)
            if self.chance.random() < _LEAK_CHANCE:
                await self._leak()
            await self._seal()

    async def _seal(self) -> None:
        self.blocks += 1
        self.time = Timestamp(self.time + _CHAIN_SECONDS)
        await self.node.batch(
            [
                Request(method="anvil_setNextBlockBaseFeePerGas", params=(hex(self._base_fee()),)),
                Request(method="evm_setNextBlockTimestamp", params=(self.time,)),
                Request(method="evm_mine"),
            ]
        )

    def _base_fee(self) -> int:
        if self._spike_blocks > 0:
            self._spike_blocks -= 1
            return _SPIKE
        if self.chance.random() < _SPIKE_CHANCE:
            self.spikes += 1
            self._spike_blocks = self.chance.randint(0, _SPIKE_BLOCKS_MAX - 1)
            return _SPIKE
        return BASE_FEE_FLOOR

    async def _leak(self) -> None:
        """The pool forgets one of the sender's transactions."""
        pooled = await pooled_hashes(self.node, self.sender)
        if pooled:
            dropped = await self.node.call("anvil_dropTransaction", self.chance.choice(pooled))
            self.dropped += dropped is not None  # else it was replaced or mined meanwhile


async def pooled_hashes(node: NodeClient, account: Address) -> list[str]:
    """What the node's pool holds of an account, ready or waiting."""
    content = await node.call("txpool_content")
    return sorted(
        found["hash"]
        for part in content.values()
        for sender, by_nonce in part.items()
        if sender.lower() == account.lower()
        for found in by_nonce.values()
    )


def sending_account(seed: int) -> Address:
    """The account whose process is killed."""
    return seeded_account(seed=seed, role="chaos").address
