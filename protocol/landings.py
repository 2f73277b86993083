"""When each market's last push landed, learnt from logs as they pass.

The feed stores when a price was true, not when it arrived. Where that is not known, callers fall
back to the source's time, which is earlier. Pure but for what it remembers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from keepers.liquidation.moves import BlockMoves
from keepers.liquidation.positions import BlockEvents, PricePushed
from oracle.feed import FeedRowView
from units import BlockNumber, Head, Netuid, Timestamp


class Landings:
    """The newest known landing of each market: source block and timestamp of its block."""

    def __init__(self) -> None:
        self._landed: dict[Netuid, tuple[BlockNumber, Timestamp]] = {}

    def note(self, blocks: Iterable[BlockEvents | BlockMoves], last: Head) -> None:
        """Remembers the pushes of `last`, the only block whose timestamp is at hand."""
        for block in blocks:
            if block.hash == last.hash:
                for event in block.events:
                    if isinstance(event, PricePushed):
                        self._landed[event.netuid] = (event.source_block, last.time)

    def dated(self, rows: Mapping[Netuid, FeedRowView]) -> dict[Netuid, FeedRowView]:
        """The rows with their landing time, where it is that row's push that was seen landing."""
        return {netuid: self._dated(netuid, row) for netuid, row in rows.items()}

    def _dated(self, netuid: Netuid, row: FeedRowView) -> FeedRowView:
        source_block, time = self._landed.get(netuid, (None, None))
        return replace(row, landed_time=time) if source_block == row.source_block else row
