"""The chain's own price of a subnet's Alpha, from the precompile at 0x…0808.

It answers floor(price · 1e9) · 1e9, TAO per Alpha scaled by 1e18 with nine digits that count
(subtensor precompiles/src/alpha.rs), which is the price feed's unit.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from eth_utils.abi import function_signature_to_4byte_selector

from fleet.chain.failures import ChainError
from oracle.quotes import Unavailable
from protocol.words import WORD, uint
from units import Address, BlockNumber, Netuid, PriceWei

ALPHA = Address("0x0000000000000000000000000000000000000808")
_GET_PRICE = function_signature_to_4byte_selector("getAlphaPrice(uint16)")


class CallsAtBlocks(Protocol):
    """What is needed of a node. Raises ChainError."""

    async def call(self, to: Address, data: bytes, block: BlockNumber) -> bytes:
        """What a contract returns at the end of one block."""
        ...


class AlphaPrices:
    """`oracle.crosscheck.ChainPrices`."""

    def __init__(self, chain: CallsAtBlocks) -> None:
        self._chain = chain

    async def at(
        self, netuids: Sequence[Netuid], block: BlockNumber
    ) -> Mapping[Netuid, PriceWei] | Unavailable:
        """See the port."""
        async with asyncio.TaskGroup() as tasks:
            asked = {each: tasks.create_task(self._price(each, block)) for each in netuids}
        prices: dict[Netuid, PriceWei] = {}
        for netuid, task in asked.items():
            said = task.result()
            if isinstance(said, Unavailable):
                return said
            prices[netuid] = said
        return prices

    async def _price(self, netuid: Netuid, block: BlockNumber) -> PriceWei | Unavailable:
        try:
            said = await self._chain.call(ALPHA, _GET_PRICE + uint(netuid), block)
        except ChainError as error:
            return Unavailable(detail=f"the Alpha precompile: {error}")
        if len(said) != WORD:
            return Unavailable(detail=f"the Alpha precompile at {ALPHA} answers {len(said)} bytes")
        return PriceWei(int.from_bytes(said, "big"))
