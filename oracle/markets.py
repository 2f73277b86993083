"""What holds for every market, and for single ones where it differs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from units import Netuid

Policy = TypeVar("Policy")


@dataclass(frozen=True, slots=True)
class PerMarket(Generic[Policy]):
    """A policy, and whole policies of their own for single markets."""

    common: Policy
    own: Mapping[Netuid, Policy] = field(default_factory=dict)

    def of(self, netuid: Netuid) -> Policy:
        """The policy of one market."""
        return self.own.get(netuid, self.common)
