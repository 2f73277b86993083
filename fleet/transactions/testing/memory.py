"""A journal and a key in memory, and a fuse that breaks a call at a chosen moment."""

import hashlib
import json
from dataclasses import replace

from fleet.transactions.attempt import Entry, State
from fleet.transactions.envelope import Signed, Unsigned
from fleet.transactions.journal import JournalConflict
from fleet.transactions.request import Lane
from fleet.transactions.signer import SigningFailed
from fleet.transactions.spending import Account, Spend, Spent
from units import Address, Timestamp, TxHash

KEY = Address("0x00000000000000000000000000000000000000Aa")


class Silence(Exception):  # noqa: N818 -- named after what happened
    """The simulated node does not answer a read."""


class Fuse:
    """Breaks at the n-th port call from now: raises `error`, before or after the call's effect."""

    def __init__(self) -> None:
        self._calls_left: int | None = None
        self._error: BaseException = Silence()
        self._is_after = False

    def set(self, calls: int, error: BaseException, *, is_after: bool) -> None:
        """Arms it."""
        self._calls_left, self._error, self._is_after = calls, error, is_after

    def clear(self) -> None:
        """Disarms it."""
        self._calls_left = None

    def before(self) -> None:
        """Called when a call begins."""
        if self._calls_left is not None:
            self._calls_left -= 1
            if not self._is_after:
                self._blow()

    def after(self) -> None:
        """Called when its effect is done and its answer is not given."""
        if self._is_after:
            self._blow()

    def _blow(self) -> None:
        if self._calls_left is not None and self._calls_left <= 0:
            self._calls_left = None
            raise self._error


class MemoryJournal:
    """A journal that lives as long as the object; give it to a new Sender to play a restart."""

    def __init__(self, fuse: Fuse | None = None) -> None:
        self.entries: dict[int, Entry] = {}
        self.spends: list[Spend] = []
        self.stopped: dict[Lane, str] = {}
        self.forgiven: dict[Lane, int] = {}
        self._fuse = fuse or Fuse()

    async def enter(self, entry: Entry) -> Entry:
        """See `Journal.enter`."""
        self._fuse.before()
        request, nonce = entry.request, entry.nonce
        held = [each for each in self.entries.values() if each.state is not State.RELEASED]
        if any(each.nonce == nonce for each in held):
            raise JournalConflict(f"nonce {nonce} is taken")
        key = request.idempotency_key
        if any(each.is_unsettled and each.request.idempotency_key == key for each in held):
            raise JournalConflict(f"{key} is in flight")
        entry = replace(entry, id=max(self.entries, default=0) + 1)
        self.entries[entry.id] = entry
        self._fuse.after()
        return entry

    async def save(self, entry: Entry) -> None:
        """See `Journal.save`."""
        self._fuse.before()
        self.entries[entry.id] = entry
        self._fuse.after()

    async def withdraw(self, entry: Entry) -> None:
        """See `Journal.withdraw`."""
        self._fuse.before()
        del self.entries[entry.id]
        self._fuse.after()

    async def conclude(self, entry: Entry, spend: Spend, stop: str | None) -> None:
        """See `Journal.conclude`."""
        self._fuse.before()
        self.entries[entry.id] = entry
        self.spends.append(spend)
        if stop is not None:
            self.stopped[spend.lane] = stop
        self._fuse.after()

    async def stop(self, lane: Lane, reason: str, since: Timestamp) -> None:
        """See `Journal.stop`."""
        del since
        self._fuse.before()
        self.stopped.setdefault(lane, reason)
        self._fuse.after()

    def reset(self, lane: Lane) -> None:
        """As an operator does it: what the lane spent so far no longer counts."""
        self.stopped.pop(lane, None)
        self.spends = [each for each in self.spends if each.lane is not lane]
        held = [each.nonce for each in self.entries.values() if each.state is not State.RELEASED]
        self.forgiven[lane] = max(held, default=-1) + 1

    async def account(self) -> Account:
        """See `Journal.account`."""
        self._fuse.before()
        hours: dict[tuple[Lane, int], Spent] = {}
        for each in self.spends:
            if each.nonce < self.forgiven.get(each.lane, 0):
                continue
            key = each.lane, each.hour
            hours[key] = hours.get(key, Spent()).plus(each)
        forgiven = dict(self.forgiven)
        return Account(hours=hours, stopped=dict(self.stopped), forgiven=forgiven)

    async def unfinished(self) -> tuple[Entry, ...]:
        """See `Journal.unfinished`."""
        self._fuse.before()
        ended = {State.FINAL, State.RELEASED}
        found = [each for each in self.entries.values() if each.state not in ended]
        return tuple(sorted(found, key=lambda entry: entry.nonce))

    async def next_nonce(self) -> int:
        """See `Journal.next_nonce`."""
        self._fuse.before()
        held = [each.nonce for each in self.entries.values() if each.state is not State.RELEASED]
        return max(held, default=-1) + 1


class PlainSigner:
    """Signs by writing down what it was asked to sign; `is_away`, it is out of reach."""

    address = KEY

    def __init__(self) -> None:
        self.is_away = False

    async def sign(self, transaction: Unsigned) -> Signed:
        """The bytes are JSON; the hash is of them."""
        if self.is_away:
            raise SigningFailed("no signature within 4 s")
        raw = json.dumps(
            {
                "nonce": transaction.nonce,
                "to": transaction.to,
                "data": transaction.data.hex(),
                "gas": transaction.gas_limit,
                "fee": transaction.fee.max_fee,
                "tip": transaction.fee.tip,
            }
        ).encode()
        return Signed(raw=raw, tx_hash=TxHash("0x" + hashlib.sha256(raw).hexdigest()))
