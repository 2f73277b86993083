import asyncio

import pytest

from devnet.metadata import synthetic_metadata
from oracle.quotes import Depth, Identity
from oracle.sources.answers import MalformedAnswerError
from oracle.sources.runtime import NoLayout, StorageLayout, decode_layout, layout_from
from oracle.sources.storage_keys import Hasher
from units import BlockNumber, Netuid, Rao

SN = Netuid(64)


def described(hasher: str = "Identity", value: str = "u64") -> dict[str, object]:
    return {"hashers": [hasher], "key": "u16", "value": value}


ITEMS = {
    "NetworksAdded": described(value="bool"),
    "NetworkRegisteredAt": described(),
    "SubnetMechanism": described(value="u16"),
    "SubnetTAO": described(),
    "SubnetAlphaIn": described(),
}


def known() -> StorageLayout:
    return layout_from(424, ITEMS)


async def test_decode_layout__the_metadata_of_the_stand_in__gives_the_layout_of_mainnet() -> None:
    assert await decode_layout(424, "0x" + synthetic_metadata().hex()) == known()


@pytest.mark.parametrize("metadata", ["0x", "0x00", "nonsense", "0x6d6574610f00"])
async def test_decode_layout__no_metadata_of_version_14__is_said_in_one_line(metadata: str) -> None:
    layout = await decode_layout(424, metadata)
    assert isinstance(layout, NoLayout)
    assert "\n" not in layout.detail
    assert layout.detail.startswith("runtime 424 can't be decoded: ")


async def test_decode_layout__cancelled__leaves_no_child_behind() -> None:
    decoding = asyncio.ensure_future(decode_layout(424, "0x" + synthetic_metadata().hex()))
    await asyncio.sleep(0.02)
    decoding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding


@pytest.mark.parametrize("name", list(ITEMS))
def test_layout_from__an_item_is_missing__names_it_and_keeps_the_rest(name: str) -> None:
    layout = layout_from(424, ITEMS | {name: None})
    assert name in layout.detail
    assert layout.has_identities == (name in {"SubnetTAO", "SubnetAlphaIn"})
    assert layout.has_depths == (name not in {"SubnetTAO", "SubnetAlphaIn"})
    assert ("identities" in layout.detail) != ("depths" in layout.detail)


@pytest.mark.parametrize(
    "changed",
    [
        {"hashers": ["Identity", "Identity"], "key": "u16", "value": "u16"},
        {"hashers": ["Twox128"], "key": "u16", "value": "u16"},
        {"hashers": ["Identity"], "key": "u32", "value": "u16"},
        {"hashers": ["Identity"], "key": "u16", "value": None},
        {"hashers": [], "key": None, "value": "u16"},
    ],
)
def test_layout_from__an_item_changed_its_form__is_not_read(changed: dict[str, object]) -> None:
    assert not layout_from(424, ITEMS | {"SubnetMechanism": changed}).has_identities


def test_layout_from__another_hasher_and_size__are_followed() -> None:
    layout = layout_from(424, ITEMS | {"SubnetMechanism": described("Twox64Concat", "u8")})
    mechanism = layout.items["SubnetMechanism"]
    assert mechanism.hasher is Hasher.TWOX_64_CONCAT
    values = dict.fromkeys(layout.keys([SN])) | {mechanism.key(SN): b"\x01"}
    assert layout.identity(SN, values).mechanism == 1


def test_identity_and_depth__values_as_stored__are_read() -> None:
    layout = known()
    sizes = {"NetworksAdded": 1, "SubnetMechanism": 2}
    stored = {
        "NetworksAdded": 1,
        "NetworkRegisteredAt": 4_920_350,
        "SubnetMechanism": 1,
        "SubnetTAO": 7 * 10**12,
        "SubnetAlphaIn": 9 * 10**14,
    }
    values = {
        layout.items[name].key(SN): value.to_bytes(sizes.get(name, 8), "little")
        for name, value in stored.items()
    }
    assert set(values) == set(layout.keys([SN]))
    assert layout.identity(SN, values) == Identity(
        exists=True, registered_at=BlockNumber(4_920_350), mechanism=1
    )
    assert layout.depth(SN, values) == Depth(tao=Rao(7 * 10**12), alpha=9 * 10**14)


def test_identity__a_value_of_another_size__is_malformed_and_not_misread() -> None:
    layout = known()
    key = layout.items["NetworkRegisteredAt"].key(SN)
    values = dict.fromkeys(layout.keys([SN])) | {key: b"\x01\x00"}
    with pytest.raises(MalformedAnswerError):
        layout.identity(SN, values)
