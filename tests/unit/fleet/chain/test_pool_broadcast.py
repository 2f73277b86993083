"""A transaction to several nodes at once, and what their answers come to."""

import asyncio

import pytest

from fleet.chain.failures import (
    NodeUnavailable,
    RequestRejected,
)
from fleet.chain.throttle import Urgency
from tests.unit.fleet.chain.played import BUSY, DOWN, PlayedEndpoint, pool


def rejection(message: str) -> RequestRejected:
    return RequestRejected(method="eth_sendRawTransaction", code=-32000, message=message)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("0xhash", "0xhash", "accepted"),
        (rejection("nonce too low"), "0xhash", "accepted"),
        (rejection("nonce too low"), rejection("already known"), "already known"),
        (rejection("insufficient funds"), rejection("nonce too low"), "nonce too low"),
        (rejection("insufficient funds"), rejection("insufficient funds"), "insufficient funds"),
        (rejection("insufficient funds"), BUSY, "uncertain"),
        (DOWN, "0xhash", "accepted"),
        (DOWN, rejection("already known"), "already known"),
        (DOWN, rejection("nonce too low"), "uncertain"),
        (DOWN, rejection("insufficient funds"), "uncertain"),
        (DOWN, DOWN, "uncertain"),
        (BUSY, BUSY, "uncertain"),
        (rejection("what is that"), "0xhash", "accepted"),
        (rejection("what is that"), rejection("nonce too low"), "uncertain"),
    ],
)
async def test_broadcast__two_nodes__a_no_after_a_silence_proves_nothing(
    first: object, second: object, verdict: str
) -> None:
    one, two = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = pool(one, two)
    await nodes.check()
    one.answer, two.answer = first, second
    assert (await nodes.broadcast(b"\x01")).verdict == verdict


async def test_broadcast__every_node_rests__uncertain_and_nobody_is_asked() -> None:
    one = PlayedEndpoint("a", BUSY)
    nodes = pool(one)
    await nodes.broadcast(b"\x01")
    one.asked.clear()
    assert (await nodes.broadcast(b"\x01")).verdict == "uncertain"
    assert one.asked == []


async def test_broadcast__healthy_nodes__all_get_it() -> None:
    nodes = [PlayedEndpoint(name) for name in "abc"]
    assert (await pool(*nodes).broadcast(b"\x01")).verdict == "accepted"
    await asyncio.sleep(0)
    assert all("eth_sendRawTransaction" in node.asked for node in nodes)


async def test_broadcast__one_hangs__the_others_word_is_not_delayed() -> None:
    hanging, quick = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = pool(hanging, quick)
    await nodes.check()
    hanging.hangs = True
    async with asyncio.timeout(30):
        assert (await nodes.broadcast(b"\x01")).verdict == "accepted"
    assert len(nodes._deliveries._tasks) == 1, "it is on its way there as well"
    await nodes.close()
    assert len(nodes._deliveries._tasks) == 0


async def test_broadcast__one_hangs_and_another_refuses__uncertain_only_after_its_time() -> None:
    hanging, quick = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = pool(hanging, quick)
    await nodes.check()
    hanging.hangs, quick.answer = True, rejection("nonce too low")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await nodes.broadcast(b"\x01")
    await nodes.close()


async def test_broadcast__a_node_is_unreachable__is_told_and_not_waited_for() -> None:
    gone, quick = PlayedEndpoint("a", DOWN), PlayedEndpoint("b")
    nodes = pool(gone, quick)
    for _ in range(3):
        with pytest.raises(NodeUnavailable):
            await nodes._members.all[0].probe()
    gone.hangs, quick.answer, gone.asked = True, rejection("nonce too low"), []
    await nodes._members.all[1].head(Urgency.DECIDING)
    async with asyncio.timeout(30):
        answer = await nodes.broadcast(b"\x01")
    assert answer.verdict == "uncertain", "it may have it from before"
    assert gone.asked == ["eth_chainId"]
    await nodes.close()


async def test_broadcast__a_node_of_another_chain__has_no_say() -> None:
    wrong, right = PlayedEndpoint("a", chain_id=1), PlayedEndpoint("b")
    nodes = pool(wrong, right)
    right.answer = rejection("nonce too low")
    assert (await nodes.broadcast(b"\x01")).verdict == "nonce too low"
    assert "eth_sendRawTransaction" not in wrong.asked
