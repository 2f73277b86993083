"""Every version reads as a dictionary of its own would, in whatever order they are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.packing import UnrepresentableError, packed, unpacked
from keepers.liquidation.positions import Position
from keepers.liquidation.standing import Terms
from keepers.liquidation.versions import Positions
from tests.unit.keepers.liquidation.examples import PARAMETERS, TAO, changed, position
from units import FundingIndex, Netuid, PositionId, PriceWei

Model = dict[PositionId, Position]

HIGHEST_POOR = 3 * TAO // 5  # maintenance of 3 TAO at the price of their entry
numbers = st.integers(1, 8)
drawn_changes = st.dictionaries(
    numbers,
    st.one_of(
        st.none(),
        st.tuples(
            st.sampled_from([8, 64]),
            st.booleans(),
            st.sampled_from([0, HIGHEST_POOR - TAO // 100, HIGHEST_POOR + TAO // 100]),
        ),
    ),
    max_size=5,
)
AT = {
    Netuid(n): Terms(
        netuid=Netuid(n),
        price=PriceWei(TAO // 10),
        index=FundingIndex(0),
        parameters=PARAMETERS,
    )
    for n in (8, 64)
}


def as_changes(drawn: dict[int, tuple[int, bool, int] | None]) -> dict[PositionId, Position | None]:
    made = {
        number: None if to is None else position(number, netuid=to[0], is_long=to[1], margin=to[2])
        for number, to in drawn.items()
    }
    return {position(number).key.id: to for number, to in made.items()}


def after(model: Model, changed: dict[PositionId, Position | None]) -> Model:
    merged = {**model, **changed}
    return {key: to for key, to in merged.items() if to is not None}


@given(st.lists(st.tuples(st.integers(0, 40), drawn_changes), max_size=12), st.data())
def test_positions__any_tree_of_versions__each_is_its_own_dictionary(
    tree: list[tuple[int, dict[int, tuple[int, bool, int] | None]]], data: st.DataObject
) -> None:
    made: list[tuple[Positions, Model]] = [(Positions.of([]), {})]
    for parent, drawn in tree:
        before, model = made[parent % len(made)]
        changes = as_changes(drawn)
        made.append((changed(before, changes), after(model, changes)))
    for version, model in data.draw(st.permutations(made)):
        assert len(version) == len(model)
        assert dict(version) == model
        assert {p.key.id: p for p in version.each()} == model
        assert all(version.get(position(n).key.id) == model.get(position(n).key.id) for n in AT)
        assert version.count_in(Netuid(8)) == sum(p.netuid == 8 for p in model.values())
        poor = {key for key, p in model.items() if p.margin < HIGHEST_POOR}
        assert {p.key.id for p in version.nominate(AT)} == poor
        assert {p.key.id for p in version.scan(AT)} == poor


def test_each__another_version_is_read_meanwhile__is_an_error_and_no_mixture() -> None:
    before = Positions.of([position(1), position(2)])
    later = changed(before, {position(1).key.id: None})
    walk = before.each()
    next(walk)
    assert len(list(later)) == 1
    with pytest.raises(RuntimeError, match="another version"):
        next(walk)


def test_positions__more_than_the_directory_takes_unsorted__all_are_found() -> None:
    held = {p.key.id: p for p in (position(n) for n in range(1, 9_000))}
    positions = changed(Positions.of([position(0)]), held)
    gone = dict.fromkeys(list(held)[::2])
    positions = changed(positions, gone)
    assert all((positions.get(key) is None) == (key in gone) for key in held)
    assert len(positions) == 9_000 - len(gone)
    assert changed(positions, held) == {**held, position(0).key.id: position(0)}


def test_positions__several_ids_fold_into_one_number__each_is_found() -> None:
    numbers = [(3 << 64) + 5, (5 << 64) + 3, (7 << 64) + 1]  # 3 ^ 5 = 5 ^ 3 = 7 ^ 1
    held = [position(n) for n in numbers]
    ids = [n.to_bytes(16, "big") for n in numbers]
    positions = Positions.of(held)
    assert [positions[PositionId(each)] for each in ids] == held
    assert positions.get(PositionId(((1 << 64) + 7).to_bytes(16, "big"))) is None


unsigned = st.integers(0, 2**128 - 1)


@given(
    st.builds(
        position,
        sequence=st.integers(0, 2**64 - 1),
        holder=st.binary(min_size=20, max_size=20),
        margin=unsigned,
        size=unsigned,
        entry_price=unsigned,
        entry_index=st.integers(-(2**127), 2**127 - 1),
        netuid=st.integers(0, 2**16 - 1),
        is_long=st.booleans(),
    )
)
def test_packed__whatever_the_contract_can_store__comes_back_the_same(held: Position) -> None:
    assert unpacked(packed(held)) == held


@pytest.mark.parametrize(
    "held",
    [
        position(size=2**128),
        position(margin=-1),
        position(sequence=2**64),
        position(entry_index=2**127),
        position(entry_index=-(2**127) - 1),
        position(netuid=2**16),
    ],
)
def test_packed__what_no_exchange_holds__is_refused(held: Position) -> None:
    with pytest.raises(UnrepresentableError):
        packed(held)
