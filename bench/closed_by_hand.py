"""An operator who closes a market by hand while its price jumps, and opens it again afterwards.

So the price at which positions fall is the first one after a break.
"""

from bench.hand import Call, send
from devnet.chain import SealedBlock
from devnet.world import World
from units import BlockNumber

_JUMP, _OPERATOR = 4, 6
"""PriceFeed.Suspension."""
_BLOCKS = 20
"""Longer than the guard holds a jump that stands."""


class ClosedByHand:
    """Looks at every block; closes each market once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._closed: dict[int, BlockNumber] = {}

    async def __call__(self, block: SealedBlock) -> None:
        """What it sends lands in the next block."""
        feed = self._world.deployment.price_feed
        for log in (log for receipt in block.receipts for log in receipt.logs):
            event = feed.contract.read_log(log) if log.address == feed.address.lower() else None
            if event is None or event.name != "MarketSuspended":
                continue
            netuid = event.arguments["netuid"]
            if event.arguments["reason"] == _JUMP and netuid not in self._closed:
                self._closed[netuid] = block.head.number
                await self._switch("suspend", [netuid], _OPERATOR)
        due = [n for n, at in self._closed.items() if block.head.number == at + _BLOCKS]
        if due:
            await self._switch("resume", due)

    async def _switch(self, function: str, *arguments: object) -> None:
        feed = self._world.deployment.price_feed
        call = Call(to=feed, function=function, arguments=arguments, gas=500_000)
        await send(self._world, self._world.fleet.operator, call)
