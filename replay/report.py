"""report.html: what people look at after a run. Numbers in, text out; pure."""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from charts import (
    Axis,
    Bar,
    HeatRow,
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
    time_axis,
)
from devnet.replay import BLOCKS_AN_HOUR
from oracle.feed import SuspensionReason
from replay.fallen import Fall
from replay.feedlog import MarketLog
from replay.figures import bps, figures, tao
from replay.observer import Observer
from replay.records import Work
from replay.samples import RATIO_EDGES, Column
from units import ONE

_FALLS_SHOWN = 40
_PUSHED, _HELD, _SUSPENDED, _FELL = 1, 4, 7, 6


def report(seen: Observer, summary: Mapping[str, Any]) -> str:
    """The page of one run."""
    tape = seen.setup.replay.tape
    time = time_axis(tape.time_at(seen.setup.start), seen.samples.columns[-1].time)
    title = f"{summary['population']} over {summary['tape']}"
    return page(
        title,
        [
            Section(title="Figures", parts=[Paragraph(_lead(summary)), *figures(summary)]),
            Section(
                title="Price and feed",
                parts=[Paragraph(_feed_note(seen)), *_prices(seen, time), _markets(summary)],
            ),
            Section(title="Margins", parts=list(_margins(seen, time))),
            Section(title="Liquidations", parts=list(_falls(seen, summary, time))),
            Section(title="Funding", parts=list(_funding(seen, time))),
            Section(title="Gas and vault", parts=list(_costs(seen, time))),
        ],
    )


_FEED_NOTE = (
    "The source's price and what the feed said. A dot is a push, one of many where they are too "
    "many to draw; an area is a suspension: a jump that is held until it has stood, or a price "
    "that is not known."
)


def _feed_note(seen: Observer) -> str:
    """With the markets that nobody could open: a market is pinned to a subnet when it is listed."""
    absent = [
        f"{market.netuid} {market.symbol}"
        for market in seen.setup.settings.markets
        if market.registered_at is None
    ]
    if not absent:
        return _FEED_NOTE
    named = ", ".join(absent)
    return f"{_FEED_NOTE} Without a subnet at the start, and so suspended to the end: {named}."


def _lead(summary: Mapping[str, Any]) -> str:
    words = ", ".join(summary["set"]) or "nothing set"
    hours = summary["blocks"] / BLOCKS_AN_HOUR
    holes = len(summary["tape_holes"])
    bridged = f"; {holes} holes of the tape bridged" if holes else ""
    return (
        f"{hours:.1f} h from {summary['start']}, {summary['traders']} traders of seed "
        f"{summary['seed']}, {summary['engine']} engine, {words}{bridged}."
    )


def _prices(seen: Observer, time: Axis) -> Iterator[str]:
    symbols = {market.netuid: market.symbol for market in seen.setup.settings.markets}
    for netuid, log in seen.feed.markets.items():
        if log.source:
            fell = [fall for fall in seen.fallen.falls if fall.netuid == netuid]
            end = float(seen.samples.columns[-1].time)
            yield line_chart(
                title=f"{netuid} {symbols[netuid]}",
                x=time,
                y=Axis(label="TAO per Alpha"),
                series=_both_prices(log, end),
                spots=_happened(log, fell),
                spans=_closed(log, end),
            )


def _both_prices(log: MarketLog, end: float) -> list[Series]:
    return [
        Series(name="source", points=_until(log.source, end), is_stepped=True),
        Series(name="feed", points=_until(log.feed, end), is_stepped=True),
    ]


def _happened(log: MarketLog, fell: list[Fall]) -> list[Spots]:
    pushes = [(at, price, f"pushed {price:.6g}") for at, price in log.feed]
    falls = [(float(fall.time), fall.price / ONE, fall.position) for fall in fell]
    return [
        Spots(name="push", at=pushes, colour=_PUSHED),
        Spots(name="liquidation", at=falls, colour=_FELL),
    ]


def _closed(log: MarketLog, end: float) -> list[Spans]:
    held = [(float(s.first), float(s.last or end)) for s in log.spans if s.reason == _JUMP]
    others = [(float(s.first), float(s.last or end)) for s in log.spans if s.reason != _JUMP]
    return [
        Spans(name="jump held", at=held, colour=_HELD),
        Spans(name="suspended", at=others, colour=_SUSPENDED),
    ]


_JUMP = int(SuspensionReason.JUMP)


def _until(points: list[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    return [*points, (end, points[-1][1])] if points else points


def _markets(summary: Mapping[str, Any]) -> Table:
    rows = [
        [
            f"{netuid} {market['symbol']}",
            str(market["pushes"]),
            bps(market["tracking_error_bps_mean"]),
            bps(market["tracking_error_bps_max"]),
            str(market["suspensions"]),
            str(market["blocks_suspended"]),
        ]
        for netuid, market in summary["feed"]["markets"].items()
    ]
    return Table(
        caption="Distance of feed and source while a market was open",
        columns=["market", "pushes", "mean", "largest", "suspensions", "blocks suspended"],
        rows=rows,
    )


def _margins(seen: Observer, time: Axis) -> Iterator[str]:
    columns = seen.samples.columns
    edges = [f"{edge * 100:g} %" for edge in RATIO_EDGES]
    names = [f"< {edges[0]}", *(f"≥ {edge}" for edge in edges)]
    rows = [
        HeatRow(name=name, values=[column.ratios[at] for column in columns])
        for at, name in reversed(list(enumerate(names)))
    ]
    times = [float(column.time) for column in columns]
    yield heat_map(title="Positions by margin ratio", x=time, columns=times, rows=rows)
    yield line_chart(
        title="Open positions",
        x=time,
        y=Axis(label="positions", from_zero=True),
        series=[Series(name="open", points=[(c.time, c.positions) for c in columns])],
    )
    yield line_chart(
        title="Open interest",
        x=time,
        y=Axis(label="TAO", from_zero=True),
        series=[
            Series(name="long", points=[(c.time, c.open_interest[0]) for c in columns]),
            Series(name="short", points=[(c.time, c.open_interest[1]) for c in columns]),
        ],
    )


def _falls(
    seen: Observer, summary: Mapping[str, Any], time: Axis
) -> Iterator[str | Table | Paragraph]:
    falls = seen.fallen.falls
    start = float(seen.setup.replay.tape.time_at(seen.setup.start))
    end = float(seen.samples.columns[-1].time)
    debts = accumulate(fall.bad_debt / ONE for fall in falls)
    counts = [(float(fall.time), float(at)) for at, fall in enumerate(falls, 1)]
    owed = [(float(fall.time), debt) for fall, debt in zip(falls, debts, strict=True)]
    yield line_chart(
        title="Liquidations so far",
        x=time,
        y=Axis(label="positions", from_zero=True),
        series=[
            Series(
                name="liquidations",
                points=_until([(start, 0.0), *counts], end),
                is_stepped=True,
            )
        ],
    )
    yield line_chart(
        title="Bad debt so far",
        x=time,
        y=Axis(label="TAO", from_zero=True),
        series=[
            Series(name="bad debt", points=_until([(start, 0.0), *owed], end), is_stepped=True)
        ],
    )
    late = summary["liquidations"]["late_blocks"]
    yield bar_chart(
        title="Blocks late",
        x="blocks after the first at whose end it was below maintenance",
        y=Axis(label="liquidations", from_zero=True),
        bars=[Bar(name=blocks, value=count) for blocks, count in late.items()],
    )
    if falls:
        yield _fall_table(seen)


def _fall_table(seen: Observer) -> Table:
    falls = sorted(seen.fallen.falls, key=lambda fall: (-fall.bad_debt, -fall.size))
    return Table(
        caption=f"The {min(len(falls), _FALLS_SHOWN)} liquidations with most bad debt, then size",
        columns=["position", "market", "block", "side", "size", "left", "penalty", "late"],
        rows=[
            [
                f"{fall.position[:10]}…{fall.position[fall.position.index('#') :]}",
                str(fall.netuid),
                str(fall.block),
                "long" if fall.is_long else "short",
                tao(fall.size),
                tao(fall.remaining),
                tao(fall.penalty),
                str(fall.late),
            ]
            for fall in falls[:_FALLS_SHOWN]
        ],
    )


def _funding(seen: Observer, time: Axis) -> Iterator[str]:
    columns = seen.samples.columns
    symbols = {market.netuid: market.symbol for market in seen.setup.settings.markets}
    yield line_chart(
        title="Cumulative funding",
        x=time,
        y=Axis(label="% of notional, paid by longs"),
        series=[
            Series(
                name=symbols[netuid],
                points=[(column.time, column.indices[netuid] * 100) for column in columns],
            )
            for netuid in columns[-1].indices
        ],
    )


def _costs(seen: Observer, time: Axis) -> Iterator[str]:
    columns = seen.samples.columns
    yield line_chart(
        title="Gas so far",
        x=time,
        y=Axis(label="million gas", from_zero=True),
        series=[_gas_series(columns, work) for work in Work],
    )
    yield line_chart(
        title="Vault",
        x=time,
        y=Axis(label="TAO"),
        series=[Series(name="reserves", points=[(c.time, c.reserves) for c in columns])],
    )
    yield line_chart(
        title="Insurance",
        x=time,
        y=Axis(label="TAO"),
        series=[Series(name="insurance", points=[(c.time, c.insurance) for c in columns])],
    )


def _gas_series(columns: list[Column], work: Work) -> Series:
    sums = accumulate(column.gas.get(work, 0) / 1e6 for column in columns)
    points = [(float(column.time), value) for column, value in zip(columns, sums, strict=True)]
    return Series(name=work.value, points=points)
