"""What a command prints: tables for people, or one JSON document for scripts.

Results go to stdout, everything about how they came to be to stderr. Knows no command.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich import box
from rich.console import Console
from rich.table import Table

from fleet.cli.encoding import to_json
from fleet.cli.exits import OutputError

_WIDTH_WITHOUT_TERMINAL = 200


def messages() -> Console:
    """The console for everything that is not a result."""
    return Console(stderr=True, soft_wrap=True)


@contextmanager
def _written() -> Iterator[None]:
    """Raises OutputError where standard output takes nothing; a reader that left is typer's."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None


def _results() -> Console:
    # A pipe has no width, and a table cut off in a log is of no use.
    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(width=width)


class Output:
    """Collects what a command has to say and says it in one of two forms."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._document: dict[str, object] = {}

    @property
    def is_json(self) -> bool:
        """Whether a script reads it."""
        return self._is_json

    def record(self, name: str, value: object) -> None:
        """A part of the JSON document; people do not see it."""
        self._document[name] = value

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table for people; nothing when there are no rows."""
        if self._is_json or not rows:
            return
        table = Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left")
        for row in rows:
            table.add_row(*row)
        with _written():
            _results().print(table, markup=False)

    def line(self, text: str) -> None:
        """A line for people."""
        if not self._is_json:
            with _written():
                _results().print(text, markup=False, highlight=False, soft_wrap=True)

    def working(self, text: str) -> AbstractContextManager[object]:
        """Shows on a terminal that something takes its time."""
        console = messages()
        is_shown = console.is_terminal and not self._is_json
        return console.status(text) if is_shown else nullcontext()

    def finish(self) -> None:
        """Prints the JSON document, if that is the form."""
        if self._is_json:
            document = to_json(self._document) + "\n"
            with _written():
                sys.stdout.write(document)
                sys.stdout.flush()


@contextmanager
def output(*, is_json: bool) -> Iterator[Output]:
    """What the command says inside is complete at its end; an error leaves no half document."""
    said = Output(is_json=is_json)
    yield said
    said.finish()
