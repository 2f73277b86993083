"""What a liquidation transaction may need of gas: a measured line, with room above it.

Limits never come from `eth_estimateGas`: the contract skips what gas does not reach, so an
estimate finds the cheapest call that skips everything. Pure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GasModel:
    """Gas needed by ids and feed updates in one transaction: an intercept and two slopes.

    The three figures bound what was measured from above; `limit` adds `headroom` for refunds,
    which a transaction gets back only after its limit had to cover them.
    """

    intercept: int
    id_slope: int
    update_slope: int
    headroom_numerator: int = 13
    headroom_denominator: int = 10

    def limit(self, *, ids: int, updates: int = 0) -> int:
        """The gas limit to set for that many ids and updates."""
        need = self.intercept + self.id_slope * ids + self.update_slope * updates
        return -(-need * self.headroom_numerator // self.headroom_denominator)

    def ids_within(self, gas: int, *, updates: int = 0) -> int:
        """How many ids a transaction with this gas limit can take; 0 when not even one."""
        need = gas * self.headroom_denominator // self.headroom_numerator
        fixed = self.intercept + self.update_slope * updates
        return max((need - fixed) // self.id_slope, 0)


# Bounds for the reference exchange, checked by tests/anvil/keepers/test_gas.py; a deployment
# with other contracts measures its own and says so in its configuration.
REFERENCE_GAS = GasModel(intercept=200_000, id_slope=50_000, update_slope=35_000)
