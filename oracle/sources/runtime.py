"""Where the present runtime keeps a subnet's identity and depth: keys and sizes, from metadata.

Metadata is decoded by a child process (metadata.py), once per runtime version. Knows no prices.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.quotes import Depth, Identity
from oracle.sources.answers import unsigned
from oracle.sources.storage_keys import Hasher, netuid_key, storage_prefix
from units import BlockNumber, Netuid, Rao

_PALLET = "SubtensorModule"
_EXISTS, _REGISTERED_AT, _MECHANISM = "NetworksAdded", "NetworkRegisteredAt", "SubnetMechanism"
_TAO, _ALPHA = "SubnetTAO", "SubnetAlphaIn"
_IDENTITY, _DEPTH = (_EXISTS, _REGISTERED_AT, _MECHANISM), (_TAO, _ALPHA)
_ITEMS = (*_IDENTITY, *_DEPTH)
_SIZES = {"bool": 1, "u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16}
_PROGRAM = Path(__file__).with_name("metadata.py")
_REASON_CHARACTERS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLayout:
    """One storage map keyed by netuid that holds unsigned integers of `size` bytes."""

    prefix: bytes
    hasher: Hasher
    size: int

    def key(self, netuid: Netuid) -> bytes:
        """Where a subnet's value lies."""
        return netuid_key(self.prefix, self.hasher, netuid)

    def value(self, netuid: Netuid, values: Mapping[bytes, bytes | None]) -> int:
        """A subnet's value; raises MalformedAnswerError when it is of another size."""
        return unsigned(values[self.key(netuid)], self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLayout:
    """How one runtime version stores what is read of a subnet.

    `items` are those that are there in a form that can be read; `detail` names in one line those
    that are not, and what is not checked without them.
    """

    spec_version: int
    items: Mapping[str, ItemLayout]
    detail: str = ""

    def keys(self, netuids: Sequence[Netuid]) -> list[bytes]:
        """Every key that `identity` and `depth` will look up."""
        return [item.key(netuid) for item in self.items.values() for netuid in netuids]

    @property
    def has_identities(self) -> bool:
        """Whether all that `identity` needs is there."""
        return all(name in self.items for name in _IDENTITY)

    @property
    def has_depths(self) -> bool:
        """Whether all that `depth` needs is there."""
        return all(name in self.items for name in _DEPTH)

    def identity(self, netuid: Netuid, values: Mapping[bytes, bytes | None]) -> Identity:
        """One subnet's identity; raises MalformedAnswerError."""
        exists, registered_at, mechanism = self._values(_IDENTITY, netuid, values)
        return Identity(
            exists=exists != 0, registered_at=BlockNumber(registered_at), mechanism=mechanism
        )

    def depth(self, netuid: Netuid, values: Mapping[bytes, bytes | None]) -> Depth:
        """What one subnet's pool holds; raises MalformedAnswerError."""
        tao, alpha = self._values(_DEPTH, netuid, values)
        return Depth(tao=Rao(tao), alpha=alpha)

    def _values(
        self, names: Sequence[str], netuid: Netuid, values: Mapping[bytes, bytes | None]
    ) -> list[int]:
        return [self.items[name].value(netuid, values) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLayout:
    """This runtime version's storage is not understood at all; `detail` is one line."""

    spec_version: int
    detail: str


Layout = StorageLayout | NoLayout


async def decode_layout(spec_version: int, metadata_hex: str) -> Layout:
    """Decode runtime metadata in a child process, which dies with this call.

    Raises:
        OSError: the child could not be started.
    """
    items = [(_PALLET, name) for name in _ITEMS]
    request = json.dumps({"metadata": metadata_hex, "items": items}) + "\n"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # this folder is not a place to import from
        str(_PROGRAM),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        answer, errors = await child.communicate(request.encode())
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        reason = (errors.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        detail = f"runtime {spec_version} can't be decoded: {reason[:_REASON_CHARACTERS]}"
        return NoLayout(spec_version=spec_version, detail=detail)
    return layout_from(spec_version, dict(zip(_ITEMS, json.loads(answer), strict=True)))


def layout_from(spec_version: int, described: Mapping[str, dict[str, Any] | None]) -> StorageLayout:
    """The layout of what is there in a form that can be read."""
    found = {name: _item_layout(name, described.get(name)) for name in _ITEMS}
    items = {name: layout for name, layout in found.items() if layout is not None}
    missing = [name for name in _ITEMS if name not in items]
    return StorageLayout(
        spec_version=spec_version, items=items, detail=_without(spec_version, missing)
    )


def _without(spec_version: int, missing: Sequence[str]) -> str:
    if not missing:
        return ""
    unchecked = [
        what
        for what, names in (("identities", _IDENTITY), ("depths", _DEPTH))
        if any(name in missing for name in names)
    ]
    lost = f"runtime {spec_version} has no {_PALLET}.{', '.join(missing)} as it is known"
    return f"{lost}: {' and '.join(unchecked)} are not checked"


def _item_layout(name: str, item: dict[str, Any] | None) -> ItemLayout | None:
    if item is None or item["key"] != "u16" or len(item["hashers"]) != 1:
        return None
    hasher, size = item["hashers"][0], _SIZES.get(item["value"] or "")
    if hasher not in set(Hasher) or size is None:
        return None
    return ItemLayout(prefix=storage_prefix(_PALLET, name), hasher=Hasher(hasher), size=size)
