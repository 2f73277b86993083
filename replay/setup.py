"""What is replayed: prices, a population, what the operator and the exchange's admin have set."""

from collections.abc import Sequence
from dataclasses import dataclass

from devnet.accounts import seeded_account
from devnet.parameters import Beta
from devnet.replay import Replay
from devnet.trader import Mind
from devnet.world import FINALITY_BLOCKS, SET_UP_BLOCKS
from fleet.settings import Settings
from units import BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One run. Minds remember, so a setup serves one run only.

    `minds` are the traders, in the order in which they act within a block.
    """

    replay: Replay
    settings: Settings
    beta: Beta
    minds: Sequence[Mind]
    seed: int

    @property
    def start(self) -> BlockNumber:
        """The block at which the exchange stands and the fleet begins; plans count from it."""
        return BlockNumber(self.replay.first + SET_UP_BLOCKS)

    @property
    def blocks(self) -> int:
        """How many blocks follow it."""
        return self.replay.blocks - SET_UP_BLOCKS - 1

    @property
    def holders(self) -> tuple[bytes, ...]:
        """The traders' addresses, as 20 bytes."""
        return tuple(
            bytes.fromhex(seeded_account(seed=self.seed, role="trader", index=index).address[2:])
            for index in range(len(self.minds))
        )


def finalized_at(head: int) -> BlockNumber:
    """The newest finalized block of Subtensor when `head` is the newest of chain 964."""
    return BlockNumber(head - FINALITY_BLOCKS)
