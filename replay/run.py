"""One run from its options to its files: summary.json, report.html, and a table on the terminal."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from devnet.arbitrageur import Arbitrageur
from devnet.demo.child import FleetDiedError
from devnet.failure import DevnetError, DevnetInputError, one_line
from devnet.files import write_json, write_whole
from devnet.replay import Replay, open_replay
from devnet.stopping import stop_on_signals
from devnet.tape import HOLE_BLOCKS_MAX
from devnet.world import SET_UP_BLOCKS
from fleet.wiring import policies
from keepers.liquidation.margin import project_index, remaining_margin
from replay.chain import ChainEngine, listed_markets
from replay.configuration import Configuration, ReplayInputError, configured
from replay.exchange.trading import position_id
from replay.model import ModelEngine
from replay.observer import Observer
from replay.populations import Scene, minds
from replay.records import BlockRecord
from replay.report import report
from replay.setup import Setup
from replay.summary import Ended, summarize
from units import BlockNumber

Advanced = Callable[[int, int], None]
"""Told after every block: how many are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What to replay.

    Attributes:
        tape: recorded prices; None makes a tape up.
        start: ISO 8601 time on the tape to begin at; None = its start.
        hours: hours of chain time; 0 = all that the tape has.
        out: folder of summary.json and report.html, and of a devnet's files.
        network: the fleet's configuration; None = that of a devnet.
        population: a preset, or a CSV file of positions.
        traders: how many a preset makes.
        seed: of the traders and of a made-up tape.
        words: `key=value`, laid over the configuration and the exchange's parameters.
        engine: model or chain.
        gap_blocks_max: the longest hole of the tape that is bridged.
    """

    out: Path
    tape: Path | None = None
    start: str | None = None
    hours: int = 24
    network: Path | None = None
    population: str = "calm"
    traders: int = 300
    seed: int = 1
    words: tuple[str, ...] = ()
    engine: str = "model"
    gap_blocks_max: int = HOLE_BLOCKS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything a run needs, read and checked."""

    replay: Replay
    configuration: Configuration
    setup: Setup


def prepared(options: ReplayOptions) -> Prepared:
    """Reads tape, configuration and population.

    Raises:
        DevnetInputError: one line with what is wrong, and in which row.
    """
    with one_line():
        try:
            return _prepared(options)
        except ReplayInputError as error:
            raise DevnetInputError(str(error)) from error


async def run(options: ReplayOptions, advanced: Advanced) -> dict[str, Any]:
    """Runs it and writes its files; returns the summary.

    Raises:
        DevnetError: it can't be, or could not be run to its end; then no file is written.
    """
    began = perf_counter()
    ready = prepared(options)
    for name in ("summary.json", "report.html"):
        (options.out / name).unlink(missing_ok=True)
    seen = observer_of(ready.setup)
    with one_line():
        if options.engine == "chain":
            ended = await _on_chain(options, ready, seen, advanced)
        else:
            ended = await _in_process(ready, seen, advanced)
    seen.feed.finish()
    summary = summarize(
        seen,
        Ended(
            engine=options.engine,
            population=Path(options.population).name,
            words=options.words,
            seconds=perf_counter() - began,
            **ended,
        ),
    )
    write_whole(options.out / "report.html", report(seen, summary))
    write_json(options.out / "summary.json", summary)
    return summary


def _prepared(options: ReplayOptions) -> Prepared:
    replay = open_replay(
        path=options.tape,
        start=options.start,
        hours=options.hours,
        seed=options.seed,
        hole_blocks_max=options.gap_blocks_max,
    )
    start = BlockNumber(replay.first + SET_UP_BLOCKS)
    configuration = configured(options.network, options.words, replay.tape, start)
    scene = Scene(
        tape=replay.tape,
        start=start,
        blocks=replay.blocks - SET_UP_BLOCKS - 1,
        settings=configuration.settings,
        terms=configuration.beta.market,
    )
    setup = Setup(
        replay=replay,
        settings=configuration.settings,
        beta=configuration.beta,
        minds=minds(options.population, scene=scene, count=options.traders, seed=options.seed),
        seed=options.seed,
    )
    return Prepared(replay=replay, configuration=configuration, setup=setup)


def observer_of(setup: Setup) -> Observer:
    """The eyes of a run, before its first block."""
    policy = policies.warnings(setup.settings, setup.beta.warning_tiers_bps)
    return Observer(setup, policy, listed_markets(setup))


async def _in_process(ready: Prepared, seen: Observer, advanced: Advanced) -> dict[str, Any]:
    setup = ready.setup
    engine = ModelEngine(setup)

    def observe(record: BlockRecord) -> None:
        number = record.head.number
        seen.block(record, engine.vault() if seen.samples.is_due(number) else None)
        advanced(number - setup.start, setup.blocks)

    await engine.run(observe, seen.watch.lowest)
    free = {holder: account.free for holder, account in engine.exchange.accounts.items()}
    return {
        "vault": engine.vault(),
        "counts": engine.traders.counts,
        **_arbitrage(setup, seen, free),
    }


async def _on_chain(
    options: ReplayOptions, ready: Prepared, seen: Observer, advanced: Advanced
) -> dict[str, Any]:
    setup = ready.setup
    options.out.mkdir(parents=True, exist_ok=True)
    engine = ChainEngine(setup, ready.configuration, options.out)
    with stop_on_signals() as stop:

        async def observe(record: BlockRecord) -> None:
            number = record.head.number
            vault = await engine.vault() if seen.samples.is_due(number) else None
            seen.block(record, vault)
            advanced(number - setup.start, setup.blocks)

        try:
            ended = await engine.run(observe, stop.is_set)
        except FleetDiedError as error:
            raise DevnetError(str(error)) from error
    free = dict(zip(setup.holders, ended.free_balances, strict=True))
    return {
        "vault": ended.vault,
        "counts": ended.counts,
        **_arbitrage(setup, seen, free),
    }


def _arbitrage(setup: Setup, seen: Observer, free: Mapping[bytes, int]) -> dict[str, int]:
    """What the arbitrageurs have, their positions at the feed's price, beyond what they put in."""
    pairs = zip(setup.holders, setup.minds, strict=True)
    found = [(holder, mind) for holder, mind in pairs if isinstance(mind, Arbitrageur)]
    now = seen.setup.replay.tape.time_at(BlockNumber(setup.start + setup.blocks))
    took = 0
    for holder, mind in found:
        took += free.get(holder, 0) - mind.deposited
        position = seen.positions.get(position_id(holder, mind.plan.netuid))
        if position is not None:
            market = seen.markets[position.netuid]
            index = project_index(market, now)
            took += max(remaining_margin(position, market.feed.price, index), 0)
    return {"arbitrageurs": len(found), "taken_by_arbitrageurs": took}


def run_blocking(options: ReplayOptions, advanced: Advanced) -> dict[str, Any]:
    """The same without an event loop around it."""
    return asyncio.run(run(options, advanced))
