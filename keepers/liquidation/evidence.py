"""What a liquidation was decided on, kept so that anybody can decide it again.

`Grounds` are all that goes into a judgement beside the positions; the engine judges by them, and
`replay` judges by them again, through the same functions. Pure. Knows no chain and no store.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

from keepers.liquidation.assessment import judge
from keepers.liquidation.positions import Market
from keepers.liquidation.selection import Candidate
from keepers.liquidation.standing import Standing, Terms, feed_standing, pushed_standing
from units import BLOCK_TIME, BlockNumber, Head, Netuid, PositionId, PriceWei, Timestamp, Wei

RULE = "below maintenance, version 1"
"""Names the rule by which is judged; counted up when an old record would be judged otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What positions were judged on.

    `head` is the newest block that was known, `book` the block whose end the positions and
    `markets` are of: the same one or its parent. Markets in `pushed` were judged at that price, in
    view of a push whose `source_block` is None where it was taken to be new enough; the others
    at their feed row.
    """

    head: Head
    book: Head
    markets: Mapping[Netuid, Market]
    pushed: Mapping[Netuid, PriceWei]
    source_block: BlockNumber | None = None

    @property
    def lands_at(self) -> Timestamp:
        """The timestamp of the block that the decision lands in."""
        return Timestamp(self.head.time + BLOCK_TIME)

    def standing(self, netuid: Netuid) -> Standing:
        """At which price and index the positions of a market are judged."""
        market, price = self.markets[netuid], self.pushed.get(netuid)
        if price is None:
            return feed_standing(market, self.lands_at)
        return pushed_standing(market, price, self.source_block, self.lands_at)

    def standings(self, netuids: Iterable[Netuid]) -> list[Standing]:
        """The same for several; those that are not listed are left out."""
        return [self.standing(netuid) for netuid in netuids if netuid in self.markets]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Who is below maintenance, most urgent first, and on what grounds.

    `at_stake` is the bad debt expected, by market, if the prices were not pushed: a reason for
    pushing them, not part of what was judged.
    """

    grounds: Grounds
    candidates: tuple[Candidate, ...]
    at_stake: Mapping[Netuid, Wei] = field(default_factory=dict, compare=False)

    @property
    def ids(self) -> tuple[PositionId, ...]:
        """The position ids as the contract takes them."""
        return tuple(candidate.position.key.id for candidate in self.candidates)

    def within(self, netuids: Collection[Netuid]) -> "Judgement":
        """Only those of these markets, which are pushed while the others are not."""
        found = (each for each in self.candidates if each.position.netuid in netuids)
        pushed = {n: price for n, price in self.grounds.pushed.items() if n in netuids}
        return Judgement(grounds=replace(self.grounds, pushed=pushed), candidates=tuple(found))

    def of(self, ids: Iterable[PositionId]) -> "Judgement":
        """Only those of `ids`, with the markets that they are in."""
        chosen = tuple(self._found(frozenset(ids)))
        netuids = dict.fromkeys(candidate.position.netuid for candidate in chosen)
        known = self.grounds
        grounds = replace(
            known,
            markets={netuid: known.markets[netuid] for netuid in netuids},
            pushed={n: known.pushed[n] for n in netuids if n in known.pushed},
        )
        return Judgement(grounds=grounds, candidates=chosen)

    def _found(self, ids: frozenset[PositionId]) -> Iterator[Candidate]:
        """Looks no further than the last of them: those that are sent rank before the rest."""
        left = len(ids)
        for candidate in self.candidates:
            if not left:
                return
            if candidate.position.key.id in ids:
                left -= 1
                yield candidate


def replay(judgement: Judgement) -> tuple[str, ...]:
    """Decides again from the grounds; says where that comes out otherwise, () when it agrees."""
    return tuple(
        f"0x{candidate.position.key.id.hex()}: {difference}"
        for candidate in judgement.candidates
        for difference in _differences(candidate, judgement.grounds)
    )


def _differences(candidate: Candidate, grounds: Grounds) -> Iterator[str]:
    position = candidate.position
    if position.netuid not in grounds.markets:
        yield f"its market {position.netuid} is not in the record"
        return
    standing = grounds.standing(position.netuid)
    if not isinstance(standing, Terms):
        yield f"it cannot be judged: {standing.reason}"
        return
    again = judge(position, standing)
    if again is None:
        yield "it is not below maintenance"
        return
    for each in fields(Candidate):
        recorded, found = getattr(candidate, each.name), getattr(again, each.name)
        if recorded != found:
            yield f"{each.name} is {found}, the record says {recorded}"
