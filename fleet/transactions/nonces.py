"""Which nonce comes next, and whether somebody unknown is using the key.

Pure. The chain's count alone would hand out one nonce twice while a transaction is on its way;
the journal's alone would stay behind for ever once somebody else has sent with this key.
"""


class Nonces:
    """The counter of one key. `pending` is the chain's count with the node's pool."""

    def __init__(self, *, journal: int, latest: int, pending: int) -> None:
        self._next = journal
        self.is_held = False
        self.resync(latest=latest, pending=pending)

    @property
    def next(self) -> int:
        """What the next transaction will have."""
        return self._next

    def take(self) -> int:
        """Hands out the next nonce."""
        self._next += 1
        return self._next - 1

    def give_back(self, nonce: int) -> None:
        """Takes back the nonce that was handed out last; an older one is used up by now."""
        if nonce == self._next - 1:
            self._next = nonce

    def observe(self, latest: int) -> None:
        """Learns the chain's count alone."""
        self._next = max(self._next, latest)

    def resync(self, *, latest: int, pending: int) -> None:
        """Learns the chain's counts; the hold ends when nothing unknown is pending."""
        self.observe(latest)
        self.is_held = pending > self._next
