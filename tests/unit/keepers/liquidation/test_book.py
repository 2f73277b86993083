"""The book against the simulated exchange, whose state it must reach by events alone."""

import re
from collections import abc
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.book import (
    SLICE,
    UNDO_BLOCKS_MAX,
    Book,
    follow,
    following,
    open_book,
    opening,
    rewind,
)
from keepers.liquidation.folding import InconsistentEventsError
from keepers.liquidation.moves import BlockMoves, as_moves
from keepers.liquidation.positions import (
    BlockEvents,
    BookEvent,
    FundingAccrued,
    ParametersChanged,
    Position,
    PositionChanged,
    PositionClosed,
    PositionOpened,
)
from keepers.liquidation.rows import Rows
from keepers.liquidation.versions import Positions
from tests.unit.keepers.liquidation.examples import TAO, head_at, market, position
from tests.unit.keepers.liquidation.simulated import Action, Block, SimulatedExchange, as_events
from units import BlockHash, FundingIndex, Netuid, Timestamp, Wei


def _pick(act: str, number: int) -> Action:
    def on(block: Block) -> None:
        held = list(block.positions.values())
        if held:
            getattr(block, act)(held[number % len(held)])

    return on


def _on_market(act: str, *arguments: int) -> Action:
    return lambda block: getattr(block, act)(*arguments)


netuids = st.sampled_from([8, 64])
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(
        lambda netuid, is_long, size, number: (
            lambda block: block.open(netuid, is_long, size, number)
        ),
        netuids,
        st.booleans(),
        st.integers(1, 5 * TAO),
        st.integers(1, 6),
    ),
    st.builds(_pick, st.sampled_from(["reduce", "close", "liquidate"]), st.integers(0, 5)),
    st.builds(lambda netuid: _on_market("accrue", netuid), netuids),
    st.builds(
        lambda netuid, price: _on_market("push", netuid, price), netuids, st.integers(1, TAO)
    ),
    st.builds(lambda netuid, why: _on_market("suspend", netuid, why), netuids, st.integers(1, 6)),
    st.builds(lambda netuid: _on_market("resume", netuid), netuids),
)
blocks = st.lists(st.tuples(st.integers(0, 30), st.lists(actions, max_size=4)), max_size=12)


def state(book: Book) -> tuple[object, ...]:
    return book.head, dict(book.positions), dict(book.markets)


def expected(block: Block) -> tuple[object, ...]:
    return block.head, block.positions, block.markets


def path(exchange: SimulatedExchange, block: Block) -> list[Block]:
    return exchange.branch(block)[1:]


@given(blocks, st.data())
def test_follow__any_tree_of_forks__every_branch_gives_the_state_of_its_chain(
    tree: list[tuple[int, list[Action]]], data: st.DataObject
) -> None:
    exchange = SimulatedExchange()
    made = [exchange.tip]
    for salt, (parent, done) in enumerate(tree):
        made.append(exchange.grow(*done, on=made[parent % len(made)], salt=str(salt)))
    book = open_book(made[0].snapshot())
    for _ in range(6):
        target = data.draw(st.sampled_from(made))
        book = _switch(exchange, book, target)
        assert state(book) == expected(target)


As = Callable[[list[BlockEvents]], Iterable[BlockEvents | BlockMoves]]


@given(blocks, st.data())
def test_follow__values_or_moves_in_any_order_of_forks__give_one_book(
    tree: list[tuple[int, list[Action]]], data: st.DataObject
) -> None:
    exchange = SimulatedExchange()
    made = [exchange.tip]
    for salt, (parent, done) in enumerate(tree):
        made.append(exchange.grow(*done, on=made[parent % len(made)], salt=str(salt)))
    by_values = by_moves = open_book(made[0].snapshot())
    for _ in range(6):
        target = data.draw(st.sampled_from(made))
        by_values = _switch(exchange, by_values, target)
        by_moves = _switch(exchange, by_moves, target, as_moves)
        assert state(by_moves) == state(by_values) == expected(target)
        assert [step.before for step in by_moves.trail] == [s.before for s in by_values.trail]


def _switch(
    exchange: SimulatedExchange, book: Book, target: Block, given_as: As = lambda blocks: blocks
) -> Book:
    """Rewinds to where the branches part and follows the other one, block by block."""
    branch = exchange.branch(target)
    for ancestor in reversed(branch):
        rewound = rewind(book, ancestor.head.hash)
        if rewound is not None:
            assert state(rewound) == expected(ancestor)
            rest = branch[branch.index(ancestor) + 1 :]
            for block in rest:
                rewound = follow(rewound, given_as(as_events([block])), block.head)
            return rewound
    raise AssertionError("the first block is common to all")


@given(blocks)
def test_follow__in_one_step_or_block_by_block__gives_the_same_book(
    chain: list[tuple[int, list[Action]]],
) -> None:
    exchange = SimulatedExchange()
    start = exchange.tip
    for _, done in chain:
        exchange.grow(*done)
    each = open_book(start.snapshot())
    for block in path(exchange, exchange.tip):
        each = follow(each, as_events([block]), block.head)
    if each.head == start.head:
        return
    shown = [block for block in path(exchange, exchange.tip) if block.events]
    assert follow(open_book(start.snapshot()), as_events(shown), each.head) == each
    assert follow(open_book(start.snapshot()), as_moves(as_events(shown)), each.head) == each


def test_follow__the_book_it_started_from__stays_as_it_was() -> None:
    exchange = SimulatedExchange()
    before = open_book(exchange.tip.snapshot())
    first = exchange.tip
    grown = exchange.grow(lambda block: block.open(8, True, TAO, 1))
    follow(before, as_events([grown]), grown.head)
    assert state(before) == expected(first)


def test_rewind__deeper_than_the_trail__is_not_possible() -> None:
    exchange = SimulatedExchange()
    first = exchange.tip
    book = open_book(first.snapshot())
    for _ in range(UNDO_BLOCKS_MAX + 1):
        block = exchange.grow()
        book = follow(book, [], block.head)
    assert rewind(book, first.head.hash) is None
    assert rewind(book, exchange.branch()[1].head.hash) is not None
    assert rewind(book, BlockHash("0xother")) is None
    assert len(book.trail) == UNDO_BLOCKS_MAX


OPEN = position(1)
CHILD = head_at(1_001)


def holding_one() -> Book:
    at = replace(market(8), long_open_interest=Wei(OPEN.size))
    return Book(head=head_at(1_000), positions=Positions.of([OPEN]), markets={Netuid(8): at})


reopened = position(1, sequence=2)


@pytest.mark.parametrize(
    "event",
    [
        PositionOpened(position=OPEN),
        PositionOpened(position=position(2, netuid=9)),
        PositionOpened(position=position(2, size=0)),
        PositionOpened(position=position(2, entry_price=0)),
        PositionOpened(position=position(2, size=2**128)),
        PositionClosed(key=position(1, sequence=2**64).key),
        PositionChanged(key=OPEN.key, margin=Wei(2**128), size=Wei(1)),
        PositionClosed(key=position(2).key),
        PositionClosed(key=reopened.key),
        PositionChanged(key=reopened.key, margin=Wei(1), size=Wei(1)),
        PositionChanged(key=OPEN.key, margin=Wei(1), size=Wei(0)),
        FundingAccrued(netuid=Netuid(8), index=FundingIndex(1), until=Timestamp(1_760_000_012)),
        FundingAccrued(netuid=Netuid(9), index=FundingIndex(0), until=Timestamp(1_760_000_012)),
        ParametersChanged(netuid=Netuid(8)),
    ],
    ids=[
        "opened while open",
        "opened in a market that is not listed",
        "opened empty",
        "opened without entry price",
        "opened with more than any exchange holds",
        "closed under a sequence that none has",
        "changed to more than any exchange holds",
        "closed, never seen",
        "closed under another sequence",
        "changed under another sequence",
        "changed to nothing",
        "accrued to an index the open interest does not give",
        "accrued in a market that is not listed",
        "parameters changed",
    ],
)
def test_follow__event_that_cannot_follow__is_refused(event: BookEvent) -> None:
    block = BlockEvents(number=CHILD.number, hash=CHILD.hash, events=(event,))
    with pytest.raises(InconsistentEventsError) as refused:
        follow(holding_one(), [block], CHILD)
    with pytest.raises(InconsistentEventsError, match=re.escape(str(refused.value))):
        follow(holding_one(), as_moves([block]), CHILD)


def test_following__more_than_a_step_takes__gives_others_their_turn_and_the_same_book() -> None:
    exchange = SimulatedExchange()
    start = exchange.tip.snapshot()
    many = [PositionOpened(position=position(n)) for n in range(1, 3 * SLICE)]
    events = [tuple(many[at : at + SLICE]) for at in range(0, len(many), SLICE)]
    blocks = [
        BlockEvents(number=head.number, hash=head.hash, events=each)
        for each, head in zip(events, map(head_at, range(1_001, 1_004)), strict=True)
    ]
    assert len(list(following(open_book(start), as_moves(blocks), head_at(1_003)))) >= 5
    by_moves = follow(open_book(start), as_moves(blocks), head_at(1_003))
    assert by_moves == follow(open_book(start), blocks, head_at(1_003))


@pytest.mark.parametrize("place", [0, 50, 99])
def test_follow__one_of_many_opened_while_open__is_refused(place: int) -> None:
    opened = [PositionOpened(position=position(n)) for n in range(2, 101)]
    opened.insert(place, PositionOpened(position=OPEN))
    block = BlockEvents(number=CHILD.number, hash=CHILD.hash, events=tuple(opened))
    with pytest.raises(InconsistentEventsError, match="while open"):
        follow(holding_one(), as_moves([block]), CHILD)


def test_follow__close_of_more_than_the_open_interest__is_refused() -> None:
    book = replace(holding_one(), markets={Netuid(8): market(8)})
    closed = PositionClosed(key=OPEN.key)
    block = BlockEvents(number=CHILD.number, hash=CHILD.hash, events=(closed,))
    with pytest.raises(InconsistentEventsError):
        follow(book, [block], CHILD)


def test_follow__feed_event_of_a_market_the_exchange_does_not_list__is_nothing() -> None:
    exchange = SimulatedExchange(netuids=(8, 9))
    grown = exchange.grow(lambda block: block.push(9, TAO))
    book = holding_one()
    followed = follow(book, as_events([grown]), grown.head)
    assert followed.markets == book.markets


def test_follow__events_of_another_block_at_the_head__are_refused() -> None:
    block = BlockEvents(number=CHILD.number, hash=BlockHash("0xother"), events=())
    with pytest.raises(InconsistentEventsError, match="another fork"):
        follow(holding_one(), [block], CHILD)


@pytest.mark.parametrize("number", [1_000, 1_002])
def test_follow__block_outside_the_range__is_refused(number: int) -> None:
    stray = head_at(number)
    block = BlockEvents(number=stray.number, hash=stray.hash, events=())
    with pytest.raises(InconsistentEventsError, match="cannot follow block 1000"):
        follow(holding_one(), [block], CHILD)


Given = Callable[[list[Position]], abc.Sequence[Position]]
either = pytest.mark.parametrize("given_as", [tuple, Rows.of], ids=["values", "rows"])


@given(
    st.lists(
        st.builds(
            position,
            st.integers(1, 2**40),
            netuid=netuids,
            is_long=st.booleans(),
            margin=st.integers(0, 2**128 - 1),
            size=st.integers(1, 2**128 - 1),
            entry_price=st.integers(1, 2**128 - 1),
            entry_index=st.integers(-(2**127), 2**127 - 1),
        ),
        unique_by=lambda held: held.key.id,
        max_size=30,
    )
)
def test_open_book__any_positions__rows_give_the_book_of_the_values(held: list[Position]) -> None:
    snapshot = SimulatedExchange().tip.snapshot()
    by_values = open_book(replace(snapshot, positions=tuple(held)))
    by_rows = open_book(replace(snapshot, positions=Rows.of(held)))
    assert state(by_rows) == state(by_values)
    assert dict(by_rows.positions) == {each.key.id: each for each in held}


@either
def test_open_book__position_held_twice__is_refused(given_as: Given) -> None:
    snapshot = SimulatedExchange().tip.snapshot()
    with pytest.raises(InconsistentEventsError, match="twice"):
        open_book(replace(snapshot, positions=given_as([OPEN, position(2), reopened])))


@either
@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (position(1, netuid=9), "market 9, not listed"),
        (position(1, size=0), "no size"),
        (position(1, entry_price=0), "no entry price"),
    ],
)
def test_open_book__position_that_no_exchange_holds__is_refused(
    held: Position, reason: str, given_as: Given
) -> None:
    snapshot = SimulatedExchange().tip.snapshot()
    with pytest.raises(InconsistentEventsError, match=reason):
        open_book(replace(snapshot, positions=given_as([position(2), held])))


def test_open_book__numbers_that_fit_into_no_record__are_refused() -> None:
    snapshot = SimulatedExchange().tip.snapshot()
    with pytest.raises(InconsistentEventsError, match="too big"):
        open_book(replace(snapshot, positions=(position(1, size=2**128),)))


def test_opening__more_than_a_step_takes__gives_others_their_turn() -> None:
    held = Rows.of(position(n) for n in range(1, 3 * SLICE))
    snapshot = replace(SimulatedExchange().tip.snapshot(), positions=held)
    assert len([*opening(snapshot)]) >= 6
    assert [*open_book(snapshot).positions.each()] == [*held]
