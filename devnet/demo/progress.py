"""What one sees while the drill runs, and the tables at its end."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from devnet.audit.ledger import MarketBooks
from devnet.audit.watch import Audit
from devnet.demo.summary import tier_name
from devnet.demo.webhook import Inbox
from devnet.parameters import MARKETS
from devnet.world import World
from units import BLOCK_TIME, ONE, RAO_IN_PRICE_WEI, Timestamp

_LINES_EVERY_BLOCKS = 300
_REFRESH_SECONDS = 0.25
_BAR_COLUMNS = 60


def clock(time: Timestamp) -> str:
    """Chain time for people."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


class Progress:
    """A live panel on a terminal, a line an hour elsewhere. A context manager."""

    def __init__(
        self, *, console: Console, world: World, audit: Audit, inbox: Inbox, blocks: int
    ) -> None:
        self._console = console
        self._world = world
        self._audit = audit
        self._inbox = inbox
        self._blocks = blocks
        self._moves = 0
        self._live: Live | None = None
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            # drawn between blocks: a thread of its own would read the books while they change
            self._live = Live(self._panel(), console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.update(self._panel())
            self._live.stop()

    def block_done(self) -> None:
        """The world has sealed a block and everybody has finished it."""
        number = self._world.head.head.number
        self._moves += self._prices_moved()
        if self._live is not None:
            self._refresh(self._live)
        elif (number - self._world.start) % _LINES_EVERY_BLOCKS == 0:
            facts = ", ".join(f"{name} {value}" for name, value in self._facts().items())
            self._console.print(f"{self._when()}  {facts}", highlight=False, soft_wrap=True)

    def _refresh(self, live: Live) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._shown_at >= _REFRESH_SECONDS:
            live.update(self._panel(), refresh=True)
            self._shown_at = now

    def _prices_moved(self) -> int:
        """Markets whose price differs from the block before."""
        tape, number = self._world.options.tape, self._world.head.head.number
        row = tape.row_at(number)
        if row.block != number or number == tape.first_block:
            return 0
        before = tape.row_at(type(number)(number - 1)).prices
        return sum(before.get(netuid) != price for netuid, price in row.prices.items())

    def _when(self) -> str:
        head = self._world.head.head
        hours = (head.number - self._world.start) * BLOCK_TIME / 3_600
        return f"block {head.number}  {clock(head.time)}  {hours:4.1f} h"

    def _facts(self) -> dict[str, str]:
        referee = self._audit.referee
        markets = referee.ledger.markets
        suspended = [MARKETS[n] for n, market in markets.items() if market.suspended_at]
        warned = sorted(self._inbox.falls.items(), reverse=True)
        return {
            "prices moved": str(self._moves),
            "prices pushed": str(sum(market.pushes for market in markets.values())),
            "funding accruals": str(sum(referee.accruals_by_fleet.values())),
            "open positions": str(len(referee.ledger.holdings)),
            "warnings": " ".join(f"{tier_name(tier)}:{n}" for tier, n in warned) or "0",
            "liquidations": str(referee.verdict.liquidations),
            "left alone": str(len(referee.below.left_alone)),
            "suspended": " ".join(suspended) or "none",
        }

    def _panel(self) -> RenderableType:
        """At most 20 lines of 80 columns."""
        shown = [fact for fact in self._facts().items() if fact[0] != "suspended"]
        figures = Table.grid(padding=(0, 2))
        for pair in (shown[first : first + 2] for first in range(0, len(shown), 2)):
            figures.add_row(*(part for name, value in pair for part in (Text(name, "dim"), value)))
        done = self._world.head.head.number - self._world.start
        bar = Table.grid()
        bar.add_row(ProgressBar(total=self._blocks, completed=done, width=_BAR_COLUMNS))
        return Group(Text(self._when(), style="bold"), bar, self._markets(), figures)

    def _markets(self) -> Table:
        """Every market as it stands: what the source says, what the feed says, who is in it."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for name in ("market", "source", "feed", "funding", "positions", "liquidated", ""):
            table.add_column(name, justify="left" if name in ("market", "") else "right")
        referee = self._audit.referee
        sources = self._world.options.tape.row_at(self._world.head.head.number).prices
        held = Counter(one.netuid for one in referee.ledger.holdings.values())
        for netuid, market in referee.ledger.markets.items():
            table.add_row(
                f"{netuid} {MARKETS[netuid]}",
                _price(sources.get(netuid, 0) * RAO_IN_PRICE_WEI),
                _price(market.price),
                _rate(market),
                str(held[netuid]),
                str(referee.verdict.liquidations_by_market[netuid]),
                Text("suspended", style="yellow") if market.suspended_at else "",
            )
        return table


def _price(price: int) -> str:
    """TAO per Alpha to a millionth, none for 0."""
    return f"{price / ONE:.6f}" if price else "–"


def _rate(market: MarketBooks) -> str:
    """What longs pay shorts in a funding interval, in percent of their size."""
    interest = market.long + market.short
    if not interest:
        return "–"
    rate = market.terms.funding_rate_max * (market.long - market.short) / interest
    return f"{100 * rate / ONE:+.3f} %"


def print_summary(console: Console, summary: Mapping[str, Any]) -> None:
    """The tables at the end of a drill."""
    markets = Table(title=f"{summary['tape']}, {summary['hours']} h from {summary['start']}")
    for column in ("market", "pushes", "largest gap", "while suspended", "accruals", "suspensions"):
        markets.add_column(column, justify="left" if column == "market" else "right")
    for netuid, market in summary["markets"].items():
        markets.add_row(
            f"{netuid} {market['symbol']}",
            str(market["pushes"]),
            _percent(market["gap_bps_max"]),
            _percent(market["gap_bps_max_while_suspended"]),
            str(market["accruals"]),
            str(market["suspensions"]),
        )
    console.print(markets)
    figures = Table.grid(padding=(0, 2))
    for name, value in _figures(summary).items():
        figures.add_row(Text(name, style="dim"), value)
    console.print(figures)
    for name, holds in summary["invariants"].items():
        _print_verdict(console, name, Text("holds ") if holds else Text("BROKEN"), holds=holds)
    for name, is_done in summary["duties"].items():
        _print_verdict(console, name, Text("done  ") if is_done else Text("MISSED"), holds=is_done)


def _print_verdict(console: Console, name: str, word: Text, *, holds: bool) -> None:
    word.stylize("green" if holds else "bold red")
    console.print(Text.assemble(word, "  ", name.replace("_", " ")))


def _figures(summary: Mapping[str, Any]) -> dict[str, str]:
    opened = summary["positions_opened"]
    alerts = _counts(summary["alerts"]["by_deepest_tier"])
    waiting = summary["alerts"]["waiting_for_the_next_digest"]
    return {
        "traders": f"{summary['traders']['count']}, {opened} positions opened",
        "alerts by deepest tier": alerts,
        "  waiting for a digest": str(waiting),
        "liquidations": str(summary["liquidations"]),
        "late by blocks": _counts(summary["late_blocks"]),
        "blocks from source to liquidation": _counts(summary["source_to_liquidation_blocks"]),
        "  from the first source below": _counts(summary["first_source_to_liquidation_blocks"]),
        "penalties": _tao(summary["penalties_wei"]),
        "bad debt": _tao(summary["bad_debt_wei"]),
        "  avoidable": _tao(summary["bad_debt_avoidable_wei"]),
        "  by the guard": _tao(summary["bad_debt_by_guard_wei"]),
        "  by the band": _tao(summary["bad_debt_by_band_wei"]),
        "traded": _tao(summary["traded_wei"]),
        "  better than the source": _tao(summary["traded_better_than_source_wei"]),
        "  while suspended": _tao(summary["traded_while_suspended_wei"]),
        "shocks that stood, blocks held": _counts(summary["shocks_held_blocks"]),
        "  that returned": _counts(summary["returned_held_blocks"]),
        "  blocks to the suspension": _counts(summary["held_to_suspended_blocks"]),
        "left alone": str(summary["left_alone"]),
        "healthy touched": str(summary["healthy_touched"]),
        "largest funding lag": f"{summary['funding_lag_s_max']} s",
    }


def _counts(histogram: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in histogram.items()) or "none"


def _percent(bps: int | None) -> str:
    return "–" if bps is None else f"{bps / 100:.2f} %"


def _tao(wei: int) -> str:
    return f"{wei / 10**18:.6f} TAO"
