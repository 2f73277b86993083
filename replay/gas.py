"""What the fleet's transactions use of gas on the reference exchange, as lines. Pure.

Measured on a devnet over a day of the recorded tape; the test of both engines holds it to within a
tenth of what the chain says. What a block costs others is not known here.
"""

from replay.actions import Accrue, Action, Liquidate, Push, Suspend
from replay.records import Spent, Work

_PLAIN = 24_000
_UPDATE = 9_600
_ROUTER = 27_000
_TAKEN = 46_000
_SKIPPED = 6_000
_MARKET_ACCRUED = 15_000
_SUSPENDED = 8_000


def spent(action: Action, taken: int) -> Spent:
    """What an action took, `taken` of whose positions were liquidated."""
    match action:
        case Push(updates=updates, ids=ids):
            gas = _PLAIN + _UPDATE * len(updates) + _liquidations(len(ids), taken)
            return Spent(work=Work.PRICES, gas=gas)
        case Liquidate(ids=ids):
            return Spent(work=Work.LIQUIDATIONS, gas=_PLAIN + _liquidations(len(ids), taken))
        case Accrue(netuids=netuids):
            return Spent(work=Work.FUNDING, gas=_PLAIN + _MARKET_ACCRUED * len(netuids))
        case Suspend(netuids=netuids):
            return Spent(work=Work.SUSPENSIONS, gas=_PLAIN + _SUSPENDED * len(netuids))


def _liquidations(ids: int, taken: int) -> int:
    return _ROUTER + _TAKEN * taken + _SKIPPED * (ids - taken) if ids else 0
