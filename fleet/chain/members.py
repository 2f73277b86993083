"""All nodes of one chain: whom to ask first, who may be asked at all, and how far they are."""

from collections.abc import Iterable, Sequence

from fleet.chain import states
from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import NodeUnavailable, WrongChain
from fleet.chain.member import Identity, Listener, Member, Now
from fleet.chain.states import NodeState, StatePolicy
from units import BlockNumber

_UNABLE = (NodeState.UNREACHABLE, NodeState.WRONG_CHAIN)


class Members:
    """The members in the configured order; `agreement` operators must say the same."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        identity: Identity,
        agreement: int,
        policy: StatePolicy,
        now: Now,
        listener: Listener,
    ) -> None:
        self._agreement = agreement
        self._now = now
        self.all = tuple(
            Member(
                endpoint,
                identity=identity,
                policy=policy,
                now=now,
                newest=self.newest,
                listener=listener,
            )
            for endpoint in endpoints
        )
        if not 1 <= agreement <= self.operators:
            raise ValueError(f"{agreement} of {self.operators} operators must agree")

    @property
    def operators(self) -> int:
        """How many have a say: endpoints of one operator are one witness."""
        return len(by_operator(self.all))

    def preferred(self) -> list[Member]:
        """Those that may be asked now, the best first."""
        awake = [each for each in self.all if not each.is_wrong and not each.is_resting]
        return sorted(awake, key=Member.preference)

    def reachable(self) -> list[Member]:
        """Those of the right chain that answer at all; every such one when none does."""
        right = [each for each in self.all if not each.is_wrong]
        return [each for each in right if each.state is not NodeState.UNREACHABLE] or right

    def newest(self, member: Member, said: BlockNumber) -> BlockNumber | None:
        """The highest block that so many operators have reached, now that `member` says this.

        What it said before no longer counts, nor does a head that has stood still for long: one
        that was made up must not make all others look late.
        """
        others = (each for each in self.all if each is not member and each.state not in _UNABLE)
        known = [
            (each.endpoint.operator, each.standing.head)
            for each in others
            if each.standing.head is not None and not each.is_still
        ]
        return states.newest_reached([*known, (member.endpoint.operator, said)], self._agreement)

    def absence(self, members: Sequence[Member] | None = None) -> NodeUnavailable | WrongChain:
        """Why none, or too few, of these (of all) may be asked now."""
        asked = self.all if members is None else members
        wrong = [f"{each.name} {each.standing.wrong}" for each in asked if each.is_wrong]
        if asked and len(wrong) == len(asked):
            return WrongChain("; ".join(wrong))
        resting = [each for each in asked if each.is_resting and not each.is_wrong]
        waits = [f"{member.name} asked us to wait" for member in resting]
        wait_s = min((each.rests_until - self._now() for each in resting), default=0.0)
        text = "; ".join([*waits, *wrong]) or "no node that fits may be asked"
        return NodeUnavailable(text, retry_after_s=wait_s)


def by_operator(members: Iterable[Member]) -> list[list[Member]]:
    """The members of each operator, in the order of each one's best."""
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.endpoint.operator, []).append(member)
    return list(found.values())
