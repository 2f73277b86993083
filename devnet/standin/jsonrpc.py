"""JSON-RPC 2.0: one message in, one answer out, and no input that raises.

Knows no method by name.
"""

import json
from collections.abc import Callable
from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
CLIENT_ERROR = -32000
"""What a Substrate node answers when the runtime refuses."""

UNKNOWN_BLOCK = 4003
"""What a Substrate node answers when it has no state for a block hash."""

_HASH_BYTES = 32


class RpcError(Exception):
    """An answer that is an error; the connection lives on."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Params:
    """The parameters of one call, by position or by name, each read as what it must be.

    Every reader raises RpcError when the parameter is missing or of another kind.
    """

    def __init__(self, raw: Any) -> None:
        if not (raw is None or isinstance(raw, list | dict)):
            raise RpcError(INVALID_PARAMS, "Invalid params: neither an array nor an object")
        self._raw = [] if raw is None else raw

    def text(self, index: int, name: str) -> str:
        """A string."""
        value = self._value(index, name)
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def integer(self, index: int, name: str) -> int:
        """An integer that is not negative."""
        value = self._value(index, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, "an unsigned integer")
        return value

    def hex_bytes(self, index: int, name: str) -> bytes:
        """Bytes written in hex, with or without 0x."""
        return self._decoded(self.text(index, name), name)

    def optional_hex_bytes(self, index: int, name: str) -> bytes | None:
        """As `hex_bytes`; None when absent or null."""
        return None if self._absent(index, name) else self.hex_bytes(index, name)

    def block_hash(self, index: int, name: str) -> bytes | None:
        """32 bytes in hex; None when absent or null."""
        value = self.optional_hex_bytes(index, name)
        if value is not None and len(value) != _HASH_BYTES:
            raise self._wrong(name, "a 32 byte hash")
        return value

    def hex_list(self, index: int, name: str) -> list[bytes]:
        """An array of byte strings in hex."""
        value = self._value(index, name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "an array of hex strings")
        return [self._decoded(item, name) for item in value]

    def block_number(self, index: int, name: str) -> int | None:
        """A number, or one in hex as newer clients write it; None when absent or null."""
        if self._absent(index, name):
            return None
        value = self._value(index, name)
        if not isinstance(value, str):
            return self.integer(index, name)
        try:
            return int(value, 16)
        except ValueError:
            raise self._wrong(name, "a block number") from None

    def _absent(self, index: int, name: str) -> bool:
        if isinstance(self._raw, dict):
            return self._raw.get(name) is None
        return index >= len(self._raw) or self._raw[index] is None

    def _value(self, index: int, name: str) -> Any:
        if self._absent(index, name):
            raise self._wrong(name, "given")
        return self._raw[name] if isinstance(self._raw, dict) else self._raw[index]

    def _decoded(self, value: str, name: str) -> bytes:
        try:
            return bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raise self._wrong(name, "hex") from None

    def _wrong(self, name: str, expected: str) -> RpcError:
        return RpcError(INVALID_PARAMS, f"Invalid params: {name} is not {expected}")


Call = Callable[[str, Params], Any]
_Id = str | int | None


def answer(message: str | bytes, call: Call) -> str | None:
    """Answer one message, single or batch; None when it holds notifications only."""
    try:
        request = json.loads(message)
    except (ValueError, RecursionError):
        return json.dumps(_error(None, PARSE_ERROR, "Parse error"))
    if not isinstance(request, list):
        single = _answer_one(request, call)
        return None if single is None else json.dumps(single)
    if not request:
        return json.dumps(_error(None, INVALID_REQUEST, "Invalid Request: empty batch"))
    answers = [_answer_one(one, call) for one in request]
    answered = [one for one in answers if one is not None]
    return json.dumps(answered) if answered else None


def notification(method: str, params: dict[str, Any]) -> str:
    """A message to the client that expects no answer."""
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


def _answer_one(request: Any, call: Call) -> dict[str, Any] | None:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _error(None, INVALID_REQUEST, "Invalid Request")
    request_id = request.get("id")
    if not (request_id is None or isinstance(request_id, str | int)):
        return _error(None, INVALID_REQUEST, "Invalid Request: id is neither text nor a number")
    response = _called(request, request_id, call)
    return response if "id" in request else None


def _called(request: dict[str, Any], request_id: _Id, call: Call) -> dict[str, Any]:
    try:
        result = call(request["method"], Params(request.get("params")))
    except RpcError as error:
        return _error(request_id, error.code, error.message)
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def _error(request_id: _Id, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
