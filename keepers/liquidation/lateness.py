"""How long those below maintenance have been so, and who of them was left alone. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keepers.liquidation.gas import GasModel
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.selection import Candidate, SelectionPolicy
from units import BlockNumber

_BLOCKS_MIN = 2
"""A block to be taken in, and one for a transaction that just missed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """What is known of the candidates of one block.

    `since` is the first block at whose end each was seen below maintenance without a break, `late`
    who of them was left alone, `new` who was so for the first time.
    """

    since: Mapping[PositionKey, BlockNumber] = field(default_factory=dict)
    late: frozenset[PositionKey] = frozenset()
    new: frozenset[PositionKey] = frozenset()

    def oldest(self, now: BlockNumber) -> int:
        """Blocks that the longest has been below maintenance for; 0 without any."""
        return max((now - since for since in self.since.values()), default=0)


def observed(
    before: Lateness,
    ranked: Sequence[Candidate],
    now: BlockNumber,
    *,
    policy: SelectionPolicy,
    gas: GasModel,
) -> Lateness:
    """How it stands at block `now`, at whose end `ranked` are below maintenance.

    One is left alone who is still below maintenance as many blocks later as all that rank before
    it need of the blocks' share of gas, and two at least.
    """
    keys = [candidate.position.key for candidate in ranked]
    since = {key: min(before.since.get(key, now), now) for key in keys}
    late = frozenset(
        key
        for rank, key in enumerate(keys)
        if now - since[key] >= max(_BLOCKS_MIN, -(-gas.limit(ids=rank) // policy.gas_max))
    )
    return Lateness(since=since, late=late | before.late & since.keys(), new=late - before.late)
