"""Every caller on every function: who may, and that nobody else may."""

from typing import Any, NamedTuple

import pytest

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.node import RpcError
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    GUARDIAN,
    GWEI,
    KEEPER,
    OPERATOR,
    REPORTER,
    STRANGER,
    TAO,
    Limits,
    Parameters,
    World,
    market,
    position_id,
    role,
)

pytestmark = pytest.mark.anvil

ROUTER = "the router"
CALLERS = (ADMIN, GUARDIAN, REPORTER, KEEPER, OPERATOR, ALICE, STRANGER, ROUTER)
EVERYONE = frozenset(CALLERS)
REPORTERS = frozenset({REPORTER, OPERATOR, ROUTER})
KEEPERS = frozenset({KEEPER, OPERATOR, ROUTER})
REFUSALS = (
    "AccessControlUnauthorizedAccount",
    "AccessControlBadConfirmation",
    "AdminOnly",
    "MissingRole",
    "NotTheTrader",
)
"""The errors that mean "you may not"; any other has nothing to do with who calls."""


class Case(NamedTuple):
    contract: str
    function: str
    arguments: tuple[Any, ...]
    allowed: frozenset[str]
    value: int = 0
    note: str = ""


OPENING = (market(51), True, TAO, TAO, 100)
ORDER = (market(51), True, TAO, TAO, TAO, 0)
HELD = [position_id(ALICE, 64)]
GUARDIANS, ADMINS = frozenset({GUARDIAN}), frozenset({ADMIN})
GRANT = (role("KEEPER_ROLE"), STRANGER)

CASES = (
    Case("feed", "push", ([],), REPORTERS),
    Case("feed", "suspend", ([64], 3), REPORTERS | GUARDIANS),
    Case("feed", "suspend", ([64], 2), REPORTERS | GUARDIANS, note="identity"),
    Case("feed", "suspend", ([64], 1), GUARDIANS, note="as the guardian"),
    Case("feed", "resume", ([62],), REPORTERS | ADMINS, note="suspended for its price"),
    Case("feed", "resume", ([4],), ADMINS, note="suspended for its identity"),
    Case("feed", "resume", ([8],), ADMINS, note="suspended by the guardian"),
    Case("feed", "grantRole", GRANT, ADMINS),
    Case("feed", "revokeRole", GRANT, ADMINS),
    Case("feed", "renounceRole", (role("REPORTER_ROLE"), REPORTER), frozenset({REPORTER})),
    Case("exchange", "deposit", (GWEI,), EVERYONE, value=GWEI),
    Case("exchange", "withdraw", (0,), EVERYONE),
    Case("exchange", "openMarketPosition", (OPENING,), EVERYONE),
    Case("exchange", "closePosition", (HELD[0], 0), frozenset({ALICE})),
    Case("exchange", "placeLimitOrder", (ORDER,), EVERYONE),
    Case("exchange", "cancelOrder", (market(51), bytes(16)), EVERYONE),
    Case("exchange", "cancelAllOrders", (market(51),), EVERYONE),
    Case("exchange", "claim", (), EVERYONE),
    Case("exchange", "withdrawKeeperRewards", (0,), EVERYONE),
    Case("exchange", "liquidate", (HELD, BOB), KEEPERS),
    Case("exchange", "accrueFunding", ([market(64)],), KEEPERS),
    Case("exchange", "listMarket", (7, Parameters()), ADMINS),
    Case("exchange", "setMarketParameters", (64, Parameters()), ADMINS),
    Case("exchange", "setWarningTiers", (64, [3_500]), ADMINS),
    Case("exchange", "setLimits", (Limits(),), ADMINS),
    Case("exchange", "fundVault", (), ADMINS, value=GWEI),
    Case("exchange", "fundInsurance", (), ADMINS, value=GWEI),
    Case("exchange", "withdrawVault", (GWEI,), ADMINS),
    Case("exchange", "pauseOpening", (), GUARDIANS | ADMINS),
    Case("exchange", "unpauseOpening", (), ADMINS),
    Case("exchange", "grantRole", GRANT, ADMINS),
    Case("exchange", "revokeRole", GRANT, ADMINS),
    Case("exchange", "renounceRole", (role("KEEPER_ROLE"), KEEPER), frozenset({KEEPER})),
    Case("router", "pushAndLiquidate", ([], HELD), frozenset({OPERATOR, ROUTER})),
)


@pytest.fixture
def prepared(world: World) -> World:
    world.open(ALICE, 64)
    world.send(REPORTER, "feed", "suspend", [62], 3)
    world.send(REPORTER, "feed", "suspend", [4], 2)
    world.send(GUARDIAN, "feed", "suspend", [8], 1)
    world.price(51, FIRST_PRICE)
    return world


def refusal(world: World, case: Case, caller: str) -> str:
    """The error the call ends with, or nothing."""
    request = {
        "from": world.addresses["router"] if caller == ROUTER else caller,
        "to": world.addresses[case.contract],
        "data": "0x" + world.abis[case.contract].encode(case.function, *case.arguments).hex(),
        "value": hex(case.value),
    }
    overrides = {request["from"]: {"balance": hex(TAO)}}
    try:
        world.node.rpc("eth_call", request, "latest", overrides)
    except RpcError as error:
        return world.abis[case.contract].error(bytes.fromhex(error.data[2:])).split("(")[0]
    return ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.function} {case.note}".strip())
def test_function__called_by_everyone__admits_only_those_who_may(
    prepared: World, case: Case
) -> None:
    answers = {caller: refusal(prepared, case, caller) for caller in CALLERS}
    refused = {caller for caller, answer in answers.items() if answer in REFUSALS}
    assert EVERYONE - refused == case.allowed
    if case.allowed != EVERYONE:
        assert {answers[caller] for caller in case.allowed} == {""}


def test_table__of_cases__names_every_function_that_writes(world: World) -> None:
    written = {
        (contract, entry["name"]) for contract, abi in world.abis.items() for entry in abi.writes
    }
    pure = {("exchange", name) for name in ("placeLimitOrder", "cancelOrder", "cancelAllOrders")}
    assert {(case.contract, case.function) for case in CASES} == written | pure


def test_admin__of_every_role__is_the_admin(world: World) -> None:
    for contract in ("feed", "exchange"):
        for name in ("DEFAULT_ADMIN_ROLE", "GUARDIAN_ROLE", "REPORTER_ROLE", "KEEPER_ROLE"):
            assert world.call(contract, "getRoleAdmin", role(name)) == bytes(32)
        assert world.call(contract, "hasRole", bytes(32), ADMIN)
