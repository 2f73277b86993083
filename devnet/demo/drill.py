"""`keepers demo`: the real fleet, as a child process, over a local chain in lock-step, judged.

The world starts in this process, the fleet joins, every block is watched by the referee, and what
came of it is written down before anything is said about success.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import Console

from devnet.audit.lateness import Capacity
from devnet.audit.ledger import name_of
from devnet.audit.referee import RefereePolicy
from devnet.audit.watch import Audit
from devnet.base_fee import GAS_LIMIT
from devnet.demo.child import FleetDiedError, FleetProcess, fleet_command, running_fleet
from devnet.demo.lead import advance, check_goes_on, end, joined
from devnet.demo.options import DemoOptions
from devnet.demo.progress import Progress, clock, print_summary
from devnet.demo.promises import dust_of, promises
from devnet.demo.summary import Drill, failures, summarize
from devnet.demo.webhook import Inbox, listening_webhook
from devnet.failure import DevnetError, one_line
from devnet.files import write_json
from devnet.replay import Replay, open_replay
from devnet.state import FleetOptions, StateFiles, write_state
from devnet.stopping import stop_on_signals
from devnet.views import ExchangeViews
from devnet.world import FINALITY_BLOCKS, SET_UP_BLOCKS, World, WorldOptions, running_world
from fleet.settings import Settings, load

_EVERY_ALERT = {"telemetry": {"storm_messages_max": 1_000_000}}
"""The referee counts alerts, so none may be told together with others."""

CAPACITY = Capacity(gas_each=42_000, gas_share=GAS_LIMIT // 2)
"""For the referee's allowance: what one liquidation costs in a batch, and half of a block."""

_QUIET_SECONDS_MAX = 20
"""Without a single alert for so long, no more are waited for."""


async def run(options: DemoOptions, *, console: Console | None = None) -> dict[str, Any]:
    """Runs a drill and returns its summary, which is also in `options.summary`.

    Raises:
        DevnetError: it could not be run to its end, or it has failed; one line says why.
    """
    screen = console or Console()
    summary = await played(options, console=screen)
    print_summary(screen, summary)
    for name, path in (("summary", options.summary), ("fleet's log", options.log)):
        screen.print(f"{name}: {path}", highlight=False, soft_wrap=True)
    reasons = failures(summary)
    if reasons:
        raise DevnetError(f"the drill has failed: {'; '.join(reasons)}")
    return summary


async def played(options: DemoOptions, *, console: Console) -> dict[str, Any]:
    """Runs a drill and returns its summary, whatever it says.

    Raises:
        DevnetError: it could not be run to its end; one line says why.
    """
    with one_line(), stop_on_signals() as stop:
        replay = open_replay(
            path=options.tape, start=options.start, hours=options.hours, seed=options.seed
        )
        for hole in replay.holes:
            console.print(f"{replay.tape.name}: {hole}", highlight=False, soft_wrap=True)
        options.out.mkdir(parents=True, exist_ok=True)
        options.summary.unlink(missing_ok=True)
        try:
            return await _drill(options, replay, stop, console)
        except FleetDiedError as error:
            raise DevnetError(str(error)) from error


async def _drill(
    options: DemoOptions, replay: Replay, stop: asyncio.Event, console: Console
) -> dict[str, Any]:
    begun = asyncio.get_running_loop().time()
    world_options = WorldOptions(
        tape=replay.tape,
        first=replay.first,
        blocks=replay.blocks - SET_UP_BLOCKS - 1,
        traders=options.traders,
        seed=options.seed,
        crowd=options.crowd,
        beta=options.beta,
    )
    files = StateFiles(state=options.state)
    files.forget()
    async with running_world(world_options) as world, listening_webhook() as inbox:
        cast = options.cast
        fleet_options = FleetOptions(
            is_in_step=True,
            notify_urls=(inbox.url,),
            log_format="json",
            sections=_EVERY_ALERT,
            has_router=cast.has_router,
        )
        await write_state(world, files, fleet_options)
        audit = await _begin_audit(world, load(files.network))
        if options.bystander is not None:
            world.watchers.append(options.bystander(world))
        command = fleet_command(files.network, *cast.bots)
        async with running_fleet(command, options.log) as fleet:
            await joined(world, fleet, stop.is_set, cast.participants)
            with Progress(
                console=console,
                world=world,
                audit=audit,
                inbox=inbox,
                blocks=world_options.blocks,
            ) as progress:
                await _drive(world, fleet, stop, cast.participants, progress.block_done)
            await audit.finish(world.head.head)
            await _told(inbox, audit, stop)
            check_goes_on(world, stop.is_set)
            await end(fleet)
            audit.hear(inbox)
        seconds = asyncio.get_running_loop().time() - begun
        facts = _facts(options, replay, world, fleet, seconds)
        summary = summarize(facts, audit, inbox, world.traders.counts)
    write_json(options.summary, summary)
    return summary


async def _begin_audit(world: World, settings: Settings) -> Audit:
    audit = await Audit.begin(
        head=world.head.head,
        views=ExchangeViews(world.node, world.deployment),
        tape=world.options.tape,
        contracts=world.deployment.contracts,
        policy=RefereePolicy(
            promises=promises(settings),
            pins={one.netuid: one.registered_at for one in settings.markets},
            tiers=world.options.beta.warning_tiers_bps,
            capacity=replace(
                CAPACITY,
                dust=dust_of(settings),
                shortfall_ppm=settings.oracle.risk_shortfall_ppm,
            ),
            finality_blocks=FINALITY_BLOCKS,
            fleet=frozenset(one.address.lower() for one in world.fleet.by_workload.values()),
        ),
        traders=tuple(trader.account.address for trader in world.traders.traders),
    )
    world.watchers.append(audit.watch)
    return audit


async def _drive(
    world: World,
    fleet: FleetProcess,
    stop: asyncio.Event,
    bots: frozenset[str],
    block_done: Callable[[], None],
) -> None:
    last = world.start + world.options.blocks
    while world.head.head.number < last:
        await advance(world, fleet, bots)
        block_done()
        check_goes_on(world, stop.is_set)


async def _told(inbox: Inbox, audit: Audit, stop: asyncio.Event) -> None:
    """Waits while liquidations are still being told.

    Alerts go out at the clock's pace, not at the chain's, and after a shock more of them wait than
    the fleet's grace has time for.
    """
    owed = {name_of(key) for key in audit.referee.tiers.liquidated}
    quiet_s = 0
    while quiet_s < _QUIET_SECONDS_MAX and not owed <= inbox.liquidated and not stop.is_set():
        before = inbox.deliveries
        await asyncio.sleep(1)
        quiet_s = quiet_s + 1 if inbox.deliveries == before else 0


def _facts(
    options: DemoOptions, replay: Replay, world: World, fleet: FleetProcess, seconds: float
) -> Drill:
    return Drill(
        tape=world.options.tape.name,
        start=clock(world.options.tape.time_at(world.start)),
        hours=options.hours,
        blocks=world.head.head.number - world.start,
        holes=replay.holes,
        traders=options.traders,
        seed=options.seed,
        seconds=seconds,
        warnings_collected=fleet.warnings_collected(),
    )
