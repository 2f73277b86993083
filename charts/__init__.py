"""Charts and pages of plain SVG and HTML: no script, no external resource, light and dark.

Knows numbers and text; nothing of prices, chains or bots. Text is escaped here and nowhere else.
"""

from charts.bars import Bar, bar_chart
from charts.drawing import Axis
from charts.heat import HeatRow, heat_map
from charts.lines import Mark, Series, Spans, Spots, line_chart
from charts.page import Paragraph, Section, Table, page
from charts.scatter import Dot, scatter_chart
from charts.times import time_axis

__all__ = [
    "Axis",
    "Bar",
    "Dot",
    "HeatRow",
    "Mark",
    "Paragraph",
    "Section",
    "Series",
    "Spans",
    "Spots",
    "Table",
    "bar_chart",
    "heat_map",
    "line_chart",
    "page",
    "scatter_chart",
    "time_axis",
]
