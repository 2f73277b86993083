"""The counterparty of every fill, what it owes to winners it could not pay, and bad debt. Pure.

All claims ever booked lie one behind the other on a line; whatever the vault receives covers the
line from its start before anything reaches the reserves.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from units import Wei

TICKETS_PER_CLAIM = 50
"""How many tickets one claim works through, as in the contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a released position comes to: paid now, and owed as a claim."""

    paid: int
    claimed: int


@dataclass(slots=True, kw_only=True)
class Vault:
    """Amounts in wei. `funding` is what positions have paid so far less what they were paid."""

    reserves: int
    insurance: int
    funding: int = 0
    bad_debt: int = 0
    bad_debt_uncovered: int = 0
    claims_booked: int = 0
    claims_funded: int = 0
    claims_paid: int = 0
    tickets: dict[bytes, deque[tuple[int, int]]] = field(default_factory=lambda: defaultdict(deque))

    def receive(self, amount: int) -> None:
        """Covers claims first, the rest goes to the reserves."""
        covered = min(amount, self.claims_booked - self.claims_funded)
        self.claims_funded += covered
        self.reserves += amount - covered

    def reserves_after(self, amount: int) -> int:
        """The reserves once so much was received."""
        return self.reserves + max(amount - (self.claims_booked - self.claims_funded), 0)

    def settle(self, margin: int, due: int) -> Settlement:
        """Settles released `margin` against `due`, what the position is worth after fees."""
        if due < margin:
            paid = max(due, 0)
            self.receive(margin - paid)
            return Settlement(paid=paid, claimed=0)
        gain = due - margin
        funded = min(gain, self.reserves)
        self.reserves -= funded
        return Settlement(paid=margin + funded, claimed=gain - funded)

    def book_bad_debt(self, remaining: int) -> Wei:
        """Books what a position was worth below nothing; insurance pays as far as it goes."""
        debt = max(-remaining, 0)
        covered = min(debt, self.insurance)
        self.insurance -= covered
        self.receive(covered)
        self.bad_debt += debt
        self.bad_debt_uncovered += debt - covered
        return Wei(debt)

    def book_claim(self, trader: bytes, amount: int) -> None:
        """Owes `amount` to a trader, behind all that is owed already."""
        if amount:
            start = self.claims_booked
            self.claims_booked = start + amount
            self.tickets[trader].append((start, start + amount))

    def redeem(self, trader: bytes) -> Wei:
        """Takes the funded part off a trader's tickets, oldest first; it is the trader's then."""
        tickets, paid = self.tickets[trader], 0
        for _ in range(min(TICKETS_PER_CLAIM, len(tickets))):
            start, end = tickets[0]
            funded = min(end, self.claims_funded) - start
            if funded <= 0:
                break
            tickets.popleft()
            paid += funded
            if start + funded < end:
                tickets.appendleft((start + funded, end))
                break
        self.claims_paid += paid
        return Wei(paid)
