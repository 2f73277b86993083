"""A decision can be decided again from its record, and a record that was touched shows it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepers.liquidation.evidence import Judgement, replay
from keepers.liquidation.follower import BookFollower, FollowerPolicy
from keepers.liquidation.records import LiquidationRecord, PriceOrigin, RecordError, read, write
from keepers.liquidation.risk import Exposure, RiskEngine, RiskPolicy
from tests.unit.keepers.liquidation.examples import TAO, judgement, position
from tests.unit.keepers.liquidation.simulated import SimulatedExchange
from units import BlockNumber, Netuid, PositionId, PriceWei, Timestamp

EIGHT = Netuid(8)
CRASH = PriceWei(TAO // 10 * 8 // 10)


def engine_on(exchange: SimulatedExchange) -> RiskEngine:
    follower = BookFollower(log=exchange, policy=FollowerPolicy())
    return RiskEngine(follower=follower, policy=RiskPolicy(answer_s_max=None))


def skewed() -> SimulatedExchange:
    """Two longs and a short, and funding that has moved since the last accrual."""
    exchange = SimulatedExchange()
    exchange.grow(
        lambda block: block.open(8, True, 3 * TAO, 1),
        lambda block: block.open(8, True, 7 * TAO + 1, 2),
        lambda block: block.open(8, False, 2 * TAO, 3),
        lambda block: block.open(64, True, 3 * TAO, 4),
    )
    exchange.grow()
    exchange.grow()
    return exchange


async def falling_at(price: int) -> Judgement:
    exchange = skewed()
    found = await engine_on(exchange).liquidatable_at({EIGHT: PriceWei(price)}, exchange.tip.head)
    assert isinstance(found, Judgement)
    return found


async def test_replay__what_a_push_would_fell__is_decided_the_same_from_the_text() -> None:
    found = await falling_at(CRASH)
    assert len(found.ids) == 2
    again = read(write(LiquidationRecord(judgement=found))).judgement
    assert again.candidates == found.candidates
    assert again.grounds == found.grounds
    assert replay(again) == ()


async def test_replay__what_stands_below_at_the_feed_s_price__is_decided_the_same() -> None:
    exchange = skewed()
    exchange.grow(lambda block: block.push(8, CRASH))
    found = await engine_on(exchange).exposure(exchange.tip.head)
    assert isinstance(found, Exposure)
    assert len(found.candidates) == 2
    again = read(write(LiquidationRecord(judgement=found.judgement))).judgement
    assert again == found.judgement
    assert replay(again) == ()


@given(
    price=st.integers(1, 2 * TAO),
    margin=st.integers(0, 3 * TAO),
    size=st.integers(1, 10**30),
    is_long=st.booleans(),
    index=st.integers(-(10**18), 10**18),
)
def test_replay__any_position_that_was_judged__agrees_after_a_round_trip(
    price: int, margin: int, size: int, is_long: bool, index: int
) -> None:
    chosen = position(margin=margin, size=size, is_long=is_long, entry_index=index)
    found = judgement(chosen, price=price)
    assert replay(read(write(LiquidationRecord(judgement=found))).judgement) == ()


def tampered(change: Callable[[dict[str, Any]], None]) -> tuple[str, ...]:
    document = json.loads(write(LiquidationRecord(judgement=judgement(position(5)))))
    del document["digest"]  # only what contradicts itself is to tell
    change(document)
    return replay(read(json.dumps(document)).judgement)


def of_position(column: str, value: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["positions"][0][document["columns"].index(column)] = value

    return change


def of_market(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda document: change(document["markets"][0])


ID = "0x" + "0" * 31 + "5: "
TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a wei more margin": (
        of_position("margin", str(TAO + 1)),
        f"remaining is {-TAO // 2 + 1}, the record says {-TAO // 2}",
    ),
    "margin enough to be healthy": (
        of_position("margin", str(9 * TAO)),
        "it is not below maintenance",
    ),
    "another entry price": (of_position("entry_price", str(TAO)), "remaining is"),
    "another price": (of_position("price", "7"), f"price is {TAO // 20}, the record says 7"),
    "another pushed price": (
        lambda document: document["pushed"].update({"8": "1"}),
        f"price is 1, the record says {TAO // 20}",
    ),
    "another index": (of_position("index", "1"), "index is 0, the record says 1"),
    "more open interest": (
        of_market(lambda market: market.update(long_open_interest=str(TAO))),
        "index is",
    ),
    "an index that stood elsewhere": (of_market(lambda market: market.update(index="9")), "index"),
    "lower maintenance": (
        of_market(lambda market: market["parameters"].update(maintenance="-9000")),
        "it is not below maintenance",
    ),
    "a suspension by the guardian": (
        of_market(lambda market: market["feed"].update(suspension="1")),
        "it cannot be judged: the market is suspended",
    ),
    "another market": (of_position("netuid", "64"), "its market 64 is not in the record"),
}


@pytest.mark.parametrize(("change", "said"), TAMPERED.values(), ids=list(TAMPERED))
def test_replay__the_record_was_touched__disagrees_and_says_in_what(
    change: Callable[[dict[str, Any]], None], said: str
) -> None:
    found = tampered(change)
    assert any(line.startswith(ID + said) for line in found), found


def test_record__origins_rule_and_numbers_beyond_a_double__survive() -> None:
    record = LiquidationRecord(
        judgement=judgement(position(margin=2**200, size=2**201)),
        origins={EIGHT: PriceOrigin(block=BlockNumber(98), time=Timestamp(7))},
        rule="another rule",
    )
    assert read(write(record)) == record


ORIGIN = PriceOrigin(block=BlockNumber(98), time=Timestamp(7))
SEALED = write(LiquidationRecord(judgement=judgement(position()), origins={EIGHT: ORIGIN}))
WHOLE = SEALED[: SEALED.index(',"digest"')] + "}"


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where each innermost value of a document stands."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(inner, dict | list):
            yield from leaves(inner)
        else:
            yield value, key


def test_read__any_field_was_changed__does_not_pass_for_whole() -> None:
    count = len(list(leaves(json.loads(SEALED))))
    assert count > 50
    for number in range(count):
        document = json.loads(SEALED)
        holder, key = list(leaves(document))[number]
        holder[key] = not holder[key] if isinstance(holder[key], bool) else f"{holder[key]}1"
        assert not is_whole(json.dumps(document))


def is_whole(text: str) -> bool:
    try:
        return read(text).is_sealed
    except RecordError:
        return False


def test_read__laid_out_otherwise__is_the_same_record() -> None:
    assert read(json.dumps(json.loads(SEALED), indent=2)) == read(SEALED)
    assert read(SEALED).is_sealed


def test_read__without_a_digest__says_so() -> None:
    assert read(WHOLE) == replace(read(SEALED), is_sealed=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        WHOLE.replace('"number":"1000"', '"number":"1_000"'),
        WHOLE.replace('"time":"1760000000"', '"time":"999999999999"'),
        WHOLE.replace('"funding_interval":"28800"', '"funding_interval":"0"'),
        WHOLE.replace('"100000000000000000","0","5', '"0","0","5'),
        WHOLE.replace('"entry_price"', '"price_of_entry"'),
    ],
)
def test_read__something_else__is_refused(text: str) -> None:
    assert text != WHOLE
    with pytest.raises(RecordError, match="not a record"):
        read(text)


def test_of__a_few_of_many__has_only_their_markets_and_prices() -> None:
    whole = judgement(*(position(number) for number in range(1, 6)))
    markets = {**whole.grounds.markets, Netuid(64): whole.grounds.markets[EIGHT]}
    pushed = {**whole.grounds.pushed, Netuid(64): PriceWei(1)}
    wide = replace(whole, grounds=replace(whole.grounds, markets=markets, pushed=pushed))
    chosen = wide.of([PositionId((4).to_bytes(16, "big")), PositionId((2).to_bytes(16, "big"))])
    assert [candidate.position for candidate in chosen.candidates] == [position(2), position(4)]
    assert chosen.grounds == whole.grounds
