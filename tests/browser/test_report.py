"""The report is opened as people open it: in a browser, on a wide screen and a narrow one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from replay.run import ReplayOptions, run
from replay.sweep import sweep, variants
from tests.browser.chromium import CHROMIUM, Browser, browsing

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

WIDE, NARROW = 1200, 400
LETTER_PX_MIN = 9
CONTRAST_MIN = 150
DRAWN = """
[...document.querySelectorAll('svg.chart')].map(chart => {
  const box = chart.getBoundingClientRect();
  const shapes = [...chart.querySelectorAll('path, rect, circle')];
  const letters = [...chart.querySelectorAll('text')];
  const outside = letters.filter(letter => {
    const own = letter.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > box.right + 1 || own.bottom > box.bottom + 1;
  });
  const title = chart.querySelector('.title').getBoundingClientRect();
  const covering = letters.filter(letter => {
    const own = letter.getBoundingClientRect();
    return !letter.classList.contains('title') && own.left < title.right && own.right > title.left
      && own.top < title.bottom && own.bottom > title.top;
  });
  return {
    name: chart.getAttribute('aria-label'),
    width: box.width,
    shapes: shapes.filter(shape => shape.getBoundingClientRect().width > 0).length,
    empty: letters.some(letter => letter.textContent === 'no data'),
    letter: parseFloat(getComputedStyle(letters[0]).fontSize) * box.width / 400,
    outside: outside.map(letter => letter.textContent),
    covering: covering.map(letter => letter.textContent),
  };
})
"""
BRIGHTNESS = """
['backgroundColor', 'color'].map(name => {
  const parts = getComputedStyle(document.body)[name].match(/[0-9.]+/g).map(Number);
  return (parts[0] + parts[1] + parts[2]) / 3;
})
"""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browsing(tmp_path / "profile") as opened:
        yield opened


def options(out: Path, hours: int = 1) -> ReplayOptions:
    return ReplayOptions(out=out, hours=hours, population="3x-cluster", traders=80)


def ignored(done: int, total: int) -> None:
    del done, total


async def test_report__in_a_browser__draws_every_chart_and_complains_of_nothing(
    tmp_path: Path, browser: Browser
) -> None:
    await run(options(tmp_path), ignored)

    await browser.open(tmp_path / "report.html", width=WIDE)

    charts = await browser.ask(DRAWN)
    assert len(charts) >= 12 + 3 + 3 + 1 + 3
    for chart in charts:
        assert not chart["empty"], chart
        assert chart["shapes"] > 0, chart
        assert not chart["outside"], chart
        assert not chart["covering"], chart
    assert browser.complaints == []


async def test_report__400_px_wide__is_readable_without_scrolling_sideways(
    tmp_path: Path, browser: Browser
) -> None:
    await run(options(tmp_path), ignored)

    await browser.open(tmp_path / "report.html", width=NARROW)

    assert await browser.ask("document.documentElement.scrollWidth") <= NARROW
    for chart in await browser.ask(DRAWN):
        assert NARROW * 0.8 <= chart["width"] <= NARROW
        assert chart["letter"] >= LETTER_PX_MIN, chart
        assert not chart["outside"], chart


async def test_report__where_the_reader_prefers_dark__is_dark(
    tmp_path: Path, browser: Browser
) -> None:
    await run(options(tmp_path), ignored)
    await browser.open(tmp_path / "report.html", width=WIDE)

    await browser.prefer("light")
    paper, ink = await browser.ask(BRIGHTNESS)
    assert paper - ink > CONTRAST_MIN
    await browser.prefer("dark")
    paper, ink = await browser.ask(BRIGHTNESS)
    assert ink - paper > CONTRAST_MIN


async def test_comparison__in_a_browser__draws_its_frontiers(
    tmp_path: Path, browser: Browser
) -> None:
    swept = options(tmp_path)
    sweep(swept, variants(swept, ["oracle.deviation_bps=5,10,19"]), 1, ignored)

    await browser.open(tmp_path / "report.html", width=NARROW)

    charts = await browser.ask(DRAWN)
    assert len(charts) == 3
    assert all(chart["shapes"] >= 3 and not chart["outside"] for chart in charts), charts
    assert await browser.ask("document.documentElement.scrollWidth") <= NARROW
    assert browser.complaints == []
