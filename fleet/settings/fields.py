"""The kinds of values a configuration is made of, each checked where it is read.

Knows no section and no file. The docstring under a field is its documentation: meaning,
unit, and why this default.
"""

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from units import Address, BlockHash

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_PRIVATE_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


class Section(BaseModel):
    """A frozen part of the settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def checksummed(value: str) -> Address:
    """Reads an EVM address; mixed capitals must be the checksum of EIP-55.

    Raises:
        ValueError: it is not an address, or its capitals say that a digit is wrong.
    """
    if not _ADDRESS.fullmatch(value):
        raise ValueError("not an address: 0x and 40 hexadecimal digits")
    if len({digit.isupper() for digit in value[2:] if digit.isalpha()}) > 1 and (
        not is_checksum_address(value)
    ):
        raise ValueError("the address fails its checksum: a digit is wrong")
    return Address(to_checksum_address(value))


def _hash(value: str) -> BlockHash:
    if not _HASH.fullmatch(value.lower()):
        raise ValueError("not a hash: 0x and 64 hexadecimal digits")
    return BlockHash(value.lower())


def split_url(value: str, schemes: tuple[str, ...]) -> SplitResult:
    """Splits an endpoint's address.

    Raises:
        ValueError: wrong scheme, no host, a bad port or a password inside; names no part of it
            that may be secret.
    """
    url = urlsplit(value)
    if url.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not url.hostname:
        raise ValueError("names no host")
    if url.password is not None:
        raise ValueError("holds a password: put the whole address into a file and name url_file")
    _ = url.port  # raises ValueError when it is no port
    return url


def _http(value: str) -> str:
    split_url(value, ("http", "https"))
    return value


def _websocket(value: str) -> str:
    split_url(value, ("ws", "wss"))
    return value


def is_loopback(url: str) -> bool:
    """True when the host of `url` is this machine by name or address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:  # noqa: PLR2004 - the highest port
        raise ValueError("not host:port, such as 127.0.0.1:9090")
    return value


def _secret_file(value: Path) -> Path:
    if value == Path():
        raise ValueError("is empty: name the file")
    if _PRIVATE_KEY.fullmatch(value.name):
        raise ValueError("is a key itself: write it into a file that only you can read, name that")
    return value


def decode_list(value: Any) -> Any:
    """A list from the environment is written as JSON; any other value passes unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from error


EvmAddress = Annotated[str, AfterValidator(checksummed)]
"""An address of chain 964, kept with its checksum capitals."""

Hash = Annotated[str, AfterValidator(_hash)]
"""0x and 64 hexadecimal digits, kept in lower case."""

HttpUrl = Annotated[str, AfterValidator(_http)]
"""http:// or https://, without a password."""

WebSocketUrl = Annotated[str, AfterValidator(_websocket)]
"""ws:// or wss://, without a password."""

SecretFile = Annotated[Path, AfterValidator(_secret_file)]
"""The path of a file with a secret; a key put here by mistake is refused and not repeated."""

Listen = Annotated[str, AfterValidator(_listen)]
"""host:port to listen on."""

FromJson = BeforeValidator(decode_list)
"""Lets an environment variable give a list as JSON."""
