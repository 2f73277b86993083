"""What several endpoints said of one height, as one reading: agreed by enough operators, or none.

Pure. An operator has one vote, however many endpoints it runs, and none when they contradict each
other. With more than half of all operators needed there is never a second such reading, and with
at most n - k liars every agreed one was given by an honest endpoint as well. Knows no transport.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oracle.quotes import (
    Depth,
    Identity,
    Quote,
    Reading,
    Standing,
    Trouble,
    Unavailable,
)
from units import Netuid

_STANDINGS = {
    Trouble.DOWN: Standing.UNREACHABLE,
    Trouble.NO_QUORUM: Standing.UNREACHABLE,
    Trouble.LAGGING: Standing.LAGGING,
    Trouble.MALFORMED: Standing.MALFORMED,
    Trouble.WRONG_CHAIN: Standing.WRONG_CHAIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What one endpoint said of a height; `said` is None while it has said nothing."""

    endpoint: str
    operator: str
    said: Reading | Unavailable | None


def agreed(ballots: Sequence[Ballot], needed: int) -> Reading | Unavailable:
    """The reading that enough operators gave, with what everybody said.

    Agreed on is the block (height, hash, time, runtime) with all prices. Identities and depths
    are agreed on by themselves among those: one that is still decoding a new runtime, or reads
    no identities, has given its prices all the same.

    Args:
        ballots: one of each endpoint, all of the same height.
        needed: how many operators must say the same; more than half of all.
    """
    winners = _winners(ballots, needed)
    if not winners:
        return _nothing(ballots, needed)
    readings = [each.said for each in winners if isinstance(each.said, Reading)]
    identities = _common(winners, needed, _identities)
    if isinstance(identities, _Contested):
        return _contested(ballots, winners, needed)
    depths = _common(winners, needed, _depths)
    agreed_on = replace(
        readings[0],
        identities=identities,
        depths=None if isinstance(depths, _Contested) else depths,
        detail="",
    )
    agreed_on = replace(agreed_on, detail=_unchecked(agreed_on, readings))
    liars = _liars(winners, agreed_on)
    return replace(agreed_on, quotes=tuple(_quote(each, winners, liars) for each in ballots))


def too_few(absent: Sequence[Unavailable], answered: int, needed: int) -> Unavailable:
    """Why no height is agreed on, when so many operators gave one and these endpoints did not."""
    detail = "; ".join(each.detail for each in absent)
    if not answered:
        return Unavailable(detail=detail, trouble=_shared(absent))
    text = f"{answered} of the {needed} operators that must agree answered: {detail}"
    return Unavailable(detail=text, trouble=Trouble.NO_QUORUM)


def unheard(ballots: Sequence[Ballot]) -> tuple[Quote, ...]:
    """Those that gave no reading, and why."""
    return tuple(_quote(each, (), ()) for each in ballots if isinstance(each.said, Unavailable))


def is_settled(ballots: Sequence[Ballot], needed: int) -> bool:
    """Whether enough operators agree on block and prices already."""
    return bool(_winners(ballots, needed))


def reached(heights: Mapping[str, int], needed: int) -> int | None:
    """The highest height that enough operators have; None where too few gave one.

    Neither few that boast nor few that lag can move it away from what the others have.

    Args:
        heights: the highest of each operator.
        needed: how many must have it.
    """
    ranked = sorted(heights.values(), reverse=True)
    return ranked[needed - 1] if len(ranked) >= needed else None


def standing_against(said: Reading | Unavailable, agreed_on: Reading) -> Standing:
    """What an answer is worth that came after the others were agreed."""
    if isinstance(said, Unavailable):
        return _STANDINGS[said.trouble]
    is_same = _core(said) == _core(agreed_on) and not _contradicts(said, agreed_on)
    return Standing.AGREES if is_same else Standing.DISAGREES


def dissent(quotes: Sequence[Quote]) -> tuple[str, ...]:
    """A line for every endpoint that did not say what the others did."""
    fine = {Standing.AGREES, Standing.PENDING}
    return tuple(
        f"subtensor {each.endpoint}: {each.standing.value}"
        for each in quotes
        if each.standing not in fine
    )


class _Contested:
    """Two things were said, and neither by enough."""


def _core(reading: Reading) -> Hashable:
    prices = None if reading.prices is None else frozenset(reading.prices.items())
    block = reading.block
    return block.number, block.hash, block.time, block.spec_version, prices


def _identities(reading: Reading) -> Mapping[Netuid, Identity] | None:
    return reading.identities


def _depths(reading: Reading) -> Mapping[Netuid, Depth] | None:
    return reading.depths


def _winners(ballots: Sequence[Ballot], needed: int) -> list[Ballot]:
    """The ballots that enough operators agree on; [] where there are none."""
    votes = [each for each in ballots if isinstance(each.said, Reading)]
    for vote in votes:
        same = [each for each in votes if _same(each, vote)]
        if len(_operators(same) - _operators(_others(votes, same))) >= needed:
            return same
    return []


def _same(one: Ballot, other: Ballot) -> bool:
    assert isinstance(one.said, Reading), "it is a vote"
    assert isinstance(other.said, Reading), "it is a vote"
    return _core(one.said) == _core(other.said)


def _others(votes: Sequence[Ballot], same: Sequence[Ballot]) -> list[Ballot]:
    return [each for each in votes if each not in same]


def _operators(ballots: Sequence[Ballot]) -> set[str]:
    return {each.operator for each in ballots}


def _common(winners: Sequence[Ballot], needed: int, part: Any) -> Any:
    """What enough operators said of one part; None where too few can tell, or `_Contested`."""
    told = [(each, part(each.said)) for each in winners if part(each.said) is not None]
    for _, value in told:
        same = [each for each, other in told if other == value]
        rest = [each for each, other in told if other != value]
        if len(_operators(same) - _operators(rest)) >= needed:
            return value
    return _Contested() if any(value != told[0][1] for _, value in told) else None


def _contradicts(said: Reading, agreed_on: Reading) -> bool:
    """Whether it says something else where something was agreed on; silence is no lie."""
    pairs = (
        (said.identities, agreed_on.identities),
        (said.depths, agreed_on.depths),
    )
    return any(own is not None and its is not None and own != its for own, its in pairs)


def _liars(winners: Sequence[Ballot], agreed_on: Reading) -> list[Ballot]:
    return [
        each
        for each in winners
        if isinstance(each.said, Reading) and _contradicts(each.said, agreed_on)
    ]


def _unchecked(agreed_on: Reading, readings: Sequence[Reading]) -> str:
    """What of the cross-checks is missing, and why; "" when nothing is."""
    what = "identities" if agreed_on.identities is None else "depths"
    if agreed_on.identities is not None and agreed_on.depths is not None:
        return ""
    said = (each.detail for each in readings if getattr(each, what) is None and each.detail)
    return next(said, f"too few operators told the same {what}: they are not checked")


def _nothing(ballots: Sequence[Ballot], needed: int) -> Unavailable:
    """Nobody answered, or too few said the same."""
    has_votes = any(isinstance(each.said, Reading) for each in ballots)
    quotes = tuple(_quote(each, (), ()) for each in ballots)
    said = "; ".join(_words(each) for each in quotes)
    if not has_votes:
        absent = [each.said for each in ballots if isinstance(each.said, Unavailable)]
        return Unavailable(detail=said, trouble=_shared(absent), quotes=quotes)
    detail = f"{needed} operators must say the same: {said}"
    return Unavailable(detail=detail, trouble=Trouble.NO_QUORUM, quotes=quotes)


def _shared(absent: Sequence[Unavailable]) -> Trouble:
    troubles = {each.trouble for each in absent}
    return troubles.pop() if len(troubles) == 1 else Trouble.DOWN


def _contested(ballots: Sequence[Ballot], winners: Sequence[Ballot], needed: int) -> Unavailable:
    """They agree on the prices, and not on whose prices they are: no market can be told apart."""
    quotes = tuple(
        replace(_quote(each, winners, ()), standing=Standing.DISPUTED)
        if each in winners
        else _quote(each, winners, ())
        for each in ballots
    )
    detail = f"no {needed} operators say the same of which subnets stand behind the netuids"
    return Unavailable(detail=detail, trouble=Trouble.NO_QUORUM, quotes=quotes)


def _quote(ballot: Ballot, winners: Sequence[Ballot], liars: Sequence[Ballot]) -> Quote:
    said = ballot.said
    if isinstance(said, Reading):
        return Quote(
            endpoint=ballot.endpoint,
            operator=ballot.operator,
            standing=_standing(ballot, winners, liars),
            hash=said.block.hash,
            prices=said.prices,
            detail=said.detail,
        )
    standing = Standing.PENDING if said is None else _STANDINGS[said.trouble]
    detail = "" if said is None else said.detail
    return Quote(
        endpoint=ballot.endpoint, operator=ballot.operator, standing=standing, detail=detail
    )


def _standing(ballot: Ballot, winners: Sequence[Ballot], liars: Sequence[Ballot]) -> Standing:
    if not winners:
        return Standing.DISPUTED
    is_honest = ballot in winners and ballot not in liars
    return Standing.AGREES if is_honest else Standing.DISAGREES


def _words(quote: Quote) -> str:
    """What one endpoint said, short enough for a line."""
    if quote.hash is not None:
        prices = "no price API" if quote.prices is None else f"{len(quote.prices)} prices"
        return f"{quote.endpoint} has block {quote.hash[:10]} with {prices}"
    detail = quote.detail or quote.standing.value
    return detail if quote.endpoint in detail else f"{quote.endpoint}: {detail}"
