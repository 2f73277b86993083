"""Says what becomes of the nodes: a line for each change of a state, and the numbers."""

import structlog

from fleet.chain.states import NodeState
from fleet.telemetry.chain_metrics import ChainMetrics

_log = structlog.stdlib.get_logger("nodes")


class NodeLines:
    """Implements `fleet.chain.member.Listener` with log lines."""

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        """One line; a node of the wrong chain is an error, any other bad state a warning."""
        write = {NodeState.ALIVE: _log.info, NodeState.WRONG_CHAIN: _log.error}.get(
            state, _log.warning
        )
        was = None if before is None else before.value
        write("node_state", endpoint=endpoint, state=state.value, was=was, reason=why or None)

    def requested(self, endpoint: str, result: str) -> None:
        """Nothing: the numbers tell."""

    def outvoted(self, endpoint: str) -> None:
        """One line."""
        _log.warning("node_disagrees", endpoint=endpoint)

    def waited(self, endpoint: str, seconds: float) -> None:
        """Nothing: the numbers tell."""


class NodeNumbers:
    """Implements `fleet.chain.member.Listener` with metrics."""

    def __init__(self, metrics: ChainMetrics) -> None:
        self._metrics = metrics

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        """The state's series is one, every other's of that node is zero."""
        del before, why
        self._metrics.node_state(endpoint, state.value, [each.value for each in NodeState])

    def requested(self, endpoint: str, result: str) -> None:
        """Counts."""
        self._metrics.requested(endpoint, result)

    def outvoted(self, endpoint: str) -> None:
        """Counts."""
        self._metrics.disagreed(endpoint)

    def waited(self, endpoint: str, seconds: float) -> None:
        """Into the distribution."""
        self._metrics.waited(endpoint, seconds)
