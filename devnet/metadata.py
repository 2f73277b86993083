"""A small synthetic runtime metadata, version 14, that a real Substrate client decodes.

Describes just the storage that an oracle of Alpha prices may read. Layout: frame-metadata v14
and scale-info of Substrate. Knows no values: what is stored where is the stand-in's state.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from devnet import scale

_MAGIC = b"meta"
_VERSION = 14


class Hasher(IntEnum):
    """How a map's key enters the storage key; numbers as in frame-metadata."""

    TWOX_64_CONCAT = 5
    IDENTITY = 6


class _Primitive(IntEnum):
    BOOL = 0
    STR = 2
    U8 = 3
    U16 = 4
    U32 = 5
    U64 = 6
    U128 = 7
    I128 = 13


class _Definition(IntEnum):
    COMPOSITE = 0
    VARIANT = 1
    SEQUENCE = 2
    ARRAY = 3
    TUPLE = 4
    PRIMITIVE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageItem:
    """One entry of a pallet's storage: a plain value, or a map keyed by netuid (u16).

    `value` names a type of this registry. `default` is what a client reads where nothing is
    stored; None makes the item optional.
    """

    name: str
    value: str
    hasher: Hasher | None
    default: bytes | None


@dataclass(slots=True)
class TypeRegistry:
    """Types by name, numbered in order of registration."""

    _ids: dict[str, int] = field(default_factory=dict)
    _entries: list[bytes] = field(default_factory=list)

    def id_of(self, name: str) -> int:
        """The number of a registered type; KeyError for another name."""
        return self._ids[name]

    def primitive(self, name: str, kind: _Primitive) -> None:
        """Register bool, str or an integer."""
        self._add(name, (), scale.u8(_Definition.PRIMITIVE) + scale.u8(kind))

    def sequence(self, name: str, item: str) -> None:
        """Register Vec<item>."""
        self._add(name, (), scale.u8(_Definition.SEQUENCE) + scale.compact(self._ids[item]))

    def array(self, name: str, item: str, length: int) -> None:
        """Register [item; length]."""
        body = scale.u32(length) + scale.compact(self._ids[item])
        self._add(name, (), scale.u8(_Definition.ARRAY) + body)

    def unit(self, name: str) -> None:
        """Register the empty tuple."""
        self._add(name, (), scale.u8(_Definition.TUPLE) + scale.vector(()))

    def struct(self, path: str, fields: Sequence[tuple[str, str]]) -> None:
        """Register a composite of (field name, type name), under its full path."""
        body = scale.vector(self._field(name, kind) for name, kind in fields)
        self._add(path, path.split("::"), scale.u8(_Definition.COMPOSITE) + body)

    def enum(self, path: str, variants: Sequence[tuple[str, int, Sequence[str]]]) -> None:
        """Register a variant type of (name, index, types of its unnamed fields)."""
        body = scale.vector(
            scale.text(name)
            + scale.vector(self._field(None, kind) for kind in kinds)
            + scale.u8(index)
            + scale.vector(())
            for name, index, kinds in variants
        )
        self._add(path, path.split("::"), scale.u8(_Definition.VARIANT) + body)

    def encode(self) -> bytes:
        """PortableRegistry: the types with their numbers."""
        return scale.vector(
            scale.compact(number) + entry for number, entry in enumerate(self._entries)
        )

    def _field(self, name: str | None, kind: str) -> bytes:
        label = None if name is None else scale.text(name)
        return b"".join(
            (
                scale.option(label),
                scale.compact(self._ids[kind]),
                scale.option(None),  # type name
                scale.vector(()),  # docs
            )
        )

    def _add(self, name: str, path: Sequence[str], definition: bytes) -> None:
        self._ids[name] = len(self._entries)
        self._entries.append(
            scale.vector(scale.text(part) for part in path)
            + scale.vector(())  # type parameters
            + definition
            + scale.vector(())  # docs
        )


_FIXED_I96F32 = "substrate_fixed::FixedI128"
_BALANCER = "pallet_subtensor_swap::pallet::balancer::Balancer"
_DIGEST_ITEM = "sp_runtime::generic::digest::DigestItem"
_EXTRINSIC = "standin::Extrinsic"

_ZERO = {"bool": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16, _FIXED_I96F32: 16}


def _types(padding: int) -> TypeRegistry:
    types = TypeRegistry()
    for kind in _Primitive:
        types.primitive(kind.name.lower(), kind)
    types.unit("()")
    types.sequence("Vec<u8>", "u8")
    types.array("[u8; 4]", "u8", 4)
    types.struct(_FIXED_I96F32, (("bits", "i128"),))
    types.struct(_BALANCER, (("quote", "u64"),))
    engine = ("[u8; 4]", "Vec<u8>")
    types.enum(
        _DIGEST_ITEM,
        (
            ("Other", 0, ("Vec<u8>",)),
            ("Consensus", 4, engine),
            ("Seal", 5, engine),
            ("PreRuntime", 6, engine),
            ("RuntimeEnvironmentUpdated", 8, ()),
        ),
    )
    types.struct(_EXTRINSIC, ())
    for number in range(padding):
        types.struct(f"standin::Padding{number}", (("value", "u64"), ("flag", "bool")))
    return types


def _by_netuid(name: str, value: str, *, hasher: Hasher = Hasher.IDENTITY) -> StorageItem:
    return StorageItem(name=name, value=value, hasher=hasher, default=bytes(_ZERO[value]))


def _plain(name: str, value: str) -> StorageItem:
    return StorageItem(name=name, value=value, hasher=None, default=bytes(_ZERO[value]))


_HALF = scale.u64(5 * 10**17)
_FEE_RATE_DEFAULT = scale.u16(33)

PALLETS: dict[str, tuple[StorageItem, ...]] = {
    "System": (_plain("Number", "u32"),),
    "Timestamp": (_plain("Now", "u64"),),
    "SubtensorModule": (
        _plain("TotalNetworks", "u16"),
        _by_netuid("NetworksAdded", "bool"),
        _by_netuid("NetworkRegisteredAt", "u64"),
        StorageItem(
            name="FirstEmissionBlockNumber", value="u64", hasher=Hasher.IDENTITY, default=None
        ),
        _by_netuid("SubnetMechanism", "u16"),
        _by_netuid("SubnetTAO", "u64"),
        _by_netuid("SubnetAlphaIn", "u64"),
        _by_netuid("SubnetAlphaOut", "u64"),
        _by_netuid("SubnetMovingPrice", _FIXED_I96F32),
    ),
    "Swap": (
        StorageItem(
            name="FeeRate", value="u16", hasher=Hasher.TWOX_64_CONCAT, default=_FEE_RATE_DEFAULT
        ),
        StorageItem(
            name="SwapBalancer", value=_BALANCER, hasher=Hasher.TWOX_64_CONCAT, default=_HALF
        ),
        _by_netuid("PalSwapInitialized", "bool", hasher=Hasher.TWOX_64_CONCAT),
    ),
}
"""The storage that `synthetic_metadata` describes; names, hashers and types are Subtensor's."""


def _storage_item(item: StorageItem, types: TypeRegistry) -> bytes:
    value = scale.compact(types.id_of(item.value))
    if item.hasher is None:
        kind = scale.u8(0) + value
    else:
        hashers = scale.vector((scale.u8(item.hasher),))
        kind = scale.u8(1) + hashers + scale.compact(types.id_of("u16")) + value
    modifier = 0 if item.default is None else 1
    default = b"\x00" if item.default is None else item.default
    return b"".join(
        (
            scale.text(item.name),
            scale.u8(modifier),
            kind,
            scale.byte_string(default),
            scale.vector(()),  # docs
        )
    )


def _pallet(name: str, index: int, items: Sequence[StorageItem], types: TypeRegistry) -> bytes:
    entries = scale.vector(_storage_item(item, types) for item in items)
    return b"".join(
        (
            scale.text(name),
            scale.option(scale.text(name) + entries),
            scale.option(None),  # calls
            scale.option(None),  # events
            scale.vector(()),  # constants
            scale.option(None),  # errors
            scale.u8(index),
        )
    )


def synthetic_metadata(*, without: Collection[str] = (), padding: int = 0) -> bytes:
    """RuntimeMetadataPrefixed V14 of a runtime with just the storage in `PALLETS`.

    About a thousand bytes instead of mainnet's hundreds of thousands: a client decodes it in
    milliseconds. `without` names storage items that this runtime has lost. `padding` adds so many
    types that nothing uses; with a few hundred it takes about as long as mainnet's.
    """
    types = _types(padding)
    kept = {
        name: [item for item in items if item.name not in without]
        for name, items in PALLETS.items()
    }
    pallets = scale.vector(
        _pallet(name, index, items, types) for index, (name, items) in enumerate(kept.items())
    )
    extrinsic = scale.compact(types.id_of(_EXTRINSIC)) + scale.u8(4) + scale.vector(())
    runtime = scale.compact(types.id_of("()"))
    return _MAGIC + scale.u8(_VERSION) + types.encode() + pallets + extrinsic + runtime
