"""What is worth sending, and what had an effect: answers and receipts of the contracts."""

from typing import Any

import pytest
from eth_abi.abi import encode

from fleet.transactions.request import Lane, TransactionRequest
from protocol import calls
from protocol.abi import output_types
from protocol.effects import ExchangeEffects
from tests.unit.protocol.abi_values import one, raw_log
from tests.unit.protocol.chain import EXCHANGE
from tests.unit.protocol.work import ME, ids, update
from units import BlockNumber, Netuid

EFFECTS = ExchangeEffects()
PUSH = calls.push([update(8), update(64)])
ROUTER_CALL = calls.push_and_liquidate([update(8)], ids(2))
LIQUIDATE = calls.liquidate(ids(2), ME)
ACCRUE = calls.accrue_funding([Netuid(8), Netuid(64)])
OUT = {
    "push": output_types("PriceFeed", "push"),
    "router": output_types("KeeperRouter", "pushAndLiquidate"),
    "liquidate": output_types("Exchange", "liquidate"),
    "accrue": output_types("Exchange", "accrueFunding"),
}


def request(data: bytes) -> TransactionRequest:
    return TransactionRequest(
        to=EXCHANGE,
        data=data,
        gas_limit=1,
        lane=Lane.PRICE,
        idempotency_key="work",
        valid_until=BlockNumber(9),
        purpose="test",
    )


@pytest.mark.parametrize(
    ("data", "types", "values"),
    [
        (PUSH, OUT["push"], [[1, 6]]),
        (ROUTER_CALL, OUT["router"], [[1], [2, 5], True]),
        (LIQUIDATE, OUT["liquidate"], [[1, 2]]),
        (ACCRUE, OUT["accrue"], [[1, 1]]),
    ],
)
def test_pointless__every_entry_skipped__says_so(
    data: bytes, types: tuple[str, ...], values: list[Any]
) -> None:
    said = EFFECTS.pointless(request(data), encode(types, values))
    assert said is not None
    assert "would be skipped" in said


@pytest.mark.parametrize(
    ("data", "types", "values"),
    [
        (PUSH, OUT["push"], [[1, 0]]),
        (ROUTER_CALL, OUT["router"], [[0], [2, 5], False]),
        (ROUTER_CALL, OUT["router"], [[1], [2, 0], True]),
        (LIQUIDATE, OUT["liquidate"], [[1, 0]]),
        (ACCRUE, OUT["accrue"], [[0, 1]]),
    ],
)
def test_pointless__one_entry_done__worth_it(
    data: bytes, types: tuple[str, ...], values: list[Any]
) -> None:
    assert EFFECTS.pointless(request(data), encode(types, values)) is None


def test_pointless__calls_that_return_nothing__worth_it() -> None:
    assert EFFECTS.pointless(request(calls.resume([Netuid(8)])), b"") is None


def test_pointless__another_contract_s_answer__is_not_taken_for_an_outcome() -> None:
    said = EFFECTS.pointless(request(PUSH), b"\x00" * 32)
    assert said is not None
    assert "something else" in said


def log(contract: str, event: str, **values: Any) -> dict[str, Any]:
    inputs = one(contract, "event", event)["inputs"]
    return raw_log(contract, event, {i["name"]: _ZERO[i["type"]] for i in inputs} | values)


_ZERO: dict[str, Any] = {"bytes16": bytes(16), "address": "0x" + "00" * 20, "bool": False} | {
    f"{kind}{bits}": 0 for kind in ("uint", "int") for bits in range(8, 257, 8)
}
PUSHED = log("PriceFeed", "PricePushed")
LIQUIDATED = log("Exchange", "PositionLiquidated")
ACCRUED = log("Exchange", "FundingAccrued")
HEALTHY = log("Exchange", "LiquidationSkipped", outcome=1)
CLOSED = log("Exchange", "LiquidationSkipped", outcome=2)


@pytest.mark.parametrize(
    ("data", "logs", "had"),
    [
        (PUSH, [PUSHED], True),
        (PUSH, [], False),
        (ROUTER_CALL, [PUSHED, HEALTHY], True),
        (ROUTER_CALL, [HEALTHY, LIQUIDATED], True),
        (ROUTER_CALL, [HEALTHY], False),
        (LIQUIDATE, [HEALTHY, LIQUIDATED], True),
        (LIQUIDATE, [CLOSED, CLOSED], True),
        (LIQUIDATE, [CLOSED, HEALTHY], False),
        (LIQUIDATE, [], False),
        (ACCRUE, [ACCRUED], True),
        (ACCRUE, [], False),
        (calls.resume([Netuid(8)]), [], True),
    ],
)
def test_had_effect__receipts__skips_are_none_and_closed_positions_are_nobody_s_fault(
    data: bytes, logs: list[dict[str, Any]], had: bool
) -> None:
    assert EFFECTS.had_effect(request(data), logs) is had
