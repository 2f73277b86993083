"""What the fleet's transactions use of gas on the reference exchange, as lines. Pure.

Measured on a devnet; the test of both engines holds them to within a tenth of what the chain says
over a run. Where liquidations are few their cost varies by half, with what they leave behind.
"""

from typing import assert_never

from replay.actions import Accrue, Action, Liquidate, Push, Suspend
from replay.records import Spent, Work

_PUSH, _UPDATE = 24_480, 11_150
_SUSPENSION, _SUSPENDED = 26_560, 5_700
_FRESH = 17_100  # a feed row that was never written
_ACCRUAL, _ACCRUED = 24_000, 19_850
_LIQUIDATION, _TAKEN, _SKIPPED = 85_000, 37_000, 6_000
_CALL = 24_000


def spent(action: Action, *, taken: int, fresh: int, accrued: int) -> Spent:
    """What an action took.

    Args:
        action: what was done.
        taken: how many of its positions were liquidated.
        fresh: how many feed rows it wrote that were never written before.
        accrued: how many markets' funding moved.
    """
    match action:
        case Push(updates=updates, ids=ids):
            gas = _PUSH + _UPDATE * len(updates) + _FRESH * fresh + _liquidations(len(ids), taken)
            return Spent(work=Work.PRICES, gas=gas)
        case Liquidate(ids=ids):
            return Spent(work=Work.LIQUIDATIONS, gas=_CALL + _liquidations(len(ids), taken))
        case Accrue(netuids=netuids):
            gas = _ACCRUAL + _ACCRUED * len(netuids)
            return Spent(work=Work.FUNDING, gas=gas, accrued=accrued)
        case Suspend(netuids=netuids):
            gas = _SUSPENSION + _SUSPENDED * len(netuids) + _FRESH * fresh
            return Spent(work=Work.SUSPENSIONS, gas=gas)
        case never:
            assert_never(never)


def _liquidations(ids: int, taken: int) -> int:
    return _LIQUIDATION + _TAKEN * taken + _SKIPPED * (ids - taken) if ids else 0
