import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import pytest

from devnet import anvil as anvil_module
from devnet.accounts import DEPLOYER_KEY, Unsigned, account_of, sign
from devnet.anvil import AnvilError, Genesis, find_anvil, running_anvil
from devnet.base_fee import BASE_FEE_FLOOR
from devnet.chain import Chain, SealError, StorageWrite
from devnet.rpc import NodeClient, NodeGoneError, Request, RpcError
from units import Address, BlockNumber, Timestamp, Wei

pytestmark = pytest.mark.anvil

GENESIS = Genesis(block=BlockNumber(5_072_232), time=Timestamp(1_741_305_600))
DEPLOYER = account_of(DEPLOYER_KEY)
SOMEONE = Address("0x00000000000000000000000000000000000Abc01")


def transfer(*, nonce: int, gas_price: int = BASE_FEE_FLOOR) -> str:
    return sign(
        DEPLOYER,
        Unsigned(
            to=SOMEONE,
            data=b"",
            nonce=nonce,
            gas=21_000,
            gas_price=Wei(gas_price),
            value=Wei(10**9),
        ),
    )


async def test_anvil__started__is_chain_964_at_the_tape_s_first_block() -> None:
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = NodeClient(session=session, url=anvil.rpc_url)
        chain_id, block = await node.batch(
            [
                Request(method="eth_chainId"),
                Request(method="eth_getBlockByNumber", params=("latest", False)),
            ]
        )
    assert int(chain_id, 16) == 964
    assert (int(block["number"], 16), int(block["timestamp"], 16)) == (5_072_232, 1_741_305_600)
    assert int(block["gasLimit"], 16) == 75_000_000


async def test_anvil__left__its_process_is_gone_and_the_client_says_so() -> None:
    async with aiohttp.ClientSession() as session:
        async with running_anvil(GENESIS) as anvil:
            node = NodeClient(session=session, url=anvil.rpc_url)
        with pytest.raises(NodeGoneError, match="does not answer"):
            await node.call("eth_chainId")
    with pytest.raises(ProcessLookupError):
        os.kill(anvil.pid, 0)


ABANDONED = """
import asyncio
from devnet.anvil import Genesis, running_anvil
from units import BlockNumber, Timestamp

async def main():
    async with running_anvil(Genesis(block=BlockNumber(7), time=Timestamp(1_741_305_600))) as anvil:
        print(anvil.rpc_url, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def answers(node: NodeClient) -> bool:
    try:
        await node.call("eth_blockNumber")
    except NodeGoneError:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_anvil__its_parent_is_killed__is_gone_too() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ABANDONED, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    url = (await parent.stdout.readline()).decode().strip()
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        node = NodeClient(session=session, url=url)
        assert int(await node.call("eth_blockNumber"), 16) == 7
        parent.kill()
        await parent.wait()
        while await answers(node):  # noqa: ASYNC110 - nobody tells of its end
            await asyncio.sleep(0.02)


async def test_anvil__two_at_once__each_has_its_own_port() -> None:
    async with running_anvil(GENESIS) as one, running_anvil(GENESIS) as two:
        assert one.port != two.port


async def test_anvil__refuses_to_start__its_own_words_are_in_the_error(tmp_path: Path) -> None:
    broken = tmp_path / "anvil"
    broken.write_text("#!/bin/sh\necho 'no such chain today' >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with pytest.raises(AnvilError, match="no such chain today"):
            async with running_anvil(GENESIS):
                pass


def test_find_anvil__neither_on_path_nor_installed__one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(anvil_module, "_NODE_MODULES", tmp_path)
    with pytest.raises(AnvilError, match="npm ci"):
        find_anvil()


async def test_seal__several_blocks__twelve_seconds_apart_and_finalized_two_behind() -> None:
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = NodeClient(session=session, url=anvil.rpc_url)
        chain = Chain(node)
        heads = [(await chain.seal(Timestamp(GENESIS.time + 12 * n))).head for n in range(1, 6)]
        finalized = await node.call("eth_getBlockByNumber", "finalized", False)
    assert [head.number - GENESIS.block for head in heads] == [1, 2, 3, 4, 5]
    assert [head.time - GENESIS.time for head in heads] == [12, 24, 36, 48, 60]
    assert [head.parent_hash for head in heads[1:]] == [head.hash for head in heads[:-1]]
    assert int(finalized["number"], 16) == heads[-1].number - 2


async def test_seal__transactions__stand_in_order_of_arrival_with_their_outcome() -> None:
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = NodeClient(session=session, url=anvil.rpc_url)
        chain = Chain(node)
        hashes = await node.batch(
            [Request(method="eth_sendRawTransaction", params=(transfer(nonce=n),)) for n in (0, 1)]
        )
        block = await chain.seal(Timestamp(GENESIS.time + 12))
    assert [receipt.tx_hash for receipt in block.receipts] == hashes
    assert all(receipt.succeeded for receipt in block.receipts)
    assert block.gas_used == 42_000
    assert block.base_fee == BASE_FEE_FLOOR


async def test_seal__storage_write__is_seen_at_the_sealed_block() -> None:
    word = "0x" + "00" * 31 + "2a"
    slot = "0x" + "00" * 32
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = NodeClient(session=session, url=anvil.rpc_url)
        write = StorageWrite(account=SOMEONE, slot=slot, value=word)
        block = await Chain(node).seal(Timestamp(GENESIS.time + 12), [write])
        assert await node.call("eth_getStorageAt", SOMEONE, slot, hex(block.head.number)) == word


async def test_seal__time_that_does_not_advance__is_refused() -> None:
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        chain = Chain(NodeClient(session=session, url=anvil.rpc_url))
        with pytest.raises((SealError, RpcError)):
            await chain.seal(Timestamp(GENESIS.time - 12))


async def test_outcomes__one_refused_of_two__the_other_goes_through() -> None:
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = NodeClient(session=session, url=anvil.rpc_url)
        too_cheap, accepted = await node.outcomes(
            [
                Request(
                    method="eth_sendRawTransaction",
                    params=(transfer(nonce=0, gas_price=9 * 10**9),),
                ),
                Request(method="eth_sendRawTransaction", params=(transfer(nonce=0),)),
            ]
        )
    assert isinstance(too_cheap, RpcError)
    assert isinstance(accepted, str)


async def test_old_state__more_than_310_blocks_back__is_gone() -> None:
    async with running_anvil(GENESIS) as anvil, aiohttp.ClientSession() as session:
        node = NodeClient(session=session, url=anvil.rpc_url)
        chain = Chain(node)
        for number in range(1, 400):
            await chain.seal(Timestamp(GENESIS.time + 12 * number))
        await node.call("eth_getBalance", SOMEONE, hex(GENESIS.block + 100))
        with pytest.raises(RpcError, match="BlockOutOfRange"):
            await node.call("eth_getBalance", SOMEONE, hex(GENESIS.block + 10))
