import pytest

from devnet import scale
from devnet.standin.chain import Chain, UnknownBlockError
from units import BlockNumber


def chain(origin: int = 5_000_000, *, name: str = "Bittensor", best: int | None = None) -> Chain:
    made = Chain(name=name, origin=BlockNumber(origin))
    made.extend(BlockNumber(origin + 50 if best is None else best))
    return made


def test_header__of_every_block__hashes_to_its_hash_and_names_its_parent() -> None:
    made = chain()
    for number in range(5_000_001, 5_000_051):
        header = made.header(BlockNumber(number))
        assert header.number == number
        assert "0x" + header.hash().hex() == made.hash_of(BlockNumber(number))
        assert "0x" + header.parent_hash.hex() == made.hash_of(BlockNumber(number - 1))
        assert header.hash() == scale.blake2b_256(header.encode())


def test_hash__two_chains_of_one_name__are_the_same() -> None:
    block = BlockNumber(5_000_040)
    assert chain().hash_of(block) == chain().hash_of(block)
    assert chain().hash_of(block) != chain(name="Other").hash_of(block)
    assert chain().genesis != chain(name="Other").genesis


def test_hash__made_later__does_not_change_earlier_blocks() -> None:
    made = chain()
    before = made.hash_of(BlockNumber(5_000_050))
    made.extend(BlockNumber(5_000_100))
    made.extend(BlockNumber(5_000_020))
    assert made.hash_of(BlockNumber(5_000_050)) == before
    assert made.best == 5_000_100


def test_chain__from_block_1__has_the_genesis_as_parent() -> None:
    made = chain(origin=1, best=3)
    assert "0x" + made.header(BlockNumber(1)).parent_hash.hex() == made.genesis
    assert made.header(BlockNumber(0)).parent_hash == bytes(32)
    assert "0x" + made.header(BlockNumber(0)).hash().hex() == made.genesis


@pytest.mark.parametrize("number", [1, 4_999_999, 5_000_051])
def test_hash__block_that_is_not_there__is_unknown(number: int) -> None:
    with pytest.raises(UnknownBlockError):
        chain().hash_of(BlockNumber(number))
    with pytest.raises(UnknownBlockError):
        chain().header(BlockNumber(number))


def test_number__of_a_hash__is_found_and_a_wrong_hash_is_not() -> None:
    made = chain()
    block_hash = bytes.fromhex(made.hash_of(BlockNumber(5_000_007))[2:])
    assert made.number_of(block_hash) == 5_000_007
    with pytest.raises(UnknownBlockError):
        made.number_of(bytes(32))


def test_reorganise__the_last_blocks__are_others_of_the_same_heights_and_the_old_are_gone() -> None:
    made = chain()
    numbers = [BlockNumber(number) for number in range(5_000_040, 5_000_051)]
    before = {number: made.hash_of(number) for number in numbers}
    for first in (5_000_048, 5_000_045):
        made.reorganise(BlockNumber(first))
        assert made.best == 5_000_050
        for number in numbers:
            header = made.header(number)
            assert "0x" + header.hash().hex() == made.hash_of(number)
            assert "0x" + header.parent_hash.hex() == made.hash_of(BlockNumber(number - 1))
            assert (made.hash_of(number) == before[number]) == (number < first)
    with pytest.raises(UnknownBlockError):
        made.number_of(bytes.fromhex(before[BlockNumber(5_000_050)][2:]))
