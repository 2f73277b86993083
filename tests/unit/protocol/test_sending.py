"""What the writer asks the sender for: which call, how much gas, until when, under which name."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.transactions.request import (
    AlreadyInFlight,
    Lane,
    Refused,
    Submitted,
    TransactionRequest,
)
from keepers.liquidation.gas import REFERENCE_GAS
from oracle.feed import SuspensionReason
from oracle.plan import Publication
from protocol import calls
from protocol.deployment import Deployment
from protocol.sending import DryRun, SendingPolicy
from tests.unit.protocol.abi_values import decoded_call
from tests.unit.protocol.chain import DEPLOYMENT, EXCHANGE, PRICE_FEED, ROUTER
from tests.unit.protocol.sender import FakeSender, tx_hash
from tests.unit.protocol.work import (
    GAS,
    HEAD,
    JUDGED,
    ME,
    POLICY,
    batch,
    ids,
    publication,
    update,
    writer_to,
)
from units import Netuid


async def only(*, deployment: Deployment = DEPLOYMENT, of: Publication) -> TransactionRequest:
    sender = FakeSender()
    answer = await writer_to(sender, deployment=deployment).publish(of)
    assert answer == Submitted(tx_hash=tx_hash(0), nonce=0)
    (request,) = sender.requests
    return request


# Publishing


async def test_publish__nobody_falls__is_a_plain_push() -> None:
    updates = (update(8), update(64, block=99))
    request = await only(of=publication(*updates))
    assert request.to == PRICE_FEED
    assert request.data == calls.push(updates)
    assert request.gas_limit == GAS.limit(ids=0, updates=2)
    assert request.lane is Lane.PRICE
    assert request.valid_until == 99 + 25
    assert request.value == 0
    assert request.purpose == "push 2 prices of block 99"


async def test_publish__some_fall__goes_through_the_router_in_one_transaction() -> None:
    request = await only(of=publication(liquidations=3))
    assert request.to == ROUTER
    assert request.data == calls.push_and_liquidate([update()], ids(3))
    assert request.gas_limit == GAS.limit(ids=3, updates=1)
    assert request.lane is Lane.PRICE
    assert request.valid_until == 98 + 25
    assert request.purpose == "push 1 prices of block 98 and liquidate 3 positions"


async def test_publish__more_fall_than_fit__each_transaction_carries_the_same_updates() -> None:
    sender = FakeSender()
    answer = await writer_to(sender).publish(publication(update(8), update(64), liquidations=8))
    assert answer == Submitted(tx_hash=tx_hash(0), nonce=0)
    sent = [decoded_call(request.data) for request in sender.requests]
    assert [name for name, _ in sent] == ["pushAndLiquidate"] * 3
    assert [len(given["ids"]) for _, given in sent] == [3, 3, 2]
    assert sum((tuple(given["ids"]) for _, given in sent), ()) == ids(8)
    assert all(given["updates"] == sent[0][1]["updates"] for _, given in sent)
    assert [u["netuid"] for u in sent[0][1]["updates"]] == [8, 64]
    assert [r.gas_limit for r in sender.requests] == [
        GAS.limit(ids=count, updates=2) for count in (3, 3, 2)
    ]
    assert len({request.idempotency_key for request in sender.requests}) == 3


async def test_publish__gas_ends_before_the_router_s_limit__takes_fewer_ids() -> None:
    room_for_two = GAS.limit(ids=2, updates=1)
    sender = FakeSender()
    policy = replace(POLICY, gas_limit_max=room_for_two)
    await writer_to(sender, policy=policy).publish(publication(liquidations=3))
    assert [r.gas_limit for r in sender.requests] == [
        room_for_two,
        GAS.limit(ids=1, updates=1),
    ]


async def test_publish__no_room_for_a_single_id__the_price_goes_alone() -> None:
    sender = FakeSender()
    policy = replace(POLICY, gas_limit_max=GAS.limit(ids=1, updates=1) - 1)
    await writer_to(sender, policy=policy).publish(publication(liquidations=2))
    (request,) = sender.requests
    assert (request.to, request.data) == (PRICE_FEED, calls.push([update()]))


async def test_publish__no_router__the_price_goes_alone() -> None:
    without = replace(DEPLOYMENT, keeper_router=None)
    request = await only(deployment=without, of=publication(liquidations=8))
    assert (request.to, request.data) == (PRICE_FEED, calls.push([update()]))
    assert request.gas_limit == GAS.limit(ids=0, updates=1)
    assert "liquidate" not in request.purpose


async def test_publish__the_first_is_refused__nothing_follows() -> None:
    sender = FakeSender(room=0)
    answer = await writer_to(sender).publish(publication(liquidations=8))
    assert answer == Refused(reason="too many in flight")
    assert sender.asked == 1


async def test_publish__a_later_one_is_refused__the_price_is_on_its_way() -> None:
    sender = FakeSender(room=2)
    answer = await writer_to(sender).publish(publication(liquidations=8))
    assert answer == Submitted(tx_hash=tx_hash(0), nonce=0)
    assert len(sender.requests) == 2


async def test_publish__the_same_again__is_already_in_flight() -> None:
    sender = FakeSender()
    writer = writer_to(sender)
    await writer.publish(publication(liquidations=8))
    assert await writer.publish(publication(liquidations=8)) == AlreadyInFlight(tx_hash=tx_hash(0))
    assert len(sender.requests) == 3


@settings(max_examples=30)
@given(
    count=st.integers(0, 400),
    updates=st.integers(1, 30),
    ids_max=st.integers(20, 300),
    gas_limit_max=st.integers(2_000_000, 40_000_000),
)
async def test_publish__any_number_falls__every_id_once_in_order_within_the_limits(
    count: int, updates: int, ids_max: int, gas_limit_max: int
) -> None:
    policy = SendingPolicy(gas=REFERENCE_GAS, ids_max=ids_max, gas_limit_max=gas_limit_max)
    sender = FakeSender()
    prices = [update(n) for n in range(updates)]
    await writer_to(sender, policy=policy).publish(publication(*prices, liquidations=count))
    sent = [decoded_call(request.data)[1] for request in sender.requests]
    assert [i for given in sent for i in given.get("ids", [])] == list(ids(count))
    assert all(len(given["updates"]) == updates for given in sent)
    assert all(len(given.get("ids", [])) <= ids_max for given in sent)
    assert all(request.gas_limit <= gas_limit_max for request in sender.requests)
    assert sent


# Positions that a transaction in flight works on


async def test_publish__some_are_in_flight__they_are_left_to_that_one() -> None:
    sender = FakeSender()
    sender.taken = {ids(3)[1].hex()}
    await writer_to(sender).publish(publication(liquidations=3))
    (request,) = sender.requests
    _, given = decoded_call(request.data)
    assert tuple(given["ids"]) == (ids(3)[0], ids(3)[2])
    assert request.subjects == (ids(3)[0].hex(), ids(3)[2].hex())
    assert request.gas_limit == GAS.limit(ids=2, updates=1)


async def test_publish__all_of_a_later_part_are_in_flight__it_is_not_sent() -> None:
    sender = FakeSender()
    sender.taken = {each.hex() for each in ids(8)[3:6]}
    await writer_to(sender).publish(publication(liquidations=8))
    sent = [decoded_call(request.data)[1]["ids"] for request in sender.requests]
    assert [tuple(each) for each in sent] == [ids(8)[:3], ids(8)[6:]]


async def test_publish__one_was_taken_meanwhile__the_price_goes_alone() -> None:
    sender = FakeSender()
    sender.hidden = {ids(1)[0].hex()}
    answer = await writer_to(sender).publish(publication(liquidations=1))
    assert isinstance(answer, Submitted)
    (request,) = sender.requests
    assert (request.to, request.subjects) == (PRICE_FEED, ())


async def test_liquidate__some_are_in_flight__the_others_go() -> None:
    sender = FakeSender()
    sender.taken = {ids(2)[0].hex()}
    await writer_to(sender).liquidate(batch(2), JUDGED)
    (request,) = sender.requests
    assert request.data == calls.liquidate(ids(2)[1:], ME)
    assert request.subjects == (ids(2)[1].hex(),)


async def test_liquidate__all_are_in_flight__nothing_is_sent() -> None:
    sender = FakeSender()
    sender.taken = {each.hex() for each in ids(2)}
    assert isinstance(await writer_to(sender).liquidate(batch(2), JUDGED), Refused)
    assert sender.asked == 0


# The other calls


@pytest.mark.parametrize("reason", [SuspensionReason.JUMP, SuspensionReason.NO_PRICE])
async def test_suspend__some_markets__is_the_feed_s_call(reason: SuspensionReason) -> None:
    sender = FakeSender()
    await writer_to(sender).suspend([Netuid(8), Netuid(64)], reason, HEAD)
    (request,) = sender.requests
    assert (request.to, request.lane) == (PRICE_FEED, Lane.PRICE)
    assert request.data == calls.suspend([Netuid(8), Netuid(64)], reason)
    assert request.gas_limit == GAS.limit(ids=0, updates=2)
    # Any push that was sent before it has expired by then: the feed takes no block above its own.
    assert request.valid_until == HEAD.number + POLICY.push_age_blocks_max
    assert request.purpose == f"suspend markets 8,64: {reason.name.lower()}"


async def test_resume__some_markets__is_the_feed_s_call() -> None:
    sender = FakeSender()
    await writer_to(sender).resume([Netuid(8)], HEAD)
    (request,) = sender.requests
    assert (request.to, request.lane) == (PRICE_FEED, Lane.PRICE)
    assert request.data == calls.resume([Netuid(8)])
    assert request.gas_limit == GAS.limit(ids=0, updates=1)
    assert request.valid_until == HEAD.number + POLICY.work_blocks


async def test_liquidate__a_batch__is_the_exchange_s_call_for_our_account() -> None:
    sender = FakeSender()
    await writer_to(sender).liquidate(batch(2), JUDGED)
    (request,) = sender.requests
    assert (request.to, request.lane) == (EXCHANGE, Lane.LIQUIDATION)
    assert request.data == calls.liquidate(ids(2), ME)
    assert request.gas_limit == 777
    assert request.valid_until == HEAD.number + POLICY.work_blocks
    assert request.purpose == "liquidate 2 positions decided at 100"


async def test_accrue__some_markets__is_the_exchange_s_call_under_the_due_key() -> None:
    sender = FakeSender()
    await writer_to(sender).accrue([Netuid(8), Netuid(64)], "funding:8@1,64@2", HEAD)
    (request,) = sender.requests
    assert (request.to, request.lane) == (EXCHANGE, Lane.FUNDING)
    assert request.data == calls.accrue_funding([Netuid(8), Netuid(64)])
    assert request.gas_limit == GAS.limit(ids=0, updates=2)
    assert request.idempotency_key == "funding:8@1,64@2"
    assert request.valid_until == HEAD.number + POLICY.work_blocks


async def test_dry_run__anything__is_refused_and_says_why() -> None:
    writer = writer_to(DryRun())
    refused = Refused(reason="no key is configured: dry run")
    assert await writer.publish(publication(liquidations=8)) == refused
    assert await writer.liquidate(batch(), JUDGED) == refused
    assert await writer.accrue([Netuid(8)], "key", HEAD) == refused
    assert await writer.suspend([Netuid(8)], SuspensionReason.JUMP, HEAD) == refused
    assert await writer.resume([Netuid(8)], HEAD) == refused
