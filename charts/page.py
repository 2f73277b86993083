"""One HTML file that shows itself anywhere: styles inside, no script, nothing fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root{color-scheme:light dark;--back:#fff;--fore:#1c2024;--dim:#60646c;--rule:#e0e3e8;
--c0:#2563eb;--c1:#d9480f;--c2:#0f8a5f;--c3:#9333ea;--c4:#b58900;--c5:#0891b2;--c6:#c2255c;
--c7:#5c6370}
@media (prefers-color-scheme:dark){:root{--back:#14171a;--fore:#e6e8eb;--dim:#9ba1a6;
--rule:#2b3036;--c0:#6ea8fe;--c1:#ff922b;--c2:#3ecf8e;--c3:#c084fc;--c4:#e9c46a;--c5:#4dd0e1;
--c6:#f783ac;--c7:#a0a6ad}}
body{margin:0 auto;max-width:60rem;padding:1.5rem;background:var(--back);color:var(--fore);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}p{max-width:46rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--dim);padding:.3rem 0}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--dim);font-weight:600}
.chart{width:100%;height:auto;margin:.6rem 0}.chart text{fill:var(--dim);font-size:12px}
.grid{stroke:var(--rule)}.axis{stroke:var(--dim)}.line{fill:none;stroke-width:2}
.mark{stroke:var(--dim);stroke-dasharray:2 3}.dashed{stroke-dasharray:6 4}
""" + "".join(f".c{n}{{stroke:var(--c{n})}}.dot.c{n}{{fill:var(--c{n})}}" for n in range(8))


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
    """A heading and what stands below it; a `str` is a chart as `line_chart` returns it."""

    title: str
    parts: Sequence[Table | Paragraph | str]

    def html(self) -> str:
        """The element."""
        parts = (each if isinstance(each, str) else each.html() for each in self.parts)
        return f"<section><h2>{escape(self.title)}</h2>{''.join(parts)}</section>"


def page(title: str, sections: Sequence[Section]) -> str:
    """The whole document."""
    name = escape(title)
    body = "".join(each.html() for each in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{name}</h1>{body}</body></html>\n"
    )


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(each)}</td>" for each in row)
