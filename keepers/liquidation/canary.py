"""Made-up positions that must be found, or must not: proof that "nobody fell" was looked for.

They are judged at the very prices, indices and parameters at which the open positions are, by the
same ladders and the same exact integers, and are in no book. Pure.
"""

from collections.abc import Iterator, Mapping

from keepers.liquidation.assessment import judge
from keepers.liquidation.positions import Position, PositionKey
from keepers.liquidation.standing import Terms
from keepers.liquidation.versions import Positions
from units import ONE, Netuid, PositionId, PriceWei, Sequence, Wei


def sings(terms: Mapping[Netuid, Terms]) -> bool | None:
    """Whether of each market a long and a short that fell are found and two others are not.

    None where no market can be judged: then nothing is known of anybody.
    """
    if not terms:
        return None
    fallen = {position.key: position for at in terms.values() for position in _fallen(at)}
    sound = {position.key: position for at in terms.values() for position in _sound(at)}
    nominated = Positions.of([*fallen.values(), *sound.values()]).nominate(terms)
    judged = (judge(position, terms[position.netuid]) for position in nominated)
    return {each.position.key for each in judged if each is not None} == fallen.keys()


def _fallen(at: Terms) -> Iterator[Position]:
    """Three times leveraged, entered at half or twice the price: nothing of them is left."""
    yield _position(at, is_long=True, margin=ONE // 3, entry=at.price * 2)
    yield _position(at, is_long=False, margin=ONE // 3, entry=max(at.price // 2, 1))


def _sound(at: Terms) -> Iterator[Position]:
    """Not leveraged, entered at the price: all of their margin is left."""
    yield _position(at, is_long=True, margin=ONE, entry=at.price)
    yield _position(at, is_long=False, margin=ONE, entry=at.price)


def _position(at: Terms, *, is_long: bool, margin: int, entry: int) -> Position:
    name = b"canary" + bytes([is_long, margin == ONE]) + at.netuid.to_bytes(8, "big")
    return Position(
        key=PositionKey(id=PositionId(name), sequence=Sequence(1)),
        holder=bytes(20),
        netuid=at.netuid,
        is_long=is_long,
        margin=Wei(margin),
        size=Wei(ONE),
        entry_price=PriceWei(entry),
        entry_index=at.index,
    )
