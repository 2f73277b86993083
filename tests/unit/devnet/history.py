"""A chain's history written event by event, right or wrong, and shown to a referee."""

from dataclasses import dataclass, field
from typing import Any

from devnet.audit.feed import Promise
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
    trading_age=Seconds(900),
    liquidation_age=Seconds(3_600),
)
LAG = 2
PROMISE = Promise(band=Bps(10), guard_limit=Bps(1_000), confirm_blocks=11, restart_blocks=7_200)
TIERS = (Bps(3_500), Bps(2_500), Bps(2_000))


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
    promise: Promise = PROMISE
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
                promises={NETUID: self.promise},
                pins={NETUID: self.tape.registered_at(NETUID, START)},
                tiers=TIERS,
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
        time = START_TIME + 12 * (block - START)
        self.say("PricePushed", netuid=NETUID, price=self.price, sourceBlock=block, sourceTime=time)

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

    def close(self, number: int = 1, *, funding_owed: int, price: int | None = None) -> None:
        self.say(
            "PositionClosed",
            id=number.to_bytes(16, "big"),
            trader=TRADER,
            market=MARKET,
            sequence=1,
            closePrice=self.price if price is None else price,
            fundingOwed=funding_owed,
        )

    def block(self, sender: str = FLEET, *, succeeded: bool = True) -> None:
        self.number += 1
        logs = tuple(Log(address=FEED, topics=(str(n),), data=b"") for n in self.pending)
        receipt = Receipt(
            tx_hash=TxHash("0x"), sender=sender, to=FEED, succeeded=succeeded, gas_used=0, logs=logs
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
