"""Puts the contracts on a node, grants the roles and sets the beta's parameters."""

from eth_abi.abi import encode

from tests.contracts.codec import Abi
from tests.contracts.node import Node
from tests.contracts.world import (
    ADMIN,
    ALICE,
    ALPHA_PRECOMPILE,
    BOB,
    CAROL,
    DAVE,
    GUARDIAN,
    KEEPER,
    OPERATOR,
    REPORTER,
    RICH,
    STRANGER,
    TAO,
    Limits,
    Parameters,
    World,
    role,
)

NETUIDS = (64, 51, 62, 4, 8, 120, 3, 44, 9, 56, 75, 34)
"""The beta's twelve markets."""

FIRST_PRICE = TAO // 10


def deploy(
    node: Node, *, markets: int = 12, reserves: int = 10_000 * TAO, insurance: int = 10 * TAO
) -> World:
    """A world with funded vault and insurance, listed markets and a first price in each."""
    latest = node.rpc("eth_getBlockByNumber", "latest", False)
    block, time = int(latest["number"], 16), int(latest["timestamp"], 16)
    world = World(node=node, block=block, time=time)
    _place_precompile(world)
    feed = create(world, "feed", "PriceFeed", encode(["address"], [ADMIN]))
    exchange = create(world, "exchange", "Exchange", encode(["address", "address"], [feed, ADMIN]))
    router = create(
        world, "router", "KeeperRouter", encode(["address", "address"], [feed, exchange])
    )
    for contract, name, holders in (
        ("feed", "GUARDIAN_ROLE", (GUARDIAN,)),
        ("feed", "REPORTER_ROLE", (REPORTER, OPERATOR, router)),
        ("exchange", "GUARDIAN_ROLE", (GUARDIAN,)),
        ("exchange", "KEEPER_ROLE", (KEEPER, OPERATOR, router)),
    ):
        for holder in holders:
            world.send(ADMIN, contract, "grantRole", role(name), holder)
    world.send(ADMIN, "exchange", "setLimits", Limits())
    for rich in (ADMIN, ALICE, BOB, CAROL, DAVE, KEEPER, STRANGER):
        node.rpc("anvil_setBalance", rich, hex(RICH))
    world.send(ADMIN, "exchange", "fundVault", value=reserves)
    world.send(ADMIN, "exchange", "fundInsurance", value=insurance)
    for netuid in NETUIDS[:markets]:
        world.send(ADMIN, "exchange", "listMarket", netuid, Parameters())
        world.price(netuid, FIRST_PRICE)
    return world


def _place_precompile(world: World) -> None:
    code = Abi("AlphaPrecompile").runtime_code
    world.node.rpc("anvil_setCode", ALPHA_PRECOMPILE, "0x" + code.hex())


def create(world: World, name: str, contract: str, arguments: bytes = b"") -> str:
    """Deploys an artifact as the admin; the world knows it by `name` from then on."""
    abi = Abi(contract)
    request = {
        "from": ADMIN,
        "data": "0x" + (abi.creation_code + arguments).hex(),
        "gas": hex(30_000_000),
        "gasPrice": "0x0",
    }
    tx_hash = world.node.rpc("eth_sendTransaction", request)
    world.mine()
    receipt = world.node.rpc("eth_getTransactionReceipt", tx_hash)
    assert receipt["status"] == "0x1", f"{contract} was not created"
    address: str = receipt["contractAddress"]
    world.addresses[name], world.abis[name] = address, abi
    return address
