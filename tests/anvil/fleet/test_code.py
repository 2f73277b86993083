"""A contract that is upgraded under the fleet, on a real node."""

from fleet.settings import ContractsSettings
from fleet.store.engine import Database
from fleet.transactions.request import Refused, Submitted
from fleet.wiring.code_watch import EVERY_BLOCKS, IMPLEMENTATION, CodeWatch, Gate
from tests.anvil.fleet.ground import COUNTER, LOOP, Ground, request
from tests.unit.fleet.wiring.simulated import Wall


async def test_upgrade__closes_the_gate_until_it_is_accepted(ground: Ground) -> None:
    database: Database = ground.database

    async def opened() -> Database:
        return database

    contracts = ContractsSettings(exchange=COUNTER, price_feed=LOOP)
    watch = CodeWatch(node=ground.node, contracts=contracts, opened=opened, clock=Wall())
    gate = Gate(ground.sender, watch)
    await ground.lever.call("anvil_setCode", LOOP, "0x5b600056")
    assert isinstance(await gate.submit(request()), Submitted)
    await watch.look(await ground.seal())

    slot, target = f"0x{IMPLEMENTATION:064x}", "0x" + LOOP[2:].rjust(64, "0")
    await ground.lever.call("anvil_setStorageAt", COUNTER, slot, target)
    for _ in range(EVERY_BLOCKS):
        await watch.look(await ground.seal())

    refused = await gate.submit(request())
    assert isinstance(refused, Refused)
    assert f"the code of exchange {COUNTER} is another than was accepted" in refused.reason
    (changed,) = [each for each in await watch.facts() if each.trouble is not None]
    assert changed.found.implementation == LOOP

    await watch.accept([changed])
    for _ in range(EVERY_BLOCKS):
        await watch.look(await ground.seal())
    assert await watch.refusal() is None
