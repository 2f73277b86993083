"""The fault proxy in front of anvil: what it says about blocks is what a lagging node would say."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from devnet.accounts import DEPLOYER_KEY, Unsigned, account_of, sign
from devnet.anvil import Genesis, running_anvil
from devnet.chaos.tally import GAS_LIMIT, TALLY, deploy_tally, tally_call
from devnet.faults.faults import Stale
from devnet.faults.plan import Plan, Rule
from devnet.faults.proxy import FaultProxy, running_proxy
from devnet.rpc import NodeClient
from units import BlockNumber, Timestamp, Wei

pytestmark = pytest.mark.anvil

START = 5_072_232
GENESIS = Genesis(block=BlockNumber(START), time=Timestamp(1_741_305_600))
BEHIND = Plan(rules=(Rule(fault=Stale(blocks=2)),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """anvil, and what is said of it by a proxy."""

    session: aiohttp.ClientSession
    node: NodeClient
    proxy: FaultProxy
    said: NodeClient


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with (
        running_anvil(GENESIS) as anvil,
        running_proxy(anvil.rpc_url) as proxy,
        aiohttp.ClientSession() as session,
    ):
        node = NodeClient(session=session, url=anvil.rpc_url)
        said = NodeClient(session=session, url=proxy.rpc_url)
        await deploy_tally(node)
        yield Place(session=session, node=node, proxy=proxy, said=said)


async def count_one(place: Place) -> str:
    """One transaction and the block it is in."""
    unsigned = Unsigned(
        to=TALLY,
        data=tally_call(7, last_block=BlockNumber(2**40)),
        nonce=0,
        gas=GAS_LIMIT,
        gas_price=Wei(20 * 10**9),
    )
    raw = sign(account_of(DEPLOYER_KEY), unsigned)
    tx_hash: str = await place.said.call("eth_sendRawTransaction", raw)
    await place.node.call("evm_mine")
    return tx_hash


async def test_stale__against_anvil__a_consistent_older_world(place: Place) -> None:
    tx_hash = await count_one(place)
    account = account_of(DEPLOYER_KEY).address
    slot = f"0x{7:064x}"
    place.proxy.follow(BEHIND)
    await place.node.call("evm_mine")
    for is_there in (False, True):
        latest = await place.said.call("eth_getBlockByNumber", "latest", False)
        assert latest["number"] == await place.said.call("eth_blockNumber")
        receipt = await place.said.call("eth_getTransactionReceipt", tx_hash)
        assert (receipt is not None) == is_there
        counted = await place.said.call("eth_getStorageAt", TALLY, slot, "latest")
        assert int(counted, 16) == is_there
        sent = await place.said.call("eth_getTransactionCount", account, "latest")
        assert int(sent, 16) == is_there
        await place.node.call("evm_mine")


async def test_socket__new_heads__pushed_as_anvil_pushes_them(place: Place) -> None:
    async with place.session.ws_connect(place.proxy.ws_url) as socket:
        subscribe = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
        await socket.send_json(subscribe)
        answer = json.loads((await socket.receive()).data)
        for number in (1, 2):
            await place.node.call("evm_mine")
            pushed = json.loads((await socket.receive()).data)
            assert pushed["params"]["subscription"] == answer["result"]
            assert int(pushed["params"]["result"]["number"], 16) == START + number
    assert place.proxy.asked == {"eth_subscribe": 1, "eth_subscription": 2}
