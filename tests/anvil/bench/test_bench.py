"""Every benchmark does its work once, small; nothing here looks at a duration."""

import pytest

from bench.__main__ import BENCHMARKS
from bench.calls import CALLS
from bench.figure import Benchmark, Scale
from bench.ground import PLAIN_FIRST, WorkMissingError, opened
from bench.lateness import LATENESS
from bench.plain import PlainSender

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

SMALL = Scale(runs=1, transactions=9, positions=3_000, traders=60)


TIMED = tuple(each for each in BENCHMARKS if each is not LATENESS)


@pytest.mark.parametrize("benchmark", TIMED, ids=[each.name for each in TIMED])
async def test_measure__small__figures_of_one_run_each(benchmark: Benchmark) -> None:
    ticks: list[None] = []
    figures = await benchmark.measure(SMALL, lambda: ticks.append(None))
    assert len(ticks) == 1
    assert len({figure.name for figure in figures}) == len(figures) > 0
    for figure in figures:
        assert figure.fleet.runs[0] > 0
        assert figure.baseline.runs[0] > 0
        assert len(figure.ratio.runs) == 1


async def test_calls__counted__fewer_than_the_baseline_and_accounted_for() -> None:
    for figure in await CALLS.measure(SMALL, lambda: None):
        assert sum(figure.parts.values()) == pytest.approx(figure.fleet.median)
        assert figure.fleet.median < figure.baseline.median


async def test_check_done__work_is_missing__the_figures_are_refused() -> None:
    async with opened() as ground:
        PlainSender(url=ground.url, account=ground.plain).send(PLAIN_FIRST)
        await ground.seal()
        with pytest.raises(WorkMissingError, match="0 of 1 pieces from 0"):
            await ground.check_done(1)


@pytest.mark.timeout(1_200)  # four drills of an hour, one after another
async def test_lateness__a_market_falls_by_a_fifth__none_is_late_but_after_a_break() -> None:
    figures = {figure.name: figure for figure in await LATENESS.measure(SMALL, lambda: None)}
    largest = figures["blocks late, largest"]
    assert largest.fleet.runs == (0,)
    assert largest.baseline.runs == (1,), "without the router they are taken a block later"
    assert figures["blocks late, largest, beside a public bot"].baseline.runs[0] > 1
    assert figures["blocks late after a break, largest"].fleet.runs == (1,)
    assert all(figure.parts["liquidations"] > 10 for figure in figures.values())
