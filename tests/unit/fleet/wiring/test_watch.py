"""What an operator reads while no block comes."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from fleet.wiring.watch import watching
from tests.unit.fleet.wiring.simulated import Blocks, Wall, running
from units import Seconds


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as captured:
        yield captured


async def test_watch__a_node_that_fails_and_comes_back__is_a_line_each(
    blocks: Blocks, wall: Wall, lines: list[Any]
) -> None:
    blocks.age = 0.0
    async with running(watching(blocks, wall, stall_s=Seconds(60))()):
        await wall.pass_(10)
        assert lines == []
        blocks.problem = "polling for heads: anvil: no answer in 5 s"
        await wall.pass_(10)
        blocks.problem = None
        await wall.pass_(10)

    assert [line["event"] for line in lines] == ["blocks_are_hard_to_read", "blocks_are_read_again"]
    assert lines[0]["problem"] == "polling for heads: anvil: no answer in 5 s"
    assert lines[0]["log_level"] == "warning"


async def test_watch__no_block_since_the_start__is_said_again_and_again(
    blocks: Blocks, wall: Wall, lines: list[Any]
) -> None:
    async with running(watching(blocks, wall, stall_s=Seconds(60))()):
        await wall.pass_(59)
        assert lines == []
        await wall.pass_(131)

    assert [line["event"] for line in lines] == ["no_new_block"] * 3
    assert [line["seconds"] for line in lines] == [60, 120, 180]
    assert {line["log_level"] for line in lines} == {"error"}


async def test_watch__the_chain_stands_still_twice__is_said_each_time(
    blocks: Blocks, wall: Wall, lines: list[Any]
) -> None:
    async with running(watching(blocks, wall, stall_s=Seconds(60))()):
        for age in (59.0, 61.0, 61.0, 3.0, 75.0):
            blocks.age = age
            await wall.pass_(2)

    assert [line["seconds"] for line in lines] == [61, 75]
