"""Node, its refusals and its heads against anvil."""

import asyncio
from collections.abc import Callable

import pytest

from devnet.accounts import Unsigned, account_of, sign
from devnet.faults.faults import Boast, NoLogs, Stale
from devnet.faults.plan import Plan, Rule
from devnet.faults.proxy import running_proxy
from fleet.chain.failures import CallReverted, ChainError, LogsTooOld, StateUnavailable, WrongChain
from fleet.chain.heads import EthHeads, HeadPolicy
from fleet.chain.lineage import Advance, Change, Reorg, Withdrawal
from fleet.chain.node import Node
from fleet.chain.nonces import Nonces
from fleet.chain.pool import Pool
from fleet.chain.rejections import Verdict
from fleet.chain.subscription import Socket
from fleet.chain.tracing import Tracer
from tests.anvil.fleet.ground import COUNTER, GENESIS, GWEI, KEY, Ground, open_endpoint, open_node
from units import Address, BlockHash, BlockNumber, Head, TxHash, Wei

pytestmark = pytest.mark.anvil

NOBODY = Address("0x00000000000000000000000000000000000000aA")
LOGGER = Address("0x0000000000000000000000000000000000001002")


def raw(**changes: int) -> bytes:
    plain = {"nonce": 0, "gas": 100_000, "gas_price": 20 * GWEI, "value": 0}
    fields = plain | changes
    unsigned = Unsigned(
        to=COUNTER,
        data=b"",
        nonce=fields["nonce"],
        gas=fields["gas"],
        gas_price=Wei(fields["gas_price"]),
        value=Wei(fields["value"]),
    )
    return bytes.fromhex(sign(account_of(KEY), unsigned).removeprefix("0x"))


async def verdict(ground: Ground, signed: bytes) -> Verdict:
    return (await ground.node.send_raw(signed)).verdict


async def test_send_raw__every_refusal__is_understood(ground: Ground) -> None:
    await ground.seal()
    assert await verdict(ground, raw(gas_price=GWEI)) == "fee too low"
    assert await verdict(ground, raw(value=10**22)) == "insufficient funds"
    assert await verdict(ground, raw(gas=20_000)) == "invalid"
    assert await verdict(ground, raw(gas=80_000_000)) == "invalid"
    assert await verdict(ground, b"\x01\x02") == "invalid"
    assert await verdict(ground, raw()) == "accepted"
    assert await verdict(ground, raw()) == "already known"
    assert await verdict(ground, raw(gas_price=19 * GWEI)) == "replacement underpriced"
    await ground.seal()
    assert await verdict(ground, raw()) == "nonce too low"


async def test_head_and_finalized__two_blocks_apart(ground: Ground) -> None:
    assert await ground.node.finalized() is None
    for _ in range(5):
        head = await ground.seal()
    finalized = await ground.node.finalized()
    assert finalized is not None
    assert finalized.number == head.number - 2
    assert await ground.node.block(finalized.number) == finalized
    assert await ground.node.block(BlockNumber(head.number + 1)) is None


async def test_call__pinned_to_a_block__sees_that_block(ground: Ground) -> None:
    head = await ground.seal()
    await ground.seal()
    await ground.make_counter_revert()
    await ground.seal()
    assert await ground.node.call(COUNTER, b"", head.number) == b""
    with pytest.raises(CallReverted) as reverted:
        await ground.node.call(COUNTER, b"", "latest")
    assert reverted.value.data == bytes.fromhex("deadbeef")


async def test_call__block_is_not_there__state_unavailable(ground: Ground) -> None:
    head = await ground.seal()
    with pytest.raises(StateUnavailable):
        await ground.node.call(COUNTER, b"", BlockNumber(head.number + 5))


async def test_check__anvil_of_another_chain__refused(ground: Ground) -> None:
    wrong = Node(Pool([open_endpoint(ground.url)], chain_id=945))
    with pytest.raises(WrongChain, match="serves chain 964, not 945"):
        await wrong.check()
    await wrong.close()
    await ground.node.check()


async def test_logs__of_some_blocks__raw_with_their_block_hash(ground: Ground) -> None:
    await ground.lever.call("anvil_setCode", LOGGER, "0x602a60005260206000a000")  # log0(42)
    heads: list[Head] = []
    for nonce in range(3):
        unsigned = Unsigned(to=LOGGER, data=b"", nonce=nonce, gas=50_000, gas_price=Wei(20 * GWEI))
        await ground.lever.call("eth_sendRawTransaction", sign(account_of(KEY), unsigned))
        heads.append(await ground.seal())
    found = await ground.node.logs(heads[1].number, heads[2].number, [LOGGER])
    assert [log["blockHash"] for log in found] == [heads[1].hash, heads[2].hash]
    assert all(int(log["data"], 16) == 42 for log in found)
    assert await ground.node.logs(heads[0].number, heads[2].number, [NOBODY]) == ()
    last = heads[2]
    assert await ground.node.logs(last.number, last.number, [LOGGER], tip=last.hash) == found[1:]
    assert await ground.node.logs(heads[1].number, last.number, [LOGGER], tip=last.hash) == found
    with pytest.raises(ChainError):  # another fork's block
        await ground.node.logs(last.number, last.number, [LOGGER], tip=BlockHash("0x" + "ab" * 32))


async def test_logs__node_behind_a_gateway_lags_or_has_pruned__refused_and_never_believed_empty(
    ground: Ground,
) -> None:
    await ground.lever.call("anvil_setCode", LOGGER, "0x602a60005260206000a000")  # log0(42)
    unsigned = Unsigned(to=LOGGER, data=b"", nonce=0, gas=50_000, gas_price=Wei(20 * GWEI))
    await ground.lever.call("eth_sendRawTransaction", sign(account_of(KEY), unsigned))
    has_logs = await ground.seal()
    async with running_proxy(ground.url) as proxy:
        node = open_node(proxy.rpc_url)
        at = has_logs.number
        assert len(await node.logs(at, at, [LOGGER], tip=has_logs.hash)) == 1
        proxy.follow(Plan(rules=(Rule(fault=Stale(blocks=1)),)))
        for tip in (has_logs.hash, None):
            with pytest.raises(ChainError):
                await node.logs(at, at, [LOGGER], tip=tip)
        proxy.follow(Plan())
        await ground.lever.call("anvil_mine", hex(400))
        assert len(await node.logs(at, BlockNumber(at + 60), [LOGGER])) == 1, "one of them is known"
        await ground.lever.call("anvil_mine", hex(1))
        proxy.follow(Plan(rules=(Rule(fault=NoLogs(), methods=frozenset({"eth_getLogs"})),)))
        with pytest.raises(LogsTooOld):
            await node.logs(at, BlockNumber(at + 60), [LOGGER])
        assert proxy.struck.total() > 0
        await node.close()


async def test_logs__further_back_than_nodes_remember__refused(ground: Ground) -> None:
    await ground.lever.call("anvil_mine", hex(300))
    head = await ground.node.head()
    with pytest.raises(LogsTooOld):
        await ground.node.logs(GENESIS.block, head.number, [COUNTER])


async def test_spender_of__nonces_in_several_blocks__each_is_named(ground: Ground) -> None:
    first = await ground.seal()
    hashes = []
    for nonce in range(4):
        signed = raw(nonce=nonce)
        hashes.append(await ground.lever.call("eth_sendRawTransaction", "0x" + signed.hex()))
        await ground.seal()
        await ground.seal()
    head = await ground.node.head()
    account = account_of(KEY).address
    for nonce, expected in enumerate(hashes):
        found = await ground.node.spender_of(account, nonce, after=first.number, by=head.number)
        assert found == expected


async def test_genesis__chain_grows__stays(ground: Ground) -> None:
    before = await ground.node.genesis()
    await ground.seal()
    assert await ground.node.genesis() == before


async def test_heads__over_websocket__every_block_and_a_reorganisation(ground: Ground) -> None:
    changes: list[Change] = []

    class Noted:
        def changed(self, change: Change) -> None:
            changes.append(change)

    heads = EthHeads(
        latest=ground.node.head,
        sockets=[Socket(name="anvil", url=ground.ws_url)],
        chain_id=964,
        policy=HeadPolicy(poll_s=0.1),
        tracer=Tracer(block=ground.node.block, listener=Noted()),
    )
    seen: list[Head] = []
    changed = asyncio.Event()

    async def watch() -> None:
        async for head in heads.heads():
            seen.append(head)
            changed.set()

    async def until(number: int, fork: str | None = None) -> None:
        async with asyncio.timeout(60):
            while not seen or seen[-1].number < number or seen[-1].hash == fork:
                changed.clear()
                await changed.wait()

    def is_followed() -> bool:
        last = changes[-1] if changes else None
        return isinstance(last, Advance | Reorg) and last.branch[-1] == seen[-1]

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(heads.run()), tasks.create_task(watch())]
        await until(GENESIS.block)
        await asyncio.sleep(0.3)  # the subscription stands
        for number in range(1, 6):
            await ground.seal()
            await until(GENESIS.block + number)
        before = seen[-1]
        await ground.lever.call("anvil_reorg", 2, [])
        await until(before.number, before.hash)
        async with asyncio.timeout(60):  # and is followed back
            while not is_followed():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
        for task in running:
            task.cancel()
    assert seen[-1] == await ground.node.head()
    back, *_ = (each for each in changes if isinstance(each, Reorg))  # the rest may come later
    assert back.ancestor.number == before.number - 2
    assert back.left[-1] == before
    assert back.branch[0].parent_hash == back.ancestor.hash
    numbers = [head.number - GENESIS.block for head in seen]
    assert numbers[:6] == [0, 1, 2, 3, 4, 5]
    assert len({head.hash for head in seen}) == len(seen)


async def test_nonces_and_receipts__several_at_once__as_asked_for_alone(ground: Ground) -> None:
    hashes = []
    for nonce in range(3):
        signed = raw(nonce=nonce)
        hashes.append(
            TxHash(await ground.lever.call("eth_sendRawTransaction", "0x" + signed.hex()))
        )
    account = account_of(KEY).address
    young = (await ground.node.head()).number
    assert await ground.node.nonces(account, young) == Nonces(latest=0, pending=3)
    assert await ground.node.receipts(hashes) == (None, None, None)
    for _ in range(3):
        await ground.seal()
    unknown = TxHash("0x" + "ab" * 32)
    found = await ground.node.receipts([hashes[2], unknown, hashes[0]])
    assert found == (
        await ground.node.receipt(hashes[2]),
        None,
        await ground.node.receipt(hashes[0]),
    )
    assert found[0] is not None
    head = (await ground.node.head()).number
    assert await ground.node.nonces(account, head) == Nonces(latest=3, pending=3)
    assert await ground.node.count_at(account, young) == 0
    assert await ground.node.count_at(account, BlockNumber(head + 1)) is None


@pytest.mark.parametrize("has_it", [False, True], ids=["and does not have it", "and makes it up"])
async def test_heads__the_node_boasts_for_a_while__true_ones_come_again(
    ground: Ground, has_it: bool
) -> None:
    boast = Plan(rules=(Rule(fault=Boast(blocks=10**9, has_it=has_it)),))
    withdrawn: list[Change] = []

    class Noted:
        def changed(self, change: Change) -> None:
            withdrawn.append(change)

    async with running_proxy(ground.url) as proxy, asyncio.timeout(60):
        node = open_node(proxy.rpc_url)
        heads = EthHeads(latest=node.head, policy=HeadPolicy(poll_s=0.05), listener=Noted())

        async def until(is_so: Callable[[], bool]) -> None:
            while not is_so():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(heads.run())
            first = await ground.seal()
            await until(lambda: heads.newest == first)
            proxy.follow(boast)
            if has_it:
                await until(lambda: heads.newest is not None and heads.newest.number > 10**9)
            else:
                await until(lambda: heads.problem is not None)
                assert heads.newest == first
            proxy.follow(Plan())
            last = await ground.seal()
            await until(lambda: heads.newest == last)
            running.cancel()
        await node.close()
    assert [type(each) for each in withdrawn] == [Withdrawal] * has_it
