"""Charts and pages are well-formed, fetch nothing, and place values where they belong."""

import math
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charts import (
    Axis,
    Bar,
    Dot,
    HeatRow,
    Mark,
    Paragraph,
    Section,
    Series,
    Spans,
    Spots,
    Table,
    bar_chart,
    heat_map,
    line_chart,
    page,
    scatter_chart,
    time_axis,
)
from charts.scale import Scale
from charts.scatter import frontier
from charts.thinning import thinned


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
    assert not re.search(r'(?:src|href)="(?!data:,")', document)
    body = document[document.index("<body>") : document.index("</html>")]
    assert "".join(ET.fromstring(body).itertext()).count(hostile) >= 7


def test_line_chart__a_single_value__stands_in_the_middle() -> None:
    chart = ET.fromstring(_chart([(3, 7)]))
    (dot,) = chart.iter("circle")
    assert (dot.get("cx"), dot.get("cy")) == ("223.0", "105.0")


def test_line_chart__no_point_at_all__says_so() -> None:
    assert "no data" in _chart([])


def test_line_chart__stepped__holds_a_value_until_the_next() -> None:
    series = Series(name="price", points=[(0, 0), (1, 1)], is_stepped=True)
    chart = line_chart(title="t", x=Axis(label="x"), y=Axis(label="y"), series=[series])
    assert 'd="M58.0 192.0H388.0V18.0"' in chart


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


SOMEWHERE = st.floats(-1e9, 1e9)
X, Y = Axis(label="x"), Axis(label="y")


@given(points=st.lists(st.tuples(SOMEWHERE, SOMEWHERE), max_size=50))
def test_line_chart__of_any_points__stays_inside_its_frame(
    points: list[tuple[float, float]],
) -> None:
    chart = ET.fromstring(_chart(sorted(points)))

    for dot in chart.iter("circle"):
        assert 58 <= float(dot.attrib["cx"]) <= 388
        assert 18 <= float(dot.attrib["cy"]) <= 192


def test_line_chart__with_spots_and_spans__draws_each_and_names_each_kind_once() -> None:
    chart = line_chart(
        title="t",
        x=X,
        y=Y,
        series=[Series(name="price", points=[(0, 1), (9, 2)])],
        spots=[Spots(name="push", at=[(1, 1, "first"), (2, 1, "second")], colour=1)],
        spans=[Spans(name="suspended", at=[(3, 4), (5, 6)], colour=2)],
    )

    drawn = ET.fromstring(chart)
    assert len(drawn.findall("circle")) == 2 + 1, "two and the legend's sample"
    assert len(drawn.findall("rect")) == 2 + 1
    assert chart.count(">push<") == chart.count(">suspended</text>") == 1


@given(
    points=st.lists(st.tuples(st.integers(0, 10**6), SOMEWHERE), min_size=1, max_size=500),
    most=st.integers(4, 100),
)
def test_thinning__keeps_order_ends_and_extremes(
    points: list[tuple[float, float]], most: int
) -> None:
    points = sorted(points)
    kept = thinned(points, most)

    assert len(kept) <= max(most, 4)
    assert [*kept] == sorted(kept, key=lambda point: point[0])
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    values = [value for _, value in points]
    assert {min(values), max(values)} <= {value for _, value in kept}


def test_bar_chart__with_a_loss__hangs_it_below_zero() -> None:
    bars = [Bar(name="a", value=1), Bar(name="b", value=-1)]
    up, down = ET.fromstring(bar_chart(title="t", x="x", y=Y, bars=bars)).findall("rect")

    assert float(up.attrib["y"]) < float(down.attrib["y"])


def test_heat_map__makes_more_stronger_and_nothing_invisible() -> None:
    rows = [HeatRow(name="a", values=[0, 1, 100])]
    chart = ET.fromstring(heat_map(title="t", x=X, columns=[0, 60, 120], rows=rows))

    weak, strong = (float(cell.attrib["style"].split(":")[1]) for cell in chart.findall("rect"))
    assert 0 < weak < strong <= 1


def test_frontier__leaves_out_what_another_beats_in_both() -> None:
    places = (("a", 1, 5), ("b", 2, 2), ("c", 3, 3), ("d", 9, 1))
    dots = [Dot(name=name, x=x, y=y) for name, x, y in places]

    assert [dot.name for dot in frontier(dots)] == ["a", "b", "d"]
    drawn = scatter_chart(title="t", x=X, y=Y, dots=dots)
    assert ">b</text>" in drawn
    assert ">c</text>" not in drawn


@pytest.mark.parametrize(
    ("span_s", "ticks"), [(3_600, ["09:00", "09:15", "09:30"]), (86_400 * 20, ["03-27", "04-03"])]
)
def test_time_axis__has_ticks_where_a_clock_has_them(span_s: int, ticks: list[str]) -> None:
    began = 1_742_720_000  # 2025-03-23T08:53:20Z
    axis = time_axis(began, began + span_s)
    scale = Scale(low=began, high=began + span_s, start=0, end=1)

    assert [axis.text(at) for at in scale.ticks(5, axis.steps)][: len(ticks)] == ticks
