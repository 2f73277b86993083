"""What was signed, read back from the bytes of its call: evidence against a record. Pure."""

from typing import Final

from oracle.feed import Update
from protocol.abi import selector
from protocol.words import read_array, read_uints

_PUSHING: Final = {selector("PriceFeed", "push"), selector("KeeperRouter", "pushAndLiquidate")}


def updates_in(data: bytes) -> tuple[Update, ...]:
    """The prices that the call carries; () for one that pushes nothing.

    Raises:
        ValueError: it ends too soon.
    """
    if data[:4] not in _PUSHING:
        return ()
    return tuple(_update(words) for words in read_array(data[4:], 0, 4))


def _update(words: bytes) -> Update:
    netuid, price, source_block, source_time = read_uints(words, 4)
    return Update(netuid=netuid, price=price, source_block=source_block, source_time=source_time)
