"""The ports of the oracle and the keepers, each as the small class that its consumer asked for."""

from collections.abc import Sequence

from fleet.chain.failures import ChainError
from fleet.transactions.request import Included, Refused, Settled
from keepers import submission
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.outcomes import LiquidationResult, lost_results, mined_results
from keepers.liquidation.positions import PositionKey
from keepers.liquidation.selection import LiquidationBatch
from oracle import ports as oracle
from oracle.feed import SuspensionReason
from oracle.plan import Publication
from oracle.ports import FeedState
from oracle.quotes import Unavailable
from protocol.events import liquidation_event
from protocol.reading import ExchangeReader
from protocol.reports import report_of
from protocol.sending import ExchangeWriter, for_keepers, for_oracle, liquidation_key
from units import Head, Netuid, Wei


class PriceFeed:
    """`oracle.ports.Feed`: the price feed's rows, pushes and suspensions."""

    def __init__(self, *, reader: ExchangeReader, writer: ExchangeWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def rows(self, netuids: Sequence[Netuid]) -> FeedState | Unavailable:
        """See the port."""
        return await self._reader.rows(netuids)

    async def submit(self, publication: Publication) -> oracle.Sent | oracle.NotSent:
        """See the port."""
        return for_oracle(await self._writer.publish(publication))

    async def push_cost(self) -> Wei | Unavailable:
        """See the port."""
        try:
            cost = await self._writer.push_cost()
        except ChainError as error:
            return Unavailable(detail=f"fee: {error}")
        return Unavailable(detail=cost.reason) if isinstance(cost, Refused) else cost

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> oracle.Sent | oracle.NotSent:
        """See the port."""
        return for_oracle(await self._writer.suspend(netuids, reason, head))


class Accruals:
    """`keepers.funding.keeper.Accruals`: one transaction that accrues."""

    def __init__(self, *, reader: ExchangeReader, writer: ExchangeWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def submit(
        self, netuids: tuple[Netuid, ...], due_key: str
    ) -> submission.Sent | submission.NotSent:
        """See the port."""
        head = await self._reader.head()
        if isinstance(head, Unreadable):
            return submission.NotSent(reason=head.reason)
        return for_keepers(await self._writer.accrue(netuids, due_key, head))


class Liquidations:
    """`keepers.liquidation.keeper.Liquidations`, and what became of each batch."""

    def __init__(self, *, writer: ExchangeWriter) -> None:
        self._writer = writer
        self._sent: dict[str, tuple[PositionKey, ...]] = {}

    async def submit(
        self, batch: LiquidationBatch, judgement: Judgement
    ) -> submission.Sent | submission.NotSent:
        """See the port."""
        answer = for_keepers(await self._writer.liquidate(batch, judgement))
        if isinstance(answer, submission.Sent):
            self._sent[liquidation_key(batch)] = batch.keys
        return answer

    def results(self, news: Included | Settled) -> tuple[LiquidationResult, ...]:
        """The outcome of every position of a batch that was sent from here; () for other work.

        As soon as the batch is in a block: should a reorganisation undo that, the book says so.
        """
        keys = self._sent.pop(news.request.idempotency_key, ())
        if isinstance(news, Included):
            return _included(keys, news)
        return report_of(news.outcome).results(keys)


def _included(keys: tuple[PositionKey, ...], news: Included) -> tuple[LiquidationResult, ...]:
    if not news.succeeded:
        return lost_results(keys, f"reverted in block {news.block}")
    return mined_results(keys, filter(None, map(liquidation_event, news.logs)))
