"""A call to one of a world's contracts, signed and sent by hand: no journal, no second look."""

from dataclasses import dataclass

from devnet.accounts import Account, Unsigned, sign
from devnet.deployment import Deployed
from devnet.world import World
from units import Wei

_FEE_FACTOR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One transaction; `gas` is its limit."""

    to: Deployed
    function: str
    arguments: tuple[object, ...]
    gas: int = 20_000_000


async def send(world: World, account: Account, call: Call) -> None:
    """Behind whatever the account has in the pool, at twice the base fee."""
    used = await world.node.call("eth_getTransactionCount", account.address, "pending")
    raw = sign(
        account,
        Unsigned(
            to=call.to.address,
            data=call.to.contract.encode(call.function, *call.arguments),
            nonce=int(used, 16),
            gas=call.gas,
            gas_price=Wei(_FEE_FACTOR * world.chain.base_fee),
        ),
    )
    await world.node.call("eth_sendRawTransaction", raw)
