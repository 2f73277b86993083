"""Every benchmark does its work once, small; nothing here looks at a duration."""

import pytest

from bench.__main__ import BENCHMARKS
from bench.calls import CALLS
from bench.figure import Benchmark, Scale
from bench.ground import PLAIN_FIRST, WorkMissingError, opened
from bench.plain import PlainSender

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

SMALL = Scale(runs=1, transactions=9, positions=3_000, traders=60)


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=[each.name for each in BENCHMARKS])
async def test_measure__small__figures_of_one_run_each(benchmark: Benchmark) -> None:
    ticks: list[None] = []
    figures = await benchmark.measure(SMALL, lambda: ticks.append(None))
    assert len(ticks) == 1
    assert len({figure.name for figure in figures}) == len(figures) > 0
    for figure in figures:
        assert figure.fleet.runs[0] > 0 or figure.unit == "blocks", "none late is what is wanted"
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
