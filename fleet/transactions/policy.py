"""How the sender behaves, as one value. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fleet.transactions.fees import FeePolicy
from fleet.transactions.request import Lane

_LANES: Mapping[Lane, int] = MappingProxyType(
    {Lane.PRICE: 8, Lane.LIQUIDATION: 8, Lane.FUNDING: 2, Lane.HOUSEKEEPING: 1}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderPolicy:
    """Limits of one sender; blocks are blocks of chain 964.

    `stuck_blocks`: without inclusion after which more is offered for the same.
    `confirmations`: after which an outcome is final where the node names no finalized block.
    `in_flight_max`: requests without an outcome at one time; `lane_in_flight_max`: of each lane,
    so that less urgent work never takes all of it.
    `attempts_max`: fees or nonces tried within one submit.
    `mystery_blocks`: after which a nonce counts as taken by a stranger though the node can't name
    the transaction that used it. 300: what public nodes keep of old state.
    """

    fees: FeePolicy = field(default_factory=FeePolicy)
    stuck_blocks: int = 3
    confirmations: int = 12
    in_flight_max: int = 16
    lane_in_flight_max: Mapping[Lane, int] = field(default_factory=lambda: _LANES)
    attempts_max: int = 3
    mystery_blocks: int = 300
