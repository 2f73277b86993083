"""What is known of every market's price, block after block: the guard's memory in one place.

Holds state, does no I/O and reads no clock: height is its time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from oracle.aggregation import Pins, aggregate
from oracle.continuity import Continuity, followed
from oracle.depth import DepthPolicy, is_thin, thinned
from oracle.feed import FeedRowView
from oracle.guard import GuardPolicy, GuardState, Reference, assess, interrupted
from oracle.index import IndexPolicy, Indices
from oracle.markets import PerMarket
from oracle.publication import Knowledge, Stalled, Unread
from oracle.quotes import NoPrice, NoPriceReason, Priced, Reading, SourceHead, Unavailable
from units import BlockNumber, Head, Netuid


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePolicy:
    """When a price is held, and when a silent source has stalled.

    guard: the jump hold of each market.
    depth: how deep each market's pool must be.
    indices: the markets that are no subnet but an index of all, and what of.
    stall_blocks: blocks without a finalized reading, counted from the head of chain 964, after
        which no price counts as known. Above the ordinary finality lag of 2 to 3.
    catch_up_blocks_max: while a price is held, up to so many blocks skipped between two
        finalized heads are read as well, three requests each, so that the hold ends on time.
        Skipped blocks that are not read do not count as stood.
    buried_blocks: while finality stands (`stall_blocks`), prices are read so many blocks below the
        best block instead; None: they are not, and every market is suspended. Below `stall_blocks`.
    """

    guard: PerMarket[GuardPolicy] = field(default_factory=lambda: PerMarket(GuardPolicy()))
    depth: PerMarket[DepthPolicy] = field(default_factory=lambda: PerMarket(DepthPolicy()))
    indices: Mapping[Netuid, IndexPolicy] = field(default_factory=dict)
    stall_blocks: int = 10
    catch_up_blocks_max: int = 3
    buried_blocks: int | None = None


def stalled_for(head: Head, last_read: BlockNumber, policy: JudgePolicy) -> int | None:
    """How many blocks the newest reading is behind the chain, None while that is no stall."""
    behind = head.number - last_read
    return behind if behind >= policy.stall_blocks else None


class Judge:
    """Remembers, per market, what the guard must remember between two blocks."""

    def __init__(self, *, markets: Sequence[Netuid], pins: Pins, policy: JudgePolicy) -> None:
        self._markets = tuple(markets)
        self._pins = pins
        self._policy = policy
        self._guards = {netuid: GuardState() for netuid in self._markets}
        self._continuity = {netuid: Continuity() for netuid in self._markets}
        self._indices = Indices(policy.indices)
        self.thin: frozenset[Netuid] = frozenset()
        """The markets whose pools were below their floors in the newest reading."""
        self._first_head: BlockNumber | None = None
        self.newest_read: BlockNumber | None = None
        self._newest_final: BlockNumber | None = None
        self._looked_at: BlockNumber | None = None

    def finality_stands_for(self, head: Head) -> int | None:
        """Blocks since one was final, None while that is no stall; counts from the first head."""
        self._newest_before(head)
        final = self._first_head if self._newest_final is None else self._newest_final
        assert final is not None, "the first head was noted"
        return stalled_for(head, final, self._policy)

    def worth_reading(self, head: SourceHead) -> Sequence[BlockNumber]:
        """The heights skipped before `head` that would count for a hold in progress."""
        if self.newest_read is None or not any(state.jump for state in self._guards.values()):
            return ()
        skipped = range(self.newest_read + 1, head.number)
        if len(skipped) > self._policy.catch_up_blocks_max:
            return ()
        return [BlockNumber(number) for number in skipped]

    def believed(
        self, said: Reading | Unavailable, head: Head, ahead_blocks_max: int
    ) -> Reading | Unavailable:
        """The reading, unless it can't be of this chain now or was overtaken.

        One of a block far above the chain's head, believed once, would outlive every true one.
        """
        if isinstance(said, Unavailable):
            return said
        block, newest = said.block.number, self.newest_read
        if block > head.number + ahead_blocks_max:
            ahead = f"{block - head.number} blocks ahead of chain 964"
            return Unavailable(detail=f"source block {block} is {ahead}: it is not believed")
        if said.is_final:
            self._newest_final = max(block, self._newest_final or block)
        if newest is not None and block < newest:
            return Unavailable(detail=f"source block {block} is older than {newest}, read before")
        return said

    def known(
        self,
        said: Sequence[Reading | Unavailable],
        rows: Mapping[Netuid, FeedRowView],
        head: Head,
    ) -> Mapping[Netuid, Knowledge]:
        """What is known after hearing `said`, oldest first; the last one decides.

        Args:
            said: at least one, as `believed` gives them.
            rows: the feed's rows at `head`, one a market.
            head: the newest block of chain 964.
        """
        if self._was_away(head):
            self.doubt(self._markets)
        heard = [self._hear(each, rows) for each in said]
        behind = stalled_for(head, self._newest_before(head), self._policy)
        if behind is not None:
            heard.append(dict.fromkeys(self._markets, Stalled(blocks=behind)))
        for each in heard:
            self._follow(each, rows)
        return heard[-1]

    def is_confirmed(self, netuid: Netuid) -> bool:
        """Whether a market's price was known in an earlier block too, without a break since."""
        return self._continuity[netuid].is_confirmed

    def doubt(self, netuids: Collection[Netuid]) -> None:
        """What was known of these prices counts no more: the next is the first after a break."""
        self._continuity |= dict.fromkeys(netuids, Continuity())

    def _follow(
        self, known: Mapping[Netuid, Knowledge], rows: Mapping[Netuid, FeedRowView]
    ) -> None:
        self._continuity = {
            netuid: followed(before, known[netuid], rows[netuid])
            for netuid, before in self._continuity.items()
        }

    def _hear(
        self, said: Reading | Unavailable, rows: Mapping[Netuid, FeedRowView]
    ) -> Mapping[Netuid, Knowledge]:
        if isinstance(said, Reading):
            self.newest_read = said.block.number
            self.thin = self._found_thin(said)
        priced = dict(aggregate(said, self._markets, self._pins))
        if isinstance(said, Reading):
            priced |= self._indices.priced(said, rows)
        for netuid in self.thin:
            priced[netuid] = thinned(priced[netuid], self._policy.depth.of(netuid))
        return {netuid: self._assess(each, rows[netuid]) for netuid, each in priced.items()}

    def _found_thin(self, said: Reading) -> frozenset[Netuid]:
        depths = said.depths or {}
        policies, subnets = self._policy.depth, set(self._markets) - set(self._policy.indices)
        return frozenset(n for n in subnets if is_thin(depths.get(n), policies.of(n)))

    def _assess(self, priced: Priced, row: FeedRowView) -> Knowledge:
        state = self._guards[priced.netuid]
        if isinstance(priced, NoPrice):
            if priced.reason is NoPriceReason.SOURCE_DOWN:
                return Unread()
            self._guards[priced.netuid] = interrupted(state)
            return priced
        published = Reference(price=row.price, block=row.source_block) if row.price else None
        policy = self._policy.guard.of(priced.netuid)
        state, verdict = assess(state, priced, published, policy)
        self._guards[priced.netuid] = state
        return verdict

    def _was_away(self, head: Head) -> bool:
        """Whether nobody looked for longer than a stall: a process that stood still, or no node."""
        before, self._looked_at = self._looked_at, head.number
        return before is not None and head.number - before > self._policy.stall_blocks

    def _newest_before(self, head: Head) -> BlockNumber:
        """The newest block read; before the first reading, the head this process started at."""
        first = head.number if self._first_head is None else self._first_head
        self._first_head = min(first, head.number)
        return self._first_head if self.newest_read is None else self.newest_read
