"""What a study found, as a page with charts. Pure."""

from collections.abc import Callable, Sequence

from charts import (
    Axis,
    Dot,
    Paragraph,
    Section,
    Series,
    Spans,
    line_chart,
    page,
    scatter_chart,
)
from study.guarding import Hold
from study.publishing import Landed
from study.tables import Symbol, shocks, size, tables
from study.trials import Study, Trial
from units import RAO_IN_PRICE_WEI

_SHOCKS_DRAWN = 4
_BLOCKS_AROUND = 40

Point = tuple[float, float]


def report(found: Study, symbol: Symbol) -> str:
    """The whole page."""
    rhythms, earlies, markets, guards, held = tables(found, symbol)
    return page(
        f"What the price oracle would have done: {found.tape}",
        [
            Section(title="What was studied", parts=_about(found)),
            Section(title="Band and heartbeat", parts=[*_rhythm_charts(found), rhythms, earlies]),
            Section(title="Every market", parts=[markets]),
            Section(title="The guard", parts=[_guard_chart(found), guards]),
            Section(title="Shocks", parts=[*_shock_charts(found, symbol), held]),
        ],
    )


def _about(found: Study) -> list[Paragraph]:
    return [
        Paragraph(
            f"{found.blocks:,} blocks ({found.days:.1f} days) of {len(found.columns)} markets, a"
            f" row every {found.spacing} blocks. A price of one block is decided on two blocks"
            " later and lands in the third. The error is the published price against the source's"
            " of the same block, while the market is open; it includes those three blocks."
        ),
        Paragraph(
            f"A row stands for {found.spacing} blocks here, so what a chain spreads over them comes"
            " in one block, and a spike of one block looks like one of a whole row: errors and what"
            f" foresight takes are upper bounds, and a guard that counts to {found.spacing} or less"
            " would be judged better than it is."
        ),
        Paragraph(
            "Foresight: somebody who sees every row one block early trades it when it pays for both"
            " fees and both slippage steps, and closes at the first push that has caught up; in bps"
            " of the notional of a trade, all markets together. By the feed alone: on an exchange"
            " that does not bound a fill by the chain's own price."
        ),
    ]


def _rhythm_charts(found: Study) -> list[str]:
    band = Axis(label="band, bps", is_log=True)
    charts = [
        line_chart(title=f"{label} by band", x=band, y=axis, series=_by_heartbeat(found, value))
        for label, axis, value in (
            (
                "Pushes a day",
                Axis(label="pushes a day", from_zero=True),
                lambda trial: trial.transactions / found.days,
            ),
            (
                "Error",
                Axis(label="mean error while open, bps", from_zero=True),
                lambda trial: trial.error,
            ),
            (
                "What foresight takes by the feed alone",
                Axis(label="bps of a trade's notional a day"),
                lambda trial: sum(e.taken_alone.bps for e in trial.markets.values()) / found.days,
            ),
        )
    ]
    return [*charts, _frontier(found)]


def _by_heartbeat(found: Study, value: Callable[[Trial], float]) -> list[Series]:
    heartbeats = sorted({trial.policy.heartbeat_s for trial in found.trials})
    return [
        Series(
            name=f"heartbeat {heartbeat} s",
            points=[
                (float(trial.policy.deviation), value(trial))
                for trial in found.trials
                if trial.policy.heartbeat_s == heartbeat
            ],
            has_dots=True,
        )
        for heartbeat in heartbeats
    ]


def _frontier(found: Study) -> str:
    dots = [
        Dot(
            name=f"{trial.policy.deviation} bps, {trial.policy.heartbeat_s} s",
            x=trial.gas / found.days / 1e6,
            y=trial.error,
        )
        for trial in found.trials
    ]
    return scatter_chart(
        title="Gas against error",
        x=Axis(label="Mgas a day"),
        y=Axis(label="mean error while open, bps"),
        dots=dots,
    )


def _guard_chart(found: Study) -> str:
    dots = [
        Dot(
            name=f"{each.confirm_blocks} blocks, still for {each.restart_blocks}",
            x=float(each.held_blocks),
            y=float(len(each.touched)),
        )
        for each in found.guards
    ]
    return scatter_chart(
        title="What a guard holds against what it believes and the next row takes back",
        x=Axis(label="held market-blocks"),
        y=Axis(label="believed and taken back"),
        dots=dots,
    )


def _shock_charts(found: Study, symbol: Symbol) -> list[str]:
    largest = [holds[0] for holds in shocks(found).values()]
    largest.sort(key=size, reverse=True)
    return [_shock_chart(found, hold, symbol) for hold in largest[:_SHOCKS_DRAWN]]


def _shock_chart(found: Study, hold: Hold, symbol: Symbol) -> str:
    first, last = hold.since - _BLOCKS_AROUND, hold.until + _BLOCKS_AROUND
    column, landed = found.columns[hold.netuid], found.published.feeds[hold.netuid]
    source = [
        (float(block), float(price))
        for block, price in zip(column.blocks, column.prices, strict=True)
        if first <= block <= last and price
    ]
    return line_chart(
        title=f"{symbol(hold.netuid)} at block {hold.since}",
        x=Axis(label="block", text=lambda block: f"{block:.0f}"),
        y=Axis(label=f"{symbol(hold.netuid)}, RAO"),
        series=[
            Series(name="source", points=source, is_stepped=True),
            Series(name="feed", points=_feed(landed, first, last), is_stepped=True),
        ],
        spans=[Spans(name="suspended", at=_suspended(landed, first, last), colour=6)],
    )


def _feed(landed: Sequence[Landed], first: int, last: int) -> list[Point]:
    return [
        (float(each.block), each.price / RAO_IN_PRICE_WEI)
        for each in landed
        if first <= each.block <= last and each.price
    ]


def _suspended(landed: Sequence[Landed], first: int, last: int) -> list[Point]:
    ends = [*(each.block for each in landed[1:]), last]
    return [
        (float(each.block), float(min(end, last)))
        for each, end in zip(landed, ends, strict=True)
        if not each.price and first <= each.block <= last
    ]
