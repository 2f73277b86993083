"""Calls of contracts and transactions that are only tried, as a node takes and answers them."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Literal

from fleet.chain import answers
from fleet.chain.failures import CallReverted, ChainError, RequestRejected
from units import Address, Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a transaction would do now. `data` is what the contract returned, or reverted with."""

    outcome: Literal["succeeds", "reverts", "unknown"]
    data: bytes = b""
    detail: str = ""


async def simulated(answer: Awaitable[Any]) -> Simulation:
    """What an eth_call's answer says of the transaction; never raises for a node's no."""
    try:
        return Simulation(outcome="succeeds", data=answers.octets(await answer))
    except CallReverted as reverted:
        return Simulation(outcome="reverts", data=reverted.data, detail=str(reverted))
    except RequestRejected as rejection:  # too little money for the value, for one
        return Simulation(outcome="reverts", detail=rejection.message)
    except ChainError as failure:
        return Simulation(outcome="unknown", detail=str(failure))


def call_of(
    *, to: Address, data: bytes, sender: Address | None, gas: int | None, value: Wei = Wei(0)
) -> dict[str, str]:
    """The first parameter of eth_call."""
    asked = {"to": str(to), "data": "0x" + data.hex()}
    if sender is not None:
        asked["from"] = sender
    if gas is not None:
        asked["gas"] = hex(gas)
    if value:
        asked["value"] = hex(value)
    return asked
