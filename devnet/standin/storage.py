"""Storage as clients read it: which key holds which value at a block.

Names, hashers and value types are Subtensor's (pallets System, Timestamp, SubtensorModule, Swap);
they are the same in the synthetic metadata and in mainnet's. Knows no sockets.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from devnet import scale
from devnet.metadata import Hasher
from devnet.standin.keys import storage_prefix, twox64
from devnet.standin.runtime import SPEC_NAME, RuntimeProfile
from devnet.standin.state import BlockState, Subnet
from units import Netuid

_ALPHA_IN = 10**15
"""Every pool holds a million Alpha: what is on the other side then follows from the price."""

_MILLISECONDS = 1_000
_RAO = 10**9
_U64_MAX = 2**64 - 1
_HALF = 5 * 10**17


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    pallet: str
    name: str
    value: Callable[[BlockState], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Map:
    """Keyed by netuid; `value` is None where nothing is stored and the default is read."""

    pallet: str
    name: str
    hasher: Hasher
    value: Callable[[Subnet], bytes | None]

    def key(self, netuid: Netuid) -> bytes:
        plain = scale.u16(netuid)
        hashed = twox64(plain) + plain if self.hasher is Hasher.TWOX_64_CONCAT else plain
        return storage_prefix(self.pallet, self.name) + hashed


def _tao_in(subnet: Subnet) -> int:
    return min(subnet.pool_price * _ALPHA_IN // _RAO, _U64_MAX)


def _alpha_in(subnet: Subnet) -> int:
    # An empty pool is how a price of zero comes about.
    return _ALPHA_IN if subnet.pool_price else 0


def _fixed_i96f32(subnet: Subnet) -> bytes:
    return scale.i128(subnet.price * 2**32 // _RAO)


def _sqrt_price_u64f64(subnet: Subnet) -> bytes:
    return scale.u128(math.isqrt(subnet.pool_price * 2**128 // _RAO))


_PLAIN = (
    _Plain(pallet="System", name="Number", value=lambda state: scale.u32(state.block)),
    _Plain(
        pallet="Timestamp", name="Now", value=lambda state: scale.u64(state.time * _MILLISECONDS)
    ),
    _Plain(
        pallet="SubtensorModule",
        name="TotalNetworks",
        value=lambda state: scale.u16(len(state.subnets)),
    ),
)

_LAST_UPGRADE = storage_prefix("System", "LastRuntimeUpgrade")
"""Which runtime the state was migrated to; every chain that was ever upgraded has stored it."""

_MODULE = ("SubtensorModule", Hasher.IDENTITY)
_SWAP = ("Swap", Hasher.TWOX_64_CONCAT)

_MAPS = tuple(
    _Map(pallet=pallet, hasher=hasher, name=name, value=value)
    for (pallet, hasher), name, value in (
        (_MODULE, "NetworksAdded", lambda _: scale.boolean(True)),
        (_MODULE, "NetworkRegisteredAt", lambda subnet: scale.u64(subnet.registered_at)),
        (_MODULE, "FirstEmissionBlockNumber", lambda subnet: scale.u64(subnet.registered_at + 1)),
        (_MODULE, "SubnetMechanism", lambda subnet: scale.u16(subnet.mechanism)),
        (_MODULE, "SubnetTAO", lambda subnet: scale.u64(_tao_in(subnet))),
        (_MODULE, "SubnetAlphaIn", lambda subnet: scale.u64(_alpha_in(subnet))),
        (_MODULE, "SubnetMovingPrice", _fixed_i96f32),
        (_SWAP, "AlphaSqrtPrice", _sqrt_price_u64f64),
        (_SWAP, "SwapBalancer", lambda _: scale.u64(_HALF)),
        (_SWAP, "PalSwapInitialized", lambda _: scale.boolean(True)),
    )
)


@cache
def _described(profile: RuntimeProfile) -> frozenset[str]:
    names = [item.name for item in _PLAIN] + [item.name for item in _MAPS]
    return frozenset(name for name in names if profile.describes(name))


@cache
def _plain_keys() -> dict[bytes, _Plain]:
    return {storage_prefix(item.pallet, item.name): item for item in _PLAIN}


@cache
def _map_key(item: _Map, netuid: Netuid) -> bytes:
    return item.key(netuid)


def entries(state: BlockState, profile: RuntimeProfile) -> Iterator[tuple[bytes, bytes]]:
    """Every (key, value) that is stored, in no order."""
    yield _LAST_UPGRADE, scale.compact(profile.spec_version) + scale.text(SPEC_NAME)
    described = _described(profile)
    for key, plain in _plain_keys().items():
        if plain.name in described:
            yield key, plain.value(state)
    for item in _MAPS:
        if item.name not in described:
            continue
        for subnet in state.subnets.values():
            value = item.value(subnet)
            if value is not None:
                yield _map_key(item, subnet.netuid), value


def snapshot(state: BlockState, profile: RuntimeProfile) -> dict[bytes, bytes]:
    """All that is stored at a block, by key; a key that is not in it reads as its default."""
    return dict(entries(state, profile))
