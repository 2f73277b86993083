"""One nonce's life as a state machine: what may follow what, and what to do next at a head.

Pure: knows neither the chain, the journal nor a key. Everything that changes is a new value.

    reserved → signed → broadcast → seen → mined → final
        ↓        ↑ a replacement, same nonce ↓   ↓
     released    └───────────────────────────┘   └→ broadcast, when a reorganisation drops it
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from fleet.transactions.fees import Fee
from fleet.transactions.request import TransactionRequest
from units import BlockHash, BlockNumber, TxHash


class State(StrEnum):
    """How far a nonce has come, judged by its newest attempt."""

    RESERVED = "reserved"
    """The nonce is taken, nothing is signed. The journal gets nonce and bytes in one write."""
    SIGNED = "signed"
    """The bytes are in the journal; after a crash they count as sent."""
    BROADCAST = "broadcast"
    """A node was asked to take it, and its answer proves nothing; or a reorganisation undid it."""
    SEEN = "seen"
    """A node has it."""
    MINED = "mined"
    """It stands in a block that can still be reorganised away."""
    FINAL = "final"
    """Nothing can change any more."""
    RELEASED = "released"
    """Nothing of it is or was with any node: the nonce is free again."""


class Kind(StrEnum):
    """What an attempt carries."""

    PAYLOAD = "payload"
    """What was requested."""
    NOTHING = "nothing"
    """A transfer of nothing to oneself, which uses up the nonce."""


class Ending(StrEnum):
    """What was reported to the caller, once, when nothing could change it any more."""

    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One set of signed bytes. `block` is the head at which it was signed."""

    tx_hash: TxHash
    raw: bytes
    fee: Fee
    kind: Kind
    block: BlockNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Where an attempt was mined."""

    tx_hash: TxHash
    block: BlockNumber
    block_hash: BlockHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A request, its nonce, and all that was ever signed for it, oldest first.

    `id` is the journal's; 0 before it has one. `report` is what became of it, for those who ask
    later: written with its end and not read back.
    """

    id: int
    request: TransactionRequest
    nonce: int
    state: State = State.RESERVED
    attempts: tuple[Attempt, ...] = ()
    inclusion: Inclusion | None = None
    ending: Ending | None = None
    report: str | None = None

    @property
    def newest(self) -> Attempt:
        """The last one signed; there is one in every state but reserved."""
        return self.attempts[-1]

    @property
    def is_open(self) -> bool:
        """Is its nonce neither mined nor given back?"""
        return self.state in _OPEN

    @property
    def is_unsettled(self) -> bool:
        """Has its outcome not been reported? Then its idempotency key is taken."""
        return self.ending is None and self.state is not State.RELEASED


_OPEN = frozenset({State.RESERVED, State.SIGNED, State.BROADCAST, State.SEEN})
_FOLLOWS: dict[State, frozenset[State]] = {
    State.RESERVED: frozenset({State.SIGNED, State.RELEASED}),
    State.SIGNED: frozenset({State.SIGNED, State.BROADCAST, State.SEEN, State.MINED})
    | {State.RELEASED, State.FINAL},
    State.BROADCAST: frozenset({State.SIGNED, State.BROADCAST, State.SEEN, State.MINED})
    | {State.RELEASED, State.FINAL},
    State.SEEN: frozenset({State.SIGNED, State.BROADCAST, State.MINED, State.FINAL}),
    State.MINED: frozenset({State.MINED, State.BROADCAST, State.FINAL}),
    State.FINAL: frozenset(),
    State.RELEASED: frozenset(),
}


class IllegalTransition(Exception):  # noqa: N818 -- a defect, named after what happened
    """The sender tried what cannot be."""


def reserved(request: TransactionRequest, nonce: int) -> Entry:
    """A nonce that is taken for a request; nobody but this process knows."""
    return Entry(id=0, request=request, nonce=nonce)


def moved(entry: Entry, state: State) -> Entry:
    """The entry in another state.

    Raises:
        IllegalTransition: that state does not follow.
    """
    if state not in _FOLLOWS[entry.state]:
        raise IllegalTransition(f"nonce {entry.nonce}: {entry.state} → {state}")
    return replace(entry, state=state)


def signed(entry: Entry, attempt: Attempt) -> Entry:
    """With one more attempt, whose bytes no node has seen."""
    return replace(moved(entry, State.SIGNED), attempts=(*entry.attempts, attempt))


def mined(entry: Entry, inclusion: Inclusion) -> Entry:
    """In a block that may still be taken back."""
    return replace(moved(entry, State.MINED), inclusion=inclusion)


def unmined(entry: Entry) -> Entry:
    """Dropped by a reorganisation: back to where a node has to be asked again."""
    return replace(moved(entry, State.BROADCAST), inclusion=None)


def final(entry: Entry, inclusion: Inclusion, ending: Ending, report: str | None = None) -> Entry:
    """In a block that will not be taken back."""
    done = moved(entry, State.FINAL)
    return replace(done, inclusion=inclusion, ending=ending, report=report)


def superseded(entry: Entry) -> Entry:
    """Its nonce went to a transaction that is not in the journal, for good."""
    return replace(moved(entry, State.FINAL), ending=Ending.SUPERSEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What one head says about all open nonces of a key.

    `next_nonce` is the chain's at the latest block; `started_at` the first head of this process,
    before which it has not watched; `in_front_since` the head from which on the same nonce was
    seen to be the next one at every head; `base_fee` the latest block's. `is_disturbed`: the
    process is new or the chain was reorganised, so what the node's pool holds is not known.
    """

    head: BlockNumber
    next_nonce: int
    started_at: BlockNumber
    in_front_since: BlockNumber
    base_fee: int
    is_disturbed: bool


class Step(StrEnum):
    """What to do with an open entry at a head."""

    LOOK = "look"
    """Its nonce is used on chain: find out by whom."""
    REPLACE = "replace"
    """Sign what is wanted with a higher fee and send that."""
    RESEND = "resend"
    """Hand the newest bytes over again; a node that has them says so."""
    WAIT = "wait"
    """There was no block in which it could have been mined."""


def why_give_up(entry: Entry, head: BlockNumber, doubt: str | None = None) -> str | None:
    """Why its nonce should be used for nothing, in the order of what can't be argued with.

    `doubt` is what speaks against it now: a simulation after a reorganisation or a restart, or
    more urgent work that waits behind it. None: it is still wanted.
    """
    # A replacement that does nothing is out; the request might win against it and surprise.
    if entry.attempts and entry.newest.kind is Kind.NOTHING:
        return "it was withdrawn before"
    # Its last block has passed: what it would do now is not what was decided.
    if head >= entry.request.valid_until:
        return "its last block passed"
    # It would revert, do nothing, or stand in the way.
    return doubt


def wanted(entry: Entry, head: BlockNumber, doubt: str | None = None) -> Kind:
    """What should be mined under this nonce."""
    return Kind.PAYLOAD if why_give_up(entry, head, doubt) is None else Kind.NOTHING


def next_step(entry: Entry, now: Situation, stuck_blocks: int, doubt: str | None = None) -> Step:
    """What to do with an entry that has been signed and is in no block."""
    newest = entry.newest
    watched_since = max(newest.block, now.started_at)
    waited = now.head - watched_since
    # Somebody used the nonce: nothing can be sent any more.
    if entry.nonce < now.next_nonce:
        return Step.LOOK
    # Its last block has passed, or it is not wanted for another reason.
    if newest.kind is not wanted(entry, now.head, doubt):
        return Step.REPLACE
    # A block can't take it at this offer, or the next one could not if this one was full.
    if waited >= 1 and newest.fee.max_fee * 8 < now.base_fee * 9:
        return Step.REPLACE
    # Blocks came without it while nothing stood before it: only then can it be the obstacle.
    stuck_for = now.head - max(watched_since, now.in_front_since - 1)
    if stuck_for >= stuck_blocks and entry.nonce == now.next_nonce:
        return Step.REPLACE
    # A node may have dropped it, or never had it.
    if waited >= 1 or now.is_disturbed or entry.state is not State.SEEN:
        return Step.RESEND
    return Step.WAIT
