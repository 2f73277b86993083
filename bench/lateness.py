"""How many blocks late liquidations are: the fleet, the fleet without its router, a public bot.

Each run is a drill over the same hour of prices with the same crowd, in lock-step, and the referee
counts. There is nothing of this machine in it: the figures are blocks of the chain.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from bench.closed_by_hand import ClosedByHand
from bench.figure import Benchmark, Figure, Scale, Series
from bench.one_by_one import OneByOne
from devnet.demo.cast import FEEDER_ALONE, WHOLE, WITHOUT_ROUTER
from devnet.demo.drill import played
from devnet.demo.options import DemoOptions
from devnet.demo.shocks import NEAR_THE_LIMITS, deep_enough
from devnet.parameters import MARKETS
from devnet.tape import Tape, TapeRow
from units import BlockNumber, Rao, Timestamp

_FLEET: Final = "the whole fleet"
_AFTER_BREAK: Final = "the whole fleet, the market just opened by hand"
_PUBLIC: Final = "one eth_call a position, one a second"
_ROUTERLESS: Final = "the same fleet without the router"
_WAYS: Final[Mapping[str, DemoOptions]] = {
    _FLEET: DemoOptions(cast=WHOLE),
    _AFTER_BREAK: DemoOptions(cast=WHOLE, bystander=ClosedByHand),
    _ROUTERLESS: DemoOptions(cast=WITHOUT_ROUTER),
    _PUBLIC: DemoOptions(cast=FEEDER_ALONE, bystander=OneByOne),
}
_ROWS, _FALLS_AT_ROW = 34, 14


class NobodyFellError(Exception):
    """Nobody was liquidated by one of them: there is no lateness to compare."""


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """Blocks late, the mean and the largest of a run."""
    runs: list[dict[str, list[int]]] = []
    with TemporaryDirectory() as folder:
        hour = _hour(scale, Path(folder))
        for seed in range(1, scale.runs + 1):
            runs.append({name: await _late(hour, how, seed) for name, how in _WAYS.items()})
            tick()
    return (
        _figure("blocks late, mean", _mean, runs, (_FLEET, _ROUTERLESS)),
        _figure("blocks late, largest", _largest, runs, (_FLEET, _ROUTERLESS)),
        _figure("blocks late, mean, beside a public bot", _mean, runs, (_FLEET, _PUBLIC)),
        _figure("blocks late, largest, beside a public bot", _largest, runs, (_FLEET, _PUBLIC)),
        _figure("blocks late after a break, largest", _largest, runs, (_AFTER_BREAK, _PUBLIC)),
    )


def _hour(scale: Scale, folder: Path) -> DemoOptions:
    tape, start = scale.tape, scale.start
    if tape is None:
        tape, start = folder / "tape.csv", None
        _made_up().write(tape)
    return DemoOptions(
        out=folder,
        tape=tape,
        start=start,
        hours=1,
        traders=scale.traders,
        crowd=NEAR_THE_LIMITS,
        beta=deep_enough(scale.traders),
    )


def _made_up() -> Tape:
    """An hour in which every market falls by a fifth between two rows, and stays there."""
    return Tape.of_rows(
        TapeRow(
            block=BlockNumber(5_000_000 + 10 * row),
            time=Timestamp(1_735_689_600 + 120 * row),
            prices=dict.fromkeys(MARKETS, Rao(10**8 if row < _FALLS_AT_ROW else 8 * 10**7)),
        )
        for row in range(_ROWS)
    )


async def _late(hour: DemoOptions, how: DemoOptions, seed: int) -> list[int]:
    """How late each liquidation of a run was."""
    options = replace(hour, seed=seed, cast=how.cast, bystander=how.bystander)
    summary = await played(options, console=Console(file=StringIO()))
    late = [int(late) for late, count in summary["late_blocks"].items() for _ in range(count)]
    if not late:
        raise NobodyFellError("nobody fell in the hour of prices that was chosen")
    return late


def _figure(
    name: str,
    of: Callable[[list[int]], float],
    runs: Sequence[Mapping[str, list[int]]],
    pair: tuple[str, str],
) -> Figure:
    ours, theirs = pair
    return Figure(
        name=name,
        unit="blocks",
        fleet=Series(runs=tuple(of(run[ours]) for run in runs)),
        baseline=Series(runs=tuple(of(run[theirs]) for run in runs)),
        baseline_is=theirs,
        parts={"liquidations": mean(len(run[ours]) for run in runs)},
    )


def _mean(late: list[int]) -> float:
    return float(mean(late))


def _largest(late: list[int]) -> float:
    return float(max(late))


LATENESS = Benchmark(name="lateness", measure=measure)
