"""A drill's end waits for what is still being told, and not for what never comes."""

import asyncio
from dataclasses import dataclass, field

import pytest

from devnet.audit.ledger import name_of
from devnet.audit.margin import HoldingKey
from devnet.demo import drill
from devnet.demo.webhook import Inbox
from units import PositionId, Sequence

KEYS = [HoldingKey(id=PositionId(n.to_bytes(16, "big")), sequence=Sequence(1)) for n in range(3)]


@dataclass
class Tiers:
    liquidated: set[HoldingKey]


@dataclass
class Referee:
    tiers: Tiers


@dataclass
class Watched:
    """As much of an `Audit` as is asked."""

    referee: Referee = field(default_factory=lambda: Referee(Tiers(set(KEYS))))


@pytest.mark.parametrize("comes", [3, 2])
async def test_told__alerts_come_one_a_second__waits_for_all_or_until_no_more_come(
    monkeypatch: pytest.MonkeyPatch, comes: int
) -> None:
    inbox, slept = Inbox(url=""), 0

    async def sleep(_seconds: float) -> None:
        nonlocal slept
        if slept < comes:
            inbox.deliveries += 1
            inbox.liquidated.add(name_of(KEYS[slept]))
        slept += 1

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await drill._told(inbox, Watched(), asyncio.Event())  # type: ignore[arg-type] # a part of it
    assert slept == (3 if comes == 3 else 2 + drill._QUIET_SECONDS_MAX)
