"""From hand-over to accepted by the node: how long a caller waits for one transaction.

Both senders take turns, transaction by transaction, on one node; a block comes after every
`_A_BLOCK` of each. Ours has simulated and journaled what it hands over; the baseline has not.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import mean, median
from time import perf_counter, process_time

from bench.figure import Benchmark, Figure, Scale, Series, percentile
from bench.fleet_sender import FleetSender, opened_sender
from bench.ground import PLAIN_FIRST, Ground, WorkMissingError, opened
from bench.plain import PlainSender
from fleet.transactions.request import Submitted

_A_BLOCK = 8
_MILLISECONDS = 1_000
_BASELINE = "web3.py filling in nonce, gas, fee and chain id, eth-account signing"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    fleet: _Samples
    plain: _Samples
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
    )


def _figure(name: str, runs: Sequence[_Run], of: Callable[[_Samples], float]) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        fleet=Series(runs=tuple(of(run.fleet) for run in runs)),
        baseline=Series(runs=tuple(of(run.plain) for run in runs)),
        baseline_is=_BASELINE,
    )


async def _take_turns(ground: Ground, fleet: FleetSender, count: int) -> _Run:
    plain = PlainSender(url=ground.url, account=ground.plain)
    ours, theirs = _Samples(), _Samples()
    # connections and caches are warm after the first of each
    await _one_each(fleet, plain, count, _Samples(), _Samples())
    fleet.stopwatch.seconds.clear()
    for piece in range(count):
        if piece % _A_BLOCK == 0:
            await _next_block(ground, fleet)
        await _one_each(fleet, plain, piece, ours, theirs)
    run = _Run(fleet=ours, plain=theirs, parts=_parts(fleet, ours.elapsed))
    await _next_block(ground, fleet)
    await ground.check_done(count + 1)
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
    before = fleet.stopwatch.seconds.copy()
    await ground.seal()
    await fleet.settle()
    fleet.stopwatch.seconds = before


def _parts(fleet: FleetSender, samples: Sequence[float]) -> dict[str, float]:
    """Mean milliseconds a hand-over spends in each, and in everything else."""
    found = {
        name: seconds * _MILLISECONDS / len(samples)
        for name, seconds in sorted(fleet.stopwatch.seconds.items())
    }
    return found | {"the rest": mean(samples) - sum(found.values())}


HANDOVER = Benchmark(name="hand-over", measure=measure)
