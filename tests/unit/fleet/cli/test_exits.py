import errno
import io
import json
import os
import sqlite3
import sys
from collections.abc import Callable

import pytest
import typer
from sqlalchemy.exc import OperationalError

from fleet.cli.exits import Exit, OutputError, ended, reported
from fleet.cli.main import app, main
from fleet.cli.output import Output, messages


class FullDisk(io.StringIO):
    """Standard output on a file system without room."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _say(out: Output) -> None:
    out.line("a")
    out.finish()


def _end(command: Callable[[], int | None], *, is_json: bool = False) -> int:
    return ended(command, messages(), is_json=is_json)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["scan", "--limit", "0"], "error: Invalid value for '--limit': "),
        (["liquidate", "--nope"], "error: No such option: --nope"),
        (["run", "nope"], "error: Invalid value for '[BOT]': "),
        (["oracle", "suspend"], "error: Missing argument 'MARKET...'."),
        (["nope"], "error: No such command 'nope'."),
    ],
)
def test_ended__arguments_that_cannot_be__are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    code = _end(lambda: app(arguments, standalone_mode=False))

    said = capsys.readouterr()
    assert code == Exit.WRONG_INPUT
    assert said.err.startswith(line)
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_main__wrong_arguments_of_a_script__are_a_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["keepers", "scan", "--limit", "0", "--json"])

    with pytest.raises(SystemExit) as exit_:
        main()

    assert exit_.value.code == Exit.WRONG_INPUT
    assert "Invalid value" in json.loads(capsys.readouterr().out)["errors"][0]


def test_ended__a_question_cut_off__did_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> None:
        raise typer.Abort

    assert _end(ask) == Exit.REFUSED
    assert capsys.readouterr().err == "error: not confirmed: nothing was done\n"


def test_reported__the_store_is_full__one_line_without_the_statement(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with sqlite3.connect(":memory:") as full:
        full.execute("CREATE TABLE things (text)")
        full.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as cause:
            full.execute("INSERT INTO things VALUES (?)", ("x" * 100_000,))
    full.close()
    with pytest.raises(typer.Exit) as ending, reported(messages()):
        raise OperationalError("INSERT INTO things VALUES (?)", ("secret",), cause.value)
    assert ending.value.exit_code == Exit.REFUSED
    assert capsys.readouterr().err == "error: the store: database or disk is full\n"


@pytest.mark.parametrize("code", list(Exit))
def test_ended__a_command_that_ended__keeps_its_code(code: Exit) -> None:
    assert _end(lambda: code) == code


@pytest.mark.parametrize("is_json", [False, True])
def test_output__closed__says_so(monkeypatch: pytest.MonkeyPatch, is_json: bool) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    out = Output(is_json=is_json)

    with pytest.raises(OutputError, match="standard output is closed"):
        _say(out)


@pytest.mark.parametrize("is_json", [False, True])
def test_output__full__says_so(monkeypatch: pytest.MonkeyPatch, is_json: bool) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    out = Output(is_json=is_json)

    with pytest.raises(OutputError, match="cannot be written: No space left on device"):
        _say(out)
