from fleet.wiring.facts import Unread
from tests.anvil.fleet.ground import Ground
from tests.unit.fleet.wiring.simulated import settings
from tests.unit.fleet.wiring.test_inspection import inspector


async def test_nodes__of_another_chain__are_told_from_those_that_are_down(ground: Ground) -> None:
    wanted = settings(
        network={"name": "devnet", "kind": "devnet", "chain_id": 963},
        evm={"endpoints": [{"operator": "anvil", "url": ground.url}]},
    )

    assert await inspector(wanted).nodes() == {
        "anvil": Unread(
            reason="anvil serves chain 964, not 963",
            remedy="remove it from evm.endpoints or correct network.chain_id",
        )
    }
