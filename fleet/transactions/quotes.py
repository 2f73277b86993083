"""What gas costs, asked once a head: it does not change in between.

A node that lags or lies quotes too little, and a base fee that has just fallen may rise again: so
the highest of the last heads counts. While the last heads' were needed, a head's is asked for as
soon as it has come: whoever sends something at it then waits for a disk and a node, and not for
this as well.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleet.transactions.chain import Chain, Quote
from fleet.transactions.fees import Quoted
from units import BlockNumber, Head

_HEADS = 5
"""How many heads are remembered: what a full block raises by 12.5 % falls again in as many."""


class Quotes:
    """The quotes of the last heads."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._asking = asyncio.Lock()
        self._asked_at: Head | None = None
        self._needed_at: BlockNumber | None = None
        self._latest: deque[Quote] = deque(maxlen=_HEADS)

    async def at(self, head: Head) -> Quoted:
        """The quote of this head."""
        self._needed_at = head.number
        await self._ask(head)
        return self._quoted()

    async def again(self) -> Quoted:
        """A new quote of the same head: a node has said that the one at hand is too low."""
        self._latest.append(await self._chain.fee_quote())
        return self._quoted()

    @asynccontextmanager
    async def ahead(self, head: Head) -> AsyncIterator[None]:
        """Beside the body, where one is likely to be needed; who needs it hears of a failure."""
        if self._needed_at is None or head.number - self._needed_at > _HEADS:
            yield
            return
        asking = asyncio.get_running_loop().create_task(self._ask(head), name="quote")
        try:
            yield
            await asyncio.wait([asking])
        finally:
            asking.cancel()
            (failure,) = await asyncio.gather(asking, return_exceptions=True)
        if failure is not None and not isinstance(failure, Exception):
            raise failure

    async def _ask(self, head: Head) -> None:
        async with self._asking:
            if not self._latest or self._asked_at != head:
                self._latest.append(await self._chain.fee_quote())
                self._asked_at = head

    def _quoted(self) -> Quoted:
        newest = self._latest[-1]
        return Quoted(
            gas_price=newest.gas_price,
            base_fee=newest.base_fee,
            recent_base_fee=max(each.base_fee for each in self._latest),
        )
