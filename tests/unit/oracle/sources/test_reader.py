import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import Any

import pytest

from devnet import scale
from oracle.quotes import Depth, Identity
from oracle.sources.answers import MalformedAnswerError
from oracle.sources.client import RefusedError, SourceFailureError
from oracle.sources.layouts import RuntimeLayouts
from oracle.sources.policy import SourcePolicy
from oracle.sources.reader import BlockReader
from oracle.sources.runtime import Layout, NoLayout, layout_from
from oracle.sources.storage_keys import storage_prefix
from tests.unit.oracle.simulated import source_head
from tests.unit.oracle.sources.node import TableNode
from tests.unit.oracle.sources.test_runtime import ITEMS
from units import BlockHash, BlockNumber, Netuid, Rao

SN = Netuid(64)
HEAD = source_head(5_000)
NOW = storage_prefix("Timestamp", "Now")
LAST_UPGRADE = storage_prefix("System", "LastRuntimeUpgrade")
NO_API = RefusedError(
    "state_call was refused: {'code': -32000, 'message': 'Client error: Execution failed: Other: "
    "Exported method SwapRuntimeApi_current_alpha_price_all is not found'}"
)
NO_STATE = RefusedError(
    "state_call was refused: {'code': 4003, 'message': 'Client error: Api called for an unknown "
    "Block: State already discarded for 0x00'}"
)


def stored(spec_version: int = 424, *, now_ms: int = 1_741_306_776_001) -> dict[bytes, bytes]:
    items = layout_from(spec_version, ITEMS).items
    return {
        NOW: scale.u64(now_ms),
        LAST_UPGRADE: scale.compact(spec_version) + scale.text("node-subtensor"),
        items["NetworksAdded"].key(SN): scale.boolean(True),
        items["NetworkRegisteredAt"].key(SN): scale.u64(77),
        items["SubnetMechanism"].key(SN): scale.u16(1),
        items["SubnetTAO"].key(SN): scale.u64(5),
        items["SubnetAlphaIn"].key(SN): scale.u64(6),
    }


class Chain:
    """A node with one block, and a reader of it."""

    def __init__(self, tasks: asyncio.TaskGroup, policy: SourcePolicy | None = None) -> None:
        self.values = stored()
        self.node = TableNode(
            answers={
                "state_call": "0x" + scale.vector([scale.u16(SN) + scale.u64(7)]).hex(),
                "state_queryStorageAt": self.query,
            }
        )
        policy = policy or SourcePolicy()
        self.reader = BlockReader(
            connect=self.node.connect, throttle=nullcontext(), markets=[SN], policy=policy
        )
        self.layouts = RuntimeLayouts(
            tasks=tasks, fetch=self.metadata, decode=self.decode, policy=policy
        )
        self.items: dict[str, Any] = dict(ITEMS)

    async def query(self, params: Sequence[Any]) -> Any:
        keys = [bytes.fromhex(key[2:]) for key in params[0]]
        changes = [
            ["0x" + key.hex(), "0x" + self.values[key].hex() if key in self.values else None]
            for key in keys
        ]
        return [{"block": params[1], "changes": changes}]

    async def metadata(self, _block: BlockHash) -> str:
        return "0x"

    async def decode(self, spec_version: int, _metadata: str) -> Layout:
        return layout_from(spec_version, self.items)


async def test_read__a_block__prices_identities_time_and_runtime_are_those_of_that_block() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        said = await chain.reader.read(HEAD, chain.layouts)
    assert said.prices == {SN: 7}
    assert said.identities == {
        SN: Identity(exists=True, registered_at=BlockNumber(77), mechanism=1)
    }
    assert said.depths == {SN: Depth(tao=Rao(5), alpha=6)}
    assert (said.block.number, said.block.hash) == (HEAD.number, HEAD.hash)
    assert (said.block.time, said.block.spec_version) == (1_741_306_776, 424)
    assert said.detail == ""
    assert all(params[-1] == HEAD.hash for _, params in chain.node.asked)


async def test_read__once_the_runtime_is_known__costs_two_requests() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        await chain.reader.read(HEAD, chain.layouts)
        chain.node.asked.clear()
        await chain.reader.read(HEAD, chain.layouts)
    assert chain.node.methods() == ["state_call", "state_queryStorageAt"]
    assert len(chain.node.connections) == 1


async def test_read__a_chain_that_was_never_upgraded__is_asked_for_its_version() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        del chain.values[LAST_UPGRADE]
        chain.node.answers["state_getRuntimeVersion"] = {"specVersion": 9001}
        said = await chain.reader.read(HEAD, chain.layouts)
    assert said.block.spec_version == 9001
    assert said.identities is not None


async def test_read__the_runtime_has_no_price_api__prices_are_none_and_identities_are_there() -> (
    None
):
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        chain.node.answers["state_call"] = NO_API
        said = await chain.reader.read(HEAD, chain.layouts)
    assert said.prices is None
    assert said.identities is not None
    assert len(chain.node.connections) == 1


async def test_read__the_state_is_gone__is_a_failure_and_not_a_missing_api() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        chain.node.answers["state_call"] = NO_STATE
        with pytest.raises(RefusedError, match="already discarded"):
            await chain.reader.read(HEAD, chain.layouts)


async def test_read__an_item_is_missing__prices_go_on_without_identities() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        chain.items["NetworkRegisteredAt"] = None
        said = await chain.reader.read(HEAD, chain.layouts)
    assert said.prices == {SN: 7}
    assert said.identities is None
    assert "NetworkRegisteredAt" in said.detail


async def test_read__an_upgrade__identities_pause_and_come_back_with_the_new_layout() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        await chain.reader.read(HEAD, chain.layouts)
        chain.values = stored(425)
        said = await chain.reader.read(HEAD, chain.layouts)
        assert said.prices == {SN: 7}
        assert said.identities is None
        assert "425" in said.detail
        for _ in range(10):
            await asyncio.sleep(0)
        assert (await chain.reader.read(HEAD, chain.layouts)).identities is not None


@pytest.mark.parametrize(
    ("method", "answer", "error"),
    [
        ("state_call", SourceFailureError("cut"), SourceFailureError),
        ("state_call", None, MalformedAnswerError),
        ("state_queryStorageAt", SourceFailureError("cut"), SourceFailureError),
        ("state_queryStorageAt", [], MalformedAnswerError),
    ],
)
async def test_read__any_failure__raises_and_the_next_read_uses_another_connection(
    method: str, answer: Any, error: type[Exception]
) -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        good = dict(chain.node.answers)
        chain.node.answers[method] = answer
        with pytest.raises(error):
            await chain.reader.read(HEAD, chain.layouts)
        chain.node.answers = good
        assert (await chain.reader.read(HEAD, chain.layouts)).prices == {SN: 7}
    assert len(chain.node.connections) == 2
    assert chain.node.connections[0].is_aborted


async def test_read__no_timestamp__is_malformed() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        del chain.values[NOW]
        with pytest.raises(MalformedAnswerError, match="timestamp"):
            await chain.reader.read(HEAD, chain.layouts)


async def test_read__the_node_does_not_answer__gives_up_and_throws_the_connection_away() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks, SourcePolicy(request_s_max=0.01))
        never = asyncio.Event()
        chain.node.answers["state_call"] = lambda _: never.wait()
        with pytest.raises(SourceFailureError, match="no answer to state_call in time"):
            await chain.reader.read(HEAD, chain.layouts)
    assert chain.node.connections[0].is_aborted


async def test_read__the_node_is_down__says_so() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        chain.node.is_down = True
        with pytest.raises(SourceFailureError, match="refused"):
            await chain.reader.read(HEAD, chain.layouts)


async def test_head__a_height_that_the_node_does_not_have__is_malformed() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        chain.node.answers["chain_getBlockHash"] = None
        with pytest.raises(MalformedAnswerError):
            await chain.reader.head(BlockNumber(1))


class Counted:
    """A throttle that counts who comes through."""

    entered = 0

    async def __aenter__(self) -> None:
        self.entered += 1

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


async def test_read__a_throttle__is_passed_once_a_request() -> None:
    throttle = Counted()
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        reader = BlockReader(
            connect=chain.node.connect, throttle=throttle, markets=[SN], policy=SourcePolicy()
        )
        await reader.read(HEAD, chain.layouts)
    assert throttle.entered == len(chain.node.asked)


async def test_read__layout_never_known__asks_for_no_identity() -> None:
    async def undecodable(spec_version: int, _metadata: str) -> Layout:
        return NoLayout(spec_version=spec_version, detail="metadata of version 16")

    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        layouts = RuntimeLayouts(
            tasks=tasks, fetch=chain.metadata, decode=undecodable, policy=SourcePolicy()
        )
        said = await chain.reader.read(HEAD, layouts)
    assert said.identities is None
    assert said.detail == "metadata of version 16"
    (keys, _) = chain.node.asked[1][1]
    assert len(keys) == 2


async def test_read__given_up_while_another_has_its_turn__does_not_cut_the_other_off() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        go_on = asyncio.Event()
        prices = chain.node.answers["state_call"]

        async def slowly(_params: Sequence[Any]) -> Any:
            await go_on.wait()
            return prices

        chain.node.answers["state_call"] = slowly
        first = tasks.create_task(chain.reader.read(HEAD, chain.layouts))
        second = tasks.create_task(chain.reader.read(HEAD, chain.layouts))
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0.01)
        go_on.set()
        assert (await first).prices == {SN: 7}
    assert not chain.node.connections[0].is_aborted


async def test_read__a_time_that_no_calendar_has__is_malformed() -> None:
    async with asyncio.TaskGroup() as tasks:
        chain = Chain(tasks)
        chain.values[NOW] = (1 << 60).to_bytes(8, "little")
        with pytest.raises(MalformedAnswerError):
            await chain.reader.read(HEAD, chain.layouts)
