"""Idempotency keys: the same work has one name, other work another."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from fleet.transactions.request import TransactionRequest
from oracle.feed import SuspensionReason, Update
from protocol.sending import ExchangeWriter
from tests.unit.protocol.sender import FakeSender
from tests.unit.protocol.work import HEAD, JUDGED, batch, publication, update, writer_to
from units import BlockNumber, Head, Netuid

LATER = replace(HEAD, number=BlockNumber(HEAD.number + 1))
JUMP, STALL = SuspensionReason.JUMP, SuspensionReason.STALL
Work = Callable[[ExchangeWriter], Awaitable[object]]


def publish(*updates: Update, liquidations: int = 0) -> Work:
    made = publication(*updates, liquidations=liquidations)
    return lambda writer: writer.publish(made)


def suspend(netuids: list[int], reason: SuspensionReason, head: Head) -> Work:
    return lambda writer: writer.suspend([Netuid(n) for n in netuids], reason, head)


def resume(netuids: list[int], head: Head) -> Work:
    return lambda writer: writer.resume([Netuid(n) for n in netuids], head)


WORKS: dict[str, Work] = {
    "a push": publish(update(8)),
    "another price": publish(update(8, price=1)),
    "another block": publish(update(8, block=99)),
    "another market": publish(update(64)),
    "two markets": publish(update(8), update(64)),
    "a push with one that falls": publish(update(8), liquidations=1),
    "a push with two that fall": publish(update(8), liquidations=2),
    "a suspension": suspend([8], JUMP, HEAD),
    "for another reason": suspend([8], STALL, HEAD),
    "of another market": suspend([64], JUMP, HEAD),
    "at another head": suspend([8], JUMP, LATER),
    "a resumption": resume([8], HEAD),
    "a resumption of another market": resume([64], HEAD),
    "a resumption at another head": resume([8], LATER),
    "a batch": lambda writer: writer.liquidate(batch(2), JUDGED),
    "a smaller batch": lambda writer: writer.liquidate(batch(1), JUDGED),
    "a batch of reopened positions": lambda writer: writer.liquidate(batch(2, sequence=2), JUDGED),
    "a batch at another head": lambda writer: writer.liquidate(batch(2, head=LATER), JUDGED),
    "an accrual": lambda writer: writer.accrue([Netuid(8)], "funding:8@1", HEAD),
    "an accrual that is due later": lambda writer: writer.accrue([Netuid(8)], "funding:8@2", HEAD),
}


async def request_of(work: Work) -> TransactionRequest:
    sender = FakeSender()
    await work(writer_to(sender))
    (request,) = sender.requests
    return request


async def name_of(work: Work) -> str:
    return (await request_of(work)).idempotency_key


@pytest.mark.parametrize("work", WORKS)
async def test_request__any_work__says_the_block_of_its_decision(work: str) -> None:
    head = LATER if work.endswith("at another head") else HEAD
    assert (await request_of(WORKS[work])).decided_at == head.number


@pytest.mark.parametrize("work", WORKS)
async def test_key__the_same_work_again__is_the_same(work: str) -> None:
    assert await name_of(WORKS[work]) == await name_of(WORKS[work])


async def test_key__other_work__is_another() -> None:
    names = {work: await name_of(do) for work, do in WORKS.items()}
    assert len(set(names.values())) == len(WORKS)


async def test_key__a_push_decided_at_another_head__is_the_same_work() -> None:
    again = replace(publication(update(8)), head=LATER)
    assert await name_of(lambda writer: writer.publish(again)) == await name_of(WORKS["a push"])


async def test_key__an_accrual_sent_at_another_head__is_the_same_work() -> None:
    def again(writer: ExchangeWriter) -> Awaitable[object]:
        return writer.accrue([Netuid(8)], "funding:8@1", LATER)

    assert await name_of(again) == await name_of(WORKS["an accrual"])


async def test_key__a_batch_with_another_gas_limit__is_the_same_work() -> None:
    again = replace(batch(2), gas_limit=1)
    assert await name_of(lambda writer: writer.liquidate(again, JUDGED)) == await name_of(
        WORKS["a batch"]
    )


async def test_key__each_kind_of_work__is_told_by_its_beginning() -> None:
    kinds = {(await name_of(do)).split(":")[0] for do in WORKS.values()}
    assert kinds == {"push", "suspend", "resume", "liquidate", "funding"}
