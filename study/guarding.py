"""What the guard would have believed, block by block: what it held, how long, and what for."""

from collections.abc import Iterator
from dataclasses import dataclass

from oracle.alpha import is_beyond, to_price_wei
from oracle.guard import Accept, GuardPolicy, GuardState, Reference, assess, interrupted
from oracle.quotes import Price
from study.columns import Column
from units import BPS_ONE, BlockNumber, Netuid, PriceWei, Rao, Timestamp

UNKNOWN = PriceWei(0)
"""No price at this block, or none that is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One price that was held, from `since` until the price of block `until` was accepted.

    `row` is the tape's row that `until` is of. `is_confirmed`: it had stood, else it had returned.
    """

    netuid: Netuid
    since: BlockNumber
    until: BlockNumber
    row: int
    before: PriceWei
    after: PriceWei
    is_confirmed: bool

    @property
    def blocks(self) -> int:
        """How long it took."""
        return self.until - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """One market after the guard: what is believed from which block on, and every hold.

    `held_rows` are the tape's rows whose first block was held.
    """

    netuid: Netuid
    believed: tuple[tuple[BlockNumber, PriceWei], ...]
    holds: tuple[Hold, ...]
    held_rows: tuple[int, ...]
    unfinished_blocks: int

    @property
    def held_blocks(self) -> int:
        """Blocks without a believed price though the source had one."""
        return sum(hold.blocks for hold in self.holds) + self.unfinished_blocks


class _Market:
    """The guard's state and what came of it. Rows within the limit are not walked through."""

    def __init__(self, column: Column, policy: GuardPolicy) -> None:
        self._column = column
        self._policy = policy
        self._state = GuardState()
        self._since: BlockNumber | None = None
        self.believed: list[tuple[BlockNumber, PriceWei]] = []
        self.holds: list[Hold] = []
        self.held_rows: list[int] = []

    def unfinished(self) -> int:
        return 0 if self._since is None else self._column.last_block + 1 - self._since

    def row(self, row: int) -> None:
        column = self._column
        rao, start = column.prices[row], column.blocks[row]
        if not rao:
            self._gone(start)
        elif self._is_near(rao):
            seen = Reference(price=to_price_wei(rao), block=start)
            self._state = GuardState(accepted=seen)
            self._believe(start, seen.price)
        else:
            self._walk(row, rao)

    def _is_near(self, rao: Rao) -> bool:
        """Whether `assess` would accept it in all blocks of its row, or has nothing to hold."""
        if self._state.jump is not None:
            return False
        accepted = self._state.accepted
        limit = self._policy.jump_limit
        return accepted is None or not is_beyond(accepted.price, to_price_wei(rao), limit)

    def _walk(self, row: int, rao: Rao) -> None:
        column, start = self._column, self._column.blocks[row]
        for block in range(start, column.end(row)):
            at = BlockNumber(block)
            price = Price(netuid=column.netuid, rao=rao, block=at, time=Timestamp(0))
            before = self._state
            self._state, verdict = assess(before, price, None, self._policy)
            if isinstance(verdict, Accept):
                self._accepted(before, at, row)
                return
            if self._since is None:
                self._since = at
                self._believe(at, UNKNOWN)
            if block == start:
                self.held_rows.append(row)

    def _accepted(self, before: GuardState, block: BlockNumber, row: int) -> None:
        accepted, reference = self._state.accepted, before.accepted
        assert accepted is not None, "what is accepted is the reference"
        if self._since is not None and reference is not None:
            limit = self._policy.jump_limit
            hold = Hold(
                netuid=self._column.netuid,
                since=self._since,
                until=block,
                row=row,
                before=reference.price,
                after=accepted.price,
                is_confirmed=is_beyond(reference.price, accepted.price, limit),
            )
            self.holds.append(hold)
        self._since = None
        self._believe(block, accepted.price)

    def _gone(self, block: BlockNumber) -> None:
        self._state = interrupted(self._state)
        self._since = None
        self._believe(block, UNKNOWN)

    def _believe(self, block: BlockNumber, price: PriceWei) -> None:
        known = self.believed[-1][1] if self.believed else UNKNOWN
        if price != known:
            self.believed.append((block, price))


def guarded(column: Column, policy: GuardPolicy) -> Guarded:
    """One market's prices through the guard."""
    market = _Market(column, policy)
    for row in range(len(column.blocks)):
        market.row(row)
    return Guarded(
        netuid=column.netuid,
        believed=tuple(market.believed),
        holds=tuple(market.holds),
        held_rows=tuple(market.held_rows),
        unfinished_blocks=market.unfinished(),
    )


def calm_rows(column: Column, found: Guarded, policy: GuardPolicy) -> Iterator[int]:
    """Rows held though the source moved by less than the limit into them and out of them."""
    for row in found.held_rows:
        moves = (column.moved(row), column.moved(row + 1))
        if not any(move is None or _jumped(move, policy) for move in moves):
            yield row


def returning(column: Column, row: int, policy: GuardPolicy) -> int | None:
    """By how many bps a row was off the one before it, if the next is back within the limit."""
    there, back = column.moved(row), column.moved(row + 1)
    if there is None or back is None or not _jumped(there, policy):
        return None
    before, spike = there
    if _jumped((before, back[1]), policy):
        return None
    return abs(spike - before) * BPS_ONE // before


def _jumped(move: tuple[Rao, Rao], policy: GuardPolicy) -> bool:
    return is_beyond(to_price_wei(move[0]), to_price_wei(move[1]), policy.jump_limit)
