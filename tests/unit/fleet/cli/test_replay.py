"""`keepers replay` as it is typed: figures on the terminal, files beside them, or one line."""

from pathlib import Path

from typer.testing import CliRunner

from fleet.cli.exits import Exit
from fleet.cli.main import app

LITTLE = ["replay", "--hours", "1", "--traders", "8", "--population", "3x-cluster"]


def test_replay__made_up_prices__shows_figures_and_says_where_the_files_are(
    tmp_path: Path,
) -> None:
    ended = CliRunner().invoke(app, [*LITTLE, "--out", str(tmp_path)])

    assert ended.exit_code == 0, ended.output
    for figure in ("tracking error", "avoidable", "penalties to keepers", "median lead"):
        assert figure in ended.output
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "summary.json"}
    assert str(tmp_path / "report.html") in ended.output.replace("\n", "")


def test_replay__the_same_seed__says_the_same(tmp_path: Path) -> None:
    said = [
        CliRunner().invoke(app, [*LITTLE, "--seed", "7", "--out", str(tmp_path)]).output
        for _ in range(2)
    ]

    assert said[0] == said[1]


def test_replay__a_tape_that_is_none__is_one_line_and_wrong_input(tmp_path: Path) -> None:
    tape = tmp_path / "prices.csv"
    tape.write_text("what,is,this\n")

    ended = CliRunner().invoke(app, [*LITTLE, "--tape", str(tape), "--out", str(tmp_path / "out")])

    assert ended.exit_code == Exit.WRONG_INPUT
    assert "prices.csv: row 1: columns are not" in ended.output.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_replay__a_tape_that_is_not_there__is_one_line_and_wrong_input(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, [*LITTLE, "--tape", str(tmp_path / "none.csv")])

    assert ended.exit_code == Exit.WRONG_INPUT
    assert "none.csv: No such file" in ended.output


def test_replay__a_sweep__says_where_its_comparison_is(tmp_path: Path) -> None:
    swept = ["--sweep", "oracle.deviation_bps=8,12", "--workers", "1", "--out", str(tmp_path)]

    ended = CliRunner().invoke(app, [*LITTLE, *swept])

    assert ended.exit_code == 0, ended.output
    assert "2 of 2 variants" in ended.output
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "sweep.json", "variants"}
