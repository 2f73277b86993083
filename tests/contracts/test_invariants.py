"""Whatever is done in whatever order, the exchange is where the reference is, to the wei."""

import pytest

from tests.contracts.deployment import deploy
from tests.contracts.drill import INSURANCE, NETUIDS, RESERVES, TRADERS, Drill, prepare
from tests.contracts.node import Node
from tests.contracts.world import KEEPER, market, position_id

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

SEEDS = range(12)
STEPS = 250
MUST_REACH = {
    *(f"outcome {outcome}" for outcome in range(5)),
    "BadDebtBooked",
    "ClaimBooked",
    "ClaimPaid",
    "PositionChanged",
    "PositionClosed",
    "claims before reserves",
    "uncovered bad debt",
    "funding paid and received",
    "deposit: NotMultipleOfGwei",
    "withdraw: InsufficientBalance",
    "withdrawVault: MarketIsSuspended",
    "withdrawVault: WithdrawalReserve",
    "closePosition: BelowNotionalMin",
    "closePosition: MarketIsSuspended",
    "closePosition: SizeTooLarge",
    "closePosition: StalePrice",
    *(
        f"openMarketPosition: {error}"
        for error in (
            "ExposureExceeded",
            "LeverageOutOfRange",
            "OpeningIsPaused",
            "PositionExists",
            "SlippageExceeded",
            "UtilisationExceeded",
        )
    ),
}


def test_exchange__random_walks__stay_with_the_reference_to_the_wei(node: Node) -> None:
    outer = node.snapshot()
    world = deploy(node, markets=2, reserves=RESERVES, insurance=INSURANCE)
    prepare(world)
    reached: set[str] = set()
    for seed in SEEDS:
        inner = node.snapshot()
        drill = Drill(type(world)(**vars(world)), seed)
        for number in range(STEPS):
            try:
                drill.step()
                check(drill)
            except AssertionError as error:
                error.add_note(f"seed {seed}, step {number}")
                raise
        reached |= drill.reached.keys()
        node.revert(inner)
    node.revert(outer)
    assert reached >= MUST_REACH, "a walk that reaches less proves less"


def check(drill: Drill) -> None:
    _check_vault(drill)
    _check_traders(drill)
    _check_open_interest(drill)
    _check_positions(drill)


def _check_vault(drill: Drill) -> None:
    vault, expected = drill.world.vault(), drill.reference
    parts = ("freeBalances", "margins", "claimsFunded", "reserves", "insurance", "keeperRewards")
    total = sum(vault[part] for part in parts)
    assert total == drill.world.balance(drill.world.addresses["exchange"])
    assert total == expected.tao()
    assert vault["reserves"] == expected.reserves
    assert vault["insurance"] == expected.insurance
    assert vault["badDebt"] == expected.bad_debt
    assert vault["badDebtUncovered"] == expected.uncovered
    assert vault["exposure"] == expected.exposure()
    assert vault["claims"] == sum(map(expected.owed, TRADERS))
    assert vault["claimsFunded"] == sum(expected.claimable.values())
    assert vault["keeperRewards"] == expected.rewards[KEEPER]
    debits, credits_ = expected.funding_debits, expected.funding_credits
    assert vault["fundingLedger"] == expected.funding_ledger == debits - credits_
    unfunded = vault["claims"] - vault["claimsFunded"]
    assert unfunded == 0 or vault["reserves"] == 0, "claims are served before the reserves"
    drill.reached["claims before reserves"] += unfunded > 0
    drill.reached["uncovered bad debt"] += expected.uncovered > 0
    drill.reached["funding paid and received"] += debits > 0 and credits_ > 0
    drill.reached += type(drill.reached)()  # forgets what was counted zero times


def _check_traders(drill: Drill) -> None:
    for trader in TRADERS:
        free = drill.world.call("exchange", "freeBalance", trader)
        assert free == drill.reference.free[trader]
        assert drill.world.call("exchange", "claims", trader) == drill.reference.owed(trader)


def _check_open_interest(drill: Drill) -> None:
    ids, total = drill.world.call("exchange", "positionIds", 0, 100)
    assert total == len(ids) == len(drill.reference.positions)
    assert set(ids) == {position_id(*key) for key in drill.reference.positions}
    found = drill.world.call("exchange", "positionsById", ids)
    for netuid in NETUIDS:
        seen = drill.world.market(netuid)
        own = [p for p in found if p["market"] == market(netuid).lower()]
        assert seen["longOpenInterest"] == sum(p["size"] for p in own if p["isLong"])
        assert seen["shortOpenInterest"] == sum(p["size"] for p in own if not p["isLong"])
        assert seen["index"] == drill.reference.markets[netuid].index


def _check_positions(drill: Drill) -> None:
    for (trader, netuid), expected in drill.reference.positions.items():
        found = drill.world.position(trader, netuid)
        assert found["margin"] == expected.margin
        assert found["size"] == expected.size
        assert found["entryPrice"] == expected.entry
        assert found["entryIndex"] == expected.index
