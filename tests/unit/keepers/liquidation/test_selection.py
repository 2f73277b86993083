from hypothesis import example, given
from hypothesis import strategies as st

from keepers.liquidation.gas import GasModel
from keepers.liquidation.selection import Candidate, SelectionPolicy, rank, select
from tests.unit.keepers.liquidation.examples import TAO, head_at, position
from units import Bps, FundingIndex, PriceWei, Wei

HEAD = head_at(1_000)
GAS = GasModel(intercept=0, liquidation_intercept=100_000, id_slope=40_000, update_slope=0)


def candidate(number: int, *, remaining: int = 0, size: int = 3 * TAO) -> Candidate:
    return Candidate(
        position=position(number, size=size),
        price=PriceWei(TAO // 10),
        index=FundingIndex(0),
        remaining=remaining,
    )


def test_rank__mixed__takes_bad_debt_first_then_size_then_id() -> None:
    small, large = candidate(1, size=TAO), candidate(2, size=5 * TAO)
    indebted, deeply = candidate(3, remaining=-1), candidate(4, remaining=-2, size=TAO)
    twin = candidate(5, size=5 * TAO)
    assert rank([twin, small, large, indebted, deeply]) == (deeply, indebted, large, twin, small)


def test_rank__solvent_with_more_and_less_left__ignores_what_is_left() -> None:
    first, second = candidate(1, remaining=500), candidate(2, remaining=5)
    assert rank([second, first]) == (first, second)


def test_rank__dust_with_bad_debt__comes_after_everybody_who_is_none() -> None:
    dust = [candidate(n, remaining=-n, size=TAO - 1) for n in range(1, 2_000)]
    whole = [candidate(3_000, size=TAO), candidate(3_001, remaining=-1, size=TAO)]
    ranked = rank([*dust, *whole], dust=Wei(TAO))
    assert ranked[:2] == (whole[1], whole[0])
    assert [each.remaining for each in ranked[2:5]] == [-1_999, -1_998, -1_997]


def test_rank__a_crowd_with_a_little_bad_debt__comes_after_one_of_whom_more_is_expected() -> None:
    crowd = [candidate(n, remaining=-n, size=TAO) for n in range(1, 400)]
    whale = candidate(500, remaining=10**18, size=1_000 * TAO)  # 20 ppm of it are 0.02 TAO
    deep = candidate(501, remaining=-(TAO // 50) - 1, size=TAO)
    ranked = rank([*crowd, whale, deep], dust=Wei(TAO), shortfall_ppm=20)
    assert ranked[:2] == (deep, whale)
    assert rank([*crowd, whale], dust=Wei(TAO))[-1] == whale, "without it the crowd goes first"


def test_select__a_block_full_of_dust__the_large_position_is_in_the_first_batch() -> None:
    crowd = [candidate(n, remaining=-n, size=TAO // 10) for n in range(1, 2_000)]
    large = candidate(3_000, size=50 * TAO)
    ranked = rank([*crowd, large], dust=Wei(TAO))
    selection = select(ranked, head=HEAD, policy=SelectionPolicy(), gas=GAS)
    assert selection.batches[0].keys[0] == large.position.key
    assert len(selection.deferred) > 0


def test_select__more_than_a_transaction_takes__makes_several() -> None:
    policy = SelectionPolicy(ids_max=3)
    ranked = [candidate(n) for n in range(1, 8)]
    selection = select(ranked, head=HEAD, policy=policy, gas=GAS)
    assert [len(batch.keys) for batch in selection.batches] == [3, 3, 1]
    assert [batch.gas_limit for batch in selection.batches] == [286_000, 286_000, 182_000]
    assert selection.deferred == ()
    assert selection.batches[0].ids == tuple(c.position.key.id for c in ranked[:3])
    assert selection.batches[0].head == HEAD


def test_select__nobody_falls__makes_no_batch() -> None:
    selection = select([], head=HEAD, policy=SelectionPolicy(), gas=GAS)
    assert selection.batches == ()


@given(
    count=st.integers(0, 40),
    ids_max=st.integers(1, 10),
    share=st.integers(0, 10_000),
    block_gas=st.integers(0, 5_000_000),
)
@example(count=9, ids_max=3, share=5_000, block_gas=1_400_000)  # the third batch has no room
def test_select__any_limits__keeps_them_and_loses_nobody(
    count: int, ids_max: int, share: int, block_gas: int
) -> None:
    policy = SelectionPolicy(ids_max=ids_max, block_gas_limit=block_gas, gas_share=Bps(share))
    ranked = [candidate(n) for n in range(1, count + 1)]
    selection = select(ranked, head=HEAD, policy=policy, gas=GAS)
    taken = [key for batch in selection.batches for key in batch.keys]
    assert taken + [c.position.key for c in selection.deferred] == [c.position.key for c in ranked]
    assert all(0 < len(batch.keys) <= ids_max for batch in selection.batches)
    spent = sum(batch.gas_limit for batch in selection.batches)
    assert spent <= policy.gas_max
    if selection.deferred:
        assert GAS.limit(ids=1) > policy.gas_max - spent
