from collections.abc import Mapping, Sequence

import pytest

from keepers.warnings.alerts import AlertKind, Severity
from keepers.warnings.keeper import WarningsOutcome
from keepers.warnings.tiers import WarningPolicy
from tests.unit.keepers.warnings.scripted import (
    POLICY,
    TRADER,
    Disk,
    World,
    head,
    keeper,
    key,
    liquidated,
    risk,
)
from units import Seconds


async def watched(
    ratios: Mapping[int, Sequence[int | None]], policy: WarningPolicy = POLICY
) -> list[WarningsOutcome]:
    """Steps through blocks 1, 2, … with one position per entry of `ratios`."""
    world, disk = World(), Disk()
    for number, sequence in ratios.items():
        for block, ratio in enumerate(sequence, 1):
            world.risks[block] = (*world.risks.get(block, ()), risk(number, ratio))
    bot = keeper(world, disk, policy)
    return [await bot.step(head(block)) for block in sorted(world.risks)]


def kinds(outcomes: Sequence[WarningsOutcome]) -> list[tuple[int, AlertKind]]:
    return [(outcome.head.number, alert.kind) for outcome in outcomes for alert in outcome.alerts]


async def test_step__a_fall_through_two_tiers__one_alert_that_says_all() -> None:
    outcomes = await watched({1: [4000, 2431]})

    (alert,) = outcomes[-1].alerts
    assert (alert.severity, alert.tier_bps, alert.skipped_tiers, alert.ratio_bps) == (
        Severity.NOTIFY,
        2500,
        (3500,),
        2431,
    )
    assert alert.id == "0x00000000000000000000000000000001-1-2500-1"
    assert alert.text == (
        f"Long position 0x00000000000000000000000000000001-1 of {TRADER} in market 8 fell below "
        "25 %, through 35 %; margin ratio 24.31 % at block 2, liquidated at 0.087 TAO"
    )


async def test_step__started_without_memory__deep_positions_found_and_others_silent() -> None:
    (outcome,) = await watched({1: [3320], 2: [2400], 3: [5000]})

    assert [(alert.kind, alert.key) for alert in outcome.alerts] == [(AlertKind.FOUND, key(2))]
    assert outcome.collected == ()


async def test_step__restarted_with_memory__a_known_fall_is_not_found_again() -> None:
    world, disk = World(), Disk()
    for block in (1, 2, 3):
        world.risks[block] = [risk(1, 3300 if block == 1 else 2400)]
    await keeper(world, disk).step(head(1))
    await keeper(world, disk).step(head(2))

    outcome = await keeper(world, disk).step(head(3))

    assert outcome.alerts == ()
    assert len(disk.outbox) == 1


async def test_step__position_closed_and_opened_again__begins_anew() -> None:
    world, disk = World(), Disk()
    world.risks = {
        1: [risk(1, 3300)],
        2: [risk(1, 2400)],
        3: [],
        4: [risk(1, 3300, sequence=2)],
        5: [risk(1, 2400, sequence=2)],
    }
    bot = keeper(world, disk)
    for block in (1, 2, 3, 4, 5):
        await bot.step(head(block))

    assert [alert.key for alert in disk.outbox.values()] == [key(1, 1), key(1, 2)]


async def test_step__liquidated__informs_and_leaves() -> None:
    world, disk = World(), Disk()
    world.risks = {1: [risk(1, 3300)], 2: []}
    world.liquidations = {2: liquidated(1, bad_debt=10**16)}
    bot = keeper(world, disk)
    await bot.step(head(1))

    (alert,) = (await bot.step(head(2))).alerts

    assert (alert.kind, alert.severity) == (AlertKind.LIQUIDATED, Severity.INFORM)
    assert (
        "at 0.085 TAO, remaining margin -0.01 TAO, penalty 0 TAO, bad debt 0.01 TAO" in alert.text
    )
    for block in range(3, 2 + POLICY.reorg_blocks):
        await bot.step(head(block))
    assert key(1) in disk.state.watches
    await bot.step(head(2 + POLICY.reorg_blocks))
    assert (disk.state.watches, disk.state.departed) == ({}, {})


@pytest.mark.parametrize("restarts", [False, True])
async def test_step__close_reorganised_away__a_later_fall_is_told_as_another_one(
    *, restarts: bool
) -> None:
    """Begun anew, the position's second fall would have the id of its first, and be lost."""
    world, disk = World(), Disk()
    ratios = {1: 3300, 2: 2400, 3: 2800, 4: None, 5: 2800, 6: 2400}
    world.risks = {n: [] if ratio is None else [risk(1, ratio)] for n, ratio in ratios.items()}
    bot = keeper(world, disk)
    for block in ratios:
        bot = keeper(world, disk) if restarts else bot
        await bot.step(head(block))

    assert [alert.key for alert in disk.outbox.values()] == [key(1), key(1)]
    assert disk.state.departed == {}


async def test_step__fell_below_the_last_tier_and_liquidated_next__only_the_liquidation() -> None:
    world, disk = World(), Disk()
    world.risks = {1: [risk(1, 3300)], 2: [risk(1, 1900)], 3: []}
    world.liquidations = {3: liquidated(1)}
    bot = keeper(world, disk)
    for block in (1, 2, 3):
        await bot.step(head(block))

    assert [alert.kind for alert in disk.outbox.values()] == [AlertKind.LIQUIDATED]


async def test_step__market_unknown__one_alert_for_the_market_after_the_policys_blocks() -> None:
    policy = WarningPolicy(unknown_blocks=3)
    outcomes = await watched({1: [3300] + [None] * 9, 2: [3300] + [None] * 9}, policy)

    assert kinds(outcomes) == [(5, AlertKind.MARKET_UNKNOWN)]
    (alert,) = outcomes[4].alerts
    assert alert.text == (
        "The risk of 2 open positions in market 8 is unknown since block 2: the market is suspended"
    )


async def test_step__market_unknown_for_less_than_that__silent_and_counted_anew() -> None:
    policy = WarningPolicy(unknown_blocks=3)
    outcomes = await watched({1: [3300, None, None, None, 3300, None, None, None, 3300]}, policy)

    assert kinds(outcomes) == []


async def test_step__known_again_and_unknown_again__a_second_alert() -> None:
    policy = WarningPolicy(unknown_blocks=1)
    outcomes = await watched({1: [None, None, 3300, None, None]}, policy)

    ids = [alert.id for outcome in outcomes for alert in outcome.alerts]
    assert ids == ["market-8-unknown-1", "market-8-unknown-4"]


async def test_step__no_book__nothing_moves_and_after_a_while_a_page() -> None:
    world, disk = World(), Disk()
    world.risks = {1: [risk(1, 3300)]}
    bot = keeper(world, disk, WarningPolicy(unknown_blocks=3))
    await bot.step(head(1))
    before = disk.state
    world.is_risk_known = False

    outcomes = [await bot.step(head(block)) for block in range(2, 9)]

    assert kinds(outcomes) == [(5, AlertKind.BOOK_UNKNOWN)]
    assert outcomes[3].alerts[0].severity is Severity.PAGE
    assert all(outcome.standings is None and outcome.blindness for outcome in outcomes)
    assert (disk.state.watches, disk.state.head) == (before.watches, before.head)


async def test_step__logs_unread_for_a_while__no_liquidation_is_lost() -> None:
    world, disk = World(), Disk()
    world.liquidations = {3: liquidated(1)}
    bot = keeper(world, disk)
    await bot.step(head(1))
    world.is_log_readable = False
    blind = [await bot.step(head(block)) for block in (2, 3, 4)]
    world.is_log_readable = True

    outcome = await bot.step(head(5))

    assert [o.blindness for o in blind] == ["liquidations unread: the node does not answer"] * 3
    assert [alert.key for alert in outcome.alerts] == [key(1)]
    assert disk.state.unknowns == {}


async def test_step__digest__one_message_per_interval_of_chain_time() -> None:
    policy = WarningPolicy(digest_interval=Seconds(120))  # ten blocks
    world, disk = World(), Disk()
    for block in range(1, 32):
        fallen = {1: 3, 2: 5, 3: 12}
        world.risks[block] = [risk(n, 3400 if block >= at else 4000) for n, at in fallen.items()]
    bot = keeper(world, disk, policy)
    outcomes = [await bot.step(head(block)) for block in range(1, 32)]

    assert [(b, k) for b, k in kinds(outcomes)] == [
        (10, AlertKind.DIGEST),
        (20, AlertKind.DIGEST),
    ]
    first, second = disk.outbox.values()
    assert (first.title, len(first.text.splitlines())) == ("2 margin warnings", 2)
    assert (second.title, second.severity) == ("1 margin warning", Severity.DIGEST)
    assert disk.state.digest == ()


async def test_step__more_in_a_digest_than_its_lines__the_rest_is_counted() -> None:
    policy = WarningPolicy(digest_interval=Seconds(120), digest_lines_max=2)
    world, disk = World(), Disk()
    for block in range(1, 11):
        world.risks[block] = [risk(n, 3400 if block > 1 else 4000) for n in range(5)]
    bot = keeper(world, disk, policy)
    for block in range(1, 11):
        await bot.step(head(block))

    (alert,) = disk.outbox.values()
    assert alert.text.splitlines()[2:] == ["and 3 more"]


async def test_step__standings__each_position_once() -> None:
    (outcome,) = await watched({1: [4000], 2: [3499], 3: [2000], 4: [1999], 5: [None], 6: [3500]})

    assert outcome.standings is not None
    assert (outcome.standings.above, outcome.standings.unknown) == (2, 1)
    assert outcome.standings.below == {3500: 1, 2500: 1, 2000: 1}


async def test_plan__stores_nothing() -> None:
    world, disk = World(), Disk()
    world.risks = {1: [risk(1, 2400)]}
    bot = keeper(world, disk)

    first = await bot.plan(head(1))
    second = await bot.plan(head(1))

    assert first == second
    assert first.change.alerts
    assert (disk.outbox, disk.state.head) == ({}, None)
