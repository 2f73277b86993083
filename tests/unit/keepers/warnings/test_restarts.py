from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.warnings.observation import WarningState
from keepers.warnings.tiers import WarningPolicy
from tests.unit.keepers.warnings.scripted import CrashError, Disk, World, head, keeper, risk
from units import Seconds

histories = st.lists(
    st.lists(st.one_of(st.none(), st.integers(1500, 4200)), min_size=3, max_size=3),
    min_size=1,
    max_size=15,
)


async def _ids(
    history: Sequence[Sequence[int | None]], crashes: Mapping[int, str], *, survives: bool = False
) -> tuple[list[str], WarningState]:
    """The ids told over a history; at the blocks of `crashes` the process dies and starts anew.

    With `survives` only the step fails, and the same keeper goes on.
    """
    policy = WarningPolicy(unknown_blocks=2, digest_interval=Seconds(60))
    world, disk = World(), Disk()
    bot = keeper(world, disk, policy)
    for block, ratios in enumerate(history, 1):
        world.risks[block] = [risk(number, ratio) for number, ratio in enumerate(ratios)]
        disk.dies_before = crashes.get(block) == "before"
        disk.dies_after = crashes.get(block) == "after"
        try:
            await bot.step(head(block))
        except CrashError:
            bot = bot if survives else keeper(world, disk, policy)
            await bot.step(head(block))
    return list(disk.outbox), disk.state


@settings(deadline=None, max_examples=150)
@given(
    history=histories,
    crashes=st.dictionaries(st.integers(1, 15), st.sampled_from(["before", "after"])),
    survives=st.booleans(),
)
async def test_step__crashes_anywhere__the_same_alerts_as_without(
    history: list[list[int | None]], crashes: dict[int, str], survives: bool
) -> None:
    undisturbed, state = await _ids(history, {})
    disturbed, recovered = await _ids(history, crashes, survives=survives)

    assert disturbed == undisturbed
    assert recovered == state


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_step__dies_around_the_commit__alert_and_state_are_one(dies: str) -> None:
    ids, state = await _ids([[3300, 3300, 3300], [2400, 3300, 3300]], {2: dies})

    assert len(ids) == 1
    assert state.head == head(2)


async def test_step__commit_done_but_its_answer_lost__the_digest_counts_it_once() -> None:
    falling = [[4000, 4000], [3400, 4000], [3400, 3400], *[[3400, 3400]] * 5]

    ids, state = await _ids(falling, {2: "after"}, survives=True)

    assert ids == (await _ids(falling, {}))[0]
    assert state.digest == ()
