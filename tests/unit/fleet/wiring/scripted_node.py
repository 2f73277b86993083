"""A node of chain 964 behind the real client, without a socket."""

from typing import Any

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import ChainError, NodeUnavailable
from fleet.chain.node import Node
from fleet.chain.pool import Pool
from fleet.chain.throttle import Urgency


class ScriptedEndpoint(Endpoint):
    """Answers for a chain of empty blocks; `calls` is what contracts return, in turn by method.

    `outage` is raised instead of any answer; `asked` counts what was asked, by method.
    """

    def __init__(self, *, chain_id: int = 964, world: int = 1) -> None:
        super().__init__(name="anvil", url="http://127.0.0.1:9", rate=None, timeout_s=1)
        self.chain_id = chain_id
        self.world = world
        self.height = 100
        self.outage: ChainError | None = None
        self.called: bytes = b""
        self.asked: list[str] = []

    def is_down(self) -> None:
        self.outage = NodeUnavailable("anvil: no answer in 5 s")

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.asked.append(method)
        if self.outage is not None:
            raise self.outage
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_getBlockByNumber":
                return self._block(0 if params[0] == "earliest" else self.height)
            case "eth_call":
                return "0x" + self.called.hex()
            case _:
                return "0x0"

    def _block(self, number: int) -> dict[str, str]:
        return {
            "number": hex(number),
            "hash": f"0x{self.world:032x}{number:032x}",
            "parentHash": f"0x{self.world:032x}{max(number - 1, 0):032x}",
            "timestamp": hex(12 * number),
            "baseFeePerGas": hex(10**10),
        }


def node_behind(*endpoints: Endpoint) -> Node:
    return Node(Pool(endpoints, chain_id=964))
