import pytest

from fleet.transactions.nonces import Nonces


def test_next__journal_ahead_of_the_chain__the_journal_counts() -> None:
    assert Nonces(journal=5, latest=3, pending=3).next == 5


def test_next__chain_ahead_of_the_journal__the_chain_counts() -> None:
    assert Nonces(journal=5, latest=8, pending=8).next == 8


def test_take__twice__counts_up() -> None:
    nonces = Nonces(journal=5, latest=8, pending=8)
    assert [nonces.take(), nonces.take()] == [8, 9]
    assert nonces.next == 10


def test_give_back__the_last_one__is_handed_out_again() -> None:
    nonces = Nonces(journal=0, latest=8, pending=8)
    nonces.give_back(nonces.take())
    assert nonces.take() == 8


def test_give_back__an_older_one__is_a_defect() -> None:
    nonces = Nonces(journal=0, latest=0, pending=0)
    first = nonces.take()
    nonces.take()
    with pytest.raises(ValueError, match="not the last"):
        nonces.give_back(first)


def test_observe__reorganisation_lowers_the_chain_s_count__follows_it_down() -> None:
    nonces = Nonces(journal=2, latest=8, pending=8)
    nonces.give_back(nonces.take())
    nonces.observe(6)
    assert nonces.next == 6


def test_resync__unknown_transactions_pending__held_until_they_are_mined() -> None:
    nonces = Nonces(journal=5, latest=5, pending=7)
    assert nonces.is_held
    nonces.resync(latest=6, pending=7)
    assert nonces.is_held
    nonces.resync(latest=7, pending=7)
    assert not nonces.is_held
    assert nonces.next == 7


def test_resync__only_our_own_pending__not_held() -> None:
    assert not Nonces(journal=7, latest=5, pending=7).is_held
