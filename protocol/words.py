"""Reads and writes the 32-byte words of the EVM's ABI directly.

The generic coders are right but slow on the hot path (about 1 ms a log, 28 ms for 300 ids);
tests hold this file against them. Knows words, not what they mean.
"""

from collections.abc import Iterable
from typing import Any

WORD = 32
_TWO_256 = 1 << 256
_SIGN_BIT = 1 << 255


def uint(value: int) -> bytes:
    """An unsigned word.

    Raises:
        OverflowError: it is negative or does not fit.
    """
    return value.to_bytes(WORD, "big")


def bytes16(value: bytes) -> bytes:
    """A bytes16, padded on the right as the ABI has it.

    Raises:
        ValueError: it is not 16 bytes long.
    """
    if len(value) != WORD // 2:
        raise ValueError(f"a bytes16 has 16 bytes, this has {len(value)}")
    return value + bytes(WORD // 2)


class Dynamic(bytes):
    """The encoding of a dynamic argument: in a call it stands behind an offset."""

    __slots__ = ()


def array(elements: Iterable[bytes]) -> Dynamic:
    """A dynamic array of static elements, each one or more words."""
    each = tuple(elements)
    return Dynamic(uint(len(each)) + b"".join(each))


def arguments(*parts: bytes) -> bytes:
    """The arguments of a call: static words in place, `Dynamic` ones behind their offsets."""
    head, tail, at = b"", b"", WORD * len(parts)
    for part in parts:
        is_dynamic = isinstance(part, Dynamic)
        head += uint(at + len(tail)) if is_dynamic else part
        tail += part if is_dynamic else b""
    return head + tail


def read_uint(data: bytes, index: int) -> int:
    """The unsigned word at `index`."""
    return int.from_bytes(data[index * WORD : (index + 1) * WORD], "big")


def read_uints(data: bytes, count: int) -> list[Any]:
    """The first `count` words, unsigned; Any, because a unit put around each doubles the cost."""
    return [int.from_bytes(data[at : at + WORD]) for at in range(0, count * WORD, WORD)]


def read_int(data: bytes, index: int) -> int:
    """The signed word (two's complement) at `index`."""
    value = read_uint(data, index)
    return value - _TWO_256 if value >= _SIGN_BIT else value


def read_bool(data: bytes, index: int) -> bool:
    """The word at `index` as a truth value."""
    return read_uint(data, index) != 0


def read_array(data: bytes, argument: int, width: int) -> list[bytes]:
    """The elements, `width` words each, of the dynamic array of static tuples at `argument`.

    Raises:
        ValueError: the data ends before the array does, or its offset points back at the offsets:
            an answer of zeros is not an empty array.
    """
    if not data:
        raise ValueError("an empty answer: no contract of that function stands there")
    start = read_uint(data, argument)
    size = width * WORD
    first, count = start + WORD, int.from_bytes(data[start : start + WORD], "big")
    if start < (argument + 1) * WORD or first + count * size > len(data):
        raise ValueError(f"{len(data)} bytes do not hold {count} elements of {width} words")
    return [data[at : at + size] for at in range(first, first + count * size, size)]
