"""How the exchange names a market: address(uint160(netuid))."""

from eth_utils.address import to_checksum_address

from units import Address, Netuid

_NETUID_MAX = 2**16 - 1


def market_address(netuid: Netuid) -> Address:
    """The address that stands for a subnet's market."""
    return Address(to_checksum_address(netuid.to_bytes(20, "big")))


def netuid_of(market: int) -> Netuid:
    """The subnet of a market given as the number its address is.

    Raises:
        ValueError: no subnet has such a number.
    """
    if not 0 <= market <= _NETUID_MAX:
        raise ValueError(f"0x{market:040x} is not a market: no subnet has that number")
    return Netuid(market)
