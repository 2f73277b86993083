"""The shocks and spikes of the real tape, through guard and publication.

A row holds for ten blocks, so a spike of one row lasts ten blocks here.
"""

from pathlib import Path

import pytest

from devnet.tape import Tape
from oracle.feed import SuspensionReason
from oracle.guard import Accept, GuardPolicy, GuardState, assess
from oracle.quotes import Price
from tests.unit.oracle.simulated import FINALITY_LAG, PriceAt, World, world
from units import RAO_IN_PRICE_WEI, BlockNumber, Netuid, Rao, Timestamp

pytestmark = pytest.mark.shared

TAPE = Path(__file__).parents[4] / "shared/data/alpha_prices_2025-03-07_2025-04-30.csv.gz"
M = GuardPolicy().confirm_blocks
ROW_BLOCKS = 10


@pytest.fixture(scope="module")
def tape() -> Tape:
    if not TAPE.exists():
        pytest.skip(f"the real tape is not there: {TAPE}")
    return Tape.open(TAPE)


def prices_of(tape: Tape) -> PriceAt:
    return lambda netuid, block: tape.row_at(block).prices.get(netuid)  # type: ignore[arg-type]


async def replayed(
    tape: Tape, netuid: int, row: int, *, before: int = 30, after: int = 60
) -> World:
    start = row - before
    markets = (Netuid(netuid),)
    replay = world(prices_of(tape), markets=markets, start=start)
    await replay.run(to=row + after)
    return replay


@pytest.mark.parametrize(
    ("netuid", "row", "spike"),
    [
        (75, 5_138_742, 62_109_311),  # 2025-03-16 05:42, 7.80 → 62.11 → 7.76 million RAO
        (62, 5_206_452, 1_317_893),  # 2025-03-25 15:24, +31 % and back
    ],
)
async def test_feeder__a_real_spike_that_returns__never_reaches_the_feed(
    tape: Tape, netuid: int, row: int, spike: int
) -> None:
    assert tape.row_at(row).prices[Netuid(netuid)] == spike  # type: ignore[arg-type]
    replay = await replayed(tape, netuid, row)
    pushed = replay.feed.prices(Netuid(netuid))
    assert pushed
    assert spike * RAO_IN_PRICE_WEI not in pushed
    assert SuspensionReason.JUMP in [reason for *_, reason in replay.feed.suspended]
    assert replay.feed.row(Netuid(netuid)).suspension is SuspensionReason.NONE


@pytest.mark.parametrize(
    ("netuid", "row", "percent"),
    [
        (34, 5_189_992, -47),  # 2025-03-23 08:32
        (62, 5_294_942, 75),  # 2025-04-06 22:22
    ],
)
async def test_feeder__a_real_shock_that_stays__is_published_after_exactly_the_confirming_blocks(
    tape: Tape, netuid: int, row: int, percent: int
) -> None:
    sn = Netuid(netuid)
    before, after = (tape.row_at(at).prices[sn] for at in (row - 1, row))  # type: ignore[arg-type]
    assert round(_move(before, after) / 100) == percent
    replay = await replayed(tape, netuid, row)
    landed, update = next(each for each in replay.feed.accepted if each[1].source_block >= row)
    assert update.source_block == row + M - 1
    assert update.price == tape.row_at(update.source_block).prices[sn] * RAO_IN_PRICE_WEI
    assert landed == update.source_block + FINALITY_LAG + 1
    assert replay.feed.suspended[0] == (row + FINALITY_LAG + 1, netuid, SuspensionReason.JUMP)


TEMPO_ENDS = 5_167_000  # 2025-03-20, after which these spikes no longer come


@pytest.mark.parametrize("netuid", [56, 44, 51, 34, 8])
async def test_feeder__every_tempo_spike_that_is_listed__is_held(tape: Tape, netuid: int) -> None:
    rows = [row for row in tape.rows() if row.block < TEMPO_ENDS and Netuid(netuid) in row.prices]
    spikes = [
        here
        for before, here, after in zip(rows, rows[1:], rows[2:], strict=False)
        if (here.block + netuid + 1) % 361 == 359
        and _move(before.prices[Netuid(netuid)], here.prices[Netuid(netuid)]) >= 300
        and abs(_move(before.prices[Netuid(netuid)], after.prices[Netuid(netuid)])) < 100
    ]
    assert len(spikes) >= 14
    for spike in spikes:
        replay = await replayed(tape, netuid, spike.block, before=5, after=15)
        assert spike.prices[Netuid(netuid)] * RAO_IN_PRICE_WEI not in replay.feed.prices(
            Netuid(netuid)
        )


YOUNG = range(5_103_000, 5_120_000)
"""SN75's first days, 2025-03-11 06:33 to 03-13 15:13: half of its moves are jumps, and 24 of them
lead back to what was believed before and are gone a row later."""


def test_assess__a_young_market__nothing_is_believed_that_the_next_row_takes_back(
    tape: Tape,
) -> None:
    sn, policy, state = Netuid(75), GuardPolicy(), GuardState()
    rows = [row for row in tape.rows() if row.block in YOUNG]
    spikes = 0
    for before, here, after in zip(rows, rows[1:], rows[2:], strict=False):
        there = abs(_move(before.prices[sn], here.prices[sn])) > policy.jump_limit
        back = abs(_move(before.prices[sn], after.prices[sn])) <= policy.jump_limit
        spikes += there and back
        for block in range(here.block, after.block):
            price = Price(
                netuid=sn, rao=here.prices[sn], block=BlockNumber(block), time=Timestamp(0)
            )
            state, verdict = assess(state, price, None, policy)
            assert not (there and back and isinstance(verdict, Accept)), here
    assert spikes > 100


def _move(reference: Rao, price: Rao) -> int:
    return (price - reference) * 10_000 // reference
