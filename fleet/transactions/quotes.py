"""What gas costs, asked once a head: it does not change in between.

A node that lags or lies quotes too little, and a base fee that has just fallen may rise again: so
the highest of the last heads counts.
"""

from collections import deque

from fleet.transactions.chain import Chain, Quote
from fleet.transactions.fees import Quoted
from units import Head

_HEADS = 5
"""How many heads are remembered: what a full block raises by 12.5 % falls again in as many."""


class Quotes:
    """The quotes of the last heads."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._asked_at: Head | None = None
        self._latest: deque[Quote] = deque(maxlen=_HEADS)

    async def at(self, head: Head | None) -> Quoted:
        """The quote of this head."""
        if not self._latest or self._asked_at != head:
            quote = await self._chain.fee_quote()
            self._latest.append(quote)
            self._asked_at = head
        return self._quoted()

    async def again(self) -> Quoted:
        """A new quote of the same head: a node has said that the one at hand is too low."""
        self._latest.append(await self._chain.fee_quote())
        return self._quoted()

    def _quoted(self) -> Quoted:
        newest = self._latest[-1]
        return Quoted(
            gas_price=newest.gas_price,
            base_fee=newest.base_fee,
            recent_base_fee=max(each.base_fee for each in self._latest),
        )
