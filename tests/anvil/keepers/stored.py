"""Positions, markets and feed rows as the contracts store them, to judge any state by their views.

The state is laid over a call (`stateDiff`), never written: whatever hypothesis thinks of can be
asked, also what trading could not reach. Where the mappings lie is found by looking for what a
real opening wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keepers.liquidation.positions import FeedRow, Market, Position
from tests.contracts.world import ALICE, RICH, TAO, World, market, position_id
from units import Netuid, Timestamp

SLOTS_LOOKED_AT = 64
PARAMETERS_SLOT = 2  # of a stored market, behind open interest and index
Words = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The slots of the exchange's and the feed's mappings."""

    positions: int
    markets: int
    rows: int


def find_layout(world: World, netuid: int) -> Layout:
    """Opens a position of Alice's and looks where it is stored."""
    world.node.rpc("anvil_setBalance", ALICE, hex(RICH))
    world.deposit(ALICE, 10 * TAO)
    world.open(ALICE, netuid)
    exchange, feed = world.addresses["exchange"], world.addresses["feed"]
    trader, held = int(ALICE, 16), world.market(netuid)
    return Layout(
        positions=_slot_where(
            world, exchange, position_id(ALICE, netuid).ljust(32, b"\0"), trader, bits=160
        ),
        markets=_slot_where(
            world, exchange, encode(["address"], [market(netuid)]), held["longOpenInterest"]
        ),
        rows=_slot_where(world, feed, encode(["uint16"], [netuid]), held["price"]),
    )


def _slot_where(world: World, contract: str, key: bytes, value: int, *, bits: int = 128) -> int:
    for slot in range(SLOTS_LOOKED_AT):
        place = f"0x{_place(key, slot):064x}"
        word = int(world.node.rpc("eth_getStorageAt", contract, place, "latest"), 16)
        if word % 2**bits == value:
            return slot
    raise AssertionError(f"no mapping of {contract} holds {value}")


def stored_positions(layout: Layout, positions: Sequence[Position]) -> Words:
    words: Words = {}
    for held in positions:
        first = (
            int(held.trader, 16)
            | held.netuid << 160
            | held.is_long << 176
            | held.key.sequence << 224
        )
        place = _place(held.key.id.ljust(32, b"\0"), layout.positions)
        packed = (
            first,
            held.margin | held.size << 96,
            held.entry_price | (held.entry_index % 2**128) << 128,
        )
        words |= _words(place, packed)
    return words


def stored_market(layout: Layout, held: Market) -> Words:
    """Open interest, index and the parameters that the keepers read; the others stay."""
    place = _place(encode(["address"], [market(held.netuid)]), layout.markets)
    totals = held.long_open_interest | held.short_open_interest << 128
    index = held.index % 2**128 | held.last_accrual << 128 | 1 << 168
    rules = held.parameters
    return _words(place, (totals, index)) | {
        _hex(place + PARAMETERS_SLOT + at): _hex(value)
        for at, value in (
            (3, rules.maintenance),
            (6, rules.funding_rate_max),
            (7, rules.funding_interval),
            (8, rules.funding_cap),
            (11, rules.liquidation_price_age_max),
        )
    }


def stored_row(layout: Layout, netuid: Netuid, row: FeedRow) -> Words:
    word = (
        row.price
        | row.source_block << 128
        | row.source_time << 168
        | row.suspended_at << 208
        | row.suspension << 248
    )
    return _words(_place(encode(["uint16"], [netuid]), layout.rows), (word,))


def view(
    world: World, function: str, *arguments: object, over: dict[str, Words], time: Timestamp
) -> Any:
    """What a view of the exchange returns over that state, in a block at that time."""
    exchange = world.abis["exchange"]
    data = "0x" + exchange.encode(function, *arguments).hex()
    overrides = {world.addresses[name]: {"stateDiff": words} for name, words in over.items()}
    call = {"to": world.addresses["exchange"], "data": data}
    output = world.node.rpc("eth_call", call, "latest", overrides, {"time": hex(time)})
    return exchange.decode(function, bytes.fromhex(output[2:]))


def _place(key: bytes, slot: int) -> int:
    return int.from_bytes(keccak(key + slot.to_bytes(32, "big")), "big")


def _words(place: int, values: Sequence[int]) -> Words:
    return {_hex(place + at): _hex(value) for at, value in enumerate(values)}


def _hex(value: int) -> str:
    return f"0x{value:064x}"
