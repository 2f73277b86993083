"""Charts and pages are well-formed, fetch nothing, and place values where they belong."""

import math
import re
from xml.etree import ElementTree as ET

import pytest

from charts import Axis, Mark, Paragraph, Section, Series, Table, line_chart, page
from charts.scale import Scale


def test_page__parts_with_markup_in_their_text__is_well_formed_and_says_it_as_text() -> None:
    hostile = '<script src="https://example.org/x.js"></script>&'
    chart = line_chart(
        title=hostile,
        x=Axis(label=hostile),
        y=Axis(label="y", text=lambda value: f"<{value}>"),
        series=[Series(name=hostile, points=[(0, 1), (1, 2)], has_dots=True)],
        marks=[Mark(x=0.5, text=hostile)],
    )
    table = Table(caption=hostile, columns=[hostile], rows=[[hostile]])
    document = page(hostile, [Section(title=hostile, parts=[Paragraph(hostile), table, chart])])
    assert "<script" not in document
    assert not re.search(r'(?:src|href)="', document)
    body = document[document.index("<body>") : document.index("</html>")]
    assert "".join(ET.fromstring(body).itertext()).count(hostile) >= 7


def test_line_chart__a_single_value__stands_in_the_middle() -> None:
    chart = ET.fromstring(_chart([(3, 7)]))
    (dot,) = chart.iter("circle")
    assert (dot.get("cx"), dot.get("cy")) == ("404.0", "134.0")


def test_line_chart__no_point_at_all__says_so() -> None:
    assert "no data" in _chart([])


def test_line_chart__stepped__holds_a_value_until_the_next() -> None:
    series = Series(name="price", points=[(0, 0), (1, 1)], is_stepped=True)
    chart = line_chart(title="t", x=Axis(label="x"), y=Axis(label="y"), series=[series])
    assert 'd="M64.0 256.0H744.0V12.0"' in chart


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-0.3, 0.3, [-0.2, 0.0, 0.2]),
        (5.0, 100.0, [20, 40, 60, 80, 100]),
    ],
)
def test_ticks__a_linear_range__are_round_and_inside(
    low: float, high: float, ticks: list[float]
) -> None:
    scale = Scale(low=low, high=high, start=0, end=1)
    assert list(scale.ticks(5)) == pytest.approx(ticks)


def test_ticks__a_logarithmic_range__are_one_two_and_five() -> None:
    scale = Scale(low=1, high=100, start=0, end=100, is_log=True)
    assert list(scale.ticks(5)) == pytest.approx([1, 2, 5, 10, 20, 50, 100])
    assert scale.at(10) == pytest.approx(50)
    assert scale.at(0) == 0, "a logarithm of nothing stands at the low end"


def test_scale__values_that_are_no_numbers__are_left_out() -> None:
    scale = Scale.over([math.nan, math.inf, 1, 3], start=0, end=1, is_log=False, from_zero=True)
    assert (scale.low, scale.high) == (0.0, 3.0)


def _chart(points: list[tuple[float, float]]) -> str:
    series = [Series(name="one", points=points, has_dots=True)]
    return line_chart(title="t", x=Axis(label="x"), y=Axis(label="y"), series=series)
