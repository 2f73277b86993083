"""Ports of the bots that remember what they were given; all of it goes through one journal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fleet.transactions.request import (
    Final,
    Lane,
    Outcome,
    Refused,
    Settled,
    Submission,
    Submitted,
    TransactionRequest,
)
from keepers import submission as keepers_words
from keepers.funding.calendar import FundingRow, FundingSnapshot
from keepers.funding.keeper import FundingUnread
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.selection import LiquidationBatch
from oracle.feed import SuspensionReason
from oracle.plan import Publication
from oracle.ports import NotSent, Sent
from oracle.quotes import SourceHead, Unavailable
from tests.unit.fleet.cli.worlds import ADMIN, HASH, KEEPER
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from tests.unit.oracle.simulated import SimulatedFeed, SimulatedSubtensor, source_head
from units import Address, BlockNumber, Head, Netuid, Seconds, Timestamp, Wei


class Journal:
    """What was sent, by its purpose; `outcome` is what becomes of all of it."""

    def __init__(self) -> None:
        self.account: Address | None = KEEPER
        self.refusal: str | None = None
        self.outcome: Outcome = Final(
            block=BlockNumber(7), gas_used=100_000, fee=Wei(10**15), logs=()
        )
        self.purposes: list[str] = []
        self.settled: list[Settled] = []

    def send(self, purpose: str) -> Submission:
        if self.account is None:
            return Refused(reason="no key is configured: dry run")
        if self.refusal is not None:
            return Refused(reason=self.refusal)
        self.purposes.append(purpose)
        request = TransactionRequest(
            to=ADMIN,
            data=b"",
            gas_limit=1,
            lane=Lane.PRICE,
            idempotency_key=purpose,
            valid_until=BlockNumber(9),
            purpose=purpose,
        )
        self.settled.append(Settled(request=request, tx_hash=HASH, outcome=self.outcome))
        return Submitted(tx_hash=HASH, nonce=len(self.purposes))


class Source(SimulatedSubtensor):
    """Subtensor whose newest finalized head can be asked for."""

    finalized_at = 98

    async def finalized(self) -> SourceHead | Unavailable:
        if self.outage is not None:
            return Unavailable(detail=self.outage)
        return source_head(self.finalized_at)


class Feed(SimulatedFeed):
    """The price feed, sent to through the journal."""

    journal: Journal

    async def submit(self, publication: Publication) -> Sent | NotSent:
        said = self.journal.send(f"push {[update.netuid for update in publication.updates]}")
        if isinstance(said, Refused):
            return NotSent(reason=said.reason)
        await super().submit(publication)
        return Sent(tx_hash=HASH)

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Sent | NotSent:
        said = self.journal.send(f"suspend {list(netuids)} {reason.name}")
        return NotSent(reason=said.reason) if isinstance(said, Refused) else Sent(tx_hash=HASH)


@dataclass
class Switch:
    """Suspending and resuming by hand."""

    journal: Journal

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Submission:
        return self.journal.send(f"suspend {list(netuids)} {reason.name}")

    async def resume(self, netuids: Sequence[Netuid], head: Head) -> Submission:
        return self.journal.send(f"resume {list(netuids)}")


@dataclass
class Funding:
    """Rows of funding: seconds since the last accrual, by market."""

    journal: Journal
    exchange: SimulatedExchange
    elapsed: dict[int, int] = field(default_factory=lambda: {8: 600, 64: 600})
    outage: str | None = None

    async def read(self) -> FundingSnapshot | FundingUnread:
        if self.outage is not None:
            return FundingUnread(reason=self.outage)
        head = self.exchange.tip.head
        rows = tuple(
            FundingRow(
                netuid=Netuid(netuid),
                is_listed=True,
                last_accrual=Timestamp(head.time - elapsed),
                interval=Seconds(28_800),
                cap=Seconds(115_200),
            )
            for netuid, elapsed in self.elapsed.items()
        )
        return FundingSnapshot(head=head, rows=rows)

    async def submit(
        self, netuids: tuple[Netuid, ...], due_key: str
    ) -> keepers_words.Sent | keepers_words.NotSent:
        return _for_keepers(self.journal.send(f"accrue {list(netuids)}"))


@dataclass
class Liquidations:
    """Where batches go."""

    journal: Journal
    batches: list[LiquidationBatch] = field(default_factory=list)

    async def submit(
        self, batch: LiquidationBatch, judgement: Judgement
    ) -> keepers_words.Sent | keepers_words.NotSent:
        self.batches.append(batch)
        numbers = [int.from_bytes(key.id, "big") for key in batch.keys]
        return _for_keepers(self.journal.send(f"liquidate {numbers}"))


def _for_keepers(said: Submission) -> keepers_words.Sent | keepers_words.NotSent:
    if isinstance(said, Refused):
        return keepers_words.NotSent(reason=said.reason)
    return keepers_words.Sent(tx_hash=said.tx_hash)
