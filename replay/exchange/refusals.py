"""Why the exchange refuses, by the names of the contract's errors."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The contract's errors that a trader can meet."""

    NOT_WHOLE_GWEI = "NotMultipleOfGwei"
    DEPOSIT_CAP = "DepositCapExceeded"
    BALANCE = "InsufficientBalance"
    NOT_LISTED = "MarketNotListed"
    OPENING_PAUSED = "OpeningIsPaused"
    LEVERAGE = "LeverageOutOfRange"
    TOO_SMALL = "BelowNotionalMin"
    EXISTS = "PositionExists"
    SUSPENDED = "MarketIsSuspended"
    STALE = "StalePrice"
    NO_CHAIN_PRICE = "NoChainPrice"
    SLIPPAGE = "SlippageExceeded"
    EXPOSURE = "ExposureExceeded"
    UTILISATION = "UtilisationExceeded"
    TOO_MANY = "TooManyPositions"
    UNHEALTHY = "WouldBeLiquidatable"
    NO_POSITION = "NoPosition"
    SAME_BLOCK = "SameBlock"
    TOO_LARGE = "SizeTooLarge"
    WORTHLESS = "WorthLessThanNothing"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was changed."""

    reason: Reason


NO_PRICE = frozenset({Reason.STALE, Reason.SUSPENDED, Reason.NO_CHAIN_PRICE})
"""Nobody's refusal: there is no price to trade at."""
