"""The price source in process: finalized blocks of the tape, as a Subtensor node would say them."""

from collections.abc import Mapping, Sequence

from devnet.tape import Tape
from oracle.quotes import Identity, Reading, SourceBlock, SourceHead, Unavailable
from units import BlockHash, BlockNumber, Netuid

_DYNAMIC = 1
_SPEC_VERSION = 424


def block_hash(number: int) -> BlockHash:
    """The hash of a block of either chain: its number, there are no forks here."""
    return BlockHash(f"0x{number:064x}")


def source_head(number: BlockNumber) -> SourceHead:
    """The finalized header of a height."""
    return SourceHead(number=number, hash=block_hash(number))


class TapeSource:
    """`oracle.feeder.PriceSource` over a tape. `newest` is the newest finalized block."""

    def __init__(self, tape: Tape, markets: Sequence[Netuid], newest: BlockNumber) -> None:
        self.tape = tape
        self._markets = tuple(markets)
        self._row: BlockNumber | None = None
        self._identities: Mapping[Netuid, Identity] = {}
        self.newest = newest

    async def read(self, number: BlockNumber) -> Reading | Unavailable:
        """See the port."""
        number = max(number, self.tape.first_block)
        row = self.tape.row_at(number)
        if row.block != self._row:
            self._row = row.block
            self._identities = {
                netuid: self._identity(netuid, number, exists=netuid in row.prices)
                for netuid in self._markets
            }
        made = SourceBlock(
            number=number,
            hash=block_hash(number),
            time=self.tape.time_at(number),
            spec_version=_SPEC_VERSION,
        )
        return Reading(block=made, prices=row.prices, identities=self._identities)

    async def buried(self, depth: int) -> Reading | Unavailable:
        """See the port; a tape has no block that is not final."""
        return Unavailable(detail=f"the tape has nothing {depth} blocks below its end")

    async def finalized(self) -> SourceHead | Unavailable:
        """See the port."""
        return source_head(self.newest)

    def _identity(self, netuid: Netuid, at: BlockNumber, *, exists: bool) -> Identity:
        born = self.tape.registered_at(netuid, at)
        return Identity(
            exists=exists,
            registered_at=born or BlockNumber(0),
            mechanism=_DYNAMIC if exists else 0,
        )
