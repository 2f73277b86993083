"""`make drill`: the demo over several stretches of prices, with a crowd near its limits.

Each stretch is a drill of its own, in a folder of its own, with the same verdict; what came of all
of them is one file. A stretch that fails does not stop the others, who interrupts one stops all.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from devnet.demo.drill import run
from devnet.demo.options import DemoOptions
from devnet.failure import DevnetError, DevnetStoppedError, one_line
from devnet.files import write_json
from devnet.parameters import MARKETS, Beta
from devnet.population import Crowd
from devnet.replay import hours_from, priced, stretch_of
from devnet.tape import Tape, TapeError
from units import ONE, Wei

NEAR_THE_LIMITS = Crowd(
    at_maximum_leverage=0.95,
    long=0.75,
    in_the_rush=0.95,
    rush_of_the_run=0.15,
    leaving=0.1,
    reducing=0.05,
    withdrawing=0.1,
    coming_back=0.1,
    in_one_market=0.4,
)
"""Nearly all at 3x, in before anything happens, and staying; many where the shock will be."""

RESERVES_A_TRADER = Wei(20 * ONE)
"""The vault must be able to be the other side of all of them: their notional is 13 TAO each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Hours of a tape, by a name that people know them by."""

    name: str
    start: str | None
    hours: int


SHOCKS = (
    Stretch(name="sn75-2025-03-12", start="2025-03-12T04:00", hours=2),
    Stretch(name="sn75-2025-03-16", start="2025-03-16T05:00", hours=2),
    Stretch(name="sn34-2025-03-23", start="2025-03-23T08:00", hours=2),
    Stretch(name="sn62-2025-04-06", start="2025-04-06T22:00", hours=2),
)
"""The shocks of the recorded tape of spring 2025: SN75 in its first days, a spike of eight times
that is gone a row later, SN34's fall of 47 % between two rows, SN62's rise of 75 %."""

_DAY_HOURS = 24
_FIGURES = (
    "liquidations",
    "late_blocks",
    "later_than_ranked",
    "left_alone",
    "healthy_touched",
    "bad_debt_wei",
    "bad_debt_avoidable_wei",
    "bad_debt_by_guard_wei",
    "penalties_wei",
)


def stretches(path: Path, start: str | None, hours: int | None) -> tuple[Stretch, ...]:
    """What to drill on a tape: the stretch that is asked for, the shocks, or how it begins.

    Args:
        path: of the tape.
        start: ISO 8601 time on it; None: the shocks, where the tape has them and no hours are
            asked for, else its start.
        hours: how many; None = a day, or what there is.

    Raises:
        DevnetInputError: tape, time or hours are no good, the tape does not last so long, or no
            market of the exchange has a price then.
    """
    with one_line():
        tape = Tape.open(path)
        if start is None and hours is None and all(_is_on(tape, shock) for shock in SHOCKS):
            return SHOCKS
        if hours is not None and hours < 1:
            raise TapeError(f"{hours} hours: at least 1 is needed")
        wanted = hours or max(min(hours_from(tape, start), _DAY_HOURS), 1)
        priced(tape, stretch_of(tape, start, wanted).first, MARKETS)
    return (Stretch(name="chosen", start=start, hours=wanted),)


def _is_on(tape: Tape, stretch: Stretch) -> bool:
    try:
        return hours_from(tape, stretch.start) >= stretch.hours
    except TapeError:
        return False


async def drill_tape(
    options: DemoOptions,
    tape: Path,
    *,
    start: str | None,
    hours: int | None,
    record: Path,
    console: Console | None = None,
) -> dict[str, Any]:
    """Drills what `stretches` chooses on a tape, as `drill` does.

    Raises:
        DevnetInputError: as `stretches`; then nothing is written, and no `record` is there.
        DevnetError: as `drill`.
    """
    _forget(record)
    chosen = stretches(tape, start, hours)
    return await drill(replace(options, tape=tape), chosen, record=record, console=console)


async def drill(
    options: DemoOptions,
    stretches: Sequence[Stretch],
    *,
    record: Path,
    console: Console | None = None,
) -> dict[str, Any]:
    """Drills every stretch; the summaries, by name, are also in `record`, once all are done.

    Raises:
        DevnetError: at least one has failed; one line names them.
        DevnetStoppedError: somebody wanted it to stop; then there is no `record`.
    """
    screen = console or Console()
    found: dict[str, Any] = {}
    for stretch in stretches:
        screen.rule(f"{stretch.name}: {stretch.hours} h, {options.traders} traders")
        found[stretch.name] = await _one(options, stretch, screen)
    write_json(record, found)
    _print(screen, found)
    failed = [f"{name}: {each['failure']}" for name, each in found.items() if each["failure"]]
    if failed:
        raise DevnetError("; ".join(failed))
    return found


async def _one(options: DemoOptions, stretch: Stretch, screen: Console) -> dict[str, Any]:
    own = replace(
        options,
        out=options.out / stretch.name,
        start=stretch.start,
        hours=stretch.hours,
        crowd=NEAR_THE_LIMITS,
        beta=deep_enough(options.traders),
    )
    try:
        await run(own, console=screen)
    except DevnetStoppedError:
        raise
    except DevnetError as error:
        return {"failure": str(error), "summary": _read(own.summary)}
    return {"failure": None, "summary": _read(own.summary)}


def deep_enough(traders: int) -> Beta:
    """The beta, with a vault that lets so many in."""
    ordinary = Beta()
    return replace(ordinary, reserves=max(ordinary.reserves, Wei(traders * RESERVES_A_TRADER)))


def _forget(record: Path) -> None:
    """What an earlier drill found says nothing of this one."""
    with one_line():
        record.unlink(missing_ok=True)


def _read(path: Path) -> Any:
    """None: the drill did not come so far as to have one."""
    return json.loads(path.read_text()) if path.exists() else None


def _print(screen: Console, found: dict[str, Any]) -> None:
    """A column a stretch."""
    table = Table(title="drills")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for figure in _FIGURES:
        summaries = ((each["summary"] or {}) for each in found.values())
        table.add_row(*(_title(figure), *(_shown(figure, one.get(figure)) for one in summaries)))
    table.add_row("verdict", *("FAILED" if one["failure"] else "passed" for one in found.values()))
    screen.print(table)


def _title(figure: str) -> str:
    return figure.removesuffix("_wei").replace("_", " ")


def _shown(figure: str, value: Any) -> str:
    if value is None:
        return "–"
    if figure.endswith("_wei"):
        return f"{Decimal(value) / ONE:.6f} TAO"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {count}" for key, count in value.items()) or "–"
    return str(value)
