"""Fixed-point price arithmetic: RAO to the feed's unit, and comparisons without division.

Pure. Knows integers only; a price or a ratio is never a float here.
"""

from units import BPS_ONE, RAO_IN_PRICE_WEI, Bps, PriceWei, Rao


def to_price_wei(price: Rao) -> PriceWei:
    """RAO per Alpha as TAO per Alpha scaled by 1e18; exact."""
    return PriceWei(price * RAO_IN_PRICE_WEI)


def has_moved_by(reference: PriceWei, price: PriceWei, distance: Bps) -> bool:
    """Whether `price` is at least `distance` away from a positive `reference`.

    |price − reference| / reference ≥ distance / 10 000, cross-multiplied.
    """
    return abs(price - reference) * BPS_ONE >= reference * distance


def is_beyond(reference: PriceWei, price: PriceWei, limit: Bps) -> bool:
    """Whether `price` is strictly farther than `limit` from a positive `reference`."""
    return abs(price - reference) * BPS_ONE > reference * limit


def change(reference: PriceWei, price: PriceWei) -> Bps:
    """The signed move from a positive `reference`, floored: for people, never for a decision."""
    return Bps((price - reference) * BPS_ONE // reference)
