import pytest

from tests.contracts.deployment import FIRST_PRICE
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    DAVE,
    GUARDIAN,
    GWEI,
    REPORTER,
    TAO,
    Limits,
    Parameters,
    RevertedError,
    World,
    position_id,
)

pytestmark = pytest.mark.anvil

NO_PAUSE, BY_GUARDIAN, BREAKER, BAD_DEBT = range(4)


def win(world: World, *traders: str, margin: int = 10 * TAO) -> list[dict[str, int]]:
    """The traders' longs double and are closed one after the other."""
    world.price(64, FIRST_PRICE)
    for trader in traders:
        world.open(trader, 64, margin=margin)
    world.price(64, 2 * FIRST_PRICE)
    return [world.close(trader, 64).named("PositionClosed")[0] for trader in traders]


def unfunded(world: World) -> int:
    vault = world.vault()
    return int(vault["claims"] - vault["claimsFunded"])


def test_payout__beyond_the_reserves__is_paid_as_far_as_they_go_and_claimed(thin: World) -> None:
    free = thin.call("exchange", "freeBalance", ALICE)
    (closed,) = win(thin, ALICE)
    reserves = 10 * TAO + 3 * TAO // 100  # and the fee of the opening
    assert closed["paid"] == 10 * TAO + reserves
    due = 10 * TAO + closed["pnl"] - closed["fundingOwed"] - closed["fee"]
    assert closed["claimed"] == due - closed["paid"] > 0
    assert thin.call("exchange", "claims", ALICE) == closed["claimed"]
    fee = 3 * TAO // 100
    assert thin.call("exchange", "freeBalance", ALICE) == free - 10 * TAO - fee + closed["paid"]
    vault = thin.vault()
    assert (vault["reserves"], vault["claims"]) == (0, closed["claimed"])
    assert vault["claimsFunded"] == 0


def test_claim__before_the_vault_has_anything__pays_nothing(thin: World) -> None:
    win(thin, ALICE)
    receipt = thin.send(ALICE, "exchange", "claim")
    assert receipt.events == ()
    assert thin.returned("exchange", "claim", receipt) == 0


def test_claims__when_the_vault_receives__are_served_first_and_in_order(thin: World) -> None:
    first, second = (closed["claimed"] for closed in win(thin, ALICE, BOB))
    assert thin.vault()["claims"] == first + second
    thin.send(ADMIN, "exchange", "fundVault", value=5 * TAO)
    assert thin.vault()["reserves"] == 0
    thin.send(BOB, "exchange", "claim")
    assert thin.call("exchange", "claims", BOB) == second, "the older claim comes first"
    free = thin.call("exchange", "freeBalance", ALICE)
    (paid,) = thin.send(ALICE, "exchange", "claim").named("ClaimPaid")
    assert thin.call("exchange", "freeBalance", ALICE) == free + paid["amount"]
    assert thin.call("exchange", "claims", ALICE) == first - paid["amount"] > 0
    thin.send(ADMIN, "exchange", "fundVault", value=unfunded(thin) // GWEI * GWEI + TAO)
    assert 0 < thin.vault()["reserves"] <= TAO
    for trader in (BOB, ALICE):
        thin.send(trader, "exchange", "claim")
        assert thin.call("exchange", "claims", trader) == 0
    assert thin.vault()["claims"] == 0


def test_claims__are_funded_by_losers_too(thin: World) -> None:
    thin.open(BOB, 51, margin=TAO)
    thin.open(CAROL, 51, is_long=False, margin=TAO)
    win(thin, ALICE)
    before = unfunded(thin)
    thin.price(51, FIRST_PRICE * 84 // 100)
    thin.liquidate(position_id(BOB, 51))
    liquidated = before - unfunded(thin)
    assert 0 < liquidated < TAO
    thin.price(51, FIRST_PRICE * 102 // 100)
    (closed,) = thin.close(CAROL, 51).named("PositionClosed")
    lost = TAO - closed["paid"]
    assert before - unfunded(thin) == liquidated + lost
    assert thin.vault()["reserves"] == 0


def test_claims__are_funded_by_the_insurance_s_cover_of_bad_debt_too(thin: World) -> None:
    thin.open(BOB, 51, margin=TAO)
    win(thin, ALICE)
    before = unfunded(thin)
    thin.price(51, FIRST_PRICE // 2)
    (found,) = thin.liquidate(position_id(BOB, 51)).named("PositionLiquidated")
    assert 0 < found["badDebt"] < TAO, "within the insurance"
    assert before - unfunded(thin) == TAO + found["badDebt"]
    assert thin.vault()["reserves"] == 0


def test_claim__of_many_bookings__works_through_fifty_at_a_time(thin: World) -> None:
    thin.price(64, FIRST_PRICE)
    thin.open(ALICE, 64, margin=100 * TAO)
    thin.price(64, 2 * FIRST_PRICE)
    tickets = 53
    for _ in range(tickets):
        thin.push((64, 2 * FIRST_PRICE))
        thin.close(ALICE, 64, 5 * TAO)
    owed = thin.call("exchange", "claims", ALICE)
    thin.send(ADMIN, "exchange", "fundVault", value=400 * TAO)
    (first,) = thin.send(ALICE, "exchange", "claim").named("ClaimPaid")
    assert 0 < first["amount"] < owed
    (second,) = thin.send(ALICE, "exchange", "claim").named("ClaimPaid")
    assert first["amount"] + second["amount"] == owed
    assert thin.call("exchange", "claims", ALICE) == 0


def test_opening__at_the_breaker__pauses_and_closing_goes_on(thin: World) -> None:
    thin.open(ALICE, 64, margin=3 * TAO, leverage=2 * TAO)
    thin.send(ADMIN, "exchange", "setLimits", Limits(breaker=8_000, bad_debt_pause=10_000))
    thin.send(ADMIN, "exchange", "setMarketParameters", 64, Parameters())
    assert thin.vault()["openingPause"] == NO_PAUSE
    utilisation = thin.vault()["utilisationBps"]
    limits = Limits(utilisation_max=utilisation, breaker=utilisation, bad_debt_pause=10_000)
    thin.send(ADMIN, "exchange", "setLimits", limits)
    assert (thin.vault()["openingPaused"], thin.vault()["openingPause"]) == (True, BREAKER)
    with pytest.raises(RevertedError, match=rf"OpeningIsPaused\({BREAKER}\)"):
        thin.open(BOB, 64, is_long=False)
    thin.close(ALICE, 64)
    assert thin.vault()["openingPause"] == NO_PAUSE


def test_opening__from_an_empty_vault__is_paused(thin: World) -> None:
    win(thin, ALICE)
    assert (thin.vault()["reserves"], thin.vault()["exposure"]) == (0, 0)
    with pytest.raises(RevertedError, match=rf"OpeningIsPaused\({BREAKER}\)"):
        thin.open(BOB, 64)


def test_opening__after_too_much_bad_debt__pauses(thin: World) -> None:
    thin.open(ALICE, 64, margin=3 * TAO)
    thin.price(64, FIRST_PRICE // 2)
    thin.liquidate(position_id(ALICE, 64))
    vault = thin.vault()
    passed = vault["badDebt"] * 10_000 // vault["reserves"]
    limits = Limits(bad_debt_pause=passed + 1)
    thin.send(ADMIN, "exchange", "setLimits", limits)
    assert thin.vault()["openingPause"] == NO_PAUSE
    thin.send(ADMIN, "exchange", "setLimits", limits._replace(bad_debt_pause=passed - 1))
    assert thin.vault()["openingPause"] == BAD_DEBT
    with pytest.raises(RevertedError, match=rf"OpeningIsPaused\({BAD_DEBT}\)"):
        thin.open(BOB, 64)


def test_opening__paused_by_the_guardian__stops_alone(world: World) -> None:
    world.open(ALICE, 64)
    paused = world.send(GUARDIAN, "exchange", "pauseOpening")
    assert [event.name for event in paused.events] == ["OpeningPaused"]
    with pytest.raises(RevertedError, match=rf"OpeningIsPaused\({BY_GUARDIAN}\)"):
        world.open(BOB, 64)
    world.close(ALICE, 64)
    world.deposit(ALICE, TAO)
    world.send(ALICE, "exchange", "withdraw", TAO)
    world.send(ADMIN, "exchange", "unpauseOpening")
    world.open(BOB, 64)


def test_opening__that_exposes_the_vault_too_much__is_refused_and_the_reverse_is_not(
    world: World,
) -> None:
    half = world.vault()["reserves"] // 2
    world.deposit(ALICE, half)
    world.deposit(BOB, half)
    with pytest.raises(RevertedError, match="ExposureExceeded"):
        world.open(ALICE, 64, margin=half + half // 100, leverage=TAO)
    world.open(ALICE, 64, margin=half, leverage=TAO)
    world.send(ADMIN, "exchange", "setMarketParameters", 64, Parameters(exposure_max=100))
    with pytest.raises(RevertedError, match="ExposureExceeded"):
        world.open(CAROL, 64)
    world.open(BOB, 64, is_long=False, margin=half // 2, leverage=TAO)
    assert world.vault()["exposure"] == half - half // 2


def test_opening__that_uses_the_vault_too_much__is_refused(world: World) -> None:
    reserves = world.vault()["reserves"]
    for trader, netuid in ((ALICE, 64), (BOB, 51)):
        world.deposit(trader, reserves // 2)
        world.price(netuid, FIRST_PRICE)
        world.open(trader, netuid, margin=reserves * 2 // 5, leverage=TAO)
    with pytest.raises(RevertedError, match="UtilisationExceeded"):
        world.open(DAVE, 62, margin=20 * TAO, leverage=TAO)
    world.open(DAVE, 62, margin=3 * TAO, leverage=TAO)


def test_reserves__withdrawn__leave_the_withdrawal_reserve(world: World) -> None:
    reserves = world.vault()["reserves"]
    with pytest.raises(RevertedError, match="WithdrawalReserve"):
        world.send(ADMIN, "exchange", "withdrawVault", reserves * 4 // 10 + GWEI)
    before = world.balance(ADMIN)
    world.send(ADMIN, "exchange", "withdrawVault", reserves * 4 // 10)
    assert world.balance(ADMIN) - before == reserves * 4 // 10
    assert world.vault()["reserves"] == reserves - reserves * 4 // 10


def test_reserves__needed_for_what_is_open__stay(world: World) -> None:
    reserves = world.vault()["reserves"]
    world.deposit(ALICE, reserves // 2)
    world.price(64, FIRST_PRICE)
    world.open(ALICE, 64, margin=reserves // 2, leverage=TAO)
    with pytest.raises(RevertedError, match="UtilisationExceeded"):
        world.send(ADMIN, "exchange", "withdrawVault", reserves * 4 // 10)
    world.send(ADMIN, "exchange", "withdrawVault", reserves * 3 // 10)


def test_reserves__while_a_market_s_value_is_unknown__stay(world: World) -> None:
    world.open(ALICE, 64)
    world.send(REPORTER, "feed", "suspend", [64, 51], 3)
    with pytest.raises(RevertedError, match="MarketIsSuspended"):
        world.send(ADMIN, "exchange", "withdrawVault", TAO)
    world.price(64, FIRST_PRICE)
    world.send(ADMIN, "exchange", "withdrawVault", TAO)  # nothing is open in the other one


@pytest.mark.parametrize("function", ["fundVault", "fundInsurance"])
def test_fund__with_less_than_whole_gwei__is_refused(world: World, function: str) -> None:
    with pytest.raises(RevertedError, match="NotMultipleOfGwei"):
        world.send(ADMIN, "exchange", function, value=GWEI + 1)


@pytest.mark.parametrize(
    "wrong",
    [
        Limits(slippage_low=16),
        Limits(slippage_medium=26),
        Limits(slippage_high=2_001),
        Limits(utilisation_medium=7_001),
        Limits(utilisation_max=9_001),
        Limits(withdrawal_reserve=10_001),
        Limits(breaker=10**9 + 1),
        Limits(utilisation_high=10**9 + 1),
        Limits(bad_debt_pause=10**9 + 1),
    ],
)
def test_limits__out_of_order__are_refused(world: World, wrong: Limits) -> None:
    with pytest.raises(RevertedError, match="InvalidParameters"):
        world.send(ADMIN, "exchange", "setLimits", wrong)
