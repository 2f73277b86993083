"""The sender against everything at once: hypothesis mixes faults, crashes, forks and strangers.

What must hold whatever happens: a piece of work succeeds on chain at most once, an outcome is
told at most once and is true, no nonce stays open, nothing costs more than it may, everything ends.
`make model` makes it longer than in every run of the tests, and prints how often what happened.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fleet.transactions.attempt import Attempt, Ending, Kind, State
from fleet.transactions.chain import Verdict
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Expired,
    Final,
    Lane,
    Reverted,
    Settled,
    Submitted,
    Superseded,
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
BLOCKS_TO_END = 60
CLOCK_JUMP_S = 2 * 3_600
COUNTS: Counter[str] = Counter()
EXAMPLES = int(os.environ.get("SENDER_MODEL_EXAMPLES", "150"))
STEPS = 40
_T = TypeVar("_T")


@pytest.fixture(scope="module", autouse=True)
def counts_are_printed() -> Iterator[None]:
    """With pytest's -s; what a run did not do it has not proven."""
    yield
    for what, times in sorted(COUNTS.items()):
        print(f"{times:>8} {what}")  # noqa: T201 -- what `make model` is read for


@dataclass
class Caller:
    """One who hands in work and believes what the sender says."""

    told: Counter[str]
    succeeded: set[str]


LOOP = asyncio.new_event_loop()


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Drives what never really waits: the simulated chain answers at once."""
    return LOOP.run_until_complete(coroutine)


class SenderUnderFire(RuleBasedStateMachine):
    """Rules are what the world may do; invariants what must not happen in it."""

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

    @rule(seconds=st.sampled_from([-CLOCK_JUMP_S, 0, CLOCK_JUMP_S]))
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

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def is_counted(self) -> None:
        COUNTS["steps"] += 1

    @invariant()
    def work_succeeds_once(self) -> None:
        done = Counter(
            found.data
            for found in self.chain.executed()
            if found.data and self.chain.succeeds(found.data)
        )
        assert all(times == 1 for times in done.values()), f"executed twice: {done}"

    @invariant()
    def one_live_request_a_key(self) -> None:
        live = Counter(
            entry.request.idempotency_key
            for entry in self.journal.entries.values()
            if entry.is_unsettled
        )
        assert all(times == 1 for times in live.values())

    @invariant()
    def only_journaled_bytes_are_out(self) -> None:
        self._remember_bytes()
        assert set(self.chain.sent) <= self.journaled

    @invariant()
    def one_request_in_flight_a_subject(self) -> None:
        taken = Counter(
            subject
            for entry in self.journal.entries.values()
            if entry.is_open and (not entry.attempts or entry.newest.kind is Kind.PAYLOAD)
            for subject in entry.request.subjects
        )
        undone = {
            subject
            for entry in self.journal.entries.values()
            if entry.state is State.BROADCAST
            for subject in entry.request.subjects
        }
        twice = {subject for subject, times in taken.items() if times > 1}
        assert twice <= undone, "but for one that a reorganisation has just taken back"

    @invariant()
    def nothing_costs_more_than_it_may(self) -> None:
        for entry in self.journal.entries.values():
            for each in entry.attempts:
                assert each.fee.max_fee <= self.policy.fees.ceiling
                limit = entry.request.spend_limit
                if limit is not None and each.kind is Kind.PAYLOAD:
                    assert each.fee.max_fee * entry.request.gas_limit <= limit

    @invariant()
    def a_lane_that_wasted_too_much_is_stopped(self) -> None:
        wasted: Counter[Lane] = Counter()
        for spend in self.journal.spends:
            is_forgiven = spend.nonce < self.journal.forgiven.get(spend.lane, 0)
            wasted[spend.lane] += 0 if spend.had_effect or is_forgiven else spend.fee
        over = {lane for lane, wei in wasted.items() if wei > WASTED_MAX}
        assert over <= set(self.journal.stopped)

    @rule()
    def operator_looks(self) -> None:
        for lane in Lane:
            self.journal.reset(lane)

    def teardown(self) -> None:
        """The storm is over: everything must end within some blocks."""
        self.fuse.clear()
        self.signer.is_away = False
        self.chain.lies = None
        self.node_ails(loses=False, is_deaf=False, is_poor=False, lag=0)
        self.nodes_disagree(blocks=0)
        self.network_delays(is_slow=False)
        self.delayed_arrive()
        self.simulations_change(is_dark=False, pointless=set())
        self.operator_looks()
        self.chain.base_fee = 10 * GWEI
        self._calm()
        self._check_endings()
        self.operator_looks()
        for _ in range(2):  # the first one may find out that strangers hold the key
            self.submit(key="the last work", lane=Lane.PRICE, patience=10)
            self._calm()
        assert "the last work" in self.caller.succeeded, "the key can still send"

    def _calm(self) -> None:
        for _ in range(BLOCKS_TO_END):
            self._settle(self.chain.mine())
        assert run(self.journal.unfinished()) == ()

    def _check_endings(self) -> None:
        executed = {found.tx_hash: found for found in self.chain.executed()}
        held = {each.tx_hash for each in self._held_attempts()}
        heard = self.caller.told
        for entry in self.journal.entries.values():
            if entry.ending is not None and entry.id not in self.untold:
                assert any(heard[each.tx_hash] for each in entry.attempts), "an outcome is lost"
        for entry in self.journal.entries.values():
            done = [executed[each.tx_hash] for each in entry.attempts if each.tx_hash in executed]
            has_run = any(found.data for found in done)
            assert len(done) <= 1
            match entry.ending:
                case Ending.SUCCEEDED:
                    assert has_run
                case Ending.EXPIRED | Ending.SUPERSEDED:
                    assert not has_run
                case Ending.REVERTED:
                    assert has_run
                    assert all(found.data in REVERTING for found in done)
                case None:
                    assert entry.state is State.RELEASED
                    mine = {found.tx_hash for found in done}
                    assert self.is_restored or mine <= held, "given back and mined"

    # --- how the caller behaves ---------------------------------------------------------------

    def _held_attempts(self) -> list[Attempt]:
        held = [e for e in self.journal.entries.values() if e.state is not State.RELEASED]
        return [each for entry in held for each in entry.attempts]

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
            self._hear(settled)
            COUNTS[f"outcome: {type(settled.outcome).__name__}"] += 1

    def _hear(self, settled: Settled) -> None:
        key = settled.request.idempotency_key
        ended = {
            Final: Ending.SUCCEEDED,
            Reverted: Ending.REVERTED,
            Expired: Ending.EXPIRED,
            Superseded: Ending.SUPERSEDED,
        }[type(settled.outcome)]
        matching = [
            entry
            for entry in self.journal.entries.values()
            if entry.state is not State.RELEASED
            and any(each.tx_hash == settled.tx_hash for each in entry.attempts)
        ]
        assert [entry.ending for entry in matching] == [ended], "told what the journal says"
        assert self._is_final(matching[0].nonce), "it could still be taken back"
        self.caller.told[settled.tx_hash] += 1
        assert self.caller.told[settled.tx_hash] == 1, "told twice"
        if ended is Ending.SUCCEEDED:
            self.caller.succeeded.add(key)

    def _is_final(self, nonce: int) -> bool:
        lag = self.chain.finality_lag
        lag = self.policy.confirmations if lag is None else lag
        final = self.chain.blocks[: max(1, len(self.chain.blocks) - lag)]
        return any(found.nonce == nonce for block in final for found in block.transactions)

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


SenderUnderFire.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestSenderUnderFire = pytest.mark.timeout(300 + 2 * EXAMPLES)(SenderUnderFire.TestCase)
