"""Several real stand-ins of one chain, and the quorum over them, on loopback sockets."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from devnet.standin import SubtensorStandIn
from devnet.tape import Tape
from oracle.sources.endpoint import Endpoint
from oracle.sources.policy import SourcePolicy
from oracle.sources.quorum import QuorumPolicy, QuorumSource
from oracle.sources.subtensor import SubtensorEndpoint
from units import BlockHash, BlockNumber, Netuid

QUICK = SourcePolicy(
    request_s_max=10,
    heads_gap_s_max=30,
    metadata_s_max=240,
    backoff_s_first=0.02,
    backoff_s_max=0.05,
)


@dataclass
class Nodes:
    """`all` stand-ins, one operator each; `reported` is what broke, by endpoint."""

    all: list[SubtensorStandIn]
    reported: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, index: int) -> SubtensorStandIn:
        return self.all[index]

    def advance(self, best: int, *, but: Sequence[int] = ()) -> None:
        """Every node but some has blocks up to `best`, and finalizes behind it."""
        for index, node in enumerate(self.all):
            if index not in but:
                node.advance(BlockNumber(best))

    def report(self, name: str) -> Callable[[str], None]:
        return lambda line: self.reported.append((name, line))


@asynccontextmanager
async def nodes_of(tape: Callable[[], Tape], count: int, **options: object) -> AsyncIterator[Nodes]:
    """So many stand-ins of one chain, up and stopped."""
    async with AsyncExitStack() as closing:
        yield Nodes(
            [
                await closing.enter_async_context(SubtensorStandIn(tape(), **options))  # type: ignore[arg-type]
                for _ in range(count)
            ]
        )


@asynccontextmanager
async def quorum_of(
    nodes: Nodes,
    *,
    agreement: int,
    markets: Sequence[Netuid],
    genesis: BlockHash | None = None,
    policy: SourcePolicy = QUICK,
    straggler_s: float = 5.0,
) -> AsyncIterator[QuorumSource]:
    """All of them as one source; `genesis` is the first node's unless given."""
    async with AsyncExitStack() as closing:
        endpoints = []
        for index, node in enumerate(nodes.all):
            name = "abcdefg"[index]
            source = SubtensorEndpoint(
                url=node.url,
                name=name,
                markets=markets,
                policy=policy,
                genesis=genesis or nodes[0].genesis,
                report=nodes.report(name),
            )
            await closing.enter_async_context(source)
            endpoints.append(Endpoint(name=name, operator=name, source=source))
        how = QuorumPolicy(
            agreement=agreement, straggler_s=straggler_s, patience_s=0.5, wrong_chain_rest_s=0.3
        )
        yield await closing.enter_async_context(QuorumSource(endpoints, how))
