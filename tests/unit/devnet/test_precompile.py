from devnet.chain import StorageWrite
from devnet.precompile import PRECOMPILE, PrecompilePrices
from units import BlockNumber, Netuid, Rao

BLOCK = BlockNumber(7)
NEXT = BlockNumber(8)


def said(write: StorageWrite) -> tuple[int, int, int]:
    """The price, the one before it, and from which block on it holds."""
    value = int(write.value, 16)
    return value % 2**96, (value >> 96) % 2**96, value >> 192


def test_writes__first_prices__all_scaled_to_1e18() -> None:
    writes = PrecompilePrices().writes({Netuid(64): Rao(202_136_670), Netuid(4): Rao(5)}, BLOCK)
    assert [said(write) for write in writes] == [
        (202_136_670 * 10**9, 0, BLOCK),
        (5 * 10**9, 0, BLOCK),
    ]
    assert all(write.account == PRECOMPILE for write in writes)


def test_writes__same_prices_again__none() -> None:
    prices = PrecompilePrices()
    prices.writes({Netuid(64): Rao(7)}, BLOCK)
    assert prices.writes({Netuid(64): Rao(7)}, NEXT) == []


def test_writes__one_changed__that_one_alone_in_its_own_slot_with_the_one_before() -> None:
    prices = PrecompilePrices()
    first = prices.writes({Netuid(64): Rao(7), Netuid(4): Rao(8)}, BLOCK)
    (again,) = prices.writes({Netuid(64): Rao(7), Netuid(4): Rao(9)}, NEXT)
    assert again.slot == first[1].slot
    assert first[0].slot != first[1].slot
    assert said(again) == (9 * 10**9, 8 * 10**9, NEXT)


def test_writes__the_highest_price_there_is__fits() -> None:
    highest = Rao(2**64 - 1)
    (write,) = PrecompilePrices().writes({Netuid(64): highest}, BLOCK)
    assert said(write) == (highest * 10**9, 0, BLOCK)


def test_writes__subnet_gone__written_as_unknown() -> None:
    prices = PrecompilePrices()
    prices.writes({Netuid(64): Rao(7)}, BLOCK)
    (gone,) = prices.writes({}, NEXT)
    assert said(gone) == (0, 7 * 10**9, NEXT)
    assert prices.writes({}, NEXT) == []
