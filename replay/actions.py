"""What the fleet has handed over to be sent, as the block that comes next will find it. Pure."""

from dataclasses import dataclass

from keepers.liquidation.positions import PositionKey
from oracle.feed import SuspensionReason, Update
from units import Netuid, PositionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Prices, and liquidations at them in the same transaction."""

    updates: tuple[Update, ...]
    ids: tuple[PositionId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """These prices are not known."""

    netuids: tuple[Netuid, ...]
    reason: SuspensionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidate:
    """Liquidations at the feed's prices; `keys` are all that were meant, `ids` those left."""

    ids: tuple[PositionId, ...]
    keys: tuple[PositionKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrue:
    """Funding of these markets."""

    netuids: tuple[Netuid, ...]


Action = Push | Suspend | Liquidate | Accrue
