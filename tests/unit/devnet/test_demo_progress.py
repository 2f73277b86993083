"""What one sees of a drill while it runs."""

import asyncio
from io import StringIO
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from devnet.demo.progress import Progress
from devnet.demo.webhook import Inbox
from devnet.world import World
from tests.unit.devnet.history import NETUID, START, History, opened_at_one_tao

WIDTH, HEIGHT = 80, 24
OTHER_MARKETS = 11  # of the demo, a line each


def world_at(history: History) -> World:
    """As much of a world as is looked at: the tape and the head."""
    head = SimpleNamespace(number=history.number, time=history.time)
    stand_in: Any = SimpleNamespace(
        options=SimpleNamespace(tape=history.tape),
        start=START,
        head=SimpleNamespace(head=head),
    )
    return cast("World", stand_in)


def progress_of(history: History, console: Console, inbox: Inbox | None = None) -> Progress:
    audit: Any = SimpleNamespace(referee=history.referee)
    return Progress(
        console=console,
        world=world_at(history),
        audit=audit,
        inbox=inbox or Inbox(url=""),
        blocks=300,
    )


async def test_progress__terminal_of_80_by_24__prices_funding_warnings_liquidations_fit() -> None:
    history = opened_at_one_tao()
    history.push(88 * 10**7)
    history.block()
    inbox = Inbox(url="")
    inbox.falls.update({2_500: 3})
    said = StringIO()
    console = Console(file=said, force_terminal=True, color_system=None, width=WIDTH, height=HEIGHT)
    with progress_of(history, console, inbox) as progress:
        progress.block_done()
    frame = said.getvalue().rpartition("block ")[2]
    assert "64 CHUTES  1.000000  0.880000  +0.750 %" in frame
    assert "25%:3" in frame
    assert "liquidations" in frame
    lines = frame.splitlines()
    assert len(lines) + OTHER_MARKETS < HEIGHT
    assert max(map(len, lines)) <= WIDTH


async def test_progress__suspended_market__marked() -> None:
    history = opened_at_one_tao()
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.block()
    said = StringIO()
    with progress_of(history, Console(file=said, force_terminal=True, width=WIDTH, height=HEIGHT)):
        await asyncio.sleep(0)
    assert "suspended" in said.getvalue()


@pytest.mark.parametrize(("number", "lines"), [(START + 299, 0), (START + 300, 1)])
async def test_progress__no_terminal__a_line_an_hour(number: int, lines: int) -> None:
    history = opened_at_one_tao()
    history.number = number
    said = StringIO()
    with progress_of(history, Console(file=said, width=80)) as progress:
        progress.block_done()
    assert len(said.getvalue().splitlines()) == lines
