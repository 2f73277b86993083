import asyncio

from oracle.sources.client import SourceFailureError
from oracle.sources.layouts import RuntimeLayouts, SharedDecoding
from oracle.sources.policy import SourcePolicy
from oracle.sources.runtime import Layout, NoLayout, layout_from
from tests.unit.oracle.sources.test_runtime import ITEMS
from units import BlockHash

AT = BlockHash("0x" + "00" * 32)


class Decoder:
    """Decodes when it is told to."""

    def __init__(self) -> None:
        self.fetched: list[BlockHash] = []
        self.decoded: list[int] = []
        self.failure: SourceFailureError | None = None
        self.may_finish = asyncio.Event()

    async def fetch(self, block: BlockHash) -> str:
        self.fetched.append(block)
        if self.failure is not None:
            raise self.failure
        return "0x"

    async def decode(self, spec_version: int, _metadata: str) -> Layout:
        await self.may_finish.wait()
        self.decoded.append(spec_version)
        return layout_from(spec_version, ITEMS)

    def layouts(self, tasks: asyncio.TaskGroup, policy: SourcePolicy) -> RuntimeLayouts:
        return RuntimeLayouts(tasks=tasks, fetch=self.fetch, decode=self.decode, policy=policy)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_at__the_first_runtime__is_waited_for() -> None:
    decoder = Decoder()
    decoder.may_finish.set()
    async with asyncio.TaskGroup() as tasks:
        layouts = decoder.layouts(tasks, SourcePolicy())
        assert await layouts.at(343, AT) == layout_from(343, ITEMS)
        assert await layouts.at(343, AT) == layout_from(343, ITEMS)
    assert decoder.decoded == [343]


async def test_at__an_upgrade__does_not_wait_and_never_uses_the_old_layout() -> None:
    decoder = Decoder()
    decoder.may_finish.set()
    async with asyncio.TaskGroup() as tasks:
        layouts = decoder.layouts(tasks, SourcePolicy())
        await layouts.at(343, AT)
        decoder.may_finish.clear()
        for _ in range(3):
            layout = await layouts.at(424, AT)
            assert isinstance(layout, NoLayout)
            assert "runtime 424 is being decoded" in layout.detail
        decoder.may_finish.set()
        await settle()
        assert await layouts.at(424, AT) == layout_from(424, ITEMS)
    assert decoder.decoded == [343, 424]


async def test_at__lock_step__waits_for_an_upgrade_too() -> None:
    decoder = Decoder()
    decoder.may_finish.set()
    async with asyncio.TaskGroup() as tasks:
        layouts = decoder.layouts(tasks, SourcePolicy(upgrade_wait_s_max=30))
        await layouts.at(343, AT)
        assert await layouts.at(424, AT) == layout_from(424, ITEMS)


async def test_at__the_metadata_does_not_come__is_tried_again_at_the_next_block() -> None:
    decoder = Decoder()
    decoder.may_finish.set()
    decoder.failure = SourceFailureError("cut")
    async with asyncio.TaskGroup() as tasks:
        layouts = decoder.layouts(tasks, SourcePolicy())
        layout = await layouts.at(343, AT)
        assert isinstance(layout, NoLayout)
        assert "was not decoded" in layout.detail
        decoder.failure = None
        assert await layouts.at(343, AT) == layout_from(343, ITEMS)


async def test_at__decoding_takes_too_long__goes_on_without() -> None:
    decoder = Decoder()
    async with asyncio.TaskGroup() as tasks:
        layouts = decoder.layouts(tasks, SourcePolicy(metadata_s_max=0.01))
        assert isinstance(await layouts.at(343, AT), NoLayout)


async def test_close__while_decoding__ends_it() -> None:
    decoder = Decoder()
    async with asyncio.TaskGroup() as tasks:
        layouts = decoder.layouts(tasks, SourcePolicy(metadata_s_max=0.01))
        await layouts.at(343, AT)
        layouts.close()
    assert decoder.decoded == []


async def test_shared_decoding__several_endpoints_with_the_same_metadata__decode_once() -> None:
    decoded: list[tuple[int, str]] = []

    async def decode(spec_version: int, metadata: str) -> Layout:
        decoded.append((spec_version, metadata))
        await asyncio.sleep(0)
        return NoLayout(spec_version=spec_version, detail=metadata)

    shared = SharedDecoding(decode)
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(shared(343, "0x00")) for _ in range(3)]
        other = tasks.create_task(shared(343, "0x01"))
    assert {task.result().detail for task in asked} == {"0x00"}
    assert other.result().detail == "0x01"
    assert decoded == [(343, "0x00"), (343, "0x01")]
