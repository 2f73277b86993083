"""Turns that are left out would have decided nothing: with and without them all is the same."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

import pytest

from keepers.liquidation.positions import BookEvent
from oracle.guard import Accept
from oracle.plan import FeedPlan, MarketPlan
from oracle.publication import Hold, HoldReason
from oracle.quotes import Price
from replay.fleet import ModelFleet
from replay.model import ModelEngine
from replay.observer import Observer
from replay.quiet import Quiet
from replay.records import BlockRecord, VaultRecord
from replay.run import Prepared, ReplayOptions, observer_of, prepared
from tests.unit.oracle.simulated import EMPTY_ROW, head, time_of
from units import BlockNumber, Bps, Rao


@dataclass(slots=True)
class Ran:
    events: list[tuple[BookEvent, ...]] = field(default_factory=list)
    vaults: list[VaultRecord] = field(default_factory=list)
    turns: int = 0


def ran(ready: Prepared, monkeypatch: pytest.MonkeyPatch, *, leaves_out: bool) -> Ran:
    engine, seen, found = ModelEngine(ready.setup), observer_of(ready.setup), Ran()
    fed = ModelFleet.feed

    async def counted(fleet: ModelFleet, *arguments: object) -> object:
        found.turns += 1
        return await fed(fleet, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ModelFleet, "feed", counted)

    def take(record: BlockRecord) -> None:
        seen.block(record, None)
        found.events.append(record.events)
        found.vaults.append(engine.vault())

    asyncio.run(engine.run(take, _lowest(seen, leaves_out=leaves_out)))
    monkeypatch.setattr(ModelFleet, "feed", fed)
    return found


def _lowest(seen: Observer, *, leaves_out: bool) -> Callable[[], float]:
    return seen.watch.lowest if leaves_out else lambda: -inf


def test_may_pass__the_same_row_for_long__the_feeder_looks_before_it_would_begin_anew(
    tmp_path: Path,
) -> None:
    setup = prepared(ReplayOptions(out=tmp_path, hours=1)).setup
    quiet = Quiet(setup.settings, setup.beta.market)
    netuid, row = setup.settings.markets[0].netuid, BlockNumber(90)
    price = Price(netuid=netuid, rao=Rao(10**9), block=row, time=time_of(row))
    calm = MarketPlan(
        netuid=netuid,
        known=Accept(price=price),
        row=replace(EMPTY_ROW, landed_time=time_of(100)),
        decision=Hold(reason=HoldReason.WITHIN_BAND),
        band=Bps(10),
    )
    for number in (99, 100):
        plan = FeedPlan(source=None, head=head(number), markets=(calm,))
        quiet.note(plan, row, is_anything_sent=False)
    passed = [number for number in range(101, 130) if quiet.may_pass(head(number), row, inf)]
    assert passed == list(range(101, 110)), "a look at 110 is ten blocks after the last"


@pytest.mark.parametrize("population", ["calm", "3x-cluster", "arbitrageurs"])
def test_turns__left_out_where_nothing_can_be_decided__change_nothing(
    population: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ReplayOptions(
        out=tmp_path,
        hours=2,
        population=population,
        traders=40,
        words=("market.funding_interval_s=1800", "market.funding_cap_s=3600"),
    )

    whole = ran(prepared(options), monkeypatch, leaves_out=False)
    short = ran(prepared(options), monkeypatch, leaves_out=True)

    assert short.events == whole.events
    assert short.vaults == whole.vaults
    assert 0 < short.turns < whole.turns
