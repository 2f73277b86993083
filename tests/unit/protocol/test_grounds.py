"""What is liquidated takes along what it rests on; nothing else does."""

from fleet.transactions.request import TransactionRequest
from keepers.liquidation.records import LiquidationRecord, PriceOrigin, read
from oracle.plan import Publication
from tests.unit.keepers.liquidation.examples import position
from tests.unit.protocol.sender import FakeSender
from tests.unit.protocol.work import HEAD, JUDGED, batch, ids, update, writer_to
from units import Netuid, PositionId


def publication(falling: int) -> Publication:
    chosen = ids(falling)
    updates = (update(8, price=5 * 10**16), update(64))
    return Publication(updates=updates, liquidations=chosen, head=HEAD, falling=JUDGED.of(chosen))


def record_of(request: TransactionRequest) -> LiquidationRecord:
    assert request.record is not None
    assert request.record.time == JUDGED.grounds.head.time
    return read(request.record.write())


def judged_in(request: TransactionRequest) -> tuple[PositionId, ...]:
    return record_of(request).judgement.ids


async def test_push__with_liquidations__each_part_has_the_record_of_its_own() -> None:
    sender = FakeSender()
    await writer_to(sender).publish(publication(5))
    assert [judged_in(each) for each in sender.requests] == [ids(5)[:3], ids(5)[3:]]
    first = record_of(sender.requests[0])
    sent = update(8)
    origin = PriceOrigin(block=sent.source_block, time=sent.source_time)
    assert first.origins == {Netuid(8): origin}


async def test_push__a_position_is_in_flight_elsewhere__is_not_in_the_record() -> None:
    sender = FakeSender()
    sender.taken = {ids(1)[0].hex()}
    await writer_to(sender).publish(publication(3))
    assert judged_in(sender.requests[0]) == ids(3)[1:]


async def test_push__nobody_falls_or_goes_along__has_none() -> None:
    sender = FakeSender()
    await writer_to(sender).publish(publication(0))
    sender.hidden = {ids(1)[0].hex()}
    await writer_to(sender).publish(
        Publication(
            updates=(update(8, block=99),),
            liquidations=ids(1),
            head=HEAD,
            falling=JUDGED.of(ids(1)),
        )
    )
    assert [request.record for request in sender.requests] == [None, None]


async def test_batch__has_the_record_of_its_positions() -> None:
    sender = FakeSender()
    await writer_to(sender).liquidate(batch(2), JUDGED)
    held = record_of(sender.requests[0])
    assert [each.position for each in held.judgement.candidates] == [position(1), position(2)]
    assert held.origins == {}
