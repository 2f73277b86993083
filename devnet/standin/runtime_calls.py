"""What `state_call` answers: the runtime's exported functions, SCALE in and SCALE out.

Knows no JSON and no sockets. Source of names and units: pallets/swap/runtime-api of Subtensor.
"""

from collections.abc import Callable

from devnet import scale
from devnet.standin.runtime import RuntimeProfile
from devnet.standin.state import PRICE_STABLE, BlockState
from units import Netuid

PRICE_ALL = "SwapRuntimeApi_current_alpha_price_all"


class RuntimeCallError(Exception):
    """The runtime refused or trapped; the text is what a node says after 'Client error: '."""


def call_runtime(
    name: str, arguments: bytes, *, state: BlockState, profile: RuntimeProfile
) -> bytes:
    """Run one exported function at a block.

    Raises:
        RuntimeCallError: this runtime does not export it, or the arguments do not decode.
    """
    function = _FUNCTIONS.get(name)
    if function is None or (name == PRICE_ALL and not profile.has_price_api):
        raise RuntimeCallError(f"Execution failed: Other: Exported method {name} is not found")
    return function(arguments, state, profile)


def _number(arguments: bytes, size: int) -> int:
    if len(arguments) != size:
        raise RuntimeCallError(
            "Execution failed: Execution aborted due to panic: Bad input data provided: "
            f"{len(arguments)} bytes instead of {size}"
        )
    return int.from_bytes(arguments, "little")


def _nothing(arguments: bytes) -> None:
    _number(arguments, 0)


def _price_all(arguments: bytes, state: BlockState, _: RuntimeProfile) -> bytes:
    """Vec<{netuid u16, price u64}> of every subnet that exists, the root network included."""
    _nothing(arguments)
    return scale.vector(
        scale.u16(subnet.netuid) + scale.u64(subnet.price) for subnet in state.subnets.values()
    )


def _price(arguments: bytes, state: BlockState, _: RuntimeProfile) -> bytes:
    """u64 RAO per Alpha; 1 TAO for a netuid that does not exist, as the chain answers."""
    subnet = state.subnets.get(Netuid(_number(arguments, 2)))
    return scale.u64(PRICE_STABLE if subnet is None else subnet.price)


def _version(arguments: bytes, _: BlockState, profile: RuntimeProfile) -> bytes:
    _nothing(arguments)
    return profile.encoded_version()


def _metadata(arguments: bytes, _: BlockState, profile: RuntimeProfile) -> bytes:
    _nothing(arguments)
    return scale.byte_string(profile.metadata)


def _metadata_versions(arguments: bytes, _: BlockState, profile: RuntimeProfile) -> bytes:
    _nothing(arguments)
    return scale.vector((scale.u32(profile.metadata[4]),))


def _metadata_at_version(arguments: bytes, _: BlockState, profile: RuntimeProfile) -> bytes:
    return profile.metadata_at_version(_number(arguments, 4))


_FUNCTIONS: dict[str, Callable[[bytes, BlockState, RuntimeProfile], bytes]] = {
    PRICE_ALL: _price_all,
    "SwapRuntimeApi_current_alpha_price": _price,
    "Core_version": _version,
    "Metadata_metadata": _metadata,
    "Metadata_metadata_versions": _metadata_versions,
    "Metadata_metadata_at_version": _metadata_at_version,
}
