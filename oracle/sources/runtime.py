"""Where the present runtime keeps a subnet's identity: keys and sizes, from its metadata.

Metadata is decoded by a child process (metadata.py), once per runtime version. Knows no prices.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.quotes import Identity
from oracle.sources.answers import unsigned
from oracle.sources.storage_keys import Hasher, netuid_key, storage_prefix
from units import BlockNumber, Netuid

_PALLET = "SubtensorModule"
_EXISTS, _REGISTERED_AT, _MECHANISM = "NetworksAdded", "NetworkRegisteredAt", "SubnetMechanism"
_ITEMS = (_EXISTS, _REGISTERED_AT, _MECHANISM)
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
class IdentityLayout:
    """How one runtime version stores what identifies a subnet."""

    spec_version: int
    exists: ItemLayout
    registered_at: ItemLayout
    mechanism: ItemLayout

    def keys(self, netuids: Sequence[Netuid]) -> list[bytes]:
        """Every key that `identity` will look up."""
        items = (self.exists, self.registered_at, self.mechanism)
        return [item.key(netuid) for item in items for netuid in netuids]

    def identity(self, netuid: Netuid, values: Mapping[bytes, bytes | None]) -> Identity:
        """One subnet's identity; raises MalformedAnswerError."""
        return Identity(
            exists=self.exists.value(netuid, values) != 0,
            registered_at=BlockNumber(self.registered_at.value(netuid, values)),
            mechanism=self.mechanism.value(netuid, values),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLayout:
    """This runtime version's storage is not understood; `detail` is one line."""

    spec_version: int
    detail: str


Layout = IdentityLayout | NoLayout


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


def layout_from(spec_version: int, described: Mapping[str, dict[str, Any] | None]) -> Layout:
    """The layout, if every item is there and is of a form that can be read."""
    layouts = {name: _item_layout(name, described[name]) for name in _ITEMS}
    unread = [name for name, layout in layouts.items() if layout is None]
    if unread:
        detail = f"runtime {spec_version} has no {_PALLET}.{', '.join(unread)} as it is known"
        return NoLayout(spec_version=spec_version, detail=f"{detail}: identities are not checked")
    exists, registered_at, mechanism = (layout for layout in layouts.values() if layout)
    return IdentityLayout(
        spec_version=spec_version,
        exists=exists,
        registered_at=registered_at,
        mechanism=mechanism,
    )


def _item_layout(name: str, item: dict[str, Any] | None) -> ItemLayout | None:
    if item is None or item["key"] != "u16" or len(item["hashers"]) != 1:
        return None
    hasher, size = item["hashers"][0], _SIZES.get(item["value"] or "")
    if hasher not in set(Hasher) or size is None:
        return None
    return ItemLayout(prefix=storage_prefix(_PALLET, name), hasher=Hasher(hasher), size=size)
