"""What a command's exit code means, and the errors that lead to each.

Knows which rooms' errors are an operator's to mend; any other is a defect and keeps its
traceback.
"""
# ruff: noqa: PLC0415 - half a second of imports that only a failure needs stands where it is used

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console

from fleet.cli.encoding import to_json
from fleet.runtime.loop import leaves
from fleet.settings import SettingsError


class Exit(IntEnum):
    """The commands' exit codes."""

    DONE = 0
    """Done, or there was nothing to do."""

    REFUSED = 1
    """Failed, or something refused to act."""

    WRONG_INPUT = 2
    """Arguments, configuration or keys are wrong."""

    UNHEALTHY = 3
    """Looked, and found something that needs a human."""


_STDOUT = 1

EXIT_CODES = "Exit codes: 0 done or nothing to do, 1 failed or refused, 2 wrong input, 3 unhealthy."


class OutputError(Exception):
    """Standard output takes no more: a full disk, a reader that has gone, none at all."""


class WrongInputError(Exception):
    """An argument that cannot be; the text is one line that says what and where."""


@contextmanager
def reported(console: Console, *, is_json: bool = False) -> Iterator[None]:
    """Turns an operator's errors into one line each and an exit code; nothing else.

    For a script they are also the one JSON document: `errors`, a list of lines.
    """
    try:
        yield
    except _reportable() as error:
        found = list(leaves(error))
        if not all(isinstance(each, _reportable()) for each in found):
            raise
        lines = [line for each in found for line in _said(each).splitlines()]
        _tell(lines, console, is_json=is_json)
        is_input = any(isinstance(each, _wrong_input()) for each in found)
        raise typer.Exit(Exit.WRONG_INPUT if is_input else Exit.REFUSED) from None


@contextmanager
def devnet_reported(console: Console) -> Iterator[None]:
    """The same of what goes wrong with a devnet."""
    from devnet.failure import DevnetError, DevnetInputError

    try:
        yield
    except DevnetError as error:
        _tell([str(error)], console, is_json=False)
        is_input = isinstance(error, DevnetInputError)
        raise typer.Exit(Exit.WRONG_INPUT if is_input else Exit.REFUSED) from None


def _tell(lines: Sequence[str], console: Console, *, is_json: bool) -> None:
    for line in lines:
        console.print(f"error: {line}", style="red", markup=False, highlight=False)
    if is_json:
        sys.stdout.write(to_json({"errors": list(lines)}) + "\n")


def ended(command: Callable[[], int | None], console: Console, *, is_json: bool) -> int:
    """Runs the whole command line; its exit code, also where arguments or stdout are of no use."""
    try:
        code = command() or Exit.DONE
        sys.stdout.flush()
    except typer.Abort:
        _tell(["not confirmed: nothing was done"], console, is_json=is_json)
        return Exit.REFUSED
    except typer.TyperException as error:
        said = error.format_message()  # empty where its help was printed
        _tell([said] if said else [], console, is_json=is_json)
        return Exit.WRONG_INPUT
    except OutputError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)  # what is left in it has nowhere to go
        _tell([str(error)], console, is_json=False)
        return Exit.REFUSED
    return code


def _said(error: BaseException) -> str:
    from sqlalchemy.exc import OperationalError

    # its own text goes on with the statement, which is nobody's to mend
    return f"the store: {error.orig}" if isinstance(error, OperationalError) else str(error)


def _reportable() -> tuple[type[Exception], ...]:
    return (*_wrong_input(), *_refusals(), ExceptionGroup)


def _wrong_input() -> tuple[type[Exception], ...]:
    from fleet.chain.failures import WrongChain

    return SettingsError, WrongInputError, WrongChain


def _refusals() -> tuple[type[Exception], ...]:
    from sqlalchemy.exc import OperationalError

    from fleet.chain.failures import ChainError
    from fleet.runtime.lockstep import LockstepError
    from fleet.runtime.refusal import StartRefusedError
    from fleet.runtime.server import ListenError
    from fleet.store.engine import StoreError
    from fleet.store.server import StoreAway
    from fleet.transactions.journal import Fenced, JournalConflict

    chain = (ChainError, LockstepError)
    store = (StoreError, StoreAway, OperationalError, JournalConflict, Fenced)
    return (*chain, StartRefusedError, ListenError, *store)
