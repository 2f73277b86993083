"""Which bots run, what wakes each, and what counts as success."""

from itertools import pairwise
from typing import Any

import pytest

from fleet.chain.failures import NodeUnavailable
from fleet.runtime.loop import Bot
from fleet.wiring.bots import MEMORY_S, Alarms, bots
from fleet.wiring.facts import BotName
from fleet.wiring.rhythm import FeederWake, Order
from fleet.wiring.settling import SettledOutcomes
from fleet.wiring.telling import ROUND_S, ROUND_S_MAX
from keepers.funding.keeper import FundingOutcome, NotYetDue
from keepers.warnings.keeper import WarningsOutcome
from oracle.feeder import FeedOutcome
from tests.unit.fleet.runtime.streams import head
from tests.unit.fleet.wiring.crews import Beat, Company
from tests.unit.fleet.wiring.outcomes import CARE, EVERY, FEEDS, KEEPERS, REFUSAL
from tests.unit.fleet.wiring.simulated import Post, Wall, give, running, settings
from tests.unit.oracle.simulated import source_head
from units import BlockNumber

TAO = 10**18
FEEDER, LIQUIDATOR = BotName.FEEDER, BotName.LIQUIDATOR
FUNDING, WARNINGS = BotName.FUNDING, BotName.WARNINGS


@pytest.fixture
def beat() -> Beat:
    return Beat()


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def company(post: Post) -> Company:
    return Company(settings(), post)


@pytest.fixture
def everybody(company: Company, beat: Beat, alarms: Alarms, wall: Wall) -> dict[str, Bot[Any]]:
    """All bots of a process with a key, and the one that stands in for the liquidator."""
    crew = company.crew()
    without_liquidator = [FEEDER]
    return {
        bot.name: bot
        for names in (without_liquidator, BotName)
        for bot in bots(names, crew, beat, alarms, wall)
    }


@pytest.mark.parametrize(
    ("names", "with_key", "without"),
    [
        (
            {FEEDER, LIQUIDATOR, FUNDING, WARNINGS},
            "transactions feeder liquidator funding warnings notifications memory",
            "feeder liquidator funding warnings notifications memory",
        ),
        ({FEEDER}, "transactions book feeder memory", "book feeder"),
        ({LIQUIDATOR}, "transactions liquidator memory", "liquidator"),
        ({FUNDING}, "transactions funding memory", "funding"),
        (
            {WARNINGS},
            "transactions book warnings notifications memory",
            "book warnings notifications memory",
        ),
        (
            {WARNINGS, FUNDING, FEEDER},
            "transactions book feeder funding warnings notifications memory",
            "book feeder funding warnings notifications memory",
        ),
        ({LIQUIDATOR, FEEDER}, "transactions feeder liquidator memory", "feeder liquidator"),
    ],
)
def test_bots__any_names__come_with_whom_they_need_and_in_order(
    names: set[BotName], with_key: str, without: str, beat: Beat, wall: Wall
) -> None:
    for post, expected in ((Post(), with_key), (None, without)):
        crew = Company(settings(), post).crew()
        found = [bot.name for bot in bots(names, crew, beat, Alarms(), wall)]
        assert found == expected.split()


@pytest.mark.parametrize("names", [{LIQUIDATOR}, {FEEDER}, {WARNINGS}, set(BotName)])
def test_bots__that_stand_by__have_one_that_follows_the_book(
    names: set[BotName], beat: Beat, wall: Wall
) -> None:
    crew = Company(settings(), Post()).crew()
    found = list(bots(names, crew, beat, Alarms(), wall, stands_by=True))
    assert [bot.name for bot in found if not bot.acts] == ["book"]
    alone = bots({FUNDING}, crew, beat, Alarms(), wall, stands_by=True)
    assert all(bot.acts for bot in alone)


async def test_wakes__of_each_bot__are_asked_for_by_its_name_and_turn(
    everybody: dict[str, Bot[Any]], beat: Beat
) -> None:
    heads = [name for name in everybody if name not in {"notifications", "memory"}]
    async with running(*(give(everybody[name].wakes(), lambda _: None) for name in heads)):
        pass

    assert dict(beat.asked) == {
        "transactions": Order.TRANSACTIONS,
        "book": Order.BOOK,
        "feeder": Order.FEEDER,
        "liquidator": Order.LIQUIDATOR,
        "funding": Order.FUNDING,
        "warnings": Order.WARNINGS,
    }
    assert sorted(Order) == list(Order)


def test_barrier__of_every_bot_that_a_block_wakes__is_the_rhythm_s(
    everybody: dict[str, Bot[Any]], beat: Beat
) -> None:
    for name, bot in everybody.items():
        assert (bot.barrier is beat.barrier) == (name not in {"notifications", "memory"})


def test_alarms__each__ring_one_bot(everybody: dict[str, Bot[Any]], alarms: Alarms) -> None:
    found = {name: bot.alarm for name, bot in everybody.items() if bot.alarm is not None}

    assert found == {
        "feeder": alarms.heartbeat,
        "liquidator": alarms.reconciliation,
        "funding": alarms.funding,
        "memory": alarms.retention,
    }


@pytest.mark.parametrize(
    ("bot", "outcomes", "failures"),
    [
        (
            "feeder",
            FEEDS,
            {"unread feed", "unread source", "refused push", "refused suspension"},
        ),
        (
            "liquidator",
            {name: KEEPERS[name] for name in ("nobody falls", "liquidations", "held liquidations")},
            {"held liquidations"},
        ),
        (
            "book",
            {name: KEEPERS[name] for name in ("quiet book", "different book", "unread book")},
            {"unread book"},
        ),
        (
            "funding",
            {
                name: KEEPERS[name]
                for name in (
                    "quiet funding",
                    "refused funding",
                    "funding not due",
                    "unread funding",
                )
            },
            {"unread funding"},
        ),
        (
            "warnings",
            {name: KEEPERS[name] for name in ("quiet warnings", "warnings", "blind warnings")},
            {"blind warnings"},
        ),
        ("transactions", {name: CARE[name] for name in ("nothing settled", "settled")}, set()),
        ("notifications", {name: CARE[name] for name in ("quiet round", "round")}, set()),
        ("memory", {name: CARE[name] for name in ("forgotten", "memory not looked at")}, set()),
    ],
)
def test_is_success__of_each_bot__says_no_where_it_could_not_see(
    everybody: dict[str, Bot[Any]], bot: str, outcomes: dict[str, object], failures: set[str]
) -> None:
    is_success = everybody[bot].is_success

    assert {name for name in outcomes if not is_success(EVERY[name])} == failures


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("unread feed", "the feed could not be read: down"),
        ("unread source", "no price was read: no endpoint answers"),
        ("refused push", f"not sent: {REFUSAL}"),
        ("refused suspension", f"not sent: {REFUSAL}"),
    ],
)
def test_why_not__of_the_feeder__is_what_stands_in_its_way(
    everybody: dict[str, Bot[Any]], name: str, why: str
) -> None:
    assert everybody["feeder"].why_not(FEEDS[name]) == why


def test_is_success__of_a_feeder_without_a_key__is_to_decide_and_to_send_nothing(
    beat: Beat, alarms: Alarms, wall: Wall
) -> None:
    crew = Company(settings()).crew()
    found = {bot.name: bot for bot in bots([FEEDER], crew, beat, alarms, wall)}
    assert found["feeder"].is_success(FEEDS["refused push"])


async def test_feeder__a_wake__is_stepped_on_with_its_head_or_none(
    everybody: dict[str, Bot[Any]], company: Company
) -> None:
    number = BlockNumber(98)
    told = await everybody["feeder"].step(FeederWake(number=number, finalized=source_head(98)))
    silent = await everybody["feeder"].step(FeederWake(number=number, finalized=None))

    assert isinstance(told, FeedOutcome)
    assert isinstance(silent, FeedOutcome)
    assert company.fleet.source.reads == [98]
    assert company.feeds == [told, silent]
    assert [everybody["feeder"].is_success(each) for each in (told, silent)] == [True, False]


@pytest.mark.parametrize("name", ["liquidator", "book"])
async def test_book__a_head_of_those_who_keep_it__is_looked_at_for_what_differed(
    name: str, everybody: dict[str, Bot[Any]], company: Company
) -> None:
    """A mismatch is told by whoever compares: without this look nobody would hear of it."""
    at = company.fleet.exchange.tip.head
    assert everybody[name].is_success(await everybody[name].step(at))
    company.fleet.exchange.down = {"moves"}
    after = company.fleet.exchange.grow().head
    assert not everybody[name].is_success(await everybody[name].step(after))
    assert company.books == [at.number, after.number]


async def test_transactions__a_head__settles_and_looks_at_the_key_now_and_then(
    everybody: dict[str, Bot[Any]], post: Post
) -> None:
    post.send("push", settles_at=7)
    first = await everybody["transactions"].step(head(7))
    second = await everybody["transactions"].step(head(8))

    assert isinstance(first, SettledOutcomes)
    assert isinstance(second, SettledOutcomes)
    assert [each.request.idempotency_key for each in first.settled] == ["push"]
    assert (first.key is not None, second.key is not None) == (True, False)


async def test_transactions__the_key_can_not_be_seen__the_outcomes_are_not_lost(
    everybody: dict[str, Bot[Any]], company: Company, post: Post
) -> None:
    post.send("push", settles_at=7)
    company.node.is_down()

    outcome = await everybody["transactions"].step(head(7))

    assert isinstance(outcome, SettledOutcomes)
    assert len(outcome.settled) == 1


async def test_funding__its_alarm__makes_it_read_again(
    everybody: dict[str, Bot[Any]], company: Company, alarms: Alarms
) -> None:
    funding, at = everybody["funding"], company.fleet.exchange.tip.head
    assert isinstance(await funding.step(at), FundingOutcome)
    assert isinstance(await funding.step(at), NotYetDue)
    alarms.funding.set()
    assert isinstance(await funding.step(at), FundingOutcome)


async def test_warnings__the_tiers_can_not_be_read__fails_until_they_can(
    everybody: dict[str, Bot[Any]], company: Company
) -> None:
    at = company.fleet.exchange.tip.head
    company.tiers_failure = NodeUnavailable("warning tiers: down")
    with pytest.raises(NodeUnavailable):
        await everybody["warnings"].step(at)

    company.tiers_failure = None
    assert isinstance(await everybody["warnings"].step(at), WarningsOutcome)


async def stepped_on(bot: Bot[Any]) -> None:
    async for wake in bot.wakes():
        await bot.step(wake)


async def test_notifications__delivery_works__is_tried_every_second(
    everybody: dict[str, Bot[Any]], company: Company, wall: Wall
) -> None:
    async with running(stepped_on(everybody["notifications"])):
        await wall.pass_(10)

    assert company.rounds == 10 / ROUND_S + 1


async def test_notifications__delivery_fails__is_tried_less_and_less_often(
    everybody: dict[str, Bot[Any]], company: Company, wall: Wall
) -> None:
    company.tell_failure = OSError("disk I/O error")
    bot, tried_at = everybody["notifications"], list[float]()

    async def try_again() -> None:
        async for tick in bot.wakes():
            tried_at.append(wall.monotonic())
            with pytest.raises(OSError, match="disk"):
                await bot.step(tick)

    async with running(try_again()):
        await wall.pass_(200)

    pauses = [later - earlier for earlier, later in pairwise(tried_at)]
    assert pauses == [2, 4, 8, 16, 32, ROUND_S_MAX, ROUND_S_MAX]


async def test_memory__any_time__is_looked_after_at_once_and_every_hour(
    everybody: dict[str, Bot[Any]], company: Company, wall: Wall
) -> None:
    async with running(stepped_on(everybody["memory"])):
        await wall.pass_(int(2 * MEMORY_S))

    assert company.tidied == 3
