"""What gas costs, asked once a head: it does not change in between."""

from fleet.transactions.chain import Chain, Quote
from units import Head


class Quotes:
    """The latest quote, with the head at which it was asked."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._latest: tuple[Head | None, Quote] | None = None

    async def at(self, head: Head | None) -> Quote:
        """The quote of this head."""
        if self._latest is None or self._latest[0] != head:
            self._latest = head, await self._chain.fee_quote()
        return self._latest[1]
