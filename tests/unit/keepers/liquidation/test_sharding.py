"""Shards cover every position, and none twice."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.sharding import Shard, read_shard, shard_of
from units import PositionId

ids = st.binary(min_size=16, max_size=16).map(PositionId)


@given(st.sets(ids, max_size=50), st.integers(1, 12))
def test_shard_of__any_ids__shards_cover_them_all_and_none_twice(
    held: set[PositionId], shards: int
) -> None:
    parts = [{each for each in held if shard_of(each, shards) == n} for n in range(shards)]
    assert set().union(*parts) == held
    assert sum(map(len, parts)) == len(held)


def chosen_by_an_adversary() -> list[PositionId]:
    """Ids that agree in much: neighbours, multiples of a number, one bit each, the ends."""
    last = 2**128 - 1
    numbers = {0, 1, last, last - 1, *(1 << bit for bit in range(128)), *range(500, 600)}
    numbers |= {last // 3 * n for n in range(4)} | {n * 2_520 << 64 for n in range(50)}
    return [PositionId(number.to_bytes(16, "big")) for number in sorted(numbers)]


@pytest.mark.parametrize("shards", range(1, 33))
def test_holds__ids_chosen_by_an_adversary__each_is_of_one_shard_alone(shards: int) -> None:
    fleet = [read_shard(f"{index}/{shards}") for index in range(shards)]
    for each in chosen_by_an_adversary():
        assert sum(shard.holds(each) for shard in fleet) == 1


@pytest.mark.parametrize("shards", [2, 3, 8])
def test_shard_of__hashes__shards_are_of_one_size(shards: int) -> None:
    hashed = [PositionId(sha256(n.to_bytes(4, "big")).digest()[:16]) for n in range(8_000)]
    for n in range(shards):
        share = sum(shard_of(each, shards) == n for each in hashed) / len(hashed)
        assert share == pytest.approx(1 / shards, rel=0.1)


@pytest.mark.parametrize("shards", [0, -1])
def test_shard_of__no_shards__is_an_error(shards: int) -> None:
    with pytest.raises(ValueError, match="hold nothing"):
        shard_of(PositionId(bytes(16)), shards)


@pytest.mark.parametrize(("text", "index", "of"), [("0/1", 0, 1), ("3/4", 3, 4), ("11/12", 11, 12)])
def test_read_shard__i_of_n__is_that_shard(text: str, index: int, of: int) -> None:
    assert read_shard(text) == Shard(index=index, of=of)


@pytest.mark.parametrize("text", ["4/4", "0/0", "1", "-1/4", "1/4/4", "a/b", "", " 1/4", "1/4\n"])
def test_read_shard__what_is_none__is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no shard"):
        read_shard(text)
