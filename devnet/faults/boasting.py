"""How answers look at a node that names a latest block which nobody has. Pure."""

from typing import Any

_TIP = frozenset({"latest", "safe", "finalized"})


def is_of_the_tip(method: str, params: list[Any]) -> bool:
    """Is it asked how far the chain is?"""
    return method == "eth_blockNumber" or (method == "eth_getBlockByNumber" and params[0] in _TIP)


def asked_number(method: str, params: list[Any]) -> int | None:
    """The height of a block that is asked for by its number."""
    named = str(params[0]) if method == "eth_getBlockByNumber" else ""
    return int(named, 16) if named.startswith("0x") else None


def raised(answer: dict[str, Any], blocks: int) -> dict[str, Any]:
    """The answer as of a tip so many blocks higher; a block gets a hash of its own."""
    found = answer["result"]
    if isinstance(found, str):
        return answer | {"result": hex(int(found, 16) + blocks)}
    number = int(found["number"], 16) + blocks
    made_up = {
        "number": hex(number),
        "hash": f"0x{number:064x}",
        "parentHash": f"0x{number - 1:064x}",
    }
    return answer | {"result": found | made_up}
