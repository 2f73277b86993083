"""The contract whose storage says how often each piece of work took effect.

Called with two words, a piece's number and a block: counts the piece in the slot of that number,
and reverts when the block is past. So a call may succeed when it is decided and revert when it is
mined, as a liquidation does that somebody else was quicker with.
"""

from collections.abc import Sequence

from devnet.rpc import NodeClient, Request
from units import Address, BlockNumber

TALLY = Address("0x00000000000000000000000000000000000c4A05")
GAS_LIMIT = 60_000
REVERT_DATA = bytes.fromhex("deadbeef")

# if number > word 1: revert 0xdeadbeef; slot[word 0] += 1
_CODE = "0x602035431160135760003580546001019055005b63deadbeef60e01b60005260046000fd"


async def deploy_tally(node: NodeClient) -> None:
    """Puts the contract's code where everybody expects it."""
    await node.call("anvil_setCode", TALLY, _CODE)


def tally_call(piece: int, *, last_block: BlockNumber) -> bytes:
    """The call data that counts `piece` in blocks up to `last_block`."""
    return piece.to_bytes(32) + last_block.to_bytes(32)


async def read_tally(node: NodeClient, pieces: Sequence[int]) -> list[int]:
    """How often each of these pieces took effect."""
    slots = [
        Request(method="eth_getStorageAt", params=(TALLY, f"0x{piece:064x}", "latest"))
        for piece in pieces
    ]
    return [int(word, 16) for word in await node.batch(slots)]
