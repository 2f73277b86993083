"""Which part of the fleet plays in a drill, for comparison with the whole of it."""

from dataclasses import dataclass

from devnet.demo.lead import BOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays.

    Attributes:
        bots: names for `keepers run`; none: all in one process.
        participants: who must take part in lock-step before the first block, and until the last.
        has_router: whether prices and liquidations may travel in one transaction.
    """

    bots: tuple[str, ...] = ()
    participants: frozenset[str] = BOTS
    has_router: bool = True


WHOLE = Cast()
WITHOUT_ROUTER = Cast(has_router=False)
FEEDER_ALONE = Cast(
    bots=("feeder",),
    participants=frozenset({"transactions", "book", "feeder"}),
    has_router=False,
)
"""Prices are published and nobody is liquidated by the fleet."""
