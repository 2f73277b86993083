"""What the chain holds at a block: every subnet that exists there, taken from the tape.

Derived on demand from the tape and the overrides of a test, so thousands of blocks cost nothing.
Knows no storage keys and no JSON.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from devnet.tape import Tape
from units import BLOCK_TIME, BlockNumber, Netuid, Rao, Timestamp

ROOT = Netuid(0)
MECHANISM_STABLE = 0
MECHANISM_DYNAMIC = 1
PRICE_STABLE = Rao(10**9)
"""What the runtime answers for a subnet without a price of its own, existing or not: 1 TAO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """One subnet at one block; `pool_price` is what its pool is worth, whatever its mechanism."""

    netuid: Netuid
    registered_at: BlockNumber
    mechanism: int
    pool_price: Rao

    @property
    def price(self) -> Rao:
        """What the runtime says: RAO per Alpha, exactly 1 TAO when the mechanism is not dynamic."""
        return self.pool_price if self.mechanism == MECHANISM_DYNAMIC else PRICE_STABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockState:
    """The chain's state after one block; subnets ascend, the root network among them."""

    block: BlockNumber
    time: Timestamp
    subnets: Mapping[Netuid, Subnet]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOverride:
    """What a test makes of one subnet from block `first` to `last` (None: for ever).

    Only what is given is changed. `exists=False` removes it. `exists=True` (or a price) for a
    netuid that the tape does not have at that block needs all three others to be sensible.
    """

    netuid: Netuid
    first: BlockNumber
    last: BlockNumber | None = None
    exists: bool | None = None
    price: Rao | None = None
    mechanism: int | None = None
    registered_at: BlockNumber | None = None

    def holds_at(self, block: BlockNumber) -> bool:
        """Whether the override covers a block."""
        return self.first <= block and (self.last is None or block <= self.last)

    def applied(self, subnet: Subnet | None) -> Subnet | None:
        """The subnet as the override leaves it; None when there is none."""
        if self.exists is False or (subnet is None and not self.exists):
            return None
        changed = subnet or Subnet(
            netuid=self.netuid,
            registered_at=self.first,
            mechanism=MECHANISM_DYNAMIC,
            pool_price=PRICE_STABLE,
        )
        if self.price is not None:
            changed = replace(changed, pool_price=self.price)
        if self.mechanism is not None:
            changed = replace(changed, mechanism=self.mechanism)
        if self.registered_at is not None:
            changed = replace(changed, registered_at=self.registered_at)
        return changed


def time_at(tape: Tape, block: BlockNumber) -> Timestamp:
    """When a block was made, also before the tape begins."""
    if block < tape.first_block:
        before = BLOCK_TIME * (tape.first_block - block)
        return Timestamp(tape.time_at(tape.first_block) - before)
    return tape.time_at(block)


def state_at(tape: Tape, overrides: Iterable[MarketOverride], block: BlockNumber) -> BlockState:
    """The state after a block; before the tape begins its first row holds.

    Raises:
        TapeError: the tape has ended before the block.
    """
    row_block = max(block, tape.first_block)
    subnets = {
        netuid: Subnet(
            netuid=netuid,
            registered_at=tape.registered_at(netuid, row_block) or block,
            mechanism=MECHANISM_DYNAMIC,
            pool_price=price,
        )
        for netuid, price in tape.row_at(row_block).prices.items()
    }
    subnets[ROOT] = Subnet(
        netuid=ROOT,
        registered_at=BlockNumber(0),
        mechanism=MECHANISM_STABLE,
        pool_price=PRICE_STABLE,
    )
    for override in overrides:
        if override.holds_at(block):
            _apply(override, subnets)
    return BlockState(block=block, time=time_at(tape, block), subnets=dict(sorted(subnets.items())))


def _apply(override: MarketOverride, subnets: dict[Netuid, Subnet]) -> None:
    changed = override.applied(subnets.pop(override.netuid, None))
    if changed is not None:
        subnets[override.netuid] = changed
