"""What the source needs of one JSON-RPC connection, and the two ways in which it fails.

Knows no transport; `subtensor.py` implements it with substrate-interface.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from oracle.quotes import Trouble, Unavailable


class SourceFailureError(Exception):
    """No usable answer came; the client it came from is thrown away. One line."""

    trouble = Trouble.DOWN

    def unavailable(self) -> Unavailable:
        """The same as a value."""
        return Unavailable(detail=str(self), trouble=self.trouble)


class RefusedError(SourceFailureError):
    """The node answered with a JSON-RPC error; the text is the node's."""


class AskedToWaitError(RefusedError):
    """It refuses by policy, its rate is used up: not to be asked for `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WrongChainError(SourceFailureError):
    """The node serves another chain: its block 0 is another."""

    trouble = Trouble.WRONG_CHAIN


class Client(Protocol):
    """One connection to one node. It serves one request at a time and survives no failure."""

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """The `result` of one call.

        Raises:
            SourceFailureError: the connection failed; RefusedError: the node said no.
        """

    def follow(self, method: str, put: Callable[[Any], None]) -> None:
        """Subscribe, and `put` every notification's `result`; the last thing put is the failure.

        A subscription ends only by a SourceFailureError, which is put, not raised. `put` is
        called outside the event loop and must not block. Nothing else can be asked afterwards.
        """

    def abort(self) -> None:
        """Cut the connection; whatever waits on it fails at once. May be called twice."""


Connect = Callable[[float], Awaitable[Client]]
"""Opens a client, in at most so many seconds and with a socket that waits no longer either.

Raises SourceFailureError.
"""
