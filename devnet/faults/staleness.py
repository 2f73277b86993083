"""How requests and answers look at a node that is some blocks behind. Pure.

A node that lags does not know that it does: "latest" is an older block, newer blocks and the
receipts in them are not there. Whoever asks for the logs of a range gets those it has, and of a
newer block by its hash a refusal.
"""

from typing import Any

_TIP = frozenset({"latest", "safe", "finalized"})
_WHOLE = frozenset({"eth_getBlockByNumber"})
_BLOCK_OF = {
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getStorageAt": 2,
}
"""Which parameter names the block."""
_LOOKED_UP = frozenset({"eth_getTransactionReceipt", "eth_getTransactionByHash"})
_NO_STATE = {"code": -32000, "message": "header not found"}
_NO_BLOCK = {"code": -32000, "message": "unknown block"}


def aged_params(method: str, params: list[Any], tip: int) -> list[Any]:
    """The parameters that make an up-to-date node answer as of block `tip`.

    `finalized` becomes the tip at most: a node can't have finalized what it has not seen.
    """
    place = _BLOCK_OF.get(method)
    if place is None:
        return params
    padded = [*params, *["latest"] * (place + 1 - len(params))]
    if padded[place] in _TIP:
        padded[place] = hex(tip)
    return padded


def is_beyond(method: str, params: list[Any], tip: int) -> bool:
    """Does the request name a block that the node has not seen?"""
    place = _BLOCK_OF.get(method)
    if place is None or place >= len(params) or not str(params[place]).startswith("0x"):
        return False
    return int(str(params[place]), 16) > tip


def block_hash_in(method: str, params: list[Any]) -> str | None:
    """The block that logs are asked of by its hash, if that is how they are asked for."""
    wanted = params[0] if method == "eth_getLogs" and params else None
    return wanted.get("blockHash") if isinstance(wanted, dict) else None


def beyond(method: str) -> dict[str, Any]:
    """The answer to such a request, without its id: no block, or no state."""
    if method in _WHOLE:
        return {"result": None}
    return {"error": _NO_BLOCK if method == "eth_getLogs" else _NO_STATE}


def aged_answer(method: str, answer: dict[str, Any], tip: int) -> dict[str, Any]:
    """The answer with nothing in it that happened after block `tip`."""
    if method == "eth_blockNumber":
        return answer | {"result": hex(tip)}
    if method == "eth_getLogs" and isinstance(answer.get("result"), list):
        return answer | {"result": [log for log in answer["result"] if not _is_newer(log, tip)]}
    if method not in _LOOKED_UP or not _is_newer(answer.get("result"), tip):
        return answer
    if method == "eth_getTransactionReceipt":
        return answer | {"result": None}
    in_pool = {"blockNumber": None, "blockHash": None, "transactionIndex": None}
    return answer | {"result": answer["result"] | in_pool}


def _is_newer(found: Any, tip: int) -> bool:
    return isinstance(found, dict) and int(found.get("blockNumber") or "0x0", 16) > tip
