"""Killed at every single call to the chain or the journal, before it or after its effect.

The same day over and over: work of four kinds, a fee spike, blocks without room, a fork. Each time
the process dies at another call, in a second round once more while the next one recovers.
"""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from fleet.transactions.attempt import Ending, State
from fleet.transactions.request import Lane, TransactionRequest
from tests.unit.fleet.transactions.world import GWEI, Killed, World, request
from units import BlockNumber, Head, Wei

LIMIT = Wei(100_000 * 12 * GWEI)
CALM_BLOCKS = 12
DOOMED = b"doomed"


def works(head: BlockNumber) -> tuple[TransactionRequest, ...]:
    """What the caller wants at every head until it has happened."""
    return (
        request("tidy", lane=Lane.HOUSEKEEPING, spend_limit=LIMIT, subjects=("p",)),
        request("hasty", valid_until=BlockNumber(head + 2)),
        request("doomed", subjects=("q",)),
        request("price", lane=Lane.PRICE, subjects=("r",)),
    )


@dataclass
class Day:
    """One world and its caller, who is the same process as the sender."""

    world: World = field(default_factory=World)
    deaths: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.world.chain.rehearses = lambda data: data != DOOMED

    async def live(self, kills: tuple[tuple[int, bool], ...]) -> int:
        """The whole day; dies `calls` calls after the begin, or after the death before."""
        self.kills = list(kills)
        self._arm()
        chain = self.world.chain
        for base_fee, room in ((10, 1_000), (10, 0), (14, 0), (14, 1), (10, 1_000), (10, 1_000)):
            chain.base_fee = base_fee * GWEI
            await self._head(chain.mine(room))
        await self._head(chain.reorganise(1, is_lossy=True))
        self.world.fuse.clear()
        for _ in range(CALM_BLOCKS):
            await self._head(chain.mine())
        return self.deaths

    def _arm(self) -> None:
        self.world.fuse.clear()
        if self.kills:
            calls, is_after = self.kills.pop(0)
            self.world.fuse.set(calls, Killed(), is_after=is_after)

    async def _head(self, head: Head) -> None:
        try:
            await self.world.sender.settle(head)
            for work in works(head.number):
                if not self._has_succeeded(work.idempotency_key):
                    await self.world.sender.submit(work)
        except Killed:
            self.deaths += 1
            self.world.another_process()
            self._arm()

    def _has_succeeded(self, key: str) -> bool:
        return any(
            each.ending is Ending.SUCCEEDED and each.request.idempotency_key == key
            for each in self.world.journal.entries.values()
        )

    def check(self) -> None:
        """What makes sense happened once, and nothing else; no nonce and no cost is lost."""
        chain, journal = self.world.chain, self.world.journal
        assert Counter(self.world.payloads()) == {b"price": 1, b"hasty": 1, b"tidy": 1}
        assert not any(DOOMED.hex().encode() in raw for raw in chain.sent), "it never leaves"
        assert [found.nonce for found in chain.executed()] == list(range(len(chain.executed())))
        assert chain.pool == {}
        held = [e for e in journal.entries.values() if e.state is not State.RELEASED]
        assert all(each.ending is not None for each in held), "everything has its outcome"
        assert sorted(s.nonce for s in journal.spends) == sorted(each.nonce for each in held)
        paid = sum(21_000 * found.fee for found in chain.executed())
        assert sum(spend.fee for spend in journal.spends) == paid, "to the wei"


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("is_slow_to_quote", [False, True], ids=["", "simulated first"])
async def test_sender__killed_at_every_call__everything_ends_once(
    is_after: bool, is_slow_to_quote: bool
) -> None:
    calls = deaths = 0
    while calls < 1_000:
        calls += 1
        day = Day()
        day.world.chain.is_slow_to_quote = is_slow_to_quote
        if not await day.live(((calls, is_after),)):
            break
        deaths += 1
        day.check()
    assert deaths > 30, "the day is over before anything can happen"


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
async def test_sender__killed_at_every_call_and_again_at_the_next_ones__everything_ends_once(
    is_after: bool,
) -> None:
    twice = 0
    for first in range(1, 60, 4):
        for second in range(1, 16, 2):
            day = Day()
            twice += await day.live(((first, is_after), (second, not is_after))) > 1
            day.check()
    assert twice > 60, "hardly one died twice"
