"""Where the `keepers` command begins: from its first moment on, a signal ends it quietly.

Imports nothing that takes time: the command itself takes seconds to load on a busy machine.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_UNTIL_STOPPED = frozenset({"run", "up"})
"""Commands that run until they are told to stop: doing so is no failure of theirs."""


def main() -> None:
    """The console script."""
    code = _code(sys.argv[1:])
    _on_signals(lambda: os._exit(code))  # an exception could be lost in the middle of an import
    from fleet.cli import main as command  # noqa: PLC0415 - the seconds that it is about

    _on_signals(lambda: _leave(code))
    command.main()


def _code(words: Sequence[str]) -> int:
    """As `fleet.cli.exits.Exit`: done, or for a command that has not done its work, failed."""
    return 0 if _UNTIL_STOPPED.intersection(words) else 1


def _leave(code: int) -> None:
    """Unwinds what was opened; a second signal ends the process at once.

    Daemons and devnets put their own, more patient ends in its place as soon as they work.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


def _on_signals(act: Callable[[], None]) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        act()

    for each in _SIGNALS:
        signal.signal(each, handle)


if __name__ == "__main__":
    main()
