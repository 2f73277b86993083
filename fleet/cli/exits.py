"""What a command's exit code means, and the errors that lead to each.

Knows which rooms' errors are an operator's to mend; any other is a defect and keeps its
traceback.
"""
# ruff: noqa: PLC0415 - half a second of imports that only a failure needs stands where it is used

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console

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


EXIT_CODES = "Exit codes: 0 done or nothing to do, 1 failed or refused, 2 wrong input, 3 unhealthy."


class WrongInputError(Exception):
    """An argument that cannot be; the text is one line that says what and where."""


@contextmanager
def reported(console: Console) -> Iterator[None]:
    """Turns an operator's errors into one line each and an exit code; nothing else."""
    try:
        yield
    except _reportable() as error:
        found = list(leaves(error))
        if not all(isinstance(each, _reportable()) for each in found):
            raise
        for line in (line for each in found for line in str(each).splitlines()):
            console.print(f"error: {line}", style="red", markup=False, highlight=False)
        is_input = any(isinstance(each, _wrong_input()) for each in found)
        raise typer.Exit(Exit.WRONG_INPUT if is_input else Exit.REFUSED) from None


def _reportable() -> tuple[type[Exception], ...]:
    return (*_wrong_input(), *_refusals(), ExceptionGroup)


def _wrong_input() -> tuple[type[Exception], ...]:
    from fleet.chain.failures import WrongChain

    return SettingsError, WrongInputError, WrongChain


def _refusals() -> tuple[type[Exception], ...]:
    from fleet.chain.failures import ChainError
    from fleet.runtime.lockstep import LockstepError
    from fleet.runtime.refusal import StartRefusedError
    from fleet.runtime.server import ListenError
    from fleet.store.engine import StoreError
    from fleet.transactions.journal import JournalConflict

    return ChainError, LockstepError, StartRefusedError, ListenError, StoreError, JournalConflict
