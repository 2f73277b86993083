"""The exchange's views as the world reads them: structs as dicts, at one block.

Knows function names and JSON-RPC; judges nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from devnet.deployment import Deployment
from devnet.rpc import NodeClient, Request
from units import Address, BlockNumber, Netuid

_PAGE = 500


def market_address(netuid: Netuid) -> Address:
    """A market's address is its netuid."""
    return Address(f"0x{netuid:040x}")


class ExchangeViews:
    """Reads an exchange at numbered blocks, the recent ones that the node still holds."""

    def __init__(self, node: NodeClient, deployment: Deployment) -> None:
        self._node = node
        self._exchange = deployment.exchange
        self._netuids = deployment.netuids

    async def markets(self, block: BlockNumber) -> dict[Netuid, dict[str, Any]]:
        """`MarketView` by netuid, of every listed market."""
        (found,) = await self._read("markets", [*map(market_address, self._netuids)], block=block)
        return dict(zip(self._netuids, found, strict=True))

    async def vault(self, block: BlockNumber) -> dict[str, Any]:
        """`VaultView`."""
        (found,) = await self._read("vaultState", block=block)
        return dict(found)

    async def position_ids(self, block: BlockNumber) -> list[bytes]:
        """Every open position's id."""
        found: list[bytes] = []
        while True:
            ids, total = await self._read("positionIds", len(found), _PAGE, block=block)
            found += ids
            if len(found) >= total:
                return found

    async def positions(self, ids: Sequence[bytes], block: BlockNumber) -> list[dict[str, Any]]:
        """`PositionView` of each id."""
        return await self._paged("positionsById", ids, block)

    async def margins(self, ids: Sequence[bytes], block: BlockNumber) -> list[dict[str, Any]]:
        """`MarginView` of each id: at the feed price and the index at that block's time."""
        return await self._paged("marginRatios", ids, block)

    async def free_balances(self, traders: Iterable[str], block: BlockNumber) -> list[int]:
        """The free balance of each trader, in wei."""
        contract = self._exchange.contract
        requests = [
            self._request(contract.encode("freeBalance", trader), block) for trader in traders
        ]
        return [int(found, 16) for found in await self._node.batch(requests)]

    async def balance(self, block: BlockNumber) -> int:
        """The contract's TAO, in wei."""
        return int(await self._node.call("eth_getBalance", self._exchange.address, hex(block)), 16)

    async def _paged(
        self, function: str, ids: Sequence[bytes], block: BlockNumber
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for first in range(0, len(ids), _PAGE):
            (page,) = await self._read(function, ids[first : first + _PAGE], block=block)
            found += page
        return found

    async def _read(self, function: str, *arguments: object, block: BlockNumber) -> tuple[Any, ...]:
        contract = self._exchange.contract
        request = self._request(contract.encode(function, *arguments), block)
        output = await self._node.call(request.method, *request.params)
        return contract.decode(function, bytes.fromhex(output.removeprefix("0x")))

    def _request(self, data: bytes, block: BlockNumber) -> Request:
        call = {"to": self._exchange.address, "data": "0x" + data.hex()}
        return Request(method="eth_call", params=(call, hex(block)))
