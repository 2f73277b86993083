"""A fleet put together: how it starts while nobody answers, and how it stops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode

from fleet.chain.failures import NodeUnavailable, WrongChain
from fleet.runtime.clock import SystemClock
from fleet.runtime.supervisor import Supervisor
from fleet.settings import Settings
from fleet.store.outbox import enqueue
from fleet.telemetry.messages import Message
from fleet.wiring.assembly import Assembly
from fleet.wiring.facts import BotName
from fleet.wiring.memory import Memory
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.rebuilds import RebuildReason
from tests.unit.fleet.wiring.scripted_node import ScriptedEndpoint, node_behind
from tests.unit.fleet.wiring.simulated import LOCKSTEP, Post, settings
from tests.unit.oracle.sources.endpoints import Endpoint, LoneSource
from tests.unit.oracle.sources.node import until
from units import BlockNumber, Timestamp

ALL = frozenset(BotName)


class Process:
    """One fleet and what it stands on."""

    def __init__(self, wanted: Settings, closing: AsyncExitStack, post: Post | None) -> None:
        self.endpoint = ScriptedEndpoint()
        self.subtensor = Endpoint()
        self.post = post
        node = node_behind(self.endpoint)
        self.memory = Memory(settings=wanted, node=node, clock=SystemClock(), closing=closing)
        self.assembly = Assembly(
            settings=wanted,
            node=node,
            source=LoneSource(self.subtensor),
            memory=self.memory,
            sender=post,
        )

    def sets_tiers(self, *tiers: int) -> None:
        self.endpoint.called = encode(["uint16[]"], [tiers])

    async def raise_alerts(self, count: int) -> None:
        messages = [
            Message(
                id=f"alert {number}",
                severity="inform",
                title="a title",
                body="a body",
                block=BlockNumber(1),
                created_at=Timestamp(1),
            )
            for number in range(count)
        ]
        async with (await self.memory.database()).writing() as connection:
            await enqueue(connection, messages)

    async def waiting_alerts(self) -> int:
        database = await self.memory.database()
        async with database.reading() as connection:
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM outbox WHERE settled_at IS NULL"
            )
            return int(found.scalar_one())


Start = Callable[..., Process]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as closing:

        def started(post: Post | None = None, **sections: Any) -> Process:
            evm = {"endpoints": [{"operator": "anvil", "url": "http://127.0.0.1:9"}]}
            wanted = settings(
                **{
                    "evm": evm | {"poll_s": 0.01},
                    "store": {"sqlite_file": str(tmp_path / "keepers.sqlite3")},
                    "runtime": {"grace_s": 60, "backoff_s_min": 0.001, "backoff_s_max": 0.01},
                }
                | sections
            )
            return Process(wanted, closing, post)

        yield started


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[bool]]:
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.run())
        yield task
        supervisor.stop()


async def test_supervisor__no_node_answers__keeps_trying_and_works_when_one_does(
    start: Start,
) -> None:
    post = Post()
    process = start(post)
    process.endpoint.is_down()
    process.sets_tiers(3_500, 2_500, 2_000)
    await process.assembly.read_tiers()
    with pytest.raises(NodeUnavailable, match="no answer in 5 s"):
        _ = process.assembly.warnings

    async with running(process.assembly.supervisor(ALL)) as run:
        await until(lambda: process.endpoint.asked.count("eth_chainId") > 5)
        assert not run.done()
        process.endpoint.outage = None
        await until(lambda: post.heads != [])
        await until(lambda: not isinstance(process.assembly._tiers, Unreadable))

    assert run.result() is True
    assert [tier.ratio_bps for tier in process.assembly.warnings._policy.tiers] == [
        3_500,
        2_500,
        2_000,
    ]


async def test_supervisor__a_node_of_another_chain__ends_the_process(start: Start) -> None:
    process = start(Post())
    process.endpoint.chain_id = 1
    await process.assembly.read_tiers()  # which must not hide it

    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(60):
            await process.assembly.supervisor(ALL).run()

    assert raised.group_contains(WrongChain, match="anvil serves chain 1, not 964")


async def test_stop__something_is_on_its_way__waits_for_its_outcome(start: Start) -> None:
    post = Post()
    process = start(post)
    post.send("push", settles_at=102)
    async with running(process.assembly.supervisor(frozenset({BotName.FUNDING}))) as run:
        await until(lambda: 100 in post.heads)
        asyncio.get_running_loop().call_later(0.05, setattr, process.endpoint, "height", 102)

    assert run.result() is True
    assert post.on_its_way == {}


async def test_stop__outcomes_do_not_come__gives_up_in_time_and_has_told_the_alerts(
    start: Start,
) -> None:
    post = Post()
    process = start(post, runtime={"grace_s": 3})
    post.send("push", settles_at=10**9)
    async with running(process.assembly.supervisor(frozenset({BotName.WARNINGS}))) as run:
        await until(lambda: 100 in post.heads)
        await process.raise_alerts(3)

    assert run.result() is False
    assert await process.waiting_alerts() == 0


async def test_stop__in_lockstep__waits_for_no_outcome(start: Start) -> None:
    post = Post()
    process = start(post, lockstep=LOCKSTEP)
    post.send("push", settles_at=10**9)
    await process.raise_alerts(2)

    async with asyncio.timeout(60):
        await process.assembly._ending(process.assembly._crew()).drain(tells=True)

    assert post.heads == []
    assert await process.waiting_alerts() == 0


async def test_stop__another_process_warns__leaves_the_alerts_to_it(start: Start) -> None:
    process = start(Post())
    await process.raise_alerts(2)
    bots = frozenset({BotName.FEEDER, BotName.LIQUIDATOR, BotName.FUNDING})
    async with running(process.assembly.supervisor(bots)):
        await asyncio.sleep(0.05)

    assert await process.waiting_alerts() == 2


async def test_stop__the_outbox_can_not_be_opened__is_no_error(start: Start) -> None:
    process = start()
    process.endpoint.is_down()

    async with asyncio.timeout(60):
        await process.assembly._ending(process.assembly._crew()).drain(tells=True)


async def test_supervisor__without_a_key_and_without_warnings__needs_no_database(
    start: Start, tmp_path: Path
) -> None:
    process = start()
    bots = frozenset({BotName.FEEDER, BotName.LIQUIDATOR, BotName.FUNDING})
    async with running(process.assembly.supervisor(bots)):
        await until(lambda: "eth_call" in process.endpoint.asked)

    assert files_in(tmp_path) == []


def files_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_tiers__set_by_the_operator__are_not_asked_for(start: Start) -> None:
    process = start(warnings={"tiers_bps": [3_000, 2_000]})

    await process.assembly.read_tiers()

    assert [tier.ratio_bps for tier in process.assembly.warnings._policy.tiers] == [3_000, 2_000]
    assert process.endpoint.asked == []


async def test_tiers__none_on_the_exchange__are_one_line_with_a_way_out(start: Start) -> None:
    process = start()
    process.sets_tiers()

    await process.assembly.read_tiers()

    with pytest.raises(NodeUnavailable, match=r"tiers are none: set warnings\.tiers_bps"):
        _ = process.assembly.warnings


async def test_warnings__of_a_daemon__are_one_keeper_until_other_tiers_are_set(
    start: Start,
) -> None:
    process = start()
    process.sets_tiers(3_500, 2_000)
    standing, counts = process.assembly._crew().warnings, process.assembly.follower.counts

    first = await standing()
    asked = process.endpoint.asked.count("eth_call")
    assert asked == len(process.assembly.settings.enabled_markets)
    assert await standing() is first
    assert process.endpoint.asked.count("eth_call") == asked

    process.sets_tiers(4_000, 3_000)
    rebuilt = replace(counts, rebuilds={RebuildReason.PARAMETERS: 1})
    process.assembly.follower._counts = rebuilt
    assert [tier.ratio_bps for tier in (await standing())._policy.tiers] == [4_000, 3_000]


async def test_outcomes__without_a_key__are_none(start: Start) -> None:
    assert [each async for each in start().assembly.outcomes()] == []


async def test_account__without_a_key__everything_is_a_dry_run(start: Start) -> None:
    dry, wet = start().assembly, start(Post()).assembly

    assert (dry.account, await dry.balance()) == (None, None)
    assert (wet.account, await wet.balance()) == (Post.account, 0)
