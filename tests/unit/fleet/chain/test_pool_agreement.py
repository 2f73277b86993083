"""What so many of several nodes say, and when nobody has said enough."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    CallReverted,
    NodesDisagree,
    NodeUnavailable,
    StateUnavailable,
    WrongChain,
)
from fleet.chain.pool import Pool
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from tests.unit.fleet.chain.played import BUSY, DOWN, Heard, PlayedEndpoint, pool

THREE = ("a", "b", "c")


def three(*answers: object) -> list[PlayedEndpoint]:
    return [PlayedEndpoint(name, answer) for name, answer in zip(THREE, answers, strict=True)]


async def decide(nodes: Pool) -> Any:
    async def inquiry(node: Endpoint) -> Any:
        return await node.request("eth_call", [], Urgency.DECIDING)

    return await nodes.agreed(inquiry, Urgency.DECIDING)


async def test_agreed__two_of_three_say_the_same__the_third_is_not_asked() -> None:
    played = three("0xa", "0xa", "0xc")
    assert await decide(pool(*played, agreement=2)) == "0xa"
    assert played[2].asked == []


async def test_agreed__one_lies__outvoted_and_named() -> None:
    nodes, heard = pool(*three("0xlie", "0xa", "0xa"), agreement=2), Heard()
    nodes.listen(heard)
    assert await decide(nodes) == "0xa"
    assert heard.votes == ["a"]


async def test_agreed__all_say_something_else__never_the_first_answer() -> None:
    nodes, heard = pool(*three("0xa", "0xb", "0xc"), agreement=2), Heard()
    nodes.listen(heard)
    with pytest.raises(NodesDisagree) as failure:
        await decide(nodes)
    assert sorted(failure.value.said) == ["a", "b", "c"]
    assert sorted(heard.votes) == ["a", "b", "c"]


async def test_agreed__one_lags__is_left_out() -> None:
    late = StateUnavailable("not there yet", retry_after_s=12)
    assert await decide(pool(*three(late, "0xa", "0xa"), agreement=2)) == "0xa"
    with pytest.raises(StateUnavailable):
        await decide(pool(*three(late, "0xa", late), agreement=2))


async def test_agreed__one_hangs__another_is_asked_in_its_place() -> None:
    played = three("0xa", "0xa", "0xa")
    nodes = pool(*played, agreement=2)
    await nodes.check()
    played[0].hangs = True
    async with asyncio.timeout(30):
        assert await decide(nodes) == "0xa"


async def test_agreed__two_endpoints_of_one_operator__are_one_witness() -> None:
    mine = [PlayedEndpoint("a", "0xa"), PlayedEndpoint("a-2", "0xa", operator="a")]
    other = PlayedEndpoint("b", "0xb")
    nodes = pool(*mine, other, agreement=2)
    with pytest.raises(NodesDisagree):
        await decide(nodes)
    other.answer = "0xa"
    assert await decide(nodes) == "0xa"
    mine[0].answer = DOWN
    assert await decide(nodes) == "0xa", "the second stands in for the first"


async def test_agreed__too_few_may_be_asked__says_how_long_without_asking() -> None:
    played = three("0xa", BUSY, BUSY)
    nodes = pool(*played, agreement=2)
    with pytest.raises(NodeUnavailable):
        await decide(nodes)
    played[0].asked.clear()
    with pytest.raises(NodeUnavailable) as failure:
        await decide(nodes)
    assert failure.value.retry_after_s == 30
    assert played[0].asked == []


async def test_agreed__all_revert_alike__that_is_the_answer() -> None:
    nodes = pool(*three(CallReverted(b"x"), CallReverted(b"x"), "0xa"), agreement=2)
    with pytest.raises(CallReverted):
        await decide(nodes)


async def test_head__agreement__the_highest_that_so_many_have_reached() -> None:
    played = three("0x", "0x", "0x")
    played[0].height, played[1].height, played[2].height = 120, 110, 90
    found = await pool(*played, agreement=2).head(Urgency.DECIDING)
    assert found.number == 110


async def test_head__one_is_far_ahead_of_its_time__is_not_followed() -> None:
    played = three("0x", "0x", "0x")
    played[0].height = 1_000_000
    nodes = pool(*played, agreement=2)
    assert (await nodes.head(Urgency.DECIDING)).number == 100
    assert set(nodes.states().values()) == {NodeState.ALIVE}, "nobody lags behind one liar"


async def test_head__one_hangs__is_waited_for_once_and_again_when_it_was_seen_in_time() -> None:
    played = three("0x", "0x", "0x")
    played[0].hangs = True
    nodes = pool(*played, agreement=2)
    await nodes.head(Urgency.DECIDING)
    nodes._policy = replace(nodes._policy, hedge_s=600)
    async with asyncio.timeout(30):
        for _ in range(5):
            assert (await nodes.head(Urgency.DECIDING)).number == 100
    slow = nodes._members.all[0]
    assert not slow.is_prompt
    played[0].hangs = False
    await slow.probe()
    assert slow.is_prompt


async def test_head__two_forks_of_the_same_height__no_head() -> None:
    played = [PlayedEndpoint("a"), PlayedEndpoint("b")]
    played[1].fork = 1
    with pytest.raises(NodesDisagree):
        await pool(*played, agreement=2).head(Urgency.DECIDING)


async def test_head__one_says_another_time_of_the_same_block__never_its_word() -> None:
    played = three("0x", "0x", "0x")
    played[0].time = 10**9
    found = await pool(*played, agreement=2).head(Urgency.DECIDING)
    assert found.time == 12 * 100


async def test_agreed__one_of_two_changes_its_chain__unavailable_and_not_for_ever() -> None:
    played = [PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xa")]
    nodes = pool(*played, agreement=2)
    played[1].chain_id = 945
    for _ in range(2):
        with pytest.raises(NodeUnavailable, match="b serves chain 945"):
            await decide(nodes)


async def test_finalized__agreement__the_highest_that_so_many_hold_for_final() -> None:
    played = three("0x", "0x", "0x")
    played[0].height, played[2].height = 120, 90
    found = await pool(*played, agreement=2).finalized(Urgency.DECIDING)
    assert found is not None
    assert found.number == 98


@pytest.mark.parametrize(
    ("answers", "known"),
    [((None, None), False), ((None, {}), True), ((DOWN, {}), True), (({}, DOWN), True)],
)
async def test_anyone__one_says_yes__yes(answers: tuple[object, object], known: bool) -> None:
    nodes = pool(PlayedEndpoint("a", answers[0]), PlayedEndpoint("b", answers[1]))
    assert await anyone(nodes) is known


async def anyone(nodes: Pool) -> bool:
    async def inquiry(node: Endpoint) -> bool:
        return await node.request("eth_getTransactionByHash", [], Urgency.SENDING) is not None

    return await nodes.anyone(inquiry, Urgency.SENDING)


@pytest.mark.parametrize("silence", [DOWN, BUSY])
async def test_anyone__one_is_silent_and_nobody_says_yes__not_taken_for_no(
    silence: NodeUnavailable,
) -> None:
    nodes = pool(PlayedEndpoint("a", None), PlayedEndpoint("b", silence))
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            await anyone(nodes)


async def test_anyone__one_has_been_gone_for_long__the_others_are_believed() -> None:
    nodes = pool(PlayedEndpoint("a", None), PlayedEndpoint("b", DOWN))
    for _ in range(3):
        with pytest.raises(NodeUnavailable):
            await nodes._members.all[1].probe()
    assert await anyone(nodes) is False


async def test_anyone__every_node_is_of_another_chain__no_answer() -> None:
    with pytest.raises(WrongChain):
        await anyone(pool(PlayedEndpoint("a", None, chain_id=1)))
