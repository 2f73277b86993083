"""The referee against histories that are right, and against every kind of wrong one."""

from dataclasses import dataclass, field
from typing import Any

from devnet.audit.lateness import Capacity
from devnet.audit.ledger import Ledger, MarketBooks
from devnet.audit.margin import Terms
from devnet.audit.referee import Referee, RefereePolicy
from devnet.chain import Log, Receipt, SealedBlock
from devnet.contract import EventRead
from devnet.tape import Tape, TapeRow
from units import BlockHash, BlockNumber, Bps, Head, Netuid, Rao, Seconds, Timestamp, TxHash, Wei

NETUID = Netuid(64)
MARKET = "0x" + f"{64:040x}"
FEED, FLEET, TRADER = "0xfeed", "0xf1ee7", "0x7rader"
START = BlockNumber(1_000)
START_TIME = Timestamp(1_700_000_000)
TAO = 10**18
TERMS = Terms(
    maintenance=Bps(2_000),
    penalty=Bps(500),
    keeper_share=Bps(2_000),
    funding_rate_max=75 * 10**14,
    funding_interval=Seconds(28_800),
    funding_cap=Seconds(115_200),
)
LAG = 2


def tape_of(*raos: int) -> Tape:
    """One row every 10 blocks from START."""
    return Tape.of_rows(
        TapeRow(
            block=BlockNumber(START + 10 * row),
            time=Timestamp(START_TIME + 120 * row),
            prices={NETUID: Rao(rao)},
        )
        for row, rao in enumerate(raos)
    )


@dataclass
class History:
    """Writes a chain's history event by event, and shows every block to a referee."""

    tape: Tape
    capacity: Capacity = field(default_factory=lambda: Capacity(gas_each=40_000, gas_share=10**7))
    events: list[EventRead] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    number: int = START
    price: int = 0

    def __post_init__(self) -> None:
        books = MarketBooks(netuid=NETUID, terms=TERMS, last_accrual=START_TIME)
        self.referee = Referee(
            ledger=Ledger(markets={NETUID: books}),
            tape=self.tape,
            contracts={FEED: self},
            policy=RefereePolicy(
                guard_limits={NETUID: Bps(1_000)},
                capacity=self.capacity,
                finality_blocks=LAG,
                fleet=frozenset({FLEET}),
            ),
        )

    def read_log(self, log: Log) -> EventRead:
        return self.events[int(log.topics[0])]

    @property
    def time(self) -> int:
        return START_TIME + 12 * (self.number + 1 - START)

    def say(self, name: str, **arguments: Any) -> None:
        self.pending.append(len(self.events))
        self.events.append(EventRead(name=name, arguments=arguments))

    def push(self, rao: int, *, source: int | None = None) -> None:
        self.price = rao * 10**9
        block = self.number - LAG if source is None else source
        self.say("PricePushed", netuid=NETUID, price=self.price, sourceBlock=block, sourceTime=0)

    def accrue(self, *, index: int | None = None) -> None:
        books = self.referee.ledger.markets[NETUID]
        expected = books.index_at(Timestamp(self.time))
        moved = expected if index is None else index
        self.say("FundingAccrued", market=MARKET, index=moved, rate=0, until=self.time)

    def open(self, number: int = 1, *, is_long: bool = True, margin: int = TAO) -> None:
        self.say(
            "PositionOpened",
            id=number.to_bytes(16, "big"),
            trader=TRADER,
            market=MARKET,
            sequence=1,
            isLong=is_long,
            margin=margin,
            size=3 * margin,
            entryPrice=self.price,
            entryIndex=self.referee.ledger.markets[NETUID].index_at(Timestamp(self.time)),
            fee=0,
        )

    def liquidate(self, number: int = 1, *, margin: int = TAO, **changed: int) -> None:
        """By the rules, for a long opened at 1 TAO with index 0; `changed` breaks them."""
        size = 3 * margin
        index = self.referee.ledger.markets[NETUID].index_at(Timestamp(self.time))
        left = margin + size * (self.price - TAO) // TAO + (-size * index) // TAO
        penalty = max(left, 0) * 500 // 10_000
        said = {
            "price": self.price,
            "index": index,
            "remaining": left,
            "penalty": penalty,
            "keeperShare": penalty // 5,
            "badDebt": max(-left, 0),
        }
        self.say(
            "PositionLiquidated",
            id=number.to_bytes(16, "big"),
            trader=TRADER,
            market=MARKET,
            sequence=1,
            beneficiary=FLEET,
            **(said | changed),
        )

    def close(self, number: int = 1, *, funding_owed: int) -> None:
        self.say(
            "PositionClosed",
            id=number.to_bytes(16, "big"),
            trader=TRADER,
            market=MARKET,
            sequence=1,
            fundingOwed=funding_owed,
        )

    def block(self, sender: str = FLEET) -> None:
        self.number += 1
        logs = tuple(Log(address=FEED, topics=(str(n),), data=b"") for n in self.pending)
        receipt = Receipt(
            tx_hash=TxHash("0x"), sender=sender, to=FEED, succeeded=True, gas_used=0, logs=logs
        )
        self.pending = []
        self.referee.observe(
            SealedBlock(
                head=Head(
                    number=BlockNumber(self.number),
                    hash=BlockHash("0x"),
                    parent_hash=BlockHash("0x"),
                    time=Timestamp(START_TIME + 12 * (self.number - START)),
                ),
                gas_used=0,
                base_fee=Wei(10**10),
                receipts=(receipt,),
            )
        )

    def blocks(self, count: int) -> None:
        for _ in range(count):
            self.block()


def opened_at_one_tao(*raos: int) -> History:
    """A 3x long of 1 TAO margin opened at 1 TAO a block after the first push.

    At 1 TAO each way the market is one-sided: funding costs the long about 3.1e-6 a block, which
    no test below comes close to feeling.
    """
    history = History(tape_of(*(raos or (10**9,) * 40)))
    history.blocks(LAG + 1)
    history.push(10**9)
    history.block()
    history.accrue()
    history.open()
    history.block(sender=TRADER)
    return history


def test_referee__push_and_liquidation_in_one_block__zero_late() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.accrue()
    history.liquidate()
    history.block()
    verdict = history.referee.verdict
    assert dict(verdict.late_blocks) == {0: 1}
    assert dict(verdict.source_blocks) == {LAG + 1: 1}
    assert (verdict.healthy_touched, verdict.wrong_amounts) == ([], [])
    assert history.referee.ledger.breaches == []
    assert history.referee.below.left_alone == {}
    assert verdict.bad_debt_wei == 0
    assert verdict.penalties_wei > 0
    assert history.referee.accruals_by_fleet == {NETUID: 0}


def test_referee__liquidated_a_block_after_the_push__one_late_and_counted_from_its_source() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.late_blocks) == {1: 1}
    assert dict(history.referee.verdict.source_blocks) == {LAG + 2: 1}
    assert history.referee.below.left_alone == {}


def test_referee__below_for_two_more_blocks__left_alone() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.blocks(2)
    assert history.referee.below.left_alone == {}
    history.block()
    assert len(history.referee.below.left_alone) == 1


def test_referee__recovered_in_between__its_lateness_starts_anew() -> None:
    history = opened_at_one_tao()
    for rao in (8 * 10**8, 10**9, 8 * 10**8):
        history.push(rao)
        history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.late_blocks) == {1: 1}


def test_referee__market_suspended_meanwhile__not_left_alone_and_late_says_why() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(10)
    assert history.referee.below.left_alone == {}
    history.say("MarketResumed", netuid=NETUID)
    history.block()
    history.accrue()
    history.liquidate()
    history.block()
    assert dict(history.referee.verdict.late_blocks) == {11: 1}
    assert dict(history.referee.verdict.late_blocks_unsuspended) == {1: 1}
    assert history.referee.below.left_alone == {}


def test_referee__resumed_and_still_below_two_blocks_later__left_alone() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(5)
    history.say("MarketResumed", netuid=NETUID)
    history.blocks(3)
    assert len(history.referee.below.left_alone) == 1


def test_referee__below_before_and_after_a_suspension__its_clock_starts_anew() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.block()
    history.say("MarketSuspended", netuid=NETUID, reason=4)
    history.blocks(5)
    history.say("MarketResumed", netuid=NETUID)
    history.blocks(2)
    assert history.referee.below.left_alone == {}
    history.block()
    assert len(history.referee.below.left_alone) == 1


def test_referee__brought_below_by_funding_alone__counted_apart_and_not_from_a_source() -> None:
    history = opened_at_one_tao(*(10**9,) * 60)
    history.push(867 * 10**6)
    history.blocks(400)
    history.accrue()
    history.liquidate()
    history.block()
    verdict = history.referee.verdict
    assert verdict.healthy_touched == []
    assert verdict.driven_by_funding == 1
    assert verdict.source_blocks == {}
    assert history.referee.ledger.funding_paid > 0


def test_referee__closed_whole__open_interest_and_funding_settled() -> None:
    history = opened_at_one_tao()
    history.blocks(20)
    history.accrue()
    books = history.referee.ledger.markets[NETUID]
    owed = -(-3 * TAO * (books.index_at(Timestamp(history.time)) - books.index) // TAO)
    history.close(funding_owed=owed)
    history.block(sender=TRADER)
    assert (books.long, books.short) == (0, 0)
    assert history.referee.ledger.funding_paid == owed > 0
    assert history.referee.ledger.breaches == []


def test_referee__healthy_position_liquidated__healthy_touched() -> None:
    history = opened_at_one_tao()
    history.push(9 * 10**8)
    history.accrue()
    history.liquidate()
    history.block()
    assert len(history.referee.verdict.healthy_touched) == 1
    assert "market 64" in history.referee.verdict.healthy_touched[0]


def test_referee__liquidated_by_a_spike_that_returned__healthy_touched() -> None:
    history = opened_at_one_tao(10**9, 10**9, 8 * 10**8, 99 * 10**7, 10**9)
    history.blocks(START + 22 - history.number)
    history.push(8 * 10**8, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_liquidated == []
    assert "returning spike" in history.referee.verdict.healthy_touched[0]


def test_referee__liquidated_by_a_fall_that_stayed__nothing_to_blame() -> None:
    history = opened_at_one_tao(10**9, 10**9, 8 * 10**8, 82 * 10**7, 10**9)
    history.blocks(START + 22 - history.number)
    history.push(8 * 10**8, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_touched == []


def test_referee__liquidated_by_a_small_move_that_returned__nothing_to_blame() -> None:
    history = opened_at_one_tao(10**9, 88 * 10**7, 86 * 10**7, 88 * 10**7, 88 * 10**7)
    history.number = START + 12
    history.push(88 * 10**7, source=START + 10)
    history.blocks(10)
    history.push(86 * 10**7, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_touched == []


def test_referee__spike_on_a_position_that_was_below_before_it__nothing_to_blame() -> None:
    history = opened_at_one_tao(10**9, 85 * 10**7, 7 * 10**8, 85 * 10**7, 85 * 10**7)
    history.number = START + 12
    history.push(85 * 10**7, source=START + 10)
    history.blocks(10)
    history.push(7 * 10**8, source=START + 20)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.healthy_touched == []


def test_referee__penalty_one_wei_off__said() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.accrue()
    history.liquidate(penalty=1)
    history.block()
    assert any("penalty 1, expected" in line for line in history.referee.verdict.wrong_amounts)


def test_referee__bankrupt_position__bad_debt_counted_and_no_penalty() -> None:
    history = opened_at_one_tao()
    history.push(5 * 10**8)
    history.accrue()
    history.liquidate()
    history.block()
    assert history.referee.verdict.bad_debt_wei > 49 * TAO // 100
    assert history.referee.verdict.penalties_wei == 0
    assert history.referee.verdict.wrong_amounts == []


def test_referee__bad_debt_hidden__said() -> None:
    history = opened_at_one_tao()
    history.push(5 * 10**8)
    history.accrue()
    history.liquidate(badDebt=0)
    history.block()
    assert any("badDebt 0" in line for line in history.referee.verdict.wrong_amounts)


def test_referee__index_that_skips_ahead__breach() -> None:
    history = opened_at_one_tao()
    history.accrue(index=10**15)
    history.block()
    assert len(history.referee.ledger.breaches) == 1


def test_referee__settled_funding_off_by_a_wei__breach() -> None:
    history = opened_at_one_tao()
    history.blocks(20)
    history.accrue()
    books = history.referee.ledger.markets[NETUID]
    owed = -(-3 * TAO * (books.index_at(Timestamp(history.time)) - books.index) // TAO)
    history.close(funding_owed=owed - 1)
    history.block(sender=TRADER)
    assert len(history.referee.ledger.breaches) == 1


def test_referee__position_settled_twice__breach() -> None:
    history = opened_at_one_tao()
    history.push(8 * 10**8)
    history.accrue()
    history.liquidate()
    history.liquidate()
    history.block()
    assert any("never opened" in line for line in history.referee.ledger.breaches)


def test_referee__old_price_accepted__breach() -> None:
    history = opened_at_one_tao()
    history.push(10**9, source=START)
    history.block()
    assert len(history.referee.ledger.breaches) == 1


def test_referee__event_of_an_unlisted_market__breach() -> None:
    history = History(tape_of(10**9, 10**9))
    history.say("PricePushed", netuid=Netuid(7), price=1, sourceBlock=START, sourceTime=0)
    history.block()
    assert "not listed" in history.referee.ledger.breaches[0]


def test_referee__feed_stays_while_the_source_moves__gap_measured_in_bps_up() -> None:
    history = opened_at_one_tao(10**9, 2 * 10**9, 2 * 10**9)
    history.blocks(START + 10 + LAG - history.number)
    assert history.referee.verdict.gap_bps_max[NETUID] == 0
    history.block()
    assert history.referee.verdict.gap_bps_max[NETUID] == 5_000


def test_referee__suspended_market__no_gap_as_no_price_is_claimed() -> None:
    history = opened_at_one_tao(10**9, 2 * 10**9, 2 * 10**9)
    history.say("MarketSuspended", netuid=NETUID, reason=3)
    history.blocks(10)
    assert history.referee.verdict.gap_bps_max[NETUID] == 0


def test_referee__no_accrual_within_the_interval__lag_in_seconds() -> None:
    history = History(tape_of(*(10**9,) * 300))
    history.blocks(2_400)
    assert history.referee.verdict.funding_lag_s_max == 0
    history.block()
    assert history.referee.verdict.funding_lag_s_max == 12


def test_referee__accruals__only_those_of_the_fleet_are_its_merit() -> None:
    history = opened_at_one_tao()
    history.accrue()
    history.block(sender=FLEET)
    assert history.referee.accruals_by_fleet == {NETUID: 1}
    assert history.referee.ledger.markets[NETUID].accruals == 2


def test_referee__many_candidates_and_little_gas__the_later_ranked_get_more_blocks() -> None:
    history = History(tape_of(*(10**9,) * 10), capacity=Capacity(gas_each=100, gas_share=100))
    history.blocks(LAG + 1)
    history.push(10**9)
    history.block()
    history.accrue()
    for number in range(1, 6):
        history.open(number, margin=number * TAO)
    history.block(sender=TRADER)
    history.push(8 * 10**8)
    history.blocks(3)
    assert {key.id[-1] for key in history.referee.below.left_alone} == {5, 4, 3}
    history.block()
    assert {key.id[-1] for key in history.referee.below.left_alone} == {5, 4, 3, 2}
