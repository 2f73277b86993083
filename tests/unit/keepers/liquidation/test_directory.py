"""Places by id, against a dictionary: also of ids that fall on the same slots, at the very end."""

from hashlib import sha256
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepers.liquidation.directory import Directory, HeldTwiceError
from keepers.liquidation.sieve import FEW
from keepers.liquidation.steps import finished

LAST_OF_LEAF = (1 << 56) - 1
AS_FOLDED = 1  # the factor that leaves made-up ids where they are made up to be
SOME_FACTOR = 0x9E37_79B9_7F4A_7C15

# Ids that differ below the tag only, ids whose home is a leaf's last slot, and any others.
ids = st.one_of(
    st.integers(0, 9),
    st.integers(LAST_OF_LEAF - (1 << 40), LAST_OF_LEAF),
    st.integers(0, 40).map(lambda number: LAST_OF_LEAF - (number << 37)),
    st.integers(0, 2**128 - 1),
).map(lambda number: number.to_bytes(16, "little"))


def held(directory: Directory, position_id: bytes, place: int) -> bool:
    return place in directory.places(position_id)


@pytest.fixture(params=[0, 8_192], ids=["leaf by leaf", "one by one"])
def loading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids that a directory starts over with are put in either way."""
    monkeypatch.setattr("keepers.liquidation.directory._MANY", request.param)


@pytest.mark.usefixtures("loading")
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(ids, st.booleans()), max_size=150),
    st.integers(0, 40),
    st.sampled_from([AS_FOLDED, SOME_FACTOR]),
)
def test_places__ids_put_and_dropped_in_any_order__are_those_of_a_dictionary(
    drawn: list[tuple[bytes, bool]], loaded: int, spread: int
) -> None:
    directory, places, free = Directory(spread), dict[bytes, int](), count()
    for position_id, is_kept in drawn:
        if position_id in places:
            directory.drop(position_id, places.pop(position_id))
        if is_kept:
            places[position_id] = next(free)
            directory.put(position_id, places[position_id])
        if len(places) == loaded:
            start_over(directory, places)
    for position_id, _ in drawn:
        found = directory.places(position_id)
        assert position_id not in places or places[position_id] in found
        assert {*found} <= {*places.values()}
        assert len(found) == len({*found})


def start_over(directory: Directory, places: dict[bytes, int]) -> None:
    each = np.frombuffer(b"".join(places), dtype=np.uint8).reshape(-1, 16)
    finished(directory.starting_over(each, np.array([*places.values()], dtype=np.int64)))


@pytest.mark.parametrize("step", [1, 1 << 37, 1 << 48])
def test_places__two_hundred_in_one_leaf__are_found_and_go_one_by_one(step: int) -> None:
    directory = Directory(AS_FOLDED)
    each = [(LAST_OF_LEAF - n * step).to_bytes(16, "little") for n in range(200)]
    for place, position_id in enumerate(each):
        directory.put(position_id, place)
    for place, position_id in enumerate(each):
        assert held(directory, position_id, place)
        directory.drop(position_id, place)
        assert not held(directory, position_id, place)
        assert all(held(directory, each[left], left) for left in range(place + 1, len(each)))


def test_places__ids_that_were_searched_for_to_fold_alike__are_far_from_each_other() -> None:
    searched = [(LAST_OF_LEAF - n).to_bytes(16, "little") for n in range(500)]
    for spread, together in ((AS_FOLDED, 500), (SOME_FACTOR, 1)):
        directory = Directory(spread)
        for place, position_id in enumerate(searched):
            directory.put(position_id, place)
        assert max(len(directory.places(each)) for each in searched) == together


def test_places__ids_alike_in_the_bits_that_count__are_spread_unasked() -> None:
    searched = [(n << 24).to_bytes(16, "little") for n in range(500)]
    directory = Directory()
    for place, position_id in enumerate(searched):
        directory.put(position_id, place)
    assert max(len(directory.places(each)) for each in searched) < 50


def test_places__the_largest_place__is_told() -> None:
    directory = Directory()
    directory.put(bytes(16), 2**45 - 2)
    assert [*directory.places(bytes(16))] == [2**45 - 2]


@pytest.mark.usefixtures("loading")
def test_starting_over__an_id_twice__is_refused_and_not_one_that_folds_alike() -> None:
    alike = [(3 << 64) + 5, (5 << 64) + 3]  # 3 ^ 5 = 5 ^ 3
    each = b"".join(number.to_bytes(16, "little") for number in alike)
    start_over(Directory(), {each[:16]: 0, each[16:]: 1})
    twice = np.frombuffer(each + each[:16], dtype=np.uint8).reshape(-1, 16)
    with pytest.raises(HeldTwiceError):
        finished(Directory().starting_over(twice, np.arange(3)))


@pytest.mark.usefixtures("loading")
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ids, unique=True, max_size=120), st.integers(0, 120), st.integers(0, 120))
def test_absent__any_ids__are_never_those_that_are_there(
    drawn: list[bytes], loaded: int, put: int
) -> None:
    directory = Directory()
    start_over(directory, {each: place for place, each in enumerate(drawn[:loaded])})
    for place, position_id in enumerate(drawn[loaded : loaded + put]):
        directory.put(position_id, loaded + place)
    there = {*drawn[: loaded + put]}
    assert not directory.absent(drawn) & there
    assert directory.absent(drawn) <= {*drawn}


def test_absent__of_many_that_nobody_has__are_most() -> None:
    directory, each = (
        Directory(),
        [sha256(bytes([n % 256, n // 256])).digest()[:16] for n in range(4_000)],
    )
    start_over(directory, {position_id: place for place, position_id in enumerate(each[:2_000])})
    assert len(directory.absent(each[2_000:])) > 1_500
    assert directory.absent(each[2_000 : 2_000 + FEW - 1]) == set()
