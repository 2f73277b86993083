"""How many transactions an account has sent, by one node and by several that must agree."""

from typing import Any

import pytest

from fleet.chain.failures import NodesDisagree, StateUnavailable
from fleet.chain.node import Node
from fleet.chain.nonces import Nonces
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.throttle import Urgency
from tests.unit.fleet.chain.played import DOWN, PlayedEndpoint
from units import Address, BlockNumber

ACCOUNT = Address("0x00000000000000000000000000000000000000Aa")
HEAD = BlockNumber(100)


class Counting(PlayedEndpoint):
    """A node with `count` transactions in blocks, and `pending` with its pool."""

    def __init__(self, name: str, *, count: int, pending: int, height: int = 100) -> None:
        super().__init__(name)
        self.count, self.pending, self.height = count, pending, height

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        if method != "eth_getTransactionCount":
            return await super().request(method, params, urgency)
        if isinstance(self.answer, Exception):
            raise self.answer
        if params[1] == "pending":
            return hex(self.pending)
        if int(params[1], 16) > self.height:
            raise StateUnavailable(f"{self.name} has no such block")
        return hex(self.count)


def node(*endpoints: Counting, agreement: int) -> Node:
    policy = PoolPolicy(agreement=agreement, hedge_s=0.02)
    return Node(Pool(endpoints, chain_id=964, policy=policy))


async def test_nonces__one_node_is_believed__its_pool_and_its_block() -> None:
    alone = node(Counting("a", count=7, pending=9), agreement=1)
    assert await alone.nonces(ACCOUNT, HEAD) == Nonces(latest=7, pending=9)


async def test_nonces__the_first_lags__the_next_one_is_asked() -> None:
    lags = Counting("a", count=5, pending=5, height=98)
    nodes = node(lags, Counting("b", count=7, pending=7), agreement=1)
    assert await nodes.nonces(ACCOUNT, HEAD) == Nonces(latest=7, pending=7)


async def test_nonces__one_of_three_invents_a_pool__as_far_as_two_pools_reach() -> None:
    honest = Counting("a", count=7, pending=8), Counting("b", count=7, pending=9)
    nodes = node(*honest, Counting("c", count=7, pending=500), agreement=2)
    assert await nodes.nonces(ACCOUNT, HEAD) == Nonces(latest=7, pending=9)


async def test_nonces__one_of_three_lies_about_the_block__outvoted() -> None:
    liar = Counting("a", count=99, pending=99)
    honest = Counting("b", count=7, pending=7), Counting("c", count=7, pending=7)
    assert await node(liar, *honest, agreement=2).nonces(ACCOUNT, HEAD) == Nonces(
        latest=7, pending=7
    )


async def test_count_at__one_lies_and_one_is_down__nobody_is_believed() -> None:
    liar, honest = Counting("a", count=99, pending=99), Counting("b", count=7, pending=7)
    silent = Counting("c", count=7, pending=7)
    silent.answer = DOWN
    with pytest.raises(NodesDisagree):
        await node(liar, honest, silent, agreement=2).count_at(ACCOUNT, HEAD)


@pytest.mark.parametrize("agreement", [1, 2])
async def test_count_at__too_few_have_the_block__can_not_be_told(agreement: int) -> None:
    lagging = [Counting(name, count=5, pending=5, height=99) for name in "ab"]
    assert await node(*lagging, agreement=agreement).count_at(ACCOUNT, HEAD) is None
