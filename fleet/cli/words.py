"""Numbers as people read them. Exact: integers are cut, never turned into floats. Pure."""

from units import Bps, PriceWei, Wei

_PRICE_DIGITS = 9  # a price has steps of one RAO
_AMOUNT_DIGITS = 4
_MINUTE = 60
_HOUR = 3_600


def fixed(value: int, *, decimals: int, shown: int) -> str:
    """A scaled integer with `shown` of its `decimals` digits behind the point, cut off."""
    units = abs(value) // 10 ** (decimals - shown)
    sign = "-" if value < 0 and units else ""
    return f"{sign}{units // 10**shown}.{units % 10**shown:0{shown}d}"


def tao(amount: Wei | int) -> str:
    """Wei as TAO with four digits."""
    return fixed(amount, decimals=18, shown=_AMOUNT_DIGITS)


def price_text(price: PriceWei | None) -> str:
    """TAO per Alpha to the RAO; a dash for none."""
    return "–" if not price else fixed(price, decimals=18, shown=_PRICE_DIGITS)


def percent(bps: Bps | int) -> str:
    """Basis points as a percentage."""
    return f"{fixed(bps, decimals=2, shown=2)} %"


def seconds_text(seconds: int) -> str:
    """A duration in its two largest units."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
