"""What the exchange's one-block views return, word by word.

Pure. Every struct of these views is static, so an element is a fixed number of words.
"""

from dataclasses import dataclass

import numpy as np
from eth_abi.exceptions import DecodingError

from keepers.funding.calendar import FundingRow
from keepers.liquidation.packing import packed
from keepers.liquidation.positions import FeedRow, Market, MarketParameters, Position, PositionKey
from keepers.liquidation.rows import Rows
from oracle.feed import FeedRowView, SuspensionReason
from protocol.abi import decode_output, entry
from protocol.columns import fitting, record_layout, taken
from protocol.markets import netuid_of
from protocol.words import WORD, read_array, read_bool, read_int, read_uint
from units import (
    BlockNumber,
    Bps,
    FundingIndex,
    Netuid,
    PositionId,
    PriceWei,
    Seconds,
    Sequence,
    Timestamp,
    Wei,
)

_ROW_WORDS = 5
_POSITION_WORDS = 9
_MARKET_WORDS = 26
_SIZE = slice(6 * WORD, 7 * WORD)
_RECORD = record_layout(holder=2, market=3, sequence=1)
_ONES = 255
_PARAMETERS = 13  # the word of a MarketView at which its parameters begin


def feed_rows(data: bytes) -> tuple[FeedRowView, ...]:
    """PriceFeed.rows; `landed_time` is not in the feed and left unknown."""
    return tuple(
        FeedRowView(
            price=PriceWei(read_uint(row, 0)),
            source_block=BlockNumber(read_uint(row, 1)),
            source_time=Timestamp(read_uint(row, 2)),
            landed_time=None,
            suspended_at=BlockNumber(read_uint(row, 3)),
            suspension=SuspensionReason(read_uint(row, 4)),
        )
        for row in read_array(data, 0, _ROW_WORDS)
    )


def position_ids(data: bytes) -> tuple[tuple[PositionId, ...], int]:
    """Exchange.positionIds: the page, and how many positions are open."""
    page = (PositionId(word[: WORD // 2]) for word in read_array(data, 0, 1))
    return tuple(page), read_uint(data, 1)


def positions(data: bytes) -> tuple[Position, ...]:
    """Exchange.positionsById, without the ids that are not open."""
    found = read_array(data, 0, _POSITION_WORDS)
    return tuple(_position(words) for words in found if read_uint(words, 6))


def position_rows(data: bytes) -> Rows:
    """The same as rows.

    Raises:
        ValueError: the data are not whole, or a position has numbers that no exchange holds.
    """
    each = read_array(data, 0, _POSITION_WORDS)
    words = np.frombuffer(b"".join(each), dtype=np.uint8).reshape(-1, _POSITION_WORDS * WORD)
    words = words[words[:, _SIZE].any(axis=1)]
    records = taken(words, _RECORD)
    for row in np.flatnonzero(~fitting(words, records, _RECORD, (0, _ONES))).tolist():
        records[row] = np.frombuffer(packed(_position(words[row].tobytes())), dtype=np.uint8)
    return Rows(records)


def netuids(data: bytes) -> tuple[Netuid, ...]:
    """Exchange.listedMarkets."""
    return tuple(netuid_of(read_uint(word, 0)) for word in read_array(data, 0, 1))


def markets(data: bytes) -> tuple[Market, ...]:
    """Exchange.markets, without those that are not listed."""
    return tuple(_market(w) for w in read_array(data, 0, _MARKET_WORDS) if read_bool(w, 1))


def funding_rows(data: bytes) -> tuple[FundingRow, ...]:
    """Exchange.markets as the funding calendar sees it, unlisted ones included."""
    return tuple(
        FundingRow(
            netuid=netuid_of(read_uint(words, 0)),
            is_listed=read_bool(words, 1),
            last_accrual=Timestamp(read_uint(words, 11)),
            interval=Seconds(read_uint(words, _PARAMETERS + 7)),
            cap=Seconds(read_uint(words, _PARAMETERS + 8)),
        )
        for words in read_array(data, 0, _MARKET_WORDS)
    )


def _position(words: bytes) -> Position:
    position_id = PositionId(words[: WORD // 2])
    return Position(
        key=PositionKey(id=position_id, sequence=Sequence(read_uint(words, 1))),
        holder=words[2 * WORD + 12 : 3 * WORD],
        netuid=netuid_of(read_uint(words, 3)),
        is_long=read_bool(words, 4),
        margin=Wei(read_uint(words, 5)),
        size=Wei(read_uint(words, 6)),
        entry_price=PriceWei(read_uint(words, 7)),
        entry_index=FundingIndex(read_int(words, 8)),
    )


def _market(words: bytes) -> Market:
    return Market(
        netuid=netuid_of(read_uint(words, 0)),
        feed=FeedRow(
            price=PriceWei(read_uint(words, 2)),
            source_block=BlockNumber(read_uint(words, 3)),
            source_time=Timestamp(read_uint(words, 4)),
            suspended_at=BlockNumber(read_uint(words, 5)),
            suspension=read_uint(words, 6),
        ),
        long_open_interest=Wei(read_uint(words, 7)),
        short_open_interest=Wei(read_uint(words, 8)),
        index=FundingIndex(read_int(words, 9)),
        last_accrual=Timestamp(read_uint(words, 11)),
        parameters=_parameters(words),
    )


def _parameters(words: bytes) -> MarketParameters:
    return MarketParameters(
        maintenance=Bps(read_uint(words, _PARAMETERS + 3)),
        liquidation_penalty=Bps(read_uint(words, _PARAMETERS + 4)),
        keeper_share=Bps(read_uint(words, _PARAMETERS + 5)),
        funding_rate_max=read_uint(words, _PARAMETERS + 6),
        funding_interval=Seconds(read_uint(words, _PARAMETERS + 7)),
        funding_cap=Seconds(read_uint(words, _PARAMETERS + 8)),
        liquidation_price_age_max=Seconds(read_uint(words, _PARAMETERS + 11)),
    )


def warning_tiers(data: bytes) -> tuple[Bps, ...]:
    """Exchange.warningTiers: margin ratios, from the highest down."""
    return tuple(Bps(read_uint(word, 0)) for word in read_array(data, 0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultState:
    """What stands behind the traders' claims, in wei. `bad_debt` is cumulative."""

    reserves: Wei
    insurance: Wei
    claims: Wei
    bad_debt: Wei
    is_opening_paused: bool


def vault(data: bytes) -> VaultState:
    """Exchange.vaultState.

    Raises:
        ValueError: the data is not what vaultState returns.
    """
    try:
        found = decode_output("Exchange", "vaultState", data)[0]
    except DecodingError as error:
        raise ValueError(str(error)) from error
    components = entry("Exchange", "function", "vaultState")["outputs"][0]["components"]
    names = [component["name"] for component in components]
    state = dict(zip(names, found, strict=True))
    return VaultState(
        reserves=Wei(state["reserves"]),
        insurance=Wei(state["insurance"]),
        claims=Wei(state["claims"]),
        bad_debt=Wei(state["badDebt"]),
        is_opening_paused=state["openingPaused"],
    )
