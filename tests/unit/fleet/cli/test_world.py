"""`keepers devnet drill` with what can't be drilled: one line, exit code 2, and nothing is left."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleet.cli.main import app
from tests.unit.study.tapes import SN, tape_of, wild

Damage = Callable[[str], str]


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Two hours of one market."""
    file = tmp_path / "tape.csv"
    tape_of({SN: wild(60, 1)}).write(file)
    return file


def _twice(text: str) -> str:
    *rows, last = text.splitlines()
    return "\n".join([*rows, last, last])


def _cut_off(text: str) -> str:
    return text[: text.rindex(",")]


@pytest.mark.parametrize(
    ("arguments", "damage", "said"),
    [
        (("--hours", "0"), str, "0 hours: at least 1 is needed"),
        (("--hours", "9"), str, "2 h from the start to its end, 9 h wanted"),
        (("--from", "2001-01-01"), str, "begins after 2001-01-01"),
        ((), _twice, "stands twice"),
        ((), _cut_off, "row 61: 2 cells, the header has 3"),
        ((), lambda text: text.replace(f"sn{SN}", "sn999"), "no market of the exchange"),
        ((), lambda _: "", "tape.csv: empty"),
    ],
)
def test_drill__what_cannot_be__one_line_and_no_record(
    tape: Path, arguments: tuple[str, ...], damage: Damage, said: str
) -> None:
    tape.write_text(damage(tape.read_text()))
    out, record = tape.parent / "drill", tape.parent / "drill.json"
    record.write_text("of another drill")
    files = ("--tape", str(tape), "--out", str(out), "--record", str(record))
    ended = CliRunner().invoke(app, ["devnet", "drill", *files, *arguments])
    (line,) = ended.stderr.splitlines()
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in line
    assert list(tape.parent.iterdir()) == [tape]
