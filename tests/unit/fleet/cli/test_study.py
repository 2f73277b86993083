"""`keepers oracle study` needs a tape and nothing else, and leaves a page that stands alone."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleet.cli.main import app
from tests.unit.study.tapes import OTHER, SN, tape_of, wild


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    file = tmp_path / "tape.csv.gz"
    tape_of({SN: wild(150, 1), OTHER: wild(150, 2)}).write(file)
    return file


def test_study__a_tape_and_no_configuration__tables_and_a_page_that_fetches_nothing(
    tape: Path, tmp_path: Path
) -> None:
    page = tmp_path / "there" / "study.html"
    ended = CliRunner().invoke(app, ["oracle", "study", "--tape", str(tape), "--out", str(page)])
    assert ended.exit_code == 0, ended.output
    assert "Band and heartbeat" in ended.stdout
    assert "SN64" in ended.stdout
    text = page.read_text()
    assert text.count("<svg") >= 5
    assert "<script" not in text
    assert not re.search(r'(?:src|href|url)\s*[=(]\s*["\']?(?:https?:)?//', text)


def test_study__for_a_script__one_document_with_every_table(tape: Path, tmp_path: Path) -> None:
    page = tmp_path / "study.html"
    arguments = ["--network", "mainnet", "oracle", "study", "--tape", str(tape), "--out", str(page)]
    ended = CliRunner().invoke(app, [*arguments, "--json"])
    assert ended.exit_code == 0, ended.output
    document = json.loads(ended.stdout)
    rhythms = document["Band and heartbeat, the same for every market"]
    assert {"band, heartbeat", "pushes a day", "error bps"} <= rhythms[0].keys()
    assert "CHUTES" in json.dumps(document)


def test_study__no_such_tape__wrong_input_in_one_line(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["oracle", "study", "--tape", str(tmp_path / "none.csv")])
    assert ended.exit_code == 2
    assert "none.csv" in ended.output
    assert "Traceback" not in ended.output


def test_study__a_page_that_cannot_be_written__wrong_input(tape: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "study.html"
    ended = CliRunner().invoke(app, ["oracle", "study", "--tape", str(tape), "--out", str(out)])
    assert ended.exit_code == 2
    assert "Traceback" not in ended.output
