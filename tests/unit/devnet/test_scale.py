import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from devnet import scale

CODEC = RuntimeConfigurationObject(implements_scale_info=True)
CODEC.update_type_registry(load_type_registry_preset("core"))


def decoded(type_name: str, data: bytes) -> object:
    decoder = CODEC.create_scale_object(type_name, data=ScaleBytes(bytearray(data)))
    value: object = decoder.decode(check_remaining=True)
    return value


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (1, "04"),
        (42, "a8"),
        (63, "fc"),
        (64, "0101"),
        (69, "1501"),
        (16_383, "fdff"),
        (16_384, "02000100"),
        (65_535, "feff0300"),
        (2**30 - 1, "feffffff"),
        (2**30, "0300000040"),
        (100_000_000_000_000, "0b00407a10f35a"),
        (2**64 - 1, "13ffffffffffffffff"),
    ],
)
def test_compact__published_vectors__encoded_as_in_the_format(value: int, encoded: str) -> None:
    assert scale.compact(value).hex() == encoded


@pytest.mark.parametrize("value", [-1, 2**536])
def test_compact__out_of_range__refused(value: int) -> None:
    with pytest.raises(ValueError, match="not a compact integer"):
        scale.compact(value)


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_compact__any_integer__read_back_by_the_clients_codec(value: int) -> None:
    assert decoded("Compact<u128>", scale.compact(value)) == value


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_fixed_width__any_integer__read_back_by_the_clients_codec(value: int) -> None:
    assert decoded("u64", scale.u64(value)) == value
    assert decoded("u128", scale.u128(value << 64)) == value << 64
    assert decoded("u32", scale.u32(value >> 32)) == value >> 32
    assert decoded("u16", scale.u16(value >> 48)) == value >> 48
    assert decoded("u8", scale.u8(value >> 56)) == value >> 56
    assert decoded("i128", scale.i128(-value)) == -value


def test_fixed_width__value_too_large__refused() -> None:
    with pytest.raises(OverflowError):
        scale.u16(2**16)


@given(st.lists(st.text(max_size=100), max_size=100))
def test_vector__of_strings__read_back_by_the_clients_codec(texts: list[str]) -> None:
    assert decoded("Vec<String>", scale.vector(scale.text(text) for text in texts)) == texts


@given(st.none() | st.integers(min_value=0, max_value=2**32 - 1))
def test_option__value_or_nothing__read_back_by_the_clients_codec(value: int | None) -> None:
    encoded = scale.option(None if value is None else scale.u32(value))
    assert decoded("Option<u32>", encoded) == value


def test_boolean_and_byte_string__encoded__read_back_by_the_clients_codec() -> None:
    assert decoded("bool", scale.boolean(True)) is True
    assert decoded("bool", scale.boolean(False)) is False
    assert decoded("Bytes", scale.byte_string(b"\xff" * 70)) == "0x" + "ff" * 70


def test_header__of_a_real_block__hashes_to_the_hash_the_chain_gave_it() -> None:
    """Block 789,629 of Polkadot, with a BABE slot and seal in its digest."""
    slot = bytes.fromhex(
        "036d000000f4f4d80f00000000ec9bd8e2d0368c97f3d888837f7283bbe08266869eb613159db547905026c250"
        "2a70f168b9ffcc233344005d11ebecd166769200d270a2eaa642118a00acb708a0487a440b0caf3dd5c91ab173"
        "e80ddfe5735ef8b938ea87a6105a1161612707"
    )
    seal = bytes.fromhex(
        "ae78514e1de84a7d32e55b9b652f9d408ab1f7b4bfdbf6b2fad9cad94a91b86b0161cabf08f5ae1d3a1aa4993e"
        "2d96d56c94b03cee0898ccb8385a546084f88b"
    )
    header = scale.BlockHeader(
        parent_hash=bytes.fromhex(
            "205da5dba43bbecae52b44912249480aa9f751630872b6b6ba1a9d2aeabf0177"
        ),
        number=789_629,
        state_root=bytes.fromhex(
            "023b5bb1bc10a1a91a9ef683f46a8bb09666c50476d5592bd6575a73777eb173"
        ),
        extrinsics_root=bytes.fromhex(
            "4c1d65bf6b57086f00d5df40aa0686ffbc581ef60878645613b1fc3303de5030"
        ),
        digest=(
            b"\x06BABE" + scale.byte_string(slot),
            b"\x05BABE" + scale.byte_string(seal),
        ),
    )
    assert header.hash().hex() == "7b713de604a99857f6c25eacc115a4f28d2611a23d9ddff99ab0e4f1c17a8578"


def test_header__encoded__is_its_fields_in_order_with_a_compact_number() -> None:
    header = scale.BlockHeader(
        parent_hash=b"\x01" * 32,
        number=5_072_232,
        state_root=b"\x02" * 32,
        extrinsics_root=b"\x03" * 32,
        digest=(b"\x06aura\x04\x07", b"\x05aura\x00"),
    )
    encoded = (
        b"\x01" * 32
        + bytes.fromhex("a2953501")
        + b"\x02" * 32
        + b"\x03" * 32
        + b"\x08\x06aura\x04\x07\x05aura\x00"
    )
    assert header.encode() == encoded
    assert header.hash() == hashlib.blake2b(encoded, digest_size=32).digest()
