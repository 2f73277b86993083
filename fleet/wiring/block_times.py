"""When the last blocks were, as far as they were seen: receipts name a block and no time."""

from units import BlockNumber, Head, Timestamp

_KEPT = 512


class BlockTimes:
    """Timestamps of the newest blocks seen."""

    def __init__(self) -> None:
        self._times: dict[BlockNumber, Timestamp] = {}

    def note(self, head: Head) -> None:
        """A head came; of two with the same number the later one counts."""
        self._times[head.number] = head.time
        if len(self._times) > _KEPT:
            self._times = {n: t for n, t in self._times.items() if n > head.number - _KEPT // 2}

    def of(self, number: BlockNumber) -> Timestamp | None:
        """A block's timestamp; None where it was not seen."""
        return self._times.get(number)
