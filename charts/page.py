"""One HTML file that shows itself anywhere: styles inside, no script, nothing fetched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

_STYLE = """
:root{color-scheme:light dark;--back:#fff;--fore:#1c2024;--dim:#60646c;--rule:#e0e3e8;
--c0:#2563eb;--c1:#d9480f;--c2:#0f8a5f;--c3:#9333ea;--c4:#b58900;--c5:#0891b2;--c6:#c2255c;
--c7:#5c6370}
@media (prefers-color-scheme:dark){:root{--back:#14171a;--fore:#e6e8eb;--dim:#9ba1a6;
--rule:#2b3036;--c0:#6ea8fe;--c1:#ff922b;--c2:#3ecf8e;--c3:#c084fc;--c4:#e9c46a;--c5:#4dd0e1;
--c6:#f783ac;--c7:#a0a6ad}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:75rem;padding:1.2rem;background:var(--back);color:var(--fore);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2.2rem}p{max-width:46rem}
.scroll{overflow-x:auto;display:inline-block;vertical-align:top;max-width:100%;padding-right:2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--dim);padding:.3rem 0}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--dim);font-weight:600}
.charts{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}
.chart{display:block;width:100%;max-width:40rem;height:auto}
.chart text{fill:var(--dim);font-size:11px}.chart .title{fill:var(--fore);font-weight:600}
.grid{stroke:var(--rule)}.axis{stroke:var(--dim)}.line{fill:none;stroke-width:1.4}
.area{opacity:.2;stroke:none}.bar{stroke:none}.heat{fill:var(--c1)}
.mark{stroke:var(--dim);stroke-dasharray:2 3}.dashed{stroke-dasharray:6 4}
""" + "".join(
    f".c{n}{{stroke:var(--c{n})}}.dot.c{n},rect.c{n}{{fill:var(--c{n})}}" for n in range(8)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`rows` hold as many cells as `columns`; the first column names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self) -> str:
        """The element."""
        head = "".join(f"<th>{escape(each)}</th>" for each in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        return (
            f'<div class="scroll"><table><caption>{escape(self.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text."""

    text: str

    def html(self) -> str:
        """The element."""
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it; a `str` is a chart.

    Charts that follow each other stand side by side where there is room.
    """

    title: str
    parts: Sequence[Table | Paragraph | str]

    def html(self) -> str:
        """The element."""
        runs = groupby(self.parts, key=lambda part: isinstance(part, str))
        parts = (_charts(run) if is_chart else _others(run) for is_chart, run in runs)
        return f"<section><h2>{escape(self.title)}</h2>{''.join(parts)}</section>"


def page(title: str, sections: Sequence[Section]) -> str:
    """The whole document."""
    name = escape(title)
    body = "".join(each.html() for each in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{name}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{name}</h1>{body}</body></html>\n"
    )


def _charts(parts: Iterable[Table | Paragraph | str]) -> str:
    return f'<div class="charts">{"".join(part for part in parts if isinstance(part, str))}</div>'


def _others(parts: Iterable[Table | Paragraph | str]) -> str:
    return "".join(part.html() for part in parts if not isinstance(part, str))


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(each)}</td>" for each in row)
