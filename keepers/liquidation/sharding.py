"""Which of several fleets a position belongs to. Pure."""

import re
from dataclasses import dataclass

from units import PositionId

_SHARD = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of `of` shards, `index` counted from 0."""

    index: int
    of: int

    def holds(self, position_id: PositionId) -> bool:
        """Whether the position is of this shard."""
        return shard_of(position_id, self.of) == self.index


def read_shard(text: str) -> Shard:
    """The shard that people write as i/n.

    Raises:
        ValueError: it is none.
    """
    found = _SHARD.fullmatch(text)
    if found is None or int(found[1]) >= int(found[2]):
        raise ValueError(f"{text!r} is no shard: i/n with i from 0 to n - 1, as 0/4")
    return Shard(index=int(found[1]), of=int(found[2]))


def shard_of(position_id: PositionId, shards: int) -> int:
    """The shard of a position, in 0 … shards − 1: the id as a number, modulo.

    An id is a hash, so that the shards are of one size; it stays the same when the position is
    opened again, and every process finds the same without asking another.

    Raises:
        ValueError: there is no shard.
    """
    if shards < 1:
        raise ValueError(f"{shards} shards hold nothing")
    return int.from_bytes(position_id, "big") % shards
