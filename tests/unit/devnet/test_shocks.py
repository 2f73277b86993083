"""Several drills as one: what fails stops nobody, and is told in the end."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from devnet.demo import shocks
from devnet.demo.options import DemoOptions
from devnet.demo.shocks import NEAR_THE_LIMITS, Stretch, drill
from devnet.failure import DevnetError

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
