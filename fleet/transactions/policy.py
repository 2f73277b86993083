"""How the sender behaves, as one value. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from fleet.transactions.fees import FeePolicy
from fleet.transactions.request import Lane
from fleet.transactions.spending import SpendPolicy

_LANES: Mapping[Lane, int] = MappingProxyType(
    {Lane.PRICE: 32, Lane.LIQUIDATION: 16, Lane.FUNDING: 4, Lane.HOUSEKEEPING: 2}
)


class Finality(StrEnum):
    """What makes an outcome final."""

    FINALIZED = "finalized"
    DEPTH = "depth"


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderPolicy:
    """Limits of one sender; blocks are blocks of chain 964.

    `stuck_blocks`: consecutive heads at which the same nonce was next and not included, after
    which more is offered for it.
    `finality`: "finalized" believes the node's finalized block, and `confirmations` where it names
    none; "depth" believes `confirmations` blocks on top alone.
    `lane_in_flight_max`: requests of each lane that are in no block. One lane's never count
    against another's, so nothing less urgent can use up the price's.
    `attempts_max`: fees or nonces tried within one submit.
    `hold_blocks_max`: heads at which the same transaction of a stranger with this key was next and
    not included, after which nothing is sent in its place: it would hold the key for ever.
    `mystery_blocks`: after which a nonce counts as taken by a stranger though the node can't name
    the transaction that used it. 300: what public nodes keep of old state.
    """

    fees: FeePolicy = field(default_factory=FeePolicy)
    spending: SpendPolicy = field(default_factory=SpendPolicy)
    stuck_blocks: int = 3
    finality: Finality = Finality.FINALIZED
    confirmations: int = 12
    lane_in_flight_max: Mapping[Lane, int] = field(default_factory=lambda: _LANES)
    attempts_max: int = 3
    hold_blocks_max: int = 25
    mystery_blocks: int = 300
