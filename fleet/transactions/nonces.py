"""Which nonce comes next, and whether somebody unknown is using the key.

Pure. The chain's count alone would hand out one nonce twice while a transaction is on its way;
the journal's alone would stay behind for ever once somebody else has sent with this key. The
chain's count is never remembered beyond the next reading: a reorganisation may lower it.
"""


class Nonces:
    """The counter of one key.

    `journal` is one above the highest nonce in the journal, `latest` the chain's count, `pending`
    that count with the node's pool.
    """

    def __init__(self, *, journal: int, latest: int, pending: int) -> None:
        self._journal = journal
        self._before = journal
        self._latest = latest
        self.is_held = False
        self.resync(latest=latest, pending=pending)

    @property
    def next(self) -> int:
        """What the next transaction will have."""
        return max(self._journal, self._latest)

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

    def resync(self, *, latest: int, pending: int) -> None:
        """Learns the chain's counts; held while something unknown is pending."""
        self.observe(latest)
        self.is_held = pending > self.next
