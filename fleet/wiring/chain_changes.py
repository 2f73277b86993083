"""Says what happens to the chain between two heads: a line for each reorganisation, and numbers."""

from typing import assert_never

import structlog

from fleet.chain.lineage import Advance, Change, Leap, Reorg, Withdrawal
from fleet.telemetry.chain_metrics import ChainMetrics

_log = structlog.stdlib.get_logger("chain")


class ChainChanges:
    """Implements `fleet.chain.tracing.ChainListener`."""

    def __init__(self, metrics: ChainMetrics) -> None:
        self._metrics = metrics

    def changed(self, change: Change) -> None:
        """A block more is silent; blocks that were missed and fetched are counted."""
        match change:
            case Advance(branch=branch):
                self._metrics.missed(len(branch) - 1)
            case Reorg(ancestor=ancestor, left=left, branch=branch):
                self._metrics.reorganised(depth=len(left))
                _log.warning(
                    "reorganised",
                    ancestor=ancestor.number,
                    ancestor_hash=ancestor.hash,
                    left=[head.hash for head in left],
                    branch=[head.hash for head in branch],
                )
            case Leap(head=head, known=known):
                if known is not None:
                    _log.warning("lost_sight_of_the_chain", since=known.number, head=head.number)
            case Withdrawal(head=head, by=by):
                self._metrics.withdrawn()
                _log.warning(
                    "head_withdrawn", block=head.number, block_hash=head.hash, head=by.number
                )
            case _:
                assert_never(change)
