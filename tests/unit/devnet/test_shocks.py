"""Several drills as one: what fails stops nobody, and is told in the end."""

import json
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from devnet.demo import shocks
from devnet.demo.options import DemoOptions
from devnet.demo.shocks import NEAR_THE_LIMITS, SHOCKS, Stretch, drill, stretches
from devnet.failure import DevnetError, DevnetInputError
from devnet.tape import Tape, TapeRow
from units import BlockNumber, Netuid, Rao, Timestamp

STRETCHES = tuple(Stretch(name=name, start=f"start of {name}", hours=2) for name in ("a", "b"))


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch) -> list[DemoOptions]:
    """Every drill that was run; those that begin at "start of a" fail."""
    found: list[DemoOptions] = []

    async def run(options: DemoOptions, *, console: Console | None = None) -> None:
        assert console is not None
        found.append(options)
        options.out.mkdir(parents=True)
        options.summary.write_text(json.dumps({"liquidations": 7, "bad_debt_wei": 10**18}))
        if options.start == "start of a":
            raise DevnetError("the drill has failed: 1 positions left alone")

    monkeypatch.setattr(shocks, "run", run)
    return found


async def test_drill__one_fails__the_others_are_run_and_the_end_says_which(
    drilled: list[DemoOptions], tmp_path: Path
) -> None:
    said = StringIO()
    console = Console(file=said, width=120)
    with pytest.raises(DevnetError, match=r"^a: the drill has failed: 1 positions left alone$"):
        await drill(DemoOptions(out=tmp_path, traders=5_000), STRETCHES, console=console)
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
        DemoOptions(out=tmp_path), STRETCHES[1:], console=Console(file=StringIO(), width=120)
    )
    assert len(drilled) == 1
    assert found == {"b": {"failure": None, "summary": {"liquidations": 7, "bad_debt_wei": 10**18}}}


def tape_from(folder: Path, day: str, hours: int) -> Path:
    """A tape of so many hours from the beginning of a day on."""
    at = int(datetime.fromisoformat(f"{day}T00:00+00:00").timestamp())
    path = folder / "tape.csv"
    Tape.of_rows(
        TapeRow(
            block=BlockNumber(5_000_000 + 10 * row),
            time=Timestamp(at + 120 * row),
            prices={Netuid(64): Rao(10**9)},
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
        ("2026-01-02T05:30", None, 1),
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


def test_stretches__no_such_time__is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DevnetInputError, match="begins after 2020-01-01"):
        stretches(tape_from(tmp_path, "2026-01-01", 2), "2020-01-01", None)
