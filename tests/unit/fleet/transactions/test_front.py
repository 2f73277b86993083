"""Which nonce is next, when nodes take turns and blocks are taken back."""

from fleet.transactions.front import Front, advanced
from units import BlockNumber


def counted(*samples: tuple[int, int]) -> Front:
    """The front after (block, count) one after the other."""
    front: Front | None = None
    for block, count in samples:
        front = advanced(front, count, BlockNumber(block))
    assert front is not None
    return front


def front(nonce: int, since: int, at: int) -> Front:
    return Front(nonce=nonce, since=BlockNumber(since), at=BlockNumber(at))


def test_advanced__same_count_at_every_head__stands_since_the_first() -> None:
    assert counted((10, 3), (11, 3), (12, 3)) == front(3, since=10, at=12)


def test_advanced__count_rises__stands_since_that_head() -> None:
    assert counted((10, 3), (11, 5)) == front(5, since=11, at=11)


def test_advanced__a_lagging_node_says_less__is_not_heard() -> None:
    to_and_fro = counted((10, 3), (11, 4), (10, 3), (12, 4), (11, 3), (9, 3), (13, 4))
    assert to_and_fro == front(4, since=11, at=13)


def test_advanced__less_at_a_later_block__was_taken_back() -> None:
    assert counted((10, 3), (11, 5), (12, 4)) == front(4, since=12, at=12)


def test_advanced__another_block_of_the_same_height_has_less__waits_for_the_next() -> None:
    assert counted((10, 3), (11, 5), (11, 4)) == front(5, since=11, at=11)
    assert counted((10, 3), (11, 5), (11, 4), (12, 4)) == front(4, since=12, at=12)


def test_advanced__far_below__what_was_counted_above_is_not_believed_any_more() -> None:
    assert counted((10, 3), (10**9, 99), (11, 4)) == front(4, since=11, at=11)
