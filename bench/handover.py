"""From hand-over to accepted by the node: how long a caller waits for one transaction.

The senders take turns, transaction by transaction, on one node; a block comes after every
`_A_BLOCK` of each. Ours has simulated and journaled what it hands over; the others have not: web3,
and the least that a hand-over can take (`bare`), which says what this machine allows. What a disk
takes at least to keep something is measured beside it: a page written and synced.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median
from time import perf_counter, process_time

from bench.bare import BareSender
from bench.figure import Benchmark, Figure, Scale, Series, percentile
from bench.fleet_sender import FleetSender, opened_sender
from bench.ground import BARE_FIRST, PLAIN_FIRST, Ground, WorkMissingError, opened
from bench.plain import PlainSender
from fleet.transactions.request import Submitted

_A_BLOCK = 8
_MILLISECONDS = 1_000
_PAGE = bytes(4_096)
_BASELINE = "web3.py filling in nonce, gas, fee and chain id, eth-account signing"
_BARE = "words encoded directly, coincurve, one aiohttp POST: neither simulated nor journaled"


@dataclass(slots=True)
class _Samples:
    """Of one run: milliseconds on the clock and on the processor, a number a transaction."""

    elapsed: list[float] = field(default_factory=list)
    computed: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """The body is one hand-over."""
        clock, processor = perf_counter(), process_time()
        yield
        self.elapsed.append((perf_counter() - clock) * _MILLISECONDS)
        self.computed.append((process_time() - processor) * _MILLISECONDS)


@dataclass(slots=True)
class _Disk:
    """A file, and milliseconds of each sync."""

    file: int
    elapsed: list[float] = field(default_factory=list)

    def sync(self) -> None:
        """Adds a page and waits until the disk has it."""
        began = perf_counter()
        os.write(self.file, _PAGE)
        os.fsync(self.file)
        self.elapsed.append((perf_counter() - began) * _MILLISECONDS)


@contextlib.contextmanager
def _open_disk(folder: Path) -> Iterator[_Disk]:
    with (folder / "pages").open("wb", buffering=0) as pages:
        yield _Disk(pages.fileno())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    fleet: _Samples
    plain: _Samples
    bare: _Samples
    journal: list[float]
    syncs: list[float]
    parts: dict[str, float]


async def measure(scale: Scale, tick: Callable[[], None]) -> Sequence[Figure]:
    """p50 and p99 in milliseconds, and the processor time of this process, without the node's."""
    runs = []
    for _ in range(scale.runs):
        async with opened() as ground, opened_sender(ground) as fleet:
            runs.append(await _take_turns(ground, fleet, scale.transactions))
        tick()
    parts = {name: median(run.parts[name] for run in runs) for name in runs[0].parts}
    return (
        _figure("hand-over to accepted, p50", runs, lambda each: percentile(each.elapsed, 50)),
        _figure("hand-over to accepted, p99", runs, lambda each: percentile(each.elapsed, 99)),
        replace(
            _figure("hand-over to accepted, mean", runs, lambda each: mean(each.elapsed)),
            parts=parts,
        ),
        _figure("processor time a hand-over", runs, lambda each: mean(each.computed)),
        *(_beside_bare(percent, runs) for percent in (50, 99)),
        *(
            Figure(
                name=f"journal of a hand-over, p{percent}",
                unit="ms",
                fleet=Series(runs=tuple(percentile(run.journal, percent) for run in runs)),
                baseline=Series(runs=tuple(percentile(run.syncs, percent) for run in runs)),
                baseline_is="one page of 4 KiB written to the same disk, and fsync",
            )
            for percent in (50, 99)
        ),
    )


def _figure(name: str, runs: Sequence[_Run], of: Callable[[_Samples], float]) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        fleet=Series(runs=tuple(of(run.fleet) for run in runs)),
        baseline=Series(runs=tuple(of(run.plain) for run in runs)),
        baseline_is=_BASELINE,
    )


def _beside_bare(percent: int, runs: Sequence[_Run]) -> Figure:
    def series(of: Callable[[_Run], _Samples]) -> Series:
        return Series(runs=tuple(percentile(of(run).elapsed, percent) for run in runs))

    return Figure(
        name=f"hand-over beside the bare one, p{percent}",
        unit="ms",
        fleet=series(lambda run: run.fleet),
        baseline=series(lambda run: run.bare),
        baseline_is=_BARE,
    )


async def _take_turns(ground: Ground, fleet: FleetSender, count: int) -> _Run:
    plain = PlainSender(url=ground.url, account=ground.plain)
    ours, theirs, least = _Samples(), _Samples(), _Samples()
    async with BareSender(url=ground.url, account=ground.bare) as bare:
        # connections and caches are warm after the first of each
        await _one_each(fleet, plain, count, _Samples(), _Samples())
        await bare.send(BARE_FIRST + count)
        fleet.stopwatch.clear()
        with _open_disk(fleet.folder) as disk:
            for piece in range(count):
                if piece % _A_BLOCK == 0:
                    await _next_block(ground, fleet)
                await _one_each(fleet, plain, piece, ours, theirs)
                disk.sync()
                with least.one():
                    await bare.send(BARE_FIRST + piece)
    run = _Run(
        fleet=ours,
        plain=theirs,
        bare=least,
        journal=[each * _MILLISECONDS for each in fleet.stopwatch.taken["journal"]],
        syncs=disk.elapsed,
        parts=_parts(fleet, ours.elapsed),
    )
    await _next_block(ground, fleet)
    await ground.check_done(count + 1, (0, PLAIN_FIRST, BARE_FIRST))
    return run


async def _one_each(
    fleet: FleetSender, plain: PlainSender, piece: int, ours: _Samples, theirs: _Samples
) -> None:
    with ours.one():
        answer = await fleet.submit(piece)
    if not isinstance(answer, Submitted):
        raise WorkMissingError(f"piece {piece}: {answer}")
    with theirs.one():
        plain.send(PLAIN_FIRST + piece)  # nothing else runs meanwhile, and nothing is to


async def _next_block(ground: Ground, fleet: FleetSender) -> None:
    """Settling is not part of a hand-over, and neither are its calls."""
    with fleet.stopwatch.apart():
        await ground.seal()
        await fleet.settle()


def _parts(fleet: FleetSender, samples: Sequence[float]) -> dict[str, float]:
    """Mean milliseconds that each takes of a hand-over, and what none of them covers.

    The simulation goes on beside signing and journal, so the sum is more than the whole.
    """
    each = _MILLISECONDS / len(samples)
    found = {name: sum(taken) * each for name, taken in sorted(fleet.stopwatch.taken.items())}
    return found | {"none of them": mean(samples) - fleet.stopwatch.covered * each}


HANDOVER = Benchmark(name="hand-over", measure=measure)
