"""What the fleet owes the exchange besides liquidations, and every time it did not pay. Pure.

An exchange whose prices stand still looks peaceful: nobody can trade, nobody falls, no invariant
breaks. A drill without these would praise a fleet that does nothing.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Duty(StrEnum):
    """What must be true of the whole run."""

    FEED_FOLLOWS = "the_feed_follows_the_source"
    PRICES_ARE_THE_SOURCES = "prices_are_the_sources"
    JUMPS_STOOD = "jumps_have_stood"
    NO_PRICE_NO_TRADE = "markets_without_price_are_suspended"
    SUSPENSIONS_END = "suspensions_end"
    FUNDING_IN_TIME = "funding_is_accrued_in_time"
    TRANSACTIONS_SUCCEED = "transactions_do_not_revert"
    EVERYTHING_TOLD = "falls_and_liquidations_are_told"
    TOLD_IS_TRUE = "what_is_told_has_happened"


@dataclass(slots=True)
class DutyRecord:
    """What has been neglected: how often, and the first times in words."""

    neglected: dict[Duty, list[str]] = field(default_factory=lambda: {duty: [] for duty in Duty})

    def note(self, duty: Duty, what: str) -> None:
        """The fleet has neglected a duty once more."""
        self.neglected[duty].append(what)

    def is_done(self, duty: Duty) -> bool:
        """Whether it was never neglected."""
        return not self.neglected[duty]
