"""The sender on a real node, with its real journal and key."""

import asyncio
import sys
from pathlib import Path

import pytest

from devnet.accounts import Unsigned, account_of, sign
from fleet.transactions.fees import FeeMode, FeePolicy
from fleet.transactions.policy import SenderPolicy
from fleet.transactions.request import (
    AlreadyInFlight,
    Expired,
    Final,
    Lane,
    Refused,
    Reverted,
    Submitted,
    Superseded,
)
from tests.anvil.fleet.doomed import MOMENTS
from tests.anvil.fleet.ground import COUNTER, GENESIS, GWEI, KEY, Ground, request
from units import BlockNumber, Wei

pytestmark = pytest.mark.anvil

ROOT = Path(__file__).parents[3]


async def test_submit__mined__told_once_and_final_after_two_blocks(ground: Ground) -> None:
    await ground.seal()
    submitted = await ground.sender.submit(request())
    assert isinstance(submitted, Submitted)
    assert await ground.settle(2) == ()
    assert [each.tx_hash for each in ground.sender.inclusions()] == [submitted.tx_hash]
    (settled,) = await ground.settle()
    assert isinstance(settled.outcome, Final)
    assert settled.tx_hash == submitted.tx_hash
    assert settled.outcome.fee == settled.outcome.gas_used * 11_300_000_000, "legacy pays its offer"
    assert await ground.settle(3) == ()
    assert (await ground.counted(), await ground.unfinished()) == (1, 0)


async def test_submit__eip1559__pays_the_base_fee_and_the_tip(ground: Ground) -> None:
    await ground.another_process(SenderPolicy(fees=FeePolicy(mode=FeeMode.EIP1559)))
    await ground.seal()
    await ground.sender.submit(request())
    (settled,) = await ground.conclude()
    assert isinstance(settled.outcome, Final)
    assert settled.outcome.fee == settled.outcome.gas_used * 11 * GWEI


async def test_submit__many__mined_in_the_order_of_submission(ground: Ground) -> None:
    await ground.another_process(SenderPolicy(lane_in_flight_max={Lane.LIQUIDATION: 16}))
    await ground.seal()
    for number in range(12):
        assert isinstance(await ground.sender.submit(request(f"work {number}")), Submitted)
    settled = await ground.conclude()
    assert [each.request.idempotency_key for each in settled] == [f"work {n}" for n in range(12)]
    assert await ground.counted() == 12


async def test_submit__would_revert__refused_with_the_contract_s_reason(ground: Ground) -> None:
    await ground.seal()
    await ground.make_counter_revert()
    assert await ground.sender.submit(request()) == Refused(reason="error deadbeef")
    assert await ground.pooled() == []


async def test_submit__value_above_the_balance__refused(ground: Ground) -> None:
    await ground.seal()
    refused = await ground.sender.submit(request(value=Wei(10**22)))
    assert isinstance(refused, Refused)
    assert "nsufficient funds" in refused.reason


async def test_submit__gas_above_the_block_s__refused_and_nonce_free(ground: Ground) -> None:
    await ground.seal()
    refused = await ground.sender.submit(request(gas_limit=80_000_000))
    assert isinstance(refused, Refused)
    submitted = await ground.sender.submit(request())
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 0


async def test_settle__reverted_on_chain__the_reason_is_found_again(ground: Ground) -> None:
    await ground.seal()
    await ground.sender.submit(request())
    await ground.make_counter_revert()
    (settled,) = await ground.conclude()
    assert isinstance(settled.outcome, Reverted)
    assert settled.outcome.reason == "error deadbeef"


async def test_settle__ran_out_of_gas__says_so(ground: Ground) -> None:
    await ground.seal()
    await ground.sender.submit(request(gas_limit=46_000))  # enough while slot 1 was written before
    (settled,) = await ground.conclude()
    assert isinstance(settled.outcome, Final)
    refused = await ground.sender.submit(request(gas_limit=24_000))
    assert isinstance(refused, Refused)
    assert "gas" in refused.reason.lower()


async def test_settle__base_fee_above_the_offer__replaced_until_it_is_taken(ground: Ground) -> None:
    await ground.seal()
    first = await ground.sender.submit(request())
    assert isinstance(first, Submitted)
    assert await ground.settle(base_fee=30 * GWEI) == ()
    (pooled,) = await ground.pooled()
    assert int(pooled["gasPrice"], 16) >= 30 * GWEI
    (settled,) = await ground.conclude(base_fee=30 * GWEI)
    assert isinstance(settled.outcome, Final)
    assert settled.tx_hash != first.tx_hash
    assert await ground.counted() == 1


async def test_settle__not_taken_for_three_blocks__replaced_with_at_least_an_eighth_more(
    ground: Ground,
) -> None:
    await ground.fill_blocks(3)
    await ground.sender.submit(request())
    (before,) = await ground.pooled_to(COUNTER)
    await ground.settle(3)
    (after,) = await ground.pooled_to(COUNTER)
    assert after["input"] == before["input"]
    assert int(after["gasPrice"], 16) * 8 >= int(before["gasPrice"], 16) * 9
    (settled,) = await ground.conclude()
    assert isinstance(settled.outcome, Final)
    assert await ground.counted() == 1


async def test_settle__dropped_by_the_pool__sent_again(ground: Ground) -> None:
    await ground.seal()
    submitted = await ground.sender.submit(request())
    assert isinstance(submitted, Submitted)
    await ground.lever.call("anvil_dropTransaction", submitted.tx_hash)
    await ground.settle()
    (settled,) = await ground.conclude()
    assert settled.tx_hash == submitted.tx_hash


async def test_settle__deadline_passes__the_nonce_is_used_by_nothing(ground: Ground) -> None:
    await ground.seal()
    late = request("late", valid_until=BlockNumber(GENESIS.block + 3))
    await ground.sender.submit(late)
    await ground.sender.submit(request("next"))
    await ground.settle(2, base_fee=190 * GWEI)  # above what a payload may offer
    settled = await ground.conclude(2)
    assert {each.request.idempotency_key: type(each.outcome) for each in settled} == {
        "late": Expired,
        "next": Final,
    }
    assert await ground.counted() == 1


async def test_settle__stranger_outbids_ours__superseded_when_final(ground: Ground) -> None:
    await ground.seal()
    await ground.sender.submit(request())
    stranger = Unsigned(to=COUNTER, data=b"", nonce=0, gas=100_000, gas_price=Wei(50 * GWEI))
    await ground.lever.call("eth_sendRawTransaction", sign(account_of(KEY), stranger))
    settled = await ground.settle(4)
    assert [type(each.outcome) for each in settled] == [Superseded]
    submitted = await ground.sender.submit(request())
    assert isinstance(submitted, Submitted)
    assert submitted.nonce == 1


async def test_settle__legacy_offer_after_a_change_to_eip1559__the_node_takes_the_replacement(
    ground: Ground,
) -> None:
    await ground.fill_blocks(9)
    await ground.sender.submit(request())
    await ground.another_process(SenderPolicy(fees=FeePolicy(mode=FeeMode.EIP1559)))
    await ground.settle(5)
    (pooled,) = await ground.pooled_to(COUNTER)
    assert pooled["type"] == "0x2"
    await ground.settle(3)
    (again,) = await ground.pooled_to(COUNTER)
    tips = [int(each["maxPriorityFeePerGas"], 16) for each in (pooled, again)]
    assert tips[1] * 8 >= tips[0] * 9, "and its own successor"


async def test_submit__stranger_offers_less_than_the_base_fee__does_not_hold_the_key_for_ever(
    ground: Ground,
) -> None:
    await ground.another_process(SenderPolicy(hold_blocks_max=3))
    await ground.seal()
    stranger = Unsigned(to=COUNTER, data=b"", nonce=0, gas=100_000, gas_price=Wei(11 * GWEI))
    await ground.lever.call("eth_sendRawTransaction", sign(account_of(KEY), stranger))
    assert isinstance(await ground.sender.submit(request()), Refused)
    await ground.settle(5, base_fee=30 * GWEI)
    assert isinstance(await ground.sender.submit(request()), Submitted)
    await ground.conclude(base_fee=30 * GWEI)
    assert await ground.counted() == 1, "outbid, by nothing or by ours"


async def test_submit__stranger_waits_in_the_pool__held_until_it_is_mined(ground: Ground) -> None:
    await ground.seal()
    stranger = Unsigned(to=COUNTER, data=b"", nonce=0, gas=100_000, gas_price=Wei(50 * GWEI))
    await ground.lever.call("eth_sendRawTransaction", sign(account_of(KEY), stranger))
    assert isinstance(await ground.sender.submit(request()), Refused)
    await ground.settle()
    assert isinstance(await ground.sender.submit(request()), Submitted)
    await ground.settle()
    assert await ground.counted() == 2


async def test_settle__block_replaced_by_an_empty_one__brought_back(ground: Ground) -> None:
    await ground.settle(2)
    await ground.sender.submit(request())
    snapshot = await ground.lever.call("evm_snapshot")
    assert await ground.settle() == ()
    await ground.lever.call("evm_revert", snapshot)
    await ground.lever.call("anvil_dropAllTransactions")
    assert await ground.counted() == 0
    assert len(await ground.settle(5)) == 1
    assert (await ground.counted(), await ground.unfinished()) == (1, 0)


async def test_settle__anvil_reorg__brought_back(ground: Ground) -> None:
    await ground.settle(3)
    await ground.sender.submit(request())
    assert await ground.settle() == ()
    await ground.lever.call("anvil_reorg", 1, [])
    assert await ground.counted() == 0
    assert await ground.sender.settle(await ground.node.head()) == ()
    assert len(await ground.settle(4)) == 1
    assert (await ground.counted(), await ground.unfinished()) == (1, 0)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_recover__process_killed__the_next_one_finishes_its_work_once(
    ground: Ground, tmp_path: Path, moment: str
) -> None:
    await ground.seal()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("doomed.py")),
        *(ground.url, str(tmp_path / "store.sqlite3"), moment),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert await child.wait() == -9
    await (await ground.another_process()).recover()
    again = await ground.sender.submit(request())
    expected = Submitted if moment == "before signing" else AlreadyInFlight
    assert isinstance(again, expected)
    (settled,) = await ground.conclude(2)
    assert isinstance(settled.outcome, Final)
    await ground.settle(3)
    assert (await ground.counted(), await ground.unfinished()) == (1, 0)


async def test_recover__node_was_replaced_by_an_empty_pool__everything_is_sent_again(
    ground: Ground,
) -> None:
    await ground.seal()
    for number in range(5):
        await ground.sender.submit(request(f"work {number}"))
    await ground.lever.call("anvil_dropAllTransactions")
    await (await ground.another_process()).recover()
    assert len(await ground.pooled()) == 5
    assert len(await ground.conclude()) == 5
    assert await ground.counted() == 5
