"""The study says what the feeder itself would have done, and counts what it says it counts."""

from dataclasses import replace

import pytest

from devnet.tape import Tape
from oracle.due import PublicationPolicy
from oracle.feed import SuspensionReason
from oracle.feeder import FeederPolicy
from oracle.guard import GuardPolicy
from oracle.judge import JudgePolicy
from oracle.markets import PerMarket
from study.columns import columns
from study.following import following, source_prices, standing
from study.foresight import Terms, foreseen
from study.guarding import calm_rows, guarded, returning
from study.publishing import Published, published
from study.report import report
from study.tables import tables
from study.trials import Grid, Rules, study
from tests.unit.oracle.simulated import PriceAt, world
from tests.unit.study.tapes import FIRST, OTHER, SN, TAO, tape_of, wild
from units import Bps, Netuid, Seconds

GUARD = GuardPolicy()
RHYTHM = PublicationPolicy()


def replayed(
    tape: Tape, guard: GuardPolicy = GUARD, rhythm: PublicationPolicy = RHYTHM
) -> Published:
    markets = columns(tape)
    guards = [guarded(column, guard) for column in markets.values()]
    return published(guards, PerMarket(rhythm), tape.last_block)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("early", [100, 50])
@pytest.mark.parametrize("restart", [7_200, 0])
async def test_published__any_tape__is_what_the_feeder_pushes(
    seed: int, early: int, restart: int
) -> None:
    tape = tape_of({SN: wild(60, seed), OTHER: wild(60, seed + 100)})
    guard = replace(GUARD, restart_blocks=restart)
    rhythm = replace(RHYTHM, early_percent=early, heartbeat_s=Seconds(400))
    policy = FeederPolicy(publication=PerMarket(rhythm), judge=JudgePolicy(guard=PerMarket(guard)))
    feeder = world(prices_of(tape), markets=(OTHER, SN), start=FIRST + 1, policy=policy)
    await feeder.run(to=tape.last_block + 2)
    feeder.feed.advance_to(tape.last_block + 3)

    found = replayed(tape, guard, rhythm)

    for netuid in (SN, OTHER):
        pushed = [
            (each.block, each.source, each.price) for each in found.feeds[netuid] if each.price
        ]
        assert pushed == [
            (landed, update.source_block, update.price)
            for landed, update in feeder.feed.accepted
            if update.netuid == netuid
        ]
        closed = [each.block for each in found.feeds[netuid] if not each.price]
        assert closed == [at for at, market, _ in feeder.feed.suspended if market == netuid]
    assert sorted(found.pushes) == sorted(len(p.updates) for p in feeder.feed.publications)
    assert SuspensionReason.JUMP in {reason for *_, reason in feeder.feed.suspended}


def prices_of(tape: Tape) -> PriceAt:
    return lambda netuid, block: tape.row_at(block).prices.get(netuid)  # type: ignore[arg-type]


def test_guarded__a_shock_that_stands_and_a_spike_that_returns__each_is_a_hold() -> None:
    tape = tape_of({SN: [TAO, TAO // 2, TAO // 2, TAO, TAO // 2, TAO // 2]})
    found = guarded(columns(tape)[SN], GUARD)
    shock, spike = found.holds
    assert (shock.since, shock.until, shock.is_confirmed) == (FIRST + 10, FIRST + 20, True)
    assert (spike.since, spike.until, spike.is_confirmed) == (FIRST + 30, FIRST + 50, False)
    assert found.held_blocks == 30


def test_calm_rows__a_shock_held_for_longer_than_a_row__the_rows_it_stood_still() -> None:
    tape = tape_of({SN: [TAO] + [TAO // 2] * 6})
    column = columns(tape)[SN]
    for confirm, calm in ((11, []), (21, [2]), (31, [2, 3])):
        policy = replace(GUARD, confirm_blocks=confirm)
        assert list(calm_rows(column, guarded(column, policy), policy)) == calm


def test_returning__a_row_that_the_next_takes_back__how_far_it_was() -> None:
    column = columns(tape_of({SN: [TAO, TAO * 2, TAO, TAO // 2, TAO // 2]}))[SN]
    assert [returning(column, row, GUARD) for row in range(5)] == [None, 10_000, None, None, None]


def test_following__the_feed_three_blocks_behind__the_error_of_those_blocks() -> None:
    tape = tape_of({SN: [TAO, TAO * 101 // 100, TAO * 101 // 100]})
    column, landed = columns(tape)[SN], replayed(tape).feeds[SN]
    found = following(standing(column, source_prices(column), landed))
    off = (1 - 100 / 101) * 10_000
    assert found.worst == pytest.approx(off)
    assert found.open_blocks == 30 - 3
    assert found.mean == pytest.approx(3 * off / 27)
    assert (found.suspended_blocks, found.worst_suspended) == (0, 0)


def test_following__a_shock__its_blocks_before_the_suspension_count_as_open() -> None:
    tape = tape_of({SN: [TAO, TAO // 2, TAO // 2, TAO // 2]})
    column, landed = columns(tape)[SN], replayed(tape).feeds[SN]
    found = following(standing(column, source_prices(column), landed))
    assert found.worst == found.worst_suspended == pytest.approx(10_000)
    assert found.suspended_blocks == 10
    assert found.open_blocks == 40 - 3 - 10


def test_foreseen__a_move_that_pays__bought_before_it_and_sold_at_its_push() -> None:
    tape = tape_of({SN: [TAO, TAO * 102 // 100, TAO * 102 // 100]})
    column, landed = columns(tape)[SN], replayed(tape).feeds[SN]
    found = foreseen(column, standing(column, source_prices(column), landed), landed, Terms())
    assert found.trades == 1
    assert found.bps == pytest.approx((1.02 * 0.999 / 1.001 - 1) * 10_000 - 20)


def test_foreseen__a_move_that_does_not_pay_for_its_costs__is_left() -> None:
    tape = tape_of({SN: [TAO, TAO * 1_004 // 1_000, TAO * 1_004 // 1_000]})
    column, landed = columns(tape)[SN], replayed(tape).feeds[SN]
    found = foreseen(column, standing(column, source_prices(column), landed), landed, Terms())
    assert (found.trades, found.bps) == (0, 0)


def test_foreseen__a_spike_that_returns__is_held_and_closed_at_a_loss() -> None:
    tape = tape_of({SN: [TAO, TAO * 2, TAO, TAO]})
    column, landed = columns(tape)[SN], replayed(tape).feeds[SN]
    found = foreseen(column, standing(column, source_prices(column), landed), landed, Terms())
    assert found.trades == 1, "the market is closed when it returns"
    assert found.bps == pytest.approx((0.999 / 1.001 - 1) * 10_000 - 20)


def test_study__a_grid__every_step_is_heard_of_and_everything_is_shown() -> None:
    grid = Grid(
        deviations=(Bps(10), Bps(50)),
        heartbeats=(Seconds(600),),
        earlies=(100, 50),
        confirms=(11,),
        restarts=(0, 7_200),
    )
    heard: list[str] = []
    tape = tape_of({SN: wild(200, 1), OTHER: wild(200, 2), Netuid(3): [0] * 200})
    found = study(tape, Rules(), grid, heard.append)
    assert len(heard) == grid.steps
    assert list(found.columns) == [OTHER, SN], "a market without any price is left out"
    assert found.trials[0].transactions == found.earlies[1].transactions
    assert found.trials[1].prices < found.trials[0].prices
    shown = report(found, lambda netuid: f"SN{netuid}")
    for table in tables(found, lambda netuid: f"SN{netuid}"):
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert table.rows[0][0] in shown
