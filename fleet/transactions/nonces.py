"""Which nonce comes next, and whether somebody unknown is using the key.

Pure. The chain's count alone would hand out one nonce twice while a transaction is on its way;
the journal's alone would stay behind for ever once somebody else has sent with this key. The
chain's count is never remembered beyond the next reading: a reorganisation may lower it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A key's next nonce by the chain: at the latest block, with the node's pool, and finally.

    `final` is None when it was not asked.
    """

    latest: int
    pending: int
    final: int | None

    @property
    def is_settled(self) -> bool:
        """Nothing of this key is on its way or can be taken back."""
        return self.latest == self.pending == self.final


class Nonces:
    """The counter of one key. `journal` is one above the highest nonce in the journal.

    Held, nothing new is sent. It begins held when the chain is ahead of the journal (`is_behind`):
    an older copy of the journal was put back, or another process has used the key, and what that
    sent may still be on its way or be taken back.
    """

    def __init__(self, *, journal: int, counts: Counts) -> None:
        self._journal = journal
        self._before = journal
        self._latest = counts.latest
        self._pending = counts.pending
        self.is_behind = counts.latest > journal
        self.is_held = False
        self.resync(counts)

    @property
    def next(self) -> int:
        """What the next transaction will have."""
        return max(self._journal, self._latest)

    @property
    def strangers(self) -> range:
        """Nonces that the pool holds transactions of somebody unknown for, and nothing else.

        None as long as one of the journal's may stand before them.
        """
        return range(self._latest, self._pending if self._journal <= self._latest else 0)

    def take(self) -> int:
        """Hands out the next nonce."""
        nonce = self.next
        self._before, self._journal = self._journal, nonce + 1
        return nonce

    def give_back(self, nonce: int) -> None:
        """Takes back the nonce that was handed out last."""
        if nonce != self._journal - 1:
            raise ValueError(f"nonce {nonce} is not the last one")
        self._journal = self._before

    def observe(self, latest: int) -> None:
        """Learns the chain's count alone."""
        self._latest = latest

    def resync(self, counts: Counts) -> None:
        """Learns the chain's counts; held while something unknown is pending or not final."""
        self.observe(counts.latest)
        self._pending = counts.pending
        self.is_behind = self.is_behind and not counts.is_settled
        self.is_held = self.is_behind or counts.pending > self.next
