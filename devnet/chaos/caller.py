"""The caller in the doomed process: asks for the pieces that have not ended, hears what became.

It believes three things: what the sender tells it, what the journal says when a new process
starts, and its own notes about what was refused. It never asks anew for a piece that has ended.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from devnet.chaos.workload import LANDED, REFUSED, Piece, piece_number, request_of
from fleet.chain.failures import ChainError
from fleet.transactions.request import Final, Lane, Outcome, Refused, Settled
from fleet.transactions.sender import Sender
from units import Head

REVERTS = "the tally refuses it"
"""How a revert in simulation reads; any other refusal means: not now."""


class Notes:
    """What the caller has heard, a line a piece, kept across its deaths.

    One write a line: a killed process leaves whole lines behind.
    """

    def __init__(self, path: Path, *, life: int) -> None:
        self._path = path
        self._life = life

    def write(self, piece: int, ending: str) -> None:
        """The piece has ended so."""
        line = json.dumps({"piece": piece, "ending": ending, "life": self._life})
        with self._path.open("a") as file:
            file.write(line + "\n")


def read_notes(path: Path) -> list[tuple[int, str]]:
    """Every piece and ending noted so far, in order; none before the first."""
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(int(line["piece"]), str(line["ending"])) for line in lines]


class Caller:
    """Works through the pieces with one sender."""

    def __init__(
        self,
        *,
        sender: Sender,
        pieces: Iterable[Piece],
        ended: Iterable[int],
        lane_in_flight_max: Mapping[Lane, int],
        notes: Notes,
    ) -> None:
        self._sender = sender
        self._open = {piece.number: piece for piece in pieces}
        for number in ended:
            self._open.pop(number, None)
        self._lane_in_flight_max = lane_in_flight_max
        self._notes = notes
        self._waiting: dict[int, Lane] = {}

    @property
    def is_done(self) -> bool:
        """Has every piece ended?"""
        return not self._open

    async def step(self, head: Head, until: int | None = None) -> None:
        """Hears what became of earlier pieces, then asks for as many as the lanes take.

        `until`: only pieces below that number are there to be done yet.
        """
        for settled in await self._sender.settle(head):
            self._hear(settled)
        async with asyncio.TaskGroup() as tasks:
            for piece in self._next(until):
                tasks.create_task(self._ask(piece, head), name=piece.key)

    def _next(self, until: int | None) -> list[Piece]:
        taken, found = Counter(self._waiting.values()), []
        for piece in self._open.values():
            if until is not None and piece.number >= until:
                continue
            is_waiting = piece.number in self._waiting
            if not is_waiting and taken[piece.lane] < self._lane_in_flight_max[piece.lane]:
                taken[piece.lane] += 1
                found.append(piece)
        return found

    async def _ask(self, piece: Piece, head: Head) -> None:
        try:
            answer = await self._sender.submit(request_of(piece, head.number))
        except ChainError:  # nobody answered: the journal knows what came of it
            return
        if not isinstance(answer, Refused):
            self._waiting[piece.number] = piece.lane
        elif answer.reason == REVERTS:
            self._end(piece.number, REFUSED)

    def _hear(self, settled: Settled) -> None:
        number = piece_number(settled.request.idempotency_key)
        if number is not None:
            self._end(number, _ending_of(settled.outcome))

    def _end(self, number: int, ending: str) -> None:
        self._notes.write(number, ending)
        self._waiting.pop(number, None)
        self._open.pop(number, None)


def _ending_of(outcome: Outcome) -> str:
    """In the journal's word."""
    return LANDED if isinstance(outcome, Final) else type(outcome).__name__.lower()
