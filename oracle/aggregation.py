"""From what the sources said to one price a market, or the reason why there is none.

Pure. How many endpoints stand behind a reading is quorum.py's business; what is checked here is
that the netuid still means the subnet it was listed for. Knows nothing of the feed.
"""

from collections.abc import Mapping, Sequence

from oracle.quotes import (
    Identity,
    NoPrice,
    NoPriceReason,
    Price,
    Priced,
    Reading,
    Trouble,
    Unavailable,
)
from units import BlockNumber, Netuid

Pins = Mapping[Netuid, BlockNumber]
"""The registration block (NetworkRegisteredAt) that each market was listed for."""

_DYNAMIC = 1
"""SubnetMechanism of a subnet with a pool; the runtime answers price 1 for any other."""


def aggregate(
    said: Reading | Unavailable, markets: Sequence[Netuid], pins: Pins
) -> Mapping[Netuid, Priced]:
    """One price or reason for every market, in their order.

    An identity that could not be read (`Reading.identities` is None) is no reason to have no
    price: the feeder raises an alert for it. That the runtime lists the netuid is still required.
    """
    return {netuid: _price(said, netuid, pins) for netuid in markets}


def _price(said: Reading | Unavailable, netuid: Netuid, pins: Pins) -> Priced:
    if isinstance(said, Unavailable):
        is_disputed = said.trouble is Trouble.NO_QUORUM
        reason = NoPriceReason.NO_QUORUM if is_disputed else NoPriceReason.SOURCE_DOWN
        return NoPrice(netuid=netuid, reason=reason)
    refusal = _refusal(said, netuid, pins)
    if refusal is not None:
        return NoPrice(netuid=netuid, reason=refusal)
    if said.prices is None:
        return NoPrice(netuid=netuid, reason=NoPriceReason.NO_PRICE_API)
    rao = said.prices.get(netuid)
    if rao is None:
        return NoPrice(netuid=netuid, reason=NoPriceReason.UNPRICED)
    if rao == 0:
        return NoPrice(netuid=netuid, reason=NoPriceReason.ZERO_PRICE)
    return Price(netuid=netuid, rao=rao, block=said.block.number, time=said.block.time)


def _refusal(said: Reading, netuid: Netuid, pins: Pins) -> NoPriceReason | None:
    """Identity comes before price: the price of another project may look quite ordinary."""
    pin = pins.get(netuid)
    if pin is None:
        return NoPriceReason.NOT_PINNED
    if pin > said.block.number:
        return NoPriceReason.NOT_YET
    if said.identities is None:
        return None
    return _identity_refusal(said.identities[netuid], pin)


def _identity_refusal(identity: Identity, pin: BlockNumber) -> NoPriceReason | None:
    if not identity.exists:
        return NoPriceReason.UNKNOWN_SUBNET
    if identity.registered_at != pin:
        return NoPriceReason.REREGISTERED
    if identity.mechanism != _DYNAMIC:
        return NoPriceReason.NOT_DYNAMIC
    return None
