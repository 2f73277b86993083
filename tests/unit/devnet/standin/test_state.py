import pytest

from devnet.standin.runtime import RuntimeProfile
from devnet.standin.runtime_calls import PRICE_ALL, RuntimeCallError, call_runtime
from devnet.standin.state import MarketOverride, state_at
from devnet.standin.storage import snapshot
from devnet.tape import Tape, TapeRow
from units import BlockNumber, Netuid, Rao, Timestamp

SYNTHETIC = RuntimeProfile.synthetic()
TAPE = Tape.of_rows(
    [
        TapeRow(
            block=BlockNumber(5_000 + 10 * row),
            time=Timestamp(1_000_000 + 120 * row),
            prices={Netuid(64): Rao(200 + row)} | ({Netuid(75): Rao(9)} if row else {}),
        )
        for row in range(3)
    ]
)
BLOCK = BlockNumber(5_015)


def price_of(netuid: int, *overrides: MarketOverride, block: int = BLOCK) -> int:
    state = state_at(TAPE, overrides, BlockNumber(block))
    arguments = netuid.to_bytes(2, "little")
    encoded = call_runtime(
        "SwapRuntimeApi_current_alpha_price", arguments, state=state, profile=SYNTHETIC
    )
    return int.from_bytes(encoded, "little")


def all_prices(*overrides: MarketOverride, block: int = BLOCK) -> dict[int, int]:
    state = state_at(TAPE, overrides, BlockNumber(block))
    encoded = call_runtime(PRICE_ALL, b"", state=state, profile=SYNTHETIC)
    assert encoded[0] == len(encoded) // 10 << 2
    cut = [encoded[at : at + 10] for at in range(1, len(encoded), 10)]
    return {int.from_bytes(one[:2], "little"): int.from_bytes(one[2:], "little") for one in cut}


def override(
    netuid: int = 64,
    *,
    last: int | None = None,
    exists: bool | None = None,
    price: int | None = None,
    mechanism: int | None = None,
    registered_at: int | None = None,
) -> MarketOverride:
    return MarketOverride(
        netuid=Netuid(netuid),
        first=BlockNumber(5_012),
        last=None if last is None else BlockNumber(last),
        exists=exists,
        price=None if price is None else Rao(price),
        mechanism=mechanism,
        registered_at=None if registered_at is None else BlockNumber(registered_at),
    )


def test_prices__at_a_block__are_the_tapes_and_the_root_is_one_tao() -> None:
    assert all_prices() == {0: 10**9, 64: 201, 75: 9}
    assert all_prices(block=5_003) == {0: 10**9, 64: 200}


def test_prices__before_the_tape__are_those_of_its_first_row() -> None:
    assert all_prices(block=4_900) == {0: 10**9, 64: 200}
    assert state_at(TAPE, (), BlockNumber(4_900)).time == 1_000_000 - 100 * 12


def test_price__of_one_subnet__is_one_tao_where_none_exists() -> None:
    assert price_of(64) == 201
    assert price_of(999) == 10**9


def test_override__liar__tells_another_price_from_its_first_block_to_its_last() -> None:
    lie = override(price=7, last=5_014)
    assert [price_of(64, lie, block=block) for block in (5_011, 5_012, 5_014, 5_015)] == [
        201,
        7,
        7,
        201,
    ]


def test_override__removed__is_gone_from_prices_and_storage() -> None:
    gone = override(exists=False)
    assert 64 not in all_prices(gone)
    before = snapshot(state_at(TAPE, (), BLOCK), SYNTHETIC)
    after = snapshot(state_at(TAPE, (gone,), BLOCK), SYNTHETIC)
    of_64 = {key for key in before if key[32:].endswith(b"\x40\x00")}
    assert len(of_64) == 9
    assert after.keys() == before.keys() - of_64


def test_override__mechanism_0__prices_it_at_one_tao() -> None:
    assert price_of(64, override(mechanism=0)) == 10**9


def test_override__zero_price__is_an_empty_pool() -> None:
    assert price_of(64, override(price=0)) == 0


def test_override__registered_again__changes_the_registration_alone() -> None:
    state = state_at(TAPE, (override(registered_at=5_012),), BLOCK)
    assert state.subnets[Netuid(64)].registered_at == 5_012
    assert state.subnets[Netuid(64)].price == 201


def test_override__several__later_ones_go_on_top() -> None:
    assert price_of(64, override(price=5), override(price=6)) == 6
    assert price_of(64, override(exists=False), override(exists=True, price=6)) == 6


def test_override__of_a_subnet_that_is_not_there__adds_none_unless_asked() -> None:
    assert 5 not in all_prices(override(5, price=3))
    assert all_prices(override(5, exists=True, price=3))[5] == 3


def test_storage__what_is_stored__follows_price_and_registration() -> None:
    state = state_at(TAPE, (), BLOCK)
    values = snapshot(state, SYNTHETIC)
    assert state.subnets[Netuid(75)].registered_at == 5_010
    sorted_values = sorted(value.hex() for value in values.values())
    assert (5_010).to_bytes(8, "little").hex() in sorted_values
    assert (state.time * 1000).to_bytes(8, "little").hex() in sorted_values


def test_storage__item_that_the_runtime_does_not_know__is_not_stored() -> None:
    state = state_at(TAPE, (), BLOCK)
    old = RuntimeProfile(
        metadata=SYNTHETIC.metadata + b"\x38AlphaSqrtPrice", spec_version=1, has_price_api=False
    )
    assert len(snapshot(state, old)) == len(snapshot(state, SYNTHETIC)) + len(state.subnets)


def test_call__without_price_api__is_refused_as_a_node_does() -> None:
    state = state_at(TAPE, (), BLOCK)
    old = RuntimeProfile.synthetic(has_price_api=False)
    with pytest.raises(RuntimeCallError, match=f"Exported method {PRICE_ALL} is not found"):
        call_runtime(PRICE_ALL, b"", state=state, profile=old)
    with pytest.raises(RuntimeCallError, match="Exported method No_such is not found"):
        call_runtime("No_such", b"", state=state, profile=SYNTHETIC)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (PRICE_ALL, b"\x00"),
        ("SwapRuntimeApi_current_alpha_price", b"\x00"),
        ("Metadata_metadata_at_version", b"\x0e\x00"),
        ("Core_version", b"\x01"),
    ],
)
def test_call__arguments_of_another_length__is_refused(name: str, arguments: bytes) -> None:
    with pytest.raises(RuntimeCallError, match="Bad input data"):
        call_runtime(name, arguments, state=state_at(TAPE, (), BLOCK), profile=SYNTHETIC)
