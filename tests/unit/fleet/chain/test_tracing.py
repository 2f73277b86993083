"""Following the chain back, over a chain that is played."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.failures import NodeUnavailable
from fleet.chain.lineage import Advance, Change, Leap, Lineage, Reorg, Withdrawal
from fleet.chain.tracing import Tracer
from units import BlockHash, BlockNumber, Head, Timestamp


class World:
    """A chain that forks: a block's hash holds the forks of all below it."""

    def __init__(self, height: int = 100) -> None:
        self.blocks: list[Head] = []
        self.asked: list[int] = []
        self.is_down = False
        self._forks = 0
        self.grow(height)

    @property
    def head(self) -> Head:
        return self.blocks[-1]

    def grow(self, count: int = 1) -> Head:
        for _ in range(count):
            number = len(self.blocks)
            parent = self.blocks[-1].hash if self.blocks else "0x"
            self.blocks.append(
                Head(
                    number=BlockNumber(number),
                    hash=BlockHash(f"0x{self._forks}:{number}"),
                    parent_hash=BlockHash(parent),
                    time=Timestamp(12 * number),
                )
            )
        return self.head

    def fork(self, depth: int, grow: int) -> Head:
        self._forks += 1
        del self.blocks[len(self.blocks) - depth :]
        return self.grow(grow)

    async def block(self, number: BlockNumber) -> Head | None:
        self.asked.append(number)
        if self.is_down:
            raise NodeUnavailable("down")
        return self.blocks[number] if number < len(self.blocks) else None


class Noted:
    def __init__(self) -> None:
        self.changes: list[Change] = []

    def changed(self, change: Change) -> None:
        self.changes.append(change)


def tracer(world: World, noted: Noted | None = None, blocks_max: int = 256) -> Tracer:
    return Tracer(
        block=world.block, listener=noted or Noted(), lineage=Lineage(blocks_max), fetched_max=20
    )


async def test_follow__first_head__begins_there_and_asks_nothing() -> None:
    world = World()
    assert await tracer(world).follow(world.head) == Leap(world.head, None)
    assert world.asked == []


async def test_follow__next_head__one_block_more_and_asks_nothing() -> None:
    world, noted = World(), Noted()
    trace = tracer(world, noted)
    await trace.follow(world.head)
    assert await trace.follow(world.grow()) == Advance((world.head,))
    assert await trace.follow(world.head) is None
    assert world.asked == []
    assert len(noted.changes) == 2


async def test_follow__heads_were_missed__fetched_by_number() -> None:
    world = World()
    trace = tracer(world)
    await trace.follow(world.head)
    assert await trace.follow(world.grow(4)) == Advance(tuple(world.blocks[-4:]))
    assert world.asked == [102, 101, 100]


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("more", [0, 1, 3])
async def test_follow__reorganised__the_common_ancestor_and_the_new_branch(
    depth: int, more: int
) -> None:
    world = World(80)
    trace = tracer(world)
    await trace.follow(world.head)
    await trace.follow(world.grow(19))
    before = tuple(world.blocks)
    found = await trace.follow(world.fork(depth, depth + more))
    assert found == Reorg(before[-depth - 1], before[-depth:], tuple(world.blocks[-depth - more :]))


async def test_follow__reorganised_to_a_lower_height__too() -> None:
    world = World(80)
    trace = tracer(world)
    await trace.follow(world.head)
    await trace.follow(world.grow(10))
    before = tuple(world.blocks)
    assert await trace.follow(world.fork(5, 2)) == Reorg(
        before[-6], before[-5:], tuple(world.blocks[-2:])
    )


async def test_follow__below_all_that_is_known__begins_anew() -> None:
    world = World()
    trace = tracer(world)
    await trace.follow(world.head)
    before = world.head
    assert await trace.follow(world.fork(3, 4)) == Leap(world.head, before)
    assert len(world.asked) <= 4


async def test_follow__away_for_too_long__begins_anew_after_so_many_requests() -> None:
    world = World()
    trace = tracer(world)
    await trace.follow(world.head)
    before = world.head
    assert await trace.follow(world.grow(500)) == Leap(world.head, before)
    assert len(world.asked) == 20
    assert await trace.follow(world.grow()) == Advance((world.head,))


async def test_follow__chain_changes_meanwhile__nothing_is_made_up() -> None:
    world, noted = World(), Noted()
    trace = tracer(world, noted)
    await trace.follow(world.head)
    old = world.grow(3)
    world.fork(3, 3)
    assert await trace.follow(old) is None
    assert await trace.follow(world.head) == Advance(tuple(world.blocks[-3:]))


async def test_follow__node_is_down__the_next_head_makes_up_for_it() -> None:
    world = World()
    trace = tracer(world)
    await trace.follow(world.head)
    world.is_down = True
    with pytest.raises(NodeUnavailable):
        await trace.follow(world.grow(2))
    world.is_down = False
    assert await trace.follow(world.grow()) == Advance(tuple(world.blocks[-3:]))


MOVES = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), max_size=40)


@given(MOVES)
async def test_follow__any_moves__changes_applied_in_order_give_the_chain(
    moves: Sequence[tuple[int, int]],
) -> None:
    world, noted = World(30), Noted()
    trace = tracer(world, noted, blocks_max=32)
    own = {world.head.number: world.head}
    await trace.follow(world.head)
    for depth, more in moves:
        head = world.fork(depth, depth + more) if depth else world.grow(more)
        change = await trace.follow(head)
        match change:
            case Advance(branch=branch):
                assert branch[0].parent_hash == own[max(own)].hash
            case Reorg(ancestor=ancestor, left=left, branch=branch):
                assert own[ancestor.number] == ancestor
                assert [own.pop(each.number) for each in left] == list(left)
                assert branch[0].parent_hash == ancestor.hash
            case Leap(head=leapt):
                own, branch = {}, (leapt,)
            case None | Withdrawal():
                raise AssertionError
        own |= {each.number: each for each in branch}
        assert own[max(own)] == world.head
        assert all(world.blocks[number] == block for number, block in own.items())
