"""The Alpha precompile, asked as the chain has it."""

from dataclasses import dataclass, field

import pytest
from eth_abi.abi import decode

from fleet.chain.failures import NodeUnavailable
from oracle.quotes import Unavailable
from protocol.alpha import ALPHA, AlphaPrices
from units import Address, BlockNumber, Netuid

BLOCK = BlockNumber(77)


@dataclass
class Node:
    """Answers calls of the precompile; `answer` replaces what it says."""

    answer: bytes | None = None
    is_down: bool = False
    asked: list[tuple[Address, int, BlockNumber]] = field(default_factory=list)

    async def call(self, to: Address, data: bytes, block: BlockNumber) -> bytes:
        if self.is_down:
            raise NodeUnavailable("no answer")
        assert data[:4].hex() == "69e38bc3"
        (netuid,) = decode(["uint16"], data[4:])
        self.asked.append((to, netuid, block))
        return (netuid * 10**15).to_bytes(32, "big") if self.answer is None else self.answer


async def test_at__every_subnet__its_price_at_that_block() -> None:
    node = Node()
    found = await AlphaPrices(node).at([Netuid(64), Netuid(8)], BLOCK)
    assert found == {64: 64 * 10**15, 8: 8 * 10**15}
    assert sorted(node.asked) == [(ALPHA, 8, BLOCK), (ALPHA, 64, BLOCK)]


@pytest.mark.parametrize("answer", [b"", bytes(31), bytes(64)])
async def test_at__no_precompile_there__is_no_price(answer: bytes) -> None:
    found = await AlphaPrices(Node(answer=answer)).at([Netuid(64)], BLOCK)
    assert isinstance(found, Unavailable)
    assert str(len(answer)) in found.detail


async def test_at__the_node_is_down__says_why() -> None:
    found = await AlphaPrices(Node(is_down=True)).at([Netuid(64)], BLOCK)
    assert found == Unavailable(detail="the Alpha precompile: no answer")
