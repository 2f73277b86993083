"""What is to be done in a run: pieces of work of several kinds over all lanes. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from devnet.chaos.tally import GAS_LIMIT, TALLY, tally_call
from fleet.transactions.attempt import Ending
from fleet.transactions.request import Lane, TransactionRequest
from units import BlockNumber

LANDED = Ending.SUCCEEDED.value
"""What the journal calls a success."""
REFUSED = "refused"
"""What the caller calls an ending of which the journal knows nothing: nothing was sent."""
PREFIX = "piece "
"""What the idempotency key of a piece begins with."""
_LONG = 100_000
_HASTE_BLOCKS = 2


class Kind(StrEnum):
    """How a piece is likely to end."""

    STEADY = "steady"
    """Succeeds whenever it is mined, and has all the time: it must land, or have given way."""
    HASTY = "hasty"
    """Succeeds whenever it is mined, but has only two blocks."""
    TURNING = "turning"
    """Succeeds in the very next block, reverts in any later one."""
    DOOMED = "doomed"
    """Reverts always: it must not be sent."""


_WEIGHTS = {Kind.STEADY: 60, Kind.HASTY: 20, Kind.TURNING: 14, Kind.DOOMED: 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing to do, once."""

    number: int
    kind: Kind
    lane: Lane

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return f"{PREFIX}{self.number}"


def make_workload(*, count: int, seed: int) -> tuple[Piece, ...]:
    """The pieces that this seed always gives, numbered from 0."""
    chance = Random(seed)  # noqa: S311 - chance, not a secret
    kinds = chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()), k=count)
    lanes = chance.choices(list(Lane), k=count)
    return tuple(
        Piece(number=number, kind=kind, lane=lane)
        for number, (kind, lane) in enumerate(zip(kinds, lanes, strict=True))
    )


def piece_number(idempotency_key: str) -> int | None:
    """The piece a key belongs to; None: the sender's own, which fills a hole."""
    number = idempotency_key.removeprefix(PREFIX)
    return int(number) if number != idempotency_key else None


def request_of(piece: Piece, head: BlockNumber) -> TransactionRequest:
    """The piece as it is asked for at a head."""
    patience = _HASTE_BLOCKS if piece.kind is Kind.HASTY else _LONG
    return TransactionRequest(
        to=TALLY,
        data=tally_call(piece.number, last_block=_last_good_block(piece.kind, head)),
        gas_limit=GAS_LIMIT,
        lane=piece.lane,
        idempotency_key=piece.key,
        valid_until=BlockNumber(head + patience),
        purpose=f"{piece.kind} {piece.key}",
    )


def _last_good_block(kind: Kind, head: BlockNumber) -> BlockNumber:
    match kind:
        case Kind.DOOMED:
            return BlockNumber(0)
        case Kind.TURNING:
            return BlockNumber(head + 1)  # a node simulates in the block to come
        case Kind.STEADY | Kind.HASTY:
            return BlockNumber(head + _LONG)
