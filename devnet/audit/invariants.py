"""The exchange's invariants, checked against its views at one block and the referee's own books.

Each is true or false for the whole run: once broken it stays broken, with the first reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from devnet.audit.ledger import Ledger, name_of
from devnet.audit.margin import Holding, HoldingKey, is_below, remaining
from devnet.audit.referee import Referee
from units import BPS_ONE, BlockNumber, Head, Netuid, PositionId
from units import Sequence as Opening


class Invariant(StrEnum):
    """What must hold at every block."""

    TAO_ACCOUNTED_FOR = "tao_is_accounted_for"
    FREE_BALANCES = "free_balances_are_the_sum_over_traders"
    OPEN_INTEREST = "open_interest_is_the_sum_of_sizes"
    FUNDING_BALANCES = "funding_debits_are_credits_and_the_vaults"
    BAD_DEBT_COUNTED = "bad_debt_is_counted"
    PENALTY_EXACT = "penalty_is_exact"
    NOTHING_HEALTHY_LIQUIDATED = "nothing_healthy_liquidated"
    POSITIONS_FOLLOW_LOGS = "positions_are_what_the_logs_say"
    MARGINS_AGREE = "margins_agree_with_the_contract"
    LOGS_FOLLOW_RULES = "logs_follow_the_rules"


class ExchangeReads(Protocol):
    """The exchange's views at a block, structs as dicts by the ABI's names."""

    async def vault(self, block: BlockNumber) -> dict[str, Any]:
        """`VaultView`."""
        ...

    async def balance(self, block: BlockNumber) -> int:
        """The contract's TAO in wei."""
        ...

    async def markets(self, block: BlockNumber) -> dict[Netuid, dict[str, Any]]:
        """`MarketView` by netuid."""
        ...

    async def position_ids(self, block: BlockNumber) -> list[bytes]:
        """Every open position's id."""
        ...

    async def positions(self, ids: Sequence[bytes], block: BlockNumber) -> list[dict[str, Any]]:
        """`PositionView` of each id."""
        ...

    async def margins(self, ids: Sequence[bytes], block: BlockNumber) -> list[dict[str, Any]]:
        """`MarginView` of each id."""
        ...

    async def free_balances(self, traders: Iterable[str], block: BlockNumber) -> list[int]:
        """Each trader's free balance in wei."""
        ...


@dataclass(slots=True)
class InvariantRecord:
    """What has been checked so far: the first breach of each invariant."""

    checks: dict[Invariant, int] = field(default_factory=lambda: dict.fromkeys(Invariant, 0))
    breaches: dict[Invariant, str] = field(default_factory=dict)

    def note(self, invariant: Invariant, breach: str | None) -> None:
        """Counts one check; `breach` says what was wrong, if anything."""
        self.checks[invariant] += 1
        if breach is not None:
            self.breaches.setdefault(invariant, breach)

    def holds(self, invariant: Invariant) -> bool:
        """Whether it was checked and never broken: what nobody looked at is not true."""
        return self.checks[invariant] > 0 and invariant not in self.breaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditor:
    """Compares a referee's books with the exchange.

    Attributes:
        views: the exchange at a block that the node still holds.
        referee: has observed every block up to the one that is checked.
        traders: everybody who ever deposited.
        record: where the findings go.
    """

    views: ExchangeReads
    referee: Referee
    traders: tuple[str, ...]
    record: InvariantRecord = field(default_factory=InvariantRecord)

    async def check_totals(self, head: Head) -> None:
        """The sums: TAO, open interest, funding, bad debt."""
        vault = await self.views.vault(head.number)
        markets = await self.views.markets(head.number)
        balance = await self.views.balance(head.number)
        ledger = self.referee.ledger
        self._note(Invariant.TAO_ACCOUNTED_FOR, head, accounted_tao(vault), balance)
        self._note(Invariant.FUNDING_BALANCES, head, vault["fundingLedger"], ledger.funding_paid)
        self._note(Invariant.BAD_DEBT_COUNTED, head, vault["badDebt"], ledger.bad_debt)
        for netuid, view in markets.items():
            found = (view["longOpenInterest"], view["shortOpenInterest"])
            self._note(Invariant.OPEN_INTEREST, head, found, sizes(ledger, netuid))

    async def check_positions(self, head: Head) -> None:
        """Every position, and every trader's free balance."""
        ids = await self.views.position_ids(head.number)
        views = await self.views.positions(ids, head.number)
        found = {holding.key: holding for holding in map(_holding, views)}
        self.record.note(
            Invariant.POSITIONS_FOLLOW_LOGS, _difference(head, found, self.referee.ledger.holdings)
        )
        free = sum(await self.views.free_balances(self.traders, head.number))
        vault = await self.views.vault(head.number)
        self._note(Invariant.FREE_BALANCES, head, vault["freeBalances"], free)

    @property
    def has_checked_margins(self) -> bool:
        """Whether it has looked at anybody's."""
        return self.record.checks[Invariant.MARGINS_AGREE] > 0

    async def check_margins(self, head: Head, sample: Sequence[Holding]) -> None:
        """The contract's own margins of a sample, to the wei."""
        views = await self.views.margins([holding.key.id for holding in sample], head.number)
        for holding, view in zip(sample, views, strict=True):
            market = self.referee.ledger.markets[holding.netuid]
            left = remaining(holding, market.price, market.index_at(head.time))
            expected = {
                "sequence": holding.key.sequence,
                "remaining": left,
                "size": holding.size,
                "ratioBps": left * BPS_ONE // holding.size,
                "liquidatable": is_below(left, holding.size, market.terms),
            }
            found = {name: view[name] for name in expected}
            self._note(Invariant.MARGINS_AGREE, head, found, expected)

    def check_verdict(self) -> None:
        """What the referee found in the logs alone; margins that nobody ever had agree."""
        if not self.referee.ledger.opened_in:
            self.record.note(Invariant.MARGINS_AGREE, None)
        verdict, ledger = self.referee.verdict, self.referee.ledger
        self.record.note(Invariant.PENALTY_EXACT, _first(verdict.wrong_amounts))
        self.record.note(Invariant.NOTHING_HEALTHY_LIQUIDATED, _first(verdict.healthy_liquidated))
        self.record.note(Invariant.LOGS_FOLLOW_RULES, _first(ledger.breaches))

    def _note(self, invariant: Invariant, head: Head, found: object, expected: object) -> None:
        breach = f"block {head.number}: {found}, expected {expected}"
        self.record.note(invariant, breach if found != expected else None)


def accounted_tao(vault: dict[str, Any]) -> int:
    """Everything that the exchange owes or owns, in wei: what its TAO must be."""
    parts = ("freeBalances", "margins", "claimsFunded", "reserves", "insurance", "keeperRewards")
    return sum(vault[part] for part in parts)


def sizes(ledger: Ledger, netuid: Netuid) -> tuple[int, int]:
    """Sum of the sizes of a market's longs and of its shorts."""
    held = [one for one in ledger.holdings.values() if one.netuid == netuid]
    longs = sum(one.size for one in held if one.is_long)
    return longs, sum(one.size for one in held) - longs


def _holding(view: dict[str, Any]) -> Holding:
    return Holding(
        key=HoldingKey(id=PositionId(view["id"]), sequence=Opening(view["sequence"])),
        trader=view["trader"],
        netuid=Netuid(int(view["market"], 16)),
        is_long=view["isLong"],
        margin=view["margin"],
        size=view["size"],
        entry_price=view["entryPrice"],
        entry_index=view["entryIndex"],
    )


def _difference(
    head: Head, found: dict[HoldingKey, Holding], expected: dict[HoldingKey, Holding]
) -> str | None:
    for key in sorted(_keys_that_differ(found, expected)):
        return f"block {head.number}: {name_of(key)} is {found.get(key)}, not {expected.get(key)}"
    return None


def _keys_that_differ(
    found: dict[HoldingKey, Holding], expected: dict[HoldingKey, Holding]
) -> Iterator[HoldingKey]:
    return (key for key in found.keys() | expected if found.get(key) != expected.get(key))


def _first(lines: Sequence[str]) -> str | None:
    return lines[0] if lines else None
