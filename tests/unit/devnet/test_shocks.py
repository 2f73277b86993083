"""Several drills as one: what fails stops nobody, and is told in the end."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from devnet.demo import shocks
from devnet.demo.options import DemoOptions
from devnet.demo.shocks import NEAR_THE_LIMITS, SHOCKS, Stretch, drill, drill_tape, stretches
from devnet.failure import DevnetError, DevnetInputError, DevnetStoppedError
from devnet.tape import Tape, TapeRow
from units import BlockNumber, Netuid, Rao, Timestamp

STRETCHES = tuple(Stretch(name=name, start=f"start of {name}", hours=2) for name in ("a", "b"))


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch) -> list[DemoOptions]:
    """Every drill that was run; those of a fail, those of c are interrupted."""
    found: list[DemoOptions] = []

    async def run(options: DemoOptions, *, console: Console | None = None) -> None:
        assert console is not None
        found.append(options)
        options.out.mkdir(parents=True)
        options.summary.write_text(json.dumps({"liquidations": 7, "bad_debt_wei": 10**18}))
        if options.start == "start of a":
            raise DevnetError("the drill has failed: 1 positions left alone")
        if options.start == "start of c":
            raise DevnetStoppedError("stopped at block 7: no verdict")

    monkeypatch.setattr(shocks, "run", run)
    return found


async def test_drill__one_fails__the_others_are_run_and_the_end_says_which(
    drilled: list[DemoOptions], tmp_path: Path
) -> None:
    said = StringIO()
    console = Console(file=said, width=120)
    with pytest.raises(DevnetError, match=r"^a: the drill has failed: 1 positions left alone$"):
        await drill(
            DemoOptions(out=tmp_path, traders=5_000),
            STRETCHES,
            record=tmp_path / "drill.json",
            console=console,
        )
    assert [(each.out.name, each.start, each.hours) for each in drilled] == [
        ("a", "start of a", 2),
        ("b", "start of b", 2),
    ]
    assert all(each.crowd == NEAR_THE_LIMITS and each.traders == 5_000 for each in drilled)
    assert all(each.beta.reserves == 100_000 * 10**18 for each in drilled), "all are let in"
    written = json.loads((tmp_path / "drill.json").read_text())
    assert [bool(each["failure"]) for each in written.values()] == [True, False]
    assert written["b"]["summary"]["liquidations"] == 7
    assert "1.000000 TAO" in said.getvalue()
    assert "FAILED" in said.getvalue()


async def test_drill__all_pass__gives_every_summary(
    drilled: list[DemoOptions], tmp_path: Path
) -> None:
    found = await drill(
        DemoOptions(out=tmp_path),
        STRETCHES[1:],
        record=tmp_path / "drill.json",
        console=Console(file=StringIO(), width=120),
    )
    assert len(drilled) == 1
    assert found == {"b": {"failure": None, "summary": {"liquidations": 7, "bad_debt_wei": 10**18}}}


async def test_drill__one_is_interrupted__no_more_are_run_and_nothing_is_said(
    drilled: list[DemoOptions], tmp_path: Path
) -> None:
    interrupted = Stretch(name="c", start="start of c", hours=2)
    with pytest.raises(DevnetStoppedError):
        await drill(
            DemoOptions(out=tmp_path),
            (STRETCHES[1], interrupted, STRETCHES[1]),
            record=tmp_path / "drill.json",
            console=Console(file=StringIO()),
        )
    assert len(drilled) == 2
    assert not (tmp_path / "drill.json").exists()


def tape_from(
    folder: Path, day: str, hours: int, prices: Sequence[tuple[int, int]] = ((64, 10**9),)
) -> Path:
    """A tape of so many hours from the beginning of a day on, of (netuid, RAO) that stay."""
    at = int(datetime.fromisoformat(f"{day}T00:00+00:00").timestamp())
    path = folder / "tape.csv"
    Tape.of_rows(
        TapeRow(
            block=BlockNumber(5_000_000 + 10 * row),
            time=Timestamp(at + 120 * row),
            prices={Netuid(netuid): Rao(rao) for netuid, rao in prices},
        )
        for row in range(hours * 30)
    ).write(path)
    return path


@pytest.mark.parametrize(
    ("start", "hours", "drilled_hours"),
    [
        (None, None, 24),
        (None, 3, 3),
        ("2026-01-01T20:00", None, 10),
        ("2026-01-01T20:00", 2, 2),
        ("2026-01-02T05:00", None, 1),
    ],
)
def test_stretches__a_tape_of_other_days__what_is_asked_for_or_at_most_a_day(
    tmp_path: Path, start: str | None, hours: int | None, drilled_hours: int
) -> None:
    tape = tape_from(tmp_path, "2026-01-01", 30)
    assert stretches(tape, start, hours) == (
        Stretch(name="chosen", start=start, hours=drilled_hours),
    )


def test_stretches__the_tape_has_the_shocks__those_unless_something_is_asked_for(
    tmp_path: Path,
) -> None:
    tape = tape_from(tmp_path, "2025-03-12", 27 * 24)
    assert stretches(tape, None, None) == SHOCKS
    assert stretches(tape, None, 5) == (Stretch(name="chosen", start=None, hours=5),)
    (chosen,) = stretches(tape, SHOCKS[0].start, None)
    assert (chosen.name, chosen.hours) == ("chosen", 24)


@pytest.mark.parametrize(
    ("start", "hours", "said"),
    [
        ("2020-01-01", None, "begins after 2020-01-01"),
        ("2026-02-01", None, "ends at 2026-01-01T01:58"),
        ("2026-01-01T01:30", None, "0 h from the start to its end, 1 h wanted"),
        ("2026-01-01T01:30", 1, "0 h from the start to its end, 1 h wanted"),
        (None, 3, "2 h from the start to its end, 3 h wanted"),
        ("soon", None, "'soon' is not an ISO 8601 time"),
        (None, 0, "0 hours: at least 1 is needed"),
    ],
)
def test_drill_tape__no_such_hours__one_line_and_nothing_written(
    drilled: list[DemoOptions], tmp_path: Path, start: str | None, hours: int | None, said: str
) -> None:
    tape, record = tape_from(tmp_path, "2026-01-01", 2), tmp_path / "drill.json"
    record.write_text("of another drill")
    options = DemoOptions(out=tmp_path / "drill")
    with pytest.raises(DevnetInputError, match=said):
        asyncio.run(drill_tape(options, tape, start=start, hours=hours, record=record))
    assert list(tmp_path.iterdir()) == [tape]
    assert not drilled


@pytest.mark.parametrize("prices", [((999, 10**9),), ((64, 0),)])
def test_stretches__nothing_that_could_be_traded_has_a_price__is_said_in_one_line(
    tmp_path: Path, prices: Sequence[tuple[int, int]]
) -> None:
    with pytest.raises(DevnetInputError, match=r"^tape.csv: no market of the exchange has a price"):
        stretches(tape_from(tmp_path, "2026-01-01", 2, prices), None, 1)
