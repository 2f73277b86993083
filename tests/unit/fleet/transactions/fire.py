"""What the world does to a sender while hypothesis looks on: rules, and a caller.

What must hold is in `test_sender_model`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from fleet.transactions.attempt import Ending, Kind
from fleet.transactions.chain import Verdict
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Lane,
    Settled,
    Submitted,
    TransactionRequest,
)
from fleet.transactions.sender import Sender
from fleet.transactions.spending import SpendPolicy
from fleet.transactions.testing import (
    Fuse,
    MemoryJournal,
    PlainSigner,
    Silence,
    SimulatedChain,
)
from tests.unit.fleet.transactions.world import EXCHANGE, GWEI, Killed
from units import BlockNumber, Head, Wei

KEYS = tuple(f"work {number}" for number in range(6))
REVERTING = frozenset({b"work 5"})
SUBJECTS = {"work 0": ("p",), "work 1": ("p", "q"), "work 2": ("q",)}
GAS = 100_000
SPEND_LIMIT = Wei(GAS * 30 * GWEI)
LIMITED = frozenset({"work 3"})
WASTED_MAX = Wei(21_000 * 15 * GWEI)
SPENDING = SpendPolicy(
    without_effect_max=dict.fromkeys(Lane, WASTED_MAX),
    with_effect_max=dict.fromkeys(Lane, Wei(10**21)),
)
COUNTS: Counter[str] = Counter()
_T = TypeVar("_T")


@dataclass
class Caller:
    """One who hands in work and believes what the sender says."""

    told: Counter[str]
    succeeded: set[str]


LOOP = asyncio.new_event_loop()


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Drives what never really waits: the simulated chain answers at once."""
    return LOOP.run_until_complete(coroutine)


class Fire(RuleBasedStateMachine):
    """Rules are what the world may do; `hear` is told each outcome, by whoever checks them."""

    hear: Callable[[Settled], None]

    @initialize(lag=st.sampled_from([None, 1, 2, 4]))
    def begin(self, lag: int | None) -> None:
        self.fuse = Fuse()
        self.chain = SimulatedChain(fuse=self.fuse, finality_lag=lag)
        self.chain.succeeds = lambda data: data not in REVERTING
        self.journal = MemoryJournal(self.fuse)
        self.signer = PlainSigner()
        self.policy = SenderPolicy(
            confirmations=4, mystery_blocks=10, hold_blocks_max=8, spending=SPENDING
        )
        self.caller = Caller(Counter(), set())
        self.pointless: set[str] = set()
        self.is_restored = False
        self.journaled: set[bytes] = set()
        self.backup = dict(self.journal.entries)
        self.start()

    def start(self) -> None:
        """A new process; nobody waits for the outcomes that an earlier one knew of."""
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

    @rule()
    def restart(self) -> None:
        """Caller and sender are one process: a new caller reads the chain before it acts."""
        ended = (e for e in self.journal.entries.values() if e.ending is Ending.SUCCEEDED)
        self.caller.succeeded |= {entry.request.idempotency_key for entry in ended}
        self.start()

    @rule()
    def journal_is_copied(self) -> None:
        self.backup = dict(self.journal.entries)

    @rule()
    def copy_is_put_back(self) -> None:
        """Outcomes told since are told again: the copy does not know that they were."""
        self._remember_bytes()
        self.journal.entries = dict(self.backup)
        self.is_restored = True
        self.caller.told.clear()
        self.caller.succeeded = {f.data.decode() for f in self.chain.executed() if f.data}
        self.start()

    @rule(seconds=st.sampled_from([-7_200, 0, 7_200]))
    def clock_jumps(self, seconds: int) -> None:
        self.chain.clock_offset = seconds

    @rule(blocks=st.integers(0, 5))
    def nodes_disagree(self, blocks: int) -> None:
        self.chain.other_lag = blocks

    @rule(is_slow=st.booleans())
    def network_delays(self, is_slow: bool) -> None:
        self.chain.is_slow_to_pass_on = is_slow

    @rule(is_slow=st.booleans())
    def simulations_come_first(self, is_slow: bool) -> None:
        """Or after the bytes are in the journal."""
        self.chain.is_slow_to_quote = is_slow

    @rule(is_away=st.booleans())
    def signer_leaves(self, is_away: bool) -> None:
        self.signer.is_away = is_away

    @rule()
    def delayed_arrive(self) -> None:
        self.chain.arrive()

    @rule(forgets=st.booleans())
    def node_forgets_state(self, forgets: bool) -> None:
        self.chain.forgets_state = forgets

    @rule(key=st.sampled_from(KEYS), lane=st.sampled_from(Lane), patience=st.integers(1, 12))
    def submit(self, key: str, lane: Lane, patience: int) -> None:
        was_live = self._live(key)
        if not was_live and (key in self.caller.succeeded or self._has_run(key)):
            return
        head = self.chain.blocks[-1].head.number
        request = TransactionRequest(
            to=EXCHANGE,
            data=key.encode(),
            gas_limit=GAS,
            lane=lane,
            idempotency_key=key,
            valid_until=BlockNumber(head + patience),
            purpose="model",
            subjects=SUBJECTS.get(key, ()),
            spend_limit=SPEND_LIMIT if key in LIMITED else None,
        )
        was_stopped = lane in self.journal.stopped
        COUNTS["submit: on a stopped lane"] += was_stopped
        answer = self._guarded(self.sender.submit(request))
        assert not (was_stopped and isinstance(answer, Submitted)), "an operator has to look"
        COUNTS[f"submit: {type(answer).__name__}"] += 1
        if was_live:
            assert not isinstance(answer, Submitted), "the same work twice"
        if isinstance(answer, Submitted | AlreadyInFlight):
            known = {tx.tx_hash for entry in self.journal.entries.values() for tx in entry.attempts}
            assert answer.tx_hash in known, "it is in the journal"

    @rule(limit=st.sampled_from([0, 0, 1, 1_000]), is_watched=st.booleans())
    def mine(self, limit: int, is_watched: bool) -> None:
        head = self.chain.mine(limit)
        if is_watched:
            self._settle(head)

    @rule(lane=st.sampled_from(Lane))
    def lane_wastes(self, lane: Lane) -> None:
        for _ in range(3):
            self.submit(key="work 5", lane=lane, patience=12)
            for _ in range(5):
                self._settle(self.chain.mine())

    @rule()
    def look_again(self) -> None:
        self._settle(self.chain.blocks[-1].head)

    @rule(depth=st.integers(1, 4), is_lossy=st.booleans())
    def reorganise(self, depth: int, is_lossy: bool) -> None:
        lag = self.policy.confirmations if self.chain.finality_lag is None else 0
        deepest = (self.chain.finality_lag or lag) - 1
        depth = min(depth, deepest, len(self.chain.blocks) - 1)
        if depth > 0:
            self._settle(self.chain.reorganise(depth, is_lossy=is_lossy))

    @rule()
    def pool_forgets(self) -> None:
        self.chain.pool.clear()

    @rule(gwei=st.sampled_from([10, 11, 14, 40, 150]))
    def base_fee_moves(self, gwei: int) -> None:
        self.chain.base_fee = gwei * GWEI

    @rule(loses=st.booleans(), is_deaf=st.booleans(), is_poor=st.booleans(), lag=st.integers(0, 2))
    def node_ails(self, loses: bool, is_deaf: bool, is_poor: bool, lag: int) -> None:
        self.chain.loses_answers, self.chain.is_deaf = loses, is_deaf
        self.chain.is_poor, self.chain.index_lag = is_poor, lag

    @rule(is_dark=st.booleans(), pointless=st.sets(st.sampled_from(KEYS), max_size=3))
    def simulations_change(self, is_dark: bool, pointless: set[str]) -> None:
        self.chain.is_dark, self.pointless = is_dark, pointless
        self.chain.rehearses = lambda data: data.decode() not in pointless

    @rule(
        verdict=st.sampled_from(
            [None, "nonce too low", "replacement underpriced", "fee too low", "invalid"]
        )
    )
    def gateway_lies(self, verdict: Verdict | None) -> None:
        self.chain.lies = verdict

    @rule(calls=st.integers(1, 14), is_after=st.booleans(), is_death=st.booleans())
    def something_will_break(self, calls: int, is_after: bool, is_death: bool) -> None:
        self.fuse.set(calls, Killed() if is_death else Silence(), is_after=is_after)

    @rule(fee=st.sampled_from([1, 10**12]))
    def stranger_sends(self, fee: int) -> None:
        count = sum(len(block.transactions) for block in self.chain.blocks)
        while count in self.chain.pool:
            count += 1
        self.chain.intrude(count, fee)

    @rule()
    def operator_looks(self) -> None:
        for lane in Lane:
            self.journal.reset(lane)

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
        for settled in self._guarded(self.sender.settle(head)) or ():
            self.hear(settled)
            COUNTS[f"outcome: {type(settled.outcome).__name__}"] += 1

    def _nothing_doubtful_is_sent_unseen(self, sent: list[bytes]) -> None:
        """What an earlier process left is simulated before its payload is sent again."""
        for entry in [e for e in self.journal.entries.values() if e.id in self.doubtful]:
            out = [each for each in entry.attempts if each.raw in sent]
            if out and out[0].kind is Kind.PAYLOAD:
                assert not self.chain.is_dark
                assert entry.request.idempotency_key not in self.pointless
            self.doubtful -= {entry.id} if out else set()

    def _guarded(self, call: Coroutine[Any, Any, _T]) -> _T | None:
        try:
            return self._watched(call, len(self.chain.sent))
        except Killed:
            COUNTS["the process was killed"] += 1
            self.restart()
            return None

    def _watched(self, call: Coroutine[Any, Any, _T], sent_before: int) -> _T | None:
        try:
            return run(call)
        except Silence:
            COUNTS["a call broke"] += 1
            return None
        finally:
            self._nothing_doubtful_is_sent_unseen(self.chain.sent[sent_before:])
