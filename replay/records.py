"""What an engine reports of a block: the one form in which both say what happened. Pure values."""

from dataclasses import dataclass
from enum import StrEnum

from keepers.liquidation.positions import BookEvent
from units import Head, Wei


class Work(StrEnum):
    """What a transaction of the fleet was for."""

    PRICES = "prices"
    LIQUIDATIONS = "liquidations"
    FUNDING = "funding"
    SUSPENSIONS = "suspensions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One transaction of the fleet: its gas, and how many markets it accrued funding of."""

    work: Work
    gas: int
    accrued: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRecord:
    """One block: what happened in it, in order, and what the fleet's transactions took."""

    head: Head
    events: tuple[BookEvent, ...]
    spent: tuple[Spent, ...]
    base_fee: Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultRecord:
    """The exchange's books, in wei; as `VaultView` of the contract has them."""

    reserves: int
    insurance: int
    free_balances: int
    margins: int
    claims: int
    claims_funded: int
    keeper_rewards: int
    bad_debt: int
    bad_debt_uncovered: int
    funding_ledger: int
