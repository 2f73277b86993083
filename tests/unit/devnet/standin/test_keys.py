import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from devnet.metadata import Hasher
from devnet.standin.keys import storage_prefix, twox64, twox128, xxh64


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=2**64 - 1))
def test_xxh64__any_bytes_and_seed__equal_the_reference_library(data: bytes, seed: int) -> None:
    assert xxh64(data, seed) == xxhash.xxh64_intdigest(data, seed)


def test_twox__of_a_key__is_little_endian_with_seeds_0_and_1() -> None:
    expected = xxhash.xxh64_intdigest(b"abc", 0).to_bytes(8, "little")
    assert twox64(b"abc") == expected
    assert twox128(b"abc") == expected + xxhash.xxh64_intdigest(b"abc", 1).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("pallet", "item", "prefix"),
    [
        (
            "System",
            "Number",
            "26aa394eea5630e07c48ae0c9558cef702a5c1b19ab7a04f536c519aca4983ac",
        ),
        (
            "Timestamp",
            "Now",
            "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb",
        ),
    ],
)
def test_storage_prefix__of_substrates_own_pallets__as_on_every_chain(
    pallet: str, item: str, prefix: str
) -> None:
    assert storage_prefix(pallet, item).hex() == prefix


def test_hasher__numbers__as_in_frame_metadata() -> None:
    assert (Hasher.TWOX_64_CONCAT, Hasher.IDENTITY) == (5, 6)
