"""Rows of the journal as entries, and entries as rows. Knows the columns; writes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from fleet.store.tables import journal_attempts as attempts
from fleet.store.tables import journal_entries as entries
from fleet.transactions.attempt import Attempt, Ending, Entry, Inclusion, Kind, State
from fleet.transactions.fees import Fee
from fleet.transactions.request import Lane, TransactionRequest
from units import Address, BlockHash, BlockNumber, TxHash, Wei

STATE = ("state", "ending", "mined_as", "mined_in", "mined_in_hash")
"""The columns of an entry that change."""


def read_entries(connection: Connection, ids: Sequence[int]) -> dict[int, Entry]:
    """These entries with all their attempts, by id."""
    rows = connection.execute(select(entries).where(entries.c.id.in_(ids))).all()
    found = attempts_of(connection, ids)
    return {row.id: entry_of(row, found[row.id]) for row in rows}


def attempts_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """Rows of attempts by their entry, oldest first; an entry without any has none."""
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    oldest_first = select(attempts).where(attempts.c.entry_id.in_(ids)).order_by(attempts.c.ordinal)
    for row in connection.execute(oldest_first):
        found[row.entry_id].append(row)
    return found


def entry_of(row: Row[Any], found: Sequence[Row[Any]]) -> Entry:
    """An entry from its row and those of its attempts."""
    return Entry(
        id=row.id,
        request=_request(row),
        nonce=row.nonce,
        state=State(row.state),
        attempts=tuple(_attempt(each) for each in found),
        inclusion=_inclusion(row),
        ending=None if row.ending is None else Ending(row.ending),
    )


def request_columns(request: TransactionRequest) -> dict[str, Any]:
    """What of a row is the same for as long as there is one."""
    return {
        "idempotency_key": request.idempotency_key,
        "to": request.to,
        "data": request.data,
        "value": str(request.value),
        "gas_limit": request.gas_limit,
        "lane": request.lane.value,
        "valid_until": request.valid_until,
        "purpose": request.purpose,
        "spend_limit": None if request.spend_limit is None else str(request.spend_limit),
        "decided_at": request.decided_at,
        "subjects": "\n".join(request.subjects),
    }


def state_columns(entry: Entry) -> dict[str, Any]:
    """`STATE`: what changes."""
    inclusion = entry.inclusion
    return {
        "state": entry.state.value,
        "ending": None if entry.ending is None else entry.ending.value,
        "mined_as": None if inclusion is None else inclusion.tx_hash,
        "mined_in": None if inclusion is None else inclusion.block,
        "mined_in_hash": None if inclusion is None else inclusion.block_hash,
    }


def attempt_columns(entry_id: int, ordinal: int, attempt: Attempt) -> dict[str, Any]:
    """A whole row of the attempts."""
    tip = attempt.fee.tip
    return {
        "entry_id": entry_id,
        "ordinal": ordinal,
        "tx_hash": attempt.tx_hash,
        "raw": attempt.raw,
        "max_fee": str(attempt.fee.max_fee),
        "tip": None if tip is None else str(tip),
        "kind": attempt.kind.value,
        "block": attempt.block,
    }


def _request(row: Row[Any]) -> TransactionRequest:
    return TransactionRequest(
        to=Address(row.to),
        data=bytes(row.data),
        gas_limit=row.gas_limit,
        lane=Lane(row.lane),
        idempotency_key=row.idempotency_key,
        valid_until=BlockNumber(row.valid_until),
        purpose=row.purpose,
        value=Wei(int(row.value)),
        spend_limit=None if row.spend_limit is None else Wei(int(row.spend_limit)),
        decided_at=None if row.decided_at is None else BlockNumber(row.decided_at),
        subjects=tuple(row.subjects.splitlines()),
    )


def _attempt(row: Row[Any]) -> Attempt:
    fee = Fee(max_fee=int(row.max_fee), tip=None if row.tip is None else int(row.tip))
    return Attempt(
        tx_hash=TxHash(row.tx_hash),
        raw=bytes(row.raw),
        fee=fee,
        kind=Kind(row.kind),
        block=BlockNumber(row.block),
    )


def _inclusion(row: Row[Any]) -> Inclusion | None:
    if row.mined_in is None:
        return None
    return Inclusion(
        tx_hash=TxHash(row.mined_as),
        block=BlockNumber(row.mined_in),
        block_hash=BlockHash(row.mined_in_hash),
    )
