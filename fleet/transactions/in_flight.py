"""The journal's unfinished entries in memory, and who may join them. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fleet.transactions.attempt import Entry, Kind, State
from fleet.transactions.nonces import Nonces
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import AlreadyInFlight, Lane, Refused, TransactionRequest
from units import BlockNumber


class InFlight:
    """Entries by nonce; final and released ones leave by themselves."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[int, Entry] = {}
        self._open: dict[int, Entry] = {}
        self._unwritten: set[int] = set()
        for entry in entries:
            self.put(entry)

    def put_unwritten(self, entry: Entry) -> None:
        """Takes in what a node said to an entry; the journal learns of it when there is time."""
        self.put(entry)
        self._unwritten.add(entry.id)

    def is_unwritten(self, entry: Entry) -> bool:
        """Does the journal not know this state yet?"""
        return entry.id in self._unwritten

    def put(self, entry: Entry) -> None:
        """Takes in an entry's new state, as the journal has it."""
        self._unwritten.discard(entry.id)
        if entry.state in {State.FINAL, State.RELEASED}:
            self._entries.pop(entry.id, None)
        else:
            self._entries[entry.id] = entry
        if entry.is_open:
            self._open[entry.id] = entry
        else:
            self._open.pop(entry.id, None)

    def open(self) -> tuple[Entry, ...]:
        """Those in no block, by nonce."""
        return self._sorted(self._open.values())

    def mined(self) -> tuple[Entry, ...]:
        """Those in a block that is not final, by nonce."""
        return self._sorted(each for each in self._entries.values() if each.state is State.MINED)

    def all(self) -> tuple[Entry, ...]:
        """Everything that is not done with, by nonce."""
        return self._sorted(self._entries.values())

    def lanes(self) -> Counter[Lane]:
        """How many are in no block, by lane."""
        return Counter(each.request.lane for each in self._open.values())

    def unsettled(self) -> Counter[State]:
        """How many have no outcome yet, those in a block that is not final included, by state."""
        return Counter(each.state for each in self._entries.values() if each.is_unsettled)

    def still_open(self, entry: Entry) -> Entry | None:
        """The newest state of an entry; None when it is in a block or has left by now."""
        return self._open.get(entry.id)

    def busy(self, subjects: Iterable[str], but: Entry | None = None) -> frozenset[str]:
        """Which of these a request in no block works on, other than `but`."""
        others = (each for each in self._open.values() if but is None or each.id != but.id)
        taken = {subject for entry in others for subject in _of(entry)}
        return frozenset(taken.intersection(subjects))

    def is_in_the_way(self, entry: Entry) -> bool:
        """Does more urgent work wait behind it?"""
        lane, nonce = entry.request.lane, entry.nonce
        return any(each.request.lane < lane and each.nonce > nonce for each in self._open.values())

    def less_urgent(self, lane: Lane) -> tuple[Entry, ...]:
        """Those in no block whose lane comes after this one, by nonce."""
        return self._sorted(each for each in self._open.values() if each.request.lane > lane)

    def of_key(self, idempotency_key: str) -> Entry | None:
        """The entry whose outcome this key waits for."""
        found = (e for e in self._entries.values() if e.request.idempotency_key == idempotency_key)
        return next((each for each in found if each.is_unsettled), None)

    @staticmethod
    def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(sorted(entries, key=lambda entry: entry.nonce))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a key; thrown away whole after a failure."""

    in_flight: InFlight
    nonces: Nonces


def objection(
    request: TransactionRequest, in_flight: InFlight, head: BlockNumber, policy: SenderPolicy
) -> AlreadyInFlight | Refused | None:
    """Why a request is not taken on now; None when it is."""
    same = in_flight.of_key(request.idempotency_key)
    if same is not None:
        return AlreadyInFlight(tx_hash=same.newest.tx_hash)
    if head >= request.valid_until:
        return Refused(reason=f"its last block {request.valid_until} has passed")
    in_lane = in_flight.lanes()[request.lane]
    if in_lane >= policy.lane_in_flight_max[request.lane]:
        return Refused(reason=f"{in_lane} of lane {request.lane.name} are in flight")
    busy = in_flight.busy(request.subjects)
    if busy:
        return Refused(reason=f"{len(busy)} of its positions are in flight", busy=busy)
    return None


def _of(entry: Entry) -> tuple[str, ...]:
    """What an entry works on; a withdrawn one on nothing."""
    is_withdrawn = bool(entry.attempts) and entry.newest.kind is Kind.NOTHING
    return () if is_withdrawn else entry.request.subjects
