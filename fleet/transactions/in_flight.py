"""The journal's unfinished entries in memory, and who may join them. Pure."""

from collections import Counter
from collections.abc import Iterable

from fleet.transactions.attempt import Entry, State
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import AlreadyInFlight, Lane, Refused, TransactionRequest
from units import BlockNumber


class InFlight:
    """Entries by nonce; final and released ones leave by themselves."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.id: entry for entry in entries}

    def put(self, entry: Entry) -> None:
        """Takes in an entry's new state."""
        if entry.state in {State.FINAL, State.RELEASED}:
            self._entries.pop(entry.id, None)
        else:
            self._entries[entry.id] = entry

    def open(self) -> tuple[Entry, ...]:
        """Those in no block, by nonce."""
        return self._sorted(entry for entry in self._entries.values() if entry.is_open)

    def mined(self) -> tuple[Entry, ...]:
        """Those in a block that is not final, by nonce."""
        return self._sorted(each for each in self._entries.values() if each.state is State.MINED)

    def lanes(self) -> Counter[Lane]:
        """How many are without an outcome, by lane."""
        return Counter(each.request.lane for each in self._entries.values() if each.is_unsettled)

    def of_key(self, idempotency_key: str) -> Entry | None:
        """The entry whose outcome this key waits for."""
        unsettled = (each for each in self._entries.values() if each.is_unsettled)
        return next(
            (each for each in unsettled if each.request.idempotency_key == idempotency_key), None
        )

    @staticmethod
    def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(sorted(entries, key=lambda entry: entry.nonce))


def objection(
    request: TransactionRequest, in_flight: InFlight, head: BlockNumber, policy: SenderPolicy
) -> AlreadyInFlight | Refused | None:
    """Why a request is not taken on now; None when it is."""
    same = in_flight.of_key(request.idempotency_key)
    if same is not None:
        return AlreadyInFlight(tx_hash=same.newest.tx_hash)
    if head >= request.valid_until:
        return Refused(reason=f"its last block {request.valid_until} has passed")
    lanes = in_flight.lanes()
    if lanes[request.lane] >= policy.lane_in_flight_max[request.lane]:
        return Refused(reason=f"{lanes[request.lane]} of lane {request.lane.name} are in flight")
    if lanes.total() >= policy.in_flight_max:
        return Refused(reason=f"{lanes.total()} transactions are in flight")
    return None
