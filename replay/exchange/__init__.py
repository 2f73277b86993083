"""The reference exchange once more, in process and in exact integers: equal to it to the wei.

Knows contracts' rules; no chain, no clock, no fleet. The keepers' own arithmetic values positions,
so what is different here is what the contracts keep beside it: balances, vault, claims, limits.
"""

from replay.exchange.state import Account, Exchange, Moment, opened_exchange

__all__ = ["Account", "Exchange", "Moment", "opened_exchange"]
