from devnet.precompile import PRECOMPILE, PrecompilePrices
from units import Netuid, Rao


def test_writes__first_prices__all_scaled_to_1e18() -> None:
    writes = PrecompilePrices().writes({Netuid(64): Rao(202_136_670), Netuid(4): Rao(5)})
    assert [int(write.value, 16) for write in writes] == [202_136_670 * 10**9, 5 * 10**9]
    assert all(write.account == PRECOMPILE for write in writes)


def test_writes__same_prices_again__none() -> None:
    prices = PrecompilePrices()
    prices.writes({Netuid(64): Rao(7)})
    assert prices.writes({Netuid(64): Rao(7)}) == []


def test_writes__one_changed__that_one_alone_in_its_own_slot() -> None:
    prices = PrecompilePrices()
    first = prices.writes({Netuid(64): Rao(7), Netuid(4): Rao(8)})
    (again,) = prices.writes({Netuid(64): Rao(7), Netuid(4): Rao(9)})
    assert again.slot == first[1].slot
    assert first[0].slot != first[1].slot


def test_writes__subnet_gone__written_as_unknown() -> None:
    prices = PrecompilePrices()
    prices.writes({Netuid(64): Rao(7)})
    (gone,) = prices.writes({})
    assert int(gone.value, 16) == 0
    assert prices.writes({}) == []
