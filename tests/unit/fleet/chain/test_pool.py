"""Several nodes as one, with nodes that are played."""

import asyncio
from typing import Any

import pytest

from fleet.chain.failures import (
    CallReverted,
    NodeUnavailable,
    RateUsedUp,
    StateUnavailable,
    WrongChain,
)
from fleet.chain.pool import Pool
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from tests.unit.fleet.chain.played import BUSY, DOWN, Clock, Heard, PlayedEndpoint, ask, pool
from units import BlockHash


async def test_request__first_is_up__the_second_is_left_alone() -> None:
    first, second = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb")
    assert await ask(pool(first, second)) == "0xa"
    assert second.asked == []


async def test_request__first_is_down__the_second_answers_until_it_is_tried_again() -> None:
    first, second, clock = PlayedEndpoint("a", DOWN), PlayedEndpoint("b", "0xb"), Clock()
    nodes = pool(first, second, clock=clock)
    assert await ask(nodes) == "0xb"
    first.answer, first.asked = "0xa", []
    assert await ask(nodes) == "0xb"
    assert first.asked == [], "one that has just failed does not delay every request"
    clock.seconds += 12
    assert await ask(nodes) == "0xa"


async def test_request__only_node_failed__is_asked_again_at_once() -> None:
    first = PlayedEndpoint("a", DOWN)
    nodes = pool(first)
    for _ in range(5):
        with pytest.raises(NodeUnavailable):
            await ask(nodes)
    assert nodes.states() == {"a": NodeState.UNREACHABLE}
    first.answer = "0xa"
    assert await ask(nodes) == "0xa"


async def test_request__a_node_lags__the_one_that_does_not_is_asked() -> None:
    first, second = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb")
    nodes = pool(first, second)
    second.height = 200
    await nodes._probe(nodes._members.all[1])
    await nodes._probe(nodes._members.all[0])
    assert nodes.states() == {"a": NodeState.OUT_OF_SYNC, "b": NodeState.ALIVE}
    assert await ask(nodes) == "0xb"


async def probe(nodes: Pool) -> None:
    for member in nodes._members.all:
        await nodes._probe(member)


async def test_probe__a_node_boasts_once__nobody_is_late_once_all_were_heard_again() -> None:
    boaster, honest, clock = PlayedEndpoint("a"), PlayedEndpoint("b"), Clock()
    nodes = pool(boaster, honest, clock=clock)
    boaster.height = 10**9
    await probe(nodes)
    assert nodes.states()["b"] is NodeState.OUT_OF_SYNC
    boaster.height = 100
    clock.seconds += 12
    await probe(nodes)
    assert set(nodes.states().values()) == {NodeState.ALIVE}


async def test_head__a_node_goes_on_boasting_and_stands_still__the_one_that_moves_is_believed() -> (
    None
):
    boaster, honest, clock = PlayedEndpoint("a"), PlayedEndpoint("b"), Clock()
    nodes = pool(boaster, honest, clock=clock)
    boaster.height = 10**9
    for _ in range(12):
        await probe(nodes)
        clock.seconds += 12
        honest.height += 1
    assert nodes.states() == {"a": NodeState.OUT_OF_SYNC, "b": NodeState.ALIVE}
    assert (await nodes.head(Urgency.DECIDING)).number == honest.height


async def test_head__a_node_names_a_block_it_does_not_have__the_next_is_asked_at_once() -> None:
    boaster, honest, clock = PlayedEndpoint("a"), PlayedEndpoint("b"), Clock()
    nodes = pool(boaster, honest, clock=clock)
    for boaster.boast in range(10**9, 10**9 + 5):
        assert (await nodes.head(Urgency.DECIDING)).number == 100
        clock.seconds += 12
        await probe(nodes)
    assert nodes.states() == {"a": NodeState.UNREACHABLE, "b": NodeState.ALIVE}
    boaster.boast = 0
    clock.seconds += 12
    await probe(nodes)
    assert set(nodes.states().values()) == {NodeState.ALIVE}


async def test_head__the_only_node_names_a_block_it_does_not_have__unavailable_until_it_has() -> (
    None
):
    boaster = PlayedEndpoint("a")
    nodes = pool(boaster)
    await nodes.head(Urgency.DECIDING)
    boaster.boast = 10**9
    with pytest.raises(NodeUnavailable, match="a calls block 1000000000 its latest"):
        await nodes.head(Urgency.DECIDING)
    boaster.boast, boaster.height = 0, 1_000
    assert (await nodes.head(Urgency.DECIDING)).number == 1_000, "a leap that is true"
    boaster.boast = 1_010
    assert (await nodes.head(Urgency.DECIDING)).number == 1_010, "near: no second question"


async def test_request__asked_to_wait__is_not_asked_again_meanwhile() -> None:
    first, second = PlayedEndpoint("a", BUSY), PlayedEndpoint("b", "0xb")
    nodes = pool(first, second)
    await ask(nodes)
    first.asked.clear()
    assert await ask(nodes) == "0xb"
    assert first.asked == []


async def test_request__every_node_asked_to_wait__says_how_long_without_asking() -> None:
    first = PlayedEndpoint("a", BUSY)
    nodes = pool(first)
    with pytest.raises(NodeUnavailable):
        await ask(nodes)
    first.asked.clear()
    with pytest.raises(NodeUnavailable) as failure:
        await ask(nodes)
    assert failure.value.retry_after_s == 30
    assert first.asked == []


async def test_request__all_down__names_each() -> None:
    nodes = pool(PlayedEndpoint("a", NodeUnavailable("a: x")), PlayedEndpoint("b", DOWN))
    with pytest.raises(NodeUnavailable, match="a: x; down"):
        await ask(nodes)


async def test_request__state_is_gone_everywhere__keeps_its_type() -> None:
    gone = StateUnavailable("pruned", retry_after_s=12)
    first, second = PlayedEndpoint("a", "0x1"), PlayedEndpoint("b", "0x1")
    nodes = pool(first, second)
    await nodes.check()
    first.answer = second.answer = gone
    with pytest.raises(StateUnavailable):
        await ask(nodes)
    second.answer = "0xb"
    assert await ask(nodes) == "0xb", "neither was sent to rest for that"


async def test_request__contract_reverted__is_an_answer_not_a_reason_to_ask_another() -> None:
    first, second = PlayedEndpoint("a", "0x1"), PlayedEndpoint("b")
    nodes = pool(first, second)
    await nodes.check()
    first.answer, second.asked = CallReverted(b"no"), []
    with pytest.raises(CallReverted):
        await ask(nodes)
    assert second.asked == []


async def test_check__one_serves_another_chain__told_by_name_and_the_others_go_on() -> None:
    nodes, heard = pool(PlayedEndpoint("a"), PlayedEndpoint("b", chain_id=945)), Heard()
    nodes.listen(heard)
    await nodes.check()
    assert heard.states == [("b", None, NodeState.WRONG_CHAIN)]


async def test_check__all_serve_another_chain__refused_by_name() -> None:
    nodes = pool(PlayedEndpoint("a", chain_id=945), PlayedEndpoint("b", chain_id=945))
    with pytest.raises(WrongChain, match="b serves chain 945, not 964"):
        await nodes.check()


async def test_check__one_of_another_chain_and_one_down__unavailable_and_asked_again() -> None:
    down = PlayedEndpoint("b", DOWN)
    nodes = pool(PlayedEndpoint("a", chain_id=945), down)
    with pytest.raises(NodeUnavailable):
        await nodes.check()
    down.answer = "0x"
    await nodes.check()


async def test_check__one_is_down__is_checked_before_it_is_believed() -> None:
    first, second = PlayedEndpoint("a"), PlayedEndpoint("b", DOWN, chain_id=1)
    nodes = pool(first, second)
    await nodes.check()
    first.answer, second.answer = DOWN, "0xb"
    with pytest.raises(NodeUnavailable, match="b serves chain 1, not 964"):
        await ask(nodes)
    assert "eth_blockNumber" not in second.asked, "nothing it says is of interest"


async def test_request__only_node_changes_to_another_chain_and_back__refused_meanwhile() -> None:
    first, clock = PlayedEndpoint("a", "0xa", chain_id=1), Clock()
    nodes = pool(first, clock=clock)
    with pytest.raises(WrongChain):
        await ask(nodes)
    first.asked.clear()
    with pytest.raises(WrongChain):
        await ask(nodes)
    assert first.asked == [], "it has said so not long ago"
    first.chain_id = 964
    clock.seconds += 12
    assert await ask(nodes) == "0xa"


async def test_request__the_other_rests__one_of_another_chain_is_no_reason_to_end() -> None:
    clock = Clock()
    nodes = pool(PlayedEndpoint("a", BUSY), PlayedEndpoint("b", chain_id=945), clock=clock)
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            await ask(nodes)
        clock.seconds += 12


async def test_probe__node_changes_its_chain_while_it_runs__is_not_believed_any_more() -> None:
    first, second, clock = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb"), Clock()
    nodes, heard = pool(first, second, clock=clock), Heard()
    nodes.listen(heard)
    assert await ask(nodes) == "0xa"
    first.chain_id = 1
    clock.seconds += 300
    for member in nodes._members.all:
        await nodes._probe(member)
    assert await ask(nodes) == "0xb"
    assert heard.states[-2:] == [
        ("a", None, NodeState.WRONG_CHAIN),
        ("b", None, NodeState.ALIVE),
    ]


class SlowlyDown(PlayedEndpoint):
    """Needs a while to give no answer."""

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.asked.append(method)
        await asyncio.sleep(0.1)
        raise NodeUnavailable(f"{self.name}: no answer in 0.1 s")


async def test_identity__many_ask_a_silent_node_at_once__wait_for_one_silence_together() -> None:
    silent = SlowlyDown("a")
    nodes = pool(silent)
    async with asyncio.timeout(30):
        found = await asyncio.gather(*(ask(nodes) for _ in range(10)), return_exceptions=True)
    assert all(isinstance(each, NodeUnavailable) for each in found)
    assert silent.asked == ["eth_chainId"]
    with pytest.raises(NodeUnavailable):
        await ask(nodes)
    assert silent.asked == ["eth_chainId"] * 2, "the next one asks anew"


async def test_genesis__configured__a_node_of_another_world_is_refused() -> None:
    first, second = PlayedEndpoint("a"), PlayedEndpoint("b")
    own = BlockHash(f"0x{0:064x}")
    assert (await Pool([first], chain_id=964, genesis=own).head(Urgency.DECIDING)).number == 100
    with pytest.raises(WrongChain, match="its genesis is"):
        await Pool([second], chain_id=964, genesis=BlockHash("0x" + "ab" * 32)).check()


async def test_states__every_change__is_told_once() -> None:
    first, clock, heard = PlayedEndpoint("a"), Clock(), Heard()
    nodes = pool(first, clock=clock)
    nodes.listen(heard)
    await nodes.head(Urgency.DECIDING)
    await nodes.head(Urgency.DECIDING)
    first.answer = DOWN
    for _ in range(5):
        with pytest.raises(NodeUnavailable):
            await nodes.head(Urgency.DECIDING)
    first.answer = "0x1"
    await nodes.head(Urgency.DECIDING)
    assert heard.states == [
        ("a", None, NodeState.ALIVE),
        ("a", NodeState.ALIVE, NodeState.UNREACHABLE),
        ("a", NodeState.UNREACHABLE, NodeState.ALIVE),
    ]
    later = Heard()
    nodes.listen(later)
    assert later.states == [("a", None, NodeState.ALIVE)]
    assert ("a", "failed") in heard.results


async def test_rate_used_up__is_our_own_doing__not_held_against_the_node() -> None:
    first = PlayedEndpoint("a")
    nodes = pool(first)
    await nodes.head(Urgency.DECIDING)
    first.answer = RateUsedUp("a: the configured rate is used up")
    for _ in range(9):
        with pytest.raises(RateUsedUp):
            await nodes.request("eth_call", [], Urgency.DECIDING)
    assert nodes.states() == {"a": NodeState.ALIVE}


async def test_watch__nobody_asks__every_node_is_looked_at_about_once_a_block() -> None:
    first, second, clock = PlayedEndpoint("a"), PlayedEndpoint("b", DOWN), Clock()
    nodes = pool(first, second, clock=clock)
    for _ in range(40):
        for member in nodes._members.all:
            await nodes._probe(member)
        clock.seconds += 3
    assert nodes.states() == {"a": NodeState.ALIVE, "b": NodeState.UNREACHABLE}
    assert first.asked.count("eth_getBlockByNumber") == 11, "the first it names is looked up"
    assert len(first.asked) == 13, "and once its chain and whether it is in sync"
    assert len(second.asked) == 10


async def test_check__all_down__unavailable() -> None:
    with pytest.raises(NodeUnavailable):
        await pool(PlayedEndpoint("a", DOWN)).check()


def test_pool__no_endpoint_or_more_agreement_than_operators__refused() -> None:
    with pytest.raises(ValueError, match="of 0 operators"):
        pool()
    with pytest.raises(ValueError, match="2 of 1 operators"):
        pool(PlayedEndpoint("a"), PlayedEndpoint("a-2", operator="a"), agreement=2)
