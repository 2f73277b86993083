"""What was sent, until it has its outcome."""

from collections.abc import Callable

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.store.server import StoreAway
from fleet.transactions.attempt import State
from fleet.transactions.request import Expired, Included, Lane, Settled
from fleet.wiring.settling import (
    KEY_BLOCKS,
    KeyState,
    KeyWatch,
    SettledOutcomes,
    Settles,
    is_all_included,
    is_all_settled,
    settle,
    settle_all,
)
from tests.unit.fleet.runtime.streams import head, until_idle
from tests.unit.fleet.wiring.simulated import KEY, Chain, Post, Wall, running
from units import Wei


class Rest:
    """Everything that settles, as it becomes known."""

    def __init__(
        self,
        post: Post,
        chain: Chain,
        wall: Wall,
        is_done: Callable[[Settles], bool] = is_all_settled,
    ) -> None:
        self.recorded: list[str] = []
        self.told: list[str] = []
        self.is_over = False
        self._outcomes = settle_all(
            post, chain, self._record, clock=wall, poll_s=2, is_done=is_done
        )

    def _record(self, news: Included | Settled) -> None:
        self.recorded.append(news.request.idempotency_key)

    async def wait(self) -> None:
        async for each in self._outcomes:
            self.told.append(each.request.idempotency_key)
        self.is_over = True


@pytest.fixture
def rest(post: Post, chain: Chain, wall: Wall) -> Rest:
    return Rest(post, chain, wall)


async def test_settle_all__nothing_was_sent__ends_at_once(rest: Rest, post: Post) -> None:
    await rest.wait()

    assert (rest.told, post.heads) == ([], [100])


async def test_settle_all__outcomes_of_several_blocks__come_as_they_are_known(
    rest: Rest, post: Post, chain: Chain, wall: Wall
) -> None:
    post.send("push", settles_at=100)
    post.send("accrual", settles_at=102, outcome=Expired())
    async with running(rest.wait()):
        assert (rest.told, rest.is_over) == (["push"], False)
        chain.height = 101
        await wall.pass_(2)
        assert (rest.told, rest.is_over) == (["push"], False)
        chain.height = 102
        await wall.pass_(2)
        assert rest.is_over

    assert rest.told == rest.recorded == ["push", "accrual"]
    assert post.heads == [100, 101, 102]


async def test_settle_all__the_node_is_silent__is_asked_again(
    rest: Rest, post: Post, chain: Chain, wall: Wall
) -> None:
    post.send("push", settles_at=100)
    chain.is_down()
    async with running(rest.wait()):
        await wall.pass_(7)
        assert (rest.told, chain.asked) == ([], 4)
        chain.outage = None
        await wall.pass_(2)
        assert rest.is_over

    assert rest.told == ["push"]


async def test_settle_all__the_store_is_away__is_asked_again(
    rest: Rest, post: Post, wall: Wall
) -> None:
    post.send("push", settles_at=100)
    post.failure = StoreAway("the store does not answer")
    async with running(rest.wait()):
        await wall.pass_(7)
        assert (rest.told, rest.is_over) == ([], False)
        post.failure = None
        await wall.pass_(2)
        assert rest.is_over

    assert rest.told == ["push"]


async def test_settle_all__the_journal_was_never_read__waits_for_it(
    rest: Rest, post: Post, chain: Chain, wall: Wall
) -> None:
    post.is_journal_read = False
    assert not is_all_settled(post)
    assert not is_all_included(post)
    chain.is_down()
    async with running(rest.wait()):
        await wall.pass_(10)
        assert not rest.is_over
        chain.outage = None
        await wall.pass_(2)
        assert rest.is_over


async def test_settle__any_outcome__is_told_on_and_what_is_left_is_counted(post: Post) -> None:
    recorded: list[Included | Settled] = []
    post.send("push", settles_at=7)
    post.send("later", settles_at=9)

    outcomes = await settle(post, head(7), recorded.append)

    assert [each.request.idempotency_key for each in outcomes.settled] == ["push"]
    assert outcomes == SettledOutcomes(
        head=head(7),
        settled=tuple(each for each in recorded if isinstance(each, Settled)),
        in_flight={Lane.PRICE: 1, Lane.FUNDING: 0},
        unsettled={State.SEEN: 1},
    )


async def test_settle__in_a_block_and_not_final__is_news_and_no_outcome(post: Post) -> None:
    recorded: list[Included | Settled] = []
    post.send("push", settles_at=999)
    post.include("push", block=7)

    outcomes = await settle(post, head(7), recorded.append)

    assert [each.request.idempotency_key for each in outcomes.included] == ["push"]
    assert (outcomes.settled, recorded) == ((), list(outcomes.included))


async def test_settle_all__in_a_block__told_at_once_and_over_only_when_final(
    rest: Rest, post: Post, chain: Chain, wall: Wall
) -> None:
    post.send("push", settles_at=999)
    post.include("push", block=100)
    async with running(rest.wait()):
        assert (rest.told, rest.is_over) == (["push"], False)
        chain.height = 101
        await wall.pass_(2)
        assert rest.is_over

    assert rest.told == ["push", "push"]


async def test_settle_all__stopping__does_not_wait_for_finality(
    post: Post, chain: Chain, wall: Wall
) -> None:
    post.send("push", settles_at=999)
    post.include("push", block=100)
    rest = Rest(post, chain, wall, is_all_included)

    await rest.wait()

    assert rest.told == ["push"]


async def test_key__first_head_and_then_now_and_again__is_looked_at(
    post: Post, chain: Chain
) -> None:
    watch = KeyWatch(sender=post, node=chain)
    post.send("push", settles_at=999)

    seen = [number for number in range(1_003, 1_100) if await watch.look(head(number)) is not None]

    assert seen == [1_003 + n * KEY_BLOCKS for n in range(4)]


async def test_key__looked_at__tells_balance_and_how_far_nonces_are_ahead(
    post: Post, chain: Chain
) -> None:
    post.send("push", settles_at=999)
    post.send("accrual", settles_at=999)

    state = await KeyWatch(sender=post, node=chain).look(head(7))

    assert state == KeyState(address=KEY, balance=Wei(5 * 10**18), nonce_gap=2)


async def test_key__the_node_is_silent__is_unknown_and_looked_at_with_the_next_head(
    post: Post, chain: Chain
) -> None:
    watch = KeyWatch(sender=post, node=chain)
    chain.outage = NodeUnavailable("anvil: no answer")
    assert await watch.look(head(7)) is None

    chain.outage = None
    assert await watch.look(head(8)) is not None


async def test_key__before_the_journal_was_read__is_unknown(post: Post, chain: Chain) -> None:
    post.is_journal_read = False

    assert await KeyWatch(sender=post, node=chain).look(head(7)) is None
    await until_idle()
    assert chain.asked == 0


async def test_key__looked_at_at_a_block_that_was_made_up__is_looked_at_again(
    post: Post, chain: Chain
) -> None:
    watch = KeyWatch(sender=post, node=chain)
    assert await watch.look(head(10**9)) is not None
    assert await watch.look(head(7)) is not None
