"""Reads the exchange at one block: the book's views and logs, funding rows, feed rows.

Implements the reading ports of the oracle and the keepers. Knows no decision and sends nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from fleet.chain.answers import Sealed
from fleet.chain.blooms import may_hold
from fleet.chain.failures import ChainError
from fleet.chain.throttle import Urgency
from keepers.funding.calendar import FundingRow, FundingSnapshot
from keepers.funding.keeper import FundingUnread
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.moves import BlockMoves
from keepers.liquidation.packing import RECORD_BYTES
from keepers.liquidation.positions import (
    BlockEvents,
    BookOutline,
    BookSnapshot,
    Market,
    Position,
)
from keepers.liquidation.rows import Rows
from keepers.liquidation.turns import in_turns
from oracle.ports import FeedState
from oracle.quotes import Unavailable
from protocol import calls, views
from protocol.deployment import Deployment
from protocol.events import RawLog, block_events
from protocol.landings import Landings
from protocol.moves import reading
from protocol.views import VaultState
from units import Address, BlockHash, BlockNumber, Bps, Head, Netuid, PositionId

PAGE_IDS = 1_000
"""Positions asked for in one view call: 288 kB of answer, well inside a node's call gas."""


class ChainReads(Protocol):
    """What is needed of a node; `fleet.chain.node.Node` is one. Raises ChainError."""

    async def head(self) -> Head:
        """The latest block."""
        ...

    async def block(self, number: BlockNumber) -> Head | None:
        """The canonical block of that height; None beyond the head."""
        ...

    async def sealed(self, number: BlockNumber) -> Sealed | None:
        """The same with its header's bloom of logs."""
        ...

    async def call(
        self,
        to: Address,
        data: bytes,
        block: BlockNumber | Literal["latest"],
        *,
        urgency: Urgency = Urgency.DECIDING,
    ) -> bytes:
        """What a contract returns at one block."""
        ...

    async def logs(
        self,
        first: BlockNumber,
        last: BlockNumber,
        addresses: Sequence[Address],
        *,
        tip: BlockHash | None = None,
    ) -> Sequence[RawLog]:
        """All logs of these contracts in first..last, never a silently shortened answer.

        `tip` is the hash of `last`, where its logs must be that very block's.
        """
        ...


class ReorganisedError(ChainError):
    """The block that was being read is no longer on the chain."""


class LogsMissingError(ChainError):
    """A node left out logs that the block itself says it has."""


class NotTheExchangeError(ChainError):
    """What stands at the exchange's address answers something else."""


class ExchangeReader:
    """The exchange as the fleet's bots read it; answers are values, also when there is none."""

    def __init__(
        self, *, chain: ChainReads, deployment: Deployment, markets: Sequence[Netuid]
    ) -> None:
        self._chain = chain
        self._deployment = deployment
        self._contracts = (deployment.exchange, deployment.price_feed)
        self._markets = tuple(markets)
        self._landings = Landings()

    async def head(self) -> Head | Unreadable:
        """The latest block."""
        try:
            return await self._chain.head()
        except ChainError as error:
            return Unreadable(reason=f"head: {error}")

    async def block_hash(self, number: BlockNumber) -> BlockHash | Unreadable | None:
        """The canonical block of that height; None beyond the head."""
        try:
            found = await self._chain.block(number)
        except ChainError as error:
            return Unreadable(reason=f"block {number}: {error}")
        return None if found is None else found.hash

    async def snapshot(self, at: Head) -> BookSnapshot | Unreadable:
        """All listed markets and open positions at the end of that very block."""
        try:
            markets = await self._listed(at.number)
            positions = await self._positions(at.number)
            await self._require_canonical(at)
        except (ChainError, ValueError) as error:
            return Unreadable(reason=f"views at block {at.number}: {error}")
        return BookSnapshot(head=at, markets=markets, positions=positions)

    async def held(self, ids: Sequence[PositionId], at: Head) -> tuple[Position, ...] | Unreadable:
        """Which of these, at most `PAGE_IDS`, are open at the end of that very block."""
        try:
            found = views.positions(await self._view(calls.positions_by_id(ids), at.number))
            await self._require_canonical(at)
        except (ChainError, ValueError) as error:
            return Unreadable(reason=f"positions at block {at.number}: {error}")
        return found

    async def outline(self, at: Head) -> BookOutline | Unreadable:
        """All listed markets and how many positions are open at the end of that block."""
        try:
            markets = await self._listed(at.number)
            _, total = views.position_ids(await self._view(calls.position_ids(0, 0), at.number))
        except (ChainError, ValueError) as error:
            return Unreadable(reason=f"outline at block {at.number}: {error}")
        return BookOutline(markets=markets, positions=total)

    async def events(self, first: BlockNumber, last: Head) -> tuple[BlockEvents, ...] | Unreadable:
        """The blocks from `first` up to `last` that have events, ascending.

        An answer without logs of `last` itself counts only when that block is canonical still and
        its own header says that there are none: a node on another fork, or one behind the same
        address that lags, has nothing to say about it.
        """
        try:
            blocks = block_events(await self._logs(first, last))
        except (ChainError, ValueError, KeyError) as error:
            return Unreadable(reason=f"logs of blocks {first} to {last.number}: {error}")
        self._landings.note(blocks, last)
        return blocks

    async def moves(self, first: BlockNumber, last: Head) -> tuple[BlockMoves, ...] | Unreadable:
        """The same, with what happened to positions as moves; others get their turn meanwhile."""
        try:
            blocks = await in_turns(reading(await self._logs(first, last)))
        except (ChainError, ValueError, KeyError) as error:
            return Unreadable(reason=f"logs of blocks {first} to {last.number}: {error}")
        self._landings.note(blocks, last)
        return blocks

    async def _logs(self, first: BlockNumber, last: Head) -> Sequence[RawLog]:
        logs = await self._chain.logs(first, last.number, self._contracts, tip=last.hash)
        await self._require_fork_of(last, logs)
        return logs

    async def warning_tiers(self) -> tuple[Bps, ...] | Unreadable:
        """The margin ratios to warn at, from the highest down, as set for every market with any.

        () where none has. A request a market, behind all that is more urgent.
        """
        try:
            block = (await self._chain.head()).number
            found = {netuid: await self._warning_tiers(netuid, block) for netuid in self._markets}
        except (ChainError, ValueError) as error:
            return Unreadable(reason=f"warning tiers: {error}")
        return _common({netuid: tiers for netuid, tiers in found.items() if tiers})

    async def _warning_tiers(self, netuid: Netuid, block: BlockNumber) -> tuple[Bps, ...]:
        return views.warning_tiers(
            await self._chain.call(
                self._deployment.exchange,
                calls.warning_tiers(netuid),
                block,
                urgency=Urgency.BACKFILL,
            )
        )

    async def vault(self) -> VaultState:
        """What stands behind the traders' claims at the latest block; raises ChainError."""
        data = await self._view(calls.vault_state(), "latest")
        try:
            return views.vault(data)
        except ValueError as error:
            raise NotTheExchangeError(f"vault: {error}") from error

    async def read(self) -> FundingSnapshot | FundingUnread:
        """The funding rows of the fleet's markets at the newest block."""
        try:
            head = await self._chain.head()
            return FundingSnapshot(head=head, rows=await self._funding_rows(head.number))
        except (ChainError, ValueError) as error:
            return FundingUnread(reason=f"funding rows: {error}")

    async def rows(self, netuids: Sequence[Netuid]) -> FeedState | Unavailable:
        """The feed's rows of these markets at the newest block."""
        try:
            head = await self._chain.head()
            feed = self._deployment.price_feed
            data = await self._chain.call(feed, calls.rows(netuids), head.number)
            found = dict(zip(netuids, views.feed_rows(data), strict=True))
        except (ChainError, ValueError) as error:
            return Unavailable(detail=f"feed rows: {error}")
        return FeedState(head=head, rows=self._landings.dated(found))

    async def _funding_rows(self, block: BlockNumber) -> tuple[FundingRow, ...]:
        rows = views.funding_rows(await self._view(calls.markets(self._markets), block))
        if tuple(row.netuid for row in rows) != self._markets:
            raise ValueError("they are not those of the markets that were asked for")
        return rows

    async def _listed(self, block: BlockNumber) -> tuple[Market, ...]:
        listed = views.netuids(await self._view(calls.listed_markets(), block))
        return views.markets(await self._view(calls.markets(listed), block))

    async def _positions(self, block: BlockNumber) -> Rows:
        first, total = await self._page(0, block)
        ids = [*first]
        for offset in range(PAGE_IDS, total, PAGE_IDS):
            more, total = await self._page(offset, block)
            ids += more
        found, count = np.empty((len(ids), RECORD_BYTES), dtype=np.uint8), 0
        for start in range(0, len(ids), PAGE_IDS):
            data = calls.positions_by_id(ids[start : start + PAGE_IDS])
            page = views.position_rows(await self._view(data, block)).records
            count += len(page)
            found[count - len(page) : count] = page
        if count != total:
            raise ValueError(f"{count} positions were read where {total} are open")
        return Rows(found[:count])

    async def _page(self, offset: int, block: BlockNumber) -> tuple[tuple[PositionId, ...], int]:
        data = calls.position_ids(offset, PAGE_IDS)
        return views.position_ids(await self._view(data, block))

    async def _view(self, data: bytes, block: BlockNumber | Literal["latest"]) -> bytes:
        return await self._chain.call(self._deployment.exchange, data, block)

    async def _require_fork_of(self, last: Head, logs: Sequence[RawLog]) -> None:
        newest = logs[-1] if logs else None
        if newest is not None and newest["blockHash"] == last.hash:
            return
        if newest is not None and int(newest["blockNumber"], 16) == last.number:
            raise ReorganisedError(f"the logs of block {last.number} are another fork's")
        await self._require_silent(last)

    async def _require_silent(self, last: Head) -> None:
        sealed = await self._chain.sealed(last.number)
        if sealed is None or sealed.head.hash != last.hash:
            raise ReorganisedError(f"block {last.number} was replaced while it was read")
        if any(may_hold(sealed.logs_bloom, contract) for contract in self._contracts):
            raise LogsMissingError(f"block {last.number} has logs by its header, and none came")

    async def _require_canonical(self, at: Head) -> None:
        found = await self._chain.block(at.number)
        if found is None or found.hash != at.hash:
            raise ReorganisedError(f"block {at.number} was replaced while it was read")


def _common(tiers: Mapping[Netuid, tuple[Bps, ...]]) -> tuple[Bps, ...] | Unreadable:
    """What all of them are; one market warned by another's would look warned and not be."""
    if not tiers:
        return ()
    (first, ours), *others = tiers.items()
    for netuid, theirs in others:
        if theirs != ours:
            differ = f"{_listed(ours)} in market {first} and {_listed(theirs)} in market {netuid}"
            return Unreadable(
                reason=f"the exchange's warning tiers are {differ}: set warnings.tiers_bps for all"
            )
    return ours


def _listed(tiers: Sequence[Bps]) -> str:
    return ", ".join(map(str, tiers))
