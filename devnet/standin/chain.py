"""The stand-in's blocks: headers that hash to their block's hash and name their parent.

Deterministic: two stand-ins of the same chain name and origin have the same blocks. Knows no
state; the state root is a made-up digest.
"""

from devnet import scale
from units import BlockHash, BlockNumber

_AURA = b"aura"
_PRE_RUNTIME = 6
_SEAL = 5


class UnknownBlockError(LookupError):
    """No block of this chain has that hash or number."""


class Chain:
    """Blocks `origin` … `best`, and the genesis block 0.

    A node that begins in the middle of a chain's life knows the genesis and nothing up to its
    origin. Blocks are made on demand, about 5 µs each.
    """

    def __init__(self, *, name: str, origin: BlockNumber) -> None:
        self._name = name.encode()
        self._origin = max(origin, 1)
        self._forks: list[int] = []
        genesis = self._made(0, bytes(32))
        self._genesis = genesis.hash()
        self._hashes = [self._seed(b"ancestor", self._origin - 1)]
        if self._origin == 1:
            self._hashes = [self._genesis]
        self._numbers: dict[bytes, int] = {self._genesis: 0}

    @property
    def genesis(self) -> BlockHash:
        """The hash of block 0."""
        return _hex(self._genesis)

    @property
    def best(self) -> BlockNumber:
        """The highest block made so far."""
        return BlockNumber(self._origin + len(self._hashes) - 2)

    def extend(self, best: BlockNumber) -> None:
        """Make blocks up to `best`; nothing when they are there already."""
        while self.best < best:
            number = self.best + 1
            block_hash = self._made(number, self._hashes[-1]).hash()
            self._hashes.append(block_hash)
            self._numbers[block_hash] = number

    def reorganise(self, first: BlockNumber) -> None:
        """Replace all blocks from `first` to the best one; the old ones are forgotten."""
        best = self.best
        for block_hash in self._hashes[first - self._origin + 1 :]:
            del self._numbers[block_hash]
        del self._hashes[first - self._origin + 1 :]
        self._forks.append(first)
        self.extend(best)

    def hash_of(self, number: BlockNumber) -> BlockHash:
        """The hash of a block; raises UnknownBlockError."""
        if number == 0:
            return self.genesis
        if not self._origin <= number <= self.best:
            raise UnknownBlockError(number)
        return _hex(self._hashes[number - self._origin + 1])

    def number_of(self, block_hash: bytes) -> BlockNumber:
        """The height of a block; raises UnknownBlockError."""
        try:
            return BlockNumber(self._numbers[block_hash])
        except KeyError:
            raise UnknownBlockError(block_hash.hex()) from None

    def header(self, number: BlockNumber) -> scale.BlockHeader:
        """The header of a block; raises UnknownBlockError."""
        if number == 0:
            return self._made(0, bytes(32))
        self.hash_of(number)
        return self._made(number, self._hashes[number - self._origin])

    def _made(self, number: int, parent_hash: bytes) -> scale.BlockHeader:
        slot = scale.u8(_PRE_RUNTIME) + _AURA + scale.byte_string(scale.u64(number))
        seal = self._seed(b"seal", number) * 2
        return scale.BlockHeader(
            parent_hash=parent_hash,
            number=number,
            state_root=self._seed(b"state", number),
            extrinsics_root=self._seed(b"extrinsics", number),
            digest=(slot, scale.u8(_SEAL) + _AURA + scale.byte_string(seal)) if number else (),
        )

    def _seed(self, what: bytes, number: int) -> bytes:
        fork = sum(first <= number for first in self._forks)
        name = self._name + b"'" * fork
        return scale.blake2b_256(b"/".join((name, what, str(number).encode())))


def _hex(data: bytes) -> BlockHash:
    return BlockHash("0x" + data.hex())
