import pytest

from tests.contracts.deployment import FIRST_PRICE, NETUIDS
from tests.contracts.world import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    STRANGER,
    TAO,
    Limits,
    Parameters,
    RevertedError,
    World,
    market,
    position_id,
)

pytestmark = pytest.mark.anvil

HEALTHY, CLOSED, STALE = 1, 2, 3


def listed_ids(world: World, offset: int, limit: int) -> list[bytes]:
    ids, _ = world.call("exchange", "positionIds", offset, limit)
    return list(ids)


def test_position_ids__by_page__are_all_that_are_open(world: World) -> None:
    held = [(trader, netuid) for netuid in (64, 51) for trader in (ALICE, BOB, CAROL)]
    for trader, netuid in held:
        world.open(trader, netuid)
    ids = [position_id(*key) for key in held]
    assert world.call("exchange", "positionIds", 0, 100) == (ids, 6)
    pages = [listed_ids(world, offset, 4) for offset in (0, 4, 8)]
    assert pages == [ids[:4], ids[4:], []]
    assert listed_ids(world, 2**256 - 1, 2**256 - 1) == []
    world.close(BOB, 64)
    assert set(listed_ids(world, 0, 100)) == set(ids) - {position_id(BOB, 64)}
    for trader, netuid in held:
        if (trader, netuid) != (BOB, 64):
            world.close(trader, netuid)
    assert world.call("exchange", "positionIds", 0, 100) == ([], 0)


def test_position__of_no_such_id__has_size_zero(world: World) -> None:
    (found,) = world.call("exchange", "positionsById", [bytes(16)])
    assert (found["size"], found["sequence"]) == (0, 0)


def test_position__closed__keeps_its_sequence_and_nothing_else(world: World) -> None:
    world.open(ALICE, 64)
    world.close(ALICE, 64)
    found = world.position(ALICE, 64)
    assert found["sequence"] == 1
    assert (found["size"], found["margin"], found["entryPrice"], found["entryIndex"]) == (0,) * 4
    closed = world.margin(ALICE, 64)
    assert (closed["wouldBe"], closed["remaining"], closed["size"]) == (CLOSED, 0, 0)
    assert not closed["liquidatable"]


def test_position_id__of_trader_and_market__is_what_the_contract_says(world: World) -> None:
    found = world.call("exchange", "positionIdOf", ALICE, market(64))
    assert found == position_id(ALICE, 64)


def test_market__not_listed__says_so(world: World) -> None:
    found = world.market(7)
    assert not found["listed"]
    assert found["price"] == found["longOpenInterest"] == found["lastAccrual"] == 0


def test_market__listed__shows_the_feed_s_row_and_its_parameters(world: World) -> None:
    pushed = world.price(62, 5 * FIRST_PRICE)
    found = world.market(62)
    assert found["market"] == market(62)
    assert found["price"] == 5 * FIRST_PRICE
    assert (found["sourceBlock"], found["sourceTime"]) == (pushed.block - 1, pushed.time - 12)
    assert (found["suspendedAt"], found["suspension"]) == (0, 0)
    assert tuple(found["parameters"].values()) == Parameters()
    assert world.call("exchange", "listedMarkets") == [market(netuid) for netuid in NETUIDS]


def test_market__suspended__says_since_when_and_why(world: World) -> None:
    receipt = world.send(ADMIN, "feed", "grantRole", world.call("feed", "GUARDIAN_ROLE"), ADMIN)
    receipt = world.send(ADMIN, "feed", "suspend", [64], 0)
    found = world.market(64)
    assert (found["suspendedAt"], found["suspension"]) == (receipt.block, 1)


def test_margin__where_no_price_was_ever_pushed__is_stale_not_healthy(world: World) -> None:
    world.open(ALICE, 64)
    world.elapse(100_000)
    world.mine()
    assert world.margin(ALICE, 64)["wouldBe"] == STALE
    world.price(64, FIRST_PRICE)
    assert world.margin(ALICE, 64)["wouldBe"] == HEALTHY


def test_limits__set__are_shown(world: World) -> None:
    limits = Limits(slippage_low=7, deposit_cap_account=5 * TAO)
    world.send(ADMIN, "exchange", "setLimits", limits)
    assert tuple(world.call("exchange", "limits").values()) == limits


def test_warning_tiers__of_a_market__are_those_the_admin_set(world: World) -> None:
    assert world.call("exchange", "warningTiers", market(64)) == []
    receipt = world.send(ADMIN, "exchange", "setWarningTiers", 64, [3_500, 2_500, 2_000])
    assert receipt.named("ParametersChanged") == [{"market": market(64)}]
    assert world.call("exchange", "warningTiers", market(64)) == [3_500, 2_500, 2_000]
    for wrong in ([2_500, 2_500], [2_000, 3_000], list(range(9, 0, -1))):
        with pytest.raises(RevertedError, match="InvalidParameters"):
            world.send(ADMIN, "exchange", "setWarningTiers", 64, wrong)
    with pytest.raises(RevertedError, match="MarketNotListed"):
        world.send(ADMIN, "exchange", "setWarningTiers", 7, [3_500])


def test_markets__beyond_their_maximum__are_refused(world: World) -> None:
    room = world.call("exchange", "MARKETS_MAX") - len(NETUIDS)
    for netuid in range(200, 200 + room):
        world.send(ADMIN, "exchange", "listMarket", netuid, Parameters())
    with pytest.raises(RevertedError, match="TooManyMarkets"):
        world.send(ADMIN, "exchange", "listMarket", 300, Parameters())


def test_vault__of_nobody_s_doing__is_what_was_funded(world: World) -> None:
    vault = world.vault()
    assert (vault["reserves"], vault["insurance"]) == (10_000 * TAO, 10 * TAO)
    assert vault["freeBalances"] == 4_000 * TAO
    assert (vault["utilisationBps"], vault["openingPaused"]) == (0, False)
    assert world.call("exchange", "freeBalance", STRANGER) == 0


def test_precompile__stand_in__answers_as_the_chain_does(world: World) -> None:
    world.set_chain_price(64, 123_456_789_012_345_678)
    world.addresses["alpha"] = "0x0000000000000000000000000000000000000808"
    world.abis["alpha"] = type(world.abis["feed"])("AlphaPrecompile")
    assert world.call("alpha", "getAlphaPrice", 64) == 123_456_789_000_000_000
    assert world.call("alpha", "getSubnetMechanism", 64) == 1
    assert world.call("alpha", "getAlphaPrice", 999) == TAO
    assert world.call("alpha", "getSubnetMechanism", 999) == 0
    selectors = [world.abis["alpha"].selector(name).hex() for name in ("getAlphaPrice",)]
    assert selectors == ["69e38bc3"]
