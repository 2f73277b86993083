from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devnet import scale
from oracle.sources.answers import (
    MalformedAnswerError,
    block_hash_from,
    compact,
    head_from,
    prices_from,
    spec_version_from,
    spec_version_of,
    storage_from,
    unsigned,
)
from units import Netuid, Rao

MEMBERS = ("number", "digest", "logs", "parentHash", "specVersion", "changes")
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["0x", "0x00ff", "0x" + "ab" * 32]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(MEMBERS), inner),
    max_leaves=10,
)
prices = st.dictionaries(st.integers(0, 2**16 - 1).map(Netuid), st.integers(0, 2**64 - 1).map(Rao))
hashes = st.binary(min_size=32, max_size=32)


def encoded(rows: dict[Netuid, Rao]) -> str:
    items = (scale.u16(netuid) + scale.u64(rao) for netuid, rao in rows.items())
    return "0x" + scale.vector(items).hex()


@given(prices)
def test_prices_from__what_the_runtime_encodes__is_read_back(rows: dict[Netuid, Rao]) -> None:
    assert prices_from(encoded(rows)) == rows


@given(prices, st.integers(1, 9))
def test_prices_from__a_cut_answer__is_malformed(rows: dict[Netuid, Rao], cut: int) -> None:
    answer = encoded(rows | {Netuid(1): Rao(1)})
    with pytest.raises(MalformedAnswerError):
        prices_from(answer[: -2 * cut])


def test_prices_from__a_subnet_twice__is_malformed() -> None:
    row = scale.u16(1) + scale.u64(7)
    with pytest.raises(MalformedAnswerError, match="two prices"):
        prices_from("0x" + scale.vector([row, row]).hex())


@given(
    st.integers(0, 2**32 - 1), hashes, hashes, hashes, st.lists(st.binary(max_size=80), max_size=3)
)
def test_head_from__any_header__hashes_as_the_encoder_of_the_stand_in_says(
    number: int, parent: bytes, state: bytes, extrinsics: bytes, digest: list[bytes]
) -> None:
    header = scale.BlockHeader(
        parent_hash=parent,
        number=number,
        state_root=state,
        extrinsics_root=extrinsics,
        digest=tuple(digest),
    )
    head = head_from(
        {
            "parentHash": "0x" + parent.hex(),
            "number": hex(number),
            "stateRoot": "0x" + state.hex(),
            "extrinsicsRoot": "0x" + extrinsics.hex(),
            "digest": {"logs": ["0x" + item.hex() for item in digest]},
        }
    )
    assert head.number == number
    assert head.hash == "0x" + header.hash().hex()


@given(st.integers(0, 2**32 - 1))
def test_compact__any_block_number__is_as_the_stand_in_encodes_it(value: int) -> None:
    assert compact(value) == scale.compact(value)


def test_storage_from__every_key_answered__null_is_unset() -> None:
    answer = [{"block": "0x00", "changes": [["0x01", "0x0203"], ["0x02", None]]}]
    assert storage_from(answer, [b"\x01", b"\x02"]) == {b"\x01": b"\x02\x03", b"\x02": None}


def test_storage_from__a_key_left_out__is_malformed_and_not_unset() -> None:
    answer = [{"block": "0x00", "changes": [["0x01", "0x0203"]]}]
    with pytest.raises(MalformedAnswerError, match="1 of 2 storage keys"):
        storage_from(answer, [b"\x01", b"\x02"])


def test_unsigned__another_size_than_stored__is_malformed() -> None:
    assert unsigned(b"\x01\x02", 2) == 513
    assert unsigned(None, 8) == 0
    with pytest.raises(MalformedAnswerError):
        unsigned(b"\x01\x02\x00", 2)


def test_spec_version_of__the_last_upgrade__is_its_compact_beginning() -> None:
    assert spec_version_of(scale.compact(424) + scale.text("node-subtensor")) == 424


def test_block_hash_from__null__is_malformed() -> None:
    with pytest.raises(MalformedAnswerError):
        block_hash_from(None)


@given(json_values)
def test_readers__any_json_at_all__is_read_or_malformed_and_nothing_else(answer: Any) -> None:
    readers = (
        head_from,
        block_hash_from,
        prices_from,
        spec_version_from,
        lambda each: storage_from(each, [b"\x01"]),
    )
    for reader in readers:
        try:
            reader(answer)
        except MalformedAnswerError as error:
            assert "\n" not in str(error)  # noqa: PT017 - other answers are read and raise nothing


@pytest.mark.parametrize(
    "version", [float("inf"), float("nan"), 3.7, True, -1, 1 << 32, "424", None]
)
def test_spec_version_from__no_whole_number__is_malformed(version: object) -> None:
    with pytest.raises(MalformedAnswerError):
        spec_version_from({"specVersion": version})
