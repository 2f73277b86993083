"""The stand-in as a node: its blocks, what is final, and the state it still keeps at each.

Knows no JSON and no sockets; a test's overrides and a scheduled upgrade enter here.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from devnet.standin.chain import Chain, UnknownBlockError
from devnet.standin.runtime import RuntimeProfile
from devnet.standin.state import BlockState, MarketOverride, state_at
from devnet.standin.storage import snapshot
from devnet.tape import Tape
from units import BlockHash, BlockNumber

CHAIN_NAME = "Bittensor"
STATE_BLOCKS = 300
"""How many blocks of state a public node keeps behind its best block."""

_SNAPSHOTS_KEPT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StateGone:
    """The block is known, its state was discarded."""

    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBlock:
    """No block has that hash."""

    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAt:
    """The state after one block and the runtime that it holds."""

    hash: BlockHash
    state: BlockState
    profile: RuntimeProfile


@dataclass(slots=True)
class Node:
    """One node that replays a tape.

    `start` is the best block at first; blocks before it exist as far back as state is kept, so
    that the node is like one that has run for long. `state_blocks` None keeps all state.
    """

    tape: Tape
    start: BlockNumber
    runtime: RuntimeProfile
    finality_lag: int
    state_blocks: int | None = STATE_BLOCKS
    chain_name: str = CHAIN_NAME
    chain: Chain = field(init=False)
    finalized: BlockNumber = field(init=False)
    overrides: list[MarketOverride] = field(default_factory=list)
    _upgrades: list[tuple[BlockNumber, RuntimeProfile]] = field(default_factory=list)
    _snapshots: OrderedDict[tuple[BlockNumber, int], dict[bytes, bytes]] = field(
        default_factory=OrderedDict
    )

    def __post_init__(self) -> None:
        """Make the blocks up to `start`; raises TapeError when the tape does not hold it."""
        self.tape.row_at(self.start)
        history = STATE_BLOCKS if self.state_blocks is None else self.state_blocks
        self.chain = Chain(name=self.chain_name, origin=BlockNumber(self.start - history))
        self.chain.extend(self.start)
        self.finalized = self.lagging(self.start)

    @property
    def best(self) -> BlockNumber:
        """The highest block."""
        return self.chain.best

    def lagging(self, best: BlockNumber) -> BlockNumber:
        """The finalized block that belongs to a best block."""
        return BlockNumber(max(1, best - self.finality_lag))

    def import_block(self, best: BlockNumber) -> None:
        """Have blocks up to `best`.

        Raises:
            ValueError: `best` is below the present one.
            TapeError: the tape has ended before it.
        """
        if best < self.best:
            raise ValueError(f"best block {self.best} can't go back to {best}")
        self.tape.row_at(best)
        self.chain.extend(best)

    def clear_overrides(self) -> None:
        """What a test has changed is as the tape has it again."""
        self.overrides.clear()
        self._snapshots.clear()

    def reorganise(self, first: BlockNumber) -> None:
        """Replace all blocks from `first` on.

        Raises:
            ValueError: `first` is final already, or does not exist.
        """
        if not self.finalized < first <= self.best:
            raise ValueError(f"block {first} is not between {self.finalized} and {self.best}")
        self.chain.reorganise(first)

    def upgrade_at(self, block: BlockNumber, profile: RuntimeProfile) -> None:
        """From this block's state on another runtime rules.

        Raises:
            ValueError: the block exists already.
        """
        if block <= self.best:
            raise ValueError(f"block {block} is in the past: the best block is {self.best}")
        self._upgrades.append((block, profile))
        self._upgrades.sort(key=lambda upgrade: upgrade[0])

    def profile_at(self, block: BlockNumber) -> RuntimeProfile:
        """The runtime in the state after a block."""
        profile = self.runtime
        for since, upgraded in self._upgrades:
            if since <= block:
                profile = upgraded
        return profile

    def at(self, block_hash: bytes | None) -> StateAt | StateGone | NoBlock:
        """The state after a block, by its hash; the best block's when None."""
        if block_hash is None:
            return self._at(self.best)
        try:
            block = self.chain.number_of(block_hash)
        except UnknownBlockError:
            return NoBlock(hash="0x" + block_hash.hex())
        if self.state_blocks is not None and block < self.best - self.state_blocks:
            return StateGone(hash="0x" + block_hash.hex())
        return self._at(block)

    def storage_at(self, at: StateAt) -> dict[bytes, bytes]:
        """All storage after a block, by key; the last few are kept ready."""
        key = (at.state.block, len(self.overrides))
        if key not in self._snapshots:
            self._snapshots[key] = snapshot(at.state, at.profile)
            if len(self._snapshots) > _SNAPSHOTS_KEPT:
                self._snapshots.popitem(last=False)
        return self._snapshots[key]

    def _at(self, block: BlockNumber) -> StateAt:
        return StateAt(
            hash=self.chain.hash_of(block),
            state=state_at(self.tape, self.overrides, block),
            profile=self.profile_at(block),
        )
