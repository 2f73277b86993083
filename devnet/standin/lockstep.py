"""Lock-step: the world makes block n+1 only after every participant has finished block n.

Participants are released one after the other, in their order. Knows no sockets; a connection
joins and leaves through `Seat`s.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from units import BlockNumber


class ParticipantKind(StrEnum):
    """What wakes a participant: the best block of chain 964, or Subtensor's finalized head."""

    HEAD = "head"
    FINALIZED = "finalized"


class LateParticipantError(Exception):
    """A participant did not finish its block in time; the text names it."""


class AlreadyJoinedError(Exception):
    """Somebody takes part under that name."""


class NotJoinedError(Exception):
    """Nobody takes part under that name on this connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One bot that takes part; lower `order` goes first, equal ones go by name."""

    name: str
    kind: ParticipantKind
    order: int


@dataclass(slots=True, kw_only=True)
class _Seat:
    participant: Participant
    owner: object
    release: Callable[[str, BlockNumber], None]
    finished: int = -1
    has_left: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for(self, block: BlockNumber) -> None:
        while not self.has_left and self.finished < block:
            self.changed.clear()
            await self.changed.wait()


class LockStep:
    """Who takes part, and the turn of each.

    `publish(finalized)` shows the finalized head to its subscribers and returns whether it is a
    new one.
    """

    def __init__(self, *, publish: Callable[[BlockNumber], bool], turn_s_max: float = 60.0) -> None:
        self._publish = publish
        self._turn_s_max = turn_s_max
        self._seats: dict[str, _Seat] = {}
        self._roll_changed = asyncio.Event()

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Who takes part now, in the order of their turns."""
        return tuple(seat.participant for seat in self._in_order())

    def join(
        self,
        participant: Participant,
        *,
        owner: object,
        release: Callable[[str, BlockNumber], None],
    ) -> None:
        """Take part from the next release on.

        `owner` is who joins (a connection); `release(name, block)` tells it that its turn has
        come (head kind only).

        Raises:
            AlreadyJoinedError: the name is taken.
        """
        if participant.name in self._seats:
            raise AlreadyJoinedError(participant.name)
        self._seats[participant.name] = _Seat(participant=participant, owner=owner, release=release)
        self._roll_changed.set()

    def leave(self, owner: object) -> None:
        """The owner is gone, and with it all who joined by it; nobody waits for them any more."""
        for name, seat in list(self._seats.items()):
            if seat.owner is owner:
                del self._seats[name]
                seat.has_left = True
                seat.changed.set()

    def finished(self, name: str, block: BlockNumber, *, owner: object) -> None:
        """A participant is done with a block, and with all before it.

        Raises:
            NotJoinedError: this owner did not join by that name.
        """
        seat = self._seats.get(name)
        if seat is None or seat.owner is not owner:
            raise NotJoinedError(name)
        seat.finished = max(seat.finished, block)
        seat.changed.set()

    async def wait_joined(self, names: frozenset[str], *, timeout_s: float) -> None:
        """Wait until all these names take part.

        Raises:
            LateParticipantError: some did not join in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not names <= self._seats.keys():
                    self._roll_changed.clear()
                    await self._roll_changed.wait()
        except TimeoutError:
            missing = ", ".join(sorted(names - self._seats.keys()))
            raise LateParticipantError(f"did not join within {timeout_s:g} s: {missing}") from None

    async def wait_finished(self, finalized: BlockNumber) -> None:
        """Wait until every participant of kind finalized has finished a head.

        For the start of a run: a subscription begins with the present head, out of turn; this lets
        it be dealt with before the first release.

        Raises:
            LateParticipantError: as `release`.
        """
        for seat in self._in_order():
            if seat.participant.kind is ParticipantKind.FINALIZED:
                await self._turn(seat, finalized, tell=False)

    async def release(self, best: BlockNumber, finalized: BlockNumber) -> None:
        """Give every participant its turn at one block, each after the one before has finished.

        Head kind gets `best`. Finalized kind is woken by the finalized head, which is shown at the
        turn of the first of them (at once where there is none) and so wakes all of them, and is
        waited for only when it is a new one. Who joins meanwhile is in from the next release on.

        Raises:
            LateParticipantError: a participant neither finished nor left in time.
        """
        seats = self._in_order()
        is_published = False
        if not any(seat.participant.kind is ParticipantKind.FINALIZED for seat in seats):
            self._publish(finalized)
        for seat in seats:
            match seat.participant.kind:
                case ParticipantKind.HEAD:
                    await self._turn(seat, best, tell=True)
                case ParticipantKind.FINALIZED:
                    is_published = is_published or self._publish(finalized)
                    if is_published:
                        await self._turn(seat, finalized, tell=False)
                case never:
                    assert_never(never)

    def _in_order(self) -> list[_Seat]:
        def turn(seat: _Seat) -> tuple[int, str]:
            return seat.participant.order, seat.participant.name

        return sorted(self._seats.values(), key=turn)

    async def _turn(self, seat: _Seat, block: BlockNumber, *, tell: bool) -> None:
        if seat.has_left:
            return
        name = seat.participant.name
        if tell:
            seat.release(name, block)
        try:
            async with asyncio.timeout(self._turn_s_max):
                await seat.wait_for(block)
        except TimeoutError:
            raise LateParticipantError(
                f"{name} did not finish block {block} within {self._turn_s_max:g} s"
            ) from None
