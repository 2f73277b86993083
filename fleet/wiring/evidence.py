"""Why a position was liquidated, put together from the store: decision, transaction, outcome."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleet.store.decisions import StoredDecision, StoredDecisions
from fleet.store.engine import Database
from fleet.store.quotes import Quote, read_quotes
from fleet.transactions.attempt import Attempt, Ending, Inclusion, Kind, State
from fleet.transactions.fees import Fee
from fleet.wiring.facts import Unread
from keepers.liquidation import records, reports
from keepers.liquidation.evidence import RULE, replay
from keepers.liquidation.outcomes import Liquidated, LiquidationResult
from keepers.liquidation.records import LiquidationRecord, PriceOrigin, RecordError
from keepers.liquidation.reports import Report
from oracle.alpha import to_price_wei
from oracle.feed import Update
from protocol.signed import updates_in
from units import BlockNumber, Netuid, PositionId, Timestamp, TxHash

DECISIONS_MAX = 100
"""How many decisions on one position are looked up; ids are reused, and one may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAttempt:
    """One set of signed bytes for the decision's nonce; `block` is the head it was signed at."""

    tx_hash: TxHash
    kind: Kind
    fee: Fee
    block: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision, the transaction that came of it, and what that did.

    `decided_by` is the workload and its key, `state` how far the transaction has come. `report` is
    None until that is final. `subjects` are the position ids that the transaction was for,
    `signed` the prices in what was signed, at whichever fee. `quotes` is what was read at the
    blocks that pushed prices are from, where that is still kept.
    """

    decided_by: str
    decided_at: Timestamp
    record: LiquidationRecord | Unread
    subjects: tuple[str, ...]
    signed: tuple[Update, ...]
    work: str
    purpose: str
    nonce: int
    state: State
    ending: Ending | None
    inclusion: Inclusion | None
    attempts: tuple[SentAttempt, ...]
    report: Report | Unread | None
    quotes: Mapping[BlockNumber, Quote]

    def results(self) -> tuple[LiquidationResult, ...]:
        """What became of each position, as far as that is final and can be read."""
        if isinstance(self.record, Unread) or not isinstance(self.report, Report):
            return ()
        candidates = self.record.judgement.candidates
        return self.report.results([candidate.position.key for candidate in candidates])


class Evidence:
    """Decisions of every workload that shares the store. Raises what opening it raises."""

    def __init__(self, opened: Callable[[], Awaitable[Database]]) -> None:
        self._opened = opened

    async def about(self, position: PositionId) -> tuple[Explanation, ...]:
        """Every decision to liquidate it that is kept, the newest first."""
        database = await self._opened()
        found = await StoredDecisions(database).about(position.hex(), DECISIONS_MAX)
        return tuple([await _explanation(database, each) for each in found])

    async def behind(self, tx_hash: TxHash) -> tuple[Explanation, ...]:
        """The decision that a transaction was signed for; () when it is none of a liquidation."""
        database = await self._opened()
        found = await StoredDecisions(database).behind(tx_hash)
        return tuple([await _explanation(database, each) for each in found])


def differences(found: Explanation, smoothed: Collection[Netuid] = ()) -> tuple[str, ...]:
    """Decides again from the record; what comes out otherwise, () when it agrees.

    A record that was changed in more places than one may still be consistent in itself, so it is
    also held against the journal's entry, what was read and what the contract said; not against
    what was read of `smoothed` markets, whose prices are means of more than one block.
    """
    if isinstance(found.record, Unread):
        return (found.record.reason,)
    if found.record.rule != RULE:
        return (f"it was decided by {found.record.rule!r}; this program decides by {RULE!r}",)
    return (
        *_unsealed(found.record),
        *_other_positions(found.record, found.subjects),
        *replay(found.record.judgement),
        *_otherwise_signed(found.record, found.signed),
        *_otherwise_quoted(found.record, found.quotes, smoothed),
        *_otherwise_on_chain(found.record, found.results()),
    )


def _unsealed(record: LiquidationRecord) -> Iterator[str]:
    if not record.is_sealed:
        yield "its digest is not of what it says: it was changed"


def _other_positions(record: LiquidationRecord, subjects: Sequence[str]) -> Iterator[str]:
    judged = sorted(each.hex() for each in record.judgement.ids)
    if judged != sorted(subjects):
        yield "its transaction was for other positions"


def _otherwise_signed(record: LiquidationRecord, signed: Sequence[Update]) -> Iterator[str]:
    """Where a pushed price is not in the transaction, or is said there to be of another block."""
    by_market = {update.netuid: update for update in signed}
    for netuid, price in record.judgement.grounds.pushed.items():
        said, origin = by_market.get(netuid), record.origins.get(netuid)
        if said is None or origin is None:
            yield f"market {netuid}: its transaction pushes no price"
        elif (said.price, said.source_block, said.source_time) != (price, *_when(origin)):
            yield f"market {netuid}: its transaction pushes {said.price} wei of {said.source_block}"


def _when(origin: PriceOrigin) -> tuple[BlockNumber, Timestamp]:
    return origin.block, origin.time


def _otherwise_quoted(
    record: LiquidationRecord, quotes: Mapping[BlockNumber, Quote], smoothed: Collection[Netuid]
) -> Iterator[str]:
    """Where another price was read at the block that a pushed one is said to be from."""
    for netuid, origin in record.origins.items():
        quote, pushed = quotes.get(origin.block), record.judgement.grounds.pushed.get(netuid)
        rao = None if quote is None else quote.prices.get(netuid)
        if rao is None or netuid in smoothed:
            continue
        if pushed != to_price_wei(rao):
            yield f"market {netuid}: {rao} RAO was read at block {origin.block}, not {pushed} wei"


def _otherwise_on_chain(
    record: LiquidationRecord, results: Sequence[LiquidationResult]
) -> Iterator[str]:
    """Where the contract, at the same price and index, found another remaining margin."""
    for candidate, result in zip(record.judgement.candidates, results, strict=False):
        if not isinstance(result.outcome, Liquidated):
            continue
        event = result.outcome.event
        is_same = (event.price, event.index) == (candidate.price, candidate.index)
        if is_same and event.remaining != candidate.remaining:
            name = f"0x{candidate.position.key.id.hex()}"
            yield f"{name}: the contract found {event.remaining}, not {candidate.remaining}"


async def _explanation(database: Database, stored: StoredDecision) -> Explanation:
    entry, record = stored.entry, _record(stored.record)
    origins = {} if isinstance(record, Unread) else record.origins
    return Explanation(
        decided_by=stored.namespace,
        decided_at=stored.time,
        record=record,
        subjects=entry.request.subjects,
        signed=_signed(entry.request.data),
        work=entry.request.idempotency_key,
        purpose=entry.request.purpose,
        nonce=entry.nonce,
        state=entry.state,
        ending=entry.ending,
        inclusion=entry.inclusion,
        attempts=tuple(_attempt(each) for each in entry.attempts),
        report=None if stored.report is None else _report(stored.report),
        quotes=await read_quotes(database, [origin.block for origin in origins.values()]),
    )


def _signed(data: bytes) -> tuple[Update, ...]:
    """Nothing where the bytes are cut off."""
    try:
        return updates_in(data)
    except ValueError:
        return ()


def _record(text: str) -> LiquidationRecord | Unread:
    try:
        return records.read(text)
    except RecordError as error:
        return Unread(reason=str(error))


def _report(text: str) -> Report | Unread:
    try:
        return reports.read(text)
    except RecordError as error:
        return Unread(reason=str(error))


def _attempt(attempt: Attempt) -> SentAttempt:
    return SentAttempt(
        tx_hash=attempt.tx_hash, kind=attempt.kind, fee=attempt.fee, block=attempt.block
    )
