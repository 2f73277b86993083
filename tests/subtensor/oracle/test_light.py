"""A light client in a child process: a stand-in behind the same lines, and smoldot offline.

Not tested here, because it needs the network: that smoldot syncs with Bittensor and answers.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from importlib import resources
from pathlib import Path

import pytest

from devnet.standin import SubtensorStandIn
from oracle.quotes import Reading, SourceHead, Trouble, Unavailable
from oracle.sources.client import SourceFailureError
from oracle.sources.light import LightNode
from oracle.sources.policy import SourcePolicy
from oracle.sources.subtensor import SubtensorEndpoint
from tests.subtensor.oracle.test_subtensor import OTHER, SN, START, head_of, made_up
from units import BlockHash, BlockNumber

pytestmark = pytest.mark.subtensor

BRIDGE = Path(__file__).with_name("bridge.py")
POLICY = SourcePolicy(request_s_max=60, backoff_s_first=0.05, backoff_s_max=0.1)

Light = Callable[..., LightNode]


@pytest.fixture
async def node() -> AsyncIterator[SubtensorStandIn]:
    async with SubtensorStandIn(made_up(), start=START) as node:
        yield node


@pytest.fixture
async def light(node: SubtensorStandIn, tmp_path: Path) -> AsyncIterator[Light]:
    """Makes a light client that has what the stand-in has."""
    made: list[LightNode] = []

    def make(
        *,
        peers: int = 3,
        mute: tuple[str, ...] = (),
        genesis: BlockHash | None = None,
        **options: float,
    ) -> LightNode:
        spec = tmp_path / "how.json"
        spec.write_text(json.dumps({"url": node.url, "peers": peers, "mute": mute}))
        made.append(
            LightNode(
                name="own",
                chain_spec=spec,
                genesis=genesis or node.genesis,
                program=BRIDGE,
                **options,
            )
        )
        return made[-1]

    yield make
    for each in made:
        await each.kill()


def endpoint(light: LightNode) -> SubtensorEndpoint:
    return SubtensorEndpoint(light=light, name="own", markets=(SN, OTHER), policy=POLICY)


async def once_started(source: SubtensorEndpoint) -> str:
    """What is missing once the child says something, however long its start takes."""
    async with asyncio.timeout(120):
        while True:
            said = await source.finalized()
            assert isinstance(said, Unavailable), "something is missing"
            if said.detail != "own is starting":
                return said.detail


async def ready(source: SubtensorEndpoint) -> SourceHead:
    """The finalized head once the child has one."""
    async with asyncio.timeout(60):
        while isinstance(head := await source.finalized(), Unavailable):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return head


async def test_endpoint__over_a_light_client__reads_and_follows_as_over_a_socket(
    node: SubtensorStandIn, light: Light
) -> None:
    async with endpoint(light()) as source:
        assert await ready(source) == head_of(node, START - 2)
        said = await source.read(head_of(node, START - 2))
        assert isinstance(said, Reading)
        assert said.prices is not None
        assert said.prices[SN] == made_up().row_at(BlockNumber(START - 2)).prices[SN]
        assert said.identities is not None
        async with aclosing(source.heads()) as heads:
            assert await anext(heads) == head_of(node, START - 2)
            node.advance(BlockNumber(START + 1))
            assert await anext(heads) == head_of(node, START - 1)


async def test_endpoint__the_light_client_has_no_peers__is_away_and_says_so(light: Light) -> None:
    async with endpoint(light(peers=0)) as source:
        assert await once_started(source) == "own has no peers yet"


async def test_endpoint__no_finalized_head_has_come__is_away_though_it_has_peers(
    light: Light,
) -> None:
    async with endpoint(light(mute=("chain_subscribeFinalizedHeads",))) as source:
        assert await once_started(source) == "own has no finalized head yet"


async def test_endpoint__of_another_chain__is_said_as_such(light: Light) -> None:
    async with endpoint(light(genesis=BlockHash("0x" + "ab" * 32))) as source:
        async with asyncio.timeout(60):
            while await trouble_of(source) is Trouble.DOWN:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        assert await trouble_of(source) is Trouble.WRONG_CHAIN


async def trouble_of(source: SubtensorEndpoint) -> Trouble | None:
    said = await source.finalized()
    return said.trouble if isinstance(said, Unavailable) else None


async def test_read__it_hangs_in_one_call__that_read_fails_in_time_and_the_child_lives(
    node: SubtensorStandIn, light: Light
) -> None:
    own = light(mute=("state_call",))
    source = SubtensorEndpoint(
        light=own, name="own", markets=(SN,), policy=SourcePolicy(request_s_max=3)
    )
    async with source:
        head = await ready(source)
        assert isinstance(await source.read(head), Unavailable)
        assert await source.finalized() == head


async def test_connect__it_does_not_even_say_how_it_is__is_killed_and_another_started(
    node: SubtensorStandIn, light: Light
) -> None:
    own = light(mute=("system_health",), start_s_max=1.0)
    with pytest.raises(SourceFailureError, match="own hangs: it was killed"):
        await own.connect(1.0)
    assert own._child is None


async def test_connect__it_takes_long_to_start__is_let_start(tmp_path: Path) -> None:
    program = tmp_path / "slow.py"
    program.write_text("import time\ntime.sleep(60)\n")
    own = LightNode(name="own", chain_spec=tmp_path / "spec", genesis=None, program=program)
    with pytest.raises(SourceFailureError, match="own is starting"):
        await own.connect(0.2)
    child = own._child
    with pytest.raises(SourceFailureError, match="own is starting"):
        await own.connect(0.2)
    assert child is not None
    assert own._child is child
    await own.kill()


async def test_connect__the_program_does_not_work__says_its_last_words(tmp_path: Path) -> None:
    own = LightNode(name="own", chain_spec=tmp_path / "nothing.json", genesis=None)
    with pytest.raises(SourceFailureError, match=r"has ended: .*Unable to resolve chainspec"):
        await own.connect(60.0)
    await own.kill()


async def test_connect__it_tells_people_more_than_a_pipe_holds__answers_all_the_same(
    tmp_path: Path,
) -> None:
    program = tmp_path / "chatty.py"
    program.write_text(
        "import json, sys\n"
        "for _ in range(40):\n"
        "    sys.stderr.write('w' * 2**20)\n"
        "sys.stderr.flush()\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    print(json.dumps({'id': asked['id'], 'result': {'peers': 0}}), flush=True)\n"
    )
    own = LightNode(name="own", chain_spec=tmp_path / "any", genesis=None, program=program)
    with pytest.raises(SourceFailureError, match="own has no peers yet"):
        await own.connect(60.0)
    await own.kill()


async def test_kill__smoldot_itself_without_a_network__has_no_peers_and_dies_at_once(
    tmp_path: Path,
) -> None:
    preset = resources.files("substrateinterface") / "data/chainspecs/paseo.json"
    spec = json.loads(preset.read_text())
    spec["bootNodes"] = []
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps(spec))
    own = LightNode(name="own", chain_spec=alone, genesis=None)
    with pytest.raises(SourceFailureError, match="own has no peers yet"):
        await own.connect(60.0)
    child = own._child
    assert child is not None
    pid = child._process.pid
    async with asyncio.timeout(60):
        await own.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
