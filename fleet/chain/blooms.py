"""The bloom filter of a block's header: which contracts cannot have logged anything in it.

It is part of what the block's hash covers, so it contradicts a node that leaves logs out. It errs
on one side: a contract that logged is always in it, one that did not is in it by chance.

Pure. The formula is the Ethereum yellow paper's, 4.3.1.
"""

from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from units import Address

_BITS = 2_048
_PAIRS = (0, 2, 4)  # the bytes of the hash that name the bits


def may_hold(bloom: int, contract: Address) -> bool:
    """Whether a block with this bloom may have logs of the contract; if not, it has none."""
    digest = keccak(to_canonical_address(contract))
    bits = (int.from_bytes(digest[at : at + 2], "big") % _BITS for at in _PAIRS)
    return all(bloom >> bit & 1 for bit in bits)
