"""The sender against everything at once: hypothesis mixes faults, crashes, forks and strangers.

What must hold whatever happens: a piece of work succeeds on chain at most once, an outcome is
told at most once and is true, no nonce stays open, nothing costs more than it may, everything ends.
`make model` makes it longer than in every run of the tests, and prints how often what happened.
"""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant

from fleet.transactions.attempt import Attempt, Ending, Kind, State
from fleet.transactions.request import (
    Expired,
    Final,
    Lane,
    Reverted,
    Settled,
    Superseded,
)
from tests.unit.fleet.transactions.fire import Fire
from tests.unit.fleet.transactions.stage import AILMENTS, COUNTS, REVERTING, WASTED_MAX, run

BLOCKS_TO_END = 60
EXAMPLES = int(os.environ.get("SENDER_MODEL_EXAMPLES", "150"))
STEPS = 40
SEVERAL = 3
LONG, STEPS_OF_A_LONG_RUN = 1_000, 20_000
MOST_BLOCKS = "blocks until everything had ended, at most"
MUST_HAPPEN = (
    *(f"state at a restart: {state}" for state in ("signed", "broadcast", "seen", "mined")),
    *(f"outcome: {name}" for name in ("Final", "Reverted", "Superseded", "Expired")),
    "a reorganisation took ours back",
    "a pool forgot some",
    "a stranger replaced one",
    "an older journal was put back",
    "the process was killed",
    "a call broke",
    "a doubtful one was sent again",
    "submit: on a stopped lane",
    "steps while three things are wrong or more",
    *(f"steps while {ailment}" for ailment in AILMENTS),
)


@pytest.fixture(scope="module", autouse=True)
def counts_are_printed() -> Iterator[None]:
    """With pytest's -s; what a run did not do it has not proven, and a long one fails for it."""
    yield
    for what, times in sorted(COUNTS.items()):
        print(f"{times:>8} {what}")  # noqa: T201 -- what `make model` is read for
    if EXAMPLES >= LONG:
        assert COUNTS["steps"] >= STEPS_OF_A_LONG_RUN
        assert [what for what in MUST_HAPPEN if not COUNTS[what]] == []


class SenderUnderFire(Fire):
    """Invariants: what must not happen in it."""

    @invariant()
    def is_counted(self) -> None:
        COUNTS["steps"] += 1
        wrong = self.ailments()
        for name in wrong:
            COUNTS[f"steps while {name}"] += 1
        COUNTS["steps while three things are wrong or more"] += len(wrong) >= SEVERAL

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
    def what_was_withdrawn_is_never_wanted_again(self) -> None:
        for entry in self.journal.entries.values():
            kinds = [each.kind for each in entry.attempts]
            assert kinds == sorted(kinds, key=[Kind.PAYLOAD, Kind.NOTHING].index)

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

    def teardown(self) -> None:
        """The storm is over: everything must end within some blocks."""
        self.all_is_well_again()
        self._calm()
        self._check_endings()
        if not self.is_restored:  # a copy knows nothing of what was booked since
            self._check_costs()
        self.operator_looks()
        for _ in range(2):  # the first one may find out that strangers hold the key
            self.submit(key="the last work", lane=Lane.PRICE, patience=10)
            self._calm()
        assert "the last work" in self.caller.succeeded, "the key can still send"

    def _calm(self) -> None:
        needed = 0
        for block in range(BLOCKS_TO_END):
            self._settle(self.chain.mine())
            needed = block + 1 if run(self.journal.unfinished()) else needed
        assert needed < BLOCKS_TO_END, "a nonce stays open"
        COUNTS[MOST_BLOCKS] = max(COUNTS[MOST_BLOCKS], needed)

    def _check_endings(self) -> None:
        ended = (e for e in self.journal.entries.values() if e.ending is not None)
        hashes = {each.tx_hash for entry in ended for each in entry.attempts}
        assert self.caller.promised <= hashes, "what was taken on is lost"
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

    def _check_costs(self) -> None:
        """What is booked is what the chain took, to the wei; memory and journal say the same."""
        lanes = {e.nonce: e.request.lane for e in self.journal.entries.values()}
        held = {each.tx_hash for each in self._held_attempts()}
        forgiven = self.journal.forgiven
        paid = {
            found.nonce: 21_000 * found.fee
            for found in self.chain.executed()
            if found.tx_hash in held and found.nonce >= forgiven.get(lanes[found.nonce], 0)
        }
        counted = [each for each in self.journal.spends if each.nonce >= forgiven.get(each.lane, 0)]
        assert sorted((each.nonce, each.fee) for each in counted) == sorted(paid.items())
        status = self.sender.status
        assert status is not None
        for lane, day in status.day.items():
            booked = sum(each.fee for each in counted if each.lane is lane)
            was_reset = lane in forgiven  # read again when the lane is next asked to send
            assert was_reset or day.with_effect + day.without_effect == booked

    def _held_attempts(self) -> list[Attempt]:
        held = [e for e in self.journal.entries.values() if e.state is not State.RELEASED]
        return [each for entry in held for each in entry.attempts]

    def hear(self, settled: Settled) -> None:
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


SenderUnderFire.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestSenderUnderFire = pytest.mark.timeout(300 + 2 * EXAMPLES)(SenderUnderFire.TestCase)
