"""What became of a transaction, in the keepers' words: its receipt's logs read. Pure."""

from typing import assert_never

from fleet.transactions.request import Expired, Final, Outcome, Reverted, Superseded
from keepers.liquidation.reports import Report
from protocol.events import liquidation_event


def report_of(outcome: Outcome) -> Report:
    """An outcome as it is kept."""
    match outcome:
        case Final(block=block, gas_used=gas_used, fee=fee, logs=logs):
            events = tuple(each for each in map(liquidation_event, logs) if each is not None)
            return Report(block=block, gas_used=gas_used, fee=fee, events=events)
        case Reverted(block=block, gas_used=gas_used, fee=fee, reason=reason):
            lost = f"reverted: {reason}"
            return Report(block=block, gas_used=gas_used, fee=fee, lost=lost)
        case Expired(reason=reason):
            return Report(lost=f"expired: {reason}")
        case Superseded():
            return Report(lost="its nonce was taken by another transaction")
        case _:
            assert_never(outcome)
