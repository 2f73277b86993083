"""The base fee of chain 964 from block to block. Pure.

pallet_base_fee with an elasticity of 12.5 %, an ideal fullness of half the gas limit and a floor
of 10 gwei. anvil's own rule has another floor, so the world sets the fee before every block.
"""

from units import Wei

BASE_FEE_FLOOR = Wei(10 * 10**9)
GAS_LIMIT = 75_000_000
GAS_TARGET = GAS_LIMIT // 2
_CHANGE_DENOMINATOR = 8  # 12.5 % at a full or an empty block


def next_base_fee(*, base_fee: Wei, gas_used: int) -> Wei:
    """The base fee after a block that used `gas_used` at `base_fee` wei per gas."""
    excess = gas_used - GAS_TARGET
    change = base_fee * excess // (GAS_TARGET * _CHANGE_DENOMINATOR)
    return Wei(max(BASE_FEE_FLOOR, base_fee + change))
