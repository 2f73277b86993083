from dataclasses import replace

import pytest

from fleet.settings import CodeHashes, NetworkKind
from fleet.wiring.facts import NodeFacts, SourceFacts, Unread
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.fleet.cli.worlds import CODE
from units import BlockHash, BlockNumber, Bps, Timestamp, Wei


@pytest.fixture(autouse=True)
def on_testnet(keepers: Console, fleet: SimulatedFleet) -> None:
    """A devnet's clock is not looked at."""
    network = fleet.settings.network.model_copy(update={"kind": NetworkKind.TESTNET})
    fleet.settings = fleet.settings.model_copy(update={"network": network})


def failures(keepers: Console) -> list[str]:
    """What failed, with what to do: two lines each, as one."""
    ended = keepers("doctor", "--json")
    checks = [check for check in ended.json["checks"] if check["verdict"] == "fail"]
    assert (ended.code == 0) == ended.json["healthy"] == (checks == [])
    assert ended.code in {0, 3}
    return [f"{check['subject']}: {check['found']} → {check['remedy']}" for check in checks]


def test_doctor__all_in_order__passes(keepers: Console) -> None:
    ended = keepers("doctor")

    assert ended.code == 0
    assert ended.stdout.splitlines()[-1] == "11 checks, 0 failed"
    assert "pass  node anvil: chain 964, block 100" in ended.stdout
    assert "pass  exchange 0x1111111111111111111111111111111111111111: the pinned code" in (
        ended.stdout
    )


def test_doctor__node_down_or_of_another_chain__fails(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.inspector.node = Unread(reason="connection refused")
    assert failures(keepers) == [
        "node anvil: connection refused → check the address, the rate and the operator"
    ]

    fleet.inspector.node = Unread(reason="anvil serves chain 945, not 964", remedy="remove it")
    assert failures(keepers) == ["node anvil: anvil serves chain 945, not 964 → remove it"]


@pytest.mark.parametrize(
    ("skew", "found"),
    [(-6, "the head is 6 s in the future"), (61, "the head is 1 min 1 s old")],
)
def test_doctor__clock_and_head_apart__fails(
    keepers: Console, fleet: SimulatedFleet, skew: int, found: str
) -> None:
    assert isinstance(fleet.inspector.node, NodeFacts)
    read_at = Timestamp(fleet.inspector.node.head_time + skew)
    fleet.inspector.node = replace(fleet.inspector.node, read_at=read_at)

    (failure,) = failures(keepers)

    assert failure.startswith(f"node anvil: clock: {found} → ")


def test_doctor__devnet__lives_in_the_time_of_its_prices(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    network = fleet.settings.network.model_copy(update={"kind": NetworkKind.DEVNET})
    fleet.settings = fleet.settings.model_copy(update={"network": network})
    assert isinstance(fleet.inspector.node, NodeFacts)
    fleet.inspector.node = replace(fleet.inspector.node, head_time=Timestamp(0))

    assert failures(keepers) == []


@pytest.mark.parametrize("skew", [-5, 0, 60])
def test_doctor__clock_within_its_limits__passes(
    keepers: Console, fleet: SimulatedFleet, skew: int
) -> None:
    assert isinstance(fleet.inspector.node, NodeFacts)
    read_at = Timestamp(fleet.inspector.node.head_time + skew)
    fleet.inspector.node = replace(fleet.inspector.node, read_at=read_at)

    assert failures(keepers) == []


def test_doctor__subtensor_of_another_chain_or_without_prices__fails(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    source = fleet.inspector.source
    assert isinstance(source, SourceFacts)
    fleet.inspector.source = replace(source, genesis=BlockHash("0x" + "00" * 32))
    (failure,) = failures(keepers)
    assert "another chain: genesis 0x0000" in failure

    fleet.inspector.source = replace(source, has_price_api=False, has_identities=False)
    price, identity = failures(keepers)
    assert "no SwapRuntimeApi_current_alpha_price_all" in price
    assert "registration blocks cannot be read" in identity


def test_doctor__contract_missing_or_upgraded__fails(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.inspector.code_hash = None
    (failure,) = failures(keepers)
    assert failure.endswith("no code at this address → correct contracts.exchange")

    fleet.inspector.code_hash = BlockHash("0x" + "dd" * 32)
    (failure,) = failures(keepers)
    assert f"pinned is {CODE}" in failure


def test_doctor__code_not_pinned__is_noted_and_no_failure(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    contracts = fleet.settings.contracts.model_copy(update={"code_hashes": CodeHashes()})
    fleet.settings = fleet.settings.model_copy(update={"contracts": contracts})

    ended = keepers("doctor")

    assert ended.code == 0
    assert f'once reviewed, set contracts.code_hashes.exchange = "{CODE}"' in ended.stdout


def test_doctor__role_missing__gives_the_call_that_the_admin_signs(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.inspector.is_granted = False

    (failure,) = failures(keepers)

    assert failure == (
        "KEEPER_ROLE of exchange for 0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A:"
        " not granted (to liquidate) → the admin signs grantRole(KEEPER_ROLE, …):"
        " to 0x00000000000000000000000000000000000000Ad data 0x2f2ff15d"
    )


def test_doctor__little_balance__fails(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.inspector.balance = Wei(10**18 - 1)

    (failure,) = failures(keepers)

    assert "0.9999 TAO → send it TAO: transactions.balance_low_tao is 1" in failure


def test_doctor__market_unlisted_changed_or_another_subnet__fails(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.inspector.is_listed = False
    fleet.inspector.registered_at = BlockNumber(6)
    unlisted, other = failures(keepers)
    assert unlisted.startswith("market VANTA (8): not listed on the exchange")
    assert other.startswith("market VANTA (8): identity: registered at 6, pinned is 5")

    fleet.inspector.is_listed = True
    fleet.inspector.registered_at = None
    fleet.inspector.open_fee = Bps(25)
    changed, gone = failures(keepers)
    assert "open_fee_bps is 25, not 10" in changed
    assert "the subnet does not exist" in gone


def test_doctor__nothing_readable__every_part_fails_with_its_reason(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.inspector.unreadable = "execution reverted"
    fleet.inspector.registered_at = Unread(reason="connection refused")

    subjects = [failure.split(":")[0] for failure in failures(keepers)]

    assert subjects == ["contracts", "keys", "roles", "markets"]


def test_doctor__keys_that_can_not_be_read__name_their_own_remedy(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.inspector.unreadable = "operator.key: is open to every user"
    fleet.inspector.remedy = "mend that file"

    _, keys, roles, _ = failures(keepers)

    assert keys == "keys: operator.key: is open to every user → mend that file"
    assert roles == "roles: operator.key: is open to every user → mend that file"
