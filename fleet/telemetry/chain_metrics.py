"""Numbers about the chain, its nodes, and what is sent to it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from prometheus_client import CollectorRegistry

from fleet.telemetry.instruments import UNKNOWN, Bounded, Instruments, tao

_WAIT_SECONDS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
_REORG_BLOCKS = (1, 2, 3, 5, 8, 16, 64)
_INCLUSION_BLOCKS = (1, 2, 3, 4, 5, 8, 13, 25)


class ChainMetrics:
    """Heads of both chains and the patience with their nodes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "")
        self._make = make
        self._head = make.gauge("head_block", "Newest block of chain 964 seen.")
        self._head_time = make.gauge("head_timestamp_seconds", "Its timestamp.")
        self._source = make.gauge("source_block", "Newest finalized block of Subtensor read.")
        self._finality = make.gauge(
            "source_lag_blocks", "Blocks from the finalized source block to the head."
        )
        self._wait = make.histogram(
            "throttle_wait_seconds",
            "Time a request waited for its turn at a node.",
            _WAIT_SECONDS,
            ("endpoint",),
        )
        self._requests = make.counter(
            "node_requests", "Requests to nodes, by result.", ("endpoint", "result")
        )
        self._result = Bounded()
        self._state = make.gauge(
            "node_state", "1 for the state a node is in, 0 for the others.", ("endpoint", "state")
        )
        self._reorgs = make.histogram(
            "reorg_depth_blocks", "Blocks that a reorganisation replaced.", _REORG_BLOCKS
        )
        self._missed = make.counter(
            "heads_missed", "Blocks between two heads that had to be fetched by number."
        )
        self._withdrawn = make.counter(
            "heads_withdrawn", "Newest heads that turned out to be none of the chain."
        )
        self._agreement = make.gauge(
            "source_agreement", "Operators of Subtensor nodes that must say the same."
        )
        self._single = make.gauge(
            "source_single", "1: one operator of Subtensor nodes is believed alone."
        )
        self._disagreements = make.counter(
            "node_disagreements", "Answers that others did not agree with.", ("endpoint",)
        )

    def sources(
        self,
        *,
        states: Callable[[str], str | None],
        endpoints: Sequence[str],
        known: Sequence[str],
        age: Callable[[], float],
    ) -> None:
        """Shows what each Subtensor endpoint is worth and how old the newest height is.

        Args:
            states: an endpoint's state, None before it was heard; asked at every scrape.
            endpoints: all of them, by name.
            known: all states there are.
            age: wall-clock seconds since a higher finalized height was agreed on.
        """
        state = self._make.gauge(
            "source_state",
            "1 for what a Subtensor endpoint is worth, 0 for the others.",
            ("endpoint", "state"),
        )
        for endpoint in endpoints:
            for each in known:
                state.labels(endpoint, each).set_function(partial(_is_in, states, endpoint, each))
        self._make.asked(
            "source_age_seconds", "Seconds since a higher finalized height was agreed on.", age
        )

    def source_agreement(self, *, needed: int, operators: int) -> None:
        """So many of the operators of Subtensor nodes must say the same."""
        self._agreement.set(needed)
        self._single.set(operators == 1)

    def head_age(self, age: Callable[[], float]) -> None:
        """Shows how long ago the newest head came, in wall-clock seconds; call it once.

        `age` is asked at every scrape: a chain that stands still must not look fresh.
        """
        self._make.asked("head_age_seconds", "Seconds since a new head came.", age)

    def reorganised(self, *, depth: int) -> None:
        """So many blocks were replaced by others."""
        self._reorgs.observe(depth)

    def missed(self, blocks: int) -> None:
        """So many blocks were not seen when they came."""
        self._missed.inc(blocks)

    def withdrawn(self) -> None:
        """The newest head was none of the chain: nodes made it up, or serve several chains."""
        self._withdrawn.inc()

    def head(self, *, number: int, timestamp: int) -> None:
        """A head of chain 964 came."""
        self._head.set(number)
        self._head_time.set(timestamp)

    def source(self, *, number: int, head_number: int) -> None:
        """A finalized block of Subtensor was read while `head_number` was the newest."""
        self._source.set(number)
        self._finality.set(max(head_number - number, 0))

    def waited(self, endpoint: str, seconds: float) -> None:
        """A request waited for its turn; `endpoint` is the operator's name for the node."""
        self._wait.labels(endpoint).observe(seconds)

    def requested(self, endpoint: str, result: str) -> None:
        """A request was answered or failed; `result` is a kind, not a node's words."""
        self._requests.labels(endpoint, self._result(result)).inc()

    def node_state(self, endpoint: str, state: str, states: Sequence[str]) -> None:
        """A node is in this one of all `states`."""
        for each in states:
            self._state.labels(endpoint, each).set(each == state)

    def disagreed(self, endpoint: str) -> None:
        """A node said something else than the others, or no two said the same."""
        self._disagreements.labels(endpoint).inc()


def _is_in(states: Callable[[str], str | None], endpoint: str, state: str) -> float:
    return float(states(endpoint) == state)


class TransactionMetrics:
    """What was sent, what became of it, what it cost, and the key that paid."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry, "")
        lanes = ("lane",)
        self._settled = make.counter(
            "transactions", "Transactions by outcome.", ("lane", "outcome")
        )
        self._open = make.gauge("transactions_in_flight", "In no block yet.", lanes)
        self._unsettled = make.gauge(
            "transactions_unsettled", "Without an outcome, by how far they have come.", ("state",)
        )
        self._fees = make.counter("transaction_fees_tao", "Fees paid.", lanes)
        self._gas = make.counter("transaction_gas", "Gas used.", lanes)
        self._refused = make.counter(
            "transactions_refused", "Requests that were not sent.", ("lane", "reason")
        )
        self._inclusion = make.histogram(
            "transaction_inclusion_blocks",
            "Blocks from the decision to the block it is in.",
            _INCLUSION_BLOCKS,
            lanes,
        )
        self._gap = make.gauge(
            "nonce_gap", "Nonces handed out that the chain has not seen used.", ("key",)
        )
        self._spent = make.gauge(
            "spent_tao_day", "Paid for gas within a day, by what it did.", ("lane", "effect")
        )
        self._stopped = make.gauge(
            "lane_stopped", "1: it spent too much and waits for an operator.", lanes
        )
        self._leading = make.gauge("leading", "1: has the key and sends; 0: stands by.")
        self._leading.set(UNKNOWN)
        self._balance = make.gauge("key_balance_tao", "Balance of a key.", ("key",))
        self._balance_min = make.gauge("key_balance_tao_min", "Below it a key is low.")
        self._hours = make.gauge(
            "key_gas_hours", "Hours that a key's balance lasts at the drill's rate.", ("key",)
        )
        self._tao_hour = UNKNOWN
        self._reason = Bounded()
        self._lanes: set[str] = set()

    def leading(self, answer: Callable[[], bool]) -> None:
        """Shows whether this process has its key, asked at every scrape; NaN without a key."""
        self._leading.set_function(answer)

    def policy(self, *, balance_tao_min: int, drill_tao_hour: float) -> None:
        """What the operator has set; `drill_tao_hour` is what a key pays in an hour of a drill."""
        self._balance_min.set(balance_tao_min)
        self._tao_hour = drill_tao_hour

    def settled(self, lane: str, outcome: str, *, fee_wei: int = 0, gas: int = 0) -> None:
        """A transaction has its outcome; reverted ones cost a fee too."""
        self._settled.labels(lane, outcome).inc()
        self._fees.labels(lane).inc(tao(fee_wei))
        self._gas.labels(lane).inc(gas)

    def included(self, lane: str, blocks: int) -> None:
        """A transaction got into a block, so many blocks after it was decided on."""
        self._inclusion.labels(lane).observe(blocks)

    def refused(self, lane: str, reason: str) -> None:
        """A request was not sent."""
        self._refused.labels(lane, self._reason(reason)).inc()

    def in_flight(self, counts: Mapping[str, int]) -> None:
        """How many transactions of each lane are in no block; a lane not named has none."""
        self._lanes |= set(counts)
        for lane in self._lanes:
            self._open.labels(lane).set(counts.get(lane, 0))

    def unsettled(self, state: str, count: int) -> None:
        """How many transactions without an outcome are in this state."""
        self._unsettled.labels(state).set(count)

    def spent(
        self, lane: str, *, with_effect_wei: int, without_effect_wei: int, is_stopped: bool
    ) -> None:
        """What a lane spent within a day, and whether it has to wait for an operator."""
        self._spent.labels(lane, "yes").set(tao(with_effect_wei))
        self._spent.labels(lane, "no").set(tao(without_effect_wei))
        self._stopped.labels(lane).set(is_stopped)

    def key(self, address: str, *, balance_wei: int, nonce_gap: int) -> None:
        """The key's balance and how far its nonces are ahead of the chain."""
        self._balance.labels(address).set(tao(balance_wei))
        self._hours.labels(address).set(tao(balance_wei) / self._tao_hour)
        self._gap.labels(address).set(nonce_gap)
