import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.assessment import RiskView
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.margin import is_liquidatable, project_index, remaining_margin
from keepers.liquidation.moves import BlockMoves
from keepers.liquidation.risk import Exposure, RiskEngine, RiskPolicy, RiskUnknown
from keepers.liquidation.standing import UnknownReason
from tests.unit.keepers.liquidation.examples import TAO
from tests.unit.keepers.liquidation.simulated import Action, Block, SimulatedExchange
from units import BlockNumber, Head, Netuid, PositionId, PriceWei, Timestamp

ENTRY = TAO // 10
CRASH = PriceWei(ENTRY * 8 // 10)  # below −13.3 %: longs at 3x fall
RUIN = PriceWei(ENTRY // 2)  # below −33.3 %: they leave bad debt
EIGHT, SIXTY_FOUR = Netuid(8), Netuid(64)
GUARDIAN, JUMP = 1, 4
PATIENT = RiskPolicy(answer_s_max=None)


def id_of(number: int) -> PositionId:
    return PositionId(number.to_bytes(16, "big"))


def opening(number: int, netuid: int = 8, *, is_long: bool = True, tao: int = 3) -> Action:
    return lambda block: block.open(netuid, is_long, tao * TAO, number)


def pushing(price: int, netuid: int = 8) -> Action:
    return lambda block: block.push(netuid, price)


def suspending(suspension: int, netuid: int = 8) -> Action:
    return lambda block: block.suspend(netuid, suspension)


def exchange_with(*actions: Action) -> SimulatedExchange:
    exchange = SimulatedExchange()
    exchange.grow(*actions)
    return exchange


def engine_on(exchange: SimulatedExchange, policy: RiskPolicy = PATIENT) -> RiskEngine:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    return RiskEngine(follower=follower, policy=policy)


async def exposure_of(exchange: SimulatedExchange) -> Exposure:
    exposure = await engine_on(exchange).exposure(exchange.tip.head)
    assert isinstance(exposure, Exposure)
    return exposure


def ids_of(found: Judgement | RiskUnknown) -> tuple[PositionId, ...]:
    assert isinstance(found, Judgement)
    return found.ids


def ids(exposure: Exposure) -> list[PositionId]:
    return [candidate.position.key.id for candidate in exposure.candidates]


async def test_liquidatable_at__crash_in_one_market__takes_its_longs_and_nobody_elsewhere() -> None:
    exchange = exchange_with(opening(1), opening(2, is_long=False), opening(3, netuid=64))
    engine = engine_on(exchange)
    assert ids_of(await engine.liquidatable_at({EIGHT: CRASH}, exchange.tip.head)) == (id_of(1),)
    assert ids_of(await engine.liquidatable_at({}, exchange.tip.head)) == ()
    assert ids_of(await engine.liquidatable_at({Netuid(9): CRASH}, exchange.tip.head)) == ()


async def test_liquidatable_at__many_fall__largest_expected_bad_debt_first() -> None:
    exchange = exchange_with(
        opening(1, tao=2), opening(2, tao=5), opening(3, tao=4, netuid=64), opening(4, tao=3)
    )
    prices = {EIGHT: RUIN, SIXTY_FOUR: CRASH}
    found = await engine_on(exchange).liquidatable_at(prices)
    assert ids_of(found) == (id_of(2), id_of(4), id_of(1), id_of(3))


async def test_liquidatable_at__little_bad_debt_and_dust__rank_after_whom_more_is_expected_of() -> (
    None
):
    """A thousand TAO, solvent yet, are expected to leave more unpaid than three do just beyond."""
    barely_bankrupt = PriceWei(ENTRY * 6_666 // 10_000)
    exchange = SimulatedExchange(netuids=(8, 64, 120))
    exchange.grow(
        opening(1, tao=3),
        opening(2, netuid=64, tao=1_000),
        lambda block: block.open(120, True, TAO // 2, 3),
    )
    prices = {EIGHT: barely_bankrupt, SIXTY_FOUR: CRASH, Netuid(120): RUIN}
    found = await engine_on(exchange).liquidatable_at(prices)
    assert isinstance(found, Judgement)
    assert found.ids == (id_of(2), id_of(1), id_of(3))
    left = [candidate.remaining for candidate in found.candidates]
    assert left[0] > 0 > left[1] > left[2]


async def test_liquidatable_at__funding_due_by_the_next_block__is_counted() -> None:
    exchange = exchange_with(opening(1))
    engine, at = engine_on(exchange), exchange.tip.head
    price = highest_falling(exchange.tip, Timestamp(at.time + 12))
    assert price > highest_falling(exchange.tip, at.time)
    assert ids_of(await engine.liquidatable_at({EIGHT: price}, at)) == (id_of(1),)
    assert ids_of(await engine.liquidatable_at({EIGHT: PriceWei(price + 1)}, at)) == ()


async def test_liquidatable_at__book_one_block_behind__is_projected_past_the_head() -> None:
    exchange = exchange_with(opening(1))
    engine = engine_on(exchange)
    await engine.liquidatable_at({}, exchange.tip.head)
    exchange.down = {"moves"}
    head = exchange.grow().head
    price = highest_falling(exchange.tip, Timestamp(head.time + 12))
    assert ids_of(await engine.liquidatable_at({EIGHT: price}, head)) == (id_of(1),)
    assert ids_of(await engine.liquidatable_at({EIGHT: PriceWei(price + 1)}, head)) == ()


def highest_falling(block: Block, now: Timestamp) -> PriceWei:
    """The liquidation price of position 1 at that time, found by trying."""
    held, at = block.positions[id_of(1)], block.markets[EIGHT]
    index = project_index(at, now)
    low, high = ENTRY // 2, ENTRY
    while high - low > 1:
        middle = (low + high) // 2
        remaining = remaining_margin(held, PriceWei(middle), index)
        falls = is_liquidatable(held, at.parameters, remaining)
        low, high = (middle, high) if falls else (low, middle)
    return PriceWei(low)


@pytest.mark.parametrize(("suspension", "falls"), [(JUMP, True), (GUARDIAN, False)])
async def test_liquidatable_at__suspended_market__counts_only_if_the_push_ends_it(
    suspension: int, falls: bool
) -> None:
    exchange = exchange_with(opening(1), suspending(suspension))
    found = await engine_on(exchange).liquidatable_at({EIGHT: CRASH})
    assert ids_of(found) == ((id_of(1),) if falls else ())


async def test_liquidatable_at__source_block_before_the_suspension__has_nobody() -> None:
    exchange = exchange_with(opening(1), suspending(JUMP))
    engine, at = engine_on(exchange), exchange.tip.head
    before, since = BlockNumber(at.number - 1), at.number
    assert ids_of(await engine.liquidatable_at({EIGHT: CRASH}, at, before)) == ()
    assert ids_of(await engine.liquidatable_at({EIGHT: CRASH}, at, since)) == (id_of(1),)


async def test_liquidatable_at__no_book_yet__is_unknown() -> None:
    exchange = exchange_with(opening(1))
    exchange.down = {"snapshot"}
    answer = await engine_on(exchange).liquidatable_at({EIGHT: CRASH}, exchange.tip.head)
    assert answer == RiskUnknown(reason="snapshot is down")


async def test_liquidatable_at__book_one_block_behind__still_answers() -> None:
    exchange = exchange_with(opening(1))
    engine = engine_on(exchange)
    await engine.liquidatable_at({EIGHT: CRASH}, exchange.tip.head)
    exchange.down = {"moves"}
    head = exchange.grow(opening(2)).head
    assert ids_of(await engine.liquidatable_at({EIGHT: CRASH}, head)) == (id_of(1),)


async def test_liquidatable_at__book_two_blocks_behind__is_unknown() -> None:
    exchange = exchange_with(opening(1))
    engine = engine_on(exchange)
    await engine.liquidatable_at({EIGHT: CRASH}, exchange.tip.head)
    exchange.down = {"moves"}
    exchange.grow()
    answer = await engine.liquidatable_at({EIGHT: CRASH}, exchange.grow().head)
    assert answer == RiskUnknown(reason="moves is down")


async def test_liquidatable_at__book_of_a_fork__is_unknown() -> None:
    exchange = exchange_with(opening(1))
    first = exchange.tip
    engine = engine_on(exchange)
    exchange.grow(opening(2))
    await engine.liquidatable_at({EIGHT: CRASH}, exchange.tip.head)
    exchange.down = {"moves", "snapshot"}
    fork = exchange.grow(on=first, salt="fork").head
    assert isinstance(await engine.liquidatable_at({EIGHT: CRASH}, fork), RiskUnknown)


class SlowExchange(SimulatedExchange):
    """Never answers for logs."""

    async def moves(self, first: BlockNumber, last: Head) -> tuple[BlockMoves, ...] | Unreadable:
        await asyncio.Event().wait()
        return await super().moves(first, last)


async def test_liquidatable_at__book_takes_longer_than_allowed__answers_in_time() -> None:
    exchange = SlowExchange()
    exchange.grow(opening(1))
    engine = engine_on(exchange, RiskPolicy(answer_s_max=0.01))
    await engine.exposure(exchange.tip.head)  # the book is there: only logs are waited for
    assert ids_of(await engine.liquidatable_at({EIGHT: CRASH})) == (id_of(1),)
    head = exchange.grow().head
    assert ids_of(await engine.liquidatable_at({EIGHT: CRASH}, head)) == (id_of(1),)
    head = exchange.grow().head
    answer = await engine.liquidatable_at({EIGHT: CRASH}, head)
    assert answer == RiskUnknown(reason="no book in time for an answer within 0.01 s")


async def test_exposure__price_pushed_below__takes_who_fell_at_the_feed() -> None:
    exchange = exchange_with(opening(1), opening(2, is_long=False))
    assert ids(await exposure_of(exchange)) == []
    exchange.grow(pushing(CRASH))
    exposure = await exposure_of(exchange)
    assert ids(exposure) == [id_of(1)]
    assert exposure.head == exchange.tip.head
    assert exposure.candidates[0].price == CRASH
    assert exposure.unknown == {}


async def test_exposure__suspended_stale_and_fresh_markets__counts_the_unknown() -> None:
    exchange = SimulatedExchange(netuids=(8, 64, 120))
    exchange.grow(
        opening(1),
        opening(2, netuid=64),
        opening(3, netuid=64, is_long=False),
        opening(4, netuid=120),
        pushing(CRASH),
        pushing(CRASH, 64),
        suspending(JUMP, 64),
    )
    exchange.grow_many(290)
    exchange.grow(pushing(CRASH, 8))
    exchange.grow_many(15)
    exposure = await exposure_of(exchange)
    assert ids(exposure) == [id_of(1)]
    assert exposure.unknown == {UnknownReason.SUSPENDED: 2, UnknownReason.STALE: 1}


async def test_exposure__price_that_goes_stale_with_the_next_block__is_unknown() -> None:
    exchange = exchange_with(opening(1), pushing(CRASH))
    stale_at = exchange.tip.markets[EIGHT].feed.source_time + 3_600
    while exchange.tip.head.time + 12 <= stale_at:
        assert ids(await exposure_of(exchange)) == [id_of(1)]
        exchange.grow_many(40 if stale_at - exchange.tip.head.time > 600 else 1)
    exposure = await exposure_of(exchange)
    assert ids(exposure) == []
    assert exposure.unknown == {UnknownReason.STALE: 1}


async def test_exposure__book_unreadable__is_unknown_even_if_one_block_behind() -> None:
    exchange = exchange_with(opening(1))
    engine = engine_on(exchange)
    await engine.exposure(exchange.tip.head)
    exchange.down = {"moves"}
    assert isinstance(await engine.exposure(exchange.grow().head), RiskUnknown)


async def test_risk_view__every_position__has_its_figures_or_the_reason_why_not() -> None:
    exchange = exchange_with(opening(1), opening(2, netuid=64), pushing(ENTRY * 9 // 10))
    exchange.grow(suspending(JUMP, 64))
    view = await engine_on(exchange).risk_view(exchange.tip.head)
    assert isinstance(view, RiskView)
    known, unknown = view.positions
    assert known.position == exchange.tip.positions[id_of(1)]
    # a third of 3 TAO, less a tenth of it, less 0.75 % × 12 s / 8 h of funding
    assert known.remaining == 699_990_625_000_000_000
    assert known.ratio_bps == 2_333
    assert known.unknown is None
    assert unknown.remaining is None
    assert unknown.ratio_bps is None
    assert unknown.unknown is UnknownReason.SUSPENDED
    assert unknown.liquidation_price is not None


async def test_risk_view__book_unreadable__is_unknown() -> None:
    exchange = exchange_with(opening(1))
    exchange.down = {"snapshot"}
    assert isinstance(await engine_on(exchange).risk_view(exchange.tip.head), RiskUnknown)


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.sampled_from([8, 64]), st.booleans(), st.integers(1, 9)),
        max_size=9,
    ),
    st.integers(ENTRY // 2, ENTRY * 2),
)
async def test_exposure__any_book__is_what_a_plain_loop_over_it_finds(
    drawn: list[tuple[int, int, bool, int]], price: int
) -> None:
    exchange = exchange_with(
        *(opening(n, netuid, is_long=is_long, tao=tao) for n, netuid, is_long, tao in drawn)
    )
    exchange.grow(pushing(price))
    found = set(ids(await exposure_of(exchange)))
    assert found == {
        key for key, held in exchange.tip.positions.items() if falls(exchange.tip, key)
    }


def falls(block: Block, key: PositionId) -> bool:
    held = block.positions[key]
    at = block.markets[held.netuid]
    index = project_index(at, Timestamp(block.head.time + 12))
    return is_liquidatable(held, at.parameters, remaining_margin(held, at.feed.price, index))
