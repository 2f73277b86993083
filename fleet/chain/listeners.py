"""Everybody who hears what becomes of nodes."""

from fleet.chain.member import Listener
from fleet.chain.states import NodeState


class Listeners:
    """Passes on to each; implements `fleet.chain.member.Listener`."""

    def __init__(self) -> None:
        self._all: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """One more hears from now on."""
        self._all.append(listener)

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        """A node changed its state."""
        for each in self._all:
            each.state_changed(endpoint, before, state, why)

    def requested(self, endpoint: str, result: str) -> None:
        """A node was asked something."""
        for each in self._all:
            each.requested(endpoint, result)

    def outvoted(self, endpoint: str) -> None:
        """A node said something else than the others."""
        for each in self._all:
            each.outvoted(endpoint)

    def waited(self, endpoint: str, seconds: float) -> None:
        """A request waited for its turn."""
        for each in self._all:
            each.waited(endpoint, seconds)
