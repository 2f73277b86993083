import pytest

from fleet.transactions.nonces import Counts, Nonces


def counts(latest: int, pending: int, final: int | None = None) -> Counts:
    return Counts(latest=latest, pending=pending, final=latest if final is None else final)


def test_next__journal_ahead_of_the_chain__the_journal_counts() -> None:
    assert Nonces(journal=5, counts=counts(3, 3)).next == 5


def test_next__chain_ahead_of_the_journal__the_chain_counts() -> None:
    assert Nonces(journal=5, counts=counts(8, 8)).next == 8


def test_take__twice__counts_up() -> None:
    nonces = Nonces(journal=5, counts=counts(8, 8))
    assert [nonces.take(), nonces.take()] == [8, 9]
    assert nonces.next == 10


def test_give_back__the_last_one__is_handed_out_again() -> None:
    nonces = Nonces(journal=0, counts=counts(8, 8))
    nonces.give_back(nonces.take())
    assert nonces.take() == 8


def test_give_back__an_older_one__is_a_defect() -> None:
    nonces = Nonces(journal=0, counts=counts(0, 0))
    first = nonces.take()
    nonces.take()
    with pytest.raises(ValueError, match="not the last"):
        nonces.give_back(first)


def test_observe__reorganisation_lowers_the_chain_s_count__follows_it_down() -> None:
    nonces = Nonces(journal=2, counts=counts(8, 8))
    nonces.give_back(nonces.take())
    nonces.observe(6)
    assert nonces.next == 6


def test_resync__unknown_transactions_pending__held_until_they_are_mined() -> None:
    nonces = Nonces(journal=5, counts=counts(5, 7))
    assert nonces.is_held
    nonces.resync(counts(6, 7))
    assert nonces.is_held
    nonces.resync(counts(7, 7))
    assert not nonces.is_held
    assert nonces.next == 7


def test_resync__only_our_own_pending__not_held() -> None:
    assert not Nonces(journal=7, counts=counts(5, 7)).is_held


def test_begin__chain_ahead_of_the_journal__held_until_latest_is_pending_is_final() -> None:
    nonces = Nonces(journal=3, counts=counts(5, 6, 4))
    assert nonces.is_held
    nonces.resync(counts(6, 6, 5))
    assert nonces.is_held, "it may be taken back"
    nonces.resync(counts(6, 6, 6))
    assert not nonces.is_held
    assert nonces.next == 6
    nonces.resync(counts(9, 9, 6))
    assert not nonces.is_held, "a journal falls behind only while nobody watches"


def test_begin__finality_not_asked__held() -> None:
    assert Nonces(journal=3, counts=Counts(latest=5, pending=5, final=None)).is_held
