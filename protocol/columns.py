"""Words of many logs or structs of one kind at once: which bytes of them make a row.

A word stands in 32 cells, a cell for each byte: the byte itself, or its two digits. A `Layout`
names the cells that a row is made of, in its order, and those that must be zero lest a number lose
its high bytes. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keepers.liquidation.packing import AMOUNT_BYTES, ID_BYTES, SEQUENCE_BYTES
from protocol.words import WORD

Bytes = NDArray[np.uint8]
"""A row a log or struct."""
Flags = NDArray[np.bool_]
Cells = NDArray[Any]
"""All the words of it."""

_NEGATIVE: Final = 128  # the highest byte of a number from which on it is below zero
_HOLDER_BYTES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a row takes of one word, as places in the word: its bytes in order, and which are 0.

    `above`: places that must all have the sign of the number taken. `is_truth`: it is 0 or 1.
    """

    word: int
    bytes: range
    zero: range = range(0)
    above: range = range(0)
    is_truth: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a row is made of the cells of so many words.

    `order` has the cell of each byte of a row, `free` whether anything may stand in a cell,
    `signs` the byte of a row that has a number's sign with the cells that have nothing but it,
    `truths` the bytes of a row that are 0 or 1.
    """

    words: int
    order: NDArray[np.intp]
    free: Flags
    signs: tuple[tuple[int, slice], ...]
    truths: tuple[int, ...]


def leading(word: int, size: int) -> Field:
    """So many bytes at the beginning of a word; the others are not looked at."""
    return Field(word=word, bytes=range(size))


def trailing(word: int, size: int) -> Field:
    """So many bytes at the end of a word; the others are not looked at."""
    return Field(word=word, bytes=range(WORD - size, WORD))


def number(word: int, size: int) -> Field:
    """An unsigned number that fits into so many bytes, the lowest first."""
    end = WORD - size
    return Field(word=word, bytes=range(WORD - 1, end - 1, -1), zero=range(end))


def signed(word: int, size: int) -> Field:
    """A number of two's complement that fits into so many bytes, the lowest first."""
    end = WORD - size
    return Field(word=word, bytes=range(WORD - 1, end - 1, -1), above=range(end))


def truth(word: int) -> Field:
    """A truth value that is 0 or 1."""
    return Field(word=word, bytes=range(WORD - 1, WORD), zero=range(WORD - 1), is_truth=True)


def small(word: int, size: int) -> Field:
    """A number that no row takes, and that fits into so many bytes."""
    return Field(word=word, bytes=range(0), zero=range(WORD - size))


def layout_of(words: int, fields: Iterable[Field]) -> Layout:
    """The layout of rows in which these fields follow each other."""
    order: list[int] = []
    free = np.ones(words * WORD, dtype=np.bool_)
    signs, truths = [], []
    for field in fields:
        start = field.word * WORD
        order += [start + place for place in field.bytes]
        free[start : start + len(field.zero)] = False
        if field.above:
            signs.append((len(order) - 1, slice(start, start + len(field.above))))
        if field.is_truth:
            truths.append(len(order) - 1)
    return Layout(
        words=words, order=np.array(order), free=free, signs=tuple(signs), truths=tuple(truths)
    )


def record_layout(*, holder: int, market: int, sequence: int) -> Layout:
    """Of a record, by the words that logs and views have in another order.

    The id is the first; side, margin, size, entry price and entry index are the last five of nine.
    """
    return layout_of(
        9,
        (
            leading(0, ID_BYTES),
            number(market, 2),
            truth(4),
            number(sequence, SEQUENCE_BYTES),
            trailing(holder, _HOLDER_BYTES),
            *(number(word, AMOUNT_BYTES) for word in (5, 6, 7)),
            signed(8, AMOUNT_BYTES),
        ),
    )


def taken(cells: Cells, layout: Layout) -> Cells:
    """The cells of each row, in its order."""
    return np.ascontiguousarray(cells.take(layout.order, axis=1))


def fitting(cells: Cells, rows: Bytes, layout: Layout, signs: tuple[Any, Any]) -> Flags:
    """Which rows are all that their words say: in the others a number did not fit.

    `signs` are the cells of what stands above a number that is not negative, and above one that is.
    """
    positive, negative = signs
    found = ((cells == positive) | layout.free).all(axis=1)
    for highest, above in layout.signs:
        sign = np.where(rows[:, highest] >= _NEGATIVE, negative, positive)
        found &= (cells[:, above] == sign[:, None]).all(axis=1)
    for truth_at in layout.truths:
        found &= rows[:, truth_at] <= 1
    return np.asarray(found)
