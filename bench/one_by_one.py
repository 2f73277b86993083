"""A liquidator as public bots are written: one `eth_call` a position, again and again.

It asks for each position's margin in turn and liquidates whom it finds below maintenance, each in
a transaction of its own. Which positions there are it knows for nothing.
"""

from collections import deque

from bench.hand import Call, send
from devnet.chain import SealedBlock
from devnet.views import ExchangeViews
from devnet.world import World
from units import BLOCK_TIME

REQUESTS_A_SECOND = 1
"""What a public endpoint of chain 964 allows."""

_GAS = 1_000_000


class OneByOne:
    """Looks at every block; what it sends lands in the next one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._views = ExchangeViews(world.node, world.deployment)
        self._held: deque[bytes] = deque()

    async def __call__(self, block: SealedBlock) -> None:
        """Asks as often as the endpoint allows within a block's time."""
        self._learn(block)
        for _ in range(min(REQUESTS_A_SECOND * BLOCK_TIME, len(self._held))):
            position = self._held[0]
            self._held.rotate(-1)
            (margin,) = await self._views.margins([position], block.head.number)
            if margin["liquidatable"]:
                await self._take(position)

    def _learn(self, block: SealedBlock) -> None:
        contract = self._world.deployment.exchange.contract
        for log in (log for receipt in block.receipts for log in receipt.logs):
            event = contract.read_log(log)
            if event is None:
                continue
            if event.name == "PositionOpened":
                self._held.append(event.arguments["id"])
            elif event.name in {"PositionClosed", "PositionLiquidated"}:
                self._held.remove(event.arguments["id"])

    async def _take(self, position: bytes) -> None:
        keeper = self._world.fleet.liquidator
        call = Call(
            to=self._world.deployment.exchange,
            function="liquidate",
            arguments=([position], keeper.address),
            gas=_GAS,
        )
        await send(self._world, keeper, call)
