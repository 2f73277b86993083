"""A program of its own: runtime metadata in, what it says of a few storage items out.

Decoding takes a second or more of pure Python under the interpreter's lock, so it never runs in
the process that feeds prices. It is run by its path and imports nothing of this project.

stdin: one line of JSON, {"metadata": "0x…", "items": [["Pallet", "Item"], …]}.
stdout: one line of JSON, for every item null (not there) or
{"hashers": […], "key": primitive or null, "value": primitive or null}; a type that is not a
primitive, nor a struct around one, is null.
"""

import json
import sys
from typing import Any

from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset


def describe(metadata_hex: str, items: list[tuple[str, str]]) -> list[dict[str, Any] | None]:
    """What V14 metadata says of these storage items.

    Raises:
        ValueError: it is of another version than 14, or no metadata at all.
    """
    configuration = RuntimeConfigurationObject(implements_scale_info=True)
    configuration.update_type_registry(load_type_registry_preset("core"))
    metadata = configuration.create_scale_object("MetadataVersioned", data=ScaleBytes(metadata_hex))
    metadata.decode()
    return [_item(metadata, pallet, name) for pallet, name in items]


def _item(metadata: Any, pallet_name: str, name: str) -> dict[str, Any] | None:
    pallet = metadata.get_metadata_pallet(pallet_name)
    function = pallet.get_storage_function(name) if pallet else None
    if function is None:
        return None
    types = metadata.portable_registry["types"]
    kind = function.value["type"]
    if "Plain" in kind:
        return {"hashers": [], "key": None, "value": _primitive(types, kind["Plain"])}
    entry = kind["Map"]
    return {
        "hashers": entry["hashers"],
        "key": _primitive(types, entry["key"]),
        "value": _primitive(types, entry["value"]),
    }


def _primitive(types: Any, number: int) -> str | None:
    """The primitive behind a type, also through structs of one field (NetUid, TaoBalance …)."""
    definition = types[number].value["type"]["def"]
    if "primitive" in definition:
        return str(definition["primitive"])
    fields = definition.get("composite", {}).get("fields", [])
    return _primitive(types, fields[0]["type"]) if len(fields) == 1 else None


def main() -> None:
    """Read one request, write one answer."""
    request = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps(describe(request["metadata"], request["items"])) + "\n")


if __name__ == "__main__":
    main()
