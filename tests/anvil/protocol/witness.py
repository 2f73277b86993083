"""The same contracts through web3's own objects: the second opinion on whatever is read."""

from typing import Any

from web3 import Web3
from web3.contract import Contract
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from tests.contracts.node import Node, RpcError
from tests.contracts.world import World, market
from tests.unit.protocol.abi_values import ABIS
from units import Head

NAMES = {"feed": "PriceFeed", "exchange": "Exchange", "router": "KeeperRouter"}


class WorldProvider(BaseProvider):
    """web3 over the connection that the world already has."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        try:
            result = self._node.rpc(method, *params)
        except RpcError as error:
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": str(error)}}
        return {"jsonrpc": "2.0", "id": 1, "result": result}


class Witness:
    """Contract objects by the names of the world; structs come back as named tuples."""

    def __init__(self, world: World) -> None:
        self._web3 = Web3(WorldProvider(world.node))
        self._contracts: dict[str, Contract] = {
            name: self._contract(world.addresses[name], contract)
            for name, contract in NAMES.items()
        }

    def ask(self, name: str, function: str, *arguments: object, at: Head) -> Any:
        """What a view says at a block."""
        asked = self._contracts[name].functions[function](*arguments)
        return asked.call(block_identifier=at.number)

    def markets(self, netuids: list[int], at: Head) -> Any:
        keys = [Web3.to_checksum_address(market(n)) for n in netuids]
        return self.ask("exchange", "markets", keys, at=at)

    def positions(self, at: Head) -> Any:
        ids, total = self.ask("exchange", "positionIds", 0, 10**6, at=at)
        assert len(ids) == total
        return self.ask("exchange", "positionsById", ids, at=at)

    def logs(self, first: int, last: int) -> list[dict[str, Any]]:
        """Every log of the three contracts as web3 decodes it: event, args, blockNumber."""
        addresses = {contract.address: name for name, contract in self._contracts.items()}
        found = self._web3.eth.get_logs(
            {"fromBlock": first, "toBlock": last, "address": list(addresses)}
        )
        return [dict(self._decoded(addresses[log["address"]], log)) for log in found]

    def _decoded(self, name: str, log: Any) -> Any:
        contract, topic = self._contracts[name], "0x" + log["topics"][0].hex().removeprefix("0x")
        for entry in ABIS[NAMES[name]]:
            if entry["type"] != "event":
                continue
            event = contract.events[entry["name"]]()
            if event.topic == topic:
                return event.process_log(log)
        raise AssertionError(f"web3 does not know {topic}")

    def _contract(self, address: str, contract: str) -> Contract:
        at = Web3.to_checksum_address(address)
        return self._web3.eth.contract(address=at, abi=ABIS[contract], decode_tuples=True)


def named(value: Any) -> Any:
    """A struct of web3's as a dict by the names of the ABI."""
    if hasattr(value, "_asdict"):
        return {name: named(each) for name, each in value._asdict().items()}
    return value
