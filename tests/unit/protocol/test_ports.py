"""The oracle's and the keepers' ports: answers in their own words, and what became of it."""

from collections.abc import Iterable

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.transactions.request import (
    Expired,
    Final,
    Included,
    Lane,
    Outcome,
    Refused,
    Reverted,
    Settled,
    Submission,
    Superseded,
    TransactionRequest,
)
from keepers import submission
from keepers.funding import keeper as funding
from keepers.liquidation import keeper as liquidation
from keepers.liquidation.outcomes import (
    Liquidated,
    LiquidationResult,
    NotAttempted,
    Skipped,
    SkipReason,
)
from keepers.liquidation.positions import PositionLiquidated
from keepers.liquidation.selection import LiquidationBatch
from oracle import ports as oracle
from oracle.feed import SuspensionReason
from oracle.ports import FeedState
from oracle.quotes import Unavailable
from protocol.events import RawLog
from protocol.ports import Accruals, Liquidations, PriceFeed
from protocol.reading import ExchangeReader
from protocol.sending import DryRun
from tests.unit.protocol.abi_values import Values, raw_log
from tests.unit.protocol.chain import DEPLOYMENT, TRADER, FakeChain, market_of
from tests.unit.protocol.sender import FakeSender, tx_hash
from tests.unit.protocol.work import (
    HEAD,
    JUDGED,
    POLICY,
    batch,
    ids,
    publication,
    update,
    writer_to,
)
from units import BlockNumber, Netuid, TxHash, Wei

DRY = "no key is configured: dry run"


def reader_of(chain: FakeChain) -> ExchangeReader:
    return ExchangeReader(chain=chain, deployment=DEPLOYMENT, markets=[Netuid(8)])


def feed_on(sender: FakeSender | DryRun) -> PriceFeed:
    return PriceFeed(reader=reader_of(FakeChain()), writer=writer_to(sender))


def accruals_on(sender: FakeSender | DryRun, chain: FakeChain) -> Accruals:
    return Accruals(reader=reader_of(chain), writer=writer_to(sender))


def liquidations_on(sender: FakeSender | DryRun) -> Liquidations:
    return Liquidations(writer=writer_to(sender))


def test_ports__as_their_consumers_declare_them__fit() -> None:
    feed: oracle.Feed = feed_on(DryRun())
    accruals: funding.Accruals = accruals_on(DryRun(), FakeChain())
    liquidations: liquidation.Liquidations = liquidations_on(DryRun())
    assert len({id(port) for port in (feed, accruals, liquidations)}) == 3


# The feed


async def test_feed__rows__are_the_reader_s() -> None:
    state = await feed_on(DryRun()).rows([Netuid(8)])
    assert isinstance(state, FeedState)
    assert list(state.rows) == [8]


async def test_feed__submit__is_sent_also_when_it_was_already() -> None:
    feed = feed_on(FakeSender())
    assert await feed.submit(publication()) == oracle.Sent(tx_hash=tx_hash(0))
    assert await feed.submit(publication()) == oracle.Sent(tx_hash=tx_hash(0))
    assert await feed.submit(publication(update(64))) == oracle.Sent(tx_hash=tx_hash(1))


async def test_feed__suspend__is_sent_also_when_it_was_already() -> None:
    feed = feed_on(FakeSender())
    for _ in range(2):
        answer = await feed.suspend([Netuid(8)], SuspensionReason.JUMP, HEAD)
        assert answer == oracle.Sent(tx_hash=tx_hash(0))


async def test_feed__refused__is_not_sent_and_says_why() -> None:
    feed = feed_on(DryRun())
    assert await feed.submit(publication()) == oracle.NotSent(reason=DRY)
    answer = await feed.suspend([Netuid(8)], SuspensionReason.JUMP, HEAD)
    assert answer == oracle.NotSent(reason=DRY)


class Late:
    """A sender whose simulation finds that another feeder came first."""

    async def submit(self, request: TransactionRequest) -> Submission:
        return Refused(reason="every one of its 1 entries would be skipped", is_moot=True)

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        return frozenset()

    async def gas_price(self) -> Wei:
        raise NodeUnavailable("the node is away")


async def test_feed__another_came_first__is_not_sent_and_leaves_nothing_undone() -> None:
    feed = PriceFeed(reader=reader_of(FakeChain()), writer=writer_to(Late()))
    answer = await feed.submit(publication())
    assert isinstance(answer, oracle.NotSent)
    assert answer.is_moot


# Accruals


async def test_accruals__submit__is_sent_and_ends_some_blocks_after_the_head() -> None:
    chain, sender = FakeChain(), FakeSender()
    answer = await accruals_on(sender, chain).submit((Netuid(8),), "funding:8@1")
    assert answer == submission.Sent(tx_hash=tx_hash(0))
    assert sender.requests[0].valid_until == chain.newest.number + 10


async def test_accruals__head_is_unreadable__is_not_sent_and_says_why() -> None:
    chain, sender = FakeChain(), FakeSender()
    chain.fail_request(0, NodeUnavailable("nobody answered"))
    answer = await accruals_on(sender, chain).submit((Netuid(8),), "funding:8@1")
    assert answer == submission.NotSent(reason="head: nobody answered")
    assert sender.requests == []


async def test_accruals__refused__is_not_sent_and_says_why() -> None:
    answer = await accruals_on(DryRun(), FakeChain()).submit((Netuid(8),), "funding:8@1")
    assert answer == submission.NotSent(reason=DRY)


# Liquidations and what became of them


def liquidated(number: int, *, sequence: int = 1) -> RawLog:
    values: Values = {
        "id": ids(number)[-1],
        "trader": TRADER,
        "market": market_of(8),
        "sequence": sequence,
        "price": 9 * 10**16,
        "index": -3,
        "remaining": -40,
        "penalty": 0,
        "keeperShare": 0,
        "badDebt": 40,
        "beneficiary": TRADER,
    }
    return raw_log("Exchange", "PositionLiquidated", values)


def skipped(number: int, outcome: int) -> RawLog:
    values = {"id": ids(number)[-1], "outcome": outcome}
    return raw_log("Exchange", "LiquidationSkipped", values)


def mined(*logs: RawLog) -> Final:
    return Final(block=BlockNumber(101), gas_used=1, fee=Wei(1), logs=tuple(map(dict, logs)))


async def results(
    outcome: Outcome, *, of: LiquidationBatch | None = None
) -> tuple[LiquidationResult, ...]:
    sender = FakeSender()
    liquidations = liquidations_on(sender)
    answer = await liquidations.submit(of or batch(3), JUDGED)
    assert answer == submission.Sent(tx_hash=tx_hash(0))
    return liquidations.results(settled(sender.requests[0], outcome))


def settled(request: TransactionRequest, outcome: Outcome) -> Settled:
    return Settled(request=request, tx_hash=TxHash("0x" + "00" * 32), outcome=outcome)


async def test_results__mined__says_of_each_position_what_became_of_it() -> None:
    noise = raw_log("Exchange", "BadDebtBooked", {"id": bytes(16), "amount": 1, "covered": 1})
    found = await results(mined(liquidated(1), noise, skipped(2, 1)))
    assert [result.key for result in found] == list(batch(3).keys)
    first, second, third = (result.outcome for result in found)
    assert isinstance(first, Liquidated)
    assert isinstance(first.event, PositionLiquidated)
    assert (first.event.remaining, first.event.bad_debt, first.event.index) == (-40, 40, -3)
    assert second == Skipped(reason=SkipReason.HEALTHY)
    assert third == NotAttempted(detail="the receipt does not mention it")


async def test_results__mined_under_another_sequence__was_closed_before() -> None:
    (found,) = await results(mined(liquidated(1, sequence=2)), of=batch(1))
    assert found.outcome == Skipped(reason=SkipReason.CLOSED)


async def test_results__the_router_s_call_failed__nobody_was_touched() -> None:
    log = raw_log("KeeperRouter", "LiquidationCallFailed", {"reason": b""})
    found = await results(mined(log))
    detail = "the call into the exchange failed: reverted without a reason"
    assert {result.outcome for result in found} == {NotAttempted(detail=detail)}


@pytest.mark.parametrize(
    ("outcome", "detail"),
    [
        (
            Reverted(block=BlockNumber(101), gas_used=1, fee=Wei(1), reason="out of gas"),
            "reverted: out of gas",
        ),
        (Expired(), "expired: its last block passed"),
        (Superseded(), "its nonce was taken by another transaction"),
    ],
    ids=["reverted", "expired", "superseded"],
)
async def test_results__lost__nobody_was_touched_and_why(outcome: Outcome, detail: str) -> None:
    found = await results(outcome)
    assert [result.key for result in found] == list(batch(3).keys)
    assert {result.outcome for result in found} == {NotAttempted(detail=detail)}


async def test_results__in_a_block__known_at_once_and_not_again_when_final() -> None:
    sender = FakeSender()
    liquidations = liquidations_on(sender)
    await liquidations.submit(batch(1), JUDGED)
    in_block = Included(
        request=sender.requests[0],
        tx_hash=tx_hash(0),
        block=BlockNumber(101),
        succeeded=True,
        logs=(dict(liquidated(1)),),
    )
    (result,) = liquidations.results(in_block)
    assert isinstance(result.outcome, Liquidated)
    assert liquidations.results(settled(sender.requests[0], mined(liquidated(1)))) == ()


async def test_results__reverted_in_a_block__nobody_was_touched() -> None:
    sender = FakeSender()
    liquidations = liquidations_on(sender)
    await liquidations.submit(batch(1), JUDGED)
    in_block = Included(
        request=sender.requests[0],
        tx_hash=tx_hash(0),
        block=BlockNumber(101),
        succeeded=False,
        logs=(),
    )
    (result,) = liquidations.results(in_block)
    assert result.outcome == NotAttempted(detail="reverted in block 101")


async def test_results__two_batches__each_has_its_own() -> None:
    sender = FakeSender()
    liquidations = liquidations_on(sender)
    await liquidations.submit(batch(1), JUDGED)
    await liquidations.submit(batch(2), JUDGED)
    first, second = (settled(request, Expired()) for request in sender.requests)
    assert [result.key for result in liquidations.results(second)] == list(batch(2).keys)
    assert [result.key for result in liquidations.results(first)] == list(batch(1).keys)


async def test_results__told_twice__are_reported_once() -> None:
    sender = FakeSender()
    liquidations = liquidations_on(sender)
    await liquidations.submit(batch(1), JUDGED)
    once = settled(sender.requests[0], Expired())
    assert len(liquidations.results(once)) == 1
    assert liquidations.results(once) == ()


async def test_results__already_in_flight__are_still_known() -> None:
    sender = FakeSender()
    liquidations = liquidations_on(sender)
    for _ in range(2):
        assert isinstance(await liquidations.submit(batch(1), JUDGED), submission.Sent)
    assert len(liquidations.results(settled(sender.requests[0], Expired()))) == 1


async def test_results__of_work_that_was_not_sent_from_here__are_none() -> None:
    sender = FakeSender()
    await writer_to(sender).liquidate(batch(1), JUDGED)
    await feed_on(sender).submit(publication(liquidations=2))
    liquidations = liquidations_on(sender)
    for request in sender.requests:
        assert liquidations.results(settled(request, mined(liquidated(1)))) == ()
    assert [request.lane for request in sender.requests] == [Lane.LIQUIDATION, Lane.PRICE]


async def test_liquidations__refused__is_not_sent_and_has_no_results() -> None:
    liquidations = liquidations_on(DryRun())
    assert await liquidations.submit(batch(1), JUDGED) == submission.NotSent(reason=DRY)
    sender = FakeSender()
    await writer_to(sender).liquidate(batch(1), JUDGED)
    assert liquidations.results(settled(sender.requests[0], Expired())) == ()


async def test_feed__what_a_push_costs__is_its_gas_at_the_fee_of_now() -> None:
    cost = await feed_on(FakeSender()).push_cost()
    assert cost == 20 * 10**9 * POLICY.gas.need(ids=0, updates=1)


async def test_feed__the_fee_cannot_be_had__is_said_and_not_free() -> None:
    assert await feed_on(DryRun()).push_cost() == Unavailable(detail=DRY)
    away = PriceFeed(reader=reader_of(FakeChain()), writer=writer_to(Late()))
    assert await away.push_cost() == Unavailable(detail="fee: the node is away")
