"""The Alpha precompile's stand-in at 0x…0808: its code, and its prices as storage writes.

Knows the storage layout of `contracts/src/AlphaPrecompile.sol`; nothing of where prices come from.
"""

from collections.abc import Mapping

from eth_utils.crypto import keccak

from devnet.chain import StorageWrite
from devnet.contract import load_runtime_code
from devnet.rpc import Request
from units import RAO_IN_PRICE_WEI, Address, BlockNumber, Netuid, Rao

PRECOMPILE = Address("0x0000000000000000000000000000000000000808")
_MAPPING_SLOT = 0
_PRICE_BITS = 96


def installation() -> Request:
    """The request that puts the stand-in's code in place."""
    return Request(
        method="anvil_setCode", params=(PRECOMPILE, load_runtime_code("AlphaPrecompile"))
    )


class PrecompilePrices:
    """Remembers what was written, so that only what changed is written again."""

    def __init__(self) -> None:
        self._written: dict[Netuid, int] = {}

    def writes(self, prices: Mapping[Netuid, Rao], block: BlockNumber) -> list[StorageWrite]:
        """The writes that make the precompile say `prices` (RAO per Alpha) and nothing else.

        They hold from `block` on, the next to be sealed; asked of the one before, it says what it
        said then. A subnet that is gone is written as 0: unknown.
        """
        wanted = dict.fromkeys(self._written, 0) | {
            netuid: rao * RAO_IN_PRICE_WEI for netuid, rao in prices.items()
        }
        changed = {
            netuid: price
            for netuid, price in wanted.items()
            if self._written.get(netuid, 0) != price
        }
        before = {netuid: self._written.get(netuid, 0) for netuid in changed}
        self._written |= changed
        return [_write(netuid, price, before[netuid], block) for netuid, price in changed.items()]


def _write(netuid: Netuid, price: int, before: int, block: BlockNumber) -> StorageWrite:
    slot = keccak(netuid.to_bytes(32, "big") + _MAPPING_SLOT.to_bytes(32, "big"))
    value = block << 2 * _PRICE_BITS | before << _PRICE_BITS | price
    return StorageWrite(account=PRECOMPILE, slot="0x" + slot.hex(), value=f"0x{value:064x}")
