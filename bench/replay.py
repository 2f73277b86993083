"""How much faster than time a replay is: in process, beside the same stretch on a devnet.

In process it is processor time of one core, with turns left out where nothing can be decided; on a
devnet it is the clock on the wall, because anvil and the fleet are processes of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

from bench.figure import Benchmark, Figure, Scale, Series
from replay.chain import ChainEngine
from replay.model import ModelEngine
from replay.records import BlockRecord
from replay.run import Prepared, ReplayOptions, observer_of, prepared
from units import BLOCK_TIME

_TRADERS_MAX: Final = 1_000
_HOURS_MAX: Final = 12
_CHAIN_BLOCKS: Final = 60
_SET_UP_BLOCKS: Final = 4
_ROOM: Final = "vault.reserves=100000"
"""So that nobody is refused for what the vault can bear: all of them hold positions."""


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Both engines, run for run."""
    traders = min(_TRADERS_MAX, scale.positions // 300)
    hours = max(_HOURS_MAX * traders // _TRADERS_MAX, 1)
    options = ReplayOptions(
        out=Path(),
        tape=scale.tape,
        start=scale.start,
        hours=hours,
        population="3x-cluster",
        traders=traders,
        words=(_ROOM, "vault.deposit_cap_global=1000000"),
    )
    modelled, chained, positions = [], [], 0
    for _ in range(scale.runs):
        speed, positions = await _in_process(prepared(options))
        modelled.append(speed)
        chained.append(await _on_chain(prepared(options)))
        tick()
    return (
        Figure(
            name=f"replay of {hours} h, {traders} traders, {positions} positions at its end",
            unit="× real time",
            fleet=Series(runs=tuple(modelled)),
            baseline=Series(runs=tuple(chained)),
            baseline_is=f"{_CHAIN_BLOCKS} blocks of it on a devnet (--engine chain)",
        ),
    )


async def _in_process(ready: Prepared) -> tuple[float, int]:
    """Times real time, and how many positions were open in the end."""
    engine, seen = ModelEngine(ready.setup), observer_of(ready.setup)

    def take(record: BlockRecord) -> None:
        is_due = seen.samples.is_due(record.head.number)
        seen.block(record, engine.vault() if is_due else None)

    began = process_time()
    await engine.run(take, seen.watch.lowest)
    return ready.setup.blocks * BLOCK_TIME / (process_time() - began), len(seen.watch)


async def _on_chain(ready: Prepared) -> float:
    """Times real time from the first block to the last; the set-up does not count."""
    stretch = replace(ready.setup.replay, blocks=_CHAIN_BLOCKS + _SET_UP_BLOCKS)
    setup = replace(ready.setup, replay=stretch)
    times: list[float] = []

    async def take(record: BlockRecord) -> None:
        del record
        times.append(perf_counter())

    with TemporaryDirectory() as folder:
        engine = ChainEngine(setup, ready.configuration, Path(folder))
        await engine.run(take, lambda: False)
    return (len(times) - 1) * BLOCK_TIME / (times[-1] - times[0])


REPLAY = Benchmark(name="replay", measure=measure)
