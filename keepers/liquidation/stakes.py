"""What is at stake when a price is not pushed: the bad debt expected of those it would let fall.

Pure. Why the defaults are what they are: docs/adr/0018-a-push-for-what-is-at-stake.md.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from keepers.liquidation.assessment import judge
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.standing import Terms, feed_standing
from units import ONE, Netuid, Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class StakePolicy:
    """How much a position that falls is expected to cost when it is taken one push later.

    `shortfall_ppm`: millionths of its notional. `dust`: a smaller notional counts for nothing, and
    is liquidated after all others.
    """

    shortfall_ppm: int = 20
    dust: Wei = Wei(ONE)


def at_stake(judgement: Judgement, policy: StakePolicy) -> Mapping[Netuid, Wei]:
    """The bad debt expected, by market, of those who fall at the pushed prices and no others.

    Who is below maintenance at the feed's own price is taken without a push, so it is no reason
    for one. Markets with nothing at stake are left out.
    """
    grounds = judgement.grounds
    standings = {n: feed_standing(grounds.markets[n], grounds.lands_at) for n in grounds.markets}
    expected: Counter[Netuid] = Counter()
    for candidate in judgement.candidates:
        position = candidate.position
        standing = standings[position.netuid]
        stands = isinstance(standing, Terms) and judge(position, standing) is None
        if stands and position.size >= policy.dust:
            expected[position.netuid] += candidate.expected_bad_debt(policy.shortfall_ppm)
    return {netuid: Wei(wei) for netuid, wei in expected.items()}
