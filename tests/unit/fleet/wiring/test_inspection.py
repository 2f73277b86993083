"""What is found out for `keepers doctor` where something can't be read."""

from pathlib import Path

import pytest

from fleet.runtime.clock import SystemClock
from fleet.settings import Settings
from fleet.wiring.facts import Unread
from fleet.wiring.inspection import WorldInspector
from protocol.deployment import Deployment
from tests.unit.fleet.wiring.scripted_node import ScriptedEndpoint, node_behind
from tests.unit.fleet.wiring.simulated import DOCUMENT, settings
from tests.unit.oracle.sources.endpoints import Endpoint, LoneSource
from units import Address


def inspector(wanted: Settings, endpoint: ScriptedEndpoint | None = None) -> WorldInspector:
    router = wanted.contracts.keeper_router
    deployment = Deployment(
        exchange=Address(wanted.contracts.exchange),
        price_feed=Address(wanted.contracts.price_feed),
        keeper_router=None if router is None else Address(router),
    )
    return WorldInspector(
        settings=wanted,
        node=node_behind(endpoint or ScriptedEndpoint()),
        source=LoneSource(Endpoint()),
        deployment=deployment,
        clock=SystemClock(),
    )


@pytest.mark.parametrize("part", ["accounts", "roles"])
async def test_keys__a_file_open_to_everybody__is_to_be_mended_and_no_node_blamed(
    tmp_path: Path, part: str
) -> None:
    file = tmp_path / "operator.key"
    file.write_text("0x" + "11" * 32)
    file.chmod(0o644)

    found = await getattr(
        inspector(settings(keys={"operator": {"private_key_file": file}})), part
    )()

    assert isinstance(found, Unread)
    assert str(file) in found.reason
    assert found.remedy.startswith("mend that file")


@pytest.mark.parametrize("part", ["roles", "markets"])
async def test_parts__node_down__ask_for_a_node_and_do_not_doubt_the_exchange(part: str) -> None:
    endpoint = ScriptedEndpoint()
    endpoint.is_down()
    wanted = settings(contracts=DOCUMENT["contracts"] | {"keeper_router": "0x" + "33" * 20})

    found = await getattr(inspector(wanted, endpoint), part)()

    assert found == Unread(reason="anvil: no answer in 5 s", remedy="needs a node that answers")
