"""The calls of the exchange as bytes: what a decision means to the contracts.

Pure. Knows arguments and selectors; not gas, keys or nonces.
"""

from collections.abc import Iterable

from oracle.feed import SuspensionReason, Update
from protocol.abi import selector
from protocol.words import Dynamic, arguments, array, bytes16, uint
from units import Address, Netuid, PositionId


def push(updates: Iterable[Update]) -> bytes:
    """PriceFeed.push."""
    return selector("PriceFeed", "push") + arguments(_updates(updates))


def suspend(netuids: Iterable[Netuid], reason: SuspensionReason) -> bytes:
    """PriceFeed.suspend."""
    return selector("PriceFeed", "suspend") + arguments(_uints(netuids), uint(reason))


def resume(netuids: Iterable[Netuid]) -> bytes:
    """PriceFeed.resume."""
    return selector("PriceFeed", "resume") + arguments(_uints(netuids))


def rows(netuids: Iterable[Netuid]) -> bytes:
    """PriceFeed.rows."""
    return selector("PriceFeed", "rows") + arguments(_uints(netuids))


def push_and_liquidate(updates: Iterable[Update], ids: Iterable[PositionId]) -> bytes:
    """KeeperRouter.pushAndLiquidate."""
    return selector("KeeperRouter", "pushAndLiquidate") + arguments(_updates(updates), _ids(ids))


def liquidate(ids: Iterable[PositionId], beneficiary: Address) -> bytes:
    """Exchange.liquidate; the keeper share is credited to `beneficiary`."""
    to = uint(int(beneficiary, 16))
    return selector("Exchange", "liquidate") + arguments(_ids(ids), to)


def accrue_funding(netuids: Iterable[Netuid]) -> bytes:
    """Exchange.accrueFunding."""
    return selector("Exchange", "accrueFunding") + arguments(_uints(netuids))


def position_ids(offset: int, limit: int) -> bytes:
    """Exchange.positionIds: one page."""
    return selector("Exchange", "positionIds") + arguments(uint(offset), uint(limit))


def positions_by_id(ids: Iterable[PositionId]) -> bytes:
    """Exchange.positionsById."""
    return selector("Exchange", "positionsById") + arguments(_ids(ids))


def listed_markets() -> bytes:
    """Exchange.listedMarkets."""
    return selector("Exchange", "listedMarkets")


def markets(netuids: Iterable[Netuid]) -> bytes:
    """Exchange.markets."""
    return selector("Exchange", "markets") + arguments(_uints(netuids))


def margin_ratios(ids: Iterable[PositionId]) -> bytes:
    """Exchange.marginRatios."""
    return selector("Exchange", "marginRatios") + arguments(_ids(ids))


def warning_tiers(netuid: Netuid) -> bytes:
    """Exchange.warningTiers."""
    return selector("Exchange", "warningTiers") + arguments(uint(netuid))


def vault_state() -> bytes:
    """Exchange.vaultState."""
    return selector("Exchange", "vaultState")


def _updates(updates: Iterable[Update]) -> Dynamic:
    return array(
        uint(u.netuid) + uint(u.price) + uint(u.source_block) + uint(u.source_time) for u in updates
    )


def _ids(ids: Iterable[PositionId]) -> Dynamic:
    return array(bytes16(each) for each in ids)


def _uints(values: Iterable[int]) -> Dynamic:
    """Netuids, as numbers or as the market addresses that they are."""
    return array(uint(value) for value in values)
