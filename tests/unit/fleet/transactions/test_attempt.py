from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.transactions.attempt import (
    Attempt,
    Ending,
    Entry,
    IllegalTransition,
    Inclusion,
    Kind,
    Situation,
    State,
    Step,
    final,
    mined,
    moved,
    next_step,
    signed,
    superseded,
    unmined,
    wanted,
    why_give_up,
)
from fleet.transactions.fees import Fee
from fleet.transactions.request import Lane, TransactionRequest
from units import Address, BlockHash, BlockNumber, TxHash

REQUEST = TransactionRequest(
    to=Address("0x" + "11" * 20),
    data=b"",
    gas_limit=100_000,
    lane=Lane.PRICE,
    idempotency_key="work",
    valid_until=BlockNumber(110),
    purpose="test",
)
RESERVED = Entry(id=1, request=REQUEST, nonce=7)
INCLUSION = Inclusion(
    tx_hash=TxHash("0x01"), block=BlockNumber(101), block_hash=BlockHash("0x" + "22" * 32)
)


def attempt(kind: Kind = Kind.PAYLOAD, *, fee: int = 100, block: int = 100) -> Attempt:
    return Attempt(
        tx_hash=TxHash("0x01"),
        raw=b"raw",
        fee=Fee(max_fee=fee),
        kind=kind,
        block=BlockNumber(block),
    )


SEEN = moved(signed(RESERVED, attempt()), State.SEEN)


def at(
    head: int,
    *,
    next_nonce: int = 7,
    base_fee: int = 80,
    started: int = 0,
    in_front: int = 0,
    is_disturbed: bool = False,
) -> Situation:
    return Situation(
        head=BlockNumber(head),
        next_nonce=next_nonce,
        started_at=BlockNumber(started),
        in_front_since=BlockNumber(in_front),
        base_fee=base_fee,
        is_disturbed=is_disturbed,
    )


def test_next_step__nonce_used_on_chain__looks_who_did() -> None:
    assert next_step(SEEN, at(101, next_nonce=8), 3) is Step.LOOK


def test_next_step__no_block_since__waits() -> None:
    assert next_step(SEEN, at(100), 3) is Step.WAIT
    assert next_step(SEEN, at(100, is_disturbed=True), 3) is Step.RESEND


@pytest.mark.parametrize("state", [State.SIGNED, State.BROADCAST])
def test_next_step__not_known_to_have_arrived__resends_at_once(state: State) -> None:
    assert next_step(replace(SEEN, state=state), at(100), 3) is Step.RESEND


def test_next_step__one_block_without_it__resends() -> None:
    assert next_step(SEEN, at(102), 3) is Step.RESEND


def test_next_step__three_blocks_and_lowest__replaces() -> None:
    assert next_step(SEEN, at(103), 3) is Step.REPLACE


def test_next_step__three_blocks_behind_another__only_resends() -> None:
    assert next_step(SEEN, at(103, next_nonce=6), 3) is Step.RESEND


def test_next_step__offer_below_the_base_fee__replaces_wherever_it_stands() -> None:
    assert next_step(SEEN, at(101, next_nonce=6, base_fee=101), 3) is Step.REPLACE


def test_next_step__offer_that_a_full_block_would_overtake__replaces_in_time() -> None:
    assert next_step(SEEN, at(101, base_fee=88), 3) is Step.RESEND
    assert next_step(SEEN, at(101, base_fee=89), 3) is Step.REPLACE


def test_next_step__just_started__does_not_count_blocks_it_did_not_watch() -> None:
    assert next_step(SEEN, at(109, started=108), 3) is Step.RESEND


def test_next_step__last_block_reached__replaces_by_nothing() -> None:
    assert next_step(SEEN, at(110, started=109), 3) is Step.REPLACE
    assert wanted(SEEN, BlockNumber(110)) is Kind.NOTHING
    assert wanted(SEEN, BlockNumber(109)) is Kind.PAYLOAD


def test_next_step__cancelled_already__is_only_pushed_like_any_other() -> None:
    cancelled = moved(signed(SEEN, attempt(Kind.NOTHING, block=110)), State.SEEN)
    assert next_step(cancelled, at(110), 3) is Step.WAIT
    assert next_step(cancelled, at(112), 3) is Step.RESEND
    assert next_step(cancelled, at(113), 3) is Step.REPLACE


def test_next_step__next_only_since_the_last_head__its_blocks_behind_another_do_not_count() -> None:
    assert next_step(SEEN, at(104, in_front=104), 3) is Step.RESEND
    assert next_step(SEEN, at(106, in_front=104), 3) is Step.REPLACE


def test_next_step__pointless_since__replaces_by_nothing() -> None:
    assert next_step(SEEN, at(100), 3, "it would revert") is Step.REPLACE
    assert wanted(SEEN, BlockNumber(100), "it would revert") is Kind.NOTHING


def test_why_give_up__withdrawn_once__never_wanted_again() -> None:
    withdrawn = moved(signed(SEEN, attempt(Kind.NOTHING)), State.SEEN)
    assert why_give_up(SEEN, BlockNumber(100)) is None
    assert why_give_up(withdrawn, BlockNumber(100)) == "it was withdrawn before"
    assert next_step(withdrawn, at(100), 3) is Step.WAIT


def test_unmined__after_a_reorganisation__open_again() -> None:
    undone = unmined(mined(SEEN, INCLUSION))
    assert (undone.state, undone.inclusion, undone.ending) == (State.BROADCAST, None, None)


def test_entry__life__says_whether_nonce_and_key_are_taken() -> None:
    assert (RESERVED.is_open, RESERVED.is_unsettled) == (True, True)
    in_block = mined(SEEN, INCLUSION)
    assert (in_block.is_open, in_block.is_unsettled) == (False, True)
    done = final(in_block, INCLUSION, Ending.SUCCEEDED)
    assert (done.is_open, done.is_unsettled) == (False, False)
    assert superseded(SEEN).ending is Ending.SUPERSEDED
    released = moved(RESERVED, State.RELEASED)
    assert (released.is_open, released.is_unsettled) == (False, False)


@given(state=st.sampled_from(State))
def test_moved__from_an_end__never(state: State) -> None:
    for end in (State.FINAL, State.RELEASED):
        with pytest.raises(IllegalTransition):
            moved(replace(SEEN, state=end), state)


def test_moved__known_to_a_node__never_released() -> None:
    with pytest.raises(IllegalTransition):
        moved(SEEN, State.RELEASED)


@given(
    state=st.sampled_from([State.SIGNED, State.BROADCAST, State.SEEN]),
    head=st.integers(100, 400),
    next_nonce=st.integers(0, 9),
    base_fee=st.integers(0, 300),
    started=st.integers(0, 400),
    stuck=st.integers(1, 5),
    kind=st.sampled_from(Kind),
)
def test_next_step__anything__never_leaves_an_expired_payload_in_the_lowest_place(
    *, state: State, head: int, next_nonce: int, base_fee: int, started: int, stuck: int, kind: Kind
) -> None:
    entry = replace(SEEN, state=state, attempts=(attempt(kind),))
    now = at(head, next_nonce=next_nonce, base_fee=base_fee, started=started)
    step = next_step(entry, now, stuck)
    if next_nonce > entry.nonce:
        assert step is Step.LOOK
    elif kind is Kind.PAYLOAD and head >= REQUEST.valid_until:
        assert step is Step.REPLACE
