"""The exchange in process stays with the reference of the contract tests, to the wei.

That reference stays with the contracts themselves (tests/contracts/test_invariants.py), and shares
no arithmetic with what is tested here.
"""

from collections import Counter
from dataclasses import replace

import pytest

from keepers.liquidation.outcomes import SkipReason
from oracle.feed import SuspensionReason, Update
from replay.exchange import Moment
from replay.exchange.feed import PushOutcome, push, resume, suspend
from replay.exchange.trading import position_id
from tests.unit.replay.walk import NETUIDS, TRADERS, Walk
from units import BlockNumber, Netuid, PriceWei, Timestamp

MUST_REACH = {
    "liquidated",
    *SkipReason,
    "bad debt",
    "uncovered",
    "claimed",
    "claim paid",
    "changed",
    "BelowNotionalMin",
    "ExposureExceeded",
    "InsufficientBalance",
    "LeverageOutOfRange",
    "MarketIsSuspended",
    "NotMultipleOfGwei",
    "OpeningIsPaused",
    "PositionExists",
    "SameBlock",
    "SizeTooLarge",
    "SlippageExceeded",
    "StalePrice",
    "UtilisationExceeded",
} - {SkipReason.GAS}


def check(walk: Walk) -> None:
    ours, theirs = walk.exchange, walk.reference
    vault = ours.vault
    assert (vault.reserves, vault.insurance) == (theirs.reserves, theirs.insurance)
    assert (vault.bad_debt, vault.bad_debt_uncovered) == (theirs.bad_debt, theirs.uncovered)
    assert vault.funding == theirs.funding_ledger
    assert ours.keeper_rewards == sum(theirs.rewards.values())
    assert ours.exposure == theirs.exposure()
    assert ours.tao == theirs.tao()
    assert vault.claims_booked - vault.claims_paid == sum(map(theirs.owed, TRADERS))
    for name, trader in TRADERS.items():
        assert ours.accounts[trader].free == theirs.free[name]
        for netuid in NETUIDS:
            _same_position(walk, name, netuid)
    for netuid, market in ours.markets.items():
        expected = theirs.markets[netuid]
        assert (market.index, market.last_accrual) == (expected.index, expected.last)
        assert (market.long_open_interest, market.short_open_interest) == (
            expected.long,
            expected.short,
        )


def _same_position(walk: Walk, name: str, netuid: Netuid) -> None:
    ours = walk.exchange.positions.get(position_id(TRADERS[name], netuid))
    theirs = walk.reference.positions.get((name, netuid))
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert (ours.margin, ours.size) == (theirs.margin, theirs.size)
        assert (ours.entry_price, ours.entry_index) == (theirs.entry, theirs.index)


def test_exchange__random_walks__stay_with_the_reference_to_the_wei() -> None:
    reached = Counter[str]()
    for seed in range(8):
        walk = Walk(seed)
        for number in range(300):
            try:
                walk.step()
                check(walk)
            except AssertionError as error:
                error.add_note(f"seed {seed}, step {number}")
                raise
        walk.reached["uncovered"] += walk.exchange.vault.bad_debt_uncovered > 0
        walk.reached["claimed"] += walk.exchange.vault.claims_booked > 0
        reached += walk.reached
    assert {*MUST_REACH} <= {*reached}


@pytest.mark.parametrize(
    ("block", "ahead_s", "price", "outcome"),
    [
        (900, 0, 0, PushOutcome.NOT_NEWER),
        (1_001, 0, 1, PushOutcome.FUTURE_BLOCK),
        (974, 0, 1, PushOutcome.TOO_OLD),
        (975, 1, 1, PushOutcome.FUTURE_TIME),
        (975, 0, 0, PushOutcome.ZERO_PRICE),
        (975, 0, 1, PushOutcome.ACCEPTED),
    ],
)
def test_feed__an_update__is_judged_as_the_contract_judges_it(
    block: int, ahead_s: int, price: int, outcome: PushOutcome
) -> None:
    walk = Walk(0)
    earlier = Moment(number=BlockNumber(900), time=Timestamp(walk.at.time - 1_200))
    first = Update(
        netuid=NETUIDS[0],
        price=PriceWei(5),
        source_block=earlier.number,
        source_time=earlier.time,
    )
    assert push(walk.exchange, [first], earlier) == (PushOutcome.ACCEPTED,)
    update = replace(
        first,
        price=PriceWei(price),
        source_block=BlockNumber(block),
        source_time=Timestamp(walk.at.time + ahead_s),
    )

    assert push(walk.exchange, [update], walk.at) == (outcome,)


def test_feed__a_suspension__ends_by_a_price_of_its_block_or_later_and_by_no_older_one() -> None:
    walk = Walk(0)
    (netuid, _), exchange, at = NETUIDS, walk.exchange, walk.at
    suspend(exchange, [netuid], SuspensionReason.JUMP, at)
    suspend(exchange, [netuid], SuspensionReason.STALL, at)
    older = Update(
        netuid=netuid,
        price=PriceWei(1),
        source_block=BlockNumber(at.number - 1),
        source_time=at.time,
    )

    assert push(exchange, [older], at) == (PushOutcome.SUSPENDED,)
    assert exchange.markets[netuid].feed.suspension == SuspensionReason.STALL
    assert push(exchange, [replace(older, source_block=at.number)], at) == (PushOutcome.ACCEPTED,)
    assert exchange.markets[netuid].feed.suspension == 0


def test_feed__a_locked_suspension__stays() -> None:
    walk = Walk(0)
    (netuid, _), exchange, at = NETUIDS, walk.exchange, walk.at
    suspend(exchange, [netuid], SuspensionReason.IDENTITY, at)
    suspend(exchange, [netuid], SuspensionReason.JUMP, at)
    resume(exchange, [netuid])
    update = Update(netuid=netuid, price=PriceWei(1), source_block=at.number, source_time=at.time)

    assert push(exchange, [update], at) == (PushOutcome.SUSPENDED,)
    assert exchange.markets[netuid].feed.suspension == SuspensionReason.IDENTITY
