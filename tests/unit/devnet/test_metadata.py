from typing import Any

import pytest
from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from devnet import scale
from devnet.metadata import PALLETS, synthetic_metadata
from devnet.standin import RuntimeProfile


def decoded_metadata(data: bytes) -> Any:
    codec = RuntimeConfigurationObject(implements_scale_info=True)
    codec.update_type_registry(load_type_registry_preset("core"))
    metadata = codec.create_scale_object("MetadataVersioned", data=ScaleBytes(bytearray(data)))
    metadata.decode(check_remaining=True)
    codec.add_portable_registry(metadata)
    return metadata


def test_synthetic_metadata__decoded_by_the_clients_codec__holds_every_pallet_and_item() -> None:
    metadata = decoded_metadata(synthetic_metadata())
    found = {
        pallet.name: {item.value["name"] for item in pallet.storage if item.value["name"][0] != ":"}
        for pallet in metadata.pallets
    }
    assert found == {name: {item.name for item in items} for name, items in PALLETS.items()}


def test_synthetic_metadata__size__is_about_a_thousand_bytes() -> None:
    assert len(synthetic_metadata()) < 2_000


def test_profile__real_with_other_bytes__refused() -> None:
    with pytest.raises(ValueError, match="not V14"):
        RuntimeProfile.real(b"meta\x0f", spec_version=1, has_price_api=True)


def test_profile__metadata_at_version__only_14_is_there() -> None:
    profile = RuntimeProfile.synthetic()
    assert profile.metadata_at_version(15) == b"\x00"
    assert profile.metadata_at_version(14) == b"\x01" + scale.byte_string(profile.metadata)


def test_profile__describes__only_what_its_metadata_names() -> None:
    profile = RuntimeProfile.synthetic()
    assert profile.describes("SwapBalancer")
    assert not profile.describes("AlphaSqrtPrice")
