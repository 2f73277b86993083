"""Tells a head that is news from one that is not. Pure.

A node that lags behind must not take the fleet back, and one that made a head up must not silence
every true one that comes after it.
"""

import itertools

from units import BlockHash, BlockNumber, Head

_SEEN_MAX = 512
_RISES = 4
"""So many heads below the newest, unheard of and each above the one before, outweigh it: more than
an honest node is behind that is taken for alive."""


class HeadOrder:
    """Remembers the newest head and the last few hundred before it.

    A lower head is news as a reorganisation: another block at a height seen before. At a height
    that was never seen it is taken for that of a node that lags behind, unless it takes the newest
    back: it is younger, and along a chain time only rises; or it is one of several that rise
    there while the newest does not. What was taken back is not believed a second time.
    """

    def __init__(self) -> None:
        self._seen: dict[BlockNumber, BlockHash] = {}
        self._below: list[BlockNumber] = []
        self.newest: Head | None = None
        self.refuted: Head | None = None

    @property
    def is_doubted(self) -> bool:
        """Was a lower head heard since that is not known to be of its chain?"""
        return bool(self._below)

    def admit(self, head: Head) -> bool:
        """Is it news? Then it is the newest from now on."""
        if self.newest is not None and head.number <= self.newest.number:
            if not self.replaces(head):
                if not self._takes_back(self.newest, head):
                    return False
                self.refuted = self.newest
        elif head == self.refuted:
            return False
        self._forget(head.number)
        self._seen[head.number] = head.hash
        self._below = []
        self.newest = head
        return True

    def replaces(self, head: Head) -> bool:
        """Is it another block than the one seen at its height?"""
        known = self._seen.get(head.number)
        return known is not None and known != head.hash

    def continues(self, head: Head) -> bool:
        """Was it seen, or the block that it stands on?"""
        parent = self._seen.get(BlockNumber(head.number - 1))
        return self._seen.get(head.number) == head.hash or parent == head.parent_hash

    def _takes_back(self, newest: Head, head: Head) -> bool:
        """Does a lower head say that the newest is not, or no longer, on the chain?"""
        if head.number in self._seen:
            return False  # it lags on the chain that we know
        if head.time > newest.time:
            return True
        if not self._below or head.number > self._below[-1]:
            self._below.append(head.number)
        return len(self._below) >= _RISES

    def _forget(self, number: BlockNumber) -> None:
        """Blocks from `number` on are no longer on the chain; very old ones need no memory."""
        kept = {each: name for each, name in self._seen.items() if each < number}
        self._seen = dict(itertools.islice(kept.items(), max(0, len(kept) - _SEEN_MAX), None))
