"""The record of a decision as text, and back: JSON in which every integer is decimal text.

The layout is part of the store: what it can't read it refuses, and a field that is renamed is a
new version of the store's tables. The last field is a digest of all before it: much of a record
(who the trader is, what a market's keeper gets) is in no arithmetic that could contradict it. Pure.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from hashlib import sha256
from typing import Any

from keepers.liquidation.evidence import RULE, Grounds, Judgement
from keepers.liquidation.positions import (
    FeedRow,
    Market,
    MarketParameters,
    Position,
    PositionKey,
)
from keepers.liquidation.selection import Candidate
from units import (
    BlockHash,
    BlockNumber,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Sequence,
    Timestamp,
    Wei,
)

_INTEGER = re.compile(r"-?[0-9]{1,100}")
_END_OF_TIME = 253_402_300_000  # the year 10000 has no date
_COLUMNS = (
    "id", "sequence", "trader", "netuid", "is_long", "margin", "size", "entry_price",
    "entry_index", "price", "index", "remaining",
)  # fmt: skip
"""Of a position in the record: what it is, and what it was judged to be."""


class RecordError(Exception):
    """The text is not a record; one line that says where it ends to be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOrigin:
    """The Subtensor block that a pushed price was read at."""

    block: BlockNumber
    time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationRecord:
    """A decision on the positions of one transaction, as it is kept.

    `origins`: where the pushed prices came from; the others came from the feed's row, which says.
    `is_sealed`: whether the digest in its text is of this very record.
    """

    judgement: Judgement
    origins: Mapping[Netuid, PriceOrigin] = field(default_factory=dict)
    rule: str = RULE
    is_sealed: bool = True


def write(record: LiquidationRecord) -> str:
    """The record as text."""
    grounds = record.judgement.grounds
    document = {
        "rule": record.rule,
        "head": plain(grounds.head),
        "book": plain(grounds.book),
        "source_block": None if grounds.source_block is None else str(grounds.source_block),
        "pushed": {str(netuid): str(price) for netuid, price in grounds.pushed.items()},
        "origins": {str(netuid): plain(origin) for netuid, origin in record.origins.items()},
        "markets": [plain(market) for market in grounds.markets.values()],
        "columns": _COLUMNS,
        "positions": [_row(candidate) for candidate in record.judgement.candidates],
    }
    text = _text(document)  # once: it is on the way of a push
    return f'{text[:-1]},"digest":"{_digest(text)}"}}'


def read(text: str) -> LiquidationRecord:
    """The record that `write` made.

    Raises:
        RecordError: it is none.
    """
    try:
        document = json.loads(text)
        digest = document.pop("digest", None)
        return replace(_record(document), is_sealed=digest == _digest(_text(document)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"not a record of this version: {error!r}") from error


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def _record(document: dict[str, Any]) -> LiquidationRecord:
    if tuple(document["columns"]) != _COLUMNS:
        raise ValueError("other columns")
    markets = [_market(each) for each in document["markets"]]
    source_block = document["source_block"]
    grounds = Grounds(
        head=_head(document["head"]),
        book=_head(document["book"]),
        markets={market.netuid: market for market in markets},
        pushed={_netuid(n): PriceWei(integer(p)) for n, p in document["pushed"].items()},
        source_block=None if source_block is None else BlockNumber(integer(source_block)),
    )
    candidates = tuple(_candidate(row) for row in document["positions"])
    return LiquidationRecord(
        judgement=Judgement(grounds=grounds, candidates=candidates),
        origins={_netuid(n): _origin(each) for n, each in document["origins"].items()},
        rule=str(document["rule"]),
    )


def integer(text: str) -> int:
    """An integer as it is written; raises ValueError for anything else."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is no integer")
    return int(text)


def plain(value: Any) -> dict[str, Any]:
    """A value of integers, texts, bytes and such values, by the names of its fields."""
    return {name: _leaf(getattr(value, name)) for name in _names(value.__class__)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _leaf(value: Any) -> Any:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str) else plain(value)


def _integers(document: dict[str, str]) -> dict[str, Any]:
    return {name: integer(text) for name, text in document.items()}


def _row(candidate: Candidate) -> list[Any]:
    position = candidate.position
    return [
        position.key.id.hex(),
        str(position.key.sequence),
        "0x" + position.holder.hex(),
        str(position.netuid),
        position.is_long,
        str(position.margin),
        str(position.size),
        str(position.entry_price),
        str(position.entry_index),
        str(candidate.price),
        str(candidate.index),
        str(candidate.remaining),
    ]


def _candidate(row: list[Any]) -> Candidate:
    named = dict(zip(_COLUMNS, row, strict=True))
    number = {name: integer(named[name]) for name in _COLUMNS if name not in _TEXTS}
    _require_positive(size=number["size"], entry_price=number["entry_price"])
    id_ = PositionId(bytes.fromhex(named["id"]))
    position = Position(
        key=PositionKey(id=id_, sequence=Sequence(number["sequence"])),
        holder=bytes.fromhex(named["trader"][2:]),
        netuid=Netuid(number["netuid"]),
        is_long=named["is_long"] is True,
        margin=Wei(number["margin"]),
        size=Wei(number["size"]),
        entry_price=PriceWei(number["entry_price"]),
        entry_index=FundingIndex(number["entry_index"]),
    )
    return Candidate(
        position=position,
        price=PriceWei(number["price"]),
        index=FundingIndex(number["index"]),
        remaining=number["remaining"],
    )


_TEXTS = frozenset({"id", "trader", "is_long"})


def _market(document: dict[str, Any]) -> Market:
    inner = {"parameters", "feed"}
    own = {name: text for name, text in document.items() if name not in inner}
    parameters = MarketParameters(**_integers(document["parameters"]))
    _require_positive(funding_interval=parameters.funding_interval)
    return Market(
        parameters=parameters,
        feed=FeedRow(**_integers(document["feed"])),
        **_integers(own),
    )


def _head(document: dict[str, Any]) -> Head:
    time = integer(document["time"])
    if not 0 <= time < _END_OF_TIME:
        raise ValueError(f"{time} is no time")
    return Head(
        number=BlockNumber(integer(document["number"])),
        hash=BlockHash(document["hash"]),
        parent_hash=BlockHash(document["parent_hash"]),
        time=Timestamp(time),
    )


def _origin(document: dict[str, str]) -> PriceOrigin:
    return PriceOrigin(**_integers(document))


def _require_positive(**numbers: int) -> None:
    """What the arithmetic divides by."""
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} is {number}")


def _netuid(text: str) -> Netuid:
    return Netuid(integer(text))
