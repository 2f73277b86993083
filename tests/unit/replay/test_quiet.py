"""Turns that are left out would have decided nothing: with and without them all is the same."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import pytest

from keepers.liquidation.positions import BookEvent
from replay.fleet import ModelFleet
from replay.model import ModelEngine
from replay.observer import Observer
from replay.records import BlockRecord, VaultRecord
from replay.run import Prepared, ReplayOptions, observer_of, prepared


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
