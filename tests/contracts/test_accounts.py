import pytest

from tests.contracts.deployment import create
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    GWEI,
    KEEPER,
    NO_CAP,
    STRANGER,
    TAO,
    Limits,
    RevertedError,
    World,
    position_id,
)

pytestmark = pytest.mark.anvil

HELD = 1_000 * TAO
"""What the fixture deposited for each trader."""


def free(world: World, trader: str) -> int:
    return int(world.call("exchange", "freeBalance", trader))


def reward_the_keeper(world: World) -> int:
    world.open(ALICE, 64)
    world.price(64, TAO * 86 // 1_000)
    world.liquidate(position_id(ALICE, 64))
    return int(world.call("exchange", "keeperReward", KEEPER))


def test_deposit__with_its_value__is_free_and_said(world: World) -> None:
    receipt = world.deposit(ALICE, 3 * GWEI)
    assert free(world, ALICE) == HELD + 3 * GWEI
    assert receipt.named("Deposited") == [{"trader": ALICE.lower(), "amount": 3 * GWEI}]


@pytest.mark.parametrize("value", [0, GWEI, 3 * GWEI])
def test_deposit__of_another_amount_than_its_value__is_refused(world: World, value: int) -> None:
    with pytest.raises(RevertedError, match="ValueMismatch"):
        world.send(ALICE, "exchange", "deposit", 2 * GWEI, value=value)


@pytest.mark.parametrize("amount", [1, GWEI - 1, TAO + 1])
@pytest.mark.parametrize("function", ["deposit", "withdraw"])
def test_account__moved_by_less_than_whole_gwei__refuses(
    world: World, amount: int, function: str
) -> None:
    value = amount if function == "deposit" else 0
    with pytest.raises(RevertedError, match=rf"NotMultipleOfGwei\({amount}\)"):
        world.send(ALICE, "exchange", function, amount, value=value)


def test_value__sent_without_a_call__is_refused(world: World) -> None:
    request = {
        "from": ALICE,
        "to": world.addresses["exchange"],
        "value": hex(TAO),
        "gas": hex(100_000),
        "gasPrice": "0x0",
    }
    tx_hash = world.node.rpc("eth_sendTransaction", request)
    world.mine()
    assert world.node.rpc("eth_getTransactionReceipt", tx_hash)["status"] == "0x0"


def test_withdraw__of_everything_free__pays_it_out(world: World) -> None:
    before = world.balance(ALICE)
    receipt = world.send(ALICE, "exchange", "withdraw", HELD)
    assert world.balance(ALICE) == before + HELD
    assert free(world, ALICE) == 0
    assert receipt.named("Withdrawn") == [{"trader": ALICE.lower(), "amount": HELD}]


def test_withdraw__of_more_than_is_free__is_refused(world: World) -> None:
    world.open(ALICE, 64, margin=TAO)
    with pytest.raises(RevertedError, match="InsufficientBalance"):
        world.send(ALICE, "exchange", "withdraw", HELD - TAO)


def test_deposit__beyond_the_account_s_cap__is_refused_with_margin_counted(world: World) -> None:
    world.open(ALICE, 64, margin=10 * TAO)
    fee = HELD - 10 * TAO - free(world, ALICE)
    limits = Limits(deposit_cap_account=HELD + TAO)
    world.send(ADMIN, "exchange", "setLimits", limits)
    with pytest.raises(RevertedError, match="DepositCapExceeded"):
        world.deposit(ALICE, fee + TAO + GWEI)
    world.deposit(ALICE, fee + TAO)


def test_deposit__beyond_the_global_cap__is_refused_until_it_is_lifted(world: World) -> None:
    limits = Limits(deposit_cap_global=4 * HELD + TAO)
    world.send(ADMIN, "exchange", "setLimits", limits)
    world.deposit(STRANGER, TAO)
    with pytest.raises(RevertedError, match="DepositCapExceeded"):
        world.deposit(ALICE, GWEI)
    world.send(ADMIN, "exchange", "setLimits", limits._replace(deposit_cap_global=NO_CAP))
    world.deposit(ALICE, GWEI)


def test_keeper_reward__withdrawn_in_whole_gwei__goes_to_its_beneficiary(world: World) -> None:
    reward = reward_the_keeper(world)
    assert reward > 0
    with pytest.raises(RevertedError, match="NotMultipleOfGwei"):
        world.send(KEEPER, "exchange", "withdrawKeeperRewards", reward)
    with pytest.raises(RevertedError, match="InsufficientBalance"):
        world.send(KEEPER, "exchange", "withdrawKeeperRewards", reward // GWEI * GWEI + GWEI)
    with pytest.raises(RevertedError, match="InsufficientBalance"):
        world.send(BOB, "exchange", "withdrawKeeperRewards", GWEI)
    before = world.balance(KEEPER)
    world.send(KEEPER, "exchange", "withdrawKeeperRewards", reward // GWEI * GWEI)
    assert world.balance(KEEPER) == before + reward // GWEI * GWEI
    assert world.call("exchange", "keeperReward", KEEPER) == reward % GWEI
    assert world.vault()["keeperRewards"] == reward % GWEI


def hostile_trader(world: World) -> str:
    """A contract with 10 TAO deposited."""
    hostile = create(world, "hostile", "HostileReceiver")
    deposit = world.abis["exchange"].encode("deposit", 10 * TAO)
    world.send(ALICE, "hostile", "act", world.addresses["exchange"], deposit, value=10 * TAO)
    return hostile


@pytest.mark.parametrize(
    ("function", "arguments"), [("withdraw", (TAO,)), ("withdrawKeeperRewards", (0,))]
)
def test_withdraw__by_a_receiver_that_calls_back__pays_once(
    world: World, function: str, arguments: tuple[int, ...]
) -> None:
    hostile, exchange = hostile_trader(world), world.addresses["exchange"]
    again = world.abis["exchange"].encode(function, *arguments)
    world.send(ALICE, "hostile", "arm", exchange, again)
    withdraw = world.abis["exchange"].encode("withdraw", TAO)
    world.send(ALICE, "hostile", "act", exchange, withdraw)
    assert world.call("hostile", "callsBack") == 1
    assert world.call("hostile", "lastSucceeded") is False
    refusal = world.abis["exchange"].error(world.call("hostile", "lastAnswer"))
    assert refusal == "ReentrancyGuardReentrantCall()"
    assert world.balance(hostile) == TAO
    assert free(world, hostile) == 9 * TAO


def test_withdraw__by_a_receiver_that_opens_meanwhile__has_already_been_booked(
    world: World,
) -> None:
    hostile, exchange = hostile_trader(world), world.addresses["exchange"]
    spend_it_again = world.abis["exchange"].encode("claim")
    world.send(ALICE, "hostile", "arm", exchange, spend_it_again)
    withdraw = world.abis["exchange"].encode("withdraw", 10 * TAO)
    world.send(ALICE, "hostile", "act", exchange, withdraw)
    assert world.call("hostile", "lastSucceeded") is True
    assert free(world, hostile) == 0
    assert world.balance(hostile) == 10 * TAO


def test_withdraw__to_a_receiver_that_refuses__takes_nothing(world: World) -> None:
    hostile = hostile_trader(world)
    withdraw = world.abis["exchange"].encode("withdraw", TAO)
    receipt = world.attempt(ALICE, "hostile", "act", world.addresses["exchange"], withdraw)
    assert world.revert_reason("exchange", receipt) == "TransferFailed()"
    assert free(world, hostile) == 10 * TAO
