"""Looks after what was sent until it has its outcome: at every head, and before a process ends."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.clock import Clock
from fleet.transactions.attempt import State
from fleet.transactions.request import Included, Lane, Settled
from fleet.transactions.sender import SenderStatus
from fleet.transactions.spending import Spent
from units import Address, BlockNumber, Head, Wei

KEY_BLOCKS = 25
"""At most every so many blocks, five minutes, the key's balance is looked at."""


class Settles(Protocol):
    """One key's sender; `fleet.transactions.sender.Sender` is one.

    Raises ChainError, and SQLAlchemyError for its journal.
    """

    @property
    def account(self) -> Address:
        """Whose key it is."""
        ...

    @property
    def status(self) -> SenderStatus | None:
        """How it stands; None before the journal was read."""
        ...

    async def settle(self, head: Head) -> tuple[Settled, ...]:
        """The outcomes that became known; resends what is stuck."""
        ...

    def inclusions(self) -> tuple[Included, ...]:
        """What was seen in a block since the last call."""
        ...


class KeyReads(Protocol):
    """What the chain knows of a key; `fleet.chain.node.Node` is one. Raises ChainError."""

    async def head(self) -> Head:
        """The latest block."""
        ...

    async def transaction_count(self, account: Address, block: BlockNumber) -> int:
        """Its next nonce at the end of a block."""
        ...

    async def balance(self, account: Address, block: BlockNumber) -> Wei:
        """What it can pay with at the end of a block."""
        ...


Record = Callable[[Included | Settled], None]
"""Hears of every inclusion and of every outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """The key that pays: its balance, and how far its nonces are ahead of the chain."""

    address: Address
    balance: Wei
    nonce_gap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledOutcomes:
    """What became known of transactions at one block, and what is still on its way by lane.

    `unsettled` is all that has no outcome, by how far it has come.
    `included` stand in a block and have no outcome yet; `settled` have one. `day` is what each
    lane spent in a day, `stopped` are those that may not go on, and why.
    `key` is None when it was not looked at.
    """

    head: Head
    settled: tuple[Settled, ...]
    in_flight: Mapping[Lane, int]
    unsettled: Mapping[State, int] = field(default_factory=dict)
    included: tuple[Included, ...] = ()
    day: Mapping[Lane, Spent] = field(default_factory=dict)
    stopped: Mapping[Lane, str] = field(default_factory=dict)
    key: KeyState | None = None


class KeyWatch:
    """Looks at the key now and then: at the first head, and every so many blocks."""

    def __init__(self, *, sender: Settles, node: KeyReads) -> None:
        self._sender = sender
        self._node = node
        self._looked_at: BlockNumber | None = None

    async def look(self, head: Head) -> KeyState | None:
        """How the key stands; None when it was looked at lately, or can't be seen now."""
        status, last = self._sender.status, self._looked_at
        if status is None or (last is not None and abs(head.number - last) < KEY_BLOCKS):
            return None
        account, block = self._sender.account, head.number
        try:
            used = await self._node.transaction_count(account, block)
            balance = await self._node.balance(account, block)
        except ChainError:
            return None  # it must not cost the outcomes that were settled just now
        self._looked_at = head.number
        return KeyState(
            address=self._sender.account, balance=balance, nonce_gap=status.next_nonce - used
        )


async def settle(sender: Settles, head: Head, record: Record) -> SettledOutcomes:
    """Looks after what is in flight, and tells what became of it."""
    settled = await sender.settle(head)
    included = sender.inclusions()
    news: list[Included | Settled] = [*included, *settled]
    for each in news:
        record(each)
    status = sender.status
    return SettledOutcomes(
        head=head,
        included=included,
        settled=settled,
        in_flight={} if status is None else status.in_flight,
        unsettled={} if status is None else status.unsettled,
        day={} if status is None else status.day,
        stopped={} if status is None else status.stopped,
    )


async def settle_all(
    sender: Settles,
    node: KeyReads,
    record: Record,
    *,
    clock: Clock,
    poll_s: float,
    is_done: Callable[[Settles], bool],
) -> AsyncIterator[Included | Settled]:
    """What becomes of everything that was sent, as it becomes known, until `is_done`.

    A node or a store that does not answer is asked again at the next poll: the caller sets the
    limit.
    """
    while True:
        try:
            outcomes = await settle(sender, await node.head(), record)
        except (ChainError, SQLAlchemyError):
            await clock.sleep(poll_s)
            continue
        for each in outcomes.included:
            yield each
        for settled in outcomes.settled:
            yield settled
        if is_done(sender):
            return
        await clock.sleep(poll_s)


def is_all_settled(sender: Settles) -> bool:
    """Whether everything has its outcome. A journal that is unread may hold some without."""
    return sender.status is not None and not sender.status.unsettled


def is_all_included(sender: Settles) -> bool:
    """Whether everything is in a block, final or not."""
    return sender.status is not None and not any(sender.status.in_flight.values())
