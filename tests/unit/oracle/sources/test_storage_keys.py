from hypothesis import given
from hypothesis import strategies as st

from devnet.metadata import PALLETS
from devnet.standin.keys import storage_prefix as written_from_the_specification
from oracle.sources.storage_keys import Hasher, netuid_key, storage_prefix
from units import Netuid


def test_storage_prefix__well_known_items__are_where_every_substrate_chain_has_them() -> None:
    assert storage_prefix("System", "Account").hex() == (
        "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"
    )
    assert storage_prefix("Timestamp", "Now").hex() == (
        "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
    )


def test_storage_prefix__every_item_of_the_stand_in__agrees_with_its_own_hashing() -> None:
    for pallet, items in PALLETS.items():
        for item in items:
            assert storage_prefix(pallet, item.name) == written_from_the_specification(
                pallet, item.name
            )


@given(st.integers(0, 2**16 - 1).map(Netuid))
def test_netuid_key__every_hasher__ends_with_the_netuid_itself(netuid: Netuid) -> None:
    prefix = bytes(32)
    sizes = {Hasher.IDENTITY: 2, Hasher.TWOX_64_CONCAT: 10, Hasher.BLAKE2_128_CONCAT: 18}
    for hasher, size in sizes.items():
        key = netuid_key(prefix, hasher, netuid)
        assert len(key) == 32 + size
        assert key.endswith(netuid.to_bytes(2, "little"))
