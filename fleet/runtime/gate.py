"""What a process may be kept from for a while: to decide and to act."""

from typing import Protocol


class Gate(Protocol):
    """Open as long as bots that act may begin another step."""

    @property
    def is_open(self) -> bool:
        """Now."""
        ...

    async def opened(self) -> None:
        """Returns when it is."""
        ...


class NoGate:
    """Always open."""

    is_open = True

    async def opened(self) -> None:
        """At once."""
