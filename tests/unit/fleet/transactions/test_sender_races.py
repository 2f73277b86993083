"""The sender's calls at the same time: every port call may take its time, in any order."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Final,
    Lane,
    Settled,
    Submission,
    Submitted,
    Superseded,
)
from fleet.transactions.sender import Sender
from fleet.transactions.spending import SpendPolicy
from fleet.transactions.testing import MemoryJournal, PlainSigner, Silence, SimulatedChain
from tests.unit.fleet.transactions.world import GWEI, World, request
from units import BlockNumber, Head, Wei

SEEDS = 60
Call = Callable[..., Awaitable[Any]]


class Gate:
    """Stops one call of a port, when it is told to, and says that it has come."""

    def __init__(self) -> None:
        self.has_come = asyncio.Event()
        self.opens = asyncio.Event()

    def before(self, call: Call, is_meant: Callable[[Any], bool]) -> Call:
        async def gated(argument: Any) -> Any:
            if is_meant(argument):
                self.has_come.set()
                await self.opens.wait()
            return await call(argument)

        return gated


async def test_submit__what_stood_in_the_way_became_final_meanwhile__is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stranger has the first nonce, and a node that can't name him leaves that entry open."""
    world = World()
    world.chain.forgets_state = True
    world.chain.finality_lag = 0
    await world.submit("a", lane=Lane.HOUSEKEEPING)
    await world.submit("b", lane=Lane.HOUSEKEEPING)
    world.chain.intrude(0)
    head = world.chain.mine()
    world.chain.base_fee = 30 * GWEI
    look, bump = Gate(), Gate()
    saves = look.before(world.journal.save, lambda entry: entry.nonce == 1)
    monkeypatch.setattr(world.journal, "save", saves)
    sends = bump.before(world.chain.send_raw, lambda raw: b'"nonce": 0' in raw)
    monkeypatch.setattr(world.chain, "send_raw", sends)
    async with asyncio.TaskGroup() as tasks:
        settling = tasks.create_task(world.sender.settle(head))
        await look.has_come.wait()
        tasks.create_task(world.submit("price", lane=Lane.PRICE))
        await bump.has_come.wait()
        look.opens.set()
        (told,) = await settling
        bump.opens.set()
    assert isinstance(told.outcome, Final)
    assert [each.request.idempotency_key for each in await world.mine()] == ["price"]
    assert len(world.journal.spends) == 2, "nothing is booked twice"


async def test_submit__its_outcome_is_told_while_it_waits__was_decided_without_knowing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both need the journal read again; the settling that does it comes first, and tells."""
    world = World()
    world.chain.finality_lag = 0
    await world.submit()
    head, look = world.chain.mine(), Gate()
    world.fuse.set(1, Silence(), is_after=False)
    with pytest.raises(Silence):
        await world.sender.settle(head)
    monkeypatch.setattr(world.journal, "save", look.before(world.journal.save, lambda _: True))
    async with asyncio.TaskGroup() as tasks:
        settling = tasks.create_task(world.sender.settle(head))
        await look.has_come.wait()
        again = tasks.create_task(world.submit())
        await asyncio.sleep(0)
        look.opens.set()
    (told,) = settling.result()
    assert isinstance(told.outcome, Final)
    assert again.result() == AlreadyInFlight(tx_hash=told.tx_hash)
    await world.mine()
    assert world.payloads() == [b"work"]
    assert isinstance(await world.submit(), Submitted), "who has heard of it may ask anew"


class Restless:
    """A port whose every call lets the others go first for a while, before and after."""

    def __init__(self, port: object, chance: random.Random) -> None:
        self._port = port
        self._chance = chance

    def __getattr__(self, name: str) -> Call:
        call = getattr(self._port, name)

        async def restless(*args: Any, **kwargs: Any) -> Any:
            await self._dawdle()
            result = await call(*args, **kwargs)
            await self._dawdle()
            return result

        return restless

    async def _dawdle(self) -> None:
        for _ in range(self._chance.choice((0, 0, 1, 2, 7))):
            await asyncio.sleep(0)


class Bustle:
    """Callers, heads, forks and silences at once over one sender."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.chain = SimulatedChain(finality_lag=self.chance.choice((0, 1, 2, None)))
        self.chain.forgets_state = self.chance.random() < 0.3
        self.journal = MemoryJournal()
        self.told: Counter[int | str] = Counter()
        self.sender = self._sender()

    def _sender(self) -> Sender:
        spending = SpendPolicy(
            without_effect_max=dict.fromkeys(Lane, Wei(10**19)),
            with_effect_max=dict.fromkeys(Lane, Wei(10**19)),
        )
        chain: Any = Restless(self.chain, self.chance)
        journal: Any = Restless(self.journal, self.chance)
        return Sender(
            chain=chain,
            signer=PlainSigner(),
            journal=journal,
            chain_id=964,
            decode_revert=bytes.decode,
            policy=SenderPolicy(
                confirmations=3, mystery_blocks=6, hold_blocks_max=5, spending=spending
            ),
        )

    async def hand_in(self, number: int) -> None:
        for attempt in range(6):
            lane = self.chance.choice(tuple(Lane))
            head = self.chain.blocks[-1].head.number
            limit = self.chance.choice((None, Wei(100_000 * 13 * GWEI)))
            work = request(
                f"{number}",
                lane=lane,
                valid_until=BlockNumber(head + self.chance.randrange(1, 9)),
                spend_limit=limit,
                subjects=(f"{number % 3}",),
            )
            if not any(tx.data == work.data for tx in self.chain.executed()):
                await self._submitted(replace(work, purpose=f"attempt {attempt}"))
            for _ in range(self.chance.randrange(30)):
                await asyncio.sleep(0)

    async def _submitted(self, work: Any) -> Submission | None:
        call = asyncio.ensure_future(self.sender.submit(work))
        if self.chance.random() < 0.1:
            for _ in range(self.chance.randrange(40)):
                await asyncio.sleep(0)
            call.cancel()
        try:
            return await call
        except (Silence, asyncio.CancelledError):
            return None

    async def follow(self, blocks: int) -> None:
        for _ in range(blocks):
            self._weather()
            await self._settled(self._next_head())
            for _ in range(self.chance.randrange(20)):
                await asyncio.sleep(0)

    def _next_head(self) -> Head:
        if self.chance.random() < 0.15 and self._depth() > 0:
            is_lossy = self.chance.random() < 0.5
            return self.chain.reorganise(self.chance.randint(1, self._depth()), is_lossy=is_lossy)
        return self.chain.mine(self.chance.choice((0, 1, 3, 1_000)))

    def _depth(self) -> int:
        lag = 3 if self.chain.finality_lag is None else self.chain.finality_lag
        return min(lag - 1, len(self.chain.blocks) - 2)

    def _weather(self) -> None:
        self.chain.base_fee = self.chance.choice((10, 10, 12, 15, 40)) * GWEI
        if self.chance.random() < 0.1:
            self.chain.pool.clear()
        if self.chance.random() < 0.1:
            fee = self.chance.choice((GWEI, 10**12))
            self.chain.intrude(sum(len(block.transactions) for block in self.chain.blocks), fee)
        if self.chance.random() < 0.15:
            self.chain.fuse.set(self.chance.randint(1, 9), Silence(), is_after=False)
        self.chain.loses_answers = self.chance.random() < 0.2

    async def calm(self) -> None:
        self.chain.fuse.clear()
        self.chain.loses_answers, self.chain.base_fee = False, 10 * GWEI
        for _ in range(50):
            await self._settled(self.chain.mine())

    async def _settled(self, head: Head) -> None:
        try:
            settled = await self.sender.settle(head)
        except Silence:
            return
        for each in settled:
            self._hear(each)

    def _hear(self, settled: Settled) -> None:
        self.told[settled.tx_hash] += 1
        assert self.told[settled.tx_hash] == 1, "told twice"
        ran = any(tx.tx_hash == settled.tx_hash and tx.data for tx in self.chain.executed())
        assert ran == isinstance(settled.outcome, Final), "what is told is true"
        if isinstance(settled.outcome, Superseded):
            assert not any(tx.tx_hash == settled.tx_hash for tx in self.chain.executed())


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_sender__everything_at_once__ends_once_and_without_a_gap(seed: int) -> None:
    bustle = Bustle(seed)
    async with asyncio.TaskGroup() as tasks:
        for number in range(9):
            tasks.create_task(bustle.hand_in(number))
        tasks.create_task(bustle.follow(40))
    await bustle.calm()
    done = Counter(tx.data for tx in bustle.chain.executed() if tx.data)
    assert all(times == 1 for times in done.values()), "executed twice"
    assert await bustle.journal.unfinished() == (), "something never ends"
    ended = [each for each in bustle.journal.entries.values() if each.ending is not None]
    assert len(bustle.told) == len(ended), "every outcome is told"
    paid = [each for each in ended if each.inclusion is not None]
    assert len(bustle.journal.spends) == len(paid), "every cost is booked once"
    status = bustle.sender.status
    assert status is not None
    assert not status.is_held


async def test_submit__cancelled_while_it_cleared_the_way__asking_again_is_safe() -> None:
    """The price is out when the caller gives up: he can't know, the journal does."""
    world = World()
    world.chain.is_deaf = True
    await world.submit("tidy", lane=Lane.HOUSEKEEPING)
    world.chain.is_deaf = False
    gone = asyncio.CancelledError()
    world.fuse.set(4, gone, is_after=False)  # simulate, enter, send, → tidy is sent again
    with pytest.raises(asyncio.CancelledError):
        await world.submit("price", lane=Lane.PRICE)
    assert [found.data for found in world.chain.pool.values()] == [b"price"]
    assert isinstance(await world.submit("price", lane=Lane.PRICE), AlreadyInFlight)
    await world.mine()
    assert world.payloads() == [b"tidy", b"price"]


async def test_settle__a_long_life__nothing_is_kept_of_what_is_done_with() -> None:
    world = World()
    await world.sender.recover()
    for number in range(200):
        await world.submit(f"{number}")
        await world.mine(3)
    world.sender.inclusions()
    assert isinstance(await world.submit("last"), Submitted)
    await world.conclude()
    world.sender.inclusions()
    sizes = {name: size for name, size in _sizes(world.sender) if size > LEFT_MAX}
    assert sizes == {}


LEFT_MAX = 40
"""Of anything that grows with what was done, less is left than a fifth of it."""


def _sizes(root: object) -> list[tuple[str, int]]:
    """How many items every collection holds that the sender reaches, but for journal and chain."""
    found: list[tuple[str, int]] = []
    todo, seen = [("sender", root)], set()
    while todo:
        name, value = todo.pop()
        if id(value) in seen or isinstance(value, MemoryJournal | SimulatedChain):
            continue
        seen.add(id(value))
        if isinstance(value, dict | set | list | tuple | deque):
            found.append((name, len(value)))
        names = list(getattr(value, "__dict__", {}))
        names += [n for n in getattr(type(value), "__slots__", ()) if isinstance(n, str)]
        todo += [(f"{name}.{each}", getattr(value, each)) for each in names]
    return found
