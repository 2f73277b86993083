"""Which of several fleets a position belongs to. Pure."""

from units import PositionId


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
