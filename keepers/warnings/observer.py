"""What one block makes of many watches: of the like ones once.

Most of a million watches are one object, and within a stretch every ratio makes the same of it
(`stretches.py`). Pure.
"""

from keepers.warnings.alerts import Fall
from keepers.warnings.stretches import Stretch, stretches
from keepers.warnings.tiers import WarningPolicy, Watch, observe, observe_unknown
from units import BlockNumber, Bps

Observed = tuple[Watch | None, Fall | None]
"""A position's watch as it stands then, and the fall to alert, if any."""


class Observer:
    """For one block; the watches that it is given must live as long as it does."""

    def __init__(self, block: BlockNumber, policy: WarningPolicy) -> None:
        self._block = block
        self._policy = policy
        self._lines = stretches(policy)
        self._seen: dict[tuple[int, Stretch | None], Observed] = {}
        self._alike: dict[Watch, Watch] = {}

    def observed(self, before: Watch | None, ratio: Bps | None) -> Observed:
        """The watch after it and the fall, if any; None for one never seen with a known ratio."""
        at = id(before), None if ratio is None else self._lines.of(ratio)
        found = self._seen.get(at)
        if found is None:
            after, fall = self._observe(before, ratio)
            if after is not None and after is not before:
                after = self._alike.setdefault(after, after)
            found = self._seen[at] = after, fall
        return found

    def _observe(self, before: Watch | None, ratio: Bps | None) -> Observed:
        if ratio is not None:
            return observe(before, ratio, self._block, self._policy)
        if before is None:  # never seen with a known ratio: as if not seen at all
            return None, None
        return observe_unknown(before, self._policy)
