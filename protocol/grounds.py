"""What a request rests on, as the record that the journal keeps with it. Pure."""

from collections.abc import Iterable, Sequence
from functools import partial

from fleet.transactions.request import Record
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.records import LiquidationRecord, PriceOrigin, write
from oracle.feed import Update
from oracle.plan import Falling
from units import PositionId


def record_of(
    falling: Falling | None, ids: Sequence[PositionId], updates: Iterable[Update] = ()
) -> Record | None:
    """The record of a request that liquidates `ids`, with the prices that travel with it.

    None for a request without positions, and for an answer that does not say what it rests on.
    """
    if not ids or not isinstance(falling, Judgement):
        return None
    judgement = falling.of(ids)
    origins = {
        update.netuid: PriceOrigin(block=update.source_block, time=update.source_time)
        for update in updates
        if update.netuid in judgement.grounds.pushed
    }
    record = LiquidationRecord(judgement=judgement, origins=origins)
    return Record(time=judgement.grounds.head.time, write=partial(write, record))
