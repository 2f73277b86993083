"""What the world does to a sender while hypothesis looks on: drops, delays, forks, strangers.

What must hold is in `test_sender_model`.
"""

from collections.abc import Collection

from hypothesis import strategies as st
from hypothesis.stateful import rule

from fleet.transactions.chain import Verdict
from fleet.transactions.fees import FeeMode
from fleet.transactions.request import AlreadyInFlight, Lane, Submitted, TransactionRequest
from fleet.transactions.testing import Silence
from tests.unit.fleet.transactions.stage import COUNTS, MODES, Stage
from tests.unit.fleet.transactions.world import EXCHANGE, GWEI, Killed
from units import BlockNumber, Wei

KEYS = tuple(f"work {number}" for number in range(12))
SUBJECTS = {"work 0": ("p",), "work 1": ("p", "q"), "work 2": ("q",)}
GAS = 100_000
SPEND_LIMIT = Wei(GAS * 30 * GWEI)
LIMITED = frozenset({"work 3", "work 4"})
RARELY = st.sampled_from([False, False, False, True])
LIES = [*[None] * 6, "nonce too low", "replacement underpriced", "fee too low", "invalid"]
WORK = st.tuples(st.sampled_from(KEYS), st.sampled_from(Lane), st.integers(1, 12))
"""What is to be done, how urgent it is, and for how many blocks it makes sense."""


class Fire(Stage):
    """Rules are what the world may do."""

    @rule(
        works=st.lists(WORK, max_size=3),
        blocks=st.integers(0, 2),
        mode=MODES,
        pointless=st.sets(st.sampled_from(KEYS)),
    )
    def another_process(
        self,
        *,
        works: list[tuple[str, Lane, int]],
        blocks: int,
        mode: FeeMode,
        pointless: Collection[str],
    ) -> None:
        """So many blocks after some work came, part of which makes no sense any more."""
        self.works_come(works)
        for _ in range(blocks):
            self._settle(self.chain.mine())
        self._simulations_become(pointless, is_dark=self.chain.is_dark)
        self.restart(mode)

    @rule()
    def journal_is_copied(self) -> None:
        self.backup = dict(self.journal.entries)

    @rule()
    def copy_is_put_back(self) -> None:
        """Outcomes told since are told again: the copy does not know that they were."""
        if self.backup == self.journal.entries:
            return
        COUNTS["an older journal was put back"] += 1
        self._remember_bytes()
        self.journal.entries = dict(self.backup)
        self.is_restored = True
        self.caller.told.clear()
        self.caller.promised.clear()
        self.caller.succeeded = {f.data.decode() for f in self.chain.executed() if f.data}
        self.start(self.policy.fees.mode)

    @rule()
    def delayed_arrive(self) -> None:
        self.chain.arrive()

    @rule(works=st.lists(WORK, min_size=1, max_size=4))
    def works_come(self, works: list[tuple[str, Lane, int]]) -> None:
        for key, lane, patience in works:
            self.submit(key, lane, patience)

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
            self.caller.promised.add(answer.tx_hash)

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

    @rule(
        works=st.lists(WORK, min_size=1, max_size=3),
        depth=st.integers(1, 4),
        is_lossy=st.booleans(),
        pointless=st.sets(st.sampled_from(KEYS)),
        is_dark=RARELY,
    )
    def reorganise(
        self,
        *,
        works: list[tuple[str, Lane, int]],
        depth: int,
        is_lossy: bool,
        pointless: Collection[str],
        is_dark: bool,
    ) -> None:
        """Of blocks that hold work, as far back as finality lets it; much is different then."""
        lag = self.policy.confirmations if self.chain.finality_lag is None else 0
        deepest = (self.chain.finality_lag or lag) - 1
        depth = min(depth, deepest, len(self.chain.blocks) - 1)
        if depth > 0:
            self.works_come(works)
            for _ in range(depth):
                self._settle(self.chain.mine())
            gone = [found for block in self.chain.blocks[-depth:] for found in block.transactions]
            COUNTS["a reorganisation took ours back"] += bool(gone)
            self._simulations_become(pointless, is_dark=is_dark)
            self._settle(self.chain.reorganise(depth, is_lossy=is_lossy))

    @rule()
    def pool_forgets(self) -> None:
        COUNTS["a pool forgot some"] += bool(self.chain.pool)
        self.chain.pool.clear()

    @rule(gwei=st.sampled_from([10, 11, 14, 40, 150]))
    def base_fee_moves(self, gwei: int) -> None:
        self.chain.base_fee = gwei * GWEI

    @rule(
        loses=RARELY,
        is_deaf=RARELY,
        is_poor=RARELY,
        forgets=RARELY,
        delays=RARELY,
        apart=st.sampled_from([0, 0, 0, 1, 5]),
        receipts_late=st.sampled_from([0, 0, 0, 1, 2]),
        lie=st.sampled_from(LIES),
    )
    def nodes_ail(
        self,
        *,
        loses: bool = False,
        is_deaf: bool = False,
        is_poor: bool = False,
        forgets: bool = False,
        delays: bool = False,
        apart: int = 0,
        receipts_late: int = 0,
        lie: Verdict | None = None,
    ) -> None:
        chain = self.chain
        chain.loses_answers, chain.is_deaf, chain.is_poor = loses, is_deaf, is_poor
        chain.forgets_state, chain.is_slow_to_pass_on = forgets, delays
        chain.other_lag, chain.index_lag, chain.lies = apart, receipts_late, lie

    @rule(
        is_away=RARELY,
        is_dark=RARELY,
        pointless=st.sets(st.sampled_from(KEYS), max_size=3),
        come_first=st.booleans(),
        seconds=st.sampled_from([-7_200, 0, 7_200]),
    )
    def the_rest_ails(
        self,
        *,
        is_away: bool = False,
        is_dark: bool = False,
        pointless: Collection[str] = (),
        come_first: bool = False,
        seconds: int = 0,
    ) -> None:
        """Simulations `come_first`, or after the bytes are in the journal."""
        self.signer.is_away, self.chain.clock_offset = is_away, seconds
        self.chain.is_slow_to_quote = come_first
        self._simulations_become(pointless, is_dark=is_dark)

    def _simulations_become(self, pointless: Collection[str], *, is_dark: bool) -> None:
        self.chain.is_dark, self.pointless = is_dark, set(pointless)
        self.chain.rehearses = lambda data: data.decode() not in pointless

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
    def stranger_outbids(self) -> None:
        """One of ours that waits in the pool, the next or a later one."""
        if self.chain.pool:
            COUNTS["a stranger replaced one"] += 1
            self.chain.intrude(max(self.chain.pool), 10**12)

    @rule()
    def all_is_well_again(self) -> None:
        self.fuse.clear()
        self.chain.base_fee = 10 * GWEI
        self.nodes_ail()
        self.the_rest_ails()
        self.delayed_arrive()

    @rule()
    def operator_looks(self) -> None:
        for lane in Lane:
            self.journal.reset(lane)
