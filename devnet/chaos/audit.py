"""The verdict on a run: journal, notes and chain must tell one story. Pure.

Shares no code with the sender: it compares rows, receipts and counters.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devnet.chaos.ledger import Row
from devnet.chaos.workload import LANDED, REFUSED, Kind, Piece
from fleet.transactions.attempt import State
from fleet.transactions.request import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the chain says of a mined transaction; `fee` in wei."""

    succeeded: bool
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is left when the last process has ended.

    Attributes:
        pieces: what was to be done.
        rows: the journal's entries, by nonce.
        notes: what the caller was told, in order.
        effects: how often each piece took effect on chain, by number.
        transactions_sent: the account's count at the latest block.
        pooled: the account's transactions that the node still holds in its pool.
        receipts: of each mined hash in the journal; absent: the chain does not know it.
        spending: what the account says each lane has paid, in wei.
    """

    pieces: Sequence[Piece]
    rows: Sequence[Row]
    notes: Sequence[tuple[int, str]]
    effects: Sequence[int]
    transactions_sent: int
    pooled: int
    receipts: Mapping[str, Receipt]
    spending: Mapping[Lane, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found; every tuple is empty after a run in which all went well.

    Attributes:
        outcomes: endings by kind of piece.
        told_by_journal_alone: pieces whose ending the caller learned from the journal, because it
            was killed between the two.
        duplicates: pieces that took effect more than once.
        lost: pieces without an ending, without the effect their ending promises, or that had all
            the time, stood in nobody's way and did not land.
        ended_twice: pieces with more than one ending.
        told_twice: pieces of which the caller heard more than once.
        gaps: nonces without an entry, above the chain's count, or in the pool at the end.
        inconsistent: nonces whose entry is not final or contradicts the chain.
        misbooked: lanes whose account is not the sum of what their transactions cost on chain.
    """

    outcomes: Mapping[str, Mapping[str, int]]
    told_by_journal_alone: int
    duplicates: tuple[int, ...]
    lost: tuple[int, ...]
    ended_twice: tuple[int, ...]
    told_twice: tuple[int, ...]
    gaps: tuple[int, ...]
    inconsistent: tuple[int, ...]
    misbooked: tuple[int, ...]

    @property
    def is_clean(self) -> bool:
        """Did every request end exactly once, as it should?"""
        found = (self.duplicates, self.lost, self.ended_twice, self.told_twice)
        return not any((*found, self.gaps, self.inconsistent, self.misbooked))


def judge(evidence: Evidence) -> Verdict:
    """Compares everything with everything."""
    endings = _endings(evidence)
    told = Counter(piece for piece, _ in evidence.notes)
    numbers = range(len(evidence.pieces))
    return Verdict(
        outcomes=_by_kind(evidence.pieces, endings),
        told_by_journal_alone=sum(bool(endings[n]) and not told[n] for n in numbers),
        duplicates=tuple(n for n in numbers if evidence.effects[n] > 1),
        lost=tuple(
            piece.number
            for piece in evidence.pieces
            if _is_lost(piece, endings[piece.number], evidence.effects[piece.number])
        ),
        ended_twice=tuple(n for n in numbers if len(endings[n]) > 1),
        told_twice=tuple(n for n in numbers if told[n] > 1),
        gaps=_gaps(evidence),
        inconsistent=tuple(
            row.nonce for row in evidence.rows if not _is_true(row, evidence.receipts)
        ),
        misbooked=_misbooked(evidence),
    )


def _endings(evidence: Evidence) -> dict[int, list[str]]:
    """Every ending of every piece: the journal's, and refusals, which it does not know."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for row in evidence.rows:
        if row.piece is not None and row.ending is not None:
            found[row.piece].append(row.ending)
    for piece, ending in evidence.notes:
        if ending == REFUSED:
            found[piece].append(ending)
    return found


def _by_kind(
    pieces: Sequence[Piece], endings: Mapping[int, Sequence[str]]
) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {kind.value: Counter() for kind in Kind}
    for piece in pieces:
        found[piece.kind].update(endings[piece.number])
    return {kind: dict(sorted(counts.items())) for kind, counts in found.items()}


def _is_lost(piece: Piece, endings: Sequence[str], effects: int) -> bool:
    has_landed = LANDED in endings
    if not endings or has_landed != (effects > 0):
        return True
    return _must_land(piece) and not has_landed


def _must_land(piece: Piece) -> bool:
    """Whether nothing may keep it from landing.

    Less urgent work gives way when nobody can say after a restart what it would do now and a price
    waits behind it. Its caller is told that it expired, and may ask anew.
    """
    return piece.kind is Kind.STEADY and piece.lane is Lane.PRICE


def _gaps(evidence: Evidence) -> tuple[int, ...]:
    held = {row.nonce for row in evidence.rows}
    top = max(held, default=-1) + 1
    unheld = set(range(max(top, evidence.transactions_sent))) - held
    unsent = set(range(evidence.transactions_sent, top + evidence.pooled))
    return tuple(sorted(unheld | unsent))


def _is_true(row: Row, receipts: Mapping[str, Receipt]) -> bool:
    """Final, mined under a known hash, and succeeded exactly when the ending says so.

    What replaced an expired request succeeds as well: it does nothing.
    """
    receipt = _receipt(row, receipts)
    if row.state != State.FINAL.value or row.ending is None or receipt is None:
        return False
    return receipt.succeeded or row.ending != LANDED


def _misbooked(evidence: Evidence) -> tuple[int, ...]:
    paid: Counter[Lane] = Counter()
    for row in evidence.rows:
        receipt = _receipt(row, evidence.receipts)
        paid[row.lane] += 0 if receipt is None else receipt.fee
    return tuple(lane for lane in Lane if paid[lane] != evidence.spending.get(lane, 0))


def _receipt(row: Row, receipts: Mapping[str, Receipt]) -> Receipt | None:
    return None if row.mined_as is None else receipts.get(row.mined_as)
