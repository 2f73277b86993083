"""Where the exchange's contracts stand on chain 964."""

from dataclasses import dataclass

from units import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The three contracts the fleet talks to; without a router prices and liquidations go apart."""

    exchange: Address
    price_feed: Address
    keeper_router: Address | None
