"""What is stored in portions is, when all are stored, what would have been stored at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepers.liquidation.positions import PositionKey
from keepers.warnings.observation import WarningChange, WarningState, observe_blindness
from keepers.warnings.portions import dealt, portions
from keepers.warnings.tiers import WarningPolicy, observe
from tests.unit.keepers.warnings.scripted import CrashError, Disk, World, head, keeper, risk
from units import BlockNumber, Bps, PositionId, Seconds
from units import Sequence as OpeningNumber

POLICY = WarningPolicy(digest_interval=Seconds(36), unknown_blocks=2)
ratios = st.one_of(st.none(), st.integers(1_500, 4_200))
histories = st.lists(st.lists(ratios, min_size=7, max_size=7), min_size=1, max_size=8)


@dataclass
class FragileDisk(Disk):
    """Dies at the commits of these numbers, each once."""

    fatal: Mapping[int, str] | None = None

    async def commit(self, change: WarningChange) -> frozenset[str]:
        dies = {} if self.fatal is None else self.fatal
        fate = dies.get(self.commits)
        self.dies_before, self.dies_after = fate == "before", fate == "after"
        self.commits += fate == "before"  # it was tried
        return await super().commit(change)


async def told(history: list[list[int | None]], disk: FragileDisk) -> set[str]:
    """The ids told over a history by a process that starts anew whenever it dies."""
    world = World()
    bot = keeper(world, disk, POLICY)
    for block, seen in enumerate(history, 1):
        world.risks[block] = [risk(number, ratio) for number, ratio in enumerate(seen)]
        while disk.state.head != head(block):
            try:
                await bot.step(head(block))
            except CrashError:
                bot = keeper(world, disk, POLICY)
    return set(disk.outbox)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories, st.dictionaries(st.integers(0, 40), st.sampled_from(["before", "after"])))
async def test_step__in_portions_with_crashes_between__tells_what_one_commit_a_block_does(
    monkeypatch: pytest.MonkeyPatch, history: list[list[int | None]], fatal: dict[int, str]
) -> None:
    whole, pieces = FragileDisk(), FragileDisk(fatal=fatal)
    at_once = await told(history, whole)
    with monkeypatch.context() as patch:
        patch.setattr("keepers.warnings.portions.PORTION", 2)
        assert await told(history, pieces) == at_once
    assert pieces.state == whole.state
    assert pieces.commits >= whole.commits == len(history)


async def test_step__more_new_positions_than_a_portion__each_piece_is_a_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("keepers.warnings.portions.PORTION", 2)
    world, disk = World(risks={1: [risk(n, 2_400) for n in range(5)]}), Disk()
    outcome = await keeper(world, disk).step(head(1))
    assert disk.commits == 3
    assert len(outcome.alerts) == len(disk.outbox) == len(disk.state.watches) == 5


def test_dealt__many_new_positions__pieces_follow_the_ids_and_have_everybody_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("keepers.warnings.portions.PORTION", 3)
    ids = [PositionId(sha256(bytes([number])).digest()[:16]) for number in range(10)]
    keys = [PositionKey(id=each, sequence=OpeningNumber(1)) for each in ids]
    watch, _ = observe(None, Bps(4_000), BlockNumber(1), POLICY)
    nothing = observe_blindness(WarningState(), head(1), "", POLICY)
    change = replace(nothing, watches=dict.fromkeys(keys, watch))
    deal = dealt(change)
    assert [len(piece) for piece in deal.pieces] == [3, 3, 3, 1]
    assert [key.id for piece in deal.pieces for key in piece] == sorted(ids)
    parts = list(portions(WarningState(), change, deal))
    assert [list(part.watches) for part in parts] == deal.pieces
