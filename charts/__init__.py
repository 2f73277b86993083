"""Charts and pages of plain SVG and HTML: no script, no external resource, light and dark.

Knows numbers and text; nothing of prices, chains or bots. Text is escaped here and nowhere else.
"""

from charts.lines import Axis, Mark, Series, line_chart
from charts.page import Paragraph, Section, Table, page

__all__ = ["Axis", "Mark", "Paragraph", "Section", "Series", "Table", "line_chart", "page"]
