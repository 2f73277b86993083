"""Several nodes as one, with nodes that are played."""

from collections.abc import Callable
from typing import Any

import pytest

from fleet.chain.endpoint import Endpoint
from fleet.chain.failover import Failover
from fleet.chain.failures import (
    CallReverted,
    ChainError,
    NodeUnavailable,
    RequestRejected,
    StateUnavailable,
    WrongChain,
)
from fleet.chain.throttle import Urgency

DOWN = NodeUnavailable("down")
BUSY = NodeUnavailable("too many requests", retry_after_s=30)


class PlayedEndpoint(Endpoint):
    """Answers what it is told to; an exception is raised."""

    def __init__(self, name: str, answer: object = "0x1", chain_id: int = 964) -> None:
        super().__init__(name=name, url="http://nowhere.invalid", rate=None, timeout_s=1)
        self.answer = answer
        self.chain_id = chain_id
        self.asked: list[str] = []

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.asked.append(method)
        if method == "eth_chainId" and not isinstance(self.answer, NodeUnavailable):
            return hex(self.chain_id)
        if isinstance(self.answer, ChainError):
            raise self.answer
        return self.answer


def failover(*endpoints: PlayedEndpoint) -> Failover:
    return Failover(endpoints, chain_id=964)


async def ask(nodes: Failover) -> Any:
    return await nodes.request("eth_blockNumber", [], Urgency.DECIDING)


async def test_request__first_is_up__the_second_is_left_alone() -> None:
    first, second = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb")
    assert await ask(failover(first, second)) == "0xa"
    assert second.asked == []


async def test_request__first_is_down__the_second_answers_until_it_is_back() -> None:
    first, second = PlayedEndpoint("a", DOWN), PlayedEndpoint("b", "0xb")
    nodes = failover(first, second)
    assert await ask(nodes) == "0xb"
    first.answer = "0xa"
    assert await ask(nodes) == "0xa"


async def test_request__asked_to_wait__is_not_asked_again_meanwhile() -> None:
    first, second = PlayedEndpoint("a", BUSY), PlayedEndpoint("b", "0xb")
    nodes = failover(first, second)
    await ask(nodes)
    first.asked.clear()
    assert await ask(nodes) == "0xb"
    assert first.asked == []


async def test_request__every_node_asked_to_wait__says_how_long_without_asking() -> None:
    first = PlayedEndpoint("a", BUSY)
    nodes = failover(first)
    with pytest.raises(NodeUnavailable):
        await ask(nodes)
    first.asked.clear()
    with pytest.raises(NodeUnavailable) as failure:
        await ask(nodes)
    assert 29 < failure.value.retry_after_s <= 30
    assert first.asked == []


async def test_request__all_down__names_each() -> None:
    nodes = failover(PlayedEndpoint("a", NodeUnavailable("a: x")), PlayedEndpoint("b", DOWN))
    with pytest.raises(NodeUnavailable, match="a: x; down"):
        await ask(nodes)


async def test_request__state_is_gone_everywhere__keeps_its_type() -> None:
    gone = StateUnavailable("pruned", retry_after_s=12)
    first, second = PlayedEndpoint("a", "0x1"), PlayedEndpoint("b", "0x1")
    nodes = failover(first, second)
    await nodes.check()
    first.answer = second.answer = gone
    with pytest.raises(StateUnavailable):
        await ask(nodes)
    second.answer = "0xb"
    assert await ask(nodes) == "0xb", "neither was sent to rest for that"


async def test_request__contract_reverted__is_an_answer_not_a_reason_to_ask_another() -> None:
    first, second = PlayedEndpoint("a", "0x1"), PlayedEndpoint("b")
    nodes = failover(first, second)
    await nodes.check()
    first.answer, second.asked = CallReverted(b"no"), []
    with pytest.raises(CallReverted):
        await ask(nodes)
    assert second.asked == []


async def test_check__one_serves_another_chain__refused_by_name() -> None:
    nodes = failover(PlayedEndpoint("a"), PlayedEndpoint("b", chain_id=945))
    with pytest.raises(WrongChain, match="b serves chain 945, not 964"):
        await nodes.check()


async def test_check__one_is_down__is_checked_before_it_is_believed() -> None:
    first, second = PlayedEndpoint("a"), PlayedEndpoint("b", DOWN, chain_id=1)
    nodes = failover(first, second)
    await nodes.check()
    first.answer, second.answer = DOWN, "0xb"
    with pytest.raises(WrongChain):
        await ask(nodes)


async def test_check__all_down__unavailable() -> None:
    with pytest.raises(NodeUnavailable):
        await failover(PlayedEndpoint("a", DOWN)).check()


def rejection(message: str) -> RequestRejected:
    return RequestRejected(method="eth_sendRawTransaction", code=-32000, message=message)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("0xhash", "0xhash", "accepted"),
        (rejection("nonce too low"), "0xhash", "nonce too low"),
        (DOWN, "0xhash", "accepted"),
        (DOWN, rejection("already known"), "already known"),
        (DOWN, rejection("nonce too low"), "uncertain"),
        (DOWN, rejection("insufficient funds"), "uncertain"),
        (DOWN, DOWN, "uncertain"),
        (BUSY, BUSY, "uncertain"),
        (rejection("what is that"), "0xhash", "uncertain"),
    ],
)
async def test_broadcast__two_nodes__a_no_after_a_silence_proves_nothing(
    first: object, second: object, verdict: str
) -> None:
    one, two = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = failover(one, two)
    await nodes.check()
    one.answer, two.answer = first, second
    assert (await nodes.broadcast(b"\x01")).verdict == verdict


async def test_broadcast__every_node_rests__uncertain_and_nobody_is_asked() -> None:
    one = PlayedEndpoint("a", BUSY)
    nodes = failover(one)
    await nodes.broadcast(b"\x01")
    one.asked.clear()
    assert (await nodes.broadcast(b"\x01")).verdict == "uncertain"
    assert one.asked == []


def test_failover__no_endpoint__refused() -> None:
    build: Callable[[], Failover] = failover
    with pytest.raises(ValueError, match="no endpoint"):
        build()
