"""What a liquidation transaction may need of gas: a measured line, with room above it.

Limits never come from `eth_estimateGas`: the contract skips what gas does not reach, so an
estimate finds the cheapest call that skips everything. Pure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GasModel:
    """Gas needed by ids and feed updates in one transaction, as a line.

    `intercept`: any transaction of the fleet. `liquidation_intercept`: on top as soon as there are
    ids, because the exchange keeps gas in hand before each. The slopes: an id, an update. `limit`
    multiplies by the headroom, for refunds, which come only after the limit had to cover them.
    """

    intercept: int
    liquidation_intercept: int
    id_slope: int
    update_slope: int
    headroom_numerator: int = 13
    headroom_denominator: int = 10

    def need(self, *, ids: int, updates: int = 0) -> int:
        """What that many ids and updates use, without room above it."""
        together = self.liquidation_intercept + self.id_slope * ids if ids else 0
        return self._fixed(updates) + together

    def limit(self, *, ids: int, updates: int = 0) -> int:
        """The gas limit to set for that many ids and updates."""
        need = self.need(ids=ids, updates=updates)
        return -(-need * self.headroom_numerator // self.headroom_denominator)

    def ids_within(self, gas: int, *, updates: int = 0) -> int:
        """How many ids a transaction with this gas limit can take; 0 when not even one."""
        need = gas * self.headroom_denominator // self.headroom_numerator
        for_ids = need - self._fixed(updates) - self.liquidation_intercept
        return max(for_ids // self.id_slope, 0)

    def _fixed(self, updates: int) -> int:
        return self.intercept + self.update_slope * updates


# The limits from these bound what the reference exchange needs, and waste less than half of it
# again: tests/anvil/keepers/test_gas.py measures. Another deployment measures its own.
REFERENCE_GAS = GasModel(
    intercept=45_000, liquidation_intercept=535_000, id_slope=42_000, update_slope=30_000
)
