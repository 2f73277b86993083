"""What a sender under fire stands on: chain, journal, caller, and what is watched in each call.

What the world does to it is in `fire`, what must hold in `test_sender_model`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from fleet.transactions.attempt import Ending, Kind, State
from fleet.transactions.fees import FeeMode, FeePolicy
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import Lane, Settled
from fleet.transactions.sender import Sender
from fleet.transactions.spending import SpendPolicy
from fleet.transactions.testing import (
    Fuse,
    MemoryJournal,
    PlainSigner,
    Silence,
    SimulatedChain,
)
from tests.unit.fleet.transactions.world import GWEI, Killed
from units import Head, TxHash, Wei

REVERTING = frozenset({b"work 5"})
WASTED_MAX = Wei(21_000 * 15 * GWEI)
SPENDING = SpendPolicy(
    without_effect_max=dict.fromkeys(Lane, WASTED_MAX),
    with_effect_max=dict.fromkeys(Lane, Wei(10**21)),
)
COUNTS: Counter[str] = Counter()
MODES = st.sampled_from(FeeMode)
_T = TypeVar("_T")


@dataclass
class Caller:
    """One who hands in work and believes what the sender says; `promised` is on its way."""

    told: Counter[str]
    succeeded: set[str]
    promised: set[TxHash]


LOOP = asyncio.new_event_loop()


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Drives what never really waits: the simulated chain answers at once."""
    return LOOP.run_until_complete(coroutine)


class Stage(RuleBasedStateMachine):
    """`hear` is told each outcome, by whoever checks them."""

    hear: Callable[[Settled], None]

    @initialize(lag=st.sampled_from([None, 1, 2, 4, 4]), mode=MODES)
    def begin(self, lag: int | None, mode: FeeMode) -> None:
        self.fuse = Fuse()
        self.chain = SimulatedChain(fuse=self.fuse, finality_lag=lag)
        self.chain.succeeds = lambda data: data not in REVERTING
        self.journal = MemoryJournal(self.fuse)
        self.signer = PlainSigner()
        self.caller = Caller(Counter(), set(), set())
        self.pointless: set[str] = set()
        self.is_restored = False
        self.is_at_tip = False
        self.journaled: set[bytes] = set()
        self.backup = dict(self.journal.entries)
        self.start(mode)

    def start(self, mode: FeeMode) -> None:
        """A new process; nobody waits for the outcomes that an earlier one knew of."""
        self.policy = SenderPolicy(
            fees=FeePolicy(mode=mode),
            confirmations=4,
            mystery_blocks=10,
            hold_blocks_max=8,
            spending=SPENDING,
        )
        self.untold = {e.id for e in self.journal.entries.values() if e.ending is not None}
        self.doubtful = {e.id for e in self.journal.entries.values() if e.is_open}
        for entry in self.journal.entries.values():
            if entry.is_unsettled:
                COUNTS[f"state at a restart: {entry.state.value}"] += 1
        self.sender = Sender(
            chain=self.chain,
            signer=self.signer,
            journal=self.journal,
            chain_id=964,
            decode_revert=bytes.decode,
            policy=self.policy,
        )

    def restart(self, mode: FeeMode) -> None:
        """Caller and sender are one process: a new caller reads the chain before it acts."""
        ended = (e for e in self.journal.entries.values() if e.ending is Ending.SUCCEEDED)
        self.caller.succeeded |= {entry.request.idempotency_key for entry in ended}
        self.start(mode)

    def ailments(self) -> list[str]:
        """What is wrong with the world at this moment."""
        return [name for name, is_so in AILMENTS.items() if is_so(self)]

    # --- how the caller behaves ---------------------------------------------------------------

    def _live(self, key: str) -> bool:
        return any(
            each.is_unsettled and each.attempts and each.request.idempotency_key == key
            for each in self.journal.entries.values()
        )

    def _has_run(self, key: str) -> bool:
        """With success: what reverted may be asked for anew."""
        data = key.encode()
        return self.chain.succeeds(data) and any(f.data == data for f in self.chain.executed())

    def _remember_bytes(self) -> None:
        entries = self.journal.entries.values()
        self.journaled |= {each.raw for entry in entries for each in entry.attempts}

    def _settle(self, head: Head) -> None:
        sent_before = len(self.chain.sent)
        self.is_at_tip = self.chain.other_lag == 0
        for settled in self._guarded(self.sender.settle(head)) or ():
            self.hear(settled)
            COUNTS[f"outcome: {type(settled.outcome).__name__}"] += 1
        is_current, self.is_at_tip = self.is_at_tip, False
        if is_current:  # a node that lags does not know that it is late
            self._nothing_late_is_sent(head, self.chain.sent[sent_before:])

    # --- what is watched in each call ---------------------------------------------------------

    def _guarded(self, call: Coroutine[Any, Any, _T]) -> _T | None:
        try:
            return self._watched(call, len(self.chain.sent), self._mined())
        except Killed:
            COUNTS["the process was killed"] += 1
            self.restart(self.policy.fees.mode)
            return None

    def _watched(
        self, call: Coroutine[Any, Any, _T], sent_before: int, mined_before: set[int]
    ) -> _T | None:
        try:
            return run(call)
        except Silence:
            COUNTS["a call broke"] += 1
            return None
        finally:
            self.doubtful |= mined_before - self._mined()
            self._nothing_doubtful_is_sent_unseen(self.chain.sent[sent_before:])

    def _nothing_late_is_sent(self, head: Head, sent: list[bytes]) -> None:
        """No payload at a head after which it could only be mined past its last block.

        The same bytes may be those of a later request: the nonce of the first was given back.
        """
        late, in_time = set[bytes](), set[bytes]()
        for entry in self.journal.entries.values():
            payloads = {each.raw for each in entry.attempts if each.kind is Kind.PAYLOAD}
            (late if entry.request.valid_until <= head.number else in_time).update(payloads)
        assert not (late - in_time).intersection(sent), "its last block has passed"

    def _mined(self) -> set[int]:
        return {e.id for e in self.journal.entries.values() if e.state is State.MINED}

    def _nothing_doubtful_is_sent_unseen(self, sent: list[bytes]) -> None:
        """What a reorganisation or a restart left is simulated before its payload is sent again."""
        for entry in [e for e in self.journal.entries.values() if e.id in self.doubtful]:
            out = [each for each in entry.attempts if each.raw in sent]
            if out and out[0].kind is Kind.PAYLOAD:
                COUNTS["a doubtful one was sent again"] += 1
                assert not self.chain.is_dark
                is_pointless = entry.request.idempotency_key in self.pointless
                assert not (is_pointless and self.is_at_tip), "it is simulated at the sender's head"
            if out or not entry.is_open:
                self.doubtful.discard(entry.id)


AILMENTS: dict[str, Callable[[Stage], bool]] = {
    "answers are lost": lambda at: at.chain.loses_answers,
    "nothing arrives": lambda at: at.chain.is_deaf,
    "no money is left": lambda at: at.chain.is_poor,
    "nothing can be simulated": lambda at: at.chain.is_dark,
    "a gateway lies": lambda at: at.chain.lies is not None,
    "receipts are late": lambda at: at.chain.index_lag > 0,
    "state is forgotten": lambda at: at.chain.forgets_state,
    "nodes disagree": lambda at: at.chain.other_lag > 0,
    "the network delays": lambda at: at.chain.is_slow_to_pass_on,
    "nobody signs": lambda at: at.signer.is_away,
    "the clock is wrong": lambda at: at.chain.clock_offset != 0,
    "the base fee is high": lambda at: at.chain.base_fee > 10 * GWEI,
}
