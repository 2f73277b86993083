"""The units every room speaks, as types: what a number counts is part of its name.

Knows nothing but Python. Prices and ratios are integers everywhere; see docs/architecture.md.
"""

from dataclasses import dataclass
from typing import NewType

Netuid = NewType("Netuid", int)
"""A Bittensor subnet, and so a market: its address on chain 964 is address(uint160(netuid))."""

BlockNumber = NewType("BlockNumber", int)
"""A height. Subtensor and chain 964 are one chain and share it."""

BlockHash = NewType("BlockHash", str)
"""0x-prefixed, lower case. The EVM hash and the Substrate hash of one height differ."""

Timestamp = NewType("Timestamp", int)
"""Unix seconds."""

Seconds = NewType("Seconds", int)
"""A duration in whole seconds."""

Rao = NewType("Rao", int)
"""1e-9 TAO; a price in RAO is RAO per whole Alpha."""

Wei = NewType("Wei", int)
"""1e-18 TAO, the unit of amounts on chain 964."""

PriceWei = NewType("PriceWei", int)
"""TAO per Alpha, scaled by 1e18: the unit of the price feed. One RAO is 1e9 of it."""

Bps = NewType("Bps", int)
"""Hundredths of a percent."""

FundingIndex = NewType("FundingIndex", int)
"""Cumulative funding per unit of notional, scaled by 1e18, signed; rising costs longs."""

PositionId = NewType("PositionId", bytes)
"""16 bytes; reused after a close, so only (PositionId, Sequence) names one position."""

Sequence = NewType("Sequence", int)
"""How many times the position id has been opened, counted by the contract."""

Address = NewType("Address", str)
"""An EVM address with its checksum capitals."""

TxHash = NewType("TxHash", str)
"""0x-prefixed, lower case."""

BLOCK_TIME = Seconds(12)
"""Seconds between blocks of Subtensor and of chain 964."""

RAO_IN_PRICE_WEI = 10**9
ONE = 10**18
BPS_ONE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A block of chain 964."""

    number: BlockNumber
    hash: BlockHash
    parent_hash: BlockHash
    time: Timestamp
